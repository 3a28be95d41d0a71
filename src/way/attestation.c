#include "way/attestation.h"

#include "base/arena.h"
#include "base/encode.h"
#include "base/fault.h"

#include <string.h>

enum { /* what Windows shows for the same cause: autopilot.md 6.7, attestation.md 1, mde2.md 5 */
       NO_TPM = 0x800705b4,
       BAD_REQUEST = 0x80190190,
       NO_EK = 0x80190194,
       NOT_ALLOWED = 0x801c0003,
       AIK = 0x801c0010,
       FAILED = 0x801c03ea
};
#define DEVICE_ONCE 0x80180014U
#define RETRIES 0x81039001U
#define NO_PREPROVISIONING 0x80180005U
#define JOIN_CREDENTIAL 0x801c0002U

static const struct td_attest_row rows[TD_ATT_COUNT] = {
    [TD_ATT_OK] = {TD_ATT_OK, "Admitted", 0, TD_OK, "The TPM proved itself.", ""},
    [TD_ATT_UNKNOWN_REGISTRATION] =
        {TD_ATT_UNKNOWN_REGISTRATION, "UnknownRegistration", FAILED, TD_ENOTFOUND,
         "No registered device has this registration id.",
         "Register the device by its hardware hash, then start it again so that it asks for its profile anew."},
    [TD_ATT_NOT_WANTED] = {TD_ATT_NOT_WANTED, "AttestationNotWanted", NO_PREPROVISIONING, TD_EDENIED,
                           "The device's profile is neither self-deploying nor does it allow pre-provisioning.",
                           "Assign a profile with deviceUsageType shared, or with preprovisioningAllowed true."},
    [TD_ATT_TECHNICIAN] = {TD_ATT_TECHNICIAN, "TechnicianProofNeeded", NOT_ALLOWED, TD_EDENIED,
                           "The tenant wants a technician's proof before a device is pre-provisioned.",
                           "Sign in as technician on the device or approve it by the companion; the setting is"
                           " technician-proof."},
    [TD_ATT_BAD_EK] = {TD_ATT_BAD_EK, "BadEndorsementKey", BAD_REQUEST, TD_EDENIED,
                       "The endorsement key is malformed, or its attributes are not those of one.",
                       "Clear the TPM in the firmware's setup, update its firmware, and try again."},
    [TD_ATT_NO_CERTIFICATE] =
        {TD_ATT_NO_CERTIFICATE, "NoEndorsementCertificate", NO_EK, TD_EDENIED,
         "The TPM has no endorsement certificate, and its key is not believed without one.",
         "Update the TPM's firmware, or register the device by a hardware hash that carries the key, with pinned-ek"
         " at allow."},
    [TD_ATT_CERTIFICATE_KEY] = {TD_ATT_CERTIFICATE_KEY, "CertificateOfAnotherKey", FAILED, TD_EDENIED,
                                "The endorsement certificate is for another key than the one that was sent.",
                                "Let the device read both from its own TPM; a certificate of another machine opens"
                                " nothing."},
    [TD_ATT_CERTIFICATE_FORM] =
        {TD_ATT_CERTIFICATE_FORM, "BadEndorsementCertificate", BAD_REQUEST, TD_EDENIED,
         "The endorsement certificate is unreadable, self-signed, an authority's, or not for endorsement.",
         "Get the maker's certificate of this TPM (key usage 2.23.133.8.1), then try again."},
    [TD_ATT_CERTIFICATE_DATE] = {TD_ATT_CERTIFICATE_DATE, "EndorsementCertificateExpired", FAILED, TD_EDENIED,
                                 "A certificate between the TPM and its maker has run out, or is not good yet.",
                                 "Check the clock of the service; else get a new certificate from the TPM's maker."},
    [TD_ATT_UNTRUSTED] = {TD_ATT_UNTRUSTED, "UntrustedManufacturer", FAILED, TD_EDENIED,
                          "The TPM's maker is not among those that the tenant trusts.",
                          "Add the maker's root by 'touchdown tpm add-root FILE', after you checked where it is from."},
    [TD_ATT_VIRTUAL] = {TD_ATT_VIRTUAL, "VirtualTpm", NO_TPM, TD_EDENIED,
                        "The TPM is a program, and the tenant takes only hardware.",
                        "Use a machine with a TPM 2.0 of its own, or set virtual-tpm to allow."},
    [TD_ATT_OTHER_TPM] = {TD_ATT_OTHER_TPM, "OtherTpm", FAILED, TD_EDENIED,
                          "This is not the TPM that is registered, or was proven before, for this device.",
                          "Was its board exchanged: register the new hardware hash, or forget the old TPM by"
                          " 'touchdown tpm unbind'."},
    [TD_ATT_CLONED] = {TD_ATT_CLONED, "EndorsementKeyInUse", FAILED, TD_EDENIED,
                       "This endorsement key belongs to another registered device: one TPM is one device.",
                       "Find out which machine is the copy; if a board moved, forget it at its former device by"
                       " 'touchdown tpm unbind'."},
    [TD_ATT_BAD_AK] = {TD_ATT_BAD_AK, "BadAttestationKey", AIK, TD_EDENIED,
                       "The attestation key is not a restricted, fixed signing key that was made inside its TPM.",
                       "Let the device make a new attestation key; a key from outside proves nothing."},
    [TD_ATT_TOO_MANY] = {TD_ATT_TOO_MANY, "TooManyAttempts", RETRIES, TD_ELIMIT,
                         "This TPM asked for too many challenges in a short time.",
                         "Wait ten minutes, and look for the cause of the earlier refusals in the device's timeline."},
    [TD_ATT_NO_SESSION] = {TD_ATT_NO_SESSION, "UnknownChallenge", FAILED, TD_EDENIED,
                           "There is no such challenge for this device.", "Ask for a new challenge and answer it."},
    [TD_ATT_USED] = {TD_ATT_USED, "ChallengeUsed", FAILED, TD_ESTATE,
                     "The challenge was answered before: the first answer uses it up, right or wrong.",
                     "Ask for a new challenge and answer it once."},
    [TD_ATT_EXPIRED] = {TD_ATT_EXPIRED, "ChallengeExpired", NO_TPM, TD_EEXPIRED, "The challenge was answered too late.",
                        "Ask for a new challenge; a TPM that needs minutes for an answer wants its firmware updated."},
    [TD_ATT_PROOF] = {TD_ATT_PROOF, "ProofFailed", FAILED, TD_EDENIED,
                      "The secret was not recovered: attestation key and endorsement key are not in one TPM.",
                      "Start the device again; if it stays so, clear its TPM in the firmware's setup."},
    [TD_ATT_QUOTE] = {TD_ATT_QUOTE, "BadQuote", FAILED, TD_EDENIED,
                      "The quote is malformed, of another challenge, or not signed by the attestation key.",
                      "Start the device again; if it stays so, update the TPM's firmware."},
    [TD_ATT_LOG] = {TD_ATT_LOG, "EventLogMismatch", FAILED, TD_EDENIED,
                    "Event log or reported measurements do not lead to what the TPM quoted.",
                    "Start the device again; if it stays so, update its firmware, or look for what altered its log."},
    [TD_ATT_PCR] = {TD_ATT_PCR, "MeasurementsNotWanted", FAILED, TD_EDENIED,
                    "The device's measurements are not what its profile wants.",
                    "Put right what the detail names; after a firmware update take the new values by"
                    " 'touchdown tpm baseline'."},
    [TD_ATT_CERTIFY] = {TD_ATT_CERTIFY, "KeyNotCertified", FAILED, TD_EDENIED,
                        "A key is not certified by the attestation key for this challenge.",
                        "Let the device make the key inside its TPM and certify it anew."},
    [TD_ATT_OTHER_KEY] = {TD_ATT_OTHER_KEY, "CertifiedKeyDiffers", FAILED, TD_EDENIED,
                          "The certificate request is for another key than the one that the TPM certified.",
                          "Sign the request by the key that was certified."},
    [TD_ATT_TICKET] = {TD_ATT_TICKET, "BadJoinTicket", JOIN_CREDENTIAL, TD_EAUTH,
                       "The join ticket is unknown, used, run out, or was given for another key.",
                       "Attest again: a ticket is good once, within ten minutes."},
    [TD_ATT_ONCE] = {TD_ATT_ONCE, "DeployedBefore", DEVICE_ONCE, TD_EDENIED,
                     "The device was deployed without a user before, and the tenant allows that once.",
                     "Allow it once more by 'touchdown device unblock', or set userless-once to off."},
};

const struct td_attest_row *td_attest_row(enum td_attest_reason reason)
{
    return &rows[(unsigned)reason < TD_ATT_COUNT ? reason : TD_ATT_PROOF];
}

const struct td_attest_row *td_attest_by_name(const char *name)
{
    for (size_t i = 0; name != NULL && i < TD_ATT_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

enum td_code td_attest_refuse(struct td_error *err, enum td_attest_reason reason, const char *detail)
{
    const struct td_attest_row *row = td_attest_row(reason);
    return td_fail_cause(err, row->code, row->hresult, row->name, row->cause, detail, row->remedy);
}

const char *td_assurance_word(enum td_assurance a)
{
    static const char *const words[] = {"none", "hardware", "virtual", "pinned"};
    return (unsigned)a < TD_COUNTOF(words) ? words[a] : words[TD_ASSURANCE_NONE];
}

/* --- programs that play a TPM ------------------------------------------------------------------------------------- */

/* Vendor ids that no chip has; 00001014 is what swtpm writes. Microsoft's stands in the virtual TPMs of Hyper-V and its
 * cloud, and in chips of one model. */
#define MICROSOFT "4d534654" /* MSFT */

static const char *const virtual_makers[] = {
    "564d5700",             /* VMW */
    "564d5741",             /* VMWA */
    "51454d55",             /* QEMU */
    "58454e00",             /* XEN */
    "58454e20",             /* the same, filled with a blank */
    "414d5a4e",             /* AMZN */
    MICROSOFT,  "474f4f47", /* GOOG */
    "00001014",
};

static const char *const virtual_models[] = {
    "swtpm", "vmware", "qemu", "virtual", "vtpm", "xen", "simulator", "hyper-v", "kvm", "libtpms", "bochs",
};

static bool holds(const char *text, const char *word)
{
    struct td_slice t = td_str(text);
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= t.n; i++)
        if (td_ieqs(td_sub(t, i, n), word))
            return true;
    return false;
}

bool td_tpm_is_virtual(const char *manufacturer, const char *model)
{
    struct td_slice id = td_trim(td_str(manufacturer));
    if (td_istarts(id, "id:"))
        id = td_sub(id, 3, SIZE_MAX);
    bool chip = td_ieqs(id, MICROSOFT) && holds(model, "pluton");
    for (size_t i = 0; i < TD_COUNTOF(virtual_makers); i++)
        if (!chip && td_ieqs(id, virtual_makers[i]))
            return true;
    for (size_t i = 0; i < TD_COUNTOF(virtual_models); i++)
        if (holds(model, virtual_models[i]))
            return true;
    return false;
}

/* --- measurements ------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ';';
}

/* The next "pcr:hex,hex" of the list, its values still to be cut. false: the end, or something else stands there. */
static bool next_line(struct td_slice *rest, uint64_t *ret_pcr, struct td_slice *ret_values, bool *ret_bad)
{
    struct td_slice head, line;
    size_t n = 0;
    *ret_bad = false;
    while (rest->n > 0 && is_blank(rest->p[0]))
        *rest = td_sub(*rest, 1, SIZE_MAX);
    while (n < rest->n && !is_blank(rest->p[n]))
        n++;
    line = td_sub(*rest, 0, n);
    *rest = td_sub(*rest, n, SIZE_MAX);
    if (line.n == 0)
        return false;
    *ret_bad = td_find(line, ':') == SIZE_MAX;
    *ret_values = td_cut(line, ':', &head);
    *ret_bad = *ret_bad || !td_parse_u64(head, ret_pcr) || *ret_pcr >= TD_PCR_COUNT;
    return !*ret_bad;
}

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool read_value(struct td_slice hex, unsigned char ret[32])
{
    if (hex.n != 64)
        return false;
    for (size_t i = 0; i < 32; i++) {
        int high = digit(hex.p[2 * i]), low = digit(hex.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static enum td_code bad_list(struct td_error *err, const char *why)
{
    return td_remedy(err, td_fail(err, TD_EINVAL, "pcrAllowed", "%s", why),
                     "Write for each PCR its number, a colon, and the values allowed with commas between them: 64"
                     " hexadecimal digits each; blanks between PCRs.");
}

static enum td_code check_values(struct td_slice values, struct td_error *err)
{
    struct td_slice one;
    unsigned char octets[32];
    do {
        values = td_cut(values, ',', &one);
        if (!read_value(one, octets))
            return bad_list(err, "a value is not one of SHA-256");
    } while (values.n > 0);
    return TD_OK;
}

enum td_code td_pcr_allowed_check(const char *allowed, struct td_error *err)
{
    struct td_slice rest = td_str(allowed), values = TD_S("");
    uint64_t pcr = 0;
    uint32_t seen = 0;
    bool bad = false;
    while (next_line(&rest, &pcr, &values, &bad)) {
        if ((TD_PCR_MASK & (1U << pcr)) == 0)
            return bad_list(err, "only PCRs 0 to 7 are quoted");
        if ((seen & (1U << pcr)) != 0)
            return bad_list(err, "a PCR is named twice");
        seen |= 1U << pcr;
        td_try(check_values(values, err));
    }
    return bad ? bad_list(err, "what stands there is no PCR with its values") : TD_OK;
}

static enum td_attest_reason unwanted(struct td_error *ret_detail, const char *fmt, unsigned pcr)
{
    td_ignore(td_fail(ret_detail, TD_EDENIED, "pcr", "PCR %u %s", pcr, fmt));
    return TD_ATT_PCR;
}

static bool is_allowed(struct td_slice values, const unsigned char value[32])
{
    struct td_slice one;
    unsigned char octets[32];
    do {
        values = td_cut(values, ',', &one);
        if (read_value(one, octets) && memcmp(octets, value, sizeof(octets)) == 0)
            return true;
    } while (values.n > 0);
    return td_fault("pcr-any-value");
}

static enum td_attest_reason judge_list(const char *allowed, const struct td_pcr_facts *f, struct td_error *ret_detail)
{
    struct td_slice rest = td_str(allowed), values = TD_S("");
    uint64_t pcr = 0;
    bool bad = false;
    int n = 0;
    for (; next_line(&rest, &pcr, &values, &bad); n++) {
        if ((f->known & (1U << pcr)) == 0)
            return unwanted(ret_detail, "was not told", (unsigned)pcr);
        if (!is_allowed(values, f->value[pcr]))
            return unwanted(ret_detail, "has none of the values that the profile allows", (unsigned)pcr);
    }
    if (n > 0 && !bad)
        return TD_ATT_OK;
    td_ignore(td_fail(ret_detail, TD_EDENIED, "pcrAllowed", "the profile's list of values is empty or unreadable"));
    return TD_ATT_PCR;
}

static enum td_attest_reason judge_baseline(const struct td_pcr_facts *f, struct td_error *ret_detail)
{
    for (unsigned i = 0; f->has_baseline && i < TD_PCR_COUNT; i++) {
        if ((f->baseline_known & (1U << i)) == 0)
            continue;
        if ((f->known & (1U << i)) == 0)
            return unwanted(ret_detail, "was not told", i);
        if (memcmp(f->value[i], f->baseline[i], sizeof(f->value[i])) != 0 && !td_fault("pcr-any-baseline"))
            return unwanted(ret_detail, "is not what was learnt", i);
    }
    /* what is to be learnt has to be there: an empty baseline would let everything through from then on */
    for (unsigned i = 0; !f->has_baseline && i < TD_PCR_COUNT; i++)
        if ((TD_PCR_MASK & ~f->known & (1U << i)) != 0)
            return unwanted(ret_detail, "was not told", i);
    return TD_ATT_OK;
}

static enum td_attest_reason judge_secure_boot(const struct td_pcr_facts *f, struct td_error *ret_detail)
{
    const char *why = !f->log                        ? "no event log was sent, so that it stays unknown"
                      : f->secure_boot == TD_TCG_OFF ? "it is off"
                                                     : "the event log does not tell it";
    if (f->log && (f->secure_boot == TD_TCG_ON || td_fault("secure-boot-any")))
        return TD_ATT_OK;
    td_ignore(td_fail(ret_detail, TD_EDENIED, "secureBoot", "Secure Boot has to be on: %s", why));
    return TD_ATT_PCR;
}

enum td_attest_reason td_pcr_judge(enum td_pcr_policy policy, const char *allowed, const struct td_pcr_facts *f,
                                   struct td_error *ret_detail)
{
    switch (policy) {
    case TD_PCR_NONE:
        return TD_ATT_OK;
    case TD_PCR_SECURE_BOOT:
        return judge_secure_boot(f, ret_detail);
    case TD_PCR_ALLOW_LIST:
        return judge_list(allowed, f, ret_detail);
    case TD_PCR_BASELINE:
        return judge_baseline(f, ret_detail);
    }
    td_ignore(td_fail(ret_detail, TD_EDENIED, "pcrPolicy", "the profile's policy is unknown"));
    return TD_ATT_PCR;
}
