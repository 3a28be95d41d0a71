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

/* What devices, users and lists brought in is shown and never obeyed: no octet that a terminal takes for a command, and
 * no line that looks like one of ours. */
static void make_harmless(char *text, bool lines)
{
    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
        bool c1 = *c == 0xC2 && c[1] >= 0x80 && c[1] <= 0x9F; /* U+0080 to U+009F in UTF-8 */
        bool fine = *c == '\t' || (*c == '\n' && lines);
        if ((*c < ' ' && !fine) || *c == 0x7F || c1)
            *c = '?';
        if (c1)
            *++c = '?';
    }
}

void td_cli_say(struct td_cli *cli, const char *fmt, ...)
{
    char line[8192];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    make_harmless(line, strchr(fmt, '\n') != NULL);
    td_buf_adds(&cli->out, line);
    td_buf_addc(&cli->out, '\n');
}

void td_cli_flush(struct td_cli *cli)
{
    size_t n = fwrite(cli->out.p != NULL ? cli->out.p : "", 1, cli->out.n, stdout);
    cli->lost = fflush(stdout) != 0 || n != cli->out.n || cli->lost;
    td_buf_reset(&cli->out);
}

enum td_code td_cli_secret(struct td_cli *cli, const char *option, struct td_buf *ret, struct td_error *err)
{
    const char *path = td_cli_option(cli, option);
    cli->misused = path == NULL;
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

/* Known before the options are parsed, so that a usage error is told in JSON too. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
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

/* One word of a command's needs: "a", or "a|b" of which exactly one is to be given. */
static enum td_code check_need(const struct td_cli *cli, struct td_slice need, struct td_error *err)
{
    struct td_slice name, rest = need;
    TD_CLEANUP(td_buf_done) struct td_buf all = {0};
    int given = 0;
    td_buf_init(&all, 128);
    while (rest.n != 0) {
        rest = td_cut(rest, '|', &name);
        td_buf_printf(&all, "%s--%.*s", all.n != 0 ? " or " : "", TD_FMT(name));
        bool one = false; /* however often */
        for (int i = 0; i < cli->given_count; i++)
            one = one || td_eqs(name, cli->given[i].name);
        given += one;
    }
    if (given == 1)
        return TD_OK;
    return td_fail(err, TD_EINVAL, "options", given == 0 ? "%s is needed" : "%s: give one of them", all.p);
}

static enum td_code check_needs(const struct td_cli *cli, struct td_error *err)
{
    struct td_slice need, rest = td_str(cli->command->needs != NULL ? cli->command->needs : "");
    while (rest.n != 0) {
        rest = td_cut(rest, ' ', &need);
        td_try(check_need(cli, need, err));
    }
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
    if ((cli->command->flags & TD_CLI_CREATE) == 0 && !td_store_exists(cli->where))
        return td_remedy(err, td_fail(err, TD_ENOTFOUND, "data", "there is no store in %s", cli->where),
                         "name the folder with --data DIR, or make a store with touchdown init");
    td_try(td_store_open(cli->where, cli->env, &cli->store, err));
    return (cli->command->flags & TD_CLI_TENANT) != 0 ? td_store_read(cli->store, resolve_tenant, cli, err) : TD_OK;
}

static void print_error(const struct td_cli *cli, const struct td_error *err)
{
    if (!cli->json) {
        char line[4096];
        (void)snprintf(line, sizeof(line), "touchdown: %s%s%s%s%s", err->where, err->where[0] != '\0' ? ": " : "",
                       err->text, err->remedy[0] != '\0' ? "; " : "", err->remedy);
        make_harmless(line, false);
        (void)fprintf(stderr, "%s\n", line);
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
    if (rc == TD_OK && cli->lost)
        rc = td_fail(&err, TD_EIO, "standard output", "can't be written; the command itself was done");
    if (rc != TD_OK)
        print_error(cli, &err);
    return rc == TD_OK ? EXIT_DONE : rc == TD_ENOTOFFERED || cli->misused ? EXIT_USAGE : EXIT_REFUSED;
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
    if (!cli->json)
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
    if (check_count(cli, &err) != TD_OK || check_needs(cli, &err) != TD_OK)
        return usage_error(cli, &err);
    const char *from_env = getenv("TOUCHDOWN_DATA");
    cli->where = td_cli_option(cli, "store");
    if (cli->where == NULL)
        cli->where = td_cli_option(cli, "data");
    if (cli->where == NULL)
        cli->where = from_env != NULL && from_env[0] != '\0' ? from_env : "/var/lib/touchdown";
    return run(cli);
}

static bool is_noun(const struct td_command_table *const *tables, size_t count, const char *word)
{
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < tables[t]->count; i++)
            if (strcmp(tables[t]->rows[i].noun, word) == 0)
                return true;
    return false;
}

/* argv[0] is the first word behind "help": none, a noun, a noun and its verb, or the name of a document. */
static int help(int argc, char **argv, const struct td_command_table *const *tables, size_t count)
{
    int words = 0;
    const char *topic = argc > 0 ? argv[0] : "";
    const struct td_command *c = find_command(tables, count, argc, argv, &words);
    bool document = strcmp(topic, "--man") == 0 || strcmp(topic, "--markdown") == 0;
    if (c != NULL)
        td_help_command(stdout, c);
    else if (topic[0] == '\0' || document || (argc == 1 && is_noun(tables, count, topic)))
        td_help_all(stdout, topic, tables, count);
    else {
        (void)fprintf(stderr, "touchdown: there is no such command: %s %s\n", topic, argc > 1 ? argv[1] : "");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static int no_command(int argc, char **argv, const struct td_command_table *const *tables, size_t count)
{
    struct td_error err = {0};
    struct td_cli cli = {.json = wants_json(argc, argv)};
    bool noun = argc >= 1 && is_noun(tables, count, argv[0]);
    if (noun && argc == 2 && strcmp(argv[1], "--help") == 0)
        return help(1, argv, tables, count);
    (void)td_fail(&err, TD_EINVAL, "command", "%s",
                  argc < 1   ? "is needed"
                  : !noun    ? "there is no such command"
                  : argc < 2 ? "its second word is missing"
                             : "this noun has no such second word");
    print_error(&cli, &err);
    if (!cli.json)
        td_help_all(stderr, noun ? argv[0] : "", tables, count);
    return EXIT_USAGE;
}

/* How many of the arguments are options that every command takes, standing before the command as with git. */
static int leading_options(int argc, char **argv)
{
    int n = 0;
    while (n < argc && strncmp(argv[n], "--", 2) == 0) {
        struct td_slice name;
        const struct td_cli_option *o = NULL;
        (void)td_cut(td_str(argv[n] + 2), '=', &name);
        for (size_t i = 0; i < TD_COUNTOF(common); i++)
            if (td_eqs(name, common[i].name) && strcmp(common[i].name, "help") != 0)
                o = &common[i];
        if (o == NULL)
            return n;
        n += o->value != NULL && strchr(argv[n], '=') == NULL ? 2 : 1;
    }
    return TD_MIN(n, argc);
}

/* Puts the words of the command before the options that stood before them. */
static void words_first(char **argv, int leading, int words)
{
    char *word[2] = {argv[leading], words > 1 ? argv[leading + 1] : NULL};
    memmove(argv + words, argv, (size_t)leading * sizeof(*argv));
    memcpy(argv, word, (size_t)words * sizeof(*argv));
}

int td_cli_main(int argc, char **argv, const struct td_command_table *const *tables, size_t table_count,
                const struct td_env *env)
{
    int words = 0, leading = argc > 1 ? leading_options(argc - 1, argv + 1) : 0;
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0))
        return help(argc - 2, argv + 2, tables, table_count);
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        (void)printf("touchdown %s\n", TD_VERSION);
        return EXIT_DONE;
    }
    const struct td_command *c = find_command(tables, table_count, argc - 1 - leading, argv + 1 + leading, &words);
    if (c == NULL)
        return no_command(argc - 1 - leading, argv + 1 + leading, tables, table_count);
    words_first(argv + 1, leading, words);
    struct td_cli cli = {.command = c, .env = env, .json = wants_json(argc, argv)};
    td_arena_init(&cli.arena);
    td_buf_init(&cli.out, MAX_OUTPUT);
    int code = run_command(&cli, argc - 1 - words, argv + 1 + words);
    td_buf_wipe(&cli.out);
    td_arena_done(&cli.arena);
    return code;
}
