#include "device/offline.h"

#include "base/fault.h"
#include "base/file.h"
#include "codec/autopilot_file.h"

#include <stdio.h>
#include <unistd.h>

enum { LOST_LOOKUPS = 5 };

static const char folder[] = "disk/Windows/" TD_AUTOPILOT_FILE_FOLDER "/" TD_AUTOPILOT_FILE_NAME;

const char *td_offline_path(const struct td_device *dev, struct td_arena *a)
{
    return td_device_path(dev, a, folder);
}

bool td_offline_profile(const struct td_flow *f)
{
    return strcmp(td_flow_get(f, "profile.source"), "file") == 0;
}

/* 0 the directory, 1 hybrid (autopilot.md 2.4). */
static enum td_code check_join(const struct td_autopilot_file *file, struct td_error *err)
{
    if (file->join_method == 0 || file->join_method == 1)
        return TD_OK;
    (void)td_fail(err, TD_ENOTOFFERED, "CloudAssignedDomainJoinMethod",
                  "CloudAssignedDomainJoinMethod names a way to join that this device does not know");
    return td_remedy(err, TD_ENOTOFFERED, "export a profile whose join type is the directory or hybrid");
}

static enum td_code read_file(struct td_flow *f, struct td_arena *a, struct td_autopilot_file *ret,
                              struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    td_buf_init(&text, TD_AUTOPILOT_FILE_MAX + 1);
    td_try(td_file_read(td_offline_path(f->dev, a), &text, err));
    td_try(td_autopilot_file_read(td_buf_slice(&text), a, ret, err));
    return check_join(ret, err);
}

/* On the page, and kept for `show`; said once for one reason. */
static void say_ignored(struct td_flow *f, const char *why)
{
    bool said = strcmp(td_flow_get(f, "offline.ignored"), why) == 0;
    td_state_set(f->dev->state, "offline.ignored", why);
    if (!said)
        td_device_say(f->dev, "page", "%s is ignored: %s", TD_AUTOPILOT_FILE_NAME, why);
}

static bool there(const struct td_flow *f)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    return td_file_exists(td_offline_path(f->dev, &a));
}

static bool lookup_gives_nothing(struct td_flow *f, enum td_code lookup)
{
    if (lookup != TD_EUNAVAILABLE)
        f->lookups_lost = 0;
    if (lookup == TD_EUNAVAILABLE)
        return ++f->lookups_lost >= LOST_LOOKUPS;
    return (lookup == TD_ENOTFOUND && f->none) || (lookup == TD_OK && td_fault("offline-file-first"));
}

bool td_offline_instead(struct td_flow *f, enum td_code lookup)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_autopilot_file file;
    struct td_error why = {0};
    if (!lookup_gives_nothing(f, lookup) || !there(f))
        return false;
    if (f->rejected) {
        say_ignored(f, "an administrator has rejected this device");
        return false;
    }
    enum td_code rc = read_file(f, &a, &file, &why);
    if (rc != TD_OK)
        say_ignored(f, why.text);
    return rc == TD_OK;
}

static void keep(struct td_flow *f, const struct td_autopilot_file *file, struct td_arena *a)
{
    struct td_device_state *s = f->dev->state;
    const struct {
        const char *key, *value;
    } texts[] = {
        {"profile.tenant_id", file->tenant_id},
        {"profile.domain", file->tenant_domain},
        {"profile.tenant", file->tenant_domain},
        {"profile.id", file->correlation_id},
        {"profile.upn", file->tenant_upn},
        {"profile.device_name", file->device_name},
        {"profile.language", file->language},
        {"profile.region", file->region},
        {"profile.source", "file"},
        {"offline.ignored", NULL},
        {"profile.name", td_arena_printf(a, "OfflineAutopilotprofile-%s", file->correlation_id)},
    };
    td_lookup_forget(f);
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        td_state_set(s, texts[i].key, texts[i].value != NULL && texts[i].value[0] != '\0' ? texts[i].value : NULL);
    td_state_set_int(s, "profile.oobe", file->oobe);
    td_state_set_int(s, "profile.join_method", file->join_method);
    td_state_set_int(s, "profile.skip_dc", file->skip_connectivity);
    td_state_set_int(s, "profile.forced", file->forced);
}

enum td_code td_offline_take(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_autopilot_file file;
    td_try(read_file(f, &a, &file, err));
    keep(f, &file, &a);
    td_try(td_state_save(f->dev->state, err));
    f->none = false;
    f->request_code[0] = '\0';
    td_flow_news(f, "profile from %s: %s, for %s", TD_AUTOPILOT_FILE_NAME, file.correlation_id, file.tenant_domain);
    return TD_OK;
}

void td_offline_ignored(struct td_flow *f)
{
    if (there(f) && !td_offline_profile(f))
        say_ignored(f, "the service has a profile for this device");
}

/* The reason stands behind what the lookup said; the remedy is the file's. */
void td_offline_blame(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_autopilot_file file;
    struct td_error why = {0};
    char before[sizeof(err->text)];
    if (err == NULL || f->rejected || !there(f) || read_file(f, &a, &file, &why) == TD_OK)
        return;
    memcpy(before, err->text, sizeof(before));
    (void)snprintf(err->text, sizeof(err->text), "%.100s; %s is ignored: %.80s", before, TD_AUTOPILOT_FILE_NAME,
                   why.text);
    (void)snprintf(err->remedy, sizeof(err->remedy), "%s", why.remedy);
}

enum td_code td_offline_generalize(struct td_device *dev, bool *ret_had_file, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *path = td_offline_path(dev, &a);
    struct td_flow f = {.dev = dev};
    if (td_state_get(dev->state, "join.device_id") != NULL)
        return td_remedy(err, td_fail(err, TD_ESTATE, "sysprep", "a joined machine can't be generalized"),
                         "reset it first");
    *ret_had_file = td_file_exists(path);
    if (*ret_had_file && unlink(path) != 0)
        return td_fail(err, TD_EIO, "sysprep", "%s can't be removed", TD_AUTOPILOT_FILE_NAME);
    td_lookup_forget(&f);
    td_state_set(dev->state, "offline.ignored", NULL);
    td_state_set(dev->state, "end.lookup", NULL);
    return td_state_save(dev->state, err);
}
