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

/* A list of at most max ids of other items, each once. */
enum td_code td_item_ids(struct td_item_reader *r, const char *name, size_t max, const char ***ret, size_t *ret_count);
void td_item_write_ids(struct td_jsonw *w, const char *name, const char *const *ids, size_t count); /* none: nothing */
bool td_item_is_dns_name(const char *text, size_t labels); /* of so many labels at least */

enum td_code td_item_read_domain_join(struct td_item_reader *r);
enum td_code td_item_read_vpn(struct td_item_reader *r);
enum td_code td_item_read_co_management(struct td_item_reader *r);
void td_item_write_co_management(struct td_jsonw *w, const struct td_item_co_management *c);
void td_item_write_domain_join(struct td_jsonw *w, const struct td_item_domain_join *d);
void td_item_write_vpn(struct td_jsonw *w, const struct td_item_vpn *v, bool with_secrets);

/* item_kiosk.c, item_shared_pc.c */
enum td_code td_item_read_kiosk(struct td_item_reader *r);
enum td_code td_item_read_shared_pc(struct td_item_reader *r);
void td_item_write_kiosk(struct td_jsonw *w, const struct td_item_kiosk *k);
void td_item_write_shared_pc(struct td_jsonw *w, const struct td_item_shared_pc *s);

#endif
