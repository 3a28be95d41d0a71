/* Service principals: the management service alone, and where devices find it (contract section 4). */
#include "graph/graph.h"
#include "graph/types.h"
#include "store/foreign_management.h"

#include <string.h>

/* The management service as clients of the ecosystem know it. */
#define MANAGEMENT_APP "0000000a-0000-0000-c000-000000000000"
/* Its object: the same in every tenant, as each tenant's directory would make up its own. */
#define MANAGEMENT_OBJECT "0000000a-0000-4000-8000-00000000000a"

static const struct {
    const char *id, *name, *path;
} endpoints[] = {
    {"0000000a-0000-4000-8000-000000000e01", "WindowsEnrollment", "/EnrollmentServer/Enrollment.svc"},
};

static const struct td_g_prop principal_props[] = {
    {.name = "accountEnabled", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE, .otherwise = "true"},
    {.name = "appDisplayName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "appId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "displayName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "servicePrincipalType", .kind = TD_G_STRING, .flags = TD_G_NULLABLE, .otherwise = "\"Application\""},
};
static const struct td_g_nav principal_navs[] = {
    {.name = "endpoints", .type = &td_g_type_endpoint, .flags = TD_G_MANY},
};
const struct td_g_type td_g_type_service_principal = {.name = "servicePrincipal",
                                                      .base = &td_g_type_directory_object,
                                                      .TD_G_PROPS(principal_props),
                                                      .TD_G_NAVS(principal_navs)};

static const struct td_g_prop endpoint_props[] = {
    {.name = "capability", .kind = TD_G_STRING},
    {.name = "providerId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "providerName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "providerResourceId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "uri", .kind = TD_G_STRING},
};
const struct td_g_type td_g_type_endpoint = {
    .name = "endpoint", .base = &td_g_type_directory_object, .TD_G_PROPS(endpoint_props)};

static const struct td_view_column principal_columns[] = {
    {.name = "id", .type = TD_V_TEXT},
    {.name = "appId", .type = TD_V_TEXT},
    {.name = "displayName", .type = TD_V_TEXT},
    {.name = "appDisplayName", .type = TD_V_TEXT},
};
static const struct td_view principal_view = {
    .name = "service-principal", .columns = principal_columns, .count = TD_COUNTOF(principal_columns)};

static const struct td_view_column endpoint_columns[] = {
    {.name = "id", .type = TD_V_TEXT},         {.name = "capability", .type = TD_V_TEXT},
    {.name = "providerId", .type = TD_V_TEXT}, {.name = "providerName", .type = TD_V_TEXT},
    {.name = "uri", .type = TD_V_TEXT},
};
static const struct td_view endpoint_view = {
    .name = "endpoint", .columns = endpoint_columns, .count = TD_COUNTOF(endpoint_columns)};

/* Ours, and those of others that the tenant has been told of (autopilot.md, row X07): their id stands for both. */
static enum td_code principals(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret, size_t *ret_count,
                               struct td_error *err)
{
    enum { COLUMNS = TD_COUNTOF(principal_columns) };
    struct td_foreign_management *list;
    size_t n = 0;
    td_try(td_foreign_management_list(tx, call->tenant, call->arena, &list, &n, err));
    const char **texts = td_arena_array(call->arena, const char *, (n + 1) * COLUMNS);
    texts[0] = MANAGEMENT_OBJECT;
    texts[1] = MANAGEMENT_APP;
    texts[2] = texts[3] = "Device management";
    for (size_t i = 0; i < n; i++) {
        const char **t = &texts[(i + 1) * COLUMNS];
        t[0] = t[1] = list[i].app_id;
        t[2] = t[3] = list[i].name;
    }
    *ret = td_g_rows_of_texts(call, &principal_view, texts, n + 1);
    *ret_count = n + 1;
    return TD_OK;
}

static enum td_code foreign_endpoints(struct td_g_call *call, const struct td_foreign_management *m,
                                      struct td_view_row **ret, size_t *ret_count)
{
    const struct {
        const char *name, *url;
    } list[] = {
        {"WindowsEnrollment", m->enrolment_url}, {"TermsOfUse", m->terms_url}, {"ComplianceUrl", m->compliance_url}};
    const char *texts[TD_COUNTOF(list) * TD_COUNTOF(endpoint_columns)];
    size_t n = 0, rows = 0;
    for (size_t i = 0; i < TD_COUNTOF(list); i++) {
        if (list[i].url[0] == '\0')
            continue;
        texts[n++] = td_arena_printf(call->arena, "%s-%zu", m->app_id, i);
        texts[n++] = list[i].name;
        texts[n++] = m->app_id;
        texts[n++] = list[i].name;
        texts[n++] = list[i].url;
        rows++;
    }
    *ret = td_g_rows_of_texts(call, &endpoint_view, texts, rows);
    *ret_count = rows;
    return TD_OK;
}

static enum td_code endpoints_of(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret, size_t *ret_count,
                                 struct td_error *err)
{
    enum { COLUMNS = TD_COUNTOF(endpoint_columns) };
    const char *texts[TD_COUNTOF(endpoints) * COLUMNS];
    struct td_foreign_management m;
    if (strcmp(call->keys[0], MANAGEMENT_OBJECT) != 0) {
        td_try(td_foreign_management_find(tx, call->tenant, call->keys[0], call->arena, &m, err));
        return foreign_endpoints(call, &m, ret, ret_count);
    }
    for (size_t i = 0; i < TD_COUNTOF(endpoints); i++) {
        const char **t = &texts[i * COLUMNS];
        t[0] = endpoints[i].id;
        t[1] = t[3] = endpoints[i].name;
        t[2] = MANAGEMENT_APP;
        t[4] = td_arena_printf(call->arena, "%s%s", td_http_device_base(call->req), endpoints[i].path);
    }
    *ret = td_g_rows_of_texts(call, &endpoint_view, texts, TD_COUNTOF(endpoints));
    *ret_count = TD_COUNTOF(endpoints);
    return TD_OK;
}

static const struct td_g_set sets[] = {
    {.path = "servicePrincipals",
     .type = &td_g_type_service_principal,
     .view = &principal_view,
     .rows = principals,
     .flags = TD_G_DIRECTORY | TD_G_NOT_WRITTEN,
     .read = TD_RIGHT_SIGNED_IN,
     .write = TD_RIGHT_SIGNED_IN,
     .alternate = "appId",
     .about = "Management services, ours and those that the tenant knows, for device clients that look for their"
              " addresses."},
    {.path = "servicePrincipals/{id}/endpoints",
     .type = &td_g_type_endpoint,
     .view = &endpoint_view,
     .rows = endpoints_of,
     .flags = TD_G_DIRECTORY | TD_G_NOT_WRITTEN,
     .read = TD_RIGHT_SIGNED_IN,
     .write = TD_RIGHT_SIGNED_IN,
     .about = "Where devices enrol."},
};
const struct td_g_family td_g_family_principals = {"Service principals", sets, TD_COUNTOF(sets)};
