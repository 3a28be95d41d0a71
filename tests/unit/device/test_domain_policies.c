/* device/domain: the group policies of a domain as this computer sees them, from a directory made of a table and files
 * that are made here. */
#include "codec/json.h"
#include "device/domain/policies.h"
#include "unit/arena.h"
#include "unit/connect/fake_directory.h"
#include "unit/test.h"

#include <stdlib.h>
#include <unistd.h>

#define POLICIES "CN=Policies,CN=System," FAKE_DN
#define SALES "OU=Sales," FAKE_OU
#define SITE "CN=Berlin,CN=Sites,CN=Configuration," FAKE_DN

static struct td_error err;
static struct fake_directory f;
static char lines[8192];
static const char *asked; /* every file that was asked for */

/* Everybody who signed in may read and apply it; with `who` one is refused before. */
static struct td_slice descriptor(const char *who)
{
    static const unsigned char right[16] = {0x8f, 0xfd, 0xac, 0xed, 0xb3, 0xff, 0xd1, 0x11,
                                            0xb4, 0x1d, 0x00, 0xa0, 0xc9, 0x68, 0xf9, 0x39};
    const struct {
        char type;
        uint32_t mask;
        const char *who;
    } entries[] = {{6, 0x100, who}, {5, 0x100, "S-1-5-11"}, {0, 0x20094, "S-1-5-11"}};
    struct td_buf b;
    size_t first = who == NULL;
    td_buf_init(&b, 4096);
    td_buf_add(&b, td_bytes("\1\0\4\x80\0\0\0\0\0\0\0\0\0\0\0\0\x14\0\0\0"
                            "\4\0\0\0\0\0\0\0",
                            28));
    for (size_t i = first; i < TD_COUNTOF(entries); i++) {
        unsigned char octets[TD_SID_MAX_BYTES];
        struct td_sid sid = {0};
        assert_ok(td_sid_parse(td_str(entries[i].who), &sid, &err));
        size_t n = td_sid_write(&sid, octets);
        td_buf_addc(&b, entries[i].type);
        td_buf_addc(&b, 0);
        td_buf_le16(&b, (uint16_t)(8 + (entries[i].type != 0 ? 20 : 0) + n));
        td_buf_le32(&b, entries[i].mask);
        if (entries[i].type != 0) {
            td_buf_le32(&b, 1);
            td_buf_add(&b, td_bytes(right, 16));
        }
        td_buf_add(&b, td_bytes(octets, n));
    }
    b.p[22] = (char)(b.n - 20);
    b.p[24] = (char)(TD_COUNTOF(entries) - first);
    struct td_slice out = td_arena_copy(&f.a, td_buf_slice(&b));
    td_buf_done(&b);
    return out;
}

static struct fake_entry *policy(const char *name, const char *version, const char *refused)
{
    struct fake_entry *e = fake_put(&f, td_arena_printf(&f.a, "CN={%s}," POLICIES, name), "groupPolicyContainer");
    fake_set(&f, e, "displayName", name);
    fake_set(&f, e, "versionNumber", version);
    fake_set(&f, e, "flags", "0");
    fake_set(&f, e, "gPCFunctionalityVersion", "2");
    fake_set(&f, e, "gPCFileSysPath", td_arena_printf(&f.a, "\\\\corp.test\\sysvol\\corp.test\\Policies\\{%s}", name));
    fake_value(&f, e, "nTSecurityDescriptor", descriptor(refused));
    return e;
}

static void link_to(const char *dn, const char *links)
{
    struct fake_entry *e = fake_find(&f, dn);
    struct td_slice rest = td_str(links), one, name;
    char *text = "";
    while (rest.n != 0) {
        rest = td_cut(rest, ' ', &one);
        struct td_slice options = td_cut(one, ';', &name);
        text = td_arena_printf(&f.a, "%s[LDAP://CN={%.*s}," POLICIES ";%.*s]", text, TD_FMT(name), TD_FMT(options));
    }
    if (e == NULL)
        e = fake_put(&f, dn, "organizationalUnit");
    fake_set(&f, e, "gPLink", text);
}

static enum td_code file(void *ctx TD_UNUSED, const char *share, const char *path, struct td_buf *out,
                         struct td_error *e)
{
    asked = td_arena_printf(&arena, "%s%s:%s|", asked, share, path);
    if (strstr(path, "{gone}") != NULL)
        return td_fail(e, TD_ENOTFOUND, "smbclient", "no such file");
    td_buf_adds(out, strstr(path, "{late}") != NULL ? "[General]\r\nVersion=4\r\n" : "[General]\r\nVersion=7\r\n");
    return TD_OK;
}

static enum td_code read_all(const char *site, struct td_domain_policy **ret, size_t *ret_count)
{
    const struct td_domain_source from = {.ldap = &f.ldap,
                                          .machine = "PC-1$",
                                          .domain = "corp.test",
                                          .controller = "dc1.corp.test",
                                          .site = site,
                                          .file = file};
    asked = "";
    return td_domain_policies_read(&from, &arena, ret, ret_count, &err);
}

static char *in_short(const struct td_domain_policy *list, size_t count)
{
    char *text = "";
    for (size_t i = 0; i < count; i++)
        text = td_arena_printf(&arena, "%s%s%s%s%s", text, i != 0 ? " " : "", list[i].name,
                               td_gp_applies(list[i].link.verdict) ? "" : "=",
                               td_gp_applies(list[i].link.verdict) ? "" : td_gp_word(list[i].link.verdict));
    return text;
}

static void begin_directory(void)
{
    unsigned char octets[TD_SID_MAX_BYTES];
    struct td_sid sid = {0};
    fake_init(&f);
    fake_set(&f, fake_find(&f, "rootDSE"), "serverName", "CN=DC1,CN=Servers," SITE);
    link_to(SALES, "");
    struct fake_entry *pc = fake_computer(&f, "PC-1", SALES, "");
    assert_ok(td_sid_parse(TD_S("S-1-5-21-1-2-3-515"), &sid, &err));
    fake_value(&f, pc, "tokenGroups", td_bytes(octets, td_sid_write(&sid, octets)));
}

static void in_order_with_their_files(void **state TD_UNUSED)
{
    struct td_domain_policy *list = NULL;
    size_t n = 0;
    begin_directory();
    (void)policy("all", "7", NULL);
    (void)policy("late", "7", NULL);
    (void)policy("gone", "7", NULL);
    (void)policy("not-us", "7", "S-1-5-21-1-2-3-515");
    (void)policy("not-others", "7", "S-1-5-21-1-2-3-999");
    fake_set(&f, policy("people", "7", NULL), "flags", "2");
    fake_set(&f, policy("wmi", "7", NULL), "gPCWQLFilter", "[corp.test;{1};0]");
    (void)policy("new", "0", NULL);
    link_to(SITE, "late;0");
    link_to(FAKE_DN, "all;2 people;0 nothing;0");
    link_to(FAKE_OU, "not-us;0 not-others;0 gone;0");
    link_to(SALES, "wmi;0 off;1 new;0");
    assert_ok(read_all("", &list, &n));
    assert_string_equal(
        in_short(list, n),
        "late not-others gone wmi new all people=disabled {nothing}=missing not-us=denied {off}=link-disabled");
    assert_int_equal(list[0].file_version, 4);
    assert_int_equal(list[1].file_version, 7);
    assert_true(list[2].file_version == -1 && strstr(list[2].file_problem, "no such file") != NULL);
    assert_true(list[3].filtered && !list[0].filtered);
    assert_true(list[5].link.enforced);
    assert_int_equal(list[4].link.verdict, TD_GP_EMPTY);
    /* nothing is fetched of what does not apply */
    assert_string_equal(asked,
                        "sysvol:corp.test\\Policies\\{late}\\gpt.ini|sysvol:corp.test\\Policies\\{not-others}\\gpt.ini|"
                        "sysvol:corp.test\\Policies\\{gone}\\gpt.ini|sysvol:corp.test\\Policies\\{wmi}\\gpt.ini|"
                        "sysvol:corp.test\\Policies\\{new}\\gpt.ini|sysvol:corp.test\\Policies\\{all}\\gpt.ini|");
    fake_done(&f);
}

static void inheritance_ends_at_a_unit(void **state TD_UNUSED)
{
    struct td_domain_policy *list = NULL;
    size_t n = 0;
    begin_directory();
    (void)policy("all", "7", NULL);
    (void)policy("must", "7", NULL);
    (void)policy("own", "7", NULL);
    link_to(FAKE_DN, "all;0 must;2");
    link_to(SALES, "own;0");
    fake_set(&f, fake_find(&f, SALES), "gPOptions", "1");
    assert_ok(read_all("", &list, &n));
    assert_string_equal(in_short(list, n), "own must all=blocked");
    fake_done(&f);
}

/* The blob told another site than the controller's; one that does not exist has no links. */
static void the_computers_own_site(void **state TD_UNUSED)
{
    struct td_domain_policy *list = NULL;
    size_t n = 0;
    begin_directory();
    (void)policy("berlin", "7", NULL);
    (void)policy("ulm", "7", NULL);
    link_to(SITE, "berlin;0");
    link_to("CN=Ulm,CN=Sites,CN=Configuration," FAKE_DN, "ulm;0");
    assert_ok(read_all("Ulm", &list, &n));
    assert_string_equal(in_short(list, n), "ulm");
    assert_ok(read_all("Rome", &list, &n));
    assert_int_equal(n, 0);
    fake_done(&f);
}

static void a_directory_that_fails(void **state TD_UNUSED)
{
    struct td_domain_policy *list = NULL;
    size_t n = 0;
    begin_directory();
    (void)policy("all", "7", NULL);
    link_to(FAKE_DN, "all;0");
    assert_ok(read_all("", &list, &n));
    int searches = f.searches;
    assert_true(searches >= 7);
    for (int i = 0; i < searches; i++) {
        fake_refuse(&f, "search", FAKE_DOWN, 0, "gone");
        f.refuse_skip = i;
        assert_int_equal(read_all("", &list, &n), TD_EUNAVAILABLE);
    }
    fake_find(&f, "CN=PC-1," SALES)->dn[0] = '\0';
    assert_int_equal(read_all("", &list, &n), TD_ENOTFOUND);
    fake_done(&f);
}

/* A path that leads elsewhere is not followed. */
static void a_policy_of_somebody_else(void **state TD_UNUSED)
{
    struct td_domain_policy *list = NULL;
    size_t n = 0;
    begin_directory();
    fake_set(&f, policy("all", "7", NULL), "gPCFileSysPath", "\\\\elsewhere.test\\sysvol\\x");
    link_to(FAKE_DN, "all;0");
    assert_ok(read_all("", &list, &n));
    assert_string_equal(asked, "");
    assert_true(list[0].file_version == -1 && strstr(list[0].file_problem, "away from the domain") != NULL);
    fake_done(&f);
}

static void say(void *ctx TD_UNUSED, const char *line)
{
    size_t n = strlen(lines);
    snprintf(lines + n, sizeof(lines) - n, "%s\n", line);
}

static void told_and_kept(void **state TD_UNUSED)
{
    char dir[] = "/tmp/td-gpo-XXXXXX";
    struct td_device dev = {.dir = mkdtemp(dir), .say = say};
    struct td_json *kept = NULL;
    const struct td_domain_policy list[] = {
        {.link = {"CN={1}", FAKE_DN, true, TD_GP_APPLIES},
         .name = "First\x1b[2J",
         .version = 7,
         .file_version = 7,
         .file_problem = ""},
        {.link = {"CN={2}", FAKE_OU, false, TD_GP_APPLIES},
         .name = "Second",
         .version = 7,
         .file_version = 4,
         .file_problem = ""},
        {.link = {"CN={3}", FAKE_OU, false, TD_GP_EMPTY},
         .name = "Third",
         .version = 0,
         .file_version = -1,
         .file_problem = "no smbclient",
         .filtered = true},
        {.link = {"CN={4}", FAKE_OU, false, TD_GP_DENIED},
         .name = "Fourth",
         .version = 7,
         .file_version = -1,
         .file_problem = ""},
    };
    static const char *wanted[] = {
        "gpo      1. First [2J (DC=corp,DC=test, enforced): version 7\n",
        "gpo      2. Second (OU=Autopilot,DC=corp,DC=test): version 7 in the directory, 4 in its file: not replicated "
        "yet\n",
        "gpo      3. Third (OU=Autopilot,DC=corp,DC=test): holds nothing for computers; version 0; its file was not "
        "read: no smbclient; a WMI filter",
        "gpo      -  Fourth (OU=Autopilot,DC=corp,DC=test): not applied: its security filter leaves this computer "
        "out\n",
    };
    assert_ok(td_state_open(dev.dir, &dev.state, &err));
    td_domain_policies_tell(&dev, list, TD_COUNTOF(list));
    for (size_t i = 0; i < TD_COUNTOF(wanted); i++)
        if (strstr(lines, wanted[i]) == NULL)
            fail_msg("no \"%s\" in:\n%s", wanted[i], lines);
    assert_ok(td_json_parse(td_str(td_state_get(dev.state, "domain.gpos")), 65536, &arena, &kept, &err));
    assert_int_equal(td_json_count(kept), 4);
    assert_string_equal(td_json_str(kept->child->next, "name"), "Second");
    assert_int_equal(td_json_int(kept->child->next, "fileVersion", 0), 4);
    assert_true(td_json_bool(kept->child, "enforced", false) && td_json_bool(kept->child, "applies", false));
    assert_string_equal(td_json_str(kept->child->next->next->next, "verdict"), "denied");
    td_state_close(dev.state);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order_with_their_files), cmocka_unit_test(inheritance_ends_at_a_unit),
        cmocka_unit_test(the_computers_own_site),    cmocka_unit_test(a_directory_that_fails),
        cmocka_unit_test(a_policy_of_somebody_else), cmocka_unit_test(told_and_kept),
    };
    return cmocka_run_group_tests_name("device/domain_policies", tests, arena_begin, arena_end);
}
