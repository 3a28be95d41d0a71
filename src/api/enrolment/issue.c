/* Issue and renewal of a device's management certificate (mde2.md 4 and 7).
 *
 * An issue reads and decides, signs outside every transaction, then decides again and writes enrolment, certificate,
 * way and event in one. Nothing in it needs state of the steps before. */
#include "api/enrolment/room.h"
#include "api/hybrid.h"
#include "api/jobs.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/log.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "policy/status_page.h"
#include "store/action.h"
#include "store/certificate.h"
#include "store/device.h"
#include "store/enrolment_configuration.h"
#include "store/event.h"
#include "store/group.h"
#include "store/offline_profile.h"
#include "store/profile.h"
#include "store/provisioning.h"
#include "store/tenant.h"
#include "store/way.h"
#include "way/os_version.h"

#include <string.h>

struct issue {
    struct td_enrol *call;
    const struct td_rst *rst;
    struct td_enrol_caller caller;
    struct td_enrolment e;
    struct td_enrol_cert cert;
    const char *correlator;        /* of a profile file, "" if none came or a registration makes it moot */
    struct td_profile_row offline; /* that it names; id NULL: none of this tenant */
    bool claim_unproven;           /* a registration was claimed that the directory device does not prove */
    const char *csr_key;           /* SHA-256 of the request's key, NULL until somebody asks */
    bool hybrid;                   /* of a registration with a hybrid profile, and joined to nothing yet */
    bool later;                    /* the certificate is signed: write */
};

/* The decision: may this device enrol now? */

static enum td_code not_supported(struct td_enrol *call, const char *text)
{
    return td_enrol_refuse(call, TD_FAULT_DEVICE_NOT_SUPPORTED, TD_EDENIED, "device", text);
}

/* By what was proven at the join, not by the request's WhiteGlove. */
static enum td_code note_technician(struct issue *i, struct td_tx *tx, const struct td_device_row *device)
{
    bool technician = false;
    td_try(td_provisioning_is(tx, i->caller.tenant, device, &technician, &i->call->err));
    if (td_fault("technician-by-claim"))
        technician = i->e.white_glove;
    i->e.provisioning = technician ? TD_PROV_TECHNICIAN : TD_PROV_NONE;
    if (technician) /* nobody's for now: its user is to come */
        i->e.plug_and_forget = false;
    return TD_OK;
}

/* A hybrid device enrols before it has joined anything (autopilot.md 3.2): its user vouches for it. */
static enum td_code check_hybrid(struct issue *i, struct td_tx *tx, const char *claimed)
{
    struct td_enrol *call = i->call;
    i->hybrid = false;
    i->e.registration_id = "";
    if (i->caller.user_id[0] == '\0')
        return TD_OK;
    td_try(td_hybrid_registration(tx, i->caller.tenant, claimed, call->a, &i->hybrid, &call->err));
    if (i->hybrid)
        i->e.registration_id = td_arena_strdup(call->a, claimed);
    return TD_OK;
}

/* The directory device of the token proves the registration; the request's own word only has to agree with it. */
static enum td_code check_device(struct issue *i, struct td_tx *tx)
{
    struct td_device_row device;
    char claimed[TD_UUID_TEXT] = "";
    struct td_enrol *call = i->call;
    if (i->caller.device_id[0] != '\0') {
        enum td_code rc = td_device_serving(tx, i->caller.tenant, i->caller.device_id, call->a, &device, &call->err);
        if (rc == TD_ENOTFOUND || rc == TD_EDENIED)
            return not_supported(call, "the directory device is deleted or disabled");
        td_try(rc);
        i->e.registration_id = device.registration_id;
        i->e.provisioning = TD_PROV_NONE;
        if (i->caller.user_id[0] == '\0')
            td_try(note_technician(i, tx, &device));
        td_try(td_enrol_attested_key(call, tx, &device, i->caller.tenant, i->rst->csr, &i->csr_key));
        td_try(td_enrol_once(call, tx, &i->caller, &device));
    }
    if (!td_uuid_parse(td_str(i->rst->context.ztd_id), claimed))
        return TD_OK;
    if (i->caller.device_id[0] == '\0')
        td_try(check_hybrid(i, tx, claimed));
    i->claim_unproven = strcmp(claimed, i->e.registration_id) != 0;
    if (i->claim_unproven && i->e.registration_id[0] != '\0' && !td_fault("enrol-foreign-registration"))
        return td_enrol_refuse(call, TD_FAULT_INVALID_ENROLLMENT_DATA, TD_EINVAL, "ZeroTouchProvisioning",
                               "the registration named in the request is not the directory device's");
    return TD_OK;
}

/* A file instead of a registration: chooses a profile, proves nothing (store/offline_profile.h). */
static enum td_code read_offline(struct issue *i, struct td_tx *tx)
{
    struct td_enrol *call = i->call;
    bool moot = i->e.registration_id[0] != '\0' && !td_fault("offline-over-registration");
    i->correlator = moot ? "" : i->rst->context.offline_correlator;
    i->offline = (struct td_profile_row){.id = NULL};
    if (i->correlator[0] == '\0')
        return TD_OK;
    enum td_code rc = td_offline_profile_find(tx, i->caller.tenant, i->correlator, call->a, &i->offline, &call->err);
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code check_version(struct issue *i, struct td_tx *tx)
{
    struct td_enrol *call = i->call;
    const char *min = "", *max = "";
    td_try(td_tenant_get(tx, i->caller.tenant, "enrol-os-minimum", call->a, &min, &call->err));
    td_try(td_tenant_get(tx, i->caller.tenant, "enrol-os-maximum", call->a, &max, &call->err));
    if (td_os_version_between(td_str(i->e.os_version), td_str(min), td_str(max)))
        return TD_OK;
    return not_supported(
        call, td_arena_printf(call->a, "the organization does not let version \"%.32s\" enrol", i->e.os_version));
}

/* Settings enrol-users, enrol-os-... and enrol-device-limit (store/tenant.c). */
static enum td_code check_restrictions(struct issue *i, struct td_tx *tx)
{
    struct td_enrol *call = i->call;
    const char *who = "all";
    int64_t limit = 0, count = 0;
    td_try(td_tenant_get(tx, i->caller.tenant, "enrol-users", call->a, &who, &call->err));
    if (strcmp(who, "none") == 0)
        return not_supported(call, "the organization lets no device enrol");
    if (strcmp(who, "registered") == 0 && i->e.registration_id[0] == '\0')
        return not_supported(call, "the organization lets registered devices enrol only");
    td_try(check_version(i, tx));
    td_try(td_tenant_get_int(tx, i->caller.tenant, "enrol-device-limit", &limit, &call->err));
    if (limit == 0 || i->caller.user_id[0] == '\0')
        return TD_OK;
    td_try(td_enrolment_count_user(tx, i->caller.tenant, i->caller.user_id, &i->e, &count, &call->err));
    if (count < limit || td_fault("enrol-no-limit"))
        return TD_OK;
    return td_enrol_refuse(call, TD_FAULT_DEVICE_CAP, TD_EDENIED, "user",
                           td_arena_printf(call->a, "the limit of %lld devices is reached", (long long)limit));
}

/* The way of the device: by its directory object, by its registration, by the enrolment that this one replaces, or new.
 */

static enum td_code find_way(struct issue *i, struct td_tx *tx, struct td_way_row *ret)
{
    struct td_enrolment old;
    struct td_enrol *call = i->call;
    const char *tenant = i->e.tenant;
    enum td_code rc = td_way_find(tx, tenant, TD_WAY_DEVICE, i->e.device_id, call->a, ret, NULL);
    if (rc == TD_ENOTFOUND)
        rc = td_way_find(tx, tenant, TD_WAY_REGISTRATION, i->e.registration_id, call->a, ret, NULL);
    if (rc == TD_ENOTFOUND && i->e.device_id[0] == '\0' &&
        td_enrolment_of_hardware(tx, tenant, i->e.hw_dev_id, call->a, &old, NULL) == TD_OK && old.device_id[0] == '\0')
        rc = td_way_find(tx, tenant, TD_WAY_ID, old.way_id, call->a, ret, NULL);
    return rc;
}

/* The first nodes say already whether there is a status page; its settings follow in the first session. */
static enum td_code choose_page(struct issue *i, struct td_tx *tx)
{
    struct td_way_row way = {.id = ""};
    struct td_ec page;
    struct td_enrol *call = i->call;
    enum td_code rc = find_way(i, tx, &way);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    td_try(td_ec_page_for(tx, i->e.tenant, rc == TD_OK ? way.id : "", i->e.user_id, call->a, &page, &call->err));
    call->no_page = i->e.provisioning != TD_PROV_TECHNICIAN &&
                    !td_page_of(&page.page, i->e.registration_id[0] != '\0' || i->offline.id != NULL).show;
    return TD_OK;
}

static enum td_code decide(struct issue *i, struct td_tx *tx)
{
    i->call->fault = TD_FAULT_COUNT; /* a write may run twice */
    td_try(td_enrol_user(i->call, tx, &i->caller));
    td_try(check_device(i, tx));
    td_try(check_restrictions(i, tx));
    td_try(read_offline(i, tx));
    return i->later ? TD_OK : choose_page(i, tx);
}

/* A device that enrols without having asked us for its profile, or that comes back from a reset nobody told us of, is
 * held from here on to what holds now. */
static enum td_code give_profile(struct issue *i, struct td_tx *tx, const struct td_way_row *way)
{
    struct td_profile_given given;
    struct td_profile_row p;
    bool is_explicit;
    struct td_enrol *call = i->call;
    if (i->e.registration_id[0] == '\0')
        return TD_OK;
    enum td_code rc = td_profile_given(tx, i->e.tenant, way->id, call->a, &given, NULL);
    if (rc == TD_OK && way->way.state[TD_M_ENROLMENT] == TD_E_NONE)
        return TD_OK;
    rc = td_profile_for(tx, i->e.tenant, i->e.registration_id, call->a, &p, &is_explicit, NULL);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    if (rc != TD_OK)
        return td_fail(&call->err, rc, "profile", "cannot be read");
    return td_profile_give(tx, i->e.tenant, way->id, &p, &call->err);
}

/* Who enrols shows itself from its box; a device that is joined has shown that by its join already. */
static enum td_code take_way(struct issue *i, struct td_tx *tx)
{
    struct td_way_row way = {0};
    struct td_enrol *call = i->call;
    const char *tenant = i->e.tenant;
    enum td_code rc = find_way(i, tx, &way);
    if (rc == TD_ENOTFOUND)
        rc = td_way_add(tx, tenant, TD_WAY_ENROLMENT, i->e.id, call->a, &way, &call->err);
    td_try(rc);
    i->e.way_id = way.id;
    td_try(td_action_in_box(tx, tenant, way.id, i->e.device_id[0] == '\0', &call->err));
    td_try(give_profile(i, tx, &way));
    if (i->e.device_id[0] != '\0' && strcmp(way.device_id, i->e.device_id) != 0)
        td_try(td_way_link(tx, tenant, way.id, TD_WAY_DEVICE, i->e.device_id, &call->err));
    if (i->e.user_upn[0] != '\0' && way.user_upn[0] == '\0')
        td_try(td_way_set_user(tx, tenant, way.id, i->e.user_upn, &call->err));
    return td_way_link(tx, tenant, way.id, TD_WAY_ENROLMENT, i->e.id, &call->err);
}

static const char *event_detail(const struct issue *i)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, 16 << 10);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "enrolment", i->e.id);
    td_jsonw_kstr(&w, "type", i->e.type);
    td_jsonw_kstr(&w, "credential", i->caller.how);
    td_jsonw_kstr(&w, "deviceName", i->e.device_name);
    td_jsonw_kstr(&w, "osVersion", i->e.os_version);
    td_jsonw_kstr(&w, "certificate", i->cert.sha1);
    if (i->claim_unproven)
        td_jsonw_kstr(&w, "unprovenRegistration", i->rst->context.ztd_id);
    td_jsonw_end(&w);
    return b.failed ? "{}" : td_arena_text(i->call->a, td_buf_slice(&b));
}

static enum td_code record_cert(struct td_tx *tx, const struct td_enrol_cert *cert, const char *tenant,
                                const char *enrolment_id, struct td_error *err)
{
    struct td_cert_row row = {.tenant = tenant,
                              .purpose = "management",
                              .subject = enrolment_id,
                              .serial = cert->serial,
                              .not_after = cert->not_after};
    memcpy(row.sha256, cert->sha256, sizeof(row.sha256));
    return td_cert_record(tx, &row, err);
}

static enum td_code write_issue(struct issue *i, struct td_tx *tx)
{
    struct td_enrol *call = i->call;
    const char *actor = i->e.user_upn[0] != '\0' ? i->e.user_upn : "device";
    td_try(take_way(i, tx));
    td_try(td_enrolment_add(tx, &i->e, NULL, &call->err));
    td_try(record_cert(tx, &i->cert, i->e.tenant, i->e.id, &call->err));
    td_try(td_enrol_once_note(call, tx, &i->caller, i->e.registration_id));
    td_try(td_way_happened(tx, i->e.tenant, i->e.way_id, TD_EV_ENROLLED, actor, event_detail(i), &call->err));
    if (i->correlator[0] != '\0')
        td_try(td_offline_profile_take(tx, &i->e, i->correlator, i->offline.id != NULL ? &i->offline : NULL, call->a,
                                       &call->err));
    td_try(td_group_enrolment_moved(tx, i->e.tenant, i->e.id, actor, &call->err));
    bool waits = i->hybrid && i->rst->context.bootstrap_domain_join == TD_TRUE;
    return waits ? td_hybrid_begin(call->svc, tx, &i->e, call->a, &call->err) : TD_OK;
}

static enum td_code step(struct td_tx *tx, void *ctx, struct td_error *err TD_UNUSED)
{
    struct issue *i = ctx;
    td_try(decide(i, tx));
    return i->later ? write_issue(i, tx) : TD_OK;
}

/* A refusal of a device that we know is an event on its way; it never changes the answer. */

static enum td_code note_refusal(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct issue *i = ctx;
    struct td_way_row way;
    struct td_error why = i->call->err;
    const struct td_fault_row *row = &td_fault_table[td_enrol_fault_of(i->call)];
    enum td_way_key key = i->hybrid ? TD_WAY_REGISTRATION : TD_WAY_DEVICE;
    const char *of = i->hybrid ? i->e.registration_id : i->e.device_id;
    if (td_way_find(tx, i->e.tenant, key, of, i->call->a, &way, NULL) != TD_OK)
        return TD_OK;
    why.hresult = row->hresult;
    if (why.remedy[0] == '\0')
        (void)td_remedy(&why, why.code, "%s", row->remedy);
    return td_way_failed(tx, i->e.tenant, way.id, "enrolment", &why, err);
}

static enum td_code refused(struct issue *i, enum td_code rc)
{
    struct td_error lost = {0};
    bool about_it =
        (i->e.device_id[0] != '\0' || i->hybrid) && rc != TD_EUNAVAILABLE && rc != TD_EINTERNAL && rc != TD_EIO;
    if (about_it && td_store_write(i->call->svc->store, note_refusal, i, &lost) != TD_OK)
        td_log_error(TD_WARN, "enrolment.event-lost", &lost);
    return rc;
}

/* Making the row. */

static const char *short_text(const char *text, const char *otherwise)
{
    return text[0] != '\0' ? text : otherwise;
}

static enum td_code read_type(struct td_enrol *call, const struct td_enrol_context *c, const char *otherwise,
                              const char **ret)
{
    struct td_slice type = td_str(c->enrollment_type);
    *ret = otherwise;
    if (td_ieqs(type, "Device"))
        *ret = "Device";
    else if (td_ieqs(type, "Full"))
        *ret = "Full";
    else if (type.n != 0)
        return td_fail(&call->err, TD_EINVAL, "EnrollmentType", "not Full or Device");
    return TD_OK;
}

/* RequestVersion is what the client can do; ours bounds it (mde2.md 1.2). */
static int governing_version(const char *text)
{
    struct td_slice whole;
    uint64_t major = 0;
    (void)td_cut(td_str(text), '.', &whole);
    if (!td_parse_u64(whole, &major) || major * 10 > TD_ENROL_VERSION)
        return TD_ENROL_VERSION;
    return (int)major * 10;
}

static const char *hardware(const struct td_enrol_context *c, struct td_arena *a)
{
    if (td_context_placeholder(c->hw_dev_id) && !td_fault("enrol-placeholder-hardware"))
        return "";
    char *text = td_arena_strdup(a, c->hw_dev_id);
    td_lower(text);
    return text;
}

static enum td_code make_row(struct issue *i)
{
    const struct td_enrol_context *c = &i->rst->context;
    struct td_arena *a = i->call->a;
    i->e = (struct td_enrolment){.id = td_uuid_arena(i->call->svc->env, a),
                                 .tenant = i->caller.tenant,
                                 .device_id = i->caller.device_id,
                                 .registration_id = "",
                                 .way_id = "",
                                 .user_id = i->caller.user_id,
                                 .user_upn = i->caller.upn,
                                 .provider = TD_PROVIDER,
                                 .dm_id = c->device_id,
                                 .hw_dev_id = hardware(c, a),
                                 .device_name = c->device_name,
                                 .device_type = short_text(c->device_type, "CIMClient_Windows"),
                                 .os_version = c->os_version,
                                 .os_edition = c->os_edition,
                                 .locale = c->locale,
                                 .in_oobe = c->not_in_oobe != TD_TRUE && c->ux_initiated != TD_TRUE,
                                 .plug_and_forget = c->plug_and_forget == TD_TRUE &&
                                                    (i->caller.user_id[0] == '\0' || td_fault("enrol-claims-nobody")),
                                 .white_glove = c->white_glove == TD_TRUE || c->white_glove_hybrid == TD_TRUE,
                                 .version = governing_version(c->request_version)};
    return read_type(i->call, c, i->caller.device_id[0] != '\0' ? "Device" : "Full", &i->e.type);
}

static const char *upper_hex(struct td_arena *a, struct td_slice bytes)
{
    TD_CLEANUP(td_buf_done) struct td_buf hex;
    td_buf_init(&hex, 256);
    td_hex_add(&hex, bytes, true);
    return td_arena_text(a, td_buf_slice(&hex));
}

/* Of a certificate that we have just made: its number stands behind the version, at a fixed place (RFC 5280 4.1).
 * Reading it whole would decode its key, which costs more than the signature. */
static const char *serial_of(struct td_slice der, struct td_arena *a)
{
    static const unsigned char version_and_integer[] = {0xa0, 3, 2, 1, 2, 2};
    enum { AT = 8 };
    struct td_slice serial = td_sub(der, AT + sizeof(version_and_integer), SIZE_MAX);
    if (serial.n < 1 || memcmp(der.p + AT, version_and_integer, sizeof(version_and_integer)) != 0)
        return "";
    serial = td_sub(serial, 1, (unsigned char)serial.p[0]);
    return serial.n != 0 && serial.p[0] == '\0' ? upper_hex(a, td_sub(serial, 1, SIZE_MAX)) : upper_hex(a, serial);
}

static enum td_code describe(struct td_enrol *call, struct td_enrol_cert *ret)
{
    unsigned char sha1[20];
    td_sha256(ret->der, ret->sha256);
    td_sha1(ret->der, sha1);
    ret->sha1 = upper_hex(call->a, td_bytes(sha1, sizeof(sha1)));
    ret->serial = serial_of(ret->der, call->a);
    if (ret->serial[0] == '\0')
        return td_fail(&call->err, TD_EINTERNAL, "certificate", "the new certificate has no serial number");
    return TD_OK;
}

enum td_code td_enrol_sign(struct td_enrol *call, struct td_slice csr, const char *enrolment_id,
                           struct td_enrol_cert *ret)
{
    struct td_csr request = {0};
    enum td_code rc = td_csr_parse(csr, call->a, &request, &call->err);
    if (rc != TD_OK) {
        call->fault = TD_FAULT_CERTIFICATE_REQUEST;
        return rc;
    }
    int64_t now = td_now(call->svc->env) / TD_SECOND * TD_SECOND;
    const struct td_rdn subject[] = {{"OU", TD_PROVIDER}, {"CN", enrolment_id}};
    struct td_cert_template t = {
        .subject = subject,
        .subject_count = TD_COUNTOF(subject),
        .spki = request.spki,       /* and nothing else of the request (mde2.md 4.1) */
        .not_before = now - TD_DAY, /* clocks in OOBE are off by hours */
        .not_after = now + TD_ENROL_CERT_DAYS * TD_DAY,
        .key_encipherment = request.kind == TD_KEY_RSA,
    };
    td_try(td_authority_issue(call->svc, TD_PURPOSE_MANAGEMENT, &t, call->a, &ret->der, &call->err));
    /* the last attribute first, as Windows prints names (mde2.md 9.6) */
    ret->subject = td_arena_printf(call->a, "CN=%s,OU=%s", enrolment_id, TD_PROVIDER);
    ret->not_after = t.not_after;
    return describe(call, ret);
}

static void wipe_text(const char *text)
{
    td_wipe((void *)(uintptr_t)text, strlen(text)); /* arena memory */
}

static enum td_code sign_and_write(struct issue *i, struct td_buf *document)
{
    struct td_appauth secrets;
    struct td_enrol *call = i->call;
    td_try(td_enrol_sign(call, i->rst->csr, i->e.id, &i->cert));
    memcpy(i->e.cert_sha256, i->cert.sha256, sizeof(i->e.cert_sha256));
    i->e.cert_not_after = i->cert.not_after;
    td_try(td_enrol_secrets_make(call->svc, i->e.id, call->a, &secrets, &i->e.secrets));
    td_try(td_enrol_document(call, &i->e, &i->cert, &secrets, document));
    wipe_text(secrets.client_secret); /* the document, wiped after its answer, and the sealed copy are left */
    wipe_text(secrets.server_secret);
    i->later = true;
    td_try(td_store_write(call->svc->store, step, i, &call->err));
    if (i->hybrid)
        td_jobs_poke(call->svc->jobs); /* a connector waits for the work */
    return TD_OK;
}

enum td_code td_enrol_issue(struct td_enrol *call, const struct td_rst *rst, struct td_buf *document)
{
    struct issue i = {.call = call, .rst = rst};
    if (rst->cms)
        return td_enrol_refuse(call, TD_FAULT_CERTIFICATE_REQUEST, TD_EINVAL, "BinarySecurityToken",
                               "an issue takes a PKCS#10");
    td_try(td_enrol_caller(call, &i.caller));
    if (i.caller.enrolment_id[0] != '\0')
        return td_enrol_refuse(call, TD_FAULT_AUTHENTICATION, TD_EAUTH, "credential",
                               "the management certificate renews only, it does not enrol");
    td_try(make_row(&i));
    enum td_code rc = td_store_read(call->svc->store, step, &i, &call->err);
    if (rc == TD_OK)
        rc = sign_and_write(&i, document);
    return rc == TD_OK ? TD_OK : refused(&i, rc);
}

/* Renewal: the certificate of the connection signed the CMS, and its end is near (mde2.md 7). */

struct renewal {
    struct td_enrol *call;
    struct td_enrolment e;
    struct td_enrol_cert cert;
};

static enum td_code ineligible(struct td_enrol *call, const char *text)
{
    return td_enrol_refuse(call, TD_FAULT_NOT_ELIGIBLE_TO_RENEW, TD_ESTATE, "certificate", text);
}

static enum td_code write_renewal(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct renewal *r = ctx;
    const struct td_enrolment *e = &r->e;
    const struct td_enrol_cert *cert = &r->cert;
    struct td_enrolment now;
    td_try(td_enrolment_serving(tx, e->tenant, e->id, r->call->a, &now, err));
    td_try(td_enrolment_renew(tx, e->tenant, e->id, cert->sha256, cert->not_after, err));
    td_try(record_cert(tx, &r->cert, e->tenant, e->id, err));
    struct td_event event = {
        .subject = e->way_id,
        .type = "enrolment.renewed",
        .actor = "device",
        .detail = td_arena_printf(r->call->a, "{\"enrolment\":\"%s\",\"certificate\":\"%s\"}", e->id, cert->sha1)};
    return td_event_append(tx, e->tenant, &event, err);
}

/* Yields the inner PKCS#10 if the connection's certificate is the signer. */
static enum td_code open_cms(struct td_enrol *call, const struct td_rst *rst, struct td_slice *ret_csr)
{
    struct td_slice signer = {0};
    if (!rst->cms || td_cms_open(rst->csr, call->a, ret_csr, &signer, &call->err) != TD_OK)
        return td_enrol_refuse(call, TD_FAULT_CERTIFICATE_REQUEST, TD_EINVAL, "BinarySecurityToken",
                               "a renewal takes a CMS SignedData over a PKCS#10, signed by the present certificate");
    if (!td_eq(signer, call->req->peer->cert) && !td_fault("renew-any-signer"))
        return td_enrol_refuse(call, TD_FAULT_AUTHENTICATION, TD_EAUTH, "certificate",
                               "the connection's certificate is not the one that signed the request");
    return TD_OK;
}

static enum td_code check_window(struct td_enrol *call)
{
    struct td_cert present;
    td_try(td_cert_parse(call->req->peer->cert, call->a, &present, &call->err));
    int64_t now = td_now(call->svc->env);
    if (now > present.not_after)
        return ineligible(call, "the certificate has ended");
    if (now < present.not_after - TD_ENROL_RENEW_DAYS * TD_DAY && !td_fault("renew-early"))
        return ineligible(call, "the renewal period has not begun");
    return TD_OK;
}

enum td_code td_enrol_renew(struct td_enrol *call, const struct td_rst *rst, struct td_buf *document)
{
    struct renewal r = {.call = call};
    struct td_slice csr = {0};
    if (call->req->peer->cert.n == 0)
        return td_enrol_refuse(call, TD_FAULT_AUTHENTICATION, TD_EAUTH, "certificate",
                               "a renewal needs the present management certificate on its connection");
    enum td_code rc = td_enrol_certificate(call, &r.e);
    if (rc == TD_EEXPIRED)
        return ineligible(call, "the certificate has ended");
    td_try(rc);
    td_try(open_cms(call, rst, &csr));
    td_try(check_window(call));
    td_try(td_enrol_sign(call, csr, r.e.id, &r.cert));
    td_try(td_enrol_renewal_document(call, &r.e, &r.cert, document));
    return td_store_write(call->svc->store, write_renewal, &r, &call->err);
}
