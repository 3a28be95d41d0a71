#include "way/mismatch.h"

#include "codec/json.h"

#define FORMAT "touchdown.hardware-mismatch.1"

enum { MISMATCH_MAX_VALUE = 1024 };

/* Normal forms only: what differs from its own normal form was not written by a device of ours. */
static bool add(struct td_facts *f, struct td_arena *a, enum td_fact_kind kind, const char *value)
{
    size_t before = f->count;
    struct td_slice v = td_str(value), maker, model;
    switch (kind) {
    case TD_FACT_TUPLE:
        v = td_cut(v, '|', &maker);
        v = td_cut(v, '|', &model);
        (void)td_facts_add_tuple(f, a, maker, model, v);
        break;
    case TD_FACT_UUID:
        (void)td_facts_add_uuid(f, a, v);
        break;
    case TD_FACT_EK:
        (void)td_facts_add_ek(f, a, v);
        break;
    case TD_FACT_MAC:
        (void)td_facts_add_mac_text(f, a, v);
        break;
    default:
        (void)td_facts_add_text(f, a, kind, v);
    }
    return f->count == before + 1;
}

static enum td_code read_fact(const struct td_json *v, struct td_arena *a, struct td_facts *ret, struct td_error *err)
{
    const char *kind = td_json_str(v, "kind"), *value = td_json_str(v, "value");
    if (v->type != TD_JSON_OBJECT || kind == NULL || value == NULL || strlen(value) > MISMATCH_MAX_VALUE)
        return td_fail(err, TD_EFORMAT, "fact", "each is {\"kind\", \"value\"}");
    for (int k = 0; k < TD_FACT_COUNT; k++)
        if (strcmp(kind, td_fact_word((enum td_fact_kind)k)) == 0)
            return add(ret, a, (enum td_fact_kind)k, value)
                       ? TD_OK
                       : td_fail(err, TD_EFORMAT, kind, "is no identity fact, or stands there twice");
    return td_fail(err, TD_EFORMAT, "kind", "\"%.20s\" is no kind of fact", kind);
}

static enum td_code read_facts(const struct td_json *root, const char *name, struct td_arena *a, struct td_facts *ret,
                               struct td_error *err)
{
    const struct td_json *list = td_json_get(root, name);
    ret->count = 0;
    if (list == NULL || list->type != TD_JSON_ARRAY || td_json_count(list) > TD_FACTS_MAX)
        return td_fail(err, TD_EFORMAT, name, "must be a list of at most %d facts", TD_FACTS_MAX);
    for (const struct td_json *v = list->child; v != NULL; v = v->next)
        td_try(read_fact(v, a, ret, err));
    return TD_OK;
}

enum td_code td_mismatch_parse(struct td_slice in, struct td_arena *a, struct td_mismatch *ret, struct td_error *err)
{
    struct td_json *root;
    in = td_trim(in);
    if (in.n == 0)
        return td_fail(err, TD_ENOTFOUND, "mismatch", "the device tells of no exchange");
    td_try(td_json_parse(in, TD_MISMATCH_MAX, a, &root, err));
    const char *format = td_json_str(root, "format");
    if (root->type != TD_JSON_OBJECT || format == NULL || strcmp(format, FORMAT) != 0)
        return td_fail(err, TD_EFORMAT, "format", "is not " FORMAT);
    td_try(read_facts(root, "enrolled", a, &ret->enrolled, err));
    return read_facts(root, "now", a, &ret->now, err);
}

static void write_facts(struct td_jsonw *w, const char *name, const struct td_facts *f)
{
    td_jsonw_key(w, name);
    td_jsonw_arr(w);
    for (size_t i = 0; i < f->count; i++) {
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "kind", td_fact_word(f->list[i].kind));
        td_jsonw_kstr(w, "value", f->list[i].value);
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
}

void td_mismatch_write(const struct td_mismatch *m, struct td_buf *out)
{
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "format", FORMAT);
    write_facts(&w, "enrolled", &m->enrolled);
    write_facts(&w, "now", &m->now);
    td_jsonw_end(&w);
}
