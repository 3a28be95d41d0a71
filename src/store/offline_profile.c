#include "store/offline_profile.h"

#include "store/event.h"

const char *td_offline_profile_name(const char *profile_id, struct td_arena *a)
{
    return td_arena_printf(a, "OfflineAutopilotprofile-%s", profile_id);
}

enum td_code td_offline_profile_find(struct td_tx *tx, const char *tenant, const char *correlator, struct td_arena *a,
                                     struct td_profile_row *ret, struct td_error *err)
{
    char id[TD_UUID_TEXT];
    if (!td_uuid_parse(td_str(correlator), id)) /* td_profile_find would take a name too */
        return td_fail(err, TD_ENOTFOUND, "OfflineAutoPilotEnrollmentCorrelator", "is no profile's id");
    return td_profile_find(tx, tenant, id, a, ret, err);
}

static enum td_code tell(struct td_tx *tx, const struct td_enrolment *e, const char *correlator,
                         const struct td_profile_row *p, const char *name, struct td_error *err)
{
    const struct td_event unknown = {.subject = e->way_id, .type = "enrolment.unknown-profile", .actor = "device"};
    const struct td_event known = {.subject = e->way_id, .type = "enrolment.offline-profile", .actor = "device"};
    if (p == NULL)
        return td_event_tell(tx, e->tenant, &unknown, err, "enrolment", e->id, "correlator", correlator, "cause",
                             "the device came with a profile file whose profile is none of this organization", "remedy",
                             "Export the profile again and replace the file on the medium.", NULL);
    return td_event_tell(tx, e->tenant, &known, err, "enrolment", e->id, "profile", p->name, "profileId", p->id,
                         "enrollmentProfileName", name, NULL);
}

enum td_code td_offline_profile_take(struct td_tx *tx, const struct td_enrolment *e, const char *correlator,
                                     const struct td_profile_row *p, struct td_arena *a, struct td_error *err)
{
    const char *name = p != NULL ? td_offline_profile_name(p->id, a) : "";
    td_try(td_sql(tx, err,
                  "UPDATE enrolment SET correlator = $3, offline_profile = $4,"
                  " profile_name = CASE WHEN $5 <> '' THEN $5 ELSE profile_name END WHERE tenant = $1 AND id = $2",
                  "sssss", e->tenant, e->id, correlator, p != NULL ? p->id : "", name));
    if (p != NULL) {
        struct td_profile_row named = *p;
        named.name = name;
        td_try(td_profile_give(tx, e->tenant, e->way_id, &named, err));
    }
    return tell(tx, e, correlator, p, name, err);
}
