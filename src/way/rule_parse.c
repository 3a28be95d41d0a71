#include "base/env.h"
#include "way/rule_tree.h"

const char *const td_rule_op_words[TD_RO_COUNT] = {
    "eq",    "ne",       "startsWith", "notStartsWith", "endsWith", "notEndsWith", "contains", "notContains",
    "match", "notMatch", "in",         "notIn",         "ge",       "le",
};

struct parser {
    struct td_rule_reader r;
    int depth, nodes;
    enum td_rule_kind kind;           /* 0 before the first attribute */
    const struct td_rule *collection; /* whose items "_" speaks of, NULL outside */
    bool bare;                        /* -any _ -eq ... without parentheses */
};

static struct td_rule *new_node(struct parser *p, enum td_rule_node node)
{
    struct td_rule *n = td_arena_new(p->r.arena, struct td_rule);
    n->node = node;
    n->kind = p->kind;
    p->nodes++;
    return n;
}

static enum td_code deeper(struct parser *p)
{
    return ++p->depth <= TD_RULE_MAX_DEPTH
               ? TD_OK
               : td_rule_refuse(&p->r, "nested too deep", "write it with fewer parentheses");
}

/* Which operators a type knows. */
static bool op_fits(enum td_rule_type type, enum td_rule_op op)
{
    bool equal = op == TD_RO_EQ || op == TD_RO_NE, date = op == TD_RO_GE || op == TD_RO_LE;
    switch (type) {
    case TD_RULE_BOOL:
        return equal;
    case TD_RULE_TIME:
        return equal || date;
    case TD_RULE_GROUPS:
        return equal || op == TD_RO_IN || op == TD_RO_NOT_IN;
    default:
        return !date;
    }
}

static enum td_code read_op(struct parser *p, struct td_rule *node)
{
    size_t end = 0;
    struct td_slice word = td_rule_word(&p->r, true, &end);
    size_t i = 0;
    while (i < TD_RO_COUNT && !td_ieqs(word, td_rule_op_words[i]))
        i++;
    if (i == TD_RO_COUNT)
        return td_rule_refuse(&p->r, "an operator is missing", "write one such as -eq, -startsWith, -contains or -in");
    if (!op_fits(node->type, (enum td_rule_op)i))
        return td_rule_refuse(&p->r,
                              i == TD_RO_GE || i == TD_RO_LE ? "-ge and -le compare dates only"
                                                             : "this operator does not go with that attribute",
                              node->type == TD_RULE_BOOL ? "use -eq or -ne with true or false" : "use -eq or -ne");
    p->r.at = end;
    node->op = (enum td_rule_op)i;
    return TD_OK;
}

/* A value as the attribute's type has it. begin: where it stands, for the error. */
static enum td_code check_value(struct parser *p, struct td_rule *node, struct td_rule_value *v, size_t begin)
{
    size_t behind = p->r.at;
    p->r.at = begin;
    if (v->text == NULL && node->op != TD_RO_EQ && node->op != TD_RO_NE)
        return td_rule_refuse(&p->r, "null goes with -eq and -ne only", "write a value between quotation marks");
    if (v->text != NULL && node->type == TD_RULE_BOOL) {
        bool yes = td_ieqs(td_str(v->text), "true");
        if (!yes && !td_ieqs(td_str(v->text), "false"))
            return td_rule_refuse(&p->r, "this attribute is true or false", "write true or false");
        v->text = yes ? "true" : "false";
    }
    if (v->text != NULL && node->type == TD_RULE_TIME) {
        const char *whole = strlen(v->text) == 10 ? td_arena_printf(p->r.arena, "%sT00:00:00Z", v->text) : v->text;
        if (!td_time_parse(td_str(whole), &node->time))
            return td_rule_refuse(&p->r, "this attribute is a date", "write it as \"2030-01-31T00:00:00Z\"");
        v->text = td_time_arena(p->r.arena, node->time);
    }
    p->r.at = behind;
    return TD_OK;
}

static enum td_code read_one(struct parser *p, struct td_rule *node, const char **ret)
{
    struct td_rule_value v = {.text = NULL};
    (void)td_rule_sees(&p->r, '\0'); /* the blanks before it */
    size_t begin = p->r.at;
    td_try(td_rule_read_value(&p->r, &v));
    td_try(check_value(p, node, &v, begin));
    *ret = v.text;
    return TD_OK;
}

static enum td_code read_list(struct parser *p, struct td_rule *node)
{
    size_t n = 0, cap = 0;
    const char **list = NULL;
    if (!td_rule_take(&p->r, '['))
        return td_rule_refuse(&p->r, "an opening bracket is missing", "write the values as [\"a\", \"b\"]");
    do {
        list = td_arena_room(p->r.arena, list, n, &cap, sizeof(*list));
        td_try(read_one(p, node, &list[n++]));
    } while (td_rule_take(&p->r, ','));
    if (!td_rule_take(&p->r, ']'))
        return td_rule_refuse(&p->r, "a closing bracket is missing", NULL);
    node->values = list;
    node->value_count = n;
    return TD_OK;
}

/* begin: where the value stands; the pattern's own error counts from its first character. */
static enum td_code read_pattern(struct parser *p, struct td_rule *node, size_t begin)
{
    struct td_error inner = {.code = TD_OK};
    enum td_code rc = td_pattern_parse(td_str(node->values[0]), p->r.arena, &node->pattern, &inner);
    if (rc == TD_OK)
        return TD_OK;
    rc = td_fail(p->r.err, rc, "rule", "character %zu: %.180s", td_rule_position(&p->r, begin), inner.text);
    return td_remedy(p->r.err, rc, "%s", inner.remedy[0] != '\0' ? inner.remedy : "mend the regular expression");
}

static enum td_code read_comparison(struct parser *p, struct td_rule *node)
{
    td_try(read_op(p, node));
    if (node->op == TD_RO_IN || node->op == TD_RO_NOT_IN)
        return read_list(p, node);
    const char **one = td_arena_new(p->r.arena, const char *);
    (void)td_rule_sees(&p->r, '\0'); /* the blanks before it */
    size_t begin = p->r.at;
    td_try(read_one(p, node, one));
    node->values = one;
    node->value_count = 1;
    return node->op == TD_RO_MATCH || node->op == TD_RO_NOT_MATCH ? read_pattern(p, node, begin) : TD_OK;
}

static enum td_code read_or(struct parser *p, const struct td_rule **ret);

static enum td_code read_inner(struct parser *p, const struct td_rule **ret)
{
    bool bare = p->bare;
    td_try(deeper(p));
    p->bare = false;
    td_try(read_or(p, ret));
    p->bare = bare;
    p->depth--;
    return td_rule_take(&p->r, ')')
               ? TD_OK
               : td_rule_refuse(&p->r, "a closing parenthesis is missing", "close each parenthesis that is opened");
}

/* "_", or for memberOf "group.objectId". */
static bool take_item(struct parser *p)
{
    size_t begin = p->r.at, end = 0;
    if (p->collection == NULL)
        return false;
    if (td_rule_take(&p->r, '_'))
        return true;
    if (p->collection->type == TD_RULE_GROUPS && td_ieqs(td_rule_word(&p->r, false, &end), "group")) {
        p->r.at = end;
        if (td_rule_take(&p->r, '.') && td_rule_take_operator(&p->r, "objectId"))
            return true;
    }
    p->r.at = begin;
    return false;
}

static enum td_code read_item(struct parser *p, const struct td_rule **ret)
{
    struct td_rule *node = new_node(p, TD_RN_ITEM);
    node->type = p->collection->type;
    node->attribute = p->collection->attribute;
    td_try(read_comparison(p, node));
    *ret = node;
    return TD_OK;
}

/* Without parentheses the condition goes on as long as it speaks of "_": -any binds last (graph-api.md 1.9). */
static bool goes_on(struct parser *p, const char *word)
{
    size_t begin = p->r.at;
    if (!td_rule_take_operator(&p->r, word))
        return false;
    if (!p->bare || td_rule_sees(&p->r, '_'))
        return true;
    p->r.at = begin;
    return false;
}

static enum td_code read_quantifier(struct parser *p, struct td_rule *node, const struct td_rule **ret)
{
    bool any = td_rule_take_operator(&p->r, "any");
    if (!any && (node->type == TD_RULE_GROUPS || !td_rule_take_operator(&p->r, "all")))
        return td_rule_refuse(&p->r, "this attribute is a collection",
                              node->type == TD_RULE_GROUPS ? "write -any (group.objectId -in ['id'])"
                                                           : "write -any or -all and a condition on _");
    node->node = any ? TD_RN_ANY : TD_RN_ALL;
    p->collection = node;
    if (td_rule_sees(&p->r, '_')) {
        p->bare = true;
        td_try(read_or(p, &node->left));
        p->bare = false;
    } else if (td_rule_take(&p->r, '(')) {
        td_try(read_inner(p, &node->left));
    } else {
        return td_rule_refuse(&p->r, "the condition on the items is missing", "write -any (_ -eq \"value\")");
    }
    p->collection = NULL;
    *ret = node;
    return TD_OK;
}

static enum td_code read_object(struct parser *p)
{
    size_t end = 0;
    struct td_slice object = td_rule_word(&p->r, false, &end);
    enum td_rule_kind kind = td_ieqs(object, "device") ? TD_RULE_DEVICES : td_ieqs(object, "user") ? TD_RULE_USERS : 0;
    if (kind == 0)
        return td_rule_refuse(&p->r, p->collection != NULL ? "_ is missing" : "an attribute is missing",
                              p->collection != NULL ? "inside -any and -all conditions speak of _"
                                                    : "write device. or user. and the attribute's name");
    if (p->collection != NULL)
        return td_rule_refuse(&p->r, "an attribute inside -any or -all", "inside, conditions speak of _");
    if (p->kind != 0 && kind != p->kind)
        return td_rule_refuse(&p->r, "a rule is about devices or about users, not both", "make two groups");
    p->kind = kind;
    p->r.at = end;
    return td_rule_take(&p->r, '.') ? TD_OK : td_rule_refuse(&p->r, "a dot and an attribute are missing", NULL);
}

static enum td_code read_attribute(struct parser *p, const struct td_rule **ret)
{
    size_t end = 0, count = 0;
    td_try(read_object(p));
    struct td_slice name = td_rule_word(&p->r, false, &end);
    const struct td_rule_attribute *table = td_rule_attributes(p->kind, &count);
    int at = td_rule_attribute_at(p->kind, name);
    if (at < 0)
        return td_remedy(p->r.err,
                         td_fail(p->r.err, TD_EINVAL, "rule", "character %zu: a %s has no attribute \"%.*s\"",
                                 td_rule_position(&p->r, p->r.at), p->kind == TD_RULE_USERS ? "user" : "device",
                                 (int)TD_MIN(name.n, (size_t)60), name.p),
                         "use one of those that docs/tasks/groups.md lists");
    if (table[at].not_offered)
        return td_remedy(p->r.err,
                         td_fail(p->r.err, TD_ENOTOFFERED, "rule", "character %zu: %s is not offered",
                                 td_rule_position(&p->r, p->r.at), table[at].name),
                         "use another attribute");
    p->r.at = end;
    struct td_rule *node = new_node(p, TD_RN_VALUE);
    node->attribute = at;
    node->type = table[at].type;
    if (node->type == TD_RULE_TEXTS || node->type == TD_RULE_GROUPS)
        return read_quantifier(p, node, ret);
    td_try(read_comparison(p, node));
    *ret = node;
    return TD_OK;
}

static enum td_code read_primary(struct parser *p, const struct td_rule **ret)
{
    if (p->nodes > TD_RULE_MAX_NODES)
        return td_rule_refuse(&p->r, "more conditions than a rule may have", "use -in with a list, or two groups");
    if (td_rule_take_operator(&p->r, "not")) {
        struct td_rule *node = new_node(p, TD_RN_NOT);
        td_try(deeper(p));
        td_try(read_primary(p, &node->left));
        p->depth--;
        node->kind = p->kind;
        *ret = node;
        return TD_OK;
    }
    if (take_item(p))
        return read_item(p, ret);
    if (td_rule_take(&p->r, '('))
        return read_inner(p, ret);
    return read_attribute(p, ret);
}

static enum td_code read_chain(struct parser *p, const struct td_rule **ret, enum td_rule_node kind, const char *word,
                               enum td_code (*operand)(struct parser *, const struct td_rule **))
{
    td_try(operand(p, ret));
    while (goes_on(p, word)) {
        struct td_rule *node = new_node(p, kind);
        node->left = *ret;
        td_try(operand(p, &node->right));
        *ret = node;
    }
    return TD_OK;
}

static enum td_code read_and(struct parser *p, const struct td_rule **ret)
{
    return read_chain(p, ret, TD_RN_AND, "and", read_primary);
}

static enum td_code read_or(struct parser *p, const struct td_rule **ret)
{
    return read_chain(p, ret, TD_RN_OR, "or", read_and);
}

enum td_code td_rule_parse(struct td_slice text, struct td_arena *a, const struct td_rule **ret, struct td_error *err)
{
    struct parser p = {.r = {.text = text, .arena = a, .err = err}};
    const struct td_rule *rule = NULL;
    size_t characters = td_rule_position(&p.r, text.n) - 1;
    if (characters > TD_RULE_MAX_TEXT || text.n > TD_RULE_MAX_OCTETS)
        return td_fail(err, TD_ELIMIT, "rule", "%zu characters, more than %d", characters, TD_RULE_MAX_TEXT);
    if (!td_utf8_ok(text))
        return td_fail(err, TD_EINVAL, "rule", "is not UTF-8 text");
    td_try(read_or(&p, &rule));
    (void)td_rule_sees(&p.r, '\0');
    if (p.r.at != text.n)
        return td_rule_refuse(&p.r, "nothing was expected here", "join conditions by -and or -or");
    *ret = rule;
    return TD_OK;
}

enum td_rule_kind td_rule_kind_of(const struct td_rule *rule)
{
    return rule->kind;
}

/* What a rule needs: the smaller side of an -and, both sides of an -or. A negation and a comparison that is no equality
 * need nothing in particular. */
static size_t keys_of(const struct td_rule *rule, struct td_rule_key *ret, size_t room)
{
    struct td_rule_key right[TD_RULE_MAX_KEYS];
    size_t n = 0, m = 0;
    switch (rule->node) {
    case TD_RN_ANY:
        return keys_of(rule->left, ret, room);
    case TD_RN_AND:
        n = keys_of(rule->left, ret, room);
        m = keys_of(rule->right, right, TD_RULE_MAX_KEYS);
        if (m == 0 || (n != 0 && n <= m) || m > room)
            return n;
        memcpy(ret, right, m * sizeof(*ret));
        return m;
    case TD_RN_OR:
        n = keys_of(rule->left, ret, room);
        m = n != 0 ? keys_of(rule->right, &ret[n], room - n) : 0;
        return m != 0 ? n + m : 0;
    case TD_RN_VALUE:
    case TD_RN_ITEM:
        break;
    default:
        return 0;
    }
    if ((rule->op != TD_RO_EQ && rule->op != TD_RO_IN) || rule->value_count > room)
        return 0;
    for (size_t i = 0; i < rule->value_count; i++) {
        if (rule->values[i] == NULL || rule->values[i][0] == '\0')
            return 0;
        ret[i] = (struct td_rule_key){.attribute = rule->attribute, .value = rule->values[i]};
    }
    return rule->value_count;
}

size_t td_rule_keys(const struct td_rule *rule, struct td_rule_key ret[TD_RULE_MAX_KEYS])
{
    return keys_of(rule, ret, TD_RULE_MAX_KEYS);
}

uint64_t td_rule_looks_at(const struct td_rule *rule)
{
    switch (rule->node) {
    case TD_RN_OR:
    case TD_RN_AND:
        return td_rule_looks_at(rule->left) | td_rule_looks_at(rule->right);
    case TD_RN_NOT:
        return td_rule_looks_at(rule->left);
    default:
        return UINT64_C(1) << rule->attribute;
    }
}
