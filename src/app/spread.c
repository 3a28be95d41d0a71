#include "app/spread.h"

#include "store/group.h"

struct spread {
    bool more;
};

static enum td_code slice(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct spread *s = ctx;
    return td_group_work(tx, &s->more, err);
}

enum td_code td_spread(struct td_cli *cli, size_t *ret_slices, struct td_error *err)
{
    struct spread s = {.more = true};
    size_t n = 0;
    for (; s.more; n++)
        td_try(td_store_write(cli->store, slice, &s, err));
    *ret_slices = n;
    return TD_OK;
}
