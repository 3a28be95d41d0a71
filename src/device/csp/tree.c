/* csp/tree: opening and saving, the device's own hand, which nodes exist and what stands below them. */
#include "device/csp/tree.h"

#include "base/encode.h"

#include <stdio.h>
#include <stdlib.h>

enum td_code td_csp_open(const struct td_csp_config *config, struct td_csp **ret, struct td_error *err)
{
    TD_CLEANUP(td_csp_cleanup) struct td_csp *csp = td_new(struct td_csp);
    csp->config = *config;
    if (snprintf(csp->path, sizeof(csp->path), "%s/csp.json", config->dir) >= (int)sizeof(csp->path))
        return td_fail(err, TD_ELIMIT, "state folder", "its path is longer than %zu octets", sizeof(csp->path));
    td_try(td_csp_items_load(&csp->items, csp->path, err));
    *ret = TD_TAKE(csp);
    return TD_OK;
}

void td_csp_close(struct td_csp *csp)
{
    if (csp == NULL)
        return;
    td_csp_items_done(&csp->items);
    td_csp_items_done(&csp->before);
    td_free(csp);
}

void td_csp_cleanup(struct td_csp **csp)
{
    td_csp_close(*csp);
}

enum td_code td_csp_save(struct td_csp *csp, struct td_error *err)
{
    return td_csp_items_save(&csp->items, csp->path, err);
}

void td_csp_set_user(struct td_csp *csp, bool reachable)
{
    csp->user = reachable;
}

void td_csp_begin(struct td_csp *csp)
{
    td_csp_items_copy(&csp->before, &csp->items);
}

void td_csp_rollback(struct td_csp *csp)
{
    struct td_csp_items now = csp->items;
    csp->items = csp->before;
    csp->before = now;
    td_csp_items_done(&csp->before);
}

void td_csp_commit(struct td_csp *csp)
{
    td_csp_items_done(&csp->before);
}

const char *td_csp_value(const struct td_csp *csp, const char *key)
{
    const struct td_csp_item *it = td_csp_items_find(&csp->items, key);
    return it == NULL ? NULL : it->value;
}

int64_t td_csp_int(const struct td_csp *csp, const char *key, int64_t otherwise)
{
    const char *value = td_csp_value(csp, key);
    return value == NULL || *value == '\0' ? otherwise : strtoll(value, NULL, 10);
}

bool td_csp_true(const struct td_csp *csp, const char *key)
{
    return td_ieqs(td_str(td_csp_value(csp, key)), "true");
}

void td_csp_put(struct td_csp *csp, const char *key, const char *format, const char *value)
{
    td_csp_items_put(&csp->items, key, format, value);
}

void td_csp_put_int(struct td_csp *csp, const char *key, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    td_csp_put(csp, key, "int", text);
}

void td_csp_drop(struct td_csp *csp, const char *key)
{
    td_csp_items_drop(&csp->items, key);
}

const char *td_csp_each(const struct td_csp *csp, const char *prefix, size_t *at)
{
    if (*at == 0)
        *at = td_csp_items_lower(&csp->items, prefix);
    if (*at >= csp->items.count || !td_starts(td_str(csp->items.v[*at].key), prefix))
        return NULL;
    return csp->items.v[(*at)++].key;
}

const char *td_csp_fact(struct td_csp *csp, const char *name, struct td_arena *a)
{
    return csp->config.fact == NULL ? NULL : csp->config.fact(csp->config.ctx, name, a);
}

const struct td_env *td_csp_env(const struct td_csp *csp)
{
    return csp->config.env;
}

/* Walks a row's path along a key below its scope. Writes where each {place} ends in the key. */
enum td_csp_fit td_csp_walk(const char *path, const char *key, struct td_csp_places *places)
{
    const char *k = key;
    places->count = 0;
    for (;;) {
        size_t n = strcspn(k, "/"), m = strcspn(path, "/");
        if (*path == '{') {
            if (places->count >= TD_CSP_MAX_DEPTH)
                return TD_CSP_NONE;
            places->from[places->count] = (size_t)(k - key);
            places->end[places->count++] = (size_t)(k - key) + n;
        } else if (n != m || memcmp(path, k, n) != 0) {
            return TD_CSP_NONE;
        }
        path += m;
        k += n;
        if (*k == '\0')
            return *path == '\0' ? TD_CSP_MATCH : TD_CSP_PREFIX;
        if (*path == '\0')
            return TD_CSP_NONE;
        path++;
        k++;
    }
}

static bool stored(const struct td_csp *csp, const char *key, size_t n)
{
    char *prefix = td_alloc(n + 2);
    memcpy(prefix, key, n);
    bool found = td_csp_items_find(&csp->items, prefix) != NULL;
    prefix[n] = '/';
    size_t i = td_csp_items_lower(&csp->items, prefix);
    found = found || (i < csp->items.count && td_starts(td_str(csp->items.v[i].key), prefix));
    td_free(prefix);
    return found;
}

/* The instances that a key goes through must have been made: nothing stands below a provider that is not there. */
static bool instances_stored(const struct td_csp *csp, const char *key, size_t scope_n,
                             const struct td_csp_places *places)
{
    for (size_t i = 0; i < places->count; i++)
        if (!stored(csp, key, scope_n + places->end[i]))
            return false;
    return true;
}

static bool by_row(const struct td_csp *csp, const struct td_csp_row *row, const char *key, size_t scope_n)
{
    struct td_csp_places places;
    enum td_csp_fit fit = td_csp_walk(row->path, key + scope_n, &places);
    if (fit == TD_CSP_NONE || (fit == TD_CSP_MATCH && row->initial == NULL))
        return false;
    if (fit == TD_CSP_PREFIX && row->initial == NULL && places.count != 0)
        return false;
    return instances_stored(csp, key, scope_n, &places);
}

unsigned td_csp_scope(const char *key, size_t *ret_n)
{
    *ret_n = td_starts(td_str(key), "User") ? sizeof("User/") - 1 : sizeof("Device/") - 1;
    return td_starts(td_str(key), "User") ? TD_CSP_USER : TD_CSP_DEVICE;
}

/* Policy/Result shows what stands in Policy/Config: the same instances exist in both. */
static const char *config_of(const char *key, char *out, size_t size)
{
    static const char result[] = "/Vendor/MSFT/Policy/Result/";
    const char *at = strstr(key, result);
    if (at == NULL || snprintf(out, size, "%.*s/Vendor/MSFT/Policy/Config/%s", (int)(at - key), key,
                               at + sizeof(result) - 1) >= (int)size)
        return key;
    return out;
}

bool td_csp_has(const struct td_csp *csp, const char *key)
{
    size_t scope_n;
    char config[TD_CSP_MAX_URI * 4];
    key = config_of(key, config, sizeof(config));
    unsigned scope = td_csp_scope(key, &scope_n);
    if (strlen(key) < scope_n || stored(csp, key, strlen(key)))
        return true;
    for (size_t i = 0; i < td_csp_row_count; i++)
        if ((td_csp_rows[i].scope & scope) != 0 && by_row(csp, &td_csp_rows[i], key, scope_n))
            return true;
    return false;
}

struct names {
    const char *v[512];
    size_t count;
};

static void add_name(struct names *names, const struct td_csp *csp, const char *key, struct td_slice name,
                     struct td_arena *a)
{
    for (size_t i = 0; i < names->count; i++)
        if (td_eqs(name, names->v[i]))
            return;
    const char *child = td_arena_printf(a, "%s/%.*s", key, TD_FMT(name));
    if (names->count < TD_COUNTOF(names->v) && td_csp_has(csp, child))
        names->v[names->count++] = td_arena_text(a, name);
}

static void add_stored(struct names *names, const struct td_csp *csp, const char *key, struct td_arena *a)
{
    const char *prefix = td_arena_printf(a, "%s/", key);
    size_t at = 0, n = strlen(prefix);
    for (const char *k; (k = td_csp_each(csp, prefix, &at)) != NULL;)
        add_name(names, csp, key, td_bytes(k + n, strcspn(k + n, "/")), a);
}

static void add_tabled(struct names *names, const struct td_csp *csp, const char *key, struct td_arena *a)
{
    size_t scope_n;
    unsigned scope = td_csp_scope(key, &scope_n);
    const char *path = strlen(key) < scope_n ? NULL : key + scope_n;
    for (size_t i = 0; i < td_csp_row_count; i++) {
        const struct td_csp_row *row = &td_csp_rows[i];
        const char *rest = row->path;
        struct td_csp_places places;
        if ((row->scope & scope) == 0)
            continue;
        if (path != NULL && td_csp_walk(row->path, path, &places) != TD_CSP_PREFIX)
            continue;
        for (const char *p = path; p != NULL; p = strchr(p, '/') == NULL ? NULL : strchr(p, '/') + 1)
            rest += strcspn(rest, "/") + 1;
        if (*rest != '{')
            add_name(names, csp, key, td_bytes(rest, strcspn(rest, "/")), a);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *td_csp_children(const struct td_csp *csp, const char *key, struct td_arena *a)
{
    struct names names = {.count = 0};
    char config[TD_CSP_MAX_URI * 4];
    if (td_ends(td_str(key), "/Vendor/MSFT/Policy/Result"))
        key = td_arena_printf(a, "%.*sConfig", (int)(strlen(key) - strlen("Result")), key);
    key = config_of(key, config, sizeof(config));
    add_stored(&names, csp, key, a);
    add_tabled(&names, csp, key, a);
    qsort(names.v, names.count, sizeof(names.v[0]), by_text);
    TD_CLEANUP(td_buf_done) struct td_buf out;
    td_buf_init(&out, TD_CSP_MAX_VALUE);
    for (size_t i = 0; i < names.count; i++) {
        if (i != 0)
            td_buf_addc(&out, '/');
        td_buf_adds(&out, names.v[i]);
    }
    return td_arena_text(a, td_buf_slice(&out));
}
