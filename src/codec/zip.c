#include "codec/zip.h"

#include "base/env.h"

enum {
    LOCAL = 0x04034b50,
    CENTRAL = 0x02014b50,
    END = 0x06054b50,
    VERSION = 20,
    UTF8_NAMES = 1 << 11,
    FILE_MODE = 0100600,
    MADE_ON_UNIX = 3 << 8,
    MAX_DIRECTORY = 1 << 18
};

uint32_t td_crc32(struct td_slice data)
{
    static const uint32_t nibble[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < data.n; i++) {
        crc ^= (unsigned char)data.p[i];
        crc = crc >> 4 ^ nibble[crc & 15];
        crc = crc >> 4 ^ nibble[crc & 15];
    }
    return ~crc;
}

static uint16_t number(const char *text, size_t n)
{
    uint64_t v = 0;
    (void)td_parse_u64(td_sub(td_str(text), 0, n), &v);
    return (uint16_t)v;
}

void td_zip_begin(struct td_zip *z, struct td_buf *out, int64_t us)
{
    static const int64_t first = INT64_C(315532800) * TD_SECOND, last = INT64_C(4354819199) * TD_SECOND;
    char t[TD_TIME_TEXT]; /* 2030-01-02T03:04:05Z */
    td_time_text(TD_MIN(TD_MAX(us, first), last), t);
    *z = (struct td_zip){.out = out, .begin = out->n};
    td_buf_init(&z->directory, MAX_DIRECTORY);
    z->dos_date = (uint16_t)((number(t, 4) - 1980) << 9 | number(t + 5, 2) << 5 | number(t + 8, 2));
    z->dos_time = (uint16_t)(number(t + 11, 2) << 11 | number(t + 14, 2) << 5 | number(t + 17, 2) / 2);
}

static enum td_code check_name(struct td_slice name, struct td_error *err)
{
    bool ok = name.n >= 1 && name.n <= TD_ZIP_MAX_NAME && name.p[0] != '/' && td_utf8_ok(name) &&
              td_find(name, '\\') == SIZE_MAX;
    struct td_slice part, rest = name;
    while (ok && rest.n != 0) {
        rest = td_cut(rest, '/', &part);
        ok = part.n != 0 && !td_eqs(part, "..") && !td_eqs(part, ".");
    }
    return ok ? TD_OK : td_fail(err, TD_EINVAL, "archive", "\"%.80s\" can be no name in it", name.p);
}

/* What the local header and the directory share: version to names' lengths. */
static void shared(struct td_buf *to, const struct td_zip *z, struct td_slice name, struct td_slice content)
{
    td_buf_le16(to, VERSION);
    td_buf_le16(to, UTF8_NAMES);
    td_buf_le16(to, 0); /* stored */
    td_buf_le16(to, z->dos_time);
    td_buf_le16(to, z->dos_date);
    td_buf_le32(to, td_crc32(content));
    td_buf_le32(to, (uint32_t)content.n);
    td_buf_le32(to, (uint32_t)content.n);
    td_buf_le16(to, (uint16_t)name.n);
    td_buf_le16(to, 0); /* no extra field */
}

enum td_code td_zip_add(struct td_zip *z, const char *name, struct td_slice content, struct td_error *err)
{
    struct td_slice n = td_str(name);
    uint32_t at = (uint32_t)(z->out->n - z->begin);
    td_try(check_name(n, err));
    if (z->count >= TD_ZIP_MAX_ENTRIES || content.n > INT32_MAX)
        return td_fail(err, TD_ELIMIT, "archive", "more than %d entries, or 2 GiB in one", TD_ZIP_MAX_ENTRIES);
    td_buf_le32(z->out, LOCAL);
    shared(z->out, z, n, content);
    td_buf_add(z->out, n);
    td_buf_add(z->out, content);
    td_buf_le32(&z->directory, CENTRAL);
    td_buf_le16(&z->directory, MADE_ON_UNIX | VERSION);
    shared(&z->directory, z, n, content);
    td_buf_le16(&z->directory, 0); /* comment */
    td_buf_le16(&z->directory, 0); /* disk */
    td_buf_le16(&z->directory, 0); /* internal attributes */
    td_buf_le32(&z->directory, (uint32_t)FILE_MODE << 16);
    td_buf_le32(&z->directory, at);
    td_buf_add(&z->directory, n);
    z->count++;
    return td_buf_check(z->out, "archive", err);
}

enum td_code td_zip_end(struct td_zip *z, struct td_error *err)
{
    uint32_t at = (uint32_t)(z->out->n - z->begin), size = (uint32_t)z->directory.n;
    enum td_code rc = td_buf_check(&z->directory, "archive", err);
    td_buf_add(z->out, td_buf_slice(&z->directory));
    td_buf_le32(z->out, END);
    td_buf_le32(z->out, 0); /* this disk, disk of the directory */
    td_buf_le16(z->out, z->count);
    td_buf_le16(z->out, z->count);
    td_buf_le32(z->out, size);
    td_buf_le32(z->out, at);
    td_buf_le16(z->out, 0); /* comment */
    td_zip_done(z);
    return rc == TD_OK ? td_buf_check(z->out, "archive", err) : rc;
}

void td_zip_done(struct td_zip *z)
{
    td_buf_done(&z->directory);
}
