#include "attest.h"

#include "base/buf.h"
#include "base/encode.h"
#include "wire/soft_tpm.h"

#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES = 512, PCRS = 0xff };

struct pc {
    struct soft_key ek, ak, key;
    const char *begin;   /* the whole body */
    const char *key_pub; /* TPMT_PUBLIC of the key that is to join, base64 */
};
static struct pc pcs[DEVICES];
static int pc_count;
static struct td_arena keep;
static struct td_slice pcr_digest;
static const char *event_log;

static void need(bool ok)
{
    if (!ok)
        abort();
}

static struct td_slice der_of(X509 *x)
{
    unsigned char *p = NULL;
    int n = i2d_X509(x, &p);
    need(n > 0);
    struct td_slice out = td_arena_copy(&keep, td_bytes(p, (size_t)n));
    OPENSSL_free(p);
    return out;
}

static struct soft_key ec_key(enum soft_role role, uint32_t attributes)
{
    struct soft_key k = {.kind = SOFT_P256, .role = role, .key = EVP_EC_gen("P-256"), .attributes = attributes};
    need(k.key != NULL);
    return k;
}

static void make_pc(struct pc *pc, const char *id, X509 *cert, struct td_slice between)
{
    pc->ak = ec_key(SOFT_AK, SOFT_AK_HAS);
    pc->key = ec_key(SOFT_PLAIN, SOFT_PLAIN_HAS);
    pc->key_pub = td_b64(&keep, soft_public(&pc->key, &keep));
    pc->begin =
        td_arena_printf(&keep,
                        "{\"step\":\"attest-begin\",\"registrationId\":\"%s\",\"ekPub\":\"%s\",\"ekCert\":\"%s\","
                        "\"ekChain\":[\"%s\"],\"akPub\":\"%s\"}",
                        id, td_b64(&keep, soft_public(&pc->ek, &keep)), td_b64(&keep, der_of(cert)),
                        td_b64(&keep, between), td_b64(&keep, soft_public(&pc->ak, &keep)));
}

/* A start of a usual length: firmware, Secure Boot, separators. */
static void make_log(void)
{
    struct soft_boot boot;
    soft_boot(&boot, true, "firmware 1.0");
    pcr_digest = soft_digest(&boot, PCRS, &keep);
    event_log = td_b64(&keep, td_bytes(boot.log, boot.log_n));
}

static FILE *opened(const char *dir, const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    need(f != NULL);
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
    need(between != NULL);
    while (pc_count < DEVICES && fscanf(ids, "%63s", id) == 1) {
        struct pc *pc = &pcs[pc_count++];
        pc->ek = (struct soft_key){.kind = SOFT_RSA, .role = SOFT_EK, .attributes = SOFT_EK_HAS};
        pc->ek.key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
        X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
        need(pc->ek.key != NULL && cert != NULL);
        make_pc(pc, id, cert, der_of(between));
        X509_free(cert);
    }
    X509_free(between);
    (void)fclose(between_file);
    (void)fclose(f);
    (void)fclose(ids);
    need(pc_count != 0);
}

static struct td_slice member(const char *reply, const char *name, struct td_arena *a)
{
    const char *at = strstr(reply, td_arena_printf(a, "\"%s\":\"", name));
    if (at == NULL)
        return TD_S("");
    at += strlen(name) + 4;
    return td_arena_copy(a, td_bytes(at, strcspn(at, "\"")));
}

static struct td_slice octets(const char *reply, const char *name, struct td_arena *a)
{
    struct td_slice out = TD_S("");
    return td_b64_decode(a, member(reply, name, a), TD_B64_STD, &out) == TD_OK ? out : TD_S("");
}

static const char *prove(struct td_slice secret, struct td_slice nonce, struct td_slice name, struct td_arena *a)
{
    unsigned char proof[32];
    struct td_buf both;
    td_buf_init(&both, 256);
    td_buf_add(&both, nonce);
    td_buf_add(&both, name);
    need(HMAC(EVP_sha256(), secret.p, (int)secret.n, (const unsigned char *)both.p, both.n, proof, NULL) != NULL);
    td_buf_done(&both);
    return td_b64(a, td_bytes(proof, sizeof(proof)));
}

static struct td_slice finish_body(const struct pc *pc, const char *reply, struct td_arena *a)
{
    struct td_slice nonce = TD_S(""), session = member(reply, "sessionId", a);
    if (td_hex_decode(a, member(reply, "nonce", a), &nonce) != TD_OK)
        nonce = TD_S("");
    struct td_slice secret =
        soft_activate(&pc->ek, &pc->ak, octets(reply, "idObject", a), octets(reply, "encSecret", a), a);
    const struct soft_word measured = {.type = 0x8018, .nonce = nonce, .digest = pcr_digest},
                           born = {.type = 0x8017, .nonce = nonce, .name = soft_name(&pc->key, a)};
    struct td_slice quote = soft_attest(&measured, a), certify = soft_attest(&born, a);
    return td_str(td_arena_printf(
        a,
        "{\"step\":\"attest-finish\",\"sessionId\":\"%.*s\",\"proof\":\"%s\",\"quote\":\"%s\",\"quoteSig\":\"%s\","
        "\"eventLog\":\"%s\",\"keyPub\":\"%s\",\"certify\":\"%s\",\"certifySig\":\"%s\"}",
        TD_FMT(session), prove(secret, nonce, soft_name(&pc->ak, a), a), td_b64(a, quote),
        td_b64(a, soft_sign(&pc->ak, quote, a)), event_log, pc->key_pub, td_b64(a, certify),
        td_b64(a, soft_sign(&pc->ak, certify, a))));
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
