/* touchdown-device: a virtual Windows PC (contract section 3). Command line, terminal, lock of the state folder; the
 * way itself is src/device. Exit 0 ready or done, 1 failed, 2 usage or not offered, 3 no registration or profile, 4
 * time-out. */
#include "base/file.h"
#include "device/board.h"
#include "device/diagnostics.h"
#include "device/dm.h"
#include "device/flow.h"
#include "device/life.h"
#include "device/offline.h"
#include "device/preflight.h"
#include "device/show.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

enum { EXIT_READY = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NONE = 3, EXIT_TIMEOUT = 4 };
enum { MAIN_MAX_FILE = 1 << 20, MAIN_MAX_OUTPUT = 4 << 20, DEFAULT_TIMEOUT = 600, MAX_PACE = 100000 };

enum option {
    OPT_SERVER = 1 << 0,
    OPT_CA = 1 << 1,
    OPT_STATE = 1 << 2,
    OPT_HARDWARE = 1 << 3,
    OPT_ANSWER = 1 << 4,
    OPT_TIMEOUT = 1 << 5,
    OPT_PACE = 1 << 6,
    OPT_CSV = 1 << 7,
    OPT_JSON = 1 << 8,
    OPT_ENDPOINT = 1 << 9,
    OPT_TPM = 1 << 10,
    OPT_GENERALIZE = 1 << 20,
    OPT_OUT = 1 << 24,
    OPT_USER = 1 << 21,
    OPT_PACKAGE = 1 << 22,
    OPT_REINSTALL = 1 << 23,
};

static const struct option_row {
    const char *name, *value;
    enum option flag;
    const char *about;
} option_rows[] = {
    {"server", "URL", OPT_SERVER, "the service, https://host[:port]"},
    {"ca", "FILE", OPT_CA, "roots that the device trusts in its box (PEM)"},
    {"state", "DIR", OPT_STATE, "the device's memory; made if it is missing"},
    {"hardware", "FILE", OPT_HARDWARE, "JSON laid over this machine's own facts (docs/tasks/virtual-device.md)"},
    {"answer", "KEY=VALUE", OPT_ANSWER,
     "what people type: language region keyboard wifi user password code administrator administrator-password; @FILE "
     "reads it"},
    {"timeout", "SECONDS", OPT_TIMEOUT, "give up after so long (600)"},
    {"pace", "N", OPT_PACE, "the protocols' waits run N times faster (1)"},
    {"csv", NULL, OPT_CSV, "the hash as a CSV for import"},
    {"json", NULL, OPT_JSON, "for machines"},
    {"endpoint", "URL", OPT_ENDPOINT, "address that must be reachable and trusted"},
    {"tpm", "TCTI", OPT_TPM, "a TPM (not offered yet)"},
    {"out", "FILE", OPT_OUT, "where the archive goes"},
    {"generalize", NULL, OPT_GENERALIZE, "take what is this machine's own out of the image"},
    {"user", "UPN", OPT_USER, "who works with it (the one who is signed in)"},
    {"package", "FILE", OPT_PACKAGE, "a provisioning package (.ppkg), as on a USB stick"},
    {"reinstall", NULL, OPT_REINSTALL, "remove everything by hand: back into its box, and nobody is asked"},
};

struct program {
    const struct td_env *env;
    struct td_arena arena;
    struct td_device dev;
    struct td_ui ui;
    const char *hardware, *endpoint, *ca_file, *user, *package;
    const char *out;
    int64_t timeout;
    bool csv, json, tpm, generalize, reinstall;
};

static int complain(const char *text, const char *about)
{
    (void)fprintf(stderr, "touchdown-device: %s%s%s\n", text, about != NULL ? ": " : "", about != NULL ? about : "");
    return EXIT_USAGE;
}

/* The last line of a way that failed: code, item, cause, remedy. */
static int fail(struct td_device *dev, const struct td_error *err, int code)
{
    char number[16];
    (void)snprintf(number, sizeof(number), "0x%08x", err->hresult);
    td_device_say(dev, code == EXIT_TIMEOUT ? "time-out" : "failed", "%s; %s; %s; %s",
                  err->hresult != 0 ? number : td_code_word(err->code), err->where, err->text,
                  err->remedy[0] != '\0' ? err->remedy
                  : code == EXIT_USAGE   ? "see touchdown-device help"
                  : err->code == TD_EIO  ? "make room for the state folder, or mend its rights, then run again"
                                         : "look into the device's timeline on the service");
    return code;
}

/* --- terminal -------------------------------------------------------------------------------------------------------
 */

static enum td_code ask_terminal(void *ctx TD_UNUSED, const char *prompt, bool secret, struct td_buf *out,
                                 struct td_error *err)
{
    struct termios before, silent;
    bool quiet = secret && tcgetattr(STDIN_FILENO, &before) == 0;
    if (quiet) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    (void)printf("%s: ", prompt);
    (void)fflush(stdout);
    int c;
    while ((c = getchar()) != EOF && c != '\n')
        td_buf_addc(out, (char)c);
    if (quiet) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        (void)printf("\n");
    }
    return c == EOF && out->n == 0 ? td_fail(err, TD_EINVAL, "terminal", "was closed") : TD_OK;
}

/* --- options --------------------------------------------------------------------------------------------------------
 */

static enum td_code read_file(struct program *p, const char *path, struct td_slice *ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    td_buf_init(&text, MAIN_MAX_FILE);
    td_try(td_file_read(path, &text, err));
    *ret = td_arena_copy(&p->arena, td_buf_slice(&text));
    return TD_OK;
}

static enum td_code add_answer(struct program *p, const char *text, struct td_error *err)
{
    static const char *const keys[] = {"language", "region",        "keyboard",
                                       "wifi",     "user",          "password",
                                       "code",     "administrator", "administrator-password"};
    struct td_slice key, value = td_cut(td_str(text), '=', &key);
    bool known = false;
    for (size_t i = 0; i < TD_COUNTOF(keys); i++)
        known |= td_eqs(key, keys[i]);
    if (!known || key.n == strlen(text))
        return td_fail(err, TD_EINVAL, "answer",
                       "must be KEY=VALUE; keys: language region keyboard wifi user password code administrator "
                       "administrator-password");
    if (p->ui.answer_count == TD_UI_MAX_ANSWERS)
        return td_fail(err, TD_ELIMIT, "answer", "at most %d", TD_UI_MAX_ANSWERS);
    if (td_starts(value, "@"))
        td_try(read_file(p, td_arena_text(&p->arena, td_sub(value, 1, value.n)), &value, err));
    while (value.n != 0 && (value.p[value.n - 1] == '\n' || value.p[value.n - 1] == '\r'))
        value.n--;
    p->ui.answers[p->ui.answer_count++] =
        (struct td_answer){td_arena_text(&p->arena, key), td_arena_text(&p->arena, value)};
    return TD_OK;
}

static enum td_code read_number(const char *name, const char *text, int64_t max, int64_t *ret, struct td_error *err)
{
    if (!td_parse_i64(td_str(text), ret) || *ret < 1 || *ret > max)
        return td_fail(err, TD_EINVAL, name, "must be a number from 1 to %lld", (long long)max);
    return TD_OK;
}

static enum td_code take_server(struct program *p, const char *text, struct td_error *err)
{
    struct td_slice s = td_str(text);
    while (td_ends(s, "/"))
        s.n--;
    if (!td_starts(s, "https://") || s.n <= strlen("https://"))
        return td_fail(err, TD_EINVAL, "server", "must be https://host[:port]");
    p->dev.server = td_arena_text(&p->arena, s);
    return TD_OK;
}

static enum td_code take_option(struct program *p, enum option flag, const char *value, struct td_error *err)
{
    int64_t number = 0;
    switch (flag) {
    case OPT_SERVER:
        return take_server(p, value, err);
    case OPT_CA:
        p->ca_file = value;
        return TD_OK;
    case OPT_STATE:
        p->dev.dir = value;
        return TD_OK;
    case OPT_HARDWARE:
        p->hardware = value;
        return TD_OK;
    case OPT_ANSWER:
        return add_answer(p, value, err);
    case OPT_TIMEOUT:
        return read_number("timeout", value, 86400, &p->timeout, err);
    case OPT_PACE:
        td_try(read_number("pace", value, MAX_PACE, &number, err));
        p->dev.pace = (int)number;
        return TD_OK;
    case OPT_CSV:
        p->csv = true;
        return TD_OK;
    case OPT_JSON:
        p->json = true;
        return TD_OK;
    case OPT_ENDPOINT:
        p->endpoint = value;
        return TD_OK;
    case OPT_TPM:
        p->tpm = true;
        return TD_OK;
    case OPT_OUT:
        p->out = value;
        return TD_OK;
    case OPT_GENERALIZE:
        p->generalize = true;
        return TD_OK;
    case OPT_USER:
        p->user = value;
        return TD_OK;
    case OPT_PACKAGE:
        p->package = value;
        return TD_OK;
    case OPT_REINSTALL:
        p->reinstall = true;
        return TD_OK;
    }
    return TD_OK;
}

static enum td_code take_options(struct program *p, char **argv, unsigned allowed, struct td_error *err)
{
    for (; *argv != NULL; argv++) {
        const struct option_row *row = NULL;
        struct td_slice name = td_str(*argv);
        struct td_slice inlined = td_cut(name, '=', &name);
        bool is_inlined = name.n != strlen(*argv);
        for (size_t i = 0; i < TD_COUNTOF(option_rows); i++)
            if (td_starts(name, "--") && td_eqs(td_sub(name, 2, name.n), option_rows[i].name))
                row = &option_rows[i];
        if (row == NULL || (allowed & (unsigned)row->flag) == 0)
            return td_fail(err, TD_EINVAL, *argv, "this command has no such option");
        if (row->value == NULL && is_inlined)
            return td_fail(err, TD_EINVAL, *argv, "takes no value");
        if (row->value != NULL && !is_inlined && argv[1] == NULL)
            return td_fail(err, TD_EINVAL, *argv, "needs %s", row->value);
        td_try(take_option(p, row->flag, is_inlined ? inlined.p : argv[1], err));
        argv += row->value != NULL && !is_inlined;
    }
    return TD_OK;
}

/* --- what several commands need
 * --------------------------------------------------------------------------------------- */

/* One program at a time in a state folder; the lock goes with the process. */
static enum td_code lock_state(struct program *p, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    int fd = open(td_device_path(&p->dev, &a, "lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return td_fail(err, TD_EIO, "state", "the folder can't be written");
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        p->dev.log = true;
        td_state_sweep(p->dev.dir);
        return TD_OK;
    }
    (void)close(fd);
    (void)td_fail(err, TD_ESTATE, "state", "another touchdown-device works in this folder");
    return td_remedy(err, TD_ESTATE, "wait until it has ended, or choose another --state");
}

/* The roots of the box: given now, or kept by an earlier run. */
static enum td_code load_roots(struct program *p, struct td_error *err)
{
    const char *kept = td_device_path(&p->dev, &p->arena, "ca.pem");
    if (p->ca_file == NULL)
        return td_file_exists(kept) ? read_file(p, kept, &p->dev.ca_pem, err)
                                    : td_fail(err, TD_EINVAL, "--ca", "is needed: the device trusts nobody yet");
    td_try(read_file(p, p->ca_file, &p->dev.ca_pem, err));
    return td_file_write(kept, p->dev.ca_pem, 0600, err);
}

static enum td_code load_server(struct program *p, struct td_error *err)
{
    const char *kept = td_state_get(p->dev.state, "server");
    if (p->dev.server == NULL && kept == NULL)
        return td_fail(err, TD_EINVAL, "--server", "is needed at the first run");
    if (p->dev.server == NULL)
        p->dev.server = td_arena_strdup(&p->arena, kept);
    td_state_set(p->dev.state, "server", p->dev.server);
    return td_state_save(p->dev.state, err);
}

static enum td_code open_state(struct program *p, struct td_error *err)
{
    td_try(td_state_open(p->dev.dir, &p->dev.state, err));
    return td_device_tree_check(&p->dev, err);
}

/* For commands that make no device: a misspelt folder stays empty. */
static enum td_code open_known(struct program *p, struct td_error *err)
{
    if (!td_file_exists(p->dev.dir))
        return td_remedy(err, td_fail(err, TD_ENOTFOUND, "state", "there is no device in %s", p->dev.dir),
                         "take one out of its box first: touchdown-device run");
    return open_state(p, err);
}

/* What is missing or wrong on the command line is usage. */
static int code_of(const struct td_error *err)
{
    return err->code == TD_EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

/* --- commands
 * --------------------------------------------------------------------------------------------------------- */

static int print_hash(struct program *p)
{
    struct td_error err = {0};
    struct td_hardware hw;
    char *hash = NULL;
    if (td_hardware_read("", p->hardware, &p->arena, &hw, &err) != TD_OK ||
        td_hardware_hash(&hw, p->env, &p->arena, &hash, &err) != TD_OK)
        return fail(&p->dev, &err, EXIT_FAILED);
    if (!p->csv) {
        (void)printf("%s\n", hash);
        return EXIT_READY;
    }
    if (strpbrk(hw.facts.serial, ",\"\r\n") != NULL)
        return complain("the serial number can't stand in a CSV without quotes", hw.facts.serial);
    (void)printf("Device Serial Number,Windows Product ID,Hardware Hash\n%s,%s,%s\n", hw.facts.serial,
                 hw.facts.product_key_id, hash);
    return EXIT_READY;
}

static enum td_code prepare(struct program *p, struct td_error *err)
{
    td_try(open_state(p, err));
    td_try(lock_state(p, err));
    td_try(td_life_start(&p->dev, NULL, err));
    td_try(load_roots(p, err));
    td_try(load_server(p, err));
    return p->hardware != NULL ? td_hardware_keep(&p->dev, p->hardware, err) : TD_OK;
}

static int end_of_way(struct td_flow *f, enum td_code rc, const struct td_error *err)
{
    if (rc == TD_OK) {
        td_flow_timeline(f);
        return EXIT_READY;
    }
    if (f->none)
        return fail(f->dev, err, EXIT_NONE);
    bool late = rc == TD_EEXPIRED && strcmp(err->where, "time-out") == 0;
    return fail(f->dev, err, late ? EXIT_TIMEOUT : EXIT_FAILED);
}

/* From where the device stands to the desktop, or to a restart that was ordered on the way. */
static int walk(struct program *p, struct td_flow *f)
{
    struct td_error err = {0};
    enum td_action_kind kind;
    enum td_code rc = td_flow_run(f, &err);
    bool restart = td_life_restart_due(&p->dev, &kind) && kind != TD_ACTION_RETIRE;
    return restart ? EXIT_READY : end_of_way(f, rc, &err);
}

/* As long as the machine restarts it goes on; only without its management there is nowhere to go. */
static int live(struct program *p, const struct td_transport *net)
{
    struct td_error err = {0};
    enum td_action_kind kind;
    for (;;) {
        struct td_flow f = {.dev = &p->dev, .ui = &p->ui, .net = net};
        int code = walk(p, &f);
        td_flow_done(&f);
        if (!td_life_restart_due(&p->dev, &kind))
            return code;
        if (td_life_start(&p->dev, NULL, &err) != TD_OK)
            return fail(&p->dev, &err, EXIT_FAILED);
        if (kind == TD_ACTION_RETIRE)
            return code;
    }
}

/* Sits somebody down before the device, and gives it a network. */
static int with_net(struct program *p, int (*fn)(struct program *p, const struct td_transport *net))
{
    struct td_error err = {0};
    struct td_net *net = NULL;
    const struct td_net_config config = {.ca_pem = p->dev.ca_pem, .user_agent = "Dsreg/10.0 (Windows 10.0.22631.1)"};
    p->ui.dev = &p->dev;
    p->ui.ask = isatty(STDIN_FILENO) ? ask_terminal : NULL;
    p->dev.deadline = td_monotonic() + p->timeout * TD_SECOND;
    if (td_net_new(&config, &net, &err) != TD_OK)
        return fail(&p->dev, &err, EXIT_FAILED);
    const struct td_transport transport = {.send = td_transport_net, .ctx = net};
    int code = fn(p, &transport);
    td_net_free(net);
    return code;
}

static int run(struct program *p)
{
    struct td_error err = {0};
    if (p->tpm)
        return complain("--tpm is not offered yet: keys are kept in the state folder", NULL);
    if (prepare(p, &err) != TD_OK)
        return fail(&p->dev, &err, code_of(&err));
    td_board_say(&p->dev);
    return with_net(p, live);
}

/* A device that is there already: locked, and what was cut off brought to its end. */
static enum td_code wake(struct program *p, bool *ret_did, struct td_error *err)
{
    td_try(open_known(p, err));
    td_try(lock_state(p, err));
    td_try(td_life_start(&p->dev, ret_did, err));
    td_try(load_roots(p, err));
    return load_server(p, err);
}

static enum td_code not_enrolled(struct td_error *err)
{
    (void)td_fail(err, TD_ESTATE, "state", "this device is not enrolled");
    return td_remedy(err, TD_ESTATE, "take it out of its box first: touchdown-device run");
}

static int sync_now(struct program *p)
{
    struct td_error err = {0};
    bool did = false;
    if (wake(p, &did, &err) != TD_OK || (p->hardware != NULL && td_hardware_keep(&p->dev, p->hardware, &err) != TD_OK))
        return fail(&p->dev, &err, code_of(&err));
    td_board_say(&p->dev);
    bool enrolled = td_state_get(p->dev.state, "enrol.addr") != NULL;
    if (!enrolled && did) /* what was cut off has just put it back into its box */
        return EXIT_READY;
    if (!enrolled)
        return fail(&p->dev, (not_enrolled(&err), &err), EXIT_FAILED);
    p->dev.deadline = td_monotonic() + p->timeout * TD_SECOND;
    bool user = td_state_get(p->dev.state, "user.signed_in") != NULL;
    enum td_code rc = td_dm_session(&p->dev, TD_DM_USER, user, &err);
    struct td_error why = {0};
    if (td_life_start(&p->dev, NULL, &why) != TD_OK) /* what was ordered happens, however the session ended */
        return fail(&p->dev, &why, EXIT_FAILED);
    if (rc != TD_OK)
        return fail(&p->dev, &err, EXIT_FAILED);
    td_device_say(&p->dev, "step", "synchronized");
    return EXIT_READY;
}

/* Ctrl+Win+R at the lock screen; then the device goes on as it does after a restart. */
static int reset_at_lock_screen(struct program *p, const struct td_transport *net)
{
    struct td_error err = {0};
    struct td_flow f = {.dev = &p->dev, .ui = &p->ui, .net = net};
    enum td_code rc = td_life_reset_page(&f, p->package, &err);
    td_flow_done(&f);
    if (rc == TD_OK)
        rc = td_life_start(&p->dev, NULL, &err);
    return rc == TD_OK ? live(p, net) : fail(&p->dev, &err, EXIT_FAILED);
}

static int reset(struct program *p)
{
    struct td_error err = {0};
    if (wake(p, NULL, &err) != TD_OK)
        return fail(&p->dev, &err, code_of(&err));
    if (!p->reinstall)
        return with_net(p, reset_at_lock_screen);
    return td_life_reinstall(&p->dev, &err) == TD_OK ? EXIT_READY : fail(&p->dev, &err, EXIT_FAILED);
}

static int use(struct program *p)
{
    struct td_error err = {0};
    if (wake(p, NULL, &err) != TD_OK)
        return fail(&p->dev, &err, code_of(&err));
    return td_life_use(&p->dev, p->user, p->package, &err) == TD_OK ? EXIT_READY : fail(&p->dev, &err, EXIT_FAILED);
}

static int show(struct program *p)
{
    struct td_error err = {0};
    if (open_known(p, &err) != TD_OK)
        return fail(&p->dev, &err, EXIT_FAILED);
    TD_CLEANUP(td_buf_done) struct td_buf out;
    td_buf_init(&out, MAIN_MAX_OUTPUT);
    if (p->json)
        td_device_show_json(&p->dev, &out);
    else
        td_device_show(&p->dev, &out);
    (void)fwrite(out.p, 1, out.n, stdout);
    return EXIT_READY;
}

/* Box roots and those that management has brought. */
static struct td_slice all_roots(struct program *p)
{
    const char *more = td_device_effect(&p->dev, "trusted_roots", &p->arena);
    const char *both = td_arena_printf(&p->arena, "%.*s\n%s", TD_FMT(p->dev.ca_pem), more != NULL ? more : "");
    return td_str(both);
}

static int probe(struct program *p, const char *url)
{
    struct td_error err = {0};
    struct td_net *net = NULL;
    struct td_net_response r;
    const struct td_net_request req = {.method = "GET", .url = url};
    const struct td_net_config config = {.ca_pem = all_roots(p)};
    enum td_code rc = td_net_new(&config, &net, &err);
    if (rc == TD_OK)
        rc = td_net_do(net, &req, &p->arena, &r, &err);
    td_net_free(net);
    if (rc != TD_OK)
        return fail(&p->dev, &err, EXIT_FAILED);
    td_device_say(&p->dev, "ok", "%s answers %d, and is trusted", url, r.status);
    return EXIT_READY;
}

static const char *proxy_named(void)
{
    const char *upper = getenv("HTTPS_PROXY"), *lower = getenv("https_proxy");
    return upper != NULL ? upper : lower;
}

static int print_findings(struct program *p, const struct td_finding *list, size_t n)
{
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_jsonw w;
    td_buf_init(&out, MAIN_MAX_OUTPUT);
    td_jsonw_init(&w, &out);
    td_jsonw_obj(&w);
    td_findings_write(list, n, &w);
    td_jsonw_end(&w);
    if (p->json)
        (void)printf("%s\n", out.p);
    for (size_t i = 0; i < n && !p->json; i++)
        td_device_say(&p->dev, td_verdict_word(list[i].verdict), "%-22s %s%s%s", list[i].requirement->code,
                      list[i].found, list[i].remedy[0] != '\0' ? "; " : "", list[i].remedy);
    return td_findings_passed(list, n) ? EXIT_READY : EXIT_FAILED;
}

/* The hardware that is asked about: a file given now, or what the device was made of. */
static enum td_code preflight_hardware(struct program *p, struct td_hardware *hw, struct td_error *err)
{
    return p->hardware != NULL ? td_hardware_read("", p->hardware, &p->arena, hw, err)
                               : td_hardware_of(&p->dev, &p->arena, hw, err);
}

/* Every requirement of a deployment; with --endpoint only whether that address is there and trusted. */
static int preflight(struct program *p)
{
    struct td_error err = {0};
    struct td_hardware hw;
    struct td_net *net = NULL;
    struct td_finding *list;
    size_t n = 0;
    if (open_state(p, &err) != TD_OK || load_roots(p, &err) != TD_OK)
        return fail(&p->dev, &err, code_of(&err));
    if (p->endpoint != NULL)
        return probe(p, p->endpoint);
    if (load_server(p, &err) != TD_OK)
        return fail(&p->dev, &err, code_of(&err));
    const struct td_net_config config = {.ca_pem = all_roots(p), .timeout_seconds = 10};
    if (preflight_hardware(p, &hw, &err) != TD_OK || td_net_new(&config, &net, &err) != TD_OK)
        return fail(&p->dev, &err, EXIT_FAILED);
    const struct td_transport transport = {.send = td_transport_net, .ctx = net};
    const struct td_preflight pf = {.dev = &p->dev, .hw = &hw, .net = &transport, .proxy = proxy_named()};
    td_preflight_run(&pf, &p->arena, &list, &n);
    td_net_free(net);
    return print_findings(p, list, n);
}

/* With the requirements of the network where the device knows its service; without a word to it otherwise. Works beside
 * a run, whose lock it does not take. */
static int diagnostics(struct program *p)
{
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_error err = {0};
    struct td_hardware hw;
    struct td_net *net = NULL;
    td_buf_init(&out, TD_DIAGNOSTICS_MAX);
    if (open_known(p, &err) != TD_OK || td_hardware_of(&p->dev, &p->arena, &hw, &err) != TD_OK)
        return fail(&p->dev, &err, EXIT_FAILED);
    const char *server = td_state_get(p->dev.state, "server");
    if (server != NULL && load_roots(p, NULL) == TD_OK) {
        const struct td_net_config config = {.ca_pem = all_roots(p), .timeout_seconds = 10};
        p->dev.server = td_arena_strdup(&p->arena, server);
        td_ignore(td_net_new(&config, &net, NULL));
    }
    const struct td_transport transport = {.send = td_transport_net, .ctx = net};
    enum td_code rc = td_diagnostics_zip(&p->dev, &hw, net != NULL ? &transport : NULL, &out, &err);
    td_net_free(net);
    if (rc != TD_OK || td_file_write(p->out, td_buf_slice(&out), 0600, &err) != TD_OK)
        return fail(&p->dev, &err, EXIT_FAILED);
    td_device_say(&p->dev, "step", "collected in %s: %zu octets", p->out, out.n);
    return EXIT_READY;
}

/* What a technician runs in an image before its first start (docs/tasks/existing-devices.md). */
static int sysprep(struct program *p)
{
    struct td_error err = {0};
    bool had_file = false;
    if (open_known(p, &err) != TD_OK || lock_state(p, &err) != TD_OK)
        return fail(&p->dev, &err, code_of(&err));
    if (!p->generalize) {
        td_device_say(&p->dev, "step", "the next start begins with the first pages; the profile file stays");
        return EXIT_READY;
    }
    if (td_offline_generalize(&p->dev, &had_file, &err) != TD_OK)
        return fail(&p->dev, &err, EXIT_FAILED);
    td_device_say(&p->dev, "step", "generalized: the kept profile is gone%s",
                  had_file ? ", and so is AutopilotConfigurationFile.json" : "");
    return EXIT_READY;
}

static int not_offered(struct program *p TD_UNUSED)
{
    return complain("this command is not offered yet", NULL);
}

static const struct command {
    const char *name;
    int (*fn)(struct program *p);
    unsigned options, needs;
    const char *about;
} commands[] = {
    {"hash", print_hash, OPT_HARDWARE | OPT_CSV, 0, "the hardware hash of this machine"},
    {"run", run, OPT_STATE | OPT_SERVER | OPT_CA | OPT_HARDWARE | OPT_TPM | OPT_ANSWER | OPT_TIMEOUT | OPT_PACE,
     OPT_STATE, "from its box to the desktop; killed and started again, it goes on"},
    {"sync", sync_now, OPT_STATE | OPT_SERVER | OPT_CA | OPT_HARDWARE | OPT_TIMEOUT | OPT_PACE, OPT_STATE,
     "one management session"},
    {"show", show, OPT_STATE | OPT_JSON, OPT_STATE, "what it knows of itself, and what is in effect on it"},
    {"preflight", preflight, OPT_STATE | OPT_SERVER | OPT_CA | OPT_HARDWARE | OPT_ENDPOINT | OPT_JSON, OPT_STATE,
     "would a deployment succeed: every requirement with what was found and what to do; 0 if nothing fails"},
    {"reset", reset,
     OPT_STATE | OPT_SERVER | OPT_CA | OPT_ANSWER | OPT_TIMEOUT | OPT_PACE | OPT_PACKAGE | OPT_REINSTALL, OPT_STATE,
     "Ctrl+Win+R at the lock screen: an administrator signs in, what users left goes, the device is set up anew"},
    {"use", use, OPT_STATE | OPT_USER | OPT_PACKAGE, OPT_STATE,
     "somebody works with it: files, an app, settings, traces that a reset must take away"},
    {"diagnostics", diagnostics, OPT_STATE | OPT_OUT, OPT_STATE | OPT_OUT,
     "an archive of logs, state, requirements and the CSV that registers the device, without secrets"},
    {"sysprep", sysprep, OPT_STATE | OPT_GENERALIZE, OPT_STATE,
     "what sysprep does: nothing to the profile file, or with --generalize delete it"},
    {"fleet", not_offered, 0, 0, "many devices at once (not offered yet)"},
};

enum style { TEXT, MAN, MARKDOWN };

static void command_usage(FILE *to, enum style style, const struct command *c)
{
    static const char *const before[] = {"usage: touchdown-device ", ".SS touchdown\\-device ",
                                         "\n## touchdown-device "};
    static const char *const between[] = {"\n", "\n", "\n\n"};
    (void)fprintf(to, "%s%s%s%s%s", before[style], c->name, between[style], c->about, between[style]);
    for (size_t k = 0; k < TD_COUNTOF(option_rows); k++) {
        const struct option_row *o = &option_rows[k];
        const char *value = o->value != NULL ? o->value : "",
                   *needed = (c->needs & (unsigned)o->flag) != 0 ? "; needed" : "";
        if ((c->options & (unsigned)o->flag) == 0)
            continue;
        if (style == TEXT)
            (void)fprintf(to, "  --%-10s %-16s %s%s\n", o->name, value, o->about, needed);
        else if (style == MAN)
            (void)fprintf(to, ".TP\n\\-\\-%s %s\n%s%s\n", o->name, value, o->about, needed);
        else
            (void)fprintf(to, "- `--%s%s%s`: %s%s\n", o->name, value[0] != '\0' ? " " : "", value, o->about, needed);
    }
}

static const char exit_codes[] = "0 ready or done, 1 failed (the last line: code; item; cause; remedy), 2 usage or not "
                                 "offered, 3 not registered or no "
                                 "profile, 4 time-out (started again, it goes on).";

static int document(enum style style)
{
    if (style == MAN)
        (void)printf(".TH TOUCHDOWN\\-DEVICE 1\n.SH NAME\ntouchdown\\-device \\- a virtual Windows PC\n.SH COMMANDS\n");
    else
        (void)printf("# touchdown-device\n\nA virtual Windows PC. Exit codes: %s\n", exit_codes);
    for (size_t i = 0; i < TD_COUNTOF(commands); i++)
        command_usage(stdout, style, &commands[i]);
    if (style == MAN)
        (void)printf(".SH EXIT STATUS\n%s\n", exit_codes);
    return EXIT_READY;
}

static int usage(FILE *to)
{
    (void)fprintf(to, "usage: touchdown-device COMMAND [OPTIONS]   (touchdown-device COMMAND --help tells more)\n\n");
    for (size_t i = 0; i < TD_COUNTOF(commands); i++)
        (void)fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].about);
    (void)fprintf(to, "\nExit codes: %s\n", exit_codes);
    return to == stdout ? EXIT_READY : EXIT_USAGE;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < TD_COUNTOF(commands); i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

static int help(const char *topic)
{
    if (topic == NULL)
        return usage(stdout);
    if (strcmp(topic, "--man") == 0)
        return document(MAN);
    if (strcmp(topic, "--markdown") == 0)
        return document(MARKDOWN);
    if (find_command(topic) == NULL)
        return complain("no such command", topic);
    command_usage(stdout, TEXT, find_command(topic));
    return EXIT_READY;
}

static bool asks_help(char **argv)
{
    for (; *argv != NULL; argv++)
        if (strcmp(*argv, "--help") == 0)
            return true;
    return false;
}

static int dispatch(struct program *p, const struct command *c, char **argv)
{
    struct td_error err = {0};
    if (asks_help(argv))
        return help(c->name);
    if (c->fn != not_offered && take_options(p, argv, c->options, &err) != TD_OK)
        return complain(err.where, err.text);
    if ((c->needs & OPT_STATE) != 0 && p->dev.dir == NULL)
        return complain("--state", "is needed");
    if ((c->needs & OPT_OUT) != 0 && p->out == NULL)
        return complain("--out", "is needed");
    return c->fn(p);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return help(argv[2]);
    if (strcmp(argv[1], "--version") == 0)
        return printf("touchdown-device %s\n", TD_VERSION) > 0 ? EXIT_READY : EXIT_FAILED;
    (void)signal(SIGPIPE, SIG_IGN);
    const struct command *c = find_command(argv[1]);
    if (c == NULL) {
        (void)complain("no such command", argv[1]);
        return usage(stderr);
    }
    struct program p = {.env = &td_env_real, .timeout = DEFAULT_TIMEOUT};
    p.dev.env = &td_env_real;
    p.dev.pace = 1;
    int code = dispatch(&p, c, argv + 2);
    td_state_close(p.dev.state);
    td_arena_done(&p.arena);
    return code;
}
