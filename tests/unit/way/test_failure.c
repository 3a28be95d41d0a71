/* way/failure: every row is whole, the known codes of autopilot.md 6.7 and mde2.md 5 are there, codes are read as
 * people paste them. */
#include "unit/test.h"
#include "way/failure.h"

#include <stdio.h>

static void every_row_is_whole(void **state TD_UNUSED)
{
    struct td_failure f;
    size_t n = 0;
    for (; td_failure_at(n, &f); n++) {
        if (f.code == 0 || f.area[0] == '\0' || strlen(f.cause) < 10 || strlen(f.remedy) < 10)
            fail_msg("%08x %s", f.code, f.name);
        if (strpbrk(f.cause, "|\n") != NULL || strpbrk(f.remedy, "|\n") != NULL) /* they stand in tables */
            fail_msg("%08x: %s", f.code, f.cause);
    }
    assert_true(n > 90);
    assert_false(td_failure_at(n + 1, &f));
    assert_false(td_failure_at(SIZE_MAX, &f));
}

static void the_same_is_told_once(void **state TD_UNUSED)
{
    struct td_failure x, y;
    for (size_t i = 0; td_failure_at(i, &x); i++)
        for (size_t k = 0; k < i && td_failure_at(k, &y); k++)
            if (x.code == y.code && strcmp(x.area, y.area) == 0 && strcmp(x.name, y.name) == 0 && x.name[0] == '\0')
                fail_msg("%08x twice in %s", x.code, x.area);
}

static void what_is_documented_is_known(void **state TD_UNUSED)
{
    static const uint32_t codes[] = {
        /* autopilot.md 6.5, 6.7 */
        807, 809, 815, 908, 0x80180002, 0x80180003, 0x80180004, 0x80180005, 0x80180006, 0x80180007, 0x8018000a,
        0x80180013, 0x80180014, 0x80180018, 0x80180022, 0x80180026, 0x8018002b, 0x801c0003, 0x801c03ea, 0x801c03f3,
        0x800705b4, 0x80070490, 0x80190190, 0x80190194, 0x81039001, 0x81039023, 0x81039024, 0x81036501, 0x81036502,
        0xc1036501, 0x80070774, 0x80004005, 0x80070032, 0x87d1041c, 0x80073cf9,
        /* mde2.md 5 */
        0x80180001, 0x80180015, 0x80180016, 0x80180017, 0x80180019, 0x80180032, 0x80180008, 0x80180009, 0x8018000d,
        0x8018000e, 0x8018000f, 0x80180010, 0x80180012, 0x801c0001, 0x801c0002, 0x801c0006, 0x801c000b, 0x801c000c,
        0x801c000e, 0x801c000f, 0x801c0010, 0x801c0011, 0x801c0012, 0x801c0013, 0x801c0014};
    for (size_t i = 0; i < TD_COUNTOF(codes); i++)
        if (td_failure_remedy(codes[i], NULL)[0] == '\0')
            fail_msg("%08x is not known", codes[i]);
    assert_string_equal(td_failure_remedy(0x801c03ea, "reset"), "");
    assert_non_null(
        strstr(td_failure_remedy(0x801c03ea, NULL), "timeline")); /* of the code, not of one of its reasons */
    assert_string_equal(td_failure_remedy(0, NULL), "");
    assert_non_null(strstr(td_failure_remedy(0x800705b4, "status page"), "more time"));
}

static void codes_as_people_paste_them(void **state TD_UNUSED)
{
    static const struct {
        const char *text;
        bool fine;
        uint32_t code;
    } rows[] = {
        {"0x801c03ea", true, 0x801c03ea},
        {"0X801C03EA", true, 0x801c03ea},
        {"801C03EA", true, 0x801c03ea},
        {" 801c03ea\n", true, 0x801c03ea},
        {"-2145647638", true, 0x801c03ea},
        {"2149319658", true, 0x801c03ea},
        {"80180014", true, 0x80180014},
        {"807", true, 807},
        {"0x327", true, 807},
        {"4294967295", true, 0xffffffff},
        {"4294967296", false, 0},
        {"-2147483649", false, 0},
        {"", false, 0},
        {"0x", false, 0},
        {"0x123456789", false, 0},
        {"0xzz", false, 0},
        {"UntrustedManufacturer", false, 0},
        {"8018001g", false, 0},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        uint32_t code = 0;
        if (td_failure_code(td_str(rows[i].text), &code) != rows[i].fine || (rows[i].fine && code != rows[i].code))
            fail_msg("%s: %08x", rows[i].text, code);
    }
    char text[TD_FAILURE_CODE_TEXT];
    assert_string_equal(td_failure_text(0x801c03ea, text), "0x801c03ea");
    assert_string_equal(td_failure_text(807, text), "807");
    assert_string_equal(td_failure_family(0x80180099), "management enrolment");
    assert_string_equal(td_failure_family(0x12345678), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(the_same_is_told_once),
        cmocka_unit_test(what_is_documented_is_known),
        cmocka_unit_test(codes_as_people_paste_them),
    };
    return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
