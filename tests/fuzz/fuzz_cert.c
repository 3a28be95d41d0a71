/* crypto/cert: certificates of strangers, and keys as blobs. What was read twice is the same. */
#include "crypto/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum td_ocsp_status unknown(void *ctx, size_t issuer, const char *serial, struct td_revoked *ret)
{
    (void)ctx;
    (void)issuer;
    (void)serial;
    (void)ret;
    return TD_OCSP_UNKNOWN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_slice in = td_bytes(data, size), back = {0}, answer = {0};
    struct td_arena a;
    struct td_cert cert = {0};
    struct td_key *key = NULL;
    td_arena_init(&a);
    if (td_cert_parse(in, &a, &cert, NULL) == TD_OK) {
        const char *pem = td_cert_pem(in, &a);
        if (td_cert_from_pem(td_str(pem), &a, &back, NULL) == TD_OK && !td_utf8_ok(td_str(cert.subject_cn)))
            __builtin_trap();
        if (td_cert_check_chain(in, TD_S(""), in, 0, 0, NULL) == TD_OK && cert.spki.n == 0)
            __builtin_trap();
        if (td_cert_public_key(in, &key, NULL) == TD_OK)
            td_key_free(key);
    }
    if (td_key_from_rsa_blob(in, &key, NULL) == TD_OK) {
        if (td_key_rsa_blob(key, &a, &back) != TD_OK)
            __builtin_trap();
        td_key_free(key);
    }
    if (td_ocsp_answer(in, NULL, 0, unknown, NULL, 1, 2, &a, &answer, NULL) != TD_OK || answer.n == 0)
        __builtin_trap();
    td_arena_done(&a);
    return 0;
}
