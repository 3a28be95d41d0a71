/* Which of the tenant's profiles holds for a device, why the others do not, and how a device stands to its profile.
 *
 * The rule (autopilot.md 2.6): a profile of one of the device's groups comes before one for all devices; among those
 * the oldest profile wins; a profile that excludes a group of the device is out; so is one that was made for another
 * kind of device (row P19). store/profile/profile.c, the lookup and 'explain' ask here, so that they can't disagree.
 * Who is in a group is the asker's matter. Pure; nothing is owned. */
#ifndef TD_WAY_PROFILE_CHOICE_H
#define TD_WAY_PROFILE_CHOICE_H

#include "base/slice.h"

struct td_profile_offer { /* one assignment of one profile */
    const char *profile_id, *profile_name;
    const char *group_id, *group_name; /* "" for all devices */
    const char *device_type;           /* that the profile is for: "windowsPc" */
    int64_t created_at;                /* of the profile */
    bool excluded;                     /* the group is excluded from it */
    bool member;                       /* the device is in the group; all devices are in "" whatever stands here */
};

enum td_profile_verdict {
    TD_PV_HOLDS,
    TD_PV_SAME,        /* the same profile holds by another assignment */
    TD_PV_NOT_MEMBER,  /* the device is not in the group */
    TD_PV_EXCLUDES,    /* this assignment takes the device out */
    TD_PV_EXCLUDED,    /* another assignment of the same profile takes the device out */
    TD_PV_DEVICE_TYPE, /* made for another kind of device */
    TD_PV_OLDER_FIRST, /* an older profile comes first */
    TD_PV_GROUP_FIRST, /* for all devices, and a profile of a group comes first */
    TD_PV_COUNT
};

/* windowsAutopilotProfileAssignmentDetailedStatus (graph-api.md 1.2), in the order of its words. */
enum td_profile_detail {
    TD_PD_NONE,
    TD_PD_HARDWARE,
    TD_PD_SURFACE_HUB,
    TD_PD_HOLOLENS,
    TD_PD_WINDOWS_PC,
    TD_PD_SURFACE_HUB_2S,
    TD_PD_COUNT
};

struct td_profile_choice {
    size_t index;                  /* of the offer that holds, SIZE_MAX: none */
    bool is_explicit;              /* by a group, not by 'all devices' */
    enum td_profile_detail detail; /* none holds, but this kind of profile would have: not supported by the device */
};
/* verdicts: one an offer, or NULL. device_type as td_device_type tells it. */
void td_profile_choose(const struct td_profile_offer *offers, size_t count, const char *device_type,
                       enum td_profile_verdict *verdicts, struct td_profile_choice *ret);
/* A sentence for people, without a final stop; %s in it (at most one) is the group's name. */
const char *td_profile_verdict_text(enum td_profile_verdict verdict);

/* "windowsPc", "virtualMachine", "holoLens", "surfaceHub2" or "surfaceHub2S", by what the firmware says. */
const char *td_device_type(const char *manufacturer, const char *model);
/* Virtual machines take profiles for PCs and the other way round. */
bool td_device_takes(const char *device_type, const char *profile_type);

/* windowsAutopilotProfileAssignmentStatus, in the order of its words. */
enum td_profile_status {
    TD_PS_UNKNOWN,
    TD_PS_IN_SYNC,      /* the device has what holds for it */
    TD_PS_OUT_OF_SYNC,  /* the device has another profile, or an older state of it */
    TD_PS_UNKNOWN_SYNC, /* assigned; the device has not asked yet */
    TD_PS_NOT_ASSIGNED,
    TD_PS_PENDING, /* what holds has not been told to the registration yet */
    TD_PS_FAILED,  /* a profile would hold, but is not supported by the device: see the detail */
    TD_PS_COUNT
};
extern const char *const td_profile_status_words[]; /* NULL-terminated, as the enums' order; "assignedUnkownSyncState"
                                                       is spelt so by the real service */
extern const char *const td_profile_detail_words[]; /* the same of enum td_profile_detail */

struct td_profile_stand {  /* texts "" where there is none */
    const char *intended;  /* profile that holds now */
    const char *told;      /* profile that the registration was told last; the same as intended where nobody asked */
    const char *effective; /* profile that the device got last */
    int64_t intended_revision, effective_revision;
    enum td_profile_detail detail;
};
enum td_profile_status td_profile_status(const struct td_profile_stand *s);

#endif
