/* What people do with the virtual PC, as files. */
#include "device/disk.h"

#include "base/encode.h"
#include "base/file.h"
#include "codec/json.h"
#include "device/hardware.h"

#include <errno.h>
#include <stdio.h>

enum { MAX_NAME = 128, MAX_CONTENT = 1 << 20 };

static const char recovery[] = "disk/recovery/winre.wim";

static enum td_code write_file(const struct td_device *dev, const char *name, struct td_slice data,
                               struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    char *path = td_device_path(dev, &a, name), *slash = strrchr(path, '/');
    *slash = '\0';
    td_try(td_dir_make(path, 0700, err));
    *slash = '/';
    return td_file_write(path, data, 0600, err);
}

/* A name of a person, an app or a package as one of a file: nothing in it leads elsewhere. */
static enum td_code file_name(const char *name, struct td_arena *a, const char **ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, (size_t)4 * MAX_NAME);
    size_t n = strlen(name);
    if (n == 0 || n > MAX_NAME || name[0] == '.' || !td_utf8_ok(td_str(name)))
        return td_fail(err, TD_EINVAL, "name", "must have 1 to %d octets and not begin with a dot", MAX_NAME);
    for (const char *c = name; *c != '\0'; c++)
        if (*c == '@')
            td_buf_addc(&b, '@'); /* so that a user's folder reads as the user does */
        else
            td_pct_add(&b, td_bytes(c, 1));
    *ret = td_arena_text(a, td_buf_slice(&b));
    return TD_OK;
}

/* --- out of the box ---------------------------------------------------------------------------------------------- */

enum td_code td_disk_prepare(struct td_device *dev, const struct td_hardware *hw, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    if (td_file_exists(td_device_path(dev, &a, "disk/box.json")))
        return TD_OK;
    if (hw->recovery)
        td_try(write_file(dev, recovery, TD_S("the recovery environment\n"), err));
    for (size_t i = 0; i < TD_COUNTOF(hw->oem_apps) && hw->oem_apps[i] != NULL; i++) {
        const char *name = "";
        td_try(file_name(hw->oem_apps[i], &a, &name, err));
        td_try(
            write_file(dev, td_arena_printf(&a, "disk/apps/oem/%s.app", name), TD_S("installed by the maker\n"), err));
    }
    return write_file(dev, "disk/box.json", TD_S("{\"made\":true}\n"), err);
}

bool td_disk_has_recovery(const struct td_device *dev)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    return td_file_exists(td_device_path(dev, &a, recovery));
}

/* --- people ------------------------------------------------------------------------------------------------------ */

static enum td_code write_account(struct td_device *dev, const char *path, const char *user, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    char at[TD_TIME_TEXT];
    struct td_jsonw w;
    td_buf_init(&text, MAX_CONTENT);
    td_jsonw_init(&w, &text);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "account", user);
    td_jsonw_kstr(&w, "firstSignIn", td_time_text(td_now(dev->env), at));
    td_jsonw_end(&w);
    return write_file(dev, path, td_buf_slice(&text), err);
}

/* A machine with a TPM encrypts its disk when the first account of a directory signs in. */
static enum td_code encrypt(struct td_device *dev, struct td_error *err)
{
    static const char file[] = "disk/bitlocker.json";
    TD_CLEANUP(td_arena_wipe) struct td_arena a = {0};
    struct td_hardware hw = {0};
    if (td_file_exists(td_device_path(dev, &a, file)))
        return TD_OK;
    td_try(td_hardware_of(dev, &a, &hw, err));
    if (hw.facts.tpm_version[0] == '\0')
        return TD_OK;
    const char *key = td_random_text(dev->env, &a, 32);
    const char *text = td_arena_printf(&a, "{\"volume\":\"C:\",\"encrypted\":true,\"key\":\"%s\"}\n", key);
    return write_file(dev, file, td_str(text), err);
}

enum td_code td_disk_sign_in(struct td_device *dev, const char *user, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *name = "";
    td_try(file_name(user, &a, &name, err));
    td_try(encrypt(dev, err));
    const char *account = td_arena_printf(&a, "disk/users/%s/account.json", name);
    const char *desktop = td_arena_printf(&a, "disk/users/%s/profile/desktop.ini", name);
    if (!td_file_exists(td_device_path(dev, &a, desktop)))
        td_try(write_file(dev, desktop, td_str(td_arena_printf(&a, "[desktop of %s]\n", user)), err));
    if (!td_file_exists(td_device_path(dev, &a, account)))
        td_try(write_account(dev, account, user, err));
    return TD_OK;
}

enum td_code td_disk_forget(struct td_device *dev, const char *user, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_disk_list files = {0};
    const char *name = "";
    td_try(file_name(user, &a, &name, err));
    const char *folder = td_arena_printf(&a, "disk/users/%s/", name);
    td_try(td_disk_files(dev, &a, &files, err));
    for (size_t i = 0; i < files.count; i++) /* folders stand behind what is in them */
        if (td_starts(td_str(files.v[i].name), folder) && remove(td_device_path(dev, &a, files.v[i].name)) != 0)
            return td_fail(err, TD_EIO, files.v[i].name, "can't be deleted: %s", strerror(errno));
    return TD_OK;
}

enum td_code td_disk_use(struct td_device *dev, const char *user, struct td_error *err)
{
    static const struct {
        const char *path, *text; /* %s: the user, by folder and by name */
    } traces[] = {
        {"disk/users/%s/files/Documents/report.txt", "Report of %s\n"},
        {"disk/users/%s/files/Pictures/holiday.jpg", "picture taken by %s\n"},
        {"disk/users/%s/profile/settings.json", "{\"wallpaper\":\"beach\",\"owner\":\"%s\"}\n"},
        {"disk/users/%s/profile/credentials.vault", "saved sign-ins of %s\n"},
        {"disk/data/%s.txt", "left outside of the profile by %s\n"},
        {"disk/apps/user/game-of-%s.app", "installed by %s\n"},
        {"disk/settings/power-by-%s.json", "{\"sleep\":\"never\",\"changedBy\":\"%s\"}\n"},
    };
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *name = "";
    td_try(td_disk_sign_in(dev, user, err));
    td_try(file_name(user, &a, &name, err));
    for (size_t i = 0; i < TD_COUNTOF(traces); i++) {
        const char *at = strstr(traces[i].path, "%s"), *in = strstr(traces[i].text, "%s");
        const char *path = td_arena_printf(&a, "%.*s%s%s", (int)(at - traces[i].path), traces[i].path, name, at + 2);
        const char *text = td_arena_printf(&a, "%.*s%s%s", (int)(in - traces[i].text), traces[i].text, user, in + 2);
        td_try(write_file(dev, path, td_str(text), err));
    }
    return TD_OK;
}

enum td_code td_disk_package(struct td_device *dev, const char *name, struct td_slice content, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *file = "";
    td_try(file_name(name, &a, &file, err));
    if (!td_ends(td_str(file), ".ppkg"))
        return td_fail(err, TD_EINVAL, "package", "its name must end with .ppkg");
    if (content.n > MAX_CONTENT)
        return td_fail(err, TD_ELIMIT, "package", "more than %d octets", MAX_CONTENT);
    return write_file(dev, td_arena_printf(&a, "disk/packages/%s", file), content, err);
}
