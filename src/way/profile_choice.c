#include "way/profile_choice.h"

#include "base/fault.h"

/* profile: kinds of profile that are refused; detail: what the status calls that (graph-api.md 1.2). */
static const struct {
    const char *type;
    enum td_profile_detail detail;
} kinds[] = {
    {"windowsPc", TD_PD_WINDOWS_PC},    {"virtualMachine", TD_PD_WINDOWS_PC},   {"holoLens", TD_PD_HOLOLENS},
    {"surfaceHub2", TD_PD_SURFACE_HUB}, {"surfaceHub2S", TD_PD_SURFACE_HUB_2S},
};

/* Model texts of the makers, as firmware shows them; the longer one first. */
static const struct {
    const char *model, *type;
} models[] = {
    {"HoloLens", "holoLens"},       {"Surface Hub 2S", "surfaceHub2S"},
    {"Surface Hub", "surfaceHub2"}, {"Virtual Machine", "virtualMachine"},
    {"VMware", "virtualMachine"},   {"VirtualBox", "virtualMachine"},
    {"KVM", "virtualMachine"},      {"Standard PC", "virtualMachine"},
};

const char *td_device_type(const char *manufacturer, const char *model)
{
    for (size_t i = 0; i < TD_COUNTOF(models); i++)
        if (td_istarts(td_str(model), models[i].model))
            return models[i].type;
    return td_ieqs(td_str(manufacturer), "QEMU") ? "virtualMachine" : "windowsPc";
}

static enum td_profile_detail detail_of(const char *type)
{
    for (size_t i = 0; i < TD_COUNTOF(kinds); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return kinds[i].detail;
    return TD_PD_NONE;
}

bool td_device_takes(const char *device_type, const char *profile_type)
{
    return detail_of(device_type) == detail_of(profile_type);
}

static bool to_all(const struct td_profile_offer *o)
{
    return o->group_id[0] == '\0';
}

static bool concerns(const struct td_profile_offer *o)
{
    return to_all(o) || o->member;
}

static bool is_excluded(const struct td_profile_offer *offers, size_t count, const char *profile_id)
{
    if (td_fault("profile-exclusion-ignored"))
        return false;
    for (size_t i = 0; i < count; i++)
        if (offers[i].excluded && concerns(&offers[i]) && strcmp(offers[i].profile_id, profile_id) == 0)
            return true;
    return false;
}

/* What speaks against an offer by itself; TD_PV_HOLDS if nothing. */
static enum td_profile_verdict alone(const struct td_profile_offer *offers, size_t count, size_t i,
                                     const char *device_type)
{
    const struct td_profile_offer *o = &offers[i];
    if (!concerns(o))
        return TD_PV_NOT_MEMBER;
    if (o->excluded)
        return TD_PV_EXCLUDES;
    if (is_excluded(offers, count, o->profile_id))
        return TD_PV_EXCLUDED;
    return td_device_takes(device_type, o->device_type) ? TD_PV_HOLDS : TD_PV_DEVICE_TYPE;
}

/* Group before all devices, then the oldest profile; ids settle what the clock does not, so that every node and every
 * run answers alike. */
static bool before(const struct td_profile_offer *a, const struct td_profile_offer *b)
{
    if (to_all(a) != to_all(b) && !td_fault("profile-default-first"))
        return !to_all(a);
    if (a->created_at != b->created_at)
        return a->created_at < b->created_at;
    int order = strcmp(a->profile_id, b->profile_id);
    return order != 0 ? order < 0 : strcmp(a->group_id, b->group_id) < 0;
}

static enum td_profile_verdict against(const struct td_profile_offer *o, const struct td_profile_offer *winner)
{
    if (strcmp(o->profile_id, winner->profile_id) == 0)
        return TD_PV_SAME;
    return to_all(o) && !to_all(winner) ? TD_PV_GROUP_FIRST : TD_PV_OLDER_FIRST;
}

void td_profile_choose(const struct td_profile_offer *offers, size_t count, const char *device_type,
                       enum td_profile_verdict *verdicts, struct td_profile_choice *ret)
{
    size_t best = SIZE_MAX, unsupported = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        enum td_profile_verdict v = alone(offers, count, i, device_type);
        if (v == TD_PV_HOLDS && (best == SIZE_MAX || before(&offers[i], &offers[best])))
            best = i;
        if (v == TD_PV_DEVICE_TYPE && (unsupported == SIZE_MAX || before(&offers[i], &offers[unsupported])))
            unsupported = i;
        if (verdicts != NULL)
            verdicts[i] = v;
    }
    for (size_t i = 0; verdicts != NULL && i < count; i++)
        if (verdicts[i] == TD_PV_HOLDS && i != best)
            verdicts[i] = against(&offers[i], &offers[best]);
    *ret = (struct td_profile_choice){.index = best, .is_explicit = best != SIZE_MAX && !to_all(&offers[best])};
    if (best == SIZE_MAX && unsupported != SIZE_MAX)
        ret->detail = detail_of(offers[unsupported].device_type);
}

const char *td_profile_verdict_text(enum td_profile_verdict verdict)
{
    static const char *const texts[TD_PV_COUNT] = {
        [TD_PV_HOLDS] = "it holds",
        [TD_PV_SAME] = "the same profile holds by another assignment",
        [TD_PV_NOT_MEMBER] = "the device is not in the group \"%s\"",
        [TD_PV_EXCLUDES] = "the group \"%s\" is excluded",
        [TD_PV_EXCLUDED] = "a group of the device is excluded from it",
        [TD_PV_DEVICE_TYPE] = "it was made for another kind of device",
        [TD_PV_OLDER_FIRST] = "an older profile comes first",
        [TD_PV_GROUP_FIRST] = "a profile of one of the device's groups comes first",
    };
    return (unsigned)verdict < TD_PV_COUNT ? texts[verdict] : "";
}

const char *const td_profile_status_words[] = {
    "unknown", "assignedInSync", "assignedOutOfSync", "assignedUnkownSyncState", "notAssigned", "pending", "failed",
    NULL,
};

const char *const td_profile_detail_words[] = {
    "none",
    "hardwareRequirementsNotMet",
    "surfaceHubProfileNotSupported",
    "holoLensProfileNotSupported",
    "windowsPcProfileNotSupported",
    "surfaceHub2SProfileNotSupported",
    NULL,
};

enum td_profile_status td_profile_status(const struct td_profile_stand *s)
{
    if (s->intended[0] == '\0')
        return s->detail != TD_PD_NONE ? TD_PS_FAILED : TD_PS_NOT_ASSIGNED;
    if (strcmp(s->intended, s->told) != 0)
        return TD_PS_PENDING;
    if (s->effective[0] == '\0')
        return TD_PS_UNKNOWN_SYNC;
    bool same = strcmp(s->intended, s->effective) == 0 &&
                (s->intended_revision == s->effective_revision || td_fault("profile-any-revision"));
    return same ? TD_PS_IN_SYNC : TD_PS_OUT_OF_SYNC;
}
