/* What came of a piece of work. A blob is read before it is believed, sealed before it is stored, and never logged. */
#include "api/connector/room.h"
#include "base/encode.h"
#include "base/fault.h"
#include "codec/odj.h"
#include "store/device.h"

#include <stdio.h>
#include <strings.h>

enum { DN = 2048, TEXT = 255, BLOB64 = TD_ODJ_MAX * 2, DETAIL = 500 };

struct result {
    struct td_cdoor *c;
    char id[TD_UUID_TEXT];
    int64_t attempt;
    const struct td_json *value; /* NULL: refused */
    enum td_domain_reason reason;
    const char *detail;
    /* of a join */
    bool is_join;
    struct td_domain_join job;
    struct td_domain_made made;
    char guid[TD_UUID_TEXT];
};

static char *blob_label(struct td_arena *a, const char *tenant, const char *job)
{
    return td_arena_printf(a, "domain-join/%s/%s", tenant, job);
}

enum td_code td_connector_blob(const struct td_service *svc, const struct td_domain_join *job, struct td_arena *a,
                               struct td_slice *ret, struct td_error *err)
{
    if (job->sealed.n == 0)
        return td_fail(err, TD_ENOTFOUND, "domain join", "there is no blob (any more)");
    return td_unseal(&svc->master, blob_label(a, job->tenant, job->id), job->sealed, a, ret, err);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static enum td_code read_reason(struct result *r, const struct td_json *error, struct td_error *err)
{
    const char *name = "";
    td_try(td_cdoor_text(error, "reason", TEXT, NULL, &name, err));
    td_try(td_cdoor_text(error, "detail", 1 << 16, "", &r->detail, err));
    const struct td_domain_reason_row *row = td_domain_reason_by_name(name);
    r->reason = row != NULL && row->reason != TD_DJ_OK ? row->reason : TD_DJ_REFUSED;
    struct td_slice cut = td_sub(td_str(r->detail), 0, DETAIL);
    while (cut.n != 0 && !td_utf8_ok(cut))
        cut.n--;
    r->detail = td_arena_text(r->c->a, cut);
    return TD_OK;
}

static enum td_code read_result(struct result *r, struct td_error *err)
{
    const struct td_json *body = r->c->body, *error = td_json_get(body, "error");
    const struct td_json *attempt = td_json_get(body, "attempt");
    const char *id = "";
    r->value = td_json_get(body, "result");
    r->detail = "";
    td_try(td_cdoor_text(body, "id", TEXT, NULL, &id, err));
    if (!td_uuid_parse(td_str(id), r->id))
        return td_remedy(err, td_fail(err, TD_EINVAL, "id", "is no id of any work"), "Send the id as it came.");
    if (attempt == NULL || attempt->type != TD_JSON_INT || attempt->num < 0)
        return td_remedy(err, td_fail(err, TD_EINVAL, "attempt", "must be the number that came with the work"),
                         "Send the attempt as it came.");
    r->attempt = attempt->num;
    bool has_result = r->value != NULL && r->value->type == TD_JSON_OBJECT;
    bool has_error = error != NULL && error->type == TD_JSON_OBJECT;
    if (has_result == has_error)
        return td_remedy(err, td_fail(err, TD_EINVAL, "result", "must be an object, or error one, and not both"),
                         "See docs/protocol/connector.md, section 2.");
    if (!has_error)
        return TD_OK;
    r->value = NULL;
    return read_reason(r, error, err);
}

/* --- joins -------------------------------------------------------------------------------------------------------- */

static enum td_code load(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct result *r = ctx;
    enum td_code rc = td_domain_join_find(tx, r->c->connector.tenant, r->id, r->c->a, &r->job, err);
    r->is_join = rc == TD_OK;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code wrong_blob(struct td_error *err, const char *why)
{
    return td_remedy(err, td_fail(err, TD_EINVAL, "result.blob", "%s", why),
                     "Send the blob that was made for this piece of work.");
}

/* Of this domain, this computer and this account. */
static enum td_code check_blob(const struct result *r, struct td_slice blob, const struct td_sid *account,
                               struct td_error *err)
{
    TD_CLEANUP(td_arena_wipe) struct td_arena a = {0}; /* the machine's password passes through it */
    struct td_odj odj;
    struct td_sid domain;
    struct td_error why = {0};
    uint32_t rid = 0;
    if (td_odj_read(blob, &a, &odj, &why) != TD_OK)
        return wrong_blob(err, "it is not readable");
    if (td_fault("connector-any-blob"))
        return TD_OK;
    if (strcasecmp(odj.domain, r->job.domain) != 0)
        return wrong_blob(err, "it is of another domain");
    if (strcasecmp(odj.machine, r->job.name) != 0)
        return wrong_blob(err, "it is of another computer");
    if (td_sid_split(account, &domain, &rid, NULL) != TD_OK || !td_sid_equal(&domain, &odj.domain_sid) ||
        (odj.rid != 0 && odj.rid != rid))
        return wrong_blob(err, "its identifiers are not those of the account");
    return odj.password[0] != '\0' ? TD_OK : wrong_blob(err, "it has no password");
}

static enum td_code read_made(struct result *r, struct td_error *err)
{
    struct td_arena *a = r->c->a;
    struct td_sid sid;
    struct td_slice blob = {0};
    const char *guid = "", *text = "";
    td_try(td_cdoor_text(r->value, "accountGuid", TEXT, NULL, &guid, err));
    td_try(td_cdoor_text(r->value, "accountSid", TEXT, NULL, &r->made.account_sid, err));
    td_try(td_cdoor_text(r->value, "accountDn", DN, NULL, &r->made.account_dn, err));
    td_try(td_cdoor_text(r->value, "blob", BLOB64, NULL, &text, err));
    r->made.existed = td_json_bool(r->value, "existed", false);
    if (!td_uuid_parse(td_str(guid), r->guid))
        return td_fail(err, TD_EINVAL, "result.accountGuid", "is no objectGUID");
    if (td_sid_parse(td_str(r->made.account_sid), &sid, NULL) != TD_OK)
        return td_fail(err, TD_EINVAL, "result.accountSid", "is no security identifier");
    if (td_b64_decode(a, td_str(text), TD_B64_ANY, &blob) != TD_OK || blob.n == 0)
        return wrong_blob(err, "it is not base64");
    td_try(check_blob(r, blob, &sid, err));
    r->made.account_guid = r->guid;
    char *label = blob_label(a, r->job.tenant, r->job.id);
    enum td_code rc = td_seal(&r->c->svc->master, r->c->svc->env, label, blob, a, &r->made.sealed);
    td_wipe((void *)(uintptr_t)blob.p, blob.n);
    return rc == TD_OK ? TD_OK : td_fail(err, rc, "result.blob", "can't be sealed");
}

/* One object for one device: the account becomes that of its registration, in the same write. */
static enum td_code make_device(struct td_tx *tx, const struct result *r, struct td_error *err)
{
    const struct td_device_account account = {.registration_id = r->job.registration_id,
                                              .name = r->job.name,
                                              .domain = r->job.domain,
                                              .guid = r->made.account_guid,
                                              .sid = r->made.account_sid};
    const char *id = "";
    if (account.registration_id[0] == '\0')
        return TD_OK;
    enum td_code rc = td_device_hybrid(tx, r->job.tenant, &account, r->c->a, &id, err);
    return rc == TD_ENOTFOUND ? TD_OK : rc; /* deregistered meanwhile */
}

static enum td_code write_join(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct result *r = ctx;
    const char *tenant = r->c->connector.tenant;
    if (!td_fault("connector-unbound-joins"))
        td_try(td_connector_may(tx, tenant, r->c->connector.id, r->job.domain, err));
    if (r->value == NULL)
        return td_domain_join_refused(tx, tenant, r->id, r->attempt, r->reason, r->detail, r->c->a, err);
    td_try(td_domain_join_made(tx, tenant, r->id, r->attempt, &r->made, err));
    return make_device(tx, r, err);
}

/* It was leased to this one and to no other. */
static bool is_mine(const struct result *r)
{
    return strcmp(r->job.connector_id, r->c->connector.id) == 0 || td_fault("connector-any-lease");
}

/* The answer to it got lost, and it comes once more. */
static bool is_known(const struct result *r)
{
    if (r->job.attempt != r->attempt || !is_mine(r))
        return false;
    if (r->value == NULL)
        return (r->job.state == TD_DJS_QUEUED || r->job.state == TD_DJS_FAILED) &&
               strcmp(r->job.failure, td_domain_reason_row(r->reason)->name) == 0;
    const char *guid = r->value != NULL ? td_json_str(r->value, "accountGuid") : NULL;
    bool made = r->job.state == TD_DJS_CREATED || r->job.state == TD_DJS_DELIVERED || r->job.state == TD_DJS_CONFIRMED;
    return made && guid != NULL && strcasecmp(guid, r->job.account_guid) == 0;
}

/* What a connector sends for a blob and is none fails the work: the cause is told where the administrator looks. */
static enum td_code take_join(struct result *r, struct td_error *err)
{
    struct td_store *store = r->c->svc->store;
    if (is_known(r))
        return TD_OK;
    if (!is_mine(r))
        return td_remedy(err, td_fail(err, TD_ESTATE, "id", "another connector has this work"),
                         "What was done is void: ask for work anew.");
    if (r->job.state != TD_DJS_CREATING || r->job.attempt != r->attempt)
        return td_store_write(store, write_join, r, err); /* refuses, with the sentence of the store */
    if (r->value == NULL)
        return td_store_write(store, write_join, r, err);
    enum td_code rc = read_made(r, err);
    if (rc == TD_OK)
        return td_store_write(store, write_join, r, err);
    r->value = NULL;
    r->reason = TD_DJ_REFUSED;
    r->detail = td_arena_printf(r->c->a, "the connector's answer was refused: %s %s", err != NULL ? err->where : "",
                                err != NULL ? err->text : "");
    td_ignore(td_store_write(store, write_join, r, NULL));
    return rc;
}

/* --- removals and questions --------------------------------------------------------------------------------------- */

static enum td_code write_removal(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct result *r = ctx;
    return td_domain_removal_done(tx, r->c->connector.tenant, r->c->connector.id, r->id, r->attempt,
                                  r->value != NULL ? TD_DJ_OK : r->reason, r->detail, err);
}

static enum td_code may_answer(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct result *r = ctx;
    const char *domain = td_hub_asked(r->c->svc->connectors, r->c->connector.id, r->id, r->c->a);
    if (domain == NULL || td_fault("connector-unbound-answers"))
        return TD_OK; /* nobody asked it: said where the answer is taken */
    return td_connector_may(tx, r->c->connector.tenant, r->c->connector.id, domain, err);
}

static enum td_code take_answer(struct result *r, struct td_error *err)
{
    struct td_cdoor *c = r->c;
    if (c->svc->connectors == NULL)
        return td_fail(err, TD_ESTATE, "id", "nobody waits for this answer");
    td_try(td_store_read(c->svc->store, may_answer, r, err));
    return td_hub_answered(c->svc->connectors, &c->connector, r->id, r->value, r->reason, r->detail, err);
}

enum td_code td_cdoor_result(struct td_cdoor *c, struct td_error *err)
{
    struct result *r = td_arena_new(c->a, struct result);
    enum td_code rc = TD_OK;
    r->c = c;
    td_try(read_result(r, err));
    if (r->attempt == 0) {
        rc = take_answer(r, err);
    } else {
        td_try(td_store_read(c->svc->store, load, r, err));
        rc = r->is_join ? take_join(r, err) : td_store_write(c->svc->store, write_removal, r, err);
    }
    /* of another tenant, or taken away meanwhile: void as well */
    if (rc == TD_ENOTFOUND)
        rc = td_fail(err, TD_ESTATE, "id", "this work is not there (any more)");
    td_try(rc);
    td_buf_adds(&c->reply->body, "{}");
    return TD_OK;
}
