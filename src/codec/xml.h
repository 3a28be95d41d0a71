/* XML: bytes to a small tree and back. Expat stays behind this header.
 *
 * The reader refuses DOCTYPE and entities outright, resolves namespaces and bounds depth, nodes and text. Leading white
 * space before the root is accepted (MDE2 and SyncML clients send it). The tree lives in the caller's arena.
 * The writer escapes; it writes no declaration, no blanks between elements. Pure. */
#ifndef TD_CODEC_XML_H
#define TD_CODEC_XML_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    TD_XML_MAX_DEPTH = 48,
    TD_XML_MAX_NODES = 60000,
    TD_XML_MAX_ATTRS = 32,
    TD_XML_MAX_NAMESPACES = 64,
    TD_XML_MAX_NAMESPACE = 512 /* octets of one */
};

struct td_xml_attr {
    const char *ns, *name, *value; /* ns "" if none */
    struct td_xml_attr *next;
};

struct td_xml {
    const char *ns, *name; /* ns "" if none */
    const char *text;      /* all character data directly inside, joined; CDATA included */
    size_t text_len;
    struct td_xml_attr *attrs;            /* in document order */
    struct td_xml *parent, *child, *next; /* first child, next sibling */
};

/* max bounds the input's octets (TD_ELIMIT past it). */
enum td_code td_xml_parse(struct td_slice in, size_t max, struct td_arena *a, struct td_xml **ret_root,
                          struct td_error *err) TD_MUST_USE;

/* First child of that local name; ns NULL matches any namespace. All accept a NULL node and then give NULL or "". */
struct td_xml *td_xml_child(const struct td_xml *node, const char *ns, const char *name);
struct td_xml *td_xml_next(const struct td_xml *node, const char *ns, const char *name); /* next sibling of that name */
/* Walks "A/B/C" by local names. */
struct td_xml *td_xml_path(const struct td_xml *node, const char *path);
/* First in document order below node (node included). */
struct td_xml *td_xml_find(struct td_xml *node, const char *ns, const char *name);
bool td_xml_is(const struct td_xml *node, const char *ns, const char *name);
struct td_slice td_xml_text(const struct td_xml *node); /* trimmed */
struct td_slice td_xml_text_at(const struct td_xml *node, const char *path);
const char *td_xml_attr(const struct td_xml *node, const char *name); /* by local name, NULL if absent */

/* Writing: a start tag stays open for attributes until something else is written. The element names are the caller's
 * literals ("s:Body"); the writer closes them in order. */
struct td_xmlw {
    struct td_buf *out;
    const char *stack[TD_XML_MAX_DEPTH];
    int depth;
    bool tag_open;
};

void td_xmlw_init(struct td_xmlw *w, struct td_buf *out);
void td_xmlw_open(struct td_xmlw *w, const char *name);
void td_xmlw_attr(struct td_xmlw *w, const char *name, const char *value);
void td_xmlw_text(struct td_xmlw *w, struct td_slice text);
void td_xmlw_raw(struct td_xmlw *w, struct td_slice xml); /* elements that were checked and stand as they are */
void td_xmlw_close(struct td_xmlw *w);
void td_xmlw_leaf(struct td_xmlw *w, const char *name, const char *text); /* <name>text</name>, <name/> when empty */
void td_xmlw_leaf_s(struct td_xmlw *w, const char *name, struct td_slice text);
void td_xml_escape(struct td_buf *out, struct td_slice text, bool attribute);

#endif
