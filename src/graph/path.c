/* What a path stands for: its segments against the paths of the sets, in any case (graph-api.md 0.2, 0.9, 1.1). */
#include "graph/room.h"
#include "graph/types.h"

#include <string.h>

enum { MAX_ITEMS = 2 * TD_OD_MAX_SEGMENTS };

/* A segment x('k') is two items, x and the key k. */
struct item {
    const char *text;
    const char *key_name;
    bool key, of_arguments;
    const struct td_od_segment *segment;
};

struct walk {
    struct item items[MAX_ITEMS];
    size_t count, pos;
    struct td_g_target *t;
};

static void add_items(struct walk *w, const struct td_od_segment *s)
{
    const struct td_od_argument *first = &s->arguments[0];
    if (s->is_key_value) {
        w->items[w->count++] = (struct item){.text = first->value, .key_name = s->name, .key = true, .segment = s};
        return;
    }
    w->items[w->count++] = (struct item){.text = s->name, .key_name = "", .segment = s};
    if (s->has_arguments && s->argument_count != 0)
        w->items[w->count++] = (struct item){
            .text = first->value, .key_name = first->name, .key = true, .of_arguments = true, .segment = s};
}

static const struct item *here(const struct walk *w)
{
    return w->pos < w->count ? &w->items[w->pos] : NULL;
}

/* microsoft.graph.x as a segment of its own narrows what stands before it to that type. */
static void skip_casts(struct walk *w)
{
    for (const struct item *i = here(w); i != NULL && !i->key && td_istarts(td_str(i->text), "microsoft.graph.");
         i = here(w)) {
        const struct td_g_type *type = td_g_type_named(td_str(i->text));
        if (type == NULL)
            return;
        w->t->cast = type;
        w->pos++;
    }
}

static void take_key(struct walk *w)
{
    const struct item *i = here(w);
    if (w->t->key_count < TD_G_MAX_KEYS) {
        w->t->keys[w->t->key_count] = i->text;
        w->t->key_names[w->t->key_count++] = i->key_name;
    }
    w->pos++;
}

/* Walks the set's path as far as the items go with it; true at its end. */
static bool follow(struct walk *w, const char *path)
{
    struct td_slice rest = td_str(path), want;
    while (rest.n != 0) {
        rest = td_cut(rest, '/', &want);
        w->t->cast = NULL;
        skip_casts(w);
        const struct item *i = here(w);
        if (i == NULL)
            return false;
        if (td_starts(want, "{")) {
            take_key(w);
            continue;
        }
        if (i->key || !td_ieqs(want, i->text))
            return false;
        w->pos++;
    }
    w->t->cast = NULL;
    return true;
}

/* The set that goes farthest; *ret_far: how many items any set's path went along with. */
static bool best_set(const struct walk *begun, struct walk *ret, struct td_g_target *ret_t, size_t *ret_far,
                     bool *ret_inside)
{
    bool found = false;
    *ret_far = 1;
    *ret_inside = false;
    for (size_t f = 0; td_g_families[f] != NULL; f++)
        for (size_t s = 0; s < td_g_families[f]->count; s++) {
            const struct td_g_set *set = &td_g_families[f]->sets[s];
            struct td_g_target t = {.set = set};
            struct walk w = *begun;
            w.t = &t;
            bool whole = follow(&w, set->path);
            *ret_inside |= !whole && w.pos == w.count;
            *ret_far = TD_MAX(*ret_far, w.pos);
            if (!whole || (found && w.pos <= ret->pos))
                continue;
            found = true;
            *ret_t = t;
            *ret = w;
        }
    ret->t = ret_t;
    return found;
}

static const struct td_g_action *action_of(const struct td_g_set *set, const char *name, bool on_set)
{
    struct td_slice plain = td_g_plain_name(td_str(name));
    for (size_t i = 0; i < set->action_count; i++) {
        const struct td_g_action *a = &set->actions[i];
        bool fits = (set->flags & TD_G_SINGLETON) != 0 || ((a->flags & TD_G_ON_SET) != 0) == on_set;
        if (fits && td_ieqs(plain, a->name))
            return a;
    }
    return NULL;
}

/* An action is the last segment, but for the arguments of a function. */
static bool at_action(struct walk *w, bool on_set)
{
    const struct item *i = here(w);
    const struct td_g_action *action = i->key ? NULL : action_of(w->t->set, i->text, on_set);
    bool arguments = w->pos + 2 == w->count && w->items[w->pos + 1].of_arguments;
    if (action == NULL || (w->pos + 1 != w->count && !arguments))
        return false;
    w->t->at = TD_G_AT_ACTION;
    w->t->action = action;
    w->t->function = i->segment;
    return true;
}

static bool is_last(const struct walk *w, const char *name)
{
    const struct item *i = here(w);
    return w->pos + 1 == w->count && !i->key && td_ieqs(td_str(i->text), name);
}

static bool has_member(const struct td_g_set *set, struct td_slice name, const struct td_g_prop **ret_prop)
{
    bool known = td_g_nav(set->type, name) != NULL;
    *ret_prop = td_g_prop(set->type, name);
    for (size_t i = 0; !known && *ret_prop == NULL && td_g_types[i] != NULL; i++)
        if (td_g_is_a(td_g_types[i], set->type)) {
            known = td_g_nav(td_g_types[i], name) != NULL;
            *ret_prop = td_g_prop(td_g_types[i], name);
        }
    return known || *ret_prop != NULL;
}

/* Behind an entity's key. */
static bool in_entity(struct walk *w)
{
    skip_casts(w);
    const struct item *i = here(w);
    w->t->at = TD_G_AT_ENTITY;
    if (i == NULL || (w->t->set->flags & TD_G_EMPTY) != 0) /* nothing is there, and so nothing under it: 404 */
        return true;
    if (is_last(w, "$ref")) {
        w->t->at = TD_G_AT_REF;
        return true;
    }
    if (at_action(w, false))
        return true;
    if (i->key)
        return false;
    w->t->at = TD_G_AT_NOT_OFFERED;
    if (is_last(w, "$value"))
        return true;
    bool known = has_member(w->t->set, td_str(i->text), &w->t->prop);
    if (known && w->t->prop != NULL && w->pos + 1 == w->count)
        w->t->at = TD_G_AT_PROPERTY;
    return known;
}

/* Behind the set's own path. */
static bool in_set(struct walk *w)
{
    skip_casts(w);
    if ((w->t->set->flags & TD_G_SINGLETON) != 0)
        return in_entity(w);
    const struct item *i = here(w);
    w->t->at = TD_G_AT_SET;
    if (i == NULL)
        return true;
    if (is_last(w, "$count") || is_last(w, "$ref")) {
        w->t->at = td_ieqs(td_str(i->text), "$count") ? TD_G_AT_COUNT : TD_G_AT_REFS;
        return true;
    }
    if (at_action(w, true))
        return true;
    if (!i->key && i->text[0] == '$')
        return false;
    if (!i->key && td_g_known_function(w->t->set, td_str(i->text))) {
        w->t->at = TD_G_AT_NOT_OFFERED;
        return true;
    }
    take_key(w);
    return in_entity(w);
}

static enum td_code unknown(const struct item *i, struct td_error *err)
{
    return td_fail(err, TD_EINVAL, "", "Resource not found for the segment '%.100s'.", i->text);
}

enum td_code td_g_find(const struct td_od_path *path, struct td_g_target *ret, struct td_error *err)
{
    struct walk begun = {.pos = 1}, w = {.pos = 0};
    size_t far, from = 0;
    bool inside;
    for (size_t i = 0; i < path->count; i++)
        add_items(&begun, &path->segments[i]);
    if (begun.count > 2 && td_ieqs(td_str(begun.items[1].text), "myorganization"))
        from = 1; /* v1.0/myorganization/... */
    begun.pos += from;
    if (begun.pos >= begun.count)
        return td_fail(err, TD_ENOTOFFERED, "path", "the root itself is not offered");
    bool found = best_set(&begun, &w, ret, &far, &inside);
    if (found && in_set(&w))
        return TD_OK;
    const char *first = begun.items[begun.pos].text;
    const char *second = begun.pos + 1 < begun.count ? begun.items[begun.pos + 1].text : "";
    bool at_root = !found || (w.pos == begun.pos + 1 && (ret->set->flags & TD_G_SINGLETON) != 0);
    const char *stuck_at = found && w.pos < w.count ? w.items[w.pos].text : "";
    bool known = (inside && !found) || (at_root && td_g_known(td_str(first), td_str(second))) ||
                 (found && td_g_known_member(ret->set, td_str(stuck_at)));
    if (known) {
        *ret = (struct td_g_target){.at = TD_G_AT_NOT_OFFERED};
        return TD_OK;
    }
    size_t stuck = TD_MAX(found ? w.pos : 0, TD_MAX(far, begun.pos));
    return unknown(&begun.items[TD_MIN(stuck, begun.count - 1)], err);
}

static const struct td_g_set *set_of(const struct td_g_family *family, struct td_slice path)
{
    for (size_t i = 0; i < family->count; i++)
        if (td_eqs(path, family->sets[i].path))
            return &family->sets[i];
    return NULL;
}

const struct td_g_set *td_g_set_at(struct td_slice path)
{
    const struct td_g_set *set = NULL;
    for (size_t f = 0; set == NULL && td_g_families[f] != NULL; f++)
        set = set_of(td_g_families[f], path);
    return set;
}
