/* May it join, and as which device? (join-and-tokens.md 3.1; the tenant's settings join-users, join-device-limit) */
#include "api/join/job.h"
#include "base/fault.h"
#include "store/registration.h"
#include "store/tenant.h"
#include "store/way.h"

/* What Windows shows (autopilot.md 6): not allowed, or past the limit; registered object missing. */
static const uint32_t hr_not_allowed = 0x801C0003, hr_object_missing = 0x801C03F3;

enum td_code td_join_deny(struct td_error *err, const char *where, const char *why, const char *remedy)
{
    (void)td_fail(err, TD_EDENIED, where, "%s", why);
    if (err != NULL)
        err->hresult = hr_not_allowed;
    return td_remedy(err, TD_EDENIED, "%s", remedy);
}

/* The registration that the ticket proves has to be there still, and the caller's. */
static enum td_code check_registration(struct td_tx *tx, struct td_join_job *j, struct td_error *err)
{
    struct td_registration r = {0};
    if (j->joining.registration_id[0] == '\0' || td_fault("join-foreign-registration"))
        return TD_OK;
    td_join_note_way(tx, j);
    if (strcmp(j->ticket_tenant, j->caller.tenant) != 0)
        return td_join_deny(
            err, "device", "it belongs to another organization",
            "Sign in with an account of the organization that registered it, or have it deregistered there.");
    enum td_code rc = td_registration_find(tx, j->caller.tenant, j->joining.registration_id, j->arena, &r, err);
    if (rc == TD_ENOTFOUND) {
        (void)td_join_deny(err, "device", "its registration has ended",
                           "Register it again, or join it without a profile.");
        if (err != NULL)
            err->hresult = hr_object_missing;
        return TD_EDENIED;
    }
    return rc;
}

static enum td_code check_rules(struct td_tx *tx, struct td_join_job *j, bool again, struct td_error *err)
{
    const char *who = NULL;
    int64_t limit = 0, have = 0;
    td_try(td_tenant_get(tx, j->caller.tenant, "join-users", j->arena, &who, err));
    if (strcmp(who, "none") == 0)
        return td_join_deny(err, "user", "this organization lets nobody join devices", "Set join-users of the tenant.");
    td_try(td_tenant_get_int(tx, j->caller.tenant, "join-device-limit", &limit, err));
    if (limit == 0 || again)
        return TD_OK;
    td_try(td_device_count_of(tx, j->caller.tenant, j->caller.oid, &have, err));
    if (have >= limit)
        return td_join_deny(err, "user", "the user has joined as many devices as this organization allows",
                            "Delete devices that are no longer used, or raise join-device-limit of the tenant.");
    return TD_OK;
}

/* A device ticket comes from a copy of a hash as well as from the machine. Where the profile lets nobody sign in before
 * the join, and the TPM was proven once, a user with such a ticket is not the machine. */
static enum td_code check_machine(struct td_tx *tx, struct td_join_job *j, const struct td_profile_row *profile,
                                  struct td_error *err)
{
    struct td_tpm_binding bound;
    if (profile->settings.usage != TD_USAGE_SHARED || td_fault("join-user-for-tpm"))
        return TD_OK;
    enum td_code rc = td_tpm_binding_find(tx, j->caller.tenant, j->joining.registration_id, j->arena, &bound, err);
    j->stranger = rc == TD_OK;
    if (j->stranger)
        return td_join_deny(
            err, "device", "its profile deploys it without a user, and only the TPM that it has proven joins it",
            "Let it deploy itself. If a user is to join it, assign another profile; if its board was exchanged,"
            " forget the old TPM by 'touchdown tpm unbind'.");
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

/* The id that this join gets, whether it is one that the same user joined before, and whether its user is made
 * administrator.
 */
enum td_code td_join_choose(struct td_tx *tx, struct td_join_job *j, const char **ret_id, struct td_error *err)
{
    struct td_device_row row = {0};
    struct td_profile_row profile = {0};
    bool explicit_assignment = false;
    td_try(check_registration(tx, j, err));
    enum td_code rc = td_device_join_id(tx, j->caller.tenant, &j->joining, j->arena, ret_id, err);
    if (rc == TD_OK)
        td_try(td_device_find(tx, j->caller.tenant, *ret_id, j->arena, &row, err));
    else if (rc != TD_ENOTFOUND)
        return rc;
    if (td_join_by_tpm(j)) /* nobody's: what limits users does not concern it, and it makes nobody administrator */
        return TD_OK;
    td_try(check_rules(tx, j, row.joined_at != 0 && strcmp(row.owner_id, j->caller.oid) == 0, err));
    j->owner_administrator = true;
    if (j->joining.registration_id[0] == '\0')
        return TD_OK;
    rc =
        td_profile_for(tx, j->caller.tenant, j->joining.registration_id, j->arena, &profile, &explicit_assignment, err);
    if (rc != TD_OK)
        return rc == TD_ENOTFOUND ? TD_OK : rc;
    j->owner_administrator = profile.settings.user_type == TD_USER_ADMINISTRATOR;
    return check_machine(tx, j, &profile, err);
}

void td_join_note_way(struct td_tx *tx, struct td_join_job *j)
{
    struct td_way_row way = {0};
    if (td_way_find(tx, j->ticket_tenant, TD_WAY_REGISTRATION, j->joining.registration_id, j->arena, &way, NULL) !=
        TD_OK)
        return;
    j->failed_tenant = j->ticket_tenant;
    j->failed_way = way.id;
}
