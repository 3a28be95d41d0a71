/* $filter from text to answer: parse, compile, run on a store of two tenants with the same rows; the judge in memory
 * must say the same, and no row of the other tenant may come. Input: a filter, and behind a line feed an order. */
#include "../unit/store/view_world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct td_env_fixed env;
static struct td_store *store;
static struct td_arena kept;
static struct td_view_page all;
static char dir[] = "/tmp/td-fuzz-XXXXXX";

struct question {
    struct td_view_ask ask;
    struct td_arena *arena;
    struct td_view_page page;
};

static enum td_code run(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct question *q = ctx;
    return td_view_page(tx, "one", &world_view, &q->ask, q->arena, &q->page, err);
}

static void end(void)
{
    td_store_close(store);
    td_arena_done(&kept);
    DIR *d = opendir(dir);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        char path[400];
        (void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        (void)unlink(path);
    }
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(dir);
}

static void need(bool ok)
{
    if (!ok)
        abort();
}

static void begin(void)
{
    struct world_random rnd = {4711};
    struct question q = {.arena = &kept, .ask = {.top = TD_VIEW_MAX_TOP}};
    td_env_fixed_init(&env, INT64_C(1893553445) * TD_SECOND, 7);
    need(mkdtemp(dir) != NULL && td_store_open(dir, &env.env, &store, NULL) == TD_OK &&
         td_store_write(store, world_fill, &rnd, NULL) == TD_OK && td_store_read(store, run, &q, NULL) == TD_OK);
    all = q.page;
    (void)atexit(end);
}

static void check(const struct question *q, enum td_code rc)
{
    size_t count = 0;
    bool fits = false;
    need(rc == TD_OK || rc == TD_EINVAL || rc == TD_ELIMIT);
    if (rc != TD_OK)
        return;
    for (size_t i = 0; i < all.count; i++) {
        need(td_view_matches(&all.rows[i], q->ask.filter, &q->ask, &world_items, &fits, NULL) == TD_OK);
        count += fits;
    }
    need(q->page.count == count);
    for (size_t i = 0; i < q->page.count; i++)
        need(strcmp(td_view_text(&q->page.rows[i], "~tenant"), "one") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct question q = {.arena = &a, .ask = {.top = TD_VIEW_MAX_TOP, .subtypes = world_subtypes}};
    struct td_slice filter, order = td_cut(td_bytes(data, size), '\n', &filter);
    struct td_od_order by = {td_arena_text(&a, order), false};
    if (store == NULL)
        begin();
    if (order.n != 0 && td_utf8_ok(order)) {
        q.ask.order = &by;
        q.ask.order_count = 1;
    }
    if (td_od_filter_parse(filter, &a, &q.ask.filter, NULL) == TD_OK)
        check(&q, td_store_read(store, run, &q, NULL));
    return 0;
}
