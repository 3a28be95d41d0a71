/* Requests of the device's side: forms and JSON over a td_transport, and the errors of each protocol as ours.
 *
 * 429, 502, 503 and 504 are TD_EUNAVAILABLE: the step is tried again. Bodies are bounded by the network client. */
#ifndef TD_DEVICE_WEB_H
#define TD_DEVICE_WEB_H

#include "device/flow.h"

/* name=value&..., escaped. */
void td_form_add(struct td_buf *form, const char *name, const char *value);
/* Value of one parameter of a query or form, decoded; NULL if absent. */
const char *td_form_get(struct td_slice form, const char *name, struct td_arena *a);

struct td_web {
    struct td_flow *flow;
    struct td_arena *arena;
    const char *what;  /* step, for err->where */
    const char *token; /* Bearer, or NULL */
    int status;        /* of the last answer */
};

enum td_code td_web_get(struct td_web *w, const char *url, const struct td_json **ret, struct td_error *err)
    TD_MUST_USE;
enum td_code td_web_post(struct td_web *w, const char *url, const char *type, struct td_slice body,
                         struct td_net_response *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_web_put(struct td_web *w, const char *url, const char *type, struct td_slice body,
                        struct td_net_response *ret, struct td_error *err) TD_MUST_USE;
/* Body of an answer as a JSON object, or the error that it tells (OAuth, DRS, OData or problem+json shape). */
enum td_code td_web_json(struct td_web *w, const struct td_net_response *r, const struct td_json **ret,
                         struct td_error *err) TD_MUST_USE;

/* Absolute form of a reference found at base: "https://h/x?y" + "../z". NULL if it is no https and no known scheme. */
const char *td_url_resolve(const char *base, const char *reference, struct td_arena *a);
/* "https://host:port" of an address, "" if it is none. */
const char *td_url_origin(const char *url, struct td_arena *a);

#endif
