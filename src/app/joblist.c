#include "app/joblist.h"

#include "api/action_job.h"
#include "api/approve.h"
#include "api/connector.h"
#include "api/deployment_job.h"
#include "api/diagnostics.h"
#include "api/group_job.h"
#include "api/import_job.h"
#include "api/retention_job.h"
#include "api/search_job.h"

const struct td_job td_job_list[] = {
    {"job.import", td_import_job},           {"job.actions", td_action_job},
    {"job.requests", td_request_job},        {"job.groups", td_group_job},
    {"job.search", td_search_job},           {"job.deployment", td_deployment_job},
    {"job.diagnostics", td_diagnostics_job}, {"job.connectors", td_connector_job},
    {"job.retention", td_retention_job},
};
const size_t td_job_count = TD_COUNTOF(td_job_list);
