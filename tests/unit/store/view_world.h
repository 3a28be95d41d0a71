/* A made-up view with a column of every type, two tenants with the same rows, and filters made at random from the
 * grammar: what the property tests and the fuzzer ask. */
#ifndef TD_TESTS_UNIT_STORE_VIEW_WORLD_H
#define TD_TESTS_UNIT_STORE_VIEW_WORLD_H

#include "base/buf.h"
#include "store/view.h"

enum { WORLD_ROWS = 60, WORLD_ITEMS = 3 };

static const char *const world_texts[] = {"",
                                          "a",
                                          "A",
                                          "ab",
                                          "aB c",
                                          "x'y",
                                          "%",
                                          "a_c",
                                          "\xC3\xA9t\xC3\xA9",
                                          "\xC3\x89T",
                                          "SN-1",
                                          "sn-12",
                                          "SN-123",
                                          "[OrderId]:SALES",
                                          "[orderid]:sales",
                                          "null",
                                          "\"q\"",
                                          "contoso.test"};
static const char *const world_words[] = {"none", "Some", "all", NULL};
static const char *const world_kinds[] = {"win32", "msi", "web"};

struct world_random {
    uint64_t state;
};

static inline uint64_t world_next(struct world_random *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return r->state;
}

static inline size_t world_pick(struct world_random *r, size_t n)
{
    return (size_t)(world_next(r) % n);
}

static const struct td_view_column world_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "p.id", .fold = "p.id", .indexed = true},
    {.name = "text", .type = TD_V_TEXT, .sql = "p.text", .fold = "lower(p.text)", .indexed = true},
    {.name = "maybe", .type = TD_V_TEXT, .sql = "p.maybe"},
    {.name = "state/number", .type = TD_V_INT, .sql = "p.number"},
    {.name = "flag", .type = TD_V_BOOL, .sql = "p.flag"},
    {.name = "at", .type = TD_V_TIME, .sql = "p.at"},
    {.name = "word", .type = TD_V_ENUM, .sql = "p.word", .words = world_words},
    {.name = "kind", .type = TD_V_TEXT, .sql = "p.kind"},
    {.name = "always", .type = TD_V_INT, .sql = "3"}, /* no place of a column in an order */
    {.name = "list",
     .type = TD_V_TEXTS,
     .items = "SELECT v FROM world_item i2 WHERE i2.tenant = p.tenant AND i2.id = p.id"},
    {.name = "json", .type = TD_V_JSON, .sql = "'{}'"},
    {.name = "~tenant", .type = TD_V_TEXT, .sql = "p.tenant"},
};

static const struct td_view world_view = {.name = "world",
                                          .from = "world p",
                                          .where = "p.hidden = 0",
                                          .tenant = "p.tenant",
                                          .key = "p.id",
                                          .type_column = "kind",
                                          .columns = world_columns,
                                          .count = TD_COUNTOF(world_columns)};

static inline const char *const *world_subtypes(const char *type, void *ctx TD_UNUSED)
{
    static const char *const all[] = {"win32", "MSI", "web", NULL};
    static const char *const msi[] = {"msi", NULL};
    return td_ieqs(td_str(type), "app") ? all : td_ieqs(td_str(type), "msi") ? msi : NULL;
}

/* The items of a row, by its id: what was put into the store for it. */
static inline const char *const *world_items_of(const char *id)
{
    static const char *const none[] = {NULL};
    static const char *const lists[][WORLD_ITEMS + 1] = {
        {"[ZTDID]:1", "[OrderId]:SALES", "a", NULL}, {"A", NULL}, {"sn-12", "sn-1", NULL}};
    size_t n = id[0] != '\0' ? (size_t)(unsigned char)id[strlen(id) - 1] % 4 : 3;
    return n < 3 ? lists[n] : none;
}

static inline const char *const *world_item_texts(void *ctx TD_UNUSED, const struct td_view_row *row,
                                                  const char *column TD_UNUSED)
{
    return world_items_of(td_view_text(row, "id"));
}

static const struct td_view_items world_items = {.texts = world_item_texts};

static inline enum td_code world_row(struct td_tx *tx, const char *tenant, const char *id, struct world_random *r,
                                     struct td_error *err)
{
    const char *maybe = world_pick(r, 3) != 0 ? world_texts[world_pick(r, TD_COUNTOF(world_texts))] : NULL;
    int64_t at = world_pick(r, 3) != 0 ? (int64_t)world_pick(r, 4) * INT64_C(1000000000000000) : 0;
    const char *const *list = world_items_of(id);
    td_try(td_sql(tx, err,
                  "INSERT INTO world(tenant, id, text, maybe, number, flag, at, word, kind, hidden)"
                  " VALUES ($1, $2, $3, $4, CASE $5 WHEN 9 THEN NULL ELSE $5 END, $6, $7, $8, $9, $10)",
                  "ssssiiiisi", tenant, id, world_texts[world_pick(r, TD_COUNTOF(world_texts))], maybe,
                  (int64_t)world_pick(r, 10), (int64_t)world_pick(r, 2), at, (int64_t)world_pick(r, 4),
                  world_kinds[world_pick(r, TD_COUNTOF(world_kinds))], (int64_t)(world_pick(r, 12) == 0)));
    for (size_t i = 0; list[i] != NULL; i++)
        td_try(
            td_sql(tx, err, "INSERT INTO world_item(tenant, id, v) VALUES ($1, $2, $3)", "sss", tenant, id, list[i]));
    return TD_OK;
}

/* ctx: the random state. Both tenants get the same rows. */
static inline enum td_code world_fill(struct td_tx *tx, void *ctx, struct td_error *err)
{
    static const char *const tables[] = {
        ("CREATE TABLE IF NOT EXISTS world(tenant TEXT, id TEXT, text TEXT NOT NULL, maybe TEXT, number BIGINT,"
         " flag INTEGER, at BIGINT, word INTEGER, kind TEXT, hidden INTEGER, PRIMARY KEY (tenant, id))"),
        "CREATE INDEX IF NOT EXISTS world_text ON world(tenant, lower(text), id)",
        "CREATE TABLE IF NOT EXISTS world_item(tenant TEXT, id TEXT, v TEXT)",
    };
    char id[32];
    struct world_random start = *(struct world_random *)ctx, now = start;
    for (size_t i = 0; i < TD_COUNTOF(tables); i++)
        td_try(td_sql(tx, err, tables[i], ""));
    for (int t = 0; t < 2; t++) {
        now = start;
        for (size_t i = 0; i < WORLD_ROWS; i++) {
            struct td_buf b;
            td_buf_init(&b, sizeof(id));
            td_buf_printf(&b, "row-%02zu", i * 37 % WORLD_ROWS);
            enum td_code rc = world_row(tx, t == 0 ? "one" : "two", b.p, &now, err);
            td_buf_done(&b);
            td_try(rc);
        }
    }
    *(struct world_random *)ctx = now;
    return TD_OK;
}

#endif
