/* Devices that asked for their profile and are not registered: each has a short code that it shows, and waits for an
 * administrator's word (docs/protocol/ztd.md 3.3).
 *
 * Nobody owns such a device yet, so this file reads across tenants as store/hardware.c does. A request belongs to the
 * only tenant of an installation from its birth; where there are several it belongs to nobody, nobody can list it, and
 * whoever types its code claims it. Bounds: TD_REQUEST_PER_ADDRESS from one address, TD_REQUEST_MAX in all, past them
 * a device gets no code; a code lives TD_REQUEST_LIFE. Texts live in the caller's arena. Sources: autopilot.md R05,
 * pain Z01. */
#ifndef TD_STORE_DEVICE_REQUEST_H
#define TD_STORE_DEVICE_REQUEST_H

#include "store/db.h"

enum { TD_REQUEST_CODE = 8, TD_REQUEST_PER_ADDRESS = 64, TD_REQUEST_MAX = 10000 };
#define TD_REQUEST_LIFE TD_DAY
#define TD_REQUEST_PAUSE TD_MINUTE /* a device that asks more often costs no write */

enum td_request_state { TD_REQUEST_WAITS, TD_REQUEST_APPROVED, TD_REQUEST_REJECTED };

struct td_device_request {
    const char *id, *tenant; /* tenant "": whoever types the code */
    const char *code;        /* eight letters and digits without a hyphen */
    const char *serial, *manufacturer, *model, *address;
    const char *hardware; /* the hash as it came */
    int64_t state, asked; /* enum td_request_state; how often */
    int64_t created_at, asked_at, expires_at, decided_at;
    const char *actor, *registration_id; /* of the decision */
};

struct td_device_asking {
    const char *identity; /* digest of its facts: the same device keeps its code */
    const char *serial, *manufacturer, *model, *address, *hardware;
};
/* The request of this device as it stands. TD_ENOTFOUND: none, or expired. */
enum td_code td_device_request_peek(struct td_tx *tx, const char *identity, struct td_arena *a,
                                    struct td_device_request *ret, struct td_error *err) TD_MUST_USE;
/* Lists it, or counts another ask. TD_ENOTFOUND: no tenant lists unknown devices (setting unknown-devices). TD_ELIMIT:
 * past the bounds. */
enum td_code td_device_request_ask(struct td_tx *tx, const struct td_device_asking *who, struct td_arena *a,
                                   struct td_device_request *ret, struct td_error *err) TD_MUST_USE;

/* key is an id of the tenant's requests, or the code of any request that it may claim, in any case, with or without
 * hyphen. TD_ENOTFOUND: no such request, it expired, or it is another tenant's. */
enum td_code td_device_request_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                                    struct td_device_request *ret, struct td_error *err) TD_MUST_USE;
/* The tenant's, newest ask first. */
enum td_code td_device_request_list(struct td_tx *tx, const char *tenant, size_t max, struct td_arena *a,
                                    struct td_device_request **ret, size_t *ret_count, struct td_error *err)
    TD_MUST_USE;
/* TD_ESTATE: somebody decided already. Audited. */
enum td_code td_device_request_decide(struct td_tx *tx, const char *tenant, const struct td_device_request *r,
                                      enum td_request_state state, const char *registration_id, const char *actor,
                                      struct td_error *err) TD_MUST_USE;
/* Whether anything has expired: asked before a write. */
enum td_code td_device_request_overdue(struct td_tx *tx, bool *ret, struct td_error *err) TD_MUST_USE;
/* Takes away what has expired, at most max. */
enum td_code td_device_request_expire(struct td_tx *tx, size_t max, size_t *ret_count, struct td_error *err)
    TD_MUST_USE;

/* "ABCD-EFGH", as people read it. */
const char *td_device_request_show(const char *code, struct td_arena *a);

#endif
