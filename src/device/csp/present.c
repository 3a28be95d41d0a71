/* Which nodes are there: those that were written, and those that a row of the table has by itself. */
#include "device/csp/tree.h"

#include <stdio.h>
#include <stdlib.h>

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
