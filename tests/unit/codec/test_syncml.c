/* codec/syncml: the examples of oma-dm.md and csp.md both ways, what real clients vary, what is refused, credentials.
 */
#include "base/encode.h"
#include "codec/syncml.h"
#include "crypto/digest.h"
#include "unit/test.h"

#include <dirent.h>

static struct td_arena arena;
static struct td_error err;

#define HDR                                                                                             \
    "<SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>3F</SessionID><MsgID>1</MsgID>" \
    "<Target><LocURI>t</LocURI></Target><Source><LocURI>s</LocURI></Source></SyncHdr>"
#define MSG(body) "<SyncML xmlns='SYNCML:SYNCML1.2'>" HDR "<SyncBody>" body "</SyncBody></SyncML>"

static struct td_sync_msg parsed(const char *text)
{
    struct td_sync_msg msg;
    if (td_syncml_parse(td_str(text), &arena, &msg, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    return msg;
}

static struct td_sync_msg read_fixture(const char *name)
{
    struct td_buf b = fixture(name);
    struct td_sync_msg msg;
    if (td_syncml_parse(td_buf_slice(&b), &arena, &msg, &err) != TD_OK)
        fail_msg("%s: %s: %s", name, err.where, err.text);
    td_buf_done(&b);
    return msg;
}

static const struct td_sync_cmd *nth(const struct td_sync_cmd *c, int n)
{
    while (n-- > 0 && c != NULL)
        c = c->next;
    assert_non_null(c);
    return c;
}

static void reads_package_one(void **state TD_UNUSED)
{
    struct td_sync_msg m = read_fixture("syncml/package1.xml");
    assert_string_equal(m.session_id, "7");
    assert_string_equal(m.msg_id, "1");
    assert_string_equal(m.source, "44444444000040008000000000000001");
    assert_int_equal(m.max_msg_size, 524288);
    assert_true(m.final);
    assert_int_equal(nth(m.cmds, 0)->kind, TD_SYNC_ALERT);
    assert_int_equal(nth(m.cmds, 0)->code, TD_ALERT_CLIENT);
    assert_string_equal(nth(m.cmds, 1)->items->meta.type, "com.microsoft/MDM/LoginStatus");
    assert_slice(nth(m.cmds, 1)->items->data, "none");
    const struct td_sync_cmd *info = nth(m.cmds, 2);
    assert_int_equal(info->kind, TD_SYNC_REPLACE);
    assert_string_equal(info->items->next->source, "./DevInfo/Man");
    assert_slice(info->items->next->data, "Example Corp");
    assert_null(info->next);
}

static void reads_answers(void **state TD_UNUSED)
{
    struct td_sync_msg m = read_fixture("syncml/package3.xml");
    const struct td_sync_cmd *results = nth(m.cmds, 2), *failed = nth(m.cmds, 4);
    assert_int_equal(results->kind, TD_SYNC_RESULTS);
    assert_string_equal(results->cmd_ref, "5");
    assert_string_equal(results->items->meta.format, "chr");
    assert_slice(results->items->data, "10.0.22631.2506");
    assert_int_equal(failed->code, 404);
    assert_int_equal(failed->original_error, 0x86000002);
    assert_string_equal(failed->cmd, "Get");
    m = read_fixture("syncml/chunk.xml");
    assert_true(nth(m.cmds, 2)->items->more_data);
    assert_int_equal(nth(m.cmds, 2)->items->meta.size, 12);
    assert_false(m.final);
    m = read_fixture("syncml/challenge.xml");
    assert_int_equal(m.cmds->code, 407);
    assert_string_equal(m.cmds->auth.type, "syncml:auth-md5");
    assert_string_equal(m.cmds->auth.next_nonce, "EBESExQVFhcYGRobHB0eHw==");
    m = read_fixture("syncml/cred.xml");
    assert_slice(m.cred.data, "DadrTLJVnnoRtTy+gxog1g==");
}

static void reads_nested_commands(void **state TD_UNUSED)
{
    struct td_sync_msg m = read_fixture("syncml/csp-50.xml");
    assert_int_equal(m.cmds->kind, TD_SYNC_SEQUENCE);
    const struct td_sync_cmd *exec = nth(m.cmds->child, 1);
    assert_int_equal(exec->kind, TD_SYNC_EXEC);
    assert_true(td_starts(exec->items->data, "<MsiInstallJob id=\"{77777777"));
    m = parsed(MSG("<Exec><CmdID>1</CmdID><Item><Data><MsiInstallJob id='{1}'><A> b&amp;c</A></MsiInstallJob></Data>"
                   "</Item></Exec>"));
    assert_slice(m.cmds->items->data, "<MsiInstallJob id=\"{1}\"><A> b&amp;c</A></MsiInstallJob>");
}

/* What oma-dm.md 3, 4 and 13 say that clients differ in. */
static void accepts_variants(void **state TD_UNUSED)
{
    struct td_sync_msg m = parsed(MSG("<Results><CmdID>9</CmdID><Cmd>Get</Cmd><Item/><Item/></Results>"));
    assert_string_equal(m.cmds->msg_ref, "1");
    assert_string_equal(m.cmds->cmd_ref, "1");
    assert_non_null(m.cmds->items->next);
    assert_false(m.cmds->items->has_data);
    m = parsed(MSG("<Alert><CmdID>2</CmdID><Data xmlns='SYNCML:SYNCML1.2'> 1226 </Data><Item><Type>x</Type>"
                   "<Format xmlns='syncml:metinf'>int</Format><Data>1</Data></Item></Alert>"));
    assert_int_equal(m.cmds->code, 1226);
    assert_string_equal(m.cmds->items->meta.type, "x");
    assert_string_equal(m.cmds->items->meta.format, "int");
    m = parsed(MSG("<Get><Meta><Format>chr</Format></Meta><Item><Meta><Type>t</Type></Meta></Item></Get><Fly/>"));
    assert_string_equal(m.cmds->cmd_id, "");
    assert_string_equal(m.cmds->items->meta.format, "chr");
    assert_string_equal(m.cmds->items->meta.type, "t");
    assert_int_equal(nth(m.cmds, 1)->kind, TD_SYNC_OTHER);
    assert_string_equal(nth(m.cmds, 1)->name, "Fly");
    m = parsed(" \n\t" MSG("<Final/>"));
    assert_true(m.final);
    m = parsed("<?xml version='1.0' encoding='UTF-8'?>" MSG("<Status><Data>abc</Data></Status>"));
    assert_int_equal(m.cmds->code, -1);
}

static void refuses_bad_messages(void **state TD_UNUSED)
{
    static const char *const bad[] = {
        "",
        "<a/>",
        "<SyncML/>",
        "<SyncML><SyncHdr/><SyncBody/></SyncML>",
        "<SyncML>" HDR "</SyncML>",
        "<SyncML><SyncHdr><VerDTD>1.1</VerDTD><VerProto>DM/1.2</VerProto></SyncHdr><SyncBody/></SyncML>",
        "<SyncML><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>1</SessionID></SyncHdr><SyncBody/>"
        "</SyncML>",
        "<!DOCTYPE SyncML [<!ENTITY a 'b'>]>" MSG("&a;"),
        MSG("<Get><CmdID>0123456789012345678901234567890123456789012345678901234567890123456789</CmdID></Get>"),
        MSG("<Results><Item><Meta><Size>many</Size></Meta></Item></Results>"),
        MSG("<Get>"),
    };
    struct td_sync_msg m;
    for (size_t i = 0; i < TD_COUNTOF(bad); i++) {
        err = (struct td_error){0};
        if (td_syncml_parse(td_str(bad[i]), &arena, &m, &err) == TD_OK)
            fail_msg("accepted: %s", bad[i]);
        assert_string_not_equal(err.where, "");
    }
}

static void bounds_commands(void **state TD_UNUSED)
{
    struct td_buf b;
    struct td_sync_msg m;
    td_buf_init(&b, 1 << 20);
    td_buf_adds(&b, "<SyncML>" HDR "<SyncBody><Replace><CmdID>1</CmdID>");
    for (int i = 0; i < TD_SYNCML_MAX_COMMANDS; i++)
        td_buf_adds(&b, "<Item/>");
    td_buf_adds(&b, "</Replace></SyncBody></SyncML>");
    assert_int_equal(td_syncml_parse(td_buf_slice(&b), &arena, &m, &err), TD_ELIMIT);
    td_buf_done(&b);
}

/* Markup in Data grows when it is written as text: what no longer fits is refused, never handed on cut. */
static void bounds_embedded_markup(void **state TD_UNUSED)
{
    struct td_buf b;
    struct td_sync_msg m;
    td_buf_init(&b, TD_SYNCML_MAX);
    td_buf_adds(&b, "<SyncML>" HDR "<SyncBody><Replace><CmdID>1</CmdID><Item><Data><x><![CDATA[");
    char *fill = td_buf_grow(&b, TD_SYNCML_MAX / 4);
    memset(fill, '&', TD_SYNCML_MAX / 4);
    td_buf_adds(&b, "]]></x></Data></Item></Replace></SyncBody></SyncML>");
    assert_int_equal(td_syncml_parse(td_buf_slice(&b), &arena, &m, &err), TD_ELIMIT);
    assert_string_equal(err.where, "Data");
    td_buf_done(&b);
}

/* decode, encode, decode, encode: the second bytes equal the first. */
static void round_trip(const char *name)
{
    struct td_sync_msg m = read_fixture(name), again;
    struct td_buf one, two;
    td_buf_init(&one, TD_SYNCML_MAX);
    td_buf_init(&two, TD_SYNCML_MAX);
    m.msft = true;
    td_syncml_write(&one, &m);
    assert_ok(td_buf_check(&one, name, &err));
    assert_ok(td_syncml_parse(td_buf_slice(&one), &arena, &again, &err));
    again.msft = true;
    td_syncml_write(&two, &again);
    assert_slice(td_buf_slice(&two), one.p);
    td_buf_done(&one);
    td_buf_done(&two);
}

static void every_fixture_survives(void **state TD_UNUSED)
{
    DIR *dir = opendir(TD_FIXTURES "/syncml");
    int count = 0;
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        char path[512];
        if (!td_ends(td_str(e->d_name), ".xml"))
            continue;
        snprintf(path, sizeof(path), "syncml/%.200s", e->d_name);
        round_trip(path);
        count++;
    }
    closedir(dir);
    assert_true(count > 20);
}

static void writes_in_order(void **state TD_UNUSED)
{
    struct td_sync_msg m = {.session_id = "7", .msg_id = "2", .target = "dev", .source = "https://m/x?a&b"};
    struct td_buf b;
    td_buf_init(&b, 4096);
    td_sync_append(&m.cmds, td_sync_status(&arena, "1", "2", "0", "SyncHdr", 200));
    struct td_sync_cmd *c = td_sync_new(&arena, TD_SYNC_REPLACE, "2");
    struct td_sync_item *item = td_sync_item(&arena, c);
    item->target = "./Device/A";
    item->meta.format = "chr";
    item->data = td_str("<a&b>");
    item->has_data = true;
    td_sync_append(&m.cmds, c);
    m.final = true;
    td_syncml_write(&b, &m);
    assert_slice(td_buf_slice(&b),
                 "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>"
                 "<SessionID>7</SessionID><MsgID>2</MsgID><Target><LocURI>dev</LocURI></Target><Source><LocURI>"
                 "https://m/x?a&amp;b</LocURI></Source></SyncHdr><SyncBody><Status><CmdID>1</CmdID><MsgRef>2</MsgRef>"
                 "<CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>200</Data></Status><Replace><CmdID>2</CmdID><Item><Target>"
                 "<LocURI>./Device/A</LocURI></Target><Meta><Format xmlns=\"syncml:metinf\">chr</Format></Meta><Data>"
                 "&lt;a&amp;b&gt;</Data></Item></Replace><Final/></SyncBody></SyncML>");
    assert_int_equal(td_syncml_end_size(true), strlen("<Final/></SyncBody></SyncML>"));
    td_buf_done(&b);
}

static void judges_uris(void **state TD_UNUSED)
{
    static const struct {
        const char *uri;
        bool ok, user;
    } rows[] = {
        {"./DevDetail/SwV", true, false}, {"./User/Vendor/MSFT/X", true, true},
        {"./user/Vendor/X", true, true},  {"./Vendor/A?prop=Type", true, false},
        {"/Vendor", false, false},        {"./A//B", false, false},
        {"./A/./B", false, false},        {"./A/*", false, false},
        {"./A/../B", false, false},       {"", false, false},
        {"./A/", false, false},           {"./Device/A%7B1%7D", true, false},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        assert_int_equal(td_sync_uri_ok(td_str(rows[i].uri)), rows[i].ok);
        assert_int_equal(td_sync_uri_is_user(td_str(rows[i].uri)), rows[i].user);
    }
}

/* The vector of oma-dm.md 7. */
static void computes_credentials(void **state TD_UNUSED)
{
    struct td_slice user = TD_S("dev-7f3a"), secret = TD_S("S3cret!pw"), nonce;
    assert_ok(td_b64_decode(&arena, TD_S("EBESExQVFhcYGRobHB0eHw=="), TD_B64_STD, &nonce));
    assert_string_equal(td_sync_cred_basic(user, secret, &arena), "ZGV2LTdmM2E6UzNjcmV0IXB3");
    assert_string_equal(td_sync_cred_md5(td_md5, user, secret, nonce, &arena), "DadrTLJVnnoRtTy+gxog1g==");
    assert_string_equal(td_sync_hmac(td_md5, user, secret, nonce, TD_S("<SyncML/>"), &arena),
                        "gIxmplEqNphT8YbRuWAD7w==");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_package_one),      cmocka_unit_test(reads_answers),
        cmocka_unit_test(reads_nested_commands),  cmocka_unit_test(accepts_variants),
        cmocka_unit_test(refuses_bad_messages),   cmocka_unit_test(bounds_commands),
        cmocka_unit_test(bounds_embedded_markup), cmocka_unit_test(every_fixture_survives),
        cmocka_unit_test(writes_in_order),        cmocka_unit_test(judges_uris),
        cmocka_unit_test(computes_credentials),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("syncml", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
