/* The sign-in pages: user name, then password; what was asked travels in a signed ticket from page to page. */
#include "api/identity/room.h"
#include "api/pages.h"
#include "base/encode.h"
#include "base/fault.h"
#include "crypto/digest.h"
#include "store/event.h"
#include "store/way.h"

enum { TICKET_MAX = 24576, MAX_PAIRS = 8 };

static const char ticket_kind[] = "signin";
static const int64_t flow_life = 20 * TD_MINUTE, code_life = 10 * TD_MINUTE;

/* Members of the ticket, by offset. */
static const struct {
    const char *name;
    size_t offset;
} members[] = {
    {"t", offsetof(struct td_flow, tenant)},         {"c", offsetof(struct td_flow, client)},
    {"r", offsetof(struct td_flow, redirect)},       {"s", offsetof(struct td_flow, scope)},
    {"a", offsetof(struct td_flow, resource)},       {"st", offsetof(struct td_flow, state)},
    {"n", offsetof(struct td_flow, nonce)},          {"ch", offsetof(struct td_flow, challenge)},
    {"m", offsetof(struct td_flow, mode)},           {"g", offsetof(struct td_flow, segment)},
    {"reg", offsetof(struct td_flow, registration)}, {"dc", offsetof(struct td_flow, device_code)},
    {"cn", offsetof(struct td_flow, client_name)},
};

static const char **member(struct td_flow *f, size_t i)
{
    return (const char **)((char *)f + members[i].offset);
}

static enum td_code pack(struct td_id *id, const struct td_flow *f, char **ret)
{
    struct td_flow copy = *f;
    struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, TICKET_MAX);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    for (size_t i = 0; i < TD_COUNTOF(members); i++)
        if (*member(&copy, i) != NULL && (*member(&copy, i))[0] != '\0')
            td_jsonw_kstr(&w, members[i].name, *member(&copy, i));
    td_jsonw_kbool(&w, "v2", f->v2);
    td_jsonw_end(&w);
    enum td_code rc = td_buf_check(&b, "request", &id->err);
    if (rc == TD_OK)
        rc = td_ticket_make(id->svc, ticket_kind, b.p, flow_life, id->a, ret, &id->err);
    td_buf_done(&b);
    return rc;
}

static enum td_code unpack(struct td_id *id, struct td_slice ticket, struct td_flow *ret)
{
    const struct td_json *v = NULL;
    td_try(td_ticket_open(id->svc, ticket_kind, ticket, id->a, &v, &id->err));
    *ret = (struct td_flow){.v2 = td_json_bool(v, "v2", false), .hint = ""};
    for (size_t i = 0; i < TD_COUNTOF(members); i++) {
        const char *text = td_json_str(v, members[i].name);
        *member(ret, i) = text != NULL ? text : "";
    }
    return TD_OK;
}

void td_id_error_page(struct td_id *id, int status, const char *title, const char *text)
{
    td_page_message(id->reply, id->a, status, title, text);
}

struct branding {
    struct td_id *id;
    const char *tenant;
    const char *name, *text;
};

static enum td_code read_branding(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct branding *b = ctx;
    struct td_tenant t = {0};
    td_try(td_tenant_find(tx, td_str(b->tenant), b->id->a, &t, err));
    td_try(td_tenant_get(tx, t.id, "display-name", b->id->a, &b->name, err));
    if (b->name[0] == '\0')
        b->name = t.name;
    return td_tenant_get(tx, t.id, "sign-in-text", b->id->a, &b->text, err);
}

static struct branding branding_of(struct td_id *id, const char *tenant)
{
    struct branding b = {.id = id, .tenant = tenant, .name = "Sign in", .text = ""};
    if (tenant[0] != '\0' && td_store_read(id->svc->store, read_branding, &b, NULL) != TD_OK)
        b = (struct branding){.id = id, .tenant = tenant, .name = "Sign in", .text = ""};
    return b;
}

static void flow_page(struct td_id *id, const struct td_flow *f, const char *username, bool ask_password,
                      const char *message, int status)
{
    char *ticket = NULL;
    if (pack(id, f, &ticket) != TD_OK) {
        td_id_error_page(id, 400, "This sign-in can't be carried out", "The request is too long.");
        return;
    }
    struct branding b = branding_of(id, f->tenant);
    const struct td_page_field flow = {"flow", ticket};
    const char *segment = f->segment[0] != '\0' ? f->segment : "common";
    struct td_page page = {
        .organization = b.name,
        .text = b.text,
        .note =
            f->device_code[0] != '\0'
                ? td_arena_printf(
                      id->a, "You are signing in to %s on another device. Go on only if you asked for this code there.",
                      f->client_name)
                : "",
        .message = message,
        .action = td_arena_printf(id->a, "/%s/oauth2/%sauthorize", segment, f->v2 ? "v2.0/" : ""),
        .form_target = f->redirect,
        .hidden = &flow,
        .hidden_count = 1,
        .username = username,
        .ask_password = ask_password,
        .status = status,
    };
    td_page_sign_in(id->reply, id->a, &page);
}

void td_id_flow_page(struct td_id *id, const struct td_flow *f, const char *username, bool ask_password,
                     const char *message)
{
    flow_page(id, f, username, ask_password, message, 200);
}

void td_id_flow_away(struct td_id *id, const struct td_flow *f, const char *username, bool ask_password,
                     const char *message)
{
    if (td_fault("sign-in-away-is-wrong")) {
        td_id_flow_page(id, f, username, ask_password, message);
        return;
    }
    flow_page(id, f, username, ask_password, message, 503);
    td_reply_header(id->reply, "Retry-After", "5");
}

static void answer_redirect(struct td_id *id, const char *redirect, char mark, const char *const *pairs)
{
    struct td_buf b;
    td_buf_init(&b, 16384);
    td_buf_adds(&b, redirect);
    if (mark == '?' && td_find(td_str(redirect), '?') != SIZE_MAX)
        mark = '&';
    for (size_t i = 0; pairs[i] != NULL; i += 2) {
        if (pairs[i + 1] == NULL || pairs[i + 1][0] == '\0')
            continue;
        td_buf_addc(&b, mark);
        td_buf_printf(&b, "%s=", pairs[i]);
        td_pct_add(&b, td_str(pairs[i + 1]));
        mark = '&';
    }
    if (b.failed)
        td_id_error_page(id, 400, "This sign-in can't be carried out", "The request is too long.");
    else
        td_reply_redirect(id->reply, 302, td_arena_text(id->a, td_buf_slice(&b)));
    td_reply_header(id->reply, "Cache-Control", "no-store");
    td_reply_header(id->reply, "Referrer-Policy", "no-referrer");
    td_buf_done(&b);
}

void td_id_answer(struct td_id *id, const char *redirect, const char *mode, const char *const *pairs)
{
    struct td_page_field fields[MAX_PAIRS];
    size_t n = 0;
    if (strcmp(mode, "form_post") != 0) {
        answer_redirect(id, redirect, strcmp(mode, "fragment") == 0 ? '#' : '?', pairs);
        return;
    }
    for (size_t i = 0; pairs[i] != NULL && n < MAX_PAIRS; i += 2)
        if (pairs[i + 1] != NULL && pairs[i + 1][0] != '\0')
            fields[n++] = (struct td_page_field){pairs[i], pairs[i + 1]};
    td_page_form_post(id->reply, id->a, redirect, fields, n);
}

struct sign_in {
    struct td_id *id;
    struct td_flow flow;
    const char *username;
    struct td_signed_in who;
    struct td_grant grant;
    const char *tenant_of_name; /* NULL if nobody here has that domain */
    const char *why;            /* for the event of a refusal */
};

static enum td_code find_domain(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct sign_in *s = ctx;
    struct td_slice local, domain = td_cut(td_str(s->username), '@', &local);
    struct td_tenant t = {0};
    enum td_code rc = td_tenant_find(tx, domain, s->id->a, &t, err);
    s->tenant_of_name = rc == TD_OK ? t.id : NULL;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

/* A refused sign-in that concerns a device stands in its timeline; it changes no state. */
static enum td_code note_refusal(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct sign_in *s = ctx;
    struct td_way_row way = {0};
    td_try(td_way_find(tx, s->flow.tenant, TD_WAY_REGISTRATION, s->flow.registration, s->id->a, &way, err));
    struct td_event e = {.subject = way.id, .type = "sign-in.refused", .actor = s->username};
    return td_event_tell(tx, s->flow.tenant, &e, err, "cause", s->why, NULL);
}

static void note(struct sign_in *s, const char *message)
{
    s->why = message;
    if (s->flow.registration[0] != '\0')
        td_ignore(td_store_write(s->id->svc->store, note_refusal, s, NULL));
}

static void refuse(struct sign_in *s, bool ask_password, const char *message)
{
    note(s, message);
    td_id_flow_page(s->id, &s->flow, s->username, ask_password, message);
}

/* A directory that has something against the person, or can't be asked about him. */
static void refuse_there(struct sign_in *s, enum td_code rc)
{
    struct td_id *id = s->id;
    const char *message = td_arena_printf(id->a, "%s %s", id->err.text, id->err.remedy);
    if (rc != TD_EUNAVAILABLE) {
        refuse(s, true, message);
        return;
    }
    note(s, message);
    td_id_flow_away(id, &s->flow, s->username, true, message);
}

/* The device's way learns who deploys it, in the transaction that makes the code. */
static enum td_code mark_way(struct sign_in *s, struct td_tx *tx, struct td_error *err)
{
    struct td_way_row way = {0};
    if (s->flow.registration[0] == '\0')
        return TD_OK;
    enum td_code rc = td_way_find(tx, s->who.tenant, TD_WAY_REGISTRATION, s->flow.registration, s->id->a, &way, err);
    if (rc == TD_ENOTFOUND) /* deregistered since: the sign-in is good all the same */
        return TD_OK;
    td_try(rc);
    rc = td_way_happened(tx, s->who.tenant, way.id, TD_EV_SIGNED_IN, s->who.upn, "{}", err);
    if (rc == TD_ESTATE) /* further along already: who deploys it stays */
        return TD_OK;
    td_try(rc);
    return td_way_set_user(tx, s->who.tenant, way.id, s->who.upn, err);
}

static enum td_code make_code(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct sign_in *s = ctx;
    struct td_user user = {0};
    s->id->error = (struct td_oauth_error){0};
    td_try(td_id_user(s->id, tx, s->who.tenant, s->who.user_id, INT64_MAX, &user));
    if (s->flow.device_code[0] != '\0')
        return td_id_approve(s->id, tx, &s->flow, s->who.tenant, s->who.user_id);
    s->grant.expires_at = td_tx_now(tx) + code_life;
    td_try(td_grant_add(tx, &s->grant, err));
    return mark_way(s, tx, err);
}

static const char *code_body(struct sign_in *s)
{
    struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, TICKET_MAX);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "redirect", s->flow.redirect);
    td_jsonw_kstr(&w, "scope", s->flow.scope);
    td_jsonw_kstr(&w, "resource", s->flow.resource);
    td_jsonw_kstr(&w, "challenge", s->flow.challenge);
    td_jsonw_kstr(&w, "nonce", s->flow.nonce);
    td_jsonw_kstr(&w, "registration", s->flow.registration);
    td_jsonw_end(&w);
    const char *text = td_arena_text(s->id->a, td_buf_slice(&b));
    td_buf_done(&b);
    return text;
}

static void succeed(struct sign_in *s)
{
    struct td_id *id = s->id;
    const char *code = td_arena_printf(id->a, "0.%s", td_random_text(id->svc->env, id->a, 32));
    s->grant = (struct td_grant){.kind = TD_GRANT_CODE,
                                 .tenant = s->who.tenant,
                                 .user_id = s->who.user_id,
                                 .app_id = s->flow.client,
                                 .device_id = "",
                                 .family = td_uuid_arena(id->svc->env, id->a),
                                 .body = code_body(s)};
    td_id_hash(code, s->grant.sha256);
    if (td_id_write(id, make_code, s) != TD_OK) {
        td_id_flow_page(id, &s->flow, s->username, true, "The sign-in could not be finished. Try again.");
        return;
    }
    if (s->flow.device_code[0] != '\0') {
        td_id_error_page(id, 200, "You are signed in", "You can close this window and go on at the other device.");
        return;
    }
    const char *const pairs[] = {"code", code, "state", s->flow.state, "session_state", s->grant.family, NULL};
    td_id_answer(id, s->flow.redirect, s->flow.mode, pairs);
}

static void try_password(struct sign_in *s, struct td_slice password)
{
    struct td_id *id = s->id;
    enum td_code rc =
        td_sign_in(id->svc, td_str(s->username), password, id->req->peer->address, id->a, &s->who, &id->err);
    if (rc == TD_OK && (s->flow.tenant[0] == '\0' || strcmp(s->who.tenant, s->flow.tenant) == 0))
        succeed(s);
    else if (rc == TD_EAUTH)
        refuse(s, true, "The user name or the password is wrong.");
    else if (rc == TD_ELIMIT)
        refuse(s, true, "Too many wrong passwords were tried. Wait a minute or longer, then try again.");
    else if (rc != TD_OK && td_domain_reason_by_name(id->err.where) != NULL) /* of a directory, or of the way to it */
        refuse_there(s, rc);
    else if (rc == TD_EDENIED)
        refuse(s, true, "This account is disabled. Ask your administrator.");
    else
        td_id_flow_away(id, &s->flow, s->username, true, "The service is busy. Try again.");
}

static void next_step(struct sign_in *s)
{
    struct td_id *id = s->id;
    struct td_slice password = td_http_form(id->req, "password");
    if (td_upn_check(td_str(s->username), NULL) != TD_OK) {
        td_id_flow_page(id, &s->flow, s->username, false, "Give your user name in the form name@organization.");
        return;
    }
    if (td_store_read(id->svc->store, find_domain, s, &id->err) != TD_OK) {
        td_id_flow_away(id, &s->flow, s->username, false, "The service is busy. Try again.");
        return;
    }
    bool foreign =
        s->tenant_of_name == NULL || (s->flow.tenant[0] != '\0' && strcmp(s->tenant_of_name, s->flow.tenant) != 0);
    if (foreign && !td_fault("sign-in-any-tenant"))
        refuse(s, false, "This account belongs to another organization.");
    else if (password.p == NULL || password.n == 0)
        td_id_flow_page(id, &s->flow, s->username, true, password.p != NULL ? "Give your password." : NULL);
    else
        try_password(s, password);
}

void td_id_flow_posted(struct td_id *id)
{
    struct sign_in s = {.id = id};
    if (!td_page_posted_here(id->req)) {
        td_id_error_page(id, 403, "This sign-in can't be carried out", "The form did not come from this page.");
        return;
    }
    if (unpack(id, td_http_form(id->req, "flow"), &s.flow) != TD_OK) {
        td_id_error_page(id, 400, "This sign-in took too long", "Go back to where you came from and start again.");
        return;
    }
    s.username = td_arena_text(id->a, td_trim(td_str(td_id_form(id, "username"))));
    next_step(&s);
}
