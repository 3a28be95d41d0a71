/* What touchdown-device says of itself: usage, one command, the man page, docs/cli.md. All of it from the two tables.
 */
#include "app/device/program.h"

#include <stdio.h>

enum style { TEXT, MAN, MARKDOWN };

static void command_usage(FILE *to, enum style style, const struct td_program_command *c)
{
    static const char *const before[] = {"usage: touchdown-device ", ".SS touchdown\\-device ",
                                         "\n## touchdown-device "};
    static const char *const between[] = {"\n", "\n", "\n\n"};
    (void)fprintf(to, "%s%s%s%s%s", before[style], c->name, between[style], c->about, between[style]);
    for (size_t k = 0; k < td_program_option_count; k++) {
        const struct td_program_option *o = &td_program_options[k];
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
    for (size_t i = 0; i < td_program_command_count; i++)
        command_usage(stdout, style, &td_program_commands[i]);
    if (style == MAN)
        (void)printf(".SH EXIT STATUS\n%s\n", exit_codes);
    return TD_EXIT_READY;
}

int td_program_usage(FILE *to)
{
    (void)fprintf(to, "usage: touchdown-device COMMAND [OPTIONS]   (touchdown-device COMMAND --help tells more)\n\n");
    for (size_t i = 0; i < td_program_command_count; i++)
        (void)fprintf(to, "  %-12s %s\n", td_program_commands[i].name, td_program_commands[i].about);
    (void)fprintf(to, "\nExit codes: %s\n", exit_codes);
    return to == stdout ? TD_EXIT_READY : TD_EXIT_USAGE;
}

int td_program_help(const char *topic)
{
    if (topic == NULL)
        return td_program_usage(stdout);
    if (strcmp(topic, "--man") == 0)
        return document(MAN);
    if (strcmp(topic, "--markdown") == 0)
        return document(MARKDOWN);
    if (td_program_find(topic) == NULL)
        return td_program_complain("no such command", topic);
    command_usage(stdout, TEXT, td_program_find(topic));
    return TD_EXIT_READY;
}
