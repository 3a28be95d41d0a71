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
#include "store/domain_join.h"

enum { TD_CONNECTOR_ASK_SECONDS = 12, TD_CONNECTOR_WAIT_SECONDS = 25, TD_CONNECTOR_ASKS_AT_ONCE = 64 };

struct td_connector_hub;
struct td_connector_hub *td_connector_hub_new(const struct td_env *env);
/* Each question holds a worker, and its answer needs one: lend is told when one waits (true) and when it is back. To be
 * set before the first question. */
void td_connector_hub_lend(struct td_connector_hub *hub, void (*lend)(void *ctx, bool waits), void *ctx);
void td_connector_hub_bound(struct td_connector_hub *hub, int at_once); /* fewer at once; for tests */
/* Requests of connectors that wait: they are in work, and yet nobody's work. NULL is fine. */
int td_connector_hub_waiting(const struct td_connector_hub *hub);
/* How long a question waits in all, and for one connector before another is asked too; for tests. Microseconds. */
void td_connector_hub_patience(struct td_connector_hub *hub, int64_t in_all, int64_t each);
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

/* Who tries passwords of one name is judged one after the other: a guard that counts wrong ones only afterwards would
 * let as many at once through to the domain as there are workers, and the domain would lock the person out. tenant and
 * name are compared as they are and outlive the turn. False: it was not this one's turn in the time of a question, or
 * too many wait. */
struct td_connector_turn {
    const char *tenant, *name;
    struct td_connector_turn *before; /* the hub's, as what follows */
    struct td_connector_hub *hub;
};
bool td_connector_turn_take(struct td_connector_hub *hub, struct td_connector_turn *t) TD_MUST_USE;
void td_connector_turn_end(struct td_connector_turn *t); /* one that was not taken is fine */

/* What administrators hand out, and its SHA-256 (store/connector.h). Signs of base/signs.h in groups of four; typed in
 * any case, with or without hyphens. False: not of this form. */
enum { TD_CONNECTOR_CODE = 24, TD_CONNECTOR_CODE_TEXT = 32 };
void td_connector_code_make(const struct td_env *env, char ret_text[TD_CONNECTOR_CODE_TEXT],
                            unsigned char ret_sha256[32]);
bool td_connector_code_read(struct td_slice typed, unsigned char ret_sha256[32]);

/* The blob of a job, kept sealed by the connector's door under a label of tenant and job. TD_ENOTFOUND: there is none
 * (any more). The arena is the caller's to wipe. */
enum td_code td_connector_blob(const struct td_service *svc, const struct td_domain_join *job, struct td_arena *a,
                               struct td_slice *ret, struct td_error *err) TD_MUST_USE;

/* For /metrics: of this process, and of all tenants. */
struct td_connector_stats {
    int64_t active, inactive, failing, disabled, waiting; /* connectors; waiting: their code was not used yet */
    int64_t parked;                                       /* requests that wait for work */
    int64_t queued, oldest_us;                            /* work of the store that nobody has; age of the oldest */
    uint64_t asked, answered, refused, unanswered;        /* questions */
};
enum td_code td_connector_stats(const struct td_service *svc, struct td_connector_stats *ret, struct td_error *err)
    TD_MUST_USE;

extern const struct td_route td_connector_routes[];
extern const size_t td_connector_route_count;

/* "job.connectors": hands out work of the store, ends waits whose time is over, sweeps. */
enum td_code td_connector_job(struct td_service *svc, bool *ret_more, struct td_error *err);

#endif
