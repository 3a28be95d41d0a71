#include "way/names.h"

#include <string.h>

enum { RAND_MAX_DIGITS = 15 };

struct part { /* what stands at one place of a template */
    enum { LITERAL, SERIAL, RANDOM } kind;
    char c;
    unsigned digits;
    size_t length; /* in the template */
};

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

static bool read_random(struct td_slice at, struct part *ret)
{
    uint64_t digits = 0;
    size_t end = td_find(td_sub(at, 6, at.n), '%');
    if (!td_istarts(at, "%RAND:") || end == SIZE_MAX || !td_parse_u64(td_sub(at, 6, end), &digits))
        return false;
    *ret = (struct part){.kind = RANDOM, .digits = (unsigned)TD_MIN(digits, (uint64_t)99), .length = 6 + end + 1};
    return true;
}

static bool read_part(struct td_slice at, struct part *ret)
{
    if (td_istarts(at, "%SERIAL%")) {
        *ret = (struct part){.kind = SERIAL, .length = 8};
        return true;
    }
    if (at.p[0] == '%')
        return read_random(at, ret);
    *ret = (struct part){.kind = LITERAL, .c = at.p[0], .length = 1};
    return is_name_char(at.p[0]);
}

static enum td_code count_part(const struct part *p, size_t *length, int counts[3], struct td_error *err)
{
    static const char *const macros[] = {"", "%SERIAL%", "%RAND:x%"};
    if (p->kind != LITERAL && counts[p->kind] > 0)
        return td_fail(err, TD_EINVAL, "deviceNameTemplate", "%s stands in it twice", macros[p->kind]);
    if (p->kind == RANDOM && (p->digits < 1 || p->digits > RAND_MAX_DIGITS))
        return td_fail(err, TD_EINVAL, "deviceNameTemplate", "%%RAND:x%% takes 1 to %d digits", RAND_MAX_DIGITS);
    counts[p->kind]++;
    *length += p->kind == RANDOM ? p->digits : 1;
    return TD_OK;
}

static bool only_digits(struct td_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n != 0;
}

enum td_code td_name_check(struct td_slice template, struct td_error *err)
{
    size_t length = 0;
    int counts[3] = {0};
    for (size_t at = 0; at < template.n;) {
        struct part p = {.length = 1};
        struct td_slice rest = td_sub(template, at, template.n);
        if (!read_part(rest, &p))
            return td_remedy(err,
                             td_fail(err, TD_EINVAL, "deviceNameTemplate", "not understood at character %zu", at + 1),
                             "use letters, digits, hyphens, %%SERIAL%% and %%RAND:x%%");
        td_try(count_part(&p, &length, counts, err));
        at += p.length;
    }
    if (length > TD_NAME_MAX)
        return td_fail(err, TD_EINVAL, "deviceNameTemplate", "makes names of more than %d characters", TD_NAME_MAX);
    if (only_digits(template) || (template.n != 0 && counts[LITERAL] == 0 && counts[SERIAL] == 0))
        return td_fail(err, TD_EINVAL, "deviceNameTemplate", "makes names of digits only, which Windows refuses");
    return TD_OK;
}

/* The serial number's letters, digits and hyphens; the tail of it that fits. */
static size_t add_serial(const char *serial, size_t room, char *out)
{
    char kept[128];
    size_t n = 0;
    for (const char *c = serial; *c != '\0' && n < sizeof(kept); c++)
        if (is_name_char(*c))
            kept[n++] = *c;
    size_t from = n > room ? n - room : 0;
    memcpy(out, kept + from, n - from);
    return n - from;
}

static void add_random(const struct td_env *env, unsigned digits, char *out)
{
    for (unsigned i = 0; i < digits; i++) {
        unsigned char c;
        do
            td_random_fill(env, &c, 1);
        while (c >= 250); /* so that every digit is equally likely */
        out[i] = (char)('0' + c % 10);
    }
}

/* Length of everything but the serial number. */
static size_t fixed_length(struct td_slice template)
{
    size_t n = 0;
    struct part p = {.length = 1};
    for (size_t at = 0; at < template.n; at += p.length) {
        (void)read_part(td_sub(template, at, template.n), &p);
        n += p.kind == RANDOM ? p.digits : p.kind == LITERAL;
    }
    return n;
}

enum td_code td_name_expand(struct td_slice template, const char *serial, const struct td_env *env,
                            char ret[TD_NAME_MAX + 1], struct td_error *err)
{
    char name[TD_NAME_MAX + 1] = "";
    size_t n = 0;
    td_try(td_name_check(template, err));
    const size_t room = TD_NAME_MAX - fixed_length(template);
    struct part p = {.length = 1};
    for (size_t at = 0; at < template.n; at += p.length) {
        (void)read_part(td_sub(template, at, template.n), &p);
        if (p.kind == LITERAL) {
            name[n++] = p.c;
        } else if (p.kind == SERIAL) {
            n += add_serial(serial, room, name + n);
        } else {
            add_random(env, p.digits, name + n);
            n += p.digits;
        }
    }
    if (only_digits(td_bytes(name, n)) || n == 0)
        return td_fail(err, TD_EINVAL, "deviceNameTemplate", "gives \"%s\", which Windows refuses as a name", name);
    memcpy(ret, name, sizeof(name));
    return TD_OK;
}
