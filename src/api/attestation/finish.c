/* The second exchange: the answer to a challenge. One read, everything verified, one write in which the challenge is
 * used up whatever came of it, and in which an admission binds TPM and registration. */
#include "api/attestation/room.h"
#include "api/technician.h"
#include "base/encode.h"
#include "base/fault.h"
#include "store/action.h"
#include "store/event.h"
#include "store/profile.h"
#include "store/provisioning.h"

struct finish {
    struct td_attestation *t;
    const char *session;
    struct td_challenge challenge;
    struct td_proof proof;
    struct td_tpm_binding bound;  /* registration_id NULL: none yet */
    struct td_error refusal;      /* why it is not admitted: told and kept, reason in t */
    enum td_attest_reason judged; /* outside the store */
    char *ticket;
};

static enum td_code read_session(struct finish *f, struct td_error *err)
{
    struct td_attestation *t = f->t;
    char id[TD_UUID_TEXT];
    const char *text = td_json_str(t->body, "sessionId");
    if (text == NULL || !td_uuid_parse(td_str(text), id))
        return td_attestation_refuse(t, err, TD_ATT_NO_SESSION, "sessionId",
                                     "the session id is missing, or is no UUID");
    f->session = td_arena_strdup(t->a, id);
    return TD_OK;
}

/* --- what the store knows --- */

static enum td_code read_policy(struct finish *f, struct td_tx *tx, struct td_error *err)
{
    struct td_attestation *t = f->t;
    struct td_profile_row p;
    bool is_explicit = false;
    f->proof.policy = TD_PCR_NONE;
    f->proof.allowed = f->proof.baseline = "";
    enum td_code rc = td_profile_of_way(tx, t->tenant, t->registration.way_id, t->a, &p, &is_explicit, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    if (rc == TD_OK) {
        f->proof.policy = (enum td_pcr_policy)p.settings.pcr_policy;
        f->proof.allowed = p.settings.pcr_allowed;
    }
    f->bound = (struct td_tpm_binding){.registration_id = NULL};
    rc = td_tpm_binding_find(tx, t->tenant, f->challenge.registration_id, t->a, &f->bound, err);
    if (rc == TD_OK)
        f->proof.baseline = f->bound.baseline;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct finish *f = ctx;
    struct td_attestation *t = f->t;
    enum td_code rc = td_challenge_find(tx, f->session, t->a, &t->tenant, &f->challenge, err);
    if (rc == TD_ENOTFOUND) {
        t->tenant = NULL;
        return td_attestation_refuse(t, err, TD_ATT_NO_SESSION, "sessionId", NULL);
    }
    td_try(rc);
    rc = td_attestation_whose(t, tx, f->challenge.registration_id, err);
    if (rc != TD_OK) {
        t->tenant = NULL; /* it has ended meanwhile: nobody's timeline */
        return rc;
    }
    return read_policy(f, tx, err);
}

/* --- the verdict --- */

static enum td_code judge(struct finish *f, struct td_error *err)
{
    struct td_attestation *t = f->t;
    const char *named = td_json_str(t->body, "registrationId");
    if (f->challenge.answered_at != 0 && !td_fault("attest-challenge-twice"))
        return td_attestation_refuse(t, err, TD_ATT_USED, "sessionId", NULL);
    if (f->challenge.expires_at <= td_now(t->svc->env) && !td_fault("attest-any-age"))
        return td_attestation_refuse(t, err, TD_ATT_EXPIRED, "sessionId", NULL);
    if (named != NULL && !td_ieqs(td_str(named), f->challenge.registration_id))
        return td_attestation_refuse(t, err, TD_ATT_NO_SESSION, "registrationId",
                                     "the challenge was given for another registration");
    f->proof.challenge = &f->challenge;
    return td_proof_check(t, &f->proof, err);
}

/* --- the write --- */

/* Who else came between challenge and answer: two copies of one TPM, or two TPMs for one device. */
static enum td_code check_owner(struct finish *f, struct td_tx *tx, struct td_error *err)
{
    struct td_attestation *t = f->t;
    const struct td_challenge *c = &f->challenge;
    const char *tenant = "", *registration = "";
    f->bound = (struct td_tpm_binding){.registration_id = NULL, .baseline = ""};
    td_try(td_tpm_owner(tx, c->ek_sha256, t->a, &tenant, &registration, err));
    bool own = strcmp(tenant, t->tenant) == 0 && strcmp(registration, c->registration_id) == 0;
    if (registration[0] != '\0' && !own && !td_fault("attest-clone-late"))
        return td_attestation_refuse(t, &f->refusal, TD_ATT_CLONED, "sessionId", NULL);
    enum td_code rc = td_tpm_binding_find(tx, t->tenant, c->registration_id, t->a, &f->bound, err);
    if (rc == TD_OK && strcmp(f->bound.ek_sha256, c->ek_sha256) != 0)
        return td_attestation_refuse(t, &f->refusal, TD_ATT_OTHER_TPM, "sessionId", "another one was proven meanwhile");
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code check_still(struct finish *f, struct td_tx *tx, struct td_error *err)
{
    struct td_error why = {0};
    enum td_code rc = td_attestation_still(f->t, tx, &f->challenge, &why);
    if (rc != TD_OK)
        *(f->t->reason == TD_ATT_OK ? err : &f->refusal) = why;
    return rc;
}

/* A technician's code admits once; until then it has given as many challenges as the device needed. */
static enum td_code check_code(struct finish *f, struct td_tx *tx, struct td_error *err)
{
    const struct td_challenge *c = &f->challenge;
    bool good = true;
    if (c->technician_code[0] != '\0')
        td_try(td_provision_code_good(tx, f->t->tenant, c->registration_id, c->technician_code, &good, err));
    if (good || td_fault("provision-code-for-ever"))
        return TD_OK;
    return td_technician_new_code(&f->refusal,
                                  td_attestation_refuse(f->t, &f->refusal, TD_ATT_TECHNICIAN, "technicianCode",
                                                        "the code was used, has run out, or is void since"));
}

static enum td_code bind(struct finish *f, struct td_tx *tx, struct td_error *err)
{
    const struct td_challenge *c = &f->challenge;
    const struct td_proof *p = &f->proof;
    bool learn = p->policy == TD_PCR_BASELINE && (f->bound.registration_id == NULL || f->bound.baseline[0] == '\0');
    const struct td_tpm_binding b = {.registration_id = c->registration_id,
                                     .ek_sha256 = c->ek_sha256,
                                     .assurance = c->assurance,
                                     .manufacturer = c->manufacturer,
                                     .model = c->model,
                                     .version = c->version,
                                     .pcrs = p->pcrs[0] == '\0' && f->bound.registration_id != NULL ? f->bound.pcrs
                                                                                                    : p->pcrs,
                                     .baseline = learn                              ? p->pcrs
                                                 : f->bound.registration_id != NULL ? f->bound.baseline
                                                                                    : "",
                                     .clock = (int64_t)(p->quote.clock & INT64_MAX),
                                     .resets = p->quote.resets,
                                     .restarts = p->quote.restarts,
                                     .firmware = (int64_t)(p->quote.firmware & INT64_MAX),
                                     .first_at = td_tx_now(tx),
                                     .last_at = td_tx_now(tx)};
    return td_tpm_bind(tx, f->t->tenant, &b, err);
}

static const char *event_detail(const struct finish *f)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    struct td_jsonw w;
    const struct td_challenge *c = &f->challenge;
    td_buf_init(&b, 16384);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "purpose", td_attest_purpose_word(c->purpose));
    td_jsonw_kstr(&w, "assurance", td_assurance_word(c->assurance));
    td_jsonw_kstr(&w, "tpmManufacturer", c->manufacturer);
    td_jsonw_kstr(&w, "tpmModel", c->model);
    td_jsonw_kstr(&w, "tpmVersion", c->version);
    td_jsonw_kstr(&w, "endorsementKey", c->ek_sha256);
    td_jsonw_kint(&w, "resetCount", f->proof.quote.resets);
    td_jsonw_kbool(&w, "eventLog", f->proof.facts.log);
    if (c->technician[0] != '\0')
        td_jsonw_kstr(&w, "technician", c->technician);
    if (f->t->serial[0] != '\0')
        td_jsonw_kstr(&w, "serialNumber", f->t->serial);
    td_jsonw_end(&w);
    return b.failed ? "{}" : td_arena_text(f->t->a, td_buf_slice(&b));
}

/* Every admission is told, the second before a join too: each gives a ticket away. */
static enum td_code tell(struct finish *f, struct td_tx *tx, struct td_error *err)
{
    struct td_attestation *t = f->t;
    const char *tenant = t->tenant, *detail = event_detail(f);
    const struct td_event again = {
        .subject = t->way.id, .type = td_way_event_word(TD_EV_ATTESTED), .actor = "device", .detail = detail};
    bool changed = false;
    td_try(td_way_find(tx, tenant, TD_WAY_ID, t->way.id, t->a, &t->way, err));
    if (td_way_step(&t->way.way, TD_EV_ATTESTED, &changed, NULL) == TD_OK && changed)
        return td_way_happened(tx, tenant, t->way.id, TD_EV_ATTESTED, "device", detail, err);
    return td_event_append(tx, tenant, &again, err);
}

/* A proven machine that attests is in its box: a wipe is done, or it was installed anew by hand. */
static enum td_code admit(struct finish *f, struct td_tx *tx, struct td_error *err)
{
    struct td_attestation *t = f->t;
    td_try(bind(f, tx, err));
    td_try(td_provision_code_use(tx, t->tenant, f->challenge.registration_id, f->challenge.technician_code, err));
    if (!td_fault("attest-ends-nothing"))
        td_try(td_action_in_box(tx, t->tenant, t->way.id, true, err));
    return tell(f, tx, err);
}

static enum td_code answer_challenge(struct finish *f, struct td_tx *tx, struct td_error *err)
{
    struct td_challenge *c = &f->challenge;
    bool admitted = f->t->reason == TD_ATT_OK;
    c->answered_at = td_tx_now(tx);
    c->verdict = f->t->reason;
    c->key_sha256 = admitted ? f->proof.key_sha256 : "";
    c->management_key_sha256 = admitted ? f->proof.management_key_sha256 : "";
    c->ticket_expires_at = admitted ? td_tx_now(tx) + TD_ATTEST_TICKET_LIFE : 0;
    enum td_code rc = td_challenge_answer(tx, f->t->tenant, c, err);
    if (rc != TD_ESTATE || td_fault("attest-challenge-twice"))
        return rc == TD_ESTATE ? TD_OK : rc;
    (void)td_attestation_refuse(f->t, &f->refusal, TD_ATT_USED, "sessionId", NULL); /* another answer came first */
    return TD_OK;
}

/* May run twice: what was judged outside the store is kept apart from what the store adds. */
static enum td_code settle(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct finish *f = ctx;
    struct td_attestation *t = f->t;
    t->reason = f->judged;
    if (f->judged == TD_ATT_OK) {
        td_try(td_attestation_whose(t, tx, f->challenge.registration_id, err));
        enum td_code rc = check_owner(f, tx, err);
        if (rc == TD_OK && t->reason == TD_ATT_OK)
            rc = check_code(f, tx, err);
        if (rc == TD_OK && t->reason == TD_ATT_OK)
            rc = check_still(f, tx, err);
        if (rc != TD_OK && t->reason == TD_ATT_OK)
            return rc;
    }
    td_try(answer_challenge(f, tx, err));
    return t->reason == TD_ATT_OK ? admit(f, tx, err) : td_attestation_tell_refusal(tx, t, &f->refusal, err);
}

static void answer_admitted(const struct finish *f, struct td_buf *answer)
{
    struct td_jsonw w;
    const struct td_challenge *c = &f->challenge;
    td_jsonw_init(&w, answer);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "step", "admitted");
    td_jsonw_kstr(&w, "sessionId", c->id);
    td_jsonw_kstr(&w, "registrationId", c->registration_id);
    td_jsonw_kstr(&w, "purpose", td_attest_purpose_word(c->purpose));
    td_jsonw_kstr(&w, "assurance", td_assurance_word(c->assurance));
    td_jsonw_kstr(&w, "joinTicket", f->ticket);
    td_jsonw_ktime(&w, "joinTicketExpires", c->ticket_expires_at);
    if (c->purpose == TD_ATTEST_PRE_PROVISIONING && f->t->registration.assigned_user[0] != '\0')
        td_jsonw_kstr(&w, "assignedUser", f->t->registration.assigned_user); /* behind the proof; for the page */
    td_jsonw_end(&w);
}

static enum td_code make_ticket(struct finish *f, struct td_error *err)
{
    const struct td_challenge *c = &f->challenge;
    const struct td_join_ticket ticket = {.tenant = f->t->tenant,
                                          .registration_id = c->registration_id,
                                          .challenge_id = c->id,
                                          .key_sha256 = c->key_sha256,
                                          .purpose = c->purpose};
    return td_join_ticket_make(f->t->svc, &ticket, f->t->a, &f->ticket, err);
}

enum td_code td_attestation_finish(struct td_attestation *t, struct td_buf *answer, struct td_error *err)
{
    struct finish f = {.t = t};
    td_try(read_session(&f, err));
    td_try(td_store_read(t->svc->store, look, &f, err));
    enum td_code rc = judge(&f, &f.refusal);
    if (rc != TD_OK && t->reason == TD_ATT_OK) { /* ours, not the device's: the challenge stays */
        *err = f.refusal;
        return rc;
    }
    f.judged = t->reason;
    td_try(td_store_write(t->svc->store, settle, &f, err));
    if (t->reason != TD_ATT_OK) {
        *err = f.refusal;
        return err->code;
    }
    td_try(make_ticket(&f, err));
    answer_admitted(&f, answer);
    return TD_OK;
}
