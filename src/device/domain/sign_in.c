/* A person at the lock screen of a computer of the domain: Kerberos says whether the password is right, and the
 * machine's own key whether it was the domain that said so (domain-join-and-tpm.md 1.8). */
#include "base/fault.h"
#include "device/domain/room.h"
#include "device/tokens.h"

enum { SIGN_IN_TRIES = 4 };

const char *td_domain_user(const struct td_device *dev, const char *typed, struct td_arena *a)
{
    const char *stroke = strrchr(typed, '\\');
    const char *name = stroke != NULL ? stroke + 1 : typed;
    return strchr(name, '@') != NULL ? td_arena_strdup(a, name)
                                     : td_arena_printf(a, "%s@%s", name, td_domain_get(dev, "domain.name"));
}

/* A wrong password is shown to one controller alone: each of them counts it. */
static enum td_code ask(struct td_device *dev, const char *user, const char *password, struct td_arena *a,
                        struct td_error *err)
{
    struct td_domain_turn t = {.dev = dev, .a = a};
    enum td_code rc = TD_EUNAVAILABLE;
    for (bool more = td_domain_next(&t, NULL); more; more = td_domain_nobody(err) && td_domain_next(&t, err)) {
        *err = (struct td_error){0};
        rc = td_krb_user(&t.realm, user, td_str(password), td_device_path(dev, a, TD_DOMAIN_KEYTAB),
                         td_domain_principal(dev, a), NULL, err);
    }
    if (rc == TD_OK)
        td_domain_answered(&t);
    return rc;
}

/* Whose account it is, by which the machine's groups are kept (Z28). Without it the name stands there alone. */
static void keep_sid(struct td_device *dev, const char *user, struct td_arena *a)
{
    TD_CLEANUP(td_domain_close) struct td_ldap *l = NULL;
    struct td_domain_turn t = {.dev = dev, .a = a};
    struct td_error why = {0};
    char sid[TD_SID_TEXT] = "";
    if (td_domain_open(&t, &l, &why) == TD_OK && td_domain_sid_of(dev, l, user, a, sid, &why) == TD_OK)
        td_state_set(dev->state, "domain.user_sid", sid);
    else
        td_device_say(dev, "domain", "the account's identifier is not known: %s", why.text);
}

/* A person at the lock screen tries a few times and then goes to somebody who knows: not without end. */
static enum td_code lost(struct td_flow *f, const struct td_error *why, struct td_error *err)
{
    struct td_error told = {.code = TD_OK};
    enum td_code rc = td_domain_refused(why, true, &told);
    if (rc == TD_EUNAVAILABLE && ++f->domain_lost >= SIGN_IN_TRIES)
        return td_domain_over(&told, err);
    if (err != NULL)
        *err = told;
    return rc;
}

enum td_code td_domain_sign_in(struct td_flow *f, const char *user, const char *password, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_error why = {0};
    const char *principal = td_domain_user(f->dev, user, &a);
    enum td_code rc = ask(f->dev, principal, password, &a, &why);
    if (rc != TD_OK && !td_fault("device-domain-any-password"))
        return lost(f, &why, err);
    f->domain_lost = 0;
    td_device_say(f->dev, "domain", "%s signed in by the domain", principal);
    keep_sid(f->dev, principal, &a);
    return td_state_save(f->dev->state, err);
}

/* A connector checks the same password for the service. */
enum td_code td_flow_domain_token(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *user = td_domain_user(f->dev, td_flow_get(f, "signin.user"), &a);
    td_try(td_prt_by_password(f, user, f->secrets.password, err));
    const char *known = td_flow_get(f, "prt.user");
    if (known[0] != '\0')
        td_try(td_flow_keep(f, "signin.user", known, err));
    if (td_flow_get(f, "domain.gpos")[0] == '\0') /* no controller was looked for before */
        td_domain_list_policies(f->dev);
    td_flow_news(f, "primary refresh token: %s", td_flow_get(f, "signin.user"));
    return TD_OK;
}
