/* The views, one line each; tables stand in store/view_<topic>.c. Words of enumerations are shared with the model of
 * the administration interface (graph/model_*.c), so that both know the same ones. */
#ifndef TD_STORE_VIEWS_H
#define TD_STORE_VIEWS_H

#include "store/view.h"

extern const struct td_view td_view_registrations; /* windowsAutopilotDeviceIdentities */

/* graph-api.md 1.2; the position is the number. */
extern const char *const td_words_enrollment_state[];
extern const char *const td_words_assignment_status[];
extern const char *const td_words_assignment_detail[];
extern const char *const td_words_remediation[];
extern const char *const td_words_userless[];

/* view_managed.c: graph-api.md 1.3, 1.5 to 1.7 */
extern const struct td_view td_view_managed, td_view_managed_user, td_view_configuration_state;
extern const struct td_view td_view_deployment, td_view_policy_detail; /* autopilotEvents */
extern const struct td_view td_view_app, td_view_configuration, td_view_configuration_assignment;

#endif
