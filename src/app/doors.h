/* All doors of the service in the order in which their paths are tried: one line each in doors.c. */
#ifndef TD_APP_DOORS_H
#define TD_APP_DOORS_H

#include "api/operations.h"

/* Fills the router; its table lives in a. */
void td_doors(struct td_service *svc, struct td_operations *operations, struct td_arena *a, struct td_router *ret);

#endif
