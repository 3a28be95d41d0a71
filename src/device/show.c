#include "device/show.h"

#include "codec/json.h"
#include "crypto/cert.h"
#include "device/dm.h"

enum kind {
    STATE,  /* a text of the state file */
    YES,    /* YES if the text is set */
    EFFECT, /* of the tree of nodes */
    LIST,   /* effect of several lines */
    ROOTS   /* effect of several certificates: their subjects */
};

/* One row is one line of the text and one member of the JSON. */
static const struct row {
    const char *section, *label, *name, *key;
    enum kind kind;
} rows[] = {
    {"Device State", "AzureAdJoined", "azureAdJoined", "join.device_id", YES},
    {"Device State", "EnterpriseJoined", "enterpriseJoined", "never", YES},
    {"Device State", "DomainJoined", "domainJoined", "never", YES},
    {"Device State", "Device Name", "computerName", "computer_name", EFFECT},
    {"Device Details", "DeviceId", "deviceId", "join.device_id", STATE},
    {"Device Details", "Thumbprint", "thumbprint", "join.thumbprint", STATE},
    {"Device Details", "DeviceCertificateValidity", "certificateFrom", "join.not_before", STATE},
    {"Device Details", "DeviceCertificateUntil", "certificateUntil", "join.not_after", STATE},
    {"Tenant Details", "TenantName", "tenantName", "profile.tenant", STATE},
    {"Tenant Details", "TenantId", "tenantId", "profile.tenant_id", STATE},
    {"Tenant Details", "AuthCodeUrl", "authCodeUrl", "sts.authorize", STATE},
    {"Tenant Details", "AccessTokenUrl", "accessTokenUrl", "sts.token", STATE},
    {"Tenant Details", "MdmUrl", "mdmUrl", "signin.mdm_url", STATE},
    {"Tenant Details", "MdmTouUrl", "mdmTouUrl", "signin.mdm_terms_url", STATE},
    {"Tenant Details", "MdmComplianceUrl", "mdmComplianceUrl", "signin.mdm_compliance_url", STATE},
    {"Tenant Details", "JoinSrvVersion", "joinSrvVersion", "join.version", STATE},
    {"Tenant Details", "JoinSrvUrl", "joinSrvUrl", "join.url", STATE},
    {"Tenant Details", "JoinSrvId", "joinSrvId", "join.resource", STATE},
    {"User State", "User", "user", "signin.user", STATE},
    {"SSO State", "AzureAdPrt", "azureAdPrt", "prt.token", YES},
    {"SSO State", "AzureAdPrtUpdateTime", "azureAdPrtUpdateTime", "prt.at", STATE},
    {"Management", "Provider", "provider", "enrol.provider", STATE},
    {"Management", "Address", "address", "enrol.addr", STATE},
    {"Management", "Certificate", "mdmThumbprint", "enrol.thumbprint", STATE},
    {"Autopilot", "Registration", "registrationId", "profile.registration_id", STATE},
    {"Autopilot", "Profile", "profile", "profile.name", STATE},
    {"Autopilot", "ProfileSource", "profileSource", "profile.source", STATE},
    {"Autopilot", "ProfileId", "profileId", "profile.id", STATE},
    {"Autopilot", "IgnoredFile", "ignoredFile", "offline.ignored", STATE},
    {"Autopilot", "Ready", "readyAt", "ready.at", STATE},
    {"Autopilot", "Inputs", "inputs", "ui.inputs", STATE},
    {"Effects", "Edition", "edition", "edition_number", EFFECT},
    {"Effects", "Product", "product", "edition", EFFECT},
    {"Effects", "AccountGroup", "accountGroup", "account_group", EFFECT},
    {"Effects", "Restarts", "restarts", "restarts", EFFECT},
    {"Effects", "Accounts", "accounts", "accounts", LIST},
    {"Effects", "Administrators", "administrators", "administrators", LIST},
    {"Effects", "Wi-Fi", "wifi", "wifi", LIST},
    {"Effects", "Apps", "apps", "apps", LIST},
    {"Effects", "Policies", "policies", "policies", LIST},
    {"Effects", "TrustedRoots", "trustedRoots", "trusted_roots", ROOTS},
};

/* PEM blocks to one subject a line. */
static const char *subjects(const char *pem, struct td_arena *a)
{
    static const char begin[] = "-----BEGIN";
    TD_CLEANUP(td_buf_done) struct td_buf text;
    td_buf_init(&text, 65536);
    struct td_slice rest = td_str(pem);
    while (rest.n != 0) {
        size_t next = td_search(td_sub(rest, 1, rest.n), td_str(begin));
        struct td_slice one = td_sub(rest, 0, next == SIZE_MAX ? rest.n : next + 1), der;
        struct td_cert cert;
        if (td_cert_from_pem(one, a, &der, NULL) == TD_OK && td_cert_parse(der, a, &cert, NULL) == TD_OK)
            td_buf_printf(&text, "%s%s", text.n != 0 ? "\n" : "", cert.subject);
        rest = td_sub(rest, one.n, rest.n);
    }
    return td_arena_text(a, td_buf_slice(&text));
}

static const char *value_of(struct td_device *dev, const struct row *r, struct td_arena *a)
{
    if (r->kind == EFFECT || r->kind == LIST)
        return td_device_effect(dev, r->key, a);
    if (r->kind == ROOTS)
        return subjects(td_device_effect(dev, r->key, a), a);
    const char *text = td_state_get(dev->state, r->key);
    return r->kind == YES ? (text != NULL ? "YES" : "NO") : text;
}

void td_device_show(struct td_device *dev, struct td_buf *out)
{
    const char *section = "";
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        struct td_slice rest = td_str(value_of(dev, &rows[i], &a)), line;
        if (strcmp(section, rows[i].section) != 0)
            td_buf_printf(out, "%s%s\n", i != 0 ? "\n" : "", rows[i].section);
        section = rows[i].section;
        do {
            rest = td_cut(rest, '\n', &line);
            td_buf_printf(out, "%26s : %.*s\n", rows[i].label, TD_FMT(line));
        } while (rest.n != 0);
    }
}

static void write_list(struct td_jsonw *w, const char *text)
{
    struct td_slice rest = td_str(text), line;
    td_jsonw_arr(w);
    while (rest.n != 0) {
        rest = td_cut(rest, '\n', &line);
        td_jsonw_slice(w, line);
    }
    td_jsonw_arr_end(w);
}

void td_device_show_json(struct td_device *dev, struct td_buf *out)
{
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        const char *value = value_of(dev, &rows[i], &a);
        td_jsonw_key(&w, rows[i].name);
        if (rows[i].kind == LIST || rows[i].kind == ROOTS)
            write_list(&w, value);
        else if (rows[i].kind == YES)
            td_jsonw_bool(&w, strcmp(value, "YES") == 0);
        else
            td_jsonw_str(&w, value);
    }
    td_jsonw_end(&w);
    td_buf_addc(out, '\n');
}
