#include "device/html.h"

#include "base/buf.h"

enum { HTML_MAX_ATTRS = 24, HTML_MAX_TEXT = 2048 };

struct attr {
    struct td_slice name, value;
};

struct tag {
    struct td_slice name;
    bool closing;
    struct attr attrs[HTML_MAX_ATTRS];
    size_t count;
};

struct reader {
    struct td_slice in;
    size_t at;
    struct td_arena *arena;
    struct td_html *page;
    struct td_html_form *form; /* open one, or NULL */
    const char **text_into;    /* title or alert that is being read, or NULL */
    struct td_slice text_end;  /* tag that ends it */
    struct td_buf text;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static void add_utf8(struct td_buf *out, uint32_t c)
{
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        c = 0xfffd;
    if (c < 0x80) {
        td_buf_addc(out, (char)c);
    } else if (c < 0x800) {
        td_buf_addc(out, (char)(0xc0 | c >> 6));
        td_buf_addc(out, (char)(0x80 | (c & 63)));
    } else if (c < 0x10000) {
        td_buf_addc(out, (char)(0xe0 | c >> 12));
        td_buf_addc(out, (char)(0x80 | (c >> 6 & 63)));
        td_buf_addc(out, (char)(0x80 | (c & 63)));
    } else {
        td_buf_addc(out, (char)(0xf0 | c >> 18));
        td_buf_addc(out, (char)(0x80 | (c >> 12 & 63)));
        td_buf_addc(out, (char)(0x80 | (c >> 6 & 63)));
        td_buf_addc(out, (char)(0x80 | (c & 63)));
    }
}

static bool add_number(struct td_slice digits, struct td_buf *out)
{
    uint32_t value = 0;
    bool hex = digits.n != 0 && (digits.p[0] == 'x' || digits.p[0] == 'X');
    digits = td_sub(digits, hex, digits.n);
    if (digits.n == 0 || digits.n > 7)
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        char c = digits.p[i];
        uint32_t d = c >= '0' && c <= '9'          ? (uint32_t)(c - '0')
                     : hex && c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                     : hex && c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                   : 16;
        if (d >= (hex ? 16u : 10u))
            return false;
        value = value * (hex ? 16 : 10) + d;
    }
    add_utf8(out, value);
    return true;
}

/* Appends text with its character references undone; unknown ones stay as they are. */
static void add_text(struct td_buf *out, struct td_slice s)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}, {"nbsp", ' '}};
    for (size_t i = 0; i < s.n; i++) {
        struct td_slice rest = td_sub(s, i + 1, 12);
        size_t end = s.p[i] == '&' ? td_find(rest, ';') : SIZE_MAX;
        struct td_slice name = td_sub(rest, 0, end);
        bool done = end != SIZE_MAX && name.n > 1 && name.p[0] == '#' && add_number(td_sub(name, 1, name.n), out);
        for (size_t k = 0; end != SIZE_MAX && !done && k < TD_COUNTOF(known); k++) {
            done = td_eqs(name, known[k].name);
            if (done)
                td_buf_addc(out, known[k].c);
        }
        if (done)
            i += end + 1;
        else if (s.p[i] != '\0')
            td_buf_addc(out, s.p[i]);
    }
}

static const char *decode(struct reader *r, struct td_slice s)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf b;
    td_buf_init(&b, s.n * 4 + 16);
    add_text(&b, s);
    struct td_slice text = td_buf_slice(&b);
    return td_utf8_ok(text) ? td_arena_text(r->arena, text) : "";
}

static struct td_slice attr_of(const struct tag *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (td_ieqs(t->attrs[i].name, name))
            return t->attrs[i].value;
    return (struct td_slice){NULL, 0};
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->in.n && is_blank(r->in.p[r->at]))
        r->at++;
}

/* Octets up to one of the stops, which stays unread. */
static struct td_slice until(struct reader *r, const char *stops)
{
    size_t from = r->at;
    while (r->at < r->in.n && strchr(stops, r->in.p[r->at]) == NULL)
        r->at++;
    return td_sub(r->in, from, r->at - from);
}

static struct td_slice read_value(struct reader *r)
{
    skip_blanks(r);
    char quote = r->at < r->in.n ? r->in.p[r->at] : '\0';
    if (quote != '"' && quote != '\'')
        return until(r, " \t\r\n\f>");
    r->at++;
    struct td_slice value = until(r, quote == '"' ? "\"" : "'");
    r->at += r->at < r->in.n;
    return value;
}

/* Stands behind '<'; leaves r behind '>'. */
static void read_tag(struct reader *r, struct tag *t)
{
    t->count = 0;
    t->closing = r->at < r->in.n && r->in.p[r->at] == '/';
    r->at += t->closing;
    t->name = until(r, " \t\r\n\f>/");
    while (r->at < r->in.n && r->in.p[r->at] != '>') {
        size_t before = r->at;
        skip_blanks(r);
        struct attr one = {.name = until(r, " \t\r\n\f>=/")};
        skip_blanks(r);
        if (r->at < r->in.n && r->in.p[r->at] == '=' && one.name.n != 0) {
            r->at++;
            one.value = read_value(r);
        } else {
            one.value = td_sub(r->in, r->at, 0);
        }
        if (one.name.n != 0 && t->count < HTML_MAX_ATTRS)
            t->attrs[t->count++] = one;
        r->at += r->at == before; /* a lone '/' or '=' */
    }
    r->at += r->at < r->in.n;
}

static enum td_code open_form(struct reader *r, const struct tag *t, struct td_error *err)
{
    if (r->page->form_count == TD_HTML_MAX_FORMS)
        return td_fail(err, TD_ELIMIT, "form", "more than %d on one page", TD_HTML_MAX_FORMS);
    r->form = &r->page->forms[r->page->form_count++];
    r->form->action = decode(r, td_trim(attr_of(t, "action")));
    r->form->post = td_ieqs(attr_of(t, "method"), "post");
    return TD_OK;
}

static enum td_code add_field(struct reader *r, const struct tag *t, const char *otherwise, struct td_error *err)
{
    if (r->form == NULL || attr_of(t, "disabled").p != NULL)
        return TD_OK;
    if (r->form->count == TD_HTML_MAX_FIELDS)
        return td_fail(err, TD_ELIMIT, "form", "more than %d fields", TD_HTML_MAX_FIELDS);
    struct td_html_field *f = &r->form->fields[r->form->count++];
    struct td_slice type = attr_of(t, "type");
    char *kind = td_arena_text(r->arena, type.n != 0 ? type : td_str(otherwise));
    td_lower(kind);
    f->type = kind;
    f->name = decode(r, attr_of(t, "name"));
    f->value = decode(r, attr_of(t, "value"));
    f->checked = attr_of(t, "checked").p != NULL;
    return TD_OK;
}

static void begin_text(struct reader *r, const struct tag *t, const char **into)
{
    if (r->text_into != NULL || **into != '\0')
        return;
    r->text_into = into;
    r->text_end = t->name;
    td_buf_reset(&r->text);
}

static void end_text(struct reader *r)
{
    *r->text_into = decode(r, td_trim(td_buf_slice(&r->text)));
    r->text_into = NULL;
}

/* Script and style hold text that is no markup. */
static void skip_raw(struct reader *r, struct td_slice name)
{
    while (r->at < r->in.n) {
        struct td_slice rest = td_sub(r->in, r->at, r->in.n);
        size_t close = td_search(rest, TD_S("</"));
        if (close == SIZE_MAX) {
            r->at = r->in.n;
            return;
        }
        r->at += close + 2;
        if (td_ieq(td_sub(r->in, r->at, name.n), name)) {
            (void)until(r, ">");
            return;
        }
    }
}

static enum td_code on_tag(struct reader *r, const struct tag *t, struct td_error *err)
{
    if (r->text_into != NULL && t->closing && td_ieq(t->name, r->text_end))
        end_text(r);
    if (t->closing) {
        if (td_ieqs(t->name, "form"))
            r->form = NULL;
        return TD_OK;
    }
    if (td_ieqs(t->name, "script") || td_ieqs(t->name, "style"))
        skip_raw(r, t->name);
    if (td_ieqs(t->name, "title"))
        begin_text(r, t, &r->page->title);
    if (td_ieqs(attr_of(t, "role"), "alert"))
        begin_text(r, t, &r->page->alert);
    else if (td_ieqs(t->name, "p"))
        begin_text(r, t, &r->page->text);
    if (td_ieqs(t->name, "form"))
        return open_form(r, t, err);
    if (td_ieqs(t->name, "input"))
        return add_field(r, t, "text", err);
    if (td_ieqs(t->name, "button"))
        return add_field(r, t, "submit", err);
    return TD_OK;
}

static void on_text(struct reader *r, struct td_slice text)
{
    if (r->text_into != NULL && r->text.n < HTML_MAX_TEXT)
        td_buf_add(&r->text, td_sub(text, 0, HTML_MAX_TEXT - r->text.n));
}

static void skip_comment(struct reader *r)
{
    size_t end = td_search(td_sub(r->in, r->at, r->in.n), TD_S("-->"));
    r->at = end == SIZE_MAX ? r->in.n : r->at + end + 3;
}

static enum td_code walk(struct reader *r, struct td_error *err)
{
    struct tag t;
    while (r->at < r->in.n) {
        on_text(r, until(r, "<"));
        if (r->at == r->in.n)
            break;
        r->at++;
        if (td_starts(td_sub(r->in, r->at, 3), "!--")) {
            skip_comment(r);
            continue;
        }
        read_tag(r, &t);
        td_try(on_tag(r, &t, err));
    }
    return TD_OK;
}

enum td_code td_html_read(struct td_slice page, struct td_arena *a, struct td_html *ret, struct td_error *err)
{
    if (page.n > TD_HTML_MAX)
        return td_fail(err, TD_ELIMIT, "page", "more than %d octets", TD_HTML_MAX);
    *ret = (struct td_html){
        .title = "", .alert = "", .text = "", .forms = td_arena_array(a, struct td_html_form, TD_HTML_MAX_FORMS)};
    struct reader r = {.in = page, .arena = a, .page = ret};
    td_buf_init(&r.text, HTML_MAX_TEXT);
    enum td_code rc = walk(&r, err);
    td_buf_done(&r.text);
    return rc;
}

bool td_html_typed(const struct td_html_field *f)
{
    static const char *const kinds[] = {"text", "email", "password", "tel", "number"};
    for (size_t i = 0; i < TD_COUNTOF(kinds); i++)
        if (strcmp(f->type, kinds[i]) == 0)
            return true;
    return false;
}

const struct td_html_form *td_html_main_form(const struct td_html *page)
{
    for (size_t i = 0; i < page->form_count; i++)
        for (size_t k = 0; k < page->forms[i].count; k++)
            if (td_html_typed(&page->forms[i].fields[k]))
                return &page->forms[i];
    return page->form_count != 0 ? &page->forms[0] : NULL;
}
