/* The authority and its public door: one authority for all processes, purposes kept apart, revocation visible by list
 * and OCSP; openssl(1) judges what we issue. */
#include "api/pki.h"
#include "base/encode.h"
#include "service_box.h"

static int ask(struct service_box *b, const char *method, const char *target, struct td_slice body)
{
    return box_ask(b, td_pki_routes, td_pki_route_count, method, target, NULL, body, NULL);
}

static struct td_slice issue(struct service_box *b, enum td_purpose purpose, const char *cn, int64_t life)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    const struct td_rdn subject[] = {{"CN", cn}};
    struct td_cert_template t = {
        .subject = subject, .subject_count = 1, .not_before = BOX_NOW - TD_HOUR, .not_after = BOX_NOW + life};
    struct td_slice der = TD_S("");
    struct td_error err = {0};
    assert_ok(td_key_generate(TD_KEY_P256, &key, &err));
    assert_ok(td_key_public_der(key, &b->arena, &t.spki));
    if (td_authority_issue(&b->svc, purpose, &t, &b->arena, &der, &err) != TD_OK)
        fail_msg("%s", err.text);
    return der;
}

static struct td_cert_row to_record;

static void record_it(struct td_tx *tx, struct service_box *b TD_UNUSED)
{
    assert_ok(td_cert_record(tx, &to_record, NULL));
}

static struct td_slice known(struct service_box *b, enum td_purpose purpose, const char *word, const char *cn,
                             int64_t life)
{
    struct td_slice der = issue(b, purpose, cn, life);
    struct td_cert cert;
    struct td_error err;
    assert_ok(td_cert_parse(der, &b->arena, &cert, &err));
    to_record = (struct td_cert_row){
        .tenant = b->tenant, .purpose = word, .subject = cn, .serial = cert.serial, .not_after = cert.not_after};
    memcpy(to_record.sha256, cert.sha256, 32);
    box_in_write(b, record_it);
    return der;
}

struct verdict {
    struct service_box *box;
    struct td_slice cert;
    enum td_purpose purpose;
    enum td_code rc;
    struct td_peer_identity who;
};

static enum td_code judge(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct verdict *v = ctx;
    struct td_peer peer = box_peer(v->cert);
    struct td_peer_identity again;
    v->rc = td_authority_peer(&v->box->svc, tx, &peer, v->purpose, &v->box->arena, &v->who, err);
    if (v->cert.n != 0)
        assert_int_equal(td_authority_cert(&v->box->svc, tx, v->cert, v->purpose, &v->box->arena, &again, err), v->rc);
    return TD_OK;
}

static enum td_code verdict(struct service_box *b, struct td_slice cert, enum td_purpose purpose,
                            const char **ret_subject)
{
    struct verdict v = {.box = b, .cert = cert, .purpose = purpose};
    struct td_error err;
    assert_ok(td_store_read(b->svc.store, judge, &v, &err));
    if (ret_subject != NULL)
        *ret_subject = v.who.subject;
    return v.rc;
}

static void revoke_d1(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_cert_revoke(tx, b->tenant, "device", "d1", NULL));
}

static void judges_client_certificates(void **state)
{
    struct service_box *b = *state;
    const char *subject = NULL;
    struct td_slice device = known(b, TD_PURPOSE_DEVICE, "device", "d1", 10 * TD_DAY);
    struct td_slice management = known(b, TD_PURPOSE_MANAGEMENT, "management", "e1", 10 * TD_DAY);
    struct td_slice unknown = issue(b, TD_PURPOSE_DEVICE, "d2", TD_DAY);
    struct td_buf foreign_pem = fixture("vectors/TEST-ONLY-drsdev.crt");
    struct td_slice foreign;
    struct td_error err;
    assert_ok(td_cert_from_pem(td_buf_slice(&foreign_pem), &b->arena, &foreign, &err));
    td_buf_done(&foreign_pem);
    for (int again = 0; again < 2; again++) { /* from the chain, then from memory */
        assert_int_equal(verdict(b, device, TD_PURPOSE_DEVICE, &subject), TD_OK);
        assert_string_equal(subject, "d1");
        assert_int_equal(verdict(b, device, TD_PURPOSE_MANAGEMENT, NULL), TD_EDENIED);
        assert_int_equal(verdict(b, management, TD_PURPOSE_DEVICE, NULL), TD_EDENIED);
        assert_int_equal(verdict(b, management, TD_PURPOSE_MANAGEMENT, NULL), TD_OK);
        assert_int_equal(verdict(b, foreign, TD_PURPOSE_DEVICE, NULL), TD_EAUTH);
        assert_int_equal(verdict(b, unknown, TD_PURPOSE_DEVICE, NULL), TD_EAUTH);
        assert_int_equal(verdict(b, TD_S(""), TD_PURPOSE_DEVICE, NULL), TD_EAUTH);
        assert_int_equal(verdict(b, TD_S("junk"), TD_PURPOSE_DEVICE, NULL), TD_EAUTH);
    }
    b->world.now = BOX_NOW + 10 * TD_DAY + TD_SECOND;
    assert_int_equal(verdict(b, device, TD_PURPOSE_DEVICE, NULL), TD_EEXPIRED);
    b->world.now = BOX_NOW - TD_DAY;
    assert_int_equal(verdict(b, device, TD_PURPOSE_DEVICE, NULL), TD_EEXPIRED);
    b->world.now = BOX_NOW;
    box_in_write(b, revoke_d1);
    assert_int_equal(verdict(b, device, TD_PURPOSE_DEVICE, NULL), TD_EDENIED);
}

/* A certificate that names our intermediate as its issuer, but is signed by somebody else. */
static void believes_no_borrowed_name(void **state)
{
    struct service_box *b = *state;
    TD_CLEANUP(td_key_cleanup) struct td_key *ca_key = NULL;
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_cert ours;
    struct td_error err;
    struct td_slice ca, leaf;
    assert_ok(td_cert_parse(td_authority_intermediate(b->svc.authority, TD_PURPOSE_DEVICE), &b->arena, &ours, &err));
    const char *ou = strstr(ours.subject, "OU = ") + 5;
    const struct td_rdn name[] = {{"CN", ours.subject_cn}, {"OU", ou}}, subject[] = {{"CN", "d1"}};
    struct td_cert_template t = {.subject = name,
                                 .subject_count = 2,
                                 .not_before = BOX_NOW - TD_DAY,
                                 .not_after = BOX_NOW + TD_DAY,
                                 .is_ca = true};
    assert_ok(td_key_generate(TD_KEY_P256, &ca_key, &err));
    assert_ok(td_key_generate(TD_KEY_P256, &key, &err));
    assert_ok(td_key_public_der(ca_key, &b->arena, &t.spki));
    assert_ok(td_cert_issue(&t, TD_S(""), ca_key, &b->arena, &ca, &err));
    t = (struct td_cert_template){.subject = subject,
                                  .subject_count = 1,
                                  .not_before = BOX_NOW - TD_DAY,
                                  .not_after = BOX_NOW + TD_DAY,
                                  .eku = TD_EKU_CLIENT};
    assert_ok(td_key_public_der(key, &b->arena, &t.spki));
    assert_ok(td_cert_issue(&t, ca, ca_key, &b->arena, &leaf, &err));
    assert_int_equal(verdict(b, leaf, TD_PURPOSE_DEVICE, NULL), TD_EAUTH);
}

static void stays_the_same_authority(void **state)
{
    struct service_box *b = *state;
    struct td_authority *second = NULL;
    struct td_error err;
    struct td_buf pem;
    assert_ok(td_authority_open(&b->svc, &second, &err));
    assert_true(td_eq(td_authority_root(second), td_authority_root(b->svc.authority)));
    td_authority_close(second);
    struct td_slice root = td_arena_copy(&b->arena, td_authority_root(b->svc.authority)), der;
    box_stop(b);
    box_start(b);
    assert_true(td_eq(root, td_authority_root(b->svc.authority)));
    td_buf_init(&pem, 8192);
    assert_ok(td_file_read(td_arena_printf(&b->arena, "%s/ca.pem", b->dir), &pem, &err));
    assert_ok(td_cert_from_pem(td_buf_slice(&pem), &b->arena, &der, &err));
    assert_true(td_eq(root, der));
    td_buf_done(&pem);
    for (enum td_purpose p = 0; p < TD_PURPOSE_COUNT; p++) {
        struct td_cert c;
        assert_ok(td_cert_parse(td_authority_intermediate(b->svc.authority, p), &b->arena, &c, &err));
        assert_true(c.is_ca);
        assert_ok(td_cert_check_chain(c.der, TD_S(""), root, BOX_NOW, 0, &err));
    }
}

/* What a starting process does; tells the root's fingerprint into fd. */
static int start(const char *dir, unsigned seed, int fd)
{
    struct td_env_fixed world;
    struct td_service svc = {.env = &world.env, .data_dir = dir};
    struct td_error err = {0};
    unsigned char root[32];
    td_env_fixed_init(&world, BOX_NOW, seed);
    if (td_store_open(dir, &world.env, &svc.store, &err) != TD_OK ||
        td_authority_open(&svc, &svc.authority, &err) != TD_OK) {
        print_error("%s: %s\n", err.where, err.text);
        return 1;
    }
    td_sha256(td_authority_root(svc.authority), root);
    td_authority_close(svc.authority);
    td_store_close(svc.store);
    return write(fd, root, sizeof(root)) == (ssize_t)sizeof(root) ? 0 : 1;
}

static void agrees_when_two_start_at_once(void **state)
{
    struct service_box *b = *state;
    const char *dir = td_arena_printf(&b->arena, "%s/fresh", b->dir);
    unsigned char roots[2][32];
    int pipes[2], status = -1;
    pid_t children[2];
    assert_int_equal(pipe(pipes), 0);
    for (unsigned i = 0; i < 2; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(start(dir, 11 * (i + 1), pipes[1]));
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(read(pipes[0], roots[i], sizeof(roots[i])), sizeof(roots[i]));
    assert_memory_equal(roots[0], roots[1], 32);
    close(pipes[0]);
    close(pipes[1]);
    static const char *const names[] = {"store.db", "store.db-wal", "store.db-shm", "master.key", "ca.pem"};
    for (size_t i = 0; i < TD_COUNTOF(names); i++)
        unlink(td_arena_printf(&b->arena, "%s/%s", dir, names[i]));
    assert_int_equal(rmdir(dir), 0);
}

static void another_master_key_opens_nothing(void **state)
{
    struct service_box *b = *state;
    struct td_authority *second = NULL;
    struct td_service svc = b->svc;
    struct td_error err;
    memset(svc.master.key, 7, sizeof(svc.master.key));
    assert_int_equal(td_authority_open(&svc, &second, &err), TD_EFORMAT);
    assert_null(second);
    assert_true(strstr(err.remedy, "master.key") != NULL);
}

static char *server_chain(struct service_box *b, const char *const *names)
{
    struct td_error err = {0};
    char *chain = NULL, *key = NULL;
    if (td_authority_server_pem(&b->svc, names, &b->arena, &chain, &key, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    assert_true(td_starts(td_str(key), "-----BEGIN PRIVATE KEY-----"));
    return chain;
}

static void keeps_and_renews_the_server_certificate(void **state)
{
    struct service_box *b = *state;
    static const char *const none[] = {NULL}, *const two[] = {"MDM.example.test:8443",
                                                              "people.example.test:8443,people", NULL};
    struct td_slice der;
    struct td_cert c;
    struct td_error err;
    char *first = server_chain(b, none);
    assert_string_equal(server_chain(b, none), first);
    char *wider = server_chain(b, two);
    assert_string_not_equal(wider, first);
    assert_string_equal(server_chain(b, none), wider); /* it still covers what is asked */
    assert_ok(td_cert_from_pem(td_str(wider), &b->arena, &der, &err));
    assert_ok(td_cert_parse(der, &b->arena, &c, &err));
    static const char *const want[] = {"mdm.example.test", "people.example.test", "localhost", "127.0.0.1", "::1"};
    for (size_t i = 0; i < TD_COUNTOF(want); i++)
        assert_string_equal(c.dns_names[i], want[i]);
    assert_null(c.dns_names[TD_COUNTOF(want)]);
    assert_ok(td_cert_check_chain(der, td_authority_intermediate(b->svc.authority, TD_PURPOSE_SERVER),
                                  td_authority_root(b->svc.authority), BOX_NOW, TD_EKU_SERVER, &err));
    b->world.now = c.not_after - 61 * TD_DAY;
    assert_string_equal(server_chain(b, two), wider);
    b->world.now = c.not_after - 59 * TD_DAY;
    assert_string_not_equal(server_chain(b, two), wider);
}

static void openssl_trusts_the_server(void **state)
{
    struct service_box *b = *state;
    static const char *const names[] = {"mdm.example.test:8443", NULL};
    box_need_openssl();
    const char *chain = server_chain(b, names), *root = td_arena_printf(&b->arena, "%s/ca.pem", b->dir);
    const char *leaf = box_file(b, "a.pem", td_str(chain));
    const char *verify[] = {"openssl",
                            "verify",
                            "-x509_strict",
                            "-attime",
                            "1893553445",
                            "-purpose",
                            "sslserver",
                            "-verify_hostname",
                            "mdm.example.test",
                            "-CAfile",
                            root,
                            "-untrusted",
                            leaf,
                            leaf,
                            NULL};
    assert_int_equal(run_program(verify), 0);
    verify[8] = "other.example.test";
    assert_int_not_equal(run_program(verify), 0);
    verify[7] = "-verify_ip";
    verify[8] = "::1";
    assert_int_equal(run_program(verify), 0);
}

static void serves_certificates(void **state)
{
    struct service_box *b = *state;
    assert_int_equal(ask(b, "GET", "/pki/root.crt", TD_S("")), 200);
    assert_string_equal(b->reply.content_type, "application/pkix-cert");
    assert_true(td_eq(td_buf_slice(&b->reply.body), td_authority_root(b->svc.authority)));
    assert_int_equal(ask(b, "GET", "/PKI/Management.CRT", TD_S("")), 200);
    assert_true(
        td_eq(td_buf_slice(&b->reply.body), td_authority_intermediate(b->svc.authority, TD_PURPOSE_MANAGEMENT)));
    static const char *const missing[] = {"/pki/device", "/pki/device.pem", "/pki/.crt", "/pki/x.crl",
                                          "/pki/..%2fmaster.key"};
    for (size_t i = 0; i < TD_COUNTOF(missing); i++)
        assert_int_equal(ask(b, "GET", missing[i], TD_S("")), 404);
    assert_int_equal(ask(b, "POST", "/pki/root.crt", TD_S("")), 405);
}

static void tells_of_revocation(void **state)
{
    struct service_box *b = *state;
    box_need_openssl();
    struct td_slice device = known(b, TD_PURPOSE_DEVICE, "device", "d1", 10 * TD_DAY);
    const char *root = td_arena_printf(&b->arena, "%s/ca.pem", b->dir);
    const char *between = box_file(
        b, "b.pem", td_str(td_cert_pem(td_authority_intermediate(b->svc.authority, TD_PURPOSE_DEVICE), &b->arena)));
    const char *leaf = box_file(b, "a.pem", td_str(td_cert_pem(device, &b->arena)));
    const char *req = td_arena_printf(&b->arena, "%s/x.der", b->dir);
    const char *make[] = {"openssl", "ocsp", "-issuer", between, "-cert", leaf, "-reqout", req, NULL};
    struct td_buf request;
    struct td_error err;
    assert_int_equal(run_program(make), 0);
    td_buf_init(&request, 4096);
    assert_ok(td_file_read(req, &request, &err));
    const char *get = td_arena_printf(&b->arena, "/ocsp/%s", td_b64(&b->arena, td_buf_slice(&request)));
    for (int revoked = 0; revoked < 2; revoked++) {
        if (revoked == 1)
            box_in_write(b, revoke_d1);
        assert_int_equal(ask(b, "GET", "/pki/device.crl", TD_S("")), 200);
        const char *crl = box_file(b, "y.der", td_buf_slice(&b->reply.body));
        const char *verify[] = {"openssl", "verify", "-attime",    "1893553445", "-crl_check", "-CRLfile", crl,
                                "-CAfile", root,     "-untrusted", between,      leaf,         NULL};
        assert_true(revoked == 0 ? run_program(verify) == 0 : run_program(verify) != 0);
        for (int way = 0; way < 2; way++) {
            assert_int_equal(way == 0 ? ask(b, "POST", "/ocsp", td_buf_slice(&request)) : ask(b, "GET", get, TD_S("")),
                             200);
            assert_string_equal(b->reply.content_type, "application/ocsp-response");
            const char *resp = box_file(b, "y.der", td_buf_slice(&b->reply.body));
            const char *read[] = {"openssl", "ocsp",          "-respin", resp,      "-reqin",     req, "-CAfile",
                                  root,      "-verify_other", between,   "-attime", "1893553445", NULL};
            assert_int_equal(run_program(read), 0);
            /* certStatus: [0] good is 80 00, [1] revoked begins A1 */
            bool says_good = td_search(td_buf_slice(&b->reply.body), td_bytes("\x80\x00\x18", 3)) != SIZE_MAX;
            assert_int_equal(says_good, revoked == 0);
        }
    }
    assert_int_equal(ask(b, "POST", "/ocsp", TD_S("junk")), 200);
    assert_string_equal(td_hex(&b->arena, td_buf_slice(&b->reply.body)), "30030a0101");
    assert_int_equal(ask(b, "GET", "/ocsp/not*base64", TD_S("")), 200);
    assert_string_equal(td_hex(&b->arena, td_buf_slice(&b->reply.body)), "30030a0101");
    td_buf_done(&request);
}

/* A client that checks every link of the chain asks for the root's list too. */
static void every_link_can_be_checked(void **state)
{
    struct service_box *b = *state;
    box_need_openssl();
    struct td_slice device = known(b, TD_PURPOSE_DEVICE, "device", "d1", 10 * TD_DAY);
    const char *root = td_arena_printf(&b->arena, "%s/ca.pem", b->dir);
    const char *between = box_file(
        b, "b.pem", td_str(td_cert_pem(td_authority_intermediate(b->svc.authority, TD_PURPOSE_DEVICE), &b->arena)));
    const char *leaf = box_file(b, "a.pem", td_str(td_cert_pem(device, &b->arena)));
    const char *lists = td_arena_printf(&b->arena, "%s/c.pem", b->dir);
    for (int revoked = 0; revoked < 2; revoked++) {
        struct td_buf both;
        struct td_error err;
        td_buf_init(&both, 65536);
        if (revoked == 1)
            box_in_write(b, revoke_d1);
        static const char *const names[] = {"/pki/root.crl", "/pki/device.crl"};
        for (size_t i = 0; i < TD_COUNTOF(names); i++) {
            assert_int_equal(ask(b, "GET", names[i], TD_S("")), 200);
            assert_string_equal(b->reply.content_type, "application/pkix-crl");
            const char *in = box_file(b, "y.der", td_buf_slice(&b->reply.body));
            const char *pem[] = {"openssl", "crl", "-inform", "der", "-in", in, "-out", lists, NULL};
            assert_int_equal(run_program(pem), 0);
            assert_ok(td_file_read(lists, &both, &err));
        }
        assert_ok(td_file_write(lists, td_buf_slice(&both), 0600, &err));
        td_buf_done(&both);
        const char *verify[] = {"openssl",        "verify",   "-x509_strict", "-attime", "1893553445",
                                "-crl_check_all", "-CRLfile", lists,          "-CAfile", root,
                                "-untrusted",     between,    leaf,           NULL};
        assert_true(revoked == 0 ? run_program(verify) == 0 : run_program(verify) != 0);
    }
}

/* The addresses stand in the certificate as plain octets. RFC 5280 8 wants them without TLS, where that is served. */
static void names_its_lists(void **state)
{
    struct service_box *b = *state;
    static const char *const words[] = {"pki/management.crl", "pki/management.crt", "ocsp"};
    const char *bases[] = {NULL, "http://pki.example.test:8080"};
    for (size_t i = 0; i < TD_COUNTOF(bases); i++) {
        b->svc.http_base = bases[i];
        struct td_slice der = issue(b, TD_PURPOSE_MANAGEMENT, "e1", TD_DAY);
        const char *base = bases[i] != NULL ? bases[i] : b->svc.base;
        for (size_t k = 0; k < TD_COUNTOF(words); k++)
            assert_int_not_equal(td_search(der, td_str(td_arena_printf(&b->arena, "%s/%s", base, words[k]))), SIZE_MAX);
        assert_int_equal(td_search(der, TD_S("https:")) == SIZE_MAX, bases[i] != NULL);
    }
    b->svc.http_base = NULL;
}

static void every_door_is_open_without_tls(void **state TD_UNUSED)
{
    for (size_t i = 0; i < td_pki_route_count; i++)
        assert_true((td_pki_routes[i].flags & TD_ROUTE_PLAIN) != 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, box_setup, box_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(judges_client_certificates),
        TEST(believes_no_borrowed_name),
        TEST(stays_the_same_authority),
        TEST(agrees_when_two_start_at_once),
        TEST(another_master_key_opens_nothing),
        TEST(keeps_and_renews_the_server_certificate),
        TEST(openssl_trusts_the_server),
        TEST(serves_certificates),
        TEST(tells_of_revocation),
        TEST(every_link_can_be_checked),
        TEST(names_its_lists),
        TEST(every_door_is_open_without_tls),
    };
    return cmocka_run_group_tests_name("certificates in public", tests, NULL, NULL);
}
