/* Planted faults: mistakes that a protocol door could make, built in on purpose so that the tests prove they would
 * notice.
 *
 * Only test builds (meson option `faults`) hold them; there the environment variable TD_FAULT names the one that is on.
 * Elsewhere td_fault() is the constant false and leaves no trace. tests/faults/list names every fault and the tests
 * that must fail with it; `make check` tries each. Usage at the decision:  if (!signature_ok &&
 * !td_fault("jwt-any-signature")) */
#ifndef TD_BASE_FAULT_H
#define TD_BASE_FAULT_H

#include "base/defs.h"

#ifdef TD_WITH_FAULTS
bool td_fault(const char *name);
#else
#define td_fault(name) false
#endif

#endif
