/* AutopilotConfigurationFile.json: the deployment profile that a device without registration finds on its disk. Pure.
 * Source: autopilot.md 2.4 (fields), 2.3 (bits). The file's other end is td_profile_export (way/profile.h).
 *
 * Read as strictly as Windows reads it: one octet that is not ASCII (a UTF-8 mark, UTF-16, a letter with an accent) and
 * the whole file is as if it were not there. The error says which octet, which field, and what to do. */
#ifndef TD_CODEC_AUTOPILOT_FILE_H
#define TD_CODEC_AUTOPILOT_FILE_H

#include "codec/json.h"

#define TD_AUTOPILOT_FILE_NAME "AutopilotConfigurationFile.json"
/* Below the Windows folder. */
#define TD_AUTOPILOT_FILE_FOLDER "Provisioning/Autopilot"

enum { TD_AUTOPILOT_FILE_MAX = 65536, TD_AUTOPILOT_FILE_TEXT_MAX = 256 };

/* CloudAssignedOobeConfig: what only an online profile can ask for (self-deploying). */
enum { TD_AUTOPILOT_FILE_NO_BITS = 32 | 64 | 128 };

struct td_autopilot_file { /* texts are the arena's, "" where the file says nothing; never NULL */
    const char *comment;
    const char *correlation_id; /* GUID in lower case */
    const char *tenant_id;      /* GUID in lower case */
    const char *tenant_domain, *tenant_upn;
    const char *device_name, *language, *region;
    int64_t version, oobe, join_method, forced, skip_connectivity, update_disabled, update_timeout_ms;
};

/* TD_EFORMAT: not ASCII, or no JSON object. TD_EINVAL: a field (err->where) is missing or wrong. TD_ENOTOFFERED: a
 * self-deploying profile. TD_ELIMIT: too long. Each with its remedy. */
enum td_code td_autopilot_file_read(struct td_slice in, struct td_arena *a, struct td_autopilot_file *ret,
                                    struct td_error *err) TD_MUST_USE;

#endif
