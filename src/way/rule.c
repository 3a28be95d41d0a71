#include "way/rule.h"

#include "base/buf.h"
#include "base/fault.h"

enum op { OP_EQ, OP_NE, OP_STARTS, OP_NOT_STARTS, OP_ENDS, OP_NOT_ENDS, OP_CONTAINS, OP_NOT_CONTAINS, OP_NOT_OFFERED };

static const struct {
    const char *word;
    enum op op;
} ops[] = {
    {"eq", OP_EQ},
    {"ne", OP_NE},
    {"startsWith", OP_STARTS},
    {"notStartsWith", OP_NOT_STARTS},
    {"endsWith", OP_ENDS},
    {"notEndsWith", OP_NOT_ENDS},
    {"contains", OP_CONTAINS},
    {"notContains", OP_NOT_CONTAINS},
    {"match", OP_NOT_OFFERED},
    {"notMatch", OP_NOT_OFFERED},
    {"in", OP_NOT_OFFERED},
    {"notIn", OP_NOT_OFFERED},
    {"ge", OP_NOT_OFFERED},
    {"le", OP_NOT_OFFERED},
};

enum { NO_TEXT = -1, PHYSICAL_IDS = -2 };

/* Attributes of the documented language; those without a text of ours are known and not offered yet. */
static const struct {
    const char *name;
    int offset; /* in struct td_rule_device, NO_TEXT or PHYSICAL_IDS */
} attributes[] = {
    {"devicePhysicalIds", PHYSICAL_IDS},
    {"displayName", offsetof(struct td_rule_device, display_name)},
    {"deviceManufacturer", offsetof(struct td_rule_device, manufacturer)},
    {"deviceModel", offsetof(struct td_rule_device, model)},
    {"deviceOSType", offsetof(struct td_rule_device, os_type)},
    {"deviceOwnership", offsetof(struct td_rule_device, ownership)},
    {"objectId", offsetof(struct td_rule_device, object_id)},
    {"deviceId", offsetof(struct td_rule_device, object_id)},
    {"enrollmentProfileName", NO_TEXT},
    {"accountEnabled", NO_TEXT},
    {"deviceCategory", NO_TEXT},
    {"deviceManagementAppId", NO_TEXT},
    {"deviceOSVersion", NO_TEXT},
    {"deviceTrustType", NO_TEXT},
    {"isRooted", NO_TEXT},
    {"managementType", NO_TEXT},
    {"memberOf", NO_TEXT},
    {"profileType", NO_TEXT},
    {"systemLabels", NO_TEXT},
};

enum node { N_OR, N_AND, N_NOT, N_TEXT, N_ITEM, N_ANY, N_ALL };

struct td_rule {
    enum node node;
    const struct td_rule *left, *right; /* right NULL for N_NOT, N_ANY, N_ALL */
    enum op op;
    int offset;        /* of N_TEXT */
    const char *value; /* NULL: null */
};

struct parser {
    struct td_slice text;
    size_t at;
    struct td_arena *arena;
    struct td_error *err;
    int depth, nodes;
    bool in_item; /* inside -any or -all */
};

static enum td_code refuse(const struct parser *p, const char *why)
{
    return td_fail(p->err, TD_EINVAL, "rule", "character %zu: %s", p->at + 1, why);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->text.n && is_blank(p->text.p[p->at]))
        p->at++;
}

static struct td_slice rest(const struct parser *p)
{
    return td_sub(p->text, p->at, p->text.n);
}

static bool take_char(struct parser *p, char c)
{
    skip_blanks(p);
    if (p->at == p->text.n || p->text.p[p->at] != c)
        return false;
    p->at++;
    return true;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Letters and digits; operators may be written with a hyphen, a pasted en dash, or bare. */
static struct td_slice peek_word(struct parser *p, bool is_operator, size_t *ret_end)
{
    skip_blanks(p);
    size_t from = p->at;
    if (is_operator && td_starts(rest(p), "-"))
        from += 1;
    else if (is_operator && td_starts(rest(p), "\xE2\x80\x93"))
        from += 3;
    size_t end = from;
    while (end < p->text.n && is_word_char(p->text.p[end]))
        end++;
    *ret_end = end;
    return td_sub(p->text, from, end - from);
}

static bool take_operator(struct parser *p, const char *word)
{
    size_t end = 0;
    if (!td_ieqs(peek_word(p, true, &end), word))
        return false;
    p->at = end;
    return true;
}

/* How many there may be is checked where a condition begins: each makes three nodes at most. */
static struct td_rule *new_node(struct parser *p, enum node node)
{
    struct td_rule *n = td_arena_new(p->arena, struct td_rule);
    n->node = node;
    p->nodes++;
    return n;
}

static enum td_code read_quoted(struct parser *p, char quote, const char **ret)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, TD_RULE_MAX_TEXT);
    const size_t begin = p->at++;
    while (p->at < p->text.n) {
        char c = p->text.p[p->at++];
        bool more = p->at < p->text.n;
        if (c == '`' && quote == '"' && more)
            c = p->text.p[p->at++];
        else if (c == '\'' && quote == '\'' && more && p->text.p[p->at] == '\'')
            p->at++;
        else if (c == quote) {
            *ret = td_arena_text(p->arena, td_buf_slice(&b));
            return TD_OK;
        }
        td_buf_addc(&b, c);
    }
    p->at = begin;
    return refuse(p, "the quotation mark is not closed");
}

static enum td_code read_value(struct parser *p, const char **ret)
{
    skip_blanks(p);
    if (p->at < p->text.n && (p->text.p[p->at] == '"' || p->text.p[p->at] == '\''))
        return read_quoted(p, p->text.p[p->at], ret);
    size_t end = 0;
    struct td_slice word = peek_word(p, false, &end);
    if (word.n == 0)
        return refuse(p, "a value in quotation marks is missing");
    *ret = td_ieqs(word, "null") ? NULL : td_arena_text(p->arena, word);
    p->at = end;
    return TD_OK;
}

static enum td_code read_comparison(struct parser *p, struct td_rule *node)
{
    size_t end = 0;
    struct td_slice word = peek_word(p, true, &end);
    size_t i = 0;
    while (i < TD_COUNTOF(ops) && !td_ieqs(word, ops[i].word))
        i++;
    if (i == TD_COUNTOF(ops))
        return refuse(p, "an operator such as -eq or -contains is missing");
    if (ops[i].op == OP_NOT_OFFERED)
        return td_fail(p->err, TD_ENOTOFFERED, "rule", "character %zu: -%s is not offered yet", p->at + 1, ops[i].word);
    p->at = end;
    node->op = ops[i].op;
    td_try(read_value(p, &node->value));
    if (node->value == NULL && node->op != OP_EQ && node->op != OP_NE)
        return refuse(p, "null goes with -eq and -ne only");
    return TD_OK;
}

static enum td_code read_or(struct parser *p, const struct td_rule **ret);

static enum td_code read_inner(struct parser *p, const struct td_rule **ret)
{
    if (++p->depth > TD_RULE_MAX_DEPTH)
        return refuse(p, "nested too deep");
    td_try(read_or(p, ret));
    p->depth--;
    return take_char(p, ')') ? TD_OK : refuse(p, "a closing parenthesis is missing");
}

static enum td_code read_item(struct parser *p, const struct td_rule **ret)
{
    struct td_rule *node = new_node(p, N_ITEM);
    td_try(read_comparison(p, node));
    *ret = node;
    return TD_OK;
}

static enum td_code read_quantifier(struct parser *p, const struct td_rule **ret)
{
    bool any = take_operator(p, "any");
    if (!any && !take_operator(p, "all"))
        return refuse(p, "devicePhysicalIds is a list: -any or -all must follow");
    struct td_rule *node = new_node(p, any ? N_ANY : N_ALL);
    p->in_item = true;
    if (take_char(p, '_'))
        td_try(read_item(p, &node->left));
    else if (take_char(p, '('))
        td_try(read_inner(p, &node->left));
    else
        return refuse(p, "_ or an opening parenthesis is missing");
    p->in_item = false;
    *ret = node;
    return TD_OK;
}

static enum td_code read_attribute(struct parser *p, const struct td_rule **ret)
{
    size_t end = 0, begin = p->at;
    struct td_slice object = peek_word(p, false, &end);
    if (td_ieqs(object, "user"))
        return td_fail(p->err, TD_ENOTOFFERED, "rule", "character %zu: rules about users are not offered yet",
                       p->at + 1);
    if (!td_ieqs(object, "device"))
        return refuse(p, p->in_item ? "_ is missing" : "device. and a property are missing");
    p->at = end;
    if (!take_char(p, '.'))
        return refuse(p, "a dot and a property are missing");
    struct td_slice name = peek_word(p, false, &end);
    size_t i = 0;
    while (i < TD_COUNTOF(attributes) && !td_ieqs(name, attributes[i].name))
        i++;
    if (i == TD_COUNTOF(attributes))
        return refuse(p, "there is no such property of a device");
    if (attributes[i].offset == NO_TEXT)
        return td_fail(p->err, TD_ENOTOFFERED, "rule", "character %zu: device.%s is not offered yet", begin + 1,
                       attributes[i].name);
    p->at = end;
    if (attributes[i].offset == PHYSICAL_IDS)
        return read_quantifier(p, ret);
    struct td_rule *node = new_node(p, N_TEXT);
    node->offset = attributes[i].offset;
    td_try(read_comparison(p, node));
    *ret = node;
    return TD_OK;
}

static enum td_code read_primary(struct parser *p, const struct td_rule **ret)
{
    if (p->nodes > TD_RULE_MAX_NODES)
        return refuse(p, "more conditions than a rule may have");
    if (take_operator(p, "not")) {
        struct td_rule *node = new_node(p, N_NOT);
        if (++p->depth > TD_RULE_MAX_DEPTH)
            return refuse(p, "nested too deep");
        td_try(read_primary(p, &node->left));
        p->depth--;
        *ret = node;
        return TD_OK;
    }
    if (take_char(p, '('))
        return read_inner(p, ret);
    if (p->in_item && take_char(p, '_'))
        return read_item(p, ret);
    return read_attribute(p, ret);
}

static enum td_code read_chain(struct parser *p, const struct td_rule **ret, enum node kind, const char *word,
                               enum td_code (*operand)(struct parser *, const struct td_rule **))
{
    td_try(operand(p, ret));
    while (take_operator(p, word)) {
        struct td_rule *node = new_node(p, kind);
        node->left = *ret;
        td_try(operand(p, &node->right));
        *ret = node;
    }
    return TD_OK;
}

static enum td_code read_and(struct parser *p, const struct td_rule **ret)
{
    return read_chain(p, ret, N_AND, "and", read_primary);
}

static enum td_code read_or(struct parser *p, const struct td_rule **ret)
{
    return read_chain(p, ret, N_OR, "or", read_and);
}

enum td_code td_rule_parse(struct td_slice text, struct td_arena *a, const struct td_rule **ret, struct td_error *err)
{
    struct parser p = {.text = text, .arena = a, .err = err};
    const struct td_rule *rule = NULL;
    if (text.n > TD_RULE_MAX_TEXT)
        return td_fail(err, TD_ELIMIT, "rule", "%zu characters, more than %d", text.n, TD_RULE_MAX_TEXT);
    if (!td_utf8_ok(text))
        return td_fail(err, TD_EINVAL, "rule", "is not UTF-8 text");
    td_try(read_or(&p, &rule));
    skip_blanks(&p);
    if (p.at != text.n)
        return refuse(&p, "nothing was expected here");
    *ret = rule;
    return TD_OK;
}

static bool contains(struct td_slice s, struct td_slice part)
{
    for (size_t i = 0; part.n <= s.n && i <= s.n - part.n; i++)
        if (td_ieq(td_sub(s, i, part.n), part))
            return true;
    return false;
}

static bool compare(enum op op, const char *have, const char *want)
{
    struct td_slice h = td_str(have), w = td_str(want);
    switch (op) {
    case OP_EQ:
        return td_fault("rule-by-prefix") ? td_istarts(w, h.p) : td_ieq(h, w);
    case OP_NE:
        return !td_ieq(h, w);
    case OP_STARTS:
        return td_istarts(h, w.p);
    case OP_NOT_STARTS:
        return !td_istarts(h, w.p);
    case OP_ENDS:
        return h.n >= w.n && td_ieq(td_sub(h, h.n - w.n, w.n), w);
    case OP_NOT_ENDS:
        return h.n < w.n || !td_ieq(td_sub(h, h.n - w.n, w.n), w);
    case OP_CONTAINS:
        return contains(h, w);
    case OP_NOT_CONTAINS:
        return !contains(h, w);
    default:
        return false;
    }
}

static bool verdict(const struct td_rule *rule, const struct td_rule_device *device, const char *item)
{
    switch (rule->node) {
    case N_OR:
        return verdict(rule->left, device, item) || verdict(rule->right, device, item);
    case N_AND:
        return verdict(rule->left, device, item) && verdict(rule->right, device, item);
    case N_NOT:
        return !verdict(rule->left, device, item);
    case N_TEXT:
        return compare(rule->op, *(const char *const *)(const void *)((const char *)device + rule->offset),
                       rule->value);
    case N_ITEM:
        return compare(rule->op, item, rule->value);
    default:
        break;
    }
    for (size_t i = 0; i < device->physical_id_count; i++)
        if (verdict(rule->left, device, device->physical_ids[i]) == (rule->node == N_ANY))
            return rule->node == N_ANY;
    return rule->node == N_ALL;
}

bool td_rule_matches(const struct td_rule *rule, const struct td_rule_device *device)
{
    return verdict(rule, device, "");
}
