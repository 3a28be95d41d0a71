#include "policy/workload.h"

#include "base/fault.h"
#include "codec/syncml.h"

static const struct {
    const char *word;
    unsigned bits;
} WORDS[] = {
    {"compliance", TD_WORKLOAD_COMPLIANCE},
    {"resource-access", TD_WORKLOAD_RESOURCE_ACCESS},
    {"device-configuration", TD_WORKLOAD_DEVICE_CONFIGURATION},
    {"windows-update", TD_WORKLOAD_WINDOWS_UPDATE},
    {"endpoint-protection", TD_WORKLOAD_ENDPOINT_PROTECTION},
    {"client-apps", TD_WORKLOAD_CLIENT_APPS},
    {"office", TD_WORKLOAD_OFFICE},
};

/* Below Vendor/MSFT/; the first that fits holds. */
static const struct {
    const char *below;
    unsigned bits;
} NODES[] = {
    {"Policy/Config/Update/", TD_WORKLOAD_WINDOWS_UPDATE},
    {"Update/", TD_WORKLOAD_WINDOWS_UPDATE},
    {"Policy/Config/Defender/", TD_WORKLOAD_ENDPOINT_PROTECTION},
    {"Policy/Config/BitLocker/", TD_WORKLOAD_ENDPOINT_PROTECTION},
    {"Policy/Config/DeviceGuard/", TD_WORKLOAD_ENDPOINT_PROTECTION},
    {"Policy/Config/ExploitGuard/", TD_WORKLOAD_ENDPOINT_PROTECTION},
    {"Policy/Config/SmartScreen/", TD_WORKLOAD_ENDPOINT_PROTECTION},
    {"Policy/Config/Security/RequireDeviceEncryption", TD_WORKLOAD_ENDPOINT_PROTECTION},
    {"Defender/", TD_WORKLOAD_ENDPOINT_PROTECTION},
    {"Firewall/", TD_WORKLOAD_ENDPOINT_PROTECTION},
    {"BitLocker/", TD_WORKLOAD_ENDPOINT_PROTECTION},
    {"WiFi/", TD_WORKLOAD_RESOURCE_ACCESS},
    {"VPNv2/", TD_WORKLOAD_RESOURCE_ACCESS},
    {"RootCATrustedCertificates/", TD_WORKLOAD_RESOURCE_ACCESS},
    {"CertificateStore/", TD_WORKLOAD_RESOURCE_ACCESS},
    {"ClientCertificateInstall/", TD_WORKLOAD_RESOURCE_ACCESS},
    {"EnterpriseDesktopAppManagement/", TD_WORKLOAD_CLIENT_APPS},
    {"EnterpriseModernAppManagement/", TD_WORKLOAD_CLIENT_APPS},
    {"Office/", TD_WORKLOAD_OFFICE},
    {"DMClient/", 0},
    {"DeviceManageability/", 0},
    {"EnrollmentStatusTracking/", 0},
};

/* What is no list of settings belongs to one workload as a whole. */
static const unsigned KINDS[TD_ITEM_KIND_COUNT] = {
    [TD_ITEM_MSI] = TD_WORKLOAD_CLIENT_APPS,
    [TD_ITEM_ROOT_CERTIFICATE] = TD_WORKLOAD_RESOURCE_ACCESS,
    [TD_ITEM_WIFI] = TD_WORKLOAD_RESOURCE_ACCESS,
    [TD_ITEM_VPN] = TD_WORKLOAD_RESOURCE_ACCESS,
    [TD_ITEM_EDITION] = TD_WORKLOAD_DEVICE_CONFIGURATION,
    [TD_ITEM_KIOSK] = TD_WORKLOAD_DEVICE_CONFIGURATION,
    [TD_ITEM_SHARED_PC] = TD_WORKLOAD_DEVICE_CONFIGURATION,
};

const char *td_workload_word(size_t at, unsigned *ret_bits)
{
    *ret_bits = at < TD_COUNTOF(WORDS) ? WORDS[at].bits : 0;
    return at < TD_COUNTOF(WORDS) ? WORDS[at].word : NULL;
}

unsigned td_workload_of(const char *uri)
{
    static const char vendor[] = "Vendor/MSFT/";
    struct td_slice text = td_str(uri);
    size_t at = td_search(text, td_str(vendor));
    struct td_slice below = at == SIZE_MAX ? TD_S("") : td_sub(text, at + strlen(vendor), text.n);
    for (size_t i = 0; i < TD_COUNTOF(NODES); i++)
        if (td_istarts(below, NODES[i].below))
            return NODES[i].bits;
    return TD_WORKLOAD_DEVICE_CONFIGURATION;
}

static bool is_ours(unsigned bits, unsigned ours)
{
    return (bits & ours) == bits;
}

static bool brings(const struct td_item *item, const char *id)
{
    const struct td_item_domain_join *d = &item->as.domain_join;
    if (item->kind == TD_ITEM_CO_MANAGEMENT)
        return strcmp(item->as.co_management.client, id) == 0;
    for (size_t i = 0; item->kind == TD_ITEM_DOMAIN_JOIN && i < d->network_count; i++)
        if (strcmp(d->network[i], id) == 0)
            return true;
    return false;
}

static bool is_brought(const struct td_item *items, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (brings(&items[i], id))
            return true;
    return false;
}

static bool keep_settings(struct td_item_policy *p, unsigned ours)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++)
        if (is_ours(td_workload_of(p->settings[i].uri), ours))
            p->settings[kept++] = p->settings[i];
    p->count = kept;
    return kept != 0;
}

static bool stays(struct td_item *items, size_t count, struct td_item *one, unsigned ours)
{
    if (one->kind == TD_ITEM_POLICY)
        return keep_settings(&one->as.policy, ours);
    return is_ours(KINDS[one->kind], ours) || is_brought(items, count, one->id);
}

size_t td_workload_keep(struct td_item *items, size_t count)
{
    const struct td_item *by = NULL;
    size_t kept = 0, whole = count;
    for (size_t i = 0; i < count && by == NULL; i++)
        if (items[i].kind == TD_ITEM_CO_MANAGEMENT)
            by = &items[i];
    if (by == NULL || td_fault("workload-sent-anyway"))
        return count;
    const unsigned ours = by->as.co_management.workloads;
    bool goes[TD_WORKLOAD_MAX_ITEMS] = {false};
    whole = TD_MIN(count, (size_t)TD_WORKLOAD_MAX_ITEMS);
    for (size_t i = 0; i < whole; i++)
        goes[i] = !stays(items, count, &items[i], ours);
    for (size_t i = 0; i < count; i++)
        if (i >= whole || !goes[i])
            items[kept++] = items[i];
    return kept;
}
