/* api/ek_issuers: a missing certificate of a TPM's maker is fetched where the tenant wants it, once, and is no anchor;
 * crypto/bundle: files as makers publish them. */
#include "api/ek_issuers.h"
#include "base/encode.h"
#include "connect/ek_fetch.h"
#include "crypto/bundle.h"
#include "crypto/cert.h"
#include "store/attestation.h"
#include "wire/service_box.h"

static struct service_box *box;
static struct td_key *root_key, *between_key, *leaf_key;
static struct td_slice root, between, leaf, forged; /* forged: the name of between, another key's signature */

static const char url[] = "http://maker.test/between.cer";

/* Answers what the test says; counts how often it was asked. */
struct answers {
    struct td_ek_fetch f;
    struct td_slice der;
    enum td_code code; /* of an empty answer */
    int asked;
};

static enum td_code answer(struct td_ek_fetch *f, const char *asked, int seconds, struct td_arena *a TD_UNUSED,
                           struct td_slice *ret, struct td_error *err)
{
    struct answers *w = f->ctx;
    w->asked++;
    assert_string_equal(asked, url);
    assert_in_range(seconds, 1, TD_EK_FETCH_SECONDS);
    *ret = w->der;
    return w->der.n != 0 ? TD_OK : td_fail(err, w->code, "issuer", "no answer");
}

static struct answers answers;

static void make(const char *cn, bool is_ca, struct td_slice issuer, struct td_key *by, struct td_key *key,
                 struct td_slice *ret)
{
    struct td_rdn subject[] = {{"CN", cn}};
    struct td_cert_template t = {.subject = subject,
                                 .subject_count = 1,
                                 .not_before = BOX_NOW - TD_DAY,
                                 .not_after = BOX_NOW + 1000 * TD_DAY,
                                 .is_ca = is_ca,
                                 .ca_url = is_ca ? NULL : url};
    struct td_error err;
    memset(t.serial, 0x11, sizeof(t.serial));
    assert_ok(td_key_public_der(key, &box->arena, &t.spki));
    if (td_cert_issue(&t, issuer, by, &box->arena, ret, &err) != TD_OK)
        fail_msg("%s: %s", cn, err.text);
}

static void allow(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_tenant_set(tx, b->tenant, "ek-issuer-fetch", "on", "test", NULL));
}

static int setup(void **state)
{
    struct td_key **const keys[] = {&root_key, &between_key, &leaf_key};
    int rc = box_setup(state);
    box = *state;
    for (size_t i = 0; i < TD_COUNTOF(keys); i++)
        assert_ok(td_key_generate(TD_KEY_P256, keys[i], NULL));
    make("Maker root", true, TD_S(""), root_key, root_key, &root);
    make("Maker between", true, root, root_key, between_key, &between);
    make("TPM", false, between, between_key, leaf_key, &leaf);
    make("Maker between", true, root, leaf_key, between_key, &forged);
    answers = (struct answers){.der = between, .code = TD_EUNAVAILABLE};
    answers.f.get = answer;
    answers.f.ctx = &answers;
    box->svc.ek_fetch = &answers.f;
    return rc;
}

static int teardown(void **state)
{
    td_key_free(root_key);
    td_key_free(between_key);
    td_key_free(leaf_key);
    return box_teardown(state);
}

static enum td_code chain(const char *tenant, const struct td_slice *more, size_t count)
{
    const struct td_ek_chain c = {leaf, &root, 1, more, count};
    struct td_error err;
    return td_ek_issuers_chain(&box->svc, tenant, &c, &box->arena, &err);
}

static void only_where_it_is_wanted(void **state TD_UNUSED)
{
    assert_int_equal(chain(box->tenant, NULL, 0), TD_EAUTH); /* off at first */
    assert_int_equal(answers.asked, 0);
    box_in_write(box, allow);
    assert_int_equal(chain(box->other, NULL, 0), TD_EAUTH);
    assert_int_equal(answers.asked, 0);
    assert_ok(chain(box->tenant, NULL, 0));
    assert_int_equal(answers.asked, 1);
    box->svc.ek_fetch = NULL;
    assert_int_equal(chain(box->tenant, NULL, 0), TD_EAUTH);
}

static void what_came_is_kept(void **state TD_UNUSED)
{
    box_in_write(box, allow);
    assert_ok(chain(box->tenant, &between, 1)); /* sent by the device */
    assert_int_equal(answers.asked, 0);
    assert_ok(chain(box->tenant, NULL, 0));
    assert_ok(chain(box->tenant, NULL, 0));
    assert_int_equal(answers.asked, 1);
    box->world.now += TD_EK_ISSUER_FRESH;
    assert_ok(chain(box->tenant, NULL, 0));
    assert_int_equal(answers.asked, 2);
    box->world.now += TD_EK_ISSUER_FRESH; /* no answer any more: the old one serves on */
    answers.der = TD_S("");
    assert_ok(chain(box->tenant, NULL, 0));
    assert_int_equal(answers.asked, 3);
}

static void nothing_that_comes_is_trusted(void **state TD_UNUSED)
{
    const struct td_slice bad[] = {TD_S(""), TD_S("<html>"), leaf, root, forged};
    box_in_write(box, allow);
    for (size_t i = 0; i < TD_COUNTOF(bad); i++) {
        answers.der = bad[i];
        assert_int_equal(chain(box->tenant, NULL, 0), TD_EAUTH);
        assert_int_equal(chain(box->tenant, NULL, 0), TD_EAUTH);
        assert_int_equal(answers.asked, (int)i + 1); /* in vain: not at once again */
        box->world.now += TD_EK_ISSUER_IN_VAIN;
    }
    answers.der = between;
    assert_ok(chain(box->tenant, NULL, 0));
    const struct td_ek_chain none = {leaf, NULL, 0, NULL, 0};
    assert_int_equal(td_ek_issuers_chain(&box->svc, box->tenant, &none, &box->arena, NULL), TD_EAUTH);
}

/* Somebody names the maker's address in a certificate that the maker never signed; or nobody had time to ask. */
static void strangers_close_nothing(void **state TD_UNUSED)
{
    struct td_slice own = leaf;
    box_in_write(box, allow);
    make("TPM", false, between, root_key, leaf_key, &leaf);
    assert_int_equal(chain(box->tenant, NULL, 0), TD_EAUTH);
    assert_int_equal(answers.asked, 1);
    leaf = own;
    assert_ok(chain(box->tenant, NULL, 0));
    assert_int_equal(answers.asked, 2);
    box->world.now += TD_EK_ISSUER_FRESH;
    answers.der = forged; /* nor does what leads nowhere take the place of what did */
    assert_int_equal(chain(box->tenant, NULL, 0), TD_EAUTH);
    assert_ok(chain(box->tenant, NULL, 0));
    assert_int_equal(answers.asked, 3);
}

static void too_busy_is_not_in_vain(void **state TD_UNUSED)
{
    box_in_write(box, allow);
    answers.der = TD_S("");
    answers.code = TD_ESTATE;
    assert_int_equal(chain(box->tenant, NULL, 0), TD_EAUTH);
    answers.der = between;
    assert_ok(chain(box->tenant, NULL, 0));
    assert_int_equal(answers.asked, 2);
}

/* --- files --- */

static size_t bundle(struct td_slice file, struct td_slice **ret)
{
    size_t n = 0;
    struct td_error err;
    if (td_bundle_read(file, &box->arena, ret, &n, &err) == TD_OK)
        return n;
    assert_int_equal(err.code, TD_EFORMAT);
    return 0;
}

static struct td_slice pems(const char *separator)
{
    return td_str(td_arena_printf(&box->arena, "%s%s%s%s%s", td_cert_pem(root, &box->arena), separator,
                                  td_cert_pem(between, &box->arena), separator, td_cert_pem(root, &box->arena)));
}

static void files_as_makers_publish_them(void **state TD_UNUSED)
{
    struct td_slice *list = NULL;
    assert_int_equal(bundle(root, &list), 1);
    assert_true(td_eq(list[0], root));
    assert_int_equal(bundle(pems(""), &list), 2); /* each once */
    assert_true(td_eq(list[0], root) && td_eq(list[1], between));
    assert_int_equal(bundle(pems("\r\nsubject=Maker\r\n"), &list), 2);
    assert_int_equal(bundle(td_str(td_arena_printf(&box->arena, "\xEF\xBB\xBF%s", pems("").p)), &list), 2);
    assert_int_equal(bundle(TD_S(""), &list), 0);
    assert_int_equal(bundle(TD_S("no certificate"), &list), 0);
    assert_int_equal(bundle(TD_S("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), &list), 0);
    assert_int_equal(bundle(td_sub(pems(""), 0, 300), &list), 0);
    assert_int_equal(bundle(td_sub(root, 0, root.n - 1), &list), 0);
    assert_int_equal(bundle(TD_S("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), &list), 0);
}

static struct td_slice file_of(const char *name)
{
    struct td_buf b;
    td_buf_init(&b, 65536);
    assert_ok(td_file_read(td_arena_printf(&box->arena, "%s/%s", box->dir, name), &b, NULL));
    struct td_slice out = td_arena_copy(&box->arena, td_buf_slice(&b));
    td_buf_done(&b);
    return out;
}

static void bags_of_another_make(void **state TD_UNUSED)
{
    const char *in = td_arena_printf(&box->arena, "%s/a.pem", box->dir),
               *pem = td_arena_printf(&box->arena, "%s/b.pem", box->dir),
               *der = td_arena_printf(&box->arena, "%s/x.der", box->dir);
    const char *const to_pem[] = {"openssl", "crl2pkcs7", "-nocrl", "-certfile", in, "-out", pem, NULL};
    const char *const to_der[] = {"openssl", "crl2pkcs7", "-nocrl",   "-certfile", in,
                                  "-out",    der,         "-outform", "DER",       NULL};
    struct td_slice *list = NULL;
    assert_ok(td_file_write(in, pems(""), 0600, NULL));
    if (run_program(to_pem) != 0 || run_program(to_der) != 0)
        skip();
    assert_int_equal(bundle(file_of("b.pem"), &list), 2);
    assert_true(td_eq(list[1], between));
    assert_int_equal(bundle(file_of("x.der"), &list), 2);
    assert_int_equal(bundle(td_sub(file_of("x.der"), 0, 100), &list), 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(only_where_it_is_wanted),      TEST(what_came_is_kept),    TEST(nothing_that_comes_is_trusted),
        TEST(files_as_makers_publish_them), TEST(bags_of_another_make), TEST(strangers_close_nothing),
        TEST(too_busy_is_not_in_vain),
    };
    return cmocka_run_group_tests_name("ek_issuers", tests, NULL, NULL);
}
