/* Between the files of repairs: one registration at a time, with what is known of its hardware. */
#ifndef TD_STORE_REPAIR_ROOM_H
#define TD_STORE_REPAIR_ROOM_H

#include "store/repair.h"

struct td_repairing { /* one registration and what it is shown with */
    struct td_tx *tx;
    const char *tenant;
    struct td_arena arena;
    struct td_registration r;
    struct td_facts *known;
};

/* td_repairing_done also after a failure. */
enum td_code td_repairing_open(struct td_repairing *p, struct td_tx *tx, const char *tenant, const char *id,
                               struct td_error *err) TD_MUST_USE;
void td_repairing_done(struct td_repairing *p);

/* How serial numbers are compared: store/registration/registration.c. */
const char *td_repairing_serial_key(struct td_repairing *p, const char *serial);
enum td_code td_repairing_drop(struct td_repairing *p, enum td_proposal_state state, struct td_error *err) TD_MUST_USE;
/* Was the device made of this once, board, disk and adapters? */
enum td_code td_repairing_was_here(struct td_repairing *p, const struct td_facts *seen, bool *ret, struct td_error *err)
    TD_MUST_USE;
/* td_repair_apply. */
enum td_code td_repairing_apply(struct td_repairing *p, const struct td_proposal *by, const char *proof,
                                const char *actor, struct td_error *err) TD_MUST_USE;

#endif
