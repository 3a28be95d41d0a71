/* way/group_policy: which policies of a domain apply to a computer, in which order, and why the others do not. */
#include "base/encode.h"
#include "unit/arena.h"
#include "unit/test.h"
#include "way/group_policy.h"

static struct td_error err;

#define DOMAIN "DC=corp,DC=test"

static void places(void **state TD_UNUSED)
{
    static const struct {
        const char *object;
        const char *want; /* joined by '|'; NULL: refused */
    } rows[] = {
        {"CN=PC-1,OU=Sales,OU=Autopilot,DC=corp,DC=test",
         DOMAIN "|OU=Autopilot,DC=corp,DC=test|OU=Sales,OU=Autopilot,DC=corp,DC=test"},
        {"CN=PC-1,CN=Computers,DC=corp,DC=test", DOMAIN},
        {"CN=PC-1,ou=A\\,B\\\\,dc=Corp,dc=Test", DOMAIN "|ou=A\\,B\\\\,dc=Corp,dc=Test"},
        {"CN=OU\\,OU=x,DC=corp,DC=test", DOMAIN},
        {"DC=corp,DC=test", DOMAIN},
        {"CN=PC-1,OU=Sales,DC=other,DC=test", NULL},
        {"CN=PC-1,OU=Sales,DC=corp,DC=test\\", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_gp_place got[TD_GP_MAX_PLACES];
        size_t n = 0;
        char *text = "";
        enum td_code rc = td_gp_places(rows[i].object, DOMAIN, &arena, got, &n, &err);
        for (size_t k = 0; k < n; k++)
            text = td_arena_printf(&arena, "%s%s%s", text, k != 0 ? "|" : "", got[k].dn);
        assert_int_equal(rc, rows[i].want != NULL ? TD_OK : TD_EFORMAT);
        assert_string_equal(text, rows[i].want != NULL ? rows[i].want : "");
    }
    char *deep = DOMAIN;
    struct td_gp_place got[TD_GP_MAX_PLACES];
    size_t n = 0;
    for (int i = 0; i < TD_GP_MAX_PLACES - 2; i++)
        deep = td_arena_printf(&arena, "OU=x,%s", deep);
    assert_ok(td_gp_places(deep, DOMAIN, &arena, got, &n, &err));
    assert_int_equal(td_gp_places(td_arena_printf(&arena, "OU=x,OU=x,%s", deep), DOMAIN, &arena, got, &n, &err),
                     TD_ELIMIT);
}

/* Links are written as NAME;OPTIONS here. What comes out: NAME, with ! where it is enforced, and the word of what does
 * not apply. */
static char *order(const char *const links[], const bool blocks[], size_t count)
{
    struct td_gp_place list[8] = {{0}};
    struct td_gp_link *got = NULL;
    size_t n = 0;
    char *text = "";
    for (size_t i = 0; i < count; i++) {
        struct td_slice rest = td_str(links[i]), one;
        char *full = " ";
        while (rest.n != 0) {
            rest = td_cut(rest, ' ', &one);
            full = td_arena_printf(&arena, "%s[LDAP://%.*s]", full, TD_FMT(one));
        }
        list[i] =
            (struct td_gp_place){.dn = td_arena_printf(&arena, "place %zu", i), .links = full, .blocks = blocks[i]};
    }
    assert_ok(td_gp_order(list, count, &arena, &got, &n, &err));
    for (size_t i = 0; i < n; i++)
        text = td_arena_printf(&arena, "%s%s%s%s%s%s", text, i != 0 ? " " : "", got[i].policy,
                               got[i].enforced ? "!" : "", td_gp_applies(got[i].verdict) ? "" : "=",
                               td_gp_applies(got[i].verdict) ? "" : td_gp_word(got[i].verdict));
    return text;
}

static void orders(void **state TD_UNUSED)
{
    static const struct {
        const char *links[4]; /* site, domain, upper unit, lower unit */
        bool blocks[4];
        const char *want;
    } rows[] = {
        {{"", "", "", ""}, {0}, ""},
        {{"s;0", "d;0", "u;0", "l;0"}, {0}, "s d u l"},
        {{"s1;0 s2;0", "d1;0 d2;0", "", "l1;0 l2;0 l3;0"}, {0}, "s1 s2 d1 d2 l1 l2 l3"},
        {{"s;2", "d;0", "u;2", "l;0"}, {0}, "d l u! s!"},
        {{"s;2", "d1;2 d2;2", "u;2", "l;2"}, {0}, "l! u! d1! d2! s!"},
        {{"s;0", "d;1", "u;3", "l;0"}, {0}, "s l d=link-disabled u!=link-disabled"},
        {{"s;0", "d;0", "u;0", "l;0"}, {false, false, true, false}, "u l s=blocked d=blocked"},
        {{"s;0", "d;2", "u;0", "l;0"}, {false, false, false, true}, "l d! s=blocked u=blocked"},
        {{"s;0", "d;0", "u;0", "l;0"}, {false, true, true, false}, "u l s=blocked d=blocked"},
        {{"s;0", "d;0", "u;0", "l;0"}, {false, true, false, false}, "d u l s=blocked"},
        {{"s;0", "d;1", "u;0", "l;0"}, {false, false, true, false}, "u l s=blocked d=link-disabled"},
        {{"a;0", "a;0", "a;2", ""}, {0}, "a a a!"},
        {{"x", "d;x", ";0", "l;0 m;"}, {0}, "l"},
        {{"a;b;0", "", "", ""}, {0}, "a;b"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        char *got = order(rows[i].links, rows[i].blocks, 4);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("row %zu: %s, not %s", i, got, rows[i].want);
    }
}

static void links_that_are_none(void **state TD_UNUSED)
{
    static const char *rows[] = {"",
                                 " ",
                                 "[",
                                 "[]",
                                 "]",
                                 "[;0]",
                                 "[LDAP://;0]",
                                 "[LDAP://x]",
                                 "[http://x;0]",
                                 "[LDAP://x;-1]",
                                 "[LDAP://x;99999999999999999999999]",
                                 "LDAP://x;0"};
    struct td_gp_link *got = NULL;
    size_t n = 0;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        const struct td_gp_place one = {.dn = DOMAIN, .links = rows[i]};
        assert_ok(td_gp_order(&one, 1, &arena, &got, &n, &err));
        assert_int_equal(n, 0);
    }
    char *many = "";
    for (int i = 0; i <= TD_GP_MAX_LINKS; i++)
        many = td_arena_printf(&arena, "%s[LDAP://x;0]", many);
    const struct td_gp_place one = {.dn = DOMAIN, .links = many};
    assert_int_equal(td_gp_order(&one, 1, &arena, &got, &n, &err), TD_ELIMIT);
}

/* Everybody who signed in may read; who may apply it, or may not, is in the one entry that is given. */
static struct td_slice descriptor(unsigned char type, const char *who)
{
    static const unsigned char right[16] = {0x8f, 0xfd, 0xac, 0xed, 0xb3, 0xff, 0xd1, 0x11,
                                            0xb4, 0x1d, 0x00, 0xa0, 0xc9, 0x68, 0xf9, 0x39};
    const struct {
        unsigned char type;
        uint32_t mask;
        const char *who;
    } entries[] = {{type, 0x100, who}, {5, 0x100, "S-1-5-21-1-2-3-515"}, {0, 0x20094, "S-1-5-11"}};
    struct td_buf b;
    td_buf_init(&b, 4096);
    td_buf_add(&b, td_bytes("\1\0\4\x80\0\0\0\0\0\0\0\0\0\0\0\0\x14\0\0\0"
                            "\4\0\0\0\0\0\0\0",
                            28));
    size_t first = type == 0xff ? 1 : type == 0xfe ? 2 : 0;
    for (size_t i = first; i < TD_COUNTOF(entries); i++) {
        unsigned char octets[TD_SID_MAX_BYTES];
        struct td_sid sid = {0};
        assert_ok(td_sid_parse(td_str(entries[i].who), &sid, &err));
        size_t n = td_sid_write(&sid, octets), object = entries[i].type != 0 ? 20 : 0;
        td_buf_addc(&b, (char)entries[i].type);
        td_buf_addc(&b, 0);
        td_buf_le16(&b, (uint16_t)(8 + object + n));
        td_buf_le32(&b, entries[i].mask);
        if (object != 0) {
            td_buf_le32(&b, 1);
            td_buf_add(&b, td_bytes(right, 16));
        }
        td_buf_add(&b, td_bytes(octets, n));
    }
    b.p[22] = (char)(b.n - 20);
    b.p[23] = (char)((b.n - 20) >> 8);
    b.p[24] = (char)(TD_COUNTOF(entries) - first);
    struct td_slice out = td_arena_copy(&arena, td_buf_slice(&b));
    td_buf_done(&b);
    return out;
}

static void verdicts(void **state TD_UNUSED)
{
    const struct td_slice granted = descriptor(0xff, "S-1-1-0"), nobody = descriptor(0xfe, "S-1-1-0"),
                          refused = descriptor(6, "S-1-5-21-1-2-3-1107"), unread = {"", 0};
    const struct {
        struct td_gp_object o;
        enum td_gp_verdict want;
    } rows[] = {
        {{.found = true, .functionality = 2, .flags = 0, .version = 1, .descriptor = granted}, TD_GP_APPLIES},
        {{.found = true, .functionality = 2, .flags = 0, .version = 0x30000, .descriptor = granted}, TD_GP_EMPTY},
        {{.found = true, .functionality = -1, .flags = -1, .version = -1, .descriptor = granted}, TD_GP_EMPTY},
        {{.found = true, .functionality = 2, .flags = 1, .version = 1, .descriptor = granted}, TD_GP_APPLIES},
        {{.found = true, .functionality = 2, .flags = 2, .version = 1, .descriptor = granted}, TD_GP_DISABLED},
        {{.found = true, .functionality = 2, .flags = 3, .version = 1, .descriptor = granted}, TD_GP_DISABLED},
        {{.found = true, .functionality = 1, .flags = 0, .version = 1, .descriptor = granted}, TD_GP_OTHER_VERSION},
        {{.found = true, .functionality = 2, .flags = 0, .version = 1, .descriptor = nobody}, TD_GP_DENIED},
        {{.found = true, .functionality = 2, .flags = 0, .version = 1, .descriptor = refused}, TD_GP_DENIED},
        {{.found = true, .functionality = 2, .flags = 0, .version = 1, .descriptor = unread}, TD_GP_DENIED},
        {{.found = true, .functionality = 2, .flags = 0, .version = 1, .descriptor = TD_S("none")}, TD_GP_DENIED},
        {{.found = false, .descriptor = granted}, TD_GP_MISSING},
    };
    struct td_sid who[3];
    static const char *mine[] = {"S-1-5-21-1-2-3-1107", "S-1-5-21-1-2-3-515", "S-1-5-11"};
    for (size_t i = 0; i < TD_COUNTOF(who); i++)
        assert_ok(td_sid_parse(td_str(mine[i]), &who[i], &err));
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        enum td_gp_verdict got = td_gp_judge(&rows[i].o, who, TD_COUNTOF(who), &arena);
        if (got != rows[i].want)
            fail_msg("row %zu: %s", i, td_gp_word(got));
    }
    /* the right to apply it without the right to read it */
    assert_int_equal(td_gp_judge(&rows[0].o, who, 2, &arena), TD_GP_DENIED);
    for (int v = 0; v < TD_GP_VERDICT_COUNT; v++)
        assert_true(td_gp_word((enum td_gp_verdict)v) != NULL && td_gp_text((enum td_gp_verdict)v) != NULL);
}

static void paths(void **state TD_UNUSED)
{
    static const struct {
        const char *path;
        enum td_code code;
        const char *share, *rest;
    } rows[] = {
        {"\\\\corp.test\\sysvol\\corp.test\\Policies\\{1}", TD_OK, "sysvol", "corp.test\\Policies\\{1}"},
        {"\\\\CORP.TEST\\SysVol\\corp.test\\Policies\\{1}\\", TD_OK, "SysVol", "corp.test\\Policies\\{1}"},
        {"\\\\dc1.corp.test\\sysvol\\x", TD_OK, "sysvol", "x"},
        {"\\\\evil.test\\sysvol\\x", TD_EDENIED, NULL, NULL},
        {"\\\\corp.test.evil.test\\sysvol\\x", TD_EDENIED, NULL, NULL},
        {"\\\\corp.test\\sysvol", TD_EFORMAT, NULL, NULL},
        {"\\\\corp.test\\sysvol\\\\", TD_EFORMAT, NULL, NULL},
        {"\\\\corp.test", TD_EFORMAT, NULL, NULL},
        {"C:\\sysvol\\x", TD_EFORMAT, NULL, NULL},
        {"", TD_EFORMAT, NULL, NULL},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        const char *share = NULL, *rest = NULL;
        assert_int_equal(td_gp_path(rows[i].path, "corp.test", "dc1.corp.test", &arena, &share, &rest, &err),
                         rows[i].code);
        if (rows[i].code == TD_OK) {
            assert_string_equal(share, rows[i].share);
            assert_string_equal(rest, rows[i].rest);
        }
    }
}

static void versions_of_files(void **state TD_UNUSED)
{
    static const struct {
        const char *ini;
        int64_t want; /* below 0: refused */
    } rows[] = {
        {"[General]\r\nVersion=65539\r\n", 65539},
        {"[General]\r\nVersion=0", 0},
        {"\xef\xbb\xbf[general]\n displayName=New Group Policy Object\n version = 7 \n", 7},
        {"[Other]\r\nVersion=1\r\n[General]\r\nVersion=2\r\n", 2},
        {"[General]\r\nVersion=4294967295", 4294967295},
        {"[General]\r\nVersion=4294967296", -1},
        {"[General]\r\nVersion=x", -1},
        {"[General]\r\nVersion=", -1},
        {"[General]\r\nVersions=1", -1},
        {"Version=1", -1},
        {"", -1},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        int64_t got = -1;
        enum td_code rc = td_gp_ini_version(td_str(rows[i].ini), &got, &err);
        assert_int_equal(rc, rows[i].want < 0 ? TD_EFORMAT : TD_OK);
        assert_int_equal(got, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places),   cmocka_unit_test(orders), cmocka_unit_test(links_that_are_none),
        cmocka_unit_test(verdicts), cmocka_unit_test(paths),  cmocka_unit_test(versions_of_files),
    };
    return cmocka_run_group_tests_name("way/group_policy", tests, arena_begin, arena_end);
}
