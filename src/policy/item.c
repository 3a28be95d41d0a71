#include "policy/item.h"

#include "base/encode.h"
#include "base/env.h"
#include "codec/syncml.h"
#include "policy/catalogue.h"
#include "policy/item_read.h"

#include <ctype.h>
#include <stdio.h>

static const char *const KINDS[TD_ITEM_KIND_COUNT] = {
    [TD_ITEM_POLICY] = "policy",
    [TD_ITEM_MSI] = "msi",
    [TD_ITEM_ROOT_CERTIFICATE] = "root-certificate",
    [TD_ITEM_WIFI] = "wifi",
    [TD_ITEM_EDITION] = "edition",
    [TD_ITEM_STATUS_PAGE] = "status-page",
    [TD_ITEM_KIOSK] = "kiosk",
    [TD_ITEM_SHARED_PC] = "shared-pc",
    [TD_ITEM_DOMAIN_JOIN] = "domain-join",
    [TD_ITEM_VPN] = "vpn",
    [TD_ITEM_CO_MANAGEMENT] = "co-management",
};

const char *td_item_word(enum td_item_kind kind)
{
    return (unsigned)kind < TD_ITEM_KIND_COUNT ? KINDS[kind] : "";
}

bool td_item_has_secret(enum td_item_kind kind)
{
    return kind == TD_ITEM_WIFI || kind == TD_ITEM_EDITION || kind == TD_ITEM_VPN;
}

struct td_item_page td_item_default_page(void)
{
    return (struct td_item_page){.show = true,
                                 .timeout_minutes = 60,
                                 .allow_retry = true,
                                 .allow_reset = true,
                                 .collect_logs = true,
                                 .error_text = ""};
}

static const struct {
    const char *name;
    int number;
} EDITIONS[] = {
    {"Home", 101},           {"Professional", 48},           {"ProfessionalWorkstation", 161},
    {"Education", 121},      {"ProfessionalEducation", 164}, {"Enterprise", 4},
    {"EnterpriseLTSC", 125}, {"IoTEnterprise", 188},
};

int td_edition_number(struct td_slice name)
{
    for (size_t i = 0; i < TD_COUNTOF(EDITIONS); i++)
        if (td_ieqs(name, EDITIONS[i].name))
            return EDITIONS[i].number;
    return 0;
}

/* Members of each kind beside kind, scope and track: one list, so that a misspelt one is told and not ignored. */
static const char *const MEMBERS[TD_ITEM_KIND_COUNT] = {
    [TD_ITEM_POLICY] = " settings atomic ",
    [TD_ITEM_MSI] =
        " content productCode productVersion commandLine timeoutMinutes retryCount retryIntervalMinutes after ",
    [TD_ITEM_ROOT_CERTIFICATE] = " thumbprint certificate ",
    [TD_ITEM_WIFI] = " ssid security passphrase hidden automatic ",
    [TD_ITEM_EDITION] = " productKey edition ",
    [TD_ITEM_STATUS_PAGE] = (" show showToEveryUser timeoutMinutes allowReset allowRetry allowContinue collectLogs "
                             "errorText "),
    [TD_ITEM_KIOSK] = (" aumid path arguments url edgeType edgeIdleMinutes apps taskbar account autologonName "
                       "breakout "),
    [TD_ITEM_SHARED_PC] = (" oneDriveSync accountModel deletionPolicy diskLevelDeletion diskLevelCaching inactiveDays "
                           "accountManager kioskAumid kioskTile eduPolicies powerPolicies maintenanceStart "
                           "signInOnResume sleepSeconds restrictLocalStorage maxPageFileMb "),
    [TD_ITEM_DOMAIN_JOIN] = (" domain organizationalUnit namePrefix nameRandom nameTemplate oneDevice reuse "
                             "networkAccess "),
    [TD_ITEM_VPN] = (" name profileXml servers protocol authentication presharedKey eapXml alwaysOn deviceTunnel "
                     "routes dnsSuffix trustedNetwork "),
    [TD_ITEM_CO_MANAGEMENT] = " client parameters timeoutMinutes workloads ",
};

static enum td_code check_members(struct td_item_reader *r)
{
    for (const struct td_json *m = r->json->child; m != NULL; m = m->next) {
        char quoted[68];
        (void)snprintf(quoted, sizeof(quoted), " %.64s ", m->name);
        bool common = strstr(" kind scope track ", quoted) != NULL;
        if (!common && strstr(MEMBERS[r->item->kind], quoted) == NULL)
            return td_fail(r->err, TD_EINVAL, m->name, "is no member of an item of kind %s",
                           td_item_word(r->item->kind));
    }
    return TD_OK;
}

static enum td_code value_text(struct td_item_reader *r, const struct td_json *m, const char **ret,
                               const char **ret_format)
{
    *ret_format = "chr";
    if (m == NULL)
        return td_fail(r->err, TD_EINVAL, "value", "is missing");
    if (m->type == TD_JSON_STRING)
        *ret = m->str;
    else if (m->type == TD_JSON_INT)
        *ret = td_arena_printf(r->arena, "%lld", (long long)m->num);
    else if (m->type == TD_JSON_BOOL)
        *ret = m->num != 0 ? "true" : "false";
    else
        return td_fail(r->err, TD_EINVAL, "value", "must be text, a whole number, true or false");
    *ret_format = m->type == TD_JSON_INT ? "int" : m->type == TD_JSON_BOOL ? "bool" : "chr";
    return TD_OK;
}

static enum td_code setting_uri(struct td_item_reader *r, const struct td_json *s, const char **ret)
{
    const char *policy = td_json_str(s, "policy"), *uri = td_json_str(s, "uri");
    const char *scope = r->item->user ? "./User" : "./Device";
    if ((policy == NULL) == (uri == NULL))
        return td_fail(r->err, TD_EINVAL, "policy", "a setting has either policy (Area/Name) or uri");
    if (policy != NULL)
        uri = td_arena_printf(r->arena, "%s/Vendor/MSFT/Policy/Config/%s", scope, policy);
    if (!td_sync_uri_ok(td_str(uri)) || !td_starts(td_str(uri), "./"))
        return td_fail(r->err, TD_EINVAL, "uri", "is no path of a node");
    if (td_sync_uri_is_user(td_str(uri)) != r->item->user)
        return td_fail(r->err, TD_EINVAL, "uri", "is not in the item's scope (%s)", scope);
    *ret = uri;
    return TD_OK;
}

static enum td_code read_setting(struct td_item_reader *r, const struct td_json *s, struct td_item_setting *ret)
{
    const char *format, *verb = td_json_str(s, "operation"), *given = td_json_str(s, "format");
    if (s->type != TD_JSON_OBJECT)
        return td_fail(r->err, TD_EINVAL, "settings", "must be a list of objects");
    td_try(setting_uri(r, s, &ret->uri));
    td_try(value_text(r, td_json_get(s, "value"), &ret->value, &format));
    const struct td_csp_node *node = td_csp_find(td_str(ret->uri));
    ret->format = given != NULL ? given : node != NULL ? node->format : format;
    if (node != NULL)
        td_try(td_csp_check(node, td_str(ret->uri), td_str(ret->value), r->err));
    if (strstr(" chr int bool b64 xml node null ", td_arena_printf(r->arena, " %s ", ret->format)) == NULL)
        return td_fail(r->err, TD_EINVAL, "format", "must be chr, int, bool, b64, xml, node or null");
    ret->verb = verb != NULL ? verb : "replace";
    if (strcmp(ret->verb, "replace") != 0 && strcmp(ret->verb, "add") != 0 && strcmp(ret->verb, "exec") != 0)
        return td_fail(r->err, TD_EINVAL, "operation", "must be replace, add or exec");
    return TD_OK;
}

static enum td_code read_policy(struct td_item_reader *r)
{
    struct td_item_policy *p = &r->item->as.policy;
    const struct td_json *list = td_json_get(r->json, "settings");
    if (list == NULL || list->type != TD_JSON_ARRAY || list->child == NULL)
        return td_fail(r->err, TD_EINVAL, "settings", "must be a list with one setting or more");
    if (td_json_count(list) > TD_ITEM_MAX_SETTINGS)
        return td_fail(r->err, TD_ELIMIT, "settings", "more than %d", TD_ITEM_MAX_SETTINGS);
    p->settings = td_arena_array(r->arena, struct td_item_setting, td_json_count(list));
    for (const struct td_json *s = list->child; s != NULL; s = s->next)
        td_try(read_setting(r, s, &p->settings[p->count++]));
    return td_item_bool(r, "atomic", false, &p->atomic);
}

static enum td_code read_msi(struct td_item_reader *r)
{
    struct td_item_msi *m = &r->item->as.msi;
    const char *code;
    char id[TD_UUID_TEXT];
    td_try(td_item_text(r, "content", 64, true, &m->content));
    if (strlen(m->content) != 64 || strspn(m->content, "0123456789abcdef") != 64)
        return td_fail(r->err, TD_EINVAL, "content", "must be a SHA-256 in lower-case hexadecimal");
    td_try(td_item_text(r, "productCode", 38, true, &code));
    if (!td_uuid_parse(td_str(code), id))
        return td_fail(r->err, TD_EINVAL, "productCode", "must be a GUID");
    for (char *c = id; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    m->product_code = td_arena_printf(r->arena, "{%s}", id);
    td_try(td_item_text(r, "productVersion", 32, true, &m->product_version));
    td_try(td_item_text(r, "commandLine", 1024, false, &m->command_line));
    td_try(td_item_int(r, "timeoutMinutes", 10, 0, 1440, &m->timeout_minutes));
    td_try(td_item_int(r, "retryCount", 3, 0, 100, &m->retry_count));
    td_try(td_item_ids(r, "after", TD_ITEM_MAX_AFTER, &m->after, &m->after_count));
    return td_item_int(r, "retryIntervalMinutes", 5, 0, 1440, &m->retry_interval_minutes);
}

static enum td_code read_root(struct td_item_reader *r)
{
    struct td_item_root *c = &r->item->as.root;
    struct td_slice der;
    td_try(td_item_text(r, "thumbprint", 40, true, &c->thumbprint));
    if (strlen(c->thumbprint) != 40 || strspn(c->thumbprint, "0123456789ABCDEF") != 40)
        return td_fail(r->err, TD_EINVAL, "thumbprint", "must be a SHA-1 in upper-case hexadecimal");
    td_try(td_item_text(r, "certificate", 32768, true, &c->certificate));
    if (td_b64_decode(r->arena, td_str(c->certificate), TD_B64_STD, &der) != TD_OK || der.n == 0)
        return td_fail(r->err, TD_EINVAL, "certificate", "must be base64 on one line");
    if (r->item->user)
        return td_fail(r->err, TD_EINVAL, "scope", "a trusted root is for the device");
    return TD_OK;
}

static enum td_code read_wifi(struct td_item_reader *r)
{
    struct td_item_wifi *w = &r->item->as.wifi;
    td_try(td_item_text(r, "ssid", 32, true, &w->ssid));
    td_try(td_item_text(r, "security", 16, false, &w->security));
    td_try(td_item_text(r, "passphrase", 64, false, &w->passphrase));
    if (w->security[0] == '\0')
        w->security = w->passphrase[0] != '\0' ? "wpa2-personal" : "open";
    bool open = strcmp(w->security, "open") == 0;
    if (!open && strcmp(w->security, "wpa2-personal") != 0 && strcmp(w->security, "wpa3-personal") != 0)
        return td_fail(r->err, TD_EINVAL, "security", "must be open, wpa2-personal or wpa3-personal");
    if (open && w->passphrase[0] != '\0')
        return td_fail(r->err, TD_EINVAL, "passphrase", "an open network has none");
    if (!open && strlen(w->passphrase) < 8)
        return td_fail(r->err, TD_EINVAL, "passphrase", "must have 8 to 64 characters");
    td_try(td_item_bool(r, "hidden", false, &w->hidden));
    return td_item_bool(r, "automatic", true, &w->automatic);
}

static bool is_product_key(const char *key)
{
    if (strlen(key) != 29)
        return false;
    for (int i = 0; i < 29; i++) {
        bool dash = i % 6 == 5;
        if (dash ? key[i] != '-' : !isupper((unsigned char)key[i]) && !isdigit((unsigned char)key[i]))
            return false;
    }
    return true;
}

static enum td_code read_edition(struct td_item_reader *r)
{
    struct td_item_edition *e = &r->item->as.edition;
    const struct td_json *edition = td_json_get(r->json, "edition");
    td_try(td_item_text(r, "productKey", 29, true, &e->product_key));
    if (!is_product_key(e->product_key))
        return td_fail(r->err, TD_EINVAL, "productKey", "must be five groups of five capital letters or digits");
    if (edition != NULL && edition->type == TD_JSON_STRING)
        e->edition = td_edition_number(td_str(edition->str));
    else if (edition != NULL && edition->type == TD_JSON_INT && edition->num > 0 && edition->num < 1000)
        e->edition = (int)edition->num;
    if (edition != NULL && e->edition == 0)
        return td_fail(r->err, TD_EINVAL, "edition", "must be a known name (Enterprise, ...) or a PRODUCT_ number");
    if (r->item->user)
        return td_fail(r->err, TD_EINVAL, "scope", "the edition is the device's");
    return TD_OK;
}

static enum td_code read_page(struct td_item_reader *r)
{
    struct td_item_page *p = &r->item->as.page, d = td_item_default_page();
    td_try(td_item_bool(r, "show", d.show, &p->show));
    td_try(td_item_bool(r, "showToEveryUser", d.show_to_every_user, &p->show_to_every_user));
    td_try(td_item_int(r, "timeoutMinutes", d.timeout_minutes, 1, 1440, &p->timeout_minutes));
    td_try(td_item_bool(r, "allowReset", d.allow_reset, &p->allow_reset));
    td_try(td_item_bool(r, "allowRetry", d.allow_retry, &p->allow_retry));
    td_try(td_item_bool(r, "allowContinue", d.allow_continue, &p->allow_continue));
    td_try(td_item_bool(r, "collectLogs", d.collect_logs, &p->collect_logs));
    return td_item_text(r, "errorText", 1000, false, &p->error_text);
}

static enum td_code (*const READERS[TD_ITEM_KIND_COUNT])(struct td_item_reader *r) = {
    [TD_ITEM_POLICY] = read_policy,
    [TD_ITEM_MSI] = read_msi,
    [TD_ITEM_ROOT_CERTIFICATE] = read_root,
    [TD_ITEM_WIFI] = read_wifi,
    [TD_ITEM_EDITION] = read_edition,
    [TD_ITEM_STATUS_PAGE] = read_page,
    [TD_ITEM_KIOSK] = td_item_read_kiosk,
    [TD_ITEM_SHARED_PC] = td_item_read_shared_pc,
    [TD_ITEM_DOMAIN_JOIN] = td_item_read_domain_join,
    [TD_ITEM_VPN] = td_item_read_vpn,
    [TD_ITEM_CO_MANAGEMENT] = td_item_read_co_management,
};

static enum td_code unknown_kind(struct td_item_reader *r)
{
    struct td_buf b;
    td_buf_init(&b, 1024);
    for (unsigned i = 0; i < TD_ITEM_KIND_COUNT; i++) {
        td_buf_adds(&b, i == 0 ? "" : i + 1 < TD_ITEM_KIND_COUNT ? ", " : " or ");
        td_buf_adds(&b, KINDS[i]);
    }
    enum td_code rc = td_fail(r->err, TD_EINVAL, "kind", "must be %.*s", TD_FMT(td_buf_slice(&b)));
    td_buf_done(&b);
    return rc;
}

static enum td_code read_kind(struct td_item_reader *r)
{
    const char *kind, *scope;
    td_try(td_item_text(r, "kind", 32, true, &kind));
    r->item->kind = TD_ITEM_KIND_COUNT;
    for (unsigned i = 0; i < TD_ITEM_KIND_COUNT; i++)
        if (strcmp(kind, KINDS[i]) == 0)
            r->item->kind = (enum td_item_kind)i;
    if (r->item->kind == TD_ITEM_KIND_COUNT)
        return unknown_kind(r);
    td_try(td_item_text(r, "scope", 8, false, &scope));
    r->item->user = strcmp(scope, "user") == 0;
    if (scope[0] != '\0' && !r->item->user && strcmp(scope, "device") != 0)
        return td_fail(r->err, TD_EINVAL, "scope", "must be device or user");
    return td_item_bool(r, "track", true, &r->item->tracked);
}

enum td_code td_item_parse(const struct td_json *json, struct td_arena *a, struct td_item *ret, struct td_error *err)
{
    struct td_item item = {.id = "", .name = ""};
    struct td_item_reader r = {.json = json, .arena = a, .item = &item, .err = err};
    if (json == NULL || json->type != TD_JSON_OBJECT)
        return td_fail(err, TD_EFORMAT, "item", "must be a JSON object");
    td_try(read_kind(&r));
    td_try(check_members(&r));
    td_try(READERS[item.kind](&r));
    *ret = item;
    return TD_OK;
}
