/* What profiles and enrolment configurations share inside src/graph: rows made in memory, targets of assignments. */
#ifndef TD_GRAPH_PROFILES_H
#define TD_GRAPH_PROFILES_H

#include "graph/graph.h"
#include "store/profile.h"

/* A row of a view without SQL, every value null; values by column name. */
struct td_view_row td_g_new_row(struct td_g_call *call, const struct td_view *view);
void td_g_put_text(const struct td_view_row *row, const char *name, const char *text); /* NULL: null */
void td_g_put_number(const struct td_view_row *row, const char *name, int64_t number);

/* A profile as a device got it, as an entity inside another one. */
enum td_code td_g_write_given(struct td_g_call *call, struct td_tx *tx, const struct td_profile_given *given,
                              struct td_jsonw *w, struct td_error *err) TD_MUST_USE;

/* The member "target" of an assignment: group is a group's id in lower case, or a virtual one (store/profile.h). */
struct td_g_target_read {
    const char *group;
    bool excluded;
};
enum td_code td_g_read_target(struct td_g_call *call, const struct td_json *assignment, struct td_g_target_read *ret,
                              struct td_error *err) TD_MUST_USE;
/* The list in a body, under any of the names that tools use; NULL with *err filled. */
const struct td_json *td_g_assignment_list(const struct td_json *body, struct td_error *err);
/* Of a row with "~target" and "~excluded": for struct td_g_prop. */
void td_g_profile_target(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop,
                         struct td_jsonw *w);

#endif
