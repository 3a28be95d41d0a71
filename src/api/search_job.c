#include "api/search_job.h"

#include "store/view.h"

enum { SLICE = 1000 }; /* about 10 ms of the store */

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_view_is_behind(tx, ctx, err);
}

static enum td_code bring(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_view_index(tx, SLICE, ctx, err);
}

enum td_code td_search_job(struct td_service *svc, bool *ret_more, struct td_error *err)
{
    bool behind = false;
    size_t done = 0;
    td_try(td_store_read(svc->store, look, &behind, err));
    if (behind)
        td_try(td_store_write(svc->store, bring, &done, err));
    *ret_more = done == SLICE;
    return TD_OK;
}
