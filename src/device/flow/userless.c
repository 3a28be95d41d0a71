/* A device without a user: its TPM in place of a sign-in (autopilot.md 3.3, 3.4; docs/protocol/attestation.md). */
#include "base/fault.h"
#include "device/domain.h"

enum { MOST_TICKETS = 3 };

static const char self_deploying[] = "self-deploying";

/* Of the two ways on which nobody signs in. */
static const char *purpose_of(const struct td_flow *f)
{
    return f->technician ? "pre-provisioning" : self_deploying;
}

enum td_flow_kind td_flow_kind(const struct td_flow *f)
{
    const char *by = td_flow_get(f, "join.attested");
    if (f->technician)
        return TD_FLOW_TECHNICIAN;
    if (td_domain_wanted(f->dev))
        return TD_FLOW_HYBRID;
    if (td_flow_step_done(f, "join"))
        return strcmp(by, self_deploying) == 0 ? TD_FLOW_SELF_DEPLOYING : TD_FLOW_USER;
    return td_state_int(f->dev->state, "profile.mode", 0) == 1 ? TD_FLOW_SELF_DEPLOYING : TD_FLOW_USER;
}

bool td_flow_nobody(const struct td_flow *f)
{
    enum td_flow_kind kind = td_flow_kind(f);
    return kind == TD_FLOW_SELF_DEPLOYING || kind == TD_FLOW_TECHNICIAN;
}

void td_flow_prepared(struct td_flow *f, const char *row)
{
    if (td_flow_nobody(f))
        td_device_say(f->dev, "status", "%s (Complete)", row);
}

/* The ticket lives in memory: whoever was killed before the join proves the TPM again. */
bool td_flow_skip_secure(const struct td_flow *f)
{
    return td_flow_step_done(f, "join") || f->secrets.join_token != NULL;
}

enum td_code td_flow_secure(struct td_flow *f, struct td_error *err)
{
    td_try(td_flow_attest(f, purpose_of(f), err));
    if (f->secrets.join_token == NULL)
        return td_fail(err, TD_EINTERNAL, "attestation", "admitted without a join ticket");
    td_flow_prepared(f, "Secure your hardware");
    td_flow_news(f, "hardware proven: %s", purpose_of(f));
    return TD_OK;
}

/* What a join that has no bearer is to people: no device token (autopilot.md 6.7). */
static enum td_code no_token(enum td_code rc, struct td_error *err)
{
    if (rc == TD_EAUTH && err != NULL)
        err->hresult = 0x801c03ea;
    return rc;
}

enum td_code td_flow_join_attested(struct td_flow *f, struct td_error *err)
{
    const char *purpose = purpose_of(f);
    enum td_code rc = TD_EAUTH;
    for (int tickets = 0; rc == TD_EAUTH && tickets < MOST_TICKETS; tickets++) {
        if (f->secrets.join_token == NULL)
            td_try(td_flow_secure(f, err));
        td_state_set(f->dev->state, "join.attested", purpose); /* kept with what the join leaves */
        rc = td_flow_join(f, err);
        if ((rc == TD_EAUTH || rc == TD_OK) && !td_fault("device-keeps-its-ticket"))
            td_secret_put(&f->secrets.join_token, NULL);
    }
    if (rc != TD_OK)
        td_state_set(f->dev->state, "join.attested", NULL);
    else
        td_flow_prepared(f, "Join your organization's network");
    return no_token(rc, err);
}
