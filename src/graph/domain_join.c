/* Domain join configurations (graph-api.md 1.7): the items of kind domain-join as windowsDomainJoinConfiguration, read
 * and written; their networks; and the one that holds for a hybrid profile. Of the other device configurations name,
 * assignment and end can be changed here, their settings by `touchdown policy add`. */
#include "api/configuration.h"
#include "base/fault.h"
#include "graph/managed.h"
#include "graph/profiles.h"
#include "graph/types.h"
#include "store/group.h"
#include "store/views.h"

#include <stdio.h>
#include <string.h>

enum { MAX_NAME_ROOM = 15 };

static const char word[] = "domain-join";

/* ---- values ---- */

static const char *text_of(const struct td_json *body, const char *name)
{
    const char *text = td_json_str(body, name);
    return text != NULL ? text : "";
}

/* What stands before the first part that differs between devices. */
static const char *prefix_of(const struct td_json *body, struct td_arena *a)
{
    struct td_slice prefix;
    if (td_json_str(body, "namePrefix") != NULL)
        return td_json_str(body, "namePrefix");
    (void)td_cut(td_str(text_of(body, "nameTemplate")), '%', &prefix);
    return td_arena_text(a, prefix);
}

static int64_t random_of(const struct td_json *body)
{
    const char *template = text_of(body, "nameTemplate"), *at = template;
    int64_t n = 0;
    struct td_slice digits;
    if (td_json_get(body, "nameRandom") != NULL)
        return td_json_int(body, "nameRandom", 0);
    while (*at != '\0' && !td_istarts(td_str(at), "%RAND:"))
        at++;
    if (*at == '\0')
        return 0;
    (void)td_cut(td_str(at + strlen("%RAND:")), '%', &digits);
    return td_parse_i64(digits, &n) ? n : 0;
}

void td_g_domain_join_member(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop,
                             struct td_jsonw *w)
{
    const struct td_json *body = td_g_row_json(call, row, "body");
    const char *unit = text_of(body, "organizationalUnit");
    if (strcmp(prop->name, "activeDirectoryDomainName") == 0)
        td_jsonw_str(w, text_of(body, "domain"));
    else if (strcmp(prop->name, "computerNameStaticPrefix") == 0)
        td_jsonw_str(w, prefix_of(body, call->arena));
    else if (strcmp(prop->name, "computerNameSuffixRandomCharCount") == 0)
        td_jsonw_int(w, random_of(body));
    else
        td_jsonw_str(w, unit[0] != '\0' ? unit : NULL);
}

/* ---- the body as an item ---- */

/* The item's members by this interface's names: what the caller wrote is what the error names. */
static enum td_code by_their_names(enum td_code rc, struct td_error *err)
{
    static const char *const names[][2] = {{"domain", "activeDirectoryDomainName"},
                                           {"namePrefix", "computerNameStaticPrefix"},
                                           {"nameRandom", "computerNameSuffixRandomCharCount"},
                                           {"networkAccess", "networkAccessConfigurations"},
                                           {"name", "displayName"}};
    for (size_t i = 0; rc != TD_OK && err != NULL && i < TD_COUNTOF(names); i++)
        if (strcmp(err->where, names[i][0]) == 0) {
            (void)snprintf(err->where, sizeof(err->where), "%s", names[i][1]);
            break;
        }
    return rc;
}

/* The id at the end of an address: ".../deviceConfigurations/{id}" or "...('{id}')". */
static const char *id_of(struct td_arena *a, const char *address)
{
    struct td_slice s = td_trim(td_str(address));
    for (size_t at = td_find(s, '/'); at != SIZE_MAX; at = td_find(s, '/'))
        s = td_sub(s, at + 1, s.n);
    size_t open = td_find(s, '\'');
    if (open != SIZE_MAX) {
        s = td_sub(s, open + 1, s.n);
        (void)td_cut(s, '\'', &s);
    }
    return td_arena_text(a, s);
}

static void write_networks(struct td_g_call *call, const struct td_json *now, struct td_jsonw *w)
{
    const struct td_json *bound = td_json_iget(call->body, "networkAccessConfigurations@odata.bind");
    const struct td_json *list = bound != NULL ? bound : td_json_get(now, "networkAccess");
    td_jsonw_key(w, "networkAccess");
    td_jsonw_arr(w);
    for (const struct td_json *one = list != NULL ? list->child : NULL; one != NULL; one = one->next)
        td_jsonw_str(w, one->type == TD_JSON_STRING ? id_of(call->arena, one->str) : "");
    td_jsonw_arr_end(w);
}

static bool names_computers(const struct td_g_call *call)
{
    return td_g_body_has(call, "computerNameStaticPrefix") || td_g_body_has(call, "computerNameSuffixRandomCharCount");
}

/* A count of 0, which is the type's own default, leaves the rest of the name to chance. */
static enum td_code write_name(struct td_g_call *call, const struct td_json *now, struct td_jsonw *w,
                               struct td_error *err)
{
    int64_t random = random_of(now);
    const char *prefix = td_g_body_text(call, "computerNameStaticPrefix", prefix_of(now, call->arena));
    if (now != NULL && !names_computers(call) && td_json_str(now, "nameTemplate") != NULL) {
        td_jsonw_kstr(w, "nameTemplate", td_json_str(now, "nameTemplate"));
        if (td_json_bool(now, "oneDevice", false))
            td_jsonw_kbool(w, "oneDevice", true);
        return TD_OK;
    }
    if (!td_g_body_has(call, "computerNameSuffixRandomCharCount") && strlen(prefix) + (size_t)random > MAX_NAME_ROOM)
        random = 0; /* a longer prefix has the room, and what is left goes to chance */
    td_try(td_g_body_int(call, "computerNameSuffixRandomCharCount", random, &random, err));
    td_jsonw_kstr(w, "namePrefix", prefix);
    if (random != 0)
        td_jsonw_kint(w, "nameRandom", random);
    return TD_OK;
}

/* now: the item as it is, NULL a new one. */
static enum td_code item_json(struct td_g_call *call, const struct td_json *now, const struct td_json **ret,
                              struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    struct td_jsonw w;
    struct td_json *json = NULL;
    const struct td_json *unit = td_json_iget(call->body, "organizationalUnit");
    const char *old_unit = text_of(now, "organizationalUnit");
    td_buf_init(&b, TD_ITEM_MAX);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "kind", word);
    td_jsonw_kstr(&w, "domain", td_g_body_text(call, "activeDirectoryDomainName", text_of(now, "domain")));
    td_jsonw_kstr(&w, "organizationalUnit", unit == NULL ? old_unit : unit->type == TD_JSON_STRING ? unit->str : "");
    td_try(write_name(call, now, &w, err));
    if (now != NULL) {
        td_jsonw_kstr(&w, "reuse", text_of(now, "reuse"));
        td_jsonw_kbool(&w, "track", td_json_bool(now, "track", true));
    }
    write_networks(call, now, &w);
    td_jsonw_end(&w);
    td_try(td_json_parse(td_buf_slice(&b), TD_ITEM_MAX, call->arena, &json, err));
    *ret = json;
    return TD_OK;
}

static enum td_code make_row(struct td_g_call *call, struct td_tx *tx, const char *id, const char *name,
                             const struct td_json *json, struct td_configuration *ret, struct td_error *err)
{
    const struct td_json *linked = NULL;
    td_try(td_configuration_link(tx, call->tenant, id, json, call->arena, &linked, err));
    return td_configuration_make(&call->svc->master, td_tx_env(tx), call->tenant, id, name, linked, call->arena, ret,
                                 err);
}

/* ---- create, change, remove ---- */

static enum td_code describe(struct td_g_call *call, struct td_tx *tx, const char *id, struct td_error *err)
{
    const struct td_json *said = td_json_iget(call->body, "description");
    if (said == NULL || td_fault("graph-configuration-undescribed"))
        return TD_OK;
    return td_configuration_describe(tx, call->tenant, id, said->type == TD_JSON_STRING ? said->str : "", call->actor,
                                     err);
}

enum td_code td_g_configuration_create(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_configuration row = {.id = ""};
    const struct td_json *json = NULL;
    if (call->body_type != &td_g_type_domain_join_configuration) {
        td_g_not_offered(err, "creating device configurations of this type (touchdown policy add makes them)");
        return TD_ENOTOFFERED;
    }
    td_try(item_json(call, NULL, &json, err));
    td_try(by_their_names(make_row(call, tx, "", td_g_body_text(call, "displayName", ""), json, &row, err), err));
    td_try(by_their_names(td_configuration_add(tx, call->tenant, &row, call->actor, err), err));
    call->made_key = row.id;
    return describe(call, tx, row.id, err);
}

static enum td_code read_body(const struct td_configuration *row, struct td_arena *a, struct td_json **ret,
                              struct td_error *err)
{
    return td_json_parse(td_str(row->body), (size_t)TD_ITEM_MAX * 2, a, ret, err);
}

/* ... and a note, of which no device hears. */
static bool says_more_than_a_name(const struct td_json *body)
{
    for (const struct td_json *m = body->child; m != NULL; m = m->next)
        if (strcmp(m->name, "displayName") != 0 && strcmp(m->name, "description") != 0 && m->name[0] != '@')
            return true;
    return false;
}

enum td_code td_g_configuration_update(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_configuration old = {.id = ""}, row = {.id = ""};
    struct td_json *now = NULL;
    const struct td_json *json = NULL;
    td_try(td_configuration_find(tx, call->tenant, call->keys[0], call->arena, &old, err));
    const char *name = td_g_body_text(call, "displayName", old.name);
    if (strcmp(name, old.name) != 0)
        td_try(by_their_names(td_configuration_rename(tx, call->tenant, old.id, name, call->actor, err), err));
    td_try(describe(call, tx, old.id, err));
    if (!says_more_than_a_name(call->body))
        return TD_OK;
    if (strcmp(old.kind, word) != 0) {
        td_g_not_offered(err, "changing settings of device configurations of this type (touchdown policy add changes "
                              "them)");
        return TD_ENOTOFFERED;
    }
    td_try(read_body(&old, call->arena, &now, err));
    td_try(item_json(call, now, &json, err));
    td_try(by_their_names(make_row(call, tx, old.id, name, json, &row, err), err));
    return td_configuration_change(tx, call->tenant, &row, call->actor, err);
}

enum td_code td_g_configuration_remove(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return td_configuration_remove(tx, call->tenant, call->keys[0], call->actor, err);
}

/* ---- networks ---- */

/* Rows of the set by ids; what is gone is left out. */
static enum td_code rows_by_id(struct td_g_call *call, struct td_tx *tx, const struct td_json *ids,
                               struct td_view_row **ret, size_t *ret_count, struct td_error *err)
{
    size_t n = 0;
    *ret = td_arena_array(call->arena, struct td_view_row, td_json_count(ids) + 1);
    for (const struct td_json *id = ids->child; id != NULL; id = id->next) {
        struct td_view_page page = {.count = 0};
        const struct td_view_ask ask = {.equals = {{"id", id->str}}, .equal_count = 1, .top = 1};
        td_try(td_view_page(tx, call->tenant, &td_view_configuration, &ask, call->arena, &page, err));
        if (page.count != 0)
            (*ret)[n++] = page.rows[0];
    }
    *ret_count = n;
    return TD_OK;
}

enum td_code td_g_configuration_networks(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret,
                                         size_t *ret_count, struct td_error *err)
{
    struct td_configuration row = {.id = ""};
    struct td_json *body = NULL;
    *ret_count = 0;
    td_try(td_configuration_find(tx, call->tenant, call->keys[0], call->arena, &row, err));
    td_try(read_body(&row, call->arena, &body, err));
    const struct td_json *ids = td_json_get(body, "networkAccess");
    return ids != NULL ? rows_by_id(call, tx, ids, ret, ret_count, err) : TD_OK;
}

/* The item with one network more or less. */
static enum td_code change_networks(struct td_g_call *call, struct td_tx *tx, const char *add, const char *drop,
                                    struct td_error *err)
{
    struct td_configuration old = {.id = ""}, row = {.id = ""};
    struct td_json *now = NULL, *json = NULL;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    struct td_jsonw w;
    bool found = false;
    td_try(td_configuration_find(tx, call->tenant, call->keys[0], call->arena, &old, err));
    if (strcmp(old.kind, word) != 0)
        return td_fail(err, TD_EINVAL, "networkAccessConfigurations", "this configuration has none");
    td_try(read_body(&old, call->arena, &now, err));
    td_buf_init(&b, TD_ITEM_MAX);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    for (const struct td_json *m = now->child; m != NULL; m = m->next) {
        if (strcmp(m->name, "networkAccess") == 0)
            continue;
        td_jsonw_key(&w, m->name);
        td_jsonw_tree(&w, m);
    }
    td_jsonw_key(&w, "networkAccess");
    td_jsonw_arr(&w);
    const struct td_json *list = td_json_get(now, "networkAccess");
    for (const struct td_json *one = list != NULL ? list->child : NULL; one != NULL; one = one->next) {
        bool same = td_ieqs(td_str(one->str), add != NULL ? add : drop);
        found = found || same;
        if (!same || add != NULL)
            td_jsonw_str(&w, one->str);
    }
    if (add != NULL && !found)
        td_jsonw_str(&w, add);
    td_jsonw_arr_end(&w);
    td_jsonw_end(&w);
    if (drop != NULL && !found)
        return td_fail(err, TD_ENOTFOUND, "networkAccessConfigurations", "'%.64s' is not among them", drop);
    td_try(td_json_parse(td_buf_slice(&b), TD_ITEM_MAX, call->arena, &json, err));
    td_try(by_their_names(make_row(call, tx, old.id, old.name, json, &row, err), err));
    return td_configuration_change(tx, call->tenant, &row, call->actor, err);
}

enum td_code td_g_configuration_add_network(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return change_networks(call, tx, call->ref, NULL, err);
}

enum td_code td_g_configuration_drop_network(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return change_networks(call, tx, NULL, call->keys[1], err);
}

/* ---- assignments ---- */

static enum td_code read_target(struct td_g_call *call, struct td_tx *tx, const struct td_json *assignment,
                                const char **ret, struct td_error *err)
{
    struct td_g_target_read t;
    struct td_group group = {.id = ""};
    td_try(td_g_read_target(call, assignment, &t, err));
    if (t.excluded || strcmp(t.group, TD_ALL_USERS) == 0) {
        td_g_not_offered(err, "excluded groups and all users as targets of device configurations");
        return TD_ENOTOFFERED;
    }
    *ret = "";
    if (strcmp(t.group, TD_ALL_DEVICES) == 0)
        return TD_OK;
    enum td_code rc = td_group_find(tx, call->tenant, t.group, call->arena, &group, err);
    if (rc == TD_ENOTFOUND)
        call->status = 400; /* the body is wrong, not the path */
    *ret = group.id;
    return rc;
}

static bool is_among(const char *one, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], one) == 0)
            return true;
    return false;
}

/* The set as it shall be. */
static enum td_code replace_targets(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char **now = NULL, *id = call->keys[0];
    size_t n = 0, count = 0;
    const struct td_json *sent = td_g_assignment_list(call->body, err);
    if (sent == NULL)
        return TD_EINVAL;
    if (td_json_count(sent) > TD_PROFILE_TARGETS_MAX)
        return td_fail(err, TD_ELIMIT, "assignments", "more than %d", TD_PROFILE_TARGETS_MAX);
    const char **wanted = td_arena_array(call->arena, const char *, td_json_count(sent) + 1);
    for (const struct td_json *v = sent->child; v != NULL; v = v->next)
        td_try(read_target(call, tx, v, &wanted[count++], err));
    td_try(td_configuration_targets(tx, call->tenant, id, call->arena, &now, &n, err));
    for (size_t i = 0; i < n; i++)
        if (!is_among(now[i], wanted, count))
            td_try(td_configuration_unassign(tx, call->tenant, id, now[i], call->actor, err));
    for (size_t i = 0; i < count; i++)
        td_try(td_configuration_assign(tx, call->tenant, id, wanted[i], call->actor, err));
    return TD_OK;
}

enum td_code td_g_configuration_put_targets(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return replace_targets(call, tx, err);
}

/* As the real service: the assignments as they are now. */
enum td_code td_g_configuration_assign(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_view_page page = {.count = 0};
    struct td_jsonw w;
    const struct td_g_set *set = td_g_configuration_assignment_set();
    td_try(replace_targets(call, tx, err));
    const struct td_view_ask ask = {.equals = {{set->parent, call->keys[0]}}, .equal_count = 1, .top = TD_VIEW_MAX_TOP};
    td_try(td_view_page(tx, call->tenant, set->view, &ask, call->arena, &page, err));
    td_jsonw_init(&w, call->out);
    td_g_open_collection(call, "deviceConfigurationAssignment", &w);
    for (size_t i = 0; i < page.count; i++)
        td_try(td_g_write_entity(call, tx, set, &page.rows[i], true, &w, err));
    td_g_close_collection(call, &w);
    return TD_OK;
}

enum td_code td_g_configuration_add_target(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char *group = "";
    td_try(read_target(call, tx, call->body, &group, err));
    td_try(td_configuration_assign(tx, call->tenant, call->keys[0], group, call->actor, err));
    call->made_key = td_arena_printf(call->arena, "%s_%s", call->keys[0], group[0] != '\0' ? group : TD_ALL_DEVICES);
    return TD_OK;
}

enum td_code td_g_configuration_drop_target(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return td_configuration_unassign(tx, call->tenant, call->keys[0], td_view_text(call->row, "group"), call->actor,
                                     err);
}

/* ---- of a profile ---- */

/* Does the item reach devices that the profile reaches? One of both for all devices, or a group of both. */
static enum td_code meets(struct td_g_call *call, struct td_tx *tx, const char *id, const struct td_profile_target *of,
                          size_t count, bool *ret, struct td_error *err)
{
    const char **now = NULL;
    size_t n = 0;
    *ret = false;
    td_try(td_configuration_targets(tx, call->tenant, id, call->arena, &now, &n, err));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < count; j++)
            if (!of[j].excluded &&
                (now[i][0] == '\0' || of[j].group_id[0] == '\0' || strcmp(now[i], of[j].group_id) == 0))
                *ret = true;
    return TD_OK;
}

enum td_code td_g_profile_domain_join(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret,
                                      size_t *ret_count, struct td_error *err)
{
    struct td_profile_row p = {.id = ""};
    struct td_profile_target *of = NULL;
    struct td_view_page page = {.count = 0};
    size_t count = 0;
    const struct td_view_ask ask = {.equals = {{"kind", word}}, .equal_count = 1, .top = TD_VIEW_MAX_TOP};
    *ret_count = 0;
    td_try(td_profile_find(tx, call->tenant, call->keys[0], call->arena, &p, err));
    if (p.settings.join != TD_JOIN_HYBRID)
        return TD_OK;
    td_try(td_profile_targets(tx, call->tenant, p.id, call->arena, &of, &count, err));
    td_try(td_view_page(tx, call->tenant, &td_view_configuration, &ask, call->arena, &page, err));
    int64_t oldest = INT64_MAX;
    for (size_t i = 0; i < page.count; i++) {
        bool met = false;
        struct td_view_row *row = page.rows + i;
        int64_t made = td_view_int(row, "createdDateTime");
        td_try(meets(call, tx, td_view_text(row, "id"), of, count, &met, err));
        if (!met || made >= oldest)
            continue;
        oldest = made;
        *ret = row;
        *ret_count = 1;
    }
    return TD_OK;
}
