/* Who may do what: the whole table of roles, rights and scopes, written here a second time by hand (autopilot.md 6.2,
 * graph-api.md 2.7). R reads, W reads and changes, - neither; columns are the roles in the order of `roles`. */
#include "api/access.h"
#include "store/user.h"
#include "unit/test.h"

static const char *const roles[] = {"Global Administrator",   "Intune Administrator",      "Policy and Profile Manager",
                                    "Read Only Operator",     "Enrollment Technician",     "Partner Agent",
                                    "Global Reader",          "Security Reader",           "User Administrator",
                                    "Helpdesk Administrator", "Cloud Device Administrator"};

static const struct {
    const char *word, *marks;
} expected[] = {
    /*                 G I P L T A R S U H D */
    {"register", "WWWRW-R----"},         /**/
    {"device", "WWWRW-R----"},           /**/
    {"deregister", "WWWRR-R----"},       /**/
    {"profile", "WWWRR-R----"},          /**/
    {"status-page", "WWWRR-R----"},      /**/
    {"managed", "WWRRR-RR-R-"},          /**/
    {"action", "WWWRW-R--W-"},           /**/
    {"wipe", "WWRRR-R----"},             /**/
    {"configuration", "WWWR--R----"},    /**/
    {"apps", "WWWR--R----"},             /**/
    {"scripts", "WWWR--R----"},          /**/
    {"rbac", "WWRR--R----"},             /**/
    {"audit", "RRRR--RR---"},            /**/
    {"group", "WWWRR-R-WRR"},            /**/
    {"group-member", "WWWRR-R-WRR"},     /**/
    {"directory-device", "WWRRR-RRRRW"}, /**/
    {"user", "WRRRR-RRWRR"},             /**/
    {"organization", "WRRRRRRRRRR"},     /**/
    {"domain", "WRRRRRRRRRR"},           /**/
    {"directory-audit", "RR-R--RR---"},  /**/
    {"local-credential", "WW----RR-RW"}, /**/
    {"partner", "W----W-----"},          /**/
};

/* Every scope at once: what is left is the role. */
static const char *every_scope(struct td_arena *a)
{
    const char *const *names = td_scope_names(a);
    const char *all = "";
    for (; *names != NULL; names++)
        all = td_arena_printf(a, "%s %s", all, *names);
    return all;
}

static int row_of(const char *word)
{
    for (int i = 0; i < TD_RIGHT_COUNT; i++)
        if (strcmp(td_access_rows[i].word, word) == 0)
            return i;
    fail_msg("no right \"%s\"", word);
    return -1;
}

static void compare(const struct td_claims *who, int right, char mark, const char *role)
{
    struct td_error err = {0};
    enum td_code read = td_access_check(who, (enum td_right)right, TD_ACCESS_READ, &err);
    enum td_code write = td_access_check(who, (enum td_right)right, TD_ACCESS_WRITE, &err);
    if (read != (mark == '-' ? TD_EDENIED : TD_OK))
        fail_msg("%s may %sread %s", role, read == TD_OK ? "" : "not ", td_access_rows[right].word);
    if (write != (mark == 'W' ? TD_OK : TD_EDENIED))
        fail_msg("%s may %schange %s", role, write == TD_OK ? "" : "not ", td_access_rows[right].word);
    if (write == TD_EDENIED && (err.text[0] == '\0' || err.remedy[0] == '\0'))
        fail_msg("%s is not told why not, or what to do", role);
}

static void every_role_and_right(void **state TD_UNUSED)
{
    struct td_arena a;
    td_arena_init(&a);
    const char *scope = every_scope(&a);
    assert_int_equal(TD_COUNTOF(expected), TD_RIGHT_COUNT - 1); /* all but the one that needs nothing */
    for (size_t r = 0; r < TD_COUNTOF(roles); r++) {
        const char *const mine[] = {roles[r], NULL};
        struct td_claims who = {.upn = "ada@contoso.test", .oid = "x", .scope = scope, .roles = mine};
        for (size_t i = 0; i < TD_COUNTOF(expected); i++)
            compare(&who, row_of(expected[i].word), expected[i].marks[r], roles[r]);
        assert_ok(td_access_check(&who, TD_RIGHT_SIGNED_IN, TD_ACCESS_READ, NULL));
        assert_string_equal(td_role_word((enum td_role)r), roles[r]);
        assert_string_equal(td_role_known(td_str(roles[r])), roles[r]);
    }
    td_arena_done(&a);
}

/* Without a role a person sees the organization's name and its domains; other directory roles change nothing. */
static void people_without_roles(void **state TD_UNUSED)
{
    static const char *const none[] = {NULL}, *const local[] = {"Device Local Administrator", NULL};
    struct td_arena a;
    td_arena_init(&a);
    struct td_claims who = {.upn = "ada@contoso.test", .scope = every_scope(&a)};
    for (int i = 0; i < TD_RIGHT_COUNT; i++) {
        bool open = i == TD_RIGHT_SIGNED_IN || i == TD_RIGHT_ORGANIZATION || i == TD_RIGHT_DOMAIN;
        who.roles = i % 2 == 0 ? none : local;
        assert_int_equal(td_access_check(&who, (enum td_right)i, TD_ACCESS_READ, NULL), open ? TD_OK : TD_EDENIED);
        if (i != TD_RIGHT_SIGNED_IN)
            assert_int_equal(td_access_check(&who, (enum td_right)i, TD_ACCESS_WRITE, NULL), TD_EDENIED);
    }
    td_arena_done(&a);
}

static const struct {
    const char *word, *read, *write; /* one name that opens it, and for read one that opens nothing else of it */
} by_scope[] = {
    {"register", "DeviceManagementServiceConfig.Read.All", "DeviceManagementServiceConfig.ReadWrite.All"},
    {"device", "DeviceManagementServiceConfig.Read.All", "DeviceManagementServiceConfig.ReadWrite.All"},
    {"deregister", "DeviceManagementServiceConfig.Read.All", "DeviceManagementServiceConfig.ReadWrite.All"},
    {"profile", "DeviceManagementConfiguration.Read.All", "DeviceManagementServiceConfig.ReadWrite.All"},
    {"status-page", "DeviceManagementServiceConfig.Read.All", "DeviceManagementServiceConfig.ReadWrite.All"},
    {"managed", "DeviceManagementManagedDevices.Read.All", "DeviceManagementManagedDevices.ReadWrite.All"},
    {"wipe", "DeviceManagementManagedDevices.ReadWrite.All", "DeviceManagementManagedDevices.PrivilegedOperations.All"},
    {"action", "DeviceManagementManagedDevices.ReadWrite.All",
     "DeviceManagementManagedDevices.PrivilegedOperations.All"},
    {"configuration", "DeviceManagementConfiguration.Read.All", "DeviceManagementConfiguration.ReadWrite.All"},
    {"apps", "DeviceManagementApps.Read.All", "DeviceManagementApps.ReadWrite.All"},
    {"scripts", "DeviceManagementScripts.Read.All", "DeviceManagementScripts.ReadWrite.All"},
    {"rbac", "DeviceManagementRBAC.Read.All", "DeviceManagementRBAC.ReadWrite.All"},
    {"audit", "DeviceManagementApps.Read.All", NULL},
    {"group", "Group.Read.All", "Group.ReadWrite.All"},
    {"group", "GroupMember.ReadWrite.All", "Directory.ReadWrite.All"},
    {"group-member", "GroupMember.Read.All", "GroupMember.ReadWrite.All"},
    {"group-member", "Group.Read.All", "Group.ReadWrite.All"},
    {"directory-device", "Device.Read.All", "Device.ReadWrite.All"},
    {"user", "User.Read.All", "User.ReadWrite.All"},
    {"organization", "Organization.Read.All", "Organization.ReadWrite.All"},
    {"domain", "Domain.Read.All", "Domain.ReadWrite.All"},
    {"directory-audit", "AuditLog.Read.All", NULL},
};

static void check_one(struct td_claims *who, const char *name, int right, enum td_access access, enum td_code want)
{
    const char *const list[] = {name, NULL};
    static const char *const global[] = {"Global Administrator", NULL};
    who->upn = "";
    who->scope = "";
    who->roles = list;
    if (td_access_check(who, (enum td_right)right, access, NULL) != want)
        fail_msg("an application with %s and %s (%d)", name, td_access_rows[right].word, access);
    who->upn = "ada@contoso.test";
    who->roles = global;
    who->scope = name;
    if (td_access_check(who, (enum td_right)right, access, NULL) != want)
        fail_msg("a person with %s and %s (%d)", name, td_access_rows[right].word, access);
}

static void scopes_and_application_roles(void **state TD_UNUSED)
{
    struct td_claims who = {.oid = "x"};
    for (size_t i = 0; i < TD_COUNTOF(by_scope); i++) {
        int right = row_of(by_scope[i].word);
        check_one(&who, by_scope[i].read, right, TD_ACCESS_READ, TD_OK);
        check_one(&who, by_scope[i].read, right, TD_ACCESS_WRITE, TD_EDENIED);
        if (by_scope[i].write != NULL)
            check_one(&who, by_scope[i].write, right, TD_ACCESS_WRITE, TD_OK);
        check_one(&who, "Mail.Read", right, TD_ACCESS_READ, TD_EDENIED);
    }
    for (int i = TD_RIGHT_REGISTER; i < TD_RIGHT_COUNT; i++)
        if (i != TD_RIGHT_ORGANIZATION)
            check_one(&who, "User.Read", i, TD_ACCESS_READ, TD_EDENIED);
    check_one(&who, "devicemanagementserviceconfig.read.all", TD_RIGHT_DEVICE, TD_ACCESS_READ, TD_OK);
}

/* A directory role serves an application that has it; a permission's name is no person's role; a device's token is
 * nobody's. */
static void no_mixing(void **state TD_UNUSED)
{
    static const char *const global[] = {"Global Administrator", NULL},
                             *const app[] = {"DeviceManagementServiceConfig.ReadWrite.All", NULL};
    static const char *const none[] = {"Device Local Administrator", NULL};
    static const char *const technician[] = {"Enrollment Technician", NULL};
    struct td_claims who = {.upn = "", .scope = "", .roles = global};
    assert_ok(td_access_check(&who, TD_RIGHT_DEVICE, TD_ACCESS_WRITE, NULL));
    assert_ok(td_access_check(&who, TD_RIGHT_ORGANIZATION, TD_ACCESS_READ, NULL)); /* as every person */
    assert_ok(td_access_check(&who, TD_RIGHT_DOMAIN, TD_ACCESS_READ, NULL));
    assert_ok(td_access_check(&who, TD_RIGHT_ORGANIZATION, TD_ACCESS_WRITE, NULL));
    who.roles = technician;
    assert_ok(td_access_check(&who, TD_RIGHT_ORGANIZATION, TD_ACCESS_READ, NULL));
    assert_int_equal(td_access_check(&who, TD_RIGHT_ORGANIZATION, TD_ACCESS_WRITE, NULL), TD_EDENIED);
    who.roles = none; /* and what stands open to every person does not to a program */
    assert_int_equal(td_access_check(&who, TD_RIGHT_ORGANIZATION, TD_ACCESS_READ, NULL), TD_EDENIED);
    who = (struct td_claims){.upn = "ada@contoso.test", .scope = app[0], .roles = app};
    assert_int_equal(td_access_check(&who, TD_RIGHT_DEVICE, TD_ACCESS_READ, NULL), TD_EDENIED);
    who = (struct td_claims){.upn = "", .scope = app[0], .roles = app, .device_only = true};
    assert_int_equal(td_access_check(&who, TD_RIGHT_DEVICE, TD_ACCESS_READ, NULL), TD_EDENIED);
    assert_ok(td_access_check(&who, TD_RIGHT_SIGNED_IN, TD_ACCESS_READ, NULL));
}

static void names_of_permissions(void **state TD_UNUSED)
{
    assert_slice(td_scope_known(TD_S("group.readwrite.ALL")), "Group.ReadWrite.All");
    assert_int_equal(td_scope_known(TD_S("Group.Read")).n, 0);
    assert_int_equal(td_scope_known(TD_S("")).n, 0);
    assert_int_equal(td_scope_known(TD_S("Group.Read.All Device.Read.All")).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_role_and_right),         cmocka_unit_test(people_without_roles),
        cmocka_unit_test(scopes_and_application_roles), cmocka_unit_test(no_mixing),
        cmocka_unit_test(names_of_permissions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
