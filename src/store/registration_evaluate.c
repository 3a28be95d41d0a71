/* What follows from a registration: its groups and its profile, told by an event where they changed. */
#include "base/fault.h"
#include "codec/json.h"
#include "store/event.h"
#include "store/group.h"
#include "store/registration.h"
#include "store/way.h"

/* The device as rules see it (graph-api.md 1.9; autopilot.md 1.7 for the physical ids). */
static void rule_device(const struct td_registration *r, struct td_arena *a, struct td_rule_subject *ret)
{
    const char **ids = td_arena_array(a, const char *, 4);
    size_t n = 0;
    *ret = (struct td_rule_subject){.kind = TD_RULE_DEVICES};
    ret->text[TD_RD_DISPLAY_NAME] = r->display_name[0] != '\0' ? r->display_name : r->serial;
    ret->text[TD_RD_MANUFACTURER] = r->manufacturer;
    ret->text[TD_RD_MODEL] = r->model;
    ret->text[TD_RD_OS_TYPE] = "Windows";
    ret->text[TD_RD_OWNERSHIP] = "Company";
    ret->text[TD_RD_OBJECT_ID] = ret->text[TD_RD_DEVICE_ID] = r->device_id;
    ids[n++] = td_arena_printf(a, "[ZTDID]:%s", r->id);
    if (r->group_tag[0] != '\0')
        ids[n++] = td_arena_printf(a, "[OrderId]:%s", r->group_tag);
    if (r->purchase_order[0] != '\0')
        ids[n++] = td_arena_printf(a, "[PurchaseOrderId]:%s", r->purchase_order);
    ret->items[TD_RD_PHYSICAL_IDS] = ids;
}

static enum td_code tell(struct td_tx *tx, const char *tenant, const char *way_id, const struct td_profile_row *p,
                         bool is_explicit, const char *actor, struct td_error *err)
{
    struct td_way_row way;
    struct td_jsonw w;
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 8192);
    if (p == NULL)
        return td_way_happened(tx, tenant, way_id, TD_EV_UNASSIGNED, actor, "{}", err);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "profileId", p->id);
    td_jsonw_kstr(&w, "profile", p->name);
    td_jsonw_kbool(&w, "explicit", is_explicit);
    td_jsonw_end(&w);
    td_try(td_way_find(tx, tenant, TD_WAY_ID, way_id, &a, &way, err));
    if (way.way.state[TD_M_REGISTRATION] != TD_R_ASSIGNED)
        return td_way_happened(tx, tenant, way_id, TD_EV_ASSIGNED, actor, b.p, err);
    struct td_event e = {/* from one profile to another: no state changes, but it is told */
                         .subject = way_id,
                         .type = td_way_event_word(TD_EV_ASSIGNED),
                         .actor = actor,
                         .detail = b.p};
    return td_event_append(tx, tenant, &e, err);
}

static enum td_code evaluate(struct td_tx *tx, const char *tenant, const struct td_registration *r,
                             const struct td_group_rules *rules, const char *actor, struct td_arena *a,
                             struct td_error *err)
{
    struct td_rule_subject device;
    struct td_profile_row p;
    bool is_explicit = false;
    rule_device(r, a, &device);
    if (!td_fault("group-late"))
        td_try(td_group_evaluate(tx, tenant, rules, r->way_id, &device, a, err));
    enum td_code rc = td_profile_of_way(tx, tenant, r->way_id, a, &p, &is_explicit, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    const char *now = rc == TD_OK ? p.id : "";
    if (strcmp(now, r->profile_id) == 0)
        return TD_OK;
    td_try(td_sql(tx, err, "UPDATE registration SET profile_id = $3, profile_at = $4 WHERE tenant = $1 AND id = $2",
                  "sssi", tenant, r->id, now, td_tx_now(tx)));
    return tell(tx, tenant, r->way_id, rc == TD_OK ? &p : NULL, is_explicit, actor, err);
}

enum td_code td_registration_evaluate_with(struct td_tx *tx, const char *tenant, const char *id,
                                           const struct td_group_rules *rules, const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_registration r;
    td_try(td_registration_find(tx, tenant, id, &a, &r, err));
    return evaluate(tx, tenant, &r, rules, actor, &a, err);
}

enum td_code td_registration_evaluate(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                      struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_group_rules rules;
    td_try(td_group_rules_load(tx, tenant, &a, &rules, err));
    return td_registration_evaluate_with(tx, tenant, id, &rules, actor, err);
}

enum td_code td_profile_spread(struct td_tx *tx, const char *tenant, const char *after, size_t max, const char *actor,
                               struct td_arena *a, const char **ret_next, struct td_error *err)
{
    struct td_group_rules rules;
    struct td_registration *list;
    size_t n = 0;
    td_try(td_registration_list(tx, tenant, after, max, a, &list, &n, err));
    td_try(td_group_rules_load(tx, tenant, a, &rules, err));
    for (size_t i = 0; i < n; i++)
        td_try(evaluate(tx, tenant, &list[i], &rules, actor, a, err));
    *ret_next = n == max ? list[n - 1].id : "";
    return TD_OK;
}
