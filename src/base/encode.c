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
    for (size_t i = 0; i < in.n; i += 3) {
        size_t n = TD_MIN(in.n - i, (size_t)3);
        char out[4];
        b64_group(out, (const unsigned char *)in.p + i, n, alphabet);
        if (pad)
            for (size_t k = n + 1; k < 4; k++)
                out[k] = '=';
        td_buf_add(b, td_bytes(out, pad ? 4 : n + 1));
    }
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

static int b64_value(char c, int flags)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if ((flags & TD_B64_STD) != 0 && (c == '+' || c == '/'))
        return c == '+' ? 62 : 63;
    if ((flags & TD_B64_URL) != 0 && (c == '-' || c == '_'))
        return c == '-' ? 62 : 63;
    return -1;
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
