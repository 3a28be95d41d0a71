/* touchdown-device: a virtual Windows PC on the command line (contract.md 3). One file a question:
 *   main.c     which commands there are, and which one was asked for
 *   options.c  what may be given with them
 *   help.c     what the program says of itself
 *   program.c  what commands share: failing, the state folder, its lock, roots and service
 *   walk.c     commands that get a device further
 *   look.c     commands that only look
 *   domain.c   a domain-join blob and the domain's policies
 * The way itself is src/device. A command takes the program with its options read and returns an exit code; errors that
 * it has told are told (td_program_fail). Paths and texts given on the command line are not copied: argv outlives all.
 */
#ifndef TD_APP_DEVICE_PROGRAM_H
#define TD_APP_DEVICE_PROGRAM_H

#include "base/arena.h"
#include "base/err.h"
#include "device/device.h"
#include "device/ui.h"

#include <stdio.h>

enum td_exit { TD_EXIT_READY = 0, TD_EXIT_FAILED = 1, TD_EXIT_USAGE = 2, TD_EXIT_NONE = 3, TD_EXIT_TIMEOUT = 4 };

struct td_program {
    const struct td_env *env;
    struct td_arena arena; /* wiped at the end: answers may be passwords */
    struct td_device dev;  /* dir, server, pace by the options; state once opened */
    struct td_ui ui;
    const char *hardware, *endpoint, *ca_file, *user, *package, *out; /* as given; NULL: not given */
    int64_t timeout;                                                  /* seconds */
    bool csv, json, generalize, reinstall;
    const char *blob, *djoin, *unattend; /* domain: a blob, and where its forms go */
    bool policies, take;
    bool technician; /* provision: a technician is at it */
};

/* --- options ------------------------------------------------------------------------------------------------------ */

enum td_program_flag {
    TD_OPT_SERVER = 1 << 0,
    TD_OPT_CA = 1 << 1,
    TD_OPT_STATE = 1 << 2,
    TD_OPT_HARDWARE = 1 << 3,
    TD_OPT_ANSWER = 1 << 4,
    TD_OPT_TIMEOUT = 1 << 5,
    TD_OPT_PACE = 1 << 6,
    TD_OPT_CSV = 1 << 7,
    TD_OPT_JSON = 1 << 8,
    TD_OPT_ENDPOINT = 1 << 9,
    TD_OPT_TPM = 1 << 10,
    TD_OPT_OUT = 1 << 11,
    TD_OPT_GENERALIZE = 1 << 12,
    TD_OPT_USER = 1 << 13,
    TD_OPT_PACKAGE = 1 << 14,
    TD_OPT_REINSTALL = 1 << 15,
    TD_OPT_VPN = 1 << 16,
    TD_OPT_BLOB = 1 << 17,
    TD_OPT_DJOIN = 1 << 18,
    TD_OPT_UNATTEND = 1 << 19,
    TD_OPT_POLICIES = 1 << 20,
    TD_OPT_TAKE = 1 << 21,
};

struct td_program_option {
    const char *name, *value; /* value NULL: given or not */
    enum td_program_flag flag;
    const char *about;
    size_t at; /* where a text (or, without value, a bool) goes in struct td_program, unless take reads it */
    enum td_code (*take)(struct td_program *p, const char *text, struct td_error *err);
};

extern const struct td_program_option td_program_options[];
extern const size_t td_program_option_count;

/* --- commands ----------------------------------------------------------------------------------------------------- */

struct td_program_command {
    const char *name;
    int (*run)(struct td_program *p); /* NULL: not offered yet */
    unsigned options, needs;          /* of TD_OPT_: may be given; must be given (texts only) */
    const char *about;
};

extern const struct td_program_command td_program_commands[];
extern const size_t td_program_command_count;
const struct td_program_command *td_program_find(const char *name); /* NULL: none */

/* argv: what follows the command. TD_EINVAL names the option that is wrong or missing. */
enum td_code td_program_take_options(struct td_program *p, char **argv, const struct td_program_command *c,
                                     struct td_error *err) TD_MUST_USE;

int td_program_hash(struct td_program *p);
int td_program_run(struct td_program *p);
int td_program_provision(struct td_program *p);
int td_program_sync(struct td_program *p);
int td_program_show(struct td_program *p);
int td_program_preflight(struct td_program *p);
int td_program_reset(struct td_program *p);
int td_program_use(struct td_program *p);
int td_program_sign_out(struct td_program *p);
int td_program_diagnostics(struct td_program *p);
int td_program_sysprep(struct td_program *p);
int td_program_domain(struct td_program *p);

/* topic: a command, "--man", "--markdown" (a page of docs/cli.md) or NULL for all in short. */
int td_program_help(const char *topic);
int td_program_usage(FILE *to);

/* --- what commands share ------------------------------------------------------------------------------------------ */

/* On the command line, before a device has anything to do with it: TD_EXIT_USAGE. about may be NULL. */
int td_program_complain(const char *text, const char *about);
/* The last line of a way that failed: code; item; cause; remedy. Returns the exit code given. */
int td_program_fail(struct td_device *dev, const struct td_error *err, int code);
/* What is missing or wrong on the command line is usage, all else a failure. */
int td_program_exit_code(const struct td_error *err);

/* A file of at most 1 MiB into the arena. */
enum td_code td_program_read_file(struct td_program *p, const char *path, struct td_slice *ret, struct td_error *err)
    TD_MUST_USE;
/* Opens the state folder, which is made if it is missing; _known: TD_ENOTFOUND instead, a misspelt folder stays empty.
 */
enum td_code td_program_open(struct td_program *p, struct td_error *err) TD_MUST_USE;
enum td_code td_program_open_known(struct td_program *p, struct td_error *err) TD_MUST_USE;
/* One program at a time changes a state folder; the lock goes with the process. TD_ESTATE: another one has it. */
enum td_code td_program_lock(struct td_program *p, struct td_error *err) TD_MUST_USE;
/* The roots of the box and the service: given now, or kept by an earlier run. TD_EINVAL: neither. */
enum td_code td_program_load_roots(struct td_program *p, struct td_error *err) TD_MUST_USE;
enum td_code td_program_load_server(struct td_program *p, struct td_error *err) TD_MUST_USE;

#endif
