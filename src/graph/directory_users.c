/* Users (graph-api.md 1.8). Passwords come in, are hashed before the transaction and never go out. */
#include "base/encode.h"
#include "base/fault.h"
#include "codec/sid.h"
#include "graph/directory.h"
#include "graph/types.h"
#include "store/directory.h"
#include "store/views.h"

#include <string.h>

enum { MAX_LINES = 4096 };

/* ---- values ---- */

void td_g_user_mails(struct td_g_call *call TD_UNUSED, const struct td_view_row *row,
                     const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    struct td_slice rest = td_str(td_view_text(row, "otherMailLines")), line;
    td_jsonw_arr(w);
    while (rest.n != 0) {
        rest = td_cut(rest, '\n', &line);
        td_jsonw_slice(w, line);
    }
    td_jsonw_arr_end(w);
}

void td_g_user_phones(struct td_g_call *call TD_UNUSED, const struct td_view_row *row,
                      const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    const char *phone = td_view_text(row, "telephone");
    td_jsonw_arr(w);
    if (phone[0] != '\0')
        td_jsonw_str(w, phone);
    td_jsonw_arr_end(w);
}

/* The part before @ where nobody set another. */
void td_g_user_nickname(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop TD_UNUSED,
                        struct td_jsonw *w)
{
    const char *name = td_view_text(row, "mailNickname");
    struct td_slice local = td_str(name);
    if (local.n == 0)
        (void)td_cut(td_str(td_view_text(row, "userPrincipalName")), '@', &local);
    td_jsonw_str(w, td_arena_text(call->arena, local));
}

void td_g_user_identities(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop TD_UNUSED,
                          struct td_jsonw *w)
{
    const char *upn = td_view_text(row, "userPrincipalName");
    struct td_slice local, domain = td_cut(td_str(upn), '@', &local);
    td_jsonw_arr(w);
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "signInType", "userPrincipalName");
    td_jsonw_kstr(w, "issuer", td_arena_text(call->arena, domain));
    td_jsonw_kstr(w, "issuerAssignedId", upn);
    td_jsonw_end(w);
    td_jsonw_arr_end(w);
}

/* The objectGUID as the directory stores it, in base64: by it tools know one and the same person. */
void td_g_user_immutable(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop TD_UNUSED,
                         struct td_jsonw *w)
{
    unsigned char bytes[16];
    const char *guid = td_view_text(row, "~guid");
    if (guid[0] != '\0' && td_guid_bytes(td_str(guid), bytes, NULL) == TD_OK)
        td_jsonw_str(w, td_b64(call->arena, td_bytes(bytes, sizeof(bytes))));
    else
        td_jsonw_null(w);
}

/* ---- passwords ---- */

static bool typeable(const char *s)
{
    for (; *s != '\0'; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    return true;
}

/* Before any transaction: it takes its time. */
static enum td_code prepare(struct td_g_call *call, struct td_error *err)
{
    static const char field[] = "passwordProfile/password";
    const struct td_json *profile = td_json_iget(call->body, "passwordProfile");
    const char *password = td_json_str(profile, "password");
    char *phc = NULL;
    if (password == NULL && call->row == NULL)
        return td_remedy(err, td_fail(err, TD_EINVAL, field, "the member is missing"),
                         "a new user needs a password: send passwordProfile {\"password\":\"...\"}");
    if (password == NULL)
        return TD_OK;
    if (strlen(password) < TD_PASSWORD_MIN || strlen(password) > TD_PASSWORD_MAX || !typeable(password))
        return td_fail(err, TD_EINVAL, field, "a password has %d to %d octets and no control characters",
                       TD_PASSWORD_MIN, TD_PASSWORD_MAX);
    td_try(td_password_hash(call->svc->env, td_str(password), &call->svc->password_cost, call->arena, &phc, err));
    call->prepared = phc;
    return TD_OK;
}

/* ---- changes ---- */

/* What signs a person in, or keeps him out, and where a lost password is asked for. */
static bool changes_sign_in(const struct td_g_call *call)
{
    static const char *const members[] = {"passwordProfile", "accountEnabled", "userPrincipalName",
                                          "mobilePhone",     "businessPhones", "otherMails"};
    for (size_t i = 0; i < TD_COUNTOF(members); i++)
        if (td_g_body_has(call, members[i]))
            return true;
    return call->req->method == TD_DELETE;
}

static bool has_role(const struct td_g_call *call, const char *role)
{
    for (size_t i = 0; call->who->roles != NULL && call->who->roles[i] != NULL; i++)
        if (strcmp(call->who->roles[i], role) == 0)
            return true;
    return false;
}

/* May somebody of this role do what the caller may not? */
static bool is_mightier(const struct td_g_call *call, const char *role)
{
    int r = 0;
    while (r < TD_ROLE_COUNT && strcmp(td_role_word((enum td_role)r), role) != 0)
        r++;
    if (r == TD_ROLE_COUNT || has_role(call, role))
        return false;
    for (size_t i = 0; i < TD_RIGHT_COUNT; i++) {
        const struct td_access_row *row = &td_access_rows[i];
        if (((row->read_roles & 1U << r) != 0 &&
             td_access_check(call->who, row->right, TD_ACCESS_READ, NULL) != TD_OK) ||
            ((row->write_roles & 1U << r) != 0 &&
             td_access_check(call->who, row->right, TD_ACCESS_WRITE, NULL) != TD_OK))
            return true;
    }
    return r == TD_ROLE_GLOBAL_ADMINISTRATOR;
}

/* Who manages users must not get an administrator's rights by giving one a password (graph-api.md 2.7). */
static enum td_code check_reach(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char *const *roles = NULL, *id = td_view_text(call->row, "id");
    if (!changes_sign_in(call) || strcmp(call->who->oid, id) == 0 || td_fault("user-any-reach") ||
        has_role(call, td_role_word(TD_ROLE_GLOBAL_ADMINISTRATOR)))
        return TD_OK;
    td_try(td_user_roles(tx, call->tenant, id, call->arena, &roles, err));
    for (size_t i = 0; roles[i] != NULL; i++)
        if (is_mightier(call, roles[i]))
            return td_remedy(err,
                             td_fail(err, TD_EDENIED, "",
                                     "Only who has the rights of a %.60s may change how one signs in.", roles[i]),
                             "ask a Global Administrator, or use the command line on the server");
    return TD_OK;
}

static const char *lines_of(struct td_g_call *call, const struct td_json *list)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, MAX_LINES);
    for (const struct td_json *t = list->child; t != NULL; t = t->next) {
        td_buf_adds(&b, b.n != 0 ? "\n" : "");
        td_buf_adds(&b, t->str != NULL ? t->str : "");
    }
    return td_arena_text(call->arena, td_buf_slice(&b));
}

static enum td_code read_hire_date(const struct td_json *v, int64_t *ret, struct td_error *err)
{
    *ret = 0;
    if (v->type == TD_JSON_NULL || v->str == NULL || v->str[0] == '\0')
        return TD_OK;
    return td_time_parse(td_str(v->str), ret)
               ? TD_OK
               : td_fail(err, TD_EINVAL, "employeeHireDate", "is no date such as 2030-01-31T00:00:00Z");
}

/* What the body says beside the name and the password. */
static enum td_code describe(struct td_g_call *call, struct td_tx *tx, const char *id, struct td_user_change *what,
                             struct td_error *err)
{
    const char **fields = td_arena_array(call->arena, const char *, td_user_field_count);
    const struct td_json *hired = td_json_iget(call->body, "employeeHireDate");
    const struct td_json *mails = td_json_iget(call->body, "otherMails");
    int64_t *at = td_arena_new(call->arena, int64_t);
    for (size_t i = 0; i < td_user_field_count; i++) {
        const struct td_json *v = td_json_iget(call->body, td_user_fields[i].name);
        if (v != NULL && v->type == TD_JSON_ARRAY)
            fields[i] = v->child != NULL && v->child->str != NULL ? v->child->str : "";
        else if (v != NULL)
            fields[i] = v->str != NULL ? v->str : "";
    }
    what->fields = fields;
    if (mails != NULL)
        what->other_mails = lines_of(call, mails);
    if (hired != NULL) {
        td_try(read_hire_date(hired, at, err));
        what->hire_date = at;
    }
    return td_user_change(tx, call->tenant, id, what, call->actor, err);
}

static enum td_code create(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_user u;
    bool enabled = td_json_bool(call->body, "accountEnabled", true);
    struct td_user_change what = {.enabled = &enabled};
    td_try(td_user_add(tx, call->tenant, td_g_body_text(call, "userPrincipalName", ""),
                       td_g_body_text(call, "displayName", ""), call->prepared, call->actor, call->arena, &u, err));
    td_try(describe(call, tx, u.id, &what, err));
    call->made_key = u.id;
    call->poke = true;
    return TD_OK;
}

static enum td_code update(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char *id = td_view_text(call->row, "id");
    const struct td_json *flag = td_json_iget(call->body, "accountEnabled");
    bool enabled = td_json_bool(call->body, "accountEnabled", true);
    struct td_user_change what = {.upn = td_g_body_text(call, "userPrincipalName", NULL),
                                  .name = td_g_body_text(call, "displayName", NULL),
                                  .phc = call->prepared};
    if (flag != NULL && flag->type != TD_JSON_NULL)
        what.enabled = &enabled;
    call->poke = true;
    return describe(call, tx, id, &what, err);
}

static enum td_code remove_user(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char *id = td_view_text(call->row, "id");
    return td_user_forget(tx, call->tenant, id, call->actor, err);
}

/* Whoever calls, if it is a person. */
static enum td_code caller(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret, size_t *ret_count,
                           struct td_error *err)
{
    struct td_view_row *row = td_arena_new(call->arena, struct td_view_row);
    if (call->who->upn[0] == '\0')
        return td_remedy(err,
                         td_fail(err, TD_EINVAL, "", "/me request is only valid with delegated authentication flow."),
                         "sign a person in, or ask for users/{id}");
    td_try(td_view_one(tx, call->tenant, &td_view_user, call->who->oid, call->arena, row, err));
    *ret = row;
    *ret_count = 1;
    return TD_OK;
}

#define OF_USER(p, view_, parent_, about_)                                                        \
    {                                                                                             \
        .path = (p), .type = &td_g_type_directory_object, .view = (view_), .parent = (parent_),   \
        .flags = TD_G_DIRECTORY, .read = TD_RIGHT_USER, .write = TD_RIGHT_USER, .about = (about_) \
    }

static const struct td_g_set sets[] = {
    {.path = "users",
     .type = &td_g_type_user,
     .view = &td_view_user,
     .flags = TD_G_DIRECTORY,
     .read = TD_RIGHT_USER,
     .write = TD_RIGHT_USER,
     .create = create,
     .update = update,
     .remove = remove_user,
     .prepare = prepare,
     .guard = check_reach,
     .alternate = "userPrincipalName",
     .about = "Users, by id or userPrincipalName."},
    {.path = "me",
     .type = &td_g_type_user,
     .view = &td_view_user,
     .flags = TD_G_DIRECTORY | TD_G_SINGLETON | TD_G_NOT_WRITTEN,
     .read = TD_RIGHT_SIGNED_IN,
     .write = TD_RIGHT_SIGNED_IN,
     .rows = caller,
     .context = "users",
     .about = "The person who signed in."},
    OF_USER("users/{id}/memberOf", &td_view_member_of, "memberId", "Groups of a user."),
    OF_USER("users/{id}/transitiveMemberOf", &td_view_member_of, "memberId", "The same."),
    {.path = "users/{id}/ownedDevices",
     .type = &td_g_type_device,
     .view = &td_view_device,
     .parent = "ownerId",
     .flags = TD_G_DIRECTORY,
     .read = TD_RIGHT_USER,
     .write = TD_RIGHT_USER,
     .about = "Devices that a user joined."},
    {.path = "users/{id}/registeredDevices",
     .type = &td_g_type_device,
     .view = &td_view_device,
     .parent = "ownerId",
     .flags = TD_G_DIRECTORY,
     .read = TD_RIGHT_USER,
     .write = TD_RIGHT_USER,
     .about = "The same."},
};

const struct td_g_family td_g_family_users = {.about = "Users.", .sets = sets, .count = TD_COUNTOF(sets)};
