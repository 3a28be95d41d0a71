/* The connector's configuration: an INI file (docs/tasks/connector.md), and what the command line says over it. Texts
 * live in the arena that it was read with. */
#ifndef TD_APP_CONNECTOR_CONFIG_H
#define TD_APP_CONNECTOR_CONFIG_H

#include "connector/connector.h"

struct td_connector_file {
    struct td_connector_config config; /* ca_pem stays empty */
    const char *ca;                    /* file with what it trusts of the service, NULL */
};

/* Unknown sections and keys and bad values are refused with section, key and reason. Nothing is required here but what
 * a domain needs: td_connector_config_check looks at the whole. */
enum td_code td_connector_file_read(const char *path, struct td_arena *a, struct td_connector_file *ret,
                                    struct td_error *err) TD_MUST_USE;

#endif
