/* codec/syncml: any bytes give a message or an error; what we write of a message is read again and written the same. */
#include "codec/syncml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_arena a;
    struct td_sync_msg msg, again;
    struct td_buf one, two;
    td_arena_init(&a);
    td_buf_init(&one, 1 << 24);
    td_buf_init(&two, 1 << 24);
    if (td_syncml_parse(td_bytes(data, size), &a, &msg, NULL) == TD_OK) {
        msg.msft = true;
        td_syncml_write(&one, &msg);
        if (one.failed || (one.n <= TD_SYNCML_MAX && td_syncml_parse(td_buf_slice(&one), &a, &again, NULL) != TD_OK))
            __builtin_trap();
        if (one.n <= TD_SYNCML_MAX) {
            again.msft = true;
            td_syncml_write(&two, &again);
            if (!td_eq(td_buf_slice(&one), td_buf_slice(&two)))
                __builtin_trap();
        }
    }
    td_buf_done(&one);
    td_buf_done(&two);
    td_arena_done(&a);
    return 0;
}
