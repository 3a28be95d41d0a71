/* A registered machine that was deployed to the end: joined, enrolled, ready; and actions on it, by the store. */
#ifndef TD_TESTS_WIRE_DEPLOYED_H
#define TD_TESTS_WIRE_DEPLOYED_H

#include "service_box.h"
#include "store/action.h"
#include "store/device.h"
#include "store/enrolment.h"
#include "store/registration.h"
#include "store/way.h"

static const char deployed_enrolment[] = "0e000000-0000-4000-8000-000000000001";

/* From the registration on; the join is made here too unless the test has joined it over the wire. */
static inline void deployed_ready(struct td_tx *tx, struct service_box *b, const char *serial, bool joins)
{
    static const enum td_way_event steps[] = {TD_EV_ENROLLED, TD_EV_DEVICE_SETUP, TD_EV_DEVICE_DONE,
                                              TD_EV_ACCOUNT_SETUP, TD_EV_READY};
    struct td_registration r;
    struct td_device_row d;
    struct td_enrolment e = {.id = deployed_enrolment, .tenant = b->tenant, .type = "Device", .version = 40};
    assert_ok(td_registration_find_any(tx, b->tenant, serial, &b->arena, &r, NULL));
    assert_ok(td_device_find_registration(tx, b->tenant, r.id, &b->arena, &d, NULL));
    if (joins) {
        struct td_device_joining j = {.id = d.id,
                                      .registration_id = r.id,
                                      .display_name = serial,
                                      .os = "Windows",
                                      .os_version = "10.0",
                                      .trust_type = "AzureAd",
                                      .owner_id = b->user_id,
                                      .owner_upn = "ada@contoso.test",
                                      .hardware_id = "",
                                      .alt_security_id = "",
                                      .transport_key = TD_S("key")};
        assert_ok(td_device_join(tx, b->tenant, &j, NULL));
        assert_ok(td_way_happened(tx, b->tenant, r.way_id, TD_EV_SIGNED_IN, "ada@contoso.test", "{}", NULL));
        assert_ok(td_way_happened(tx, b->tenant, r.way_id, TD_EV_JOINED, "ada@contoso.test", "{}", NULL));
    }
    e.device_id = d.id;
    e.registration_id = r.id;
    e.way_id = r.way_id;
    e.user_id = e.user_upn = e.dm_id = e.hw_dev_id = e.device_name = e.device_type = e.os_version = "";
    e.os_edition = e.locale = "";
    e.provider = "Touchdown";
    e.cert_not_after = td_tx_now(tx) + TD_DAY;
    e.secrets = TD_S("");
    assert_ok(td_enrolment_add(tx, &e, NULL, NULL));
    assert_ok(td_way_link(tx, b->tenant, r.way_id, TD_WAY_ENROLMENT, e.id, NULL));
    for (size_t i = 0; i < TD_COUNTOF(steps); i++)
        assert_ok(td_way_happened(tx, b->tenant, r.way_id, steps[i], "device", "{}", NULL));
}

static inline void deployed_wipe_accepted(struct td_tx *tx, struct service_box *b)
{
    const struct td_action_asking wipe = {.kind = TD_ACTION_WIPE, .actor = "boss@contoso.test"};
    struct td_action x;
    assert_ok(td_action_ask(tx, b->tenant, deployed_enrolment, &wipe, &b->arena, &x, NULL));
    assert_ok(td_action_delivered(tx, b->tenant, x.id, NULL));
    assert_ok(td_action_answered(tx, b->tenant, x.id, 200, 0, NULL));
}

static inline void deployed_is_managed(struct td_tx *tx, struct service_box *b, bool want)
{
    struct td_enrolment e;
    assert_ok(td_enrolment_find(tx, b->tenant, deployed_enrolment, &b->arena, &e, NULL));
    assert_int_equal(e.state == TD_ENROLMENT_ACTIVE, want);
}

static inline void deployed_managed(struct td_tx *tx, struct service_box *b)
{
    deployed_is_managed(tx, b, true);
}

static inline void deployed_unmanaged(struct td_tx *tx, struct service_box *b)
{
    deployed_is_managed(tx, b, false);
}

#endif
