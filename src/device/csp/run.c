/* csp/run: the server's commands on one node: rights, existence, format, value, then the row's handler (oma-dm.md 5).
 */
#include "base/encode.h"
#include "device/csp/tree.h"

#include <stdlib.h>

/* The row of a key in its scope; *ret_elsewhere: the other scope has one; *ret_interior: it lies on the way to one. */
static const struct td_csp_row *find_row(const char *key, struct td_csp_places *places, bool *ret_elsewhere,
                                         bool *ret_interior)
{
    size_t n;
    unsigned scope = td_csp_scope(key, &n);
    *ret_elsewhere = *ret_interior = false;
    if (strlen(key) < n) {
        *ret_interior = true;
        return NULL;
    }
    for (size_t i = 0; i < td_csp_row_count; i++) {
        enum td_csp_fit fit = td_csp_walk(td_csp_rows[i].path, key + n, places);
        bool here = (td_csp_rows[i].scope & scope) != 0;
        if (fit == TD_CSP_MATCH && here)
            return &td_csp_rows[i];
        *ret_elsewhere = *ret_elsewhere || (fit == TD_CSP_MATCH && !here);
        *ret_interior = *ret_interior || (fit == TD_CSP_PREFIX && here);
    }
    return NULL;
}

static void fill_parts(struct td_csp_call *call, const struct td_csp_places *places)
{
    size_t n;
    (void)td_csp_scope(call->key, &n);
    for (size_t i = 0; i < places->count; i++) {
        struct td_slice raw = td_bytes(call->key + n + places->from[i], places->end[i] - places->from[i]);
        call->part[i] = td_arena_text(call->a, td_pct_decode(call->a, raw, false));
    }
    call->parts = places->count;
}

static bool may(const struct td_csp_call *call, char op)
{
    return strchr(call->row->ops, op) != NULL;
}

static bool is_node(const struct td_csp_row *row)
{
    return row == NULL || strcmp(row->format, "node") == 0;
}

static const char *first_format(const struct td_csp_row *row, struct td_arena *a)
{
    struct td_slice head;
    (void)td_cut(td_str(row->format), '|', &head);
    return td_arena_text(a, head);
}

static int get(struct td_csp_call *call)
{
    if (!td_csp_has(call->csp, call->key))
        return td_csp_refuse(call, 404, TD_CSP_E_NOTFOUND);
    if (is_node(call->row)) {
        call->answer->format = "node";
        call->answer->data = td_csp_children(call->csp, call->key, call->a);
        return 200;
    }
    if (!may(call, 'G'))
        return td_csp_refuse(call, 405, TD_CSP_E_NOTALLOWED);
    call->answer->format = first_format(call->row, call->a);
    int status = call->row->fn == NULL ? 0 : call->row->fn(call);
    if (status != 0)
        return status;
    const struct td_csp_item *it = td_csp_items_find(&call->csp->items, call->key);
    if (it != NULL && *it->format != '\0')
        call->answer->format = td_arena_strdup(call->a, it->format);
    return td_csp_tell(call, it != NULL ? td_arena_strdup(call->a, it->value) : call->row->initial);
}

/* ?prop=Name|Format|Type|Size of a node that can be read (OMA TND). */
static int property(struct td_csp_call *call, const char *prop)
{
    int status = get(call);
    if (status != 200)
        return status;
    const char *format = call->answer->format, *data = call->answer->data;
    call->answer->format = "chr";
    if (strcmp(prop, "Name") == 0)
        return td_csp_tell(call, td_csp_name(call->key, call->a));
    if (strcmp(prop, "Format") == 0)
        return td_csp_tell(call, format);
    if (strcmp(prop, "Type") == 0)
        return td_csp_tell(call, is_node(call->row) ? "" : "text/plain");
    if (strcmp(prop, "Size") == 0)
        return td_csp_tell(call, td_arena_printf(call->a, "%zu", strlen(data)));
    return td_csp_refuse(call, 406, 0);
}

/* Instances on the way that are not there can be made implicitly, unless their own row says that they can't be added.
 */
static bool parents_ok(struct td_csp_call *call)
{
    char *key = td_arena_strdup(call->a, call->key);
    for (char *slash; (slash = strrchr(key, '/')) != NULL;) {
        struct td_csp_places places;
        bool elsewhere, interior;
        *slash = '\0';
        if (td_csp_has(call->csp, key))
            return true;
        const struct td_csp_row *row = find_row(key, &places, &elsewhere, &interior);
        if (row != NULL && strchr(row->ops, 'A') == NULL)
            return false;
    }
    return true;
}

static bool text_ok(struct td_slice data)
{
    return memchr(data.p, '\0', data.n) == NULL;
}

static int write_value(struct td_csp_call *call, const char *format)
{
    const struct td_csp_row *row = call->row;
    if (*format != '\0' && !td_csp_one_of(row->format, td_str(format)))
        return td_csp_refuse(call, 415, TD_CSP_E_BADVALUE);
    if (call->csp->items.count >= TD_CSP_MAX_ITEMS)
        return td_csp_refuse(call, 420, TD_CSP_E_FULL);
    if (!is_node(row) && (!text_ok(call->data) || !td_csp_fits(row->format, row->check, call->data)))
        return td_csp_refuse(call, 500, TD_CSP_E_BADVALUE);
    int status = row->fn == NULL ? 0 : row->fn(call);
    if (status != 0)
        return status;
    struct td_slice value = td_starts(td_str(row->format), "int") || td_starts(td_str(row->format), "bool")
                                ? td_trim(call->data)
                                : call->data;
    td_csp_put(call->csp, call->key, *format != '\0' ? format : first_format(row, call->a),
               td_arena_text(call->a, value));
    return 200;
}

static int add_interior(struct td_csp_call *call, const char *format)
{
    if (td_csp_has(call->csp, call->key))
        return td_csp_refuse(call, 418, TD_CSP_E_EXISTS);
    if (*format != '\0' && strcmp(format, "node") != 0)
        return td_csp_refuse(call, 415, TD_CSP_E_BADVALUE);
    td_csp_put(call->csp, call->key, "node", "");
    return 200;
}

static int add(struct td_csp_call *call, const char *format)
{
    if (call->row == NULL)
        return add_interior(call, format);
    if (!may(call, 'A'))
        return td_csp_refuse(call, 405, TD_CSP_E_NOTALLOWED);
    if (td_csp_has(call->csp, call->key))
        return td_csp_refuse(call, 418, TD_CSP_E_EXISTS);
    if (!parents_ok(call))
        return td_csp_refuse(call, 404, TD_CSP_E_NOTFOUND);
    return write_value(call, format);
}

static int replace(struct td_csp_call *call, const char *format)
{
    bool exists = td_csp_has(call->csp, call->key);
    if (call->row == NULL || !may(call, 'R'))
        return exists ? td_csp_refuse(call, 405, TD_CSP_E_NOTALLOWED) : td_csp_refuse(call, 404, TD_CSP_E_NOTFOUND);
    if (!exists && (!may(call, 'u') || !parents_ok(call)))
        return td_csp_refuse(call, 404, TD_CSP_E_NOTFOUND);
    return write_value(call, format);
}

static int delete (struct td_csp_call *call)
{
    if (!td_csp_has(call->csp, call->key))
        return td_csp_refuse(call, 404, TD_CSP_E_NOTFOUND);
    if (call->row == NULL || !may(call, 'D'))
        return td_csp_refuse(call, 405, TD_CSP_E_NOTALLOWED);
    int status = call->row->fn == NULL ? 0 : call->row->fn(call);
    if (status != 0)
        return status;
    td_csp_drop(call->csp, call->key);
    return 200;
}

static int exec(struct td_csp_call *call)
{
    if (call->row != NULL && !may(call, 'X'))
        return td_csp_refuse(call, 405, TD_CSP_E_NOTALLOWED);
    if (!td_csp_has(call->csp, call->key))
        return td_csp_refuse(call, 404, TD_CSP_E_NOTFOUND);
    if (call->row == NULL)
        return td_csp_refuse(call, 405, TD_CSP_E_NOTALLOWED);
    int status = call->row->fn == NULL ? 0 : call->row->fn(call);
    return status != 0 ? status : 200;
}

static int dispatch(struct td_csp_call *call, const char *format, const char *prop)
{
    if (prop != NULL)
        return call->op == TD_CSP_GET ? property(call, prop) : td_csp_refuse(call, 405, TD_CSP_E_NOTALLOWED);
    switch (call->op) {
    case TD_CSP_GET:
        return get(call);
    case TD_CSP_ADD:
        return add(call, format);
    case TD_CSP_REPLACE:
        return replace(call, format);
    case TD_CSP_DELETE:
        return delete (call);
    case TD_CSP_EXEC:
        return exec(call);
    }
    return 406;
}

static bool prepare(struct td_csp *csp, const char *key, struct td_arena *a, struct td_csp_call *call, bool *elsewhere)
{
    struct td_csp_places places;
    bool interior;
    size_t n;
    call->csp = csp;
    call->key = key;
    call->a = a;
    call->user = td_csp_scope(key, &n) == TD_CSP_USER;
    call->row = find_row(key, &places, elsewhere, &interior);
    if (call->row != NULL)
        fill_parts(call, &places);
    return call->row != NULL || interior;
}

void td_csp_run(struct td_csp *csp, enum td_csp_op op, const char *uri, const char *format, struct td_slice data,
                struct td_arena *a, struct td_csp_answer *ret)
{
    *ret = (struct td_csp_answer){.format = "", .data = ""};
    struct td_csp_call call = {.op = op, .data = data, .answer = ret};
    const char *key, *prop;
    bool elsewhere;
    ret->status = td_csp_key(uri, a, &key, &prop);
    if (ret->status != 200)
        return;
    if (data.n > TD_CSP_MAX_VALUE)
        ret->status = td_csp_refuse(&call, 413, TD_CSP_E_FULL);
    else if (td_starts(td_str(key), "User") && !csp->user)
        ret->status = td_csp_refuse(&call, 405, TD_CSP_E_NOTALLOWED); /* not yet: oma-dm.md 9 */
    else if (prepare(csp, key, a, &call, &elsewhere))
        ret->status = dispatch(&call, format, prop);
    else
        ret->status =
            elsewhere ? td_csp_refuse(&call, 405, TD_CSP_E_NOTALLOWED) : td_csp_refuse(&call, 404, TD_CSP_E_NOTFOUND);
}

bool td_csp_exists(struct td_csp *csp, const char *uri, struct td_arena *a)
{
    const char *key, *prop;
    return td_csp_key(uri, a, &key, &prop) == 200 && td_csp_has(csp, key);
}

const char *td_csp_read(struct td_csp *csp, const char *uri, struct td_arena *a)
{
    struct td_csp_answer answer;
    bool user = csp->user;
    csp->user = true;
    td_csp_run(csp, TD_CSP_GET, uri, "", td_str(""), a, &answer);
    csp->user = user;
    return answer.status == 200 ? answer.data : NULL;
}
