/* Pre-provisioning under management (autopilot.md 3.4, S13, S14, E11, Z29): the technician's part ends with the device
 * phase, the enrolment outlives the un-join, the user's join gives it an owner, and phases run again. */
#include "api/technician.h"
#include "store/attestation.h"
#include "store/configuration.h"
#include "store/device.h"
#include "store/directory.h"
#include "store/group.h"
#include "store/life_end.h"
#include "store/managed.h"
#include "store/provisioning.h"
#include "store/registration.h"
#include "wire/management_client.h"

static const char usual[] = "11111111-0000-4000-8000-000000000001";
static const char *registration = usual;
#define CORTANA "Replace ./Device/Vendor/MSFT/Policy/Config/Experience/AllowCortana"

static const char *joined_id; /* before there is an enrolment */

static const char *device_of(struct client *c)
{
    return c->id == NULL ? joined_id : world_enrolment(c->w, c->id).device_id;
}

static void commit(struct client *c, td_tx_fn *fn)
{
    struct td_error err = {0};
    c->w->wire.env.now += TD_SECOND;
    if (td_store_write(c->w->wire.svc.store, fn, c, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
}

/* As the join by a ticket leaves it: attested for a technician, and nobody's. */
static enum td_code attest(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    struct world *w = c->w;
    struct td_challenge x = {.id = td_uuid_arena(&w->wire.env.env, &w->wire.arena),
                             .registration_id = registration,
                             .purpose = TD_ATTEST_PRE_PROVISIONING,
                             .ek_sha256 = "aa",
                             .manufacturer = "",
                             .model = "",
                             .version = "",
                             .ak = TD_S("ak"),
                             .technician = "presence",
                             .expires_at = td_tx_now(tx) + TD_MINUTE,
                             .verdict = TD_ATT_OK,
                             .key_sha256 = "bb",
                             .management_key_sha256 = "",
                             .ticket_expires_at = td_tx_now(tx) + TD_MINUTE};
    td_try(td_challenge_add(tx, w->tenant, &x, err));
    td_try(td_challenge_answer(tx, w->tenant, &x, err));
    td_try(td_join_ticket_use(tx, w->tenant, x.id, err));
    return td_sql(tx, err, "UPDATE directory_device SET owner_id = '', owner_upn = '' WHERE tenant = $1 AND id = $2",
                  "ss", w->tenant, device_of(c));
}

static void enrol(struct client *c, bool claims)
{
    struct world *w = c->w;
    struct td_soap head = world_jwt(w, &(struct token){.deviceid = device_of(c), .no_user = true});
    struct td_rst rst = {.csr = w->csr,
                         .context = {.enrollment_type = "Device",
                                     .device_name = "DESKTOP-EX0001",
                                     .plug_and_forget = TD_TRUE,
                                     .white_glove = claims ? TD_TRUE : TD_UNSET}};
    struct td_soap answer = world_rst(w, &head, &rst, NULL);
    c->installed = world_install(w, &answer);
    c->peer = world_peer(&c->installed);
    c->id = c->installed.cert.subject_cn;
}

static struct client *technicians(void **state)
{
    registration = usual;
    struct client *c = begin(state);
    commit(c, attest);
    enrol(c, false); /* what it claims decides nothing */
    assert_int_equal(world_enrolment(c->w, c->id).provisioning, TD_PROV_TECHNICIAN);
    c->nodes = done_nodes;
    return c;
}

static enum td_code leave(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    return td_device_leave(tx, c->w->tenant, device_of(c), "device", err);
}

/* As the join door does it, by a user's token. */
static enum td_code join_by_user(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    struct world *w = c->w;
    struct td_device_row d;
    td_try(td_device_find_registration(tx, w->tenant, registration, &w->wire.arena, &d, err));
    struct td_device_joining what = {.id = d.id,
                                     .registration_id = registration,
                                     .display_name = "DESKTOP-EX0001",
                                     .os = "Windows",
                                     .os_version = "10.0.22631.2506",
                                     .trust_type = "AzureAd",
                                     .owner_id = w->user,
                                     .owner_upn = w->upn,
                                     .hardware_id = "",
                                     .alt_security_id = "X509:test"};
    joined_id = d.id;
    td_try(td_device_join(tx, w->tenant, &what, err));
    td_try(td_way_happened(tx, w->tenant, c->way, TD_EV_SIGNED_IN, w->upn, "{}", err));
    td_try(td_way_link(tx, w->tenant, c->way, TD_WAY_DEVICE, d.id, err));
    td_try(td_way_set_user(tx, w->tenant, c->way, w->upn, err));
    td_try(td_way_happened(tx, w->tenant, c->way, TD_EV_JOINED, w->upn, "{}", err));
    return td_provisioning_joined(tx, w->tenant, registration, d.id, w->user, w->upn, err);
}

static const char *word(struct client *c)
{
    struct td_way_row way = world_way(c->w, TD_WAY_ENROLMENT, c->id);
    return td_way_word(&way.way);
}

static int refused(struct client *c)
{
    c->session++;
    c->msg = 1;
    return world_call(c->w, "POST", MDM, TYPE, td_str(message(c, LOGIN("none"), true)), &c->peer).status;
}

static void from_the_bench_to_its_user(void **state)
{
    struct client *c = technicians(state);
    (void)give(c, "baseline", policy_json);
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(count_seen(c, CORTANA), 1);
    assert_int_equal(world_events(c->w, c->way, "device.device-done", NULL), 1);
    assert_int_equal(world_events(c->w, c->way, "device.provisioned", NULL), 1);
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 0);
    assert_string_equal(word(c), "pre-provisioned");
    assert_int_equal(world_enrolment(c->w, c->id).provisioning, TD_PROV_SEALED);
    const char *bench = device_of(c);
    commit(c, leave);
    assert_string_not_equal(device_of(c), bench); /* the object that waits for its user */
    assert_string_equal(word(c), "pre-provisioned");
    c->w->wire.env.now += 200 * TD_DAY; /* however long it stands on the shelf */
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(count_seen(c, "Replace"), 0);
    commit(c, join_by_user);
    struct td_enrolment e = world_enrolment(c->w, c->id);
    assert_string_equal(e.user_upn, c->w->upn);
    assert_int_equal(e.provisioning, TD_PROV_USER);
    assert_int_equal(world_events(c->w, c->way, "device.repurposed", NULL), 0); /* nobody had it before */
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(count_seen(c, CORTANA), 0); /* what is there stays */
    assert_int_equal(count_seen(c, "Replace ./Device" FIRST "ServerHasFinishedProvisioning"), 1);
    assert_int_equal(count_seen(c, "Replace ./Device/Vendor/MSFT/DMClient/Provider/Touchdown/UPN"), 1);
    assert_int_equal(world_events(c->w, c->way, "device.provisioned", NULL), 1);
    assert_string_equal(word(c), "device setup");
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 1);
    assert_int_equal(world_events(c->w, c->way, "device.enrolled", NULL), 1);
}

/* A user's own enrolment that claims to be a technician's is none. */
static void a_claim_is_not_a_technician(void **state)
{
    struct client *c = begin(state);
    enrol(c, true);
    assert_int_equal(world_enrolment(c->w, c->id).provisioning, TD_PROV_NONE);
    c->nodes = done_nodes;
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(world_events(c->w, c->way, "device.provisioned", NULL), 0);
}

/* Un-joined before it was complete, it is nobody's any more: what the device hears is that it may not be sealed. */
static void unsealed_it_is_not_served(void **state)
{
    static const struct node at_it[] = {{"./Device" FIRST "IsSyncDone", 200, "false"},
                                        {"./Device" FIRST "WasDeviceSuccessfullyProvisioned", 200, "2"},
                                        {NULL, 0, NULL}};
    struct client *c = technicians(state);
    c->nodes = at_it;
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(world_events(c->w, c->way, "device.provisioned", NULL), 0);
    commit(c, leave);
    assert_int_equal(refused(c), 403);
}

static enum td_code disable(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    return td_device_enable(tx, c->w->tenant, device_of(c), false, err);
}

static enum td_code remove_object(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    return td_device_remove(tx, c->w->tenant, device_of(c), "admin@contoso.test", err);
}

static void on_the_shelf_it_can_be_shut_out(void **state)
{
    struct client *c = technicians(state);
    (void)run_session(c, LOGIN("none"));
    commit(c, leave);
    commit(c, disable);
    assert_int_equal(refused(c), 403);
}

static void removed_from_the_directory_it_is_nobodys(void **state)
{
    struct client *c = technicians(state);
    (void)run_session(c, LOGIN("none"));
    commit(c, remove_object);
    assert_int_equal(refused(c), 403);
}

/* The power fails behind the green page: its user joins over the object that is there. */
static void sealed_and_never_unjoined(void **state)
{
    struct client *c = technicians(state);
    (void)run_session(c, LOGIN("none"));
    commit(c, join_by_user);
    (void)run_session(c, LOGIN("none"));
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 1);
    assert_string_equal(world_enrolment(c->w, c->id).user_upn, c->w->upn);
}

/* Where the tenant shows no page, a technician's device is looked at all the same (Z29). */
static void a_page_that_is_off_hides_nothing(void **state)
{
    struct client *c = technicians(state);
    (void)give(c, "page", "{\"kind\":\"status-page\",\"show\":false}");
    assert_string_equal(td_wap_node(&c->installed.wap, "FirstSyncStatus/SkipDeviceStatusPage")->value, "false");
    c->nodes = NULL; /* it tells no result */
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(world_events(c->w, c->way, "device.provisioned", NULL), 0);
    c->nodes = done_nodes;
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(world_events(c->w, c->way, "device.provisioned", NULL), 1);
}

/* A failure is told and can be tried again; then it is a success on retry, as for a user. */
static void red_then_green(void **state)
{
    static const struct node broken[] = {{"./Device" FIRST "IsSyncDone", 200, "false"},
                                         {"./Device" FIRST "WasDeviceSuccessfullyProvisioned", 200, "0"},
                                         {NULL, 0, NULL}};
    struct client *c = technicians(state);
    c->nodes = broken;
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(world_events(c->w, c->way, "device.failed", NULL), 1);
    assert_string_equal(word(c), "failed");
    c->nodes = done_nodes;
    (void)run_session(c, LOGIN("none"));
    assert_string_equal(word(c), "pre-provisioned");
}

/* --- what its user's groups want --- */

static const char *item_of_group;

static enum td_code assign_to_people(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    struct world *w = c->w;
    struct td_group g;
    enum td_code rc = td_group_find(tx, w->tenant, "People", &w->wire.arena, &g, err);
    if (rc == TD_ENOTFOUND) {
        td_try(td_group_add(tx, w->tenant, "People", "", "test", &w->wire.arena, &g, err));
        td_try(td_group_member_add(tx, w->tenant, g.id, w->user, "test", err));
    }
    td_try(td_sql(tx, err, "DELETE FROM configuration_assignment WHERE tenant = $1 AND configuration_id = $2", "ss",
                  w->tenant, item_of_group));
    return td_configuration_assign(tx, w->tenant, item_of_group, g.id, "test", err);
}

static void give_people(struct client *c, const char *name, const char *json)
{
    item_of_group = give(c, name, json);
    commit(c, assign_to_people);
}

static void a_user_gets_what_its_groups_want(void **state)
{
    struct client *c = begin(state);
    give_people(c, "baseline", policy_json);
    c->nodes = done_nodes;
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(count_seen(c, CORTANA), 1);
}

/* Apps of the user that the device is meant for come at the bench; what else that user has waits for the user. */
static enum td_code mean_for_user(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    struct world *w = c->w;
    struct td_arena *a = &w->wire.arena;
    struct td_import_verdict v;
    struct td_registration_new what = {.serial = "SER8",
                                       .manufacturer = "Maker",
                                       .model = "Model",
                                       .sku = "",
                                       .family = "",
                                       .product_key = "",
                                       .group_tag = "",
                                       .purchase_order = "",
                                       .assigned_user = w->upn,
                                       .warning = "",
                                       .hash = TD_S("")};
    (void)td_facts_add_tuple(&what.facts, a, TD_S("Maker"), TD_S("Model"), TD_S("SER8"));
    td_try(td_registration_add(tx, w->tenant, &what, "test", a, &v, err));
    return td_sql(tx, err, "UPDATE enrolment SET registration_id = $3 WHERE tenant = $1 AND id = $2", "sss", w->tenant,
                  c->id, v.registration_id);
}

static void a_technician_gets_the_apps_of_the_assigned_user(void **state)
{
    static const char app[] =
        "{\"kind\":\"msi\",\"content\":\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\","
        "\"productCode\":\"{A0000000-0000-4000-8000-00000000000A}\",\"productVersion\":\"1.0\"}";
    struct client *c = technicians(state);
    commit(c, mean_for_user);
    give_people(c, "baseline", policy_json);
    give_people(c, "app", app);
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(count_seen(c, CORTANA), 0);
    assert_true(count_seen(c, "EnterpriseDesktopAppManagement/MSI/") != 0);
}

/* --- what befalls it on the shelf --- */

#define SHELVED "SHELF-1"

static enum td_code join_attested(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    struct world *w = c->w;
    struct td_arena *a = &w->wire.arena;
    struct td_import_verdict v;
    struct td_device_row d;
    struct td_way_row way;
    struct td_registration_new what = {.serial = SHELVED,
                                       .manufacturer = "Maker",
                                       .model = "Model",
                                       .sku = "",
                                       .family = "",
                                       .product_key = "",
                                       .group_tag = "",
                                       .purchase_order = "",
                                       .assigned_user = "",
                                       .warning = "",
                                       .hash = TD_S("")};
    (void)td_facts_add_tuple(&what.facts, a, TD_S("Maker"), TD_S("Model"), TD_S(SHELVED));
    td_try(td_registration_add(tx, w->tenant, &what, "test", a, &v, err));
    registration = v.registration_id;
    td_try(td_device_find_registration(tx, w->tenant, registration, a, &d, err));
    td_try(td_way_find(tx, w->tenant, TD_WAY_REGISTRATION, registration, a, &way, err));
    const struct td_device_joining j = {.id = d.id,
                                        .registration_id = registration,
                                        .display_name = "DESKTOP-EX0001",
                                        .os = "Windows",
                                        .os_version = "10.0.22631.2506",
                                        .trust_type = "AzureAd",
                                        .owner_id = "",
                                        .owner_upn = "",
                                        .hardware_id = "",
                                        .alt_security_id = "X509:test"};
    td_try(td_device_join(tx, w->tenant, &j, err));
    td_try(td_way_happened(tx, w->tenant, way.id, TD_EV_ATTESTED, "device", "{}", err));
    td_try(td_way_link(tx, w->tenant, way.id, TD_WAY_DEVICE, d.id, err));
    c->way = way.id;
    joined_id = d.id;
    return td_way_happened(tx, w->tenant, way.id, TD_EV_JOINED, "device", "{}", err);
}

static void set_up(struct client *c)
{
    c->id = NULL;
    commit(c, join_attested);
    commit(c, attest);
    enrol(c, true);
    assert_string_equal(world_enrolment(c->w, c->id).way_id, c->way);
    (void)run_session(c, LOGIN("none"));
    assert_string_equal(word(c), "pre-provisioned");
}

static void provision(struct client *c)
{
    set_up(c);
    commit(c, leave);
    assert_string_equal(word(c), "pre-provisioned");
}

static struct client *on_the_shelf(void **state)
{
    struct client *c = begin_bare(state);
    c->nodes = done_nodes;
    provision(c);
    return c;
}

static enum td_code deregister(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    return td_registration_remove(tx, c->w->tenant, registration, "admin@contoso.test", err);
}

static enum td_code delete_managed(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    return td_managed_end(tx, c->w->tenant, c->id, "", "admin@contoso.test", err);
}

static bool retire_now;

static enum td_code retire(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    struct td_life_retired done;
    const struct td_life_retiring what = {
        .key = SHELVED, .now = retire_now, .reason = "sold", .actor = "admin@contoso.test"};
    return td_life_retire(tx, c->w->tenant, &what, &c->w->wire.arena, &done, err);
}

static enum td_code ask_wipe(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    struct td_action x;
    const struct td_action_asking asking = {.kind = TD_ACTION_WIPE, .reason = "", .actor = "admin@contoso.test"};
    return td_action_ask(tx, c->w->tenant, c->id, &asking, &c->w->wire.arena, &x, err);
}

static enum td_code enable(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    return td_device_enable(tx, c->w->tenant, device_of(c), true, err);
}

/* Shut out, let in again: it goes on where it stood. */
static void disabled_and_enabled_on_the_shelf(void **state)
{
    struct client *c = on_the_shelf(state);
    commit(c, disable);
    assert_int_equal(refused(c), 403);
    assert_string_equal(word(c), "pre-provisioned");
    commit(c, enable);
    commit(c, join_by_user);
    (void)run_session(c, LOGIN("none"));
    (void)run_session(c, LOGIN("user"));
    assert_string_equal(word(c), "ready");
    assert_int_equal(world_events(c->w, c->way, "device.enrolled", NULL), 1);
}

/* Nobody could join it to its enrolment any more: that ends with the registration, and is told. */
static void deregistered_on_the_shelf(void **state)
{
    struct client *c = on_the_shelf(state);
    commit(c, deregister);
    assert_int_equal(world_enrolment(c->w, c->id).state, TD_ENROLMENT_ENDED);
    assert_int_equal(world_events(c->w, c->way, "device.deregistered", NULL), 1);
    assert_int_equal(world_events(c->w, c->way, "device.unenrolled", NULL), 1);
    assert_string_not_equal(word(c), "pre-provisioned");
    assert_int_equal(refused(c), 403);
    assert_int_equal(world_events(c->w, c->way, "management.refused", NULL), 1);
    const char *former = c->id;
    provision(c); /* registered, reset and provisioned anew */
    assert_string_not_equal(c->id, former);
}

/* The power failed behind the green page: it is joined, and managed by that. */
static void deregistered_before_it_left(void **state)
{
    struct client *c = begin_bare(state);
    c->nodes = done_nodes;
    set_up(c);
    commit(c, deregister);
    assert_int_equal(world_enrolment(c->w, c->id).state, TD_ENROLMENT_ACTIVE);
    (void)run_session(c, LOGIN("none"));
}

static void is_enrolled_by_its_user(struct client *c)
{
    const char *former = c->id;
    commit(c, join_by_user);
    assert_string_equal(word(c), "joined");
    assert_int_equal(refused(c), 403); /* what ended stays ended */
    const char *device = joined_id;
    struct td_soap head = world_jwt(c->w, &(struct token){.deviceid = device});
    struct td_rst rst = {.csr = c->w->csr, .context = {.enrollment_type = "Device", .device_name = "DESKTOP-EX0001"}};
    struct td_soap answer = world_rst(c->w, &head, &rst, NULL);
    c->installed = world_install(c->w, &answer);
    c->peer = world_peer(&c->installed);
    c->id = c->installed.cert.subject_cn;
    assert_string_not_equal(c->id, former);
    assert_int_equal(world_enrolment(c->w, c->id).provisioning, TD_PROV_NONE);
    assert_string_equal(world_enrolment(c->w, c->id).way_id, c->way);
    (void)run_session(c, LOGIN("none"));
    (void)run_session(c, LOGIN("user"));
    assert_string_equal(word(c), "ready");
}

static void deleted_on_the_shelf(void **state)
{
    struct client *c = on_the_shelf(state);
    commit(c, delete_managed);
    assert_int_equal(world_events(c->w, c->way, "device.unenrolled", NULL), 1);
    assert_string_equal(word(c), "registered");
    assert_int_equal(refused(c), 403);
    is_enrolled_by_its_user(c);
}

static void retired_on_the_shelf(void **state)
{
    struct client *c = on_the_shelf(state);
    retire_now = false;
    commit(c, retire);
    assert_string_equal(word(c), "pre-provisioned"); /* until it hears of it */
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(count_seen(c, "Exec ./Device/Vendor/MSFT/DMClient/Provider/Touchdown/Unenroll"), 1);
    assert_string_equal(word(c), "retired");
    assert_int_equal(world_events(c->w, c->way, "device.retired", NULL), 1);
    is_enrolled_by_its_user(c);
}

/* Lost or broken: ended at once, whatever it says. */
static void given_up_on_the_shelf(void **state)
{
    struct client *c = on_the_shelf(state);
    retire_now = true;
    commit(c, retire);
    assert_string_equal(word(c), "retired");
    assert_int_equal(refused(c), 403);
    is_enrolled_by_its_user(c);
}

static enum td_code contact(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    return td_action_in_box(tx, c->w->tenant, c->way, false, err);
}

static void wiped_on_the_shelf(void **state)
{
    struct client *c = on_the_shelf(state);
    commit(c, ask_wipe);
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(count_seen(c, "Exec ./Device/Vendor/MSFT/RemoteWipe/doWipe"), 1);
    commit(c, contact); /* as the lookup of a device in its box */
    assert_int_equal(world_events(c->w, c->way, "device.wiped", NULL), 1);
    assert_int_equal(world_enrolment(c->w, c->id).state, TD_ENROLMENT_ENDED);
    assert_string_not_equal(word(c), "pre-provisioned");
    is_enrolled_by_its_user(c);
}

/* --- a technician's proof --- */

struct registering {
    struct client *c;
    const char *id, *code;
    int64_t expires;
    struct td_registration_new what;
};

static enum td_code add_registration(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct registering *r = ctx;
    struct td_arena *a = &r->c->w->wire.arena;
    struct td_import_verdict v;
    r->what = (struct td_registration_new){.serial = "SER9",
                                           .manufacturer = "Maker",
                                           .model = "Model",
                                           .sku = "",
                                           .family = "",
                                           .product_key = "",
                                           .group_tag = "",
                                           .purchase_order = "",
                                           .assigned_user = "",
                                           .warning = "",
                                           .hash = TD_S("")};
    (void)td_facts_add_tuple(&r->what.facts, a, TD_S("Maker"), TD_S("Model"), TD_S("SER9"));
    td_try(td_registration_add(tx, r->c->w->tenant, &r->what, "test", a, &v, err));
    r->id = v.registration_id;
    return TD_OK;
}

static enum td_code make_code(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct registering *r = ctx;
    return td_technician_code(tx, r->c->w->tenant, r->id, "admin@contoso.test", &r->c->w->wire.arena, &r->code,
                              &r->expires, err);
}

static struct registering registered(void **state)
{
    struct registering r = {.c = td_arena_new(&((struct world *)*state)->wire.arena, struct client)};
    struct td_error err = {0};
    r.c->w = *state;
    if (td_store_write(r.c->w->wire.svc.store, add_registration, &r, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    return r;
}

static const char *check(struct registering *r, const char *token, const char *code)
{
    struct td_technician by = {.who = NULL, .field = NULL};
    struct td_error err = {0};
    const struct td_technician_proof proof = {token, code};
    struct world *w = r->c->w;
    enum td_code rc = td_technician_check(&w->wire.svc, w->tenant, r->id, &proof, &w->wire.arena, &by, &err);
    if (rc != TD_OK)
        assert_string_not_equal(err.remedy, "");
    return rc == TD_OK ? by.who : NULL;
}

static void renew_code(struct registering *r)
{
    struct td_error err = {0};
    if (td_store_write(r->c->w->wire.svc.store, make_code, r, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
}

static void presence_is_enough_unless_the_tenant_says_more(void **state)
{
    struct registering r = registered(state);
    assert_string_equal(check(&r, NULL, NULL), "presence");
    world_set(r.c->w, "technician-proof", "sign-in");
    assert_null(check(&r, NULL, NULL));
    assert_null(check(&r, "nonsense", NULL));
    const char *token = world_token(r.c->w, &(struct token){.aud = "urn:ms-drs:enterpriseregistration.windows.net"});
    assert_string_equal(check(&r, token, NULL), r.c->w->upn);
    token = world_token(r.c->w, &(struct token){.aud = WORLD_AUDIENCE}); /* for something else */
    assert_null(check(&r, token, NULL));
}

/* As often as its device asks for a challenge; what uses it up is an admission (test_attestation). */
static void a_code_is_good_for_its_time(void **state)
{
    struct registering r = registered(state);
    world_set(r.c->w, "technician-proof", "companion");
    assert_null(check(&r, NULL, NULL));
    assert_null(check(&r, NULL, "BCDF-GHJK")); /* none was made */
    renew_code(&r);
    char *typed = td_arena_strdup(&r.c->w->wire.arena, r.code);
    td_lower(typed);
    assert_string_equal(check(&r, NULL, typed), "code of admin@contoso.test");
    assert_non_null(check(&r, NULL, r.code));
    const char *older = r.code;
    renew_code(&r);
    assert_null(check(&r, NULL, older));
    r.c->w->wire.env.now += TD_PROVISION_CODE_LIFE + 1;
    assert_null(check(&r, NULL, r.code));
}

static void guesses_are_counted(void **state)
{
    struct registering r = registered(state);
    world_set(r.c->w, "technician-proof", "companion");
    renew_code(&r);
    for (int i = 0; i < TD_PROVISION_CODE_MISSES - 1; i++)
        assert_null(check(&r, NULL, "XXXX-XXXX"));
    assert_non_null(check(&r, NULL, r.code));
    renew_code(&r);
    for (int i = 0; i < TD_PROVISION_CODE_MISSES; i++)
        assert_null(check(&r, NULL, "XXXX-XXXX"));
    assert_null(check(&r, NULL, r.code));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(from_the_bench_to_its_user),
        TEST(a_claim_is_not_a_technician),
        TEST(unsealed_it_is_not_served),
        TEST(on_the_shelf_it_can_be_shut_out),
        TEST(removed_from_the_directory_it_is_nobodys),
        TEST(sealed_and_never_unjoined),
        TEST(a_page_that_is_off_hides_nothing),
        TEST(red_then_green),
        TEST(a_user_gets_what_its_groups_want),
        TEST(a_technician_gets_the_apps_of_the_assigned_user),
        TEST(disabled_and_enabled_on_the_shelf),
        TEST(deregistered_on_the_shelf),
        TEST(deregistered_before_it_left),
        TEST(deleted_on_the_shelf),
        TEST(retired_on_the_shelf),
        TEST(given_up_on_the_shelf),
        TEST(wiped_on_the_shelf),
        TEST(presence_is_enough_unless_the_tenant_says_more),
        TEST(a_code_is_good_for_its_time),
        TEST(guesses_are_counted),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
