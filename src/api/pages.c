#include "api/pages.h"

#include "base/encode.h"
#include "base/fault.h"
#include "crypto/digest.h"

enum { PAGE_MAX = 262144 };

static const char style[] =
    "body{margin:0;background:#eef2f6;color:#1b1f24;font:16px/1.5 'Segoe UI',system-ui,sans-serif}"
    "main{box-sizing:border-box;max-width:27rem;margin:12vh auto 0;padding:2.5rem;background:#fff;"
    "border-radius:8px;box-shadow:0 4px 24px #0002}"
    "h1{font-size:1.4rem;font-weight:600;margin:0 0 .5rem}p{margin:.4rem 0}"
    ".m{color:#a4161a}.n{color:#57606a}label{display:block;margin-top:1rem}"
    "input{box-sizing:border-box;width:100%;font:inherit;padding:.5rem;border:1px solid #8c959f;border-radius:4px}"
    "button{font:inherit;margin-top:1.25rem;padding:.5rem 1.75rem;border:0;border-radius:4px;background:#0b5cad;"
    "color:#fff}";
static const char submit_script[] = "document.forms[0].submit()";

void td_html_add(struct td_buf *b, const char *text)
{
    static const struct {
        char c;
        const char *as;
    } escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    for (; *text != '\0'; text++) {
        const char *as = NULL;
        for (size_t i = 0; i < TD_COUNTOF(escapes); i++)
            as = escapes[i].c == *text ? escapes[i].as : as;
        if (as != NULL)
            td_buf_adds(b, as);
        else
            td_buf_addc(b, *text);
    }
}

static const char *hash_of(struct td_arena *a, const char *text)
{
    unsigned char sum[32];
    td_sha256(td_str(text), sum);
    return td_b64(a, td_bytes(sum, sizeof(sum)));
}

/* Where a form may lead, for form-action: an origin, or the scheme of an application. Redirect addresses were checked
 * for their characters before (store/application.h), but nothing that could end the directive gets in here. */
static const char *target_source(struct td_arena *a, const char *uri)
{
    struct td_slice s = td_str(uri != NULL ? uri : "");
    size_t colon = td_find(s, ':');
    if (colon == SIZE_MAX || td_find(s, ';') != SIZE_MAX || td_find(s, ' ') != SIZE_MAX || td_find(s, ',') != SIZE_MAX)
        return "";
    if (!td_istarts(s, "https://") && !td_istarts(s, "http://"))
        return td_arena_printf(a, " %.*s:", (int)colon, s.p);
    struct td_slice host = td_sub(s, colon + 3, s.n);
    size_t end = TD_MIN(TD_MIN(td_find(host, '/'), td_find(host, '?')), host.n);
    return td_arena_printf(a, " %.*s", (int)(colon + 3 + end), s.p);
}

static void guard(struct td_http_reply *reply, struct td_arena *a, const char *target, bool script)
{
    const char *run = script ? td_arena_printf(a, "script-src 'sha256-%s'; ", hash_of(a, submit_script)) : "";
    td_reply_header(
        reply, "Content-Security-Policy",
        td_arena_printf(a,
                        "default-src 'none'; %sstyle-src 'sha256-%s'; form-action 'self'%s; base-uri 'none';"
                        " frame-ancestors 'none'",
                        run, hash_of(a, style), target_source(a, target)));
    td_reply_header(reply, "X-Frame-Options", "DENY");
    td_reply_header(reply, "X-Content-Type-Options", "nosniff");
    td_reply_header(reply, "Referrer-Policy", "same-origin");
    td_reply_header(reply, "Cache-Control", "no-store");
}

static void begin(struct td_buf *b, const char *title)
{
    td_buf_adds(b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                   "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>");
    td_html_add(b, title);
    td_buf_adds(b, "</title><style>");
    td_buf_adds(b, style);
    td_buf_adds(b, "</style></head><body><main><h1>");
    td_html_add(b, title);
    td_buf_adds(b, "</h1>\n");
}

static void paragraph(struct td_buf *b, const char *kind, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    td_buf_printf(b, "<p class=\"%s\"%s>", kind, kind[0] == 'm' ? " role=\"alert\"" : "");
    td_html_add(b, text);
    td_buf_adds(b, "</p>\n");
}

static void hidden(struct td_buf *b, const char *name, const char *value)
{
    td_buf_printf(b, "<input type=\"hidden\" name=\"%s\" value=\"", name);
    td_html_add(b, value != NULL ? value : "");
    td_buf_adds(b, "\">\n");
}

static void end(struct td_http_reply *reply, struct td_arena *a, int status, struct td_buf *b, const char *target,
                bool script)
{
    td_buf_adds(b, "</main></body></html>\n");
    if (b->failed)
        td_reply_text(reply, 500, "text/plain; charset=utf-8", TD_S("page too long"));
    else
        td_reply_text(reply, status, "text/html; charset=utf-8", td_buf_slice(b));
    guard(reply, a, target, script);
    td_buf_done(b);
}

static void begin_form(struct td_buf *b, const struct td_page *page)
{
    td_buf_init(b, PAGE_MAX);
    begin(b, page->organization);
    paragraph(b, "n", page->text);
    paragraph(b, "n", page->note);
    paragraph(b, "m", page->message);
    td_buf_adds(b, "<form method=\"post\" action=\"");
    td_html_add(b, page->action);
    td_buf_adds(b, "\">\n");
    for (size_t i = 0; i < page->hidden_count; i++)
        hidden(b, page->hidden[i].name, page->hidden[i].value);
}

static void end_form(struct td_http_reply *reply, struct td_arena *a, struct td_buf *b, const struct td_page *page,
                     const char *button)
{
    td_buf_printf(b, "<button type=\"submit\">%s</button></form>\n", button);
    end(reply, a, page->status != 0 ? page->status : 200, b, page->form_target, false);
}

void td_page_sign_in(struct td_http_reply *reply, struct td_arena *a, const struct td_page *page)
{
    struct td_buf b;
    begin_form(&b, page);
    if (page->ask_password) {
        hidden(&b, "username", page->username);
        paragraph(&b, "n", page->username);
        td_buf_adds(&b, "<label>Password<input type=\"password\" name=\"password\" autocomplete=\"current-password\""
                        " maxlength=\"256\" required autofocus></label>\n");
    } else {
        td_buf_adds(&b, "<label>User name<input type=\"email\" name=\"username\" autocomplete=\"username\""
                        " maxlength=\"254\" placeholder=\"name@organization\" required autofocus value=\"");
        td_html_add(&b, page->username != NULL ? page->username : "");
        td_buf_adds(&b, "\"></label>\n");
    }
    end_form(reply, a, &b, page, page->ask_password ? "Sign in" : "Next");
}

void td_page_ask(struct td_http_reply *reply, struct td_arena *a, const struct td_page *page, const char *field,
                 const char *label)
{
    struct td_buf b;
    begin_form(&b, page);
    td_buf_adds(&b, "<label>");
    td_html_add(&b, label);
    td_buf_printf(
        &b, "<input type=\"text\" name=\"%s\" autocomplete=\"off\" maxlength=\"64\" required autofocus></label>\n",
        field);
    end_form(reply, a, &b, page, "Next");
}

void td_page_message(struct td_http_reply *reply, struct td_arena *a, int status, const char *title, const char *text)
{
    struct td_buf b;
    td_buf_init(&b, PAGE_MAX);
    begin(&b, title);
    paragraph(&b, "n", text);
    end(reply, a, status, &b, NULL, false);
}

void td_page_form_post(struct td_http_reply *reply, struct td_arena *a, const char *target,
                       const struct td_page_field *fields, size_t count)
{
    struct td_buf b;
    td_buf_init(&b, PAGE_MAX);
    begin(&b, "Signing in");
    td_buf_adds(&b, "<form method=\"post\" action=\"");
    td_html_add(&b, target);
    td_buf_adds(&b, "\">\n");
    for (size_t i = 0; i < count; i++)
        hidden(&b, fields[i].name, fields[i].value);
    td_buf_printf(&b, "<noscript><button type=\"submit\">Continue</button></noscript></form>\n<script>%s</script>\n",
                  submit_script);
    end(reply, a, 200, &b, target, true);
}

bool td_page_posted_here(const struct td_http_request *req)
{
    struct td_slice site = td_http_header(req, "Sec-Fetch-Site"), origin = td_http_header(req, "Origin");
    if (td_fault("form-any-origin"))
        return true;
    if (site.n != 0 && !td_ieqs(site, "same-origin") && !td_ieqs(site, "none"))
        return false;
    return origin.n == 0 || td_ieqs(origin, req->base);
}
