/* Deployments whose device stays away are ended, so that every report reaches an end (store/deployment.h). */
#ifndef TD_API_DEPLOYMENT_JOB_H
#define TD_API_DEPLOYMENT_JOB_H

#include "api/jobs.h"

enum td_code td_deployment_job(struct td_service *svc, bool *ret_more, struct td_error *err) TD_MUST_USE;

#endif
