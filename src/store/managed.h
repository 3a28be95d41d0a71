/* Managed devices as administrators see them: an enrolment that is active, under the enrolment's id. What they may say
 * about it and its end are here, told to the audit in the same transaction (store/audit.h); what else they ask of it
 * is store/action.h. The list itself is the view td_view_managed (store/views.h). Source: graph-api.md 1.5. */
#ifndef TD_STORE_MANAGED_H
#define TD_STORE_MANAGED_H

#include "store/db.h"

enum { TD_MANAGED_NOTES_MAX = 4096, TD_MANAGED_NAME_MAX = 256 };
enum td_managed_owner { TD_OWNER_BY_ENROLMENT, TD_OWNER_COMPANY, TD_OWNER_PERSONAL };

struct td_managed_change {
    const char *name, *notes; /* NULL: as it is */
    int owner;                /* enum td_managed_owner, -1: as it is */
};
/* TD_ENOTFOUND: no active enrolment has this id. TD_ELIMIT: too long. */
enum td_code td_managed_set(struct td_tx *tx, const char *tenant, const char *id, const struct td_managed_change *what,
                            const char *actor, struct td_error *err) TD_MUST_USE;

/* Asks for TD_ACTION_DELETE (store/action.h): management ends, certificate revoked, way un-enrolled, the device's next
 * session refused, at once or, where the tenant wants that, once a second administrator has agreed. reason may be "".
 */
enum td_code td_managed_end(struct td_tx *tx, const char *tenant, const char *id, const char *reason, const char *actor,
                            struct td_error *err) TD_MUST_USE;

#endif
