/* The content door: links that expire, ranges of RFC 9110, nothing but what the link is for. */
#include "api/content.h"
#include "store/content.h"
#include "wire/wire.h"

#include <fcntl.h>
#include <sys/stat.h>

static const char BYTES[] = "0123456789abcdefghij";

struct shelf {
    struct wire wire;
    struct td_door door;
    struct td_content content;
    const char *link; /* good */
    struct td_http_reply reply;
    char got[64]; /* the body */
};

static enum td_code add(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct shelf *s = ctx;
    return td_content_add(tx, s->wire.tenant.id, &s->content, "test", err);
}

static const char *link_to(struct shelf *s, const char *sha256, const char *kind, const char *tenant, int64_t life)
{
    struct td_arena *a = &s->wire.arena;
    char *ticket, *payload = td_arena_printf(a, "{\"tenant\":\"%s\",\"sha256\":\"%s\"}", tenant, sha256);
    assert_ok(td_ticket_make(&s->wire.svc, kind, payload, life, a, &ticket, NULL));
    return td_arena_printf(a, "/content/%s?t=%s", s->content.sha256, ticket);
}

static int setup(void **state)
{
    struct shelf *s = td_new(struct shelf);
    struct td_error err;
    wire_open(&s->wire, &s->door, 1);
    s->door = (struct td_door){td_content_routes, td_content_route_count, &s->wire.svc};
    const char *file = td_arena_printf(&s->wire.arena, "%s/agent.msi", s->wire.dir);
    assert_ok(td_file_write(file, td_str(BYTES), 0600, &err));
    assert_ok(td_content_import(s->wire.dir, file, &s->wire.arena, &s->content, &err));
    assert_ok(td_store_write(s->wire.svc.store, add, s, &err));
    s->link = link_to(s, s->content.sha256, "content", s->wire.tenant.id, TD_HOUR);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct shelf *s = *state;
    wire_close(&s->wire);
    td_free(s);
    return 0;
}

static int get(struct shelf *s, const char *method, const char *target, const char *header, const char *header2)
{
    const char *const headers[] = {header != NULL ? header : header2, header != NULL ? header2 : NULL, NULL};
    td_loopback(&s->wire.router, method, target, headers, TD_S(""), NULL, &s->wire.arena, &s->reply);
    memset(s->got, 0, sizeof(s->got));
    if (s->reply.file >= 0) {
        assert_true(s->reply.file_length < sizeof(s->got));
        ssize_t n = pread(s->reply.file, s->got, s->reply.file_length, (off_t)s->reply.file_offset);
        assert_int_equal(n, s->reply.file_length);
        close(s->reply.file);
        s->reply.file = -1;
    }
    td_reply_done(&s->reply);
    return s->reply.status;
}

static void serves_whole_and_in_parts(void **state)
{
    static const struct {
        const char *range;
        int status;
        const char *body, *content_range;
    } rows[] = {
        {NULL, 200, BYTES, NULL},
        {"Range: bytes=0-3", 206, "0123", "bytes 0-3/20"},
        {"Range: bytes=15-", 206, "fghij", "bytes 15-19/20"},
        {"Range: bytes=-2", 206, "ij", "bytes 18-19/20"},
        {"Range: bytes=-50", 206, BYTES, "bytes 0-19/20"},
        {"Range: bytes=18-99", 206, "ij", "bytes 18-19/20"},
        {"Range: bytes=20-", 416, "", "bytes */20"},
        {"Range: bytes=-0", 416, "", "bytes */20"},
        {"Range: bytes=5-2", 200, BYTES, NULL},
        {"Range: bytes=0-1,3-4", 200, BYTES, NULL},
        {"Range: lines=1-2", 200, BYTES, NULL},
        {"Range: bytes=99999999999999999999-", 200, BYTES, NULL},
        {"Range: bytes=-", 200, BYTES, NULL},
    };
    struct shelf *s = *state;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        if (get(s, "GET", s->link, rows[i].range, NULL) != rows[i].status)
            fail_msg("%s: %d", rows[i].range, s->reply.status);
        assert_string_equal(s->got, rows[i].body);
        const char *range = td_loopback_header(&s->reply, "Content-Range");
        assert_string_equal(range != NULL ? range : "", rows[i].content_range != NULL ? rows[i].content_range : "");
        assert_string_equal(td_loopback_header(&s->reply, "Accept-Ranges"), "bytes");
    }
}

/* If-Range: a part only of the very bytes that the device began with. */
static void minds_if_range(void **state)
{
    struct shelf *s = *state;
    assert_int_equal(get(s, "GET", s->link, NULL, NULL), 200);
    const char *etag = td_loopback_header(&s->reply, "ETag");
    const char *same = td_arena_printf(&s->wire.arena, "If-Range: %s", etag);
    assert_int_equal(get(s, "GET", s->link, "Range: bytes=4-", same), 206);
    assert_int_equal(get(s, "GET", s->link, "Range: bytes=4-", "If-Range: \"another\""), 200);
    assert_string_equal(s->got, BYTES);
    assert_int_equal(get(s, "HEAD", s->link, NULL, NULL), 200);
}

static void refuses_other_links(void **state)
{
    struct shelf *s = *state;
    struct td_arena *a = &s->wire.arena;
    const char *tenant = s->wire.tenant.id, *sha = s->content.sha256;
    const char *other = "0000000000000000000000000000000000000000000000000000000000000000";
    const struct {
        const char *link;
        int status;
    } rows[] = {
        {td_arena_printf(a, "/content/%s", sha), 403},
        {td_arena_printf(a, "/content/%s?t=abc", sha), 403},
        {link_to(s, sha, "device", tenant, TD_HOUR), 403},
        {link_to(s, other, "content", tenant, TD_HOUR), 403},
        {link_to(s, td_arena_printf(a, "%.24s", sha), "content", tenant, TD_HOUR), 200},
        {link_to(s, td_arena_printf(a, "%.23s", sha), "content", tenant, TD_HOUR), 403},
        {link_to(s, "", "content", tenant, TD_HOUR), 403},
        {link_to(s, td_arena_printf(a, "%s0", sha), "content", tenant, TD_HOUR), 403},
        {link_to(s, sha, "content", s->wire.other.id, TD_HOUR), 404},
        {td_arena_printf(a, "/content/%s?t=abc", "..%2F..%2Fetc%2Fpasswd"), 404},
        {td_arena_printf(a, "/content/%.63s?t=abc", sha), 404},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (get(s, "GET", rows[i].link, NULL, NULL) != rows[i].status)
            fail_msg("row %zu: %d", i, s->reply.status);
    s->wire.env.now += TD_HOUR + TD_SECOND;
    assert_int_equal(get(s, "GET", s->link, NULL, NULL), 403);
}

static void tells_missing_bytes(void **state)
{
    struct shelf *s = *state;
    struct td_error err;
    const char *path = td_content_path(s->wire.dir, s->content.sha256, &s->wire.arena);
    assert_ok(td_file_write(path, TD_S("short"), 0600, &err));
    assert_int_equal(get(s, "GET", s->link, NULL, NULL), 503);
    unlink(path);
    assert_int_equal(get(s, "GET", s->link, NULL, NULL), 503);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(serves_whole_and_in_parts),
        T(minds_if_range),
        T(refuses_other_links),
        T(tells_missing_bytes),
    };
    return cmocka_run_group_tests_name("content", tests, NULL, NULL);
}
