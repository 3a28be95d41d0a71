#include "policy/item_read.h"

#include <ctype.h>

enum { MAX_DOMAIN = 253, MAX_LABEL = 63, MAX_ID = 64 };

enum td_code td_item_text(struct td_item_reader *r, const char *name, size_t max, bool needed, const char **ret)
{
    const struct td_json *m = td_json_get(r->json, name);
    *ret = "";
    if (m == NULL)
        return needed ? td_fail(r->err, TD_EINVAL, name, "is missing") : TD_OK;
    if (m->type != TD_JSON_STRING || (needed && m->str[0] == '\0'))
        return td_fail(r->err, TD_EINVAL, name, "must be text");
    if (strlen(m->str) > max)
        return td_fail(r->err, TD_ELIMIT, name, "longer than %zu octets", max);
    *ret = m->str;
    return TD_OK;
}

enum td_code td_item_int(struct td_item_reader *r, const char *name, int otherwise, int min, int max, int *ret)
{
    const struct td_json *m = td_json_get(r->json, name);
    *ret = otherwise;
    if (m == NULL)
        return TD_OK;
    if (m->type != TD_JSON_INT || m->num < min || m->num > max)
        return td_fail(r->err, TD_EINVAL, name, "must be a whole number from %d to %d", min, max);
    *ret = (int)m->num;
    return TD_OK;
}

enum td_code td_item_bool(struct td_item_reader *r, const char *name, bool otherwise, bool *ret)
{
    const struct td_json *m = td_json_get(r->json, name);
    *ret = otherwise;
    if (m != NULL && m->type != TD_JSON_BOOL)
        return td_fail(r->err, TD_EINVAL, name, "must be true or false");
    if (m != NULL)
        *ret = m->num != 0;
    return TD_OK;
}

static bool is_label(struct td_slice label)
{
    if (label.n == 0 || label.n > MAX_LABEL || label.p[0] == '-' || label.p[label.n - 1] == '-')
        return false;
    for (size_t i = 0; i < label.n; i++)
        if (!isalnum((unsigned char)label.p[i]) && label.p[i] != '-' && label.p[i] != '_')
            return false;
    return true;
}

bool td_item_is_dns_name(const char *text, size_t labels)
{
    struct td_slice rest = td_str(text), label;
    size_t count = 0, last = rest.n;
    if (rest.n == 0 || rest.n > MAX_DOMAIN || text[last - 1] == '.')
        return false;
    while (rest.n != 0) {
        rest = td_cut(rest, '.', &label);
        if (!is_label(label))
            return false;
        count++;
    }
    return count >= labels;
}

enum td_code td_item_ids(struct td_item_reader *r, const char *name, size_t max, const char ***ret, size_t *ret_count)
{
    const struct td_json *list = td_json_get(r->json, name);
    const char **ids = td_arena_array(r->arena, const char *, max + 1);
    size_t n = 0;
    *ret = ids;
    *ret_count = 0;
    if (list == NULL)
        return TD_OK;
    if (list->type != TD_JSON_ARRAY || td_json_count(list) > max)
        return td_fail(r->err, TD_EINVAL, name, "must be a list of at most %zu items", max);
    for (const struct td_json *one = list->child; one != NULL; one = one->next) {
        if (one->type != TD_JSON_STRING || one->str[0] == '\0' || strlen(one->str) > MAX_ID)
            return td_fail(r->err, TD_EINVAL, name, "must hold ids of configuration items");
        for (size_t i = 0; i < n; i++)
            if (strcmp(ids[i], one->str) == 0)
                return td_fail(r->err, TD_EINVAL, name, "%s stands in it twice", one->str);
        ids[n++] = one->str;
    }
    *ret_count = n;
    return TD_OK;
}

void td_item_write_ids(struct td_jsonw *w, const char *name, const char *const *ids, size_t count)
{
    if (count == 0)
        return;
    td_jsonw_key(w, name);
    td_jsonw_arr(w);
    for (size_t i = 0; i < count; i++)
        td_jsonw_str(w, ids[i]);
    td_jsonw_arr_end(w);
}
