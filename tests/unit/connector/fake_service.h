/* A world for connectors without network: the fake directory of tests/unit/connect behind two addresses, and a service
 * that hands out what a test queues and keeps what it is told.
 *
 *   struct service s;
 *   service_init(&s);                                     answers registration, hello, work, result and sync
 *   service_queue(&s, "{\"id\":...}");                    the next work call hands it out
 *   service_answer(&s, "result", 503, "{}", 2);           the next two results are answered so (0: no answer at all)
 *   s.down[0] = "NoDc";                                   the first address fails with this reason
 *   struct td_connector_state *c = service_connector(&s, "one", "CODE-1");   ... td_connector_close(c)
 *   service_last(&s, "result")                            the last body of that call, as JSON */
#ifndef TEST_FAKE_SERVICE_H
#define TEST_FAKE_SERVICE_H

#include "base/encode.h"
#include "base/file.h"
#include "codec/json.h"
#include "connector/connector.h"
#include "crypto/key.h"
#include "unit/connect/fake_directory.h"
#include "unit/test.h"
#include "way/domain_join.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SERVICE_CALLS = 200, SERVICE_RULES = 8, SERVICE_URLS = 2, SERVICE_FOLDERS = 64 };

struct service_call {
    char path[16];
    const char *body;
};
struct service_rule {
    char path[16];
    int status; /* 0: no answer */
    const char *body;
    int times;
};
struct service {
    struct td_env_fixed env;
    struct td_arena a;
    struct fake_directory directory;
    const char *down[SERVICE_URLS]; /* NULL: it answers */
    int opens[SERVICE_URLS];
    const char *queue[8];
    size_t queued;
    const char *hello; /* answer */
    struct service_call calls[SERVICE_CALLS];
    size_t call_count;
    struct service_rule rules[SERVICE_RULES];
    void (*before)(struct service *s, const char *path); /* runs before each call is answered */
    void *before_ctx;
    const char *lines[SERVICE_CALLS]; /* what was said */
    size_t line_count;
    struct td_connector_config config;
    struct td_connector_world world;
    char dir[64];
};

static inline enum td_code service_identify(void *ctx, struct td_slice cert, struct td_slice key, struct td_error *err)
{
    (void)ctx, (void)err;
    assert_true(td_starts(cert, "-----BEGIN CERTIFICATE-----"));
    assert_true(td_starts(key, "-----BEGIN PRIVATE KEY-----"));
    return TD_OK;
}

static inline enum td_code service_open(void *ctx, const struct td_connector_ad *ad, const char *url,
                                        struct td_connector_opened *ret, struct td_error *err)
{
    struct service *s = ctx;
    size_t i = strcmp(url, ad->urls[0]) == 0 ? 0 : 1;
    s->opens[i]++;
    if (s->down[i] != NULL)
        return td_domain_refuse(err, td_domain_reason_by_name(s->down[i])->reason, "planted");
    ret->ldap = &s->directory.ldap;
    snprintf(ret->address, sizeof(ret->address), "10.0.0.%zu", i + 1);
    return TD_OK;
}

static inline enum td_code service_bind(void *ctx, const struct td_connector_ad *ad, const char *url, const char *user,
                                        const char *password, struct td_ldap_result *ret_why, struct td_error *err)
{
    (void)ad, (void)url;
    return fake_bind(&((struct service *)ctx)->directory, user, password, ret_why, err);
}

static inline const char *service_work(struct service *s)
{
    TD_CLEANUP(td_buf_done) struct td_buf b = {.max = 1 << 20};
    td_buf_adds(&b, "{\"work\":[");
    for (size_t i = 0; i < s->queued; i++)
        td_buf_printf(&b, "%s%s", i != 0 ? "," : "", s->queue[i]);
    td_buf_adds(&b, "]}");
    s->queued = 0;
    return td_arena_text(&s->a, td_buf_slice(&b));
}

static inline const char *service_otherwise(struct service *s, const char *path)
{
    if (strcmp(path, "register") == 0)
        return "{\"id\":\"c-1\",\"name\":\"one\",\"tenantId\":\"t-1\"}";
    if (strcmp(path, "hello") == 0)
        return s->hello;
    if (strcmp(path, "work") == 0)
        return service_work(s);
    return strcmp(path, "sync") == 0 ? "{\"from\":\"0\"}" : "{}";
}

static inline enum td_code service_send(void *ctx, const struct td_net_request *req, struct td_arena *a,
                                        struct td_net_response *ret, struct td_error *err)
{
    struct service *s = ctx;
    const char *path = strstr(req->url, "/connector/") + strlen("/connector/");
    assert_string_equal(req->method, "POST");
    assert_true(s->call_count < SERVICE_CALLS);
    struct service_call *call = &s->calls[s->call_count++];
    snprintf(call->path, sizeof(call->path), "%s", path);
    call->body = td_arena_text(&s->a, req->body);
    if (s->before != NULL)
        s->before(s, path);
    for (size_t i = 0; i < SERVICE_RULES; i++) {
        struct service_rule *r = &s->rules[i];
        if (r->times == 0 || strcmp(r->path, path) != 0)
            continue;
        r->times--;
        if (r->status == 0)
            return td_fail(err, TD_EUNAVAILABLE, "service", "no answer");
        *ret = (struct td_net_response){.status = r->status, .body = td_str(r->body)};
        return TD_OK;
    }
    *ret = (struct td_net_response){.status = 200, .body = td_arena_copy(a, td_str(service_otherwise(s, path)))};
    return TD_OK;
}

static inline void service_say(void *ctx, const char *line)
{
    struct service *s = ctx;
    assert_true(s->line_count < SERVICE_CALLS);
    s->lines[s->line_count++] = td_arena_strdup(&s->a, line);
}

static inline bool service_said(const struct service *s, const char *words)
{
    for (size_t i = 0; i < s->line_count; i++)
        if (strstr(s->lines[i], words) != NULL)
            return true;
    return false;
}

static inline void service_answer(struct service *s, const char *path, int status, const char *body, int times)
{
    for (size_t i = 0; i < SERVICE_RULES; i++)
        if (s->rules[i].times == 0) {
            s->rules[i] = (struct service_rule){.status = status, .body = body, .times = times};
            snprintf(s->rules[i].path, sizeof(s->rules[i].path), "%s", path);
            return;
        }
    fail_msg("too many rules");
}

static inline void service_queue(struct service *s, const char *work)
{
    s->queue[s->queued++] = work;
}

static inline int service_count(const struct service *s, const char *path)
{
    int n = 0;
    for (size_t i = 0; i < s->call_count; i++)
        n += strcmp(s->calls[i].path, path) == 0;
    return n;
}

/* The i-th call of that path, from the end: 0 is the last one. */
static inline const struct td_json *service_call(struct service *s, const char *path, int i)
{
    struct td_json *json = NULL;
    for (size_t k = s->call_count; k-- > 0;)
        if (strcmp(s->calls[k].path, path) == 0 && i-- == 0) {
            assert_ok(td_json_parse(td_str(s->calls[k].body), 1 << 20, &s->a, &json, NULL));
            return json;
        }
    fail_msg("no such call of %s", path);
    return NULL;
}

static inline const struct td_json *service_last(struct service *s, const char *path)
{
    return service_call(s, path, 0);
}

/* Keys are made once a program: an RSA key of 3,072 bits takes a while. */
static const char *const service_key_names[] = {"key.pem", "encryption.pem"};
static struct td_buf service_key_texts[2] = {{.max = 1 << 16}, {.max = 1 << 16}};

static inline void service_keys(const char *dir)
{
    char path[96];
    for (int i = 0; i < 2; i++) {
        struct td_arena a = {NULL};
        struct td_key *key = NULL;
        char *pem = NULL;
        snprintf(path, sizeof(path), "%s/%s", dir, service_key_names[i]);
        if (service_key_texts[i].n == 0) {
            assert_ok(i == 0 ? td_key_generate(TD_KEY_P256, &key, NULL) : td_key_generate_rsa(3072, &key, NULL));
            assert_ok(td_key_private_pem(key, &a, &pem));
            td_buf_adds(&service_key_texts[i], pem);
        }
        assert_ok(td_file_write(path, td_buf_slice(&service_key_texts[i]), 0600, NULL));
        td_arena_wipe(&a);
        td_key_free(key);
    }
}

static inline void service_keys_done(void)
{
    td_buf_wipe(&service_key_texts[0]);
    td_buf_wipe(&service_key_texts[1]);
}

/* Folders of services that are not done yet: a test that fails, as with a planted fault, leaves no keys behind. */
static char service_folders[SERVICE_FOLDERS][64];

static inline int service_remove(const char *dir)
{
    static const char *const names[] = {"key.pem", "encryption.pem", "connector.json"};
    char path[96];
    for (size_t i = 0; i < TD_COUNTOF(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    return rmdir(dir);
}

static inline void service_sweep(void)
{
    for (size_t i = 0; i < SERVICE_FOLDERS; i++)
        if (service_folders[i][0] != '\0')
            (void)service_remove(service_folders[i]);
}

static inline void service_note(const char *dir, const char *becomes)
{
    static bool swept;
    if (!swept)
        (void)atexit(service_sweep);
    swept = true;
    for (size_t i = 0; i < SERVICE_FOLDERS; i++)
        if (strcmp(service_folders[i], dir) == 0) {
            snprintf(service_folders[i], sizeof(service_folders[i]), "%s", becomes);
            return;
        }
}

static inline void service_init(struct service *s)
{
    *s = (struct service){.hello = "{\"id\":\"c-1\",\"name\":\"one\",\"domains\":[]}"};
    td_env_fixed_init(&s->env, FAKE_CLOCK, 11);
    fake_init(&s->directory);
    s->config = (struct td_connector_config){.server = "https://service.test",
                                             .name = "host",
                                             .version = "1.2.3",
                                             .domain_count = 1,
                                             .domains = {{.domain = "corp.test",
                                                          .urls = {"ldaps://dc1.corp.test", "ldaps://dc2.corp.test"},
                                                          .ca_file = "ca.pem",
                                                          .user = "odjsvc@corp.test",
                                                          .password_file = "pw"}}};
    s->world = (struct td_connector_world){.env = &s->env.env,
                                           .identify = service_identify,
                                           .open = service_open,
                                           .bind = service_bind,
                                           .send = service_send,
                                           .say = service_say,
                                           .ctx = s};
    snprintf(s->dir, sizeof(s->dir), "/tmp/td-connector-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    service_note("", s->dir);
    s->config.dir = s->dir;
    service_keys(s->dir);
}

static inline void service_done(struct service *s)
{
    assert_int_equal(service_remove(s->dir), 0); /* nothing else was left there */
    service_note(s->dir, "");
    fake_done(&s->directory);
    td_arena_wipe(&s->a);
}

static inline struct td_connector_state *service_connector(struct service *s)
{
    struct td_connector_state *c = NULL;
    struct td_error err = {0};
    s->config.code = "CODE-1";
    if (td_connector_open(&s->config, &s->world, &c, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    return c;
}

static inline void service_round(struct td_connector_state *c)
{
    struct td_error err = {0};
    if (td_connector_round(c, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
}

#endif
