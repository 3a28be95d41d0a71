/* Takes away history that tenants no longer keep (store/retention.h). */
#ifndef TD_API_RETENTION_JOB_H
#define TD_API_RETENTION_JOB_H

#include "api/jobs.h"

td_job_fn td_retention_job;

#endif
