/* Between the files of the core: what a path stands for, rows behind it, how answers are written. Nobody else includes
 * this. */
#ifndef TD_GRAPH_ROOM_H
#define TD_GRAPH_ROOM_H

#include "graph/error.h"
#include "graph/graph.h"

/* path.c */
enum td_g_at {
    TD_G_AT_SET,
    TD_G_AT_ENTITY,
    TD_G_AT_COUNT,      /* set/$count */
    TD_G_AT_REFS,       /* set/$ref */
    TD_G_AT_REF,        /* entity/$ref */
    TD_G_AT_ACTION,     /* actions and functions */
    TD_G_AT_PROPERTY,   /* entity/displayName */
    TD_G_AT_NOT_OFFERED /* known to the real service, not to us */
};

struct td_g_target {
    enum td_g_at at;
    const struct td_g_set *set; /* NULL with NOT_OFFERED */
    const struct td_g_action *action;
    const struct td_g_prop *prop;
    const struct td_g_type *cast; /* the last type named as a segment, NULL: none */
    const char *keys[TD_G_MAX_KEYS];
    const char *key_names[TD_G_MAX_KEYS]; /* of name=value, else "" */
    size_t key_count;
    const struct td_od_segment *function; /* its arguments */
};

/* What the path stands for; version is its first segment and not looked at. TD_EINVAL: "Resource not found for the
 * segment". */
enum td_code td_g_find(const struct td_od_path *path, struct td_g_target *ret, struct td_error *err) TD_MUST_USE;
const struct td_g_set *td_g_set_at(struct td_slice path);       /* by its exact path, NULL */
bool td_g_known(struct td_slice first, struct td_slice second); /* known.c: a path that the real service has */

bool td_g_known_member(const struct td_g_set *set, struct td_slice name); /* under a directory object */

bool td_g_known_function(const struct td_g_set *set, struct td_slice name); /* of a set of directory objects */

/* rows.c */
/* Rows of a set under the call's keys. Filter, order, search, top and skip are the question's. */
enum td_code td_g_page(struct td_g_call *call, struct td_tx *tx, const struct td_g_set *set,
                       const struct td_view_ask *ask, struct td_view_page *ret, struct td_error *err) TD_MUST_USE;
/* The row that the n-th key names (name: a column in the place of the key, "" for the key itself), or a singleton's. */
enum td_code td_g_row(struct td_g_call *call, struct td_tx *tx, const struct td_g_set *set, const char *name,
                      const char *key, struct td_view_row *ret, struct td_error *err) TD_MUST_USE;
/* Looks at every entity on the way and makes call->keys what the store has; call->row of the last one if with_last. */
enum td_code td_g_walk(struct td_g_call *call, struct td_tx *tx, const struct td_g_target *t, bool with_last,
                       struct td_error *err) TD_MUST_USE;
enum td_code td_g_missing(const struct td_g_set *set, const char *key, struct td_error *err);
size_t td_g_places(const char *path); /* how many {id} are in it */

/* options.c */
enum td_code td_g_check_options(struct td_g_call *call, const struct td_g_set *set, struct td_error *err) TD_MUST_USE;
bool td_g_selected(const struct td_od_query *q, const char *name); /* named, not by "*" */
bool td_g_shown(const struct td_g_call *call, const struct td_g_set *set, const struct td_g_prop *prop);
enum td_g_metadata td_g_metadata_asked(const struct td_http_request *req, const struct td_od_query *q);
/* Value of one preference of Prefer ("return", "odata.maxpagesize"), {NULL,0} if not there. */
struct td_slice td_g_preference(const struct td_http_request *req, const char *name);
void td_g_ask(struct td_g_call *call, const struct td_g_set *set, const struct td_od_query *q, struct td_view_ask *ret);

/* value.c, entity.c, reply.c */
void td_g_write_value(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop, int column,
                      const char *prefix, struct td_jsonw *w);
const struct td_g_type *td_g_row_type(const struct td_g_set *set, const struct td_view_row *row);
/* "groups/{id}/members" with the keys in its places: as in links ("groups/7d.../members"), or as in contexts. */
char *td_g_fill_path(struct td_g_call *call, const char *path, bool as_context);
void td_g_context(struct td_g_call *call, const struct td_g_set *set, const char *tail, struct td_jsonw *w);
enum td_code td_g_reply_list(struct td_g_call *call, struct td_tx *tx, const struct td_g_target *t,
                             struct td_error *err) TD_MUST_USE;
enum td_code td_g_reply_count(struct td_g_call *call, struct td_tx *tx, const struct td_g_target *t,
                              struct td_error *err) TD_MUST_USE;
enum td_code td_g_reply_refs(struct td_g_call *call, struct td_tx *tx, const struct td_g_target *t,
                             struct td_error *err) TD_MUST_USE;
enum td_code td_g_reply_one(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                            struct td_error *err) TD_MUST_USE;
enum td_code td_g_reply_property(struct td_g_call *call, struct td_tx *tx, const struct td_g_prop *prop,
                                 struct td_error *err) TD_MUST_USE;
char *td_g_etag(struct td_g_call *call, const struct td_view_row *row); /* NULL: this set has none */

/* body.c */
/* Lenient JSON to a tree; an empty body is an empty object. */
enum td_code td_g_read_json(struct td_slice body, size_t max, struct td_arena *a, const struct td_json **ret,
                            struct td_error *err) TD_MUST_USE;

#endif
