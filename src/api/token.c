/* The check of bearer tokens (api/token.h; join-and-tokens.md 6.1, 10.3; contract section 4). */
#include "api/token.h"

#include "api/keyring.h"
#include "base/fault.h"
#include "crypto/jose.h"
#include "store/application.h"
#include "store/device.h"
#include "store/tenant.h"
#include "store/user.h"

static const int64_t skew = 5 * TD_MINUTE;

/* Names of our services, without final '/'. */
static const struct {
    enum td_resource resource;
    const char *name;
} audiences[] = {
    {TD_RESOURCE_DIRECTORY_JOIN, "urn:ms-drs:enterpriseregistration.windows.net"},
    {TD_RESOURCE_DIRECTORY_JOIN, "01cb2876-7ebd-4aa4-9cc9-d28bd4d359a9"},
    {TD_RESOURCE_GRAPH, "https://graph.microsoft.com"},
    {TD_RESOURCE_GRAPH, "00000003-0000-0000-c000-000000000000"},
    {TD_RESOURCE_MANAGEMENT, "https://enrollment.manage.microsoft.com"},
    {TD_RESOURCE_MANAGEMENT, "0000000a-0000-0000-c000-000000000000"},
    {TD_RESOURCE_MANAGEMENT, "d4ebce55-015a-49b5-a083-c84d1797ae8c"},
    {TD_RESOURCE_MANAGEMENT, "https://manage.microsoft.com"},
};

/* What our own names open; the join takes its own two audiences and no other (section 3). */
static const unsigned by_our_name = 1U << TD_RESOURCE_GRAPH | 1U << TD_RESOURCE_MANAGEMENT;

unsigned td_resource_of(const struct td_service *svc, struct td_slice name)
{
    if (td_ends(name, "/"))
        name = td_sub(name, 0, name.n - 1);
    for (size_t i = 0; i < TD_COUNTOF(audiences); i++)
        if (td_ieqs(name, audiences[i].name))
            return 1U << audiences[i].resource;
    if (td_istarts(name, "https://") && td_service_is_ours(svc, td_sub(name, 8, name.n)))
        return by_our_name;
    return 0;
}

static enum td_code refuse(struct td_error *err, const char *why)
{
    return td_fail(err, TD_EAUTH, "token", "%s", why);
}

/* https://{one of our names}/{tenant}/ and the forms without the final '/' or with v2.0 behind it. */
static bool issuer_ours(const struct td_service *svc, const char *iss, const char *tenant)
{
    struct td_slice s = td_str(iss), host;
    if (!td_starts(s, "https://"))
        return false;
    s = td_cut(td_sub(s, 8, s.n), '/', &host);
    if (!td_service_is_ours(svc, host) || !td_starts(s, tenant))
        return false;
    s = td_sub(s, strlen(tenant), s.n);
    return s.n == 0 || td_eqs(s, "/") || td_eqs(s, "/v2.0");
}

static enum td_code check_dates(const struct td_service *svc, const struct td_json *c, struct td_error *err)
{
    int64_t now = td_now(svc->env) / TD_SECOND, leeway = skew / TD_SECOND;
    int64_t exp = td_json_int(c, "exp", 0), nbf = td_json_int(c, "nbf", 0);
    if (exp <= now - leeway && !td_fault("token-any-date"))
        return td_remedy(err, td_fail(err, TD_EEXPIRED, "token", "the token has expired"), "ask for a new one");
    return nbf > now + leeway ? refuse(err, "the token is not valid yet") : TD_OK;
}

static const char *text(const struct td_json *c, const char *name)
{
    const char *s = td_json_str(c, name);
    return s != NULL ? s : "";
}

static enum td_code check_signature(const struct td_service *svc, struct td_slice jwt, struct td_arena *a,
                                    const struct td_json **ret, struct td_error *err)
{
    struct td_jws jws = {0};
    if (jwt.n == 0)
        return refuse(err, "a bearer token is needed");
    if (td_jws_decode(jwt, a, &jws, NULL) != TD_OK || jws.claims == NULL)
        return refuse(err, "the token is no JSON Web Token");
    if (strcmp(jws.kid, svc->keyring->kid) != 0 || !td_jws_verify(&jws, svc->keyring->key, TD_RS256))
        return refuse(err, "the token's signature is not ours");
    *ret = jws.claims;
    return TD_OK;
}

/* A token made before this moment belongs to an earlier password or an earlier join. iat counts whole seconds. */
static bool made_before(const struct td_json *c, int64_t moment)
{
    return (td_json_int(c, "iat", 0) + 1) * TD_SECOND <= moment;
}

static enum td_code check_user(struct td_tx *tx, const struct td_json *c, struct td_arena *a, struct td_claims *ret,
                               struct td_error *err)
{
    struct td_user u = {0};
    enum td_code rc = td_user_find(tx, ret->tenant, td_str(ret->oid), a, &u, err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && !u.enabled && !td_fault("token-disabled-user")))
        return refuse(err, "the token's user is deleted or disabled");
    td_try(rc);
    if (made_before(c, u.tokens_from) && !td_fault("token-before-change"))
        return refuse(err, "the token was made before its user's password or state was changed");
    ret->upn = u.upn;
    ret->name = u.name;
    return td_user_roles(tx, ret->tenant, u.id, a, &ret->roles, err);
}

static enum td_code check_device(struct td_tx *tx, const struct td_json *c, struct td_arena *a,
                                 const struct td_claims *claims, struct td_error *err)
{
    struct td_device_row d = {0};
    enum td_code rc = td_device_serving(tx, claims->tenant, claims->device_id, a, &d, err);
    if (rc == TD_ENOTFOUND || rc == TD_EDENIED)
        return refuse(err, "the token's device is deleted or disabled");
    td_try(rc);
    if (made_before(c, d.joined_at) && !td_fault("token-earlier-join"))
        return refuse(err, "the token belongs to an earlier join of its device");
    return TD_OK;
}

static enum td_code check_application(struct td_tx *tx, struct td_arena *a, struct td_claims *ret, struct td_error *err)
{
    struct td_application app = {0};
    enum td_code rc = td_application_find(tx, ret->tenant, td_str(ret->app_id), a, &app, err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && !app.enabled))
        return refuse(err, "the token's application is deleted or disabled");
    td_try(rc);
    return td_application_roles(tx, ret->tenant, app.id, a, &ret->roles, err);
}

static enum td_code check_subject(struct td_tx *tx, const struct td_json *c, struct td_arena *a, struct td_claims *ret,
                                  struct td_error *err)
{
    bool app_only = strcmp(text(c, "idtyp"), "app") == 0;
    if (ret->device_id[0] != '\0')
        td_try(check_device(tx, c, a, ret, err));
    if (app_only)
        return check_application(tx, a, ret, err);
    ret->device_only = ret->oid[0] == '\0';
    if (!ret->device_only)
        return check_user(tx, c, a, ret, err);
    return ret->device_id[0] != '\0' ? TD_OK : refuse(err, "the token names nobody");
}

enum td_code td_token_check(const struct td_service *svc, struct td_tx *tx, struct td_slice jwt,
                            enum td_resource resource, struct td_arena *a, struct td_claims *ret, struct td_error *err)
{
    static const char *const no_roles[] = {NULL};
    const struct td_json *c = NULL;
    td_try(check_signature(svc, jwt, a, &c, err));
    struct td_claims out = {.tenant = text(c, "tid"),
                            .oid = text(c, "oid"),
                            .upn = "",
                            .name = "",
                            .device_id = text(c, "deviceid"),
                            .app_id = text(c, "appid"),
                            .audience = text(c, "aud"),
                            .scope = text(c, "scp"),
                            .roles = no_roles,
                            .expires = td_json_int(c, "exp", 0) * TD_SECOND};
    struct td_tenant tenant = {0};
    if (out.tenant[0] == '\0' || (!issuer_ours(svc, text(c, "iss"), out.tenant) && !td_fault("token-any-issuer")))
        return refuse(err, "the token's issuer is not ours");
    td_try(check_dates(svc, c, err));
    if ((td_resource_of(svc, td_str(out.audience)) & 1U << resource) == 0 && !td_fault("token-any-audience"))
        return refuse(err, "the token is for another service");
    if (td_tenant_find(tx, td_str(out.tenant), a, &tenant, NULL) != TD_OK)
        return refuse(err, "the token's tenant is not ours");
    td_try(check_subject(tx, c, a, &out, err));
    *ret = out;
    return TD_OK;
}
