#include "api/lookup.h"

#include "api/import.h"
#include "api/token.h"
#include "base/encode.h"
#include "base/fault.h"
#include "crypto/digest.h"
#include "store/action.h"
#include "store/device.h"
#include "store/device_request.h"
#include "store/foreign_management.h"
#include "store/registration.h"
#include "store/repair.h"
#include "store/tenant.h"
#include "store/way.h"

enum { MAX_BODY = 65536, MAX_LIST = 32, MAX_CORRELATION = 64 };

static const int64_t ticket_life = TD_DAY;
static const int64_t retry_seconds = 5;      /* for a device that shows its code */
static const int64_t note_pause = TD_MINUTE; /* between two notes about the same device asking in vain, or again */

struct lookup {
    const struct td_service *svc;
    struct td_http_request *req;
    struct td_arena *arena;
    const char *correlation_id;
    struct td_facts facts;
    /* what the store said */
    struct td_hardware_found found;
    struct td_registration registration;
    struct td_profile_row profile;
    struct td_tenant tenant;
    struct td_foreign_management management; /* app_id NULL: ours */
    struct td_way_row way;
    const char *device_id, *tenant_name;
    bool is_explicit;
    enum td_ztd_code none; /* TD_ZTD_OK: there is a profile */
    /* an unknown device: what it is listed with, and its request */
    struct td_device_asking asking; /* hardware NULL: it gave no hash, or none that could be registered */
    struct td_proposal shown;       /* octets empty: no hash */
    struct td_device_request request;
    bool listed, ask_request;
    /* what is to be noted */
    const char *note_tenant, *note_way;
    bool gives; /* the device has the profile from now on */
    bool ended; /* its registration went with the wipe that it shows to be done */
    enum td_way_event note;
};

static bool correlation_ok(const char *s)
{
    size_t n = strspn(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-");
    return s[n] == '\0' && n != 0 && n <= MAX_CORRELATION;
}

static enum td_code read_list(struct lookup *l, const struct td_json *facts, const char *name,
                              bool (*add)(struct td_facts *, struct td_arena *, struct td_slice), struct td_error *err)
{
    const struct td_json *list = td_json_get(facts, name);
    if (list == NULL || list->type == TD_JSON_NULL)
        return TD_OK;
    if (list->type != TD_JSON_ARRAY || td_json_count(list) > MAX_LIST)
        return td_fail(err, TD_EINVAL, name, "must be a list of at most %d texts", MAX_LIST);
    for (const struct td_json *v = list->child; v != NULL; v = v->next) {
        if (v->type != TD_JSON_STRING)
            return td_fail(err, TD_EINVAL, name, "must be a list of at most %d texts", MAX_LIST);
        (void)add(&l->facts, l->arena, td_str(v->str));
    }
    return TD_OK;
}

static bool add_disk(struct td_facts *f, struct td_arena *a, struct td_slice text)
{
    return td_facts_add_text(f, a, TD_FACT_DISK, text);
}

static enum td_code read_facts(struct lookup *l, const struct td_json *facts, struct td_error *err)
{
    static const char *const texts[] = {"serialNumber", "manufacturer", "model",
                                        "smbiosUuid",   "tpmEkSha256",  "productKeyId"};
    struct td_slice v[TD_COUNTOF(texts)];
    if (facts->type != TD_JSON_OBJECT)
        return td_fail(err, TD_EINVAL, "facts", "must be an object");
    for (size_t i = 0; i < TD_COUNTOF(texts); i++) {
        const struct td_json *member = td_json_get(facts, texts[i]);
        if (member != NULL && member->type != TD_JSON_STRING && member->type != TD_JSON_NULL)
            return td_fail(err, TD_EINVAL, texts[i], "must be a text");
        v[i] = td_str(td_json_str(facts, texts[i]));
    }
    (void)td_facts_add_tuple(&l->facts, l->arena, v[1], v[2], v[0]);
    (void)td_facts_add_uuid(&l->facts, l->arena, v[3]);
    (void)td_facts_add_ek(&l->facts, l->arena, v[4]);
    (void)td_facts_add_text(&l->facts, l->arena, TD_FACT_PKID, v[5]);
    td_try(read_list(l, facts, "macAddresses", td_facts_add_mac_text, err));
    return read_list(l, facts, "diskSerials", add_disk, err);
}

static enum td_code read_hash(struct lookup *l, const struct td_json *hash, struct td_error *err)
{
    struct td_hw_facts hw;
    struct td_slice octets;
    struct td_error why;
    if (hash->type != TD_JSON_STRING)
        return td_fail(err, TD_EINVAL, "hardwareHash", "must be a text");
    if (td_hwhash_decode_text(td_str(hash->str), td_sha256, l->arena, &hw, &octets, &why) != TD_OK)
        return td_remedy(err,
                         td_fail(err, TD_EINVAL, "hardwareHash", "%s (%d %s)", why.text, TD_ZTD_BAD_HASH,
                                 td_ztd_error(TD_ZTD_BAD_HASH)->name),
                         "%s", td_ztd_error(TD_ZTD_BAD_HASH)->remedy);
    td_facts_add_hash(&l->facts, l->arena, &hw);
    l->shown = (struct td_proposal){.source = "lookup",
                                    .enrolment_id = "",
                                    .serial = hw.serial,
                                    .manufacturer = hw.manufacturer,
                                    .model = hw.model,
                                    .sku = hw.sku,
                                    .family = hw.family,
                                    .product_key = hw.product_key_id,
                                    .octets = octets,
                                    .blob = TD_S("")};
    if (hw.serial[0] != '\0' && hw.manufacturer[0] != '\0')
        l->asking = (struct td_device_asking){.serial = hw.serial,
                                              .manufacturer = hw.manufacturer,
                                              .model = hw.model,
                                              .hardware = hash->str,
                                              .address = l->req->peer->address};
    return TD_OK;
}

static enum td_code read_request(struct lookup *l, struct td_error *err)
{
    struct td_json *body;
    td_try(td_json_parse(l->req->body, MAX_BODY, l->arena, &body, err));
    if (body->type != TD_JSON_OBJECT)
        return td_fail(err, TD_EINVAL, "body", "must be a JSON object");
    const struct td_json *hash = td_json_get(body, "hardwareHash"), *facts = td_json_get(body, "facts");
    if (hash == NULL && facts == NULL)
        return td_remedy(err, td_fail(err, TD_EINVAL, "hardwareHash", "neither hardwareHash nor facts are given"),
                         "send the device's hardware hash");
    const struct td_json *id = td_json_get(body, "correlationId");
    if (id != NULL && (id->type != TD_JSON_STRING || !correlation_ok(id->str)))
        return td_fail(err, TD_EINVAL, "correlationId", "must be at most %d letters, digits and hyphens",
                       MAX_CORRELATION);
    l->correlation_id = id != NULL ? id->str : td_uuid_arena(l->svc->env, l->arena);
    if (hash != NULL)
        td_try(read_hash(l, hash, err));
    return facts != NULL ? read_facts(l, facts, err) : TD_OK;
}

/* Notes 'none' for the registration's timeline, at most once in a while. */
static enum td_code want_none_note(struct td_tx *tx, struct lookup *l, const char *tenant, const char *registration_id,
                                   struct td_error *err)
{
    struct td_way_row way;
    td_try(td_way_find(tx, tenant, TD_WAY_REGISTRATION, registration_id, l->arena, &way, err));
    if (way.none_at != 0 && td_tx_now(tx) - way.none_at < note_pause)
        return TD_OK;
    l->note = TD_EV_CONTACTED_NONE;
    l->note_tenant = tenant;
    l->note_way = way.id;
    return TD_OK;
}

static enum td_code none(struct td_tx *tx, struct lookup *l, enum td_ztd_code code, const char *tenant,
                         const char *registration_id, struct td_error *err)
{
    l->none = code;
    return registration_id[0] != '\0' ? want_none_note(tx, l, tenant, registration_id, err) : TD_OK;
}

/* A write only where something is to be kept: a device that asks again within the pause costs a read. */
static enum td_code want_contact_note(struct td_tx *tx, struct lookup *l, struct td_error *err)
{
    bool changed = false;
    td_try(td_way_find(tx, l->found.tenant, TD_WAY_ID, l->registration.way_id, l->arena, &l->way, err));
    struct td_way next = l->way.way;
    if (td_way_step(&next, TD_EV_CONTACTED, &changed, NULL) != TD_OK)
        changed = false;
    struct td_profile_given given;
    enum td_code rc = td_profile_given(tx, l->found.tenant, l->way.id, l->arena, &given, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    bool same = rc == TD_OK && strcmp(given.profile_id, l->profile.id) == 0 && given.revision == l->profile.revision;
    /* what asks in the name of an enrolled device may be anybody: it keeps what it has until it is reset */
    l->gives = l->way.way.state[TD_M_ENROLMENT] == TD_E_NONE || td_fault("profile-given-enrolled");
    same = same || !l->gives;
    bool wiped = false; /* it shows itself from its box: a wipe that it accepted is done */
    td_try(td_action_box_awaited(tx, l->found.tenant, l->way.id, false, &wiped, err));
    if (!changed && same && !wiped && td_tx_now(tx) - l->way.last_contact_at < note_pause)
        return TD_OK;
    l->gives = l->gives || wiped;
    l->note = TD_EV_CONTACTED;
    l->note_tenant = l->found.tenant;
    l->note_way = l->way.id;
    return TD_OK;
}

static enum td_code find_profile(struct td_tx *tx, struct lookup *l, struct td_error *err)
{
    struct td_device_row device;
    const char *tenant = l->found.tenant;
    td_try(td_registration_find(tx, tenant, l->found.registration_id, l->arena, &l->registration, err));
    enum td_code rc =
        td_profile_of_way(tx, tenant, l->registration.way_id, l->arena, &l->profile, &l->is_explicit, err);
    if (rc == TD_ENOTFOUND)
        return none(tx, l, TD_ZTD_NO_PROFILE, tenant, l->found.registration_id, err);
    td_try(rc);
    if (!td_management_is_ours(l->profile.settings.management_app))
        td_try(
            td_foreign_management_find(tx, tenant, l->profile.settings.management_app, l->arena, &l->management, err));
    td_try(td_tenant_find(tx, td_str(tenant), l->arena, &l->tenant, err));
    td_try(td_tenant_get(tx, tenant, "display-name", l->arena, &l->tenant_name, err));
    rc = td_device_find_registration(tx, tenant, l->found.registration_id, l->arena, &device, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    l->device_id = rc == TD_OK ? device.id : l->registration.device_id;
    return want_contact_note(tx, l, err);
}

/* An unknown device is listed for approval; one that is there and asked a moment ago costs a read. */
static enum td_code look_for_request(struct td_tx *tx, struct lookup *l, struct td_error *err)
{
    unsigned char digest[32];
    if (l->asking.hardware == NULL)
        return TD_OK;
    td_import_identity(&l->facts, l->arena, digest);
    l->asking.identity = td_hex(l->arena, td_bytes(digest, sizeof(digest)));
    enum td_code rc = td_device_request_peek(tx, l->asking.identity, l->arena, &l->request, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    l->listed = rc == TD_OK && l->request.state != TD_REQUEST_APPROVED;
    l->ask_request =
        !l->listed || (l->request.state == TD_REQUEST_WAITS && td_tx_now(tx) - l->request.asked_at >= TD_REQUEST_PAUSE);
    return TD_OK;
}

static enum td_code ask(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct lookup *l = ctx;
    enum td_code rc = td_hardware_find(tx, &l->facts, l->arena, &l->found, err);
    if (rc == TD_ENOTFOUND) {
        td_try(look_for_request(tx, l, err));
        return none(tx, l, TD_ZTD_NOT_REGISTERED, l->found.near_tenant, l->found.near_registration_id, err);
    }
    td_try(rc);
    if (l->found.tie)
        return none(tx, l, TD_ZTD_AMBIGUOUS, l->found.tenant, l->found.registration_id, err);
    return find_profile(tx, l, err);
}

static void note_detail(const struct lookup *l, struct td_buf *out)
{
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "address", l->req->peer->address);
    td_jsonw_kstr(&w, "correlationId", l->correlation_id);
    if (l->note == TD_EV_CONTACTED) {
        td_jsonw_kstr(&w, "profile", l->profile.name);
        td_jsonw_key(&w, "facts");
        td_jsonw_arr(&w);
        for (int k = 0; k < TD_FACT_COUNT; k++)
            if ((l->found.match.kinds & 1u << k) != 0)
                td_jsonw_str(&w, td_fact_word((enum td_fact_kind)k));
        td_jsonw_arr_end(&w);
    } else {
        const struct td_ztd_error *e = td_ztd_error(l->none);
        td_jsonw_kint(&w, "code", e->code);
        td_jsonw_kstr(&w, "reason", e->name);
        td_jsonw_kstr(&w, "cause", l->found.near_why[0] != '\0' ? l->found.near_why : e->text);
        td_jsonw_kstr(&w, "remedy",
                      l->found.near_why[0] != '\0' ? "register the device again if its mainboard was exchanged"
                                                   : e->remedy);
    }
    td_jsonw_end(&w);
}

/* A reset device on another board (autopilot.md 1.8): its hash is kept for the administrator, who accepts it or not. */
static enum td_code note_exchange(struct td_tx *tx, struct lookup *l, struct td_error *err)
{
    const struct td_hardware_found *f = &l->found;
    if (l->shown.octets.n == 0 || td_fault("repair-forgets-proposal"))
        return td_registration_remedy(tx, f->near_tenant, f->near_registration_id, TD_REMEDY_MANUAL, f->near_why, err);
    l->shown.facts = l->facts;
    return td_repair_seen(tx, f->near_tenant, f->near_registration_id, &l->shown, err);
}

/* Which registrations somebody must look at (graph-api.md 1.2, remediationState): two that nobody can tell apart, one
 * whose mainboard was exchanged; and one that is found again without doubt no longer. */
static enum td_code note_attention(struct td_tx *tx, struct lookup *l, struct td_error *err)
{
    const struct td_hardware_found *f = &l->found;
    if (l->none == TD_ZTD_AMBIGUOUS) {
        td_try(td_registration_remedy(tx, f->tenant, f->registration_id, TD_REMEDY_MANUAL,
                                      td_ztd_error(TD_ZTD_AMBIGUOUS)->text, err));
        return td_registration_remedy(tx, f->second_tenant, f->second_registration_id, TD_REMEDY_MANUAL,
                                      td_ztd_error(TD_ZTD_AMBIGUOUS)->text, err);
    }
    if (l->none == TD_ZTD_NOT_REGISTERED && f->near_registration_id[0] != '\0')
        return note_exchange(tx, l, err);
    if (l->note == TD_EV_CONTACTED && l->registration.remediation != TD_REMEDY_NONE)
        return td_repair_recognised(tx, f->tenant, f->registration_id, err);
    return TD_OK;
}

/* A refusal to list is no error of the lookup: the device has no code then. */
static enum td_code list_device(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct lookup *l = ctx;
    enum td_code rc = td_device_request_ask(tx, &l->asking, l->arena, &l->request, err);
    l->listed = rc == TD_OK;
    return rc == TD_ENOTFOUND || rc == TD_ELIMIT ? TD_OK : rc;
}

/* A wipe that ends here leaves a fresh directory object behind: that one is told. */
static enum td_code end_wipes(struct td_tx *tx, struct lookup *l, struct td_error *err)
{
    struct td_device_row device;
    struct td_registration r;
    bool wiped = false;
    l->ended = false;
    if (l->note != TD_EV_CONTACTED)
        return TD_OK;
    td_try(td_action_box_awaited(tx, l->note_tenant, l->note_way, false, &wiped, err));
    if (!wiped)
        return TD_OK;
    td_try(td_action_in_box(tx, l->note_tenant, l->note_way, false, err));
    enum td_code rc = td_registration_find(tx, l->note_tenant, l->registration.id, l->arena, &r, err);
    l->ended = rc == TD_ENOTFOUND && !td_fault("lookup-of-the-retired");
    if (l->ended)
        return TD_OK;
    rc = td_device_find_registration(tx, l->note_tenant, l->registration.id, l->arena, &device, err);
    if (rc == TD_OK)
        l->device_id = device.id;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code note(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct lookup *l = ctx;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 8192);
    note_detail(l, &b);
    td_try(end_wipes(tx, l, err));
    if (l->ended)
        return TD_OK;
    /* the way may have moved since it was read: a deployment under way is not disturbed by this note */
    enum td_code rc = td_way_happened(tx, l->note_tenant, l->note_way, l->note, "device", b.p, err);
    if (rc != TD_OK && rc != TD_ESTATE && rc != TD_ENOTFOUND)
        return rc;
    if (l->note == TD_EV_CONTACTED && l->gives)
        td_try(td_profile_give(tx, l->note_tenant, l->note_way, &l->profile, err));
    rc = note_attention(tx, l, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    return l->note == TD_EV_CONTACTED ? td_way_seen(tx, l->note_tenant, l->note_way, err) : TD_OK;
}

/* docs/protocol/ztd.md 3.3 */
static void answer_request(struct td_jsonw *w, const struct lookup *l)
{
    bool waits = l->request.state == TD_REQUEST_WAITS;
    td_jsonw_kstr(w, "RequestState", waits ? "pending" : "rejected");
    if (!waits)
        return;
    td_jsonw_kstr(w, "RequestCode", td_device_request_show(l->request.code, l->arena));
    td_jsonw_kstr(w, "RequestExpires", td_time_arena(l->arena, l->request.expires_at));
    td_jsonw_kint(w, "RetryAfter", retry_seconds);
}

static const char exchanged_remedy[] = "its hardware is not the registered one: ask your administrator to look at it "
                                       "(device repair), then try again";

static void answer_none(const struct lookup *l, struct td_http_reply *reply)
{
    struct td_jsonw w;
    bool other_board = l->none == TD_ZTD_NOT_REGISTERED && l->found.near_registration_id[0] != '\0';
    const struct td_ztd_error *e = td_ztd_error(l->none);
    td_jsonw_init(&w, &reply->body);
    td_jsonw_obj(&w);
    td_jsonw_kint(&w, "ErrorCode", e->code);
    td_jsonw_kstr(&w, "ErrorReason", e->name);
    td_jsonw_kstr(&w, "ErrorText", e->text);
    td_jsonw_kstr(&w, "Remedy", other_board ? exchanged_remedy : e->remedy);
    if (l->listed)
        answer_request(&w, l);
    td_jsonw_kstr(&w, "AutopilotServiceCorrelationId", l->correlation_id);
    td_jsonw_end(&w);
}

static enum td_code answer_profile(struct lookup *l, struct td_http_reply *reply, struct td_error *err)
{
    char *ticket;
    const char *payload =
        td_arena_printf(l->arena, "{\"tenant\":\"%s\",\"registration\":\"%s\"}", l->tenant.id, l->registration.id);
    td_try(td_ticket_make(l->svc, "device", payload, ticket_life, l->arena, &ticket, err));
    struct td_profile_answer around = {
        .correlation_id = l->correlation_id,
        .registration_id = l->registration.id,
        .device_id = l->device_id,
        .tenant_id = l->tenant.id,
        .tenant_domain = l->tenant.domain,
        .tenant_name = l->tenant_name[0] != '\0' ? l->tenant_name : l->tenant.name,
        .profile_id = l->profile.id,
        .profile_name = l->profile.name,
        .device_name = l->registration.display_name,
        .ticket = ticket,
        .management_url = l->management.enrolment_url,
        .terms_url = l->management.terms_url,
        .compliance_url = l->management.compliance_url,
        .explicit_assignment = l->is_explicit,
        .now = td_now(l->svc->env),
        .ticket_expires = td_now(l->svc->env) + ticket_life,
    };
    td_profile_answer(&l->profile.settings, &around, &reply->body);
    return td_buf_check(&reply->body, "answer", err);
}

static enum td_code lookup(struct lookup *l, struct td_http_reply *reply, struct td_error *err)
{
    td_try(read_request(l, err));
    if (td_facts_kinds(&l->facts) < 2 && !td_fault("lookup-one-fact"))
        l->none = TD_ZTD_TOO_FEW_FACTS;
    else
        td_try(td_store_read(l->svc->store, ask, l, err));
    if (l->note_way != NULL)
        td_try(td_store_write(l->svc->store, note, l, err));
    if (l->ended) { /* nobody's device from here on */
        l->found = (struct td_hardware_found)TD_HARDWARE_NONE;
        td_try(td_store_read(l->svc->store, ask, l, err));
    }
    if (l->ask_request)
        td_try(td_store_write(l->svc->store, list_device, l, err));
    reply->status = 200;
    reply->content_type = "application/json";
    if (l->none == TD_ZTD_OK)
        return answer_profile(l, reply, err);
    answer_none(l, reply);
    return TD_OK;
}

static void handle_lookup(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_error err;
    struct lookup *l = td_arena_new(req->arena, struct lookup);
    l->svc = ctx;
    l->req = req;
    l->arena = req->arena;
    l->found = (struct td_hardware_found)TD_HARDWARE_NONE;
    if (lookup(l, reply, &err) != TD_OK)
        td_reply_problem(reply, &err);
    td_reply_header(reply, "Cache-Control", "no-store");
}

const struct td_route td_lookup_routes[] = {
    {TD_POST, "/ztd/v1/lookup", handle_lookup, TD_ROUTE_LIMITED, MAX_BODY},
};
const size_t td_lookup_route_count = TD_COUNTOF(td_lookup_routes);
