/* Kiosk and shared PC as wants: the AssignedAccess configuration as one text, the SharedPC nodes with the switch last,
 * and what takes both away again. */
#include "base/env.h"
#include "base/fault.h"
#include "policy/desired_item.h"

#include <ctype.h>
#include <stdio.h>

#define KIOSK TD_KIOSK_URI
#define SHARED "./Vendor/MSFT/SharedPC/"
#define CONFIG_NS "http://schemas.microsoft.com/AssignedAccess/2017/config"
#define EDGE "%ProgramFiles(x86)%\\Microsoft\\Edge\\Application\\msedge.exe"
#define AUTOLOGON "{74331115-F68A-4DF9-8D2C-52BA2CE2ADB1}" /* the schema's one value of HiddenId */

static const struct {
    const char *prefix, *name;
} SPACES[] = {
    {"xmlns", CONFIG_NS},
    {"xmlns:rs5", "http://schemas.microsoft.com/AssignedAccess/201810/config"},
    {"xmlns:v4", "http://schemas.microsoft.com/AssignedAccess/2021/config"},
    {"xmlns:v5", "http://schemas.microsoft.com/AssignedAccess/2022/config"},
};

/* A profile needs a GUID that is the same in every session: the item's own id. */
static const char *profile_id(const struct td_item *item, struct td_arena *a)
{
    char id[TD_UUID_TEXT] = "00000000-0000-0000-0000-000000000001";
    (void)td_uuid_parse(td_str(item->id), id);
    for (char *c = id; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    return td_arena_printf(a, "{%s}", id);
}

static void attr_if(struct td_xmlw *w, const char *name, const char *value)
{
    if (value[0] != '\0')
        td_xmlw_attr(w, name, value);
}

static void empty(struct td_xmlw *w, const char *name, const char *attr, const char *value)
{
    td_xmlw_open(w, name);
    td_xmlw_attr(w, attr, value);
    td_xmlw_close(w);
}

static void single_app(struct td_xmlw *w, const struct td_item_kiosk *k, struct td_arena *a)
{
    bool web = k->url[0] != '\0';
    const char *arguments = k->app.arguments;
    if (web)
        arguments = td_arena_printf(a, "--kiosk %s --edge-kiosk-type=%s --kiosk-idle-timeout-minutes=%d", k->url,
                                    k->edge_type, k->edge_idle_minutes);
    td_xmlw_open(w, "KioskModeApp");
    attr_if(w, "AppUserModelId", k->app.aumid);
    attr_if(w, "v4:ClassicAppPath", web ? EDGE : k->app.path);
    attr_if(w, "v4:ClassicAppArguments", arguments);
    td_xmlw_close(w);
    if (k->breakout[0] != '\0')
        empty(w, "v4:BreakoutSequence", "Key", k->breakout);
}

/* The start menu shows what may run, as far as an id names it: a program by its path has no shortcut that we know. */
static void start_pins(struct td_xmlw *w, const struct td_item_kiosk *k, struct td_arena *a)
{
    struct td_buf b;
    struct td_jsonw j;
    td_buf_init(&b, TD_ITEM_MAX);
    td_jsonw_init(&j, &b);
    td_jsonw_obj(&j);
    td_jsonw_key(&j, "pinnedList");
    td_jsonw_arr(&j);
    for (size_t i = 0; i < k->app_count; i++) {
        if (k->apps[i].aumid[0] == '\0')
            continue;
        td_jsonw_obj(&j);
        td_jsonw_kstr(&j, "packagedAppId", k->apps[i].aumid);
        td_jsonw_end(&j);
    }
    td_jsonw_arr_end(&j);
    td_jsonw_end(&j);
    td_xmlw_leaf(w, "v5:StartPins", td_arena_text(a, td_buf_slice(&b)));
    td_buf_done(&b);
}

static void many_apps(struct td_xmlw *w, const struct td_item_kiosk *k, struct td_arena *a)
{
    td_xmlw_open(w, "AllAppsList");
    td_xmlw_open(w, "AllowedApps");
    for (size_t i = 0; i < k->app_count; i++) {
        const struct td_item_app *app = &k->apps[i];
        td_xmlw_open(w, "App");
        attr_if(w, "AppUserModelId", app->aumid);
        attr_if(w, "DesktopAppPath", app->path);
        if (app->launch)
            td_xmlw_attr(w, "rs5:AutoLaunch", "true");
        attr_if(w, "rs5:AutoLaunchArguments", app->arguments);
        td_xmlw_close(w);
    }
    td_xmlw_close(w);
    td_xmlw_close(w);
    start_pins(w, k, a);
    empty(w, "Taskbar", "ShowTaskbar", k->taskbar ? "true" : "false");
}

static void config(struct td_xmlw *w, const struct td_item_kiosk *k, const char *profile)
{
    td_xmlw_open(w, "Config");
    if (k->account[0] != '\0') {
        td_xmlw_leaf(w, "Account", k->account);
    } else {
        td_xmlw_open(w, "AutoLogonAccount");
        td_xmlw_attr(w, "HiddenId", AUTOLOGON);
        attr_if(w, "rs5:DisplayName", k->autologon_name);
        td_xmlw_close(w);
    }
    empty(w, "DefaultProfile", "Id", profile);
    td_xmlw_close(w);
}

static char *kiosk_xml(const struct td_item *item, struct td_arena *a)
{
    const struct td_item_kiosk *k = &item->as.kiosk;
    const char *id = profile_id(item, a);
    struct td_buf b;
    struct td_xmlw w;
    td_buf_init(&b, TD_ITEM_MAX);
    td_xmlw_init(&w, &b);
    td_xmlw_open(&w, "AssignedAccessConfiguration");
    for (size_t i = 0; i < TD_COUNTOF(SPACES); i++)
        td_xmlw_attr(&w, SPACES[i].prefix, SPACES[i].name);
    td_xmlw_open(&w, "Profiles");
    td_xmlw_open(&w, "Profile");
    td_xmlw_attr(&w, "Id", id);
    if (k->app_count != 0)
        many_apps(&w, k, a);
    else
        single_app(&w, k, a);
    td_xmlw_close(&w);
    td_xmlw_close(&w);
    td_xmlw_open(&w, "Configs");
    config(&w, k, id);
    td_xmlw_close(&w);
    td_xmlw_close(&w);
    char *xml = td_arena_text(a, td_buf_slice(&b));
    td_buf_done(&b);
    return xml;
}

/* autopilot.md Z35: restarts during the deployment can cost the autologon, so a device that is ready is told once more.
 * Whoever gets the kiosk later is not (again_of, td_plan_align). */
static void kiosk_again(struct td_desired_ctx *c, const struct td_want *first)
{
    struct td_want *w = td_want_add(c, TD_STAGE_SETTING, TD_SYNC_REPLACE, KIOSK);
    w->key = "R " KIOSK " again";
    w->again_of = first->key;
    w->format = first->format;
    w->type = first->type;
    w->data = first->data;
    w->item = "";
}

/* Two items may write the same nodes, one behind the other: whose revision it is belongs to the version. */
static void take_version(struct td_desired_ctx *c, const struct td_item *item)
{
    c->revision = td_want_text_version(td_arena_printf(c->arena, "%s %lld", item->id, (long long)item->revision));
}

void td_kiosk_wants(struct td_desired_ctx *c, const struct td_item *item)
{
    take_version(c, item);
    struct td_want *w = td_want_add(c, TD_STAGE_SETTING, TD_SYNC_ADD, KIOSK);
    w->format = "chr";
    w->type = "text/plain";
    w->data = kiosk_xml(item, c->arena);
    if (c->in->settled && !td_fault("kiosk-told-once"))
        kiosk_again(c, w);
    td_want_ask(c, TD_STAGE_PROOF, KIOSK, w->data);
}

/* --- shared PC ---------------------------------------------------------------------------------------------------- */

static void put(struct td_desired_ctx *c, const char *leaf, const char *format, const char *value)
{
    td_want_put(c, TD_STAGE_SETTING, td_arena_printf(c->arena, SHARED "%s", leaf), format, value);
}

static void put_number(struct td_desired_ctx *c, const char *leaf, int value)
{
    if (value != TD_ITEM_UNSET)
        put(c, leaf, "int", td_arena_printf(c->arena, "%d", value));
}

static void put_switch(struct td_desired_ctx *c, const char *leaf, int value)
{
    if (value != TD_ITEM_UNSET)
        put(c, leaf, "bool", value != 0 ? "true" : "false");
}

/* Windows reads the other nodes when the switch is written: it goes last. */
void td_shared_pc_wants(struct td_desired_ctx *c, const struct td_item *item)
{
    const struct td_item_shared_pc *s = &item->as.shared_pc;
    const char *on = s->one_drive_sync ? "EnableSharedPCModeWithOneDriveSync" : "EnableSharedPCMode";
    take_version(c, item);
    put_number(c, "AccountModel", s->account_model);
    put_number(c, "DeletionPolicy", s->deletion_policy);
    put_number(c, "DiskLevelDeletion", s->disk_level_deletion);
    put_number(c, "DiskLevelCaching", s->disk_level_caching);
    put_number(c, "InactiveThreshold", s->inactive_days);
    put_number(c, "MaintenanceStartTime", s->maintenance_start);
    put_number(c, "SleepTimeout", s->sleep_seconds);
    put_number(c, "MaxPageFileSizeMB", s->max_page_file);
    put_switch(c, "SignInOnResume", s->sign_in_on_resume);
    put_switch(c, "SetPowerPolicies", s->power_policies);
    put_switch(c, "SetEduPolicies", s->edu_policies);
    put_switch(c, "RestrictLocalStorage", s->restrict_local_storage);
    if (s->kiosk_aumid[0] != '\0')
        put(c, "KioskModeAUMID", "chr", s->kiosk_aumid);
    if (s->kiosk_tile[0] != '\0')
        put(c, "KioskModeUserTileDisplayText", "chr", s->kiosk_tile);
    put_switch(c, "EnableAccountManager", s->account_manager);
    put_switch(c, on, true);
    td_want_ask(c, TD_STAGE_PROOF, td_arena_printf(c->arena, SHARED "%s", on), "true");
    td_want_ask(c, TD_STAGE_PROOF, SHARED "AccountModel", td_arena_printf(c->arena, "%d", s->account_model));
}

/* --- taken away --------------------------------------------------------------------------------------------------- */

bool td_desired_goes_away(const char *uri)
{
    return strcmp(uri, KIOSK) == 0 || (td_starts(td_str(uri), SHARED) && strchr(uri, ' ') == NULL);
}

static bool is_written(const struct td_want *wants, const char *uri)
{
    for (const struct td_want *w = wants; w != NULL; w = w->next)
        if (w->verb != TD_SYNC_GET && strcmp(w->uri, uri) == 0)
            return true;
    return false;
}

void td_removal_wants(struct td_desired_ctx *c, const struct td_want *wants)
{
    for (size_t i = 0; i < c->in->given_count; i++)
        if (!is_written(wants, c->in->given[i]) && !td_fault("kiosk-never-goes"))
            td_want_add(c, TD_STAGE_SETTING, TD_SYNC_DELETE, c->in->given[i]);
}
