#include "base/fault.h"
#include "store/audit.h"
#include "store/connector_room.h"
#include "store/event.h"
#include "way/domain_join.h"

#include <string.h>

/* Of td_connector_seen: what a connector may say of itself and its domains. Longer texts are cut. */
enum { SHORT = 128, LONG = 512, FIRST = 8 };
#define TOLD_EVERY (10 * TD_MINUTE) /* the same problem */

#define COLUMNS "tenant, id, name, key_sha256, encryption_key, version, enabled, created_at, last_contact"

static void read_row(struct td_rows *r, struct td_arena *a, struct td_connector *ret)
{
    struct td_slice key = td_col_blob(r, 3, a);
    *ret = (struct td_connector){.tenant = td_col_text0(r, 0, a),
                                 .id = td_col_text0(r, 1, a),
                                 .name = td_col_text0(r, 2, a),
                                 .encryption_key = td_col_blob(r, 4, a),
                                 .version = td_col_text0(r, 5, a),
                                 .registered = key.n == sizeof(ret->key_sha256),
                                 .enabled = td_col_int(r, 6) != 0,
                                 .created_at = td_col_int(r, 7),
                                 .last_contact = td_col_int(r, 8)};
    if (ret->registered)
        memcpy(ret->key_sha256, key.p, key.n);
}

static enum td_code only_row(struct td_rows *r, struct td_arena *a, struct td_connector *ret, bool *ret_found,
                             struct td_error *err)
{
    *ret_found = false;
    for (; td_rows_next(r); *ret_found = true)
        read_row(r, a, ret);
    return td_rows_done(r, err);
}

static enum td_code tell(struct td_tx *tx, const struct td_connector *c, const char *type, const char *actor,
                         const struct td_change *change, struct td_error *err)
{
    const struct td_audit what = {.type = type,
                                  .actor = actor,
                                  .kind = "connector",
                                  .id = c->id,
                                  .name = c->name,
                                  .changes = change,
                                  .count = change != NULL ? 1 : 0};
    return td_audit_tell(tx, c->tenant, &what, err);
}

/* --- for administrators ------------------------------------------------------------------------------------------- */

static const char *fold(const char *name, struct td_arena *a)
{
    char *key = td_arena_strdup(a, name);
    td_lower(key);
    return key;
}

static enum td_code check_name(const char *name, struct td_error *err)
{
    struct td_slice s = td_str(name);
    bool plain = s.n != 0 && s.n <= TD_CONNECTOR_NAME_MAX && td_utf8_ok(s) && td_eq(td_trim(s), s);
    for (size_t i = 0; i < s.n; i++)
        plain = plain && (unsigned char)s.p[i] >= ' ' && s.p[i] != 0x7f;
    if (plain)
        return TD_OK;
    return td_remedy(err,
                     td_fail(err, TD_EINVAL, "name", "is empty, longer than %d octets, or has signs that do not print",
                             TD_CONNECTOR_NAME_MAX),
                     "Name the machine that it runs on, e.g. HQ-1.");
}

static enum td_code check_room(struct td_tx *tx, const char *tenant, struct td_error *err)
{
    struct td_rows r;
    int64_t n = 0;
    td_try(td_sql_query(tx, &r, err, "SELECT COUNT(*) FROM connector WHERE tenant = $1", "s", tenant));
    while (td_rows_next(&r))
        n = td_col_int(&r, 0);
    td_try(td_rows_done(&r, err));
    if (n < TD_CONNECTORS_MAX)
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_ELIMIT, "connector", "there are %d connectors already", TD_CONNECTORS_MAX),
                     "Remove those that no longer run.");
}

enum td_code td_connector_add(struct td_tx *tx, const char *tenant, const char *name, const unsigned char code[32],
                              const char *actor, struct td_arena *a, struct td_connector *ret, struct td_error *err)
{
    td_try(check_name(name, err));
    td_try(check_room(tx, tenant, err));
    *ret = (struct td_connector){.tenant = tenant,
                                 .id = td_uuid_arena(td_tx_env(tx), a),
                                 .name = name,
                                 .version = "",
                                 .enabled = true,
                                 .created_at = td_tx_now(tx)};
    enum td_code rc = td_sql(tx, err,
                             "INSERT INTO connector(tenant, id, name, name_key, code, code_until, key_sha256,"
                             " encryption_key, version, enabled, created_at, last_contact)"
                             " VALUES ($1, $2, $3, $4, $5, $6, NULL, NULL, '', 1, $7, 0)",
                             "ssssbii", tenant, ret->id, name, fold(name, a), td_bytes(code, 32),
                             td_tx_now(tx) + TD_CONNECTOR_CODE_LIFE, td_tx_now(tx));
    if (rc == TD_EEXISTS)
        return td_remedy(err, td_fail(err, TD_EEXISTS, "name", "there is a connector %s already", name),
                         "Take another name, or remove that one: one whose code was lost is added anew.");
    td_try(rc);
    return tell(tx, ret, "connector.added", actor, NULL, err);
}

enum td_code td_connector_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                               struct td_connector *ret, struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    char id[TD_UUID_TEXT] = "";
    (void)td_uuid_parse(td_str(key), id);
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM connector WHERE tenant = $1 AND (id = $2 OR name_key = $3)", "sss",
                        tenant, id, fold(key, a)));
    td_try(only_row(&r, a, ret, &found, err));
    return found ? td_connector_read_bound(tx, ret, 1, a, err)
                 : td_fail(err, TD_ENOTFOUND, "connector", "there is no connector %.64s", key);
}

enum td_code td_connector_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_connector **ret,
                               size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    struct td_connector *list = td_arena_array(a, struct td_connector, TD_CONNECTORS_MAX);
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err, "SELECT " COLUMNS " FROM connector WHERE tenant = $1 ORDER BY name_key LIMIT $2",
                        "si", tenant, (int64_t)TD_CONNECTORS_MAX));
    while (n < TD_CONNECTORS_MAX && td_rows_next(&r))
        read_row(&r, a, &list[n++]);
    td_try(td_rows_done(&r, err));
    *ret = list;
    *ret_count = n;
    return td_connector_read_bound(tx, list, n, a, err);
}

#define OF_OTHERS(table)                                                                                             \
    " AND ($3 = 1 OR NOT EXISTS (SELECT 1 FROM connector c WHERE c.tenant = $1 AND c.id = $2 AND " TD_CONNECTOR_MAY( \
        table ".domain") "))"

enum td_code td_connector_release(struct td_tx *tx, const char *tenant, const char *id, bool all, struct td_error *err)
{
    td_try(
        td_sql(tx, err,
               "UPDATE domain_join SET lease_until = 0 WHERE tenant = $1 AND connector_id = $2 AND state = 1" OF_OTHERS(
                   "domain_join"),
               "ssi", tenant, id, (int64_t)all));
    td_try(td_sql(
        tx, err,
        "UPDATE domain_removal SET next_at = $4 WHERE tenant = $1 AND connector_id = $2 AND done_at = 0" OF_OTHERS(
            "domain_removal"),
        "ssii", tenant, id, (int64_t)all, td_tx_now(tx)));
    if (td_fault("sync-turn-stays"))
        return TD_OK;
    return td_sql(tx, err,
                  "UPDATE ad_domain SET connector = '' WHERE tenant = $1 AND connector = $2" OF_OTHERS("ad_domain"),
                  "ssi", tenant, id, (int64_t)all);
}

enum td_code td_connector_enable(struct td_tx *tx, const char *tenant, const char *id, bool enabled, const char *actor,
                                 struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_connector c = {.id = ""};
    static const char *const words[] = {"false", "true"};
    td_try(td_connector_find(tx, tenant, id, &a, &c, err));
    if (c.enabled == enabled)
        return TD_OK;
    td_try(td_sql(tx, err, "UPDATE connector SET enabled = $3 WHERE tenant = $1 AND id = $2", "ssi", tenant, c.id,
                  (int64_t)enabled));
    if (!enabled)
        td_try(td_connector_release(tx, tenant, c.id, true, err));
    const struct td_change change = {"enabled", words[c.enabled], words[enabled]};
    return tell(tx, &c, "connector.changed", actor, &change, err);
}

enum td_code td_connector_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                 struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_connector c = {.id = ""};
    td_try(td_connector_find(tx, tenant, id, &a, &c, err));
    td_try(td_connector_release(tx, tenant, c.id, true, err));
    td_try(td_sql(tx, err, "DELETE FROM connector_domain WHERE tenant = $1 AND connector_id = $2", "ss", tenant, c.id));
    td_try(td_sql(tx, err, "DELETE FROM connector_bound WHERE tenant = $1 AND connector_id = $2", "ss", tenant, c.id));
    td_try(td_sql(tx, err, "DELETE FROM connector WHERE tenant = $1 AND id = $2", "ss", tenant, c.id));
    return tell(tx, &c, "connector.removed", actor, NULL, err);
}

/* --- for connectors ----------------------------------------------------------------------------------------------- */

static enum td_code disabled(struct td_error *err)
{
    return td_remedy(err, td_fail(err, TD_EDENIED, "connector", "this connector is disabled"),
                     "An administrator enables it with `touchdown connector enable`.");
}

enum td_code td_connector_by_key(struct td_tx *tx, const unsigned char key_sha256[32], struct td_arena *a,
                                 struct td_connector *ret, struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err, "SELECT " COLUMNS " FROM connector WHERE key_sha256 = $1", "b",
                        td_bytes(key_sha256, 32)));
    td_try(only_row(&r, a, ret, &found, err));
    if (!found)
        return td_remedy(err, td_fail(err, TD_EAUTH, "certificate", "no connector with this key is registered"),
                         "Register it with a code of `touchdown connector add`.");
    if (ret->enabled || td_fault("connector-disabled-works"))
        return TD_OK;
    return disabled(err);
}

static enum td_code by_code(struct td_tx *tx, const unsigned char code[32], struct td_arena *a,
                            struct td_connector *ret, int64_t *ret_until, struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err, "SELECT " COLUMNS ", code_until FROM connector WHERE code = $1", "b",
                        td_bytes(code, 32)));
    for (; td_rows_next(&r); found = true) {
        read_row(&r, a, ret);
        *ret_until = td_col_int(&r, 9);
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_EDENIED, "code", "it is unknown, or its connector was removed");
}

enum td_code td_connector_by_code(struct td_tx *tx, const unsigned char code[32], struct td_arena *a,
                                  struct td_connector *ret, bool *ret_open, struct td_error *err)
{
    int64_t until = 0;
    enum td_code rc = by_code(tx, code, a, ret, &until, err);
    *ret_open = rc == TD_OK && !ret->registered && until > td_tx_now(tx);
    return rc == TD_EDENIED ? td_fail(err, TD_ENOTFOUND, "code", "it is unknown, or its connector was removed") : rc;
}

static enum td_code judge_code(struct td_tx *tx, const struct td_connector *c, const struct td_connector *what,
                               int64_t until, struct td_error *err)
{
    bool same = memcmp(c->key_sha256, what->key_sha256, sizeof(c->key_sha256)) == 0;
    if (c->registered && !same && !td_fault("connector-code-twice"))
        return td_fail(err, TD_EDENIED, "code", "it was used already, by another key");
    if (!c->registered && (until <= td_tx_now(tx) || until > td_tx_now(tx) + TD_CONNECTOR_CODE_LIFE) &&
        !td_fault("connector-code-late"))
        return td_fail(err, TD_EDENIED, "code", "it has run out: a code is good for a day");
    return TD_OK;
}

static enum td_code take_code(struct td_tx *tx, struct td_connector *c, const struct td_connector *what,
                              struct td_error *err)
{
    const struct td_change change = {"state", "waiting", "registered"};
    enum td_code rc =
        td_sql(tx, err,
               "UPDATE connector SET key_sha256 = $3, encryption_key = $4, version = $5, last_contact = $6"
               " WHERE tenant = $1 AND id = $2",
               "ssbbsi", c->tenant, c->id, td_bytes(what->key_sha256, sizeof(what->key_sha256)), what->encryption_key,
               what->version, td_tx_now(tx));
    if (rc == TD_EEXISTS)
        return td_remedy(err, td_fail(err, TD_EEXISTS, "certificate", "this key belongs to a connector already"),
                         "Remove that connector first, or start with an empty folder, which makes another key.");
    td_try(rc);
    return tell(tx, c, "connector.changed", c->name, &change, err);
}

enum td_code td_connector_register(struct td_tx *tx, const unsigned char code[32], const struct td_connector *what,
                                   struct td_arena *a, struct td_connector *ret, struct td_error *err)
{
    int64_t until = 0;
    enum td_code rc = by_code(tx, code, a, ret, &until, err);
    if (rc == TD_OK)
        rc = judge_code(tx, ret, what, until, err);
    if (rc == TD_EDENIED)
        return td_remedy(err, rc, "An administrator makes a new code with `touchdown connector add`.");
    td_try(rc);
    if (!ret->enabled)
        return disabled(err);
    if (!ret->registered || td_fault("connector-code-twice"))
        td_try(take_code(tx, ret, what, err));
    return td_connector_by_key(tx, what->key_sha256, a, ret, err);
}

/* --- what they say of themselves ---------------------------------------------------------------------------------- */

static const char *cut(const char *text, size_t max, struct td_arena *a)
{
    struct td_slice s = td_sub(td_str(text), 0, max);
    while (s.n != 0 && !td_utf8_ok(s))
        s.n--;
    return td_arena_text(a, s);
}

static enum td_code list_of(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                            struct td_connector_domain **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0, cap = FIRST;
    struct td_connector_domain *list = td_arena_array(a, struct td_connector_domain, FIRST);
    td_try(td_sql_query(tx, &r, err,
                        "SELECT d.connector_id, d.domain, d.netbios, d.dc, d.site, d.problem, d.detail, d.reported_at,"
                        " CASE WHEN " TD_CONNECTOR_MAY(
                            "d.domain") " THEN 1 ELSE 0 END FROM connector_domain d JOIN connector c"
                                        " ON c.tenant = d.tenant AND c.id = d.connector_id WHERE d.tenant = $1"
                                        " AND (d.connector_id = $2 OR $2 = '') ORDER BY d.domain, d.connector_id",
                        "ss", tenant, id));
    while (td_rows_next(&r)) {
        list = td_arena_room(a, list, n, &cap, sizeof(*list));
        list[n++] = (struct td_connector_domain){.connector_id = td_col_text0(&r, 0, a),
                                                 .domain = td_col_text0(&r, 1, a),
                                                 .netbios = td_col_text0(&r, 2, a),
                                                 .dc = td_col_text0(&r, 3, a),
                                                 .site = td_col_text0(&r, 4, a),
                                                 .problem = td_col_text0(&r, 5, a),
                                                 .detail = td_col_text0(&r, 6, a),
                                                 .reported_at = td_col_int(&r, 7),
                                                 .may = td_col_int(&r, 8) != 0};
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_connector_domains(struct td_tx *tx, const char *tenant, struct td_arena *a,
                                  struct td_connector_domain **ret, size_t *ret_count, struct td_error *err)
{
    return list_of(tx, tenant, "", a, ret, ret_count, err);
}

static const struct td_connector_domain *of_name(const struct td_connector_domain *list, size_t count,
                                                 const char *domain)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].domain, domain) == 0)
            return &list[i];
    return NULL;
}

static enum td_code tell_problem(struct td_tx *tx, const struct td_connector *c, const struct td_connector_domain *d,
                                 const struct td_connector_domain *before, struct td_error *err)
{
    const char *was = before != NULL ? before->problem : "";
    bool lately = false;
    if (strcmp(was, d->problem) == 0)
        return TD_OK;
    const struct td_event e = {
        .subject = "", .type = d->problem[0] != '\0' ? "connector.problem" : "connector.recovered", .actor = c->name};
    td_try(td_event_lately(tx, c->tenant, e.subject, e.type, d->problem[0] != '\0' ? d->problem : was,
                           td_tx_now(tx) - TOLD_EVERY, &lately, err));
    if (lately && !td_fault("connector-tells-always")) /* it comes and goes */
        return TD_OK;
    return td_event_tell(tx, c->tenant, &e, err, "connector", c->id, "domain", d->domain, "where",
                         d->problem[0] != '\0' ? d->problem : was, "cause", d->problem[0] != '\0' ? d->detail : NULL,
                         NULL);
}

static enum td_code put_domain(struct td_tx *tx, const struct td_connector *c, const struct td_connector_domain *d,
                               struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO connector_domain(tenant, connector_id, domain, netbios, dc, site, problem, detail,"
                  " reported_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
                  " ON CONFLICT (tenant, connector_id, domain) DO UPDATE SET netbios = excluded.netbios,"
                  " dc = excluded.dc, site = excluded.site, problem = excluded.problem, detail = excluded.detail,"
                  " reported_at = excluded.reported_at",
                  "ssssssssi", c->tenant, c->id, d->domain, d->netbios, d->dc, d->site, d->problem, d->detail,
                  td_tx_now(tx));
}

static enum td_code put_domains(struct td_tx *tx, const struct td_connector *c,
                                const struct td_connector_domain *domains, size_t count, struct td_arena *a,
                                struct td_error *err)
{
    struct td_connector_domain *before = NULL;
    size_t n = 0;
    if (count > TD_CONNECTOR_DOMAINS_MAX)
        return td_fail(err, TD_ELIMIT, "domains", "has more than %d", TD_CONNECTOR_DOMAINS_MAX);
    td_try(list_of(tx, c->tenant, c->id, a, &before, &n, err));
    for (size_t i = 0; i < n; i++)
        if (of_name(domains, count, before[i].domain) == NULL)
            td_try(td_sql(tx, err,
                          "DELETE FROM connector_domain WHERE tenant = $1 AND connector_id = $2 AND domain = $3", "sss",
                          c->tenant, c->id, before[i].domain));
    for (size_t i = 0; i < count; i++) {
        struct td_connector_domain d = domains[i];
        d.netbios = cut(d.netbios, SHORT, a);
        d.dc = cut(d.dc, LONG, a);
        d.site = cut(d.site, SHORT, a);
        d.problem = cut(d.problem, SHORT, a);
        d.detail = cut(d.detail, LONG, a);
        td_try(tell_problem(tx, c, &d, of_name(before, n, d.domain), err));
        td_try(put_domain(tx, c, &d, err));
    }
    return TD_OK;
}

enum td_code td_connector_seen(struct td_tx *tx, const char *tenant, const char *id, const char *version,
                               const struct td_connector_domain *domains, size_t count, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_connector c = {.id = ""};
    td_try(td_connector_find(tx, tenant, id, &a, &c, err));
    td_try(td_sql(tx, err, "UPDATE connector SET version = $3, last_contact = $4 WHERE tenant = $1 AND id = $2", "sssi",
                  tenant, c.id, version != NULL ? cut(version, SHORT, &a) : c.version, td_tx_now(tx)));
    return domains != NULL ? put_domains(tx, &c, domains, count, &a, err) : TD_OK;
}

enum td_code td_connector_refused(struct td_tx *tx, const char *tenant, const char *id, const char *version,
                                  const struct td_connector_domain *domains, size_t count, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_connector c = {.id = ""};
    struct td_connector_domain *before = NULL;
    const char *problem = td_domain_reason_row(TD_DJ_NOT_BOUND)->name;
    size_t n = 0;
    td_try(td_connector_seen(tx, tenant, id, version, NULL, 0, err));
    td_try(td_connector_find(tx, tenant, id, &a, &c, err));
    td_try(list_of(tx, tenant, c.id, &a, &before, &n, err));
    td_try(td_sql(tx, err, "DELETE FROM connector_domain WHERE tenant = $1 AND connector_id = $2 AND problem = $3",
                  "sss", tenant, c.id, problem));
    for (size_t i = 0; i < count; i++) {
        const struct td_connector_domain d = {.domain = domains[i].domain,
                                              .netbios = "",
                                              .dc = "",
                                              .site = "",
                                              .problem = problem,
                                              .detail = "it is named in the connector's configuration"};
        td_try(tell_problem(tx, &c, &d, of_name(before, n, d.domain), err));
        td_try(put_domain(tx, &c, &d, err));
    }
    return TD_OK;
}

enum td_connector_state td_connector_state(const struct td_connector *c, const struct td_connector_domain *domains,
                                           size_t count, int64_t now)
{
    if (!c->enabled)
        return TD_CONNECTOR_DISABLED;
    if (!c->registered)
        return TD_CONNECTOR_WAITING;
    if (now - c->last_contact > TD_CONNECTOR_STALE || c->last_contact - now > TD_MINUTE)
        return TD_CONNECTOR_INACTIVE;
    for (size_t i = 0; i < count; i++)
        if (strcmp(domains[i].connector_id, c->id) == 0 && domains[i].problem[0] != '\0')
            return TD_CONNECTOR_FAILING;
    return TD_CONNECTOR_ACTIVE;
}

const char *td_connector_state_word(enum td_connector_state state)
{
    static const char *const words[] = {"waiting", "active", "failing", "inactive", "disabled"};
    return words[state];
}

enum td_code td_connector_serves(struct td_tx *tx, const char *tenant, const char *domain, bool *ret,
                                 struct td_error *err)
{
    struct td_rows r;
    int64_t now = td_tx_now(tx);
    *ret = false;
    td_try(
        td_sql_query(tx, &r, err,
                     "SELECT 1 FROM connector_domain d JOIN connector c ON c.tenant = d.tenant"
                     " AND c.id = d.connector_id WHERE d.tenant = $1 AND d.domain = $2 AND c.enabled = 1"
                     " AND c.last_contact BETWEEN $3 AND $4 AND ($5 = 1 OR " TD_CONNECTOR_MAY("d.domain") ") LIMIT 1",
                     "ssiii", tenant, domain, now - TD_CONNECTOR_STALE, now + TD_MINUTE,
                     (int64_t)td_fault("connector-unbound-counts")));
    while (td_rows_next(&r))
        *ret = true;
    return td_rows_done(&r, err);
}

enum td_code td_connector_able(struct td_tx *tx, const char *tenant, const char *domain, struct td_arena *a,
                               const char ***ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0;
    const char **ids = td_arena_array(a, const char *, TD_CONNECTORS_MAX);
    td_try(td_sql_query(tx, &r, err,
                        "SELECT c.id FROM connector c JOIN connector_domain d ON d.tenant = c.tenant"
                        " AND d.connector_id = c.id WHERE c.tenant = $1 AND d.domain = $2 AND (c.enabled = 1 OR $4 = 1)"
                        " AND ($5 = 1 OR " TD_CONNECTOR_MAY("d.domain") ") LIMIT $3",
                        "ssiii", tenant, domain, (int64_t)TD_CONNECTORS_MAX,
                        (int64_t)td_fault("connector-disabled-asked"), (int64_t)td_fault("connector-unbound-asked")));
    while (n < TD_CONNECTORS_MAX && td_rows_next(&r))
        ids[n++] = td_col_text0(&r, 0, a);
    *ret = ids;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_connector_other(struct td_tx *tx, const char *tenant, const char *id, const char *domain, bool *ret,
                                struct td_error *err)
{
    struct td_rows r;
    int64_t now = td_tx_now(tx);
    *ret = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT 1 FROM connector_domain d JOIN connector c ON c.tenant = d.tenant"
                        " AND c.id = d.connector_id WHERE d.tenant = $1 AND d.domain = $2 AND d.connector_id <> $3"
                        " AND d.problem = '' AND c.enabled = 1 AND c.last_contact BETWEEN $4 AND $5"
                        " AND " TD_CONNECTOR_MAY("d.domain") " LIMIT 1",
                        "sssii", tenant, domain, id, now - TD_CONNECTOR_STALE, now + TD_MINUTE));
    while (td_rows_next(&r))
        *ret = true;
    return td_rows_done(&r, err);
}

enum td_code td_connector_duties(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                 const char ***ret, size_t *ret_count, struct td_error *err)
{
    struct td_connector_domain *list = NULL;
    size_t n = 0;
    td_try(list_of(tx, tenant, id, a, &list, &n, err));
    const char **domains = td_arena_array(a, const char *, n + 1);
    *ret_count = 0;
    for (size_t i = 0; i < n; i++) {
        bool better = false;
        if (!list[i].may && !td_fault("connector-unbound-duties"))
            continue;
        if (list[i].problem[0] != '\0')
            td_try(td_connector_other(tx, tenant, id, list[i].domain, &better, err));
        if (!better || td_fault("connector-serves-broken"))
            domains[(*ret_count)++] = list[i].domain;
    }
    *ret = domains;
    return TD_OK;
}

enum td_code td_connector_counts(struct td_tx *tx, struct td_connector_counts *ret, struct td_error *err)
{
    struct td_rows r;
    int64_t *const counts[] = {&ret->disabled, &ret->waiting, &ret->inactive, &ret->failing, &ret->active};
    *ret = (struct td_connector_counts){0};
    td_try(td_sql_query(
        tx, &r, err,
        "SELECT CASE WHEN c.enabled = 0 THEN 0 WHEN c.key_sha256 IS NULL THEN 1 WHEN c.last_contact < $1"
        " OR c.last_contact > $2 THEN 2 WHEN EXISTS (SELECT 1 FROM connector_domain d WHERE d.tenant = c.tenant"
        " AND d.connector_id = c.id AND d.problem <> '') THEN 3 ELSE 4 END AS state, COUNT(*) FROM connector c"
        " GROUP BY 1",
        "ii", td_tx_now(tx) - TD_CONNECTOR_STALE, td_tx_now(tx) + TD_MINUTE));
    while (td_rows_next(&r)) {
        int64_t state = td_col_int(&r, 0);
        if (state >= 0 && state < (int64_t)TD_COUNTOF(counts))
            *counts[state] = td_col_int(&r, 1);
    }
    return td_rows_done(&r, err);
}
