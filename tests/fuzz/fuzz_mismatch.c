/* way/mismatch: any octets; what is read can be written, and reads the same again. */
#include "way/mismatch.h"
#include "way/repair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_mismatch m, again;
    struct td_buf out;
    struct td_arena a;
    td_arena_init(&a);
    td_buf_init(&out, 1 << 20);
    if (td_mismatch_parse(td_bytes(data, size), &a, &m, NULL) == TD_OK) {
        td_mismatch_write(&m, &out);
        enum td_code rc = td_mismatch_parse(td_buf_slice(&out), &a, &again, NULL);
        if (out.failed || (rc != TD_OK && out.n <= TD_MISMATCH_MAX))
            __builtin_trap();
        if (rc == TD_OK && strcmp(td_facts_text(&m.now, &a), td_facts_text(&again.now, &a)) != 0)
            __builtin_trap();
    }
    td_buf_done(&out);
    td_arena_done(&a);
    return 0;
}
