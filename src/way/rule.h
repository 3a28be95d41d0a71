/* Rules of dynamic groups: text to a small tree, and its verdict about one device or one user. Pure.
 *
 * The whole documented language (graph-api.md 1.9): attributes of devices or of users, never both in one rule; text
 * comparisons, lists in brackets, regular expressions (way/pattern.h), dates, null, -any and -all over collections,
 * memberOf. Names, operators and values are compared without regard to ASCII case; operators may stand without their
 * hyphen or with a pasted en dash. Comparisons bind first, then -not, -and, -or; what stands behind -any or -all is its
 * own as far as it speaks of "_". An attribute that is not known equals null. Errors name the position (1 is the first
 * character) and what to write instead. Trees live in the caller's arena. The directory's licence plans and
 * system.now are refused as not offered: no clock moves a device into a group. */
#ifndef TD_WAY_RULE_H
#define TD_WAY_RULE_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    TD_RULE_MAX_TEXT = 3072, /* characters */
    TD_RULE_MAX_OCTETS = 4 * TD_RULE_MAX_TEXT,
    TD_RULE_MAX_DEPTH = 32,
    TD_RULE_MAX_NODES = 512,
    TD_RULE_MAX_ATTRIBUTES = 64,
    TD_RULE_MAX_KEYS = 64
};

enum td_rule_kind { TD_RULE_DEVICES = 1, TD_RULE_USERS = 2 };
enum td_rule_type { TD_RULE_TEXT, TD_RULE_BOOL, TD_RULE_TIME, TD_RULE_TEXTS, TD_RULE_GROUPS };

/* One table a kind; the position is the attribute's number. */
struct td_rule_attribute {
    const char *name;
    enum td_rule_type type;
    bool not_offered;
};
const struct td_rule_attribute *td_rule_attributes(enum td_rule_kind kind, size_t *ret_count);
int td_rule_attribute_at(enum td_rule_kind kind, struct td_slice name); /* any case; -1 */

/* Numbers that whoever fills a subject needs; extensionAttribute1..15 follow the first. */
enum td_rule_device_attribute {
    TD_RD_ACCOUNT_ENABLED,
    TD_RD_DEVICE_CATEGORY,
    TD_RD_DEVICE_ID,
    TD_RD_MANAGEMENT_APP_ID,
    TD_RD_MANUFACTURER,
    TD_RD_MODEL,
    TD_RD_DISPLAY_NAME,
    TD_RD_OS_TYPE,
    TD_RD_OS_VERSION,
    TD_RD_OWNERSHIP,
    TD_RD_PHYSICAL_IDS,
    TD_RD_TRUST_TYPE,
    TD_RD_PROFILE_NAME,
    TD_RD_IS_ROOTED,
    TD_RD_MANAGEMENT_TYPE,
    TD_RD_MEMBER_OF,
    TD_RD_OBJECT_ID,
    TD_RD_PROFILE_TYPE,
    TD_RD_SYSTEM_LABELS,
    TD_RD_EXTENSION1,
    TD_RD_COUNT = TD_RD_EXTENSION1 + 15
};
enum td_rule_user_attribute {
    TD_RU_ACCOUNT_ENABLED,
    TD_RU_ASSIGNED_PLANS,
    TD_RU_CITY,
    TD_RU_COMPANY_NAME,
    TD_RU_COUNTRY,
    TD_RU_DEPARTMENT,
    TD_RU_DIR_SYNC_ENABLED,
    TD_RU_DISPLAY_NAME,
    TD_RU_EMPLOYEE_HIRE_DATE,
    TD_RU_EMPLOYEE_ID,
    TD_RU_FACSIMILE,
    TD_RU_GIVEN_NAME,
    TD_RU_JOB_TITLE,
    TD_RU_MAIL,
    TD_RU_MAIL_NICKNAME,
    TD_RU_MEMBER_OF,
    TD_RU_MOBILE,
    TD_RU_OBJECT_ID,
    TD_RU_OTHER_MAILS,
    TD_RU_PASSWORD_POLICIES,
    TD_RU_OFFICE,
    TD_RU_POSTAL_CODE,
    TD_RU_PREFERRED_LANGUAGE,
    TD_RU_PROXY_ADDRESSES,
    TD_RU_STATE,
    TD_RU_STREET_ADDRESS,
    TD_RU_SURNAME,
    TD_RU_TELEPHONE,
    TD_RU_USAGE_LOCATION,
    TD_RU_USER_PRINCIPAL_NAME,
    TD_RU_USER_TYPE,
    TD_RU_EXTENSION1,
    TD_RU_COUNT = TD_RU_EXTENSION1 + 15
};

/* What a rule looks at. Booleans are "true" and "false", times as td_time_text writes them; NULL or "" is not known. */
struct td_rule_subject {
    enum td_rule_kind kind;
    const char *text[TD_RULE_MAX_ATTRIBUTES];
    const char *const *items[TD_RULE_MAX_ATTRIBUTES]; /* of TEXTS and GROUPS: NULL-terminated, NULL for none */
};

struct td_rule;

enum td_code td_rule_parse(struct td_slice text, struct td_arena *a, const struct td_rule **ret, struct td_error *err)
    TD_MUST_USE;
bool td_rule_matches(const struct td_rule *rule, const struct td_rule_subject *subject);

enum td_rule_kind td_rule_kind_of(const struct td_rule *rule);
uint64_t td_rule_looks_at(const struct td_rule *rule); /* bits by attribute number */
/* The rule in one spelling; parsing it gives the same tree. */
void td_rule_print(const struct td_rule *rule, struct td_buf *out);
/* The part that decided, with the value that it met: "device.devicePhysicalIds -any (...) holds for "[OrderId]:KIOSK"".
 */
const char *td_rule_why(const struct td_rule *rule, const struct td_rule_subject *subject, struct td_arena *a);

/* What must be there for the rule to hold: at least one of these attributes with one of these values. Whoever has many
 * rules asks only those whose keys a subject has. 0: nothing can be said, the rule must be asked. */
struct td_rule_key {
    int attribute;
    const char *value; /* compared without regard to case */
};
size_t td_rule_keys(const struct td_rule *rule, struct td_rule_key ret[TD_RULE_MAX_KEYS]);

#endif
