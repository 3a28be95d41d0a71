#include "base/env.h"
#include "base/fault.h"
#include "way/rule_tree.h"

static bool contains(struct td_slice s, struct td_slice part)
{
    for (size_t i = 0; part.n <= s.n && i <= s.n - part.n; i++)
        if (td_ieq(td_sub(s, i, part.n), part))
            return true;
    return false;
}

static bool ends(struct td_slice s, struct td_slice end)
{
    return s.n >= end.n && td_ieq(td_sub(s, s.n - end.n, end.n), end);
}

static bool equals(struct td_slice have, const char *want)
{
    if (td_fault("rule-by-prefix"))
        return want != NULL && td_istarts(td_str(want), have.p);
    return td_ieq(have, td_str(want));
}

static bool is_in(const struct td_rule *rule, struct td_slice have)
{
    for (size_t i = 0; i < rule->value_count; i++)
        if (equals(have, rule->values[i]))
            return true;
    return false;
}

static bool compare_time(const struct td_rule *rule, const char *have)
{
    int64_t at = 0;
    bool known = td_time_parse(td_str(have), &at);
    bool null = rule->values[0] == NULL;
    switch (rule->op) {
    case TD_RO_EQ:
        return null ? !known : known && at == rule->time;
    case TD_RO_NE:
        return null ? known : !known || at != rule->time;
    case TD_RO_GE:
        return known && at >= rule->time;
    default:
        return known && at <= rule->time;
    }
}

/* have "": null. */
static bool compare(const struct td_rule *rule, const char *have)
{
    if (rule->type == TD_RULE_TIME)
        return compare_time(rule, have);
    struct td_slice h = td_str(have), w = td_str(rule->values[0]);
    switch (rule->op) {
    case TD_RO_EQ:
        return equals(h, rule->values[0]);
    case TD_RO_NE:
        return !td_ieq(h, w);
    case TD_RO_STARTS:
        return td_istarts(h, w.p);
    case TD_RO_NOT_STARTS:
        return !td_istarts(h, w.p);
    case TD_RO_ENDS:
        return ends(h, w);
    case TD_RO_NOT_ENDS:
        return !ends(h, w);
    case TD_RO_CONTAINS:
        return contains(h, w);
    case TD_RO_NOT_CONTAINS:
        return !contains(h, w);
    case TD_RO_MATCH:
        return td_pattern_matches(rule->pattern, h);
    case TD_RO_NOT_MATCH:
        return !td_pattern_matches(rule->pattern, h);
    case TD_RO_IN:
        return is_in(rule, h);
    default:
        return !is_in(rule, h);
    }
}

static const char *text_of(const struct td_rule *rule, const struct td_rule_subject *subject)
{
    const char *text = subject->text[rule->attribute];
    return text != NULL ? text : "";
}

static bool verdict(const struct td_rule *rule, const struct td_rule_subject *subject, const char *item);

/* The item that decides a quantifier: one that holds for -any, one that does not for -all; NULL: none does. */
static const char *deciding_item(const struct td_rule *rule, const struct td_rule_subject *subject)
{
    const char *const *items = subject->items[rule->attribute];
    for (; items != NULL && *items != NULL; items++)
        if (verdict(rule->left, subject, *items) == (rule->node == TD_RN_ANY))
            return *items;
    return NULL;
}

static bool verdict(const struct td_rule *rule, const struct td_rule_subject *subject, const char *item)
{
    switch (rule->node) {
    case TD_RN_OR:
        return verdict(rule->left, subject, item) || verdict(rule->right, subject, item);
    case TD_RN_AND:
        return verdict(rule->left, subject, item) && verdict(rule->right, subject, item);
    case TD_RN_NOT:
        return !verdict(rule->left, subject, item);
    case TD_RN_VALUE:
        return compare(rule, text_of(rule, subject));
    case TD_RN_ITEM:
        return compare(rule, item);
    default:
        return (deciding_item(rule, subject) != NULL) == (rule->node == TD_RN_ANY);
    }
}

bool td_rule_matches(const struct td_rule *rule, const struct td_rule_subject *subject)
{
    return rule->kind == subject->kind && verdict(rule, subject, "");
}

static void print_text(const char *text, struct td_buf *out)
{
    if (text == NULL) {
        td_buf_adds(out, "null");
        return;
    }
    td_buf_addc(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '`')
            td_buf_addc(out, '`');
        td_buf_addc(out, *text);
    }
    td_buf_addc(out, '"');
}

static void print_comparison(const struct td_rule *rule, struct td_buf *out)
{
    bool list = rule->op == TD_RO_IN || rule->op == TD_RO_NOT_IN;
    td_buf_printf(out, " -%s ", td_rule_op_words[rule->op]);
    if (list)
        td_buf_addc(out, '[');
    for (size_t i = 0; i < rule->value_count; i++) {
        td_buf_adds(out, i == 0 ? "" : ", ");
        if (rule->type == TD_RULE_BOOL && rule->values[i] != NULL)
            td_buf_adds(out, rule->values[i]);
        else
            print_text(rule->values[i], out);
    }
    if (list)
        td_buf_addc(out, ']');
}

static void print_operand(const struct td_rule *rule, enum td_rule_node parent, bool is_right, struct td_buf *out)
{
    /* an operand that is a chain of its own stands in parentheses, but for the left side of the same chain */
    bool chain = rule->node == TD_RN_OR || rule->node == TD_RN_AND;
    bool wrap = chain && (is_right || rule->node != parent);
    if (wrap)
        td_buf_addc(out, '(');
    td_rule_print(rule, out);
    if (wrap)
        td_buf_addc(out, ')');
}

static void print_name(const struct td_rule *rule, struct td_buf *out)
{
    size_t n = 0;
    td_buf_adds(out, rule->kind == TD_RULE_USERS ? "user." : "device.");
    td_buf_adds(out, td_rule_attributes(rule->kind, &n)[rule->attribute].name);
}

void td_rule_print(const struct td_rule *rule, struct td_buf *out)
{
    switch (rule->node) {
    case TD_RN_OR:
    case TD_RN_AND:
        print_operand(rule->left, rule->node, false, out);
        td_buf_adds(out, rule->node == TD_RN_OR ? " -or " : " -and ");
        print_operand(rule->right, rule->node, true, out);
        return;
    case TD_RN_NOT:
        td_buf_adds(out, "-not ");
        print_operand(rule->left, TD_RN_NOT, true, out);
        return;
    case TD_RN_VALUE:
        print_name(rule, out);
        print_comparison(rule, out);
        return;
    case TD_RN_ITEM:
        td_buf_adds(out, rule->type == TD_RULE_GROUPS ? "group.objectId" : "_");
        print_comparison(rule, out);
        return;
    default:
        print_name(rule, out);
        td_buf_adds(out, rule->node == TD_RN_ANY ? " -any (" : " -all (");
        td_rule_print(rule->left, out);
        td_buf_addc(out, ')');
    }
}

/* Down to the smallest part that alone makes the verdict. */
static const struct td_rule *deciding(const struct td_rule *rule, const struct td_rule_subject *subject)
{
    bool or = rule->node == TD_RN_OR;
    if (! or &&rule->node != TD_RN_AND)
        return rule;
    bool left = verdict(rule->left, subject, ""), right = verdict(rule->right, subject, "");
    if (left == right && left != or)
        return rule; /* both sides were needed */
    return deciding(left == or ? rule->left : rule->right, subject);
}

const char *td_rule_why(const struct td_rule *rule, const struct td_rule_subject *subject, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    const struct td_rule *part = deciding(rule, subject);
    bool holds = verdict(part, subject, "");
    td_buf_init(&b, (size_t)4 * TD_RULE_MAX_OCTETS);
    td_rule_print(part, &b);
    td_buf_adds(&b, holds ? " holds" : " does not hold");
    const char *item = part->node == TD_RN_ANY || part->node == TD_RN_ALL ? deciding_item(part, subject) : NULL;
    if (item != NULL || part->node == TD_RN_VALUE) {
        const char *met = item != NULL ? item : text_of(part, subject);
        td_buf_adds(&b, ": it is ");
        print_text(met[0] != '\0' ? met : NULL, &b);
    }
    return td_arena_text(a, td_buf_slice(&b));
}
