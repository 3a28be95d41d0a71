/* A device on a stage for tests of the way's steps: fixed world, state in a folder of its own, the network a function
 * of the test, lines kept. Answers are made by the test from the protocol documents, not by our service. */
#ifndef TD_TESTS_UNIT_DEVICE_STAGE_H
#define TD_TESTS_UNIT_DEVICE_STAGE_H

#include "base/encode.h"
#include "crypto/cert.h"
#include "device/flow.h"
#include "device/web.h"
#include "unit/test.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

struct stage {
    char dir[64];
    struct td_env_fixed world;
    struct td_device dev;
    struct td_ui ui;
    struct td_transport net;
    struct td_flow flow;
    struct td_arena arena; /* of the test */
    struct td_buf lines;
    int requests;
};

static inline void stage_line(void *ctx, const char *line)
{
    struct stage *s = ctx;
    td_buf_printf(&s->lines, "%s\n", line);
}

static inline void stage_open(struct stage *s,
                              enum td_code (*send)(void *, const struct td_net_request *, struct td_arena *,
                                                   struct td_net_response *, struct td_error *))
{
    memset(s, 0, sizeof(*s));
    (void)snprintf(s->dir, sizeof(s->dir), "/tmp/td-stage-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    td_env_fixed_init(&s->world, INT64_C(1893553445) * TD_SECOND, 7);
    td_buf_init(&s->lines, 65536);
    s->dev = (struct td_device){.env = &s->world.env,
                                .dir = s->dir,
                                .server = "https://td.test:8443",
                                .pace = 1,
                                .say = stage_line,
                                .say_ctx = s};
    assert_ok(td_state_open(s->dir, &s->dev.state, NULL));
    s->ui.dev = &s->dev;
    s->net = (struct td_transport){.send = send, .ctx = s};
    s->flow = (struct td_flow){.dev = &s->dev, .ui = &s->ui, .net = &s->net};
    td_hw_facts_init(&s->flow.hw.facts);
    s->flow.hw.os_version = "10.0.22631.2506";
    s->flow.hw.edition = 48;
    s->flow.hw.locale = "en-US";
}

/* The device's folder with what lies in it, at most a few levels deep. */
static inline void stage_remove(const char *folder)
{
    DIR *d = opendir(folder);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        char path[1024];
        (void)snprintf(path, sizeof(path), "%.500s/%s", folder, e->d_name);
        if (e->d_type == DT_DIR && e->d_name[0] != '.')
            stage_remove(path);
        else if (e->d_type != DT_DIR)
            (void)unlink(path);
    }
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(folder);
}

static inline void stage_close(struct stage *s)
{
    td_flow_done(&s->flow);
    td_state_close(s->dev.state);
    td_buf_done(&s->lines);
    td_arena_done(&s->arena);
    stage_remove(s->dir);
}

static inline void stage_set(struct stage *s, const char *key, const char *value)
{
    td_state_set(s->dev.state, key, value);
}

static inline void stage_answer(struct stage *s, const char *key, const char *value)
{
    s->ui.answers[s->ui.answer_count++] = (struct td_answer){key, value};
}

static inline bool stage_said(const struct stage *s, const char *text)
{
    return td_search(td_buf_slice(&s->lines), td_str(text)) != SIZE_MAX;
}

/* An authority of the test's: a root whose certificate is the test's arena's. */
static inline void stage_make_ca(struct stage *s, struct td_key **ret_key, struct td_slice *ret_der)
{
    struct td_slice spki;
    assert_ok(td_key_generate(TD_KEY_P256, ret_key, NULL));
    assert_ok(td_key_public_der(*ret_key, &s->arena, &spki));
    const struct td_rdn name = {"CN", "Test CA"};
    const struct td_cert_template t = {.subject = &name,
                                       .subject_count = 1,
                                       .spki = spki,
                                       .serial = {1},
                                       .not_before = s->world.now - TD_DAY,
                                       .not_after = s->world.now + 9000 * TD_DAY,
                                       .is_ca = true};
    assert_ok(td_cert_issue(&t, (struct td_slice){NULL, 0}, *ret_key, &s->arena, ret_der, NULL));
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static inline enum td_code reply(struct td_net_response *r, struct td_arena *a, int status, const char *headers,
                                 struct td_slice body)
{
    *r = (struct td_net_response){status, td_arena_copy(a, td_str(headers)), td_arena_copy(a, body)};
    return TD_OK;
}

static inline enum td_code reply_json(struct td_net_response *r, struct td_arena *a, int status, const char *json)
{
    return reply(r, a, status, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", td_str(json));
}

static inline bool asked(const struct td_net_request *req, const char *method, const char *part)
{
    return strcmp(req->method, method) == 0 && td_search(td_str(req->url), td_str(part)) != SIZE_MAX;
}

static inline const char *query_of(const struct td_net_request *req, const char *name, struct td_arena *a)
{
    struct td_slice path;
    return td_form_get(td_cut(td_str(req->url), '?', &path), name, a);
}

static inline const char *header_of(const struct td_net_request *req, const char *name)
{
    for (size_t i = 0; i < TD_COUNTOF(req->headers) && req->headers[i] != NULL; i++)
        if (td_istarts(td_str(req->headers[i]), name))
            return req->headers[i] + strlen(name);
    return NULL;
}

#endif
