#include "app/commands.h"
#include "base/file.h"
#include "codec/hwhash.h"
#include "crypto/digest.h"

/* The JSON of td_hwhash_json as lines: one value a line, lists numbered. */
static void print_tree(struct td_cli *cli, const struct td_json *v, const char *path)
{
    int i = 0;
    for (const struct td_json *c = v->child; c != NULL; c = c->next, i++) {
        const char *dot = path[0] != '\0' && c->name != NULL ? "." : "";
        const char *at = c->name != NULL ? td_arena_printf(&cli->arena, "%s%s%s", path, dot, c->name)
                                         : td_arena_printf(&cli->arena, "%s[%d]", path, i);
        if (c->type == TD_JSON_OBJECT || c->type == TD_JSON_ARRAY)
            print_tree(cli, c, at);
        else if (c->type == TD_JSON_STRING)
            td_cli_say(cli, "%-32s %s", at, c->str);
        else
            td_cli_say(cli, "%-32s %lld", at, (long long)c->num);
    }
}

/* A file holds the hash as octets or as base64. */
static enum td_code decode(struct td_cli *cli, struct td_slice file, struct td_hw_facts *ret, struct td_error *err)
{
    if (td_starts(file, "OA"))
        return td_hwhash_decode(file, td_sha256, &cli->arena, ret, err);
    return td_hwhash_decode_text(td_trim(file), td_sha256, &cli->arena, ret, NULL, err);
}

static enum td_code run_decode(struct td_cli *cli, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf file, json;
    struct td_hw_facts f;
    struct td_json *tree;
    td_buf_init(&file, TD_HW_MAX_TEXT);
    td_buf_init(&json, 1 << 20);
    td_try(td_file_read(cli->args[0], &file, err));
    td_try(decode(cli, td_buf_slice(&file), &f, err));
    td_hwhash_json(&f, &json);
    td_try(td_buf_check(&json, "hash", err));
    if (cli->json) {
        td_buf_add(&cli->out, td_buf_slice(&json));
        td_buf_addc(&cli->out, '\n');
        return TD_OK;
    }
    td_try(td_json_parse(td_buf_slice(&json), 1 << 20, &cli->arena, &tree, err));
    print_tree(cli, tree, "");
    return TD_OK;
}

static const struct td_command rows[] = {
    {.noun = "hash",
     .verb = "decode",
     .args = "FILE|-",
     .min_args = 1,
     .max_args = 1,
     .about = "Prints what stands in a hardware hash (base64 or octets).",
     .fields = "checksum: ok or wrong; records: their number; one member for each kind of record that is there "
               "(versions, processor, memory, disk, diskSerial, network, smbiosUuid, tpmVersion, manufacturer, model, "
               "serialNumber ...); tpmEkSha256; other: type and octets of records that nobody has decoded",
     .run = run_decode},
};

const struct td_command_table td_hash_commands = {rows, TD_COUNTOF(rows)};
