#include "net/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOWEST = 256, MAX_HEADERS = 65536 }; /* octets a second, over the identity's time-out */

struct download {
    struct td_net *net;
    struct td_buf head;
    int fd;
    uint64_t have, max; /* have: octets in the file */
    uint64_t total;     /* as the server tells it, 0: unknown */
    bool begun, full, broken;
};

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static long status_of(const struct download *d)
{
    long status = 0;
    (void)curl_easy_getinfo(d->net->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* Content-Range: "bytes 5-9/10", or "bytes * /10" (without the blank) of a 416. */
static bool content_range(struct download *d, uint64_t *ret_first, uint64_t *ret_total)
{
    struct td_net_response r = {.headers = td_buf_slice(&d->head)};
    struct td_slice span, value = td_net_header(&r, "content-range");
    if (!td_istarts(value, "bytes "))
        return false;
    struct td_slice total = td_cut(td_trim(td_sub(value, 6, value.n)), '/', &span), first;
    (void)td_cut(span, '-', &first);
    if (!td_eqs(first, "*") && !td_parse_u64(first, ret_first))
        return false;
    return td_parse_u64(total, ret_total);
}

static void learn_length(struct download *d)
{
    struct td_net_response r = {.headers = td_buf_slice(&d->head)};
    uint64_t n = 0;
    if (td_parse_u64(td_net_header(&r, "content-length"), &n))
        d->total = n;
}

/* Where the answer's first octet belongs: behind what we have, or at the start of an emptied file. */
static bool begin(struct download *d)
{
    uint64_t first = 0;
    if (status_of(d) == 206)
        return content_range(d, &first, &d->total) && first == d->have;
    learn_length(d);
    d->have = 0;
    return ftruncate(d->fd, 0) == 0;
}

static bool write_at(struct download *d, struct td_slice data)
{
    while (data.n != 0) {
        ssize_t n = pwrite(d->fd, data.p, data.n, (off_t)d->have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        d->have += (uint64_t)n;
        data = td_sub(data, (size_t)n, data.n);
    }
    return true;
}

static size_t on_data(char *data, size_t size, size_t count, void *ctx)
{
    struct download *d = ctx;
    size_t n = size * count;
    long status = status_of(d);
    if (status != 200 && status != 206)
        return n; /* the body of a refusal is of no use here */
    if (!d->begun)
        d->broken = !begin(d);
    d->begun = true;
    if (d->broken)
        return 0;
    d->full = n > d->max || d->have > d->max - n || d->total > d->max;
    if (d->full)
        return 0;
    d->broken = !write_at(d, td_bytes(data, n));
    return d->broken ? 0 : n;
}

static enum td_code refused(const struct download *d, struct td_error *err)
{
    long status = status_of(d);
    enum td_code code = status == 404 || status == 410                    ? TD_ENOTFOUND
                        : status == 401 || status == 403                  ? TD_EDENIED
                        : status == 408 || status == 429 || status >= 500 ? TD_EUNAVAILABLE
                                                                          : TD_EIO;
    return td_fail(err, code, "download", "the server answered %ld", status);
}

static enum td_code transfer(struct download *d, const char *url, struct td_error *err)
{
    CURL *c = d->net->curl;
    char range[32];
    (void)snprintf(range, sizeof(range), "%llu-", (unsigned long long)d->have);
    (void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, NULL);
    (void)curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
    (void)curl_easy_setopt(c, CURLOPT_URL, url);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, NULL);
    (void)curl_easy_setopt(c, CURLOPT_RANGE, d->have != 0 ? range : NULL);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT, 0L); /* a large file may take long, but not stand still */
    (void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST);
    (void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)d->net->timeout_seconds);
    (void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, td_net_on_header);
    (void)curl_easy_setopt(c, CURLOPT_HEADERDATA, &d->head);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, d);
    d->net->cause[0] = '\0';
    d->begun = false;
    d->total = 0;
    CURLcode rc = curl_easy_perform(c);
    (void)curl_easy_setopt(c, CURLOPT_RANGE, NULL);
    if (d->full)
        return td_fail(err, TD_ELIMIT, "download", "more than %llu octets", (unsigned long long)d->max);
    if (d->broken)
        return td_fail(err, TD_EIO, "download", "cannot write, or the range answered is not the one asked for");
    return td_net_verdict(d->net, rc, url, err);
}

static enum td_code finish(struct download *d, struct td_error *err)
{
    long status = status_of(d);
    if (status != 200 && status != 206)
        return refused(d, err);
    if (!d->begun && !begin(d)) /* an empty body calls nothing */
        return td_fail(err, TD_EIO, "download", "cannot empty the file");
    if (d->total != 0 && d->total != d->have)
        return td_fail(err, TD_EUNAVAILABLE, "download", "%llu of %llu octets came", (unsigned long long)d->have,
                       (unsigned long long)d->total);
    return fsync(d->fd) == 0 ? TD_OK : td_fail(err, TD_EIO, "download", "cannot write: %s", strerror(errno));
}

static enum td_code run(struct download *d, const char *url, struct td_error *err)
{
    uint64_t first = 0, total = 0;
    td_try(transfer(d, url, err));
    if (status_of(d) == 416 && content_range(d, &first, &total) && total == d->have)
        return TD_OK; /* it was whole already */
    if (status_of(d) == 416 && d->have != 0) {
        d->have = 0; /* what we have is not a beginning of what they have */
        td_try(transfer(d, url, err));
    }
    return finish(d, err);
}

enum td_code td_net_download(struct td_net *net, const char *url, const char *path, uint64_t max, uint64_t *ret_total,
                             struct td_error *err)
{
    TD_CLEANUP(close_fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return td_fail(err, TD_EIO, "download", "cannot open the file: %s", strerror(errno));
    struct download d = {.net = net, .fd = fd, .have = (uint64_t)st.st_size, .max = max};
    td_buf_init(&d.head, MAX_HEADERS);
    enum td_code rc = run(&d, url, err);
    td_buf_done(&d.head);
    if (rc == TD_OK && ret_total != NULL)
        *ret_total = d.have;
    return rc;
}
