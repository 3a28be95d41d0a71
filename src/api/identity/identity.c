/* The door: its paths (join-and-tokens.md 1, 2, 10). */
#include "api/identity/room.h"

enum { FORM = 65536 };

/* The token endpoint is not limited by address: a fleet behind one address needs it, nothing there can be guessed (our
 * secrets have 256 random bits, passwords have the guard), and asking for a nonce touches nothing. */
#define ENDPOINTS(prefix, version)                                                              \
    {TD_GET | TD_POST, prefix "/authorize", td_id_authorize_##version, TD_ROUTE_LIMITED, FORM}, \
        {TD_POST, prefix "/token", td_id_token_##version, 0, FORM},                             \
        {TD_POST, prefix "/devicecode", td_id_devicecode_##version, TD_ROUTE_LIMITED, FORM},    \
    {                                                                                           \
        TD_GET | TD_POST, prefix "/logout", td_id_logout, 0, FORM                               \
    }

/* Fixed first segments stand before {tenant}: the first match wins. */
const struct td_route td_identity_routes[] = {
    ENDPOINTS("/oauth2/v2.0", v2),
    ENDPOINTS("/oauth2", v1),
    ENDPOINTS("/{tenant}/oauth2/v2.0", v2),
    ENDPOINTS("/{tenant}/oauth2", v1),
    {TD_GET, "/.well-known/openid-configuration", td_id_configuration_v2, 0, 0},
    {TD_GET, "/adfs/.well-known/openid-configuration", td_id_configuration_adfs, 0, 0},
    {TD_GET, "/{tenant}/.well-known/openid-configuration", td_id_configuration, 0, 0},
    {TD_GET, "/{tenant}/v2.0/.well-known/openid-configuration", td_id_configuration_v2, 0, 0},
    {TD_GET, "/common/discovery/instance", td_id_instance, 0, 0},
    {TD_GET, "/{tenant}/discovery/keys", td_id_keys, 0, 0},
    {TD_GET, "/{tenant}/discovery/v2.0/keys", td_id_keys, 0, 0},
    {TD_GET, "/common/userrealm/{upn}", td_id_realm, TD_ROUTE_LIMITED, 0},
    {TD_GET, "/common/userrealm", td_id_realm, TD_ROUTE_LIMITED, 0},
    {TD_GET | TD_POST, "/oidc/userinfo", td_id_userinfo, 0, FORM},
    {TD_GET | TD_POST, "/devicelogin", td_id_device_login, TD_ROUTE_LIMITED, FORM},
};
const size_t td_identity_route_count = TD_COUNTOF(td_identity_routes);
