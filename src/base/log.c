#include "base/log.h"

#include "base/buf.h"
#include "base/env.h"

#include <stdarg.h>
#include <unistd.h>

static int sink = STDERR_FILENO;
static enum td_level floor_level = TD_INFO;

void td_log_init(int fd, enum td_level lowest)
{
    sink = fd;
    floor_level = lowest;
}

static void quote(struct td_buf *b, const char *s)
{
    td_buf_addc(b, '"');
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            td_buf_printf(b, "\\%c", c);
        else if (c < 0x20 || c == 0x7F)
            td_buf_printf(b, "\\u%04x", c);
        else
            td_buf_addc(b, (char)c);
    }
    td_buf_addc(b, '"');
}

void td_log(enum td_level level, const char *event, ...)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    if (level < floor_level)
        return;
    struct td_buf b;
    td_buf_init(&b, 8192);
    char at[TD_TIME_TEXT];
    td_buf_printf(&b, "{\"at\":\"%s\",\"level\":\"%s\",\"event\":", td_time_text_us(td_now(&td_env_real), at),
                  names[level]);
    quote(&b, event);
    va_list ap;
    va_start(ap, event);
    for (const char *name = va_arg(ap, const char *); name != NULL; name = va_arg(ap, const char *)) {
        const char *value = va_arg(ap, const char *);
        td_buf_addc(&b, ',');
        quote(&b, name);
        td_buf_addc(&b, ':');
        quote(&b, value != NULL ? value : "");
    }
    va_end(ap);
    td_buf_adds(&b, "}\n");
    if (!b.failed)
        (void)!write(sink, b.p, b.n); /* one write a line: lines of threads do not mix */
    td_buf_done(&b);
}

void td_log_error(enum td_level level, const char *event, const struct td_error *err)
{
    td_log(level, event, "code", td_code_word(err->code), "where", err->where, "reason", err->text, "remedy",
           err->remedy, NULL);
}
