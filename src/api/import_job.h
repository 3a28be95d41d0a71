/* Imports that were handed in (store/import_record.h) become registrations: one slice a step. Hashes are decoded
 * outside the write; a row's end and its registration are one transaction, so a kill leaves each row waiting or done.
 * Source: graph-api.md 1.2; autopilot.md 1.6. */
#ifndef TD_API_IMPORT_JOB_H
#define TD_API_IMPORT_JOB_H

#include "api/jobs.h"

enum td_code td_import_job(struct td_service *svc, bool *ret_more, struct td_error *err) TD_MUST_USE;

#endif
