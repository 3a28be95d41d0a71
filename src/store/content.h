/* Content: what a tenant serves to its devices. The bytes rest in DIR/content/<sha256>; this says whose they are. */
#ifndef TD_STORE_CONTENT_H
#define TD_STORE_CONTENT_H

#include "store/db.h"

struct td_content {
    const char *sha256; /* lower-case hex */
    const char *name;   /* file name, for people */
    int64_t size, created_at;
};

enum td_code td_content_add(struct td_tx *tx, const char *tenant, const struct td_content *c, const char *actor,
                            struct td_error *err) TD_MUST_USE; /* there already: fine */
enum td_code td_content_find(struct td_tx *tx, const char *tenant, const char *sha256, struct td_arena *a,
                             struct td_content *ret, struct td_error *err) TD_MUST_USE; /* TD_ENOTFOUND */

#endif
