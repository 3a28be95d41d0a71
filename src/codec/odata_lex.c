#include "base/buf.h"
#include "base/env.h"
#include "codec/odata_in.h"

#include <stdlib.h>

enum td_code td_od_refuse(const struct td_od_lex *l, size_t at, const char *why)
{
    return td_fail(l->err, TD_EINVAL, l->option, "character %zu: %s", at + 1, why);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word_char(char c)
{
    return is_letter(c) || is_digit(c) || c == '.' || c == '/' || c == '@' || c == '$' || c == '-';
}

/* A date with the beginning of a time: from here ':' and '+' belong to the word. */
static bool begins_time(struct td_slice word)
{
    return word.n > 10 && is_digit(word.p[0]) && word.p[4] == '-' && word.p[7] == '-' &&
           (word.p[10] == 'T' || word.p[10] == 't');
}

static size_t word_end(struct td_slice s, size_t from)
{
    size_t end = from;
    while (end < s.n && is_word_char(s.p[end]))
        end++;
    if (begins_time(td_sub(s, from, end - from)))
        while (end < s.n && (is_word_char(s.p[end]) || s.p[end] == ':' || s.p[end] == '+'))
            end++;
    return end;
}

/* From the quote at l->at to the one that ends it. */
static enum td_code read_text(struct td_od_lex *l, const char **ret)
{
    const size_t begin = l->at;
    size_t end = begin + 1;
    while (end < l->text.n && (l->text.p[end] != '\'' || (end + 1 < l->text.n && l->text.p[end + 1] == '\'')))
        end += l->text.p[end] == '\'' ? 2 : 1;
    if (end >= l->text.n)
        return td_od_refuse(l, begin, "a quotation mark is not closed; inside a text it is written twice");
    char *out = td_arena_alloc(l->arena, end - begin);
    size_t n = 0;
    for (size_t i = begin + 1; i < end; i++) {
        out[n++] = l->text.p[i];
        i += l->text.p[i] == '\'';
    }
    l->at = end + 1;
    *ret = out;
    return TD_OK;
}

static enum td_code read_word(struct td_od_lex *l, struct td_od_token *ret)
{
    size_t end = word_end(l->text, l->at);
    if (end == l->at)
        return td_od_refuse(l, l->at, "this character can't stand here");
    ret->kind = TD_OD_T_WORD;
    ret->word = td_sub(l->text, l->at, end - l->at);
    l->at = end;
    if (end == l->text.n || l->text.p[end] != '\'')
        return TD_OK;
    ret->kind = TD_OD_T_TYPED;
    return read_text(l, &ret->text);
}

enum td_code td_od_next(struct td_od_lex *l, struct td_od_token *ret)
{
    static const char marks[] = "(),:";
    static const enum td_od_token_kind kinds[] = {TD_OD_T_OPEN, TD_OD_T_CLOSE, TD_OD_T_COMMA, TD_OD_T_COLON};
    while (l->at < l->text.n && is_blank(l->text.p[l->at]))
        l->at++;
    *ret = (struct td_od_token){.kind = TD_OD_T_END, .at = l->at};
    if (l->at == l->text.n)
        return TD_OK;
    const char c = l->text.p[l->at];
    const size_t mark = td_find(td_str(marks), c);
    if (mark != SIZE_MAX) {
        ret->kind = kinds[mark];
        l->at++;
        return TD_OK;
    }
    if (c != '\'')
        return read_word(l, ret);
    ret->kind = TD_OD_T_TEXT;
    return read_text(l, &ret->text);
}

bool td_od_is_identifier(struct td_slice s)
{
    bool ok = s.n != 0 && s.n <= TD_OD_MAX_NAME && is_letter(s.p[0]);
    for (size_t i = 1; i < s.n && ok; i++)
        ok = is_letter(s.p[i]) || is_digit(s.p[i]);
    return ok;
}

bool td_od_is_path(struct td_slice s)
{
    if (s.n == 0 || s.n > TD_OD_MAX_NAME)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        const bool first = i == 0 || s.p[i - 1] == '/';
        if (s.p[i] == '-' || (s.p[i] == '/' && i != 0 && s.p[i - 1] == '.') ||
            (first && (is_digit(s.p[i]) || s.p[i] == '.' || s.p[i] == '/')))
            return false;
        if (!is_word_char(s.p[i]))
            return false;
    }
    return s.p[s.n - 1] != '/' && s.p[s.n - 1] != '.';
}

struct td_od_value td_od_text(const char *text)
{
    return (struct td_od_value){.kind = TD_OD_TEXT, .text = text};
}

/* "+02:00" or "-02:00" at the end, in minutes; cuts it off. */
static bool cut_offset(struct td_slice *s, int64_t *ret)
{
    uint64_t hours, minutes;
    if (s->n < 17 || (s->p[s->n - 6] != '+' && s->p[s->n - 6] != '-'))
        return false;
    struct td_slice zone = td_sub(*s, s->n - 6, 6);
    if (zone.p[3] != ':' || !td_parse_u64(td_sub(zone, 1, 2), &hours) || !td_parse_u64(td_sub(zone, 4, 2), &minutes) ||
        hours > 14 || minutes > 59)
        return false;
    *ret = (int64_t)(hours * 60 + minutes) * (zone.p[0] == '-' ? -1 : 1);
    s->n -= 6;
    return true;
}

/* Dates, times without seconds, offsets. Before 1970 is never: 0, as our stores have it. */
static bool read_time(struct td_slice word, int64_t *ret)
{
    char text[64];
    int64_t offset = 0;
    if (word.n < 10 || word.n > 40 || word.p[4] != '-')
        return false;
    const bool date = word.n == 10;
    if (!date && (word.p[word.n - 1] == 'Z' || word.p[word.n - 1] == 'z'))
        word.n--;
    else if (!date && !cut_offset(&word, &offset))
        return false;
    const bool old = memcmp(word.p, "1970", 4) < 0;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, sizeof(text) - 1);
    td_buf_adds(&b, old ? "1972" : "");
    td_buf_add(&b, td_sub(word, old ? 4 : 0, word.n));
    td_buf_adds(&b, date ? "T00:00:00" : word.n == 16 ? ":00" : "");
    td_buf_addc(&b, 'Z');
    if (!date && b.n > 10)
        b.p[10] = 'T';
    if (!td_time_parse(td_buf_slice(&b), ret))
        return false;
    *ret = old ? 0 : TD_MAX(*ret - offset * TD_MINUTE, INT64_C(0));
    return true;
}

/* Digits with a point or an exponent; strtod alone would take more than the grammar has. */
static bool read_real(struct td_slice word, struct td_arena *a, double *ret)
{
    if (word.n > 40)
        return false;
    bool digit = false;
    for (size_t i = 0; i < word.n; i++) {
        const char c = word.p[i];
        digit = digit || is_digit(c);
        if (!is_digit(c) && c != '.' && (c != '-' || (i != 0 && word.p[i - 1] != 'e' && word.p[i - 1] != 'E')) &&
            (!digit || (c != 'e' && c != 'E')))
            return false;
    }
    char *end = NULL;
    const char *text = td_arena_text(a, word);
    *ret = strtod(text, &end);
    return digit && *end == '\0' && *ret - *ret == 0.0;
}

static bool read_number(struct td_slice word, struct td_arena *a, struct td_od_value *ret)
{
    if (!is_digit(word.p[0]) && (word.p[0] != '-' || word.n < 2 || !is_digit(word.p[1])))
        return false;
    ret->kind = TD_OD_INT;
    if (td_parse_i64(word, &ret->num)) {
        ret->real = (double)ret->num;
        return true;
    }
    ret->kind = TD_OD_REAL;
    return read_real(word, a, &ret->real);
}

bool td_od_literal(struct td_slice word, struct td_arena *a, struct td_od_value *ret)
{
    char guid[TD_UUID_TEXT];
    struct td_od_value v = {.kind = TD_OD_NULL};
    if (word.n == 0)
        return false;
    if (td_ieqs(word, "true") || td_ieqs(word, "false")) {
        v.kind = TD_OD_BOOL;
        v.num = word.n == 4;
    } else if (word.n == 36 && td_uuid_parse(word, guid)) {
        v.kind = TD_OD_GUID;
        v.text = td_arena_strdup(a, guid);
    } else if (is_digit(word.p[0]) && read_time(word, &v.num)) {
        v.kind = TD_OD_TIME;
    } else if (!td_ieqs(word, "null") && !read_number(word, a, &v)) {
        return false;
    }
    if (v.text == NULL)
        v.text = td_arena_text(a, word);
    *ret = v;
    return true;
}
