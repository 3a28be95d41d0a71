/* way/rule: any text; what parses gives a verdict, and its printed form reads back to the same print. */
#include "way/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct td_rule_subject subject(enum td_rule_kind kind)
{
    static const char *const items[] = {"[ZTDID]:3f0c", "[OrderId]:KIOSK", NULL};
    struct td_rule_subject s = {.kind = kind};
    for (size_t i = 0; i < TD_RULE_MAX_ATTRIBUTES; i++) {
        s.text[i] = i % 3 == 0 ? "PC1" : i % 3 == 1 ? "2024-05-01T00:00:00Z" : NULL;
        s.items[i] = i % 2 == 0 ? items : NULL;
    }
    return s;
}

static void check(const struct td_rule *rule, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf once, twice;
    const struct td_rule *again;
    struct td_rule_key keys[TD_RULE_MAX_KEYS];
    struct td_rule_subject s = subject(td_rule_kind_of(rule));
    td_buf_init(&once, 1 << 20);
    td_buf_init(&twice, 1 << 20);
    (void)td_rule_keys(rule, keys);
    (void)td_rule_why(rule, &s, a);
    bool is = td_rule_matches(rule, &s);
    td_rule_print(rule, &once);
    if (once.n <= TD_RULE_MAX_TEXT && td_rule_parse(td_buf_slice(&once), a, &again, NULL) == TD_OK) {
        td_rule_print(again, &twice);
        if (!td_eq(td_buf_slice(&once), td_buf_slice(&twice)) || td_rule_matches(again, &s) != is)
            __builtin_trap();
    }
    td_buf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct td_rule *rule;
    struct td_arena a;
    td_arena_init(&a);
    if (td_rule_parse(td_bytes(data, size), &a, &rule, NULL) == TD_OK)
        check(rule, &a);
    td_arena_done(&a);
    return 0;
}
