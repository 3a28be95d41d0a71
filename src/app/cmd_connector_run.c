/* `touchdown connector run` and `check`: the process near an Active Directory. It needs no store. */
#include "app/commands.h"
#include "app/connector_config.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/cert.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum { MAX_PEM = 1 << 20, MAX_UNITS = 32, TURN_MS = 200 };

/* One write a line: lines of threads do not mix. What a directory said is shown and never obeyed. */
static void write_line(const char *line)
{
    char at[TD_TIME_TEXT];
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 4096);
    td_buf_printf(&b, "%s ", td_time_text(td_now(&td_env_real), at));
    for (const char *c = line; *c != '\0'; c++)
        td_buf_addc(&b, (unsigned char)*c < ' ' || *c == 0x7F ? '?' : *c);
    td_buf_addc(&b, '\n');
    if (!b.failed)
        (void)!write(STDOUT_FILENO, b.p, b.n);
}

static void say(void *ctx, const char *line)
{
    const struct td_cli *cli = ctx;
    if (cli->json)
        td_log(TD_INFO, "connector", "line", line, NULL);
    else
        write_line(line);
}

/* --- when to stop ------------------------------------------------------------------------------------------------- */

struct watch {
    sigset_t signals;
    bool attached;
    atomic_bool stop, over;
    pthread_t thread;
};

static bool input_ended(void)
{
    char rest[64];
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&p, 1, 0) == 1 && read(STDIN_FILENO, rest, sizeof(rest)) <= 0;
}

static void *watch_loop(void *ctx)
{
    struct watch *w = ctx;
    const struct timespec turn = {0, TURN_MS * 1000000L};
    while (!atomic_load(&w->over)) {
        int sig = sigtimedwait(&w->signals, NULL, &turn);
        if (sig > 0 || (w->attached && input_ended()))
            atomic_store(&w->stop, true);
    }
    return NULL;
}

static enum td_code watch_begin(struct watch *w, struct td_error *err)
{
    (void)sigemptyset(&w->signals);
    (void)sigaddset(&w->signals, SIGTERM);
    (void)sigaddset(&w->signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &w->signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (pthread_create(&w->thread, NULL, watch_loop, w) != 0)
        return td_fail(err, TD_EUNAVAILABLE, "threads", "no more threads can be made");
    return TD_OK;
}

static void watch_end(struct watch *w)
{
    atomic_store(&w->over, true);
    (void)pthread_join(w->thread, NULL);
}

/* --- run ---------------------------------------------------------------------------------------------------------- */

static enum td_code need(struct td_cli *cli, const char *option, const char **to, struct td_error *err)
{
    if (td_cli_option(cli, option) != NULL)
        *to = td_cli_option(cli, option);
    cli->misused = *to == NULL;
    return *to != NULL ? TD_OK
                       : td_fail(err, TD_EINVAL, option, "is needed: by --%s or in [connector] of the file", option);
}

static enum td_code read_file(const char *path, size_t max, struct td_arena *a, struct td_slice *ret,
                              struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    td_buf_init(&text, max);
    td_try(td_file_read(path, &text, err));
    *ret = td_arena_copy(a, td_buf_slice(&text));
    return TD_OK;
}

/* A command line is seen by everybody on the machine; a file is not. */
static enum td_code read_code(struct td_cli *cli, struct td_connector_config *c, struct td_error *err)
{
    struct td_slice text = {0};
    const char *file = td_cli_option(cli, "code-file");
    c->code = td_cli_option(cli, "code");
    if (c->code != NULL || file == NULL)
        return TD_OK;
    td_try(read_file(file, 4096, &cli->arena, &text, err));
    c->code = td_arena_text(&cli->arena, td_trim(text));
    return TD_OK;
}

/* What is no certificate would be an address that never answers. */
static enum td_code read_root(struct td_cli *cli, struct td_connector_file *f, struct td_error *err)
{
    struct td_slice der = {0};
    struct td_error why = {0};
    enum td_code rc = read_file(f->ca, MAX_PEM, &cli->arena, &f->config.ca_pem, &why);
    if (rc == TD_OK && td_cert_from_pem(f->config.ca_pem, &cli->arena, &der, NULL) == TD_OK)
        return TD_OK;
    return td_remedy(
        err, td_fail(err, TD_EINVAL, "ca", "%s: %s", f->ca, rc != TD_OK ? why.text : "holds no certificate in PEM"),
        "Give it ca.pem of the service's data folder.");
}

static enum td_code read_config(struct td_cli *cli, struct td_connector_file *f, struct td_error *err)
{
    td_try(td_connector_file_read(td_cli_option(cli, "config"), &cli->arena, f, err));
    td_try(need(cli, "server", &f->config.server, err));
    td_try(need(cli, "ca", &f->ca, err));
    td_try(need(cli, "state", &f->config.dir, err));
    td_try(read_code(cli, &f->config, err));
    char *server = td_arena_strdup(&cli->arena, f->config.server);
    for (size_t n = strlen(server); n != 0 && server[n - 1] == '/'; n--)
        server[n - 1] = '\0';
    f->config.server = server;
    return read_root(cli, f, err);
}

/* Two processes with one key would take each other's answers. The lock goes with the process. */
static enum td_code hold_folder(const char *dir, struct td_error *err)
{
    td_try(td_dir_make(dir, 0700, err));
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return td_fail(err, TD_EIO, "state", "%s can't be opened", dir);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return TD_OK;
    (void)close(fd);
    return td_remedy(err, td_fail(err, TD_ESTATE, "state", "another connector runs with the folder %s", dir),
                     "End that one, or give this one a folder and a code of its own.");
}

static enum td_code run(struct td_cli *cli, struct td_error *err)
{
    struct td_connector_file f;
    struct watch w = {.attached = td_cli_option(cli, "attached") != NULL};
    struct td_connector_world world;
    td_try(read_config(cli, &f, err));
    td_try(td_connector_config_check(&f.config, err));
    td_try(hold_folder(f.config.dir, err));
    struct td_connector_real *real = td_connector_real_new(&f.config, cli->env, say, cli, &world);
    enum td_code rc = watch_begin(&w, err);
    if (rc == TD_OK) {
        rc = td_connector_run(&f.config, &world, &w.stop, err);
        watch_end(&w);
    }
    td_connector_real_free(real);
    if (rc == TD_OK)
        say(cli, "stopped");
    return rc;
}

/* --- check -------------------------------------------------------------------------------------------------------- */

static void tell(void *ctx, const char *line)
{
    td_cli_say(ctx, "%s", line);
}

struct findings {
    struct td_cli *cli;
    struct td_jsonw w;
    const char *domain;
    bool open; /* the last one waits for its remedy */
};

static void close_finding(struct findings *f, const char *remedy)
{
    if (!f->open)
        return;
    td_jsonw_kstr(&f->w, "remedy", remedy);
    td_jsonw_end(&f->w);
    f->open = false;
}

/* Lines of td_connector_try: a domain; behind two blanks a verdict and what was found; behind nine what to do. */
static void tell_json(void *ctx, const char *line)
{
    struct findings *f = ctx;
    struct td_arena *a = &f->cli->arena;
    struct td_slice verdict, found = td_cut(td_trim(td_str(line)), ' ', &verdict);
    if (td_starts(td_str(line), "         ")) {
        close_finding(f, td_arena_text(a, td_trim(td_str(line))));
        return;
    }
    close_finding(f, "");
    if (line[0] != ' ') {
        f->domain = td_arena_strdup(a, line);
        return;
    }
    char *word = td_arena_text(a, verdict);
    td_lower(word);
    td_jsonw_obj(&f->w);
    td_jsonw_kstr(&f->w, "domain", f->domain);
    td_jsonw_kstr(&f->w, "verdict", strcmp(word, "-") == 0 ? "nowhere" : word);
    td_jsonw_kstr(&f->w, "found", td_arena_text(a, td_trim(found)));
    f->open = true;
}

static void quiet(void *ctx TD_UNUSED, const char *line TD_UNUSED)
{
}

/* A folder for tickets is needed only where there is a keytab; the connector's own may belong to another account. */
static enum td_code check_all(struct td_cli *cli, const struct td_connector_config *c,
                              const struct td_connector_world *world, struct td_error *err)
{
    const char *units[MAX_UNITS + 1] = {NULL}, *only = td_cli_option(cli, "domain"), *unit = NULL;
    struct findings f = {.cli = cli, .domain = ""};
    enum td_code rc = TD_OK;
    bool any = false;
    td_jsonw_init(&f.w, &cli->out);
    if (cli->json) {
        td_jsonw_obj(&f.w);
        td_jsonw_key(&f.w, "findings");
        td_jsonw_arr(&f.w);
    }
    for (int i = 0; i < MAX_UNITS && (unit = td_cli_option_at(cli, "ou", i)) != NULL; i++)
        units[i] = unit;
    for (size_t i = 0; i < c->domain_count; i++) {
        struct td_error why = {0};
        if (only != NULL && !td_ieqs(td_str(only), c->domains[i].domain))
            continue;
        any = true;
        enum td_code one = cli->json ? td_connector_try(&c->domains[i], world, units, tell_json, &f, &why)
                                     : td_connector_try(&c->domains[i], world, units, tell, cli, &why);
        if (rc == TD_OK && one != TD_OK) {
            rc = one;
            *err = why;
        }
    }
    if (cli->json) {
        close_finding(&f, "");
        td_jsonw_arr_end(&f.w);
        td_jsonw_kbool(&f.w, "passed", any && rc == TD_OK);
        td_jsonw_end(&f.w);
        td_buf_addc(&cli->out, '\n');
    }
    td_cli_flush(cli);
    return any ? rc : td_fail(err, TD_ENOTFOUND, "domain", "the configuration does not have it");
}

static enum td_code check(struct td_cli *cli, struct td_error *err)
{
    struct td_connector_file f;
    struct td_connector_world world;
    char dir[] = "/tmp/td-connector-XXXXXX";
    td_try(td_connector_file_read(td_cli_option(cli, "config"), &cli->arena, &f, err));
    f.config.server = f.config.server != NULL ? f.config.server : "https://localhost";
    td_try(td_connector_config_check(&f.config, err));
    if (mkdtemp(dir) == NULL)
        return td_fail(err, TD_EIO, dir, "no folder for tickets can be made");
    f.config.dir = dir;
    struct td_connector_real *real = td_connector_real_new(&f.config, cli->env, quiet, NULL, &world);
    enum td_code rc = check_all(cli, &f.config, &world, err);
    td_connector_real_free(real);
    (void)rmdir(dir);
    return rc;
}

static const struct td_command rows[] = {
    {.noun = "connector",
     .verb = "run",
     .args = "",
     .needs = "config",
     .about = "Runs a connector to Active Directory until SIGTERM or SIGINT (docs/tasks/connector.md). It calls the "
              "service; nothing calls it.",
     .run = run,
     .options = {{"config", "FILE", "an INI file: its domains, and what else is said here", false},
                 {"server", "URL", "the service, https://HOST[:PORT]", false},
                 {"ca", "FILE", "what it trusts of the service, in PEM (the service's ca.pem)", false},
                 {"state", "DIR", "its own folder: keys and registration", false},
                 {"code", "CODE", "at the first start: the code of touchdown connector add", false},
                 {"code-file", "FILE", "the same, from a file", false},
                 {"attached", NULL, "ends when its standard input ends, as a child of the service", false}}},
    {.noun = "connector",
     .verb = "check",
     .args = "",
     .needs = "config",
     .about = "Tries what a connector's configuration says: every domain controller, the account, where it may create "
              "computers.",
     .fields =
         "findings: list of domain, verdict (ok, wrong, note, more: rights that it does not need, nowhere), found, "
         "remedy; passed",
     .run = check,
     .options = {{"config", "FILE", "the connector's INI file", false},
                 {"domain", "DOMAIN", "this domain alone", false},
                 {"ou", "DN", "a unit in which it must be able to create computers", true}}},
};

const struct td_command_table td_connector_run_commands = {rows, TD_COUNTOF(rows)};
