/* Devices under management for tests of the administration interface: enrolled by the store, as the doors do it. */
#ifndef TD_TESTS_WIRE_MANAGED_WORLD_H
#define TD_TESTS_WIRE_MANAGED_WORLD_H

#include "api/configuration.h"
#include "graph_world.h"
#include "store/certificate.h"
#include "store/device.h"
#include "store/enrolment.h"

#define MANAGED "/beta/deviceManagement/managedDevices"
#define FIRST "aaaaaaaa-0000-4000-8000-000000000001"
#define SECOND "aaaaaaaa-0000-4000-8000-000000000002"

/* ---- a device under management ---- */

struct enrolling {
    const char *id, *serial; /* serial: of a registration, or NULL */
    const char *registration, *way;
};

static inline enum td_code enrol(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct enrolling *e = ctx;
    struct td_way_row way;
    struct td_registration r = {.id = "", .device_id = ""};
    struct td_arena *a = &g.box->arena;
    unsigned char sha[32] = {(unsigned char)e->id[35], (unsigned char)(e->id[34] - '0')};
    if (e->serial != NULL) {
        td_try(td_registration_find_any(tx, g.box->tenant, e->serial, a, &r, err));
        td_try(td_way_find(tx, g.box->tenant, TD_WAY_REGISTRATION, r.id, a, &way, err));
    } else {
        td_try(td_way_add(tx, g.box->tenant, TD_WAY_ENROLMENT, e->id, a, &way, err));
    }
    struct td_cert_row cert = {.sha256 = {sha[0], sha[1]},
                               .tenant = g.box->tenant,
                               .purpose = "management",
                               .subject = e->id,
                               .serial = text("0%c%c", e->id[34], e->id[35]),
                               .not_after = BOX_NOW + 365 * TD_DAY};
    td_try(td_cert_record(tx, &cert, err));
    struct td_enrolment row = {.id = e->id,
                               .tenant = g.box->tenant,
                               .device_id = r.device_id,
                               .registration_id = r.id,
                               .way_id = way.id,
                               .user_id = g.box->user_id,
                               .user_upn = "ada@contoso.test",
                               .type = "Device",
                               .provider = "Touchdown",
                               .dm_id = "dm",
                               .hw_dev_id = "",
                               .device_name = "DESKTOP-OLD",
                               .device_type = "CIMClient_Windows",
                               .os_version = "10.0.22631.1",
                               .os_edition = "48",
                               .locale = "en-US",
                               .cert_not_after = cert.not_after,
                               .secrets = TD_S("")};
    memcpy(row.cert_sha256, sha, sizeof(sha));
    td_try(td_enrolment_add(tx, &row, NULL, err));
    td_try(td_way_link(tx, g.box->tenant, way.id, TD_WAY_ENROLMENT, e->id, err));
    td_try(td_way_set_user(tx, g.box->tenant, way.id, "ada@contoso.test", err));
    e->way = way.id;
    return td_way_happened(tx, g.box->tenant, way.id, TD_EV_ENROLLED, "device", "{}", err);
}

static inline void commit(td_tx_fn *fn, void *ctx)
{
    struct td_error err = {0};
    g.box->world.now += TD_MINUTE;
    if (td_store_write(g.box->svc.store, fn, ctx, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
}

struct step {
    const char *way;
    enum td_way_event event;
    const char *detail;
};

static inline enum td_code step(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct step *s = ctx;
    return td_way_happened(tx, g.box->tenant, s->way, s->event, "device", s->detail != NULL ? s->detail : "{}", err);
}

static inline void happen(const char *way, enum td_way_event event, const char *detail)
{
    struct step s = {way, event, detail};
    commit(step, &s);
}

static inline struct enrolling enrolled(const char *id, const char *serial)
{
    struct enrolling e = {.id = id, .serial = serial};
    commit(enrol, &e);
    return e;
}

/* ---- another program, with less or as much ---- */

struct gw_program {
    const char *name, *scopes;
    struct td_application app;
};

static inline enum td_code gw_add_program(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct gw_program *p = ctx;
    struct td_slice rest = td_str(p->scopes), one;
    unsigned char sum[32];
    td_sha256(td_str(g.secret), sum);
    td_try(td_application_add(tx, g.box->tenant, p->name, false, "test", &g.box->arena, &p->app, err));
    while (rest.n != 0) {
        rest = td_cut(rest, ',', &one);
        td_try(td_application_role_add(tx, &p->app, td_arena_text(&g.box->arena, one), "test", err));
    }
    return td_application_secret_add(tx, &p->app, sum, td_tx_now(tx) + 365 * TD_DAY, "test", err);
}

/* scopes and directory roles, with commas between */
static inline const char *token_with(const char *name, const char *scopes)
{
    struct gw_program p = {.name = name, .scopes = scopes};
    commit(gw_add_program, &p);
    return gw_token_of(g.box->tenant, p.app.id, g.secret);
}

/* ---- joined ---- */

struct joining {
    const char *id, *name, *trust;
};

static inline enum td_code join(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct joining *j = ctx;
    struct td_device_row row;
    td_try(td_device_find(tx, g.box->tenant, j->id, &g.box->arena, &row, err));
    struct td_device_joining what = {.id = j->id,
                                     .registration_id = row.registration_id,
                                     .display_name = j->name,
                                     .os = "Windows",
                                     .os_version = "10.0.22631.1",
                                     .trust_type = j->trust,
                                     .owner_id = g.box->user_id,
                                     .owner_upn = "ada@contoso.test",
                                     .hardware_id = "",
                                     .alt_security_id = "X509:<SHA1-TP-PUBKEY>AA",
                                     .transport_key = TD_S("key")};
    return td_device_join(tx, g.box->tenant, &what, err);
}

/* The directory object of a registered machine is joined; *ret is its id. */
static inline const char *joined(const char *serial, const char *trust)
{
    askf(200, NULL, "GET " DEVICES "?$filter=serialNumber eq '%s'", serial);
    struct joining j = {gw_str("value/0/azureAdDeviceId"), serial, trust};
    commit(join, &j);
    return j.id;
}

/* A registered machine that is joined and under management. */
static inline const char *managed(unsigned number, const char *id)
{
    gw_machine(number, "");
    const char *device = joined(text("SN-%04u", number), "AzureAd");
    (void)enrolled(id, text("SN-%04u", number));
    return device;
}

struct item {
    const char *name, *json;
    struct td_configuration row;
};

static inline enum td_code add_item(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct item *i = ctx;
    td_try(td_configuration_add(tx, g.box->tenant, &i->row, "test", err));
    return td_configuration_assign(tx, g.box->tenant, i->row.id, "", "test", err);
}

static inline const char *item(const char *name, const char *body)
{
    struct item i = {.name = name};
    struct td_json *json = NULL;
    struct td_error err = {0};
    assert_ok(td_json_parse(td_str(body), 65536, &g.box->arena, &json, NULL));
    if (td_configuration_make(&g.box->svc.master, g.box->svc.env, g.box->tenant, "", name, json, &g.box->arena, &i.row,
                              &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    commit(add_item, &i);
    return i.row.id;
}

#endif
