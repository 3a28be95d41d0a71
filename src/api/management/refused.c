/* Management: an enrolment that has ended, was replaced, or whose certificate is revoked shows itself. No device goes
 * on in silence: its way hears of it, once an hour at most, and a deleted device may be told to leave (setting
 * deleted-device). */
#include "api/management/room.h"
#include "base/fault.h"
#include "store/certificate.h"
#include "store/tenant.h"

/* From the first message of the farewell: for its answer, its repetition, and the goodbye. */
static const int64_t farewell_time = 5 * TD_MINUTE;

static enum td_code find_ended(struct td_exchange *x, struct td_tx *tx, bool *ret_found, struct td_error *err)
{
    struct td_cert_row cert = {0};
    *ret_found = false;
    enum td_code rc = td_cert_find(tx, x->req->peer->cert_sha256, x->a, &cert, err);
    if (rc != TD_OK || strcmp(cert.purpose, "management") != 0)
        return rc == TD_ENOTFOUND ? TD_OK : rc;
    x->tenant = cert.tenant;
    rc = td_enrolment_find(tx, cert.tenant, cert.subject, x->a, &x->enrolment, err);
    *ret_found = rc == TD_OK;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static bool says_goodbye(const struct td_exchange *x)
{
    for (const struct td_sync_cmd *c = x->msg.cmds; c != NULL; c = c->next)
        for (const struct td_sync_item *i = c->kind == TD_SYNC_ALERT ? c->items : NULL; i != NULL; i = i->next)
            if (strcmp(i->meta.type, "com.microsoft:mdm.unenrollment.userrequest") == 0)
                return true;
    return false;
}

static enum td_code may_say_farewell(struct td_exchange *x, struct td_tx *tx, bool *ret, struct td_error *err)
{
    const char *word = "";
    *ret = false;
    if (x->enrolment.state != TD_ENROLMENT_ENDED || x->msg_no == 0)
        return TD_OK;
    td_try(td_tenant_get(tx, x->tenant, "deleted-device", x->a, &word, err));
    if (strcmp(word, "retire") != 0)
        return TD_OK;
    return td_managed_farewell(tx, x->tenant, x->enrolment.id, farewell_time, ret, err);
}

/* Its first message is told to leave, every other one only answered. */
static enum td_code say_farewell(struct td_exchange *x, struct td_error *err)
{
    struct td_want leave = {
        .verb = TD_SYNC_EXEC,
        .uri = td_arena_printf(x->a, "./Device/Vendor/MSFT/DMClient/Provider/%s/Unenroll", x->enrolment.provider),
        .format = "chr",
        .type = "",
        .data = x->enrolment.provider};
    struct td_sync_cmd *order = NULL;
    uint64_t cmd_id = 2;
    for (const struct td_sync_cmd *c = x->msg.cmds; c != NULL; c = c->next)
        cmd_id += c->kind != TD_SYNC_STATUS && c->kind != TD_SYNC_RESULTS;
    if (x->msg_no == 1 && !says_goodbye(x))
        order = td_want_command(&leave, false, &cmd_id, x->a);
    return td_mgmt_farewell(x, order, err);
}

enum td_code td_mgmt_refused(struct td_exchange *x, struct td_tx *tx, const struct td_error *why, bool *ret_let_in,
                             struct td_error *err)
{
    bool found = false;
    *ret_let_in = false;
    td_try(find_ended(x, tx, &found, err));
    if (!found)
        return TD_OK;
    td_try(may_say_farewell(x, tx, ret_let_in, err));
    if (*ret_let_in)
        return say_farewell(x, err);
    if (says_goodbye(x) || td_fault("refusal-untold"))
        return TD_OK;
    return td_managed_refused(tx, x->tenant, x->enrolment.id, why, err);
}
