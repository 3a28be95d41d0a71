/* csp/dmclient: rules of the management client's own nodes: csp.md 3, autopilot.md 4.3. */
#include "device/csp/tree.h"

#include <stdio.h>
#include <stdlib.h>

static bool writes(const struct td_csp_call *call)
{
    return call->op == TD_CSP_ADD || call->op == TD_CSP_REPLACE;
}

/* A leaf beside the one that was called. */
static const char *beside(struct td_csp_call *call, const char *leaf)
{
    int folder = (int)(strrchr(call->key, '/') - call->key);
    return td_arena_printf(call->a, "%.*s/%s", folder, call->key, leaf);
}

int td_csp_sync_version(struct td_csp_call *call)
{
    if (!writes(call))
        return 0;
    const char *now = td_csp_value(call->csp, call->key), *text = td_arena_text(call->a, td_trim(call->data));
    char *end;
    double wanted = strtod(text, &end), current = now == NULL ? 1.0 : strtod(now, NULL);
    if (end == text || *end != '\0' || wanted < 1.0 || wanted > 5.0)
        return td_csp_refuse(call, 500, TD_CSP_E_BADVALUE);
    if (current >= 2.0 && wanted < 2.0)
        return td_csp_refuse(call, 405, TD_CSP_E_NOTALLOWED);
    call->data = td_str(text);
    return 0;
}

/* Lists freeze once the server has said that they are complete. */
int td_csp_list_frozen(struct td_csp_call *call)
{
    if (call->op != TD_CSP_GET && td_csp_true(call->csp, beside(call, "ServerHasFinishedProvisioning")))
        return td_csp_refuse(call, 405, TD_CSP_E_NOTALLOWED);
    return 0;
}

int td_csp_finished(struct td_csp_call *call)
{
    bool back = td_csp_true(call->csp, call->key) && !td_ieqs(td_trim(call->data), "true");
    return writes(call) && back ? td_csp_refuse(call, 405, TD_CSP_E_NOTALLOWED) : 0;
}

int td_csp_sync_done(struct td_csp_call *call)
{
    return writes(call) && td_csp_true(call->csp, call->key) ? td_csp_refuse(call, 405, TD_CSP_E_NOTALLOWED) : 0;
}

int td_csp_success(struct td_csp_call *call)
{
    const char *now = td_csp_value(call->csp, call->key);
    bool final = now != NULL && strcmp(now, "2") != 0;
    if (writes(call) && final && !td_eqs(td_trim(call->data), now))
        return td_csp_refuse(call, 405, TD_CSP_E_NOTALLOWED);
    return 0;
}

int td_csp_provisioned(struct td_csp_call *call)
{
    if (call->op != TD_CSP_GET)
        return 0;
    return td_csp_tell(call, td_csp_value(call->csp, "@page.shown") != NULL ? "false" : "true");
}

int td_csp_unenroll(struct td_csp_call *call)
{
    if (call->op != TD_CSP_EXEC)
        return 0;
    const char *provider = td_csp_value(call->csp, "@provider");
    if (provider == NULL || !td_eqs(td_trim(call->data), provider))
        return td_csp_refuse(call, 500, TD_CSP_E_BADVALUE);
    td_csp_put(call->csp, "@unenrolled", "chr", provider);
    return 200;
}

bool td_csp_unenrolled(const struct td_csp *csp)
{
    return td_csp_value(csp, "@unenrolled") != NULL;
}

/* oma-dm.md 10: account, certificates, policies, wireless profiles and apps of the management go; the machine's own
 * name and edition stay. */
void td_csp_forget(struct td_csp *csp)
{
    static const char *const gone[] = {"Device", "User",     "@provider",   "@unenrolled", "@auth",
                                       "@job",   "@alert",   "@page.shown", "@page",       "@user-sessions",
                                       "@poll",  "@account", "@tries"};
    for (size_t i = 0; i < TD_COUNTOF(gone); i++)
        td_csp_drop(csp, gone[i]);
}
