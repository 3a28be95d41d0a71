/* Types of the directory: groups, devices, users (graph-api.md 1.8). */
#include "graph/directory.h"
#include "graph/types.h"

#define STRING(n)                                                \
    {                                                            \
        .name = (n), .kind = TD_G_STRING, .flags = TD_G_NULLABLE \
    }
#define WORD(n, m)                                                                        \
    {                                                                                     \
        .name = (n), .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE, .max = (m) \
    }
#define STRINGS(n)                                           \
    {                                                        \
        .name = (n), .kind = TD_G_STRING, .flags = TD_G_MANY \
    }
#define BOOL(n)                                                \
    {                                                          \
        .name = (n), .kind = TD_G_BOOL, .flags = TD_G_NULLABLE \
    }
#define TIME(n)                                                \
    {                                                          \
        .name = (n), .kind = TD_G_TIME, .flags = TD_G_NULLABLE \
    }
#define BETA_STRING(n)                                                       \
    {                                                                        \
        .name = (n), .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_BETA \
    }

#define ASKED(n, k)                                                   \
    {                                                                 \
        .name = (n), .kind = (k), .flags = TD_G_NULLABLE | TD_G_ASKED \
    }

/* Known there, nothing here: null when $select names them, so that a tool's list of names is not refused. */
#define NOTHING(n, k, more)                                                    \
    {                                                                          \
        .name = (n), .kind = (k), .flags = TD_G_NULLABLE | TD_G_ASKED | (more) \
    }

static const struct td_g_prop license_props[] = {
    {.name = "disabledPlans", .kind = TD_G_GUID, .flags = TD_G_MANY},
    {.name = "skuId", .kind = TD_G_GUID, .flags = TD_G_NULLABLE},
};
const struct td_g_type td_g_type_assigned_license = {
    .name = "assignedLicense", .TD_G_PROPS(license_props), .complex = true};

static const struct td_g_prop extension_props[] = {
    WORD("extensionAttribute1", 1024),  WORD("extensionAttribute2", 1024),  WORD("extensionAttribute3", 1024),
    WORD("extensionAttribute4", 1024),  WORD("extensionAttribute5", 1024),  WORD("extensionAttribute6", 1024),
    WORD("extensionAttribute7", 1024),  WORD("extensionAttribute8", 1024),  WORD("extensionAttribute9", 1024),
    WORD("extensionAttribute10", 1024), WORD("extensionAttribute11", 1024), WORD("extensionAttribute12", 1024),
    WORD("extensionAttribute13", 1024), WORD("extensionAttribute14", 1024), WORD("extensionAttribute15", 1024),
};
const struct td_g_type td_g_type_extension_attributes = {
    .name = "onPremisesExtensionAttributes", .TD_G_PROPS(extension_props), .complex = true};

static const struct td_g_prop rule_status_props[] = {
    STRING("status"),
    TIME("lastMembershipUpdated"),
    STRING("errorMessage"),
};
const struct td_g_type td_g_type_rule_status = {
    .name = "membershipRuleProcessingStatus", .TD_G_PROPS(rule_status_props), .complex = true, .beta = true};

static const struct td_g_prop evaluation_props[] = {
    STRING("membershipRule"),
    BOOL("membershipRuleEvaluationResult"),
    STRING("membershipRuleEvaluationDetails"),
};
const struct td_g_type td_g_type_rule_evaluation = {
    .name = "evaluateDynamicMembershipResult", .TD_G_PROPS(evaluation_props), .complex = true, .beta = true};

/* Ours: explainAssignment() (graph/explain.c writes it). */
static const struct td_g_prop explained_profile_props[] = {STRING("id"), STRING("displayName")};
const struct td_g_type td_g_type_explained_profile = {
    .name = "explainedProfile", .TD_G_PROPS(explained_profile_props), .complex = true};
static const struct td_g_prop explained_candidate_props[] = {
    STRING("profileId"), STRING("profile"), TIME("profileCreatedDateTime"),
    STRING("groupId"),   STRING("group"),   BOOL("excluded"),
    BOOL("holds"),       STRING("why"),
};
const struct td_g_type td_g_type_explained_candidate = {
    .name = "explainedCandidate", .TD_G_PROPS(explained_candidate_props), .complex = true};
static const struct td_g_prop explained_membership_props[] = {
    STRING("id"), STRING("displayName"), STRING("membershipRule"), BOOL("member"), BOOL("pending"), STRING("why"),
};
const struct td_g_type td_g_type_explained_membership = {
    .name = "explainedMembership", .TD_G_PROPS(explained_membership_props), .complex = true};
#define EXPLAINED(n, f, t)                                                    \
    {                                                                         \
        .name = (n), .kind = TD_G_COMPLEX, .flags = (f), .of = &td_g_type_##t \
    }
static const struct td_g_prop explanation_props[] = {
    STRING("registrationId"),
    STRING("serialNumber"),
    EXPLAINED("intendedProfile", TD_G_NULLABLE, explained_profile),
    EXPLAINED("effectiveProfile", TD_G_NULLABLE, explained_profile),
    STRING("assignmentStatus"),
    EXPLAINED("candidates", TD_G_MANY, explained_candidate),
    EXPLAINED("memberships", TD_G_MANY, explained_membership),
};
const struct td_g_type td_g_type_explanation = {
    .name = "assignmentExplanation", .TD_G_PROPS(explanation_props), .complex = true};

static const struct td_g_prop group_props[] = {
    NOTHING("allowExternalSenders", TD_G_BOOL, 0),
    {.name = "assignedLicenses",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_MANY | TD_G_ASKED,
     .of = &td_g_type_assigned_license,
     .otherwise = "[]"},
    NOTHING("autoSubscribeNewMembers", TD_G_BOOL, 0),
    STRING("classification"),
    NOTHING("createdByAppId", TD_G_STRING, TD_G_BETA),
    TIME("createdDateTime"),
    WORD("description", 1024),
    {.name = "displayName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE | TD_G_NEEDED, .max = 256},
    TIME("expirationDateTime"),
    {.name = "groupTypes", .kind = TD_G_STRING, .flags = TD_G_MANY | TD_G_WRITE, .write = td_g_group_types},
    NOTHING("hasMembersWithLicenseErrors", TD_G_BOOL, 0),
    NOTHING("hideFromAddressLists", TD_G_BOOL, 0),
    NOTHING("hideFromOutlookClients", TD_G_BOOL, 0),
    {.name = "infoCatalogs", .kind = TD_G_STRING, .flags = TD_G_MANY},
    NOTHING("isArchived", TD_G_BOOL, 0),
    BOOL("isAssignableToRole"),
    NOTHING("isFavorite", TD_G_BOOL, 0),
    BOOL("isManagementRestricted"),
    NOTHING("isSubscribedByMail", TD_G_BOOL, 0),
    STRING("mail"),
    {.name = "mailEnabled", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE | TD_G_WRITE | TD_G_NEEDED},
    {.name = "mailNickname", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE | TD_G_NEEDED, .max = 64},
    WORD("membershipRule", 3072),
    WORD("membershipRuleProcessingState", 16),
    {.name = "membershipRuleProcessingStatus",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_BETA,
     .of = &td_g_type_rule_status,
     .write = td_g_group_status},
    STRING("onPremisesDomainName"),
    TIME("onPremisesLastSyncDateTime"),
    STRING("onPremisesNetBiosName"),
    STRING("onPremisesSamAccountName"),
    STRING("onPremisesSecurityIdentifier"),
    BOOL("onPremisesSyncEnabled"),
    NOTHING("organizationId", TD_G_STRING, 0),
    STRING("preferredDataLocation"),
    STRING("preferredLanguage"),
    STRINGS("proxyAddresses"),
    TIME("renewedDateTime"),
    STRINGS("resourceBehaviorOptions"),
    STRINGS("resourceProvisioningOptions"),
    {.name = "securityEnabled", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE | TD_G_WRITE | TD_G_NEEDED},
    STRING("securityIdentifier"),
    STRING("theme"),
    NOTHING("uniqueName", TD_G_STRING, 0),
    NOTHING("unseenConversationsCount", TD_G_INT32, 0),
    NOTHING("unseenCount", TD_G_INT32, 0),
    NOTHING("unseenMessagesCount", TD_G_INT32, 0),
    STRING("visibility"),
    NOTHING("welcomeMessageEnabled", TD_G_BOOL, TD_G_V1),
};
static const struct td_g_nav group_navs[] = {
    {.name = "members", .type = &td_g_type_directory_object, .flags = TD_G_MANY},
    {.name = "transitiveMembers", .type = &td_g_type_directory_object, .flags = TD_G_MANY},
    {.name = "memberOf", .type = &td_g_type_directory_object, .flags = TD_G_MANY},
    {.name = "transitiveMemberOf", .type = &td_g_type_directory_object, .flags = TD_G_MANY},
    {.name = "owners", .type = &td_g_type_directory_object, .flags = TD_G_MANY},
};
const struct td_g_type td_g_type_group = {
    .name = "group", .base = &td_g_type_directory_object, .TD_G_PROPS(group_props), .TD_G_NAVS(group_navs)};

static const struct td_g_prop security_id_props[] = {
    {.name = "type", .kind = TD_G_INT32, .flags = TD_G_NULLABLE},
    STRING("identityProvider"),
    {.name = "key", .kind = TD_G_BINARY, .flags = TD_G_NULLABLE},
};
const struct td_g_type td_g_type_alternative_security_id = {
    .name = "alternativeSecurityId", .TD_G_PROPS(security_id_props), .complex = true};

static const struct td_g_prop device_props[] = {
    {.name = "accountEnabled", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE | TD_G_WRITE},
    {.name = "alternativeNames",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_MANY | TD_G_BETA,
     .otherwise = "[]"},
    {.name = "alternativeSecurityIds",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_MANY,
     .of = &td_g_type_alternative_security_id,
     .write = td_g_security_ids},
    TIME("approximateLastSignInDateTime"),
    TIME("complianceExpirationDateTime"),
    {.name = "createdDateTime", .kind = TD_G_TIME, .flags = TD_G_NULLABLE},
    STRING("deviceCategory"),
    STRING("deviceId"),
    STRING("deviceMetadata"),
    STRING("deviceOwnership"),
    {.name = "deviceVersion", .kind = TD_G_INT32, .flags = TD_G_NULLABLE, .otherwise = "2"},
    STRING("displayName"),
    BETA_STRING("domainName"),
    STRING("enrollmentProfileName"),
    STRING("enrollmentType"),
    {.name = "extensionAttributes",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_WRITE,
     .of = &td_g_type_extension_attributes,
     .write = td_g_extensions},
    {.name = "hostnames", .kind = TD_G_STRING, .flags = TD_G_MANY | TD_G_BETA},
    BOOL("isCompliant"),
    BOOL("isManaged"),
    BOOL("isManagementRestricted"),
    {.name = "isRooted", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE, .otherwise = "false"},
    BETA_STRING("kind"),
    STRING("managementType"),
    STRING("manufacturer"),
    STRING("mdmAppId"),
    STRING("model"),
    BETA_STRING("name"),
    TIME("onPremisesLastSyncDateTime"),
    STRING("onPremisesSecurityIdentifier"),
    BOOL("onPremisesSyncEnabled"),
    STRING("operatingSystem"),
    STRING("operatingSystemVersion"),
    {.name = "physicalIds", .kind = TD_G_STRING, .flags = TD_G_MANY, .write = td_g_physical_ids},
    BETA_STRING("platform"),
    STRING("profileType"),
    TIME("registrationDateTime"),
    BETA_STRING("status"),
    STRINGS("systemLabels"),
    STRING("trustType"),
};
static const struct td_g_nav device_navs[] = {
    {.name = "memberOf", .type = &td_g_type_directory_object, .flags = TD_G_MANY},
    {.name = "transitiveMemberOf", .type = &td_g_type_directory_object, .flags = TD_G_MANY},
    {.name = "registeredOwners", .type = &td_g_type_directory_object, .flags = TD_G_MANY},
    {.name = "registeredUsers", .type = &td_g_type_directory_object, .flags = TD_G_MANY},
};
const struct td_g_type td_g_type_device = {
    .name = "device", .base = &td_g_type_directory_object, .TD_G_PROPS(device_props), .TD_G_NAVS(device_navs)};

static const struct td_g_prop password_props[] = {
    {.name = "password", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE | TD_G_SECRET, .max = 1024},
    {.name = "forceChangePasswordNextSignIn", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE | TD_G_WRITE},
    {.name = "forceChangePasswordNextSignInWithMfa", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE | TD_G_WRITE},
};
const struct td_g_type td_g_type_password_profile = {
    .name = "passwordProfile", .TD_G_PROPS(password_props), .complex = true};

static const struct td_g_prop identity_props[] = {
    STRING("signInType"),
    STRING("issuer"),
    STRING("issuerAssignedId"),
};
const struct td_g_type td_g_type_object_identity = {
    .name = "objectIdentity", .TD_G_PROPS(identity_props), .complex = true};

static const struct td_g_prop user_props[] = {
    {.name = "accountEnabled", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE | TD_G_WRITE | TD_G_NEEDED},
    {.name = "assignedLicenses", .kind = TD_G_COMPLEX, .flags = TD_G_MANY, .of = &td_g_type_assigned_license},
    {.name = "assignedPlans", .kind = TD_G_COMPLEX, .flags = TD_G_MANY, .of = &td_g_type_assigned_plan},
    {.name = "businessPhones", .kind = TD_G_STRING, .flags = TD_G_MANY | TD_G_WRITE, .write = td_g_user_phones},
    WORD("city", 128),
    WORD("companyName", 64),
    WORD("country", 128),
    {.name = "createdDateTime", .kind = TD_G_TIME, .flags = TD_G_NULLABLE},
    WORD("department", 64),
    {.name = "deviceEnrollmentLimit", .kind = TD_G_INT32, .otherwise = "15"},
    {.name = "displayName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE | TD_G_NEEDED, .max = 128},
    {.name = "employeeHireDate", .kind = TD_G_TIME, .flags = TD_G_NULLABLE | TD_G_WRITE | TD_G_ASKED},
    WORD("employeeId", 16),
    WORD("givenName", 64),
    {.name = "identities",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_MANY,
     .of = &td_g_type_object_identity,
     .write = td_g_user_identities},
    WORD("jobTitle", 128),
    WORD("mail", 254),
    {.name = "mailNickname",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_WRITE,
     .write = td_g_user_nickname,
     .max = 64},
    WORD("mobilePhone", 64),
    WORD("officeLocation", 128),
    {.name = "onPremisesExtensionAttributes",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_ASKED,
     .of = &td_g_type_extension_attributes},
    ASKED("onPremisesDomainName", TD_G_STRING),
    {.name = "onPremisesImmutableId",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_ASKED,
     .write = td_g_user_immutable},
    ASKED("onPremisesLastSyncDateTime", TD_G_TIME),
    ASKED("onPremisesSamAccountName", TD_G_STRING),
    ASKED("onPremisesSecurityIdentifier", TD_G_STRING),
    {.name = "onPremisesSyncEnabled", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE},
    ASKED("onPremisesUserPrincipalName", TD_G_STRING),
    {.name = "otherMails", .kind = TD_G_STRING, .flags = TD_G_MANY | TD_G_WRITE, .write = td_g_user_mails},
    {.name = "passwordPolicies", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "passwordProfile",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_WRITE | TD_G_SECRET,
     .of = &td_g_type_password_profile},
    WORD("postalCode", 40),
    WORD("preferredLanguage", 32),
    {.name = "proxyAddresses", .kind = TD_G_STRING, .flags = TD_G_MANY},
    NOTHING("securityIdentifier", TD_G_STRING, 0),
    WORD("state", 128),
    WORD("streetAddress", 1024),
    WORD("surname", 64),
    WORD("usageLocation", 2),
    {.name = "userPrincipalName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE | TD_G_NEEDED, .max = 254},
    WORD("userType", 16),
};
static const struct td_g_nav user_navs[] = {
    {.name = "memberOf", .type = &td_g_type_directory_object, .flags = TD_G_MANY},
    {.name = "transitiveMemberOf", .type = &td_g_type_directory_object, .flags = TD_G_MANY},
    {.name = "registeredDevices", .type = &td_g_type_directory_object, .flags = TD_G_MANY},
    {.name = "ownedDevices", .type = &td_g_type_directory_object, .flags = TD_G_MANY},
};
const struct td_g_type td_g_type_user = {
    .name = "user", .base = &td_g_type_directory_object, .TD_G_PROPS(user_props), .TD_G_NAVS(user_navs)};
