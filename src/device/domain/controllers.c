/* Which domain controller is asked: the one that answered last, the one that the blob names, then those that DNS names
 * for the whole domain ([MS-ADTS] 6.3.2.3: read-only ones, which take no certificate, are named for their sites alone).
 * Whoever is asked proves itself by the machine's key, so that it does not matter who named it. */
#include "base/fault.h"
#include "connect/srv.h"
#include "device/domain/room.h"

enum { DOMAIN_SECONDS = 5 };

static void add(struct td_domain_turn *t, const char *host, const char *kdc)
{
    if (t->count == TD_COUNTOF(t->list) || (host[0] == '\0' && kdc[0] == '\0'))
        return;
    for (size_t i = 0; i < t->count; i++)
        if (td_ieqs(td_str(t->list[i].host), host) && td_ieqs(td_str(t->list[i].kdc), kdc))
            return;
    t->list[t->count].host = td_arena_strdup(t->a, host);
    t->list[t->count++].kdc = td_arena_strdup(t->a, kdc[0] != '\0' ? kdc : host);
}

static void known_ones(struct td_domain_turn *t)
{
    const char *dc = td_domain_get(t->dev, "domain.dc"), *address = td_domain_get(t->dev, "domain.address");
    add(t, td_domain_get(t->dev, "domain.reached"), td_domain_get(t->dev, "domain.reached_kdc"));
    add(t, dc, address[0] != '\0' ? address : dc);
}

/* Where DNS names none, the domain's own name leads to its controllers, and does not say which. */
static void named_ones(struct td_domain_turn *t)
{
    struct td_srv found[TD_SRV_MAX];
    size_t n = 0;
    const char *domain = td_domain_get(t->dev, "domain.name");
    char *service = td_arena_printf(t->a, "_ldap._tcp.dc._msdcs.%s", domain);
    if (td_fault("device-one-controller"))
        return;
    if (td_srv_find(t->dev->env, service, t->a, found, &n, NULL) != TD_OK)
        add(t, "", domain);
    for (size_t i = 0; i < n; i++)
        add(t, found[i].host, found[i].host);
}

bool td_domain_next(struct td_domain_turn *t, const struct td_error *why)
{
    t->silent = t->silent || (t->at != 0 && (why == NULL || td_domain_nobody(why)));
    if (t->at == 0)
        known_ones(t);
    else if (!t->silent)
        return false;
    if (t->at == t->count && !t->all) {
        t->all = true;
        named_ones(t);
    }
    if (t->at == t->count)
        return false;
    t->host = t->list[t->at].host;
    t->realm = (struct td_krb_realm){.realm = td_arena_strdup(t->a, td_domain_get(t->dev, "domain.realm")),
                                     .kdc = t->list[t->at++].kdc,
                                     .seconds = DOMAIN_SECONDS};
    return true;
}

void td_domain_answered(const struct td_domain_turn *t)
{
    td_state_set(t->dev->state, "domain.reached", t->host[0] != '\0' ? t->host : NULL);
    td_state_set(t->dev->state, "domain.reached_kdc", t->host[0] != '\0' ? t->realm.kdc : NULL);
}

/* 1355 with an answer: what answered does not know this machine, so it is no controller of its domain. */
bool td_domain_nobody(const struct td_error *why)
{
    return why->code == TD_EUNAVAILABLE || (why->hresult & 0xffff) == 1355;
}
