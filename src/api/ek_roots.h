/* Makers of TPMs as administrators bring them: a certificate read and judged, whichever door it came by. */
#ifndef TD_API_EK_ROOTS_H
#define TD_API_EK_ROOTS_H

#include "store/attestation.h"

/* A root or an intermediate in DER; label may be NULL. TD_EINVAL: no authority's. Memory is the arena's. */
enum td_code td_ek_root_read(struct td_slice der, const char *label, struct td_arena *a, struct td_ek_root *ret,
                             struct td_error *err) TD_MUST_USE;

#endif
