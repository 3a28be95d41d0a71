/* AutopilotConfigurationFile.json on the device's disk: a deployment without registration (autopilot.md 2.4, 3.5).
 *
 * The file is disk/Windows/Provisioning/Autopilot/AutopilotConfigurationFile.json in the state folder. What the service
 * says wins: the file is looked at only where the lookup gives no profile, or no answer five times in a row. A file
 * that Windows would not read is as if it were not there, with the reason on the page, in `show` (ignoredFile) and in
 * the last line. A device that an administrator has rejected takes no file. State: profile.* as from a lookup, with
 * profile.source "file"; offline.ignored. */
#ifndef TD_DEVICE_OFFLINE_H
#define TD_DEVICE_OFFLINE_H

#include "device/flow.h"

/* Where the file is, whether it is there or not. */
const char *td_offline_path(const struct td_device *dev, struct td_arena *a);

/* Whether after this answer of the lookup the file is to be taken: it is there and can be read. */
bool td_offline_instead(struct td_flow *f, enum td_code lookup);
/* Its profile becomes the device's. */
enum td_code td_offline_take(struct td_flow *f, struct td_error *err) TD_MUST_USE;
/* Says of a file that is there why it is not used: a profile came from the service. */
void td_offline_ignored(struct td_flow *f);
/* Puts the reason for which a file could not be used into the error of a device without profile. */
void td_offline_blame(struct td_flow *f, struct td_error *err);

/* The profile in force came from the file. */
bool td_offline_profile(const struct td_flow *f);

/* What sysprep /generalize does to a machine that is not joined (3.8): the file and the kept profile go. TD_ESTATE: a
 * joined machine is not generalized. */
enum td_code td_offline_generalize(struct td_device *dev, bool *ret_had_file, struct td_error *err) TD_MUST_USE;

#endif
