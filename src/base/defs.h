/* Attributes and macros that every file may use.
 * Nothing here allocates or fails. libc only. */
#ifndef TD_BASE_DEFS_H
#define TD_BASE_DEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TD_COUNTOF(a) (sizeof(a) / sizeof((a)[0]))
#define TD_MUST_USE __attribute__((warn_unused_result))
#define TD_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define TD_UNUSED __attribute__((unused))
#define TD_NORETURN __attribute__((noreturn))

/* Runs fn(&variable) when the variable leaves its scope; fn must accept an empty value. */
#define TD_CLEANUP(fn) __attribute__((cleanup(fn)))

/* Hands ownership on: yields the pointer and leaves NULL behind. */
#define TD_TAKE(ptr)                  \
    __extension__({                   \
        __typeof__(ptr) td_t = (ptr); \
        (ptr) = NULL;                 \
        td_t;                         \
    })

#define TD_MIN(a, b) ((a) < (b) ? (a) : (b))
#define TD_MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
