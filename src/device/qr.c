#include "device/qr.h"

#include "base/buf.h"

#include <qrencode.h>

/* Octets of versions 1 to 40 at level L (ISO/IEC 18004, table 7). A version has 17 + 4 * number modules a side. */
static const unsigned short capacities[] = {17,   32,   53,   78,   106,  134,  154,  192,  230,  271,
                                            321,  367,  425,  458,  520,  586,  644,  718,  792,  858,
                                            929,  1003, 1091, 1171, 1273, 1367, 1465, 1528, 1628, 1732,
                                            1840, 1952, 2068, 2188, 2303, 2431, 2563, 2699, 2809, TD_QR_MAX_TEXT};

size_t td_qr_capacity(size_t columns)
{
    size_t best = 0;
    for (size_t i = 0; i < TD_COUNTOF(capacities); i++)
        if (17 + 4 * (i + 1) + (size_t)2 * TD_QR_QUIET <= columns)
            best = capacities[i];
    return best;
}

/* Light where nothing is dark: outside the code too. */
static bool is_light(const QRcode *code, int x, int y)
{
    x -= TD_QR_QUIET;
    y -= TD_QR_QUIET;
    return x < 0 || y < 0 || x >= code->width || y >= code->width || (code->data[y * code->width + x] & 1) == 0;
}

static const char *line_of(const QRcode *code, int y, int columns, struct td_arena *a, struct td_buf *b)
{
    static const char *const blocks[] = {" ", "\xe2\x96\x84", "\xe2\x96\x80",
                                         "\xe2\x96\x88"}; /* none, low, high, both */
    td_buf_reset(b);
    for (int x = 0; x < columns; x++)
        td_buf_adds(b, blocks[(is_light(code, x, y) ? 2 : 0) + (y + 1 < columns && is_light(code, x, y + 1) ? 1 : 0)]);
    return td_arena_text(a, td_buf_slice(b));
}

enum td_code td_qr_picture(const char *text, struct td_arena *a, struct td_qr *ret, struct td_error *err)
{
    size_t n = strlen(text);
    if (n == 0 || n > TD_QR_MAX_TEXT)
        return td_fail(err, TD_ELIMIT, "QR code", "%zu octets; a code holds 1 to %d", n, TD_QR_MAX_TEXT);
    QRcode *code = QRcode_encodeData((int)n, (const unsigned char *)text, 0, QR_ECLEVEL_L);
    if (code == NULL)
        return td_fail(err, TD_EINTERNAL, "QR code", "no code could be made");
    int columns = code->width + 2 * TD_QR_QUIET;
    struct td_qr qr = {.columns = (size_t)columns, .count = ((size_t)columns + 1) / 2};
    struct td_buf b;
    td_buf_init(&b, 1024);
    qr.lines = td_arena_array(a, const char *, qr.count);
    for (size_t i = 0; i < qr.count; i++)
        qr.lines[i] = line_of(code, (int)(2 * i), columns, a, &b);
    td_buf_done(&b);
    QRcode_free(code);
    *ret = qr;
    return TD_OK;
}
