/* CSV as people make it: any of UTF-8 (with or without BOM), UTF-16, ANSI; CRLF, LF or CR; comma, semicolon or tab;
 * quotes or none. Pure. Rows come one by one; a broken row is told and does not hinder the next.
 *
 * A quoted cell ends on its line: a quote left open spoils its row, not the rest of the file. Bounds: cells of a row
 * and octets of a line. Cells point into the text or the arena given to td_csv_next. */
#ifndef TD_CODEC_CSV_H
#define TD_CODEC_CSV_H

#include "base/arena.h"
#include "base/buf.h"

enum { TD_CSV_MAX_CELLS = 32, TD_CSV_MAX_LINE = 65536 };

struct td_csv {
    struct td_slice text; /* UTF-8 or ANSI, without BOM */
    size_t at, line;      /* line: of the next row, from 1 */
    char separator;
};

struct td_csv_row {
    struct td_slice cells[TD_CSV_MAX_CELLS]; /* trimmed, UTF-8 */
    size_t count;
    size_t line;
    const char *broken; /* NULL, or why it cannot be read */
};

/* converted keeps the text of a UTF-16 file; both it and in must outlive the reader. */
enum td_code td_csv_open(struct td_slice in, struct td_buf *converted, struct td_csv *ret, struct td_error *err)
    TD_MUST_USE;
/* False at the end. Lines without any text are skipped. */
bool td_csv_next(struct td_csv *csv, struct td_arena *a, struct td_csv_row *ret);

/* One cell, in quotes where it needs them. A spreadsheet takes nothing in it for a formula: a text that begins with
 * = + - @, a tab or a line end gets an apostrophe before it. The caller writes separators and line ends (CRLF). */
void td_csv_put(struct td_buf *out, struct td_slice cell);

#endif
