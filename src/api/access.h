/* Who may do what: one table for every door that administrators and programs use. Pure.
 *
 * A right is an area of work. A program that acts for itself needs the right's application role, or a directory role of
 * its own that has the right; one that acts for a person needs the scope, and the person a directory role. The tenant
 * is the token's: nobody acts in another. The command line on the machine itself stands above this table. Sources:
 * graph-api.md 2.7; autopilot.md 6.2, row X11; docs/tasks/roles.md is made from the table. */
#ifndef TD_API_ACCESS_H
#define TD_API_ACCESS_H

#include "api/token.h"

enum td_right {
    TD_RIGHT_SIGNED_IN,     /* any token for this interface: servicePrincipals/.../endpoints, me, organization */
    TD_RIGHT_REGISTER,      /* import devices, approve those that ask */
    TD_RIGHT_DEVICE,        /* registrations: read; tag, user, name; sync */
    TD_RIGHT_DEREGISTER,    /* take registrations away */
    TD_RIGHT_PROFILE,       /* deployment profiles and their assignments */
    TD_RIGHT_STATUS_PAGE,   /* enrolment configurations */
    TD_RIGHT_MANAGED,       /* managed devices, deployment events */
    TD_RIGHT_ACTION,        /* sync, restart, rename */
    TD_RIGHT_WIPE,          /* reset, wipe, retire */
    TD_RIGHT_CONFIGURATION, /* device configurations, policies */
    TD_RIGHT_APPS,
    TD_RIGHT_SCRIPTS,
    TD_RIGHT_RBAC,         /* role definitions and assignments */
    TD_RIGHT_AUDIT,        /* device management's audit */
    TD_RIGHT_GROUP,        /* groups */
    TD_RIGHT_GROUP_MEMBER, /* their members */
    TD_RIGHT_DIRECTORY_DEVICE,
    TD_RIGHT_USER,
    TD_RIGHT_ORGANIZATION,
    TD_RIGHT_DOMAIN,
    TD_RIGHT_DIRECTORY_AUDIT,
    TD_RIGHT_LOCAL_CREDENTIAL, /* read: whose password is kept; write: the password itself */
    TD_RIGHT_PARTNER,          /* device batches of partners: prepared, opened by the partner door */
    TD_RIGHT_COUNT
};
enum td_access { TD_ACCESS_READ, TD_ACCESS_WRITE };

/* TD_EDENIED: the sentence says which scope or role is missing, the remedy who can give it. */
enum td_code td_access_check(const struct td_claims *who, enum td_right right, enum td_access access,
                             struct td_error *err) TD_MUST_USE;

/* The table for documents, tests and the role resources. */
struct td_access_row {
    enum td_right right;
    const char *word;                       /* "register" */
    const char *about;                      /* for docs */
    const char *read_scopes, *write_scopes; /* names with blanks between; any one is enough; "" for none needed */
    unsigned read_roles, write_roles;       /* bits of enum td_role, or TD_ROLES_ANYBODY */
};
enum td_role {
    TD_ROLE_GLOBAL_ADMINISTRATOR,
    TD_ROLE_INTUNE_ADMINISTRATOR,
    TD_ROLE_POLICY_MANAGER, /* "Policy and Profile Manager" */
    TD_ROLE_READ_ONLY,      /* "Read Only Operator" */
    TD_ROLE_TECHNICIAN,     /* "Enrollment Technician" */
    TD_ROLE_PARTNER_AGENT,  /* "Partner Agent": nothing but TD_RIGHT_PARTNER */
    TD_ROLE_GLOBAL_READER,
    TD_ROLE_SECURITY_READER,
    TD_ROLE_USER_ADMINISTRATOR,
    TD_ROLE_HELPDESK_ADMINISTRATOR,
    TD_ROLE_CLOUD_DEVICE_ADMINISTRATOR,
    TD_ROLE_COUNT
};
/* Other directory roles (Device Local Administrator, ...) give no right here. */
#define TD_ROLES_ANYBODY (1U << 31) /* every person of the tenant, with a role or without */

extern const struct td_access_row td_access_rows[TD_RIGHT_COUNT];
const char *td_role_word(enum td_role role);  /* the directory role's proper name, as store/user.h knows it */
const char *td_role_about(enum td_role role); /* a sentence */
bool td_role_may(enum td_role role, enum td_right right, enum td_access access);

/* Every permission name of the table once, NULL-terminated: what applications can be given as roles and people's
 * programs can ask for. */
const char *const *td_scope_names(struct td_arena *a);
/* The name in its proper case, empty if the table does not know it. */
struct td_slice td_scope_known(struct td_slice name);

#endif
