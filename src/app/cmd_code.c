/* What codes mean: the list of known failures (way/failure.h), one of them, or as tables for the documents. */
#include "app/commands.h"
#include "way/failure.h"

static void write_failure(struct td_jsonw *w, const struct td_failure *f)
{
    char code[TD_FAILURE_CODE_TEXT];
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "code", td_failure_text(f->code, code));
    td_jsonw_kint(w, "signed", (int32_t)f->code);
    td_jsonw_kstr(w, "area", f->area);
    td_jsonw_kstr(w, "name", f->name);
    td_jsonw_kstr(w, "cause", f->cause);
    td_jsonw_kstr(w, "remedy", f->remedy);
    td_jsonw_end(w);
}

static void say_failure(struct td_cli *cli, const struct td_failure *f)
{
    char code[TD_FAILURE_CODE_TEXT];
    td_cli_say(cli, "%s  %s%s%s\n    cause   %s\n    remedy  %s", td_failure_text(f->code, code), f->area,
               f->name[0] != '\0' ? ", " : "", f->name, f->cause, f->remedy);
}

/* By code or by the name that stands on the wire; with neither, all. */
struct wanted {
    const char *text, *area;
    bool is_code;
    uint32_t code;
};

static bool is_wanted(const struct wanted *w, const struct td_failure *f)
{
    if (w->area != NULL && strcmp(w->area, f->area) != 0)
        return false;
    if (w->text == NULL)
        return true;
    return (w->is_code && f->code == w->code) || (f->name[0] != '\0' && td_ieqs(td_str(w->text), f->name));
}

static enum td_code unknown(const struct wanted *w, struct td_error *err)
{
    const char *family = w->is_code ? td_failure_family(w->code) : "";
    char code[TD_FAILURE_CODE_TEXT];
    if (w->text == NULL)
        return td_remedy(err, td_fail(err, TD_ENOTFOUND, "area", "there is no area \"%.60s\"", w->area),
                         "'touchdown code' shows them all.");
    if (!w->is_code)
        return td_remedy(err, td_fail(err, TD_EINVAL, "code", "\"%.60s\" is neither a code nor a name", w->text),
                         "Give a code as 0x801c03ea or -2145647638, or a name as UntrustedManufacturer.");
    return td_remedy(err,
                     td_fail(err, TD_ENOTFOUND, td_failure_text(w->code, code), "not among the known failures%s%s",
                             family[0] != '\0' ? "; codes like it come from " : "", family),
                     family[0] != '\0' ? "Look into the device's log of that part, and into its timeline here."
                                       : "Look into the device's logs (device action diagnostics).");
}

/* A row of a table in the documents; the text has no bars and no line ends. */
static void table_row(struct td_cli *cli, const struct td_failure *f)
{
    char code[TD_FAILURE_CODE_TEXT];
    td_cli_say(cli, "| `%s` | %s | %s%s%s | %s | %s |", td_failure_text(f->code, code), f->area,
               f->name[0] != '\0' ? "`" : "", f->name, f->name[0] != '\0' ? "`" : "", f->cause, f->remedy);
}

static size_t show(struct td_cli *cli, const struct wanted *want, struct td_jsonw *w)
{
    struct td_failure f;
    size_t shown = 0;
    bool table = td_cli_option(cli, "markdown") != NULL;
    for (size_t i = 0; td_failure_at(i, &f); i++) {
        if (!is_wanted(want, &f))
            continue;
        shown++;
        if (cli->json)
            write_failure(w, &f);
        else if (table)
            table_row(cli, &f);
        else
            say_failure(cli, &f);
    }
    return shown;
}

static enum td_code run_code(struct td_cli *cli, struct td_error *err)
{
    struct wanted want = {.text = cli->arg_count != 0 ? cli->args[0] : NULL, .area = td_cli_option(cli, "area")};
    struct td_jsonw w;
    td_jsonw_init(&w, &cli->out);
    if (want.text != NULL)
        want.is_code = td_failure_code(td_str(want.text), &want.code);
    if (cli->json) {
        td_jsonw_obj(&w);
        td_jsonw_key(&w, "failures");
        td_jsonw_arr(&w);
    } else if (td_cli_option(cli, "markdown") != NULL) {
        td_cli_say(cli, "| code | area | name | cause | remedy |\n|---|---|---|---|---|");
    }
    if (show(cli, &want, &w) == 0) {
        td_buf_reset(&cli->out);
        return unknown(&want, err);
    }
    if (cli->json) {
        td_jsonw_arr_end(&w);
        td_jsonw_end(&w);
        td_buf_addc(&cli->out, '\n');
    }
    return TD_OK;
}

static const struct td_command rows[] = {
    {.noun = "code",
     .args = "[CODE|NAME]",
     .max_args = 1,
     .about =
         "Tells what a code on a page, in a log or in a report means: causes and remedies; without one, all that are "
         "known.",
     .fields = "failures: list of code, signed: the same as logs write it, area, name: as on the wire or empty, cause, "
               "remedy",
     .run = run_code,
     .options = {{"area", "WORD", "only those of lookup, join, enrolment, attestation, status page, reset, network ...",
                  false},
                 {"markdown", NULL, "as a table, for documents", false}}},
};

const struct td_command_table td_code_commands = {rows, TD_COUNTOF(rows)};
