/* Endorsement keys for the bench's row `attest`, with certificates under a maker's RSA-3072 root and the authority
 * under it.
 *
 *   bench_makers DIR COUNT     writes DIR/attest-root.pem, DIR/attest-between.pem, DIR/attest.pem (key, certificate
 * ...), DIR/attest.der (one certificate, for the marks) */
#include "base/defs.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

static void need(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "bench_makers: %s\n", what);
        exit(1);
    }
}

static FILE *made(const char *dir, const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    need(f != NULL, path);
    return f;
}

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    need(e != NULL && X509_add_ext(x, e, -1) == 1, value);
    X509_EXTENSION_free(e);
}

/* The maker's names as a TPM's certificate has them: a directory name in the subject alternative name. */
static void name_tpm(X509 *x)
{
    static const char *const names[][2] = {
        {"2.23.133.2.1", "id:54455354"}, {"2.23.133.2.2", "Bench"}, {"2.23.133.2.3", "id:00010002"}};
    X509_NAME *dn = X509_NAME_new();
    for (size_t i = 0; i < TD_COUNTOF(names); i++)
        need(X509_NAME_add_entry_by_txt(dn, names[i][0], MBSTRING_UTF8, (const unsigned char *)names[i][1], -1, -1,
                                        0) == 1,
             "name");
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *one = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(one, GEN_DIRNAME, dn);
    need(sk_GENERAL_NAME_push(all, one) > 0 &&
             X509_add1_ext_i2d(x, NID_subject_alt_name, all, 1, X509V3_ADD_DEFAULT) == 1,
         "alternative name");
    GENERAL_NAMES_free(all);
}

static X509 *certificate(const char *cn, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, int serial)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    need(X509_set_version(x, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x), serial) == 1 &&
             X509_time_adj_ex(X509_getm_notBefore(x), -1, 0, NULL) != NULL &&
             X509_time_adj_ex(X509_getm_notAfter(x), 3650, 0, NULL) != NULL && X509_set_pubkey(x, key) == 1,
         "certificate");
    if (cn != NULL)
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
    X509_set_issuer_name(x, issuer != NULL ? X509_get_subject_name(issuer) : name);
    if (cn != NULL) {
        extend(x, issuer, NID_basic_constraints, "critical,CA:TRUE");
        extend(x, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else {
        name_tpm(x);
        extend(x, issuer, NID_basic_constraints, "critical,CA:FALSE");
        extend(x, issuer, NID_key_usage, "critical,keyEncipherment");
        extend(x, issuer, NID_ext_key_usage, "2.23.133.8.1");
    }
    extend(x, issuer != NULL ? issuer : x, NID_subject_key_identifier, "hash");
    if (issuer != NULL)
        extend(x, issuer, NID_authority_key_identifier, "keyid");
    need(X509_sign(x, issuer_key, EVP_sha256()) > 0, "signature");
    return x;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    EVP_PKEY *root_key = EVP_RSA_gen(3072), *between_key = EVP_RSA_gen(3072);
    X509 *root = certificate("Bench TPM root", root_key, NULL, root_key, 1);
    X509 *between = certificate("Bench TPM authority", between_key, root, root_key, 2);
    FILE *f = made(argv[1], "attest-root.pem");
    need(PEM_write_X509(f, root) == 1 && fclose(f) == 0, "root");
    f = made(argv[1], "attest-between.pem");
    need(PEM_write_X509(f, between) == 1 && fclose(f) == 0, "authority");
    f = made(argv[1], "attest.pem");
    for (int i = 0, n = (int)strtol(argv[2], NULL, 10); i < n; i++) {
        EVP_PKEY *ek = EVP_RSA_gen(2048);
        X509 *x = certificate(NULL, ek, between, between_key, 100 + i);
        need(PEM_write_PrivateKey(f, ek, NULL, NULL, 0, NULL, NULL) == 1 && PEM_write_X509(f, x) == 1, "EK");
        if (i == 0) {
            FILE *one = made(argv[1], "attest.der");
            need(i2d_X509_fp(one, x) == 1 && fclose(one) == 0, "certificate");
        }
        X509_free(x);
        EVP_PKEY_free(ek);
    }
    need(fclose(f) == 0, "attest.pem");
    X509_free(root);
    X509_free(between);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(between_key);
    return 0;
}
