#include "api/content.h"

#include "api/token.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "store/enrolment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BLOCK = 1 << 16 };
static const uint64_t max_content = UINT64_C(16) << 30;

char *td_content_path(const char *data_dir, const char *sha256, struct td_arena *a)
{
    return td_arena_printf(a, "%s/content/%s", data_dir, sha256);
}

static bool is_sha256(struct td_slice s)
{
    if (s.n != 64)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return true;
}

/* bytes=a-b, bytes=a-, bytes=-n. Several ranges, or another unit, are answered whole, as RFC 9110 allows. */
enum td_range td_content_range(struct td_slice header, uint64_t size, uint64_t *ret_first, uint64_t *ret_length)
{
    struct td_slice from, to;
    uint64_t first = 0, last = 0;
    header = td_trim(header);
    if (!td_istarts(header, "bytes=") || td_find(header, ',') != SIZE_MAX)
        return TD_RANGE_NONE;
    to = td_trim(td_cut(td_sub(header, strlen("bytes="), header.n), '-', &from));
    from = td_trim(from);
    if (td_find(header, '-') == SIZE_MAX || (from.n == 0 && to.n == 0))
        return TD_RANGE_NONE;
    if ((from.n != 0 && !td_parse_u64(from, &first)) || (to.n != 0 && !td_parse_u64(to, &last)))
        return TD_RANGE_NONE;
    if (from.n == 0) { /* the last octets */
        if (last == 0 || size == 0)
            return TD_RANGE_BAD;
        first = last < size ? size - last : 0;
        last = size - 1;
    } else if (to.n == 0 || last >= size) {
        last = size != 0 ? size - 1 : 0;
    }
    if (first >= size)
        return TD_RANGE_BAD;
    if (first > last)
        return TD_RANGE_NONE; /* a range that makes no sense is ignored */
    *ret_first = first;
    *ret_length = last - first + 1;
    return TD_RANGE_ONE;
}

struct asked {
    const char *tenant, *sha256;
    const char *enrolment; /* of the device that the link was made for, NULL if for nobody in particular */
    struct td_arena *arena;
    struct td_content content;
};

/* A link that was made for a device opens nothing once that device may not be served. */
static enum td_code find(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_enrolment e;
    struct asked *q = ctx;
    if (q->enrolment != NULL)
        td_try(td_enrolment_serving(tx, q->tenant, q->enrolment, q->arena, &e, err));
    return td_content_find(tx, q->tenant, q->sha256, q->arena, &q->content, err);
}

static enum td_code check_link(struct td_service *svc, struct td_http_request *req, struct asked *ret,
                               struct td_error *err)
{
    const struct td_json *claims = NULL;
    struct td_slice sha256 = req->params[0];
    if (!is_sha256(sha256))
        return td_fail(err, TD_ENOTFOUND, "content", "there is no such content");
    enum td_code rc = td_ticket_open(svc, "content", td_http_query(req, "t"), req->arena, &claims, err);
    if (rc != TD_OK) /* who is no matter here: the link alone is judged */
        return td_fail(err, TD_EDENIED, "t",
                       rc == TD_EEXPIRED ? "the link is too old" : "the link was not made by this service");
    const char *tenant = td_json_str(claims, "tenant"), *bound = td_json_str(claims, "sha256");
    bool fits = bound != NULL && strlen(bound) >= TD_CONTENT_LINK_DIGITS && td_starts(sha256, bound);
    if (tenant == NULL || bound == NULL || (!fits && !td_fault("content-any-link")))
        return td_fail(err, TD_EDENIED, "t", "the link is for something else");
    *ret = (struct asked){.tenant = tenant,
                          .sha256 = td_arena_text(req->arena, sha256),
                          .enrolment = td_json_str(claims, "for"),
                          .arena = req->arena};
    return td_store_read(svc->store, find, ret, err);
}

static void send_file(struct td_http_request *req, struct td_http_reply *reply, const struct asked *q, int fd,
                      uint64_t size)
{
    uint64_t first = 0, length = size;
    char *etag = td_arena_printf(req->arena, "\"%s\"", q->sha256);
    struct td_slice if_range = td_http_header(req, "If-Range");
    bool fresh = if_range.n == 0 || td_eqs(if_range, etag) || td_fault("content-any-if-range");
    enum td_range range = fresh ? td_content_range(td_http_header(req, "Range"), size, &first, &length) : TD_RANGE_NONE;
    td_reply_header(reply, "Accept-Ranges", "bytes");
    td_reply_header(reply, "ETag", etag);
    td_reply_header(reply, "Cache-Control", "private, max-age=86400");
    if (range == TD_RANGE_BAD) {
        (void)close(fd);
        td_reply_header(reply, "Content-Range", td_arena_printf(req->arena, "bytes */%llu", (unsigned long long)size));
        td_reply_text(reply, 416, "text/plain; charset=utf-8", TD_S("Range: nothing of it is there.\n"));
        return;
    }
    reply->status = range == TD_RANGE_ONE ? 206 : 200;
    reply->content_type = "application/octet-stream";
    if (range == TD_RANGE_ONE)
        td_reply_header(reply, "Content-Range",
                        td_arena_printf(req->arena, "bytes %llu-%llu/%llu", (unsigned long long)first,
                                        (unsigned long long)(first + length - 1), (unsigned long long)size));
    reply->file = fd;
    reply->file_offset = first;
    reply->file_length = length;
}

static void get(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_service *svc = ctx;
    struct td_error err = {0};
    struct asked q = {0};
    struct stat st;
    if (check_link(svc, req, &q, &err) != TD_OK) {
        td_reply_problem(reply, &err);
        return;
    }
    int fd = open(td_content_path(svc->data_dir, q.sha256, req->arena), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size != q.content.size) {
        if (fd >= 0)
            (void)close(fd);
        (void)td_fail(&err, TD_EIO, "content", "its bytes are not there");
        td_reply_problem(reply, &err);
        return;
    }
    send_file(req, reply, &q, fd, (uint64_t)st.st_size);
}

static enum td_code copy(int in, int out, struct td_sha256 *hash, int64_t *ret_size, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    char *block = td_arena_alloc(&a, COPY_BLOCK);
    uint64_t size = 0;
    for (;;) {
        ssize_t n = read(in, block, COPY_BLOCK);
        if (n == 0)
            break;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || write(out, block, (size_t)n) != n)
            return td_fail(err, TD_EIO, "file", "could not be copied");
        td_sha256_add(hash, td_bytes(block, (size_t)n));
        size += (uint64_t)n;
        if (size > max_content)
            return td_fail(err, TD_ELIMIT, "file", "larger than 16 GiB");
    }
    *ret_size = (int64_t)size;
    return fsync(out) == 0 ? TD_OK : td_fail(err, TD_EIO, "file", "could not be written to disk");
}

static enum td_code import_to(const char *data_dir, const char *temporary, int in, struct td_arena *a,
                              struct td_content *ret, struct td_error *err)
{
    unsigned char digest[32];
    int out = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out < 0)
        return td_fail(err, TD_EIO, "content", "the folder for content can't be written");
    struct td_sha256 *hash = td_sha256_new();
    enum td_code rc = copy(in, out, hash, &ret->size, err);
    td_sha256_end(hash, digest);
    (void)close(out);
    ret->sha256 = td_hex(a, td_bytes(digest, sizeof(digest)));
    if (rc == TD_OK && rename(temporary, td_content_path(data_dir, ret->sha256, a)) != 0)
        rc = td_fail(err, TD_EIO, "content", "could not be put in its place");
    if (rc != TD_OK)
        (void)unlink(temporary);
    return rc;
}

enum td_code td_content_import(const char *data_dir, const char *file, struct td_arena *a, struct td_content *ret,
                               struct td_error *err)
{
    const char *slash = strrchr(file, '/');
    char *folder = td_arena_printf(a, "%s/content", data_dir);
    char *temporary = td_arena_printf(a, "%s/.new-%ld", folder, (long)getpid());
    *ret = (struct td_content){.name = td_arena_strdup(a, slash != NULL ? slash + 1 : file)};
    td_try(td_dir_make(folder, 0700, err));
    int in = open(file, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return td_fail(err, errno == ENOENT ? TD_ENOTFOUND : TD_EIO, file, "can't be read");
    enum td_code rc = import_to(data_dir, temporary, in, a, ret, err);
    (void)close(in);
    if (rc != TD_OK)
        return rc;
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        (void)fsync(dir);
        (void)close(dir);
    }
    return TD_OK;
}

const struct td_route td_content_routes[] = {
    {TD_GET, "/content/{sha256}", get, 0, 0},
};
const size_t td_content_route_count = TD_COUNTOF(td_content_routes);
