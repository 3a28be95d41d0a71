/* What a tenant wants of its Active Directory domains: sign-in, and people and groups taken over. */
#include "app/commands.h"
#include "store/ad_domain.h"
#include "store/connector.h"
#include "store/directory_sync.h"

static const char actor[] = "command line";

enum { REFUSED_SHOWN = 100 };

struct ctx {
    struct td_cli *cli;
    const char *domain;
    struct td_ad_domain_row *list;
    size_t count;
    struct td_ad_domain_counts *counts;
    bool *served;
    struct td_ad_refused *refused; /* of a single one */
    size_t refused_count;
};

static enum td_code misused(struct td_cli *cli, struct td_error *err, const char *where, const char *text)
{
    cli->misused = true;
    return td_remedy(err, td_fail(err, TD_EINVAL, where, "%s", text), "touchdown connector domain --help");
}

/* --- set --- */

static enum td_code on_off(const char *key, struct td_slice value, bool *ret, struct td_error *err)
{
    if (!td_eqs(value, "on") && !td_eqs(value, "off"))
        return td_fail(err, TD_EINVAL, key, "is on or off");
    *ret = td_eqs(value, "on");
    return TD_OK;
}

static enum td_code put(struct ctx *c, struct td_tx *tx, const char *key, struct td_slice value,
                        struct td_ad_domain_row *row, struct td_error *err)
{
    int64_t n = 0;
    if (strcmp(key, "sign-in") == 0)
        return on_off(key, value, &row->sign_in, err);
    if (strcmp(key, "sync") == 0)
        return on_off(key, value, &row->sync, err);
    if (strcmp(key, "base") == 0) {
        row->sync_base = td_arena_text(&c->cli->arena, value);
        return TD_OK;
    }
    if (strcmp(key, "seconds") == 0) {
        bool ok = td_parse_i64(value, &n) && n >= TD_AD_SECONDS_MIN && n <= TD_AD_SECONDS_MAX;
        row->sync_seconds = (int)(ok ? n : 0);
        return TD_OK; /* the store says what is right */
    }
    if (strcmp(key, "upn-suffix") == 0)
        return td_tenant_domain_add(tx, c->cli->tenant.id, td_arena_text(&c->cli->arena, value), actor, err);
    return td_remedy(err, td_fail(err, TD_EINVAL, key, "is nothing that a domain has"),
                     "sign-in, sync, base, seconds or upn-suffix");
}

static enum td_code set(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_ad_domain_row row = {0};
    enum td_code rc = td_ad_domain_find(tx, c->cli->tenant.id, c->domain, &c->cli->arena, &row, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    if (rc == TD_ENOTFOUND)
        row = (struct td_ad_domain_row){.domain = c->domain, .sync_base = "", .sync_seconds = TD_AD_SECONDS};
    for (int i = 2; i < c->cli->arg_count; i++) {
        struct td_slice key, value = td_cut(td_str(c->cli->args[i]), '=', &key);
        if (td_find(td_str(c->cli->args[i]), '=') == SIZE_MAX)
            return misused(c->cli, err, c->cli->args[i], "is no KEY=VALUE");
        td_try(put(c, tx, td_arena_text(&c->cli->arena, key), value, &row, err));
    }
    return td_ad_domain_put(tx, c->cli->tenant.id, &row, actor, err);
}

static enum td_code drop(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    return td_ad_domain_remove(tx, c->cli->tenant.id, c->domain, actor, err);
}

/* --- shown --- */

static enum td_code look(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_arena *a = &c->cli->arena;
    if (c->domain == NULL) {
        td_try(td_ad_domain_list(tx, c->cli->tenant.id, a, &c->list, &c->count, err));
    } else {
        c->list = td_arena_new(a, struct td_ad_domain_row);
        c->count = 1;
        td_try(td_ad_domain_find(tx, c->cli->tenant.id, c->domain, a, c->list, err));
        td_try(td_ad_refused(tx, c->cli->tenant.id, c->list->domain, REFUSED_SHOWN, a, &c->refused, &c->refused_count,
                             err));
    }
    c->counts = td_arena_array(a, struct td_ad_domain_counts, c->count + 1);
    c->served = td_arena_array(a, bool, c->count + 1);
    for (size_t i = 0; i < c->count; i++) {
        td_try(td_ad_domain_counts(tx, c->cli->tenant.id, c->list[i].domain, &c->counts[i], err));
        td_try(td_connector_serves(tx, c->cli->tenant.id, c->list[i].domain, &c->served[i], err));
    }
    return TD_OK;
}

static void write_domain(const struct ctx *c, size_t i, struct td_jsonw *w)
{
    const struct td_ad_domain_row *d = &c->list[i];
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "domain", d->domain);
    td_jsonw_kbool(w, "signIn", d->sign_in);
    td_jsonw_kbool(w, "sync", d->sync);
    td_jsonw_kstr(w, "base", d->sync_base);
    td_jsonw_kint(w, "seconds", d->sync_seconds);
    td_jsonw_kbool(w, "served", c->served[i]);
    td_jsonw_ktime(w, "syncedAt", d->synced_at);
    td_jsonw_ktime(w, "fullAt", d->full_at);
    td_jsonw_kint(w, "people", c->counts[i].people);
    td_jsonw_kint(w, "groups", c->counts[i].groups);
    td_jsonw_kint(w, "refused", c->counts[i].refused);
    if (c->domain != NULL) {
        td_jsonw_key(w, "notTakenOver");
        td_jsonw_arr(w);
        for (size_t k = 0; k < c->refused_count; k++) {
            td_jsonw_obj(w);
            td_jsonw_kstr(w, "upn", c->refused[k].name);
            td_jsonw_kstr(w, "guid", c->refused[k].guid);
            td_jsonw_kstr(w, "reason", c->refused[k].reason);
            td_jsonw_end(w);
        }
        td_jsonw_arr_end(w);
    }
    td_jsonw_end(w);
}

static void say_domain(const struct ctx *c, size_t i)
{
    const struct td_ad_domain_row *d = &c->list[i];
    const struct td_ad_domain_counts *n = &c->counts[i];
    td_cli_say(c->cli, "%s  sign-in %s, sync %s%s", d->domain, d->sign_in ? "on" : "off", d->sync ? "on" : "off",
               c->served[i] ? "" : "  (no connector serves it: touchdown connector list)");
    if (d->sync)
        td_cli_say(c->cli, "    every %d seconds, base %s, last at %s", d->sync_seconds,
                   d->sync_base[0] != '\0' ? d->sync_base : "the whole domain",
                   d->synced_at != 0 ? td_time_arena(&c->cli->arena, d->synced_at) : "never");
    if (n->people + n->groups + n->refused != 0)
        td_cli_say(c->cli, "    %lld people, %lld groups, %lld not taken over", (long long)n->people,
                   (long long)n->groups, (long long)n->refused);
    for (size_t k = 0; k < c->refused_count; k++)
        td_cli_say(c->cli, "    not taken over: %s: %s", c->refused[k].name, c->refused[k].reason);
}

static enum td_code tell(struct ctx *c, struct td_error *err)
{
    struct td_jsonw w;
    td_try(td_store_read(c->cli->store, look, c, err));
    if (!c->cli->json) {
        for (size_t i = 0; i < c->count; i++)
            say_domain(c, i);
        if (c->count == 0)
            td_cli_say(c->cli, "the tenant has no directory domains: touchdown connector domain set DOMAIN sign-in=on");
        return TD_OK;
    }
    td_jsonw_init(&w, &c->cli->out);
    if (c->domain == NULL)
        td_jsonw_arr(&w);
    for (size_t i = 0; i < c->count; i++)
        write_domain(c, i, &w);
    if (c->domain == NULL)
        td_jsonw_arr_end(&w);
    td_buf_addc(&c->cli->out, '\n');
    return TD_OK;
}

static enum td_code run_set(struct ctx *c, struct td_error *err)
{
    td_try(td_store_write(c->cli->store, set, c, err));
    return c->cli->json ? tell(c, err) : TD_OK;
}

static enum td_code run_remove(struct ctx *c, struct td_error *err)
{
    td_try(td_store_write(c->cli->store, drop, c, err));
    if (c->cli->json)
        td_cli_say(c->cli, "{\"domain\":\"%s\"}", c->domain);
    return TD_OK;
}

static enum td_code run(struct td_cli *cli, struct td_error *err)
{
    static const struct {
        const char *word;
        bool named;
        int most;
        enum td_code (*run)(struct ctx *c, struct td_error *err);
    } what[] = {
        {"set", true, 64, run_set}, {"list", false, 1, tell}, {"show", true, 2, tell}, {"remove", true, 2, run_remove}};
    struct ctx c = {.cli = cli};
    for (size_t i = 0; i < TD_COUNTOF(what); i++) {
        if (strcmp(cli->args[0], what[i].word) != 0)
            continue;
        if (what[i].named && cli->arg_count < 2)
            return misused(cli, err, "DOMAIN", "must be given");
        if (cli->arg_count > what[i].most)
            return misused(cli, err, cli->args[what[i].most], "is too much");
        char *domain = what[i].named ? td_arena_strdup(&cli->arena, cli->args[1]) : NULL;
        if (domain != NULL)
            td_lower(domain);
        c.domain = domain;
        return what[i].run(&c, err);
    }
    return misused(cli, err, cli->args[0], "is not set, list, show or remove");
}

static const struct td_command rows[] = {
    {.noun = "connector",
     .verb = "domain",
     .args = "set|list|show|remove [DOMAIN] [KEY=VALUE...]",
     .min_args = 1,
     .max_args = -1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about =
         "What the tenant wants of an Active Directory domain (docs/tasks/directory-sync.md): sign-in=on|off (its "
         "people's passwords are checked there), sync=on|off (people and groups are taken over), base=DN (of those "
         "below it alone), seconds=N (between two looks, 60 at first), upn-suffix=NAME (one more domain that names "
         "of its people end with). list tells all, show one with who was not taken over; remove ends both, and "
         "leaves the accounts.",
     .fields = "domain; signIn; sync; base; seconds; served: a connector does; syncedAt, fullAt: last run, last full "
               "one; people, groups, refused: numbers; of show and set notTakenOver: array of upn, guid, reason. list: "
               "an array of these",
     .run = run},
};

const struct td_command_table td_connector_domain_commands = {rows, TD_COUNTOF(rows)};
