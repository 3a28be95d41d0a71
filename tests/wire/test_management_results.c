/* Actions that end with what the device brings: the local administrator's password (csp.md 17), an archive of logs. */
#include "api/join.h"
#include "api/local_credential.h"
#include "store/certificate.h"
#include "store/event.h"
#include "wire/action_client.h"

#include <dirent.h>
#include <pthread.h>

/* --- the local administrator -------------------------------------------------------------------------------------- */

#define LAPS "./Device/Vendor/MSFT/LAPS/Policies/"

static bool has_atomic_adds(const struct client *c)
{
    for (const struct td_sync_cmd *cmd = c->last.cmds; cmd != NULL; cmd = cmd->next)
        if (cmd->kind == TD_SYNC_ATOMIC && cmd->child != NULL && cmd->child->kind == TD_SYNC_ADD &&
            strcmp(cmd->child->items->target, LAPS "BackupDirectory") == 0 && cmd->child->next != NULL &&
            strcmp(cmd->child->next->items->target, LAPS "PasswordAgeDays") == 0)
            return true;
    return false;
}

/* csp.md 17: AtomicRequired. A device that was reset has forgotten it: it is added again, not replaced. */
static void laps_goes_as_one_atomic(void **state)
{
    struct client *c = ready(state);
    (void)give(c, "laps",
               "{\"kind\":\"policy\",\"settings\":[{\"uri\":\"" LAPS "BackupDirectory\",\"operation\":\"add\","
               "\"format\":\"int\",\"value\":1},{\"uri\":\"" LAPS "PasswordAgeDays\",\"operation\":\"add\","
               "\"format\":\"int\",\"value\":30}]}");
    c->session++;
    c->msg = 0;
    send_next(c, LOGIN("user"), true);
    assert_true(has_atomic_adds(c));
    while (has_commands(c))
        send_next(c, "", true);
    c->nodes = at_1;
    c->session++;
    c->msg = 0;
    send_next(c, BOOTSTRAP, true);
    bool again = has_atomic_adds(c);
    while (has_commands(c)) {
        send_next(c, "", true);
        again = again || has_atomic_adds(c);
    }
    assert_true(again);
}

static enum td_code record(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_cert_record(tx, ctx, err);
}

/* The certificate of the directory join, by which the device proves itself to the directory. */
static struct td_peer joined_peer(struct client *c, const char *device)
{
    struct world *w = c->w;
    const struct td_rdn subject[] = {{"CN", device}};
    struct td_slice der = {0};
    struct td_cert cert = {0};
    struct td_cert_template t = {.subject = subject,
                                 .subject_count = 1,
                                 .not_before = w->wire.env.now - TD_DAY,
                                 .not_after = w->wire.env.now + 3650 * TD_DAY};
    assert_ok(td_key_public_der(w->key, &w->wire.arena, &t.spki));
    assert_ok(td_authority_issue(&w->wire.svc, TD_PURPOSE_DEVICE, &t, &w->wire.arena, &der, NULL));
    assert_ok(td_cert_parse(der, &w->wire.arena, &cert, NULL));
    struct td_cert_row row = {.tenant = w->tenant,
                              .purpose = "device",
                              .subject = device,
                              .serial = cert.serial,
                              .not_after = cert.not_after};
    memcpy(row.sha256, cert.sha256, sizeof(row.sha256));
    assert_ok(td_store_write(w->wire.svc.store, record, &row, NULL));
    struct td_peer peer = {.address = "127.0.0.1", .tls = true, .cert = der};
    td_sha256(der, peer.cert_sha256);
    return peer;
}

static void a_password_ends_its_rotation(void **state)
{
    struct client *c = ready(state);
    const char *device = world_enrolment(c->w, c->id).device_id, *id = ask_for(c, TD_ACTION_ROTATE_LAPS);
    struct td_peer peer = joined_peer(c, device);
    const char *target = td_arena_printf(&c->w->wire.arena, "/EnrollmentServer/device/%s/localcredential", device);
    c->doors[0] = (struct td_door){td_join_routes, td_join_route_count, &c->w->wire.svc};
    struct td_slice body = TD_S("{\"accountName\":\"Administrator\",\"password\":\"one\"}");
    /* of its own accord, before the action was delivered: that one is still to come */
    assert_int_equal(world_call(c->w, "POST", target, "Content-Type: application/json", body, &peer).status, 204);
    assert_int_equal(action_of(c, id).state, TD_ACT_PENDING);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(action_of(c, id).state, TD_ACT_ACTIVE);
    assert_int_equal(world_call(c->w, "POST", target, "Content-Type: application/json", body, &peer).status, 204);
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
    assert_int_equal(world_events(c->w, c->way, "local-credential.backed-up", NULL), 2);
}

/* A device that sends passwords without end fills neither table nor timeline, and the newest one counts all the same.
 */
static void passwords_without_end(void **state)
{
    struct client *c = ready(state);
    const char *device = world_enrolment(c->w, c->id).device_id;
    struct td_peer peer = joined_peer(c, device);
    const char *target = td_arena_printf(&c->w->wire.arena, "/EnrollmentServer/device/%s/localcredential", device);
    struct td_slice body = TD_S("{\"accountName\":\"Administrator\",\"password\":\"one\"}");
    c->doors[0] = (struct td_door){td_join_routes, td_join_route_count, &c->w->wire.svc};
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(world_call(c->w, "POST", target, "Content-Type: application/json", body, &peer).status, 204);
    assert_int_equal(world_events(c->w, c->way, "local-credential.backed-up", NULL), TD_LOCAL_CREDENTIAL_HISTORY + 1);
    c->w->wire.env.now += 2 * TD_HOUR;
    assert_int_equal(world_call(c->w, "POST", target, "Content-Type: application/json", body, &peer).status, 204);
    assert_int_equal(world_events(c->w, c->way, "local-credential.backed-up", NULL), TD_LOCAL_CREDENTIAL_HISTORY + 2);
}

static void a_rotation_ends_without_its_password(void **state)
{
    static const struct node no_policy[] = {{"LAPS/Actions/ResetPassword", 500, NULL}, {NULL, 0, NULL}};
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_ROTATE_LAPS);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "Exec ./Device/Vendor/MSFT/LAPS/Actions/ResetPassword\n"), 1);
    assert_int_equal(action_of(c, id).state, TD_ACT_ACTIVE); /* the password has not come */
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "ResetPassword"), 0);
    c->w->wire.env.now += 25 * TD_HOUR;
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(action_of(c, id).state, TD_ACT_FAILED);
    id = ask_for(c, TD_ACTION_ROTATE_LAPS);
    c->nodes = no_policy;
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(action_of(c, id).state, TD_ACT_FAILED);
}

/* --- archives of logs --------------------------------------------------------------------------------------------- */

static const char ZIP[] = "PK\x03\x04 the log of a device PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

static const char *upload_target(struct client *c)
{
    for (const struct td_sync_cmd *cmd = c->last.cmds; cmd != NULL; cmd = cmd->next) {
        struct td_xml *root = NULL;
        if (cmd->kind != TD_SYNC_EXEC || !td_ends(td_str(cmd->items->target), "/ArchiveDefinition"))
            continue;
        assert_ok(td_xml_parse(cmd->items->data, 1 << 20, &c->w->wire.arena, &root, NULL));
        assert_true(td_xml_is(root, NULL, "Collection"));
        const char *url = td_arena_text(&c->w->wire.arena, td_xml_text(td_xml_child(root, NULL, "SasUrl")));
        assert_true(td_starts(td_str(url), "https://localhost:8443/"));
        return url + strlen("https://localhost:8443");
    }
    return NULL;
}

static int put(struct client *c, const char *target, struct td_slice body)
{
    c->raw = world_call(c->w, "PUT", target, "x-ms-blob-type: BlockBlob", body, NULL);
    return c->raw.status;
}

static void an_archive_comes(void **state)
{
    struct td_slice zip = td_bytes(ZIP, sizeof(ZIP) - 1);
    struct client *c = ready(state);
    struct td_service *svc = &c->w->wire.svc;
    const char *id = ask_for(c, TD_ACTION_DIAGNOSTICS);
    c->session++;
    c->msg = 0;
    send_next(c, LOGIN("user"), true);
    const char *target = upload_target(c), *link = NULL;
    assert_non_null(target);
    send_next(c, "", true);
    assert_int_equal(action_of(c, id).state, TD_ACT_ACTIVE);
    assert_int_equal(put(c, target, TD_S("MZ is no archive")), 400);
    assert_int_equal(put(c, target, td_sub(zip, 0, 20)), 400);
    const char *other = td_arena_printf(&c->w->wire.arena, "/content/upload/%s%s",
                                        "11111111-0000-4000-8000-00000000000f", strchr(target, '?'));
    assert_int_equal(put(c, other, zip), 403);
    assert_int_equal(put(c, "/content/upload/x?t=y", zip), 403);
    assert_int_equal(put(c, target, zip), 201);
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
    assert_int_equal(put(c, target, zip), 201); /* the answer was lost */
    assert_int_equal(put(c, target, TD_S("PK\x03\x04 another one PK\x05\x06 012345678901234567")), 409);
    assert_ok(td_diagnostic_link(svc, c->w->tenant, id, "", &c->w->wire.arena, &link, NULL));
    struct td_http_reply r = world_call(c->w, "GET", link, NULL, TD_S(""), NULL);
    assert_int_equal(r.status, 200);
    assert_int_equal(r.file_length, zip.n);
    (void)close(r.file);
    /* 28 days, then bytes and row go */
    bool more = true;
    c->w->wire.env.now += 27 * TD_DAY;
    assert_ok(td_diagnostics_job(svc, &more, NULL));
    assert_int_equal(access(td_diagnostic_path(svc->data_dir, id, &c->w->wire.arena), F_OK), 0);
    c->w->wire.env.now += 2 * TD_DAY;
    assert_ok(td_diagnostics_job(svc, &more, NULL));
    assert_int_not_equal(access(td_diagnostic_path(svc->data_dir, id, &c->w->wire.arena), F_OK), 0);
    (void)rmdir(td_arena_printf(&c->w->wire.arena, "%s/diagnostics", svc->data_dir));
}

static void an_archive_of_a_device_that_left(void **state)
{
    struct td_slice zip = td_bytes(ZIP, sizeof(ZIP) - 1);
    struct client *c = ready(state);
    (void)ask_for(c, TD_ACTION_DIAGNOSTICS);
    c->session++;
    c->msg = 0;
    send_next(c, LOGIN("user"), true);
    const char *target = upload_target(c);
    send_next(c, "", true);
    (void)run_session(c, GOODBYE);
    assert_int_equal(world_enrolment(c->w, c->id).state, TD_ENROLMENT_ENDED);
    assert_int_equal(put(c, target, zip), 403);
}

static void an_archive_that_never_comes(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_DIAGNOSTICS);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "ArchiveDefinition"), 1);
    c->w->wire.env.now += 25 * TD_HOUR;
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "ArchiveDefinition"), 0);
    assert_int_equal(action_of(c, id).state, TD_ACT_FAILED);
}

/* --- several at once ---------------------------------------------------------------------------------------------- */

enum { SENDERS = 4, ARCHIVE_SIZE = 4 << 20 };

struct sender {
    struct client *c;
    const char *target;
    char *zip;
    int status;
    pthread_t thread;
};

static void *send_archive(void *ctx)
{
    static const char *const headers[] = {"x-ms-blob-type: BlockBlob", NULL};
    struct sender *s = ctx;
    struct td_arena a;
    struct td_http_reply reply;
    td_arena_init(&a);
    td_loopback(&s->c->w->wire.router, "PUT", s->target, headers, td_bytes(s->zip, ARCHIVE_SIZE), NULL, &a, &reply);
    s->status = reply.status;
    td_reply_done(&reply);
    td_arena_done(&a);
    return NULL;
}

static char *archive_of(struct client *c, char fill)
{
    char *zip = td_arena_alloc(&c->w->wire.arena, ARCHIVE_SIZE);
    memset(zip, fill, ARCHIVE_SIZE);
    memcpy(zip, ZIP, 4);
    memcpy(zip + ARCHIVE_SIZE - 22, ZIP + sizeof(ZIP) - 1 - 22, 22);
    return zip;
}

static size_t files_in(const char *path)
{
    size_t n = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        n += e->d_name[0] != '.';
    (void)closedir(d);
    return n;
}

/* One link, several archives at the same moment: one is taken, and its bytes are what is read later. */
static void of_several_archives_one_stays(void **state)
{
    struct client *c = ready(state);
    struct td_service *svc = &c->w->wire.svc;
    struct sender s[SENDERS];
    const char *taken = NULL, *id = ask_for(c, TD_ACTION_DIAGNOSTICS);
    TD_CLEANUP(td_buf_done) struct td_buf kept;
    c->session++;
    c->msg = 0;
    send_next(c, LOGIN("user"), true);
    const char *target = upload_target(c);
    send_next(c, "", true);
    for (size_t i = 0; i < SENDERS; i++)
        s[i] = (struct sender){.c = c, .target = target, .zip = archive_of(c, (char)('a' + i))};
    for (size_t i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&s[i].thread, NULL, send_archive, &s[i]), 0);
    for (size_t i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_join(s[i].thread, NULL), 0);
    for (size_t i = 0; i < SENDERS; i++) {
        assert_true(s[i].status == 201 ? taken == NULL : s[i].status == 409);
        taken = s[i].status == 201 ? s[i].zip : taken;
    }
    assert_non_null(taken);
    assert_int_equal(put(c, target, td_bytes(archive_of(c, 'z'), ARCHIVE_SIZE)), 409);
    td_buf_init(&kept, ARCHIVE_SIZE + 1);
    assert_ok(td_file_read(td_diagnostic_path(svc->data_dir, id, &c->w->wire.arena), &kept, NULL));
    assert_int_equal(kept.n, ARCHIVE_SIZE);
    assert_memory_equal(kept.p, taken, ARCHIVE_SIZE);
    const char *folder = td_arena_printf(&c->w->wire.arena, "%s/diagnostics", svc->data_dir);
    assert_int_equal(files_in(folder), 1); /* those of the others are gone */
    (void)unlink(td_diagnostic_path(svc->data_dir, id, &c->w->wire.arena));
    (void)rmdir(folder);
}

/* Asked again and again: the newest are kept, and the bytes of the others go. */
static void archives_without_end(void **state)
{
    struct td_slice zip = td_bytes(ZIP, sizeof(ZIP) - 1);
    struct client *c = ready(state);
    struct td_service *svc = &c->w->wire.svc;
    const char *folder = td_arena_printf(&c->w->wire.arena, "%s/diagnostics", svc->data_dir), *last = "";
    bool more = true;
    for (size_t i = 0; i < TD_DIAGNOSTIC_KEPT + 3; i++) {
        last = ask_for(c, TD_ACTION_DIAGNOSTICS);
        c->session++;
        c->msg = 0;
        send_next(c, LOGIN("user"), true);
        const char *target = upload_target(c);
        send_next(c, "", true);
        assert_int_equal(put(c, target, zip), 201);
        c->w->wire.env.now += TD_MINUTE;
    }
    assert_ok(td_diagnostics_job(svc, &more, NULL));
    assert_int_equal(files_in(folder), TD_DIAGNOSTIC_KEPT);
    assert_int_equal(access(td_diagnostic_path(svc->data_dir, last, &c->w->wire.arena), F_OK), 0);
    c->w->wire.env.now += 29 * TD_DAY;
    assert_ok(td_diagnostics_job(svc, &more, NULL));
    assert_int_equal(files_in(folder), 0);
    (void)rmdir(folder);
}

/* --- what is too much --------------------------------------------------------------------------------------------- */

static enum td_code crowd(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    const struct td_event e = {.subject = c->way, .type = "configuration.failed", .actor = "device", .detail = "{}"};
    for (int i = 0; i < TD_EVENTS_AN_HOUR; i++)
        td_try(td_event_append(tx, c->w->tenant, &e, err));
    return TD_OK;
}

static enum td_code count_words(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_rows r;
    int64_t *ret = ctx;
    td_try(td_sql_query(tx, &r, err, "SELECT COUNT(*) FROM event WHERE type = 'management.rolled-back'", ""));
    while (td_rows_next(&r))
        *ret = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

static int64_t words_told(struct client *c)
{
    int64_t n = -1;
    assert_ok(td_store_read(c->w->wire.svc.store, count_words, &n, NULL));
    return n;
}

/* What only informs is left out where a device says too much in an hour; its management goes on. */
static void words_without_end(void **state)
{
    static const char took_back[] = LOGIN("user")
        ALERT("1226", "org.touchdown:mdm.wipe.rolledback", "<Source><LocURI>./x</LocURI></Source>", "int", "1");
    struct client *c = ready(state);
    assert_ok(td_store_write(c->w->wire.svc.store, crowd, c, NULL));
    (void)run_session(c, took_back);
    assert_int_equal(words_told(c), 0);
    c->w->wire.env.now += 2 * TD_HOUR;
    (void)run_session(c, took_back);
    assert_int_equal(words_told(c), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(laps_goes_as_one_atomic),
        T(a_password_ends_its_rotation),
        T(a_rotation_ends_without_its_password),
        T(an_archive_comes),
        T(an_archive_of_a_device_that_left),
        T(an_archive_that_never_comes),
        T(of_several_archives_one_stays),
        T(passwords_without_end),
        T(archives_without_end),
        T(words_without_end),
    };
    return cmocka_run_group_tests_name("management_results", tests, world_open, world_close);
}
