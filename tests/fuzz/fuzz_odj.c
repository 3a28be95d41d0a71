/* codec/odj: blobs and files of strangers; what can be read can be written, and is then read the same. */
#include "codec/odj.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct td_odj *odj, struct td_arena *a)
{
    struct td_odj got = {0};
    struct td_buf b;
    td_buf_init(&b, TD_ODJ_MAX);
    if (td_odj_write(odj, &b, NULL) == TD_OK) { /* ours has the join twice: the longest fit no more */
        if (td_odj_read(td_buf_slice(&b), a, &got, NULL) != TD_OK || strcmp(got.password, odj->password) != 0 ||
            strcmp(got.machine, odj->machine) != 0 || strcmp(got.domain, odj->domain) != 0 ||
            got.extra_count != odj->extra_count)
            __builtin_trap();
    }
    td_buf_wipe(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_slice in = td_bytes(data, size), blob = {0};
    struct td_slice roots[TD_ODJ_ROOTS_MAX];
    struct td_odj odj = {0};
    struct td_arena a;
    size_t count = 0;
    td_arena_init(&a);
    if (td_odj_roots_read(in, &a, roots, &count, NULL) == TD_OK)
        for (size_t i = 0; i < count; i++)
            if (count > TD_ODJ_ROOTS_MAX || roots[i].n > size)
                __builtin_trap();
    if (td_odj_read(in, &a, &odj, NULL) == TD_OK)
        again(&odj, &a);
    if (td_odj_file_read(in, &a, &blob, NULL) == TD_OK) {
        if (blob.n > TD_ODJ_MAX)
            __builtin_trap();
        if (td_odj_read(blob, &a, &odj, NULL) == TD_OK)
            again(&odj, &a);
    }
    td_arena_wipe(&a);
    return 0;
}
