#include "api/group_job.h"

#include "store/group.h"

static enum td_code due(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_group_work_due(tx, ctx, err);
}

static enum td_code work(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_group_work(tx, ctx, err);
}

enum td_code td_group_job(struct td_service *svc, bool *ret_more, struct td_error *err)
{
    td_try(td_store_read(svc->store, due, ret_more, err)); /* no write where there is nothing to do */
    return *ret_more ? td_store_write(svc->store, work, ret_more, err) : TD_OK;
}
