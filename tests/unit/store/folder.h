/* A store in a folder of its own, gone at the end of the test. */
#ifndef TD_TESTS_UNIT_STORE_FOLDER_H
#define TD_TESTS_UNIT_STORE_FOLDER_H

#include "store/db.h"
#include "unit/test.h"

#include <stdlib.h>
#include <unistd.h>

enum { FOLDER_NAME = 64 };

static inline struct td_store *folder_store(char dir[FOLDER_NAME], struct td_env_fixed *env)
{
    struct td_store *store = NULL;
    struct td_error err = {0};
    snprintf(dir, FOLDER_NAME, "/tmp/td-store-XXXXXX");
    assert_non_null(mkdtemp(dir));
    td_env_fixed_init(env, INT64_C(1893553445) * TD_SECOND, 1);
    if (td_store_open(dir, &env->env, &store, &err) != TD_OK)
        fail_msg("%s", err.text);
    return store;
}

static inline void folder_gone(const char *dir, struct td_store *store)
{
    static const char *const names[] = {"store.db", "store.db-wal", "store.db-shm"};
    td_store_close(store);
    for (size_t i = 0; i < TD_COUNTOF(names); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(dir), 0); /* nothing else stands in it */
}

#endif
