/* Tickets: a first one by password or keytab, and those for services. */
#include "connect/krb_lib.h"

#include <unistd.h>

/* A name with '@' is a user's principal name: the directory finds whose it is (RFC 6806 5). */
enum td_code td_krb_name(struct td_krb_talk *t, const char *name, krb5_principal *ret, struct td_error *err)
{
    int flags = strchr(name, '@') != NULL ? KRB5_PRINCIPAL_PARSE_ENTERPRISE : 0;
    if (krb5_parse_name_flags(t->ctx, name, flags, ret) != 0)
        return td_fail(err, TD_EINVAL, "principal", "not a name that Kerberos takes");
    return TD_OK;
}

/* libkrb5 would ask the KDC with a keytab that does not hold the name, too. */
static krb5_error_code has_key(struct td_krb_talk *t, krb5_keytab kt, krb5_principal who)
{
    krb5_keytab_entry e = {0};
    krb5_error_code rc = krb5_kt_get_entry(t->ctx, kt, who, 0, 0, &e);
    (void)krb5_free_keytab_entry_contents(t->ctx, &e);
    return rc;
}

static enum td_code show(struct td_krb_talk *t, krb5_init_creds_context icc, krb5_principal who,
                         const struct td_krb_proof *p, struct td_error *err)
{
    krb5_keytab kt = NULL;
    if (p->keytab == NULL) {
        krb5_error_code rc = krb5_init_creds_set_password(t->ctx, icc, td_arena_text(&t->arena, p->password));
        td_try(rc == 0 ? TD_OK : td_krb_own_fault(t->ctx, rc, "password", err));
        return td_krb_ask_initial(t, icc, err);
    }
    krb5_error_code rc = krb5_kt_resolve(t->ctx, td_arena_printf(&t->arena, "FILE:%s", p->keytab), &kt);
    if (rc == 0)
        rc = has_key(t, kt, who);
    if (rc == 0)
        rc = krb5_init_creds_set_keytab(t->ctx, icc, kt);
    enum td_code done =
        rc == 0 ? td_krb_ask_initial(t, icc, err)
                : td_fail(err, TD_ESTATE, "keytab", "%s %s", p->keytab,
                          access(p->keytab, R_OK) == 0 ? "holds no key of this principal" : "can't be read");
    if (kt != NULL)
        (void)krb5_kt_close(t->ctx, kt);
    return done;
}

enum td_code td_krb_initial(struct td_krb_talk *t, const char *name, const struct td_krb_proof *p, krb5_creds *ret,
                            struct td_error *err)
{
    krb5_principal who = NULL;
    krb5_get_init_creds_opt *opt = NULL;
    krb5_init_creds_context icc = NULL;
    td_try(td_krb_name(t, name, &who, err));
    krb5_error_code rc = krb5_get_init_creds_opt_alloc(t->ctx, &opt);
    if (rc == 0) {
        krb5_get_init_creds_opt_set_canonicalize(opt, strchr(name, '@') != NULL);
        rc = krb5_init_creds_init(t->ctx, who, NULL, NULL, 0, opt, &icc);
    }
    enum td_code done = rc == 0 ? show(t, icc, who, p, err) : td_krb_own_fault(t->ctx, rc, "request", err);
    if (done == TD_OK && (rc = krb5_init_creds_get_creds(t->ctx, icc, ret)) != 0)
        done = td_krb_own_fault(t->ctx, rc, "ticket", err);
    if (icc != NULL)
        krb5_init_creds_free(t->ctx, icc);
    krb5_get_init_creds_opt_free(t->ctx, opt);
    krb5_free_principal(t->ctx, who);
    return done;
}

enum td_code td_krb_keep(struct td_krb_talk *t, const char *ccache, krb5_creds *creds, struct td_error *err)
{
    krb5_ccache cc = NULL;
    if (ccache == NULL)
        return TD_OK;
    krb5_error_code rc = krb5_cc_resolve(t->ctx, ccache, &cc);
    if (rc == 0)
        rc = krb5_cc_initialize(t->ctx, cc, creds->client);
    if (rc == 0)
        rc = krb5_cc_store_cred(t->ctx, cc, creds);
    if (cc != NULL)
        (void)krb5_cc_close(t->ctx, cc);
    return rc == 0 ? TD_OK : td_fail(err, TD_EIO, "credential cache", "%s can't be written", ccache);
}

enum td_code td_krb_by_keytab(const struct td_krb_realm *r, const char *principal, const char *keytab,
                              const char *ccache, struct td_error *err)
{
    struct td_krb_talk t;
    krb5_creds creds = {0};
    enum td_code rc = td_krb_open(r, &t, err);
    if (rc == TD_OK)
        rc = td_krb_initial(&t, principal, &(struct td_krb_proof){.keytab = keytab}, &creds, err);
    if (rc == TD_OK)
        rc = td_krb_keep(&t, ccache, &creds, err);
    if (t.ctx != NULL)
        krb5_free_cred_contents(t.ctx, &creds);
    td_krb_close(&t);
    return rc;
}

/* --- tickets for services ----------------------------------------------------------------------------------------- */

enum td_code td_krb_service_ticket(struct td_krb_talk *t, krb5_ccache cc, krb5_principal client, const char *name,
                                   krb5_creds *ret, struct td_error *err)
{
    krb5_creds want = {.client = client};
    krb5_tkt_creds_context tcc = NULL;
    td_try(td_krb_name(t, name, &want.server, err));
    krb5_error_code rc = krb5_tkt_creds_init(t->ctx, cc, &want, 0, &tcc);
    enum td_code done =
        rc == 0 ? td_krb_ask_service(t, tcc, err) : td_krb_own_fault(t->ctx, rc, "service request", err);
    if (done == TD_OK && (rc = krb5_tkt_creds_get_creds(t->ctx, tcc, ret)) != 0)
        done = td_krb_own_fault(t->ctx, rc, "service ticket", err);
    if (tcc != NULL)
        krb5_tkt_creds_free(t->ctx, tcc);
    krb5_free_principal(t->ctx, want.server);
    return done;
}

static enum td_code service_into(struct td_krb_talk *t, const char *ccache, const char *name, struct td_error *err)
{
    krb5_ccache cc = NULL;
    krb5_principal client = NULL;
    krb5_creds creds = {0};
    krb5_error_code rc = krb5_cc_resolve(t->ctx, ccache, &cc);
    if (rc == 0)
        rc = krb5_cc_get_principal(t->ctx, cc, &client);
    enum td_code done = rc == 0 ? td_krb_service_ticket(t, cc, client, name, &creds, err)
                                : td_fail(err, TD_ESTATE, "credential cache", "%s holds no ticket", ccache);
    krb5_free_cred_contents(t->ctx, &creds); /* the library has put it into the cache */
    krb5_free_principal(t->ctx, client);
    if (cc != NULL)
        (void)krb5_cc_close(t->ctx, cc);
    return done;
}

enum td_code td_krb_service(const struct td_krb_realm *r, const char *ccache, const char *service_name,
                            struct td_error *err)
{
    struct td_krb_talk t;
    enum td_code rc = td_krb_open(r, &t, err);
    if (rc == TD_OK)
        rc = service_into(&t, ccache, service_name, err);
    td_krb_close(&t);
    return rc;
}
