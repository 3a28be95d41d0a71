/* A VPN profile as one ProfileXML (csp.md 15), elements in the order of the published schema. Windows wants its VPN
 * commands inside an Atomic. */
#include "policy/desired_item.h"

#define VPN_NAMES 3

static const char *const PROTOCOLS[VPN_NAMES][2] = {{"ikev2", "IKEv2"}, {"l2tp", "L2tp"}, {"automatic", "Automatic"}};

static void leaf_if(struct td_xmlw *w, const char *name, const char *value)
{
    if (value[0] != '\0')
        td_xmlw_leaf(w, name, value);
}

static const char *servers(const struct td_item_vpn *v, struct td_arena *a)
{
    const char *all = v->servers[0];
    for (size_t i = 1; i < v->server_count; i++)
        all = td_arena_printf(a, "%s,%s", all, v->servers[i]);
    return all;
}

static void authentication(struct td_xmlw *w, const struct td_item_vpn *v)
{
    td_xmlw_open(w, "Authentication");
    if (strcmp(v->authentication, "machineCertificate") == 0) {
        td_xmlw_leaf(w, "MachineMethod", "Certificate");
    } else if (strcmp(v->authentication, "mschapv2") == 0) {
        td_xmlw_leaf(w, "UserMethod", "MSChapv2");
    } else {
        td_xmlw_leaf(w, "UserMethod", "Eap");
        td_xmlw_open(w, "Eap");
        td_xmlw_open(w, "Configuration");
        td_xmlw_raw(w, td_str(v->eap_xml)); /* a document of its own, checked by item_vpn.c */
        td_xmlw_close(w);
        td_xmlw_close(w);
    }
    td_xmlw_close(w);
}

static void native(struct td_xmlw *w, const struct td_item_vpn *v, struct td_arena *a)
{
    td_xmlw_open(w, "NativeProfile");
    td_xmlw_leaf(w, "Servers", servers(v, a));
    td_xmlw_leaf(w, "RoutingPolicyType", v->route_count != 0 || v->device_tunnel ? "SplitTunnel" : "ForceTunnel");
    for (size_t i = 0; i < VPN_NAMES; i++)
        if (strcmp(v->protocol, PROTOCOLS[i][0]) == 0)
            td_xmlw_leaf(w, "NativeProtocolType", PROTOCOLS[i][1]);
    leaf_if(w, "L2tpPsk", v->preshared_key);
    if (v->route_count != 0)
        td_xmlw_leaf(w, "DisableClassBasedDefaultRoute", "true");
    authentication(w, v);
    td_xmlw_close(w);
}

static char *profile_xml(const struct td_item_vpn *v, struct td_arena *a)
{
    struct td_buf b;
    struct td_xmlw w;
    td_buf_init(&b, TD_ITEM_MAX);
    td_xmlw_init(&w, &b);
    td_xmlw_open(&w, "VPNProfile");
    td_xmlw_leaf(&w, "AlwaysOn", v->always_on ? "true" : "false");
    leaf_if(&w, "DnsSuffix", v->dns_suffix);
    leaf_if(&w, "TrustedNetworkDetection", v->trusted_network);
    if (v->device_tunnel)
        td_xmlw_leaf(&w, "DeviceTunnel", "true");
    native(&w, v, a);
    for (size_t i = 0; i < v->route_count; i++) {
        td_xmlw_open(&w, "Route");
        td_xmlw_leaf(&w, "Address", v->routes[i].address);
        td_xmlw_leaf(&w, "PrefixSize", td_arena_printf(a, "%d", v->routes[i].prefix));
        td_xmlw_close(&w);
    }
    td_xmlw_close(&w);
    char *xml = td_arena_text(a, td_buf_slice(&b));
    td_buf_wipe(&b);
    return xml;
}

const char *td_vpn_profile_xml(const struct td_item_vpn *v, struct td_arena *a)
{
    return v->profile_xml[0] != '\0' ? v->profile_xml : profile_xml(v, a);
}

/* Its presence is what the status page waits for and what we ask back: its text may hold a key. */
void td_vpn_wants(struct td_desired_ctx *c, const struct td_item *item)
{
    char *node = td_vpn_node(item, c->arena);
    enum td_stage stage = item->user ? TD_STAGE_USER_SETTING : TD_STAGE_SETTING;
    struct td_want *atomic = td_want_add(c, stage, TD_SYNC_ATOMIC, node), **tail = c->tail;
    c->tail = &atomic->child;
    struct td_want *w = td_want_add(c, stage, TD_SYNC_ADD, td_arena_printf(c->arena, "%s/ProfileXML", node));
    w->format = "chr";
    w->type = "text/plain";
    w->data = td_vpn_profile_xml(&item->as.vpn, c->arena);
    c->tail = tail;
    td_want_ask(c, item->user ? TD_STAGE_USER_PROOF : TD_STAGE_PROOF, node, "");
}

char *td_vpn_node(const struct td_item *item, struct td_arena *a)
{
    return td_arena_printf(a, "%s/Vendor/MSFT/VPNv2/%s", td_want_root(item), td_want_segment(a, item->as.vpn.name));
}
