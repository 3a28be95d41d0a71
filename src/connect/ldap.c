/* connect/ldap.h by libldap. */
#include "connect/ldap.h"

enum td_code td_ldap_open(const struct td_ldap_config *config, struct td_ldap **ret, struct td_ldap_result *ret_why,
                          struct td_error *err)
{
    (void)config, (void)ret, (void)ret_why;
    return td_fail(err, TD_ENOTOFFERED, "ldap", "not there yet");
}
