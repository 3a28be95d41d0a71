/* The federated sign-in page and the terms of use (mde2.md 2.1 and 2.3).
 *
 * The page takes name and password and hands a ticket to the address that the device gave (appru): ms-app: or
 * ms-appx-web: only, so that nobody can be sent elsewhere with it. The terms of use are accepted at once while the
 * tenant has none. */
#include "api/enrolment/room.h"
#include "api/pages.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/log.h"
#include "codec/json.h"
#include "store/tenant.h"

#include <string.h>

enum { MAX_APPRU = 1024, MAX_HINT = 256 };

static const int64_t ticket_life = 10 * TD_MINUTE; /* mde2.md 2.1 */
static const int64_t terms_life = TD_HOUR;

/* No blank, quote or angle bracket survives, whatever the page does with it later. */
static bool plain_uri(struct td_slice uri)
{
    for (size_t i = 0; i < uri.n; i++) {
        unsigned char c = (unsigned char)uri.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"'<>\\`", c) != NULL)
            return false;
    }
    return uri.n <= MAX_APPRU;
}

static bool app_uri(struct td_slice uri)
{
    bool app = td_istarts(uri, "ms-app://") || td_istarts(uri, "ms-appx-web://");
    return plain_uri(uri) && (app || td_fault("enrol-any-appru"));
}

/* One page under way. */
struct page {
    struct td_service *svc;
    struct td_http_request *req;
    struct td_http_reply *reply;
    const char *appru, *username;
    const char *organization, *text; /* of the tenant that the user name's domain belongs to */
};

static void refuse_page(struct page *p)
{
    td_page_message(p->reply, p->req->arena, 400, "Sign-in not possible",
                    "The address that the device gave for its answer (appru) is missing or not one of an app.");
}

/* Names that no user can have are shown as they came, up to a bound. */
static const char *clean_name(struct td_slice name, struct td_arena *a)
{
    name = td_trim(name);
    return td_utf8_ok(name) ? td_arena_text(a, td_sub(name, 0, MAX_HINT)) : "";
}

static enum td_code read_branding(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct page *p = ctx;
    struct td_tenant tenant;
    struct td_slice name, domain = td_cut(td_str(p->username), '@', &name);
    const char *shown = "";
    td_try(td_tenant_find(tx, domain, p->req->arena, &tenant, err));
    td_try(td_tenant_get(tx, tenant.id, "display-name", p->req->arena, &shown, err));
    p->organization = shown[0] != '\0' ? shown : tenant.name;
    return td_tenant_get(tx, tenant.id, "sign-in-text", p->req->arena, &p->text, err);
}

/* User name first, then the password; appru travels in the form. */
static void sign_in_page(struct page *p, const char *problem, int status)
{
    const struct td_page_field hidden[] = {{"appru", p->appru}};
    p->organization = "Sign in";
    p->text = "";
    struct td_error err = {0};
    if (p->username[0] != '\0' && td_store_read(p->svc->store, read_branding, p, &err) != TD_OK)
        td_log_error(TD_DEBUG, "enrolment.branding", &err); /* a foreign domain has none */
    struct td_page page = {.organization = p->organization,
                           .text = p->text,
                           .note = "to enrol this device for your organization",
                           .message = problem,
                           .action = "/EnrollmentServer/Auth",
                           .form_target = p->appru,
                           .hidden = hidden,
                           .hidden_count = TD_COUNTOF(hidden),
                           .username = p->username,
                           .ask_password = p->username[0] != '\0',
                           .status = status};
    td_page_sign_in(p->reply, p->req->arena, &page);
}

void td_enrol_auth_get(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct page p = {.svc = ctx, .req = req, .reply = reply};
    struct td_slice appru = td_http_query(req, "appru");
    if (!app_uri(appru)) {
        refuse_page(&p);
        return;
    }
    p.appru = td_arena_text(req->arena, appru);
    p.username = clean_name(td_http_query(req, "login_hint"), req->arena);
    sign_in_page(&p, NULL, 200);
}

static enum td_code make_note(struct td_service *svc, const char *kind, const char *tenant, const char *user,
                              const char *upn, int64_t life, struct td_arena *a, char **ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, 4096);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "tenant", tenant);
    td_jsonw_kstr(&w, "user", user);
    td_jsonw_kstr(&w, "upn", upn);
    td_jsonw_end(&w);
    td_try(td_buf_check(&b, "ticket", err));
    return td_ticket_make(svc, kind, b.p, life, a, ret, err);
}

/* What a person can be told; anything else is in the log. */
static const char *problem_text(const struct td_error *err)
{
    bool told = err->code == TD_EAUTH || err->code == TD_EDENIED || err->code == TD_ELIMIT || err->code == TD_EINVAL;
    return told ? err->text : "Signing in is not possible at the moment. Try again in a minute.";
}

static enum td_code sign_in(struct page *p, struct td_slice password, char **ret_ticket, struct td_error *err)
{
    struct td_signed_in who;
    enum td_code rc =
        td_sign_in(p->svc, td_str(p->username), password, p->req->peer->address, p->req->arena, &who, err);
    if (password.n != 0)
        td_wipe((void *)(uintptr_t)password.p, password.n); /* a decoded copy in the arena */
    td_try(rc);
    return make_note(p->svc, "enrol", who.tenant, who.user_id, who.upn, ticket_life, p->req->arena, ret_ticket, err);
}

static void posted(struct page *p)
{
    struct td_error err = {0};
    char *ticket = NULL;
    struct td_slice password = td_http_form(p->req, "password");
    if (p->username[0] == '\0' || password.n == 0) {
        sign_in_page(p, NULL, 200);
        return;
    }
    if (sign_in(p, password, &ticket, &err) == TD_OK) {
        /* the form that Windows' broker waits for (mde2.md 2.1, step 3) */
        const struct td_page_field fields[] = {{"wresult", ticket}};
        td_page_form_post(p->reply, p->req->arena, p->appru, fields, TD_COUNTOF(fields));
        return;
    }
    td_log(TD_INFO, "enrolment.sign-in", "cause", err.text, NULL);
    bool away = err.code == TD_EUNAVAILABLE && !td_fault("enrol-page-away-is-wrong");
    sign_in_page(p, problem_text(&err), away ? 503 : 200);
    if (away)
        td_reply_header(p->reply, "Retry-After", "5");
}

void td_enrol_auth_post(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct page p = {.svc = ctx, .req = req, .reply = reply};
    struct td_slice appru = td_http_form(req, "appru");
    if (appru.n == 0)
        appru = td_http_query(req, "appru");
    if (!app_uri(appru)) {
        refuse_page(&p);
    } else if (!td_page_posted_here(req)) {
        td_page_message(reply, req->arena, 403, "Sign-in not possible", "The form did not come from this page.");
    } else {
        p.appru = td_arena_text(req->arena, appru);
        p.username = clean_name(td_http_form(req, "username"), req->arena);
        posted(&p);
    }
}

struct terms {
    struct td_service *svc;
    struct td_slice token;
    struct td_arena *a;
    struct td_claims claims;
};

static enum td_code check_bearer(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct terms *t = ctx;
    return td_token_check(t->svc, tx, t->token, TD_RESOURCE_MANAGEMENT, t->a, &t->claims, err);
}

static void add_field(struct td_buf *to, const char *name, struct td_slice value)
{
    td_buf_printf(to, "%c%s=", td_find(td_buf_slice(to), '?') == SIZE_MAX ? '?' : '&', name);
    td_pct_add(to, value);
}

static void add_error(struct td_buf *to, const char *code, const char *text)
{
    add_field(to, "error", td_str(code));
    add_field(to, "error_description", td_str(text));
}

static void answer_terms(struct terms *t, struct td_http_request *req, struct td_buf *to)
{
    struct td_error err;
    char *blob = NULL;
    if (!td_eqs(td_http_query(req, "api-version"), "1.0")) {
        add_error(to, "invalid_request", "api-version must be 1.0");
        return;
    }
    enum td_code rc = td_store_read(t->svc->store, check_bearer, t, &err);
    if (rc == TD_EAUTH || rc == TD_EEXPIRED || rc == TD_EDENIED) {
        add_error(to, "unauthorized_client", err.text);
        return;
    }
    const struct td_claims *c = &t->claims;
    if (rc == TD_OK)
        rc = make_note(t->svc, "terms", c->tenant, c->oid, c->upn, terms_life, t->a, &blob, &err);
    if (rc != TD_OK) {
        add_error(to, "server_error", "The service met an error; try again.");
        return;
    }
    add_field(to, "IsAccepted", TD_S("true"));
    add_field(to, "OpaqueBlob", td_str(blob));
    struct td_slice id = td_http_query(req, "client-request-id");
    if (id.n != 0)
        add_field(to, "client-request-id", td_sub(id, 0, 128));
}

void td_enrol_terms(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct terms t = {.svc = ctx, .token = td_http_bearer(req), .a = req->arena};
    struct td_slice target = td_http_query(req, "redirect_uri");
    struct td_error err;
    if (!plain_uri(target) || !td_istarts(target, "ms-appx-web://")) {
        (void)td_fail(&err, TD_EINVAL, "redirect_uri", "missing or not one of a Windows app (ms-appx-web)");
        td_reply_problem(reply, &err);
        return;
    }
    TD_CLEANUP(td_buf_done) struct td_buf to;
    td_buf_init(&to, 8192);
    td_buf_add(&to, target);
    answer_terms(&t, req, &to);
    td_reply_redirect(reply, 302, td_arena_text(req->arena, td_buf_slice(&to)));
}
