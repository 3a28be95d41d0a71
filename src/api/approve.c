#include "api/approve.h"

#include "store/user.h"

struct preparing {
    const char *tenant;
    struct td_approval *p;
    struct td_arena *a;
    bool refuse_bad_checksum;
};

static enum td_code read_request(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct preparing *r = ctx;
    td_try(td_import_refuses_checksum(tx, r->tenant, r->a, &r->refuse_bad_checksum, err));
    return td_device_request_find(tx, r->tenant, r->p->key, r->a, &r->p->request, err);
}

static enum td_code undecided(const struct td_device_request *r, struct td_error *err)
{
    if (r->state == TD_REQUEST_WAITS)
        return TD_OK;
    return td_fail(err, TD_ESTATE, "request", "it was %s already",
                   r->state == TD_REQUEST_APPROVED ? "approved" : "rejected");
}

enum td_code td_approve_prepare(struct td_store *store, const char *tenant, struct td_approval *p, struct td_arena *a,
                                struct td_error *err)
{
    struct preparing r = {.tenant = tenant, .p = p, .a = a};
    td_try(td_store_read(store, read_request, &r, err));
    td_try(undecided(&p->request, err));
    struct td_import_given given = {.serial = td_str(p->request.serial),
                                    .hash = td_str(p->request.hardware),
                                    .group_tag = td_str(p->group_tag),
                                    .user = td_str(p->user),
                                    .has_group_tag = p->group_tag != NULL,
                                    .has_user = p->user != NULL};
    td_import_prepare(&given, r.refuse_bad_checksum, a, &p->new, &p->row);
    p->new.source = "request";
    if (p->row.refused)
        return td_remedy(err, td_fail(err, TD_EINVAL, "request", "%s (%d %s)", p->row.text, p->row.code, p->row.name),
                         "%s", p->row.remedy);
    return TD_OK;
}

static enum td_code check_user(struct td_tx *tx, const char *tenant, struct td_approval *p, struct td_arena *a,
                               struct td_error *err)
{
    struct td_user u;
    if (p->user == NULL || p->user[0] == '\0')
        return TD_OK;
    enum td_code rc = td_user_find(tx, tenant, td_str(p->user), a, &u, err);
    if (rc == TD_ENOTFOUND)
        return td_fail(err, TD_EINVAL, "userPrincipalName", "there is no user %.100s in this tenant", p->user);
    if (rc == TD_OK)
        p->new.assigned_user = u.upn;
    return rc;
}

enum td_code td_approve_write(struct td_tx *tx, const char *tenant, struct td_approval *p, const char *actor,
                              struct td_arena *a, struct td_error *err)
{
    struct td_device_request now;
    struct td_import_row row = p->row;
    td_try(td_device_request_find(tx, tenant, p->key, a, &now, err));
    td_try(undecided(&now, err));
    td_try(check_user(tx, tenant, p, a, err));
    td_try(td_import_write(tx, tenant, &p->new, actor, a, &row, err));
    if (row.refused)
        return td_remedy(err,
                         td_fail(err, row.code == TD_ZTD_OTHER_TENANT ? TD_EEXISTS : TD_EINVAL, "request", "%s (%d %s)",
                                 row.text, row.code, row.name),
                         "%s", row.remedy);
    p->request = now;
    p->row = row;
    return td_device_request_decide(tx, tenant, &now, TD_REQUEST_APPROVED, row.registration_id, actor, err);
}

enum td_code td_reject_write(struct td_tx *tx, const char *tenant, const char *key, const char *actor,
                             struct td_arena *a, struct td_device_request *ret, struct td_error *err)
{
    td_try(td_device_request_find(tx, tenant, key, a, ret, err));
    td_try(undecided(ret, err));
    return td_device_request_decide(tx, tenant, ret, TD_REQUEST_REJECTED, "", actor, err);
}

enum { EXPIRE_SLICE = 500 };

static enum td_code overdue(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_device_request_overdue(tx, ctx, err);
}

static enum td_code expire(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_device_request_expire(tx, EXPIRE_SLICE, ctx, err);
}

enum td_code td_request_job(struct td_service *svc, bool *ret_more, struct td_error *err)
{
    bool any = false;
    size_t count = 0;
    *ret_more = false;
    td_try(td_store_read(svc->store, overdue, &any, err));
    if (any)
        td_try(td_store_write(svc->store, expire, &count, err));
    *ret_more = count == EXPIRE_SLICE;
    return TD_OK;
}
