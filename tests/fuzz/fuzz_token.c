/* The identity door: hostile forms, queries and signed requests against a whole service on a store of its own. Input: a
 * line "POST /path?query" or "GET ...", then the body. Nobody's password is in the seeds: a token in an answer is a
 * hole, and so is a status 500 or an answer that is no protocol's. */
#include "api/authority.h"
#include "api/identity.h"
#include "api/token.h"
#include "store/tenant.h"
#include "store/user.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct td_env_fixed env;
static struct td_service svc;
static struct td_door door;
static char dir[] = "/tmp/td-fuzz-XXXXXX";

static enum td_code fill(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_arena *a = ctx;
    struct td_tenant t = {0};
    struct td_user u = {0};
    char *phc = NULL;
    char *password = td_random_text(&env.env, a, 24);
    td_try(td_password_hash(&env.env, td_str(password), &svc.password_cost, a, &phc, err));
    td_try(td_tenant_add(tx, "contoso.test", "Contoso", a, &t, err));
    td_try(td_tenant_set(tx, t.id, "password-grant", "on", "fuzz", err));
    return td_user_add(tx, t.id, "ada@contoso.test", "Ada", phc, "fuzz", a, &u, err);
}

static void end(void)
{
    td_keyring_close(svc.keyring);
    td_authority_close(svc.authority);
    td_store_close(svc.store);
    DIR *d = opendir(dir);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        char path[400];
        (void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        (void)unlink(path);
    }
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(dir);
}

static void begin(void)
{
    static const char *const names[] = {"localhost:8443", NULL};
    struct td_arena a;
    td_arena_init(&a);
    td_env_fixed_init(&env, INT64_C(1893553445) * TD_SECOND, 7);
    bool ok = mkdtemp(dir) != NULL;
    svc = (struct td_service){
        .env = &env.env, .data_dir = dir, .base = "https://localhost:8443", .names = names, .password_cost = {8, 1, 1}};
    ok = ok && td_store_open(dir, &env.env, &svc.store, NULL) == TD_OK &&
         td_master_load(dir, &env.env, &svc.master, NULL) == TD_OK &&
         td_authority_open(&svc, &svc.authority, NULL) == TD_OK && td_keyring_open(&svc, &svc.keyring, NULL) == TD_OK &&
         td_store_write(svc.store, fill, &a, NULL) == TD_OK;
    if (!ok)
        abort();
    door = (struct td_door){td_identity_routes, td_identity_route_count, &svc};
    td_arena_done(&a);
    (void)atexit(end);
}

static bool page_or_json(const struct td_http_reply *r)
{
    struct td_slice body = td_buf_slice(&r->body);
    return td_starts(body, "{\"") || td_starts(body, "<!DOCTYPE html>") || (r->status == 302 && body.n == 0);
}

/* A code of ours is "0." and 32 characters or more. An address that the request brought along may hold the beginning of
 * one, and stands in refusals too, which say error=. */
static bool hands_out_code(const char *location)
{
    const char *code = strstr(location, "code=0.");
    return code != NULL && strstr(location, "error=") == NULL &&
           strspn(code + 7, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") >= 32;
}

static void judge(const struct td_http_reply *r)
{
    if (r->status == 0 || r->status >= 500 || !page_or_json(r))
        __builtin_trap();
    if (td_search(td_buf_slice(&r->body), TD_S("\"access_token\"")) != SIZE_MAX)
        __builtin_trap();
    for (size_t i = 0; i < r->header_count; i++) {
        if (strpbrk(r->headers[i].value, "\r\n") != NULL)
            __builtin_trap();
        if (strcmp(r->headers[i].name, "Location") == 0 && hands_out_code(r->headers[i].value))
            __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct td_peer peer = {.address = "192.0.2.1", .tls = true};
    struct td_arena a;
    struct td_slice line, target, all = td_bytes(data, size);
    struct td_http_reply reply;
    if (svc.store == NULL)
        begin();
    struct td_slice body = td_cut(all, '\n', &line);
    bool post = td_starts(line, "POST ");
    struct td_slice query = td_cut(td_sub(line, post ? 5 : 4, line.n), '?', &target);
    if (target.n == 0 || target.p[0] != '/')
        return 0;
    td_arena_init(&a);
    struct td_http_request req = {.method = post ? TD_POST : TD_GET,
                                  .path = td_arena_copy(&a, target),
                                  .query = td_arena_copy(&a, query),
                                  .host = TD_S("localhost:8443"),
                                  .base = svc.base,
                                  .body = post ? td_arena_copy(&a, body) : TD_S(""),
                                  .peer = &peer,
                                  .arena = &a};
    const struct td_router router = {&door, 1};
    td_reply_init(&reply);
    td_router_run(&router, &req, &reply);
    judge(&reply);
    td_reply_done(&reply);
    td_arena_done(&a);
    env.now += TD_MINUTE;
    return 0;
}
