#include "api/action_job.h"

#include "store/action_batch.h"

/* An action is asked with its event and its audit: so many stay well under what a write may take. */
enum { SLICE = 25 };

struct slice {
    bool asks, overdue, more;
    size_t ended;
};

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct slice *s = ctx;
    td_try(td_action_batch_is_due(tx, &s->asks, err));
    return td_action_is_overdue(tx, &s->overdue, err);
}

static enum td_code work(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct slice *s = ctx;
    return td_action_batch_work(tx, SLICE, &s->more, err);
}

static enum td_code settle(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct slice *s = ctx;
    return td_action_overdue(tx, SLICE, &s->ended, err);
}

/* Nearly always there is nothing to do: that is a read, and no write. */
enum td_code td_action_job(struct td_service *svc, bool *ret_more, struct td_error *err)
{
    struct slice s = {.asks = false};
    td_try(td_store_read(svc->store, look, &s, err));
    if (s.asks)
        td_try(td_store_write(svc->store, work, &s, err));
    if (s.overdue)
        td_try(td_store_write(svc->store, settle, &s, err));
    *ret_more = s.more || s.ended == SLICE;
    return TD_OK;
}
