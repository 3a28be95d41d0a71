#include "policy/desired_item.h"

#include "base/encode.h"

#include <ctype.h>
#include <stdio.h>

static enum td_stage setting_stage(const struct td_item *item)
{
    return item->user ? TD_STAGE_USER_SETTING : TD_STAGE_SETTING;
}

static enum td_stage proof_stage(const struct td_item *item)
{
    return item->user ? TD_STAGE_USER_PROOF : TD_STAGE_PROOF;
}

static enum td_sync_kind verb_of(const char *word)
{
    return strcmp(word, "add") == 0 ? TD_SYNC_ADD : strcmp(word, "exec") == 0 ? TD_SYNC_EXEC : TD_SYNC_REPLACE;
}

static bool is_policy(const char *uri)
{
    return td_search(td_str(uri), TD_S("/Vendor/MSFT/Policy/Config/")) != SIZE_MAX;
}

static struct td_want *put_setting(struct td_desired_ctx *c, const struct td_item *item,
                                   const struct td_item_setting *s)
{
    struct td_want *w = td_want_add(c, setting_stage(item), verb_of(s->verb), s->uri);
    w->format = s->format;
    w->type = strcmp(s->format, "node") != 0 && strcmp(s->format, "null") != 0 ? "text/plain" : "";
    w->data = strcmp(s->format, "node") != 0 && strcmp(s->format, "null") != 0 ? s->value : NULL;
    return w;
}

/* Policy/Result holds the value in effect (csp.md 8); other nodes are read back where they were written. */
static void ask_setting(struct td_desired_ctx *c, const struct td_item *item, const struct td_item_setting *s)
{
    if (strcmp(s->verb, "exec") == 0 || strcmp(s->format, "node") == 0)
        return;
    const char *uri = s->uri;
    struct td_slice text = td_str(s->uri);
    size_t at = td_search(text, TD_S("/Policy/Config/"));
    if (at != SIZE_MAX)
        uri = td_arena_printf(c->arena, "%.*s/Policy/Result/%s", (int)at, s->uri,
                              s->uri + at + strlen("/Policy/Config/"));
    td_want_ask(c, proof_stage(item), uri, s->value);
}

/* csp.md 8: DeviceLock goes as one Atomic, DevicePasswordEnabled first; csp.md 17: so does what LAPS is told. */
static bool in_atomic(const struct td_item_policy *p, const struct td_item_setting *s)
{
    return p->atomic || td_search(td_str(s->uri), TD_S("/Policy/Config/DeviceLock/")) != SIZE_MAX ||
           td_search(td_str(s->uri), TD_S("/Vendor/MSFT/LAPS/Policies/")) != SIZE_MAX;
}

static bool goes_first(const struct td_item_setting *s)
{
    return td_ends(td_str(s->uri), "/DeviceLock/DevicePasswordEnabled");
}

static void atomic_settings(struct td_desired_ctx *c, const struct td_item *item)
{
    const struct td_item_policy *p = &item->as.policy;
    size_t members = 0;
    for (size_t i = 0; i < p->count; i++)
        members += in_atomic(p, &p->settings[i]);
    if (members == 0)
        return;
    char *name =
        td_arena_printf(c->arena, "%s/item/%s", td_want_root(item), item->id); /* only a key: an Atomic has no target */
    struct td_want *atomic = td_want_add(c, setting_stage(item), TD_SYNC_ATOMIC, name);
    struct td_want **tail = c->tail;
    c->tail = &atomic->child;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < p->count; i++)
            if (in_atomic(p, &p->settings[i]) && goes_first(&p->settings[i]) == (pass == 0))
                put_setting(c, item, &p->settings[i]);
    c->tail = tail;
}

static void policy_wants(struct td_desired_ctx *c, const struct td_item *item)
{
    const struct td_item_policy *p = &item->as.policy;
    atomic_settings(c, item);
    for (size_t i = 0; i < p->count; i++)
        if (!in_atomic(p, &p->settings[i]))
            put_setting(c, item, &p->settings[i]);
    for (size_t i = 0; i < p->count; i++)
        ask_setting(c, item, &p->settings[i]);
}

static char *msi_node(const struct td_item *item, struct td_arena *a, const char *leaf)
{
    return td_arena_printf(a, "%s/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%s/%s", td_want_root(item),
                           td_want_segment(a, item->as.msi.product_code), leaf);
}

static char *msi_job(const struct td_item_msi *m, const char *command_line, struct td_arena *a)
{
    struct td_buf b;
    struct td_xmlw w;
    char number[16];
    char *hash = td_arena_strdup(a, m->content);
    for (char *h = hash; *h != '\0'; h++)
        *h = (char)toupper((unsigned char)*h);
    td_buf_init(&b, 16384);
    td_xmlw_init(&w, &b);
    td_xmlw_open(&w, "MsiInstallJob");
    td_xmlw_attr(&w, "id", m->product_code);
    td_xmlw_open(&w, "Product");
    td_xmlw_attr(&w, "Version", m->product_version);
    td_xmlw_open(&w, "Download");
    td_xmlw_open(&w, "ContentURLList");
    td_xmlw_leaf(&w, "ContentURL", m->url != NULL ? m->url : "");
    td_xmlw_close(&w);
    td_xmlw_close(&w);
    td_xmlw_open(&w, "Validation");
    td_xmlw_leaf(&w, "FileHash", hash);
    td_xmlw_close(&w);
    td_xmlw_open(&w, "Enforcement");
    td_xmlw_leaf(&w, "CommandLine", command_line);
    const struct {
        const char *name;
        int value;
    } numbers[] = {
        {"TimeOut", m->timeout_minutes}, {"RetryCount", m->retry_count}, {"RetryInterval", m->retry_interval_minutes}};
    for (size_t i = 0; i < TD_COUNTOF(numbers); i++) {
        (void)snprintf(number, sizeof(number), "%d", numbers[i].value);
        td_xmlw_leaf(&w, numbers[i].name, number);
    }
    for (int open = 0; open < 3; open++)
        td_xmlw_close(&w);
    char *job = td_arena_text(a, td_buf_slice(&b));
    td_buf_done(&b);
    return job;
}

/* csp.md 5: Add and Exec of DownloadInstall in a Sequence, the job as text; done means accepted, Status 70 installed.
 * What others wait for is asked for its Status early: the release waits for them. */
static void msi_wants(struct td_desired_ctx *c, const struct td_item *item)
{
    enum td_stage stage = item->user ? TD_STAGE_USER_SETTING : TD_STAGE_PACKAGE;
    char *uri = msi_node(item, c->arena, "DownloadInstall");
    struct td_want *sequence = td_want_add(c, stage, TD_SYNC_SEQUENCE, uri), **tail = c->tail;
    sequence->after_count = td_item_after(c, item, &sequence->after);
    c->tail = &sequence->child;
    td_want_add(c, stage, TD_SYNC_ADD, uri);
    struct td_want *exec = td_want_add(c, stage, TD_SYNC_EXEC, uri);
    exec->format = "xml";
    exec->type = "text/plain";
    exec->data = msi_job(&item->as.msi, td_item_command_line(c, item), c->arena);
    c->tail = tail;
    const char *status = msi_node(item, c->arena, "Status");
    if (td_item_is_awaited(c->in, item))
        td_want_ask(c, stage, status, "70")->early = true;
    td_want_ask(c, proof_stage(item), status, "70");
}

static void root_wants(struct td_desired_ctx *c, const struct td_item *item)
{
    char *uri = td_arena_printf(c->arena, "./Device/Vendor/MSFT/RootCATrustedCertificates/Root/%s/EncodedCertificate",
                                item->as.root.thumbprint);
    struct td_want *w = td_want_add(c, TD_STAGE_SETTING, TD_SYNC_ADD, uri);
    w->format = "b64";
    w->data = item->as.root.certificate;
    td_want_ask(c, TD_STAGE_PROOF, uri, item->as.root.certificate);
}

static char *wifi_node(const struct td_item *item, struct td_arena *a)
{
    return td_arena_printf(a, "%s/Vendor/MSFT/WiFi/Profile/%s", td_want_root(item),
                           td_want_segment(a, item->as.wifi.ssid));
}

static void wifi_key(struct td_xmlw *w, const struct td_item_wifi *n)
{
    td_xmlw_open(w, "sharedKey");
    td_xmlw_leaf(w, "keyType", strlen(n->passphrase) == 64 ? "networkKey" : "passPhrase");
    td_xmlw_leaf(w, "protected", "false");
    td_xmlw_leaf(w, "keyMaterial", n->passphrase);
    td_xmlw_close(w);
}

static char *wlan_xml(const struct td_item_wifi *n, struct td_arena *a)
{
    struct td_buf b, hex;
    struct td_xmlw w;
    bool open = strcmp(n->security, "open") == 0, wpa3 = strcmp(n->security, "wpa3-personal") == 0;
    td_buf_init(&b, 8192);
    td_buf_init(&hex, 128);
    td_hex_add(&hex, td_str(n->ssid), true);
    td_xmlw_init(&w, &b);
    td_xmlw_open(&w, "WLANProfile");
    td_xmlw_attr(&w, "xmlns", "http://www.microsoft.com/networking/WLAN/profile/v1");
    td_xmlw_leaf(&w, "name", n->ssid);
    td_xmlw_open(&w, "SSIDConfig");
    td_xmlw_open(&w, "SSID");
    td_xmlw_leaf_s(&w, "hex", td_buf_slice(&hex));
    td_xmlw_leaf(&w, "name", n->ssid);
    td_xmlw_close(&w);
    if (n->hidden)
        td_xmlw_leaf(&w, "nonBroadcast", "true");
    td_xmlw_close(&w);
    td_xmlw_leaf(&w, "connectionType", "ESS");
    td_xmlw_leaf(&w, "connectionMode", n->automatic ? "auto" : "manual");
    td_xmlw_open(&w, "MSM");
    td_xmlw_open(&w, "security");
    td_xmlw_open(&w, "authEncryption");
    td_xmlw_leaf(&w, "authentication", open ? "open" : wpa3 ? "WPA3SAE" : "WPA2PSK");
    td_xmlw_leaf(&w, "encryption", open ? "none" : "AES");
    td_xmlw_leaf(&w, "useOneX", "false");
    td_xmlw_close(&w);
    if (!open)
        wifi_key(&w, n);
    for (int i = 0; i < 3; i++)
        td_xmlw_close(&w);
    char *xml = td_arena_text(a, td_buf_slice(&b));
    td_buf_wipe(&b);
    td_buf_done(&hex);
    return xml;
}

/* The profile's presence is what the page waits for and what we ask back; its text holds the passphrase. */
static void wifi_wants(struct td_desired_ctx *c, const struct td_item *item)
{
    char *node = wifi_node(item, c->arena);
    struct td_want *w = td_want_add(c, setting_stage(item), TD_SYNC_ADD, td_arena_printf(c->arena, "%s/WlanXml", node));
    w->format = "chr";
    w->data = wlan_xml(&item->as.wifi, c->arena);
    td_want_ask(c, proof_stage(item), node, "");
}

static void edition_wants(struct td_desired_ctx *c, const struct td_item *item)
{
    struct td_want *w = td_want_add(c, TD_STAGE_EDITION, TD_SYNC_EXEC,
                                    "./Device/Vendor/MSFT/WindowsLicensing/UpgradeEditionWithProductKey");
    w->format = "chr";
    w->data = item->as.edition.product_key;
    if (item->as.edition.edition == 0) {
        td_want_ask(c, TD_STAGE_PROOF, "./Vendor/MSFT/WindowsLicensing/Status", "3");
        return;
    }
    /* a device that has the edition already must not be restarted for it */
    w->unless_uri = "./Vendor/MSFT/WindowsLicensing/Edition";
    w->unless_value = td_arena_printf(c->arena, "%d", item->as.edition.edition);
    td_want_ask(c, TD_STAGE_INVENTORY, w->unless_uri, NULL);
    td_want_ask(c, TD_STAGE_PROOF, w->unless_uri, w->unless_value);
}

void td_item_wants(struct td_desired_ctx *c, const struct td_item *item)
{
    static void (*const makers[TD_ITEM_KIND_COUNT])(struct td_desired_ctx *, const struct td_item *) = {
        [TD_ITEM_POLICY] = policy_wants,
        [TD_ITEM_MSI] = msi_wants,
        [TD_ITEM_ROOT_CERTIFICATE] = root_wants,
        [TD_ITEM_WIFI] = wifi_wants,
        [TD_ITEM_EDITION] = edition_wants,
        [TD_ITEM_STATUS_PAGE] = NULL,
        [TD_ITEM_KIOSK] = td_kiosk_wants,
        [TD_ITEM_SHARED_PC] = td_shared_pc_wants,
        [TD_ITEM_DOMAIN_JOIN] = NULL,
        [TD_ITEM_VPN] = td_vpn_wants,
        [TD_ITEM_CO_MANAGEMENT] = td_co_management_wants,
    };
    if (makers[item->kind] != NULL)
        makers[item->kind](c, item);
}

static void member(struct td_buf *out, const char *uri)
{
    if (out->n != 0)
        td_buf_adds(out, TD_SYNCML_LIST);
    td_buf_adds(out, uri);
}

void td_item_expect(const struct td_item *item, enum td_expect list, struct td_arena *a, struct td_buf *out)
{
    if (list == TD_EXPECT_POLICY && item->kind == TD_ITEM_POLICY)
        for (size_t i = 0; i < item->as.policy.count; i++)
            if (is_policy(item->as.policy.settings[i].uri))
                member(out, item->as.policy.settings[i].uri);
    if (list == TD_EXPECT_POLICY && item->kind == TD_ITEM_KIOSK)
        member(out, TD_KIOSK_URI); /* autopilot.md 4.2: of the policies the page waits for this one */
    if (list == TD_EXPECT_NETWORK && item->kind == TD_ITEM_WIFI)
        member(out, wifi_node(item, a));
    if (list == TD_EXPECT_NETWORK && item->kind == TD_ITEM_VPN)
        member(out, td_vpn_node(item, a));
    if (list == TD_EXPECT_MSI && item->kind == TD_ITEM_MSI)
        member(out, td_arena_printf(a, "%s;1", msi_node(item, a, "Status")));
}
