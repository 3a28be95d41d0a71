/* Work: fetched, done, and its result told as long as the lease lasts. */
#include "base/fault.h"
#include "connector/room.h"

#include <stdio.h>

static const struct kind {
    const char *name;
    bool fresh; /* the account's password and rights are looked at anew */
    enum td_code (*run)(struct td_connector_state *c, const struct td_conn_line *line, const struct td_conn_piece *p,
                        struct td_jsonw *w, struct td_error *err);
} kinds[] = {
    {"join", true, td_conn_join},          {"disable", true, td_conn_disable},    {"delete", true, td_conn_delete},
    {"password", false, td_conn_password}, {"computer", false, td_conn_computer},
};

void td_conn_piece_free(struct td_conn_piece *p)
{
    if (p == NULL)
        return;
    td_arena_wipe(&p->arena);
    td_free(p);
}

/* A piece of its own memory, since pieces are done by different threads. NULL: it can't be read. */
static struct td_conn_piece *take(struct td_connector_state *c, const struct td_json *from)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    struct td_conn_piece *p = td_new(struct td_conn_piece);
    struct td_json *what = NULL;
    struct td_jsonw w;
    td_buf_init(&text, TD_CONNECTOR_BODY);
    td_arena_init(&p->arena);
    td_jsonw_init(&w, &text);
    td_jsonw_tree(&w, from);
    enum td_code rc = td_json_parse(td_buf_slice(&text), TD_CONNECTOR_BODY, &p->arena, &what, NULL);
    p->what = what;
    p->id = td_json_str(what, "id");
    p->kind = td_json_str(what, "kind");
    p->domain = td_json_str(what, "domain");
    p->attempt = td_json_int(what, "attempt", 0);
    p->until = td_now(c->world->env) + TD_DOMAIN_LEASE;
    if (rc != TD_OK || p->id == NULL || p->kind == NULL || p->domain == NULL) {
        td_conn_piece_free(p);
        return NULL;
    }
    return p;
}

enum td_code td_conn_fetch(struct td_connector_state *c, int free, struct td_conn_piece **ret, struct td_error *err)
{
    TD_CLEANUP(td_arena_wipe) struct td_arena a;
    const struct td_json *answer = NULL;
    struct td_conn_piece **end = ret;
    char body[32];
    td_arena_init(&a);
    *ret = NULL;
    (void)snprintf(body, sizeof(body), "{\"free\":%d}", free);
    td_try(td_conn_call(c, "work", td_str(body), &a, &answer, err));
    const struct td_json *list = td_json_get(answer, "work");
    for (const struct td_json *j = list != NULL ? list->child : NULL; j != NULL; j = j->next) {
        struct td_conn_piece *p = take(c, j);
        if (p == NULL) {
            td_conn_say(c, "work that can't be read was left: a piece without id, kind or domain");
            continue;
        }
        *end = p;
        end = &p->next;
    }
    return TD_OK;
}

/* --- doing -------------------------------------------------------------------------------------------------------- */

/* A connection that stood for a while may be dead: then once more with a new one. */
static enum td_code on_line(struct td_connector_state *c, struct td_conn_seat *s, const struct td_conn_piece *p,
                            const struct kind *kind, struct td_buf *out, struct td_error *err)
{
    size_t domain = td_conn_domain(c, p->domain);
    bool kept = false, fresh = kind->fresh;
    enum td_code rc = TD_OK;
    if (domain == SIZE_MAX)
        return td_domain_refuse(err, TD_DJ_REFUSED, "this connector's configuration does not have the domain");
    do {
        struct td_conn_line *line = NULL;
        struct td_jsonw w;
        td_try(td_conn_line(c, s, domain, fresh, &line, &kept, err));
        td_buf_reset(out);
        td_jsonw_init(&w, out);
        td_jsonw_obj(&w);
        rc = kind->run(c, line, p, &w, err);
        td_jsonw_end(&w);
        if (rc == TD_OK)
            return td_buf_check(out, "result", err);
        if (rc == TD_EUNAVAILABLE || kind->fresh)
            td_conn_hang_up(line);
        fresh = true;
    } while (kept && rc == TD_EUNAVAILABLE);
    return rc;
}

static enum td_code do_it(struct td_connector_state *c, struct td_conn_seat *s, const struct td_conn_piece *p,
                          struct td_buf *out, struct td_error *err)
{
    for (size_t i = 0; i < TD_COUNTOF(kinds); i++)
        if (strcmp(p->kind, kinds[i].name) == 0)
            return on_line(c, s, p, &kinds[i], out, err);
    return td_domain_refuse(err, TD_DJ_REFUSED, "this connector does not know such work: it may be too old");
}

/* What was found wrong with the connector's own account or with the domain controllers shows at once, not only at the
 * next look. */
static void look_soon(struct td_connector_state *c, enum td_domain_reason reason)
{
    if (reason < TD_DJ_NO_DC || reason > TD_DJ_SERVICE_LOCKED)
        return;
    (void)pthread_mutex_lock(&c->lock);
    c->look = true;
    (void)pthread_mutex_unlock(&c->lock);
    if (c->poke != NULL)
        c->poke(c->poke_ctx);
}

static void write_result(const struct td_conn_piece *p, enum td_domain_reason reason, struct td_slice result,
                         const struct td_error *err, struct td_buf *body)
{
    struct td_jsonw w;
    td_jsonw_init(&w, body);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "id", p->id);
    td_jsonw_kint(&w, "attempt", p->attempt);
    if (reason == TD_DJ_OK) {
        td_jsonw_key(&w, "result");
        td_jsonw_raw(&w, result);
    } else {
        td_jsonw_key(&w, "error");
        td_jsonw_obj(&w);
        td_jsonw_kstr(&w, "reason", td_domain_reason_row(reason)->name);
        td_jsonw_kstr(&w, "detail", td_conn_detail(err));
        td_jsonw_end(&w);
    }
    td_jsonw_end(&w);
}

/* Tells it until the service has taken it or somebody else has the work. */
static enum td_code tell(struct td_connector_state *c, const struct td_conn_piece *p, struct td_slice body,
                         const atomic_bool *give_up, struct td_error *err)
{
    for (int tries = 0;; tries++) {
        TD_CLEANUP(td_arena_done) struct td_arena a;
        const struct td_json *answer = NULL;
        td_arena_init(&a);
        enum td_code rc = td_conn_call(c, "result", body, &a, &answer, err);
        int64_t pause = td_conn_pause(c->world->env, tries);
        bool over = td_now(c->world->env) + pause >= p->until || (give_up != NULL && atomic_load(give_up));
        if (rc != TD_EUNAVAILABLE || over || td_fault("connector-tells-once"))
            return rc;
        td_sleep(c->world->env, pause);
    }
}

/* The word a person sees for a piece: a computer's name, else nothing (a person's name is nobody's business). */
static const char *about(const struct td_conn_piece *p)
{
    const char *name = td_json_str(p->what, "name");
    return name != NULL ? name : "";
}

void td_conn_do(struct td_connector_state *c, struct td_conn_seat *s, struct td_conn_piece *p,
                const atomic_bool *give_up)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf result;
    TD_CLEANUP(td_buf_wipe) struct td_buf body;
    struct td_error err = {0}, why = {0};
    td_buf_init(&result, TD_CONNECTOR_BODY - 1024);
    td_buf_init(&body, TD_CONNECTOR_BODY);
    if (td_now(c->world->env) >= p->until && !td_fault("connector-late-join")) {
        td_conn_say(c, "%s %s: it is too late, another connector has it by now", p->kind, about(p));
        return;
    }
    enum td_code rc = do_it(c, s, p, &result, &err);
    enum td_domain_reason reason = rc == TD_OK ? TD_DJ_OK : td_conn_reason(&err);
    look_soon(c, reason);
    write_result(p, reason, td_buf_slice(&result), &err, &body);
    rc = tell(c, p, td_buf_slice(&body), give_up, &why);
    if (rc != TD_OK)
        td_conn_say(c, "%s %s: the service did not take the result: %s", p->kind, about(p), why.text);
    else if (reason == TD_DJ_OK)
        td_conn_say(c, "%s %s%sin %s: done", p->kind, about(p), about(p)[0] != '\0' ? " " : "", p->domain);
    else
        td_conn_say(c, "%s %s%sin %s: %s: %s", p->kind, about(p), about(p)[0] != '\0' ? " " : "", p->domain,
                    td_domain_reason_row(reason)->name, err.text);
}
