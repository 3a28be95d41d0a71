/* way/pattern: regular expressions of rules; the judge of the random ones is the C library's engine. */
#include "base/env.h"
#include "unit/test.h"
#include "way/pattern.h"

#include <regex.h>

static struct td_arena arena;

static bool matches(const char *pattern, const char *text)
{
    const struct td_pattern *p;
    struct td_error err;
    if (td_pattern_parse(td_str(pattern), &arena, &p, &err) != TD_OK)
        fail_msg("%s: %s", pattern, err.text);
    return td_pattern_matches(p, td_str(text));
}

static void patterns(void **state TD_UNUSED)
{
    static const struct {
        const char *pattern, *yes, *no;
    } rows[] = {
        {"PC", "my pc 1", "p c"},
        {"^LAB-\\d{3}$", "lab-123", "lab-1234"},
        {"^LAB-\\d{2,3}$", "LAB-12", "LAB-1"},
        {"^a{2,}$", "aaaa", "a"},
        {"^(ab|cd)+$", "abcdab", "abc"},
        {"^(?:a|b|cc)$", "CC", "c"},
        {"[^a-f]x", "gx", "ax"},
        {"^[A-Z]$", "q", "1"},
        {"^\\W$", "-", "A"},
        {"^[\\D]+$", "abc", "a1"},
        {"^\\S+@contoso\\.test$", "ada@contoso.test", "ada b@contosoxtest"},
        {"\\bbook\\b", "a Book 1", "notebook"},
        {"\\Bbook", "notebook", "a book"},
        {"^a?b*?c+$", "bbcc", "bb"},
        {"^.{3}$",
         "b\xC3\xBC"
         "c",
         "bcde"},
        {"^[\xC3\xA4-\xC3\xBC]$", "\xC3\xB6", "o"},
        {"^(a|b)?c{0}d$", "d", "cd"},
        {"x|^$", "", "y"},
        {"^[]a]+$", "]a", "b"},
        {"^[a\\-z]+$", "a-z", "b"},
        {"a{,2}", "a{,2}", "aa"},
        {"^(a*)*b$", "aaab", "aaac"},
        {"\\\\", "a\\b", "ab"},
        {"^(((a|b)|c)|d){2}$", "cd", "cde"},
        {"\\t", "a\tb", "t"},
        {"^\\s*$", " \t", "x"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        if (!matches(rows[i].pattern, rows[i].yes))
            fail_msg("%s does not match %s", rows[i].pattern, rows[i].yes);
        if (matches(rows[i].pattern, rows[i].no))
            fail_msg("%s matches %s", rows[i].pattern, rows[i].no);
    }
}

static void refused(void **state TD_UNUSED)
{
    static const struct {
        const char *pattern, *text;
        enum td_code rc;
    } rows[] = {
        {"a(b", "character 2 of the pattern: the group", TD_EINVAL},
        {"a)b", "character 2 of the pattern: a closing", TD_EINVAL},
        {"[a", "character 1 of the pattern: the class", TD_EINVAL},
        {"*a", "character 1 of the pattern: nothing", TD_EINVAL},
        {"a\\", "character 3 of the pattern: a lone", TD_EINVAL},
        {"[z-a]", "character 5 of the pattern: a range", TD_EINVAL},
        {"\\q", "character 2 of the pattern: an escape", TD_EINVAL},
        {"a{9999}", "character 8 of the pattern: a repetition", TD_EINVAL},
        {"(a)\\1", "character 5 of the pattern: back references", TD_ENOTOFFERED},
        {"(?=a)", "character 2 of the pattern: look-ahead", TD_ENOTOFFERED},
        {"(?<!a)b", "character 2 of the pattern: look-behind", TD_ENOTOFFERED},
        {"(?<n>a)", "character 2 of the pattern: named groups", TD_ENOTOFFERED},
        {"\\p{Lu}", "character 2 of the pattern: Unicode", TD_ENOTOFFERED},
        {"((a{50}){50}){50}", "the pattern grows past", TD_ELIMIT},
    };
    const struct td_pattern *p;
    struct td_error err;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        enum td_code rc = td_pattern_parse(td_str(rows[i].pattern), &arena, &p, &err);
        if (rc != rows[i].rc || !td_starts(td_str(err.text), rows[i].text))
            fail_msg("%s: %d %s", rows[i].pattern, rc, err.text);
    }
}

/* What backtracking engines take years for is a walk here: the work is counted by the size, not by a clock. */
static void hostile_ones_stay_small(void **state TD_UNUSED)
{
    char text[4096];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_false(matches("^(a+)+$b", text));
    assert_false(matches("^(a|a)*(a|aa)*(a*)*b$", text));
    assert_false(matches("(a?){80}a{80}b", text));
}

static void random_pattern(const struct td_env *env, struct td_buf *b, int depth)
{
    static const char *const atoms[] = {"a", "b", "c", ".", "[ab]", "[^a]", "[a-c]"};
    static const char *const times[] = {"", "", "", "*", "+", "?", "{2}", "{1,2}"};
    unsigned char r[4];
    td_random_fill(env, r, sizeof(r));
    for (int i = 0; i <= r[0] % 3; i++) {
        td_random_fill(env, r, sizeof(r));
        if (depth < 3 && r[1] % 4 == 0) {
            td_buf_addc(b, '(');
            random_pattern(env, b, depth + 1);
            td_buf_addc(b, ')');
        } else {
            td_buf_adds(b, atoms[r[2] % TD_COUNTOF(atoms)]);
        }
        td_buf_adds(b, times[r[3] % TD_COUNTOF(times)]);
        if (depth > 0 && r[1] % 5 == 1) {
            td_buf_addc(b, '|');
            td_buf_adds(b, atoms[r[0] % TD_COUNTOF(atoms)]);
        }
    }
}

static void as_another_engine(void **state TD_UNUSED)
{
    struct td_env_fixed world;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_env_fixed_init(&world, 0, 7);
    td_buf_init(&b, 4096);
    int both = 0;
    for (int i = 0; i < 1500; i++) {
        td_buf_reset(&b);
        random_pattern(&world.env, &b, 0);
        const struct td_pattern *p;
        regex_t judge;
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        if (td_pattern_parse(td_buf_slice(&b), &a, &p, NULL) != TD_OK || regcomp(&judge, b.p, REG_EXTENDED) != 0)
            continue;
        for (int n = 0; n < 8; n++) {
            unsigned char r[8];
            char text[8] = "";
            td_random_fill(&world.env, r, sizeof(r));
            for (int c = 0; c < r[7] % 7; c++)
                text[c] = (char)('a' + r[c] % 4);
            bool want = regexec(&judge, text, 0, NULL, 0) == 0;
            if (td_pattern_matches(p, td_str(text)) != want)
                fail_msg("%s on %s: another engine says %d", b.p, text, want);
            both++;
        }
        regfree(&judge);
    }
    assert_true(both > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),
        cmocka_unit_test(refused),
        cmocka_unit_test(hostile_ones_stay_small),
        cmocka_unit_test(as_another_engine),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
