#include "base/encode.h"
#include "base/fault.h"
#include "codec/odata_in.h"

enum { MAX_EXPAND_DEPTH = 4 };

struct reader {
    struct td_arena *arena;
    struct td_error *err;
    struct td_od_query *query;
    size_t names; /* of $select and $expand, nested ones too */
    int depth;
};

struct option {
    const char *name; /* "$top" */
    enum td_code (*take)(struct reader *r, const char *name, struct td_slice value);
    bool nested; /* may stand in $expand's parentheses */
};

static enum td_code refuse(const struct reader *r, const char *name, const char *why)
{
    return td_fail(r->err, TD_EINVAL, name, "%s", why);
}

static enum td_code count_name(struct reader *r, const char *name)
{
    if (++r->names > TD_OD_MAX_LIST)
        return td_fail(r->err, TD_ELIMIT, name, "more than %d names", TD_OD_MAX_LIST);
    return TD_OK;
}

/* Cuts at the first separator that stands outside quotes and parentheses. */
static struct td_slice cut_outside(struct td_slice s, char separator, struct td_slice *ret_head)
{
    bool quoted = false;
    int depth = 0;
    for (size_t i = 0; i < s.n; i++) {
        const char c = s.p[i];
        if (c == '\'')
            quoted = !quoted;
        else if (!quoted && (c == '(' || c == ')'))
            depth += c == '(' ? 1 : -1;
        else if (!quoted && depth <= 0 && c == separator) {
            *ret_head = td_sub(s, 0, i);
            return td_sub(s, i + 1, s.n);
        }
    }
    *ret_head = s;
    return td_sub(s, s.n, 0);
}

static enum td_code take_filter(struct reader *r, const char *name, struct td_slice value)
{
    return td_od_filter(name, value, r->arena, &r->query->filter, r->err);
}

static enum td_code take_select(struct reader *r, const char *name, struct td_slice value)
{
    const char **list = NULL;
    size_t cap = 0, n = 0;
    while (value.n != 0) {
        struct td_slice item;
        value = td_cut(value, ',', &item);
        item = td_trim(item);
        if (item.n == 0)
            continue;
        if (!td_od_is_path(item) && !td_eqs(item, "*"))
            return refuse(r, name, "takes names of properties with commas between them");
        td_try(count_name(r, name));
        list = td_arena_room(r->arena, list, n, &cap, sizeof(*list));
        list[n++] = td_arena_text(r->arena, item);
    }
    r->query->select = list;
    r->query->select_count = n;
    return TD_OK;
}

static enum td_code take_order(struct reader *r, const char *name, struct td_slice value)
{
    while (value.n != 0) {
        struct td_slice item, path;
        value = td_cut(value, ',', &item);
        item = td_trim(item);
        if (item.n == 0)
            continue;
        const struct td_slice direction = td_trim(td_cut(item, ' ', &path));
        const bool down = td_ieqs(direction, "desc");
        if (!td_od_is_path(path) || (direction.n != 0 && !down && !td_ieqs(direction, "asc")))
            return refuse(r, name, "takes names of properties, each with asc or desc behind it, and commas between");
        if (r->query->order_count == TD_OD_MAX_ORDER)
            return td_fail(r->err, TD_ELIMIT, name, "more than %d properties", TD_OD_MAX_ORDER);
        r->query->order[r->query->order_count++] =
            (struct td_od_order){.path = td_arena_text(r->arena, path), .descending = down};
    }
    return TD_OK;
}

static enum td_code take_number(struct reader *r, const char *name, struct td_slice value, int64_t *ret)
{
    if (!td_parse_i64(td_trim(value), ret) || *ret < 0)
        return refuse(r, name, "takes a number from 0");
    return TD_OK;
}

static enum td_code take_top(struct reader *r, const char *name, struct td_slice value)
{
    return take_number(r, name, value, &r->query->top);
}

static enum td_code take_skip(struct reader *r, const char *name, struct td_slice value)
{
    return take_number(r, name, value, &r->query->skip);
}

static enum td_code take_count(struct reader *r, const char *name, struct td_slice value)
{
    value = td_trim(value);
    r->query->count = td_ieqs(value, "true");
    if (!r->query->count && !td_ieqs(value, "false"))
        return refuse(r, name, "takes true or false");
    return TD_OK;
}

static enum td_code take_skiptoken(struct reader *r, const char *name TD_UNUSED, struct td_slice value)
{
    r->query->skiptoken = td_arena_text(r->arena, value);
    return TD_OK;
}

/* "json", "application/json;odata.metadata=full", and the older odata=fullmetadata. */
static enum td_code take_format(struct reader *r, const char *name, struct td_slice value)
{
    static const char *const levels[] = {"none", "minimal", "full"};
    struct td_slice media, parameter, word;
    value = td_cut(value, ';', &media);
    media = td_trim(media);
    if (!td_ieqs(media, "json") && !td_ieqs(media, "application/json"))
        return refuse(r, name, "only json is offered");
    while (value.n != 0) {
        value = td_cut(value, ';', &parameter);
        struct td_slice level = td_trim(td_cut(td_trim(parameter), '=', &word));
        if (!td_ieqs(word, "odata.metadata") && !td_ieqs(word, "odata"))
            continue;
        const bool older = td_ieqs(word, "odata") && (td_ieqs(level, "nometadata") || level.n > 8);
        for (size_t i = 0; i < TD_COUNTOF(levels); i++)
            if (td_ieqs(level, levels[i]) || (older && td_istarts(level, i == 0 ? "no" : levels[i])))
                r->query->metadata = levels[i];
        if (r->query->metadata == NULL)
            return refuse(r, name, "odata.metadata is none, minimal or full");
    }
    return TD_OK;
}

/* "a \"quoted\" text" without its quotes; false if the last quote is missing or more follows. */
static bool unquote(struct td_slice in, struct td_arena *a, struct td_slice *ret)
{
    char *out = td_arena_alloc(a, in.n + 1);
    size_t n = 0, i = 1;
    for (; i < in.n && in.p[i] != '"'; i++) {
        if (in.p[i] == '\\' && i + 1 < in.n)
            i++;
        out[n++] = in.p[i];
    }
    *ret = td_bytes(out, n);
    return i + 1 == in.n;
}

/* "text", "displayName:text", and both without quotes. */
static enum td_code take_search(struct reader *r, const char *name, struct td_slice value)
{
    struct td_slice head, tail;
    value = td_trim(value);
    if (value.n != 0 && value.p[0] == '"' && !unquote(value, r->arena, &value))
        return refuse(r, name, "takes one text in quotation marks, as in \"text\" or \"displayName:text\"");
    tail = td_cut(value, ':', &head);
    if (tail.n != 0 && td_od_is_identifier(head)) {
        r->query->search_property = td_arena_text(r->arena, head);
        value = td_trim(tail);
        if (value.n >= 2 && value.p[0] == '"' && !unquote(value, r->arena, &value))
            return refuse(r, name, "takes one text in quotation marks");
    }
    r->query->search = value.n != 0 ? td_arena_text(r->arena, value) : NULL;
    return TD_OK;
}

static enum td_code take_expand(struct reader *r, const char *name, struct td_slice value);

static const struct option options[] = {
    {"$filter", take_filter, true},  {"$select", take_select, true},        {"$expand", take_expand, true},
    {"$orderby", take_order, true},  {"$search", take_search, true},        {"$top", take_top, true},
    {"$skip", take_skip, true},      {"$skiptoken", take_skiptoken, false}, {"$count", take_count, true},
    {"$format", take_format, false},
};

/* Position in the table, or its length. */
static size_t option_at(struct td_slice name)
{
    const bool dollar = name.n != 0 && name.p[0] == '$';
    size_t i = 0;
    while (i < TD_COUNTOF(options) && !td_ieqs(name, options[i].name + (dollar ? 0 : 1)))
        i++;
    return i;
}

static void query_init(struct td_od_query *q)
{
    *q = (struct td_od_query){.top = -1, .skip = -1};
}

/* One option by its decoded name; seen marks the ones that came before. */
static enum td_code take_option(struct reader *r, struct td_slice name, struct td_slice value, bool nested,
                                unsigned *seen)
{
    const size_t i = option_at(name);
    if (i == TD_COUNTOF(options) && !nested && (name.n == 0 || name.p[0] != '$'))
        return TD_OK;
    if (i == TD_COUNTOF(options) || (nested && !options[i].nested))
        return td_fail(r->err, TD_EINVAL, nested ? "$expand" : "query", "%.*s is not known%s", (int)TD_MIN(name.n, 40),
                       name.p, nested ? " in its parentheses" : "");
    if ((*seen & 1U << i) != 0)
        return refuse(r, options[i].name, "stands twice");
    *seen |= 1U << i;
    return options[i].take(r, options[i].name, value);
}

/* Between $expand's parentheses: options with ';' between. */
static enum td_code read_nested(struct reader *r, struct td_slice text, const struct td_od_query **ret)
{
    struct td_od_query *outer = r->query, *q = td_arena_new(r->arena, struct td_od_query);
    unsigned seen = 0;
    enum td_code rc = TD_OK;
    query_init(q);
    if (++r->depth > MAX_EXPAND_DEPTH)
        return td_fail(r->err, TD_ELIMIT, "$expand", "nested deeper than %d", MAX_EXPAND_DEPTH);
    r->query = q;
    while (text.n != 0 && rc == TD_OK) {
        struct td_slice item, name;
        text = cut_outside(text, ';', &item);
        item = td_trim(item);
        struct td_slice value = td_cut(item, '=', &name);
        if (item.n != 0)
            rc = take_option(r, td_trim(name), value, true, &seen);
    }
    r->query = outer;
    r->depth--;
    *ret = q;
    return rc;
}

static enum td_code read_expand(struct reader *r, const char *name, struct td_slice item, struct td_od_expand *ret)
{
    const size_t open = td_find(item, '(');
    struct td_slice path = td_trim(td_sub(item, 0, open));
    if (!td_od_is_path(path) && !td_eqs(path, "*"))
        return refuse(r, name, "takes names of relations with commas between them");
    td_try(count_name(r, name));
    ret->path = td_arena_text(r->arena, path);
    if (open == SIZE_MAX)
        return TD_OK;
    if (!td_ends(item, ")"))
        return refuse(r, name, "a closing parenthesis is missing");
    return read_nested(r, td_sub(item, open + 1, item.n - open - 2), &ret->options);
}

static enum td_code take_expand(struct reader *r, const char *name, struct td_slice value)
{
    struct td_od_expand *list = NULL;
    size_t cap = 0, n = 0;
    while (value.n != 0) {
        struct td_slice item;
        value = cut_outside(value, ',', &item);
        item = td_trim(item);
        if (item.n == 0)
            continue;
        list = td_arena_room(r->arena, list, n, &cap, sizeof(*list));
        td_try(read_expand(r, name, item, &list[n]));
        n++;
    }
    r->query->expand = list;
    r->query->expand_count = n;
    return TD_OK;
}

/* What a link to the next page repeats. */
static void keep(struct td_buf *kept, struct td_slice raw, struct td_slice name)
{
    const size_t i = option_at(name);
    if (i < TD_COUNTOF(options) && (options[i].take == take_skiptoken || options[i].take == take_skip) &&
        !td_fault("odata-keeps-token"))
        return;
    if (kept->n != 0)
        td_buf_addc(kept, '&');
    td_buf_add(kept, raw);
}

static enum td_code read_pair(struct reader *r, struct td_slice raw, struct td_buf *kept, unsigned *seen)
{
    struct td_slice name, value = td_cut(raw, '=', &name);
    if (raw.n == 0)
        return TD_OK;
    name = td_trim(td_pct_decode(r->arena, name, true));
    value = td_pct_decode(r->arena, value, true);
    if (!td_utf8_ok(name) || !td_utf8_ok(value))
        return td_fail(r->err, TD_EFORMAT, "query", "not UTF-8");
    keep(kept, raw, name);
    return take_option(r, name, value, false, seen);
}

enum td_code td_od_query_parse(struct td_slice query, struct td_arena *a, struct td_od_query *ret, struct td_error *err)
{
    struct reader r = {.arena = a, .err = err, .query = ret};
    TD_CLEANUP(td_buf_done) struct td_buf kept;
    td_buf_init(&kept, 3 * TD_OD_MAX_TEXT + 1);
    unsigned seen = 0;
    query_init(ret);
    if (query.n > 3 * (size_t)TD_OD_MAX_TEXT)
        return td_fail(err, TD_ELIMIT, "query", "longer than %d octets", TD_OD_MAX_TEXT);
    while (query.n != 0) {
        struct td_slice raw;
        query = td_cut(query, '&', &raw);
        td_try(read_pair(&r, raw, &kept, &seen));
    }
    ret->kept = td_arena_copy(a, td_buf_slice(&kept));
    return TD_OK;
}
