#include "base/err.h"

#include "base/slice.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const words[TD_CODE_COUNT] = {
    [TD_OK] = "ok",
    [TD_EINVAL] = "invalid",
    [TD_EFORMAT] = "malformed",
    [TD_ELIMIT] = "limit",
    [TD_ENOTFOUND] = "not-found",
    [TD_EEXISTS] = "exists",
    [TD_EAUTH] = "unauthenticated",
    [TD_EDENIED] = "denied",
    [TD_ESTATE] = "state",
    [TD_EEXPIRED] = "expired",
    [TD_EUNAVAILABLE] = "unavailable",
    [TD_ENOTOFFERED] = "not-offered",
    [TD_EIO] = "io",
    [TD_EINTERNAL] = "internal",
};

/* Errors stand in JSON and in events: what a bound has cut in two, ours or a precision in fmt, is left out, and so is
 * whatever else is no UTF-8. */
static void TD_PRINTF(3, 0) print(char *out, size_t size, const char *fmt, va_list ap)
{
    (void)vsnprintf(out, size, fmt, ap);
    struct td_slice rest = td_str(out);
    while (rest.n != 0) {
        size_t step = td_utf8_step(rest);
        memmove(out, rest.p, step);
        out += step;
        rest = td_sub(rest, TD_MAX(step, 1), rest.n);
    }
    *out = '\0';
}

static void TD_PRINTF(3, 4) print_some(char *out, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print(out, size, fmt, ap);
    va_end(ap);
}

enum td_code td_fail(struct td_error *err, enum td_code code, const char *where, const char *fmt, ...)
{
    if (err == NULL)
        return code;
    memset(err, 0, sizeof(*err));
    err->code = code;
    print_some(err->where, sizeof(err->where), "%s", where != NULL ? where : "");
    va_list ap;
    va_start(ap, fmt);
    print(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return code;
}

enum td_code td_fail_cause(struct td_error *err, enum td_code code, uint32_t hresult, const char *name,
                           const char *cause, const char *detail, const char *remedy)
{
    size_t n = strlen(cause);
    bool more = detail != NULL && detail[0] != '\0';
    bool stop = more && detail[strlen(detail) - 1] != '.';
    td_ignore(td_fail(err, code, name, "%.*s%s%s%s", (int)(more ? n - 1 : n), cause, more ? ": " : "",
                      more ? detail : "", stop ? "." : ""));
    if (err != NULL)
        err->hresult = hresult;
    return td_remedy(err, code, "%s", remedy);
}

enum td_code td_remedy(struct td_error *err, enum td_code code, const char *fmt, ...)
{
    if (err == NULL)
        return code;
    va_list ap;
    va_start(ap, fmt);
    print(err->remedy, sizeof(err->remedy), fmt, ap);
    va_end(ap);
    return code;
}

const char *td_code_word(enum td_code code)
{
    return (unsigned)code < TD_CODE_COUNT ? words[code] : "unknown";
}
