/* The finder of machines: the only file that reads across tenants by identity facts. */
#include "base/fault.h"
#include "store/registration.h"

enum { MAX_CANDIDATES = 64 };

enum td_code td_registration_tenant(struct td_tx *tx, const char *id, struct td_arena *a, const char **ret,
                                    struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err, "SELECT tenant FROM registration WHERE id = $1 LIMIT 1", "s", id));
    while (td_rows_next(&r)) {
        *ret = td_col_text0(&r, 0, a);
        found = true;
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "registration", "there is no such registration");
}

struct candidate {
    const char *tenant, *registration_id;
};

struct search {
    struct td_facts asked; /* without values that too many share */
    struct candidate list[MAX_CANDIDATES];
    size_t count;
};

static void add_candidate(struct search *s, const struct candidate *c)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->list[i].tenant, c->tenant) == 0 && strcmp(s->list[i].registration_id, c->registration_id) == 0)
            return;
    if (s->count < MAX_CANDIDATES)
        s->list[s->count++] = *c;
}

static enum td_code search_fact(struct td_tx *tx, struct search *s, const struct td_fact *fact, struct td_arena *a,
                                struct td_error *err)
{
    struct td_rows r;
    struct candidate found[TD_FACT_SHARED_MAX + 1];
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT tenant, registration_id FROM hw_identity WHERE kind = $1 AND value = $2 LIMIT $3",
                        "isi", (int64_t)fact->kind, fact->value, (int64_t)TD_COUNTOF(found)));
    while (td_rows_next(&r) && n < TD_COUNTOF(found))
        found[n++] = (struct candidate){td_col_text0(&r, 0, a), td_col_text0(&r, 1, a)};
    td_try(td_rows_done(&r, err));
    if (n > TD_FACT_SHARED_MAX)
        return TD_OK; /* a value that so many share tells nothing (docs/protocol/ztd.md 2) */
    for (size_t i = 0; i < n; i++)
        add_candidate(s, &found[i]);
    s->asked.list[s->asked.count++] = *fact;
    return TD_OK;
}

static enum td_code facts_of(struct td_tx *tx, const struct candidate *c, struct td_arena *a, struct td_facts *ret,
                             struct td_error *err)
{
    struct td_rows r;
    ret->count = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT kind, value FROM hw_identity WHERE tenant = $1 AND registration_id = $2 LIMIT $3",
                        "ssi", c->tenant, c->registration_id, (int64_t)TD_FACTS_MAX));
    while (td_rows_next(&r) && ret->count < TD_FACTS_MAX)
        ret->list[ret->count++] = (struct td_fact){(enum td_fact_kind)td_col_int(&r, 0), td_col_text0(&r, 1, a)};
    return td_rows_done(&r, err);
}

static void take_best(const struct candidate *c, const struct td_match *m, struct td_hardware_found *f)
{
    if (f->registration_id[0] != '\0' && m->weight <= f->match.weight) {
        if (f->second_registration_id[0] != '\0' && m->weight <= f->second.weight)
            return;
        f->second_tenant = c->tenant;
        f->second_registration_id = c->registration_id;
        f->second = *m;
        return;
    }
    f->second_tenant = f->tenant;
    f->second_registration_id = f->registration_id;
    f->second = f->match;
    f->tenant = c->tenant;
    f->registration_id = c->registration_id;
    f->match = *m;
}

static void judge(const struct candidate *c, const struct td_match *m, bool (*enough)(const struct td_match *),
                  struct td_hardware_found *f)
{
    bool named = m->kind_count >= 2 || m->kinds == 1u << TD_FACT_TUPLE;
    if (enough(m)) {
        take_best(c, m, f);
    } else if (m->contradicts != NULL && named && m->weight > f->near_weight) {
        f->near_weight = m->weight;
        f->near_tenant = c->tenant;
        f->near_registration_id = c->registration_id;
        f->near_why = m->contradicts;
    }
}

static enum td_code find(struct td_tx *tx, const struct td_facts *asked, bool (*enough)(const struct td_match *),
                         struct td_arena *a, struct td_hardware_found *ret, struct td_error *err)
{
    struct search *s = td_arena_new(a, struct search);
    struct td_facts *known = td_arena_new(a, struct td_facts);
    struct td_hardware_found f = TD_HARDWARE_NONE;
    for (size_t i = 0; i < asked->count; i++)
        td_try(search_fact(tx, s, &asked->list[i], a, err));
    for (size_t i = 0; i < s->count; i++) {
        td_try(facts_of(tx, &s->list[i], a, known, err));
        struct td_match m = td_facts_match(known, &s->asked);
        judge(&s->list[i], &m, enough, &f);
    }
    f.tie = f.second_registration_id[0] != '\0' && f.match.weight - f.second.weight <= TD_MATCH_MARGIN &&
            !td_fault("lookup-guess");
    *ret = f;
    return f.registration_id[0] != '\0' ? TD_OK
                                        : td_fail(err, TD_ENOTFOUND, "device", "no registration matches this device");
}

enum td_code td_hardware_find(struct td_tx *tx, const struct td_facts *asked, struct td_arena *a,
                              struct td_hardware_found *ret, struct td_error *err)
{
    return find(tx, asked, td_match_is_device, a, ret, err);
}

enum td_code td_hardware_duplicate(struct td_tx *tx, const struct td_facts *asked, struct td_arena *a,
                                   struct td_hardware_found *ret, struct td_error *err)
{
    return find(tx, asked, td_match_is_duplicate, a, ret, err);
}

enum td_code td_hardware_put(struct td_tx *tx, const char *tenant, const char *registration_id,
                             const struct td_facts *facts, struct td_error *err)
{
    for (size_t i = 0; i < facts->count; i++)
        td_try(td_sql(tx, err,
                      "INSERT INTO hw_identity(kind, value, tenant, registration_id) VALUES ($1, $2, $3, $4)"
                      " ON CONFLICT DO NOTHING",
                      "isss", (int64_t)facts->list[i].kind, facts->list[i].value, tenant, registration_id));
    return TD_OK;
}

enum td_code td_hardware_facts(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_arena *a,
                               struct td_facts *ret, struct td_error *err)
{
    struct candidate c = {tenant, registration_id};
    return facts_of(tx, &c, a, ret, err);
}

enum td_code td_hardware_drop(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_error *err)
{
    return td_sql(tx, err, "DELETE FROM hw_identity WHERE tenant = $1 AND registration_id = $2", "ss", tenant,
                  registration_id);
}

enum td_code td_hardware_shared(struct td_tx *tx, const struct td_fact *fact, int *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT COUNT(*) FROM (SELECT 1 FROM hw_identity WHERE kind = $1 AND value = $2 LIMIT $3) x",
                        "isi", (int64_t)fact->kind, fact->value, (int64_t)TD_FACT_SHARED_MAX + 1));
    while (td_rows_next(&r))
        *ret = (int)td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

/* A value that too many share says nothing of any of them, nor does one that is the registration's own already. */
static enum td_code has_another_owner(struct td_tx *tx, const struct td_fact *fact, const char *tenant,
                                      const char *registration_id, bool *ret, struct td_error *err)
{
    struct td_rows r;
    size_t own = 0, n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT CASE WHEN tenant = $3 AND registration_id = $4 THEN 1 ELSE 0 END FROM hw_identity"
                        " WHERE kind = $1 AND value = $2 LIMIT $5",
                        "isssi", (int64_t)fact->kind, fact->value, tenant, registration_id,
                        (int64_t)TD_FACT_SHARED_MAX + 1));
    for (; td_rows_next(&r); n++)
        own += td_col_int(&r, 0) != 0;
    *ret = n <= TD_FACT_SHARED_MAX && n != 0 && own == 0;
    return td_rows_done(&r, err);
}

enum td_code td_hardware_elsewhere(struct td_tx *tx, const struct td_facts *facts, const char *tenant,
                                   const char *registration_id, bool *ret, struct td_error *err)
{
    *ret = false;
    for (size_t i = 0; i < facts->count && !*ret; i++)
        if (facts->list[i].kind <= TD_FACT_EK)
            td_try(has_another_owner(tx, &facts->list[i], tenant, registration_id, ret, err));
    return TD_OK;
}

/* Ways that reported one of the facts. */
static enum td_code search_way(struct td_tx *tx, const char *tenant, struct search *s, const struct td_fact *fact,
                               struct td_arena *a, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT way_id FROM way_identity WHERE tenant = $1 AND kind = $2 AND value = $3 LIMIT $4",
                        "sisi", tenant, (int64_t)fact->kind, fact->value, (int64_t)TD_FACT_SHARED_MAX));
    while (td_rows_next(&r)) {
        struct candidate c = {tenant, td_col_text0(&r, 0, a)};
        add_candidate(s, &c);
    }
    return td_rows_done(&r, err);
}

static enum td_code facts_of_way(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                 struct td_facts *ret, struct td_error *err)
{
    struct td_rows r;
    ret->count = 0;
    td_try(td_sql_query(tx, &r, err, "SELECT kind, value FROM way_identity WHERE tenant = $1 AND way_id = $2 LIMIT $3",
                        "ssi", tenant, way_id, (int64_t)TD_FACTS_MAX));
    while (td_rows_next(&r) && ret->count < TD_FACTS_MAX)
        ret->list[ret->count++] = (struct td_fact){(enum td_fact_kind)td_col_int(&r, 0), td_col_text0(&r, 1, a)};
    return td_rows_done(&r, err);
}

enum td_code td_way_identity_find(struct td_tx *tx, const char *tenant, const struct td_facts *facts,
                                  struct td_arena *a, const char **ret_way_id, struct td_error *err)
{
    struct search *s = td_arena_new(a, struct search);
    struct td_facts *known = td_arena_new(a, struct td_facts);
    struct td_hardware_found f = TD_HARDWARE_NONE;
    for (size_t i = 0; i < facts->count; i++)
        td_try(search_way(tx, tenant, s, &facts->list[i], a, err));
    for (size_t i = 0; i < s->count; i++) {
        td_try(facts_of_way(tx, tenant, s->list[i].registration_id, a, known, err));
        struct td_match m = td_facts_match(known, facts);
        judge(&s->list[i], &m, td_match_is_device, &f);
    }
    *ret_way_id = f.registration_id;
    bool tie = f.second_registration_id[0] != '\0' && f.match.weight - f.second.weight <= TD_MATCH_MARGIN;
    return f.registration_id[0] != '\0' && !tie
               ? TD_OK
               : td_fail(err, TD_ENOTFOUND, "device", "no managed device has these facts");
}
