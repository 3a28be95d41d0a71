#include "base/fault.h"

#ifdef TD_WITH_FAULTS
#include <stdlib.h>
#include <string.h>

bool td_fault(const char *name)
{
    const char *on = getenv("TD_FAULT");
    return on != NULL && strcmp(on, name) == 0;
}
#endif
