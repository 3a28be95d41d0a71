#include "store/managed_action.h"

#include <string.h>

enum { AT_ONCE = 50 };
#define TEN(a) "$" a "0,$" a "1,$" a "2,$" a "3,$" a "4,$" a "5,$" a "6,$" a "7,$" a "8,$" a "9"
#define IDS "$2,$3,$4,$5,$6,$7,$8,$9," TEN("1") "," TEN("2") "," TEN("3") "," TEN("4") ",$50,$51"
/* One text however many are asked for: the empty ids at its end are nobody's. */
static const char newest[] =
    "SELECT x.enrolment_id, x.id, x.parameter, x.kind, x.state, x.asked_at, x.changed_at FROM (SELECT MAX(id) AS id"
    " FROM device_action WHERE tenant = $1 AND enrolment_id IN (" IDS ") GROUP BY enrolment_id, kind) n"
    " JOIN device_action x ON x.tenant = $1 AND x.id = n.id ORDER BY x.id DESC";

struct list {
    struct td_managed_action *rows;
    size_t count, cap;
};

static size_t position(const char *const *ids, size_t count, const char *id)
{
    size_t i = 0;
    while (i < count && strcmp(ids[i], id) != 0)
        i++;
    return i;
}

static void add_row(struct td_rows *r, const char *const *ids, size_t count, size_t before, struct td_arena *a,
                    struct list *list)
{
    size_t at = position(ids, count, td_col_text0(r, 0, a));
    if (at == count || td_col_int(r, 3) >= TD_ACTION_KIND_COUNT) /* nobody's, or of a later version */
        return;
    list->rows = td_arena_room(a, list->rows, list->count, &list->cap, sizeof(*list->rows));
    list->rows[list->count++] = (struct td_managed_action){.device = before + at,
                                                           .id = td_col_text0(r, 1, a),
                                                           .parameter = td_col_text0(r, 2, a),
                                                           .kind = (enum td_action_kind)td_col_int(r, 3),
                                                           .state = (enum td_action_state)td_col_int(r, 4),
                                                           .asked_at = td_col_int(r, 5),
                                                           .changed_at = td_col_int(r, 6)};
}

static enum td_code add_some(struct td_tx *tx, const char *tenant, const char *const *ids, size_t count, size_t before,
                             struct td_arena *a, struct list *list, struct td_error *err)
{
    struct td_rows r;
    union td_bind values[AT_ONCE + 1];
    char types[AT_ONCE + 2];
    memset(types, 's', sizeof(types) - 1);
    types[sizeof(types) - 1] = '\0';
    values[0].s = tenant;
    for (size_t i = 0; i < AT_ONCE; i++)
        values[i + 1].s = i < count ? ids[i] : "";
    td_try(td_sql_query_list(tx, &r, err, newest, types, values));
    while (td_rows_next(&r))
        add_row(&r, ids, count, before, a, list);
    return td_rows_done(&r, err);
}

enum td_code td_managed_actions(struct td_tx *tx, const char *tenant, const char *const *enrolments, size_t count,
                                struct td_arena *a, struct td_managed_action **ret, size_t *ret_count,
                                struct td_error *err)
{
    struct list list = {.rows = NULL};
    for (size_t at = 0; at < count; at += AT_ONCE)
        td_try(add_some(tx, tenant, enrolments + at, TD_MIN(count - at, (size_t)AT_ONCE), at, a, &list, err));
    *ret = list.rows;
    *ret_count = list.count;
    return TD_OK;
}
