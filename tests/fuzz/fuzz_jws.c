/* crypto/jose: tokens of strangers. Nothing that is taken apart may verify under a secret nobody signed with. */
#include "crypto/jose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char session[32] = {1, 2, 3};
    struct td_slice in = td_bytes(data, size), plain = {0};
    struct td_arena a;
    struct td_jws jws = {0};
    td_arena_init(&a);
    if (td_jws_decode(in, &a, &jws, NULL) == TD_OK) {
        if (td_jws_verify_hs256(&jws, td_bytes(session, sizeof(session))) || jws.alg == NULL || jws.kid == NULL)
            __builtin_trap();
        if (jws.signing_input.n + 1 > size || jws.header == NULL)
            __builtin_trap();
    }
    if (td_jwe_open_dir(session, in, &a, &plain, NULL) == TD_OK && plain.n >= size)
        __builtin_trap();
    td_arena_done(&a);
    return 0;
}
