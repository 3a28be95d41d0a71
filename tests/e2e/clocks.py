"""Programs whose clock is wrong: a library that is loaded before theirs adds twenty minutes."""
from lab import run

SKEWED = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *t)
{
    int (*real)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int rc = real(id, t);
    if (id == CLOCK_REALTIME)
        t->tv_sec += 1200;
    return rc;
}
int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    t->tv_sec = now.tv_sec;
    t->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *t)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (t)
        *t = now.tv_sec;
    return now.tv_sec;
}
"""


def ahead(lab):
    """Words before a program's, by which it lives twenty minutes ahead of everybody else."""
    source, shim = lab.write("skew.c", SKEWED), lab.path("skew.so")
    run("cc", "-shared", "-fPIC", "-o", shim, source, "-ldl")
    return ["env", f"LD_PRELOAD={shim}", "ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0"]
