/* Requests are made and answers judged by libkrb5, step by step; what goes over the network is ours (krb_wire.c), so
 * that its time is bounded and nobody's configuration is read or written. */
#include "base/env.h"
#include "connect/krb_lib.h"
#include "connect/krb_room.h"

#include <profile.h>

enum { KRB_ROUNDS = 16 };

/* --- a configuration in memory ------------------------------------------------------------------------------------ */

static long conf_values(void *ctx, const char *const *names, char ***ret)
{
    static const char *const rows[][2] = {
        {"dns_lookup_kdc", "false"},
        {"dns_lookup_realm", "false"},
        {"dns_canonicalize_hostname", "false"},
        {"rdns", "false"},
        {"default_realm", NULL},
        {"kdc_timesync", "0"}, /* a clock that is wrong is to be told, not to be got round */
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

enum td_code td_krb_own_fault(krb5_context ctx, krb5_error_code code, const char *what, struct td_error *err)
{
    const char *text = krb5_get_error_message(ctx, code);
    (void)td_fail(err, TD_EINTERNAL, "kerberos", "%s: %s", what, text);
    krb5_free_error_message(ctx, text);
    return TD_EINTERNAL;
}

enum td_code td_krb_open(const struct td_krb_realm *r, struct td_krb_talk *t, struct td_error *err)
{
    struct profile_vtable table = {.minor_ver = 1, .get_values = conf_values, .free_values = conf_free};
    profile_t profile = NULL;
    *t = (struct td_krb_talk){.realm = r};
    if (r->realm == NULL || r->realm[0] == '\0')
        return td_fail(err, TD_EINVAL, "realm", "no realm is named");
    if (profile_init_vtable(&table, (void *)(uintptr_t)r, &profile) != 0)
        return td_fail(err, TD_EINTERNAL, "kerberos", "no configuration could be made");
    krb5_error_code rc = krb5_init_context_profile(profile, KRB5_INIT_CONTEXT_SECURE, &t->ctx);
    profile_release(profile);
    if (rc == 0 && r->now != 0)
        rc = krb5_set_real_time(t->ctx, (krb5_timestamp)(r->now / TD_SECOND), (krb5_int32)(r->now % TD_SECOND));
    return rc == 0 ? TD_OK : td_krb_own_fault(t->ctx, rc, "context", err);
}

void td_krb_close(struct td_krb_talk *t)
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

enum td_code td_krb_refused(struct td_krb_talk *t, krb5_error_code code, struct td_slice e_data, struct td_error *err)
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

static enum td_code refused_by_kdc(struct td_krb_talk *t, krb5_init_creds_context icc, krb5_error_code code,
                                   struct td_error *err)
{
    krb5_error *said = NULL;
    struct td_slice e_data = {"", 0};
    if (krb5_init_creds_get_error(t->ctx, icc, &said) == 0 && said != NULL)
        e_data = td_arena_copy(&t->arena, slice_of(&said->e_data));
    krb5_free_error(t->ctx, said);
    return td_krb_refused(t, code, e_data, err);
}

/* --- exchanges ---------------------------------------------------------------------------------------------------- */

static enum td_code pass_on(struct td_krb_talk *t, krb5_data *out, krb5_data *realm, krb5_data *in,
                            struct td_error *err)
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

static enum td_code ask(struct td_krb_talk *t, step_fn *step, void *request, struct td_error *err)
{
    krb5_data in = {0}, out = {0}, realm = {0};
    for (int i = 0; i < KRB_ROUNDS; i++) {
        unsigned flags = 0;
        krb5_error_code rc = step(t->ctx, request, &in, &out, &realm, &flags);
        if (rc != 0)
            return step == step_initial ? refused_by_kdc(t, request, rc, err) : td_krb_refused(t, rc, TD_S(""), err);
        if ((flags & KRB5_INIT_CREDS_STEP_FLAG_CONTINUE) == 0) /* the same bit for both */
            return TD_OK;
        td_try(pass_on(t, &out, &realm, &in, err));
    }
    return td_fail(err, TD_EAUTH, "kerberos", "%s asks without end", t->realm->realm);
}

enum td_code td_krb_ask_initial(struct td_krb_talk *t, krb5_init_creds_context request, struct td_error *err)
{
    return ask(t, step_initial, request, err);
}

enum td_code td_krb_ask_service(struct td_krb_talk *t, krb5_tkt_creds_context request, struct td_error *err)
{
    return ask(t, step_service, request, err);
}
