/* The item of kind kiosk: read, checked, written. What the members may be follows the published schema of the
 * AssignedAccess configuration (profiles with KioskModeApp or AllAppsList) and Edge's kiosk arguments. */
#include "policy/item_read.h"

#include <ctype.h>

enum { MAX_AUMID = 260, MAX_PATH = 260, MAX_ARGUMENTS = 1024, MAX_URL = 2000, MAX_ACCOUNT = 256, MAX_DISPLAY = 64 };

static bool printable(const char *text, const char *without)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F || strchr(without, *c) != NULL)
            return false;
    return true;
}

/* PackageFamily!App; a desktop app in a list of many may have an id without '!'. */
static bool is_aumid(const char *text, bool packaged)
{
    const char *bang = strchr(text, '!');
    if (!printable(text, " \"<>|*?/\\:"))
        return false;
    if (bang == NULL)
        return !packaged;
    return bang != text && bang[1] != '\0' && strchr(bang + 1, '!') == NULL;
}

static bool ends_in_exe(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && td_ieqs(td_str(path + n - 4), ".exe");
}

/* "C:\...\x.exe" or "%Variable%\...\x.exe". */
static bool is_program(const char *path)
{
    const char *rest = strchr(path, '\\');
    size_t head = rest != NULL ? (size_t)(rest - path) : 0;
    bool drive = head == 2 && isalpha((unsigned char)path[0]) && path[1] == ':';
    bool variable = head > 2 && path[0] == '%' && path[head - 1] == '%';
    return (drive || variable) && printable(rest, "\"<>|*?/:") && ends_in_exe(path) && strstr(path, "\\..\\") == NULL;
}

static bool is_address(const char *url)
{
    bool web = td_istarts(td_str(url), "https://") || td_istarts(td_str(url), "http://");
    return web && printable(url, " \"<>") && strlen(url) > strlen("https://");
}

/* "kiosk", ".\kiosk", "DOMAIN\kiosk", "AzureAD\ada@contoso.test" */
static bool is_account(const char *text)
{
    const char *slash = strchr(text, '\\');
    if (!printable(text, "\"/[]:;|=,+*?<>"))
        return false;
    return slash == NULL || (slash != text && slash[1] != '\0' && strchr(slash + 1, '\\') == NULL);
}

/* "Ctrl+Alt+Q": modifiers, then one key. */
static bool is_breakout(const char *text)
{
    static const char *const modifiers[] = {"Ctrl", "Alt", "Shift", "Windows"};
    struct td_slice rest = td_str(text), key = {NULL, 0};
    size_t count = 0;
    while (rest.n != 0) {
        bool modifier = false;
        rest = td_cut(rest, '+', &key);
        for (size_t i = 0; i < TD_COUNTOF(modifiers); i++)
            modifier = modifier || td_ieqs(key, modifiers[i]);
        if (modifier != (rest.n != 0) || key.n == 0)
            return false;
        count++;
    }
    return count >= 2 && isalnum((unsigned char)key.p[0]) && !td_ends(td_str(text), "+");
}

/* A text that a rule must hold for; "" where it is missing. */
static enum td_code checked(struct td_item_reader *r, const char *name, size_t max, bool (*fits)(const char *),
                            const char *rule, const char **ret)
{
    td_try(td_item_text(r, name, max, false, ret));
    if ((*ret)[0] == '\0' ? td_json_get(r->json, name) != NULL : !fits(*ret))
        return td_fail(r->err, TD_EINVAL, name, "must be %s", rule);
    return TD_OK;
}

static bool is_packaged(const char *text)
{
    return is_aumid(text, true);
}

static bool is_any_aumid(const char *text)
{
    return is_aumid(text, false);
}

static bool is_display(const char *text)
{
    return printable(text, "");
}

static enum td_code read_app(struct td_item_reader *r, bool single, struct td_item_app *ret)
{
    td_try(checked(r, "aumid", MAX_AUMID, single ? is_packaged : is_any_aumid,
                   "the app user model id of an installed app, PackageFamily!App", &ret->aumid));
    td_try(checked(r, "path", MAX_PATH, is_program, "the whole path of an .exe, from a drive or a %variable% on",
                   &ret->path));
    td_try(checked(r, "arguments", MAX_ARGUMENTS, is_display, "text without control characters", &ret->arguments));
    if (ret->aumid[0] != '\0' && ret->path[0] != '\0')
        return td_fail(r->err, TD_EINVAL, "path", "an app has either aumid or path");
    return TD_OK;
}

static const char *app_name(const struct td_item_app *app)
{
    return app->aumid[0] != '\0' ? app->aumid : app->path;
}

static enum td_code check_apps(struct td_item_reader *r, const struct td_item_kiosk *k)
{
    size_t launched = 0;
    for (size_t i = 0; i < k->app_count; i++) {
        launched += k->apps[i].launch;
        if (k->apps[i].arguments[0] != '\0' && !k->apps[i].launch)
            return td_fail(r->err, TD_EINVAL, "arguments", "go to the app with launch only");
        for (size_t j = 0; j < i; j++)
            if (td_ieqs(td_str(app_name(&k->apps[i])), app_name(&k->apps[j])))
                return td_fail(r->err, TD_EINVAL, "apps", "%.100s stands twice", app_name(&k->apps[i]));
    }
    return launched <= 1 ? TD_OK : td_fail(r->err, TD_EINVAL, "launch", "only one app is started at the sign-in");
}

static enum td_code read_apps(struct td_item_reader *r, struct td_item_kiosk *k)
{
    static const char members[] = " aumid path arguments launch ";
    const struct td_json *list = td_json_get(r->json, "apps");
    if (list == NULL)
        return TD_OK;
    if (list->type != TD_JSON_ARRAY || list->child == NULL || td_json_count(list) > TD_ITEM_MAX_APPS)
        return td_fail(r->err, TD_EINVAL, "apps", "must be a list of 1 to %d apps", TD_ITEM_MAX_APPS);
    k->apps = td_arena_array(r->arena, struct td_item_app, td_json_count(list));
    for (const struct td_json *one = list->child; one != NULL; one = one->next) {
        struct td_item_reader app = {.json = one, .arena = r->arena, .item = r->item, .err = r->err};
        struct td_item_app *to = &k->apps[k->app_count++];
        if (one->type != TD_JSON_OBJECT)
            return td_fail(r->err, TD_EINVAL, "apps", "must be a list of objects");
        for (const struct td_json *m = one->child; m != NULL; m = m->next)
            if (strstr(members, td_arena_printf(r->arena, " %.64s ", m->name)) == NULL)
                return td_fail(r->err, TD_EINVAL, m->name, "is no member of an app");
        td_try(read_app(&app, false, to));
        td_try(td_item_bool(&app, "launch", false, &to->launch));
        if (app_name(to)[0] == '\0')
            return td_fail(r->err, TD_EINVAL, "apps", "an app needs aumid or path");
    }
    return check_apps(r, k);
}

/* One member that the kind of kiosk has no use for is a mistake to be told. */
static enum td_code only_with(struct td_item_reader *r, const char *name, bool allowed, const char *with)
{
    if (allowed || td_json_get(r->json, name) == NULL)
        return TD_OK;
    return td_fail(r->err, TD_EINVAL, name, "goes with %s only", with);
}

static enum td_code check_kind(struct td_item_reader *r, const struct td_item_kiosk *k)
{
    bool web = k->url[0] != '\0', many = k->app_count != 0;
    int kinds = (k->app.aumid[0] != '\0') + (k->app.path[0] != '\0') + web + many;
    if (kinds != 1)
        return td_fail(r->err, TD_EINVAL, "kiosk",
                       "needs exactly one of aumid, path, url and apps: what is to run on the screen");
    td_try(only_with(r, "arguments", k->app.path[0] != '\0', "path"));
    td_try(only_with(r, "edgeType", web, "url"));
    td_try(only_with(r, "edgeIdleMinutes", web, "url"));
    td_try(only_with(r, "taskbar", many, "apps"));
    td_try(only_with(r, "breakout", !many, "a single app"));
    return only_with(r, "autologonName", k->account[0] == '\0', "the device's own account, where account is left out");
}

static enum td_code read_edge(struct td_item_reader *r, struct td_item_kiosk *k)
{
    td_try(checked(r, "url", MAX_URL, is_address, "an address that begins with https:// or http://", &k->url));
    td_try(td_item_text(r, "edgeType", 16, false, &k->edge_type));
    bool open = strcmp(k->edge_type, "public-browsing") == 0;
    if (k->edge_type[0] == '\0')
        k->edge_type = "fullscreen";
    if (!open && strcmp(k->edge_type, "fullscreen") != 0)
        return td_fail(r->err, TD_EINVAL, "edgeType", "must be fullscreen or public-browsing");
    return td_item_int(r, "edgeIdleMinutes", open ? 5 : 0, 0, 1440, &k->edge_idle_minutes);
}

enum td_code td_item_read_kiosk(struct td_item_reader *r)
{
    struct td_item_kiosk *k = &r->item->as.kiosk;
    if (r->item->user)
        return td_fail(r->err, TD_EINVAL, "scope", "a kiosk is the device's");
    td_try(read_app(r, true, &k->app));
    td_try(read_edge(r, k));
    td_try(read_apps(r, k));
    td_try(td_item_bool(r, "taskbar", true, &k->taskbar));
    td_try(
        checked(r, "account", MAX_ACCOUNT, is_account, "an account: NAME, DOMAIN\\NAME or AzureAD\\NAME", &k->account));
    td_try(checked(r, "autologonName", MAX_DISPLAY, is_display, "text without control characters", &k->autologon_name));
    td_try(checked(r, "breakout", MAX_DISPLAY, is_breakout, "modifiers and one key, such as Ctrl+Alt+Q", &k->breakout));
    return check_kind(r, k);
}

static void key_if(struct td_jsonw *w, const char *name, const char *value)
{
    if (value[0] != '\0')
        td_jsonw_kstr(w, name, value);
}

static void write_app(struct td_jsonw *w, const struct td_item_app *app)
{
    key_if(w, "aumid", app->aumid);
    key_if(w, "path", app->path);
    key_if(w, "arguments", app->arguments);
}

static void write_apps(struct td_jsonw *w, const struct td_item_kiosk *k)
{
    td_jsonw_key(w, "apps");
    td_jsonw_arr(w);
    for (size_t i = 0; i < k->app_count; i++) {
        td_jsonw_obj(w);
        write_app(w, &k->apps[i]);
        td_jsonw_kbool(w, "launch", k->apps[i].launch);
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
    td_jsonw_kbool(w, "taskbar", k->taskbar);
}

void td_item_write_kiosk(struct td_jsonw *w, const struct td_item_kiosk *k)
{
    write_app(w, &k->app);
    if (k->url[0] != '\0') {
        td_jsonw_kstr(w, "url", k->url);
        td_jsonw_kstr(w, "edgeType", k->edge_type);
        td_jsonw_kint(w, "edgeIdleMinutes", k->edge_idle_minutes);
    }
    if (k->app_count != 0)
        write_apps(w, k);
    key_if(w, "account", k->account);
    key_if(w, "autologonName", k->autologon_name);
    key_if(w, "breakout", k->breakout);
}
