#include "app/commands.h"
#include "app/serve.h"

static void ready(void *ctx, const char *https, const char *http)
{
    struct td_cli *cli = ctx;
    td_cli_say(cli, "serving https://%s", https);
    if (http != NULL)
        td_cli_say(cli, "serving http://%s for /pki/ and /ocsp", http);
    td_cli_flush(cli);
}

static enum td_code run(struct td_cli *cli, struct td_error *err)
{
    struct td_serve_config c;
    td_serve_config_init(&c);
    c.data = cli->where;
    const char *file = td_cli_option(cli, "config"), *listen = td_cli_option(cli, "listen"),
               *http = td_cli_option(cli, "http"), *name;
    if (file != NULL)
        td_try(td_serve_config_read(&c, file, &cli->arena, err));
    for (int i = 0; (name = td_cli_option_at(cli, "name", i)) != NULL; i++)
        td_try(td_serve_config_name(&c, name, &cli->arena, err));
    if (listen != NULL)
        c.listen = listen;
    if (http != NULL)
        c.http = http;
    return td_serve(&c, cli->env, ready, cli, err);
}

static const struct td_command rows[] = {
    {.noun = "serve",
     .args = "",
     .about = "Runs the service until SIGTERM or SIGINT; SIGHUP reads the certificates again.",
     .run = run,
     .options = {{"listen", "ADDR:PORT", "where it listens with TLS; 127.0.0.1:8443 unless given", false},
                 {"name", "HOST[,people]", "a host name it serves under; people: no client certificate is asked", true},
                 {"http", "ADDR:PORT", "serves /pki/ and /ocsp without TLS; off unless given", false},
                 {"config", "FILE", "an INI file with these and more keys (docs/tasks/serve.md)", false}}},
};

const struct td_command_table td_serve_commands = {rows, TD_COUNTOF(rows)};
