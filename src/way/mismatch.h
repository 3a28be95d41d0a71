/* What a device tells of an exchanged board: the content of
 * ./Vendor/MSFT/WindowsAutopilot/HardwareMismatchRemediationData (csp.md 11). Pure.
 *
 * Its content in stock Windows is not published: a blob for the service. Ours is written in
 * docs/protocol/hardware-mismatch.md; everything else is TD_EFORMAT and must not be misread: the service keeps it as it
 * is and judges by the hash alone. A claim of the device, never a proof. Values live in the caller's arena. */
#ifndef TD_WAY_MISMATCH_H
#define TD_WAY_MISMATCH_H

#include "base/buf.h"
#include "base/err.h"
#include "way/match.h"

enum { TD_MISMATCH_MAX = 16384 }; /* octets */

struct td_mismatch {
    struct td_facts enrolled, now; /* at the enrolment; since the last start */
};

/* Empty input is TD_ENOTFOUND: nothing was exchanged. */
enum td_code td_mismatch_parse(struct td_slice in, struct td_arena *a, struct td_mismatch *ret, struct td_error *err)
    TD_MUST_USE;
void td_mismatch_write(const struct td_mismatch *m, struct td_buf *out);

#endif
