#include "store/managed.h"

#include "store/action.h"
#include "store/audit.h"
#include "store/group.h"

#include <string.h>

static const char *const owner_words[] = {"unknown", "company", "personal"};

struct device {
    const char *id, *way, *serial, *name, *notes;
    int owner;
};

static enum td_code find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a, struct device *ret,
                         struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT id, way_id, serial, managed_name, notes, owner FROM enrolment"
                        " WHERE tenant = $1 AND id = $2 AND state = 0",
                        "ss", tenant, id));
    while (td_rows_next(&r)) {
        *ret = (struct device){td_col_text0(&r, 0, a), td_col_text0(&r, 1, a), td_col_text0(&r, 2, a),
                               td_col_text0(&r, 3, a), td_col_text0(&r, 4, a), (int)td_col_int(&r, 5)};
        found = true;
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "managedDevice", "no managed device has the id %.40s", id);
}

static enum td_code tell(struct td_tx *tx, const char *tenant, const char *type, const struct device *d,
                         const char *actor, const struct td_change *changes, size_t count, struct td_error *err)
{
    struct td_audit what = {.type = type,
                            .actor = actor,
                            .subject = d->way,
                            .kind = "managed-device",
                            .id = d->id,
                            .name = d->serial[0] != '\0' ? d->serial : d->name,
                            .changes = changes,
                            .count = count};
    return td_audit_tell(tx, tenant, &what, err);
}

static enum td_code too_long(const char *text, const char *name, size_t max, struct td_error *err)
{
    if (text == NULL || strlen(text) <= max)
        return TD_OK;
    return td_fail(err, TD_ELIMIT, name, "longer than %zu octets", max);
}

enum td_code td_managed_set(struct td_tx *tx, const char *tenant, const char *id, const struct td_managed_change *what,
                            const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct device d = {"", "", "", "", "", 0};
    td_try(too_long(what->name, "managedDeviceName", TD_MANAGED_NAME_MAX, err));
    td_try(too_long(what->notes, "notes", TD_MANAGED_NOTES_MAX, err));
    td_try(find(tx, tenant, id, &a, &d, err));
    const char *name = what->name != NULL ? what->name : d.name;
    const char *notes = what->notes != NULL ? what->notes : d.notes;
    int owner = what->owner >= 0 && what->owner < (int)TD_COUNTOF(owner_words) ? what->owner : d.owner;
    td_try(td_sql(tx, err,
                  "UPDATE enrolment SET managed_name = $3, notes = $4, owner = $5 WHERE tenant = $1 AND id = $2",
                  "ssssi", tenant, d.id, name, notes, (int64_t)owner));
    const struct td_change changes[] = {{"managedDeviceName", d.name, name},
                                        {"notes", d.notes, notes},
                                        {"ownerType", owner_words[d.owner], owner_words[owner]}};
    td_try(tell(tx, tenant, "managed-device.changed", &d, actor, changes, TD_COUNTOF(changes), err));
    return owner != d.owner ? td_group_enrolment_moved(tx, tenant, d.id, actor, err) : TD_OK;
}

/* An action as any other: the limit, the second administrator and what follows are its. */
enum td_code td_managed_end(struct td_tx *tx, const char *tenant, const char *id, const char *reason, const char *actor,
                            struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct device d = {"", "", "", "", "", 0};
    struct td_action x = {.id = ""};
    td_try(find(tx, tenant, id, &a, &d, err));
    const struct td_action_asking what = {.kind = TD_ACTION_DELETE, .reason = reason, .actor = actor};
    return td_action_ask(tx, tenant, d.id, &what, &a, &x, err);
}
