/* What the tree keeps: sorted keys with format and value. For csp/ only; all memory belongs to the set. */
#ifndef TD_DEVICE_CSP_STORE_H
#define TD_DEVICE_CSP_STORE_H

#include "device/csp/csp.h"

struct td_csp_item {
    char *key, *format, *value;
};

struct td_csp_items {
    struct td_csp_item *v; /* sorted by strcmp of their keys */
    size_t count, cap;
};

void td_csp_items_done(struct td_csp_items *s);
void td_csp_items_copy(struct td_csp_items *to, const struct td_csp_items *from);
size_t td_csp_items_lower(const struct td_csp_items *s, const char *key); /* first that is not less */
struct td_csp_item *td_csp_items_find(const struct td_csp_items *s, const char *key);
void td_csp_items_put(struct td_csp_items *s, const char *key, const char *format, const char *value);
void td_csp_items_drop(struct td_csp_items *s, const char *key);
enum td_code td_csp_items_load(struct td_csp_items *s, const char *path, struct td_error *err) TD_MUST_USE;
enum td_code td_csp_items_save(const struct td_csp_items *s, const char *path, struct td_error *err) TD_MUST_USE;

#endif
