/* Passwords of local administrators that devices have backed up (LAPS; deviceLocalCredentialInfo). Whose there are may
 * be listed; a password is shown of one device at a time, to whom it may be, and each time the audit is told. */
#include "api/local_credential.h"
#include "base/encode.h"
#include "codec/utf16.h"
#include "graph/managed_actions.h"
#include "graph/types.h"
#include "store/views.h"

struct shown {
    struct td_local_credential *rows;
    const char **passwords;
    size_t count;
};

/* Only for one row, and only in a write: the core sees to both (graph.h: told). */
static enum td_code read_passwords(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *rows,
                                   size_t count, struct td_error *err)
{
    struct shown *s = td_arena_new(call->arena, struct shown);
    const char *device = td_view_text(&rows[0], "id");
    *s = (struct shown){.count = 0};
    call->more = s;
    if (!call->told || count != 1)
        return TD_OK;
    td_try(td_local_credential_read(tx, call->tenant, device, call->actor, call->arena, &s->rows, &s->count, err));
    s->passwords = td_arena_array(call->arena, const char *, s->count);
    for (size_t i = 0; i < s->count; i++)
        td_try(td_local_credential_open(&call->svc->master, call->tenant, device, &s->rows[i], call->arena,
                                        &s->passwords[i], err));
    return TD_OK;
}

/* The password as Windows writes it: base64 of UTF-16. */
static void write_password(struct td_g_call *call, const char *password, struct td_jsonw *w)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf b;
    td_buf_init(&b, 4096);
    td_utf8_add_utf16le(&b, td_str(password));
    td_jsonw_kstr(w, "passwordBase64", td_b64(call->arena, td_buf_slice(&b)));
}

void td_g_local_credentials(struct td_g_call *call, const struct td_view_row *row TD_UNUSED,
                            const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    const struct shown *s = call->more;
    char at[TD_TIME_TEXT];
    td_jsonw_arr(w);
    for (size_t i = 0; s != NULL && i < s->count; i++) {
        const struct td_local_credential *c = &s->rows[i];
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "accountName", c->account);
        td_jsonw_kstr(w, "accountSid", c->sid[0] != '\0' ? c->sid : NULL);
        td_jsonw_kstr(w, "backupDateTime", td_time_text(c->backed_up_at, at));
        write_password(call, s->passwords[i], w);
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
}

#define CREDENTIALS(p, about_)                                                                          \
    {                                                                                                   \
        .path = (p), .type = &td_g_type_local_credential_info, .view = &td_view_local_credential,       \
        .flags = TD_G_DIRECTORY, .read = TD_RIGHT_LOCAL_CREDENTIAL, .write = TD_RIGHT_LOCAL_CREDENTIAL, \
        .told = "credentials", .more = read_passwords, .about = (about_)                                \
    }
static const struct td_g_set sets[] = {
    CREDENTIALS("directory/deviceLocalCredentials",
                "Devices that have backed up a password of their managed local administrator, by the directory's device"
                " id. `$select=credentials` of one of them shows the passwords, newest first, and is told to the audit;"
                " it needs the right to write."),
    CREDENTIALS("deviceLocalCredentials", "The same."),
};
const struct td_g_family td_g_family_local_credentials = {
    .about = "Passwords of local administrators", .sets = sets, .count = TD_COUNTOF(sets)};
