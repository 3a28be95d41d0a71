/* The tenant and its domains as callers of the administration interface see them (graph-api.md 1.8). */
#include "store/views.h"

static const struct td_view_column organization_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "t.id", .fold = "t.id"},
    {.name = "displayName", .type = TD_V_TEXT, .sql = "t.name"},
    {.name = "createdDateTime", .type = TD_V_TIME, .sql = "t.created_at"},
    {.name = "domain", .type = TD_V_TEXT, .sql = "t.domain"},
    {.name = "onPremisesSyncEnabled",
     .type = TD_V_BOOL,
     .sql = "(SELECT MAX(s.sync) FROM ad_domain s WHERE s.tenant = t.id)"},
    {.name = "onPremisesLastSyncDateTime",
     .type = TD_V_TIME,
     .sql = "(SELECT NULLIF(MAX(s.synced_at), 0) FROM ad_domain s WHERE s.tenant = t.id)"},
};
const struct td_view td_view_organization = {.name = "organization",
                                             .from = "tenant t",
                                             .tenant = "t.id",
                                             .key = "t.id",
                                             .columns = organization_columns,
                                             .count = TD_COUNTOF(organization_columns)};

#define FIRST "CASE WHEN d.domain = t.domain THEN 1 ELSE 0 END"
static const struct td_view_column domain_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "d.domain", .fold = "d.domain"},
    {.name = "isDefault", .type = TD_V_BOOL, .sql = FIRST},
    {.name = "isInitial", .type = TD_V_BOOL, .sql = FIRST},
};
const struct td_view td_view_domains = {.name = "domains",
                                        .from = "tenant_domain d JOIN tenant t ON t.id = d.tenant",
                                        .tenant = "d.tenant",
                                        .key = "d.domain",
                                        .sought = (const char *const[]){"id", NULL},
                                        .columns = domain_columns,
                                        .count = TD_COUNTOF(domain_columns)};
