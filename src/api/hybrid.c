#include "api/hybrid.h"

#include "api/configuration.h"
#include "base/fault.h"
#include "store/connector.h"
#include "store/profile.h"
#include "store/registration.h"
#include "store/way.h"

/* At work, and nobody has signed in behind a lookup since: whoever names it now is not the machine. */
static bool is_deployed(const struct td_way_row *way)
{
    return way->way.state[TD_M_DEPLOYMENT] == TD_D_READY && way->way.state[TD_M_ENROLMENT] == TD_E_ENROLLED &&
           !td_fault("hybrid-claims-ready");
}

enum td_code td_hybrid_registration(struct td_tx *tx, const char *tenant, const char *registration_id,
                                    struct td_arena *a, bool *ret, struct td_error *err)
{
    struct td_way_row way = {.id = ""};
    struct td_registration r = {.id = ""};
    struct td_profile settings = {.join = TD_JOIN_DIRECTORY};
    *ret = false;
    enum td_code rc = td_registration_find(tx, tenant, registration_id, a, &r, err);
    if (rc == TD_OK)
        rc = td_way_find(tx, tenant, TD_WAY_REGISTRATION, registration_id, a, &way, err);
    if (rc == TD_OK)
        rc = td_profile_in_force(tx, tenant, way.id, a, &settings, err);
    if (rc != TD_OK)
        return rc == TD_ENOTFOUND ? TD_OK : rc;
    *ret = (settings.join == TD_JOIN_HYBRID || td_fault("hybrid-any-profile")) && !is_deployed(&way);
    return TD_OK;
}

/* The oldest one that is assigned holds, as everywhere (store/configuration.h). */
static enum td_code settings_of(const struct td_service *svc, struct td_tx *tx, const struct td_enrolment *e,
                                struct td_arena *a, struct td_item *ret, struct td_error *err)
{
    struct td_configuration *rows;
    size_t n = 0;
    td_try(td_configuration_wanted(tx, e->tenant, e->way_id, e->user_id, td_item_word(TD_ITEM_DOMAIN_JOIN), a, &rows,
                                   &n, err));
    for (size_t i = 0; i < n; i++)
        if (td_configuration_open(&svc->master, e->tenant, &rows[i], a, ret, NULL) == TD_OK)
            return TD_OK;
    return td_domain_refuse(err, TD_DJ_NO_SETTINGS, NULL);
}

enum td_code td_hybrid_ask(const struct td_service *svc, struct td_tx *tx, const struct td_enrolment *e,
                           struct td_arena *a, struct td_domain_join *ret, struct td_error *err)
{
    struct td_item item = {.id = ""};
    struct td_registration r = {.serial = ""};
    td_try(td_registration_find(tx, e->tenant, e->registration_id, a, &r, err));
    td_try(settings_of(svc, tx, e, a, &item, err));
    const struct td_item_domain_join *s = &item.as.domain_join;
    const struct td_domain_asking asking = {.way_id = e->way_id,
                                            .enrolment_id = e->id,
                                            .registration_id = e->registration_id,
                                            .serial = r.serial,
                                            .item = item.id,
                                            .domain = s->domain,
                                            .ou = s->ou,
                                            .pattern = s->pattern,
                                            .reuse = s->reuse};
    return td_domain_join_ask(tx, e->tenant, &asking, a, ret, err);
}

static enum td_code tell(struct td_tx *tx, const struct td_enrolment *e, const struct td_error *why,
                         struct td_error *err)
{
    enum td_code rc = td_way_failed(tx, e->tenant, e->way_id, "domain-join", why, err);
    return rc == TD_ESTATE || rc == TD_ENOTFOUND ? TD_OK : rc;
}

enum td_code td_hybrid_begin(const struct td_service *svc, struct td_tx *tx, const struct td_enrolment *e,
                             struct td_arena *a, struct td_error *err)
{
    bool served = false;
    struct td_error why = {.code = TD_OK};
    struct td_domain_join j = {.id = ""};
    enum td_code rc = td_hybrid_ask(svc, tx, e, a, &j, &why);
    if (rc == TD_ENOTFOUND || rc == TD_EINVAL)
        return tell(tx, e, &why, err);
    if (rc != TD_OK) {
        if (err != NULL)
            *err = why;
        return rc;
    }
    td_try(td_connector_serves(tx, e->tenant, j.domain, &served, err));
    if (served)
        return TD_OK;
    (void)td_domain_refuse(&why, TD_DJ_NO_CONNECTOR, j.domain);
    return tell(tx, e, &why, err);
}
