/* Actions on managed devices as clients ask for them and read what came of them (graph-api.md 1.5, 2.7). */
#include "managed_world.h"
#include "store/action.h"
#include "store/tenant.h"

#define V1 "/v1.0/deviceManagement/managedDevices"

/* ---- what the store has ---- */

struct open_ones {
    const char *enrolment;
    struct td_action *rows;
    size_t count;
};

static enum td_code read_open(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct open_ones *o = ctx;
    return td_action_open_list(tx, g.box->tenant, o->enrolment, &g.box->arena, &o->rows, &o->count, err);
}

static struct open_ones open_of(const char *enrolment)
{
    struct open_ones o = {.enrolment = enrolment};
    struct td_error err = {0};
    if (td_store_read(g.box->svc.store, read_open, &o, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    return o;
}

static const struct td_action *only_open(const char *enrolment)
{
    struct open_ones o = open_of(enrolment);
    assert_int_equal(o.count, 1);
    return o.rows;
}

static enum td_code cancel(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_action_cancel(tx, g.box->tenant, ctx, "command line", err);
}

static void cancel_all(const char *enrolment)
{
    struct open_ones o = open_of(enrolment);
    for (size_t i = 0; i < o.count; i++)
        commit(cancel, td_arena_strdup(&g.box->arena, o.rows[i].id));
}

struct answer {
    const char *id;
    int status; /* 0: delivered only */
    enum td_action_state state;
};

static enum td_code deliver(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct answer *x = ctx;
    td_try(td_action_delivered(tx, g.box->tenant, x->id, err));
    return x->status != 0 ? td_action_answered(tx, g.box->tenant, x->id, x->status, 0, err) : TD_OK;
}

static enum td_code finish(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct answer *x = ctx;
    struct td_error why = {.code = TD_EUNAVAILABLE, .text = "it was interrupted", .remedy = "Ask again."};
    return td_action_finish(tx, g.box->tenant, x->id, x->state, &why, err);
}

static void delivered(const char *enrolment, int status)
{
    struct answer x = {.id = only_open(enrolment)->id, .status = status};
    commit(deliver, &x);
}

static void finished(const char *enrolment, enum td_action_state state)
{
    struct answer x = {.id = only_open(enrolment)->id, .state = state};
    commit(finish, &x);
}

struct setting {
    const char *name, *value;
};

static enum td_code set(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct setting *s = ctx;
    return td_tenant_set(tx, g.box->tenant, s->name, s->value, "test", err);
}

static void setting(const char *name, const char *value)
{
    struct setting s = {name, value};
    commit(set, &s);
}

static void as(const char *bearer, int status, const char *call, const char *body)
{
    gw_call_as(bearer, call, body);
    if (g.status != status)
        fail_msg("%s: want %d, got %d %s", call, status, g.status, g.body);
}

/* ---- the forms of wipe ---- */

static void every_wipe(void **state TD_UNUSED)
{
    static const struct {
        const char *body;
        enum td_action_kind kind;
    } forms[] = {
        {"{\"keepEnrollmentData\":false,\"keepUserData\":false}", TD_ACTION_WIPE},
        {"{}", TD_ACTION_WIPE},
        {NULL, TD_ACTION_WIPE},
        {"{\"keepEnrollmentData\":null,\"keepUserData\":null,\"macOsUnlockCode\":null}", TD_ACTION_WIPE},
        {"{\"keepUserData\":true}", TD_ACTION_WIPE_KEEP_USER},
        {"{\"keepEnrollmentData\":true,\"keepUserData\":false}", TD_ACTION_RESET},
        {"{ KeepEnrollmentData: \"True\" }", TD_ACTION_RESET},
        {"{\"keepEnrollmentData\":true,\"keepUserData\":true}", TD_ACTION_WIPE_KEEP_PROVISIONING},
        {"{\"useProtectedWipe\":true}", TD_ACTION_WIPE_PROTECTED},
        {"{\"keepUserData\":false,\"macOsUnlockCode\":\"123456\",\"persistEsimDataPlan\":true,"
         "\"obliterationBehavior\":\"doNotObliterate\",\"unknownMember\":7}",
         TD_ACTION_WIPE},
    };
    static const char *const wrong[] = {
        "{\"keepUserData\":\"perhaps\"}",
        "{\"keepEnrollmentData\":2}",
        "{\"keepUserData\":{}}",
        "{\"useProtectedWipe\":\"\"}",
        "{\"useProtectedWipe\":true,\"keepUserData\":true}",
        "{\"useProtectedWipe\":true,\"keepEnrollmentData\":true}",
        "{\"macOsUnlockCode\":123456}",
        "{\"persistEsimDataPlan\":\"x\"}",
        "{\"obliterationBehavior\":\"gently\"}",
        "{\"keepEnrolmentData\":true}", /* misspelt: all would have gone */
        "[]",
        "{",
    };
    (void)managed(1, FIRST);
    for (size_t i = 0; i < TD_COUNTOF(forms); i++) {
        ask(204, i % 2 == 0 ? "POST " V1 "/" FIRST "/wipe" : "POST " MANAGED "/" FIRST "/Wipe", forms[i].body);
        const struct td_action *x = only_open(FIRST);
        if (x->kind != forms[i].kind || x->state != TD_ACT_PENDING)
            fail_msg("%s: %s", forms[i].body, td_action_rows[x->kind].word);
        cancel_all(FIRST);
    }
    for (size_t i = 0; i < TD_COUNTOF(wrong); i++) {
        ask(400, "POST " V1 "/" FIRST "/wipe", wrong[i]);
        is_error("BadRequest");
        assert_int_equal(open_of(FIRST).count, 0);
    }
    g.type = "Content-Type: text/plain"; /* as some clients send it */
    ask(204, "POST " V1 "('" FIRST "')/microsoft.graph.wipe", "{\"keepUserData\":true}");
    g.type = NULL;
    assert_int_equal(only_open(FIRST)->kind, TD_ACTION_WIPE_KEEP_USER);
}

static void every_other_action(void **state TD_UNUSED)
{
    static const struct {
        const char *name, *body;
        enum td_action_kind kind;
    } all[] = {
        {"retire", NULL, TD_ACTION_RETIRE},
        {"cleanWindowsDevice", "{\"keepUserData\":true}", TD_ACTION_FRESH_START_KEEP_USER},
        {"cleanWindowsDevice", "{\"keepUserData\":false}", TD_ACTION_FRESH_START},
        {"syncDevice", NULL, TD_ACTION_SYNC},
        {"rebootNow", "{}", TD_ACTION_RESTART},
        {"remoteLock", NULL, TD_ACTION_LOCK},
        {"setDeviceName", "{\"deviceName\":\"LAB-%SERIAL%\"}", TD_ACTION_RENAME},
        {"rotateLocalAdminPassword", NULL, TD_ACTION_ROTATE_LAPS},
        {"windowsDefenderScan", "{\"quickScan\":true}", TD_ACTION_QUICK_SCAN},
        {"windowsDefenderScan", "{\"quickScan\":\"False\"}", TD_ACTION_FULL_SCAN},
        {"windowsDefenderUpdateSignatures", NULL, TD_ACTION_UPDATE_SIGNATURES},
    };
    (void)managed(1, FIRST);
    for (size_t i = 0; i < TD_COUNTOF(all); i++) {
        askf(204, all[i].body, "POST " MANAGED "/" FIRST "/%s", all[i].name);
        const struct td_action *x = only_open(FIRST);
        if (x->kind != all[i].kind)
            fail_msg("%s: %s", all[i].name, td_action_rows[x->kind].word);
        askf(204, all[i].body, "POST " MANAGED "/" FIRST "/%s", all[i].name); /* asking again is no second one */
        (void)only_open(FIRST);
        askf(200, NULL, "GET " MANAGED "/" FIRST);
        is_text("deviceActionResults/0/actionName", td_action_rows[all[i].kind].graph);
        is("deviceActionResults/0/actionState", "\"pending\"");
        cancel_all(FIRST);
    }
    ask(400, "POST " MANAGED "/" FIRST "/cleanWindowsDevice", NULL); /* documented as required */
    ask(400, "POST " MANAGED "/" FIRST "/cleanWindowsDevice", "{\"keepUserData\":\"x\"}");
    ask(400, "POST " MANAGED "/" FIRST "/windowsDefenderScan", "{}");
    ask(400, "POST " MANAGED "/" FIRST "/setDeviceName", "{}");
    ask(400, "POST " MANAGED "/" FIRST "/setDeviceName", "{\"deviceName\":\"a name with blanks\"}");
    is_error("BadRequest");
    assert_true(strncmp(gw_str("error/message"), "deviceName: ", 12) == 0);
    ask(400, "POST " MANAGED "/" FIRST "/setDeviceName", "{\"deviceName\":7}");
    assert_int_equal(open_of(FIRST).count, 0);
    ask(404, "POST " MANAGED "/" SECOND "/wipe", "{}");
    is_error("ResourceNotFound");
    ask(405, "GET " MANAGED "/" FIRST "/wipe", NULL);
}

/* Each is refused with a sentence of its own. */
static void not_offered(void **state TD_UNUSED)
{
    static const char *const names[] = {
        "shutDown", "resetPasscode",       "locateDevice", "bypassActivationLock", "disable",
        "reenable", "rotateBitLockerKeys", "deprovision",  "moveDevicesToOU"};
    (void)enrolled(FIRST, NULL);
    for (size_t i = 0; i < TD_COUNTOF(names); i++) {
        askf(501, NULL, "POST " MANAGED "/" FIRST "/%s", names[i]);
        is_error("NotImplemented");
        const char *text = gw_str("error/message");
        if (strstr(text, names[i]) == NULL || strstr(text, ": ") == NULL)
            fail_msg("%s: %s", names[i], text);
    }
}

/* ---- why not ---- */

static void as_the_device_stands(void **state TD_UNUSED)
{
    gw_machine(1, "");
    (void)joined("SN-0001", "ServerAd");
    (void)enrolled(FIRST, "SN-0001");
    (void)enrolled(SECOND, NULL);
    ask(409, "POST " V1 "/" FIRST "/wipe", "{\"keepEnrollmentData\":true,\"keepUserData\":false}");
    is_error("Conflict");
    assert_non_null(strstr(gw_str("error/message"), "hybrid"));
    assert_non_null(strstr(gw_str("error/message"), "Wipe it instead"));
    ask(409, "POST " V1 "/" SECOND "/wipe", "{\"keepEnrollmentData\":true}"); /* not joined at all */
    ask(204, "POST " V1 "/" FIRST "/wipe", "{}");
    ask(409, "POST " V1 "/" FIRST "/retire", NULL); /* what removes less does not take the other's place */
    assert_non_null(strstr(gw_str("error/message"), "under way"));
    ask(204, "POST " V1 "/" FIRST "/rebootNow", NULL);
}

static void who_may(void **state TD_UNUSED)
{
    (void)enrolled(FIRST, NULL);
    const char *reader = token_with("Reader", "DeviceManagementManagedDevices.ReadWrite.All");
    as(reader, 403, "POST " V1 "/" FIRST "/wipe", "{}");
    is_error("Forbidden");
    as(reader, 403, "POST " V1 "/" FIRST "/rebootNow", NULL);
    as(reader, 403, "POST " MANAGED "/executeAction", "{\"actionName\":\"wipe\",\"deviceIds\":[\"" FIRST "\"]}");
    assert_int_equal(open_of(FIRST).count, 0);
    const char *mighty = token_with("Mighty", "DeviceManagementManagedDevices.PrivilegedOperations.All");
    as(mighty, 204, "POST " V1 "/" FIRST "/wipe", "{}");
    as(g.foreign, 404, "POST " V1 "/" FIRST "/wipe", "{}");
    as(NULL, 401, "POST " V1 "/" FIRST "/wipe", "{}");
}

/* A technician's role restarts and does not wipe; by the bulk action neither. */
static void a_technicians_bulk(void **state TD_UNUSED)
{
    (void)enrolled(FIRST, NULL);
    const char *technician = token_with("Technician", "Enrollment Technician");
    as(technician, 200, "POST " MANAGED "/executeAction",
       "{\"actionName\":\"rebootNow\",\"deviceIds\":[\"" FIRST "\"]}");
    as(technician, 403, "POST " MANAGED "/executeAction", "{\"actionName\":\"wipe\",\"deviceIds\":[\"" FIRST "\"]}");
    as(technician, 403, "POST " MANAGED "/executeAction", "{\"actionName\":\"delete\",\"deviceIds\":[\"" FIRST "\"]}");
    as(technician, 403, "POST " MANAGED "/" FIRST "/retire", NULL);
    assert_int_equal(only_open(FIRST)->kind, TD_ACTION_RESTART);
}

/* ---- what came of it ---- */

static void states_of_results(void **state TD_UNUSED)
{
    (void)managed(1, FIRST);
    ask(204, "POST " MANAGED "/" FIRST "/rebootNow", NULL);
    get(V1);
    is("value/0/deviceActionResults/0/actionName", "\"rebootNow\"");
    is("value/0/deviceActionResults/0/actionState", "\"pending\"");
    const char *asked = gw_str("value/0/deviceActionResults/0/startDateTime");
    is_text("value/0/deviceActionResults/0/lastUpdatedDateTime", asked);
    delivered(FIRST, 0);
    get(MANAGED "/" FIRST);
    is("deviceActionResults/0/actionState", "\"active\"");
    is_text("deviceActionResults/0/startDateTime", asked);
    assert_string_not_equal(gw_str("deviceActionResults/0/lastUpdatedDateTime"), asked);
    finished(FIRST, TD_ACT_DONE);
    get(MANAGED "/" FIRST "/deviceActionResults");
    is("value/0/actionState", "\"done\"");
    ask(204, "POST " MANAGED "/" FIRST "/remoteLock", NULL);
    delivered(FIRST, 405);
    get(MANAGED "/" FIRST);
    is("deviceActionResults/0/actionName", "\"remoteLock\""); /* the newest first */
    is("deviceActionResults/0/actionState", "\"notSupported\"");
    is("deviceActionResults/1/actionName", "\"rebootNow\"");
    ask(204, "POST " MANAGED "/" FIRST "/rebootNow", NULL);
    delivered(FIRST, 500);
    get(MANAGED "/" FIRST);
    is("deviceActionResults/0/actionName", "\"rebootNow\""); /* one of a name, the newest */
    is("deviceActionResults/0/actionState", "\"failed\"");
    is("deviceActionResults/2", "(missing)");
    ask(204, "POST " MANAGED "/" FIRST "/rebootNow", NULL);
    cancel_all(FIRST);
    get(MANAGED "/" FIRST "?$select=deviceActionResults");
    is("deviceActionResults/0/actionState", "\"canceled\"");
    get(MANAGED "/" FIRST "?$select=id");
    is("deviceActionResults", "(missing)");
    g.box->world.now += TD_MINUTE;
    ask(204, "POST " MANAGED "/" FIRST "/wipe", "{\"keepEnrollmentData\":true}");
    cancel_all(FIRST);
    ask(204, "POST " MANAGED "/" FIRST "/wipe", "{\"keepUserData\":true}"); /* another kind under the same name */
    get(MANAGED "/" FIRST);
    is("deviceActionResults/0/actionName", "\"wipe\"");
    is("deviceActionResults/0/actionState", "\"pending\"");
    is("deviceActionResults/1/actionName", "\"rebootNow\"");
}

/* Every device of a page has its own. */
static void results_in_lists(void **state TD_UNUSED)
{
    enum { DEVICES_HERE = 60 }; /* more than one question takes */
    char ids[DEVICES_HERE][40];
    for (int i = 0; i < DEVICES_HERE; i++) {
        snprintf(ids[i], sizeof(ids[i]), "aaaaaaaa-0000-4000-8000-0000000001%c%c", '0' + i / 8, '0' + i % 8);
        (void)enrolled(ids[i], NULL);
    }
    askf(204, NULL, "POST " MANAGED "/%s/rebootNow", ids[3]);
    g.box->world.now += TD_SECOND;
    askf(204, NULL, "POST " MANAGED "/%s/remoteLock", ids[3]);
    askf(204, NULL, "POST " MANAGED "/%s/remoteLock", ids[57]);
    get(MANAGED "?$orderby=id&$top=100");
    counts(DEVICES_HERE);
    is("value/0/deviceActionResults", "[]");
    is("value/3/deviceActionResults/0/actionName", "\"remoteLock\"");
    is("value/3/deviceActionResults/1/actionName", "\"rebootNow\"");
    is("value/56/deviceActionResults", "[]");
    is("value/57/deviceActionResults/0/actionName", "\"remoteLock\"");
    is("value/57/deviceActionResults/1", "(missing)");
}

static void management_state(const char *want)
{
    get(V1);
    is_text("value/0/managementState", want);
    askf(200, NULL, "GET " V1 "?$filter=managementState eq '%s'", want);
    counts(1);
    get(V1 "?$filter=managementState eq 'unhealthy'");
    counts(0);
}

static void states_of_management(void **state TD_UNUSED)
{
    (void)managed(1, FIRST);
    management_state("managed");
    ask(204, "POST " V1 "/" FIRST "/wipe", "{\"keepEnrollmentData\":true}");
    management_state("wipePending");
    ask(204, "POST " V1 "/" FIRST "/rebootNow", NULL); /* changes nothing there */
    management_state("wipePending");
    cancel_all(FIRST);
    management_state("wipeCanceled");
    ask(204, "POST " V1 "/" FIRST "/wipe", "{}");
    delivered(FIRST, 0);
    management_state("wipeIssued");
    finished(FIRST, TD_ACT_FAILED);
    management_state("wipeFailed");
    ask(204, "POST " V1 "/" FIRST "/retire", NULL);
    management_state("retirePending");
    delivered(FIRST, 0);
    management_state("retireIssued");
    finished(FIRST, TD_ACT_FAILED);
    management_state("retireFailed");
    ask(204, "POST " V1 "/" FIRST "/retire", NULL);
    cancel_all(FIRST);
    management_state("retireCanceled");
}

static void the_device_leaves(void **state TD_UNUSED)
{
    (void)managed(1, FIRST);
    ask(204, "POST " V1 "/" FIRST "/wipe", "{\"keepEnrollmentData\":false,\"keepUserData\":false}");
    delivered(FIRST, 200);
    get(V1 "/" FIRST);
    is("managementState", "\"wipeIssued\"");
    finished(FIRST, TD_ACT_DONE);
    ask(404, "GET " V1 "/" FIRST, NULL);
    get(V1);
    counts(0);
    get(DEVICES "?$filter=serialNumber eq 'SN-0001'"); /* registered still, and as one that was never there */
    is("value/0/managedDeviceId", "\"" NO_GUID "\"");
    is("value/0/enrollmentState", "\"notContacted\"");
    is("value/0/remediationState", "\"noRemediationRequired\"");
}

/* Between the asking and the end the registration says that a reset is on its way. */
static void the_registration_tells(void **state TD_UNUSED)
{
    (void)managed(1, FIRST);
    get(DEVICES "?$filter=serialNumber eq 'SN-0001'");
    is("value/0/enrollmentState", "\"enrolled\"");
    ask(204, "POST " V1 "/" FIRST "/wipe", "{\"keepEnrollmentData\":true}");
    get(DEVICES "?$filter=enrollmentState eq 'pendingReset'");
    counts(1);
    is_text("value/0/managedDeviceId", FIRST);
    cancel_all(FIRST);
    get(DEVICES "?$filter=serialNumber eq 'SN-0001'");
    is("value/0/enrollmentState", "\"enrolled\"");
    ask(204, "POST " V1 "/" FIRST "/retire", NULL);
    delivered(FIRST, 0);
    finished(FIRST, TD_ACT_DONE);
    get(DEVICES "?$filter=serialNumber eq 'SN-0001'");
    is("value/0/enrollmentState", "\"notContacted\"");
}

static void in_the_audit(void **state TD_UNUSED)
{
    (void)managed(1, FIRST);
    g.extra[0] = "x-msft-approval-justification: TG9zdCBhdCB0aGUgYWlycG9ydA=="; /* "Lost at the airport" */
    ask(204, "POST " V1 "/" FIRST "/wipe", "{}");
    g.extra[0] = NULL;
    assert_string_equal(only_open(FIRST)->reason, "Lost at the airport");
    get("/v1.0/deviceManagement/auditEvents?$orderby=activityDateTime desc&$top=1");
    counts(1);
    is_text("value/0/actor/applicationId", g.client);
    assert_non_null(strstr(g.body, "SN-0001"));
    cancel_all(FIRST);
    g.box->world.now += TD_SECOND;
    g.extra[0] = "x-msft-approval-justification: lost at the station";
    ask(204, "POST " V1 "/" FIRST "/wipe", "{}");
    g.extra[0] = NULL;
    assert_string_equal(only_open(FIRST)->reason, "lost at the station");
}

/* ---- many at once ---- */

#define NOBODY "aaaaaaaa-0000-4000-8000-0000000000ff"
#define BULK(action, more) "{\"actionName\":\"" action "\",\"deviceIds\":[\"" FIRST "\",\"" SECOND "\"" more "]}"

static void bulk(void **state TD_UNUSED)
{
    (void)managed(1, FIRST);
    (void)enrolled(SECOND, NULL);
    ask(200, "POST " MANAGED "/executeAction", BULK("rebootNow", ",\"" NOBODY "\",\"" FIRST "\""));
    is_text("@odata.context", HOST "/beta/$metadata#microsoft.graph.bulkManagedDeviceActionResult");
    is("successfulDeviceIds", "[\"" FIRST "\",\"" SECOND "\"]");
    is("failedDeviceIds", "[]");
    is("notFoundDeviceIds", "[\"" NOBODY "\"]");
    is("notSupportedDeviceIds", "[]");
    cancel_all(FIRST);
    cancel_all(SECOND);
    ask(200, "POST " MANAGED "/executeAction",
        "{\"actionName\":\"wipe\",\"keepEnrollmentData\":true,\"keepUserData\":false,\"deviceIds\":[\"" FIRST
        "\",\"" SECOND "\"],\"notificationTitle\":null}");
    is("successfulDeviceIds", "[\"" FIRST "\"]");
    is("failedDeviceIds", "[\"" SECOND "\"]"); /* not joined: no Autopilot Reset */
    assert_int_equal(only_open(FIRST)->kind, TD_ACTION_RESET);
    assert_int_equal(open_of(SECOND).count, 0);
    g.box->world.now += TD_MINUTE;
    ask(200, "POST " MANAGED "/executeAction", BULK("fullScan", ""));
    is("successfulDeviceIds", "[\"" FIRST "\",\"" SECOND "\"]");
    assert_int_equal(only_open(SECOND)->kind, TD_ACTION_FULL_SCAN);
    get(MANAGED "/" SECOND);
    is("deviceActionResults/0/@odata.type", "\"#microsoft.graph.windowsDefenderScanActionResult\"");
    is("deviceActionResults/0/scanType", "\"Full\"");
    cancel_all(SECOND);
    ask(200, "POST " MANAGED "/executeAction", BULK("activateDeviceEsim", ""));
    is("notSupportedDeviceIds", "[\"" FIRST "\",\"" SECOND "\"]");
    ask(400, "POST " MANAGED "/executeAction", BULK("explode", ""));
    ask(400, "POST " MANAGED "/executeAction", "{\"actionName\":\"wipe\"}");
    ask(400, "POST " MANAGED "/executeAction", "{\"actionName\":\"wipe\",\"deviceIds\":[]}");
    ask(400, "POST " MANAGED "/executeAction", "{\"actionName\":\"wipe\",\"deviceIds\":[1]}");
    ask(400, "POST " MANAGED "/executeAction",
        "{\"actionName\":\"setDeviceName\",\"deviceName\":\"LAB\",\"deviceIds\":[\"" FIRST "\",\"" SECOND "\"]}");
    ask(200, "POST " MANAGED "/executeAction",
        "{\"actionName\":\"setDeviceName\",\"deviceName\":\"LAB-%RAND:5%\",\"deviceIds\":[\"" FIRST "\",\"" SECOND
        "\"]}");
    is("failedDeviceIds", "[]");
    ask(200, "POST " MANAGED "/executeAction", BULK("delete", ""));
    is("successfulDeviceIds", "[\"" FIRST "\",\"" SECOND "\"]");
    get(MANAGED);
    counts(0);
}

/* The limit refuses the whole call: none is asked. */
static void safety_limit(void **state TD_UNUSED)
{
    (void)enrolled(FIRST, NULL);
    (void)enrolled(SECOND, NULL);
    setting("action-limit", "1");
    ask(400, "POST " MANAGED "/executeAction", BULK("wipe", ""));
    is_error("BadRequest");
    assert_non_null(strstr(gw_str("error/message"), "safety limit"));
    assert_int_equal(open_of(FIRST).count + open_of(SECOND).count, 0);
    ask(204, "POST " V1 "/" FIRST "/wipe", "{}");
    ask(400, "POST " V1 "/" SECOND "/wipe", "{}");
    ask(204, "POST " V1 "/" SECOND "/rebootNow", NULL);
}

/* Twenty wipes in one $batch, each for itself. */
static void a_batch_of_wipes(void **state TD_UNUSED)
{
    const char *requests = "";
    char ids[20][40];
    for (int i = 0; i < 20; i++) {
        snprintf(ids[i], sizeof(ids[i]), "aaaaaaaa-0000-4000-8000-0000000001%c%c", '0' + i / 8, '0' + i % 8);
        (void)enrolled(ids[i], NULL);
        requests = text("%s%s{\"id\":\"%d\",\"method\":\"POST\",\"url\":\"/deviceManagement/managedDevices/%s/wipe\","
                        "\"headers\":{\"Content-Type\":\"application/json\"},\"body\":{\"keepEnrollmentData\":false,"
                        "\"keepUserData\":false}}",
                        requests, i == 0 ? "" : ",", i, ids[i]);
    }
    ask(200, "POST /v1.0/$batch", text("{\"requests\":[%s]}", requests));
    const struct td_json *list = td_json_get(g.json, "responses");
    assert_int_equal(td_json_count(list), 20);
    for (const struct td_json *r = list->child; r != NULL; r = r->next)
        assert_int_equal(td_json_int(r, "status", 0), 204);
    for (int i = 0; i < 20; i++)
        assert_int_equal(only_open(ids[i])->kind, TD_ACTION_WIPE);
    get(V1 "?$filter=managementState eq 'wipePending'&$count=true");
    is("@odata.count", "20");
}

/* ---- the second administrator ---- */

#define APPROVALS "/beta/deviceManagement/operationApprovalRequests"

static void four_eyes(void **state TD_UNUSED)
{
    (void)managed(1, FIRST);
    setting("action-approval", "on");
    const char *other = token_with("Second script", "DeviceManagementManagedDevices.PrivilegedOperations.All,"
                                                    "DeviceManagementManagedDevices.Read.All");
    const char *looker = token_with("Looker", "DeviceManagementManagedDevices.Read.All");
    g.extra[0] = "x-msft-approval-justification: leaves the company";
    ask(204, "POST " V1 "/" FIRST "/wipe", "{}");
    g.extra[0] = NULL;
    assert_int_equal(open_of(FIRST).count, 0); /* nothing for the device */
    get(V1 "/" FIRST);
    is("deviceActionResults/0/actionState", "\"pending\"");
    is("managementState", "\"wipePending\"");
    ask(204, "POST " V1 "/" FIRST "/rebootNow", NULL); /* destroys nothing, waits for nobody */
    assert_int_equal(only_open(FIRST)->kind, TD_ACTION_RESTART);
    get(APPROVALS);
    counts(1);
    is_text("@odata.context", HOST "/beta/$metadata#deviceManagement/operationApprovalRequests");
    is("value/0/status", "\"needsApproval\"");
    is("value/0/requestJustification", "\"leaves the company\"");
    is("value/0/approvalJustification", "null");
    is_text("value/0/requestor/application/id", g.client);
    is("value/0/requestor/application/displayName", "\"Lab script\"");
    is("value/0/requestor/user", "null");
    is("value/0/approver", "null");
    is("value/0/requiredOperationApprovalPolicyTypes", "[\"deviceWipe\"]");
    is("value/0/actionName", "\"wipe\"");
    is_text("value/0/managedDeviceId", FIRST);
    is("value/0/serialNumber", "\"SN-0001\"");
    const char *id = gw_str("value/0/id");
    askf(403, "{\"justification\":\"mine\"}", "POST " APPROVALS "/%s/approve", id);
    is_error("Forbidden");
    as(looker, 200, "GET " APPROVALS "?$filter=status eq 'needsApproval'", NULL);
    counts(1);
    as(looker, 403, text("POST " APPROVALS "/%s/approve", id), "{}");
    as(g.foreign, 404, text("POST " APPROVALS "/%s/approve", id), "{}");
    assert_int_equal(open_of(FIRST).count, 1);
    as(other, 200, text("POST " APPROVALS "/%s/approve", id),
       "{\"justification\":\"seen\",\"approvalSource\":\"adminConsole\"}");
    assert_true(strlen(gw_str("value")) > 0);
    assert_int_equal(open_of(FIRST).count, 2);
    askf(200, NULL, "GET " APPROVALS "/%s", id);
    is("status", "\"approved\"");
    is("approver/application/displayName", "\"Second script\"");
    as(other, 409, text("POST " APPROVALS "/%s/reject", id), "{}");
    g.box->world.now += TD_MINUTE;
    as(other, 200, text("POST " APPROVALS "/%s/cancelApproval", id), "{\"justification\":\"not yet\"}");
    askf(200, NULL, "GET " APPROVALS "/%s", id);
    is("status", "\"cancelled\"");
    assert_int_equal(only_open(FIRST)->kind, TD_ACTION_RESTART);
}

static void rejected_and_withdrawn(void **state TD_UNUSED)
{
    (void)managed(1, FIRST);
    setting("action-approval", "on");
    const char *other = token_with("Second script", "DeviceManagementManagedDevices.PrivilegedOperations.All,"
                                                    "DeviceManagementManagedDevices.Read.All");
    ask(204, "DELETE " MANAGED "/" FIRST, NULL);
    get(V1 "/" FIRST); /* it stays until somebody else has said yes */
    is("managementState", "\"deletePending\"");
    get(APPROVALS "/retrieveMyRequests");
    counts(1);
    is("value/0/requiredOperationApprovalPolicyTypes", "[\"deviceDelete\"]");
    const char *id = gw_str("value/0/id");
    as(other, 200, "GET " APPROVALS "/getMyRequests()", NULL);
    counts(0);
    as(other, 403, "POST " APPROVALS "/cancelMyRequest", text("{\"id\":\"%s\"}", id));
    as(other, 200, text("POST " APPROVALS "/%s/reject", id), "{\"justification\":\"no\"}");
    askf(200, NULL, "GET " APPROVALS "/%s", id);
    is("status", "\"rejected\"");
    get(V1 "/" FIRST);
    is("managementState", "\"managed\"");
    ask(204, "POST " V1 "/" FIRST "/retire", NULL);
    get(APPROVALS "?$filter=status eq 'needsApproval'");
    counts(1);
    ask(204, "POST " APPROVALS "/cancelMyRequest", text("{\"id\":\"%s\"}", gw_str("value/0/id")));
    get(APPROVALS "?$filter=status eq 'needsApproval'");
    counts(0);
    ask(204, "DELETE " MANAGED "/" FIRST, NULL);
    get(APPROVALS "?$filter=status eq 'needsApproval'");
    as(other, 200, text("POST " APPROVALS "/%s/approve", gw_str("value/0/id")), NULL);
    ask(404, "GET " V1 "/" FIRST, NULL);
    ask(400, "POST " APPROVALS "/cancelMyRequest", "{}");
    ask(501, "POST " APPROVALS, "{}");
}

/* The directory's delete would end management as well, and alone. */
static void no_way_around(void **state TD_UNUSED)
{
    (void)managed(1, FIRST);
    const char *directory = token_with("Directory script", "Device.ReadWrite.All");
    get(V1 "/" FIRST);
    const char *device = gw_str("azureADDeviceId");
    setting("action-approval", "on");
    as(directory, 409, text("DELETE /v1.0/devices/%s", device), NULL);
    as(directory, 204, text("PATCH /v1.0/devices/%s", device), "{\"accountEnabled\":false}");
    setting("action-approval", "off");
    as(directory, 204, text("DELETE /v1.0/devices/%s", device), NULL);
}

/* A bulk action is one request; what was agreed to is asked of each. */
static void four_eyes_of_many(void **state TD_UNUSED)
{
    (void)managed(1, FIRST);
    (void)enrolled(SECOND, NULL);
    setting("action-approval", "on");
    const char *other = token_with("Second script", "DeviceManagementManagedDevices.PrivilegedOperations.All,"
                                                    "DeviceManagementManagedDevices.Read.All");
    ask(200, "POST " MANAGED "/executeAction", BULK("retire", ",\"" NOBODY "\""));
    is("successfulDeviceIds", "[\"" FIRST "\",\"" SECOND "\"]");
    is("notFoundDeviceIds", "[\"" NOBODY "\"]");
    gw_work();
    assert_int_equal(open_of(FIRST).count + open_of(SECOND).count, 0);
    get(APPROVALS);
    counts(1);
    is("value/0/status", "\"needsApproval\"");
    is("value/0/managedDeviceId", "null");
    is("value/0/requiredOperationApprovalPolicyTypes", "[\"deviceRetire\"]");
    const char *id = gw_str("value/0/id");
    askf(403, NULL, "POST " APPROVALS "/%s/approve", id);
    as(other, 200, text("POST " APPROVALS "/%s/approve", id), "{\"justification\":\"seen\"}");
    gw_work();
    assert_int_equal(only_open(FIRST)->kind, TD_ACTION_RETIRE);
    assert_int_equal(only_open(SECOND)->kind, TD_ACTION_RETIRE);
    askf(200, NULL, "GET " APPROVALS "/%s", id);
    is("status", "\"completed\"");
    g.box->world.now += TD_MINUTE;
    ask(200, "POST " MANAGED "/executeAction", BULK("delete", ""));
    get(APPROVALS "?$filter=status eq 'needsApproval'");
    counts(1);
    id = gw_str("value/0/id");
    as(other, 200, text("POST " APPROVALS "/%s/reject", id), NULL);
    askf(200, NULL, "GET " APPROVALS "/%s", id);
    is("status", "\"rejected\"");
    assert_int_equal(only_open(FIRST)->kind, TD_ACTION_RETIRE);
}

/* ---- the primary user ---- */

struct person {
    const char *upn, *id;
};

static enum td_code add_person(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct person *p = ctx;
    struct td_user u;
    td_try(td_user_add(tx, g.box->tenant, p->upn, "", "", "test", &g.box->arena, &u, err));
    p->id = u.id;
    return TD_OK;
}

static void primary_user(void **state TD_UNUSED)
{
    struct person bob = {.upn = "bob@contoso.test"};
    const char *device = managed(1, FIRST);
    commit(add_person, &bob);
    get(MANAGED "/" FIRST "/users");
    counts(1);
    is_text("value/0/id", g.box->user_id);
    ask(204, "POST " MANAGED "/" FIRST "/users/$ref",
        text("{\"@odata.id\":\"https://graph.microsoft.com/beta/users/%s\"}", bob.id));
    get(MANAGED "/" FIRST "/users");
    counts(1);
    is("value/0/userPrincipalName", "\"bob@contoso.test\"");
    get(V1 "/" FIRST);
    is_text("userId", bob.id);
    is("userPrincipalName", "\"bob@contoso.test\"");
    askf(200, NULL, "GET /v1.0/devices/%s/registeredOwners", device);
    counts(1);
    is_text("value/0/id", bob.id);
    ask(404, "POST " MANAGED "/" FIRST "/users/$ref",
        "{\"@odata.id\":\"https://graph.microsoft.com/beta/users/nobody@contoso.test\"}");
    ask(400, "POST " MANAGED "/" FIRST "/users/$ref", "{}");
    askf(404, NULL, "DELETE " MANAGED "/" FIRST "/users/%s/$ref", g.box->user_id); /* not his any more */
    ask(204, "DELETE " MANAGED "/" FIRST "/users/$ref", NULL);
    get(MANAGED "/" FIRST "/users");
    counts(0);
    askf(200, NULL, "GET /v1.0/devices/%s/registeredOwners", device);
    counts(0);
    ask(405, "DELETE " MANAGED "//users/$ref", NULL);
    ask(204, "POST " MANAGED "/" FIRST "/users/$ref", "{\"@odata.id\":\"users('ada@contoso.test')\"}");
    get(V1 "/" FIRST);
    is_text("userId", g.box->user_id);
    askf(204, NULL, "DELETE " MANAGED "/" FIRST "/users/%s/$ref", g.box->user_id);
    get(MANAGED "/" FIRST "/users");
    counts(0);
}

/* ---- shut out ---- */

static enum td_code serving(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_device_row row;
    return td_device_serving(tx, g.box->tenant, ctx, &g.box->arena, &row, err);
}

/* What every door of devices asks; a disabled one is not reset but may be wiped. */
static void disabled_by_a_patch(void **state TD_UNUSED)
{
    char device[40];
    snprintf(device, sizeof(device), "%s", managed(1, FIRST));
    assert_int_equal(td_store_read(g.box->svc.store, serving, device, NULL), TD_OK);
    askf(204, "{\"accountEnabled\":false}", "PATCH /v1.0/devices/%s", device);
    assert_int_equal(td_store_read(g.box->svc.store, serving, device, NULL), TD_EDENIED);
    askf(200, NULL, "GET /v1.0/devices/%s", device);
    is("accountEnabled", "false");
    ask(409, "POST " V1 "/" FIRST "/wipe", "{\"keepEnrollmentData\":true}");
    ask(204, "POST " V1 "/" FIRST "/wipe", "{}");
    askf(204, "{\"accountEnabled\":true}", "PATCH /v1.0/devices/%s", device);
    assert_int_equal(td_store_read(g.box->svc.store, serving, device, NULL), TD_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(every_wipe),
                                       TEST(every_other_action),
                                       TEST(not_offered),
                                       TEST(as_the_device_stands),
                                       TEST(who_may),
                                       TEST(a_technicians_bulk),
                                       TEST(states_of_results),
                                       TEST(results_in_lists),
                                       TEST(states_of_management),
                                       TEST(the_device_leaves),
                                       TEST(the_registration_tells),
                                       TEST(in_the_audit),
                                       TEST(bulk),
                                       TEST(safety_limit),
                                       TEST(a_batch_of_wipes),
                                       TEST(four_eyes),
                                       TEST(rejected_and_withdrawn),
                                       TEST(no_way_around),
                                       TEST(four_eyes_of_many),
                                       TEST(primary_user),
                                       TEST(disabled_by_a_patch)};
    return cmocka_run_group_tests_name("graph_actions", tests, NULL, NULL);
}
