/* The families of sets, one line each; graph/sets.c lists them in the same order. A family is defined in its own file
 * as `const struct td_g_family td_g_family_<name>`. */
#ifndef TD_GRAPH_SETS_H
#define TD_GRAPH_SETS_H

#include "graph/graph.h"

#define TD_G_FAMILIES(F) \
    F(autopilot)         \
    F(profiles)          \
    F(groups)            \
    F(devices)           \
    F(users)             \
    F(enrolment)         \
    F(principals)        \
    F(empty)             \
    F(managed)           \
    F(approvals)         \
    F(local_credentials) \
    F(events)            \
    F(apps)              \
    F(configurations)    \
    F(audit)             \
    F(organization)      \
    F(tpm_makers)        \
    F(connectors)        \
    F(roles)

#define TD_G_DECLARE_FAMILY(name) extern const struct td_g_family td_g_family_##name;
TD_G_FAMILIES(TD_G_DECLARE_FAMILY)

#endif
