#include "base/slice.h"

static unsigned char fold(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool td_eq(struct td_slice a, struct td_slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool td_eqs(struct td_slice a, const char *b)
{
    return td_eq(a, td_str(b));
}

bool td_ieq(struct td_slice a, struct td_slice b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (fold(a.p[i]) != fold(b.p[i]))
            return false;
    return true;
}

bool td_ieqs(struct td_slice a, const char *b)
{
    return td_ieq(a, td_str(b));
}

bool td_starts(struct td_slice s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

bool td_istarts(struct td_slice s, const char *prefix)
{
    return td_ieqs(td_sub(s, 0, strlen(prefix)), prefix);
}

bool td_ends(struct td_slice s, const char *suffix)
{
    size_t n = strlen(suffix);
    return s.n >= n && memcmp(s.p + s.n - n, suffix, n) == 0;
}

bool td_same_secret(struct td_slice a, struct td_slice b)
{
    if (a.n != b.n)
        return false;
    volatile unsigned char diff = 0;
    for (size_t i = 0; i < a.n; i++)
        diff = (unsigned char)(diff | ((unsigned char)a.p[i] ^ (unsigned char)b.p[i]));
    return diff == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct td_slice td_trim(struct td_slice s)
{
    while (s.n != 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n != 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

size_t td_find(struct td_slice s, char c)
{
    const char *at = s.n != 0 ? memchr(s.p, c, s.n) : NULL;
    return at != NULL ? (size_t)(at - s.p) : SIZE_MAX;
}

size_t td_search(struct td_slice s, struct td_slice needle)
{
    for (size_t i = 0; needle.n <= s.n && i <= s.n - needle.n; i++)
        if (td_eq(td_sub(s, i, needle.n), needle))
            return i;
    return SIZE_MAX;
}

struct td_slice td_cut(struct td_slice s, char sep, struct td_slice *ret_head)
{
    size_t at = td_find(s, sep);
    if (at == SIZE_MAX) {
        *ret_head = s;
        return td_sub(s, s.n, 0);
    }
    *ret_head = td_sub(s, 0, at);
    return td_sub(s, at + 1, s.n);
}

bool td_parse_u64(struct td_slice s, uint64_t *ret)
{
    uint64_t v = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (__builtin_mul_overflow(v, 10U, &v) || __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return false;
    }
    *ret = v;
    return true;
}

bool td_parse_i64(struct td_slice s, int64_t *ret)
{
    bool minus = s.n != 0 && s.p[0] == '-';
    uint64_t v;
    if (!td_parse_u64(minus ? td_sub(s, 1, s.n) : s, &v) || v > (uint64_t)INT64_MAX)
        return false;
    *ret = minus ? -(int64_t)v : (int64_t)v;
    return true;
}

size_t td_utf8_step(struct td_slice in)
{
    const unsigned char *s = (const unsigned char *)in.p;
    size_t n = in.n;
    if (n == 0)
        return 0;
    if (s[0] != 0 && s[0] < 0x80)
        return 1;
    size_t len = s[0] >= 0xC2 && s[0] <= 0xDF ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4 : 0;
    if (len == 0 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF0 && s[1] < 0x90) ||
        (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return len;
}

bool td_utf8_ok(struct td_slice s)
{
    for (size_t i = 0; i < s.n;) {
        size_t step = td_utf8_step(td_sub(s, i, s.n));
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

void td_lower(char *s)
{
    for (; *s != '\0'; s++)
        *s = (char)fold(*s);
}
