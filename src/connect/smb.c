#include "connect/smb.h"

#include "base/arena.h"
#include "base/env.h"
#include "base/fault.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAME_MAX_OCTETS = 512, WORDS_MAX = 4096 };

/* --- names -------------------------------------------------------------------------------------------------------- */

/* They become words of smbclient's command language, which has quotes, semicolons and signs of its own: only what names
 * of policies and hosts are made of goes in. */
static enum td_code check(const char *value, const char *field, const char *signs, struct td_error *err)
{
    struct td_slice s = td_str(value);
    bool ok = s.n != 0 && s.n <= NAME_MAX_OCTETS && s.p[0] != '-' && td_search(s, TD_S("..")) == SIZE_MAX;
    for (size_t i = 0; ok && i < s.n; i++) {
        char c = s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        ok = plain || strchr(signs, c) != NULL;
    }
    if (!ok && !td_fault("smb-any-name"))
        return td_fail(err, TD_EINVAL, field, "not a name that a domain's policies have");
    return TD_OK;
}

static enum td_code check_file(const struct td_smb_file *f, struct td_error *err)
{
    td_try(check(f->host, "host", ".-", err));
    td_try(check(f->share, "share", ".-_$", err));
    td_try(check(f->path, "path", ".-_{} \\/", err));
    td_try(check(f->realm, "realm", ".-", err));
    if (f->ccache == NULL || !td_starts(td_str(f->ccache), "FILE:"))
        return td_fail(err, TD_EINVAL, "ccache", "a cache in a file is wanted");
    return TD_OK;
}

/* --- the private folder ------------------------------------------------------------------------------------------- */

struct room { /* beside the cache: what a killed process left there goes with the next one, or with the cache */
    struct td_arena arena;
    const char *dir; /* NULL: not made */
};

static void empty(const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *e = NULL;
    while (d != NULL && (e = readdir(d)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            (void)unlinkat(dirfd(d), e->d_name, e->d_type == DT_DIR ? AT_REMOVEDIR : 0);
    if (d != NULL)
        (void)closedir(d);
}

static void room_done(struct room *r)
{
    if (r->dir != NULL) {
        empty(r->dir);
        (void)rmdir(r->dir);
    }
    td_arena_done(&r->arena);
}

static enum td_code put(struct room *r, const char *name, const char *text, struct td_error *err)
{
    return td_file_write(td_arena_printf(&r->arena, "%s/%s", r->dir, name), td_str(text), 0600, err);
}

/* Samba keeps caches and locks wherever it is told to; Kerberos is not to ask anybody: the ticket is in the cache. */
static enum td_code room_make(struct room *r, const struct td_smb_file *f, struct td_error *err)
{
    const char *dir = td_arena_printf(&r->arena, "%s.smb", f->ccache + strlen("FILE:"));
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return td_fail(err, TD_EIO, "smbclient", "no private folder can be made: %s: %s", dir, strerror(errno));
    r->dir = dir;
    empty(dir);
    td_try(put(r, "krb5.conf",
               td_arena_printf(&r->arena,
                               "[libdefaults]\n default_realm = %s\n dns_lookup_kdc = false\n"
                               " dns_lookup_realm = false\n dns_canonicalize_hostname = false\n rdns = false\n",
                               f->realm),
               err));
    return put(r, "smb.conf",
               td_arena_printf(&r->arena,
                               "[global]\n realm = %s\n private dir = %s\n lock directory = %s\n"
                               " state directory = %s\n cache directory = %s\n pid directory = %s\n"
                               " client min protocol = SMB2\n",
                               f->realm, r->dir, r->dir, r->dir, r->dir, r->dir),
               err);
}

/* --- the child ---------------------------------------------------------------------------------------------------- */

enum { OUTPUT, WORDS, END, CHILD_FDS }; /* what it found, what it has to say about it, and that it has ended */

struct child {
    pid_t pid;
    int fds[CHILD_FDS]; /* to read from, to wait for */
};

static enum td_code spawn(const struct td_smb_file *f, struct room *r, const int writing[2], pid_t *ret,
                          struct td_error *err)
{
    struct td_arena *a = &r->arena;
    const char *program = f->program != NULL ? f->program : "smbclient", *path = getenv("PATH");
    char *const argv[] = {td_arena_strdup(a, program),
                          td_arena_printf(a, "--configfile=%s/smb.conf", r->dir),
                          td_arena_strdup(a, "--use-kerberos=required"),
                          td_arena_printf(a, "--use-krb5-ccache=%s", f->ccache),
                          td_arena_strdup(a, "--stderr"),
                          td_arena_strdup(a, "--debuglevel=0"),
                          td_arena_strdup(a, "--command"),
                          td_arena_printf(a, "get \"%s\" -", f->path),
                          td_arena_printf(a, "//%s/%s", f->host, f->share),
                          NULL};
    char *const env[] = {td_arena_printf(a, "PATH=%s", path != NULL ? path : "/usr/bin:/bin"),
                         td_arena_printf(a, "HOME=%s", r->dir),
                         td_arena_printf(a, "KRB5_CONFIG=%s/krb5.conf", r->dir),
                         td_arena_printf(a, "KRB5CCNAME=%s", f->ccache),
                         td_arena_strdup(a, "LC_ALL=C"),
                         NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t usual;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attr);
    (void)sigemptyset(&usual);
    (void)posix_spawnattr_setsigmask(&attr, &usual);
    (void)sigaddset(&usual, SIGPIPE);
    (void)posix_spawnattr_setsigdefault(&attr, &usual);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, writing[0], STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, writing[1], STDERR_FILENO);
    int rc = posix_spawnp(ret, program, &actions, &attr, argv, env);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attr);
    if (rc == ENOENT)
        return td_remedy(err, td_fail(err, TD_ENOTOFFERED, "smbclient", "smbclient is not installed"),
                         "Install the package smbclient.");
    return rc == 0 ? TD_OK : td_fail(err, TD_EIO, "smbclient", "it can't be started: %s", strerror(rc));
}

static enum td_code child_start(const struct td_smb_file *f, struct room *r, struct child *c, struct td_error *err)
{
    int ends[2][2] = {{-1, -1}, {-1, -1}};
    enum td_code rc = TD_OK;
    for (int i = 0; rc == TD_OK && i < 2; i++)
        if (pipe2(ends[i], O_CLOEXEC) != 0)
            rc = td_fail(err, TD_EIO, "smbclient", "no pipe: %s", strerror(errno));
    const int writing[] = {ends[0][1], ends[1][1]};
    if (rc == TD_OK)
        rc = spawn(f, r, writing, &c->pid, err);
    for (int i = 0; i < 2; i++) {
        c->fds[i] = ends[i][0];
        if (ends[i][1] >= 0)
            (void)close(ends[i][1]);
    }
    if (rc == TD_OK && (c->fds[END] = pidfd_open(c->pid, 0)) < 0)
        rc = td_fail(err, TD_EIO, "smbclient", "it can't be waited for: %s", strerror(errno));
    return rc;
}

static int child_end(struct child *c)
{
    int status = -1;
    for (int i = 0; i < CHILD_FDS; i++)
        if (c->fds[i] >= 0)
            (void)close(c->fds[i]);
    if (c->pid > 0) {
        (void)kill(c->pid, SIGKILL); /* nothing where it has ended by itself */
        while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    return status;
}

/* Once: TD_OK with *ret_open false at the end of the output. */
static enum td_code read_some(int fd, struct td_buf *out, bool *ret_open, struct td_error *err)
{
    char part[4096];
    ssize_t n = read(fd, part, sizeof(part));
    if (n < 0 && errno == EINTR)
        return TD_OK;
    if (n < 0)
        return td_fail(err, TD_EIO, "smbclient", "%s", strerror(errno));
    *ret_open = n != 0;
    td_buf_add(out, td_bytes(part, (size_t)n));
    return td_buf_check(out, "file", err);
}

/* Until it has ended and closed its output. What it says of its trouble is cut, not refused. */
static enum td_code listen_to(const struct child *c, int64_t deadline, struct td_buf *out, struct td_buf *words,
                              struct td_error *err)
{
    struct td_buf *into[] = {out, words};
    bool open[CHILD_FDS] = {true, true, true};
    while (open[OUTPUT] || open[WORDS] || open[END]) {
        int64_t left = (deadline - td_monotonic()) / 1000;
        struct pollfd p[CHILD_FDS];
        for (int i = 0; i < CHILD_FDS; i++)
            p[i] = (struct pollfd){.fd = open[i] ? c->fds[i] : -1, .events = POLLIN};
        int n = left > 0 ? poll(p, CHILD_FDS, (int)TD_MIN(left, (int64_t)INT32_MAX)) : 0;
        if (n < 0 && errno != EINTR)
            return td_fail(err, TD_EIO, "smbclient", "%s", strerror(errno));
        if (n == 0)
            return td_fail(err, TD_EUNAVAILABLE, "smbclient", "no answer in time");
        for (int i = 0; n > 0 && i < END; i++) {
            if (p[i].revents == 0)
                continue;
            enum td_code rc = read_some(c->fds[i], into[i], &open[i], err);
            if (rc != TD_OK && (i == OUTPUT || rc != TD_ELIMIT))
                return rc;
        }
        open[END] = open[END] && (n < 0 || p[END].revents == 0);
    }
    return TD_OK;
}

/* --- how it said no ----------------------------------------------------------------------------------------------- */

static enum td_code refused(const struct td_smb_file *f, struct td_slice words, struct td_error *err)
{
    static const struct {
        const char *status;
        enum td_code code;
    } rows[] = {
        {"NT_STATUS_OBJECT_NAME_NOT_FOUND", TD_ENOTFOUND}, {"NT_STATUS_OBJECT_PATH_NOT_FOUND", TD_ENOTFOUND},
        {"NT_STATUS_NO_SUCH_FILE", TD_ENOTFOUND},          {"NT_STATUS_BAD_NETWORK_NAME", TD_ENOTFOUND},
        {"NT_STATUS_ACCESS_DENIED", TD_EDENIED},           {"NT_STATUS_LOGON_FAILURE", TD_EAUTH},
        {"NT_STATUS_INVALID_PARAMETER", TD_EAUTH}, /* no ticket in the cache */
        {"NT_STATUS_NO_LOGON_SERVERS", TD_EAUTH},
    };
    size_t at = td_search(words, TD_S("NT_STATUS_"));
    struct td_slice status = {"", 0};
    if (at != SIZE_MAX)
        status = td_sub(words, at, words.n);
    for (size_t n = 0; n < status.n; n++)
        if (!((status.p[n] >= 'A' && status.p[n] <= 'Z') || status.p[n] == '_'))
            status.n = n;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (td_eqs(status, rows[i].status))
            return td_fail(err, rows[i].code, "smbclient", "//%s/%s/%s: %s", f->host, f->share, f->path,
                           rows[i].status);
    return td_fail(err, TD_EUNAVAILABLE, "smbclient", "//%s/%s: %.*s", f->host, f->share,
                   status.n != 0 ? (int)status.n : 9, status.n != 0 ? status.p : "no answer");
}

enum td_code td_smb_read(const struct td_smb_file *f, struct td_buf *out, struct td_error *err)
{
    TD_CLEANUP(room_done) struct room room = {0};
    TD_CLEANUP(td_buf_done) struct td_buf words;
    struct child child = {.fds = {-1, -1, -1}};
    int64_t deadline = td_monotonic() + (f->patience > 0 ? f->patience : TD_SMB_SECONDS * TD_SECOND);
    td_buf_init(&words, WORDS_MAX);
    td_try(check_file(f, err));
    td_try(room_make(&room, f, err));
    enum td_code rc = child_start(f, &room, &child, err);
    if (rc == TD_OK)
        rc = listen_to(&child, deadline, out, &words, err);
    int status = child_end(&child);
    td_try(rc);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? TD_OK : refused(f, td_buf_slice(&words), err);
}
