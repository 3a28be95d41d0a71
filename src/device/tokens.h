/* Tokens of a joined device: nonce, primary refresh token by the device key, broker requests by the session key
 * (join-and-tokens.md 4, 10.1 to 10.6). Tokens in answers are the caller's arena's; keys are wiped. */
#ifndef TD_DEVICE_TOKENS_H
#define TD_DEVICE_TOKENS_H

#include "device/flow.h"

extern const char td_broker_client[];  /* 29d9ed98-...: broker */
extern const char td_windows_client[]; /* 38aa3b87-...: Windows sign-in */
#define TD_RESOURCE_MDM "https://enrollment.manage.microsoft.com/"
#define TD_RESOURCE_DIRECTORY "https://graph.microsoft.com/"

struct td_sts { /* the sign-in service of the profile's tenant, from its discovery document */
    const char *authorize, *token, *issuer;
};
enum td_code td_sts_find(struct td_flow *f, struct td_arena *a, struct td_sts *ret, struct td_error *err) TD_MUST_USE;

/* Primary refresh token of a user, kept in the state: by the password, or by the broker's refresh token. */
enum td_code td_prt_by_password(struct td_flow *f, const char *user, const char *password, struct td_error *err)
    TD_MUST_USE;
/* Is this the user's password? Nothing of the answer is kept. TD_EAUTH: no. */
enum td_code td_password_check(struct td_flow *f, const char *user, const char *password, struct td_error *err)
    TD_MUST_USE;
enum td_code td_prt_by_refresh(struct td_flow *f, const char *refresh_token, struct td_error *err) TD_MUST_USE;
bool td_prt_there(const struct td_flow *f);

/* Access token with deviceid for a resource: asked by the session key, or, on a device that joined without a user, by
 * the device's key; such a token names no user (join-and-tokens.md 5). */
enum td_code td_token_for(struct td_flow *f, const char *resource, struct td_arena *a, const char **ret,
                          struct td_error *err) TD_MUST_USE;

#endif
