/* What every unit test includes: cmocka with its needed headers, and small helpers. */
#ifndef TD_TESTS_UNIT_TEST_H
#define TD_TESTS_UNIT_TEST_H

#include "base/buf.h"
#include "base/file.h"

/* cmocka.h wants the others before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
/* clang-format on */

#define assert_slice(got, want) assert_slice_at((got), td_str(want), __FILE__, __LINE__)

static inline void assert_slice_at(struct td_slice got, struct td_slice want, const char *file, int line)
{
    if (!td_eq(got, want)) {
        print_error("got  \"%.*s\"\nwant \"%.*s\"\n", TD_FMT(got), TD_FMT(want));
        _fail(file, line);
    }
}

#define assert_ok(expr) assert_int_equal((expr), TD_OK)

/* A fixture file, whole; the buffer is the caller's. */
static inline struct td_buf fixture(const char *path)
{
    struct td_buf b;
    td_buf_init(&b, 1 << 24);
    char full[1024];
    snprintf(full, sizeof(full), "%s/%s", TD_FIXTURES, path);
    struct td_error err;
    if (td_file_read(full, &b, &err) != TD_OK)
        fail_msg("%s: %s", full, err.text);
    return b;
}

#endif
