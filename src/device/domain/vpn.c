/* Dials a VPN at the sign-in screen (autopilot.md 3.2, S08). What dials is a program of whoever runs the virtual PC,
 * named on its command line and nowhere else: a service can bring profiles, never programs. It gets the profile's name
 * and one server and ends with 0 once the way is open. Profiles of a person are not there yet at this screen. */
#include "device/csp/vpn.h"

#include "base/fault.h"
#include "device/domain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIAL_TIME (60 * TD_SECOND)

enum { PATIENCE_OVER = -1, NOT_STARTED = -2 };

static const char *no_fact(void *ctx TD_UNUSED, const char *name TD_UNUSED, struct td_arena *a TD_UNUSED)
{
    return NULL;
}

static int64_t time_left(const struct td_device *dev, int64_t until)
{
    int64_t now = td_monotonic(), end = dev->deadline != 0 ? TD_MIN(until, dev->deadline) : until;
    return end > now ? end - now : 0;
}

/* Its own group, so that what it started ends with it where it takes too long. */
static bool start(const char *hook, const char *name, const char *server, pid_t *ret)
{
    char *const argv[] = {(char *)(uintptr_t)hook, (char *)(uintptr_t)name, (char *)(uintptr_t)server, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attr);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
    int rc = posix_spawnp(ret, hook, &actions, &attr, argv, environ);
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&actions);
    return rc == 0;
}

static int end_of(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return NOT_STARTED;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(struct td_device *dev, const char *hook, const char *name, const char *server)
{
    const int64_t until = td_monotonic() + DIAL_TIME;
    pid_t pid = 0;
    if (!start(hook, name, server, &pid))
        return NOT_STARTED;
    struct pollfd ends = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    int ready = 0;
    int64_t left;
    while (ends.fd >= 0 && ready <= 0 && (left = time_left(dev, until)) > 0) {
        ready = poll(&ends, 1, (int)TD_MIN(left / 1000 + 1, INT64_C(1000)));
        if (ready < 0 && errno != EINTR)
            break;
    }
    if (ends.fd >= 0)
        (void)close(ends.fd);
    if (ready > 0)
        return end_of(pid);
    (void)kill(-pid, SIGKILL);
    (void)end_of(pid);
    return PATIENCE_OVER;
}

static bool dial_server(struct td_device *dev, const struct td_csp_vpn *v, const char *server)
{
    int end = run(dev, dev->vpn, v->name, server);
    if (end == 0)
        td_device_say(dev, "vpn", "%s: connected to %s", v->name, server);
    else if (end == NOT_STARTED)
        td_device_say(dev, "vpn", "%s: not dialled: %s can't be started", v->name, dev->vpn);
    else if (end == PATIENCE_OVER)
        td_device_say(dev, "vpn", "%s: %s did not answer in time", v->name, server);
    else
        td_device_say(dev, "vpn", "%s: %s could not be dialled (%d)", v->name, server, end);
    return end == 0;
}

/* Words of a service are never options of the program. */
static bool is_option(const char *word)
{
    return word[0] == '-' && !td_fault("vpn-gives-options");
}

/* Its servers one after the other, as Windows does. */
static bool dial(struct td_device *dev, const struct td_csp_vpn *v, struct td_arena *a)
{
    struct td_slice rest = td_str(v->servers), one;
    td_device_say(dev, "page", "sign-in screen: %s %s", v->name,
                  v->device_tunnel || v->always_on ? "dials by itself" : "is dialled by hand");
    while (rest.n != 0) {
        rest = td_cut(rest, ',', &one);
        one = td_trim(one);
        one = td_sub(one, 0, TD_MIN(td_find(one, ';'), one.n)); /* "server;name that people see" */
        const char *server = td_arena_text(a, one);
        if (server[0] == '\0' || is_option(server))
            continue;
        if (dial_server(dev, v, server)) {
            td_state_set(dev->state, "vpn.connected", v->name);
            td_state_set(dev->state, "vpn.server", server);
            return true;
        }
    }
    return false;
}

/* What dials by itself comes first: the machine's tunnel, then what is always on, then what a person picks. */
static int turn(const struct td_csp_vpn *v)
{
    return v->device_tunnel ? 0 : v->always_on ? 1 : 2;
}

enum td_code td_vpn_dial(struct td_device *dev, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_csp_cleanup) struct td_csp *csp = NULL;
    const struct td_csp_config config = {.dir = dev->dir, .env = dev->env, .fact = no_fact};
    struct td_csp_vpn list[TD_CSP_MAX_VPNS];
    bool connected = false;
    td_try(td_csp_open(&config, &csp, err));
    size_t n = td_csp_vpns(csp, &a, list);
    td_state_set(dev->state, "vpn.connected", NULL);
    td_state_set(dev->state, "vpn.server", NULL);
    for (int now = 0; now <= 2; now++)
        for (size_t i = 0; i < n && !connected; i++) {
            if (turn(&list[i]) != now || (list[i].user && !td_fault("vpn-of-a-person-dials")))
                continue;
            if (is_option(list[i].name))
                td_device_say(dev, "vpn", "not dialled: \"%s\" begins like an option", list[i].name);
            else if (dev->vpn == NULL)
                td_device_say(dev, "vpn", "%s: not dialled: no --vpn on the command line", list[i].name);
            else
                connected = dial(dev, &list[i], &a);
        }
    return td_state_save(dev->state, err);
}
