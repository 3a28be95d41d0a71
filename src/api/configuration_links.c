/* Configuration items that name others: by name or id when they are written, by id from then on. */
#include "api/configuration.h"

static const struct link {
    const char *kind, *member;
    const char *kinds; /* of what may be named there */
    bool device;       /* of the device only: nobody has signed in where it is needed */
} LINKS[] = {
    {"domain-join", "networkAccess", " wifi vpn ", true},
    {"co-management", "client", " msi ", true},
    {"msi", "after", " msi ", false},
};

static const struct link *link_of(const char *kind, const char *member)
{
    for (size_t i = 0; i < TD_COUNTOF(LINKS); i++)
        if (strcmp(LINKS[i].kind, kind) == 0 && strcmp(LINKS[i].member, member) == 0)
            return &LINKS[i];
    return NULL;
}

struct linking {
    struct td_tx *tx;
    const char *tenant, *self;
    struct td_arena *a;
    struct td_jsonw w;
    struct td_error *err;
};

static bool is_of_a_person(const struct td_configuration *row, struct td_arena *a)
{
    struct td_json *json = NULL;
    if (td_json_parse(td_str(row->body), (size_t)TD_ITEM_MAX * 2, a, &json, NULL) != TD_OK)
        return false;
    const char *scope = td_json_str(json, "scope");
    return scope != NULL && strcmp(scope, "user") == 0;
}

static enum td_code write_id(struct linking *c, const struct link *link, const struct td_json *one)
{
    struct td_configuration row = {.id = ""};
    if (one->type != TD_JSON_STRING || one->str[0] == '\0')
        return td_fail(c->err, TD_EINVAL, link->member, "must name configuration items");
    enum td_code rc = td_configuration_find(c->tx, c->tenant, one->str, c->a, &row, c->err);
    if (rc == TD_ENOTFOUND)
        return td_remedy(c->err, td_fail(c->err, TD_EINVAL, link->member, "there is no item \"%.100s\"", one->str),
                         "Add that item first; touchdown policy list shows what is there.");
    td_try(rc);
    if (strstr(link->kinds, td_arena_printf(c->a, " %s ", row.kind)) == NULL)
        return td_fail(c->err, TD_EINVAL, link->member, "\"%.100s\" is of kind %s; it takes%s", one->str, row.kind,
                       link->kinds);
    if (link->device && is_of_a_person(&row, c->a))
        return td_fail(c->err, TD_EINVAL, link->member, "\"%.100s\" is a person's: the device needs it before",
                       one->str);
    if (strcmp(row.id, c->self) == 0)
        return td_fail(c->err, TD_EINVAL, link->member, "the item names itself");
    td_jsonw_str(&c->w, row.id);
    return TD_OK;
}

static enum td_code write_member(struct linking *c, const struct link *link, const struct td_json *m)
{
    td_jsonw_key(&c->w, m->name);
    if (link == NULL || (m->type == TD_JSON_STRING && m->str[0] == '\0')) {
        td_jsonw_tree(&c->w, m);
        return TD_OK;
    }
    if (m->type != TD_JSON_ARRAY)
        return write_id(c, link, m);
    td_jsonw_arr(&c->w);
    for (const struct td_json *one = m->child; one != NULL; one = one->next)
        td_try(write_id(c, link, one));
    td_jsonw_arr_end(&c->w);
    return TD_OK;
}

enum td_code td_configuration_link(struct td_tx *tx, const char *tenant, const char *id, const struct td_json *json,
                                   struct td_arena *a, const struct td_json **ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf b;
    struct linking c = {.tx = tx, .tenant = tenant, .self = id, .a = a, .err = err};
    const char *kind = td_json_str(json, "kind");
    struct td_json *linked = NULL;
    td_buf_init(&b, (size_t)TD_ITEM_MAX * 2);
    *ret = json;
    if (kind == NULL || json->type != TD_JSON_OBJECT)
        return TD_OK;
    td_jsonw_init(&c.w, &b);
    td_jsonw_obj(&c.w);
    for (const struct td_json *m = json->child; m != NULL; m = m->next)
        td_try(write_member(&c, link_of(kind, m->name), m));
    td_jsonw_end(&c.w);
    td_try(td_json_parse(td_buf_slice(&b), (size_t)TD_ITEM_MAX * 2, a, &linked, err));
    *ret = linked;
    return TD_OK;
}
