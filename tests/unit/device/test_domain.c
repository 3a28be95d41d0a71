/* device/domain: the blob taken, refused and taken again; the certificate at the computer's own account; the request
 * that registers it, judged by join-and-tokens.md 3.2 and by its own signature; sign-ins and their reasons. Directory
 * and KDC are the test's: what they answer is real in tests/e2e/scenarios/hybrid.py. */
#include "codec/odj.h"
#include "connect/srv.h"
#include "crypto/digest.h"
#include "device/csp/csp.h"
#include "device/dm.h"
#include "device/domain/room.h"
#include "device/reset.h"
#include "device/tokens.h"
#include "unit/device/stage.h"

#include <sys/stat.h>

#define GUID "0badcafe-1111-4222-8333-444455556666"
#define DEVICE "44444444-0000-4000-8000-000000000001"
#define TENANT "aaaaaaaa-0000-4000-8000-000000000001"
#define DOMAIN_SID "S-1-5-21-3924074211-4133179156-163744691"
#define BASE "https://td.test:8443/EnrollmentServer/device/"

static struct stage s;
static struct td_key *ca_key;
static struct td_slice ca_der;

/* --- a domain of the test's --------------------------------------------------------------------------------------- */

static struct domain {
    enum td_code kdc; /* of tickets */
    uint32_t hresult;
    int asked, opened, written;
    const char *password; /* that is right */
    bool no_account;
    char namesake[4];            /* two people answer to the name: "12" the right one first, "21" last */
    struct td_slice certificate; /* at the account */
    struct td_slice former;      /* that is to be taken away from there */
    enum td_code modify;
    char realm[32], kdc_name[64], principal[64], user[64];
    const char *silent;     /* KDC that is not there, beside what kdc says of all of them */
    const char *stranger;   /* KDC that does not know the machine */
    const char *no_ldap;    /* host whose directory does not answer */
    const char *no_writing; /* ... or is lost when it is written to */
    const char *srv[3];     /* hosts that DNS names */
    const char *open_at;    /* host of the connection */
    char log[1024];         /* who was asked, in their order */
} dom;

static void note(const char *what, const char *whom)
{
    size_t n = strlen(dom.log);
    (void)snprintf(dom.log + n, sizeof(dom.log) - n, "%s %s; ", what, whom);
}

static enum td_code answer(const struct td_krb_realm *r, const char *principal, struct td_error *err)
{
    dom.asked++;
    (void)snprintf(dom.realm, sizeof(dom.realm), "%s", r->realm);
    (void)snprintf(dom.kdc_name, sizeof(dom.kdc_name), "%s", r->kdc != NULL ? r->kdc : "by name");
    (void)snprintf(dom.principal, sizeof(dom.principal), "%s", principal);
    note("kdc", r->kdc);
    bool silent = dom.silent != NULL && strcmp(dom.silent, r->kdc) == 0;
    bool strange = dom.stranger != NULL && strcmp(dom.stranger, r->kdc) == 0;
    enum td_code rc = silent ? TD_EUNAVAILABLE : strange ? TD_EAUTH : dom.kdc;
    if (rc == TD_OK)
        return TD_OK;
    (void)td_fail(err, rc, "kerberos", "%s says no", r->kdc);
    if (err != NULL)
        err->hresult = silent ? 0x8007054b : strange ? 0x8007052e : dom.hresult;
    return rc;
}

enum td_code __wrap_td_krb_by_keytab(const struct td_krb_realm *r, const char *principal, const char *keytab,
                                     const char *ccache, struct td_error *err);
enum td_code __wrap_td_krb_by_keytab(const struct td_krb_realm *r, const char *principal, const char *keytab,
                                     const char *ccache, struct td_error *err)
{
    assert_true(td_file_exists(keytab));
    assert_true(td_starts(td_str(ccache), "FILE:"));
    return answer(r, principal, err);
}

enum td_code __wrap_td_krb_service(const struct td_krb_realm *r, const char *ccache, const char *service,
                                   struct td_error *err);
enum td_code __wrap_td_krb_service(const struct td_krb_realm *r, const char *ccache TD_UNUSED, const char *service,
                                   struct td_error *err TD_UNUSED)
{
    assert_true(td_starts(td_str(service), "ldap/dc"));
    assert_string_equal(r->kdc, dom.kdc_name);
    return TD_OK;
}

enum td_code __wrap_td_srv_find(const struct td_env *env, const char *name, struct td_arena *a,
                                struct td_srv ret[TD_SRV_MAX], size_t *ret_count, struct td_error *err);
enum td_code __wrap_td_srv_find(const struct td_env *env TD_UNUSED, const char *name, struct td_arena *a TD_UNUSED,
                                struct td_srv ret[TD_SRV_MAX], size_t *ret_count, struct td_error *err)
{
    assert_string_equal(name, "_ldap._tcp.dc._msdcs.corp.test");
    note("dns", "srv");
    for (*ret_count = 0; *ret_count < TD_COUNTOF(dom.srv) && dom.srv[*ret_count] != NULL; ++*ret_count)
        ret[*ret_count] = (struct td_srv){.host = dom.srv[*ret_count], .port = 389};
    return *ret_count != 0 ? TD_OK : td_fail(err, TD_ENOTFOUND, "dns", "the test names none");
}

enum td_code __wrap_td_krb_user(const struct td_krb_realm *r, const char *user, struct td_slice password,
                                const char *keytab, const char *machine, const char *ccache, struct td_error *err);
enum td_code __wrap_td_krb_user(const struct td_krb_realm *r, const char *user, struct td_slice password,
                                const char *keytab, const char *machine, const char *ccache, struct td_error *err)
{
    assert_true(td_file_exists(keytab));
    assert_string_equal(machine, "PC-0001$");
    assert_null(ccache);
    (void)snprintf(dom.user, sizeof(dom.user), "%s", user);
    td_try(answer(r, user, err));
    if (td_eqs(password, dom.password))
        return TD_OK;
    (void)td_fail(err, TD_EAUTH, "kerberos", "wrong");
    if (err != NULL)
        err->hresult = 0x8007052e;
    return TD_EAUTH;
}

static struct td_slice octets(struct td_arena *a, const char *hex)
{
    struct td_slice out = {"", 0};
    assert_ok(td_hex_decode(a, td_str(hex), &out));
    return out;
}

/* The one whose sign-in name it is, and one whose account is called so, in the order that dom.namesake says. */
static enum td_code two_people(struct td_arena *a,
                               enum td_code (*row)(void *, const struct td_ldap_entry *, struct td_error *), void *ctx,
                               struct td_error *err)
{
    for (const char *p = dom.namesake; *p != '\0'; p++) {
        unsigned char sid[TD_SID_MAX_BYTES];
        struct td_sid parsed;
        bool right = *p == '1';
        assert_ok(td_sid_parse(td_str(right ? DOMAIN_SID "-1104" : DOMAIN_SID "-1199"), &parsed, NULL));
        struct td_slice upn = td_str(right ? "ADA@corp.test" : "other@corp.test"),
                        octets_of = td_arena_copy(a, td_bytes(sid, td_sid_write(&parsed, sid)));
        const struct td_ldap_value attrs[] = {{"objectSid", &octets_of, 1}, {"userPrincipalName", &upn, 1}};
        td_try(row(ctx, &(struct td_ldap_entry){"CN=X,DC=corp,DC=test", attrs, 2}, err));
    }
    return TD_OK;
}

static enum td_code search(struct td_ldap *l TD_UNUSED, const struct td_ldap_search *q, struct td_arena *a,
                           enum td_code (*row)(void *, const struct td_ldap_entry *, struct td_error *), void *ctx,
                           struct td_error *err)
{
    unsigned char sid[TD_SID_MAX_BYTES];
    struct td_sid parsed;
    bool person = strstr(q->filter, "objectCategory=person") != NULL;
    assert_ok(td_sid_parse(td_str(person ? DOMAIN_SID "-1104" : DOMAIN_SID "-1107"), &parsed, NULL));
    struct td_slice guid = octets(a, "fecaad0b1111224283334444"
                                     "55556666");
    struct td_slice sid_octets = td_arena_copy(a, td_bytes(sid, td_sid_write(&parsed, sid)));
    const struct td_ldap_value attrs[] = {
        {"objectGUID", &guid, 1}, {"objectSid", &sid_octets, 1}, {"userCertificate", &dom.certificate, 1}};
    const struct td_ldap_entry e = {"CN=PC-0001,OU=Autopilot,DC=corp,DC=test", attrs, dom.certificate.n != 0 ? 3 : 2};
    assert_string_equal(q->base, "DC=corp,DC=test");
    if (!person)
        assert_string_equal(q->filter, "(&(objectClass=computer)(sAMAccountName=PC-0001$))");
    if (person && dom.namesake[0] != '\0')
        return two_people(a, row, ctx, err);
    return dom.no_account ? TD_OK : row(ctx, &e, err);
}

static enum td_code modify(struct td_ldap *l TD_UNUSED, const char *dn, const struct td_ldap_change *c, size_t count,
                           struct td_error *err)
{
    assert_string_equal(dn, "CN=PC-0001,OU=Autopilot,DC=corp,DC=test");
    if (dom.former.n != 0) {
        assert_int_equal(count, 2);
        assert_int_equal(c->kind, TD_LDAP_DELETE_VALUE);
        assert_int_equal(c->value.count, 1);
        assert_true(td_eq(c->value.values[0], dom.former));
        c++;
        count--;
    }
    assert_int_equal(count, 1);
    assert_int_equal(c->kind, TD_LDAP_ADD_VALUE);
    assert_string_equal(c->value.name, "userCertificate");
    if (dom.no_writing != NULL && strcmp(dom.open_at, dom.no_writing) == 0)
        return td_fail(err, TD_EUNAVAILABLE, "ldap", "%s is gone", dom.open_at);
    dom.written++;
    if (dom.modify != TD_OK)
        return td_fail(err, dom.modify, "ldap", "the test says no");
    dom.certificate = td_arena_copy(&s.arena, c->value.values[0]);
    return TD_OK;
}

static void close_ldap(struct td_ldap *l TD_UNUSED)
{
    dom.opened--;
}

enum td_code __wrap_td_ldap_open(const struct td_ldap_config *config, struct td_ldap **ret, struct td_ldap_result *why,
                                 struct td_error *err);
enum td_code __wrap_td_ldap_open(const struct td_ldap_config *config, struct td_ldap **ret,
                                 struct td_ldap_result *why TD_UNUSED, struct td_error *err)
{
    static const struct td_ldap_ops ops = {.search = search, .modify = modify, .close = close_ldap};
    static struct td_ldap ldap = {.ops = &ops};
    assert_true(td_starts(td_str(config->url), "ldap://dc"));
    assert_non_null(config->ccache); /* never a password */
    assert_null(config->password);
    dom.open_at = td_arena_strdup(&s.arena, config->url + strlen("ldap://"));
    note("ldap", dom.open_at);
    if (dom.no_ldap != NULL && strcmp(dom.open_at, dom.no_ldap) == 0)
        return td_fail(err, TD_EUNAVAILABLE, "connect", "%s does not answer", dom.open_at);
    dom.opened++;
    *ret = &ldap;
    return TD_OK;
}

void __wrap_td_ldap_close(struct td_ldap *l);
void __wrap_td_ldap_close(struct td_ldap *l)
{
    if (l != NULL)
        l->ops->close(l);
}

/* What the way does beside: a session, policies, a token. */
static struct {
    int sessions, blob_at;
    struct td_slice blob;
    const char *texts[4]; /* of the status page, by these sessions on; NULL: as it is */
} way;

/* As management writes it. */
static void put_text(struct td_device *dev, const char *text)
{
    TD_CLEANUP(td_csp_cleanup) struct td_csp *csp = NULL;
    const struct td_csp_config config = {.dir = dev->dir, .env = dev->env};
    assert_ok(td_csp_open(&config, &csp, NULL));
    td_csp_put(csp, "Device/Vendor/MSFT/DMClient/Provider/Touchdown/FirstSyncStatus/CustomErrorText", "chr", text);
    assert_ok(td_csp_save(csp, NULL));
}

enum td_code __wrap_td_dm_session(struct td_device *dev, int reason, bool user, struct td_error *err);
enum td_code __wrap_td_dm_session(struct td_device *dev, int reason, bool user, struct td_error *err)
{
    assert_int_equal(reason, 5);
    assert_false(user);
    if (way.sessions < (int)TD_COUNTOF(way.texts) && way.texts[way.sessions] != NULL)
        put_text(dev, way.texts[way.sessions]);
    return ++way.sessions == way.blob_at ? td_domain_apply(dev, way.blob, err) : TD_OK;
}

enum td_code __wrap_td_domain_policies(struct td_device *dev, struct td_error *err);
enum td_code __wrap_td_domain_policies(struct td_device *dev TD_UNUSED, struct td_error *err TD_UNUSED)
{
    return TD_OK;
}

/* --- the blob ----------------------------------------------------------------------------------------------------- */

static struct td_odj sample(void)
{
    struct td_odj odj = {
        .domain = "corp.test",
        .netbios = "CORP",
        .forest = "corp.test",
        .machine = "PC-0001",
        .password = "a password of a machine",
        .domain_guid = {1, 2, 3, 4},
        .rid = 1107,
        .dc = {.name = "\\\\dc1.corp.test",
               .address = "\\\\10.77.2.10",
               .domain = "corp.test",
               .forest = "corp.test",
               .flags = 0xE00011BD,
               .dc_site = "Here",
               .client_site = "Here"},
        .options = 6,
    };
    assert_ok(td_sid_parse(TD_S(DOMAIN_SID), &odj.domain_sid, NULL));
    return odj;
}

static struct td_slice blob_of(const struct td_odj *odj)
{
    struct td_buf b;
    td_buf_init(&b, TD_ODJ_MAX);
    assert_ok(td_odj_write(odj, &b, NULL));
    struct td_slice out = td_arena_copy(&s.arena, td_buf_slice(&b));
    td_buf_wipe(&b);
    return out;
}

static const char *file(const char *name)
{
    return td_device_path(&s.dev, &s.arena, name);
}

static void join_domain(void)
{
    const struct td_odj odj = sample();
    assert_ok(td_domain_apply(&s.dev, blob_of(&odj), NULL));
}

static void takes_the_blob(void **state TD_UNUSED)
{
    static const char *const facts[][2] = {{"domain.name", "corp.test"},       {"domain.netbios", "CORP"},
                                           {"domain.realm", "CORP.TEST"},      {"domain.machine", "PC-0001"},
                                           {"domain.sid", DOMAIN_SID "-1107"}, {"domain.dc", "dc1.corp.test"},
                                           {"domain.address", "10.77.2.10"},   {"device.name", "PC-0001"}};
    struct stat st;
    TD_CLEANUP(td_buf_done) struct td_buf kept;
    assert_false(td_domain_joined(&s.dev));
    join_domain();
    assert_true(td_domain_joined(&s.dev));
    for (size_t i = 0; i < TD_COUNTOF(facts); i++)
        assert_string_equal(td_flow_get(&s.flow, facts[i][0]), facts[i][1]);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(stat(file(i == 0 ? "machine.keytab" : "odj.txt"), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    td_buf_init(&kept, 65536);
    assert_ok(td_file_read(file("state.json"), &kept, NULL));
    assert_true(td_search(td_buf_slice(&kept), TD_S("a password of a machine")) == SIZE_MAX);
    assert_false(stage_said(&s, "a password of a machine"));
    assert_true(stage_said(&s, "offline domain join applied: PC-0001 in corp.test"));
    td_buf_reset(&kept);
    assert_ok(td_file_read(file("odj.txt"), &kept, NULL));
    assert_memory_equal(kept.p,
                        "\xFF\xFE"
                        "A\0R\0A\0I\0A\0M\0",
                        14); /* as djoin writes it */
}

/* Roots in the blob are trusted with the domain; what is no certificate is none, and a spoilt part spoils the blob. */
static void trusts_the_roots_of_its_blob(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf part = {.max = TD_ODJ_MAX}, root = fixture("tpm/ec-root.der");
    const struct td_slice der[] = {td_buf_slice(&root), TD_S("no certificate")};
    struct td_odj odj = sample();
    struct td_error err = {0};
    struct stat st;
    assert_ok(td_odj_roots_write(der, 2, &part, &err));
    odj.extra_count = 1;
    odj.extra[0].bytes = td_sub(td_buf_slice(&part), 0, part.n - 8);
    memcpy(odj.extra[0].guid, td_odj_part_certificates, 16);
    assert_int_equal(td_domain_apply(&s.dev, blob_of(&odj), &err), TD_EFORMAT);
    assert_null(td_domain_roots(&s.dev, &s.arena));
    assert_false(td_file_exists(file("machine.keytab"))); /* written before them: it goes again */
    odj.extra[0].bytes = td_buf_slice(&part);
    assert_ok(td_domain_apply(&s.dev, blob_of(&odj), &err));
    struct td_slice pem = td_str(td_domain_roots(&s.dev, &s.arena));
    size_t at = td_search(pem, TD_S("BEGIN CERTIFICATE"));
    assert_int_not_equal(at, SIZE_MAX);
    assert_int_equal(td_search(td_sub(pem, at + 1, pem.n), TD_S("BEGIN CERTIFICATE")), SIZE_MAX);
    assert_int_equal(stat(file("domain.roots.pem"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_string_equal(td_device_effect(&s.dev, "trusted_roots", &s.arena), pem.p);
}

static void takes_it_once(void **state TD_UNUSED)
{
    struct td_error err = {0};
    struct td_odj odj = sample();
    struct td_slice blob = blob_of(&odj);
    assert_ok(td_domain_apply(&s.dev, blob, &err));
    assert_ok(td_domain_apply(&s.dev, blob, &err)); /* its Status was lost */
    odj.machine = "PC-0002";
    assert_int_equal(td_domain_apply(&s.dev, blob_of(&odj), &err), TD_ESTATE);
    assert_int_equal(err.hresult, 0x80070a83);
    assert_true(err.remedy[0] != '\0');
    assert_string_equal(td_flow_get(&s.flow, "domain.machine"), "PC-0001");
}

static void refuses(struct td_slice blob)
{
    struct td_error err = {0};
    assert_int_equal(td_domain_apply(&s.dev, blob, &err), TD_EFORMAT);
    assert_int_equal(err.hresult, 0x8007000d);
    assert_string_equal(err.where, "BadBlob");
    assert_false(td_domain_joined(&s.dev));
    assert_false(td_file_exists(file("machine.keytab")));
    assert_false(td_file_exists(file("odj.txt")));
    assert_string_equal(td_flow_get(&s.flow, "domain.blob"), "");
}

static struct td_slice utf16(const char *text)
{
    char *out = td_arena_alloc(&s.arena, 2 * strlen(text) + 1);
    for (size_t i = 0; text[i] != '\0'; i++)
        out[2 * i] = text[i];
    return td_bytes(out, 2 * strlen(text));
}

/* Well formed, and no name that a domain has: every one of them. */
static struct td_slice spoilt(struct td_slice blob, const char *name, const char *by)
{
    char *copy = td_arena_text(&s.arena, blob);
    struct td_slice from = utf16(name), to = utf16(by);
    for (size_t i = 0; i + from.n <= blob.n; i++)
        if (memcmp(copy + i, from.p, from.n) == 0)
            memcpy(copy + i, to.p, to.n);
    return td_bytes(copy, blob.n);
}

static void keeps_nothing_of_what_it_cannot_read(void **state TD_UNUSED)
{
    const struct td_odj odj = sample();
    struct td_slice good = blob_of(&odj);
    refuses(TD_S(""));
    refuses(td_sub(good, 0, good.n / 2));
    refuses(spoilt(good, "dc1", "d/1"));
    refuses(spoilt(good, "corp.test", "corp test"));
    refuses(spoilt(good, "PC-0001", "PC$0001"));
    assert_ok(td_domain_apply(&s.dev, good, NULL)); /* and nothing of it stands in the way */
}

/* --- the node ----------------------------------------------------------------------------------------------------- */

static int node_joins;

static int join_by_node(void *ctx TD_UNUSED, struct td_slice blob, struct td_arena *a, const char **ret_machine,
                        uint32_t *ret_hresult)
{
    node_joins++;
    *ret_machine = td_arena_strdup(a, "PC-0001");
    *ret_hresult = 0x80070a83;
    return td_eqs(blob, "blob") ? 200 : 500;
}

static const char *no_fact(void *ctx TD_UNUSED, const char *name TD_UNUSED, struct td_arena *a TD_UNUSED)
{
    return NULL;
}

static void the_node_joins_and_renames(void **state TD_UNUSED)
{
    static const struct {
        enum td_csp_op op;
        const char *uri, *data;
        int status;
    } rows[] = {
        {TD_CSP_EXEC, "./Vendor/MSFT/OfflineDomainJoin/Blob", "YmxvYg==", 200},
        {TD_CSP_EXEC, "./Device/Vendor/MSFT/OfflineDomainJoin/Blob", "b3RoZXI=", 500},
        {TD_CSP_EXEC, "./Vendor/MSFT/OfflineDomainJoin/Blob", "no base64 !", 500},
        {TD_CSP_EXEC, "./Vendor/MSFT/OfflineDomainJoin/Blob", "", 500},
        {TD_CSP_GET, "./Vendor/MSFT/OfflineDomainJoin/Blob", "", 405},
        {TD_CSP_REPLACE, "./Vendor/MSFT/OfflineDomainJoin/Blob", "YmxvYg==", 405},
    };
    TD_CLEANUP(td_csp_cleanup) struct td_csp *csp = NULL;
    const struct td_csp_config config = {.dir = s.dir, .env = &s.world.env, .fact = no_fact, .join = join_by_node};
    assert_ok(td_csp_open(&config, &csp, NULL));
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_csp_answer got = {0};
        td_csp_run(csp, rows[i].op, rows[i].uri, "b64", td_str(rows[i].data), &s.arena, &got);
        assert_int_equal(got.status, rows[i].status);
        assert_true(got.status != 500 || got.hresult != 0);
    }
    assert_int_equal(node_joins, 2);
    assert_true(td_csp_restart_due(csp));
    td_csp_restart(csp);
    assert_string_equal(td_csp_effect(csp, "computer_name", &s.arena), "PC-0001");
    struct td_csp_answer got = {0};
    td_csp_run(csp, TD_CSP_EXEC, rows[0].uri, "b64", td_str(rows[0].data), &s.arena, &got);
    assert_int_equal(got.status, 200);
    assert_false(td_csp_restart_due(csp)); /* again: nothing changes */
    td_csp_begin(csp);
    td_csp_run(csp, TD_CSP_EXEC, rows[0].uri, "b64", td_str(rows[0].data), &s.arena, &got);
    assert_int_equal(got.status, 500); /* nobody could undo it */
    td_csp_rollback(csp);
}

static const char *person(void *ctx, const char *name, struct td_arena *a TD_UNUSED)
{
    const char *const facts[][2] = {{"user", "ada@corp.test"}, {"user-sid", DOMAIN_SID "-1104"}, {"user-type", ctx}};
    for (size_t i = 0; i < TD_COUNTOF(facts); i++)
        if (strcmp(facts[i][0], name) == 0)
            return facts[i][1];
    return NULL;
}

/* Z28 of autopilot.md: a group's member by identifier is the person whose it is, and stands there once. */
static void the_administrator_is_one_by_identifier(void **state TD_UNUSED)
{
#define GROUP(what)                                                                                              \
    "<GroupConfiguration><accessgroup desc=\"S-1-5-32-544\"><group action=\"U\"/><" what " member=\"" DOMAIN_SID \
    "-1104\"/></accessgroup></GroupConfiguration>"
    static const struct {
        const char *type, *policy, *group, *listed;
    } rows[] = {
        {"administrator", NULL, "Administrators", "ada@corp.test (" DOMAIN_SID "-1104)"},
        {"administrator", GROUP("add"), "Administrators", "ada@corp.test (" DOMAIN_SID "-1104)"},
        {"standard", GROUP("add"), "Administrators", "ada@corp.test (" DOMAIN_SID "-1104)"},
        {"administrator", GROUP("remove"), "Users", NULL},
        {"standard", NULL, "Users", NULL},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        TD_CLEANUP(td_csp_cleanup) struct td_csp *csp = NULL;
        const struct td_csp_config config = {
            .dir = s.dir, .env = &s.world.env, .fact = person, .ctx = (void *)(uintptr_t)rows[i].type};
        assert_ok(td_csp_open(&config, &csp, NULL));
        if (rows[i].policy != NULL)
            td_csp_put(csp, "Device/Vendor/MSFT/Policy/Config/LocalUsersAndGroups/Configure", "chr", rows[i].policy);
        assert_string_equal(td_csp_effect(csp, "account_group", &s.arena), rows[i].group);
        const char *listed = td_csp_effect(csp, "administrators", &s.arena);
        if (rows[i].listed == NULL)
            assert_null(listed);
        else
            assert_string_equal(listed, rows[i].listed);
    }
}

/* --- the steps ---------------------------------------------------------------------------------------------------- */

static void waits_for_the_blob(void **state TD_UNUSED)
{
    const struct td_odj odj = sample();
    way.blob = blob_of(&odj);
    way.blob_at = 3;
    td_secret_put(&s.flow.secrets.password, "typed");
    assert_ok(td_flow_domain_wait(&s.flow, NULL));
    assert_int_equal(way.sessions, 3);
    assert_null(s.flow.secrets.password); /* the restart loses what was typed */
    assert_ok(td_flow_domain_wait(&s.flow, NULL));
    assert_int_equal(way.sessions, 3); /* killed behind it: it is there */
}

static void ends_where_no_blob_comes(void **state TD_UNUSED)
{
    struct td_error err = {0};
    int64_t before = s.world.now;
    assert_int_equal(td_flow_domain_wait(&s.flow, &err), TD_EEXPIRED);
    assert_int_equal(err.hresult, 0x800705b4);
    assert_string_equal(err.where, "Timeout");
    assert_true(err.remedy[0] != '\0');
    assert_true(s.world.now - before >= TD_DOMAIN_WAIT); /* longer than a connector is given */
}

/* The device itself ends with the reason that the service knows, and not with a time that is over. */
static void ends_with_what_it_was_told(void **state TD_UNUSED)
{
    struct td_error err = {0};
    way.texts[0] = "Call 4711."; /* an organization's own says nothing of the join */
    way.texts[1] = td_domain_told(TD_DJ_NO_OU, &s.arena);
    way.texts[3] = ""; /* asked anew, and nobody has said more */
    assert_int_not_equal(td_flow_domain_wait(&s.flow, &err), TD_OK);
    assert_int_equal(err.hresult, 0x80072030);
    assert_string_equal(err.where, "NoOu");
    assert_string_equal(err.text, td_domain_reason_row(TD_DJ_NO_OU)->cause);
    assert_string_equal(err.remedy, td_domain_reason_row(TD_DJ_NO_OU)->remedy);
    assert_true(stage_said(&s, "joining your organization's network: 0x80072030: The organizational unit"));
    assert_false(stage_said(&s, "4711"));
}

static void goes_on_where_it_was_mended(void **state TD_UNUSED)
{
    const struct td_odj odj = sample();
    way.texts[0] = td_domain_told(TD_DJ_NO_CONNECTOR, &s.arena);
    way.blob = blob_of(&odj);
    way.blob_at = 4;
    assert_ok(td_flow_domain_wait(&s.flow, NULL));
    assert_true(stage_said(&s, "joining your organization's network: 0x80070774: No connector"));
}

/* A reason that is tried again elsewhere ends the device's wait for good. */
static void a_domain_that_is_away_ends_it_too(void **state TD_UNUSED)
{
    struct td_error err = {0};
    way.texts[0] = td_domain_told(TD_DJ_NO_DC, &s.arena);
    assert_int_equal(td_flow_domain_wait(&s.flow, &err), TD_EEXPIRED);
    assert_int_equal(err.hresult, 0x8007054b);
    assert_string_equal(err.where, "NoDc");
}

static void reaches_a_controller(void **state TD_UNUSED)
{
    struct td_error err = {0};
    join_domain();
    assert_ok(td_flow_domain_reach(&s.flow, &err));
    assert_string_equal(dom.principal, "PC-0001$");
    assert_string_equal(dom.realm, "CORP.TEST");
    assert_string_equal(dom.kdc_name, "10.77.2.10");
    dom.kdc = TD_EUNAVAILABLE;
    dom.hresult = 0x8007054b;
    assert_int_equal(td_flow_domain_reach(&s.flow, &err), TD_EEXPIRED);
    assert_string_equal(dom.kdc_name, "corp.test"); /* the one of the blob, then any */
    assert_string_equal(td_flow_get(&s.flow, "domain.reached"), "dc1.corp.test");
    assert_int_equal(err.hresult, 0x80070774);
    assert_true(err.remedy[0] != '\0');
    dom.kdc = TD_EAUTH;
    dom.hresult = 0x80070576;
    assert_int_equal(td_flow_domain_reach(&s.flow, &err), TD_EEXPIRED);
    assert_int_equal(err.hresult, 0x80070576);
    dom.hresult = 0x8007052e;
    assert_int_equal(td_flow_domain_reach(&s.flow, &err), TD_EAUTH);
    assert_string_equal(err.where, "DeviceRefused");
}

/* The service is told each reason once, and nothing that is past. */
static void tells_why_it_stands_still(void **state TD_UNUSED)
{
    join_domain();
    dom.kdc = TD_EAUTH;
    dom.hresult = 0x80070576;
    assert_int_equal(td_flow_domain_reach(&s.flow, NULL), TD_EEXPIRED);
    assert_int_equal(way.sessions, 1);
    assert_int_equal(td_state_int(s.dev.state, TD_DOMAIN_TROUBLE, 0), 0x80070576);
    assert_true(stage_said(&s, "domain: The device's clock is more than five minutes"));
    dom.kdc = TD_OK;
    assert_ok(td_flow_domain_reach(&s.flow, NULL));
    assert_int_equal(way.sessions, 1);
    assert_int_equal(td_state_int(s.dev.state, TD_DOMAIN_TROUBLE, 0), 0);
}

static void asks_no_controller_where_the_profile_skips_it(void **state TD_UNUSED)
{
    join_domain();
    dom.kdc = TD_EUNAVAILABLE;
    stage_set(&s, "profile.skip_dc", "1");
    assert_ok(td_flow_domain_reach(&s.flow, NULL));
    assert_int_equal(dom.asked, 0);
}

static void the_domain_says_who_may_sign_in(void **state TD_UNUSED)
{
    static const struct {
        uint32_t hresult;
        enum td_code kdc, want;
        const char *reason;
    } rows[] = {
        {0x8007052e, TD_EAUTH, TD_EAUTH, "Wrong"},
        {0x80070533, TD_EAUTH, TD_EDENIED, "Disabled"},
        {0x80070773, TD_EAUTH, TD_EDENIED, "MustChange"},
        {0x80070775, TD_EAUTH, TD_EDENIED, "Locked"},
        {0x80070532, TD_EAUTH, TD_EDENIED, "PasswordExpired"},
        {0x80070701, TD_EAUTH, TD_EDENIED, "AccountExpired"},
        {0x8007054b, TD_EAUTH, TD_EUNAVAILABLE, "DeviceNoDc"},
        {0x8007054b, TD_EUNAVAILABLE, TD_EUNAVAILABLE, "DeviceNoDc"},
        {0x80070576, TD_EAUTH, TD_EUNAVAILABLE, "DeviceClock"},
    };
    join_domain();
    dom.password = "right";
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_error err = {0};
        dom.kdc = rows[i].kdc;
        dom.hresult = rows[i].hresult;
        assert_int_equal(td_domain_sign_in(&s.flow, "ada@corp.test", "right", &err), rows[i].want);
        assert_string_equal(err.where, rows[i].reason);
        assert_true(err.remedy[0] != '\0');
        assert_string_equal(td_flow_get(&s.flow, "domain.user_sid"), "");
    }
    dom.kdc = TD_OK;
    assert_int_equal(td_domain_sign_in(&s.flow, "ada@corp.test", "wrong", NULL), TD_EAUTH);
    assert_ok(td_domain_sign_in(&s.flow, "CORP\\ada", "right", NULL));
    assert_string_equal(dom.user, "ada@corp.test");
    assert_string_equal(td_flow_get(&s.flow, "domain.user_sid"), DOMAIN_SID "-1104");
    for (int i = 0; i < 2; i++) { /* nobody gets what is a namesake's */
        (void)snprintf(dom.namesake, sizeof(dom.namesake), "%s", i == 0 ? "12" : "21");
        assert_ok(td_domain_sign_in(&s.flow, "ada@corp.test", "right", NULL));
        assert_string_equal(td_flow_get(&s.flow, "domain.user_sid"), DOMAIN_SID "-1104");
    }
    assert_int_equal(dom.opened, 0);
}

/* --- the registration --------------------------------------------------------------------------------------------- */

static struct {
    int status, puts;
    const char *body; /* instead of a certificate */
} svc;

static void check_identity(const struct td_json *join, struct td_arena *a)
{
    struct td_cert cert;
    struct td_slice signature;
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    const struct td_json *id = td_json_get(join, "ClientIdentity");
    assert_string_equal(td_json_str(id, "Type"), "sha256signed");
    char at[TD_TIME_TEXT];
    (void)td_time_text(s.world.now, at);
    at[10] = ' ';
    assert_string_equal(td_json_str(id, "Sid"), td_arena_printf(a, DOMAIN_SID "-1107.%s", at));
    assert_ok(td_cert_parse(dom.certificate, a, &cert, NULL));
    assert_string_equal(cert.subject_cn, GUID);
    assert_int_equal(cert.subject_parts, 1);
    assert_ok(td_cert_public_key(dom.certificate, &key, NULL));
    assert_int_equal(td_key_bits(key), 2048);
    assert_ok(td_b64_decode(a, td_str(td_json_str(id, "SignedBlob")), TD_B64_STD, &signature));
    assert_true(td_key_verify(key, TD_RS256, td_str(td_json_str(id, "Sid")), signature));
}

static void certify(const struct td_json *request, struct td_arena *a, struct td_net_response *r)
{
    struct td_slice der;
    struct td_csr csr;
    struct td_cert cert;
    const struct td_rdn cn = {"CN", DEVICE};
    assert_ok(td_b64_decode(a, td_str(td_json_str(request, "Data")), TD_B64_STD, &der));
    assert_ok(td_csr_parse(der, a, &csr, NULL));
    const struct td_cert_template t = {.subject = &cn,
                                       .subject_count = 1,
                                       .spki = csr.spki,
                                       .serial = {9},
                                       .not_before = s.world.now - TD_DAY,
                                       .not_after = s.world.now + 3650 * TD_DAY,
                                       .eku = TD_EKU_CLIENT};
    assert_ok(td_cert_issue(&t, ca_der, ca_key, a, &der, NULL));
    assert_ok(td_cert_parse(der, a, &cert, NULL));
    (void)reply_json(
        r, a, 200,
        td_arena_printf(a, "{\"Certificate\":{\"Thumbprint\":\"%s\",\"RawBody\":\"%s\"}}", cert.sha1, td_b64(a, der)));
}

static enum td_code serve(void *ctx TD_UNUSED, const struct td_net_request *req, struct td_arena *a,
                          struct td_net_response *r, struct td_error *err TD_UNUSED)
{
    struct td_json *body;
    struct td_slice blob;
    TD_CLEANUP(td_key_cleanup) struct td_key *transport = NULL;
    if (asked(req, "GET", "/Discover"))
        return reply_json(r, a, 200, "{\"TenantInfo\":{\"TenantId\":\"" TENANT "\"}}");
    assert_string_equal(req->method, "PUT");
    assert_true(td_starts(td_str(req->url), BASE GUID "?api-version="));
    assert_null(header_of(req, "Authorization: ")); /* no bearer: the signature is the proof */
    svc.puts++;
    assert_ok(td_json_parse(req->body, 65536, a, &body, NULL));
    const struct td_json *join = td_json_get(body, "ServerAdJoinData");
    assert_int_equal(td_json_int(body, "JoinType", -1), 6);
    assert_string_equal(td_json_str(join, "TargetDomainId"), TENANT);
    assert_string_equal(td_json_str(join, "TargetDomain"), "contoso.test");
    assert_string_equal(td_json_str(join, "DeviceType"), "Windows");
    assert_string_equal(td_json_str(join, "DeviceDisplayName"), "PC-0001");
    assert_ok(td_b64_decode(a, td_str(td_json_str(join, "TransportKey")), TD_B64_STD, &blob));
    assert_ok(td_key_from_rsa_blob(blob, &transport, NULL));
    if (dom.certificate.n != 0)
        check_identity(join, a);
    assert_string_equal(td_json_str(td_json_get(body, "attributes"), "ReuseDevice"), "true");
    if (svc.status != 200)
        return reply_json(r, a, svc.status, svc.body);
    certify(td_json_get(body, "CertificateRequest"), a, r);
    return TD_OK;
}

static struct td_slice certificate_of(struct td_slice issuer, const struct td_key *issuer_key)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_slice spki, der;
    const struct td_rdn cn = {"CN", GUID};
    struct td_cert_template t = {.subject = &cn,
                                 .subject_count = 1,
                                 .serial = {7},
                                 .not_before = s.world.now - TD_DAY,
                                 .not_after = s.world.now + TD_DAY,
                                 .eku = TD_EKU_CLIENT};
    assert_ok(td_key_generate(TD_KEY_RSA, &key, NULL));
    assert_ok(td_key_public_der(key, &s.arena, &spki));
    t.spki = spki;
    assert_ok(td_cert_issue(&t, issuer, issuer_key != NULL ? issuer_key : key, &s.arena, &der, NULL));
    return der;
}

/* The key on a disk that was wiped, or stolen before, speaks for this computer no longer. */
static void former_keys_go(void **state TD_UNUSED)
{
    join_domain();
    dom.certificate = dom.former = certificate_of(TD_S(""), NULL);
    assert_ok(td_flow_domain_register(&s.flow, NULL));
    assert_int_equal(dom.written, 1);
}

static void what_an_authority_issued_stays(void **state TD_UNUSED)
{
    join_domain();
    dom.certificate = certificate_of(ca_der, ca_key);
    assert_ok(td_flow_domain_register(&s.flow, NULL));
    assert_int_equal(dom.written, 1);
}

static void registers_the_computer(void **state TD_UNUSED)
{
    join_domain();
    assert_ok(td_flow_domain_register(&s.flow, NULL));
    assert_int_equal(dom.written, 1);
    assert_string_equal(td_flow_get(&s.flow, "join.device_id"), DEVICE);
    assert_string_equal(td_flow_get(&s.flow, "domain.guid"), GUID);
    assert_true(td_file_exists(file("device.crt.pem")));
    assert_int_equal(td_flow_kind(&s.flow), TD_FLOW_HYBRID); /* stays one */
    assert_ok(td_flow_domain_register(&s.flow, NULL));       /* its answer was lost */
    assert_int_equal(dom.written, 1);                        /* the certificate that stands there is kept */
    assert_int_equal(dom.opened, 0);
}

static void waits_until_the_directory_knows_it(void **state TD_UNUSED)
{
    struct td_error err = {0};
    join_domain();
    svc.status = 400;
    svc.body = "{\"ErrorType\":\"DirectoryError\",\"Message\":\"no such computer\"}";
    assert_int_equal(td_flow_domain_register(&s.flow, &err), TD_ENOTFOUND);
    assert_string_equal(err.where, "NotRegistered");
    assert_true(svc.puts > 20);
    svc.status = 503; /* a service that is away is the walk's business */
    svc.puts = 0;
    assert_int_equal(td_flow_domain_register(&s.flow, &err), TD_EUNAVAILABLE);
    assert_int_equal(svc.puts, 1);
}

static void registers_nothing_that_it_cannot_publish(void **state TD_UNUSED)
{
    struct td_error err = {0};
    join_domain();
    dom.modify = TD_EDENIED;
    assert_int_not_equal(td_flow_domain_register(&s.flow, &err), TD_OK);
    assert_int_equal(svc.puts, 0);
    dom.modify = TD_OK;
    dom.no_account = true;
    assert_int_equal(td_flow_domain_register(&s.flow, &err), TD_EAUTH);
    assert_string_equal(err.where, "DeviceRefused");
    assert_int_equal(svc.puts, 0);
}

static void at_both(const char *silent, const char *no_ldap, const char *no_writing)
{
    join_domain();
    dom.srv[0] = "dc1.corp.test";
    dom.srv[1] = "dc2.corp.test";
    dom.silent = silent;
    dom.no_ldap = no_ldap;
    dom.no_writing = no_writing;
}

static void another_controller_takes_the_certificate(void **state TD_UNUSED)
{
    at_both(NULL, "dc1.corp.test", NULL);
    assert_ok(td_flow_domain_register(&s.flow, NULL));
    assert_string_equal(dom.open_at, "dc2.corp.test");
    assert_string_equal(dom.log, "kdc 10.77.2.10; ldap dc1.corp.test; dns srv; kdc dc1.corp.test; ldap dc1.corp.test; "
                                 "kdc dc2.corp.test; ldap dc2.corp.test; ");
    assert_int_equal(dom.written, 1);
    dom.log[0] = '\0';
    assert_ok(td_flow_domain_reach(&s.flow, NULL)); /* the one that answered is asked first from now on */
    assert_string_equal(dom.log, "kdc dc2.corp.test; ");
    assert_string_equal(td_flow_get(&s.flow, "domain.reached"), "dc2.corp.test");
    assert_false(stage_said(&s, "registration: "));
}

/* Gone in the midst of it: what is to be written there is written to the next one. */
static void a_controller_is_lost_when_it_is_written_to(void **state TD_UNUSED)
{
    at_both(NULL, NULL, "dc1.corp.test");
    assert_ok(td_flow_domain_register(&s.flow, NULL));
    assert_string_equal(dom.open_at, "dc2.corp.test");
    assert_int_equal(dom.written, 1);
    assert_int_equal(dom.opened, 0);
}

static void waits_with_the_reason_of_the_last_one(void **state TD_UNUSED)
{
    struct td_error err = {0};
    at_both("10.77.2.10", "dc1.corp.test", NULL);
    dom.stranger = "dc2.corp.test"; /* it may not have heard of the account: no reason to give up */
    assert_int_equal(td_flow_domain_register(&s.flow, &err), TD_EEXPIRED);
    assert_string_equal(err.where, "DeviceNoDc");
    assert_true(stage_said(&s, "registration: The device finds no domain controller: dc2.corp.test says no"));
    assert_int_equal(dom.written, 0);
    assert_int_equal(svc.puts, 0);
    dom.silent = NULL; /* one that is there is believed, and no other asked */
    dom.stranger = "10.77.2.10";
    dom.log[0] = '\0';
    assert_int_equal(td_flow_domain_register(&s.flow, &err), TD_EAUTH);
    assert_string_equal(err.where, "DeviceRefused");
    assert_string_equal(dom.log, "kdc 10.77.2.10; ");
}

/* Each of them would count it. */
static void a_wrong_password_is_shown_to_one_controller(void **state TD_UNUSED)
{
    at_both("10.77.2.10", NULL, NULL);
    dom.password = "right";
    assert_int_equal(td_domain_sign_in(&s.flow, "ada@corp.test", "wrong", NULL), TD_EAUTH);
    assert_string_equal(dom.log, "kdc 10.77.2.10; dns srv; kdc dc1.corp.test; ");
}

/* --- resets ------------------------------------------------------------------------------------------------------- */

static void a_reset_in_place_is_refused(void **state TD_UNUSED)
{
    struct td_error err = {0};
    int64_t status;
    uint32_t code;
    join_domain();
    assert_int_equal(td_reset_schedule(&s.dev, TD_ACTION_RESET, "", &err), TD_ESTATE);
    assert_int_equal(err.hresult, TD_RESET_E_NORECOVERY);
    td_reset_status(&s.dev, &status, &code);
    assert_int_equal(status, 30);
    assert_int_equal(td_reset_schedule(&s.dev, TD_ACTION_LOCAL_RESET, "", &err), TD_ESTATE);
    assert_ok(td_reset_now(&s.dev, TD_ACTION_REINSTALL, &err));
    assert_false(td_domain_joined(&s.dev));
    assert_false(td_file_exists(file("machine.keytab")));
    assert_false(td_file_exists(file("odj.txt")));
}

static int begin(void **state TD_UNUSED)
{
    stage_open(&s, serve);
    memset(&dom, 0, sizeof(dom));
    memset(&way, 0, sizeof(way));
    memset(&svc, 0, sizeof(svc));
    svc.status = 200;
    stage_make_ca(&s, &ca_key, &ca_der);
    stage_set(&s, "profile.tenant_id", TENANT);
    stage_set(&s, "profile.domain", "contoso.test");
    stage_set(&s, "profile.join_method", "1");
    return 0;
}

static int end(void **state TD_UNUSED)
{
    td_key_cleanup(&ca_key);
    stage_close(&s);
    return 0;
}

#define STAGED(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(takes_the_blob),
        STAGED(trusts_the_roots_of_its_blob),
        STAGED(takes_it_once),
        STAGED(keeps_nothing_of_what_it_cannot_read),
        STAGED(the_node_joins_and_renames),
        STAGED(the_administrator_is_one_by_identifier),
        STAGED(waits_for_the_blob),
        STAGED(ends_where_no_blob_comes),
        STAGED(ends_with_what_it_was_told),
        STAGED(goes_on_where_it_was_mended),
        STAGED(a_domain_that_is_away_ends_it_too),
        STAGED(reaches_a_controller),
        STAGED(tells_why_it_stands_still),
        STAGED(asks_no_controller_where_the_profile_skips_it),
        STAGED(the_domain_says_who_may_sign_in),
        STAGED(registers_the_computer),
        STAGED(former_keys_go),
        STAGED(what_an_authority_issued_stays),
        STAGED(waits_until_the_directory_knows_it),
        STAGED(registers_nothing_that_it_cannot_publish),
        STAGED(another_controller_takes_the_certificate),
        STAGED(a_controller_is_lost_when_it_is_written_to),
        STAGED(waits_with_the_reason_of_the_last_one),
        STAGED(a_wrong_password_is_shown_to_one_controller),
        STAGED(a_reset_in_place_is_refused),
    };
    return cmocka_run_group_tests_name("device/domain", tests, NULL, NULL);
}
