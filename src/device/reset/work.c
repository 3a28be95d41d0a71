/* What happens in the recovery environment: new contents beside the old, one commit, removal part by part.
 *
 * Each step can be done again: behind the commit a power cut costs nothing but time. The order matters: state.json and
 * csp.json are replaced first, so that nothing ever refers to what has been removed. */
#include "base/fault.h"
#include "base/file.h"
#include "codec/json.h"
#include "device/csp/store.h"
#include "device/disk.h"
#include "device/reset/room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { MAX_STATE = 1 << 20 };

struct work {
    struct td_device *dev;
    struct td_reset_journal *j;
    const struct td_reset_rule *rule;
    struct td_arena a;
    struct td_error *err;
};

/* Contents that are replaced as a whole, and what the old ones are called until they are destroyed. */
static const struct content {
    const char *now, *next, *old;
} contents[] = {
    {"state.json", "reset/state.json", "reset/state.old"},
    {"csp.json", "reset/csp.json", "reset/csp.old"},
};

static char *path(struct work *w, const char *name)
{
    return td_device_path(w->dev, &w->a, name);
}

/* The power may fail here. */
static enum td_code power(struct work *w, const char *step)
{
    if (w->dev->power == NULL || w->dev->power(w->dev->power_ctx, step))
        return TD_OK;
    return td_fail(w->err, TD_EUNAVAILABLE, "power", "failed behind: %s", step);
}

static enum td_code enter(struct work *w, enum td_reset_phase phase, const char *step)
{
    w->j->phase = phase;
    td_try(td_reset_journal_write(w->dev, w->j, w->err));
    td_device_say(w->dev, "reset", "%s", step);
    return power(w, step);
}

static bool goes(const struct work *w, uint32_t parts)
{
    for (int p = 0; p < TD_PART_COUNT; p++)
        if ((parts & (uint32_t)1 << p) != 0 && td_remains(w->j->kind, (enum td_part)p) != TD_KEPT)
            return true;
    return false;
}

/* --- new contents beside the old ---------------------------------------------------------------------------------- */

/* Whoever was retired has no way but through the box, though the power failed before the session had noted that. */
static void note_end(const struct work *w, struct td_jsonw *out)
{
    bool leaves = td_action_rows[w->j->kind].leaves == TD_LEAVES_UNMANAGED;
    if (leaves && td_state_get(w->dev->state, "enrol.ended") == NULL && !td_fault("retired-starts-over"))
        td_jsonw_kstr(out, "enrol.ended", "unenrolled by the service");
}

static enum td_code next_state(struct work *w)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    const char *key, *value;
    struct td_jsonw out;
    td_buf_init(&text, MAX_STATE);
    td_jsonw_init(&out, &text);
    td_jsonw_obj(&out);
    for (size_t i = 0; td_state_at(w->dev->state, i, &key, &value); i++)
        if (value != NULL && !goes(w, td_disk_parts(TD_DISK_STATE, key)))
            td_jsonw_kstr(&out, key, value);
    note_end(w, &out);
    td_jsonw_end(&out);
    td_try(td_buf_check(&text, "state.json", w->err));
    return td_file_write(path(w, contents[0].next), td_buf_slice(&text), 0600, w->err);
}

/* Node by node: td_csp_drop would take away what lies below a node, too. */
static enum td_code next_nodes(struct work *w)
{
    struct td_csp_items all = {0}, kept = {0};
    enum td_code rc = td_csp_items_load(&all, path(w, contents[1].now), w->err);
    for (size_t i = 0; rc == TD_OK && i < all.count; i++)
        if (!goes(w, td_disk_parts(TD_DISK_NODE, all.v[i].key)))
            td_csp_items_put(&kept, all.v[i].key, all.v[i].format, all.v[i].value);
    if (rc == TD_OK)
        rc = td_csp_items_save(&kept, path(w, contents[1].next), w->err);
    td_csp_items_done(&all);
    td_csp_items_done(&kept);
    return rc;
}

static void close_dir(DIR **d)
{
    if (*d != NULL)
        (void)closedir(*d);
}

/* The folder of the work with all that a cut may have left in it: new contents are as secret as the old. */
static enum td_code clear_folder(struct work *w)
{
    TD_CLEANUP(close_dir) DIR *d = opendir(path(w, "reset"));
    const struct dirent *e;
    while (d != NULL && (e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        td_try(td_reset_erase(path(w, td_arena_printf(&w->a, "reset/%s", e->d_name)), true, w->err));
        td_try(power(w, "left-over removed"));
    }
    (void)rmdir(path(w, "reset"));
    return TD_OK;
}

/* Seen before the commit: what can't be listed could not be removed behind it. */
static enum td_code can_be_listed(struct work *w)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_disk_list files = {0};
    return td_disk_files(w->dev, &a, &files, w->err);
}

static enum td_code prepare(struct work *w)
{
    td_try(enter(w, TD_RESET_RESTARTED, "restarted"));
    td_try(clear_folder(w));
    td_try(can_be_listed(w));
    td_try(td_dir_make(path(w, "reset"), 0700, w->err));
    td_try(next_state(w));
    td_try(power(w, "new state written"));
    td_try(next_nodes(w));
    td_try(power(w, "new nodes written"));
    return enter(w, TD_RESET_PREPARED, "prepared");
}

/* --- behind the commit -------------------------------------------------------------------------------------------- */

static void sync_folder(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    (void)close(fd);
}

/* The old octets keep a second name until the new ones stand in their place, and are overwritten then. */
static enum td_code replace(struct work *w, const struct content *c)
{
    const char *now = path(w, c->now), *next = path(w, c->next), *old = path(w, c->old);
    if (td_file_exists(next)) {
        td_try(td_reset_erase(old, false, w->err)); /* a second name of what is still in force */
        if (link(now, old) != 0 && errno != ENOENT)
            return td_fail(w->err, TD_EIO, c->now, "cannot be set aside: %s", strerror(errno));
        td_try(power(w, "old contents set aside"));
        if (rename(next, now) != 0)
            return td_fail(w->err, TD_EIO, c->now, "cannot be replaced: %s", strerror(errno));
        sync_folder(w->dev->dir);
        td_try(power(w, "contents replaced"));
    }
    td_try(td_reset_erase(old, true, w->err));
    return power(w, "old contents destroyed");
}

static bool is_folder(const char *name)
{
    return td_ends(td_str(name), "/");
}

/* Keys and passwords always; where the drive is cleaned, everything. */
static bool must_be_overwritten(const struct work *w, const struct td_disk_item *f)
{
    static const uint32_t secret = 1u << TD_PART_JOIN | 1u << TD_PART_ENROLMENT | 1u << TD_PART_PROFILES |
                                   1u << TD_PART_CERTIFICATES | 1u << TD_PART_LOCAL_ADMIN | 1u << TD_PART_DISK_KEYS;
    return (w->rule->cleans_drive && !td_fault("reset-leaves-drive")) || (f->parts & secret) != 0;
}

static enum td_code remove_part(struct work *w, const struct td_disk_list *files, enum td_part part)
{
    bool any = false;
    for (size_t i = 0; i < files->count; i++) {
        const struct td_disk_item *f = &files->v[i];
        if (is_folder(f->name) || (f->parts & (uint32_t)1 << part) == 0)
            continue;
        td_try(td_reset_erase(path(w, f->name), must_be_overwritten(w, f), w->err));
        td_try(power(w, f->name));
        any = true;
    }
    if (any)
        td_device_say(w->dev, "reset", "removed: %s", td_part_word(part));
    return TD_OK;
}

static bool is_empty(const char *folder)
{
    TD_CLEANUP(close_dir) DIR *d = opendir(folder);
    const struct dirent *e;
    while (d != NULL && (e = readdir(d)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            return false;
    return d != NULL;
}

/* Names of folders tell of people too: an empty one that stays is no end. Folders of the layout go with the last thing
 * in them and come back with the next. */
static enum td_code remove_empty_folders(struct work *w, const struct td_disk_list *files)
{
    for (size_t i = 0; i < files->count; i++) {
        const char *name = files->v[i].name;
        if (!is_folder(name) || rmdir(path(w, name)) == 0)
            continue;
        int why = errno;
        if (is_empty(path(w, name)) && !td_fault("reset-leaves-folders"))
            return td_fail(w->err, TD_EIO, name, "cannot be removed: %s", strerror(why));
    }
    return TD_OK;
}

static enum td_code remove_parts(struct work *w)
{
    struct td_disk_list files = {0};
    td_try(td_disk_files(w->dev, &w->a, &files, w->err));
    for (int p = 0; p < TD_PART_COUNT; p++)
        if (td_remains(w->j->kind, (enum td_part)p) != TD_KEPT)
            td_try(remove_part(w, &files, (enum td_part)p));
    return remove_empty_folders(w, &files);
}

static enum td_code reload(struct work *w)
{
    struct td_device_state *state = NULL;
    td_try(td_state_open(w->dev->dir, &state, w->err));
    td_state_close(w->dev->state);
    w->dev->state = state;
    return TD_OK;
}

/* Packages that stay set the machine up again, before its first page or its lock screen. */
static enum td_code apply_packages(struct work *w)
{
    static const char folder[] = "disk/packages/";
    struct td_disk_list files = {0};
    td_try(td_disk_files(w->dev, &w->a, &files, w->err));
    for (size_t i = 0; i < files.count; i++)
        if (td_starts(td_str(files.v[i].name), folder) && !is_folder(files.v[i].name))
            td_device_say(w->dev, "reset", "provisioning package applied again: %s", files.v[i].name + strlen(folder));
    return TD_OK;
}

/* Whoever is still enrolled tells the service; nobody else is left to tell, or to be told. */
static enum td_code finish(struct work *w)
{
    bool kept = td_remains(w->j->kind, TD_PART_ENROLMENT) == TD_KEPT;
    td_try(clear_folder(w));
    w->j->status = kept && w->rule->autopilot ? 1 : kept ? w->j->status : 0;
    w->j->last_error = 0;
    w->j->news = kept && !td_fault("reset-unsaid") ? TD_RESET_CAME_BACK : TD_RESET_NOTHING;
    w->j->phase = TD_RESET_IDLE;
    td_try(td_reset_journal_write(w->dev, w->j, w->err));
    td_try(reload(w));
    return power(w, "done");
}

static enum td_code go_forward(struct work *w)
{
    for (size_t i = 0; i < TD_COUNTOF(contents); i++)
        td_try(replace(w, &contents[i]));
    td_try(remove_parts(w));
    if (td_action_rows[w->j->kind].leaves != TD_LEAVES_UNMANAGED)
        td_try(apply_packages(w));
    return finish(w);
}

/* --- what did not happen ------------------------------------------------------------------------------------------ */

/* The device is as it was; the next session says why. */
static enum td_code give_up(struct work *w, uint32_t hresult)
{
    td_try(clear_folder(w));
    if (w->rule->autopilot) {
        w->j->status = 50;
        w->j->last_error = hresult;
    }
    w->j->news = td_fault("reset-rollback-forgotten") || w->rule->autopilot ? TD_RESET_NOTHING : TD_RESET_ROLLED_BACK;
    w->j->hresult = hresult;
    w->j->phase = TD_RESET_IDLE;
    td_try(td_reset_journal_write(w->dev, w->j, w->err));
    return power(w, "rolled back");
}

static uint32_t hresult_of(enum td_code code, int why)
{
    if (code == TD_EIO && (why == ENOSPC || why == EDQUOT))
        return 0x80070070; /* ERROR_DISK_FULL */
    return code == TD_EIO ? 0x8007001Du /* ERROR_WRITE_FAULT */ : 0x8000FFFFu /* E_UNEXPECTED */;
}

static enum td_code run(struct work *w)
{
    bool cut = w->j->phase == TD_RESET_RESTARTED || w->j->phase == TD_RESET_PREPARED;
    bool back = w->rule->rolls_back || (td_fault("protected-wipe-gives-up") && w->rule->cleans_drive);
    if (cut && back)
        return give_up(w, TD_RESET_E_CUT);
    if (w->j->phase != TD_RESET_COMMITTED) {
        errno = 0;
        enum td_code rc = prepare(w);
        int why = errno; /* only looked at where a write failed */
        if (rc == TD_EUNAVAILABLE || (rc != TD_OK && w->rule->cleans_drive))
            return rc; /* the power; or it retries until it is done */
        if (rc != TD_OK)
            return give_up(w, hresult_of(rc, why));
        td_try(enter(w, TD_RESET_COMMITTED, "committed"));
    }
    return go_forward(w);
}

enum td_code td_reset_work(struct td_device *dev, struct td_reset_journal *j, struct td_error *err)
{
    struct work w = {.dev = dev, .j = j, .rule = td_reset_rule(j->kind), .err = err};
    enum td_code rc = run(&w);
    td_arena_done(&w.a);
    return rc;
}
