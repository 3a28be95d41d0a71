/* What a join is asked with: the token of a user and the device ticket beside it, or the join ticket of a TPM. */
#include "api/join/job.h"
#include "base/encode.h"
#include "base/fault.h"

/* Foreign clients put tickets of other services here: those say nothing to us and are passed over. One of ours that has
 * run out is told, because the device can get another. */
enum td_code td_join_open_device_ticket(struct td_join_job *j, struct td_error *err)
{
    const struct td_json *payload = NULL;
    struct td_error why = {0};
    j->ticket_tenant = "";
    j->joining.registration_id = "";
    if (j->asked.ticket.n == 0)
        return TD_OK;
    enum td_code rc = td_ticket_open(j->svc, "device", j->asked.ticket, j->arena, &payload, &why);
    if (rc == TD_EEXPIRED)
        return td_join_deny(err, "attributes.MSA-DDID", "the device ticket has run out",
                            "Let the device look its profile up again.");
    if (rc != TD_OK)
        return rc == TD_EAUTH ? TD_OK : td_fail(err, rc, "attributes.MSA-DDID", "%s", why.text);
    const char *tenant = td_json_str(payload, "tenant"), *registration = td_json_str(payload, "registration");
    if (tenant == NULL || registration == NULL)
        return td_fail(err, TD_EINVAL, "attributes.MSA-DDID", "the device ticket names no registration");
    j->ticket_tenant = tenant;
    j->joining.registration_id = registration;
    return TD_OK;
}

/* Is the join ticket still good? Asked before anything is written; the write that joins uses it up. */
static enum td_code check_join_ticket(struct td_tx *tx, struct td_join_job *j, struct td_error *err)
{
    struct td_challenge c;
    const char *tenant = "";
    td_join_note_way(tx, j);
    enum td_code rc = td_challenge_find(tx, j->attested.challenge_id, j->arena, &tenant, &c, err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && strcmp(tenant, j->attested.tenant) != 0))
        return td_attest_refuse(err, TD_ATT_TICKET, "its attestation is gone");
    td_try(rc);
    if (c.ticket_used_at != 0 && !td_fault("join-ticket-twice"))
        return td_attest_refuse(err, TD_ATT_TICKET, "it was used");
    if (c.ticket_expires_at <= td_tx_now(tx) && !td_fault("join-ticket-late"))
        return td_attest_refuse(err, TD_ATT_TICKET, "it has run out");
    return TD_OK;
}

static enum td_code check_token(struct td_tx *tx, struct td_join_job *j, struct td_error *err)
{
    td_try(td_token_check(j->svc, tx, td_http_bearer(j->req), TD_RESOURCE_DIRECTORY_JOIN, j->arena, &j->caller, err));
    if (j->caller.oid[0] == '\0' || j->caller.upn[0] == '\0')
        return td_join_deny(err, "token", "it names no user", "Join with a user's token.");
    return TD_OK;
}

enum td_code td_join_check_caller(struct td_tx *tx, struct td_join_job *j, struct td_error *err)
{
    enum td_code rc = td_join_ticket_open(j->svc, td_http_bearer(j->req), j->arena, &j->attested, NULL);
    if (rc == TD_OK) {
        j->caller = (struct td_claims){.tenant = j->attested.tenant, .oid = "", .upn = "", .name = ""};
        j->ticket_tenant = j->attested.tenant;
        j->joining.registration_id = j->attested.registration_id;
        td_try(check_join_ticket(tx, j, err));
    } else if (rc == TD_EEXPIRED) {
        return td_attest_refuse(err, TD_ATT_TICKET, "it has run out");
    } else {
        j->attested = (struct td_join_ticket){.challenge_id = NULL};
        td_try(check_token(tx, j, err));
    }
    j->joining.owner_id = j->caller.oid;
    j->joining.owner_upn = j->caller.upn;
    return TD_OK;
}

enum td_code td_join_check_key(const struct td_join_job *j, struct td_error *err)
{
    const unsigned char *key = j->joining.key_sha256;
    if (!td_join_by_tpm(j)) /* the key of a device with a user signs its token requests by RS256 (4.2) */
        return j->asked.csr.kind == TD_KEY_RSA
                   ? TD_OK
                   : td_fail(err, TD_EINVAL, "CertificateRequest.Data", "only RSA keys are offered");
    if (strcmp(td_hex(j->arena, td_bytes(key, sizeof(j->joining.key_sha256))), j->attested.key_sha256) == 0 ||
        td_fault("join-ticket-any-key"))
        return TD_OK;
    return td_attest_refuse(err, TD_ATT_TICKET, "the request is for another key than the TPM certified");
}

enum td_code td_join_spend_ticket(struct td_tx *tx, struct td_join_job *j, struct td_error *err)
{
    enum td_code rc = td_join_ticket_use(tx, j->caller.tenant, j->attested.challenge_id, err);
    if (rc == TD_ESTATE || rc == TD_EEXPIRED || rc == TD_ENOTFOUND)
        return td_attest_refuse(err, TD_ATT_TICKET, rc == TD_ESTATE ? "it was used" : "it has run out");
    return rc;
}
