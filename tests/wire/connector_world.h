/* Connectors of a test, spoken by hand from docs/protocol/connector.md, against the door of a whole service. */
#ifndef TD_TESTS_WIRE_CONNECTOR_WORLD_H
#define TD_TESTS_WIRE_CONNECTOR_WORLD_H

#include "api/connector.h"
#include "base/encode.h"
#include "codec/odj.h"
#include "crypto/jose.h"
#include "service_box.h"
#include "store/connector.h"
#include "store/way.h"

#define JOB_GUID "44444444-0000-4000-8000-000000000001"
#define DOMAIN_SID "S-1-5-21-1111-2222-3333"

struct con { /* one connector */
    struct td_key *key, *encryption;
    struct td_peer peer;
    const char *id;
};

static struct service_box *box;
static struct con one, two, foreign;
static struct td_key *rsa; /* costly: once, for all of them */

static inline struct td_slice con_spki(const struct td_key *key)
{
    struct td_slice der = {0};
    assert_ok(td_key_public_der(key, &box->arena, &der));
    return der;
}

static inline struct td_peer con_peer(const struct td_key *key, int64_t from)
{
    const struct td_rdn subject[] = {{"CN", "whatever"}};
    struct td_cert_template t = {
        .subject = subject, .subject_count = 1, .spki = con_spki(key), .not_before = from, .not_after = from + TD_DAY};
    struct td_slice der = {0};
    assert_ok(td_cert_issue(&t, TD_S(""), key, &box->arena, &der, NULL));
    return box_peer(der);
}

static inline void con_make(struct con *c)
{
    if (rsa == NULL)
        assert_ok(td_key_generate_rsa(3072, &rsa, NULL));
    assert_ok(td_key_generate(TD_KEY_P256, &c->key, NULL));
    c->encryption = rsa;
    c->peer = con_peer(c->key, BOX_NOW);
}

static inline int con_call(const struct con *c, const char *call, const char *body)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    const char *path = td_arena_printf(&box->arena, "/connector/%s", call);
    return box_ask(box, td_connector_routes, td_connector_route_count, "POST", path, headers, td_str(body),
                   c != NULL ? &c->peer : NULL);
}

static inline const struct td_json *con_answer(void)
{
    struct td_json *j = NULL;
    assert_ok(td_json_parse(td_buf_slice(&box->reply.body), 1 << 20, &box->arena, &j, NULL));
    return j;
}

static inline void con_refused(int status, int want, const char *field)
{
    if (status != want)
        fail_msg("%d, not %d: %.*s", status, want, TD_FMT(td_buf_slice(&box->reply.body)));
    const struct td_json *j = con_answer();
    assert_string_equal(td_json_str(j, "field"), field);
    assert_true(td_json_str(j, "detail") != NULL && td_json_str(j, "detail")[0] != '\0');
    assert_true(td_json_str(j, "remedy") != NULL && td_json_str(j, "remedy")[0] != '\0');
}

static inline void con_ok(int status)
{
    if (status != 200)
        fail_msg("%d %.*s", status, TD_FMT(td_buf_slice(&box->reply.body)));
}

/* --- registration ------------------------------------------------------------------------------------------------- */

struct con_code {
    const char *tenant, *name;
    unsigned char sha256[32];
};

static inline enum td_code con_add(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct con_code *k = ctx;
    struct td_connector made;
    return td_connector_add(tx, k->tenant, k->name, k->sha256, "ada", &box->arena, &made, err);
}

static inline const char *con_code(const char *tenant, const char *name)
{
    struct con_code k = {.tenant = tenant, .name = name};
    char text[TD_CONNECTOR_CODE_TEXT];
    td_connector_code_make(box->svc.env, text, k.sha256);
    assert_ok(td_store_write(box->svc.store, con_add, &k, NULL));
    return td_arena_strdup(&box->arena, text);
}

static inline const char *con_registration(const struct con *c, const char *code)
{
    return td_arena_printf(&box->arena,
                           "{\"code\":\"%s\",\"name\":\"host\",\"version\":\"1.2\",\"encryptionKey\":\"%s\"}", code,
                           td_b64(&box->arena, con_spki(c->encryption)));
}

static inline void con_register(struct con *c, const char *tenant, const char *name)
{
    con_make(c);
    con_ok(con_call(c, "register", con_registration(c, con_code(tenant, name))));
    c->id = td_json_str(con_answer(), "id");
    assert_string_equal(td_json_str(con_answer(), "tenantId"), tenant);
    assert_string_equal(td_json_str(con_answer(), "name"), name);
}

static inline void con_hello(const struct con *c, const char *problem)
{
    con_ok(con_call(c, "hello",
                    td_arena_printf(&box->arena,
                                    "{\"version\":\"1.2\",\"domains\":[{\"domain\":\"CORP.test\",\"netbios\":\"CORP\","
                                    "\"dc\":\"dc1.corp.test\",\"site\":\"S\",\"problem\":\"%s\",\"detail\":\"\"}]}",
                                    problem)));
}

struct con_bound {
    const struct con *c;
    const char *domain;
};

static inline enum td_code con_do_bind(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct con_bound *b = ctx;
    return td_connector_bind(tx, box->tenant, b->c->id, &b->domain, b->domain != NULL, "ada", err);
}

/* As an administrator does; NULL: to any. */
static inline void con_bind(const struct con *c, const char *domain)
{
    struct con_bound b = {c, domain};
    assert_ok(td_store_write(box->svc.store, con_do_bind, &b, NULL));
}

/* Two of Contoso that serve corp.test, and one of Fabrikam that says it does. */
static inline int con_setup(void **state)
{
    int rc = box_setup(state);
    box = *state;
    box->svc.connectors = td_connector_hub_new(box->svc.env);
    con_register(&one, box->tenant, "HQ-1");
    con_register(&two, box->tenant, "HQ-2");
    con_register(&foreign, box->other, "HQ-1");
    con_hello(&one, "");
    con_hello(&two, "");
    con_hello(&foreign, "");
    return rc;
}

static inline int con_teardown(void **state)
{
    struct con *const all[] = {&one, &two, &foreign};
    for (size_t i = 0; i < TD_COUNTOF(all); i++)
        td_key_free(TD_TAKE(all[i]->key));
    td_connector_hub_free(TD_TAKE(box->svc.connectors));
    return box_teardown(state);
}

static inline int con_end(void **state TD_UNUSED)
{
    td_key_free(TD_TAKE(rsa));
    return 0;
}

/* --- work --------------------------------------------------------------------------------------------------------- */

static inline void con_ask_join(struct td_tx *tx, struct service_box *b)
{
    struct td_way_row way;
    struct td_domain_join j;
    const struct td_domain_asking what = {.way_id = "w1",
                                          .enrolment_id = "e1",
                                          .registration_id = "",
                                          .serial = "SN-1",
                                          .item = "i1",
                                          .domain = "corp.test",
                                          .ou = "OU=PCs,DC=corp,DC=test",
                                          .pattern = "PC-%RAND:5%",
                                          .reuse = "own"};
    if (td_way_find(tx, b->tenant, TD_WAY_ID, "w1", &b->arena, &way, NULL) != TD_OK)
        assert_ok(td_way_add(tx, b->tenant, TD_WAY_ID, "w1", &b->arena, &way, NULL));
    assert_ok(td_domain_join_ask(tx, b->tenant, &what, &b->arena, &j, NULL));
}

/* The device of an account is gone: the account is to be deleted. */
static inline void con_leave(struct td_tx *tx, struct service_box *b)
{
    struct td_domain_join j = {.way_id = "w1",
                               .domain = "corp.test",
                               .account_guid = JOB_GUID,
                               .account_sid = DOMAIN_SID "-1104",
                               .name = "PC-1"};
    assert_ok(td_domain_removal_ask(tx, b->tenant, &j, true, NULL));
}

static inline const struct td_json *con_work(void)
{
    return td_json_get(con_answer(), "work");
}

/* Asks for work and gives its only piece. */
static inline const struct td_json *con_take(const struct con *c)
{
    con_ok(con_call(c, "work", "{\"free\":4}"));
    assert_int_equal(td_json_count(con_work()), 1);
    return con_work()->child;
}

static inline enum td_code con_look_job(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_domain_join_of(tx, box->tenant, "e1", &box->arena, ctx, err);
}

static inline struct td_domain_join con_job(void)
{
    struct td_domain_join j;
    assert_ok(td_store_read(box->svc.store, con_look_job, &j, NULL));
    return j;
}

static inline const char *con_blob(const char *domain, const char *machine, uint32_t rid)
{
    struct td_odj odj = {.domain = domain,
                         .netbios = "CORP",
                         .forest = domain,
                         .machine = machine,
                         .password = "Secret-of-the-machine",
                         .rid = rid,
                         .dc = {.name = "\\\\dc1.corp.test",
                                .address = "\\\\10.0.0.1",
                                .domain = domain,
                                .forest = domain,
                                .dc_site = "S",
                                .client_site = "S"}};
    struct td_buf out;
    struct td_error err = {0};
    assert_ok(td_sid_parse(TD_S(DOMAIN_SID), &odj.domain_sid, NULL));
    td_buf_init(&out, TD_ODJ_MAX);
    if (td_odj_write(&odj, &out, &err) != TD_OK)
        fail_msg("%s %s", err.where, err.text);
    const char *text = td_b64(&box->arena, td_buf_slice(&out));
    td_buf_done(&out);
    return text;
}

static inline const char *con_made(const char *id, int64_t attempt, const char *guid, const char *blob)
{
    return td_arena_printf(&box->arena,
                           "{\"id\":\"%s\",\"attempt\":%lld,\"result\":{\"accountGuid\":\"%s\",\"accountSid\":"
                           "\"" DOMAIN_SID "-1104\",\"accountDn\":\"CN=PC,OU=PCs,DC=corp,DC=test\",\"existed\":false,"
                           "\"blob\":\"%s\"}}",
                           id, (long long)attempt, guid, blob);
}

static inline const char *con_error(const char *id, int64_t attempt, const char *reason)
{
    return td_arena_printf(&box->arena,
                           "{\"id\":\"%s\",\"attempt\":%lld,\"error\":{\"reason\":\"%s\",\"detail\":\"as told\"}}", id,
                           (long long)attempt, reason);
}

#endif
