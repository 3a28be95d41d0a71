#include "graph/metadata.h"

#include "base/fault.h"
#include "graph/error.h"
#include "graph/graph.h"

/* Names in the tables are identifiers of ours: nothing in them needs escaping. */
enum { MAX_NESTED = 256 };

struct writer {
    struct td_buf *out;
    bool beta;
    struct nested { /* sets inside entities, with the type of those */
        const struct td_g_set *set;
        const struct td_g_type *parent;
    } nested[MAX_NESTED];
    size_t nested_count;
};

typedef void for_set(struct writer *w, const struct td_g_set *set, void *ctx);

static void each_set(struct writer *w, for_set *fn, void *ctx)
{
    for (size_t f = 0; td_g_families[f] != NULL; f++)
        for (size_t i = 0; i < td_g_families[f]->count; i++)
            fn(w, &td_g_families[f]->sets[i], ctx);
}

static bool has_type(const struct writer *w, const struct td_g_type *type)
{
    for (; type != NULL; type = type->base)
        if (type->beta && !w->beta)
            return false;
    return true;
}

static bool has_member(const struct writer *w, unsigned flags)
{
    return (flags & (w->beta ? TD_G_V1 : TD_G_BETA)) == 0 || td_fault("metadata-all-members");
}

/* ---- types ---- */

static const char *primitive(enum td_g_kind kind)
{
    static const char *const names[] = {
        [TD_G_STRING] = "String", [TD_G_BOOL] = "Boolean",  [TD_G_INT32] = "Int32",
        [TD_G_INT64] = "Int64",   [TD_G_DOUBLE] = "Double", [TD_G_TIME] = "DateTimeOffset",
        [TD_G_GUID] = "Guid",     [TD_G_BINARY] = "Binary", [TD_G_DURATION] = "Duration",
    };
    return names[kind];
}

static void write_prop(struct writer *w, const struct td_g_prop *p)
{
    const char *name, *space = "graph";
    if (p->kind == TD_G_ENUM) {
        name = ((const struct td_g_enum *)p->of)->name;
    } else if (p->kind == TD_G_COMPLEX) {
        if (!has_type(w, p->of))
            return;
        name = ((const struct td_g_type *)p->of)->name;
    } else {
        name = primitive(p->kind);
        space = "Edm";
    }
    const bool many = (p->flags & TD_G_MANY) != 0;
    td_buf_printf(w->out, "<Property Name=\"%s\" Type=\"%s%s.%s%s\"%s/>\n", p->name, many ? "Collection(" : "", space,
                  name, many ? ")" : "", (p->flags & TD_G_NULLABLE) != 0 ? "" : " Nullable=\"false\"");
}

static void write_nav(struct writer *w, const char *name, const struct td_g_type *type, bool many, bool contained)
{
    if (!has_type(w, type))
        return;
    td_buf_printf(w->out, "<NavigationProperty Name=\"%s\" Type=\"%sgraph.%s%s\"%s/>\n", name,
                  many ? "Collection(" : "", type->name, many ? ")" : "", contained ? " ContainsTarget=\"true\"" : "");
}

static struct td_slice last_segment(struct td_slice path)
{
    size_t from = path.n;
    while (from != 0 && path.p[from - 1] != '/')
        from--;
    return td_sub(path, from, path.n);
}

struct parent_search {
    struct td_slice path;
    const struct td_g_type *found;
};

static void compare_path(struct writer *w TD_UNUSED, const struct td_g_set *set, void *ctx)
{
    struct parent_search *s = ctx;
    if (td_eqs(s->path, set->path))
        s->found = set->type;
}

/* Of "a/b/{id}/name": the type of the set "a/b". */
static const struct td_g_type *parent_type(struct td_slice path)
{
    static const char place[] = "/{id}/";
    const struct td_slice last = last_segment(path);
    struct parent_search s = {.path = td_sub(path, 0, path.n - last.n)};
    if (!td_ends(s.path, place))
        return NULL;
    s.path.n -= sizeof(place) - 1;
    each_set(NULL, compare_path, &s);
    return s.found;
}

static void note_nested(struct writer *w, const struct td_g_set *set, void *ctx TD_UNUSED)
{
    const struct td_g_type *parent = parent_type(td_str(set->path));
    if (parent != NULL && w->nested_count < MAX_NESTED)
        w->nested[w->nested_count++] = (struct nested){set, parent};
}

/* A set nested in an entity is a relation of its type, also where the type's own table does not name it. */
static void write_nested(struct writer *w, const struct td_g_type *type)
{
    for (size_t i = 0; i < w->nested_count; i++) {
        const struct td_g_set *set = w->nested[i].set;
        const struct td_slice name = last_segment(td_str(set->path));
        if (w->nested[i].parent == type && td_g_nav(type, name) == NULL && td_g_prop(type, name) == NULL)
            write_nav(w, set->path + strlen(set->path) - name.n, set->type, (set->flags & TD_G_SINGLETON) == 0, true);
    }
}

static void write_members_of_root(struct writer *w, const struct td_g_set *set, void *ctx);

static void write_type(struct writer *w, const struct td_g_type *t)
{
    const char *element = t->complex ? "ComplexType" : "EntityType";
    td_buf_printf(w->out, "<%s Name=\"%s\"", element, t->name);
    if (t->base != NULL)
        td_buf_printf(w->out, " BaseType=\"graph.%s\"", t->base->name);
    td_buf_printf(w->out, "%s>\n", t->abstract ? " Abstract=\"true\"" : "");
    if (!t->complex && t->base == NULL)
        td_buf_adds(w->out, "<Key><PropertyRef Name=\"id\"/></Key>\n");
    for (size_t i = 0; i < t->prop_count; i++)
        if (has_member(w, t->props[i].flags))
            write_prop(w, &t->props[i]);
    for (size_t i = 0; i < t->nav_count; i++)
        if (has_member(w, t->navs[i].flags))
            write_nav(w, t->navs[i].name, t->navs[i].type, (t->navs[i].flags & TD_G_MANY) != 0, false);
    if (!t->complex) {
        write_nested(w, t);
        each_set(w, write_members_of_root, (void *)(uintptr_t)t);
    }
    td_buf_printf(w->out, "</%s>\n", element);
}

static void write_enum(struct writer *w, const struct td_g_enum *e)
{
    td_buf_printf(w->out, "<EnumType Name=\"%s\"%s>\n", e->name, e->flags ? " IsFlags=\"true\"" : "");
    for (size_t i = 0; e->words[i] != NULL; i++)
        td_buf_printf(w->out, "<Member Name=\"%s\" Value=\"%d\"/>\n", e->words[i],
                      e->numbers != NULL ? e->numbers[i] : (int)i);
    td_buf_printf(w->out, "</EnumType>\n");
}

/* ---- the first segments that hold sets: deviceManagement and its like ---- */

/* "deviceManagement" of "deviceManagement/x"; {NULL,0} of other paths. */
static struct td_slice root_of(const char *path)
{
    struct td_slice head, tail = td_cut(td_str(path), '/', &head);
    return tail.n != 0 && td_find(tail, '/') == SIZE_MAX && td_find(tail, '{') == SIZE_MAX ? head
                                                                                           : (struct td_slice){0};
}

struct root {
    struct td_slice name;
    const struct td_g_set *first; /* the set that is asked for its root, and whether one before it had the same */
    bool before, reached;
};

static void look_before(struct writer *w TD_UNUSED, const struct td_g_set *set, void *ctx)
{
    struct root *r = ctx;
    r->reached = r->reached || set == r->first;
    r->before = r->before || (!r->reached && td_eq(root_of(set->path), r->name));
}

static bool is_first_of_root(struct writer *w, const struct td_g_set *set, struct root *ret)
{
    *ret = (struct root){.name = root_of(set->path), .first = set};
    each_set(w, look_before, ret);
    return ret->name.n != 0 && !ret->before;
}

/* The name of a root's type: its own, but for the one that the real service calls otherwise. */
static struct td_slice root_type(struct td_slice name)
{
    return td_eqs(name, "auditLogs") ? TD_S("auditLogRoot") : name;
}

static void write_root_member(struct writer *w, const struct td_g_set *set, void *ctx)
{
    const struct root *r = ctx;
    if (td_eq(root_of(set->path), r->name))
        write_nav(w, set->path + r->name.n + 1, set->type, (set->flags & TD_G_SINGLETON) == 0, true);
}

/* A root that has a type of its own in the model: its sets are relations of that type. */
static void write_members_of_root(struct writer *w, const struct td_g_set *set, void *ctx)
{
    const struct td_g_type *type = ctx;
    struct root r;
    if (td_eqs(root_type(root_of(set->path)), type->name) && is_first_of_root(w, set, &r))
        each_set(w, write_root_member, &r);
}

static void write_root(struct writer *w, const struct td_g_set *set, void *ctx TD_UNUSED)
{
    struct root r;
    if (!is_first_of_root(w, set, &r) || td_g_type_named(root_type(r.name)) != NULL)
        return;
    td_buf_printf(w->out, "<EntityType Name=\"%.*s\" BaseType=\"graph.entity\">\n", TD_FMT(root_type(r.name)));
    each_set(w, write_root_member, &r);
    td_buf_adds(w->out, "</EntityType>\n");
}

static void write_root_singleton(struct writer *w, const struct td_g_set *set, void *ctx TD_UNUSED)
{
    struct root r;
    struct parent_search own = {0};
    if (!is_first_of_root(w, set, &r))
        return;
    own.path = r.name;
    each_set(w, compare_path, &own);
    if (own.found == NULL)
        td_buf_printf(w->out, "<Singleton Name=\"%.*s\" Type=\"graph.%.*s\"/>\n", TD_FMT(r.name),
                      TD_FMT(root_type(r.name)));
}

static void write_set(struct writer *w, const struct td_g_set *set, void *ctx TD_UNUSED)
{
    if (strchr(set->path, '/') != NULL || !has_type(w, set->type))
        return;
    if ((set->flags & TD_G_SINGLETON) != 0)
        td_buf_printf(w->out, "<Singleton Name=\"%s\" Type=\"graph.%s\"/>\n", set->path, set->type->name);
    else
        td_buf_printf(w->out, "<EntitySet Name=\"%s\" EntityType=\"graph.%s\"/>\n", set->path, set->type->name);
}

/* ---- actions and functions ---- */

static const char *primitive_named(struct td_slice name)
{
    static const char *const names[] = {"String", "Boolean", "Int32",    "Int64",  "Double",        "Guid",
                                        "Binary", "Single",  "Duration", "Stream", "DateTimeOffset"};
    if (td_istarts(name, "Edm."))
        name = td_sub(name, 4, name.n);
    for (size_t i = 0; i < TD_COUNTOF(names); i++)
        if (td_ieqs(name, names[i]))
            return names[i];
    return td_ieqs(name, "Int") ? "Int32" : td_eqs(name, "DTO") ? "DateTimeOffset" : NULL;
}

static const char *enum_named(struct td_slice name)
{
    for (size_t i = 0; td_g_enums[i] != NULL; i++)
        if (td_ieqs(name, td_g_enums[i]->name))
            return td_g_enums[i]->name;
    return NULL;
}

/* " Type="..."" of what a table says: "String?", "Collection(String)", "importedDeviceIdentity". */
static void write_type_named(struct writer *w, struct td_slice text)
{
    const bool nullable = td_ends(text, "?");
    text = nullable ? td_sub(text, 0, text.n - 1) : text;
    const bool many = td_starts(text, "Collection(") && td_ends(text, ")");
    text = many ? td_sub(text, 11, text.n - 12) : text;
    text = td_g_plain_name(text);
    const char *edm = primitive_named(text), *word = enum_named(text);
    const struct td_g_type *type = td_g_type_named(text);
    const char *name = edm != NULL ? edm : word != NULL ? word : type != NULL && has_type(w, type) ? type->name : NULL;
    td_buf_printf(w->out, " Type=\"%s%s.%s%s\"%s", many ? "Collection(" : "",
                  name == NULL || edm != NULL ? "Edm" : "graph", name != NULL ? name : "Untyped", many ? ")" : "",
                  nullable ? "" : " Nullable=\"false\"");
}

static void write_params(struct writer *w, const char *params)
{
    struct td_slice rest = td_str(params), item, name;
    while (rest.n != 0) {
        rest = td_cut(rest, ',', &item);
        struct td_slice type = td_trim(td_cut(td_trim(item), ':', &name));
        td_buf_printf(w->out, "<Parameter Name=\"%.*s\"", TD_FMT(td_trim(name)));
        write_type_named(w, type);
        td_buf_adds(w->out, "/>\n");
    }
}

/* The same action may hang on several sets of one type; overloads differ in what they are bound to. */
struct bound {
    const struct td_g_set *set;
    const struct td_g_action *action;
    bool before, reached;
};

static bool same_binding(const struct bound *b, const struct td_g_set *set, const struct td_g_action *a)
{
    return set->type == b->set->type && td_ieqs(td_str(a->name), b->action->name) &&
           ((a->flags ^ b->action->flags) & TD_G_ON_SET) == 0 && (a->flags & TD_G_NOT_OFFERED) == 0;
}

static void look_before_action(struct writer *w TD_UNUSED, const struct td_g_set *set, void *ctx)
{
    struct bound *b = ctx;
    for (size_t i = 0; i < set->action_count && !b->reached; i++) {
        b->reached = set == b->set && &set->actions[i] == b->action;
        b->before = b->before || (!b->reached && same_binding(b, set, &set->actions[i]));
    }
}

static void write_action(struct writer *w, const struct td_g_set *set, const struct td_g_action *a)
{
    struct bound b = {.set = set, .action = a};
    const char *element = (a->flags & TD_G_FUNCTION) != 0 ? "Function" : "Action";
    const bool on_set = (a->flags & TD_G_ON_SET) != 0 && (set->flags & TD_G_SINGLETON) == 0;
    if ((a->flags & TD_G_NOT_OFFERED) != 0 || (!w->beta && (a->flags & TD_G_BETA_ONLY) != 0) || !has_type(w, set->type))
        return;
    each_set(w, look_before_action, &b);
    if (b.before)
        return;
    td_buf_printf(w->out,
                  "<%s Name=\"%s\" IsBound=\"true\">\n<Parameter Name=\"bindingParameter\" Type=\"%sgraph.%s%s\"/>\n",
                  element, a->name, on_set ? "Collection(" : "", set->type->name, on_set ? ")" : "");
    write_params(w, a->params);
    if (a->returns != NULL) {
        td_buf_adds(w->out, "<ReturnType");
        write_type_named(w, td_str(a->returns));
        td_buf_adds(w->out, "/>\n");
    }
    td_buf_printf(w->out, "</%s>\n", element);
}

static void write_actions(struct writer *w, const struct td_g_set *set, void *ctx TD_UNUSED)
{
    for (size_t i = 0; i < set->action_count; i++)
        write_action(w, set, &set->actions[i]);
}

/* ---- the document ---- */

void td_g_metadata_write(bool beta, struct td_buf *out)
{
    struct writer w = {.out = out, .beta = beta};
    each_set(&w, note_nested, NULL);
    td_buf_adds(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
                     "<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">\n"
                     "<edmx:DataServices>\n<Schema Namespace=\"microsoft.graph\" Alias=\"graph\" "
                     "xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">\n");
    for (size_t i = 0; td_g_enums[i] != NULL; i++)
        write_enum(&w, td_g_enums[i]);
    for (size_t i = 0; td_g_types[i] != NULL; i++)
        if (has_type(&w, td_g_types[i]))
            write_type(&w, td_g_types[i]);
    each_set(&w, write_root, NULL);
    each_set(&w, write_actions, NULL);
    td_buf_adds(out, "<EntityContainer Name=\"GraphService\">\n");
    each_set(&w, write_set, NULL);
    each_set(&w, write_root_singleton, NULL);
    td_buf_adds(out, "</EntityContainer>\n</Schema>\n</edmx:DataServices>\n</edmx:Edmx>\n");
}

void td_graph_metadata(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    if (req->method != TD_GET && req->method != TD_HEAD) {
        td_graph_error(ctx, req, reply, 405, "MethodNotAllowed", "The metadata document is read by GET.");
        return;
    }
    td_buf_reset(&reply->body);
    td_g_metadata_write(!td_istarts(req->path, "/v1.0/"), &reply->body);
    reply->status = 200;
    reply->content_type = "application/xml; charset=utf-8";
    (void)td_graph_headers(ctx, req, reply);
}
