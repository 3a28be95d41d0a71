/* How the domains are, and the call that tells it. */
#include "connector/room.h"

#include <stdio.h>

enum { BODY = 64 << 10, SYNC_FIRST = 60, SYNC_MIN = 10, SYNC_MAX = 86400 };

static void copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from != NULL ? from : "");
}

/* What was found out about a domain: news are said and told. */
static void learn(struct td_connector_state *c, size_t domain, const struct td_conn_known *found)
{
    const char *name = c->config->domains[domain].domain;
    struct td_conn_known *k = &c->known[domain];
    (void)pthread_mutex_lock(&c->lock);
    bool other_dc = strcmp(k->dc, found->dc) != 0, other_problem = strcmp(k->problem, found->problem) != 0;
    bool news = !k->probed || other_dc || other_problem || strcmp(k->site, found->site) != 0;
    k->probed = true;
    if (found->problem[0] == '\0') { /* else what was known of it stays */
        copy(k->netbios, sizeof(k->netbios), found->netbios);
        copy(k->dc, sizeof(k->dc), found->dc);
        copy(k->site, sizeof(k->site), found->site);
    }
    copy(k->problem, sizeof(k->problem), found->problem);
    copy(k->detail, sizeof(k->detail), found->detail);
    c->changed = c->changed || news;
    (void)pthread_mutex_unlock(&c->lock);
    if (news && found->problem[0] != '\0')
        td_conn_say(c, "%s: %s: %s", name, found->problem, found->detail);
    else if (news)
        td_conn_say(c, "%s: %s answers", name, found->dc);
}

void td_conn_probe(struct td_connector_state *c, struct td_conn_seat *s)
{
    for (size_t i = 0; i < c->config->domain_count; i++) {
        struct td_conn_known found = {.probed = true};
        struct td_conn_line *line = NULL;
        struct td_error err = {0};
        bool kept = false;
        if (td_conn_line(c, s, i, true, &line, &kept, &err) == TD_OK) {
            copy(found.netbios, sizeof(found.netbios), line->facts.netbios);
            copy(found.dc, sizeof(found.dc), line->facts.dc_name);
            copy(found.site, sizeof(found.site), line->facts.dc_site);
        } else {
            copy(found.problem, sizeof(found.problem), td_domain_reason_row(td_conn_reason(&err))->name);
            copy(found.detail, sizeof(found.detail), td_conn_detail(&err));
        }
        learn(c, i, &found);
        td_conn_hang_up(&s->lines[i]); /* the next look shall see whether the account is still let in */
    }
    if (c->poke != NULL)
        c->poke(c->poke_ctx);
}

static void write_domain(struct td_jsonw *w, const char *domain, const struct td_conn_known *known)
{
    static const struct td_conn_known asking = {.problem = "NoDc", .detail = "it was not asked yet"};
    const struct td_conn_known *k = known->probed ? known : &asking;
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "domain", domain);
    td_jsonw_kstr(w, "netbios", k->netbios);
    td_jsonw_kstr(w, "dc", k->dc);
    td_jsonw_kstr(w, "site", k->site);
    td_jsonw_kstr(w, "problem", k->problem);
    td_jsonw_kstr(w, "detail", k->detail);
    td_jsonw_end(w);
}

static void write_hello(struct td_connector_state *c, struct td_buf *body)
{
    struct td_jsonw w;
    td_jsonw_init(&w, body);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "version", c->config->version);
    td_jsonw_key(&w, "domains");
    td_jsonw_arr(&w);
    (void)pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->config->domain_count; i++)
        write_domain(&w, c->config->domains[i].domain, &c->known[i]); /* all: the service gives work for those named */
    c->changed = false;
    (void)pthread_mutex_unlock(&c->lock);
    td_jsonw_arr_end(&w);
    td_jsonw_end(&w);
}

/* What the service wants of each domain; of one that it does not name it wants nothing. */
static void take_wishes(struct td_connector_state *c, const struct td_json *answer)
{
    const struct td_json *domains = td_json_get(answer, "domains");
    (void)pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->config->domain_count; i++)
        c->known[i].sync = false;
    for (const struct td_json *d = domains != NULL ? domains->child : NULL; d != NULL; d = d->next) {
        const char *name = td_json_str(d, "domain"), *base = td_json_str(d, "syncBase");
        size_t i = name != NULL ? td_conn_domain(c, name) : SIZE_MAX;
        if (i == SIZE_MAX || (base != NULL && strlen(base) >= sizeof(c->known[i].sync_base)))
            continue;
        int64_t seconds = td_json_int(d, "syncSeconds", SYNC_FIRST);
        c->known[i].sync = td_json_bool(d, "sync", false);
        copy(c->known[i].sync_base, sizeof(c->known[i].sync_base), base);
        c->known[i].sync_us = TD_MIN(TD_MAX(seconds, SYNC_MIN), SYNC_MAX) * TD_SECOND;
    }
    (void)pthread_mutex_unlock(&c->lock);
    if (c->poke != NULL)
        c->poke(c->poke_ctx);
}

/* Which domain an administrator did not bind it to is the last that it says until that is mended, on one side or the
 * other. */
static void say_refusal(struct td_connector_state *c, enum td_code rc, const struct td_error *err)
{
    bool refused = td_conn_is_not_bound(rc, err);
    const char *text = refused ? err->text : "";
    if ((rc != TD_OK && !refused) || strncmp(c->refused, text, sizeof(c->refused) - 1) == 0)
        return;
    copy(c->refused, sizeof(c->refused), text);
    if (refused)
        td_conn_say(c, "the service refuses what is to be served here: %s. %s", text, err->remedy);
    else
        td_conn_say(c, "the service takes what is served here");
}

enum td_code td_conn_hello(struct td_connector_state *c, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    TD_CLEANUP(td_buf_done) struct td_buf body;
    const struct td_json *answer = NULL;
    td_arena_init(&a);
    td_buf_init(&body, BODY);
    write_hello(c, &body);
    td_try(td_buf_check(&body, "hello", err));
    enum td_code rc = td_conn_call(c, "hello", td_buf_slice(&body), &a, &answer, err);
    say_refusal(c, rc, err);
    if (rc != TD_OK) {
        (void)pthread_mutex_lock(&c->lock);
        c->changed = true; /* it is still to be told */
        (void)pthread_mutex_unlock(&c->lock);
        return rc;
    }
    take_wishes(c, answer);
    return TD_OK;
}
