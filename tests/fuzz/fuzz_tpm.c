/* codec/tpm and crypto/tpm: what strangers' TPMs say. A public area makes a Name and a key, and a credential if it is
 * an endorsement key's; what was read names only octets of its input; no signature of somebody is taken for one of
 * ours. */
#include "crypto/tpm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct td_slice in, struct td_slice part)
{
    if (part.n != 0 && (part.p < in.p || part.p + part.n > in.p + in.n))
        __builtin_trap();
}

static void public_area(struct td_slice in, struct td_arena *a)
{
    static const unsigned char random[64] = {1};
    struct td_tpm_public p = {0};
    struct td_tpm_name name = {0};
    struct td_tpm_credential c = {0};
    struct td_key *key = NULL;
    if (td_tpm_public_read(in, &p, NULL) != TD_OK)
        return;
    inside(in, p.whole);
    inside(in, p.auth_policy);
    inside(in, p.rsa_modulus);
    inside(in, p.x);
    inside(in, p.y);
    if (td_tpm_name(&p, &name, NULL) == TD_OK && name.n > TD_TPM_NAME_MAX)
        __builtin_trap();
    if (td_tpm_key(&p, &key, NULL) == TD_OK) {
        if (p.type == TD_TPM_RSA && p.rsa_exponent == 65537 && !td_tpm_public_in(&p, in))
            __builtin_trap();
        td_key_free(key);
    }
    if (td_tpm_make_credential(&p, &name, td_bytes(random, 32), td_bytes(random, 64), a, &c, NULL) == TD_OK &&
        (c.id_object.n < 66 || c.secret.n == 0))
        __builtin_trap();
}

static void statement(struct td_slice in)
{
    struct td_tpm_attest t = {0};
    if (td_tpm_attest_read(in, &t, NULL) != TD_OK)
        return;
    inside(in, t.signer);
    inside(in, t.extra);
    inside(in, t.pcr_digest);
    inside(in, t.name);
    inside(in, t.qualified_name);
    if ((t.type == TD_TPM_QUOTE) == (t.name.n != 0) && t.name.n != 0)
        __builtin_trap();
    if (t.pcrs.selected >= 1U << TD_TPM_MAX_PCRS)
        __builtin_trap();
}

static void signature(struct td_slice in)
{
    static const char point[] =
        "\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33"
        "\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96\x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f"
        "\x9e\x16\x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5"; /* P-256's generator */
    struct td_tpm_public p = {
        .type = TD_TPM_ECC, .curve = TD_TPM_P256, .x = td_bytes(point, 32), .y = td_bytes(point + 32, 32)};
    struct td_tpm_signature sig = {0};
    struct td_key *key = NULL;
    if (td_tpm_signature_read(in, &sig, NULL) != TD_OK)
        return;
    inside(in, sig.rsa);
    inside(in, sig.r);
    inside(in, sig.s);
    if (td_tpm_key(&p, &key, NULL) != TD_OK)
        __builtin_trap();
    td_ignore(td_tpm_verify(key, &sig, TD_S("what nobody signed"), NULL));
    td_key_free(key);
}

static void certificate(struct td_slice in, struct td_arena *a)
{
    struct td_ek_cert c = {0};
    size_t anchor = 0;
    td_ignore(td_ek_cert_chain(in, &in, 1, &in, 1, 1, &anchor, NULL));
    if (td_ek_cert_read(in, a, &c, NULL) != TD_OK)
        return;
    if (c.key == NULL || c.der.n > in.n || !td_utf8_ok(td_str(c.manufacturer)) || !td_utf8_ok(td_str(c.issuer_url)))
        __builtin_trap();
    td_ek_cert_done(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_slice in = td_bytes(data, size), contents = {0};
    struct td_arena a;
    td_arena_init(&a);
    public_area(in, &a);
    statement(in);
    signature(in);
    certificate(in, &a);
    if (td_tpm_2b_read(in, 1024, &contents, NULL) == TD_OK && contents.n + 2 != size)
        __builtin_trap();
    td_arena_done(&a);
    return 0;
}
