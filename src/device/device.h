/* The device's side: a virtual Windows PC. This header is what its rooms share; flow.c walks the way, dm/ is the management
 * client, csp/ the tree of nodes, platform.h what a real machine would do.
 *
 * Everything the device knows rests in its state folder and is written before the next step begins, so that it can be
 * killed anywhere and goes on. */
#ifndef TD_DEVICE_DEVICE_H
#define TD_DEVICE_DEVICE_H

#include "base/env.h"
#include "base/err.h"
#include "net/net.h"

struct td_device_state;

struct td_device {
    const struct td_env *env;
    const char *dir;               /* --state */
    const char *server;            /* --server, without final '/' */
    struct td_slice ca_pem;        /* --ca: what it trusts out of the box */
    int pace;                      /* waits of protocols are divided by this */
    int64_t deadline;              /* monotonic; --timeout */
    struct td_device_state *state;
};

/* Named texts that survive: one JSON file, replaced atomically by every td_state_save. Keys are dotted words
 * ("join.device_id"). Values live until the key is set again. */
enum td_code td_state_open(const char *dir, struct td_device_state **ret, struct td_error *err) TD_MUST_USE;
void td_state_close(struct td_device_state *s);
const char *td_state_get(const struct td_device_state *s, const char *key); /* NULL if never set */
void td_state_set(struct td_device_state *s, const char *key, const char *value); /* NULL removes; in memory until saved */
enum td_code td_state_save(struct td_device_state *s, struct td_error *err) TD_MUST_USE;

/* A wait of a protocol, divided by --pace; TD_EEXPIRED when the deadline of the run would pass. */
enum td_code td_device_wait(struct td_device *dev, int64_t us, struct td_error *err) TD_MUST_USE;

/* One line a page or step, for the person at the terminal and for scripts:  "page  sign-in: Contoso". */
void td_device_say(struct td_device *dev, const char *kind, const char *fmt, ...) TD_PRINTF(3, 4);

#endif
