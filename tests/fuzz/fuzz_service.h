/* A whole service for fuzz targets of its doors: a store of its own in a temporary folder, fixed clock, cheap
 * passwords. Opened once a process; a fault in opening aborts. The folder is in memory where the machine has one: a
 * target looks for faults of ours, and a flush that a busy disk holds up for seconds would pass for a hang. */
#ifndef TD_TESTS_FUZZ_FUZZ_SERVICE_H
#define TD_TESTS_FUZZ_FUZZ_SERVICE_H

#include "api/authority.h"
#include "api/token.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fuzz_service {
    struct td_env_fixed env;
    struct td_service svc; /* svc.store is NULL until it is open */
    char dir[32];
};

static inline bool fuzz_dir(struct fuzz_service *f, const char *where)
{
    (void)snprintf(f->dir, sizeof(f->dir), "%s/td-fuzz-XXXXXX", where);
    return mkdtemp(f->dir) != NULL;
}

/* fill runs in one write, with an arena as its ctx. The service's password cost stands before it. */
static inline void fuzz_open(struct fuzz_service *f, td_tx_fn *fill)
{
    static const char *const names[] = {"localhost:8443", NULL};
    struct td_arena a;
    td_arena_init(&a);
    td_env_fixed_init(&f->env, INT64_C(1893553445) * TD_SECOND, 7);
    bool ok = fuzz_dir(f, "/dev/shm") || fuzz_dir(f, "/tmp");
    f->svc = (struct td_service){.env = &f->env.env,
                                 .data_dir = f->dir,
                                 .base = "https://localhost:8443",
                                 .names = names,
                                 .password_cost = {8, 1, 1}};
    ok = ok && td_store_open(f->dir, &f->env.env, &f->svc.store, NULL) == TD_OK &&
         td_master_load(f->dir, &f->env.env, &f->svc.master, NULL) == TD_OK &&
         td_authority_open(&f->svc, &f->svc.authority, NULL) == TD_OK &&
         td_keyring_open(&f->svc, &f->svc.keyring, NULL) == TD_OK &&
         td_store_write(f->svc.store, fill, &a, NULL) == TD_OK;
    if (!ok)
        abort();
    td_arena_done(&a);
}

static inline void fuzz_close(struct fuzz_service *f)
{
    td_keyring_close(f->svc.keyring);
    td_authority_close(f->svc.authority);
    td_store_close(f->svc.store);
    DIR *d = opendir(f->dir);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        char path[400];
        (void)snprintf(path, sizeof(path), "%s/%s", f->dir, e->d_name);
        (void)unlink(path);
    }
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(f->dir);
}

#endif
