/* way/remains: the keep/remove matrix a second time, in the words of autopilot.md 3.8, action by action. */
#include "unit/test.h"
#include "way/remains.h"

#include <string.h>

#define EVERYTHING_ELSE "*"

/* Parts by word, joined by '|'. What is in no list, or in two, fails. */
static const struct statement {
    enum td_action_kind kind;
    const char *keeps, *removes, *reapplied;
} statements[] = {
    {TD_ACTION_RESET,
     "directory join|enrolment|Wi-Fi profiles|provisioning packages|client certificates|region, language, keyboard|"
     "choices of the first pages|computer name|edition|cached deployment profile|AutopilotConfigurationFile.json|"
     "disk encryption|TPM and firmware|maker's apps",
     "user accounts|user profiles|user files|data outside profiles|user-installed apps|settings of the machine",
     "managed apps|policies|trusted certificates|managed local administrator"},
    {TD_ACTION_LOCAL_RESET,
     "directory join|enrolment|Wi-Fi profiles|provisioning packages|client certificates|region, language, keyboard|"
     "choices of the first pages|computer name|edition|cached deployment profile|AutopilotConfigurationFile.json|"
     "disk encryption|TPM and firmware|maker's apps",
     "user accounts|user profiles|user files|data outside profiles|user-installed apps|settings of the machine",
     "managed apps|policies|trusted certificates|managed local administrator"},
    {TD_ACTION_WIPE, "edition|TPM and firmware", EVERYTHING_ELSE, ""},
    {TD_ACTION_WIPE_PROTECTED, "edition|TPM and firmware", EVERYTHING_ELSE, ""},
    {TD_ACTION_WIPE_CLOUD, "edition|TPM and firmware", EVERYTHING_ELSE, ""},
    {TD_ACTION_FRESH_START, "edition|TPM and firmware", EVERYTHING_ELSE, ""},
    {TD_ACTION_WIPE_KEEP_PROVISIONING, "edition|TPM and firmware|provisioning packages", EVERYTHING_ELSE, ""},
    {TD_ACTION_WIPE_KEEP_USER,
     "user accounts|directory join|enrolment|maker's apps|user profiles|data outside profiles|"
     "region, language, keyboard|choices of the first pages|computer name|edition|cached deployment profile|"
     "disk encryption|TPM and firmware",
     "user files|user-installed apps|settings of the machine|provisioning packages|AutopilotConfigurationFile.json",
     "policies|managed apps|trusted certificates|client certificates|Wi-Fi profiles|managed local administrator"},
    {TD_ACTION_FRESH_START_KEEP_USER,
     "user files|user accounts|user profiles|directory join|enrolment|data outside profiles|client certificates|"
     "Wi-Fi profiles|region, language, keyboard|choices of the first pages|computer name|edition|"
     "cached deployment profile|disk encryption|TPM and firmware",
     "maker's apps|user-installed apps|settings of the machine|provisioning packages|AutopilotConfigurationFile.json",
     "policies|managed apps|trusted certificates|managed local administrator"},
    {TD_ACTION_RETIRE, EVERYTHING_ELSE,
     "directory join|enrolment|user accounts|managed apps|policies|trusted certificates|client certificates|"
     "Wi-Fi profiles",
     ""},
    {TD_ACTION_DELETE, EVERYTHING_ELSE,
     "directory join|enrolment|user accounts|managed apps|policies|trusted certificates|client certificates|"
     "Wi-Fi profiles",
     ""},
    {TD_ACTION_REINSTALL, "TPM and firmware", EVERYTHING_ELSE, ""},
    {TD_ACTION_SYNC, EVERYTHING_ELSE, "", ""},
    {TD_ACTION_RESTART, EVERYTHING_ELSE, "", ""},
    {TD_ACTION_SHUT_DOWN, EVERYTHING_ELSE, "", ""},
    {TD_ACTION_RENAME, EVERYTHING_ELSE, "", ""},
    {TD_ACTION_LOCK, EVERYTHING_ELSE, "", ""},
    {TD_ACTION_ROTATE_LAPS, EVERYTHING_ELSE, "", ""},
    {TD_ACTION_DIAGNOSTICS, EVERYTHING_ELSE, "", ""},
    {TD_ACTION_QUICK_SCAN, EVERYTHING_ELSE, "", ""},
    {TD_ACTION_FULL_SCAN, EVERYTHING_ELSE, "", ""},
    {TD_ACTION_UPDATE_SIGNATURES, EVERYTHING_ELSE, "", ""},
};

static bool names(const char *list, const char *word)
{
    struct td_slice rest = td_str(list), one;
    while (rest.n != 0) {
        rest = td_cut(rest, '|', &one);
        if (td_eqs(one, word))
            return true;
    }
    return false;
}

static bool is_rest(const char *list)
{
    return strcmp(list, EVERYTHING_ELSE) == 0;
}

static enum td_fate stated(const struct statement *s, const char *word)
{
    int lists = names(s->keeps, word) + names(s->removes, word) + names(s->reapplied, word);
    bool rest = is_rest(s->keeps) || is_rest(s->removes);
    if (lists > 1 || (lists == 0 && !rest))
        fail_msg("%s of %s stands in %d lists", word, td_action_rows[s->kind].word, lists);
    if (names(s->keeps, word) || (lists == 0 && is_rest(s->keeps)))
        return TD_KEPT;
    return names(s->reapplied, word) ? TD_REAPPLIED : TD_REMOVED;
}

static const struct statement *statement_of(enum td_action_kind kind)
{
    for (size_t i = 0; i < TD_COUNTOF(statements); i++)
        if (statements[i].kind == kind)
            return &statements[i];
    fail_msg("nothing is stated for %s", td_action_rows[kind].word);
    return NULL;
}

static void as_the_document_says(void **state TD_UNUSED)
{
    for (int k = 0; k < TD_ACTION_KIND_COUNT; k++) {
        const struct statement *s = statement_of((enum td_action_kind)k);
        for (int p = 0; p < TD_PART_COUNT; p++) {
            const char *word = td_part_word((enum td_part)p);
            enum td_fate want = stated(s, word), got = td_remains((enum td_action_kind)k, (enum td_part)p);
            if (want != got)
                fail_msg("%s: %s is %s, not %s", td_action_rows[k].word, word, td_fate_word(got), td_fate_word(want));
        }
    }
}

/* A word in a list that no part has would be a statement about nothing. */
static void every_stated_word_is_a_part(void **state TD_UNUSED)
{
    for (size_t i = 0; i < TD_COUNTOF(statements); i++) {
        const char *const lists[] = {statements[i].keeps, statements[i].removes, statements[i].reapplied};
        for (size_t l = 0; l < TD_COUNTOF(lists); l++) {
            struct td_slice rest = td_str(is_rest(lists[l]) ? "" : lists[l]), one;
            while (rest.n != 0) {
                bool known = false;
                rest = td_cut(rest, '|', &one);
                for (int p = 0; p < TD_PART_COUNT; p++)
                    known |= td_eqs(one, td_part_word((enum td_part)p));
                if (!known)
                    fail_msg("no part is called %.*s", TD_FMT(one));
            }
        }
    }
}

/* The two tables of actions agree: who is back in the box has neither join nor enrolment, and so on. */
static void agrees_with_the_table_of_actions(void **state TD_UNUSED)
{
    for (int k = 0; k < TD_ACTION_KIND_COUNT; k++) {
        enum td_action_kind kind = (enum td_action_kind)k;
        bool managed = td_remains(kind, TD_PART_ENROLMENT) == TD_KEPT;
        bool files = td_remains(kind, TD_PART_USER_APPS) == TD_KEPT;
        assert_int_equal(td_remains(kind, TD_PART_JOIN), td_remains(kind, TD_PART_ENROLMENT));
        switch (td_action_rows[k].leaves) {
        case TD_LEAVES_ALL:
            assert_true(managed && files);
            break;
        case TD_LEAVES_ENROLMENT:
            assert_true(managed && !files);
            break;
        case TD_LEAVES_BOX:
            assert_true(!managed && !files);
            break;
        case TD_LEAVES_UNMANAGED:
            assert_true(!managed && files);
            break;
        }
    }
}

/* Only management brings something back, so nothing is reapplied where it ends. */
static void nobody_reapplies_without_management(void **state TD_UNUSED)
{
    for (int k = 0; k < TD_ACTION_KIND_COUNT; k++)
        for (int p = 0; p < TD_PART_COUNT; p++)
            if (td_remains((enum td_action_kind)k, TD_PART_ENROLMENT) != TD_KEPT)
                assert_int_not_equal(td_remains((enum td_action_kind)k, (enum td_part)p), TD_REAPPLIED);
}

static void has_words(void **state TD_UNUSED)
{
    for (int p = 0; p < TD_PART_COUNT; p++) {
        assert_true(strlen(td_part_word((enum td_part)p)) > 2);
        const char *about = td_part_about((enum td_part)p);
        assert_int_equal(about[strlen(about) - 1], '.');
    }
    assert_string_equal(td_fate_word(TD_REAPPLIED), "reapplied");
    assert_string_equal(td_part_word(TD_PART_COUNT), "");
    assert_int_equal(td_remains(TD_ACTION_KIND_COUNT, TD_PART_FILES), TD_KEPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_document_says),
        cmocka_unit_test(every_stated_word_is_a_part),
        cmocka_unit_test(agrees_with_the_table_of_actions),
        cmocka_unit_test(nobody_reapplies_without_management),
        cmocka_unit_test(has_words),
    };
    return cmocka_run_group_tests_name("remains", tests, NULL, NULL);
}
