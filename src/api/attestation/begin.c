/* The first exchange: whose device it is, may it do this, are its keys a TPM's; then a challenge. One read, one write;
 * everything that costs computing lies between them. */
#include "api/attestation/room.h"
#include "api/technician.h"
#include "api/token.h"
#include "base/encode.h"
#include "base/fault.h"
#include "crypto/digest.h"
#include "http/addresses.h"

#include <stdio.h>

enum {
    AK_HAS =
        TD_TPMA_RESTRICTED | TD_TPMA_SIGN | TD_TPMA_FIXED_TPM | TD_TPMA_FIXED_PARENT | TD_TPMA_SENSITIVE_DATA_ORIGIN,
    SEED_MAX = 64,
    CREDENTIAL_MAX = 4096
};

struct begin {
    struct td_attestation *t;
    const char *registration_id;
    int purpose; /* enum td_attest_purpose as asked, TD_ATTEST_PURPOSE_OPEN */
    struct td_endorsement ek;
    enum td_code ek_rc; /* how reading it ended: told once it is known whose device it is */
    struct td_error ek_error;
    enum td_attest_reason owned; /* why the store refuses this key: TD_ATT_CLONED, TD_ATT_OTHER_TPM; told behind what
                                    its certificate says */
    struct td_slice ak;
    struct td_tpm_public ak_public;
    struct td_tpm_name ak_name;
    struct td_challenge challenge;
    struct td_tpm_credential credential;
    struct td_error *refusal; /* for its event */
};

/* --- what is asked --- */

static enum td_code read_registration(struct begin *b, struct td_error *err)
{
    struct td_attestation *t = b->t;
    char id[TD_UUID_TEXT];
    const char *text = td_json_str(t->body, "registrationId");
    if (text == NULL || !td_uuid_parse(td_str(text), id))
        return td_remedy(err, td_fail(err, TD_EINVAL, "registrationId", "is missing, or is no UUID"),
                         "Send the ZtdRegistrationId of the lookup's answer.");
    b->registration_id = td_arena_strdup(t->a, id);
    return TD_OK;
}

static enum td_code read_ticket(struct begin *b, struct td_error *err)
{
    struct td_attestation *t = b->t;
    const struct td_json *payload = NULL;
    const char *text = td_json_str(t->body, "ticket");
    if (text == NULL || text[0] == '\0')
        return TD_OK;
    enum td_code rc = td_ticket_open(t->svc, "device", td_str(text), t->a, &payload, NULL);
    const char *named = rc == TD_OK ? td_json_str(payload, "registration") : NULL;
    if ((named != NULL && strcmp(named, b->registration_id) == 0) || td_fault("attest-any-ticket"))
        return TD_OK;
    return td_attestation_refuse(t, err, TD_ATT_UNKNOWN_REGISTRATION, "ticket",
                                 rc == TD_EEXPIRED ? "the device ticket has run out"
                                                   : "the device ticket is not of this registration");
}

static enum td_code read_purpose(struct begin *b, struct td_error *err)
{
    const struct td_json *v = td_json_get(b->t->body, "purpose");
    b->purpose = TD_ATTEST_PURPOSE_OPEN;
    if (v == NULL || v->type == TD_JSON_NULL)
        return TD_OK;
    for (int p = TD_ATTEST_SELF_DEPLOYING; p <= TD_ATTEST_PRE_PROVISIONING; p++)
        if (v->type == TD_JSON_STRING && strcmp(v->str, td_attest_purpose_word((enum td_attest_purpose)p)) == 0)
            b->purpose = p;
    if (b->purpose != TD_ATTEST_PURPOSE_OPEN)
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_EINVAL, "purpose", "is neither self-deploying nor pre-provisioning"),
                     "Leave it out where the profile decides.");
}

static enum td_code read_request(struct begin *b, struct td_error *err)
{
    td_try(read_registration(b, err));
    td_try(read_ticket(b, err));
    td_try(read_purpose(b, err));
    td_try(td_attestation_member(b->t, "akPub", TD_TPM_MAX_PUBLIC, &b->ak, err));
    b->ek_rc = td_endorsement_read(b->t, &b->ek, &b->ek_error);
    if (b->ek_rc == TD_OK || b->t->reason == TD_ATT_BAD_EK)
        return TD_OK;
    *err = b->ek_error; /* no structure at all */
    return b->ek_rc;
}

/* --- what the store knows --- */

static enum td_code read_trust(struct begin *b, struct td_tx *tx, struct td_error *err)
{
    struct td_attestation *t = b->t;
    struct td_ek_root *roots = NULL;
    td_try(td_attestation_allows(t, tx, "virtual-tpm", &b->ek.virtual_allowed, err));
    td_try(td_attestation_allows(t, tx, "pinned-ek", &b->ek.pinned_allowed, err));
    td_try(td_ek_root_list(tx, t->tenant, t->a, &roots, &b->ek.root_count, err));
    b->ek.roots = roots;
    enum td_code rc = td_registration_hash(tx, t->tenant, b->registration_id, t->a, &b->ek.hash, err);
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

/* One TPM is one device, and one device one TPM, whichever tenant asks. */
static enum td_code look_for_owner(struct begin *b, struct td_tx *tx, struct td_error *err)
{
    struct td_attestation *t = b->t;
    const char *tenant = "", *registration = "";
    struct td_tpm_binding bound;
    b->owned = TD_ATT_OK;
    td_try(td_tpm_owner(tx, b->ek.sha256, t->a, &tenant, &registration, err));
    if (registration[0] != '\0' && (strcmp(tenant, t->tenant) != 0 || strcmp(registration, b->registration_id) != 0)) {
        b->owned = TD_ATT_CLONED;
        return TD_OK;
    }
    enum td_code rc = td_tpm_binding_find(tx, t->tenant, b->registration_id, t->a, &bound, err);
    if (rc == TD_OK && strcmp(bound.ek_sha256, b->ek.sha256) != 0)
        b->owned = TD_ATT_OTHER_TPM;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code judge_owner(struct begin *b, struct td_error *err)
{
    if (b->owned == TD_ATT_CLONED && !td_fault("attest-cloned-ek"))
        return td_attestation_refuse(b->t, err, TD_ATT_CLONED, "ekPub", NULL);
    if (b->owned == TD_ATT_OTHER_TPM && !td_fault("attest-second-tpm"))
        return td_attestation_refuse(b->t, err, TD_ATT_OTHER_TPM, "ekPub", "another one was proven before");
    return TD_OK;
}

/* The other end as its requests are counted: of IPv6 the first 64 bits. */
static const char *caller_of(const struct td_attestation *t)
{
    char text[INET6_ADDRSTRLEN];
    struct td_ip ip;
    if (!td_ip_parse(td_str(t->req->peer->address), &ip))
        return t->req->peer->address;
    struct td_address network = td_address_of(&ip);
    memcpy(ip.octets, network.octets, sizeof(ip.octets));
    td_ip_text(&ip, text);
    return td_arena_strdup(t->a, text);
}

static enum td_code check_count(struct begin *b, struct td_tx *tx, struct td_error *err)
{
    int64_t own = 0, all = 0, since = td_tx_now(tx) - TD_ATTEST_EK_MINUTES * TD_MINUTE;
    td_try(td_challenge_count(tx, b->ek.sha256, b->challenge.caller, since, &own, &all, err));
    if (td_fault("attest-one-counter"))
        own = all;
    return (own < TD_ATTEST_PER_EK && all < TD_ATTEST_PER_EK_ALL) || td_fault("attest-any-number")
               ? TD_OK
               : td_attestation_refuse(b->t, err, TD_ATT_TOO_MANY, "ekPub", NULL);
}

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct begin *b = ctx;
    struct td_attestation *t = b->t;
    t->reason = TD_ATT_OK;
    enum td_code rc = td_registration_tenant(tx, b->registration_id, t->a, &t->tenant, err);
    if (rc == TD_ENOTFOUND)
        return td_attestation_refuse(t, err, TD_ATT_UNKNOWN_REGISTRATION, "registrationId", NULL);
    td_try(rc);
    td_try(td_attestation_whose(t, tx, b->registration_id, err));
    td_try(td_attestation_wanted(b->t, tx, b->purpose, &b->challenge.purpose, err));
    if (b->ek_rc != TD_OK) {
        t->reason = TD_ATT_BAD_EK;
        *err = b->ek_error;
        return b->ek_rc;
    }
    td_try(check_count(b, tx, err));
    td_try(look_for_owner(b, tx, err));
    return read_trust(b, tx, err);
}

/* --- what the keys are --- */

static enum td_code bad_ak(struct begin *b, struct td_error *err, const char *detail)
{
    return td_attestation_refuse(b->t, err, TD_ATT_BAD_AK, "akPub", detail);
}

/* A restricted key signs nothing from outside that looks like the TPM's own words: that is what makes certify and quote
 * worth something (attestation.md 3). Its digests are SHA-256, and so is the quote's. */
static enum td_code judge_ak(struct begin *b, struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    const struct td_tpm_public *p = &b->ak_public;
    struct td_error why = {0};
    if (td_tpm_public_read(b->ak, &b->ak_public, &why) != TD_OK)
        return bad_ak(b, err, b->ak.n == 0 ? "it is missing" : why.text);
    if ((p->attributes & AK_HAS) != AK_HAS && !td_fault("attest-unrestricted-ak"))
        return bad_ak(b, err, "it is not restricted, for signing, fixed and born in its TPM");
    if ((p->attributes & TD_TPMA_DECRYPT) != 0 && !td_fault("attest-decrypting-ak"))
        return bad_ak(b, err, "it may decrypt");
    if (p->name_alg != TD_TPM_SHA256 || p->scheme_hash != TD_TPM_SHA256)
        return bad_ak(b, err, "its names and signatures must be made with SHA-256");
    if (p->scheme != TD_TPM_RSASSA && p->scheme != TD_TPM_RSAPSS && p->scheme != TD_TPM_ECDSA)
        return bad_ak(b, err, "its scheme is none of RSASSA, RSAPSS and ECDSA");
    if (td_tpm_key(p, &key, &why) != TD_OK || td_tpm_name(p, &b->ak_name, &why) != TD_OK)
        return bad_ak(b, err, why.text);
    return TD_OK;
}

/* The proof that is expected is all that rests of the secret. */
static enum td_code make_challenge(struct begin *b, struct td_error *err)
{
    struct td_attestation *t = b->t;
    struct td_challenge *c = &b->challenge;
    unsigned char secret[TD_TPM_SECRET], seed[SEED_MAX], message[TD_ATTESTATION_NONCE + TD_TPM_NAME_MAX], proof[32];
    struct td_error why = {0};
    td_random_fill(t->svc->env, secret, sizeof(secret));
    td_random_fill(t->svc->env, seed, sizeof(seed));
    td_random_fill(t->svc->env, c->nonce, sizeof(c->nonce));
    memcpy(message, c->nonce, sizeof(c->nonce));
    memcpy(message + sizeof(c->nonce), b->ak_name.octets, b->ak_name.n);
    td_hmac_sha256(td_bytes(secret, sizeof(secret)), td_bytes(message, sizeof(c->nonce) + b->ak_name.n), proof);
    td_sha256(td_bytes(proof, sizeof(proof)), c->proof_sha256);
    enum td_code rc =
        td_tpm_make_credential_for(&b->ek.public, b->ek.key, &b->ak_name, td_bytes(secret, sizeof(secret)),
                                   td_bytes(seed, sizeof(seed)), t->a, &b->credential, &why);
    td_wipe(secret, sizeof(secret));
    td_wipe(seed, sizeof(seed));
    td_wipe(proof, sizeof(proof));
    return rc == TD_OK ? TD_OK : td_attestation_refuse(t, err, TD_ATT_BAD_EK, "ekPub", why.text);
}

static enum td_code check_technician(struct begin *b, struct td_error *err)
{
    struct td_attestation *t = b->t;
    const struct td_technician_proof proof = {.token = td_json_str(t->body, "technicianToken"),
                                              .code = td_json_str(t->body, "technicianCode")};
    struct td_technician by = {.who = "", .code_sha256 = "", .field = ""};
    b->challenge.technician = b->challenge.technician_code = "";
    if (b->challenge.purpose != TD_ATTEST_PRE_PROVISIONING)
        return TD_OK;
    enum td_code rc = td_technician_check(t->svc, t->tenant, b->registration_id, &proof, t->a, &by, err);
    b->challenge.technician = by.who;
    b->challenge.technician_code = by.code_sha256;
    if (rc != TD_OK && td_attest_by_name(err->where) != NULL) {
        t->reason = td_attest_by_name(err->where)->reason;
        (void)snprintf(err->where, sizeof(err->where), "%s", by.field);
    }
    return rc;
}

static const char *or_none(const char *text)
{
    return text != NULL ? text : "";
}

static void describe(struct begin *b)
{
    struct td_challenge *c = &b->challenge;
    int64_t now = td_now(b->t->svc->env);
    c->id = td_uuid_arena(b->t->svc->env, b->t->a);
    c->registration_id = b->registration_id;
    c->ek_sha256 = b->ek.sha256;
    c->assurance = b->ek.assurance;
    c->manufacturer = or_none(b->ek.cert.manufacturer);
    c->model = or_none(b->ek.cert.model);
    c->version = or_none(b->ek.cert.version);
    c->ak = b->ak_public.whole;
    c->created_at = now;
    c->expires_at = now + TD_ATTEST_CHALLENGE_LIFE;
    c->key_sha256 = c->management_key_sha256 = "";
}

/* --- the write --- */

static enum td_code record(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct begin *b = ctx;
    td_try(check_count(b, tx, err));
    return td_challenge_add(tx, b->t->tenant, &b->challenge, err);
}

static enum td_code tell(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct begin *b = ctx;
    return td_attestation_tell_refusal(tx, b->t, b->refusal, err);
}

static void answer_challenge(const struct begin *b, struct td_buf *answer)
{
    struct td_jsonw w;
    struct td_buf two;
    const struct td_challenge *c = &b->challenge;
    struct td_arena *a = b->t->a;
    td_jsonw_init(&w, answer);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "step", "challenge");
    td_jsonw_kstr(&w, "sessionId", c->id);
    td_buf_init(&two, CREDENTIAL_MAX);
    td_tpm_2b_write(b->credential.id_object, &two);
    td_jsonw_kstr(&w, "idObject", td_b64(a, td_buf_slice(&two)));
    td_buf_reset(&two);
    td_tpm_2b_write(b->credential.secret, &two);
    td_jsonw_kstr(&w, "encSecret", td_b64(a, td_buf_slice(&two)));
    td_buf_done(&two);
    td_jsonw_kstr(&w, "nonce", td_hex(a, td_bytes(c->nonce, sizeof(c->nonce))));
    td_jsonw_key(&w, "pcrs");
    td_jsonw_arr(&w);
    for (int i = 0; i < TD_PCR_COUNT; i++)
        if ((TD_PCR_MASK & 1u << i) != 0)
            td_jsonw_int(&w, i);
    td_jsonw_arr_end(&w);
    td_jsonw_ktime(&w, "expires", c->expires_at);
    td_jsonw_end(&w);
}

static enum td_code challenge(struct begin *b, struct td_error *err)
{
    struct td_store *store = b->t->svc->store;
    td_try(td_store_read(store, look, b, err));
    td_try(td_endorsement_judge(b->t, &b->ek, err));
    td_try(judge_owner(b, err));
    td_try(judge_ak(b, err));
    td_try(check_technician(b, err));
    describe(b);
    td_try(make_challenge(b, err));
    return td_store_write(store, record, b, err);
}

enum td_code td_attestation_begin(struct td_attestation *t, struct td_buf *answer, struct td_error *err)
{
    struct begin b = {.t = t, .registration_id = "", .refusal = err, .challenge.caller = caller_of(t)};
    struct td_error lost = {0};
    enum td_code rc = read_request(&b, err);
    if (rc == TD_OK)
        rc = challenge(&b, err);
    td_endorsement_done(&b.ek);
    if (rc == TD_OK)
        answer_challenge(&b, answer);
    else if (t->tenant != NULL && t->reason != TD_ATT_OK)
        td_ignore(td_store_write(t->svc->store, tell, &b, &lost)); /* the answer stands without its event */
    return rc;
}
