#include "graph/sets.h"

#define LISTED(name) &td_g_family_##name,
const struct td_g_family *const td_g_families[] = {TD_G_FAMILIES(LISTED) NULL};
