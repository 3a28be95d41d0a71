/* tpmManufacturerCertificates: makers of TPMs trusted, shown and taken away through the interface (ours;
 * docs/tasks/attestation.md). */
#include "base/encode.h"
#include "crypto/cert.h"
#include "graph_world.h"

#define MAKERS DM "tpmManufacturerCertificates"

static const char *certificate(const char *cn, bool is_ca, bool pem)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    const struct td_rdn subject[] = {{"CN", cn}};
    struct td_cert_template t = {.subject = subject,
                                 .subject_count = 1,
                                 .not_before = BOX_NOW - TD_DAY,
                                 .not_after = BOX_NOW + TD_DAY,
                                 .is_ca = is_ca};
    struct td_slice der = {0};
    assert_ok(td_key_generate(TD_KEY_P256, &key, NULL));
    assert_ok(td_key_public_der(key, &g.box->arena, &t.spki));
    assert_ok(td_cert_issue(&t, TD_S(""), key, &g.box->arena, &der, NULL));
    return td_b64(&g.box->arena, pem ? td_str(td_cert_pem(der, &g.box->arena)) : der);
}

static void trusted_and_taken_away(void **state TD_UNUSED)
{
    const char *root = certificate("Maker", true, false);
    get(MAKERS);
    is("value", "[]");
    ask(201, "POST " MAKERS, text("{\"displayName\":\"by courier\",\"certificate\":\"%s\"}", root));
    const char *id = gw_str("id");
    assert_int_equal(strlen(id), 64);
    is_text("subject", "CN = Maker");
    is_text("displayName", "by courier");
    is_text("expirationDateTime", "2030-01-03T03:04:05Z");
    is("certificate", "(missing)");
    ask(409, "POST " MAKERS, text("{\"certificate\":\"%s\"}", root));
    ask(201, "POST " MAKERS, text("{\"certificate\":\"%s\"}", certificate("Another", true, true)));
    get(MAKERS "?$filter=displayName eq 'by courier'");
    counts(1);
    is_text("value/0/id", id);
    gw_call_as(g.foreign, "GET " MAKERS, NULL); /* each tenant has its own */
    assert_int_equal(g.status, 200);
    is("value", "[]");
    gw_call_as(g.foreign, text("DELETE " MAKERS "/%s", id), NULL);
    assert_int_equal(g.status, 404);
    askf(204, NULL, "DELETE " MAKERS "/%s", id);
    askf(404, NULL, "GET " MAKERS "/%s", id);
    get(MAKERS);
    counts(1);
    get("/beta/deviceManagement/auditEvents?$filter=category eq 'Enrollment'");
    counts(3);
}

static void what_is_no_maker_is_refused(void **state TD_UNUSED)
{
    ask(400, "POST " MAKERS, text("{\"certificate\":\"%s\"}", certificate("One TPM", false, false)));
    ask(400, "POST " MAKERS, "{\"certificate\":\"AAAA\"}");
    ask(400, "POST " MAKERS, "{\"certificate\":\"no base64\"}");
    ask(400, "POST " MAKERS, "{\"displayName\":\"nothing\"}");
    ask(405, "PATCH " MAKERS "/x", "{}");
    get(MAKERS);
    is("value", "[]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(trusted_and_taken_away), TEST(what_is_no_maker_is_refused)};
    return cmocka_run_group_tests_name("graph_tpm_makers", tests, NULL, NULL);
}
