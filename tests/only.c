/* TD_ONLY=name in the environment: a test program runs this test alone (or those that * and ? fit), as rows of
 * tests/faults/list ask. */
#include "unit/test.h"

#include <stdlib.h>

__attribute__((constructor)) static void only(void)
{
    const char *name = getenv("TD_ONLY");
    if (name != NULL && name[0] != '\0')
        cmocka_set_test_filter(name);
}
