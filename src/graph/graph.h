/* The administration interface (/v1.0, /beta): sets, their handlers, one call.
 *
 * A set is a path with what can be done there; the tables stand with their families (graph/autopilot.c, profiles.c,
 * directory.c, ...) and are listed in graph/sets.c. The core (graph/call.c and its neighbours) does what all share:
 * token, right (api/access.h), throttling, path, options, body, one transaction, envelope, metadata levels, errors,
 * ETag, $batch. A handler decides and calls the store; it runs inside the call's transaction (a read for GET, a write
 * else), may run twice, and fills the call. Sources: graph-api.md; contract section 4. */
#ifndef TD_GRAPH_GRAPH_H
#define TD_GRAPH_GRAPH_H

#include "api/access.h"
#include "graph/model.h"

struct td_g_set;
struct td_g_action;

enum td_g_metadata { TD_G_MINIMAL, TD_G_NONE, TD_G_FULL };

struct td_g_call {
    struct td_service *svc;
    struct td_http_request *req; /* of a batch: of the whole batch */
    struct td_arena *arena;
    const struct td_claims *who;
    const char *tenant;  /* who->tenant */
    const char *actor;   /* for events: upn, or application id */
    const char *version; /* "v1.0" or "beta" */
    bool beta;
    enum td_g_metadata metadata;
    bool eventual; /* ConsistencyLevel: eventual */
    const struct td_g_set *set;
    const struct td_g_action *action;       /* or NULL */
    const char *keys[2];                    /* values at the path's {places}, as given; NULL past their end */
    const struct td_od_argument *arguments; /* of a function; ended by a NULL name */
    const struct td_od_query *query;
    const struct td_g_type *body_type; /* derived type named in the body */
    const struct td_json *body;        /* checked by td_g_body; actions: the object as sent; NULL: none */
    void *prepared;                    /* of the handler's prepare */
    /* what the handler leaves */
    int status;           /* 0: the usual one (201, 200, 204) */
    const char *made_key; /* create: the core answers with this entity */
    bool answered;        /* out is the whole body */
    struct td_buf *out;   /* JSON */
    bool poke;            /* work was left for a job */
};

typedef enum td_code td_g_fn(struct td_g_call *call, struct td_tx *tx, struct td_error *err);

struct td_g_action {  /* POST, or GET for functions */
    const char *name; /* any case in requests */
    unsigned flags;
    enum td_right right;
    enum td_access access;
    td_g_fn *run;
    /* Before the transaction, the caller proven already: decoding, hashing; leaves its result in call->prepared. */
    enum td_code (*prepare)(struct td_g_call *call, struct td_error *err);
    const char *params;  /* for $metadata and docs: "userPrincipalName:String?,groupTag:String?"; NULL: none */
    const char *returns; /* type name, "Collection(...)", NULL: nothing */
    size_t max_body;     /* 0: 1 MiB */
};
enum {                    /* flags of actions */
       TD_G_ON_SET = 1,   /* of the collection, else of an entity */
       TD_G_FUNCTION = 2, /* GET */
       TD_G_BETA_ONLY =
           4, /* both: 404 under /v1.0 is what the real service does; we serve it there too and document it */
       TD_G_NOT_OFFERED = 8 /* known: 501 */
};

enum {                       /* flags of sets */
       TD_G_SINGLETON = 1,   /* no key: windowsAutopilotSettings, me */
       TD_G_EMPTY = 2,       /* read by tools, nothing to put in: an empty list, 404 by key, 501 for writes */
       TD_G_DIRECTORY = 4,   /* PATCH answers 204, errors are Request_*, $search needs ConsistencyLevel */
       TD_G_NO_LIST = 8,     /* GET of the collection is 501 */
       TD_G_ONE_BY_LIST = 16 /* an entity is read by filter only */
};

struct td_g_set {
    const char *path; /* "deviceManagement/windowsAutopilotDeploymentProfiles/{id}/assignments" */
    const struct td_g_type *type;
    const struct td_view *view;
    unsigned flags;
    enum td_right read, write;
    const char *about;  /* a sentence for docs/graph.md */
    const char *parent; /* column that the path's first {id} is compared with, for nested sets */
    size_t page;        /* default page size, 0: 100 */
    /* Instead of the view's own table: rows in memory (fixed lists, computed ones). */
    enum td_code (*rows)(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret, size_t *ret_count,
                         struct td_error *err);
    const struct td_view_items *items;
    td_g_fn *create, *update, *remove; /* NULL: 405, or 501 where the real service has it (NOT_WRITTEN) */
    enum td_code (*prepare)(struct td_g_call *call, struct td_error *err); /* of create and update */
    size_t max_body;
    const struct td_g_action *actions;
    size_t action_count;
    td_g_fn *put; /* declarative PUT of a whole nested set, NULL: 405 */
};

/* Lists of families: a new one is added to graph/sets.c. */
struct td_g_family {
    const char *about;
    const struct td_g_set *sets;
    size_t count;
};
extern const struct td_g_family *const td_g_families[]; /* NULL-terminated */

/* For handlers. */
const char *td_g_body_text(const struct td_g_call *call, const char *name, const char *otherwise);
bool td_g_body_has(const struct td_g_call *call, const char *name);
/* Writes an entity of the call's set (or of another: for expands) with properties, type and annotations as the call
 * asks for them. nested: inside another entity, without context. */
enum td_code td_g_write_entity(struct td_g_call *call, struct td_tx *tx, const struct td_g_set *set,
                               const struct td_view_row *row, bool nested, struct td_jsonw *w, struct td_error *err)
    TD_MUST_USE;
/* {"@odata.context":"...#Collection(type)","value":[ ... ]}: between them the handler writes the elements. */
void td_g_open_collection(struct td_g_call *call, const char *type, struct td_jsonw *w);
void td_g_close_collection(struct td_g_call *call, struct td_jsonw *w);
void td_g_not_offered(struct td_error *err, const char *what); /* the sentence of a 501 */

extern const struct td_route td_graph_routes[];
extern const size_t td_graph_route_count;

#endif
