/* UTF-16 to UTF-8 and back. Pure; unpaired surrogates become U+FFFD, NULs are kept out by the callers. */
#ifndef TD_CODEC_UTF16_H
#define TD_CODEC_UTF16_H

#include "base/buf.h"

/* An odd last octet is dropped. */
void td_utf16_add_utf8(struct td_buf *out, struct td_slice utf16, bool big_endian);
/* utf8 must be well-formed (td_utf8_ok). */
void td_utf8_add_utf16le(struct td_buf *out, struct td_slice utf8);
/* One code point as UTF-8. */
void td_utf8_add_char(struct td_buf *out, uint32_t c);

#endif
