#include "attest.h"

#include "base/encode.h"
#include "base/file.h"
#include "codec/tcg_log.h"
#include "soft_tpm.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

enum { DEVICES = 512, PCRS = 8 };

struct pc {
    struct soft_key ek, ak, key;
    const char *begin;       /* the whole body */
    struct td_slice csr_key; /* TPMT_PUBLIC of the key that is to join, base64 */
};
static struct pc pcs[DEVICES];
static int pc_count;
static struct td_arena keep;
static struct td_slice event_log, pcr_digest;

static struct td_slice der_of(X509 *x)
{
    unsigned char *p = NULL;
    int n = i2d_X509(x, &p);
    soft_need(n > 0);
    struct td_slice out = td_arena_copy(&keep, td_bytes(p, (size_t)n));
    OPENSSL_free(p);
    return out;
}

static void make_pc(struct pc *pc, const char *id, X509 *cert, struct td_slice between)
{
    soft_key_describe(&pc->ek, SOFT_EK, &keep);
    pc->ak = soft_key_make(SOFT_P256, SOFT_AK, &keep);
    pc->key = soft_key_make(SOFT_P256, SOFT_FREE, &keep);
    pc->csr_key = td_str(td_b64(&keep, pc->key.public));
    pc->begin =
        td_arena_printf(&keep,
                        "{\"step\":\"attest-begin\",\"registrationId\":\"%s\",\"ekPub\":\"%s\",\"ekCert\":\"%s\","
                        "\"ekChain\":[\"%s\"],\"akPub\":\"%s\"}",
                        id, td_b64(&keep, pc->ek.public), td_b64(&keep, der_of(cert)), td_b64(&keep, between),
                        td_b64(&keep, pc->ak.public));
}

/* A start of a usual length: firmware, Secure Boot, separators. */
static void make_log(void)
{
    static const unsigned char guid[16] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                           0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
    struct td_slice pcr[PCRS];
    char zero[32] = {0};
    struct td_buf log, variable, all;
    td_buf_init(&log, 65536);
    td_buf_init(&variable, 1024);
    td_buf_init(&all, 1024);
    for (size_t i = 0; i < PCRS; i++)
        pcr[i] = td_bytes(zero, 32);
    td_tcg_variable_write(&variable, guid, "SecureBoot", TD_S("\1"));
    struct {
        uint32_t pcr, type;
        struct td_slice data;
    } events[2 + PCRS] = {{0, TD_TCG_S_CRTM_VERSION, TD_S("firmware 1.0")},
                          {7, TD_TCG_EFI_VARIABLE_DRIVER_CONFIG, td_buf_slice(&variable)}};
    for (uint32_t i = 0; i < PCRS; i++) {
        events[2 + i].pcr = i;
        events[2 + i].type = TD_TCG_SEPARATOR;
        events[2 + i].data = td_bytes("\0\0\0", 4);
    }
    td_tcg_log_begin(&log);
    for (size_t i = 0; i < TD_COUNTOF(events); i++) {
        char both[64];
        struct td_slice digest = soft_digest(events[i].data, &keep);
        memcpy(both, pcr[events[i].pcr].p, 32);
        memcpy(both + 32, digest.p, 32);
        pcr[events[i].pcr] = soft_digest(td_bytes(both, 64), &keep);
        td_tcg_log_add(&log, events[i].pcr, events[i].type, (const unsigned char *)digest.p, events[i].data);
    }
    for (size_t i = 0; i < PCRS; i++)
        td_buf_add(&all, pcr[i]);
    pcr_digest = soft_digest(td_buf_slice(&all), &keep);
    event_log = td_str(td_b64(&keep, td_buf_slice(&log)));
    td_buf_done(&log);
    td_buf_done(&variable);
    td_buf_done(&all);
}

static FILE *opened(const char *dir, const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    soft_need(f != NULL);
    return f;
}

void attest_load(const char *dir)
{
    char id[64];
    td_arena_init(&keep);
    make_log();
    FILE *between_file = opened(dir, "attest-between.pem"), *f = opened(dir, "attest.pem"),
         *ids = opened(dir, "attest-ids");
    X509 *between = PEM_read_X509(between_file, NULL, NULL, NULL);
    soft_need(between != NULL);
    while (pc_count < DEVICES && fscanf(ids, "%63s", id) == 1) {
        struct pc *pc = &pcs[pc_count++];
        pc->ek.kind = SOFT_RSA;
        pc->ek.pkey = PEM_read_PrivateKey(f, NULL, NULL, NULL);
        X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
        soft_need(pc->ek.pkey != NULL && cert != NULL);
        make_pc(pc, id, cert, der_of(between));
        X509_free(cert);
    }
    X509_free(between);
    (void)fclose(between_file);
    (void)fclose(f);
    (void)fclose(ids);
    soft_need(pc_count != 0);
}

static struct td_slice member(const char *reply, const char *name, struct td_arena *a)
{
    const char *at = strstr(reply, td_arena_printf(a, "\"%s\":\"", name));
    if (at == NULL)
        return TD_S("");
    at += strlen(name) + 4;
    return td_arena_copy(a, td_bytes(at, strcspn(at, "\"")));
}

/* Contents of a TPM2B in base64. */
static struct td_slice sized_member(const char *reply, const char *name, struct td_arena *a)
{
    struct td_slice out = TD_S("");
    return td_b64_decode(a, member(reply, name, a), TD_B64_STD, &out) == TD_OK ? td_sub(out, 2, out.n) : TD_S("");
}

static struct td_slice finish_body(const struct pc *pc, const char *reply, struct td_arena *a)
{
    struct td_slice secret = TD_S(""), nonce = TD_S(""), session = member(reply, "sessionId", a);
    struct td_buf b;
    td_buf_init(&b, 65536);
    if (td_hex_decode(a, member(reply, "nonce", a), &nonce) != TD_OK)
        nonce = TD_S("");
    (void)soft_activate(&pc->ek, pc->ak.name, sized_member(reply, "idObject", a), sized_member(reply, "encSecret", a),
                        a, &secret);
    td_buf_add(&b, nonce);
    td_buf_add(&b, pc->ak.name);
    struct td_slice proof = soft_hmac(secret, td_buf_slice(&b), a);
    struct td_slice quote = soft_quote(&pc->ak, nonce, 0xff, pcr_digest, a);
    struct td_slice certify = soft_certify(&pc->ak, nonce, pc->key.name, a);
    td_buf_reset(&b);
    td_buf_printf(
        &b,
        "{\"step\":\"attest-finish\",\"sessionId\":\"%.*s\",\"proof\":\"%s\",\"quote\":\"%s\",\"quoteSig\":\"%s\","
        "\"eventLog\":\"%.*s\",\"keyPub\":\"%.*s\",\"certify\":\"%s\",\"certifySig\":\"%s\"}",
        TD_FMT(session), td_b64(a, proof), td_b64(a, quote), td_b64(a, soft_sign(&pc->ak, quote, a)), TD_FMT(event_log),
        TD_FMT(pc->csr_key), td_b64(a, certify), td_b64(a, soft_sign(&pc->ak, certify, a)));
    return soft_end(&b, a);
}

bool attest_unit(attest_post *post, void *ctx, int unit)
{
    const struct pc *pc = &pcs[unit % pc_count];
    const char *reply = NULL;
    struct td_arena a;
    td_arena_init(&a);
    bool ok = post(ctx, "/ztd/v1/attest", td_str(pc->begin), &reply);
    if (ok) /* the query tells the mark which answer is meant */
        ok = post(ctx, "/ztd/v1/attest?step=finish", finish_body(pc, reply, &a), &reply) &&
             strstr(reply, "\"joinTicket\"") != NULL;
    td_arena_done(&a);
    return ok;
}
