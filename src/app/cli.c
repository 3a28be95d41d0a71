#include "app/cli.h"

#include "app/cli_help.h"
#include "base/file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, MAX_OUTPUT = 256 << 20 };

static const struct td_cli_option common[] = {
    {"data", "DIR", "folder of the embedded store (at first $TOUCHDOWN_DATA, else /var/lib/touchdown)", false},
    {"store", "URL", "shared store: postgresql://... (not offered yet)", false},
    {"tenant", "T", "tenant by domain or id; may be left out while there is one", false},
    {"json", NULL, "answer as JSON, for machines", false},
    {"help", NULL, "show usage", false},
};

const struct td_cli_option *td_cli_common_options(size_t *ret_count)
{
    *ret_count = TD_COUNTOF(common);
    return common;
}

const char *td_cli_option_at(const struct td_cli *cli, const char *name, int i)
{
    for (int k = 0; k < cli->given_count; k++)
        if (strcmp(cli->given[k].name, name) == 0 && i-- == 0)
            return cli->given[k].value;
    return NULL;
}

const char *td_cli_option(const struct td_cli *cli, const char *name)
{
    return td_cli_option_at(cli, name, 0);
}

void td_cli_say(struct td_cli *cli, const char *fmt, ...)
{
    char line[8192];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    td_buf_adds(&cli->out, line);
    td_buf_addc(&cli->out, '\n');
}

void td_cli_flush(struct td_cli *cli)
{
    (void)fwrite(cli->out.p != NULL ? cli->out.p : "", 1, cli->out.n, stdout);
    (void)fflush(stdout);
    td_buf_reset(&cli->out);
}

enum td_code td_cli_secret(struct td_cli *cli, const char *option, struct td_buf *ret, struct td_error *err)
{
    const char *path = td_cli_option(cli, option);
    if (path == NULL)
        return td_fail(err, TD_EINVAL, option, "is needed");
    td_buf_init(ret, 4096);
    td_try(td_file_read(path, ret, err));
    while (ret->n != 0 && (ret->p[ret->n - 1] == '\n' || ret->p[ret->n - 1] == '\r'))
        ret->p[--ret->n] = '\0';
    return TD_OK;
}

static const struct td_cli_option *find_option(const struct td_command *c, struct td_slice name)
{
    for (size_t i = 0; i < TD_COUNTOF(common); i++)
        if (td_eqs(name, common[i].name))
            return &common[i];
    for (size_t i = 0; i < TD_CLI_MAX_OPTIONS && c->options[i].name != NULL; i++)
        if (td_eqs(name, c->options[i].name))
            return &c->options[i];
    return NULL;
}

static enum td_code take_option(struct td_cli *cli, char **argv, int argc, int *at, struct td_error *err)
{
    struct td_slice name, value = td_cut(td_str(argv[*at] + 2), '=', &name);
    bool inlined = strchr(argv[*at], '=') != NULL;
    const struct td_cli_option *o = find_option(cli->command, name);
    if (o == NULL)
        return td_fail(err, TD_EINVAL, argv[*at], "is no option of this command");
    if (!o->many && td_cli_option(cli, o->name) != NULL)
        return td_fail(err, TD_EINVAL, argv[*at], "is given twice");
    if (cli->given_count == (int)TD_COUNTOF(cli->given))
        return td_fail(err, TD_ELIMIT, argv[*at], "too many options");
    const char *text = inlined ? value.p : "";
    if (o->value == NULL && inlined)
        return td_fail(err, TD_EINVAL, o->name, "takes no value");
    if (o->value != NULL && !inlined) {
        if (++*at >= argc)
            return td_fail(err, TD_EINVAL, o->name, "needs a value: %s", o->value);
        text = argv[*at];
    }
    cli->given[cli->given_count].name = o->name;
    cli->given[cli->given_count++].value = text;
    return TD_OK;
}

/* Options may stand anywhere behind the command; "--" ends them; "-" alone is an argument (standard input). */
static enum td_code parse(struct td_cli *cli, int argc, char **argv, struct td_error *err)
{
    const char **args = td_arena_array(&cli->arena, const char *, (size_t)argc + 1);
    bool ended = false;
    for (int i = 0; i < argc; i++) {
        if (!ended && strcmp(argv[i], "--") == 0)
            ended = true;
        else if (!ended && strncmp(argv[i], "--", 2) == 0)
            td_try(take_option(cli, argv, argc, &i, err));
        else
            args[cli->arg_count++] = argv[i];
    }
    cli->args = args;
    cli->json = td_cli_option(cli, "json") != NULL;
    return TD_OK;
}

static enum td_code check_count(const struct td_cli *cli, struct td_error *err)
{
    const struct td_command *c = cli->command;
    if (cli->arg_count < c->min_args)
        return td_fail(err, TD_EINVAL, "arguments", "%s is missing", c->args);
    if (c->max_args >= 0 && cli->arg_count > c->max_args)
        return td_fail(err, TD_EINVAL, cli->args[c->max_args], "is one argument too many");
    return TD_OK;
}

static enum td_code resolve_tenant(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_cli *cli = ctx;
    const char *key = td_cli_option(cli, "tenant");
    if (key == NULL)
        return td_tenant_only(tx, &cli->arena, &cli->tenant, err);
    return td_tenant_find(tx, td_str(key), &cli->arena, &cli->tenant, err);
}

static enum td_code open_store(struct td_cli *cli, struct td_error *err)
{
    if ((cli->command->flags & TD_CLI_STORE) == 0)
        return TD_OK;
    td_try(td_store_open(cli->where, cli->env, &cli->store, err));
    return (cli->command->flags & TD_CLI_TENANT) != 0 ? td_store_read(cli->store, resolve_tenant, cli, err) : TD_OK;
}

static void print_error(const struct td_cli *cli, const struct td_error *err)
{
    if (!cli->json) {
        (void)fprintf(stderr, "touchdown: %s%s%s%s%s\n", err->where, err->where[0] != '\0' ? ": " : "", err->text,
                      err->remedy[0] != '\0' ? "; " : "", err->remedy);
        return;
    }
    struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, 4096);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_key(&w, "error");
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "code", td_code_word(err->code));
    td_jsonw_kstr(&w, "field", err->where);
    td_jsonw_kstr(&w, "reason", err->text);
    td_jsonw_kstr(&w, "remedy", err->remedy);
    td_jsonw_end(&w);
    td_jsonw_end(&w);
    (void)fprintf(stderr, "%s\n", b.p);
    td_buf_done(&b);
}

static int run(struct td_cli *cli)
{
    struct td_error err = {0};
    enum td_code rc = open_store(cli, &err);
    if (rc == TD_OK)
        rc = cli->command->run(cli, &err);
    td_cli_flush(cli); /* what a refused command told before it was refused (rows of an import) is told too */
    td_store_close(cli->store);
    if (rc != TD_OK)
        print_error(cli, &err);
    return rc == TD_OK ? EXIT_DONE : rc == TD_ENOTOFFERED ? EXIT_USAGE : EXIT_REFUSED;
}

static const struct td_command *find_command(const struct td_command_table *const *tables, size_t count, int argc,
                                             char **argv, int *ret_words)
{
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct td_command *c = &tables[t]->rows[i];
            if (argc < 1 || strcmp(c->noun, argv[0]) != 0)
                continue;
            if (c->verb == NULL || (argc > 1 && strcmp(c->verb, argv[1]) == 0)) {
                *ret_words = c->verb == NULL ? 1 : 2;
                return c;
            }
        }
    }
    return NULL;
}

static int usage_error(const struct td_cli *cli, const struct td_error *err)
{
    print_error(cli, err);
    td_help_command(stderr, cli->command);
    return EXIT_USAGE;
}

static int run_command(struct td_cli *cli, int argc, char **argv)
{
    struct td_error err = {0};
    if (parse(cli, argc, argv, &err) != TD_OK)
        return usage_error(cli, &err);
    if (td_cli_option(cli, "help") != NULL) {
        td_help_command(stdout, cli->command);
        return EXIT_DONE;
    }
    if ((cli->command->flags & TD_CLI_NOT_OFFERED) != 0) {
        (void)td_fail(&err, TD_ENOTOFFERED, cli->command->noun, "is not offered yet");
        print_error(cli, &err);
        return EXIT_USAGE;
    }
    if (check_count(cli, &err) != TD_OK)
        return usage_error(cli, &err);
    const char *from_env = getenv("TOUCHDOWN_DATA");
    cli->where = td_cli_option(cli, "store");
    if (cli->where == NULL)
        cli->where = td_cli_option(cli, "data");
    if (cli->where == NULL)
        cli->where = from_env != NULL && from_env[0] != '\0' ? from_env : "/var/lib/touchdown";
    return run(cli);
}

int td_cli_main(int argc, char **argv, const struct td_command_table *const *tables, size_t table_count,
                const struct td_env *env)
{
    int words = 0;
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        td_help_all(stdout, argc > 2 ? argv[2] : "", tables, table_count);
        return EXIT_DONE;
    }
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        (void)printf("touchdown %s\n", TD_VERSION);
        return EXIT_DONE;
    }
    const struct td_command *c = find_command(tables, table_count, argc - 1, argv + 1, &words);
    if (c == NULL) {
        (void)fprintf(stderr, "touchdown: %s\n", argc < 2 ? "a command is needed" : "there is no such command");
        td_help_all(stderr, argc >= 2 ? argv[1] : "", tables, table_count);
        return EXIT_USAGE;
    }
    struct td_cli cli = {.command = c, .env = env};
    td_arena_init(&cli.arena);
    td_buf_init(&cli.out, MAX_OUTPUT);
    int code = run_command(&cli, argc - 1 - words, argv + 1 + words);
    td_buf_wipe(&cli.out);
    td_arena_done(&cli.arena);
    return code;
}
