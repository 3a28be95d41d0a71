/* Rules of dynamic device groups: text to a small tree, and its verdict about one device. Pure.
 *
 * The language is the documented one (graph-api.md 1.9) as far as registration needs it: devicePhysicalIds with -any
 * and -all, text comparisons of the attributes in struct td_rule_device, -and, -or, -not, parentheses. Names, operators
 * and values are compared without regard to case. The rest of the language (-match, -in, dates, memberOf, user rules)
 * is refused as not offered. Errors name the position (1 is the first character). The tree lives in the caller's arena.
 */
#ifndef TD_WAY_RULE_H
#define TD_WAY_RULE_H

#include "base/arena.h"
#include "base/err.h"

enum { TD_RULE_MAX_TEXT = 3072, TD_RULE_MAX_DEPTH = 16, TD_RULE_MAX_NODES = 256, TD_RULE_MAX_IDS = 64 };

struct td_rule;

struct td_rule_device { /* "" where not known */
    const char *display_name, *manufacturer, *model, *os_type, *ownership, *object_id;
    const char *physical_ids[TD_RULE_MAX_IDS]; /* "[ZTDID]:...", "[OrderId]:...", "[PurchaseOrderId]:..." */
    size_t physical_id_count;
};

enum td_code td_rule_parse(struct td_slice text, struct td_arena *a, const struct td_rule **ret, struct td_error *err)
    TD_MUST_USE;
bool td_rule_matches(const struct td_rule *rule, const struct td_rule_device *device);

#endif
