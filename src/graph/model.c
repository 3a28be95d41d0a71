#include "graph/model.h"

#include "graph/types.h"

#include <string.h>

#define TYPE(name) &td_g_type_##name,
#define ENUM(name) &td_g_enum_##name,
const struct td_g_type *const td_g_types[] = {TD_G_ALL_TYPES(TYPE) NULL};
const struct td_g_enum *const td_g_enums[] = {TD_G_ALL_ENUMS(ENUM) NULL};

const struct td_g_prop *td_g_prop(const struct td_g_type *type, struct td_slice name)
{
    for (; type != NULL; type = type->base)
        for (size_t i = 0; i < type->prop_count; i++)
            if (td_ieqs(name, type->props[i].name))
                return &type->props[i];
    return NULL;
}

const struct td_g_nav *td_g_nav(const struct td_g_type *type, struct td_slice name)
{
    for (; type != NULL; type = type->base)
        for (size_t i = 0; i < type->nav_count; i++)
            if (td_ieqs(name, type->navs[i].name))
                return &type->navs[i];
    return NULL;
}

bool td_g_is_a(const struct td_g_type *type, const struct td_g_type *base)
{
    while (type != NULL && type != base)
        type = type->base;
    return type != NULL;
}

struct td_slice td_g_plain_name(struct td_slice name)
{
    static const char prefix[] = "microsoft.graph.";
    if (td_starts(name, "#"))
        name = td_sub(name, 1, name.n);
    return td_istarts(name, prefix) ? td_sub(name, sizeof(prefix) - 1, name.n) : name;
}

const struct td_g_type *td_g_type_named(struct td_slice name)
{
    name = td_g_plain_name(name);
    for (size_t i = 0; td_g_types[i] != NULL; i++)
        if (td_ieqs(name, td_g_types[i]->name))
            return td_g_types[i];
    return NULL;
}

static int number_at(const struct td_g_enum *e, size_t i)
{
    return e->numbers != NULL ? e->numbers[i] : (int)i;
}

int td_g_enum_number(const struct td_g_enum *e, struct td_slice word)
{
    for (size_t i = 0; e->words[i] != NULL; i++)
        if (td_ieqs(word, e->words[i]))
            return number_at(e, i);
    return -1;
}

const char *td_g_enum_word(const struct td_g_enum *e, int64_t number)
{
    for (size_t i = 0; e->words[i] != NULL; i++)
        if (number_at(e, i) == number)
            return e->words[i];
    return NULL;
}
