#include "base/fault.h"
#include "codec/odata_in.h"

struct parser {
    struct td_od_lex lex;
    struct td_od_token tok; /* the next one */
    int depth;
    size_t nodes, values;
    bool in_item;
    struct td_slice item; /* name of the item inside any() and all() */
};

enum side { LITERAL, PROPERTY, CONDITION };

struct operand {
    enum side side;
    struct td_od_value value;
    const char *path;
    bool item, folded, counted; /* counted: property/$count */
    const struct td_od_expr *condition;
    size_t at;
};

static enum td_code read_or(struct parser *p, const struct td_od_expr **ret);
static enum td_code read_operand(struct parser *p, struct operand *ret);

static enum td_code refuse(const struct parser *p, size_t at, const char *why)
{
    return td_od_refuse(&p->lex, at, why);
}

static enum td_code next(struct parser *p)
{
    return td_od_next(&p->lex, &p->tok);
}

static enum td_code expect(struct parser *p, enum td_od_token_kind kind, const char *why)
{
    return p->tok.kind == kind ? next(p) : refuse(p, p->tok.at, why);
}

static bool is_word(const struct parser *p, const char *word)
{
    return p->tok.kind == TD_OD_T_WORD && td_ieqs(p->tok.word, word);
}

/* How many there may be is checked where an operand begins, and at the end. */
static struct td_od_expr *new_node(struct parser *p, enum td_od_op op)
{
    struct td_od_expr *e = td_arena_new(p->lex.arena, struct td_od_expr);
    e->op = op;
    p->nodes++;
    return e;
}

static enum td_code check_nodes(const struct parser *p)
{
    if (p->nodes > TD_OD_MAX_NODES)
        return td_fail(p->lex.err, TD_ELIMIT, p->lex.option, "more than %d conditions", TD_OD_MAX_NODES);
    return TD_OK;
}

static const struct td_od_expr *join(struct parser *p, enum td_od_op op, const struct td_od_expr *left,
                                     const struct td_od_expr *right)
{
    struct td_od_expr *e = new_node(p, op);
    e->left = left;
    e->right = right;
    return e;
}

static enum td_code count_value(struct parser *p)
{
    if (++p->values > TD_OD_MAX_VALUES)
        return td_fail(p->lex.err, TD_ELIMIT, p->lex.option, "more than %d values", TD_OD_MAX_VALUES);
    return TD_OK;
}

static const struct td_od_expr *leaf(struct parser *p, enum td_od_op op, const struct operand *property,
                                     const struct td_od_value *value)
{
    struct td_od_expr *e = new_node(p, op);
    e->path = property->path;
    e->item = property->item;
    e->folded = property->folded;
    if (value != NULL) {
        struct td_od_value *v = td_arena_new(p->lex.arena, struct td_od_value);
        *v = *value;
        e->values = v;
        e->value_count = 1;
    }
    return e;
}

/* The path of a word: "" for the item itself, "name" for item/name, else a property of the resource. */
static enum td_code read_property(struct parser *p, struct td_slice word, size_t at, struct operand *ret)
{
    static const char count[] = "/$count";
    if (!td_od_is_path(word))
        return refuse(p, at, "this is no property, operator or value; texts stand in single quotes");
    ret->side = PROPERTY;
    const size_t cut = td_find(word, '/');
    if (p->in_item) {
        if (!td_eq(td_sub(word, 0, cut), p->item))
            return refuse(p, at, "inside any() and all() a path begins with the name of the item");
        word = td_sub(word, cut == SIZE_MAX ? word.n : cut + 1, word.n);
        ret->item = true;
    } else if (td_istarts(word, "$it/")) {
        word = td_sub(word, 4, word.n);
    }
    if (word.n > sizeof(count) - 1 && td_ieqs(td_sub(word, word.n - (sizeof(count) - 1), word.n), count)) {
        word.n -= sizeof(count) - 1;
        ret->counted = true;
        if (td_find(word, '$') != SIZE_MAX)
            return refuse(p, at, "$count stands once, behind the name of a collection");
    }
    ret->path = td_arena_text(p->lex.arena, word);
    return TD_OK;
}

/* guid'..', datetime'..', microsoft.graph.enrollmentState'enrolled': older and longer spellings. */
static enum td_code read_typed(struct parser *p, struct operand *ret)
{
    const struct td_od_token t = p->tok;
    const bool scalar = td_ieqs(t.word, "guid") || td_istarts(t.word, "datetime");
    ret->side = LITERAL;
    ret->value = td_od_text(t.text);
    if (scalar && !td_od_literal(td_str(t.text), p->lex.arena, &ret->value))
        return refuse(p, t.at, "this literal is not of the type that it names");
    if (!scalar && !td_ieqs(t.word, "duration") && td_find(t.word, '.') == SIZE_MAX)
        return refuse(p, t.at, "the type of this literal is not known");
    return next(p);
}

/* tolower(x), toupper(x): texts are compared without regard to case, so a property only keeps the mark. */
static enum td_code read_fold(struct parser *p, struct operand *ret)
{
    const size_t at = p->tok.at;
    td_try(next(p));
    td_try(read_operand(p, ret));
    if (ret->side == CONDITION || ret->counted || (ret->side == LITERAL && ret->value.kind != TD_OD_TEXT))
        return refuse(p, at, "tolower and toupper take a property or a text");
    ret->folded = true;
    return expect(p, TD_OD_T_CLOSE, "a closing parenthesis is missing");
}

static enum td_code read_text_function(struct parser *p, enum td_od_op op, struct operand *ret)
{
    struct operand subject = {0}, text = {0};
    td_try(next(p));
    td_try(read_operand(p, &subject));
    if (subject.side != PROPERTY || subject.counted)
        return refuse(p, subject.at, "a property stands first here");
    td_try(expect(p, TD_OD_T_COMMA, "a comma and a text are missing"));
    td_try(read_operand(p, &text));
    if (text.side != LITERAL || text.value.kind != TD_OD_TEXT)
        return refuse(p, text.at, "a text in single quotes stands second here");
    td_try(count_value(p));
    td_try(expect(p, TD_OD_T_CLOSE, "a closing parenthesis is missing"));
    ret->side = CONDITION;
    ret->condition = leaf(p, op, &subject, &text.value);
    return TD_OK;
}

static enum td_code read_isof(struct parser *p, struct operand *ret)
{
    td_try(next(p));
    struct td_slice type = p->tok.kind == TD_OD_T_TEXT ? td_str(p->tok.text) : p->tok.word;
    if (type.n != 0 && type.p[0] == '#')
        type = td_sub(type, 1, type.n);
    if (td_istarts(type, "microsoft.graph."))
        type = td_sub(type, sizeof("microsoft.graph.") - 1, type.n);
    if (!td_od_is_path(type) || td_find(type, '/') != SIZE_MAX || p->in_item)
        return refuse(p, p->tok.at, "isof takes the name of a type, as isof('microsoft.graph.win32LobApp')");
    td_try(next(p));
    struct td_od_expr *e = new_node(p, TD_OD_ISOF);
    e->type = td_arena_text(p->lex.arena, type);
    ret->side = CONDITION;
    ret->condition = e;
    return expect(p, TD_OD_T_CLOSE, "isof takes one argument, the name of a type");
}

/* Behind the parenthesis of any( and all(: nothing, or the item's name, ':' and a condition on it. */
static enum td_code read_lambda(struct parser *p, enum td_od_op op, struct td_slice path, struct operand *ret)
{
    const struct td_od_expr *condition = NULL;
    const size_t at = ret->at;
    if (p->in_item)
        return refuse(p, at, "any() and all() can't stand in each other");
    td_try(read_property(p, path, at, ret));
    td_try(next(p));
    if (p->tok.kind != TD_OD_T_CLOSE || op == TD_OD_ALL) {
        if (p->tok.kind != TD_OD_T_WORD || !td_od_is_identifier(p->tok.word))
            return refuse(p, p->tok.at, "a name for the item is missing, as in any(x:x eq 'text')");
        p->item = p->tok.word;
        p->in_item = true;
        td_try(next(p));
        td_try(expect(p, TD_OD_T_COLON, "a colon belongs behind the name of the item"));
        td_try(read_or(p, &condition));
        p->in_item = false;
    }
    td_try(expect(p, TD_OD_T_CLOSE, "a closing parenthesis is missing"));
    struct td_od_expr *e = new_node(p, op);
    e->path = ret->path;
    e->left = condition;
    ret->side = CONDITION;
    ret->condition = e;
    return TD_OK;
}

/* The word at the parenthesis p->tok is a function's name. */
static enum td_code read_function(struct parser *p, struct td_slice name, struct operand *ret)
{
    static const struct {
        const char *name;
        enum td_od_op op;
    } texts[] = {{"startswith", TD_OD_STARTSWITH}, {"endswith", TD_OD_ENDSWITH}, {"contains", TD_OD_CONTAINS}};
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        if (td_ieqs(name, texts[i].name))
            return read_text_function(p, texts[i].op, ret);
    if (td_ieqs(name, "tolower") || td_ieqs(name, "toupper"))
        return read_fold(p, ret);
    if (td_ieqs(name, "isof"))
        return read_isof(p, ret);
    if (name.n > 4 && td_ieqs(td_sub(name, name.n - 4, 4), "/any"))
        return read_lambda(p, TD_OD_ANY, td_sub(name, 0, name.n - 4), ret);
    if (name.n > 4 && td_ieqs(td_sub(name, name.n - 4, 4), "/all"))
        return read_lambda(p, TD_OD_ALL, td_sub(name, 0, name.n - 4), ret);
    return refuse(p, ret->at,
                  "this function is not offered; there are startswith, endswith, contains, tolower, "
                  "toupper, isof, any and all");
}

static enum td_code deeper(struct parser *p)
{
    if (++p->depth > TD_OD_MAX_DEPTH)
        return td_fail(p->lex.err, TD_ELIMIT, p->lex.option, "nested deeper than %d", TD_OD_MAX_DEPTH);
    return TD_OK;
}

static enum td_code read_group(struct parser *p, struct operand *ret)
{
    td_try(next(p));
    ret->side = CONDITION;
    td_try(read_or(p, &ret->condition));
    return expect(p, TD_OD_T_CLOSE, "a closing parenthesis is missing");
}

static enum td_code read_word(struct parser *p, struct operand *ret)
{
    const struct td_slice word = p->tok.word;
    td_try(next(p));
    if (p->tok.kind == TD_OD_T_OPEN)
        return read_function(p, word, ret);
    if (td_od_literal(word, p->lex.arena, &ret->value)) {
        ret->side = LITERAL;
        return TD_OK;
    }
    return read_property(p, word, ret->at, ret);
}

static enum td_code read_operand_here(struct parser *p, struct operand *ret)
{
    *ret = (struct operand){.at = p->tok.at};
    switch (p->tok.kind) {
    case TD_OD_T_WORD:
        return read_word(p, ret);
    case TD_OD_T_TYPED:
        return read_typed(p, ret);
    case TD_OD_T_TEXT:
        ret->side = LITERAL;
        ret->value = td_od_text(p->tok.text);
        return next(p);
    case TD_OD_T_OPEN:
        return read_group(p, ret);
    default:
        return refuse(p, p->tok.at, "a condition is missing here");
    }
}

static enum td_code read_operand(struct parser *p, struct operand *ret)
{
    td_try(deeper(p));
    td_try(check_nodes(p));
    enum td_code rc = read_operand_here(p, ret);
    p->depth--;
    return rc;
}

static const struct {
    const char *word;
    enum td_od_op op, swapped;
} comparisons[] = {
    {"eq", TD_OD_EQ, TD_OD_EQ}, {"ne", TD_OD_NE, TD_OD_NE}, {"gt", TD_OD_GT, TD_OD_LT},
    {"ge", TD_OD_GE, TD_OD_LE}, {"lt", TD_OD_LT, TD_OD_GT}, {"le", TD_OD_LE, TD_OD_GE},
};

/* Position in the table, or its length. */
static size_t comparison_at(const struct parser *p)
{
    size_t i = 0;
    while (i < TD_COUNTOF(comparisons) && !is_word(p, comparisons[i].word))
        i++;
    return i;
}

/* property/$count with the four comparisons that ask whether there are any. */
static enum td_code compare_count(struct parser *p, const struct operand *property, enum td_od_op op, int64_t n,
                                  const struct td_od_expr **ret)
{
    const bool some = (op == TD_OD_NE && n == 0) || (op == TD_OD_GT && n == 0) || (op == TD_OD_GE && n == 1);
    const bool none = (op == TD_OD_EQ && n == 0) || (op == TD_OD_LT && n == 1) || (op == TD_OD_LE && n == 0);
    if ((!some && !none) || property->item)
        return refuse(p, property->at, "$count is only offered to ask for none (eq 0) or some (ne 0)");
    struct td_od_expr *any = new_node(p, TD_OD_ANY);
    any->path = property->path;
    *ret = none ? join(p, TD_OD_NOT, any, NULL) : any;
    return TD_OK;
}

/* (condition) eq true and the like. */
static enum td_code compare_condition(struct parser *p, const struct operand *condition, enum td_od_op op,
                                      const struct td_od_value *value, const struct td_od_expr **ret)
{
    if (value->kind != TD_OD_BOOL || (op != TD_OD_EQ && op != TD_OD_NE))
        return refuse(p, condition->at, "a condition can only be compared with true or false");
    const bool same = (op == TD_OD_EQ) == (value->num != 0);
    *ret = same ? condition->condition : join(p, TD_OD_NOT, condition->condition, NULL);
    return TD_OK;
}

static enum td_code compare(struct parser *p, const struct operand *left, const struct td_od_expr **ret)
{
    const size_t i = comparison_at(p);
    struct operand right = {0};
    td_try(next(p));
    td_try(read_operand(p, &right));
    const bool swap = left->side == LITERAL;
    const struct operand *subject = swap ? &right : left, *value = swap ? left : &right;
    const enum td_od_op op = swap && !td_fault("odata-no-swap") ? comparisons[i].swapped : comparisons[i].op;
    if (value->side != LITERAL || subject->side == LITERAL)
        return refuse(p, right.at, "one side of a comparison is a property, the other a value");
    td_try(count_value(p));
    if (value->value.kind == TD_OD_NULL && op != TD_OD_EQ && op != TD_OD_NE)
        return refuse(p, value->at, "null is only compared by eq and ne");
    if (subject->side == CONDITION)
        return compare_condition(p, subject, op, &value->value, ret);
    if (subject->counted && value->value.kind == TD_OD_INT)
        return compare_count(p, subject, op, value->value.num, ret);
    if (subject->counted)
        return refuse(p, value->at, "$count is compared with a number");
    *ret = leaf(p, op, subject, &value->value);
    return TD_OK;
}

/* 'text' in property: an item of it equals the text. */
static enum td_code contained(struct parser *p, const struct operand *value, const struct td_od_expr **ret)
{
    struct operand property = {0}, item = {.path = "", .item = true};
    td_try(read_operand(p, &property));
    if (property.side != PROPERTY || property.item || property.counted)
        return refuse(p, property.at, "a property with several values stands here");
    td_try(count_value(p));
    struct td_od_expr *any = new_node(p, TD_OD_ANY);
    any->path = property.path;
    any->left = leaf(p, TD_OD_EQ, &item, &value->value);
    *ret = any;
    return TD_OK;
}

static enum td_code read_list(struct parser *p, struct td_od_expr *e)
{
    struct td_od_value *values = NULL;
    size_t cap = 0;
    td_try(expect(p, TD_OD_T_OPEN, "in takes values in parentheses, as in ('a','b')"));
    for (;;) {
        struct operand value = {0};
        td_try(read_operand(p, &value));
        if (value.side != LITERAL || value.value.kind == TD_OD_NULL)
            return refuse(p, value.at, "in takes values other than null");
        td_try(count_value(p));
        values = td_arena_room(p->lex.arena, values, e->value_count, &cap, sizeof(*values));
        values[e->value_count++] = value.value;
        if (p->tok.kind != TD_OD_T_COMMA)
            break;
        td_try(next(p));
    }
    e->values = values;
    return expect(p, TD_OD_T_CLOSE, "a closing parenthesis is missing");
}

static enum td_code read_in(struct parser *p, const struct operand *left, const struct td_od_expr **ret)
{
    td_try(next(p));
    if (left->side == LITERAL)
        return contained(p, left, ret);
    if (left->side != PROPERTY || left->counted)
        return refuse(p, left->at, "a property stands before in");
    struct td_od_expr *e = new_node(p, TD_OD_IN);
    e->path = left->path;
    e->item = left->item;
    e->folded = left->folded;
    *ret = e;
    return read_list(p, e);
}

static enum td_code read_comparison(struct parser *p, const struct td_od_expr **ret)
{
    struct operand left = {0};
    td_try(read_operand(p, &left));
    if (comparison_at(p) < TD_COUNTOF(comparisons))
        return compare(p, &left, ret);
    if (is_word(p, "in"))
        return read_in(p, &left, ret);
    if (is_word(p, "has"))
        return refuse(p, p->tok.at, "has is not offered; compare with eq or in");
    if (left.side == CONDITION) {
        *ret = left.condition;
        return TD_OK;
    }
    if (left.side == LITERAL || left.counted || left.folded)
        return refuse(p, p->tok.at, "a comparison is missing here: eq, ne, gt, ge, lt, le or in");
    *ret = leaf(p, TD_OD_TRUE, &left, NULL);
    return TD_OK;
}

static enum td_code read_not(struct parser *p, const struct td_od_expr **ret)
{
    if (!is_word(p, "not"))
        return read_comparison(p, ret);
    const struct td_od_expr *inner = NULL;
    td_try(next(p));
    td_try(deeper(p));
    td_try(read_not(p, &inner));
    p->depth--;
    *ret = join(p, TD_OD_NOT, inner, NULL);
    return TD_OK;
}

static enum td_code read_and(struct parser *p, const struct td_od_expr **ret)
{
    td_try(read_not(p, ret));
    while (is_word(p, "and")) {
        const struct td_od_expr *right = NULL;
        td_try(next(p));
        td_try(read_not(p, &right));
        *ret = join(p, TD_OD_AND, *ret, right);
    }
    return TD_OK;
}

static enum td_code read_or(struct parser *p, const struct td_od_expr **ret)
{
    td_try(read_and(p, ret));
    while (is_word(p, "or")) {
        const struct td_od_expr *right = NULL;
        td_try(next(p));
        td_try(read_and(p, &right));
        *ret = join(p, TD_OD_OR, *ret, right);
    }
    return TD_OK;
}

enum td_code td_od_filter(const char *option, struct td_slice text, struct td_arena *a, const struct td_od_expr **ret,
                          struct td_error *err)
{
    struct parser p = {.lex = {.option = option, .text = text, .arena = a, .err = err}};
    const struct td_od_expr *e = NULL;
    if (text.n > TD_OD_MAX_TEXT)
        return td_fail(err, TD_ELIMIT, option, "longer than %d octets", TD_OD_MAX_TEXT);
    if (!td_utf8_ok(text))
        return td_fail(err, TD_EFORMAT, option, "not UTF-8");
    td_try(next(&p));
    if (p.tok.kind == TD_OD_T_END)
        return td_fail(err, TD_EINVAL, option, "is empty");
    td_try(read_or(&p, &e));
    if (p.tok.kind != TD_OD_T_END)
        return refuse(&p, p.tok.at, "and, or or the end is expected here");
    *ret = e;
    return check_nodes(&p);
}

enum td_code td_od_filter_parse(struct td_slice text, struct td_arena *a, const struct td_od_expr **ret,
                                struct td_error *err)
{
    return td_od_filter("$filter", text, a, ret, err);
}
