/* The organization, its domains, and the root of device management (graph-api.md 1.1, 1.8). */
#include "graph/graph.h"
#include "graph/types.h"
#include "store/views.h"

enum { MAX_DOMAINS = 200, MAX_DOMAIN_JSON = 1 << 17 };

/* The stored columns and the domains as JSON. */
static const struct td_view_column columns[] = {
    {.name = "id", .type = TD_V_TEXT},
    {.name = "displayName", .type = TD_V_TEXT},
    {.name = "createdDateTime", .type = TD_V_TIME},
    {.name = "verifiedDomains", .type = TD_V_JSON},
    {.name = "onPremisesSyncEnabled", .type = TD_V_BOOL},
    {.name = "onPremisesLastSyncDateTime", .type = TD_V_TIME},
};
static const struct td_view organization_view = {
    .name = "organization", .columns = columns, .count = TD_COUNTOF(columns)};

static void write_domain(const struct td_view_row *row, struct td_jsonw *w)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "capabilities", "Email");
    td_jsonw_kbool(w, "isDefault", td_view_int(row, "isDefault") != 0);
    td_jsonw_kbool(w, "isInitial", td_view_int(row, "isInitial") != 0);
    td_jsonw_kstr(w, "name", td_view_text(row, "id"));
    td_jsonw_kstr(w, "type", "Managed");
    td_jsonw_end(w);
}

static enum td_code domains_json(struct td_g_call *call, struct td_tx *tx, const char **ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    struct td_jsonw w;
    struct td_view_page page = {.count = 0};
    struct td_view_ask ask = {.top = MAX_DOMAINS};
    td_buf_init(&b, MAX_DOMAIN_JSON);
    td_try(td_view_page(tx, call->tenant, &td_view_domains, &ask, call->arena, &page, err));
    td_jsonw_init(&w, &b);
    td_jsonw_arr(&w);
    for (size_t i = 0; i < page.count; i++)
        write_domain(&page.rows[i], &w);
    td_jsonw_arr_end(&w);
    td_try(td_buf_check(&b, "verifiedDomains", err));
    *ret = td_arena_text(call->arena, td_buf_slice(&b));
    return TD_OK;
}

static struct td_view_value kept(const struct td_view_row *stored, const char *name)
{
    static const struct td_view_value nothing = {.null = true};
    const struct td_view_value *v = td_view_value(stored, name);
    return v != NULL ? *v : nothing;
}

static enum td_code organizations(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret, size_t *ret_count,
                                  struct td_error *err)
{
    struct td_view_row stored;
    const char *domains = "[]";
    td_try(td_view_one(tx, call->tenant, &td_view_organization, call->tenant, call->arena, &stored, err));
    td_try(domains_json(call, tx, &domains, err));
    struct td_view_row *row = td_arena_new(call->arena, struct td_view_row);
    row->view = &organization_view;
    row->values = td_arena_array(call->arena, struct td_view_value, TD_COUNTOF(columns));
    row->values[0].text = td_view_text(&stored, "id");
    row->values[1].text = td_view_text(&stored, "displayName");
    row->values[2].num = td_view_int(&stored, "createdDateTime");
    row->values[3].text = domains;
    row->values[4] = kept(&stored, "onPremisesSyncEnabled");
    row->values[5] = kept(&stored, "onPremisesLastSyncDateTime");
    *ret = row;
    *ret_count = 1;
    return TD_OK;
}

static const struct td_g_set sets[] = {
    {.path = "organization",
     .type = &td_g_type_organization,
     .view = &organization_view,
     .flags = TD_G_DIRECTORY | TD_G_NOT_WRITTEN,
     .read = TD_RIGHT_ORGANIZATION,
     .write = TD_RIGHT_ORGANIZATION,
     .rows = organizations,
     .about = "The tenant: one element, whose id is the tenant's; verifiedDomains are its domains."},
    {.path = "domains",
     .type = &td_g_type_domain,
     .view = &td_view_domains,
     .flags = TD_G_DIRECTORY | TD_G_NOT_WRITTEN,
     .read = TD_RIGHT_DOMAIN,
     .write = TD_RIGHT_DOMAIN,
     .about = "The tenant's domains by name."},
};

const struct td_g_family td_g_family_organization = {
    .about = "The organization and its domains.", .sets = sets, .count = TD_COUNTOF(sets)};
