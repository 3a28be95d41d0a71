/* A registration and the machine behind it: newer hashes, and the way of a device that was managed before anybody
 * registered it. */
#include "base/fault.h"
#include "codec/json.h"
#include "store/device.h"
#include "store/event.h"
#include "store/registration.h"
#include "store/repair.h"
#include "store/way.h"

static bool same_facts(const struct td_facts *x, const struct td_facts *y)
{
    if (x->count != y->count)
        return false;
    for (size_t i = 0; i < x->count; i++)
        if (!td_facts_have(y, &x->list[i]))
            return false;
    return true;
}

enum td_code td_registration_renew_hash(struct td_tx *tx, const char *tenant, const char *id,
                                        const struct td_facts *facts, struct td_slice octets, const char *actor,
                                        struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_facts *known = td_arena_new(&a, struct td_facts);
    td_try(td_hardware_facts(tx, tenant, id, &a, known, err));
    if (same_facts(known, facts) || facts->count == 0)
        return TD_OK;
    const struct td_proposal by = {.source = "import",
                                   .enrolment_id = "",
                                   .serial = "",
                                   .manufacturer = "",
                                   .model = "",
                                   .sku = "",
                                   .family = "",
                                   .product_key = "",
                                   .facts = *facts,
                                   .octets = octets,
                                   .blob = TD_S("")};
    return td_repair_apply(tx, tenant, id, &by, "a newer hash of the same machine was brought", actor, err);
}

/* The machine has shown itself elsewhere since: its older way is history and must not make the newer one a guess. */
static enum td_code forget_older(struct td_tx *tx, const char *tenant, const struct td_facts *facts,
                                 struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *older = "";
    enum td_code rc = td_way_identity_find(tx, tenant, facts, &a, &older, err);
    if (rc == TD_ENOTFOUND || td_fault("way-keeps-older"))
        return TD_OK;
    td_try(rc);
    return td_sql(tx, err, "DELETE FROM way_identity WHERE tenant = $1 AND way_id = $2", "ss", tenant, older);
}

enum td_code td_way_identity_put(struct td_tx *tx, const char *tenant, const char *way_id, const struct td_facts *facts,
                                 struct td_error *err)
{
    td_try(td_sql(tx, err, "DELETE FROM way_identity WHERE tenant = $1 AND way_id = $2", "ss", tenant, way_id));
    td_try(forget_older(tx, tenant, facts, err));
    for (size_t i = 0; i < facts->count; i++)
        td_try(td_sql(tx, err, "INSERT INTO way_identity(tenant, kind, value, way_id) VALUES ($1, $2, $3, $4)", "siss",
                      tenant, (int64_t)facts->list[i].kind, facts->list[i].value, way_id));
    return TD_OK;
}

enum td_code td_way_identity_keep(struct td_tx *tx, const char *tenant, const struct td_registration *r,
                                  struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_facts *known = td_arena_new(&a, struct td_facts);
    struct td_way_row way;
    td_try(td_way_find(tx, tenant, TD_WAY_ID, r->way_id, &a, &way, err));
    if ((way.enrolment_id[0] == '\0' && way.way.state[TD_M_JOIN] == TD_J_NONE) || td_fault("deregister-forgets"))
        return TD_OK;
    td_try(td_hardware_facts(tx, tenant, r->id, &a, known, err));
    return td_way_identity_put(tx, tenant, r->way_id, known, err);
}

/* What was pre-created for the registration gives way to the object that the machine has joined with. */
static enum td_code take_device(struct td_tx *tx, const char *tenant, const struct td_registration *r,
                                const char *device_id, struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "UPDATE directory_device SET deleted_at = $3, registration_id = NULL"
                  " WHERE tenant = $1 AND registration_id = $2 AND joined_at = 0",
                  "ssi", tenant, r->id, td_tx_now(tx)));
    return td_sql(tx, err,
                  "UPDATE directory_device SET registration_id = $3, serial = $4, group_tag = $5, purchase_order = $6"
                  " WHERE tenant = $1 AND id = $2",
                  "ssssss", tenant, device_id, r->id, r->serial, r->group_tag, r->purchase_order);
}

/* The registration's short way ends in the device's. */
static enum td_code move_rows(struct td_tx *tx, const char *tenant, const char *from, const char *to,
                              struct td_error *err)
{
    static const char *const moves[] = {
        "INSERT INTO device_group_member(tenant, group_id, way_id) SELECT tenant, group_id, $3"
        " FROM device_group_member WHERE tenant = $1 AND way_id = $2 ON CONFLICT DO NOTHING",
        "UPDATE event SET subject = $3 WHERE tenant = $1 AND subject = $2",
        "UPDATE deployment SET way_id = $3 WHERE tenant = $1 AND way_id = $2",
        "UPDATE hardware_past SET way_id = $3 WHERE tenant = $1 AND way_id = $2",
        "UPDATE domain_join SET way_id = $3 WHERE tenant = $1 AND way_id = $2",
        "UPDATE domain_removal SET way_id = $3 WHERE tenant = $1 AND way_id = $2",
        "INSERT INTO profile_given(tenant, way_id, profile_id, name, revision, settings, at) SELECT tenant, $3,"
        " profile_id, name, revision, settings, at FROM profile_given WHERE tenant = $1 AND way_id = $2"
        " ON CONFLICT DO NOTHING",
    };
    static const char *const ends[] = {
        "DELETE FROM device_group_member WHERE tenant = $1 AND way_id = $2",
        "DELETE FROM profile_given WHERE tenant = $1 AND way_id = $2",
        "DELETE FROM way WHERE tenant = $1 AND id = $2",
    };
    for (size_t i = 0; i < TD_COUNTOF(moves); i++)
        td_try(td_sql(tx, err, moves[i], "sss", tenant, from, to));
    for (size_t i = 0; i < TD_COUNTOF(ends); i++)
        td_try(td_sql(tx, err, ends[i], "ss", tenant, from));
    return TD_OK;
}

/* The object that the machine has, "" if it has left the directory since: then what was pre-created stays. */
static enum td_code living_device(struct td_tx *tx, const char *tenant, const struct td_way_row *device,
                                  struct td_arena *a, const char **ret, struct td_error *err)
{
    struct td_device_row d;
    *ret = device->device_id;
    if (device->device_id[0] == '\0' || td_fault("meets-what-left"))
        return TD_OK;
    enum td_code rc = td_device_find(tx, tenant, device->device_id, a, &d, NULL);
    if (rc == TD_ENOTFOUND)
        *ret = "";
    return rc == TD_OK || rc == TD_ENOTFOUND ? TD_OK : td_fail(err, rc, "device", "can't be looked for");
}

static enum td_code meet(struct td_tx *tx, const char *tenant, struct td_registration *r, const struct td_way_row *own,
                         const struct td_way_row *device, const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *its = "";
    td_try(living_device(tx, tenant, device, &a, &its, err));
    const char *device_id = its[0] != '\0' ? its : r->device_id;
    td_try(move_rows(tx, tenant, own->id, device->id, err));
    td_try(td_sql(tx, err,
                  "UPDATE way SET registration_id = $3, registration_state = $4, device_id = $5"
                  " WHERE tenant = $1 AND id = $2",
                  "sssis", tenant, device->id, r->id, (int64_t)own->way.state[TD_M_REGISTRATION], device_id));
    if (its[0] != '\0')
        td_try(take_device(tx, tenant, r, device_id, err));
    td_try(td_sql(tx, err, "UPDATE registration SET way_id = $3, device_id = $4 WHERE tenant = $1 AND id = $2", "ssss",
                  tenant, r->id, device->id, device_id));
    td_try(td_sql(tx, err, "UPDATE enrolment SET registration_id = $3 WHERE tenant = $1 AND id = $2", "sss", tenant,
                  device->enrolment_id, r->id));
    td_try(td_sql(tx, err, "DELETE FROM way_identity WHERE tenant = $1 AND way_id = $2", "ss", tenant, device->id));
    struct td_event e = {.subject = device->id, .type = "device.recognised", .actor = actor};
    td_try(td_event_tell(tx, tenant, &e, err, "registrationId", r->id, "serialNumber", r->serial, NULL));
    return td_registration_evaluate(tx, tenant, r->id, actor, err);
}

enum td_code td_registration_meets_way(struct td_tx *tx, const char *tenant, const char *id, const char *way_id,
                                       const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_registration r = {.id = ""};
    struct td_way_row own, device;
    td_try(td_registration_find(tx, tenant, id, &a, &r, err));
    if (strcmp(r.way_id, way_id) == 0)
        return TD_OK;
    td_try(td_way_find(tx, tenant, TD_WAY_ID, r.way_id, &a, &own, err));
    td_try(td_way_find(tx, tenant, TD_WAY_ID, way_id, &a, &device, err));
    if (own.enrolment_id[0] != '\0' || own.way.state[TD_M_JOIN] != TD_J_NONE || device.registration_id[0] != '\0')
        return td_fail(err, TD_ESTATE, "device", "the registration has a managed or joined device already");
    return meet(tx, tenant, &r, &own, &device, actor, err);
}
