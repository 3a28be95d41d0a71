/* csp/actions: nodes by which the service acts on the whole machine: resets and wipes, the managed local administrator,
 * archives of logs (csp.md 10, 11, 17). A node only takes the order; it is carried out behind the session. */
#include "base/encode.h"
#include "base/fault.h"
#include "codec/xml.h"
#include "device/csp/tree.h"

#include <stdio.h>

static const char laps_status[] = "Device/Vendor/MSFT/LAPS/Actions/ResetPasswordStatus";
static const char laps_directory[] = "Device/Vendor/MSFT/LAPS/Policies/BackupDirectory";

/* Inside an Atomic it would have to be undone, and a reset can't be. */
static bool in_atomic(const struct td_csp_call *call)
{
    return call->csp->before.v != NULL && !td_fault("device-order-in-atomic");
}

int td_csp_order(struct td_csp_call *call)
{
    const struct td_csp_config *c = &call->csp->config;
    uint32_t hresult = 0;
    if (call->op != TD_CSP_EXEC)
        return 0;
    if (c->order == NULL)
        return td_csp_refuse(call, 405, TD_CSP_E_NOTALLOWED);
    if (in_atomic(call))
        return td_csp_refuse(call, 500, TD_CSP_E_NOTALLOWED);
    int status = c->order(c->ctx, call->row->arg, td_arena_printf(call->a, "./%s", call->key), &hresult);
    return td_csp_refuse(call, status, hresult);
}

/* The name goes with the account in the domain; both need the restart. The same blob again asks for no other. */
int td_csp_domain_blob(struct td_csp_call *call)
{
    const struct td_csp_config *c = &call->csp->config;
    struct td_slice blob;
    uint32_t hresult = 0;
    const char *machine = "";
    if (c->join == NULL)
        return td_csp_refuse(call, 405, TD_CSP_E_NOTALLOWED);
    if (in_atomic(call))
        return td_csp_refuse(call, 500, TD_CSP_E_NOTALLOWED);
    if (td_b64_decode(call->a, call->data, TD_B64_ANY, &blob) != TD_OK || blob.n == 0)
        return td_csp_refuse(call, 500, TD_CSP_E_BADDATA);
    int status = c->join(c->ctx, blob, call->a, &machine, &hresult);
    td_wipe((char *)(uintptr_t)blob.p, blob.n);
    if (status != 200)
        return td_csp_refuse(call, status, hresult);
    if (strcmp(machine, td_csp_effect(call->csp, "computer_name", call->a)) != 0 ||
        td_csp_value(call->csp, "@domain") == NULL)
        td_csp_name_next(call->csp, machine, "joined the domain");
    td_csp_put(call->csp, "@domain", "chr", "1");
    return 200;
}

/* The machine's own word where it has one, else the table's. */
int td_csp_reset_fact(struct td_csp_call *call)
{
    const char *value = call->op == TD_CSP_GET ? td_csp_fact(call->csp, call->row->arg, call->a) : NULL;
    return value == NULL || *value == '\0' ? 0 : td_csp_tell(call, value);
}

int td_csp_laps_reset(struct td_csp_call *call)
{
    if (call->op != TD_CSP_EXEC)
        return 0;
    if (td_csp_int(call->csp, laps_directory, 0) != 1)
        return td_csp_refuse(call, 500, TD_CSP_E_NOTSUPPORTED);
    td_csp_put(call->csp, "@laps.asked", "chr", "1");
    td_csp_put_int(call->csp, laps_status, (int32_t)TD_CSP_E_PENDING);
    return 200;
}

/* Its ID names the job; SasUrl is where the archive goes: https, or nobody knows who reads it on its way. */
int td_csp_archive_definition(struct td_csp_call *call)
{
    struct td_xml *root;
    if (call->op == TD_CSP_GET || call->op == TD_CSP_DELETE)
        return 0;
    if (td_xml_parse(call->data, TD_CSP_MAX_VALUE, call->a, &root, NULL) != TD_OK ||
        !td_xml_is(root, NULL, "Collection"))
        return td_csp_refuse(call, 500, TD_CSP_E_BADDATA);
    const struct td_xml *id = td_xml_child(root, NULL, "ID"), *url = td_xml_child(root, NULL, "SasUrl");
    char uuid[TD_UUID_TEXT];
    if (!td_uuid_parse(td_xml_text(id), uuid) || !td_istarts(td_xml_text(url), "https://"))
        return td_csp_refuse(call, 500, TD_CSP_E_BADVALUE);
    td_csp_put(call->csp, td_arena_printf(call->a, "@archive/%s", uuid), "chr", td_arena_text(call->a, call->data));
    return 200;
}
