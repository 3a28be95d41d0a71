/* Which ways are one machine's (store/life.h); what happened on them is in store/life/tell.c. */
#include "store/life.h"

#include "base/fault.h"
#include "store/way.h"

enum { CANDIDATES = 64 };

struct search {
    struct td_tx *tx;
    const char *tenant;
    struct td_arena *a;
    const char *ways[CANDIDATES];
    size_t count;
};

static void add(struct search *s, const char *way)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->ways[i], way) == 0)
            return;
    if (way[0] != '\0' && s->count < CANDIDATES)
        s->ways[s->count++] = way;
}

static enum td_code add_rows(struct search *s, struct td_rows *r, struct td_error *err)
{
    while (td_rows_next(r))
        add(s, td_col_text0(r, 0, s->a));
    return td_rows_done(r, err);
}

static const char *serial_key(struct td_arena *a, const char *serial)
{
    const char *key = td_fact_normal(a, td_str(serial));
    return key[0] != '\0' ? key : serial;
}

/* Ids that the machine has now. */
static enum td_code by_id(struct search *s, const char *key, struct td_error *err)
{
    static const enum td_way_key keys[] = {TD_WAY_REGISTRATION, TD_WAY_DEVICE, TD_WAY_ENROLMENT, TD_WAY_ID};
    struct td_way_row way = {.id = ""};
    for (size_t i = 0; i < TD_COUNTOF(keys); i++) {
        enum td_code rc = td_way_find(s->tx, s->tenant, keys[i], key, s->a, &way, err);
        if (rc == TD_OK)
            add(s, way.id);
        else if (rc != TD_ENOTFOUND)
            return rc;
    }
    return TD_OK;
}

/* The serial number among the facts of a board that was exchanged, as td_facts_text writes it. */
static const char *in_past_facts(struct td_arena *a, const char *key)
{
    return td_arena_printf(a, "%%|%s\n%%", serial_key(a, key));
}

/* Ids and serial numbers that it had: of enrolments that ended or were replaced, of registrations that were removed, of
 * boards that were exchanged. */
static enum td_code by_history(struct search *s, const char *key, struct td_error *err)
{
    const struct {
        const char *sql, *value;
    } questions[] = {
        {"SELECT way_id FROM enrolment WHERE tenant = $1 AND id = $2", key},
        {"SELECT way_id FROM enrolment WHERE tenant = $1 AND device_id = $2 AND device_id <> ''"
         " ORDER BY created_at DESC LIMIT 1",
         key},
        {"SELECT way_id FROM life_machine WHERE tenant = $1 AND registration_id = $2", key},
        {"SELECT way_id FROM life_machine WHERE tenant = $1 AND serial_key = $2 ORDER BY ended_at DESC LIMIT 1",
         serial_key(s->a, key)},
        {"SELECT way_id FROM enrolment WHERE tenant = $1 AND lower(serial) = $2 AND serial <> ''"
         " ORDER BY created_at DESC LIMIT 1",
         key},
        {"SELECT way_id FROM hardware_past WHERE tenant = $1 AND facts LIKE $2 ORDER BY replaced_at DESC LIMIT 1",
         td_fact_is_placeholder(td_str(key)) ? "" : in_past_facts(s->a, key)},
    };
    for (size_t i = 0; i < TD_COUNTOF(questions) && s->count == 0; i++) {
        struct td_rows r;
        td_try(td_sql_query(s->tx, &r, err, questions[i].sql, "ss", s->tenant, questions[i].value));
        td_try(add_rows(s, &r, err));
    }
    return TD_OK;
}

static enum td_code seed(struct search *s, const char *key, struct td_error *err)
{
    struct td_registration r = {.way_id = ""};
    struct td_error why = {0};
    enum td_code rc = td_registration_find_any(s->tx, s->tenant, key, s->a, &r, &why);
    if (rc == TD_OK)
        add(s, r.way_id);
    else if (rc != TD_ENOTFOUND) {
        if (err != NULL)
            *err = why;
        return rc;
    }
    char *lower = td_arena_strdup(s->a, key);
    td_lower(lower);
    if (s->count == 0)
        td_try(by_id(s, lower, err));
    if (s->count == 0)
        td_try(by_history(s, lower, err));
    if (s->count == 0)
        return td_fail(err, TD_ENOTFOUND, "device", "no device has or had the serial number or id %.100s", key);
    return TD_OK;
}

/* --- other ways of the same machine --- */

static enum td_code facts_of(struct search *s, const char *way, struct td_facts *ret, struct td_error *err)
{
    struct td_rows r;
    ret->count = 0;
    td_try(td_sql_query(s->tx, &r, err,
                        "SELECT kind, value FROM life_fact WHERE tenant = $1 AND way_id = $2"
                        " UNION SELECT kind, value FROM way_identity WHERE tenant = $1 AND way_id = $2"
                        " UNION SELECT h.kind, h.value FROM way w JOIN hw_identity h ON h.tenant = w.tenant"
                        " AND h.registration_id = w.registration_id WHERE w.tenant = $1 AND w.id = $2 LIMIT $3",
                        "ssi", s->tenant, way, (int64_t)TD_FACTS_MAX));
    while (td_rows_next(&r) && ret->count < TD_FACTS_MAX)
        ret->list[ret->count++] = (struct td_fact){(enum td_fact_kind)td_col_int(&r, 0), td_col_text0(&r, 1, s->a)};
    return td_rows_done(&r, err);
}

static enum td_code with_fact(struct search *s, const struct td_fact *f, struct td_error *err)
{
    struct td_rows r;
    td_try(
        td_sql_query(s->tx, &r, err,
                     "SELECT way_id FROM life_fact WHERE tenant = $1 AND kind = $2 AND value = $3"
                     " UNION SELECT way_id FROM way_identity WHERE tenant = $1 AND kind = $2 AND value = $3"
                     " UNION SELECT w.id FROM hw_identity h JOIN way w ON w.tenant = h.tenant"
                     " AND w.registration_id = h.registration_id WHERE h.kind = $2 AND h.value = $3 AND h.tenant = $1"
                     " LIMIT $4",
                     "sisi", s->tenant, (int64_t)f->kind, f->value, (int64_t)CANDIDATES));
    return add_rows(s, &r, err);
}

/* The same serial number of the same maker, as it was when the registration ended. */
static enum td_code with_serial(struct search *s, const struct td_life *life, struct td_error *err)
{
    struct td_rows r;
    if (life->serial[0] == '\0' || td_fact_is_placeholder(td_str(life->serial)))
        return TD_OK;
    td_try(td_sql_query(s->tx, &r, err,
                        "SELECT way_id FROM life_machine WHERE tenant = $1 AND serial_key = $2"
                        " AND lower(manufacturer) = lower($3) LIMIT $4",
                        "sssi", s->tenant, serial_key(s->a, life->serial), life->manufacturer, (int64_t)CANDIDATES));
    return add_rows(s, &r, err);
}

/* One step is enough: whatever the machine was known by stands with each of its ways. */
static enum td_code relatives(struct search *s, const struct td_life *life, struct td_error *err)
{
    struct search *found = td_arena_new(s->a, struct search);
    struct td_facts *mine = td_arena_new(s->a, struct td_facts), *theirs = td_arena_new(s->a, struct td_facts);
    *found = (struct search){.tx = s->tx, .tenant = s->tenant, .a = s->a};
    td_try(facts_of(s, s->ways[0], mine, err));
    for (size_t i = 0; i < mine->count; i++)
        td_try(with_fact(found, &mine->list[i], err));
    for (size_t i = 0; i < found->count; i++) {
        td_try(facts_of(s, found->ways[i], theirs, err));
        struct td_match m = td_facts_match(theirs, mine);
        if (td_match_is_device(&m) || td_fault("life-any-fact"))
            add(s, found->ways[i]);
    }
    return with_serial(s, life, err);
}

/* --- what is said of it --- */

static enum td_code describe(struct search *s, const char *way, struct td_life *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(s->tx, &r, err,
                        "SELECT serial, manufacturer, model, 0 AS place FROM registration WHERE tenant = $1"
                        " AND id = (SELECT registration_id FROM way WHERE tenant = $1 AND id = $2)"
                        " UNION ALL SELECT serial, manufacturer, model, 1 FROM life_machine WHERE tenant = $1"
                        " AND way_id = $2 UNION ALL SELECT serial, manufacturer, model, 2 FROM enrolment"
                        " WHERE tenant = $1 AND way_id = $2 AND serial <> '' ORDER BY place LIMIT 1",
                        "ss", s->tenant, way));
    while (td_rows_next(&r)) {
        ret->serial = td_col_text0(&r, 0, s->a);
        ret->manufacturer = td_col_text0(&r, 1, s->a);
        ret->model = td_col_text0(&r, 2, s->a);
    }
    return td_rows_done(&r, err);
}

struct dated {
    struct td_way_row way;
    int64_t created_at;
};

static enum td_code created_at(struct search *s, const char *way, int64_t *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(
        td_sql_query(s->tx, &r, err, "SELECT created_at FROM way WHERE tenant = $1 AND id = $2", "ss", s->tenant, way));
    while (td_rows_next(&r))
        *ret = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

/* The present way is the one that is registered or managed, else the newest. */
static bool is_later(const struct dated *x, const struct dated *than)
{
    bool lives = x->way.registration_id[0] != '\0' || x->way.enrolment_id[0] != '\0';
    bool other = than->way.registration_id[0] != '\0' || than->way.enrolment_id[0] != '\0';
    return lives != other ? lives : x->created_at >= than->created_at;
}

static enum td_code in_order(struct search *s, struct td_life *ret, struct td_error *err)
{
    struct dated *list = td_arena_array(s->a, struct dated, CANDIDATES);
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct dated d = {.created_at = 0};
        enum td_code rc = td_way_find(s->tx, s->tenant, TD_WAY_ID, s->ways[i], s->a, &d.way, err);
        if (rc == TD_ENOTFOUND)
            continue;
        td_try(rc);
        td_try(created_at(s, d.way.id, &d.created_at, err));
        size_t at = n++;
        for (; at > 0 && is_later(&list[at - 1], &d); at--)
            list[at] = list[at - 1];
        list[at] = d;
    }
    if (n == 0)
        return td_fail(err, TD_ENOTFOUND, "device", "its history is gone");
    for (size_t i = n > TD_LIFE_WAYS ? n - TD_LIFE_WAYS : 0; i < n; i++)
        ret->ways[ret->way_count++] = list[i].way.id;
    const struct td_way_row *now = &list[n - 1].way;
    ret->registration_id = now->registration_id;
    ret->word = td_way_word(&now->way);
    ret->user = now->way.state[TD_M_ENROLMENT] == TD_E_ENROLLED ? now->user_upn : "";
    return TD_OK;
}

static enum td_code read_cut(struct td_tx *tx, const char *tenant, int64_t *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(
        td_sql_query(tx, &r, err, "SELECT before_at FROM life_cut WHERE tenant = $1 AND kind = 'event'", "s", tenant));
    while (td_rows_next(&r))
        *ret = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

enum td_code td_life_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                          struct td_life *ret, struct td_error *err)
{
    struct search *s = td_arena_new(a, struct search);
    *s = (struct search){.tx = tx, .tenant = tenant, .a = a};
    *ret =
        (struct td_life){.serial = "", .manufacturer = "", .model = "", .registration_id = "", .word = "", .user = ""};
    td_try(seed(s, key, err));
    td_try(describe(s, s->ways[0], ret, err));
    td_try(relatives(s, ret, err));
    td_try(in_order(s, ret, err));
    td_try(describe(s, ret->ways[ret->way_count - 1], ret, err));
    return read_cut(tx, tenant, &ret->cut_at, err);
}

enum td_code td_life_remember(struct td_tx *tx, const char *tenant, const struct td_registration *r,
                              struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    td_try(td_sql(tx, err,
                  "INSERT INTO life_machine(tenant, way_id, registration_id, serial, serial_key, manufacturer, model,"
                  " ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, way_id) DO UPDATE SET"
                  " registration_id = excluded.registration_id, serial = excluded.serial,"
                  " serial_key = excluded.serial_key, manufacturer = excluded.manufacturer, model = excluded.model,"
                  " ended_at = excluded.ended_at",
                  "sssssssi", tenant, r->way_id, r->id, r->serial, serial_key(&a, r->serial), r->manufacturer, r->model,
                  td_tx_now(tx)));
    td_try(td_sql(tx, err, "DELETE FROM life_fact WHERE tenant = $1 AND way_id = $2", "ss", tenant, r->way_id));
    return td_sql(tx, err,
                  "INSERT INTO life_fact(tenant, way_id, kind, value) SELECT tenant, $3, kind, value FROM hw_identity"
                  " WHERE tenant = $1 AND registration_id = $2 ON CONFLICT DO NOTHING",
                  "sss", tenant, r->id, r->way_id);
}
