/* The views, one line each; tables stand in store/view/<topic>.c. Words of enumerations are shared with the model of
 * the administration interface (graph/model_*.c), so that both know the same ones. */
#ifndef TD_STORE_VIEWS_H
#define TD_STORE_VIEWS_H

#include "store/view.h"

extern const struct td_view td_view_registrations; /* windowsAutopilotDeviceIdentities */

/* graph-api.md 1.2; the position is the number. */
extern const char *const td_words_enrollment_state[];
extern const char *const td_words_remediation[];
extern const char *const td_words_userless[];

/* view/managed.c: graph-api.md 1.3, 1.5 to 1.7 */
extern const struct td_view td_view_managed, td_view_managed_user, td_view_configuration_state;
extern const struct td_view td_view_deployment, td_view_policy_detail; /* autopilotEvents */
extern const struct td_view td_view_app, td_view_configuration, td_view_configuration_assignment;

/* view/action.c: what comes of actions, graph-api.md 1.5 */
extern const struct td_view td_view_approval, td_view_log_collection, td_view_local_credential;

/* view/autopilot.c: graph-api.md 1.2, docs/protocol/ztd.md 3.3 */
extern const struct td_view td_view_imports, td_view_identifiers, td_view_requests;
extern const struct td_view td_view_autopilot_settings, td_view_associated; /* columns only */
extern const struct td_view td_view_audit_events;                           /* deviceManagement/auditEvents */
extern const struct td_view td_view_directory_audits;                       /* auditLogs/directoryAudits */
extern const struct td_view td_view_organization, td_view_domains;
extern const struct td_view td_view_tpm_makers; /* view/attestation.c */
extern const struct td_view td_view_connectors; /* view/connector.c; columns only */
extern const char *const td_words_connector_state[];
extern const char *const td_words_import_status[];
extern const char *const td_words_identity_type[];
extern const char *const td_words_request_state[];
extern const char *const td_words_platform[];
extern const char *const td_words_sync_status[];

/* view/profile.c: graph-api.md 1.3, 1.4; rows are made in memory */
extern const struct td_view td_view_profile, td_view_profile_assignment, td_view_enrolment_configuration;

/* view/directory.c: graph-api.md 1.8 */
extern const struct td_view td_view_group, td_view_device, td_view_user;
extern const struct td_view td_view_member, td_view_member_of, td_view_directory_object, td_view_device_owner;

#endif
