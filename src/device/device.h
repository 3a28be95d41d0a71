/* The device's side: a virtual Windows PC. This header is what its rooms share; flow/ walks the way, dm/ is the
 * management client, csp/ the tree of nodes.
 *
 * Everything the device knows rests in its state folder and is written before the next step begins, so that it can be
 * killed anywhere and goes on. */
#ifndef TD_DEVICE_DEVICE_H
#define TD_DEVICE_DEVICE_H

#include "base/env.h"
#include "base/err.h"
#include "net/net.h"

struct td_device_state;
struct td_tpm;

/* Remedy of an error about a file in the state folder that cannot be read. */
#define TD_STATE_DAMAGED "Restore the state folder from a copy, or begin anew with an empty --state."

struct td_device {
    const struct td_env *env;
    const char *dir;        /* --state */
    const char *server;     /* --server, without final '/' */
    struct td_slice ca_pem; /* --ca: what it trusts out of the box */
    int pace;               /* waits of protocols are divided by this */
    int64_t deadline;       /* monotonic; --timeout; 0: none */
    struct td_device_state *state;
    const char *tcti;                         /* --tpm, NULL: as the state says (device/tpm.h) */
    struct td_tpm *tpm;                       /* once opened */
    const char *vpn;                          /* --vpn: the program that dials (domain.h), NULL: none */
    bool log;                                 /* what is said is also kept in DIR/log (device/diagnostics.h) */
    void (*say)(void *ctx, const char *line); /* where td_device_say goes; NULL: standard output */
    void *say_ctx;
    /* Where the power may fail during a reset (reset.h): false ends the work there as a cut would, with nothing tidied
     * up. NULL: the power stays. */
    bool (*power)(void *ctx, const char *step);
    void *power_ctx;
};

/* Named texts that survive: one JSON file (DIR/state.json, mode 0600), replaced atomically by every td_state_save. Keys
 * are dotted words ("join.device_id"). Values live until the key is set again. The folder is made if it is missing. A
 * file that is no JSON object of texts is TD_EFORMAT, never silently begun anew. No password of a user ever goes in. */
enum td_code td_state_open(const char *dir, struct td_device_state **ret, struct td_error *err) TD_MUST_USE;
void td_state_close(struct td_device_state *s);
const char *td_state_get(const struct td_device_state *s, const char *key); /* NULL if never set */
void td_state_set(struct td_device_state *s, const char *key,
                  const char *value); /* NULL removes; in memory until saved */
int64_t td_state_int(const struct td_device_state *s, const char *key, int64_t otherwise);
void td_state_set_int(struct td_device_state *s, const char *key, int64_t value);
/* Every name and value in the order in which they were first set; false ends the walk. */
bool td_state_at(const struct td_device_state *s, size_t i, const char **ret_key, const char **ret_value);
enum td_code td_state_save(struct td_device_state *s, struct td_error *err) TD_MUST_USE;

/* Takes away what a kill left half written ("state.json." and six characters). Only while nobody else works there. */
void td_state_sweep(const char *dir);

/* DIR/name, for files beside state.json. */
char *td_device_path(const struct td_device *dev, struct td_arena *a, const char *name);

/* A wait of a protocol, divided by --pace; TD_EEXPIRED when the deadline of the run would pass. */
enum td_code td_device_wait(struct td_device *dev, int64_t us, struct td_error *err) TD_MUST_USE;

/* One line a page or step, for the person at the terminal and for scripts:  "page  sign-in: Contoso". */
void td_device_say(struct td_device *dev, const char *kind, const char *fmt, ...) TD_PRINTF(3, 4);

#endif
