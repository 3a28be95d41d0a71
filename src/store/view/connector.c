/* Connectors to Active Directory as callers of the administration interface see them: rows are made in memory, for
 * their state is a matter of the moment. */
#include "store/views.h"

const char *const td_words_connector_state[] = {"active", "error", "inactive", NULL};

static const struct td_view_column connector_columns[] = {
    {.name = "id", .type = TD_V_TEXT},
    {.name = "displayName", .type = TD_V_TEXT},
    {.name = "lastConnectionDateTime", .type = TD_V_TIME},
    {.name = "state", .type = TD_V_ENUM, .words = td_words_connector_state},
    {.name = "version", .type = TD_V_TEXT},
    {.name = "isEnabled", .type = TD_V_BOOL},
    {.name = "queuedWorkCount", .type = TD_V_INT},
    {.name = "~domains", .type = TD_V_JSON},
    {.name = "boundDomains", .type = TD_V_JSON},
};
const struct td_view td_view_connectors = {
    .name = "domainJoinConnectors", .columns = connector_columns, .count = TD_COUNTOF(connector_columns)};
