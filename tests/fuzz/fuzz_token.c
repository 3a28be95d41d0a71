/* The identity door: hostile forms, queries and signed requests against a whole service on a store of its own. Input: a
 * line "POST /path?query" or "GET ...", then the body. Nobody's password is in the seeds: a token in an answer is a
 * hole, and so is a status 500 or an answer that is no protocol's. */
#include "api/identity.h"
#include "fuzz_service.h"
#include "store/tenant.h"
#include "store/user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fuzz_service f;
static struct td_door door;

static enum td_code fill(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_arena *a = ctx;
    struct td_tenant t = {0};
    struct td_user u = {0};
    char *phc = NULL;
    char *password = td_random_text(&f.env.env, a, 24);
    td_try(td_password_hash(&f.env.env, td_str(password), &f.svc.password_cost, a, &phc, err));
    td_try(td_tenant_add(tx, "contoso.test", "Contoso", a, &t, err));
    td_try(td_tenant_set(tx, t.id, "password-grant", "on", "fuzz", err));
    return td_user_add(tx, t.id, "ada@contoso.test", "Ada", phc, "fuzz", a, &u, err);
}

static void end(void)
{
    fuzz_close(&f);
}

static void begin(void)
{
    fuzz_open(&f, fill);
    door = (struct td_door){td_identity_routes, td_identity_route_count, &f.svc};
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
    if (f.svc.store == NULL)
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
                                  .base = f.svc.base,
                                  .body = post ? td_arena_copy(&a, body) : TD_S(""),
                                  .peer = &peer,
                                  .arena = &a};
    const struct td_router router = {&door, 1};
    td_reply_init(&reply);
    td_router_run(&router, &req, &reply);
    judge(&reply);
    td_reply_done(&reply);
    td_arena_done(&a);
    f.env.now += TD_MINUTE;
    return 0;
}
