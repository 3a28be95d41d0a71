#include "codec/utf16.h"

enum { REPLACEMENT = 0xFFFD };

void td_utf8_add_char(struct td_buf *out, uint32_t c)
{
    if (c < 0x80) {
        td_buf_addc(out, (char)c);
        return;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = {0, 0xC0, 0xE0, 0xF0};
    td_buf_addc(out, (char)(lead[more] | c >> (6 * more)));
    while (more-- > 0)
        td_buf_addc(out, (char)(0x80 | (c >> (6 * more) & 0x3F)));
}

static uint32_t unit(struct td_slice s, size_t i, bool big_endian)
{
    unsigned char a = (unsigned char)s.p[i], b = (unsigned char)s.p[i + 1];
    return big_endian ? (uint32_t)a << 8 | b : (uint32_t)b << 8 | a;
}

void td_utf16_add_utf8(struct td_buf *out, struct td_slice utf16, bool big_endian)
{
    for (size_t i = 0; i + 1 < utf16.n; i += 2) {
        uint32_t c = unit(utf16, i, big_endian);
        if (c >= 0xD800 && c < 0xDC00 && i + 3 < utf16.n) {
            uint32_t low = unit(utf16, i + 2, big_endian);
            if (low >= 0xDC00 && low < 0xE000) {
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
                i += 2;
            }
        }
        td_utf8_add_char(out, c >= 0xD800 && c < 0xE000 ? (uint32_t)REPLACEMENT : c);
    }
}

/* Reads one well-formed sequence. */
static uint32_t next_char(struct td_slice s, size_t *i)
{
    unsigned char first = (unsigned char)s.p[(*i)++];
    int more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    uint32_t c = more == 0 ? first : first & (0x3Fu >> more);
    while (more-- > 0 && *i < s.n)
        c = c << 6 | ((unsigned char)s.p[(*i)++] & 0x3Fu);
    return c;
}

void td_utf8_add_utf16le(struct td_buf *out, struct td_slice utf8)
{
    for (size_t i = 0; i < utf8.n;) {
        uint32_t c = next_char(utf8, &i);
        if (c >= 0x10000) {
            td_buf_le16(out, (uint16_t)(0xD800 + ((c - 0x10000) >> 10)));
            c = 0xDC00 + ((c - 0x10000) & 0x3FF);
        }
        td_buf_le16(out, (uint16_t)c);
    }
}
