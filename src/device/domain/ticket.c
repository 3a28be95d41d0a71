/* The machine's own tickets, and its connection to the directory by them. */
#include "base/encode.h"
#include "device/domain/room.h"

#include <stdio.h>

enum { LDAP_SECONDS = 5 };

const char *td_domain_principal(const struct td_device *dev, struct td_arena *a)
{
    return td_arena_printf(a, "%s$", td_domain_get(dev, "domain.machine"));
}

enum td_code td_domain_refused(const struct td_error *why, bool person, struct td_error *err)
{
    uint32_t win32 = why->hresult & 0xffff;
    const char *detail = win32 == 1326 ? NULL : why->text; /* nothing is to be learnt from why it was wrong */
    if (td_domain_nobody(why))
        return td_domain_refuse(err, TD_DJ_DEVICE_NO_DC, why->text);
    if (win32 == 1398)
        return td_domain_refuse(err, TD_DJ_DEVICE_CLOCK, NULL);
    if (!person)
        return td_domain_refuse(err, TD_DJ_DEVICE_REFUSED, why->text);
    enum td_domain_reason reason = td_domain_reason_of_bind(win32, false);
    return td_domain_refuse(err, reason, reason == TD_DJ_REFUSED ? detail : NULL);
}

static enum td_code ticket_at(const struct td_domain_turn *t, const char *ccache, struct td_error *err)
{
    *err = (struct td_error){0};
    return td_krb_by_keytab(&t->realm, td_domain_principal(t->dev, t->a),
                            td_device_path(t->dev, t->a, TD_DOMAIN_KEYTAB), ccache, err);
}

static const char *ccache_of(const struct td_device *dev, struct td_arena *a)
{
    return td_arena_printf(a, "FILE:%s", td_device_path(dev, a, TD_DOMAIN_CCACHE));
}

enum td_code td_domain_ticket(struct td_device *dev, struct td_arena *a, const char **ret, struct td_error *err)
{
    struct td_error why = {0};
    struct td_domain_turn t = {.dev = dev, .a = a};
    enum td_code rc = TD_EUNAVAILABLE;
    *ret = ccache_of(dev, a);
    while (rc != TD_OK && td_domain_next(&t, &why))
        rc = ticket_at(&t, *ret, &why);
    if (rc != TD_OK)
        return td_domain_refused(&why, false, err);
    td_domain_answered(&t);
    return TD_OK;
}

/* --- the directory ------------------------------------------------------------------------------------------------ */

const char *td_domain_dn(const struct td_device *dev, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf dn;
    td_buf_init(&dn, 2048);
    for (struct td_slice rest = td_str(td_domain_get(dev, "domain.name")), part; rest.n != 0;) {
        rest = td_cut(rest, '.', &part);
        td_buf_printf(&dn, "%sDC=%.*s", dn.n != 0 ? "," : "", TD_FMT(part));
    }
    return td_arena_text(a, td_buf_slice(&dn));
}

void td_domain_close(struct td_ldap **l)
{
    td_ldap_close(*l);
    *l = NULL;
}

/* By the controller's name: a ticket is for a name. */
static enum td_code open_at(const struct td_domain_turn *t, struct td_ldap **ret, struct td_error *err)
{
    const char *ccache = ccache_of(t->dev, t->a);
    const char *host = t->host[0] != '\0' ? t->host : td_domain_get(t->dev, "domain.name");
    const struct td_ldap_config config = {
        .url = td_arena_printf(t->a, "ldap://%s", host), .ccache = ccache, .seconds = LDAP_SECONDS};
    td_try(ticket_at(t, ccache, err));
    td_try(td_krb_service(&t->realm, ccache, td_arena_printf(t->a, "ldap/%s", host), err));
    return td_ldap_open(&config, ret, NULL, err);
}

/* One without a name is asked where the blob names none, since a ticket for the domain's name is seldom given. */
static bool next_with_name(struct td_domain_turn *t, const struct td_error *why)
{
    while (td_domain_next(t, why))
        if (t->host[0] != '\0' || td_domain_get(t->dev, "domain.dc")[0] == '\0')
            return true;
    return false;
}

/* Refused by one that may not know of a new account yet is not refused for good. */
static enum td_code not_opened(const struct td_domain_turn *t, const struct td_error *why, struct td_error *err)
{
    enum td_code rc = td_domain_refused(why, false, err);
    return t->silent && rc != TD_EUNAVAILABLE ? td_domain_refuse(err, TD_DJ_DEVICE_NO_DC, why->text) : rc;
}

enum td_code td_domain_open(struct td_domain_turn *t, struct td_ldap **ret, struct td_error *err)
{
    struct td_error why = {0};
    enum td_code rc = TD_EUNAVAILABLE;
    bool more = next_with_name(t, NULL);
    if (!more)
        return TD_EUNAVAILABLE;
    for (; more; more = rc != TD_OK && next_with_name(t, &why))
        rc = open_at(t, ret, &why);
    if (rc != TD_OK)
        return not_opened(t, &why, err);
    td_domain_answered(t);
    return TD_OK;
}
