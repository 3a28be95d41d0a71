/* crypto/cert: the certificates, requests and renewals of the vectors; what we issue, judged by openssl(1) too. */
#include "base/encode.h"
#include "base/env.h"
#include "crypto/cert.h"
#include "unit/run.h"
#include "unit/test.h"

#include <stdlib.h>
#include <unistd.h>

static const int64_t now = INT64_C(1800000000) * TD_SECOND;

static struct td_arena arena;
static char dir[] = "/tmp/td-cert-XXXXXX";
static struct td_key *root_key, *between_key, *leaf_key;
static struct td_slice root, between, leaf;

static struct td_slice vector_b64(const char *name)
{
    struct td_buf text = fixture(name);
    struct td_slice out = {0};
    assert_ok(td_b64_decode(&arena, td_buf_slice(&text), TD_B64_STD | TD_B64_SPACES, &out));
    td_buf_done(&text);
    return out;
}

static struct td_slice vector_pem(const char *name)
{
    struct td_buf text = fixture(name);
    struct td_slice out = {0};
    struct td_error err;
    assert_ok(td_cert_from_pem(td_buf_slice(&text), &arena, &out, &err));
    td_buf_done(&text);
    return out;
}

static struct td_slice bent(struct td_slice s, size_t at)
{
    struct td_slice copy = td_arena_copy(&arena, s);
    ((char *)(uintptr_t)copy.p)[at] ^= 1;
    return copy;
}

static void reads_requests_as_windows_sends_them(void **state TD_UNUSED)
{
    static const struct {
        const char *file, *cn;
    } rows[] = {
        {"vectors/csr-printablestring.b64", "12345678-9ABC-4DEF-8012-345678!00112233445566778899AABBCCDDEEFF"},
        {"vectors/csr-utf8string.b64", "12345678-9ABC-4DEF-8012-345678!00112233445566778899AABBCCDDEEFF"},
        {"vectors/drs-pkcs10.b64", "7E980AD9-B86D-4306-9425-9AC066FB014A"},
        {"vectors/renew-inner-pkcs10.b64", "renew"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_slice der = vector_b64(rows[i].file);
        struct td_csr csr;
        struct td_error err;
        if (td_csr_parse(der, &arena, &csr, &err) != TD_OK)
            fail_msg("%s: %s", rows[i].file, err.text);
        assert_string_equal(csr.subject_cn, rows[i].cn);
        assert_int_equal(csr.kind, TD_KEY_RSA);
        assert_int_equal(csr.bits, 2048);
        for (size_t n = 0; n < der.n; n += 7)
            assert_int_not_equal(td_csr_parse(td_sub(der, 0, n), &arena, &csr, &err), TD_OK);
        assert_int_not_equal(td_csr_parse(bent(der, der.n - 3), &arena, &csr, &err), TD_OK); /* signature */
        assert_int_not_equal(td_csr_parse(bent(der, 30), &arena, &csr, &err), TD_OK);        /* subject */
        struct td_slice longer = td_str(td_arena_printf(&arena, "%*s", (int)der.n + 1, ""));
        memcpy((char *)(uintptr_t)longer.p, der.p, der.n);
        assert_int_equal(td_csr_parse(longer, &arena, &csr, &err), TD_EFORMAT);
    }
}

static void makes_requests(void **state TD_UNUSED)
{
    struct td_csr csr;
    struct td_slice der;
    struct td_error err;
    struct td_key *rsa, *p384;
    assert_ok(td_key_generate(TD_KEY_RSA, &rsa, &err));
    assert_ok(td_csr_make(rsa, "12345678!00112233445566778899AABBCCDDEEFF", "00112233445566778899AABBCCDDEEFF", &arena,
                          &der, &err));
    assert_ok(td_csr_parse(der, &arena, &csr, &err));
    assert_string_equal(csr.subject_cn, "12345678!00112233445566778899AABBCCDDEEFF");
    /* the extension that is not DER: raw text with its NUL (mde2.md 4.1) */
    assert_true(td_search(der, TD_S("\x04\x21"
                                    "00112233445566778899AABBCCDDEEFF\0")) != SIZE_MAX);
    assert_ok(td_csr_make(leaf_key, "plain", NULL, &arena, &der, &err));
    assert_ok(td_csr_parse(der, &arena, &csr, &err));
    assert_int_equal(csr.kind, TD_KEY_P256);
    assert_ok(td_key_generate(TD_KEY_P384, &p384, &err));
    assert_ok(td_csr_make(p384, "plain", NULL, &arena, &der, &err));
    assert_int_equal(td_csr_parse(der, &arena, &csr, &err), TD_EINVAL);
    assert_int_equal(td_csr_make(leaf_key, "", NULL, &arena, &der, &err), TD_EINVAL);
    td_key_free(rsa);
    td_key_free(p384);
}

static void refuses_small_keys(void **state TD_UNUSED)
{
    struct td_csr csr;
    struct td_error err;
    struct td_slice der = {0};
    char key[128], req[128];
    snprintf(key, sizeof(key), "%s/small.key", dir);
    snprintf(req, sizeof(req), "%s/small.der", dir);
    const char *const argv[] = {"openssl", "req", "-new",     "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=small",
                                "-keyout", key,   "-outform", "DER",     "-out",     req,      NULL};
    if (run_program(argv) != 0) {
        print_message("openssl(1) is missing\n");
        skip();
    }
    struct td_buf b;
    td_buf_init(&b, 8192);
    assert_ok(td_file_read(req, &b, &err));
    der = td_buf_slice(&b);
    assert_int_equal(td_csr_parse(der, &arena, &csr, &err), TD_EINVAL);
    assert_true(strstr(err.text, "1024") != NULL);
    td_buf_done(&b);
    unlink(key);
    unlink(req);
}

static const struct td_ext *ext(const struct td_cert *c, const char *oid)
{
    for (const struct td_ext *e = c->exts; e != NULL; e = e->next)
        if (strcmp(e->oid, oid) == 0)
            return e;
    return NULL;
}

static void reads_the_device_certificate_of_the_vectors(void **state TD_UNUSED)
{
    struct td_cert c;
    struct td_error err;
    assert_ok(td_cert_parse(vector_pem("vectors/TEST-ONLY-drsdev.crt"), &arena, &c, &err));
    assert_string_equal(c.subject_cn, "44444444-0000-4000-8000-000000000001");
    assert_int_equal(c.subject_parts, 1);
    assert_int_equal(c.eku, TD_EKU_CLIENT);
    assert_false(c.is_ca);
    const struct td_ext *id = ext(&c, "1.2.840.113556.1.5.284.2");
    assert_non_null(id);
    assert_string_equal(td_hex(&arena, id->value), "04811044444444000000408000000000000001");
    assert_non_null(ext(&c, "1.2.840.113556.1.5.284.4"));
    assert_int_equal((c.not_after - c.not_before) / TD_DAY, 3650);
    struct td_slice dev = vector_pem("vectors/TEST-ONLY-dev.crt"), ca = vector_pem("vectors/TEST-ONLY-ca.crt");
    assert_ok(td_cert_parse(dev, &arena, &c, &err));
    assert_string_equal(c.sha1, "FD40596036B3AE935A1E8F0F2F8341EC66373441");
    assert_int_equal(c.subject_parts, 2);
    int64_t inside = c.not_before + TD_DAY;
    assert_ok(td_cert_check_chain(dev, TD_S(""), ca, inside, TD_EKU_CLIENT, &err));
    assert_int_equal(td_cert_check_chain(dev, TD_S(""), ca, c.not_after + TD_SECOND, TD_EKU_CLIENT, &err), TD_EEXPIRED);
    assert_int_equal(td_cert_check_chain(dev, TD_S(""), ca, inside, TD_EKU_SERVER, &err), TD_EAUTH);
    assert_int_equal(td_cert_check_chain(dev, TD_S(""), root, inside, TD_EKU_CLIENT, &err), TD_EAUTH);
}

static void opens_the_renewal_of_the_vectors(void **state TD_UNUSED)
{
    struct td_slice cms = vector_b64("vectors/renew-cms-signeddata.b64"), content, signer;
    struct td_error err;
    assert_ok(td_cms_open(cms, &arena, &content, &signer, &err));
    assert_true(td_eq(content, vector_b64("vectors/renew-inner-pkcs10.b64")));
    assert_true(td_eq(signer, vector_pem("vectors/TEST-ONLY-dev.crt")));
    assert_int_equal(td_cms_open(bent(cms, cms.n - 5), &arena, &content, &signer, &err), TD_EAUTH);
    assert_int_not_equal(td_cms_open(bent(cms, 100), &arena, &content, &signer, &err), TD_OK); /* in the content */
    for (size_t n = 0; n < cms.n; n += 11)
        assert_int_not_equal(td_cms_open(td_sub(cms, 0, n), &arena, &content, &signer, &err), TD_OK);
    struct td_slice made;
    assert_ok(td_cms_sign(TD_S("content"), leaf, leaf_key, &arena, &made, &err));
    assert_ok(td_cms_open(made, &arena, &content, &signer, &err));
    assert_slice(content, "content");
    assert_true(td_eq(signer, leaf));
    assert_int_not_equal(td_cms_sign(TD_S("content"), leaf, root_key, &arena, &made, &err), TD_OK); /* key of another */
}

static void issue(const char *cn, const struct td_cert_template *base, struct td_slice issuer, struct td_key *by,
                  struct td_key *key, struct td_slice *ret)
{
    struct td_rdn subject[] = {{"CN", cn}};
    struct td_cert_template t = *base;
    struct td_error err;
    t.subject = subject;
    t.subject_count = 1;
    t.not_before = now - TD_DAY;
    if (t.not_after == 0)
        t.not_after = now + 100 * TD_DAY;
    memset(t.serial, 0xFF, sizeof(t.serial));
    assert_ok(td_key_public_der(key, &arena, &t.spki));
    if (td_cert_issue(&t, issuer, by, &arena, ret, &err) != TD_OK)
        fail_msg("%s: %s", cn, err.text);
}

static int setup(void **state TD_UNUSED)
{
    static const char *const names[] = {"localhost", "mdm.example.test", "127.0.0.1", "::1", NULL};
    static const struct td_ext extra = {.oid = "1.2.840.113556.1.5.284.7", .value = {"\x04\x81\x01\x31", 4}};
    struct td_error err;
    assert_non_null(mkdtemp(dir));
    assert_ok(td_key_generate(TD_KEY_P256, &root_key, &err));
    assert_ok(td_key_generate(TD_KEY_P256, &between_key, &err));
    assert_ok(td_key_generate(TD_KEY_P256, &leaf_key, &err));
    issue("root", &(struct td_cert_template){.is_ca = true, .not_after = now + 900 * TD_DAY}, TD_S(""), root_key,
          root_key, &root);
    issue("between", &(struct td_cert_template){.is_ca = true, .not_after = now + 500 * TD_DAY}, root, root_key,
          between_key, &between);
    issue("leaf",
          &(struct td_cert_template){.eku = TD_EKU_SERVER | TD_EKU_CLIENT,
                                     .eku_critical = true,
                                     .key_encipherment = true,
                                     .dns_names = names,
                                     .exts = &extra,
                                     .crl_url = "http://mdm.example.test/pki/server.crl",
                                     .ca_url = "http://mdm.example.test/pki/server.crt",
                                     .ocsp_url = "http://mdm.example.test/ocsp"},
          between, between_key, leaf_key, &leaf);
    return 0;
}

static void issues_what_it_was_told(void **state TD_UNUSED)
{
    struct td_cert c;
    struct td_error err;
    assert_ok(td_cert_parse(leaf, &arena, &c, &err));
    assert_string_equal(c.subject_cn, "leaf");
    assert_string_equal(c.issuer, "CN = between");
    assert_int_equal(c.eku, TD_EKU_SERVER | TD_EKU_CLIENT);
    assert_string_equal(c.serial, "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF");
    assert_string_equal(c.dns_names[0], "localhost");
    assert_string_equal(c.dns_names[2], "127.0.0.1");
    assert_string_equal(c.dns_names[3], "::1");
    assert_null(c.dns_names[4]);
    assert_non_null(ext(&c, "1.2.840.113556.1.5.284.7"));
    assert_ok(td_cert_check_chain(leaf, between, root, now, TD_EKU_CLIENT, &err));
    assert_ok(td_cert_check_chain(leaf, between, root, 0, TD_EKU_CLIENT, &err));
    assert_int_equal(td_cert_check_chain(leaf, between, root, now + 101 * TD_DAY, TD_EKU_CLIENT, &err), TD_EEXPIRED);
    assert_int_equal(td_cert_check_chain(leaf, between, root, now - 2 * TD_DAY, TD_EKU_CLIENT, &err), TD_EEXPIRED);
    assert_ok(td_cert_check_chain(leaf, between, root, 0, TD_EKU_CLIENT, &err));
    assert_int_equal(td_cert_check_chain(leaf, TD_S(""), root, now, TD_EKU_CLIENT, &err), TD_EAUTH);
    assert_ok(td_cert_check_issued(leaf, between, between_key, now, TD_EKU_CLIENT, &err));
    assert_int_equal(td_cert_check_issued(leaf, between, between_key, now + 101 * TD_DAY, TD_EKU_CLIENT, &err),
                     TD_EEXPIRED);
    assert_int_equal(td_cert_check_issued(leaf, root, root_key, now, TD_EKU_CLIENT, &err), TD_EAUTH);
    assert_int_equal(td_cert_check_issued(leaf, between, between_key, now, TD_EKU_OCSP, &err), TD_EAUTH);
    assert_int_equal(td_cert_check_issued(bent(leaf, leaf.n - 4), between, between_key, now, TD_EKU_CLIENT, &err),
                     TD_EAUTH);
    assert_int_equal(td_cert_check_chain(leaf, leaf, root, now, TD_EKU_CLIENT, &err), TD_EAUTH);
    assert_int_equal(td_cert_check_chain(bent(leaf, leaf.n - 4), between, root, now, TD_EKU_CLIENT, &err), TD_EAUTH);
    struct td_slice pem = td_str(td_cert_pem(leaf, &arena)), back;
    assert_ok(td_cert_from_pem(pem, &arena, &back, &err));
    assert_true(td_eq(back, leaf));
}

/* A leaf that signs another certificate is no authority. */
static void a_leaf_certifies_nobody(void **state TD_UNUSED)
{
    struct td_slice forged;
    struct td_error err;
    issue("forged", &(struct td_cert_template){.eku = TD_EKU_CLIENT}, leaf, leaf_key, root_key, &forged);
    assert_int_equal(td_cert_check_chain(forged, leaf, root, now, TD_EKU_CLIENT, &err), TD_EAUTH);
}

static void refuses_urls_that_would_add_fields(void **state TD_UNUSED)
{
    struct td_rdn subject[] = {{"CN", "x"}};
    struct td_cert_template t = {.subject = subject,
                                 .subject_count = 1,
                                 .not_before = now,
                                 .not_after = now + TD_DAY,
                                 .crl_url = "http://a/,URI:http://b/"};
    struct td_slice der;
    struct td_error err;
    assert_ok(td_key_public_der(leaf_key, &arena, &t.spki));
    assert_int_equal(td_cert_issue(&t, root, root_key, &arena, &der, &err), TD_EINVAL);
    t.crl_url = NULL;
    t.spki = TD_S("nonsense");
    assert_int_equal(td_cert_issue(&t, root, root_key, &arena, &der, &err), TD_EFORMAT);
}

static const char *file(const char *name, const char *text)
{
    char *path = td_arena_printf(&arena, "%s/%s", dir, name);
    struct td_error err;
    assert_ok(td_file_write(path, td_str(text), 0600, &err));
    return path;
}

static void openssl_verifies_chain_and_list(void **state TD_UNUSED)
{
    const char *version[] = {"openssl", "version", NULL};
    if (run_program(version) != 0) {
        print_message("openssl(1) is missing\n");
        skip();
    }
    const char *r = file("root.pem", td_cert_pem(root, &arena)), *b = file("between.pem", td_cert_pem(between, &arena));
    const char *l = file("leaf.pem", td_cert_pem(leaf, &arena)), *crl = td_arena_printf(&arena, "%s/list.crl", dir);
    const char *good[] = {
        "openssl",    "verify", "-attime", "1800000000", "-x509_strict", "-purpose", "sslclient", "-CAfile", r,
        "-untrusted", b,        l,         NULL};
    assert_int_equal(run_program(good), 0);
    struct td_revoked gone[] = {{"7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", now - TD_HOUR, TD_REASON_CEASED}};
    struct td_slice der;
    struct td_error err;
    for (size_t count = 0; count <= 1; count++) {
        assert_ok(td_crl_issue(between, between_key, gone, count, 5, now - TD_HOUR, now + TD_DAY, &arena, &der, &err));
        assert_ok(td_file_write(crl, der, 0600, &err));
        const char *check[] = {
            "openssl",    "verify", "-attime", "1800000000", "-crl_check", "-CRLfile", crl, "-CAfile", r,
            "-untrusted", b,        l,         NULL};
        assert_true(count == 0 ? run_program(check) == 0 : run_program(check) != 0);
    }
    const char *const made[] = {r, b, l, crl};
    for (size_t i = 0; i < TD_COUNTOF(made); i++)
        unlink(made[i]);
}

static enum td_ocsp_status lookup(void *ctx, size_t issuer, const char *serial, struct td_revoked *ret)
{
    assert_int_equal(issuer, 0);
    assert_string_equal(serial, "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF");
    *ret = (struct td_revoked){.serial = serial, .at = now - TD_HOUR, .reason = TD_REASON_CEASED};
    return *(enum td_ocsp_status *)ctx;
}

static void openssl_believes_the_responder(void **state TD_UNUSED)
{
    const char *r = file("root.pem", td_cert_pem(root, &arena)), *b = file("between.pem", td_cert_pem(between, &arena));
    const char *l = file("leaf.pem", td_cert_pem(leaf, &arena)), *req = td_arena_printf(&arena, "%s/req.der", dir);
    const char *resp = td_arena_printf(&arena, "%s/resp.der", dir);
    const char *ask[] = {"openssl", "ocsp", "-issuer", b, "-cert", l, "-reqout", req, NULL};
    struct td_ocsp_issuer issuers[] = {{between, between_key}};
    struct td_slice der;
    struct td_error err;
    struct td_buf in;
    enum td_ocsp_status status = TD_OCSP_GOOD;
    td_buf_init(&in, TD_OCSP_MAX);
    if (run_program(ask) != 0) {
        print_message("openssl(1) is missing\n");
        skip();
    }
    assert_ok(td_file_read(req, &in, &err));
    for (; status <= TD_OCSP_UNKNOWN; status++) {
        assert_ok(td_ocsp_answer(td_buf_slice(&in), issuers, 1, lookup, &status, now - TD_HOUR, now + TD_DAY, &arena,
                                 &der, &err));
        assert_ok(td_file_write(resp, der, 0600, &err));
        const char *read[] = {"openssl", "ocsp",          "-respin", resp,      "-reqin",     req, "-CAfile",
                              r,         "-verify_other", b,         "-attime", "1800000000", NULL};
        assert_int_equal(run_program(read), 0);
        if (status == TD_OCSP_GOOD) { /* a signature that is bent is not believed */
            assert_ok(td_file_write(resp, bent(der, der.n - 4), 0600, &err));
            assert_int_not_equal(run_program(read), 0);
        }
    }
    /* not ours: the protocol's error answer, "unauthorized" (6) */
    struct td_ocsp_issuer others[] = {{root, root_key}};
    assert_ok(td_ocsp_answer(td_buf_slice(&in), others, 1, lookup, &status, now, now, &arena, &der, &err));
    assert_string_equal(td_hex(&arena, der), "30030a0106");
    assert_ok(td_ocsp_answer(TD_S("junk"), issuers, 1, lookup, &status, now, now, &arena, &der, &err));
    assert_string_equal(td_hex(&arena, der), "30030a0101");
    td_buf_done(&in);
    const char *const made[] = {r, b, l, req, resp};
    for (size_t i = 0; i < TD_COUNTOF(made); i++)
        unlink(made[i]);
}

static int teardown(void **state TD_UNUSED)
{
    td_key_free(root_key);
    td_key_free(between_key);
    td_key_free(leaf_key);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_requests_as_windows_sends_them),
        cmocka_unit_test(makes_requests),
        cmocka_unit_test(refuses_small_keys),
        cmocka_unit_test(reads_the_device_certificate_of_the_vectors),
        cmocka_unit_test(opens_the_renewal_of_the_vectors),
        cmocka_unit_test(issues_what_it_was_told),
        cmocka_unit_test(a_leaf_certifies_nobody),
        cmocka_unit_test(refuses_urls_that_would_add_fields),
        cmocka_unit_test(openssl_verifies_chain_and_list),
        cmocka_unit_test(openssl_believes_the_responder),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("certificates", tests, setup, teardown);
    td_arena_done(&arena);
    return failed;
}
