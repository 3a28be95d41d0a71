/* Bodies against their types, as lenient as the ecosystem's scripts need it and no more (graph-api.md 0.4, 1.3). */
#include "base/encode.h"
#include "base/fault.h"
#include "graph/room.h"
#include "graph/types.h"

#include <stdio.h>
#include <string.h>

enum { MAX_LIST = 5000, MAX_TEXT = 256 << 10 };

struct reader {
    struct td_arena *a;
    struct td_error *err;
};

/* A reader of one value: v is what was sent, out starts as its copy without name and neighbours. */
typedef enum td_code value_fn(struct reader *r, const struct td_g_prop *p, const struct td_json *v,
                              struct td_json *out);

static enum td_code wrong(struct reader *r, const struct td_g_prop *p, const char *wanted)
{
    return td_remedy(r->err, td_fail(r->err, TD_EINVAL, p->name, "the value is of the wrong type"), "send %s", wanted);
}

static struct td_json *text_of(struct td_json *out, const char *text, int64_t num)
{
    out->type = TD_JSON_STRING;
    out->str = text;
    out->num = num;
    out->child = NULL;
    return out;
}

static enum td_code read_text(struct reader *r, const struct td_g_prop *p, const struct td_json *v, struct td_json *out)
{
    if (v->type != TD_JSON_STRING)
        return wrong(r, p, "a text");
    size_t n = strlen(v->str), max = p->max > 0 ? (size_t)p->max : MAX_TEXT;
    if (n > max)
        return td_remedy(r->err, td_fail(r->err, TD_EINVAL, p->name, "longer than %zu octets", max), "shorten it");
    if (p->min > 0 && n < (size_t)p->min)
        return td_fail(r->err, TD_EINVAL, p->name, "shorter than %lld octets", (long long)p->min);
    out->str = v->str;
    return TD_OK;
}

static enum td_code read_bool(struct reader *r, const struct td_g_prop *p, const struct td_json *v, struct td_json *out)
{
    struct td_slice s = v->type == TD_JSON_STRING ? td_trim(td_str(v->str)) : TD_S("");
    bool yes = v->type == TD_JSON_BOOL ? v->num != 0 : td_ieqs(s, "true") || td_eqs(s, "1");
    if (v->type != TD_JSON_BOOL && !yes && !td_ieqs(s, "false") && !td_eqs(s, "0"))
        return wrong(r, p, "true or false");
    *out = (struct td_json){.type = TD_JSON_BOOL, .num = yes};
    return TD_OK;
}

static enum td_code read_int(struct reader *r, const struct td_g_prop *p, const struct td_json *v, struct td_json *out)
{
    int64_t num = v->num, min = p->min, max = p->max;
    if (v->type == TD_JSON_REAL && v->real >= -1e15 && v->real <= 1e15 && v->real == (double)(int64_t)v->real)
        num = (int64_t)v->real;
    else if (v->type != TD_JSON_INT && (v->type != TD_JSON_STRING || !td_parse_i64(td_trim(td_str(v->str)), &num)))
        return wrong(r, p, "a whole number");
    if (min == 0 && max == 0) {
        min = p->kind == TD_G_INT32 ? INT32_MIN : INT64_MIN;
        max = p->kind == TD_G_INT32 ? INT32_MAX : INT64_MAX;
    }
    if (num < min || num > max)
        return td_remedy(r->err, td_fail(r->err, TD_EINVAL, p->name, "%lld is out of bounds", (long long)num),
                         "send %lld to %lld", (long long)min, (long long)max);
    *out = (struct td_json){.type = TD_JSON_INT, .num = num};
    return TD_OK;
}

static enum td_code read_double(struct reader *r, const struct td_g_prop *p, const struct td_json *v,
                                struct td_json *out)
{
    if (v->type != TD_JSON_REAL && v->type != TD_JSON_INT)
        return wrong(r, p, "a number");
    *out = (struct td_json){
        .type = TD_JSON_REAL, .real = v->type == TD_JSON_REAL ? v->real : (double)v->num, .num = v->num};
    return TD_OK;
}

/* An offset other than Z: the same moment in UTC. */
static bool parse_offset(struct td_slice s, int64_t *ret)
{
    enum { TAIL = 6 }; /* +hh:mm */
    uint64_t hours, minutes;
    if (s.n < 20 || (s.p[s.n - TAIL] != '+' && s.p[s.n - TAIL] != '-') || s.p[s.n - 3] != ':' ||
        !td_parse_u64(td_sub(s, s.n - 5, 2), &hours) || !td_parse_u64(td_sub(s, s.n - 2, 2), &minutes) || hours > 14 ||
        minutes > 59)
        return false;
    char utc[64];
    struct td_slice head = td_sub(s, 0, s.n - TAIL);
    if (head.n + 2 > sizeof(utc))
        return false;
    memcpy(utc, head.p, head.n);
    utc[head.n] = 'Z';
    int64_t shift = (int64_t)(hours * 60 + minutes) * TD_MINUTE;
    if (!td_time_parse(td_bytes(utc, head.n + 1), ret))
        return false;
    *ret -= s.p[s.n - TAIL] == '-' ? -shift : shift;
    return true;
}

static enum td_code read_time(struct reader *r, const struct td_g_prop *p, const struct td_json *v, struct td_json *out)
{
    struct td_slice s = v->type == TD_JSON_STRING ? td_trim(td_str(v->str)) : TD_S("");
    int64_t us = 0;
    if (!td_istarts(s, "0001-01-01T") && !td_time_parse(s, &us) && !parse_offset(s, &us))
        return wrong(r, p, "a time like 2026-01-02T03:04:05Z");
    text_of(out, us != 0 ? td_time_arena(r->a, us) : "0001-01-01T00:00:00Z", us);
    return TD_OK;
}

static enum td_code read_guid(struct reader *r, const struct td_g_prop *p, const struct td_json *v, struct td_json *out)
{
    char *id = td_arena_alloc(r->a, TD_UUID_TEXT);
    if (v->type != TD_JSON_STRING || !td_uuid_parse(td_trim(td_str(v->str)), id))
        return wrong(r, p, "a GUID");
    text_of(out, id, 0);
    return TD_OK;
}

static enum td_code read_binary(struct reader *r, const struct td_g_prop *p, const struct td_json *v,
                                struct td_json *out)
{
    struct td_slice octets;
    if (v->type != TD_JSON_STRING || td_b64_decode(r->a, td_str(v->str), TD_B64_ANY, &octets) != TD_OK)
        return wrong(r, p, "base64");
    text_of(out, td_b64(r->a, octets), 0);
    return TD_OK;
}

static enum td_code read_duration(struct reader *r, const struct td_g_prop *p, const struct td_json *v,
                                  struct td_json *out)
{
    size_t n = v->type == TD_JSON_STRING ? strspn(v->str, "-PTDHMSYW.0123456789") : 0;
    if (n < 3 || n > 40 || v->str[n] != '\0' || (v->str[0] != 'P' && v->str[1] != 'P'))
        return wrong(r, p, "a duration like PT1H");
    out->str = v->str;
    return TD_OK;
}

static const char *words_of(struct td_arena *a, const struct td_g_enum *e)
{
    const char *text = "one of";
    for (size_t i = 0; e->words[i] != NULL; i++)
        text = td_arena_printf(a, "%s%s %s", text, i != 0 ? "," : "", e->words[i]);
    return text;
}

/* A word in any case or its number. */
static bool enum_number(const struct td_g_enum *e, struct td_slice word, int64_t *ret)
{
    *ret = td_g_enum_number(e, word);
    return *ret >= 0 || (td_parse_i64(word, ret) && td_g_enum_word(e, *ret) != NULL);
}

static bool enum_flags(struct td_arena *a, const struct td_g_enum *e, struct td_slice list, struct td_json *out)
{
    const char *text = "";
    int64_t sum = 0, one;
    struct td_slice word;
    do {
        list = td_cut(list, ',', &word);
        if (!enum_number(e, td_trim(word), &one))
            return false;
        sum |= one;
        text = td_arena_printf(a, "%s%s%s", text, *text != '\0' ? "," : "", td_g_enum_word(e, one));
    } while (list.n != 0);
    text_of(out, text, sum);
    return true;
}

static enum td_code read_enum(struct reader *r, const struct td_g_prop *p, const struct td_json *v, struct td_json *out)
{
    const struct td_g_enum *e = p->of;
    struct td_slice word = td_trim(td_str(v->type == TD_JSON_STRING ? v->str
                                          : v->type == TD_JSON_INT  ? td_arena_printf(r->a, "%lld", (long long)v->num)
                                                                    : ""));
    int64_t number;
    if (e->flags && enum_flags(r->a, e, word, out))
        return TD_OK;
    if (e->flags || !enum_number(e, word, &number))
        return td_remedy(r->err,
                         td_fail(r->err, TD_EINVAL, p->name, "'%.60s' is none of the values of %s", word.p, e->name),
                         "send %s", words_of(r->a, e));
    text_of(out, td_g_enum_word(e, number), number);
    return TD_OK;
}

static enum td_code read_complex(struct reader *r, const struct td_g_prop *p, const struct td_json *v,
                                 struct td_json *out)
{
    const struct td_g_type *type = p->of;
    const struct td_json *body = NULL;
    if (v->type != TD_JSON_OBJECT)
        return wrong(r, p, "an object");
    enum td_code rc = td_g_body(type, v, TD_G_WRITE | TD_G_CREATE, r->a, &type, &body, r->err);
    if (rc != TD_OK) {
        if (r->err != NULL) {
            char inner[sizeof(r->err->where)];
            memcpy(inner, r->err->where, sizeof(inner));
            snprintf(r->err->where, sizeof(r->err->where), "%.28s%s%.32s", p->name, inner[0] != '\0' ? "/" : "", inner);
        }
        return rc;
    }
    if (type == NULL || body == NULL) /* never: the body was read */
        return TD_EINTERNAL;
    struct td_json *name = td_arena_new(r->a, struct td_json);
    *name = (struct td_json){.type = TD_JSON_STRING, .name = "@odata.type", .str = type->name, .next = body->child};
    *out = (struct td_json){.type = TD_JSON_OBJECT, .child = name};
    return TD_OK;
}

static enum td_code read_value(struct reader *r, const struct td_g_prop *p, const struct td_json *v,
                               struct td_json *out)
{
    static value_fn *const readers[] = {
        [TD_G_STRING] = read_text, [TD_G_BOOL] = read_bool,       [TD_G_INT32] = read_int,
        [TD_G_INT64] = read_int,   [TD_G_DOUBLE] = read_double,   [TD_G_TIME] = read_time,
        [TD_G_GUID] = read_guid,   [TD_G_BINARY] = read_binary,   [TD_G_DURATION] = read_duration,
        [TD_G_ENUM] = read_enum,   [TD_G_COMPLEX] = read_complex,
    };
    *out = (struct td_json){.type = v->type};
    return readers[p->kind](r, p, v, out);
}

static enum td_code read_list(struct reader *r, const struct td_g_prop *p, const struct td_json *v, struct td_json *out)
{
    *out = (struct td_json){.type = TD_JSON_ARRAY};
    struct td_json **tail = &out->child;
    size_t n = 0;
    if (v->type != TD_JSON_ARRAY && v->type != TD_JSON_NULL)
        return wrong(r, p, "a list");
    for (const struct td_json *e = v->child; e != NULL; e = e->next) {
        if (++n > MAX_LIST)
            return td_fail(r->err, TD_ELIMIT, p->name, "more than %d elements", MAX_LIST);
        struct td_json *one = td_arena_new(r->a, struct td_json);
        td_try(read_value(r, p, e, one));
        *tail = one;
        tail = &one->next;
    }
    return TD_OK;
}

static enum td_code read_member(struct reader *r, const struct td_g_prop *p, const struct td_json *v,
                                struct td_json *out)
{
    if ((p->flags & TD_G_MANY) != 0)
        return read_list(r, p, v, out);
    if (v->type == TD_JSON_NULL) {
        *out = (struct td_json){.type = TD_JSON_NULL};
        return TD_OK;
    }
    return read_value(r, p, v, out);
}

/* null says "nothing": fine where there may be nothing, else as if it had not been sent. */
static bool taken(const struct td_g_prop *p, const struct td_json *v, unsigned flags)
{
    bool nothing = v->type == TD_JSON_NULL && (p->flags & (TD_G_NULLABLE | TD_G_MANY)) == 0;
    if (td_fault("graph-any-member"))
        return !nothing;
    return (p->flags & flags & (TD_G_WRITE | TD_G_CREATE)) != 0 && !nothing;
}

static enum td_code check_needed(struct reader *r, const struct td_g_type *type, const struct td_json *body)
{
    for (const struct td_g_type *t = type; t != NULL; t = t->base)
        for (size_t i = 0; i < t->prop_count; i++) {
            const struct td_g_prop *p = &t->props[i];
            const struct td_json *v = (p->flags & TD_G_NEEDED) != 0 ? td_json_get(body, p->name) : body;
            if (v == NULL || v->type == TD_JSON_NULL)
                return td_remedy(r->err, td_fail(r->err, TD_EINVAL, p->name, "the member is missing"),
                                 "send it, a %s needs it", type->name);
        }
    return TD_OK;
}

static enum td_code named_type(struct reader *r, const struct td_g_type *type, const struct td_json *body,
                               unsigned flags, const struct td_g_type **ret)
{
    const char *name = td_json_str(body, "@odata.type"), *wanted = type->name;
    bool creation = (flags & TD_G_CREATE) != 0;
    const struct td_g_type *named = name != NULL && *name != '\0' ? td_g_type_named(td_str(name)) : type;
    /* A change may name the type's own base; what it is was settled when it was made. */
    if (named != NULL && !creation && td_g_is_a(type, named))
        named = type;
    if (named == NULL || !td_g_is_a(named, type) || (!creation && named != type && !type->abstract))
        return td_fail(r->err, TD_EINVAL, "@odata.type", "'%.80s' is no type of %s", name, wanted);
    if (named->abstract && creation)
        return td_remedy(r->err, td_fail(r->err, TD_EINVAL, "@odata.type", "%s is abstract", wanted),
                         "name the derived type that is meant");
    *ret = named;
    return TD_OK;
}

/* deviceCategory@odata.bind, members@odata.bind: links to be made with the entity. */
static const char *bound_nav(struct td_arena *a, const struct td_g_type *type, const char *name)
{
    static const char tail[] = "@odata.bind";
    struct td_slice s = td_str(name);
    const struct td_g_nav *nav = td_ends(s, tail) ? td_g_nav(type, td_sub(s, 0, s.n - (sizeof(tail) - 1))) : NULL;
    return nav != NULL ? td_arena_printf(a, "%s%s", nav->name, tail) : NULL;
}

static enum td_code add_member(struct reader *r, const struct td_g_type *type, const struct td_json *m, unsigned flags,
                               struct td_json *out, struct td_json ***tail)
{
    const struct td_g_prop *p = td_g_prop(type, td_str(m->name));
    const char *bind = p == NULL ? bound_nav(r->a, type, m->name) : NULL;
    const char *name = p != NULL ? p->name : bind;
    if (name == NULL || (p != NULL && !taken(p, m, flags)) || td_json_get(out, name) != NULL)
        return TD_OK;
    struct td_json *one = td_arena_new(r->a, struct td_json);
    if (bind != NULL)
        *one = *m;
    else
        td_try(read_member(r, p, m, one));
    one->name = name;
    one->next = NULL;
    **tail = one;
    *tail = &one->next;
    return TD_OK;
}

enum td_code td_g_body(const struct td_g_type *type, const struct td_json *body, unsigned flags, struct td_arena *a,
                       const struct td_g_type **ret_type, const struct td_json **ret, struct td_error *err)
{
    struct reader r = {a, err};
    const struct td_g_type *named = NULL;
    struct td_json *out = td_arena_new(a, struct td_json), **tail = &out->child;
    if (body == NULL || body->type != TD_JSON_OBJECT)
        return td_remedy(err, td_fail(err, TD_EINVAL, "body", "the body is no JSON object"), "send a %s", type->name);
    td_try(named_type(&r, type, body, flags, &named));
    out->type = TD_JSON_OBJECT;
    for (const struct td_json *m = body->child; m != NULL; m = m->next)
        td_try(add_member(&r, named, m, flags, out, &tail));
    if ((flags & TD_G_CREATE) != 0)
        td_try(check_needed(&r, named, out));
    *ret_type = named;
    *ret = out;
    return TD_OK;
}

enum td_code td_g_read_json(struct td_slice body, size_t max, struct td_arena *a, const struct td_json **ret,
                            struct td_error *err)
{
    struct td_slice strict;
    struct td_json *tree = NULL;
    td_try(td_od_json_strict(body, max, a, &strict, err));
    td_try(td_json_parse(strict, 2 * max, a, &tree, err));
    *ret = tree;
    return TD_OK;
}

const char *td_g_body_text(const struct td_g_call *call, const char *name, const char *otherwise)
{
    const struct td_json *v = td_json_iget(call->body, name);
    return v != NULL && v->type == TD_JSON_STRING ? v->str : otherwise;
}

bool td_g_body_has(const struct td_g_call *call, const char *name)
{
    return td_json_iget(call->body, name) != NULL;
}

/* A member of an action's body as a value of the kind, NULL if it is not there or null. */
static enum td_code parameter(const struct td_g_call *call, const struct td_g_prop *p, struct td_json *out, bool *ret,
                              struct td_error *err)
{
    struct reader r = {call->arena, err};
    const struct td_json *v = td_json_iget(call->body, p->name);
    *ret = v != NULL && v->type != TD_JSON_NULL;
    return *ret ? read_value(&r, p, v, out) : TD_OK;
}

enum td_code td_g_body_bool(const struct td_g_call *call, const char *name, bool otherwise, bool *ret,
                            struct td_error *err)
{
    const struct td_g_prop p = {.name = name, .kind = TD_G_BOOL};
    struct td_json v = {.type = TD_JSON_NULL};
    bool there = false;
    td_try(parameter(call, &p, &v, &there, err));
    *ret = there ? v.num != 0 : otherwise;
    return TD_OK;
}

enum td_code td_g_body_int(const struct td_g_call *call, const char *name, int64_t otherwise, int64_t *ret,
                           struct td_error *err)
{
    const struct td_g_prop p = {.name = name, .kind = TD_G_INT64};
    struct td_json v = {.type = TD_JSON_NULL};
    bool there = false;
    td_try(parameter(call, &p, &v, &there, err));
    *ret = there ? v.num : otherwise;
    return TD_OK;
}
