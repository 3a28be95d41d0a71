/* Every type and enum of the model by name, one list a family: each owner keeps his, graph/model.c and $metadata walk
 * all. T(group) stands for `const struct td_g_type td_g_type_group`, E(...) for `const struct td_g_enum td_g_enum_...`,
 * defined without static in graph/model_<family>.c. */
#ifndef TD_GRAPH_TYPES_H
#define TD_GRAPH_TYPES_H

#include "graph/model.h"

/* What several families share (model_shared.c). Every entity type stands on entity ("id") or on directoryObject. */
#define TD_G_TYPES_SHARED(T) \
    T(entity)                \
    T(directory_object)      \
    T(target)                \
    T(group_target)          \
    T(exclusion_target)      \
    T(all_devices_target)    \
    T(all_users_target)      \
    T(collection_target)     \
    T(key_value)
#define TD_G_ENUMS_SHARED(E) \
    E(filter_type)           \
    E(assignment_source)     \
    E(enrollment_state)

/* Lists that are empty here, and scope tags (empty.c); service principals (principals.c). */
#define TD_G_TYPES_EMPTY(T) \
    T(scope_tag)            \
    T(assignment_filter)    \
    T(device_category)      \
    T(management_script)    \
    T(health_script)        \
    T(configuration_policy) \
    T(subscribed_sku)       \
    T(photo)
#define TD_G_TYPES_PRINCIPALS(T) \
    T(service_principal)         \
    T(endpoint)

#define TD_G_TYPES_AUTOPILOT(T) \
    T(registration)             \
    T(import_state)             \
    T(imported_registration)    \
    T(deleted_registration)     \
    T(autopilot_settings)       \
    T(device_identifier)        \
    T(device_identifier_result) \
    T(associated_device)        \
    T(device_request)           \
    T(tpm_maker)                \
    T(connector) T(connector_domain) T(provisioning_code)
#define TD_G_ENUMS_AUTOPILOT(E) \
    E(assignment_status)        \
    E(assignment_detail)        \
    E(remediation_state)        \
    E(userless_status)          \
    E(import_status)            \
    E(autopilot_sync_status)    \
    E(deletion_state)           \
    E(identity_type)            \
    E(platform)                 \
    E(connector_state)          \
    E(request_state)

#define TD_G_TYPES_PROFILES(T)  \
    T(old_oobe)                 \
    T(oobe)                     \
    T(status_screen)            \
    T(deployment_profile)       \
    T(azure_ad_profile)         \
    T(active_directory_profile) \
    T(profile_assignment)       \
    T(payload_links)
#define TD_G_ENUMS_PROFILES(E) \
    E(autopilot_device_type)   \
    E(user_type)               \
    E(usage_type)

#define TD_G_TYPES_ENROLMENT(T) \
    T(enrolment_configuration)  \
    T(completion_page)          \
    T(enrolment_limit)          \
    T(platform_restriction)     \
    T(platform_restrictions)    \
    T(single_restriction)       \
    T(hello_configuration)      \
    T(enrolment_assignment)
#define TD_G_ENUMS_ENROLMENT(E)      \
    E(enrollment_configuration_type) \
    E(restriction_platform)          \
    E(enablement)                    \
    E(pin_usage)

#define TD_G_TYPES_DIRECTORY(T) \
    T(assigned_license)         \
    T(extension_attributes)     \
    T(rule_status)              \
    T(rule_evaluation)          \
    T(explained_profile)        \
    T(explained_candidate)      \
    T(explained_membership)     \
    T(explanation)              \
    T(hardware_field)           \
    T(hardware_past)            \
    T(hardware_comparison)      \
    T(group)                    \
    T(alternative_security_id)  \
    T(device)                   \
    T(password_profile)         \
    T(object_identity)          \
    T(user)
#define TD_G_ENUMS_DIRECTORY(E)

#define TD_G_TYPES_AUDIT(T) \
    T(audit_event)          \
    T(audit_actor)          \
    T(audit_resource)       \
    T(audit_property)       \
    T(directory_audit)      \
    T(audit_initiator)      \
    T(user_identity)        \
    T(app_identity)         \
    T(target_resource)      \
    T(modified_property)
#define TD_G_ENUMS_AUDIT(E) E(operation_result)

#define TD_G_TYPES_ORGANIZATION(T) \
    T(organization)                \
    T(verified_domain)             \
    T(assigned_plan)               \
    T(domain)                      \
    T(device_management)
#define TD_G_ENUMS_ORGANIZATION(E) E(mdm_authority)

#define TD_G_TYPES_ROLES(T) \
    T(role_definition)      \
    T(role_permission)      \
    T(resource_action)      \
    T(role_assignment)      \
    T(da_role_assignment)
#define TD_G_ENUMS_ROLES(E) E(role_scope_type)

#define TD_G_TYPES_MANAGED(T)     \
    T(managed_device)             \
    T(device_action_result)       \
    T(scan_action_result)         \
    T(hardware_information)       \
    T(health_attestation)         \
    T(logged_on_user)             \
    T(device_configuration_state) \
    T(device_compliance_state)    \
    T(autopilot_event)            \
    T(policy_status_detail)
#define TD_G_ENUMS_MANAGED(E)    \
    E(compliance_state)          \
    E(device_enrollment_type)    \
    E(management_agent)          \
    E(management_state)          \
    E(device_registration_state) \
    E(managed_owner)             \
    E(owner)                     \
    E(action_state)              \
    E(join_type)                 \
    E(architecture)              \
    E(chassis)                   \
    E(device_type)               \
    E(exchange_access)           \
    E(exchange_reason)           \
    E(threat_state)              \
    E(management_features)       \
    E(lost_mode)                 \
    E(compliance_status)         \
    E(policy_platform)           \
    E(deployment_state)          \
    E(autopilot_enrollment_type) \
    E(policy_type)               \
    E(policy_compliance)

#define TD_G_TYPES_ACTION(T) \
    T(bulk_result)           \
    T(identity)              \
    T(identity_set)          \
    T(approval_request)      \
    T(life_chapter)          \
    T(log_request)           \
    T(log_collection)        \
    T(local_credential)      \
    T(local_credential_info)
#define TD_G_ENUMS_ACTION(E) \
    E(remote_action)         \
    E(approval_status)       \
    E(approval_policy)       \
    E(log_state)             \
    E(log_template)

#define TD_G_TYPES_APPS(T)       \
    T(mobile_app)                \
    T(mobile_lob_app)            \
    T(msi_app)                   \
    T(win32_app)                 \
    T(managed_app)               \
    T(mobile_app_assignment)     \
    T(mobile_app_category)       \
    T(device_configuration)      \
    T(custom_configuration)      \
    T(edition_configuration)     \
    T(domain_join_configuration) \
    T(configuration_assignment)  \
    T(oma_setting)               \
    T(oma_string)                \
    T(oma_integer)               \
    T(oma_boolean)               \
    T(oma_base64)                \
    T(oma_xml)
#define TD_G_ENUMS_APPS(E) \
    E(app_availability)    \
    E(publishing_state)    \
    E(install_intent)      \
    E(edition_license)     \
    E(windows_edition)     \
    E(configuration_intent)

#define TD_G_ALL_TYPES(T)      \
    TD_G_TYPES_SHARED(T)       \
    TD_G_TYPES_EMPTY(T)        \
    TD_G_TYPES_PRINCIPALS(T)   \
    TD_G_TYPES_AUTOPILOT(T)    \
    TD_G_TYPES_PROFILES(T)     \
    TD_G_TYPES_ENROLMENT(T)    \
    TD_G_TYPES_DIRECTORY(T)    \
    TD_G_TYPES_AUDIT(T)        \
    TD_G_TYPES_ORGANIZATION(T) \
    TD_G_TYPES_ROLES(T)        \
    TD_G_TYPES_MANAGED(T)      \
    TD_G_TYPES_ACTION(T)       \
    TD_G_TYPES_APPS(T)

#define TD_G_ALL_ENUMS(E)      \
    TD_G_ENUMS_SHARED(E)       \
    TD_G_ENUMS_AUTOPILOT(E)    \
    TD_G_ENUMS_PROFILES(E)     \
    TD_G_ENUMS_ENROLMENT(E)    \
    TD_G_ENUMS_DIRECTORY(E)    \
    TD_G_ENUMS_AUDIT(E)        \
    TD_G_ENUMS_ORGANIZATION(E) \
    TD_G_ENUMS_ROLES(E)        \
    TD_G_ENUMS_MANAGED(E)      \
    TD_G_ENUMS_ACTION(E)       \
    TD_G_ENUMS_APPS(E)

#define TD_G_DECLARE_TYPE(name) extern const struct td_g_type td_g_type_##name;
#define TD_G_DECLARE_ENUM(name) extern const struct td_g_enum td_g_enum_##name;
TD_G_ALL_TYPES(TD_G_DECLARE_TYPE)
TD_G_ALL_ENUMS(TD_G_DECLARE_ENUM)

/* The rest of a type's table, behind .name and .base: .TD_G_PROPS(props) */
#define TD_G_PROPS(list) props = (list), .prop_count = TD_COUNTOF(list)
#define TD_G_NAVS(list) navs = (list), .nav_count = TD_COUNTOF(list)

#endif
