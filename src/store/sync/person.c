/* People of an Active Directory as accounts: known by their objectGUID, never by their names alone. */
#include "base/fault.h"
#include "store/audit.h"
#include "store/sync/room.h"
#include "store/tenant.h"

static const char no_name[] = "its name is none that a user can have here",
                  no_domain[] = "its name ends with no domain of the tenant",
                  made_by_hand[] = "an account that was made by hand has this name",
                  another[] = "another person of the directory has this name",
                  elsewhere[] = "it belongs to another domain of the tenant";

enum td_code td_sync_owns(struct td_tx *tx, const char *tenant, const char *domain, bool *ret, struct td_error *err)
{
    struct td_rows r;
    *ret = false;
    if (domain == NULL || domain[0] == '\0')
        return TD_OK;
    td_try(td_sql_query(tx, &r, err, "SELECT 1 FROM ad_domain WHERE tenant = $1 AND domain = $2 AND sync = 1", "ss",
                        tenant, domain));
    while (td_rows_next(&r))
        *ret = true;
    return td_rows_done(&r, err);
}

/* Is what is marked with this name another domain's that the tenant still uses? */
static enum td_code of_another(struct td_tx *tx, const struct td_sync *s, const char *domain, struct td_arena *a,
                               bool *ret, struct td_error *err)
{
    struct td_ad_domain_row row = {0};
    *ret = false;
    if (domain[0] == '\0' || strcmp(domain, s->domain) == 0 || td_fault("sync-of-another-domain"))
        return TD_OK;
    enum td_code rc = td_ad_domain_find(tx, s->tenant, domain, a, &row, err);
    *ret = rc == TD_OK && (row.sync || row.sign_in);
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static const char *lower(struct td_arena *a, const char *s)
{
    char *text = td_arena_strdup(a, s);
    td_lower(text);
    return text;
}

/* Listed for an administrator, and tried again at the end of every run. */
static enum td_code refuse(struct td_tx *tx, const struct td_sync *s, const struct td_sync_object *o,
                           const char *reason, struct td_arena *a, struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO ad_refused(tenant, guid, domain, name, reason, wish, at)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, guid) DO UPDATE SET"
                  " domain = excluded.domain, name = excluded.name, reason = excluded.reason, wish = excluded.wish,"
                  " at = excluded.at",
                  "ssssssi", s->tenant, o->guid, s->domain, o->upn, reason, td_sync_wish(o, a), td_tx_now(tx));
}

static enum td_code taken(struct td_tx *tx, const struct td_sync *s, const char *guid, struct td_error *err)
{
    return td_sql(tx, err, "DELETE FROM ad_refused WHERE tenant = $1 AND guid = $2", "ss", s->tenant, guid);
}

/* May the account of this id ("" a new one) have the name? */
static enum td_code judge_name(struct td_tx *tx, const struct td_sync *s, const char *upn, const char *id,
                               struct td_arena *a, const char **ret_reason, struct td_error *err)
{
    struct td_user other;
    *ret_reason = NULL;
    if (td_upn_check(td_str(upn), NULL) != TD_OK) {
        *ret_reason = no_name;
        return TD_OK;
    }
    enum td_code rc = td_user_by_upn(tx, td_str(upn), a, &other, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    if (other.tenant == NULL || strcmp(other.tenant, s->tenant) != 0)
        *ret_reason = no_domain;
    else if (rc == TD_OK && strcmp(other.id, id) != 0)
        *ret_reason = other.source[0] == '\0' ? made_by_hand : another;
    return TD_OK;
}

struct differences {
    struct td_change list[4];
    size_t n;
};

static void differs(struct differences *d, const char *name, const char *before, const char *after)
{
    if (strcmp(before, after) != 0)
        d->list[d->n++] = (struct td_change){name, before, after};
}

static enum td_code mail_of(struct td_tx *tx, const struct td_user *u, struct td_arena *a, const char **ret,
                            struct td_error *err)
{
    struct td_rows r;
    *ret = "";
    td_try(td_sql_query(tx, &r, err, "SELECT mail FROM account WHERE tenant = $1 AND id = $2", "ss", u->tenant, u->id));
    while (td_rows_next(&r))
        *ret = td_col_text0(&r, 0, a);
    return td_rows_done(&r, err);
}

static enum td_code store(struct td_tx *tx, const struct td_sync *s, const struct td_sync_object *o,
                          const struct td_user *u, struct td_arena *a, struct td_error *err)
{
    return td_sql(tx, err,
                  "UPDATE account SET tokens_from = CASE WHEN upn_key = $4 THEN tokens_from ELSE $10 END,"
                  " upn = $3, upn_key = $4, name = $5, mail = $6, sam = $7, ad_sid = $8, ad_domain = $9,"
                  " synced_at = $10, seen_run = $11, ad_guid = $12, source = 'ad', phc = ''"
                  " WHERE tenant = $1 AND id = $2",
                  "sssssssssiis", s->tenant, u->id, o->upn, lower(a, o->upn), o->name, o->mail, o->sam, o->sid,
                  s->domain, td_tx_now(tx), s->run, o->guid);
}

static enum td_code tell_changed(struct td_tx *tx, const struct td_sync *s, const struct td_sync_object *o,
                                 const struct td_user *u, const struct differences *d, struct td_error *err)
{
    if (d->n == 0)
        return TD_OK;
    const struct td_audit what = {.type = "user.changed",
                                  .actor = TD_SYNC_ACTOR,
                                  .kind = "user",
                                  .id = u->id,
                                  .name = o->upn,
                                  .changes = d->list,
                                  .count = d->n};
    td_try(td_audit_tell(tx, s->tenant, &what, err));
    return td_group_user_moved(tx, s->tenant, u->id, err);
}

/* A name that can't be had is no reason to miss that somebody was disabled. */
static enum td_code bring_up_to_date(struct td_tx *tx, const struct td_sync *s, const struct td_sync_object *told,
                                     const struct td_user *u, struct td_arena *a, const char **ret_reason,
                                     struct td_error *err)
{
    struct td_sync_object o = *told;
    struct differences d = {.n = 0};
    const char *mail = "";
    td_try(judge_name(tx, s, o.upn, u->id, a, ret_reason, err));
    td_try(*ret_reason != NULL ? refuse(tx, s, told, *ret_reason, a, err) : taken(tx, s, o.guid, err));
    if (*ret_reason != NULL)
        o.upn = u->upn;
    if (o.name[0] == '\0')
        o.name = u->name;
    td_try(mail_of(tx, u, a, &mail, err));
    differs(&d, "userPrincipalName", u->upn, o.upn);
    differs(&d, "displayName", u->name, o.name);
    differs(&d, "mail", mail, o.mail);
    differs(&d, "onPremisesSamAccountName", u->sam, o.sam);
    td_try(store(tx, s, &o, u, a, err));
    td_try(tell_changed(tx, s, &o, u, &d, err));
    if (u->enabled == o.enabled || td_fault("sync-keeps-disabled"))
        return TD_OK;
    return td_user_switch(tx, u, o.enabled, TD_SYNC_ACTOR, err);
}

static enum td_code add(struct td_tx *tx, const struct td_sync *s, const struct td_sync_object *o, struct td_arena *a,
                        const char **ret_id, const char **ret_reason, struct td_error *err)
{
    struct td_user u;
    td_try(judge_name(tx, s, o->upn, "", a, ret_reason, err));
    if (*ret_reason != NULL)
        return refuse(tx, s, o, *ret_reason, a, err);
    td_try(taken(tx, s, o->guid, err));
    td_try(td_user_add(tx, s->tenant, o->upn, o->name, NULL, TD_SYNC_ACTOR, a, &u, err));
    struct td_sync_object full = *o;
    full.name = u.name;
    td_try(store(tx, s, &full, &u, a, err));
    td_try(td_sync_join_groups(tx, s, o->guid, u.id, err));
    td_try(td_group_user_moved(tx, s->tenant, u.id, err));
    *ret_id = u.id;
    return o->enabled ? TD_OK : td_user_switch(tx, &u, false, TD_SYNC_ACTOR, err);
}

enum td_code td_sync_person(struct td_tx *tx, const struct td_sync *s, const struct td_sync_object *o,
                            struct td_arena *a, const char **ret_id, const char **ret_reason, struct td_error *err)
{
    struct td_user u = {.ad_domain = ""};
    bool foreign = false;
    *ret_id = *ret_reason = NULL;
    enum td_code rc = td_user_by_guid(tx, s->tenant, o->guid, a, &u, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    td_try(of_another(tx, s, u.ad_domain, a, &foreign, err));
    if (foreign) {
        *ret_reason = elsewhere;
        return TD_OK;
    }
    if (o->deleted) {
        td_try(taken(tx, s, o->guid, err));
        return rc == TD_OK ? td_user_drop(tx, &u, TD_SYNC_ACTOR, err) : TD_OK;
    }
    if (rc == TD_ENOTFOUND)
        return add(tx, s, o, a, ret_id, ret_reason, err);
    *ret_id = u.id;
    return bring_up_to_date(tx, s, o, &u, a, ret_reason, err);
}
