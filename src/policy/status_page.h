/* A tenant's status page (way/status_page.h) as the nodes of FirstSyncStatus want it (policy/item.h). Pure. */
#ifndef TD_POLICY_STATUS_PAGE_H
#define TD_POLICY_STATUS_PAGE_H

#include "policy/item.h"
#include "way/status_page.h"

/* registered: the device has its profile from us; else a page for such devices only is not shown. */
struct td_item_page td_page_of(const struct td_status_page *p, bool registered);
/* Items that the page does not wait for: apps outside its list of blocking apps (autopilot.md 4.2, row E03). They are
 * handed out all the same. A technician's page waits for every app where the page does not say that only blocking apps
 * fail it (row E11). */
void td_page_untrack(const struct td_status_page *p, bool technician, struct td_item *items, size_t count,
                     struct td_arena *a);

#endif
