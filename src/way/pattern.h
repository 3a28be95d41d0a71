/* Regular expressions of rules, in time linear in the text: no backtracking, so that no rule can hold a server up.
 *
 * Characters, ".", classes with ranges, \d \w \s and their opposites, \b, ^ and $, groups, alternatives, * + ? {n,m}
 * with their lazy forms. Matching is unanchored and without regard to ASCII case. Back references, look-around, atomic
 * groups, conditions and Unicode categories are refused by name, and so is a pattern that grows past its bound. Pure;
 * the compiled form lives in the caller's arena. Source: graph-api.md 1.9 (-match). */
#ifndef TD_WAY_PATTERN_H
#define TD_WAY_PATTERN_H

#include "base/arena.h"
#include "base/err.h"

enum { TD_PATTERN_MAX = 512 /* steps of the compiled form */, TD_PATTERN_REPEAT_MAX = 100 };

struct td_pattern;

/* TD_EINVAL, TD_ENOTOFFERED: the text says what and at which character of the pattern. */
enum td_code td_pattern_parse(struct td_slice text, struct td_arena *a, const struct td_pattern **ret,
                              struct td_error *err) TD_MUST_USE;
bool td_pattern_matches(const struct td_pattern *p, struct td_slice text);

#endif
