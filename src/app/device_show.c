#include "app/device_show.h"

#include "api/explain.h"
#include "api/repair.h"
#include "store/action.h"
#include "store/attestation.h"
#include "store/connector.h"
#include "store/domain_join.h"
#include "store/event.h"
#include "store/group.h"
#include "store/life.h"
#include "store/registration.h"
#include "store/way.h"

enum { MAX_EVENTS = 5000 };

struct shown {
    struct td_cli *cli;
    struct td_way_row way;
    struct td_registration r;
    bool registered, has_profile, is_explicit;
    const char *got; /* name of the profile that it has got; NULL: none yet */
    bool proven;     /* its TPM */
    struct td_tpm_binding tpm;
    struct td_domain_join domain; /* id NULL: nobody asked for a computer account */
    const char *connector;        /* name of the one that made it or tries, "" none or removed */
    struct td_profile_row profile;
    struct td_group *groups;
    size_t group_count;
    struct td_event *events;
    size_t event_count;
};

/* By serial number or any id that the device has. */
static enum td_code find(struct td_tx *tx, struct shown *s, const char *key, struct td_error *err)
{
    static const enum td_way_key keys[] = {TD_WAY_REGISTRATION, TD_WAY_DEVICE, TD_WAY_ENROLMENT, TD_WAY_ID};
    struct td_cli *cli = s->cli;
    enum td_code rc = td_registration_find_any(tx, cli->tenant.id, key, &cli->arena, &s->r, err);
    s->registered = rc == TD_OK;
    if (rc == TD_OK)
        return td_way_find(tx, cli->tenant.id, TD_WAY_ID, s->r.way_id, &cli->arena, &s->way, err);
    char *lower = td_arena_strdup(&cli->arena, key);
    td_lower(lower);
    for (size_t i = 0; i < TD_COUNTOF(keys) && rc == TD_ENOTFOUND; i++)
        rc = td_way_find(tx, cli->tenant.id, keys[i], lower, &cli->arena, &s->way, NULL);
    if (rc != TD_OK || s->way.registration_id[0] == '\0')
        return rc;
    s->registered = true;
    return td_registration_find(tx, cli->tenant.id, s->way.registration_id, &cli->arena, &s->r, err);
}

enum td_code td_device_way(struct td_tx *tx, struct td_cli *cli, struct td_way_row *ret, struct td_error *err)
{
    struct shown s = {.cli = cli};
    const char *enrolment = "";
    enum td_code rc = find(tx, &s, cli->args[0], err);
    if (rc == TD_OK)
        *ret = s.way;
    if (rc != TD_ENOTFOUND)
        return rc;
    td_try(td_action_enrolment_of(tx, cli->tenant.id, cli->args[0], &cli->arena, &enrolment, err));
    return td_way_find(tx, cli->tenant.id, TD_WAY_ENROLMENT, enrolment, &cli->arena, ret, err);
}

/* One that is managed without a registration (autopilot.md R15) is known by the serial number that it told. */
static enum td_code find_managed(struct td_tx *tx, struct shown *s, const char *key, struct td_error *err)
{
    struct td_cli *cli = s->cli;
    const char *way = "";
    enum td_code rc = find(tx, s, key, err);
    if (rc != TD_ENOTFOUND || td_action_way_of(tx, cli->tenant.id, key, &cli->arena, &way, NULL) != TD_OK)
        return rc;
    return td_way_find(tx, cli->tenant.id, TD_WAY_ID, way, &cli->arena, &s->way, err);
}

/* What such a one told of itself. */
static enum td_code read_managed(struct td_tx *tx, struct shown *s, struct td_error *err)
{
    struct td_life life = {.serial = "", .manufacturer = "", .model = ""};
    td_try(td_life_find(tx, s->cli->tenant.id, s->way.id, &s->cli->arena, &life, err));
    s->r.serial = life.serial;
    s->r.manufacturer = life.manufacturer;
    s->r.model = life.model;
    return TD_OK;
}

static enum td_code read_tpm(struct td_tx *tx, struct shown *s, struct td_error *err)
{
    enum td_code rc = td_tpm_binding_find(tx, s->cli->tenant.id, s->r.id, &s->cli->arena, &s->tpm, err);
    s->proven = rc == TD_OK;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

/* Of the present enrolment, else the account that it had last. */
static enum td_code read_domain(struct td_tx *tx, struct shown *s, struct td_error *err)
{
    struct td_connector c = {.name = ""};
    struct td_cli *cli = s->cli;
    enum td_code rc = td_domain_join_of(tx, cli->tenant.id, s->way.enrolment_id, &cli->arena, &s->domain, err);
    if (rc == TD_ENOTFOUND)
        rc = td_domain_join_account(tx, cli->tenant.id, s->way.id, &cli->arena, &s->domain, err);
    if (rc == TD_OK && s->domain.connector_id[0] != '\0')
        rc = td_connector_find(tx, cli->tenant.id, s->domain.connector_id, &cli->arena, &c, err);
    s->connector = c.name;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code read_all(struct td_tx *tx, struct shown *s, struct td_error *err)
{
    struct td_cli *cli = s->cli;
    td_try(find_managed(tx, s, cli->args[0], err));
    if (!s->registered)
        td_try(read_managed(tx, s, err));
    td_try(td_group_of_way(tx, cli->tenant.id, s->way.id, &cli->arena, &s->groups, &s->group_count, err));
    struct td_profile_given given = {.name = NULL};
    enum td_code got = td_profile_given(tx, cli->tenant.id, s->way.id, &cli->arena, &given, err);
    if (got != TD_OK && got != TD_ENOTFOUND)
        return got;
    s->got = got == TD_OK ? given.name : NULL;
    td_try(read_domain(tx, s, err));
    if (s->registered) {
        td_try(read_tpm(tx, s, err));
        enum td_code rc =
            td_profile_of_way(tx, cli->tenant.id, s->way.id, &cli->arena, &s->profile, &s->is_explicit, err);
        if (rc != TD_OK && rc != TD_ENOTFOUND)
            return rc;
        s->has_profile = rc == TD_OK;
    }
    if (td_cli_option(cli, "timeline") == NULL)
        return TD_OK;
    return td_event_list(tx, cli->tenant.id, s->way.id, 0, MAX_EVENTS, &cli->arena, &s->events, &s->event_count, err);
}

static int64_t since_ms(const struct shown *s, size_t i)
{
    return i == 0 ? 0 : (s->events[i].at - s->events[i - 1].at) / 1000;
}

static void timeline_json(struct td_jsonw *w, const struct shown *s)
{
    char at[TD_TIME_TEXT];
    td_jsonw_key(w, "timeline");
    td_jsonw_arr(w);
    for (size_t i = 0; i < s->event_count; i++) {
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "at", td_time_text_us(s->events[i].at, at));
        td_jsonw_kstr(w, "type", s->events[i].type);
        td_jsonw_kstr(w, "actor", s->events[i].actor);
        td_jsonw_kint(w, "sinceMs", since_ms(s, i));
        td_jsonw_key(w, "detail");
        td_jsonw_raw(w, td_str(s->events[i].detail));
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
}

static void machine_json(struct td_jsonw *w, const struct shown *s)
{
    td_jsonw_kstr(w, "serialNumber", s->r.serial);
    td_jsonw_kstr(w, "manufacturer", s->r.manufacturer);
    td_jsonw_kstr(w, "model", s->r.model);
}

static void registration_json(struct td_jsonw *w, const struct shown *s)
{
    td_jsonw_kstr(w, "groupTag", s->r.group_tag);
    td_jsonw_kstr(w, "assignedUser", s->r.assigned_user);
    td_jsonw_kstr(w, "warning", s->r.warning);
    td_jsonw_kstr(w, "hardware", td_remediation_text(s->r.remediation));
    td_jsonw_ktime(w, "registeredAt", s->r.created_at);
}

static void tpm_json(struct td_jsonw *w, const struct shown *s)
{
    td_jsonw_key(w, "tpm");
    if (!s->proven) {
        td_jsonw_null(w);
        return;
    }
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "assurance", td_assurance_word(s->tpm.assurance));
    td_jsonw_kstr(w, "manufacturer", s->tpm.manufacturer);
    td_jsonw_kstr(w, "model", s->tpm.model);
    td_jsonw_kstr(w, "ekSha256", s->tpm.ek_sha256);
    td_jsonw_ktime(w, "lastProvenAt", s->tpm.last_at);
    td_jsonw_end(w);
}

static void domain_json(struct td_jsonw *w, const struct shown *s)
{
    const struct td_domain_join *j = &s->domain;
    const struct td_domain_reason_row *why = j->id != NULL ? td_domain_reason_by_name(j->failure) : NULL;
    td_jsonw_key(w, "domainJoin");
    if (j->id == NULL) {
        td_jsonw_null(w);
        return;
    }
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "domain", j->domain);
    td_jsonw_kstr(w, "state", td_domain_state_word(j->state));
    td_jsonw_kstr(w, "computer", j->name);
    td_jsonw_kstr(w, "accountGuid", j->account_guid);
    td_jsonw_kstr(w, "accountSid", j->account_sid);
    td_jsonw_kstr(w, "accountDn", j->account_dn);
    td_jsonw_kstr(w, "connector", s->connector);
    td_jsonw_kstr(w, "failure", why != NULL ? why->name : NULL);
    td_jsonw_kstr(w, "cause", why != NULL ? why->cause : NULL);
    td_jsonw_kstr(w, "remedy", why != NULL ? why->remedy : NULL);
    td_jsonw_kstr(w, "detail", why != NULL ? j->detail : NULL);
    td_jsonw_end(w);
}

static void profile_json(struct td_jsonw *w, const struct shown *s)
{
    td_jsonw_key(w, "profile");
    if (!s->has_profile) {
        td_jsonw_null(w);
        td_jsonw_kstr(w, "enrollmentProfileName", s->got);
        return;
    }
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", s->profile.id);
    td_jsonw_kstr(w, "name", s->profile.name);
    td_jsonw_kbool(w, "explicit", s->is_explicit);
    td_jsonw_end(w);
    td_jsonw_kstr(w, "enrollmentProfileName", s->got);
}

static void groups_json(struct td_jsonw *w, const struct shown *s)
{
    td_jsonw_key(w, "groups");
    td_jsonw_arr(w);
    for (size_t i = 0; i < s->group_count; i++)
        td_jsonw_str(w, s->groups[i].name);
    td_jsonw_arr_end(w);
}

static void states_json(struct td_jsonw *w, const struct td_way *way)
{
    td_jsonw_key(w, "states");
    td_jsonw_obj(w);
    for (int m = 0; m < TD_M_COUNT; m++)
        td_jsonw_kstr(w, td_way_machine_word((enum td_machine)m), td_way_state_word((enum td_machine)m, way->state[m]));
    td_jsonw_end(w);
}

static void show_json(const struct shown *s)
{
    struct td_jsonw w;
    td_jsonw_init(&w, &s->cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "state", td_way_word(&s->way.way));
    states_json(&w, &s->way.way);
    td_jsonw_kstr(&w, "wayId", s->way.id);
    td_jsonw_kstr(&w, "registrationId", s->way.registration_id);
    td_jsonw_kstr(&w, "deviceId", s->way.device_id);
    td_jsonw_kstr(&w, "enrolmentId", s->way.enrolment_id);
    td_jsonw_kstr(&w, "user", s->way.user_upn);
    machine_json(&w, s);
    if (s->registered)
        registration_json(&w, s);
    tpm_json(&w, s);
    domain_json(&w, s);
    profile_json(&w, s);
    groups_json(&w, s);
    td_jsonw_ktime(&w, "contactedAt", s->way.contacted_at);
    td_jsonw_ktime(&w, "deploymentStartedAt", s->way.deployment_started_at);
    td_jsonw_ktime(&w, "readyAt", s->way.ready_at);
    td_jsonw_ktime(&w, "lastContactAt", s->way.last_contact_at);
    if (td_cli_option(s->cli, "timeline") != NULL)
        timeline_json(&w, s);
    td_jsonw_end(&w);
    td_buf_addc(&s->cli->out, '\n');
}

/* A value of the table; what is not known is not printed. */
static void line(struct td_cli *cli, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0')
        td_cli_say(cli, "%-14s %s", name, value);
}

static void line_time(struct td_cli *cli, const char *name, int64_t at)
{
    char text[TD_TIME_TEXT];
    if (at != 0)
        line(cli, name, td_time_text(at, text));
}

static void registration_text(const struct shown *s)
{
    line(s->cli, "group tag", s->r.group_tag);
    line(s->cli, "assigned user", s->r.assigned_user);
    line(s->cli, "warning", s->r.warning);
    line(s->cli, "hardware", td_remediation_text(s->r.remediation));
    line(s->cli, "profile", s->has_profile ? s->profile.name : "none");
}

static void tpm_text(const struct shown *s)
{
    struct td_arena *a = &s->cli->arena;
    if (s->proven)
        line(s->cli, "tpm",
             td_arena_printf(a, "%s, %s %s, proven %s, key %.16s", td_assurance_word(s->tpm.assurance),
                             s->tpm.manufacturer, s->tpm.model, td_time_arena(a, s->tpm.last_at), s->tpm.ek_sha256));
}

static void domain_text(const struct shown *s)
{
    const struct td_domain_join *j = &s->domain;
    const struct td_domain_reason_row *why = j->id != NULL ? td_domain_reason_by_name(j->failure) : NULL;
    struct td_arena *a = &s->cli->arena;
    if (j->id == NULL)
        return;
    line(s->cli, "domain",
         td_arena_printf(a, "%s, account %s%s%s", j->domain, td_domain_state_word(j->state),
                         s->connector[0] != '\0' ? " by " : "", s->connector));
    line(s->cli, "computer",
         j->account_dn[0] != '\0' ? td_arena_printf(a, "%s (%s)", j->name, j->account_dn) : j->name);
    if (why == NULL)
        return;
    struct td_error told = {0};
    (void)td_domain_refuse(&told, why->reason, j->detail[0] != '\0' ? j->detail : NULL);
    line(s->cli, "because", td_arena_printf(a, "%s: %s %s", why->name, told.text, told.remedy));
}

static void timeline_text(const struct shown *s)
{
    char at[TD_TIME_TEXT];
    td_cli_say(s->cli, "timeline");
    for (size_t i = 0; i < s->event_count; i++) {
        const struct td_event *e = &s->events[i];
        td_cli_say(s->cli, "  %s  %+9.3f s  %-24s %-14s %s", td_time_text_us(e->at, at),
                   (double)since_ms(s, i) / 1000.0, e->type, e->actor, strcmp(e->detail, "{}") == 0 ? "" : e->detail);
    }
    if (s->way.ready_at != 0 && s->way.deployment_started_at != 0)
        td_cli_say(s->cli, "  from lookup to ready: %.3f s",
                   (double)(s->way.ready_at - s->way.deployment_started_at) / (double)TD_SECOND);
}

static void show_text(const struct shown *s)
{
    struct td_cli *cli = s->cli;
    line(cli, "state", td_way_word(&s->way.way));
    line(cli, "serial", s->r.serial);
    line(cli, "manufacturer", s->r.manufacturer);
    line(cli, "model", s->r.model);
    if (s->registered)
        registration_text(s);
    else if (s->got != NULL)
        line(cli, "profile", s->got);
    tpm_text(s);
    domain_text(s);
    for (size_t i = 0; i < s->group_count; i++)
        line(cli, i == 0 ? "groups" : "", s->groups[i].name);
    line(cli, "registration", s->way.registration_id);
    line(cli, "device", s->way.device_id);
    line(cli, "enrolment", s->way.enrolment_id);
    line(cli, "user", s->way.user_upn);
    line_time(cli, "registered", s->registered ? s->r.created_at : 0);
    line_time(cli, "contacted", s->way.contacted_at);
    line_time(cli, "ready", s->way.ready_at);
    line_time(cli, "last contact", s->way.last_contact_at);
    if (td_cli_option(cli, "timeline") != NULL)
        timeline_text(s);
}

enum td_code td_device_show(struct td_tx *tx, void *cli, struct td_error *err)
{
    struct shown s = {.cli = cli};
    td_try(read_all(tx, &s, err));
    if (s.cli->json)
        show_json(&s);
    else
        show_text(&s);
    return TD_OK;
}

struct explained {
    struct shown s;
    struct td_explained e;
    struct td_facts facts;
    int shared[TD_FACTS_MAX]; /* registrations that have the fact */
};

/* What a fact is worth for recognising this device: nothing if too many have it (docs/protocol/ztd.md 2). */
static int weight_of(const struct explained *x, size_t i)
{
    return x->shared[i] > TD_FACT_SHARED_MAX ? 0 : td_fact_weight(x->facts.list[i].kind);
}

static void matching_json(struct td_jsonw *w, const struct explained *x)
{
    td_jsonw_kbool(w, "attention", x->s.r.remediation == TD_REMEDY_MANUAL);
    td_jsonw_key(w, "matching");
    td_jsonw_arr(w);
    for (size_t i = 0; i < x->facts.count; i++) {
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "kind", td_fact_word(x->facts.list[i].kind));
        td_jsonw_kstr(w, "value", x->facts.list[i].value);
        td_jsonw_kint(w, "weight", weight_of(x, i));
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
}

static void matching_text(const struct explained *x)
{
    struct td_cli *cli = x->s.cli;
    if (x->s.r.remediation == TD_REMEDY_AUTOMATIC)
        td_cli_say(cli, "  fix pending: it was seen with another mainboard, and its next message decides");
    if (x->s.r.remediation == TD_REMEDY_MANUAL)
        td_cli_say(cli,
                   "  attention required: another registration looks like it, or its mainboard was exchanged: "
                   "device repair %s shows both sides, device show --timeline tells why",
                   x->s.r.serial);
    td_cli_say(cli,
               "  it is recognised by %zu identity facts: two kinds must agree, nothing may contradict, and the next "
               "candidate must be more than %d behind",
               x->facts.count, TD_MATCH_MARGIN);
    for (size_t i = 0; i < x->facts.count; i++)
        td_cli_say(cli, "    %-6s weight %d  %s%s", td_fact_word(x->facts.list[i].kind), weight_of(x, i),
                   x->facts.list[i].value, weight_of(x, i) == 0 ? " (more than two devices have it)" : "");
}

static void explain_json(const struct explained *x)
{
    struct td_jsonw w;
    td_jsonw_init(&w, &x->s.cli->out);
    td_jsonw_obj(&w);
    td_explain_members(&x->e, &w);
    td_jsonw_kstr(&w, "profile", x->e.has_profile ? x->e.profile.name : NULL);
    td_jsonw_key(&w, "groups");
    td_jsonw_arr(&w);
    for (size_t i = 0; i < x->e.group_count; i++)
        if (x->e.groups[i].member)
            td_jsonw_str(&w, x->e.groups[i].group.name);
    td_jsonw_arr_end(&w);
    td_jsonw_key(&w, "facts");
    td_jsonw_arr(&w);
    for (size_t i = 0; i < x->facts.count; i++)
        td_jsonw_str(&w, td_fact_word(x->facts.list[i].kind));
    td_jsonw_arr_end(&w);
    matching_json(&w, x);
    td_jsonw_end(&w);
    td_buf_addc(&x->s.cli->out, '\n');
}

static void explain_profile(struct td_cli *cli, const struct td_explained *e)
{
    const char *serial = e->registration.serial;
    if (e->has_profile)
        td_cli_say(cli, "%s gets the profile \"%s\"", serial, e->profile.name);
    else
        td_cli_say(cli, "%s gets no profile: %s; %s", serial, td_ztd_error(TD_ZTD_NO_PROFILE)->text,
                   td_ztd_error(TD_ZTD_NO_PROFILE)->remedy);
    if (e->has_given && e->status != TD_PS_IN_SYNC)
        td_cli_say(cli, "  it still has the profile \"%s\" as it got it, until it is reset", e->given.name);
    for (size_t i = 0; i < e->candidate_count; i++)
        td_cli_say(cli, "  %s  %s (%s): %s", e->candidates[i].holds ? "yes" : "no ", e->candidates[i].profile_name,
                   e->candidates[i].group_name[0] != '\0' ? e->candidates[i].group_name : "all devices",
                   e->candidates[i].why);
}

static void explain_text(const struct explained *x)
{
    struct td_cli *cli = x->s.cli;
    const struct td_explained *e = &x->e;
    explain_profile(cli, e);
    for (size_t i = 0; i < e->group_count; i++)
        td_cli_say(cli, "  group \"%s\": %s: %s", e->groups[i].group.name, td_explained_group_says(&e->groups[i]),
                   e->groups[i].why);
    matching_text(x);
}

enum td_code td_device_explain(struct td_tx *tx, void *cli, struct td_error *err)
{
    struct explained x = {.s = {.cli = cli}};
    const char *tenant = x.s.cli->tenant.id;
    td_try(find(tx, &x.s, x.s.cli->args[0], err));
    if (!x.s.registered)
        return td_remedy(err, td_fail(err, TD_EINVAL, "device", "it is not registered, so no profile concerns it"),
                         "register it by its hardware hash");
    td_try(td_explain(tx, tenant, x.s.r.id, &x.s.cli->arena, &x.e, err));
    td_try(td_hardware_facts(tx, tenant, x.s.r.id, &x.s.cli->arena, &x.facts, err));
    for (size_t i = 0; i < x.facts.count; i++)
        td_try(td_hardware_shared(tx, &x.facts.list[i], &x.shared[i], err));
    if (x.s.cli->json)
        explain_json(&x);
    else
        explain_text(&x);
    return TD_OK;
}
