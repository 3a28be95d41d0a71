/* The command line as tables: nouns and verbs, their arguments and options. One table serves parsing, --help, the man
 * page and docs/cli.md. Exit codes (contract section 2): 0 done, 1 refused, 2 usage or not offered.
 *
 * A command function gets a struct td_cli whose store is open and whose tenant is known if its row asks for that; it
 * writes its answer with td_cli_say / td_cli_json and returns a td_code; errors are printed here, once. */
#ifndef TD_APP_CLI_H
#define TD_APP_CLI_H

#include "codec/json.h"
#include "store/tenant.h"

struct td_cli_option {
    const char *name;  /* without dashes */
    const char *value; /* placeholder in the usage, NULL for a switch */
    const char *about;
    bool many; /* may be given several times */
};

enum {
    TD_CLI_STORE = 1,       /* opens the store */
    TD_CLI_TENANT = 2,      /* resolves --tenant (or the only one); needs TD_CLI_STORE */
    TD_CLI_NOT_OFFERED = 4, /* known, not built: exit 2 with a sentence */
    TD_CLI_CREATE = 8 /* makes the store if there is none; the others refuse, so that a misspelt folder stays empty */
};

enum { TD_CLI_MAX_OPTIONS = 16 };

struct td_cli;

struct td_command {
    const char *noun, *verb; /* verb NULL: the noun alone is the command */
    const char *args;        /* positional part of the usage, "" if none */
    int min_args, max_args;  /* max_args -1: any number */
    unsigned flags;
    const char *needs; /* options that must be given, blanks between them; "a|b" is exactly one of both; NULL if none */
    const char *about; /* one sentence */
    const char *fields; /* members of the --json answer with their meaning, for docs/cli.md; NULL if none */
    enum td_code (*run)(struct td_cli *cli, struct td_error *err);
    struct td_cli_option options[TD_CLI_MAX_OPTIONS]; /* ends at the first without name */
};

/* Each cmd_*.c exports one of these; src/app/commands.c lists them. */
struct td_command_table {
    const struct td_command *rows;
    size_t count;
};

struct td_cli {
    const struct td_command *command;
    const char *const *args;
    int arg_count;
    bool json;         /* --json */
    bool misused;      /* the command found that its usage was wrong: exit 2 */
    bool lost;         /* standard output could not be written */
    const char *where; /* --data DIR or --store URL */
    const struct td_env *env;
    struct td_arena arena;
    struct td_store *store;
    struct td_tenant tenant;
    struct td_buf out; /* standard output, written when the command has succeeded or printed with td_cli_flush */
    struct td_cli_given {
        const char *name, *value;
    } given[64];
    int given_count;
};

const char *td_cli_option(const struct td_cli *cli, const char *name); /* value, "" for a switch, NULL if not given */
/* The i-th value of a repeated option, NULL past the end. */
const char *td_cli_option_at(const struct td_cli *cli, const char *name, int i);
/* A secret from a file ("-": standard input), final line end cut; bounded. The caller wipes it. */
enum td_code td_cli_secret(struct td_cli *cli, const char *option, struct td_buf *ret, struct td_error *err)
    TD_MUST_USE;

void td_cli_say(struct td_cli *cli, const char *fmt, ...) TD_PRINTF(2, 3); /* a line for people */
void td_cli_flush(struct td_cli *cli);

/* Runs argv against the tables; returns the exit code. */
int td_cli_main(int argc, char **argv, const struct td_command_table *const *tables, size_t table_count,
                const struct td_env *env);

#endif
