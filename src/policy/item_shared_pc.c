/* The item of kind shared-pc: read, checked, written. Ranges and defaults are those of the SharedPC provider's
 * published description; its own default lets in guests only, ours people of the directory. */
#include "policy/item_read.h"

#include <stddef.h>

/* Words of a number, in its order. */
static const char *const ACCOUNTS[] = {"guests", "directory", "directory-and-guests", NULL};
static const char *const DELETIONS[] = {"at-sign-out", "disk-space", "disk-space-and-inactivity", NULL};

static const struct number {
    const char *name;
    size_t at;
    int max;
} NUMBERS[] = {
    {"diskLevelDeletion", offsetof(struct td_item_shared_pc, disk_level_deletion), 100},
    {"diskLevelCaching", offsetof(struct td_item_shared_pc, disk_level_caching), 100},
    {"inactiveDays", offsetof(struct td_item_shared_pc, inactive_days), 3650},
    {"maintenanceStart", offsetof(struct td_item_shared_pc, maintenance_start), 1440},
    {"sleepSeconds", offsetof(struct td_item_shared_pc, sleep_seconds), 86400},
    {"maxPageFileMb", offsetof(struct td_item_shared_pc, max_page_file), 32768},
};

static const struct {
    const char *name;
    size_t at;
} SWITCHES[] = {
    {"eduPolicies", offsetof(struct td_item_shared_pc, edu_policies)},
    {"powerPolicies", offsetof(struct td_item_shared_pc, power_policies)},
    {"signInOnResume", offsetof(struct td_item_shared_pc, sign_in_on_resume)},
    {"restrictLocalStorage", offsetof(struct td_item_shared_pc, restrict_local_storage)},
};

static int *place(struct td_item_shared_pc *s, size_t at)
{
    return (int *)(void *)((char *)s + at);
}

static int value_at(const struct td_item_shared_pc *s, size_t at)
{
    return *(const int *)(const void *)((const char *)s + at);
}

static enum td_code word_member(struct td_item_reader *r, const char *name, const char *const *words, int otherwise,
                                int *ret)
{
    const char *text;
    td_try(td_item_text(r, name, 32, false, &text));
    *ret = otherwise;
    if (td_json_get(r->json, name) == NULL)
        return TD_OK;
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], text) == 0) {
            *ret = i;
            return TD_OK;
        }
    return td_fail(r->err, TD_EINVAL, name, "must be %s, %s or %s", words[0], words[1], words[2]);
}

static enum td_code read_switches(struct td_item_reader *r, struct td_item_shared_pc *s)
{
    for (size_t i = 0; i < TD_COUNTOF(SWITCHES); i++) {
        bool on;
        td_try(td_item_bool(r, SWITCHES[i].name, false, &on));
        *place(s, SWITCHES[i].at) = td_json_get(r->json, SWITCHES[i].name) == NULL ? TD_ITEM_UNSET : on;
    }
    return TD_OK;
}

static enum td_code check(struct td_item_reader *r, const struct td_item_shared_pc *s)
{
    int deletion = s->disk_level_deletion != TD_ITEM_UNSET ? s->disk_level_deletion : 25;
    int caching = s->disk_level_caching != TD_ITEM_UNSET ? s->disk_level_caching : 50;
    if (deletion > caching)
        return td_fail(r->err, TD_EINVAL, "diskLevelDeletion",
                       "must not be above diskLevelCaching (%d): accounts are deleted below the one until the other is "
                       "free again",
                       caching);
    if (s->inactive_days != TD_ITEM_UNSET && s->deletion_policy != 2)
        return td_fail(r->err, TD_EINVAL, "inactiveDays", "goes with deletionPolicy disk-space-and-inactivity only");
    if (s->kiosk_tile[0] != '\0' && s->kiosk_aumid[0] == '\0')
        return td_fail(r->err, TD_EINVAL, "kioskTile", "names the app of kioskAumid, which is missing");
    if (s->kiosk_aumid[0] != '\0' && strchr(s->kiosk_aumid, '!') == NULL)
        return td_fail(r->err, TD_EINVAL, "kioskAumid", "must be an app user model id, PackageFamily!App");
    return TD_OK;
}

enum td_code td_item_read_shared_pc(struct td_item_reader *r)
{
    struct td_item_shared_pc *s = &r->item->as.shared_pc;
    if (r->item->user)
        return td_fail(r->err, TD_EINVAL, "scope", "a shared PC is the device's");
    td_try(td_item_bool(r, "oneDriveSync", false, &s->one_drive_sync));
    td_try(word_member(r, "accountModel", ACCOUNTS, 1, &s->account_model));
    td_try(word_member(r, "deletionPolicy", DELETIONS, 1, &s->deletion_policy));
    for (size_t i = 0; i < TD_COUNTOF(NUMBERS); i++)
        td_try(td_item_int(r, NUMBERS[i].name, TD_ITEM_UNSET, 0, NUMBERS[i].max, place(s, NUMBERS[i].at)));
    td_try(td_item_bool(r, "accountManager", true, &s->account_manager));
    td_try(td_item_text(r, "kioskAumid", 260, false, &s->kiosk_aumid));
    td_try(td_item_text(r, "kioskTile", 64, false, &s->kiosk_tile));
    td_try(read_switches(r, s));
    return check(r, s);
}

void td_item_write_shared_pc(struct td_jsonw *w, const struct td_item_shared_pc *s)
{
    td_jsonw_kbool(w, "oneDriveSync", s->one_drive_sync);
    td_jsonw_kstr(w, "accountModel", ACCOUNTS[s->account_model]);
    td_jsonw_kstr(w, "deletionPolicy", DELETIONS[s->deletion_policy]);
    td_jsonw_kbool(w, "accountManager", s->account_manager);
    for (size_t i = 0; i < TD_COUNTOF(NUMBERS); i++)
        if (value_at(s, NUMBERS[i].at) != TD_ITEM_UNSET)
            td_jsonw_kint(w, NUMBERS[i].name, value_at(s, NUMBERS[i].at));
    for (size_t i = 0; i < TD_COUNTOF(SWITCHES); i++)
        if (value_at(s, SWITCHES[i].at) != TD_ITEM_UNSET)
            td_jsonw_kbool(w, SWITCHES[i].name, value_at(s, SWITCHES[i].at) != 0);
    if (s->kiosk_aumid[0] != '\0')
        td_jsonw_kstr(w, "kioskAumid", s->kiosk_aumid);
    if (s->kiosk_tile[0] != '\0')
        td_jsonw_kstr(w, "kioskTile", s->kiosk_tile);
}
