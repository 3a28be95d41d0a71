/* device/tpm: against swtpm, judged by crypto/tpm.h, which knows no TPM library. */
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "crypto/tpm.h"
#include "device/disk.h"
#include "device/hardware.h"
#include "device/identity.h"
#include "device/tpm/room.h"
#include "unit/device/tpm_box.h"
#include "unit/handshake.h"

enum { ONE, OTHER, BARE, ECC, TPM_COUNT };

static struct tpm_box box;
static struct box_tpm tpms[TPM_COUNT];

/* By the tools of others: what a maker has left in a TPM is taken away again. */
static void forget(const struct box_tpm *t, const char *tool, const char *hierarchy, const char *handle)
{
    const char *argv[] = {tool, "-T", t->tcti, "-C", hierarchy, handle, NULL};
    const char *evict[] = {tool, "-T", t->tcti, "-C", hierarchy, "-c", handle, NULL};
    assert_true(box_run(strcmp(tool, "tpm2_evictcontrol") == 0 ? evict : argv));
}

static int make_tpms(void **state TD_UNUSED)
{
    static const char *const names[] = {"one", "other", "bare", "ecc"};
    static const char *const options[] = {"--create-ek-cert", "--create-ek-cert", NULL, "--ecc"};
    if (tpm_box_missing())
        return 0;
    tpm_box_open(&box);
    for (size_t i = 0; i < TPM_COUNT; i++) {
        box_make(&box, names[i], options[i], &tpms[i]);
        box_on(&tpms[i]);
    }
    forget(&tpms[ECC], "tpm2_nvundefine", "p", "0x01c00002"); /* it has an RSA key with certificate as well */
    return 0;
}

static int drop_tpms(void **state TD_UNUSED)
{
    for (size_t i = 0; i < TPM_COUNT; i++)
        box_off(&tpms[i]);
    tpm_box_close(&box);
    return 0;
}

static struct td_tpm *open_tpm(int which)
{
    struct td_tpm *t = NULL;
    struct td_error err = {0};
    if (tpm_box_missing())
        skip();
    if (td_tpm_open(tpms[which].tcti, &t, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    return t;
}

static struct td_tpm_public read_public(struct td_slice octets)
{
    struct td_tpm_public p;
    assert_ok(td_tpm_public_read(octets, &p, NULL));
    return p;
}

/* What the service would ask this pair of keys. */
static struct td_tpm_credential challenge(struct td_slice ek, struct td_slice ak, struct td_slice secret,
                                          struct td_arena *a)
{
    unsigned char seed[48];
    struct td_tpm_public ek_public = read_public(ek), ak_public = read_public(ak);
    struct td_tpm_name name;
    struct td_tpm_credential made;
    memset(seed, 0x5a, sizeof(seed));
    assert_ok(td_tpm_name(&ak_public, &name, NULL));
    assert_ok(td_tpm_make_credential(&ek_public, &name, secret,
                                     td_bytes(seed, ek_public.name_alg == TD_TPM_SHA384 ? 48 : 32), a, &made, NULL));
    return made;
}

static const struct td_slice secret = {"0123456789abcdef0123456789abcdef", 32};

static void check_activation(int which, uint16_t type, bool has_certificate)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_tpm *t = open_tpm(which);
    struct td_tpm_ek ek = {0};
    struct td_slice ak, open;
    assert_ok(td_tpm_ek(t, &a, &ek, NULL));
    assert_ok(td_tpm_ak(t, &a, &ak, NULL));
    assert_int_equal(read_public(ek.public_).type, type);
    assert_int_equal(ek.cert.n != 0, has_certificate);
    if (has_certificate) {
        struct td_ek_cert cert = {0};
        struct td_tpm_public p = read_public(ek.public_);
        TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
        assert_ok(td_ek_cert_read(ek.cert, &a, &cert, NULL));
        assert_ok(td_tpm_key(&p, &key, NULL));
        assert_true(td_key_same_public(key, cert.key));
        td_ek_cert_done(&cert);
    }
    struct td_tpm_public p = read_public(ak);
    assert_int_equal(p.attributes, 0x00050472);
    assert_int_equal(p.curve, TD_TPM_P256);
    struct td_tpm_credential c = challenge(ek.public_, ak, secret, &a);
    for (int i = 0; i < 4; i++) { /* more often than a TPM has room for sessions */
        assert_ok(td_tpm_activate(t, c.id_object, c.secret, &a, &open, NULL));
        assert_true(td_eq(open, secret));
    }
    td_tpm_close(t);
}

static void proves_an_rsa_key(void **state TD_UNUSED)
{
    check_activation(ONE, TD_TPM_RSA, true);
    forget(&tpms[ONE], "tpm2_evictcontrol", "o", "0x81010001");
    check_activation(ONE, TD_TPM_RSA, true);
}

/* Made by the template where nothing was written into the TPM, and then without certificate. */
static void proves_a_key_without_certificate(void **state TD_UNUSED)
{
    check_activation(BARE, TD_TPM_RSA, false);
}

static void proves_an_ecc_key(void **state TD_UNUSED)
{
    check_activation(ECC, TD_TPM_ECC, true);
    forget(&tpms[ECC], "tpm2_evictcontrol", "o", "0x81010016"); /* and made by the template: it is the certified one */
    check_activation(ECC, TD_TPM_ECC, true);
}

/* Makers pad the certificate to the size of its place; what is behind it is none of it. */
static void reads_a_padded_certificate(void **state TD_UNUSED)
{
    enum { PADDING = 300 };
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_buf_done) struct td_buf padded;
    struct td_tpm_ek ek = {0}, again = {0};
    struct td_tpm *t = open_tpm(OTHER);
    assert_ok(td_tpm_ek(t, &a, &ek, NULL));
    td_tpm_close(t);
    td_buf_init(&padded, 8192);
    td_buf_add(&padded, ek.cert);
    for (int i = 0; i < PADDING; i++)
        td_buf_addc(&padded, (char)0xff);
    const char *file = td_arena_printf(&a, "%s/padded", box.dir), *size = td_arena_printf(&a, "%zu", padded.n);
    assert_ok(td_file_write(file, td_buf_slice(&padded), 0600, NULL));
    const char *tcti = tpms[OTHER].tcti;
    const char *define[] = {"tpm2_nvdefine",
                            "-T",
                            tcti,
                            "-C",
                            "p",
                            "-s",
                            size,
                            "-a",
                            "ppread|ppwrite|ownerread|authread|no_da|platformcreate",
                            "0x01c00002",
                            NULL};
    const char *put[] = {"tpm2_nvwrite", "-T", tcti, "-C", "p", "-i", file, "0x01c00002", NULL};
    forget(&tpms[OTHER], "tpm2_nvundefine", "p", "0x01c00002");
    assert_true(box_run(define));
    assert_true(box_run(put));
    t = open_tpm(OTHER);
    assert_ok(td_tpm_ek(t, &a, &again, NULL));
    assert_true(td_eq(again.cert, ek.cert));
    td_tpm_close(t);
}

/* Somebody else's key at the well-known place is not the endorsement key. */
static void takes_no_other_key_for_it(void **state TD_UNUSED)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_tpm_ek ek = {0}, again = {0};
    struct td_tpm *t = open_tpm(BARE);
    assert_ok(td_tpm_ek(t, &a, &ek, NULL));
    td_tpm_close(t);
    const char *tcti = tpms[BARE].tcti, *file = td_arena_printf(&a, "%s/key", box.dir);
    const char *make[] = {"tpm2_createprimary", "-T", tcti, "-C", "o", "-G", "rsa2048", "-c", file, "-Q", NULL};
    const char *keep[] = {"tpm2_evictcontrol", "-T", tcti, "-C", "o", "-c", file, "0x81010001", "-Q", NULL};
    assert_true(box_run(make));
    (void)box_run((const char *[]){"tpm2_evictcontrol", "-T", tcti, "-C", "o", "-c", "0x81010001", NULL});
    assert_true(box_run(keep));
    t = open_tpm(BARE);
    td_tpm_sweep(t);
    assert_ok(td_tpm_ek(t, &a, &again, NULL));
    assert_true(td_eq(again.public_, ek.public_));
    td_tpm_close(t);
    forget(&tpms[BARE], "tpm2_evictcontrol", "o", "0x81010001");
}

static void says_the_same_keys_every_time(void **state TD_UNUSED)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_tpm *t = open_tpm(ONE);
    struct td_tpm_ek before = {0}, after = {0};
    struct td_slice ak_before, ak_after;
    assert_ok(td_tpm_ek(t, &a, &before, NULL));
    assert_ok(td_tpm_ak(t, &a, &ak_before, NULL));
    td_tpm_close(t);
    t = open_tpm(ONE);
    assert_ok(td_tpm_ek(t, &a, &after, NULL));
    assert_ok(td_tpm_ak(t, &a, &ak_after, NULL));
    td_tpm_close(t);
    assert_true(td_eq(before.public_, after.public_));
    assert_true(td_eq(ak_before, ak_after));
}

static void refuses_a_credential_for_another_key(void **state TD_UNUSED)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_tpm *t = open_tpm(ONE), *u = open_tpm(OTHER);
    struct td_tpm_ek ek = {0};
    struct td_slice other_ak, ak, open;
    struct td_error err = {0};
    assert_ok(td_tpm_ek(t, &a, &ek, NULL));
    assert_ok(td_tpm_ak(t, &a, &ak, NULL));
    assert_ok(td_tpm_ak(u, &a, &other_ak, NULL));
    struct td_tpm_credential c = challenge(ek.public_, other_ak, secret, &a);
    assert_int_equal(td_tpm_activate(t, c.id_object, c.secret, &a, &open, &err), TD_EAUTH);
    assert_int_equal(err.hresult, 0x8028009f); /* 0x1DF: integrity */
    c = challenge(ek.public_, ak, secret, &a);
    assert_int_equal(td_tpm_activate(u, c.id_object, c.secret, &a, &open, &err), TD_EAUTH);
    assert_int_equal(err.hresult, 0x80280101);                             /* 0x101: made for another TPM */
    assert_ok(td_tpm_activate(t, c.id_object, c.secret, &a, &open, NULL)); /* and goes on */
    td_tpm_close(t);
    td_tpm_close(u);
}

/* A signature that the service would take: by this AK, over this structure. */
static struct td_tpm_attest verified(struct td_slice ak, const struct td_tpm_proof *proof)
{
    struct td_tpm_public p = read_public(ak);
    struct td_tpm_signature sig;
    struct td_tpm_attest said;
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    assert_ok(td_tpm_key(&p, &key, NULL));
    assert_ok(td_tpm_signature_read(proof->signature, &sig, NULL));
    assert_ok(td_tpm_verify(key, &sig, proof->attest, NULL));
    assert_ok(td_tpm_attest_read(proof->attest, &said, NULL));
    assert_true(td_eq(said.extra, BOX_NONCE));
    return said;
}

static void quotes_what_was_measured(void **state TD_UNUSED)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_tpm *t = open_tpm(ONE);
    struct td_slice ak;
    struct td_tpm_proof proof = {0};
    unsigned char values[8][32], sum[32];
    assert_ok(td_tpm_ak(t, &a, &ak, NULL));
    assert_ok(td_tpm_quote(t, BOX_NONCE, &a, &proof, values, NULL));
    struct td_tpm_attest said = verified(ak, &proof);
    assert_int_equal(said.type, TD_TPM_QUOTE);
    assert_int_equal(said.pcrs.selected, 0xff);
    td_sha256(td_bytes(values, sizeof(values)), sum);
    assert_true(td_eq(said.pcr_digest, td_bytes(sum, sizeof(sum))));
    td_tpm_close(t);
}

/* --- with a device around it -------------------------------------------------------------------------------------- */

static void keys_stay_in_the_tpm(void **state TD_UNUSED)
{
    static const struct {
        enum td_tpm_key_kind kind;
        enum td_key_kind type;
        enum td_sig alg;
    } rows[] = {{TD_TPM_KEY_DEVICE, TD_KEY_RSA, TD_RS256}, {TD_TPM_KEY_MANAGEMENT, TD_KEY_P256, TD_ES256}};
    struct stage s;
    box_stage(&s, &tpms[ONE]);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
        TD_CLEANUP(td_key_cleanup) struct td_key *again = NULL;
        struct td_slice sig = {0}, der = {0};
        struct td_csr csr;
        struct stat st;
        char *pem = NULL;
        assert_ok(td_tpm_key_open(&s.dev, rows[i].kind, &key, NULL));
        assert_int_equal(td_key_kind(key), rows[i].type);
        assert_int_equal(td_key_private_pem(key, &s.arena, &pem), TD_EDENIED);
        assert_int_equal(td_key_private_der(key, &s.arena, &der), TD_EDENIED);
        assert_ok(td_key_sign(key, rows[i].alg, TD_S("text"), &s.arena, &sig));
        assert_true(td_key_verify(key, rows[i].alg, TD_S("text"), sig));
        assert_false(td_key_verify(key, rows[i].alg, TD_S("other"), sig));
        assert_ok(td_csr_make(key, "cn", NULL, &s.arena, &der, NULL));
        assert_ok(td_csr_parse(der, &s.arena, &csr, NULL)); /* looks at its signature */
        assert_int_equal(stat(td_device_path(&s.dev, &s.arena, td_tpm_key_file(rows[i].kind)), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        box_switch_off_and_on(&s, &tpms[ONE]);
        assert_ok(td_tpm_key_open(&s.dev, rows[i].kind, &again, NULL));
        assert_true(td_key_same_public(key, again));
        assert_ok(td_key_sign(again, rows[i].alg, TD_S("more"), &s.arena, &sig));
        assert_true(td_key_verify(again, rows[i].alg, TD_S("more"), sig));
    }
    box_stage_close(&s);
}

/* Mutual TLS: the management key in both versions, the device's own (RSA) in 1.2. */
static void keys_of_the_tpm_shake_hands(void **state TD_UNUSED)
{
    struct stage s;
    TD_CLEANUP(td_key_cleanup) struct td_key *device = NULL;
    TD_CLEANUP(td_key_cleanup) struct td_key *management = NULL;
    box_stage(&s, &tpms[ONE]);
    assert_ok(td_tpm_key_open(&s.dev, TD_TPM_KEY_DEVICE, &device, NULL));
    assert_ok(td_tpm_key_open(&s.dev, TD_TPM_KEY_MANAGEMENT, &management, NULL));
    struct td_slice of_device = self_signed(device, &s.arena), of_management = self_signed(management, &s.arena);
    assert_int_equal(handshake(management, of_management, TLS1_3_VERSION, TLS1_3_VERSION, &s.arena), TLS1_3_VERSION);
    assert_int_equal(handshake(management, of_management, TLS1_2_VERSION, TLS1_2_VERSION, &s.arena), TLS1_2_VERSION);
    assert_int_equal(handshake(device, of_device, TLS1_2_VERSION, TLS1_3_VERSION, &s.arena), TLS1_2_VERSION);
    box_stage_close(&s);
}

static void keys_are_worthless_elsewhere(void **state TD_UNUSED)
{
    struct stage s;
    struct td_key *key = NULL;
    struct td_slice sig = {0};
    box_stage(&s, &tpms[ONE]);
    assert_ok(td_tpm_key_open(&s.dev, TD_TPM_KEY_MANAGEMENT, &key, NULL));
    td_key_free(key);
    td_tpm_close(s.dev.tpm);
    s.dev.tpm = NULL;
    s.dev.tcti = tpms[OTHER].tcti;
    struct td_tpm_proof proof = {0};
    struct td_error err = {0};
    assert_int_equal(td_tpm_key_open(&s.dev, TD_TPM_KEY_MANAGEMENT, &key, &err),
                     TD_ENOTFOUND); /* said before it signs */
    assert_int_equal(err.hresult, 0x8028009f);
    assert_non_null(strstr(err.text, "another TPM's"));
    assert_int_equal(td_tpm_certify(&s.dev, TD_TPM_KEY_MANAGEMENT, BOX_NONCE, &s.arena, &sig, &proof, &err),
                     TD_ENOTFOUND);
    assert_non_null(strstr(err.remedy, "--reinstall"));
    box_stage_close(&s);
}

/* A device that joined before it had a TPM goes on with its file; what is made from then on is the TPM's. */
static void keys_of_before_stay_files(void **state TD_UNUSED)
{
    struct stage s;
    enum td_tpm_key_kind kind;
    TD_CLEANUP(td_key_cleanup) struct td_key *file = NULL;
    TD_CLEANUP(td_key_cleanup) struct td_key *still = NULL;
    TD_CLEANUP(td_key_cleanup) struct td_key *inside = NULL;
    TD_CLEANUP(td_key_cleanup) struct td_key *transport = NULL;
    box_stage(&s, &tpms[ONE]);
    s.dev.tcti = NULL;
    assert_false(td_tpm_holds(&s.dev, "device.key.pem", &kind));
    assert_ok(td_flow_key(&s.flow, "device.key.pem", &file, NULL));
    stage_set(&s, "end.join", "1");
    s.dev.tcti = tpms[ONE].tcti;
    assert_ok(td_flow_key(&s.flow, "device.key.pem", &still, NULL));
    assert_true(td_key_same_public(file, still));
    assert_true(td_tpm_holds(&s.dev, "mdm.key.pem", &kind)); /* it has not enrolled yet */
    assert_false(td_tpm_holds(&s.dev, "transport.key.pem", &kind));
    stage_set(&s, "end.join", NULL); /* as a reset leaves it */
    assert_ok(td_flow_key(&s.flow, "device.key.pem", &inside, NULL));
    assert_false(td_key_same_public(file, inside));
    assert_ok(td_flow_key(&s.flow, "transport.key.pem", &transport, NULL));
    assert_true(td_file_exists(td_device_path(&s.dev, &s.arena, "transport.key.pem")));
    assert_int_equal(td_disk_parts(TD_DISK_FILE, "tpm/device.key"), 1u << TD_PART_JOIN);
    assert_int_equal(td_disk_parts(TD_DISK_FILE, "tpm/mdm.key"), 1u << TD_PART_ENROLMENT);
    assert_int_equal(td_disk_parts(TD_DISK_FILE, "tpm/log"), 0);
    assert_int_equal(td_disk_parts(TD_DISK_STATE, "tpm.tcti"), 0);
    box_stage_close(&s);
}

static void certifies_its_keys(void **state TD_UNUSED)
{
    struct stage s;
    struct td_tpm *t = NULL;
    struct td_slice ak, pub;
    box_stage(&s, &tpms[ONE]);
    assert_ok(td_device_tpm(&s.dev, &t, NULL));
    assert_ok(td_tpm_ak(t, &s.arena, &ak, NULL));
    for (int kind = TD_TPM_KEY_DEVICE; kind <= TD_TPM_KEY_MANAGEMENT; kind++) {
        struct td_tpm_proof proof = {0};
        struct td_tpm_name name;
        TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
        TD_CLEANUP(td_key_cleanup) struct td_key *same = NULL;
        assert_ok(td_tpm_certify(&s.dev, (enum td_tpm_key_kind)kind, BOX_NONCE, &s.arena, &pub, &proof, NULL));
        struct td_tpm_attest said = verified(ak, &proof);
        struct td_tpm_public p = read_public(pub);
        assert_int_equal(said.type, TD_TPM_CERTIFY);
        assert_ok(td_tpm_name(&p, &name, NULL));
        assert_true(td_eq(said.name, td_bytes(name.octets, name.n)));
        assert_ok(td_tpm_key(&p, &key, NULL));
        assert_ok(td_tpm_key_open(&s.dev, (enum td_tpm_key_kind)kind, &same, NULL));
        assert_true(td_key_same_public(key, same));
    }
    box_stage_close(&s);
}

static void stands_in_the_hash(void **state TD_UNUSED)
{
    struct stage s;
    struct td_hardware hw = {0};
    struct td_tpm_ek ek = {0};
    box_stage(&s, &tpms[ONE]);
    assert_ok(td_device_tpm_ready(&s.dev, NULL));
    assert_string_equal(td_state_get(s.dev.state, "tpm.tcti"), tpms[ONE].tcti);
    assert_ok(td_tpm_ek(s.dev.tpm, &s.arena, &ek, NULL));
    td_tpm_close(s.dev.tpm);
    s.dev.tpm = NULL;
    s.dev.tcti = NULL;
    assert_ok(td_hardware_of(&s.dev, &s.arena, &hw, NULL)); /* opens nothing */
    assert_null(s.dev.tpm);
    assert_true(td_eq(hw.facts.tpm_ek, ek.public_));
    assert_non_null(strstr(hw.facts.tpm_version, "TPM-Version:2.0"));
    assert_non_null(strstr(hw.facts.tpm_version, "VendorID:'IBM "));
    box_stage_close(&s);
}

/* What was left by a client that crashed would block the next one. */
static void sweeps_what_was_left(void **state TD_UNUSED)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_slice ak;
    for (int i = 0; i < 3; i++) { /* as much as a TPM has room for */
        struct td_tpm *t = open_tpm(BARE);
        struct td_tpm_object left = TD_TPM_NONE(t);
        const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
        ESYS_TR session;
        assert_ok(td_tpm_ak_load(t, &left, NULL, NULL));
        assert_int_equal(t->f.Esys_StartAuthSession(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                                    ESYS_TR_NONE, NULL, TPM2_SE_POLICY, &none, TPM2_ALG_SHA256,
                                                    &session),
                         0);
        td_tpm_close(t);
    }
    struct stage s;
    struct td_tpm *t = NULL;
    box_stage(&s, &tpms[BARE]);
    assert_ok(td_device_tpm(&s.dev, &t, NULL));
    assert_ok(td_tpm_ak(t, &a, &ak, NULL));
    box_stage_close(&s);
}

/* Of the device's processes one at a time has it. */
static void belongs_to_one_process(void **state TD_UNUSED)
{
    struct stage s;
    struct td_tpm *t = NULL, *again = NULL;
    struct td_error err = {0};
    box_stage(&s, &tpms[BARE]);
    struct td_device other = s.dev;
    assert_ok(td_device_tpm(&s.dev, &t, NULL));
    assert_int_equal(td_device_tpm(&other, &again, &err), TD_EUNAVAILABLE);
    assert_int_equal(err.hresult, 0x800705b4);
    td_tpm_close(s.dev.tpm);
    s.dev.tpm = NULL;
    assert_ok(td_device_tpm(&other, &again, NULL));
    td_tpm_close(other.tpm);
    box_stage_close(&s);
}

/* Its plug was pulled and put back while the device was at work: whoever holds a key goes on with it. */
static void goes_on_with_a_tpm_that_was_away(void **state TD_UNUSED)
{
    struct stage s;
    struct td_tpm *t = NULL;
    struct td_tpm_ek ek = {0};
    struct td_slice sig = {0};
    struct td_error told = {0};
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    TD_CLEANUP(td_identity_done) struct td_identity id;
    struct td_net_config config = {.ca_pem = TD_S("")};
    td_identity_init(&id);
    box_stage(&s, &tpms[ONE]);
    assert_ok(td_tpm_key_open(&s.dev, TD_TPM_KEY_DEVICE, &key, NULL));
    assert_ok(td_flow_write(&s.flow, "mdm.crt.pem", TD_S("-"), NULL));
    assert_ok(td_identity_show(&s.dev, "mdm", &id, &config, NULL));
    assert_ok(td_device_tpm(&s.dev, &t, NULL));
    box_off(&tpms[ONE]);
    for (int i = 0; i < 2; i++) { /* the second time tss2 itself is in the way */
        struct td_error err = {0};
        assert_int_equal(td_tpm_ek(t, &s.arena, &ek, &err), TD_EUNAVAILABLE);
        assert_int_equal(err.hresult, 0x800705b4);
    }
    assert_true(td_key_sign(key, TD_RS256, TD_S("text"), &s.arena, &sig) != TD_OK);
    assert_int_equal(td_device_tpm(&s.dev, &t, NULL), TD_EUNAVAILABLE);
    assert_int_equal(config.identity(config.identity_ctx, NULL, &told), TD_EUNAVAILABLE);
    assert_int_equal(told.hresult, 0x800705b4);
    assert_true(td_key_sign(key, TD_RS256, TD_S("text"), &s.arena, &sig) != TD_OK);
    box_on(&tpms[ONE]);
    assert_ok(td_key_sign(key, TD_RS256, TD_S("text"), &s.arena, &sig));
    assert_true(td_key_verify(key, TD_RS256, TD_S("text"), sig));
    assert_ok(td_device_tpm(&s.dev, &t, NULL));
    assert_ok(td_tpm_ek(t, &s.arena, &ek, NULL));
    box_stage_close(&s);
}

static int signed_times;

static enum td_code sign_something(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_slice sig = {0};
    td_try(td_flow_key(f, "device.key.pem", &key, err));
    if (signed_times++ == 0)
        box_off(&tpms[ONE]);
    if (td_key_sign(key, TD_RS256, TD_S("text"), &a, &sig) == TD_OK)
        return TD_OK;
    box_on(&tpms[ONE]);
    return td_fail(err, TD_EINTERNAL, "token", "can't be signed");
}

/* Gone between a key and its signature: nothing of the device is wrong. */
static void a_signature_is_tried_again(void **state TD_UNUSED)
{
    static const struct td_step step = {"signature", sign_something, NULL, false};
    struct stage s;
    box_stage(&s, &tpms[ONE]);
    signed_times = 0;
    assert_ok(td_flow_walk(&s.flow, &step, 1, NULL));
    assert_int_equal(signed_times, 2);
    assert_true(stage_said(&s, "wait     signature: the TPM does not answer"));
    box_stage_close(&s);
}

static void says_what_is_missing(void **state TD_UNUSED)
{
    struct td_tpm *t = NULL;
    struct td_error err = {0};
    assert_int_equal(td_tpm_open("", &t, &err), TD_EINVAL);
    assert_int_equal(td_tpm_open("swtpm:path=/nowhere/tpm.sock", &t, &err), TD_EUNAVAILABLE);
    assert_int_equal(err.hresult, 0x800705b4);
    assert_true(err.remedy[0] != '\0');
    assert_int_equal(td_tpm_open("nosuchtcti:path=x", &t, &err), TD_EUNAVAILABLE);
    assert_int_equal(err.hresult, 0x800705b4);
    assert_null(t);
}

static void runs_no_program_of_a_state(void **state TD_UNUSED)
{
    struct stage s;
    struct td_tpm *t = NULL;
    struct td_error err = {0};
    box_stage(&s, &tpms[ONE]);
    s.dev.tcti = NULL;
    const char *mark = td_device_path(&s.dev, &s.arena, "ran");
    const char *const lines[] = {td_arena_printf(&s.arena, "cmd:touch %s", mark), "/nowhere/tcti.so:x",
                                 "libtss2-tcti-cmd.so.0:true"};
    for (size_t i = 0; i < TD_COUNTOF(lines); i++) {
        td_state_set(s.dev.state, "tpm.tcti", lines[i]);
        assert_int_equal(td_device_tpm(&s.dev, &t, &err), TD_EDENIED);
        assert_string_equal(err.where, "tpm.tcti");
    }
    assert_false(td_file_exists(mark));
    td_state_set(s.dev.state, "tpm.tcti", tpms[ONE].tcti);
    assert_ok(td_device_tpm(&s.dev, &t, &err));
    box_stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proves_an_rsa_key),
        cmocka_unit_test(proves_a_key_without_certificate),
        cmocka_unit_test(proves_an_ecc_key),
        cmocka_unit_test(reads_a_padded_certificate),
        cmocka_unit_test(takes_no_other_key_for_it),
        cmocka_unit_test(says_the_same_keys_every_time),
        cmocka_unit_test(refuses_a_credential_for_another_key),
        cmocka_unit_test(quotes_what_was_measured),
        cmocka_unit_test(keys_stay_in_the_tpm),
        cmocka_unit_test(keys_of_the_tpm_shake_hands),
        cmocka_unit_test(keys_are_worthless_elsewhere),
        cmocka_unit_test(keys_of_before_stay_files),
        cmocka_unit_test(certifies_its_keys),
        cmocka_unit_test(stands_in_the_hash),
        cmocka_unit_test(sweeps_what_was_left),
        cmocka_unit_test(belongs_to_one_process),
        cmocka_unit_test(goes_on_with_a_tpm_that_was_away),
        cmocka_unit_test(a_signature_is_tried_again),
        cmocka_unit_test(says_what_is_missing),
        cmocka_unit_test(runs_no_program_of_a_state),
    };
    return cmocka_run_group_tests(tests, make_tpms, drop_tpms);
}
