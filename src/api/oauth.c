#include "api/oauth.h"

#include "codec/json.h"

static const struct row {
    const char *word;
    int number, status;
    const char *text;
} table[TD_OA_COUNT] = {
    [TD_OA_NONE] = {"server_error", 90000, 500, "The request could not be carried out."},
    [TD_OA_REQUEST] = {"invalid_request", 900144, 400, "The request lacks a parameter or holds a wrong one."},
    [TD_OA_TENANT] = {"invalid_request", 90002, 400, "This tenant is not known here."},
    [TD_OA_TENANT_NEEDED] = {"invalid_request", 90133, 400, "This request must name its tenant in the address."},
    [TD_OA_GRANT_UNKNOWN] = {"unsupported_grant_type", 70003, 400, "This grant type is not offered."},
    [TD_OA_PASSWORD_GRANT] = {"unauthorized_client", 53003, 400,
                              "This tenant does not allow token requests with user name and password"
                              " (setting password-grant)."},
    [TD_OA_CLIENT] = {"unauthorized_client", 700016, 400, "This application is not known in the tenant."},
    [TD_OA_CLIENT_PUBLIC] = {"unauthorized_client", 700025, 400, "A public client can't act for itself."},
    [TD_OA_SECRET_MISSING] = {"invalid_client", 7000218, 401, "The request must hold the client's secret."},
    [TD_OA_SECRET] = {"invalid_client", 7000215, 401, "The client's secret is wrong."},
    [TD_OA_SECRET_EXPIRED] = {"invalid_client", 7000222, 401, "The client's secret has expired."},
    [TD_OA_CLIENT_ASSERTION] = {"invalid_client", 700027, 400, "The client assertion is not valid."},
    [TD_OA_PASSWORD] = {"invalid_grant", 50126, 400, "The user name or the password is wrong."},
    [TD_OA_LOCKED] = {"invalid_grant", 50053, 400,
                      "Too many wrong passwords were tried; the account is locked for a while."},
    [TD_OA_DISABLED] = {"invalid_grant", 50057, 400, "This user account is disabled."},
    [TD_OA_PASSWORD_EXPIRED] = {"invalid_grant", 50055, 400, "The password has expired or must be changed."},
    [TD_OA_HOURS] = {"invalid_grant", 80012, 400, "The account may not sign in at this hour or from here."},
    [TD_OA_FOREIGN_USER] = {"invalid_grant", 50020, 400, "This account belongs to another organization."},
    [TD_OA_ASSERTION] = {"invalid_grant", 50013, 400, "The signed request is not valid."},
    [TD_OA_CODE] = {"invalid_grant", 70008, 400, "The authorization code is not valid or has expired."},
    [TD_OA_CODE_USED] = {"invalid_grant", 54005, 400, "The authorization code was used before."},
    [TD_OA_REFRESH] = {"invalid_grant", 700082, 400, "The refresh token is not valid or has expired."},
    [TD_OA_REDIRECT] = {"invalid_request", 50011, 400, "The redirect address is not registered for the application."},
    [TD_OA_PKCE] = {"invalid_grant", 501481, 400, "The code verifier does not match the code challenge."},
    [TD_OA_PKCE_NEEDED] = {"invalid_request", 9002325, 400,
                           "A public client must send a code challenge of method S256."},
    [TD_OA_DEVICE_UNKNOWN] = {"invalid_grant", 700003, 400, "The device is not in the tenant."},
    [TD_OA_DEVICE_DISABLED] = {"invalid_grant", 135011, 400, "The device is disabled."},
    [TD_OA_SCOPE] = {"invalid_scope", 70011, 400, "The scope is not valid."},
    [TD_OA_RESOURCE] = {"invalid_resource", 500011, 400, "The resource is not known in the tenant."},
    [TD_OA_RESPONSE_TYPE] = {"unsupported_response_type", 700054, 400, "Only the response type code is offered."},
    [TD_OA_LOGIN_REQUIRED] = {"login_required", 50058, 400, "The user must sign in."},
    [TD_OA_DENIED] = {"access_denied", 65004, 400, "The user declined."},
    [TD_OA_PENDING] = {"authorization_pending", 70016, 400, "The user has not finished signing in."},
    [TD_OA_SLOW_DOWN] = {"slow_down", 70016, 400, "The client asks too often."},
    [TD_OA_DEVICE_CODE] = {"expired_token", 70020, 400, "The device code is not valid or has expired."},
    [TD_OA_UNAVAILABLE] = {"temporarily_unavailable", 90033, 503, "The service is busy: try again."},
    [TD_OA_SERVER] = {"server_error", 90000, 500, "The request could not be carried out."},
};

enum td_code td_oauth_refuse(struct td_oauth_error *e, enum td_oauth what, const char *detail)
{
    *e = (struct td_oauth_error){.what = what, .detail = detail};
    return TD_EDENIED;
}

const char *td_oauth_word(enum td_oauth what)
{
    return table[what].word;
}

char *td_oauth_text(const struct td_oauth_error *e, struct td_arena *a)
{
    const struct row *r = &table[e->what];
    bool more = e->detail != NULL && e->detail[0] != '\0';
    return td_arena_printf(a, "AADSTS%d: %s%s%s", r->number, r->text, more ? " " : "", more ? e->detail : "");
}

/* "2030-01-02 03:04:05Z": the form that clients of this protocol know. */
static char *timestamp(const struct td_service *svc, struct td_arena *a)
{
    char *text = td_time_arena(a, td_now(svc->env));
    if (strlen(text) > 10)
        text[10] = ' ';
    return text;
}

static void write_body(const struct td_service *svc, const struct td_oauth_error *e, struct td_arena *a,
                       struct td_buf *out)
{
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "error", table[e->what].word);
    td_jsonw_kstr(&w, "error_description", td_oauth_text(e, a));
    td_jsonw_key(&w, "error_codes");
    td_jsonw_arr(&w);
    td_jsonw_int(&w, table[e->what].number);
    td_jsonw_arr_end(&w);
    td_jsonw_kstr(&w, "timestamp", timestamp(svc, a));
    td_jsonw_kstr(&w, "trace_id", td_uuid_arena(svc->env, a));
    td_jsonw_kstr(&w, "correlation_id", td_uuid_arena(svc->env, a));
    td_jsonw_end(&w);
}

void td_oauth_reply(const struct td_service *svc, const struct td_oauth_error *e, enum td_code rc, struct td_arena *a,
                    struct td_http_reply *reply)
{
    struct td_oauth_error out = *e;
    if (out.what == TD_OA_NONE)
        out.what = rc == TD_EUNAVAILABLE ? TD_OA_UNAVAILABLE : TD_OA_SERVER;
    struct td_buf body;
    td_buf_init(&body, 8192);
    write_body(svc, &out, a, &body);
    td_reply_text(reply, table[out.what].status, "application/json; charset=utf-8", td_buf_slice(&body));
    td_reply_header(reply, "Cache-Control", "no-store");
    if (table[out.what].status == 401)
        td_reply_header(reply, "WWW-Authenticate", "Basic realm=\"token\"");
    if (out.what == TD_OA_UNAVAILABLE)
        td_reply_header(reply, "Retry-After", "2");
    td_buf_done(&body);
}
