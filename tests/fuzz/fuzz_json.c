/* codec/json: what was read and written again reads the same; the plain reader reads what the engine reads. */
#include "codec/json_plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_tree(struct td_buf *b, const struct td_json *v)
{
    struct td_jsonw w;
    td_buf_init(b, 1 << 22);
    td_jsonw_init(&w, b);
    td_jsonw_tree(&w, v);
}

static void compare(struct td_slice in, struct td_arena *a)
{
    struct td_json *plain = NULL, *other = NULL;
    struct td_buf first, second;
    if (in.n > 1 << 16 || !td_json_plain(in, a, &plain))
        return;
    if (td_json_engine(in, a, &other, NULL) != TD_OK)
        __builtin_trap();
    write_tree(&first, plain);
    write_tree(&second, other);
    if (!td_eq(td_buf_slice(&first), td_buf_slice(&second)))
        __builtin_trap();
    td_buf_done(&first);
    td_buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_arena a;
    struct td_json *v = NULL, *again = NULL;
    td_arena_init(&a);
    compare(td_bytes(data, size), &a);
    if (td_json_parse(td_bytes(data, size), 1 << 16, &a, &v, NULL) == TD_OK) {
        struct td_buf first, second;
        write_tree(&first, v);
        if (first.failed || td_json_parse(td_buf_slice(&first), 1 << 22, &a, &again, NULL) != TD_OK)
            __builtin_trap();
        write_tree(&second, again);
        if (!td_eq(td_buf_slice(&first), td_buf_slice(&second)))
            __builtin_trap();
        td_buf_done(&first);
        td_buf_done(&second);
    }
    td_arena_done(&a);
    return 0;
}
