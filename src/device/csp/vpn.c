/* csp/vpn: VPNv2: a profile comes whole, as ProfileXML, or node by node; either way it must name a server before it can
 * be dialled (csp.md 15). */
#include "device/csp/vpn.h"

#include "base/encode.h"
#include "codec/xml.h"
#include "device/csp/tree.h"

enum { MAX_XML = 64 << 10, NAME_AT = 4 /* .../Vendor/MSFT/VPNv2/{name} */ };

static const char *servers_of(const struct td_xml *root, struct td_arena *a)
{
    struct td_slice native = td_xml_text_at(root, "NativeProfile/Servers");
    struct td_slice plugin = td_xml_text_at(root, "PluginProfile/ServerUrlList");
    return td_arena_text(a, native.n != 0 ? native : plugin);
}

static const struct td_xml *profile_of(struct td_slice text, struct td_arena *a)
{
    struct td_xml *root = NULL;
    if (td_xml_parse(text, MAX_XML, a, &root, NULL) != TD_OK || !td_xml_is(root, NULL, "VPNProfile"))
        return NULL;
    return root;
}

static bool is_true(struct td_slice text)
{
    return td_ieqs(text, "true") || td_eqs(text, "1");
}

int td_csp_vpn_profile(struct td_csp_call *call)
{
    if (call->op != TD_CSP_ADD && call->op != TD_CSP_REPLACE)
        return 0;
    const struct td_xml *root = profile_of(call->data, call->a);
    if (root == NULL)
        return td_csp_refuse(call, 500, TD_CSP_E_BADDATA);
    if (servers_of(root, call->a)[0] == '\0')
        return td_csp_refuse(call, 500, TD_CSP_E_BADVALUE);
    struct td_slice routing = td_xml_text_at(root, "NativeProfile/RoutingPolicyType");
    bool tunnel = is_true(td_xml_text_at(root, "DeviceTunnel"));
    if (tunnel && (call->user || td_ieqs(routing, "ForceTunnel")))
        return td_csp_refuse(call, 500, TD_CSP_E_BADVALUE);
    return 0;
}

static void from_xml(const char *text, struct td_arena *a, struct td_csp_vpn *v)
{
    const struct td_xml *root = profile_of(td_str(text), a);
    if (root == NULL)
        return;
    v->servers = servers_of(root, a);
    v->always_on = is_true(td_xml_text_at(root, "AlwaysOn"));
    v->device_tunnel = is_true(td_xml_text_at(root, "DeviceTunnel"));
}

static void from_nodes(struct td_csp *csp, const char *node, struct td_arena *a, struct td_csp_vpn *v)
{
    const char *servers = td_csp_value(csp, td_arena_printf(a, "%s/NativeProfile/Servers", node));
    if (v->servers[0] == '\0' && servers != NULL)
        v->servers = td_arena_strdup(a, servers);
    v->always_on = v->always_on || td_csp_true(csp, td_arena_printf(a, "%s/AlwaysOn", node));
    v->device_tunnel = v->device_tunnel || td_csp_true(csp, td_arena_printf(a, "%s/DeviceTunnel", node));
}

/* "Device/Vendor/MSFT/VPNv2/{name}" out of a key below it. */
static const char *node_of(const char *key, struct td_arena *a)
{
    const char *slash = key;
    for (int i = 0; i < NAME_AT && slash != NULL; i++)
        slash = strchr(slash + 1, '/');
    const char *end = slash != NULL ? strchr(slash + 1, '/') : NULL;
    return td_arena_text(a, td_bytes(key, end != NULL ? (size_t)(end - key) : strlen(key)));
}

static size_t collect(struct td_csp *csp, const char *prefix, bool user, struct td_arena *a, size_t n,
                      struct td_csp_vpn *ret)
{
    const char *last = "";
    size_t at = 0;
    for (const char *key; n < TD_CSP_MAX_VPNS && (key = td_csp_each(csp, prefix, &at)) != NULL;) {
        const char *node = node_of(key, a);
        if (strcmp(node, last) == 0)
            continue;
        last = node;
        const char *xml = td_csp_value(csp, td_arena_printf(a, "%s/ProfileXML", node));
        struct td_csp_vpn v = {.name = td_csp_name(node, a), .servers = "", .user = user};
        if (xml != NULL)
            from_xml(xml, a, &v);
        from_nodes(csp, node, a, &v);
        if (v.servers[0] != '\0')
            ret[n++] = v;
    }
    return n;
}

size_t td_csp_vpns(struct td_csp *csp, struct td_arena *a, struct td_csp_vpn ret[TD_CSP_MAX_VPNS])
{
    size_t n = collect(csp, "Device/Vendor/MSFT/VPNv2/", false, a, 0, ret);
    return collect(csp, "User/Vendor/MSFT/VPNv2/", true, a, n, ret);
}
