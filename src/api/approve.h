/* An administrator's word about a device that asked: approved, it is registered by the hash that it sent. Shared by
 * the command line and the administration interface. Source: docs/protocol/ztd.md 3.3. */
#ifndef TD_API_APPROVE_H
#define TD_API_APPROVE_H

#include "api/import.h"
#include "api/jobs.h"
#include "store/device_request.h"

struct td_approval {
    const char *key; /* id or code */
    const char *group_tag, *user;
    struct td_device_request request;
    struct td_registration_new new;
    struct td_import_row row; /* what became of it */
};
/* Before the write: finds the request and decodes its hash. TD_ENOTFOUND, TD_EDENIED, TD_EINVAL. */
enum td_code td_approve_prepare(struct td_store *store, const char *tenant, struct td_approval *p, struct td_arena *a,
                                struct td_error *err) TD_MUST_USE;
/* Inside the write. A device that is registered already is approved all the same. TD_EEXISTS: another tenant's. */
enum td_code td_approve_write(struct td_tx *tx, const char *tenant, struct td_approval *p, const char *actor,
                              struct td_arena *a, struct td_error *err) TD_MUST_USE;
enum td_code td_reject_write(struct td_tx *tx, const char *tenant, const char *key, const char *actor,
                             struct td_arena *a, struct td_device_request *ret, struct td_error *err) TD_MUST_USE;
/* Takes expired requests away, a slice a step. */
enum td_code td_request_job(struct td_service *svc, bool *ret_more, struct td_error *err) TD_MUST_USE;

#endif
