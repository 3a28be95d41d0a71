/* Management in the store: one row an enrolment with its session and how far its deployment is, the ledger of commands
 * (text of policy/ledger.h), values reported by the device, state of each configuration item on it. */
#ifndef TD_STORE_MANAGEMENT_H
#define TD_STORE_MANAGEMENT_H

#include "store/db.h"

enum { TD_REPORT_MAX = 1 << 20 };

struct td_managed {         /* texts are "" when absent */
    int64_t version;        /* 0: no row yet; td_managed_save refuses if another one wrote meanwhile */
    int64_t session_no;     /* ours, counts up */
    const char *session_id; /* the device's */
    int64_t last_msg;       /* MsgID answered last */
    int messages;           /* in this session */
    bool session_open;
    bool challenged;  /* the device has asked for our credential once in this session */
    bool user_active; /* LoginStatus said so in this session */
    bool inventory;   /* this session asks for hash, serial number and the like */
    int64_t max_msg;  /* MaxMsgSize as last said in this session, 0 if never */
    int phase;        /* enum td_phase */
    int64_t phase_since;
    bool failed;
    const char *computer_name;   /* drawn once from the profile's template */
    const char *owed;            /* statuses that did not fit into the last message */
    unsigned char body_hash[32]; /* SHA-256 of the message answered last */
    struct td_slice reply;       /* the answer to it, sealed */
    const char *ledger;
    const char *chunk_uri; /* value that comes in parts: what it is, its size as told, what is there */
    uint64_t chunk_size;
    struct td_slice chunk;
    bool has_actions; /* there are open actions (store/action.h); read only, as what follows */
    bool fix_pending; /* a fix of its registration is pending (store/repair.h) */
};

/* Without a row: version 0 and everything empty; TD_OK. */
enum td_code td_managed_find(struct td_tx *tx, const char *tenant, const char *enrolment, struct td_arena *a,
                             struct td_managed *ret, struct td_error *err) TD_MUST_USE;
/* Writes all but ledger and chunk, which are written only if told. TD_ESTATE: m->version is no longer the store's. */
enum td_code td_managed_save(struct td_tx *tx, const char *tenant, const char *enrolment, const struct td_managed *m,
                             bool with_ledger, bool with_chunk, struct td_error *err) TD_MUST_USE;

/* The device was set up anew and kept its enrolment: nothing of what was handed out holds any more. The ledger starts
 * empty, the next answer begins at the first phase (status page, releases, account phase), every item is pending; the
 * drawn name stays, and so does the session that is under way. Without a row: nothing to do. The version stays, so
 * that the door that called may still save its message. Source: autopilot.md 3.8 (Autopilot Reset). */
enum td_code td_managed_begin_again(struct td_tx *tx, const char *tenant, const char *enrolment, struct td_error *err)
    TD_MUST_USE;

/* Behind a technician's work (store/provisioning.h) the device's user begins: phases and page anew, what is installed
 * stays, what failed is tried again. */
enum td_code td_managed_begin_user(struct td_tx *tx, const char *tenant, const char *enrolment, struct td_error *err)
    TD_MUST_USE;

/* An enrolment that the service ended shows itself again: an event on its way, at most one an hour. why is what it was
 * answered. */
enum td_code td_managed_refused(struct td_tx *tx, const char *tenant, const char *enrolment, const struct td_error *why,
                                struct td_error *err) TD_MUST_USE;
/* What a device may bring up in every session: is it the first time within an hour that something such is told? */
enum td_code td_managed_may_tell(struct td_tx *tx, const char *tenant, const char *enrolment, bool *ret,
                                 struct td_error *err) TD_MUST_USE;
/* May it be let in once more, to be told to leave (setting "deleted-device")? From the first time on for this long; the
 * caller has looked at the setting. */
enum td_code td_managed_farewell(struct td_tx *tx, const char *tenant, const char *enrolment, int64_t how_long,
                                 bool *ret, struct td_error *err) TD_MUST_USE;

enum td_code td_report_put(struct td_tx *tx, const char *tenant, const char *enrolment, const char *uri,
                           struct td_slice value, struct td_error *err) TD_MUST_USE;

/* State of an item on a device; state is a word of policy/ledger.h. */
enum td_code td_item_status_put(struct td_tx *tx, const char *tenant, const char *enrolment, const char *item,
                                const char *state, int status, uint32_t hresult, struct td_error *err) TD_MUST_USE;

#endif
