/* The options of touchdown-device: one row says how an option is given, where it goes and what it is for. */
#include "app/device/program.h"

#include <stddef.h>

enum { MAX_PACE = 100000, MAX_TIMEOUT = 86400 };

static enum td_code take_answer(struct td_program *p, const char *text, struct td_error *err)
{
    static const char *const keys[] = {"language",
                                       "region",
                                       "keyboard",
                                       "wifi",
                                       "user",
                                       "password",
                                       "code",
                                       "administrator",
                                       "administrator-password",
                                       "technician",
                                       "technician-password",
                                       "technician-code"};
    struct td_slice key, value = td_cut(td_str(text), '=', &key);
    bool known = false;
    for (size_t i = 0; i < TD_COUNTOF(keys); i++)
        known |= td_eqs(key, keys[i]);
    if (!known || key.n == strlen(text))
        return td_fail(err, TD_EINVAL, "answer",
                       "must be KEY=VALUE; keys: language region keyboard wifi user password code administrator "
                       "administrator-password technician technician-password technician-code");
    if (p->ui.answer_count == TD_UI_MAX_ANSWERS)
        return td_fail(err, TD_ELIMIT, "answer", "at most %d", TD_UI_MAX_ANSWERS);
    if (td_starts(value, "@"))
        td_try(td_program_read_file(p, td_arena_text(&p->arena, td_sub(value, 1, value.n)), &value, err));
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

static enum td_code take_timeout(struct td_program *p, const char *text, struct td_error *err)
{
    return read_number("timeout", text, MAX_TIMEOUT, &p->timeout, err);
}

static enum td_code take_pace(struct td_program *p, const char *text, struct td_error *err)
{
    int64_t number = 0;
    td_try(read_number("pace", text, MAX_PACE, &number, err));
    p->dev.pace = (int)number;
    return TD_OK;
}

static enum td_code take_server(struct td_program *p, const char *text, struct td_error *err)
{
    struct td_slice s = td_str(text);
    while (td_ends(s, "/"))
        s.n--;
    if (!td_starts(s, "https://") || s.n <= strlen("https://"))
        return td_fail(err, TD_EINVAL, "server", "must be https://host[:port]");
    p->dev.server = td_arena_text(&p->arena, s);
    return TD_OK;
}

#define INTO(member) .at = offsetof(struct td_program, member)

const struct td_program_option td_program_options[] = {
    {"server", "URL", TD_OPT_SERVER, "the service, https://host[:port]", .take = take_server},
    {"ca", "FILE", TD_OPT_CA, "roots that the device trusts in its box (PEM)", INTO(ca_file)},
    {"state", "DIR", TD_OPT_STATE, "the device's memory; made if it is missing", INTO(dev.dir)},
    {"hardware", "FILE", TD_OPT_HARDWARE, "JSON laid over this machine's own facts (docs/tasks/virtual-device.md)",
     INTO(hardware)},
    {"answer", "KEY=VALUE", TD_OPT_ANSWER,
     "what people type: language region keyboard wifi user password code administrator administrator-password "
     "technician technician-password technician-code; @FILE "
     "reads it",
     .take = take_answer},
    {"timeout", "SECONDS", TD_OPT_TIMEOUT, "give up after so long (600)", .take = take_timeout},
    {"pace", "N", TD_OPT_PACE, "the protocols' waits run N times faster (1)", .take = take_pace},
    {"csv", NULL, TD_OPT_CSV, "the hash as a CSV for import", INTO(csv)},
    {"json", NULL, TD_OPT_JSON, "for machines", INTO(json)},
    {"endpoint", "URL", TD_OPT_ENDPOINT, "address that must be reachable and trusted", INTO(endpoint)},
    {"tpm", "TCTI", TD_OPT_TPM,
     "its TPM 2.0, kept for later: device:/dev/tpmrm0, swtpm:path=SOCKET; its keys are made there (docs/tasks/"
     "virtual-device.md)",
     INTO(dev.tcti)},
    {"vpn", "PROGRAM", TD_OPT_VPN,
     "dials a VPN at the sign-in screen: PROGRAM NAME SERVER, 0 once it is connected (docs/tasks/virtual-device.md)",
     INTO(dev.vpn)},
    {"blob", "FILE", TD_OPT_BLOB, "a domain-join blob: raw, base64, or the file of djoin", INTO(blob)},
    {"djoin", "FILE", TD_OPT_DJOIN, "write it as djoin /requestODJ /loadfile takes it", INTO(djoin)},
    {"unattend", "FILE", TD_OPT_UNATTEND, "write it as an answer file for Windows' setup", INTO(unattend)},
    {"take", NULL, TD_OPT_TAKE, "join the device by --blob, as djoin /requestODJ does", INTO(take)},
    {"policies", NULL, TD_OPT_POLICIES, "ask the domain which group policies apply to this computer", INTO(policies)},
    {"out", "FILE", TD_OPT_OUT, "where the archive goes", INTO(out)},
    {"generalize", NULL, TD_OPT_GENERALIZE, "take what is this machine's own out of the image", INTO(generalize)},
    {"user", "UPN", TD_OPT_USER, "who works with it (the one who is signed in)", INTO(user)},
    {"package", "FILE", TD_OPT_PACKAGE, "a provisioning package (.ppkg), as on a USB stick", INTO(package)},
    {"reinstall", NULL, TD_OPT_REINSTALL, "remove everything by hand: back into its box, and nobody is asked",
     INTO(reinstall)},
};
const size_t td_program_option_count = TD_COUNTOF(td_program_options);

static const struct td_program_option *find_option(struct td_slice given)
{
    for (size_t i = 0; i < td_program_option_count; i++)
        if (td_starts(given, "--") && td_eqs(td_sub(given, 2, given.n), td_program_options[i].name))
            return &td_program_options[i];
    return NULL;
}

static enum td_code take(struct td_program *p, const struct td_program_option *row, const char *value,
                         struct td_error *err)
{
    if (row->take != NULL)
        return row->take(p, value, err);
    if (row->value == NULL)
        *(bool *)((char *)p + row->at) = true;
    else
        *(const char **)((char *)p + row->at) = value;
    return TD_OK;
}

static enum td_code check_needed(const struct td_program *p, unsigned needs, struct td_error *err)
{
    for (size_t i = 0; i < td_program_option_count; i++) {
        const struct td_program_option *row = &td_program_options[i];
        if ((needs & (unsigned)row->flag) != 0 && *(const char *const *)((const char *)p + row->at) == NULL)
            return td_fail(err, TD_EINVAL, row->name, "--%s %s is needed", row->name, row->value);
    }
    return TD_OK;
}

enum td_code td_program_take_options(struct td_program *p, char **argv, const struct td_program_command *c,
                                     struct td_error *err)
{
    for (; *argv != NULL; argv++) {
        struct td_slice name = td_str(*argv);
        struct td_slice inlined = td_cut(name, '=', &name);
        bool is_inlined = name.n != strlen(*argv);
        const struct td_program_option *row = find_option(name);
        if (row == NULL || (c->options & (unsigned)row->flag) == 0)
            return td_fail(err, TD_EINVAL, *argv, "this command has no such option");
        if (row->value == NULL && is_inlined)
            return td_fail(err, TD_EINVAL, *argv, "takes no value");
        if (row->value != NULL && !is_inlined && argv[1] == NULL)
            return td_fail(err, TD_EINVAL, *argv, "needs %s", row->value);
        td_try(take(p, row, is_inlined ? inlined.p : argv[1], err));
        argv += row->value != NULL && !is_inlined;
    }
    return check_needed(p, c->needs, err);
}
