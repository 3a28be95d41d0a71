/* Device codes (RFC 8628): a screen without a keyboard shows a short code, a person types it at /devicelogin. */
#include "api/identity/room.h"
#include "api/pages.h"
#include "base/encode.h"
#include "base/signs.h"

enum { USER_CODE = 8, EXPIRES_SECONDS = 900, INTERVAL_SECONDS = 5 };

struct beginning {
    struct td_id *id;
    struct td_application app;
    struct td_asked asked;
    struct td_grant grant;
    char user_code[USER_CODE + 1];
};

static const char *body(struct td_id *id, const struct td_asked *asked)
{
    struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, 16384);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "scope", td_id_form(id, "scope"));
    td_jsonw_kstr(&w, "resource", asked->named ? asked->resource : "");
    td_jsonw_end(&w);
    const char *text = td_arena_text(id->a, td_buf_slice(&b));
    td_buf_done(&b);
    return text;
}

static enum td_code add(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct beginning *b = ctx;
    struct td_id *id = b->id;
    id->error = (struct td_oauth_error){0};
    td_try(td_id_tenant(id, tx));
    td_try(td_id_client(id, tx, id->tenant.id != NULL ? id->tenant.id : "", &b->app));
    b->grant.tenant = id->tenant.id != NULL ? id->tenant.id : "";
    b->grant.app_id = b->app.id;
    td_try(td_id_asked(id, tx, b->grant.tenant, td_id_form(id, "scope"), id->v2 ? "" : td_id_form(id, "resource"),
                       &b->asked));
    b->grant.body = body(id, &b->asked);
    b->grant.expires_at = td_tx_now(tx) + EXPIRES_SECONDS * TD_SECOND;
    td_signs_draw(td_tx_env(tx), TD_SIGNS_LETTERS, b->user_code, USER_CODE);
    td_try(td_grant_add(tx, &b->grant, err));
    return td_user_code_add(tx, b->user_code, b->grant.sha256, b->grant.expires_at, err);
}

static void seconds(struct td_id *id, struct td_jsonw *w, const char *name, int value)
{
    if (id->v2)
        td_jsonw_kint(w, name, value);
    else
        td_jsonw_kstr(w, name, td_arena_printf(id->a, "%d", value));
}

static void reply_code(const struct beginning *b, const char *device_code)
{
    struct td_id *id = b->id;
    const char *url = td_arena_printf(id->a, "%s/devicelogin", id->req->base);
    struct td_buf out;
    struct td_jsonw w;
    td_buf_init(&out, 16384);
    td_jsonw_init(&w, &out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "user_code", b->user_code);
    td_jsonw_kstr(&w, "device_code", device_code);
    td_jsonw_kstr(&w, id->v2 ? "verification_uri" : "verification_url", url);
    seconds(id, &w, "expires_in", EXPIRES_SECONDS);
    seconds(id, &w, "interval", INTERVAL_SECONDS);
    td_jsonw_kstr(
        &w, "message",
        td_arena_printf(id->a, "To sign in, open %s in a web browser and enter the code %s.", url, b->user_code));
    td_jsonw_end(&w);
    td_reply_text(id->reply, 200, "application/json; charset=utf-8", td_buf_slice(&out));
    td_reply_header(id->reply, "Cache-Control", "no-store");
    td_buf_done(&out);
}

static enum td_code begin(struct td_id *id)
{
    struct beginning b = {.id = id};
    const char *secret = td_random_text(id->svc->env, id->a, 32);
    b.grant = (struct td_grant){
        .kind = TD_GRANT_DEVICE_CODE, .user_id = "", .device_id = "", .family = td_uuid_arena(id->svc->env, id->a)};
    td_id_hash(secret, b.grant.sha256);
    td_try(td_id_write(id, add, &b));
    reply_code(&b, secret);
    return TD_OK;
}

static void device_code(struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply, bool v2)
{
    struct td_id id;
    td_id_init(&id, svc, req, reply);
    id.v2 = v2;
    enum td_code rc = begin(&id);
    if (rc != TD_OK)
        td_oauth_reply(svc, &id.error, rc, id.a, reply);
}

void td_id_devicecode_v1(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    device_code(ctx, req, reply, false);
}

void td_id_devicecode_v2(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    device_code(ctx, req, reply, true);
}

struct typed {
    struct td_id *id;
    char code[USER_CODE + 1];
    struct td_grant grant;
    struct td_application app;
};

static enum td_code find_typed(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct typed *t = ctx;
    td_try(td_user_code_find(tx, t->code, t->id->a, &t->grant, err));
    return td_application_find(tx, t->grant.tenant, td_str(t->grant.app_id), t->id->a, &t->app, err);
}

static void ask(struct td_id *id, const char *message)
{
    struct td_page page = {.organization = "Sign in on another device",
                           .text = "Enter the code that the other device shows.",
                           .note = "",
                           .message = message,
                           .action = "/devicelogin"};
    td_page_ask(id->reply, id->a, &page, "code", "Code");
}

void td_id_device_login(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_id id;
    td_id_init(&id, ctx, req, reply);
    struct typed t = {.id = &id};
    if (req->method != TD_POST) {
        ask(&id, NULL);
        return;
    }
    if (!td_page_posted_here(req)) {
        td_id_error_page(&id, 403, "This sign-in can't be carried out", "The form did not come from this page.");
        return;
    }
    if (!td_signs_read(td_http_form(req, "code"), TD_SIGNS_LETTERS, t.code, USER_CODE) ||
        td_store_read(id.svc->store, find_typed, &t, &id.err) != TD_OK) {
        ask(&id, "This code is not known or no longer valid.");
        return;
    }
    struct td_flow flow = {.tenant = t.grant.tenant,
                           .client = t.app.id,
                           .device_code = td_b64url(id.a, td_bytes(t.grant.sha256, sizeof(t.grant.sha256))),
                           .client_name = t.app.name,
                           .redirect = "",
                           .scope = "",
                           .resource = "",
                           .state = "",
                           .nonce = "",
                           .challenge = "",
                           .mode = "query",
                           .segment = t.grant.tenant,
                           .registration = "",
                           .v2 = true};
    td_id_flow_page(&id, &flow, "", false, NULL);
}
