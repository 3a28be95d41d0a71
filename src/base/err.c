#include "base/err.h"

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

enum td_code td_fail(struct td_error *err, enum td_code code, const char *where, const char *fmt, ...)
{
    if (err == NULL)
        return code;
    memset(err, 0, sizeof(*err));
    err->code = code;
    (void)snprintf(err->where, sizeof(err->where), "%s", where != NULL ? where : "");
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return code;
}

enum td_code td_remedy(struct td_error *err, enum td_code code, const char *fmt, ...)
{
    if (err == NULL)
        return code;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(err->remedy, sizeof(err->remedy), fmt, ap);
    va_end(ap);
    return code;
}

const char *td_code_word(enum td_code code)
{
    return (unsigned)code < TD_CODE_COUNT ? words[code] : "unknown";
}
