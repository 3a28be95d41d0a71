/* The connector that `touchdown serve` runs as its child where its configuration says so ([connector] config, state,
 * tenant): registered with a code that the service makes itself, started again with growing pauses when it dies, ended
 * with the service (its standard input ends with us, however we end). */
#ifndef TD_APP_CONNECTOR_CHILD_H
#define TD_APP_CONNECTOR_CHILD_H

#include "api/service.h"

struct td_connector_child_config {
    const char *config; /* INI file of the connector; NULL: none is run */
    const char *state;  /* its folder; NULL: DATA/connector */
    const char *tenant; /* domain or id; NULL: the only one */
};

struct td_connector_child;
/* server: the address it calls. Fails only for what is wrong at once (no tenant, no file); later troubles are logged.
 */
enum td_code td_connector_child_start(struct td_service *svc, const struct td_connector_child_config *config,
                                      const char *server, struct td_connector_child **ret, struct td_error *err)
    TD_MUST_USE;
void td_connector_child_stop(struct td_connector_child *child); /* ends it and waits for its end; NULL is fine */

#endif
