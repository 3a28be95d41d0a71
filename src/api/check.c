#include "api/check.h"

#include "api/configuration.h"
#include "base/fault.h"
#include "crypto/digest.h"
#include "store/action.h"
#include "store/attestation.h"
#include "store/connector.h"
#include "store/device.h"
#include "store/domain_join.h"
#include "store/enrolment.h"
#include "store/profile.h"
#include "store/registration.h"
#include "store/tenant.h"
#include "store/user.h"
#include "way/match.h"
#include "way/names.h"
#include "way/os_version.h"

enum { CERT_WARN_DAYS = 30, CONTACT_WARN_DAYS = 30 };

/* What is known of one device, read once. */
struct known {
    struct td_tx *tx;
    const char *tenant;
    const struct td_way_row *way;
    struct td_arena *a;
    struct td_finding *at; /* of the requirement that is looked at */
    bool registered, has_hash, enrolled, has_device, has_profile, is_explicit;
    struct td_registration r;
    struct td_hw_facts hw;
    struct td_enrolment e;
    struct td_device_row device;
    struct td_profile_row profile;
};

static void say(struct known *k, enum td_verdict verdict, const char *found, const char *remedy)
{
    k->at->verdict = verdict;
    k->at->found = found;
    k->at->remedy = remedy;
}

static void judge(struct known *k, struct td_judged j, const char *value)
{
    const char *between = value[0] != '\0' && j.found[0] != '\0' ? ": " : "";
    say(k, j.verdict, td_arena_printf(k->a, "%.160s%s%s", value, between, j.found), j.remedy);
}

/* ---- reading ---- */

static enum td_code fine_without(enum td_code rc, bool *ret_there)
{
    *ret_there = rc == TD_OK;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code read_hash(struct known *k, struct td_error *err)
{
    struct td_slice octets = {0};
    bool there = false;
    td_try(fine_without(td_registration_hash(k->tx, k->tenant, k->r.id, k->a, &octets, err), &there));
    k->has_hash = there && octets.n != 0 && td_hwhash_decode(octets, td_sha256, k->a, &k->hw, NULL) == TD_OK;
    return TD_OK;
}

static enum td_code read_all(struct known *k, struct td_error *err)
{
    const struct td_way_row *w = k->way;
    if (w->registration_id[0] != '\0')
        td_try(
            fine_without(td_registration_find(k->tx, k->tenant, w->registration_id, k->a, &k->r, err), &k->registered));
    if (k->registered)
        td_try(read_hash(k, err));
    if (w->enrolment_id[0] != '\0')
        td_try(fine_without(td_enrolment_find(k->tx, k->tenant, w->enrolment_id, k->a, &k->e, err), &k->enrolled));
    if (w->device_id[0] != '\0')
        td_try(fine_without(td_device_find(k->tx, k->tenant, w->device_id, k->a, &k->device, err), &k->has_device));
    k->enrolled = k->enrolled && k->e.state == TD_ENROLMENT_ACTIVE;
    return fine_without(td_profile_of_way(k->tx, k->tenant, w->id, k->a, &k->profile, &k->is_explicit, err),
                        &k->has_profile);
}

/* ---- the requirements ---- */

static enum td_code registration(struct known *k, struct td_error *err TD_UNUSED)
{
    if (k->registered)
        say(k, TD_PASS, k->r.serial, "");
    else if (k->enrolled && k->e.offline_profile[0] != '\0')
        say(k, TD_WARN, "it was deployed by a profile file", "Register it, so that it finds its profile after a wipe.");
    else
        say(k, TD_WARN, "nobody registered it", "Register its hardware hash: touchdown device import.");
    return TD_OK;
}

static enum td_code hash(struct known *k, struct td_error *err TD_UNUSED)
{
    static const char remedy[] = "Capture the hash on the device again and import it.";
    if (!k->registered)
        say(k, TD_SKIP, "it is not registered", "");
    else if (!k->has_hash)
        say(k, TD_UNMET, "there is none, or it can't be read", remedy);
    else if (k->r.warning[0] != '\0')
        say(k, TD_WARN, k->r.warning, remedy);
    else
        say(k, TD_PASS, "it can be read", "");
    return TD_OK;
}

static enum td_code identity(struct known *k, struct td_error *err TD_UNUSED)
{
    struct td_facts *facts = td_arena_new(k->a, struct td_facts);
    if (!k->has_hash) {
        say(k, TD_SKIP, "there is no hash", "");
        return TD_OK;
    }
    td_facts_add_hash(facts, k->a, &k->hw);
    unsigned kinds = td_facts_kinds(facts);
    judge(k, td_judge_kinds(kinds), td_arena_printf(k->a, "%u kinds of facts, %zu in all", kinds, facts->count));
    return TD_OK;
}

static enum td_code serial(struct known *k, struct td_error *err TD_UNUSED)
{
    const char *text = k->registered ? k->r.serial : k->enrolled ? k->e.serial : "";
    if (!k->registered && text[0] == '\0')
        say(k, TD_SKIP, "it has told none yet", "");
    else
        judge(k, td_judge_serial(text), text);
    return TD_OK;
}

static enum td_code mismatch(struct known *k, struct td_error *err TD_UNUSED)
{
    static const char remedy[] = "Compare both sides and accept or reject the new hardware (docs/tasks/repair.md).";
    if (!k->registered)
        say(k, TD_SKIP, "it is not registered", "");
    else if (k->r.remediation == TD_REMEDY_MANUAL)
        say(k, TD_UNMET, "its hardware is not the registered one", remedy);
    else if (k->r.remediation == TD_REMEDY_AUTOMATIC)
        say(k, TD_WARN, "its hardware is being repaired", "Wait for its next contact.");
    else
        say(k, TD_PASS, "nothing speaks against it", "");
    return TD_OK;
}

static enum td_code os_version(struct known *k, struct td_error *err TD_UNUSED)
{
    const char *version = k->enrolled ? k->e.os_version : "";
    if (version[0] == '\0' && k->has_device)
        version = k->device.os_version;
    if (version[0] == '\0' && k->has_hash && k->hw.os.major != 0)
        version =
            td_arena_printf(k->a, "%u.%u.%u.%u", k->hw.os.major, k->hw.os.minor, k->hw.os.build, k->hw.os.revision);
    if (version[0] == '\0')
        say(k, TD_SKIP, "it has told none yet", "");
    else
        judge(k, td_judge_os(version), version);
    return TD_OK;
}

static enum td_code edition(struct known *k, struct td_error *err TD_UNUSED)
{
    int64_t number;
    if (!k->enrolled || !td_parse_i64(td_str(k->e.os_edition), &number))
        say(k, TD_SKIP, "it has told none yet", "");
    else
        judge(k, td_judge_edition(number), k->e.os_edition);
    return TD_OK;
}

static enum td_code tpm(struct known *k, struct td_error *err TD_UNUSED)
{
    if (!k->has_hash)
        say(k, TD_SKIP, "there is no hash", "");
    else
        judge(k, td_judge_tpm(k->hw.tpm_version), k->hw.tpm_version);
    return TD_OK;
}

/* What would be believed of its TPM by what is known now: proven before, or its key or its maker can be. */
static enum td_code believed(struct known *k, const struct td_tpm_binding *b, struct td_error *err)
{
    const char *virtual_tpm = "", *pinned = "";
    td_try(td_tenant_get(k->tx, k->tenant, "virtual-tpm", k->a, &virtual_tpm, err));
    td_try(td_tenant_get(k->tx, k->tenant, "pinned-ek", k->a, &pinned, err));
    const char *text =
        td_arena_printf(k->a, "proven %s as %s", td_time_arena(k->a, b->last_at), td_assurance_word(b->assurance));
    if (b->assurance == TD_ASSURANCE_VIRTUAL && strcmp(virtual_tpm, "refuse") == 0)
        say(k, TD_UNMET, text, "virtual-tpm=refuse takes it no longer: allow it, or use a machine with a TPM.");
    else if (b->assurance == TD_ASSURANCE_PINNED && strcmp(pinned, "refuse") == 0)
        say(k, TD_UNMET, text, "pinned-ek=refuse takes it no longer: allow it, or trust its maker (tpm add-root).");
    else
        say(k, TD_PASS, text, "");
    return TD_OK;
}

static enum td_code believable(struct known *k, struct td_error *err)
{
    struct td_ek_root *roots = NULL;
    const char *pinned = "";
    size_t n = 0;
    td_try(td_tenant_get(k->tx, k->tenant, "pinned-ek", k->a, &pinned, err));
    td_try(td_ek_root_list(k->tx, k->tenant, k->a, &roots, &n, err));
    if (k->has_hash && k->hw.tpm_ek.n != 0 && strcmp(pinned, "allow") == 0)
        say(k, TD_PASS, "its hash carries the key of its TPM", "");
    else if (n == 0)
        say(k, TD_UNMET, "no maker is trusted, and its hash carries no key that is taken",
            "Add its maker's root: touchdown tpm add-root (docs/tasks/attestation.md).");
    else if (!k->has_hash || k->hw.tpm_version[0] == '\0')
        say(k, TD_WARN, "its hash tells of no TPM", "Switch its TPM 2.0 on in the firmware, capture the hash again.");
    else
        say(k, TD_PASS, td_arena_printf(k->a, "%zu makers are trusted; its own has to be one of them", n), "");
    return TD_OK;
}

/* Also before the tenant asked for once, when nobody noted it. */
static bool deployed_before(const struct known *k)
{
    if (k->r.userless == TD_USERLESS_UNKNOWN && k->e.user_id != NULL)
        return td_enrolment_userless(&k->e);
    return k->r.userless == TD_USERLESS_BLOCKED;
}

static enum td_code attestation(struct known *k, struct td_error *err)
{
    struct td_tpm_binding b = {.registration_id = ""};
    const char *once = "";
    bool proven = false;
    if (!k->registered || !k->has_profile) {
        say(k, TD_SKIP, "it has no profile", "");
        return TD_OK;
    }
    bool shared = k->profile.settings.usage == TD_USAGE_SHARED;
    if (!shared && k->profile.settings.preprovisioning == 0) {
        say(k, TD_PASS, "its profile asks for none: a user signs in", "");
        return TD_OK;
    }
    td_try(td_tenant_get(k->tx, k->tenant, "userless-once", k->a, &once, err));
    if (strcmp(once, "on") == 0 && deployed_before(k)) { /* a user can deploy it still, a technician can't */
        say(k, shared ? TD_UNMET : TD_WARN, "it was deployed without a user before",
            "Allow it once more: touchdown device unblock.");
        return TD_OK;
    }
    td_try(fine_without(td_tpm_binding_find(k->tx, k->tenant, k->r.id, k->a, &b, err), &proven));
    return proven ? believed(k, &b, err) : believable(k, err);
}

static bool is_hybrid(const struct known *k)
{
    return k->has_profile && k->profile.settings.join == TD_JOIN_HYBRID;
}

static enum td_code profile(struct known *k, struct td_error *err TD_UNUSED)
{
    if (!k->registered && !k->has_profile)
        say(k, TD_SKIP, "it is not registered", "");
    else if (!k->has_profile)
        say(k, TD_UNMET, td_ztd_error(TD_ZTD_NO_PROFILE)->text, td_ztd_error(TD_ZTD_NO_PROFILE)->remedy);
    else
        say(k, TD_PASS, is_hybrid(k) ? td_arena_printf(k->a, "%s (hybrid join)", k->profile.name) : k->profile.name,
            "");
    return TD_OK;
}

/* --- its computer account (autopilot.md 3.2) --- */

static void say_reason(struct known *k, enum td_verdict verdict, enum td_domain_reason reason, const char *detail)
{
    struct td_error why = {.code = TD_OK};
    (void)td_domain_refuse(&why, reason, detail);
    say(k, verdict, td_arena_strdup(k->a, why.text), td_domain_reason_row(reason)->remedy);
}

static enum td_code find_join_item(struct known *k, const struct td_item_domain_join **ret, struct td_error *err)
{
    const struct td_master none = {0}; /* its kind has no secrets */
    struct td_configuration *rows_of = NULL;
    struct td_item *item = td_arena_new(k->a, struct td_item);
    size_t n = 0;
    *ret = NULL;
    td_try(td_configuration_wanted(k->tx, k->tenant, k->way->id, k->enrolled ? k->e.user_id : "",
                                   td_item_word(TD_ITEM_DOMAIN_JOIN), k->a, &rows_of, &n, err));
    for (size_t i = 0; i < n && *ret == NULL; i++)
        if (td_configuration_open(&none, k->tenant, &rows_of[i], k->a, item, NULL) == TD_OK)
            *ret = &item->as.domain_join;
    return TD_OK;
}

/* Of the connectors that serve it one without a problem is enough. */
static enum td_code connectors(struct known *k, const char *domain, struct td_error *err)
{
    struct td_connector_domain *list = NULL;
    const struct td_connector_domain *bad = NULL;
    size_t n = 0;
    bool served = false, fine = false, unbound = false;
    td_try(td_connector_serves(k->tx, k->tenant, domain, &served, err));
    td_try(td_connector_domains(k->tx, k->tenant, k->a, &list, &n, err));
    for (size_t i = 0; i < n; i++) {
        bool of = td_ieqs(td_str(list[i].domain), domain);
        unbound = unbound || (of && !list[i].may);
        of = of && list[i].may;
        fine = fine || (of && list[i].problem[0] == '\0');
        bad = of && list[i].problem[0] != '\0' ? &list[i] : bad;
    }
    const struct td_domain_reason_row *row = bad != NULL ? td_domain_reason_by_name(bad->problem) : NULL;
    if (!served || (!fine && bad == NULL))
        say_reason(k, TD_UNMET, unbound && !td_fault("check-unbound-is-none") ? TD_DJ_NOT_BOUND : TD_DJ_NO_CONNECTOR,
                   domain);
    else if (!fine)
        say_reason(k, TD_UNMET, row != NULL ? row->reason : TD_DJ_REFUSED, bad->detail);
    return TD_OK;
}

static enum td_code domain(struct known *k, struct td_error *err)
{
    struct td_domain_join j = {.id = NULL};
    const struct td_item_domain_join *item = NULL;
    bool asked = false;
    if (!is_hybrid(k)) {
        say(k, TD_SKIP, k->has_profile ? "its profile asks for no hybrid join" : "it has no profile", "");
        return TD_OK;
    }
    td_try(find_join_item(k, &item, err));
    if (item == NULL) {
        say_reason(k, TD_UNMET, TD_DJ_NO_SETTINGS, NULL);
        return TD_OK;
    }
    say(k, TD_PASS, td_arena_printf(k->a, "%s, named %s", item->domain, item->pattern), "");
    if (k->enrolled)
        td_try(fine_without(td_domain_join_of(k->tx, k->tenant, k->e.id, k->a, &j, err), &asked));
    if (asked && j.state == TD_DJS_FAILED && td_domain_reason_by_name(j.failure) != NULL)
        say_reason(k, TD_UNMET, td_domain_reason_by_name(j.failure)->reason, j.detail);
    else if (asked && j.state == TD_DJS_CONFIRMED)
        say(k, TD_PASS, td_arena_printf(k->a, "%s in %s", j.name, j.domain), "");
    else
        td_try(connectors(k, item->domain, err));
    return TD_OK;
}

static enum td_code computer_name(struct known *k, struct td_error *err TD_UNUSED)
{
    char name[TD_NAME_MAX + 1];
    struct td_error why = {0};
    const char *template = k->registered && k->r.display_name[0] != '\0' ? k->r.display_name
                           : k->has_profile                              ? k->profile.settings.name_template
                                                                         : "";
    const char *number = k->registered ? k->r.serial : k->enrolled ? k->e.serial : "";
    if (is_hybrid(k))
        say(k, TD_PASS, "it comes with its computer account", "");
    else if (template[0] == '\0')
        say(k, TD_PASS, "no template: the name stays as it is", "");
    else if (number[0] == '\0' && td_search(td_str(template), TD_S("%SERIAL%")) != SIZE_MAX)
        say(k, TD_SKIP, "its serial number is not known yet", "");
    else if (td_name_expand(td_str(template), number, td_tx_env(k->tx), name, &why) != TD_OK)
        say(k, TD_UNMET, td_arena_printf(k->a, "%s: %s", template, why.text), "Mend the name template of the profile.");
    else
        say(k, TD_PASS, td_arena_printf(k->a, "%s gives %s", template, name), "");
    return TD_OK;
}

static enum td_code user(struct known *k, struct td_error *err)
{
    struct td_user u;
    bool there = false;
    const char *name = k->registered ? k->r.assigned_user : "";
    if (k->has_profile && k->profile.settings.usage == TD_USAGE_SHARED) {
        say(k, name[0] == '\0' ? TD_PASS : TD_WARN,
            name[0] == '\0' ? "nobody signs in: it deploys itself"
                            : td_arena_printf(k->a, "%s: nobody signs in where a device deploys itself", name),
            name[0] == '\0' ? "" : "Take the user away (touchdown device unassign-user), or give it another profile.");
        return TD_OK;
    }
    if (name[0] == '\0') {
        say(k, TD_PASS, "none is assigned: anybody may", "");
        return TD_OK;
    }
    td_try(fine_without(td_user_find(k->tx, k->tenant, td_str(name), k->a, &u, err), &there));
    if (!there)
        say(k, TD_UNMET, td_arena_printf(k->a, "%s does not exist", name), "Assign another user, or add this one.");
    else if (!u.enabled && !td_fault("check-any-user"))
        say(k, TD_UNMET, td_arena_printf(k->a, "%s is disabled", name), "Assign another user, or enable this one.");
    else
        say(k, TD_PASS, name, "");
    return TD_OK;
}

static enum td_code directory(struct known *k, struct td_error *err TD_UNUSED)
{
    if (!k->has_device || k->device.deleted_at != 0)
        say(k, k->registered ? TD_UNMET : TD_SKIP, "it has no directory object",
            k->registered ? "Register it again: its object was deleted." : "");
    else if (!k->device.enabled)
        say(k, TD_UNMET, "its directory object is disabled", "Enable it (accountEnabled), or reset the device.");
    else
        say(k, TD_PASS, k->device.display_name, "");
    return TD_OK;
}

static enum td_code enrolment_allowed(struct known *k, struct td_error *err)
{
    const char *who = "all", *min = "", *max = "";
    td_try(td_tenant_get(k->tx, k->tenant, "enrol-users", k->a, &who, err));
    td_try(td_tenant_get(k->tx, k->tenant, "enrol-os-minimum", k->a, &min, err));
    td_try(td_tenant_get(k->tx, k->tenant, "enrol-os-maximum", k->a, &max, err));
    const char *version = k->enrolled ? k->e.os_version : "";
    if (strcmp(who, "none") == 0)
        say(k, TD_UNMET, "enrol-users=none lets no device enrol", "touchdown tenant set enrol-users=all");
    else if (strcmp(who, "registered") == 0 && !k->registered)
        say(k, TD_UNMET, "enrol-users=registered lets registered devices enrol only", "Register it.");
    else if (version[0] != '\0' && !td_os_version_between(td_str(version), td_str(min), td_str(max)))
        say(k, TD_UNMET, td_arena_printf(k->a, "version %.32s is outside of enrol-os-minimum and -maximum", version),
            "Update the device, or change the restriction.");
    else
        say(k, TD_PASS, "the organization lets it enrol", "");
    return TD_OK;
}

static enum td_code certificate(struct known *k, struct td_error *err TD_UNUSED)
{
    int64_t left = k->e.cert_not_after - td_tx_now(k->tx);
    const char *text = td_arena_printf(k->a, "until %s", td_time_arena(k->a, k->e.cert_not_after));
    if (!k->enrolled)
        say(k, TD_SKIP, "it is not enrolled", "");
    else if (left < 0)
        say(k, TD_UNMET, text, "Enrol it again: reset it.");
    else if (left < CERT_WARN_DAYS * TD_DAY)
        say(k, TD_WARN, text, "Let the device make contact: it renews by itself.");
    else
        say(k, TD_PASS, text, "");
    return TD_OK;
}

static enum td_code contact(struct known *k, struct td_error *err TD_UNUSED)
{
    int64_t at = TD_MAX(k->way->last_contact_at, k->way->contacted_at);
    if (at == 0)
        say(k, TD_SKIP, "it has never made contact", "");
    else if (td_tx_now(k->tx) - at > CONTACT_WARN_DAYS * TD_DAY)
        say(k, TD_WARN, td_time_arena(k->a, at), "Switch it on, and look whether it reaches the service (preflight).");
    else
        say(k, TD_PASS, td_time_arena(k->a, at), "");
    return TD_OK;
}

/* autopilot.md Z22: as long as nobody has assigned a kiosk there is nothing in its way. */
static enum td_code kiosk(struct known *k, struct td_error *err)
{
    struct td_configuration *rows_of = NULL;
    const char *const *lines = NULL;
    size_t n = 0;
    td_try(td_configuration_of_way(k->tx, k->tenant, k->way->id, k->a, &rows_of, &n, err));
    size_t found = td_configuration_conflicts(rows_of, n, k->a, &lines);
    if (found == 0)
        say(k, TD_PASS, "nothing assigned to it disturbs a kiosk", "");
    else
        say(k, TD_WARN, td_arena_printf(k->a, "%s%s", lines[0], found > 1 ? "; and more" : ""),
            "Take one of the two away from this device: touchdown policy unassign.");
    return TD_OK;
}

static enum td_code actions(struct known *k, struct td_error *err)
{
    struct td_action *list = NULL;
    size_t n = 0;
    if (k->enrolled)
        td_try(td_action_open_list(k->tx, k->tenant, k->e.id, k->a, &list, &n, err));
    if (n == 0)
        say(k, TD_PASS, "none is open", "");
    else
        say(k, TD_WARN, td_arena_printf(k->a, "%zu open, the first is %s", n, td_action_rows[list[0].kind].word),
            "Wait for the device, or cancel it: touchdown action list.");
    return TD_OK;
}

static const struct row {
    struct td_requirement r;
    enum td_code (*look)(struct known *k, struct td_error *err);
} rows[] = {
    {{"registration", "it is registered"}, registration},
    {{"hash", "its hardware hash can be read, and nothing in it is odd"}, hash},
    {{"serial-number", "its serial number is not a maker's placeholder"}, serial},
    {{"identity", "two kinds of facts tell it from others, none of them a placeholder"}, identity},
    {{"hardware", "its hardware is the registered one"}, mismatch},
    {{"os-version", "Windows 10 1703 (10.0.15063) or later; 1903 for the whole status page"}, os_version},
    {{"edition", "Pro, Education or Enterprise in any of their forms; Home can't be managed"}, edition},
    {{"tpm", "a TPM 2.0, for the self-deploying mode, pre-provisioning and Windows 11"}, tpm},
    {{"attestation", "its TPM would be believed, where its profile asks for that"}, attestation},
    {{"profile", "a profile holds for it, and this service offers what it asks"}, profile},
    {{"computer-name", "the profile's template gives a valid computer name"}, computer_name},
    {{"domain", "its computer account can be made: settings are assigned to it, a connector serves the domain"},
     domain},
    {{"user", "the user that it is assigned to exists and is enabled"}, user},
    {{"directory", "its directory object is there and enabled"}, directory},
    {{"enrolment-allowed", "the organization's restrictions let it enrol"}, enrolment_allowed},
    {{"management-certificate", "the certificate of its management is valid"}, certificate},
    {{"contact", "it made contact in the last 30 days"}, contact},
    {{"kiosk", "no setting stands in the way of a kiosk that signs in by itself"}, kiosk},
    {{"actions", "no remote action is open"}, actions},
};

enum td_code td_check_device(struct td_tx *tx, const char *tenant, const struct td_way_row *way, struct td_arena *a,
                             struct td_finding **ret, size_t *ret_count, struct td_error *err)
{
    struct known *k = td_arena_new(a, struct known);
    struct td_finding *list = td_arena_array(a, struct td_finding, TD_COUNTOF(rows));
    *k = (struct known){.tx = tx, .tenant = tenant, .way = way, .a = a};
    td_try(read_all(k, err));
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        list[i] = (struct td_finding){.requirement = &rows[i].r, .found = "", .remedy = ""};
        k->at = &list[i];
        td_try(rows[i].look(k, err));
    }
    *ret = list;
    *ret_count = TD_COUNTOF(rows);
    return TD_OK;
}
