/* The provisioning document of an enrolment, and the secrets in it (mde2.md 4.4; contract 4). */
#include "api/enrolment/room.h"
#include "base/encode.h"
#include "codec/json.h"
#include "crypto/digest.h"

#include <string.h>

enum { SECRET_OCTETS = 24, NONCE_OCTETS = 16 };

static const char *seal_label(struct td_arena *a, const char *enrolment_id)
{
    return td_arena_printf(a, "appauth:%s", enrolment_id);
}

static struct td_slice fresh_nonce(const struct td_service *svc, struct td_arena *a)
{
    char *nonce = td_arena_alloc(a, NONCE_OCTETS);
    td_random_fill(svc->env, nonce, NONCE_OCTETS);
    return td_bytes(nonce, NONCE_OCTETS);
}

static void write_secrets(struct td_buf *out, const struct td_appauth *s, struct td_arena *a)
{
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "name", s->client_name);
    td_jsonw_kstr(&w, "client", s->client_secret);
    td_jsonw_kstr(&w, "server", s->server_secret);
    td_jsonw_kstr(&w, "clientNonce", td_b64(a, s->client_nonce));
    td_jsonw_kstr(&w, "serverNonce", td_b64(a, s->server_nonce));
    td_jsonw_end(&w);
}

enum td_code td_enrol_secrets_make(const struct td_service *svc, const char *enrolment_id, struct td_arena *a,
                                   struct td_appauth *ret, struct td_slice *ret_sealed)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf plain;
    td_buf_init(&plain, 1024);
    *ret = (struct td_appauth){.client_name = enrolment_id,
                               .client_secret = td_random_text(svc->env, a, SECRET_OCTETS),
                               .server_secret = td_random_text(svc->env, a, SECRET_OCTETS),
                               .client_nonce = fresh_nonce(svc, a),
                               .server_nonce = fresh_nonce(svc, a)};
    write_secrets(&plain, ret, a);
    return td_seal(&svc->master, svc->env, seal_label(a, enrolment_id), td_buf_slice(&plain), a, ret_sealed);
}

enum td_code td_enrolment_secrets(const struct td_service *svc, const struct td_enrolment *e, struct td_arena *a,
                                  struct td_appauth *ret, struct td_error *err)
{
    struct td_slice plain;
    struct td_json *note = NULL;
    td_try(td_unseal(&svc->master, seal_label(a, e->id), e->secrets, a, &plain, err));
    td_try(td_json_parse(plain, 4096, a, &note, err));
    td_wipe((void *)(uintptr_t)plain.p, plain.n); /* arena memory */
    ret->client_name = td_json_str(note, "name");
    ret->client_secret = td_json_str(note, "client");
    ret->server_secret = td_json_str(note, "server");
    if (ret->client_name == NULL || ret->client_secret == NULL || ret->server_secret == NULL)
        return td_fail(err, TD_EINTERNAL, "enrolment", "the sealed secrets lack a member");
    td_try(td_b64_decode(a, td_str(td_json_str(note, "clientNonce")), TD_B64_STD, &ret->client_nonce));
    return td_b64_decode(a, td_str(td_json_str(note, "serverNonce")), TD_B64_STD, &ret->server_nonce);
}

static struct td_wap_cert named(struct td_slice der, struct td_arena *a)
{
    unsigned char sha1[20];
    struct td_buf hex;
    td_sha1(der, sha1);
    td_buf_init(&hex, 64);
    td_hex_add(&hex, td_bytes(sha1, sizeof(sha1)), true);
    struct td_wap_cert cert = {.hash = td_arena_text(a, td_buf_slice(&hex)), .der = der};
    td_buf_done(&hex);
    return cert;
}

static void add(struct td_wap *wap, const char *path, const char *value, const char *type)
{
    if (value[0] != '\0' && wap->node_count < TD_WAP_MAX_NODES)
        wap->nodes[wap->node_count++] = (struct td_wap_node){.path = path, .value = value, .type = type};
}

/* Fast polls for a quarter of an hour, then slower ones, then every eight hours without end (csp.md 3.2). */
static const struct td_wap_node poll[] = {
    {"Poll/NumberOfFirstRetries", "5", "integer"},
    {"Poll/IntervalForFirstSetOfRetries", "3", "integer"},
    {"Poll/NumberOfSecondRetries", "8", "integer"},
    {"Poll/IntervalForSecondSetOfRetries", "15", "integer"},
    {"Poll/NumberOfRemainingScheduledRetries", "0", "integer"},
    {"Poll/IntervalForRemainingScheduledRetries", "480", "integer"},
    {"Poll/PollOnLogin", "true", "boolean"},
    {"Poll/AllUsersPollOnFirstLogin", "true", "boolean"},
};

/* "ada_Windows_44444444": what the administrator sees until the device has its name. */
static const char *device_label(const struct td_enrolment *e, struct td_arena *a)
{
    struct td_slice user;
    td_cut(td_str(e->user_upn), '@', &user);
    struct td_slice who = user.n != 0 ? td_sub(user, 0, 64) : TD_S("device");
    return td_arena_printf(a, "%.*s_Windows_%.8s", TD_FMT(who), e->id);
}

/* The status page is shown in OOBE only; without a user there is no account phase (csp.md 3.3). */
static void add_status_page(struct td_wap *wap, const struct td_enrolment *e, bool no_page)
{
    bool device = e->in_oobe && !no_page, account = device && e->user_upn[0] != '\0' && !e->plug_and_forget;
    add(wap, "FirstSyncStatus/SkipDeviceStatusPage", device ? "false" : "true", "boolean");
    add(wap, "FirstSyncStatus/SkipUserStatusPage", account ? "false" : "true", "boolean");
}

static void add_nodes(struct td_wap *wap, const struct td_enrolment *e, bool no_page, struct td_arena *a)
{
    add(wap, "UPN", e->user_upn, "string");
    add(wap, "EntDMID", e->id, "string");
    add(wap, "EntDeviceName", device_label(e, a), "string");
    for (size_t i = 0; i < TD_COUNTOF(poll); i++)
        add(wap, poll[i].path, poll[i].value, poll[i].type);
    add_status_page(wap, e, no_page);
}

static const char *shown_name(struct td_enrol *call)
{
    return td_arena_printf(call->a, "%s management", TD_PROVIDER);
}

enum td_code td_enrol_document(struct td_enrol *call, const struct td_enrolment *e, const struct td_enrol_cert *cert,
                               const struct td_appauth *secrets, struct td_buf *out)
{
    const struct td_authority *ca = call->svc->authority;
    struct td_wap *wap = td_arena_new(call->a, struct td_wap);
    wap->root = named(td_authority_root(ca), call->a);
    wap->intermediate = named(td_authority_intermediate(ca, TD_PURPOSE_MANAGEMENT), call->a);
    wap->certificate = (struct td_wap_cert){.hash = cert->sha1, .der = cert->der};
    wap->system_store = strcmp(e->type, "Device") == 0;
    wap->robo = true;
    wap->renew_days = TD_ENROL_RENEW_DAYS;
    wap->retry_days = TD_ENROL_RETRY_DAYS;
    wap->provider = e->provider;
    wap->name = shown_name(call);
    wap->addr = td_arena_printf(call->a, "%s/ManagementServer/MDM.svc", td_http_device_base(call->req));
    /* No SSLCLIENTCERTSEARCHCRITERIA: how a PC prints a subject of two attributes is not settled, and without the
     * criteria it takes the certificate by the thumbprint that it stored (mde2.md 4.1, 9 rule 6). */
    wap->retry_count = 6;
    wap->backoff_ms = 30000;
    wap->max_backoff_ms = 120000;
    wap->client = (struct td_wap_auth){"DIGEST", "", secrets->server_secret, secrets->server_nonce};
    wap->server = (struct td_wap_auth){"DIGEST", secrets->client_name, secrets->client_secret, secrets->client_nonce};
    add_nodes(wap, e, call->no_page, call->a);
    return td_wap_write(wap, out, &call->err);
}

enum td_code td_enrol_renewal_document(struct td_enrol *call, const struct td_enrolment *e,
                                       const struct td_enrol_cert *cert, struct td_buf *out)
{
    struct td_wap *wap = td_arena_new(call->a, struct td_wap);
    wap->renewal = true;
    wap->system_store = strcmp(e->type, "Device") == 0;
    wap->provider = e->provider;
    wap->certificate = (struct td_wap_cert){.hash = cert->sha1, .der = cert->der};
    return td_wap_write(wap, out, &call->err);
}
