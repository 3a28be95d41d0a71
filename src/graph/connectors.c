/* domainJoinConnectors: the connectors to Active Directory (docs/tasks/connector.md). They are added at the command
 * line, which shows their code once; here they are read and taken away. */
#include "graph/graph.h"
#include "graph/profiles.h"
#include "graph/types.h"
#include "store/connector.h"
#include "store/domain_join.h"
#include "store/views.h"

enum { DOMAINS_MAX = 1 << 16, STATE_ACTIVE = 0, STATE_ERROR, STATE_INACTIVE };

const struct td_g_enum td_g_enum_connector_state = {.name = "deviceManagementDomainJoinConnectorState",
                                                    .words = td_words_connector_state};

static const struct td_g_prop domain_props[] = {
    {.name = "domain", .kind = TD_G_STRING},           {.name = "netbiosName", .kind = TD_G_STRING},
    {.name = "domainController", .kind = TD_G_STRING}, {.name = "site", .kind = TD_G_STRING},
    {.name = "problem", .kind = TD_G_STRING},          {.name = "detail", .kind = TD_G_STRING},
    {.name = "reportedDateTime", .kind = TD_G_TIME},
};
const struct td_g_type td_g_type_connector_domain = {
    .name = "domainJoinConnectorDomain", .TD_G_PROPS(domain_props), .beta = true, .complex = true};

static void write_domains(struct td_g_call *call TD_UNUSED, const struct td_view_row *row,
                          const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    td_jsonw_raw(w, td_str(td_view_text(row, "~domains")));
}

static const struct td_g_prop connector_props[] = {
    {.name = "displayName", .kind = TD_G_STRING},
    {.name = "lastConnectionDateTime", .kind = TD_G_TIME},
    {.name = "state", .kind = TD_G_ENUM, .of = &td_g_enum_connector_state},
    {.name = "version", .kind = TD_G_STRING},
    {.name = "isEnabled", .kind = TD_G_BOOL},
    {.name = "queuedWorkCount", .kind = TD_G_INT64},
    {.name = "boundDomains", .kind = TD_G_STRING, .flags = TD_G_MANY},
    {.name = "domains",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_MANY,
     .of = &td_g_type_connector_domain,
     .write = write_domains},
};
const struct td_g_type td_g_type_connector = {.name = "deviceManagementDomainJoinConnector",
                                              .base = &td_g_type_entity,
                                              .TD_G_PROPS(connector_props),
                                              .beta = true};

struct all {
    struct td_connector *list;
    size_t count;
    struct td_connector_domain *domains;
    size_t domain_count;
};

/* Their three words, by ours. */
static int64_t state_of(const struct all *all, const struct td_connector *c, int64_t now)
{
    enum td_connector_state state = td_connector_state(c, all->domains, all->domain_count, now);
    return state == TD_CONNECTOR_ACTIVE ? STATE_ACTIVE : state == TD_CONNECTOR_FAILING ? STATE_ERROR : STATE_INACTIVE;
}

static void add_domain(struct td_jsonw *w, const struct td_connector_domain *d)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "domain", d->domain);
    td_jsonw_kstr(w, "netbiosName", d->netbios);
    td_jsonw_kstr(w, "domainController", d->dc);
    td_jsonw_kstr(w, "site", d->site);
    td_jsonw_kstr(w, "problem", d->problem[0] != '\0' ? d->problem : NULL);
    td_jsonw_kstr(w, "detail", d->detail[0] != '\0' ? d->detail : NULL);
    td_jsonw_ktime(w, "reportedDateTime", d->reported_at);
    td_jsonw_end(w);
}

/* Its domains as JSON, and how much work waits for them. */
static enum td_code domains_of(struct td_g_call *call, struct td_tx *tx, const struct all *all,
                               const struct td_connector *c, const char **ret, int64_t *ret_queued,
                               struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    struct td_jsonw w;
    td_buf_init(&text, DOMAINS_MAX);
    td_jsonw_init(&w, &text);
    td_jsonw_arr(&w);
    *ret_queued = 0;
    for (size_t i = 0; i < all->domain_count; i++) {
        int64_t n = 0;
        if (strcmp(all->domains[i].connector_id, c->id) != 0)
            continue;
        add_domain(&w, &all->domains[i]);
        td_try(td_domain_work_queued(tx, call->tenant, all->domains[i].domain, &n, err));
        *ret_queued += n;
    }
    td_jsonw_arr_end(&w);
    td_try(td_buf_check(&text, "domains", err));
    *ret = td_arena_text(call->arena, td_buf_slice(&text));
    return TD_OK;
}

static const char *bound_of(struct td_g_call *call, const struct td_connector *c)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    struct td_jsonw w;
    td_buf_init(&text, DOMAINS_MAX);
    td_jsonw_init(&w, &text);
    td_jsonw_arr(&w);
    for (size_t i = 0; i < c->bound_count; i++)
        td_jsonw_str(&w, c->bound[i]);
    td_jsonw_arr_end(&w);
    return td_arena_text(call->arena, td_buf_slice(&text));
}

static enum td_code row_of(struct td_g_call *call, struct td_tx *tx, const struct all *all,
                           const struct td_connector *c, struct td_view_row *ret, struct td_error *err)
{
    const char *domains = "[]";
    int64_t queued = 0;
    td_try(domains_of(call, tx, all, c, &domains, &queued, err));
    *ret = td_g_new_row(call, &td_view_connectors);
    td_g_put_text(ret, "id", c->id);
    td_g_put_text(ret, "displayName", c->name);
    td_g_put_number(ret, "lastConnectionDateTime", c->last_contact);
    td_g_put_number(ret, "state", state_of(all, c, td_tx_now(tx)));
    td_g_put_text(ret, "version", c->version);
    td_g_put_number(ret, "isEnabled", c->enabled);
    td_g_put_number(ret, "queuedWorkCount", queued);
    td_g_put_text(ret, "~domains", domains);
    td_g_put_text(ret, "boundDomains", bound_of(call, c));
    return TD_OK;
}

static enum td_code rows(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret, size_t *ret_count,
                         struct td_error *err)
{
    struct all all = {.list = NULL};
    td_try(td_connector_list(tx, call->tenant, call->arena, &all.list, &all.count, err));
    td_try(td_connector_domains(tx, call->tenant, call->arena, &all.domains, &all.domain_count, err));
    *ret = td_arena_array(call->arena, struct td_view_row, all.count + 1);
    *ret_count = all.count;
    for (size_t i = 0; i < all.count; i++)
        td_try(row_of(call, tx, &all, &all.list[i], &(*ret)[i], err));
    return TD_OK;
}

static enum td_code take_away(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return td_connector_remove(tx, call->tenant, td_view_text(call->row, "id"), call->actor, err);
}

static const struct td_g_set sets[] = {
    {.path = "deviceManagement/domainJoinConnectors",
     .type = &td_g_type_connector,
     .view = &td_view_connectors,
     .flags = TD_G_BETA_SHAPE,
     .read = TD_RIGHT_PROFILE,
     .write = TD_RIGHT_PROFILE,
     .about = "Connectors to Active Directory, how they do and what they serve: read and removed here, added at the "
              "command line, which shows their code, and bound to domains there (boundDomains, none: any of the "
              "tenant). isEnabled, queuedWorkCount, boundDomains and domains are ours.",
     .rows = rows,
     .remove = take_away},
};

const struct td_g_family td_g_family_connectors = {
    .about = "Connectors to Active Directory", .sets = sets, .count = TD_COUNTOF(sets)};
