/* dm/session: one session from the first post to the server's last package (oma-dm.md 1, 3). */
#include "base/fault.h"
#include "device/dm/client.h"
#include "device/domain.h"
#include "device/reset.h"

#include <stdio.h>
#include <stdlib.h>

#define HTTP_HRESULT UINT32_C(0x80190000) /* a status of HTTP as Windows shows it */
enum { FIRST_BACKOFF_MS = 16000, MAX_BACKOFF_MS = 86400000, DEFAULT_TRIES = 3, BUSY_TRIES = 30 };

/* ADDR with what Windows appends: is a user logged on, which platform. */
static void set_url(struct td_dm *dm)
{
    const char *addr = td_csp_value(dm->csp, "@account/ADDR");
    if (addr == NULL)
        addr = td_state_get(dm->dev->state, "enrol.addr");
    if (addr == NULL)
        addr = "";
    td_csp_put(dm->csp, "@account/URL", "chr",
               td_arena_printf(dm->a, "%s%cmode=%s&Platform=WoA", addr, strchr(addr, '?') == NULL ? '?' : '&',
                               dm->user_active ? "Maintenance" : "Machine"));
}

static void begin(struct td_dm *dm, int reason, bool user_active)
{
    const bool hex = td_dm_sync_version(dm) >= 2.0;
    int64_t n = td_csp_int(dm->csp, "@session", 0) % (hex ? 0xFFFF : 9999) + 1; /* four characters in both */
    td_csp_put_int(dm->csp, "@session", n);
    (void)snprintf(dm->session_id, sizeof(dm->session_id), hex ? "%X" : "%u", (unsigned)n);
    dm->msg_id = 0;
    dm->server_msg_id = NULL;
    dm->hdr_status = 200;
    dm->pending = dm->sent = NULL;
    dm->reason = reason;
    dm->user_active = user_active;
    dm->more_coming = dm->aborted = dm->answered_challenge = dm->chunk_refused = false;
    dm->cred_each_time = true;
    set_url(dm);
    td_csp_set_user(dm->csp, td_dm_user_reachable(dm));
}

/* --- one exchange ------------------------------------------------------------------------------------------------- */

static void request_of(struct td_dm *dm, struct td_slice body, struct td_net_request *req)
{
    size_t n = 0;
    *req = (struct td_net_request){
        .method = "POST", .url = td_csp_value(dm->csp, "@account/URL"), .body = body, .has_body = true};
    req->headers[n++] = "Content-Type: " TD_SYNCML_TYPE;
    req->headers[n++] = "Accept: " TD_SYNCML_TYPE;
    req->headers[n++] = "User-Agent: MSFT OMA DM Client/1.2.0.1";
    const char *id = td_csp_value(dm->csp, td_dm_provider_key(dm, false, "EntDMID", dm->a));
    if (id != NULL && strpbrk(id, "\r\n") == NULL)
        req->headers[n++] = td_arena_printf(dm->a, "client-request-id: %s", id);
    if (td_dm_sync_version(dm) >= 4.0)
        req->headers[n++] = td_arena_printf(dm->a, "UserAgentOrigin: %d", dm->reason);
}

/* Seconds or nothing; a date is answered by our own wait. */
static int64_t retry_after(const struct td_net_response *r)
{
    struct td_slice v = td_net_header(r, "Retry-After");
    int64_t seconds = 0;
    for (size_t i = 0; i < v.n && seconds < 86400; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return 0;
        seconds = seconds * 10 + (v.p[i] - '0');
    }
    return TD_MIN(seconds, 86400) * TD_SECOND;
}

/* What a service says of a refusal, so that it can stand inside a line. */
static struct td_slice sentence(struct td_slice body)
{
    struct td_slice text = td_trim(td_sub(body, 0, 160));
    while (text.n != 0 && text.p[text.n - 1] == '.')
        text.n--;
    return text;
}

static enum td_code judge(const struct td_net_response *r, struct td_error *err)
{
    struct td_slice type = td_net_header(r, "Content-Type");
    if (r->status == 200 && td_istarts(type, TD_SYNCML_TYPE))
        return TD_OK;
    if (r->status == 200)
        return td_fail(err, TD_EFORMAT, "management", "the answer's media type is %.*s", TD_FMT(td_sub(type, 0, 60)));
    if (r->status == 429 || r->status >= 500)
        return td_fail(err, TD_EUNAVAILABLE, "management", "the service answers HTTP %d", r->status);
    if (r->status == 401 || r->status == 403) {
        (void)td_fail(err, TD_EDENIED, "management", "the service refuses this device: %.*s",
                      TD_FMT(sentence(r->body)));
        if (err != NULL)
            err->hresult = HTTP_HRESULT | (uint32_t)r->status;
        return td_remedy(err, TD_EDENIED, "Look at the device's certificate and state in the service.");
    }
    return td_fail(err, TD_EINVAL, "management", "the service answers HTTP %d: %.*s", r->status,
                   TD_FMT(sentence(r->body)));
}

/* Away, refused (oma-dm.md 1: the client backs off), or cut so that it is no message any more. */
static bool may_pass(enum td_code rc)
{
    return rc == TD_EUNAVAILABLE || rc == TD_EDENIED || rc == TD_EFORMAT;
}

static enum td_code post_once(struct td_dm *dm, const struct td_net_request *req, struct td_sync_msg *ret,
                              int64_t *ret_wait, struct td_error *err)
{
    struct td_net_response r = {0};
    *ret_wait = 0;
    td_try(dm->net->post(dm->net->ctx, req, dm->a, &r, err));
    enum td_code rc = judge(&r, err);
    if (rc == TD_EUNAVAILABLE)
        *ret_wait = retry_after(&r);
    struct td_error why = {0};
    if (rc == TD_OK && td_syncml_parse(r.body, dm->a, ret, &why) != TD_OK)
        rc = td_fail(err, why.code, "management", "the answer is no message: %s: %s", why.where, why.text);
    return rc;
}

/* The same octets again until an answer comes: a message that may have arrived must not change (oma-dm.md 3 rule 7). */
static enum td_code post(struct td_dm *dm, struct td_slice body, struct td_sync_msg *ret, struct td_error *err)
{
    int64_t tries = td_csp_int(dm->csp, "@account/CONNRETRYFREQ", DEFAULT_TRIES);
    int64_t backoff = td_csp_int(dm->csp, "@account/INITIALBACKOFFTIME", FIRST_BACKOFF_MS);
    if (dm->reason == TD_DM_USER) { /* somebody stands before the device and waits */
        tries = 1;
        backoff = 1000;
    }
    const int64_t most = td_csp_int(dm->csp, "@account/MAXBACKOFFTIME", MAX_BACKOFF_MS);
    struct td_net_request req;
    request_of(dm, body, &req);
    for (int busy = 0;;) {
        int64_t wait;
        enum td_code rc = post_once(dm, &req, ret, &wait, err);
        if (!may_pass(rc))
            return rc;
        if (wait == 0 ? tries-- <= 0 : busy++ >= BUSY_TRIES)
            return rc;
        if (wait == 0) {
            wait = backoff * 1000;
            backoff = TD_MIN(backoff * 2, most);
        }
        td_try(td_device_wait(dm->dev, wait, err));
    }
}

/* --- what came back ----------------------------------------------------------------------------------------------- */

static enum td_code check_header(struct td_dm *dm, const struct td_sync_msg *msg, struct td_error *err)
{
    if (strcmp(msg->session_id, dm->session_id) != 0)
        return td_fail(err, TD_EFORMAT, "SessionID", "the answer belongs to another session");
    if (*msg->msg_id == '\0')
        return td_fail(err, TD_EFORMAT, "MsgID", "is missing");
    if (dm->server_msg_id == NULL)
        return TD_OK;
    if (strtoul(msg->msg_id, NULL, 10) <= strtoul(dm->server_msg_id, NULL, 10))
        return td_fail(err, TD_EFORMAT, "MsgID", "%.20s does not rise", msg->msg_id);
    return TD_OK;
}

static void reports_delivered(struct td_dm *dm)
{
    for (; dm->alerts_sent > 0; dm->alerts_sent--) {
        size_t at = 0;
        const char *key = td_csp_each(dm->csp, "@alert/", &at);
        if (key == NULL)
            break;
        td_csp_drop(dm->csp, td_arena_strdup(dm->a, key));
    }
    dm->alerts_sent = 0;
    if (td_fault("device-news-unheard") && td_reset_told(dm->dev, NULL) != TD_OK)
        dm->news_sent = false;
}

static enum td_code judge_status(struct td_dm *dm, bool *ret_again, struct td_error *err)
{
    *ret_again = td_dm_take_challenge(dm);
    if (*ret_again)
        return TD_OK;
    if (dm->peer_status == 401 || dm->peer_status == 407)
        return td_fail(err, TD_EAUTH, "management", "the service does not accept this device's credentials (%d)",
                       dm->peer_status);
    if (dm->peer_status >= 400)
        return td_fail(err, TD_EUNAVAILABLE, "management", "the service refuses the session (%d)", dm->peer_status);
    reports_delivered(dm);
    return TD_OK;
}

/* The Status of our SyncHdr is looked at before anything is carried out: behind a challenge nothing counts. */
static void find_header_status(struct td_dm *dm, const struct td_sync_msg *msg)
{
    dm->peer_status = 0;
    dm->challenge = (struct td_sync_auth){.type = "", .next_nonce = ""};
    for (const struct td_sync_cmd *c = msg->cmds; c != NULL; c = c->next)
        if (c->kind == TD_SYNC_STATUS && strcmp(c->cmd_ref, "0") == 0) {
            dm->peer_status = c->code;
            dm->challenge = c->auth;
            return;
        }
}

static void say_again(struct td_dm *dm)
{
    td_sync_append(&dm->sent, dm->pending);
    dm->pending = dm->sent;
    dm->sent = NULL;
}

static enum td_code take_message(struct td_dm *dm, const struct td_sync_msg *msg, bool *ret_go_on, struct td_error *err)
{
    bool again;
    td_try(check_header(dm, msg, err));
    dm->server_msg_id = msg->msg_id;
    find_header_status(dm, msg);
    td_try(judge_status(dm, &again, err));
    if (again)
        say_again(dm);
    else
        td_dm_apply(dm, msg);
    *ret_go_on = again || dm->had_commands || dm->more_coming || dm->pending != NULL;
    return td_csp_save(dm->csp, err);
}

/* --- the session -------------------------------------------------------------------------------------------------- */

/* Best effort: the account is gone whether the service hears of it or not (oma-dm.md 10). */
static void say_goodbye(struct td_dm *dm)
{
    TD_CLEANUP(td_buf_done) struct td_buf body;
    struct td_net_response r;
    td_buf_init(&body, TD_SYNCML_MAX);
    begin(dm, TD_DM_CSP_REASON, dm->user_active);
    td_dm_first_package(dm);
    struct td_sync_cmd *alert = td_sync_new(dm->a, TD_SYNC_ALERT, "");
    alert->code = TD_ALERT_GENERIC;
    struct td_sync_item *item = td_sync_item(dm->a, alert);
    item->meta.type = "com.microsoft:mdm.unenrollment.userrequest";
    item->meta.format = "int";
    item->data = TD_S("1");
    item->has_data = true;
    alert->next = dm->pending->next;
    dm->pending->next = alert;
    struct td_net_request req;
    if (td_dm_build(dm, &body, NULL) != TD_OK)
        return;
    request_of(dm, td_buf_slice(&body), &req);
    (void)dm->net->post(dm->net->ctx, &req, dm->a, &r, NULL);
}

static enum td_code end_management(struct td_dm *dm, struct td_error *err)
{
    static const char *const files[] = {"mdm.crt.pem", "mdm.key.pem", "tpm/mdm.key"};
    say_goodbye(dm);
    /* From here on a kill goes on with it: what the matrix takes away goes with the next start at the latest. */
    enum td_code rc = td_reset_schedule(dm->dev, TD_ACTION_RETIRE, "", err);
    if (rc != TD_OK && rc != TD_EEXISTS)
        return rc;
    td_csp_forget(dm->csp);
    td_try(td_csp_save(dm->csp, err));
    for (size_t i = 0; i < TD_COUNTOF(files); i++)
        (void)remove(td_device_path(dm->dev, dm->a, files[i]));
    td_state_set(dm->dev->state, "enrol.ended", "unenrolled by the service");
    td_device_say(dm->dev, "manage", "unenrolled by the service");
    return td_state_save(dm->dev->state, err);
}

static enum td_code exchange(struct td_dm *dm, bool *ret_go_on, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf body;
    struct td_sync_msg msg;
    td_buf_init(&body, TD_SYNCML_MAX);
    td_try(td_dm_build(dm, &body, err));
    td_try(post(dm, td_buf_slice(&body), &msg, err));
    return take_message(dm, &msg, ret_go_on, err);
}

static enum td_code run(struct td_dm *dm, struct td_error *err)
{
    bool go_on = true;
    if (td_csp_unenrolled(dm->csp) && !td_fault("device-leaving-forgotten")) /* the power failed behind the order */
        return end_management(dm, err);
    td_dm_first_package(dm);
    td_try(td_csp_save(dm->csp, err)); /* the number of the session is used up */
    for (int i = 0; go_on; i++) {
        if (i == TD_DM_MAX_MESSAGES)
            return td_fail(err, TD_ELIMIT, "management", "the service does not end the session");
        td_try(exchange(dm, &go_on, err));
        if (td_csp_unenrolled(dm->csp))
            return end_management(dm, err);
        if (dm->aborted)
            return td_fail(err, TD_EUNAVAILABLE, "management", "the service has cut the session off (1223)");
    }
    if (dm->news_sent) /* said again until a whole session knows them */
        td_try(td_reset_told(dm->dev, err));
    if (dm->trouble != 0) {
        td_state_set(dm->dev->state, TD_DOMAIN_TROUBLE, NULL);
        td_try(td_state_save(dm->dev->state, err));
    }
    if (!dm->user_active)
        return TD_OK;
    td_csp_put_int(dm->csp, "@user-sessions", td_csp_int(dm->csp, "@user-sessions", 0) + 1);
    return td_csp_save(dm->csp, err);
}

enum td_code td_dm_talk(struct td_dm *dm, int reason, bool user_active, struct td_error *err)
{
    struct td_arena arena;
    td_arena_init(&arena);
    dm->a = &arena;
    begin(dm, reason, user_active);
    enum td_code rc = run(dm, err);
    dm->a = NULL;
    dm->pending = dm->sent = NULL;
    td_free(dm->large.target);
    td_buf_done(&dm->large.data);
    dm->large.target = NULL;
    td_arena_done(&arena);
    return rc;
}
