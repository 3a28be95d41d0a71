/* dm/dm: opening the client on a device's state, and what the rest of the device calls. */
#include "base/file.h"
#include "device/board.h"
#include "device/dm/client.h"
#include "device/domain.h"
#include "device/identity.h"
#include "device/reset.h"
#include "device/seat.h"

#include <stdio.h>
#include <stdlib.h>

enum { OOBE_STANDARD_USER = 2 }; /* CloudAssignedOobeConfig, autopilot.md 2.3 */

static const char *state(const struct td_dm *dm, const char *key)
{
    return td_state_get(dm->dev->state, key);
}

static const char *or_empty(const char *s)
{
    return s == NULL ? "" : s;
}

static const char *number(struct td_arena *a, uint64_t n)
{
    return td_arena_printf(a, "%llu", (unsigned long long)n);
}

static const char *fact_of_hardware(struct td_dm *dm, const char *name, struct td_arena *a)
{
    const struct td_hw_facts *f = &dm->hw.facts;
    const struct {
        const char *name, *value;
    } texts[] = {
        {"manufacturer", f->manufacturer},
        {"model", f->model},
        {"serial", f->serial},
        {"firmware", f->firmware_version},
        {"os-version", dm->hw.os_version},
        {"hw-device-id", dm->hw.hw_dev_id},
        {"tpm-version", f->tpm_version},
    };
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        if (strcmp(texts[i].name, name) == 0)
            return or_empty(texts[i].value);
    if (strcmp(name, "architecture") == 0)
        return number(a, f->cpu_arch);
    if (strcmp(name, "ram-mib") == 0)
        return number(a, f->ram >> 20);
    if (strcmp(name, "storage-mib") == 0)
        return number(a, f->disk_count == 0 ? 0 : f->disks[0].capacity >> 20);
    if (strcmp(name, "edition") == 0)
        return number(a, (uint64_t)(dm->hw.edition == 0 ? 48 : dm->hw.edition));
    return NULL;
}

static const char *wlan_mac(struct td_dm *dm, struct td_arena *a)
{
    for (size_t i = 0; i < dm->hw.facts.nic_count; i++) {
        const struct td_hw_nic *n = &dm->hw.facts.nics[i];
        if (n->medium == 1 || n->medium == 9)
            return td_arena_printf(a, "%02X%02X%02X%02X%02X%02X", n->mac[0], n->mac[1], n->mac[2], n->mac[3], n->mac[4],
                                   n->mac[5]);
    }
    return "";
}

/* AutomaticRedeployment/Status and /LastError: an int, whose HRESULT is told as its signed value. */
static const char *reset_fact(struct td_dm *dm, const char *name, struct td_arena *a)
{
    int64_t status;
    uint32_t error;
    td_reset_status(dm->dev, &status, &error);
    return td_arena_printf(a, "%lld", (long long)(strcmp(name, "reset-status") == 0 ? status : (int32_t)error));
}

static const char *fact(void *ctx, const char *name, struct td_arena *a)
{
    struct td_dm *dm = ctx;
    static const struct {
        const char *name, *key;
    } kept[] = {{"device-id", "enrol.device_id"}, {"directory-id", "join.device_id"}, {"user", "enrol.user"},
                {"user-sid", "domain.user_sid"},  {"domain", "domain.name"},          {"laps-account", "laps.account"},
                {"language", "chosen.language"},  {"language", "profile.language"}};
    for (size_t i = 0; i < TD_COUNTOF(kept); i++)
        if (strcmp(kept[i].name, name) == 0 && state(dm, kept[i].key) != NULL)
            return state(dm, kept[i].key);
    if (td_starts(td_str(name), "reset-"))
        return reset_fact(dm, name, a);
    if (strcmp(name, "domain-roots") == 0)
        return td_domain_roots(dm->dev, a);
    if (strcmp(name, "people") == 0)
        return td_seat_people(dm->dev, a);
    if (strcmp(name, "user-type") == 0)
        return (td_state_int(dm->dev->state, "profile.oobe", 0) & OOBE_STANDARD_USER) != 0 ? "standard"
                                                                                           : "administrator";
    if (!dm->has_hw)
        dm->has_hw = td_hardware_of(dm->dev, &dm->arena, &dm->hw, NULL) == TD_OK;
    if (strcmp(name, "language") == 0)
        return dm->has_hw && dm->hw.locale != NULL ? dm->hw.locale : "en-US";
    if (!dm->has_hw)
        return "";
    char *hash;
    if (strcmp(name, "hardware-hash") == 0)
        return td_hardware_hash(&dm->hw, dm->dev->env, a, &hash, NULL) == TD_OK ? hash : "";
    if (strcmp(name, "wlan-mac") == 0)
        return wlan_mac(dm, a);
    if (strcmp(name, "hardware-mismatch") == 0)
        return td_board_told(dm->dev, &dm->hw, a);
    const char *value = fact_of_hardware(dm, name, a);
    return value == NULL ? "" : value;
}

enum td_code td_dm_open(struct td_device *dev, const struct td_dm_transport *transport, struct td_dm *ret,
                        struct td_error *err)
{
    *ret = (struct td_dm){.dev = dev, .net = transport, .max_msg = TD_DM_MAX_MSG};
    td_arena_init(&ret->arena);
    struct td_csp_config config = {
        .dir = dev->dir, .env = dev->env, .fact = fact, .order = td_dm_order, .join = td_dm_domain, .ctx = ret};
    return td_csp_open(&config, &ret->csp, err);
}

void td_dm_close(struct td_dm *dm)
{
    td_csp_close(dm->csp);
    td_arena_done(&dm->arena);
    dm->csp = NULL;
}

/* --- the real network --------------------------------------------------------------------------------------------- */

struct wire {
    struct td_dm *dm;
    struct td_net *net;
    char *trust; /* what net trusts: made anew when management has installed another root */
    struct td_identity id;
};

static struct td_slice trust_of(struct td_dm *dm, struct td_arena *a)
{
    const char *roots = td_csp_effect(dm->csp, "trusted_roots", a);
    char *all = td_arena_printf(a, "%.*s\n%s", TD_FMT(dm->dev->ca_pem), or_empty(roots));
    return td_str(all);
}

static void wire_done(struct wire *w)
{
    td_net_free(w->net);
    td_free(w->trust);
    td_identity_done(&w->id);
    w->net = NULL;
    w->trust = NULL;
}

static enum td_code wire_net(struct wire *w, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    struct td_slice trust = trust_of(w->dm, &a);
    if (w->net != NULL && td_eqs(trust, w->trust))
        return TD_OK;
    wire_done(w);
    struct td_net_config config = {.ca_pem = trust, .timeout_seconds = 60, .max_body = TD_SYNCML_MAX};
    td_try(td_identity_show(w->dm->dev, "mdm", &w->id, &config, err));
    w->trust = td_strdup(trust.p);
    return td_net_new(&config, &w->net, err);
}

static enum td_code wire_post(void *ctx, const struct td_net_request *req, struct td_arena *a,
                              struct td_net_response *ret, struct td_error *err)
{
    struct wire *w = ctx;
    td_try(wire_net(w, err));
    return td_net_do(w->net, req, a, ret, err);
}

/* Without the management certificate: content must be good by its address alone (csp.md 5). */
static enum td_code wire_fetch(void *ctx, const char *url, const char *path, uint64_t max, struct td_error *err)
{
    struct wire *w = ctx;
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    struct td_net_config config = {.ca_pem = trust_of(w->dm, &a), .timeout_seconds = 600};
    struct td_net *net = NULL;
    uint64_t total;
    td_try(td_net_new(&config, &net, err));
    enum td_code rc = td_net_download(net, url, path, max, &total, err);
    td_net_free(net);
    return rc;
}

/* A connection of its own for each: they are rare, and the identity is another one than the sessions'. */
static enum td_code wire_send(void *ctx, bool by_device, const struct td_net_request *req, struct td_arena *a,
                              struct td_net_response *ret, struct td_error *err)
{
    struct wire *w = ctx;
    TD_CLEANUP(td_identity_done) struct td_identity id;
    struct td_net_config config = {.ca_pem = trust_of(w->dm, a), .timeout_seconds = 60};
    td_identity_init(&id);
    if (by_device)
        td_try(td_identity_show(w->dm->dev, "device", &id, &config, err));
    struct td_net *net = NULL;
    td_try(td_net_new(&config, &net, err));
    enum td_code rc = td_net_do(net, req, a, ret, err);
    td_net_free(net);
    return rc;
}

/* Opens the client on the real network and runs one thing on it. */
struct work {
    int reason;
    bool user_active;
    enum td_dm_phase phase;
    enum td_code (*fn)(struct td_dm *dm, const struct work *work, struct td_error *err);
};

static enum td_code with_wire(struct td_device *dev, const struct work *work, struct td_error *err)
{
    struct td_dm dm;
    struct wire w = {.dm = &dm};
    const struct td_dm_transport transport = {.post = wire_post, .fetch = wire_fetch, .send = wire_send, .ctx = &w};
    td_identity_init(&w.id);
    enum td_code rc = td_dm_open(dev, &transport, &dm, err);
    if (rc == TD_OK)
        rc = work->fn(&dm, work, err);
    wire_done(&w);
    td_dm_close(&dm);
    return rc;
}

/* --- for the rest of the device ----------------------------------------------------------------------------------- */

enum td_code td_dm_cycle(struct td_dm *dm, int reason, bool user_active, struct td_error *err)
{
    td_try(td_dm_talk(dm, reason, user_active, err));
    if (td_dm_ordered(dm))
        return td_dm_await(dm, user_active, err);
    td_try(td_dm_install(dm, err));
    td_try(td_dm_laps(dm, err));
    td_try(td_dm_archives(dm, err));
    return td_dm_has_report(dm) ? td_dm_talk(dm, TD_DM_CSP_REASON, user_active, err) : TD_OK;
}

static enum td_code one_session(struct td_dm *dm, const struct work *work, struct td_error *err)
{
    td_try(td_dm_cycle(dm, work->reason, work->user_active, err));
    if (!td_csp_restart_due(dm->csp))
        return TD_OK;
    td_device_say(dm->dev, "restart", "%s", td_csp_value(dm->csp, "@restart"));
    td_csp_restart(dm->csp);
    return td_csp_save(dm->csp, err);
}

enum td_code td_dm_session(struct td_device *dev, enum td_dm_reason reason, bool user_active, struct td_error *err)
{
    struct work work = {.reason = (int)reason, .user_active = user_active, .fn = one_session};
    return with_wire(dev, &work, err);
}

static enum td_code page(struct td_dm *dm, const struct work *work, struct td_error *err)
{
    return td_dm_page(dm, work->phase, err);
}

enum td_code td_dm_status_page(struct td_device *dev, enum td_dm_phase phase, struct td_error *err)
{
    struct work work = {.phase = phase, .fn = page};
    return with_wire(dev, &work, err);
}

enum td_code td_csp_apply_wap(struct td_device *dev, const struct td_xml *wap, struct td_error *err)
{
    struct td_dm dm;
    enum td_code rc = td_dm_open(dev, NULL, &dm, err);
    if (rc == TD_OK)
        rc = td_dm_wap(&dm, wap, err);
    td_dm_close(&dm);
    return rc;
}

enum td_code td_device_tree_check(struct td_device *dev, struct td_error *err)
{
    struct td_dm dm;
    enum td_code rc = td_dm_open(dev, NULL, &dm, err);
    td_dm_close(&dm);
    return rc;
}

const char *td_device_effect(struct td_device *dev, const char *name, struct td_arena *a)
{
    struct td_dm dm;
    const char *value = NULL;
    if (td_dm_open(dev, NULL, &dm, NULL) == TD_OK)
        value = td_csp_effect(dm.csp, name, a);
    value = value == NULL ? NULL : td_arena_strdup(a, value); /* may point into what is closed now */
    td_dm_close(&dm);
    return value;
}
