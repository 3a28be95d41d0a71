/* Pre-provisioning in the store: which enrolments are a technician's, and what becomes of them.
 *
 * A technician's enrolment is known by what the service itself proved: the device joined without a user by a join
 * ticket whose attestation was for pre-provisioning. Its claim WhiteGlove decides nothing. The states go
 *   technician (the device phase runs) -> sealed (done; on the shelf, un-joined) -> user (its user has joined).
 * The enrolment stays one and the same through all of them: un-joining moves it to the object that waits for the next
 * join, and that join, by its user, gives it an owner and begins the phases again; what is installed stays.
 * A technician's enrolment that was not sealed does not outlive an un-join. Nothing expires on the shelf.
 *
 * Codes for a technician's companion are good for one admission of one registration, for TD_PROVISION_CODE_LIFE: as
 * many challenges as a device needs until then are given by the same code. After TD_PROVISION_CODE_MISSES wrong ones it
 * is void. Sources: autopilot.md 3.4, S13, S14, Z29. */
#ifndef TD_STORE_PROVISIONING_H
#define TD_STORE_PROVISIONING_H

#include "store/device.h"

enum td_provisioning { TD_PROV_NONE, TD_PROV_TECHNICIAN, TD_PROV_SEALED, TD_PROV_USER };

/* Is the enrolment that this joined device asks for a technician's? */
enum td_code td_provisioning_is(struct td_tx *tx, const char *tenant, const struct td_device_row *device, bool *ret,
                                struct td_error *err) TD_MUST_USE;
/* The device phase is done: from here on the enrolment outlives the un-join. */
enum td_code td_provisioning_seal(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_error *err)
    TD_MUST_USE;
/* The device object left_id is gone and waiting_id stands for it: a sealed enrolment moves there. */
enum td_code td_provisioning_left(struct td_tx *tx, const char *tenant, const char *left_id, const char *waiting_id,
                                  struct td_error *err) TD_MUST_USE;
/* A user has joined this registration's device: a sealed enrolment is theirs, phases begin again. No such one: TD_OK.
 */
enum td_code td_provisioning_joined(struct td_tx *tx, const char *tenant, const char *registration_id,
                                    const char *device_id, const char *user_id, const char *upn, struct td_error *err)
    TD_MUST_USE;

/* The registration ends while its device stands on the shelf, un-joined: nobody could ever join it to its enrolment
 * again, so that ends too. Called before the registration is taken off the enrolment. */
enum td_code td_provisioning_deregistered(struct td_tx *tx, const char *tenant, const char *registration_id,
                                          const char *way_id, const char *actor, struct td_error *err) TD_MUST_USE;

#define TD_PROVISION_CODE_LIFE (30 * TD_MINUTE)
enum { TD_PROVISION_CODE_MISSES = 5 };
/* sha256: lower-case hex of the code (api/technician.h makes them). Takes the place of an older one. Audited.
 * TD_ENOTFOUND: no such registration. */
enum td_code td_provision_code_put(struct td_tx *tx, const char *tenant, const char *registration_id,
                                   const char *sha256, const char *actor, int64_t *ret_expires, struct td_error *err)
    TD_MUST_USE;
/* *ret_right false: there is none, it ran out, or it is another; then the miss is counted, so the transaction has to be
 * kept. A right one stays good. *ret_by: who made it. */
enum td_code td_provision_code_try(struct td_tx *tx, const char *tenant, const char *registration_id,
                                   const char *sha256, struct td_arena *a, bool *ret_right, const char **ret_by,
                                   struct td_error *err) TD_MUST_USE;
/* Is it good still? Nothing is counted: by a challenge that was given for it. */
enum td_code td_provision_code_good(struct td_tx *tx, const char *tenant, const char *registration_id,
                                    const char *sha256, bool *ret, struct td_error *err) TD_MUST_USE;
/* The admission uses it up; another one of the registration stays. */
enum td_code td_provision_code_use(struct td_tx *tx, const char *tenant, const char *registration_id,
                                   const char *sha256, struct td_error *err) TD_MUST_USE;

#endif
