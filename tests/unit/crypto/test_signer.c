/* crypto/key: keys of a signer. The signer here is another program's key in memory, asked for digests alone, as a TPM
 * is; what it signs is judged by the engine, by openssl(1) and in handshakes that demand a client certificate. */
#include "base/encode.h"
#include "base/file.h"
#include "codec/json.h"
#include "crypto/cert.h"
#include "crypto/jose.h"
#include "unit/handshake.h"
#include "unit/run.h"
#include "unit/test.h"

#include <stdlib.h>
#include <unistd.h>

static struct td_arena arena;

struct vault { /* what stands for a TPM */
    EVP_PKEY *pkey;
    struct td_signer signer;
    struct td_key *key;
    struct td_slice cert; /* self-signed by key, DER */
    int asked;
    bool broken;
};
static struct vault rsa, ec;

static enum td_code sign(void *ctx, struct td_slice digest, struct td_arena *a, struct td_slice *ret,
                         struct td_error *err)
{
    struct vault *v = ctx;
    unsigned char out[512];
    size_t n = sizeof(out);
    v->asked++;
    if (v->broken)
        return td_fail(err, TD_EIO, "vault", "broken");
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(v->pkey, NULL);
    assert_int_equal(EVP_PKEY_sign_init(c), 1);
    if (EVP_PKEY_get_base_id(v->pkey) == EVP_PKEY_RSA)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(c, digest.n == 32 ? EVP_sha256() : EVP_sha384()), 1);
    assert_int_equal(EVP_PKEY_sign(c, out, &n, (const unsigned char *)digest.p, digest.n), 1);
    EVP_PKEY_CTX_free(c);
    *ret = td_arena_copy(a, td_bytes(out, n));
    return TD_OK;
}

static void fill(struct vault *v, enum td_key_kind kind)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *plain = NULL;
    struct td_slice private_der = {0}, spki = {0};
    assert_ok(td_key_generate(kind, &plain, NULL));
    assert_ok(td_key_private_der(plain, &arena, &private_der));
    assert_ok(td_key_public_der(plain, &arena, &spki));
    v->pkey = open_key(private_der);
    assert_non_null(v->pkey);
    v->signer = (struct td_signer){.sign = sign, .ctx = v};
    assert_ok(td_key_of_signer(spki, &v->signer, &v->key, NULL));
    assert_int_equal(td_key_kind(v->key), kind);
    assert_true(td_key_same_public(v->key, plain));
    v->cert = self_signed(v->key, &arena);
    assert_int_equal(v->asked, 1);
}

static int begin(void **state TD_UNUSED)
{
    fill(&rsa, TD_KEY_RSA);
    fill(&ec, TD_KEY_P256);
    return 0;
}

static int end(void **state TD_UNUSED)
{
    struct vault *const all[] = {&rsa, &ec};
    for (size_t i = 0; i < TD_COUNTOF(all); i++) {
        td_key_free(all[i]->key);
        EVP_PKEY_free(all[i]->pkey);
    }
    td_arena_done(&arena);
    return 0;
}

static void keeps_its_private_half(void **state TD_UNUSED)
{
    struct vault *const all[] = {&rsa, &ec};
    for (size_t i = 0; i < TD_COUNTOF(all); i++) {
        struct td_slice out = {0};
        char *pem = NULL;
        assert_int_equal(td_key_private_der(all[i]->key, &arena, &out), TD_EDENIED);
        assert_int_equal(td_key_private_pem(all[i]->key, &arena, &pem), TD_EDENIED);
        assert_int_equal(td_key_oaep_decrypt(all[i]->key, TD_S("x"), &arena, &out), TD_EDENIED);
        assert_ok(td_key_public_der(all[i]->key, &arena, &out));
    }
}

static void signs_what_keys_sign(void **state TD_UNUSED)
{
    static const char header[] = "{\"alg\":\"RS256\"}";
    struct td_slice sig = {0};
    char *jws = NULL;
    for (int again = 0; again < 2; again++) { /* the second use takes the kept context */
        assert_ok(td_key_sign(rsa.key, TD_RS256, TD_S("data"), &arena, &sig));
        assert_true(td_key_verify(rsa.key, TD_RS256, TD_S("data"), sig));
        assert_false(td_key_verify(rsa.key, TD_RS256, TD_S("datA"), sig));
        assert_ok(td_key_sign(ec.key, TD_ES256, TD_S("data"), &arena, &sig));
        assert_true(td_key_verify(ec.key, TD_ES256, TD_S("data"), sig));
    }
    assert_int_not_equal(td_key_sign(rsa.key, TD_PS256, TD_S("data"), &arena, &sig), TD_OK); /* not PKCS#1 v1.5 */
    assert_ok(td_jws_sign(rsa.key, TD_RS256, td_str(header), TD_S("{\"a\":1}"), &arena, &jws, NULL));
    struct td_slice whole = td_str(jws);
    size_t dot = whole.n;
    while (whole.p[dot - 1] != '.')
        dot--;
    assert_ok(td_b64_decode(&arena, td_sub(whole, dot, whole.n), TD_B64_ANY, &sig));
    assert_true(td_key_verify(rsa.key, TD_RS256, td_sub(whole, 0, dot - 1), sig));
}

static void asks_for_certificates(void **state TD_UNUSED)
{
    struct vault *const all[] = {&rsa, &ec};
    char dir[] = "/tmp/td-signer-XXXXXX";
    assert_non_null(mkdtemp(dir));
    const char *path = td_arena_printf(&arena, "%s/csr", dir);
    for (size_t i = 0; i < TD_COUNTOF(all); i++) {
        struct td_slice der = {0};
        struct td_csr csr;
        assert_ok(td_csr_make(all[i]->key, "cn", "id", &arena, &der, NULL));
        assert_ok(td_csr_parse(der, &arena, &csr, NULL));
        assert_ok(td_file_write(path, der, 0600, NULL));
        const char *const argv[] = {"openssl", "req", "-in", path, "-inform", "DER", "-verify", "-noout", NULL};
        assert_int_equal(run_program(argv), 0);
    }
    (void)unlink(path);
    (void)rmdir(dir);
}

static void signs_messages(void **state TD_UNUSED)
{
    struct vault *const all[] = {&rsa, &ec};
    for (size_t i = 0; i < TD_COUNTOF(all); i++) {
        struct td_slice der = {0}, content = {0}, signer = {0};
        assert_ok(td_cms_sign(TD_S("renewal"), all[i]->cert, all[i]->key, &arena, &der, NULL));
        assert_ok(td_cms_open(der, &arena, &content, &signer, NULL));
        assert_slice(content, "renewal");
        assert_true(td_eq(signer, all[i]->cert));
    }
}

static void says_that_it_was_not_signed(void **state TD_UNUSED)
{
    struct vault *const all[] = {&rsa, &ec};
    for (size_t i = 0; i < TD_COUNTOF(all); i++) {
        struct td_slice out = {0};
        all[i]->broken = true;
        assert_int_not_equal(td_key_sign(all[i]->key, i == 0 ? TD_RS256 : TD_ES256, TD_S("data"), &arena, &out), TD_OK);
        assert_int_not_equal(td_csr_make(all[i]->key, "cn", NULL, &arena, &out, NULL), TD_OK);
        assert_int_not_equal(td_cms_sign(TD_S("x"), all[i]->cert, all[i]->key, &arena, &out, NULL), TD_OK);
        all[i]->broken = false;
    }
}

static void shows_itself_in_handshakes(void **state TD_UNUSED)
{
    assert_int_equal(handshake(ec.key, ec.cert, TLS1_2_VERSION, TLS1_3_VERSION, &arena), TLS1_3_VERSION);
    assert_int_equal(handshake(ec.key, ec.cert, TLS1_2_VERSION, TLS1_2_VERSION, &arena), TLS1_2_VERSION);
    assert_int_equal(handshake(rsa.key, rsa.cert, TLS1_2_VERSION, TLS1_3_VERSION, &arena),
                     TLS1_2_VERSION); /* PSS is not to be had */
    assert_int_equal(handshake(rsa.key, rsa.cert, TLS1_3_VERSION, TLS1_3_VERSION, &arena), 0);
    ec.broken = true;
    assert_int_equal(handshake(ec.key, ec.cert, TLS1_2_VERSION, TLS1_3_VERSION, &arena), 0);
    ec.broken = false;
}

static void refuses_what_does_not_fit(void **state TD_UNUSED)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *stranger = NULL;
    struct td_key *key = NULL;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_int_equal(td_key_of_signer(TD_S("no key"), &ec.signer, &key, NULL), TD_EFORMAT);
    assert_int_equal(td_key_tls_identity(ctx, ec.key, TD_S("no certificate"), NULL), TD_EINVAL);
    assert_int_equal(td_key_tls_identity(ctx, ec.key, td_str(td_cert_pem(rsa.cert, &arena)), NULL), TD_EINVAL);
    assert_ok(td_key_generate(TD_KEY_P256, &stranger, NULL));
    assert_int_equal(td_key_tls_identity(ctx, ec.key, td_str(td_cert_pem(self_signed(stranger, &arena), &arena)), NULL),
                     TD_EINVAL);
    SSL_CTX_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_its_private_half),      cmocka_unit_test(signs_what_keys_sign),
        cmocka_unit_test(asks_for_certificates),       cmocka_unit_test(signs_messages),
        cmocka_unit_test(says_that_it_was_not_signed), cmocka_unit_test(shows_itself_in_handshakes),
        cmocka_unit_test(refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
