/* crypto/tpm: Names, credentials (attestation.md 3.2's vector; opened by a TPM made of OpenSSL), signatures of a
 * software TPM, logs replayed. */
#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/tpm.h"
#include "unit/arena.h"
#include "unit/test.h"
#include "wire/soft_tpm.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static struct td_error err;

static int end(void **state)
{
    soft_end();
    return arena_end(state);
}

static struct td_slice file(const char *name)
{
    struct td_buf b = fixture(name);
    struct td_slice out = td_arena_copy(&arena, td_buf_slice(&b));
    td_buf_done(&b);
    return out;
}

static struct td_slice hex(const char *text)
{
    struct td_slice out = {0};
    assert_ok(td_hex_decode(&arena, td_str(text), &out));
    return out;
}

static struct td_tpm_public public_of(struct td_slice in)
{
    struct td_tpm_public p = {0};
    assert_ok(td_tpm_public_read(in, &p, &err));
    return p;
}

/* The octets a cryptographer was asked for: 0, 1, 2 ... */
static struct td_slice counting(size_t n)
{
    unsigned char *p = td_arena_alloc(&arena, n + 1);
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)i;
    return td_bytes(p, n);
}

static void vector(void **state TD_UNUSED)
{
    struct td_tpm_public ek = public_of(file("tpm/ek-rsa.pub"));
    struct td_tpm_name name = {.n = 34};
    struct td_tpm_credential c = {0};
    memcpy(name.octets, hex("000be0e531cbb263f032ac9e154cd1fec0a6ad6869758f3eb5cd68cd192f3e42c7d1").p, 34);
    assert_ok(
        td_tpm_make_credential(&ek, &name, TD_S("0123456789abcdef0123456789abcdef"), counting(32), &arena, &c, &err));
    assert_string_equal(
        td_hex(&arena, c.id_object),
        "0020501202a9f186e833a092f470bf3fd6cade1b525e40a705e74efd6728c2373f09e826962084f4b0138e741dabcf75"
        "ea72ea481207b0ca2fbaf6f2f871af3f51454a35");
    assert_int_equal(c.secret.n, 256);
}

static void names(void **state TD_UNUSED)
{
    /* The TPM itself said the name of the key it certified. */
    struct td_tpm_public key = public_of(file("tpm/key.pub"));
    struct td_tpm_attest t = {0};
    struct td_tpm_name name = {0};
    assert_ok(td_tpm_attest_read(file("tpm/certify.attest"), &t, &err));
    assert_ok(td_tpm_name(&key, &name, &err));
    assert_true(td_eq(td_bytes(name.octets, name.n), t.name));
    key.name_alg = TD_TPM_SHA384;
    assert_ok(td_tpm_name(&key, &name, &err));
    assert_int_equal(name.n, 50);
    assert_int_equal(name.octets[1], 0x0c);
    key.name_alg = TD_TPM_NULL;
    assert_int_equal(td_tpm_name(&key, &name, &err), TD_EFORMAT);
}

static void credentials(void **state TD_UNUSED)
{
    static const enum soft_kind kinds[] = {SOFT_RSA, SOFT_P256, SOFT_P384};
    struct td_slice wanted = TD_S("the secret is of thirty-two octe");
    struct soft_key ak = soft_key(SOFT_P256, SOFT_AK, 0), other = soft_key(SOFT_P256, SOFT_AK, 1);
    struct td_tpm_public ak_public = public_of(soft_public(&ak, &arena));
    struct td_tpm_name name = {0};
    assert_ok(td_tpm_name(&ak_public, &name, &err));
    assert_true(td_eq(td_bytes(name.octets, name.n), soft_name(&ak, &arena)));
    for (size_t i = 0; i < TD_COUNTOF(kinds); i++) {
        struct soft_key ek = soft_key(kinds[i], SOFT_EK, 0), ek2 = soft_key(kinds[i], SOFT_EK, 1);
        struct td_tpm_public p = public_of(soft_public(&ek, &arena));
        struct td_tpm_credential c = {0};
        size_t h = kinds[i] == SOFT_P384 ? 48 : 32;
        assert_ok(td_tpm_make_credential(&p, &name, wanted, counting(64), &arena, &c, &err));
        struct td_slice object = soft_2b(c.id_object, &arena), secret = soft_2b(c.secret, &arena);
        assert_true(td_eq(soft_activate(&ek, &ak, object, secret, &arena), wanted));
        assert_int_equal(c.id_object.n, 2 + h + 34);
        assert_int_equal(c.secret.n, kinds[i] == SOFT_RSA ? 256 : 2 * (h + 2));
        assert_int_equal(soft_activate(&ek, &other, object, secret, &arena).n, 0);
        assert_int_equal(soft_activate(&ek2, &ak, object, secret, &arena).n, 0);
        assert_int_equal(td_tpm_make_credential(&p, &name, counting(h + 1), counting(64), &arena, &c, &err),
                         TD_EINTERNAL);
        assert_int_equal(td_tpm_make_credential(&p, &name, wanted, counting(h - 1), &arena, &c, &err), TD_EINTERNAL);
    }
}

static void credentials_of_no_ek(void **state TD_UNUSED)
{
    struct td_tpm_name name = {.n = 34};
    struct td_tpm_credential c = {0};
    struct td_tpm_public good = public_of(file("tpm/ek-p256.pub")), p = good;
    p.symmetric = TD_TPM_NULL; /* a signing key */
    assert_int_equal(td_tpm_make_credential(&p, &name, counting(32), counting(64), &arena, &c, &err), TD_EINVAL);
    p = good;
    p.symmetric_bits = 512;
    assert_int_equal(td_tpm_make_credential(&p, &name, counting(32), counting(64), &arena, &c, &err), TD_EINVAL);
    p = good;
    p.name_alg = TD_TPM_SHA1;
    assert_int_equal(td_tpm_make_credential(&p, &name, counting(16), counting(64), &arena, &c, &err), TD_EINVAL);
    p = good;
    p.curve = 0x0005; /* P-521 */
    assert_int_equal(td_tpm_make_credential(&p, &name, counting(32), counting(64), &arena, &c, &err), TD_EFORMAT);
}

static void keys(void **state TD_UNUSED)
{
    static const struct {
        const char *file;
        enum td_key_kind kind;
    } rows[] = {{"tpm/ek-rsa.pub", TD_KEY_RSA},
                {"tpm/ek-p256.pub", TD_KEY_P256},
                {"tpm/ek-p384.pub", TD_KEY_P384},
                {"tpm/ak-rsa.pub", TD_KEY_RSA}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
        struct td_tpm_public p = public_of(file(rows[i].file));
        assert_ok(td_tpm_key(&p, &key, &err));
        assert_int_equal(td_key_kind(key), rows[i].kind);
    }
    struct td_key *none = NULL;
    struct td_tpm_public p = public_of(file("tpm/ek-p256.pub"));
    ((char *)(uintptr_t)p.y.p)[31] ^= 1;
    assert_int_equal(td_tpm_key(&p, &none, &err), TD_EFORMAT); /* off its curve */
    p.x = counting(33);
    ((char *)(uintptr_t)p.x.p)[0] = 1;
    assert_int_equal(td_tpm_key(&p, &none, &err), TD_EFORMAT); /* longer than its field */
    p = public_of(file("tpm/ek-rsa.pub"));
    p.rsa_modulus = td_sub(p.rsa_modulus, 0, 128);
    assert_int_equal(td_tpm_key(&p, &none, &err), TD_EINVAL); /* 1024 bits */
}

/* A key's SubjectPublicKeyInfo is written by hand: octet for octet what the engine writes. */
static void as_the_engine_writes_it(void **state TD_UNUSED)
{
    EVP_PKEY *keys[] = {EVP_RSA_gen(2048), EVP_RSA_gen(2056), EVP_RSA_gen(3072), EVP_EC_gen("P-256"),
                        EVP_EC_gen("P-384")};
    for (size_t i = 0; i < TD_COUNTOF(keys); i++) {
        TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
        struct td_slice spki = {0};
        unsigned char *own = NULL;
        int size = i2d_PUBKEY(keys[i], &own);
        assert_true(size > 0);
        assert_ok(td_key_from_public_der(td_bytes(own, (size_t)size), &key, &err));
        assert_ok(td_key_public_der(key, &arena, &spki));
        assert_true(td_eq(spki, td_bytes(own, (size_t)size)));
        OPENSSL_free(own);
        EVP_PKEY_free(keys[i]);
    }
}

/* A coordinate may come without its leading zeros. */
static void short_coordinates(void **state TD_UNUSED)
{
    for (int i = 0; i < 8192; i++) {
        unsigned char point[65];
        size_t n = 0;
        EVP_PKEY *fresh = EVP_EC_gen("P-256");
        assert_int_equal(EVP_PKEY_get_octet_string_param(fresh, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n), 1);
        EVP_PKEY_free(fresh);
        if (point[1] != 0)
            continue;
        TD_CLEANUP(td_key_cleanup) struct td_key *a = NULL;
        TD_CLEANUP(td_key_cleanup) struct td_key *b = NULL;
        struct td_tpm_public p = {.type = TD_TPM_ECC, .curve = TD_TPM_P256, .x = td_bytes(point + 1, 32)};
        p.y = td_bytes(point + 33, 32);
        assert_ok(td_tpm_key(&p, &a, &err));
        assert_true(td_tpm_public_in(&p, td_bytes(point, 65)));
        p.x = td_sub(p.x, 1, 31);
        assert_ok(td_tpm_key(&p, &b, &err));
        assert_true(td_key_same_public(a, b));
        assert_true(td_tpm_public_in(&p, td_bytes(point, 65)));
        return;
    }
    fail_msg("no key with a short coordinate");
}

static void signatures(void **state TD_UNUSED)
{
    static const char *const aks[] = {"ak-p256", "ak-rsa", "ak-pss", "ak-p384"};
    for (size_t i = 0; i < TD_COUNTOF(aks); i++) {
        struct td_tpm_public p = public_of(file(td_arena_printf(&arena, "tpm/%s.pub", aks[i])));
        struct td_slice said = file(td_arena_printf(&arena, "tpm/quote-%s.attest", aks[i]));
        struct td_slice raw = file(td_arena_printf(&arena, "tpm/quote-%s.sig", aks[i]));
        struct td_tpm_signature sig = {0};
        TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
        assert_ok(td_tpm_key(&p, &key, &err));
        assert_ok(td_tpm_signature_read(raw, &sig, &err));
        assert_ok(td_tpm_verify(key, &sig, said, &err));
        for (size_t bit = 0; bit < said.n * 8; bit += 13) { /* any bit of what was said */
            ((char *)(uintptr_t)said.p)[bit / 8] ^= (char)(1 << bit % 8);
            assert_int_equal(td_tpm_verify(key, &sig, said, &err), TD_EAUTH);
            ((char *)(uintptr_t)said.p)[bit / 8] ^= (char)(1 << bit % 8);
        }
        for (size_t at = 6; at < raw.n; at += 17) { /* and of the signature */
            ((char *)(uintptr_t)raw.p)[at] ^= 4;
            if (td_tpm_signature_read(raw, &sig, &err) == TD_OK)
                assert_int_equal(td_tpm_verify(key, &sig, said, &err), TD_EAUTH);
            ((char *)(uintptr_t)raw.p)[at] ^= 4;
        }
        assert_ok(td_tpm_signature_read(raw, &sig, &err));
        assert_ok(td_tpm_verify(key, &sig, said, &err));
        sig.hash = TD_TPM_SHA1;
        assert_int_equal(td_tpm_verify(key, &sig, said, &err), TD_EAUTH);
        sig.hash = p.name_alg;
        sig.scheme = sig.scheme == TD_TPM_ECDSA ? TD_TPM_RSASSA : TD_TPM_ECDSA;
        assert_int_equal(td_tpm_verify(key, &sig, said, &err), TD_EAUTH);
    }
}

static void other_key_of_the_same_tpm(void **state TD_UNUSED)
{
    struct td_tpm_public p = public_of(file("tpm/key.pub"));
    struct td_tpm_signature sig = {0};
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    assert_ok(td_tpm_key(&p, &key, &err));
    assert_ok(td_tpm_signature_read(file("tpm/quote-ak-p256.sig"), &sig, &err));
    assert_int_equal(td_tpm_verify(key, &sig, file("tpm/quote-ak-p256.attest"), &err), TD_EAUTH);
}

/* The TPM of the fixtures had 11.. extended into PCR 0 and 22.. into PCR 7. */
static void replays_a_log(void **state TD_UNUSED)
{
    char first[32], second[32];
    unsigned char digest[32];
    memset(first, 0x11, sizeof(first));
    memset(second, 0x22, sizeof(second));
    struct td_tcg_event events[] = {
        {0, TD_TCG_S_CRTM_VERSION, td_bytes(first, 32), TD_S("")},
        {0, TD_TCG_NO_ACTION, td_bytes(second, 32), TD_S("says something, extends nothing")},
        {7, TD_TCG_SEPARATOR, td_bytes(second, 32), TD_S("")},
    };
    struct td_tcg_log log = {.events = events, .count = TD_COUNTOF(events)};
    struct td_tpm_pcr_values v = {0};
    struct td_tpm_attest t = {0};
    assert_ok(td_tpm_attest_read(file("tpm/quote-ak-p256.attest"), &t, &err));
    td_tpm_replay(&log, &v);
    assert_true(td_tpm_pcr_digest(&v, t.pcrs.selected, digest));
    assert_true(td_eq(t.pcr_digest, td_bytes(digest, 32)));
    log.locality = 3;
    td_tpm_replay(&log, &v);
    assert_true(td_tpm_pcr_digest(&v, 0xff, digest));
    assert_false(td_eq(t.pcr_digest, td_bytes(digest, 32)));
    log.locality = 0;
    first[5] ^= 1;
    td_tpm_replay(&log, &v);
    assert_true(td_tpm_pcr_digest(&v, 0xff, digest));
    assert_false(td_eq(t.pcr_digest, td_bytes(digest, 32)));
    events[2].sha256 = TD_S(""); /* a log of another bank says nothing of PCR 7 */
    td_tpm_replay(&log, &v);
    assert_int_equal(v.known, 0xffff7f);
    assert_false(td_tpm_pcr_digest(&v, 0xff, digest));
    assert_true(td_tpm_pcr_digest(&v, 0x7f, digest));
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(v.value[17][i], 0xff);
}

/* One event of a log, with the digest of its data unless another one is given. */
static struct td_tcg_event event(uint32_t type, struct td_slice data, const unsigned char *digest)
{
    unsigned char *own = td_arena_alloc(&arena, 32);
    td_sha256(data, own);
    return (struct td_tcg_event){7, type, td_bytes(digest != NULL ? digest : own, 32), data};
}

static void secure_boot(void **state TD_UNUSED)
{
    static const unsigned char guid[16] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                           0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
    const uint32_t variable = TD_TCG_EFI_VARIABLE_DRIVER_CONFIG;
    struct td_slice value[2] = {0}, four = td_bytes("\0\0\0", 4);
    unsigned char other[32] = {1};
    for (size_t i = 0; i < 2; i++) {
        struct td_buf b;
        td_buf_init(&b, 256);
        td_tcg_variable_write(&b, guid, "SecureBoot", td_bytes(i != 0 ? "\1" : "\0", 1));
        value[i] = td_arena_copy(&arena, td_buf_slice(&b));
        td_buf_done(&b);
    }
    struct td_tcg_event on = event(variable, value[1], NULL), off = event(variable, value[0], NULL),
                        lie = event(variable, value[1], other), end = event(TD_TCG_SEPARATOR, four, NULL),
                        hidden = event(0x0d, TD_S("not told"), (const unsigned char *)end.sha256.p);
    const struct {
        struct td_tcg_event events[3];
        size_t count;
        enum td_tcg_secure_boot proven;
    } rows[] = {
        {{on, end}, 2, TD_TCG_ON},        {{off, end}, 2, TD_TCG_OFF},     {{end}, 1, TD_TCG_UNTOLD},
        {{lie, end}, 2, TD_TCG_UNTOLD},   /* another digest was extended */
        {{end, on}, 2, TD_TCG_UNTOLD},    /* anybody can say so behind it */
        {{hidden, on}, 2, TD_TCG_UNTOLD}, /* the separator under another type */
        {{off, end, on}, 3, TD_TCG_OFF},  /* contradicted */
        {{on, off, end}, 3, TD_TCG_OFF},  {{on, end, off}, 3, TD_TCG_OFF}, {{lie, on, end}, 3, TD_TCG_ON},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_tcg_event events[3];
        memcpy(events, rows[i].events, sizeof(events));
        struct td_tcg_log log = {.events = events, .count = rows[i].count};
        if (td_tpm_secure_boot(&log) != rows[i].proven)
            fail_msg("row %zu", i);
    }
}

/* A "key" that is cut out of a record, with what stands beside it. Some cuts can be factored. */
static bool takes_cut(struct td_tpm_public p, struct td_slice record, size_t at, size_t n)
{
    p.rsa_modulus = td_sub(record, at, n);
    p.rsa_bits = (uint16_t)(n * 8);
    return td_tpm_public_in(&p, record);
}

static void no_cut_through_a_record(void **state TD_UNUSED)
{
    struct td_tpm_public rsa = public_of(file("tpm/ek-rsa.pub"));
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_slice spki = {0}, blob = {0};
    assert_ok(td_tpm_key(&rsa, &key, &err));
    assert_ok(td_key_public_der(key, &arena, &spki));
    assert_ok(td_key_rsa_blob(key, &arena, &blob));
    struct td_slice forms[] = {rsa.whole, file("tpm/ek-rsa.pub"), spki, blob, file("tpm/ek-rsa.der")};
    for (size_t i = 0; i < TD_COUNTOF(forms); i++) {
        size_t its = td_search(forms[i], rsa.rsa_modulus);
        assert_true(takes_cut(rsa, forms[i], its, rsa.rsa_modulus.n));
        for (size_t at = 0; at < forms[i].n; at++)
            for (size_t n = 256; at + n <= forms[i].n; n++)
                if ((at != its || n != rsa.rsa_modulus.n) && takes_cut(rsa, forms[i], at, n))
                    fail_msg("form %zu: %zu octets at %zu", i, n, at);
    }
    rsa.rsa_exponent = 3;
    assert_false(td_tpm_public_in(&rsa, rsa.whole));
}

static void found_in_a_record(void **state TD_UNUSED)
{
    struct td_tpm_public rsa = public_of(file("tpm/ek-rsa.pub")), ec = public_of(file("tpm/ek-p384.pub")),
                         other = public_of(file("tpm/ek-p256.pub"));
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_slice spki = {0}, blob = {0};
    assert_ok(td_tpm_key(&rsa, &key, &err));
    assert_ok(td_key_public_der(key, &arena, &spki));
    assert_ok(td_key_rsa_blob(key, &arena, &blob));
    struct td_slice forms[] = {rsa.whole, file("tpm/ek-rsa.pub"), spki, blob, rsa.rsa_modulus};
    for (size_t i = 0; i < TD_COUNTOF(forms); i++) {
        assert_true(td_tpm_public_in(&rsa, forms[i]));
        assert_false(td_tpm_public_in(&ec, forms[i]));
        assert_false(td_tpm_public_in(&rsa, td_sub(forms[i], 0, forms[i].n - 20)));
    }
    assert_true(td_tpm_public_in(&ec, ec.whole));
    assert_false(td_tpm_public_in(&other, ec.whole));
    assert_false(td_tpm_public_in(&ec, td_sub(ec.whole, 0, ec.whole.n - 1)));
    assert_false(td_tpm_public_in(&rsa, TD_S("")));
    ec.x = ec.y = TD_S("");
    assert_false(td_tpm_public_in(&ec, file("tpm/ek-p384.pub")));
}

/* EkPubHash instead of EkPub (domain-join-and-tpm.md 3). */
static void found_by_its_digest(void **state TD_UNUSED)
{
    struct td_tpm_public rsa = public_of(file("tpm/ek-rsa.pub")), ec = public_of(file("tpm/ek-p384.pub"));
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL, *ec_key = NULL;
    struct td_slice spki = {0}, ec_spki = {0};
    assert_ok(td_tpm_key(&rsa, &key, &err));
    assert_ok(td_key_public_der(key, &arena, &spki));
    assert_ok(td_tpm_key(&ec, &ec_key, &err));
    assert_ok(td_key_public_der(ec_key, &arena, &ec_spki));
    const struct {
        const struct td_tpm_public *of, *other;
        struct td_slice form;
    } rows[] = {{&rsa, &ec, rsa.whole}, {&rsa, &ec, file("tpm/ek-rsa.pub")},
                {&rsa, &ec, spki},      {&rsa, &ec, rsa.rsa_modulus},
                {&ec, &rsa, ec.whole},  {&ec, &rsa, ec_spki}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        unsigned char digest[32];
        td_sha256(rows[i].form, digest);
        struct td_slice octets = td_bytes(digest, sizeof(digest)), text = td_str(td_hex(&arena, octets));
        assert_true(td_tpm_public_in(rows[i].of, octets));
        assert_true(td_tpm_public_in(rows[i].of, text));
        assert_false(td_tpm_public_in(rows[i].other, octets));
        assert_false(td_tpm_public_in(rows[i].of, td_sub(octets, 0, 31)));
        digest[31] ^= 1;
        assert_false(td_tpm_public_in(rows[i].of, octets));
    }
    unsigned char nothing[32];
    td_sha256(TD_S(""), nothing);
    assert_false(td_tpm_public_in(&ec, td_bytes(nothing, sizeof(nothing))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vector),
        cmocka_unit_test(names),
        cmocka_unit_test(credentials),
        cmocka_unit_test(credentials_of_no_ek),
        cmocka_unit_test(keys),
        cmocka_unit_test(as_the_engine_writes_it),
        cmocka_unit_test(short_coordinates),
        cmocka_unit_test(signatures),
        cmocka_unit_test(other_key_of_the_same_tpm),
        cmocka_unit_test(replays_a_log),
        cmocka_unit_test(secure_boot),
        cmocka_unit_test(found_in_a_record),
        cmocka_unit_test(found_by_its_digest),
        cmocka_unit_test(no_cut_through_a_record),
    };
    return cmocka_run_group_tests_name("crypto/tpm", tests, arena_begin, end);
}
