/* The item of kind vpn: read, checked, written (csp.md 15). What the members may be follows the published schema of
 * ProfileXML; a whole ProfileXML is taken instead of them, checked for its outline only. */
#include "codec/xml.h"
#include "policy/item_read.h"

#include <arpa/inet.h>
#include <stdio.h>

#define EAP_NS "http://www.microsoft.com/provisioning/EapHostConfig"

enum { MAX_NAME = 64, MAX_SERVERS = 8, MAX_ROUTES = 64, MAX_XML = 64 << 10, MAX_KEY = 128 };

static bool is_profile_name(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F || strchr("/\\\"<>|?*:", *c) != NULL)
            return false;
    return text[0] != ' ' && text[strlen(text) - 1] != ' ';
}

static int address_bits(const char *text)
{
    unsigned char octets[16];
    if (inet_pton(AF_INET, text, octets) == 1)
        return 32;
    return inet_pton(AF_INET6, text, octets) == 1 ? 128 : 0;
}

static enum td_code list_of(struct td_item_reader *r, const char *name, size_t max, const struct td_json **ret)
{
    const struct td_json *list = td_json_get(r->json, name);
    *ret = NULL;
    if (list == NULL)
        return TD_OK;
    if (list->type != TD_JSON_ARRAY || td_json_count(list) > max)
        return td_fail(r->err, TD_EINVAL, name, "must be a list of at most %zu", max);
    for (const struct td_json *one = list->child; one != NULL; one = one->next)
        if (one->type != TD_JSON_STRING)
            return td_fail(r->err, TD_EINVAL, name, "must be a list of texts");
    *ret = list->child;
    return TD_OK;
}

static enum td_code read_servers(struct td_item_reader *r, struct td_item_vpn *v)
{
    const struct td_json *one;
    td_try(list_of(r, "servers", MAX_SERVERS, &one));
    v->servers = td_arena_array(r->arena, const char *, MAX_SERVERS);
    for (; one != NULL; one = one->next) {
        if (address_bits(one->str) == 0 && !td_item_is_dns_name(one->str, 1))
            return td_fail(r->err, TD_EINVAL, "servers", "\"%.100s\" is no name and no address of a server", one->str);
        v->servers[v->server_count++] = one->str;
    }
    return v->server_count != 0 ? TD_OK
                                : td_fail(r->err, TD_EINVAL, "servers", "names the servers to dial: one or more");
}

/* "10.0.0.0/8" */
static bool read_route(struct td_arena *a, const char *text, struct td_item_route *ret)
{
    struct td_slice address, rest = td_cut(td_str(text), '/', &address);
    uint64_t prefix = 0;
    ret->address = td_arena_text(a, address);
    int bits = address_bits(ret->address);
    if (bits == 0 || !td_parse_u64(rest, &prefix) || prefix > (uint64_t)bits)
        return false;
    ret->prefix = (int)prefix;
    return true;
}

static enum td_code read_routes(struct td_item_reader *r, struct td_item_vpn *v)
{
    const struct td_json *one;
    td_try(list_of(r, "routes", MAX_ROUTES, &one));
    v->routes = td_arena_array(r->arena, struct td_item_route, MAX_ROUTES);
    for (; one != NULL; one = one->next)
        if (!read_route(r->arena, one->str, &v->routes[v->route_count++]))
            return td_fail(r->err, TD_EINVAL, "routes", "\"%.100s\" is no network such as 10.0.0.0/8", one->str);
    return TD_OK;
}

static enum td_code name_member(struct td_item_reader *r, const char *name, const char **ret)
{
    td_try(td_item_text(r, name, 253, false, ret));
    if ((*ret)[0] != '\0' && !td_item_is_dns_name(*ret, 1))
        return td_fail(r->err, TD_EINVAL, name, "must be a DNS name");
    return TD_OK;
}

static enum td_code one_of(struct td_item_reader *r, const char *name, const char *const *words, const char **ret)
{
    td_try(td_item_text(r, name, 32, false, ret));
    if ((*ret)[0] == '\0')
        *ret = words[0];
    for (size_t i = 0; words[i] != NULL; i++)
        if (strcmp(*ret, words[i]) == 0)
            return TD_OK;
    return td_fail(r->err, TD_EINVAL, name, "must be %s, %s or %s", words[0], words[1], words[2]);
}

static enum td_code read_eap(struct td_item_reader *r, struct td_item_vpn *v)
{
    struct td_xml *root = NULL;
    bool eap = strcmp(v->authentication, "eap") == 0;
    td_try(td_item_text(r, "eapXml", MAX_XML, eap, &v->eap_xml));
    if (v->eap_xml[0] == '\0')
        return TD_OK;
    if (!eap)
        return td_fail(r->err, TD_EINVAL, "eapXml", "goes with authentication eap only");
    if (!td_starts(td_str(v->eap_xml), "<EapHostConfig") ||
        td_xml_parse(td_str(v->eap_xml), MAX_XML, r->arena, &root, NULL) != TD_OK ||
        !td_xml_is(root, EAP_NS, "EapHostConfig"))
        return td_fail(r->err, TD_EINVAL, "eapXml", "must be an EapHostConfig document without declaration");
    return TD_OK;
}

static enum td_code read_authentication(struct td_item_reader *r, struct td_item_vpn *v)
{
    static const char *const protocols[] = {"ikev2", "l2tp", "automatic", NULL};
    static const char *const methods[] = {"machineCertificate", "mschapv2", "eap", NULL};
    td_try(one_of(r, "protocol", protocols, &v->protocol));
    td_try(one_of(r, "authentication", methods, &v->authentication));
    bool ikev2 = strcmp(v->protocol, "ikev2") == 0, l2tp = strcmp(v->protocol, "l2tp") == 0;
    if (strcmp(v->authentication, "machineCertificate") == 0 && !ikev2)
        return td_fail(r->err, TD_EINVAL, "authentication", "machineCertificate goes with protocol ikev2 only");
    if (strcmp(v->authentication, "mschapv2") == 0 && ikev2)
        return td_fail(r->err, TD_EINVAL, "authentication", "mschapv2 does not go with ikev2; use eap");
    td_try(td_item_text(r, "presharedKey", MAX_KEY, false, &v->preshared_key));
    if (v->preshared_key[0] != '\0' && !l2tp)
        return td_fail(r->err, TD_EINVAL, "presharedKey", "goes with protocol l2tp only");
    return read_eap(r, v);
}

/* A device tunnel is up before anybody signs in: the machine's certificate by IKEv2 and nothing else. */
static enum td_code read_tunnel(struct td_item_reader *r, struct td_item_vpn *v)
{
    td_try(td_item_bool(r, "deviceTunnel", false, &v->device_tunnel));
    td_try(td_item_bool(r, "alwaysOn", v->device_tunnel, &v->always_on));
    if (!v->device_tunnel)
        return TD_OK;
    if (r->item->user)
        return td_fail(r->err, TD_EINVAL, "deviceTunnel", "goes with scope device only");
    if (strcmp(v->authentication, "machineCertificate") != 0)
        return td_fail(r->err, TD_EINVAL, "deviceTunnel",
                       "goes with authentication machineCertificate only: nobody is there to sign in");
    return v->always_on ? TD_OK : td_fail(r->err, TD_EINVAL, "alwaysOn", "must be true for a device tunnel");
}

static enum td_code read_whole(struct td_item_reader *r, struct td_item_vpn *v)
{
    struct td_xml *root = NULL;
    for (const struct td_json *m = r->json->child; m != NULL; m = m->next)
        if (strstr(" kind scope track name profileXml ", td_arena_printf(r->arena, " %.64s ", m->name)) == NULL)
            return td_fail(r->err, TD_EINVAL, m->name, "does not go with profileXml, which says all of it");
    if (td_xml_parse(td_str(v->profile_xml), MAX_XML, r->arena, &root, NULL) != TD_OK)
        return td_fail(r->err, TD_EINVAL, "profileXml", "is no XML");
    if (!td_xml_is(root, NULL, "VPNProfile") ||
        (td_xml_child(root, NULL, "NativeProfile") == NULL && td_xml_child(root, NULL, "PluginProfile") == NULL))
        return td_fail(r->err, TD_EINVAL, "profileXml", "must be a VPNProfile with NativeProfile or PluginProfile");
    return TD_OK;
}

enum td_code td_item_read_vpn(struct td_item_reader *r)
{
    struct td_item_vpn *v = &r->item->as.vpn;
    *v = (struct td_item_vpn){.protocol = "",
                              .authentication = "",
                              .eap_xml = "",
                              .preshared_key = "",
                              .dns_suffix = "",
                              .trusted_network = ""};
    td_try(td_item_text(r, "name", MAX_NAME, true, &v->name));
    if (!is_profile_name(v->name))
        return td_fail(r->err, TD_EINVAL, "name",
                       "must be 1 to %d octets without control characters and without / \\ \" < > | ? * :", MAX_NAME);
    td_try(td_item_text(r, "profileXml", MAX_XML, false, &v->profile_xml));
    if (v->profile_xml[0] != '\0')
        return read_whole(r, v);
    td_try(read_servers(r, v));
    td_try(read_authentication(r, v));
    td_try(read_tunnel(r, v));
    td_try(read_routes(r, v));
    td_try(name_member(r, "dnsSuffix", &v->dns_suffix));
    return name_member(r, "trustedNetwork", &v->trusted_network);
}

static void write_routes(struct td_jsonw *w, const struct td_item_vpn *v)
{
    char text[64];
    if (v->route_count == 0)
        return;
    td_jsonw_key(w, "routes");
    td_jsonw_arr(w);
    for (size_t i = 0; i < v->route_count; i++) {
        (void)snprintf(text, sizeof(text), "%s/%d", v->routes[i].address, v->routes[i].prefix);
        td_jsonw_str(w, text);
    }
    td_jsonw_arr_end(w);
}

static void key_if(struct td_jsonw *w, const char *name, const char *value)
{
    if (value[0] != '\0')
        td_jsonw_kstr(w, name, value);
}

void td_item_write_vpn(struct td_jsonw *w, const struct td_item_vpn *v, bool with_secrets)
{
    td_jsonw_kstr(w, "name", v->name);
    if (v->profile_xml[0] != '\0') {
        if (with_secrets)
            td_jsonw_kstr(w, "profileXml", v->profile_xml);
        return;
    }
    td_item_write_ids(w, "servers", (const char *const *)v->servers, v->server_count);
    td_jsonw_kstr(w, "protocol", v->protocol);
    td_jsonw_kstr(w, "authentication", v->authentication);
    if (with_secrets)
        key_if(w, "presharedKey", v->preshared_key);
    key_if(w, "eapXml", v->eap_xml);
    td_jsonw_kbool(w, "alwaysOn", v->always_on);
    td_jsonw_kbool(w, "deviceTunnel", v->device_tunnel);
    write_routes(w, v);
    key_if(w, "dnsSuffix", v->dns_suffix);
    key_if(w, "trustedNetwork", v->trusted_network);
}
