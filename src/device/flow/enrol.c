/* Enrolment in management (mde2.md, client side): find the service, ask its policies, ask a certificate for a key of
 * our own, install what comes back. The credential is a directory token that names the device (2.2). */
#include "base/encode.h"
#include "base/fault.h"
#include "codec/wap.h"
#include "codec/wstep.h"
#include "crypto/cert.h"
#include "device/board.h"
#include "device/dm.h"
#include "device/offline.h"
#include "device/tokens.h"
#include "device/web.h"

enum { ENROL_MAX_OCTETS = 256 << 10, ENROL_MIN_KEY_BITS = 2048 };

static const char endpoint_list[] = "%s/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints";

struct service {
    const char *policy_url, *enrolment_url;
    int version; /* tenths; what both sides speak */
};

static struct td_soap head(struct td_flow *f, const char *action, const char *to, const char *token, struct td_arena *a)
{
    struct td_soap h = {.action = action, .to = to};
    h.message_id = td_arena_printf(a, "urn:uuid:%s", td_uuid_arena(f->dev->env, a));
    if (token == NULL)
        return h;
    h.security.has_token = true;
    h.security.token_type = TD_TOKEN_JWT;
    h.security.token = td_str(token);
    return h;
}

/* Posts one envelope and opens the answer; a fault becomes our error. */
static enum td_code call(struct td_flow *f, const char *what, const char *url, struct td_slice envelope,
                         struct td_arena *a, struct td_soap *ret, struct td_error *err)
{
    struct td_web w = {.flow = f, .arena = a, .what = what};
    struct td_net_response r;
    struct td_fault_text text;
    enum td_fault fault;
    td_try(td_web_post(&w, url, TD_SOAP_TYPE, envelope, &r, err));
    if (td_soap_parse(r.body, a, ret, err) != TD_OK) {
        (void)td_fail(err, TD_EFORMAT, what, "the service answers %d without an envelope", r.status);
        if (err != NULL)
            err->hresult = 0x80180008;
        return TD_EFORMAT;
    }
    return td_soap_is_fault(ret, a, &fault, &text) ? td_fault_error(fault, &text, err) : TD_OK;
}

static enum td_code discover(struct td_flow *f, const char *url, struct td_arena *a, struct service *ret,
                             struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf body;
    td_buf_init(&body, ENROL_MAX_OCTETS);
    const struct td_soap h = head(f, TD_ACTION_DISCOVER, url, NULL, a);
    const struct td_discover ask = {.email = td_flow_get(f, "signin.user"),
                                    .version = 50,
                                    .device_type = "CIMClient_Windows",
                                    .application_version = f->hw.os_version,
                                    .os_edition = f->hw.edition,
                                    .auth = TD_AUTH_ON_PREMISE | TD_AUTH_FEDERATED | TD_AUTH_CERTIFICATE};
    struct td_soap answer;
    struct td_discovered found;
    td_try(td_discover_write(&h, &ask, &body, err));
    td_try(call(f, "enrolment discovery", url, td_buf_slice(&body), a, &answer, err));
    td_try(td_discovered_read(&answer, a, &found, err));
    ret->policy_url = found.policy_url;
    ret->enrolment_url = found.enrolment_url;
    ret->version = found.version != 0 ? TD_MIN(found.version, ask.version) : 40;
    if (td_url_origin(found.enrolment_url, a)[0] == '\0')
        return td_fail(err, TD_EFORMAT, "enrolment discovery", "EnrollmentServiceUrl is no https address");
    return TD_OK;
}

static bool managed_elsewhere(const struct td_flow *f)
{
    return td_flow_get(f, "profile.mdm_url")[0] != '\0' && td_flow_get(f, "profile.mdm_id")[0] != '\0';
}

/* With nobody there who signs in nothing says which of them is meant (autopilot.md 6.7). */
static enum td_code several_services(struct td_error *err)
{
    enum td_code rc = td_fail(err, TD_ENOTOFFERED, "enrolment address",
                              "a device without a user enrols in the directory's own management alone");
    if (err != NULL)
        err->hresult = 0xc1036501;
    return td_remedy(err, rc, "leave one management service for it: a profile without managementServiceAppId");
}

/* The other way to find it: the directory's list (join-and-tokens.md 10.7). */
static enum td_code find_in_directory(struct td_flow *f, struct td_arena *a, struct service *ret, struct td_error *err)
{
    struct td_web w = {.flow = f, .arena = a, .what = "enrolment address"};
    const struct td_json *doc;
    td_try(td_token_for(f, TD_RESOURCE_DIRECTORY, a, &w.token, err));
    td_try(td_web_get(&w, td_arena_printf(a, endpoint_list, f->dev->server), &doc, err));
    const struct td_json *list = td_json_get(doc, "value");
    const char *found = NULL;
    for (const struct td_json *e = list != NULL ? list->child : NULL; e != NULL; e = e->next) {
        const char *name = td_json_str(e, "providerName"), *uri = td_json_str(e, "uri");
        if (name == NULL || uri == NULL || strcmp(name, "WindowsEnrollment") != 0)
            continue;
        if (found != NULL && td_flow_nobody(f) && strcmp(found, uri) != 0)
            return several_services(err);
        found = found != NULL ? found : uri;
    }
    if (found == NULL)
        return td_fail(err, TD_ENOTFOUND, "enrolment address", "the directory lists no WindowsEnrollment");
    *ret = (struct service){.policy_url = "", .enrolment_url = found, .version = 50};
    return td_url_origin(found, a)[0] != '\0'
               ? TD_OK
               : td_fail(err, TD_EFORMAT, "enrolment address", "WindowsEnrollment is no https address");
}

static enum td_code find_service(struct td_flow *f, struct td_arena *a, struct service *ret, struct td_error *err)
{
    const char *elsewhere = td_flow_get(f, "profile.mdm_url");
    const char *url = elsewhere[0] != '\0' ? elsewhere : td_flow_get(f, "signin.mdm_url");
    enum td_code rc = url[0] != '\0' ? discover(f, url, a, ret, err) : find_in_directory(f, a, ret, err);
    if (rc == TD_ENOTFOUND && err != NULL)
        err->hresult = 0x81036501; /* no management found */
    return rc;
}

static enum td_code ask_policies(struct td_flow *f, const struct service *s, const char *token, struct td_arena *a,
                                 struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf body;
    td_buf_init(&body, ENROL_MAX_OCTETS);
    const struct td_soap h = head(f, TD_ACTION_POLICIES, s->policy_url, token, a);
    const struct td_policies_request ask = {.tpm_manufacturer = "", .tpm_firmware = ""};
    struct td_soap answer;
    struct td_policies policies;
    td_try(td_policies_request_write(&h, &ask, &body, err));
    td_try(call(f, "enrolment policies", s->policy_url, td_buf_slice(&body), a, &answer, err));
    td_try(td_policies_read(&answer, a, &policies, err));
    if (policies.key_bits > ENROL_MIN_KEY_BITS)
        return td_fail(err, TD_ENOTOFFERED, "enrolment policies", "keys of %d bits are asked, ours have %d",
                       policies.key_bits, ENROL_MIN_KEY_BITS);
    return TD_OK;
}

static const char *id_of(const struct td_flow *f)
{
    const char *joined = td_flow_get(f, "join.device_id");
    return joined[0] != '\0' ? joined : td_flow_get(f, "enrol.own_id");
}

/* After a directory join the device calls itself by the directory's id without dashes (mde2.md 4.2). */
static const char *own_name(const struct td_flow *f, struct td_arena *a)
{
    char *name = td_arena_strdup(a, id_of(f)), *to = name;
    for (const char *from = name; *from != '\0'; from++)
        if (*from != '-')
            *to++ = *from;
    *to = '\0';
    return name;
}

static void fill_context(struct td_flow *f, const struct service *s, struct td_enrol_context *c, struct td_arena *a)
{
    c->os_edition = td_arena_printf(a, "%d", f->hw.edition);
    c->os_version = c->application_version = f->hw.os_version;
    c->device_name = td_flow_get(f, "device.name");
    c->enrollment_type = "Device"; /* the form of a joined device (mde2.md 8) */
    c->device_type = "CIMClient_Windows";
    c->device_id = own_name(f, a);
    c->locale = f->hw.locale;
    c->enrollment_data = td_flow_get(f, "enrol.data");
    c->hw_dev_id = f->hw.hw_dev_id;
    c->ztd_id = td_flow_get(f, "profile.registration_id");
    if (td_offline_profile(f)) /* instead of a registration (autopilot.md 2.5, step 9) */
        c->offline_correlator = td_flow_get(f, "profile.id");
    if (s->version >= 50) /* what both speak governs what is sent (mde2.md 1.2, 4.2) */
        c->request_version = td_arena_printf(a, "%d.%d", s->version / 10, s->version % 10);
    c->user_logged_on = c->ux_initiated = c->not_in_oobe = TD_FALSE;
    enum td_flow_kind kind = td_flow_kind(f);
    if (kind == TD_FLOW_SELF_DEPLOYING && !td_fault("device-hides-that-it-is-nobodys"))
        c->plug_and_forget = TD_TRUE;
    if (kind == TD_FLOW_TECHNICIAN)
        c->white_glove = TD_TRUE;
    if (kind == TD_FLOW_HYBRID && !td_fault("device-wants-no-domain"))
        c->bootstrap_domain_join = TD_TRUE;
    for (size_t i = 0; i < f->hw.facts.nic_count && c->mac_count < TD_CONTEXT_MAX_MACS; i++) {
        char mac[TD_MAC_TEXT];
        td_hw_mac_text(f->hw.facts.nics[i].mac, mac);
        for (char *p = mac; *p != '\0'; p++)
            *p = *p == ':' ? '-' : *p;
        c->macs[c->mac_count++] = td_arena_strdup(a, mac);
    }
}

/* Members that this device never sends stay empty texts. */
static void init_context(struct td_enrol_context *c)
{
    const char **texts[] = {&c->mgmt_agent_hint, &c->domain_name,       &c->offline_correlator, &c->emm_device_id,
                            &c->aik_claim,       &c->aik_pub,           &c->aik_cert,           &c->aad_aik_claim,
                            &c->aad_pub,         &c->azure_attestation, &c->attestation_status, &c->imei,
                            &c->request_version};
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        *texts[i] = "";
}

static enum td_code write_rst(struct td_flow *f, const struct service *s, const char *token, const struct td_key *key,
                              struct td_arena *a, struct td_buf *out, struct td_error *err)
{
    const struct td_soap h = head(f, TD_ACTION_RST, s->enrolment_url, token, a);
    struct td_rst rst = {.kind = TD_RST_ISSUE};
    char *container = td_arena_strdup(a, own_name(f, a));
    for (char *p = container; *p != '\0'; p++)
        *p = (char)(*p >= 'a' && *p <= 'f' ? *p - 'a' + 'A' : *p);
    const char *cn = td_arena_printf(a, "%.31s!%s", id_of(f), container);
    td_try(td_csr_make(key, cn, container, a, &rst.csr, err));
    init_context(&rst.context);
    fill_context(f, s, &rst.context, a);
    return td_rst_write(&h, &rst, out, err);
}

static enum td_code check_thumbprint(const struct td_wap_cert *c, struct td_cert *cert, struct td_arena *a,
                                     struct td_error *err)
{
    if (c->der.n == 0)
        return td_fail(err, TD_EFORMAT, "provisioning document", "a certificate is missing");
    td_try(td_cert_parse(c->der, a, cert, err));
    if (!td_ieq(td_str(c->hash), td_str(cert->sha1)))
        return td_fail(err, TD_EFORMAT, "provisioning document", "a thumbprint is not its certificate's");
    return TD_OK;
}

/* mde2.md 4.4: one root, its intermediate, the device's certificate over our key, each under its thumbprint. */
static enum td_code check_document(const struct td_wap *wap, const struct td_key *key, int64_t now, struct td_arena *a,
                                   struct td_error *err)
{
    struct td_cert root, middle, leaf;
    TD_CLEANUP(td_key_cleanup) struct td_key *certified = NULL;
    td_try(check_thumbprint(&wap->root, &root, a, err));
    td_try(check_thumbprint(&wap->intermediate, &middle, a, err));
    td_try(check_thumbprint(&wap->certificate, &leaf, a, err));
    td_try(td_cert_public_key(wap->certificate.der, &certified, err));
    if (!td_key_same_public(key, certified))
        return td_fail(err, TD_EFORMAT, "provisioning document", "the certificate is for another key");
    td_try(td_cert_check_chain(wap->certificate.der, wap->intermediate.der, wap->root.der, now, TD_EKU_CLIENT, err));
    if (wap->provider[0] == '\0' || td_url_origin(wap->addr, a)[0] == '\0')
        return td_fail(err, TD_EFORMAT, "provisioning document", "PROVIDER-ID or an https ADDR is missing");
    if (wap->client.secret[0] == '\0' || wap->server.secret[0] == '\0')
        return td_fail(err, TD_EFORMAT, "provisioning document", "both APPAUTH levels are required");
    return TD_OK;
}

static enum td_code install(struct td_flow *f, struct td_slice document, const struct td_key *key, struct td_arena *a,
                            struct td_error *err)
{
    struct td_wap wap;
    struct td_xml *tree;
    struct td_device_state *state = f->dev->state;
    td_try(td_wap_read(document, a, &wap, &tree, err));
    td_try(check_document(&wap, key, td_now(f->dev->env), a, err));
    td_try(td_flow_write(f, "mdm.crt.pem", td_str(td_cert_pem(wap.certificate.der, a)), err));
    td_try(td_flow_write(f, "mdm.chain.pem", td_str(td_cert_pem(wap.intermediate.der, a)), err));
    td_try(td_flow_write(f, "mdm.root.pem", td_str(td_cert_pem(wap.root.der, a)), err));
    td_state_set(state, "enrol.provider", wap.provider);
    td_state_set(state, "enrol.addr", wap.addr);
    td_state_set(state, "enrol.device_id", own_name(f, a));
    td_state_set(state, "enrol.user", td_flow_get(f, "signin.user"));
    td_state_set(state, "enrol.thumbprint", wap.certificate.hash);
    td_try(td_state_save(state, err));
    return td_csp_apply_wap(f->dev, tree, err);
}

static enum td_code request_certificate(struct td_flow *f, const struct service *s, const char *token,
                                        struct td_arena *a, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf body;
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_soap answer;
    struct td_rstrc response;
    td_buf_init(&body, ENROL_MAX_OCTETS);
    td_try(td_flow_key(f, "mdm.key.pem", &key, err));
    td_try(write_rst(f, s, token, key, a, &body, err));
    td_try(call(f, "enrolment", s->enrolment_url, td_buf_slice(&body), a, &answer, err));
    td_try(td_rstrc_read(&answer, a, &response, err));
    return install(f, response.document, key, a, err);
}

/* A device that has joined nothing yet calls itself by an id of its own, the same in every try. */
static enum td_code own_id(struct td_flow *f, struct td_error *err)
{
    char id[TD_UUID_TEXT];
    if (td_flow_get(f, "enrol.own_id")[0] != '\0')
        return TD_OK;
    td_uuid_new(f->dev->env, id);
    return td_flow_keep(f, "enrol.own_id", id, err);
}

/* The token names the device, so the primary refresh token comes first; the sign-in's own is enough for it. A device
 * without a user needs none. */
static enum td_code ready_prt(struct td_flow *f, struct td_error *err)
{
    if (td_flow_nobody(f) || td_prt_there(f))
        return TD_OK;
    if (f->secrets.refresh_token == NULL)
        td_try(td_flow_sign_in(f, err)); /* killed since: the sign-in is asked again */
    if (td_flow_kind(f) == TD_FLOW_HYBRID)
        return own_id(f, err);
    return td_prt_by_refresh(f, f->secrets.refresh_token, err);
}

/* A primary refresh token that is no longer good is forgotten, so that the next attempt asks for a sign-in. */
static enum td_code management_token(struct td_flow *f, struct td_arena *a, const char **ret, struct td_error *err)
{
    /* a token for our management is nobody else's business */
    bool foreign = managed_elsewhere(f);
    if (foreign)
        td_flow_news(f, "managed by another service: %s", td_flow_get(f, "profile.mdm_url"));
    enum td_code rc = td_token_for(f, foreign ? td_flow_get(f, "profile.mdm_id") : TD_RESOURCE_MDM, a, ret, err);
    if (foreign && td_flow_nobody(f) && rc != TD_OK && rc != TD_EUNAVAILABLE)
        return several_services(err); /* a device alone gets no token for it */
    if (rc == TD_EAUTH && td_flow_nobody(f))
        return td_remedy(err, rc,
                         "have the device enabled in the directory, or begin anew: touchdown-device reset "
                         "--reinstall");
    if (rc != TD_EAUTH)
        return rc;
    td_try(td_flow_keep(f, "prt.token", NULL, err));
    return td_remedy(err, TD_EAUTH, "run again: the user is asked to sign in");
}

enum td_code td_flow_enrol(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct service s = {.policy_url = "", .enrolment_url = ""};
    const char *token;
    td_try(ready_prt(f, err));
    td_try(find_service(f, &a, &s, err));
    td_try(management_token(f, &a, &token, err));
    td_try(td_flow_terms(f, token, err));
    if (s.policy_url[0] != '\0')
        td_try(ask_policies(f, &s, token, &a, err));
    enum td_code rc = request_certificate(f, &s, token, &a, err);
    if (rc != TD_OK && rc != TD_EUNAVAILABLE) /* the acceptance may be what it is refused for: asked anew next time */
        td_try(td_flow_keep(f, "enrol.data", NULL, NULL));
    td_try(rc);
    td_try(td_board_keep(f, err));
    td_flow_prepared(f, "Register your device for mobile management");
    td_flow_news(f, "enrolled: %s", td_flow_get(f, "enrol.provider"));
    return TD_OK;
}
