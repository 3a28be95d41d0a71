#include "store/application.h"

#include "base/fault.h"
#include "store/audit.h"

#include <stdio.h>

/* Public clients that every tenant knows from birth (contract section 4). */
static const struct {
    const char *id, *name;
    bool broker;
} built_in[] = {
    {"29d9ed98-a469-4536-ade2-f981bc1d605e", "Sign-in broker", true},
    {"38aa3b87-a06d-4817-b275-7a316988d93b", "Windows sign-in", true},
    {"1b730954-1685-4b74-9bfd-dac224a7b894", "Directory administration", false},
    {"14d82eec-204b-4c2f-b7e8-296a70dab67e", "Command line tools", false},
    {"d1ddf0e4-d672-4dae-b554-9d5bdfd93547", "Management administration", false},
    {"9ba1a5c7-f17a-4de9-a1f1-6178c8d51223", "Company portal", true},
    {"04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Command line tools", false},
    {"31359c7f-bd7e-475c-86db-fdb8c937548e", "Device registration tools", false},
};

/* Addresses of Windows' token broker: the operating system keeps these schemes to itself. */
static const char *const broker_redirects[] = {"ms-aadj-redir://auth/drs", "ms-aadj-redir://auth/mdm"};
static const char broker_prefix[] = "ms-appx-web://Microsoft.AAD.BrokerPlugin/";
static const char *const loopbacks[] = {"http://localhost", "http://127.0.0.1"};

static bool find_built_in(const char *id, struct td_application *ret)
{
    for (size_t i = 0; i < TD_COUNTOF(built_in); i++) {
        if (strcmp(built_in[i].id, id) != 0)
            continue;
        *ret = (struct td_application){.tenant = "",
                                       .id = built_in[i].id,
                                       .principal = built_in[i].id,
                                       .name = built_in[i].name,
                                       .is_public = true,
                                       .broker = built_in[i].broker,
                                       .enabled = true};
        return true;
    }
    return false;
}

static void read_application(struct td_rows *r, struct td_arena *a, struct td_application *ret)
{
    *ret = (struct td_application){.tenant = td_col_text0(r, 0, a),
                                   .id = td_col_text0(r, 1, a),
                                   .principal = td_col_text0(r, 2, a),
                                   .name = td_col_text0(r, 3, a),
                                   .is_public = td_col_int(r, 4) != 0,
                                   .enabled = td_col_int(r, 5) != 0};
}

#define COLUMNS "tenant, id, principal, name, public, enabled"

enum td_code td_application_find(struct td_tx *tx, const char *tenant, struct td_slice id, struct td_arena *a,
                                 struct td_application *ret, struct td_error *err)
{
    char *key = td_arena_text(a, td_sub(id, 0, TD_UUID_TEXT));
    td_lower(key);
    if (find_built_in(key, ret))
        return TD_OK;
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT " COLUMNS " FROM application WHERE tenant = $1 AND id = $2", "ss", tenant,
                        key));
    bool found = td_rows_next(&r);
    if (found)
        read_application(&r, a, ret);
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "client_id", "there is no such application in this tenant");
}

enum td_code td_application_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_application **ret,
                                 size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT COUNT(*) FROM application WHERE tenant = $1", "s", tenant));
    size_t max = td_rows_next(&r) ? (size_t)td_col_int(&r, 0) : 0, n = 0;
    td_try(td_rows_done(&r, err));
    struct td_application *list = td_arena_array(a, struct td_application, max + 1);
    td_try(td_sql_query(tx, &r, err, "SELECT " COLUMNS " FROM application WHERE tenant = $1 ORDER BY name, id", "s",
                        tenant));
    while (n < max && td_rows_next(&r))
        read_application(&r, a, &list[n++]);
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

/* What may act, and how it proves itself, is part of the audit; and nothing kept by other processes may outlive it. */
static enum td_code tell(struct td_tx *tx, const struct td_application *app, const char *type, const char *actor,
                         const struct td_change *change, struct td_error *err)
{
    struct td_audit what = {.type = type,
                            .actor = actor,
                            .kind = "application",
                            .id = app->id,
                            .name = app->name,
                            .changes = change,
                            .count = change != NULL};
    td_try(td_audit_tell(tx, app->tenant, &what, err));
    return td_store_touch(tx, err);
}

static enum td_code tell_new(struct td_tx *tx, const struct td_application *app, const char *type, const char *actor,
                             const char *member, const char *value, struct td_error *err)
{
    const struct td_change change = {member, NULL, value};
    return tell(tx, app, type, actor, &change, err);
}

static enum td_code tell_gone(struct td_tx *tx, const struct td_application *app, const char *type, const char *actor,
                              const char *member, const char *value, struct td_error *err)
{
    const struct td_change change = {member, value, NULL};
    return tell(tx, app, type, actor, &change, err);
}

enum td_code td_application_add(struct td_tx *tx, const char *tenant, const char *name, bool is_public,
                                const char *actor, struct td_arena *a, struct td_application *ret, struct td_error *err)
{
    if (name[0] == '\0' || strlen(name) > 120 || !td_utf8_ok(td_str(name)))
        return td_fail(err, TD_EINVAL, "name", "is a text of 1 to 120 octets");
    struct td_application app = {.tenant = tenant,
                                 .id = td_uuid_arena(td_tx_env(tx), a),
                                 .principal = td_uuid_arena(td_tx_env(tx), a),
                                 .name = name,
                                 .is_public = is_public,
                                 .enabled = true};
    td_try(td_sql(tx, err, "INSERT INTO application(" COLUMNS ", created_at) VALUES ($1, $2, $3, $4, $5, 1, $6)",
                  "ssssii", tenant, app.id, app.principal, name, (int64_t)is_public, td_tx_now(tx)));
    *ret = app;
    return tell_new(tx, &app, "application.added", actor, "displayName", name, err);
}

/* What stands behind a loopback host: nothing, a port, a path. */
static bool loopback(struct td_slice uri)
{
    for (size_t i = 0; i < TD_COUNTOF(loopbacks); i++) {
        if (!td_starts(uri, loopbacks[i]))
            continue;
        struct td_slice rest = td_sub(uri, strlen(loopbacks[i]), uri.n);
        size_t port = 0;
        if (rest.n != 0 && rest.p[0] == ':')
            for (port = 1; port < rest.n && rest.p[port] >= '0' && rest.p[port] <= '9';)
                port++;
        rest = td_sub(rest, port, rest.n);
        if (port != 1 && (rest.n == 0 || rest.p[0] == '/' || rest.p[0] == '?'))
            return true;
    }
    return false;
}

static bool uri_characters(struct td_slice uri)
{
    for (size_t i = 0; i < uri.n; i++)
        if (uri.p[i] <= ' ' || uri.p[i] >= 0x7f || memchr("\"'<>\\^`{|}#;,", uri.p[i], 14) != NULL)
            return false;
    return uri.n != 0 && uri.n <= TD_REDIRECT_MAX;
}

/* A scheme with a dot (RFC 8252, 7.1): no browser acts on it as on javascript: or data:. */
static bool own_scheme(struct td_slice uri)
{
    size_t colon = td_find(uri, ':');
    return colon != SIZE_MAX && td_find(td_sub(uri, 0, colon), '.') != SIZE_MAX &&
           td_find(td_sub(uri, 0, colon), '/') == SIZE_MAX;
}

enum td_code td_redirect_check(struct td_slice uri, struct td_error *err)
{
    struct td_slice host = td_starts(uri, "https://") ? td_sub(uri, 8, uri.n) : TD_S("");
    bool https = host.n != 0 && host.p[0] != '/' &&
                 td_find(td_sub(host, 0, TD_MIN(td_find(host, '/'), host.n)), '@') == SIZE_MAX;
    if (uri_characters(uri) && (https || loopback(uri) || own_scheme(uri)))
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_EINVAL, "redirect_uri", "this address can't be used for answers"),
                     "give https://..., http://localhost[:port]/... or a scheme with a dot, without fragment");
}

enum td_code td_application_redirect_add(struct td_tx *tx, const struct td_application *app, const char *uri,
                                         const char *actor, struct td_error *err)
{
    td_try(td_redirect_check(td_str(uri), err));
    td_try(td_sql(tx, err,
                  "INSERT INTO application_redirect(tenant, application, uri) VALUES ($1, $2, $3)"
                  " ON CONFLICT (tenant, application, uri) DO NOTHING",
                  "sss", app->tenant, app->id, uri));
    return td_sql_changes(tx) != 0 ? tell_new(tx, app, "application.redirect-added", actor, "redirect", uri, err)
                                   : TD_OK;
}

static bool broker_form(struct td_slice uri)
{
    for (size_t i = 0; i < TD_COUNTOF(broker_redirects); i++)
        if (td_ieqs(uri, broker_redirects[i]))
            return true;
    return td_istarts(uri, broker_prefix) && uri.n > sizeof(broker_prefix) - 1;
}

enum td_code td_application_redirect_ok(struct td_tx *tx, const char *tenant, const struct td_application *app,
                                        struct td_slice uri, struct td_error *err)
{
    bool ok = false;
    if (!uri_characters(uri))
        return td_fail(err, TD_EDENIED, "redirect_uri", "is missing or holds characters that an address may not hold");
    if ((app->is_public && loopback(uri)) || (app->broker && broker_form(uri)))
        return TD_OK;
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT 1 FROM application_redirect WHERE tenant = $1 AND application = $2 AND uri = $3", "sst",
                        tenant, app->id, uri));
    ok = td_rows_next(&r);
    td_try(td_rows_done(&r, err));
    if (ok || td_fault("redirect-any"))
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_EDENIED, "redirect_uri", "is not registered for this application"),
                     "register it: touchdown app add NAME --redirect URI");
}

enum td_code td_application_role_add(struct td_tx *tx, const struct td_application *app, const char *role,
                                     const char *actor, struct td_error *err)
{
    bool ok = role[0] != '\0' && strlen(role) <= 120;
    for (const char *p = role; ok && *p != '\0'; p++)
        ok = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '.' ||
             *p == '-' || *p == ' ';
    if (!ok)
        return td_remedy(err, td_fail(err, TD_EINVAL, "role", "\"%.60s\" is no application role", role),
                         "for example: DeviceManagementServiceConfig.ReadWrite.All");
    td_try(td_sql(tx, err,
                  "INSERT INTO application_role(tenant, application, role) VALUES ($1, $2, $3)"
                  " ON CONFLICT (tenant, application, role) DO NOTHING",
                  "sss", app->tenant, app->id, role));
    return td_sql_changes(tx) != 0 ? tell_new(tx, app, "application.role-added", actor, "role", role, err) : TD_OK;
}

enum td_code td_application_role_remove(struct td_tx *tx, const struct td_application *app, const char *role,
                                        const char *actor, struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "DELETE FROM application_role WHERE tenant = $1 AND application = $2 AND lower(role) = lower($3)",
                  "sss", app->tenant, app->id, role));
    if (td_sql_changes(tx) == 0)
        return td_fail(err, TD_ENOTFOUND, "role", "%.60s does not have the role %.120s", app->name, role);
    return tell_gone(tx, app, "application.role-removed", actor, "role", role, err);
}

enum td_code td_application_enable(struct td_tx *tx, const struct td_application *app, bool enabled, const char *actor,
                                   struct td_error *err)
{
    static const char *const words[] = {"false", "true"};
    td_try(td_sql(tx, err, "UPDATE application SET enabled = $3 WHERE tenant = $1 AND id = $2", "ssi", app->tenant,
                  app->id, (int64_t)enabled));
    const struct td_change change = {"accountEnabled", words[app->enabled], words[enabled]};
    return tell(tx, app, enabled ? "application.enabled" : "application.disabled", actor, &change, err);
}

enum td_code td_application_remove(struct td_tx *tx, const struct td_application *app, const char *actor,
                                   struct td_error *err)
{
    static const char *const statements[] = {
        "DELETE FROM application_role WHERE tenant = $1 AND application = $2",
        "DELETE FROM application_redirect WHERE tenant = $1 AND application = $2",
        "DELETE FROM application_secret WHERE tenant = $1 AND application = $2",
        "DELETE FROM application_key WHERE tenant = $1 AND application = $2",
        "DELETE FROM token_grant WHERE tenant = $1 AND application = $2",
        "DELETE FROM application WHERE tenant = $1 AND id = $2",
    };
    for (size_t i = 0; i < TD_COUNTOF(statements); i++)
        td_try(td_sql(tx, err, statements[i], "ss", app->tenant, app->id));
    return tell_gone(tx, app, "application.removed", actor, "displayName", app->name, err);
}

enum td_code td_application_secrets_end(struct td_tx *tx, const struct td_application *app, struct td_error *err)
{
    return td_sql(tx, err, "DELETE FROM application_secret WHERE tenant = $1 AND application = $2", "ss", app->tenant,
                  app->id);
}

enum { MAX_ROLES = 64 };

enum td_code td_application_roles(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                  const char *const **ret, struct td_error *err)
{
    const char **list = td_arena_array(a, const char *, MAX_ROLES + 1);
    size_t n = 0;
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT role FROM application_role WHERE tenant = $1 AND application = $2 ORDER BY role", "ss",
                        tenant, id));
    while (n < MAX_ROLES && td_rows_next(&r))
        list[n++] = td_col_text0(&r, 0, a);
    *ret = list;
    return td_rows_done(&r, err);
}

enum td_code td_application_secret_add(struct td_tx *tx, const struct td_application *app,
                                       const unsigned char sha256[32], int64_t expires_at, const char *actor,
                                       struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "INSERT INTO application_secret(tenant, application, sha256, created_at, expires_at)"
                  " VALUES ($1, $2, $3, $4, $5)",
                  "ssbii", app->tenant, app->id, td_bytes(sha256, 32), td_tx_now(tx), expires_at));
    char until[TD_TIME_TEXT];
    return tell_new(tx, app, "application.secret-added", actor, "until", td_time_text(expires_at, until), err);
}

enum td_code td_application_secret_check(struct td_tx *tx, const char *tenant, const char *id,
                                         const unsigned char sha256[32], struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(
        tx, &r, err, "SELECT expires_at FROM application_secret WHERE tenant = $1 AND application = $2 AND sha256 = $3",
        "ssb", tenant, id, td_bytes(sha256, 32)));
    bool found = td_rows_next(&r), fresh = found && td_col_int(&r, 0) > td_tx_now(tx);
    td_try(td_rows_done(&r, err));
    if (fresh)
        return TD_OK;
    return found ? td_fail(err, TD_EEXPIRED, "client_secret", "the secret has expired")
                 : td_fail(err, TD_EAUTH, "client_secret", "the secret is wrong");
}

enum td_code td_application_key_add(struct td_tx *tx, const struct td_application_key *key, const char *actor,
                                    struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    struct td_application app = {0};
    char until[TD_TIME_TEXT];
    td_arena_init(&a);
    td_try(td_application_find(tx, key->tenant, td_str(key->application), &a, &app, err));
    td_try(td_sql(tx, err,
                  "INSERT INTO application_key(tenant, application, thumb, thumb1, spki, not_after)"
                  " VALUES ($1, $2, $3, $4, $5, $6)",
                  "ssbbbi", key->tenant, key->application, td_bytes(key->thumb, sizeof(key->thumb)),
                  td_bytes(key->thumb1, sizeof(key->thumb1)), key->spki, key->not_after));
    return tell_new(tx, &app, "application.key-added", actor, "until", td_time_text(key->not_after, until), err);
}

enum td_code td_application_key_find(struct td_tx *tx, const char *id, struct td_slice thumb, struct td_arena *a,
                                     struct td_application_key *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT tenant, spki, not_after FROM application_key"
                        " WHERE application = $1 AND (thumb = $2 OR thumb1 = $2)",
                        "sb", id, thumb));
    bool found = td_rows_next(&r);
    if (found)
        *ret = (struct td_application_key){.tenant = td_col_text0(&r, 0, a),
                                           .application = id,
                                           .spki = td_col_blob(&r, 1, a),
                                           .not_after = td_col_int(&r, 2)};
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "client_assertion", "no such certificate is registered");
}

enum td_code td_application_key_remove(struct td_tx *tx, const struct td_application *app, struct td_slice thumb,
                                       const char *actor, struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "DELETE FROM application_key WHERE tenant = $1 AND application = $2 AND (thumb = $3 OR thumb1 = $3)",
                  "ssb", app->tenant, app->id, thumb));
    if (td_sql_changes(tx) == 0)
        return td_fail(err, TD_ENOTFOUND, "certificate", "no such certificate is registered for %.60s", app->name);
    return tell(tx, app, "application.key-removed", actor, NULL, err);
}

enum td_code td_application_keys(struct td_tx *tx, const struct td_application *app, struct td_arena *a,
                                 struct td_application_key **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    struct td_application_key *list = td_arena_array(a, struct td_application_key, TD_APPLICATION_KEYS);
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT thumb, thumb1, not_after FROM application_key"
                        " WHERE tenant = $1 AND application = $2 ORDER BY not_after, thumb",
                        "ss", app->tenant, app->id));
    while (n < TD_APPLICATION_KEYS && td_rows_next(&r)) {
        struct td_slice thumb = td_col_blob(&r, 0, a), thumb1 = td_col_blob(&r, 1, a);
        list[n] =
            (struct td_application_key){.tenant = app->tenant, .application = app->id, .not_after = td_col_int(&r, 2)};
        memcpy(list[n].thumb, thumb.p, TD_MIN(thumb.n, sizeof(list[n].thumb)));
        memcpy(list[n++].thumb1, thumb1.p, TD_MIN(thumb1.n, sizeof(list[0].thumb1)));
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_application_redirects(struct td_tx *tx, const struct td_application *app, struct td_arena *a,
                                      const char *const **ret, struct td_error *err)
{
    enum { MAX = 64 };
    struct td_rows r;
    const char **list = td_arena_array(a, const char *, MAX + 1);
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT uri FROM application_redirect WHERE tenant = $1 AND application = $2 ORDER BY uri",
                        "ss", app->tenant, app->id));
    while (n < MAX && td_rows_next(&r))
        list[n++] = td_col_text0(&r, 0, a);
    *ret = list;
    return td_rows_done(&r, err);
}

enum td_code td_application_secret_until(struct td_tx *tx, const struct td_application *app, int64_t *ret,
                                         struct td_error *err)
{
    struct td_rows r;
    *ret = 0;
    td_try(td_sql_query(
        tx, &r, err,
        "SELECT coalesce(max(expires_at), 0) FROM application_secret WHERE tenant = $1 AND application = $2", "ss",
        app->tenant, app->id));
    if (td_rows_next(&r))
        *ret = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}
