/* codec/tcg_log: a log of a firmware with two banks, one of ours, cut at every octet; Secure Boot; where PCR 0 begins.
 */
#include "codec/tcg_log.h"
#include "unit/arena.h"
#include "unit/test.h"

#include <stdlib.h>

static struct td_error err;
static const unsigned char global[16] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                         0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};

static enum td_code read_log(struct td_slice in, struct td_tcg_log *ret)
{
    return td_tcg_log_read(in, &arena, ret, &err);
}

/* Header of a log with SHA-1 and SHA-256, as firmware writes it. */
static void two_banks(struct td_buf *b)
{
    char zeros[20] = {0};
    td_buf_le32(b, 0);
    td_buf_le32(b, 3);
    td_buf_add(b, td_bytes(zeros, 20));
    td_buf_le32(b, 16 + 8 + 4 + 8 + 1 + 3);
    td_buf_add(b, td_bytes("Spec ID Event03\0\0\0\0\0\0\2\0\2", 24));
    td_buf_le32(b, 2);
    td_buf_le16(b, 0x0004);
    td_buf_le16(b, 20);
    td_buf_le16(b, 0x000b);
    td_buf_le16(b, 32);
    td_buf_add(b, TD_S("\3abc"));
}

static void two_banks_event(struct td_buf *b, uint32_t pcr, uint32_t type, char fill, struct td_slice data)
{
    char digest[32];
    memset(digest, fill, sizeof(digest));
    td_buf_le32(b, pcr);
    td_buf_le32(b, type);
    td_buf_le32(b, 2);
    td_buf_le16(b, 0x0004);
    td_buf_add(b, td_bytes(digest, 20));
    td_buf_le16(b, 0x000b);
    td_buf_add(b, td_bytes(digest, 32));
    td_buf_le32(b, (uint32_t)data.n);
    td_buf_add(b, data);
}

static void log_of_a_firmware(void **state TD_UNUSED)
{
    struct td_buf b;
    struct td_tcg_log log = {0};
    size_t ends[3] = {0};
    td_buf_init(&b, 65536);
    two_banks(&b);
    ends[0] = b.n;
    two_banks_event(&b, 0xffffffff, TD_TCG_NO_ACTION, 0, td_bytes("StartupLocality\0\3", 17));
    ends[1] = b.n;
    two_banks_event(&b, 0, TD_TCG_S_CRTM_VERSION, 7, TD_S("version"));
    ends[2] = b.n;
    two_banks_event(&b, 7, TD_TCG_SEPARATOR, 9, td_bytes("\0\0\0", 4));
    assert_ok(read_log(td_buf_slice(&b), &log));
    assert_int_equal(log.count, 3);
    assert_int_equal(log.locality, 3);
    assert_int_equal(log.events[1].type, TD_TCG_S_CRTM_VERSION);
    assert_int_equal(log.events[1].sha256.n, 32);
    assert_int_equal(log.events[1].sha256.p[31], 7);
    assert_slice(log.events[1].data, "version");
    assert_int_equal(log.events[2].pcr, 7);
    for (size_t n = 0; n < b.n; n++) { /* it may end behind an event only */
        char *copy = malloc(n != 0 ? n : 1);
        memcpy(copy, b.p, n);
        bool whole = n == ends[0] || n == ends[1] || n == ends[2];
        size_t begun = n < ends[1] ? ends[0] : n < ends[2] ? ends[1] : ends[2];
        bool filling = n > ends[0]; /* nothing but zeros, or ones, behind the last whole event */
        for (size_t i = begun; i < n; i++)
            filling = filling && copy[i] == copy[begun] && (copy[i] == 0 || copy[i] == (char)0xff);
        if ((read_log(td_bytes(copy, n), &log) == TD_OK) != (whole || filling))
            fail_msg("%zu octets", n);
        free(copy);
    }
    for (int fill = 0; fill < 2; fill++) {
        size_t n = b.n;
        memset(td_buf_grow(&b, 100), fill != 0 ? 0xff : 0, 100);
        assert_ok(read_log(td_buf_slice(&b), &log));
        assert_int_equal(log.count, 3);
        b.n = n;
    }
    td_buf_done(&b);
}

static void bent(size_t at, char value, const char *reason)
{
    struct td_buf b;
    struct td_tcg_log log = {0};
    td_buf_init(&b, 65536);
    two_banks(&b);
    two_banks_event(&b, 1, TD_TCG_SEPARATOR, 9, td_bytes("\0\0\0", 4));
    assert_ok(read_log(td_buf_slice(&b), &log));
    b.p[at] = value;
    assert_int_equal(read_log(td_buf_slice(&b), &log), TD_EFORMAT);
    if (strstr(err.text, reason) == NULL)
        fail_msg("octet %zu: \"%s\" does not say %s", at, err.text, reason);
    td_buf_done(&b);
}

static void refuses(void **state TD_UNUSED)
{
    enum { DATA = 32, COUNT = DATA + 24, FIRST = DATA + 40 };
    bent(0, 1, "header event");
    bent(4, 4, "header event");
    bent(DATA + 14, '2', "TCG2"); /* the older log */
    bent(COUNT, 0, "algorithms");
    bent(COUNT, 9, "algorithms");
    bent(COUNT + 8, 4, "algorithm 1"); /* twice the same */
    bent(COUNT + 10, 31, "algorithm 1");
    bent(COUNT + 12, 9, "cut off"); /* the vendor's part past the event */
    bent(FIRST, 24, "PCR 24");
    bent(FIRST + 8, 3, "event 0");   /* more digests than algorithms */
    bent(FIRST + 12, 5, "event 0");  /* unknown algorithm */
    bent(FIRST + 12, 11, "event 0"); /* twice the same */
}

static void limits(void **state TD_UNUSED)
{
    struct td_buf b;
    struct td_tcg_log log = {0};
    unsigned char digest[32] = {1};
    td_buf_init(&b, 1 << 20);
    td_tcg_log_begin(&b);
    for (size_t i = 0; i < TD_TCG_MAX_EVENTS; i++)
        td_tcg_log_add(&b, (uint32_t)(i % 24), TD_TCG_SEPARATOR, digest, TD_S(""));
    assert_ok(read_log(td_buf_slice(&b), &log));
    assert_int_equal(log.count, TD_TCG_MAX_EVENTS);
    assert_int_equal(log.events[4095].pcr, 4095 % 24);
    td_tcg_log_add(&b, 0, TD_TCG_SEPARATOR, digest, TD_S(""));
    assert_int_equal(read_log(td_buf_slice(&b), &log), TD_ELIMIT);
    memset(td_buf_grow(&b, TD_TCG_MAX), 0, TD_TCG_MAX);
    assert_int_equal(read_log(td_buf_slice(&b), &log), TD_ELIMIT);
    td_buf_done(&b);
}

static enum td_tcg_secure_boot said(uint32_t pcr, uint32_t type, const char *name, struct td_slice value)
{
    struct td_buf b;
    td_buf_init(&b, 1024);
    td_tcg_variable_write(&b, global, name, value);
    struct td_tcg_event e = {.pcr = pcr, .type = type, .data = td_arena_copy(&arena, td_buf_slice(&b))};
    td_buf_done(&b);
    return td_tcg_event_secure_boot(&e);
}

static void secure_boot(void **state TD_UNUSED)
{
    const uint32_t variable = TD_TCG_EFI_VARIABLE_DRIVER_CONFIG;
    assert_int_equal(said(7, variable, "SecureBoot", TD_S("\1")), TD_TCG_ON);
    assert_int_equal(said(7, variable, "SecureBoot", td_bytes("\0", 1)), TD_TCG_OFF);
    assert_int_equal(said(7, variable, "SecureBoot", TD_S("")), TD_TCG_OFF);
    assert_int_equal(said(7, variable, "SecureBoot", TD_S("\1\1")), TD_TCG_OFF);
    assert_int_equal(said(6, variable, "SecureBoot", TD_S("\1")), TD_TCG_UNTOLD);
    assert_int_equal(said(7, TD_TCG_SEPARATOR, "SecureBoot", TD_S("\1")), TD_TCG_UNTOLD);
    assert_int_equal(said(7, variable, "SecureBoou", TD_S("\1")), TD_TCG_UNTOLD);
    assert_int_equal(said(7, variable, "PK", TD_S("\1")), TD_TCG_UNTOLD);
    struct td_tcg_event short_one = {.pcr = 7, .type = variable, .data = TD_S("\x61\xdf")};
    assert_int_equal(td_tcg_event_secure_boot(&short_one), TD_TCG_UNTOLD);
}

/* The data of the variable, octet for octet as UEFI_VARIABLE_DATA has it. */
static void variable_data(void **state TD_UNUSED)
{
    struct td_buf b;
    td_buf_init(&b, 1024);
    td_tcg_variable_write(&b, global, "PK", TD_S("xyz"));
    assert_true(td_eq(td_sub(td_buf_slice(&b), 16, 99), td_bytes("\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0P\0K\0xyz", 23)));
    td_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_of_a_firmware), cmocka_unit_test(refuses),       cmocka_unit_test(limits),
        cmocka_unit_test(secure_boot),       cmocka_unit_test(variable_data),
    };
    return cmocka_run_group_tests_name("codec/tcg_log", tests, arena_begin, arena_end);
}
