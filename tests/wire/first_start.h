/* What a service makes at its first start (tables, master key, authority, token key) is made once for each test program
 * and copied for every test: a key of RSA for each test took longer than the test. The template is made of random
 * numbers of its own, so nothing that a test makes is equal to it, and goes with the program. */
#ifndef TD_TESTS_WIRE_FIRST_START_H
#define TD_TESTS_WIRE_FIRST_START_H

#include "api/authority.h"
#include "api/keyring.h"
#include "base/file.h"
#include "store/db.h"
#include "unit/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_START_SEED = 7001, FIRST_START_MAX_FILE = 16 << 20 };

static char first_start_dir[64];

static inline void first_start_fail(enum td_code rc, const struct td_error *err)
{
    if (rc != TD_OK)
        fail_msg("first start: %s: %s", err->where, err->text);
}

static void first_start_remove(void)
{
    DIR *d = opendir(first_start_dir);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d != NULL)
        closedir(d);
    (void)rmdir(first_start_dir);
}

static inline void first_start_make(const struct td_service *like, int64_t now)
{
    struct td_env_fixed world;
    struct td_service svc = *like;
    struct td_error err = {0};
    snprintf(first_start_dir, sizeof(first_start_dir), "/tmp/td-first-XXXXXX");
    assert_non_null(mkdtemp(first_start_dir));
    (void)atexit(first_start_remove);
    td_env_fixed_init(&world, now, FIRST_START_SEED);
    svc.env = &world.env;
    svc.data_dir = first_start_dir;
    first_start_fail(td_store_open(first_start_dir, svc.env, &svc.store, &err), &err);
    first_start_fail(td_authority_open(&svc, &svc.authority, &err), &err);
    first_start_fail(td_keyring_open(&svc, &svc.keyring, &err), &err);
    td_keyring_close(svc.keyring);
    td_authority_close(svc.authority);
    td_store_close(svc.store);
    td_master_done(&svc.master);
}

static inline void first_start_copy(const char *from, const char *to)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf data;
    struct stat st;
    struct td_error err = {0};
    td_buf_init(&data, FIRST_START_MAX_FILE);
    if (stat(from, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    first_start_fail(td_file_read(from, &data, &err), &err);
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 0777);
    assert_true(fd >= 0 && write(fd, data.p, data.n) == (ssize_t)data.n);
    close(fd);
}

/* Fills the empty folder `dir` as the first start of a service with the names and the address of `like` leaves it. */
static inline void first_start(const struct td_service *like, int64_t now, const char *dir)
{
    if (first_start_dir[0] == '\0')
        first_start_make(like, now);
    DIR *d = opendir(first_start_dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char from[512], to[512];
        snprintf(from, sizeof(from), "%s/%s", first_start_dir, e->d_name);
        snprintf(to, sizeof(to), "%s/%s", dir, e->d_name);
        first_start_copy(from, to);
    }
    closedir(d);
}

#endif
