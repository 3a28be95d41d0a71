/* Search tables: FTS5 over trigrams, kept up to date behind the writes.
 *
 * A trigger notes in <table>_todo which row changed and what the index knows of it (migration 0009); this file moves
 * the noted rows into the index, in slices. The index holds no texts and no positions: a needle is asked as all of its
 * trigrams, and whoever asks compares the rows. Needles and texts fold case the same way, at least ASCII's. */
#include "base/buf.h"
#include "store/sqlite/conn.h"

enum { TRIGRAM = 3, MAX_TRIGRAMS = 12, MAX_NEEDLE = 1024 };

static const struct {
    const char *noted;  /* number, known to the index, its text there, the row's text now (null: the row is gone) */
    const char *forget; /* FTS5 takes a row out by the text it was put in with */
    const char *learn, *done, *any;
} tables[] = {
    {
        .noted = "SELECT t.pos, t.known, t.v, r.serial || char(10) || r.group_tag || char(10) || r.assigned_user"
                 " || char(10) || r.display_name || char(10) || r.manufacturer || char(10) || r.model"
                 " FROM registration_search_todo t LEFT JOIN registration r ON r.pos = t.pos ORDER BY t.pos LIMIT $1",
        .forget = "INSERT INTO registration_search(registration_search, rowid, v) VALUES ('delete', $1, $2)",
        .learn = "INSERT INTO registration_search(rowid, v) VALUES ($1, $2)",
        .done = "DELETE FROM registration_search_todo WHERE pos = $1",
        .any = "SELECT 1 FROM registration_search_todo LIMIT 1",
    },
};

static size_t character(struct td_slice s, size_t at)
{
    size_t n = 1;
    while (at + n < s.n && ((unsigned char)s.p[at + n] & 0xC0) == 0x80)
        n++;
    return TD_MIN(n, s.n - at);
}

static struct td_slice trigram(struct td_slice s, size_t at)
{
    size_t end = at;
    for (int i = 0; i < TRIGRAM && end < s.n; i++)
        end += character(s, end);
    return td_sub(s, at, end - at);
}

static size_t characters(struct td_slice s)
{
    size_t n = 0;
    for (size_t at = 0; at < s.n; at += character(s, at))
        n++;
    return n;
}

/* "abc" AND "bcd": the language of MATCH knows nothing inside quotes but doubled quotes. */
const char *td_search_needle(struct td_slice needle, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    int n = 0;
    td_buf_init(&b, MAX_NEEDLE);
    if (characters(needle) < TRIGRAM || !td_utf8_ok(needle))
        return NULL;
    for (size_t at = 0; n < MAX_TRIGRAMS; at += character(needle, at), n++) {
        struct td_slice t = trigram(needle, at);
        if (characters(t) < TRIGRAM)
            break;
        td_buf_adds(&b, n != 0 ? " AND \"" : "\"");
        for (size_t i = 0; i < t.n; i++) {
            td_buf_addc(&b, t.p[i]);
            if (t.p[i] == '"')
                td_buf_addc(&b, '"');
        }
        td_buf_addc(&b, '"');
    }
    return td_arena_text(a, td_buf_slice(&b));
}

const char *td_search_select(const char *table, int param, struct td_arena *a)
{
    return td_arena_printf(a, "SELECT rowid FROM %s WHERE %s MATCH $%d UNION ALL SELECT pos FROM %s_todo", table, table,
                           param, table);
}

struct noted {
    int64_t pos, known;
    char *was, *is;
};

static enum td_code index_one(struct td_tx *tx, size_t table, const struct noted *n, struct td_error *err)
{
    if (n->known != 0)
        td_try(td_sql(tx, err, tables[table].forget, "is", n->pos, n->was));
    if (n->is != NULL)
        td_try(td_sql(tx, err, tables[table].learn, "is", n->pos, n->is));
    return td_sql(tx, err, tables[table].done, "i", n->pos);
}

static enum td_code index_table(struct td_tx *tx, size_t table, size_t max, size_t *ret_done, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct noted *list = td_arena_array(&a, struct noted, max);
    struct td_rows r;
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err, tables[table].noted, "i", (int64_t)max));
    for (; n < max && td_rows_next(&r); n++)
        list[n] = (struct noted){td_col_int(&r, 0), td_col_int(&r, 1), td_col_text(&r, 2, &a), td_col_text(&r, 3, &a)};
    td_try(td_rows_done(&r, err));
    for (size_t i = 0; i < n; i++)
        td_try(index_one(tx, table, &list[i], err));
    *ret_done += n;
    return TD_OK;
}

enum td_code td_search_index(struct td_tx *tx, size_t max, size_t *ret_done, struct td_error *err)
{
    *ret_done = 0;
    for (size_t i = 0; i < TD_COUNTOF(tables) && *ret_done < max; i++)
        td_try(index_table(tx, i, max - *ret_done, ret_done, err));
    return TD_OK;
}

enum td_code td_search_is_behind(struct td_tx *tx, bool *ret, struct td_error *err)
{
    struct td_rows r;
    *ret = false;
    for (size_t i = 0; i < TD_COUNTOF(tables) && !*ret; i++) {
        td_try(td_sql_query(tx, &r, err, tables[i].any, ""));
        while (td_rows_next(&r))
            *ret = true;
        td_try(td_rows_done(&r, err));
    }
    return TD_OK;
}
