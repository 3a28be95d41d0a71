#include "app/connector_child.h"

#include "api/connector.h"
#include "base/file.h"
#include "base/log.h"
#include "store/connector.h"
#include "store/tenant.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 15, MAX_PAUSE_SECONDS = 300, STEADY_SECONDS = 60, NAMES = 20, MAX_CODE_FILE = 256 };
#define TURN (TD_SECOND / 5) /* how late an end is noticed */

struct td_connector_child {
    struct td_service *svc;
    struct td_arena arena;
    const char *config, *state, *server, *ca, *code_file, *registration, *tenant;
    pthread_t thread;
    atomic_bool stop;
    pid_t pid;
    int input; /* our end of its standard input */
};

/* --- the code ----------------------------------------------------------------------------------------------------- */

struct adding {
    struct td_connector_child *child;
    char name[16];
    unsigned char sha256[32];
};

static enum td_code add_connector(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct adding *a = ctx;
    struct td_connector made = {.name = NULL};
    return td_connector_add(tx, a->child->tenant, a->name, a->sha256, "service", &a->child->arena, &made, err);
}

/* A name that is taken belongs to a connector whose folder is lost, or to another one: not ours to say. */
static enum td_code add_under_a_free_name(struct adding *a, struct td_error *err)
{
    enum td_code rc = TD_EEXISTS;
    for (int i = 1; i <= NAMES && rc == TD_EEXISTS; i++) {
        (void)snprintf(a->name, sizeof(a->name), i == 1 ? "local" : "local-%d", i);
        rc = td_store_write(a->child->svc->store, add_connector, a, err);
    }
    return rc;
}

struct keeping {
    const struct td_connector_child *child;
    unsigned char sha256[32];
    bool kept;
};

/* One whose answer was lost registers by its used code; one that was not used in its day makes room for the next. */
static enum td_code look_at_code(struct td_tx *tx, void *ctx, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct keeping *k = ctx;
    struct td_connector of = {.id = ""};
    bool open = false;
    enum td_code rc = td_connector_by_code(tx, k->sha256, &a, &of, &open, err);
    k->kept = rc == TD_OK && (open || of.registered) && strcmp(of.tenant, k->child->tenant) == 0;
    if (rc == TD_OK && !k->kept && !of.registered)
        rc = td_connector_remove(tx, of.tenant, of.id, "service", err);
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

/* The code of an earlier try is used again: a child that can't start would else take a further name each time. */
static enum td_code keep_code(const struct td_connector_child *c, bool *ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    struct keeping k = {.child = c};
    *ret = false;
    td_buf_init(&text, MAX_CODE_FILE);
    if (td_file_read(c->code_file, &text, err) != TD_OK || !td_connector_code_read(td_buf_slice(&text), k.sha256))
        return TD_OK;
    td_try(td_store_write(c->svc->store, look_at_code, &k, err));
    *ret = k.kept;
    return TD_OK;
}

static enum td_code make_code(struct td_connector_child *c, struct td_error *err)
{
    struct adding a = {.child = c};
    char text[TD_CONNECTOR_CODE_TEXT];
    bool kept = td_file_exists(c->registration);
    if (!kept)
        td_try(keep_code(c, &kept, err));
    if (kept)
        return TD_OK;
    td_connector_code_make(c->svc->env, text, a.sha256);
    enum td_code rc = add_under_a_free_name(&a, err);
    if (rc == TD_OK)
        rc = td_file_write(c->code_file, td_str(text), 0600, err);
    td_wipe(text, sizeof(text));
    return rc;
}

/* --- the process -------------------------------------------------------------------------------------------------- */

static char *word(const char *s)
{
    return (char *)(uintptr_t)s;
}

static enum td_code spawn(struct td_connector_child *c, bool with_code, struct td_error *err)
{
    char *argv[16] = {word("touchdown"), word("connector"), word("run"),       word("--config"), word(c->config),
                      word("--server"),  word(c->server),   word("--ca"),      word(c->ca),      word("--state"),
                      word(c->state),    word("--json"),    word("--attached")};
    char *const envp[] = {word("PATH=/usr/local/bin:/usr/bin:/bin"), word("LC_ALL=C.UTF-8"), NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int ends[2];
    if (with_code) {
        argv[13] = word("--code-file");
        argv[14] = word(c->code_file);
    }
    if (pipe2(ends, O_CLOEXEC) != 0)
        return td_fail(err, TD_EIO, "connector", "no pipe");
    (void)sigemptyset(&none);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int rc = posix_spawn(&c->pid, "/proc/self/exe", &actions, &attributes, argv, envp);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[0]);
    c->input = ends[1];
    if (rc == 0)
        return TD_OK;
    (void)close(ends[1]);
    c->pid = 0;
    return td_fail(err, TD_EIO, "connector", "its process can't be started");
}

static bool ended(struct td_connector_child *c, int options)
{
    int status = 0;
    pid_t got;
    do
        got = waitpid(c->pid, &status, options);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    char how[32];
    bool killed = WIFSIGNALED(status);
    (void)snprintf(how, sizeof(how), killed ? "signal %d" : "exit %d", killed ? WTERMSIG(status) : WEXITSTATUS(status));
    td_log(atomic_load(&c->stop) ? TD_INFO : TD_WARN, "connector.ended", "how", how, NULL);
    (void)close(c->input);
    c->pid = 0;
    return true;
}

static void end_process(struct td_connector_child *c)
{
    if (c->pid == 0)
        return;
    (void)kill(c->pid, SIGTERM);
    for (int64_t until = td_monotonic() + PATIENCE_SECONDS * TD_SECOND; td_monotonic() < until;) {
        if (ended(c, WNOHANG))
            return;
        td_sleep(c->svc->env, TURN / 4);
    }
    (void)kill(c->pid, SIGKILL);
    (void)ended(c, 0);
}

static void wait_turns(struct td_connector_child *c, int64_t seconds)
{
    for (int64_t until = td_monotonic() + seconds * TD_SECOND; td_monotonic() < until && !atomic_load(&c->stop);)
        td_sleep(c->svc->env, TURN);
}

/* From start to end of one process; how long it ran. */
static int64_t live_once(struct td_connector_child *c)
{
    struct td_error err = {0};
    int64_t began = td_monotonic();
    enum td_code rc = make_code(c, &err);
    if (rc == TD_OK)
        rc = spawn(c, !td_file_exists(c->registration), &err);
    if (rc != TD_OK) {
        td_log_error(TD_ERROR, "connector.not-started", &err);
        return 0;
    }
    while (!atomic_load(&c->stop) && !ended(c, WNOHANG)) {
        if (td_file_exists(c->code_file) && td_file_exists(c->registration))
            (void)unlink(c->code_file); /* used up */
        td_sleep(c->svc->env, TURN);
    }
    return td_monotonic() - began;
}

static void *child_loop(void *ctx)
{
    struct td_connector_child *c = ctx;
    int64_t pause = 1;
    while (!atomic_load(&c->stop)) {
        int64_t lived = live_once(c);
        if (lived > STEADY_SECONDS * TD_SECOND)
            pause = 1;
        wait_turns(c, pause);
        pause = TD_MIN(pause * 2, MAX_PAUSE_SECONDS);
    }
    end_process(c);
    return NULL;
}

/* --- beginning and end -------------------------------------------------------------------------------------------- */

struct finding {
    const char *key;
    struct td_arena *a;
    struct td_tenant tenant;
};

static enum td_code find_tenant(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct finding *f = ctx;
    return f->key != NULL ? td_tenant_find(tx, td_str(f->key), f->a, &f->tenant, err)
                          : td_tenant_only(tx, f->a, &f->tenant, err);
}

static enum td_code prepare(struct td_connector_child *c, const struct td_connector_child_config *config,
                            struct td_error *err)
{
    struct td_arena *a = &c->arena;
    struct finding f = {.key = config->tenant, .a = a};
    if (!td_file_exists(config->config))
        return td_fail(err, TD_ENOTFOUND, "[connector] config", "%s is not there", config->config);
    enum td_code rc = td_store_read(c->svc->store, find_tenant, &f, err);
    if (rc != TD_OK)
        return td_remedy(err, td_fail(err, rc, "[connector] tenant", "which tenant the connector serves is not clear"),
                         "Write the tenant's domain into [connector] tenant.");
    c->tenant = f.tenant.id;
    c->config = td_arena_strdup(a, config->config);
    c->state = config->state != NULL ? td_arena_strdup(a, config->state)
                                     : td_arena_printf(a, "%s/connector", c->svc->data_dir);
    c->ca = td_arena_printf(a, "%s/ca.pem", c->svc->data_dir);
    c->code_file = td_arena_printf(a, "%s/code", c->state);
    c->registration = td_arena_printf(a, "%s/connector.json", c->state);
    return td_dir_make(c->state, 0700, err);
}

static void child_free(struct td_connector_child *c)
{
    td_arena_done(&c->arena);
    td_free(c);
}

enum td_code td_connector_child_start(struct td_service *svc, const struct td_connector_child_config *config,
                                      const char *server, struct td_connector_child **ret, struct td_error *err)
{
    if (config->config == NULL)
        return TD_OK;
    struct td_connector_child *c = td_new(struct td_connector_child);
    c->svc = svc;
    td_arena_init(&c->arena);
    c->server = td_arena_strdup(&c->arena, server);
    enum td_code rc = prepare(c, config, err);
    if (rc == TD_OK && pthread_create(&c->thread, NULL, child_loop, c) != 0)
        rc = td_fail(err, TD_EUNAVAILABLE, "threads", "no more threads can be made");
    if (rc != TD_OK) {
        child_free(c);
        return rc;
    }
    *ret = c;
    return TD_OK;
}

void td_connector_child_stop(struct td_connector_child *c)
{
    if (c == NULL)
        return;
    atomic_store(&c->stop, true);
    (void)pthread_join(c->thread, NULL);
    child_free(c);
}
