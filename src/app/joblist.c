#include "app/joblist.h"

static enum td_code nothing(struct td_service *svc TD_UNUSED, bool *ret_more, struct td_error *err TD_UNUSED)
{
    *ret_more = false;
    return TD_OK;
}

const struct td_job td_job_list[] = {
    {"job.nothing", nothing},
};
const size_t td_job_count = TD_COUNTOF(td_job_list);
