/* Hybrid completion: a computer of a domain registers with the directory (join-and-tokens.md 3.2).
 *
 * No bearer: what proves the computer is a signature by the key of a certificate that stands at its own computer
 * object, where only it and the domain's administrators can write. A connector reads the object at the very moment, so
 * nothing has to be synchronised first. The directory object is there since the account was made (store/device.h); this
 * joins it. The connector is asked outside of every transaction; what allowed the join is looked at again in the write.
 */
#include "api/connector.h"
#include "api/join/room.h"
#include "base/encode.h"
#include "base/fault.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "store/certificate.h"
#include "store/enrolment.h"
#include "store/event.h"
#include "store/group.h"
#include "store/provisioning.h"
#include "store/user.h"
#include "store/way.h"
#include "way/domain_join.h"

#define CLOCKS_APART (5 * TD_MINUTE) /* as a domain lets clocks differ */

enum { MAX_CERTIFICATES = 32 };

struct completion {
    struct td_service *svc;
    struct td_http_request *req;
    struct td_arena *a;
    char guid[TD_UUID_TEXT]; /* of the computer account */
    struct td_join_request asked;
    struct td_join_identity who;
    const char *tenant;
    struct td_device_row device;
    struct td_way_row way;
    struct td_enrolment enrolment; /* id NULL: it is not managed here */
    struct td_device_joining joining;
    struct td_cert cert;
    struct td_cert_row cert_row;
};

static enum td_code unknown(struct td_error *err, const char *detail)
{
    return td_domain_refuse(err, TD_DJ_NOT_REGISTERED, detail);
}

/* What is signed badly, too old or for another: 401, as with any other credential (join-and-tokens.md 3). */
static enum td_code unproven(struct td_error *err, enum td_domain_reason reason, const char *detail)
{
    enum td_code rc = td_domain_refuse(err, reason, detail);
    if (td_fault("hybrid-unproven-unknown"))
        return rc;
    if (err != NULL)
        err->code = TD_EAUTH;
    return TD_EAUTH;
}

/* --- what is known here ------------------------------------------------------------------------------------------- */

static enum td_code find_enrolment(struct td_tx *tx, struct completion *c, struct td_error *err)
{
    c->enrolment.id = NULL;
    c->way.id = "";
    enum td_code rc = td_way_find(tx, c->tenant, TD_WAY_REGISTRATION, c->device.registration_id, c->a, &c->way, err);
    if (rc == TD_ENOTFOUND)
        rc = td_way_find(tx, c->tenant, TD_WAY_DEVICE, c->device.id, c->a, &c->way, err);
    if (rc == TD_OK)
        rc = td_enrolment_find(tx, c->tenant, c->way.enrolment_id, c->a, &c->enrolment, err);
    if (rc == TD_OK && c->enrolment.state != TD_ENROLMENT_ACTIVE)
        c->enrolment.id = NULL;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code find_owner(struct td_tx *tx, struct completion *c, struct td_error *err)
{
    struct td_user user = {.id = ""};
    c->joining.owner_id = c->joining.owner_upn = "";
    if (c->enrolment.id == NULL || c->enrolment.user_id[0] == '\0')
        return TD_OK;
    enum td_code rc = td_user_find(tx, c->tenant, td_str(c->enrolment.user_id), c->a, &user, err);
    if (rc == TD_OK) {
        c->joining.owner_id = user.id;
        c->joining.owner_upn = user.upn;
    }
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct completion *c = ctx;
    char id[TD_UUID_TEXT];
    const char *wanted = td_uuid_parse(td_str(c->who.tenant_id), id) ? id : "";
    enum td_code rc = td_device_find_account(tx, c->guid, wanted, c->a, &c->tenant, &c->device, err);
    if (rc == TD_ENOTFOUND)
        return unknown(err, "no device was given this account");
    td_try(rc);
    if (!c->device.enabled && !td_fault("hybrid-disabled-device"))
        return td_remedy(err, td_fail(err, TD_EDENIED, "device", "it is disabled"), "Enable it in the directory.");
    td_try(find_enrolment(tx, c, err));
    return find_owner(tx, c, err);
}

/* Before anybody is asked: what can be seen to be wrong by itself. */
static enum td_code check_claim(const struct completion *c, struct td_error *err)
{
    char id[TD_UUID_TEXT];
    int64_t apart = c->who.signed_at - td_now(c->svc->env);
    if (td_uuid_parse(td_str(c->who.tenant_id), id) && strcmp(id, c->tenant) != 0)
        return unknown(err, "TargetDomainId names another organization");
    if (!td_eqs(c->who.sid, c->device.account_sid) && !td_fault("hybrid-any-sid"))
        return unproven(err, TD_DJ_NOT_REGISTERED, "the Sid is not the account's");
    if ((apart > CLOCKS_APART || apart < -CLOCKS_APART) && !td_fault("hybrid-any-time"))
        return unproven(err, TD_DJ_DEVICE_CLOCK, "the time behind the Sid is not this service's");
    return TD_OK;
}

/* --- what the domain says of it ----------------------------------------------------------------------------------- */

static bool signed_by(const struct completion *c, const char *certificate)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_slice der = TD_S("");
    if (td_b64_decode(c->a, td_str(certificate), TD_B64_ANY, &der) != TD_OK ||
        td_cert_public_key(der, &key, NULL) != TD_OK)
        return false;
    return td_key_verify(key, TD_RS256, c->who.text, c->who.signature);
}

static enum td_code check_account(const struct completion *c, const struct td_json *account, struct td_error *err)
{
    const char *sid = td_json_str(account, "accountSid");
    const struct td_json *list = td_json_get(account, "certificates");
    int seen = 0;
    if (sid == NULL || (!td_eqs(c->who.sid, sid) && !td_fault("hybrid-any-sid")))
        return unproven(err, TD_DJ_NOT_REGISTERED, "the domain has another Sid for it");
    if (!td_json_bool(account, "enabled", false) && !td_fault("hybrid-disabled-account"))
        return td_domain_refuse(err, TD_DJ_DISABLED, "the computer's account in its domain");
    if (td_fault("hybrid-any-signature"))
        return TD_OK;
    for (const struct td_json *v = list != NULL ? list->child : NULL; v != NULL && seen < MAX_CERTIFICATES;
         v = v->next, seen++)
        if (v->type == TD_JSON_STRING && signed_by(c, v->str))
            return TD_OK;
    return seen == 0 ? unknown(err, "its account bears no certificate yet")
                     : unproven(err, TD_DJ_NOT_REGISTERED, "no certificate of its account signed this");
}

static enum td_code ask_domain(struct completion *c, struct td_error *err)
{
    const struct td_json *account = NULL;
    const struct td_connector_question q = {.tenant = c->tenant,
                                            .domain = c->device.account_domain,
                                            .kind = "computer",
                                            .names = {"accountGuid"},
                                            .values = {c->guid}};
    enum td_code rc = td_connector_ask(c->svc, &q, c->a, &account, err);
    if (rc == TD_ENOTFOUND)
        return unknown(err, "its domain has no such account any more");
    td_try(rc);
    return check_account(c, account, err);
}

/* --- the join ----------------------------------------------------------------------------------------------------- */

static enum td_code certify(struct completion *c, struct td_error *err)
{
    const char *user = c->joining.owner_id[0] != '\0' ? c->joining.owner_id : c->device.id;
    const struct td_join_subject subject = {.device_id = c->device.id, .user_id = user, .tenant = c->tenant};
    struct td_slice der = TD_S("");
    td_try(td_join_certify(c->svc, &subject, c->asked.csr.spki, c->a, &der, err));
    td_try(td_cert_parse(der, c->a, &c->cert, err));
    c->cert_row = (struct td_cert_row){.tenant = c->tenant,
                                       .purpose = "device",
                                       .subject = c->device.id,
                                       .serial = c->cert.serial,
                                       .not_after = c->cert.not_after};
    memcpy(c->cert_row.sha256, c->cert.sha256, sizeof(c->cert.sha256));
    return TD_OK;
}

static void fill(struct completion *c)
{
    struct td_device_joining *j = &c->joining;
    j->id = c->device.id;
    j->registration_id = c->device.registration_id;
    j->display_name = c->asked.display_name[0] != '\0' ? c->asked.display_name : c->device.display_name;
    j->os = c->asked.os;
    j->os_version = c->asked.os_version;
    j->trust_type = "ServerAd";
    j->hardware_id = "";
    j->transport_key = c->asked.transport_key;
    j->alt_security_id = td_join_alt_security_id(&c->cert, c->a);
    td_sha256(c->asked.csr.spki, j->key_sha256);
}

static enum td_code tell_way(struct td_tx *tx, const struct completion *c, struct td_error *err)
{
    struct td_buf b;
    struct td_jsonw w;
    if (c->way.id[0] == '\0')
        return TD_OK;
    td_buf_init(&b, 4096);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "deviceId", c->device.id);
    td_jsonw_kstr(&w, "displayName", c->joining.display_name);
    td_jsonw_kstr(&w, "trustType", c->joining.trust_type);
    td_jsonw_kstr(&w, "registrationId", c->device.registration_id);
    td_jsonw_kstr(&w, "domain", c->device.account_domain);
    td_jsonw_kstr(&w, "account", c->guid);
    td_jsonw_kstr(&w, "certificate", c->cert_row.serial);
    td_jsonw_end(&w);
    const char *detail = td_arena_text(c->a, td_buf_slice(&b));
    td_buf_done(&b);
    td_try(td_way_link(tx, c->tenant, c->way.id, TD_WAY_DEVICE, c->device.id, err));
    return td_way_happened(tx, c->tenant, c->way.id, TD_EV_JOINED, "device", detail, err);
}

/* May run twice. */
static enum td_code record(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct completion *c = ctx;
    const char *id = c->device.id;
    td_try(look(tx, c, err));
    if (strcmp(id, c->device.id) != 0 || !td_eqs(c->who.sid, c->device.account_sid))
        return td_fail(err, TD_EUNAVAILABLE, "device", "its directory object became another one meanwhile");
    td_try(td_device_complete(tx, c->tenant, &c->joining, err));
    td_try(td_cert_supersede(tx, c->tenant, "device", id, err));
    td_try(td_cert_record(tx, &c->cert_row, err));
    td_try(tell_way(tx, c, err));
    if (c->enrolment.id != NULL && strcmp(c->enrolment.device_id, id) != 0)
        td_try(td_enrolment_joined(tx, c->tenant, c->enrolment.id, id, err));
    return td_group_device_moved(tx, c->tenant, id, "device", err);
}

struct refusal {
    const struct completion *c;
    const struct td_error *why;
};

/* Told beside the way, and within bounds: anybody may say these things of it. */
static enum td_code note(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct refusal *n = ctx;
    bool lately = false;
    const char *tenant = n->c->tenant, *way = n->c->way.id;
    td_try(td_event_lately(tx, tenant, way, td_way_event_word(TD_EV_FAILED), n->why->where, td_tx_now(tx) - TD_MINUTE,
                           &lately, err));
    return lately ? TD_OK : td_way_failed_aside(tx, tenant, way, "directory-registration", n->why, "device", err);
}

static enum td_code complete(struct completion *c, struct td_error *err)
{
    td_try(td_join_parse_hybrid(c->req, &c->asked, &c->who, err));
    td_try(td_store_read(c->svc->store, look, c, err));
    td_try(check_claim(c, err));
    td_try(ask_domain(c, err));
    td_try(certify(c, err));
    fill(c);
    return td_store_write(c->svc->store, record, c, err);
}

void td_join_complete(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_service *svc = ctx;
    struct completion c = {.svc = svc, .req = req, .a = req->arena, .tenant = "", .way = {.id = ""}};
    struct td_error err = {0};
    if (!td_uuid_parse(req->params[0], c.guid)) {
        (void)td_remedy(&err, td_fail(&err, TD_EINVAL, "device id", "is not a GUID"), "Send the account's objectGUID.");
        td_join_refuse(svc, &err, req->arena, reply);
        return;
    }
    if (complete(&c, &err) == TD_OK) {
        const struct td_join_answer answer = {.cert = &c.cert, .upn = c.joining.owner_upn};
        td_join_reply(&answer, req->arena, reply);
        return;
    }
    struct refusal n = {&c, &err};
    if (c.way.id[0] != '\0' && err.code != TD_EIO && err.code != TD_EINTERNAL)
        td_ignore(td_store_write(svc->store, note, &n, NULL));
    td_join_refuse(svc, &err, req->arena, reply);
}
