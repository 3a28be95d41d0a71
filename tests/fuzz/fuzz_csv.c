/* codec/csv and codec/autopilot_csv: any file; cells are UTF-8, lines and rows rise, the end is reached. */
#include "codec/autopilot_csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cells(const struct td_slice *cells, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!td_utf8_ok(cells[i]))
            __builtin_trap();
}

static void read_plain(struct td_slice in, struct td_arena *a)
{
    struct td_csv csv;
    struct td_csv_row row;
    struct td_buf converted;
    size_t line = 0;
    td_buf_init(&converted, 1 << 22);
    if (td_csv_open(in, &converted, &csv, NULL) == TD_OK)
        while (td_csv_next(&csv, a, &row)) {
            if (row.line <= line || row.count > TD_CSV_MAX_CELLS)
                __builtin_trap();
            line = row.line;
            if (row.broken == NULL)
                check_cells(row.cells, row.count);
        }
    td_buf_done(&converted);
}

static void read_devices(struct td_slice in, struct td_arena *a)
{
    struct td_autopilot_csv csv;
    struct td_autopilot_row row;
    struct td_buf converted;
    size_t count = 0;
    td_buf_init(&converted, 1 << 22);
    if (td_autopilot_csv_open(in, &converted, &csv, NULL) == TD_OK)
        while (td_autopilot_csv_next(&csv, a, &row)) {
            if (row.row != ++count || row.line < row.row)
                __builtin_trap();
            check_cells(row.cell, TD_COL_COUNT);
        }
    td_buf_done(&converted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_arena a;
    td_arena_init(&a);
    read_plain(td_bytes(data, size), &a);
    read_devices(td_bytes(data, size), &a);
    td_arena_done(&a);
    return 0;
}
