/* crypto/cert: requests, renewals and OCSP requests of strangers. A request that is accepted holds a key that is read.
 */
#include "crypto/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_slice in = td_bytes(data, size), content = {0}, signer = {0};
    struct td_arena a;
    struct td_csr csr = {0};
    td_arena_init(&a);
    if (td_csr_parse(in, &a, &csr, NULL) == TD_OK) {
        struct td_key *key = NULL;
        if (!td_utf8_ok(td_str(csr.subject_cn)) || td_key_from_public_der(csr.spki, &key, NULL) != TD_OK)
            __builtin_trap();
        td_key_free(key);
    }
    if (td_cms_open(in, &a, &content, &signer, NULL) == TD_OK && signer.n == 0)
        __builtin_trap();
    td_arena_done(&a);
    return 0;
}
