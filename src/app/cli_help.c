#include "app/cli_help.h"

/* The option of a command, or one that all commands take. */
static const struct td_cli_option *option_of(const struct td_command *c, struct td_slice name)
{
    size_t n = 0;
    const struct td_cli_option *common = td_cli_common_options(&n);
    for (size_t i = 0; i < TD_CLI_MAX_OPTIONS && c->options[i].name != NULL; i++)
        if (td_eqs(name, c->options[i].name))
            return &c->options[i];
    for (size_t i = 0; i < n; i++)
        if (td_eqs(name, common[i].name))
            return &common[i];
    return NULL;
}

static void option_word(FILE *out, const struct td_cli_option *o)
{
    (void)fprintf(out, "--%s%s%s", o->name, o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
}

/* Prints the words of needs ("a", or "a|b" in braces), or tells whether name is among them (out NULL). */
static bool walk_needs(FILE *out, const struct td_command *c, const char *name)
{
    struct td_slice need, one, rest = td_str(c->needs);
    bool found = false;
    while (rest.n != 0) {
        rest = td_cut(rest, ' ', &need);
        bool choice = td_find(need, '|') != SIZE_MAX;
        for (bool first = true; need.n != 0; first = false) {
            need = td_cut(need, '|', &one);
            found = found || td_eqs(one, name);
            if (out == NULL)
                continue;
            (void)fputs(!first ? " | " : choice ? " {" : " ", out);
            option_word(out, option_of(c, one));
        }
        if (out != NULL && choice)
            (void)fputs("}", out);
    }
    return found;
}

static void usage_line(FILE *out, const struct td_command *c)
{
    (void)fprintf(out, "touchdown %s%s%s%s%s", c->noun, c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "",
                  c->args[0] != '\0' ? " " : "", c->args);
    (void)walk_needs(out, c, "");
    for (size_t i = 0; i < TD_CLI_MAX_OPTIONS && c->options[i].name != NULL; i++) {
        if (walk_needs(NULL, c, c->options[i].name))
            continue;
        (void)fputs(" [", out);
        option_word(out, &c->options[i]);
        (void)fputs(c->options[i].many ? "]..." : "]", out);
    }
}

enum style { TEXT, MAN, MARKDOWN };

/* Text as roff: a hyphen that is typed is a minus, and a full stop or quote that begins a line is no request. */
static void man_text(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        (void)fputs("\\&", out);
    for (; *text != '\0'; text++)
        (void)fprintf(out, *text == '-' || *text == '\\' ? "\\%c" : "%c", *text);
    (void)fputc('\n', out);
}

static void man_lines(FILE *out, const char *tag, const char *text)
{
    (void)fputs(".TP\n", out);
    man_text(out, tag);
    man_text(out, text);
}

static void option_lines(FILE *out, enum style style, const struct td_cli_option *options, size_t max)
{
    for (size_t i = 0; i < max && options[i].name != NULL; i++) {
        char left[80];
        (void)snprintf(left, sizeof(left), "--%s%s%s", options[i].name, options[i].value != NULL ? " " : "",
                       options[i].value != NULL ? options[i].value : "");
        if (style == TEXT)
            (void)fprintf(out, "  %-28s %s\n", left, options[i].about);
        else if (style == MAN)
            man_lines(out, left, options[i].about);
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
    (void)fputc('\n', out);
    man_text(out, c->about);
    (void)fputs((c->flags & TD_CLI_NOT_OFFERED) != 0 ? "Not offered yet.\n.RS\n" : ".RS\n", out);
    option_lines(out, MAN, c->options, TD_CLI_MAX_OPTIONS);
    (void)fprintf(out, ".RE\n");
}

static void markdown_entry(FILE *out, const struct td_command *c)
{
    (void)fprintf(out, "\n## touchdown %s%s%s\n\n    ", c->noun, c->verb != NULL ? " " : "",
                  c->verb != NULL ? c->verb : "");
    usage_line(out, c);
    (void)fprintf(out, "\n\n%s%s\n", c->about, (c->flags & TD_CLI_NOT_OFFERED) != 0 ? " Not offered yet: exit 2." : "");
    (void)fputs(c->options[0].name != NULL ? "\n" : "", out);
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
            "`{\"error\":{\"code\",\"field\",\"reason\",\"remedy\"}}`.\n\nEvery command takes, before or behind its "
            "words:\n\n");
        option_lines(out, MARKDOWN, common, n);
        for_each(out, "", tables, count, markdown_entry);
        return;
    }
    (void)fprintf(out, "usage: touchdown NOUN [VERB] ... (touchdown NOUN VERB --help tells more)\n");
    for_each(out, topic, tables, count, overview_line);
}
