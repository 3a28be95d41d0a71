#include "app/spread.h"

#include "store/group.h"

enum { LOOK_AGAIN = 50 * TD_SECOND / 1000 };

struct spread {
    uint64_t mark; /* after our last slice, or as last seen */
};

static enum td_code slice(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct spread *s = ctx;
    bool more = false;
    td_try(td_group_work(tx, &more, err));
    return td_group_work_mark(tx, &s->mark, err);
}

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_group_work_mark(tx, ctx, err);
}

/* Where a server goes on with it this process only looks on: two writers in turn would read every page anew, since each
 * commit empties the other's cache. */
enum td_code td_spread(struct td_cli *cli, size_t *ret_slices, struct td_error *err)
{
    struct spread s = {.mark = 0};
    uint64_t now = 0;
    size_t n = 0;
    td_try(td_store_read(cli->store, look, &s.mark, err));
    while (s.mark != 0) {
        td_try(td_store_write(cli->store, slice, &s, err));
        n++;
        td_try(td_store_read(cli->store, look, &now, err));
        while (now != s.mark && now != 0) {
            s.mark = now;
            td_sleep(cli->env, LOOK_AGAIN);
            td_try(td_store_read(cli->store, look, &now, err));
        }
        s.mark = now;
    }
    *ret_slices = n;
    return TD_OK;
}
