#include "store/directory.h"

#include "base/fault.h"
#include "store/audit.h"
#include "store/certificate.h"
#include "store/device.h"
#include "store/group.h"
#include "store/life_end.h"
#include "store/provisioning.h"
#include "store/way.h"

/* --- devices --- */

static enum td_code extensions_of(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                  const char *ret[TD_EXTENSIONS], struct td_error *err)
{
    struct td_rows r;
    for (int i = 0; i < TD_EXTENSIONS; i++)
        ret[i] = "";
    td_try(td_sql_query(tx, &r, err,
                        "SELECT extension1, extension2, extension3, extension4, extension5, extension6, extension7,"
                        " extension8, extension9, extension10, extension11, extension12, extension13, extension14,"
                        " extension15 FROM directory_device WHERE tenant = $1 AND id = $2",
                        "ss", tenant, id));
    while (td_rows_next(&r))
        for (int i = 0; i < TD_EXTENSIONS; i++)
            ret[i] = td_col_text0(&r, i, a);
    return td_rows_done(&r, err);
}

static enum td_code store_extension(struct td_tx *tx, const char *tenant, const char *id, int number, const char *value,
                                    struct td_arena *a, struct td_error *err)
{
    if (strlen(value) > TD_EXTENSION_MAX || !td_utf8_ok(td_str(value)))
        return td_fail(err, TD_EINVAL, "extensionAttributes", "extensionAttribute%d is more than %d octets", number,
                       TD_EXTENSION_MAX);
    return td_sql(
        tx, err,
        td_arena_printf(a, "UPDATE directory_device SET extension%d = $3 WHERE tenant = $1 AND id = $2", number), "sss",
        tenant, id, value);
}

static const char *yes_no(bool value)
{
    return value ? "true" : "false";
}

enum td_code td_device_change(struct td_tx *tx, const char *tenant, const char *id,
                              const struct td_device_change *change, const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_device_row d;
    struct td_change list[TD_EXTENSIONS + 1];
    const char *old[TD_EXTENSIONS];
    size_t n = 0;
    td_try(td_device_find(tx, tenant, id, &a, &d, err));
    td_try(extensions_of(tx, tenant, id, &a, old, err));
    if (change->enabled != NULL && *change->enabled != d.enabled) {
        td_try(td_device_enable(tx, tenant, id, *change->enabled, err));
        list[n++] = (struct td_change){"accountEnabled", yes_no(d.enabled), yes_no(*change->enabled)};
    }
    for (int i = 0; i < TD_EXTENSIONS; i++) {
        if (change->extension[i] == NULL || strcmp(change->extension[i], old[i]) == 0)
            continue;
        td_try(store_extension(tx, tenant, id, i + 1, change->extension[i], &a, err));
        list[n++] =
            (struct td_change){td_arena_printf(&a, "extensionAttribute%d", i + 1), old[i], change->extension[i]};
    }
    if (n == 0)
        return TD_OK;
    const struct td_audit what = {.type = "device.changed",
                                  .actor = actor,
                                  .kind = "device",
                                  .id = id,
                                  .name = d.display_name,
                                  .changes = list,
                                  .count = n};
    td_try(td_audit_tell(tx, tenant, &what, err));
    return td_group_device_moved(tx, tenant, id, actor, err);
}

/* The way keeps the object that waits for the next join, if there is a registration; else it leaves every group. */
static enum td_code follow_leaving(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                   struct td_arena *a, struct td_error *err)
{
    struct td_way_row way = {0};
    struct td_device_row waiting = {0};
    enum td_code rc = td_way_find(tx, tenant, TD_WAY_DEVICE, id, a, &way, err);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    const char *detail = td_arena_printf(a, "{\"deviceId\":\"%s\"}", id);
    td_try(td_way_happened(tx, tenant, way.id, TD_EV_UNJOINED, actor, detail, err));
    rc = TD_ENOTFOUND;
    if (way.registration_id[0] != '\0')
        rc = td_device_find_registration(tx, tenant, way.registration_id, a, &waiting, err);
    if (rc == TD_ENOTFOUND)
        return td_group_forget_way(tx, tenant, way.id, err);
    td_try(rc);
    td_try(td_way_link(tx, tenant, way.id, TD_WAY_DEVICE, waiting.id, err));
    bool by_itself = strcmp(actor, "device") == 0; /* who is removed from the directory has no management either */
    if (by_itself)
        td_try(td_provisioning_left(tx, tenant, id, waiting.id, err));
    if (by_itself || td_fault("hybrid-removed-returns"))
        td_try(td_device_keep_account(tx, tenant, id, waiting.id, err));
    return td_group_device_moved(tx, tenant, waiting.id, actor, err);
}

enum td_code td_device_leave(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                             struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    td_try(td_cert_revoke(tx, tenant, "device", id, err));
    td_try(td_device_delete(tx, tenant, id, err));
    return follow_leaving(tx, tenant, id, actor, &a, err);
}

/* An administrator takes it out of the directory; a device that leaves by itself is a member of its domain still. */
static enum td_code forget_account(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                   struct td_error *err)
{
    struct td_way_row way = {.id = ""};
    enum td_code rc = td_way_find(tx, tenant, TD_WAY_DEVICE, id, a, &way, err);
    if (rc == TD_OK)
        rc = td_life_forget_account(tx, tenant, way.id, err);
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

enum td_code td_device_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                              struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_device_row d;
    td_try(td_device_find(tx, tenant, id, &a, &d, err));
    if (d.registration_id[0] != '\0' && d.joined_at == 0)
        return td_remedy(
            err, td_fail(err, TD_ESTATE, "device", "it is the object of the registration %s", d.registration_id),
            "delete the registration, its object goes with it");
    const struct td_change gone = {"displayName", d.display_name, NULL};
    const struct td_audit what = {.type = "device.removed",
                                  .actor = actor,
                                  .kind = "device",
                                  .id = id,
                                  .name = d.display_name,
                                  .changes = &gone,
                                  .count = 1};
    td_try(td_audit_tell(tx, tenant, &what, err));
    if (d.account_guid[0] != '\0')
        td_try(forget_account(tx, tenant, id, &a, err));
    return td_device_leave(tx, tenant, id, actor, err);
}

/* --- users --- */

const struct td_user_field td_user_fields[] = {
    {"city", "city", 128},
    {"companyName", "company_name", 64},
    {"country", "country", 128},
    {"department", "department", 64},
    {"employeeId", "employee_id", 16},
    {"givenName", "given_name", 64},
    {"jobTitle", "job_title", 128},
    {"mail", "mail", TD_UPN_MAX},
    {"mailNickname", "nickname", 64},
    {"mobilePhone", "mobile", 64},
    {"officeLocation", "office", 128},
    {"postalCode", "postal_code", 40},
    {"preferredLanguage", "preferred_language", 32},
    {"state", "state", 128},
    {"streetAddress", "street_address", 1024},
    {"surname", "surname", 64},
    {"businessPhones", "telephone", 64},
    {"usageLocation", "usage_location", 2},
    {"userType", "user_type", 16},
};
const size_t td_user_field_count = TD_COUNTOF(td_user_fields);

struct changes {
    struct td_change list[TD_COUNTOF(td_user_fields) + 4];
    size_t n;
};

static enum td_code old_field(struct td_tx *tx, const char *tenant, const char *id, const char *column,
                              struct td_arena *a, const char **ret, struct td_error *err)
{
    struct td_rows r;
    *ret = "";
    td_try(td_sql_query(tx, &r, err, td_arena_printf(a, "SELECT %s FROM account WHERE tenant = $1 AND id = $2", column),
                        "ss", tenant, id));
    while (td_rows_next(&r))
        *ret = td_col_text0(&r, 0, a);
    return td_rows_done(&r, err);
}

/* name, column: of our tables, never a caller's. */
static enum td_code change_field(struct td_tx *tx, const char *tenant, const char *id, const char *name,
                                 const char *column, size_t max, const char *value, struct td_arena *a,
                                 struct changes *c, struct td_error *err)
{
    const char *old = "";
    if (strlen(value) > max || !td_utf8_ok(td_str(value)))
        return td_fail(err, TD_EINVAL, name, "is more than %zu octets", max);
    td_try(old_field(tx, tenant, id, column, a, &old, err));
    if (strcmp(old, value) == 0)
        return TD_OK;
    td_try(td_sql(tx, err, td_arena_printf(a, "UPDATE account SET %s = $3 WHERE tenant = $1 AND id = $2", column),
                  "sss", tenant, id, value));
    c->list[c->n++] = (struct td_change){name, old, value};
    return TD_OK;
}

/* Another name for signing in: what was issued for the old one is void. */
static enum td_code change_upn(struct td_tx *tx, const struct td_user *u, const char *upn, struct td_arena *a,
                               struct changes *c, struct td_error *err)
{
    struct td_user other;
    char *key = td_arena_strdup(a, upn);
    td_lower(key);
    td_try(td_upn_check(td_str(upn), err));
    if (td_ieqs(td_str(upn), u->upn))
        return TD_OK;
    enum td_code rc = td_user_by_upn(tx, td_str(upn), a, &other, err);
    if (rc == TD_OK)
        return td_fail(err, TD_EEXISTS, "userPrincipalName", "there is a user %s already", upn);
    if (rc != TD_ENOTFOUND)
        return rc;
    if (other.tenant == NULL || strcmp(other.tenant, u->tenant) != 0)
        return td_remedy(err, td_fail(err, TD_EINVAL, "userPrincipalName", "ends with no domain of this tenant"),
                         "use a domain of the tenant");
    c->list[c->n++] = (struct td_change){"userPrincipalName", u->upn, upn};
    return td_sql(tx, err, "UPDATE account SET upn = $3, upn_key = $4, tokens_from = $5 WHERE tenant = $1 AND id = $2",
                  "ssssi", u->tenant, u->id, upn, key, td_tx_now(tx));
}

static enum td_code change_hire_date(struct td_tx *tx, const struct td_user *u, int64_t at, struct td_arena *a,
                                     struct changes *c, struct td_error *err)
{
    c->list[c->n++] = (struct td_change){"employeeHireDate", NULL, at != 0 ? td_time_arena(a, at) : NULL};
    return td_sql(tx, err, "UPDATE account SET employee_hire_date = $3 WHERE tenant = $1 AND id = $2", "ssi", u->tenant,
                  u->id, at);
}

static enum td_code change_words(struct td_tx *tx, const struct td_user *u, const struct td_user_change *change,
                                 struct td_arena *a, struct changes *c, struct td_error *err)
{
    if (change->name != NULL && change->name[0] == '\0')
        return td_fail(err, TD_EINVAL, "displayName", "a user needs a name");
    if (change->upn != NULL)
        td_try(change_upn(tx, u, change->upn, a, c, err));
    if (change->name != NULL)
        td_try(change_field(tx, u->tenant, u->id, "displayName", "name", TD_USER_NAME_MAX, change->name, a, c, err));
    for (size_t i = 0; change->fields != NULL && i < td_user_field_count; i++)
        if (change->fields[i] != NULL)
            td_try(change_field(tx, u->tenant, u->id, td_user_fields[i].name, td_user_fields[i].column,
                                td_user_fields[i].max, change->fields[i], a, c, err));
    if (change->other_mails != NULL)
        td_try(change_field(tx, u->tenant, u->id, "otherMails", "other_mails", 4096, change->other_mails, a, c, err));
    return change->hire_date != NULL ? change_hire_date(tx, u, *change->hire_date, a, c, err) : TD_OK;
}

enum td_code td_user_change(struct td_tx *tx, const char *tenant, const char *id, const struct td_user_change *change,
                            const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_user u;
    struct changes c = {.n = 0};
    td_try(td_user_find(tx, tenant, td_str(id), &a, &u, err));
    td_try(td_user_ours(tx, &u, err));
    td_try(change_words(tx, &u, change, &a, &c, err));
    if (change->phc != NULL)
        td_try(td_user_set_password(tx, tenant, u.id, change->phc, actor, err));
    if (change->enabled != NULL && *change->enabled != u.enabled)
        td_try(td_user_enable(tx, tenant, u.id, *change->enabled, actor, err));
    if (c.n != 0) {
        const struct td_audit what = {.type = "user.changed",
                                      .actor = actor,
                                      .kind = "user",
                                      .id = u.id,
                                      .name = u.upn,
                                      .changes = c.list,
                                      .count = c.n};
        td_try(td_audit_tell(tx, tenant, &what, err));
    }
    return td_group_user_moved(tx, tenant, u.id, err);
}

enum td_code td_user_forget(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                            struct td_error *err)
{
    return td_user_remove(tx, tenant, id, actor, err);
}
