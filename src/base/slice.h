/* Slices: bytes of somebody else.
 *
 * A slice is bytes that nobody has checked yet; a `const char *` in a struct of ours is text that a codec has
 * checked: valid UTF-8, no NUL inside, bounded. A slice owns nothing and is passed by value.
 * Slices that an arena made have a NUL behind their last byte. */
#ifndef TD_BASE_SLICE_H
#define TD_BASE_SLICE_H

#include "base/defs.h"

#include <string.h>

struct td_slice {
    const char *p;
    size_t n;
};

#define TD_S(literal) ((struct td_slice){"" literal, sizeof(literal) - 1})
#define TD_FMT(s) (int)(s).n, (s).p /* for "%.*s" */

static inline struct td_slice td_str(const char *s)
{
    return (struct td_slice){s != NULL ? s : "", s != NULL ? strlen(s) : 0};
}

static inline struct td_slice td_bytes(const void *p, size_t n)
{
    return (struct td_slice){p, n};
}

static inline struct td_slice td_sub(struct td_slice s, size_t from, size_t n)
{
    if (from > s.n)
        from = s.n;
    return (struct td_slice){from != 0 ? s.p + from : s.p, n < s.n - from ? n : s.n - from};
}

bool td_eq(struct td_slice a, struct td_slice b);
bool td_eqs(struct td_slice a, const char *b);
bool td_ieq(struct td_slice a, struct td_slice b); /* ASCII case folded */
bool td_ieqs(struct td_slice a, const char *b);
bool td_starts(struct td_slice s, const char *prefix);
bool td_istarts(struct td_slice s, const char *prefix);
bool td_ends(struct td_slice s, const char *suffix);
bool td_same_secret(struct td_slice a, struct td_slice b); /* constant time for equal lengths */

struct td_slice td_trim(struct td_slice s); /* blank, tab, CR, LF on both sides */

/* Cuts s at the first sep: head gets what stands before it, the result what stands behind; without sep all is head. */
struct td_slice td_cut(struct td_slice s, char sep, struct td_slice *ret_head);

/* Position of the first c or of needle, or SIZE_MAX. */
size_t td_find(struct td_slice s, char c);
size_t td_search(struct td_slice s, struct td_slice needle);

/* Decimal only, whole slice, no sign but '-' in the signed form; false when anything else or out of range. */
bool td_parse_u64(struct td_slice s, uint64_t *ret);
bool td_parse_i64(struct td_slice s, int64_t *ret);

/* True for well-formed UTF-8 without NUL. */
bool td_utf8_ok(struct td_slice s);
/* Length of the well-formed sequence (RFC 3629) that s begins with, 0 if there is none; NUL is none. */
size_t td_utf8_step(struct td_slice s);

/* Lower-cases ASCII in place. */
void td_lower(char *s);

#endif
