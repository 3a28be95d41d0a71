/* A tree in a folder of its own, with a machine of fixed facts. */
#ifndef TD_TESTS_CSP_WORLD_H
#define TD_TESTS_CSP_WORLD_H

#include "base/arena.h"
#include "base/env.h"
#include "device/csp/csp.h"
#include "unit/test.h"

#include <stdlib.h>
#include <unistd.h>

#define PROVIDER_KEY "Device/Vendor/MSFT/DMClient/Provider/ExampleMDM"
#define PROVIDER "./Device/Vendor/MSFT/DMClient/Provider/ExampleMDM"
#define FIRST_SYNC PROVIDER "/FirstSyncStatus/"
#define MSI_ID "%7B77777777-0000-4000-8000-000000000001%7D"
#define MSI_NODE "./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/" MSI_ID
#define MSI_JOB(id, hash)                                                                                           \
    "<MsiInstallJob id=\"" id "\"><Product Version=\"1.2.3.0\"><Download><ContentURLList><ContentURL>"              \
    "https://mdm.example.test/content/agent.msi?a=1&amp;b=2</ContentURL></ContentURLList></Download><Validation>"   \
    "<FileHash>" hash "</FileHash></Validation><Enforcement><CommandLine>/quiet</CommandLine><TimeOut>10</TimeOut>" \
    "<RetryCount>1</RetryCount><RetryInterval>5</RetryInterval></Enforcement></Product></MsiInstallJob>"
#define MSI_GUID "{77777777-0000-4000-8000-000000000001}"
#define SOME_HASH "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"
#define WLAN(ssid)                                                                           \
    "<WLANProfile xmlns=\"http://www.microsoft.com/networking/WLAN/profile/v1\"><name>" ssid \
    "</name><SSIDConfig><SSID><name>" ssid "</name></SSID></SSIDConfig></WLANProfile>"

struct csp_world {
    char dir[64];
    struct td_env_fixed env;
    struct td_csp *csp;
    struct td_arena a;
    const char *user_type;
};

static inline const char *csp_world_fact(void *ctx, const char *name, struct td_arena *a TD_UNUSED)
{
    const struct csp_world *w = ctx;
    static const char *const facts[][2] = {{"serial", "LAP 4711-ABCDEF"},     {"hw-device-id", "a1b2c3d4e5"},
                                           {"os-version", "10.0.22631.2506"}, {"edition", "48"},
                                           {"user", "ada@contoso.test"},      {"hardware-hash", "T0EAAA"},
                                           {"manufacturer", "Example Corp"},  {"model", "Model X"}};
    if (strcmp(name, "user-type") == 0)
        return w->user_type;
    for (size_t i = 0; i < TD_COUNTOF(facts); i++)
        if (strcmp(facts[i][0], name) == 0)
            return facts[i][1];
    return NULL;
}

static inline void csp_world_reopen(struct csp_world *w)
{
    const struct td_csp_config config = {.dir = w->dir, .env = &w->env.env, .fact = csp_world_fact, .ctx = w};
    td_csp_close(w->csp);
    w->csp = NULL;
    assert_ok(td_csp_open(&config, &w->csp, NULL));
}

static inline void csp_world_open(struct csp_world *w)
{
    memset(w, 0, sizeof(*w));
    (void)snprintf(w->dir, sizeof(w->dir), "/tmp/td-csp-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    td_env_fixed_init(&w->env, INT64_C(1900000000) * TD_SECOND, 7);
    td_arena_init(&w->a);
    w->user_type = "standard";
    csp_world_reopen(w);
    td_csp_put(w->csp, "@provider", "chr", "ExampleMDM");
    td_csp_put(w->csp, PROVIDER_KEY, "node", "");
    td_csp_put(w->csp, "User/Vendor/MSFT/DMClient/Provider/ExampleMDM", "node", "");
}

static inline void csp_world_close(struct csp_world *w)
{
    char path[128];
    td_csp_close(w->csp);
    td_arena_done(&w->a);
    (void)snprintf(path, sizeof(path), "%s/csp.json", w->dir);
    (void)unlink(path);
    assert_int_equal(rmdir(w->dir), 0);
}

static inline struct td_csp_answer csp_world_do(struct csp_world *w, enum td_csp_op op, const char *uri,
                                                const char *format, const char *data)
{
    struct td_csp_answer answer;
    td_csp_run(w->csp, op, uri, format, td_str(data), &w->a, &answer);
    return answer;
}

#endif
