#include "crypto/bundle.h"

#include "crypto/ossl.h"

#include <openssl/pem.h>
#include <openssl/pkcs7.h>

enum { DER_MAX = 65536 };

TD_OSSL_CLEANUP(pkcs7, PKCS7, PKCS7_free)

struct bundle {
    struct td_arena *a;
    struct td_slice *list;
    size_t count, room;
};

static enum td_code no_certificate(struct td_error *err, const char *why)
{
    ERR_clear_error();
    return td_remedy(err, td_fail(err, TD_EFORMAT, "certificates", "%s", why),
                     "Give certificates in PEM, DER or PKCS#7.");
}

static enum td_code add(struct bundle *b, X509 *x, struct td_error *err)
{
    struct td_slice der = TD_OSSL_DER(b->a, i2d_X509, x);
    if (der.n == 0 || der.n > DER_MAX)
        return no_certificate(err, "a certificate is larger than 64 KiB");
    for (size_t i = 0; i < b->count; i++)
        if (td_eq(b->list[i], der))
            return TD_OK;
    if (b->count == TD_BUNDLE_CERTS)
        return td_fail(err, TD_ELIMIT, "certificates", "more than %d in one file", TD_BUNDLE_CERTS);
    b->list = td_arena_room(b->a, b->list, b->count, &b->room, sizeof(*b->list));
    b->list[b->count++] = der;
    return TD_OK;
}

static enum td_code add_pkcs7(struct bundle *b, const PKCS7 *p, struct td_error *err)
{
    STACK_OF(X509) *certs = NULL;
    if (PKCS7_type_is_signed(p) && p->d.sign != NULL)
        certs = p->d.sign->cert;
    for (int i = 0; i < sk_X509_num(certs); i++)
        td_try(add(b, sk_X509_value(certs, i), err));
    return TD_OK;
}

static enum td_code add_block(struct bundle *b, const char *name, const unsigned char *der, long n,
                              struct td_error *err)
{
    const unsigned char *p = der;
    if (strcmp(name, PEM_STRING_PKCS7) == 0 || strcmp(name, PEM_STRING_PKCS7_SIGNED) == 0) {
        TD_CLEANUP(pkcs7_done) PKCS7 *bag = d2i_PKCS7(NULL, &p, n);
        return bag != NULL ? add_pkcs7(b, bag, err) : no_certificate(err, "a PKCS#7 block can't be read");
    }
    if (strcmp(name, PEM_STRING_X509) != 0 && strcmp(name, PEM_STRING_X509_OLD) != 0)
        return TD_OK; /* keys and the like are nobody's business here */
    TD_CLEANUP(x509_done) X509 *x = td_x509_from_der(td_bytes(der, (size_t)n));
    return x != NULL ? add(b, x, err) : no_certificate(err, "a certificate in it can't be read");
}

static enum td_code read_pem(struct bundle *b, struct td_slice file, struct td_error *err)
{
    TD_CLEANUP(bio_done) BIO *in = BIO_new_mem_buf(file.p, (int)file.n);
    enum td_code rc = TD_OK;
    while (in != NULL && rc == TD_OK) {
        char *name = NULL, *header = NULL;
        unsigned char *der = NULL;
        long n = 0;
        if (PEM_read_bio(in, &name, &header, &der, &n) != 1) {
            bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
            return end ? TD_OK : no_certificate(err, "a PEM block in it is broken");
        }
        rc = add_block(b, name, der, n, err);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    return rc;
}

static enum td_code read_der(struct bundle *b, struct td_slice file, struct td_error *err)
{
    const unsigned char *p = (const unsigned char *)file.p;
    TD_CLEANUP(x509_done) X509 *x = td_x509_from_der(file);
    if (x != NULL)
        return add(b, x, err);
    TD_CLEANUP(pkcs7_done) PKCS7 *bag = d2i_PKCS7(NULL, &p, (long)file.n);
    return bag != NULL ? add_pkcs7(b, bag, err) : no_certificate(err, "it holds no certificate that can be read");
}

enum td_code td_bundle_read(struct td_slice file, struct td_arena *a, struct td_slice **ret_ders, size_t *ret_count,
                            struct td_error *err)
{
    struct bundle b = {.a = a};
    if (file.n > TD_BUNDLE_MAX)
        return td_fail(err, TD_ELIMIT, "certificates", "larger than %d octets", TD_BUNDLE_MAX);
    /* no text begins so: a name inside DER may look like PEM */
    bool der = file.n > 1 && file.p[0] == 0x30 && ((unsigned char)file.p[1] & 0x80) != 0;
    bool pem = !der && td_search(file, TD_S("-----BEGIN ")) != SIZE_MAX;
    td_try(pem ? read_pem(&b, file, err) : read_der(&b, file, err));
    ERR_clear_error();
    if (b.count == 0)
        return no_certificate(err, "it holds no certificate");
    *ret_ders = b.list;
    *ret_count = b.count;
    return TD_OK;
}
