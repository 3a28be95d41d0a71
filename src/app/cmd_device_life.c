/* One view of a device's life, for eyes, programs and spreadsheets; and its end in one go. */
#include "app/action_show.h"
#include "app/commands.h"
#include "codec/csv.h"
#include "store/life.h"
#include "store/life_end.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { FLUSH_AT = 1 << 16 };

struct telling {
    struct td_cli *cli;
    struct td_tx *tx;
    struct td_life life;
    struct td_jsonw json;
    bool csv;
    int file; /* -1: standard output */
    size_t count;
};

/* --- where it goes --- */

static enum td_code write_all(int file, struct td_slice s, struct td_error *err)
{
    while (s.n != 0) {
        ssize_t n = write(file, s.p, s.n);
        if (n <= 0)
            return td_fail(err, TD_EIO, "--out", "the file can't be written");
        s = td_sub(s, (size_t)n, s.n);
    }
    return TD_OK;
}

static enum td_code flush(struct telling *t, size_t at, struct td_error *err)
{
    if (t->cli->out.n < at)
        return TD_OK;
    if (t->file < 0) {
        td_cli_flush(t->cli);
        return TD_OK;
    }
    td_try(write_all(t->file, td_buf_slice(&t->cli->out), err));
    td_buf_reset(&t->cli->out);
    return TD_OK;
}

/* --- for people --- */

/* "3 d 4 h", "2 min 5 s", "0.4 s": two units at most. */
static const char *lasted(struct td_arena *a, int64_t us)
{
    static const struct {
        int64_t unit, next;
        const char *word, *next_word;
    } units[] = {{TD_DAY, TD_HOUR, "d", "h"}, {TD_HOUR, TD_MINUTE, "h", "min"}, {TD_MINUTE, TD_SECOND, "min", "s"}};
    for (size_t i = 0; i < TD_COUNTOF(units); i++)
        if (us >= units[i].unit)
            return td_arena_printf(a, "%lld %s %lld %s", (long long)(us / units[i].unit), units[i].word,
                                   (long long)(us % units[i].unit / units[i].next), units[i].next_word);
    return td_arena_printf(a, "%.1f s", (double)us / (double)TD_SECOND);
}

static void chapter_text(struct telling *t, const struct td_life_chapter *c)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    char at[TD_TIME_TEXT];
    const char *took = c->end_at > c->begin_at ? lasted(&a, c->end_at - c->begin_at) : "";
    const char *line = td_arena_printf(&a, "%s  %-16s %-11s", td_time_text(c->begin_at, at), c->kind, took);
    const struct {
        const char *before, *text;
    } parts[] = {{"", c->what},
                 {"", c->outcome},
                 {"by ", td_actor_text(t->cli, t->tx, c->who, &a)},
                 {"for ", strcmp(c->user, c->who) ? c->user : ""},
                 {"profile ", c->profile},
                 {"why: ", c->why}};
    for (size_t i = 0; i < TD_COUNTOF(parts); i++)
        if (parts[i].text[0] != '\0')
            line = td_arena_printf(&a, "%s  %s%s", line, parts[i].before, parts[i].text);
    td_cli_say(t->cli, "%s", line);
}

static void begin_text(struct telling *t)
{
    const struct td_life *l = &t->life;
    char at[TD_TIME_TEXT];
    td_cli_say(t->cli, "%s %s %s: %s%s%s", l->serial[0] != '\0' ? l->serial : l->ways[l->way_count - 1],
               l->manufacturer, l->model, l->word, l->user[0] != '\0' ? ", used by " : "", l->user);
    if (l->cut_at != 0)
        td_cli_say(t->cli, "what was before %s was removed by the retention of this tenant",
                   td_time_text(l->cut_at, at));
}

/* --- for programs --- */

static void begin_json(struct telling *t)
{
    struct td_jsonw *w = &t->json;
    td_jsonw_init(w, &t->cli->out);
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "serialNumber", t->life.serial);
    td_jsonw_kstr(w, "manufacturer", t->life.manufacturer);
    td_jsonw_kstr(w, "model", t->life.model);
    td_jsonw_kstr(w, "state", t->life.word);
    td_jsonw_kstr(w, "user", t->life.user);
    td_jsonw_kstr(w, "registrationId", t->life.registration_id);
    td_jsonw_key(w, "wayIds");
    td_jsonw_arr(w);
    for (size_t i = 0; i < t->life.way_count; i++)
        td_jsonw_str(w, t->life.ways[i]);
    td_jsonw_arr_end(w);
    td_jsonw_ktime(w, "removedBefore", t->life.cut_at);
    td_jsonw_key(w, "chapters");
    td_jsonw_arr(w);
}

static void chapter_json(struct telling *t, const struct td_life_chapter *c)
{
    struct td_jsonw *w = &t->json;
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "kind", c->kind);
    td_jsonw_ktime(w, "beganAt", c->begin_at);
    td_jsonw_ktime(w, "endedAt", c->end_at);
    td_jsonw_kint(w, "durationMs", c->end_at != 0 ? (c->end_at - c->begin_at) / 1000 : 0);
    td_jsonw_kstr(w, "action", c->what);
    td_jsonw_kstr(w, "outcome", c->outcome);
    td_jsonw_kstr(w, "who", c->who);
    td_jsonw_kstr(w, "why", c->why);
    td_jsonw_kstr(w, "user", c->user);
    td_jsonw_kstr(w, "profile", c->profile);
    td_jsonw_kstr(w, "wayId", c->way);
    td_jsonw_end(w);
}

static void end_json(struct telling *t)
{
    td_jsonw_arr_end(&t->json);
    td_jsonw_kint(&t->json, "count", (int64_t)t->count);
    td_jsonw_end(&t->json);
    td_buf_addc(&t->cli->out, '\n');
}

/* --- for spreadsheets --- */

static void row_csv(struct telling *t, const char *const *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i != 0)
            td_buf_addc(&t->cli->out, ',');
        td_csv_put(&t->cli->out, td_str(cells[i]));
    }
    td_buf_add(&t->cli->out, TD_S("\r\n"));
}

static void begin_csv(struct telling *t)
{
    static const char *const head[] = {"Serial number", "Chapter", "Began", "Ended", "Duration (s)", "Action",
                                       "Outcome",       "Who",     "Why",   "User",  "Profile",      "Way"};
    row_csv(t, head, TD_COUNTOF(head));
}

static void chapter_csv(struct telling *t, const struct td_life_chapter *c)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    char began[TD_TIME_TEXT], over[TD_TIME_TEXT] = "";
    const char *took = "";
    td_time_text(c->begin_at, began);
    if (c->end_at != 0) {
        td_time_text(c->end_at, over);
        took = td_arena_printf(&a, "%lld", (long long)((c->end_at - c->begin_at) / TD_SECOND));
    }
    const char *const cells[] = {t->life.serial, c->kind, began,  over,    took,       c->what,
                                 c->outcome,     c->who,  c->why, c->user, c->profile, c->way};
    row_csv(t, cells, TD_COUNTOF(cells));
}

/* --- the command --- */

static enum td_code chapter(void *ctx, const struct td_life_chapter *c, struct td_error *err)
{
    struct telling *t = ctx;
    t->count++;
    if (t->csv)
        chapter_csv(t, c);
    else if (t->cli->json)
        chapter_json(t, c);
    else
        chapter_text(t, c);
    return flush(t, FLUSH_AT, err);
}

static enum td_code tell(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct telling *t = ctx;
    struct td_cli *cli = t->cli;
    t->tx = tx;
    td_try(td_life_find(tx, cli->tenant.id, cli->args[0], &cli->arena, &t->life, err));
    if (t->csv)
        begin_csv(t);
    else if (cli->json)
        begin_json(t);
    else
        begin_text(t);
    td_try(td_life_tell(tx, cli->tenant.id, &t->life, chapter, t, err));
    if (cli->json && !t->csv)
        end_json(t);
    else if (!t->csv)
        td_cli_say(cli, "%zu chapter%s", t->count, t->count == 1 ? "" : "s");
    return flush(t, 0, err);
}

/* A file appears whole or not at all. */
static enum td_code into_file(struct telling *t, const char *path, struct td_error *err)
{
    const char *temporary = td_arena_printf(&t->cli->arena, "%s.part-%ld", path, (long)getpid());
    t->file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (t->file < 0)
        return td_fail(err, TD_EIO, "--out", "%.200s can't be written", path);
    enum td_code rc = td_store_read(t->cli->store, tell, t, err);
    if (rc == TD_OK && fsync(t->file) != 0)
        rc = td_fail(err, TD_EIO, "--out", "the file can't be written");
    (void)close(t->file);
    t->file = -1;
    if (rc == TD_OK && rename(temporary, path) != 0)
        rc = td_fail(err, TD_EIO, "--out", "%.200s can't be put in its place", path);
    td_buf_reset(&t->cli->out);
    if (rc != TD_OK)
        (void)unlink(temporary);
    else if (!t->cli->json || t->csv)
        td_cli_say(t->cli, "%zu chapter%s written to %s", t->count, t->count == 1 ? "" : "s", path);
    return rc;
}

static enum td_code run_life(struct td_cli *cli, struct td_error *err)
{
    struct telling t = {.cli = cli, .csv = td_cli_option(cli, "csv") != NULL, .file = -1};
    const char *path = td_cli_option(cli, "out");
    if (t.csv && cli->json) {
        cli->misused = true;
        return td_fail(err, TD_EINVAL, "--csv", "and --json exclude each other");
    }
    return path != NULL ? into_file(&t, path, err) : td_store_read(cli->store, tell, &t, err);
}

/* --- retire --- */

struct retiring {
    struct td_cli *cli;
    struct td_life_retiring wish;
    struct td_life_retired got;
};

static enum td_code retire(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct retiring *r = ctx;
    td_try(td_action_actor(r->cli, tx, true, &r->wish.actor, err));
    return td_life_retire(tx, r->cli->tenant.id, &r->wish, &r->cli->arena, &r->got, err);
}

static bool is_open(const struct td_life_retired *g)
{
    return g->action.id[0] != '\0' && g->action.state < TD_ACT_DONE;
}

static void retired_json(const struct retiring *r)
{
    const struct td_life_retired *g = &r->got;
    struct td_jsonw w;
    td_jsonw_init(&w, &r->cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "serialNumber", g->serial);
    td_jsonw_kstr(&w, "wayId", g->way_id);
    td_jsonw_kbool(&w, "done", !is_open(g));
    td_jsonw_kstr(&w, "actionId", g->action.id[0] != '\0' ? g->action.id : NULL);
    td_jsonw_kstr(&w, "action", g->action.id[0] != '\0' ? td_action_rows[g->action.kind].word : NULL);
    td_jsonw_kstr(&w, "actionState", g->action.id[0] != '\0' ? td_action_state_word(g->action.state) : NULL);
    td_jsonw_kbool(&w, "leftDirectory", g->left_directory);
    td_jsonw_kbool(&w, "deregistered", g->deregistered);
    td_jsonw_kbool(&w, "deregisters", r->wish.deregister && g->registration_id[0] != '\0');
    td_jsonw_kstr(&w, "computer", g->computer[0] != '\0' ? g->computer : NULL);
    td_jsonw_end(&w);
    td_buf_addc(&r->cli->out, '\n');
}

/* What was done, and what is still open and when that follows. */
static void retired_text(const struct retiring *r)
{
    const struct td_life_retired *g = &r->got;
    const char *name = g->serial[0] != '\0' ? g->serial : g->way_id;
    bool waits = g->action.state == TD_ACT_WAITING;
    if (is_open(g))
        td_cli_say(r->cli, "%s: %s is %s (%s); %s", name, td_action_rows[g->action.kind].word,
                   td_action_state_word(g->action.state), g->action.id,
                   waits ? "another administrator must approve it" : "the device takes it at its next contact");
    else
        td_cli_say(r->cli, "%s: retired", name);
    if (is_open(g))
        td_cli_say(r->cli, "  still open: management%s%s", g->device_id[0] != '\0' ? ", directory object" : "",
                   r->wish.deregister && g->registration_id[0] != '\0' ? ", registration" : "");
    if (g->registration_id[0] != '\0' && !r->wish.deregister)
        td_cli_say(r->cli,
                   "  its registration stays: started from its box it is deployed again (--deregister ends it)");
    if (g->computer[0] != '\0')
        td_cli_say(r->cli, "  remove the computer object %s from Active Directory yourself", g->computer);
}

static enum td_code run_retire(struct td_cli *cli, struct td_error *err)
{
    struct retiring r = {.cli = cli,
                         .wish = {.key = cli->args[0],
                                  .wipe = td_cli_option(cli, "wipe") != NULL,
                                  .deregister = td_cli_option(cli, "deregister") != NULL,
                                  .now = td_cli_option(cli, "now") != NULL,
                                  .reason = td_cli_option(cli, "reason")}};
    if (r.wish.wipe && r.wish.now) {
        cli->misused = true;
        return td_fail(err, TD_EINVAL, "--wipe", "needs the device; --now does not wait for it");
    }
    td_try(td_store_write(cli->store, retire, &r, err));
    if (cli->json)
        retired_json(&r);
    else
        retired_text(&r);
    return TD_OK;
}

static const struct td_command rows[] = {
    {.noun = "device",
     .verb = "life",
     .args = "SERIAL|ID",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Tells a device's life in this tenant in chapters: registered, deployed, reset, redeployed, repaired, "
              "retired, registered again; with who, why and how long it took.",
     .fields = "serialNumber; manufacturer; model; state: the word of its way now; user; registrationId; wayIds: "
               "oldest first; removedBefore: retention has removed what was before, or null; chapters: list of kind "
               "(registered, deployed, redeployed, reset, wiped, retired, repurposed, repaired, action, ...), beganAt, "
               "endedAt (null while it is open), durationMs, action, outcome, who, why, user, profile, wayId; count",
     .run = run_life,
     .options = {{"csv", NULL, "as a table for spreadsheets", false},
                 {"out", "FILE", "into a file, which appears whole or not at all", false}}},
    {.noun = "device",
     .verb = "retire",
     .args = "SERIAL|ID",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Ends a device's life here: management, its directory object and, if told, its registration. A device "
              "that is off does its part at its next contact, and what hangs on it follows then.",
     .fields =
         "serialNumber; wayId; done: nothing is open; actionId, action, actionState: what the device is asked, or "
         "null; leftDirectory; deregistered; deregisters: the registration goes when the action has ended; "
         "computer: object in Active Directory that stays, or null",
     .run = run_retire,
     .options = {{"wipe", NULL, "wipe it, not management alone", false},
                 {"deregister", NULL, "its registration goes too, once it is gone", false},
                 {"now", NULL, "end everything here at once, whatever the device says: it is lost or broken", false},
                 {"reason", "TEXT", "why, for its timeline", false},
                 {"as", "UPN", "the administrator who asks", false}}},
};

const struct td_command_table td_device_life_commands = {rows, TD_COUNTOF(rows)};
