/* Security identifiers of Windows (S-1-5-21-...): bytes, text and struct. Pure. Source: [MS-DTYP] 2.4.2. */
#ifndef TD_CODEC_SID_H
#define TD_CODEC_SID_H

#include "base/arena.h"
#include "base/err.h"

enum { TD_SID_MAX_SUBS = 15, TD_SID_MAX_BYTES = 8 + 4 * TD_SID_MAX_SUBS, TD_SID_TEXT = 200 };

struct td_sid {
    unsigned char count; /* of sub */
    uint64_t authority;  /* 48 bits */
    uint32_t sub[TD_SID_MAX_SUBS];
};

/* Revision 1, at most 15 parts; *ret_used (may be NULL): octets of it. TD_EFORMAT. */
enum td_code td_sid_read(struct td_slice bytes, struct td_sid *ret, size_t *ret_used, struct td_error *err) TD_MUST_USE;
enum td_code td_sid_parse(struct td_slice text, struct td_sid *ret, struct td_error *err) TD_MUST_USE;
size_t td_sid_write(const struct td_sid *sid, unsigned char ret[TD_SID_MAX_BYTES]);
const char *td_sid_text(const struct td_sid *sid, char buf[TD_SID_TEXT]);
bool td_sid_equal(const struct td_sid *x, const struct td_sid *y);
/* The last part, and the domain that issued it. TD_EINVAL for one without parts. */
enum td_code td_sid_split(const struct td_sid *sid, struct td_sid *ret_domain, uint32_t *ret_rid, struct td_error *err)
    TD_MUST_USE;

/* objectGUID as a directory stores it (first three parts little-endian) to its usual text in lower case, and back. */
enum td_code td_guid_text(struct td_slice bytes16, char ret[37], struct td_error *err) TD_MUST_USE;
enum td_code td_guid_bytes(struct td_slice text, unsigned char ret[16], struct td_error *err) TD_MUST_USE;

#endif
