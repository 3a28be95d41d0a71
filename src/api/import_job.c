#include "api/import_job.h"

#include "api/import.h"
#include "store/import_record.h"

struct job {
    struct td_arena arena;
    const char *tenant; /* NULL: nothing waits */
    struct td_import_record *records;
    size_t count;
    size_t done, upto; /* what earlier writes ended; where the one under way stopped */
    bool refuse_bad_checksum;
    struct td_registration_new *new;
    struct td_import_row *rows; /* as decoded; the write works on copies, it may run twice */
};

static enum td_code read_slice(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct job *j = ctx;
    td_try(td_import_record_waiting(tx, TD_IMPORT_SLICE, &j->arena, &j->tenant, &j->records, &j->count, err));
    if (j->tenant == NULL)
        return TD_OK;
    return td_import_refuses_checksum(tx, j->tenant, &j->arena, &j->refuse_bad_checksum, err);
}

static void decode(struct job *j)
{
    j->new = td_arena_array(&j->arena, struct td_registration_new, j->count);
    j->rows = td_arena_array(&j->arena, struct td_import_row, j->count);
    for (size_t i = 0; i < j->count; i++) {
        const struct td_import_record *r = &j->records[i];
        struct td_import_given given = {.serial = td_str(r->serial),
                                        .product_key = td_str(r->product_key),
                                        .hash = td_str(r->hardware),
                                        .group_tag = td_str(r->group_tag),
                                        .user = td_str(r->assigned_user),
                                        .purchase_order = td_str(r->purchase_order)};
        td_import_prepare(&given, j->refuse_bad_checksum, &j->arena, &j->new[i], &j->rows[i]);
        j->new[i].source = "import";
        if (r->repeats && !j->rows[i].refused)
            td_import_refuse(&j->rows[i], TD_ZTD_DUPLICATED, NULL);
    }
}

static enum td_code end_row(struct td_tx *tx, const struct job *j, const struct td_import_record *r,
                            const struct td_import_row *row, struct td_error *err)
{
    bool fine = row->code == TD_ZTD_OK;
    struct td_import_end end = {.state = fine ? TD_IMPORT_COMPLETE : TD_IMPORT_ERROR,
                                .code = row->code,
                                .name = row->name,
                                .detail = fine ? row->warning : row->text,
                                .registration_id = row->registration_id};
    return td_import_record_end(tx, j->tenant, r->pos, &end, err);
}

/* As many as the time of a write allows: the others wait for the next one. */
static enum td_code write_slice(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct job *j = ctx;
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_import_record *now = td_arena_array(&a, struct td_import_record, j->count);
    memcpy(now, j->records, j->count * sizeof(*now));
    td_try(td_import_record_again(tx, j->tenant, &now[j->done], j->count - j->done, &a, err));
    int64_t end = td_monotonic() + TD_IMPORT_WRITE;
    for (j->upto = j->done; j->upto < j->count && (j->upto == j->done || td_monotonic() < end); j->upto++) {
        size_t i = j->upto;
        struct td_registration_new one = j->new[i];
        struct td_import_row row = j->rows[i];
        if (now[i].pos == 0)
            continue; /* deleted meanwhile */
        if (!row.refused) {
            one.group_tag = now[i].group_tag;
            one.assigned_user = now[i].assigned_user;
            one.has_group_tag = one.group_tag[0] != '\0';
            one.has_assigned_user = one.assigned_user[0] != '\0';
        }
        td_try(td_import_write(tx, j->tenant, &one, now[i].actor, &a, &row, err));
        td_try(end_row(tx, j, &now[i], &row, err));
    }
    return TD_OK;
}

static enum td_code step(struct td_service *svc, struct job *j, bool *ret_more, struct td_error *err)
{
    td_try(td_store_read(svc->store, read_slice, j, err));
    if (j->tenant == NULL)
        return TD_OK;
    decode(j);
    for (; j->done < j->count; j->done = j->upto)
        td_try(td_store_write(svc->store, write_slice, j, err));
    *ret_more = true;
    return TD_OK;
}

enum td_code td_import_job(struct td_service *svc, bool *ret_more, struct td_error *err)
{
    struct job *j = td_new(struct job);
    *ret_more = false;
    enum td_code rc = step(svc, j, ret_more, err);
    td_arena_done(&j->arena);
    td_free(j);
    return rc;
}
