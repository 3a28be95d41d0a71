/* What connector.c and connector_bound.c share; nobody else includes it. */
#ifndef TD_STORE_CONNECTOR_ROOM_H
#define TD_STORE_CONNECTOR_ROOM_H

#include "store/connector.h"

/* The one rule of who may serve a domain, as a condition on the connector of the row c and an expression. */
#define TD_CONNECTOR_MAY(domain)                                                                                   \
    "(NOT EXISTS (SELECT 1 FROM connector_bound b WHERE b.tenant = c.tenant AND b.connector_id = c.id) OR EXISTS"  \
    " (SELECT 1 FROM connector_bound b WHERE b.tenant = c.tenant AND b.connector_id = c.id AND b.domain = " domain \
    "))"

/* Fills in what each of them is bound to; all are of one tenant. */
enum td_code td_connector_read_bound(struct td_tx *tx, struct td_connector *list, size_t count, struct td_arena *a,
                                     struct td_error *err) TD_MUST_USE;
/* What it has in its hands goes to another at once, and its own answer is refused: all of it, or that of domains which
 * it may not serve (any more). So does its turn to tell people. */
enum td_code td_connector_release(struct td_tx *tx, const char *tenant, const char *id, bool all, struct td_error *err)
    TD_MUST_USE;

#endif
