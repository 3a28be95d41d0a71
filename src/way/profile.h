/* Deployment profiles: the table of settings, the bits of the first pages, the answer to a device, the file for
 * existing devices. Pure. Sources: autopilot.md 2.1 to 2.5; graph-api.md 1.3 (names, pairs of old and new, limits).
 *
 * One table serves reading, changing, checking, writing and the documents. Which profile holds for a device is in
 * way/profile_choice.h. Memory is the caller's arena. */
#ifndef TD_WAY_PROFILE_H
#define TD_WAY_PROFILE_H

#include "codec/json.h"

enum {
    TD_PROFILE_MAX_JSON = 65536,
    TD_PROFILE_NAME_MAX = 200,         /* characters, graph-api.md 1.3 */
    TD_PROFILE_DESCRIPTION_MAX = 1500, /* characters */
    TD_PROFILE_TAGS_MAX = 100,
    TD_PROFILE_PCRS_MAX = 8192 /* characters of pcrAllowed */
};

enum td_usage { TD_USAGE_SINGLE_USER, TD_USAGE_SHARED };
enum td_user_type { TD_USER_ADMINISTRATOR, TD_USER_STANDARD };
enum td_join_type { TD_JOIN_DIRECTORY, TD_JOIN_HYBRID };

struct td_profile { /* every member is filled: with the table's default where nothing was said */
    const char *description;
    const char *device_type; /* "windowsPc" */
    const char *name_template;
    const char *locale;         /* "os-default", a BCP 47 tag, "" for the user's choice */
    const char *region;         /* "" for the user's choice */
    const char *management_app; /* of another management service (store/foreign_management.h), "" for ours */
    const char *scope_tags;     /* JSON list of texts: ["0"] */
    int64_t join;               /* enum td_join_type */
    int64_t usage;              /* enum td_usage */
    int64_t user_type;          /* enum td_user_type */
    int64_t eula_hidden, privacy_hidden, escape_hidden, keyboard_skipped; /* 0 and 1, as all below */
    int64_t preprovisioning, hash_extraction, skip_connectivity;
    int64_t pcr_policy; /* enum td_pcr_policy (way/attestation.h): ours, no name of the interface's type */
    const char *pcr_allowed;
};

/* A profile as it is written by people and tools: current and old names, flat or inside outOfBoxExperienceSetting(s).
 * Unknown members, wrong types and contradictions (hybrid + shared) are refused with the member's name. */
enum td_code td_profile_read(const struct td_json *json, struct td_arena *a, struct td_profile *ret,
                             struct td_error *err) TD_MUST_USE;
enum td_code td_profile_parse(struct td_slice json, struct td_arena *a, struct td_profile *ret, struct td_error *err)
    TD_MUST_USE;

/* Defaults: of people's files (the portal's, autopilot.md 2.1), or of the interface's type (graph-api.md 1.3). */
void td_profile_defaults(bool of_interface, struct td_profile *ret);
/* Changes to a profile. Of a pair of old and current name the one that was sent counts; of two the one that differs
 * from what is stored, for tools read the whole, change one and send both; where both differ the current name wins
 * (graph-api.md 1.3). foreign: members that are no setting are passed over instead of refused, and so are nulls.
 * What was not sent stays. */
enum td_code td_profile_merge(const struct td_profile *stored, const struct td_json *changes, bool foreign,
                              struct td_arena *a, struct td_profile *ret, struct td_error *err) TD_MUST_USE;
/* The same for a profile that is made: where both names were sent, the current one wins at once. */
enum td_code td_profile_merge_new(const struct td_profile *defaults, const struct td_json *json, struct td_arena *a,
                                  struct td_profile *ret, struct td_error *err) TD_MUST_USE;
/* A profile's name: 1 to 200 characters, no control characters. */
enum td_code td_profile_name_check(const char *name, struct td_error *err) TD_MUST_USE;
bool td_profile_same(const struct td_profile *x, const struct td_profile *y);

/* The settings one by one, for printing and for telling what was changed: name and value as text; NULL past the end. */
const char *td_profile_setting(const struct td_profile *p, size_t i, struct td_arena *a, const char **ret_value);
/* Every setting under its current name, flat: what the store keeps and `profile show` prints. */
void td_profile_write(const struct td_profile *p, struct td_jsonw *w);

uint32_t td_profile_oobe_bits(const struct td_profile *p); /* CloudAssignedOobeConfig */
bool td_profile_forced_enrolment(const struct td_profile *p);

struct td_profile_answer { /* what stands around the profile in a lookup's answer; texts never NULL */
    const char *correlation_id, *registration_id, *device_id;
    const char *tenant_id, *tenant_domain, *tenant_name;
    const char *profile_id, *profile_name;
    const char *device_name; /* of the registration; "" lets the template stand */
    const char *ticket;
    const char *management_url, *terms_url, *compliance_url; /* of another management service; NULL: ours */
    bool explicit_assignment;
    int64_t now, ticket_expires;
};
void td_profile_answer(const struct td_profile *p, const struct td_profile_answer *around, struct td_buf *out);

/* AutopilotConfigurationFile.json (autopilot.md 2.4), ASCII only. Refuses self-deploying profiles. */
enum td_code td_profile_export(const struct td_profile *p, const struct td_profile_answer *around, struct td_buf *out,
                               struct td_error *err) TD_MUST_USE;

/* Answers without a profile, and verdicts of imports: number, name, cause, remedy (autopilot.md 1.6, 6.5). */
enum td_ztd_code {
    TD_ZTD_OK = 0,
    TD_ZTD_BAD_ROW = 801,
    TD_ZTD_BAD_HASH = 802,
    TD_ZTD_MISSING_SERIAL = 803,
    TD_ZTD_DUPLICATED = 805, /* number ours: none is known */
    TD_ZTD_ALREADY_ASSIGNED = 806,
    TD_ZTD_NOT_REGISTERED = 807,
    TD_ZTD_OTHER_TENANT = 808,
    TD_ZTD_PROFILE_GONE = 809,
    TD_ZTD_NO_PROFILE = 815,
    TD_ZTD_MISMATCH = 908,
    TD_ZTD_AMBIGUOUS = 1001,
    TD_ZTD_TOO_FEW_FACTS = 1002
};
struct td_ztd_error {
    enum td_ztd_code code;
    const char *name, *text, *remedy;
};
const struct td_ztd_error *td_ztd_error(enum td_ztd_code code); /* never NULL */

#endif
