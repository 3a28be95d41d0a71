#include "codec/csv.h"

#include "codec/utf16.h"

static bool has_bom(struct td_slice in, const char *bom, size_t n)
{
    return in.n >= n && memcmp(in.p, bom, n) == 0;
}

/* UTF-16 without a BOM: every second octet of the first ones is NUL. */
static bool looks_wide(struct td_slice in, size_t zero_at)
{
    if (in.n < 8 || in.n % 2 != 0)
        return false;
    for (size_t i = zero_at; i < 8; i += 2)
        if (in.p[i] != '\0' || in.p[i ^ 1] == '\0')
            return false;
    return true;
}

static struct td_slice to_text(struct td_slice in, struct td_buf *converted)
{
    if (has_bom(in, "\xEF\xBB\xBF", 3))
        return td_sub(in, 3, in.n);
    bool little = has_bom(in, "\xFF\xFE", 2), big = has_bom(in, "\xFE\xFF", 2);
    if (little || big) {
        td_utf16_add_utf8(converted, td_sub(in, 2, in.n), big);
        return td_buf_slice(converted);
    }
    if (looks_wide(in, 1) || looks_wide(in, 0)) {
        td_utf16_add_utf8(converted, in, in.p[0] == '\0');
        return td_buf_slice(converted);
    }
    return in;
}

/* The line at s without its end; *ret_next is where the next one begins. */
static struct td_slice line_at(struct td_slice s, size_t at, size_t *ret_next)
{
    size_t end = at;
    while (end < s.n && s.p[end] != '\n' && s.p[end] != '\r')
        end++;
    size_t next = end;
    if (next < s.n)
        next += s.p[end] == '\r' && end + 1 < s.n && s.p[end + 1] == '\n' ? 2 : 1;
    *ret_next = next;
    return td_sub(s, at, end - at);
}

/* The separator that the first line has most of, outside quotes. */
static char guess_separator(struct td_slice text)
{
    static const char separators[] = {',', ';', '\t'};
    size_t counts[TD_COUNTOF(separators)] = {0}, next = 0;
    struct td_slice line = {0};
    for (size_t at = 0; at < text.n && td_trim(line).n == 0; at = next)
        line = line_at(text, at, &next);
    bool quoted = false;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '"')
            quoted = !quoted;
        for (size_t k = 0; k < TD_COUNTOF(separators) && !quoted; k++)
            counts[k] += line.p[i] == separators[k];
    }
    size_t best = 0;
    for (size_t k = 1; k < TD_COUNTOF(separators); k++)
        if (counts[k] > counts[best])
            best = k;
    return separators[best];
}

enum td_code td_csv_open(struct td_slice in, struct td_buf *converted, struct td_csv *ret, struct td_error *err)
{
    struct td_csv csv = {.text = to_text(in, converted), .line = 1};
    td_try(td_buf_check(converted, "file", err));
    if (td_istarts(csv.text, "#TYPE ")) { /* PowerShell's Export-Csv says there which objects these were */
        (void)line_at(csv.text, 0, &csv.at);
        csv.line = 2;
        csv.separator = guess_separator(td_sub(csv.text, csv.at, csv.text.n));
    } else if (td_istarts(csv.text, "sep=") && csv.text.n > 5 && (csv.text.p[5] == '\r' || csv.text.p[5] == '\n')) {
        csv.separator = csv.text.p[4]; /* a line that spreadsheets write and read */
        (void)line_at(csv.text, 0, &csv.at);
        csv.line = 2;
    } else {
        csv.separator = guess_separator(csv.text);
    }
    *ret = csv;
    return TD_OK;
}

/* Cells are UTF-8; what is not is taken as Latin-1, the nearest to "ANSI" that can be told without asking. */
static struct td_slice cell_text(struct td_arena *a, struct td_slice raw)
{
    raw = td_trim(raw);
    if (td_utf8_ok(raw))
        return raw;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 2 * raw.n + 1);
    for (size_t i = 0; i < raw.n; i++)
        if (raw.p[i] != '\0')
            td_utf8_add_char(&b, (unsigned char)raw.p[i]);
    return td_arena_copy(a, td_buf_slice(&b));
}

/* A cell that begins with a quote: up to the quote that ends it; "" inside is one quote. */
static const char *quoted_cell(struct td_slice line, size_t *at, char separator, struct td_arena *a,
                               struct td_slice *ret)
{
    char *text = td_arena_alloc(a, line.n - *at + 1);
    size_t n = 0, i = *at + 1;
    for (;; i++) {
        if (i >= line.n)
            return "a quotation mark is not closed";
        if (line.p[i] == '"') {
            if (i + 1 >= line.n || line.p[i + 1] != '"')
                break;
            i++;
        }
        text[n++] = line.p[i];
    }
    for (i++; i < line.n && line.p[i] != separator; i++)
        if (line.p[i] != ' ' && line.p[i] != '\t')
            return "text follows a closing quotation mark";
    *at = i;
    *ret = cell_text(a, td_bytes(text, n));
    return NULL;
}

static const char *split(struct td_slice line, char separator, struct td_arena *a, struct td_csv_row *row)
{
    for (size_t at = 0;; at++) {
        if (row->count == TD_CSV_MAX_CELLS)
            return "more cells than a row may have";
        struct td_slice *cell = &row->cells[row->count++];
        while (at < line.n && line.p[at] == ' ')
            at++;
        if (at < line.n && line.p[at] == '"') {
            const char *why = quoted_cell(line, &at, separator, a, cell);
            if (why != NULL)
                return why;
        } else {
            size_t end = at;
            while (end < line.n && line.p[end] != separator)
                end++;
            *cell = cell_text(a, td_sub(line, at, end - at));
            at = end;
        }
        if (at >= line.n)
            return NULL;
    }
}

static bool is_blank_row(const struct td_csv_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        if (row->cells[i].n != 0)
            return false;
    return row->broken == NULL;
}

bool td_csv_next(struct td_csv *csv, struct td_arena *a, struct td_csv_row *ret)
{
    while (csv->at < csv->text.n) {
        struct td_slice line = line_at(csv->text, csv->at, &csv->at);
        *ret = (struct td_csv_row){.line = csv->line++};
        if (line.n > TD_CSV_MAX_LINE)
            ret->broken = "longer than a row may be";
        else
            ret->broken = split(line, csv->separator, a, ret);
        if (!is_blank_row(ret))
            return true;
    }
    return false;
}
