/* codec/odata_json: what the strict reader takes comes out the same tree; what is made of the rest is stable. */
#include "codec/json.h"
#include "codec/odata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_tree(struct td_buf *b, const struct td_json *v)
{
    struct td_jsonw w;
    td_buf_init(b, 1 << 22);
    td_jsonw_init(&w, b);
    td_jsonw_tree(&w, v);
}

static void same_tree(const struct td_json *x, const struct td_json *y)
{
    struct td_buf first, second;
    write_tree(&first, x);
    write_tree(&second, y);
    if (!td_eq(td_buf_slice(&first), td_buf_slice(&second)))
        __builtin_trap();
    td_buf_done(&first);
    td_buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_arena a;
    struct td_slice out, again;
    struct td_json *plain = NULL, *mended = NULL;
    struct td_slice in = td_bytes(data, size);
    td_arena_init(&a);
    if (td_od_json_strict(in, 1 << 16, &a, &out, NULL) == TD_OK) {
        bool ok = td_json_parse(in, 1 << 16, &a, &plain, NULL) == TD_OK;
        bool read = td_json_parse(out, 1 << 18, &a, &mended, NULL) == TD_OK;
        if (ok && !read)
            __builtin_trap();
        if (ok)
            same_tree(plain, mended);
        if (read && (td_od_json_strict(out, 1 << 18, &a, &again, NULL) != TD_OK || !td_eq(out, again)))
            __builtin_trap();
    }
    td_arena_done(&a);
    return 0;
}
