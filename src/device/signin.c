/* Sign-in at the tenant's page with the authorization code flow and PKCE (join-and-tokens.md 6, 9; autopilot.md 3.1).
 *
 * Behaves as the web view of the setup does: fetches the page, fills the fields that it finds, posts the form, follows
 * redirects by hand until one of them goes to the broker's address. It knows nothing of our server's pages. */
#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/jose.h"
#include "device/html.h"
#include "device/tokens.h"
#include "device/web.h"

enum { SIGN_IN_MAX_HOPS = 40, SIGN_IN_MAX_TRIES = 5, SIGN_IN_MAX_COOKIES = 32, SIGN_IN_MAX_FORM = 64 << 10 };

static const char join_resource[] = "urn:ms-drs:enterpriseregistration.windows.net";
static const char join_redirect[] = "ms-aadj-redir://auth/drs";

struct cookie {
    const char *origin, *name, *value;
};

struct browser {
    struct td_flow *flow;
    struct td_arena *arena;
    struct cookie cookies[SIGN_IN_MAX_COOKIES];
    size_t cookie_count;
    const char *url;   /* where the page in hand came from */
    const char *alert; /* what the last page complained about, "" if nothing */
    int asked_user, asked_password;
    struct td_slice answer; /* query of the redirect to the broker */
};

/* One Set-Cookie header; path and domain are not looked at: all goes back to the origin that set it, nowhere else. */
static void keep_cookie(struct browser *b, struct td_slice header)
{
    struct td_slice pair, name;
    (void)td_cut(header, ';', &pair);
    struct td_slice value = td_cut(pair, '=', &name);
    const char *origin = td_url_origin(b->url, b->arena);
    name = td_trim(name);
    size_t i = 0;
    while (i < b->cookie_count && !(td_eqs(name, b->cookies[i].name) && strcmp(b->cookies[i].origin, origin) == 0))
        i++;
    if (name.n == 0 || i == SIGN_IN_MAX_COOKIES)
        return;
    b->cookie_count = TD_MAX(b->cookie_count, i + 1);
    b->cookies[i] = (struct cookie){origin, td_arena_text(b->arena, name), td_arena_text(b->arena, td_trim(value))};
}

static void keep_cookies(struct browser *b, struct td_slice headers)
{
    while (headers.n != 0) {
        struct td_slice line;
        headers = td_cut(headers, '\n', &line);
        if (td_istarts(line, "set-cookie:"))
            keep_cookie(b, td_trim(td_sub(line, 11, line.n)));
    }
}

static const char *cookie_header(struct browser *b)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    td_buf_init(&text, 16384);
    const char *origin = td_url_origin(b->url, b->arena);
    for (size_t i = 0; i < b->cookie_count; i++)
        if (strcmp(b->cookies[i].origin, origin) == 0)
            td_buf_printf(&text, "%s%s=%s", text.n != 0 ? "; " : "Cookie: ", b->cookies[i].name, b->cookies[i].value);
    return text.n != 0 && !text.failed ? td_arena_text(b->arena, td_buf_slice(&text)) : NULL;
}

static enum td_code fetch(struct browser *b, struct td_slice form, bool post, struct td_net_response *ret,
                          struct td_error *err)
{
    struct td_net_request req = {.method = post ? "POST" : "GET", .url = b->url, .body = form, .has_body = post};
    req.headers[0] = "Accept: text/html";
    const char *cookies = cookie_header(b);
    size_t n = 1;
    if (cookies != NULL)
        req.headers[n++] = cookies;
    if (post)
        req.headers[n] = "Content-Type: application/x-www-form-urlencoded";
    td_try(b->flow->net->send(b->flow->net->ctx, &req, b->arena, ret, err));
    if (ret->status == 429 || (ret->status >= 502 && ret->status <= 504))
        return td_fail(err, TD_EUNAVAILABLE, "sign-in", "the service answers %d: busy", ret->status);
    keep_cookies(b, ret->headers);
    return TD_OK;
}

/* "ms-aadj-redir://auth/drs?code=..." : takes what stands behind the address. */
static bool reached_broker(struct browser *b, const char *url)
{
    struct td_slice s = td_str(url);
    size_t n = sizeof(join_redirect) - 1;
    if (!td_istarts(s, join_redirect) || (s.n > n && s.p[n] != '?' && s.p[n] != '#' && s.p[n] != '/'))
        return false;
    struct td_slice rest = td_sub(s, n, s.n);
    while (rest.n != 0 && strchr("/?#", rest.p[0]) != NULL)
        rest = td_sub(rest, 1, rest.n);
    b->answer = rest;
    return true;
}

static enum td_code move_to(struct browser *b, const char *reference, struct td_error *err)
{
    const char *url = td_url_resolve(b->url, reference, b->arena);
    if (url == NULL)
        return td_fail(err, TD_EDENIED, "sign-in", "the page leads to an address that is not https");
    b->url = url;
    return TD_OK;
}

/* The question behind a field that a person would type into. */
static const char *question(const struct td_html_field *f)
{
    static const struct {
        const char *part, *key;
    } names[] = {{"otc", "code"},   {"otp", "code"},   {"code", "code"}, {"user", "user"},
                 {"login", "user"}, {"email", "user"}, {"upn", "user"},  {"name", "user"}};
    if (strcmp(f->type, "password") == 0)
        return "password";
    if (strcmp(f->type, "email") == 0)
        return "user";
    for (size_t i = 0; i < TD_COUNTOF(names); i++)
        for (const char *p = f->name; *p != '\0'; p++)
            if (td_istarts(td_str(p), names[i].part))
                return names[i].key;
    return NULL;
}

static enum td_code refused(const struct browser *b, const char *what, struct td_error *err)
{
    (void)td_fail(err, TD_EAUTH, "sign-in", "%s", b->alert);
    return td_remedy(err, TD_EAUTH, "check the %s, or ask the administrator", what);
}

/* user and password are remembered for the autologon behind the device phase; a refused one is forgotten. */
static enum td_code answer_credential(struct browser *b, const char *key, const char *prompt, const char **ret,
                                      struct td_error *err)
{
    bool password = strcmp(key, "password") == 0;
    int *asked = password ? &b->asked_password : &b->asked_user;
    char **kept = password ? &b->flow->secrets.password : &b->flow->secrets.user;
    bool again = *asked > 0 && b->alert[0] != '\0';
    if (again && (b->flow->ui->ask == NULL || *asked >= SIGN_IN_MAX_TRIES))
        return refused(b, "user name and the password", err);
    if (*kept == NULL || again) {
        char *text = NULL;
        td_try(td_ui_ask(b->flow->ui, key, prompt, password, again, b->arena, &text, err));
        td_secret_put(kept, text);
        td_wipe(text, strlen(text));
    }
    (*asked)++;
    *ret = *kept;
    return TD_OK;
}

static enum td_code answer_field(struct browser *b, const struct td_html_field *f, const char *title, const char **ret,
                                 struct td_error *err)
{
    const char *key = question(f);
    if (f->value[0] != '\0' && b->alert[0] == '\0') { /* filled in by the page, and not complained about */
        *ret = f->value;
        return TD_OK;
    }
    if (key == NULL)
        return td_fail(err, TD_ENOTOFFERED, "sign-in", "the page asks for \"%.60s\", which nobody can answer", f->name);
    const char *prompt = td_arena_printf(b->arena, "%s: %s", title[0] != '\0' ? title : "sign-in", key);
    if (strcmp(key, "code") != 0)
        return answer_credential(b, key, prompt, ret, err);
    char *code = NULL;
    if (b->alert[0] != '\0' && b->flow->ui->ask == NULL)
        return refused(b, "code", err);
    td_try(td_ui_ask(b->flow->ui, key, prompt, false, b->alert[0] != '\0', b->arena, &code, err));
    *ret = code;
    return TD_OK;
}

static enum td_code fill(struct browser *b, const struct td_html_form *form, const char *title, struct td_buf *out,
                         struct td_error *err)
{
    bool pressed = false;
    for (size_t i = 0; i < form->count; i++) {
        const struct td_html_field *f = &form->fields[i];
        bool button = strcmp(f->type, "submit") == 0;
        bool box = strcmp(f->type, "checkbox") == 0 || strcmp(f->type, "radio") == 0;
        const char *value = f->value;
        if (f->name[0] == '\0' || strcmp(f->type, "button") == 0 || strcmp(f->type, "reset") == 0)
            continue;
        if ((box && !f->checked) || (button && pressed))
            continue;
        if (td_html_typed(f))
            td_try(answer_field(b, f, title, &value, err));
        pressed |= button;
        td_form_add(out, f->name, box && value[0] == '\0' ? "on" : value);
    }
    return td_buf_check(out, "sign-in", err);
}

static bool has_typed(const struct td_html_form *form)
{
    for (size_t i = 0; i < form->count; i++)
        if (td_html_typed(&form->fields[i]))
            return true;
    return false;
}

static enum td_code submit(struct browser *b, const struct td_html *page, struct td_net_response *ret,
                           struct td_error *err)
{
    const struct td_html_form *form = td_html_main_form(page);
    TD_CLEANUP(td_buf_wipe) struct td_buf body;
    td_buf_init(&body, SIGN_IN_MAX_FORM);
    if (form == NULL)
        return td_fail(err, TD_EDENIED, "sign-in", "%s", page->alert[0] != '\0' ? page->alert : "the page has no form");
    if (has_typed(form))
        td_device_say(b->flow->dev, "page", "sign-in: %s%s%s", page->title, page->alert[0] != '\0' ? ": " : "",
                      page->alert);
    td_try(fill(b, form, page->title, &body, err));
    if (reached_broker(b, form->action)) { /* response_mode=form_post */
        b->answer = td_arena_copy(b->arena, td_buf_slice(&body));
        return TD_OK;
    }
    if (form->post) {
        td_try(move_to(b, form->action, err));
        return fetch(b, td_buf_slice(&body), true, ret, err);
    }
    struct td_slice path = td_str(form->action);
    td_try(move_to(b, td_arena_printf(b->arena, "%.*s?%s", TD_FMT(td_sub(path, 0, td_find(path, '?'))), body.p), err));
    return fetch(b, TD_S(""), false, ret, err);
}

static enum td_code show_page(struct browser *b, struct td_net_response *r, struct td_error *err)
{
    struct td_html page;
    td_try(td_html_read(r->body, b->arena, &page, err));
    b->alert = page.alert;
    if (r->status >= 400 && (td_html_main_form(&page) == NULL || !has_typed(td_html_main_form(&page)))) {
        const char *text = page.alert[0] != '\0' ? page.alert : page.text;
        return td_fail(err, TD_EDENIED, "sign-in", "the service answers %d: %s %s", r->status, page.title, text);
    }
    return submit(b, &page, r, err);
}

static enum td_code browse(struct browser *b, const char *url, struct td_error *err)
{
    struct td_net_response r = {0};
    b->url = url;
    b->alert = "";
    td_try(fetch(b, TD_S(""), false, &r, err));
    for (int hop = 0; hop < SIGN_IN_MAX_HOPS && b->answer.p == NULL; hop++) {
        if (r.status < 300 || r.status > 399) {
            td_try(show_page(b, &r, err));
            continue;
        }
        struct td_slice to = td_net_header(&r, "Location");
        const char *location = td_arena_text(b->arena, to);
        if (to.n == 0)
            return td_fail(err, TD_EFORMAT, "sign-in", "a redirect without Location");
        if (reached_broker(b, location))
            break;
        td_try(move_to(b, location, err));
        td_try(fetch(b, TD_S(""), false, &r, err));
    }
    return b->answer.p != NULL ? TD_OK : td_fail(err, TD_ELIMIT, "sign-in", "more than %d pages", SIGN_IN_MAX_HOPS);
}

struct pkce {
    const char *verifier, *challenge, *state, *nonce;
};

static struct pkce make_pkce(struct td_flow *f, struct td_arena *a)
{
    struct pkce p = {.verifier = td_random_text(f->dev->env, a, 32),
                     .state = td_random_text(f->dev->env, a, 16),
                     .nonce = td_random_text(f->dev->env, a, 16)};
    unsigned char hash[32];
    td_sha256(td_str(p.verifier), hash);
    p.challenge = td_b64url(a, td_bytes(hash, sizeof(hash)));
    return p;
}

static const char *authorize_url(struct td_flow *f, const struct td_sts *sts, const struct pkce *p, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf q;
    td_buf_init(&q, 8192);
    td_form_add(&q, "response_type", "code");
    td_form_add(&q, "client_id", td_broker_client);
    td_form_add(&q, "redirect_uri", join_redirect);
    td_form_add(&q, "resource", join_resource);
    td_form_add(&q, "scope", "openid offline_access");
    td_form_add(&q, "amr_values", "ngcmfa");
    td_form_add(&q, "state", p->state);
    td_form_add(&q, "nonce", p->nonce);
    td_form_add(&q, "code_challenge", p->challenge);
    td_form_add(&q, "code_challenge_method", "S256");
    const char *hint = td_flow_get(f, "profile.upn"), *ticket = td_flow_get(f, "lookup.ticket");
    if (hint[0] != '\0')
        td_form_add(&q, "login_hint", hint);
    if (ticket[0] != '\0')
        td_form_add(&q, "ztd_ticket", ticket);
    bool has_query = strchr(sts->authorize, '?') != NULL;
    return td_arena_printf(a, "%s%c%s", sts->authorize, has_query ? '&' : '?', q.p);
}

static enum td_code check_answer(struct browser *b, const struct pkce *p, const char **ret_code, struct td_error *err)
{
    const char *error = td_form_get(b->answer, "error", b->arena);
    const char *text = td_form_get(b->answer, "error_description", b->arena);
    const char *state = td_form_get(b->answer, "state", b->arena);
    *ret_code = td_form_get(b->answer, "code", b->arena);
    if (state == NULL || !td_same_secret(td_str(state), td_str(p->state)))
        return td_fail(err, TD_EAUTH, "sign-in", "the answer belongs to another sign-in (state)");
    if (error != NULL)
        return td_fail(err, TD_EDENIED, "sign-in", "%s", text != NULL ? text : error);
    return *ret_code != NULL ? TD_OK : td_fail(err, TD_EFORMAT, "sign-in", "the answer has no code");
}

/* Came over TLS from the token endpoint itself, so its claims are checked and its signature is not (OIDC core 3.1.3.7).
 */
static enum td_code check_id_token(struct td_flow *f, const struct td_json *reply, const struct pkce *p,
                                   struct td_arena *a, struct td_error *err)
{
    struct td_jws id;
    const char *text = td_json_str(reply, "id_token");
    if (text == NULL || td_jws_decode(td_str(text), a, &id, NULL) != TD_OK || id.claims == NULL)
        return td_fail(err, TD_EFORMAT, "sign-in", "the answer has no readable id_token");
    const char *nonce = td_json_str(id.claims, "nonce"), *tenant = td_json_str(id.claims, "tid");
    const char *upn = td_json_str(id.claims, "upn"), *mdm = td_json_str(id.claims, "mdm_enrollment_url");
    if (nonce == NULL || strcmp(nonce, p->nonce) != 0)
        return td_fail(err, TD_EAUTH, "sign-in", "the id_token belongs to another sign-in (nonce)");
    if (tenant == NULL || !td_ieq(td_str(tenant), td_str(td_flow_get(f, "profile.tenant_id")))) {
        (void)td_fail(err, TD_EDENIED, "sign-in", "the user name belongs to another organization");
        return td_remedy(err, TD_EDENIED, "sign in with an account of the organization that owns this device");
    }
    upn = upn != NULL ? upn : td_json_str(id.claims, "preferred_username");
    td_state_set(f->dev->state, "signin.user", upn != NULL ? upn : f->secrets.user);
    td_state_set(f->dev->state, "signin.name", td_json_str(id.claims, "name"));
    td_state_set(f->dev->state, "signin.mdm_url", mdm);
    td_state_set(f->dev->state, "signin.mdm_terms_url", td_json_str(id.claims, "mdm_terms_of_use_url"));
    td_state_set(f->dev->state, "signin.mdm_compliance_url", td_json_str(id.claims, "mdm_compliance_url"));
    td_state_set(f->dev->state, "signin.tenant_name", td_json_str(id.claims, "tenant_display_name"));
    return td_state_save(f->dev->state, err);
}

static enum td_code redeem(struct td_flow *f, const struct td_sts *sts, const struct pkce *p, const char *code,
                           struct td_arena *a, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf form;
    td_buf_init(&form, 16384);
    td_form_add(&form, "grant_type", "authorization_code");
    td_form_add(&form, "client_id", td_broker_client);
    td_form_add(&form, "code", code);
    td_form_add(&form, "redirect_uri", join_redirect);
    td_form_add(&form, "code_verifier", p->verifier);
    td_form_add(&form, "resource", join_resource);
    struct td_web w = {.flow = f, .arena = a, .what = "sign-in"};
    struct td_net_response r;
    const struct td_json *reply;
    td_try(td_web_post(&w, sts->token, "application/x-www-form-urlencoded", td_buf_slice(&form), &r, err));
    td_try(td_web_json(&w, &r, &reply, err));
    const char *access = td_json_str(reply, "access_token"), *refresh = td_json_str(reply, "refresh_token");
    if (access == NULL || refresh == NULL)
        return td_fail(err, TD_EFORMAT, "sign-in", "the answer has no access_token or no refresh_token");
    td_try(check_id_token(f, reply, p, a, err));
    td_secret_put(&f->secrets.join_token, access);
    td_secret_put(&f->secrets.refresh_token, refresh);
    return TD_OK;
}

enum td_code td_flow_sign_in(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_sts sts;
    const char *code;
    td_try(td_sts_find(f, &a, &sts, err));
    struct pkce p = make_pkce(f, &a);
    struct browser b = {.flow = f, .arena = &a};
    td_try(browse(&b, authorize_url(f, &sts, &p, &a), err));
    td_try(check_answer(&b, &p, &code, err));
    td_try(redeem(f, &sts, &p, code, &a, err));
    td_flow_news(f, "signed in: %s", td_flow_get(f, "signin.user"));
    return TD_OK;
}
