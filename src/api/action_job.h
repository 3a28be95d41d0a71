/* Bulk actions go on device by device, and actions whose device stays away come to an end (store/action_batch.h,
 * store/action.h). */
#ifndef TD_API_ACTION_JOB_H
#define TD_API_ACTION_JOB_H

#include "api/jobs.h"

enum td_code td_action_job(struct td_service *svc, bool *ret_more, struct td_error *err) TD_MUST_USE;

#endif
