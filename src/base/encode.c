#include "base/encode.h"

static const char std_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void b64_group(char out[4], const unsigned char *in, size_t n, const char *alphabet)
{
    uint32_t v = (uint32_t)in[0] << 16 | (n > 1 ? (uint32_t)in[1] << 8 : 0) | (n > 2 ? in[2] : 0);
    for (int i = 0; i < 4; i++)
        out[i] = alphabet[v >> (18 - 6 * i) & 63];
}

static void b64_write(struct td_buf *b, struct td_slice in, const char *alphabet, bool pad)
{
    size_t rest = in.n % 3, whole = in.n - rest;
    const unsigned char *p = (const unsigned char *)in.p;
    char *out = td_buf_grow(b, whole / 3 * 4 + (rest == 0 ? 0 : pad ? 4 : rest + 1));
    if (out == NULL)
        return;
    for (size_t i = 0; i < whole; i += 3, out += 4)
        b64_group(out, p + i, 3, alphabet);
    if (rest == 0)
        return;
    char last[4] = "====";
    b64_group(last, p + whole, rest, alphabet);
    for (size_t k = rest + 1; k < 4; k++)
        last[k] = '=';
    memcpy(out, last, pad ? 4 : rest + 1);
}

void td_b64_add(struct td_buf *b, struct td_slice in)
{
    b64_write(b, in, std_alphabet, true);
}

void td_b64url_add(struct td_buf *b, struct td_slice in)
{
    b64_write(b, in, url_alphabet, false);
}

static char *into_arena(struct td_arena *a, struct td_slice in, void (*write)(struct td_buf *, struct td_slice))
{
    struct td_buf b;
    td_buf_init(&b, in.n * 2 + 8);
    write(&b, in);
    char *out = td_arena_text(a, td_buf_slice(&b));
    td_buf_wipe(&b);
    return out;
}

char *td_b64(struct td_arena *a, struct td_slice in)
{
    return into_arena(a, in, td_b64_add);
}

char *td_b64url(struct td_arena *a, struct td_slice in)
{
    return into_arena(a, in, td_b64url_add);
}

enum { PLUS = 62, SLASH = 63, MINUS = 64, UNDERSCORE = 65, NONE = 255 };

/* By octet from '+' to 'z': digits; the two of each alphabet keep apart. */
static const unsigned char b64_digits['z' - '+' + 1] = {
    PLUS, NONE, MINUS, NONE, SLASH,      52,   53, 54, 55, 56, 57, 58, 59, 60, 61, NONE,
    NONE, NONE, NONE,  NONE, NONE,       NONE, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,
    10,   11,   12,    13,   14,         15,   16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
    NONE, NONE, NONE,  NONE, UNDERSCORE, NONE, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,
    36,   37,   38,    39,   40,         41,   42, 43, 44, 45, 46, 47, 48, 49, 50, 51,
};

static int b64_value(char c, int flags)
{
    unsigned at = (unsigned)(unsigned char)c - '+';
    unsigned d = at < sizeof(b64_digits) ? b64_digits[at] : NONE;
    if (d < PLUS)
        return (int)d;
    if (d <= SLASH)
        return (flags & TD_B64_STD) != 0 ? (int)d : -1;
    return d <= UNDERSCORE && (flags & TD_B64_URL) != 0 ? (int)d - 2 : -1;
}

enum td_code td_b64_decode(struct td_arena *a, struct td_slice in, int flags, struct td_slice *ret)
{
    char *out = td_arena_alloc(a, in.n / 4 * 3 + 4);
    size_t n = 0, digits = 0, pads = 0;
    uint32_t v = 0;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        if ((flags & TD_B64_SPACES) != 0 && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
            continue;
        if (c == '=') {
            pads++;
            continue;
        }
        int d = b64_value(c, flags);
        if (d < 0 || pads != 0)
            return TD_EFORMAT;
        v = v << 6 | (uint32_t)d;
        if (++digits % 4 == 0) {
            out[n++] = (char)(v >> 16);
            out[n++] = (char)(v >> 8);
            out[n++] = (char)v;
        }
    }
    size_t rest = digits % 4;
    if (rest == 1 || pads > 2 || (pads != 0 && rest + pads != 4) ||
        (pads == 0 && rest != 0 && (flags & TD_B64_NOPAD) == 0))
        return TD_EFORMAT;
    if (rest >= 2)
        out[n++] = (char)(v >> (rest == 2 ? 4 : 10));
    if (rest == 3)
        out[n++] = (char)(v >> 2);
    out[n] = '\0';
    *ret = td_bytes(out, n);
    return TD_OK;
}

void td_hex_add(struct td_buf *b, struct td_slice in, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    for (size_t i = 0; i < in.n; i++) {
        unsigned char c = (unsigned char)in.p[i];
        char out[2] = {digits[c >> 4], digits[c & 15]};
        td_buf_add(b, td_bytes(out, 2));
    }
}

static void hex_lower(struct td_buf *b, struct td_slice in)
{
    td_hex_add(b, in, false);
}

char *td_hex(struct td_arena *a, struct td_slice in)
{
    return into_arena(a, in, hex_lower);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum td_code td_hex_decode(struct td_arena *a, struct td_slice in, struct td_slice *ret)
{
    if (in.n % 2 != 0)
        return TD_EFORMAT;
    char *out = td_arena_alloc(a, in.n / 2 + 1);
    for (size_t i = 0; i < in.n; i += 2) {
        int hi = hex_value(in.p[i]), lo = hex_value(in.p[i + 1]);
        if (hi < 0 || lo < 0)
            return TD_EFORMAT;
        out[i / 2] = (char)(hi << 4 | lo);
    }
    *ret = td_bytes(out, in.n / 2);
    return TD_OK;
}

void td_pct_add(struct td_buf *b, struct td_slice in)
{
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '.' || c == '_' || c == '~';
        if (plain) {
            td_buf_addc(b, c);
        } else {
            td_buf_addc(b, '%');
            td_hex_add(b, td_bytes(&c, 1), true);
        }
    }
}

struct td_slice td_pct_decode(struct td_arena *a, struct td_slice in, bool plus_is_blank)
{
    char *out = td_arena_alloc(a, in.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        if (c == '%' && in.n - i > 2 && hex_value(in.p[i + 1]) >= 0 && hex_value(in.p[i + 2]) >= 0) {
            out[n++] = (char)(hex_value(in.p[i + 1]) << 4 | hex_value(in.p[i + 2]));
            i += 2;
        } else {
            out[n++] = c == '+' && plus_is_blank ? ' ' : c;
        }
    }
    return td_bytes(out, n);
}
