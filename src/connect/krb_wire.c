#include "base/env.h"
#include "base/fault.h"
#include "connect/krb_room.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static enum td_code no_kdc(const struct td_krb_realm *r, const char *why, struct td_error *err)
{
    enum td_code rc =
        td_fail(err, TD_EUNAVAILABLE, "kerberos", "no domain controller of %s answers: %s", r->realm, why);
    if (err != NULL)
        err->hresult = 0x8007054b;
    return td_remedy(err, rc, "is a domain controller in reach at port 88, and does its name resolve?");
}

/* "host", "host:port", "[v6]:port"; without a KDC the realm's own name, which resolves to its controllers. */
static void split(const struct td_krb_realm *r, struct td_arena *a, const char **ret_host, const char **ret_port)
{
    char *host = td_arena_strdup(a, r->kdc != NULL && r->kdc[0] != '\0' ? r->kdc : r->realm);
    char *colon = strrchr(host, ':');
    *ret_port = "88";
    if (host[0] == '[') {
        char *end = strchr(host, ']');
        if (end != NULL) {
            *end = '\0';
            *ret_port = end[1] == ':' ? end + 2 : "88";
        }
        host++;
    } else if (colon != NULL && strchr(host, ':') == colon) {
        *colon = '\0';
        *ret_port = colon + 1;
    }
    if (r->kdc == NULL)
        td_lower(host);
    *ret_host = host;
}

static bool wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = (deadline - td_monotonic()) / 1000;
        struct pollfd p = {.fd = fd, .events = events};
        int n = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (n >= 0 || errno != EINTR)
            return n > 0;
    }
}

static int dial(const struct addrinfo *ai, int64_t deadline)
{
    int failed = 0;
    socklen_t size = sizeof(failed);
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int rc = connect(fd, ai->ai_addr, ai->ai_addrlen);
    bool up = rc == 0 || (errno == EINPROGRESS && wait_for(fd, POLLOUT, deadline) &&
                          getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) == 0 && failed == 0);
    if (up)
        return fd;
    (void)close(fd);
    return -1;
}

static bool put(int fd, struct td_slice s, int64_t deadline)
{
    while (s.n != 0) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (n > 0)
            s = td_sub(s, (size_t)n, SIZE_MAX);
        else if (!wait_for(fd, POLLOUT, deadline))
            return false;
    }
    return true;
}

static bool get(int fd, void *to, size_t n, int64_t deadline)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = wait_for(fd, POLLIN, deadline) ? recv(fd, (char *)to + at, n - at, 0) : 0;
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        at += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static const char *talk(int fd, struct td_slice request, int64_t deadline, struct td_arena *a, struct td_slice *ret)
{
    const uint32_t size = (uint32_t)request.n;
    unsigned char head[4] = {(unsigned char)(size >> 24), (unsigned char)(size >> 16), (unsigned char)(size >> 8),
                             (unsigned char)size};
    if (!put(fd, td_bytes(head, 4), deadline) || !put(fd, request, deadline) || !get(fd, head, 4, deadline))
        return "no answer in time";
    size_t n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    if (n == 0 || n > TD_KRB_MESSAGE_MAX)
        return "what answers is no KDC";
    char *to = td_arena_alloc(a, n);
    *ret = td_bytes(to, n);
    return get(fd, to, n, deadline) ? NULL : "the answer broke off";
}

enum td_code td_krb_exchange(const struct td_krb_realm *r, struct td_slice request, struct td_arena *a,
                             struct td_slice *ret, struct td_error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    struct addrinfo *found = NULL;
    const char *host, *port, *why = "it can't be reached";
    int64_t deadline = td_monotonic() + (r->seconds > 0 ? r->seconds : TD_KRB_SECONDS) * TD_SECOND;
    split(r, a, &host, &port);
    int rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0)
        return no_kdc(r, td_arena_printf(a, "%s: %s", host, gai_strerror(rc)), err);
    for (const struct addrinfo *ai = found; ai != NULL && why != NULL; ai = ai->ai_next) {
        int fd = dial(ai, deadline);
        if (fd < 0)
            continue;
        why = talk(fd, request, deadline, a, ret);
        (void)close(fd);
    }
    freeaddrinfo(found);
    return why == NULL ? TD_OK : no_kdc(r, td_arena_printf(a, "%s: %s", host, why), err);
}

static uint32_t le32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* Both forms hold an octet string of status, nought and flags, four octets each ([MS-KILE] 2.2.2). */
uint32_t td_krb_status(struct td_slice e_data)
{
    for (size_t i = 0; i + 14 <= e_data.n; i++) {
        const char *p = e_data.p + i;
        if (p[0] == 0x04 && p[1] == 12 && le32(p + 2) >> 30 == 3 && le32(p + 6) == 0)
            return le32(p + 2);
    }
    return 0;
}

/* Revoked without a status is what Samba says of a locked account; of a disabled one it gives the status. */
uint32_t td_krb_win32(int number, uint32_t status)
{
    static const struct {
        uint32_t status, win32;
    } by_status[] = {
        {0xc000006a, 1326}, {0xc000006d, 1326}, {0xc0000064, 1326}, {0xc000006f, 1328},
        {0xc0000070, 1329}, {0xc0000071, 1330}, {0xc0000072, 1331}, {0xc0000193, 1793},
        {0xc0000224, 1907}, {0xc0000234, 1909}, {0xc0000133, 1398},
    };
    static const struct {
        int number;
        uint32_t win32;
    } by_number[] = {
        {TD_KRB_NAME_EXPIRED, 1793},   {TD_KRB_CLIENT_UNKNOWN, 1326}, {TD_KRB_POLICY, 1328},
        {TD_KRB_CLIENT_REVOKED, 1909}, {TD_KRB_KEY_EXPIRED, 1907},    {TD_KRB_PREAUTH_FAILED, 1326},
        {TD_KRB_SKEW, 1398},           {TD_KRB_BAD_INTEGRITY, 1326},  {TD_KRB_MODIFIED, 1326},
        {TD_KRB_WRONG_REALM, 1355},    {TD_KRB_ETYPE, 2148},
    };
    for (size_t i = 0; i < TD_COUNTOF(by_status); i++)
        if (by_status[i].status == status && !td_fault("krb-status-unread"))
            return by_status[i].win32;
    for (size_t i = 0; i < TD_COUNTOF(by_number); i++)
        if (by_number[i].number == number)
            return by_number[i].win32;
    return 0;
}
