/* device/qr: the picture is read back by a small reader of our own (zbar is not there): finder patterns, format, mask
 * and the octets of a version 2 code; sizes by capacity. */
#include "device/qr.h"
#include "unit/arena.h"
#include "unit/test.h"

enum { SIDE_MAX = 177 };

static struct td_error err;
static bool dark[SIDE_MAX][SIDE_MAX];

/* Half blocks back to modules without the quiet zone; its side. */
static size_t modules(const char *text)
{
    struct td_qr qr = {0};
    if (td_qr_picture(text, &arena, &qr, &err) != TD_OK)
        fail_msg("%s", err.text);
    size_t side = qr.columns - 2 * TD_QR_QUIET;
    assert_int_equal(qr.count, (qr.columns + 1) / 2);
    for (size_t row = 0; row < qr.count; row++) {
        const char *p = qr.lines[row];
        for (size_t x = 0; x < qr.columns; x++) {
            bool wide = *p != ' ';
            unsigned char form = wide ? (unsigned char)p[2] : 0;
            bool high = wide && (form == 0x80 || form == 0x88), low = wide && (form == 0x84 || form == 0x88);
            p += wide ? 3 : 1;
            for (size_t half = 0; half < 2; half++) {
                size_t y = 2 * row + half;
                bool light = half == 0 ? high : low;
                bool inside = x >= TD_QR_QUIET && y >= TD_QR_QUIET && x < TD_QR_QUIET + side && y < TD_QR_QUIET + side;
                if (!inside && y < qr.columns)
                    assert_true(light);
                if (inside)
                    dark[y - TD_QR_QUIET][x - TD_QR_QUIET] = !light;
            }
        }
        assert_int_equal(*p, 0);
    }
    return side;
}

static void finder_at(size_t x, size_t y)
{
    for (size_t i = 0; i < 7; i++)
        for (size_t k = 0; k < 7; k++) {
            size_t ring = TD_MIN(TD_MIN(i, 6 - i), TD_MIN(k, 6 - k));
            assert_int_equal(dark[y + i][x + k], ring != 1);
        }
}

static bool masked(unsigned mask, size_t y, size_t x)
{
    switch (mask) {
    case 0:
        return (y + x) % 2 == 0;
    case 1:
        return y % 2 == 0;
    case 2:
        return x % 3 == 0;
    case 3:
        return (y + x) % 3 == 0;
    case 4:
        return (y / 2 + x / 3) % 2 == 0;
    case 5:
        return y * x % 2 + y * x % 3 == 0;
    case 6:
        return (y * x % 2 + y * x % 3) % 2 == 0;
    default:
        return ((y + x) % 2 + y * x % 3) % 2 == 0;
    }
}

/* Of version 2: finders with their format, timing, one alignment pattern. */
static bool is_function(size_t y, size_t x)
{
    return (y < 9 && (x < 9 || x >= 17)) || (y >= 17 && x < 9) || x == 6 || y == 6 ||
           (y >= 16 && y <= 20 && x >= 16 && x <= 20);
}

static bool next_bit(unsigned mask, size_t *at)
{
    for (;; ++*at) { /* columns of two from the right, up and down in turn, without column 6 */
        size_t pair = *at / 50, in = *at % 50, right = 24 - 2 * pair;
        right -= right <= 6 ? 1 : 0;
        size_t x = right - in % 2, y = pair % 2 == 0 ? 24 - in / 2 : in / 2;
        if (is_function(y, x))
            continue;
        ++*at;
        return dark[y][x] != masked(mask, y, x);
    }
}

static unsigned bits(unsigned mask, size_t *at, int n)
{
    unsigned v = 0;
    while (n-- > 0)
        v = v << 1 | (next_bit(mask, at) ? 1 : 0);
    return v;
}

static void reads_back(void **state TD_UNUSED)
{
    static const char *const texts[] = {"a code of thirty-two octets: abcd", "{\"BlockSequence\":{\"Id\":\"a\"}}",
                                        "https://touchdown.test/q/12345"};
    for (size_t i = 0; i < TD_COUNTOF(texts); i++) {
        char text[33] = "";
        snprintf(text, sizeof(text), "%.32s", texts[i]);
        assert_int_equal(modules(text), 25);
        finder_at(0, 0);
        finder_at(18, 0);
        finder_at(0, 18);
        unsigned format =
            (unsigned)(dark[8][0] << 4 | dark[8][1] << 3 | dark[8][2] << 2 | dark[8][3] << 1 | dark[8][4]) ^
            0x15;                         /* 10101 of the format's own mask */
        assert_int_equal(format >> 3, 1); /* level L */
        size_t at = 0;
        assert_int_equal(bits(format & 7, &at, 4), 4); /* octets */
        assert_int_equal(bits(format & 7, &at, 8), strlen(text));
        for (size_t k = 0; k < strlen(text); k++)
            assert_int_equal(bits(format & 7, &at, 8), text[k]);
    }
}

static void as_large_as_told(void **state TD_UNUSED)
{
    char text[TD_QR_MAX_TEXT + 2];
    for (size_t columns = 29; columns <= 185; columns += 4) {
        size_t n = td_qr_capacity(columns);
        memset(text, 'x', n + 1);
        text[n] = '\0';
        assert_int_equal(modules(text), columns - 8);
        if (n == TD_QR_MAX_TEXT)
            break;
        text[n] = 'x';
        text[n + 1] = '\0';
        assert_int_equal(modules(text), columns - 4);
    }
    assert_int_equal(td_qr_capacity(28), 0);
    assert_int_equal(td_qr_capacity(80), 425);
    assert_int_equal(td_qr_capacity(1000), TD_QR_MAX_TEXT);
}

static void bounds(void **state TD_UNUSED)
{
    static char text[TD_QR_MAX_TEXT + 2];
    struct td_qr qr = {0};
    memset(text, 'y', TD_QR_MAX_TEXT + 1);
    assert_int_equal(td_qr_picture(text, &arena, &qr, &err), TD_ELIMIT);
    assert_int_equal(td_qr_picture("", &arena, &qr, &err), TD_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_back), cmocka_unit_test(as_large_as_told),
                                       cmocka_unit_test(bounds)};
    return cmocka_run_group_tests_name("device/qr", tests, arena_begin, arena_end);
}
