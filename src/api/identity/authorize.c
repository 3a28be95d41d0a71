/* The authorize endpoint: checks what is asked, then hands over to the sign-in pages. A request whose client or
 * redirect address is not right is told to the person; everything else goes back to the client (RFC 6749, 4.1.2.1). */
#include "api/identity/room.h"
#include "api/pages.h"

enum { STATE_MAX = 4096, NONCE_MAX = 512, SCOPE_MAX = 4096, CHALLENGE_MIN = 43, CHALLENGE_MAX = 128 };

struct asking {
    struct td_id *id;
    struct td_flow flow;
    struct td_application app;
    const char *ticket_tenant;
    const char *page; /* why the person is told, NULL if the client can be told */
    bool address_ok;  /* the redirect address is the client's: only then does anything go there */
    bool posted;
};

static const char *param(const struct asking *q, const char *name)
{
    struct td_slice v = q->posted ? td_http_form(q->id->req, name) : td_http_query(q->id->req, name);
    return v.p != NULL && td_utf8_ok(v) ? td_arena_text(q->id->a, v) : "";
}

static enum td_code tell_person(struct asking *q, const char *why)
{
    q->page = why;
    return TD_EDENIED;
}

/* The device's proof of its registration, from the deployment lookup: it names the tenant and the way. */
static enum td_code read_device_ticket(struct asking *q)
{
    const struct td_json *v = NULL;
    const char *ticket = param(q, "ztd_ticket");
    q->ticket_tenant = q->flow.registration = "";
    if (ticket[0] == '\0')
        return TD_OK;
    if (td_ticket_open(q->id->svc, "device", td_str(ticket), q->id->a, &v, &q->id->err) != TD_OK)
        return tell_person(q, "The device's proof is not valid any more. Start the device's set-up again.");
    const char *tenant = td_json_str(v, "tenant"), *registration = td_json_str(v, "registration");
    q->ticket_tenant = tenant != NULL ? tenant : "";
    q->flow.registration = registration != NULL ? registration : "";
    return TD_OK;
}

static enum td_code find_tenant(struct asking *q, struct td_tx *tx)
{
    struct td_id *id = q->id;
    enum td_code rc = td_id_tenant(id, tx);
    if (rc == TD_EDENIED)
        return tell_person(q, "This organization is not known here.");
    td_try(rc);
    if (q->ticket_tenant[0] != '\0' && id->tenant.id != NULL && strcmp(id->tenant.id, q->ticket_tenant) != 0)
        return tell_person(q, "This device belongs to another organization.");
    q->flow.tenant = id->tenant.id != NULL ? id->tenant.id : q->ticket_tenant;
    return TD_OK;
}

static enum td_code find_client(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct asking *q = ctx;
    td_try(find_tenant(q, tx));
    enum td_code rc = td_application_find(tx, q->flow.tenant, td_str(q->flow.client), q->id->a, &q->app, err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && !q->app.enabled))
        return tell_person(q, "The application that sent you here is not known.");
    td_try(rc);
    rc = td_application_redirect_ok(tx, q->flow.tenant, &q->app, td_str(q->flow.redirect), err);
    if (rc == TD_EDENIED)
        return tell_person(q, "The application that sent you here asks for the answer at an address that is not"
                              " registered for it (redirect_uri).");
    q->address_ok = rc == TD_OK;
    return rc;
}

static enum td_code refuse(struct asking *q, enum td_oauth what, const char *detail)
{
    return td_id_refuse(q->id, what, detail);
}

static enum td_code check_mode(struct asking *q)
{
    static const char *const modes[] = {"query", "fragment", "form_post"};
    const char *mode = param(q, "response_mode");
    q->flow.mode = "query";
    for (size_t i = 0; i < TD_COUNTOF(modes); i++)
        if (strcmp(mode, modes[i]) == 0)
            q->flow.mode = modes[i];
    if (mode[0] != '\0' && strcmp(mode, q->flow.mode) != 0)
        return refuse(q, TD_OA_REQUEST, "response_mode is query, fragment or form_post.");
    return TD_OK;
}

static bool base64url_text(const char *s)
{
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return n >= CHALLENGE_MIN && n <= CHALLENGE_MAX;
}

/* The broker's own addresses can be reached by the operating system alone: there the proof may be left out. */
static enum td_code check_pkce(struct asking *q)
{
    const char *method = param(q, "code_challenge_method");
    bool broker = q->app.broker && !td_istarts(td_str(q->flow.redirect), "http");
    if (q->flow.challenge[0] == '\0')
        return q->app.is_public && !broker ? refuse(q, TD_OA_PKCE_NEEDED, NULL) : TD_OK;
    if (strcmp(method, "S256") != 0 || !base64url_text(q->flow.challenge))
        return refuse(q, TD_OA_PKCE_NEEDED, "code_challenge or code_challenge_method is wrong.");
    return TD_OK;
}

/* What a tenant alone knows is asked under its name, or with its device's ticket: not under common. */
static enum td_code check_asked(struct td_tx *tx, void *ctx, struct td_error *err TD_UNUSED)
{
    struct asking *q = ctx;
    struct td_asked asked;
    return td_id_asked(q->id, tx, q->flow.tenant, q->flow.scope, q->flow.resource, &asked);
}

static enum td_code check_rest(struct asking *q)
{
    const char *prompt = param(q, "prompt");
    td_try(check_mode(q));
    if (strcmp(param(q, "response_type"), "code") != 0)
        return refuse(q, TD_OA_RESPONSE_TYPE, NULL);
    td_try(check_pkce(q));
    td_try(td_store_read(q->id->svc->store, check_asked, q, &q->id->err));
    return strcmp(prompt, "none") == 0 ? refuse(q, TD_OA_LOGIN_REQUIRED, NULL) : TD_OK;
}

static enum td_code bounded(struct asking *q)
{
    bool ok = strlen(q->flow.state) <= STATE_MAX && strlen(q->flow.nonce) <= NONCE_MAX &&
              strlen(q->flow.scope) <= SCOPE_MAX && strlen(q->flow.resource) <= SCOPE_MAX;
    return ok ? TD_OK : tell_person(q, "The request is too long (state, nonce, scope or resource).");
}

static enum td_code check(struct asking *q)
{
    struct td_id *id = q->id;
    q->flow = (struct td_flow){.client = param(q, "client_id"),
                               .redirect = param(q, "redirect_uri"),
                               .scope = param(q, "scope"),
                               .resource = id->v2 ? "" : param(q, "resource"),
                               .state = param(q, "state"),
                               .nonce = param(q, "nonce"),
                               .challenge = param(q, "code_challenge"),
                               .hint = param(q, "login_hint"),
                               .segment = id->segment,
                               .device_code = "",
                               .client_name = "",
                               .v2 = id->v2};
    td_try(bounded(q));
    td_try(read_device_ticket(q));
    td_try(td_store_read(id->svc->store, find_client, q, &id->err));
    q->flow.client = q->app.id;
    return check_rest(q);
}

static void answer_error(struct asking *q, enum td_code rc)
{
    struct td_id *id = q->id;
    struct td_oauth_error e = id->error;
    if (q->page != NULL) {
        td_id_error_page(id, 400, "This sign-in can't be carried out", q->page);
        return;
    }
    if (!q->address_ok) {
        td_id_error_page(id, rc == TD_EUNAVAILABLE ? 503 : 500, "This sign-in can't be carried out",
                         "The service is busy. Try again.");
        return;
    }
    if (e.what == TD_OA_NONE)
        e.what = rc == TD_EUNAVAILABLE ? TD_OA_UNAVAILABLE : TD_OA_SERVER;
    const char *const pairs[] = {
        "error", td_oauth_word(e.what), "error_description", td_oauth_text(&e, id->a), "state", q->flow.state, NULL};
    td_id_answer(id, q->flow.redirect, q->flow.mode != NULL ? q->flow.mode : "query", pairs);
}

static void authorize(struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply, bool v2)
{
    struct td_id id;
    td_id_init(&id, svc, req, reply);
    id.v2 = v2;
    struct asking q = {.id = &id, .posted = req->method == TD_POST};
    if (q.posted && td_http_form(req, "flow").p != NULL) {
        td_id_flow_posted(&id);
        return;
    }
    enum td_code rc = check(&q);
    if (rc == TD_OK)
        td_id_flow_page(&id, &q.flow, q.flow.hint, false, NULL);
    else
        answer_error(&q, rc);
}

void td_id_authorize_v1(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    authorize(ctx, req, reply, false);
}

void td_id_authorize_v2(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    authorize(ctx, req, reply, true);
}

static enum td_code logout_target(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct asking *q = ctx;
    return find_client(tx, q, err);
}

/* No session is kept in the browser: there is nothing to end but the client's own. */
void td_id_logout(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_id id;
    td_id_init(&id, ctx, req, reply);
    struct asking q = {.id = &id, .posted = req->method == TD_POST, .ticket_tenant = ""};
    q.flow.client = param(&q, "client_id");
    q.flow.redirect = param(&q, "post_logout_redirect_uri");
    const char *const pairs[] = {"state", param(&q, "state"), NULL};
    bool back = q.flow.client[0] != '\0' && q.flow.redirect[0] != '\0' &&
                td_store_read(id.svc->store, logout_target, &q, &id.err) == TD_OK;
    if (back)
        td_id_answer(&id, q.flow.redirect, "query", pairs);
    else
        td_id_error_page(&id, 200, "You are signed out", "You can close this window.");
}
