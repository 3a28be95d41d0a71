/* Lists of devices: those that are registered, those that ask to be; and which registration a hash belongs to. */
#include "api/approve.h"
#include "api/repair.h"
#include "app/commands.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "store/registration.h"
#include "store/views.h"

enum { PAGE = 1000, MAX_REQUESTS = 10000, MAX_HASH_FILE = 65536 };

static const char actor[] = "command line";

/* ---- list ---- */

struct listing {
    struct td_cli *cli;
    const struct td_od_expr *filter;
    const char *search, *after;
    int64_t left; /* -1: all */
    struct td_view_page page;
    struct td_arena arena; /* of a page */
    struct td_jsonw json;
    size_t count;
};

/* As a literal of the interface's language: quotes doubled. */
static const char *quoted(struct td_arena *a, const char *value)
{
    size_t n = 0;
    char *out = td_arena_alloc(a, 2 * strlen(value) + 1);
    for (; *value != '\0'; value++) {
        if (*value == '\'')
            out[n++] = '\'';
        out[n++] = *value;
    }
    return out;
}

/* Options become one question of the interface's own language. */
static enum td_code make_filter(struct listing *l, struct td_error *err)
{
    static const struct {
        const char *option, *before, *behind;
    } tests[] = {
        {"tag", "groupTag eq '", "'"},
        {"serial", "contains(serialNumber,'", "')"},
        {"user", "userPrincipalName eq '", "'"},
        {"model", "contains(model,'", "')"},
        {"profile", "deploymentProfile/displayName eq '", "'"},
        {"unassigned", "deploymentProfileAssignmentStatus eq 'notAssigned'", ""},
        {"attention", "remediationState eq 'manualRemediationRequired'", ""},
    };
    struct td_arena *a = &l->cli->arena;
    const char *given = td_cli_option(l->cli, "filter");
    const char *all = given != NULL ? td_arena_printf(a, "(%s)", given) : "";
    for (size_t i = 0; i < TD_COUNTOF(tests); i++) {
        const char *value = td_cli_option(l->cli, tests[i].option);
        if (value != NULL)
            all = td_arena_printf(a, "%s%s%s%s%s", all, all[0] != '\0' ? " and " : "", tests[i].before,
                                  quoted(a, value), tests[i].behind);
    }
    return all[0] != '\0' ? td_od_filter_parse(td_str(all), a, &l->filter, err) : TD_OK;
}

static enum td_code read_page(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct listing *l = ctx;
    struct td_view_ask ask = {.filter = l->filter,
                              .search = l->search,
                              .after = l->after,
                              .top = l->left >= 0 && l->left < PAGE ? (size_t)l->left : PAGE};
    return td_view_page(tx, l->cli->tenant.id, &td_view_registrations, &ask, &l->arena, &l->page, err);
}

static void row_json(struct listing *l, const struct td_view_row *row)
{
    static const char *const texts[] = {"id",
                                        "serialNumber",
                                        "groupTag",
                                        "userPrincipalName",
                                        "displayName",
                                        "manufacturer",
                                        "model",
                                        "enrollmentState",
                                        "deploymentProfileAssignmentStatus",
                                        "remediationState",
                                        "azureActiveDirectoryDeviceId",
                                        "managedDeviceId"};
    struct td_jsonw *w = &l->json;
    td_jsonw_obj(w);
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        td_jsonw_kstr(w, texts[i], td_view_text(row, texts[i]));
    td_jsonw_kstr(w, "profile", td_view_text(row, "deploymentProfile/displayName"));
    td_jsonw_ktime(w, "registeredAt", td_view_int(row, "~created"));
    td_jsonw_ktime(w, "lastContactAt", td_view_int(row, "lastContactedDateTime"));
    td_jsonw_end(w);
}

static void row_text(struct listing *l, const struct td_view_row *row)
{
    const char *profile = td_view_text(row, "deploymentProfile/displayName");
    const char *repair = td_view_text(row, "remediationState");
    if (strcmp(repair, "automaticRemediationRequired") == 0)
        profile = td_remediation_text(TD_REMEDY_AUTOMATIC); /* instead of the name, as the portal does */
    else if (strcmp(repair, "manualRemediationRequired") == 0)
        profile = td_remediation_text(TD_REMEDY_MANUAL);
    td_cli_say(l->cli, "%-20s %-14s %-16s %-28s %-20s %s", td_view_text(row, "serialNumber"),
               td_view_text(row, "enrollmentState"), td_view_text(row, "groupTag"),
               td_view_text(row, "userPrincipalName"), profile[0] != '\0' ? profile : "no profile",
               td_view_text(row, "id"));
}

static enum td_code list_page(struct listing *l, struct td_error *err)
{
    td_try(td_store_read(l->cli->store, read_page, l, err));
    for (size_t i = 0; i < l->page.count; i++) {
        if (l->cli->json)
            row_json(l, &l->page.rows[i]);
        else
            row_text(l, &l->page.rows[i]);
    }
    l->count += l->page.count;
    l->left -= l->left >= 0 ? (int64_t)l->page.count : 0;
    l->after = l->page.next != NULL ? td_arena_strdup(&l->cli->arena, l->page.next) : NULL;
    if (l->count > PAGE)
        td_cli_flush(l->cli);
    return TD_OK;
}

static enum td_code run_list(struct td_cli *cli, struct td_error *err)
{
    struct listing l = {
        .cli = cli, .search = td_cli_option(cli, "search"), .after = td_cli_option(cli, "after"), .left = -1};
    const char *max = td_cli_option(cli, "max");
    if (max != NULL && (!td_parse_i64(td_str(max), &l.left) || l.left < 1)) {
        cli->misused = true;
        return td_fail(err, TD_EINVAL, "--max", "must be a number above 0");
    }
    td_try(make_filter(&l, err));
    td_jsonw_init(&l.json, &cli->out);
    if (cli->json) {
        td_jsonw_obj(&l.json);
        td_jsonw_key(&l.json, "devices");
        td_jsonw_arr(&l.json);
    }
    enum td_code rc;
    do {
        rc = list_page(&l, err);
        td_arena_done(&l.arena);
    } while (rc == TD_OK && l.after != NULL && l.left != 0);
    td_try(rc);
    if (!cli->json) {
        td_cli_say(cli, "%zu device%s", l.count, l.count == 1 ? "" : "s");
        return TD_OK;
    }
    td_jsonw_arr_end(&l.json);
    td_jsonw_kint(&l.json, "count", (int64_t)l.count);
    td_jsonw_kstr(&l.json, "next", l.after);
    td_jsonw_end(&l.json);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

/* ---- requests ---- */

static const char *state_word(const struct td_device_request *r)
{
    return td_words_request_state[r->state];
}

static void request_json(struct td_jsonw *w, const struct td_device_request *r, struct td_arena *a)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", r->id);
    td_jsonw_kstr(w, "code", td_device_request_show(r->code, a));
    td_jsonw_kstr(w, "state", state_word(r));
    td_jsonw_kstr(w, "serialNumber", r->serial);
    td_jsonw_kstr(w, "manufacturer", r->manufacturer);
    td_jsonw_kstr(w, "model", r->model);
    td_jsonw_kstr(w, "address", r->address);
    td_jsonw_kint(w, "asked", r->asked);
    td_jsonw_ktime(w, "firstAskedAt", r->created_at);
    td_jsonw_ktime(w, "lastAskedAt", r->asked_at);
    td_jsonw_ktime(w, "expiresAt", r->expires_at);
    td_jsonw_kstr(w, "decidedBy", r->actor);
    td_jsonw_kstr(w, "registrationId", r->registration_id);
    td_jsonw_end(w);
}

struct requests {
    struct td_cli *cli;
    struct td_device_request *list;
    size_t count;
};

static enum td_code read_requests(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct requests *r = ctx;
    return td_device_request_list(tx, r->cli->tenant.id, MAX_REQUESTS, &r->cli->arena, &r->list, &r->count, err);
}

static enum td_code run_requests(struct td_cli *cli, struct td_error *err)
{
    struct td_jsonw w;
    struct requests r = {.cli = cli};
    bool all = td_cli_option(cli, "all") != NULL;
    td_try(td_store_read(cli->store, read_requests, &r, err));
    td_jsonw_init(&w, &cli->out);
    if (cli->json)
        td_jsonw_arr(&w);
    for (size_t i = 0; i < r.count; i++) {
        if (r.list[i].state != TD_REQUEST_WAITS && !all)
            continue;
        if (cli->json)
            request_json(&w, &r.list[i], &cli->arena);
        else
            td_cli_say(cli, "%s  %-9s %-20s %-20s %-20s %s", td_device_request_show(r.list[i].code, &cli->arena),
                       state_word(&r.list[i]), r.list[i].serial, r.list[i].manufacturer, r.list[i].model,
                       r.list[i].address);
    }
    if (!cli->json)
        return TD_OK;
    td_jsonw_arr_end(&w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

struct decision {
    struct td_cli *cli;
    struct td_approval approval;
    struct td_device_request request;
};

static enum td_code approve(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct decision *d = ctx;
    struct td_approval p = d->approval;
    td_try(td_approve_write(tx, d->cli->tenant.id, &p, actor, &d->cli->arena, err));
    return td_device_request_find(tx, d->cli->tenant.id, p.request.id, &d->cli->arena, &d->request, err);
}

static enum td_code reject(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct decision *d = ctx;
    td_try(td_reject_write(tx, d->cli->tenant.id, d->cli->args[0], actor, &d->cli->arena, &d->request, err));
    return td_device_request_find(tx, d->cli->tenant.id, d->request.id, &d->cli->arena, &d->request, err);
}

static void say_decision(struct decision *d)
{
    struct td_jsonw w;
    td_jsonw_init(&w, &d->cli->out);
    if (!d->cli->json) {
        td_cli_say(d->cli, "%s %s %s: %s%s%s", d->request.serial, d->request.manufacturer, d->request.model,
                   state_word(&d->request), d->request.registration_id[0] != '\0' ? ", registered as " : "",
                   d->request.registration_id);
        return;
    }
    request_json(&w, &d->request, &d->cli->arena);
    td_buf_addc(&d->cli->out, '\n');
}

static enum td_code run_approve(struct td_cli *cli, struct td_error *err)
{
    struct decision d = {
        .cli = cli,
        .approval = {.key = cli->args[0], .group_tag = td_cli_option(cli, "tag"), .user = td_cli_option(cli, "user")}};
    td_try(td_approve_prepare(cli->store, cli->tenant.id, &d.approval, &cli->arena, err));
    td_try(td_store_write(cli->store, approve, &d, err));
    say_decision(&d);
    return TD_OK;
}

static enum td_code run_reject(struct td_cli *cli, struct td_error *err)
{
    struct decision d = {.cli = cli};
    td_try(td_store_write(cli->store, reject, &d, err));
    say_decision(&d);
    return TD_OK;
}

/* ---- match ---- */

struct matching {
    struct td_cli *cli;
    struct td_facts facts;
    struct td_hardware_found found;
    int shared[TD_FACTS_MAX];
    bool known;
};

static enum td_code find_match(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct matching *m = ctx;
    for (size_t i = 0; i < m->facts.count; i++)
        td_try(td_hardware_shared(tx, &m->facts.list[i], &m->shared[i], err));
    enum td_code rc = td_hardware_find(tx, &m->facts, &m->cli->arena, &m->found, err);
    m->known = rc == TD_OK;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

/* Another tenant's registration has no name here. */
static const char *whose(const struct matching *m, const char *tenant, const char *id)
{
    return strcmp(tenant, m->cli->tenant.id) == 0 ? id : "of another tenant";
}

static const char *verdict(const struct matching *m)
{
    if (m->known && m->found.tie)
        return "tie: two registrations match alike, an administrator must decide";
    if (m->known)
        return "match";
    return m->found.near_registration_id[0] != '\0' ? "no match: something contradicts" : "no match";
}

static void match_text(struct matching *m)
{
    struct td_cli *cli = m->cli;
    td_cli_say(cli, "%s", verdict(m));
    if (m->known)
        td_cli_say(cli, "  %s: %s", whose(m, m->found.tenant, m->found.registration_id),
                   td_match_text(&m->found.match, &cli->arena));
    if (m->found.second_registration_id[0] != '\0')
        td_cli_say(cli, "  %s: %s", whose(m, m->found.second_tenant, m->found.second_registration_id),
                   td_match_text(&m->found.second, &cli->arena));
    if (m->found.near_registration_id[0] != '\0')
        td_cli_say(cli, "  %s: %s", whose(m, m->found.near_tenant, m->found.near_registration_id), m->found.near_why);
    td_cli_say(cli, "  facts of this hash:");
    for (size_t i = 0; i < m->facts.count; i++)
        td_cli_say(cli, "    %-6s weight %d  %s%s", td_fact_word(m->facts.list[i].kind),
                   m->shared[i] > TD_FACT_SHARED_MAX ? 0 : td_fact_weight(m->facts.list[i].kind),
                   m->facts.list[i].value, m->shared[i] > TD_FACT_SHARED_MAX ? " (more than two devices have it)" : "");
}

static void match_json(struct matching *m)
{
    struct td_jsonw w;
    td_jsonw_init(&w, &m->cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "verdict", m->known ? m->found.tie ? "tie" : "match" : "none");
    td_jsonw_kstr(&w, "registrationId", m->known ? whose(m, m->found.tenant, m->found.registration_id) : "");
    td_jsonw_kint(&w, "weight", m->known ? m->found.match.weight : 0);
    td_jsonw_kint(&w, "margin", m->known ? m->found.match.weight - m->found.second.weight : 0);
    td_jsonw_kstr(&w, "why", m->known ? td_match_text(&m->found.match, &m->cli->arena) : m->found.near_why);
    td_jsonw_key(&w, "facts");
    td_jsonw_arr(&w);
    for (size_t i = 0; i < m->facts.count; i++) {
        td_jsonw_obj(&w);
        td_jsonw_kstr(&w, "kind", td_fact_word(m->facts.list[i].kind));
        td_jsonw_kstr(&w, "value", m->facts.list[i].value);
        td_jsonw_kint(&w, "weight", m->shared[i] > TD_FACT_SHARED_MAX ? 0 : td_fact_weight(m->facts.list[i].kind));
        td_jsonw_end(&w);
    }
    td_jsonw_arr_end(&w);
    td_jsonw_end(&w);
    td_buf_addc(&m->cli->out, '\n');
}

static enum td_code run_match(struct td_cli *cli, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf file;
    struct td_hw_facts hw;
    struct matching *m = td_arena_new(&cli->arena, struct matching);
    m->cli = cli;
    td_buf_init(&file, MAX_HASH_FILE);
    td_try(td_file_read(cli->args[0], &file, err));
    td_try(td_hwhash_decode_text(td_trim(td_buf_slice(&file)), td_sha256, &cli->arena, &hw, NULL, err));
    td_facts_add_hash(&m->facts, &cli->arena, &hw);
    td_try(td_store_read(cli->store, find_match, m, err));
    if (cli->json)
        match_json(m);
    else
        match_text(m);
    return TD_OK;
}

#define REQUEST_FIELDS                                                                                   \
    "id; code; state (pending, approved, rejected); serialNumber; manufacturer; model; address; asked; " \
    "firstAskedAt; lastAskedAt; expiresAt; decidedBy; registrationId"

static const struct td_command rows[] = {
    {.noun = "device",
     .verb = "list",
     .args = "",
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Lists registered devices, all or those that fit every option.",
     .fields = "devices: list of id, serialNumber, groupTag, userPrincipalName, displayName, manufacturer, model, "
               "enrollmentState, deploymentProfileAssignmentStatus, remediationState, azureActiveDirectoryDeviceId, "
               "managedDeviceId, profile, registeredAt, lastContactAt; count; next: for --after, or null",
     .run = run_list,
     .options = {{"tag", "TAG", "with this group tag", false},
                 {"serial", "PART", "whose serial number contains this", false},
                 {"user", "USER", "assigned to this user", false},
                 {"model", "PART", "whose model contains this", false},
                 {"profile", "NAME", "with this profile", false},
                 {"unassigned", NULL, "without a profile", false},
                 {"attention", NULL, "that an administrator must look at", false},
                 {"filter", "EXPRESSION", "an OData filter, such as \"startswith(serialNumber,'PF')\"", false},
                 {"search", "TEXT", "with this text in serial number, tag, user, name, maker or model", false},
                 {"max", "N", "at most so many", false},
                 {"after", "NEXT", "go on behind an earlier list (its next)", false}}},
    {.noun = "device",
     .verb = "requests",
     .args = "",
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Lists devices that asked for a profile, are not registered and wait for approval. Where there are "
              "several tenants a device is listed once its code was typed.",
     .fields = "a list of " REQUEST_FIELDS,
     .run = run_requests,
     .options = {{"all", NULL, "with those that were decided", false}}},
    {.noun = "device",
     .verb = "approve",
     .args = "CODE|ID",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Registers a device that asked, by the code that it shows.",
     .fields = REQUEST_FIELDS,
     .run = run_approve,
     .options = {{"tag", "TAG", "its group tag", false}, {"user", "USER", "its assigned user", false}}},
    {.noun = "device",
     .verb = "reject",
     .args = "CODE|ID",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Tells a device that asked that it is not wanted; its code expires a day after it first asked.",
     .fields = REQUEST_FIELDS,
     .run = run_reject},
    {.noun = "device",
     .verb = "match",
     .args = "FILE|-",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Tells which registration a hardware hash belongs to, and why: facts that agree, their weights, what "
              "contradicts.",
     .fields = "verdict (match, tie, none); registrationId; weight; margin; why; facts: list of kind, value, weight",
     .run = run_match},
};

const struct td_command_table td_device_list_commands = {rows, TD_COUNTOF(rows)};
