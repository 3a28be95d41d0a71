/* app/serve_config: what the configuration file may say, and how a mistake in it is told. */
#include "app/serve.h"
#include "unit/test.h"

#include <stdlib.h>
#include <unistd.h>

static struct td_arena arena;

static enum td_code read_text(const char *text, struct td_serve_config *c, struct td_error *err)
{
    char path[] = "/tmp/td-serve-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
    td_serve_config_init(c);
    enum td_code rc = td_serve_config_read(c, path, &arena, err);
    (void)unlink(path);
    return rc;
}

static void reads_all_keys(void **state TD_UNUSED)
{
    struct td_serve_config c;
    struct td_error err;
    assert_ok(read_text("; a comment\n[serve]\nlisten = 0.0.0.0:443\nhttp=0.0.0.0:80\nname = MDM.Contoso.test\n"
                        "name = portal.test , people\nname = [::1]\nmetrics-token = secret\nlog-level = debug\n"
                        "loops = 3\nworkers = 9\npassword-memory-kib = 2048\nhttp-base = http://pki.test:8080\n"
                        "[limits]\nidle-ms = 300\nconnections = 5\nlimited-requests-per-second = 0\n"
                        "[proxy]\ntrusted = unix, 10.0.0.0/8,2001:db8::1\ntrusted = 192.0.2.1\nunix = /run/td.sock\n"
                        "certificate-header = X-Client-Cert\n"
                        "[attestation]\nmaker-host = pki.test\nmaker-host = 127.0.0.1:8081\n"
                        "[connector]\nconfig = /c.ini\nstate = /c\ntenant = contoso.test\n"
                        "[certificate a]\nhosts = a.test b.test\nchain = /a.pem\nkey = /a.key\n",
                        &c, &err));
    assert_string_equal(c.listen, "0.0.0.0:443");
    assert_string_equal(c.http, "0.0.0.0:80");
    assert_int_equal(c.name_count, 3);
    assert_string_equal(c.names[0].host, "mdm.contoso.test");
    assert_false(c.names[0].people);
    assert_string_equal(c.names[1].host, "portal.test");
    assert_true(c.names[1].people);
    assert_string_equal(c.names[2].host, "::1");
    assert_string_equal(c.metrics_token, "secret");
    assert_true(c.debug);
    assert_int_equal(c.loops, 3);
    assert_int_equal(c.workers, 9);
    assert_int_equal(c.password_memory_kib, 2048);
    assert_int_equal(c.limits.idle, 300 * 1000);
    assert_int_equal(c.limits.connections, 5);
    assert_int_equal(c.limits.rate_per_address, 0);
    assert_int_equal(c.limits.body, td_http_limits_default.body);
    assert_string_equal(c.http_base, "http://pki.test:8080");
    assert_true(c.proxy.trust_unix);
    assert_int_equal(c.proxy.trusted_count, 3);
    assert_int_equal(c.trusted[0].bits, 104);
    assert_int_equal(c.trusted[1].bits, 128);
    assert_string_equal(c.proxy.unix_path, "/run/td.sock");
    assert_string_equal(c.proxy.certificate_header, "X-Client-Cert");
    assert_int_equal(c.maker_count, 2);
    assert_string_equal(c.connector.config, "/c.ini");
    assert_string_equal(c.connector.state, "/c");
    assert_string_equal(c.connector.tenant, "contoso.test");
    assert_string_equal(c.makers[1], "127.0.0.1:8081");
    assert_null(c.makers[2]);
    assert_int_equal(c.cert_count, 1);
    assert_string_equal(c.certs[0].hosts[1], "b.test");
    assert_null(c.certs[0].hosts[2]);
    assert_string_equal(c.certs[0].key, "/a.key");
    assert_ok(read_text("", &c, &err));
    assert_string_equal(c.listen, "127.0.0.1:8443");
}

static void tells_mistakes(void **state TD_UNUSED)
{
    static const struct {
        const char *text, *where;
        enum td_code code;
    } rows[] = {
        {"[serve]\nlisten: 1\nport = 5\n", "[serve] port", TD_EINVAL},
        {"[server]\nlisten = 1\n", "[server] listen", TD_EINVAL},
        {"listen = 1\n", "[] listen", TD_EINVAL},
        {"[serve]\nname = a/b\n", "[serve] name", TD_EINVAL},
        {"[attestation]\nmaker-host = http://a.test/\n", "[attestation] maker-host", TD_EINVAL},
        {"[attestation]\nmaker-host = a.test/x\n", "[attestation] maker-host", TD_EINVAL},
        {"[attestation]\nmaker = a.test\n", "[attestation] maker", TD_EINVAL},
        {"[connector]\nstate = /c\n", "[connector] config", TD_EINVAL},
        {"[connector]\nserver = https://a\n", "[connector] server", TD_EINVAL},
        {"[serve]\nname = a,robots\n", "[serve] name", TD_EINVAL},
        {"[serve]\nname = \n", "[serve] name", TD_EINVAL},
        {"[serve]\nworkers = 0\n", "[serve] workers", TD_EINVAL},
        {"[serve]\nlog-level = loud\n", "[serve] log-level", TD_EINVAL},
        {"[serve]\ntrusted-proxy = 10.0.0.1\n", "[serve] trusted-proxy", TD_EINVAL},
        {"[serve]\nhttp-base = https://a.test\n", "[serve] http-base", TD_EINVAL},
        {"[serve]\nhttp-base = http://\n", "[serve] http-base", TD_EINVAL},
        {"[serve]\nhttp-base = http://a.test/\n", "[serve] http-base", TD_EINVAL},
        {"[proxy]\ntrusted = proxy.test\n", "[proxy] trusted", TD_EINVAL},
        {"[proxy]\ntrusted = 10.0.0.1, 10.0.0.0/0\n", "[proxy] trusted", TD_EINVAL},
        {"[proxy]\ntrusted = 10.0.0.1/24\n", "[proxy] trusted", TD_EINVAL},
        {"[proxy]\ncertificate-header = X Cert\n", "[proxy] certificate-header", TD_EINVAL},
        {"[proxy]\ncertificate-header = X-Cert\n", "[proxy] certificate-header", TD_EINVAL},
        {"[proxy]\nlisten = 10.0.0.1\n", "[proxy] listen", TD_EINVAL},
        {"[limits]\nidle-ms = -1\n", "[limits] idle-ms", TD_EINVAL},
        {"[limits]\nidle-ms = 5s\n", "[limits] idle-ms", TD_EINVAL},
        {"[limits]\npatience = 5\n", "[limits] patience", TD_EINVAL},
        {"[certificate a]\nhosts = a\nchain = b\n", "certificate a", TD_EINVAL},
        {"[certificate a]\ncolour = b\n", "[certificate a] colour", TD_EINVAL},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_serve_config c;
        struct td_error err = {0};
        assert_int_equal(read_text(rows[i].text, &c, &err), rows[i].code);
        assert_string_equal(err.where, rows[i].where);
        assert_int_not_equal(err.text[0], '\0');
    }
    struct td_serve_config c;
    struct td_error err;
    assert_int_equal(read_text("[serve]\nnonsense\n", &c, &err), TD_EFORMAT);
    assert_int_equal(td_serve_config_read(&c, "/nowhere/at/all", &arena, &err), TD_ENOTFOUND);
}

/* Every limit has a key, its default lies within its bounds, and no two keys share a field. */
static void names_every_limit(void **state TD_UNUSED)
{
    assert_int_equal(td_http_limit_field_count * sizeof(int64_t), sizeof(struct td_http_limits));
    for (size_t i = 0; i < td_http_limit_field_count; i++) {
        const struct td_http_limit_field *f = &td_http_limit_fields[i];
        int64_t v;
        memcpy(&v, (const char *)&td_http_limits_default + f->offset, sizeof(v));
        assert_true(v >= f->min * f->unit && v <= f->max * f->unit);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(f->offset, td_http_limit_fields[k].offset);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_all_keys), cmocka_unit_test(tells_mistakes),
                                       cmocka_unit_test(names_every_limit)};
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("serve config", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
