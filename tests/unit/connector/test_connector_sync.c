/* connector/sync: runs of the directory sync, against td_ad_changed put in the place of connect/ad.h's (a directory
 * made of tables is too small for batches). */
#include "unit/connector/fake_service.h"

enum { MANY = 1203 };

static struct {
    size_t people, members;
    const char *mail; /* of each */
    bool deleted;
    uint64_t asked_from;
    char asked_base[128];
    int runs;
} stage;

enum td_code __wrap_td_ad_changed(struct td_ldap *l, const struct td_ad_domain *d, const struct td_ad_changes *c,
                                  struct td_arena *a,
                                  enum td_code (*each)(void *ctx, const struct td_ad_object *o, struct td_error *err),
                                  void *ctx, uint64_t *ret_usn, struct td_error *err);

static const char *guid_of(struct td_arena *a, size_t i)
{
    return td_arena_printf(a, "00000000-0000-0000-0000-%012zu", i);
}

enum td_code __wrap_td_ad_changed(struct td_ldap *l, const struct td_ad_domain *d, const struct td_ad_changes *c,
                                  struct td_arena *a,
                                  enum td_code (*each)(void *ctx, const struct td_ad_object *o, struct td_error *err),
                                  void *ctx, uint64_t *ret_usn, struct td_error *err)
{
    (void)l;
    stage.runs++;
    stage.asked_from = c->from;
    snprintf(stage.asked_base, sizeof(stage.asked_base), "%s", c->base);
    for (size_t i = 0; i < stage.people; i++) {
        struct td_ad_object o = {.sid = "S-1-5-21-1-2-3-4",
                                 .kind = "user",
                                 .upn = "p@corp.test",
                                 .sam = "p",
                                 .name = "P",
                                 .mail = stage.mail != NULL ? stage.mail : "",
                                 .enabled = true,
                                 .deleted = stage.deleted};
        memcpy(o.guid, guid_of(a, i), sizeof(o.guid));
        td_try(each(ctx, &o, err));
    }
    if (stage.members != 0) {
        const char **members = td_arena_array(a, const char *, stage.members + 1);
        struct td_ad_object o = {.sid = "S-1-5-21-1-2-3-5",
                                 .kind = "group",
                                 .upn = "",
                                 .sam = "g",
                                 .name = "G",
                                 .mail = "",
                                 .enabled = true,
                                 .is_security = true,
                                 .members = members};
        for (size_t i = 0; i < stage.members; i++)
            members[i] = guid_of(a, i);
        memcpy(o.guid, guid_of(a, 777777), sizeof(o.guid));
        td_try(each(ctx, &o, err));
    }
    *ret_usn = d->highest_usn;
    return TD_OK;
}

/* A service that keeps the number as docs/protocol/connector.md 4 says. */
struct keeper {
    char server[64];
    uint64_t usn;
    bool stubborn; /* it answers with its own number to everything: it is another one's turn */
    char answer[64];
};

static void keep(struct service *s, const char *path)
{
    struct keeper *k = s->before_ctx;
    struct td_json *said = NULL;
    uint64_t from = 0, to = 0;
    if (strcmp(path, "sync") != 0)
        return;
    assert_ok(td_json_parse(td_str(s->calls[s->call_count - 1].body), 1 << 20, &s->a, &said, NULL));
    assert_true(td_json_count(td_json_get(said, "objects")) <= 500);
    assert_true(td_parse_u64(td_str(td_json_str(said, "from")), &from));
    assert_true(td_parse_u64(td_str(td_json_str(said, "to")), &to));
    bool asks = td_json_count(td_json_get(said, "objects")) == 0 && !td_json_bool(said, "last", false);
    if (strcmp(k->server, td_json_str(said, "server")) != 0) {
        snprintf(k->server, sizeof(k->server), "%s", td_json_str(said, "server"));
        k->usn = 0;
    }
    bool last = td_json_bool(said, "last", false);
    if (last && !k->stubborn)
        k->usn = to;
    snprintf(k->answer, sizeof(k->answer), "{\"from\":\"%llu\"}",
             (unsigned long long)(asks || last || k->stubborn ? k->usn : from));
    service_answer(s, "sync", 200, k->answer, 1);
}

#define WANTED                                                                                               \
    "{\"id\":\"c-1\",\"name\":\"one\",\"domains\":[{\"domain\":\"corp.test\",\"signIn\":true,\"sync\":true," \
    "\"syncBase\":\"OU=People,DC=corp,DC=test\",\"syncSeconds\":60}]}"

static struct td_connector_state *begin(struct service *s, struct keeper *k)
{
    memset(&stage, 0, sizeof(stage));
    memset(k, 0, sizeof(*k));
    service_init(s);
    s->hello = WANTED;
    s->before = keep;
    s->before_ctx = k;
    return service_connector(s);
}

static void finish(struct service *s, struct td_connector_state *c)
{
    td_connector_close(c);
    service_done(s);
}

static uint64_t number(const struct td_json *call, const char *member)
{
    uint64_t n = UINT64_MAX;
    assert_true(td_parse_u64(td_str(td_json_str(call, member)), &n));
    return n;
}

static void asks_then_tells_everything_in_batches(void **state TD_UNUSED)
{
    struct service s;
    struct keeper k;
    struct td_connector_state *c = begin(&s, &k);
    stage.people = MANY;
    service_round(c);
    assert_int_equal(service_count(&s, "sync"), 1 + 3); /* the question, 500, 500, 203 */
    assert_int_equal(td_json_count(td_json_get(service_call(&s, "sync", 3), "objects")), 0);
    const struct td_json *first = service_call(&s, "sync", 2), *last = service_last(&s, "sync");
    assert_int_equal(td_json_count(td_json_get(first, "objects")), 500);
    assert_false(td_json_bool(first, "last", true));
    assert_int_equal(td_json_count(td_json_get(last, "objects")), 203);
    assert_true(td_json_bool(last, "last", false));
    assert_true(td_json_bool(first, "full", false) && td_json_bool(last, "full", false));
    assert_int_equal(number(first, "from"), 0);
    assert_int_equal(number(first, "to"), s.directory.usn);
    assert_int_equal(number(last, "to"), s.directory.usn);
    assert_string_equal(stage.asked_base, "OU=People,DC=corp,DC=test");
    assert_true(service_said(&s, "1203 people and groups told (all)"));
    finish(&s, c);
}

static void then_only_what_changed(void **state TD_UNUSED)
{
    struct service s;
    struct keeper k;
    struct td_connector_state *c = begin(&s, &k);
    service_round(c);
    uint64_t before = s.directory.usn;
    assert_int_equal(stage.runs, 1);
    service_round(c); /* no minute has passed */
    assert_int_equal(stage.runs, 1);
    s.env.now += TD_MINUTE;
    fake_person(&s.directory, "zoe", "x");
    service_round(c);
    assert_int_equal(stage.runs, 2);
    assert_int_equal(stage.asked_from, before);
    const struct td_json *last = service_last(&s, "sync");
    assert_false(td_json_bool(last, "full", true));
    assert_true(td_json_bool(last, "last", false)); /* also with nothing to tell */
    assert_int_equal(number(last, "from"), before);
    assert_int_equal(number(last, "to"), s.directory.usn);
    s.env.now += TD_DAY; /* once a day all of it */
    service_round(c);
    assert_true(td_json_bool(service_last(&s, "sync"), "full", false));
    assert_int_equal(stage.asked_from, 0);
    finish(&s, c);
}

static void begins_anew_at_another_server(void **state TD_UNUSED)
{
    struct service s;
    struct keeper k;
    struct td_connector_state *c = begin(&s, &k);
    service_round(c);
    struct fake_entry *e = fake_find(&s.directory, FAKE_SERVER);
    fake_attr_of(e, "invocationId", false)->count = 0;
    fake_value(&s.directory, e, "invocationId", TD_S("\2\0\0\0\2\0\3\0\4\5\6\7\x8\x9\xA\xB"));
    s.env.now += TD_MINUTE;
    service_round(c);
    assert_true(td_json_bool(service_last(&s, "sync"), "full", false));
    assert_int_equal(stage.asked_from, 0);
    assert_string_not_equal(td_json_str(service_last(&s, "sync"), "server"),
                            td_json_str(service_call(&s, "sync", 3), "server"));
    finish(&s, c);
}

/* Started anew, it asks how far it was told, and goes on from there. */
static void goes_on_where_the_service_is(void **state TD_UNUSED)
{
    struct service s;
    struct keeper k;
    struct td_connector_state *c = begin(&s, &k);
    service_round(c);
    uint64_t before = s.directory.usn;
    td_connector_close(c);
    c = service_connector(&s);
    s.env.now += TD_MINUTE;
    service_round(c);
    assert_int_equal(stage.asked_from, before);
    assert_false(td_json_bool(service_last(&s, "sync"), "full", true));
    finish(&s, c);
}

static void tells_large_groups_in_pieces(void **state TD_UNUSED)
{
    struct service s;
    struct keeper k;
    struct td_connector_state *c = begin(&s, &k);
    stage.members = 12001;
    service_round(c);
    const struct td_json *objects = td_json_get(service_last(&s, "sync"), "objects");
    size_t sum = 0;
    int pieces = 0;
    for (const struct td_json *o = objects->child; o != NULL; o = o->next, pieces++) {
        sum += td_json_count(td_json_get(o, "members"));
        assert_true(td_json_bool(o, "continued", false) == (pieces != 0));
        assert_true(td_json_bool(o, "security", false));
    }
    assert_int_equal(pieces, 3);
    assert_int_equal(sum, 12001);
    finish(&s, c);
}

/* A message has a bound in octets as well as one in objects. */
static void tells_long_ones_in_pieces(void **state TD_UNUSED)
{
    struct service s;
    struct keeper k;
    char mail[4001];
    size_t told = 0;
    struct td_connector_state *c = begin(&s, &k);
    memset(mail, 'm', 4000);
    mail[4000] = '\0';
    stage.people = 450;
    stage.mail = mail;
    service_round(c);
    for (int i = 0; i < service_count(&s, "sync"); i++)
        told += td_json_count(td_json_get(service_call(&s, "sync", i), "objects"));
    assert_int_equal(told, 450);
    assert_int_equal(service_count(&s, "sync"), 4); /* what it asks first, and three parts */
    finish(&s, c);
}

/* Somebody else may have told what changed since: it asks where to go on. */
static void asks_anew_when_it_is_wanted_again(void **state TD_UNUSED)
{
    struct service s;
    struct keeper k;
    struct td_connector_state *c = begin(&s, &k);
    service_round(c);
    s.hello = "{\"id\":\"c-1\",\"name\":\"one\",\"domains\":[]}";
    s.env.now += TD_MINUTE;
    service_round(c);
    s.env.now += TD_MINUTE;
    service_round(c);
    int before = service_count(&s, "sync");
    s.hello = WANTED;
    s.env.now += TD_MINUTE;
    service_round(c);
    s.env.now += TD_MINUTE;
    service_round(c);
    assert_true(service_count(&s, "sync") > before);
    const struct td_json *first = service_call(&s, "sync", service_count(&s, "sync") - before - 1);
    assert_false(td_json_bool(first, "last", true));
    assert_int_equal(td_json_count(td_json_get(first, "objects")), 0);
    finish(&s, c);
}

static void leaves_a_run_that_is_void(void **state TD_UNUSED)
{
    struct service s;
    struct keeper k;
    struct td_connector_state *c = begin(&s, &k);
    stage.people = MANY;
    service_round(c);
    int calls = service_count(&s, "sync");
    k.stubborn = true;
    k.usn = 42;
    s.env.now += TD_MINUTE;
    service_round(c);
    assert_int_equal(service_count(&s, "sync"), calls + 1); /* the first batch, and no more */
    assert_true(service_said(&s, "goes on from 42"));
    k.stubborn = false;
    s.env.now += TD_MINUTE;
    service_round(c);
    assert_int_equal(stage.asked_from, 42);
    finish(&s, c);
}

static void tells_who_is_gone_by_guid_alone(void **state TD_UNUSED)
{
    struct service s;
    struct keeper k;
    struct td_connector_state *c = begin(&s, &k);
    stage.people = 1;
    stage.deleted = true;
    service_round(c);
    const struct td_json *o = td_json_get(service_last(&s, "sync"), "objects")->child;
    assert_true(td_json_bool(o, "deleted", false));
    assert_null(td_json_get(o, "upn"));
    assert_string_equal(td_json_str(o, "guid"), "00000000-0000-0000-0000-000000000000");
    finish(&s, c);
}

/* Who was told and is not below the base any more is told as gone, though the directory says nothing of it. A look that
 * finds nobody says nothing. */
static void misses_who_is_not_there_any_more(void **state TD_UNUSED)
{
    struct service s;
    struct keeper k;
    struct td_connector_state *c = begin(&s, &k);
    stage.people = 3;
    service_round(c);
    assert_true(td_json_bool(service_last(&s, "sync"), "full", false));
    stage.people = 0;
    s.env.now += TD_MINUTE;
    service_round(c);
    assert_int_equal(td_json_count(td_json_get(service_last(&s, "sync"), "objects")), 0);
    fake_person(&s.directory, "zoe", "x");
    s.env.now += TD_MINUTE;
    service_round(c);
    const struct td_json *objects = td_json_get(service_last(&s, "sync"), "objects");
    assert_int_equal(td_json_count(objects), 3);
    for (const struct td_json *o = objects->child; o != NULL; o = o->next)
        assert_true(td_json_bool(o, "deleted", false));
    assert_string_equal(td_json_str(objects->child, "guid"), "00000000-0000-0000-0000-000000000000");
    s.env.now += TD_MINUTE;
    service_round(c);
    assert_int_equal(td_json_count(td_json_get(service_last(&s, "sync"), "objects")), 0);
    finish(&s, c);
}

/* Another part of the tree is wanted: what changed there says nothing of those who were there before. */
static void another_base_is_told_whole(void **state TD_UNUSED)
{
    struct service s;
    struct keeper k;
    struct td_connector_state *c = begin(&s, &k);
    service_round(c);
    s.hello = "{\"id\":\"c-1\",\"name\":\"one\",\"domains\":[{\"domain\":\"corp.test\",\"signIn\":true,\"sync\":true,"
              "\"syncBase\":\"\",\"syncSeconds\":60}]}";
    s.env.now += TD_MINUTE;
    service_round(c);
    s.env.now += TD_MINUTE;
    service_round(c);
    assert_string_equal(stage.asked_base, "");
    int runs = stage.runs, fulls = 0;
    for (int i = 0; i < service_count(&s, "sync"); i++)
        fulls += td_json_bool(service_call(&s, "sync", i), "full", false);
    assert_int_equal(fulls, 2);
    s.env.now += TD_MINUTE;
    service_round(c);
    assert_int_equal(stage.runs, runs + 1);
    assert_false(td_json_bool(service_last(&s, "sync"), "full", true));
    finish(&s, c);
}

static void says_a_failure_once_and_goes_on(void **state TD_UNUSED)
{
    struct service s;
    struct keeper k;
    struct td_connector_state *c = begin(&s, &k);
    service_round(c);
    s.down[0] = s.down[1] = "NoDc";
    size_t said = 0;
    for (int i = 0; i < 3; i++) {
        s.env.now += TD_MINUTE;
        service_round(c);
    }
    for (size_t i = 0; i < s.line_count; i++)
        said += strstr(s.lines[i], "were not told") != NULL;
    assert_int_equal(said, 1);
    s.down[0] = NULL;
    s.env.now += TD_MINUTE;
    service_round(c);
    assert_int_equal(stage.runs, 2);
    s.hello = "{\"id\":\"c-1\",\"name\":\"one\",\"domains\":[]}"; /* no longer wanted, or another one's turn */
    s.env.now += TD_MINUTE;
    service_round(c);
    assert_int_equal(stage.runs, 2);
    finish(&s, c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_then_tells_everything_in_batches),
        cmocka_unit_test(then_only_what_changed),
        cmocka_unit_test(begins_anew_at_another_server),
        cmocka_unit_test(goes_on_where_the_service_is),
        cmocka_unit_test(tells_long_ones_in_pieces),
        cmocka_unit_test(asks_anew_when_it_is_wanted_again),
        cmocka_unit_test(tells_large_groups_in_pieces),
        cmocka_unit_test(leaves_a_run_that_is_void),
        cmocka_unit_test(tells_who_is_gone_by_guid_alone),
        cmocka_unit_test(says_a_failure_once_and_goes_on),
        cmocka_unit_test(misses_who_is_not_there_any_more),
        cmocka_unit_test(another_base_is_told_whole),
    };
    int failed = cmocka_run_group_tests_name("directory sync", tests, NULL, NULL);
    service_keys_done();
    return failed;
}
