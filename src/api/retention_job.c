#include "api/retention_job.h"

#include "store/retention.h"

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_retention_is_due(tx, ctx, err);
}

static enum td_code slice(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_retention_slice(tx, ctx, err);
}

/* Nearly always there is nothing to do: that is a read, and no write. */
enum td_code td_retention_job(struct td_service *svc, bool *ret_more, struct td_error *err)
{
    bool due = false;
    td_try(td_store_read(svc->store, look, &due, err));
    *ret_more = false;
    return due ? td_store_write(svc->store, slice, ret_more, err) : TD_OK;
}
