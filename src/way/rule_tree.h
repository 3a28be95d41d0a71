/* Inside way/rule: the tree, and the reader of its text. */
#ifndef TD_WAY_RULE_TREE_H
#define TD_WAY_RULE_TREE_H

#include "way/pattern.h"
#include "way/rule.h"

enum td_rule_op {
    TD_RO_EQ,
    TD_RO_NE,
    TD_RO_STARTS,
    TD_RO_NOT_STARTS,
    TD_RO_ENDS,
    TD_RO_NOT_ENDS,
    TD_RO_CONTAINS,
    TD_RO_NOT_CONTAINS,
    TD_RO_MATCH,
    TD_RO_NOT_MATCH,
    TD_RO_IN,
    TD_RO_NOT_IN,
    TD_RO_GE,
    TD_RO_LE,
    TD_RO_COUNT
};
extern const char *const td_rule_op_words[TD_RO_COUNT];

enum td_rule_node { TD_RN_OR, TD_RN_AND, TD_RN_NOT, TD_RN_VALUE, TD_RN_ITEM, TD_RN_ANY, TD_RN_ALL };

struct td_rule {
    enum td_rule_node node;
    enum td_rule_kind kind;
    const struct td_rule *left, *right; /* right of OR and AND alone */
    int attribute;                      /* of VALUE, ANY, ALL; of ITEM: its collection's */
    enum td_rule_type type;             /* the attribute's */
    enum td_rule_op op;
    const char *const *values; /* one, or those of a list; NULL stands for null */
    size_t value_count;
    const struct td_pattern *pattern;
    int64_t time;
};

/* Text with a position. Words are letters and digits. */
struct td_rule_reader {
    struct td_slice text;
    size_t at;
    struct td_arena *arena;
    struct td_error *err;
};
struct td_rule_value {
    const char *text; /* NULL: null */
    bool quoted;
};

size_t td_rule_position(const struct td_rule_reader *r, size_t at); /* of people: the first character is 1 */
enum td_code td_rule_refuse(const struct td_rule_reader *r, const char *why, const char *remedy);
bool td_rule_take(struct td_rule_reader *r, char c); /* behind blanks */
bool td_rule_sees(struct td_rule_reader *r, char c);
struct td_slice td_rule_word(struct td_rule_reader *r, bool is_operator, size_t *ret_end); /* looks only */
bool td_rule_take_operator(struct td_rule_reader *r, const char *word);
enum td_code td_rule_read_value(struct td_rule_reader *r, struct td_rule_value *ret) TD_MUST_USE;

#endif
