/* graph-doc: the tables of docs/graph.md, from the sets that the service itself runs by (make docs); with the word
 * roles those of docs/tasks/roles.md, with the word actions those of docs/tasks/actions.md. */
#include "graph/doc.h"
#include "graph/graph.h"

#include <stdio.h>

static const char *word_of(enum td_right right)
{
    return td_access_rows[right].word;
}

static void put(bool there, const char *word, bool *first)
{
    if (!there)
        return;
    printf("%s%s", *first ? "" : ", ", word);
    *first = false;
}

static void methods(const struct td_g_set *s)
{
    bool first = true;
    const bool one = (s->flags & TD_G_SINGLETON) != 0, empty = (s->flags & TD_G_EMPTY) != 0;
    put(empty, "GET: always empty", &first);
    put(!empty && !one && (s->flags & TD_G_NO_LIST) == 0, "list", &first);
    put(!empty && (one || (s->flags & TD_G_ONE_BY_LIST) == 0), "GET", &first);
    put(s->create != NULL, "POST", &first);
    put(s->update != NULL, "PATCH", &first);
    put(s->remove != NULL, "DELETE", &first);
    put(s->put != NULL, "PUT", &first);
    put(s->add_ref != NULL, "POST `$ref`", &first);
    put(s->remove_ref != NULL || s->remove_refs != NULL, "DELETE `$ref`", &first);
}

static bool is_written(const struct td_g_set *s)
{
    return s->create != NULL || s->update != NULL || s->remove != NULL || s->put != NULL || s->add_ref != NULL ||
           s->remove_ref != NULL || s->remove_refs != NULL || s->told != NULL;
}

static void set_row(const struct td_g_set *s)
{
    printf("| `%s` | %s%s | ", s->path, s->type->name, (s->flags & TD_G_BETA_SHAPE) != 0 ? " (beta)" : "");
    methods(s);
    printf(" | %s | %s%s%s | %s |\n", word_of(s->read), is_written(s) ? word_of(s->write) : "-",
           s->drop != TD_RIGHT_SIGNED_IN ? ", DELETE " : "", s->drop != TD_RIGHT_SIGNED_IN ? word_of(s->drop) : "",
           s->about != NULL ? s->about : "");
}

static bool any_action(const struct td_g_family *f, bool offered)
{
    for (size_t i = 0; i < f->count; i++)
        for (size_t k = 0; k < f->sets[i].action_count; k++)
            if (((f->sets[i].actions[k].flags & TD_G_NOT_OFFERED) == 0) == offered)
                return true;
    return false;
}

static void action_row(const struct td_g_set *s, const struct td_g_action *a)
{
    const bool on_set = (a->flags & TD_G_ON_SET) != 0 || (s->flags & TD_G_SINGLETON) != 0;
    printf("| %s `%s%s/%s%s` | %s | %s | %s%s |\n", (a->flags & TD_G_FUNCTION) != 0 ? "GET" : "POST", s->path,
           on_set ? "" : "/{id}", a->name, (a->flags & TD_G_FUNCTION) != 0 ? "()" : "",
           a->params != NULL ? a->params : "-", a->returns != NULL ? a->returns : "204", word_of(a->right),
           (a->flags & TD_G_BETA_ONLY) != 0 ? " (beta)" : "");
}

static void actions(const struct td_g_family *f)
{
    if (!any_action(f, true))
        return;
    printf("\n| action | members of the body, or arguments | answers | right |\n|---|---|---|---|\n");
    for (size_t i = 0; i < f->count; i++)
        for (size_t k = 0; k < f->sets[i].action_count; k++)
            if ((f->sets[i].actions[k].flags & TD_G_NOT_OFFERED) == 0)
                action_row(&f->sets[i], &f->sets[i].actions[k]);
}

static void not_offered(const struct td_g_family *f)
{
    if (!any_action(f, false))
        return;
    for (size_t i = 0; i < f->count; i++) {
        bool first = true;
        for (size_t k = 0; k < f->sets[i].action_count; k++) {
            const struct td_g_action *a = &f->sets[i].actions[k];
            if ((a->flags & TD_G_NOT_OFFERED) == 0)
                continue;
            printf("%s%s%s%s%s", first ? "\nNot offered, 501: " : "; ", a->name, a->about != NULL ? " (" : "",
                   a->about != NULL ? a->about : "", a->about != NULL ? ")" : "");
            first = false;
        }
        if (!first)
            printf(" - of `%s`.\n", f->sets[i].path);
    }
}

static bool can_be_filtered(const struct td_view *v, const struct td_view_column *c)
{
    return c->type == TD_V_TEXTS ? c->items != NULL || v->from == NULL
                                 : c->type != TD_V_JSON && (c->sql != NULL || v->from == NULL);
}

/* Columns that are no property (helpers of a handler) are nothing that a caller would ask for. */
static bool is_property(const struct td_g_set *s, const char *name)
{
    struct td_slice head;
    (void)td_cut(td_str(name), '/', &head);
    const struct td_g_prop *p = td_g_prop(s->type, head);
    return p != NULL && (p->flags & TD_G_SECRET) == 0;
}

static bool is_asked(const struct td_g_set *s, const struct td_view_column *c)
{
    return can_be_filtered(s->view, c) && is_property(s, c->name);
}

/* A set of which nothing but the id can be asked is not listed. */
static void filters_of(const struct td_g_set *s, bool *any)
{
    size_t n = 0;
    if (s->view == NULL)
        return;
    for (size_t k = 0; k < s->view->count; k++)
        n += is_asked(s, &s->view->columns[k]);
    if (n < 2 || (s->flags & (TD_G_EMPTY | TD_G_SINGLETON)) != 0)
        return;
    printf("%s- `%s`: ", *any ? "" : "\nFilter and order by:\n\n", s->path);
    *any = true;
    for (size_t k = 0; k < s->view->count; k++) {
        const struct td_view_column *c = &s->view->columns[k];
        if (is_asked(s, c))
            printf("%s%s%s", c->name, c->type == TD_V_TEXTS ? " (any, all)" : "", --n != 0 ? ", " : "\n");
    }
}

static void filters(const struct td_g_family *f)
{
    bool any = false;
    for (size_t i = 0; i < f->count; i++)
        filters_of(&f->sets[i], &any);
}

static void family(const struct td_g_family *f)
{
    const size_t n = strlen(f->about);
    printf("\n### %.*s\n\n| path | type | methods | read | write | |\n|---|---|---|---|---|---|\n",
           (int)(n - td_ends(td_str(f->about), ".")), f->about);
    for (size_t i = 0; i < f->count; i++)
        set_row(&f->sets[i]);
    actions(f);
    not_offered(f);
    filters(f);
}

static void rights(void)
{
    printf("\n### Rights\n\n| right | for | scopes or application roles to read | to write |\n|---|---|---|---|\n");
    for (size_t i = 0; i < TD_RIGHT_COUNT; i++) {
        const struct td_access_row *r = &td_access_rows[i];
        printf("| %s | %s | %s | %s |\n", r->word, r->about, r->read_scopes[0] != '\0' ? r->read_scopes : "any token",
               r->write_scopes[0] != '\0' ? r->write_scopes : "any token");
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "roles") == 0) {
        td_doc_roles();
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "actions") == 0) {
        td_doc_actions();
        return 0;
    }
    for (size_t i = 0; td_g_families[i] != NULL; i++)
        family(td_g_families[i]);
    rights();
    printf("\n");
    return 0;
}
