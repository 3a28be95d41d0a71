/* Exchanged hardware in the store: what registered devices show instead of their own, and what becomes of it.
 *
 *     shown -> open: 'fix pending' -> registered anew (proven, accepted) | 'attention required' | withdrawn | rejected
 *
 * A registration that is registered anew keeps its id, way, tag, user and profile; facts, hash and what firmware says
 * change, the former facts become history (TD_HARDWARE_PAST_MAX a way), and device.repaired tells what differed and by
 * what it was proven. What is proven is way/repair.h's. Whoever wants to decode a hash for people does it above
 * (api/repair.h). Sources: autopilot.md 1.8, row R16; graph-api.md 1.2 (remediationState). */
#ifndef TD_STORE_REPAIR_H
#define TD_STORE_REPAIR_H

#include "store/registration.h"
#include "way/repair.h"

enum { TD_HARDWARE_PAST_MAX = 20, TD_REPAIR_REASON_MAX = 400 };

enum td_proposal_state { TD_PROPOSAL_OPEN, TD_PROPOSAL_REJECTED, TD_PROPOSAL_WITHDRAWN }; /* stored */

struct td_proposal {          /* texts are "" when absent */
    const char *source;       /* "session", "lookup" */
    const char *enrolment_id; /* whose certificate the session showed, "" for a lookup */
    const char *serial, *manufacturer, *model, *sku, *family, *product_key;
    struct td_facts facts;
    struct td_slice octets;     /* the hash */
    struct td_slice blob;       /* HardwareMismatchRemediationData, "" if none came */
    const char *cause, *remedy; /* why it was not repaired, "" while that is open */
    bool alternates;
    int64_t first_at, seen_at;
};

/* TD_ENOTFOUND: there is none. */
enum td_code td_proposal_find(struct td_tx *tx, const char *tenant, const char *registration_id,
                              enum td_proposal_state state, struct td_arena *a, struct td_proposal *ret,
                              struct td_error *err) TD_MUST_USE;

/* What a machine shows that is or was this registration's. The same hardware settles what was open; other disks and
 * adapters renew the stored hash; another board becomes a proposal: fix pending where a certified session shows it,
 * else attention. What an administrator rejected is passed over. */
enum td_code td_repair_seen(struct td_tx *tx, const char *tenant, const char *registration_id,
                            const struct td_proposal *what, struct td_error *err) TD_MUST_USE;
/* Judges what is pending: registered anew, or attention. blob is what the device told, kept with the proposal; nothing
 * happens unless a fix is pending. */
enum td_code td_repair_settle(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_slice blob,
                              struct td_error *err) TD_MUST_USE;
/* A lookup has recognised it without doubt: attention that no session's proposal holds up ends. */
enum td_code td_repair_recognised(struct td_tx *tx, const char *tenant, const char *registration_id,
                                  struct td_error *err) TD_MUST_USE;

/* The administrator's word. TD_ENOTFOUND: nothing is open. TD_EEXISTS: the hardware belongs to another registration. */
enum td_code td_repair_accept(struct td_tx *tx, const char *tenant, const char *registration_id, const char *actor,
                              struct td_error *err) TD_MUST_USE;
enum td_code td_repair_reject(struct td_tx *tx, const char *tenant, const char *registration_id, const char *reason,
                              const char *actor, struct td_error *err) TD_MUST_USE;
/* A new hash was brought for a serial number (import, approval). Hardware that one of the tenant's registrations waits
 * for, or another board with the serial number and a disk or adapter of the registration `near` ("" for none): that one
 * is registered anew, and there is no second one. TD_ENOTFOUND: it is another device's. */
enum td_code td_repair_by_import(struct td_tx *tx, const char *tenant, const struct td_registration_new *what,
                                 const char *near, const char *actor, struct td_arena *a, const char **ret_id,
                                 struct td_error *err) TD_MUST_USE;

/* 'fix pending' is open for it. */
enum td_code td_repair_is_pending(struct td_tx *tx, const char *tenant, const char *registration_id, bool *ret,
                                  struct td_error *err) TD_MUST_USE;
/* Facts, hash and texts take the place of the registered ones, with history and device.repaired or, where only parts
 * differ, device.hardware-changed. For registration/meet.c and this file. */
enum td_code td_repair_apply(struct td_tx *tx, const char *tenant, const char *registration_id,
                             const struct td_proposal *by, const char *proof, const char *actor, struct td_error *err)
    TD_MUST_USE;

struct td_hardware_past {
    struct td_facts facts;
    const char *differs, *proof, *actor;
    int64_t replaced_at;
};
/* Newest first. */
enum td_code td_hardware_past_list(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                   struct td_hardware_past **ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;
/* Proposals of a registration that ends. */
enum td_code td_repair_forget(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_error *err)
    TD_MUST_USE;

#endif
