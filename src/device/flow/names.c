/* The computer's name: what the box came with, then what the profile's template says (autopilot.md 2.2). The restart
 * that a name needs comes before the sign-in (bootstrap-and-portal.md C.4), so that nothing typed is lost by it. A
 * template with random digits is left to the management, which has the last word on the digits. */
#include "device/csp/csp.h"
#include "device/flow.h"

static const char *fact(void *ctx, const char *name, struct td_arena *a TD_UNUSED)
{
    const struct td_flow *f = ctx;
    if (strcmp(name, "serial") == 0)
        return f->hw.facts.serial;
    return strcmp(name, "hw-device-id") == 0 ? f->hw.hw_dev_id : NULL;
}

static enum td_code rename_once(struct td_flow *f, struct td_csp *csp, const char *template, struct td_arena *a,
                                struct td_error *err)
{
    struct td_csp_answer answer;
    td_csp_run(csp, TD_CSP_REPLACE, "./DevDetail/Ext/Microsoft/DNSComputerName", "chr", td_str(template), a, &answer);
    if (answer.status != 200)
        return td_fail(err, TD_EINVAL, "computer name",
                       "the profile's template gives no name of at most 15 characters");
    td_csp_restart(csp);
    td_try(td_csp_save(csp, err));
    td_flow_news(f, "restart: the computer is %s now", td_csp_effect(csp, "computer_name", a));
    return TD_OK;
}

enum td_code td_flow_name(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_csp_cleanup) struct td_csp *csp = NULL;
    const struct td_csp_config config = {.dir = f->dev->dir, .env = f->dev->env, .fact = fact, .ctx = f};
    bool hybrid = td_flow_kind(f) == TD_FLOW_HYBRID; /* named with its account in the domain (2.2) */
    const char *template = hybrid ? "" : td_flow_get(f, "profile.device_name");
    td_try(td_csp_open(&config, &csp, err));
    if (template[0] != '\0' && td_search(td_str(template), TD_S("%RAND")) == SIZE_MAX)
        td_try(rename_once(f, csp, template, &a, err));
    return td_flow_keep(f, "device.name", td_csp_effect(csp, "computer_name", &a), err);
}
