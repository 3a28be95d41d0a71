/* codec/security_descriptor: one of a real directory, lists made by hand, cut at every octet, judged in their order. */
#include "base/encode.h"
#include "codec/security_descriptor.h"
#include "unit/arena.h"
#include "unit/test.h"

enum { READ = 0x10, CONTROL = 0x100 };

static struct td_error err;

/* Apply Group Policy, as a descriptor stores it. */
static const unsigned char apply[16] = {0x8f, 0xfd, 0xac, 0xed, 0xb3, 0xff, 0xd1, 0x11,
                                        0xb4, 0x1d, 0x00, 0xa0, 0xc9, 0x68, 0xf9, 0x39};
static const unsigned char other[16] = {1, 2, 3};

/* A policy as a Samba domain made it: everybody who signed in may read and apply it, administrators write. */
static const char policy[] =
    "AQAHkBQAAAAwAAAAAAAAAEwAAAABBQAAAAAABRUAAADjnuTpFE9b9rOLwgkAAgAAAQUAAAAAAAUVAAAA457k6RRPW/azi8IJAAIAAAQA7AAIAAAA"
    "AAIkAP8ADwABBQAAAAAABRUAAADjnuTpFE9b9rOLwgkAAgAAAAIkAP8ADwABBQAAAAAABRUAAADjnuTpFE9b9rOLwgkHAgAAAAoUAP8ADwABAQAA"
    "AAAAAwAAAAAAACQA/wAPAAEFAAAAAAAFFQAAAOOe5OkUT1v2s4vCCQACAAAAAhQA/wAPAAEBAAAAAAAFEgAAAAACFACUAAIAAQEAAAAAAAULAAAA"
    "BQIoAAABAAABAAAAj/2s7bP/0RG0HQCgyWj5OQEBAAAAAAAFCwAAAAACFACUAAIAAQEAAAAAAAUJAAAA";

static struct td_sid sid(const char *text)
{
    struct td_sid s = {0};
    assert_ok(td_sid_parse(td_str(text), &s, &err));
    return s;
}

static void one_of_a_directory(void **state TD_UNUSED)
{
    struct td_slice bytes = {0};
    struct td_security_descriptor sd = {0};
    char buf[TD_SID_TEXT];
    struct td_sid anybody = sid("S-1-5-11"), nobody = sid("S-1-5-7"),
                  admins = sid("S-1-5-21-3924074211-4133179156-163744691-512");
    assert_ok(td_b64_decode(&arena, td_str(policy), TD_B64_STD, &bytes));
    assert_ok(td_security_descriptor_read(bytes, &arena, &sd, &err));
    assert_string_equal(td_sid_text(&sd.owner, buf), "S-1-5-21-3924074211-4133179156-163744691-512");
    assert_int_equal(sd.ace_count, 8);
    assert_true(sd.aces[6].has_object && memcmp(sd.aces[6].object, apply, 16) == 0);
    assert_true(sd.aces[2].inherit_only);
    assert_true(td_security_descriptor_grants(&sd, &anybody, 1, CONTROL, apply));
    assert_true(td_security_descriptor_grants(&sd, &anybody, 1, READ, NULL));
    assert_false(td_security_descriptor_grants(&sd, &anybody, 1, CONTROL, other));
    assert_false(td_security_descriptor_grants(&sd, &anybody, 1, CONTROL, NULL));
    assert_false(td_security_descriptor_grants(&sd, &anybody, 1, 0x20, NULL));
    assert_true(td_security_descriptor_grants(&sd, &admins, 1, 0x20, NULL));
    assert_false(td_security_descriptor_grants(&sd, &nobody, 1, CONTROL, apply));
    assert_false(td_security_descriptor_grants(&sd, NULL, 0, CONTROL, apply));
    for (size_t n = 0; n < bytes.n; n++) {
        char *copy = td_alloc(n + 1);
        memcpy(copy + 1, bytes.p, n);
        assert_int_equal(td_security_descriptor_read(td_bytes(copy + 1, n), &arena, &sd, &err), TD_EFORMAT);
        td_free(copy);
    }
}

struct entry {
    unsigned char type, flags;
    uint32_t mask;
    const unsigned char *object;
    const char *who;
};

/* Head, then the list; the owner is left out. */
static struct td_slice made(const struct entry *entries, size_t count)
{
    struct td_buf b;
    td_buf_init(&b, 65536);
    td_buf_add(&b, td_bytes("\1\0\4\x80\0\0\0\0\0\0\0\0\0\0\0\0\x14\0\0\0"
                            "\4\0\0\0\0\0\0\0",
                            28));
    for (size_t i = 0; i < count; i++) {
        const struct entry *e = &entries[i];
        unsigned char octets[TD_SID_MAX_BYTES];
        struct td_sid who = sid(e->who);
        size_t n = td_sid_write(&who, octets), object = e->type < 5 ? 0 : e->object != NULL ? 20 : 4;
        td_buf_addc(&b, (char)e->type);
        td_buf_addc(&b, (char)e->flags);
        td_buf_le16(&b, (uint16_t)(8 + object + n));
        td_buf_le32(&b, e->mask);
        if (object != 0)
            td_buf_le32(&b, object > 4);
        if (object > 4)
            td_buf_add(&b, td_bytes(e->object, 16));
        td_buf_add(&b, td_bytes(octets, n));
    }
    b.p[22] = (char)(b.n - 20);
    b.p[23] = (char)((b.n - 20) >> 8);
    b.p[24] = (char)count;
    struct td_slice out = td_arena_copy(&arena, td_buf_slice(&b));
    td_buf_done(&b);
    return out;
}

#define ME "S-1-5-21-1-2-3-1107"
static bool granted(const struct entry *entries, size_t count, uint32_t mask, const unsigned char *right)
{
    struct td_security_descriptor sd = {0};
    struct td_sid who[] = {sid("S-1-1-0"), sid(ME)};
    assert_ok(td_security_descriptor_read(made(entries, count), &arena, &sd, &err));
    return td_security_descriptor_grants(&sd, who, TD_COUNTOF(who), mask, right);
}

static void in_their_order(void **state TD_UNUSED)
{
    static const struct {
        struct entry entries[3];
        size_t count;
        uint32_t mask;
        const unsigned char *right;
        bool want;
    } rows[] = {
        {{{0}}, 0, READ, NULL, false},
        {{{0, 0, READ, NULL, ME}}, 1, READ, NULL, true},
        {{{0, 0, READ, NULL, "S-1-5-18"}}, 1, READ, NULL, false},
        {{{0, 8, READ, NULL, ME}}, 1, READ, NULL, false},                                /* for what is below only */
        {{{0, 2, READ, NULL, ME}}, 1, READ, NULL, true},                                 /* for it, and what is below */
        {{{1, 0, READ, NULL, ME}, {0, 0, READ, NULL, "S-1-1-0"}}, 2, READ, NULL, false}, /* refused first */
        {{{0, 0, READ, NULL, "S-1-1-0"}, {1, 0, READ, NULL, ME}}, 2, READ, NULL, true},  /* granted first */
        {{{0, 0, READ, NULL, ME}, {0, 0, CONTROL, NULL, ME}}, 2, READ | CONTROL, NULL, true},
        {{{0, 0, READ, NULL, ME}}, 1, READ | CONTROL, NULL, false},
        {{{1, 0, 0x20, NULL, ME}, {0, 0, READ, NULL, ME}}, 2, READ, NULL, true}, /* another right refused */
        {{{5, 0, CONTROL, apply, ME}}, 1, CONTROL, apply, true},
        {{{5, 0, CONTROL, other, ME}}, 1, CONTROL, apply, false},
        {{{5, 0, CONTROL, NULL, ME}}, 1, CONTROL, apply, true}, /* every right */
        {{{0, 0, CONTROL, NULL, ME}}, 1, CONTROL, apply, true},
        {{{6, 0, CONTROL, apply, ME}, {0, 0, CONTROL, NULL, ME}}, 2, CONTROL, apply, false},
        {{{6, 0, CONTROL, other, ME}, {0, 0, CONTROL, NULL, ME}}, 2, CONTROL, apply, true},
        {{{2, 0, CONTROL, NULL, ME}}, 1, CONTROL, apply, false},                    /* audit */
        {{{9, 0, CONTROL, NULL, ME}, {0, 0, READ, NULL, ME}}, 2, READ, NULL, true}, /* callback: left out */
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (granted(rows[i].entries, rows[i].count, rows[i].mask, rows[i].right) != rows[i].want)
            fail_msg("row %zu", i);
}

static void no_list_grants_all(void **state TD_UNUSED)
{
    struct td_security_descriptor sd = {0};
    struct td_sid me = sid(ME);
    char head[20] = {1, 0, 0, (char)0x80};
    assert_ok(td_security_descriptor_read(td_bytes(head, 20), &arena, &sd, &err));
    assert_true(!sd.has_dacl && !sd.has_owner && td_security_descriptor_grants(&sd, &me, 1, READ, NULL));
    head[2] = 4; /* a list is there, and it is none */
    assert_ok(td_security_descriptor_read(td_bytes(head, 20), &arena, &sd, &err));
    assert_false(sd.has_dacl);
}

static void lies(void **state TD_UNUSED)
{
    struct entry one = {0, 0, READ, NULL, ME}, object = {5, 0, READ, apply, ME};
    struct td_security_descriptor sd = {0};
    static const struct {
        size_t at;
        unsigned char octet;
    } rows[] = {{0, 2},  {3, 0},  {4, 200}, {16, 250}, {16, 26}, {22, 255}, {22, 4},
                {24, 2}, {25, 5}, {30, 3},  {30, 200}, {30, 12}, {36, 2},   {37, 15}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_slice bytes = made(&one, 1);
        char *copy = td_arena_text(&arena, bytes);
        copy[rows[i].at] = (char)rows[i].octet;
        if (td_security_descriptor_read(td_bytes(copy, bytes.n), &arena, &sd, &err) == TD_OK)
            fail_msg("row %zu was taken", i);
    }
    struct td_slice bytes = made(&object, 1);
    char *copy = td_arena_text(&arena, bytes);
    copy[36] = 3; /* a second GUID, where the identity stands */
    assert_int_equal(td_security_descriptor_read(td_bytes(copy, bytes.n), &arena, &sd, &err), TD_EFORMAT);
    assert_int_equal(td_security_descriptor_read(td_bytes(copy, TD_SD_MAX + 1), &arena, &sd, &err), TD_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_a_directory),
        cmocka_unit_test(in_their_order),
        cmocka_unit_test(no_list_grants_all),
        cmocka_unit_test(lies),
    };
    return cmocka_run_group_tests_name("codec/security_descriptor", tests, arena_begin, arena_end);
}
