#include "api/access.h"

#include "base/fault.h"

enum {
    GLOBAL = 1 << TD_ROLE_GLOBAL_ADMINISTRATOR,
    INTUNE = 1 << TD_ROLE_INTUNE_ADMINISTRATOR,
    POLICY = 1 << TD_ROLE_POLICY_MANAGER,
    LOOKER = 1 << TD_ROLE_READ_ONLY,
    TECHNICIAN = 1 << TD_ROLE_TECHNICIAN,
    PARTNER = 1 << TD_ROLE_PARTNER_AGENT,
    READER = 1 << TD_ROLE_GLOBAL_READER,
    SECURITY = 1 << TD_ROLE_SECURITY_READER,
    USERS = 1 << TD_ROLE_USER_ADMINISTRATOR,
    HELPDESK = 1 << TD_ROLE_HELPDESK_ADMINISTRATOR,
    DEVICES = 1 << TD_ROLE_CLOUD_DEVICE_ADMINISTRATOR,
    /* sums */
    ADMINISTRATORS = GLOBAL | INTUNE,
    MANAGERS = ADMINISTRATORS | POLICY,
    FIELD = MANAGERS | TECHNICIAN,
    READERS = LOOKER | READER,
    SEE_DEPLOYMENT = FIELD | READERS,
    SEE_MANAGEMENT = MANAGERS | READERS,
    SEE_DIRECTORY = SEE_DEPLOYMENT | USERS | HELPDESK | DEVICES
};

#define SERVICE "DeviceManagementServiceConfig."
#define CONFIG "DeviceManagementConfiguration."
#define MANAGED "DeviceManagementManagedDevices."
#define APPS "DeviceManagementApps."
#define SCRIPTS "DeviceManagementScripts."
#define RBAC "DeviceManagementRBAC."
#define BOTH(area) area "Read.All " area "ReadWrite.All"
#define DIRECTORY_READ " " BOTH("Directory.")
#define DIRECTORY_WRITE " Directory.ReadWrite.All"
/* Reading what enrolment is made of: both families of names stand in the documents (graph-api.md 2.7). */
#define ENROLMENT_READ BOTH(SERVICE) " " BOTH(CONFIG)
#define CREDENTIAL "DeviceLocalCredential."
#define BOTH_CREDENTIALS CREDENTIAL "ReadBasic.All " CREDENTIAL "Read.All"
#define PARTNER_SCOPE "PartnerCenter.Devices.ReadWrite.All"

const struct td_access_row td_access_rows[TD_RIGHT_COUNT] = {
    {TD_RIGHT_SIGNED_IN, "signed-in", "own account, service addresses, own effective permissions", "", "",
     TD_ROLES_ANYBODY, TD_ROLES_ANYBODY},
    {TD_RIGHT_REGISTER, "register", "imports of devices, approval of devices that ask", ENROLMENT_READ,
     SERVICE "ReadWrite.All", SEE_DEPLOYMENT, FIELD},
    {TD_RIGHT_DEVICE, "device", "registrations: tag, user, names, sync", ENROLMENT_READ, SERVICE "ReadWrite.All",
     SEE_DEPLOYMENT, FIELD},
    {TD_RIGHT_DEREGISTER, "deregister", "taking registrations away", ENROLMENT_READ, SERVICE "ReadWrite.All",
     SEE_DEPLOYMENT, MANAGERS},
    {TD_RIGHT_PROFILE, "profile", "deployment profiles and their assignments", ENROLMENT_READ, SERVICE "ReadWrite.All",
     SEE_DEPLOYMENT, MANAGERS},
    {TD_RIGHT_STATUS_PAGE, "status-page", "enrolment configurations and their assignments", ENROLMENT_READ,
     SERVICE "ReadWrite.All", SEE_DEPLOYMENT, MANAGERS},
    {TD_RIGHT_MANAGED, "managed", "managed devices, deployment events", BOTH(MANAGED), MANAGED "ReadWrite.All",
     SEE_DEPLOYMENT | SECURITY | HELPDESK, ADMINISTRATORS},
    {TD_RIGHT_ACTION, "action", "sync, restart and rename of managed devices",
     BOTH(MANAGED) " " MANAGED "PrivilegedOperations.All", MANAGED "PrivilegedOperations.All",
     SEE_DEPLOYMENT | HELPDESK, FIELD | HELPDESK},
    {TD_RIGHT_WIPE, "wipe", "reset, wipe and retirement of managed devices",
     BOTH(MANAGED) " " MANAGED "PrivilegedOperations.All", MANAGED "PrivilegedOperations.All", SEE_DEPLOYMENT,
     ADMINISTRATORS},
    {TD_RIGHT_CONFIGURATION, "configuration", "device configurations and policies", BOTH(CONFIG),
     CONFIG "ReadWrite.All", SEE_MANAGEMENT, MANAGERS},
    {TD_RIGHT_APPS, "apps", "apps and their assignments", BOTH(APPS), APPS "ReadWrite.All", SEE_MANAGEMENT, MANAGERS},
    {TD_RIGHT_SCRIPTS, "scripts", "scripts", BOTH(SCRIPTS) " " BOTH(CONFIG), SCRIPTS "ReadWrite.All", SEE_MANAGEMENT,
     MANAGERS},
    {TD_RIGHT_RBAC, "rbac", "role definitions and assignments, scope tags", BOTH(RBAC), RBAC "ReadWrite.All",
     SEE_MANAGEMENT, ADMINISTRATORS},
    {TD_RIGHT_AUDIT, "audit", "device management's audit", BOTH(APPS), APPS "ReadWrite.All", SEE_MANAGEMENT | SECURITY,
     0},
    {TD_RIGHT_GROUP, "group", "groups", BOTH("Group.") " " BOTH("GroupMember.") DIRECTORY_READ,
     "Group.ReadWrite.All" DIRECTORY_WRITE, SEE_DIRECTORY, MANAGERS | USERS},
    {TD_RIGHT_GROUP_MEMBER, "group-member", "members of groups", BOTH("Group.") " " BOTH("GroupMember.") DIRECTORY_READ,
     "Group.ReadWrite.All GroupMember.ReadWrite.All" DIRECTORY_WRITE, SEE_DIRECTORY, MANAGERS | USERS},
    {TD_RIGHT_DIRECTORY_DEVICE, "directory-device", "device objects of the directory", BOTH("Device.") DIRECTORY_READ,
     "Device.ReadWrite.All" DIRECTORY_WRITE, SEE_DIRECTORY | SECURITY, ADMINISTRATORS | DEVICES},
    {TD_RIGHT_USER, "user", "users", BOTH("User.") " User.ReadBasic.All" DIRECTORY_READ,
     "User.ReadWrite.All" DIRECTORY_WRITE, SEE_DIRECTORY | SECURITY, GLOBAL | USERS},
    /* The scripts that write offline profiles ask for these two with the rights of enrolment alone (3.3). */
    {TD_RIGHT_ORGANIZATION, "organization", "the organization, its licenses",
     BOTH("Organization.") " User.Read " BOTH("User.") " " BOTH(SERVICE) DIRECTORY_READ, "Organization.ReadWrite.All",
     TD_ROLES_ANYBODY, GLOBAL},
    {TD_RIGHT_DOMAIN, "domain", "domains", BOTH("Domain.") " " BOTH("Organization.") " " BOTH(SERVICE) DIRECTORY_READ,
     "Domain.ReadWrite.All", TD_ROLES_ANYBODY, GLOBAL},
    {TD_RIGHT_DIRECTORY_AUDIT, "directory-audit", "the directory's audit", "AuditLog.Read.All" DIRECTORY_READ,
     "Directory.ReadWrite.All", ADMINISTRATORS | READERS | SECURITY, 0},
    /* To write is to see the password itself: as seldom given as a change. */
    {TD_RIGHT_LOCAL_CREDENTIAL, "local-credential", "passwords of local administrators", BOTH_CREDENTIALS,
     CREDENTIAL "Read.All", ADMINISTRATORS | READER | SECURITY | HELPDESK | DEVICES, ADMINISTRATORS | DEVICES},
    {TD_RIGHT_PARTNER, "partner", "device batches of partners", PARTNER_SCOPE, PARTNER_SCOPE, GLOBAL | PARTNER,
     GLOBAL | PARTNER},
};

static const struct {
    const char *word, *about;
} roles[TD_ROLE_COUNT] = {
    {"Global Administrator", "May do everything."},
    {"Intune Administrator", "May do everything but change users, the organization and its domains."},
    {"Policy and Profile Manager",
     "Registers devices, keeps profiles, status pages, groups, configurations and apps; no roles, users or wipes."},
    {"Read Only Operator", "Sees everything of deployment, management and directory; changes nothing."},
    {"Enrollment Technician",
     "Registers devices, tags and names them, assigns users, syncs and restarts; deletes and edits nothing else."},
    {"Partner Agent", "Brings in devices through the partner's door and sees nothing else."},
    {"Global Reader", "Sees everything; changes nothing."},
    {"Security Reader", "Sees devices, users and both audits."},
    {"User Administrator", "Keeps users and groups."},
    {"Helpdesk Administrator", "Sees the directory and managed devices; syncs and restarts devices."},
    {"Cloud Device Administrator", "Keeps the directory's device objects; reads passwords of local administrators."},
};

const char *td_role_word(enum td_role role)
{
    return roles[role].word;
}

const char *td_role_about(enum td_role role)
{
    return roles[role].about;
}

static unsigned bits_for(enum td_right right, enum td_access access)
{
    const struct td_access_row *row = &td_access_rows[right];
    return access == TD_ACCESS_READ ? row->read_roles : row->write_roles;
}

static const char *scopes_for(enum td_right right, enum td_access access)
{
    const struct td_access_row *row = &td_access_rows[right];
    return access == TD_ACCESS_READ ? row->read_scopes : row->write_scopes;
}

bool td_role_may(enum td_role role, enum td_right right, enum td_access access)
{
    return (bits_for(right, access) & (TD_ROLES_ANYBODY | 1U << role)) != 0;
}

/* The word of list that equals name in any case, else empty. */
static struct td_slice word_of(struct td_slice list, struct td_slice name)
{
    struct td_slice one;
    while (list.n != 0) {
        list = td_cut(list, ' ', &one);
        if (one.n != 0 && td_ieq(one, name))
            return one;
    }
    return TD_S("");
}

static bool in_words(struct td_slice list, struct td_slice name)
{
    return word_of(list, name).n != 0;
}

static bool common_word(struct td_slice needed, struct td_slice given)
{
    struct td_slice one;
    while (needed.n != 0) {
        needed = td_cut(needed, ' ', &one);
        if (one.n != 0 && in_words(given, one))
            return true;
    }
    return false;
}

static enum td_code say_scopes(struct td_error *err, const struct td_access_row *row, enum td_access access,
                               const char *what, const char *remedy)
{
    struct td_slice all = td_str(scopes_for(row->right, access)), first;
    (void)td_cut(all, ' ', &first);
    enum td_code rc = td_fail(err, TD_EDENIED, row->word, "the token's %s do not allow %s %s: %.*s is needed", what,
                              access == TD_ACCESS_READ ? "reading" : "changing", row->about, TD_FMT(first));
    return td_remedy(err, rc, "%s", remedy);
}

static bool has_role(const struct td_claims *who, unsigned bits)
{
    for (size_t i = 0; who->roles != NULL && who->roles[i] != NULL; i++)
        for (int r = 0; r < TD_ROLE_COUNT; r++)
            if ((bits & 1U << r) != 0 && strcmp(who->roles[i], roles[r].word) == 0)
                return true;
    return false;
}

/* By a permission's name, or by a directory role that was given to the application itself. */
static enum td_code check_application(const struct td_claims *who, const struct td_access_row *row,
                                      enum td_access access, struct td_error *err)
{
    struct td_slice needed = td_str(scopes_for(row->right, access));
    for (size_t i = 0; who->roles != NULL && who->roles[i] != NULL; i++)
        if (in_words(needed, td_str(who->roles[i])))
            return TD_OK;
    /* What anybody of the tenant may see is seen by an application of any directory role. */
    unsigned bits = bits_for(row->right, access);
    if (has_role(who, (bits & TD_ROLES_ANYBODY) != 0 ? ~0U : bits))
        return TD_OK;
    return say_scopes(err, row, access, "application roles", "an administrator gives it: touchdown app role-add");
}

/* The role that has the right and the least else: rows are ordered from mighty to modest. */
static const char *role_for(unsigned bits)
{
    for (int r = TD_ROLE_PARTNER_AGENT; r >= 0; r--)
        if ((bits & 1U << r) != 0)
            return roles[r].word;
    return "no directory role";
}

static enum td_code check_person(const struct td_claims *who, const struct td_access_row *row, enum td_access access,
                                 struct td_error *err)
{
    unsigned bits = bits_for(row->right, access);
    struct td_slice needed = td_str(scopes_for(row->right, access));
    if (!common_word(needed, td_str(who->scope)) && !td_fault("access-any-scope"))
        return say_scopes(err, row, access, "scopes", "sign in again and ask for that scope");
    if ((bits & TD_ROLES_ANYBODY) != 0 || has_role(who, bits) || td_fault("access-any-role"))
        return TD_OK;
    enum td_code rc = td_fail(err, TD_EDENIED, row->word, "the directory roles of %.80s do not allow %s %s", who->upn,
                              access == TD_ACCESS_READ ? "reading" : "changing", row->about);
    return td_remedy(err, rc, "a role that does is %s: touchdown user role-add", role_for(bits));
}

enum td_code td_access_check(const struct td_claims *who, enum td_right right, enum td_access access,
                             struct td_error *err)
{
    const struct td_access_row *row = &td_access_rows[right];
    if (scopes_for(right, access)[0] == '\0')
        return TD_OK;
    if (who->device_only)
        return td_remedy(err, td_fail(err, TD_EDENIED, row->word, "a device's own token opens nothing here"),
                         "sign in as a person or as an application");
    return who->upn[0] == '\0' ? check_application(who, row, access, err) : check_person(who, row, access, err);
}

enum { MAX_NAMES = 64 };

static bool listed(const char *const *list, size_t n, struct td_slice name)
{
    for (size_t i = 0; i < n; i++)
        if (td_ieqs(name, list[i]))
            return true;
    return false;
}

static size_t add_names(struct td_arena *a, const char **list, size_t n, struct td_slice words)
{
    struct td_slice one;
    while (words.n != 0) {
        words = td_cut(words, ' ', &one);
        if (one.n != 0 && n < MAX_NAMES && !listed(list, n, one))
            list[n++] = td_arena_text(a, one);
    }
    return n;
}

const char *const *td_scope_names(struct td_arena *a)
{
    const char **list = td_arena_array(a, const char *, MAX_NAMES + 1);
    size_t n = 0;
    for (size_t i = 0; i < TD_RIGHT_COUNT; i++) {
        n = add_names(a, list, n, td_str(td_access_rows[i].read_scopes));
        n = add_names(a, list, n, td_str(td_access_rows[i].write_scopes));
    }
    return list;
}

struct td_slice td_scope_known(struct td_slice name)
{
    for (size_t i = 0; i < TD_RIGHT_COUNT; i++) {
        struct td_slice found = word_of(td_str(td_access_rows[i].read_scopes), name);
        if (found.n == 0)
            found = word_of(td_str(td_access_rows[i].write_scopes), name);
        if (found.n != 0)
            return found;
    }
    return TD_S("");
}
