/* csp/tree: opening and saving, the device's own hand, and what is written there. */
#include "device/csp/tree.h"

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
