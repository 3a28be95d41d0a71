/* What the tenant says of a purpose and of a kind of TPM: asked before the challenge, and once more in the transaction
 * that admits, for nothing that allows is older than the transaction that uses it. */
#include "api/attestation/room.h"
#include "base/fault.h"
#include "store/profile.h"
#include "store/tenant.h"

enum td_code td_attestation_wanted(struct td_attestation *t, struct td_tx *tx, int purpose, enum td_attest_purpose *ret,
                                   struct td_error *err)
{
    struct td_profile_row p;
    bool is_explicit = false;
    enum td_code rc = td_profile_of_way(tx, t->tenant, t->registration.way_id, t->a, &p, &is_explicit, err);
    if (rc == TD_ENOTFOUND)
        return td_attestation_refuse(t, err, TD_ATT_NOT_WANTED, "registrationId", "no profile is assigned to it");
    td_try(rc);
    bool shared = p.settings.usage == TD_USAGE_SHARED, technician = p.settings.preprovisioning != 0;
    if (p.settings.join == TD_JOIN_HYBRID && !td_fault("attest-hybrid"))
        return td_attestation_refuse(
            t, err, TD_ATT_NOT_WANTED, "purpose",
            td_arena_printf(t->a, "profile \"%s\" joins it to a domain, which takes its user", p.name));
    if (purpose == TD_ATTEST_PURPOSE_OPEN)
        purpose = shared || !technician ? TD_ATTEST_SELF_DEPLOYING : TD_ATTEST_PRE_PROVISIONING;
    bool wanted = purpose == TD_ATTEST_SELF_DEPLOYING ? shared : technician;
    if (!wanted && !td_fault("attest-any-profile"))
        return td_attestation_refuse(t, err, TD_ATT_NOT_WANTED, "purpose",
                                     td_arena_printf(t->a, "profile \"%s\" does not allow %s", p.name,
                                                     td_attest_purpose_word((enum td_attest_purpose)purpose)));
    *ret = (enum td_attest_purpose)purpose;
    return TD_OK;
}

enum td_code td_attestation_allows(const struct td_attestation *t, struct td_tx *tx, const char *setting, bool *ret,
                                   struct td_error *err)
{
    const char *value = "";
    td_try(td_tenant_get(tx, t->tenant, setting, t->a, &value, err));
    *ret = strcmp(value, "allow") == 0;
    return TD_OK;
}

enum td_code td_attestation_still(struct td_attestation *t, struct td_tx *tx, const struct td_challenge *c,
                                  struct td_error *err)
{
    enum td_attest_purpose purpose = c->purpose;
    bool allowed = true;
    if (td_fault("attest-allowed-before"))
        return TD_OK;
    td_try(td_attestation_wanted(t, tx, (int)c->purpose, &purpose, err));
    if (c->assurance == TD_ASSURANCE_PINNED)
        td_try(td_attestation_allows(t, tx, "pinned-ek", &allowed, err));
    if (!allowed)
        return td_attestation_refuse(t, err, c->manufacturer[0] != '\0' ? TD_ATT_UNTRUSTED : TD_ATT_NO_CERTIFICATE,
                                     "sessionId",
                                     "the tenant believes no registered hashes since the challenge was given");
    if (td_tpm_is_virtual(c->manufacturer, c->model))
        td_try(td_attestation_allows(t, tx, "virtual-tpm", &allowed, err));
    return allowed ? TD_OK : td_attestation_refuse(t, err, TD_ATT_VIRTUAL, "sessionId", c->model);
}
