/* The tables of the administration interface against each other: types, enums, views and sets. Whoever misspells a
 * column or a word finds it here. */
#include "graph/graph.h"
#include "graph/types.h"
#include "test.h"

#include <string.h>

static int faults;

static void TD_PRINTF(1, 2) wrong(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vprint_error(fmt, args);
    va_end(args);
    print_error("\n");
    faults++;
}

typedef void for_set(const struct td_g_set *set);
static void each_set(for_set *fn)
{
    faults = 0;
    for (size_t f = 0; td_g_families[f] != NULL; f++)
        for (size_t i = 0; i < td_g_families[f]->count; i++)
            fn(&td_g_families[f]->sets[i]);
    assert_int_equal(faults, 0);
}

/* Types */

static void check_prop(const struct td_g_type *type, const struct td_g_prop *p)
{
    if (td_g_prop(type, td_str(p->name)) != p)
        wrong("%s.%s stands twice in the type and its bases", type->name, p->name);
    if (td_g_nav(type, td_str(p->name)) != NULL)
        wrong("%s.%s is a property and a navigation", type->name, p->name);
    if ((p->kind == TD_G_ENUM || p->kind == TD_G_COMPLEX) != (p->of != NULL))
        wrong("%s.%s: of", type->name, p->name);
    if (p->kind == TD_G_COMPLEX && p->of != NULL && !((const struct td_g_type *)p->of)->complex)
        wrong("%s.%s: %s is not complex", type->name, p->name, ((const struct td_g_type *)p->of)->name);
    if ((p->flags & TD_G_BETA) != 0 && (p->flags & TD_G_V1) != 0)
        wrong("%s.%s is shown nowhere", type->name, p->name);
    if ((p->flags & TD_G_NEEDED) != 0 && (p->flags & (TD_G_WRITE | TD_G_CREATE)) == 0)
        wrong("%s.%s is needed and not taken", type->name, p->name);
    if (p->min > p->max)
        wrong("%s.%s: bounds", type->name, p->name);
}

static void types_are_sound(void **state TD_UNUSED)
{
    faults = 0;
    for (size_t i = 0; td_g_types[i] != NULL; i++) {
        const struct td_g_type *t = td_g_types[i];
        if (td_g_type_named(td_str(t->name)) != t)
            wrong("type %s stands twice", t->name);
        if (t->base != NULL && (td_g_type_named(td_str(t->base->name)) != t->base || t->base->complex != t->complex))
            wrong("type %s: base", t->name);
        if (!t->complex && !td_g_is_a(t, &td_g_type_entity))
            wrong("type %s has no id", t->name);
        for (size_t p = 0; p < t->prop_count; p++)
            check_prop(t, &t->props[p]);
        for (size_t n = 0; n < t->nav_count; n++)
            if (t->navs[n].type == NULL || t->navs[n].type->complex)
                wrong("type %s: navigation %s", t->name, t->navs[n].name);
    }
    assert_int_equal(faults, 0);
}

static void names_are_found_in_every_dress(void **state TD_UNUSED)
{
    static const char *const forms[] = {
        "groupAssignmentTarget", "GROUPASSIGNMENTTARGET", "microsoft.graph.groupAssignmentTarget",
        "#microsoft.graph.groupAssignmentTarget", "#Microsoft.Graph.GroupAssignmentTarget"};
    for (size_t i = 0; i < TD_COUNTOF(forms); i++)
        assert_ptr_equal(td_g_type_named(td_str(forms[i])), &td_g_type_group_target);
    assert_null(td_g_type_named(TD_S("group.AssignmentTarget")));
    assert_non_null(td_g_prop(&td_g_type_exclusion_target, TD_S("GROUPID")));
    assert_true(td_g_is_a(&td_g_type_exclusion_target, &td_g_type_target));
    assert_false(td_g_is_a(&td_g_type_all_devices_target, &td_g_type_group_target));
}

static void words_are_unique(void **state TD_UNUSED)
{
    faults = 0;
    for (size_t i = 0; td_g_enums[i] != NULL; i++) {
        const struct td_g_enum *e = td_g_enums[i];
        for (size_t w = 0; e->words[w] != NULL; w++) {
            int number = e->numbers != NULL ? e->numbers[w] : (int)w;
            const char *word = td_g_enum_word(e, number);
            if (td_g_enum_number(e, td_str(e->words[w])) != number || word != e->words[w])
                wrong("enum %s: %s", e->name, e->words[w]);
        }
        for (size_t k = i + 1; td_g_enums[k] != NULL; k++)
            if (strcmp(e->name, td_g_enums[k]->name) == 0)
                wrong("enum %s stands twice", e->name);
    }
    assert_int_equal(faults, 0);
}

/* Sets and their views */

static const char *column_text(const struct td_g_set *set, const char *name)
{
    return set->view != NULL && name != NULL && td_view_column_at(set->view, td_str(name)) < 0 ? name : NULL;
}

/* The enum's word of each number that the column knows is the column's. */
static void check_words(const struct td_g_set *set, const struct td_view_column *c, const struct td_g_prop *p)
{
    if (c->type != TD_V_ENUM || p->kind != TD_G_ENUM || c->words == NULL)
        return;
    for (size_t i = 0; c->words[i] != NULL; i++)
        if (c->words[i][0] != '\0' && td_g_enum_number(p->of, td_str(c->words[i])) < 0)
            wrong("%s: column %s has the word %s, which %s lacks", set->path, c->name, c->words[i],
                  ((const struct td_g_enum *)p->of)->name);
}

static void check_kind(const struct td_g_set *set, const struct td_view_column *c, const struct td_g_prop *p)
{
    bool many = (p->flags & TD_G_MANY) != 0;
    bool fits = c->type == TD_V_TEXTS || c->type == TD_V_JSON    ? many || p->kind == TD_G_COMPLEX || p->write != NULL
                : many                                           ? c->type == TD_V_TEXT || p->write != NULL
                : p->kind == TD_G_BOOL                           ? c->type == TD_V_BOOL
                : p->kind == TD_G_TIME                           ? c->type == TD_V_TIME
                : p->kind == TD_G_INT32 || p->kind == TD_G_INT64 ? c->type == TD_V_INT
                : p->kind == TD_G_STRING || p->kind == TD_G_GUID ? c->type == TD_V_TEXT || c->type == TD_V_ENUM
                                                                 : true;
    if (!fits && p->write == NULL)
        wrong("%s: column %s is of another kind than the property", set->path, c->name);
}

/* In the set's type, its bases and what stands on it. */
static const struct td_g_prop *prop_of(const struct td_g_set *set, struct td_slice name)
{
    const struct td_g_prop *p = NULL;
    for (size_t i = 0; p == NULL && td_g_types[i] != NULL; i++)
        if (td_g_is_a(td_g_types[i], set->type))
            p = td_g_prop(td_g_types[i], name);
    return p;
}

static void check_column(const struct td_g_set *set, const struct td_view_column *c)
{
    struct td_slice name = td_str(c->name), head, rest;
    if (td_starts(name, "microsoft.graph."))
        name = td_cut(name, '/', &head);
    const struct td_g_prop *p = prop_of(set, name);
    rest = td_cut(name, '/', &head);
    const struct td_g_prop *outer = p == NULL && rest.n != 0 ? prop_of(set, head) : NULL;
    if (outer != NULL && outer->kind == TD_G_COMPLEX && td_find(rest, '/') == SIZE_MAX)
        p = td_g_prop(outer->of, rest);
    if (p != NULL) {
        check_words(set, c, p);
        check_kind(set, c, p);
    }
}

static void check_view(const struct td_g_set *set)
{
    if (set->view == NULL) {
        if ((set->flags & TD_G_EMPTY) == 0)
            wrong("%s has neither rows nor is it empty", set->path);
        return;
    }
    const char *lacks = column_text(set, "id");
    lacks = lacks != NULL ? lacks : column_text(set, set->parent);
    lacks = lacks != NULL ? lacks : column_text(set, set->alternate);
    lacks = lacks != NULL ? lacks : column_text(set, set->view->type_column);
    if (lacks != NULL)
        wrong("%s: the view has no column %s", set->path, lacks);
    if (set->rows == NULL && set->view->from == NULL)
        wrong("%s: neither rows in memory nor a table", set->path);
    if (set->view->from != NULL && (set->view->tenant == NULL || set->view->key == NULL))
        wrong("%s: a view of a table has a tenant and a key", set->path);
    for (size_t i = 0; i < set->view->count; i++)
        check_column(set, &set->view->columns[i]);
}

static void views_fit_their_types(void **state TD_UNUSED)
{
    each_set(check_view);
}

/* What is shown and never made: neither column nor writer, and no value that stands for it. */
static bool has_columns_under(const struct td_view *v, const char *name)
{
    char prefix[128];
    snprintf(prefix, sizeof(prefix), "%s/", name);
    for (size_t i = 0; i < v->count; i++)
        if (td_istarts(td_str(v->columns[i].name), prefix))
            return true;
    return false;
}

static void check_made(const struct td_g_set *set)
{
    if (set->view == NULL)
        return;
    for (const struct td_g_type *t = set->type; t != NULL; t = t->base)
        for (size_t i = 0; i < t->prop_count; i++) {
            const struct td_g_prop *p = &t->props[i];
            bool made = td_view_column_at(set->view, td_str(p->name)) >= 0 || p->write != NULL ||
                        has_columns_under(set->view, p->name) || p->otherwise != NULL;
            bool taken = (p->flags & (TD_G_WRITE | TD_G_CREATE)) != 0 && (p->flags & TD_G_SECRET) == 0;
            if (!made && taken && (set->create != NULL || set->update != NULL))
                wrong("%s: %s.%s is taken and never shown", set->path, t->name, p->name);
        }
}

static void what_is_taken_is_shown(void **state TD_UNUSED)
{
    each_set(check_made);
}

static size_t places(const char *path)
{
    size_t n = 0;
    for (; *path != '\0'; path++)
        n += *path == '{';
    return n;
}

static void check_set(const struct td_g_set *set)
{
    size_t same = 0;
    for (size_t f = 0; td_g_families[f] != NULL; f++)
        for (size_t i = 0; i < td_g_families[f]->count; i++)
            same += strcasecmp(td_g_families[f]->sets[i].path, set->path) == 0;
    if (same != 1)
        wrong("%s stands %zu times", set->path, same);
    if (set->type == NULL || set->type->complex)
        wrong("%s has no entity type", set->path);
    if (places(set->path) >= TD_G_MAX_KEYS)
        wrong("%s has too many keys", set->path);
    if (set->parent != NULL && places(set->path) == 0)
        wrong("%s has a parent column and no parent", set->path);
    if (set->view != NULL && set->rows == NULL && places(set->path) != 0 && set->parent == NULL)
        wrong("%s shows the rows of every parent", set->path);
    if (set->about == NULL)
        wrong("%s has no sentence for docs/graph.md", set->path);
    for (size_t i = 0; i < set->action_count; i++) {
        const struct td_g_action *a = &set->actions[i];
        if ((a->run == NULL) != ((a->flags & TD_G_NOT_OFFERED) != 0))
            wrong("%s/%s: run or not offered", set->path, a->name);
        for (size_t k = i + 1; k < set->action_count; k++)
            if (strcasecmp(a->name, set->actions[k].name) == 0 &&
                ((a->flags ^ set->actions[k].flags) & TD_G_ON_SET) == 0)
                wrong("%s/%s stands twice", set->path, a->name);
    }
}

static void sets_are_sound(void **state TD_UNUSED)
{
    each_set(check_set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_sound),        cmocka_unit_test(names_are_found_in_every_dress),
        cmocka_unit_test(words_are_unique),       cmocka_unit_test(views_fit_their_types),
        cmocka_unit_test(what_is_taken_is_shown), cmocka_unit_test(sets_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
