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

enum { TD_G_MAX_KEYS = 4, TD_G_MAX_BODY = 1 << 20 };

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
    const struct td_g_action *action; /* or NULL */
    /* Values at the path's {places}: ids as the store has them where the core found the row (any case, alternate keys
     * resolved), else as given; NULL past their end. */
    const char *keys[TD_G_MAX_KEYS];
    const struct td_view_row *row; /* the entity that the path names, read in this transaction; NULL on collections */
    const char *ref;               /* of POST $ref: the id in "@odata.id", whatever its host */
    const struct td_od_argument *arguments; /* of a function; ended by a NULL name */
    size_t argument_count;
    const struct td_od_query *query;
    const struct td_g_type *body_type; /* create: derived type named in the body; update: the row's type */
    const struct td_json *body;        /* checked by td_g_body; actions and put: as sent; NULL: none */
    void *prepared;                    /* of the handler's prepare */
    /* what the handler leaves */
    int status;              /* 0: the usual one (201, 200, 204); beside an error: the status in its place */
    const char *made_key;    /* create: the core answers with this entity */
    bool answered;           /* out is the whole body */
    struct td_buf *out;      /* JSON */
    bool poke;               /* work was left for a job */
    struct td_g_plan *plans; /* the core's */
    bool told;               /* this read shows the set's told property */
    void *more;              /* of the set's more */
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
    const char *about;   /* of TD_G_NOT_OFFERED: why, for the 501 ("it is for phones"); NULL: not yet */
};
enum {                    /* flags of actions */
       TD_G_ON_SET = 1,   /* of the collection, else of an entity */
       TD_G_FUNCTION = 2, /* GET */
       TD_G_BETA_ONLY =
           4, /* both: 404 under /v1.0 is what the real service does; we serve it there too and document it */
       TD_G_NOT_OFFERED = 8 /* known: 501 */
};

enum {                        /* flags of sets */
       TD_G_SINGLETON = 1,    /* no key: windowsAutopilotSettings, me */
       TD_G_EMPTY = 2,        /* read by tools, nothing to put in: an empty list, 404 by key, 501 for writes */
       TD_G_DIRECTORY = 4,    /* PATCH answers 204, errors are Request_*, $search needs ConsistencyLevel */
       TD_G_NO_LIST = 8,      /* GET of the collection is 501 */
       TD_G_ONE_BY_LIST = 16, /* an entity is read by filter only */
       TD_G_NOT_WRITTEN = 32, /* the real service writes here, we do not yet: 501 in place of 405 */
       TD_G_BETA_SHAPE = 64   /* only in beta there: /v1.0 shows the beta members too */
};

struct td_g_set {
    const char *path; /* "deviceManagement/windowsAutopilotDeploymentProfiles/{id}/assignments" */
    const struct td_g_type *type;
    const struct td_view *view;
    unsigned flags;
    enum td_right read, write;
    enum td_right drop; /* DELETE, where that is another right than write's; 0: write */
    const char *about;  /* a sentence for docs/graph.md */
    /* Nested sets: column that the path's last {id} before its end is compared with. The core has seen that the entity
     * of that id is there (404 otherwise) where a set of its path is. A nested singleton ("x/{id}/deploymentProfile")
     * is the one row with that parent. */
    const char *parent;
    size_t page;        /* default page size, 0: 100 */
    const char *newest; /* column of times by which the last stands first where the call asks no order, NULL: by key */
    /* Instead of the view's own table: rows in memory (fixed lists, computed ones), with values by the view's columns,
     * "id" among them; filters, order and pages are the core's. */
    enum td_code (*rows)(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret, size_t *ret_count,
                         struct td_error *err);
    const struct td_view_items *items;
    /* Reads what no column gives, for all rows that are about to be written at once: the answer costs few questions,
     * however many rows. Leaves it in call->more for the write functions of the type. NULL: columns are enough. */
    enum td_code (*more)(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *rows, size_t count,
                         struct td_error *err);
    /* Of PATCH and DELETE, beside the right: may this caller do this (call->row, call->body)? Asked before the work and
     * in the write; TD_EDENIED is told to the audit. NULL: the right is enough. */
    td_g_fn *guard;
    td_g_fn *create, *update, *remove; /* NULL: 405, or 501 where the real service has it (NOT_WRITTEN) */
    enum td_code (*prepare)(struct td_g_call *call, struct td_error *err); /* of create and update */
    size_t max_body;
    const struct td_g_action *actions;
    size_t action_count;
    td_g_fn *put; /* declarative PUT of a whole nested set, NULL: 405 */
    /* members/$ref (call->ref) and members/{id}/$ref; NULL: 405. Do not ask for a row of the path's last key. */
    td_g_fn *add_ref, *remove_ref;
    td_g_fn *remove_refs;  /* DELETE users/$ref, of a relation to one alone */
    const char *alternate; /* column that may stand in the key's place: "userPrincipalName", NULL: none */
    /* A property (TD_G_ASKED) whose every reading is told to the audit, NULL: none. $select that names it shows the
     * other ones as well; who reads it needs the right to write, and the read runs in a write, for `more` to tell of
     * it. Of one entity at a time. */
    const char *told;
    const char *context; /* name in @odata.context where it is not the path: "users" of me */
};

/* Lists of families: a new one is added to graph/sets.c. */
struct td_g_family {
    const char *about;
    const struct td_g_set *sets;
    size_t count;
};
extern const struct td_g_family *const td_g_families[]; /* NULL-terminated */

/* For handlers. Members of the body by name in any case. */
const char *td_g_body_text(const struct td_g_call *call, const char *name, const char *otherwise);
bool td_g_body_has(const struct td_g_call *call, const char *name);
/* Members of an action's body, taken as leniently as td_g_body takes those of an entity ("True", "1"). */
enum td_code td_g_body_bool(const struct td_g_call *call, const char *name, bool otherwise, bool *ret,
                            struct td_error *err) TD_MUST_USE;
enum td_code td_g_body_int(const struct td_g_call *call, const char *name, int64_t otherwise, int64_t *ret,
                           struct td_error *err) TD_MUST_USE;
/* Argument of a function by name in any case, NULL if it was not given. */
const char *td_g_argument(const struct td_g_call *call, const char *name);
/* Writes an entity of the call's set (or of another: for expands) with properties, type and annotations as the call
 * asks for them. nested: inside another entity, without context. */
enum td_code td_g_write_entity(struct td_g_call *call, struct td_tx *tx, const struct td_g_set *set,
                               const struct td_view_row *row, bool nested, struct td_jsonw *w, struct td_error *err)
    TD_MUST_USE;
/* count rows of a view all of whose columns are texts, row by row in texts (NULL is null): for `rows`. */
struct td_view_row *td_g_rows_of_texts(struct td_g_call *call, const struct td_view *view, const char *const *texts,
                                       size_t count);
/* A target of an assignment (types.h: td_g_type_group_target, ...); group NULL where the type has none. */
void td_g_write_target(struct td_g_call *call, const struct td_g_type *type, const char *group, struct td_jsonw *w);
/* {"@odata.context":"...#Collection(type)","value":[ ... ]}: between them the handler writes the elements. */
void td_g_open_collection(struct td_g_call *call, const char *type, struct td_jsonw *w);
void td_g_close_collection(struct td_g_call *call, struct td_jsonw *w);
void td_g_not_offered(struct td_error *err, const char *what); /* the sentence of a 501 */

/* One call as values, at once, in one transaction: req->path begins with the version ("/v1.0/groups"). The handler of
 * every route but $batch and $metadata; $batch gives it requests of its own making (their answered must be NULL), with
 * the headers of the part, Authorization included. ctx is the service. */
void td_graph_call(void *ctx, struct td_http_request *req, struct td_http_reply *reply);

extern const struct td_route td_graph_routes[];
extern const size_t td_graph_route_count;

#endif
