/* Requests are made and answers judged by libkrb5, step by step; what goes over the network is ours (krb_wire.c), so
 * that its time is bounded and nobody's configuration is read or written. */
#include "connect/kerberos.h"

#include "base/env.h"
#include "base/file.h"
#include "connect/krb_room.h"

#include <krb5/krb5.h>
#include <profile.h>

enum { KRB_ROUNDS = 16, KEYTAB_MAX = 16384 };

struct talk {
    const struct td_krb_realm *realm;
    krb5_context ctx;
    struct td_arena arena;
};

/* --- a configuration in memory ------------------------------------------------------------------------------------ */

static long conf_values(void *ctx, const char *const *names, char ***ret)
{
    static const char *const rows[][2] = {
        {"dns_lookup_kdc", "false"}, {"dns_lookup_realm", "false"}, {"dns_canonicalize_hostname", "false"},
        {"rdns", "false"},           {"kdc_timesync", "0"}, /* a clock that is wrong is to be told, not to be got round
                                                             */
        {"default_realm", NULL},
    };
    const struct td_krb_realm *r = ctx;
    if (names[0] == NULL || strcmp(names[0], "libdefaults") != 0 || names[1] == NULL || names[2] != NULL)
        return PROF_NO_RELATION;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        if (strcmp(rows[i][0], names[1]) != 0)
            continue;
        char **list = td_alloc(2 * sizeof(*list));
        list[0] = td_strdup(rows[i][1] != NULL ? rows[i][1] : r->realm);
        *ret = list;
        return 0;
    }
    return PROF_NO_RELATION;
}

static void conf_free(void *ctx TD_UNUSED, char **values)
{
    for (char **v = values; v != NULL && *v != NULL; v++)
        td_free(*v);
    td_free(values);
}

static enum td_code own_fault(krb5_context ctx, krb5_error_code code, const char *what, struct td_error *err)
{
    const char *text = krb5_get_error_message(ctx, code);
    (void)td_fail(err, TD_EINTERNAL, "kerberos", "%s: %s", what, text);
    krb5_free_error_message(ctx, text);
    return TD_EINTERNAL;
}

static enum td_code open_talk(const struct td_krb_realm *r, struct talk *t, struct td_error *err)
{
    struct profile_vtable table = {.minor_ver = 1, .get_values = conf_values, .free_values = conf_free};
    profile_t profile = NULL;
    *t = (struct talk){.realm = r};
    if (r->realm == NULL || r->realm[0] == '\0')
        return td_fail(err, TD_EINVAL, "realm", "no realm is named");
    if (profile_init_vtable(&table, (void *)(uintptr_t)r, &profile) != 0)
        return td_fail(err, TD_EINTERNAL, "kerberos", "no configuration could be made");
    krb5_error_code rc = krb5_init_context_profile(profile, KRB5_INIT_CONTEXT_SECURE, &t->ctx);
    profile_release(profile);
    if (rc == 0 && r->now != 0)
        rc = krb5_set_real_time(t->ctx, (krb5_timestamp)(r->now / TD_SECOND), (krb5_int32)(r->now % TD_SECOND));
    return rc == 0 ? TD_OK : own_fault(t->ctx, rc, "context", err);
}

static void close_talk(struct talk *t)
{
    if (t->ctx != NULL)
        krb5_free_context(t->ctx);
    td_arena_wipe(&t->arena);
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

static int number_of(krb5_error_code code)
{
    return code >= KRB5KDC_ERR_NONE && code < KRB5KDC_ERR_NONE + 128 ? (int)(code - KRB5KDC_ERR_NONE)
           : code == KRB5_PREAUTH_FAILED                             ? TD_KRB_PREAUTH_FAILED
           : code == KRB5_KDCREP_SKEW                                ? TD_KRB_SKEW
                                                                     : 0;
}

static enum td_code refused(struct talk *t, krb5_error_code code, struct td_slice e_data, struct td_error *err)
{
    const char *text = krb5_get_error_message(t->ctx, code);
    uint32_t win32 = td_krb_win32(number_of(code), td_krb_status(e_data));
    enum td_code rc = td_fail(err, TD_EAUTH, "kerberos", "%s refuses: %s", t->realm->realm, text);
    krb5_free_error_message(t->ctx, text);
    if (err != NULL && win32 != 0)
        err->hresult = 0x80070000 | win32;
    return rc;
}

static struct td_slice slice_of(const krb5_data *d)
{
    return td_bytes(d->data, d->length);
}

static enum td_code refused_by_kdc(struct talk *t, krb5_init_creds_context icc, krb5_error_code code,
                                   struct td_error *err)
{
    krb5_error *said = NULL;
    struct td_slice e_data = {"", 0};
    if (krb5_init_creds_get_error(t->ctx, icc, &said) == 0 && said != NULL)
        e_data = td_arena_copy(&t->arena, slice_of(&said->e_data));
    krb5_free_error(t->ctx, said);
    return refused(t, code, e_data, err);
}

/* --- exchanges ---------------------------------------------------------------------------------------------------- */

static enum td_code pass_on(struct talk *t, krb5_data *out, krb5_data *realm, krb5_data *in, struct td_error *err)
{
    struct td_slice answer = {"", 0};
    enum td_code rc = td_krb_exchange(t->realm, slice_of(out), &t->arena, &answer, err);
    krb5_free_data_contents(t->ctx, out);
    krb5_free_data_contents(t->ctx, realm);
    *in = (krb5_data){.data = (char *)(uintptr_t)answer.p, .length = (unsigned)answer.n};
    return rc;
}

/* Both kinds of requests go the same way: what the library wants sent is sent, until it wants nothing more. */
typedef krb5_error_code step_fn(krb5_context ctx, void *request, krb5_data *in, krb5_data *out, krb5_data *realm,
                                unsigned *flags);

static krb5_error_code step_initial(krb5_context ctx, void *request, krb5_data *in, krb5_data *out, krb5_data *realm,
                                    unsigned *flags)
{
    return krb5_init_creds_step(ctx, request, in, out, realm, flags);
}

static krb5_error_code step_service(krb5_context ctx, void *request, krb5_data *in, krb5_data *out, krb5_data *realm,
                                    unsigned *flags)
{
    return krb5_tkt_creds_step(ctx, request, in, out, realm, flags);
}

static enum td_code ask(struct talk *t, step_fn *step, void *request, struct td_error *err)
{
    krb5_data in = {0}, out = {0}, realm = {0};
    for (int i = 0; i < KRB_ROUNDS; i++) {
        unsigned flags = 0;
        krb5_error_code rc = step(t->ctx, request, &in, &out, &realm, &flags);
        if (rc != 0)
            return step == step_initial ? refused_by_kdc(t, request, rc, err) : refused(t, rc, TD_S(""), err);
        if ((flags & KRB5_INIT_CREDS_STEP_FLAG_CONTINUE) == 0) /* the same bit for both */
            return TD_OK;
        td_try(pass_on(t, &out, &realm, &in, err));
    }
    return td_fail(err, TD_EAUTH, "kerberos", "%s asks without end", t->realm->realm);
}

/* --- initial tickets ---------------------------------------------------------------------------------------------- */

/* A name with '@' is a user's principal name: the directory finds whose it is (RFC 6806 5). */
static enum td_code parse(struct talk *t, const char *name, krb5_principal *ret, struct td_error *err)
{
    int flags = strchr(name, '@') != NULL ? KRB5_PRINCIPAL_PARSE_ENTERPRISE : 0;
    if (krb5_parse_name_flags(t->ctx, name, flags, ret) != 0)
        return td_fail(err, TD_EINVAL, "principal", "not a name that Kerberos takes");
    return TD_OK;
}

struct proof { /* one of both */
    struct td_slice password;
    const char *keytab;
};

/* libkrb5 would ask the KDC with a keytab that does not hold the name, too. */
static krb5_error_code has_key(struct talk *t, krb5_keytab kt, krb5_principal who)
{
    krb5_keytab_entry e = {0};
    krb5_error_code rc = krb5_kt_get_entry(t->ctx, kt, who, 0, 0, &e);
    (void)krb5_free_keytab_entry_contents(t->ctx, &e);
    return rc;
}

static enum td_code show(struct talk *t, krb5_init_creds_context icc, krb5_principal who, const struct proof *p,
                         struct td_error *err)
{
    krb5_keytab kt = NULL;
    if (p->keytab == NULL) {
        krb5_error_code rc = krb5_init_creds_set_password(t->ctx, icc, td_arena_text(&t->arena, p->password));
        td_try(rc == 0 ? TD_OK : own_fault(t->ctx, rc, "password", err));
        return ask(t, step_initial, icc, err);
    }
    krb5_error_code rc = krb5_kt_resolve(t->ctx, td_arena_printf(&t->arena, "FILE:%s", p->keytab), &kt);
    if (rc == 0)
        rc = has_key(t, kt, who);
    if (rc == 0)
        rc = krb5_init_creds_set_keytab(t->ctx, icc, kt);
    enum td_code done = rc == 0 ? ask(t, step_initial, icc, err)
                                : td_fail(err, TD_ESTATE, "keytab", "%s holds no key of this principal", p->keytab);
    if (kt != NULL)
        (void)krb5_kt_close(t->ctx, kt);
    return done;
}

static enum td_code initial(struct talk *t, const char *name, const struct proof *p, krb5_creds *ret,
                            struct td_error *err)
{
    krb5_principal who = NULL;
    krb5_get_init_creds_opt *opt = NULL;
    krb5_init_creds_context icc = NULL;
    td_try(parse(t, name, &who, err));
    krb5_error_code rc = krb5_get_init_creds_opt_alloc(t->ctx, &opt);
    if (rc == 0) {
        krb5_get_init_creds_opt_set_canonicalize(opt, strchr(name, '@') != NULL);
        rc = krb5_init_creds_init(t->ctx, who, NULL, NULL, 0, opt, &icc);
    }
    enum td_code done = rc == 0 ? show(t, icc, who, p, err) : own_fault(t->ctx, rc, "request", err);
    if (done == TD_OK && (rc = krb5_init_creds_get_creds(t->ctx, icc, ret)) != 0)
        done = own_fault(t->ctx, rc, "ticket", err);
    if (icc != NULL)
        krb5_init_creds_free(t->ctx, icc);
    krb5_get_init_creds_opt_free(t->ctx, opt);
    krb5_free_principal(t->ctx, who);
    return done;
}

static enum td_code keep(struct talk *t, const char *ccache, krb5_creds *creds, struct td_error *err)
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

static enum td_code ticket(const struct td_krb_realm *r, const char *principal, const struct proof *p,
                           const char *ccache, struct td_error *err)
{
    struct talk t;
    krb5_creds creds = {0};
    enum td_code rc = open_talk(r, &t, err);
    if (rc == TD_OK)
        rc = initial(&t, principal, p, &creds, err);
    if (rc == TD_OK)
        rc = keep(&t, ccache, &creds, err);
    if (t.ctx != NULL)
        krb5_free_cred_contents(t.ctx, &creds);
    close_talk(&t);
    return rc;
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

enum td_code td_krb_by_password(const struct td_krb_realm *r, const char *principal, struct td_slice password,
                                const char *ccache, struct td_error *err)
{
    td_try(not_empty(password, err));
    return ticket(r, principal, &(struct proof){.password = password}, ccache, err);
}

enum td_code td_krb_by_keytab(const struct td_krb_realm *r, const char *principal, const char *keytab,
                              const char *ccache, struct td_error *err)
{
    return ticket(r, principal, &(struct proof){.keytab = keytab}, ccache, err);
}

/* --- tickets for services ----------------------------------------------------------------------------------------- */

static enum td_code service(struct talk *t, krb5_ccache cc, krb5_principal client, const char *name, krb5_creds *ret,
                            struct td_error *err)
{
    krb5_creds want = {.client = client};
    krb5_tkt_creds_context tcc = NULL;
    td_try(parse(t, name, &want.server, err));
    krb5_error_code rc = krb5_tkt_creds_init(t->ctx, cc, &want, 0, &tcc);
    enum td_code done = rc == 0 ? ask(t, step_service, tcc, err) : own_fault(t->ctx, rc, "service request", err);
    if (done == TD_OK && (rc = krb5_tkt_creds_get_creds(t->ctx, tcc, ret)) != 0)
        done = own_fault(t->ctx, rc, "service ticket", err);
    if (tcc != NULL)
        krb5_tkt_creds_free(t->ctx, tcc);
    krb5_free_principal(t->ctx, want.server);
    return done;
}

static enum td_code service_into(struct talk *t, const char *ccache, const char *name, struct td_error *err)
{
    krb5_ccache cc = NULL;
    krb5_principal client = NULL;
    krb5_creds creds = {0};
    krb5_error_code rc = krb5_cc_resolve(t->ctx, ccache, &cc);
    if (rc == 0)
        rc = krb5_cc_get_principal(t->ctx, cc, &client);
    enum td_code done = rc == 0 ? service(t, cc, client, name, &creds, err)
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
    struct talk t;
    enum td_code rc = open_talk(r, &t, err);
    if (rc == TD_OK)
        rc = service_into(&t, ccache, service_name, err);
    close_talk(&t);
    return rc;
}

/* --- a user at this machine --------------------------------------------------------------------------------------- */

static enum td_code no_proof(struct talk *t, krb5_error_code code, struct td_error *err)
{
    enum td_code rc = refused(t, code, TD_S(""), err);
    if (err != NULL) {
        (void)td_fail(err, rc, "kerberos", "what answers for %s does not know this machine's key", t->realm->realm);
        err->hresult = 0x8007054b;
    }
    return td_remedy(err, rc, "either it is no domain controller, or the account of this computer was made anew");
}

/* The key of the keytab that the ticket was made for, whatever its version is said to be: a blob does not tell. */
static krb5_error_code machine_key(struct talk *t, const char *keytab, krb5_principal machine,
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
static krb5_error_code accept(struct talk *t, krb5_creds *creds, const krb5_keyblock *key, krb5_principal machine)
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

static enum td_code verify_ticket(struct talk *t, krb5_creds *creds, const char *keytab, const char *principal,
                                  struct td_error *err)
{
    krb5_principal machine = NULL;
    krb5_ticket *ticket = NULL;
    krb5_keyblock key = {0};
    td_try(parse(t, principal, &machine, err));
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

static enum td_code prove_kdc(struct talk *t, krb5_creds *tgt, const char *keytab, const char *principal,
                              struct td_error *err)
{
    krb5_ccache cc = NULL;
    krb5_creds creds = {0};
    krb5_error_code rc = krb5_cc_new_unique(t->ctx, "MEMORY", NULL, &cc);
    if (rc == 0)
        rc = krb5_cc_initialize(t->ctx, cc, tgt->client);
    if (rc == 0)
        rc = krb5_cc_store_cred(t->ctx, cc, tgt);
    enum td_code done =
        rc == 0 ? service(t, cc, tgt->client, principal, &creds, err) : own_fault(t->ctx, rc, "credential cache", err);
    if (done == TD_OK)
        done = verify_ticket(t, &creds, keytab, principal, err);
    krb5_free_cred_contents(t->ctx, &creds);
    if (cc != NULL)
        (void)krb5_cc_destroy(t->ctx, cc);
    return done;
}

enum td_code td_krb_user(const struct td_krb_realm *r, const char *user_principal, struct td_slice password,
                         const char *machine_keytab, const char *machine_principal, const char *ccache,
                         struct td_error *err)
{
    struct talk t;
    krb5_creds creds = {0};
    td_try(not_empty(password, err));
    enum td_code rc = open_talk(r, &t, err);
    if (rc == TD_OK)
        rc = initial(&t, user_principal, &(struct proof){.password = password}, &creds, err);
    if (rc == TD_OK)
        rc = prove_kdc(&t, &creds, machine_keytab, machine_principal, err);
    if (rc == TD_OK)
        rc = keep(&t, ccache, &creds, err);
    if (t.ctx != NULL)
        krb5_free_cred_contents(t.ctx, &creds);
    close_talk(&t);
    return rc;
}

/* --- keytabs ------------------------------------------------------------------------------------------------------ */

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

static enum td_code derive(struct talk *t, int enctype, struct td_slice password, const char *salt, krb5_keyblock *ret,
                           struct td_error *err)
{
    const krb5_data secret = {.data = (char *)(uintptr_t)password.p, .length = (unsigned)password.n};
    const krb5_data grain = {.data = (char *)(uintptr_t)salt, .length = (unsigned)strlen(salt)};
    krb5_error_code rc = krb5_c_string_to_key(t->ctx, enctype, &secret, &grain, ret);
    return rc == 0 ? TD_OK : own_fault(t->ctx, rc, "key", err);
}

static enum td_code fill_keytab(struct talk *t, const char *const *principals, const char *salt,
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
    struct talk t;
    td_buf_init(&out, KEYTAB_MAX);
    enum td_code rc = open_talk(&r, &t, err);
    if (rc == TD_OK)
        rc = fill_keytab(&t, principals, salt, password, kvno, &out, err);
    if (rc == TD_OK)
        rc = td_file_write(path, td_buf_slice(&out), 0600, err);
    close_talk(&t);
    return rc;
}
