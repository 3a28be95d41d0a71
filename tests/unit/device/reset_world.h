/* A device with something of every part on it: what each thing is stands here a second time, beside disk_parts.c.
 * Written without the code under test, and without flushing, so that it can be made some hundred times. */
#ifndef TD_TESTS_UNIT_DEVICE_RESET_WORLD_H
#define TD_TESTS_UNIT_DEVICE_RESET_WORLD_H

#include "codec/json.h"
#include "device/disk.h"
#include "device/reset.h"
#include "unit/test.h"

#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROVIDER_NODE "Vendor/MSFT/DMClient/Provider/Touchdown"
#define KEY_TEXT "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"

struct thing {
    enum td_disk_where where;
    const char *name, *value;
    const char *parts; /* words of way/remains.h joined by '|'; "" for what never goes */
};

static const struct thing things[] = {
    {TD_DISK_STATE, "server", "https://td.test:8443", ""},
    {TD_DISK_STATE, "profile.name", "Standard", "cached deployment profile"},
    {TD_DISK_STATE, "profile.tenant_id", "t-1", "cached deployment profile"},
    {TD_DISK_STATE, "profile.upn", "ada@contoso.test", "cached deployment profile|user profiles"},
    {TD_DISK_STATE, "lookup.ticket", "ticket", "cached deployment profile|directory join"},
    {TD_DISK_STATE, "end.lookup", "5", "cached deployment profile"},
    {TD_DISK_STATE, "sts.token", "https://td.test/token", "directory join"},
    {TD_DISK_STATE, "join.device_id", "44444444-0000-4000-8000-000000000001", "directory join"},
    {TD_DISK_STATE, "join.user", "ada@contoso.test", "directory join|user profiles"},
    {TD_DISK_STATE, "end.join", "7", "directory join"},
    {TD_DISK_STATE, "end.sign-in", "6", "directory join"},
    {TD_DISK_STATE, "enrol.addr", "https://td.test/ManagementServer/MDM.svc", "enrolment"},
    {TD_DISK_STATE, "enrol.user", "ada@contoso.test", "enrolment|user profiles"},
    {TD_DISK_STATE, "end.enrolment", "8", "enrolment"},
    {TD_DISK_STATE, "signin.user", "ada@contoso.test", "user accounts|user profiles"},
    {TD_DISK_STATE, "signin.name", "Ada", "user accounts|user profiles"},
    {TD_DISK_STATE, "signin.mdm_url", "https://td.test/Discovery.svc", "directory join"},
    {TD_DISK_STATE, "user.signed_in", "ada@contoso.test", "user accounts|user profiles"},
    {TD_DISK_STATE, "seat.bob@contoso.test", "12", "user accounts|user profiles"},
    {TD_DISK_STATE, "prt.token", "prt", "directory join|user profiles"},
    {TD_DISK_STATE, "prt.user", "ada@contoso.test", "directory join|user profiles"},
    {TD_DISK_STATE, "device.name", "TD-4711", "computer name"},
    {TD_DISK_STATE, "end.name", "6", "computer name"},
    {TD_DISK_STATE, "answer.language", "en-US", "region, language, keyboard"},
    {TD_DISK_STATE, "answer.keyboard", "us", "region, language, keyboard"},
    {TD_DISK_STATE, "chosen.language", "en-US", "region, language, keyboard"},
    {TD_DISK_STATE, "answer.wifi", "Office", "choices of the first pages"},
    {TD_DISK_STATE, "end.pages", "6", "choices of the first pages"},
    {TD_DISK_STATE, "begin.first pages", "1", "choices of the first pages"},
    {TD_DISK_STATE, "ui.inputs", "user, password", "choices of the first pages|user profiles"},
    {TD_DISK_STATE, "begin.device setup", "9", "policies"},
    {TD_DISK_STATE, "end.device setup", "9", "policies"},
    {TD_DISK_STATE, "end.user sign-in", "10", "policies"},
    {TD_DISK_STATE, "end.account setup", "11", "policies"},
    {TD_DISK_STATE, "ready.at", "2030-01-02T03:04:05Z", "policies"},
    {TD_DISK_STATE, "tpm.owner", "1", "TPM and firmware"},
    {TD_DISK_STATE, "something.new", "of ada", "settings of the machine"},

    {TD_DISK_NODE, "@provider", "Touchdown", "enrolment"},
    {TD_DISK_NODE, "@account/ADDR", "https://td.test", "enrolment"},
    {TD_DISK_NODE, "@auth/APPSRV/AAUTHSECRET", "s", "enrolment"},
    {TD_DISK_NODE, "@session", "17", "enrolment"},
    {TD_DISK_NODE, "@poll", "12", "policies"},
    {TD_DISK_NODE, "@page/device", "done", "policies"},
    {TD_DISK_NODE, "@page.shown", "device", "policies"},
    {TD_DISK_NODE, "@autologon", "Hall", "user accounts"},
    {TD_DISK_NODE, "@shared", "on", "policies"},
    {TD_DISK_NODE, "@shared/AccountModel", "1", "policies"},
    {TD_DISK_NODE, "@user-sessions", "3", "policies|user profiles"},
    {TD_DISK_NODE, "@job/Device/x", "<job/>", "managed apps"},
    {TD_DISK_NODE, "@alert/00000001", "x", "managed apps"},
    {TD_DISK_NODE, "@name", "TD-4711", "computer name"},
    {TD_DISK_NODE, "@edition", "4", "edition"},
    {TD_DISK_NODE, "@laps.secret", "s", "managed local administrator"},
    {TD_DISK_NODE, "@bitlocker", "on", "disk encryption"},
    {TD_DISK_NODE, "@restarts", "2", "choices of the first pages"},
    {TD_DISK_NODE, "@something", "of ada", "settings of the machine"},
    {TD_DISK_NODE, "Device/" PROVIDER_NODE, "", "enrolment"},
    {TD_DISK_NODE, "Device/" PROVIDER_NODE "/EntDMID", "1", "enrolment"},
    {TD_DISK_NODE, "Device/" PROVIDER_NODE "/UPN", "ada@contoso.test", "enrolment|user profiles"},
    {TD_DISK_NODE, "Device/" PROVIDER_NODE "/FirstSyncStatus/SkipDeviceStatusPage", "false", "enrolment"},
    {TD_DISK_NODE, "Device/" PROVIDER_NODE "/FirstSyncStatus/ServerHasFinishedProvisioning", "true", "policies"},
    {TD_DISK_NODE, "Device/" PROVIDER_NODE "/FirstSyncStatus/SkipUserStatusPage", "true", "policies"},
    {TD_DISK_NODE, "User/" PROVIDER_NODE, "", "enrolment"},
    {TD_DISK_NODE, "User/" PROVIDER_NODE "/FirstSyncStatus/IsSyncDone", "true", "policies"},
    {TD_DISK_NODE, "Device/Vendor/MSFT/CertificateStore/Root/System/AB/EncodedCertificate", "MII", "enrolment"},
    {TD_DISK_NODE, "Device/Vendor/MSFT/RootCATrustedCertificates/Root/CD/EncodedCertificate", "MII",
     "trusted certificates"},
    {TD_DISK_NODE, "Device/Vendor/MSFT/ClientCertificateInstall/SCEP/x/Install/ServerURL", "https://scep.test",
     "client certificates"},
    {TD_DISK_NODE, "Device/Vendor/MSFT/WiFi/Profile/CorpNet/WlanXml", "<WLANProfile/>", "Wi-Fi profiles"},
    {TD_DISK_NODE, "Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/x/Status", "70", "managed apps"},
    {TD_DISK_NODE, "Device/Vendor/MSFT/Policy/Config/Update/ActiveHoursStart", "8", "policies"},
    {TD_DISK_NODE, "User/Vendor/MSFT/Policy/Config/Experience/AllowCortana", "0", "policies|user profiles"},
    {TD_DISK_NODE, "Device/Vendor/MSFT/Accounts/Users/helper/Password", "Helper-1-Password",
     "managed local administrator"},
    {TD_DISK_NODE, "Device/Vendor/MSFT/Accounts/Users/helper/LocalUserGroup", "2", "managed local administrator"},
    {TD_DISK_NODE, "Device/Vendor/MSFT/LAPS/Policies/BackupDirectory", "1", "policies"},
    {TD_DISK_NODE, "Device/Vendor/MSFT/WindowsLicensing/Status", "3", "edition"},
    {TD_DISK_NODE, "Device/Vendor/MSFT/TenantLockdown/RequireNetworkInOOBE", "true", "TPM and firmware"},

    {TD_DISK_FILE, "hardware.json",
     "{\"machine\":false,\"serial\":\"4711\",\"manufacturer\":\"Example Corp\",\"model\":\"X\"}", ""},
    {TD_DISK_FILE, "ca.pem", "-----BEGIN CERTIFICATE-----\n", ""},
    {TD_DISK_FILE, "device.key.pem", KEY_TEXT, "directory join"},
    {TD_DISK_FILE, "device.crt.pem", "device certificate", "directory join"},
    {TD_DISK_FILE, "transport.key.pem", KEY_TEXT, "directory join"},
    {TD_DISK_FILE, "mdm.key.pem", KEY_TEXT, "enrolment"},
    {TD_DISK_FILE, "mdm.crt.pem", "mdm certificate", "enrolment"},
    {TD_DISK_FILE, "mdm.root.pem", "mdm root", "enrolment"},
    {TD_DISK_FILE, "downloads/agent.msi", "package", "managed apps"},
    {TD_DISK_FILE, "session.log", "what ada did", "settings of the machine"},
    {TD_DISK_FILE, "disk/box.json", "{}", ""},
    {TD_DISK_FILE, "disk/recovery/winre.wim", "winre", ""},
    {TD_DISK_FILE, "disk/apps/oem/Bloat.app", "maker", "maker's apps"},
    {TD_DISK_FILE, "disk/apps/user/game.app", "of ada", "user-installed apps"},
    {TD_DISK_FILE, "disk/data/notes.txt", "of ada", "data outside profiles"},
    {TD_DISK_FILE, "disk/settings/power.json", "of ada", "settings of the machine"},
    {TD_DISK_FILE, "disk/packages/office.ppkg", "package", "provisioning packages"},
    {TD_DISK_FILE, "disk/Windows/Provisioning/Autopilot/AutopilotConfigurationFile.json", "{}",
     "AutopilotConfigurationFile.json"},
    {TD_DISK_FILE, "disk/bitlocker.json", "{\"encrypted\":true}", "disk encryption"},
    {TD_DISK_FILE, "disk/users/ada@contoso.test/account.json", "{\"account\":\"ada@contoso.test\"}", "user accounts"},
    {TD_DISK_FILE, "disk/users/ada@contoso.test/profile/settings.json", "of ada", "user profiles"},
    {TD_DISK_FILE, "disk/users/ada@contoso.test/files/Documents/report.txt", "of ada", "user files"},
};

struct reset_world {
    char dir[64];
    struct td_env_fixed env;
    struct td_device dev;
    struct td_arena a;
};

static inline void world_line(void *ctx TD_UNUSED, const char *line TD_UNUSED)
{
}

static inline const char *world_path(struct reset_world *w, const char *name)
{
    return td_arena_printf(&w->a, "%s/%s", w->dir, name);
}

static inline void world_write(struct reset_world *w, const char *name, struct td_slice text)
{
    char *path = td_arena_printf(&w->a, "%s/%s", w->dir, name);
    for (char *c = path + strlen(w->dir) + 1; *c != '\0'; c++)
        if (*c == '/') {
            *c = '\0';
            (void)mkdir(path, 0700);
            *c = '/';
        }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    assert_int_equal(fclose(f), 0);
}

static inline void world_load(struct reset_world *w)
{
    td_state_close(w->dev.state);
    w->dev.state = NULL;
    assert_ok(td_state_open(w->dir, &w->dev.state, NULL));
}

static inline void world_write_state(struct reset_world *w)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    struct td_jsonw out;
    td_buf_init(&text, 1 << 20);
    td_jsonw_init(&out, &text);
    td_jsonw_obj(&out);
    for (size_t i = 0; i < TD_COUNTOF(things); i++)
        if (things[i].where == TD_DISK_STATE)
            td_jsonw_kstr(&out, things[i].name, things[i].value);
    td_jsonw_end(&out);
    world_write(w, "state.json", td_buf_slice(&text));
}

static inline void world_write_nodes(struct reset_world *w)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    struct td_jsonw out;
    td_buf_init(&text, 1 << 20);
    td_jsonw_init(&out, &text);
    td_jsonw_obj(&out);
    td_jsonw_key(&out, "nodes");
    td_jsonw_arr(&out);
    for (size_t i = 0; i < TD_COUNTOF(things); i++) {
        if (things[i].where != TD_DISK_NODE)
            continue;
        td_jsonw_obj(&out);
        td_jsonw_kstr(&out, "k", things[i].name);
        td_jsonw_kstr(&out, "f", "chr");
        td_jsonw_kstr(&out, "v", things[i].value);
        td_jsonw_end(&out);
    }
    td_jsonw_arr_end(&out);
    td_jsonw_end(&out);
    world_write(w, "csp.json", td_buf_slice(&text));
}

static inline int world_remove(const char *path, const struct stat *st TD_UNUSED, int type TD_UNUSED,
                               struct FTW *at TD_UNUSED)
{
    return remove(path);
}

static inline void world_sweep(const char *dir)
{
    (void)nftw(dir, world_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* A test that fails leaves its worlds behind: the group's teardown takes them away. */
static char worlds[16][80];

static inline int worlds_done(void **state TD_UNUSED)
{
    for (size_t i = 0; i < TD_COUNTOF(worlds); i++)
        if (worlds[i][0] != '\0')
            world_sweep(worlds[i]);
    return 0;
}

/* Puts one name in the place of another; "" is a free place. */
static inline void world_note(const char *was, const char *is)
{
    for (size_t i = 0; i < TD_COUNTOF(worlds); i++)
        if (strcmp(worlds[i], was) == 0) {
            (void)snprintf(worlds[i], sizeof(worlds[i]), "%s", is);
            return;
        }
}

static inline void world_open(struct reset_world *w)
{
    memset(w, 0, sizeof(*w));
    /* in memory where there is such a place: the hundreds of flushes of a test cost nothing there */
    (void)snprintf(w->dir, sizeof(w->dir), "%s/td-reset-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(w->dir));
    world_note("", w->dir);
    td_env_fixed_init(&w->env, INT64_C(1893553445) * TD_SECOND, 7);
    w->dev = (struct td_device){.env = &w->env.env, .dir = w->dir, .pace = 1, .say = world_line};
    world_write_state(w);
    world_write_nodes(w);
    for (size_t i = 0; i < TD_COUNTOF(things); i++)
        if (things[i].where == TD_DISK_FILE)
            world_write(w, things[i].name, td_str(things[i].value));
    world_load(w);
}

static inline void world_close(struct reset_world *w)
{
    td_state_close(w->dev.state);
    td_arena_done(&w->a);
    world_sweep(w->dir);
    world_note(w->dir, "");
}

static inline struct td_disk_list world_state(struct reset_world *w)
{
    struct td_disk_list list = {0};
    world_load(w);
    assert_ok(td_disk_state(&w->dev, &w->a, &list, NULL));
    return list;
}

static inline const struct td_disk_item *world_find(const struct td_disk_list *list, enum td_disk_where where,
                                                    const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->v[i].where == where && strcmp(list->v[i].name, name) == 0)
            return &list->v[i];
    return NULL;
}

static inline bool thing_has(const struct thing *t, const char *word)
{
    struct td_slice rest = td_str(t->parts), one;
    while (rest.n != 0) {
        rest = td_cut(rest, '|', &one);
        if (td_eqs(one, word))
            return true;
    }
    return false;
}

/* Does it survive the action? By its words here and the matrix alone. */
static inline bool thing_stays(const struct thing *t, enum td_action_kind kind)
{
    for (int p = 0; p < TD_PART_COUNT; p++)
        if (thing_has(t, td_part_word((enum td_part)p)) && td_remains(kind, (enum td_part)p) != TD_KEPT)
            return false;
    return true;
}

static inline void assert_same(const struct td_disk_list *a, const struct td_disk_list *b, const char *when)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct td_disk_item *other = world_find(b, a->v[i].where, a->v[i].name);
        if (other == NULL || strcmp(other->value, a->v[i].value) != 0)
            fail_msg("%s: %s is not as it was", when, a->v[i].name);
    }
    if (a->count != b->count)
        fail_msg("%s: %zu things are %zu now", when, a->count, b->count);
}

/* The whole state after an action against the state before and the matrix: what is kept is the same, what goes is
 * gone, and nothing has come but the reason of an end. */
static inline void assert_matrix(const struct td_disk_list *before, const struct td_disk_list *after,
                                 enum td_action_kind kind, const char *when)
{
    size_t kept = 0;
    for (size_t i = 0; i < TD_COUNTOF(things); i++) {
        const struct td_disk_item *was = world_find(before, things[i].where, things[i].name);
        const struct td_disk_item *is = world_find(after, things[i].where, things[i].name);
        bool stays = thing_stays(&things[i], kind);
        assert_non_null(was);
        if (stays && (is == NULL || strcmp(is->value, was->value) != 0))
            fail_msg("%s, %s: %s (%s) is lost", td_action_rows[kind].word, when, things[i].name, things[i].parts);
        if (!stays && is != NULL)
            fail_msg("%s, %s: %s (%s) is still there", td_action_rows[kind].word, when, things[i].name,
                     things[i].parts);
        kept += stays;
    }
    if (td_action_rows[kind].leaves == TD_LEAVES_UNMANAGED) { /* why there is no management any more */
        assert_non_null(world_find(after, TD_DISK_STATE, "enrol.ended"));
        kept++;
    }
    if (after->count != kept)
        fail_msg("%s, %s: %zu things, not %zu", td_action_rows[kind].word, when, after->count, kept);
}

/* Files (and their names) below the folder in which a text stands, in any case. */
static inline int world_grep_dir(struct reset_world *w, const char *dir, const char *needle)
{
    int hits = 0;
    DIR *d = opendir(dir);
    const struct dirent *e;
    while (d != NULL && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        const char *path = td_arena_printf(&w->a, "%s/%s", dir, e->d_name);
        struct td_buf text;
        hits += strstr(e->d_name, needle) != NULL;
        td_buf_init(&text, 1 << 22);
        if (e->d_type == DT_DIR)
            hits += world_grep_dir(w, path, needle);
        else if (td_file_read(path, &text, NULL) == TD_OK && text.n != 0) {
            td_lower(text.p);
            hits += td_search(td_buf_slice(&text), td_str(needle)) != SIZE_MAX;
        }
        td_buf_done(&text);
    }
    if (d != NULL)
        (void)closedir(d);
    return hits;
}

static inline int world_grep(struct reset_world *w, const char *needle)
{
    return world_grep_dir(w, w->dir, needle);
}

/* Every kind that the engine carries out. */
static const enum td_action_kind reset_kinds[] = {
    TD_ACTION_RESET,       TD_ACTION_LOCAL_RESET,
    TD_ACTION_WIPE,        TD_ACTION_WIPE_KEEP_USER,
    TD_ACTION_WIPE_CLOUD,  TD_ACTION_WIPE_KEEP_PROVISIONING,
    TD_ACTION_FRESH_START, TD_ACTION_FRESH_START_KEEP_USER,
    TD_ACTION_RETIRE,      TD_ACTION_WIPE_PROTECTED,
    TD_ACTION_DELETE,      TD_ACTION_REINSTALL,
};

#endif
