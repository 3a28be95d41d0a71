/* Directory join (join-and-tokens.md 2, 3, 10.9): discovery, request with our own RSA keys, certificate installed. */
#include "device/join.h"

#include "base/encode.h"
#include "crypto/cert.h"
#include "device/tokens.h"
#include "device/web.h"

enum { JOIN_MAX_OCTETS = 32768 };

static const char csr_name[] = "7E980AD9-B86D-4306-9425-9AC066FB014A"; /* constant on every device; servers ignore it */

enum td_code td_join_csr(const struct td_key *device, struct td_arena *a, struct td_slice *ret, struct td_error *err)
{
    return td_csr_make(device, csr_name, NULL, a, ret, err);
}

struct drs {
    const char *join_url, *join_version, *join_resource, *name;
};

/* Every object and member may be missing: then the well-known place stands for it (10.9). */
static enum td_code discover(struct td_flow *f, struct td_arena *a, struct drs *ret, struct td_error *err)
{
    struct td_web w = {.flow = f, .arena = a, .what = "join discovery"};
    const struct td_json *doc;
    const char *url = td_arena_printf(a, "%s/%s/Discover?api-version=1.9&managed=True", f->dev->server,
                                      td_flow_get(f, "profile.domain"));
    enum td_code rc = td_web_get(&w, url, &doc, err);
    if (rc != TD_OK && err != NULL)
        err->hresult = 0x801c000c;
    td_try(rc);
    const struct td_json *join = td_json_get(doc, "DeviceJoinService");
    const char *endpoint = td_json_str(join, "JoinEndpoint"), *version = td_json_str(join, "ServiceVersion");
    const char *tenant = td_json_str(td_json_get(doc, "TenantInfo"), "TenantId");
    if (tenant != NULL && !td_ieq(td_str(tenant), td_str(td_flow_get(f, "profile.tenant_id"))))
        return td_fail(err, TD_EDENIED, "join discovery", "the domain belongs to another organization");
    ret->join_url = endpoint != NULL ? endpoint : td_arena_printf(a, "%s/EnrollmentServer/device/", f->dev->server);
    ret->join_version = version != NULL ? version : "2.0";
    ret->join_resource = td_json_str(join, "JoinResourceId");
    ret->name = td_json_str(td_json_get(doc, "TenantInfo"), "DisplayName");
    if (td_url_origin(ret->join_url, a)[0] == '\0')
        return td_fail(err, TD_EFORMAT, "join discovery", "JoinEndpoint is no https address");
    return TD_OK;
}

static enum td_code discover_and_keep(struct td_flow *f, struct td_arena *a, struct drs *ret, struct td_error *err)
{
    td_try(discover(f, a, ret, err));
    td_state_set(f->dev->state, "join.url", ret->join_url);
    td_state_set(f->dev->state, "join.version", ret->join_version);
    td_state_set(f->dev->state, "join.resource", ret->join_resource);
    return TD_OK;
}

enum td_code td_join_keys_open(struct td_flow *f, struct td_join_keys *ret, struct td_error *err)
{
    td_try(td_flow_key(f, "device.key.pem", &ret->device, err));
    return td_flow_key(f, "transport.key.pem", &ret->transport, err);
}

void td_join_keys_done(struct td_join_keys *keys)
{
    td_key_cleanup(&keys->device);
    td_key_cleanup(&keys->transport);
}

/* MSA-DDID carries the lookup's device ticket in base64 (3; docs/protocol/ztd.md 3.1). */
void td_join_write_attributes(struct td_jsonw *w, const struct td_flow *f, struct td_arena *a)
{
    const char *ticket = td_flow_get(f, "lookup.ticket");
    td_jsonw_key(w, "attributes");
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "ReuseDevice", "true");
    td_jsonw_kstr(w, "ReturnClientSid", "true");
    if (ticket[0] != '\0')
        td_jsonw_kstr(w, "MSA-DDID", td_b64(a, td_str(ticket)));
    td_jsonw_end(w);
}

enum td_code td_join_write_csr(const struct td_join_keys *keys, struct td_arena *a, struct td_jsonw *w,
                               struct td_error *err)
{
    struct td_slice csr;
    td_try(td_join_csr(keys->device, a, &csr, err));
    td_jsonw_key(w, "CertificateRequest");
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "Type", "pkcs10");
    td_jsonw_kstr(w, "Data", td_b64(a, csr));
    td_jsonw_end(w);
    return TD_OK;
}

enum td_code td_join_write_facts(const struct td_flow *f, const struct td_join_keys *keys, struct td_arena *a,
                                 struct td_jsonw *w, struct td_error *err)
{
    struct td_slice blob;
    if (td_key_rsa_blob(keys->transport, a, &blob) != TD_OK)
        return td_fail(err, TD_EINTERNAL, "join", "the transport key can't be written");
    td_jsonw_kstr(w, "TransportKey", td_b64(a, blob));
    td_jsonw_kstr(w, "TargetDomain", td_flow_get(f, "profile.domain"));
    td_jsonw_kstr(w, "DeviceType", "Windows");
    td_jsonw_kstr(w, "OSVersion", f->hw.os_version);
    td_jsonw_kstr(w, "DeviceDisplayName", td_flow_get(f, "device.name"));
    return TD_OK;
}

static enum td_code write_request(struct td_flow *f, const struct td_join_keys *keys, struct td_arena *a,
                                  struct td_buf *out, struct td_error *err)
{
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_try(td_join_write_csr(keys, a, &w, err));
    td_try(td_join_write_facts(f, keys, a, &w, err));
    td_jsonw_kint(&w, "JoinType", 0);
    td_join_write_attributes(&w, f, a);
    td_jsonw_end(&w);
    return td_buf_check(out, "join", err);
}

/* The certificate must be for our key and name one device (3). */
static enum td_code check_certificate(struct td_flow *f, const struct td_key *device, struct td_slice der,
                                      const char *thumbprint, struct td_arena *a, struct td_error *err)
{
    struct td_cert cert;
    char id[TD_UUID_TEXT];
    TD_CLEANUP(td_key_cleanup) struct td_key *certified = NULL;
    td_try(td_cert_parse(der, a, &cert, err));
    td_try(td_cert_public_key(der, &certified, err));
    if (!td_key_same_public(device, certified))
        return td_fail(err, TD_EFORMAT, "join", "the certificate is for another key");
    if (thumbprint == NULL || !td_ieq(td_str(thumbprint), td_str(cert.sha1)))
        return td_fail(err, TD_EFORMAT, "join", "Thumbprint is not the certificate's");
    if (cert.subject_parts != 1 || !td_uuid_parse(td_str(cert.subject_cn), id))
        return td_fail(err, TD_EFORMAT, "join", "the certificate's subject is not one device id");
    char from[TD_TIME_TEXT], to[TD_TIME_TEXT];
    td_state_set(f->dev->state, "join.device_id", cert.subject_cn);
    td_state_set(f->dev->state, "join.thumbprint", cert.sha1);
    td_state_set(f->dev->state, "join.not_before", td_time_text(cert.not_before, from));
    td_state_set(f->dev->state, "join.not_after", td_time_text(cert.not_after, to));
    return TD_OK;
}

/* AddSIDs of the local Administrators: who is administrator of the joined device beside its user. */
static const char *administrators(const struct td_json *reply, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf list;
    td_buf_init(&list, 4096);
    const struct td_json *changes = td_json_get(reply, "MembershipChanges");
    for (const struct td_json *c = changes != NULL ? changes->child : NULL; c != NULL; c = c->next) {
        const char *group = td_json_str(c, "LocalSID");
        const struct td_json *sids = td_json_get(c, "AddSIDs");
        if (group == NULL || strcmp(group, "S-1-5-32-544") != 0 || sids == NULL)
            continue;
        for (const struct td_json *s = sids->child; s != NULL; s = s->next)
            if (s->type == TD_JSON_STRING)
                td_buf_printf(&list, "%s%s", list.n != 0 ? " " : "", s->str);
    }
    return td_arena_text(a, td_buf_slice(&list));
}

enum td_code td_join_install(struct td_flow *f, const struct td_join_keys *keys, const struct td_json *reply,
                             struct td_arena *a, struct td_error *err)
{
    const struct td_json *cert = td_json_get(reply, "Certificate");
    const char *raw = td_json_str(cert, "RawBody");
    struct td_slice der;
    if (raw == NULL || td_b64_decode(a, td_str(raw), TD_B64_STD, &der) != TD_OK)
        return td_fail(err, TD_EFORMAT, "join", "the answer has no Certificate.RawBody in base64");
    td_try(check_certificate(f, keys->device, der, td_json_str(cert, "Thumbprint"), a, err));
    td_try(td_flow_write(f, "device.crt.pem", td_str(td_cert_pem(der, a)), err));
    td_state_set(f->dev->state, "join.user", td_json_str(td_json_get(reply, "User"), "Upn"));
    td_state_set(f->dev->state, "join.administrators", administrators(reply, a));
    return td_state_save(f->dev->state, err);
}

/* HRESULT that Windows shows for a refused join (mde2.md 5). */
static uint32_t join_hresult(enum td_code code)
{
    switch (code) {
    case TD_EAUTH:
        return 0x801c0002;
    case TD_EDENIED:
        return 0x801c0003;
    case TD_EINVAL:
        return 0x801c0001;
    default:
        return 0x801c0006;
    }
}

enum td_code td_join_put(struct td_flow *f, const char *computer, struct td_slice body, struct td_arena *a,
                         const struct td_json **ret, struct td_error *err)
{
    struct drs drs = {0};
    struct td_web w = {.flow = f, .arena = a, .what = "registration"};
    struct td_net_response r;
    td_try(discover_and_keep(f, a, &drs, err));
    const char *url = td_arena_printf(a, "%s%s?api-version=%s", drs.join_url, computer, drs.join_version);
    td_try(td_web_put(&w, url, "application/json", body, &r, err));
    return td_web_json(&w, &r, ret, err);
}

enum td_code td_flow_join(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_buf_done) struct td_buf body;
    TD_CLEANUP(td_join_keys_done) struct td_join_keys keys = {0};
    struct drs drs = {0};
    td_buf_init(&body, JOIN_MAX_OCTETS);
    td_try(discover_and_keep(f, &a, &drs, err));
    td_try(td_join_keys_open(f, &keys, err));
    td_try(write_request(f, &keys, &a, &body, err));
    struct td_web w = {.flow = f, .arena = &a, .what = "join", .token = f->secrets.join_token};
    struct td_net_response r;
    const struct td_json *reply;
    const char *url = td_arena_printf(&a, "%s?api-version=%s", drs.join_url, drs.join_version);
    td_try(td_web_post(&w, url, "application/json", td_buf_slice(&body), &r, err));
    enum td_code rc = td_web_json(&w, &r, &reply, err);
    if (rc != TD_OK) {
        if (err != NULL)
            err->hresult = join_hresult(rc);
        return rc;
    }
    td_try(td_join_install(f, &keys, reply, &a, err));
    /* Taken at once, so that a kill from here on costs no second sign-in. */
    if (f->secrets.refresh_token != NULL && td_prt_by_refresh(f, f->secrets.refresh_token, NULL) != TD_OK)
        td_device_say(f->dev, "wait", "join: the user's token is asked again by the enrolment");
    td_flow_news(f, "joined: device %s", td_flow_get(f, "join.device_id"));
    return TD_OK;
}
