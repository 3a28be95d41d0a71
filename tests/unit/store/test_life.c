/* store/life: one view of a machine's life over all its ways (autopilot.md row S23). */
#include "store/event.h"
#include "store/life.h"
#include "unit/store/life_world.h"

static const char tag[] = "SN-LIFE-1";

/* --- the story, as text --- */

struct told {
    struct td_buf out;
    size_t count;
    int64_t last;
};

static enum td_code line(void *ctx, const struct td_life_chapter *c, struct td_error *err TD_UNUSED)
{
    struct told *t = ctx;
    const char *const parts[] = {c->kind, c->what, c->outcome, c->who, c->user, c->profile, c->why};
    assert_true(c->begin_at >= t->last); /* in the order in which they began */
    t->last = c->begin_at;
    for (size_t i = 0; i < TD_COUNTOF(parts); i++)
        td_buf_printf(&t->out, "%s%s", i != 0 ? "|" : "", parts[i]);
    td_buf_printf(&t->out, "|%lld\n", (long long)(c->end_at != 0 ? (c->end_at - c->begin_at) / TD_SECOND : -1));
    t->count++;
    return TD_OK;
}

static struct told story(struct td_tx *tx, struct life *l, const char *key, struct td_life *life)
{
    struct told t = {.count = 0};
    struct td_error err = {0};
    td_buf_init(&t.out, 1 << 20);
    if (td_life_find(tx, l->tenant, key, &l->arena, life, &err) != TD_OK)
        fail_msg("%s", err.text);
    assert_ok(td_life_tell(tx, l->tenant, life, line, &t, &err));
    return t;
}

/* --- what happens --- */

struct happening {
    struct life *life;
    const char *way;
    enum td_way_event event;
    const char *type, *actor, *detail; /* type: an event of its own */
};

static enum td_code happen(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct happening *h = ctx;
    if (h->type == NULL)
        return td_way_happened(tx, h->life->tenant, h->way, h->event, h->actor, h->detail, err);
    const struct td_event e = {.subject = h->way, .type = h->type, .actor = h->actor, .detail = h->detail};
    return td_event_append(tx, h->life->tenant, &e, err);
}

/* Ten seconds between any two. */
static void happens(struct life *l, const char *way, enum td_way_event event, const char *actor, const char *detail)
{
    struct happening h = {.life = l, .way = way, .event = event, .actor = actor, .detail = detail};
    struct td_error err = {0};
    l->env.now += 10 * TD_SECOND;
    if (td_store_write(l->store, happen, &h, &err) != TD_OK)
        fail_msg("%s", err.text);
}

static void notes(struct life *l, const char *way, const char *type, const char *actor, const char *detail)
{
    struct happening h = {.life = l, .way = way, .type = type, .actor = actor, .detail = detail};
    l->env.now += 10 * TD_SECOND;
    assert_ok(td_store_write(l->store, happen, &h, NULL));
}

struct registering {
    struct life *life;
    const char *serial, *uuid;
    const char *id, *way;
};

static enum td_code add(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct registering *g = ctx;
    struct td_arena *a = &g->life->arena;
    struct td_registration_new n = {.serial = g->serial,
                                    .manufacturer = "Contoso",
                                    .model = "Box",
                                    .sku = "",
                                    .family = "",
                                    .product_key = "",
                                    .group_tag = "",
                                    .purchase_order = "",
                                    .assigned_user = "",
                                    .warning = "",
                                    .hash = TD_S("octets")};
    struct td_import_verdict v;
    struct td_registration r;
    (void)td_facts_add_tuple(&n.facts, a, td_str(n.manufacturer), td_str(n.model), td_str(g->serial));
    (void)td_facts_add_uuid(&n.facts, a, td_str(g->uuid));
    td_try(td_registration_add(tx, g->life->tenant, &n, "admin@contoso.test", a, &v, err));
    td_try(td_registration_find(tx, g->life->tenant, v.registration_id, a, &r, err));
    g->id = r.id;
    g->way = r.way_id;
    return TD_OK;
}

static struct registering registers(struct life *l, const char *serial, const char *uuid)
{
    struct registering g = {.life = l, .serial = serial, .uuid = uuid};
    l->env.now += 10 * TD_SECOND;
    assert_ok(td_store_write(l->store, add, &g, NULL));
    return g;
}

static enum td_code drop(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct registering *g = ctx;
    return td_registration_remove(tx, g->life->tenant, g->id, "admin@contoso.test", err);
}

static void deregisters(struct life *l, struct registering *g)
{
    l->env.now += 10 * TD_SECOND;
    assert_ok(td_store_write(l->store, drop, g, NULL));
}

static void deploys(struct life *l, const char *way, const char *upn)
{
    happens(l, way, TD_EV_CONTACTED, "device", "{}");
    happens(l, way, TD_EV_SIGNED_IN, upn, "{}");
    happens(l, way, TD_EV_JOINED, upn, "{}");
    happens(l, way, TD_EV_ENROLLED, upn, "{}");
    happens(l, way, TD_EV_DEVICE_SETUP, "device", "{}");
    happens(l, way, TD_EV_READY, "device", "{}");
}

static const char uuid_1[] = "4c4c4544-0035-4a10-8051-c4c04f503232", uuid_2[] = "4c4c4544-0035-4a10-8051-c4c04f509999";

/* --- the tests --- */

static void whole(struct td_tx *tx, struct life *l)
{
    struct td_life life;
    struct told t = story(tx, l, tag, &life);
    assert_string_equal(life.serial, tag);
    assert_string_equal(life.word, "retired");
    assert_int_equal(life.way_count, 1);
    assert_slice(td_buf_slice(&t.out),
                 "registered|||admin@contoso.test||||0\n"
                 "deployed||ready|ada@contoso.test|ada@contoso.test|Sales||50\n"
                 "action|reset|done|it@contoso.test, approved by boss@contoso.test|||Ada has left|20\n"
                 "reset|reset||it@contoso.test, approved by boss@contoso.test|||Ada has left|0\n"
                 "redeployed||ready|bob@contoso.test|bob@contoso.test|Sales||30\n"
                 "repurposed|||bob@contoso.test|bob@contoso.test|||0\n"
                 "attention||fix pending|system|||mainboard and mac differ|0\n"
                 "repaired|||system|||mainboard and mac differ|0\n"
                 "attention||over|system|||it was registered anew|0\n"
                 "action|sync|cancelled|it@contoso.test||||10\n"
                 "action|reset|cancelled|it@contoso.test|||for Cem; wipe takes its place|10\n"
                 "reset|local-reset||device||||0\n"
                 "redeployed||ready|device|bob@contoso.test|Sales||20\n"
                 "retired|||it@contoso.test||||0\n");
    td_buf_done(&t.out);
}

static void tells_it_in_chapters(void **state)
{
    struct life *l = *state;
    const char *w = registers(l, tag, uuid_1).way;
    notes(l, w, "device.assigned", "system", "{\"profile\":\"Sales\"}");
    deploys(l, w, "ada@contoso.test");
    happens(l, w, TD_EV_ACTION_QUEUED, "it@contoso.test",
            "{\"action\":\"reset\",\"id\":\"a1\",\"reason\":\"Ada has left\"}");
    happens(l, w, TD_EV_ACTION_SENT, "device", "{\"action\":\"reset\",\"id\":\"a1\"}");
    happens(l, w, TD_EV_RESET, "device",
            "{\"action\":\"reset\",\"id\":\"a1\",\"by\":\"it@contoso.test\",\"approvedBy\":\"boss@contoso.test\","
            "\"reason\":\"Ada has left\"}");
    happens(l, w, TD_EV_DEVICE_SETUP, "device", "{}");
    happens(l, w, TD_EV_REPURPOSED, "bob@contoso.test", "{\"user\":\"bob@contoso.test\"}");
    happens(l, w, TD_EV_ACCOUNT_SETUP, "bob@contoso.test", "{}");
    happens(l, w, TD_EV_READY, "device", "{}");
    notes(l, w, "device.attention", "system", "{\"remediation\":\"automatic\",\"cause\":\"mainboard and mac differ\"}");
    happens(l, w, TD_EV_REPAIRED, "system", "{\"differs\":\"mainboard and mac differ\"}");
    notes(l, w, "device.attention", "system", "{\"remediation\":\"none\",\"cause\":\"it was registered anew\"}");
    happens(l, w, TD_EV_ACTION_QUEUED, "it@contoso.test", "{\"action\":\"sync\",\"id\":\"a2\"}");
    happens(l, w, TD_EV_ACTION_CANCELLED, "it@contoso.test", "{\"action\":\"sync\",\"id\":\"a2\"}");
    happens(l, w, TD_EV_ACTION_QUEUED, "it@contoso.test",
            "{\"action\":\"reset\",\"id\":\"a3\",\"reason\":\"for Cem\"}");
    happens(l, w, TD_EV_ACTION_CANCELLED, "it@contoso.test",
            "{\"action\":\"reset\",\"id\":\"a3\",\"reason\":\"for Cem\",\"cause\":\"wipe takes its place\"}");
    happens(l, w, TD_EV_RESET, "device", "{\"action\":\"local-reset\",\"id\":\"a4\"}");
    happens(l, w, TD_EV_DEVICE_SETUP, "device", "{}");
    happens(l, w, TD_EV_ACCOUNT_SETUP, "device", "{}");
    happens(l, w, TD_EV_READY, "device", "{}");
    happens(l, w, TD_EV_RETIRED, "it@contoso.test", "{}");
    life_write(l, whole);
}

static void nobodys(struct td_tx *tx, struct life *l)
{
    struct td_life life;
    struct told t = story(tx, l, tag, &life);
    assert_slice(td_buf_slice(&t.out), "registered|||admin@contoso.test||||0\n"
                                       "deployed||ready|device||Kiosks||50\n"
                                       "reset|local-reset||device||||0\n"
                                       "redeployed||ready|device||Kiosks||10\n");
    td_buf_done(&t.out);
}

/* autopilot.md 3.3: its TPM begins what a sign-in begins, and no chapter has a user. */
static void tells_a_device_without_a_user(void **state)
{
    struct life *l = *state;
    const char *w = registers(l, tag, uuid_1).way;
    notes(l, w, "device.assigned", "system", "{\"profile\":\"Kiosks\"}");
    happens(l, w, TD_EV_ATTESTED, "device", "{}");
    happens(l, w, TD_EV_JOINED, "device", "{}");
    happens(l, w, TD_EV_ENROLLED, "device", "{}");
    happens(l, w, TD_EV_DEVICE_SETUP, "device", "{}");
    happens(l, w, TD_EV_DEVICE_DONE, "device", "{}");
    happens(l, w, TD_EV_READY, "device", "{}");
    happens(l, w, TD_EV_RESET, "device", "{\"action\":\"local-reset\",\"id\":\"a1\"}");
    happens(l, w, TD_EV_DEVICE_SETUP, "device", "{}");
    happens(l, w, TD_EV_READY, "device", "{}");
    life_write(l, nobodys);
}

static void by_a_technician(struct td_tx *tx, struct life *l)
{
    struct td_life life;
    struct told t = story(tx, l, tag, &life);
    assert_slice(td_buf_slice(&t.out), "registered|||admin@contoso.test||||0\n"
                                       "deployed||pre-provisioned|device||||50\n"
                                       "deployed||ready|ada@contoso.test|ada@contoso.test|||40\n"
                                       "unjoined|||device||||0\n");
    td_buf_done(&t.out);
}

/* 3.4: two parts of one deployment; that it is un-joined for the shelf is nothing of its own, later it is. */
static void tells_the_two_parts_of_pre_provisioning(void **state)
{
    struct life *l = *state;
    const char *w = registers(l, tag, uuid_1).way;
    happens(l, w, TD_EV_ATTESTED, "device", "{}");
    happens(l, w, TD_EV_JOINED, "device", "{}");
    happens(l, w, TD_EV_ENROLLED, "device", "{}");
    happens(l, w, TD_EV_DEVICE_SETUP, "device", "{}");
    happens(l, w, TD_EV_DEVICE_DONE, "device", "{}");
    happens(l, w, TD_EV_PROVISIONED, "device", "{}");
    happens(l, w, TD_EV_UNJOINED, "device", "{}");
    happens(l, w, TD_EV_SIGNED_IN, "ada@contoso.test", "{}");
    happens(l, w, TD_EV_JOINED, "ada@contoso.test", "{}");
    happens(l, w, TD_EV_DEVICE_SETUP, "device", "{}");
    happens(l, w, TD_EV_ACCOUNT_SETUP, "device", "{}");
    happens(l, w, TD_EV_READY, "device", "{}");
    happens(l, w, TD_EV_UNJOINED, "device", "{}");
    life_write(l, by_a_technician);
}

static void both(struct td_tx *tx, struct life *l)
{
    struct td_life life;
    struct told t = story(tx, l, "sn life-1", &life);
    assert_int_equal(life.way_count, 2);
    assert_non_null(strstr(t.out.p, "deregistered"));
    assert_int_equal(t.count, 5); /* registered, deployed, unjoined, deregistered, registered */
    assert_true(life.registration_id[0] != '\0');
    td_buf_done(&t.out);
}

static void another(struct td_tx *tx, struct life *l)
{
    struct td_life life;
    struct told t = story(tx, l, "SN-LIFE-2", &life);
    assert_int_equal(life.way_count, 1);
    assert_int_equal(t.count, 1);
    td_buf_done(&t.out);
}

static void finds_all_ways_of_a_machine(void **state)
{
    struct life *l = *state;
    struct registering g = registers(l, tag, uuid_1);
    (void)registers(l, "SN-LIFE-2", uuid_2);
    deploys(l, g.way, "ada@contoso.test");
    happens(l, g.way, TD_EV_UNJOINED, "device", "{}");
    deregisters(l, &g);
    (void)registers(l, tag, uuid_1);
    life_write(l, both);
    life_write(l, another);
}

static const char *known_as;

static void gone(struct td_tx *tx, struct life *l)
{
    struct td_life life;
    struct td_error err = {0};
    const char *const keys[] = {tag, known_as};
    for (size_t i = 0; i < TD_COUNTOF(keys); i++) {
        struct told t = story(tx, l, keys[i], &life);
        assert_int_equal(t.count, 2);
        assert_string_equal(life.serial, tag);
        assert_string_equal(life.model, "Box");
        assert_string_equal(life.registration_id, "");
        td_buf_done(&t.out);
    }
    assert_int_equal(td_life_find(tx, "another", tag, &l->arena, &life, &err), TD_ENOTFOUND);
    assert_int_equal(td_life_find(tx, l->tenant, "SN-NOBODY", &l->arena, &life, &err), TD_ENOTFOUND);
}

static void a_deregistered_one_is_still_told(void **state)
{
    struct life *l = *state;
    struct registering g = registers(l, tag, uuid_1);
    deregisters(l, &g);
    known_as = g.id;
    life_write(l, gone);
}

/* Two machines that share one fact alone are two. */
static void alike(struct td_tx *tx, struct life *l)
{
    struct td_life life;
    struct told t = story(tx, l, "SN-LIFE-3", &life);
    assert_int_equal(life.way_count, 1);
    td_buf_done(&t.out);
}

static void one_fact_is_not_enough(void **state)
{
    struct life *l = *state;
    struct registering g = registers(l, tag, uuid_1);
    deregisters(l, &g);
    (void)registers(l, "SN-LIFE-3", uuid_1);
    life_write(l, alike);
}

enum { RESETS = 400 };

static void many(struct td_tx *tx, struct life *l)
{
    struct td_life life;
    struct told t = story(tx, l, tag, &life);
    assert_int_equal(t.count, 1 + 1 + 1 + 2 * RESETS); /* the action that nobody fetches is told too, once */
    td_buf_done(&t.out);
}

/* An action that stays open does not hold the others back for ever. */
static void a_long_life(void **state)
{
    struct life *l = *state;
    const char *w = registers(l, tag, uuid_1).way;
    deploys(l, w, "ada@contoso.test");
    happens(l, w, TD_EV_ACTION_QUEUED, "it", "{\"action\":\"restart\",\"id\":\"never\"}");
    for (int i = 0; i < RESETS; i++) {
        happens(l, w, TD_EV_RESET, "device", "{}");
        happens(l, w, TD_EV_DEVICE_SETUP, "device", "{}");
        happens(l, w, TD_EV_READY, "device", "{}");
    }
    life_write(l, many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_it_in_chapters, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(tells_a_device_without_a_user, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(tells_the_two_parts_of_pre_provisioning, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(finds_all_ways_of_a_machine, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(a_deregistered_one_is_still_told, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(one_fact_is_not_enough, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(a_long_life, life_setup, life_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
