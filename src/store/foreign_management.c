#include "store/foreign_management.h"

#include "store/audit.h"
#include "store/profile.h"

#define COLUMNS "m.app_id, m.name, m.enrolment_url, m.terms_url, m.compliance_url, m.created_at, m.modified_at"

bool td_management_is_ours(const char *app_id)
{
    static const char *const ours[] = {
        "",
        "00000000-0000-0000-0000-000000000000",
        "0000000a-0000-0000-c000-000000000000",
        "d4ebce55-015a-49b5-a083-c84d1797ae8c",
        "9cb77803-d937-493e-9a3b-4b49de3f5a74",
    };
    for (size_t i = 0; i < TD_COUNTOF(ours); i++)
        if (td_ieqs(td_str(app_id), ours[i]))
            return true;
    return false;
}

static char *key_of(struct td_arena *a, const char *text)
{
    char *key = td_arena_strdup(a, text);
    td_lower(key);
    return key;
}

static enum td_code read_list(struct td_rows *r, struct td_arena *a, struct td_foreign_management **ret,
                              size_t *ret_count, struct td_error *err)
{
    struct td_foreign_management *list = NULL;
    size_t n = 0, cap = 0;
    while (td_rows_next(r)) {
        list = td_arena_room(a, list, n, &cap, sizeof(*list));
        list[n++] = (struct td_foreign_management){.app_id = td_col_text0(r, 0, a),
                                                   .name = td_col_text0(r, 1, a),
                                                   .enrolment_url = td_col_text0(r, 2, a),
                                                   .terms_url = td_col_text0(r, 3, a),
                                                   .compliance_url = td_col_text0(r, 4, a),
                                                   .created_at = td_col_int(r, 5),
                                                   .modified_at = td_col_int(r, 6)};
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(r, err);
}

enum td_code td_foreign_management_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                                        struct td_foreign_management *ret, struct td_error *err)
{
    struct td_rows r;
    struct td_foreign_management *list;
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM foreign_management m WHERE m.tenant = $1"
                        " AND (m.app_id = $2 OR m.name_key = $2) ORDER BY m.app_id = $2 DESC LIMIT 1",
                        "ss", tenant, key_of(a, key)));
    td_try(read_list(&r, a, &list, &n, err));
    if (n == 0)
        return td_fail(err, TD_ENOTFOUND, "management", "there is no management service \"%.100s\"", key);
    *ret = list[0];
    return TD_OK;
}

enum td_code td_foreign_management_list(struct td_tx *tx, const char *tenant, struct td_arena *a,
                                        struct td_foreign_management **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM foreign_management m WHERE m.tenant = $1 ORDER BY m.name_key LIMIT $2",
                        "si", tenant, (int64_t)TD_FOREIGN_MAX));
    return read_list(&r, a, ret, ret_count, err);
}

static const char scheme[] = "https://";
enum { SCHEME = sizeof(scheme) - 1 };

/* https://host[:port] of an address that check_url let in; the port that https has anyway is left out. */
static struct td_slice origin_of(struct td_slice url)
{
    if (!td_istarts(url, scheme))
        return td_sub(url, 0, 0);
    size_t end = td_find(td_sub(url, SCHEME, url.n), '/');
    url = end == SIZE_MAX ? url : td_sub(url, 0, SCHEME + end);
    return td_ends(url, ":443") ? td_sub(url, 0, url.n - 4) : url;
}

bool td_foreign_management_named(const struct td_foreign_management *m, struct td_slice name)
{
    if (td_ends(name, "/"))
        name = td_sub(name, 0, name.n - 1);
    if (td_ieqs(name, m->app_id))
        return true;
    bool path = td_find(td_sub(name, TD_MIN(name.n, SCHEME), name.n), '/') != SIZE_MAX;
    struct td_slice origin = origin_of(name);
    return !path && origin.n != 0 && td_ieq(origin, origin_of(td_str(m->enrolment_url)));
}

enum td_code td_foreign_management_of(struct td_tx *tx, const char *tenant, const char *registration_id,
                                      struct td_arena *a, struct td_foreign_management *ret, struct td_error *err)
{
    struct td_rows r;
    const char *way_id = "";
    struct td_profile p;
    td_try(td_sql_query(tx, &r, err, "SELECT way_id FROM registration WHERE tenant = $1 AND id = $2", "ss", tenant,
                        registration_id));
    while (td_rows_next(&r))
        way_id = td_col_text0(&r, 0, a);
    td_try(td_rows_done(&r, err));
    td_try(td_profile_in_force(tx, tenant, way_id, a, &p, err));
    if (td_management_is_ours(p.management_app))
        return td_fail(err, TD_ENOTFOUND, "management", "the device is managed here");
    return td_foreign_management_find(tx, tenant, p.management_app, a, ret, err);
}

/* Contract 4: uri without query and final '/'. The device goes there by TLS, so nothing but https. */
static enum td_code check_url(const char *name, const char *url, bool needed, struct td_error *err)
{
    struct td_slice s = td_str(url);
    if (s.n == 0 && !needed)
        return TD_OK;
    bool ok = td_istarts(s, "https://") && s.n > sizeof("https://") && s.n <= TD_FOREIGN_URL_MAX && !td_ends(s, "/") &&
              s.p[sizeof("https://") - 1] != '/';
    for (size_t i = 0; ok && i < s.n; i++)
        ok = s.p[i] > ' ' && s.p[i] < 0x7f && strchr("?#\"<>\\^`{|}@", s.p[i]) == NULL;
    return ok ? TD_OK
              : td_remedy(err, td_fail(err, TD_EINVAL, name, "must be an https address"),
                          "write it without query, user and final '/': https://mdm.example.test/enrol");
}

static enum td_code check(struct td_tx *tx, const char *tenant, const struct td_foreign_management *m,
                          struct td_arena *a, struct td_error *err)
{
    char id[TD_UUID_TEXT];
    struct td_foreign_management *list, same = {.app_id = ""};
    size_t n = 0;
    if (!td_uuid_parse(td_str(m->app_id), id) || td_management_is_ours(id))
        return td_fail(err, TD_EINVAL, "app-id", "must be the GUID of the other management service");
    if (m->name[0] == '\0' || strlen(m->name) > TD_FOREIGN_NAME_MAX || !td_utf8_ok(td_str(m->name)))
        return td_fail(err, TD_EINVAL, "name", "must be text of 1 to %d octets", TD_FOREIGN_NAME_MAX);
    td_try(check_url("enrolment-url", m->enrolment_url, true, err));
    td_try(check_url("terms-url", m->terms_url, false, err));
    td_try(check_url("compliance-url", m->compliance_url, false, err));
    enum td_code rc = td_foreign_management_find(tx, tenant, m->name, a, &same, NULL);
    if (rc == TD_OK && strcmp(same.app_id, id) != 0)
        return td_fail(err, TD_EEXISTS, "name", "there is a management service \"%.100s\" already", m->name);
    td_try(td_foreign_management_list(tx, tenant, a, &list, &n, err));
    return n < TD_FOREIGN_MAX
               ? TD_OK
               : td_fail(err, TD_ELIMIT, "management", "the tenant has %d management services already", TD_FOREIGN_MAX);
}

static enum td_code tell(struct td_tx *tx, const char *tenant, const struct td_foreign_management *before,
                         const struct td_foreign_management *after, const char *actor, struct td_error *err)
{
    const struct td_foreign_management *any = after != NULL ? after : before;
    const struct td_change changes[] = {
        {"managementService", before != NULL ? before->name : NULL, after != NULL ? after->name : NULL},
        {"enrolmentUrl", before != NULL ? before->enrolment_url : NULL, after != NULL ? after->enrolment_url : NULL},
        {"termsUrl", before != NULL ? before->terms_url : NULL, after != NULL ? after->terms_url : NULL},
        {"complianceUrl", before != NULL ? before->compliance_url : NULL, after != NULL ? after->compliance_url : NULL},
    };
    struct td_audit what = {.type = "tenant.changed",
                            .actor = actor,
                            .kind = "tenant",
                            .id = any->app_id,
                            .name = any->name,
                            .changes = changes,
                            .count = TD_COUNTOF(changes)};
    td_try(td_audit_tell(tx, tenant, &what, err));
    return td_store_touch(tx, err);
}

enum td_code td_foreign_management_put(struct td_tx *tx, const char *tenant, const struct td_foreign_management *m,
                                       const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_foreign_management before = {0}, after = *m;
    td_try(check(tx, tenant, m, &a, err));
    after.app_id = key_of(&a, m->app_id);
    enum td_code rc = td_foreign_management_find(tx, tenant, after.app_id, &a, &before, NULL);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return td_fail(err, rc, "management", "cannot be read");
    td_try(td_sql(tx, err,
                  "INSERT INTO foreign_management(tenant, app_id, name, name_key, enrolment_url, terms_url,"
                  " compliance_url, created_at, modified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)"
                  " ON CONFLICT (tenant, app_id) DO UPDATE SET name = $3, name_key = $4, enrolment_url = $5,"
                  " terms_url = $6, compliance_url = $7, modified_at = $8",
                  "sssssssi", tenant, after.app_id, m->name, key_of(&a, m->name), m->enrolment_url, m->terms_url,
                  m->compliance_url, td_tx_now(tx)));
    return tell(tx, tenant, rc == TD_OK ? &before : NULL, &after, actor, err);
}

static enum td_code check_unused(struct td_tx *tx, const char *tenant, const struct td_foreign_management *m,
                                 struct td_error *err)
{
    struct td_rows r;
    const char *name = NULL;
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    td_try(td_sql_query(tx, &r, err, "SELECT name FROM profile WHERE tenant = $1 AND management_app = $2 LIMIT 1", "ss",
                        tenant, m->app_id));
    while (td_rows_next(&r))
        name = td_col_text0(&r, 0, &a);
    td_try(td_rows_done(&r, err));
    if (name == NULL)
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_ESTATE, "management", "the profile \"%.100s\" names it", name),
                     "change or remove that profile first");
}

enum td_code td_foreign_management_remove(struct td_tx *tx, const char *tenant, const char *key, const char *actor,
                                          struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_foreign_management m = {.app_id = ""};
    td_try(td_foreign_management_find(tx, tenant, key, &a, &m, err));
    td_try(check_unused(tx, tenant, &m, err));
    td_try(td_sql(tx, err, "DELETE FROM foreign_management WHERE tenant = $1 AND app_id = $2", "ss", tenant, m.app_id));
    return tell(tx, tenant, &m, NULL, actor, err);
}
