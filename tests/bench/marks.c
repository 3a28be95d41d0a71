/* Bare loops that the rows of `make bench` are compared with, CPU microseconds a unit as JSON (limits.md 7):
 * parse: expat over a body; row: one 600-byte row in SQLite (WAL, FULL), ten a commit; read: one indexed row read;
 * sign, verify: EVP P-256 and RSA-2048. With an endorsement certificate also verify_3072, verify_ec, oaep (RSA-2048)
 * and decode (the certificate, its key among it).   bench_marks DIR BODY.xml [CERTIFICATE.der]
 *
 *   bench_marks --cheap-hash PASSWORD     tells a password hash of little cost */
#include "base/file.h"
#include "crypto/secret.h"

#include <expat.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>

static double cpu_us(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void tell(const char *name, double begun, int n)
{
    (void)printf("\"%s\":%.3f%s", name, (cpu_us() - begun) / n, strcmp(name, "password") == 0 ? "}\n" : ",");
}

/* The service's own hash at its standing cost. */
static void mark_password(void)
{
    enum { N = 3 };
    static const struct td_password_cost cost = {65536, 3, 1};
    struct td_arena a;
    char *phc = NULL;
    td_arena_init(&a);
    double begun = cpu_us();
    for (int i = 0; i < N; i++)
        if (td_password_hash(&td_env_real, TD_S("correct horse"), &cost, &a, &phc, NULL) != TD_OK)
            (void)fprintf(stderr, "bench_marks: no password hash\n");
    tell("password", begun, N);
    td_arena_done(&a);
}

/* A password whose check costs nearly nothing, so that the rest of a deployment can be seen beside it. */
static int cheap_hash(const char *password)
{
    static const struct td_password_cost cost = {1024, 1, 1};
    struct td_arena a;
    char *phc = NULL;
    td_arena_init(&a);
    if (td_password_hash(&td_env_real, td_str(password), &cost, &a, &phc, NULL) != TD_OK)
        return 1;
    (void)printf("%s", phc);
    td_arena_done(&a);
    return 0;
}

static void mark_parse(struct td_slice body)
{
    enum { N = 2000 };
    double begun = cpu_us();
    for (int i = 0; i < N; i++) {
        XML_Parser p = XML_ParserCreateNS(NULL, '\n');
        if (XML_Parse(p, body.p, (int)body.n, XML_TRUE) != XML_STATUS_OK)
            (void)fprintf(stderr, "bench_marks: the body does not parse\n");
        XML_ParserFree(p);
    }
    tell("parse", begun, N);
}

static void sql(sqlite3 *db, const char *text)
{
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        (void)fprintf(stderr, "bench_marks: %s\n", sqlite3_errmsg(db));
}

static void mark_rows(const char *dir)
{
    enum { COMMITS = 300, ROWS = 10, READS = 20000 };
    char path[1024], data[600];
    sqlite3 *db = NULL;
    sqlite3_stmt *insert = NULL, *select = NULL;
    (void)snprintf(path, sizeof(path), "%s/marks.db", dir);
    memset(data, 'x', sizeof(data));
    (void)sqlite3_open(path, &db);
    sql(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT, d BLOB); "
            "CREATE INDEX i ON t(k)");
    (void)sqlite3_prepare_v2(db, "INSERT INTO t(k, d) VALUES (?1, ?2)", -1, &insert, NULL);
    (void)sqlite3_prepare_v2(db, "SELECT d FROM t WHERE k = ?1", -1, &select, NULL);
    double begun = cpu_us();
    for (int c = 0; c < COMMITS; c++) {
        sql(db, "BEGIN IMMEDIATE");
        for (int r = 0; r < ROWS; r++) {
            char k[32];
            (void)snprintf(k, sizeof(k), "%08x", (unsigned)(c * ROWS + r) * 2654435761U);
            (void)sqlite3_bind_text(insert, 1, k, -1, SQLITE_TRANSIENT);
            (void)sqlite3_bind_blob(insert, 2, data, sizeof(data), SQLITE_STATIC);
            (void)sqlite3_step(insert);
            (void)sqlite3_reset(insert);
        }
        sql(db, "COMMIT");
    }
    tell("row", begun, COMMITS * ROWS);
    begun = cpu_us();
    for (int i = 0; i < READS; i++) {
        char k[32];
        (void)snprintf(k, sizeof(k), "%08x", (unsigned)(i % (COMMITS * ROWS)) * 2654435761U);
        (void)sqlite3_bind_text(select, 1, k, -1, SQLITE_TRANSIENT);
        (void)sqlite3_step(select);
        (void)sqlite3_reset(select);
    }
    tell("read", begun, READS);
    (void)sqlite3_finalize(insert);
    (void)sqlite3_finalize(select);
    (void)sqlite3_close(db);
}

static void mark_signatures(void)
{
    enum { N = 2000 };
    EVP_PKEY *ec = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(2048);
    unsigned char sig[512], text[600] = {1};
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    double begun = cpu_us();
    for (int i = 0; i < N; i++) {
        size_t n = sizeof(sig);
        (void)EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, ec);
        (void)EVP_DigestSign(ctx, sig, &n, text, sizeof(text));
        (void)EVP_MD_CTX_reset(ctx);
    }
    tell("sign", begun, N);
    begun = cpu_us();
    for (int i = 0; i < N; i++) {
        size_t n = sizeof(sig);
        (void)EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, rsa);
        (void)EVP_DigestSign(ctx, sig, &n, text, sizeof(text));
        (void)EVP_MD_CTX_reset(ctx);
    }
    tell("sign_rsa", begun, N);
    size_t n = sizeof(sig);
    (void)EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, rsa);
    (void)EVP_DigestSign(ctx, sig, &n, text, sizeof(text));
    begun = cpu_us();
    for (int i = 0; i < N; i++) {
        (void)EVP_MD_CTX_reset(ctx);
        (void)EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, rsa);
        if (EVP_DigestVerify(ctx, sig, n, text, sizeof(text)) != 1)
            (void)fprintf(stderr, "bench_marks: a signature does not verify\n");
    }
    tell("verify", begun, N);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
}

static void mark_verify(const char *name, EVP_PKEY *key)
{
    enum { N = 2000 };
    unsigned char sig[512], text[600] = {1};
    size_t n = sizeof(sig);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    (void)EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key);
    (void)EVP_DigestSign(ctx, sig, &n, text, sizeof(text));
    double begun = cpu_us();
    for (int i = 0; i < N; i++) {
        (void)EVP_MD_CTX_reset(ctx);
        (void)EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key);
        if (EVP_DigestVerify(ctx, sig, n, text, sizeof(text)) != 1)
            (void)fprintf(stderr, "bench_marks: a signature does not verify\n");
    }
    tell(name, begun, N);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
}

static void mark_oaep(EVP_PKEY *key)
{
    enum { N = 2000 };
    unsigned char seed[32] = {1}, out[512];
    double begun = cpu_us();
    for (int i = 0; i < N; i++) {
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
        size_t n = sizeof(out);
        if (EVP_PKEY_encrypt_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
            EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) != 1 ||
            EVP_PKEY_encrypt(ctx, out, &n, seed, sizeof(seed)) != 1)
            (void)fprintf(stderr, "bench_marks: nothing is encrypted\n");
        EVP_PKEY_CTX_free(ctx);
    }
    tell("oaep", begun, N);
    EVP_PKEY_free(key);
}

static void mark_decode(struct td_slice der)
{
    enum { N = 2000 };
    double begun = cpu_us();
    for (int i = 0; i < N; i++) {
        const unsigned char *p = (const unsigned char *)der.p;
        X509 *x = d2i_X509(NULL, &p, (long)der.n);
        if (x == NULL || X509_get0_pubkey(x) == NULL)
            (void)fprintf(stderr, "bench_marks: the certificate is not readable\n");
        X509_free(x);
    }
    tell("decode", begun, N);
}

static void mark_attestation(const char *certificate)
{
    struct td_buf der;
    td_buf_init(&der, 1 << 16);
    if (td_file_read(certificate, &der, NULL) != TD_OK)
        (void)fprintf(stderr, "bench_marks: no certificate\n");
    mark_verify("verify_3072", EVP_RSA_gen(3072));
    mark_verify("verify_ec", EVP_EC_gen("P-256"));
    mark_oaep(EVP_RSA_gen(2048));
    mark_decode(td_buf_slice(&der));
    td_buf_done(&der);
}

int main(int argc, char **argv)
{
    struct td_buf body;
    if (argc == 3 && strcmp(argv[1], "--cheap-hash") == 0)
        return cheap_hash(argv[2]);
    td_buf_init(&body, 1 << 20);
    if ((argc != 3 && argc != 4) || td_file_read(argv[2], &body, NULL) != TD_OK)
        return 2;
    (void)printf("{");
    mark_parse(td_buf_slice(&body));
    mark_rows(argv[1]);
    mark_signatures();
    if (argc == 4)
        mark_attestation(argv[3]);
    mark_password();
    return 0;
}
