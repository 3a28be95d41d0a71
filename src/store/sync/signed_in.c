/* People whose password the directory has just found right, and those who are not taken over. */
#include "base/fault.h"
#include "store/sync/room.h"

static enum td_code may_be_made(struct td_tx *tx, const char *tenant, const struct td_ad_domain_row *row,
                                const struct td_sync_object *o, struct td_arena *a, struct td_error *err)
{
    struct td_user u;
    if (!row->sync || row->sync_base[0] == '\0')
        return TD_OK;
    enum td_code rc = td_user_by_guid(tx, tenant, o->guid, a, &u, err);
    if (rc != TD_ENOTFOUND)
        return rc;
    return td_remedy(err,
                     td_fail(err, TD_EDENIED, "user", "%.120s is not among the people that are taken over", o->upn),
                     "wait for the next sync, or move the account below %.100s", row->sync_base);
}

/* Who had this name before and is somebody else in the directory: what was his is not for the new one. */
static enum td_code drop_namesake(struct td_tx *tx, const struct td_sync *s, const struct td_sync_object *o,
                                  struct td_arena *a, struct td_error *err)
{
    struct td_user u;
    enum td_code rc = td_user_by_upn(tx, td_str(o->upn), a, &u, err);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    bool other = strcmp(u.tenant, s->tenant) == 0 && strcmp(u.ad_domain, s->domain) == 0 &&
                 strcmp(u.ad_guid, o->guid) != 0 && !td_fault("sign-in-namesake");
    return other ? td_user_drop(tx, &u, TD_SYNC_ACTOR, err) : TD_OK;
}

enum td_code td_ad_person_signed_in(struct td_tx *tx, const char *tenant, const char *domain,
                                    const struct td_ad_person *p, struct td_arena *a, const char **ret_id,
                                    struct td_error *err)
{
    struct td_ad_domain_row row = {0};
    struct td_sync_object o = {.sid = p->sid, .upn = p->upn, .sam = p->sam, .name = p->name, .mail = p->mail};
    const char *id = NULL, *reason = NULL;
    char guid[TD_UUID_TEXT];
    struct td_user u = {.enabled = true};
    td_try(td_ad_domain_find(tx, tenant, domain, a, &row, err));
    const struct td_sync s = {.tenant = tenant, .domain = row.domain, .run = row.run};
    if (!td_uuid_parse(td_str(p->guid), guid))
        return td_fail(err, TD_EFORMAT, "guid", "is no GUID");
    o.guid = td_arena_strdup(a, guid);
    td_try(may_be_made(tx, tenant, &row, &o, a, err));
    td_try(drop_namesake(tx, &s, &o, a, err));
    enum td_code rc = td_user_by_guid(tx, tenant, o.guid, a, &u, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    o.enabled = row.sync || rc == TD_ENOTFOUND || u.enabled; /* without a sync an administrator here decides */
    td_try(td_sync_person(tx, &s, &o, a, &id, &reason, err));
    if (id == NULL)
        return td_remedy(err,
                         td_fail(err, TD_EDENIED, "user", "this account of the directory can't be used: %s", reason),
                         "ask your administrator");
    *ret_id = id;
    return o.enabled ? TD_OK : td_fail(err, TD_EDENIED, "user", "this user account is disabled");
}

enum td_code td_ad_refused(struct td_tx *tx, const char *tenant, const char *domain, size_t max, struct td_arena *a,
                           struct td_ad_refused **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0;
    struct td_ad_refused *list = td_arena_array(a, struct td_ad_refused, max + 1);
    td_try(td_sql_query(tx, &r, err,
                        "SELECT guid, name, reason, at FROM ad_refused WHERE tenant = $1 AND domain = $2"
                        " ORDER BY name, guid LIMIT $3",
                        "ssi", tenant, domain, (int64_t)max));
    while (n < max && td_rows_next(&r))
        list[n++] = (struct td_ad_refused){.guid = td_col_text0(&r, 0, a),
                                           .name = td_col_text0(&r, 1, a),
                                           .reason = td_col_text0(&r, 2, a),
                                           .at = td_col_int(&r, 3)};
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}
