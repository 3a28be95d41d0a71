/* way/rule: the language of dynamic groups (graph-api.md 1.9): every example of the document, each refusal with its
 * position, and random rules printed, read again and judged. */
#include "base/env.h"
#include "unit/test.h"
#include "way/rule.h"

static struct td_arena arena;

static const char *const ids[] = {"[ZTDID]:3f0c", "[OrderId]:KIOSK", "[PurchaseOrderId]:76222342342", NULL};
static const char *const groups[] = {"6a1e7c2e-0000-4000-8000-000000000001", NULL};
static const char *const mails[] = {"ada@lab.test", "a@lab.test", NULL};

static struct td_rule_subject kiosk(void)
{
    struct td_rule_subject s = {.kind = TD_RULE_DEVICES};
    s.text[TD_RD_ACCOUNT_ENABLED] = "true";
    s.text[TD_RD_DEVICE_ID] = s.text[TD_RD_OBJECT_ID] = "9a";
    s.text[TD_RD_MANAGEMENT_APP_ID] = "0000000a-0000-0000-c000-000000000000";
    s.text[TD_RD_MANUFACTURER] = "Contoso";
    s.text[TD_RD_MODEL] = "Book 1";
    s.text[TD_RD_DISPLAY_NAME] = "PC1";
    s.text[TD_RD_OS_TYPE] = "Windows";
    s.text[TD_RD_OS_VERSION] = "10.0.22631.2506";
    s.text[TD_RD_OWNERSHIP] = "Company";
    s.text[TD_RD_TRUST_TYPE] = "AzureAd";
    s.text[TD_RD_PROFILE_NAME] = "Lab profile";
    s.text[TD_RD_IS_ROOTED] = "false";
    s.text[TD_RD_MANAGEMENT_TYPE] = "MDM";
    s.text[TD_RD_EXTENSION1 + 4] = "Say \"hi\"";
    s.items[TD_RD_PHYSICAL_IDS] = ids;
    s.items[TD_RD_MEMBER_OF] = groups;
    return s;
}

static struct td_rule_subject ada(void)
{
    struct td_rule_subject s = {.kind = TD_RULE_USERS};
    s.text[TD_RU_ACCOUNT_ENABLED] = "true";
    s.text[TD_RU_DEPARTMENT] = "Sales";
    s.text[TD_RU_USER_PRINCIPAL_NAME] = "ada@lab.test";
    s.text[TD_RU_SURNAME] = "O'Neil";
    s.text[TD_RU_EMPLOYEE_HIRE_DATE] = "2024-05-01T00:00:00Z";
    s.items[TD_RU_OTHER_MAILS] = mails;
    return s;
}

static const struct td_rule *parsed(const char *text)
{
    const struct td_rule *rule;
    struct td_error err;
    if (td_rule_parse(td_str(text), &arena, &rule, &err) != TD_OK)
        fail_msg("%s: %s", text, err.text);
    return rule;
}

static void rules(void **state TD_UNUSED)
{
    static const struct {
        const char *rule;
        bool member;
    } rows[] = {
        /* printed in the document */
        {"(device.devicePhysicalIDs -any _ -startsWith \"[ZTDId]\")", true},
        {"(device.devicePhysicalIDs -any (_ -contains \"[ZTDID]\"))", true},
        {"(device.devicePhysicalIDs -any _ -contains \"[ZTDId]\")", true},
        {"(device.devicePhysicalIds -any _ -eq \"[OrderID]:KIOSK\")", true},
        {"(device.devicePhysicalIds -any (_ -eq \"[OrderID]:KIOSK\"))", true},
        {"(device.devicePhysicalIds -any (_ -startsWith \"[OrderID]:SALES-\"))", false},
        {"(device.devicePhysicalIds -any _ -eq \"[PurchaseOrderId]:76222342342\")", true},
        {"(device.enrollmentProfileName -eq \"Lab profile\")", true},
        {"(device.enrollmentProfileName -eq \"OfflineAutopilotprofile-7d\")", false},
        {"(device.deviceOwnership -eq \"Company\") -and (device.deviceOSType -eq \"Windows\")", true},
        {"device.objectId -ne null", true},
        {"device.deviceManagementAppId -eq \"0000000a-0000-0000-c000-000000000000\"", true},
        {"device.memberOf -any (group.objectId -in ['6a1e7c2e-0000-4000-8000-000000000001'])", true},
        {"device.memberOf -any (group.objectId -in ['x', '6A1E7C2E-0000-4000-8000-000000000001'])", true},
        {"device.memberOf -any (group.objectId -in ['6a1e7c2e-0000-4000-8000-000000000002'])", false},
        /* whole values, any case */
        {"(device.devicePhysicalIds -any _ -eq \"[OrderID]:KIOSK2\")", false},
        {"(device.devicePhysicalIds -any _ -eq \"[OrderID]:KIOS\")", false},
        {"DEVICE.DEVICEPHYSICALIDS -ANY _ -EQ \"[purchaseorderid]:76222342342\"", true},
        /* operators without hyphen, with a dash that was pasted */
        {"not device.displayName eq \"PC2\"", true},
        {"device.displayName \xE2\x80\x93"
         "eq \"PC1\" \xE2\x80\x93"
         "and device.deviceModel \xE2\x80\x94"
         "ne \"x\"",
         true},
        {"device.devicePhysicalIds any _ eq KIOSK", false},
        /* precedence: -not, -and, -or */
        {"device.deviceOwnership -eq \"Personal\" -or device.deviceModel -eq \"x\" -and device.displayName -eq \"PC1\"",
         false},
        {"device.displayName -eq \"PC1\" -or device.deviceModel -eq \"x\" -and device.deviceModel -eq \"y\"", true},
        {"-not device.displayName -eq \"PC1\" -or device.deviceModel -startsWith \"book\"", true},
        {"-not (device.displayName -eq \"PC1\" -or device.deviceModel -eq \"x\")", false},
        /* null and what is not known */
        {"device.objectId -eq null", false},
        {"device.deviceCategory -eq null", true},
        {"device.deviceCategory -ne null", false},
        {"device.deviceCategory -eq $null", true},
        {"device.deviceCategory -ne \"x\"", true},
        {"device.systemLabels -any (_ -ne null)", false},
        {"device.systemLabels -all (_ -eq \"x\")", true},
        /* collections */
        {"device.devicePhysicalIds -all (_ -startsWith \"[\")", true},
        {"device.devicePhysicalIds -all (_ -contains \"ZTD\")", false},
        {"device.devicePhysicalIds -any (_ -contains \"KIOSK\" -and _ -startsWith \"[Order\")", true},
        {"device.devicePhysicalIds -any (_ -contains \"KIOSK\" -and _ -startsWith \"[ZTD\")", false},
        {"device.devicePhysicalIds -any _ -contains \"KIOSK\" -and _ -startsWith \"[ZTD\"", false},
        {"device.devicePhysicalIds -any _ -contains \"x\" -or _ -startsWith \"[ZTD\" -and device.displayName -eq 'PC1'",
         true},
        {"device.devicePhysicalIds -any (-not (_ -startsWith \"[ZTD\"))", true},
        {"device.devicePhysicalIds -any (_ -in [\"a\", \"[orderid]:kiosk\"])", true},
        /* each operator */
        {"device.displayName -startsWith 'p'", true},
        {"device.displayName -notStartsWith 'p'", false},
        {"device.displayName -endsWith 'c1'", true},
        {"device.displayName -notContains 'x' -and device.displayName -notEndsWith 'x'", true},
        {"device.displayName -contains 'C'", true},
        {"device.displayName -match \"^P.\\d$\"", true},
        {"device.displayName -notMatch \"^P.\\d$\"", false},
        {"device.deviceModel -match \"ook\"", true},
        {"device.displayName -in [\"PC0\", \"pc1\"]", true},
        {"device.displayName -notIn [\"PC0\", \"pc1\"]", false},
        {"device.deviceOSVersion -startsWith 10.0.22631", true},
        {"device.accountEnabled -eq true", true},
        {"device.accountEnabled -ne True", false},
        {"device.isRooted -eq \"false\"", true},
        /* quotation */
        {"device.deviceManufacturer -eq \"Con`toso\"", true},
        {"device.extensionAttribute5 -eq \"Say `\"hi`\"\"", true},
        {"device.extensionAttribute5 -eq 'Say \"hi\"'", true},
        {"device.extensionAttribute4 -eq \"\"", true},
        {"  ( ( device.displayName\t-eq \"PC1\" ) )\r\n", true},
    };
    const struct td_rule_subject device = kiosk(), user = ada();
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        const struct td_rule *rule = parsed(rows[i].rule);
        assert_int_equal(td_rule_kind_of(rule), TD_RULE_DEVICES);
        if (td_rule_matches(rule, &device) != rows[i].member)
            fail_msg("%s: %d", rows[i].rule, !rows[i].member);
        assert_false(td_rule_matches(rule, &user));
    }
}

static void rules_of_users(void **state TD_UNUSED)
{
    static const struct {
        const char *rule;
        bool member;
    } rows[] = {
        {"user.department -eq \"sales\"", true},
        {"user.surname -eq 'O''Neil'", true},
        {"user.otherMails -any (_ -startsWith \"a@\")", true},
        {"user.otherMails -all (_ -endsWith \"@lab.test\")", true},
        {"user.proxyAddresses -any (_ -contains \"x\")", false},
        {"user.employeeHireDate -ge \"2024-05-01\"", true},
        {"user.employeeHireDate -le 2024-04-30T23:59:59Z", false},
        {"user.employeeHireDate -eq \"2024-05-01T00:00:00Z\"", true},
        {"user.employeeHireDate -ne null", true},
        {"user.accountEnabled -eq true -and user.userPrincipalName -match \"@lab\\.test$\"", true},
    };
    const struct td_rule_subject user = ada();
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (td_rule_matches(parsed(rows[i].rule), &user) != rows[i].member)
            fail_msg("%s: %d", rows[i].rule, !rows[i].member);
    assert_int_equal(td_rule_kind_of(parsed(rows[0].rule)), TD_RULE_USERS);
}

static void refused_with_position(void **state TD_UNUSED)
{
    static const struct {
        const char *rule, *at;
        enum td_code rc;
    } rows[] = {
        {"", "character 1:", TD_EINVAL},
        {"(device.devicePhysicalIds -any _ -eq \"[OrderID]:KIOSK\"", "character 55:", TD_EINVAL},
        {"device.devicePhysicalIds -eq \"x\"", "character 26:", TD_EINVAL},
        {"device.devicePhysicalIds -any _ -is \"x\"", "character 33:", TD_EINVAL},
        {"device.devicePhysicalIds -any _ -eq \"x", "character 37:", TD_EINVAL},
        {"device.devicePhysicalIds -any _ -eq ", "character 37:", TD_EINVAL},
        {"device.devicePhysicalIds -any device.displayName -eq \"x\"", "character 31:", TD_EINVAL},
        {"device.devicePhysicalIds -any (device.displayName -eq \"x\")", "character 32:", TD_EINVAL},
        {"device.colour -eq \"x\"", "character 8: a device has no attribute \"colour\"", TD_EINVAL},
        {"user.deviceModel -eq \"x\"", "character 6: a user has no attribute", TD_EINVAL},
        {"device.displayName -any (_ -eq \"x\")", "character 20:", TD_EINVAL},
        {"device.displayName -eq \"x\" x", "character 28:", TD_EINVAL},
        {"device.displayName -startsWith null", "character 32:", TD_EINVAL},
        {"device.displayName -ge \"x\"", "character 20:", TD_EINVAL},
        {"device.displayName -in \"x\"", "character 24:", TD_EINVAL},
        {"device.displayName -in [\"x\" \"y\"]", "character 29:", TD_EINVAL},
        {"device.displayName -match \"a(\"", "character 27: character 2 of the pattern", TD_EINVAL},
        {"device.displayName -match \"(a)\\1\"", "character 27: character 5 of the pattern", TD_ENOTOFFERED},
        {"device.accountEnabled -eq maybe", "character 27:", TD_EINVAL},
        {"device.accountEnabled -startsWith true", "character 23:", TD_EINVAL},
        {"device.memberOf -all (group.objectId -in ['x'])", "character 17:", TD_EINVAL},
        {"device.memberOf -any (group.displayName -in ['x'])", "character 23:", TD_EINVAL},
        {"user.employeeHireDate -ge \"soon\"", "character 27:", TD_EINVAL},
        {"user.employeeHireDate -ge system.now", "character 27:", TD_ENOTOFFERED},
        {"user.assignedPlans -any (_ -eq \"x\")", "character 6:", TD_ENOTOFFERED},
        {"device.displayName -eq \"x\" -and user.city -eq \"y\"", "character 33:", TD_EINVAL},
        {"_ -eq \"x\"", "character 1:", TD_EINVAL},
        {"device.displayName -eq \"\xFF\"", "is not UTF-8", TD_EINVAL},
        {"device.displayName \xE2\x80\x93"
         "eq \"a\" \xE2\x80\x93"
         "und",
         "character 28:", TD_EINVAL},
        {"device.displayName -eq \xE2\x80\x9C"
         "PC1\xE2\x80\x9D",
         "character 24: a typographic", TD_EINVAL},
    };
    const struct td_rule *rule;
    struct td_error err;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        enum td_code rc = td_rule_parse(td_str(rows[i].rule), &arena, &rule, &err);
        if (rc != rows[i].rc || !td_starts(td_str(err.text), rows[i].at))
            fail_msg("%s: %d %s", rows[i].rule, rc, err.text);
    }
}

static enum td_code parse_repeated(const char *what, int times, const char *end)
{
    const struct td_rule *rule;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 1 << 16);
    for (int i = 0; i < times; i++)
        td_buf_adds(&b, what);
    td_buf_adds(&b, end);
    return td_rule_parse(td_buf_slice(&b), &arena, &rule, NULL);
}

static void bounds(void **state TD_UNUSED)
{
    assert_int_equal(parse_repeated("(", 2000, ""), TD_EINVAL);
    assert_int_equal(parse_repeated("not ", 700, ""), TD_EINVAL);
    assert_int_equal(parse_repeated(" ", 5000, ""), TD_ELIMIT);
    assert_int_equal(parse_repeated(" ", 3072 - 25, "device.displayName -eq 'a'"), TD_ELIMIT);
    assert_int_equal(parse_repeated(" ", 3072 - 26, "device.displayName -eq 'a'"), TD_OK);
    /* characters, not octets: a no-break space is one */
    assert_int_equal(parse_repeated("\xC2\xA0", 3072 - 26, "device.displayName -eq 'a'"), TD_OK);
    assert_int_equal(parse_repeated("\xC2\xA0", 3072 - 25, "device.displayName -eq 'a'"), TD_ELIMIT);
}

/* Random rules */

struct dice {
    const struct td_env *env;
};

static unsigned roll(const struct dice *d, unsigned n)
{
    unsigned char r[2];
    td_random_fill(d->env, r, sizeof(r));
    return (r[0] + 256U * r[1]) % n;
}

static const char *const words[] = {"a", "b", "A\"b", "it's", "`", "", "ab", "[x]:a"};

static const char *const ops[] = {"eq",          "ne",       "startsWith",  "notStartsWith", "endsWith",
                                  "notEndsWith", "contains", "notContains", "match",         "notMatch"};

static void random_value(const struct dice *d, struct td_buf *b)
{
    const char *w = words[roll(d, TD_COUNTOF(words))];
    td_buf_addc(b, '\'');
    for (; *w != '\0'; w++) {
        if (*w == '\'')
            td_buf_addc(b, '\'');
        td_buf_addc(b, *w);
    }
    td_buf_addc(b, '\'');
}

static void random_comparison(const struct dice *d, struct td_buf *b)
{
    unsigned n = roll(d, TD_COUNTOF(ops) + 3);
    if (n < TD_COUNTOF(ops)) {
        td_buf_printf(b, " -%s ", ops[n]);
        random_value(d, b);
        return;
    }
    td_buf_adds(b, n == TD_COUNTOF(ops) ? " -in [" : n == TD_COUNTOF(ops) + 1 ? " -notIn [" : " -eq null");
    for (unsigned i = 0; n < TD_COUNTOF(ops) + 2 && i < 3; i++) {
        td_buf_adds(b, i != 0 ? "," : "");
        random_value(d, b);
    }
    td_buf_adds(b, n < TD_COUNTOF(ops) + 2 ? "]" : "");
}

static void random_rule(const struct dice *d, struct td_buf *b, int depth, bool item)
{
    unsigned n = depth > 3 ? 5 : roll(d, 8);
    if (n < 2) {
        td_buf_addc(b, '(');
        random_rule(d, b, depth + 1, item);
        td_buf_adds(b, n == 0 ? ") -and (" : ") or (");
        random_rule(d, b, depth + 1, item);
        td_buf_addc(b, ')');
    } else if (n == 2) {
        td_buf_adds(b, "-not (");
        random_rule(d, b, depth + 1, item);
        td_buf_addc(b, ')');
    } else if (n == 3 && !item) {
        td_buf_adds(b, roll(d, 2) ? "device.devicePhysicalIds -any (" : "device.systemLabels -all (");
        random_rule(d, b, depth + 2, true);
        td_buf_addc(b, ')');
    } else {
        static const char *const names[] = {"device.displayName", "device.deviceModel", "device.extensionAttribute7"};
        td_buf_adds(b, item ? "_" : names[roll(d, TD_COUNTOF(names))]);
        random_comparison(d, b);
    }
}

static void random_subject(const struct dice *d, struct td_rule_subject *s, const char *items[4])
{
    *s = (struct td_rule_subject){.kind = TD_RULE_DEVICES};
    s->text[TD_RD_DISPLAY_NAME] = words[roll(d, TD_COUNTOF(words))];
    s->text[TD_RD_MODEL] = words[roll(d, TD_COUNTOF(words))];
    s->text[TD_RD_EXTENSION1 + 6] = roll(d, 2) ? NULL : words[roll(d, TD_COUNTOF(words))];
    unsigned n = roll(d, 4);
    for (unsigned i = 0; i < n; i++)
        items[i] = words[roll(d, TD_COUNTOF(words))];
    items[n] = NULL;
    s->items[TD_RD_PHYSICAL_IDS] = s->items[TD_RD_SYSTEM_LABELS] = items;
}

static bool has_key(const struct td_rule_subject *s, const struct td_rule_key *k)
{
    const char *const *items = s->items[k->attribute];
    if (s->text[k->attribute] != NULL && td_ieqs(td_str(k->value), s->text[k->attribute]))
        return true;
    for (; items != NULL && *items != NULL; items++)
        if (td_ieqs(td_str(k->value), *items))
            return true;
    return false;
}

static void check_random(const struct dice *d, struct td_buf *b, struct td_buf *printed, int *keyed)
{
    const struct td_rule *rule, *again;
    struct td_error err;
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    if (td_rule_parse(td_buf_slice(b), &a, &rule, &err) != TD_OK)
        fail_msg("%s: %s", b->p, err.text);
    td_rule_print(rule, printed);
    if (td_rule_parse(td_buf_slice(printed), &a, &again, &err) != TD_OK)
        fail_msg("%s printed as %s: %s", b->p, printed->p, err.text);
    TD_CLEANUP(td_buf_done) struct td_buf twice;
    td_buf_init(&twice, 1 << 16);
    td_rule_print(again, &twice);
    assert_string_equal(twice.p, printed->p);
    struct td_rule_key keys[TD_RULE_MAX_KEYS];
    size_t n = td_rule_keys(rule, keys);
    *keyed += n != 0;
    for (int i = 0; i < 6; i++) {
        struct td_rule_subject s;
        const char *items[4];
        random_subject(d, &s, items);
        bool is = td_rule_matches(rule, &s), found = n == 0;
        assert_int_equal(td_rule_matches(again, &s), is);
        for (size_t k = 0; k < n; k++)
            found = found || has_key(&s, &keys[k]);
        if (is && !found)
            fail_msg("%s holds for one that has none of its keys", b->p);
        assert_non_null(strstr(td_rule_why(rule, &s, &a), is ? "holds" : "does not hold"));
    }
}

static void printed_and_read_again(void **state TD_UNUSED)
{
    struct td_env_fixed world;
    td_env_fixed_init(&world, 0, 11);
    struct dice d = {&world.env};
    int keyed = 0;
    for (int i = 0; i < 2000; i++) {
        TD_CLEANUP(td_buf_done) struct td_buf b, printed;
        td_buf_init(&b, 1 << 16);
        td_buf_init(&printed, 1 << 16);
        random_rule(&d, &b, 0, false);
        if (b.n <= TD_RULE_MAX_TEXT && strstr(b.p, "atch '[x]:a'") == NULL)
            check_random(&d, &b, &printed, &keyed);
        td_buf_done(&printed);
    }
    assert_true(keyed > 100);
}

static void keys_and_attributes(void **state TD_UNUSED)
{
    static const struct {
        const char *rule;
        size_t keys;
    } rows[] = {
        {"device.devicePhysicalIds -any _ -eq \"[OrderID]:KIOSK\"", 1},
        {"device.displayName -in ['a','b','c']", 3},
        {"device.displayName -eq 'a' -or device.deviceModel -eq 'b'", 2},
        {"device.displayName -eq 'a' -or device.deviceModel -startsWith 'b'", 0},
        {"device.displayName -startsWith 'a' -and device.deviceModel -eq 'b'", 1},
        {"device.displayName -ne 'a'", 0},
        {"-not (device.displayName -eq 'a')", 0},
        {"device.devicePhysicalIds -all (_ -eq 'a')", 0},
        {"device.displayName -eq null", 0},
    };
    struct td_rule_key keys[TD_RULE_MAX_KEYS];
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (td_rule_keys(parsed(rows[i].rule), keys) != rows[i].keys)
            fail_msg("%s", rows[i].rule);
    assert_int_equal(td_rule_looks_at(parsed("device.displayName -eq 'a' -or -not device.isRooted -eq true")),
                     (1ULL << TD_RD_DISPLAY_NAME) | (1ULL << TD_RD_IS_ROOTED));
}

static void what_decided(void **state TD_UNUSED)
{
    static const struct {
        const char *rule, *why;
    } rows[] = {
        {"device.displayName -eq 'x' -or (device.devicePhysicalIds -any _ -eq '[OrderID]:KIOSK')",
         "device.devicePhysicalIds -any (_ -eq \"[OrderID]:KIOSK\") holds: it is \"[OrderId]:KIOSK\""},
        {"device.deviceModel -startsWith 'book' -and device.displayName -eq 'PC2'",
         "device.displayName -eq \"PC2\" does not hold: it is \"PC1\""},
        {"device.deviceModel -startsWith 'book' -and device.deviceCategory -eq 'PC2'",
         "device.deviceCategory -eq \"PC2\" does not hold: it is null"},
        {"device.deviceModel -eq 'a' -or device.displayName -eq 'b'",
         "device.deviceModel -eq \"a\" -or device.displayName -eq \"b\" does not hold"},
        {"device.devicePhysicalIds -any (_ -eq 'a')", "device.devicePhysicalIds -any (_ -eq \"a\") does not hold"},
    };
    const struct td_rule_subject device = kiosk();
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        assert_string_equal(td_rule_why(parsed(rows[i].rule), &device, &arena), rows[i].why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),
        cmocka_unit_test(rules_of_users),
        cmocka_unit_test(refused_with_position),
        cmocka_unit_test(bounds),
        cmocka_unit_test(printed_and_read_again),
        cmocka_unit_test(keys_and_attributes),
        cmocka_unit_test(what_decided),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("rule language", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
