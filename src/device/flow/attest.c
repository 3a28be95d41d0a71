/* "Securing your hardware": the client of attestation (docs/protocol/attestation.md). What is registered is a claim;
 * this proves that the claimed TPM is here, and that the keys of the join and of the management live inside it. */
#include "base/encode.h"
#include "base/fault.h"
#include "codec/tpm.h"
#include "crypto/digest.h"
#include "crypto/tpm.h"
#include "device/flow.h"
#include "device/tpm.h"
#include "device/web.h"
#include "way/attestation.h"

enum { ATTEST_MAX_OCTETS = 786432, MOST_CHALLENGES = 3, MAX_NONCE = 64, MAX_BLOB = 1024, MAX_RETRY_SECONDS = 600 };

struct attest {
    struct td_flow *f;
    struct td_arena *a; /* wiped: the activated secret and the ticket pass through it */
    struct td_tpm *tpm;
    struct td_tpm_ek ek;
    struct td_slice ak;
    const char *purpose;
    /* the challenge */
    const char *session;
    struct td_slice id_object, enc_secret, nonce;
    bool stale; /* the service wants another challenge answered, not this one */
};

static enum td_code no_tpm(struct td_error *err)
{
    (void)td_fail(err, TD_ENOTOFFERED, "attestation", "this device has no TPM 2.0");
    if (err != NULL)
        err->hresult = 0x800705b4;
    return td_remedy(err, TD_ENOTOFFERED,
                     "Enable the TPM in the firmware's setup, or name it: --tpm device:/dev/tpmrm0.");
}

static void add(struct td_jsonw *w, const struct attest *t, const char *name, struct td_slice octets)
{
    if (octets.n != 0)
        td_jsonw_kstr(w, name, td_b64(t->a, octets));
}

static void add_text(struct td_jsonw *w, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        td_jsonw_kstr(w, name, text);
}

/* --- what the service says -------------------------------------------------------------------------------------- */

/* The sentence of a refusal, told by the service that knows more than the table; the table where it does not. */
static enum td_code refused(struct attest *t, const struct td_json *body, const struct td_attest_row *row,
                            struct td_error *err)
{
    const char *detail = td_json_str(body, "detail"), *remedy = td_json_str(body, "remedy");
    (void)td_fail(err, row->code, "attestation", "%s: %s", row->name, detail != NULL ? detail : row->cause);
    t->stale = row->reason == TD_ATT_NO_SESSION || row->reason == TD_ATT_USED || row->reason == TD_ATT_EXPIRED;
    if (err != NULL)
        err->hresult = row->hresult;
    if (row->reason == TD_ATT_NO_CERTIFICATE)
        return td_remedy(err, row->code, "%.150s (This device asks no maker for one: not offered.)", row->remedy);
    return td_remedy(err, row->code, "%s", remedy != NULL ? remedy : row->remedy);
}

/* A service that is busy says so with or without a problem of its own: 429 of ours is "too many challenges". */
static enum td_code judge(struct attest *t, struct td_web *w, const struct td_net_response *r,
                          const struct td_json **ret, struct td_error *err)
{
    struct td_json *body = NULL;
    uint64_t seconds;
    if (r->status != 200 && td_json_parse(r->body, ATTEST_MAX_OCTETS, t->a, &body, NULL) == TD_OK &&
        body->type == TD_JSON_OBJECT) {
        const char *code = td_json_str(body, "code");
        const struct td_attest_row *row = code != NULL ? td_attest_by_name(code) : NULL;
        if (row != NULL)
            return refused(t, body, row, err);
    }
    if (r->status == 429 || (r->status >= 502 && r->status <= 504)) {
        if (td_parse_u64(td_net_header(r, "Retry-After"), &seconds) && seconds <= MAX_RETRY_SECONDS)
            t->f->retry_after = (int64_t)seconds * TD_SECOND;
        return td_fail(err, TD_EUNAVAILABLE, w->what, "the service answers %d: busy", r->status);
    }
    enum td_code rc = td_web_json(w, r, ret, err);
    if (rc != TD_OK && err != NULL && err->hresult == 0)
        err->hresult = 0x801c03ea; /* attestation failed, for no reason that has a code of its own */
    return rc;
}

static enum td_code post(struct attest *t, const struct td_buf *request, const char *step, const struct td_json **ret,
                         struct td_error *err)
{
    struct td_web w = {.flow = t->f, .arena = t->a, .what = "attestation"};
    struct td_net_request req = {.method = "POST",
                                 .url = td_arena_printf(t->a, "%s/ztd/v1/attest", t->f->dev->server),
                                 .headers = {"Content-Type: application/json", "Accept: application/json"},
                                 .body = td_buf_slice(request),
                                 .has_body = true};
    struct td_net_response r = {0};
    td_try(td_buf_check(request, "attestation", err));
    td_try(t->f->net->send(t->f->net->ctx, &req, t->a, &r, err));
    td_try(judge(t, &w, &r, ret, err));
    const char *said = td_json_str(*ret, "step");
    if (said == NULL || strcmp(said, step) != 0)
        return td_fail(err, TD_EFORMAT, "attestation", "the answer is not the step \"%s\"", step);
    return TD_OK;
}

/* --- begin ------------------------------------------------------------------------------------------------------- */

static void write_begin(const struct attest *t, struct td_buf *out)
{
    const struct td_flow *f = t->f;
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "step", "attest-begin");
    td_jsonw_kstr(&w, "registrationId", td_flow_get(f, "profile.registration_id"));
    add_text(&w, "ticket", td_flow_get(f, "lookup.ticket"));
    add_text(&w, "purpose", t->purpose);
    add(&w, t, "ekPub", t->ek.public_);
    add(&w, t, "ekCert", t->ek.cert);
    add(&w, t, "akPub", t->ak);
    add_text(&w, "serial", f->hw.facts.serial);
    add_text(&w, "technicianToken", f->secrets.technician_token);
    add_text(&w, "technicianCode", f->secrets.technician_code);
    td_jsonw_end(&w);
}

/* A member that is a TPM2B in base64: its contents. */
static enum td_code contents(const struct attest *t, const struct td_json *answer, const char *name,
                             struct td_slice *ret, struct td_error *err)
{
    const char *text = td_json_str(answer, name);
    struct td_slice whole;
    if (text == NULL || td_b64_decode(t->a, td_str(text), TD_B64_STD | TD_B64_NOPAD, &whole) != TD_OK)
        return td_fail(err, TD_EFORMAT, "attestation", "the answer has no %s in base64", name);
    return td_tpm_2b_read(whole, MAX_BLOB, ret, err);
}

static enum td_code begin(struct attest *t, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf request;
    const struct td_json *answer = NULL;
    td_buf_init(&request, ATTEST_MAX_OCTETS);
    write_begin(t, &request);
    td_try(post(t, &request, "challenge", &answer, err));
    const char *nonce = td_json_str(answer, "nonce");
    t->session = td_json_str(answer, "sessionId");
    td_try(contents(t, answer, "idObject", &t->id_object, err));
    td_try(contents(t, answer, "encSecret", &t->enc_secret, err));
    if (t->session == NULL || nonce == NULL || td_hex_decode(t->a, td_str(nonce), &t->nonce) != TD_OK ||
        t->nonce.n == 0 || t->nonce.n > MAX_NONCE)
        return td_fail(err, TD_EFORMAT, "attestation", "the challenge has no sessionId, or no nonce in hexadecimal");
    return TD_OK;
}

/* --- finish ------------------------------------------------------------------------------------------------------ */

/* The secret came out of this TPM, and of no other (docs/protocol/attestation.md 2). */
static enum td_code prove(struct attest *t, unsigned char ret[32], struct td_error *err)
{
    struct td_slice secret;
    struct td_tpm_public ak;
    struct td_tpm_name name;
    td_try(td_tpm_activate(t->tpm, t->id_object, t->enc_secret, t->a, &secret, err));
    td_try(td_tpm_public_read(t->ak, &ak, err));
    td_try(td_tpm_name(&ak, &name, err));
    TD_CLEANUP(td_buf_done) struct td_buf both;
    td_buf_init(&both, MAX_NONCE + TD_TPM_NAME_MAX);
    td_buf_add(&both, t->nonce);
    td_buf_add(&both, td_bytes(name.octets, name.n));
    td_hmac_sha256(secret, td_buf_slice(&both), ret);
    return TD_OK;
}

static enum td_code add_quote(struct attest *t, struct td_jsonw *w, struct td_error *err)
{
    unsigned char values[8][32];
    struct td_tpm_proof quote = {0};
    struct td_slice log;
    td_try(td_tpm_event_log(t->f->dev, t->a, &log, err));
    td_try(td_tpm_quote(t->tpm, t->nonce, t->a, &quote, values, err));
    add(w, t, "quote", quote.attest);
    add(w, t, "quoteSig", quote.signature);
    td_jsonw_key(w, "pcrValues");
    td_jsonw_obj(w);
    for (unsigned i = 0; i < TD_COUNTOF(values); i++)
        td_jsonw_kstr(w, td_arena_printf(t->a, "%u", i), td_hex(t->a, td_bytes(values[i], sizeof(values[i]))));
    td_jsonw_end(w);
    add(w, t, "eventLog", log);
    return TD_OK;
}

/* Both keys are certified: the service may ask it of the management certificate too. */
static enum td_code add_keys(struct attest *t, struct td_jsonw *w, struct td_error *err)
{
    static const struct {
        enum td_tpm_key_kind kind;
        const char *public_, *attest, *signature;
    } rows[] = {{TD_TPM_KEY_DEVICE, "keyPub", "certify", "certifySig"},
                {TD_TPM_KEY_MANAGEMENT, "managementKeyPub", "managementCertify", "managementCertifySig"}};
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_slice csr;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_slice octets;
        struct td_tpm_proof said = {0};
        td_try(td_tpm_certify(t->f->dev, rows[i].kind, t->nonce, t->a, &octets, &said, err));
        add(w, t, rows[i].public_, octets);
        add(w, t, rows[i].attest, said.attest);
        add(w, t, rows[i].signature, said.signature);
    }
    td_try(td_flow_key(t->f, "device.key.pem", &key, err));
    td_try(td_join_csr(key, t->a, &csr, err));
    add(w, t, "csr", csr);
    return TD_OK;
}

static enum td_code write_finish(struct attest *t, struct td_buf *out, struct td_error *err)
{
    unsigned char proof[32];
    struct td_jsonw w;
    td_try(prove(t, proof, err));
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "step", "attest-finish");
    td_jsonw_kstr(&w, "sessionId", t->session);
    add(&w, t, "proof", td_bytes(proof, sizeof(proof)));
    td_wipe(proof, sizeof(proof));
    td_try(add_quote(t, &w, err));
    td_try(add_keys(t, &w, err));
    td_jsonw_end(&w);
    return TD_OK;
}

static enum td_code finish(struct attest *t, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf request;
    const struct td_json *answer = NULL;
    td_buf_init(&request, ATTEST_MAX_OCTETS);
    td_try(write_finish(t, &request, err));
    td_try(post(t, &request, "admitted", &answer, err));
    const char *ticket = td_json_str(answer, "joinTicket");
    if (ticket == NULL || ticket[0] == '\0')
        return td_fail(err, TD_EFORMAT, "attestation", "the answer has no joinTicket");
    td_secret_put(&t->f->secrets.join_token, ticket);
    td_state_set(t->f->dev->state, "provision.user", td_json_str(answer, "assignedUser")); /* for the technician */
    return TD_OK;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

/* One that was used, has run out or was forgotten (an answer lost on its way, a TPM that was slow) is worth another;
 * one that is refused for what it says is not. */
static enum td_code answer_a_challenge(struct attest *t, struct td_error *err)
{
    enum td_code rc = TD_OK;
    for (int i = 0; i < MOST_CHALLENGES; i++) {
        t->stale = false;
        td_try(begin(t, err));
        rc = finish(t, err);
        if (rc == TD_OK || !t->stale || td_fault("device-attests-once"))
            return rc;
    }
    if (err != NULL)
        err->hresult = 0x81039001;
    return td_remedy(err, rc, "Switch the device off and on; look into its timeline on the service.");
}

enum td_code td_flow_attest(struct td_flow *f, const char *purpose, struct td_error *err)
{
    TD_CLEANUP(td_arena_wipe) struct td_arena a = {0};
    struct attest t = {.f = f, .a = &a, .purpose = purpose};
    td_try(td_device_tpm(f->dev, &t.tpm, err));
    if (t.tpm == NULL)
        return no_tpm(err);
    td_device_say(f->dev, "page", "securing your hardware");
    td_try(td_tpm_ek(t.tpm, &a, &t.ek, err));
    td_try(td_tpm_ak(t.tpm, &a, &t.ak, err));
    return answer_a_challenge(&t, err);
}
