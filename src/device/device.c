#include "device/device.h"

#include "device/diagnostics.h"

#include <stdarg.h>
#include <stdio.h>

enum td_code td_device_wait(struct td_device *dev, int64_t us, struct td_error *err)
{
    int64_t wait = us / TD_MAX(dev->pace, 1);
    if (dev->deadline != 0 && td_monotonic() + wait > dev->deadline) {
        (void)td_fail(err, TD_EEXPIRED, "time-out", "the next attempt lies behind the end of --timeout");
        return td_remedy(err, TD_EEXPIRED, "run again with the same --state: the device goes on where it is");
    }
    td_sleep(dev->env, wait);
    return TD_OK;
}

void td_device_say(struct td_device *dev, const char *kind, const char *fmt, ...)
{
    char text[480], line[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (char *p = text; *p != '\0'; p++) /* a server's text must not forge lines or steer the terminal */
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    (void)snprintf(line, sizeof(line), "%-8s %s", kind, text);
    if (dev->log)
        td_device_log(dev, line);
    if (dev->say != NULL) {
        dev->say(dev->say_ctx, line);
        return;
    }
    (void)printf("%s\n", line);
    (void)fflush(stdout);
}

char *td_device_path(const struct td_device *dev, struct td_arena *a, const char *name)
{
    return td_arena_printf(a, "%s/%s", dev->dir, name);
}
