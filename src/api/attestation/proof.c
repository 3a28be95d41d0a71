/* What the answer to a challenge proves, step by step: the AK lives in the EK's TPM, the quote is its word for this
 * challenge, the measurements lead to it and are what the profile wants, and the keys that are to get certificates are
 * in there (attestation.md 3.3, domain-join-and-tpm.md 2.2). */
#include "api/attestation/room.h"
#include "base/encode.h"
#include "base/fault.h"
#include "crypto/cert.h"
#include "crypto/digest.h"

#include <stdio.h>

enum {
    PROOF_OCTETS = 32,
    CSR_MAX = 16384,
    KEY_HAS = TD_TPMA_FIXED_TPM | TD_TPMA_SENSITIVE_DATA_ORIGIN | TD_TPMA_SIGN,
    HEX_PCR = 64
};

static enum td_code check_secret(struct td_attestation *t, const struct td_proof *p, struct td_error *err)
{
    struct td_slice proof = TD_S("");
    unsigned char digest[32];
    if (td_attestation_member(t, "proof", PROOF_OCTETS, &proof, NULL) != TD_OK || proof.n != PROOF_OCTETS)
        return td_attestation_refuse(t, err, TD_ATT_PROOF, "proof", "it is not 32 octets in base64");
    td_sha256(proof, digest);
    if (td_same_secret(td_bytes(digest, sizeof(digest)),
                       td_bytes(p->challenge->proof_sha256, sizeof(p->challenge->proof_sha256))) ||
        td_fault("attest-any-proof"))
        return TD_OK;
    return td_attestation_refuse(t, err, TD_ATT_PROOF, "proof", NULL);
}

/* What the AK says about itself of this challenge; reason is the caller's. */
static enum td_code read_word(struct td_attestation *t, const struct td_proof *p, const struct td_key *ak,
                              const char *name, const char *sig_name, uint16_t type, struct td_tpm_attest *ret,
                              struct td_error *why)
{
    struct td_slice attest = TD_S(""), octets = TD_S("");
    struct td_tpm_signature sig;
    td_try(td_attestation_member(t, name, TD_TPM_MAX_ATTEST, &attest, why));
    td_try(td_attestation_member(t, sig_name, TD_TPM_MAX_SIGNATURE, &octets, why));
    if (attest.n == 0 || octets.n == 0)
        return td_fail(why, TD_EINVAL, name, "%s is missing", attest.n == 0 ? name : sig_name);
    td_ignore(td_tpm_2b_read(attest, TD_TPM_MAX_ATTEST, &attest, NULL)); /* TPM2B_ATTEST: what is signed is inside */
    td_try(td_tpm_attest_read(attest, ret, why));
    if (ret->type != type)
        return td_fail(why, TD_EFORMAT, name, "it is a structure of another type, %04x", (unsigned)ret->type);
    if (!td_eq(ret->extra, td_bytes(p->challenge->nonce, sizeof(p->challenge->nonce))) && !td_fault("attest-any-nonce"))
        return td_fail(why, TD_EAUTH, name, "its nonce is not this challenge's");
    td_try(td_tpm_signature_read(octets, &sig, why));
    if (td_tpm_verify(ak, &sig, attest, why) != TD_OK && !td_fault("attest-any-signature"))
        return td_fail(why, TD_EAUTH, sig_name, "it is not the attestation key's signature");
    return TD_OK;
}

static enum td_code check_quote(struct td_attestation *t, struct td_proof *p, const struct td_key *ak,
                                struct td_error *err)
{
    struct td_error why = {0};
    if (read_word(t, p, ak, "quote", "quoteSig", TD_TPM_QUOTE, &p->quote, &why) != TD_OK)
        return td_attestation_refuse(t, err, TD_ATT_QUOTE, "quote", why.text);
    if (p->quote.pcrs.hash != TD_TPM_SHA256 || (p->quote.pcrs.selected & TD_PCR_MASK) != TD_PCR_MASK)
        return td_attestation_refuse(t, err, TD_ATT_QUOTE, "quote", "it does not cover PCR 0 to 7 of the SHA-256 bank");
    return TD_OK;
}

/* --- measurements --- */

static enum td_code bad_log(struct td_attestation *t, struct td_error *err, const char *field, const char *detail)
{
    return td_attestation_refuse(t, err, TD_ATT_LOG, field, detail);
}

static bool read_value(struct td_arena *a, const struct td_json *v, struct td_tpm_pcr_values *ret)
{
    uint64_t number = 0;
    struct td_slice octets = TD_S(""), text = td_str(v->type == TD_JSON_STRING ? v->str : "");
    if (td_istarts(text, "0x"))
        text = td_sub(text, 2, SIZE_MAX);
    if (!td_parse_u64(td_str(v->name), &number) || number >= TD_TPM_PCRS || text.n != HEX_PCR ||
        td_hex_decode(a, text, &octets) != TD_OK)
        return false;
    memcpy(ret->value[number], octets.p, sizeof(ret->value[number]));
    ret->known |= 1u << number;
    return true;
}

static enum td_code read_values(struct td_attestation *t, struct td_tpm_pcr_values *ret, struct td_error *err)
{
    const struct td_json *values = td_json_get(t->body, "pcrValues");
    *ret = (struct td_tpm_pcr_values){.known = 0};
    if (values == NULL || values->type == TD_JSON_NULL)
        return TD_OK;
    if (values->type != TD_JSON_OBJECT)
        return bad_log(t, err, "pcrValues", "they are no object of numbers and values");
    for (const struct td_json *v = values->child; v != NULL; v = v->next)
        if (!read_value(t->a, v, ret))
            return bad_log(t, err, "pcrValues", "a member is no PCR's number, or its value not 64 hexadecimal digits");
    return TD_OK;
}

static bool leads_to_quote(const struct td_proof *p, const struct td_tpm_pcr_values *values)
{
    unsigned char digest[32];
    return (td_tpm_pcr_digest(values, p->quote.pcrs.selected, digest) &&
            td_eq(td_bytes(digest, sizeof(digest)), p->quote.pcr_digest)) ||
           td_fault("attest-any-digest");
}

/* Of these types the digest is that of the data, which nobody can alter unnoticed then; of others it is not, and their
 * data proves nothing. */
static bool data_altered(const struct td_tcg_log *log)
{
    static const uint32_t types[] = {TD_TCG_SEPARATOR, TD_TCG_S_CRTM_VERSION, TD_TCG_EFI_VARIABLE_DRIVER_CONFIG};
    unsigned char digest[32];
    for (size_t i = 0; i < log->count; i++)
        for (size_t k = 0; k < TD_COUNTOF(types); k++) {
            if (log->events[i].type != types[k] || log->events[i].sha256.n == 0)
                continue;
            td_sha256(log->events[i].data, digest);
            if (!td_eq(log->events[i].sha256, td_bytes(digest, sizeof(digest))))
                return true;
        }
    return false;
}

static enum td_code replay(struct td_attestation *t, struct td_proof *p, struct td_tpm_pcr_values *ret,
                           struct td_error *err)
{
    struct td_slice octets = TD_S("");
    struct td_tcg_log log;
    struct td_error why = {0};
    ret->known = 0;
    if (td_attestation_member(t, "eventLog", TD_TCG_MAX, &octets, &why) != TD_OK)
        return bad_log(t, err, "eventLog", why.text);
    if (octets.n == 0)
        return TD_OK;
    if (td_tcg_log_read(octets, t->a, &log, &why) != TD_OK)
        return bad_log(t, err, "eventLog", why.text);
    td_tpm_replay(&log, ret);
    if (!leads_to_quote(p, ret))
        return bad_log(t, err, "eventLog", "the log does not lead to the quote");
    if (data_altered(&log) && !td_fault("attest-any-log-data"))
        return bad_log(t, err, "eventLog", "what the log says of an event is not what was measured");
    p->facts.log = true;
    p->facts.secure_boot = td_tpm_secure_boot(&log);
    return TD_OK;
}

static const char *values_json(struct td_arena *a, const struct td_tpm_pcr_values *v, uint32_t selected)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    struct td_jsonw w;
    char name[8];
    td_buf_init(&b, 4096);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    for (unsigned i = 0; i < TD_TPM_PCRS; i++)
        if ((v->known & selected & 1u << i) != 0) {
            (void)snprintf(name, sizeof(name), "%u", i);
            td_jsonw_kstr(&w, name, td_hex(a, td_bytes(v->value[i], sizeof(v->value[i]))));
        }
    td_jsonw_end(&w);
    return td_arena_text(a, td_buf_slice(&b));
}

static void read_baseline(struct td_attestation *t, struct td_proof *p)
{
    struct td_json *json = NULL;
    struct td_tpm_pcr_values values = {.known = 0};
    p->facts.has_baseline =
        p->baseline[0] != '\0' && td_json_parse(td_str(p->baseline), 8192, t->a, &json, NULL) == TD_OK;
    for (const struct td_json *v = p->facts.has_baseline ? json->child : NULL; v != NULL; v = v->next)
        (void)read_value(t->a, v, &values);
    memcpy(p->facts.baseline, values.value, sizeof(p->facts.baseline));
    p->facts.baseline_known = values.known;
}

static enum td_code check_measurements(struct td_attestation *t, struct td_proof *p, struct td_error *err)
{
    struct td_tpm_pcr_values told, log;
    struct td_error why = {0};
    td_try(read_values(t, &told, err));
    td_try(replay(t, p, &log, err));
    if (told.known != 0 && !leads_to_quote(p, &told))
        return bad_log(t, err, "pcrValues", "the values do not lead to the quote");
    if (told.known == 0)
        told = log;
    if (told.known == 0 && p->policy != TD_PCR_NONE)
        return bad_log(t, err, "pcrValues", "the profile wants measurements; neither values nor a log were sent");
    told.known &= p->quote.pcrs.selected; /* what was not quoted is hearsay */
    memcpy(p->facts.value, told.value, sizeof(p->facts.value));
    p->facts.known = told.known;
    p->pcrs = told.known != 0 ? values_json(t->a, &told, p->quote.pcrs.selected) : "";
    read_baseline(t, p);
    return td_pcr_judge(p->policy, p->allowed, &p->facts, &why) == TD_ATT_OK || td_fault("attest-any-pcr")
               ? TD_OK
               : td_attestation_refuse(t, err, TD_ATT_PCR, "quote", why.text);
}

/* --- the keys that are to get certificates --- */

struct certified { /* members of one */
    const char *key, *certify, *sig;
};

static enum td_code not_certified(struct td_attestation *t, struct td_error *err, const char *field, const char *detail)
{
    return td_attestation_refuse(t, err, TD_ATT_CERTIFY, field, detail);
}

/* Certified or not, a key that came from outside, or may leave, proves nothing later. */
static const char *unfit(const struct td_tpm_public *p, const struct td_key *key)
{
    enum td_key_kind kind = td_key_kind(key);
    if ((p->attributes & KEY_HAS) != KEY_HAS)
        return "the key is not fixed to its TPM, born in it and for signing";
    if ((p->attributes & TD_TPMA_RESTRICTED) != 0)
        return "a restricted key can't sign requests";
    if (kind != TD_KEY_P256 && (kind != TD_KEY_RSA || td_key_bits(key) < 2048))
        return "only RSA keys of 2048 bits and more and P-256 keys get certificates";
    return NULL;
}

static enum td_code check_certified(struct td_attestation *t, const struct td_proof *p, const struct td_key *ak,
                                    const struct certified *names, struct td_key **ret, struct td_error *err)
{
    struct td_slice octets = TD_S("");
    struct td_tpm_public public = {0};
    struct td_tpm_attest word = {0};
    struct td_tpm_name name = {0};
    struct td_error why = {0};
    if (td_attestation_member(t, names->key, TD_TPM_MAX_PUBLIC, &octets, &why) != TD_OK || octets.n == 0)
        return not_certified(t, err, names->key, octets.n == 0 && why.text[0] == '\0' ? "it is missing" : why.text);
    if (td_tpm_public_read(octets, &public, &why) != TD_OK || td_tpm_name(&public, &name, &why) != TD_OK ||
        td_tpm_key(&public, ret, &why) != TD_OK)
        return not_certified(t, err, names->key, why.text);
    if (read_word(t, p, ak, names->certify, names->sig, TD_TPM_CERTIFY, &word, &why) != TD_OK)
        return not_certified(t, err, names->certify, why.text);
    if (!td_eq(word.name, td_bytes(name.octets, name.n)) && !td_fault("attest-other-name"))
        return not_certified(t, err, names->certify, "it is about another key");
    const char *why_not = unfit(&public, *ret);
    return why_not == NULL || td_fault("attest-unfit-key") ? TD_OK : not_certified(t, err, names->key, why_not);
}

static enum td_code check_csr(struct td_attestation *t, const struct td_key *key, struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *asked = NULL;
    struct td_slice der = TD_S("");
    struct td_csr csr;
    struct td_error why = {0};
    if (td_attestation_member(t, "csr", CSR_MAX, &der, &why) != TD_OK)
        return td_attestation_refuse(t, err, TD_ATT_OTHER_KEY, "csr", why.text);
    if (der.n == 0)
        return TD_OK;
    if (td_csr_parse(der, t->a, &csr, &why) != TD_OK || td_key_from_public_der(csr.spki, &asked, &why) != TD_OK)
        return td_attestation_refuse(t, err, TD_ATT_OTHER_KEY, "csr", why.text);
    return td_key_same_public(asked, key) || td_fault("attest-any-csr")
               ? TD_OK
               : td_attestation_refuse(t, err, TD_ATT_OTHER_KEY, "csr", NULL);
}

static enum td_code check_keys(struct td_attestation *t, struct td_proof *p, const struct td_key *ak,
                               struct td_error *err)
{
    static const struct certified device = {"keyPub", "certify", "certifySig"},
                                  management = {"managementKeyPub", "managementCertify", "managementCertifySig"};
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    TD_CLEANUP(td_key_cleanup) struct td_key *second = NULL;
    td_try(check_certified(t, p, ak, &device, &key, err));
    td_try(check_csr(t, key, err));
    td_try(td_attestation_key_hash(key, t->a, &p->key_sha256, err));
    const char *given = td_json_str(t->body, management.key);
    p->management_key_sha256 = "";
    if (given == NULL || given[0] == '\0')
        return TD_OK;
    td_try(check_certified(t, p, ak, &management, &second, err));
    return td_attestation_key_hash(second, t->a, &p->management_key_sha256, err);
}

enum td_code td_proof_check(struct td_attestation *t, struct td_proof *p, struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *ak = NULL;
    struct td_tpm_public public;
    td_try(check_secret(t, p, err));
    td_try(td_tpm_public_read(p->challenge->ak, &public, err)); /* ours: it was read at the beginning */
    td_try(td_tpm_key(&public, &ak, err));
    td_try(check_quote(t, p, ak, err));
    td_try(check_measurements(t, p, err));
    return check_keys(t, p, ak, err);
}
