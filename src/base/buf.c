#include "base/buf.h"

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

enum { FIRST = 512 };

void td_buf_init(struct td_buf *b, size_t max)
{
    *b = (struct td_buf){.max = max};
}

void td_buf_done(struct td_buf *b)
{
    td_free(b->p);
    *b = (struct td_buf){.max = b->max};
}

void td_buf_wipe(struct td_buf *b)
{
    td_wipe(b->p, b->cap);
    td_buf_done(b);
}

void td_buf_reset(struct td_buf *b)
{
    b->n = 0;
    b->failed = false;
}

static void make_room(struct td_buf *b, size_t n)
{
    size_t cap = TD_MAX(b->cap * 2, b->n + n + 1);
    cap = TD_MIN(TD_MAX(cap, (size_t)FIRST), b->max + 1);
    /* not realloc of the old block: what it held may be secret and is wiped with it */
    char *grown = td_realloc(NULL, cap);
    if (b->n != 0)
        memcpy(grown, b->p, b->n);
    td_wipe(b->p, b->cap);
    td_free(b->p);
    b->p = grown;
    b->cap = cap;
}

char *td_buf_grow(struct td_buf *b, size_t n)
{
    if (b->failed || n > b->max || b->n > b->max - n) {
        b->failed = true;
        return NULL;
    }
    if (b->n + n + 1 > b->cap)
        make_room(b, n);
    char *at = b->p + b->n;
    b->n += n;
    b->p[b->n] = '\0';
    return at;
}

void td_buf_add(struct td_buf *b, struct td_slice s)
{
    char *at = td_buf_grow(b, s.n);
    if (at != NULL && s.n != 0)
        memcpy(at, s.p, s.n);
}

void td_buf_adds(struct td_buf *b, const char *s)
{
    td_buf_add(b, td_str(s));
}

void td_buf_addc(struct td_buf *b, char c)
{
    char *at = td_buf_grow(b, 1);
    if (at != NULL)
        *at = c;
}

void td_buf_printf(struct td_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    size_t room = b->failed ? 0 : b->cap - b->n; /* as a rule it fits, and is printed once */
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(room != 0 ? b->p + b->n : NULL, room, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < room) {
        b->n += (size_t)n;
    } else {
        char *at = n >= 0 ? td_buf_grow(b, (size_t)n) : NULL;
        if (at != NULL)
            (void)vsnprintf(at, (size_t)n + 1, fmt, again);
        else if (room != 0)
            b->p[b->n] = '\0';
    }
    va_end(again);
}

void td_buf_addu(struct td_buf *b, uint64_t v)
{
    char digits[20], *at = digits + sizeof(digits);
    do {
        *--at = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    td_buf_add(b, td_bytes(at, (size_t)(digits + sizeof(digits) - at)));
}

static void add_le(struct td_buf *b, uint64_t v, size_t n)
{
    unsigned char out[8];
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)(v >> (8 * i));
    td_buf_add(b, td_bytes(out, n));
}

void td_buf_le16(struct td_buf *b, uint16_t v)
{
    add_le(b, v, 2);
}

void td_buf_le32(struct td_buf *b, uint32_t v)
{
    add_le(b, v, 4);
}

enum td_code td_buf_check(const struct td_buf *b, const char *what, struct td_error *err)
{
    if (b->failed)
        return td_fail(err, TD_ELIMIT, what, "more than %zu bytes", b->max);
    return TD_OK;
}
