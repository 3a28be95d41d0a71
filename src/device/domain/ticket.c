/* The machine's own tickets, and its connection to the directory by them. */
#include "base/encode.h"
#include "device/domain/room.h"

#include <stdio.h>

enum { DOMAIN_SECONDS = 5 };

const char *td_domain_principal(const struct td_device *dev, struct td_arena *a)
{
    return td_arena_printf(a, "%s$", td_domain_get(dev, "domain.machine"));
}

struct td_krb_realm td_domain_realm(const struct td_device *dev, bool other)
{
    const char *address = td_domain_get(dev, "domain.address"), *dc = td_domain_get(dev, "domain.dc");
    const char *kdc = address[0] != '\0' ? address : dc;
    return (struct td_krb_realm){.realm = td_domain_get(dev, "domain.realm"),
                                 .kdc = other || kdc[0] == '\0' ? NULL : kdc,
                                 .seconds = DOMAIN_SECONDS};
}

/* 1355 with an answer: what answered does not know this machine, so it is no controller of its domain. */
enum td_code td_domain_refused(const struct td_error *why, bool person, struct td_error *err)
{
    uint32_t win32 = why->hresult & 0xffff;
    const char *detail = win32 == 1326 ? NULL : why->text; /* nothing is to be learnt from why it was wrong */
    if (why->code == TD_EUNAVAILABLE || win32 == 1355)
        return td_domain_refuse(err, TD_DJ_DEVICE_NO_DC, why->text);
    if (win32 == 1398)
        return td_domain_refuse(err, TD_DJ_DEVICE_CLOCK, NULL);
    if (!person)
        return td_domain_refuse(err, TD_DJ_DEVICE_REFUSED, why->text);
    enum td_domain_reason reason = td_domain_reason_of_bind(win32, false);
    return td_domain_refuse(err, reason, reason == TD_DJ_REFUSED ? detail : NULL);
}

enum td_code td_domain_ticket(struct td_device *dev, struct td_arena *a, const char **ret, struct td_error *err)
{
    struct td_error why = {0};
    const char *keytab = td_device_path(dev, a, TD_DOMAIN_KEYTAB), *who = td_domain_principal(dev, a);
    const char *ccache = td_arena_printf(a, "FILE:%s", td_device_path(dev, a, TD_DOMAIN_CCACHE));
    enum td_code rc = TD_EUNAVAILABLE;
    for (int other = 0; rc == TD_EUNAVAILABLE && other < 2; other++) {
        const struct td_krb_realm r = td_domain_realm(dev, other != 0);
        rc = td_krb_by_keytab(&r, who, keytab, ccache, &why);
    }
    *ret = ccache;
    return rc == TD_OK ? TD_OK : td_domain_refused(&why, false, err);
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
enum td_code td_domain_open(struct td_device *dev, struct td_arena *a, struct td_ldap **ret, struct td_error *err)
{
    const char *ccache, *dc = td_domain_get(dev, "domain.dc");
    const char *host = td_arena_strdup(a, dc[0] != '\0' ? dc : td_domain_get(dev, "domain.name"));
    const struct td_krb_realm r = td_domain_realm(dev, false);
    struct td_error why = {0};
    td_try(td_domain_ticket(dev, a, &ccache, err));
    if (td_krb_service(&r, ccache, td_arena_printf(a, "ldap/%s", host), &why) != TD_OK)
        return td_domain_refused(&why, false, err);
    const struct td_ldap_config config = {
        .url = td_arena_printf(a, "ldap://%s", host), .ccache = ccache, .seconds = DOMAIN_SECONDS};
    enum td_code rc = td_ldap_open(&config, ret, NULL, &why);
    if (rc == TD_OK)
        return TD_OK;
    return td_domain_refuse(err, rc == TD_EUNAVAILABLE ? TD_DJ_DEVICE_NO_DC : TD_DJ_DEVICE_REFUSED, why.text);
}
