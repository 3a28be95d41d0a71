/* Inside src/policy: how the members of a configuration item are read. Each says the member's name in err->where. */
#ifndef TD_POLICY_ITEM_READ_H
#define TD_POLICY_ITEM_READ_H

#include "policy/item.h"

struct td_item_reader {
    const struct td_json *json;
    struct td_arena *arena;
    struct td_item *item;
    struct td_error *err;
};

/* "" where it is missing and not needed. */
enum td_code td_item_text(struct td_item_reader *r, const char *name, size_t max, bool needed, const char **ret);
enum td_code td_item_int(struct td_item_reader *r, const char *name, int otherwise, int min, int max, int *ret);
enum td_code td_item_bool(struct td_item_reader *r, const char *name, bool otherwise, bool *ret);

/* item_kiosk.c, item_shared_pc.c */
enum td_code td_item_read_kiosk(struct td_item_reader *r);
enum td_code td_item_read_shared_pc(struct td_item_reader *r);
void td_item_write_kiosk(struct td_jsonw *w, const struct td_item_kiosk *k);
void td_item_write_shared_pc(struct td_jsonw *w, const struct td_item_shared_pc *s);

#endif
