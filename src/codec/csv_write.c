#include "base/fault.h"
#include "codec/csv.h"

static bool is_formula(struct td_slice cell)
{
    return cell.n != 0 && strchr("=+-@\t\r\n", cell.p[0]) != NULL && cell.p[0] != '\0' && !td_fault("csv-formula");
}

void td_csv_put(struct td_buf *out, struct td_slice cell)
{
    bool quotes = is_formula(cell);
    for (size_t i = 0; i < cell.n && !quotes; i++)
        quotes = strchr(",;\t\"\r\n", cell.p[i]) != NULL;
    if (quotes)
        td_buf_addc(out, '"');
    if (is_formula(cell))
        td_buf_addc(out, '\'');
    for (size_t i = 0; i < cell.n; i++) {
        if (cell.p[i] == '"')
            td_buf_addc(out, '"');
        td_buf_addc(out, cell.p[i] != '\0' ? cell.p[i] : ' ');
    }
    if (quotes)
        td_buf_addc(out, '"');
}
