#include "api/access.h"
#include "app/commands.h"
#include "base/encode.h"
#include "base/file.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "store/application.h"
#include "store/user.h"

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

/* A misspelt role would open nothing and nobody would see why. */
static enum td_code role_name(const char *given, struct td_arena *a, const char **ret, struct td_error *err)
{
    struct td_slice known = td_scope_known(td_str(given));
    *ret = known.n != 0 ? td_arena_text(a, known) : td_role_known(td_str(given));
    if (*ret != NULL)
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_EINVAL, "role", "there is no application role \"%.100s\"", given),
                     "touchdown app roles lists them");
}

static enum td_code add_role(struct ctx *c, struct td_tx *tx, const char *given, struct td_error *err)
{
    const char *role = NULL;
    td_try(role_name(given, &c->cli->arena, &role, err));
    return td_application_role_add(tx, &c->app, role, actor, err);
}

static enum td_code add(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_cli *cli = c->cli;
    const char *text;
    td_try(td_application_add(tx, cli->tenant.id, cli->args[0], c->secret == NULL, actor, &cli->arena, &c->app, err));
    for (int i = 0; (text = td_cli_option_at(cli, "role", i)) != NULL; i++)
        td_try(add_role(c, tx, text, err));
    for (int i = 0; (text = td_cli_option_at(cli, "redirect", i)) != NULL; i++)
        td_try(td_application_redirect_add(tx, &c->app, text, actor, err));
    td_try(add_keys(c, tx, err));
    return add_secret(c, tx, err);
}

/* The secret is shown this once: the store keeps its SHA-256 alone. */
static void write_new(const struct ctx *c)
{
    struct td_jsonw w;
    td_jsonw_init(&w, &c->cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "tenant", c->app.tenant);
    td_jsonw_kstr(&w, "name", c->app.name);
    td_jsonw_kstr(&w, "client_id", c->app.id);
    if (c->secret != NULL) {
        td_jsonw_kstr(&w, "client_secret", c->secret);
        td_jsonw_ktime(&w, "expires", td_now(c->cli->env) + secret_life);
    }
    td_jsonw_end(&w);
    td_buf_addc(&c->cli->out, '\n');
}

static enum td_code run_add(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    if (td_cli_option(cli, "public") == NULL)
        c.secret = td_random_text(cli->env, &cli->arena, 32);
    td_try(read_keys(&c, err));
    td_try(td_store_write(cli->store, add, &c, err));
    write_new(&c);
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

/* By client id, or by a name that only one has. */
static enum td_code find(struct ctx *c, struct td_tx *tx, struct td_error *err)
{
    struct td_cli *cli = c->cli;
    struct td_application *apps = NULL;
    size_t n = 0, found = 0;
    td_try(td_application_list(tx, cli->tenant.id, &cli->arena, &apps, &n, err));
    for (size_t i = 0; i < n; i++)
        if (td_ieqs(td_str(cli->args[0]), apps[i].id) || strcmp(cli->args[0], apps[i].name) == 0) {
            c->app = apps[i];
            found++;
        }
    if (found == 0)
        return td_remedy(err,
                         td_fail(err, TD_ENOTFOUND, "application", "there is no application \"%.120s\"", cli->args[0]),
                         "touchdown app list shows those that were added");
    return found == 1 ? TD_OK
                      : td_remedy(err, td_fail(err, TD_EINVAL, "application", "%zu applications have this name", found),
                                  "name it by its client id");
}

static void write_texts(struct td_jsonw *w, const char *name, const char *const *list)
{
    td_jsonw_key(w, name);
    td_jsonw_arr(w);
    for (; *list != NULL; list++)
        td_jsonw_str(w, *list);
    td_jsonw_arr_end(w);
}

struct shown {
    const char *const *roles, *const *redirects;
    struct td_application_key *keys;
    size_t key_count;
    int64_t secret_until;
};

static void show_json(struct ctx *c, const struct shown *s)
{
    struct td_jsonw w;
    td_jsonw_init(&w, &c->cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "tenant", c->app.tenant);
    td_jsonw_kstr(&w, "client_id", c->app.id);
    td_jsonw_kstr(&w, "object_id", c->app.principal);
    td_jsonw_kstr(&w, "name", c->app.name);
    td_jsonw_kbool(&w, "public", c->app.is_public);
    td_jsonw_kbool(&w, "enabled", c->app.enabled);
    td_jsonw_ktime(&w, "secret_expires", s->secret_until);
    write_texts(&w, "roles", s->roles);
    write_texts(&w, "redirects", s->redirects);
    td_jsonw_key(&w, "certificates");
    td_jsonw_arr(&w);
    for (size_t i = 0; i < s->key_count; i++) {
        td_jsonw_obj(&w);
        td_jsonw_kstr(&w, "thumbprint", td_hex(&c->cli->arena, td_bytes(s->keys[i].thumb1, 20)));
        td_jsonw_kstr(&w, "thumbprint_sha256", td_hex(&c->cli->arena, td_bytes(s->keys[i].thumb, 32)));
        td_jsonw_ktime(&w, "expires", s->keys[i].not_after);
        td_jsonw_end(&w);
    }
    td_jsonw_arr_end(&w);
    td_jsonw_end(&w);
    td_buf_addc(&c->cli->out, '\n');
}

static void show_text(struct ctx *c, const struct shown *s)
{
    struct td_cli *cli = c->cli;
    char until[TD_TIME_TEXT];
    td_cli_say(cli, "%s  %s%s%s", c->app.id, c->app.name, c->app.is_public ? "  (public)" : "",
               c->app.enabled ? "" : "  (disabled)");
    for (const char *const *r = s->roles; *r != NULL; r++)
        td_cli_say(cli, "  role: %s", *r);
    for (const char *const *r = s->redirects; *r != NULL; r++)
        td_cli_say(cli, "  redirect: %s", *r);
    if (s->secret_until != 0)
        td_cli_say(cli, "  secret until %s", td_time_text(s->secret_until, until));
    for (size_t i = 0; i < s->key_count; i++)
        td_cli_say(cli, "  certificate %s until %s", td_hex(&cli->arena, td_bytes(s->keys[i].thumb1, 20)),
                   td_time_text(s->keys[i].not_after, until));
}

static enum td_code show(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_arena *a = &c->cli->arena;
    struct shown s = {.key_count = 0};
    td_buf_reset(&c->cli->out);
    td_try(find(c, tx, err));
    td_try(td_application_roles(tx, c->app.tenant, c->app.id, a, &s.roles, err));
    td_try(td_application_redirects(tx, &c->app, a, &s.redirects, err));
    td_try(td_application_keys(tx, &c->app, a, &s.keys, &s.key_count, err));
    td_try(td_application_secret_until(tx, &c->app, &s.secret_until, err));
    if (c->cli->json)
        show_json(c, &s);
    else
        show_text(c, &s);
    return TD_OK;
}

static enum td_code run_show(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    return td_store_read(cli->store, show, &c, err);
}

/* People see nothing when all is well; machines are told the application as it is now. */
static enum td_code change_and_show(struct td_cli *cli, td_tx_fn *fn, struct ctx *c, struct td_error *err)
{
    td_try(td_store_write(cli->store, fn, c, err));
    return cli->json ? td_store_read(cli->store, show, c, err) : TD_OK;
}

static enum td_code change_roles(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    bool add_them = strcmp(c->cli->command->verb, "role-add") == 0;
    td_try(find(c, tx, err));
    for (int i = 1; i < c->cli->arg_count; i++)
        td_try(add_them ? add_role(c, tx, c->cli->args[i], err)
                        : td_application_role_remove(tx, &c->app, c->cli->args[i], actor, err));
    return TD_OK;
}

static enum td_code run_roles(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    return change_and_show(cli, change_roles, &c, err);
}

static enum td_code enable(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    td_try(find(c, tx, err));
    return td_application_enable(tx, &c->app, strcmp(c->cli->command->verb, "enable") == 0, actor, err);
}

static enum td_code run_enable(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    return change_and_show(cli, enable, &c, err);
}

static enum td_code drop(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    td_try(find(c, tx, err));
    return td_application_remove(tx, &c->app, actor, err);
}

static enum td_code run_remove(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    td_try(td_store_write(cli->store, drop, &c, err));
    if (cli->json)
        td_cli_say(cli, "{\"client_id\":\"%s\"}", c.app.id);
    return TD_OK;
}

static enum td_code add_certificates(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    td_try(find(c, tx, err));
    return add_keys(c, tx, err);
}

static enum td_code drop_certificate(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_slice thumb;
    td_try(find(c, tx, err));
    if (td_hex_decode(&c->cli->arena, td_str(c->cli->args[1]), &thumb) != TD_OK || (thumb.n != 20 && thumb.n != 32))
        return td_remedy(err, td_fail(err, TD_EINVAL, "thumbprint", "is no SHA-1 or SHA-256 in hexadecimal"),
                         "touchdown app show lists the application's");
    return td_application_key_remove(tx, &c->app, thumb, actor, err);
}

static enum td_code run_certificate_add(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    td_try(read_keys(&c, err));
    return change_and_show(cli, add_certificates, &c, err);
}

static enum td_code run_certificate_remove(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    return change_and_show(cli, drop_certificate, &c, err);
}

static enum td_code replace_secret(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    td_try(find(c, tx, err));
    if (c->app.is_public)
        return td_fail(err, TD_ESTATE, "application", "a public client has no secret");
    if (td_cli_option(c->cli, "keep") == NULL)
        td_try(td_application_secrets_end(tx, &c->app, err));
    return add_secret(c, tx, err);
}

static enum td_code run_secret(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli, .secret = td_random_text(cli->env, &cli->arena, 32)};
    td_try(td_store_write(cli->store, replace_secret, &c, err));
    write_new(&c);
    return TD_OK;
}

static enum td_code run_role_names(struct td_cli *cli, struct td_error *err TD_UNUSED)
{
    const char *const *names = td_scope_names(&cli->arena);
    struct td_jsonw w;
    if (!cli->json) {
        for (; *names != NULL; names++)
            td_cli_say(cli, "%s", *names);
        return TD_OK;
    }
    td_jsonw_init(&w, &cli->out);
    td_jsonw_arr(&w);
    for (; *names != NULL; names++) {
        td_jsonw_obj(&w);
        td_jsonw_kstr(&w, "name", *names);
        td_jsonw_end(&w);
    }
    td_jsonw_arr_end(&w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

#define OF_ONE .min_args = 1, .max_args = 1, .flags = TD_CLI_STORE | TD_CLI_TENANT
#define OF_MANY .min_args = 2, .max_args = -1, .flags = TD_CLI_STORE | TD_CLI_TENANT
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
     .options = {{"role", "ROLE",
                  "application role, for example DeviceManagementServiceConfig.ReadWrite.All, or a directory role",
                  true},
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
    {.noun = "app",
     .verb = "roles",
     .args = "",
     .about = "Lists the application roles there are: the names of permissions.",
     .fields = "array of objects: name",
     .run = run_role_names},
    {.noun = "app",
     .verb = "show",
     .args = "NAME|ID",
     OF_ONE,
     .about = "Shows an application: roles, redirect addresses, how long secret and certificates hold.",
     .fields = "tenant; client_id; object_id: what its tokens name; name; public; enabled; secret_expires: null without"
               " a secret; roles; redirects; certificates: array of thumbprint, thumbprint_sha256, expires",
     .run = run_show},
    {.noun = "app",
     .verb = "role-add",
     .args = "NAME|ID ROLE...",
     OF_MANY,
     .about = "Gives application roles; they hold at once, for tokens given out before too.",
     .fields = "as of app show",
     .run = run_roles},
    {.noun = "app",
     .verb = "role-remove",
     .args = "NAME|ID ROLE...",
     OF_MANY,
     .about = "Takes application roles away, at once.",
     .fields = "as of app show",
     .run = run_roles},
    {.noun = "app",
     .verb = "set-secret",
     .args = "NAME|ID",
     OF_ONE,
     .about = "Makes a new secret and ends the older ones; it is shown this once.",
     .fields = "as of app add",
     .run = run_secret,
     .options = {{"keep", NULL, "leave the older secrets good until they expire", false}}},
    {.noun = "app",
     .verb = "certificate-add",
     .args = "NAME|ID",
     OF_ONE,
     .needs = "certificate",
     .about = "Lets the key of a certificate sign for the application.",
     .fields = "as of app show",
     .run = run_certificate_add,
     .options = {{"certificate", "FILE", "PEM certificate", true}}},
    {.noun = "app",
     .verb = "certificate-remove",
     .args = "NAME|ID THUMBPRINT",
     .min_args = 2,
     .max_args = 2,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Takes a certificate away.",
     .fields = "as of app show",
     .run = run_certificate_remove},
    {.noun = "app",
     .verb = "disable",
     .args = "NAME|ID",
     OF_ONE,
     .about = "Disables an application: its tokens open nothing from now on.",
     .fields = "as of app show",
     .run = run_enable},
    {.noun = "app",
     .verb = "enable",
     .args = "NAME|ID",
     OF_ONE,
     .about = "Enables an application again.",
     .fields = "as of app show",
     .run = run_enable},
    {.noun = "app",
     .verb = "remove",
     .args = "NAME|ID",
     OF_ONE,
     .about = "Removes an application with everything that was issued to it.",
     .fields = "client_id",
     .run = run_remove},
};

const struct td_command_table td_app_commands = {rows, TD_COUNTOF(rows)};
