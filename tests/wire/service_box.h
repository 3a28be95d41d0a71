/* A whole service without sockets, for wire tests: store in a temporary folder, fixed clock, authority, keyring, one
 * tenant with one user; and openssl(1) as a judge of other make. */
#ifndef TD_TESTS_WIRE_SERVICE_BOX_H
#define TD_TESTS_WIRE_SERVICE_BOX_H

#include "api/authority.h"
#include "api/keyring.h"
#include "api/token.h"
#include "crypto/digest.h"
#include "http/loopback.h"
#include "store/certificate.h"
#include "store/tenant.h"
#include "store/user.h"
#include "unit/run.h"
#include "unit/test.h"
#include "wire/first_start.h"

#include <stdlib.h>
#include <unistd.h>

#define BOX_NOW (INT64_C(1893553445) * TD_SECOND) /* 2030-01-02T03:04:05Z, as in the documents */

struct service_box {
    char dir[64];
    struct td_env_fixed world;
    struct td_arena arena;
    struct td_service svc;
    const char *tenant, *other;     /* contoso.test, fabrikam.test */
    const char *user_id, *stranger; /* ada@contoso.test, bob@fabrikam.test */
    struct td_http_reply reply;     /* of the last request; ended by the next */
    bool started;                   /* once: what was made then is in dir */
};

struct box_write {
    struct service_box *box;
    void (*fn)(struct td_tx *tx, struct service_box *b);
};

static enum td_code box_call(struct td_tx *tx, void *ctx, struct td_error *err TD_UNUSED)
{
    const struct box_write *w = ctx;
    w->fn(tx, w->box);
    return TD_OK;
}

static inline void box_in_write(struct service_box *b, void (*fn)(struct td_tx *tx, struct service_box *b))
{
    struct box_write w = {b, fn};
    struct td_error err = {0};
    if (td_store_write(b->svc.store, box_call, &w, &err) != TD_OK)
        fail_msg("%s", err.text);
}

static inline void box_fill(struct td_tx *tx, struct service_box *b)
{
    struct td_tenant t;
    struct td_user u;
    assert_ok(td_tenant_add(tx, "contoso.test", "Contoso", &b->arena, &t, NULL));
    b->tenant = t.id;
    assert_ok(td_user_add(tx, t.id, "ada@contoso.test", "Ada", "", "test", &b->arena, &u, NULL));
    b->user_id = u.id;
    assert_ok(td_tenant_add(tx, "fabrikam.test", "Fabrikam", &b->arena, &t, NULL));
    b->other = t.id;
    assert_ok(td_user_add(tx, t.id, "bob@fabrikam.test", "Bob", "", "test", &b->arena, &u, NULL));
    b->stranger = u.id;
}

static inline void box_start(struct service_box *b)
{
    static const char *const names[] = {"localhost:8443", "mdm.example.test:8443", NULL};
    struct td_error err = {0};
    b->svc = (struct td_service){.env = &b->world.env,
                                 .data_dir = b->dir,
                                 .base = "https://localhost:8443",
                                 .names = names,
                                 .password_cost = {.memory_kib = 64, .passes = 1, .lanes = 1}};
    if (!b->started)
        first_start(&b->svc, BOX_NOW, b->dir);
    b->started = true;
    if (td_store_open(b->dir, &b->world.env, &b->svc.store, &err) != TD_OK ||
        td_authority_open(&b->svc, &b->svc.authority, &err) != TD_OK ||
        td_keyring_open(&b->svc, &b->svc.keyring, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
}

static inline void box_stop(struct service_box *b)
{
    td_keyring_close(b->svc.keyring);
    td_authority_close(b->svc.authority);
    td_store_close(b->svc.store);
    td_master_done(&b->svc.master);
}

static int box_setup(void **state)
{
    struct service_box *b = td_new(struct service_box);
    snprintf(b->dir, sizeof(b->dir), "/tmp/td-wire-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    td_env_fixed_init(&b->world, BOX_NOW, 1);
    td_arena_init(&b->arena);
    td_reply_init(&b->reply);
    box_start(b);
    box_in_write(b, box_fill);
    *state = b;
    return 0;
}

static int box_teardown(void **state)
{
    struct service_box *b = *state;
    static const char *const names[] = {"store.db", "store.db-wal", "store.db-shm", "master.key",
                                        "ca.pem",   "server.pem",   "a.pem",        "b.pem",
                                        "c.pem",    "x.der",        "y.der"};
    td_reply_done(&b->reply);
    box_stop(b);
    for (size_t i = 0; i < TD_COUNTOF(names); i++)
        unlink(td_arena_printf(&b->arena, "%s/%s", b->dir, names[i]));
    td_arena_done(&b->arena);
    int rc = rmdir(b->dir);
    td_free(b);
    return rc;
}

/* A request to one door; the status. */
static inline int box_ask(struct service_box *b, const struct td_route *routes, size_t count, const char *method,
                          const char *target, const char *const *headers, struct td_slice body,
                          const struct td_peer *peer)
{
    struct td_door door = {routes, count, &b->svc};
    struct td_router router = {&door, 1};
    td_reply_done(&b->reply);
    td_loopback(&router, method, target, headers, body, peer, &b->arena, &b->reply);
    return b->reply.status;
}

static inline struct td_peer box_peer(struct td_slice cert)
{
    struct td_peer p = {.address = "127.0.0.1", .tls = true, .cert = cert};
    td_sha256(cert, p.cert_sha256);
    return p;
}

static inline const char *box_file(struct service_box *b, const char *name, struct td_slice data)
{
    char *path = td_arena_printf(&b->arena, "%s/%s", b->dir, name);
    struct td_error err;
    assert_ok(td_file_write(path, data, 0600, &err));
    return path;
}

static inline void box_need_openssl(void)
{
    const char *version[] = {"openssl", "version", NULL};
    if (run_program(version) != 0) {
        print_message("openssl(1) is missing\n");
        skip();
    }
}

#endif
