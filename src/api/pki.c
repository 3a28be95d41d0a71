#include "api/pki.h"

#include "api/authority_in.h"
#include "base/encode.h"
#include "store/certificate.h"

enum { OCSP_GET_MAX = 2048 };

/* How long an answer may be believed: lists are made on request, so a revocation shows within the hour. */
static const int64_t list_life = TD_HOUR, backdate = 5 * TD_MINUTE;

static const char cache_hour[] = "max-age=3600", cache_short[] = "max-age=300";

static void not_found(struct td_http_reply *reply)
{
    struct td_error err = {0};
    (void)td_fail(&err, TD_ENOTFOUND, "name", "there is no certificate of this name");
    (void)td_remedy(&err, TD_ENOTFOUND, "root, server, device and management are there, each as .crt and .crl");
    td_reply_problem(reply, &err);
}

static enum td_purpose purpose_of(struct td_slice name)
{
    for (enum td_purpose p = 0; p < TD_PURPOSE_COUNT; p++)
        if (td_ieqs(name, td_purpose_words[p]))
            return p;
    return TD_PURPOSE_COUNT;
}

struct list_job {
    const struct td_service *svc;
    enum td_purpose purpose;
    struct td_arena *arena;
    struct td_cert_row *rows;
    size_t count;
};

static enum td_code read_list(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct list_job *j = ctx;
    return td_cert_revoked_list(tx, td_purpose_words[j->purpose], j->arena, &j->rows, &j->count, err);
}

/* The list's number is the moment it was made: it only rises, over all processes. */
static enum td_code make_list(struct list_job *j, struct td_slice *ret, struct td_error *err)
{
    const struct td_issuer *by = &j->svc->authority->issuers[j->purpose];
    int64_t now = td_now(j->svc->env);
    td_try(td_store_read(j->svc->store, read_list, j, err));
    struct td_revoked *gone = td_arena_array(j->arena, struct td_revoked, j->count);
    for (size_t i = 0; i < j->count; i++)
        gone[i] =
            (struct td_revoked){.serial = j->rows[i].serial, .at = j->rows[i].revoked_at, .reason = j->rows[i].reason};
    return td_crl_issue(by->der, by->key, gone, j->count, now / TD_SECOND, now - backdate, now + list_life, j->arena,
                        ret, err);
}

/* purpose TD_PURPOSE_COUNT: the root's. */
static void reply_list(const struct td_service *svc, enum td_purpose purpose, struct td_http_request *req,
                       struct td_http_reply *reply)
{
    struct list_job j = {.svc = svc, .purpose = purpose, .arena = req->arena};
    struct td_slice der = TD_S("");
    struct td_error err = {0};
    int64_t now = td_now(svc->env);
    enum td_code rc = purpose == TD_PURPOSE_COUNT
                          ? td_authority_root_list(svc, now - backdate, now + list_life, req->arena, &der, &err)
                          : make_list(&j, &der, &err);
    if (rc != TD_OK) {
        td_reply_problem(reply, &err);
        return;
    }
    td_reply_header(reply, "Cache-Control", cache_short);
    td_reply_text(reply, 200, "application/pkix-crl", der);
}

static void get_file(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    const struct td_service *svc = ctx;
    struct td_slice name, kind = td_cut(req->params[0], '.', &name);
    enum td_purpose p = purpose_of(name);
    bool root = td_ieqs(name, "root");
    if (td_ieqs(kind, "crl") && (root || p != TD_PURPOSE_COUNT)) {
        reply_list(svc, p, req, reply);
    } else if (td_ieqs(kind, "crt") && (root || p != TD_PURPOSE_COUNT)) {
        td_reply_header(reply, "Cache-Control", cache_hour);
        td_reply_text(reply, 200, "application/pkix-cert",
                      root ? td_authority_root(svc->authority) : td_authority_intermediate(svc->authority, p));
    } else {
        not_found(reply);
    }
}

struct ocsp_job {
    const struct td_service *svc;
    struct td_arena *arena;
    struct td_slice request, answer;
    struct td_tx *tx;
    enum td_code rc; /* of the store, inside the callback */
};

static enum td_ocsp_status ask_store(void *ctx, size_t issuer, const char *serial, struct td_revoked *ret)
{
    struct ocsp_job *j = ctx;
    struct td_cert_row row = {0};
    enum td_code rc = td_cert_find_serial(j->tx, td_purpose_words[issuer], serial, j->arena, &row, NULL);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        j->rc = rc;
    *ret = (struct td_revoked){.serial = serial, .at = row.revoked_at, .reason = row.reason};
    return rc != TD_OK ? TD_OCSP_UNKNOWN : row.revoked_at != 0 ? TD_OCSP_REVOKED : TD_OCSP_GOOD;
}

/* A read holds no writer up, so the one signature may be made inside. */
static enum td_code answer(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct ocsp_job *j = ctx;
    struct td_ocsp_issuer issuers[TD_PURPOSE_COUNT];
    int64_t now = td_now(j->svc->env);
    for (size_t i = 0; i < TD_PURPOSE_COUNT; i++)
        issuers[i] = (struct td_ocsp_issuer){j->svc->authority->issuers[i].der, j->svc->authority->issuers[i].key};
    j->tx = tx;
    td_try(td_ocsp_answer(j->request, issuers, TD_PURPOSE_COUNT, ask_store, j, now - backdate, now + list_life,
                          j->arena, &j->answer, err));
    return j->rc == TD_OK ? TD_OK : td_fail(err, j->rc, "ocsp", "the store can't be asked");
}

static void ocsp(const struct td_service *svc, struct td_slice request, struct td_http_request *req,
                 struct td_http_reply *reply)
{
    struct ocsp_job j = {.svc = svc, .arena = req->arena, .request = request};
    struct td_error err = {0};
    if (td_store_read(svc->store, answer, &j, &err) != TD_OK) {
        td_reply_problem(reply, &err);
        return;
    }
    td_reply_text(reply, 200, "application/ocsp-response", j.answer);
}

static void post_ocsp(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    ocsp(ctx, req->body, req, reply);
}

/* RFC 6960 A.1: base64 of the request behind the path, its own slashes included. */
static void get_ocsp(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_slice der = TD_S("");
    struct td_slice text = req->params[0];
    if (text.n > OCSP_GET_MAX || td_b64_decode(req->arena, text, TD_B64_STD | TD_B64_NOPAD, &der) != TD_OK)
        der = TD_S("");
    td_reply_header(reply, "Cache-Control", cache_short);
    ocsp(ctx, der, req, reply);
}

const struct td_route td_pki_routes[] = {
    {TD_GET, "/pki/{name}", get_file, TD_ROUTE_PLAIN | TD_ROUTE_LIMITED, 0},
    {TD_POST, "/ocsp", post_ocsp, TD_ROUTE_PLAIN | TD_ROUTE_LIMITED, TD_OCSP_MAX},
    {TD_GET, "/ocsp/{request*}", get_ocsp, TD_ROUTE_PLAIN | TD_ROUTE_LIMITED, 0},
};
const size_t td_pki_route_count = TD_COUNTOF(td_pki_routes);
