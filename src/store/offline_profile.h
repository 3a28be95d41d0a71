/* Devices that enrol by a profile file instead of a registration (autopilot.md 2.4, row S15).
 *
 * The file's ZtdCorrelationId, the id of the profile that was exported, comes with the enrolment as
 * OfflineAutoPilotEnrollmentCorrelator. It is a claim that nobody proves: it chooses among the tenant's profiles and
 * opens nothing (enrol-users=registered refuses the device as any other unknown one). Where it names a profile of the
 * tenant, that profile is given to the device's way: its settings hold for the deployment, and the enrolment profile is
 * called OfflineAutopilotprofile-<id>, also for rules of groups. A registered device keeps to its registration.
 * Memory is the caller's arena. */
#ifndef TD_STORE_OFFLINE_PROFILE_H
#define TD_STORE_OFFLINE_PROFILE_H

#include "store/enrolment.h"
#include "store/profile.h"

/* "OfflineAutopilotprofile-<id>" */
const char *td_offline_profile_name(const char *profile_id, struct td_arena *a);

/* The tenant's profile that a correlator names. TD_ENOTFOUND: none, also for one of another tenant. */
enum td_code td_offline_profile_find(struct td_tx *tx, const char *tenant, const char *correlator, struct td_arena *a,
                                     struct td_profile_row *ret, struct td_error *err) TD_MUST_USE;
/* Keeps the correlator with the new enrolment. p NULL: it named no profile of this tenant, which is told on the way;
 * else p is given to the way and the enrolment carries its name. After td_enrolment_add. */
enum td_code td_offline_profile_take(struct td_tx *tx, const struct td_enrolment *e, const char *correlator,
                                     const struct td_profile_row *p, struct td_arena *a, struct td_error *err)
    TD_MUST_USE;

#endif
