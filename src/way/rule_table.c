/* The attributes of the documented language, in the order of their numbers (graph-api.md 1.9). */
#include "way/rule.h"

#define EXTENSIONS                                                                                    \
    {"extensionAttribute1", TD_RULE_TEXT, false}, {"extensionAttribute2", TD_RULE_TEXT, false},       \
        {"extensionAttribute3", TD_RULE_TEXT, false}, {"extensionAttribute4", TD_RULE_TEXT, false},   \
        {"extensionAttribute5", TD_RULE_TEXT, false}, {"extensionAttribute6", TD_RULE_TEXT, false},   \
        {"extensionAttribute7", TD_RULE_TEXT, false}, {"extensionAttribute8", TD_RULE_TEXT, false},   \
        {"extensionAttribute9", TD_RULE_TEXT, false}, {"extensionAttribute10", TD_RULE_TEXT, false},  \
        {"extensionAttribute11", TD_RULE_TEXT, false}, {"extensionAttribute12", TD_RULE_TEXT, false}, \
        {"extensionAttribute13", TD_RULE_TEXT, false}, {"extensionAttribute14", TD_RULE_TEXT, false}, \
    {                                                                                                 \
        "extensionAttribute15", TD_RULE_TEXT, false                                                   \
    }

static const struct td_rule_attribute of_devices[] = {
    {"accountEnabled", TD_RULE_BOOL, false},
    {"deviceCategory", TD_RULE_TEXT, false},
    {"deviceId", TD_RULE_TEXT, false},
    {"deviceManagementAppId", TD_RULE_TEXT, false},
    {"deviceManufacturer", TD_RULE_TEXT, false},
    {"deviceModel", TD_RULE_TEXT, false},
    {"displayName", TD_RULE_TEXT, false},
    {"deviceOSType", TD_RULE_TEXT, false},
    {"deviceOSVersion", TD_RULE_TEXT, false},
    {"deviceOwnership", TD_RULE_TEXT, false},
    {"devicePhysicalIds", TD_RULE_TEXTS, false},
    {"deviceTrustType", TD_RULE_TEXT, false},
    {"enrollmentProfileName", TD_RULE_TEXT, false},
    {"isRooted", TD_RULE_BOOL, false},
    {"managementType", TD_RULE_TEXT, false},
    {"memberOf", TD_RULE_GROUPS, false},
    {"objectId", TD_RULE_TEXT, false},
    {"profileType", TD_RULE_TEXT, false},
    {"systemLabels", TD_RULE_TEXTS, false},
    EXTENSIONS,
};

static const struct td_rule_attribute of_users[] = {
    {"accountEnabled", TD_RULE_BOOL, false},
    {"assignedPlans", TD_RULE_TEXTS, true},
    {"city", TD_RULE_TEXT, false},
    {"companyName", TD_RULE_TEXT, false},
    {"country", TD_RULE_TEXT, false},
    {"department", TD_RULE_TEXT, false},
    {"dirSyncEnabled", TD_RULE_BOOL, false},
    {"displayName", TD_RULE_TEXT, false},
    {"employeeHireDate", TD_RULE_TIME, false},
    {"employeeId", TD_RULE_TEXT, false},
    {"facsimileTelephoneNumber", TD_RULE_TEXT, false},
    {"givenName", TD_RULE_TEXT, false},
    {"jobTitle", TD_RULE_TEXT, false},
    {"mail", TD_RULE_TEXT, false},
    {"mailNickName", TD_RULE_TEXT, false},
    {"memberOf", TD_RULE_GROUPS, false},
    {"mobile", TD_RULE_TEXT, false},
    {"objectId", TD_RULE_TEXT, false},
    {"otherMails", TD_RULE_TEXTS, false},
    {"passwordPolicies", TD_RULE_TEXT, false},
    {"physicalDeliveryOfficeName", TD_RULE_TEXT, false},
    {"postalCode", TD_RULE_TEXT, false},
    {"preferredLanguage", TD_RULE_TEXT, false},
    {"proxyAddresses", TD_RULE_TEXTS, false},
    {"state", TD_RULE_TEXT, false},
    {"streetAddress", TD_RULE_TEXT, false},
    {"surname", TD_RULE_TEXT, false},
    {"telephoneNumber", TD_RULE_TEXT, false},
    {"usageLocation", TD_RULE_TEXT, false},
    {"userPrincipalName", TD_RULE_TEXT, false},
    {"userType", TD_RULE_TEXT, false},
    EXTENSIONS,
};

_Static_assert(TD_COUNTOF(of_devices) == TD_RD_COUNT, "one row a number");
_Static_assert(TD_COUNTOF(of_users) == TD_RU_COUNT, "one row a number");
_Static_assert((int)TD_RD_COUNT <= TD_RULE_MAX_ATTRIBUTES && (int)TD_RU_COUNT <= TD_RULE_MAX_ATTRIBUTES,
               "bits of a mask");

const struct td_rule_attribute *td_rule_attributes(enum td_rule_kind kind, size_t *ret_count)
{
    *ret_count = kind == TD_RULE_USERS ? TD_COUNTOF(of_users) : TD_COUNTOF(of_devices);
    return kind == TD_RULE_USERS ? of_users : of_devices;
}

int td_rule_attribute_at(enum td_rule_kind kind, struct td_slice name)
{
    size_t n = 0;
    const struct td_rule_attribute *list = td_rule_attributes(kind, &n);
    for (size_t i = 0; i < n; i++)
        if (td_ieqs(name, list[i].name))
            return (int)i;
    return -1;
}
