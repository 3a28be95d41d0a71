#include "codec/tpm.h"

#include "base/fault.h"

enum { ECDAA = 0x001a, RSAES = 0x0015 };
static const uint32_t generated = 0xff544347; /* TPM_GENERATED_VALUE: made by the TPM itself */

/* What is left of a structure. The first member that does not fit is remembered; reading on gives nothing. */
struct reader {
    struct td_slice rest;
    const char *what, *broken;
};

static struct td_slice take(struct reader *r, size_t n, const char *member)
{
    if (r->broken == NULL && n > r->rest.n)
        r->broken = member;
    if (r->broken != NULL)
        return TD_S("");
    struct td_slice out = td_sub(r->rest, 0, n);
    r->rest = td_sub(r->rest, n, r->rest.n);
    return out;
}

static uint64_t number(struct reader *r, size_t n, const char *member)
{
    struct td_slice s = take(r, n, member);
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | (unsigned char)s.p[i];
    return v;
}

static uint16_t u16(struct reader *r, const char *member)
{
    return (uint16_t)number(r, 2, member);
}

static uint32_t u32(struct reader *r, const char *member)
{
    return (uint32_t)number(r, 4, member);
}

static struct td_slice sized(struct reader *r, const char *member)
{
    return take(r, u16(r, member), member);
}

static void refuse(struct reader *r, const char *member)
{
    if (r->broken == NULL)
        r->broken = member;
}

static enum td_code finish(const struct reader *r, struct td_error *err)
{
    if (r->broken != NULL)
        return td_fail(err, TD_EFORMAT, r->what, "%s is cut off or not what this structure has", r->broken);
    if (r->rest.n != 0)
        return td_fail(err, TD_EFORMAT, r->what, "%zu octets behind its end", r->rest.n);
    return TD_OK;
}

static enum td_code begin(struct reader *r, struct td_slice in, size_t max, const char *what, struct td_error *err)
{
    *r = (struct reader){.rest = in, .what = what};
    return in.n <= max ? TD_OK : td_fail(err, TD_ELIMIT, what, "%zu octets; %zu is the limit", in.n, max);
}

static void read_symmetric(struct reader *r, struct td_tpm_public *p)
{
    p->symmetric = u16(r, "symmetric");
    if (p->symmetric == TD_TPM_NULL)
        return;
    p->symmetric_bits = u16(r, "symmetric key bits");
    p->symmetric_mode = u16(r, "symmetric mode");
    if (p->symmetric != TD_TPM_AES)
        refuse(r, "symmetric");
}

static void read_scheme(struct reader *r, struct td_tpm_public *p)
{
    p->scheme = u16(r, "scheme");
    if (p->scheme == TD_TPM_NULL || p->scheme == RSAES)
        return;
    p->scheme_hash = u16(r, "hash of the scheme");
    if (p->scheme == ECDAA)
        (void)u16(r, "count of the scheme");
}

static void read_rsa(struct reader *r, struct td_tpm_public *p)
{
    p->rsa_bits = u16(r, "key bits");
    p->rsa_exponent = u32(r, "exponent");
    p->rsa_modulus = sized(r, "modulus");
    if (p->rsa_exponent == 0)
        p->rsa_exponent = TD_TPM_USUAL_EXPONENT;
    if (p->rsa_modulus.n == 0 || p->rsa_modulus.n * 8 != p->rsa_bits)
        refuse(r, "modulus");
}

static void read_ecc(struct reader *r, struct td_tpm_public *p)
{
    p->curve = u16(r, "curve");
    if (u16(r, "key derivation") != TD_TPM_NULL)
        (void)u16(r, "hash of the key derivation");
    p->x = sized(r, "x");
    p->y = sized(r, "y");
    if (p->x.n == 0 || p->y.n == 0)
        refuse(r, "point");
}

/* The size of a TPM2B_PUBLIC in front can't be taken for a type: 1 and 35 octets hold no key. */
static struct td_slice without_size(struct td_slice in)
{
    const unsigned char *p = (const unsigned char *)in.p;
    return in.n > 2 && (size_t)(p[0] << 8 | p[1]) == in.n - 2 ? td_sub(in, 2, in.n) : in;
}

enum td_code td_tpm_public_read(struct td_slice in, struct td_tpm_public *ret, struct td_error *err)
{
    struct reader r;
    struct td_tpm_public p = {.whole = without_size(in)};
    td_try(begin(&r, p.whole, TD_TPM_MAX_PUBLIC, "TPM public key", err));
    p.type = u16(&r, "type");
    if (p.type != TD_TPM_RSA && p.type != TD_TPM_ECC)
        refuse(&r, "type");
    p.name_alg = u16(&r, "name algorithm");
    p.attributes = u32(&r, "attributes");
    p.auth_policy = sized(&r, "policy");
    read_symmetric(&r, &p);
    read_scheme(&r, &p);
    if (p.type == TD_TPM_RSA)
        read_rsa(&r, &p);
    else
        read_ecc(&r, &p);
    td_try(finish(&r, err));
    *ret = p;
    return TD_OK;
}

static uint32_t read_bitmap(struct reader *r)
{
    uint32_t selected = 0;
    struct td_slice map = take(r, number(r, 1, "PCR selection"), "PCR selection");
    for (size_t i = 0; i < map.n; i++) {
        if (i * 8 < TD_TPM_MAX_PCRS)
            selected |= (uint32_t)(unsigned char)map.p[i] << (i * 8);
        else if (map.p[i] != 0)
            refuse(r, "PCR selection");
    }
    return selected;
}

/* One bank; others may be named as long as nothing of them is quoted, as a TPM lists all that it has. */
static void read_selection(struct reader *r, struct td_tpm_pcrs *pcrs)
{
    enum { MAX_BANKS = 16 };
    uint32_t count = u32(r, "count of PCR banks");
    if (count == 0 || count > MAX_BANKS)
        refuse(r, "count of PCR banks");
    for (uint32_t i = 0; i < count && i < MAX_BANKS; i++) {
        uint16_t hash = u16(r, "PCR bank");
        uint32_t selected = read_bitmap(r);
        if (selected != 0 && pcrs->selected != 0)
            refuse(r, "count of PCR banks");
        if (selected != 0 || i == 0)
            *pcrs = (struct td_tpm_pcrs){.hash = hash, .selected = selected};
    }
}

static void read_clock(struct reader *r, struct td_tpm_attest *t)
{
    t->clock = number(r, 8, "clock");
    t->resets = u32(r, "reset count");
    t->restarts = u32(r, "restart count");
    uint64_t safe = number(r, 1, "safe");
    t->safe = safe == 1;
    if (safe > 1)
        refuse(r, "safe");
    t->firmware = number(r, 8, "firmware version");
}

enum td_code td_tpm_attest_read(struct td_slice in, struct td_tpm_attest *ret, struct td_error *err)
{
    struct reader r;
    struct td_tpm_attest t = {0};
    td_try(begin(&r, in, TD_TPM_MAX_ATTEST, "attestation", err));
    if (u32(&r, "magic") != generated && !td_fault("tpm-attest-any-magic"))
        refuse(&r, "magic");
    t.type = u16(&r, "type");
    if (t.type != TD_TPM_QUOTE && t.type != TD_TPM_CERTIFY)
        refuse(&r, "type");
    t.signer = sized(&r, "signer");
    t.extra = sized(&r, "extra data");
    read_clock(&r, &t);
    if (t.type == TD_TPM_QUOTE) {
        read_selection(&r, &t.pcrs);
        t.pcr_digest = sized(&r, "PCR digest");
    } else {
        t.name = sized(&r, "name");
        t.qualified_name = sized(&r, "qualified name");
    }
    td_try(finish(&r, err));
    *ret = t;
    return TD_OK;
}

enum td_code td_tpm_signature_read(struct td_slice in, struct td_tpm_signature *ret, struct td_error *err)
{
    struct reader r;
    struct td_tpm_signature s = {0};
    td_try(begin(&r, in, TD_TPM_MAX_SIGNATURE, "TPM signature", err));
    s.scheme = u16(&r, "scheme");
    s.hash = u16(&r, "hash");
    if (s.scheme == TD_TPM_ECDSA) {
        s.r = sized(&r, "r");
        s.s = sized(&r, "s");
    } else if (s.scheme == TD_TPM_RSASSA || s.scheme == TD_TPM_RSAPSS) {
        s.rsa = sized(&r, "signature");
    } else {
        refuse(&r, "scheme");
    }
    td_try(finish(&r, err));
    *ret = s;
    return TD_OK;
}

void td_tpm_2b_write(struct td_slice contents, struct td_buf *out)
{
    if (contents.n > UINT16_MAX) {
        out->failed = true;
        return;
    }
    td_buf_addc(out, (char)(contents.n >> 8));
    td_buf_addc(out, (char)(contents.n & 0xff));
    td_buf_add(out, contents);
}

enum td_code td_tpm_2b_read(struct td_slice in, size_t max, struct td_slice *ret, struct td_error *err)
{
    struct reader r;
    td_try(begin(&r, in, max < UINT16_MAX ? max + 2 : UINT16_MAX + 2, "TPM2B", err));
    struct td_slice contents = sized(&r, "size");
    td_try(finish(&r, err));
    *ret = contents;
    return TD_OK;
}
