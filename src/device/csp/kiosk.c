/* csp/kiosk: AssignedAccess: the configuration is checked as its schema says, and what it means is read from it each
 * time it is asked. Only the autologon is a fact of its own ("@autologon"), because a restart can lose it (autopilot.md
 * Z35).
 */
#include "device/csp/kiosk.h"

#include "base/env.h"
#include "base/fault.h"
#include "codec/json.h"
#include "codec/xml.h"
#include "device/csp/tree.h"

#define ROOM "Device/Vendor/MSFT/AssignedAccess/"
#define CONFIG_NS "http://schemas.microsoft.com/AssignedAccess/2017/config"
#define ALERT_NS "http://schemas.microsoft.com/AssignedAccess/2018/AssignedAccessAlert"
#define AUTOLOGON_ID "{74331115-F68A-4DF9-8D2C-52BA2CE2ADB1}"
#define OWN_ACCOUNT "kioskUser0" /* what the system calls the account that it makes for the autologon */

enum { MAX_CONFIG = 1 << 20 };

static bool is_guid(const char *id)
{
    char text[TD_UUID_TEXT];
    size_t n = id != NULL ? strlen(id) : 0;
    return n == 38 && id[0] == '{' && id[37] == '}' && td_uuid_parse(td_bytes(id + 1, 36), text);
}

static bool is_set(const char *value)
{
    return value != NULL && *value != '\0';
}

static const char *or_empty(const char *value)
{
    return value != NULL ? value : "";
}

/* Exactly one of two attributes names the app. */
static const char *one_of(const struct td_xml *e, const char *packaged, const char *desktop)
{
    const char *id = td_xml_attr(e, packaged), *path = td_xml_attr(e, desktop);
    return is_set(id) == is_set(path) ? NULL : is_set(id) ? id : path;
}

static bool is_bool(const char *text)
{
    static const char *const words[] = {"true", "false", "1", "0"};
    for (size_t i = 0; text != NULL && i < TD_COUNTOF(words); i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static bool is_true(const char *text)
{
    return text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
}

static bool app_before(const struct td_xml *list, const struct td_xml *app, const char *name)
{
    for (const struct td_xml *e = list->child; e != app; e = e->next) {
        const char *other = one_of(e, "AppUserModelId", "DesktopAppPath");
        if (other != NULL && td_ieqs(td_str(other), name))
            return true;
    }
    return false;
}

/* AllowedApps: one app or more, none twice, one of them started at most. */
static bool apps_ok(const struct td_xml *list)
{
    size_t count = 0, launched = 0;
    for (const struct td_xml *e = list != NULL ? list->child : NULL; e != NULL; e = e->next) {
        const char *name = one_of(e, "AppUserModelId", "DesktopAppPath");
        if (strcmp(e->name, "App") != 0 || name == NULL || app_before(list, e, name))
            return false;
        launched += is_true(td_xml_attr(e, "AutoLaunch"));
        count++;
    }
    return count != 0 && launched <= 1;
}

static const struct td_xml *single_of(const struct td_xml *profile)
{
    return td_xml_child(profile, NULL, "KioskModeApp");
}

static bool profile_ok(const struct td_xml *profile)
{
    const struct td_xml *single = single_of(profile), *many = td_xml_child(profile, NULL, "AllAppsList");
    if (!is_guid(td_xml_attr(profile, "Id")) || (single == NULL) == (many == NULL))
        return false;
    if (single != NULL)
        return one_of(single, "AppUserModelId", "ClassicAppPath") != NULL &&
               (!is_set(td_xml_attr(single, "ClassicAppArguments")) || is_set(td_xml_attr(single, "ClassicAppPath")));
    return apps_ok(td_xml_child(many, NULL, "AllowedApps")) &&
           is_bool(td_xml_attr(td_xml_child(profile, NULL, "Taskbar"), "ShowTaskbar"));
}

static const struct td_xml *profile_by(const struct td_xml *root, const char *id)
{
    const struct td_xml *list = td_xml_child(root, NULL, "Profiles");
    for (const struct td_xml *p = list != NULL && id != NULL ? list->child : NULL; p != NULL; p = p->next)
        if (td_ieqs(td_str(or_empty(td_xml_attr(p, "Id"))), id))
            return p;
    return NULL;
}

static const struct td_xml *profile_of(const struct td_xml *root, const struct td_xml *config)
{
    return profile_by(root, td_xml_attr(td_xml_child(config, NULL, "DefaultProfile"), "Id"));
}

/* Ids are unique, and only one profile is of a single app. */
static bool profiles_ok(const struct td_xml *root)
{
    const struct td_xml *list = td_xml_child(root, NULL, "Profiles");
    size_t singles = 0;
    if (list == NULL || list->child == NULL)
        return false;
    for (const struct td_xml *p = list->child; p != NULL; p = p->next) {
        if (strcmp(p->name, "Profile") != 0 || !profile_ok(p) || profile_by(root, td_xml_attr(p, "Id")) != p)
            return false;
        singles += single_of(p) != NULL;
    }
    return singles <= 1;
}

/* Who: one account, the system's own, or a group; a single app goes to no group. */
static bool config_ok(const struct td_xml *root, const struct td_xml *config, size_t *autologons)
{
    const struct td_xml *account = td_xml_child(config, NULL, "Account");
    const struct td_xml *own = td_xml_child(config, NULL, "AutoLogonAccount");
    const struct td_xml *group = td_xml_child(config, NULL, "UserGroup");
    const struct td_xml *special = td_xml_child(config, NULL, "SpecialGroup");
    const struct td_xml *profile = profile_of(root, config);
    const char *hidden = td_xml_attr(own, "HiddenId");
    *autologons += own != NULL;
    if ((account != NULL) + (own != NULL) + (group != NULL) + (special != NULL) != 1 || profile == NULL)
        return false;
    if (hidden != NULL && !td_ieqs(td_str(hidden), AUTOLOGON_ID))
        return false;
    if (account != NULL && td_xml_text(account).n == 0)
        return false;
    return single_of(profile) == NULL || (group == NULL && special == NULL);
}

static bool configs_ok(const struct td_xml *root)
{
    const struct td_xml *list = td_xml_child(root, NULL, "Configs");
    size_t autologons = 0;
    for (const struct td_xml *c = list != NULL ? list->child : NULL; c != NULL; c = c->next) {
        if (strcmp(c->name, "GlobalProfile") == 0 && profile_by(root, td_xml_attr(c, "Id")) != NULL)
            continue;
        if (strcmp(c->name, "Config") != 0 || !config_ok(root, c, &autologons))
            return false;
    }
    return list != NULL && list->child != NULL && autologons <= 1;
}

static const struct td_xml *parse(struct td_slice text, struct td_arena *a)
{
    struct td_xml *root = NULL;
    if (td_xml_parse(text, MAX_CONFIG, a, &root, NULL) != TD_OK ||
        !td_xml_is(root, CONFIG_NS, "AssignedAccessConfiguration"))
        return NULL;
    return profiles_ok(root) && configs_ok(root) ? root : NULL;
}

/* --- what it means ------------------------------------------------------------------------------------------------ */

/* The one that signs in by itself goes before the others: it has the screen. */
static const struct td_xml *leading(const struct td_xml *root)
{
    const struct td_xml *first = NULL, *list = td_xml_child(root, NULL, "Configs");
    for (const struct td_xml *c = list->child; c != NULL; c = c->next) {
        if (strcmp(c->name, "Config") != 0)
            continue;
        if (td_xml_child(c, NULL, "AutoLogonAccount") != NULL)
            return c;
        first = first != NULL ? first : c;
    }
    return first;
}

static void fill_apps(const struct td_xml *profile, struct td_arena *a, struct td_csp_kiosk *k)
{
    const struct td_xml *single = single_of(profile), *list = td_xml_path(profile, "AllAppsList/AllowedApps");
    k->single = single != NULL;
    if (single != NULL) {
        k->launched = k->apps = one_of(single, "AppUserModelId", "ClassicAppPath");
        k->arguments = or_empty(td_xml_attr(single, "ClassicAppArguments"));
        return;
    }
    for (const struct td_xml *e = list != NULL ? list->child : NULL; e != NULL; e = e->next) {
        const char *name = one_of(e, "AppUserModelId", "DesktopAppPath");
        k->apps = td_arena_printf(a, "%s%s%s", k->apps, k->apps[0] != '\0' ? "\n" : "", name);
        if (is_true(td_xml_attr(e, "AutoLaunch"))) {
            k->launched = name;
            k->arguments = or_empty(td_xml_attr(e, "AutoLaunchArguments"));
        }
    }
}

static const char *account_of(const struct td_xml *config, struct td_arena *a)
{
    const struct td_xml *own = td_xml_child(config, NULL, "AutoLogonAccount");
    const struct td_xml *group = td_xml_child(config, NULL, "UserGroup");
    if (own != NULL)
        return is_set(td_xml_attr(own, "DisplayName")) ? td_xml_attr(own, "DisplayName") : OWN_ACCOUNT;
    if (group == NULL)
        group = td_xml_child(config, NULL, "SpecialGroup");
    if (group != NULL)
        return td_arena_printf(a, "members of %s", or_empty(td_xml_attr(group, "Name")));
    return td_arena_text(a, td_xml_text_at(config, "Account"));
}

/* {"Account":"contoso\\kiosk","AUMID":"..."}: the older node, for an account that there is. */
static bool by_app_node(struct td_csp *csp, struct td_arena *a, struct td_csp_kiosk *k)
{
    const char *text = td_csp_value(csp, ROOM "KioskModeApp");
    struct td_json *json = NULL;
    if (text == NULL || td_json_parse(td_str(text), 4096, a, &json, NULL) != TD_OK)
        return false;
    k->account = td_json_str(json, "Account");
    k->launched = k->apps = td_json_str(json, "AUMID");
    k->single = true;
    return k->account != NULL && k->apps != NULL;
}

bool td_csp_kiosk(struct td_csp *csp, struct td_arena *a, struct td_csp_kiosk *ret)
{
    const char *text = td_csp_value(csp, ROOM "Configuration");
    *ret = (struct td_csp_kiosk){.profile = "", .apps = "", .launched = "", .arguments = "", .account = ""};
    if (text == NULL)
        return by_app_node(csp, a, ret);
    const struct td_xml *root = parse(td_str(text), a), *config = root != NULL ? leading(root) : NULL;
    if (config == NULL)
        return false;
    const struct td_xml *profile = profile_of(root, config);
    ret->profile = td_xml_attr(profile, "Id");
    ret->account = account_of(config, a);
    ret->autologon = td_xml_child(config, NULL, "AutoLogonAccount") != NULL;
    fill_apps(profile, a, ret);
    return true;
}

void td_csp_kiosk_assert(struct td_csp *csp)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_csp_kiosk k;
    if (td_csp_kiosk(csp, &a, &k) && k.autologon && !td_fault("device-autologon-lost"))
        td_csp_put(csp, "@autologon", "chr", k.account);
}

void td_csp_kiosk_restart(struct td_csp *csp)
{
    if (td_csp_value(csp, "@page.shown") != NULL)
        td_csp_drop(csp, "@autologon");
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */

int td_csp_kiosk_config(struct td_csp_call *call)
{
    if (call->op == TD_CSP_GET)
        return 0;
    if (call->op == TD_CSP_DELETE) {
        td_csp_drop(call->csp, "@autologon");
        return 0;
    }
    const struct td_xml *root = parse(call->data, call->a), *config = root != NULL ? leading(root) : NULL;
    if (root == NULL)
        return td_csp_refuse(call, 500, TD_CSP_E_BADDATA);
    td_csp_drop(call->csp, "@autologon");
    if (config != NULL && td_xml_child(config, NULL, "AutoLogonAccount") != NULL)
        td_csp_put(call->csp, "@autologon", "chr", account_of(config, call->a));
    return 0;
}

int td_csp_kiosk_app(struct td_csp_call *call)
{
    struct td_json *json = NULL;
    if (call->op != TD_CSP_ADD && call->op != TD_CSP_REPLACE)
        return 0;
    if (td_json_parse(call->data, 4096, call->a, &json, NULL) != TD_OK || !is_set(td_json_str(json, "Account")) ||
        !is_set(td_json_str(json, "AUMID")))
        return td_csp_refuse(call, 500, TD_CSP_E_BADDATA);
    return 0;
}

static const char *monitoring(struct td_slice text, struct td_arena *a)
{
    static const char *const words[] = {"On", "OnWithAlerts", "Off"};
    struct td_xml *root = NULL;
    if (td_xml_parse(text, 4096, a, &root, NULL) != TD_OK || strcmp(root->name, "StatusConfiguration") != 0)
        return NULL;
    for (size_t i = 0; i < TD_COUNTOF(words); i++)
        if (td_eqs(td_xml_text_at(root, "StatusEnabled"), words[i]))
            return words[i];
    return NULL;
}

int td_csp_kiosk_monitor(struct td_csp_call *call)
{
    bool writes = call->op == TD_CSP_ADD || call->op == TD_CSP_REPLACE;
    return writes && monitoring(call->data, call->a) == NULL ? td_csp_refuse(call, 500, TD_CSP_E_BADDATA) : 0;
}

/* There only while StatusConfiguration asks for it. 1: the kiosk runs; 0: nobody is signed in to it. */
int td_csp_kiosk_status(struct td_csp_call *call)
{
    const char *asked = td_csp_value(call->csp, ROOM "StatusConfiguration");
    const char *word = asked != NULL ? monitoring(td_str(asked), call->a) : NULL;
    struct td_csp_kiosk k;
    if (word == NULL || strcmp(word, "Off") == 0 || !td_csp_kiosk(call->csp, call->a, &k) || k.profile[0] == '\0')
        return td_csp_refuse(call, 404, TD_CSP_E_NOTFOUND);
    bool runs = td_csp_value(call->csp, "@autologon") != NULL;
    return td_csp_tell(call, td_arena_printf(call->a,
                                             "<Events xmlns=\"" ALERT_NS "\"><Event Name=\"KioskModeAppRuntimeStatus\">"
                                             "<status>%d</status><profileId>%s</profileId></Event></Events>",
                                             runs, k.profile));
}
