/* OAuth errors, one table: error word, AADSTS-like number, status, sentence (join-and-tokens.md 10.3).
 *
 * A door's function that refuses calls td_oauth_refuse and returns what that returns; the handler answers with
 * td_oauth_reply at its end. Codes of the store and of crypto that nobody turned into a refusal become server errors.
 */
#ifndef TD_API_OAUTH_H
#define TD_API_OAUTH_H

#include "api/service.h"

enum td_oauth {
    TD_OA_NONE,
    TD_OA_REQUEST,       /* a parameter is missing or wrong */
    TD_OA_TENANT,        /* no such tenant */
    TD_OA_TENANT_NEEDED, /* 'common' where a tenant must be named */
    TD_OA_GRANT_UNKNOWN,
    TD_OA_PASSWORD_GRANT, /* off in this tenant */
    TD_OA_CLIENT,         /* no such application */
    TD_OA_CLIENT_PUBLIC,  /* a public client can't act for itself */
    TD_OA_SECRET_MISSING,
    TD_OA_SECRET,
    TD_OA_SECRET_EXPIRED,
    TD_OA_CLIENT_ASSERTION, /* certificate, signature, audience or dates */
    TD_OA_PASSWORD,
    TD_OA_LOCKED,
    TD_OA_DISABLED,
    TD_OA_PASSWORD_EXPIRED, /* or must be changed: a directory's people */
    TD_OA_HOURS,            /* not now, or not from here: a directory's people */
    TD_OA_FOREIGN_USER,
    TD_OA_ASSERTION, /* signature, certificate or nonce */
    TD_OA_CODE,      /* unknown or expired */
    TD_OA_CODE_USED,
    TD_OA_REFRESH,
    TD_OA_REDIRECT,
    TD_OA_PKCE,
    TD_OA_PKCE_NEEDED,
    TD_OA_DEVICE_UNKNOWN,
    TD_OA_DEVICE_DISABLED,
    TD_OA_SCOPE,
    TD_OA_RESOURCE,
    TD_OA_RESPONSE_TYPE,
    TD_OA_LOGIN_REQUIRED,
    TD_OA_DENIED, /* the person said no */
    TD_OA_PENDING,
    TD_OA_SLOW_DOWN,
    TD_OA_DEVICE_CODE, /* expired or unknown */
    TD_OA_UNAVAILABLE,
    TD_OA_SERVER,
    TD_OA_COUNT
};

struct td_oauth_error {
    enum td_oauth what;
    const char *detail; /* names the field or says more; never a secret; may be NULL */
};

/* Sets e and returns TD_EDENIED. */
enum td_code td_oauth_refuse(struct td_oauth_error *e, enum td_oauth what, const char *detail);

const char *td_oauth_word(enum td_oauth what); /* "invalid_grant", ... */
/* "AADSTS50126: ..." with the detail behind it. */
char *td_oauth_text(const struct td_oauth_error *e, struct td_arena *a);

/* e->what TD_OA_NONE: from rc (TD_EUNAVAILABLE 503, everything else a server error). */
void td_oauth_reply(const struct td_service *svc, const struct td_oauth_error *e, enum td_code rc, struct td_arena *a,
                    struct td_http_reply *reply);

#endif
