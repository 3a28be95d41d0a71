/* What rules see of devices and users, read with as few joins as the rules need (graph-api.md 1.8, 1.9). */
#include "store/group/room.h"

#define BIT(attribute) (UINT64_C(1) << (attribute))
#define EXTENSIONS_MASK (UINT64_C(0x7FFF) << TD_RD_EXTENSION1)

static const char management_app[] = "0000000a-0000-0000-c000-000000000000";

enum {
    C_KEY,
    C_OBJECT,
    C_REGISTRATION,
    C_TAG,
    C_ORDER,
    C_HARDWARE,
    C_NAME,
    C_OS,
    C_OS_VERSION,
    C_TRUST,
    C_ENABLED,
    C_MAKER,
    C_MODEL,
    C_MANAGED,
    C_OWNER,
    C_PROFILE,
    C_EXTENSION1
};

#define EXTENSION_COLUMNS                                                                                     \
    ", d.extension1, d.extension2, d.extension3, d.extension4, d.extension5, d.extension6, d.extension7,"     \
    " d.extension8, d.extension9, d.extension10, d.extension11, d.extension12, d.extension13, d.extension14," \
    " d.extension15"

/* Which tables a rule's attributes come from, beside the directory's own. */
struct joins {
    bool registration, enrolment, profile, extensions;
};

static struct joins joins_for(uint64_t attributes)
{
    struct joins j = {
        .registration = (attributes & (BIT(TD_RD_MANUFACTURER) | BIT(TD_RD_MODEL) | BIT(TD_RD_DISPLAY_NAME) |
                                       BIT(TD_RD_PROFILE_NAME))) != 0,
        .enrolment = (attributes & (BIT(TD_RD_OS_VERSION) | BIT(TD_RD_MANAGEMENT_APP_ID) | BIT(TD_RD_MANAGEMENT_TYPE) |
                                    BIT(TD_RD_MANUFACTURER) | BIT(TD_RD_MODEL) | BIT(TD_RD_OWNERSHIP))) != 0,
        .profile = (attributes & BIT(TD_RD_PROFILE_NAME)) != 0,
        .extensions = (attributes & EXTENSIONS_MASK) != 0};
    return j;
}

/* Of a device that nobody registered, what it said of itself under management. */
static const char maker_and_model[] = "coalesce(r.manufacturer, NULLIF(e.manufacturer, '')),"
                                      " coalesce(r.model, NULLIF(e.model, ''))";
static const char maker_and_model_registered[] = "r.manufacturer, r.model";

static const char *device_query(const struct joins *j, const struct td_subject_ask *ask, struct td_arena *a)
{
    return td_arena_printf(
        a,
        "SELECT w.id, d.id, d.registration_id, d.group_tag, d.purchase_order, d.hardware_id, %s, d.os, %s,"
        " d.trust_type, d.enabled, %s, %s, %s%s FROM way w"
        " JOIN directory_device d ON d.tenant = w.tenant AND d.id = w.device_id AND d.deleted_at = 0%s%s%s"
        " WHERE w.tenant = $1 AND w.id %s $2%s ORDER BY w.id LIMIT $%d",
        j->registration ? "CASE WHEN d.joined_at = 0 AND r.display_name <> '' THEN r.display_name"
                          " ELSE d.display_name END"
                        : "d.display_name",
        j->enrolment ? "coalesce(NULLIF(e.os_version, ''), d.os_version)" : "d.os_version",
        j->registration ? (j->enrolment ? maker_and_model : maker_and_model_registered) : "NULL, NULL",
        j->enrolment ? "e.id, e.owner" : "NULL, 0", j->profile ? "coalesce(g.name, p.name)" : "NULL",
        j->extensions ? EXTENSION_COLUMNS : "",
        j->registration ? " LEFT JOIN registration r ON r.tenant = w.tenant AND r.id = w.registration_id" : "",
        j->enrolment ? " LEFT JOIN enrolment e ON e.tenant = w.tenant AND e.id = w.enrolment_id AND e.state = 0" : "",
        j->profile ? " LEFT JOIN profile_given g ON g.tenant = w.tenant AND g.way_id = w.id"
                     " LEFT JOIN profile p ON p.tenant = w.tenant AND p.id = r.profile_id"
                   : "",
        ask->only != NULL ? "=" : ">", ask->last != NULL ? " AND w.id <= $3" : "", ask->last != NULL ? 4 : 3);
}

static void add_id(const char **ids, size_t *n, const char *kind, struct td_rows *r, int col, struct td_arena *a)
{
    const char *value = td_col_text0(r, col, a);
    if (value[0] != '\0')
        ids[(*n)++] = td_arena_printf(a, "[%s]:%s", kind, value);
}

/* As the directory object shows them (autopilot.md 1.7). */
static void physical_ids(struct td_rows *r, struct td_subject *s, struct td_arena *a)
{
    const char **ids = td_arena_array(a, const char *, 5);
    size_t n = 0;
    add_id(ids, &n, "ZTDID", r, C_REGISTRATION, a);
    add_id(ids, &n, "OrderId", r, C_TAG, a);
    add_id(ids, &n, "PurchaseOrderId", r, C_ORDER, a);
    add_id(ids, &n, "HWID", r, C_HARDWARE, a);
    s->rule.items[TD_RD_PHYSICAL_IDS] = ids;
}

static void read_device(struct td_rows *r, const struct joins *j, uint64_t attributes, struct td_arena *a,
                        struct td_subject *ret)
{
    struct td_subject s = {.key = td_col_text0(r, C_KEY, a),
                           .object = td_col_text0(r, C_OBJECT, a),
                           .registration_id = td_col_text0(r, C_REGISTRATION, a),
                           .name = td_col_text0(r, C_NAME, a),
                           .rule = {.kind = TD_RULE_DEVICES}};
    const char **text = s.rule.text;
    bool managed = !td_col_null(r, C_MANAGED);
    text[TD_RD_ACCOUNT_ENABLED] = td_col_int(r, C_ENABLED) != 0 ? "true" : "false";
    text[TD_RD_DEVICE_ID] = text[TD_RD_OBJECT_ID] = s.object;
    text[TD_RD_DISPLAY_NAME] = s.name;
    text[TD_RD_OS_TYPE] = td_col_text0(r, C_OS, a);
    text[TD_RD_OS_VERSION] = td_col_text0(r, C_OS_VERSION, a);
    text[TD_RD_TRUST_TYPE] = td_col_text0(r, C_TRUST, a);
    bool own = strcmp(text[TD_RD_TRUST_TYPE], "Workplace") != 0 || s.registration_id[0] != '\0';
    int64_t owner = td_col_int(r, C_OWNER); /* as an administrator said: 1 company, 2 personal */
    text[TD_RD_OWNERSHIP] = owner == 1 || (owner == 0 && own) ? "Company" : "Personal";
    text[TD_RD_IS_ROOTED] = "false";
    text[TD_RD_PROFILE_TYPE] = "RegisteredDevice";
    text[TD_RD_MANAGEMENT_APP_ID] = managed ? management_app : NULL;
    text[TD_RD_MANAGEMENT_TYPE] = managed ? "MDM" : NULL;
    if (j->registration) {
        text[TD_RD_MANUFACTURER] = td_col_text(r, C_MAKER, a);
        text[TD_RD_MODEL] = td_col_text(r, C_MODEL, a);
    }
    text[TD_RD_PROFILE_NAME] = j->profile ? td_col_text(r, C_PROFILE, a) : NULL;
    for (int i = 0; j->extensions && i < 15; i++)
        text[TD_RD_EXTENSION1 + i] = td_col_text0(r, C_EXTENSION1 + i, a);
    if ((attributes & BIT(TD_RD_PHYSICAL_IDS)) != 0)
        physical_ids(r, &s, a);
    *ret = s;
}

static const char user_query[] =
    "SELECT id, upn, name, enabled, city, company_name, country, department, employee_hire_date, employee_id,"
    " given_name, job_title, mail, nickname, mobile, office, postal_code, preferred_language, state, street_address,"
    " surname, telephone, usage_location, user_type, other_mails FROM account";

/* Texts with line ends between them, as they rest. */
static const char *const *lines(struct td_arena *a, char *text)
{
    size_t n = 0, room = 0;
    const char **list = NULL;
    for (char *next = text; next != NULL && *next != '\0';) {
        list = td_arena_room(a, list, n, &room, sizeof(*list));
        list[n++] = next;
        next = strchr(next, '\n');
        if (next != NULL)
            *next++ = '\0';
    }
    list = td_arena_room(a, list, n, &room, sizeof(*list));
    list[n] = NULL;
    return list;
}

static void read_user(struct td_rows *r, struct td_arena *a, struct td_subject *ret)
{
    static const struct {
        int column, attribute;
    } texts[] = {
        {0, TD_RU_OBJECT_ID},       {1, TD_RU_USER_PRINCIPAL_NAME},
        {2, TD_RU_DISPLAY_NAME},    {4, TD_RU_CITY},
        {5, TD_RU_COMPANY_NAME},    {6, TD_RU_COUNTRY},
        {7, TD_RU_DEPARTMENT},      {9, TD_RU_EMPLOYEE_ID},
        {10, TD_RU_GIVEN_NAME},     {11, TD_RU_JOB_TITLE},
        {12, TD_RU_MAIL},           {13, TD_RU_MAIL_NICKNAME},
        {14, TD_RU_MOBILE},         {15, TD_RU_OFFICE},
        {16, TD_RU_POSTAL_CODE},    {17, TD_RU_PREFERRED_LANGUAGE},
        {18, TD_RU_STATE},          {19, TD_RU_STREET_ADDRESS},
        {20, TD_RU_SURNAME},        {21, TD_RU_TELEPHONE},
        {22, TD_RU_USAGE_LOCATION}, {23, TD_RU_USER_TYPE},
    };
    struct td_subject s = {.registration_id = "", .rule = {.kind = TD_RULE_USERS}};
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        s.rule.text[texts[i].attribute] = td_col_text0(r, texts[i].column, a);
    s.key = s.object = s.rule.text[TD_RU_OBJECT_ID];
    s.name = s.rule.text[TD_RU_USER_PRINCIPAL_NAME];
    s.rule.text[TD_RU_ACCOUNT_ENABLED] = td_col_int(r, 3) != 0 ? "true" : "false";
    if (td_col_int(r, 8) != 0)
        s.rule.text[TD_RU_EMPLOYEE_HIRE_DATE] = td_time_arena(a, td_col_int(r, 8));
    s.rule.items[TD_RU_OTHER_MAILS] = lines(a, td_col_text0(r, 24, a));
    *ret = s;
}

static const char *user_query_of(const struct td_subject_ask *ask, struct td_arena *a)
{
    return td_arena_printf(a, "%s WHERE tenant = $1 AND id %s $2%s ORDER BY id LIMIT $%d", user_query,
                           ask->only != NULL ? "=" : ">", ask->last != NULL ? " AND id <= $3" : "",
                           ask->last != NULL ? 4 : 3);
}

enum td_code td_subjects(struct td_tx *tx, enum td_rule_kind kind, const struct td_subject_ask *ask, struct td_arena *a,
                         struct td_subject **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    struct joins j = joins_for(ask->attributes);
    size_t n = 0;
    struct td_subject *list = td_arena_array(a, struct td_subject, ask->max);
    const char *sql = kind == TD_RULE_USERS ? user_query_of(ask, a) : device_query(&j, ask, a);
    const char *from = ask->only != NULL ? ask->only : ask->after;
    if (ask->last != NULL)
        td_try(td_sql_query(tx, &r, err, sql, "sssi", ask->tenant, from, ask->last, (int64_t)ask->max));
    else
        td_try(td_sql_query(tx, &r, err, sql, "ssi", ask->tenant, from, (int64_t)ask->max));
    while (n < ask->max && td_rows_next(&r)) {
        if (kind == TD_RULE_USERS)
            read_user(&r, a, &list[n++]);
        else
            read_device(&r, &j, ask->attributes, a, &list[n++]);
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_subject_one(struct td_tx *tx, const char *tenant, enum td_rule_kind kind, const char *key,
                            struct td_arena *a, struct td_subject *ret, struct td_error *err)
{
    struct td_subject *list = NULL;
    struct td_subject_ask ask = {.tenant = tenant, .only = key, .max = 1, .attributes = UINT64_MAX};
    size_t n = 0;
    td_try(td_subjects(tx, kind, &ask, a, &list, &n, err));
    if (n == 0)
        return kind == TD_RULE_USERS ? td_fail(err, TD_ENOTFOUND, "user", "there is no such user")
                                     : td_fail(err, TD_ENOTFOUND, "device", "there is no such directory device");
    *ret = list[0];
    return TD_OK;
}

enum td_code td_memberships(struct td_tx *tx, enum td_rule_kind kind, const char *tenant, const char *after,
                            const char *last, struct td_arena *a, struct td_membership **ret, size_t *ret_count,
                            struct td_error *err)
{
    struct td_rows r;
    size_t n = 0, room = 0;
    struct td_membership *list = NULL;
    td_try(td_sql_query(tx, &r, err,
                        kind == TD_RULE_USERS ? "SELECT user_id, group_id FROM group_user WHERE tenant = $1"
                                                " AND user_id > $2 AND user_id <= $3 ORDER BY user_id, group_id"
                                              : "SELECT way_id, group_id FROM device_group_member WHERE tenant = $1"
                                                " AND way_id > $2 AND way_id <= $3 ORDER BY way_id, group_id",
                        "sss", tenant, after, last));
    while (td_rows_next(&r)) {
        list = td_arena_room(a, list, n, &room, sizeof(*list));
        list[n++] = (struct td_membership){.key = td_col_text0(&r, 0, a), .group_id = td_col_text0(&r, 1, a)};
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_membership_put(struct td_tx *tx, enum td_rule_kind kind, const char *tenant, const char *group_id,
                               const char *key, bool member, struct td_error *err)
{
    static const char *const statements[2][2] = {
        {"DELETE FROM device_group_member WHERE tenant = $1 AND group_id = $2 AND way_id = $3",
         "INSERT INTO device_group_member(tenant, group_id, way_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"},
        {"DELETE FROM group_user WHERE tenant = $1 AND group_id = $2 AND user_id = $3",
         "INSERT INTO group_user(tenant, group_id, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"}};
    return td_sql(tx, err, statements[kind == TD_RULE_USERS][member], "sss", tenant, group_id, key);
}

enum td_code td_way_of_device(struct td_tx *tx, const char *tenant, const char *device_id, struct td_arena *a,
                              const char **ret, struct td_error *err)
{
    struct td_rows r;
    *ret = "";
    td_try(
        td_sql_query(tx, &r, err, "SELECT id FROM way WHERE tenant = $1 AND device_id = $2", "ss", tenant, device_id));
    while (td_rows_next(&r))
        *ret = td_col_text0(&r, 0, a);
    return td_rows_done(&r, err);
}
