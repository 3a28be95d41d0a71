#include "app/action_show.h"

#include "api/access.h"
#include "store/application.h"
#include "store/user.h"

#include <inttypes.h>
#include <stdio.h>

enum { REFUSALS = 1000 };

static const char *code_of(struct td_arena *a, uint32_t hresult)
{
    return hresult != 0 ? td_arena_printf(a, "0x%08x", (unsigned)hresult) : "";
}

const char *td_actor_text(struct td_cli *cli, struct td_tx *tx, const char *actor, struct td_arena *a)
{
    struct td_application app = {.name = ""};
    char id[TD_UUID_TEXT];
    if (!td_uuid_parse(td_str(actor), id) ||
        td_application_find(tx, cli->tenant.id, td_str(id), a, &app, NULL) != TD_OK || app.name[0] == '\0')
        return actor;
    return td_arena_printf(a, "%s (%s)", app.name, id);
}

static void action_json(struct td_cli *cli, const struct td_action *x, const char *name, struct td_jsonw *w)
{
    const struct {
        const char *key, *value;
    } texts[] = {
        {"id", x->id},
        {"action", td_action_rows[x->kind].word},
        {"state", td_action_state_word(x->state)},
        {"serialNumber", name},
        {"managedDeviceId", x->enrolment_id},
        {"batchId", x->batch_id},
        {"name", x->parameter},
        {"reason", x->reason},
        {"by", x->actor},
        {"decidedBy", x->decided_by},
        {"report", x->reported >= 0 ? td_action_report_word(x->reported) : ""},
        {"code", code_of(&cli->arena, x->hresult)},
        {"cause", x->cause},
        {"remedy", x->remedy},
    };
    const struct {
        const char *key;
        int64_t at;
    } times[] = {{"askedAt", x->asked_at},
                 {"decidedAt", x->decided_at},
                 {"sentAt", x->sent_at},
                 {"acceptedAt", x->accepted_at},
                 {"endedAt", x->ended_at}};
    td_jsonw_obj(w);
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        td_jsonw_kstr(w, texts[i].key, texts[i].value);
    for (size_t i = 0; i < TD_COUNTOF(times); i++)
        td_jsonw_ktime(w, times[i].key, times[i].at);
    td_jsonw_end(w);
}

/* The second administrator. */
static void decision_text(struct td_cli *cli, struct td_tx *tx, const char *who)
{
    if (who[0] != '\0')
        td_cli_say(cli, "    decided by %s", td_actor_text(cli, tx, who, &cli->arena));
}

enum td_code td_action_show(struct td_cli *cli, struct td_tx *tx, const struct td_action *x, struct td_jsonw *w,
                            struct td_error *err)
{
    char at[TD_TIME_TEXT];
    const char *name = "";
    td_try(td_action_device_name(tx, cli->tenant.id, x->enrolment_id, &cli->arena, &name, err));
    if (w != NULL) {
        action_json(cli, x, name, w);
        return TD_OK;
    }
    td_cli_say(cli, "%s  %s  %-22s %-20s %s%s%s  by %s", x->id, td_time_text(x->asked_at, at),
               td_action_rows[x->kind].word, td_action_state_word(x->state), name,
               x->parameter[0] != '\0' ? " -> " : "", x->parameter, td_actor_text(cli, tx, x->actor, &cli->arena));
    if (x->reason[0] != '\0')
        td_cli_say(cli, "    why: %s", x->reason);
    decision_text(cli, tx, x->decided_by);
    if (x->cause[0] != '\0')
        td_cli_say(cli, "    %s%s%s%s%s", code_of(&cli->arena, x->hresult), x->hresult != 0 ? ": " : "", x->cause,
                   x->remedy[0] != '\0' ? "; " : "", x->remedy);
    return TD_OK;
}

/* ---- bulk ---- */

static const struct {
    const char *key, *word;
} counted[TD_ACT_STATE_COUNT] = {
    [TD_ACT_WAITING] = {"waiting", "waiting"},
    [TD_ACT_PENDING] = {"pending", "pending"},
    [TD_ACT_ACTIVE] = {"active", "active"},
    [TD_ACT_DONE] = {"done", "done"},
    [TD_ACT_FAILED] = {"failed", "failed"},
    [TD_ACT_CANCELLED] = {"cancelled", "cancelled"},
    [TD_ACT_NOT_SUPPORTED] = {"notSupported", "not supported"},
};

static void batch_numbers(const struct td_action_batch *b, struct td_jsonw *w)
{
    td_jsonw_kint(w, "total", b->total);
    td_jsonw_kint(w, "toAsk", b->to_ask);
    for (int i = 0; i < TD_ACT_STATE_COUNT; i++)
        td_jsonw_kint(w, counted[i].key, b->count[i]);
    td_jsonw_kint(w, "refused", b->refused);
    td_jsonw_kint(w, "leftOut", b->left_out);
}

static void batch_json(const struct td_action_batch *b, const struct td_batch_refusal *list, size_t count,
                       struct td_jsonw *w)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", b->id);
    td_jsonw_kstr(w, "action", td_action_rows[b->kind].word);
    td_jsonw_kstr(w, "state", td_batch_state_word(b->state));
    batch_numbers(b, w);
    td_jsonw_kstr(w, "reason", b->reason);
    td_jsonw_kstr(w, "by", b->actor);
    td_jsonw_kstr(w, "decidedBy", b->decided_by);
    td_jsonw_ktime(w, "askedAt", b->asked_at);
    td_jsonw_ktime(w, "decidedAt", b->decided_at);
    td_jsonw_ktime(w, "endedAt", b->ended_at);
    td_jsonw_key(w, "refusals");
    td_jsonw_arr(w);
    for (size_t i = 0; i < count; i++) {
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "serialNumber", list[i].name);
        td_jsonw_kstr(w, "managedDeviceId", list[i].enrolment_id);
        td_jsonw_kstr(w, "cause", list[i].cause);
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
    td_jsonw_end(w);
}

static void batch_text(struct td_cli *cli, struct td_tx *tx, const struct td_action_batch *b,
                       const struct td_batch_refusal *list, size_t count)
{
    char at[TD_TIME_TEXT];
    const char *numbers = td_arena_printf(&cli->arena, "%" PRId64 " devices", b->total);
    for (int i = 0; i < TD_ACT_STATE_COUNT; i++)
        if (b->count[i] != 0)
            numbers = td_arena_printf(&cli->arena, "%s, %" PRId64 " %s", numbers, b->count[i], counted[i].word);
    if (b->to_ask != 0)
        numbers = td_arena_printf(&cli->arena, "%s, %" PRId64 " to be asked", numbers, b->to_ask);
    if (b->refused != 0)
        numbers = td_arena_printf(&cli->arena, "%s, %" PRId64 " refused", numbers, b->refused);
    td_cli_say(cli, "%s  %s  %-22s %-20s %s  by %s", b->id, td_time_text(b->asked_at, at), td_action_rows[b->kind].word,
               td_batch_state_word(b->state), numbers, td_actor_text(cli, tx, b->actor, &cli->arena));
    decision_text(cli, tx, b->decided_by);
    for (size_t i = 0; i < count; i++)
        td_cli_say(cli, "    refused: %s: %s", list[i].name, list[i].cause);
}

enum td_code td_batch_show(struct td_cli *cli, struct td_tx *tx, const struct td_action_batch *b, struct td_jsonw *w,
                           struct td_error *err)
{
    struct td_batch_refusal *list = NULL;
    size_t count = 0;
    td_try(td_action_batch_refusals(tx, cli->tenant.id, b->id, REFUSALS, &cli->arena, &list, &count, err));
    if (w != NULL)
        batch_json(b, list, count, w);
    else
        batch_text(cli, tx, b, list, count);
    return TD_OK;
}

/* ---- in whose name ---- */

static bool holds(const char *const *roles, enum td_right right)
{
    for (; *roles != NULL; roles++)
        for (int r = 0; r < TD_ROLE_COUNT; r++)
            if (strcmp(*roles, td_role_word((enum td_role)r)) == 0 &&
                td_role_may((enum td_role)r, right, TD_ACCESS_WRITE))
                return true;
    return false;
}

enum td_code td_action_actor(struct td_cli *cli, struct td_tx *tx, bool destroys, const char **ret,
                             struct td_error *err)
{
    const char *as = td_cli_option(cli, "as");
    const char *const *roles = NULL;
    struct td_user user = {.id = ""};
    *ret = "command line";
    if (as == NULL)
        return TD_OK;
    td_try(td_user_find(tx, cli->tenant.id, td_str(as), &cli->arena, &user, err));
    if (!user.enabled)
        return td_fail(err, TD_EDENIED, "as", "%.100s is disabled", user.upn);
    td_try(td_user_roles(tx, cli->tenant.id, user.id, &cli->arena, &roles, err));
    if (!holds(roles, destroys ? TD_RIGHT_WIPE : TD_RIGHT_ACTION))
        return td_remedy(err, td_fail(err, TD_EDENIED, "as", "%.100s has no role that allows this", user.upn),
                         "docs/tasks/roles.md tells which do; touchdown user role-add gives one.");
    *ret = user.upn;
    return TD_OK;
}
