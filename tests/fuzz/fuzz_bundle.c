/* crypto/bundle and what is read of its certificates: files of makers, and what their addresses answer. What is taken
 * is DER that can be read again, each certificate once. */
#include "crypto/bundle.h"
#include "crypto/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_slice *list = NULL;
    size_t n = 0;
    struct td_arena a;
    td_arena_init(&a);
    if (td_bundle_read(td_bytes(data, size), &a, &list, &n, NULL) == TD_OK) {
        if (n == 0 || n > TD_BUNDLE_CERTS)
            __builtin_trap();
        for (size_t i = 0; i < n; i++) {
            struct td_cert c = {.subject = ""};
            struct td_slice *again = NULL;
            size_t one = 0;
            if (td_bundle_read(list[i], &a, &again, &one, NULL) != TD_OK || one != 1 || !td_eq(again[0], list[i]))
                __builtin_trap();
            if (td_cert_parse(list[i], &a, &c, NULL) == TD_OK && !td_utf8_ok(td_str(c.subject)))
                __builtin_trap();
        }
    }
    td_arena_done(&a);
    return 0;
}
