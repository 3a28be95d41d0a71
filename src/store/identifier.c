#include "store/identifier.h"

#include "store/audit.h"
#include "way/match.h"

enum { TEXT_MAX = 512 };

enum td_code td_identifier_normal(enum td_identifier_kind kind, const char *text, struct td_arena *a, const char **ret,
                                  struct td_error *err)
{
    struct td_slice rest = td_str(text), part;
    const char *out = "";
    size_t parts = kind == TD_ID_TUPLE ? 3 : 1;
    if (kind == TD_ID_UNKNOWN)
        return td_fail(err, TD_EINVAL, "importedDeviceIdentityType", "is unknown");
    if (rest.n > TEXT_MAX)
        return td_fail(err, TD_EINVAL, "importedDeviceIdentifier", "is longer than %d characters", TEXT_MAX);
    for (size_t i = 0; i < parts; i++) {
        if (i + 1 < parts)
            rest = td_cut(rest, ',', &part);
        else
            part = rest;
        const char *normal = td_fact_normal(a, part);
        if (normal[0] == '\0')
            return td_fail(err, TD_EINVAL, "importedDeviceIdentifier",
                           parts == 3 ? "must be manufacturer, model and serial number with commas between"
                                      : "has neither letters nor digits");
        out = td_arena_printf(a, "%s%s%s", out, i != 0 ? "," : "", normal);
    }
    *ret = out;
    return TD_OK;
}

static enum td_code find_key(struct td_tx *tx, const char *tenant, enum td_identifier_kind kind, const char *key,
                             struct td_arena *a, struct td_identifier *ret, struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT id, identifier, description FROM corporate_identifier"
                        " WHERE tenant = $1 AND kind = $2 AND identifier_key = $3",
                        "sis", tenant, (int64_t)kind, key));
    while (td_rows_next(&r)) {
        *ret = (struct td_identifier){td_col_text0(&r, 0, a), kind, td_col_text0(&r, 1, a), td_col_text0(&r, 2, a)};
        found = true;
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "identifier", "there is no such corporate identifier");
}

enum td_code td_identifier_find(struct td_tx *tx, const char *tenant, enum td_identifier_kind kind, const char *text,
                                struct td_arena *a, struct td_identifier *ret, struct td_error *err)
{
    const char *key = "";
    td_try(td_identifier_normal(kind, text, a, &key, err));
    return find_key(tx, tenant, kind, key, a, ret, err);
}

static enum td_code tell(struct td_tx *tx, const char *tenant, const char *type, const struct td_identifier *what,
                         const struct td_change *change, size_t count, const char *actor, struct td_error *err)
{
    const struct td_audit audit = {.type = type,
                                   .actor = actor,
                                   .kind = "identifier",
                                   .id = what->id,
                                   .name = what->text,
                                   .changes = change,
                                   .count = count};
    return td_audit_tell(tx, tenant, &audit, err);
}

static enum td_code add(struct td_tx *tx, const char *tenant, struct td_identifier *what, const char *key,
                        const char *actor, struct td_arena *a, struct td_error *err)
{
    const struct td_change change = {"importedDeviceIdentifier", NULL, what->text};
    what->id = td_uuid_arena(td_tx_env(tx), a);
    td_try(td_sql(tx, err,
                  "INSERT INTO corporate_identifier(tenant, id, kind, identifier, identifier_key, description,"
                  " created_at, modified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
                  "ssisssi", tenant, what->id, (int64_t)what->kind, what->text, key, what->description, td_tx_now(tx)));
    return tell(tx, tenant, "identifier.added", what, &change, 1, actor, err);
}

enum td_code td_identifier_put(struct td_tx *tx, const char *tenant, const struct td_identifier *what, bool overwrite,
                               const char *actor, struct td_arena *a, const char **ret_id, bool *ret_new,
                               struct td_error *err)
{
    const char *key = "";
    struct td_identifier known = {.id = ""}, new = *what;
    td_try(td_identifier_normal(what->kind, what->text, a, &key, err));
    enum td_code rc = find_key(tx, tenant, what->kind, key, a, &known, err);
    *ret_new = rc == TD_ENOTFOUND;
    if (rc == TD_ENOTFOUND) {
        rc = add(tx, tenant, &new, key, actor, a, err);
        *ret_id = new.id;
        return rc;
    }
    td_try(rc);
    *ret_id = known.id;
    struct td_identifier change = {.description = what->description};
    return overwrite ? td_identifier_change(tx, tenant, known.id, &change, actor, a, err) : TD_OK;
}

static enum td_code find_id(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                            struct td_identifier *ret, struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT id, kind, identifier, description FROM corporate_identifier"
                        " WHERE tenant = $1 AND id = $2",
                        "ss", tenant, id));
    while (td_rows_next(&r)) {
        *ret = (struct td_identifier){td_col_text0(&r, 0, a), (enum td_identifier_kind)td_col_int(&r, 1),
                                      td_col_text0(&r, 2, a), td_col_text0(&r, 3, a)};
        found = true;
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "identifier", "there is no such corporate identifier");
}

enum td_code td_identifier_change(struct td_tx *tx, const char *tenant, const char *id,
                                  const struct td_identifier *what, const char *actor, struct td_arena *a,
                                  struct td_error *err)
{
    const char *key = "";
    struct td_identifier before = {.id = ""}, other = {.id = ""};
    td_try(find_id(tx, tenant, id, a, &before, err));
    struct td_identifier after = {id, what->kind != TD_ID_UNKNOWN ? what->kind : before.kind,
                                  what->text != NULL ? what->text : before.text,
                                  what->description != NULL ? what->description : before.description};
    td_try(td_identifier_normal(after.kind, after.text, a, &key, err));
    enum td_code rc = find_key(tx, tenant, after.kind, key, a, &other, err);
    if (rc == TD_OK && strcmp(other.id, id) != 0)
        return td_fail(err, TD_EEXISTS, "importedDeviceIdentifier", "another corporate identifier says the same");
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    td_try(td_sql(tx, err,
                  "UPDATE corporate_identifier SET kind = $3, identifier = $4, identifier_key = $5, description = $6,"
                  " modified_at = $7 WHERE tenant = $1 AND id = $2",
                  "ssisssi", tenant, id, (int64_t)after.kind, after.text, key, after.description, td_tx_now(tx)));
    const struct td_change list[] = {{"importedDeviceIdentifier", before.text, after.text},
                                     {"description", before.description, after.description}};
    return tell(tx, tenant, "identifier.changed", &after, list, TD_COUNTOF(list), actor, err);
}

enum td_code td_identifier_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                  struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_identifier before = {.id = ""};
    td_try(find_id(tx, tenant, id, &a, &before, err));
    td_try(td_sql(tx, err, "DELETE FROM corporate_identifier WHERE tenant = $1 AND id = $2", "ss", tenant, id));
    const struct td_change change = {"importedDeviceIdentifier", before.text, NULL};
    return tell(tx, tenant, "identifier.removed", &before, &change, 1, actor, err);
}

enum td_code td_identifier_covers(struct td_tx *tx, const char *tenant, const char *manufacturer, const char *model,
                                  const char *serial, struct td_arena *a, bool *ret, struct td_error *err)
{
    struct td_rows r;
    const char *alone = td_fact_normal(a, td_str(serial));
    const char *tuple = td_arena_printf(a, "%s,%s,%s", td_fact_normal(a, td_str(manufacturer)),
                                        td_fact_normal(a, td_str(model)), alone);
    *ret = false;
    if (alone[0] == '\0')
        return TD_OK;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT 1 FROM corporate_identifier WHERE tenant = $1"
                        " AND ((kind = 2 AND identifier_key = $2) OR (kind = 3 AND identifier_key = $3)) LIMIT 1",
                        "sss", tenant, alone, tuple));
    while (td_rows_next(&r))
        *ret = true;
    return td_rows_done(&r, err);
}

enum td_code td_identifier_corporate(struct td_tx *tx, const char *tenant, const char *enrolment_id,
                                     const char *manufacturer, const char *model, const char *serial,
                                     struct td_arena *a, bool *ret, struct td_error *err)
{
    enum { COMPANY = 1, PERSONAL = 2 };
    struct td_rows r;
    int64_t owner = 0, joined = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT e.owner, CASE WHEN d.joined_at <> 0 AND d.trust_type <> 'Workplace' THEN 1 ELSE 0 END"
                        " FROM enrolment e LEFT JOIN directory_device d ON d.tenant = e.tenant AND d.id = e.device_id"
                        " WHERE e.tenant = $1 AND e.id = $2",
                        "ss", tenant, enrolment_id));
    while (td_rows_next(&r)) {
        owner = td_col_int(&r, 0);
        joined = td_col_int(&r, 1);
    }
    td_try(td_rows_done(&r, err));
    *ret = owner == COMPANY || (owner != PERSONAL && joined != 0);
    if (*ret || owner == PERSONAL)
        return TD_OK;
    return td_identifier_covers(tx, tenant, manufacturer, model, serial, a, ret, err);
}
