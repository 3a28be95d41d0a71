/* Commands by which a device gets further: out of its box, to its service and back, reset, used, laid into an image.
 * What its service has ordered is carried out before they begin and once they have ended (td_life_start). */
#include "app/device/program.h"
#include "device/board.h"
#include "device/dm.h"
#include "device/flow.h"
#include "device/hardware.h"
#include "device/life.h"
#include "device/offline.h"
#include "device/provision.h"
#include "device/seat.h"
#include "device/tpm.h"

#include <stdio.h>
#include <termios.h>
#include <unistd.h>

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

static enum td_code prepare(struct td_program *p, struct td_error *err)
{
    td_try(td_program_open(p, err));
    td_try(td_program_lock(p, err));
    td_try(td_life_start(&p->dev, NULL, err));
    td_try(td_program_load_roots(p, err));
    td_try(td_program_load_server(p, err));
    if (p->hardware != NULL)
        td_try(td_hardware_keep(&p->dev, p->hardware, err));
    return td_device_tpm_ready(&p->dev, err);
}

static int end_of_way(struct td_flow *f, enum td_code rc, const struct td_error *err)
{
    if (rc == TD_OK) {
        td_flow_timeline(f);
        return TD_EXIT_READY;
    }
    if (f->none)
        return td_program_fail(f->dev, err, TD_EXIT_NONE);
    bool late = rc == TD_EEXPIRED && strcmp(err->where, "time-out") == 0;
    return td_program_fail(f->dev, err, late ? TD_EXIT_TIMEOUT : TD_EXIT_FAILED);
}

/* From where the device stands to the desktop, or to a technician's green page, or to a restart that was ordered on the
 * way. A technician's work that was cut off comes before everything else. */
static int walk(struct td_program *p, struct td_flow *f)
{
    struct td_error err = {0};
    bool technician = p->technician || td_provision_is_open(&p->dev);
    enum td_code rc = technician ? td_provision_run(f, &err) : td_flow_run(f, &err);
    if (technician && rc == TD_OK)
        return TD_EXIT_READY;
    return td_life_restart_due(&p->dev, NULL) ? TD_EXIT_READY : end_of_way(f, rc, &err);
}

static enum td_code not_managed(struct td_error *err)
{
    (void)td_fail(err, TD_ESTATE, "management", "the service has ended the management before the device was ready");
    return td_remedy(err, TD_ESTATE, "put it back into its box: touchdown-device reset --reinstall");
}

/* As long as the machine restarts it goes on; without its management there is only the desktop, if it had come so far.
 */
static int live(struct td_program *p, const struct td_transport *net)
{
    struct td_error err = {0};
    enum td_action_kind kind;
    for (;;) {
        struct td_flow f = {.dev = &p->dev, .ui = &p->ui, .net = net};
        int code = walk(p, &f);
        td_flow_done(&f);
        if (!td_life_restart_due(&p->dev, &kind))
            return code;
        bool was_ready = td_state_get(p->dev.state, "ready.at") != NULL;
        if (td_life_start(&p->dev, NULL, &err) != TD_OK)
            return td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
        if (kind == TD_ACTION_RETIRE && !was_ready)
            return td_program_fail(&p->dev, (not_managed(&err), &err), TD_EXIT_FAILED);
    }
}

/* Sits somebody down before the device, and gives it a network. */
static int with_net(struct td_program *p, int (*fn)(struct td_program *p, const struct td_transport *net))
{
    struct td_error err = {0};
    struct td_net *net = NULL;
    const struct td_net_config config = {.ca_pem = p->dev.ca_pem, .user_agent = "Dsreg/10.0 (Windows 10.0.22631.1)"};
    p->ui.dev = &p->dev;
    p->ui.ask = isatty(STDIN_FILENO) ? ask_terminal : NULL;
    p->dev.deadline = td_monotonic() + p->timeout * TD_SECOND;
    if (td_net_new(&config, &net, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
    const struct td_transport transport = {.send = td_transport_net, .ctx = net};
    int code = fn(p, &transport);
    td_net_free(net);
    return code;
}

int td_program_run(struct td_program *p)
{
    struct td_error err = {0};
    if (prepare(p, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, td_program_exit_code(&err));
    td_board_say(&p->dev);
    return with_net(p, live);
}

int td_program_provision(struct td_program *p)
{
    p->technician = true;
    return td_program_run(p);
}

/* A device that is there already: locked, and what was cut off brought to its end. */
static enum td_code wake(struct td_program *p, bool *ret_did, struct td_error *err)
{
    td_try(td_program_open_known(p, err));
    td_try(td_program_lock(p, err));
    td_try(td_life_start(&p->dev, ret_did, err));
    td_try(td_program_load_roots(p, err));
    return td_program_load_server(p, err);
}

static enum td_code not_enrolled(struct td_error *err)
{
    (void)td_fail(err, TD_ESTATE, "state", "this device is not enrolled");
    return td_remedy(err, TD_ESTATE, "take it out of its box first: touchdown-device run");
}

int td_program_sync(struct td_program *p)
{
    struct td_error err = {0};
    bool did = false;
    if (wake(p, &did, &err) != TD_OK ||
        (p->hardware != NULL && td_hardware_keep(&p->dev, p->hardware, &err) != TD_OK) ||
        td_device_tpm_ready(&p->dev, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, td_program_exit_code(&err));
    td_board_say(&p->dev);
    bool enrolled = td_state_get(p->dev.state, "enrol.addr") != NULL;
    if (!enrolled && did) /* what was cut off has just put it back into its box */
        return TD_EXIT_READY;
    if (!enrolled)
        return td_program_fail(&p->dev, (not_enrolled(&err), &err), TD_EXIT_FAILED);
    p->dev.deadline = td_monotonic() + p->timeout * TD_SECOND;
    bool user = td_state_get(p->dev.state, "user.signed_in") != NULL;
    enum td_code rc = td_dm_session(&p->dev, TD_DM_USER, user, &err);
    struct td_error why = {0};
    if (td_life_start(&p->dev, NULL, &why) != TD_OK) /* what was ordered happens, however the session ended */
        return td_program_fail(&p->dev, &why, TD_EXIT_FAILED);
    if (rc != TD_OK)
        return td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
    td_device_say(&p->dev, "step", "synchronized");
    return TD_EXIT_READY;
}

/* Ctrl+Win+R at the lock screen; then the device goes on as it does after a restart. */
static int reset_at_lock_screen(struct td_program *p, const struct td_transport *net)
{
    struct td_error err = {0};
    struct td_flow f = {.dev = &p->dev, .ui = &p->ui, .net = net};
    enum td_code rc = td_life_reset_page(&f, p->package, &err);
    td_flow_done(&f);
    if (rc == TD_OK)
        rc = td_life_start(&p->dev, NULL, &err);
    return rc == TD_OK ? live(p, net) : td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
}

int td_program_reset(struct td_program *p)
{
    struct td_error err = {0};
    if (wake(p, NULL, &err) != TD_OK || (!p->reinstall && td_device_tpm_ready(&p->dev, &err) != TD_OK))
        return td_program_fail(&p->dev, &err, td_program_exit_code(&err));
    if (!p->reinstall)
        return with_net(p, reset_at_lock_screen);
    return td_life_reinstall(&p->dev, &err) == TD_OK ? TD_EXIT_READY : td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
}

static int sign_in(struct td_program *p, const struct td_transport *net)
{
    struct td_error err = {0};
    struct td_flow f = {.dev = &p->dev, .ui = &p->ui, .net = net};
    enum td_code rc = td_life_sign_in(&f, p->user, &err);
    td_flow_done(&f);
    return rc == TD_OK ? TD_EXIT_READY : td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
}

int td_program_use(struct td_program *p)
{
    struct td_error err = {0};
    if (wake(p, NULL, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, td_program_exit_code(&err));
    int code = td_ui_given(&p->ui, "password") ? with_net(p, sign_in) : TD_EXIT_READY;
    if (code != TD_EXIT_READY)
        return code;
    return td_life_use(&p->dev, p->user, p->package, &err) == TD_OK ? TD_EXIT_READY
                                                                    : td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
}

int td_program_sign_out(struct td_program *p)
{
    struct td_error err = {0};
    if (wake(p, NULL, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, td_program_exit_code(&err));
    return td_seat_leave(&p->dev, &err) == TD_OK ? TD_EXIT_READY : td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
}

/* What a technician runs in an image before its first start (docs/tasks/existing-devices.md). */
int td_program_sysprep(struct td_program *p)
{
    struct td_error err = {0};
    bool had_file = false;
    if (td_program_open_known(p, &err) != TD_OK || td_program_lock(p, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, td_program_exit_code(&err));
    if (!p->generalize) {
        td_device_say(&p->dev, "step", "the next start begins with the first pages; the profile file stays");
        return TD_EXIT_READY;
    }
    if (td_offline_generalize(&p->dev, &had_file, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
    td_device_say(&p->dev, "step", "generalized: the kept profile is gone%s",
                  had_file ? ", and so is AutopilotConfigurationFile.json" : "");
    return TD_EXIT_READY;
}
