#include "store/event.h"

#include "base/fault.h"
#include "codec/json.h"
#include "store/audit.h"
#include "store/driver.h"

#include <stdarg.h>

enum { DETAIL_MAX = 32768, ORIGIN_MAX = 8192 };

static void member(struct td_jsonw *w, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0')
        td_jsonw_kstr(w, name, value);
}

/* "" without an origin: most events come from devices. */
static enum td_code write_origin(const struct td_origin *o, struct td_buf *out, struct td_error *err)
{
    struct td_jsonw w;
    if (o == NULL)
        return TD_OK;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    member(&w, "requestId", o->request_id);
    member(&w, "applicationId", o->application_id);
    member(&w, "userId", o->user_id);
    member(&w, "upn", o->upn);
    member(&w, "address", o->address);
    td_jsonw_end(&w);
    return td_buf_check(out, "origin", err);
}

enum td_code td_event_append_at(struct td_tx *tx, const char *tenant, const struct td_event *e, int64_t *ret_pos,
                                struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf origin;
    struct td_rows r;
    td_buf_init(&origin, ORIGIN_MAX);
    td_try(write_origin(td_tx_origin(tx), &origin, err));
    td_try(td_sql_query(tx, &r, err,
                        "INSERT INTO event(tenant, at, subject, type, actor, detail, origin)"
                        " VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING pos",
                        "sisssst", tenant, td_tx_now(tx), e->subject != NULL ? e->subject : "", e->type,
                        e->actor != NULL ? e->actor : "system", e->detail != NULL ? e->detail : "{}",
                        td_buf_slice(&origin)));
    while (td_rows_next(&r))
        *ret_pos = td_col_int(&r, 0);
    tx->last_event = *ret_pos;
    return td_rows_done(&r, err);
}

enum td_code td_event_append(struct td_tx *tx, const char *tenant, const struct td_event *e, struct td_error *err)
{
    int64_t pos = 0;
    return td_event_append_at(tx, tenant, e, &pos, err);
}

enum td_code td_event_tell(struct td_tx *tx, const char *tenant, const struct td_event *e, struct td_error *err,
                           const char *name, ...)
{
    struct td_jsonw w;
    va_list ap;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, DETAIL_MAX);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    va_start(ap, name);
    for (; name != NULL; name = va_arg(ap, const char *)) {
        const char *value = va_arg(ap, const char *);
        if (value != NULL)
            td_jsonw_kstr(&w, name, value);
    }
    va_end(ap);
    td_jsonw_end(&w);
    td_try(td_buf_check(&b, "event", err));
    struct td_event told = *e;
    told.detail = b.p;
    return td_event_append(tx, tenant, &told, err);
}

static void read_event(struct td_rows *r, struct td_arena *a, struct td_event *ret)
{
    *ret = (struct td_event){.pos = td_col_int(r, 0),
                             .at = td_col_int(r, 1),
                             .subject = td_col_text0(r, 2, a),
                             .type = td_col_text0(r, 3, a),
                             .actor = td_col_text0(r, 4, a),
                             .detail = td_col_text0(r, 5, a)};
}

enum td_code td_event_list(struct td_tx *tx, const char *tenant, const char *subject, int64_t after, size_t max,
                           struct td_arena *a, struct td_event **ret, size_t *ret_count, struct td_error *err)
{
    static const char of_tenant[] = "SELECT pos, at, subject, type, actor, detail FROM event"
                                    " WHERE tenant = $1 AND pos > $2 ORDER BY pos LIMIT $3";
    static const char of_subject[] = "SELECT pos, at, subject, type, actor, detail FROM event"
                                     " WHERE tenant = $1 AND pos > $2 AND subject = $4 ORDER BY pos LIMIT $3";
    struct td_rows r;
    if (subject == NULL)
        td_try(td_sql_query(tx, &r, err, of_tenant, "sii", tenant, after, (int64_t)max));
    else
        td_try(td_sql_query(tx, &r, err, of_subject, "siis", tenant, after, (int64_t)max, subject));
    struct td_event *list = td_arena_array(a, struct td_event, max);
    size_t n = 0;
    while (n < max && td_rows_next(&r))
        read_event(&r, a, &list[n++]);
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_event_lately(struct td_tx *tx, const char *tenant, const char *subject, const char *type,
                             const char *where, int64_t since, bool *ret, struct td_error *err)
{
    enum { LATEST = 32 };
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_rows r;
    int64_t now = td_tx_now(tx); /* an event of later is of a clock that was put back */
    *ret = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT at, type, detail FROM event WHERE tenant = $1 AND subject = $2 ORDER BY pos DESC"
                        " LIMIT $3",
                        "ssi", tenant, subject, (int64_t)LATEST));
    const char *member = td_arena_printf(&a, "\"where\":\"%s\"", where);
    while (td_rows_next(&r))
        *ret = *ret || (td_col_int(&r, 0) > since && td_col_int(&r, 0) <= now &&
                        strcmp(td_col_text0(&r, 1, &a), type) == 0 && strstr(td_col_text0(&r, 2, &a), member) != NULL);
    return td_rows_done(&r, err);
}

enum td_code td_event_crowded(struct td_tx *tx, const char *tenant, const char *subject, int64_t most, bool *ret,
                              struct td_error *err)
{
    struct td_rows r;
    *ret = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT at FROM event WHERE tenant = $1 AND subject = $2 ORDER BY pos DESC LIMIT 1 OFFSET $3",
                        "ssi", tenant, subject, most - 1));
    while (td_rows_next(&r))
        *ret = td_col_int(&r, 0) > td_tx_now(tx) - TD_HOUR && !td_fault("events-flood");
    return td_rows_done(&r, err);
}
