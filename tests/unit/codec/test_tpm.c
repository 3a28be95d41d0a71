/* codec/tpm: what a software TPM says (tests/fixtures/tpm), cut at every octet, lengthened, bent. */
#include "codec/tpm.h"
#include "unit/test.h"

#include <stdlib.h>

typedef enum td_code reader(struct td_slice in);

static struct td_tpm_public public;
static struct td_tpm_attest attest;
static struct td_tpm_signature signature;
static struct td_error err;

static enum td_code read_public(struct td_slice in)
{
    return td_tpm_public_read(in, &public, &err);
}

static enum td_code read_attest(struct td_slice in)
{
    return td_tpm_attest_read(in, &attest, &err);
}

static enum td_code read_signature(struct td_slice in)
{
    return td_tpm_signature_read(in, &signature, &err);
}

/* Every truncation and every longer form is refused; each is a block of its own, so that the sanitizer sees a read past
 * its end. */
static void refuses_other_lengths(reader *fn, struct td_slice in)
{
    for (size_t n = 0; n <= in.n + 1; n++) {
        char *copy = calloc(1, n != 0 ? n : 1);
        memcpy(copy, in.p, n < in.n ? n : in.n);
        if (n != in.n && fn(td_bytes(copy, n)) == TD_OK)
            fail_msg("%zu of %zu octets were taken", n, in.n);
        free(copy);
    }
}

static void public_keys(void **state TD_UNUSED)
{
    static const struct {
        const char *file;
        uint16_t type, hash, bits, curve, scheme, symmetric_bits;
        uint32_t attributes;
    } rows[] = {
        {"tpm/ek-rsa.pub", TD_TPM_RSA, TD_TPM_SHA256, 2048, 0, TD_TPM_NULL, 128, 0x000300b2},
        {"tpm/ek-p256.pub", TD_TPM_ECC, TD_TPM_SHA256, 0, TD_TPM_P256, TD_TPM_NULL, 128, 0x000300b2},
        {"tpm/ek-p384.pub", TD_TPM_ECC, TD_TPM_SHA384, 0, TD_TPM_P384, TD_TPM_NULL, 256, 0x000300f2},
        {"tpm/ak-p256.pub", TD_TPM_ECC, TD_TPM_SHA256, 0, TD_TPM_P256, TD_TPM_ECDSA, 0, 0x00050072},
        {"tpm/ak-rsa.pub", TD_TPM_RSA, TD_TPM_SHA256, 2048, 0, TD_TPM_RSASSA, 0, 0x00050072},
        {"tpm/ak-pss.pub", TD_TPM_RSA, TD_TPM_SHA256, 2048, 0, TD_TPM_RSAPSS, 0, 0x00050072},
        {"tpm/key.pub", TD_TPM_ECC, TD_TPM_SHA256, 0, TD_TPM_P256, TD_TPM_NULL, 0, 0x00040072},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_buf file = fixture(rows[i].file);
        struct td_slice whole = td_buf_slice(&file), inner = td_sub(whole, 2, whole.n);
        assert_ok(read_public(whole));
        assert_true(td_eq(public.whole, inner));
        assert_int_equal(public.type, rows[i].type);
        assert_int_equal(public.name_alg, rows[i].hash);
        assert_int_equal(public.rsa_bits, rows[i].bits);
        assert_int_equal(public.curve, rows[i].curve);
        assert_int_equal(public.scheme, rows[i].scheme);
        assert_int_equal(public.attributes, rows[i].attributes);
        assert_int_equal(public.symmetric_bits, rows[i].symmetric_bits);
        assert_int_equal(public.symmetric, rows[i].symmetric_bits != 0 ? TD_TPM_AES : TD_TPM_NULL);
        assert_int_equal(public.symmetric_mode, rows[i].symmetric_bits != 0 ? TD_TPM_CFB : 0);
        assert_int_equal(public.rsa_exponent, rows[i].bits != 0 ? 65537 : 0);
        assert_int_equal(public.rsa_modulus.n, rows[i].bits / 8);
        assert_ok(read_public(inner));
        assert_true(td_eq(public.whole, inner));
        refuses_other_lengths(read_public, whole);
        refuses_other_lengths(read_public, inner);
        td_buf_done(&file);
    }
}

static void quotes(void **state TD_UNUSED)
{
    static const char *const files[] = {"tpm/quote-ak-p256.attest", "tpm/quote-ak-rsa.attest",
                                        "tpm/quote-ak-pss.attest", "tpm/quote-ak-p384.attest"};
    for (size_t i = 0; i < TD_COUNTOF(files); i++) {
        struct td_buf file = fixture(files[i]);
        assert_ok(read_attest(td_buf_slice(&file)));
        assert_int_equal(attest.type, TD_TPM_QUOTE);
        assert_int_equal(attest.extra.n, 32);
        for (size_t k = 0; k < 32; k++)
            assert_int_equal(attest.extra.p[k], k);
        assert_int_equal(attest.pcrs.hash, TD_TPM_SHA256);
        assert_int_equal(attest.pcrs.selected, 0xff);
        assert_int_equal(attest.pcr_digest.n, i == 3 ? 48 : 32);
        assert_int_equal(attest.signer.n, 34);
        assert_true(attest.safe);
        refuses_other_lengths(read_attest, td_buf_slice(&file));
        td_buf_done(&file);
    }
}

static void certified(void **state TD_UNUSED)
{
    struct td_buf file = fixture("tpm/certify.attest");
    assert_ok(read_attest(td_buf_slice(&file)));
    assert_int_equal(attest.type, TD_TPM_CERTIFY);
    assert_int_equal(attest.name.n, 34);
    assert_int_equal(attest.qualified_name.n, 34);
    assert_int_equal(attest.pcr_digest.n, 0);
    refuses_other_lengths(read_attest, td_buf_slice(&file));
    td_buf_done(&file);
}

static void signatures(void **state TD_UNUSED)
{
    static const struct {
        const char *file;
        uint16_t scheme, hash;
        size_t rsa;
    } rows[] = {
        {"tpm/quote-ak-p256.sig", TD_TPM_ECDSA, TD_TPM_SHA256, 0},
        {"tpm/quote-ak-rsa.sig", TD_TPM_RSASSA, TD_TPM_SHA256, 256},
        {"tpm/quote-ak-pss.sig", TD_TPM_RSAPSS, TD_TPM_SHA256, 256},
        {"tpm/quote-ak-p384.sig", TD_TPM_ECDSA, TD_TPM_SHA384, 0},
        {"tpm/certify.sig", TD_TPM_ECDSA, TD_TPM_SHA256, 0},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_buf file = fixture(rows[i].file);
        assert_ok(read_signature(td_buf_slice(&file)));
        assert_int_equal(signature.scheme, rows[i].scheme);
        assert_int_equal(signature.hash, rows[i].hash);
        assert_int_equal(signature.rsa.n, rows[i].rsa);
        assert_true((signature.r.n != 0) == (rows[i].rsa == 0) && (signature.s.n != 0) == (rows[i].rsa == 0));
        refuses_other_lengths(read_signature, td_buf_slice(&file));
        td_buf_done(&file);
    }
}

static void refused_as(reader *fn, struct td_buf *file, size_t at, char value, const char *member)
{
    char old = file->p[at];
    file->p[at] = value;
    assert_int_equal(fn(td_buf_slice(file)), TD_EFORMAT);
    if (strstr(err.text, member) == NULL)
        fail_msg("octet %zu: \"%s\" does not name %s", at, err.text, member);
    file->p[at] = old;
    assert_ok(fn(td_buf_slice(file)));
}

/* The quote with another selection in front of its own (count, then bank, octets, bitmap). */
static enum td_code with_bank(const char *bank, size_t n)
{
    struct td_buf quote = fixture("tpm/quote-ak-p256.attest"), b;
    size_t banks = 6 + 2 + 34 + 2 + 32 + 25;
    td_buf_init(&b, 4096);
    td_buf_add(&b, td_bytes(quote.p, banks));
    td_buf_add(&b, td_bytes("\0\0\0\2", 4));
    td_buf_add(&b, td_bytes(bank, n));
    td_buf_add(&b, td_sub(td_buf_slice(&quote), banks + 4, SIZE_MAX));
    enum td_code rc = read_attest(td_buf_slice(&b));
    td_buf_done(&quote);
    td_buf_done(&b);
    return rc;
}

static void banks_beside_the_quoted(void **state TD_UNUSED)
{
    assert_ok(with_bank("\0\4\3\0\0\0", 6)); /* SHA-1, of which nothing is quoted */
    assert_int_equal(attest.pcrs.hash, TD_TPM_SHA256);
    assert_int_equal(attest.pcrs.selected, 0xff);
    assert_int_equal(attest.pcr_digest.n, 32);
    assert_int_equal(with_bank("\0\4\3\1\0\0", 6), TD_EFORMAT);
    assert_non_null(strstr(err.text, "banks"));
}

static void refuses_what_no_tpm_made(void **state TD_UNUSED)
{
    struct td_buf quote = fixture("tpm/quote-ak-p256.attest"), ek = fixture("tpm/ek-rsa.pub"),
                  sig = fixture("tpm/quote-ak-p256.sig");
    size_t banks = 6 + 2 + 34 + 2 + 32 + 25; /* magic and type, signer, nonce, clock and firmware */
    refused_as(read_attest, &quote, 0, 0x7f, "magic");
    refused_as(read_attest, &quote, 3, 0x48, "magic");
    refused_as(read_attest, &quote, 5, 0x14, "type"); /* a session's audit */
    refused_as(read_attest, &quote, banks - 9, 2, "safe");
    refused_as(read_attest, &quote, banks + 3, 17, "banks");
    refused_as(read_attest, &quote, banks + 3, 0, "banks");
    refused_as(read_public, &ek, 3, 0x08, "type");       /* a keyed hash */
    refused_as(read_public, &ek, 45, 0x26, "symmetric"); /* Camellia */
    refused_as(read_public, &ek, 53, 1, "modulus");      /* 2049 bits in 256 octets */
    refused_as(read_signature, &sig, 1, 0x1a, "scheme"); /* ECDAA */
    td_buf_done(&quote);
    td_buf_done(&ek);
    td_buf_done(&sig);
}

static void sizes(void **state TD_UNUSED)
{
    struct td_slice got = {0};
    struct td_buf b;
    td_buf_init(&b, 70000);
    td_tpm_2b_write(TD_S("abc"), &b);
    assert_true(td_eq(td_buf_slice(&b), td_bytes("\0\3abc", 5)));
    assert_ok(td_tpm_2b_read(td_buf_slice(&b), 3, &got, &err));
    assert_slice(got, "abc");
    assert_int_equal(td_tpm_2b_read(td_buf_slice(&b), 2, &got, &err), TD_ELIMIT);
    assert_int_equal(td_tpm_2b_read(TD_S("\0\4abc"), 9, &got, &err), TD_EFORMAT);
    assert_int_equal(td_tpm_2b_read(TD_S("\0\2abc"), 9, &got, &err), TD_EFORMAT);
    assert_int_equal(td_tpm_2b_read(TD_S("\0"), 9, &got, &err), TD_EFORMAT);
    assert_ok(td_tpm_2b_read(TD_S("\0\0"), 9, &got, &err));
    assert_int_equal(got.n, 0);
    char *large = calloc(1, 70000);
    td_tpm_2b_write(td_bytes(large, 65536), &b);
    assert_true(b.failed);
    assert_int_equal(read_public(td_bytes(large, TD_TPM_MAX_PUBLIC + 3)), TD_ELIMIT);
    free(large);
    td_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_keys),
        cmocka_unit_test(quotes),
        cmocka_unit_test(banks_beside_the_quoted),
        cmocka_unit_test(certified),
        cmocka_unit_test(signatures),
        cmocka_unit_test(sizes),
        cmocka_unit_test(refuses_what_no_tpm_made),
    };
    return cmocka_run_group_tests_name("codec/tpm", tests, NULL, NULL);
}
