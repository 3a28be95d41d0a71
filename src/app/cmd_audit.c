/* touchdown audit: who changed what, newest first. */
#include "app/commands.h"
#include "codec/odata.h"
#include "store/views.h"

enum { PAGE = 500, DEFAULT_LIMIT = 100, MAX_LIMIT = 1000000 };

struct ctx {
    struct td_cli *cli;
    const char *filter; /* NULL: none */
    int64_t left;
    bool first;
    struct td_jsonw w;
};

/* A time, or how long ago: 90m, 24h, 7d. */
static enum td_code since_of(struct td_cli *cli, const char *given, const char **ret, struct td_error *err)
{
    static const struct {
        char letter;
        int64_t us;
    } units[] = {{'m', TD_MINUTE}, {'h', TD_HOUR}, {'d', TD_DAY}};
    size_t n = strlen(given);
    uint64_t number = 0;
    int64_t at = 0;
    for (size_t i = 0; i < TD_COUNTOF(units); i++)
        if (n > 1 && n < 8 && given[n - 1] == units[i].letter && td_parse_u64(td_bytes(given, n - 1), &number)) {
            *ret = td_time_arena(&cli->arena, td_now(cli->env) - (int64_t)number * units[i].us);
            return TD_OK;
        }
    if (!td_time_parse(td_str(given), &at))
        return td_remedy(err, td_fail(err, TD_EINVAL, "since", "\"%.40s\" is no time", given),
                         "give a time such as 2026-01-02T03:04:05Z, or how long ago: 90m, 24h, 7d");
    *ret = td_time_arena(&cli->arena, at);
    return TD_OK;
}

static const char *also(struct td_cli *cli, const char *filter, const char *condition)
{
    return filter == NULL ? condition : td_arena_printf(&cli->arena, "%s and %s", filter, condition);
}

/* A text as a literal of a filter: quotes doubled. */
static const char *quoted(struct td_cli *cli, const char *text)
{
    const char *out = "'";
    for (const char *p = text; *p != '\0'; p++)
        out = td_arena_printf(&cli->arena, "%s%s%c", out, *p == '\'' ? "'" : "", *p);
    return td_arena_printf(&cli->arena, "%s'", out);
}

static enum td_code make_filter(struct ctx *c, struct td_error *err)
{
    static const struct {
        const char *option, *column;
    } texts[] = {{"actor", "actorText"}, {"kind", "kind"}, {"id", "target"}};
    struct td_cli *cli = c->cli;
    const char *given = td_cli_option(cli, "since"), *at = NULL;
    if (given != NULL) {
        td_try(since_of(cli, given, &at, err));
        c->filter = td_arena_printf(&cli->arena, "activityDateTime ge %s", at);
    }
    for (size_t i = 0; i < TD_COUNTOF(texts); i++) {
        given = td_cli_option(cli, texts[i].option);
        if (given != NULL && strlen(given) > 300)
            return td_fail(err, TD_ELIMIT, texts[i].option, "is longer than 300 octets");
        if (given != NULL)
            c->filter =
                also(cli, c->filter, td_arena_printf(&cli->arena, "%s eq %s", texts[i].column, quoted(cli, given)));
    }
    if (td_cli_option(cli, "failed") != NULL)
        c->filter = also(cli, c->filter, "result eq 'failure'");
    return TD_OK;
}

static const struct td_json *changes_of(struct ctx *c, const struct td_view_row *row)
{
    struct td_json *detail = NULL;
    if (td_json_parse(td_str(td_view_text(row, "detail")), 1 << 20, &c->cli->arena, &detail, NULL) != TD_OK)
        return NULL;
    const struct td_json *list = td_json_get(detail, "changes");
    return list != NULL ? list->child : NULL;
}

static void write_row(struct ctx *c, const struct td_view_row *row)
{
    static const char *const names[][2] = {{"id", "id"},
                                           {"actor", "actorText"},
                                           {"kind", "kind"},
                                           {"target", "target"},
                                           {"name", "targetName"},
                                           {"category", "category"},
                                           {"operation", "operationType"},
                                           {"activity", "activityDisplayName"},
                                           {"result", "result"},
                                           {"reason", "resultReason"},
                                           {"application", "initiatedBy/app/appId"},
                                           {"address", "initiatedBy/user/ipAddress"},
                                           {"correlation", "correlationId"}};
    struct td_jsonw *w = &c->w;
    td_jsonw_obj(w);
    td_jsonw_ktime(w, "at", td_view_int(row, "activityDateTime"));
    for (size_t i = 0; i < TD_COUNTOF(names); i++)
        td_jsonw_kstr(w, names[i][0], td_view_text(row, names[i][1]));
    td_jsonw_key(w, "changes");
    td_jsonw_arr(w);
    for (const struct td_json *m = changes_of(c, row); m != NULL; m = m->next) {
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "name", td_json_str(m, "name"));
        td_jsonw_kstr(w, "before", td_json_str(m, "before"));
        td_jsonw_kstr(w, "after", td_json_str(m, "after"));
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
    td_jsonw_end(w);
}

static void say_row(struct ctx *c, const struct td_view_row *row)
{
    char at[TD_TIME_TEXT];
    bool failed = td_view_int(row, "failed") != 0;
    td_cli_say(c->cli, "%s  %s  %s: %s%s%s", td_time_text(td_view_int(row, "activityDateTime"), at),
               td_view_text(row, "actorText"), td_view_text(row, "activityDisplayName"),
               td_view_text(row, "targetName"), failed ? "  REFUSED: " : "",
               failed ? td_view_text(row, "resultReason") : "");
    for (const struct td_json *m = changes_of(c, row); m != NULL; m = m->next) {
        const char *before = td_json_str(m, "before"), *after = td_json_str(m, "after");
        td_cli_say(c->cli, "    %s: %.200s -> %.200s", td_json_str(m, "name"), before != NULL ? before : "(none)",
                   after != NULL ? after : "(none)");
    }
}

/* One page a transaction: a long list holds no snapshot. */
struct page_run {
    struct ctx *c;
    const char *after;
    struct td_view_page page;
};

static enum td_code read_page(struct td_tx *tx, void *p, struct td_error *err)
{
    struct page_run *run = p;
    struct ctx *c = run->c;
    struct td_view_ask ask = {.after = run->after, .top = (size_t)TD_MIN(c->left, (int64_t)PAGE)};
    if (c->filter != NULL)
        td_try(td_od_filter_parse(td_str(c->filter), &c->cli->arena, &ask.filter, err));
    return td_view_page(tx, c->cli->tenant.id, &td_view_directory_audits, &ask, &c->cli->arena, &run->page, err);
}

static enum td_code write_pages(struct ctx *c, struct td_error *err)
{
    struct page_run run = {.c = c};
    do {
        td_try(td_store_read(c->cli->store, read_page, &run, err));
        for (size_t i = 0; i < run.page.count; i++)
            c->cli->json ? write_row(c, &run.page.rows[i]) : say_row(c, &run.page.rows[i]);
        c->left -= (int64_t)run.page.count;
        run.after = run.page.next;
        if (!c->cli->json)
            td_cli_flush(c->cli);
    } while (run.after != NULL && c->left > 0);
    return TD_OK;
}

static enum td_code run_list(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli, .left = DEFAULT_LIMIT};
    const char *limit = td_cli_option(cli, "limit");
    if (limit != NULL && (!td_parse_i64(td_str(limit), &c.left) || c.left < 1 || c.left > MAX_LIMIT))
        return td_fail(err, TD_EINVAL, "limit", "is a number from 1 to %d", MAX_LIMIT);
    td_try(make_filter(&c, err));
    if (!cli->json)
        return write_pages(&c, err);
    td_jsonw_init(&c.w, &cli->out);
    td_jsonw_arr(&c.w);
    td_try(write_pages(&c, err));
    td_jsonw_arr_end(&c.w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

static const struct td_command rows[] = {
    {.noun = "audit",
     .verb = "list",
     .args = "",
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Lists who changed what in the tenant, newest first, with the values before and after.",
     .fields = "array of objects: at; id; actor; kind; target: id of what was changed; name; category; operation;"
               " activity; result: success or failure; reason; application: id; address; correlation: id of the"
               " request; changes: array of name, before, after",
     .run = run_list,
     .options = {{"since", "TIME", "from this time on, or as long ago: 90m, 24h, 7d", false},
                 {"actor", "WHO", "user name, application id, or \"command line\"", false},
                 {"kind", "KIND", "profile, group, registration, user, application, ...", false},
                 {"id", "ID", "what was changed, by its id", false},
                 {"failed", NULL, "only what was refused", false},
                 {"limit", "N", "at most so many (100)", false}}},
};

const struct td_command_table td_audit_commands = {rows, TD_COUNTOF(rows)};
