/* What goes on behind the answers of a running service (api/jobs.h): one row a job. */
#ifndef TD_APP_JOBLIST_H
#define TD_APP_JOBLIST_H

#include "api/jobs.h"

extern const struct td_job td_job_list[];
extern const size_t td_job_count;

#endif
