/* Pre-provisioning at the device: a technician does its part before its user has it (autopilot.md 3.4).
 *
 * The Windows key five times on the first page; a page with organisation, profile, serial number and QR codes; then the
 * TPM is proven, the device joins without a user, enrols, and its device phase runs. It leaves the directory again,
 * holds one session to hear that its enrolment stands, and is green with the time it took, or red with code, cause and
 * remedy. Sealed, it forgets what its user's first day will make anew: pages, profile, join, status page. The enrolment
 * and what is installed stay. Everything is in the state before it is done, so a technician's work that was cut off
 * goes on:
 *
 *   provision.at (when it began), provision.user (whom the service says it is for), provision.sealed (when it ended)
 */
#ifndef TD_DEVICE_PROVISION_H
#define TD_DEVICE_PROVISION_H

#include "device/flow.h"

/* A technician's work was begun and not sealed: whoever switches the device on is before it. */
bool td_provision_is_open(const struct td_device *dev);
/* To the green page, sealed behind it; sealed before: the page alone. TD_ESTATE: it is somebody's already. Whatever
 * fails shows the red page and is kept with the logs in DIR/provisioning-logs.zip; called again it goes on. */
enum td_code td_provision_run(struct td_flow *f, struct td_error *err) TD_MUST_USE;

#endif
