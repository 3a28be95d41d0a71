#include "codec/soap.h"

#include "base/encode.h"

#include <string.h>

static const char ANONYMOUS[] = TD_NS_ADDRESSING "/anonymous";

/* Text of a node as a string, "" for a missing one; long texts are refused by the message readers. */
static const char *text_of(const struct td_xml *node, struct td_arena *a)
{
    return node == NULL ? "" : td_arena_text(a, td_xml_text(node));
}

static bool is_envelope(const struct td_xml *root)
{
    return td_xml_is(root, TD_NS_SOAP, "Envelope") || td_xml_is(root, TD_NS_SOAP11, "Envelope");
}

static enum td_code read_token(const struct td_xml *node, struct td_arena *a, struct td_soap_security *ret,
                               struct td_error *err)
{
    const char *type = td_xml_attr(node, "ValueType");
    ret->has_token = true;
    ret->token_type = td_arena_text(a, td_trim(td_str(type)));
    if (td_b64_decode(a, td_xml_text(node), TD_B64_ANY, &ret->token) != TD_OK)
        return td_fail(err, TD_EFORMAT, "Security", "the BinarySecurityToken is not base64");
    if (ret->token.n == 0)
        return td_fail(err, TD_EFORMAT, "Security", "the BinarySecurityToken is empty");
    return TD_OK;
}

static enum td_code read_security(const struct td_xml *node, struct td_arena *a, struct td_soap_security *ret,
                                  struct td_error *err)
{
    const struct td_xml *token = td_xml_child(node, TD_NS_WSSE, "BinarySecurityToken");
    if (td_xml_next(token, TD_NS_WSSE, "BinarySecurityToken") != NULL)
        return td_fail(err, TD_EFORMAT, "Security", "more than one BinarySecurityToken");
    if (token != NULL)
        td_try(read_token(token, a, ret, err));
    const struct td_xml *user = td_xml_child(node, TD_NS_WSSE, "UsernameToken");
    if (user != NULL) {
        ret->has_username = true;
        ret->username = text_of(td_xml_child(user, TD_NS_WSSE, "Username"), a);
        const struct td_xml *password = td_xml_child(user, TD_NS_WSSE, "Password");
        if (password != NULL)
            ret->password = td_bytes(password->text, password->text_len);
    }
    const struct td_xml *stamp = td_xml_child(node, TD_NS_WSU, "Timestamp");
    ret->created = text_of(td_xml_child(stamp, TD_NS_WSU, "Created"), a);
    ret->expires = text_of(td_xml_child(stamp, TD_NS_WSU, "Expires"), a);
    return TD_OK;
}

static enum td_code read_header(const struct td_xml *header, struct td_arena *a, struct td_soap *ret,
                                struct td_error *err)
{
    ret->action = text_of(td_xml_child(header, TD_NS_ADDRESSING, "Action"), a);
    ret->message_id = text_of(td_xml_child(header, TD_NS_ADDRESSING, "MessageID"), a);
    ret->relates_to = text_of(td_xml_child(header, TD_NS_ADDRESSING, "RelatesTo"), a);
    ret->to = text_of(td_xml_child(header, TD_NS_ADDRESSING, "To"), a);
    ret->activity_id = text_of(td_xml_child(header, TD_NS_DIAGNOSTICS, "ActivityId"), a);
    const struct td_xml *security = td_xml_child(header, TD_NS_WSSE, "Security");
    return security != NULL ? read_security(security, a, &ret->security, err) : TD_OK;
}

static void make_empty(struct td_soap *soap)
{
    *soap = (struct td_soap){.action = "", .message_id = "", .relates_to = "", .to = "", .activity_id = ""};
    soap->security = (struct td_soap_security){.token_type = "", .username = "", .created = "", .expires = ""};
    soap->security.token = soap->security.password = TD_S("");
}

enum td_code td_soap_parse(struct td_slice in, struct td_arena *a, struct td_soap *ret, struct td_error *err)
{
    struct td_xml *root;
    make_empty(ret);
    td_try(td_xml_parse(in, TD_SOAP_MAX, a, &root, err));
    if (!is_envelope(root))
        return td_fail(err, TD_EFORMAT, "Envelope", "the document is no SOAP envelope");
    const struct td_xml *body = td_xml_child(root, root->ns, "Body");
    if (body == NULL || body->child == NULL)
        return td_fail(err, TD_EFORMAT, "Body", "the envelope has no body");
    /* Before the header, so that a refused credential can still be answered by its operation. */
    ret->body = body->child;
    return read_header(td_xml_child(root, root->ns, "Header"), a, ret, err);
}

static void wipe_slice(struct td_slice *s)
{
    if (s->n != 0)
        td_wipe((void *)(uintptr_t)s->p, s->n); /* arena memory that the parser wrote for us */
    *s = TD_S("");
}

void td_soap_wipe(struct td_soap *soap)
{
    wipe_slice(&soap->security.password);
    wipe_slice(&soap->security.token);
}

static bool has(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static void write_marked(struct td_xmlw *w, const char *name, const char *text)
{
    td_xmlw_open(w, name);
    td_xmlw_attr(w, "s:mustUnderstand", "1");
    td_xmlw_text(w, td_str(text));
    td_xmlw_close(w);
}

static void write_addressing(struct td_xmlw *w, const struct td_soap *soap)
{
    if (has(soap->action))
        write_marked(w, "a:Action", soap->action);
    if (has(soap->message_id)) {
        td_xmlw_leaf(w, "a:MessageID", soap->message_id);
        td_xmlw_open(w, "a:ReplyTo");
        td_xmlw_leaf(w, "a:Address", ANONYMOUS);
        td_xmlw_close(w);
    }
    if (has(soap->to))
        write_marked(w, "a:To", soap->to);
    if (has(soap->activity_id)) {
        td_xmlw_open(w, "ActivityId");
        td_xmlw_attr(w, "CorrelationId", soap->activity_id);
        td_xmlw_attr(w, "xmlns", TD_NS_DIAGNOSTICS);
        td_xmlw_text(w, td_str(soap->activity_id));
        td_xmlw_close(w);
    }
    if (has(soap->relates_to))
        td_xmlw_leaf(w, "a:RelatesTo", soap->relates_to);
}

static void write_username(struct td_xmlw *w, const struct td_soap_security *s)
{
    td_xmlw_open(w, "wsse:UsernameToken");
    td_xmlw_attr(w, "u:Id", "uuid-cc1ccc1f-2fba-4bcf-b063-ffc0cac77917-4"); /* the literal of mde2.md 2.4 */
    td_xmlw_leaf(w, "wsse:Username", s->username);
    td_xmlw_open(w, "wsse:Password");
    td_xmlw_attr(w, "Type", TD_WSSE_PASSWORD_TEXT);
    td_xmlw_text(w, s->password);
    td_xmlw_close(w);
    td_xmlw_close(w);
}

void td_soap_base64(struct td_xmlw *w, struct td_slice bytes)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf first; /* may be a credential */
    td_buf_init(&first, 8);
    /* Three octets through the writer, which ends the start tag; the alphabet needs no escape, so the rest goes past
     * it. */
    td_b64_add(&first, td_sub(bytes, 0, 3));
    td_xmlw_text(w, td_buf_slice(&first));
    if (bytes.n > 3)
        td_b64_add(w->out, td_sub(bytes, 3, bytes.n));
}

static void write_token(struct td_xmlw *w, const struct td_soap_security *s)
{
    td_xmlw_open(w, "wsse:BinarySecurityToken");
    td_xmlw_attr(w, "ValueType", s->token_type);
    td_xmlw_attr(w, "EncodingType", TD_WSSE_BASE64);
    td_soap_base64(w, s->token);
    td_xmlw_close(w);
}

static void write_security(struct td_xmlw *w, const struct td_soap_security *s)
{
    bool stamped = has(s->created) && has(s->expires);
    if (!stamped && !s->has_token && !s->has_username)
        return;
    td_xmlw_open(w, "wsse:Security");
    td_xmlw_attr(w, "s:mustUnderstand", "1");
    td_xmlw_attr(w, "xmlns:wsse", TD_NS_WSSE);
    td_xmlw_attr(w, "xmlns:u", TD_NS_WSU);
    if (stamped) {
        td_xmlw_open(w, "u:Timestamp");
        td_xmlw_attr(w, "u:Id", "_0");
        td_xmlw_leaf(w, "u:Created", s->created);
        td_xmlw_leaf(w, "u:Expires", s->expires);
        td_xmlw_close(w);
    }
    if (s->has_token)
        write_token(w, s);
    if (s->has_username)
        write_username(w, s);
    td_xmlw_close(w);
}

void td_soap_begin(struct td_xmlw *w, const struct td_soap *soap)
{
    td_xmlw_open(w, "s:Envelope");
    td_xmlw_attr(w, "xmlns:s", TD_NS_SOAP);
    td_xmlw_attr(w, "xmlns:a", TD_NS_ADDRESSING);
    td_xmlw_open(w, "s:Header");
    write_addressing(w, soap);
    write_security(w, &soap->security);
    td_xmlw_close(w);
    td_xmlw_open(w, "s:Body");
    td_xmlw_attr(w, "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
    td_xmlw_attr(w, "xmlns:xsd", "http://www.w3.org/2001/XMLSchema");
}

enum td_code td_soap_end(struct td_xmlw *w, struct td_error *err)
{
    td_xmlw_close(w);
    td_xmlw_close(w);
    return td_buf_check(w->out, "SOAP envelope", err);
}
