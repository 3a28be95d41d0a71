/* Keytabs as MIT Kerberos has them, with keys made of a password. */
#include "base/file.h"
#include "connect/krb_lib.h"

enum { KEYTAB_MAX = 16384 };

static void be(struct td_buf *b, uint32_t v, int octets)
{
    for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8)
        td_buf_addc(b, (char)(v >> shift & 0xff));
}

static void counted(struct td_buf *b, struct td_slice s)
{
    be(b, (uint32_t)s.n, 2);
    td_buf_add(b, s);
}

struct keytab_row {
    const char *principal, *realm;
    int kvno, enctype;
    struct td_slice key;
};

/* File format 0x0502 of MIT Kerberos: sizes and numbers in network order. The time of writing is left at nought. */
static void add_row(struct td_buf *out, const struct keytab_row *r)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf row;
    struct td_slice parts[2] = {td_str(""), td_str("")};
    parts[1] = td_cut(td_str(r->principal), '/', &parts[0]);
    size_t n = td_find(td_str(r->principal), '/') == SIZE_MAX ? 1 : 2;
    td_buf_init(&row, KEYTAB_MAX);
    be(&row, (uint32_t)n, 2);
    counted(&row, td_str(r->realm));
    for (size_t i = 0; i < n; i++)
        counted(&row, parts[i]);
    be(&row, KRB5_NT_PRINCIPAL, 4);
    be(&row, 0, 4);
    be(&row, (uint32_t)r->kvno & 0xff, 1);
    be(&row, (uint32_t)r->enctype, 2);
    counted(&row, r->key);
    be(&row, (uint32_t)r->kvno, 4);
    be(out, (uint32_t)row.n, 4);
    td_buf_add(out, td_buf_slice(&row));
}

static enum td_code derive(struct td_krb_talk *t, int enctype, struct td_slice password, const char *salt,
                           krb5_keyblock *ret, struct td_error *err)
{
    const krb5_data secret = {.data = (char *)(uintptr_t)password.p, .length = (unsigned)password.n};
    const krb5_data grain = {.data = (char *)(uintptr_t)salt, .length = (unsigned)strlen(salt)};
    krb5_error_code rc = krb5_c_string_to_key(t->ctx, enctype, &secret, &grain, ret);
    return rc == 0 ? TD_OK : td_krb_own_fault(t->ctx, rc, "key", err);
}

static enum td_code fill_keytab(struct td_krb_talk *t, const char *const *principals, const char *salt,
                                struct td_slice password, int kvno, struct td_buf *out, struct td_error *err)
{
    /* The last for tickets to this machine alone: a domain whose account of it names no kinds of encryption gives such
     * (domain-join-and-tpm.md 1.5). */
    static const int enctypes[] = {ENCTYPE_AES256_CTS_HMAC_SHA1_96, ENCTYPE_AES128_CTS_HMAC_SHA1_96,
                                   ENCTYPE_ARCFOUR_HMAC};
    be(out, 0x0502, 2);
    for (size_t e = 0; e < TD_COUNTOF(enctypes); e++) {
        krb5_keyblock key = {0};
        td_try(derive(t, enctypes[e], password, salt, &key, err));
        for (size_t i = 0; principals[i] != NULL; i++)
            add_row(out, &(struct keytab_row){.principal = principals[i],
                                              .realm = t->realm->realm,
                                              .kvno = kvno != 0 ? kvno : 1,
                                              .enctype = enctypes[e],
                                              .key = td_bytes(key.contents, key.length)});
        krb5_free_keyblock_contents(t->ctx, &key);
    }
    return td_buf_check(out, "keytab", err);
}

enum td_code td_krb_keytab_write(const char *path, const char *const *principals, const char *realm, const char *salt,
                                 struct td_slice password, int kvno, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf out;
    const struct td_krb_realm r = {.realm = realm};
    struct td_krb_talk t;
    td_buf_init(&out, KEYTAB_MAX);
    enum td_code rc = td_krb_open(&r, &t, err);
    if (rc == TD_OK)
        rc = fill_keytab(&t, principals, salt, password, kvno, &out, err);
    if (rc == TD_OK)
        rc = td_file_write(path, td_buf_slice(&out), 0600, err);
    td_krb_close(&t);
    return rc;
}
