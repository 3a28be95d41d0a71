#include "way/rule_tree.h"

size_t td_rule_position(const struct td_rule_reader *r, size_t at)
{
    size_t n = 1;
    for (size_t i = 0; i < at && i < r->text.n; i++)
        n += ((unsigned char)r->text.p[i] & 0xC0) != 0x80;
    return n;
}

enum td_code td_rule_refuse(const struct td_rule_reader *r, const char *why, const char *remedy)
{
    enum td_code rc = td_fail(r->err, TD_EINVAL, "rule", "character %zu: %s", td_rule_position(r, r->at), why);
    return remedy != NULL ? td_remedy(r->err, rc, "%s", remedy) : rc;
}

static void skip_blanks(struct td_rule_reader *r)
{
    while (r->at < r->text.n) {
        if (td_starts(td_sub(r->text, r->at, r->text.n), "\xC2\xA0")) /* pasted from a page */
            r->at += 2;
        else if (strchr(" \t\r\n", r->text.p[r->at]) != NULL)
            r->at++;
        else
            return;
    }
}

bool td_rule_sees(struct td_rule_reader *r, char c)
{
    skip_blanks(r);
    return r->at < r->text.n && r->text.p[r->at] == c;
}

bool td_rule_take(struct td_rule_reader *r, char c)
{
    bool there = td_rule_sees(r, c);
    r->at += there;
    return there;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Operators may be written with a hyphen, a pasted dash, or bare (graph-api.md 1.9). */
struct td_slice td_rule_word(struct td_rule_reader *r, bool is_operator, size_t *ret_end)
{
    static const char *const dashes[] = {"-", "\xE2\x80\x93", "\xE2\x80\x94", "\xE2\x88\x92"};
    skip_blanks(r);
    size_t from = r->at;
    for (size_t i = 0; is_operator && from == r->at && i < TD_COUNTOF(dashes); i++)
        if (td_starts(td_sub(r->text, r->at, r->text.n), dashes[i]))
            from += strlen(dashes[i]);
    size_t end = from;
    while (end < r->text.n && is_word_char(r->text.p[end]))
        end++;
    *ret_end = end;
    return td_sub(r->text, from, end - from);
}

bool td_rule_take_operator(struct td_rule_reader *r, const char *word)
{
    size_t end = 0;
    if (!td_ieqs(td_rule_word(r, true, &end), word))
        return false;
    r->at = end;
    return true;
}

/* A backtick protects what follows it; a quotation mark that is doubled stands for itself. */
static enum td_code read_quoted(struct td_rule_reader *r, char quote, const char **ret)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, TD_RULE_MAX_OCTETS);
    const size_t begin = r->at++;
    while (r->at < r->text.n) {
        char c = r->text.p[r->at++];
        bool more = r->at < r->text.n;
        if (c == '`' && quote == '"' && more)
            c = r->text.p[r->at++];
        else if (c == quote && more && r->text.p[r->at] == quote)
            r->at++;
        else if (c == quote) {
            *ret = td_arena_text(r->arena, td_buf_slice(&b));
            return TD_OK;
        }
        td_buf_addc(&b, c);
    }
    r->at = begin;
    return td_rule_refuse(r, "the quotation mark is not closed",
                          "close it; one inside the text is written `\" between double or '' between single ones");
}

enum td_code td_rule_read_value(struct td_rule_reader *r, struct td_rule_value *ret)
{
    struct td_rule_value v = {.text = NULL};
    if (td_rule_sees(r, '"') || td_rule_sees(r, '\'')) {
        v.quoted = true;
        td_try(read_quoted(r, r->text.p[r->at], &v.text));
        *ret = v;
        return TD_OK;
    }
    size_t end = r->at;
    while (end < r->text.n && strchr(" \t\r\n()[],\"'", r->text.p[end]) == NULL)
        end++;
    struct td_slice word = td_sub(r->text, r->at, end - r->at);
    if (word.n == 0 || td_istarts(word, "system."))
        return word.n == 0 ? td_rule_refuse(r, "a value is missing", "write it between quotation marks")
                           : td_remedy(r->err,
                                       td_fail(r->err, TD_ENOTOFFERED, "rule",
                                               "character %zu: system.now is not offered", td_rule_position(r, r->at)),
                                       "write the date itself");
    if (td_starts(word, "\xE2\x80\x9C") || td_starts(word, "\xE2\x80\x9D") || td_starts(word, "\xE2\x80\x98") ||
        td_starts(word, "\xE2\x80\x99")) /* pasted from a page; as a bare word it would silently match nothing */
        return td_rule_refuse(r, "a typographic quotation mark", "write straight ones: \" or '");
    r->at = end;
    if (!td_ieqs(word, "null") && !td_ieqs(word, "$null"))
        v.text = td_arena_text(r->arena, word);
    *ret = v;
    return TD_OK;
}
