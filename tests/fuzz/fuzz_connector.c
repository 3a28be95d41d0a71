/* The connectors' door: hostile bodies of a connector that is known, against a whole service on a store of its own.
 * Input: a line with the call ("hello", "result", ...), then the body, in which @JOB@ stands for work that the
 * connector has at this moment. A status 500 is a hole, and so is an answer that is no JSON, or work that nobody asked
 * for. */
#include "api/connector.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "fuzz_service.h"
#include "store/connector.h"
#include "store/tenant.h"
#include "store/way.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONGEST = 65536, ROWS = 200 };

static struct fuzz_service f;
static struct td_door door;
static struct td_peer peer;
static struct td_arena kept;
static const char *tenant, *connector;
static int enrolments;

static void make_peer(struct td_cert *ret)
{
    struct td_key *key = NULL;
    const struct td_rdn subject[] = {{"CN", "connector"}};
    struct td_cert_template t = {
        .subject = subject, .subject_count = 1, .not_before = f.env.now, .not_after = f.env.now + TD_DAY};
    struct td_slice der = {0};
    bool ok = td_key_generate(TD_KEY_P256, &key, NULL) == TD_OK && td_key_public_der(key, &kept, &t.spki) == TD_OK &&
              td_cert_issue(&t, TD_S(""), key, &kept, &der, NULL) == TD_OK &&
              td_cert_parse(der, &kept, ret, NULL) == TD_OK;
    if (!ok)
        abort();
    td_key_free(key);
    peer = (struct td_peer){.address = "127.0.0.1", .tls = true, .cert = der};
    td_sha256(der, peer.cert_sha256);
}

static enum td_code fill(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_tenant t = {0};
    struct td_way_row way;
    struct td_cert cert = {.der = TD_S("")};
    const unsigned char code[32] = {1};
    struct td_connector what = {.encryption_key = TD_S("none"), .version = "1"}, made;
    make_peer(&cert);
    td_sha256(cert.spki, what.key_sha256);
    td_try(td_tenant_add(tx, "contoso.test", "Contoso", &kept, &t, err));
    td_try(td_connector_add(tx, t.id, "HQ", code, "fuzz", &kept, &made, err));
    td_try(td_connector_register(tx, code, &what, &kept, &made, err));
    td_try(td_way_add(tx, t.id, TD_WAY_ID, "w1", &kept, &way, err));
    tenant = t.id;
    connector = made.id;
    return TD_OK;
}

static void end(void)
{
    fuzz_close(&f);
    td_arena_done(&kept);
}

static void begin(void)
{
    fuzz_open(&f, fill);
    door = (struct td_door){td_connector_routes, td_connector_route_count, &f.svc};
    (void)atexit(end);
}

/* Work that the connector has: another one where the last input has ended the former. */
struct leased {
    struct td_arena *a;
    struct td_domain_join job;
};

static enum td_code lease(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct leased *l = ctx;
    const char *const domains[] = {"corp.test"};
    const char *enrolment = td_arena_printf(l->a, "e%d", enrolments);
    const struct td_domain_asking what = {"w1", enrolment, "", "SN", "item", "corp.test", "", "PC-%RAND:5%", "own"};
    td_try(td_domain_join_ask(tx, tenant, &what, l->a, &l->job, err));
    if (l->job.state == TD_DJS_CREATING)
        return TD_OK;
    if (++enrolments % ROWS == 0) /* one that is made, or waits for its time, is left for a while */
        td_try(td_sql(tx, err, "DELETE FROM domain_join WHERE tenant = $1", "s", tenant));
    const struct td_domain_asking other = {
        "w1", td_arena_printf(l->a, "e%d", enrolments), "", "SN", "item", "corp.test", "", "PC-%RAND:5%", "own"};
    td_try(td_domain_join_ask(tx, tenant, &other, l->a, &l->job, err));
    return td_domain_join_lease(tx, tenant, connector, domains, 1, l->a, &l->job, err);
}

static struct td_slice with_job(struct td_slice body, const char *id, struct td_arena *a)
{
    size_t at = td_search(body, TD_S("@JOB@"));
    if (at == SIZE_MAX)
        return body;
    struct td_slice rest = td_sub(body, at + 5, SIZE_MAX);
    return td_str(td_arena_printf(a, "%.*s%s%.*s", (int)at, body.p, id, TD_FMT(rest)));
}

static void judge(const struct td_http_reply *r)
{
    if (r->status == 500 || r->status == 0 || r->body.n == 0 || r->body.p[0] != '{')
        abort();
}

static void call(struct td_slice name, struct td_slice body, struct td_arena *a)
{
    struct td_router router = {&door, 1};
    struct td_http_reply reply;
    struct td_http_request req = {.method = TD_POST,
                                  .path = td_str(td_arena_printf(a, "/connector/%.*s", TD_FMT(name))),
                                  .host = TD_S("localhost:8443"),
                                  .base = "https://localhost:8443",
                                  .body = body,
                                  .peer = &peer,
                                  .arena = a};
    td_reply_init(&reply);
    td_router_run(&router, &req, &reply);
    judge(&reply);
    td_reply_done(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_slice input = td_bytes(data, size), name;
    struct td_arena a;
    if (f.svc.store == NULL)
        begin();
    input = td_cut(input, '\n', &name);
    if (size > LONGEST || name.n > 16 || td_find(name, '/') != SIZE_MAX)
        return 0;
    td_arena_init(&a);
    struct leased l = {.a = &a};
    if (td_store_write(f.svc.store, lease, &l, NULL) != TD_OK)
        abort();
    call(name, with_job(td_arena_copy(&a, input), l.job.id, &a), &a);
    td_arena_done(&a);
    return 0;
}
