/* touchdown-device: which commands there are, and which one was asked for. Exit 0 ready or done, 1 failed, 2 usage or
 * not offered, 3 no registration or profile, 4 time-out (contract.md 3). */
#include "app/device/program.h"
#include "device/tpm.h"

#include <signal.h>
#include <stdio.h>

enum { DEFAULT_TIMEOUT = 600 };

const struct td_program_command td_program_commands[] = {
    {"hash", td_program_hash, TD_OPT_HARDWARE | TD_OPT_TPM | TD_OPT_CSV, 0, "the hardware hash of this machine"},
    {"run", td_program_run,
     TD_OPT_STATE | TD_OPT_SERVER | TD_OPT_CA | TD_OPT_HARDWARE | TD_OPT_TPM | TD_OPT_ANSWER | TD_OPT_TIMEOUT |
         TD_OPT_PACE | TD_OPT_VPN,
     TD_OPT_STATE, "from its box to the desktop; killed and started again, it goes on"},
    {"provision", td_program_provision,
     TD_OPT_STATE | TD_OPT_SERVER | TD_OPT_CA | TD_OPT_HARDWARE | TD_OPT_TPM | TD_OPT_ANSWER | TD_OPT_TIMEOUT |
         TD_OPT_PACE,
     TD_OPT_STATE,
     "what a technician does before the device has its user: the device's part up to the green page, sealed behind it"},
    {"sync", td_program_sync,
     TD_OPT_STATE | TD_OPT_SERVER | TD_OPT_CA | TD_OPT_HARDWARE | TD_OPT_TPM | TD_OPT_TIMEOUT | TD_OPT_PACE,
     TD_OPT_STATE, "one management session"},
    {"show", td_program_show, TD_OPT_STATE | TD_OPT_JSON, TD_OPT_STATE,
     "what it knows of itself, and what is in effect on it"},
    {"preflight", td_program_preflight,
     TD_OPT_STATE | TD_OPT_SERVER | TD_OPT_CA | TD_OPT_HARDWARE | TD_OPT_TPM | TD_OPT_ENDPOINT | TD_OPT_JSON,
     TD_OPT_STATE,
     "would a deployment succeed: every requirement with what was found and what to do; 0 if nothing fails"},
    {"reset", td_program_reset,
     TD_OPT_STATE | TD_OPT_SERVER | TD_OPT_CA | TD_OPT_TPM | TD_OPT_ANSWER | TD_OPT_TIMEOUT | TD_OPT_PACE |
         TD_OPT_PACKAGE | TD_OPT_REINSTALL,
     TD_OPT_STATE,
     "Ctrl+Win+R at the lock screen: an administrator signs in, what users left goes, the device is set up anew"},
    {"use", td_program_use, TD_OPT_STATE | TD_OPT_USER | TD_OPT_PACKAGE | TD_OPT_ANSWER | TD_OPT_TIMEOUT | TD_OPT_PACE,
     TD_OPT_STATE,
     "somebody works with it: files, an app, settings, traces that a reset must take away; with --answer password= who "
     "that is signs in first"},
    {"sign-out", td_program_sign_out, TD_OPT_STATE, TD_OPT_STATE,
     "who is signed in leaves; a shared PC deletes accounts as its policy says"},
    {"diagnostics", td_program_diagnostics, TD_OPT_STATE | TD_OPT_OUT, TD_OPT_STATE | TD_OPT_OUT,
     "an archive of logs, state, requirements and the CSV that registers the device, without secrets"},
    {"sysprep", td_program_sysprep, TD_OPT_STATE | TD_OPT_GENERALIZE, TD_OPT_STATE,
     "what sysprep does: nothing to the profile file, or with --generalize delete it"},
    {"domain", td_program_domain,
     TD_OPT_STATE | TD_OPT_BLOB | TD_OPT_DJOIN | TD_OPT_UNATTEND | TD_OPT_POLICIES | TD_OPT_TAKE | TD_OPT_JSON, 0,
     "what its domain-join blob says (never the password), its forms for Windows' own tools, which hold the password, "
     "and the group policies that apply"},
    {"fleet", NULL, 0, 0, "many devices at once (not offered yet)"},
};
const size_t td_program_command_count = TD_COUNTOF(td_program_commands);

const struct td_program_command *td_program_find(const char *name)
{
    for (size_t i = 0; i < td_program_command_count; i++)
        if (strcmp(name, td_program_commands[i].name) == 0)
            return &td_program_commands[i];
    return NULL;
}

static bool asks_help(char **argv)
{
    for (; *argv != NULL; argv++)
        if (strcmp(*argv, "--help") == 0)
            return true;
    return false;
}

static int dispatch(struct td_program *p, const struct td_program_command *c, char **argv)
{
    struct td_error err = {0};
    if (asks_help(argv))
        return td_program_help(c->name);
    if (c->run == NULL)
        return td_program_complain("this command is not offered yet", NULL);
    if (td_program_take_options(p, argv, c, &err) != TD_OK)
        return td_program_complain(err.where, err.text);
    return c->run(p);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return td_program_usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return td_program_help(argv[2]);
    if (strcmp(argv[1], "--version") == 0)
        return printf("touchdown-device %s\n", TD_VERSION) > 0 ? TD_EXIT_READY : TD_EXIT_FAILED;
    (void)signal(SIGPIPE, SIG_IGN);
    const struct td_program_command *c = td_program_find(argv[1]);
    if (c == NULL) {
        (void)td_program_complain("no such command", argv[1]);
        return td_program_usage(stderr);
    }
    struct td_program p = {.env = &td_env_real, .timeout = DEFAULT_TIMEOUT};
    p.dev.env = &td_env_real;
    p.dev.pace = 1;
    int code = dispatch(&p, c, argv + 2);
    td_tpm_close(p.dev.tpm);
    td_state_close(p.dev.state);
    td_arena_wipe(&p.arena);
    return code;
}
