/* The hybrid way over its doors: enrolment without a join, the blob in the session, the page that waits for it, the
 * registration of the computer by the certificate at its account; and every refusal (autopilot.md 3.2, csp.md 12,
 * join-and-tokens.md 3.2). A connector is played by the test, at the hub. */
#include "api/connector/room.h"
#include "api/join.h"
#include "store/device.h"
#include "store/directory.h"
#include "store/domain_join.h"
#include "store/group.h"
#include "store/life_end.h"
#include "store/profile.h"
#include "store/registration.h"
#include "wire/management_client.h"

#define GUID "5f1e0000-0000-4000-8000-00000000abcd"
#define SID "S-1-5-21-1-2-3-1105"
#define SIGNED SID ".2030-01-02 03:04:05Z"
#define WAITS                                                                                                      \
    "<Alert><CmdID>80</CmdID><Data>1224</Data><Item><Meta><Type xmlns=\"syncml:metinf\">com.microsoft/MDM/OdjSync" \
    "</Type></Meta><Data>device</Data></Item></Alert><Alert><CmdID>81</CmdID><Data>1224</Data><Item><Meta><Type "  \
    "xmlns=\"syncml:metinf\">com.microsoft/MDM/BootstrapSync</Type></Meta><Data>device</Data></Item></Alert>"
#define BLOB "the machine's password in clear"

static const char *const join_item = "{\"kind\":\"domain-join\",\"domain\":\"corp.test\",\"organizationalUnit\":"
                                     "\"OU=Autopilot,DC=corp,DC=test\",\"namePrefix\":\"PC-\",\"nameRandom\":5}";

static struct td_key *account_key; /* of the certificate that the computer writes to its account */
static struct td_slice account_cert;

struct hybrid {
    struct world *w;
    struct client *c;
    const char *registration, *connector;
    const char *profile; /* JSON */
    struct td_connector_hub *hub;
    struct td_hub_waiter waiter;
    struct td_http_request asked;
    struct td_http_reply reply;
    const char *guid;              /* of the account that is made */
    const char *policy;            /* computer-account-at-end */
    const char *sid, *certificate; /* of the account, as the domain has it */
    bool enabled, away, gone;
    int questions;
};

static struct hybrid h; /* of the test that runs */

/* ---- the store ---- */

static void in_write(td_tx_fn *fn)
{
    struct td_error err = {0};
    if (td_store_write(h.w->wire.svc.store, fn, NULL, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
}

static enum td_code register_device(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_import_verdict v;
    struct td_profile settings;
    struct td_profile_row row;
    struct td_arena *a = &h.w->wire.arena;
    const struct td_registration_new n = {.serial = "SER-77",
                                          .manufacturer = "m",
                                          .model = "n",
                                          .sku = "",
                                          .family = "",
                                          .product_key = "",
                                          .group_tag = "",
                                          .purchase_order = "",
                                          .assigned_user = "",
                                          .warning = "",
                                          .hash = TD_S("hash")};
    td_try(td_profile_parse(td_str(h.profile), a, &settings, err));
    td_try(td_profile_add(tx, h.w->tenant, "hybrid", &settings, "test", a, &row, err));
    td_try(td_profile_assign(tx, h.w->tenant, row.id, "", "test", err));
    td_try(td_registration_add(tx, h.w->tenant, &n, "test", a, &v, err));
    h.registration = v.registration_id;
    return TD_OK;
}

static enum td_code hear_connector(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const struct td_connector_domain domain = {
        .domain = "corp.test", .netbios = "CORP", .dc = "dc1.corp.test", .site = "", .problem = "", .detail = ""};
    return td_connector_seen(tx, h.w->tenant, h.connector, "1", &domain, 1, err);
}

static enum td_code add_connector(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const unsigned char code[32] = {7};
    struct td_connector made, what = {.name = "near", .version = "1", .encryption_key = TD_S("key"), .key_sha256 = {9}};
    struct td_arena *a = &h.w->wire.arena;
    td_try(td_connector_add(tx, h.w->tenant, "near", code, "test", a, &made, err));
    td_try(td_connector_register(tx, code, &what, a, &made, err));
    h.connector = made.id;
    return hear_connector(tx, NULL, err);
}

struct job {
    struct td_domain_join j;
    enum td_code rc;
};

static enum td_code read_job(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct job *job = ctx;
    job->rc = td_domain_join_of(tx, h.w->tenant, h.c->id, &h.w->wire.arena, &job->j, err);
    return TD_OK;
}

static struct job job(void)
{
    struct job job = {.rc = TD_OK};
    assert_ok(td_store_read(h.w->wire.svc.store, read_job, &job, NULL));
    return job;
}

static void job_is(enum td_domain_state want)
{
    struct job now = job();
    assert_ok(now.rc);
    assert_string_equal(td_domain_state_word(now.j.state), td_domain_state_word(want));
}

/* As the connectors' door does it. */
static enum td_code make_account(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_domain_join j;
    struct td_domain_made made = {.account_guid = h.guid, .account_sid = SID, .account_dn = "CN=PC,DC=corp,DC=test"};
    const char *const domains[] = {"corp.test"}, *id = NULL;
    struct td_service *svc = &h.w->wire.svc;
    struct td_arena *a = &h.w->wire.arena;
    td_try(td_domain_join_lease(tx, h.w->tenant, h.connector, domains, 1, a, &j, err));
    const char *label = td_arena_printf(a, "domain-join/%s/%s", h.w->tenant, j.id);
    assert_ok(td_seal(&svc->master, svc->env, label, TD_S(BLOB), a, &made.sealed));
    td_try(td_domain_join_made(tx, h.w->tenant, j.id, j.attempt, &made, err));
    const struct td_device_account account = {j.registration_id, j.name, "corp.test", h.guid, SID};
    return td_device_hybrid(tx, h.w->tenant, &account, a, &id, err);
}

static enum td_code disable_device(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_device_row d;
    td_try(td_device_find_registration(tx, h.w->tenant, h.registration, &h.w->wire.arena, &d, err));
    return td_device_enable(tx, h.w->tenant, d.id, false, err);
}

struct found {
    struct td_device_row d;
    int64_t count;
};

static enum td_code read_device(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct found *f = ctx;
    struct td_rows r;
    td_try(td_device_find_registration(tx, h.w->tenant, h.registration, &h.w->wire.arena, &f->d, err));
    td_try(td_sql_query(tx, &r, err, "SELECT count(*) FROM directory_device WHERE tenant = $1 AND deleted_at = 0", "s",
                        h.w->tenant));
    while (td_rows_next(&r))
        f->count = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

static struct found device(void)
{
    struct found f = {.count = 0};
    assert_ok(td_store_read(h.w->wire.svc.store, read_device, &f, NULL));
    return f;
}

/* ---- the world ---- */

static void open_with(void **state, const char *profile)
{
    h = (struct hybrid){.w = *state, .profile = profile, .guid = GUID, .sid = SID, .enabled = true};
    h.c = begin_bare(state);
    in_write(register_device);
    h.certificate = td_b64(&h.w->wire.arena, account_cert);
}

static void open_hybrid(void **state)
{
    open_with(state, "{\"joinType\":\"hybrid\",\"deviceNameTemplate\":\"CON-%SERIAL%\"}");
}

static struct td_soap enrol_as(const struct token *t, const char *registration, enum td_tri bootstrap)
{
    struct td_soap head = world_jwt(h.w, t);
    struct td_rst rst = {.csr = h.w->csr,
                         .context = {.enrollment_type = "Device",
                                     .device_name = "DESKTOP-EX0001",
                                     .hw_dev_id = "c0ffee0000000000000000000000000000000000000000000000000000000001",
                                     .ztd_id = registration,
                                     .bootstrap_domain_join = bootstrap}};
    return world_rst(h.w, &head, &rst, NULL);
}

static void enrol(enum td_tri bootstrap)
{
    struct td_soap answer = enrol_as(&(struct token){0}, h.registration, bootstrap);
    h.c->installed = world_install(h.w, &answer);
    h.c->peer = world_peer(&h.c->installed);
    h.c->id = h.c->installed.cert.subject_cn;
    h.c->way = world_enrolment(h.w, h.c->id).way_id;
}

static const struct td_sync_cmd *find_exec(const struct td_sync_msg *msg)
{
    for (const struct td_sync_cmd *c = msg->cmds; c != NULL; c = c->next)
        if (c->items != NULL && strstr(c->items->target, "OfflineDomainJoin") != NULL)
            return c;
    return NULL;
}

static size_t events(const char *type, const char **ret_detail)
{
    return world_events(h.w, h.c->way, type, ret_detail);
}

static const char *word(void)
{
    struct td_way_row row = world_way(h.w, TD_WAY_ID, h.c->way);
    return td_way_word(&row.way);
}

/* ---- enrolment ---- */

static void enrols_without_a_join(void **state)
{
    open_hybrid(state);
    assert_non_null(give(h.c, "corp", join_item));
    in_write(add_connector);
    enrol(TD_TRUE);
    struct td_enrolment e = world_enrolment(h.w, h.c->id);
    assert_string_equal(e.registration_id, h.registration);
    assert_string_equal(e.device_id, "");
    assert_string_equal(e.user_upn, h.w->upn);
    assert_string_equal(world_way(h.w, TD_WAY_REGISTRATION, h.registration).id, e.way_id); /* one device, not two */
    struct job asked = job();
    assert_ok(asked.rc);
    assert_string_equal(asked.j.domain, "corp.test");
    assert_string_equal(asked.j.ou, "OU=Autopilot,DC=corp,DC=test");
    assert_string_equal(asked.j.serial, "SER-77");
    assert_string_equal(asked.j.reuse, "own");
    assert_string_equal(asked.j.way_id, e.way_id);
    assert_int_equal(events("domain.queued", NULL), 1);
    assert_int_equal(events("device.failed", NULL), 0);
}

/* BootstrapDomainJoin and OdjSync change nothing without a hybrid profile: devices of the cloud send them too. */
static void no_hybrid_profile_no_domain(void **state)
{
    open_with(state, "{\"joinType\":\"directory\"}");
    assert_non_null(give(h.c, "corp", join_item));
    in_write(add_connector);
    enrol(TD_TRUE);
    assert_string_equal(world_enrolment(h.w, h.c->id).registration_id, "");
    assert_int_equal(job().rc, TD_ENOTFOUND);
    h.c->nodes = done_nodes;
    (void)run_session(h.c, WAITS);
    assert_int_equal(job().rc, TD_ENOTFOUND);
    assert_int_equal(count_seen(h.c, "OfflineDomainJoin"), 0);
    assert_int_equal(count_seen(h.c, "ServerHasFinishedProvisioning"), 1);
}

static void nobody_else_claims_it(void **state)
{
    open_hybrid(state);
    struct td_soap answer = enrol_as(&(struct token){0}, "99999999-0000-4000-8000-000000000001", TD_TRUE);
    struct installed i = world_install(h.w, &answer);
    assert_string_equal(world_enrolment(h.w, i.cert.subject_cn).registration_id, "");
}

static void what_is_missing_is_told_at_once(void **state)
{
    const char *detail = "";
    open_hybrid(state);
    enrol(TD_TRUE);
    assert_int_equal(job().rc, TD_ENOTFOUND);
    assert_int_equal(events("device.failed", &detail), 1);
    assert_non_null(strstr(detail, "NoSettings"));
    assert_non_null(strstr(detail, "0x80070490"));
    assert_non_null(strstr(detail, "domain-join"));
    assert_non_null(give(h.c, "corp", join_item));
    h.c->nodes = done_nodes;
    (void)run_session(h.c, WAITS); /* the item is there now, a connector is not */
    job_is(TD_DJS_QUEUED);
    assert_int_equal(events("device.failed", &detail), 2);
    assert_non_null(strstr(detail, "NoConnector"));
    assert_string_equal(word(), "failed");
    (void)run_session(h.c, WAITS);
    assert_int_equal(events("device.failed", NULL), 2); /* once */
    in_write(add_connector);
    in_write(make_account);
    (void)run_session(h.c, WAITS);
    job_is(TD_DJS_CONFIRMED);
    assert_string_not_equal(word(), "failed");
}

/* A second enrolment of the same registration replaces the first, whatever hardware it names. */
static void one_enrolment_a_device(void **state)
{
    open_hybrid(state);
    assert_non_null(give(h.c, "corp", join_item));
    enrol(TD_TRUE);
    const char *first = h.c->id;
    struct td_soap head = world_jwt(h.w, &(struct token){0});
    struct td_rst rst = {.csr = h.w->csr,
                         .context = {.enrollment_type = "Device",
                                     .ztd_id = h.registration,
                                     .hw_dev_id = "beef000000000000000000000000000000000000000000000000000000000002",
                                     .bootstrap_domain_join = TD_TRUE}};
    struct td_soap answer = world_rst(h.w, &head, &rst, NULL);
    h.c->installed = world_install(h.w, &answer);
    h.c->id = h.c->installed.cert.subject_cn;
    assert_int_equal(world_enrolment(h.w, first).state, TD_ENROLMENT_REPLACED);
    assert_int_equal(world_enrolment(h.w, h.c->id).state, TD_ENROLMENT_ACTIVE);
}

static enum td_code happen(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const enum td_way_event *event = ctx;
    return td_way_happened(tx, h.w->tenant, h.c->way, *event, "device", "{}", err);
}

static void it_happens(enum td_way_event event)
{
    assert_ok(td_store_write(h.w->wire.svc.store, happen, &event, NULL));
}

/* Who knows its registration does not get a device at work out of management, nor its account: one that is set up anew
 * signs in behind its lookup. */
static void a_device_at_work_is_not_claimed(void **state)
{
    open_hybrid(state);
    assert_non_null(give(h.c, "corp", join_item));
    enrol(TD_TRUE);
    it_happens(TD_EV_DEVICE_SETUP);
    it_happens(TD_EV_READY);
    struct td_soap head = world_jwt(h.w, &(struct token){0});
    struct td_rst rst = {.csr = h.w->csr,
                         .context = {.enrollment_type = "Device",
                                     .ztd_id = h.registration,
                                     .hw_dev_id = "beef000000000000000000000000000000000000000000000000000000000002",
                                     .bootstrap_domain_join = TD_TRUE}};
    struct td_soap answer = world_rst(h.w, &head, &rst, NULL);
    struct installed other = world_install(h.w, &answer);
    assert_string_equal(world_enrolment(h.w, other.cert.subject_cn).registration_id, "");
    assert_int_equal(world_enrolment(h.w, h.c->id).state, TD_ENROLMENT_ACTIVE);
    it_happens(TD_EV_SIGNED_IN);
    enrol(TD_TRUE);
    assert_string_equal(world_enrolment(h.w, h.c->id).registration_id, h.registration);
}

/* ---- the session ---- */

static void open_managed(void **state)
{
    open_hybrid(state);
    assert_non_null(give(h.c, "corp", join_item));
    in_write(add_connector);
    enrol(TD_TRUE);
    h.c->nodes = done_nodes;
}

static void the_blob_is_handed_out(void **state)
{
    open_managed(state);
    (void)run_session(h.c, WAITS);
    assert_int_equal(count_seen(h.c, "OfflineDomainJoin"), 0);
    assert_int_equal(count_seen(h.c, "DeviceHardwareData"), 1);
    assert_int_equal(count_seen(h.c, "DNSComputerName"), 0);               /* its name comes with the account */
    assert_int_equal(count_seen(h.c, "ServerHasFinishedProvisioning"), 0); /* the page waits */
    in_write(make_account);
    h.c->session++;
    h.c->msg = 0;
    send_next(h.c, WAITS, true);
    const struct td_sync_cmd *exec = find_exec(&h.c->last);
    assert_non_null(exec);
    assert_string_equal(exec->name, "Exec");
    assert_string_equal(exec->items->target, "./Vendor/MSFT/OfflineDomainJoin/Blob");
    assert_string_equal(exec->items->meta.format, "b64");
    assert_string_equal(exec->items->meta.type, "text/plain");
    assert_null(exec->items->next);
    const char *want = td_b64(&h.w->wire.arena, TD_S(BLOB));
    assert_true(td_eqs(exec->items->data, want));
    job_is(TD_DJS_DELIVERED);
    assert_int_equal(job().j.handed_out, 1);
    while (has_commands(h.c))
        send_next(h.c, "", true);
    job_is(TD_DJS_CONFIRMED);
    assert_int_equal(job().j.sealed.n, 0); /* destroyed */
    assert_int_equal(events("domain.delivered", NULL), 1);
    assert_int_equal(events("domain.confirmed", NULL), 1);
    (void)run_session(h.c, WAITS); /* says again that it waits: it has it */
    assert_int_equal(count_seen(h.c, "OfflineDomainJoin"), 0);
    job_is(TD_DJS_CONFIRMED);
}

/* The page has more time, and its first phase is released behind the blob. */
static void the_page_waits(void **state)
{
    open_managed(state);
    assert_non_null(give(h.c, "page", "{\"kind\":\"status-page\",\"timeoutMinutes\":30}"));
    h.c->session++;
    h.c->msg = 0;
    send_next(h.c, WAITS, true);
    bool told = false;
    for (int i = 0; i < 8 && !told; i++) {
        for (const struct td_sync_cmd *c = h.c->last.cmds; c != NULL; c = c->next)
            if (c->items != NULL && strstr(c->items->target, "TimeOutUntilSyncFailure") != NULL) {
                assert_true(td_eqs(c->items->data, "70"));
                told = true;
            }
        send_next(h.c, "", true);
    }
    assert_true(told);
    in_write(make_account);
    (void)run_session(h.c, WAITS);
    (void)run_session(h.c, "");
    assert_int_equal(events(td_way_event_word(TD_EV_DEVICE_DONE), NULL), 1);
}

static const struct node refusing[] = {
    {"OfflineDomainJoin", 500, NULL},
    {"DeviceHardwareData", 200, "AAAA"},
    {NULL, 0, NULL},
};

static void a_refusal_is_told_with_its_cause(void **state)
{
    const char *detail = "";
    open_managed(state);
    in_write(make_account);
    h.c->nodes = refusing;
    (void)run_session(h.c, WAITS);
    job_is(TD_DJS_FAILED);
    assert_string_equal(job().j.failure, "BadBlob");
    assert_int_equal(job().j.sealed.n, 0);
    assert_int_equal(events("domain.failed", &detail), 1);
    assert_non_null(strstr(detail, "0x8007000d"));
    assert_non_null(strstr(detail, "Status 500"));
    assert_string_equal(word(), "failed");
    (void)run_session(h.c, WAITS);
    assert_int_equal(count_seen(h.c, "OfflineDomainJoin"), 0); /* not the same again */
    assert_int_equal(count_seen(h.c, "ServerHasFinishedProvisioning"), 0);
    h.w->wire.env.now += 5 * TD_MINUTE; /* in a while it may ask anew */
    (void)run_session(h.c, WAITS);
    job_is(TD_DJS_QUEUED);
    in_write(hear_connector);
    in_write(make_account);
    h.c->nodes = done_nodes;
    (void)run_session(h.c, WAITS);
    job_is(TD_DJS_CONFIRMED);
    assert_string_not_equal(word(), "failed");
}

#define TEXT "./Device" FIRST "CustomErrorText"

/* What the last session wrote to the page's error text: NULL if nothing. */
static const char *page_text(const char *first)
{
    const char *text = NULL;
    h.c->session++;
    h.c->msg = 0;
    send_next(h.c, first, true);
    for (int i = 0; i < 30; i++) {
        for (const struct td_sync_cmd *c = h.c->last.cmds; c != NULL; c = c->next)
            if (c->items != NULL && strcmp(c->items->target, TEXT) == 0) {
                assert_string_equal(c->name, "Replace");
                assert_string_equal(c->items->meta.format, "chr");
                text = td_arena_text(&h.w->wire.arena, c->items->data);
            }
        if (!has_commands(h.c))
            break;
        send_next(h.c, "", true);
    }
    return text;
}

static void page_tells(const char *text, enum td_domain_reason reason)
{
    assert_non_null(text);
    assert_string_equal(text, td_domain_told(reason, &h.w->wire.arena));
}

static enum td_code refuse_work(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const enum td_domain_reason *reason = ctx;
    struct td_domain_join j;
    const char *const domains[] = {"corp.test"};
    struct td_arena *a = &h.w->wire.arena;
    td_try(td_domain_join_lease(tx, h.w->tenant, h.connector, domains, 1, a, &j, err));
    return td_domain_join_refused(tx, h.w->tenant, j.id, j.attempt, *reason, "OU=Autopilot,DC=corp,DC=test", a, err);
}

static void work_is_refused(enum td_domain_reason reason)
{
    assert_ok(td_store_write(h.w->wire.svc.store, refuse_work, &reason, NULL));
}

/* The device itself is told why it gets no account, by the one text that every device shows; it goes when the cause is
 * mended, and an organization's own stands there again. */
static void the_device_is_told_why_it_waits(void **state)
{
    open_hybrid(state);
    enrol(TD_TRUE);
    h.c->nodes = done_nodes;
    page_tells(page_text(WAITS), TD_DJ_NO_SETTINGS);
    assert_null(page_text(WAITS)); /* once */
    assert_non_null(give(h.c, "corp", join_item));
    page_tells(page_text(WAITS), TD_DJ_NO_CONNECTOR);
    in_write(add_connector);
    assert_string_equal(page_text(WAITS), ""); /* it has none of its own */
    assert_null(page_text(WAITS));
    work_is_refused(TD_DJ_NO_DC); /* tried again: what is in the way is told all the same */
    job_is(TD_DJS_QUEUED);
    page_tells(page_text(WAITS), TD_DJ_NO_DC);
    assert_non_null(give(h.c, "page", "{\"kind\":\"status-page\",\"errorText\":\"Call 4711.\"}"));
    assert_null(page_text(WAITS));
    h.w->wire.env.now += 2 * TD_MINUTE;
    in_write(hear_connector);
    work_is_refused(TD_DJ_NO_OU);
    job_is(TD_DJS_FAILED);
    page_tells(page_text(WAITS), TD_DJ_NO_OU);
    h.w->wire.env.now += 5 * TD_MINUTE; /* asked anew */
    in_write(hear_connector);
    assert_string_equal(page_text(WAITS), "Call 4711.");
    in_write(make_account);
    assert_null(page_text(WAITS));
    job_is(TD_DJS_CONFIRMED);
}

/* A name that was taken is no failure while there are others. */
/* The connector was quicker than the device's first session: its way has failed all the same, until it is asked anew.
 */
static void what_failed_before_the_first_session_has_failed(void **state)
{
    const char *detail = "";
    open_managed(state);
    work_is_refused(TD_DJ_NO_OU);
    job_is(TD_DJS_FAILED);
    (void)run_session(h.c, WAITS);
    assert_int_equal(events(td_way_event_word(TD_EV_DEVICE_SETUP), NULL), 1);
    assert_string_equal(word(), "failed");
    assert_true(events(td_way_event_word(TD_EV_FAILED), &detail) != 0);
    assert_non_null(strstr(detail, "\"where\":\"NoOu\""));
    size_t told = events(td_way_event_word(TD_EV_FAILED), NULL);
    (void)run_session(h.c, WAITS);
    assert_int_equal(events(td_way_event_word(TD_EV_FAILED), NULL), told);
    h.w->wire.env.now += 5 * TD_MINUTE;
    (void)run_session(h.c, WAITS);
    in_write(hear_connector);
    in_write(make_account);
    (void)run_session(h.c, WAITS);
    job_is(TD_DJS_CONFIRMED);
    assert_string_equal(word(), "device setup");
}

static void a_taken_name_is_no_failure_yet(void **state)
{
    open_managed(state);
    work_is_refused(TD_DJ_NAME_TAKEN);
    job_is(TD_DJS_QUEUED);
    assert_null(page_text(WAITS));
}

/* The answer got lost: the same enrolment gets it again, a few times, and then nobody. */
static void silence_is_bounded(void **state)
{
    open_managed(state);
    in_write(make_account);
    for (int i = 1; i <= 4; i++) {
        h.c->session++;
        h.c->msg = 0;
        send_next(h.c, WAITS, true);
        for (int k = 0; k < 6 && find_exec(&h.c->last) == NULL; k++)
            send_next(h.c, "", true);
        assert_non_null(find_exec(&h.c->last)); /* the device dies here */
        job_is(TD_DJS_DELIVERED);
        assert_int_equal(job().j.handed_out, i);
    }
    (void)run_session(h.c, "");
    assert_int_equal(count_seen(h.c, "OfflineDomainJoin"), 0);
    job_is(TD_DJS_FAILED);
    assert_string_equal(job().j.failure, "Delivered");
    assert_int_equal(job().j.sealed.n, 0);
}

/* Nor does another enrolment get what was made for the first. */
static void a_blob_is_of_one_enrolment(void **state)
{
    open_managed(state);
    in_write(make_account);
    enrol(TD_FALSE);
    (void)run_session(h.c, "");
    assert_int_equal(count_seen(h.c, "OfflineDomainJoin"), 0);
    assert_int_equal(job().rc, TD_ENOTFOUND);
    (void)run_session(h.c, WAITS); /* asks for its own */
    assert_int_equal(count_seen(h.c, "OfflineDomainJoin"), 0);
    job_is(TD_DJS_QUEUED);
}

/* ---- the registration ---- */

/* Called when the hub gives the question out: the connector answers at once. */
static void take_question(struct td_http_request *req)
{
    struct td_json *v = NULL, *answer = NULL;
    struct td_arena *a = &h.w->wire.arena;
    struct td_error err = {0};
    (void)req;
    assert_ok(td_json_parse(td_buf_slice(&h.reply.body), 65536, a, &v, NULL));
    const struct td_json *q = td_json_get(v, "work")->child;
    assert_string_equal(td_json_str(q, "kind"), "computer");
    assert_string_equal(td_json_str(q, "accountGuid"), GUID);
    const char *text = td_arena_printf(a, "{\"accountSid\":\"%s\",\"enabled\":%s,\"certificates\":[%s%s%s]}", h.sid,
                                       h.enabled ? "true" : "false", h.certificate[0] != '\0' ? "\"" : "",
                                       h.certificate, h.certificate[0] != '\0' ? "\"" : "");
    assert_ok(td_json_parse(td_str(text), 65536, a, &answer, NULL));
    const struct td_connector from = {.id = h.connector, .tenant = h.w->tenant};
    h.questions++;
    assert_ok(td_hub_answered(h.hub, &from, td_json_str(q, "id"), h.gone ? NULL : answer,
                              h.gone ? TD_DJ_NOT_REGISTERED : TD_DJ_OK, "", &err));
}

static void wait_at_hub(void)
{
    static const char *const domains[] = {"corp.test"};
    bool stopping = false;
    h.asked = (struct td_http_request){.arena = &h.w->wire.arena, .answered = take_question};
    td_buf_init(&h.reply.body, 65536);
    h.waiter = (struct td_hub_waiter){.req = &h.asked,
                                      .reply = &h.reply,
                                      .tenant = h.w->tenant,
                                      .connector = h.connector,
                                      .domains = domains,
                                      .domain_count = 1,
                                      .free = 1,
                                      .until = INT64_MAX};
    assert_true(td_hub_park(h.hub, &h.waiter, &stopping));
}

static struct td_http_reply at_join_door(const char *method, const char *id, const char *body,
                                         const struct td_peer *peer)
{
    static struct td_door doors[6];
    memcpy(doors, h.c->doors, sizeof(h.c->doors));
    doors[5] = (struct td_door){td_join_routes, td_join_route_count, &h.w->wire.svc};
    struct td_router before = h.w->wire.router;
    h.w->wire.router = (struct td_router){doors, 6};
    const char *target = td_arena_printf(&h.w->wire.arena, "/EnrollmentServer/device/%s?api-version=2.0", id);
    struct td_http_reply r = world_call(h.w, method, target, "Content-Type: application/json", td_str(body), peer);
    h.w->wire.router = before;
    return r;
}

static struct td_http_reply put(const char *guid, const char *body)
{
    if (!h.away)
        wait_at_hub();
    struct td_http_reply r = at_join_door("PUT", guid, body, NULL);
    (void)td_hub_take(h.hub);
    td_buf_done(&h.reply.body);
    return r;
}

static const char *completion(const char *signed_text, const struct td_key *key, const char *sent_text,
                              const char *tenant)
{
    struct td_arena *a = &h.w->wire.arena;
    struct td_slice csr, blob, signature;
    assert_ok(td_csr_make(h.w->key, "any", NULL, a, &csr, NULL));
    assert_ok(td_key_rsa_blob(h.w->key, a, &blob));
    assert_ok(td_key_sign(key, TD_RS256, td_str(signed_text), a, &signature));
    return td_arena_printf(
        a,
        "{\"CertificateRequest\":{\"Type\":\"pkcs10\",\"Data\":\"%s\"},\"ServerAdJoinData\":{\"TransportKey\":\"%s\","
        "\"TargetDomain\":\"contoso.test\",\"DeviceType\":\"Windows\",\"OSVersion\":\"10.0.22631.2506\","
        "\"DeviceDisplayName\":\"PC1\",\"TargetDomainId\":\"%s\",\"ClientIdentity\":{\"Type\":\"sha256signed\","
        "\"Sid\":\"%s\",\"SignedBlob\":\"%s\"}},\"JoinType\":6,\"attributes\":{\"ReuseDevice\":\"true\","
        "\"ReturnClientSid\":\"true\"}}",
        td_b64(a, csr), td_b64(a, blob), tenant, sent_text, td_b64(a, signature));
}

static const char *right(void)
{
    return completion(SIGNED, account_key, SIGNED, h.w->tenant);
}

static void open_joined(void **state)
{
    open_managed(state);
    in_write(make_account);
    (void)run_session(h.c, WAITS);
    job_is(TD_DJS_CONFIRMED);
    h.hub = td_connector_hub_new(h.w->wire.svc.env);
    td_connector_hub_patience(h.hub, TD_SECOND / 50, TD_SECOND / 50);
    h.w->wire.svc.connectors = h.hub;
}

static int close_hybrid(void **state)
{
    td_connector_hub_free(TD_TAKE(h.hub));
    return world_teardown(state);
}

static const struct td_json *json_of(const struct td_http_reply *r)
{
    struct td_json *v = NULL;
    assert_ok(td_json_parse(td_buf_slice(&r->body), 65536, &h.w->wire.arena, &v, NULL));
    return v;
}

static void a_computer_registers(void **state)
{
    open_joined(state);
    struct found before = device();
    assert_string_equal(before.d.trust_type, "ServerAd");
    assert_string_equal(before.d.account_guid, GUID);
    assert_string_equal(before.d.account_sid, SID);
    assert_string_equal(before.d.account_domain, "corp.test");
    assert_string_equal(before.d.display_name, job().j.name);
    assert_int_equal(before.d.joined_at, 0);
    struct td_http_reply r = put(GUID, right());
    if (r.status != 200)
        fail_msg("%d %.*s", r.status, TD_FMT(td_buf_slice(&r.body)));
    const struct td_json *v = json_of(&r);
    struct td_slice der;
    struct td_cert cert;
    assert_ok(td_b64_decode(&h.w->wire.arena, td_str(td_json_str(td_json_get(v, "Certificate"), "RawBody")), TD_B64_STD,
                            &der));
    assert_ok(td_cert_parse(der, &h.w->wire.arena, &cert, NULL));
    assert_string_equal(cert.subject_cn, before.d.id);
    assert_string_equal(cert.sha1, td_json_str(td_json_get(v, "Certificate"), "Thumbprint"));
    assert_string_equal(td_json_str(td_json_get(v, "User"), "Upn"), h.w->upn);
    assert_int_equal(td_json_get(v, "MembershipChanges")->type, TD_JSON_ARRAY);
    struct found after = device();
    assert_int_equal(after.count, before.count); /* one object, not two */
    assert_string_equal(after.d.id, before.d.id);
    assert_true(after.d.joined_at != 0);
    assert_string_equal(after.d.owner_upn, h.w->upn);
    assert_string_equal(world_enrolment(h.w, h.c->id).device_id, before.d.id);
    assert_int_equal(events(td_way_event_word(TD_EV_JOINED), NULL), 1);
    assert_int_equal(h.questions, 1);
    (void)run_session(h.c, "");                       /* its management goes on */
    assert_int_equal(put(GUID, right()).status, 200); /* its answer got lost: the same once more */
    assert_int_equal(device().count, before.count);
}

#define TROUBLE(hresult)                                                                                             \
    "<Alert><CmdID>82</CmdID><Data>1226</Data><Item><Source><LocURI>./Vendor/MSFT/OfflineDomainJoin/Blob</LocURI></" \
    "Source><Meta><Type xmlns=\"syncml:metinf\">org.touchdown:domain.unreached</Type><Format xmlns=\"syncml:metinf"  \
    "\">int</Format></Meta><Data>" hresult "</Data></Item></Alert>"

static void told_trouble(size_t want, const char *where, const char *code)
{
    const char *detail = NULL;
    assert_int_equal(events(td_way_event_word(TD_EV_FAILED), &detail), want);
    if (want == 0)
        return;
    assert_non_null(strstr(detail, td_arena_printf(&h.w->wire.arena, "\"where\":\"%s\"", where)));
    assert_non_null(strstr(detail, code));
    assert_non_null(strstr(detail, "\"remedy\":\""));
}

/* Behind its restart the device says why it stands still; the way itself is where it was. */
static void what_keeps_it_from_its_domain_is_told(void **state)
{
    open_managed(state);
    (void)run_session(h.c, WAITS TROUBLE("-2147023498"));
    told_trouble(0, "", ""); /* it is not in its domain yet */
    in_write(make_account);
    h.c->session++;
    h.c->msg = 0;
    send_next(h.c, WAITS, true); /* killed with the blob in its hand */
    job_is(TD_DJS_DELIVERED);
    (void)run_session(h.c, TROUBLE("-2147023498"));
    job_is(TD_DJS_CONFIRMED);
    told_trouble(1, "DeviceClock", "0x80070576");
    (void)run_session(h.c, TROUBLE("0x80070576")); /* in every session: once */
    told_trouble(1, "DeviceClock", "0x80070576");
    (void)run_session(h.c, TROUBLE("2147944308"));
    told_trouble(2, "DeviceNoDc", "0x80070774");
    (void)run_session(h.c, TROUBLE("5") TROUBLE("no number")); /* nothing that a domain says */
    told_trouble(2, "DeviceNoDc", "0x80070774");
    h.w->wire.env.now += 20 * TD_MINUTE;
    (void)run_session(h.c, TROUBLE("-2147023498"));
    told_trouble(3, "DeviceClock", "0x80070576");
}

static void nor_is_it_of_one_that_registered(void **state)
{
    open_joined(state);
    assert_int_equal(put(GUID, right()).status, 200);
    (void)run_session(h.c, TROUBLE("-2147023498"));
    told_trouble(0, "", "");
}

/* The account phase's release comes behind the registration. */
static void the_account_phase_waits(void **state)
{
    open_joined(state);
    (void)run_session(h.c, "");
    (void)run_session(h.c, LOGIN("user"));
    (void)run_session(h.c, LOGIN("user"));
    assert_int_equal(count_seen(h.c, "./User" FIRST "ServerHasFinishedProvisioning"), 0);
    assert_int_equal(put(GUID, right()).status, 200);
    (void)run_session(h.c, LOGIN("user"));
    assert_int_equal(count_seen(h.c, "./User" FIRST "ServerHasFinishedProvisioning"), 1);
}

static void refused(const char *body, int status, const char *says)
{
    struct td_http_reply r = put(GUID, body);
    const char *message = td_json_str(json_of(&r), "Message");
    if (r.status != status || strstr(message, says) == NULL)
        fail_msg("want %d %s, got %d %s", status, says, r.status, message);
    assert_int_equal(device().d.joined_at, 0);
}

static void what_proves_nothing_is_refused(void **state)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *other = NULL;
    open_joined(state);
    assert_ok(td_key_generate(TD_KEY_RSA, &other, NULL));
    refused(completion(SIGNED, other, SIGNED, h.w->tenant), 401, "NotRegistered");
    refused(completion("S-1-5-21-1-2-3-1106.2030-01-02 03:04:05Z", account_key, SIGNED, h.w->tenant), 401,
            "NotRegistered");
    const char *another = "S-1-5-21-1-2-3-1106.2030-01-02 03:04:05Z";
    refused(completion(another, account_key, another, h.w->tenant), 401, "NotRegistered");
    const char *late = SID ".2030-01-02 02:58:00Z", *early = SID ".2030-01-02 03:10:00Z";
    refused(completion(late, account_key, late, h.w->tenant), 401, "DeviceClock");
    refused(completion(early, account_key, early, h.w->tenant), 401, "DeviceClock");
    refused(completion(SIGNED, account_key, SIGNED, h.w->wire.other.id), 404, "NotRegistered");
    refused(completion(SID, account_key, SID, h.w->tenant), 400, "Sid");
    refused("{}", 400, "ServerAdJoinData");
    refused("[", 400, "body");
    assert_int_equal(put("44444444-0000-4000-8000-000000000001", right()).status, 404);
    assert_int_equal(put("nobody", right()).status, 400);
}

/* The right request with other words in one place. */
static const char *but_with(const char *old, const char *new)
{
    const char *text = right(), *at = strstr(text, old);
    assert_non_null(at);
    return td_arena_printf(&h.w->wire.arena, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

static void a_claim_is_read_strictly(void **state)
{
    open_joined(state);
    refused(but_with("\"JoinType\":6", "\"JoinType\":0"), 400, "JoinType");
    refused(but_with("sha256signed", "sha1signed"), 400, "ClientIdentity.Type");
    refused(but_with("\"SignedBlob\"", "\"Blob\""), 400, "SignedBlob");
    refused(but_with("\"SignedBlob\":\"", "\"SignedBlob\":\"*"), 400, "SignedBlob");
    refused(but_with("pkcs10", "pkcs7"), 400, "CertificateRequest.Type");
    refused(but_with("\"TransportKey\"", "\"Key\""), 400, "TransportKey");
    assert_int_equal(h.questions, 0); /* nobody was asked about any of them */
    assert_int_equal(put(GUID, right()).status, 200);
}

/* Another organization's connector says that one of its devices has this account: whose it is stays so. */
static enum td_code claim_account(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const struct td_device_precreated what = {.registration_id = "6e5f0000-0000-4000-8000-000000000001",
                                              .serial = "X",
                                              .group_tag = "",
                                              .purchase_order = ""};
    const char *id = NULL;
    td_try(td_device_precreate(tx, h.w->wire.other.id, &what, &h.w->wire.arena, &id, err));
    return td_sql(tx, err,
                  "UPDATE directory_device SET trust_type = 'ServerAd', account_guid = $3, account_sid = $4,"
                  " account_domain = 'corp.test', created_at = created_at + 1 WHERE tenant = $1 AND id = $2",
                  "ssss", h.w->wire.other.id, id, GUID, SID);
}

static void nobody_takes_a_computer_by_its_account(void **state)
{
    open_joined(state);
    in_write(claim_account);
    refused(completion(SIGNED, account_key, SIGNED, ""), 404, "NotRegistered");
    assert_int_equal(h.questions, 0);
    assert_int_equal(put(GUID, right()).status, 200);
    assert_true(device().d.joined_at != 0);
}

static void what_the_domain_says_counts(void **state)
{
    open_joined(state);
    h.enabled = false;
    refused(right(), 403, "Disabled");
    h.enabled = true;
    h.certificate = "";
    refused(right(), 404, "bears no certificate yet");
    h.certificate = td_b64(&h.w->wire.arena, TD_S("no certificate"));
    refused(right(), 401, "NotRegistered");
    h.certificate = td_b64(&h.w->wire.arena, account_cert);
    h.sid = "S-1-5-21-1-2-3-9";
    refused(right(), 401, "another Sid");
    h.sid = SID;
    h.gone = true;
    refused(right(), 404, "NotRegistered");
    h.gone = false;
    h.away = true;
    refused(right(), 503, "NoConnector");
    h.away = false;
    in_write(disable_device);
    refused(right(), 403, "disabled");
}

/* ---- it leaves the directory by itself, as `dsregcmd /leave` does ---- */

/* Registers; ret: what it shows from then on. */
static struct td_peer registered(void)
{
    struct td_peer peer = {.address = "127.0.0.1", .tls = true};
    struct td_http_reply r = put(GUID, right());
    assert_int_equal(r.status, 200);
    const char *text = td_json_str(td_json_get(json_of(&r), "Certificate"), "RawBody");
    assert_ok(td_b64_decode(&h.w->wire.arena, td_str(text), TD_B64_STD, &peer.cert));
    td_sha256(peer.cert, peer.cert_sha256);
    return peer;
}

static void open_left(void **state)
{
    open_joined(state);
    struct td_peer peer = registered();
    struct found before = device();
    assert_int_equal(at_join_door("DELETE", before.d.id, "", &peer).status, 200);
    struct found after = device();
    assert_string_not_equal(after.d.id, before.d.id);
    assert_int_equal(after.d.joined_at, 0);
    assert_int_equal(after.count, before.count);
}

static void it_leaves_and_comes_back(void **state)
{
    open_left(state);
    struct found waiting = device();
    assert_string_equal(waiting.d.trust_type, "ServerAd");
    assert_string_equal(waiting.d.display_name, "PC1");
    (void)registered();
    struct found back = device();
    assert_string_equal(back.d.id, waiting.d.id); /* nothing issued for the old id is good again */
    assert_int_equal(back.count, waiting.count);
    assert_true(back.d.joined_at != 0);
    assert_string_equal(back.d.owner_upn, h.w->upn);
    assert_string_equal(world_enrolment(h.w, h.c->id).device_id, back.d.id);
    assert_int_equal(events(td_way_event_word(TD_EV_JOINED), NULL), 2);
    (void)run_session(h.c, ""); /* and its management goes on */
}

static void it_comes_back_by_the_same_proof(void **state)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *other = NULL;
    open_left(state);
    int asked = h.questions;
    assert_ok(td_key_generate(TD_KEY_RSA, &other, NULL));
    refused(completion(SIGNED, other, SIGNED, h.w->tenant), 401, "NotRegistered");
    refused(completion(SIGNED, account_key, SIGNED, h.w->wire.other.id), 404, "NotRegistered");
    in_write(claim_account);
    refused(completion(SIGNED, account_key, SIGNED, ""), 404, "NotRegistered");
    assert_int_equal(h.questions, asked + 1);
    h.enabled = false;
    refused(right(), 403, "Disabled");
    h.enabled = true;
    in_write(disable_device);
    refused(right(), 403, "disabled");
}

static void a_disabled_one_does_not_help_itself(void **state)
{
    open_joined(state);
    struct td_peer peer = registered();
    in_write(disable_device);
    const char *id = device().d.id;
    assert_int_equal(at_join_door("DELETE", id, "", &peer).status, 403);
    assert_int_equal(put(GUID, right()).status, 403);
    assert_string_equal(device().d.id, id);
}

/* ---- the end ---- */

static struct td_domain_removal due; /* what a connector is asked to do; id NULL: nothing */

static enum td_code lease_removal(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const char *const domains[] = {"corp.test"};
    due.id = NULL;
    enum td_code rc = td_domain_removal_lease(tx, h.w->tenant, h.connector, domains, 1, &h.w->wire.arena, &due, err);
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code retire_now(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_life_retired got;
    const struct td_life_retiring what = {.key = "SER-77", .now = true, .actor = "test"};
    td_try(td_tenant_set(tx, h.w->tenant, "computer-account-at-end", h.policy, "test", err));
    td_try(td_life_retire(tx, h.w->tenant, &what, &h.w->wire.arena, &got, err));
    assert_string_equal(got.computer, strcmp(h.policy, "keep") == 0 ? job().j.name : "");
    return TD_OK;
}

static enum td_code remove_object(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_device_row d;
    td_try(td_device_find_registration(tx, h.w->tenant, h.registration, &h.w->wire.arena, &d, err));
    return td_device_remove(tx, h.w->tenant, d.id, "test", err);
}

static void ends_with(void **state, const char *policy)
{
    open_joined(state);
    assert_int_equal(put(GUID, right()).status, 200);
    h.policy = policy;
    in_write(retire_now);
    in_write(lease_removal);
}

static void a_retired_device_leaves_a_disabled_account(void **state)
{
    ends_with(state, "disable");
    assert_non_null(due.id);
    assert_string_equal(due.account_guid, GUID);
    assert_string_equal(due.name, job().j.name);
    assert_false(due.remove);
    assert_int_equal(events("domain.removal-queued", NULL), 1); /* record and object go together: asked once */
}

static void or_none_if_the_tenant_wants_that(void **state)
{
    ends_with(state, "delete");
    assert_non_null(due.id);
    assert_true(due.remove);
}

static void or_the_one_it_had(void **state)
{
    ends_with(state, "keep");
    assert_null(due.id);
}

static void without_its_object_it_has_no_account(void **state)
{
    open_joined(state);
    assert_int_equal(put(GUID, right()).status, 200);
    in_write(remove_object);
    in_write(lease_removal);
    assert_non_null(due.id);
    assert_int_equal(put(GUID, right()).status, 404);
}

static void what_left_and_was_retired_stays_out(void **state)
{
    open_left(state);
    h.policy = "keep"; /* the account stays good, so that it could prove itself */
    in_write(retire_now);
    refused(right(), 404, "NotRegistered");
    assert_string_equal(device().d.trust_type, "AzureAd");
    assert_string_equal(device().d.display_name, "SER-77");
}

static enum td_code deregister(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_registration_remove(tx, h.w->tenant, h.registration, "test", err);
}

static void nor_without_its_registration(void **state)
{
    open_left(state);
    in_write(deregister);
    assert_int_equal(put(GUID, right()).status, 404);
}

/* Set up anew under another name, the account that it had is nobody's; the same account again is its own. */
static void a_former_account_is_given_up(void **state)
{
    open_joined(state);
    assert_int_equal(put(GUID, right()).status, 200);
    enrol(TD_TRUE);
    in_write(make_account); /* reused */
    in_write(lease_removal);
    assert_null(due.id);
    enrol(TD_TRUE);
    h.guid = "5f1e0000-0000-4000-8000-00000000beef";
    in_write(make_account);
    in_write(lease_removal);
    assert_non_null(due.id);
    assert_string_equal(due.account_guid, GUID);
    assert_string_equal(device().d.account_guid, h.guid);
    assert_int_equal(device().count, 1);
}

static void an_account_in_use_is_not_taken_away(void **state)
{
    open_joined(state);
    assert_int_equal(put(GUID, right()).status, 200);
    h.policy = "delete";
    in_write(retire_now);
    enrol(TD_TRUE); /* before a connector came to it */
    in_write(make_account);
    in_write(lease_removal);
    assert_null(due.id);
}

static void no_blob_outlives_its_enrolment(void **state)
{
    open_managed(state);
    in_write(make_account);
    h.policy = "keep";
    in_write(retire_now);
    assert_int_equal(job().j.sealed.n, 0);
    job_is(TD_DJS_FAILED);
    assert_int_equal(events("domain.stopped", NULL), 1);
}

/* ---- what the item brings along ---- */

static enum td_code add_unassigned(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_configuration_add(tx, h.w->tenant, ctx, "test", err);
}

/* An item that nobody is assigned. */
static const char *put_item(const char *name, const char *text)
{
    struct td_service *svc = &h.w->wire.svc;
    struct td_configuration row = {.id = ""};
    struct td_json *json = NULL;
    assert_ok(td_json_parse(td_str(text), 65536, &h.w->wire.arena, &json, NULL));
    assert_ok(td_configuration_make(&svc->master, svc->env, h.w->tenant, "", name, json, &h.w->wire.arena, &row, NULL));
    assert_ok(td_store_write(svc->store, add_unassigned, &row, NULL));
    return row.id;
}

static void give_join_with_vpn(void)
{
    const char *vpn = put_item("way in", "{\"kind\":\"vpn\",\"name\":\"Corp\",\"servers\":[\"vpn.corp.test\"]}");
    assert_non_null(give(h.c, "corp",
                         td_arena_printf(&h.w->wire.arena, "%.*s,\"networkAccess\":[\"%s\",\"gone\"]}",
                                         (int)strlen(join_item) - 1, join_item, vpn)));
}

static void networks_come_along(void **state)
{
    open_hybrid(state);
    give_join_with_vpn();
    in_write(add_connector);
    enrol(TD_TRUE);
    h.c->nodes = done_nodes;
    (void)run_session(h.c, WAITS);
    assert_true(count_seen(h.c, "VPNv2/Corp/ProfileXML") != 0); /* before its sign-in, and assigned to nobody */
}

static void but_to_no_other_device(void **state)
{
    open_with(state, "{\"joinType\":\"directory\"}");
    give_join_with_vpn();
    enrol(TD_TRUE);
    h.c->nodes = done_nodes;
    (void)run_session(h.c, WAITS);
    assert_int_equal(count_seen(h.c, "VPNv2"), 0);
}

static int open_all(void **state)
{
    static struct td_arena kept;
    const struct td_rdn subject[] = {{"CN", GUID}};
    struct td_cert_template t = {.subject = subject,
                                 .subject_count = 1,
                                 .not_before = WIRE_NOW - TD_DAY,
                                 .not_after = WIRE_NOW + 3650 * TD_DAY,
                                 .serial = {1}};
    if (world_open(state) != 0 || td_key_generate(TD_KEY_RSA, &account_key, NULL) != TD_OK)
        return -1;
    td_arena_init(&kept);
    assert_ok(td_key_public_der(account_key, &kept, &t.spki));
    assert_ok(td_cert_issue(&t, TD_S(""), account_key, &kept, &account_cert, NULL));
    return 0;
}

static int close_all(void **state)
{
    td_key_free(TD_TAKE(account_key));
    return world_close(state);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, close_hybrid)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(enrols_without_a_join),
        TEST(no_hybrid_profile_no_domain),
        TEST(nobody_else_claims_it),
        TEST(what_is_missing_is_told_at_once),
        TEST(one_enrolment_a_device),
        TEST(a_device_at_work_is_not_claimed),
        TEST(the_blob_is_handed_out),
        TEST(the_page_waits),
        TEST(a_refusal_is_told_with_its_cause),
        TEST(the_device_is_told_why_it_waits),
        TEST(what_failed_before_the_first_session_has_failed),
        TEST(a_taken_name_is_no_failure_yet),
        TEST(silence_is_bounded),
        TEST(a_blob_is_of_one_enrolment),
        TEST(a_computer_registers),
        TEST(what_keeps_it_from_its_domain_is_told),
        TEST(nor_is_it_of_one_that_registered),
        TEST(the_account_phase_waits),
        TEST(what_proves_nothing_is_refused),
        TEST(a_claim_is_read_strictly),
        TEST(nobody_takes_a_computer_by_its_account),
        TEST(what_the_domain_says_counts),
        TEST(it_leaves_and_comes_back),
        TEST(it_comes_back_by_the_same_proof),
        TEST(a_disabled_one_does_not_help_itself),
        TEST(what_left_and_was_retired_stays_out),
        TEST(nor_without_its_registration),
        TEST(a_retired_device_leaves_a_disabled_account),
        TEST(or_none_if_the_tenant_wants_that),
        TEST(or_the_one_it_had),
        TEST(without_its_object_it_has_no_account),
        TEST(a_former_account_is_given_up),
        TEST(an_account_in_use_is_not_taken_away),
        TEST(no_blob_outlives_its_enrolment),
        TEST(networks_come_along),
        TEST(but_to_no_other_device),
    };
    return cmocka_run_group_tests_name("hybrid", tests, open_all, close_all);
}
