/* Stored memberships and told profiles follow changes of rules and assignments (store/group.h): one slice a step. */
#ifndef TD_API_GROUP_JOB_H
#define TD_API_GROUP_JOB_H

#include "api/jobs.h"

td_job_fn td_group_job;

#endif
