/* Remote actions asked of the client that is written from the documents. */
#ifndef TD_TESTS_WIRE_ACTION_CLIENT_H
#define TD_TESTS_WIRE_ACTION_CLIENT_H

#include "store/action.h"
#include "wire/management_client.h"

#define WIPE "./Device/Vendor/MSFT/RemoteWipe/"
#define REDEPLOY WIPE "AutomaticRedeployment/"
#define ALERT(code, type, source, format, data)                                                              \
    "<Alert><CmdID>93</CmdID><Data>" code "</Data><Item>" source "<Meta><Type xmlns=\"syncml:metinf\">" type \
    "</Type><Format xmlns=\"syncml:metinf\">" format "</Format></Meta><Data>" data "</Data></Item></Alert>"
#define GOODBYE LOGIN("none") ALERT("1226", "com.microsoft:mdm.unenrollment.userrequest", "", "int", "1")
#define BOOTSTRAP LOGIN("none") ALERT("1224", "com.microsoft/MDM/BootstrapSync", "", "chr", "device")

struct asking {
    struct client *c;
    struct td_action_asking what;
    const char *id;
    struct td_action row;
};

static inline enum td_code ask_it(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct asking *q = ctx;
    td_try(td_action_ask(tx, q->c->w->tenant, q->c->id, &q->what, &q->c->w->wire.arena, &q->row, err));
    q->id = q->row.id;
    return TD_OK;
}

static inline const char *ask_named(struct client *c, enum td_action_kind kind, const char *parameter)
{
    struct asking q = {.c = c, .what = {.kind = kind, .parameter = parameter, .actor = "admin@contoso.test"}};
    struct td_error err = {0};
    if (td_store_write(c->w->wire.svc.store, ask_it, &q, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    return q.id;
}

static inline const char *ask_for(struct client *c, enum td_action_kind kind)
{
    return ask_named(c, kind, "");
}

static inline enum td_code find_it(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct asking *q = ctx;
    return td_action_find(tx, q->c->w->tenant, q->id, &q->c->w->wire.arena, &q->row, err);
}

static inline struct td_action action_of(struct client *c, const char *id)
{
    struct asking q = {.c = c, .id = id};
    assert_ok(td_store_read(c->w->wire.svc.store, find_it, &q, NULL));
    return q.row;
}

static inline enum td_code cancel_it(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct asking *q = ctx;
    return td_action_cancel(tx, q->c->w->tenant, q->id, "admin@contoso.test", err);
}

static inline enum td_code cancel(struct client *c, const char *id)
{
    struct asking q = {.c = c, .id = id};
    return td_store_write(c->w->wire.svc.store, cancel_it, &q, NULL);
}

/* A device at work: joined, enrolled, with a policy in effect and its user at the desktop. */
static inline struct client *ready(void **state)
{
    struct client *c = begin(state);
    (void)give(c, "baseline", policy_json);
    c->nodes = done_nodes;
    (void)run_session(c, LOGIN("none"));
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 1);
    (void)run_session(c, LOGIN("user"));
    return c;
}

/* A device that was reset. */
static const struct node at_1[] = {{REDEPLOY "Status", 200, "1"},
                                   {REDEPLOY "LastError", 200, "0"},
                                   {"./Device" FIRST "IsSyncDone", 200, "true"},
                                   {"./Device" FIRST "WasDeviceSuccessfullyProvisioned", 200, "1"},
                                   {"DeviceHardwareData", 200, "AAAA"},
                                   {NULL, 0, NULL}};

#endif
