/* What a tenant says about a device, changed and told: one table of members serves reading, checking, writing and the
 * audit. */
#include "base/fault.h"
#include "store/audit.h"
#include "store/device.h"
#include "store/registration.h"
#include "store/user.h"
#include "store/way.h"
#include "way/names.h"

#include <stddef.h>

/* In the order of the statement's parameters. */
static const struct member {
    const char *name; /* of the interface, for errors and the audit */
    size_t wanted, kept;
    size_t max;
} members[] = {
#define MEMBER(word, field, max)                                                                           \
    {                                                                                                      \
        word, offsetof(struct td_registration_change, field), offsetof(struct td_registration, field), max \
    }
    MEMBER("groupTag", group_tag, TD_TAG_MAX),
    MEMBER("purchaseOrderIdentifier", purchase_order, TD_TAG_MAX),
    MEMBER("userPrincipalName", assigned_user, TD_USER_MAX),
    MEMBER("addressableUserName", addressable_user, TD_USER_MAX),
    MEMBER("displayName", display_name, TD_NAME_MAX),
    MEMBER("deviceFriendlyName", friendly_name, TD_USER_MAX),
    MEMBER("deviceAccountUpn", account_upn, TD_USER_MAX),
    MEMBER("resourceName", resource_name, TD_USER_MAX),
    MEMBER("productKey", product_key, TD_SERIAL_MAX),
};
enum { TAG, ORDER, USER, GREETING, NAME, FRIENDLY, ACCOUNT, RESOURCE, KEY, MEMBERS = TD_COUNTOF(members) };

struct changing {
    struct td_tx *tx;
    const char *tenant;
    const struct td_registration_change *change;
    const char *actor;
    struct td_arena arena;
    struct td_registration r;
    const char *before[MEMBERS], *after[MEMBERS];
};

static const char *at(const void *of, size_t offset)
{
    const char *const *field = (const void *)((const char *)of + offset);
    return *field;
}

/* The name of a computer is letters, digits and hyphens; a template is the profile's. */
static enum td_code check_name(const char *name, struct td_error *err)
{
    if (td_find(td_str(name), '%') != SIZE_MAX || td_name_check(td_str(name), err) != TD_OK)
        return td_remedy(err,
                         td_fail(err, TD_EINVAL, "displayName", "\"%.40s\" cannot be the name of a computer", name),
                         "at most %d letters, digits and hyphens, not digits alone", TD_NAME_MAX);
    return TD_OK;
}

/* The name as the directory has it: a wrong one would lock the device out (pain Z06). */
static enum td_code check_user(struct changing *c, struct td_error *err)
{
    struct td_user u;
    const char **name = &c->after[USER];
    if ((*name)[0] == '\0' || strcmp(*name, c->before[USER]) == 0 || c->change->any_user)
        return TD_OK;
    enum td_code rc = td_user_find(c->tx, c->tenant, td_str(*name), &c->arena, &u, err);
    if (rc == TD_ENOTFOUND && td_fault("assign-any-user"))
        return TD_OK;
    if (rc == TD_ENOTFOUND)
        return td_remedy(err,
                         td_fail(err, TD_EINVAL, "userPrincipalName", "there is no user %.100s in this tenant", *name),
                         "name a user of this tenant, or add the user first");
    td_try(rc);
    *name = u.upn;
    return TD_OK;
}

static enum td_code collect(struct changing *c, struct td_error *err)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        const char *wanted = at(c->change, members[i].wanted);
        c->before[i] = at(&c->r, members[i].kept);
        c->after[i] = wanted != NULL ? wanted : c->before[i];
        if (wanted != NULL && strlen(wanted) > members[i].max)
            return td_fail(err, TD_EINVAL, members[i].name, "is longer than %zu characters", members[i].max);
        if (!td_utf8_ok(td_str(c->after[i])))
            return td_fail(err, TD_EINVAL, members[i].name, "is no UTF-8 text");
    }
    if (c->change->display_name != NULL && c->after[NAME][0] != '\0')
        td_try(check_name(c->after[NAME], err));
    if (c->change->assigned_user != NULL)
        td_try(check_user(c, err));
    if (c->change->assigned_user != NULL && c->after[USER][0] == '\0' && c->change->addressable_user == NULL)
        c->after[GREETING] = "";
    if (c->change->addressable_user != NULL && c->after[GREETING][0] != '\0' && c->after[USER][0] == '\0')
        return td_remedy(err, td_fail(err, TD_EINVAL, "addressableUserName", "goes with a user and there is none"),
                         "give userPrincipalName with it");
    return TD_OK;
}

static bool differs(const struct changing *c, size_t i)
{
    return strcmp(c->before[i], c->after[i]) != 0;
}

/* Words for what stands alone, so that a timeline reads well. */
static const char *event_type(const struct changing *c)
{
    size_t n = 0;
    for (size_t i = 0; i < MEMBERS; i++)
        n += differs(c, i) && i != GREETING;
    if (n > 1)
        return "device.changed";
    if (differs(c, TAG))
        return "device.tagged";
    if (differs(c, USER))
        return c->after[USER][0] != '\0' ? "device.user-assigned" : "device.user-unassigned";
    return differs(c, NAME) ? "device.named" : "device.changed";
}

static enum td_code tell(struct changing *c, int64_t userless, struct td_error *err)
{
    static const char *const words[] = {"unknown", "allowed", "blocked"};
    struct td_change list[MEMBERS + 1];
    for (size_t i = 0; i < MEMBERS; i++)
        list[i] = (struct td_change){members[i].name, c->before[i], c->after[i]};
    list[MEMBERS] = (struct td_change){"userlessEnrollmentStatus", words[c->r.userless], words[userless]};
    const struct td_audit what = {.type = event_type(c),
                                  .actor = c->actor,
                                  .subject = c->r.way_id,
                                  .kind = "registration",
                                  .id = c->r.id,
                                  .name = c->r.serial,
                                  .changes = list,
                                  .count = TD_COUNTOF(list)};
    return td_audit_tell(c->tx, c->tenant, &what, err);
}

/* Directory object and groups follow what rules look at. */
static enum td_code follow(struct changing *c, struct td_error *err)
{
    const char *device_id = "";
    const struct td_device_precreated what = {.registration_id = c->r.id,
                                              .serial = c->r.serial,
                                              .group_tag = c->after[TAG],
                                              .purchase_order = c->after[ORDER]};
    if (!differs(c, TAG) && !differs(c, ORDER) && !differs(c, NAME))
        return TD_OK;
    td_try(td_device_precreate(c->tx, c->tenant, &what, &c->arena, &device_id, err));
    if (strcmp(device_id, c->r.device_id) != 0)
        td_try(td_sql(c->tx, err, "UPDATE registration SET device_id = $3 WHERE tenant = $1 AND id = $2", "sss",
                      c->tenant, c->r.id, device_id));
    return td_registration_evaluate(c->tx, c->tenant, c->r.id, c->actor, err);
}

static enum td_code apply(struct changing *c, bool *ret_changed, struct td_error *err)
{
    bool any = false;
    td_try(td_registration_find(c->tx, c->tenant, c->r.id, &c->arena, &c->r, err));
    td_try(collect(c, err));
    int64_t userless = c->change->userless != NULL ? (int64_t)*c->change->userless : c->r.userless;
    for (size_t i = 0; i < MEMBERS; i++)
        any = any || differs(c, i);
    if (!any && userless == c->r.userless)
        return TD_OK;
    td_try(td_sql(c->tx, err,
                  "UPDATE registration SET group_tag = $3, purchase_order = $4, assigned_user = $5,"
                  " addressable_user = $6, display_name = $7, friendly_name = $8, account_upn = $9,"
                  " resource_name = $10, product_key = $11, userless = $12, modified_at = $13"
                  " WHERE tenant = $1 AND id = $2",
                  "sssssssssssii", c->tenant, c->r.id, c->after[TAG], c->after[ORDER], c->after[USER],
                  c->after[GREETING], c->after[NAME], c->after[FRIENDLY], c->after[ACCOUNT], c->after[RESOURCE],
                  c->after[KEY], userless, td_tx_now(c->tx)));
    td_try(tell(c, userless, err));
    *ret_changed = true;
    return follow(c, err);
}

enum td_code td_registration_change(struct td_tx *tx, const char *tenant, const char *id,
                                    const struct td_registration_change *change, const char *actor, bool *ret_changed,
                                    struct td_error *err)
{
    struct changing c = {.tx = tx, .tenant = tenant, .change = change, .actor = actor, .r = {.id = id}};
    bool changed = false;
    enum td_code rc = apply(&c, &changed, err);
    td_arena_done(&c.arena);
    if (rc == TD_OK && ret_changed != NULL)
        *ret_changed = *ret_changed || changed;
    return rc;
}

enum td_code td_registration_remedy(struct td_tx *tx, const char *tenant, const char *id, enum td_remediation state,
                                    const char *why, struct td_error *err)
{
    static const char *const words[] = {"unknown", "none", "automatic", "manual"};
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_registration r = {.id = ""};
    td_try(td_registration_find(tx, tenant, id, &a, &r, err));
    if (r.remediation == (int64_t)state)
        return TD_OK;
    td_try(td_sql(tx, err,
                  "UPDATE registration SET remediation = $3, remediation_at = $4 WHERE tenant = $1 AND id = $2", "ssii",
                  tenant, id, (int64_t)state, td_tx_now(tx)));
    struct td_event e = {.subject = r.way_id, .type = "device.attention", .actor = "system"};
    return td_event_tell(tx, tenant, &e, err, "remediation", words[state], "cause", why, NULL);
}
