/* Messages of the directory sync (docs/protocol/connector.md 4): bounded and checked before anything is written. */
#include "store/sync/room.h"

enum { RUN_MAX = 64, SID_MAX = 190, NAME_MAX_OCTETS = 1024 };

static const char *text_of(const struct td_json *v, const char *name)
{
    const char *s = td_json_str(v, name);
    return s != NULL ? s : "";
}

/* At most max octets, cut between characters: names there may be longer than ours. */
static const char *fitting(struct td_arena *a, const char *s, size_t max)
{
    size_t n = strlen(s), fits = 0;
    if (n <= max)
        return s;
    while (fits < n) {
        size_t step = td_utf8_step(td_bytes(s + fits, n - fits));
        if (step == 0 || fits + step > max)
            break;
        fits += step;
    }
    return td_arena_text(a, td_bytes(s, fits));
}

static enum td_code number(const struct td_json *v, const char *name, uint64_t *ret, struct td_error *err)
{
    int64_t n = -1;
    const char *s = td_json_str(v, name);
    if (s != NULL ? !td_parse_i64(td_str(s), &n) : (n = td_json_int(v, name, -1)) < 0)
        n = -1;
    if (n < 0)
        return td_fail(err, TD_EINVAL, name, "is a change number as a text");
    *ret = (uint64_t)n;
    return TD_OK;
}

static enum td_code guid_of(const char *text, const char *field, struct td_arena *a, const char **ret,
                            struct td_error *err)
{
    char id[TD_UUID_TEXT];
    if (!td_uuid_parse(td_str(text), id))
        return td_fail(err, TD_EINVAL, field, "is no GUID");
    *ret = td_arena_strdup(a, id);
    return TD_OK;
}

static enum td_code read_members(const struct td_json *list, struct td_arena *a, struct td_sync_object *ret,
                                 struct td_error *err)
{
    size_t n = td_json_count(list), i = 0;
    if (list != NULL && list->type != TD_JSON_ARRAY && list->type != TD_JSON_NULL)
        return td_fail(err, TD_EINVAL, "objects.members", "is a list of GUIDs");
    if (n > TD_SYNC_MEMBERS_MAX)
        return td_fail(err, TD_EINVAL, "objects.members", "are more than %d: tell them in pieces", TD_SYNC_MEMBERS_MAX);
    const char **members = td_arena_array(a, const char *, n + 1);
    for (const struct td_json *m = list != NULL ? list->child : NULL; m != NULL; m = m->next)
        td_try(guid_of(m->type == TD_JSON_STRING ? m->str : "", "objects.members", a, &members[i++], err));
    ret->members = members;
    ret->member_count = i;
    return TD_OK;
}

enum td_code td_sync_read_object(const struct td_json *v, struct td_arena *a, struct td_sync_object *ret,
                                 struct td_error *err)
{
    const char *kind = text_of(v, "kind");
    struct td_sync_object o = {.is_group = strcmp(kind, "group") == 0,
                               .sid = text_of(v, "sid"),
                               .upn = text_of(v, "upn"),
                               .sam = text_of(v, "sam"),
                               .name = text_of(v, "name"),
                               .mail = text_of(v, "mail"),
                               .enabled = td_json_bool(v, "enabled", true),
                               .deleted = td_json_bool(v, "deleted", false),
                               .security = td_json_bool(v, "security", true),
                               .continued = td_json_bool(v, "continued", false)};
    td_try(guid_of(text_of(v, "guid"), "objects.guid", a, &o.guid, err));
    if (!o.is_group && strcmp(kind, "user") != 0 && !(o.deleted && kind[0] == '\0'))
        return td_fail(err, TD_EINVAL, "objects.kind", "is user or group");
    if (strlen(o.sid) > SID_MAX || strlen(o.name) > NAME_MAX_OCTETS || strlen(o.sam) > NAME_MAX_OCTETS)
        return td_fail(err, TD_EINVAL, "objects", "sid, sam or name is too long");
    o.name = fitting(a, o.name[0] != '\0' ? o.name : o.sam, o.is_group ? TD_GROUP_NAME_MAX : TD_USER_NAME_MAX);
    if (strlen(o.mail) > TD_UPN_MAX)
        o.mail = "";
    o.upn = fitting(a, o.upn, TD_UPN_MAX + 1); /* too long to be anybody's here, and not to be kept whole */
    if (o.is_group && o.name[0] == '\0')
        o.name = o.guid;
    if (o.is_group)
        td_try(read_members(td_json_get(v, "members"), a, &o, err));
    *ret = o;
    return TD_OK;
}

static enum td_code read_objects(const struct td_json *list, struct td_arena *a, struct td_sync_message *ret,
                                 struct td_error *err)
{
    size_t n = td_json_count(list), i = 0;
    if (list != NULL && list->type != TD_JSON_ARRAY)
        return td_fail(err, TD_EINVAL, "objects", "is a list");
    if (n > TD_SYNC_OBJECTS_MAX)
        return td_fail(err, TD_EINVAL, "objects", "are more than %d", TD_SYNC_OBJECTS_MAX);
    struct td_sync_object *objects = td_arena_array(a, struct td_sync_object, n + 1);
    for (const struct td_json *v = list != NULL ? list->child : NULL; v != NULL; v = v->next)
        td_try(td_sync_read_object(v, a, &objects[i++], err));
    ret->objects = objects;
    ret->count = i;
    return TD_OK;
}

enum td_code td_sync_read(const struct td_json *body, struct td_arena *a, struct td_sync_message *ret,
                          struct td_error *err)
{
    struct td_sync_message m = {.domain = text_of(body, "domain"),
                                .run = text_of(body, "run"),
                                .server = text_of(body, "server"),
                                .full = td_json_bool(body, "full", false),
                                .last = td_json_bool(body, "last", false)};
    if (m.domain[0] == '\0' || strlen(m.domain) > TD_AD_DOMAIN_MAX)
        return td_fail(err, TD_EINVAL, "domain", "is the DNS name of a domain");
    td_try(guid_of(m.server, "server", a, &m.server, err));
    td_try(number(body, "from", &m.from, err));
    td_try(number(body, "to", &m.to, err));
    if (strlen(m.run) > RUN_MAX)
        return td_fail(err, TD_EINVAL, "run", "is more than %d octets", RUN_MAX);
    if (m.run[0] == '\0') /* then a run is what a server had at one moment */
        m.run = td_arena_printf(a, "%.36s %llu", m.server, (unsigned long long)m.to);
    if (m.full && m.from != 0)
        return td_fail(err, TD_EINVAL, "from", "is 0 in a full run");
    td_try(read_objects(td_json_get(body, "objects"), a, &m, err));
    *ret = m;
    return TD_OK;
}

const char *td_sync_wish(const struct td_sync_object *o, struct td_arena *a)
{
    const struct {
        const char *name, *value;
    } texts[] = {{"guid", o->guid}, {"kind", "user"},  {"sid", o->sid},  {"upn", o->upn},
                 {"sam", o->sam},   {"name", o->name}, {"mail", o->mail}};
    struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, 16384);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        td_jsonw_kstr(&w, texts[i].name, texts[i].value);
    td_jsonw_kbool(&w, "enabled", o->enabled);
    td_jsonw_end(&w);
    const char *text = td_arena_text(a, td_buf_slice(&b));
    td_buf_done(&b);
    return text;
}
