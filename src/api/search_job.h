/* Brings the search tables up to date with the rows that changed (store/view.h), in slices behind the answers. */
#ifndef TD_API_SEARCH_JOB_H
#define TD_API_SEARCH_JOB_H

#include "api/jobs.h"

enum td_code td_search_job(struct td_service *svc, bool *ret_more, struct td_error *err) TD_MUST_USE;

#endif
