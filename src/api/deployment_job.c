#include "api/deployment_job.h"

#include "store/deployment.h"

enum { SLICE = 50 };

struct slice {
    size_t ended;
    bool any;
};

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct slice *s = ctx;
    return td_deployment_is_overdue(tx, &s->any, err);
}

static enum td_code end(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct slice *s = ctx;
    return td_deployment_overdue(tx, SLICE, &s->ended, err);
}

/* Nearly always there is nothing to do: that is a read, and no write. */
enum td_code td_deployment_job(struct td_service *svc, bool *ret_more, struct td_error *err)
{
    struct slice s = {0};
    td_try(td_store_read(svc->store, look, &s, err));
    if (s.any)
        td_try(td_store_write(svc->store, end, &s, err));
    *ret_more = s.ended == SLICE;
    return TD_OK;
}
