/* Growable bytes with a mandatory maximum.
 *
 * Appending past the maximum marks the buffer as failed and keeps it so: writers append freely and look once, at the
 * end. The memory belongs to the buffer until td_buf_done; a secret one is wiped by td_buf_wipe. */
#ifndef TD_BASE_BUF_H
#define TD_BASE_BUF_H

#include "base/err.h"
#include "base/slice.h"

struct td_buf {
    char *p; /* NUL-terminated once anything was appended */
    size_t n, cap, max;
    bool failed;
};

void td_buf_init(struct td_buf *b, size_t max);
void td_buf_done(struct td_buf *b);  /* frees; usable again with the same maximum */
void td_buf_wipe(struct td_buf *b);  /* overwrites, then frees */
void td_buf_reset(struct td_buf *b); /* empties, keeps the memory */

void td_buf_add(struct td_buf *b, struct td_slice s);
void td_buf_adds(struct td_buf *b, const char *s);
void td_buf_addc(struct td_buf *b, char c);
void td_buf_printf(struct td_buf *b, const char *fmt, ...) TD_PRINTF(2, 3);
void td_buf_addu(struct td_buf *b, uint64_t v); /* in decimal */
char *td_buf_grow(struct td_buf *b,
                  size_t n); /* n more bytes to be filled by the caller, or NULL if past the maximum */
void td_buf_le16(struct td_buf *b, uint16_t v);
void td_buf_le32(struct td_buf *b, uint32_t v);

static inline struct td_slice td_buf_slice(const struct td_buf *b)
{
    return (struct td_slice){b->p != NULL ? b->p : "", b->n};
}

/* TD_ELIMIT if an append went past the maximum. */
enum td_code td_buf_check(const struct td_buf *b, const char *what, struct td_error *err) TD_MUST_USE;

#endif
