/* The arena of a test program, and the fixtures of its group: cmocka_run_group_tests_name(..., arena_begin, arena_end).
 */
#ifndef TD_TESTS_UNIT_ARENA_H
#define TD_TESTS_UNIT_ARENA_H

#include "base/arena.h"

static struct td_arena arena;

static inline int arena_begin(void **state TD_UNUSED)
{
    td_arena_init(&arena);
    return 0;
}

static inline int arena_end(void **state TD_UNUSED)
{
    td_arena_done(&arena);
    return 0;
}

#endif
