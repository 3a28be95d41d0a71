#include "api/join.h"

#include "api/attestation.h"
#include "api/authority.h"
#include "api/join/room.h"
#include "api/local_credential.h"
#include "api/token.h"
#include "base/encode.h"
#include "base/fault.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "store/action.h"
#include "store/attestation.h"
#include "store/certificate.h"
#include "store/device.h"
#include "store/event.h"
#include "store/group.h"
#include "store/profile.h"
#include "store/provisioning.h"
#include "store/registration.h"
#include "store/tenant.h"
#include "store/user.h"
#include "store/way.h"

enum { ATTEMPTS = 3 };

/* What Windows shows (autopilot.md 6): not allowed, or past the limit; registered object missing. */
static const uint32_t hr_not_allowed = 0x801C0003, hr_object_missing = 0x801C03F3;

struct job { /* one join on its way through read, signature and write */
    struct td_service *svc;
    struct td_http_request *req;
    struct td_arena *arena;
    struct td_claims caller;
    struct td_join_ticket attested; /* a TPM was proven instead of a user; challenge_id NULL: not */
    struct td_join_request asked;
    struct td_device_joining joining;
    const char *ticket_tenant;              /* "" without a ticket of ours */
    const char *failed_tenant, *failed_way; /* whose timeline tells of a refusal */
    struct td_cert cert;
    struct td_cert_row cert_row;
    bool owner_administrator;
    bool stranger;         /* not the machine that its ticket is of: its refusal is not the machine's failure */
    bool moved;            /* another join came between read and write */
    const char *boxed_way; /* what this join proves to have come from its box; NULL: nothing to end */
};

static bool by_tpm(const struct job *j)
{
    return j->attested.challenge_id != NULL;
}

static enum td_code deny(struct td_error *err, const char *where, const char *why, const char *remedy)
{
    (void)td_fail(err, TD_EDENIED, where, "%s", why);
    if (err != NULL)
        err->hresult = hr_not_allowed;
    return td_remedy(err, TD_EDENIED, "%s", remedy);
}

/* Foreign clients put tickets of other services here: those say nothing to us and are passed over. One of ours that has
 * run out is told, because the device can get another. */
static enum td_code open_ticket(struct job *j, struct td_error *err)
{
    const struct td_json *payload = NULL;
    struct td_error why = {0};
    j->ticket_tenant = "";
    j->joining.registration_id = "";
    if (j->asked.ticket.n == 0)
        return TD_OK;
    enum td_code rc = td_ticket_open(j->svc, "device", j->asked.ticket, j->arena, &payload, &why);
    if (rc == TD_EEXPIRED)
        return deny(err, "attributes.MSA-DDID", "the device ticket has run out",
                    "Let the device look its profile up again.");
    if (rc != TD_OK)
        return rc == TD_EAUTH ? TD_OK : td_fail(err, rc, "attributes.MSA-DDID", "%s", why.text);
    const char *tenant = td_json_str(payload, "tenant"), *registration = td_json_str(payload, "registration");
    if (tenant == NULL || registration == NULL)
        return td_fail(err, TD_EINVAL, "attributes.MSA-DDID", "the device ticket names no registration");
    j->ticket_tenant = tenant;
    j->joining.registration_id = registration;
    return TD_OK;
}

static void note_way(struct td_tx *tx, struct job *j)
{
    struct td_way_row way = {0};
    if (td_way_find(tx, j->ticket_tenant, TD_WAY_REGISTRATION, j->joining.registration_id, j->arena, &way, NULL) !=
        TD_OK)
        return;
    j->failed_tenant = j->ticket_tenant;
    j->failed_way = way.id;
}

/* The registration that the ticket proves has to be there still, and the caller's. */
static enum td_code check_registration(struct td_tx *tx, struct job *j, struct td_error *err)
{
    struct td_registration r = {0};
    if (j->joining.registration_id[0] == '\0' || td_fault("join-foreign-registration"))
        return TD_OK;
    note_way(tx, j);
    if (strcmp(j->ticket_tenant, j->caller.tenant) != 0)
        return deny(err, "device", "it belongs to another organization",
                    "Sign in with an account of the organization that registered it, or have it deregistered there.");
    enum td_code rc = td_registration_find(tx, j->caller.tenant, j->joining.registration_id, j->arena, &r, err);
    if (rc == TD_ENOTFOUND) {
        (void)deny(err, "device", "its registration has ended", "Register it again, or join it without a profile.");
        if (err != NULL)
            err->hresult = hr_object_missing;
        return TD_EDENIED;
    }
    return rc;
}

static enum td_code check_rules(struct td_tx *tx, struct job *j, bool again, struct td_error *err)
{
    const char *who = NULL;
    int64_t limit = 0, have = 0;
    td_try(td_tenant_get(tx, j->caller.tenant, "join-users", j->arena, &who, err));
    if (strcmp(who, "none") == 0)
        return deny(err, "user", "this organization lets nobody join devices", "Set join-users of the tenant.");
    td_try(td_tenant_get_int(tx, j->caller.tenant, "join-device-limit", &limit, err));
    if (limit == 0 || again)
        return TD_OK;
    td_try(td_device_count_of(tx, j->caller.tenant, j->caller.oid, &have, err));
    if (have >= limit)
        return deny(err, "user", "the user has joined as many devices as this organization allows",
                    "Delete devices that are no longer used, or raise join-device-limit of the tenant.");
    return TD_OK;
}

/* A device ticket comes from a copy of a hash as well as from the machine. Where the profile lets nobody sign in before
 * the join, and the TPM was proven once, a user with such a ticket is not the machine. */
static enum td_code check_machine(struct td_tx *tx, struct job *j, const struct td_profile_row *profile,
                                  struct td_error *err)
{
    struct td_tpm_binding bound;
    if (profile->settings.usage != TD_USAGE_SHARED || td_fault("join-user-for-tpm"))
        return TD_OK;
    enum td_code rc = td_tpm_binding_find(tx, j->caller.tenant, j->joining.registration_id, j->arena, &bound, err);
    j->stranger = rc == TD_OK;
    if (j->stranger)
        return deny(err, "device",
                    "its profile deploys it without a user, and only the TPM that it has proven joins it",
                    "Let it deploy itself. If a user is to join it, assign another profile; if its board was exchanged,"
                    " forget the old TPM by 'touchdown tpm unbind'.");
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

/* The id that this join gets, whether it is one that the same user joined before, and whether its user is made
 * administrator.
 */
static enum td_code choose_id(struct td_tx *tx, struct job *j, const char **ret_id, struct td_error *err)
{
    struct td_device_row row = {0};
    struct td_profile_row profile = {0};
    bool explicit_assignment = false;
    td_try(check_registration(tx, j, err));
    enum td_code rc = td_device_join_id(tx, j->caller.tenant, &j->joining, j->arena, ret_id, err);
    if (rc == TD_OK)
        td_try(td_device_find(tx, j->caller.tenant, *ret_id, j->arena, &row, err));
    else if (rc != TD_ENOTFOUND)
        return rc;
    if (by_tpm(j)) /* nobody's: what limits users does not concern it, and it makes nobody administrator */
        return TD_OK;
    td_try(check_rules(tx, j, row.joined_at != 0 && strcmp(row.owner_id, j->caller.oid) == 0, err));
    j->owner_administrator = true;
    if (j->joining.registration_id[0] == '\0')
        return TD_OK;
    rc =
        td_profile_for(tx, j->caller.tenant, j->joining.registration_id, j->arena, &profile, &explicit_assignment, err);
    if (rc != TD_OK)
        return rc == TD_ENOTFOUND ? TD_OK : rc;
    j->owner_administrator = profile.settings.user_type == TD_USER_ADMINISTRATOR;
    return check_machine(tx, j, &profile, err);
}

static enum td_code read_hardware_id(struct td_tx *tx, struct job *j)
{
    struct td_slice octets = TD_S("");
    unsigned char print[32];
    j->joining.hardware_id = "";
    if (j->joining.registration_id[0] == '\0' ||
        td_registration_hash(tx, j->caller.tenant, j->joining.registration_id, j->arena, &octets, NULL) != TD_OK)
        return TD_OK;
    td_sha256(octets, print);
    j->joining.hardware_id = td_arena_printf(j->arena, "h:%s", td_hex(j->arena, td_bytes(print, 16)));
    return TD_OK;
}

static const char *actor_of(const struct job *j)
{
    return by_tpm(j) ? "device" : j->caller.upn;
}

/* Is the join ticket still unused, and the request's key the one that the TPM certified? Asked before anything is
 * written; the write that joins uses it up. */
static enum td_code check_join_ticket(struct td_tx *tx, struct job *j, struct td_error *err)
{
    struct td_challenge c;
    const char *tenant = "";
    note_way(tx, j);
    enum td_code rc = td_challenge_find(tx, j->attested.challenge_id, j->arena, &tenant, &c, err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && strcmp(tenant, j->attested.tenant) != 0))
        return td_attest_refuse(err, TD_ATT_TICKET, "its attestation is gone");
    td_try(rc);
    if (c.ticket_used_at != 0 && !td_fault("join-ticket-twice"))
        return td_attest_refuse(err, TD_ATT_TICKET, "it was used");
    if (c.ticket_expires_at <= td_tx_now(tx) && !td_fault("join-ticket-late"))
        return td_attest_refuse(err, TD_ATT_TICKET, "it has run out");
    return TD_OK;
}

static enum td_code check_certified_key(const struct job *j, struct td_error *err)
{
    const unsigned char *key = j->joining.key_sha256;
    if (!by_tpm(j)) /* the key of a device with a user signs its token requests by RS256 (4.2) */
        return j->asked.csr.kind == TD_KEY_RSA
                   ? TD_OK
                   : td_fail(err, TD_EINVAL, "CertificateRequest.Data", "only RSA keys are offered");
    if (strcmp(td_hex(j->arena, td_bytes(key, sizeof(j->joining.key_sha256))), j->attested.key_sha256) == 0 ||
        td_fault("join-ticket-any-key"))
        return TD_OK;
    return td_attest_refuse(err, TD_ATT_TICKET, "the request is for another key than the TPM certified");
}

static enum td_code check_token(struct td_tx *tx, struct job *j, struct td_error *err)
{
    td_try(td_token_check(j->svc, tx, td_http_bearer(j->req), TD_RESOURCE_DIRECTORY_JOIN, j->arena, &j->caller, err));
    if (j->caller.oid[0] == '\0' || j->caller.upn[0] == '\0')
        return deny(err, "token", "it names no user", "Join with a user's token.");
    return TD_OK;
}

/* A bearer is the token of a user, or the join ticket of a device that proved its TPM. */
static enum td_code check_caller(struct td_tx *tx, struct job *j, struct td_error *err)
{
    enum td_code rc = td_join_ticket_open(j->svc, td_http_bearer(j->req), j->arena, &j->attested, NULL);
    if (rc == TD_OK) {
        j->caller = (struct td_claims){.tenant = j->attested.tenant, .oid = "", .upn = "", .name = ""};
        j->ticket_tenant = j->attested.tenant;
        j->joining.registration_id = j->attested.registration_id;
        td_try(check_join_ticket(tx, j, err));
    } else if (rc == TD_EEXPIRED) {
        return td_attest_refuse(err, TD_ATT_TICKET, "it has run out");
    } else {
        j->attested = (struct td_join_ticket){.challenge_id = NULL};
        td_try(check_token(tx, j, err));
    }
    j->joining.owner_id = j->caller.oid;
    j->joining.owner_upn = j->caller.upn;
    return TD_OK;
}

/* A machine that joins by its registration has been in its box: a wipe is done, or it was installed anew by hand. */
static enum td_code look_for_box(struct td_tx *tx, struct job *j, struct td_error *err)
{
    struct td_way_row way = {0};
    bool awaited = false;
    j->boxed_way = NULL;
    if (j->joining.registration_id[0] == '\0' || by_tpm(j)) /* the attestation has ended it */
        return TD_OK;
    enum td_code rc =
        td_way_find(tx, j->caller.tenant, TD_WAY_REGISTRATION, j->joining.registration_id, j->arena, &way, err);
    if (rc != TD_OK)
        return rc == TD_ENOTFOUND ? TD_OK : rc;
    td_try(td_action_box_awaited(tx, j->caller.tenant, way.id, true, &awaited, err));
    j->boxed_way = awaited ? way.id : NULL;
    return TD_OK;
}

static enum td_code end_box(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct job *j = ctx;
    return td_action_in_box(tx, j->caller.tenant, j->boxed_way, true, err);
}

struct look {
    struct job *job;
    enum td_code parsed; /* how reading the body ended, told only to a proven caller */
    const struct td_error *parse_error;
};

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct look *l = ctx;
    struct job *j = l->job;
    const char *id = NULL;
    td_try(check_caller(tx, j, err));
    if (l->parsed != TD_OK) {
        if (err != NULL)
            *err = *l->parse_error;
        return l->parsed;
    }
    if (!by_tpm(j))
        td_try(open_ticket(j, err));
    td_try(check_certified_key(j, err));
    td_try(choose_id(tx, j, &id, err));
    td_try(look_for_box(tx, j, err));
    td_try(read_hardware_id(tx, j));
    j->joining.id = id != NULL ? id : td_uuid_arena(j->svc->env, j->arena);
    return TD_OK;
}

static enum td_code certify(struct job *j, struct td_error *err)
{
    const struct td_join_subject subject = {
        .device_id = j->joining.id,
        .user_id = by_tpm(j) ? j->joining.id : j->caller.oid, /* as in the sample of a machine's own join */
        .tenant = j->caller.tenant};
    struct td_slice der = TD_S("");
    struct td_slice spki = td_fault("join-other-key") ? j->asked.transport_key : j->asked.csr.spki;
    td_try(td_join_certify(j->svc, &subject, spki, j->arena, &der, err));
    td_try(td_cert_parse(der, j->arena, &j->cert, err));
    j->cert_row = (struct td_cert_row){.tenant = j->caller.tenant,
                                       .purpose = "device",
                                       .subject = j->joining.id,
                                       .serial = j->cert.serial,
                                       .not_after = j->cert.not_after};
    memcpy(j->cert_row.sha256, j->cert.sha256, sizeof(j->cert.sha256));
    j->joining.alt_security_id = td_join_alt_security_id(&j->cert, j->arena);
    return TD_OK;
}

static enum td_code way_of(struct td_tx *tx, struct job *j, struct td_way_row *ret, struct td_error *err)
{
    enum td_code rc = TD_ENOTFOUND;
    if (j->joining.registration_id[0] != '\0')
        rc = td_way_find(tx, j->caller.tenant, TD_WAY_REGISTRATION, j->joining.registration_id, j->arena, ret, err);
    if (rc == TD_ENOTFOUND)
        rc = td_way_find(tx, j->caller.tenant, TD_WAY_DEVICE, j->joining.id, j->arena, ret, err);
    if (rc == TD_ENOTFOUND)
        rc = td_way_add(tx, j->caller.tenant, TD_WAY_DEVICE, j->joining.id, j->arena, ret, err);
    return rc;
}

static const char *event_detail(const struct job *j)
{
    struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, 4096);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "deviceId", j->joining.id);
    td_jsonw_kstr(&w, "displayName", j->joining.display_name);
    td_jsonw_kstr(&w, "trustType", j->joining.trust_type);
    td_jsonw_kstr(&w, "registrationId", j->joining.registration_id);
    td_jsonw_kstr(&w, "certificate", j->cert_row.serial);
    if (by_tpm(j))
        td_jsonw_kstr(&w, "attestation", j->attested.challenge_id);
    td_jsonw_end(&w);
    const char *out = td_arena_text(j->arena, td_buf_slice(&b));
    td_buf_done(&b);
    return out;
}

static enum td_code tell_way(struct td_tx *tx, struct job *j, bool before, struct td_error *err)
{
    struct td_way_row way = {0};
    const char *tenant = j->caller.tenant, *detail = event_detail(j);
    td_try(way_of(tx, j, &way, err));
    td_try(td_way_link(tx, tenant, way.id, TD_WAY_DEVICE, j->joining.id, err));
    td_try(td_way_set_user(tx, tenant, way.id, j->caller.upn, err));
    if (!before)
        return td_way_happened(tx, tenant, way.id, TD_EV_JOINED, actor_of(j), detail, err);
    struct td_event e = {.subject = way.id, .type = "device.rejoined", .actor = actor_of(j), .detail = detail};
    td_try(td_way_happened(tx, tenant, way.id, TD_EV_JOINED, actor_of(j), detail, err));
    return td_event_append(tx, tenant, &e, err);
}

static enum td_code check_user_still(struct td_tx *tx, struct job *j, struct td_error *err)
{
    struct td_user u = {0};
    enum td_code rc = td_user_find(tx, j->caller.tenant, td_str(j->caller.oid), j->arena, &u, err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && !u.enabled))
        return td_fail(err, TD_EAUTH, "token", "its user is deleted or disabled");
    return rc;
}

static enum td_code use_join_ticket(struct td_tx *tx, struct job *j, struct td_error *err)
{
    enum td_code rc = td_join_ticket_use(tx, j->caller.tenant, j->attested.challenge_id, err);
    if (rc == TD_ESTATE || rc == TD_EEXPIRED || rc == TD_ENOTFOUND)
        return td_attest_refuse(err, TD_ATT_TICKET, rc == TD_ESTATE ? "it was used" : "it has run out");
    return rc;
}

/* May run twice. Everything that allows the join is asked again here; only the signatures were made before. */
static enum td_code record(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct job *j = ctx;
    const char *id = NULL, *tenant = j->caller.tenant;
    struct td_device_row row = {0};
    td_try(by_tpm(j) ? use_join_ticket(tx, j, err) : check_user_still(tx, j, err));
    td_try(choose_id(tx, j, &id, err));
    j->moved = id != NULL && strcmp(id, j->joining.id) != 0;
    if (j->moved)
        return td_fail(err, TD_ESTATE, "device", "another join of it came between");
    bool before = id != NULL && td_device_find(tx, tenant, id, j->arena, &row, err) == TD_OK && row.joined_at != 0;
    td_try(td_device_join(tx, tenant, &j->joining, err));
    td_try(td_cert_supersede(tx, tenant, "device", j->joining.id, err));
    td_try(td_cert_record(tx, &j->cert_row, err));
    td_try(tell_way(tx, j, before, err));
    td_try(td_provisioning_joined(tx, tenant, j->joining.registration_id, j->joining.id, j->caller.oid, j->caller.upn,
                                  err));
    return td_group_device_moved(tx, tenant, j->joining.id, actor_of(j), err);
}

static enum td_code join(struct job *j, struct td_error *err)
{
    struct td_error parse_error = {0};
    struct look l = {.job = j, .parse_error = &parse_error};
    enum td_code rc = TD_ESTATE;
    l.parsed = td_join_parse(j->req, &j->asked, &parse_error);
    if (l.parsed == TD_OK) {
        j->joining = (struct td_device_joining){.display_name = j->asked.display_name,
                                                .os = j->asked.os,
                                                .os_version = j->asked.os_version,
                                                .trust_type = j->asked.trust_type,
                                                .transport_key = j->asked.transport_key};
        td_sha256(j->asked.csr.spki, j->joining.key_sha256);
    }
    for (int i = 0; i < ATTEMPTS; i++) {
        j->moved = false;
        td_try(td_store_read(j->svc->store, look, &l, err));
        if (j->boxed_way != NULL) { /* its directory object may become another one */
            td_try(td_store_write(j->svc->store, end_box, j, err));
            continue;
        }
        td_try(certify(j, err));
        rc = td_store_write(j->svc->store, record, j, err);
        if (!j->moved)
            return rc;
    }
    return td_fail(err, TD_EUNAVAILABLE, "device", "other joins of it are under way");
}

/* A join ticket that was used or is late is told within bounds, and spoils nothing of a device that has joined since.
 */
struct failure {
    const struct job *job;
    const struct td_error *why;
};

static enum td_code record_failure(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct failure *f = ctx;
    const struct job *j = f->job;
    struct td_way_row way = {.id = ""};
    bool lately = false;
    if (!by_tpm(j) && !j->stranger)
        return td_way_failed(tx, j->failed_tenant, j->failed_way, "join", f->why, err);
    td_try(td_event_lately(tx, j->failed_tenant, j->failed_way, td_way_event_word(TD_EV_FAILED), f->why->where,
                           td_tx_now(tx) - TD_MINUTE, &lately, err));
    if (lately && !td_fault("join-tells-always"))
        return TD_OK;
    td_try(td_way_find(tx, j->failed_tenant, TD_WAY_ID, j->failed_way, j->arena, &way, err));
    bool joined = way.way.state[TD_M_JOIN] == TD_J_JOINED && !td_fault("join-old-ticket-spoils");
    if (joined || j->stranger)
        return td_way_failed_aside(tx, j->failed_tenant, way.id, "join", f->why, actor_of(j), err);
    return td_way_failed(tx, j->failed_tenant, j->failed_way, "join", f->why, err);
}

static void reply_joined(const struct job *j, struct td_http_reply *reply)
{
    struct td_join_answer answer = {.cert = &j->cert, .upn = j->caller.upn};
    if (strcmp(j->joining.trust_type, "AzureAd") == 0) {
        answer.administrators[0] = td_join_role_sid(j->caller.tenant, "Global Administrator", j->arena);
        answer.administrators[1] = td_join_role_sid(j->caller.tenant, "Device Local Administrator", j->arena);
        answer.administrators[2] = j->owner_administrator ? td_join_sid(j->caller.oid, j->arena) : NULL;
    }
    td_join_reply(&answer, j->arena, reply);
}

static void post_device(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_service *svc = ctx;
    struct job j = {.svc = svc, .req = req, .arena = req->arena};
    struct td_error err = {0};
    if (join(&j, &err) == TD_OK) {
        reply_joined(&j, reply);
        return;
    }
    if (j.failed_way != NULL && err.code != TD_EUNAVAILABLE) {
        struct failure f = {.job = &j, .why = &err};
        if (td_store_write(svc->store, record_failure, &f, NULL) != TD_OK)
            j.failed_way = NULL; /* the answer stands without its event: the store is away */
    }
    td_join_refuse(svc, &err, req->arena, reply);
}

static void not_offered(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_error err = {0};
    (void)td_fail(&err, TD_ENOTOFFERED, "operation", "key provisioning is not offered yet");
    td_join_refuse(ctx, &err, req->arena, reply);
}

const struct td_route td_join_routes[] = {
    {TD_GET, "/EnrollmentServer/contract", td_join_contract, 0, 0},
    {TD_GET, "/EnrollmentServer/nonce", td_join_nonce, TD_ROUTE_LIMITED, 0},
    {TD_GET, "/EnrollmentServer/nonce/{tenant}", td_join_nonce, TD_ROUTE_LIMITED, 0},
    {TD_POST, "/EnrollmentServer/device", post_device, 0, TD_JOIN_MAX_BODY},
    {TD_POST, "/EnrollmentServer/device/{id}/localcredential", td_local_credential_post, 0, TD_LOCAL_CREDENTIAL_BODY},
    {TD_DELETE, "/EnrollmentServer/device/{id}", td_join_leave, 0, TD_JOIN_MAX_BODY},
    {TD_PUT, "/EnrollmentServer/device/{id}", td_join_complete, TD_ROUTE_LIMITED, TD_JOIN_MAX_BODY},
    {TD_POST | TD_GET | TD_DELETE, "/EnrollmentServer/key", not_offered, 0, TD_JOIN_MAX_BODY},
    {TD_POST | TD_GET | TD_DELETE, "/EnrollmentServer/key/{id*}", not_offered, 0, TD_JOIN_MAX_BODY},
    {TD_GET, "/{domain}/Discover", td_join_discover, TD_ROUTE_LIMITED, 0},
};
const size_t td_join_route_count = TD_COUNTOF(td_join_routes);
