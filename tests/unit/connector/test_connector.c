/* connector: what it does with each kind of work, for each reason, when others are quicker and when the service is
 * away. */
#include "codec/odj.h"
#include "crypto/jose.h"
#include "unit/connector/fake_service.h"

#define JOIN(attempt, name, ou, reuse)                                                                    \
    "{\"id\":\"w-1\",\"attempt\":" attempt ",\"kind\":\"join\",\"domain\":\"corp.test\",\"name\":\"" name \
    "\",\"ou\":\"" ou "\",\"reuse\":\"" reuse "\",\"registration\":\"r-1\",\"job\":\"w-1\"}"

static const char *reason_of(struct service *s)
{
    const char *r = td_json_str(td_json_get(service_last(s, "result"), "error"), "reason");
    return r != NULL ? r : "Ok";
}

static void read_blob(struct service *s, const struct td_json *result, struct td_odj *ret)
{
    struct td_slice blob = {0};
    struct td_error err = {0};
    const char *text = td_json_str(td_json_get(result, "result"), "blob");
    assert_non_null(text);
    assert_ok(td_b64_decode(&s->a, td_str(text), TD_B64_STD, &blob));
    assert_ok(td_odj_read(blob, &s->a, ret, &err));
}

/* The password that the directory has for a computer. */
static const char *password_of(struct service *s, const char *name)
{
    struct fake_entry *e = fake_account(&s->directory, name);
    struct td_buf b = {.max = 4096};
    assert_non_null(e);
    struct td_slice form = fake_attr_of(e, "unicodePwd", false)->values[0];
    for (size_t i = 2; i + 3 < form.n; i += 2)
        td_buf_addc(&b, form.p[i]);
    const char *text = td_arena_text(&s->a, td_buf_slice(&b));
    td_buf_wipe(&b);
    return text;
}

/* --- registration and hello --------------------------------------------------------------------------------------- */

static void registers_once(void **state TD_UNUSED)
{
    struct service s;
    struct stat st;
    char path[96];
    service_init(&s);
    struct td_connector_state *c = service_connector(&s);
    service_round(c);
    const struct td_json *said = service_last(&s, "register");
    assert_string_equal(td_json_str(said, "code"), "CODE-1");
    assert_string_equal(td_json_str(said, "name"), "host");
    assert_string_equal(td_json_str(said, "version"), "1.2.3");
    struct td_slice spki = {0};
    struct td_key *key = NULL;
    assert_ok(td_b64_decode(&s.a, td_str(td_json_str(said, "encryptionKey")), TD_B64_STD, &spki));
    assert_ok(td_key_from_public_der(spki, &key, NULL));
    assert_int_equal(td_key_bits(key), 3072);
    td_key_free(key);
    service_round(c);
    assert_int_equal(service_count(&s, "register"), 1);
    td_connector_close(c);
    static const char *const names[] = {"key.pem", "encryption.pem", "connector.json"};
    for (size_t i = 0; i < TD_COUNTOF(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", s.dir, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    s.config.code = NULL; /* the next start needs none */
    assert_ok(td_connector_open(&s.config, &s.world, &c, NULL));
    service_round(c);
    assert_int_equal(service_count(&s, "register"), 1);
    td_connector_close(c);
    service_done(&s);
}

static void without_a_code_it_says_so(void **state TD_UNUSED)
{
    struct service s;
    struct td_connector_state *c = NULL;
    struct td_error err = {0};
    service_init(&s);
    assert_int_equal(td_connector_open(&s.config, &s.world, &c, &err), TD_ESTATE);
    assert_non_null(strstr(err.remedy, "connector add"));
    c = service_connector(&s);
    service_answer(&s, "register", 403, "{\"detail\":\"it is unknown\",\"field\":\"code\"}", 1);
    assert_int_equal(td_connector_round(c, &err), TD_EDENIED);
    assert_string_equal(err.where, "code");
    td_connector_close(c);
    service_done(&s);
}

static void ends_where_it_is_not_known(void **state TD_UNUSED)
{
    struct service s;
    struct td_error err = {0};
    service_init(&s);
    struct td_connector_state *c = service_connector(&s);
    service_answer(&s, "hello", 403, "{\"detail\":\"disabled\"}", 1);
    assert_int_equal(td_connector_round(c, &err), TD_EDENIED);
    service_answer(&s, "hello", 401, "{}", 1);
    assert_int_equal(td_connector_round(c, &err), TD_EAUTH);
    assert_non_null(strstr(err.remedy, "connector.json"));
    td_connector_close(c);
    service_done(&s);
}

static void tells_how_its_domains_are(void **state TD_UNUSED)
{
    struct service s;
    service_init(&s);
    struct td_connector_state *c = service_connector(&s);
    service_round(c);
    const struct td_json *d = td_json_get(service_last(&s, "hello"), "domains")->child;
    assert_string_equal(td_json_str(d, "domain"), "corp.test");
    assert_string_equal(td_json_str(d, "netbios"), "CORP");
    assert_string_equal(td_json_str(d, "dc"), "dc1.corp.test");
    assert_string_equal(td_json_str(d, "problem"), "");
    service_round(c); /* nothing new, and no minute has passed */
    assert_int_equal(service_count(&s, "hello"), 1);
    s.env.now += TD_MINUTE;
    s.down[0] = s.down[1] = "ServiceDisabled";
    service_round(c);
    d = td_json_get(service_last(&s, "hello"), "domains")->child;
    assert_string_equal(td_json_str(d, "problem"), "ServiceDisabled");
    assert_string_equal(td_json_str(d, "detail"), "planted."); /* the service adds the reason's own words */
    assert_string_equal(td_json_str(d, "dc"), "dc1.corp.test");
    td_connector_close(c);
    service_done(&s);
}

/* Said once, with what to do, however often the service says it; what else it answers is no news meanwhile. */
static void a_domain_it_may_not_serve_is_said_once(void **state TD_UNUSED)
{
    static const char refusal[] = "{\"field\":\"domain\",\"detail\":\"the connector one is not bound to corp.test\","
                                  "\"remedy\":\"Bind it.\"}";
    struct service s;
    struct td_error err = {0};
    service_init(&s);
    struct td_connector_state *c = service_connector(&s);
    service_answer(&s, "hello", 403, refusal, 2);
    assert_int_equal(td_connector_round(c, &err), TD_EDENIED);
    size_t said = s.line_count;
    assert_non_null(strstr(s.lines[said - 1], "the service refuses"));
    assert_non_null(strstr(s.lines[said - 1], "one is not bound to corp.test. Bind it."));
    assert_int_equal(td_connector_round(c, &err), TD_EDENIED);
    assert_int_equal(s.line_count, said);
    service_round(c);
    assert_non_null(strstr(s.lines[said], "takes what is served here"));
    td_connector_close(c);
    service_done(&s);
}

static void a_failed_join_shows_in_hello_at_once(void **state TD_UNUSED)
{
    struct service s;
    service_init(&s);
    struct td_connector_state *c = service_connector(&s);
    service_round(c);
    s.down[0] = s.down[1] = "ServiceLocked";
    service_queue(&s, JOIN("1", "PC-1", "", "own"));
    service_round(c);
    assert_string_equal(reason_of(&s), "ServiceLocked");
    service_round(c); /* within the same minute */
    const struct td_json *d = td_json_get(service_last(&s, "hello"), "domains")->child;
    assert_string_equal(td_json_str(d, "problem"), "ServiceLocked");
    td_connector_close(c);
    service_done(&s);
}

static void takes_another_domain_controller(void **state TD_UNUSED)
{
    struct service s;
    service_init(&s);
    struct td_connector_state *c = service_connector(&s);
    s.down[0] = "NoDc";
    service_round(c);
    assert_string_equal(td_json_str(td_json_get(service_last(&s, "hello"), "domains")->child, "problem"), "");
    assert_int_equal(s.opens[0], 1);
    assert_int_equal(s.opens[1], 1);
    service_queue(&s, JOIN("1", "PC-1", FAKE_OU, "own"));
    service_round(c);
    assert_string_equal(reason_of(&s), "Ok");
    assert_int_equal(s.opens[0], 1); /* the one that answered last is asked first */
    s.down[1] = "Untrusted";
    s.down[0] = NULL;
    service_queue(&s, JOIN("1", "PC-2", FAKE_OU, "own"));
    service_round(c);
    assert_string_equal(reason_of(&s), "Ok");
    td_connector_close(c);
    service_done(&s);
}

static void shows_a_wrong_password_to_one_controller_only(void **state TD_UNUSED)
{
    struct service s;
    service_init(&s);
    struct td_connector_state *c = service_connector(&s);
    s.down[0] = "ServicePassword";
    service_round(c);
    assert_string_equal(td_json_str(td_json_get(service_last(&s, "hello"), "domains")->child, "problem"),
                        "ServicePassword");
    assert_int_equal(s.opens[1], 0);
    td_connector_close(c);
    service_done(&s);
}

/* --- joins -------------------------------------------------------------------------------------------------------- */

static void makes_an_account_and_its_blob(void **state TD_UNUSED)
{
    struct service s;
    struct td_odj odj = {0};
    service_init(&s);
    struct td_connector_state *c = service_connector(&s);
    service_queue(&s, JOIN("1", "PC-1", FAKE_OU, "own"));
    service_round(c);
    const struct td_json *said = service_last(&s, "result"), *r = td_json_get(said, "result");
    assert_string_equal(td_json_str(said, "id"), "w-1");
    assert_int_equal(td_json_int(said, "attempt", 0), 1);
    assert_string_equal(td_json_str(r, "accountDn"), "CN=PC-1," FAKE_OU);
    assert_string_equal(td_json_str(r, "accountGuid"), fake_guid(&s.directory, fake_account(&s.directory, "PC-1")));
    assert_true(td_starts(td_str(td_json_str(r, "accountSid")), "S-1-5-21-1-2-3-"));
    assert_false(td_json_bool(r, "existed", true));
    read_blob(&s, said, &odj);
    assert_string_equal(odj.machine, "PC-1");
    assert_string_equal(odj.domain, "corp.test");
    assert_string_equal(odj.dc.name, "\\\\dc1.corp.test");
    assert_string_equal(odj.dc.address, "\\\\10.0.0.1");
    assert_int_equal(strlen(odj.password), 120);
    assert_string_equal(odj.password, password_of(&s, "PC-1"));
    const char *first = td_arena_strdup(&s.a, odj.password);
    service_queue(&s, JOIN("1", "PC-2", FAKE_OU, "own"));
    service_round(c);
    read_blob(&s, service_last(&s, "result"), &odj);
    assert_string_not_equal(odj.password, first);
    assert_false(service_said(&s, first));
    assert_true(service_said(&s, "join PC-1 in corp.test: done"));
    td_connector_close(c);
    service_done(&s);
}

/* Only where its configuration says so; the account is made after they were read. */
static void the_forests_roots_go_with_it(void **state TD_UNUSED)
{
    static const char place[] =
        "CN=Certification Authorities,CN=Public Key Services,CN=Services,CN=Configuration," FAKE_DN;
    struct td_slice roots[TD_ODJ_ROOTS_MAX];
    struct service s;
    struct td_odj odj = {0};
    size_t n = 0;
    service_init(&s);
    (void)fake_put(&s.directory, place, "container");
    fake_value(&s.directory,
               fake_put(&s.directory, td_arena_printf(&s.a, "CN=Root,%s", place), "certificationAuthority"),
               "cACertificate", TD_S("0 octets of a root"));
    struct td_connector_state *c = service_connector(&s);
    service_queue(&s, JOIN("1", "PC-1", FAKE_OU, "own"));
    service_round(c);
    read_blob(&s, service_last(&s, "result"), &odj);
    assert_int_equal(odj.extra_count, 0);
    s.config.domains[0].roots = true;
    service_queue(&s, JOIN("1", "PC-2", FAKE_OU, "own"));
    service_round(c);
    read_blob(&s, service_last(&s, "result"), &odj);
    assert_int_equal(odj.extra_count, 1);
    assert_ok(td_odj_roots_read(odj.extra[0].bytes, &s.a, roots, &n, NULL));
    assert_int_equal(n, 1);
    assert_slice(roots[0], "0 octets of a root");
    td_connector_close(c);
    service_done(&s);
}

static void down_at_the_search(struct service *s)
{
    fake_refuse(&s->directory, "add", FAKE_DOWN, 0, "the line is dead");
}
static void quota(struct service *s)
{
    fake_refuse(&s->directory, "add", 53, 8557, "0000216D: quota exceeded");
}
static void taken(struct service *s)
{
    fake_computer(&s->directory, "PC-1", FAKE_OU, "somebody's own");
}
static void own_of_before(struct service *s)
{
    fake_computer(&s->directory, "PC-1", FAKE_OU, "Touchdown r-1 w-0 1");
}
static void newer(struct service *s)
{
    fake_computer(&s->directory, "PC-1", FAKE_OU, "Touchdown r-1 w-1 2");
}
static void says_no(struct service *s)
{
    fake_refuse(&s->directory, "add", 1, 0, "operations error");
}

static void tells_every_reason(void **state TD_UNUSED)
{
    static const struct {
        const char *reason, *down, *work;
        void (*prepare)(struct service *s);
    } rows[] = {
        {"NoDc", "NoDc", JOIN("1", "PC-1", "", "own"), NULL},
        {"NoDc", NULL, JOIN("1", "PC-1", FAKE_OU, "own"), down_at_the_search},
        {"Untrusted", "Untrusted", JOIN("1", "PC-1", "", "own"), NULL},
        {"ClockSkew", "ClockSkew", JOIN("1", "PC-1", "", "own"), NULL},
        {"ServicePassword", "ServicePassword", JOIN("1", "PC-1", "", "own"), NULL},
        {"ServiceDisabled", "ServiceDisabled", JOIN("1", "PC-1", "", "own"), NULL},
        {"ServiceExpired", "ServiceExpired", JOIN("1", "PC-1", "", "own"), NULL},
        {"ServiceLocked", "ServiceLocked", JOIN("1", "PC-1", "", "own"), NULL},
        {"NoOu", NULL, JOIN("1", "PC-1", "OU=Nowhere," FAKE_DN, "own"), NULL},
        {"NoRight", NULL, JOIN("1", "PC-1", FAKE_OTHER, "own"), NULL},
        {"Quota", NULL, JOIN("1", "PC-1", FAKE_OU, "own"), quota},
        {"NameTaken", NULL, JOIN("1", "PC-1", FAKE_OU, "own"), taken},
        {"Ok", NULL, JOIN("1", "PC-1", FAKE_OU, "any"), taken},
        {"NameTaken", NULL, JOIN("1", "PC-1", FAKE_OU, "never"), own_of_before},
        {"Ok", NULL, JOIN("1", "PC-1", FAKE_OU, "own"), own_of_before},
        {"NameInvalid", NULL, JOIN("1", "12345", FAKE_OU, "own"), NULL},
        {"Superseded", NULL, JOIN("1", "PC-1", FAKE_OU, "own"), newer},
        {"Refused", NULL, JOIN("1", "PC-1", FAKE_OU, "own"), says_no},
        {"Refused", NULL, JOIN("1", "PC-1", FAKE_OU, "sometimes"), NULL},
        {"Refused", NULL, JOIN("1", "", FAKE_OU, "own"), NULL},
        {"Refused", NULL, "{\"id\":\"w-1\",\"attempt\":1,\"kind\":\"dance\",\"domain\":\"corp.test\"}", NULL},
        {"Refused", NULL, "{\"id\":\"w-1\",\"attempt\":1,\"kind\":\"join\",\"domain\":\"else.test\"}", NULL},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct service s;
        service_init(&s);
        struct td_connector_state *c = service_connector(&s);
        service_round(c);
        if (rows[i].prepare != NULL)
            rows[i].prepare(&s);
        s.down[0] = s.down[1] = rows[i].down;
        service_queue(&s, rows[i].work);
        service_round(c);
        if (strcmp(reason_of(&s), rows[i].reason) != 0)
            fail_msg("row %zu: %s instead of %s", i, reason_of(&s), rows[i].reason);
        assert_string_equal(td_json_str(service_last(&s, "result"), "id"), "w-1");
        td_connector_close(c);
        service_done(&s);
    }
}

/* --- two connectors ----------------------------------------------------------------------------------------------- */

static void another_takes_over_what_one_began(void **state TD_UNUSED)
{
    struct service s;
    struct td_odj odj = {0};
    service_init(&s);
    struct td_connector_state *dies = service_connector(&s), *other = service_connector(&s);
    service_round(dies);
    service_round(other);
    service_queue(&s, JOIN("1", "PC-1", FAKE_OU, "never"));
    service_answer(&s, "result", 0, NULL, 100); /* what it has done is never heard of */
    service_round(dies);
    const char *first = td_arena_strdup(&s.a, password_of(&s, "PC-1"));
    assert_int_equal(s.directory.adds, 1);
    td_connector_close(dies);
    memset(s.rules, 0, sizeof(s.rules));
    service_queue(&s, JOIN("2", "PC-1", FAKE_OU, "never")); /* reuse has nothing to do with it: the job is the same */
    service_round(other);
    assert_string_equal(reason_of(&s), "Ok");
    assert_false(td_json_bool(td_json_get(service_last(&s, "result"), "result"), "existed", true));
    assert_int_equal(s.directory.adds, 1);
    read_blob(&s, service_last(&s, "result"), &odj);
    assert_string_equal(odj.password, password_of(&s, "PC-1"));
    assert_string_not_equal(odj.password, first);
    td_connector_close(other);
    service_done(&s);
}

struct hung {
    struct service *s;
    struct td_connector_state *other;
    bool done;
};

/* While the first one hangs before its modification, the second does the whole work. */
static void meanwhile(struct fake_directory *f, const char *op, const char *dn TD_UNUSED)
{
    struct hung *h = f->before_ctx;
    if (h->done || strcmp(op, "modify") != 0)
        return;
    h->done = true;
    service_queue(h->s, JOIN("2", "PC-1", FAKE_OU, "own"));
    service_round(h->other);
    assert_string_equal(reason_of(h->s), "Ok");
}

static void one_that_hung_changes_nothing_when_it_wakes(void **state TD_UNUSED)
{
    struct service s;
    struct td_odj odj = {0};
    service_init(&s);
    struct td_connector_state *slow = service_connector(&s), *quick = service_connector(&s);
    struct hung h = {&s, quick, false};
    service_round(slow);
    service_round(quick);
    own_of_before(&s);
    s.directory.before = meanwhile;
    s.directory.before_ctx = &h;
    service_queue(&s, JOIN("1", "PC-1", FAKE_OU, "own"));
    service_round(slow);
    assert_true(h.done);
    assert_string_equal(reason_of(&s), "Superseded");
    read_blob(&s, service_call(&s, "result", 1), &odj);
    assert_string_equal(odj.password, password_of(&s, "PC-1")); /* the second one's */
    td_connector_close(slow);
    td_connector_close(quick);
    service_done(&s);
}

static void stands_for_a_minute(struct fake_directory *f, const char *op, const char *dn TD_UNUSED)
{
    struct service *s = f->before_ctx;
    if (strcmp(op, "add") == 0)
        s->env.now += TD_DOMAIN_LEASE + TD_SECOND;
}

static void what_is_too_late_is_not_begun(void **state TD_UNUSED)
{
    struct service s;
    service_init(&s);
    struct td_connector_state *c = service_connector(&s);
    service_round(c);
    s.directory.before = stands_for_a_minute;
    s.directory.before_ctx = &s;
    service_queue(&s, JOIN("1", "PC-1", FAKE_OU, "own"));
    service_queue(&s, JOIN("1", "PC-2", FAKE_OU, "own"));
    service_round(c);
    assert_non_null(fake_account(&s.directory, "PC-1"));
    assert_null(fake_account(&s.directory, "PC-2")); /* its lease was over before it began */
    assert_true(service_said(&s, "too late"));
    td_connector_close(c);
    service_done(&s);
}

static void tells_the_result_until_it_is_taken(void **state TD_UNUSED)
{
    struct service s;
    service_init(&s);
    struct td_connector_state *c = service_connector(&s);
    service_answer(&s, "result", 0, NULL, 1);
    service_answer(&s, "result", 503, "{\"detail\":\"busy\"}", 2);
    service_queue(&s, JOIN("1", "PC-1", FAKE_OU, "own"));
    service_round(c);
    assert_int_equal(service_count(&s, "result"), 4);
    assert_int_equal(s.directory.adds, 1);
    service_answer(&s, "result", 409, "{\"detail\":\"somebody else has it\"}", 1);
    service_queue(&s, JOIN("1", "PC-2", FAKE_OU, "own"));
    service_round(c);
    assert_int_equal(service_count(&s, "result"), 5);
    assert_true(service_said(&s, "somebody else has it"));
    int64_t before = s.env.now;
    service_answer(&s, "result", 0, NULL, 1000);
    service_queue(&s, JOIN("1", "PC-3", FAKE_OU, "own"));
    service_round(c);
    assert_true(s.env.now - before <= TD_DOMAIN_LEASE); /* not beyond the lease */
    assert_true(s.env.now - before >= 45 * TD_SECOND);  /* but nearly to its end */
    td_connector_close(c);
    service_done(&s);
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

static struct td_key *receiver(struct service *s)
{
    struct td_key *key = NULL;
    struct td_slice spki = {0};
    const char *text = td_json_str(service_last(s, "register"), "encryptionKey");
    assert_ok(td_b64_decode(&s->a, td_str(text), TD_B64_STD, &spki));
    assert_ok(td_key_from_public_der(spki, &key, NULL));
    return key;
}

static void ask_secret(struct service *s, struct td_connector_state *c, const char *upn, struct td_slice password,
                       const char *id, const char *aud)
{
    char *jwe = NULL;
    struct td_key *to = receiver(s);
    assert_ok(td_jwe_seal(to, &s->env.env, id, aud, password, &s->a, &jwe, NULL));
    td_key_free(to);
    service_queue(s, td_arena_printf(&s->a,
                                     "{\"id\":\"q-1\",\"attempt\":0,\"kind\":\"password\",\"domain\":\"CORP.test\","
                                     "\"upn\":\"%s\",\"secret\":\"%s\"}",
                                     upn, jwe));
    service_round(c);
}

static void ask_password(struct service *s, struct td_connector_state *c, const char *upn, const char *password,
                         const char *id, const char *aud)
{
    ask_secret(s, c, upn, td_str(password), id, aud);
}

static void checks_passwords(void **state TD_UNUSED)
{
    static const struct {
        const char *bind, *reason;
    } rows[] = {{"1331", "Disabled"}, {"1907", "MustChange"},     {"1330", "PasswordExpired"},
                {"1909", "Locked"},   {"1793", "AccountExpired"}, {"1328", "Hours"}};
    struct service s;
    service_init(&s);
    struct td_connector_state *c = service_connector(&s);
    service_round(c);
    struct fake_entry *alice = fake_person(&s.directory, "alice", "Alice-Pass-1");
    ask_password(&s, c, "alice@corp.test", "Alice-Pass-1", "q-1", "c-1");
    const struct td_json *r = td_json_get(service_last(&s, "result"), "result");
    assert_string_equal(td_json_str(r, "guid"), fake_guid(&s.directory, alice));
    assert_string_equal(td_json_str(r, "upn"), "alice@corp.test");
    assert_string_equal(td_json_str(r, "sam"), "alice");
    assert_string_equal(td_json_str(r, "name"), "alice Example");
    ask_password(&s, c, "alice@corp.test", "Wrong-Pass-1", "q-1", "c-1");
    assert_string_equal(reason_of(&s), "Wrong");
    ask_password(&s, c, "nobody@corp.test", "Alice-Pass-1", "q-1", "c-1");
    assert_string_equal(reason_of(&s), "Wrong");
    ask_password(&s, c, "alice@corp.test", "", "q-1", "c-1");
    assert_string_equal(reason_of(&s), "Wrong");
    ask_secret(&s, c, "alice@corp.test", TD_S("Alice-Pass-1\0and more"), "q-1",
               "c-1"); /* no text: not cut at its zero */
    assert_string_equal(reason_of(&s), "Wrong");
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        fake_set(&s.directory, alice, "fakeBind", rows[i].bind);
        ask_password(&s, c, "alice@corp.test", "Alice-Pass-1", "q-1", "c-1");
        assert_string_equal(reason_of(&s), rows[i].reason);
    }
    assert_false(service_said(&s, "Alice-Pass-1"));
    assert_false(service_said(&s, "alice@"));
    for (size_t i = 0; i < s.call_count; i++)
        assert_null(strstr(s.calls[i].body, "Alice-Pass-1"));
    td_connector_close(c);
    service_done(&s);
}

static void opens_no_secret_of_another_question(void **state TD_UNUSED)
{
    struct service s;
    service_init(&s);
    struct td_connector_state *c = service_connector(&s);
    service_round(c);
    fake_person(&s.directory, "alice", "Alice-Pass-1");
    ask_password(&s, c, "alice@corp.test", "Alice-Pass-1", "q-2", "c-1");
    assert_string_equal(reason_of(&s), "Refused");
    ask_password(&s, c, "alice@corp.test", "Alice-Pass-1", "q-1", "c-2");
    assert_string_equal(reason_of(&s), "Refused");
    assert_int_equal(s.directory.binds, 0);
    td_connector_close(c);
    service_done(&s);
}

static void questions_share_a_connection_and_survive_its_end(void **state TD_UNUSED)
{
    struct service s;
    service_init(&s);
    struct td_connector_state *c = service_connector(&s);
    service_round(c);
    fake_person(&s.directory, "alice", "Alice-Pass-1");
    int opens = s.opens[0];
    ask_password(&s, c, "alice@corp.test", "Alice-Pass-1", "q-1", "c-1");
    ask_password(&s, c, "alice@corp.test", "Alice-Pass-1", "q-1", "c-1");
    assert_int_equal(s.opens[0], opens + 1);
    fake_refuse(&s.directory, "search", FAKE_DOWN, 0, "the line is dead"); /* it stood too long */
    ask_password(&s, c, "alice@corp.test", "Alice-Pass-1", "q-1", "c-1");
    assert_string_equal(reason_of(&s), "Ok");
    assert_int_equal(s.opens[0], opens + 2);
    service_queue(&s, JOIN("1", "PC-1", FAKE_OU, "own")); /* this one signs in anew: what it may is judged now */
    service_round(c);
    assert_string_equal(reason_of(&s), "Ok");
    assert_int_equal(s.opens[0], opens + 3);
    td_connector_close(c);
    service_done(&s);
}

static void shows_a_computer(void **state TD_UNUSED)
{
    struct service s;
    service_init(&s);
    struct td_connector_state *c = service_connector(&s);
    service_round(c);
    struct fake_entry *pc = fake_computer(&s.directory, "PC-1", FAKE_OU, "");
    fake_value(&s.directory, pc, "userCertificate", TD_S("der one"));
    fake_value(&s.directory, pc, "userCertificate", TD_S("der two"));
    service_queue(&s, td_arena_printf(&s.a,
                                      "{\"id\":\"q-1\",\"attempt\":0,\"kind\":\"computer\",\"domain\":\"corp.test\","
                                      "\"accountGuid\":\"%s\"}",
                                      fake_guid(&s.directory, pc)));
    service_round(c);
    const struct td_json *r = td_json_get(service_last(&s, "result"), "result");
    assert_true(td_json_bool(r, "enabled", false));
    assert_true(td_starts(td_str(td_json_str(r, "accountSid")), "S-1-5-21-"));
    assert_int_equal(td_json_count(td_json_get(r, "certificates")), 2);
    assert_string_equal(td_json_get(r, "certificates")->child->str, td_b64(&s.a, TD_S("der one")));
    fake_set(&s.directory, pc, "userAccountControl", "4098");
    service_queue(&s, td_arena_printf(&s.a,
                                      "{\"id\":\"q-3\",\"attempt\":0,\"kind\":\"computer\",\"domain\":\"corp.test\","
                                      "\"accountGuid\":\"%s\"}",
                                      fake_guid(&s.directory, pc)));
    service_round(c);
    r = td_json_get(service_last(&s, "result"), "result");
    assert_false(td_json_bool(r, "enabled", true)); /* the service refuses its registration */
    service_queue(&s, "{\"id\":\"q-2\",\"attempt\":0,\"kind\":\"computer\",\"domain\":\"corp.test\","
                      "\"accountGuid\":\"00000000-0000-0000-0000-00000000ffff\"}");
    service_round(c);
    assert_string_equal(reason_of(&s), "NotRegistered");
    td_connector_close(c);
    service_done(&s);
}

static void end_account(struct service *s, struct td_connector_state *c, const char *kind, const char *guid)
{
    service_queue(s, td_arena_printf(&s->a,
                                     "{\"id\":\"w-9\",\"attempt\":1,\"kind\":\"%s\",\"domain\":\"corp.test\","
                                     "\"accountGuid\":\"%s\",\"name\":\"PC-1\"}",
                                     kind, guid));
    service_round(c);
}

static void ends_accounts(void **state TD_UNUSED)
{
    struct service s;
    service_init(&s);
    struct td_connector_state *c = service_connector(&s);
    service_round(c);
    struct fake_entry *pc = fake_computer(&s.directory, "PC-1", FAKE_OU, "");
    const char *guid = fake_guid(&s.directory, pc);
    end_account(&s, c, "disable", guid);
    assert_string_equal(reason_of(&s), "Ok");
    assert_string_equal(fake_get(&s.directory, pc, "userAccountControl"), "4098");
    end_account(&s, c, "delete", guid);
    assert_string_equal(reason_of(&s), "Ok");
    assert_null(fake_account(&s.directory, "PC-1"));
    end_account(&s, c, "delete", guid); /* gone is as good */
    assert_string_equal(reason_of(&s), "Ok");
    end_account(&s, c, "disable", guid);
    assert_string_equal(reason_of(&s), "Ok");
    fake_refuse(&s.directory, "search", FAKE_DOWN, 0, "dead");
    s.directory.refuse_skip = 4; /* the facts are read first */
    end_account(&s, c, "delete", guid);
    assert_string_equal(reason_of(&s), "NoDc");
    td_connector_close(c);
    service_done(&s);
}

/* --- configuration ------------------------------------------------------------------------------------------------ */

static void refuses_a_configuration_that_can_not_work(void **state TD_UNUSED)
{
    struct service s;
    struct td_error err = {0};
    service_init(&s);
    struct td_connector_config good = s.config, c;
    assert_ok(td_connector_config_check(&good, &err));
    struct {
        const char *where;
        struct td_connector_ad ad;
    } rows[] = {
        {"[domain corp.test] user",
         {.domain = "corp.test", .urls = {"ldaps://a"}, .ca_file = "c", .password_file = "p"}},
        {"[domain corp.test] password-file",
         {.domain = "corp.test", .urls = {"ldaps://a"}, .ca_file = "c", .user = "u"}},
        {"[domain corp.test] ca", {.domain = "corp.test", .urls = {"ldaps://a"}, .user = "u", .password_file = "p"}},
        {"[domain corp.test] url", {.domain = "corp.test", .ca_file = "c", .user = "u", .password_file = "p"}},
        {"[domain corp.test] url",
         {.domain = "corp.test", .urls = {"ldap://a"}, .ca_file = "c", .user = "u", .password_file = "p"}},
        {"[domain corp.test] url", {.domain = "corp.test", .urls = {"ldaps://a"}, .user = "u", .keytab = "k"}},
        {"[domain corp] ",
         {.domain = "corp", .urls = {"ldaps://a"}, .ca_file = "c", .user = "u", .password_file = "p"}},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        c = good;
        c.domains[0] = rows[i].ad;
        assert_int_equal(td_connector_config_check(&c, &err), TD_EINVAL);
        assert_string_equal(err.where, rows[i].where);
    }
    c = good;
    c.domains[1] = c.domains[0];
    c.domain_count = 2;
    assert_int_equal(td_connector_config_check(&c, &err), TD_EINVAL);
    c = good;
    c.server = "http://service.test";
    assert_int_equal(td_connector_config_check(&c, &err), TD_EINVAL);
    service_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_once),
        cmocka_unit_test(without_a_code_it_says_so),
        cmocka_unit_test(ends_where_it_is_not_known),
        cmocka_unit_test(tells_how_its_domains_are),
        cmocka_unit_test(a_domain_it_may_not_serve_is_said_once),
        cmocka_unit_test(a_failed_join_shows_in_hello_at_once),
        cmocka_unit_test(takes_another_domain_controller),
        cmocka_unit_test(shows_a_wrong_password_to_one_controller_only),
        cmocka_unit_test(makes_an_account_and_its_blob),
        cmocka_unit_test(the_forests_roots_go_with_it),
        cmocka_unit_test(tells_every_reason),
        cmocka_unit_test(another_takes_over_what_one_began),
        cmocka_unit_test(one_that_hung_changes_nothing_when_it_wakes),
        cmocka_unit_test(what_is_too_late_is_not_begun),
        cmocka_unit_test(tells_the_result_until_it_is_taken),
        cmocka_unit_test(checks_passwords),
        cmocka_unit_test(opens_no_secret_of_another_question),
        cmocka_unit_test(questions_share_a_connection_and_survive_its_end),
        cmocka_unit_test(shows_a_computer),
        cmocka_unit_test(ends_accounts),
        cmocka_unit_test(refuses_a_configuration_that_can_not_work),
    };
    int failed = cmocka_run_group_tests_name("connector", tests, NULL, NULL);
    service_keys_done();
    return failed;
}
