/* connector/run: the threads. A join that hangs holds up nobody's password; it stops when it is told; it ends when it
 * is no longer known, and registers anew only with a code. Real threads: every wait is for something that happens. */
#include "crypto/jose.h"
#include "unit/connector/fake_service.h"

#include <pthread.h>

/* One directory for each connection, since a table knows no threads. */
struct own {
    struct fake_directory f; /* first: its ldap is what is handed out */
    struct td_ldap_ops ops;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t change;
    bool join_began, join_may_go_on, password_answered, join_answered;
    int registered, works;
    bool known;
    atomic_bool stop;
    char *jwe;
} w;

static void own_close(struct td_ldap *l)
{
    struct own *o = (struct own *)(void *)l;
    fake_done(&o->f);
    td_free(o);
}

static void hang(struct fake_directory *f TD_UNUSED, const char *op, const char *dn TD_UNUSED)
{
    if (strcmp(op, "add") != 0)
        return;
    (void)pthread_mutex_lock(&w.lock);
    w.join_began = true;
    (void)pthread_cond_broadcast(&w.change);
    while (!w.join_may_go_on)
        (void)pthread_cond_wait(&w.change, &w.lock);
    (void)pthread_mutex_unlock(&w.lock);
}

static enum td_code open_own(void *ctx TD_UNUSED, const struct td_connector_ad *ad TD_UNUSED, const char *url TD_UNUSED,
                             struct td_connector_opened *ret, struct td_error *err TD_UNUSED)
{
    struct own *o = td_new(struct own);
    fake_init(&o->f);
    fake_person(&o->f, "alice", "Alice-Pass-1");
    o->ops = *o->f.ldap.ops;
    o->ops.close = own_close;
    o->f.ldap.ops = &o->ops;
    o->f.before = hang;
    ret->ldap = &o->f.ldap;
    ret->address[0] = '\0';
    return TD_OK;
}

static enum td_code bind_own(void *ctx TD_UNUSED, const struct td_connector_ad *ad TD_UNUSED, const char *url TD_UNUSED,
                             const char *user TD_UNUSED, const char *password, struct td_ldap_result *ret_why,
                             struct td_error *err)
{
    *ret_why = (struct td_ldap_result){.code = 49, .win32 = 1326};
    return strcmp(password, "Alice-Pass-1") == 0 ? TD_OK : td_fail(err, TD_EAUTH, "bind", "data 52e");
}

static const char join[] = "{\"work\":[{\"id\":\"w-1\",\"attempt\":1,\"kind\":\"join\",\"domain\":\"corp.test\","
                           "\"name\":\"PC-1\",\"ou\":\"OU=Autopilot,DC=corp,DC=test\",\"reuse\":\"own\","
                           "\"registration\":\"r\",\"job\":\"w-1\"}]}";

/* First the join; when it hangs, the password; afterwards nothing until the end. */
static const char *next_work(const struct td_net_request *req, struct td_arena *a)
{
    int n = ++w.works;
    if (n == 1)
        return join;
    while (n == 2 && !w.join_began)
        (void)pthread_cond_wait(&w.change, &w.lock);
    if (n == 2)
        return td_arena_printf(
            a,
            "{\"work\":[{\"id\":\"q-1\",\"attempt\":0,\"kind\":\"password\",\"domain\":\"corp.test\","
            "\"upn\":\"alice@corp.test\",\"secret\":\"%s\"}]}",
            w.jwe);
    while (!atomic_load(req->stop)) { /* as a call that waits: only its stop ends it */
        struct timespec soon = {.tv_sec = 0, .tv_nsec = 0};
        (void)clock_gettime(CLOCK_REALTIME, &soon);
        soon.tv_nsec += 20 * 1000 * 1000;
        soon.tv_sec += soon.tv_nsec / 1000000000;
        soon.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&w.change, &w.lock, &soon);
    }
    return "{\"work\":[]}";
}

static void on_result(struct td_slice body)
{
    bool password = td_search(body, TD_S("q-1")) != SIZE_MAX;
    if (password) {
        assert_int_not_equal(td_search(body, TD_S("alice@corp.test")), SIZE_MAX);
        assert_false(w.join_answered);
        w.password_answered = true;
        w.join_may_go_on = true;
    } else {
        assert_int_not_equal(td_search(body, TD_S("\"blob\":")), SIZE_MAX);
        w.join_answered = true;
        atomic_store(&w.stop, true);
    }
}

static void on_register(struct td_slice body, struct td_arena *a)
{
    struct td_json *said = NULL;
    struct td_slice spki = {0};
    struct td_key *key = NULL;
    w.registered++;
    w.known = true;
    assert_ok(td_json_parse(body, 1 << 16, a, &said, NULL));
    assert_ok(td_b64_decode(a, td_str(td_json_str(said, "encryptionKey")), TD_B64_STD, &spki));
    assert_ok(td_key_from_public_der(spki, &key, NULL));
    char *jwe = NULL;
    assert_ok(td_jwe_seal(key, &td_env_real, "q-1", "c-1", TD_S("Alice-Pass-1"), a, &jwe, NULL));
    td_free(w.jwe);
    w.jwe = td_strdup(jwe);
    td_key_free(key);
}

static enum td_code send_own(void *ctx TD_UNUSED, const struct td_net_request *req, struct td_arena *a,
                             struct td_net_response *ret, struct td_error *err TD_UNUSED)
{
    const char *path = strstr(req->url, "/connector/") + strlen("/connector/"), *body = "{}";
    (void)pthread_mutex_lock(&w.lock);
    if (strcmp(path, "register") == 0) {
        on_register(req->body, a);
        body = "{\"id\":\"c-1\",\"name\":\"one\",\"tenantId\":\"t\"}";
    } else if (strcmp(path, "work") == 0 && w.known) {
        body = next_work(req, a);
    } else if (strcmp(path, "result") == 0) {
        on_result(req->body);
    }
    *ret = (struct td_net_response){.status = w.known ? 200 : 401, .body = td_arena_copy(a, td_str(body))};
    (void)pthread_cond_broadcast(&w.change);
    (void)pthread_mutex_unlock(&w.lock);
    return TD_OK;
}

static void say_nothing(void *ctx TD_UNUSED, const char *line TD_UNUSED)
{
}

static void world_of(struct service *s, struct td_connector_world *ret)
{
    memset(&w, 0, sizeof(w));
    (void)pthread_mutex_init(&w.lock, NULL);
    (void)pthread_cond_init(&w.change, NULL);
    w.known = true;
    service_init(s);
    *ret = s->world;
    ret->env = &td_env_real;
    ret->open = open_own;
    ret->bind = bind_own;
    ret->send = send_own;
    ret->say = say_nothing;
}

static void done(struct service *s)
{
    td_free(TD_TAKE(w.jwe));
    service_done(s);
}

static void a_join_that_hangs_holds_up_no_password(void **state TD_UNUSED)
{
    struct service s;
    struct td_connector_world world;
    struct td_error err = {0};
    world_of(&s, &world);
    s.config.code = "CODE-1";
    assert_ok(td_connector_run(&s.config, &world, &w.stop, &err)); /* ends by w.stop, when the join is told */
    assert_true(w.password_answered);
    assert_true(w.join_answered);
    assert_int_equal(w.registered, 1);
    done(&s);
}

static void ends_when_it_is_no_longer_known(void **state TD_UNUSED)
{
    struct service s;
    struct td_connector_world world;
    struct td_connector_state *c = NULL;
    struct td_error err = {0};
    world_of(&s, &world);
    s.config.code = "CODE-1";
    w.works = 2; /* no work */
    assert_ok(td_connector_open(&s.config, &world, &c, &err));
    td_connector_close(c);
    char path[96];
    snprintf(path, sizeof(path), "%s/connector.json", s.dir);
    assert_ok(td_file_write(path, TD_S("{\"id\":\"c-1\",\"name\":\"one\",\"tenantId\":\"t\"}"), 0600, &err));
    w.known = false;
    s.config.code = NULL;
    assert_int_equal(td_connector_run(&s.config, &world, &w.stop, &err), TD_EAUTH);
    assert_int_equal(w.registered, 0);
    s.config.code = "CODE-2"; /* with one it begins anew, and works */
    w.works = 0;
    assert_ok(td_connector_run(&s.config, &world, &w.stop, &err));
    assert_int_equal(w.registered, 1);
    assert_true(w.join_answered);
    done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_join_that_hangs_holds_up_no_password),
        cmocka_unit_test(ends_when_it_is_no_longer_known),
    };
    int failed = cmocka_run_group_tests_name("connector's threads", tests, NULL, NULL);
    service_keys_done();
    return failed;
}
