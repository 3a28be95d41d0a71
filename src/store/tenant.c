#include "store/tenant.h"

#include "store/audit.h"

const struct td_setting td_tenant_settings[] = {
    {"display-name", TD_SET_TEXT, "", 0, 120, NULL, "name that people see on sign-in pages and device screens"},
    {"sign-in-text", TD_SET_TEXT, "", 0, 400, NULL, "a sentence under the name on the sign-in page"},
    {"password-grant", TD_SET_BOOL, "off", 0, 0, NULL,
     "token requests with user name and password outside a device-signed request"},
    {"hash-checksum", TD_SET_CHOICE, "warn", 0, 0, "warn refuse",
     "a hardware hash whose check sum is wrong: warn or refuse"},
    {"hardware-repair", TD_SET_CHOICE, "silent", 0, 0, "silent ask",
     "a managed device with another mainboard: registered anew where it is proven, or asked always"},
    {"join-users", TD_SET_CHOICE, "all", 0, 0, "all none", "who may join devices: all or none"},
    {"join-device-limit", TD_SET_INT, "50", 0, 1000000, NULL, "devices a user may join; 0 for no limit"},
    {"enrol-users", TD_SET_CHOICE, "all", 0, 0, "all registered none",
     "which devices may enrol: all, registered or none"},
    {"enrol-os-minimum", TD_SET_TEXT, "", 0, 32, NULL, "lowest version of the operating system that may enrol"},
    {"enrol-os-maximum", TD_SET_TEXT, "", 0, 32, NULL, "highest version of the operating system that may enrol"},
    {"unknown-devices", TD_SET_CHOICE, "list", 0, 0, "list refuse",
     "devices that ask and are not registered: listed for approval with a code, or refused"},
    {"virtual-tpm", TD_SET_CHOICE, "allow", 0, 0, "allow refuse",
     "devices whose TPM is a program and that deploy without a user: allow or refuse"},
    {"pinned-ek", TD_SET_CHOICE, "allow", 0, 0, "allow refuse",
     "a TPM without a trusted maker's certificate whose key stands in the registered hardware hash"},
    {"ek-issuer-fetch", TD_SET_BOOL, "off", 0, 0, NULL,
     "fetch a missing certificate of a TPM's maker from the address that the TPM's certificate names"},
    {"unproven-management-key", TD_SET_CHOICE, "allow", 0, 0, "allow refuse",
     "management of an attested device by a key that its TPM did not certify"},
    {"userless-once", TD_SET_BOOL, "off", 0, 0, NULL,
     "a device deploys without a user once, then again only after it was unblocked"},
    {"technician-proof", TD_SET_CHOICE, "presence", 0, 0, "presence sign-in companion",
     "what pre-provisioning asks of a technician: to be there, to sign in, or a code made for the device"},
    {"enrol-device-limit", TD_SET_INT, "50", 0, 1000000, NULL, "devices a user may enrol; 0 for no limit"},
    {"action-approval", TD_SET_BOOL, "off", 0, 0, NULL,
     "actions that remove data or management wait for a second administrator"},
    {"action-limit", TD_SET_INT, "200", 0, 1000000, NULL,
     "devices that such actions may reach in an hour; 0 for no limit"},
    {"wipe-settles", TD_SET_INT, "24", 1, 720, NULL,
     "hours after which an accepted wipe counts as done if the device stays away"},
    {"deleted-device", TD_SET_CHOICE, "refuse", 0, 0, "refuse retire",
     "a device whose record was deleted: refused at once, or told once to retire"},
    {"local-reset-owner", TD_SET_CHOICE, "keep", 0, 0, "keep next",
     "whose a device is after a reset at its lock screen: as before, or whoever signs in next"},
    {"graph-throttle", TD_SET_BOOL, "off", 0, 0, NULL, "answer 429 to programs that call the interface too often"},
    {"graph-throttle-requests", TD_SET_INT, "2000", 0, 1000000, NULL,
     "calls of a tenant in 20 seconds; 0 for no limit"},
    {"graph-throttle-writes", TD_SET_INT, "200", 0, 1000000, NULL,
     "changing calls of a tenant in 20 seconds; 0 for no limit"},
    {"graph-throttle-app-requests", TD_SET_INT, "1000", 0, 1000000, NULL,
     "calls of one application in 20 seconds; 0 for no limit"},
    {"graph-throttle-app-writes", TD_SET_INT, "100", 0, 1000000, NULL,
     "changing calls of one application in 20 seconds; 0 for no limit"},
    {"laps-after-retire", TD_SET_CHOICE, "destroy", 0, 0, "destroy keep",
     "passwords of the local administrator when a device leaves: destroyed, or kept for whoever finds it"},
    {"computer-account-at-end", TD_SET_CHOICE, "disable", 0, 0, "keep disable delete",
     "computer account of a hybrid device when it is retired, wiped or deleted"},
    {"event-retention", TD_SET_INT, "0", 0, 36500, NULL, "days that timelines of devices are kept; 0 for ever"},
    {"audit-retention", TD_SET_INT, "0", 0, 36500, NULL, "days that it is kept who changed what; 0 for ever"},
    {"history-retention", TD_SET_INT, "0", 0, 36500, NULL,
     "days that actions, deployments and enrolments are kept after their end; 0 for ever"},
};
const size_t td_tenant_setting_count = TD_COUNTOF(td_tenant_settings);

static enum td_code domain_ok(struct td_slice d, struct td_error *err)
{
    bool dot = false;
    for (size_t i = 0; i < d.n; i++) {
        char c = d.p[i];
        bool edge = i == 0 || i == d.n - 1 || d.p[i - 1] == '.';
        dot = dot || c == '.';
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (!edge && (c == '-' || c == '.'))))
            return td_remedy(err, td_fail(err, TD_EINVAL, "tenant", "\"%.*s\" is no domain name", TD_FMT(d)),
                             "give a name such as contoso.test");
    }
    if (!dot || d.n > 253)
        return td_remedy(err, td_fail(err, TD_EINVAL, "tenant", "\"%.*s\" is no domain name", TD_FMT(d)),
                         "give a name such as contoso.test");
    return TD_OK;
}

enum td_code td_tenant_add(struct td_tx *tx, const char *domain, const char *name, struct td_arena *a,
                           struct td_tenant *ret, struct td_error *err)
{
    char *lower = td_arena_strdup(a, domain);
    td_lower(lower);
    td_try(domain_ok(td_str(lower), err));
    struct td_tenant t = {.id = td_uuid_arena(td_tx_env(tx), a), .name = name != NULL ? name : lower, .domain = lower};
    enum td_code rc = td_sql(tx, err, "INSERT INTO tenant(id, name, domain, created_at) VALUES ($1, $2, $3, $4)",
                             "sssi", t.id, t.name, t.domain, td_tx_now(tx));
    if (rc == TD_EEXISTS)
        return td_fail(err, TD_EEXISTS, "tenant", "there is a tenant %s already", t.domain);
    td_try(rc);
    td_try(td_sql(tx, err, "INSERT INTO tenant_domain(domain, tenant) VALUES ($1, $2)", "ss", t.domain, t.id));
    const struct td_change domain_change = {"domain", NULL, t.domain};
    struct td_audit what = {.type = "tenant.added",
                            .actor = "system",
                            .kind = "tenant",
                            .id = t.id,
                            .name = t.name,
                            .changes = &domain_change,
                            .count = 1};
    td_try(td_audit_tell(tx, t.id, &what, err));
    *ret = t;
    return td_store_touch(tx, err);
}

static void read_tenant(struct td_rows *r, struct td_arena *a, struct td_tenant *ret)
{
    *ret =
        (struct td_tenant){.id = td_col_text0(r, 0, a), .name = td_col_text0(r, 1, a), .domain = td_col_text0(r, 2, a)};
}

enum td_code td_tenant_find(struct td_tx *tx, struct td_slice key, struct td_arena *a, struct td_tenant *ret,
                            struct td_error *err)
{
    char *lower = td_arena_text(a, td_sub(key, 0, 300));
    td_lower(lower);
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT t.id, t.name, t.domain FROM tenant t WHERE t.id = $1"
                        " OR t.id = (SELECT d.tenant FROM tenant_domain d WHERE d.domain = $1)",
                        "s", lower));
    bool found = td_rows_next(&r);
    if (found)
        read_tenant(&r, a, ret);
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "tenant", "there is no tenant \"%s\"", lower);
}

enum td_code td_tenant_list(struct td_tx *tx, struct td_arena *a, struct td_tenant **ret, size_t *ret_count,
                            struct td_error *err)
{
    struct td_rows r;
    size_t n = 0, cap = 0;
    struct td_tenant *list = NULL;
    td_try(td_sql_query(tx, &r, err, "SELECT id, name, domain FROM tenant ORDER BY domain", ""));
    while (td_rows_next(&r)) {
        list = td_arena_room(a, list, n, &cap, sizeof(*list));
        read_tenant(&r, a, &list[n++]);
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_tenant_only(struct td_tx *tx, struct td_arena *a, struct td_tenant *ret, struct td_error *err)
{
    struct td_tenant *list = NULL;
    size_t n = 0;
    td_try(td_tenant_list(tx, a, &list, &n, err));
    if (n == 0)
        return td_remedy(err, td_fail(err, TD_ENOTFOUND, "tenant", "the store has no tenant yet"),
                         "run touchdown init first");
    if (n > 1)
        return td_remedy(err, td_fail(err, TD_EINVAL, "tenant", "the store has %zu tenants", n),
                         "say which one: --tenant DOMAIN");
    *ret = list[0];
    return TD_OK;
}

enum td_code td_tenant_domain_add(struct td_tx *tx, const char *tenant, const char *domain, const char *actor,
                                  struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_tenant theirs = {.id = ""};
    char *name = td_arena_strdup(&a, domain);
    td_lower(name);
    td_try(domain_ok(td_str(name), err));
    enum td_code rc = td_tenant_find(tx, td_str(name), &a, &theirs, err);
    if (rc == TD_OK && strcmp(theirs.id, tenant) == 0)
        return TD_OK;
    if (rc == TD_OK)
        return td_fail(err, TD_EEXISTS, "domain", "%s belongs to another tenant", name);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    td_try(td_sql(tx, err, "INSERT INTO tenant_domain(domain, tenant) VALUES ($1, $2)", "ss", name, tenant));
    const struct td_change change = {"domain", NULL, name};
    const struct td_audit what = {.type = "tenant.set",
                                  .actor = actor,
                                  .kind = "tenant",
                                  .id = tenant,
                                  .name = "domain",
                                  .changes = &change,
                                  .count = 1};
    td_try(td_audit_tell(tx, tenant, &what, err));
    return td_store_touch(tx, err);
}

static enum td_code setting_of(const char *key, const struct td_setting **ret, struct td_error *err)
{
    for (size_t i = 0; i < td_tenant_setting_count; i++) {
        if (strcmp(td_tenant_settings[i].key, key) == 0) {
            *ret = &td_tenant_settings[i];
            return TD_OK;
        }
    }
    return td_remedy(err, td_fail(err, TD_EINVAL, "setting", "there is no setting \"%.60s\"", key),
                     "touchdown tenant show lists them");
}

static bool is_choice(const char *choices, const char *value)
{
    struct td_slice word, rest = td_str(choices);
    while (rest.n != 0) {
        rest = td_cut(rest, ' ', &word);
        if (td_eqs(word, value))
            return true;
    }
    return false;
}

static enum td_code check_value(const struct td_setting *s, const char *value, struct td_error *err)
{
    int64_t n = 0;
    size_t len = strlen(value);
    switch (s->type) {
    case TD_SET_BOOL:
        if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
            return td_fail(err, TD_EINVAL, s->key, "is on or off");
        return TD_OK;
    case TD_SET_INT:
        if (!td_parse_i64(td_str(value), &n) || n < s->min || n > s->max)
            return td_fail(err, TD_EINVAL, s->key, "is a number from %lld to %lld", (long long)s->min,
                           (long long)s->max);
        return TD_OK;
    case TD_SET_TEXT:
        if (!td_utf8_ok(td_str(value)) || len < (size_t)s->min || len > (size_t)s->max)
            return td_fail(err, TD_EINVAL, s->key, "is a text of %lld to %lld bytes", (long long)s->min,
                           (long long)s->max);
        return TD_OK;
    case TD_SET_CHOICE:
        if (!is_choice(s->choices, value))
            return td_fail(err, TD_EINVAL, s->key, "is one of: %s", s->choices);
        return TD_OK;
    }
    return TD_EINTERNAL;
}

enum td_code td_tenant_set(struct td_tx *tx, const char *tenant, const char *key, const char *value, const char *actor,
                           struct td_error *err)
{
    const struct td_setting *s = NULL;
    td_try(setting_of(key, &s, err));
    td_try(check_value(s, value, err));
    TD_CLEANUP(td_arena_done) struct td_arena a;
    const char *old = "";
    td_arena_init(&a);
    td_try(td_tenant_get(tx, tenant, key, &a, &old, err));
    td_try(td_sql(tx, err,
                  "INSERT INTO tenant_setting(tenant, key, value) VALUES ($1, $2, $3)"
                  " ON CONFLICT (tenant, key) DO UPDATE SET value = excluded.value",
                  "sss", tenant, key, value));
    const struct td_change change = {key, old, value};
    struct td_audit what = {.type = "tenant.set",
                            .actor = actor,
                            .kind = "tenant",
                            .id = tenant,
                            .name = key,
                            .changes = &change,
                            .count = 1};
    td_try(td_audit_tell(tx, tenant, &what, err));
    return td_store_touch(tx, err);
}

enum td_code td_tenant_get(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a, const char **ret,
                           struct td_error *err)
{
    const struct td_setting *s = NULL;
    td_try(setting_of(key, &s, err));
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT value FROM tenant_setting WHERE tenant = $1 AND key = $2", "ss", tenant,
                        key));
    *ret = td_rows_next(&r) ? td_col_text0(&r, 0, a) : s->otherwise;
    return td_rows_done(&r, err);
}

enum td_code td_tenant_get_int(struct td_tx *tx, const char *tenant, const char *key, int64_t *ret,
                               struct td_error *err)
{
    struct td_arena a;
    td_arena_init(&a);
    const char *text = "";
    enum td_code rc = td_tenant_get(tx, tenant, key, &a, &text, err);
    *ret = 0;
    if (rc == TD_OK && strcmp(text, "on") == 0)
        *ret = 1;
    else if (rc == TD_OK && strcmp(text, "off") != 0)
        (void)td_parse_i64(td_str(text), ret);
    td_arena_done(&a);
    return rc;
}
