/* Which domains a connector may serve: those that an administrator bound it to, or any of its tenant. */
#include "store/audit.h"
#include "store/connector_room.h"
#include "way/domain_join.h"

#include <string.h>

enum { LABEL_MAX = 63, NAME_MAX_OCTETS = 253 };

bool td_connector_domain_name(char *name)
{
    size_t label = 0;
    bool good = name[0] != '\0' && strlen(name) <= NAME_MAX_OCTETS;
    td_lower(name);
    for (const char *p = name; *p != '\0'; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-' || *p == '_';
        bool dot = *p == '.' && label != 0 && p[1] != '\0';
        label = plain ? label + 1 : 0;
        good = good && (plain || dot) && label <= LABEL_MAX;
    }
    return good;
}

enum td_code td_connector_read_bound(struct td_tx *tx, struct td_connector *list, size_t count, struct td_arena *a,
                                     struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT connector_id, domain FROM connector_bound WHERE tenant = $1"
                        " AND (connector_id = $2 OR $2 = '') ORDER BY domain",
                        "ss", count != 0 ? list[0].tenant : "", count == 1 ? list[0].id : ""));
    while (td_rows_next(&r)) {
        const char *id = td_col_text0(&r, 0, a), *domain = td_col_text0(&r, 1, a);
        for (size_t i = 0; i < count; i++) {
            struct td_connector *c = &list[i];
            if (strcmp(c->id, id) != 0 || c->bound_count == TD_CONNECTOR_DOMAINS_MAX)
                continue;
            if (c->bound == NULL)
                c->bound = td_arena_array(a, const char *, TD_CONNECTOR_DOMAINS_MAX);
            c->bound[c->bound_count++] = domain;
        }
    }
    return td_rows_done(&r, err);
}

enum td_code td_connector_may(struct td_tx *tx, const char *tenant, const char *id, const char *domain,
                              struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_rows r;
    const char *name = NULL;
    bool may = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT c.name, CASE WHEN " TD_CONNECTOR_MAY(
                            "$3") " THEN 1 ELSE 0 END FROM connector c WHERE c.tenant = $1 AND c.id = $2",
                        "sss", tenant, id, domain));
    while (td_rows_next(&r)) {
        name = td_col_text0(&r, 0, &a);
        may = td_col_int(&r, 1) != 0;
    }
    td_try(td_rows_done(&r, err));
    if (name == NULL)
        return td_fail(err, TD_ENOTFOUND, "connector", "there is no connector %.64s", id);
    if (may)
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_EDENIED, "domain", "the connector %s is not bound to %.100s", name, domain),
                     "An administrator binds it to this domain too with `touchdown connector bind`, or the domain is "
                     "taken out of the connector's configuration.");
}

/* --- for administrators ------------------------------------------------------------------------------------------- */

static char *as_text(const char *const *domains, size_t count, struct td_arena *a)
{
    char *text = td_arena_strdup(a, count == 0 ? "any" : "");
    for (size_t i = 0; i < count; i++)
        text = td_arena_printf(a, "%s%s%s", text, i != 0 ? " " : "", domains[i]);
    return text;
}

static enum td_code check_domains(const char *const *domains, size_t count, struct td_arena *a, const char ***ret,
                                  struct td_error *err)
{
    const char **list = td_arena_array(a, const char *, count + 1);
    *ret = list;
    if (count > TD_CONNECTOR_DOMAINS_MAX)
        return td_remedy(err, td_fail(err, TD_ELIMIT, "domain", "are more than %d", TD_CONNECTOR_DOMAINS_MAX),
                         "A connector serves %d domains at most: set up another one.", TD_CONNECTOR_DOMAINS_MAX);
    for (size_t i = 0; i < count; i++) {
        char *name = td_arena_strdup(a, domains[i]);
        list[i] = name;
        if (!td_connector_domain_name(name))
            return td_remedy(err, td_fail(err, TD_EINVAL, "domain", "\"%.60s\" is no DNS name", domains[i]),
                             "Give the domain's full name, as corp.contoso.test.");
    }
    return TD_OK;
}

/* What it reports of domains that it may not serve is no report: it is shown as the problem that it is. */
static enum td_code mark_reports(struct td_tx *tx, const struct td_connector *c, struct td_error *err)
{
    const char *problem = td_domain_reason_row(TD_DJ_NOT_BOUND)->name;
    td_try(td_sql(tx, err, "DELETE FROM connector_domain WHERE tenant = $1 AND connector_id = $2 AND problem = $3",
                  "sss", c->tenant, c->id, problem));
    return td_sql(tx, err,
                  "UPDATE connector_domain SET problem = $3, detail = '' WHERE tenant = $1 AND connector_id = $2"
                  " AND NOT EXISTS (SELECT 1 FROM connector c WHERE c.tenant = $1 AND c.id = $2"
                  " AND " TD_CONNECTOR_MAY("connector_domain.domain") ")",
                  "sss", c->tenant, c->id, problem);
}

enum td_code td_connector_bind(struct td_tx *tx, const char *tenant, const char *key, const char *const *domains,
                               size_t count, const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_connector c = {.id = ""};
    const char **names = NULL;
    td_try(td_connector_find(tx, tenant, key, &a, &c, err));
    td_try(check_domains(domains, count, &a, &names, err));
    td_try(td_sql(tx, err, "DELETE FROM connector_bound WHERE tenant = $1 AND connector_id = $2", "ss", tenant, c.id));
    for (size_t i = 0; i < count; i++)
        td_try(td_sql(tx, err,
                      "INSERT INTO connector_bound(tenant, connector_id, domain) VALUES ($1, $2, $3)"
                      " ON CONFLICT (tenant, connector_id, domain) DO NOTHING",
                      "sss", tenant, c.id, names[i]));
    td_try(mark_reports(tx, &c, err));
    td_try(td_connector_release(tx, tenant, c.id, false, err));
    const struct td_change change = {"domains", as_text(c.bound, c.bound_count, &a), as_text(names, count, &a)};
    const struct td_audit what = {.type = "connector.changed",
                                  .actor = actor,
                                  .kind = "connector",
                                  .id = c.id,
                                  .name = c.name,
                                  .changes = &change,
                                  .count = 1};
    return td_audit_tell(tx, tenant, &what, err);
}
