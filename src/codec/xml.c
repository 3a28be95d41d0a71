#include "codec/xml.h"

#include <expat.h>

/* Joins namespace and local name; cannot stand in either. */
static const char SEPARATOR = '\n';

struct reader {
    XML_Parser parser;
    struct td_arena *arena;
    struct td_xml *root, *at;
    struct td_xml *last[TD_XML_MAX_DEPTH + 1]; /* last child seen at each depth */
    struct td_buf text;                        /* of all open elements, one behind the other */
    size_t begins[TD_XML_MAX_DEPTH + 1]; /* where the text of each begins: a child's goes before its parent's goes on */
    const char *seen[TD_XML_MAX_NAMESPACES]; /* each namespace is kept once, however often it is used */
    int seen_count, seen_last;
    int depth, nodes;
    const char *why;
};

static void stop(struct reader *r, const char *why)
{
    if (r->why == NULL)
        r->why = why;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

/* Bounded in number and length: a name of ten octets may stand for a namespace of any length. */
static const char *kept_namespace(struct reader *r, struct td_slice ns)
{
    if (r->seen_count != 0 && td_eqs(ns, r->seen[r->seen_last]))
        return r->seen[r->seen_last];
    for (int i = 0; i < r->seen_count; i++)
        if (td_eqs(ns, r->seen[i]))
            return r->seen[r->seen_last = i];
    if (r->seen_count == TD_XML_MAX_NAMESPACES || ns.n > TD_XML_MAX_NAMESPACE) {
        stop(r, "too many namespaces, or one too long");
        return "";
    }
    r->seen_last = r->seen_count++;
    return r->seen[r->seen_last] = td_arena_text(r->arena, ns);
}

static void split_name(struct reader *r, const char *joined, const char **ret_ns, const char **ret_name)
{
    const char *end = strchr(joined, SEPARATOR);
    *ret_ns = end != NULL ? kept_namespace(r, td_bytes(joined, (size_t)(end - joined))) : "";
    *ret_name = td_arena_strdup(r->arena, end != NULL ? end + 1 : joined);
}

static void add_attrs(struct reader *r, struct td_xml *node, const char **attrs)
{
    struct td_xml_attr **tail = &node->attrs;
    for (int i = 0; attrs[i] != NULL; i += 2) {
        if (i / 2 >= TD_XML_MAX_ATTRS) {
            stop(r, "too many attributes on one element");
            return;
        }
        struct td_xml_attr *attr = td_arena_new(r->arena, struct td_xml_attr);
        split_name(r, attrs[i], &attr->ns, &attr->name);
        attr->value = td_arena_strdup(r->arena, attrs[i + 1]);
        *tail = attr;
        tail = &attr->next;
    }
}

static void XMLCALL on_start(void *ctx, const char *name, const char **attrs)
{
    struct reader *r = ctx;
    if (r->depth >= TD_XML_MAX_DEPTH) {
        stop(r, "elements nested too deep");
        return;
    }
    if (++r->nodes > TD_XML_MAX_NODES) {
        stop(r, "too many elements");
        return;
    }
    struct td_xml *node = td_arena_new(r->arena, struct td_xml);
    split_name(r, name, &node->ns, &node->name);
    node->text = "";
    node->parent = r->at;
    add_attrs(r, node, attrs);
    if (r->at == NULL)
        r->root = node;
    else if (r->last[r->depth] == NULL)
        r->at->child = node;
    else
        r->last[r->depth]->next = node;
    r->last[r->depth] = node;
    r->at = node;
    r->depth++;
    r->last[r->depth] = NULL;
    r->begins[r->depth] = r->text.n;
}

static void XMLCALL on_end(void *ctx, const char *name TD_UNUSED)
{
    struct reader *r = ctx;
    struct td_slice text = td_sub(td_buf_slice(&r->text), r->begins[r->depth], r->text.n);
    if (text.n != 0) {
        r->at->text = td_arena_text(r->arena, text);
        r->at->text_len = text.n;
    }
    r->text.n = r->begins[r->depth];
    r->at = r->at->parent;
    r->depth--;
}

static void XMLCALL on_text(void *ctx, const char *s, int len)
{
    struct reader *r = ctx;
    td_buf_add(&r->text, td_bytes(s, (size_t)len));
}

static void XMLCALL on_doctype(void *ctx, const char *name TD_UNUSED, const char *sysid TD_UNUSED,
                               const char *pubid TD_UNUSED, int internal TD_UNUSED)
{
    stop(ctx, "a document type is not accepted");
}

static enum td_code read_all(struct reader *r, struct td_slice in, struct td_error *err)
{
    if (XML_Parse(r->parser, in.p, (int)in.n, XML_TRUE) == XML_STATUS_OK && r->root != NULL)
        return TD_OK;
    if (r->why != NULL)
        return td_fail(err, TD_ELIMIT, "xml", "%s", r->why);
    return td_fail(err, TD_EFORMAT, "xml", "line %lu: %s", (unsigned long)XML_GetCurrentLineNumber(r->parser),
                   XML_ErrorString(XML_GetErrorCode(r->parser)));
}

enum td_code td_xml_parse(struct td_slice in, size_t max, struct td_arena *a, struct td_xml **ret_root,
                          struct td_error *err)
{
    if (in.n > max || in.n > INT32_MAX)
        return td_fail(err, TD_ELIMIT, "xml", "more than %zu bytes", max);
    while (in.n != 0 && (in.p[0] == ' ' || in.p[0] == '\t' || in.p[0] == '\r' || in.p[0] == '\n'))
        in = td_sub(in, 1, in.n);
    struct reader r = {.arena = a};
    r.parser = XML_ParserCreateNS(NULL, SEPARATOR);
    if (r.parser == NULL)
        return td_fail(err, TD_EUNAVAILABLE, "xml", "no memory for a parser");
    td_buf_init(&r.text, max);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    enum td_code rc = read_all(&r, in, err);
    XML_ParserFree(r.parser);
    td_buf_wipe(&r.text);
    if (rc == TD_OK)
        *ret_root = r.root;
    return rc;
}

bool td_xml_is(const struct td_xml *node, const char *ns, const char *name)
{
    return node != NULL && strcmp(node->name, name) == 0 && (ns == NULL || strcmp(node->ns, ns) == 0);
}

struct td_xml *td_xml_child(const struct td_xml *node, const char *ns, const char *name)
{
    for (struct td_xml *c = node != NULL ? node->child : NULL; c != NULL; c = c->next)
        if (td_xml_is(c, ns, name))
            return c;
    return NULL;
}

struct td_xml *td_xml_next(const struct td_xml *node, const char *ns, const char *name)
{
    for (struct td_xml *c = node != NULL ? node->next : NULL; c != NULL; c = c->next)
        if (td_xml_is(c, ns, name))
            return c;
    return NULL;
}

struct td_xml *td_xml_path(const struct td_xml *node, const char *path)
{
    struct td_slice rest = td_str(path), step;
    struct td_xml *found = NULL;
    while (rest.n != 0) {
        rest = td_cut(rest, '/', &step);
        found = NULL;
        for (struct td_xml *c = node != NULL ? node->child : NULL; c != NULL && found == NULL; c = c->next)
            if (td_eqs(step, c->name))
                found = c;
        node = found;
    }
    return found;
}

struct td_xml *td_xml_find(struct td_xml *node, const char *ns, const char *name)
{
    struct td_xml *top = node;
    while (node != NULL) {
        if (td_xml_is(node, ns, name))
            return node;
        if (node->child != NULL) {
            node = node->child;
            continue;
        }
        while (node != top && node->next == NULL)
            node = node->parent;
        node = node == top ? NULL : node->next;
    }
    return NULL;
}

struct td_slice td_xml_text(const struct td_xml *node)
{
    return node != NULL ? td_trim(td_bytes(node->text, node->text_len)) : TD_S("");
}

struct td_slice td_xml_text_at(const struct td_xml *node, const char *path)
{
    return td_xml_text(td_xml_path(node, path));
}

const char *td_xml_attr(const struct td_xml *node, const char *name)
{
    for (const struct td_xml_attr *a = node != NULL ? node->attrs : NULL; a != NULL; a = a->next)
        if (strcmp(a->name, name) == 0)
            return a->value;
    return NULL;
}

/* Octets at the beginning of text that stand in any XML as they are. */
static size_t plain_octets(struct td_slice text)
{
    char c = text.p[0];
    if ((unsigned char)c >= 0x80) /* U+FFFE and U+FFFF are no characters of XML */
        return td_starts(text, "\xEF\xBF\xBE") || td_starts(text, "\xEF\xBF\xBF") ? 0 : td_utf8_step(text);
    return (unsigned char)c >= 0x20 && c != '&' && c != '<' && c != '>' && c != '"';
}

void td_xml_escape(struct td_buf *out, struct td_slice text, bool attribute)
{
    size_t plain = 0; /* octets before i that go as they are */
    for (size_t i = 0, step; i < text.n; i += TD_MAX(step, 1)) {
        char c = text.p[i];
        step = plain_octets(td_sub(text, i, text.n));
        plain += step;
        if (step != 0)
            continue;
        if (plain != 0)
            td_buf_add(out, td_bytes(text.p + i - plain, plain));
        plain = 0;
        if (c == '&')
            td_buf_adds(out, "&amp;");
        else if (c == '<')
            td_buf_adds(out, "&lt;");
        else if (c == '>')
            td_buf_adds(out, "&gt;");
        else if (c == '"' && attribute)
            td_buf_adds(out, "&quot;");
        else if (c == '\r' || (attribute && (c == '\n' || c == '\t')))
            td_buf_printf(out, "&#%d;", c);
        else if (c == '"' || c == '\n' || c == '\t')
            td_buf_addc(out, c);
        /* other control characters, and what is no UTF-8, cannot stand in XML 1.0 in any form */
    }
    if (plain != 0)
        td_buf_add(out, td_bytes(text.p + text.n - plain, plain));
}

void td_xmlw_init(struct td_xmlw *w, struct td_buf *out)
{
    *w = (struct td_xmlw){.out = out};
}

static void end_tag(struct td_xmlw *w)
{
    if (w->tag_open)
        td_buf_addc(w->out, '>');
    w->tag_open = false;
}

void td_xmlw_open(struct td_xmlw *w, const char *name)
{
    end_tag(w);
    if (w->depth >= TD_XML_MAX_DEPTH)
        w->out->failed = true; /* still counted, so that every close has its open */
    else
        w->stack[w->depth] = name;
    w->depth++;
    td_buf_addc(w->out, '<');
    td_buf_adds(w->out, name);
    w->tag_open = true;
}

void td_xmlw_attr(struct td_xmlw *w, const char *name, const char *value)
{
    td_buf_addc(w->out, ' ');
    td_buf_adds(w->out, name);
    td_buf_adds(w->out, "=\"");
    td_xml_escape(w->out, td_str(value), true);
    td_buf_addc(w->out, '"');
}

void td_xmlw_text(struct td_xmlw *w, struct td_slice text)
{
    if (text.n == 0)
        return;
    end_tag(w);
    td_xml_escape(w->out, text, false);
}

void td_xmlw_raw(struct td_xmlw *w, struct td_slice xml)
{
    end_tag(w);
    td_buf_add(w->out, xml);
}

void td_xmlw_close(struct td_xmlw *w)
{
    w->depth--;
    if (w->depth >= TD_XML_MAX_DEPTH)
        return;
    const char *name = w->stack[w->depth];
    if (w->tag_open) {
        td_buf_adds(w->out, "/>");
        w->tag_open = false;
        return;
    }
    td_buf_adds(w->out, "</");
    td_buf_adds(w->out, name);
    td_buf_addc(w->out, '>');
}

void td_xmlw_leaf_s(struct td_xmlw *w, const char *name, struct td_slice text)
{
    td_xmlw_open(w, name);
    td_xmlw_text(w, text);
    td_xmlw_close(w);
}

void td_xmlw_leaf(struct td_xmlw *w, const char *name, const char *text)
{
    td_xmlw_leaf_s(w, name, td_str(text));
}
