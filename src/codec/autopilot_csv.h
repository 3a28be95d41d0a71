/* The device list that Autopilot tools write: columns in any order, a header or none. Pure.
 * Sources: autopilot.md 1.3, domain-join-and-tpm.md 3; more tolerant than the original on purpose.
 *
 * An unknown column, a column twice, or no column for serial number or hash refuses the file before a row is given.
 * Rows are numbered from 1 without the header; lines are those of the file. */
#ifndef TD_CODEC_AUTOPILOT_CSV_H
#define TD_CODEC_AUTOPILOT_CSV_H

#include "codec/csv.h"

enum td_autopilot_column { /* in the order that a file without header has */
                           TD_COL_SERIAL,
                           TD_COL_PRODUCT_KEY,
                           TD_COL_HASH,
                           TD_COL_GROUP_TAG,
                           TD_COL_USER,
                           TD_COL_MANUFACTURER,
                           TD_COL_MODEL,
                           TD_COL_COUNT
};

struct td_autopilot_csv {
    struct td_csv csv;
    int columns[TD_CSV_MAX_CELLS]; /* enum td_autopilot_column, or -1 for a nameless one */
    size_t column_count;
    bool has[TD_COL_COUNT];
    bool has_header;
    size_t row;
};

struct td_autopilot_row {
    size_t row, line;
    struct td_slice cell[TD_COL_COUNT]; /* empty where the file has none */
    const char *broken;                 /* NULL, or why it cannot be read */
};

enum td_code td_autopilot_csv_open(struct td_slice in, struct td_buf *converted, struct td_autopilot_csv *ret,
                                   struct td_error *err) TD_MUST_USE;
bool td_autopilot_csv_next(struct td_autopilot_csv *csv, struct td_arena *a, struct td_autopilot_row *ret);

#endif
