/* A device in a folder of its own and a scripted service: answers are taken one after the other from a list. */
#ifndef TD_TESTS_DM_WORLD_H
#define TD_TESTS_DM_WORLD_H

#include "device/csp/msi.h"
#include "device/dm/client.h"
#include "unit/test.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

enum { DM_MAX_POSTS = 64 };

struct dm_answer {
    int status;       /* 0: 200; -1: no answer comes */
    const char *body; /* of a SyncBody, put into an envelope; or a whole message that begins with "<SyncML" */
    const char *retry_after;
    const char *type; /* NULL: the right one */
};

struct dm_world {
    char dir[64];
    struct td_env_fixed env;
    struct td_device dev;
    struct td_dm dm;
    struct td_dm_transport net;
    struct td_arena a;
    /* script */
    const struct dm_answer *answers;
    size_t answer_count, at;
    struct dm_answer rest; /* once the script is over; body NULL: end the session */
    /* what the device did */
    struct td_sync_msg posts[DM_MAX_POSTS];
    const char *bodies[DM_MAX_POSTS], *urls[DM_MAX_POSTS], *headers[DM_MAX_POSTS];
    int64_t times[DM_MAX_POSTS];
    size_t post_count, fetches, fetch_failures;
    struct td_slice package; /* what a fetch brings */
    char said[8192];
    struct { /* what went beside the sessions */
        const char *method, *url, *headers, *body;
        bool by_device;
    } sent[8];
    size_t sent_count;
    int send_status; /* 0: no answer */
};

static inline char *dm_fixture(struct dm_world *w, const char *path)
{
    struct td_buf b = fixture(path);
    char *text = td_arena_text(&w->a, td_buf_slice(&b));
    td_buf_done(&b);
    return text;
}

static inline const char *dm_envelope(struct dm_world *w, const struct td_sync_msg *in, const char *body)
{
    return td_arena_printf(
        &w->a,
        "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>"
        "<SessionID>%s</SessionID><MsgID>%s</MsgID><Target><LocURI>%s</LocURI></Target><Source><LocURI>"
        "https://mdm.example.test/</LocURI></Source></SyncHdr><SyncBody>%s%s</SyncBody></SyncML>",
        in->session_id, in->msg_id, in->source,
        strstr(body, "<CmdRef>0</CmdRef>") != NULL
            ? ""
            : td_arena_printf(&w->a,
                              "<Status><CmdID>1</CmdID><MsgRef>%s</MsgRef><CmdRef>0</CmdRef><Cmd>"
                              "SyncHdr</Cmd><Data>200</Data></Status>",
                              in->msg_id),
        body);
}

static inline enum td_code dm_post(void *ctx, const struct td_net_request *req, struct td_arena *a,
                                   struct td_net_response *ret, struct td_error *err)
{
    struct dm_world *w = ctx;
    assert_true(w->post_count < DM_MAX_POSTS);
    size_t n = w->post_count++;
    w->bodies[n] = td_arena_text(&w->a, req->body);
    w->urls[n] = td_arena_strdup(&w->a, req->url);
    w->times[n] = w->env.now;
    char *headers = td_arena_strdup(&w->a, "");
    for (size_t i = 0; req->headers[i] != NULL; i++)
        headers = td_arena_printf(&w->a, "%s%s\n", headers, req->headers[i]);
    w->headers[n] = headers;
    assert_ok(td_syncml_parse(td_str(w->bodies[n]), &w->a, &w->posts[n], NULL));
    const struct dm_answer *answer = w->at < w->answer_count ? &w->answers[w->at++] : &w->rest;
    if (answer->status == -1)
        return td_fail(err, TD_EUNAVAILABLE, "test", "no answer");
    const char *body = answer->body == NULL ? "<Final/>" : answer->body;
    if (!td_starts(td_str(body), "<SyncML") && answer->status < 400) /* a refusal is a text (oma-dm.md 13.4) */
        body = dm_envelope(w, &w->posts[n], body);
    ret->status = answer->status == 0 ? 200 : answer->status;
    ret->body = td_str(td_arena_strdup(a, body));
    ret->headers = td_str(td_arena_printf(
        a, "HTTP/1.1 %d X\r\nContent-Type: %s\r\n%s%s%s\r\n", ret->status,
        answer->type == NULL ? TD_SYNCML_TYPE : answer->type, answer->retry_after == NULL ? "" : "Retry-After: ",
        answer->retry_after == NULL ? "" : answer->retry_after, answer->retry_after == NULL ? "" : "\r\n"));
    return TD_OK;
}

static inline enum td_code dm_fetch(void *ctx, const char *url, const char *path, uint64_t max TD_UNUSED,
                                    struct td_error *err)
{
    struct dm_world *w = ctx;
    w->fetches++;
    assert_string_equal(url, "https://mdm.example.test/content/agent.msi?a=1&b=2");
    if (w->fetch_failures != 0) {
        w->fetch_failures--;
        return td_fail(err, TD_EUNAVAILABLE, "test", "connection lost");
    }
    return td_file_write(path, w->package, 0600, err);
}

static inline enum td_code dm_send(void *ctx, bool by_device, const struct td_net_request *req, struct td_arena *a,
                                   struct td_net_response *ret, struct td_error *err)
{
    struct dm_world *w = ctx;
    assert_true(w->sent_count < TD_COUNTOF(w->sent));
    char *headers = td_arena_strdup(&w->a, "");
    for (size_t i = 0; req->headers[i] != NULL; i++)
        headers = td_arena_printf(&w->a, "%s%s\n", headers, req->headers[i]);
    size_t n = w->sent_count++;
    w->sent[n].method = td_arena_strdup(&w->a, req->method);
    w->sent[n].url = td_arena_strdup(&w->a, req->url);
    w->sent[n].body = td_arena_text(&w->a, req->body);
    w->sent[n].headers = headers;
    w->sent[n].by_device = by_device;
    if (w->send_status == 0)
        return td_fail(err, TD_EUNAVAILABLE, "test", "no answer");
    ret->status = w->send_status;
    ret->body = td_str(td_arena_strdup(a, "{}"));
    return TD_OK;
}

static inline void dm_say(void *ctx, const char *line)
{
    struct dm_world *w = ctx;
    size_t n = strlen(w->said);
    (void)snprintf(w->said + n, sizeof(w->said) - n, "%s\n", line);
}

/* The package that the examples order, as wixl made it (tests/fixtures/dm/agent.wxs). */
static inline struct td_slice dm_package(struct dm_world *w)
{
    struct td_buf b = fixture("dm/agent.msi");
    struct td_slice bytes = td_arena_copy(&w->a, td_buf_slice(&b));
    td_buf_done(&b);
    return bytes;
}

/* Killed and started again: only what was saved is there. */
static inline void dm_reopen(struct dm_world *w)
{
    td_dm_close(&w->dm);
    assert_ok(td_dm_open(&w->dev, &w->net, &w->dm, NULL));
}

static inline void dm_open(struct dm_world *w)
{
    memset(w, 0, sizeof(*w));
    (void)snprintf(w->dir, sizeof(w->dir), "/tmp/td-dm-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    td_env_fixed_init(&w->env, INT64_C(1900000000) * TD_SECOND, 7);
    td_arena_init(&w->a);
    w->dev = (struct td_device){.env = &w->env.env, .dir = w->dir, .pace = 1, .say = dm_say, .say_ctx = w};
    assert_ok(td_state_open(w->dir, &w->dev.state, NULL));
    td_state_set(w->dev.state, "enrol.device_id", "44444444000040008000000000000001");
    td_state_set(w->dev.state, "enrol.user", "ada@example.test");
    td_state_set(w->dev.state, "join.device_id", "44444444-0000-4000-8000-000000000001");
    char hw[128];
    (void)snprintf(hw, sizeof(hw), "%s/hardware.json", w->dir);
    assert_ok(
        td_file_write(hw,
                      TD_S("{\"machine\":false,\"serial\":\"4711\",\"manufacturer\":\"Example Corp\",\"model\":\"Model "
                           "X\",\"os\":\"10.0.22631.2506\",\"locale\":\"en-US\"}"),
                      0600, NULL));
    assert_ok(td_state_save(w->dev.state, NULL));
    w->net = (struct td_dm_transport){.post = dm_post, .fetch = dm_fetch, .send = dm_send, .ctx = w};
    w->send_status = 200;
    assert_ok(td_dm_open(&w->dev, &w->net, &w->dm, NULL));
    struct td_xml *wap;
    assert_ok(td_xml_parse(td_str(dm_fixture(w, "mde2/wap.xml")), 1 << 20, &w->a, &wap, NULL));
    assert_ok(td_dm_wap(&w->dm, wap, NULL));
}

static inline void dm_remove_all(const char *dir)
{
    char path[512];
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        assert_true(snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) < (int)sizeof(path));
        if (e->d_type == DT_DIR)
            dm_remove_all(path);
        else
            assert_int_equal(unlink(path), 0);
    }
    (void)closedir(d);
    assert_int_equal(rmdir(dir), 0);
}

static inline void dm_close(struct dm_world *w)
{
    td_dm_close(&w->dm);
    td_state_close(w->dev.state);
    td_arena_done(&w->a);
    dm_remove_all(w->dir);
}

static inline void dm_script(struct dm_world *w, const struct dm_answer *answers, size_t count)
{
    w->answers = answers;
    w->answer_count = count;
    w->at = 0;
    w->post_count = 0;
}

#define DM_SCRIPT(w, list) dm_script((w), (list), TD_COUNTOF(list))

/* All statuses of a message as "CmdRef Cmd code" lines, SyncHdr included. */
static inline const char *dm_statuses(struct dm_world *w, const struct td_sync_msg *msg)
{
    char *text = td_arena_strdup(&w->a, "");
    for (const struct td_sync_cmd *c = msg->cmds; c != NULL; c = c->next)
        if (c->kind == TD_SYNC_STATUS)
            text = td_arena_printf(&w->a, "%s%s%s %s %d", text, *text == '\0' ? "" : ", ", c->cmd_ref, c->cmd, c->code);
    return text;
}

static inline const struct td_sync_cmd *dm_first(const struct td_sync_msg *msg, enum td_sync_kind kind)
{
    for (const struct td_sync_cmd *c = msg->cmds; c != NULL; c = c->next)
        if (c->kind == kind)
            return c;
    return NULL;
}

#endif
