/* Settings that stand in the way of a kiosk which signs in by itself, or of the first pages: a banner waits for a key
 * press, a password rule ends the account's empty password (autopilot.md Z22). One table serves the warning at the
 * assignment, the check of a device and the documentation. Pure. */
#ifndef TD_POLICY_CONFLICT_H
#define TD_POLICY_CONFLICT_H

#include "policy/item.h"

/* Why a setting breaks the autologon; NULL: it does not. */
const char *td_conflict_with_autologon(const char *uri);

struct td_conflict {
    const struct td_item *kiosk, *other; /* shared PCs with a kiosk's tile are none: nobody signs in by himself there */
    const char *uri, *why;
};
/* The next conflict among items that one device gets; start with *at 0. false: no more. Two kiosks are one as well: a
 * device takes the older. */
bool td_conflict_next(const struct td_item *items, size_t count, size_t *at, struct td_conflict *ret);

#endif
