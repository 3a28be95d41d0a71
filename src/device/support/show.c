#include "device/show.h"

#include "base/encode.h"
#include "base/file.h"
#include "codec/json.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "crypto/tpm.h"
#include "device/disk.h"
#include "device/dm.h"
#include "device/reset.h"
#include "device/tpm.h"

enum kind {
    STATE,  /* a text of the state file */
    YES,    /* YES if the text is set */
    EFFECT, /* of the tree of nodes */
    LIST,   /* effect of several lines */
    ROOTS,  /* effect of several certificates: their subjects */
    KEY,    /* where the key of this name is: in the TPM, or in a file */
    EK      /* TPMT_PUBLIC in base64: the SHA-256 by which the service knows it */
};

/* One row is one line of the text and one member of the JSON. */
static const struct row {
    const char *section, *label, *name, *key;
    enum kind kind;
} rows[] = {
    {"Device State", "AzureAdJoined", "azureAdJoined", "join.device_id", YES},
    {"Device State", "EnterpriseJoined", "enterpriseJoined", "never", YES},
    {"Device State", "DomainJoined", "domainJoined", "domain.name", YES},
    {"Device State", "DomainName", "domainName", "domain.netbios", STATE},
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
    {"Domain", "Domain", "domain", "domain.name", STATE},
    {"Domain", "Computer", "domainComputer", "domain.machine", STATE},
    {"Domain", "ComputerSid", "domainComputerSid", "domain.sid", STATE},
    {"Domain", "ComputerGuid", "domainComputerGuid", "domain.guid", STATE},
    {"Domain", "DomainController", "domainController", "domain.dc", STATE},
    {"Domain", "AppliedAt", "domainAppliedAt", "domain.at", STATE},
    {"Keys", "Tpm", "tpm", "tpm.tcti", STATE},
    {"Keys", "TpmVersion", "tpmVersion", "tpm.version", STATE},
    {"Keys", "EndorsementKey", "endorsementKey", "tpm.ek", EK},
    {"Keys", "DeviceKey", "deviceKey", "device.key.pem", KEY},
    {"Keys", "ManagementKey", "managementKey", "mdm.key.pem", KEY},
    {"Keys", "TransportKey", "transportKey", "transport.key.pem", KEY},
    {"User State", "User", "user", "signin.user", STATE},
    {"User State", "UserSid", "userSid", "domain.user_sid", STATE},
    {"SSO State", "AzureAdPrt", "azureAdPrt", "prt.token", YES},
    {"SSO State", "AzureAdPrtUpdateTime", "azureAdPrtUpdateTime", "prt.at", STATE},
    {"Management", "Provider", "provider", "enrol.provider", STATE},
    {"Management", "Address", "address", "enrol.addr", STATE},
    {"Management", "Certificate", "mdmThumbprint", "enrol.thumbprint", STATE},
    {"Autopilot", "Registration", "registrationId", "profile.registration_id", STATE},
    {"Autopilot", "Profile", "profile", "profile.name", STATE},
    {"Autopilot", "ProfileSource", "profileSource", "profile.source", STATE},
    {"Autopilot", "ProfileId", "profileId", "profile.id", STATE},
    {"Autopilot", "Attested", "attested", "join.attested", STATE},
    {"Autopilot", "Language", "language", "answer.language", STATE},
    {"Autopilot", "Region", "region", "answer.region", STATE},
    {"Autopilot", "IgnoredFile", "ignoredFile", "offline.ignored", STATE},
    {"Autopilot", "Ready", "readyAt", "ready.at", STATE},
    {"Autopilot", "Inputs", "inputs", "ui.inputs", STATE},
    {"Effects", "Edition", "edition", "edition_number", EFFECT},
    {"Effects", "Product", "product", "edition", EFFECT},
    {"Effects", "AccountGroup", "accountGroup", "account_group", EFFECT},
    {"Effects", "Restarts", "restarts", "restarts", EFFECT},
    {"Effects", "Screen", "screen", "screen", EFFECT},
    {"Effects", "Kiosk", "kioskApp", "kiosk_app", EFFECT},
    {"Effects", "KioskApps", "kioskApps", "kiosk_apps", LIST},
    {"Effects", "KioskAccount", "kioskAccount", "kiosk_account", EFFECT},
    {"Effects", "Autologon", "autologon", "autologon", EFFECT},
    {"Effects", "SharedPC", "sharedPc", "shared_pc", EFFECT},
    {"Effects", "AccountDeletion", "accountDeletion", "account_deletion", EFFECT},
    {"Effects", "Accounts", "accounts", "accounts", LIST},
    {"Effects", "Administrators", "administrators", "administrators", LIST},
    {"Effects", "Wi-Fi", "wifi", "wifi", LIST},
    {"Effects", "VPN", "vpn", "vpn", LIST},
    {"Effects", "CoManagement", "coManagement", "co_management", EFFECT},
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

/* "" before it is made. */
static const char *place_of(const struct td_device *dev, const char *file, struct td_arena *a)
{
    enum td_tpm_key_kind kind;
    if (td_tpm_holds(dev, file, &kind))
        return td_file_exists(td_device_path(dev, a, td_tpm_key_file(kind))) ? "TPM" : "";
    return td_file_exists(td_device_path(dev, a, file)) ? "file" : "";
}

/* Of the SubjectPublicKeyInfo (domain-join-and-tpm.md 3). */
static const char *fingerprint(const char *text, struct td_arena *a)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_slice octets = {0}, spki = {0};
    struct td_tpm_public p;
    unsigned char sum[32];
    if (text == NULL || td_b64_decode(a, td_str(text), TD_B64_STD, &octets) != TD_OK ||
        td_tpm_public_read(octets, &p, NULL) != TD_OK || td_tpm_key(&p, &key, NULL) != TD_OK ||
        td_key_public_der(key, a, &spki) != TD_OK)
        return NULL;
    td_sha256(spki, sum);
    return td_hex(a, td_bytes(sum, sizeof(sum)));
}

static const char *value_of(struct td_device *dev, const struct row *r, struct td_arena *a)
{
    if (r->kind == EFFECT || r->kind == LIST)
        return td_device_effect(dev, r->key, a);
    if (r->kind == ROOTS)
        return subjects(td_device_effect(dev, r->key, a), a);
    if (r->kind == KEY)
        return place_of(dev, r->key, a);
    const char *text = td_state_get(dev->state, r->key);
    if (r->kind == EK)
        return fingerprint(text, a);
    return r->kind == YES ? (text != NULL ? "YES" : "NO") : text;
}

/* --- what it holds, part by part: what the matrix of resets is about ---------------------------------------------- */

static const char *const where_words[] = {[TD_DISK_STATE] = "state", [TD_DISK_NODE] = "node", [TD_DISK_FILE] = "file"};

static size_t count_of(const struct td_disk_list *list, enum td_part part)
{
    size_t n = 0;
    for (size_t i = 0; i < list->count; i++)
        n += (list->v[i].parts & (1u << part)) != 0;
    return n;
}

static void show_reset(struct td_device *dev, struct td_buf *out)
{
    int64_t status;
    uint32_t error;
    enum td_action_kind kind;
    td_reset_status(dev, &status, &error);
    td_buf_printf(out, "\nReset\n%26s : %s\n", "Pending",
                  td_reset_pending(dev, &kind) ? td_action_rows[kind].word : "NO");
    td_buf_printf(out, "%26s : %lld %s\n", "AutopilotResetStatus", (long long)status, td_action_report_word(status));
    td_buf_printf(out, "%26s : 0x%08x\n", "LastError", error);
}

static void show_parts(struct td_device *dev, struct td_buf *out)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_disk_list list = {0};
    td_buf_printf(out, "\nHolds\n");
    if (td_disk_state(dev, &a, &list, NULL) != TD_OK)
        return;
    for (int part = 0; part < TD_PART_COUNT; part++)
        if (count_of(&list, part) != 0)
            td_buf_printf(out, "%26s : %zu\n", td_part_word(part), count_of(&list, part));
}

static void write_part(struct td_jsonw *w, const struct td_disk_list *list, const char *word, uint32_t bit)
{
    td_jsonw_key(w, word);
    td_jsonw_obj(w);
    for (size_t i = 0; i < list->count; i++) {
        const struct td_disk_item *it = &list->v[i];
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        if (bit != 0 ? (it->parts & bit) != 0 : it->parts == 0)
            td_jsonw_kstr(w, td_arena_printf(&a, "%s %s", where_words[it->where], it->name), it->value);
    }
    td_jsonw_end(w);
}

/* {"user files":{"file disk/users/...":"SHA-256"},...,"machine":{...}}; the last are in no part: they never go. */
static void write_parts(struct td_jsonw *w, struct td_device *dev)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_disk_list list = {0};
    td_jsonw_key(w, "holds");
    td_jsonw_obj(w);
    if (td_disk_state(dev, &a, &list, NULL) == TD_OK) {
        for (int part = 0; part < TD_PART_COUNT; part++)
            if (count_of(&list, part) != 0)
                write_part(w, &list, td_part_word(part), 1u << part);
        write_part(w, &list, "machine", 0);
    }
    td_jsonw_end(w);
}

static void write_reset(struct td_jsonw *w, struct td_device *dev)
{
    int64_t status;
    uint32_t error;
    enum td_action_kind kind;
    td_reset_status(dev, &status, &error);
    td_jsonw_kint(w, "resetStatus", status);
    td_jsonw_kint(w, "resetLastError", (int32_t)error);
    td_jsonw_kstr(w, "resetPending", td_reset_pending(dev, &kind) ? td_action_rows[kind].word : NULL);
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
    show_reset(dev, out);
    show_parts(dev, out);
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
    write_reset(&w, dev);
    write_parts(&w, dev);
    td_jsonw_end(&w);
    td_buf_addc(out, '\n');
}
