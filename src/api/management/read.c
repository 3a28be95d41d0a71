/* Management: what a message's answer rests on. */
#include "api/authority.h"
#include "api/configuration.h"
#include "api/content.h"
#include "api/management/room.h"
#include "api/token.h"
#include "base/fault.h"
#include "policy/status_page.h"
#include "store/provisioning.h"
#include "store/registration.h"
#include "store/user.h"

static const int64_t link_life = 24 * TD_HOUR;

/* A certificate of ours whose enrolment is gone, replaced or ended opens nothing (mde2.md, contract 4). */
static enum td_code find_enrolment(struct td_exchange *x, struct td_tx *tx, const char *id, struct td_error *err)
{
    enum td_code rc = td_enrolment_find(tx, x->tenant, id, x->a, &x->enrolment, err);
    if (rc == TD_ENOTFOUND)
        return td_fail(err, TD_EDENIED, "certificate", "this enrolment is not known here: enrol again");
    td_try(rc);
    if (x->enrolment.state != TD_ENROLMENT_ACTIVE)
        return td_fail(err, TD_EDENIED, "certificate", "this enrolment has ended");
    return td_enrolment_device_serving(tx, &x->enrolment, x->a, err);
}

/* Whose groups count: the user's; while a technician is at it, those of the user that the device is meant for, for apps
 * alone (autopilot.md 3.4). */
static enum td_code whose_items(struct td_exchange *x, struct td_tx *tx, const char **ret_user, const char **ret_kind,
                                struct td_error *err)
{
    struct td_registration registration = {.assigned_user = ""};
    struct td_user user = {.id = ""};
    *ret_user = x->enrolment.user_id;
    *ret_kind = NULL;
    if (x->enrolment.provisioning != TD_PROV_TECHNICIAN && x->enrolment.provisioning != TD_PROV_SEALED)
        return TD_OK;
    enum td_code rc = td_registration_find(tx, x->tenant, x->enrolment.registration_id, x->a, &registration, err);
    if (rc == TD_OK && registration.assigned_user[0] != '\0')
        rc = td_user_find(tx, x->tenant, td_str(registration.assigned_user), x->a, &user, err);
    else if (rc == TD_OK)
        return TD_OK;
    if (rc == TD_OK) {
        *ret_user = user.id;
        *ret_kind = "msi";
    }
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code load_items(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    struct td_configuration *rows;
    const char *user = "", *kind = NULL;
    size_t n;
    td_try(whose_items(x, tx, &user, &kind, err));
    td_try(td_configuration_wanted(tx, x->tenant, x->enrolment.way_id, user, kind, x->a, &rows, &n, err));
    x->items = td_arena_array(x->a, struct td_item, n + TD_MGMT_MAX_BROUGHT);
    x->item_count = 0;
    for (size_t i = 0; i < n; i++) {
        struct td_item *item = &x->items[x->item_count];
        if (td_mgmt_is_settled(x, &rows[i]))
            continue;
        /* an item that cannot be opened (another master key) must not stop the rest */
        if (td_configuration_open(&x->svc->master, x->tenant, &rows[i], x->a, item, NULL) == TD_OK)
            x->item_count++;
    }
    return TD_OK;
}

/* Links work by themselves, under the name that the device talks to (csp.md 5). They are short, because a package's job
 * must fit into the smallest message (oma-dm.md 13.3): the content is named by the beginning of its hash. */
static enum td_code make_links(struct td_exchange *x, struct td_error *err)
{
    for (size_t i = 0; i < x->item_count; i++) {
        struct td_item *item = &x->items[i];
        char *ticket, *payload;
        if (item->kind != TD_ITEM_MSI)
            continue;
        payload = td_arena_printf(x->a, "{\"tenant\":\"%s\",\"sha256\":\"%.*s\",\"for\":\"%s\"}", x->tenant,
                                  TD_CONTENT_LINK_DIGITS, item->as.msi.content, x->enrolment.id);
        td_try(td_ticket_make(x->svc, "content", payload, link_life, x->a, &ticket, err));
        item->as.msi.url = td_arena_printf(x->a, "%s/content/%s?t=%s", x->req->base, item->as.msi.content, ticket);
    }
    return TD_OK;
}

/* Registered, or deployed by a profile file. */
static bool by_profile(const struct td_exchange *x)
{
    return x->enrolment.registration_id[0] != '\0' || x->enrolment.offline_profile[0] != '\0';
}

/* Of a device that nobody registered the serial number comes with its first report; until then no name is drawn. */
static void load_reported_serial(struct td_exchange *x)
{
    x->serial = x->enrolment.serial;
    if (x->serial[0] == '\0' && td_search(td_str(x->name_template), TD_S("%SERIAL%")) != SIZE_MAX)
        x->name_template = "";
}

/* Who the user is in the domain; a name in the directory means nothing to a device of a domain (Z28). */
static enum td_code load_hybrid(struct td_exchange *x, struct td_tx *tx, const struct td_profile *settings,
                                struct td_error *err)
{
    struct td_user user = {.ad_sid = NULL};
    x->hybrid = settings->join == TD_JOIN_HYBRID;
    if (!x->hybrid || x->enrolment.user_id[0] == '\0')
        return TD_OK;
    enum td_code rc = td_user_find(tx, x->tenant, td_str(x->enrolment.user_id), x->a, &user, err);
    if (rc == TD_OK && user.ad_sid != NULL)
        x->user_sid = user.ad_sid;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code load_profile(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    struct td_profile settings;
    struct td_registration registration;
    x->name_template = x->serial = x->user_sid = "";
    x->hybrid = false;
    if (!by_profile(x))
        return TD_OK;
    enum td_code rc = td_profile_in_force(tx, x->tenant, x->enrolment.way_id, x->a, &settings, err);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    x->has_profile = true;
    x->standard_user = settings.user_type == TD_USER_STANDARD;
    x->name_template = settings.name_template;
    if (x->enrolment.registration_id[0] == '\0') {
        load_reported_serial(x);
        return TD_OK;
    }
    rc = td_registration_find(tx, x->tenant, x->enrolment.registration_id, x->a, &registration, err);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    x->serial = registration.serial;
    td_try(load_hybrid(x, tx, &settings, err));
    if (x->hybrid && !td_fault("hybrid-named-twice")) /* its name comes with its computer account (autopilot.md 2.2) */
        x->name_template = "";
    else if (registration.display_name[0] != '\0') /* a name of its own overrides the template (autopilot.md 2.2) */
        x->name_template = registration.display_name;
    return TD_OK;
}

/* What is green has been seen to be (Z29): the page is there, and nobody goes on behind a red one. */
static void show_to_technician(struct td_item_page *p)
{
    p->show = p->allow_retry = p->allow_reset = true;
    p->allow_continue = false;
}

/* A hybrid device waits for others: a connector, a domain controller, its registration (autopilot.md 3.2). The node
 * takes a day at most (4.3). */
static void give_more_time(struct td_exchange *x)
{
    enum { EXTRA = (int)(TD_DOMAIN_PAGE_EXTRA / TD_MINUTE), MOST = 1440 };
    x->page.timeout_minutes = TD_MIN(x->page.timeout_minutes + EXTRA, MOST);
    for (size_t i = 0; i < x->item_count; i++) {
        struct td_item_page *p = &x->items[i].as.page;
        if (x->items[i].kind == TD_ITEM_STATUS_PAGE)
            p->timeout_minutes = TD_MIN(p->timeout_minutes + EXTRA, MOST);
    }
}

/* One page for the whole deployment, chosen here: what blocks, what fails and what is shown follow from it (Z19). */
static enum td_code load_page(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    td_try(td_ec_page_for(tx, x->tenant, x->enrolment.way_id, x->enrolment.user_id, x->a, &x->status_page, err));
    x->has_page = true;
    x->page = td_page_of(&x->status_page.page, by_profile(x));
    bool technician = x->enrolment.provisioning == TD_PROV_TECHNICIAN;
    if (technician && !td_fault("technician-blind")) {
        show_to_technician(&x->page);
        for (size_t i = 0; i < x->item_count; i++)
            if (x->items[i].kind == TD_ITEM_STATUS_PAGE)
                show_to_technician(&x->items[i].as.page);
    }
    if (x->hybrid && !td_fault("hybrid-no-more-time"))
        give_more_time(x);
    td_page_untrack(&x->status_page.page, technician, x->items, x->item_count, x->a);
    return TD_OK;
}

enum td_code td_mgmt_load_wanted(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    x->user_sid = "";
    td_try(load_items(x, tx, err));
    td_try(td_mgmt_bring(x, tx, err));
    td_try(make_links(x, err));
    if (x->m.phase == TD_PHASE_READY)
        return TD_OK;
    td_try(load_profile(x, tx, err));
    return load_page(x, tx, err);
}

enum td_code td_mgmt_load(struct td_tx *tx, void *exchange, struct td_error *err)
{
    struct td_exchange *x = exchange;
    struct td_peer_identity who;
    td_try(td_authority_peer(x->svc, tx, x->req->peer, TD_PURPOSE_MANAGEMENT, x->a, &who, err));
    x->tenant = who.tenant;
    td_try(find_enrolment(x, tx, who.subject, err));
    td_try(td_managed_find(tx, x->tenant, x->enrolment.id, x->a, &x->m, err));
    td_try(td_ledger_parse(td_str(x->m.ledger), x->a, &x->ledger, err));
    return td_mgmt_load_wanted(x, tx, err);
}
