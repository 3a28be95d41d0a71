/* codec/soap: envelopes whatever their prefixes, credentials of the header, every fault there and back. */
#include "base/encode.h"
#include "codec/soap.h"
#include "unit/test.h"

#include <string.h>

static struct td_arena arena;

#define ENVELOPE(head, body)                                                                                       \
    "<s:Envelope xmlns:s='" TD_NS_SOAP "' xmlns:a='" TD_NS_ADDRESSING "' xmlns:w='" TD_NS_WSSE "'><s:Header>" head \
    "</s:Header><s:Body>" body "</s:Body></s:Envelope>"

static enum td_code parse(const char *text, struct td_soap *ret, struct td_error *err)
{
    return td_soap_parse(td_str(text), &arena, ret, err);
}

static void reads_the_header(void **state TD_UNUSED)
{
    struct td_soap soap;
    struct td_buf b = fixture("mde2/get_policies.xml");
    assert_ok(td_soap_parse(td_buf_slice(&b), &arena, &soap, NULL));
    assert_string_equal(soap.message_id, "urn:uuid:11111111-0000-4000-8000-000000000002");
    assert_string_equal(soap.to, "https://mdm.example.test/EnrollmentServer/Policy.svc");
    assert_string_equal(soap.security.token_type, TD_TOKEN_TICKET);
    assert_slice(soap.security.token, "opaque-enrol-ticket-1");
    assert_false(soap.security.has_username);
    td_buf_done(&b);
    b = fixture("mde2/rst_renewal.xml");
    assert_ok(td_soap_parse(td_buf_slice(&b), &arena, &soap, NULL));
    assert_true(soap.security.has_username);
    assert_string_equal(soap.security.username, "ada@example.test");
    assert_slice(soap.security.password, "");
    assert_string_equal(soap.security.expires, "2030-11-02T03:09:05.000Z");
    td_buf_done(&b);
}

static void takes_what_clients_send(void **state TD_UNUSED)
{
    static const char *const good[] = {
        " \r\n" ENVELOPE("", "<x/>"),
        "<?xml version='1.0'?>" ENVELOPE("", "<x/>"),
        "<Envelope xmlns='" TD_NS_SOAP "'><Body><x xmlns=''/></Body></Envelope>",
        "<e:Envelope xmlns:e='" TD_NS_SOAP11 "'><e:Body><x/></e:Body></e:Envelope>",
        ENVELOPE("<w:Security><w:BinarySecurityToken w:ValueType=' " TD_TOKEN_JWT " '>\n YS5iLmM=\r\n"
                 "</w:BinarySecurityToken></w:Security>",
                 "<x/>"),
        /* URL-safe alphabet, no padding */
        ENVELOPE("<w:Security><w:BinarySecurityToken>-_-_</w:BinarySecurityToken></w:Security>", "<x/>"),
    };
    struct td_soap soap;
    for (size_t i = 0; i < TD_COUNTOF(good); i++) {
        assert_ok(parse(good[i], &soap, NULL));
        assert_string_equal(soap.body->name, "x");
    }
    assert_ok(parse(good[4], &soap, NULL));
    assert_string_equal(soap.security.token_type, TD_TOKEN_JWT);
    assert_slice(soap.security.token, "a.b.c");
}

static void refuses_what_is_wrong(void **state TD_UNUSED)
{
    static const struct {
        const char *text, *where;
    } bad[] = {
        {"<x/>", "Envelope"},
        {"<Envelope xmlns='urn:other'><Body><x/></Body></Envelope>", "Envelope"},
        {ENVELOPE("", ""), "Body"},
        {"<e:Envelope xmlns:e='" TD_NS_SOAP "'/>", "Body"},
        {ENVELOPE("<w:Security><w:BinarySecurityToken>!!</w:BinarySecurityToken></w:Security>", "<x/>"), "Security"},
        {ENVELOPE("<w:Security><w:BinarySecurityToken/></w:Security>", "<x/>"), "Security"},
        {ENVELOPE("<w:Security><w:BinarySecurityToken>YQ==</w:BinarySecurityToken>"
                  "<w:BinarySecurityToken>YQ==</w:BinarySecurityToken></w:Security>",
                  "<x/>"),
         "Security"},
    };
    struct td_soap soap;
    struct td_error err;
    for (size_t i = 0; i < TD_COUNTOF(bad); i++) {
        assert_int_equal(parse(bad[i].text, &soap, &err), TD_EFORMAT);
        assert_string_equal(err.where, bad[i].where);
    }
    assert_int_not_equal(parse("<!DOCTYPE s:Envelope [<!ENTITY a 'b'>]>" ENVELOPE("", "<x>&a;</x>"), &soap, &err),
                         TD_OK);
    struct td_buf big;
    td_buf_init(&big, TD_SOAP_MAX * 2);
    td_buf_adds(&big, ENVELOPE("", "<x/>"));
    while (big.n <= TD_SOAP_MAX)
        td_buf_adds(&big, "                                                                ");
    assert_int_equal(td_soap_parse(td_buf_slice(&big), &arena, &soap, &err), TD_ELIMIT);
    td_buf_done(&big);
}

static void writes_both_credentials(void **state TD_UNUSED)
{
    struct td_soap in = {.action = "urn:a", .message_id = "urn:uuid:1", .to = "https://x/?a=1&b=2"}, out;
    in.security = (struct td_soap_security){.has_token = true, .token_type = TD_TOKEN_JWT, .token = TD_S("a.b.c")};
    struct td_buf b;
    struct td_xmlw w;
    for (int round = 0; round < 2; round++) {
        td_buf_init(&b, 1 << 16);
        td_xmlw_init(&w, &b);
        td_soap_begin(&w, &in);
        td_xmlw_leaf(&w, "x", "y");
        assert_ok(td_soap_end(&w, NULL));
        assert_ok(td_soap_parse(td_buf_slice(&b), &arena, &out, NULL));
        assert_string_equal(out.action, in.action);
        assert_string_equal(out.to, in.to);
        assert_int_equal(out.security.has_token, in.security.has_token);
        assert_true(td_eq(out.security.token, in.security.token));
        assert_int_equal(out.security.has_username, in.security.has_username);
        assert_true(td_eq(out.security.password, in.security.password));
        td_buf_done(&b);
        in.security = (struct td_soap_security){
            .has_username = true, .username = "ada@example.test", .password = TD_S(" p<&>\"w ")};
    }
    td_soap_wipe(&out);
    assert_int_equal(out.security.password.n, 0);
}

static void every_fault_there_and_back(void **state TD_UNUSED)
{
    for (int i = 0; i < TD_FAULT_COUNT; i++) {
        const struct td_fault_row *row = &td_fault_table[i];
        assert_non_null(row->subcode);
        assert_true(row->cause[0] != '\0' && row->remedy[0] != '\0');
        struct td_fault_text text = {.reason = "why <so>", .message = "more", .trace_id = "t-1"}, got;
        struct td_buf b;
        td_buf_init(&b, 1 << 16);
        assert_ok(td_soap_fault("urn:act", "urn:uuid:9", (enum td_fault)i, &text, &b, NULL));
        struct td_soap soap;
        assert_ok(td_soap_parse(td_buf_slice(&b), &arena, &soap, NULL));
        assert_string_equal(soap.relates_to, "urn:uuid:9");
        enum td_fault fault;
        assert_true(td_soap_is_fault(&soap, &arena, &fault, &got));
        assert_int_equal(fault, i);
        assert_string_equal(got.reason, "why <so>");
        assert_string_equal(got.message, row->error_type != NULL ? "more" : "");
        assert_string_equal(got.trace_id, row->error_type != NULL ? "t-1" : "");
        struct td_error err;
        assert_int_not_equal(td_fault_error(fault, &got, &err), TD_OK);
        assert_int_equal(err.hresult, row->hresult);
        assert_string_equal(err.remedy, row->remedy);
        td_buf_done(&b);
    }
}

static void reads_the_documents_fault(void **state TD_UNUSED)
{
    struct td_soap soap;
    enum td_fault fault;
    struct td_fault_text text;
    struct td_buf b = fixture("mde2/fault.xml");
    assert_ok(td_soap_parse(td_buf_slice(&b), &arena, &soap, NULL));
    assert_true(td_soap_is_fault(&soap, &arena, &fault, &text));
    assert_int_equal(fault, TD_FAULT_DEVICE_CAP);
    assert_string_equal(text.message, "Limit of 5 devices reached");
    /* as the published pages print it: every name in lower case */
    assert_ok(parse(ENVELOPE("", "<s:fault><s:code><s:value>s:receiver</s:value><s:subcode><s:value>s:authentication"
                                 "</s:value></s:subcode></s:code><s:reason><s:text>no</s:text></s:reason></s:fault>"),
                    &soap, NULL));
    assert_true(td_soap_is_fault(&soap, &arena, &fault, &text));
    assert_int_equal(fault, TD_FAULT_AUTHENTICATION);
    assert_string_equal(text.reason, "no");
    assert_ok(parse(ENVELOPE("", "<s:Fault/>"), &soap, NULL));
    assert_true(td_soap_is_fault(&soap, &arena, &fault, &text));
    assert_int_equal(fault, TD_FAULT_ENROLLMENT_SERVER);
    assert_ok(parse(ENVELOPE("", "<x/>"), &soap, NULL));
    assert_false(td_soap_is_fault(&soap, &arena, &fault, &text));
    td_buf_done(&b);
}

/* One table serves the documents too: each row of it stands in docs/tasks/enrol.md. */
static void documents_name_every_fault(void **state TD_UNUSED)
{
    struct td_buf b = fixture("../../docs/tasks/enrol.md");
    for (int i = 0; i < TD_FAULT_COUNT; i++) {
        const struct td_fault_row *row = &td_fault_table[i];
        const char *name = row->error_type != NULL ? row->error_type : row->subcode;
        const char *line =
            td_arena_printf(&arena, "| %s | `0x%08x` | %s | %s |", name, row->hresult, row->cause, row->remedy);
        if (td_search(td_buf_slice(&b), td_str(line)) == SIZE_MAX)
            fail_msg("docs/tasks/enrol.md lacks: %s", line);
    }
    td_buf_done(&b);
}

static int done(void **state TD_UNUSED)
{
    td_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_header),           cmocka_unit_test(takes_what_clients_send),
        cmocka_unit_test(refuses_what_is_wrong),      cmocka_unit_test(writes_both_credentials),
        cmocka_unit_test(every_fault_there_and_back), cmocka_unit_test(reads_the_documents_fault),
        cmocka_unit_test(documents_name_every_fault),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
