/* Exchanged hardware for people: what is registered and what was seen, field by field, decoded from both hashes.
 *
 * Read only; store/repair.h decides and writes. Serves the command line and whoever shows devices. Source: autopilot.md
 * 1.8. */
#ifndef TD_API_REPAIR_H
#define TD_API_REPAIR_H

#include "codec/json.h"
#include "store/repair.h"

enum { TD_REPAIR_ROWS = 16 };

struct td_repair_row {
    const char *field;             /* "serial number" */
    const char *registered, *seen; /* "" if not known; lists joined by ", " */
    enum td_repair_side side;
};

struct td_repair_view {
    struct td_registration r;
    bool is_open, is_rejected;
    struct td_proposal open, rejected; /* the latest that an administrator rejected */
    bool blob_known;                   /* the device told in our form what it knows */
    struct td_repair_row rows[TD_REPAIR_ROWS];
    size_t count;
    struct td_hardware_past *past;
    size_t past_count;
};

enum td_code td_repair_look(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_arena *a,
                            struct td_repair_view *ret, struct td_error *err) TD_MUST_USE;
/* Its members into an open JSON object. */
void td_repair_members(const struct td_repair_view *v, struct td_jsonw *w);

/* "fix pending", "attention required", "" where nothing is to be done: what people see instead of a profile's name. */
const char *td_remediation_text(int64_t remediation);

#endif
