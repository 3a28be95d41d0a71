#include "store/audit.h"

#include "base/fault.h"
#include "codec/json.h"
#include "store/driver.h"

#include <stdio.h>

/* What is changed: the first half of a type, or the kind where that is known. */
static const struct noun {
    const char *word;
    bool directory;
    const char *category, *resource;
} nouns[] = {
    {"registration", false, "Enrollment", "WindowsAutopilotDeviceIdentity"},
    {"import", false, "Enrollment", "ImportedWindowsAutopilotDeviceIdentity"},
    {"profile", false, "Enrollment", "WindowsAutopilotDeploymentProfile"},
    {"status-page", false, "Enrollment", "DeviceEnrollmentConfiguration"},
    {"enrolment-configuration", false, "Enrollment", "DeviceEnrollmentConfiguration"},
    {"identifier", false, "Enrollment", "ImportedDeviceIdentity"},
    {"approval", false, "Enrollment", "WindowsAutopilotDeviceRequest"},
    {"settings", false, "Enrollment", "WindowsAutopilotSettings"},
    {"managed-device", false, "Device", "ManagedDevice"},
    {"enrolment", false, "Device", "ManagedDevice"},
    {"action", false, "Device", "ManagedDevice"},
    {"local-credential", true, "Device", "DeviceLocalCredential"},
    {"configuration", false, "DeviceConfiguration", "DeviceConfiguration"},
    {"app", false, "Application", "MobileApp"},
    {"content", false, "Application", "MobileAppContent"},
    {"role", false, "Role", "RoleAssignment"},
    {"connector", false, "Enrollment", "DeviceManagementDomainJoinConnector"},
    {"tpm-root", false, "Enrollment", "TpmManufacturerCertificate"},
    {"tpm", false, "Enrollment", "TrustedPlatformModule"},
    {"access", false, "Other", "Request"},
    {"group", true, "GroupManagement", "Group"},
    {"user", true, "UserManagement", "User"},
    {"device", true, "Device", "Device"},
    {"local-credential", true, "Device", "DeviceLocalCredential"},
    {"application", true, "ApplicationManagement", "Application"},
    {"tenant", true, "DirectoryManagement", "Organization"},
    {"domain", true, "DirectoryManagement", "Domain"},
};

static const struct noun nameless = {"", false, "Other", "Other"};

/* What is done: the second half. The words of device management, those of the directory, and what stands before the
 * resource. */
static const struct verb {
    const char *word, *operation, *directory_operation, *text;
} verbs[] = {
    {"added", "Create", "Add", NULL},
    {"created", "Create", "Add", NULL},
    {"registered", "Create", "Add", NULL},
    {"imported", "Create", "Add", NULL},
    {"changed", "Patch", "Update", NULL},
    {"set", "Patch", "Update", NULL},
    {"tagged", "Patch", "Update", NULL},
    {"named", "Patch", "Update", NULL},
    {"renamed", "Patch", "Update", NULL},
    {"removed", "Delete", "Delete", NULL},
    {"deleted", "Delete", "Delete", NULL},
    {"deregistered", "Delete", "Delete", NULL},
    {"assigned", "Action", "Assign", "Assign"},
    {"unassigned", "Action", "Unassign", "Unassign"},
    {"user-assigned", "Action", "Assign", "Assign user to"},
    {"user-unassigned", "Action", "Unassign", "Unassign user from"},
    {"member-added", "Patch", "Assign", "Add member to"},
    {"member-removed", "Patch", "Unassign", "Remove member from"},
    {"role-added", "Patch", "Assign", "Add role to"},
    {"role-removed", "Patch", "Unassign", "Remove role from"},
    {"secret-added", "Patch", "Update", "Add secret to"},
    {"key-added", "Patch", "Update", "Add certificate to"},
    {"key-removed", "Patch", "Update", "Remove certificate from"},
    {"redirect-added", "Patch", "Update", "Add redirect address to"},
    {"password-set", "Patch", "Update", "Set password of"},
    {"enabled", "Patch", "Update", "Enable"},
    {"disabled", "Patch", "Update", "Disable"},
    {"hardware-rejected", "Action", "Update", "Reject hardware of"},
    {"read", "Action", "Read", "Read"},
    {"denied", "Action", "Update", "Deny"},
    {"asked", "Action", "Update", "Ask action of"},
    {"approved", "Action", "Update", "Approve action of"},
    {"rejected", "Action", "Update", "Reject action of"},
    {"cancelled", "Action", "Update", "Cancel action of"},
    {"read", "Get", "Read", "Read"},
    {"logs-read", "Get", "Read", "Read logs of"},
    {"logs-removed", "Delete", "Delete", "Remove logs of"},
};

static const struct noun *noun_of(struct td_slice word)
{
    for (size_t i = 0; i < TD_COUNTOF(nouns); i++)
        if (td_eqs(word, nouns[i].word))
            return &nouns[i];
    return &nameless;
}

static void say(const struct noun *n, const struct verb *v, struct td_audit_meaning *ret)
{
    const char *operation = n->directory ? v->directory_operation : v->operation;
    *ret = (struct td_audit_meaning){
        .directory = n->directory, .category = n->category, .resource = n->resource, .operation = operation};
    (void)snprintf(ret->activity, sizeof(ret->activity), "%s %s", v->text != NULL ? v->text : operation, n->resource);
}

void td_audit_meaning(const char *type, const char *kind, struct td_audit_meaning *ret)
{
    static const struct verb any = {"", "Action", "Update", "Act on"};
    struct td_slice first, second = td_cut(td_str(type), '.', &first);
    const struct noun *n = noun_of(td_str(kind != NULL ? kind : ""));
    const struct verb *v = &any;
    if (n == &nameless)
        n = noun_of(first);
    for (size_t i = 0; i < TD_COUNTOF(verbs); i++)
        if (td_eqs(second, verbs[i].word))
            v = &verbs[i];
    say(n, v, ret);
}

const char *const *td_audit_categories(void)
{
    static const char *const list[] = {"Application", "Compliance", "Device", "DeviceConfiguration",
                                       "Enrollment",  "Other",      "Role",   NULL};
    return list;
}

/* Every pair of a noun of the category and a verb whose text was not there yet with that noun. */
bool td_audit_activity(const char *category, size_t i, struct td_audit_meaning *ret)
{
    static const char *const done[] = {"added", "changed", "removed", "assigned", "unassigned", "user-assigned"};
    for (size_t n = 0; n < TD_COUNTOF(nouns); n++) {
        bool again = n != 0 && strcmp(nouns[n].resource, nouns[n - 1].resource) == 0;
        if (nouns[n].directory || again || !td_ieqs(td_str(category), nouns[n].category))
            continue;
        if (i < TD_COUNTOF(done)) {
            char type[64];
            (void)snprintf(type, sizeof(type), "%s.%s", nouns[n].word, done[i]);
            td_audit_meaning(type, NULL, ret);
            return true;
        }
        i -= TD_COUNTOF(done);
    }
    return false;
}

void td_tx_set_origin(struct td_tx *tx, const struct td_origin *origin)
{
    tx->origin = origin;
}

const struct td_origin *td_tx_origin(const struct td_tx *tx)
{
    return tx->origin;
}

/* Cut where a character begins. */
static void put(struct td_jsonw *w, const char *name, const char *value)
{
    struct td_slice s = td_str(value != NULL ? value : "");
    size_t n = TD_MIN(s.n, (size_t)TD_AUDIT_VALUE);
    if (value == NULL) {
        td_jsonw_kstr(w, name, NULL);
        return;
    }
    while (n < s.n && n != 0 && ((unsigned char)s.p[n] & 0xC0) == 0x80)
        n--;
    td_jsonw_key(w, name);
    td_jsonw_slice(w, td_sub(s, 0, n));
}

static bool same(const struct td_change *c)
{
    if (c->before == NULL || c->after == NULL)
        return c->before == c->after;
    return strcmp(c->before, c->after) == 0 && !td_fault("audit-says-all");
}

static void write_detail(const struct td_audit *what, struct td_buf *out)
{
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    put(&w, "kind", what->kind != NULL ? what->kind : "");
    put(&w, "id", what->id != NULL ? what->id : "");
    put(&w, "name", what->name != NULL ? what->name : "");
    td_jsonw_key(&w, "changes");
    td_jsonw_arr(&w);
    for (size_t i = 0; i < what->count; i++) {
        if (same(&what->changes[i]))
            continue;
        td_jsonw_obj(&w);
        put(&w, "name", what->changes[i].name);
        put(&w, "before", what->changes[i].before);
        put(&w, "after", what->changes[i].after);
        td_jsonw_end(&w);
    }
    td_jsonw_arr_end(&w);
    if (what->failure != NULL)
        put(&w, "failure", what->failure);
    td_jsonw_end(&w);
}

/* A GUID that falls with time and, within it, with the position (version 8 of RFC 9562): lists go by id where no order
 * is asked, and the newest change is what people look for first. */
static void make_id(int64_t at, int64_t pos, const unsigned char last[2], char out[TD_UUID_TEXT])
{
    uint64_t us = (uint64_t)at, ms = ~(us / 1000), part = ~(us % 1000 * 4096 / 1000), p = ~(uint64_t)pos;
    unsigned char b[16];
    for (int i = 0; i < 6; i++)
        b[i] = (unsigned char)(ms >> (40 - 8 * i));
    b[6] = (unsigned char)(0x80 | (part >> 8 & 0x0F));
    b[7] = (unsigned char)part;
    b[8] = (unsigned char)(0x80 | (p >> 40 & 0x3F));
    for (int i = 0; i < 5; i++)
        b[9 + i] = (unsigned char)(p >> (32 - 8 * i));
    memcpy(b + 14, last, 2);
    td_uuid_text(b, false, out);
}

static const char *text(const char *s)
{
    return s != NULL ? s : "";
}

static enum td_code account_of(struct td_tx *tx, const char *tenant, const char *upn, struct td_arena *a,
                               const char **ret, struct td_error *err)
{
    struct td_rows r;
    char *key = td_arena_strdup(a, upn);
    td_lower(key);
    td_try(td_sql_query(tx, &r, err, "SELECT id FROM account WHERE tenant = $1 AND upn_key = $2", "ss", tenant, key));
    if (td_rows_next(&r))
        *ret = td_col_text0(&r, 0, a);
    return td_rows_done(&r, err);
}

/* Work behind an answer knows its actor alone: a person's name, or a program's id. */
static enum td_code origin_of(struct td_tx *tx, const char *tenant, const char *actor, struct td_arena *a,
                              struct td_origin *ret, struct td_error *err)
{
    char guid[TD_UUID_TEXT];
    if (td_tx_origin(tx) != NULL) {
        *ret = *td_tx_origin(tx);
        return TD_OK;
    }
    *ret = (struct td_origin){.application_id = ""};
    if (actor == NULL)
        return TD_OK;
    if (td_uuid_parse(td_str(actor), guid))
        ret->application_id = actor;
    if (strchr(actor, '@') == NULL)
        return TD_OK;
    ret->upn = actor;
    return account_of(tx, tenant, actor, a, &ret->user_id, err);
}

static enum td_code insert(struct td_tx *tx, const char *tenant, const struct td_audit *what, int64_t pos,
                           struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    struct td_origin origin, *o = &origin;
    struct td_audit_meaning m;
    unsigned char last[2];
    char id[TD_UUID_TEXT];
    td_arena_init(&a);
    td_try(origin_of(tx, tenant, what->actor, &a, o, err));
    td_audit_meaning(what->type, what->kind, &m);
    td_random_fill(td_tx_env(tx), last, sizeof(last));
    make_id(td_tx_now(tx), pos, last, id);
    return td_sql(tx, err,
                  "INSERT INTO audit(tenant, id, pos, at, directory, category, activity, operation, failed, reason,"
                  " resource, kind, target, target_name, actor, account, upn, application, address, correlation)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
                  "ssiiisssisssssssssss", tenant, id, pos, td_tx_now(tx), (int64_t)m.directory, m.category, m.activity,
                  m.operation, (int64_t)(what->failure != NULL), text(what->failure), m.resource, text(what->kind),
                  text(what->id), text(what->name), what->actor != NULL ? what->actor : "system", text(o->user_id),
                  text(o->upn), text(o->application_id), text(o->address), text(o->request_id));
}

enum { DETAIL_MAX = 1 << 20 };

enum td_code td_audit_tell(struct td_tx *tx, const char *tenant, const struct td_audit *what, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf detail;
    int64_t pos = 0;
    td_buf_init(&detail, DETAIL_MAX);
    if (td_fault("audit-silent"))
        return TD_OK;
    write_detail(what, &detail);
    td_try(td_buf_check(&detail, "audit", err));
    struct td_event e = {.subject = what->subject, .type = what->type, .actor = what->actor, .detail = detail.p};
    td_try(td_event_append_at(tx, tenant, &e, &pos, err));
    return insert(tx, tenant, what, pos, err);
}

enum td_code td_audit_last(struct td_tx *tx, const char *tenant, const struct td_audit *what, struct td_error *err)
{
    if (td_fault("audit-silent"))
        return TD_OK;
    return insert(tx, tenant, what, tx->last_event, err);
}

enum td_code td_audit_holds(struct td_tx *tx, const char *tenant, int64_t at, int64_t pos, bool *ret,
                            struct td_error *err)
{
    static const unsigned char first[2] = {0, 0}, last[2] = {0xFF, 0xFF};
    char from[TD_UUID_TEXT], to[TD_UUID_TEXT];
    struct td_rows r;
    make_id(at, pos, first, from);
    make_id(at, pos, last, to);
    td_try(td_sql_query(tx, &r, err, "SELECT 1 FROM audit WHERE tenant = $1 AND id BETWEEN $2 AND $3 LIMIT 1", "sss",
                        tenant, from, to));
    *ret = td_rows_next(&r);
    return td_rows_done(&r, err);
}

enum td_code td_audit_denied_often(struct td_tx *tx, const char *tenant, const char *actor, bool *ret,
                                   struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT COUNT(*) FROM audit WHERE tenant = $1 AND actor = $2 AND at > $3 AND failed = 1", "ssi",
                        tenant, actor, td_tx_now(tx) - 10 * TD_MINUTE));
    *ret = td_rows_next(&r) && td_col_int(&r, 0) >= TD_AUDIT_DENIED && !td_fault("audit-flood");
    return td_rows_done(&r, err);
}

enum td_code td_audit_denied(struct td_tx *tx, const char *tenant, const char *actor, const char *what,
                             const char *reason, struct td_error *err)
{
    bool often = false;
    td_try(td_audit_denied_often(tx, tenant, actor, &often, err));
    if (often)
        return TD_OK;
    struct td_audit denied = {
        .type = "access.denied", .actor = actor, .kind = "access", .name = what, .failure = reason};
    return td_audit_tell(tx, tenant, &denied, err);
}
