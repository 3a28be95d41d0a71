/* Calls to the service, and what their failures mean. */
#include "base/encode.h"
#include "connector/room.h"

#include <stdarg.h>
#include <stdio.h>

/* Devices and people wait for a connector that waits for its service: soon there again, several times in a lease. */
#define LONGEST_PAUSE (15 * TD_SECOND)

void td_conn_say(struct td_connector_state *c, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    c->world->say(c->world->ctx, line);
}

bool td_conn_is_final(enum td_code code)
{
    return code == TD_EAUTH;
}

int64_t td_conn_pause(const struct td_env *env, int tries)
{
    unsigned char r = 0;
    int64_t whole = TD_SECOND << TD_MIN(tries, 4);
    td_random_fill(env, &r, 1);
    whole = TD_MIN(whole, LONGEST_PAUSE);
    return whole - whole * r / 1024; /* connectors that lost one service together come back one by one */
}

bool td_conn_is_not_bound(enum td_code rc, const struct td_error *err)
{
    return rc == TD_EDENIED && strcmp(err->where, "domain") == 0;
}

void td_conn_note(struct td_connector_state *c, enum td_code rc, const struct td_error *err)
{
    char why[sizeof(c->away)] = "";
    if (td_conn_is_not_bound(rc, err))
        rc = TD_OK; /* other calls are taken: hello says it, once */
    if (rc != TD_OK)
        (void)snprintf(why, sizeof(why), "%.60s: %.150s", err->where, err->text);
    (void)pthread_mutex_lock(&c->lock);
    bool news = strcmp(why, c->away) != 0;
    memcpy(c->away, why, sizeof(why));
    (void)pthread_mutex_unlock(&c->lock);
    if (news && rc != TD_OK)
        td_conn_say(c, "the service does not answer: %s; trying again", why);
    else if (news)
        td_conn_say(c, "the service answers again");
}

enum td_domain_reason td_conn_reason(const struct td_error *err)
{
    const struct td_domain_reason_row *row = td_domain_reason_by_name(err->where);
    if (row != NULL)
        return row->reason;
    return err->code == TD_EUNAVAILABLE ? TD_DJ_NO_DC : TD_DJ_REFUSED;
}

const char *td_conn_detail(const struct td_error *err)
{
    const struct td_domain_reason_row *row = td_domain_reason_by_name(err->where);
    size_t n = row != NULL ? strlen(row->cause) - 1 : 0; /* without its full stop */
    if (row == NULL || strncmp(err->text, row->cause, n) != 0)
        return err->text;
    const char *rest = err->text + n;
    return strncmp(rest, ": ", 2) == 0 ? rest + 2 : "";
}

/* What the service says in problem+json. */
static enum td_code refused(const struct td_net_response *r, enum td_code code, const char *otherwise,
                            struct td_arena *a, struct td_error *err)
{
    struct td_json *json = NULL;
    enum td_code rc = td_json_parse(r->body, TD_CONNECTOR_BODY, a, &json, NULL);
    const char *detail = rc == TD_OK ? td_json_str(json, "detail") : NULL;
    const char *field = rc == TD_OK ? td_json_str(json, "field") : NULL;
    const char *remedy = rc == TD_OK ? td_json_str(json, "remedy") : NULL;
    (void)td_fail(err, code, field != NULL && field[0] != '\0' ? field : "service", "%s",
                  detail != NULL ? detail : otherwise);
    return remedy != NULL ? td_remedy(err, code, "%s", remedy) : code;
}

static enum td_code judge(const struct td_net_response *r, struct td_arena *a, struct td_error *err)
{
    char text[48];
    (void)snprintf(text, sizeof(text), "it answered with status %d", r->status);
    if (r->status >= 200 && r->status < 300)
        return TD_OK;
    if (r->status == 401)
        return td_remedy(err,
                         td_fail(err, TD_EAUTH, "connector", "the service does not know this connector (any more)"),
                         "Make a code with touchdown connector add, take connector.json out of the connector's folder "
                         "and start it with the code.");
    if (r->status == 403)
        return refused(r, TD_EDENIED, "the service refuses this connector", a, err);
    if (r->status == 409)
        return refused(r, TD_ESTATE, "somebody else has this work by now", a, err);
    if (r->status == 408 || r->status == 429 || r->status >= 500)
        return refused(r, TD_EUNAVAILABLE, text, a, err);
    return refused(r, r->status == 404 ? TD_ENOTFOUND : TD_EINVAL, text, a, err);
}

static enum td_code exchange(struct td_connector_state *c, const char *path, struct td_slice body, struct td_arena *a,
                             struct td_net_response *ret, struct td_error *err)
{
    const struct td_net_request req = {
        .method = "POST",
        .url = td_arena_printf(a, "%s/connector/%s", c->config->server, path),
        .headers = {"Content-Type: application/json", "Accept: application/json"},
        .body = body,
        .has_body = true,
        .stop = strcmp(path, "work") == 0 ? c->stop : NULL,
    };
    enum td_code rc = c->world->send(c->world->ctx, &req, a, ret, err);
    if (rc == TD_OK)
        return judge(ret, a, err);
    err->code = TD_EUNAVAILABLE; /* a certificate that is not trusted now may be so after its renewal */
    return TD_EUNAVAILABLE;
}

enum td_code td_conn_call(struct td_connector_state *c, const char *path, struct td_slice body, struct td_arena *a,
                          const struct td_json **ret, struct td_error *err)
{
    struct td_net_response r = {0};
    struct td_json *json = NULL;
    td_try(exchange(c, path, body, a, &r, err));
    enum td_code rc = td_json_parse(r.body, TD_CONNECTOR_BODY, a, &json, err);
    if (rc == TD_OK && json->type != TD_JSON_OBJECT)
        rc = td_fail(err, TD_EFORMAT, "answer", "is not a JSON object");
    if (rc != TD_OK) { /* a proxy in between, perhaps: not what the service means */
        err->code = TD_EUNAVAILABLE;
        return TD_EUNAVAILABLE;
    }
    *ret = json;
    return TD_OK;
}

/* 403 to a code is final: another code is needed. */
enum td_code td_conn_register(struct td_connector_state *c, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    TD_CLEANUP(td_buf_wipe) struct td_buf body;
    struct td_net_response r = {0};
    struct td_slice spki = {0};
    struct td_jsonw w;
    td_arena_init(&a);
    td_buf_init(&body, 16384);
    td_try(td_key_public_der(c->secrets, &a, &spki));
    td_jsonw_init(&w, &body);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "code", c->config->code);
    td_jsonw_kstr(&w, "name", c->config->name);
    td_jsonw_kstr(&w, "version", c->config->version);
    td_jsonw_kstr(&w, "encryptionKey", td_b64(&a, spki));
    td_jsonw_end(&w);
    td_try(td_buf_check(&body, "registration", err));
    td_try(exchange(c, "register", td_buf_slice(&body), &a, &r, err));
    td_try(td_conn_remember(c, r.body, err));
    td_conn_say(c, "registered as %s (%s)", c->name, c->id);
    return TD_OK;
}
