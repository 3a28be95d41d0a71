/* Programs of another make (openssl, jose, xmllint) as judges of what we write. */
#ifndef TD_TESTS_UNIT_RUN_H
#define TD_TESTS_UNIT_RUN_H

#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>

/* Exit status of a program, its output dropped; -1 if it is not there. */
static inline int run_program(const char *const argv[])
{
    extern char **environ;
    posix_spawn_file_actions_t quiet;
    pid_t pid;
    int status = -1;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", 1, 0);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", 1, 0);
    if (posix_spawnp(&pid, argv[0], &quiet, NULL, (char *const *)(uintptr_t)argv, environ) == 0)
        (void)waitpid(pid, &status, 0);
    posix_spawn_file_actions_destroy(&quiet);
    return status;
}

#endif
