#include "http/room.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024, MODE = 0660 };

static enum td_code io_fail(const char *path, const char *doing, struct td_error *err)
{
    return td_fail(err, TD_EIO, "unix", "cannot %s %s: %s", doing, path, strerror(errno));
}

static int open_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* What a server that was killed left behind is removed; a living one, or a file of another kind, is not. */
static enum td_code make_room(const struct sockaddr_un *sa, struct td_error *err)
{
    struct stat st;
    if (lstat(sa->sun_path, &st) != 0)
        return errno == ENOENT ? TD_OK : io_fail(sa->sun_path, "look at", err);
    if (!S_ISSOCK(st.st_mode))
        return td_fail(err, TD_EIO, "unix", "%s is there and is not a socket", sa->sun_path);
    int fd = open_socket(), rc = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)), e = errno;
    if (fd >= 0)
        (void)close(fd);
    if (rc == 0 || e != ECONNREFUSED)
        return td_fail(err, TD_EIO, "unix", "another server listens on %s", sa->sun_path);
    return unlink(sa->sun_path) == 0 ? TD_OK : io_fail(sa->sun_path, "remove the old", err);
}

/* Narrow before it stands in the file system, and the exact mode afterwards, whatever the umask. */
static bool bind_it(int fd, const struct sockaddr_un *sa, struct td_socket_file *f)
{
    struct stat st;
    if (fchmod(fd, MODE) != 0 || bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) != 0)
        return false;
    (void)snprintf(f->path, sizeof(f->path), "%s", sa->sun_path);
    if (chmod(f->path, MODE) != 0 || listen(fd, BACKLOG) != 0 || lstat(f->path, &st) != 0)
        return false;
    f->device = (uint64_t)st.st_dev;
    f->inode = (uint64_t)st.st_ino;
    return true;
}

enum td_code td_listen_file(const char *path, struct td_socket_file *ret, struct td_error *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (path[0] != '/' || strlen(path) >= sizeof(sa.sun_path))
        return td_fail(err, TD_EINVAL, "unix", "\"%.60s\" is not an absolute path of at most %zu octets", path,
                       sizeof(sa.sun_path) - 1);
    memcpy(sa.sun_path, path, strlen(path));
    td_try(make_room(&sa, err));
    int fd = open_socket();
    if (fd < 0 || !bind_it(fd, &sa, ret)) {
        (void)io_fail(path, "listen on", err);
        if (fd >= 0)
            (void)close(fd);
        return TD_EIO;
    }
    ret->fd = fd;
    return TD_OK;
}

void td_listen_file_end(struct td_socket_file *f)
{
    struct stat st;
    if (f->fd < 0)
        return;
    (void)close(f->fd);
    f->fd = -1;
    if (lstat(f->path, &st) == 0 && (uint64_t)st.st_dev == f->device && (uint64_t)st.st_ino == f->inode)
        (void)unlink(f->path);
}
