/* Deployment events: every run with its phases, and what was applied in it (graph-api.md 1.3; autopilot.md 6.4). */
#include "graph/managed.h"
#include "graph/types.h"
#include "policy/item.h"
#include "store/views.h"

#include <string.h>

#define PATH "deviceManagement/autopilotEvents"

/* A phase lasts until the next one begins, the run ends, or now. */
static int64_t span(int64_t from, int64_t to, int64_t end)
{
    if (from == 0)
        return 0;
    int64_t until = to != 0 ? to : end;
    return until > from ? until - from : 0;
}

struct phases {
    int64_t preparation, device, account, total;
};

static struct phases phases_of(const struct td_g_call *call, const struct td_view_row *row)
{
    int64_t start = td_view_int(row, "deploymentStartDateTime"), device = td_view_int(row, "deviceTime");
    int64_t account = td_view_int(row, "accountTime"), ended = td_view_int(row, "deploymentEndDateTime");
    int64_t end = ended != 0 ? ended : td_now(call->svc->env);
    return (struct phases){.preparation = span(start, device, end),
                           .device = span(device, td_view_int(row, "deviceDoneTime"), end),
                           .account = span(account, 0, end),
                           .total = span(start, 0, end)};
}

static void write_duration(struct td_g_call *call, int64_t us, struct td_jsonw *w)
{
    const struct {
        int64_t value;
        const char *unit;
    } parts[] = {{us / TD_HOUR, "H"}, {us / TD_MINUTE % 60, "M"}, {us / TD_SECOND % 60, "S"}};
    const char *text = "PT";
    for (size_t i = 0; i < TD_COUNTOF(parts); i++)
        if (parts[i].value != 0 || (i == 2 && strlen(text) == 2))
            text = td_arena_printf(call->arena, "%s%lld%s", text, (long long)parts[i].value, parts[i].unit);
    td_jsonw_str(w, text);
}

/* deploymentDuration is what the device worked, deploymentTotalDuration what the person waited. */
void td_g_event_duration(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop,
                         struct td_jsonw *w)
{
    struct phases p = phases_of(call, row);
    const struct {
        const char *name;
        int64_t us;
    } all[] = {{"deploymentDuration", p.preparation + p.device + p.account},
               {"deploymentTotalDuration", p.total},
               {"devicePreparationDuration", p.preparation},
               {"deviceSetupDuration", p.device},
               {"accountSetupDuration", p.account}};
    int64_t us = 0;
    for (size_t i = 0; i < TD_COUNTOF(all); i++)
        if (strcmp(prop->name, all[i].name) == 0)
            us = all[i].us;
    write_duration(call, us, w);
}

void td_g_event_failure(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop TD_UNUSED,
                        struct td_jsonw *w)
{
    const struct td_json *why = td_g_row_json(call, row, "failure");
    const char *cause = td_json_str(why, "cause"), *code = td_json_str(why, "code");
    const char *where = td_json_str(why, "where"), *remedy = td_json_str(why, "remedy");
    if (cause == NULL) {
        td_jsonw_str(w, code != NULL ? code : "");
        return;
    }
    const char *at = where != NULL && where[0] != '\0' ? td_arena_printf(call->arena, "%s: ", where) : "";
    const char *number = code != NULL && code[0] == '0' ? td_arena_printf(call->arena, " (%s)", code) : "";
    td_jsonw_str(w, td_arena_printf(call->arena, "%s%s%s. %s", at, cause, number, remedy != NULL ? remedy : ""));
}

void td_g_event_tracked(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop TD_UNUSED,
                        struct td_jsonw *w)
{
    td_jsonw_bool(w, td_json_bool(td_g_row_json(call, row, "body"), "track", true));
}

/* HRESULTs are shown as the signed numbers that they are in this interface. */
void td_g_event_code(struct td_g_call *call TD_UNUSED, const struct td_view_row *row,
                     const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    td_jsonw_int(w, (int32_t)(uint32_t)td_view_int(row, "code"));
}

static const struct td_g_set sets[] = {
    {.path = PATH,
     .type = &td_g_type_autopilot_event,
     .view = &td_view_deployment,
     .flags = TD_G_BETA_SHAPE,
     .read = TD_RIGHT_MANAGED,
     .write = TD_RIGHT_MANAGED,
     .page = 50,
     .newest = "deploymentStartDateTime",
     .about =
         "One event a deployment, kept for ever, the newest first. deploymentState ends in success, successOnRetry,"
         " successWithTimeout or failure: a device that is not heard of for more than a day has failed."},
    {.path = PATH "/{id}/policyStatusDetails",
     .type = &td_g_type_policy_status_detail,
     .view = &td_view_policy_detail,
     .flags = TD_G_BETA_SHAPE,
     .parent = "event",
     .read = TD_RIGHT_MANAGED,
     .write = TD_RIGHT_MANAGED,
     .about = "What was applied in this deployment, by name."},
};
const struct td_g_family td_g_family_events = {.about = "Deployment events", .sets = sets, .count = TD_COUNTOF(sets)};
