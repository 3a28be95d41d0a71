/* Inside the identity door: what its files share. Nobody else includes this. */
#ifndef TD_API_IDENTITY_ROOM_H
#define TD_API_IDENTITY_ROOM_H

#include "api/identity.h"
#include "api/keyring.h"
#include "api/oauth.h"
#include "store/application.h"
#include "store/device.h"
#include "store/foreign_management.h"
#include "store/grant.h"
#include "store/tenant.h"
#include "store/user.h"

struct td_id { /* one request */
    struct td_service *svc;
    struct td_http_request *req;
    struct td_http_reply *reply;
    struct td_arena *a;
    bool v2;
    const char *segment;     /* tenant part of the path as asked, "" if there is none */
    bool any_tenant;         /* no part, common or organizations */
    struct td_tenant tenant; /* id NULL until known */
    struct td_oauth_error error;
    struct td_error err;
    const char *assertion; /* client that client_assertion was proven for, NULL if there is none */
    struct td_slice assertion_thumb;
};

void td_id_init(struct td_id *id, struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply);
enum td_code td_id_refuse(struct td_id *id, enum td_oauth what, const char *detail);
/* A write that may commit and refuse at once (a code that was tried twice is burnt): its function begins by clearing
 * id->error, because it may run again. */
enum td_code td_id_write(struct td_id *id, td_tx_fn *fn, void *ctx);
/* Tenant of the path into id->tenant, unless any tenant is meant. */
enum td_code td_id_tenant(struct td_id *id, struct td_tx *tx);
/* The tenant that a credential belongs to: must be the path's, if that names one. */
enum td_code td_id_tenant_is(struct td_id *id, struct td_tx *tx, const char *tenant);
const char *td_id_form(const struct td_id *id, const char *name); /* "" if absent */

/* What a request asks for: scopes (v2) or resource (v1). */
struct td_asked {
    const char *resource; /* the audience, as asked */
    const char *scope;    /* as answered: what was asked, blanks between, and what .default stands for */
    const char *scp;      /* permissions in the token */
    bool named;           /* a resource was named */
    bool every;           /* .default, or a resource alone: every permission */
    bool openid, offline, aza;
    bool foreign; /* the resource is a management service of others, known to the tenant */
    struct td_foreign_management service;
};
/* The tenant's management services of others are resources too, looked up in tx, which must be the one that grants: tx
 * NULL or an unknown tenant ("" or NULL) means our own resources alone. */
enum td_code td_id_asked(struct td_id *id, struct td_tx *tx, const char *tenant, const char *scope,
                         const char *resource, struct td_asked *ret);

/* The client of a request: known, enabled, and proven by its secret if it has one. client_id and client_secret from the
 * form, or by Basic. */
enum td_code td_id_client(struct td_id *id, struct td_tx *tx, const char *tenant, struct td_application *ret);
const char *td_id_client_id(const struct td_id *id);
/* client_assertion, if the form holds one: checked here, outside any transaction; td_id_client then believes it. */
enum td_code td_id_assertion(struct td_id *id);
enum td_code td_id_client_proven(struct td_id *id, struct td_tx *tx, const char *tenant,
                                 const struct td_application *app);

/* Everything that a token reply is made of. */
struct td_issue {
    struct td_user user; /* id NULL: an application or a device alone */
    struct td_application app;
    const char *device_id; /* "" if none */
    const char *const *roles;
    struct td_asked asked;
    const char *nonce;   /* for the id_token, "" if none */
    const char *refresh; /* NULL if none */
    int64_t refresh_life;
    const char *session_key_jwe; /* NULL if none */
    bool prt;                    /* the refresh token is a primary one: the lives told are its */
    bool access, id_token, app_only;
    bool foreign; /* the device that signs in is managed elsewhere */
    struct td_foreign_management management;
};
/* Where the device of the issue is managed, for its id_token and its way: told apart by the profile of its
 * registration. A device that is given its token for the service that its profile names is handed over: its way ends
 * here. */
enum td_code td_id_management(struct td_id *id, struct td_tx *tx, const char *registration, struct td_issue *i);
enum td_code td_id_hand_over(struct td_id *id, struct td_tx *tx, const struct td_issue *i);
enum td_code td_issue_json(struct td_id *id, const struct td_issue *i, struct td_buf *out);
enum td_code td_issue_reply(struct td_id *id, const struct td_issue *i);

/* The sub claim. */
const char *td_id_pairwise(struct td_id *id, const char *tenant, const char *app, const char *oid);

/* Refresh tokens and primary ones: makes the secret and its row. */
struct td_refresh_spec {
    enum td_grant_kind kind;
    const char *tenant, *user_id, *app_id, *device_id, *family;
    const char *resource, *scope;
    struct td_slice sealed;
};
extern const int64_t td_refresh_life, td_prt_life, td_old_refresh_life;
enum td_code td_id_refresh_new(struct td_id *id, struct td_tx *tx, const struct td_refresh_spec *s, const char **ret);
void td_id_hash(const char *secret, unsigned char out[32]);

/* User and device behind a grant: there, enabled, and not changed since. device_id "" is fine. */
enum td_code td_id_user(struct td_id *id, struct td_tx *tx, const char *tenant, const char *user_id, int64_t granted_at,
                        struct td_user *ret);
enum td_code td_id_device(struct td_id *id, struct td_tx *tx, const char *tenant, const char *device_id,
                          int64_t granted_at, struct td_device_row *ret);
/* td_sign_in with its errors as OAuth refusals, for users of id->tenant (known by then) alone. */
enum td_code td_id_sign_in(struct td_id *id, struct td_slice upn, struct td_slice password, struct td_signed_in *ret);

/* Grants, each in the file of its kind. */
enum td_code td_id_grant_code(struct td_id *id);
enum td_code td_id_grant_refresh(struct td_id *id);
enum td_code td_id_grant_password(struct td_id *id);
enum td_code td_id_grant_client(struct td_id *id);
enum td_code td_id_grant_device_code(struct td_id *id);
enum td_code td_id_grant_challenge(struct td_id *id);
enum td_code td_id_grant_signed(struct td_id *id);

/* Handlers. */
td_handler td_id_authorize_v1, td_id_authorize_v2, td_id_token_v1, td_id_token_v2, td_id_devicecode_v1,
    td_id_devicecode_v2, td_id_logout, td_id_device_login, td_id_configuration, td_id_configuration_v2,
    td_id_configuration_adfs, td_id_keys, td_id_instance, td_id_realm, td_id_userinfo;

/* The sign-in that a flow ticket carries from page to page (identity/sign_in.c). */
struct td_flow {
    const char *tenant; /* expected tenant's id, "" for any */
    const char *client, *redirect, *scope, *resource, *state, *nonce, *challenge, *mode;
    const char *segment;
    const char *registration; /* of the device that asks, "" if none */
    const char *device_code;  /* base64url of the hash of a device code that is to be approved, "" */
    const char *hint;         /* user name to begin with */
    const char *client_name;
    bool v2;
};
void td_id_flow_page(struct td_id *id, const struct td_flow *f, const char *username, bool ask_password,
                     const char *message);
/* The same where the service can't answer now: 503 and Retry-After, so that devices try again by themselves. */
void td_id_flow_away(struct td_id *id, const struct td_flow *f, const char *username, bool ask_password,
                     const char *message);
void td_id_flow_posted(struct td_id *id);
/* Answers at the redirect address in the asked mode; pairs ends with a NULL name. */
void td_id_answer(struct td_id *id, const char *redirect, const char *mode, const char *const *pairs);
void td_id_error_page(struct td_id *id, int status, const char *title, const char *text);
/* The person approved a device code (identity/approve.c); in the transaction of the sign-in. */
enum td_code td_id_approve(struct td_id *id, struct td_tx *tx, const struct td_flow *f, const char *tenant,
                           const char *user_id);

#endif
