#include "way/pattern.h"

/* Thompson's construction: the pattern becomes steps, and the text is walked once with the set of steps that are alive.
 * Characters are code points; what is not UTF-8 counts octet by octet. */

enum step_kind { S_RANGES, S_ANY, S_SPLIT, S_JUMP, S_BEGIN, S_END, S_WORD_EDGE, S_NO_WORD_EDGE, S_MATCH };

struct range {
    uint32_t from, to;
};

struct step {
    enum step_kind kind;
    int to, or_to;              /* SPLIT, JUMP */
    const struct range *ranges; /* RANGES */
    size_t range_count;
    bool negated;
};

struct td_pattern {
    struct step *steps;
    int count;
};

enum { MAX_RANGES = 64, MAX_DEPTH = 32 };

struct reader {
    struct td_slice text;
    size_t at;
    struct td_arena *arena;
    struct td_error *err;
    struct td_pattern *out;
    int depth;
};

static enum td_code refuse(const struct reader *r, const char *why)
{
    return td_fail(r->err, TD_EINVAL, "rule", "character %zu of the pattern: %s", r->at + 1, why);
}

static enum td_code not_offered(const struct reader *r, const char *what)
{
    return td_remedy(
        r->err,
        td_fail(r->err, TD_ENOTOFFERED, "rule", "character %zu of the pattern: %s are not offered", r->at + 1, what),
        "write it with classes, groups, alternatives and repetitions");
}

static bool has(const struct reader *r, const char *what)
{
    return td_starts(td_sub(r->text, r->at, r->text.n), what);
}

static uint32_t next_point(struct td_slice s, size_t *at)
{
    const unsigned char *p = (const unsigned char *)s.p + *at;
    size_t left = s.n - *at, n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : p[0] >= 0xC0 ? 2 : 1;
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7FU >> n);
    if (n > left) {
        *at += 1;
        return p[0];
    }
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3FU);
    *at += n;
    return c;
}

static uint32_t fold(uint32_t c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static enum td_code add_step(struct reader *r, struct step s, int *ret_at)
{
    if (r->out->count == TD_PATTERN_MAX)
        return td_remedy(r->err, td_fail(r->err, TD_ELIMIT, "rule", "the pattern grows past %d steps", TD_PATTERN_MAX),
                         "use fewer or smaller repetitions");
    if (ret_at != NULL)
        *ret_at = r->out->count;
    r->out->steps[r->out->count++] = s;
    return TD_OK;
}

static const struct range digits[] = {{'0', '9'}}, words[] = {{'0', '9'}, {'a', 'z'}, {'_', '_'}},
                          blanks[] = {{'\t', '\r'}, {' ', ' '}, {0x85, 0x85}, {0xA0, 0xA0}};

struct set {
    struct range list[MAX_RANGES];
    size_t n;
};

static enum td_code add_plain(const struct reader *r, struct set *set, uint32_t from, uint32_t to)
{
    if (set->n == MAX_RANGES)
        return refuse(r, "a class with too many members");
    set->list[set->n++] = (struct range){from, to};
    return TD_OK;
}

static enum td_code add_range(const struct reader *r, struct set *set, uint32_t from, uint32_t to)
{
    td_try(add_plain(r, set, from, to));
    /* texts are folded before they are looked at: letters of a range stand there in lower case too */
    uint32_t low = TD_MAX(from, (uint32_t)'A'), high = TD_MIN(to, (uint32_t)'Z');
    return low <= high ? add_plain(r, set, low + 32, high + 32) : TD_OK;
}

static enum td_code add_complement(const struct reader *r, struct set *set, const struct range *list, size_t n)
{
    uint32_t from = 0;
    for (;;) {
        uint32_t next = UINT32_MAX, end = 0;
        for (size_t i = 0; i < n; i++)
            if (list[i].to >= from && list[i].from < next) {
                next = list[i].from;
                end = list[i].to;
            }
        if (next == UINT32_MAX)
            return add_plain(r, set, from, 0x10FFFF);
        if (next > from)
            td_try(add_plain(r, set, from, next - 1));
        from = end + 1;
    }
}

/* \d and its kin; false if c is none of them. */
static bool shorthand(char c, const struct range **ret, size_t *ret_n)
{
    static const struct {
        char c;
        const struct range *list;
        size_t n;
    } table[] = {{'d', digits, TD_COUNTOF(digits)}, {'w', words, TD_COUNTOF(words)}, {'s', blanks, TD_COUNTOF(blanks)}};
    for (size_t i = 0; i < TD_COUNTOF(table); i++)
        if ((c | 32) == table[i].c) {
            *ret = table[i].list;
            *ret_n = table[i].n;
            return true;
        }
    return false;
}

static enum td_code read_shorthand(const struct reader *r, char c, struct set *set, bool *ret)
{
    const struct range *list = NULL;
    size_t n = 0;
    *ret = shorthand(c, &list, &n);
    if (!*ret)
        return TD_OK;
    if (c < 'a')
        return add_complement(r, set, list, n);
    for (size_t i = 0; i < n; i++)
        td_try(add_range(r, set, list[i].from, list[i].to));
    return TD_OK;
}

/* A character behind a backslash that stands for one character. */
static enum td_code read_escape(struct reader *r, uint32_t *ret)
{
    static const char from[] = "tnrfve", to[] = "\t\n\r\f\v\033";
    char c = r->at < r->text.n ? r->text.p[r->at] : '\0';
    const char *known = c != '\0' ? strchr(from, c) : NULL;
    if (c == '\0')
        return refuse(r, "a lone backslash");
    if (c == 'p' || c == 'P')
        return not_offered(r, "Unicode categories");
    if (c >= '1' && c <= '9')
        return not_offered(r, "back references");
    if (known != NULL) {
        *ret = (unsigned char)to[known - from];
        r->at++;
        return TD_OK;
    }
    if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'))
        return refuse(r, "an escape that is not known");
    *ret = next_point(r->text, &r->at);
    return TD_OK;
}

static enum td_code read_class_member(struct reader *r, struct set *set)
{
    uint32_t from = 0, to = 0;
    bool whole = false;
    if (r->text.p[r->at] == '\\' && r->at + 1 < r->text.n) {
        td_try(read_shorthand(r, r->text.p[r->at + 1], set, &whole));
        r->at += whole ? 2 : 1;
        if (whole)
            return TD_OK;
        td_try(read_escape(r, &from));
    } else {
        from = next_point(r->text, &r->at);
    }
    if (!has(r, "-") || has(r, "-]") || r->at + 1 >= r->text.n)
        return add_range(r, set, from, from);
    r->at++;
    if (r->text.p[r->at] == '\\') {
        r->at++;
        td_try(read_escape(r, &to));
    } else {
        to = next_point(r->text, &r->at);
    }
    return to >= from ? add_range(r, set, from, to) : refuse(r, "a range that runs backwards");
}

static enum td_code add_set(struct reader *r, const struct set *set, bool negated)
{
    struct range *list = td_arena_array(r->arena, struct range, set->n);
    memcpy(list, set->list, set->n * sizeof(*list));
    struct step s = {.kind = S_RANGES, .ranges = list, .range_count = set->n, .negated = negated};
    return add_step(r, s, NULL);
}

static enum td_code read_class(struct reader *r)
{
    struct set set = {.n = 0};
    size_t begin = r->at++;
    bool negated = has(r, "^"), first = true;
    r->at += negated;
    while (r->at < r->text.n && (first || r->text.p[r->at] != ']')) {
        if (has(r, "[:"))
            return not_offered(r, "named classes");
        td_try(read_class_member(r, &set));
        first = false;
    }
    if (r->at >= r->text.n) {
        r->at = begin;
        return refuse(r, "the class is not closed");
    }
    r->at++;
    return add_set(r, &set, negated);
}

static enum td_code read_backslash(struct reader *r)
{
    struct set set = {.n = 0};
    uint32_t c = 0;
    bool whole = false;
    r->at++;
    char next = r->at < r->text.n ? r->text.p[r->at] : '\0';
    if (next == 'b' || next == 'B' || next == 'A' || next == 'z' || next == 'Z') {
        r->at++;
        enum step_kind kind = next == 'b' ? S_WORD_EDGE : next == 'B' ? S_NO_WORD_EDGE : next == 'A' ? S_BEGIN : S_END;
        return add_step(r, (struct step){.kind = kind}, NULL);
    }
    td_try(read_shorthand(r, next, &set, &whole));
    if (whole) {
        r->at++;
        return add_set(r, &set, false);
    }
    td_try(read_escape(r, &c));
    td_try(add_range(r, &set, c, c));
    return add_set(r, &set, false);
}

static enum td_code read_alternatives(struct reader *r);

static enum td_code read_group(struct reader *r)
{
    static const struct {
        const char *begin, *what;
    } refused[] = {{"?=", "look-ahead groups"},       {"?!", "look-ahead groups"},      {"?<=", "look-behind groups"},
                   {"?<!", "look-behind groups"},     {"?>", "atomic groups"},          {"?(", "conditions"},
                   {"?i", "options inside patterns"}, {"?-", "options inside patterns"}};
    size_t begin = r->at++;
    for (size_t i = 0; i < TD_COUNTOF(refused); i++)
        if (has(r, refused[i].begin))
            return not_offered(r, refused[i].what);
    if (has(r, "?:"))
        r->at += 2;
    else if (has(r, "?<") || has(r, "?'"))
        return not_offered(r, "named groups");
    if (++r->depth > MAX_DEPTH)
        return refuse(r, "nested too deep");
    td_try(read_alternatives(r));
    r->depth--;
    if (!has(r, ")")) {
        r->at = begin;
        return refuse(r, "the group is not closed");
    }
    r->at++;
    return TD_OK;
}

static enum td_code read_atom(struct reader *r)
{
    struct set set = {.n = 0};
    switch (r->text.p[r->at]) {
    case '(':
        return read_group(r);
    case '[':
        return read_class(r);
    case '\\':
        return read_backslash(r);
    case '.':
    case '^':
    case '$': {
        char c = r->text.p[r->at++];
        return add_step(r, (struct step){.kind = c == '.' ? S_ANY : c == '^' ? S_BEGIN : S_END}, NULL);
    }
    case '*':
    case '+':
    case '?':
        return refuse(r, "nothing stands before the repetition");
    default: {
        uint32_t c = next_point(r->text, &r->at);
        td_try(add_range(r, &set, c, c));
        return add_set(r, &set, false);
    }
    }
}

static bool read_number(struct reader *r, int *ret)
{
    size_t begin = r->at;
    int n = 0;
    for (; r->at < r->text.n && r->text.p[r->at] >= '0' && r->text.p[r->at] <= '9'; r->at++)
        if (n <= TD_PATTERN_REPEAT_MAX)
            n = n * 10 + (r->text.p[r->at] - '0');
    *ret = n;
    return r->at != begin;
}

/* {n}, {n,}, {n,m}; anything else behind "{" is the character itself, as other engines have it. */
static bool read_braces(struct reader *r, int *ret_min, int *ret_max)
{
    size_t begin = r->at++;
    bool good = read_number(r, ret_min);
    *ret_max = *ret_min;
    if (good && has(r, ",")) {
        r->at++;
        if (!read_number(r, ret_max))
            *ret_max = -1;
    }
    if (good && has(r, "}")) {
        r->at++;
        return true;
    }
    r->at = begin;
    return false;
}

static bool read_repetition(struct reader *r, int *ret_min, int *ret_max)
{
    char c = r->at < r->text.n ? r->text.p[r->at] : '\0';
    if (c == '{')
        return read_braces(r, ret_min, ret_max);
    if (c != '*' && c != '+' && c != '?')
        return false;
    r->at++;
    *ret_min = c == '+' ? 1 : 0;
    *ret_max = c == '?' ? 1 : -1;
    return true;
}

/* The steps from..end once more at the end. */
static enum td_code copy_steps(struct reader *r, int from, int end)
{
    int shift = r->out->count - from;
    for (int i = from; i < end; i++) {
        struct step s = r->out->steps[i];
        s.to += shift;
        s.or_to += shift;
        td_try(add_step(r, s, NULL));
    }
    return TD_OK;
}

/* Makes the steps from `from` optional, or with loop repeated: a split before them, a jump back behind them. */
static enum td_code wrap(struct reader *r, int from, bool loop)
{
    td_try(add_step(r, (struct step){.kind = S_JUMP}, NULL));
    struct step *s = r->out->steps;
    for (int i = r->out->count - 1; i > from; i--) {
        s[i] = s[i - 1];
        s[i].to += 1;
        s[i].or_to += 1;
    }
    s[from] = (struct step){.kind = S_SPLIT, .to = from + 1, .or_to = r->out->count + loop};
    return loop ? add_step(r, (struct step){.kind = S_JUMP, .to = from}, NULL) : TD_OK;
}

static enum td_code repeat(struct reader *r, int from, int min, int max)
{
    int end = r->out->count, last = from;
    if (min > TD_PATTERN_REPEAT_MAX || max > TD_PATTERN_REPEAT_MAX || (max >= 0 && max < min))
        return refuse(r, "a repetition that is out of bounds");
    if (max == 0) {
        r->out->count = from;
        return TD_OK;
    }
    for (int i = 1; i < min; i++) {
        last = r->out->count;
        td_try(copy_steps(r, from, end));
    }
    if (max < 0 && min == 0)
        return wrap(r, from, true);
    if (max < 0) /* the last copy may come again */
        return add_step(r, (struct step){.kind = S_SPLIT, .to = last, .or_to = r->out->count + 1}, NULL);
    for (int i = TD_MAX(min, 1); i < max; i++) {
        last = r->out->count;
        td_try(copy_steps(r, from, end));
        td_try(wrap(r, last, false));
    }
    return min == 0 ? wrap(r, from, false) : TD_OK;
}

static enum td_code read_sequence(struct reader *r)
{
    while (r->at < r->text.n && r->text.p[r->at] != '|' && r->text.p[r->at] != ')') {
        int from = r->out->count, min = 1, max = 1;
        td_try(read_atom(r));
        if (!read_repetition(r, &min, &max))
            continue;
        td_try(repeat(r, from, min, max));
        if (has(r, "?")) /* lazy: whether it matches is the same question */
            r->at++;
        else if (has(r, "+"))
            return not_offered(r, "possessive repetitions");
    }
    return TD_OK;
}

static enum td_code read_alternatives(struct reader *r)
{
    int from = r->out->count;
    td_try(read_sequence(r));
    if (!has(r, "|"))
        return TD_OK;
    r->at++;
    td_try(wrap(r, from, false));
    int jump = 0;
    td_try(add_step(r, (struct step){.kind = S_JUMP}, &jump));
    r->out->steps[from].or_to = r->out->count;
    td_try(read_alternatives(r));
    r->out->steps[jump].to = r->out->count;
    return TD_OK;
}

enum td_code td_pattern_parse(struct td_slice text, struct td_arena *a, const struct td_pattern **ret,
                              struct td_error *err)
{
    struct step room[TD_PATTERN_MAX];
    struct td_pattern draft = {.steps = room}, *p = td_arena_new(a, struct td_pattern);
    struct reader r = {.text = text, .arena = a, .err = err, .out = &draft};
    td_try(read_alternatives(&r));
    if (r.at != text.n)
        return refuse(&r, "a closing parenthesis too many");
    td_try(add_step(&r, (struct step){.kind = S_MATCH}, NULL));
    p->count = draft.count;
    p->steps = td_arena_array(a, struct step, (size_t)draft.count);
    memcpy(p->steps, room, (size_t)draft.count * sizeof(*room));
    *ret = p;
    return TD_OK;
}

struct walk {
    const struct td_pattern *p;
    uint16_t list[2][TD_PATTERN_MAX];
    int count[2];
    unsigned mark[TD_PATTERN_MAX], round;
    bool at_begin, at_end, word_before, word_behind, matched;
};

static bool passes(const struct walk *w, enum step_kind kind)
{
    switch (kind) {
    case S_BEGIN:
        return w->at_begin;
    case S_END:
        return w->at_end;
    case S_WORD_EDGE:
        return w->word_before != w->word_behind;
    default:
        return w->word_before == w->word_behind;
    }
}

/* Follows what takes no character; a step is entered once a round, so the stack holds each at most once. */
static void enter(struct walk *w, int which, int start)
{
    uint16_t stack[2 * TD_PATTERN_MAX];
    int n = 0;
    stack[n++] = (uint16_t)start;
    while (n != 0) {
        int at = stack[--n];
        const struct step *s = &w->p->steps[at];
        if (w->mark[at] == w->round)
            continue;
        w->mark[at] = w->round;
        if (s->kind == S_MATCH) {
            w->matched = true;
        } else if (s->kind == S_SPLIT || s->kind == S_JUMP) {
            stack[n++] = (uint16_t)s->to;
            if (s->kind == S_SPLIT)
                stack[n++] = (uint16_t)s->or_to;
        } else if (s->kind >= S_BEGIN) {
            if (passes(w, s->kind))
                stack[n++] = (uint16_t)(at + 1);
        } else {
            w->list[which][w->count[which]++] = (uint16_t)at;
        }
    }
}

static bool takes(const struct step *s, uint32_t c)
{
    if (s->kind == S_ANY)
        return c != '\n';
    for (size_t i = 0; i < s->range_count; i++)
        if (c >= s->ranges[i].from && c <= s->ranges[i].to)
            return !s->negated;
    return s->negated;
}

static bool is_word(uint32_t c)
{
    return takes(&(struct step){.kind = S_RANGES, .ranges = words, .range_count = TD_COUNTOF(words)}, c);
}

bool td_pattern_matches(const struct td_pattern *p, struct td_slice text)
{
    struct walk w = {.p = p};
    int now = 0;
    size_t at = 0;
    for (;;) {
        size_t behind = at;
        uint32_t c = at < text.n ? fold(next_point(text, &behind)) : 0;
        w.at_begin = at == 0;
        w.at_end = at >= text.n;
        w.word_behind = !w.at_end && is_word(c);
        w.round++;
        /* those that took the last character are entered now, because edges look at both sides */
        int taken = w.count[now];
        uint16_t from[TD_PATTERN_MAX];
        memcpy(from, w.list[now], sizeof(from));
        w.count[now] = 0;
        for (int i = 0; i < taken; i++)
            enter(&w, now, from[i] + 1);
        enter(&w, now, 0);
        if (w.matched || w.at_end)
            return w.matched;
        w.count[1 - now] = 0;
        for (int i = 0; i < w.count[now]; i++)
            if (takes(&p->steps[w.list[now][i]], c))
                w.list[1 - now][w.count[1 - now]++] = w.list[now][i];
        now = 1 - now;
        w.word_before = w.word_behind;
        at = behind;
    }
}
