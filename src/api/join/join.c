#include "api/join.h"

#include "api/join/job.h"
#include "api/local_credential.h"
#include "base/encode.h"
#include "base/fault.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "store/action.h"
#include "store/event.h"
#include "store/group.h"
#include "store/provisioning.h"
#include "store/registration.h"
#include "store/user.h"
#include "store/way.h"

enum { ATTEMPTS = 3 };

static enum td_code read_hardware_id(struct td_tx *tx, struct td_join_job *j)
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

static const char *actor_of(const struct td_join_job *j)
{
    return td_join_by_tpm(j) ? "device" : j->caller.upn;
}

/* A machine that joins by its registration has been in its box: a wipe is done, or it was installed anew by hand. */
static enum td_code look_for_box(struct td_tx *tx, struct td_join_job *j, struct td_error *err)
{
    struct td_way_row way = {0};
    bool awaited = false;
    j->boxed_way = NULL;
    if (j->joining.registration_id[0] == '\0' || td_join_by_tpm(j)) /* the attestation has ended it */
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
    const struct td_join_job *j = ctx;
    return td_action_in_box(tx, j->caller.tenant, j->boxed_way, true, err);
}

struct look {
    struct td_join_job *job;
    enum td_code parsed; /* how reading the body ended, told only to a proven caller */
    const struct td_error *parse_error;
};

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct look *l = ctx;
    struct td_join_job *j = l->job;
    const char *id = NULL;
    td_try(td_join_check_caller(tx, j, err));
    if (l->parsed != TD_OK) {
        if (err != NULL)
            *err = *l->parse_error;
        return l->parsed;
    }
    if (!td_join_by_tpm(j))
        td_try(td_join_open_device_ticket(j, err));
    td_try(td_join_check_key(j, err));
    td_try(td_join_choose(tx, j, &id, err));
    td_try(look_for_box(tx, j, err));
    td_try(read_hardware_id(tx, j));
    j->joining.id = id != NULL ? id : td_uuid_arena(j->svc->env, j->arena);
    return TD_OK;
}

static enum td_code certify(struct td_join_job *j, struct td_error *err)
{
    const struct td_join_subject subject = {
        .device_id = j->joining.id,
        .user_id = td_join_by_tpm(j) ? j->joining.id : j->caller.oid, /* as in the sample of a machine's own join */
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

static enum td_code way_of(struct td_tx *tx, struct td_join_job *j, struct td_way_row *ret, struct td_error *err)
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

static const char *event_detail(const struct td_join_job *j)
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
    if (td_join_by_tpm(j))
        td_jsonw_kstr(&w, "attestation", j->attested.challenge_id);
    td_jsonw_end(&w);
    const char *out = td_arena_text(j->arena, td_buf_slice(&b));
    td_buf_done(&b);
    return out;
}

static enum td_code tell_way(struct td_tx *tx, struct td_join_job *j, bool before, struct td_error *err)
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

static enum td_code check_user_still(struct td_tx *tx, struct td_join_job *j, struct td_error *err)
{
    struct td_user u = {0};
    enum td_code rc = td_user_find(tx, j->caller.tenant, td_str(j->caller.oid), j->arena, &u, err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && !u.enabled))
        return td_fail(err, TD_EAUTH, "token", "its user is deleted or disabled");
    return rc;
}

/* May run twice. Everything that allows the join is asked again here; only the signatures were made before. */
static enum td_code record(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_join_job *j = ctx;
    const char *id = NULL, *tenant = j->caller.tenant;
    struct td_device_row row = {0};
    td_try(td_join_by_tpm(j) ? td_join_spend_ticket(tx, j, err) : check_user_still(tx, j, err));
    td_try(td_join_choose(tx, j, &id, err));
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

static enum td_code join(struct td_join_job *j, struct td_error *err)
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
    const struct td_join_job *job;
    const struct td_error *why;
};

static enum td_code record_failure(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct failure *f = ctx;
    const struct td_join_job *j = f->job;
    struct td_way_row way = {.id = ""};
    bool lately = false;
    if (!td_join_by_tpm(j) && !j->stranger)
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

static void reply_joined(const struct td_join_job *j, struct td_http_reply *reply)
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
    struct td_join_job j = {.svc = svc, .req = req, .arena = req->arena};
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
