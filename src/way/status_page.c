#include "way/status_page.h"

#include "base/env.h"
#include "base/fault.h"

enum { TYPE_BOOL, TYPE_INT, TYPE_TEXT, TYPE_LIST };

static const struct setting {
    const char *name;
    int type;
    size_t offset;
    int64_t min, max;                     /* of numbers; characters of a text; entries of a list */
    const char *otherwise, *of_interface; /* defaults */
} settings[] = {
#define AT(member) offsetof(struct td_status_page, member)
    {"showInstallationProgress", TYPE_BOOL, AT(show), 0, 1, "true", "false"},
    {"installProgressTimeoutInMinutes", TYPE_INT, AT(minutes), 1, TD_STATUS_PAGE_MAX_MINUTES, "60", "60"},
    {"customErrorMessage", TYPE_TEXT, AT(message), 0, TD_STATUS_PAGE_MAX_MESSAGE, "", ""},
    {"allowLogCollectionOnInstallFailure", TYPE_BOOL, AT(allow_logs), 0, 1, "true", "false"},
    {"allowDeviceResetOnInstallFailure", TYPE_BOOL, AT(allow_reset), 0, 1, "true", "false"},
    {"allowDeviceUseOnInstallFailure", TYPE_BOOL, AT(allow_use), 0, 1, "false", "false"},
    {"blockDeviceSetupRetryByUser", TYPE_BOOL, AT(block_retry), 0, 1, "false", "false"},
    {"disableUserStatusTrackingAfterFirstUser", TYPE_BOOL, AT(first_user_only), 0, 1, "true", "false"},
    {"trackInstallProgressForAutopilotOnly", TYPE_BOOL, AT(autopilot_only), 0, 1, "false", "false"},
    {"installQualityUpdates", TYPE_BOOL, AT(quality_updates), 0, 1, "false", "false"},
    {"allowNonBlockingAppInstallation", TYPE_BOOL, AT(allow_non_blocking), 0, 1, "true", "false"},
    {"selectedMobileAppIds", TYPE_LIST, AT(apps), 0, TD_STATUS_PAGE_MAX_APPS, "[]", "[]"},
    {"roleScopeTagIds", TYPE_LIST, AT(scope_tags), 0, TD_STATUS_PAGE_MAX_APPS, "[\"0\"]", "[\"0\"]"},
#undef AT
};

/* What exports of other tools carry beside the settings. */
static const char *const carried[] = {
    "id",
    "displayName",
    "name",
    "description",
    "priority",
    "version",
    "createdDateTime",
    "lastModifiedDateTime",
    "deviceEnrollmentConfigurationType",
    "assignments",
};

static const void *at(const struct setting *s, const struct td_status_page *p)
{
    return (const char *)p + s->offset;
}

static bool is_text(const struct setting *s)
{
    return s->type == TYPE_TEXT || s->type == TYPE_LIST;
}

static void set_text(const struct setting *s, struct td_status_page *p, const char *text)
{
    *(const char **)((char *)p + s->offset) = text;
}

static void set_number(const struct setting *s, struct td_status_page *p, int64_t number)
{
    *(int64_t *)((char *)p + s->offset) = number;
}

void td_status_page_defaults(bool of_interface, struct td_status_page *ret)
{
    for (size_t i = 0; i < TD_COUNTOF(settings); i++) {
        const char *value = of_interface ? settings[i].of_interface : settings[i].otherwise;
        int64_t number = strcmp(value, "true") == 0;
        if (is_text(&settings[i])) {
            set_text(&settings[i], ret, value);
            continue;
        }
        if (settings[i].type == TYPE_INT)
            (void)td_parse_i64(td_str(value), &number);
        set_number(&settings[i], ret, number);
    }
}

static enum td_code merge_bool(const struct setting *s, const struct td_json *v, struct td_status_page *p,
                               struct td_error *err)
{
    struct td_slice text = v->type == TD_JSON_STRING ? td_trim(td_str(v->str)) : TD_S("");
    bool yes = td_ieqs(text, "true"), no = td_ieqs(text, "false");
    if (v->type != TD_JSON_BOOL && !yes && !no)
        return td_fail(err, TD_EINVAL, s->name, "must be true or false");
    set_number(s, p, v->type == TD_JSON_BOOL ? v->num : yes);
    return TD_OK;
}

static enum td_code merge_int(const struct setting *s, const struct td_json *v, struct td_status_page *p,
                              struct td_error *err)
{
    int64_t number = v->num;
    bool ok = v->type == TD_JSON_INT || (v->type == TD_JSON_STRING && td_parse_i64(td_trim(td_str(v->str)), &number));
    if (ok && number == 0 && s->min > 0) /* a parameter that was not given: not said (graph-api.md 0.4) */
        return TD_OK;
    if (!ok || number < s->min || number > s->max)
        return td_fail(err, TD_EINVAL, s->name, "must be a whole number from %lld to %lld", (long long)s->min,
                       (long long)s->max);
    set_number(s, p, number);
    return TD_OK;
}

static size_t characters(const char *utf8)
{
    size_t n = 0;
    for (; *utf8 != '\0'; utf8++)
        n += ((unsigned char)*utf8 & 0xC0) != 0x80;
    return n;
}

static enum td_code merge_text(const struct setting *s, const struct td_json *v, struct td_arena *a,
                               struct td_status_page *p, struct td_error *err)
{
    const char *text = v->type == TD_JSON_NULL ? "" : v->str;
    if (v->type != TD_JSON_STRING && v->type != TD_JSON_NULL)
        return td_fail(err, TD_EINVAL, s->name, "must be a text");
    if (characters(text) > (size_t)s->max)
        return td_fail(err, TD_EINVAL, s->name, "longer than %lld characters", (long long)s->max);
    set_text(s, p, td_arena_strdup(a, text));
    return TD_OK;
}

static enum td_code merge_list(const struct setting *s, const struct td_json *v, struct td_arena *a,
                               struct td_status_page *p, struct td_error *err)
{
    struct td_jsonw w;
    if (v->type == TD_JSON_NULL || (v->type == TD_JSON_ARRAY && v->child == NULL)) {
        set_text(s, p, s->otherwise);
        return TD_OK;
    }
    if (v->type != TD_JSON_ARRAY || td_json_count(v) > (size_t)s->max)
        return td_fail(err, TD_EINVAL, s->name, "must be a list of at most %lld ids", (long long)s->max);
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, TD_STATUS_PAGE_MAX_JSON);
    td_jsonw_init(&w, &b);
    td_jsonw_arr(&w);
    for (const struct td_json *t = v->child; t != NULL; t = t->next) {
        if (t->type != TD_JSON_STRING || t->str[0] == '\0' || strlen(t->str) > 64)
            return td_fail(err, TD_EINVAL, s->name, "must be a list of ids");
        td_jsonw_str(&w, t->str);
    }
    td_jsonw_arr_end(&w);
    td_try(td_buf_check(&b, s->name, err));
    set_text(s, p, td_arena_text(a, td_buf_slice(&b)));
    return TD_OK;
}

static enum td_code merge_one(const struct setting *s, const struct td_json *v, struct td_arena *a,
                              struct td_status_page *p, struct td_error *err)
{
    switch (s->type) {
    case TYPE_BOOL:
        return merge_bool(s, v, p, err);
    case TYPE_INT:
        return merge_int(s, v, p, err);
    case TYPE_TEXT:
        return merge_text(s, v, a, p, err);
    default:
        return merge_list(s, v, a, p, err);
    }
}

static const struct setting *setting_of(const char *name)
{
    for (size_t i = 0; i < TD_COUNTOF(settings); i++)
        if (strcmp(settings[i].name, name) == 0)
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

enum td_code td_status_page_merge(const struct td_status_page *stored, const struct td_json *changes, bool foreign,
                                  struct td_arena *a, struct td_status_page *ret, struct td_error *err)
{
    struct td_status_page p = *stored;
    if (changes == NULL || changes->type != TD_JSON_OBJECT)
        return td_fail(err, TD_EINVAL, "status page", "must be a JSON object");
    for (const struct td_json *v = changes->child; v != NULL; v = v->next) {
        const struct setting *s = setting_of(v->name);
        if (s == NULL && !foreign && !is_carried(v->name))
            return td_remedy(err, td_fail(err, TD_EINVAL, v->name, "is no setting of a status page"),
                             "docs/tasks/status-page.md lists them");
        if (s != NULL && !(foreign && v->type == TD_JSON_NULL))
            td_try(merge_one(s, v, a, &p, err));
    }
    *ret = p;
    return TD_OK;
}

enum td_code td_status_page_parse(struct td_slice json, struct td_arena *a, struct td_status_page *ret,
                                  struct td_error *err)
{
    struct td_json *tree;
    struct td_status_page p;
    if (td_starts(json, "\xEF\xBB\xBF"))
        json = td_sub(json, 3, json.n);
    td_status_page_defaults(false, &p);
    td_try(td_json_parse(json, TD_STATUS_PAGE_MAX_JSON, a, &tree, err));
    return td_status_page_merge(&p, tree, false, a, ret, err);
}

void td_status_page_write(const struct td_status_page *p, struct td_jsonw *w)
{
    td_jsonw_obj(w);
    for (size_t i = 0; i < TD_COUNTOF(settings); i++) {
        const struct setting *s = &settings[i];
        td_jsonw_key(w, s->name);
        if (s->type == TYPE_BOOL)
            td_jsonw_bool(w, *(const int64_t *)at(s, p) != 0);
        else if (s->type == TYPE_INT)
            td_jsonw_int(w, *(const int64_t *)at(s, p));
        else if (s->type == TYPE_TEXT)
            td_jsonw_str(w, *(const char *const *)at(s, p));
        else
            td_jsonw_raw(w, td_str(*(const char *const *)at(s, p)));
    }
    td_jsonw_end(w);
}

const char *td_status_page_setting(const struct td_status_page *p, size_t i, struct td_arena *a, const char **ret_value)
{
    if (i >= TD_COUNTOF(settings))
        return NULL;
    const struct setting *s = &settings[i];
    if (is_text(s))
        *ret_value = td_arena_strdup(a, *(const char *const *)at(s, p));
    else if (s->type == TYPE_INT)
        *ret_value = td_arena_printf(a, "%lld", (long long)*(const int64_t *)at(s, p));
    else
        *ret_value = *(const int64_t *)at(s, p) != 0 ? "true" : "false";
    return s->name;
}

const char *td_status_page_warning(const struct td_status_page *p)
{
    bool button = !p->block_retry || p->allow_reset || p->allow_use;
    if (p->show && !button)
        return "a device that fails shows no button at all: nobody can go on without resetting it by hand";
    return NULL;
}

bool td_status_page_blocks(const struct td_status_page *p, const char *app_id, struct td_arena *a)
{
    struct td_json *list;
    if (td_json_parse(td_str(p->apps), TD_STATUS_PAGE_MAX_JSON, a, &list, NULL) != TD_OK || list->child == NULL ||
        td_fault("status-page-all-apps"))
        return true;
    for (const struct td_json *v = list->child; v != NULL; v = v->next)
        if (v->type == TD_JSON_STRING && td_ieqs(td_str(v->str), app_id))
            return true;
    return false;
}

static bool is_out(const struct td_page_offer *offers, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (offers[i].excluded && (offers[i].of_device || offers[i].of_user) && strcmp(offers[i].id, id) == 0)
            return true;
    return false;
}

size_t td_status_page_choose(const struct td_page_offer *offers, size_t count)
{
    for (int by_user = 0; by_user <= 1; by_user++) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < count; i++) {
            bool has = by_user != 0 ? offers[i].of_user : offers[i].of_device;
            if (td_fault("status-page-user-first"))
                has = offers[i].of_user || offers[i].of_device;
            if (!has || offers[i].excluded || is_out(offers, count, offers[i].id))
                continue;
            if (best == SIZE_MAX || offers[i].priority < offers[best].priority)
                best = i;
        }
        if (best != SIZE_MAX)
            return best;
    }
    return SIZE_MAX;
}
