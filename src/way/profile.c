#include "way/profile.h"

#include "base/env.h"
#include "base/fault.h"
#include "way/attestation.h"
#include "way/names.h"

enum { TYPE_BOOL, TYPE_TEXT, TYPE_WORD, TYPE_LIST };

enum { MAX_WORDS = 6 };

/* One row a setting. Old and current names are taken alike (graph-api.md 1.3); inside tells that the member stands in
 * outOfBoxExperienceSetting (current) or outOfBoxExperienceSettings (old). Two defaults: the portal's, for the files of
 * people, and those of the interface's type. */
static const struct setting {
    const char *name, *old_name;
    bool inside;
    int type;
    size_t offset;
    size_t max;                           /* characters of a text */
    const char *otherwise, *of_interface; /* defaults; no second one: our own, the interface does not reach it */
    const char *words[MAX_WORDS];
} settings[] = {
#define AT(member) offsetof(struct td_profile, member)
#define TEXT(name, old, member, max, otherwise)                             \
    {                                                                       \
        name, old, false, TYPE_TEXT, AT(member), max, otherwise, otherwise, \
        {                                                                   \
            NULL                                                            \
        }                                                                   \
    }
#define BOOL(name, old, inside, member, otherwise)                       \
    {                                                                    \
        name, old, inside, TYPE_BOOL, AT(member), 0, otherwise, "false", \
        {                                                                \
            NULL                                                         \
        }                                                                \
    }
    TEXT("description", NULL, description, TD_PROFILE_DESCRIPTION_MAX, ""),
    TEXT("deviceType", NULL, device_type, 32, "windowsPc"),
    TEXT("deviceNameTemplate", NULL, name_template, 64, ""),
    TEXT("locale", "language", locale, 35, "os-default"),
    TEXT("region", NULL, region, 35, ""),
    TEXT("managementServiceAppId", NULL, management_app, 36, ""),
    {"roleScopeTagIds", NULL, false, TYPE_LIST, AT(scope_tags), 64, "[\"0\"]", "[\"0\"]", {NULL}},
    {"joinType", NULL, false, TYPE_WORD, AT(join), 0, "directory", "directory", {"directory", "hybrid"}},
    {"deviceUsageType", NULL, true, TYPE_WORD, AT(usage), 0, "singleUser", "singleUser", {"singleUser", "shared"}},
    {"userType", NULL, true, TYPE_WORD, AT(user_type), 0, "standard", "administrator", {"administrator", "standard"}},
    BOOL("eulaHidden", "hideEULA", true, eula_hidden, "true"),
    BOOL("privacySettingsHidden", "hidePrivacySettings", true, privacy_hidden, "true"),
    BOOL("escapeLinkHidden", "hideEscapeLink", true, escape_hidden, "true"),
    BOOL("keyboardSelectionPageSkipped", "skipKeyboardSelectionPage", true, keyboard_skipped, "true"),
    BOOL("preprovisioningAllowed", "enableWhiteGlove", false, preprovisioning, "false"),
    BOOL("hardwareHashExtractionEnabled", "extractHardwareHash", false, hash_extraction, "false"),
    BOOL("hybridAzureADJoinSkipConnectivityCheck", NULL, false, skip_connectivity, "false"),
    {"pcrPolicy",
     NULL,
     false,
     TYPE_WORD,
     AT(pcr_policy),
     0,
     "none",
     NULL,
     {"none", "secureBoot", "allowList", "baseline"}},
    {"pcrAllowed", NULL, false, TYPE_TEXT, AT(pcr_allowed), TD_PROFILE_PCRS_MAX, "", NULL, {NULL}},
#undef AT
#undef TEXT
#undef BOOL
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

static const char *text_at(const struct setting *s, const struct td_profile *p)
{
    return *(const char *const *)((const char *)p + s->offset);
}

static int64_t number_at(const struct setting *s, const struct td_profile *p)
{
    return *(const int64_t *)((const char *)p + s->offset);
}

static bool is_text(const struct setting *s)
{
    return s->type == TYPE_TEXT || s->type == TYPE_LIST;
}

static int64_t word_number(const struct setting *s, const char *word)
{
    for (int i = 0; i < MAX_WORDS && s->words[i] != NULL; i++)
        if (td_ieqs(td_str(word), s->words[i]))
            return i;
    return -1;
}

static void set_default(const struct setting *s, const char *value, struct td_profile *p)
{
    if (is_text(s))
        *(const char **)place_of(s, p) = value;
    else if (s->type == TYPE_WORD)
        *(int64_t *)place_of(s, p) = word_number(s, value);
    else
        *(int64_t *)place_of(s, p) = strcmp(value, "true") == 0;
}

void td_profile_defaults(bool of_interface, struct td_profile *ret)
{
    for (size_t i = 0; i < TD_COUNTOF(settings); i++)
        set_default(&settings[i],
                    of_interface && settings[i].of_interface != NULL ? settings[i].of_interface : settings[i].otherwise,
                    ret);
}

static size_t characters(const char *utf8)
{
    size_t n = 0;
    for (; *utf8 != '\0'; utf8++)
        n += ((unsigned char)*utf8 & 0xC0) != 0x80;
    return n;
}

static enum td_code set_text(const struct setting *s, const struct td_json *v, struct td_arena *a, struct td_profile *p,
                             struct td_error *err)
{
    const char *text = v->type == TD_JSON_NULL ? s->otherwise : v->str;
    if (characters(text) > s->max)
        return td_fail(err, TD_EINVAL, v->name, "longer than %zu characters", s->max);
    *(const char **)place_of(s, p) = td_arena_strdup(a, text);
    return TD_OK;
}

/* A list of texts, kept as JSON; an empty one means the default (graph-api.md 1.3: roleScopeTagIds). */
static enum td_code set_list(const struct setting *s, const struct td_json *v, struct td_arena *a, struct td_profile *p,
                             struct td_error *err)
{
    struct td_jsonw w;
    if (v->type == TD_JSON_NULL || td_json_count(v) == 0) {
        *(const char **)place_of(s, p) = s->otherwise;
        return TD_OK;
    }
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, TD_PROFILE_MAX_JSON);
    td_jsonw_init(&w, &b);
    td_jsonw_arr(&w);
    for (const struct td_json *t = v->child; t != NULL; t = t->next) {
        if (t->type != TD_JSON_STRING || t->str[0] == '\0' || strlen(t->str) > s->max ||
            td_json_count(v) > TD_PROFILE_TAGS_MAX)
            return td_fail(err, TD_EINVAL, v->name, "must be a list of at most %d ids", TD_PROFILE_TAGS_MAX);
        td_jsonw_str(&w, t->str);
    }
    td_jsonw_arr_end(&w);
    td_try(td_buf_check(&b, v->name, err));
    *(const char **)place_of(s, p) = td_arena_text(a, td_buf_slice(&b));
    return TD_OK;
}

static enum td_code check_type(const struct setting *s, const struct td_json *v, struct td_error *err)
{
    static const char *const must[] = {
        [TYPE_BOOL] = "must be true or false",
        [TYPE_TEXT] = "must be a text",
        [TYPE_WORD] = "must be a text",
        [TYPE_LIST] = "must be a list",
    };
    static const enum td_json_type types[] = {
        [TYPE_BOOL] = TD_JSON_BOOL,
        [TYPE_TEXT] = TD_JSON_STRING,
        [TYPE_WORD] = TD_JSON_STRING,
        [TYPE_LIST] = TD_JSON_ARRAY,
    };
    if (v->type == types[s->type] || (is_text(s) && v->type == TD_JSON_NULL))
        return TD_OK;
    return td_fail(err, TD_EINVAL, v->name, "%s", must[s->type]);
}

static enum td_code no_word(const struct setting *s, const struct td_json *v, struct td_arena *a, struct td_error *err)
{
    const char *all = s->words[0];
    for (int i = 1; i < MAX_WORDS && s->words[i] != NULL; i++) {
        bool last = i + 1 == MAX_WORDS || s->words[i + 1] == NULL;
        all = td_arena_printf(a, "%s%s%s", all, last ? " or " : ", ", s->words[i]);
    }
    return td_fail(err, TD_EINVAL, v->name, "must be %s", all);
}

static enum td_code set_value(const struct setting *s, const struct td_json *v, struct td_arena *a,
                              struct td_profile *p, struct td_error *err)
{
    td_try(check_type(s, v, err));
    if (s->type == TYPE_TEXT)
        return set_text(s, v, a, p, err);
    if (s->type == TYPE_LIST)
        return set_list(s, v, a, p, err);
    int64_t number = s->type == TYPE_BOOL ? v->num : word_number(s, v->str);
    if (number < 0)
        return no_word(s, v, a, err);
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

static enum td_code check_members(const struct td_json *object, bool inside, struct td_error *err)
{
    for (const struct td_json *v = object != NULL ? object->child : NULL; v != NULL; v = v->next)
        if (setting_of(v->name) == NULL && (inside || !is_carried(v->name)))
            return td_remedy(err, td_fail(err, TD_EINVAL, v->name, "is no setting of a profile"),
                             "docs/tasks/profiles.md lists them");
    return TD_OK;
}

/* The members that speak of one setting, the old name's and the current one's. */
struct said {
    const struct td_json *old, *current;
};

static void find_said(const struct setting *s, const struct td_json *object, bool old_object, bool foreign,
                      struct said *ret)
{
    const char *names[] = {s->old_name, s->name};
    for (size_t i = 0; i < TD_COUNTOF(names); i++) {
        const struct td_json *v = names[i] != NULL ? td_json_get(object, names[i]) : NULL;
        if (v == NULL || (foreign && (s->of_interface == NULL || v->type == TD_JSON_NULL)))
            continue;
        if (old_object || i == 0)
            ret->old = v;
        else
            ret->current = v;
    }
}

/* graph-api.md 1.3, the rule for PATCH. creating: nothing is stored, so the current name wins at once. */
static enum td_code merge_one(const struct setting *s, const struct said *said, const struct td_profile *stored,
                              bool creating, struct td_arena *a, struct td_profile *p, struct td_error *err)
{
    struct td_profile old = *stored, current = *stored;
    if (said->old != NULL)
        td_try(set_value(s, said->old, a, &old, err));
    if (said->current != NULL)
        td_try(set_value(s, said->current, a, &current, err));
    bool stale = is_text(s) ? strcmp(text_at(s, &current), text_at(s, stored)) == 0
                            : number_at(s, &current) == number_at(s, stored);
    const struct td_profile *from = said->current == NULL ? &old : &current;
    if (said->current != NULL && said->old != NULL && stale && !creating && !td_fault("profile-current-name-always"))
        from = &old;
    if (is_text(s))
        *(const char **)place_of(s, p) = text_at(s, from);
    else
        *(int64_t *)place_of(s, p) = number_at(s, from);
    return TD_OK;
}

/* BCP 47, its form: a language of 2 to 8 letters (or a region's three digits), then parts of 1 to 8 letters or digits.
 */
static bool locale_ok(const char *tag)
{
    struct td_slice part, rest = td_str(tag);
    if (rest.n == 0 || strcmp(tag, "os-default") == 0)
        return true;
    for (bool first = true; first || rest.p != NULL; first = false) {
        size_t letters = 0, digits = 0, cut = td_find(rest, '-');
        part = td_sub(rest, 0, cut);
        rest = cut == SIZE_MAX ? (struct td_slice){NULL, 0} : td_sub(rest, cut + 1, rest.n);
        for (size_t i = 0; i < part.n; i++) {
            letters += (part.p[i] >= 'a' && part.p[i] <= 'z') || (part.p[i] >= 'A' && part.p[i] <= 'Z');
            digits += part.p[i] >= '0' && part.p[i] <= '9';
        }
        bool language = (part.n >= 2 && letters == part.n) || (part.n == 3 && digits == 3);
        if (part.n < 1 || part.n > 8 || letters + digits != part.n || (first && !language))
            return false;
    }
    return true;
}

static enum td_code check(struct td_profile *p, struct td_arena *a, struct td_error *err)
{
    const char *known = NULL;
    char id[TD_UUID_TEXT];
    for (size_t i = 0; i < TD_COUNTOF(device_types); i++)
        if (td_ieqs(td_str(p->device_type), device_types[i]))
            known = device_types[i];
    if (known == NULL)
        return td_fail(err, TD_EINVAL, "deviceType", "\"%s\" is no kind of device", p->device_type);
    p->device_type = known;
    if (!locale_ok(p->locale))
        return td_remedy(err, td_fail(err, TD_EINVAL, "locale", "\"%s\" is no language tag", p->locale),
                         "write a BCP 47 tag as en-US, os-default, or nothing for the user's choice");
    if (!locale_ok(p->region))
        return td_fail(err, TD_EINVAL, "region", "\"%s\" is no region", p->region);
    if (p->management_app[0] != '\0' && !td_uuid_parse(td_str(p->management_app), id))
        return td_fail(err, TD_EINVAL, "managementServiceAppId", "must be a GUID");
    if (p->management_app[0] != '\0')
        p->management_app = td_arena_strdup(a, id);
    if (p->join == TD_JOIN_HYBRID && p->usage == TD_USAGE_SHARED)
        return td_remedy(err, td_fail(err, TD_EINVAL, "deviceUsageType", "self-deploying devices cannot join hybrid"),
                         "choose singleUser, or the directory join");
    if (p->pcr_policy == TD_PCR_ALLOW_LIST && td_trim(td_str(p->pcr_allowed)).n == 0)
        return td_remedy(err, td_fail(err, TD_EINVAL, "pcrAllowed", "pcrPolicy allowList needs the values allowed"),
                         "Write them as docs/tasks/attestation.md says, or choose another policy.");
    td_try(td_pcr_allowed_check(p->pcr_allowed, err));
    return td_name_check(td_str(p->name_template), err);
}

static enum td_code merge(const struct td_profile *stored, const struct td_json *json, bool foreign, bool creating,
                          struct td_arena *a, struct td_profile *ret, struct td_error *err)
{
    struct td_profile p = *stored;
    if (json == NULL || json->type != TD_JSON_OBJECT)
        return td_fail(err, TD_EINVAL, "profile", "must be a JSON object");
    const struct td_json *old = td_json_get(json, "outOfBoxExperienceSettings"),
                         *current = td_json_get(json, "outOfBoxExperienceSetting");
    if (!foreign) {
        td_try(check_members(json, false, err));
        td_try(check_members(old, true, err));
        td_try(check_members(current, true, err));
    }
    for (size_t i = 0; i < TD_COUNTOF(settings); i++) {
        struct said said = {0};
        find_said(&settings[i], old, true, foreign, &said);
        find_said(&settings[i], json, false, foreign, &said);
        find_said(&settings[i], current, false, foreign, &said);
        td_try(merge_one(&settings[i], &said, stored, creating, a, &p, err));
    }
    td_try(check(&p, a, err));
    *ret = p;
    return TD_OK;
}

enum td_code td_profile_merge(const struct td_profile *stored, const struct td_json *changes, bool foreign,
                              struct td_arena *a, struct td_profile *ret, struct td_error *err)
{
    return merge(stored, changes, foreign, false, a, ret, err);
}

enum td_code td_profile_merge_new(const struct td_profile *defaults, const struct td_json *json, struct td_arena *a,
                                  struct td_profile *ret, struct td_error *err)
{
    return merge(defaults, json, true, true, a, ret, err);
}

enum td_code td_profile_read(const struct td_json *json, struct td_arena *a, struct td_profile *ret,
                             struct td_error *err)
{
    struct td_profile p;
    td_profile_defaults(false, &p);
    const char *type = td_json_str(json, "@odata.type");
    if (type != NULL && td_ends(td_str(type), ".activeDirectoryWindowsAutopilotDeploymentProfile"))
        p.join = TD_JOIN_HYBRID;
    return merge(&p, json, false, true, a, ret, err);
}

enum td_code td_profile_parse(struct td_slice json, struct td_arena *a, struct td_profile *ret, struct td_error *err)
{
    struct td_json *tree;
    if (td_starts(json, "\xEF\xBB\xBF"))
        json = td_sub(json, 3, json.n);
    td_try(td_json_parse(json, TD_PROFILE_MAX_JSON, a, &tree, err));
    return td_profile_read(tree, a, ret, err);
}

enum td_code td_profile_name_check(const char *name, struct td_error *err)
{
    bool ok = name[0] != '\0' && td_utf8_ok(td_str(name)) && characters(name) <= TD_PROFILE_NAME_MAX;
    for (const char *c = name; ok && *c != '\0'; c++)
        ok = (unsigned char)*c >= ' ';
    return ok ? TD_OK : td_fail(err, TD_EINVAL, "displayName", "must have 1 to %d characters", TD_PROFILE_NAME_MAX);
}

const char *td_profile_setting(const struct td_profile *p, size_t i, struct td_arena *a, const char **ret_value)
{
    if (i >= TD_COUNTOF(settings))
        return NULL;
    const struct setting *s = &settings[i];
    if (is_text(s))
        *ret_value = td_arena_strdup(a, text_at(s, p));
    else if (s->type == TYPE_WORD)
        *ret_value = s->words[number_at(s, p)];
    else
        *ret_value = number_at(s, p) != 0 ? "true" : "false";
    return s->name;
}

bool td_profile_same(const struct td_profile *x, const struct td_profile *y)
{
    for (size_t i = 0; i < TD_COUNTOF(settings); i++) {
        const struct setting *s = &settings[i];
        if (is_text(s) ? strcmp(text_at(s, x), text_at(s, y)) != 0 : number_at(s, x) != number_at(s, y))
            return false;
    }
    return true;
}

void td_profile_write(const struct td_profile *p, struct td_jsonw *w)
{
    td_jsonw_obj(w);
    for (size_t i = 0; i < TD_COUNTOF(settings); i++) {
        const struct setting *s = &settings[i];
        td_jsonw_key(w, s->name);
        if (s->type == TYPE_TEXT)
            td_jsonw_str(w, text_at(s, p));
        else if (s->type == TYPE_LIST)
            td_jsonw_raw(w, td_str(text_at(s, p)));
        else if (s->type == TYPE_WORD)
            td_jsonw_str(w, s->words[number_at(s, p)]);
        else
            td_jsonw_bool(w, number_at(s, p) != 0);
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
