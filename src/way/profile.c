#include "way/profile.h"

#include "base/env.h"
#include "way/names.h"

enum { TYPE_BOOL, TYPE_TEXT, TYPE_WORD };

enum { MAX_WORDS = 6 };

/* One row a setting. Old and current names are taken alike (graph-api.md 1.3); inside tells that the member stands in
 * outOfBoxExperienceSetting (current) or outOfBoxExperienceSettings (old). Defaults are those of the portal. */
static const struct setting {
    const char *name, *old_name;
    bool inside;
    int type;
    size_t offset;
    size_t max;            /* octets of a text */
    const char *otherwise; /* default */
    const char *words[MAX_WORDS];
} settings[] = {
#define AT(member) offsetof(struct td_profile, member)
    {"description", NULL, false, TYPE_TEXT, AT(description), 1500, "", {NULL}},
    {"deviceType", NULL, false, TYPE_TEXT, AT(device_type), 32, "windowsPc", {NULL}},
    {"deviceNameTemplate", NULL, false, TYPE_TEXT, AT(name_template), 64, "", {NULL}},
    {"locale", "language", false, TYPE_TEXT, AT(locale), 35, "os-default", {NULL}},
    {"region", NULL, false, TYPE_TEXT, AT(region), 35, "", {NULL}},
    {"managementServiceAppId", NULL, false, TYPE_TEXT, AT(management_app), 36, "", {NULL}},
    {"joinType", NULL, false, TYPE_WORD, AT(join), 0, "directory", {"directory", "hybrid"}},
    {"deviceUsageType", NULL, true, TYPE_WORD, AT(usage), 0, "singleUser", {"singleUser", "shared"}},
    {"userType", NULL, true, TYPE_WORD, AT(user_type), 0, "standard", {"administrator", "standard"}},
    {"eulaHidden", "hideEULA", true, TYPE_BOOL, AT(eula_hidden), 0, "true", {NULL}},
    {"privacySettingsHidden", "hidePrivacySettings", true, TYPE_BOOL, AT(privacy_hidden), 0, "true", {NULL}},
    {"escapeLinkHidden", "hideEscapeLink", true, TYPE_BOOL, AT(escape_hidden), 0, "true", {NULL}},
    {"keyboardSelectionPageSkipped",
     "skipKeyboardSelectionPage",
     true,
     TYPE_BOOL,
     AT(keyboard_skipped),
     0,
     "true",
     {NULL}},
    {"preprovisioningAllowed", "enableWhiteGlove", false, TYPE_BOOL, AT(preprovisioning), 0, "false", {NULL}},
    {"hardwareHashExtractionEnabled", "extractHardwareHash", false, TYPE_BOOL, AT(hash_extraction), 0, "false", {NULL}},
    {"hybridAzureADJoinSkipConnectivityCheck", NULL, false, TYPE_BOOL, AT(skip_connectivity), 0, "false", {NULL}},
#undef AT
};

/* What exports of other tools carry beside the settings. */
static const char *const carried[] = {
    "@odata.type",
    "@odata.context",
    "id",
    "displayName",
    "name",
    "createdDateTime",
    "lastModifiedDateTime",
    "roleScopeTagIds",
    "enrollmentStatusScreenSettings",
    "assignments",
    "assignedDevices",
    "$schema",
    "outOfBoxExperienceSetting",
    "outOfBoxExperienceSettings",
    "domainJoinConfiguration",
};

static const char *const device_types[] = {"windowsPc", "virtualMachine", "holoLens", "surfaceHub2", "surfaceHub2S"};

static void *place_of(const struct setting *s, struct td_profile *p)
{
    return (char *)p + s->offset;
}

static int64_t word_number(const struct setting *s, const char *word)
{
    for (int i = 0; i < MAX_WORDS && s->words[i] != NULL; i++)
        if (td_ieqs(td_str(word), s->words[i]))
            return i;
    return -1;
}

static void set_default(const struct setting *s, struct td_profile *p)
{
    if (s->type == TYPE_TEXT)
        *(const char **)place_of(s, p) = s->otherwise;
    else if (s->type == TYPE_WORD)
        *(int64_t *)place_of(s, p) = word_number(s, s->otherwise);
    else
        *(int64_t *)place_of(s, p) = strcmp(s->otherwise, "true") == 0;
}

static enum td_code set_text(const struct setting *s, const struct td_json *v, struct td_arena *a, struct td_profile *p,
                             struct td_error *err)
{
    const char *text = v->type == TD_JSON_NULL ? "" : v->str;
    if (strlen(text) > s->max)
        return td_fail(err, TD_EINVAL, v->name, "longer than %zu octets", s->max);
    *(const char **)place_of(s, p) = td_arena_strdup(a, text);
    return TD_OK;
}

static enum td_code set_value(const struct setting *s, const struct td_json *v, struct td_arena *a,
                              struct td_profile *p, struct td_error *err)
{
    bool type_ok = s->type == TYPE_BOOL
                       ? v->type == TD_JSON_BOOL
                       : v->type == TD_JSON_STRING || (s->type == TYPE_TEXT && v->type == TD_JSON_NULL);
    if (!type_ok)
        return td_fail(err, TD_EINVAL, v->name, s->type == TYPE_BOOL ? "must be true or false" : "must be a text");
    if (s->type == TYPE_TEXT)
        return set_text(s, v, a, p, err);
    int64_t number = s->type == TYPE_BOOL ? v->num : word_number(s, v->str);
    if (number < 0)
        return td_fail(err, TD_EINVAL, v->name, "must be %s or %s", s->words[0], s->words[1]);
    *(int64_t *)place_of(s, p) = number;
    return TD_OK;
}

static const struct setting *setting_of(const char *name)
{
    for (size_t i = 0; i < TD_COUNTOF(settings); i++)
        if (strcmp(settings[i].name, name) == 0 ||
            (settings[i].old_name != NULL && strcmp(settings[i].old_name, name) == 0))
            return &settings[i];
    return NULL;
}

static bool is_carried(const char *name)
{
    for (size_t i = 0; i < TD_COUNTOF(carried); i++)
        if (strcmp(carried[i], name) == 0)
            return true;
    return strchr(name, '@') != NULL; /* annotations */
}

/* Old names first, so that the current one has the last word where both are given. */
static enum td_code read_members(const struct td_json *object, bool current, bool inside, struct td_arena *a,
                                 struct td_profile *p, struct td_error *err)
{
    for (const struct td_json *v = object != NULL ? object->child : NULL; v != NULL; v = v->next) {
        const struct setting *s = setting_of(v->name);
        if (s == NULL && (inside || !is_carried(v->name)))
            return td_remedy(err, td_fail(err, TD_EINVAL, v->name, "is no setting of a profile"),
                             "docs/tasks/register.md lists them");
        if (s != NULL && (strcmp(s->name, v->name) == 0) == current)
            td_try(set_value(s, v, a, p, err));
    }
    return TD_OK;
}

static bool locale_ok(const char *tag)
{
    if (tag[0] == '\0' || strcmp(tag, "os-default") == 0)
        return true;
    for (const char *c = tag; *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '-'))
            return false;
    return strlen(tag) >= 2;
}

static enum td_code check(const struct td_profile *p, struct td_error *err)
{
    bool known = false;
    char id[TD_UUID_TEXT];
    for (size_t i = 0; i < TD_COUNTOF(device_types); i++)
        known = known || strcmp(device_types[i], p->device_type) == 0;
    if (!known)
        return td_fail(err, TD_EINVAL, "deviceType", "\"%s\" is no kind of device", p->device_type);
    if (!locale_ok(p->locale))
        return td_fail(err, TD_EINVAL, "locale", "\"%s\" is no language tag", p->locale);
    if (!locale_ok(p->region))
        return td_fail(err, TD_EINVAL, "region", "\"%s\" is no region", p->region);
    if (p->management_app[0] != '\0' && !td_uuid_parse(td_str(p->management_app), id))
        return td_fail(err, TD_EINVAL, "managementServiceAppId", "must be a GUID");
    if (p->join == TD_JOIN_HYBRID && p->usage == TD_USAGE_SHARED)
        return td_remedy(err, td_fail(err, TD_EINVAL, "deviceUsageType", "self-deploying devices cannot join hybrid"),
                         "choose singleUser, or the directory join");
    return td_name_check(td_str(p->name_template), err);
}

enum td_code td_profile_read(const struct td_json *json, struct td_arena *a, struct td_profile *ret,
                             struct td_error *err)
{
    struct td_profile p;
    if (json == NULL || json->type != TD_JSON_OBJECT)
        return td_fail(err, TD_EINVAL, "profile", "must be a JSON object");
    for (size_t i = 0; i < TD_COUNTOF(settings); i++)
        set_default(&settings[i], &p);
    const char *type = td_json_str(json, "@odata.type");
    if (type != NULL && td_ends(td_str(type), ".activeDirectoryWindowsAutopilotDeploymentProfile"))
        p.join = TD_JOIN_HYBRID;
    td_try(read_members(json, false, false, a, &p, err));
    td_try(read_members(td_json_get(json, "outOfBoxExperienceSettings"), false, true, a, &p, err));
    td_try(read_members(td_json_get(json, "outOfBoxExperienceSettings"), true, true, a, &p, err));
    td_try(read_members(json, true, false, a, &p, err));
    td_try(read_members(td_json_get(json, "outOfBoxExperienceSetting"), false, true, a, &p, err));
    td_try(read_members(td_json_get(json, "outOfBoxExperienceSetting"), true, true, a, &p, err));
    td_try(check(&p, err));
    *ret = p;
    return TD_OK;
}

enum td_code td_profile_parse(struct td_slice json, struct td_arena *a, struct td_profile *ret, struct td_error *err)
{
    struct td_json *tree;
    if (td_starts(json, "\xEF\xBB\xBF"))
        json = td_sub(json, 3, json.n);
    td_try(td_json_parse(json, TD_PROFILE_MAX_JSON, a, &tree, err));
    return td_profile_read(tree, a, ret, err);
}

void td_profile_write(const struct td_profile *p, struct td_jsonw *w)
{
    td_jsonw_obj(w);
    for (size_t i = 0; i < TD_COUNTOF(settings); i++) {
        const struct setting *s = &settings[i];
        const void *from = (const char *)p + s->offset;
        if (s->type == TYPE_TEXT)
            td_jsonw_kstr(w, s->name, *(const char *const *)from);
        else if (s->type == TYPE_WORD)
            td_jsonw_kstr(w, s->name, s->words[*(const int64_t *)from]);
        else
            td_jsonw_kbool(w, s->name, *(const int64_t *)from != 0);
    }
    td_jsonw_end(w);
}

/* autopilot.md 2.3; bits 3 and 8 always. */
uint32_t td_profile_oobe_bits(const struct td_profile *p)
{
    const struct {
        bool set;
        uint32_t bit;
    } bits[] = {
        {p->user_type == TD_USER_STANDARD, 2},
        {p->privacy_hidden != 0, 4},
        {true, 8},
        {p->eula_hidden != 0, 16},
        {p->usage == TD_USAGE_SHARED, 32 + 64},
        {true, 256},
        {p->keyboard_skipped != 0, 1024},
    };
    uint32_t all = 0;
    for (size_t i = 0; i < TD_COUNTOF(bits); i++)
        all |= bits[i].set ? bits[i].bit : 0;
    return all;
}

bool td_profile_forced_enrolment(const struct td_profile *p)
{
    return p->escape_hidden != 0;
}
