/* Known failures: what a code on a page, in a log or in a report means, why it happens and what to do. One list, put
 * together from the tables that the doors answer by (enrolment, attestation, lookup, domain join, actions) and from
 * rows of its own for what no door answers. It serves `touchdown code`, the device's last line and docs/tasks/codes.md.
 * Pure. Sources: autopilot.md 6.5, 6.7; mde2.md 5; attestation.md 1. */
#ifndef TD_WAY_FAILURE_H
#define TD_WAY_FAILURE_H

#include "base/slice.h"

struct td_failure {
    uint32_t code;    /* an HRESULT, or the number of an event of the deployment lookup (below 0x10000) */
    const char *area; /* "enrolment", "join", "attestation", "lookup", "network", "status page", "reset", ... */
    const char *name; /* as it stands on the wire, "" where it has none there */
    const char *cause, *remedy;
};

/* The i-th in the order of areas; false past the end. Several may have the same code. */
bool td_failure_at(size_t i, struct td_failure *ret);

/* What people type or paste: 0x801c03ea, 801C03EA, -2145647638, 2149319658, 807. */
bool td_failure_code(struct td_slice text, uint32_t *ret);
/* Which part of Windows codes of this kind come from, for those that are not in the list. */
const char *td_failure_family(uint32_t code);
/* A remedy for a code in an area (NULL: any): that of a row without a name, which speaks of the code as a whole, else
 * the first; "" if none is known. */
const char *td_failure_remedy(uint32_t code, const char *area);

enum { TD_FAILURE_CODE_TEXT = 12 };
/* "0x801c03ea", or "807". */
const char *td_failure_text(uint32_t code, char out[TD_FAILURE_CODE_TEXT]);

#endif
