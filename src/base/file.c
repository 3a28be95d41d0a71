#include "base/file.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_fd(const int *fd)
{
    if (*fd > STDERR_FILENO)
        (void)close(*fd);
}

static enum td_code io_error(struct td_error *err, const char *path, const char *doing)
{
    int e = errno;
    return td_fail(err, e == ENOENT ? TD_ENOTFOUND : TD_EIO, path, "cannot %s: %s", doing, strerror(e));
}

enum td_code td_file_read(const char *path, struct td_buf *out, struct td_error *err)
{
    TD_CLEANUP(close_fd) int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return io_error(err, path, "open");
    for (;;) {
        char chunk[65536];
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_error(err, path, "read");
        td_buf_add(out, td_bytes(chunk, (size_t)n));
        td_wipe(chunk, (size_t)n);
        if (n == 0 || out->failed)
            return td_buf_check(out, path, err);
    }
}

static enum td_code write_all(int fd, struct td_slice data)
{
    while (data.n != 0) {
        ssize_t n = write(fd, data.p, data.n);
        if (n < 0 && errno != EINTR)
            return TD_EIO;
        if (n > 0)
            data = td_sub(data, (size_t)n, data.n);
    }
    return fsync(fd) == 0 ? TD_OK : TD_EIO;
}

static void sync_parent(const char *path)
{
    char dir[4096];
    (void)snprintf(dir, sizeof(dir), "%s", path);
    char *slash = strrchr(dir, '/');
    if (slash == NULL)
        (void)snprintf(dir, sizeof(dir), ".");
    else if (slash != dir)
        *slash = '\0';
    TD_CLEANUP(close_fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        (void)fsync(fd);
}

enum td_code td_file_write(const char *path, struct td_slice data, unsigned mode, struct td_error *err)
{
    char tmp[4096];
    if (snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path) >= (int)sizeof(tmp))
        return td_fail(err, TD_ELIMIT, "path", "longer than 4,000 bytes");
    TD_CLEANUP(close_fd) int fd = mkostemp(tmp, O_CLOEXEC); /* a name of its own for every writer */
    if (fd < 0)
        return io_error(err, path, "create");
    if (fchmod(fd, (mode_t)mode) != 0 || write_all(fd, data) != TD_OK || rename(tmp, path) != 0) {
        enum td_code rc = io_error(err, path, "write");
        (void)unlink(tmp);
        return rc;
    }
    sync_parent(path);
    return TD_OK;
}

enum td_code td_dir_make(const char *path, unsigned mode, struct td_error *err)
{
    char part[4096];
    if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
        return td_fail(err, TD_ELIMIT, "path", "longer than 4,000 bytes");
    for (char *s = part + 1; *s != '\0'; s++) {
        if (*s != '/')
            continue;
        *s = '\0';
        if (mkdir(part, (mode_t)mode) != 0 && errno != EEXIST)
            return io_error(err, part, "make folder");
        *s = '/';
    }
    if (mkdir(part, (mode_t)mode) != 0 && errno != EEXIST)
        return io_error(err, part, "make folder");
    return TD_OK;
}

bool td_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}
