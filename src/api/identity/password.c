/* A password, asked where its user belongs: refused as OAuth tells it. */
#include "api/identity/room.h"
#include "base/fault.h"

struct of_tenant {
    struct td_id *id;
    struct td_slice domain;
};

static enum td_code domain_of_tenant(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct of_tenant *o = ctx;
    struct td_tenant theirs = {0};
    enum td_code rc = td_tenant_find(tx, o->domain, o->id->a, &theirs, err);
    if (rc != TD_OK) /* nobody's domain: refused like a wrong password */
        return rc == TD_ENOTFOUND ? TD_OK : rc;
    bool ours = strcmp(theirs.id, o->id->tenant.id) == 0 || td_fault("prt-any-tenant");
    return ours ? TD_OK : td_id_refuse(o->id, TD_OA_FOREIGN_USER, NULL);
}

/* Asked before the password is: else one organization's door would tell which passwords of another's are right. */
static enum td_code user_of_tenant(struct td_id *id, struct td_slice upn)
{
    struct of_tenant o = {.id = id};
    struct td_slice local;
    o.domain = td_cut(td_trim(upn), '@', &local);
    return td_store_read(id->svc->store, domain_of_tenant, &o, &id->err);
}

/* What a directory has against somebody whose password is right (or whom it has locked). */
static enum td_code refused_there(struct td_id *id, enum td_domain_reason reason)
{
    static const struct {
        enum td_domain_reason reason;
        enum td_oauth what;
    } map[] = {{TD_DJ_DISABLED, TD_OA_DISABLED},
               {TD_DJ_ACCOUNT_EXPIRED, TD_OA_DISABLED},
               {TD_DJ_MUST_CHANGE, TD_OA_PASSWORD_EXPIRED},
               {TD_DJ_PASSWORD_EXPIRED, TD_OA_PASSWORD_EXPIRED},
               {TD_DJ_LOCKED, TD_OA_LOCKED},
               {TD_DJ_HOURS, TD_OA_HOURS}};
    const char *detail = td_arena_printf(id->a, "%s %s", id->err.text, id->err.remedy);
    for (size_t i = 0; i < TD_COUNTOF(map); i++)
        if (reason == map[i].reason)
            return td_id_refuse(id, map[i].what, detail);
    return td_id_refuse(id, TD_OA_PASSWORD, NULL);
}

enum td_code td_id_sign_in(struct td_id *id, struct td_slice upn, struct td_slice password, struct td_signed_in *ret)
{
    static const struct {
        enum td_code code;
        enum td_oauth what;
    } map[] = {{TD_EAUTH, TD_OA_PASSWORD}, {TD_ELIMIT, TD_OA_LOCKED}, {TD_EDENIED, TD_OA_DISABLED}};
    td_try(user_of_tenant(id, upn));
    enum td_code rc = td_sign_in(id->svc, upn, password, id->req->peer->address, id->a, ret, &id->err);
    enum td_domain_reason reason = rc != TD_OK ? td_sign_in_reason(&id->err) : TD_DJ_OK;
    if (reason != TD_DJ_OK)
        return refused_there(id, reason);
    if (rc == TD_EUNAVAILABLE && td_domain_reason_by_name(id->err.where) != NULL)
        return td_id_refuse(id, TD_OA_UNAVAILABLE, td_arena_printf(id->a, "%s %s", id->err.text, id->err.remedy));
    for (size_t i = 0; i < TD_COUNTOF(map); i++)
        if (rc == map[i].code)
            return td_id_refuse(id, map[i].what, NULL);
    return rc;
}
