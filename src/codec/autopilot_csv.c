#include "codec/autopilot_csv.h"

#include "base/fault.h"

static const char *const names[TD_COL_COUNT] = {
    [TD_COL_SERIAL] = "Device Serial Number", [TD_COL_PRODUCT_KEY] = "Windows Product ID",
    [TD_COL_HASH] = "Hardware Hash",          [TD_COL_GROUP_TAG] = "Group Tag",
    [TD_COL_USER] = "Assigned User",          [TD_COL_MANUFACTURER] = "Manufacturer name",
    [TD_COL_MODEL] = "Device model",
};

enum { HASH_MIN_TEXT = 64, LOOK_AHEAD = 1000 };

static int column_of(struct td_slice cell)
{
    for (int i = 0; i < TD_COL_COUNT; i++)
        if (td_ieqs(cell, names[i]))
            return i;
    return -1;
}

static bool is_header(const struct td_csv_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        if (column_of(row->cells[i]) >= 0)
            return true;
    return false;
}

static bool is_hash(struct td_slice cell)
{
    return cell.n >= HASH_MIN_TEXT && td_starts(cell, "T0");
}

/* Without a header the third cell is the hash; one row that shows it is enough, the first may be broken. */
static bool has_data(struct td_csv csv)
{
    struct td_csv_row row;
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    for (int i = 0; i < LOOK_AHEAD && td_csv_next(&csv, &a, &row); i++)
        if (row.count > TD_COL_HASH && is_hash(row.cells[TD_COL_HASH]))
            return true;
    return false;
}

static enum td_code read_header(const struct td_csv_row *row, struct td_autopilot_csv *c, struct td_error *err)
{
    if (row->broken != NULL)
        return td_fail(err, TD_EFORMAT, "header", "line %zu: %s", row->line, row->broken);
    for (size_t i = 0; i < row->count; i++) {
        int column = column_of(row->cells[i]);
        if (column < 0 && row->cells[i].n != 0 && !td_fault("csv-any-column"))
            return td_remedy(err,
                             td_fail(err, TD_EINVAL, "header", "unknown column \"%.*s\"",
                                     (int)TD_MIN(row->cells[i].n, (size_t)100), row->cells[i].p),
                             "leave it out, or name it as Autopilot does: %s, %s, %s, %s, %s, %s, %s", names[0],
                             names[1], names[2], names[3], names[4], names[5], names[6]);
        if (column >= 0 && c->has[column])
            return td_fail(err, TD_EINVAL, "header", "the column \"%s\" stands in it twice", names[column]);
        if (column >= 0)
            c->has[column] = true;
        c->columns[c->column_count++] = column;
    }
    return TD_OK;
}

static enum td_code check_columns(const struct td_autopilot_csv *c, struct td_error *err)
{
    static const enum td_autopilot_column needed[] = {TD_COL_SERIAL, TD_COL_HASH};
    for (size_t i = 0; i < TD_COUNTOF(needed); i++)
        if (!c->has[needed[i]])
            return td_remedy(err, td_fail(err, TD_EINVAL, "header", "no column \"%s\"", names[needed[i]]),
                             "export the list again with the columns %s and %s", names[TD_COL_SERIAL],
                             names[TD_COL_HASH]);
    return TD_OK;
}

enum td_code td_autopilot_csv_open(struct td_slice in, struct td_buf *converted, struct td_autopilot_csv *ret,
                                   struct td_error *err)
{
    struct td_autopilot_csv c = {0};
    struct td_csv_row row;
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    if (td_starts(in, "PK\x03\x04")) /* what diagnostics write, and spreadsheet programs */
        return td_remedy(
            err, td_fail(err, TD_EINVAL, "file", "it is a ZIP archive or a spreadsheet, not a CSV"),
            "take the CSV out of the archive (hash.csv in what diagnostics write), or save the sheet as CSV");
    td_try(td_csv_open(in, converted, &c.csv, err));
    struct td_csv ahead = c.csv;
    if (!td_csv_next(&ahead, &a, &row))
        return td_fail(err, TD_EINVAL, "file", "there is no row in it");
    c.has_header = is_header(&row) || !has_data(c.csv);
    if (c.has_header) {
        td_try(read_header(&row, &c, err));
        c.csv = ahead;
    }
    for (int i = 0; i < TD_COL_COUNT && !c.has_header; i++) {
        c.columns[c.column_count++] = i;
        c.has[i] = true;
    }
    td_try(check_columns(&c, err));
    *ret = c;
    return TD_OK;
}

bool td_autopilot_csv_next(struct td_autopilot_csv *csv, struct td_arena *a, struct td_autopilot_row *ret)
{
    struct td_csv_row row;
    if (!td_csv_next(&csv->csv, a, &row))
        return false;
    *ret = (struct td_autopilot_row){.row = ++csv->row, .line = row.line, .broken = row.broken};
    for (size_t i = 0; i < row.count && ret->broken == NULL; i++) {
        int column = i < csv->column_count ? csv->columns[i] : -1;
        if (column >= 0)
            ret->cell[column] = row.cells[i];
        else if (row.cells[i].n != 0)
            ret->broken = "it has a cell without a column";
    }
    return true;
}
