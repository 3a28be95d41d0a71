#include "api/content.h"
#include "app/commands.h"
#include "app/policy.h"
#include "policy/item.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_TABLE = 1 << 20 };

struct msi {
    const char *product_code, *product_version;
};

/* msiinfo (GPL) as a child with fixed arguments; its output is the Property table of the package. */
static enum td_code start_msiinfo(const char *file, pid_t *ret_pid, int *ret_fd, struct td_error *err)
{
    char *const argv[] = {(char[]){"msiinfo"}, (char[]){"export"}, (char *)(uintptr_t)file, (char[]){"Property"}, NULL};
    char *const envp[] = {(char[]){"PATH=/usr/local/bin:/usr/bin:/bin"}, (char[]){"LC_ALL=C"}, NULL};
    int ends[2];
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return td_fail(err, TD_EIO, "msiinfo", "no pipe");
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int rc = posix_spawnp(ret_pid, "msiinfo", &actions, NULL, argv, envp);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    *ret_fd = ends[0];
    if (rc == 0)
        return TD_OK;
    (void)close(ends[0]);
    return td_remedy(err, td_fail(err, TD_EUNAVAILABLE, "msiinfo", "is not installed"),
                     "Install msitools, or give --product-code and --product-version.");
}

static enum td_code read_table(const char *file, struct td_buf *out, struct td_error *err)
{
    pid_t pid = 0;
    int fd = -1, status = 0;
    td_try(start_msiinfo(file, &pid, &fd, err));
    for (;;) {
        char block[4096];
        ssize_t n = read(fd, block, sizeof(block));
        if (n <= 0)
            break;
        td_buf_add(out, td_bytes(block, (size_t)n));
    }
    (void)close(fd);
    while (waitpid(pid, &status, 0) < 0)
        continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || out->failed)
        return td_fail(err, TD_EFORMAT, "package", "msiinfo finds no Property table in it");
    return TD_OK;
}

/* Lines of name, tab, value. */
static const char *property(struct td_slice table, const char *name, struct td_arena *a)
{
    struct td_slice line, word;
    while (table.n != 0) {
        table = td_cut(table, '\n', &line);
        struct td_slice value = td_trim(td_cut(line, '\t', &word));
        if (td_eqs(word, name))
            return td_arena_text(a, value);
    }
    return "";
}

static enum td_code read_msi(struct td_cli *cli, const char *file, struct msi *ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf table;
    const char *code = td_cli_option(cli, "product-code"), *version = td_cli_option(cli, "product-version");
    td_buf_init(&table, MAX_TABLE);
    *ret = (struct msi){code, version};
    if (code != NULL && version != NULL)
        return TD_OK;
    td_try(read_table(file, &table, err));
    if (code == NULL)
        ret->product_code = property(td_buf_slice(&table), "ProductCode", &cli->arena);
    if (version == NULL)
        ret->product_version = property(td_buf_slice(&table), "ProductVersion", &cli->arena);
    return TD_OK;
}

static void write_after(struct td_cli *cli, struct td_jsonw *w)
{
    if (td_cli_option(cli, "after") == NULL)
        return;
    td_jsonw_key(w, "after");
    td_jsonw_arr(w);
    for (int i = 0; td_cli_option_at(cli, "after", i) != NULL; i++)
        td_jsonw_str(w, td_cli_option_at(cli, "after", i));
    td_jsonw_arr_end(w);
}

static enum td_code make_item(struct td_cli *cli, const struct msi *msi, const char *sha256, struct td_json **ret,
                              struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    struct td_jsonw w;
    const char *line = td_cli_option(cli, "command-line");
    td_buf_init(&b, TD_ITEM_MAX);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "kind", "msi");
    if (td_cli_option(cli, "user") != NULL)
        td_jsonw_kstr(&w, "scope", "user");
    td_jsonw_kstr(&w, "content", sha256);
    td_jsonw_kstr(&w, "productCode", msi->product_code);
    td_jsonw_kstr(&w, "productVersion", msi->product_version);
    if (line != NULL)
        td_jsonw_kstr(&w, "commandLine", line);
    write_after(cli, &w);
    td_jsonw_end(&w);
    return td_json_parse(td_buf_slice(&b), TD_ITEM_MAX, &cli->arena, ret, err);
}

struct adding {
    struct td_cli *cli;
    struct td_content content;
};

static enum td_code add_content(struct td_tx *tx, void *p, struct td_error *err)
{
    struct adding *c = p;
    return td_content_add(tx, c->cli->tenant.id, &c->content, "command line", err);
}

/* The item is checked before the bytes are taken in; the content row comes before the item that names it. */
static enum td_code run_add(struct td_cli *cli, struct td_error *err)
{
    static const char any_sha256[] = "0000000000000000000000000000000000000000000000000000000000000000";
    const char *file = cli->args[0], *name = td_cli_option(cli, "name");
    struct adding c = {.cli = cli};
    struct td_item item;
    struct td_json *json;
    struct msi msi;
    td_try(read_msi(cli, file, &msi, err));
    td_try(make_item(cli, &msi, any_sha256, &json, err));
    td_try(td_item_parse(json, &cli->arena, &item, err));
    td_try(td_content_import(td_store_dir(cli->store), file, &cli->arena, &c.content, err));
    td_try(td_store_write(cli->store, add_content, &c, err));
    td_try(make_item(cli, &msi, c.content.sha256, &json, err));
    return td_policy_put(cli, name, json, td_cli_option(cli, "replace") != NULL, err);
}

static const struct td_command rows[] = {
    {.noun = "package",
     .verb = "add",
     .args = "FILE.msi",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .needs = "name",
     .about = "Takes a package in and adds the item that installs it; `policy assign` gives it to devices.",
     .fields = "id; name; kind",
     .run = run_add,
     .options = {{"name", "NAME", "name of the item", false},
                 {"command-line", "TEXT", "arguments for the installer, /quiet at first", false},
                 {"product-code", "GUID", "else read from the package", false},
                 {"product-version", "VERSION", "else read from the package", false},
                 {"after", "NAME", "a package that must be installed before this one is sent", true},
                 {"user", NULL, "a package for each user", false},
                 {"replace", NULL, "change the item of this name", false}}},
};

const struct td_command_table td_package_commands = {rows, TD_COUNTOF(rows)};
