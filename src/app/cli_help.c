#include "app/cli_help.h"

static void usage_line(FILE *out, const struct td_command *c)
{
    (void)fprintf(out, "touchdown %s%s%s%s%s", c->noun, c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "",
                  c->args[0] != '\0' ? " " : "", c->args);
    for (size_t i = 0; i < TD_CLI_MAX_OPTIONS && c->options[i].name != NULL; i++)
        (void)fprintf(out, " [--%s%s%s]%s", c->options[i].name, c->options[i].value != NULL ? " " : "",
                      c->options[i].value != NULL ? c->options[i].value : "", c->options[i].many ? "..." : "");
}

enum style { TEXT, MAN, MARKDOWN };

static void option_lines(FILE *out, enum style style, const struct td_cli_option *options, size_t max)
{
    for (size_t i = 0; i < max && options[i].name != NULL; i++) {
        char left[80];
        (void)snprintf(left, sizeof(left), "--%s%s%s", options[i].name, options[i].value != NULL ? " " : "",
                       options[i].value != NULL ? options[i].value : "");
        if (style == TEXT)
            (void)fprintf(out, "  %-28s %s\n", left, options[i].about);
        else if (style == MAN)
            (void)fprintf(out, ".TP\n%s\n%s\n", left, options[i].about);
        else
            (void)fprintf(out, "- `%s`: %s\n", left, options[i].about);
    }
}

void td_help_command(FILE *out, const struct td_command *c)
{
    size_t n = 0;
    const struct td_cli_option *common = td_cli_common_options(&n);
    (void)fprintf(out, "usage: ");
    usage_line(out, c);
    (void)fprintf(out, "\n%s%s\n", c->about, (c->flags & TD_CLI_NOT_OFFERED) != 0 ? " (not offered yet)" : "");
    option_lines(out, TEXT, c->options, TD_CLI_MAX_OPTIONS);
    option_lines(out, TEXT, common, n);
}

typedef void each_fn(FILE *out, const struct td_command *c);

static void for_each(FILE *out, const char *noun, const struct td_command_table *const *tables, size_t count,
                     each_fn *fn)
{
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < tables[t]->count; i++)
            if (noun[0] == '\0' || strcmp(noun, tables[t]->rows[i].noun) == 0)
                fn(out, &tables[t]->rows[i]);
}

static void overview_line(FILE *out, const struct td_command *c)
{
    char name[80];
    (void)snprintf(name, sizeof(name), "%s %s", c->noun, c->verb != NULL ? c->verb : "");
    (void)fprintf(out, "  %-20s %s%s\n", name, c->about,
                  (c->flags & TD_CLI_NOT_OFFERED) != 0 ? " (not offered yet)" : "");
}

static void man_entry(FILE *out, const struct td_command *c)
{
    (void)fprintf(out, ".TP\n.B ");
    usage_line(out, c);
    (void)fprintf(out, "\n%s%s\n.RS\n", c->about, (c->flags & TD_CLI_NOT_OFFERED) != 0 ? " Not offered yet." : "");
    option_lines(out, MAN, c->options, TD_CLI_MAX_OPTIONS);
    (void)fprintf(out, ".RE\n");
}

static void markdown_entry(FILE *out, const struct td_command *c)
{
    (void)fprintf(out, "\n## touchdown %s%s%s\n\n    ", c->noun, c->verb != NULL ? " " : "",
                  c->verb != NULL ? c->verb : "");
    usage_line(out, c);
    (void)fprintf(out, "\n\n%s%s\n\n", c->about,
                  (c->flags & TD_CLI_NOT_OFFERED) != 0 ? " Not offered yet: exit 2." : "");
    option_lines(out, MARKDOWN, c->options, TD_CLI_MAX_OPTIONS);
    if (c->fields != NULL)
        (void)fprintf(out, "\n`--json`: %s\n", c->fields);
}

void td_help_all(FILE *out, const char *topic, const struct td_command_table *const *tables, size_t count)
{
    size_t n = 0;
    const struct td_cli_option *common = td_cli_common_options(&n);
    if (strcmp(topic, "--man") == 0) {
        (void)fprintf(out, ".TH TOUCHDOWN 1\n.SH NAME\ntouchdown \\- service and command line of a self-hosted device "
                           "deployment\n.SH COMMANDS\n");
        for_each(out, "", tables, count, man_entry);
        (void)fprintf(out, ".SH COMMON OPTIONS\n");
        option_lines(out, MAN, common, n);
        (void)fprintf(out, ".SH EXIT STATUS\n0 done, 1 refused, 2 usage or not offered.\n");
        return;
    }
    if (strcmp(topic, "--markdown") == 0) {
        (void)fprintf(
            out,
            "# Command line\n\nMade by `touchdown help --markdown` from the command tables.\n"
            "Exit codes: 0 done, 1 refused, 2 usage or not offered. Errors go to standard error; with `--json` as\n"
            "`{\"error\":{\"code\",\"field\",\"reason\",\"remedy\"}}`.\n\nEvery command takes:\n\n");
        option_lines(out, MARKDOWN, common, n);
        for_each(out, "", tables, count, markdown_entry);
        return;
    }
    (void)fprintf(out, "usage: touchdown NOUN [VERB] ... (touchdown NOUN VERB --help tells more)\n");
    for_each(out, topic, tables, count, overview_line);
}
