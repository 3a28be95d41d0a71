/* Devices of a tenant that another service manages (autopilot.md, row X07): where they learn it, and where their way
 * here ends. */
#include "api/identity/room.h"
#include "base/fault.h"
#include "store/way.h"

/* A device learns from its id_token where its management is: its profile says. */
enum td_code td_id_management(struct td_id *id, struct td_tx *tx, const char *registration, struct td_issue *i)
{
    i->foreign = false;
    if (registration[0] == '\0')
        return TD_OK;
    enum td_code rc = td_foreign_management_of(tx, id->tenant.id, registration, id->a, &i->management, &id->err);
    i->foreign = rc == TD_OK;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static const char *detail(struct td_id *id, const struct td_foreign_management *m)
{
    struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, 8192);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "service", m->name);
    td_jsonw_kstr(&w, "serviceAppId", m->app_id);
    td_jsonw_kstr(&w, "enrolmentUrl", m->enrolment_url);
    td_jsonw_end(&w);
    const char *text = td_arena_text(id->a, td_buf_slice(&b));
    td_buf_done(&b);
    return text;
}

/* A token for a service that the device's profile does not name says nothing about its management. */
enum td_code td_id_hand_over(struct td_id *id, struct td_tx *tx, const struct td_issue *i)
{
    struct td_way_row way = {0};
    bool here = !i->asked.foreign || i->device_id[0] == '\0' || !i->foreign ||
                strcmp(i->asked.service.app_id, i->management.app_id) != 0;
    if (here || td_fault("hand-over-untold"))
        return TD_OK;
    enum td_code rc = td_way_find(tx, id->tenant.id, TD_WAY_DEVICE, i->device_id, id->a, &way, &id->err);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    td_try(td_way_seen(tx, id->tenant.id, way.id, &id->err));
    rc = td_way_happened(tx, id->tenant.id, way.id, TD_EV_HANDED_OVER, i->user.upn, detail(id, &i->management),
                         &id->err);
    return rc == TD_ESTATE ? TD_OK : rc;
}
