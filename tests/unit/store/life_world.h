/* A tenant with users and managed devices, made by the store's own functions: what tests of a device's later life need.
 */
#ifndef TD_TESTS_UNIT_STORE_LIFE_WORLD_H
#define TD_TESTS_UNIT_STORE_LIFE_WORLD_H

#include "store/certificate.h"
#include "store/device.h"
#include "store/enrolment.h"
#include "store/grant.h"
#include "store/tenant.h"
#include "store/user.h"
#include "store/way.h"
#include "unit/store/folder.h"

struct life {
    char dir[FOLDER_NAME];
    struct td_env_fixed env;
    struct td_store *store;
    struct td_arena arena;
    const char *tenant;
};

typedef void life_fn(struct td_tx *tx, struct life *l);

struct life_step {
    struct life *life;
    life_fn *fn;
};

static inline enum td_code life_call(struct td_tx *tx, void *ctx, struct td_error *err TD_UNUSED)
{
    const struct life_step *s = ctx;
    s->fn(tx, s->life);
    return TD_OK;
}

/* The step's own asserts tell what went wrong. */
static inline void life_write(struct life *l, life_fn *fn)
{
    struct life_step s = {l, fn};
    struct td_error err = {0};
    if (td_store_write(l->store, life_call, &s, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
}

static inline void life_tenant(struct td_tx *tx, struct life *l)
{
    struct td_tenant t;
    assert_ok(td_tenant_add(tx, "contoso.test", NULL, &l->arena, &t, NULL));
    l->tenant = t.id;
}

static inline int life_setup(void **state)
{
    struct life *l = td_new(struct life);
    l->store = folder_store(l->dir, &l->env);
    td_arena_init(&l->arena);
    life_write(l, life_tenant);
    *state = l;
    return 0;
}

static inline int life_teardown(void **state)
{
    struct life *l = *state;
    folder_gone(l->dir, l->store);
    td_arena_done(&l->arena);
    td_free(l);
    return 0;
}

static inline const char *life_user(struct td_tx *tx, struct life *l, const char *upn)
{
    struct td_user u = {.id = NULL};
    if (td_user_find(tx, l->tenant, td_str(upn), &l->arena, &u, NULL) == TD_OK)
        return u.id;
    assert_ok(td_user_add(tx, l->tenant, upn, NULL, "", "system", &l->arena, &u, NULL));
    return u.id;
}

/* A directory device that is joined; owner NULL: nobody's. */
static inline void life_join(struct td_tx *tx, struct life *l, const char *id, const char *owner)
{
    struct td_device_joining j = {.id = id,
                                  .registration_id = "",
                                  .display_name = id,
                                  .os = "Windows",
                                  .os_version = "10.0",
                                  .trust_type = "AzureAd",
                                  .owner_id = owner != NULL ? life_user(tx, l, owner) : "",
                                  .owner_upn = owner != NULL ? owner : "",
                                  .hardware_id = "",
                                  .alt_security_id = "X509:1",
                                  .transport_key = TD_S("TRANSPORT-KEY-OF-THE-DEVICE")};
    memset(j.key_sha256, id[0], sizeof(j.key_sha256));
    assert_ok(td_device_join(tx, l->tenant, &j, NULL));
}

/* Its enrolment, on a way of its own by the same name. */
static inline void life_enrol(struct td_tx *tx, struct life *l, const char *id, const char *device, const char *user)
{
    struct td_way_row way;
    struct td_enrolment e = {
        .id = id, .tenant = l->tenant, .device_id = device, .registration_id = "", .way_id = device};
    struct td_cert_row cert = {.tenant = l->tenant, .purpose = "management", .subject = id, .serial = id};
    e.user_id = user != NULL ? life_user(tx, l, user) : "";
    e.user_upn = user != NULL ? user : "";
    e.type = "Device";
    e.provider = "Touchdown";
    e.hw_dev_id = e.dm_id = e.device_name = e.device_type = e.os_version = e.os_edition = e.locale = "";
    e.version = 40;
    e.secrets = TD_S("SECRETS-OF-THE-ENROLMENT");
    memset(e.cert_sha256, id[strlen(id) - 1], sizeof(e.cert_sha256));
    memset(cert.sha256, id[strlen(id) - 1], sizeof(cert.sha256));
    e.cert_not_after = cert.not_after = td_tx_now(tx) + 365 * TD_DAY;
    if (td_way_find(tx, l->tenant, TD_WAY_ID, device, &l->arena, &way, NULL) != TD_OK) {
        assert_ok(td_way_add(tx, l->tenant, TD_WAY_ID, device, &l->arena, &way, NULL));
        assert_ok(td_way_link(tx, l->tenant, device, TD_WAY_DEVICE, device, NULL));
    }
    assert_ok(td_cert_record(tx, &cert, NULL));
    assert_ok(td_enrolment_add(tx, &e, NULL, NULL));
    assert_ok(td_way_link(tx, l->tenant, device, TD_WAY_ENROLMENT, id, NULL));
    assert_ok(td_way_set_user(tx, l->tenant, device, e.user_upn, NULL));
    assert_ok(td_way_happened(tx, l->tenant, device, TD_EV_JOINED, "device", "{}", NULL));
    assert_ok(td_way_happened(tx, l->tenant, device, TD_EV_ENROLLED, "device", "{}", NULL));
}

static inline int64_t life_count(struct td_tx *tx, const char *sql, const char *value)
{
    struct td_rows r;
    int64_t n = -1;
    assert_ok(td_sql_query(tx, &r, NULL, sql, "s", value));
    while (td_rows_next(&r))
        n = td_col_int(&r, 0);
    assert_ok(td_rows_done(&r, NULL));
    return n;
}

#endif
