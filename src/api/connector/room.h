/* Inside the connectors' door: what its files share. Nobody else includes this. */
#ifndef TD_API_CONNECTOR_ROOM_H
#define TD_API_CONNECTOR_ROOM_H

#include "api/connector.h"
#include "store/connector.h"

enum {
    TD_CDOOR_MAX_BODY = 1 << 20,
    TD_CDOOR_MAX_WORK = 8,      /* pieces in one answer */
    TD_CDOOR_MAX_PARKED = 8,    /* requests of one connector that wait */
    TD_CDOOR_MAX_WAITING = 256, /* ... of all */
    TD_CDOOR_ANSWER = 1 << 16
};

/* One request of a connector that is known. */
struct td_cdoor {
    struct td_service *svc;
    struct td_http_request *req;
    struct td_http_reply *reply;
    struct td_arena *a;
    const struct td_json *body;
    unsigned char key_sha256[32];
    struct td_connector connector;
    const char **domains; /* that it is to serve now */
    size_t domain_count;
};

enum td_code td_cdoor_register(struct td_cdoor *c, struct td_error *err) TD_MUST_USE;
enum td_code td_cdoor_hello(struct td_cdoor *c, struct td_error *err) TD_MUST_USE;
enum td_code td_cdoor_work(struct td_cdoor *c, struct td_error *err) TD_MUST_USE;
enum td_code td_cdoor_result(struct td_cdoor *c, struct td_error *err) TD_MUST_USE;
/* A text member: TD_EINVAL where it is missing (unless otherwise is not NULL), no text, or longer than max octets. */
enum td_code td_cdoor_text(const struct td_json *object, const char *name, size_t max, const char *otherwise,
                           const char **ret, struct td_error *err) TD_MUST_USE;

/* --- the hub ------------------------------------------------------------------------------------------------------ */

/* A connector's request that waits for work: in its request's arena, as all that it points to. */
struct td_hub_waiter {
    struct td_hub_waiter *next;
    struct td_http_request *req;
    struct td_http_reply *reply;
    const char *tenant, *connector;
    const char *const *domains;
    size_t domain_count;
    struct td_slice encryption_key;
    int free;
    int64_t until; /* monotonic */
};
/* Hands it over: from here on only the hub touches request and reply. False: there are too many, or the service is
 * about to stop (*ret_stopping). */
bool td_hub_park(struct td_connector_hub *hub, struct td_hub_waiter *w, bool *ret_stopping);
/* Takes the one that waits longest out of the hub, for work of the store; NULL: none. */
struct td_hub_waiter *td_hub_take(struct td_connector_hub *hub);
/* Puts it back, at the end; answers it emptily if the service is about to stop. */
void td_hub_put_back(struct td_connector_hub *hub, struct td_hub_waiter *w);
/* Ends waits whose time is over, and those of who hung up. */
void td_hub_expire(struct td_connector_hub *hub);
/* Ends those of one connector at once, since it serves other domains by now: it asks again. hub may be NULL. */
void td_hub_let_go(struct td_connector_hub *hub, const char *connector);
void td_hub_nothing(struct td_http_reply *reply); /* an empty list of work */

/* The domain of a question that this connector was asked and that waits for an answer; NULL: there is none. */
const char *td_hub_asked(struct td_connector_hub *hub, const char *connector, const char *question, struct td_arena *a);
/* The answer of a connector to a question. TD_ESTATE: nobody waits for it from this one. */
enum td_code td_hub_answered(struct td_connector_hub *hub, const struct td_connector *from, const char *question,
                             const struct td_json *result, enum td_domain_reason reason, const char *detail,
                             struct td_error *err) TD_MUST_USE;
void td_hub_stats(struct td_connector_hub *hub, struct td_connector_stats *ret);

/* --- work of the store -------------------------------------------------------------------------------------------- */

struct td_cdoor_for { /* whom it is for */
    const char *tenant, *connector;
    const char *const *domains;
    size_t domain_count;
    int free;
};
/* Leases what is due and writes it as the members of "work"; *ret_count 0: there is nothing. */
enum td_code td_cdoor_lease(struct td_service *svc, const struct td_cdoor_for *who, struct td_arena *a,
                            struct td_buf *out, int *ret_count, struct td_error *err) TD_MUST_USE;

#endif
