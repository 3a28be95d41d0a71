/* Which profile is meant for this device: docs/protocol/ztd.md, client side. The answer 'none' is never kept. */
#include "device/web.h"

enum { LOOKUP_MAX_OCTETS = 65536 };

enum kind { TEXT, NUMBER, FLAG };

/* Members of the answer and the names under which the state keeps them. */
static const struct member {
    const char *name, *key;
    enum kind kind;
    bool needed;
} members[] = {
    {"ZtdRegistrationId", "profile.registration_id", TEXT, true},
    {"AadDeviceId", "profile.device_id", TEXT, false},
    {"CloudAssignedTenantId", "profile.tenant_id", TEXT, true},
    {"CloudAssignedTenantDomain", "profile.domain", TEXT, true},
    {"CloudAssignedTenantUpn", "profile.upn", TEXT, false},
    {"TenantDisplayName", "profile.tenant", TEXT, false},
    {"CloudAssignedMdmId", "profile.mdm_id", TEXT, false},
    {"ManagementEnrollmentUrl", "profile.mdm_url", TEXT, false},
    {"CloudAssignedOobeConfig", "profile.oobe", NUMBER, true},
    {"CloudAssignedDomainJoinMethod", "profile.join_method", NUMBER, true},
    {"HybridJoinSkipDCConnectivityCheck", "profile.skip_dc", NUMBER, false},
    {"CloudAssignedForcedEnrollment", "profile.forced", NUMBER, false},
    {"CloudAssignedDeviceName", "profile.device_name", TEXT, false},
    {"CloudAssignedLanguage", "profile.language", TEXT, false},
    {"CloudAssignedRegion", "profile.region", TEXT, false},
    {"AutopilotMode", "profile.mode", NUMBER, false},
    {"PreprovisioningAllowed", "profile.preprovisioning", FLAG, false},
    {"DeploymentProfileName", "profile.name", TEXT, false},
    {"ZtdCorrelationId", "profile.id", TEXT, false},
    {"IsExplicitProfileAssignment", "profile.explicit", FLAG, false},
    {"PolicyDownloadDate", "profile.at", TEXT, false},
    {"DeviceTicket", "lookup.ticket", TEXT, false},
};

static enum td_code keep_member(struct td_flow *f, const struct td_json *answer, const struct member *m,
                                struct td_error *err)
{
    static const enum td_json_type types[] = {[TEXT] = TD_JSON_STRING, [NUMBER] = TD_JSON_INT, [FLAG] = TD_JSON_BOOL};
    const struct td_json *v = td_json_get(answer, m->name);
    td_state_set(f->dev->state, m->key, NULL);
    if (v == NULL)
        return m->needed ? td_fail(err, TD_EFORMAT, "lookup", "the answer has no %s", m->name) : TD_OK;
    if (v->type != types[m->kind])
        return td_fail(err, TD_EFORMAT, "lookup", "%s is of another type", m->name);
    if (m->kind == TEXT)
        td_state_set(f->dev->state, m->key, v->str);
    else
        td_state_set_int(f->dev->state, m->key, v->num);
    return TD_OK;
}

/* 0 user-driven, 1 self-deploying, 2 user-driven where a technician may do the device's part (autopilot.md 2.5, step
 * 5). A service that does not say so tells it by the bits of a device that proves its TPM and joins by itself
 * (2.3, 3.3). */
static enum td_code check_mode(struct td_flow *f, struct td_error *err)
{
    enum { BY_ITSELF = 32 | 64 };
    int64_t oobe = td_state_int(f->dev->state, "profile.oobe", 0);
    if (td_flow_get(f, "profile.mode")[0] == '\0')
        td_state_set_int(f->dev->state, "profile.mode", (oobe & BY_ITSELF) == BY_ITSELF);
    int64_t mode = td_state_int(f->dev->state, "profile.mode", 0);
    if (mode >= 0 && mode <= 2)
        return TD_OK;
    return td_fail(err, TD_ENOTOFFERED, "lookup", "the deployment mode %lld is not known to this device",
                   (long long)mode);
}

/* 0 the directory, 1 a domain and the directory (hybrid), for which somebody must sign in (autopilot.md 3.2, 3.3). */
static enum td_code check_join_method(const struct td_flow *f, struct td_error *err)
{
    int64_t method = td_state_int(f->dev->state, "profile.join_method", 0);
    if (method != 0 && method != 1)
        return td_fail(err, TD_ENOTOFFERED, "lookup", "the join method %lld is not known to this device",
                       (long long)method);
    if (method == 0 || td_state_int(f->dev->state, "profile.mode", 0) != 1)
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_ENOTOFFERED, "lookup", "a device that deploys itself can't join a domain"),
                     "give it a user-driven profile, or one whose join type is the directory");
}

static enum td_code keep_profile(struct td_flow *f, const struct td_json *answer, struct td_error *err)
{
    for (size_t i = 0; i < TD_COUNTOF(members); i++)
        td_try(keep_member(f, answer, &members[i], err));
    td_state_set(f->dev->state, "profile.source", NULL);
    td_try(check_mode(f, err));
    td_try(check_join_method(f, err));
    return td_state_save(f->dev->state, err);
}

/* What an administrator is told: letters, digits and hyphens, so that a service can draw nothing else on the page. */
static void keep_code(struct td_flow *f, const char *code)
{
    static const char signs[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";
    size_t n = strspn(code, signs);
    f->request_code[0] = '\0';
    if (n < sizeof(f->request_code) && code[n] == '\0')
        memcpy(f->request_code, code, n + 1);
}

static enum td_code told_none(struct td_flow *f, const struct td_json *answer, struct td_error *err)
{
    const char *reason = td_json_str(answer, "ErrorReason"), *text = td_json_str(answer, "ErrorText");
    const char *remedy = td_json_str(answer, "Remedy"), *state = td_json_str(answer, "RequestState");
    const char *code = td_json_str(answer, "RequestCode");
    f->none = true;
    keep_code(f, code != NULL ? code : "");
    f->rejected = state != NULL && strcmp(state, "rejected") == 0;
    if (f->rejected)
        remedy = "ask your administrator: this device was rejected";
    (void)td_fail(err, TD_ENOTFOUND, "lookup", "%lld %s: %s", (long long)td_json_int(answer, "ErrorCode", 0),
                  reason != NULL ? reason : "", text != NULL ? text : "no profile for this device");
    return td_remedy(err, TD_ENOTFOUND, "%s", remedy != NULL ? remedy : "register the device and assign a profile");
}

static enum td_code write_request(struct td_flow *f, struct td_arena *a, struct td_buf *out, struct td_error *err)
{
    char *hash;
    td_try(td_hardware_hash(&f->hw, f->dev->env, a, &hash, err));
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "hardwareHash", hash);
    td_jsonw_kstr(&w, "correlationId", td_uuid_arena(f->dev->env, a));
    td_jsonw_end(&w);
    return td_buf_check(out, "lookup", err);
}

void td_lookup_forget(struct td_flow *f)
{
    for (size_t i = 0; i < TD_COUNTOF(members); i++)
        td_state_set(f->dev->state, members[i].key, NULL);
    td_state_set(f->dev->state, "profile.source", NULL);
}

enum td_code td_flow_lookup(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_buf_done) struct td_buf body;
    td_buf_init(&body, LOOKUP_MAX_OCTETS);
    td_try(write_request(f, &a, &body, err));
    f->none = f->rejected = false;
    f->request_code[0] = '\0';
    struct td_web w = {.flow = f, .arena = &a, .what = "lookup"};
    struct td_net_response r;
    const struct td_json *answer;
    const char *url = td_arena_printf(&a, "%s/ztd/v1/lookup", f->dev->server);
    td_try(td_web_post(&w, url, "application/json", td_buf_slice(&body), &r, err));
    td_try(td_web_json(&w, &r, &answer, err));
    if (td_json_get(answer, "ErrorCode") != NULL)
        return told_none(f, answer, err);
    td_try(keep_profile(f, answer, err));
    td_flow_news(f, "profile found: %s, for %s", td_flow_get(f, "profile.name"), td_flow_get(f, "profile.tenant"));
    return TD_OK;
}
