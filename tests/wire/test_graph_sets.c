/* Every set and action of the administration interface, by the tables that the service runs by: each answers, none
 * without a token, none without its right, none with what is not JSON, and none of its lists can be taken away. */
#include "graph_world.h"

static const char *nobody_token;

static enum td_code add_bare_app(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct gw_app *n = ctx;
    unsigned char sum[32];
    td_sha256(td_str(n->secret), sum);
    td_try(td_application_add(tx, n->tenant, "Bare", false, "test", &g.box->arena, &n->app, err));
    return td_application_secret_add(tx, &n->app, sum, td_tx_now(tx) + TD_DAY, "test", err);
}

static int setup(void **state)
{
    gw_setup(state);
    struct gw_app n = {.tenant = g.box->tenant, .secret = "bare"};
    assert_ok(td_store_write(g.box->svc.store, add_bare_app, &n, NULL));
    nobody_token = gw_token_of(n.tenant, n.app.id, n.secret);
    return 0;
}

/* The set's address with "nobody" in every place. */
static const char *address(const char *version, const struct td_g_set *set)
{
    struct td_buf b;
    struct td_slice rest = td_str(set->path), head;
    td_buf_init(&b, 1024);
    td_buf_printf(&b, "/%s", version);
    while (rest.n != 0) {
        rest = td_cut(rest, '/', &head);
        td_buf_addc(&b, '/');
        td_buf_add(&b, td_starts(head, "{") ? TD_S("nobody") : head);
    }
    const char *out = td_arena_text(&g.box->arena, td_buf_slice(&b));
    td_buf_done(&b);
    return out;
}

static bool is_nested(const struct td_g_set *set)
{
    return strchr(set->path, '{') != NULL;
}

typedef void for_set(const struct td_g_set *set, const char *at);
static void each_set(for_set *fn)
{
    static const char *const versions[] = {"v1.0", "beta"};
    for (size_t v = 0; v < TD_COUNTOF(versions); v++)
        for (size_t f = 0; td_g_families[f] != NULL; f++)
            for (size_t i = 0; i < td_g_families[f]->count; i++)
                fn(&td_g_families[f]->sets[i], address(versions[v], &td_g_families[f]->sets[i]));
}

static void call_is(const char *token, const char *call, const char *body, int status, int or_status)
{
    gw_call_as(token, call, body);
    if (g.status != status && g.status != or_status)
        fail_msg("%s: want %d, got %d %.400s", call, status, g.status, g.body);
    if (g.body[0] != '\0' && g.json == NULL && strstr(call, "$count") == NULL)
        fail_msg("%s: no JSON: %.400s", call, g.body);
}

/* A list may not be offered; "me" is nobody for an application. */
static void check_lists(const struct td_g_set *set, const char *at)
{
    if (strcmp(set->path, "me") == 0) {
        call_is(g.token, text("GET %s", at), NULL, 400, 0);
        return;
    }
    bool single = (set->flags & TD_G_SINGLETON) != 0, listed = (set->flags & TD_G_NO_LIST) == 0;
    int status = is_nested(set) ? 404 : listed ? 200 : 501;
    static const char *const queries[] = {"", "?$select=id&$top=1", "?$format=application/json;odata.metadata=full",
                                          "?$format=application/json;odata.metadata=none"};
    for (size_t i = 0; i < TD_COUNTOF(queries); i++)
        call_is(g.token, text("GET %s%s", at, queries[i]), NULL, status, single || is_nested(set) ? 404 : 0);
    if (single || is_nested(set))
        return;
    call_is(g.token, text("GET %s/$count", at), NULL, 200, 0);
    call_is(g.token, text("GET %s/nobody", at), NULL, 404, (set->flags & TD_G_ONE_BY_LIST) != 0 ? 501 : 0);
    if (set->view != NULL)
        call_is(g.token, text("GET %s?$filter=nothing eq 1", at), NULL, 400, 501);
}

static void lists_answer(void **state TD_UNUSED)
{
    gw_machine(1, "KIOSK");
    each_set(check_lists);
}

static void check_filters(const struct td_g_set *set, const char *at)
{
    if (is_nested(set) || set->view == NULL || (set->flags & (TD_G_SINGLETON | TD_G_NO_LIST)) != 0)
        return;
    for (const struct td_g_type *t = set->type; t != NULL; t = t->base)
        for (size_t i = 0; i < t->prop_count; i++) {
            const struct td_g_prop *p = &t->props[i];
            if (p->kind == TD_G_COMPLEX)
                continue;
            call_is(g.token, text("GET %s?$filter=%s eq null&$top=1", at, p->name), NULL, 200, 400);
            call_is(g.token, text("GET %s?$orderby=%s desc,id&$top=1", at, p->name), NULL, 200, 400);
            call_is(g.token, text("GET %s?$select=%s&$top=2", at, p->name), NULL, 200, 0);
        }
}

/* Asked or refused by name, never broken. */
static void every_property_can_be_asked_about(void **state TD_UNUSED)
{
    gw_machine(1, "KIOSK");
    each_set(check_filters);
}

static void check_caller(const struct td_g_set *set, const char *at)
{
    call_is(NULL, text("GET %s", at), NULL, 401, 0);
    if (set->read != TD_RIGHT_SIGNED_IN)
        call_is(nobody_token, text("GET %s", at), NULL, 403, 0);
    const struct {
        const char *call;
        td_g_fn *fn;
    } writes[] = {
        {"POST %s", set->create}, {"PATCH %s/nobody", set->update}, {"DELETE %s/nobody", set->remove},
        {"PUT %s", set->put},     {"POST %s/$ref", set->add_ref},   {"DELETE %s/nobody/$ref", set->remove_ref},
    };
    for (size_t i = 0; i < TD_COUNTOF(writes); i++) {
        size_t n = (size_t)(strchr(writes[i].call, ' ') - writes[i].call);
        const char *tail = strstr(writes[i].call, "%s") + 2;
        bool single = (set->flags & TD_G_SINGLETON) != 0;
        const char *call = text("%.*s %s%s", (int)n, writes[i].call, at, single ? "" : tail);
        if (writes[i].fn == NULL)
            continue;
        call_is(NULL, call, "{}", 401, 0);
        call_is(nobody_token, call, "{}", 403, 0);
    }
}

static void check_actions(const struct td_g_set *set, const char *at)
{
    bool single = (set->flags & TD_G_SINGLETON) != 0;
    for (size_t i = 0; i < set->action_count; i++) {
        const struct td_g_action *a = &set->actions[i];
        bool function = (a->flags & TD_G_FUNCTION) != 0, on_set = single || (a->flags & TD_G_ON_SET) != 0;
        const char *call = text("%s %s%s/%s", function ? "GET" : "POST", at, on_set ? "" : "/nobody", a->name);
        const char *body = function ? NULL : "{}";
        if ((a->flags & TD_G_NOT_OFFERED) != 0) {
            call_is(g.token, call, body, 501, 0);
            continue;
        }
        call_is(NULL, call, body, 401, 0);
        if (a->right != TD_RIGHT_SIGNED_IN)
            call_is(nobody_token, call, body, 403, 0);
        if (!on_set)
            call_is(g.token, call, body, 404, 0);
        gw_call_as(g.token, call, "[1,{\"a\":[]},\"x\"]");
        if (g.status == 500 || g.status == 0)
            fail_msg("%s: %d %s", call, g.status, g.body);
    }
}

static void nobody_passes_without_a_right(void **state TD_UNUSED)
{
    each_set(check_caller);
    each_set(check_actions);
}

static void check_hostile_bodies(const struct td_g_set *set, const char *at)
{
    static const char *const bodies[] = {"{}",
                                         "[]",
                                         "null",
                                         "5",
                                         "{\"displayName\":null}",
                                         "{\"displayName\":{}}",
                                         "{\"displayName\":\"\"}",
                                         "{\"id\":[],\"@odata.type\":7}",
                                         "{\"target\":{}}"};
    if (set->create == NULL)
        return;
    for (size_t i = 0; i < TD_COUNTOF(bodies); i++) {
        gw_call_as(g.token, text("POST %s", at), bodies[i]);
        if (g.status < 201 || g.status == 500 || (g.body[0] != '\0' && g.json == NULL))
            fail_msg("POST %s %s: %d %.300s", at, bodies[i], g.status, g.body);
        if (g.status >= 400)
            assert_non_null(gw_at("error/message"));
    }
}

static void bodies_never_break(void **state TD_UNUSED)
{
    each_set(check_hostile_bodies);
}

/* graph-api.md 0.9 */
static void check_collections_stay(const struct td_g_set *set, const char *at)
{
    static const char *const tails[] = {"", "/", "//"};
    for (size_t i = 0; i < TD_COUNTOF(tails) && (set->flags & TD_G_SINGLETON) == 0; i++) {
        call_is(g.token, text("DELETE %s%s", at, tails[i]), NULL, 405, i == 0 ? 501 : 0);
        call_is(g.token, text("PATCH %s%s", at, tails[i]), "{}", 405, i == 0 ? 501 : 0);
    }
}

static void collections_stay(void **state TD_UNUSED)
{
    each_set(check_collections_stay);
}

#define SETS(fn) cmocka_unit_test_setup_teardown(fn, setup, box_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SETS(lists_answer),
        SETS(every_property_can_be_asked_about),
        SETS(nobody_passes_without_a_right),
        SETS(bodies_never_break),
        SETS(collections_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
