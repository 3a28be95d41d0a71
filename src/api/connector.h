/* The connector's door (/connector/...) and the hub behind it: connectors call out and wait for work, nothing calls in.
 * Wire format: docs/protocol/connector.md.
 *
 * The hub keeps the requests of connectors that wait. Work of the store (domain_join.h) goes to them by the job
 * "job.connectors"; questions of this moment (a password, a computer's certificate) go straight to one of them and wait
 * for its answer, at most TD_CONNECTOR_ASK_SECONDS, never in the store. One process: a question is answered only by a
 * connector that waits at the same service. */
#ifndef TD_API_CONNECTOR_H
#define TD_API_CONNECTOR_H

#include "api/service.h"
#include "codec/json.h"

enum { TD_CONNECTOR_ASK_SECONDS = 12, TD_CONNECTOR_WAIT_SECONDS = 25, TD_CONNECTOR_ASKS_AT_ONCE = 64 };

struct td_connector_hub;
struct td_connector_hub *td_connector_hub_new(const struct td_env *env);
void td_connector_hub_stop(struct td_connector_hub *hub); /* answers all that wait; before the server stops */
void td_connector_hub_free(struct td_connector_hub *hub); /* NULL is fine */

/* A question for any connector of this domain. secret (may be empty) is encrypted for the one that gets it; body is a
 * JSON object's members. TD_EUNAVAILABLE with the reason NoConnector or Timeout; what the connector refused comes as
 * its reason (way/domain_join.h). Blocks a worker: not inside a store transaction. */
struct td_connector_question {
    const char *tenant, *domain;
    const char *kind; /* "password", "computer" */
    const char *names[4], *values[4];
    struct td_slice secret;
};
enum td_code td_connector_ask(struct td_service *svc, const struct td_connector_question *q, struct td_arena *a,
                              const struct td_json **ret, struct td_error *err) TD_MUST_USE;

extern const struct td_route td_connector_routes[];
extern const size_t td_connector_route_count;

/* "job.connectors": hands out work of the store, ends waits whose time is over, sweeps. */
enum td_code td_connector_job(struct td_service *svc, bool *ret_more, struct td_error *err);

#endif
