#include "app/spread.h"

#include "store/profile.h"

enum { SLICE = 100, MAX_ID = 64 };

struct spread {
    const char *tenant, *actor;
    char after[MAX_ID], next[MAX_ID];
};

static enum td_code slice(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct spread *s = ctx;
    const char *next = "";
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    td_try(td_profile_spread(tx, s->tenant, s->after, SLICE, s->actor, &a, &next, err));
    memcpy(s->next, next, strnlen(next, MAX_ID - 1) + 1);
    return TD_OK;
}

enum td_code td_spread(struct td_cli *cli, const char *actor, size_t *ret_slices, struct td_error *err)
{
    struct spread s = {.tenant = cli->tenant.id, .actor = actor};
    size_t n = 0;
    do {
        td_try(td_store_write(cli->store, slice, &s, err));
        memcpy(s.after, s.next, sizeof(s.after));
        n++;
    } while (s.after[0] != '\0');
    *ret_slices = n;
    return TD_OK;
}
