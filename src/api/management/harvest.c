/* Management: what a reported hardware hash means for registrations (autopilot.md 1.5, 1.8, rows R01, R06, R16). */
#include "api/import.h"
#include "api/management/room.h"
#include "base/fault.h"
#include "crypto/digest.h"
#include "store/event.h"
#include "store/identifier.h"
#include "store/repair.h"

#define HASH_URI "./DevDetail/Ext/DeviceHardwareData"

static const char actor[] = "harvest";

struct harvest {
    struct td_exchange *x;
    struct td_tx *tx;
    struct td_hw_facts hw;
    struct td_slice text, octets;
    struct td_facts facts;
};

/* The machine of a registration shows itself again: parts may have changed, another board must be proven. */
static enum td_code look_at_registered(struct harvest *h, struct td_error *err)
{
    const struct td_proposal seen = {.source = "session",
                                     .enrolment_id = h->x->enrolment.id,
                                     .serial = h->hw.serial,
                                     .manufacturer = h->hw.manufacturer,
                                     .model = h->hw.model,
                                     .sku = h->hw.sku,
                                     .family = h->hw.family,
                                     .product_key = h->hw.product_key_id,
                                     .facts = h->facts,
                                     .octets = h->octets,
                                     .blob = TD_S("")};
    enum td_code rc = td_repair_seen(h->tx, h->x->tenant, h->x->enrolment.registration_id, &seen, err);
    return rc == TD_ENOTFOUND ? TD_OK : rc; /* it was taken away since */
}

/* The profile that targets the device asks for its hash, or the one that it was deployed by from a file. */
static enum td_code profile_wants(struct harvest *h, bool *ret, struct td_error *err)
{
    struct td_exchange *x = h->x;
    struct td_profile_row profile;
    struct td_profile settings;
    bool is_explicit;
    *ret = false;
    enum td_code rc = td_profile_of_way(h->tx, x->tenant, x->enrolment.way_id, x->a, &profile, &is_explicit, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    *ret = rc == TD_OK && profile.settings.hash_extraction != 0;
    if (*ret || x->enrolment.offline_profile[0] == '\0')
        return TD_OK;
    rc = td_profile_in_force(h->tx, x->tenant, x->enrolment.way_id, x->a, &settings, err);
    *ret = rc == TD_OK && settings.hash_extraction != 0;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code wanted(struct harvest *h, bool *ret, struct td_error *err)
{
    struct td_exchange *x = h->x;
    td_try(profile_wants(h, ret, err));
    if (!*ret)
        return TD_OK;
    if (td_fault("harvest-personal"))
        return TD_OK;
    return td_identifier_corporate(h->tx, x->tenant, x->enrolment.id, h->hw.manufacturer, h->hw.model, h->hw.serial,
                                   x->a, ret, err);
}

static enum td_code register_it(struct harvest *h, struct td_error *err)
{
    struct td_exchange *x = h->x;
    struct td_registration_new new;
    struct td_import_row row;
    struct td_import_given given = {.serial = td_str(h->hw.serial), .hash = h->text};
    bool may = false;
    td_import_prepare(&given, false, x->a, &new, &row);
    new.source = "harvest";
    if (!row.refused)
        td_try(td_import_write(h->tx, x->tenant, &new, actor, x->a, &row, err));
    if (row.refused)
        td_try(td_managed_may_tell(h->tx, x->tenant, x->enrolment.id, &may, err));
    if (!may)
        return TD_OK;
    struct td_event e = {.subject = x->enrolment.way_id, .type = "management.not-harvested", .actor = actor};
    return td_event_tell(h->tx, x->tenant, &e, err, "reason", row.name, "cause", row.text, "remedy", row.remedy, NULL);
}

/* Two registrations fit alike: the administrator decides, nobody guesses. */
static enum td_code tell_tie(struct harvest *h, const struct td_hardware_found *f, struct td_error *err)
{
    const char *why = td_ztd_error(TD_ZTD_AMBIGUOUS)->text;
    if (strcmp(f->tenant, h->x->tenant) == 0)
        td_try(td_registration_remedy(h->tx, f->tenant, f->registration_id, TD_REMEDY_MANUAL, why, err));
    if (strcmp(f->second_tenant, h->x->tenant) == 0)
        td_try(td_registration_remedy(h->tx, f->second_tenant, f->second_registration_id, TD_REMEDY_MANUAL, why, err));
    return TD_OK;
}

static enum td_code look_at_unregistered(struct harvest *h, struct td_error *err)
{
    struct td_hardware_found f;
    struct td_exchange *x = h->x;
    bool harvest = false;
    enum td_code rc = td_hardware_find(h->tx, &h->facts, x->a, &f, err);
    if (rc == TD_OK && f.tie)
        return tell_tie(h, &f, err);
    if (rc == TD_OK && strcmp(f.tenant, x->tenant) == 0) {
        rc = td_registration_meets_way(h->tx, x->tenant, f.registration_id, x->enrolment.way_id, "device", err);
        return rc == TD_ESTATE ? TD_OK : rc; /* that one has a managed device already */
    }
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    td_try(td_way_identity_put(h->tx, x->tenant, x->enrolment.way_id, &h->facts, err));
    td_try(wanted(h, &harvest, err));
    return harvest ? register_it(h, err) : TD_OK;
}

static enum td_code take_hash(struct td_exchange *x, struct td_tx *tx, struct td_slice text, struct td_error *err)
{
    struct harvest *h = td_arena_new(x->a, struct harvest);
    *h = (struct harvest){.x = x, .tx = tx, .text = text};
    if (text.n == 0 || td_hwhash_decode_text(text, td_sha256, x->a, &h->hw, &h->octets, NULL) != TD_OK)
        return TD_OK;
    td_facts_add_hash(&h->facts, x->a, &h->hw);
    if (td_facts_kinds(&h->facts) < 2)
        return TD_OK;
    return x->enrolment.registration_id[0] != '\0' ? look_at_registered(h, err) : look_at_unregistered(h, err);
}

/* The device has said, or will not say, what it knows of its own exchange: in this session. */
static bool has_told(const struct td_exchange *x)
{
    const struct td_row *row = td_ledger_find(&x->ledger, "G " TD_MISMATCH_URI);
    return row != NULL && row->session == x->m.session_no &&
           (row->state == TD_ROW_DONE || row->state == TD_ROW_ABSENT || row->state == TD_ROW_FAILED);
}

static enum td_code settle(struct td_exchange *x, struct td_tx *tx, bool hash_came, struct td_error *err)
{
    const char *id = x->enrolment.registration_id;
    struct td_slice blob = TD_S("");
    if (id[0] == '\0')
        return TD_OK;
    x->mismatch = x->m.fix_pending;
    if (hash_came)
        td_try(td_repair_is_pending(tx, x->tenant, id, &x->mismatch, err));
    if (!x->mismatch || !has_told(x))
        return TD_OK;
    for (const struct td_mgmt_report *r = x->reports; r != NULL; r = r->next)
        if (strcmp(r->uri, TD_MISMATCH_URI) == 0)
            blob = r->value;
    x->mismatch = false;
    return td_repair_settle(tx, x->tenant, id, blob, err);
}

enum td_code td_mgmt_harvest(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    bool came = false;
    for (const struct td_mgmt_report *r = x->reports; r != NULL && !came; r = r->next) { /* a machine has one hash */
        came = strcmp(r->uri, HASH_URI) == 0;
        if (came)
            td_try(take_hash(x, tx, r->value, err));
    }
    return settle(x, tx, came, err);
}
