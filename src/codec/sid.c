#include "codec/sid.h"

#include <inttypes.h>
#include <stdio.h>

enum { REVISION = 1, HEAD = 8, AUTHORITY_OCTETS = 6, GUID_TEXT = 36 };
#define AUTHORITY_MAX ((UINT64_C(1) << 48) - 1)

static uint32_t le32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

enum td_code td_sid_read(struct td_slice bytes, struct td_sid *ret, size_t *ret_used, struct td_error *err)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    struct td_sid sid = {0};
    if (bytes.n < HEAD || p[0] != REVISION || p[1] > TD_SID_MAX_SUBS)
        return td_fail(err, TD_EFORMAT, "sid", "not a security identifier of revision 1 with at most %d parts",
                       TD_SID_MAX_SUBS);
    sid.count = p[1];
    size_t used = HEAD + 4U * sid.count;
    if (used > bytes.n)
        return td_fail(err, TD_EFORMAT, "sid", "it ends after %zu of its %zu octets", bytes.n, used);
    for (size_t i = 0; i < AUTHORITY_OCTETS; i++)
        sid.authority = sid.authority << 8 | p[2 + i];
    for (size_t i = 0; i < sid.count; i++)
        sid.sub[i] = le32(p + HEAD + 4 * i);
    *ret = sid;
    if (ret_used != NULL)
        *ret_used = used;
    return TD_OK;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Authorities from 2^32 on are written in hexadecimal. */
static bool parse_authority(struct td_slice s, uint64_t *ret)
{
    uint64_t v = 0;
    if (!td_istarts(s, "0x"))
        return td_parse_u64(s, ret) && *ret <= UINT32_MAX;
    for (size_t i = 2; i < s.n; i++) {
        int digit = hex_digit(s.p[i]);
        if (digit < 0 || i >= 2 + 2 * AUTHORITY_OCTETS)
            return false;
        v = v << 4 | (unsigned)digit;
    }
    *ret = v;
    return s.n > 2;
}

enum td_code td_sid_parse(struct td_slice text, struct td_sid *ret, struct td_error *err)
{
    struct td_sid sid = {0};
    struct td_slice head, rest = text;
    bool ok = td_istarts(text, "S-1-");
    rest = td_cut(td_sub(rest, 4, rest.n), '-', &head);
    ok = ok && parse_authority(head, &sid.authority);
    bool more = ok && text.n > 4 + head.n; /* a '-' stands behind the authority */
    while (more) {
        uint64_t v = 0;
        more = td_find(rest, '-') != SIZE_MAX;
        rest = td_cut(rest, '-', &head);
        ok = ok && sid.count < TD_SID_MAX_SUBS && td_parse_u64(head, &v) && v <= UINT32_MAX;
        if (!ok)
            break;
        sid.sub[sid.count++] = (uint32_t)v;
    }
    if (!ok)
        return td_fail(err, TD_EFORMAT, "sid", "not the text of a security identifier (S-1-5-21-...)");
    *ret = sid;
    return TD_OK;
}

size_t td_sid_write(const struct td_sid *sid, unsigned char ret[TD_SID_MAX_BYTES])
{
    size_t count = sid->count <= TD_SID_MAX_SUBS ? sid->count : TD_SID_MAX_SUBS;
    ret[0] = REVISION;
    ret[1] = (unsigned char)count;
    for (size_t i = 0; i < AUTHORITY_OCTETS; i++)
        ret[2 + i] = (unsigned char)(sid->authority >> 8 * (AUTHORITY_OCTETS - 1 - i));
    for (size_t i = 0; i < 4 * count; i++)
        ret[HEAD + i] = (unsigned char)(sid->sub[i / 4] >> 8 * (i % 4));
    return HEAD + 4 * count;
}

const char *td_sid_text(const struct td_sid *sid, char buf[TD_SID_TEXT])
{
    uint64_t authority = sid->authority & AUTHORITY_MAX;
    int n = snprintf(buf, TD_SID_TEXT, authority > UINT32_MAX ? "S-1-0x%012" PRIx64 : "S-1-%" PRIu64, authority);
    for (size_t i = 0; i < sid->count && i < TD_SID_MAX_SUBS; i++)
        n += snprintf(buf + n, TD_SID_TEXT - (size_t)n, "-%" PRIu32, sid->sub[i]);
    return buf;
}

bool td_sid_equal(const struct td_sid *x, const struct td_sid *y)
{
    return x->count == y->count && x->count <= TD_SID_MAX_SUBS && x->authority == y->authority &&
           memcmp(x->sub, y->sub, x->count * sizeof(x->sub[0])) == 0;
}

enum td_code td_sid_split(const struct td_sid *sid, struct td_sid *ret_domain, uint32_t *ret_rid, struct td_error *err)
{
    if (sid->count == 0 || sid->count > TD_SID_MAX_SUBS)
        return td_fail(err, TD_EINVAL, "sid", "it has no parts, so no domain issued it");
    struct td_sid domain = *sid;
    *ret_rid = domain.sub[--domain.count];
    domain.sub[domain.count] = 0;
    *ret_domain = domain;
    return TD_OK;
}

/* Which octet of the stored form stands at each place of the text. */
static const unsigned char guid_order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
static bool guid_hyphen(size_t octet)
{
    return octet == 4 || octet == 6 || octet == 8 || octet == 10;
}

enum td_code td_guid_text(struct td_slice bytes16, char ret[37], struct td_error *err)
{
    static const char digits[] = "0123456789abcdef";
    char *at = ret;
    if (bytes16.n != 16)
        return td_fail(err, TD_EFORMAT, "guid", "%zu octets; a GUID has 16", bytes16.n);
    for (size_t i = 0; i < 16; i++) {
        unsigned char c = (unsigned char)bytes16.p[guid_order[i]];
        if (guid_hyphen(i))
            *at++ = '-';
        *at++ = digits[c >> 4];
        *at++ = digits[c & 15];
    }
    *at = 0;
    return TD_OK;
}

enum td_code td_guid_bytes(struct td_slice text, unsigned char ret[16], struct td_error *err)
{
    unsigned char out[16] = {0};
    bool braces = text.n == GUID_TEXT + 2 && text.p[0] == '{' && text.p[text.n - 1] == '}';
    struct td_slice s = braces ? td_sub(text, 1, GUID_TEXT) : text;
    bool ok = s.n == GUID_TEXT;
    for (size_t i = 0, at = 0; ok && i < 16; i++, at += 2) {
        if (guid_hyphen(i) && s.p[at++] != '-')
            ok = false;
        int high = hex_digit(s.p[at]), low = hex_digit(s.p[at + 1]);
        ok = ok && high >= 0 && low >= 0;
        out[guid_order[i]] = (unsigned char)((unsigned)high << 4 | ((unsigned)low & 15));
    }
    if (!ok)
        return td_fail(err, TD_EFORMAT, "guid", "not the text of a GUID");
    memcpy(ret, out, sizeof(out));
    return TD_OK;
}
