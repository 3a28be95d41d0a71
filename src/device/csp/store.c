/* csp/store: sorted keys and values in memory, one file below. */
#include "device/csp/store.h"

#include "base/file.h"
#include "codec/json.h"
#include "device/device.h"

#include <stdio.h>

static void item_done(struct td_csp_item *it)
{
    if (it->value != NULL)
        td_wipe(it->value, strlen(it->value)); /* wireless keys and account secrets rest here */
    td_free(it->key);
    td_free(it->format);
    td_free(it->value);
}

void td_csp_items_done(struct td_csp_items *s)
{
    for (size_t i = 0; i < s->count; i++)
        item_done(&s->v[i]);
    td_free(s->v);
    *s = (struct td_csp_items){0};
}

void td_csp_items_copy(struct td_csp_items *to, const struct td_csp_items *from)
{
    td_csp_items_done(to);
    for (size_t i = 0; i < from->count; i++)
        td_csp_items_put(to, from->v[i].key, from->v[i].format, from->v[i].value);
}

size_t td_csp_items_lower(const struct td_csp_items *s, const char *key)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(s->v[mid].key, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct td_csp_item *td_csp_items_find(const struct td_csp_items *s, const char *key)
{
    size_t i = td_csp_items_lower(s, key);
    return i < s->count && strcmp(s->v[i].key, key) == 0 ? &s->v[i] : NULL;
}

static struct td_csp_item *insert(struct td_csp_items *s, const char *key)
{
    size_t i = td_csp_items_lower(s, key);
    if (s->count == s->cap) {
        s->cap = s->cap == 0 ? 64 : s->cap * 2;
        s->v = td_realloc(s->v, s->cap * sizeof(*s->v));
    }
    memmove(s->v + i + 1, s->v + i, (s->count - i) * sizeof(*s->v));
    s->v[i] = (struct td_csp_item){.key = td_strdup(key)};
    s->count++;
    return &s->v[i];
}

void td_csp_items_put(struct td_csp_items *s, const char *key, const char *format, const char *value)
{
    struct td_csp_item *it = td_csp_items_find(s, key);
    if (it == NULL)
        it = insert(s, key);
    char *old_format = it->format, *old_value = it->value;
    it->format = td_strdup(format); /* before the old ones go: the caller may hand them in */
    it->value = td_strdup(value);
    td_free(old_format);
    td_free(old_value);
}

static bool below(const char *key, const char *prefix, size_t n)
{
    return strncmp(key, prefix, n) == 0 && (key[n] == '/' || key[n] == '\0');
}

void td_csp_items_drop(struct td_csp_items *s, const char *key)
{
    size_t n = strlen(key), kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (below(s->v[i].key, key, n))
            item_done(&s->v[i]);
        else
            s->v[kept++] = s->v[i];
    }
    s->count = kept;
}

static enum td_code damaged(struct td_error *err, const char *what)
{
    return td_remedy(err, td_fail(err, TD_EFORMAT, "csp.json", "%s", what), TD_STATE_DAMAGED);
}

static enum td_code load(struct td_csp_items *s, struct td_slice text, struct td_arena *a, struct td_error *err)
{
    struct td_json *root;
    if (td_json_parse(text, TD_CSP_MAX_FILE, a, &root, NULL) != TD_OK)
        return damaged(err, "is not the JSON that this program writes");
    const struct td_json *list = td_json_get(root, "nodes");
    if (list == NULL || list->type != TD_JSON_ARRAY)
        return damaged(err, "holds no list of nodes");
    for (const struct td_json *e = list->child; e != NULL; e = e->next) {
        const char *key = td_json_str(e, "k"), *format = td_json_str(e, "f"), *value = td_json_str(e, "v");
        if (key == NULL || format == NULL || value == NULL)
            return damaged(err, "a node lacks its key, format or value");
        td_csp_items_put(s, key, format, value);
    }
    return TD_OK;
}

enum td_code td_csp_items_load(struct td_csp_items *s, const char *path, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    td_buf_init(&text, TD_CSP_MAX_FILE);
    if (!td_file_exists(path))
        return TD_OK;
    td_try(td_file_read(path, &text, err));
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    return load(s, td_buf_slice(&text), &a, err);
}

enum td_code td_csp_items_save(const struct td_csp_items *s, const char *path, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    td_buf_init(&text, TD_CSP_MAX_FILE);
    struct td_jsonw w;
    td_jsonw_init(&w, &text);
    td_jsonw_obj(&w);
    td_jsonw_key(&w, "nodes");
    td_jsonw_arr(&w);
    for (size_t i = 0; i < s->count; i++) {
        td_jsonw_obj(&w);
        td_jsonw_kstr(&w, "k", s->v[i].key);
        td_jsonw_kstr(&w, "f", s->v[i].format);
        td_jsonw_kstr(&w, "v", s->v[i].value);
        td_jsonw_end(&w);
    }
    td_jsonw_arr_end(&w);
    td_jsonw_end(&w);
    td_try(td_buf_check(&text, "csp.json", err));
    return td_file_write(path, td_buf_slice(&text), 0600, err);
}
