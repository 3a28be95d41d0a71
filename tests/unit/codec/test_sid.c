/* codec/sid: identifiers as octets and as text, cut at every octet; GUIDs in the order in which a directory stores
 * them. */
#include "codec/sid.h"
#include "unit/arena.h"
#include "unit/test.h"

static const unsigned char administrators[] = {1, 2, 0, 0, 0, 0, 0, 5, 0x20, 0, 0, 0, 0x20, 2, 0, 0};

static void octets_and_text(void **state TD_UNUSED)
{
    struct td_sid sid = {0};
    struct td_error err;
    char buf[TD_SID_TEXT];
    unsigned char again[TD_SID_MAX_BYTES];
    size_t used = 0;
    const char behind[] = "\1\2\0\0\0\0\0\5\x20\0\0\0\x20\2\0\0xyz";
    assert_ok(td_sid_read(td_bytes(behind, sizeof(behind) - 1), &sid, &used, &err));
    assert_int_equal(used, sizeof(administrators));
    assert_string_equal(td_sid_text(&sid, buf), "S-1-5-32-544");
    assert_int_equal(td_sid_write(&sid, again), sizeof(administrators));
    assert_memory_equal(again, administrators, sizeof(administrators));
    for (size_t n = 0; n < sizeof(administrators); n++)
        assert_int_equal(td_sid_read(td_bytes(administrators, n), &sid, &used, &err), TD_EFORMAT);
    assert_int_equal(td_sid_read(td_bytes("\2\0\0\0\0\0\0\5", 8), &sid, NULL, &err), TD_EFORMAT);
    assert_int_equal(td_sid_read(td_bytes("\1\x10\0\0\0\0\0\5", 8), &sid, NULL, &err), TD_EFORMAT);
}

static void texts(void **state TD_UNUSED)
{
    static const char *good[] = {
        "S-1-5",
        "S-1-5-18",
        "S-1-5-21-3924074211-4133179156-163744691-1107",
        "S-1-0x100000000000-7",
        "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-4294967295",
    };
    static const char *bad[] = {
        "",
        "S-1-",
        "S-1--5",
        "S-2-5-18",
        "S-1-5-",
        "S-1-5-",
        "S-1-5-18-",
        "S-1-5-+1",
        "S-1-5-4294967296",
        "S-1-4294967296-1",
        "S-1-0x",
        "S-1-0xg-18",
        "S-1-5-18 ",
        "S-1-0x1000000000000-1",
        "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16",
    };
    struct td_sid sid = {0}, again = {0};
    struct td_error err;
    char buf[TD_SID_TEXT];
    for (size_t i = 0; i < TD_COUNTOF(good); i++) {
        unsigned char octets[TD_SID_MAX_BYTES];
        assert_ok(td_sid_parse(td_str(good[i]), &sid, &err));
        assert_string_equal(td_sid_text(&sid, buf), good[i]);
        assert_ok(td_sid_read(td_bytes(octets, td_sid_write(&sid, octets)), &again, NULL, &err));
        assert_true(td_sid_equal(&sid, &again));
    }
    for (size_t i = 0; i < TD_COUNTOF(bad); i++)
        if (td_sid_parse(td_str(bad[i]), &sid, &err) != TD_EFORMAT)
            fail_msg("\"%s\" was taken", bad[i]);
}

static void domain_and_number(void **state TD_UNUSED)
{
    struct td_sid sid = {0}, domain = {0}, want = {0};
    struct td_error err;
    uint32_t rid = 0;
    assert_ok(td_sid_parse(TD_S("S-1-5-21-1-2-3-1107"), &sid, &err));
    assert_ok(td_sid_parse(TD_S("S-1-5-21-1-2-3"), &want, &err));
    assert_ok(td_sid_split(&sid, &domain, &rid, &err));
    assert_int_equal(rid, 1107);
    assert_true(td_sid_equal(&domain, &want));
    assert_false(td_sid_equal(&domain, &sid));
    assert_ok(td_sid_parse(TD_S("S-1-5"), &sid, &err));
    assert_int_equal(td_sid_split(&sid, &domain, &rid, &err), TD_EINVAL);
}

static void guids(void **state TD_UNUSED)
{
    static const char text[] = "571f8c88-a913-4b71-b3ff-79647ca81596";
    static const unsigned char stored[16] = {0x88, 0x8c, 0x1f, 0x57, 0x13, 0xa9, 0x71, 0x4b,
                                             0xb3, 0xff, 0x79, 0x64, 0x7c, 0xa8, 0x15, 0x96};
    unsigned char octets[16] = {0};
    char got[37];
    struct td_error err;
    assert_ok(td_guid_text(td_bytes(stored, 16), got, &err));
    assert_string_equal(got, text);
    assert_ok(td_guid_bytes(TD_S("{571F8C88-A913-4B71-B3FF-79647CA81596}"), octets, &err));
    assert_memory_equal(octets, stored, 16);
    assert_int_equal(td_guid_text(td_bytes(stored, 15), got, &err), TD_EFORMAT);
    static const char *bad[] = {"",
                                "571f8c88-a913-4b71-b3ff-79647ca8159",
                                "571f8c88-a913-4b71-b3ff-79647ca8159g",
                                "571f8c88aa913-4b71-b3ff-79647ca81596",
                                "{571f8c88-a913-4b71-b3ff-79647ca81596",
                                "571f8c88-a913-4b71-b3ff-79647ca815960"};
    for (size_t i = 0; i < TD_COUNTOF(bad); i++)
        assert_int_equal(td_guid_bytes(td_str(bad[i]), octets, &err), TD_EFORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(octets_and_text),
        cmocka_unit_test(texts),
        cmocka_unit_test(domain_and_number),
        cmocka_unit_test(guids),
    };
    return cmocka_run_group_tests_name("codec/sid", tests, arena_begin, arena_end);
}
