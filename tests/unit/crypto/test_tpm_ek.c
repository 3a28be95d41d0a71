/* crypto/tpm_ek: endorsement certificates of swtpm and of an older kind of maker (tests/fixtures/tpm/make.py), as they
 * are, padded, bent; chains with anchors that are roots and anchors that are not. */
#include "base/env.h"
#include "crypto/tpm.h"
#include "unit/arena.h"
#include "unit/test.h"

static struct td_error err;

static struct td_slice file(const char *name)
{
    struct td_buf b = fixture(td_arena_printf(&arena, "tpm/%s.der", name));
    struct td_slice out = td_arena_copy(&arena, td_buf_slice(&b));
    td_buf_done(&b);
    return out;
}

static struct td_ek_cert read_ok(struct td_slice der)
{
    struct td_ek_cert c = {0};
    if (td_ek_cert_read(der, &arena, &c, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    return c;
}

static void same_key_as(const struct td_ek_cert *c, const char *name)
{
    struct td_tpm_public p = {0};
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_buf b = fixture(name);
    assert_ok(td_tpm_public_read(td_buf_slice(&b), &p, &err));
    assert_ok(td_tpm_key(&p, &key, &err));
    assert_true(td_key_same_public(c->key, key));
    td_buf_done(&b);
}

static void certificates_of_a_software_tpm(void **state TD_UNUSED)
{
    static const char *const kinds[] = {"ek-rsa", "ek-p384"};
    for (size_t i = 0; i < TD_COUNTOF(kinds); i++) {
        struct td_ek_cert c = read_ok(file(kinds[i]));
        assert_string_equal(c.manufacturer, "id:00001014");
        assert_string_equal(c.model, "swtpm");
        assert_true(strncmp(c.version, "id:", 3) == 0);
        assert_true(c.has_eku && c.eku_ok && !c.is_ca && !c.self_signed);
        assert_int_equal(c.not_after / TD_SECOND, INT64_C(253402300799)); /* the end of 9999 */
        assert_true(c.not_before < c.not_after && c.serial[0] != '\0');
        assert_non_null(strstr(c.issuer, "swtpm-localca"));
        same_key_as(&c, td_arena_printf(&arena, "tpm/%s.pub", kinds[i]));
        td_ek_cert_done(&c);
    }
}

static void certificates_as_makers_write_them(void **state TD_UNUSED)
{
    struct td_ek_cert plain = read_ok(file("ek-maker")), oaep = read_ok(file("ek-oaep"));
    assert_string_equal(oaep.manufacturer, "id:54455354");
    assert_string_equal(oaep.model, "Model X");
    assert_string_equal(oaep.version, "id:00010002");
    assert_string_equal(oaep.issuer, "CN = Test maker-between");
    assert_string_equal(oaep.serial, "4711");
    assert_string_equal(oaep.issuer_url, "http://ekca.test/one.cer");
    assert_true(td_key_same_public(plain.key, oaep.key)); /* the key's name does not change the key */
    td_ek_cert_done(&plain);
    td_ek_cert_done(&oaep);
}

/* A TPM's memory is often larger than its certificate. */
static void padding(void **state TD_UNUSED)
{
    struct td_slice der = file("ek-maker");
    static const char fills[] = {0, (char)0xff};
    for (size_t i = 0; i < TD_COUNTOF(fills); i++) {
        char *padded = td_arena_alloc(&arena, der.n + 200);
        size_t anchor = 9;
        struct td_slice root = file("maker-between");
        memset(padded, fills[i], der.n + 200);
        memcpy(padded, der.p, der.n);
        struct td_ek_cert c = read_ok(td_bytes(padded, der.n + 200));
        assert_true(td_eq(c.der, der));
        assert_ok(td_ek_cert_chain(td_bytes(padded, der.n + 200), &root, 1, NULL, 0, 0, &anchor, &err));
        assert_int_equal(anchor, 0);
        td_ek_cert_done(&c);
    }
}

static void usages(void **state TD_UNUSED)
{
    static const struct {
        const char *name;
        bool has, ok, self, ca;
    } rows[] = {{"ek-usage", true, false, false, false},      {"ek-no-usage", false, false, false, false},
                {"ek-self", true, true, true, false},         {"ek-foreign", true, true, false, false},
                {"maker-between", false, false, false, true}, {"maker-root", false, false, true, true}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_ek_cert c = read_ok(file(rows[i].name));
        assert_int_equal(c.has_eku, rows[i].has);
        assert_int_equal(c.eku_ok, rows[i].ok);
        assert_int_equal(c.self_signed, rows[i].self);
        assert_int_equal(c.is_ca, rows[i].ca);
        td_ek_cert_done(&c);
    }
}

static void unreadable(void **state TD_UNUSED)
{
    struct td_slice der = file("ek-oaep");
    struct td_ek_cert c = {0};
    for (size_t n = 0; n < der.n; n += 3)
        assert_int_not_equal(td_ek_cert_read(td_arena_copy(&arena, td_sub(der, 0, n)), &arena, &c, &err), TD_OK);
    char *large = td_arena_alloc(&arena, 20000);
    memcpy(large, "\x30\x82\x4e\x00", 4);
    assert_int_equal(td_ek_cert_read(td_bytes(large, 20000), &arena, &c, &err), TD_EFORMAT);
}

static enum td_code chain(const char *ek, const char *anchor, const char *more, int64_t now, size_t *ret)
{
    struct td_slice trusted = anchor != NULL ? file(anchor) : TD_S("");
    struct td_slice others[] = {file("foreign-root"), more != NULL ? file(more) : TD_S("not a certificate")};
    return td_ek_cert_chain(file(ek), &trusted, anchor != NULL ? 1 : 0, others, 2, now, ret, &err);
}

static void chains(void **state TD_UNUSED)
{
    static const struct {
        const char *ek, *anchor, *more;
        enum td_code rc;
    } rows[] = {
        {"ek-rsa", "swtpm-issuer", NULL, TD_OK}, /* the anchor is an intermediate */
        {"ek-rsa", "swtpm-root", "swtpm-issuer", TD_OK},
        {"ek-rsa", "swtpm-root", NULL, TD_EAUTH}, /* nothing between */
        {"ek-p384", "swtpm-root", "swtpm-issuer", TD_OK},
        {"ek-rsa", "maker-root", "swtpm-issuer", TD_EAUTH},
        {"ek-rsa", NULL, "swtpm-issuer", TD_EAUTH},
        {"ek-maker", "maker-between", NULL, TD_OK}, /* empty subject, unknown critical extension */
        {"ek-maker", "maker-root", "maker-between", TD_OK},
        {"ek-maker", "maker-root", NULL, TD_EAUTH},
        {"ek-oaep", "maker-root", "maker-between", TD_OK}, /* a key that the engine can't read */
        {"ek-oaep", "maker-between", NULL, TD_OK},
        {"ek-foreign", "maker-root", "maker-between", TD_EAUTH},
        {"ek-self", "maker-root", "ek-self", TD_EAUTH},
        {"ek-maker", "ek-maker", NULL, TD_EAUTH}, /* an anchor is an authority */
        {"maker-between", "maker-root", NULL, TD_OK},
        {"ek-pss", "maker-root", "maker-between", TD_OK},
        {"ek-sha1", "maker-root", "maker-between", TD_EAUTH},
        {"ek-ec", "ec-root", "ec-between", TD_OK}, /* P-384 over P-521 */
        {"ek-narrow", "narrow-between", NULL, TD_OK},
        {"ek-narrow", "narrow-root", "narrow-between", TD_EAUTH}, /* the root allows no authority below */
        {"ek-mute", "mute-between", NULL, TD_EAUTH},              /* it may not sign certificates */
        {"ek-strange", "strange-between", NULL, TD_EAUTH},        /* a critical extension of an authority */
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        size_t anchor = 77;
        enum td_code rc = chain(rows[i].ek, rows[i].anchor, rows[i].more, 0, &anchor);
        if (rc != rows[i].rc)
            fail_msg("%s under %s: %s %s", rows[i].ek, rows[i].anchor, td_code_word(rc), err.text);
        assert_int_equal(anchor, rc == TD_OK ? 0 : 77);
    }
    /* Octets of the certificate that are bent, and a signature of somebody with the maker's name. */
    struct td_slice der = file("ek-maker"), anchor = file("maker-between");
    for (size_t at = 8; at < der.n; at += 11) {
        ((char *)(uintptr_t)der.p)[at] ^= 2;
        if (td_ek_cert_chain(der, &anchor, 1, NULL, 0, 0, NULL, &err) == TD_OK)
            fail_msg("octet %zu may be anything", at);
        ((char *)(uintptr_t)der.p)[at] ^= 2;
    }
    assert_ok(td_ek_cert_chain(der, &anchor, 1, NULL, 0, 0, NULL, &err));
}

static void finds_its_anchor(void **state TD_UNUSED)
{
    struct td_slice anchors[] = {file("foreign-root"), TD_S("none"), file("maker-root"), file("swtpm-root")};
    struct td_slice more = file("maker-between");
    size_t anchor = 0;
    assert_ok(td_ek_cert_chain(file("ek-oaep"), anchors, 4, &more, 1, 0, &anchor, &err));
    assert_int_equal(anchor, 2);
    assert_ok(td_ek_cert_chain(file("ek-foreign"), anchors, 4, &more, 1, 0, &anchor, &err));
    assert_int_equal(anchor, 0);
}

static void dates(void **state TD_UNUSED)
{
    struct td_ek_cert c = read_ok(file("ek-maker"));
    static const char *const ways[][2] = {{"maker-between", NULL}, {"maker-root", "maker-between"}};
    for (size_t i = 0; i < TD_COUNTOF(ways); i++) {
        assert_ok(chain("ek-maker", ways[i][0], ways[i][1], c.not_before + TD_MINUTE, NULL));
        assert_int_equal(chain("ek-maker", ways[i][0], ways[i][1], c.not_before - TD_DAY, NULL), TD_EEXPIRED);
        assert_int_equal(chain("ek-maker", ways[i][0], ways[i][1], c.not_after + TD_SECOND, NULL), TD_EEXPIRED);
        assert_ok(chain("ek-maker", ways[i][0], ways[i][1], 0, NULL));
    }
    td_ek_cert_done(&c);
}

/* What was found of a root's key holds for no other key, whatever name it has. */
static void remembers_signatures(void **state TD_UNUSED)
{
    struct td_ek_links links;
    struct td_slice root = file("maker-root"), between = file("maker-between"), none = TD_S("");
    char *other = td_arena_alloc(&arena, root.n);
    size_t modulus = td_search(root, TD_S("\x02\x82\x01"));
    assert_true(modulus != SIZE_MAX && modulus + 100 < root.n);
    memcpy(other, root.p, root.n);
    other[modulus + 100] = (char)(other[modulus + 100] ^ 1);
    struct td_slice forged = td_bytes(other, root.n);
    td_ek_links_init(&links);
    for (size_t i = 0; i < 3; i++) {
        assert_ok(td_ek_cert_chain_by(&links, file("ek-maker"), &root, 1, &between, 1, 0, NULL, &err));
        assert_int_equal(links.next, 1); /* between authorities alone, and once */
        assert_int_equal(td_ek_cert_chain_by(&links, file("ek-maker"), &forged, 1, &between, 1, 0, NULL, &err),
                         TD_EAUTH);
        assert_int_equal(td_ek_cert_chain_by(&links, file("ek-maker"), &root, 1, &none, 1, 0, NULL, &err), TD_EAUTH);
        assert_int_equal(td_ek_cert_chain_by(&links, file("ek-maker"), &root, 1, &between, 1, 1, NULL, &err),
                         TD_EEXPIRED); /* dates are no matter of signatures */
    }
    td_ek_links_done(&links);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_of_a_software_tpm),
        cmocka_unit_test(certificates_as_makers_write_them),
        cmocka_unit_test(padding),
        cmocka_unit_test(usages),
        cmocka_unit_test(unreadable),
        cmocka_unit_test(chains),
        cmocka_unit_test(finds_its_anchor),
        cmocka_unit_test(dates),
        cmocka_unit_test(remembers_signatures),
    };
    return cmocka_run_group_tests_name("crypto/tpm_ek", tests, arena_begin, arena_end);
}
