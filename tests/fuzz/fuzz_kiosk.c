/* policy/item, device/csp/kiosk and vpn: an item that is taken comes back the same, and a device takes all that it
 * becomes; a configuration that a device takes has an account and an app, a VPN profile a server. */
#include "device/csp/kiosk.h"
#include "device/csp/vpn.h"
#include "policy/desired.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *fact(void *ctx TD_UNUSED, const char *name TD_UNUSED, struct td_arena *a TD_UNUSED)
{
    return NULL;
}

static const char *written(const struct td_item *item, struct td_arena *a)
{
    struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, (size_t)4 * TD_ITEM_MAX);
    td_jsonw_init(&w, &b);
    td_item_write(&w, item, true);
    const char *text = td_arena_text(a, td_buf_slice(&b));
    td_buf_done(&b);
    return text;
}

static void comes_back(const struct td_item *item, struct td_arena *a)
{
    const char *text = written(item, a);
    struct td_json *json = NULL;
    struct td_item again;
    if (td_json_parse(td_str(text), (size_t)4 * TD_ITEM_MAX, a, &json, NULL) != TD_OK ||
        td_item_parse(json, a, &again, NULL) != TD_OK || strcmp(written(&again, a), text) != 0)
        __builtin_trap();
}

/* What the service asks is what the device can do. */
static void is_taken(struct td_csp *csp, struct td_item *item, struct td_arena *a)
{
    struct td_desired desired;
    struct td_csp_kiosk kiosk;
    item->id = "9a2a490f-10f6-4764-974a-43b19e722c23";
    item->name = "screen";
    const struct td_desired_in in = {
        .provider = "P", .user_upn = "", .computer_name = "", .items = item, .item_count = 1};
    td_desired_make(&in, a, &desired);
    for (const struct td_want *w = desired.wants; w != NULL; w = w->next) {
        struct td_csp_answer answer;
        if (w->verb == TD_SYNC_GET || strcmp(w->item, item->id) != 0)
            continue;
        const struct td_want *one = w->child != NULL ? w->child : w;
        td_csp_run(csp, one->verb == TD_SYNC_ADD ? TD_CSP_ADD : TD_CSP_REPLACE, one->uri, one->format,
                   td_str(one->data), a, &answer);
        if (answer.status != 200)
            __builtin_trap();
    }
    if (item->kind == TD_ITEM_KIOSK && !td_csp_kiosk(csp, a, &kiosk))
        __builtin_trap();
    struct td_csp_vpn vpn[TD_CSP_MAX_VPNS];
    if (item->kind == TD_ITEM_VPN && item->as.vpn.profile_xml[0] == '\0' && td_csp_vpns(csp, a, vpn) != 1)
        __builtin_trap();
}

static bool is_of_interest(enum td_item_kind kind)
{
    return kind == TD_ITEM_KIOSK || kind == TD_ITEM_SHARED_PC || kind == TD_ITEM_VPN || kind == TD_ITEM_DOMAIN_JOIN ||
           kind == TD_ITEM_CO_MANAGEMENT;
}

static void as_item(struct td_csp *csp, struct td_slice text, struct td_arena *a)
{
    struct td_json *json = NULL;
    struct td_item item;
    if (td_json_parse(text, TD_ITEM_MAX, a, &json, NULL) != TD_OK || td_item_parse(json, a, &item, NULL) != TD_OK ||
        !is_of_interest(item.kind))
        return;
    comes_back(&item, a);
    /* of a profile that is written by hand we know no more than that it is one */
    if (item.kind != TD_ITEM_VPN || item.as.vpn.profile_xml[0] == '\0')
        is_taken(csp, &item, a);
}

static void as_configuration(struct td_csp *csp, struct td_slice text, struct td_arena *a)
{
    static const char uri[] = "./Device/Vendor/MSFT/AssignedAccess/Configuration";
    struct td_csp_answer answer;
    struct td_csp_kiosk kiosk;
    td_csp_run(csp, TD_CSP_REPLACE, uri, "chr", text, a, &answer);
    if (answer.status == 200 && td_csp_kiosk(csp, a, &kiosk) && (kiosk.account[0] == '\0' || kiosk.apps[0] == '\0'))
        __builtin_trap();
    if (answer.status != 200 && td_csp_value(csp, "@autologon") != NULL)
        __builtin_trap();
    struct td_csp_vpn vpn[TD_CSP_MAX_VPNS];
    td_csp_run(csp, TD_CSP_ADD, "./Device/Vendor/MSFT/VPNv2/V/ProfileXML", "chr", text, a, &answer);
    if ((answer.status == 200) != (td_csp_vpns(csp, a, vpn) == 1))
        __builtin_trap();
    for (size_t i = 0; td_csp_effect_word(i) != NULL; i++)
        (void)td_csp_effect(csp, td_csp_effect_word(i), a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_env_fixed env;
    struct td_arena a;
    struct td_csp *csp = NULL;
    td_arena_init(&a);
    td_env_fixed_init(&env, INT64_C(1900000000) * TD_SECOND, 1);
    const struct td_csp_config config = {.dir = "/nonexistent", .env = &env.env, .fact = fact};
    if (td_csp_open(&config, &csp, NULL) != TD_OK)
        __builtin_trap();
    const struct td_slice text = td_bytes(data, size);
    td_csp_set_user(csp, true);
    if (td_starts(text, "{"))
        as_item(csp, text, &a);
    else
        as_configuration(csp, text, &a);
    td_csp_close(csp);
    td_arena_done(&a);
    return 0;
}
