/* Throttling: how many calls a tenant, and a program in a tenant, may make in 20 seconds (graph-api.md 2.5).
 *
 * Off at first; the tenant's settings graph-throttle and graph-throttle-* switch it on and say how much. Counters are
 * in memory, one window of 20 seconds each, at most 512 of them: with more programs than that the oldest window is
 * forgotten, which lets calls pass and never refuses one. Refused calls are not counted. One object a process, made by
 * app/serve; its functions may be called from any thread. */
#ifndef TD_GRAPH_THROTTLE_H
#define TD_GRAPH_THROTTLE_H

#include "api/token.h"

struct td_g_throttle;
struct td_g_throttle *td_g_throttle_new(void);
void td_g_throttle_free(struct td_g_throttle *t); /* accepts NULL */

struct td_g_limits { /* calls in a window; 0 for no limit */
    bool on;
    int64_t tenant_any, tenant_writes, app_any, app_writes;
};
enum td_code td_g_limits_of(struct td_tx *tx, const char *tenant, struct td_g_limits *ret, struct td_error *err)
    TD_MUST_USE;

/* Counts one call, whose caller is proven, against svc->throttle (NULL: no limits). TD_ELIMIT: to be answered as 429;
 * the reply has its Retry-After and err the sentence. windowsAutopilotSettings/sync always passes and is not counted.
 */
enum td_code td_g_throttle_pass(const struct td_service *svc, const struct td_g_limits *limits,
                                const struct td_claims *who, struct td_http_request *req, struct td_http_reply *reply,
                                struct td_error *err) TD_MUST_USE;

#endif
