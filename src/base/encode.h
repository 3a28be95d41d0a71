/* Base64, base64url, hexadecimal, percent-encoding: bytes to text and back. Pure. */
#ifndef TD_BASE_ENCODE_H
#define TD_BASE_ENCODE_H

#include "base/arena.h"
#include "base/buf.h"

/* Which base64 a decoder takes (flags). White space and padding rules differ from protocol to protocol. */
enum {
    TD_B64_STD = 1,    /* alphabet with + and / */
    TD_B64_URL = 2,    /* alphabet with - and _ */
    TD_B64_SPACES = 4, /* white space is skipped (SOAP carries CR LF inside) */
    TD_B64_NOPAD = 8,  /* missing padding is accepted */
    TD_B64_ANY = 15
};

void td_b64_add(struct td_buf *b, struct td_slice in);    /* standard alphabet, padded, one line */
void td_b64url_add(struct td_buf *b, struct td_slice in); /* URL alphabet, no padding */
char *td_b64(struct td_arena *a, struct td_slice in);
char *td_b64url(struct td_arena *a, struct td_slice in);
enum td_code td_b64_decode(struct td_arena *a, struct td_slice in, int flags, struct td_slice *ret) TD_MUST_USE;

void td_hex_add(struct td_buf *b, struct td_slice in, bool upper);
char *td_hex(struct td_arena *a, struct td_slice in);
enum td_code td_hex_decode(struct td_arena *a, struct td_slice in, struct td_slice *ret) TD_MUST_USE;

/* RFC 3986: everything but unreserved characters is escaped. */
void td_pct_add(struct td_buf *b, struct td_slice in);
/* Undoes %XX; plus_is_blank for form bodies. A broken escape stays as it is, as browsers do. */
struct td_slice td_pct_decode(struct td_arena *a, struct td_slice in, bool plus_is_blank);

#endif
