/* What goes into tokens and token replies (join-and-tokens.md 6.1 and 10.3). */
#include "api/access.h"
#include "api/identity/room.h"
#include "base/encode.h"
#include "base/fault.h"
#include "crypto/digest.h"

#include <stdio.h>

enum { TOKEN_MAX = 16384, REPLY_MAX = 65536, ACCESS_SECONDS = 3600, SCOPE_MAX = 4096 };

static const char graph[] = "https://graph.microsoft.com";
static const char default_suffix[] = "/.default";

/* Scopes that name no resource. */
static const struct {
    const char *name;
    size_t flag; /* offset of a bool in struct td_asked, or SIZE_MAX */
} words[] = {
    {"openid", offsetof(struct td_asked, openid)},
    {"offline_access", offsetof(struct td_asked, offline)},
    {"aza", offsetof(struct td_asked, aza)},
    {"profile", SIZE_MAX},
    {"email", SIZE_MAX},
    {"ugs", SIZE_MAX},
    {"sid", SIZE_MAX},
    {"user_impersonation", SIZE_MAX},
};

static bool take_word(struct td_slice s, struct td_asked *ret)
{
    for (size_t i = 0; i < TD_COUNTOF(words); i++) {
        if (!td_eqs(s, words[i].name))
            continue;
        if (words[i].flag != SIZE_MAX)
            *(bool *)((char *)ret + words[i].flag) = true;
        return true;
    }
    return false;
}

/* "<resource>/.default" loses that much only; "<resource>/Permission" its last part; a bare word is Graph's. */
static struct td_slice resource_of_scope(struct td_slice s)
{
    if (td_ends(s, default_suffix))
        return td_sub(s, 0, s.n - (sizeof(default_suffix) - 1));
    for (size_t i = s.n; i-- > 0;)
        if (s.p[i] == '/')
            return td_sub(s, 0, i);
    return td_find(s, ':') == SIZE_MAX ? td_str(graph) : s;
}

static const char *joined(struct td_id *id, const char *list, struct td_slice word)
{
    bool first = list == NULL || list[0] == '\0';
    return td_arena_printf(id->a, "%s%s%.*s", first ? "" : list, first ? "" : " ", TD_FMT(word));
}

/* What stands behind the resource: a permission's name in its proper case; .default means every name there is, because
 * consent is nobody's gift here: what the person may do is asked at every request (api/access.h). */
static void add_permission(struct td_id *id, struct td_slice scope, struct td_slice resource, struct td_asked *ret)
{
    bool bare = td_eqs(resource, graph) && !td_starts(scope, graph);
    struct td_slice name = bare ? scope : td_sub(scope, resource.n + 1, scope.n);
    if (name.n == 0 || td_ieqs(name, default_suffix + 1)) {
        ret->every = true;
        return;
    }
    struct td_slice known = td_scope_known(name);
    ret->scp = joined(id, ret->scp, known.n != 0 ? known : name);
}

/* The management services of others that this tenant knows. */
struct known {
    struct td_foreign_management *list;
    size_t count;
};

static enum td_code read_known(struct td_id *id, struct td_tx *tx, const char *tenant, struct known *ret)
{
    *ret = (struct known){0};
    if (tx == NULL || tenant == NULL || tenant[0] == '\0')
        return TD_OK;
    return td_foreign_management_list(tx, tenant, id->a, &ret->list, &ret->count, &id->err);
}

static const struct td_foreign_management *named(const struct known *k, struct td_slice name)
{
    for (size_t i = 0; i < k->count; i++)
        if (td_foreign_management_named(&k->list[i], name))
            return &k->list[i];
    return NULL;
}

/* One name of the list. Bare words of signed requests mean nothing here. */
static enum td_code take_scope(struct td_id *id, const struct known *k, struct td_slice one, bool name_resource,
                               struct td_asked *ret)
{
    bool bare = td_find(one, '/') == SIZE_MAX && td_find(one, ':') == SIZE_MAX;
    bool whole = td_resource_of(id->svc, one) != 0 || named(k, one) != NULL;
    if (take_word(one, ret) || !name_resource || (bare && !whole && !id->v2))
        return TD_OK;
    struct td_slice r = whole ? one : resource_of_scope(one);
    if (ret->named && !td_eqs(r, ret->resource))
        return td_id_refuse(id, TD_OA_SCOPE, "All scopes of one request must belong to one resource.");
    ret->resource = td_arena_text(id->a, r);
    ret->named = true;
    add_permission(id, one, r, ret);
    return TD_OK;
}

/* Blanks between the names, or commas, or both: the scripts hand them over as one string (graph-api.md 2.7). */
static enum td_code take_scopes(struct td_id *id, const struct known *k, const char *scope, bool name_resource,
                                struct td_asked *ret)
{
    char *text = td_arena_strdup(id->a, scope);
    struct td_slice rest = td_str(text), one;
    for (char *p = text; *p != '\0'; p++)
        if (*p == ',' || *p == '\t' || *p == '\n')
            *p = ' ';
    ret->scope = "";
    while (rest.n != 0) {
        rest = td_cut(rest, ' ', &one);
        if (one.n == 0)
            continue;
        ret->scope = joined(id, ret->scope, one);
        td_try(take_scope(id, k, one, name_resource, ret));
    }
    return TD_OK;
}

static const char *every_name(struct td_id *id)
{
    const char *list = NULL;
    for (const char *const *name = td_scope_names(id->a); *name != NULL; name++)
        list = joined(id, list, td_str(*name));
    return list;
}

/* The names in a token say what was asked; what its user may do is read from the store at every request. Management
 * believes tokens with mdm_delegation alone (join-and-tokens.md 10.3). */
static const char *permissions(struct td_id *id, const struct td_asked *asked)
{
    unsigned opens = asked->foreign ? 1U << TD_RESOURCE_MANAGEMENT : td_resource_of(id->svc, td_str(asked->resource));
    bool is_graph = (opens & 1U << TD_RESOURCE_GRAPH) != 0;
    const char *names = asked->every ? every_name(id) : asked->scp != NULL ? asked->scp : "User.Read";
    if ((opens & 1U << TD_RESOURCE_MANAGEMENT) != 0)
        return is_graph ? joined(id, "mdm_delegation", td_str(names)) : "mdm_delegation";
    return is_graph ? names : "user_impersonation";
}

/* Our own names come first: what somebody registered under one of them changes nothing. */
static enum td_code check_resource(struct td_id *id, const struct known *k, struct td_asked *asked)
{
    if (td_resource_of(id->svc, td_str(asked->resource)) != 0)
        return TD_OK;
    const struct td_foreign_management *m = named(k, td_str(asked->resource));
    if (m == NULL && !td_fault("token-any-resource"))
        return td_id_refuse(id, TD_OA_RESOURCE, td_arena_printf(id->a, "\"%.200s\"", asked->resource));
    asked->foreign = m != NULL;
    if (m != NULL)
        asked->service = *m;
    return TD_OK;
}

enum td_code td_id_asked(struct td_id *id, struct td_tx *tx, const char *tenant, const char *scope,
                         const char *resource, struct td_asked *ret)
{
    struct known known;
    bool given = resource[0] != '\0';
    if (strlen(scope) > SCOPE_MAX)
        return td_id_refuse(id, TD_OA_SCOPE, "It is too long.");
    td_try(read_known(id, tx, tenant, &known));
    *ret = (struct td_asked){.resource = given ? resource : graph, .named = given, .every = given};
    td_try(take_scopes(id, &known, scope, !given, ret));
    td_try(check_resource(id, &known, ret));
    ret->scp = permissions(id, ret);
    if (!id->v2 || scope[0] == '\0')
        ret->scope = ret->scp;
    else if (ret->every)
        ret->scope = joined(id, ret->scp, td_str(ret->scope));
    return TD_OK;
}

/* One user under one client, and not the same elsewhere. */
const char *td_id_pairwise(struct td_id *id, const char *tenant, const char *app, const char *oid)
{
    unsigned char sum[32];
    td_sha256(td_str(td_arena_printf(id->a, "%s|%s|%s", tenant, app, oid)), sum);
    return td_b64url(id->a, td_bytes(sum, sizeof(sum)));
}

static void write_dates(struct td_id *id, struct td_jsonw *w)
{
    int64_t now = td_now(id->svc->env) / TD_SECOND;
    td_jsonw_kint(w, "iat", now);
    td_jsonw_kint(w, "nbf", now);
    td_jsonw_kint(w, "exp", now + ACCESS_SECONDS);
}

static void write_strings(struct td_jsonw *w, const char *name, const char *const *list)
{
    td_jsonw_key(w, name);
    td_jsonw_arr(w);
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        td_jsonw_str(w, list[i]);
    td_jsonw_arr_end(w);
}

static void write_subject(struct td_id *id, const struct td_issue *i, struct td_jsonw *w)
{
    static const char *const by_password[] = {"pwd", NULL}, *const by_both[] = {"pwd", "rsa", NULL};
    bool device = i->device_id[0] != '\0';
    td_jsonw_kstr(w, "tid", id->tenant.id);
    if (device)
        td_jsonw_kstr(w, "deviceid", i->device_id);
    if (i->user.id == NULL)
        return;
    td_jsonw_kstr(w, "oid", i->user.id);
    td_jsonw_kstr(w, "upn", i->user.upn);
    td_jsonw_kstr(w, "unique_name", i->user.upn);
    td_jsonw_kstr(w, "preferred_username", i->user.upn);
    td_jsonw_kstr(w, "name", i->user.name);
    write_strings(w, "amr", device ? by_both : by_password);
}

static void write_access(struct td_id *id, const struct td_issue *i, struct td_jsonw *w)
{
    const char *oid = i->app_only ? i->app.principal : i->user.id != NULL ? i->user.id : i->device_id;
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "aud", i->asked.resource);
    td_jsonw_kstr(w, "iss", td_arena_printf(id->a, "%s/%s/%s", id->req->base, id->tenant.id, id->v2 ? "v2.0" : ""));
    write_dates(id, w);
    td_jsonw_kstr(w, "appid", i->app.id);
    if (id->v2)
        td_jsonw_kstr(w, "azp", i->app.id);
    td_jsonw_kstr(w, id->v2 ? "azpacr" : "appidacr", i->app.is_public ? "0" : "1");
    td_jsonw_kstr(w, "app_displayname", i->app.name);
    td_jsonw_kstr(w, "sub", i->app_only ? oid : td_id_pairwise(id, id->tenant.id, i->app.id, oid));
    write_subject(id, i, w);
    if (i->app_only) {
        td_jsonw_kstr(w, "oid", oid);
        td_jsonw_kstr(w, "idtyp", "app");
    } else if (i->user.id != NULL) {
        td_jsonw_kstr(w, "idtyp", "user");
        td_jsonw_kstr(w, "scp", i->asked.scp);
        td_jsonw_kstr(w, "acr", "1");
    }
    if (i->app_only)
        write_strings(w, "roles", i->roles);
    td_jsonw_kstr(w, "jti", td_uuid_arena(id->svc->env, id->a));
    td_jsonw_kstr(w, "ver", id->v2 ? "2.0" : "1.0");
    td_jsonw_end(w);
}

/* The id_token's issuer is that of the discovery document which names this endpoint (OpenID Connect Core 3.1.3.7). */
static const char *id_issuer(struct td_id *id)
{
    const char *tail = id->v2 && id->segment[0] != '\0' ? "/v2.0" : "";
    const char *who = id->any_tenant ? id->segment : id->tenant.id;
    return td_arena_printf(id->a, "%s%s%s%s", id->req->base, who[0] != '\0' ? "/" : "", who, tail);
}

/* How the device learns where management is (section 6). */
static void write_management(struct td_id *id, const struct td_issue *i, struct td_jsonw *w)
{
    const struct {
        const char *name, *path, *foreign;
    } urls[] = {
        {"mdm_enrollment_url", "/EnrollmentServer/Discovery.svc", i->management.enrolment_url},
        {"mdm_terms_of_use_url", "/EnrollmentServer/TermsOfUse", i->management.terms_url},
        {"mdm_compliance_url", "/", i->management.compliance_url},
    };
    for (size_t k = 0; k < TD_COUNTOF(urls); k++) {
        if (!i->foreign)
            td_jsonw_kstr(w, urls[k].name, td_arena_printf(id->a, "%s%s", id->req->base, urls[k].path));
        else if (urls[k].foreign[0] != '\0')
            td_jsonw_kstr(w, urls[k].name, urls[k].foreign);
    }
    td_jsonw_kstr(w, "tenant_display_name", id->tenant.name);
}

static void write_id_token(struct td_id *id, const struct td_issue *i, struct td_jsonw *w)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "aud", i->app.id);
    td_jsonw_kstr(w, "iss", id_issuer(id));
    write_dates(id, w);
    if (i->nonce != NULL && i->nonce[0] != '\0')
        td_jsonw_kstr(w, "nonce", i->nonce);
    td_jsonw_kstr(w, "sub", td_id_pairwise(id, id->tenant.id, i->app.id, i->user.id));
    write_subject(id, i, w);
    if (i->app.broker)
        write_management(id, i, w);
    td_jsonw_kstr(w, "ver", id->v2 ? "2.0" : "1.0");
    td_jsonw_end(w);
}

typedef void writer(struct td_id *id, const struct td_issue *i, struct td_jsonw *w);

static enum td_code sign(struct td_id *id, const struct td_issue *i, writer *write, char **ret)
{
    struct td_buf claims;
    struct td_jsonw w;
    td_buf_init(&claims, TOKEN_MAX);
    td_jsonw_init(&w, &claims);
    write(id, i, &w);
    enum td_code rc = td_buf_check(&claims, "claims", &id->err);
    if (rc == TD_OK)
        rc = td_token_sign(id->svc, td_buf_slice(&claims), id->a, ret, &id->err);
    td_buf_done(&claims);
    return rc;
}

/* v1 speaks of seconds in strings, v2 in numbers. */
static void seconds(struct td_id *id, struct td_jsonw *w, const char *name, int64_t value)
{
    if (id->v2)
        td_jsonw_kint(w, name, value);
    else
        td_jsonw_kstr(w, name, td_arena_printf(id->a, "%lld", (long long)value));
}

static void write_lives(struct td_id *id, const struct td_issue *i, struct td_jsonw *w)
{
    bool prt = i->prt;
    int64_t now = td_now(id->svc->env) / TD_SECOND, life = prt ? td_prt_life / TD_SECOND : ACCESS_SECONDS;
    seconds(id, w, "expires_in", life - 1);
    seconds(id, w, "ext_expires_in", life - 1);
    if (!id->v2 || prt)
        seconds(id, w, "expires_on", now + life);
    if (!id->v2)
        seconds(id, w, "not_before", now);
    if (i->refresh != NULL)
        td_jsonw_kint(w, "refresh_token_expires_in", i->refresh_life / TD_SECOND - 1);
}

static void write_client_info(struct td_id *id, const struct td_issue *i, struct td_jsonw *w)
{
    if (i->user.id == NULL || strcmp(td_id_form(id, "client_info"), "1") != 0)
        return;
    char *info = td_arena_printf(id->a, "{\"uid\":\"%s\",\"utid\":\"%s\"}", i->user.id, id->tenant.id);
    td_jsonw_kstr(w, "client_info", td_b64url(id->a, td_str(info)));
}

/* An application holds the roles that it was given, whatever .default would open to a person; what it asked for stands
 * behind them, because libraries look for it in what they kept. */
static const char *scope_told(struct td_id *id, const struct td_issue *i)
{
    if (!i->app_only || i->roles == NULL)
        return i->asked.scope;
    const char *told = "";
    for (const char *const *role = i->roles; *role != NULL; role++)
        told = td_arena_printf(id->a, "%s%s ", told, *role);
    return td_arena_printf(id->a, "%s%s", told, td_id_form(id, "scope"));
}

enum td_code td_issue_json(struct td_id *id, const struct td_issue *i, struct td_buf *out)
{
    char *access = NULL, *id_token = NULL;
    struct td_jsonw w;
    if (i->access)
        td_try(sign(id, i, write_access, &access));
    if (i->id_token)
        td_try(sign(id, i, write_id_token, &id_token));
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "token_type", "Bearer");
    td_jsonw_kstr(&w, "scope", scope_told(id, i));
    write_lives(id, i, &w);
    if (!id->v2 && i->asked.named)
        td_jsonw_kstr(&w, "resource", i->asked.resource);
    if (access != NULL)
        td_jsonw_kstr(&w, "access_token", access);
    if (i->refresh != NULL)
        td_jsonw_kstr(&w, "refresh_token", i->refresh);
    if (id_token != NULL)
        td_jsonw_kstr(&w, "id_token", id_token);
    if (i->session_key_jwe != NULL)
        td_jsonw_kstr(&w, "session_key_jwe", i->session_key_jwe);
    write_client_info(id, i, &w);
    td_jsonw_end(&w);
    return td_buf_check(out, "reply", &id->err);
}

enum td_code td_issue_reply(struct td_id *id, const struct td_issue *i)
{
    struct td_buf out;
    td_buf_init(&out, REPLY_MAX);
    enum td_code rc = td_issue_json(id, i, &out);
    if (rc == TD_OK) {
        td_reply_text(id->reply, 200, "application/json; charset=utf-8", td_buf_slice(&out));
        td_reply_header(id->reply, "Cache-Control", "no-store");
        td_reply_header(id->reply, "Pragma", "no-cache");
    }
    td_buf_wipe(&out);
    return rc;
}
