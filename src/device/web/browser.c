#include "device/browser.h"

#include "device/html.h"
#include "device/web.h"

enum { BROWSER_MAX_HOPS = 40, BROWSER_MAX_TRIES = 5, BROWSER_MAX_FORM = 64 << 10, BROWSER_MAX_RETRY_SECONDS = 600 };

/* One Set-Cookie header; path and domain are not looked at: all goes back to the origin that set it, nowhere else. */
static void keep_cookie(struct td_browser *b, struct td_slice header)
{
    struct td_slice pair, name;
    (void)td_cut(header, ';', &pair);
    struct td_slice value = td_cut(pair, '=', &name);
    const char *origin = td_url_origin(b->url, b->arena);
    name = td_trim(name);
    size_t i = 0;
    while (i < b->cookie_count && !(td_eqs(name, b->cookies[i].name) && strcmp(b->cookies[i].origin, origin) == 0))
        i++;
    if (name.n == 0 || i == TD_BROWSER_COOKIES)
        return;
    b->cookie_count = TD_MAX(b->cookie_count, i + 1);
    b->cookies[i] = (struct td_cookie){origin, td_arena_text(b->arena, name), td_arena_text(b->arena, td_trim(value))};
}

static void keep_cookies(struct td_browser *b, struct td_slice headers)
{
    while (headers.n != 0) {
        struct td_slice line;
        headers = td_cut(headers, '\n', &line);
        if (td_istarts(line, "set-cookie:"))
            keep_cookie(b, td_trim(td_sub(line, 11, line.n)));
    }
}

static const char *cookie_header(struct td_browser *b)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    td_buf_init(&text, 16384);
    const char *origin = td_url_origin(b->url, b->arena);
    for (size_t i = 0; i < b->cookie_count; i++)
        if (strcmp(b->cookies[i].origin, origin) == 0)
            td_buf_printf(&text, "%s%s=%s", text.n != 0 ? "; " : "Cookie: ", b->cookies[i].name, b->cookies[i].value);
    return text.n != 0 && !text.failed ? td_arena_text(b->arena, td_buf_slice(&text)) : NULL;
}

static bool is_busy(int status)
{
    return status == 429 || (status >= 502 && status <= 504);
}

/* What the page says of it is told: a directory that is away is no busy service to people. */
static enum td_code busy(struct td_browser *b, const struct td_net_response *r, struct td_error *err)
{
    uint64_t seconds = 0;
    struct td_html page = {.alert = ""};
    if (td_parse_u64(td_net_header(r, "Retry-After"), &seconds) && seconds <= BROWSER_MAX_RETRY_SECONDS)
        b->flow->retry_after = (int64_t)seconds * TD_SECOND;
    if (td_html_read(r->body, b->arena, &page, NULL) == TD_OK && page.alert[0] != '\0')
        return td_fail(err, TD_EUNAVAILABLE, b->what, "%s", page.alert);
    return td_fail(err, TD_EUNAVAILABLE, b->what, "the service answers %d: busy", r->status);
}

static enum td_code fetch(struct td_browser *b, struct td_slice form, bool post, struct td_net_response *ret,
                          struct td_error *err)
{
    struct td_net_request req = {.method = post ? "POST" : "GET", .url = b->url, .body = form, .has_body = post};
    req.headers[0] = "Accept: text/html";
    const char *cookies = cookie_header(b);
    size_t n = 1;
    if (cookies != NULL)
        req.headers[n++] = cookies;
    if (b->token != NULL && strcmp(td_url_origin(b->url, b->arena), b->first) == 0) {
        req.headers[n++] = td_arena_printf(b->arena, "Authorization: Bearer %s", b->token);
        req.headers[n++] = "CXH-HOST: FRX"; /* the terms' page is shown in the first set-up (mde2.md 2.3) */
    }
    if (post)
        req.headers[n] = "Content-Type: application/x-www-form-urlencoded";
    td_try(b->flow->net->send(b->flow->net->ctx, &req, b->arena, ret, err));
    if (is_busy(ret->status))
        return busy(b, ret, err);
    keep_cookies(b, ret->headers);
    return TD_OK;
}

/* "ms-aadj-redir://auth/drs?code=...": takes what stands behind the address. */
static bool reached_end(struct td_browser *b, const char *url)
{
    struct td_slice s = td_str(url);
    size_t n = strlen(b->redirect);
    if (!td_istarts(s, b->redirect) || (s.n > n && s.p[n] != '?' && s.p[n] != '#' && s.p[n] != '/'))
        return false;
    struct td_slice rest = td_sub(s, n, s.n);
    while (rest.n != 0 && strchr("/?#", rest.p[0]) != NULL)
        rest = td_sub(rest, 1, rest.n);
    b->answer = rest;
    return true;
}

static enum td_code move_to(struct td_browser *b, const char *reference, struct td_error *err)
{
    const char *url = td_url_resolve(b->url, reference, b->arena);
    if (url == NULL)
        return td_fail(err, TD_EDENIED, b->what, "the page leads to an address that is not https");
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

static enum td_code refused(const struct td_browser *b, const char *what, struct td_error *err)
{
    (void)td_fail(err, TD_EAUTH, b->what, "%s", b->alert);
    return td_remedy(err, TD_EAUTH, "check the %s, or ask the administrator", what);
}

/* user and password are remembered for the autologon behind the device phase; a refused one is forgotten. */
static enum td_code answer_credential(struct td_browser *b, const char *key, const char *prompt, const char **ret,
                                      struct td_error *err)
{
    bool password = strcmp(key, "password") == 0;
    int *asked = password ? &b->asked_password : &b->asked_user;
    char **kept = password ? &b->flow->secrets.password : &b->flow->secrets.user;
    bool again = *asked > 0 && b->alert[0] != '\0';
    if (again && (b->flow->ui->ask == NULL || *asked >= BROWSER_MAX_TRIES))
        return refused(b, "user name and the password", err);
    if (*kept == NULL || again) {
        char *text = NULL;
        const char *other = password ? b->password_key : b->user_key;
        td_try(td_ui_ask(b->flow->ui, other != NULL ? other : key, prompt, password, again, b->arena, &text, err));
        td_secret_put(kept, text);
        td_wipe(text, strlen(text));
    }
    (*asked)++;
    *ret = *kept;
    return TD_OK;
}

static enum td_code answer_field(struct td_browser *b, const struct td_html_field *f, const char *title,
                                 const char **ret, struct td_error *err)
{
    const char *key = question(f);
    if (f->value[0] != '\0' && b->alert[0] == '\0') { /* filled in by the page, and not complained about */
        *ret = f->value;
        return TD_OK;
    }
    if (key == NULL)
        return td_fail(err, TD_ENOTOFFERED, b->what, "the page asks for \"%.60s\", which nobody can answer", f->name);
    const char *prompt = td_arena_printf(b->arena, "%s: %s", title[0] != '\0' ? title : b->what, key);
    if (strcmp(key, "code") != 0)
        return answer_credential(b, key, prompt, ret, err);
    char *code = NULL;
    if (b->alert[0] != '\0' && b->flow->ui->ask == NULL)
        return refused(b, "code", err);
    td_try(td_ui_ask(b->flow->ui, key, prompt, false, b->alert[0] != '\0', b->arena, &code, err));
    *ret = code;
    return TD_OK;
}

static enum td_code fill(struct td_browser *b, const struct td_html_form *form, const char *title, struct td_buf *out,
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
    return td_buf_check(out, b->what, err);
}

static bool has_typed(const struct td_html_form *form)
{
    for (size_t i = 0; i < form->count; i++)
        if (td_html_typed(&form->fields[i]))
            return true;
    return false;
}

static enum td_code submit(struct td_browser *b, const struct td_html *page, struct td_net_response *ret,
                           struct td_error *err)
{
    const struct td_html_form *form = td_html_main_form(page);
    TD_CLEANUP(td_buf_wipe) struct td_buf body;
    td_buf_init(&body, BROWSER_MAX_FORM);
    if (form == NULL)
        return td_fail(err, TD_EDENIED, b->what, "%s", page->alert[0] != '\0' ? page->alert : "the page has no form");
    if (has_typed(form))
        td_device_say(b->flow->dev, "page", "%s: %s%s%s", b->what, page->title, page->alert[0] != '\0' ? ": " : "",
                      page->alert);
    td_try(fill(b, form, page->title, &body, err));
    if (reached_end(b, form->action)) { /* response_mode=form_post */
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

static enum td_code show_page(struct td_browser *b, struct td_net_response *r, struct td_error *err)
{
    struct td_html page;
    td_try(td_html_read(r->body, b->arena, &page, err));
    b->alert = page.alert;
    if (r->status >= 400 && (td_html_main_form(&page) == NULL || !has_typed(td_html_main_form(&page)))) {
        const char *text = page.alert[0] != '\0' ? page.alert : page.text;
        return td_fail(err, TD_EDENIED, b->what, "the service answers %d: %s %s", r->status, page.title, text);
    }
    return submit(b, &page, r, err);
}

enum td_code td_browse(struct td_browser *b, const char *url, struct td_error *err)
{
    struct td_net_response r = {0};
    b->url = url;
    b->first = td_url_origin(url, b->arena);
    b->alert = "";
    td_try(fetch(b, TD_S(""), false, &r, err));
    for (int hop = 0; hop < BROWSER_MAX_HOPS && b->answer.p == NULL; hop++) {
        if (r.status < 300 || r.status > 399) {
            td_try(show_page(b, &r, err));
            continue;
        }
        struct td_slice to = td_net_header(&r, "Location");
        const char *location = td_arena_text(b->arena, to);
        if (to.n == 0)
            return td_fail(err, TD_EFORMAT, b->what, "a redirect without Location");
        if (reached_end(b, location))
            break;
        td_try(move_to(b, location, err));
        td_try(fetch(b, TD_S(""), false, &r, err));
    }
    return b->answer.p != NULL ? TD_OK : td_fail(err, TD_ELIMIT, b->what, "more than %d pages", BROWSER_MAX_HOPS);
}
