/* Directory sync: people and groups that changed are told in runs (docs/protocol/connector.md 4). The service keeps how
 * far a run came; the connector asks for it. */
#include "base/fault.h"
#include "connector/room.h"

#include <stdio.h>

enum { OBJECTS = 500, MEMBERS = 5000, FULL_AT = 700 << 10 };
#define FULL_EVERY TD_DAY
#define IDLE TD_MINUTE /* between looks at what the service wants */

struct run {
    struct td_connector_state *c;
    const char *domain;
    struct td_conn_told *told;
    char name[TD_UUID_TEXT]; /* all messages of a run carry it */
    const char *from, *to;   /* change numbers of the whole run */
    bool full;
    struct td_buf body;
    struct td_jsonw w;
    int objects;
    int64_t sum;
};

static void begin(struct run *r)
{
    td_buf_reset(&r->body);
    td_jsonw_init(&r->w, &r->body);
    td_jsonw_obj(&r->w);
    td_jsonw_kstr(&r->w, "domain", r->domain);
    td_jsonw_kstr(&r->w, "run", r->name);
    td_jsonw_kstr(&r->w, "server", r->told->server);
    td_jsonw_kstr(&r->w, "from", r->from);
    td_jsonw_kstr(&r->w, "to", r->to);
    td_jsonw_kbool(&r->w, "full", r->full);
    td_jsonw_key(&r->w, "objects");
    td_jsonw_arr(&r->w);
    r->objects = 0;
}

/* *ret: the number that the service goes on from. */
static enum td_code send_message(struct run *r, bool last, uint64_t *ret, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    const struct td_json *answer = NULL;
    td_arena_init(&a);
    td_jsonw_arr_end(&r->w);
    td_jsonw_kbool(&r->w, "last", last);
    td_jsonw_end(&r->w);
    td_try(td_buf_check(&r->body, "sync", err));
    td_try(td_conn_call(r->c, "sync", td_buf_slice(&r->body), &a, &answer, err));
    if (!td_parse_u64(td_str(td_json_str(answer, "from")), ret))
        return td_fail(err, TD_EFORMAT, "from", "the service answered without a change number");
    begin(r);
    return TD_OK;
}

/* Another answer than expected: somebody else tells, or the service has begun anew. */
static enum td_code send_part(struct run *r, struct td_error *err)
{
    uint64_t answered = 0, expected = 0;
    td_try(send_message(r, false, &answered, err));
    (void)td_parse_u64(td_str(r->from), &expected);
    if (answered == expected || td_fault("connector-void-run"))
        return TD_OK;
    r->told->from = answered;
    return td_fail(err, TD_ESTATE, "sync", "the service goes on from %llu", (unsigned long long)answered);
}

static void write_object(struct td_jsonw *w, const struct td_ad_object *o)
{
    td_jsonw_kstr(w, "guid", o->guid);
    td_jsonw_kstr(w, "kind", o->kind);
    td_jsonw_kbool(w, "deleted", o->deleted);
    if (o->deleted)
        return;
    td_jsonw_kstr(w, "sid", o->sid);
    td_jsonw_kstr(w, "upn", o->upn);
    td_jsonw_kstr(w, "sam", o->sam);
    td_jsonw_kstr(w, "name", o->name);
    td_jsonw_kstr(w, "mail", o->mail);
    td_jsonw_kbool(w, "enabled", o->enabled);
    td_jsonw_kbool(w, "security", o->is_security);
}

static const char *const *write_members(struct td_jsonw *w, const char *const *members)
{
    td_jsonw_key(w, "members");
    td_jsonw_arr(w);
    for (int i = 0; i < MEMBERS && *members != NULL; i++)
        td_jsonw_str(w, *members++);
    td_jsonw_arr_end(w);
    return members;
}

static enum td_code on_object(void *ctx, const struct td_ad_object *o, struct td_error *err)
{
    struct run *r = ctx;
    const char *const *members = strcmp(o->kind, "group") == 0 && !o->deleted ? o->members : NULL;
    bool first = true;
    do {
        if (r->objects == OBJECTS || r->body.n > FULL_AT)
            td_try(send_part(r, err));
        td_jsonw_obj(&r->w);
        write_object(&r->w, o);
        if (members != NULL)
            members = write_members(&r->w, members);
        if (!first)
            td_jsonw_kbool(&r->w, "continued", true);
        td_jsonw_end(&r->w);
        r->objects++;
        first = false;
    } while (members != NULL && *members != NULL);
    r->sum++;
    if (!o->deleted)
        td_conn_people_told(&r->told->people, o->guid);
    return TD_OK;
}

static enum td_code on_gone(void *ctx, const char *guid, struct td_error *err)
{
    static const char *const nobody[] = {NULL};
    struct td_ad_object gone = {.kind = "user", .deleted = true, .members = nobody};
    (void)snprintf(gone.guid, sizeof(gone.guid), "%s", guid);
    return on_object(ctx, &gone, err);
}

static char *number(struct td_arena *a, uint64_t n)
{
    return td_arena_printf(a, "%llu", (unsigned long long)n);
}

/* A connector that does not know how far it was told, or finds itself at another server, asks. */
static enum td_code ask(struct run *r, const struct td_ad_domain *facts, struct td_error *err)
{
    bool same = strcmp(r->told->server, facts->invocation_id) == 0;
    if (same || (r->told->server[0] != '\0' && td_fault("connector-any-server")))
        return TD_OK;
    (void)snprintf(r->told->server, sizeof(r->told->server), "%s", facts->invocation_id);
    td_conn_people_forget(&r->told->people);
    r->from = r->to = "0";
    r->full = false;
    begin(r);
    enum td_code rc = send_message(r, false, &r->told->from, err);
    r->told->full_at = td_now(r->c->world->env) + FULL_EVERY;
    if (rc != TD_OK)
        r->told->server[0] = '\0';
    return rc;
}

static enum td_code walk(struct run *r, const struct td_conn_line *line, const char *base, struct td_arena *a,
                         struct td_error *err)
{
    uint64_t answered = 0, end = 0;
    struct td_conn_people *people = &r->told->people;
    bool first = strcmp(r->told->server, line->facts.invocation_id) != 0;
    td_try(ask(r, &line->facts, err));
    int64_t now = td_now(r->c->world->env);
    bool elsewhere = !first && strcmp(r->told->base, base) != 0 && !td_fault("connector-old-base");
    bool due = elsewhere || (now >= r->told->full_at && !td_fault("connector-never-all")) ||
               (!people->whole && !first); /* first what changed, then whom there is to miss */
    r->full = r->told->from == 0 || due;
    (void)snprintf(r->told->base, sizeof(r->told->base), "%s", base);
    struct td_ad_changes changes = {.base = base, .from = r->full ? 0 : r->told->from};
    r->from = number(a, changes.from);
    r->to = number(a, line->facts.highest_usn);
    td_uuid_new(r->c->world->env, r->name);
    begin(r);
    td_conn_people_end(people, r->full, false); /* of a run that came to nothing */
    td_try(td_ad_changed(line->ldap, &line->facts, &changes, a, on_object, r, &end, err));
    if (!r->full)
        td_try(td_conn_people_look(people, r->c->world->env, line, base, on_gone, r, err));
    td_try(send_message(r, true, &answered, err));
    r->told->from = answered;
    td_conn_people_end(people, r->full, answered == line->facts.highest_usn);
    if (answered == line->facts.highest_usn && r->full)
        r->told->full_at = now + FULL_EVERY;
    return TD_OK;
}

static enum td_code run_domain(struct td_connector_state *c, struct td_conn_seat *s, size_t i, const char *base,
                               struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    struct td_conn_line *line = NULL;
    struct run r = {.c = c, .domain = c->config->domains[i].domain, .told = &c->told[i]};
    bool kept = false;
    td_arena_init(&a);
    td_buf_init(&r.body, TD_CONNECTOR_BODY);
    enum td_code rc = td_conn_line(c, s, i, true, &line, &kept, err);
    if (rc == TD_OK) {
        rc = walk(&r, line, base, &a, err);
        td_conn_hang_up(line);
    }
    td_buf_done(&r.body);
    if (rc == TD_OK && (r.sum != 0 || r.full))
        td_conn_say(c, "%s: %lld people and groups told%s", r.domain, (long long)r.sum, r.full ? " (all)" : "");
    return rc;
}

/* One line for one failure, however often it is met. */
static void say_failure(struct td_connector_state *c, size_t i, enum td_code rc, const struct td_error *err)
{
    struct td_conn_told *told = &c->told[i];
    const char *text = rc == TD_OK ? "" : err->text;
    if (strncmp(told->failure, text, sizeof(told->failure) - 1) == 0)
        return;
    (void)snprintf(told->failure, sizeof(told->failure), "%s", text);
    if (rc != TD_OK)
        td_conn_say(c, "%s: people and groups were not told: %s", c->config->domains[i].domain, text);
}

enum td_code td_conn_sync(struct td_connector_state *c, struct td_conn_seat *s, int64_t *ret_next, struct td_error *err)
{
    int64_t now = td_now(c->world->env);
    *ret_next = now + IDLE;
    for (size_t i = 0; i < c->config->domain_count; i++) {
        struct td_conn_known k;
        struct td_conn_told *told = &c->told[i];
        struct td_error why = {0};
        (void)pthread_mutex_lock(&c->lock);
        k = c->known[i];
        (void)pthread_mutex_unlock(&c->lock);
        if (!k.sync) {
            told->server[0] = '\0'; /* when it is wanted again, somebody else may have gone on */
            told->next_at = 0;
            continue;
        }
        if (now >= told->next_at) {
            enum td_code rc = run_domain(c, s, i, k.sync_base, &why);
            say_failure(c, i, rc, &why);
            if (rc == TD_EAUTH && td_domain_reason_by_name(why.where) == NULL)
                return td_fail(err, rc, why.where, "%s", why.text);
            told->next_at = now + k.sync_us;
        }
        *ret_next = TD_MIN(*ret_next, told->next_at);
    }
    return TD_OK;
}
