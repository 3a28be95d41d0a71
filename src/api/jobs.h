/* Work that goes on after its answer: imports, stored memberships, told profiles. What is to be done rests in the
 * store, so it goes on after a kill; it is done in slices, each a write of at most 50 ms (design.md 3).
 *
 * One thread runs the steps in turn until none has more to do, then sleeps until it is poked or a while has passed
 * (another process may have left work). Tests run the steps themselves. */
#ifndef TD_API_JOBS_H
#define TD_API_JOBS_H

#include "api/service.h"

/* One slice. *ret_more: there is more to do now. An error is logged by the caller, and the step tried again later. */
typedef enum td_code td_job_fn(struct td_service *svc, bool *ret_more, struct td_error *err);
struct td_job {
    const char *name;
    td_job_fn *step;
};

struct td_jobs;
/* list lives as long as the jobs. failed is told what went wrong (for the log). */
struct td_jobs *td_jobs_start(struct td_service *svc, const struct td_job *list, size_t count,
                              void (*failed)(const char *name, const struct td_error *err));
void td_jobs_stop(struct td_jobs *j); /* waits for the slice under way; NULL is fine */
void td_jobs_poke(struct td_jobs *j); /* there may be work; NULL is fine (tests, command line) */

/* All steps until nothing is left: for tests and the command line. */
enum td_code td_jobs_run(struct td_service *svc, const struct td_job *list, size_t count, struct td_error *err)
    TD_MUST_USE;

#endif
