/* codec/csv and codec/autopilot_csv: every way in which people hand over a list of devices. */
#include "codec/autopilot_csv.h"
#include "codec/utf16.h"
#include "unit/test.h"

static struct td_arena arena;

#define HASH "T0HLAQEAHAAAAAoAyglnWAAACgDKCWdYyRGVMgACCQACABAACQABAAQACAABAAAAAwAR"

/* Rows as "a|b|c\n", broken ones as "!why\n". */
static const char *rows_of(struct td_slice in)
{
    struct td_csv csv;
    struct td_csv_row row;
    struct td_error err;
    TD_CLEANUP(td_buf_done) struct td_buf converted, out;
    td_buf_init(&converted, 1 << 20);
    td_buf_init(&out, 1 << 20);
    if (td_csv_open(in, &converted, &csv, &err) != TD_OK)
        fail_msg("%s", err.text);
    while (td_csv_next(&csv, &arena, &row)) {
        td_buf_printf(&out, "%zu:", row.line);
        if (row.broken != NULL)
            td_buf_printf(&out, "!%s", row.broken);
        for (size_t i = 0; i < row.count && row.broken == NULL; i++)
            td_buf_printf(&out, "%s%.*s", i != 0 ? "|" : "", TD_FMT(row.cells[i]));
        td_buf_addc(&out, '\n');
    }
    return td_arena_text(&arena, td_buf_slice(&out));
}

static void shapes(void **state TD_UNUSED)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        {"", ""},
        {"\r\n\n  \n", ""},
        {"a,b\n1,2\n", "1:a|b\n2:1|2\n"},
        {"a,b\r\n1,2", "1:a|b\n2:1|2\n"},
        {"a,b\r1,2\r", "1:a|b\n2:1|2\n"},
        {"\xEF\xBB\xBF"
         "a;b\n1;2,5\n",
         "1:a|b\n2:1|2,5\n"},
        {"a\tb\n1\t2\n", "1:a|b\n2:1|2\n"},
        {"sep=;\na;b\n", "2:a|b\n"},
        {"#TYPE System.Management.Automation.PSCustomObject\r\n\"a\";\"b\"\r\n1;2\r\n", "2:a|b\n3:1|2\n"},
        {"\"a,b\",c\n\"d\"\"e\" , f \n", "1:a,b|c\n2:d\"e|f\n"},
        {"a,\"b\n1,2\n", "1:!a quotation mark is not closed\n2:1|2\n"},
        {"\"a\"b,c\n", "1:!text follows a closing quotation mark\n"},
        {"a,b\n\n,,\n1,2\n", "1:a|b\n4:1|2\n"},
        {"a,B\xFC"
         "ro\n",
         "1:a|B\xC3\xBCro\n"},
        {"a,\n", "1:a|\n"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        assert_string_equal(rows_of(td_str(rows[i].in)), rows[i].want);
    char many[200];
    memset(many, ',', sizeof(many));
    assert_string_equal(rows_of(td_bytes(many, sizeof(many))), "1:!more cells than a row may have\n");
    char *big = td_arena_alloc(&arena, TD_CSV_MAX_LINE + 8);
    memset(big, 'x', TD_CSV_MAX_LINE + 1);
    strncpy(big + TD_CSV_MAX_LINE + 1, "\na,b\n", 6);
    assert_string_equal(rows_of(td_str(big)), "1:!longer than a row may be\n2:a|b\n");
}

static void wide_files(void **state TD_UNUSED)
{
    static const char *const boms[] = {"\xFF\xFE", ""};
    for (size_t i = 0; i < TD_COUNTOF(boms); i++) {
        TD_CLEANUP(td_buf_done) struct td_buf little, big;
        td_buf_init(&little, 4096);
        td_buf_init(&big, 4096);
        td_buf_adds(&little, boms[i]);
        td_utf8_add_utf16le(&little, td_str("abcd;b\r\n1;Gr\xC3\xB6\xC3\x9F"
                                            "e \xF0\x9F\x96\xA5\r\n"));
        for (size_t k = 0; k + 1 < little.n; k += 2) {
            td_buf_addc(&big, little.p[k + 1]);
            td_buf_addc(&big, little.p[k]);
        }
        static const char want[] = "1:abcd|b\n2:1|Gr\xC3\xB6\xC3\x9F"
                                   "e \xF0\x9F\x96\xA5\n";
        assert_string_equal(rows_of(td_buf_slice(&little)), want);
        assert_string_equal(rows_of(td_buf_slice(&big)), want);
    }
}

/* The rows of a device list as "row/line serial tag user hash?", or the refusal as "!where: text". */
static const char *devices_of(const char *in)
{
    struct td_autopilot_csv csv;
    struct td_autopilot_row row;
    struct td_error err;
    TD_CLEANUP(td_buf_done) struct td_buf converted, out;
    td_buf_init(&converted, 1 << 20);
    td_buf_init(&out, 1 << 20);
    if (td_autopilot_csv_open(td_str(in), &converted, &csv, &err) != TD_OK)
        return td_arena_printf(&arena, "!%s: %s", err.where, err.text);
    while (td_autopilot_csv_next(&csv, &arena, &row)) {
        td_buf_printf(&out, "%zu/%zu ", row.row, row.line);
        if (row.broken != NULL)
            td_buf_printf(&out, "!%s\n", row.broken);
        else
            td_buf_printf(&out, "%.*s %.*s %.*s %d\n", TD_FMT(row.cell[TD_COL_SERIAL]),
                          TD_FMT(row.cell[TD_COL_GROUP_TAG]), TD_FMT(row.cell[TD_COL_USER]),
                          td_eqs(row.cell[TD_COL_HASH], HASH));
    }
    return td_arena_text(&arena, td_buf_slice(&out));
}

static void device_lists(void **state TD_UNUSED)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        {"Device Serial Number,Windows Product ID,Hardware Hash\nS1,," HASH "\n", "1/2 S1   1\n"},
        {"Device Serial Number,Windows Product ID,Hardware Hash,Group Tag,Assigned User\nS1,," HASH ",T,a@b\n",
         "1/2 S1 T a@b 1\n"},
        {"group tag;hardware hash;DEVICE SERIAL NUMBER\nT;" HASH ";S1\n\nT;" HASH ";S2\n",
         "1/2 S1 T  1\n2/4 S2 T  1\n"},
        {"\"Hardware Hash\",\"Device Serial Number\"\n\"" HASH "\",\"S1\"\n", "1/2 S1   1\n"},
        {"S1,," HASH "\nS2,," HASH ",T,a@b\n", "1/1 S1   1\n2/2 S2 T a@b 1\n"}, /* no header */
        {"S1,,garbage\nS2,," HASH "\n", "1/1 S1   0\n2/2 S2   1\n"},            /* first row broken */
        {"Device Serial Number,Windows Product ID,Hardware Hash,Manufacturer name,Device model\nS1,," HASH ",M,X\n",
         "1/2 S1   1\n"},
        {"Device Serial Number,Hardware Hash,\nS1," HASH ",\nS2," HASH ",x\n",
         "1/2 S1   1\n2/3 !it has a cell without a column\n"},
        {"Device Serial Number,Hardware Hash\nS1\n", "1/2 S1   0\n"},
        {"", "!file: there is no row in it"},
        {"PK\x03\x04\nS1,," HASH "\n", "!file: it is a ZIP archive or a spreadsheet, not a CSV"},
        {"Device Serial Number,Colour,Hardware Hash\nS1,red," HASH "\n", "!header: unknown column \"Colour\""},
        {"Device Serial Number,Windows Product ID\nS1,\n", "!header: no column \"Hardware Hash\""},
        {"Hardware Hash\n" HASH "\n", "!header: no column \"Device Serial Number\""},
        {"Device Serial Number,Device Serial Number,Hardware Hash\n",
         "!header: the column \"Device Serial Number\" stands in it twice"},
        {"name,colour\nx,y\n", "!header: unknown column \"name\""},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        assert_string_equal(devices_of(rows[i].in), rows[i].want);
}

/* What a spreadsheet would calculate is a text there; what we write we can read. */
static void written_cells(void **state TD_UNUSED)
{
    static const struct {
        const char *cell, *want;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"a,b", "\"a,b\""},
        {"say \"x\"", "\"say \"\"x\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {"=1+1", "\"'=1+1\""},
        {"+49", "\"'+49\""},
        {"-1", "\"'-1\""},
        {"@SUM(A1)", "\"'@SUM(A1)\""},
        {"\t=1", "\"'\t=1\""},
        {"a=1", "a=1"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_buf out;
        td_buf_init(&out, 1000);
        td_csv_put(&out, td_str(rows[i].cell));
        assert_slice(td_buf_slice(&out), rows[i].want);
        td_buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_cells),
        cmocka_unit_test(shapes),
        cmocka_unit_test(wide_files),
        cmocka_unit_test(device_lists),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("csv", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
