/* Configuration items: back to normalised JSON. */
#include "policy/item_read.h"

static void key_if(struct td_jsonw *w, const char *name, const char *value)
{
    if (value[0] != '\0')
        td_jsonw_kstr(w, name, value);
}

static void write_policy(struct td_jsonw *w, const struct td_item *item)
{
    td_jsonw_key(w, "settings");
    td_jsonw_arr(w);
    for (size_t i = 0; i < item->as.policy.count; i++) {
        const struct td_item_setting *s = &item->as.policy.settings[i];
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "uri", s->uri);
        td_jsonw_kstr(w, "format", s->format);
        td_jsonw_kstr(w, "value", s->value);
        td_jsonw_kstr(w, "operation", s->verb);
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
    td_jsonw_kbool(w, "atomic", item->as.policy.atomic);
}

static void write_msi(struct td_jsonw *w, const struct td_item *item)
{
    const struct td_item_msi *m = &item->as.msi;
    td_jsonw_kstr(w, "content", m->content);
    td_jsonw_kstr(w, "productCode", m->product_code);
    td_jsonw_kstr(w, "productVersion", m->product_version);
    key_if(w, "commandLine", m->command_line);
    td_jsonw_kint(w, "timeoutMinutes", m->timeout_minutes);
    td_jsonw_kint(w, "retryCount", m->retry_count);
    td_jsonw_kint(w, "retryIntervalMinutes", m->retry_interval_minutes);
    td_item_write_ids(w, "after", (const char *const *)m->after, m->after_count);
}

static void write_wifi(struct td_jsonw *w, const struct td_item *item, bool with_secrets)
{
    const struct td_item_wifi *n = &item->as.wifi;
    td_jsonw_kstr(w, "ssid", n->ssid);
    td_jsonw_kstr(w, "security", n->security);
    if (with_secrets)
        key_if(w, "passphrase", n->passphrase);
    td_jsonw_kbool(w, "hidden", n->hidden);
    td_jsonw_kbool(w, "automatic", n->automatic);
}

static void write_edition(struct td_jsonw *w, const struct td_item *item, bool with_secrets)
{
    if (with_secrets)
        td_jsonw_kstr(w, "productKey", item->as.edition.product_key);
    if (item->as.edition.edition != 0)
        td_jsonw_kint(w, "edition", item->as.edition.edition);
}

static void write_page(struct td_jsonw *w, const struct td_item *item)
{
    const struct td_item_page *p = &item->as.page;
    td_jsonw_kbool(w, "show", p->show);
    td_jsonw_kbool(w, "showToEveryUser", p->show_to_every_user);
    td_jsonw_kint(w, "timeoutMinutes", p->timeout_minutes);
    td_jsonw_kbool(w, "allowReset", p->allow_reset);
    td_jsonw_kbool(w, "allowRetry", p->allow_retry);
    td_jsonw_kbool(w, "allowContinue", p->allow_continue);
    td_jsonw_kbool(w, "collectLogs", p->collect_logs);
    key_if(w, "errorText", p->error_text);
}

void td_item_write(struct td_jsonw *w, const struct td_item *item, bool with_secrets)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "kind", td_item_word(item->kind));
    td_jsonw_kstr(w, "scope", item->user ? "user" : "device");
    td_jsonw_kbool(w, "track", item->tracked);
    switch (item->kind) {
    case TD_ITEM_POLICY:
        write_policy(w, item);
        break;
    case TD_ITEM_MSI:
        write_msi(w, item);
        break;
    case TD_ITEM_ROOT_CERTIFICATE:
        td_jsonw_kstr(w, "thumbprint", item->as.root.thumbprint);
        td_jsonw_kstr(w, "certificate", item->as.root.certificate);
        break;
    case TD_ITEM_WIFI:
        write_wifi(w, item, with_secrets);
        break;
    case TD_ITEM_EDITION:
        write_edition(w, item, with_secrets);
        break;
    case TD_ITEM_STATUS_PAGE:
        write_page(w, item);
        break;
    case TD_ITEM_KIOSK:
        td_item_write_kiosk(w, &item->as.kiosk);
        break;
    case TD_ITEM_SHARED_PC:
        td_item_write_shared_pc(w, &item->as.shared_pc);
        break;
    case TD_ITEM_DOMAIN_JOIN:
        td_item_write_domain_join(w, &item->as.domain_join);
        break;
    case TD_ITEM_VPN:
        td_item_write_vpn(w, &item->as.vpn, with_secrets);
        break;
    case TD_ITEM_CO_MANAGEMENT:
        td_item_write_co_management(w, &item->as.co_management);
        break;
    case TD_ITEM_KIND_COUNT:
        break;
    }
    td_jsonw_end(w);
}
