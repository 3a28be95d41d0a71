/* Connections to domain controllers: one that answers is found, its facts are read, and questions share it for a
 * while. */
#include "base/fault.h"
#include "connector/room.h"

#include <stdio.h>

size_t td_conn_domain(const struct td_connector_state *c, const char *domain)
{
    for (size_t i = 0; i < c->config->domain_count; i++)
        if (td_ieqs(td_str(domain), c->config->domains[i].domain))
            return i;
    return SIZE_MAX;
}

void td_conn_hang_up(struct td_conn_line *line)
{
    td_ldap_close(TD_TAKE(line->ldap));
    td_arena_done(&line->arena);
    line->url = NULL;
}

void td_conn_seat_done(struct td_conn_seat *s)
{
    for (size_t i = 0; i < TD_COUNTOF(s->lines); i++)
        td_conn_hang_up(&s->lines[i]);
}

static enum td_code of_another_domain(const char *dns, struct td_error *err)
{
    char detail[128];
    (void)snprintf(detail, sizeof(detail), "the domain controller is one of %.90s", dns);
    return td_remedy(err, td_domain_refuse(err, TD_DJ_REFUSED, detail),
                     "Name that domain in [domain ...], or one of this domain's own controllers in url.");
}

static enum td_code try_url(const struct td_connector_ad *ad, const struct td_connector_world *world, const char *url,
                            struct td_conn_line *ret, struct td_error *err)
{
    struct td_connector_opened o = {0};
    td_try(world->open(world->ctx, ad, url, &o, err));
    ret->ldap = o.ldap;
    ret->url = url;
    ret->opened_at = td_now(world->env);
    enum td_code rc = td_ad_facts(ret->ldap, o.address, &ret->arena, &ret->facts, err);
    if (rc == TD_OK && !td_ieqs(td_str(ret->facts.dns), ad->domain))
        rc = of_another_domain(ret->facts.dns, err);
    if (rc != TD_OK)
        td_conn_hang_up(ret);
    return rc;
}

/* A wrong password is wrong everywhere, and each further try brings the account nearer to its lock. */
static bool try_next(const struct td_error *err)
{
    enum td_domain_reason reason = td_conn_reason(err);
    return reason == TD_DJ_NO_DC || reason == TD_DJ_UNTRUSTED || reason == TD_DJ_CLOCK_SKEW ||
           td_fault("connector-shows-password-to-all");
}

enum td_code td_conn_reach(const struct td_connector_ad *ad, const struct td_connector_world *world, size_t first,
                           struct td_conn_line *ret, size_t *ret_url, struct td_error *err)
{
    size_t count = 0;
    enum td_code rc = TD_EINVAL;
    while (count < TD_COUNTOF(ad->urls) && ad->urls[count] != NULL)
        count++;
    for (size_t i = 0; i < count; i++) {
        *ret_url = (first + i) % count;
        rc = try_url(ad, world, ad->urls[*ret_url], ret, err);
        if (rc == TD_OK || !try_next(err) || td_fault("connector-one-dc"))
            return rc;
    }
    return rc;
}

static size_t last_good(struct td_connector_state *c, size_t domain)
{
    (void)pthread_mutex_lock(&c->lock);
    size_t good = c->known[domain].good;
    (void)pthread_mutex_unlock(&c->lock);
    return good;
}

enum td_code td_conn_line(struct td_connector_state *c, struct td_conn_seat *s, size_t domain, bool fresh,
                          struct td_conn_line **ret, bool *ret_kept, struct td_error *err)
{
    struct td_conn_line *line = &s->lines[domain];
    size_t url = 0;
    int64_t now = td_now(c->world->env);
    *ret = line;
    *ret_kept = line->ldap != NULL && !fresh && now - line->opened_at < TD_CONNECTOR_REUSE;
    if (*ret_kept)
        return TD_OK;
    td_conn_hang_up(line);
    td_try(td_conn_reach(&c->config->domains[domain], c->world, last_good(c, domain), line, &url, err));
    (void)pthread_mutex_lock(&c->lock);
    c->known[domain].good = url;
    (void)pthread_mutex_unlock(&c->lock);
    return TD_OK;
}
