/* store/explain.h as JSON: the command line and the administration interface say the same. */
#ifndef TD_API_EXPLAIN_H
#define TD_API_EXPLAIN_H

#include "codec/json.h"
#include "store/explain.h"

void td_explain_members(const struct td_explained *e, struct td_jsonw *w); /* inside an open object */
/* "it is in the group, by its rule" and the like: what people read before the deciding part. */
const char *td_explained_group_says(const struct td_explained_group *g);

#endif
