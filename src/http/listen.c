#include "http/room.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static enum td_code split(const char *where, char host[256], char port[8], struct td_error *err)
{
    struct td_slice s = td_str(where), name = td_http_host_name(s);
    if (td_starts(s, "unix:"))
        return td_fail(err, TD_EINVAL, "listen", "a socket file is for a proxy: key unix of [proxy], not an address");
    const char *colon = strrchr(where, ':');
    uint64_t number;
    if (colon == NULL || name.n == 0 || name.n > 255 || !td_parse_u64(td_str(colon + 1), &number) || number > 65535)
        return td_fail(err, TD_EINVAL, "listen", "\"%s\" is not ADDRESS:PORT such as 127.0.0.1:8443 or [::1]:8443",
                       where);
    (void)snprintf(host, 256, "%.*s", TD_FMT(name));
    (void)snprintf(port, 8, "%u", (unsigned)number);
    return TD_OK;
}

/* With SO_REUSEPORT two servers of one user could share a port unnoticed: the probe, without it, finds the other one.
 */
static int bind_one(const struct addrinfo *ai, bool probe)
{
    int one = 1, fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (!probe)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* inherited by what it accepts */
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && (probe || listen(fd, BACKLOG) == 0))
        return fd;
    int e = errno;
    (void)close(fd);
    errno = e;
    return -1;
}

static void tell_address(int fd, char address[80])
{
    struct sockaddr_storage sa = {0};
    socklen_t n = sizeof(sa);
    char host[64] = "", port[8] = "";
    if (getsockname(fd, (struct sockaddr *)&sa, &n) == 0)
        (void)getnameinfo((struct sockaddr *)&sa, n, host, sizeof(host), port, sizeof(port),
                          NI_NUMERICHOST | NI_NUMERICSERV);
    (void)snprintf(address, 80, sa.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

enum td_code td_listen(const char *where, bool probe, char address[80], int *ret_fd, struct td_error *err)
{
    char host[256], port[8];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    td_try(split(where, host, port, err));
    int rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0)
        return td_fail(err, TD_EINVAL, "listen", "cannot find the address %s: %s", host, gai_strerror(rc));
    int fd = bind_one(found, probe);
    int e = errno;
    freeaddrinfo(found);
    if (fd < 0) {
        (void)td_fail(err, TD_EIO, "listen", "cannot listen on %s: %s", where, strerror(e));
        return td_remedy(err, TD_EIO, "Stop what uses the port, or choose another with --listen.");
    }
    tell_address(fd, address);
    *ret_fd = fd;
    return TD_OK;
}
