/* The tree of nodes that management writes and reads: the virtual device's configuration service providers.
 *
 * Which nodes there are, in which format and with which operations is a table (nodes.c, policies.c); what they do is in
 * handlers beside it. Values rest in one file, DIR/csp.json, replaced atomically by td_csp_save: the session saves once
 * per applied message, so that a kill leaves the tree before or after a message, never between. Nothing here speaks
 * SyncML or HTTP. A tree belongs to one thread. Sources: csp.md, oma-dm.md 5.
 *
 * Keys are canonical paths: "Device/Vendor/MSFT/..." or "User/Vendor/MSFT/...", segments escaped by td_pct_add. What
 * the device itself keeps (jobs, counters, the pending name) lies beside them under keys that begin with '@' and no
 * LocURI can reach. */
#ifndef TD_DEVICE_CSP_CSP_H
#define TD_DEVICE_CSP_CSP_H

#include "base/buf.h"
#include "base/env.h"

struct td_csp;

enum {
    TD_CSP_MAX_URI = 1024,      /* longer: 414 */
    TD_CSP_MAX_VALUE = 1 << 20, /* longer: 413 */
    TD_CSP_MAX_ITEMS = 20000,   /* more: 420 */
    TD_CSP_MAX_FILE = 32 << 20
};

enum {                                   /* HRESULTs beside a failing status (msft:originalerror) */
       TD_CSP_E_NOTFOUND = 0x86000002,   /* no such node */
       TD_CSP_E_NOTALLOWED = 0x86000011, /* CFGMGR_E_COMMANDNOTALLOWED, autopilot.md 4.3 */
       TD_CSP_E_EXISTS = 0x800700B7,
       TD_CSP_E_BADVALUE = 0x80070057,
       TD_CSP_E_BADDATA = 0x8007000D,
       TD_CSP_E_FULL = 0x8007000E,
       TD_CSP_E_BADKEY = 0xC004F050, /* product key refused */
       TD_CSP_E_BADHASH = 0x80091007,
       TD_CSP_E_NOTDETECTED = 0x87D1041C, /* autopilot.md 6.7 */
       TD_CSP_E_PENDING = 0x8000000A,     /* still at work */
       TD_CSP_E_NOTSUPPORTED = 0x80070032,
       TD_CSP_E_NOMSI = 0x80070654 /* the installer can't open the package */
};

enum td_csp_op { TD_CSP_GET, TD_CSP_ADD, TD_CSP_REPLACE, TD_CSP_DELETE, TD_CSP_EXEC };

struct td_csp_config {
    const char *dir; /* where csp.json rests; must outlive the tree */
    const struct td_env *env;
    /* A fact of the machine ("serial", "os-version", ...: the arguments of fact rows in nodes.c, and "user",
     * "user-type", "edition", "people", for effects.c); NULL if it has none. */
    const char *(*fact)(void *ctx, const char *name, struct td_arena *a);
    /* What works on the whole machine (a reset, a wipe), ordered by an Exec: kind is the argument of its row in
     * nodes.c, uri what was executed. It is only accepted here: nothing happens before the session is over. Returns the
     * Status and sets *ret_hresult with a failing one. NULL: such nodes answer 405. */
    int (*order)(void *ctx, const char *kind, const char *uri, uint32_t *ret_hresult);
    /* The blob of an offline domain join, taken at once; *ret_machine is the computer's name from now on. Status as
     * above. NULL: 405. */
    int (*join)(void *ctx, struct td_slice blob, struct td_arena *a, const char **ret_machine, uint32_t *ret_hresult);
    void *ctx;
};

struct td_csp_answer {
    int status;         /* SyncML status code */
    uint32_t hresult;   /* 0 or msft:originalerror */
    const char *format; /* Get: "chr", "int", "node", ... */
    const char *data;   /* Get: in the arena */
};

enum td_code td_csp_open(const struct td_csp_config *config, struct td_csp **ret, struct td_error *err) TD_MUST_USE;
void td_csp_close(struct td_csp *csp); /* NULL is fine; what was not saved is lost */
void td_csp_cleanup(struct td_csp **csp);
enum td_code td_csp_save(struct td_csp *csp, struct td_error *err) TD_MUST_USE;

/* Whether ./User nodes can be reached: a directory user is logged on and their management context exists. */
void td_csp_set_user(struct td_csp *csp, bool reachable);

/* One command of the server on one LocURI. format is what the Item says, "" if nothing. */
void td_csp_run(struct td_csp *csp, enum td_csp_op op, const char *uri, const char *format, struct td_slice data,
                struct td_arena *a, struct td_csp_answer *ret);

/* All or nothing: what was run between begin and rollback has not happened. Not nested. */
void td_csp_begin(struct td_csp *csp);
void td_csp_rollback(struct td_csp *csp);
void td_csp_commit(struct td_csp *csp);

/* The device's own hand: no rights asked, no handler called. Values live until the key is written again. */
const char *td_csp_value(const struct td_csp *csp, const char *key); /* NULL if unset */
int64_t td_csp_int(const struct td_csp *csp, const char *key, int64_t otherwise);
bool td_csp_true(const struct td_csp *csp, const char *key);
void td_csp_put(struct td_csp *csp, const char *key, const char *format, const char *value);
void td_csp_put_int(struct td_csp *csp, const char *key, int64_t value);
void td_csp_drop(struct td_csp *csp, const char *key); /* the node and all below */
/* Walks the stored keys that begin with prefix, in order of their octets: start with *at 0; NULL ends. */
const char *td_csp_each(const struct td_csp *csp, const char *prefix, size_t *at);

/* LocURI to key; *ret_prop gets what stands behind "?prop=" (NULL without). Returns 200, or 400, 404, 406, 414. */
int td_csp_key(const char *uri, struct td_arena *a, const char **ret_key, const char **ret_prop);
/* Does the node that a LocURI names exist now (the status page asks)? Rights and user are not asked. */
bool td_csp_exists(struct td_csp *csp, const char *uri, struct td_arena *a);
/* Its value or NULL; computed ones too. */
const char *td_csp_read(struct td_csp *csp, const char *uri, struct td_arena *a);
/* What the tree means for the machine, by word (the table in effects.c); NULL if unset or no such word. */
const char *td_csp_effect(struct td_csp *csp, const char *word, struct td_arena *a);
const char *td_csp_effect_word(size_t i); /* NULL behind the last */

/* A restart of the virtual machine is due (name, edition, asked by the server). */
bool td_csp_restart_due(const struct td_csp *csp);
void td_csp_restart(struct td_csp *csp);
/* The server has ended the management (dmclient.c): takes away what came through it. */
bool td_csp_unenrolled(const struct td_csp *csp);
void td_csp_forget(struct td_csp *csp);

/* Last segment of a key, escapes undone. */
const char *td_csp_name(const char *key, struct td_arena *a);

#endif
