#include "codec/autopilot_file.h"

#include "base/env.h"

static const char export_again[] = "export the profile again (touchdown profile export) and save it as plain ASCII";

enum kind { TEXT, GUID, NUMBER, FLAG, SERVER };

/* Required ones first: what is missing is named in the order of the document. */
static const struct field {
    const char *name;
    enum kind kind;
    bool needed;
    size_t at; /* offset in struct td_autopilot_file */
} fields[] = {
#define ROW(name, kind, needed, member)                                \
    {                                                                  \
        name, kind, needed, offsetof(struct td_autopilot_file, member) \
    }
    ROW("ZtdCorrelationId", GUID, true, correlation_id),
    ROW("CloudAssignedTenantId", GUID, true, tenant_id),
    ROW("CloudAssignedTenantDomain", TEXT, true, tenant_domain),
    ROW("CloudAssignedOobeConfig", NUMBER, true, oobe),
    ROW("CloudAssignedDomainJoinMethod", FLAG, true, join_method),
    ROW("CloudAssignedForcedEnrollment", FLAG, true, forced),
    ROW("CloudAssignedAadServerData", SERVER, true, tenant_upn),
    ROW("Version", NUMBER, false, version),
    ROW("Comment_File", TEXT, false, comment),
    ROW("CloudAssignedDeviceName", TEXT, false, device_name),
    ROW("CloudAssignedLanguage", TEXT, false, language),
    ROW("CloudAssignedRegion", TEXT, false, region),
    ROW("HybridJoinSkipDCConnectivityCheck", FLAG, false, skip_connectivity),
    ROW("CloudAssignedAutopilotUpdateDisabled", FLAG, false, update_disabled),
    ROW("CloudAssignedAutopilotUpdateTimeout", NUMBER, false, update_timeout_ms),
#undef ROW
};

static enum td_code wrong(struct td_error *err, const char *field, const char *why)
{
    (void)td_fail(err, TD_EINVAL, field, "%s %s", field, why);
    return td_remedy(err, TD_EINVAL, "%s", export_again);
}

static enum td_code read_text(const struct td_json *v, const struct field *f, const char **ret, struct td_error *err)
{
    if (v->type != TD_JSON_STRING)
        return wrong(err, f->name, "must be a text");
    if (strlen(v->str) > TD_AUTOPILOT_FILE_TEXT_MAX)
        return wrong(err, f->name, "is longer than 256 characters");
    for (const char *p = v->str; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return wrong(err, f->name, "holds a control character");
    if (f->needed && v->str[0] == '\0')
        return wrong(err, f->name, "is empty");
    *ret = v->str;
    return TD_OK;
}

static enum td_code read_guid(const struct td_json *v, const struct field *f, struct td_arena *a, const char **ret,
                              struct td_error *err)
{
    char id[TD_UUID_TEXT];
    td_try(read_text(v, f, ret, err));
    if ((*ret)[0] == '{' || !td_uuid_parse(td_str(*ret), id))
        return wrong(err, f->name, "must be a GUID without braces");
    *ret = td_arena_strdup(a, id);
    return TD_OK;
}

static enum td_code read_number(const struct td_json *v, const struct field *f, int64_t *ret, struct td_error *err)
{
    int64_t max = f->kind == FLAG ? 1 : INT32_MAX;
    if (v->type != TD_JSON_INT || v->num < 0 || v->num > max)
        return wrong(err, f->name, f->kind == FLAG ? "must be the number 0 or 1" : "must be a number, 0 or more");
    *ret = v->num;
    return TD_OK;
}

/* A text that holds JSON: what the sign-in page is drawn from. */
static enum td_code read_server(const struct td_json *v, const struct field *f, struct td_arena *a, const char **ret,
                                struct td_error *err)
{
    struct td_json *inner = NULL;
    if (v->type != TD_JSON_STRING || td_json_parse(td_str(v->str), TD_AUTOPILOT_FILE_MAX, a, &inner, NULL) != TD_OK)
        return wrong(err, f->name, "must be a text that holds JSON");
    const struct td_json *config = td_json_get(inner, "ZeroTouchConfig");
    const char *domain = td_json_str(config, "CloudAssignedTenantDomain"),
               *upn = td_json_str(config, "CloudAssignedTenantUpn");
    if (domain == NULL || domain[0] == '\0')
        return wrong(err, f->name, "has no ZeroTouchConfig with CloudAssignedTenantDomain");
    if (upn != NULL && strlen(upn) > TD_AUTOPILOT_FILE_TEXT_MAX)
        return wrong(err, f->name, "names a user of more than 256 characters");
    *ret = upn != NULL ? upn : "";
    return TD_OK;
}

static enum td_code read_field(const struct td_json *file, const struct field *f, struct td_arena *a,
                               struct td_autopilot_file *ret, struct td_error *err)
{
    const struct td_json *v = td_json_get(file, f->name);
    void *at = (char *)ret + f->at;
    if (v == NULL || v->type == TD_JSON_NULL)
        return f->needed ? wrong(err, f->name, "is missing") : TD_OK;
    switch (f->kind) {
    case TEXT:
        return read_text(v, f, at, err);
    case GUID:
        return read_guid(v, f, a, at, err);
    case SERVER:
        return read_server(v, f, a, at, err);
    case NUMBER:
    case FLAG:
        break;
    }
    return read_number(v, f, at, err);
}

/* Windows reads ANSI: a mark of UTF-8 or UTF-16 at the front, or any other octet above 0x7F, and it sees no file. */
static enum td_code check_ascii(struct td_slice in, struct td_error *err)
{
    const char *why = NULL;
    if (td_starts(in, "\xEF\xBB\xBF"))
        why = "begins with the mark of UTF-8 (EF BB BF)";
    else if (td_starts(in, "\xFF\xFE") || td_starts(in, "\xFE\xFF") ||
             (in.n > 1 && (in.p[0] == '\0' || in.p[1] == '\0')))
        why = "is UTF-16";
    if (why != NULL) {
        (void)td_fail(err, TD_EFORMAT, TD_AUTOPILOT_FILE_NAME, "the file %s; it must be ASCII", why);
        return td_remedy(err, TD_EFORMAT, "%s", export_again);
    }
    for (size_t i = 0; i < in.n; i++)
        if ((unsigned char)in.p[i] >= 0x80 || in.p[i] == '\0') {
            (void)td_fail(err, TD_EFORMAT, TD_AUTOPILOT_FILE_NAME, "octet %zu (%02X) of the file is not ASCII", i + 1,
                          (unsigned char)in.p[i]);
            return td_remedy(err, TD_EFORMAT, "%s", export_again);
        }
    return TD_OK;
}

static enum td_code check_mode(const struct td_autopilot_file *f, struct td_error *err)
{
    if ((f->oobe & TD_AUTOPILOT_FILE_NO_BITS) == 0)
        return TD_OK;
    (void)td_fail(err, TD_ENOTOFFERED, "CloudAssignedOobeConfig",
                  "CloudAssignedOobeConfig asks for the self-deploying mode (bits 32, 64, 128)");
    return td_remedy(err, TD_ENOTOFFERED, "export a user-driven profile: a file can carry no other");
}

enum td_code td_autopilot_file_read(struct td_slice in, struct td_arena *a, struct td_autopilot_file *ret,
                                    struct td_error *err)
{
    struct td_json *file = NULL;
    struct td_autopilot_file f = {"", "", "", "", "", "", "", "", 0, 0, 0, 0, 0, 0, 0};
    if (in.n > TD_AUTOPILOT_FILE_MAX) {
        (void)td_fail(err, TD_ELIMIT, TD_AUTOPILOT_FILE_NAME, "the file is longer than %d octets",
                      TD_AUTOPILOT_FILE_MAX);
        return td_remedy(err, TD_ELIMIT, "%s", export_again);
    }
    td_try(check_ascii(in, err));
    if (td_json_parse(in, TD_AUTOPILOT_FILE_MAX, a, &file, NULL) != TD_OK || file->type != TD_JSON_OBJECT) {
        (void)td_fail(err, TD_EFORMAT, TD_AUTOPILOT_FILE_NAME, "the file is no JSON object");
        return td_remedy(err, TD_EFORMAT, "%s", export_again);
    }
    for (size_t i = 0; i < TD_COUNTOF(fields); i++)
        td_try(read_field(file, &fields[i], a, &f, err));
    td_try(check_mode(&f, err));
    *ret = f;
    return TD_OK;
}
