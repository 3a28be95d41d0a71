/* csp/wifi: a wireless profile must be one, and for the network that its node names (csp.md 14). */
#include "base/encode.h"
#include "codec/xml.h"
#include "device/csp/tree.h"

#define WLAN_NS "http://www.microsoft.com/networking/WLAN/profile/v1"

static bool names(const struct td_xml *ssid, const char *wanted, struct td_arena *a)
{
    struct td_slice name = td_xml_text_at(ssid, "name"), hex = td_xml_text_at(ssid, "hex"), octets = {NULL, 0};
    if (name.n == 0 && hex.n == 0)
        return false;
    if (hex.n != 0 && (td_hex_decode(a, hex, &octets) != TD_OK || !td_eqs(octets, wanted)))
        return false;
    return name.n == 0 || td_eqs(name, wanted);
}

int td_csp_wlan(struct td_csp_call *call)
{
    if (call->op != TD_CSP_ADD && call->op != TD_CSP_REPLACE)
        return 0;
    struct td_xml *root;
    if (td_xml_parse(call->data, 65536, call->a, &root, NULL) != TD_OK || !td_xml_is(root, WLAN_NS, "WLANProfile"))
        return td_csp_refuse(call, 500, TD_CSP_E_BADDATA);
    if (!names(td_xml_path(root, "SSIDConfig/SSID"), call->part[0], call->a))
        return td_csp_refuse(call, 500, TD_CSP_E_BADVALUE);
    return 0;
}
