/* The deployment lookup: docs/protocol/ztd.md. The caller is a device without any credential; what protects the door is
 * written there. ctx of the routes is struct td_service. */
#ifndef TD_API_LOOKUP_H
#define TD_API_LOOKUP_H

#include "api/service.h"

extern const struct td_route td_lookup_routes[];
extern const size_t td_lookup_route_count;

#endif
