/* TPMs for tests of the device: swtpm, made by its own tools with a maker's certificate authority of the test's, on
 * sockets in a folder below /tmp. One process each, ended by its id. A machine without swtpm skips (tpm_box_missing);
 * tools/install.sh check installs it. */
#ifndef TD_TESTS_UNIT_DEVICE_TPM_BOX_H
#define TD_TESTS_UNIT_DEVICE_TPM_BOX_H

#include "base/file.h"
#include "device/tpm.h"
#include "unit/device/stage.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

extern char **environ;

struct tpm_box {
    char dir[40]; /* "" until made */
};

struct box_tpm {
    char tcti[128], state[96];
    pid_t pid; /* 0: not running */
};

static inline bool tpm_box_missing(void)
{
    return !td_file_exists("/usr/bin/swtpm") || !td_file_exists("/usr/bin/swtpm_setup");
}

/* Runs to its end, silently; false if it failed. */
static inline bool box_run(const char *const argv[])
{
    pid_t pid = 0;
    int status = -1;
    posix_spawn_file_actions_t quiet;
    (void)posix_spawn_file_actions_init(&quiet);
    (void)posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    bool ok = posix_spawnp(&pid, argv[0], &quiet, NULL, (char *const *)(uintptr_t)argv, environ) == 0 &&
              waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    (void)posix_spawn_file_actions_destroy(&quiet);
    return ok;
}

static inline void box_write(const struct tpm_box *b, const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", b->dir, name);
    assert_ok(td_file_write(path, td_str(text), 0600, NULL));
}

/* The maker: where its authority lies, and what its certificates say. */
static inline void tpm_box_open(struct tpm_box *b)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    (void)snprintf(b->dir, sizeof(b->dir), "/tmp/td-tpm-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    box_write(b, "ca.conf",
              td_arena_printf(&a,
                              "statedir = %s/ca\nsigningkey = %s/ca/signkey.pem\n"
                              "issuercert = %s/ca/issuercert.pem\ncertserial = %s/ca/certserial\n",
                              b->dir, b->dir, b->dir, b->dir));
    box_write(b, "ca.options", "--platform-manufacturer TestOEM\n--platform-version 1.0\n--platform-model UnitTest\n");
    box_write(b, "setup.conf",
              td_arena_printf(&a,
                              "create_certs_tool = /usr/bin/swtpm_localca\n"
                              "create_certs_tool_config = %s/ca.conf\n"
                              "create_certs_tool_options = %s/ca.options\n"
                              "active_pcr_banks = sha256\n",
                              b->dir, b->dir));
    assert_int_equal(mkdir(td_arena_printf(&a, "%s/ca", b->dir), 0700), 0);
}

/* option: "--create-ek-cert", "--ecc" (a P-384 key with its certificate) or NULL for a TPM without certificate. */
static inline void box_make(const struct tpm_box *b, const char *name, const char *option, struct box_tpm *ret)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    *ret = (struct box_tpm){0};
    (void)snprintf(ret->state, sizeof(ret->state), "%s/%s", b->dir, name);
    (void)snprintf(ret->tcti, sizeof(ret->tcti), "swtpm:path=%s/%s.sock", b->dir, name);
    assert_int_equal(mkdir(ret->state, 0700), 0);
    const char *argv[] = {"swtpm_setup",      "--tpm2",
                          "--tpmstate",       ret->state,
                          "--config",         td_arena_printf(&a, "%s/setup.conf", b->dir),
                          "--vmid",           name,
                          "--not-overwrite",  option,
                          "--create-ek-cert", NULL};
    if (option == NULL || strcmp(option, "--ecc") != 0)
        argv[10] = NULL;
    assert_true(box_run(argv));
}

static inline bool box_answers(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers = fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
    if (fd >= 0)
        (void)close(fd);
    return answers;
}

/* A process that ends with the test program, however that ends: a planted fault may take it down. */
static inline pid_t box_start(const char *const argv[])
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)dup2(quiet, STDOUT_FILENO);
    (void)dup2(quiet, STDERR_FILENO);
    (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* What switching a PC on does to its TPM: its PCRs are zero again. */
static inline void box_on(struct box_tpm *t)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *sock = strchr(t->tcti, '=') + 1;
    const char *argv[] = {"swtpm",
                          "socket",
                          "--tpm2",
                          "--tpmstate",
                          td_arena_printf(&a, "dir=%s", t->state),
                          "--server",
                          td_arena_printf(&a, "type=unixio,path=%s", sock),
                          "--ctrl",
                          td_arena_printf(&a, "type=unixio,path=%s.ctrl", sock),
                          "--flags",
                          "not-need-init,startup-clear",
                          NULL};
    t->pid = box_start(argv);
    while (!box_answers(sock)) {
        assert_int_equal(waitpid(t->pid, NULL, WNOHANG), 0); /* it has not given up */
        (void)sched_yield();
    }
}

static inline void box_off(struct box_tpm *t)
{
    if (t->pid == 0)
        return;
    assert_int_equal(kill(t->pid, SIGKILL), 0);
    assert_int_equal(waitpid(t->pid, NULL, 0), t->pid);
    t->pid = 0;
    (void)unlink(strchr(t->tcti, '=') + 1);
}

static inline void tpm_box_close(struct tpm_box *b)
{
    if (b->dir[0] != '\0')
        stage_remove(b->dir);
}

static const unsigned char box_nonce[32] = "a nonce of thirty-two octets....";
#define BOX_NONCE td_bytes(box_nonce, sizeof(box_nonce))

/* A device with this TPM. */
static inline void box_stage(struct stage *s, const struct box_tpm *t)
{
    if (tpm_box_missing())
        skip();
    stage_open(s, NULL);
    s->dev.tcti = t->tcti;
}

static inline void box_stage_close(struct stage *s)
{
    td_tpm_close(s->dev.tpm);
    stage_close(s);
}

static inline void box_switch_off_and_on(struct stage *s, struct box_tpm *t)
{
    td_tpm_close(s->dev.tpm);
    s->dev.tpm = NULL;
    box_off(t);
    box_on(t);
}

#endif
