/* codec/odata: the first octet says what the rest is: a filter, a query or a path. A filter that parses is printed,
 * parses again and prints the same. */
#include "../odata_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void filter(struct td_slice text, struct td_arena *a)
{
    const struct td_od_expr *e = NULL, *again = NULL;
    struct td_buf first, second;
    if (td_od_filter_parse(text, a, &e, NULL) != TD_OK)
        return;
    td_buf_init(&first, 1 << 20);
    td_buf_init(&second, 1 << 20);
    odata_text(&first, e);
    /* the printed form has more parentheses and may pass a bound that the first one kept */
    enum td_code rc = td_od_filter_parse(td_buf_slice(&first), a, &again, NULL);
    if (rc == TD_OK) {
        odata_text(&second, again);
        if (!td_eq(td_buf_slice(&first), td_buf_slice(&second)))
            __builtin_trap();
    } else if (rc != TD_ELIMIT) {
        __builtin_trap();
    }
    td_buf_done(&first);
    td_buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_arena a;
    struct td_od_query query;
    struct td_od_path path;
    if (size == 0)
        return 0;
    td_arena_init(&a);
    struct td_slice text = td_bytes(data + 1, size - 1);
    if (data[0] == 'q')
        td_ignore(td_od_query_parse(text, &a, &query, NULL));
    else if (data[0] == 'p')
        td_ignore(td_od_path_parse(text, &a, &path, NULL));
    else
        filter(text, &a);
    td_arena_done(&a);
    return 0;
}
