/* A user at this machine: the KDC says whether the password is right, the machine's key whether it was one. */
#include "connect/krb_lib.h"

static enum td_code no_proof(struct td_krb_talk *t, krb5_error_code code, struct td_error *err)
{
    enum td_code rc = td_krb_refused(t, code, TD_S(""), err);
    if (err != NULL) {
        (void)td_fail(err, rc, "kerberos", "what answers for %s does not know this machine's key", t->realm->realm);
        err->hresult = 0x8007054b;
    }
    return td_remedy(err, rc, "either it is no domain controller, or the account of this computer was made anew");
}

/* The key of the keytab that the ticket was made for, whatever its version is said to be: a blob does not tell. */
static krb5_error_code machine_key(struct td_krb_talk *t, const char *keytab, krb5_principal machine,
                                   const krb5_ticket *ticket, krb5_keyblock *ret)
{
    krb5_keytab kt = NULL;
    krb5_keytab_entry e = {0};
    krb5_error_code rc = krb5_kt_resolve(t->ctx, td_arena_printf(&t->arena, "FILE:%s", keytab), &kt);
    if (rc == 0)
        rc = krb5_kt_get_entry(t->ctx, kt, machine, 0, ticket->enc_part.enctype, &e);
    if (rc == 0)
        rc = krb5_copy_keyblock_contents(t->ctx, &e.key, ret);
    (void)krb5_free_keytab_entry_contents(t->ctx, &e);
    if (kt != NULL)
        (void)krb5_kt_close(t->ctx, kt);
    return rc;
}

/* The machine takes the user's ticket for itself as a server would. */
static krb5_error_code accept(struct td_krb_talk *t, krb5_creds *creds, const krb5_keyblock *key,
                              krb5_principal machine)
{
    krb5_auth_context from = NULL, to = NULL;
    krb5_data request = {0};
    krb5_ticket *ticket = NULL;
    krb5_error_code rc = krb5_mk_req_extended(t->ctx, &from, 0, NULL, creds, &request);
    if (rc == 0)
        rc = krb5_auth_con_init(t->ctx, &to);
    if (rc == 0)
        rc = krb5_auth_con_setflags(t->ctx, to, 0); /* nobody sends it again: no file of what was seen */
    if (rc == 0)
        rc = krb5_auth_con_setuseruserkey(t->ctx, to, (krb5_keyblock *)(uintptr_t)key);
    if (rc == 0)
        rc = krb5_rd_req(t->ctx, &to, &request, machine, NULL, NULL, &ticket);
    krb5_free_ticket(t->ctx, ticket);
    krb5_free_data_contents(t->ctx, &request);
    (void)krb5_auth_con_free(t->ctx, from);
    (void)krb5_auth_con_free(t->ctx, to);
    return rc;
}

static enum td_code verify_ticket(struct td_krb_talk *t, krb5_creds *creds, const char *keytab, const char *principal,
                                  struct td_error *err)
{
    krb5_principal machine = NULL;
    krb5_ticket *ticket = NULL;
    krb5_keyblock key = {0};
    td_try(td_krb_name(t, principal, &machine, err));
    krb5_error_code rc = krb5_decode_ticket(&creds->ticket, &ticket);
    if (rc == 0)
        rc = machine_key(t, keytab, machine, ticket, &key);
    if (rc == 0)
        rc = accept(t, creds, &key, machine);
    krb5_free_keyblock_contents(t->ctx, &key);
    krb5_free_ticket(t->ctx, ticket);
    krb5_free_principal(t->ctx, machine);
    return rc == 0 ? TD_OK : no_proof(t, rc, err);
}

static enum td_code prove_kdc(struct td_krb_talk *t, krb5_creds *tgt, const char *keytab, const char *principal,
                              struct td_error *err)
{
    krb5_ccache cc = NULL;
    krb5_creds creds = {0};
    krb5_error_code rc = krb5_cc_new_unique(t->ctx, "MEMORY", NULL, &cc);
    if (rc == 0)
        rc = krb5_cc_initialize(t->ctx, cc, tgt->client);
    if (rc == 0)
        rc = krb5_cc_store_cred(t->ctx, cc, tgt);
    enum td_code done = rc == 0 ? td_krb_service_ticket(t, cc, tgt->client, principal, &creds, err)
                                : td_krb_own_fault(t->ctx, rc, "credential cache", err);
    if (done == TD_OK)
        done = verify_ticket(t, &creds, keytab, principal, err);
    krb5_free_cred_contents(t->ctx, &creds);
    if (cc != NULL)
        (void)krb5_cc_destroy(t->ctx, cc);
    return done;
}

/* An empty password proves nothing, whatever a KDC says of it. */
static enum td_code not_empty(struct td_slice password, struct td_error *err)
{
    if (password.n != 0)
        return TD_OK;
    (void)td_fail(err, TD_EAUTH, "kerberos", "the password is empty");
    if (err != NULL)
        err->hresult = 0x8007052e;
    return TD_EAUTH;
}

enum td_code td_krb_user(const struct td_krb_realm *r, const char *user_principal, struct td_slice password,
                         const char *machine_keytab, const char *machine_principal, const char *ccache,
                         struct td_error *err)
{
    struct td_krb_talk t;
    krb5_creds creds = {0};
    td_try(not_empty(password, err));
    enum td_code rc = td_krb_open(r, &t, err);
    if (rc == TD_OK)
        rc = td_krb_initial(&t, user_principal, &(struct td_krb_proof){.password = password}, &creds, err);
    if (rc == TD_OK)
        rc = prove_kdc(&t, &creds, machine_keytab, machine_principal, err);
    if (rc == TD_OK)
        rc = td_krb_keep(&t, ccache, &creds, err);
    if (t.ctx != NULL)
        krb5_free_cred_contents(t.ctx, &creds);
    td_krb_close(&t);
    return rc;
}
