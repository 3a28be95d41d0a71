/* The connectors' door: who calls, and how every call is answered (docs/protocol/connector.md). */
#include "api/connector/room.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/signs.h"
#include "codec/sid.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "store/ad_domain.h"
#include "store/directory_sync.h"

#include <stdio.h>

enum { VERSION = 64, NAME = 255, KEY = 8192, KEY_BITS_MIN = 3072, KEY_BITS_MAX = 8192, DETAIL = 2000, RETRY = 5 };

static const char document[] = "See docs/protocol/connector.md, section 2.";

/* --- codes -------------------------------------------------------------------------------------------------------- */

void td_connector_code_make(const struct td_env *env, char ret_text[TD_CONNECTOR_CODE_TEXT],
                            unsigned char ret_sha256[32])
{
    char signs[TD_CONNECTOR_CODE + 1];
    size_t n = 0;
    td_signs_draw(env, TD_SIGNS, signs, TD_CONNECTOR_CODE);
    for (size_t i = 0; i < TD_CONNECTOR_CODE; i++) {
        if (i != 0 && i % 4 == 0)
            ret_text[n++] = '-';
        ret_text[n++] = signs[i];
    }
    ret_text[n] = '\0';
    td_sha256(td_str(signs), ret_sha256);
    td_wipe(signs, sizeof(signs));
}

bool td_connector_code_read(struct td_slice typed, unsigned char ret_sha256[32])
{
    char signs[TD_CONNECTOR_CODE + 1];
    bool read = td_signs_read(typed, TD_SIGNS, signs, TD_CONNECTOR_CODE);
    if (read)
        td_sha256(td_str(signs), ret_sha256);
    td_wipe(signs, sizeof(signs));
    return read;
}

/* --- members ------------------------------------------------------------------------------------------------------ */

enum td_code td_cdoor_text(const struct td_json *object, const char *name, size_t max, const char *otherwise,
                           const char **ret, struct td_error *err)
{
    const struct td_json *v = td_json_get(object, name);
    bool missing = v == NULL || v->type == TD_JSON_NULL;
    if (missing && otherwise != NULL) {
        *ret = otherwise;
        return TD_OK;
    }
    if (missing || v->type != TD_JSON_STRING)
        return td_remedy(err, td_fail(err, TD_EINVAL, name, missing ? "is missing" : "must be a text"), "%s", document);
    if (strlen(v->str) > max)
        return td_remedy(err, td_fail(err, TD_EINVAL, name, "has more than %zu octets", max), "%s", document);
    *ret = v->str;
    return TD_OK;
}

/* --- registration ------------------------------------------------------------------------------------------------- */

static enum td_code check_own_key(const struct td_cdoor *c, struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    if (td_cert_public_key(c->req->peer->cert, &key, NULL) == TD_OK && td_key_kind(key) == TD_KEY_P256)
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_EINVAL, "certificate", "its key is not of the curve P-256"),
                     "A connector shows a certificate on a P-256 key of its own.");
}

static enum td_code read_encryption_key(const struct td_cdoor *c, struct td_slice *ret, struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    const char *text = "", *field = "encryptionKey";
    td_try(td_cdoor_text(c->body, field, KEY, NULL, &text, err));
    bool read = td_b64_decode(c->a, td_str(text), TD_B64_ANY, ret) == TD_OK &&
                td_key_from_public_der(*ret, &key, NULL) == TD_OK && td_key_kind(key) == TD_KEY_RSA;
    if (read && td_key_bits(key) >= KEY_BITS_MIN && td_key_bits(key) <= KEY_BITS_MAX)
        return TD_OK;
    return td_remedy(err,
                     td_fail(err, TD_EINVAL, field,
                             read ? "has not between %d and %d bits" : "is not the SubjectPublicKeyInfo of an RSA key",
                             KEY_BITS_MIN, KEY_BITS_MAX),
                     "Send an RSA key of 3072 bits in base64.");
}

struct registration {
    const struct td_cdoor *c;
    unsigned char code[32];
    struct td_connector what, made;
};

static enum td_code do_register(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct registration *r = ctx;
    return td_connector_register(tx, r->code, &r->what, r->c->a, &r->made, err);
}

enum td_code td_cdoor_register(struct td_cdoor *c, struct td_error *err)
{
    struct registration r = {.c = c};
    struct td_jsonw w;
    const char *code = "";
    td_try(td_cdoor_text(c->body, "code", NAME, NULL, &code, err));
    td_try(td_cdoor_text(c->body, "version", VERSION, "", &r.what.version, err));
    td_try(read_encryption_key(c, &r.what.encryption_key, err));
    td_try(check_own_key(c, err));
    memcpy(r.what.key_sha256, c->key_sha256, sizeof(c->key_sha256));
    if (!td_connector_code_read(td_str(code), r.code))
        return td_remedy(err, td_fail(err, TD_EDENIED, "code", "it is unknown"),
                         "An administrator makes one with `touchdown connector add`.");
    td_try(td_store_write(c->svc->store, do_register, &r, err));
    td_jsonw_init(&w, &c->reply->body);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "id", r.made.id);
    td_jsonw_kstr(&w, "name", r.made.name);
    td_jsonw_kstr(&w, "tenantId", r.made.tenant);
    td_jsonw_end(&w);
    return TD_OK;
}

/* --- hello -------------------------------------------------------------------------------------------------------- */

struct hello {
    const struct td_cdoor *c;
    const char *version;
    struct td_connector_domain domains[TD_CONNECTOR_DOMAINS_MAX];
    struct td_ad_domain_row wanted[TD_CONNECTOR_DOMAINS_MAX];
    bool sync[TD_CONNECTOR_DOMAINS_MAX];
    size_t count;
    struct td_connector_domain others[TD_CONNECTOR_DOMAINS_MAX]; /* of those, what it may not serve */
    size_t other_count;
    struct td_error why;
};

static enum td_code read_domain_name(const char *text, struct td_arena *a, const char **ret, struct td_error *err)
{
    char *name = td_arena_strdup(a, text);
    *ret = name;
    return td_connector_domain_name(name)
               ? TD_OK
               : td_remedy(err, td_fail(err, TD_EINVAL, "domains.domain", "is no DNS name: %.60s", text), "%s",
                           document);
}

static enum td_code read_domain(struct hello *h, const struct td_json *v, struct td_error *err)
{
    struct td_connector_domain *d = &h->domains[h->count];
    const char *domain = "";
    td_try(td_cdoor_text(v, "domain", NAME, NULL, &domain, err));
    td_try(read_domain_name(domain, h->c->a, &d->domain, err));
    td_try(td_cdoor_text(v, "netbios", NAME, "", &d->netbios, err));
    td_try(td_cdoor_text(v, "dc", NAME, "", &d->dc, err));
    td_try(td_cdoor_text(v, "site", NAME, "", &d->site, err));
    td_try(td_cdoor_text(v, "problem", NAME, "", &d->problem, err));
    td_try(td_cdoor_text(v, "detail", DETAIL, "", &d->detail, err));
    if (d->problem[0] != '\0' && td_domain_reason_by_name(d->problem) == NULL)
        d->problem = td_domain_reason_row(TD_DJ_REFUSED)->name;
    for (size_t i = 0; i < h->count; i++)
        if (strcmp(h->domains[i].domain, d->domain) == 0)
            return td_remedy(err, td_fail(err, TD_EINVAL, "domains", "%.60s stands there twice", d->domain), "%s",
                             document);
    h->count++;
    return TD_OK;
}

static enum td_code read_domains(struct hello *h, struct td_error *err)
{
    const struct td_json *list = td_json_get(h->c->body, "domains");
    if (list == NULL || list->type != TD_JSON_ARRAY)
        return td_remedy(err, td_fail(err, TD_EINVAL, "domains", "must be a list"), "%s", document);
    if (td_json_count(list) > TD_CONNECTOR_DOMAINS_MAX)
        return td_remedy(err, td_fail(err, TD_EINVAL, "domains", "has more than %d", TD_CONNECTOR_DOMAINS_MAX), "%s",
                         document);
    for (const struct td_json *v = list->child; v != NULL; v = v->next)
        td_try(read_domain(h, v, err));
    return TD_OK;
}

/* May it serve all that it names? Else nothing of its hello counts, but that it was heard of and is shown as wrong. */
static enum td_code look_for_others(struct td_tx *tx, struct hello *h, struct td_error *err)
{
    const struct td_connector *me = &h->c->connector;
    h->other_count = 0;
    for (size_t i = 0; i < h->count; i++) {
        struct td_error why = {0};
        enum td_code rc = td_connector_may(tx, me->tenant, me->id, h->domains[i].domain, &why);
        if (rc == TD_EDENIED && h->other_count == 0)
            h->why = why;
        if (rc == TD_EDENIED && !td_fault("connector-unbound-hello"))
            h->others[h->other_count++] = h->domains[i];
        else if (rc != TD_OK && rc != TD_EDENIED)
            return td_fail(err, rc, why.where, "%s", why.text);
    }
    if (h->other_count == 0)
        return TD_OK;
    return td_connector_refused(tx, me->tenant, me->id, h->version, h->others, h->other_count, err);
}

static enum td_code do_hello(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct hello *h = ctx;
    const struct td_connector *me = &h->c->connector;
    td_try(look_for_others(tx, h, err));
    if (h->other_count != 0)
        return TD_OK;
    td_try(td_connector_seen(tx, me->tenant, me->id, h->version, h->domains, h->count, err));
    for (size_t i = 0; i < h->count; i++) {
        enum td_code rc = td_ad_domain_find(tx, me->tenant, h->domains[i].domain, h->c->a, &h->wanted[i], err);
        if (rc == TD_ENOTFOUND)
            h->wanted[i] = (struct td_ad_domain_row){.sync_base = "", .sync_seconds = TD_AD_SECONDS};
        else
            td_try(rc);
        td_try(td_directory_sync_turn(tx, me->tenant, me->id, h->domains[i].domain, &h->sync[i], err));
    }
    return TD_OK;
}

static void write_hello(const struct hello *h)
{
    struct td_jsonw w;
    td_jsonw_init(&w, &h->c->reply->body);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "id", h->c->connector.id);
    td_jsonw_kstr(&w, "name", h->c->connector.name);
    td_jsonw_key(&w, "domains");
    td_jsonw_arr(&w);
    for (size_t i = 0; i < h->count; i++) {
        td_jsonw_obj(&w);
        td_jsonw_kstr(&w, "domain", h->domains[i].domain);
        td_jsonw_kbool(&w, "signIn", h->wanted[i].sign_in);
        td_jsonw_kbool(&w, "sync", h->sync[i]);
        td_jsonw_kstr(&w, "syncBase", h->wanted[i].sync_base);
        td_jsonw_kint(&w, "syncSeconds", h->wanted[i].sync_seconds);
        td_jsonw_end(&w);
    }
    td_jsonw_arr_end(&w);
    td_jsonw_end(&w);
}

/* c->domains: what its requests that wait were taken in with. */
static bool serves_others_now(const struct td_cdoor *c, const struct hello *h)
{
    size_t well = 0, known = 0;
    for (size_t i = 0; i < h->count; i++) {
        if (h->domains[i].problem[0] != '\0')
            continue;
        well++;
        for (size_t k = 0; k < c->domain_count; k++)
            known += strcmp(c->domains[k], h->domains[i].domain) == 0;
    }
    return well != known || known != c->domain_count;
}

enum td_code td_cdoor_hello(struct td_cdoor *c, struct td_error *err)
{
    struct hello *h = td_arena_new(c->a, struct hello);
    h->c = c;
    td_try(td_cdoor_text(c->body, "version", VERSION, "", &h->version, err));
    td_try(read_domains(h, err));
    td_try(td_store_write(c->svc->store, do_hello, h, err));
    if (h->other_count != 0) {
        *err = h->why;
        return TD_EDENIED;
    }
    if (serves_others_now(c, h))
        td_hub_let_go(c->svc->connectors, c->connector.id);
    write_hello(h);
    return TD_OK;
}

/* Whoever never named a domain has nothing to tell of its people, also where nobody else does. */
static enum td_code named(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_cdoor *c = ctx;
    struct td_ad_domain_row row = {0};
    const char *domain = td_json_str(c->body, "domain"), **ids = NULL;
    size_t n = 0;
    bool mine = td_fault("connector-tells-of-any");
    enum td_code rc = td_ad_domain_find(tx, c->connector.tenant, domain != NULL ? domain : "", c->a, &row, err);
    if (rc != TD_OK)
        return rc == TD_ENOTFOUND ? TD_OK : rc; /* said where the message is read */
    if (!td_fault("connector-unbound-tells"))
        td_try(td_connector_may(tx, c->connector.tenant, c->connector.id, row.domain, err));
    td_try(td_connector_able(tx, c->connector.tenant, row.domain, c->a, &ids, &n, err));
    for (size_t i = 0; i < n; i++)
        mine = mine || strcmp(ids[i], c->connector.id) == 0;
    return mine ? TD_OK
                : td_remedy(err, td_fail(err, TD_ESTATE, "domain", "no hello of this connector named it"),
                            "Send hello with this domain first.");
}

static enum td_code take_sync(struct td_cdoor *c, struct td_error *err)
{
    uint64_t from = 0;
    char text[24];
    struct td_jsonw w;
    td_try(td_store_read(c->svc->store, named, c, err));
    td_try(td_directory_sync_take(c->svc->store, c->connector.tenant, c->connector.id, c->body, c->a, &from, err));
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)from);
    td_jsonw_init(&w, &c->reply->body);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "from", text);
    td_jsonw_end(&w);
    return TD_OK;
}

/* --- every call --------------------------------------------------------------------------------------------------- */

static enum td_code read_key(struct td_cdoor *c, struct td_error *err)
{
    struct td_cert cert;
    if (c->req->peer->cert.n == 0)
        return td_remedy(err, td_fail(err, TD_EAUTH, "certificate", "a client certificate is needed here"),
                         "A connector shows the certificate of its own key in the TLS handshake.");
    if (td_cert_parse(c->req->peer->cert, c->a, &cert, NULL) != TD_OK)
        return td_fail(err, TD_EAUTH, "certificate", "is not readable");
    td_sha256(cert.spki, c->key_sha256);
    return TD_OK;
}

static enum td_code who(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_cdoor *c = ctx;
    td_try(td_connector_by_key(tx, c->key_sha256, c->a, &c->connector, err));
    return td_connector_duties(tx, c->connector.tenant, c->connector.id, c->a, &c->domains, &c->domain_count, err);
}

static enum td_code read_body(struct td_cdoor *c, struct td_error *err)
{
    struct td_json *body = NULL;
    if (td_json_parse(c->req->body, TD_CDOOR_MAX_BODY, c->a, &body, err) != TD_OK || body->type != TD_JSON_OBJECT)
        return td_remedy(err, td_fail(err, TD_EFORMAT, "body", "is not a JSON object"), "%s", document);
    c->body = body;
    return TD_OK;
}

typedef enum td_code cdoor_fn(struct td_cdoor *c, struct td_error *err);

/* Every refusal of this door says what to do (the document's first lines), whoever found out below. */
static const char *remedy_of(enum td_code code)
{
    switch (code) {
    case TD_EDENIED:
        return "Ask an administrator: `touchdown connector list` tells why, `touchdown connector add` makes a new "
               "code.";
    case TD_ESTATE:
        return "Drop this piece of work, and ask for the next one.";
    case TD_ENOTFOUND:
        return "An administrator names domains with `touchdown connector domain set`.";
    case TD_EAUTH:
        return "A connector shows the certificate of its own key in the TLS handshake.";
    default:
        return document;
    }
}

static void refuse(struct td_cdoor *c, struct td_error *err)
{
    td_buf_reset(&c->reply->body);
    if (err->remedy[0] == '\0')
        td_ignore(td_remedy(err, err->code, "%s", remedy_of(err->code)));
    if (err->code == TD_ELIMIT) {
        td_reply_problem_status(c->reply, 429, err);
        td_reply_header(c->reply, "Retry-After", td_arena_printf(c->a, "%d", RETRY));
        return;
    }
    td_reply_problem(c->reply, err);
}

static void serve(void *ctx, struct td_http_request *req, struct td_http_reply *reply, bool known, cdoor_fn *fn)
{
    struct td_error err = {0};
    struct td_cdoor *c = td_arena_new(req->arena, struct td_cdoor);
    *c = (struct td_cdoor){.svc = ctx, .req = req, .reply = reply, .a = req->arena};
    enum td_code rc = read_key(c, &err);
    if (rc == TD_OK && known)
        rc = td_store_read(c->svc->store, who, c, &err);
    if (rc == TD_OK)
        rc = read_body(c, &err);
    if (rc == TD_OK)
        rc = fn(c, &err);
    if (req->later)
        return;
    if (rc == TD_OK)
        rc = td_buf_check(&reply->body, "answer", &err);
    if (rc == TD_OK) {
        reply->status = 200;
        reply->content_type = "application/json";
    } else {
        refuse(c, &err);
    }
    td_reply_header(reply, "Cache-Control", "no-store");
}

static void post_register(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    serve(ctx, req, reply, false, td_cdoor_register);
}

static void post_hello(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    serve(ctx, req, reply, true, td_cdoor_hello);
}

static void post_work(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    serve(ctx, req, reply, true, td_cdoor_work);
}

static void post_result(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    serve(ctx, req, reply, true, td_cdoor_result);
}

static void post_sync(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    serve(ctx, req, reply, true, take_sync);
}

const struct td_route td_connector_routes[] = {
    {TD_POST, "/connector/register", post_register, TD_ROUTE_LIMITED, TD_CDOOR_MAX_BODY},
    {TD_POST, "/connector/hello", post_hello, 0, TD_CDOOR_MAX_BODY},
    {TD_POST, "/connector/work", post_work, 0, TD_CDOOR_MAX_BODY},
    {TD_POST, "/connector/result", post_result, 0, TD_CDOOR_MAX_BODY},
    {TD_POST, "/connector/sync", post_sync, 0, TD_CDOOR_MAX_BODY},
};
const size_t td_connector_route_count = TD_COUNTOF(td_connector_routes);
