#include "device/csp/comanage.h"

#include "device/csp/tree.h"

#include <stdlib.h>

#define AGENT \
    "Device/Vendor/MSFT/EnrollmentStatusTracking/DevicePreparation/PolicyProviders/ConfigMgr/InstallationState"
#define MANAGEABILITY "Device/Vendor/MSFT/DeviceManageability/Provider/"
#define CLIENT "@configmgr"

enum { NOT_INSTALLED = 1, COMPLETED = 3, MANAGED = 8193 };

static const struct {
    unsigned bits;
    const char *word;
} workloads[] = {
    {2, "compliance"},      {4, "resource access"},        {8, "device configuration"},
    {16, "Windows Update"}, {4128, "endpoint protection"}, {64, "client apps"},
    {128, "Office"},
};

void td_csp_client_installed(struct td_csp *csp, const char *command_line, struct td_arena *a)
{
    static const char name[] = "CCMSETUPCMD=\"";
    size_t at = td_search(td_str(command_line), td_str(name));
    if (at == SIZE_MAX)
        return;
    struct td_slice parameters, rest = td_sub(td_str(command_line), at + strlen(name), strlen(command_line));
    (void)td_cut(rest, '"', &parameters);
    td_csp_put(csp, CLIENT, "chr", td_arena_text(a, parameters));
    td_csp_client_runs(csp);
}

void td_csp_client_runs(struct td_csp *csp)
{
    if (td_csp_value(csp, CLIENT) != NULL && td_csp_int(csp, AGENT, 0) == NOT_INSTALLED)
        td_csp_put_int(csp, AGENT, COMPLETED);
}

/* Of the first source that says a number. */
static unsigned long flags(struct td_csp *csp)
{
    size_t at = 0;
    for (const char *key; (key = td_csp_each(csp, MANAGEABILITY, &at)) != NULL;)
        if (td_ends(td_str(key), "/ConfigInfo"))
            return strtoul(td_csp_value(csp, key), NULL, 10);
    return 0;
}

const char *td_csp_co_management(struct td_csp *csp, struct td_arena *a)
{
    const char *client = td_csp_value(csp, CLIENT), *list = "";
    unsigned long told = flags(csp);
    if (client == NULL && (told & MANAGED) != MANAGED)
        return NULL;
    for (size_t i = 0; i < TD_COUNTOF(workloads); i++)
        if ((told & workloads[i].bits) == workloads[i].bits)
            list = td_arena_printf(a, "%s%s%s", list, list[0] != '\0' ? ", " : "", workloads[i].word);
    return td_arena_printf(a, "%s%s; the service has %s",
                           client == NULL ? "no client of Configuration Manager" : "client of Configuration Manager ",
                           client == NULL      ? ""
                           : client[0] == '\0' ? "without parameters"
                                               : client,
                           list[0] != '\0' ? list : "no workload");
}
