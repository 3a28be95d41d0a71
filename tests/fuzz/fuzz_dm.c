/* device/dm: whatever a service sends is answered, and the answer can be read: one Status at least for each command. */
#include "device/dm/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *fact(void *ctx TD_UNUSED, const char *name, struct td_arena *a TD_UNUSED)
{
    return name;
}

static size_t count(const struct td_sync_cmd *list, bool statuses)
{
    size_t n = 0;
    for (const struct td_sync_cmd *c = list; c != NULL; c = c->next)
        n += statuses ? c->kind == TD_SYNC_STATUS : c->kind != TD_SYNC_STATUS && c->kind != TD_SYNC_RESULTS;
    return n;
}

static void check_answer(struct td_dm *dm, const struct td_sync_msg *in)
{
    struct td_sync_msg out = {.session_id = "1", .msg_id = "2", .target = "t", .source = "s", .cmds = dm->pending},
                       again;
    struct td_buf text;
    td_buf_init(&text, 1 << 26);
    for (struct td_sync_cmd *c = dm->pending; c != NULL; c = c->next)
        c->cmd_id = "1";
    td_syncml_write(&text, &out);
    if (text.n <= TD_SYNCML_MAX && td_syncml_parse(td_buf_slice(&text), dm->a, &again, NULL) != TD_OK)
        __builtin_trap();
    if (!td_csp_unenrolled(dm->csp) && count(dm->pending, true) < count(in->cmds, false))
        __builtin_trap();
    td_buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_env_fixed env;
    struct td_arena a;
    struct td_sync_msg msg;
    struct td_device dev = {0};
    td_arena_init(&a);
    td_env_fixed_init(&env, INT64_C(1900000000) * TD_SECOND, 1);
    struct td_dm dm = {.dev = &dev, .a = &a, .server_msg_id = "1"};
    const struct td_csp_config config = {.dir = "/nonexistent", .env = &env.env, .fact = fact};
    if (td_csp_open(&config, &dm.csp, NULL) != TD_OK)
        __builtin_trap();
    td_csp_put(dm.csp, "@provider", "chr", "ExampleMDM");
    td_csp_put(dm.csp, "Device/Vendor/MSFT/DMClient/Provider/ExampleMDM", "node", "");
    td_csp_set_user(dm.csp, size % 2 == 0);
    if (td_syncml_parse(td_bytes(data, size), &a, &msg, NULL) == TD_OK) {
        td_dm_apply(&dm, &msg);
        check_answer(&dm, &msg);
        for (size_t i = 0; td_csp_effect_word(i) != NULL; i++)
            (void)td_csp_effect(dm.csp, td_csp_effect_word(i), &a);
    }
    td_free(dm.large.target);
    td_buf_done(&dm.large.data);
    td_csp_close(dm.csp);
    td_arena_done(&a);
    return 0;
}
