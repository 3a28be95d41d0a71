#include "api/diagnostics.h"

#include "api/token.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/file.h"
#include "codec/xml.h"
#include "crypto/digest.h"
#include "store/action.h"
#include "store/enrolment.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JOB_SLICE = 20, ZIP_END = 22, ZIP_COMMENT = 65535 };
static const int64_t upload_life = 24 * TD_HOUR, read_life = TD_HOUR;
static const char upload_kind[] = "upload", read_kind[] = "archive";

char *td_diagnostic_path(const char *data_dir, const char *id, struct td_arena *a)
{
    return td_arena_printf(a, "%s/diagnostics/%s", data_dir, id);
}

/* --- links -------------------------------------------------------------------------------------------------------- */

static enum td_code link_to(const struct td_service *svc, const char *kind, const char *tenant, const char *id,
                            const char *base, int64_t life, struct td_arena *a, const char **ret, struct td_error *err)
{
    char *ticket = NULL;
    const char *payload = td_arena_printf(a, "{\"tenant\":\"%s\",\"id\":\"%s\"}", tenant, id);
    td_try(td_ticket_make(svc, kind, payload, life, a, &ticket, err));
    *ret = td_arena_printf(a, "%s/content/%s/%s?t=%s", base, kind, id, ticket);
    return TD_OK;
}

enum td_code td_diagnostic_link(const struct td_service *svc, const char *tenant, const char *id, const char *base,
                                struct td_arena *a, const char **ret, struct td_error *err)
{
    return link_to(svc, read_kind, tenant, id, base, read_life, a, ret, err);
}

/* What a deployment is judged by: registry of enrolments and of Autopilot, the state of the join, the logs of both. */
static const struct {
    const char *element, *text;
} gathered[] = {
    {"RegistryKey", "HKLM\\SOFTWARE\\Microsoft\\Provisioning"},
    {"RegistryKey", "HKLM\\SOFTWARE\\Microsoft\\Enrollments"},
    {"RegistryKey", "HKLM\\SOFTWARE\\Microsoft\\PolicyManager"},
    {"Command", "%windir%\\system32\\dsregcmd.exe /status"},
    {"Command",
     "%windir%\\system32\\mdmdiagnosticstool.exe -area Autopilot;DeviceEnrollment;DeviceProvisioning;Tpm -cab"
     " %temp%\\MDMDiagnostics\\mdmlogs.cab"},
    {"Command", "%windir%\\system32\\reagentc.exe /info"},
    {"FoldersFiles", "%temp%\\MDMDiagnostics\\mdmlogs.cab"},
    {"Events", "Application"},
    {"Events", "System"},
    {"Events", "Microsoft-Windows-DeviceManagement-Enterprise-Diagnostics-Provider/Admin"},
    {"Events", "Microsoft-Windows-ModernDeployment-Diagnostics-Provider/Autopilot"},
    {"Events", "Microsoft-Windows-AAD/Operational"},
    {"Events", "Microsoft-Windows-User Device Registration/Admin"},
    {"Events", "Microsoft-Windows-AssignedAccess/Admin"},
    {"Events", "Microsoft-Windows-AssignedAccess/Operational"},
};

enum td_code td_diagnostic_order(const struct td_service *svc, const char *tenant, const char *id, const char *base,
                                 struct td_arena *a, const char **ret, struct td_error *err)
{
    const char *url = "";
    struct td_buf b;
    struct td_xmlw w;
    td_try(link_to(svc, upload_kind, tenant, id, base, upload_life, a, &url, err));
    td_buf_init(&b, 16384);
    td_xmlw_init(&w, &b);
    td_xmlw_open(&w, "Collection");
    td_xmlw_leaf(&w, "ID", id);
    td_xmlw_leaf(&w, "SasUrl", url);
    for (size_t i = 0; i < TD_COUNTOF(gathered); i++)
        td_xmlw_leaf(&w, gathered[i].element, gathered[i].text);
    td_xmlw_leaf(&w, "OutputFileFormat", "Flattened");
    td_xmlw_close(&w);
    *ret = td_arena_text(a, td_buf_slice(&b));
    enum td_code rc = td_buf_check(&b, "archive definition", err);
    td_buf_done(&b);
    return rc;
}

/* --- what comes --------------------------------------------------------------------------------------------------- */

struct upload {
    struct td_service *svc;
    struct td_arena *arena;
    const char *tenant, *id, *sha256;
    const char *part, *path; /* where the bytes lie until they are recorded, and then */
    int64_t size;
    bool again; /* these very bytes have come already: the answer was lost */
};

static enum td_code open_link(struct td_service *svc, struct td_http_request *req, const char *kind,
                              const char **ret_tenant, const char **ret_id, struct td_error *err)
{
    const struct td_json *claims = NULL;
    enum td_code rc = td_ticket_open(svc, kind, td_http_query(req, "t"), req->arena, &claims, err);
    if (rc != TD_OK)
        return td_fail(err, TD_EDENIED, "t",
                       rc == TD_EEXPIRED ? "the link is too old" : "the link was not made by this service");
    *ret_tenant = td_json_str(claims, "tenant");
    *ret_id = td_json_str(claims, "id");
    if (*ret_tenant == NULL || *ret_id == NULL || (!td_eqs(req->params[0], *ret_id) && !td_fault("upload-any-link")))
        return td_fail(err, TD_EDENIED, "t", "the link is for something else");
    return TD_OK;
}

/* A local header at its beginning and the directory's end within reach of the last octet: neither something else nor
 * cut off. */
static enum td_code check_zip(struct td_slice body, struct td_error *err)
{
    struct td_slice end = {0};
    bool begins = td_starts(body, "PK\x03\x04") || td_starts(body, "PK\x05\x06");
    if (body.n >= ZIP_END)
        end = td_sub(body, body.n > ZIP_END + ZIP_COMMENT ? body.n - ZIP_END - ZIP_COMMENT : 0, body.n);
    if ((begins && td_search(end, TD_S("PK\x05\x06")) != SIZE_MAX) || td_fault("upload-any-bytes"))
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_EFORMAT, "body", "is no whole zip archive"), "Send it again, as one zip.");
}

static enum td_code check_headers(const struct td_http_request *req, struct td_error *err)
{
    struct td_slice type = td_http_header(req, "x-ms-blob-type");
    if (td_http_query(req, "comp").p != NULL)
        return td_fail(err, TD_ENOTOFFERED, "comp", "only whole archives are taken, no blocks");
    if (type.n != 0 && !td_ieqs(type, "BlockBlob"))
        return td_fail(err, TD_EINVAL, "x-ms-blob-type", "must be BlockBlob");
    return TD_OK;
}

/* Somebody waits for it: the action that asked is open, and its device may be served. */
static enum td_code check_asked(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct upload *u = ctx;
    struct td_action action;
    struct td_enrolment enrolment;
    struct td_diagnostic have;
    enum td_code rc = td_action_find(tx, u->tenant, u->id, u->arena, &action, err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && action.kind != TD_ACTION_DIAGNOSTICS))
        return td_fail(err, TD_EDENIED, "archive", "nobody waits for it");
    td_try(rc);
    td_try(td_enrolment_serving(tx, u->tenant, action.enrolment_id, u->arena, &enrolment, err));
    rc = td_diagnostic_find(tx, u->tenant, u->id, u->arena, &have, err);
    if (rc == TD_OK) {
        u->again = strcmp(have.sha256, u->sha256) == 0;
        return u->again ? TD_OK : td_fail(err, TD_EEXISTS, "archive", "another archive has come already");
    }
    if (rc != TD_ENOTFOUND)
        return rc;
    return action.state == TD_ACT_ACTIVE ? TD_OK : td_fail(err, TD_EDENIED, "archive", "nobody waits for it any more");
}

static enum td_code record(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct upload *u = ctx;
    struct td_action action;
    td_try(check_asked(tx, u, err));
    if (u->again)
        return TD_OK;
    td_try(td_action_find(tx, u->tenant, u->id, u->arena, &action, err));
    const struct td_diagnostic d = {.id = u->id,
                                    .enrolment_id = action.enrolment_id,
                                    .way_id = action.way_id,
                                    .size = u->size,
                                    .sha256 = u->sha256};
    td_try(td_diagnostic_put(tx, u->tenant, &d, err));
    td_try(td_action_finish(tx, u->tenant, u->id, TD_ACT_DONE, NULL, err));
    return rename(u->part, u->path) == 0 || !td_file_exists(u->part) /* a write may run twice */
               ? TD_OK
               : td_fail(err, TD_EIO, "archive", "can't be kept");
}

/* Of two that come at once by one link the first that is recorded counts: the other's bytes never take its place, and
 * go. */
static enum td_code keep(struct upload *u, struct td_slice body, struct td_error *err)
{
    u->path = td_diagnostic_path(u->svc->data_dir, u->id, u->arena);
    u->part = td_fault("upload-overwrites")
                  ? u->path
                  : td_arena_printf(u->arena, "%s.%s", u->path, td_uuid_arena(u->svc->env, u->arena));
    td_try(td_dir_make(td_arena_printf(u->arena, "%s/diagnostics", u->svc->data_dir), 0700, err));
    td_try(td_file_write(u->part, body, 0600, err));
    enum td_code rc = td_store_write(u->svc->store, record, u, err);
    if (u->part != u->path)
        (void)unlink(u->part);
    return rc;
}

static enum td_code take(struct upload *u, struct td_http_request *req, struct td_error *err)
{
    unsigned char digest[32];
    td_try(open_link(u->svc, req, upload_kind, &u->tenant, &u->id, err));
    td_try(check_headers(req, err));
    td_try(check_zip(req->body, err));
    td_sha256(req->body, digest);
    u->sha256 = td_hex(req->arena, td_bytes(digest, sizeof(digest)));
    u->size = (int64_t)req->body.n;
    if (!td_fault("upload-overwrites"))
        td_try(td_store_read(u->svc->store, check_asked, u, err));
    return u->again ? TD_OK : keep(u, req->body, err);
}

static void put(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct upload u = {.svc = ctx, .arena = req->arena};
    struct td_error err = {0};
    if (take(&u, req, &err) != TD_OK) {
        td_reply_problem(reply, &err);
        return;
    }
    td_reply_header(reply, "ETag", td_arena_printf(req->arena, "\"%s\"", u.sha256));
    td_reply_text(reply, 201, NULL, TD_S(""));
}

/* --- what is read ------------------------------------------------------------------------------------------------- */

struct asked {
    const char *tenant, *id;
    struct td_arena *arena;
    struct td_diagnostic found;
};

static enum td_code find(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct asked *q = ctx;
    return td_diagnostic_find(tx, q->tenant, q->id, q->arena, &q->found, err);
}

static void get(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_service *svc = ctx;
    struct td_error err = {0};
    struct asked q = {.arena = req->arena};
    struct stat st;
    if (open_link(svc, req, read_kind, &q.tenant, &q.id, &err) != TD_OK ||
        td_store_read(svc->store, find, &q, &err) != TD_OK) {
        td_reply_problem(reply, &err);
        return;
    }
    int fd = open(td_diagnostic_path(svc->data_dir, q.id, req->arena), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size != q.found.size) {
        if (fd >= 0)
            (void)close(fd);
        (void)td_fail(&err, TD_EIO, "archive", "its bytes are not there");
        td_reply_problem(reply, &err);
        return;
    }
    td_reply_header(reply, "Content-Disposition", td_arena_printf(req->arena, "attachment; filename=\"%s.zip\"", q.id));
    td_reply_header(reply, "Cache-Control", "private, no-store");
    reply->status = 200;
    reply->content_type = "application/zip";
    reply->file = fd;
    reply->file_length = (uint64_t)st.st_size;
}

const struct td_route td_diagnostics_routes[] = {
    {TD_PUT, "/content/upload/{id}", put, 0, TD_DIAGNOSTIC_MAX},
    {TD_GET, "/content/archive/{id}", get, 0, 0},
};
const size_t td_diagnostics_route_count = TD_COUNTOF(td_diagnostics_routes);

/* --- what goes ---------------------------------------------------------------------------------------------------- */

static enum td_code remove_row(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct td_diagnostic *d = ctx;
    return td_diagnostic_remove(tx, d->tenant, d->id, err);
}

/* Bytes and row. Bytes that are gone already are no error. */
static enum td_code drop(struct td_service *svc, const struct td_diagnostic *d, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_diagnostic row = *d;
    (void)unlink(td_diagnostic_path(svc->data_dir, d->id, &a));
    return td_store_write(svc->store, remove_row, &row, err);
}

struct old {
    struct td_arena *arena;
    struct td_diagnostic *rows;
    size_t count;
};

static enum td_code find_old(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct old *o = ctx;
    return td_diagnostic_old(tx, JOB_SLICE, o->arena, &o->rows, &o->count, err);
}

enum td_code td_diagnostics_job(struct td_service *svc, bool *ret_more, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct old o = {.arena = &a};
    *ret_more = false;
    td_try(td_store_read(svc->store, find_old, &o, err));
    for (size_t i = 0; i < o.count; i++)
        td_try(drop(svc, &o.rows[i], err));
    *ret_more = o.count == JOB_SLICE;
    return TD_OK;
}
