/* Inside src/policy: how one configuration item becomes wants and entries of the status page (csp.md 5, 8, 9, 11, 14).
 */
#ifndef TD_POLICY_DESIRED_ITEM_H
#define TD_POLICY_DESIRED_ITEM_H

#include "policy/desired.h"

struct td_desired_ctx {
    const struct td_desired_in *in;
    struct td_arena *arena;
    const char *provider;
    const char *item;  /* whose wants are being made */
    uint64_t revision; /* of it; 0: ours */
    bool untracked;    /* the status page does not wait for it */
    struct td_want **tail;
};

enum td_expect { TD_EXPECT_POLICY, TD_EXPECT_NETWORK, TD_EXPECT_MSI, TD_EXPECT_COUNT };

/* want.c */
struct td_want *td_want_add(struct td_desired_ctx *c, enum td_stage stage, enum td_sync_kind verb, const char *uri);
struct td_want *td_want_put(struct td_desired_ctx *c, enum td_stage stage, const char *uri, const char *format,
                            const char *data);
struct td_want *td_want_ask(struct td_desired_ctx *c, enum td_stage stage, const char *uri, const char *expect);
const char *td_want_root(const struct td_item *item);        /* ./Device or ./User, as its URIs begin */
char *td_want_segment(struct td_arena *a, const char *text); /* one segment of a URI, escaped */

#define TD_KIOSK_URI "./Device/Vendor/MSFT/AssignedAccess/Configuration"

void td_item_wants(struct td_desired_ctx *c, const struct td_item *item);
/* desired_kiosk.c */
void td_kiosk_wants(struct td_desired_ctx *c, const struct td_item *item);
void td_shared_pc_wants(struct td_desired_ctx *c, const struct td_item *item);
/* desired_vpn.c */
char *td_vpn_node(const struct td_item *item, struct td_arena *a); /* ./Device/Vendor/MSFT/VPNv2/{name}, escaped */
void td_vpn_wants(struct td_desired_ctx *c, const struct td_item *item);
const char *td_vpn_profile_xml(const struct td_item_vpn *v, struct td_arena *a);
/* desired_order.c */
void td_co_management_wants(struct td_desired_ctx *c, const struct td_item *item);
size_t td_item_after(struct td_desired_ctx *c, const struct td_item *item, const char *const **ret);
bool td_item_is_awaited(const struct td_desired_in *in, const struct td_item *item);
const char *td_item_command_line(const struct td_desired_ctx *c, const struct td_item *item);
/* A Delete for what the device was given (td_desired_in.given) and none of these wants writes. */
void td_removal_wants(struct td_desired_ctx *c, const struct td_want *wants);
/* Appends the item's members of one list of FirstSyncStatus, joined by U+F000. */
void td_item_expect(const struct td_item *item, enum td_expect list, struct td_arena *a, struct td_buf *out);

#endif
