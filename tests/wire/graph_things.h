/* A family of sets for tests of the core alone: things and their parts in two tables of the test's own, with every kind
 * of property, handler and path that the core knows. It stands in the place of the real families. */
#ifndef TD_TESTS_WIRE_GRAPH_THINGS_H
#define TD_TESTS_WIRE_GRAPH_THINGS_H

#include "graph/graph.h"
#include "graph/sets.h"
#include "graph/types.h"

#include <string.h>

static const char *const level_words[] = {"low", "middle", "high", NULL};
static const struct td_g_enum level_enum = {.name = "thingLevel", .words = level_words};
static const struct td_g_enum mark_enum = {.name = "thingMarks",
                                           .words = (const char *const[]){"none", "red", "green", "blue", NULL},
                                           .numbers = (const int[]){0, 1, 2, 4},
                                           .flags = true};

static const struct td_g_prop state_props[] = {
    {.name = "word", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE},
    {.name = "code", .kind = TD_G_INT32, .flags = TD_G_WRITE},
};
static const struct td_g_type state_type = {.name = "thingState", .complex = true, .TD_G_PROPS(state_props)};

static const struct td_g_prop part_props[] = {{.name = "name", .kind = TD_G_STRING, .flags = TD_G_CREATE}};
static const struct td_g_type part_type = {.name = "thingPart", .base = &td_g_type_entity, .TD_G_PROPS(part_props)};

static const struct td_g_prop thing_props[] = {
    {.name = "displayName", .kind = TD_G_STRING, .flags = TD_G_WRITE | TD_G_NEEDED, .max = 20},
    {.name = "description", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE},
    {.name = "level", .kind = TD_G_ENUM, .flags = TD_G_WRITE, .of = &level_enum},
    {.name = "marks", .kind = TD_G_ENUM, .flags = TD_G_WRITE | TD_G_NULLABLE, .of = &mark_enum},
    {.name = "size", .kind = TD_G_INT32, .flags = TD_G_WRITE, .min = 0, .max = 500},
    {.name = "active", .kind = TD_G_BOOL, .flags = TD_G_WRITE},
    {.name = "lastModifiedDateTime", .kind = TD_G_TIME},
    {.name = "neverDateTime", .kind = TD_G_TIME},
    {.name = "perhapsDateTime", .kind = TD_G_TIME, .flags = TD_G_NULLABLE | TD_G_WRITE},
    {.name = "tenantMark", .kind = TD_G_GUID, .flags = TD_G_NULLABLE | TD_G_WRITE},
    {.name = "octets", .kind = TD_G_BINARY, .flags = TD_G_NULLABLE | TD_G_WRITE},
    {.name = "onlyBeta", .kind = TD_G_BOOL, .flags = TD_G_BETA},
    {.name = "onlyOld", .kind = TD_G_BOOL, .flags = TD_G_V1},
    {.name = "key", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE | TD_G_SECRET},
    {.name = "large", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_ASKED},
    {.name = "tags", .kind = TD_G_STRING, .flags = TD_G_MANY | TD_G_WRITE},
    {.name = "state", .kind = TD_G_COMPLEX, .flags = TD_G_NULLABLE | TD_G_WRITE, .of = &state_type},
    {.name = "target", .kind = TD_G_COMPLEX, .flags = TD_G_NULLABLE | TD_G_WRITE, .of = &td_g_type_target},
};
static const struct td_g_nav thing_navs[] = {
    {.name = "parts", .type = &part_type, .flags = TD_G_MANY},
    {.name = "owner", .type = &td_g_type_directory_object},
};
static const struct td_g_type thing_type = {
    .name = "testThing", .base = &td_g_type_entity, .TD_G_PROPS(thing_props), .TD_G_NAVS(thing_navs)};

#define TEXT(name_, sql_)                                 \
    {                                                     \
        .name = (name_), .type = TD_V_TEXT, .sql = (sql_) \
    }
static const struct td_view_column thing_columns[] = {
    TEXT("id", "t.id"),
    TEXT("displayName", "t.name"),
    TEXT("description", "t.about"),
    {.name = "level", .type = TD_V_ENUM, .sql = "t.level", .words = level_words},
    {.name = "size", .type = TD_V_INT, .sql = "t.size"},
    {.name = "active", .type = TD_V_BOOL, .sql = "t.active"},
    {.name = "lastModifiedDateTime", .type = TD_V_TIME, .sql = "t.changed"},
    TEXT("key", "t.name"),
    TEXT("large", "t.name"),
    TEXT("secretColumn", "t.name"),
    TEXT("state/word", "t.word"),
    {.name = "state/code", .type = TD_V_INT, .sql = "t.size"},
};
static const struct td_view thing_view = {.name = "core-thing",
                                          .from = "core_thing t",
                                          .tenant = "t.tenant",
                                          .key = "t.id",
                                          .columns = thing_columns,
                                          .count = TD_COUNTOF(thing_columns)};

static const struct td_view_column part_columns[] = {
    TEXT("id", "p.id"),
    TEXT("name", "p.name"),
    TEXT("thing", "p.thing"),
};
static const struct td_view part_view = {.name = "core-part",
                                         .from = "core_part p",
                                         .tenant = "p.tenant",
                                         .key = "p.id",
                                         .columns = part_columns,
                                         .count = TD_COUNTOF(part_columns)};

static int things_runs; /* how often a handler that counts was run */

static enum td_code thing_create(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    char *id = td_uuid_arena(td_tx_env(tx), call->arena);
    call->made_key = id;
    const struct td_json *level = td_json_get(call->body, "level"), *size = td_json_get(call->body, "size");
    return td_sql(tx, err,
                  "INSERT INTO core_thing (tenant, id, name, about, level, size, active, changed, word)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                  "ssssiiiis", call->tenant, id, td_g_body_text(call, "displayName", ""),
                  td_g_body_text(call, "description", NULL), level != NULL ? level->num : 0,
                  size != NULL ? size->num : 0, (int64_t)td_json_bool(call->body, "active", false), td_tx_now(tx),
                  td_json_str(td_json_get(call->body, "state"), "word"));
}

static enum td_code thing_update(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return td_sql(tx, err, "UPDATE core_thing SET name = $3, changed = $4 WHERE tenant = $1 AND id = $2", "sssi",
                  call->tenant, call->keys[0],
                  td_g_body_text(call, "displayName", td_view_text(call->row, "displayName")), td_tx_now(tx));
}

static enum td_code thing_remove(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return td_sql(tx, err, "DELETE FROM core_thing WHERE tenant = $1 AND id = $2", "ss", call->tenant, call->keys[0]);
}

static enum td_code thing_touch(struct td_g_call *call, struct td_tx *tx TD_UNUSED, struct td_error *err)
{
    bool fail = false;
    td_try(td_g_body_bool(call, "fail", false, &fail, err));
    things_runs++;
    return fail ? td_remedy(err, td_fail(err, TD_ESTATE, "fail", "it was told to fail"), "tell it otherwise") : TD_OK;
}

static enum td_code thing_clear(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_jsonw w;
    td_try(td_sql(tx, err, "DELETE FROM core_thing WHERE tenant = $1", "s", call->tenant));
    td_g_open_collection(call, "testThing", &w);
    td_g_close_collection(call, &w);
    return TD_OK;
}

static enum td_code thing_word(struct td_g_call *call, struct td_tx *tx TD_UNUSED, struct td_error *err TD_UNUSED)
{
    const char *of = td_g_argument(call, "of");
    td_buf_printf(call->out, "{\"value\":\"%s %s\"}", td_view_text(call->row, "displayName"), of != NULL ? of : "-");
    call->answered = true;
    return TD_OK;
}

static enum td_code part_create(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    char *id = td_uuid_arena(td_tx_env(tx), call->arena);
    call->made_key = id;
    return td_sql(tx, err, "INSERT INTO core_part (tenant, id, thing, name) VALUES ($1, $2, $3, $4)", "ssss",
                  call->tenant, id, call->keys[0], td_g_body_text(call, "name", ""));
}

static enum td_code part_add_ref(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return td_sql(tx, err, "INSERT INTO core_part (tenant, id, thing, name) VALUES ($1, $2, $3, 'by reference')", "sss",
                  call->tenant, call->ref, call->keys[0]);
}

static enum td_code part_remove_ref(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return td_sql(tx, err, "DELETE FROM core_part WHERE tenant = $1 AND thing = $2 AND id = $3", "sss", call->tenant,
                  call->keys[0], call->keys[1]);
}

static enum td_code things_prepare(struct td_g_call *call, struct td_error *err)
{
    if (strcmp(td_g_body_text(call, "description", ""), "unprepared") == 0)
        return td_fail(err, TD_EINVAL, "description", "could not be prepared");
    return TD_OK;
}

static const struct td_view_column object_columns[] = {TEXT("id", NULL), TEXT("kind", NULL), TEXT("displayName", NULL),
                                                       TEXT("capability", NULL)};
static const struct td_view object_view = {
    .name = "core-object", .type_column = "kind", .columns = object_columns, .count = TD_COUNTOF(object_columns)};

static enum td_code object_rows(struct td_g_call *call, struct td_tx *tx TD_UNUSED, struct td_view_row **ret,
                                size_t *ret_count, struct td_error *err TD_UNUSED)
{
    static const char *const texts[] = {"o1", "servicePrincipal", "Service", NULL, "o2", "endpoint", NULL, "Enrol",
                                        "o3", "directoryObject",  NULL,      NULL};
    *ret = td_g_rows_of_texts(call, &object_view, texts, 3);
    *ret_count = 3;
    return TD_OK;
}

static const struct td_g_action thing_actions[] = {
    {.name = "touch", .right = TD_RIGHT_PROFILE, .access = TD_ACCESS_WRITE, .run = thing_touch},
    {.name = "clear", .flags = TD_G_ON_SET, .right = TD_RIGHT_PROFILE, .access = TD_ACCESS_WRITE, .run = thing_clear},
    {.name = "getWord", .flags = TD_G_FUNCTION, .right = TD_RIGHT_PROFILE, .access = TD_ACCESS_READ, .run = thing_word},
    {.name = "fly", .flags = TD_G_NOT_OFFERED, .right = TD_RIGHT_PROFILE, .access = TD_ACCESS_WRITE},
};
static const struct td_g_action settings_actions[] = {
    {.name = "sync", .right = TD_RIGHT_PROFILE, .access = TD_ACCESS_WRITE, .run = thing_touch},
};

#define RIGHT .read = TD_RIGHT_PROFILE, .write = TD_RIGHT_PROFILE
static const struct td_g_set thing_sets[] = {
    {.path = "lab/things",
     .type = &thing_type,
     .view = &thing_view,
     RIGHT,
     .create = thing_create,
     .update = thing_update,
     .remove = thing_remove,
     .prepare = things_prepare,
     .max_body = 4096,
     .alternate = "displayName",
     .actions = thing_actions,
     .action_count = TD_COUNTOF(thing_actions)},
    {.path = "lab/things/{id}/parts",
     .type = &part_type,
     .view = &part_view,
     RIGHT,
     .parent = "thing",
     .create = part_create,
     .add_ref = part_add_ref,
     .remove_ref = part_remove_ref},
    {.path = "lab/objects",
     .type = &td_g_type_directory_object,
     .view = &object_view,
     .rows = object_rows,
     .flags = TD_G_DIRECTORY | TD_G_NOT_WRITTEN,
     RIGHT},
    {.path = "lab/settings",
     .type = &td_g_type_directory_object,
     .view = &object_view,
     .rows = object_rows,
     .flags = TD_G_SINGLETON,
     RIGHT,
     .actions = settings_actions,
     .action_count = 1},
    {.path = "lab/empty", .type = &thing_type, .flags = TD_G_EMPTY, RIGHT},
    {.path = "lab/keyed",
     .type = &thing_type,
     .view = &thing_view,
     .flags = TD_G_NO_LIST | TD_G_DIRECTORY,
     RIGHT,
     .update = thing_update},
};
static const struct td_g_family thing_family = {"Things", thing_sets, TD_COUNTOF(thing_sets)};
const struct td_g_family *const td_g_families[] = {&thing_family, NULL};

#endif
