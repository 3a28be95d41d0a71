#include "app/commands.h"
#include "base/file.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "store/application.h"

static const char actor[] = "command line";
static const int64_t secret_life = 730 * TD_DAY;

struct ctx {
    struct td_cli *cli;
    struct td_application app;
    char *secret; /* NULL for a public client */
    struct td_application_key *keys;
    size_t key_count;
};

enum { MAX_KEYS = 8, MAX_PEM = 65536 };

static enum td_code read_key(struct ctx *c, const char *path, struct td_application_key *ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf pem;
    struct td_slice der;
    struct td_cert cert = {0};
    td_buf_init(&pem, MAX_PEM);
    td_try(td_file_read(path, &pem, err));
    td_try(td_cert_from_pem(td_buf_slice(&pem), &c->cli->arena, &der, err));
    td_try(td_cert_parse(der, &c->cli->arena, &cert, err));
    *ret = (struct td_application_key){.spki = cert.spki, .not_after = cert.not_after};
    memcpy(ret->thumb, cert.sha256, sizeof(ret->thumb));
    td_sha1(der, ret->thumb1);
    return TD_OK;
}

static enum td_code read_keys(struct ctx *c, struct td_error *err)
{
    const char *path;
    c->keys = td_arena_array(&c->cli->arena, struct td_application_key, MAX_KEYS);
    while ((path = td_cli_option_at(c->cli, "certificate", (int)c->key_count)) != NULL) {
        if (c->key_count == MAX_KEYS)
            return td_fail(err, TD_ELIMIT, "certificate", "an application has at most %d", MAX_KEYS);
        td_try(read_key(c, path, &c->keys[c->key_count++], err));
    }
    return TD_OK;
}

static enum td_code add_keys(struct ctx *c, struct td_tx *tx, struct td_error *err)
{
    for (size_t i = 0; i < c->key_count; i++) {
        c->keys[i].tenant = c->app.tenant;
        c->keys[i].application = c->app.id;
        td_try(td_application_key_add(tx, &c->keys[i], actor, err));
    }
    return TD_OK;
}

static enum td_code add_secret(struct ctx *c, struct td_tx *tx, struct td_error *err)
{
    unsigned char sum[32];
    if (c->secret == NULL)
        return TD_OK;
    td_sha256(td_str(c->secret), sum);
    return td_application_secret_add(tx, &c->app, sum, td_tx_now(tx) + secret_life, actor, err);
}

static enum td_code add(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_cli *cli = c->cli;
    const char *text;
    td_try(td_application_add(tx, cli->tenant.id, cli->args[0], c->secret == NULL, actor, &cli->arena, &c->app, err));
    for (int i = 0; (text = td_cli_option_at(cli, "role", i)) != NULL; i++)
        td_try(td_application_role_add(tx, &c->app, text, actor, err));
    for (int i = 0; (text = td_cli_option_at(cli, "redirect", i)) != NULL; i++)
        td_try(td_application_redirect_add(tx, &c->app, text, actor, err));
    td_try(add_keys(c, tx, err));
    return add_secret(c, tx, err);
}

/* The secret is shown this once: the store keeps its SHA-256 alone. */
static enum td_code run_add(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    struct td_jsonw w;
    if (td_cli_option(cli, "public") == NULL)
        c.secret = td_random_text(cli->env, &cli->arena, 32);
    td_try(read_keys(&c, err));
    td_try(td_store_write(cli->store, add, &c, err));
    td_jsonw_init(&w, &cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "tenant", c.app.tenant);
    td_jsonw_kstr(&w, "name", c.app.name);
    td_jsonw_kstr(&w, "client_id", c.app.id);
    if (c.secret != NULL) {
        td_jsonw_kstr(&w, "client_secret", c.secret);
        td_jsonw_ktime(&w, "expires", td_now(cli->env) + secret_life);
    }
    td_jsonw_end(&w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

static enum td_code list(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_cli *cli = c->cli;
    struct td_application *apps = NULL;
    struct td_jsonw w;
    size_t n = 0;
    td_try(td_application_list(tx, cli->tenant.id, &cli->arena, &apps, &n, err));
    td_buf_reset(&cli->out);
    td_jsonw_init(&w, &cli->out);
    td_jsonw_arr(&w);
    for (size_t i = 0; i < n && cli->json; i++) {
        td_jsonw_obj(&w);
        td_jsonw_kstr(&w, "client_id", apps[i].id);
        td_jsonw_kstr(&w, "name", apps[i].name);
        td_jsonw_kbool(&w, "public", apps[i].is_public);
        td_jsonw_kbool(&w, "enabled", apps[i].enabled);
        td_jsonw_end(&w);
    }
    td_jsonw_arr_end(&w);
    td_buf_addc(&cli->out, '\n');
    if (cli->json)
        return TD_OK;
    td_buf_reset(&cli->out);
    for (size_t i = 0; i < n; i++)
        td_cli_say(cli, "%s  %s%s", apps[i].id, apps[i].name, apps[i].is_public ? "  (public)" : "");
    return TD_OK;
}

static enum td_code run_list(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    return td_store_read(cli->store, list, &c, err);
}

static const struct td_command rows[] = {
    {.noun = "app",
     .verb = "add",
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Adds an application; its secret is shown this once.",
     .fields = "tenant: its id; name; client_id; client_secret and expires (not for public clients)",
     .run = run_add,
     .options = {{"role", "ROLE", "application role, for example DeviceManagementServiceConfig.ReadWrite.All", true},
                 {"redirect", "URI", "address that sign-ins may be answered at", true},
                 {"certificate", "FILE", "PEM certificate whose key may sign for the application", true},
                 {"public", NULL, "a public client: no secret, signs users in only", false}}},
    {.noun = "app",
     .verb = "list",
     .args = "",
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Lists the applications that were added to a tenant.",
     .fields = "array of objects: client_id; name; public; enabled",
     .run = run_list},
};

const struct td_command_table td_app_commands = {rows, TD_COUNTOF(rows)};
