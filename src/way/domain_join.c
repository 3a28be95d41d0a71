#include "way/domain_join.h"

#include "base/fault.h"
#include "way/names.h"

#include <stdio.h>
#include <string.h>

/* Numbers behind 0x8007 are those of Win32 ([MS-ERREF] 2.2). */
static const struct td_domain_reason_row reasons[TD_DJ_COUNT] = {
    {TD_DJ_OK, "Ok", 0, TD_OK, false, "Nothing is wrong.", ""},
    {TD_DJ_NO_SETTINGS, "NoSettings", 0x80070490, TD_ENOTFOUND, false,
     "The profile asks for a hybrid join, and no domain-join item is assigned to the device.",
     "Assign an item of kind domain-join to a group of the device, then deploy the device again."},
    {TD_DJ_NO_CONNECTOR, "NoConnector", 0x80070774, TD_EUNAVAILABLE, true, "No connector serves this domain.",
     "Start a connector for the domain: touchdown connector list tells which there are and when they were heard of."},
    {TD_DJ_NOT_BOUND, "NotBound", 0x80070774, TD_EDENIED, false,
     "The connector names a domain to which an administrator did not bind it.",
     "Bind it to this domain too with touchdown connector bind, or take the domain out of its configuration."},
    {TD_DJ_NAME_INVALID, "NameInvalid", 0x8007007b, TD_EINVAL, false,
     "The item's pattern gives no name that a domain takes.",
     "Use at most 15 letters, digits and hyphens, not digits alone, in the domain-join item."},
    {TD_DJ_NO_DC, "NoDc", 0x8007054b, TD_EUNAVAILABLE, true, "No domain controller answers the connector.",
     "Check the domain controllers, and the connector's addresses, name servers and firewall."},
    {TD_DJ_UNTRUSTED, "Untrusted", 0x800b0109, TD_EUNAVAILABLE, false,
     "The connector does not trust the domain controller's certificate.",
     "Give the connector the root of the domain controllers' certificates, and ask by a name that stands in them."},
    {TD_DJ_CLOCK_SKEW, "ClockSkew", 0x80070576, TD_EUNAVAILABLE, false,
     "The clocks of connector and domain are more than five minutes apart.",
     "Set the clock of the connector's machine by the domain's, or the other way round."},
    {TD_DJ_SERVICE_PASSWORD, "ServicePassword", 0x8007052e, TD_EUNAVAILABLE, false,
     "The domain refuses the password or key of the connector's account.",
     "Put the account's present password or keytab into the connector's configuration."},
    {TD_DJ_SERVICE_DISABLED, "ServiceDisabled", 0x80070533, TD_EUNAVAILABLE, false,
     "The connector's account is disabled or may not sign in there.",
     "Enable the connector's account in the domain, or give the connector another one."},
    {TD_DJ_SERVICE_EXPIRED, "ServiceExpired", 0x80070532, TD_EUNAVAILABLE, false,
     "The password of the connector's account has run out or must be changed.",
     "Set a new password that does not run out, and put it into the connector's configuration."},
    {TD_DJ_SERVICE_LOCKED, "ServiceLocked", 0x80070775, TD_EUNAVAILABLE, false, "The connector's account is locked.",
     "Unlock it in the domain, and look who tries wrong passwords for it."},
    {TD_DJ_NO_OU, "NoOu", 0x80072030, TD_ENOTFOUND, false, "The organizational unit of the item does not exist.",
     "Write the unit's distinguished name as the domain has it, or leave it empty for the default container."},
    {TD_DJ_NO_RIGHT, "NoRight", 0x80070005, TD_EDENIED, false,
     "The connector's account may not create computers there.",
     "Delegate 'create computer objects' on the organizational unit to the connector's account."},
    {TD_DJ_QUOTA, "Quota", 0x8007216d, TD_ELIMIT, false,
     "The connector's account has created as many computers as the domain lets it.",
     "Delegate 'create computer objects' on the unit instead of using the quota, or raise ms-DS-MachineAccountQuota."},
    {TD_DJ_NAME_TAKEN, "NameTaken", 0x800708b0, TD_EEXISTS, true,
     "A computer account of that name belongs to something else.",
     "Let names have a random part, delete the old account, or let the domain-join item reuse accounts."},
    {TD_DJ_SUPERSEDED, "Superseded", 0x800704c7, TD_ESTATE, true,
     "Another connector has taken the work over meanwhile.", "Nothing is to be done: the other connector goes on."},
    {TD_DJ_REFUSED, "Refused", 0x80004005, TD_EDENIED, false, "The directory refused in words of its own.",
     "Look at the detail, and into the connector's log."},
    {TD_DJ_TIMEOUT, "Timeout", 0x800705b4, TD_EUNAVAILABLE, true, "No connector finished the work in time.",
     "See that connectors of this domain run and reach a domain controller, then deploy the device again."},
    {TD_DJ_DELIVERED, "Delivered", 0x80004005, TD_ESTATE, false,
     "The domain's blob was handed out already: it is gone.",
     "Deploy the device again, so that it gets a blob of its own."},
    {TD_DJ_BAD_BLOB, "BadBlob", 0x8007000d, TD_EFORMAT, false, "The device can't read the domain's blob.",
     "Look into the device's log; deploy it again, so that a new one is made."},
    {TD_DJ_ALREADY, "Already", 0x80070a83, TD_ESTATE, false, "The device has joined a domain already.",
     "Wipe the device, then deploy it again."},
    {TD_DJ_DEVICE_NO_DC, "DeviceNoDc", 0x80070774, TD_EUNAVAILABLE, true, "The device finds no domain controller.",
     "Bring the device into the domain's network, or let the profile skip the check and give the device a VPN."},
    {TD_DJ_DEVICE_CLOCK, "DeviceClock", 0x80070576, TD_EUNAVAILABLE, true,
     "The device's clock is more than five minutes from the domain's.", "Set the device's clock, then try again."},
    {TD_DJ_DEVICE_REFUSED, "DeviceRefused", 0x800706fd, TD_EAUTH, false,
     "The domain does not take the machine's password.",
     "See that the computer account is there, enabled and not reset since; then deploy the device again."},
    {TD_DJ_NOT_REGISTERED, "NotRegistered", 0x801c03f2, TD_ENOTFOUND, true,
     "The directory does not know this computer, or its account does not bear the key that it signs with.",
     "Let the device reach a domain controller, so that it writes its certificate to its account, and try again."},
    {TD_DJ_WRONG, "Wrong", 0x8007052e, TD_EAUTH, false, "The user name or the password is wrong.",
     "Try again with the domain's user name and password."},
    {TD_DJ_DISABLED, "Disabled", 0x80070533, TD_EDENIED, false, "The account is disabled.",
     "Ask an administrator of the domain to enable it."},
    {TD_DJ_MUST_CHANGE, "MustChange", 0x80070773, TD_EDENIED, false,
     "The password must be changed before the first use.",
     "Change it at a PC of the domain, then sign in with the new one."},
    {TD_DJ_PASSWORD_EXPIRED, "PasswordExpired", 0x80070532, TD_EDENIED, false, "The password has run out.",
     "Change it at a PC of the domain, then sign in with the new one."},
    {TD_DJ_ACCOUNT_EXPIRED, "AccountExpired", 0x80070701, TD_EDENIED, false, "The account has run out.",
     "Ask an administrator of the domain to extend it."},
    {TD_DJ_LOCKED, "Locked", 0x80070775, TD_EDENIED, false, "The account is locked after too many wrong passwords.",
     "Wait until the domain unlocks it, or ask an administrator of the domain."},
    {TD_DJ_HOURS, "Hours", 0x80070530, TD_EDENIED, false,
     "The account may not sign in at this hour or at this computer.", "Sign in when and where the domain allows it."},
};

const struct td_domain_reason_row *td_domain_reason_row(enum td_domain_reason reason)
{
    return &reasons[(unsigned)reason < TD_DJ_COUNT ? reason : TD_DJ_REFUSED];
}

const struct td_domain_reason_row *td_domain_reason_by_name(const char *name)
{
    for (size_t i = 0; name != NULL && i < TD_DJ_COUNT; i++)
        if (strcmp(reasons[i].name, name) == 0)
            return &reasons[i];
    return NULL;
}

enum td_code td_domain_refuse(struct td_error *err, enum td_domain_reason reason, const char *detail)
{
    const struct td_domain_reason_row *row = td_domain_reason_row(reason);
    return td_fail_cause(err, row->code, row->hresult, row->name, row->cause, detail, row->remedy);
}

char *td_domain_told(enum td_domain_reason reason, struct td_arena *a)
{
    const struct td_domain_reason_row *row = td_domain_reason_row(reason);
    return td_arena_printf(a, "0x%08x: %s %s", row->hresult, row->cause, row->remedy);
}

/* One code may have several causes: the whole sentence counts. */
enum td_domain_reason td_domain_reason_told(const char *text)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    for (int i = TD_DJ_OK + 1; i < TD_DJ_COUNT; i++)
        if (strcmp(td_domain_told((enum td_domain_reason)i, &a), text) == 0)
            return (enum td_domain_reason)i;
    return TD_DJ_OK;
}

/* The number behind "data" in the text of a refused bind. */
enum td_domain_reason td_domain_reason_of_bind(uint32_t win32, bool service)
{
    static const struct {
        uint32_t win32;
        enum td_domain_reason person, service;
    } rows[] = {
        {0, TD_DJ_WRONG, TD_DJ_SERVICE_PASSWORD},
        {1317, TD_DJ_WRONG, TD_DJ_SERVICE_PASSWORD},
        {1326, TD_DJ_WRONG, TD_DJ_SERVICE_PASSWORD},
        {1327, TD_DJ_HOURS, TD_DJ_SERVICE_DISABLED},
        {1328, TD_DJ_HOURS, TD_DJ_SERVICE_DISABLED},
        {1329, TD_DJ_HOURS, TD_DJ_SERVICE_DISABLED},
        {1330, TD_DJ_PASSWORD_EXPIRED, TD_DJ_SERVICE_EXPIRED},
        {1331, TD_DJ_DISABLED, TD_DJ_SERVICE_DISABLED},
        {1355, TD_DJ_NO_DC, TD_DJ_NO_DC},
        {1398, TD_DJ_CLOCK_SKEW, TD_DJ_CLOCK_SKEW},
        {1793, TD_DJ_ACCOUNT_EXPIRED, TD_DJ_SERVICE_DISABLED},
        {1907, TD_DJ_MUST_CHANGE, TD_DJ_SERVICE_EXPIRED},
        {1909, TD_DJ_LOCKED, TD_DJ_SERVICE_LOCKED},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (rows[i].win32 == win32)
            return service ? rows[i].service : rows[i].person;
    return TD_DJ_REFUSED;
}

const char *td_domain_state_word(enum td_domain_state state)
{
    static const char *const words[TD_DJS_COUNT] = {"queued",    "creating",  "created",
                                                    "delivered", "confirmed", "failed"};
    return (unsigned)state < TD_DJS_COUNT ? words[state] : words[TD_DJS_FAILED];
}

enum td_domain_reuse td_domain_reuse_parse(const char *word)
{
    static const char *const words[TD_REUSE_COUNT] = {"never", "own", "any"};
    enum td_domain_reuse found = TD_REUSE_NEVER;
    while (found < TD_REUSE_COUNT && strcmp(words[found], word) != 0)
        found++;
    return found;
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static const char mixed[] = "%MIX:"; /* stands at the end, from a prefix and a count */

/* Length of the template before %MIX:n%, and n; all of the pattern and 0 if there is none. */
static size_t split(const char *pattern, size_t *ret_mixed)
{
    uint64_t n = 0;
    struct td_slice s = td_str(pattern);
    const char *at = strstr(pattern, mixed);
    *ret_mixed = 0;
    if (at == NULL || pattern[s.n - 1] != '%')
        return s.n;
    size_t head = (size_t)(at - pattern);
    struct td_slice count = td_sub(s, head + sizeof(mixed) - 1, s.n - head - sizeof(mixed));
    if (!td_parse_u64(count, &n) || n < 1 || n > TD_COMPUTER_NAME_MAX)
        return s.n;
    *ret_mixed = (size_t)n;
    return head;
}

/* The template with letters where the mixed characters come: they are put in at the end. */
static enum td_code filled(const char *pattern, size_t *ret_mixed, char ret[TD_DOMAIN_PATTERN_MAX + 1],
                           struct td_error *err)
{
    size_t head = split(pattern, ret_mixed);
    if (head + *ret_mixed > TD_DOMAIN_PATTERN_MAX || pattern[0] == '\0')
        return td_domain_refuse(err, TD_DJ_NAME_INVALID, pattern[0] == '\0' ? "it is empty" : "it is too long");
    memcpy(ret, pattern, head);
    memset(ret + head, 'X', *ret_mixed);
    ret[head + *ret_mixed] = '\0';
    return TD_OK;
}

enum td_code td_domain_pattern_check(const char *pattern, struct td_error *err)
{
    size_t count = 0;
    char template[TD_DOMAIN_PATTERN_MAX + 1] = "";
    struct td_error why = {.code = TD_OK};
    td_try(filled(pattern, &count, template, err));
    if (td_name_check(td_str(template), &why) != TD_OK)
        return td_domain_refuse(err, TD_DJ_NAME_INVALID, why.text);
    if (pattern[0] == '-')
        return td_domain_refuse(err, TD_DJ_NAME_INVALID, "it begins with a hyphen");
    return TD_OK;
}

enum td_code td_domain_pattern(const char *prefix, int random, char ret[TD_DOMAIN_PATTERN_MAX + 1],
                               struct td_error *err)
{
    char pattern[TD_DOMAIN_PATTERN_MAX + 1] = "";
    if (strchr(prefix, '%') != NULL || strlen(prefix) > TD_COMPUTER_NAME_MAX)
        return td_domain_refuse(err, TD_DJ_NAME_INVALID, "the prefix has more than letters, digits and hyphens");
    if (random < 0 || random + (int)strlen(prefix) > TD_COMPUTER_NAME_MAX)
        return td_domain_refuse(err, TD_DJ_NAME_INVALID, "prefix and random characters are more than 15 together");
    (void)snprintf(pattern, sizeof(pattern), random > 0 ? "%s%s%d%%" : "%s", prefix, mixed, random);
    td_try(td_domain_pattern_check(pattern, err));
    memcpy(ret, pattern, sizeof(pattern));
    return TD_OK;
}

/* Letters and digits that nobody takes for another. At least one letter: a domain takes no name of digits only. */
static void put_mixed(const struct td_env *env, char *out, size_t n)
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    unsigned char bytes[TD_COMPUTER_NAME_MAX];
    _Static_assert(sizeof(letters) - 1 == 32, "each equally likely");
    td_random_fill(env, bytes, n);
    for (size_t i = 0; i < n; i++)
        out[i] = letters[bytes[i] % 32];
    if (n != 0 && out[n - 1] >= '0' && out[n - 1] <= '9')
        out[n - 1] = letters[bytes[n - 1] / 32];
}

static void drop_outer_hyphens(char *name)
{
    size_t n = strlen(name), from = strspn(name, "-");
    while (n > from && name[n - 1] == '-')
        n--;
    memmove(name, name + from, n - from);
    name[n - from] = '\0';
}

enum td_code td_domain_computer_name(const char *pattern, const char *serial, const struct td_env *env,
                                     char ret[TD_COMPUTER_NAME_MAX + 1], bool *ret_last, struct td_error *err)
{
    size_t count = 0;
    struct td_error why = {.code = TD_OK};
    char template[TD_DOMAIN_PATTERN_MAX + 1] = "", name[TD_NAME_MAX + 1] = "";
    _Static_assert((int)TD_NAME_MAX == (int)TD_COMPUTER_NAME_MAX, "one length of names");
    td_try(td_domain_pattern_check(pattern, err));
    td_try(filled(pattern, &count, template, err));
    if (td_name_expand(td_str(template), serial, env, name, &why) != TD_OK)
        return td_domain_refuse(err, TD_DJ_NAME_INVALID, why.text);
    put_mixed(env, name + strlen(name) - count, count);
    drop_outer_hyphens(name);
    if (name[0] == '\0' || name[strspn(name, "0123456789")] == '\0')
        return td_domain_refuse(err, TD_DJ_NAME_INVALID, "it gives a name of digits or hyphens only");
    *ret_last = (count == 0 && strstr(template, "%RAND:") == NULL) || td_fault("domain-name-once");
    memcpy(ret, name, sizeof(name));
    return TD_OK;
}
