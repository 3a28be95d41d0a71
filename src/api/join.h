/* Directory join (DRS): discovery on three paths, join, un-join (join-and-tokens.md 2, 3, 3.1, 10.8, 10.9). A computer
 * of a domain completes its hybrid join (3.2). Key provisioning answers 501. ctx: td_service. */
#ifndef TD_API_JOIN_H
#define TD_API_JOIN_H

#include "api/service.h"

extern const struct td_route td_join_routes[];
extern const size_t td_join_route_count;

#endif
