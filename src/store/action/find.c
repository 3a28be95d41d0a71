/* Which device is meant: people know serial numbers and ids of all kinds. */
#include "store/action/room.h"
#include "store/registration.h"
#include "store/way.h"

/* Active enrolments by their own id, or by the serial number that the device told. */
static enum td_code by_enrolment(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                                 const char **ret, int *ret_count, struct td_error *err)
{
    struct td_rows r;
    *ret_count = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT id FROM enrolment WHERE tenant = $1 AND id = $2 AND state = 0 UNION"
                        " SELECT id FROM enrolment WHERE tenant = $1 AND lower(serial) = $2 AND state = 0 LIMIT 2",
                        "ss", tenant, key));
    while (td_rows_next(&r)) {
        *ret = td_col_text0(&r, 0, a);
        ++*ret_count;
    }
    return td_rows_done(&r, err);
}

/* TD_ENOTFOUND unless the key is a registration's, a directory object's or a way's. */
static enum td_code find_way(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                             struct td_way_row *ret, struct td_error *err)
{
    static const enum td_way_key keys[] = {TD_WAY_DEVICE, TD_WAY_ENROLMENT, TD_WAY_ID};
    struct td_registration reg = {.id = ""};
    enum td_code rc = td_registration_find_any(tx, tenant, key, a, &reg, err);
    if (rc == TD_OK)
        return td_way_find(tx, tenant, TD_WAY_ID, reg.way_id, a, ret, err);
    for (size_t i = 0; i < TD_COUNTOF(keys) && rc == TD_ENOTFOUND; i++)
        rc = td_way_find(tx, tenant, keys[i], key, a, ret, err);
    return rc;
}

enum td_code td_action_enrolment_of(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                                    const char **ret, struct td_error *err)
{
    struct td_way_row way = {.id = "", .enrolment_id = ""};
    struct td_action_device d = {"", "", "", "", "", "", false};
    char *lower = td_arena_text(a, td_sub(td_str(key), 0, 200));
    int count = 0;
    td_lower(lower);
    td_try(by_enrolment(tx, tenant, lower, a, ret, &count, err));
    if (count == 1)
        return TD_OK;
    if (count > 1)
        return td_remedy(err, td_fail(err, TD_EINVAL, "device", "several devices have the serial number %.64s", key),
                         "Name it by one of its ids: touchdown device list shows them.");
    enum td_code rc = find_way(tx, tenant, lower, a, &way, err);
    if (rc == TD_ENOTFOUND)
        return td_fail(err, TD_ENOTFOUND, "device", "there is no device %.64s", key);
    td_try(rc);
    rc = td_action_device(tx, tenant, way.enrolment_id, a, &d, err);
    if (rc == TD_OK && d.active) {
        *ret = d.enrolment_id;
        return TD_OK;
    }
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    return td_remedy(err, td_fail(err, TD_ESTATE, "device", "the device %.64s is not managed", key),
                     "Actions reach managed devices only; it has to enrol (again) first.");
}

enum td_code td_action_way_of(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                              const char **ret, struct td_error *err)
{
    struct td_way_row way = {.id = ""};
    struct td_action_device d = {"", "", "", "", "", "", false};
    const char *enrolment = "";
    char *lower = td_arena_text(a, td_sub(td_str(key), 0, 200));
    int count = 0;
    td_lower(lower);
    enum td_code rc = find_way(tx, tenant, lower, a, &way, err);
    *ret = way.id;
    if (rc != TD_ENOTFOUND)
        return rc;
    td_try(by_enrolment(tx, tenant, lower, a, &enrolment, &count, err));
    if (count != 1)
        return td_fail(err, TD_ENOTFOUND, "device", "there is no device %.64s", key);
    td_try(td_action_device(tx, tenant, enrolment, a, &d, err));
    *ret = d.way_id;
    return TD_OK;
}

enum td_code td_action_device_name(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_arena *a,
                                   const char **ret, struct td_error *err)
{
    struct td_action_device d = {"", "", "", "", "", "", false};
    enum td_code rc = td_action_device(tx, tenant, enrolment_id, a, &d, err);
    *ret = d.name;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}
