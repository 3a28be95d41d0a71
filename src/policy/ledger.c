#include "policy/ledger.h"

#include "base/encode.h"

static const char *const ITEM_WORDS[TD_ITEM_STATE_COUNT] = {
    [TD_ITEM_PENDING] = "pending",
    [TD_ITEM_APPLIED] = "applied",
    [TD_ITEM_IN_EFFECT] = "in effect",
    [TD_ITEM_FAILED] = "failed",
    [TD_ITEM_ABSENT] = "not offered by the device",
};

const char *td_item_state_word(enum td_item_state state)
{
    return (unsigned)state < TD_ITEM_STATE_COUNT ? ITEM_WORDS[state] : "";
}

void td_ledger_init(struct td_ledger *l, struct td_arena *a)
{
    *l = (struct td_ledger){.arena = a, .nearby = td_arena_new(a, size_t)};
}

static struct td_row *new_row(struct td_ledger *l)
{
    if (l->count >= TD_LEDGER_MAX_ROWS)
        return NULL;
    l->rows = td_arena_room(l->arena, l->rows, l->count, &l->cap, sizeof(*l->rows));
    struct td_row *row = &l->rows[l->count++];
    *row = (struct td_row){.key = ""};
    return row;
}

static struct td_item_row *new_item(struct td_ledger *l)
{
    if (l->item_count >= TD_LEDGER_MAX_ROWS)
        return NULL;
    l->items = td_arena_room(l->arena, l->items, l->item_count, &l->item_cap, sizeof(*l->items));
    struct td_item_row *row = &l->items[l->item_count++];
    *row = (struct td_item_row){.item = ""};
    return row;
}

struct td_row *td_ledger_find(const struct td_ledger *l, const char *key)
{
    size_t at = *l->nearby < l->count ? *l->nearby : 0;
    for (size_t i = 0; i < l->count; i++, at++) {
        at = at < l->count ? at : 0;
        if (strcmp(l->rows[at].key, key) == 0) {
            *l->nearby = at + 1;
            return &l->rows[at];
        }
    }
    return NULL;
}

struct td_row *td_ledger_get(struct td_ledger *l, const char *key)
{
    struct td_row *row = td_ledger_find(l, key);
    if (row != NULL)
        return row;
    row = new_row(l);
    if (row != NULL)
        row->key = td_arena_strdup(l->arena, key);
    l->changed = true;
    return row;
}

struct td_row *td_ledger_sent(const struct td_ledger *l, int64_t session, uint64_t msg, uint64_t cmd)
{
    for (size_t i = 0; i < l->count; i++) {
        struct td_row *r = &l->rows[i];
        if (r->session == session && r->msg == msg && r->cmd != 0 && cmd >= r->cmd && cmd <= r->cmd + r->span)
            return r;
    }
    return NULL;
}

const char *td_ledger_value(const struct td_ledger *l, const char *uri)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->rows[i].key[0] == 'G' && strcmp(l->rows[i].key + 2, uri) == 0)
            return l->rows[i].value;
    return NULL;
}

struct td_item_row *td_ledger_item(struct td_ledger *l, const char *item)
{
    for (size_t i = 0; i < l->item_count; i++)
        if (strcmp(l->items[i].item, item) == 0)
            return &l->items[i];
    struct td_item_row *row = new_item(l);
    if (row != NULL)
        row->item = td_arena_strdup(l->arena, item);
    return row;
}

/* Percent-encoded only where it would end the field, the line or be taken for an encoding. */
static void add_text(struct td_buf *out, const char *text)
{
    for (size_t n = strcspn(text, "%\t\n"); text[n] != '\0'; n = strcspn(text, "%\t\n")) {
        td_buf_add(out, td_bytes(text, n));
        td_pct_add(out, td_bytes(text + n, 1));
        text += n + 1;
    }
    td_buf_adds(out, text);
}

static void add_numbers(struct td_buf *out, const uint64_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        td_buf_addc(out, '\t');
        td_buf_addu(out, v[i]);
    }
}

/* One line a row, fields by tabs: c key version state delivered attempts session msg cmd span status error [value]
 * or i item version state status error. Numbers of the protocol are never negative (number() refuses them). */
void td_ledger_write(const struct td_ledger *l, struct td_buf *out)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct td_row *r = &l->rows[i];
        const uint64_t v[] = {r->version, r->state, r->delivered, r->attempts,         (uint64_t)r->session,
                              r->msg,     r->cmd,   r->span,      (uint64_t)r->status, r->original_error};
        td_buf_adds(out, "c\t");
        add_text(out, r->key);
        add_numbers(out, v, TD_COUNTOF(v));
        if (r->value != NULL) {
            td_buf_addc(out, '\t');
            add_text(out, r->value);
        }
        td_buf_addc(out, '\n');
    }
    for (size_t i = 0; i < l->item_count; i++) {
        const struct td_item_row *r = &l->items[i];
        const uint64_t v[] = {r->version, r->state, (uint64_t)r->status, r->original_error};
        td_buf_adds(out, "i\t");
        add_text(out, r->item);
        add_numbers(out, v, TD_COUNTOF(v));
        td_buf_addc(out, '\n');
    }
}

static const char *take_text(struct td_arena *a, struct td_slice field)
{
    return td_arena_text(a, td_find(field, '%') != SIZE_MAX ? td_pct_decode(a, field, false) : field);
}

/* Takes the next field as a number; false if it is none or past max. */
static bool number(struct td_slice *line, uint64_t max, uint64_t *ret)
{
    struct td_slice field;
    *line = td_cut(*line, '\t', &field);
    return td_parse_u64(field, ret) && *ret <= max;
}

static bool parse_row(struct td_ledger *l, struct td_slice line)
{
    struct td_slice key;
    uint64_t v[10];
    static const uint64_t max[10] = {
        UINT64_MAX, TD_ROW_STATE_COUNT - 1, 1, UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_MAX, UINT32_MAX, 9999,
        UINT32_MAX};
    bool has_value = false;
    line = td_cut(line, '\t', &key);
    for (size_t i = 0; i < TD_COUNTOF(v); i++) {
        has_value = td_find(line, '\t') != SIZE_MAX;
        if (!number(&line, max[i], &v[i]))
            return false;
    }
    struct td_row *r = new_row(l);
    if (r == NULL)
        return false;
    *r = (struct td_row){.version = v[0],
                         .state = (enum td_row_state)v[1],
                         .delivered = v[2] != 0,
                         .attempts = (unsigned)v[3],
                         .session = (int64_t)v[4],
                         .msg = v[5],
                         .cmd = v[6],
                         .span = (unsigned)v[7],
                         .status = (int)v[8],
                         .original_error = (uint32_t)v[9]};
    r->key = take_text(l->arena, key);
    if (has_value)
        r->value = take_text(l->arena, line);
    return true;
}

static bool parse_item(struct td_ledger *l, struct td_slice line)
{
    struct td_slice item;
    uint64_t version, state, status, error;
    line = td_cut(line, '\t', &item);
    if (!number(&line, UINT64_MAX, &version) || !number(&line, TD_ITEM_STATE_COUNT - 1, &state) ||
        !number(&line, 9999, &status) || !number(&line, UINT32_MAX, &error))
        return false;
    struct td_item_row *r = new_item(l);
    if (r == NULL)
        return false;
    *r = (struct td_item_row){.item = take_text(l->arena, item),
                              .version = version,
                              .state = (enum td_item_state)state,
                              .status = (int)status,
                              .original_error = (uint32_t)error};
    return true;
}

enum td_code td_ledger_parse(struct td_slice text, struct td_arena *a, struct td_ledger *ret, struct td_error *err)
{
    struct td_slice line, kind;
    td_ledger_init(ret, a);
    if (text.n > TD_LEDGER_MAX)
        return td_fail(err, TD_ELIMIT, "ledger", "more than %d octets", TD_LEDGER_MAX);
    while (text.n != 0) {
        text = td_cut(text, '\n', &line);
        line = td_cut(line, '\t', &kind);
        bool ok = td_eqs(kind, "c") ? parse_row(ret, line) : td_eqs(kind, "i") && parse_item(ret, line);
        if (!ok)
            return td_fail(err, TD_EFORMAT, "ledger", "a line that this version did not write");
    }
    return TD_OK;
}
