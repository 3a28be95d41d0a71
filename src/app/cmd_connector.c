/* Connectors to Active Directory for administrators: codes for new ones, how those that are there do. */
#include "api/connector.h"
#include "app/commands.h"
#include "store/connector.h"

#include <stdio.h>

static const char actor[] = "command line";

struct all { /* of the tenant */
    struct td_cli *cli;
    struct td_connector *list;
    size_t count;
    struct td_connector_domain *domains;
    int64_t *queued; /* work that waits, by domain */
    size_t domain_count;
};

static const char *state_of(const struct all *l, const struct td_connector *c)
{
    return td_connector_state_word(td_connector_state(c, l->domains, l->domain_count, td_now(l->cli->env)));
}

static enum td_code load_domains(struct td_tx *tx, struct all *l, struct td_error *err)
{
    const char *tenant = l->cli->tenant.id;
    td_try(td_connector_domains(tx, tenant, &l->cli->arena, &l->domains, &l->domain_count, err));
    l->queued = td_arena_array(&l->cli->arena, int64_t, l->domain_count + 1);
    for (size_t i = 0; i < l->domain_count; i++)
        td_try(td_domain_work_queued(tx, tenant, l->domains[i].domain, &l->queued[i], err));
    return TD_OK;
}

static enum td_code load_all(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct all *l = ctx;
    td_try(td_connector_list(tx, l->cli->tenant.id, &l->cli->arena, &l->list, &l->count, err));
    return load_domains(tx, l, err);
}

static enum td_code load_one(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct all *l = ctx;
    l->list = td_arena_new(&l->cli->arena, struct td_connector);
    td_try(td_connector_find(tx, l->cli->tenant.id, l->cli->args[0], &l->cli->arena, l->list, err));
    l->count = 1;
    return load_domains(tx, l, err);
}

/* --- shown -------------------------------------------------------------------------------------------------------- */

static void write_domains(const struct all *l, const struct td_connector *c, struct td_jsonw *w)
{
    td_jsonw_key(w, "domains");
    td_jsonw_arr(w);
    for (size_t i = 0; i < l->domain_count; i++) {
        const struct td_connector_domain *d = &l->domains[i];
        if (strcmp(d->connector_id, c->id) != 0)
            continue;
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "domain", d->domain);
        td_jsonw_kstr(w, "netbios", d->netbios);
        td_jsonw_kstr(w, "dc", d->dc);
        td_jsonw_kstr(w, "site", d->site);
        td_jsonw_kstr(w, "problem", d->problem);
        td_jsonw_kstr(w, "detail", d->detail);
        td_jsonw_ktime(w, "reportedAt", d->reported_at);
        td_jsonw_kint(w, "queued", l->queued[i]);
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
}

static void write_bound(const struct td_connector *c, struct td_jsonw *w)
{
    td_jsonw_key(w, "boundDomains");
    td_jsonw_arr(w);
    for (size_t i = 0; i < c->bound_count; i++)
        td_jsonw_str(w, c->bound[i]);
    td_jsonw_arr_end(w);
}

static void write_connector(const struct all *l, const struct td_connector *c, struct td_jsonw *w)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", c->id);
    td_jsonw_kstr(w, "name", c->name);
    td_jsonw_kstr(w, "state", state_of(l, c));
    td_jsonw_kstr(w, "version", c->version);
    td_jsonw_ktime(w, "createdAt", c->created_at);
    td_jsonw_ktime(w, "lastContactAt", c->last_contact);
    write_bound(c, w);
    write_domains(l, c, w);
    td_jsonw_end(w);
}

static void say_domains(const struct all *l, const struct td_connector *c)
{
    for (size_t i = 0; i < l->domain_count; i++) {
        const struct td_connector_domain *d = &l->domains[i];
        const struct td_domain_reason_row *row = td_domain_reason_by_name(d->problem);
        if (strcmp(d->connector_id, c->id) != 0)
            continue;
        td_cli_say(l->cli, "    %s by %s%s%s%s, %lld waiting", d->domain,
                   d->dc[0] != '\0' ? d->dc : "no domain controller", d->site[0] != '\0' ? ", site " : "", d->site,
                   row == NULL ? ", fine" : "", (long long)l->queued[i]);
        if (row != NULL)
            td_cli_say(l->cli, "        %s: %s %s\n        remedy  %s", row->name, row->cause, d->detail, row->remedy);
    }
}

static void say_bound(const struct all *l, const struct td_connector *c)
{
    char *text = td_arena_strdup(&l->cli->arena, c->bound_count == 0 ? "any domain" : c->bound[0]);
    for (size_t i = 1; i < c->bound_count; i++)
        text = td_arena_printf(&l->cli->arena, "%s, %s", text, c->bound[i]);
    td_cli_say(l->cli, "    bound to %s", text);
}

static void say_connector(const struct all *l, const struct td_connector *c)
{
    struct td_arena *a = &l->cli->arena;
    const char *at = c->last_contact != 0 ? td_time_arena(a, c->last_contact) : "never";
    td_cli_say(l->cli, "%-9s %s  %s  last contact %s%s%s", state_of(l, c), c->id, c->name, at,
               c->version[0] != '\0' ? ", version " : "", c->version);
    say_bound(l, c);
    say_domains(l, c);
}

static enum td_code run_list(struct td_cli *cli, struct td_error *err)
{
    struct all l = {.cli = cli};
    struct td_jsonw w;
    td_try(td_store_read(cli->store, load_all, &l, err));
    if (!cli->json) {
        for (size_t i = 0; i < l.count; i++)
            say_connector(&l, &l.list[i]);
        if (l.count == 0)
            td_cli_say(cli, "there are no connectors: `touchdown connector add NAME` makes a code for one");
        return TD_OK;
    }
    td_jsonw_init(&w, &cli->out);
    td_jsonw_obj(&w);
    td_jsonw_key(&w, "connectors");
    td_jsonw_arr(&w);
    for (size_t i = 0; i < l.count; i++)
        write_connector(&l, &l.list[i], &w);
    td_jsonw_arr_end(&w);
    td_jsonw_end(&w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

static enum td_code run_show(struct td_cli *cli, struct td_error *err)
{
    struct all l = {.cli = cli};
    struct td_jsonw w;
    td_try(td_store_read(cli->store, load_one, &l, err));
    if (!cli->json) {
        say_connector(&l, l.list);
        return TD_OK;
    }
    td_jsonw_init(&w, &cli->out);
    write_connector(&l, l.list, &w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

/* --- changed ------------------------------------------------------------------------------------------------------ */

/* What --domain says, each time that it is given. */
struct given {
    const char *domains[TD_CONNECTOR_DOMAINS_MAX + 1]; /* one too many is the store's to refuse */
    size_t count;
};

static void read_given(const struct td_cli *cli, struct given *g)
{
    const char *one;
    while (g->count < TD_COUNTOF(g->domains) && (one = td_cli_option_at(cli, "domain", (int)g->count)) != NULL)
        g->domains[g->count++] = one;
}

struct adding {
    struct td_cli *cli;
    struct given given;
    unsigned char sha256[32];
    struct td_connector made;
};

static enum td_code add(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct adding *m = ctx;
    const char *tenant = m->cli->tenant.id;
    td_try(td_connector_add(tx, tenant, m->cli->args[0], m->sha256, actor, &m->cli->arena, &m->made, err));
    return m->given.count == 0
               ? TD_OK
               : td_connector_bind(tx, tenant, m->made.id, m->given.domains, m->given.count, actor, err);
}

static enum td_code run_add(struct td_cli *cli, struct td_error *err)
{
    struct adding m = {.cli = cli};
    struct td_jsonw w;
    char code[TD_CONNECTOR_CODE_TEXT];
    read_given(cli, &m.given);
    td_connector_code_make(cli->env, code, m.sha256);
    td_try(td_store_write(cli->store, add, &m, err));
    const char *until = td_time_arena(&cli->arena, m.made.created_at + TD_CONNECTOR_CODE_LIFE);
    if (cli->json) {
        td_jsonw_init(&w, &cli->out);
        td_jsonw_obj(&w);
        td_jsonw_kstr(&w, "id", m.made.id);
        td_jsonw_kstr(&w, "name", m.made.name);
        td_jsonw_kstr(&w, "code", code);
        td_jsonw_kstr(&w, "codeUntil", until);
        td_jsonw_end(&w);
        td_buf_addc(&cli->out, '\n');
    } else {
        td_cli_say(cli, "%s\ngood once, until %s: give it to `touchdown connector run` near the domain", code, until);
    }
    td_wipe(code, sizeof(code));
    return TD_OK;
}

static enum td_code bind_it(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct td_cli *cli = ctx;
    struct given g = {.count = 0};
    read_given(cli, &g);
    return td_connector_bind(tx, cli->tenant.id, cli->args[0], g.domains, g.count, actor, err);
}

static enum td_code run_bind(struct td_cli *cli, struct td_error *err)
{
    return td_store_write(cli->store, bind_it, cli, err);
}

static enum td_code enable(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct td_cli *cli = ctx;
    return td_connector_enable(tx, cli->tenant.id, cli->args[0], true, actor, err);
}

static enum td_code run_enable(struct td_cli *cli, struct td_error *err)
{
    return td_store_write(cli->store, enable, cli, err);
}

static enum td_code disable(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct td_cli *cli = ctx;
    return td_connector_enable(tx, cli->tenant.id, cli->args[0], false, actor, err);
}

static enum td_code run_disable(struct td_cli *cli, struct td_error *err)
{
    return td_store_write(cli->store, disable, cli, err);
}

static enum td_code take_away(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct td_cli *cli = ctx;
    return td_connector_remove(tx, cli->tenant.id, cli->args[0], actor, err);
}

static enum td_code run_remove(struct td_cli *cli, struct td_error *err)
{
    return td_store_write(cli->store, take_away, cli, err);
}

#define NOUN .noun = "connector", .flags = TD_CLI_STORE | TD_CLI_TENANT
#define ONE .args = "NAME|ID", .min_args = 1, .max_args = 1
#define FIELDS                                                                                                       \
    "id; name; state: waiting (its code was not used yet), active, failing (heard of, and a domain has a problem), " \
    "inactive (not heard of for three minutes), disabled; version; createdAt; lastContactAt; boundDomains: the "     \
    "domains that it alone may serve, [] any of the tenant; domains: list of "                                       \
    "domain, netbios, dc, site, problem (a reason's name, \"\" fine), detail, reportedAt, queued: work that waits "  \
    "for the domain"

static const struct td_command rows[] = {
    {NOUN, .verb = "add", .args = "NAME", .min_args = 1, .max_args = 1,
     .about = "Makes a code with which one connector to Active Directory registers: good once, for a day. It is shown "
              "this once.",
     .fields = "id; name; code; codeUntil", .run = run_add,
     .options = {{"domain", "DOMAIN", "a domain that it may serve, and no other; without: any of the tenant", true}}},
    {NOUN, .verb = "bind", ONE, .needs = "domain|any",
     .about = "Says anew which domains a connector may serve, from this moment on: what it does for others goes to "
              "another connector.",
     .run = run_bind,
     .options = {{"domain", "DOMAIN", "a domain that it may serve, and no other", true},
                 {"any", NULL, "any domain of the tenant", false}}},
    {NOUN, .verb = "list", .args = "", .about = "Lists the connectors: how they do, which domains they serve.",
     .fields = "connectors: list as of connector show", .run = run_list},
    {NOUN, .verb = "show", ONE, .about = "Shows one connector and what it reports of its domains.", .fields = FIELDS,
     .run = run_show},
    {NOUN, .verb = "enable", ONE, .about = "Lets a connector that was disabled work again.", .run = run_enable},
    {NOUN, .verb = "disable", ONE,
     .about = "Gives a connector no more work: what it has at this moment goes to another one.", .run = run_disable},
    {NOUN, .verb = "remove", ONE,
     .about = "Forgets a connector: its key opens no door any more. Accounts that it made stay.", .run = run_remove},
};

const struct td_command_table td_connector_commands = {rows, TD_COUNTOF(rows)};
