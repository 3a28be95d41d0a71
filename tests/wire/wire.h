/* What wire tests share: a whole service on a store of its own in a temporary folder, its doors driven without sockets.
 *
 * Clock and random numbers are fixed; passwords cost next to nothing. wire_open stops the test program on failure. */
#ifndef TD_TESTS_WIRE_WIRE_H
#define TD_TESTS_WIRE_WIRE_H

#include "api/authority.h"
#include "api/token.h"
#include "http/loopback.h"
#include "store/tenant.h"
#include "store/user.h"
#include "unit/test.h"
#include "wire/first_start.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#define WIRE_NOW (INT64_C(1893553445) * TD_SECOND) /* 2030-01-02T03:04:05Z */
#define WIRE_BASE "https://localhost:8443"

struct wire {
    char dir[64];
    struct td_env_fixed env;
    struct td_service svc;
    struct td_arena arena;
    struct td_router router;
    struct td_tenant tenant, other; /* contoso.test and fabrikam.test */
    struct td_user ada;             /* ada@contoso.test, password "correct horse" */
};

static inline void wire_ok(enum td_code rc, const struct td_error *err, const char *what)
{
    if (rc != TD_OK)
        fail_msg("%s: %s: %s", what, err->where, err->text);
}

struct wire_user {
    struct wire *w;
    const char *tenant, *upn, *name, *phc;
    struct td_user user;
};

static inline enum td_code wire_add_user_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct wire_user *u = ctx;
    return td_user_add(tx, u->tenant, u->upn, u->name, u->phc, "test", &u->w->arena, &u->user, err);
}

static inline struct td_user wire_add_user(struct wire *w, const char *tenant, const char *upn, const char *name,
                                           const char *password)
{
    struct td_error err = {0};
    char *phc = NULL;
    wire_ok(td_password_hash(&w->env.env, td_str(password), &w->svc.password_cost, &w->arena, &phc, &err), &err,
            "hash");
    struct wire_user u = {.w = w, .tenant = tenant, .upn = upn, .name = name, .phc = phc};
    wire_ok(td_store_write(w->svc.store, wire_add_user_fn, &u, &err), &err, upn);
    return u.user;
}

static inline enum td_code wire_add_tenants(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct wire *w = ctx;
    td_try(td_tenant_add(tx, "contoso.test", "Contoso", &w->arena, &w->tenant, err));
    return td_tenant_add(tx, "fabrikam.test", "Fabrikam", &w->arena, &w->other, err);
}

static inline void wire_open(struct wire *w, const struct td_door *doors, size_t count)
{
    static const char *const names[] = {"localhost:8443", "127.0.0.1:8443", "mdm.contoso.test:8443", NULL};
    struct td_error err = {0};
    memset(w, 0, sizeof(*w));
    snprintf(w->dir, sizeof(w->dir), "/tmp/td-wire-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    td_env_fixed_init(&w->env, WIRE_NOW, 1);
    td_arena_init(&w->arena);
    w->svc.env = &w->env.env;
    w->svc.data_dir = w->dir;
    w->svc.base = WIRE_BASE;
    w->svc.names = names;
    w->svc.password_cost = (struct td_password_cost){8, 1, 1};
    w->router = (struct td_router){doors, count};
    first_start(&w->svc, WIRE_NOW, w->dir);
    wire_ok(td_store_open(w->dir, &w->env.env, &w->svc.store, &err), &err, "store");
    wire_ok(td_master_load(w->dir, &w->env.env, &w->svc.master, &err), &err, "master");
    wire_ok(td_authority_open(&w->svc, &w->svc.authority, &err), &err, "authority");
    wire_ok(td_keyring_open(&w->svc, &w->svc.keyring, &err), &err, "keyring");
    wire_ok(td_store_write(w->svc.store, wire_add_tenants, w, &err), &err, "tenants");
    w->ada = wire_add_user(w, w->tenant.id, "ada@contoso.test", "Ada Example", "correct horse");
}

static inline void wire_remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (e->d_name[0] == '.')
            continue;
        if (e->d_type == DT_DIR)
            wire_remove_dir(path);
        else
            unlink(path);
    }
    if (d != NULL)
        closedir(d);
    rmdir(dir);
}

static inline void wire_close(struct wire *w)
{
    td_keyring_close(w->svc.keyring);
    td_authority_close(w->svc.authority);
    td_store_close(w->svc.store);
    td_master_done(&w->svc.master);
    td_arena_done(&w->arena);
    wire_remove_dir(w->dir);
}

/* The answer: status, body as text, and its headers for td_loopback_header. All in w->arena. */
struct wire_reply {
    int status;
    const char *body;
    struct td_http_reply raw; /* its body was given back; headers live */
};

static inline struct wire_reply wire_do(struct wire *w, const char *method, const char *target,
                                        const char *const *headers, const char *body, const struct td_peer *peer)
{
    struct wire_reply r = {0};
    td_loopback(&w->router, method, target, headers, td_str(body), peer, &w->arena, &r.raw);
    r.status = r.raw.status;
    r.body = td_arena_text(&w->arena, td_buf_slice(&r.raw.body));
    td_reply_done(&r.raw);
    return r;
}

static inline struct wire_reply wire_get(struct wire *w, const char *target)
{
    return wire_do(w, "GET", target, NULL, "", NULL);
}

static inline struct wire_reply wire_form(struct wire *w, const char *target, const char *body)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    return wire_do(w, "POST", target, headers, body, NULL);
}

static inline const struct td_json *wire_json(struct wire *w, const char *body)
{
    struct td_json *v = NULL;
    struct td_error err = {0};
    wire_ok(td_json_parse(td_str(body), 1 << 20, &w->arena, &v, &err), &err, body);
    return v;
}

#endif
