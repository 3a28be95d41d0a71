/* crypto/key and crypto/jose: keys in every form, and the token vectors of join-and-tokens.md 4 and 10.5. */
#include "base/encode.h"
#include "codec/json.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "crypto/jose.h"
#include "unit/run.h"
#include "unit/test.h"

#include <stdlib.h>
#include <unistd.h>

static struct td_arena arena;
static struct td_key *rsa, *ec;

static struct td_slice b64(const char *text)
{
    struct td_slice out = {0};
    assert_ok(td_b64_decode(&arena, td_str(text), TD_B64_ANY, &out));
    return out;
}

static struct td_slice flip(struct td_slice s, size_t at)
{
    struct td_slice copy = td_arena_copy(&arena, s);
    ((char *)(uintptr_t)copy.p)[at] ^= 1;
    return copy;
}

static void signs_and_verifies(void **state TD_UNUSED)
{
    const struct {
        struct td_key *key;
        enum td_sig alg;
        size_t size;
    } rows[] = {{rsa, TD_RS256, 256}, {rsa, TD_PS256, 256}, {ec, TD_ES256, 64}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        for (int again = 0; again < 2; again++) { /* the second use takes the kept context */
            struct td_slice sig;
            assert_ok(td_key_sign(rows[i].key, rows[i].alg, TD_S("data"), &arena, &sig));
            assert_int_equal(sig.n, rows[i].size);
            assert_true(td_key_verify(rows[i].key, rows[i].alg, TD_S("data"), sig));
            assert_false(td_key_verify(rows[i].key, rows[i].alg, TD_S("datA"), sig));
            assert_false(td_key_verify(rows[i].key, rows[i].alg, TD_S("data"), flip(sig, 5)));
            assert_false(td_key_verify(rows[i].key, rows[i].alg, TD_S("data"), td_sub(sig, 0, sig.n - 1)));
            assert_false(td_key_verify(rows[i].key == rsa ? ec : rsa, rows[i].alg, TD_S("data"), sig));
        }
    struct td_slice sig;
    assert_ok(td_key_sign(rsa, TD_PS256, TD_S("data"), &arena, &sig));
    assert_false(td_key_verify(rsa, TD_RS256, TD_S("data"), sig));
    assert_int_not_equal(td_key_sign(rsa, TD_ES256, TD_S("data"), &arena, &sig), TD_OK);
    assert_int_not_equal(td_key_sign(ec, TD_RS256, TD_S("data"), &arena, &sig), TD_OK);
}

static void travels_in_every_form(void **state TD_UNUSED)
{
    struct td_key *const keys[] = {rsa, ec};
    for (size_t i = 0; i < TD_COUNTOF(keys); i++) {
        struct td_slice private_der, public_der, sig;
        struct td_key *back = NULL;
        struct td_error err;
        char *pem;
        assert_ok(td_key_private_der(keys[i], &arena, &private_der));
        assert_ok(td_key_from_private_der(private_der, &back, &err));
        assert_true(td_key_same_public(keys[i], back));
        assert_ok(td_key_sign(back, i == 0 ? TD_RS256 : TD_ES256, TD_S("x"), &arena, &sig));
        td_key_free(back);
        assert_ok(td_key_private_pem(keys[i], &arena, &pem));
        assert_true(td_starts(td_str(pem), "-----BEGIN PRIVATE KEY-----"));
        assert_ok(td_key_from_private_pem(td_str(pem), &back, &err));
        td_key_free(back);
        assert_ok(td_key_public_der(keys[i], &arena, &public_der));
        assert_ok(td_key_from_public_der(public_der, &back, &err));
        assert_true(td_key_verify(back, i == 0 ? TD_RS256 : TD_ES256, TD_S("x"), sig));
        assert_int_not_equal(td_key_sign(back, i == 0 ? TD_RS256 : TD_ES256, TD_S("x"), &arena, &sig), TD_OK);
        td_key_free(back);
        assert_int_not_equal(td_key_from_public_der(td_sub(public_der, 0, public_der.n - 1), &back, &err), TD_OK);
        assert_int_not_equal(td_key_from_public_der(td_bytes("", 0), &back, &err), TD_OK);
    }
    assert_int_equal(td_key_kind(rsa), TD_KEY_RSA);
    assert_int_equal(td_key_bits(rsa), 2048);
    assert_int_equal(td_key_kind(ec), TD_KEY_P256);
    assert_false(td_key_same_public(rsa, ec));
}

/* The blob of the vectors is the key of TEST-ONLY-dev.crt; its key id is base64(SHA-256(blob)). */
static void reads_and_writes_the_windows_blob(void **state TD_UNUSED)
{
    struct td_buf text = fixture("vectors/vectors.json"), pem = fixture("vectors/TEST-ONLY-dev.crt");
    struct td_json *root;
    struct td_error err;
    struct td_slice der, made;
    struct td_key *of_cert, *of_blob;
    unsigned char hash[32];
    assert_ok(td_json_parse(td_buf_slice(&text), 1 << 16, &arena, &root, &err));
    const struct td_json *v = td_json_get(root, "rsa1_blob");
    struct td_slice blob = b64(td_json_str(v, "blob_b64"));
    assert_int_equal(blob.n, td_json_int(v, "blob_len", 0));
    td_sha256(blob, hash);
    assert_string_equal(td_b64(&arena, td_bytes(hash, 32)), td_json_str(v, "kid_b64"));
    assert_ok(td_cert_from_pem(td_buf_slice(&pem), &arena, &der, &err));
    assert_ok(td_cert_public_key(der, &of_cert, &err));
    assert_ok(td_key_from_rsa_blob(blob, &of_blob, &err));
    assert_true(td_key_same_public(of_cert, of_blob));
    assert_ok(td_key_rsa_blob(of_cert, &arena, &made));
    assert_true(td_eq(made, blob));
    assert_string_equal(td_hex(&arena, td_sub(made, 0, 27)), "525341310008000003000000000100000000000000000000010001");
    td_key_free(of_blob);
    for (size_t i = 0; i < blob.n; i++)
        assert_int_not_equal(td_key_from_rsa_blob(td_sub(blob, 0, i), &of_blob, &err), TD_OK);
    for (size_t i = 0; i < 24; i++)
        assert_int_not_equal(td_key_from_rsa_blob(flip(blob, i), &of_blob, &err), TD_OK);
    td_key_free(of_cert);
    td_buf_done(&text);
    td_buf_done(&pem);
}

static void takes_jwk_numbers(void **state TD_UNUSED)
{
    struct td_slice n, e;
    struct td_key *back;
    struct td_error err;
    assert_ok(td_key_rsa_numbers(rsa, &arena, &n, &e));
    assert_int_equal(n.n, 256);
    assert_string_equal(td_hex(&arena, e), "010001");
    assert_ok(td_key_from_rsa_numbers(n, e, &back, &err));
    assert_true(td_key_same_public(rsa, back));
    td_key_free(back);
    assert_int_equal(td_key_from_rsa_numbers(td_sub(n, 0, 128), e, &back, &err), TD_EINVAL);
    assert_int_equal(td_key_from_rsa_numbers(n, TD_S("\x01"), &back, &err), TD_EINVAL);
    assert_int_equal(td_key_from_rsa_numbers(n, TD_S(""), &back, &err), TD_EINVAL);
    assert_int_not_equal(td_key_rsa_numbers(ec, &arena, &n, &e), TD_OK);
}

static const char compact_hs256[] =
    "eyJhbGciOiJIUzI1NiIsImtkZl92ZXIiOjIsImN0eCI6IlFFRkNRMFJGUmtkSVNVcExURTFPVDFCUlVsTlVWVlpYIn0."
    "eyJyZWZyZXNoX3Rva2VuIjoicHJ0LWV4YW1wbGUiLCJpc19wcmltYXJ5IjoidHJ1ZSIsInJlcXVlc3Rfbm9uY2UiOiJuLTEifQ."
    "XhynMVvUze_HTM3Rax--IHZ3TO0jJsB6Wg9Ab3gaHLk";

static void verifies_the_signed_cookie_of_the_document(void **state TD_UNUSED)
{
    struct td_jws jws;
    struct td_error err;
    struct td_slice key;
    assert_ok(td_hex_decode(&arena, TD_S("7cc07aed16d3e24d3990010dd507ad216265dc65122fe293997268434e31e919"), &key));
    assert_ok(td_jws_decode(td_str(compact_hs256), &arena, &jws, &err));
    assert_string_equal(jws.alg, "HS256");
    assert_int_equal(td_json_int(jws.header, "kdf_ver", 0), 2);
    assert_string_equal(td_json_str(jws.claims, "request_nonce"), "n-1");
    assert_true(td_jws_verify_hs256(&jws, key));
    assert_false(td_jws_verify_hs256(&jws, td_sub(key, 0, 31)));
    assert_false(td_jws_verify_hs256(&jws, TD_S("")));
    char *made =
        td_jws_sign_hs256(key, TD_S("{\"alg\":\"HS256\",\"kdf_ver\":2,\"ctx\":\"QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZX\"}"),
                          jws.payload, &arena);
    assert_string_equal(made, compact_hs256);
}

static void opens_the_answers_of_the_document(void **state TD_UNUSED)
{
    static const char *const answers[] = {
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwiY3R4IjoiUUVGQ1EwUkZSa2RJU1VwTFRFMU9UMUJSVWxOVVZWWlgiLCJraWQiOiJzZXNzaW"
        "9uIn0"
        "..oKGio6Slpqeoqaqr.qDwD2IznnxlUMf_BDzFHAsyoT06WXeM3tkacEy478fyilQEsHV3J4AySzQ.WJ1mM4uCBnEXUh--pS3cVQ",
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwiY3R4IjoiUUVGQ1EwUkZSa2RJU1VwTFRFMU9UMUJSVWxOVVZWWlgiLCJraWQiOiJzZXNzaW"
        "9uIn0"
        "..oKGio6SlpqeoqaqrrK2urw.sEz4ms9Ub4wq5kC_aNCJVTZ3CtqMXPpOkhlHuRrmP3TDJaUnLfYcvh5iAqL9I27D.sLGys7S1tre4ubq7vL2-"
        "vw",
    };
    unsigned char session[32], ctx[24], iv[16];
    struct td_slice plain;
    struct td_error err;
    char *made;
    for (unsigned i = 0; i < 32; i++)
        session[i] = (unsigned char)i;
    for (unsigned i = 0; i < 24; i++)
        ctx[i] = (unsigned char)(0x40 + i);
    for (unsigned i = 0; i < 16; i++)
        iv[i] = (unsigned char)(0xA0 + i);
    for (size_t i = 0; i < TD_COUNTOF(answers); i++) {
        assert_ok(td_jwe_open_dir(session, td_str(answers[i]), &arena, &plain, &err));
        assert_slice(plain, "{\"token_type\":\"Bearer\",\"expires_in\":\"3600\"}");
    }
    assert_ok(td_jwe_dir(session, ctx, iv, plain, &arena, &made, &err));
    /* all but the tag, which the document lets the sender choose */
    size_t same = strlen(answers[1]) - 22;
    assert_memory_equal(made, answers[1], same);
    assert_int_equal(strlen(made), strlen(answers[1]));
    session[0] ^= 1;
    assert_int_not_equal(td_jwe_open_dir(session, td_str(answers[0]), &arena, &plain, &err), TD_OK);
    assert_int_not_equal(td_jwe_open_dir(session, TD_S("a.b.c"), &arena, &plain, &err), TD_OK);
}

static void wraps_the_session_key(void **state TD_UNUSED)
{
    unsigned char session[32], back[32];
    struct td_error err;
    char *jwe;
    memset(session, 0x5A, sizeof(session));
    assert_ok(td_jwe_session_key(rsa, session, "twelve octet", &arena, &jwe, &err));
    assert_true(td_starts(td_str(jwe), "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ."));
    assert_ok(td_jwe_open_session_key(rsa, td_str(jwe), &arena, back, &err));
    assert_memory_equal(session, back, 32);
    struct td_key *other;
    assert_ok(td_key_generate(TD_KEY_RSA, &other, &err));
    assert_int_not_equal(td_jwe_open_session_key(other, td_str(jwe), &arena, back, &err), TD_OK);
    td_key_free(other);
    assert_int_not_equal(td_jwe_session_key(ec, session, "twelve octet", &arena, &jwe, &err), TD_OK);
}

static void signs_tokens(void **state TD_UNUSED)
{
    struct td_jws jws;
    struct td_error err;
    char *token;
    assert_ok(td_jws_sign(rsa, TD_RS256, TD_S("{\"alg\":\"RS256\",\"kid\":\"k1\"}"), TD_S("{\"a\":1}"), &arena, &token,
                          &err));
    assert_ok(td_jws_decode(td_str(token), &arena, &jws, &err));
    assert_string_equal(jws.kid, "k1");
    assert_true(td_jws_verify(&jws, rsa, TD_RS256));
    assert_false(td_jws_verify(&jws, rsa, TD_PS256));
    assert_false(td_jws_verify(&jws, ec, TD_ES256));
    /* right signature, but a header that names another algorithm */
    assert_ok(td_jws_sign(rsa, TD_RS256, TD_S("{\"alg\":\"none\"}"), TD_S("{}"), &arena, &token, &err));
    assert_ok(td_jws_decode(td_str(token), &arena, &jws, &err));
    assert_false(td_jws_verify(&jws, rsa, TD_RS256));
}

static void refuses_broken_tokens(void **state TD_UNUSED)
{
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "a.b",
        "e30.e30",
        "e30..",
        "e30.e30.e30.e30",
        ".e30.e30",
        "e30=.e30.e30",
        "e3 0.e30.e30",
        "W10.e30.e30",
        "e30.e30.a+b",
        "e30.eyJhIjoxLCJhIjoyfQ.e30" /* a member twice */,
        "eyJjcml0IjpbImEiXX0.e30.e30",
    };
    struct td_jws jws;
    struct td_error err;
    for (size_t i = 0; i < TD_COUNTOF(bad); i++)
        if (td_jws_decode(td_str(bad[i]), &arena, &jws, &err) == TD_OK)
            fail_msg("accepted: %s", bad[i]);
    assert_ok(td_jws_decode(TD_S("eyJhbGciOiJub25lIn0.e30."), &arena, &jws, &err));
    assert_false(td_jws_verify(&jws, rsa, TD_RS256));
    assert_false(td_jws_verify_hs256(&jws, TD_S("k")));
}

/* RFC 7515 A.3: an ES256 token of somebody else's make. */
static void verifies_a_foreign_es256_token(void **state TD_UNUSED)
{
    static const char token[] =
        "eyJhbGciOiJFUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    struct td_slice x = b64("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
    struct td_slice y = b64("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    struct td_buf spki;
    struct td_slice head;
    struct td_key *key;
    struct td_jws jws;
    struct td_error err;
    td_buf_init(&spki, 200);
    assert_ok(td_hex_decode(&arena, TD_S("3059301306072a8648ce3d020106082a8648ce3d03010703420004"), &head));
    td_buf_add(&spki, head);
    td_buf_add(&spki, x);
    td_buf_add(&spki, y);
    assert_ok(td_key_from_public_der(td_buf_slice(&spki), &key, &err));
    assert_ok(td_jws_decode(td_str(token), &arena, &jws, &err));
    assert_true(td_jws_verify(&jws, key, TD_ES256));
    jws.signature = flip(jws.signature, 40);
    assert_false(td_jws_verify(&jws, key, TD_ES256));
    td_key_free(key);
    td_buf_done(&spki);
}

static void writes_a_jwk(void **state TD_UNUSED)
{
    struct td_buf out;
    struct td_jsonw w;
    struct td_json *jwk;
    struct td_error err;
    struct td_slice n, e;
    struct td_key *back;
    td_buf_init(&out, 4096);
    td_jsonw_init(&w, &out);
    td_jwk_write(&w, rsa, "k1", TD_S(""));
    assert_ok(td_json_parse(td_buf_slice(&out), 4096, &arena, &jwk, &err));
    assert_string_equal(td_json_str(jwk, "kid"), "k1");
    n = b64(td_json_str(jwk, "n"));
    e = b64(td_json_str(jwk, "e"));
    assert_ok(td_key_from_rsa_numbers(n, e, &back, &err));
    assert_true(td_key_same_public(back, rsa));
    td_key_free(back);
    td_buf_done(&out);
}

static const char *temporary(struct td_slice data)
{
    char *path = td_arena_strdup(&arena, "/tmp/td-jose-XXXXXX");
    struct td_error err;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_ok(td_file_write(path, data, 0600, &err));
    return path;
}

/* Members of a private RSA JWK, taken from PKCS#8 by hand: version, algorithm, then the nine numbers of RFC 8017 A.1.2.
 */
static struct td_slice number(struct td_slice *der)
{
    size_t n = (unsigned char)der->p[1], head = 2;
    if (n > 0x80) {
        head += n & 0x7F;
        n = 0;
        for (size_t i = 2; i < head; i++)
            n = n << 8 | (unsigned char)der->p[i];
    }
    struct td_slice value = td_sub(*der, head, n);
    *der = td_sub(*der, head + n, der->n);
    while (value.n > 1 && value.p[0] == '\0')
        value = td_sub(value, 1, value.n);
    return value;
}

static char *private_jwk(const struct td_key *key, const char *more)
{
    static const char *const names[] = {NULL, "n", "e", "d", "p", "q", "dp", "dq", "qi"};
    struct td_slice pkcs8, inner;
    assert_ok(td_key_private_der(key, &arena, &pkcs8));
    inner = number(&pkcs8); /* the outer sequence */
    (void)number(&inner);   /* version */
    (void)number(&inner);   /* algorithm */
    inner = number(&inner); /* octet string */
    inner = number(&inner); /* RSAPrivateKey */
    char *out = td_arena_printf(&arena, "{\"kty\":\"RSA\"%s", more);
    for (size_t i = 0; i < TD_COUNTOF(names); i++) {
        struct td_slice value = number(&inner);
        if (names[i] != NULL)
            out = td_arena_printf(&arena, "%s,\"%s\":\"%s\"", out, names[i], td_b64url(&arena, value));
    }
    return td_arena_printf(&arena, "%s}", out);
}

static void need(const char *program, const char *word)
{
    const char *argv[] = {program, word, NULL};
    if (run_program(argv) != 0) {
        print_message("%s(1) is missing\n", program);
        skip();
    }
}

static void a_foreign_library_believes_our_tokens(void **state TD_UNUSED)
{
    struct td_error err;
    char *token;
    need("jose", "alg");
    assert_ok(td_jws_sign(rsa, TD_RS256, TD_S("{\"alg\":\"RS256\"}"), TD_S("{\"a\":1}"), &arena, &token, &err));
    const char *key = temporary(td_str(private_jwk(rsa, ""))), *good = temporary(td_str(token));
    token[strlen(token) - 10] = token[strlen(token) - 10] == 'A' ? 'B' : 'A';
    const char *bent = temporary(td_str(token));
    const char *believe[] = {"jose", "jws", "ver", "-i", good, "-k", key, NULL};
    assert_int_equal(run_program(believe), 0);
    believe[4] = bent;
    assert_int_not_equal(run_program(believe), 0);
    unlink(key);
    unlink(good);
    unlink(bent);
}

/* Debian's jose(1) has no RSA-OAEP: openssl(1) unwraps the second segment. */
static void openssl_unwraps_the_session_key(void **state TD_UNUSED)
{
    unsigned char session[32];
    struct td_slice wrapped, part = {0}, rest;
    struct td_buf plain;
    struct td_error err;
    char *jwe, *pem;
    need("openssl", "version");
    memset(session, 0x5A, sizeof(session));
    assert_ok(td_jwe_session_key(rsa, session, "twelve octet", &arena, &jwe, &err));
    rest = td_cut(td_str(jwe), '.', &part);
    (void)td_cut(rest, '.', &part);
    wrapped = b64(td_arena_text(&arena, part));
    assert_ok(td_key_private_pem(rsa, &arena, &pem));
    const char *key = temporary(td_str(pem)), *in = temporary(wrapped), *out = temporary(TD_S(""));
    const char *unwrap[] = {
        "openssl", "pkeyutl", "-decrypt", "-inkey", key, "-in", in, "-out", out, "-pkeyopt", "rsa_padding_mode:oaep",
        NULL};
    assert_int_equal(run_program(unwrap), 0);
    td_buf_init(&plain, 4096);
    assert_ok(td_file_read(out, &plain, &err));
    assert_int_equal(plain.n, sizeof(session));
    assert_memory_equal(plain.p, session, sizeof(session));
    td_buf_done(&plain);
    unlink(key);
    unlink(in);
    unlink(out);
}

static char *swap_header(const char *jwe, const char *header)
{
    struct td_slice first = {0}, rest = td_cut(td_str(jwe), '.', &first);
    return td_arena_printf(&arena, "%s.%.*s", td_b64url(&arena, td_str(header)), TD_FMT(rest));
}

static void seals_a_secret_for_one_receiver_and_question(void **state TD_UNUSED)
{
    struct td_env_fixed world;
    struct td_slice plain = {0};
    struct td_key *other = NULL, *big = NULL;
    struct td_error err;
    char *jwe = NULL;
    td_env_fixed_init(&world, TD_DAY, 7);
    assert_ok(td_key_generate_rsa(3072, &big, &err));
    assert_int_equal(td_key_bits(big), 3072);
    assert_ok(td_jwe_seal(big, &world.env, "question-1", "connector-1", TD_S("Alice-Pass-123"), &arena, &jwe, &err));
    assert_ok(td_jwe_open(big, "question-1", "connector-1", td_str(jwe), &arena, &plain, &err));
    assert_true(td_eqs(plain, "Alice-Pass-123"));
    assert_int_equal(td_jwe_open(big, "question-2", "connector-1", td_str(jwe), &arena, &plain, &err), TD_EAUTH);
    assert_int_equal(td_jwe_open(big, "question-1", "connector-2", td_str(jwe), &arena, &plain, &err), TD_EAUTH);
    assert_ok(td_key_generate_rsa(3072, &other, &err));
    assert_int_equal(td_jwe_open(other, "question-1", "connector-1", td_str(jwe), &arena, &plain, &err), TD_EAUTH);
    char *bent = td_arena_strdup(&arena, jwe);
    char *last = strrchr(bent, '.') + 1;
    *last = *last == 'A' ? 'B' : 'A';
    assert_int_equal(td_jwe_open(big, "question-1", "connector-1", td_str(bent), &arena, &plain, &err), TD_EAUTH);
    /* the header is held to the text by the tag: another id can't be written over it */
    bent = swap_header(jwe,
                       "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\",\"id\":\"question-2\",\"aud\":\"connector-1\"}");
    assert_int_equal(td_jwe_open(big, "question-2", "connector-1", td_str(bent), &arena, &plain, &err), TD_EAUTH);
    bent = swap_header(jwe, "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"id\":\"question-1\",\"aud\":\"connector-1\"}");
    assert_int_equal(td_jwe_open(big, "question-1", "connector-1", td_str(bent), &arena, &plain, &err), TD_EFORMAT);
    assert_int_equal(td_jwe_seal(ec, &world.env, "q", "c", TD_S("x"), &arena, &jwe, &err), TD_EINTERNAL);
    td_key_free(other);
    td_key_free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seals_a_secret_for_one_receiver_and_question),
        cmocka_unit_test(signs_and_verifies),
        cmocka_unit_test(travels_in_every_form),
        cmocka_unit_test(reads_and_writes_the_windows_blob),
        cmocka_unit_test(takes_jwk_numbers),
        cmocka_unit_test(verifies_the_signed_cookie_of_the_document),
        cmocka_unit_test(opens_the_answers_of_the_document),
        cmocka_unit_test(wraps_the_session_key),
        cmocka_unit_test(signs_tokens),
        cmocka_unit_test(refuses_broken_tokens),
        cmocka_unit_test(verifies_a_foreign_es256_token),
        cmocka_unit_test(writes_a_jwk),
        cmocka_unit_test(a_foreign_library_believes_our_tokens),
        cmocka_unit_test(openssl_unwraps_the_session_key),
    };
    struct td_error err;
    td_arena_init(&arena);
    if (td_key_generate(TD_KEY_RSA, &rsa, &err) != TD_OK || td_key_generate(TD_KEY_P256, &ec, &err) != TD_OK)
        return 1;
    int failed = cmocka_run_group_tests_name("keys and tokens", tests, NULL, NULL);
    td_key_free(rsa);
    td_key_free(ec);
    td_arena_done(&arena);
    return failed;
}
