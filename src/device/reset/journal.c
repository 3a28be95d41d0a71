/* The journal of a reset: one small file, replaced as a whole. */
#include "base/file.h"
#include "codec/json.h"
#include "device/reset/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_JOURNAL = 4096 };

static const char *const phases[TD_RESET_PHASE_COUNT] = {"idle",      "scheduled", "waiting",
                                                         "restarted", "prepared",  "committed"};
static const char *const news[] = {"", "came-back", "rolled-back"};

static bool word_of(const char *const words[], size_t count, const char *word, unsigned *ret)
{
    for (size_t i = 0; i < count; i++)
        if (word != NULL && strcmp(words[i], word) == 0) {
            *ret = (unsigned)i;
            return true;
        }
    return false;
}

static bool take(const struct td_json *root, struct td_reset_journal *j)
{
    const char *action = td_json_str(root, "action"), *node = td_json_str(root, "node");
    int kind = action != NULL ? td_action_by_word(td_str(action)) : -1;
    unsigned phase = 0, what = 0;
    if (kind < 0 || !td_reset_rule((enum td_action_kind)kind)->offered || node == NULL ||
        strlen(node) >= sizeof(j->node) || !word_of(phases, TD_COUNTOF(phases), td_json_str(root, "phase"), &phase) ||
        !word_of(news, TD_COUNTOF(news), td_json_str(root, "news"), &what))
        return false;
    j->kind = (enum td_action_kind)kind;
    j->phase = (enum td_reset_phase)phase;
    j->news = (enum td_reset_what)what;
    (void)snprintf(j->node, sizeof(j->node), "%s", node);
    j->status = td_json_int(root, "status", 0);
    j->last_error = (uint32_t)td_json_int(root, "lastError", 0);
    j->hresult = (uint32_t)td_json_int(root, "hresult", 0);
    return true;
}

enum td_code td_reset_journal_parse(struct td_slice text, struct td_reset_journal *ret, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_reset_journal j = {0};
    struct td_json *root;
    if (td_json_parse(text, MAX_JOURNAL, &a, &root, NULL) != TD_OK || !take(root, &j)) {
        (void)td_fail(err, TD_EFORMAT, "reset.json", "is not the journal that this program writes");
        return td_remedy(err, TD_EFORMAT, TD_STATE_DAMAGED);
    }
    *ret = j;
    return TD_OK;
}

enum td_code td_reset_journal_read(const struct td_device *dev, struct td_reset_journal *ret, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_buf_done) struct td_buf text;
    const char *path = td_device_path(dev, &a, "reset.json");
    td_buf_init(&text, MAX_JOURNAL);
    if (!td_file_exists(path)) {
        *ret = (struct td_reset_journal){0};
        return TD_OK;
    }
    td_try(td_file_read(path, &text, err));
    return td_reset_journal_parse(td_buf_slice(&text), ret, err);
}

static void write_json(const struct td_reset_journal *j, struct td_buf *out)
{
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "action", td_action_rows[j->kind].word);
    td_jsonw_kstr(&w, "phase", phases[j->phase]);
    td_jsonw_kstr(&w, "node", j->node);
    td_jsonw_kint(&w, "status", j->status);
    td_jsonw_kint(&w, "lastError", (int64_t)j->last_error);
    td_jsonw_kstr(&w, "news", news[j->news]);
    td_jsonw_kint(&w, "hresult", (int64_t)j->hresult);
    td_jsonw_end(&w);
}

enum td_code td_reset_journal_write(const struct td_device *dev, const struct td_reset_journal *j, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_buf_done) struct td_buf text;
    const char *path = td_device_path(dev, &a, "reset.json");
    td_buf_init(&text, MAX_JOURNAL);
    if (j->phase == TD_RESET_IDLE && j->news == TD_RESET_NOTHING && j->status == 0)
        return td_reset_erase(path, false, err);
    write_json(j, &text);
    td_try(td_buf_check(&text, "reset.json", err));
    return td_file_write(path, td_buf_slice(&text), 0600, err);
}

/* --- erasing ----------------------------------------------------------------------------------------------------- */

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static bool fill_with_zeros(int fd, off_t left)
{
    static const char zeros[4096];
    while (left > 0) {
        ssize_t n = write(fd, zeros, (size_t)TD_MIN(left, (off_t)sizeof(zeros)));
        if (n < 0 && errno != EINTR)
            return false;
        left -= n > 0 ? n : 0;
    }
    return fsync(fd) == 0;
}

/* Never through a link: only what lies in the folder is the device's. */
static bool overwritten(const char *path)
{
    TD_CLEANUP(close_fd) int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return errno == ELOOP || errno == ENOENT || errno == ENXIO; /* a link, nothing, a pipe */
    return fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || fill_with_zeros(fd, st.st_size));
}

enum td_code td_reset_erase(const char *path, bool overwrite, struct td_error *err)
{
    if (overwrite && !overwritten(path))
        return td_fail(err, TD_EIO, path, "cannot be overwritten: %s", strerror(errno));
    if (unlink(path) != 0 && errno != ENOENT)
        return td_fail(err, TD_EIO, path, "cannot be removed: %s", strerror(errno));
    return TD_OK;
}
