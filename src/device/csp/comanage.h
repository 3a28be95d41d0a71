/* Configuration Manager's client on the virtual device: no more of it than a status page and an administrator see. It
 * comes by a package whose command line has CCMSETUPCMD, says itself that it is there (csp.md 4: the agent sets its own
 * state), and reads which workloads are the service's from ConfigInfo, whose numbers are those of CoManagementFlags. */
#ifndef TD_DEVICE_CSP_COMANAGE_H
#define TD_DEVICE_CSP_COMANAGE_H

#include "device/csp/csp.h"

/* A package was installed with this command line. */
void td_csp_client_installed(struct td_csp *csp, const char *command_line, struct td_arena *a);
/* What the client does when it runs: tells the status page that it is there. */
void td_csp_client_runs(struct td_csp *csp);
/* "" no client and no workloads told; for effects.c. */
const char *td_csp_co_management(struct td_csp *csp, struct td_arena *a);

#endif
