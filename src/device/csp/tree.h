/* Inside of the tree. For csp/ only. */
#ifndef TD_DEVICE_CSP_TREE_H
#define TD_DEVICE_CSP_TREE_H

#include "device/csp/store.h"
#include "device/csp/table.h"

struct td_csp {
    struct td_csp_config config;
    char path[1024];
    struct td_csp_items items;
    struct td_csp_items before; /* what stood before an Atomic began */
    bool user;
};

enum td_csp_fit { TD_CSP_NONE, TD_CSP_PREFIX, TD_CSP_MATCH };

struct td_csp_places { /* where the segments stand that a row's {places} took */
    size_t from[TD_CSP_MAX_DEPTH], end[TD_CSP_MAX_DEPTH], count;
};

/* PREFIX: the key is an interior node on the way to the row. key is without its scope. */
enum td_csp_fit td_csp_walk(const char *path, const char *key, struct td_csp_places *places);
unsigned td_csp_scope(const char *key, size_t *ret_n); /* and the octets of "Device/" or "User/" */
bool td_csp_has(const struct td_csp *csp, const char *key);
const char *td_csp_children(const struct td_csp *csp, const char *key, struct td_arena *a); /* joined by '/' */

#endif
