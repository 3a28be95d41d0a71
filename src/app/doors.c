#include "app/doors.h"

#include "api/attestation.h"
#include "api/connector.h"
#include "api/content.h"
#include "api/diagnostics.h"
#include "api/enrolment.h"
#include "api/identity.h"
#include "api/join.h"
#include "api/lookup.h"
#include "api/management.h"
#include "api/pki.h"
#include "graph/graph.h"

#define DOOR(name)                                   \
    {                                                \
        td_##name##_routes, &td_##name##_route_count \
    }

void td_doors(struct td_service *svc, struct td_operations *operations, struct td_arena *a, struct td_router *ret)
{
    static const struct {
        const struct td_route *routes;
        const size_t *count;
    } all[] = {
        DOOR(operations), DOOR(pki),     DOOR(content),     DOOR(enrolment),   DOOR(join),
        DOOR(management), DOOR(graph),   DOOR(identity),    DOOR(identity),    DOOR(lookup),
        DOOR(management), DOOR(content), DOOR(diagnostics), DOOR(attestation), DOOR(connector),
    };
    struct td_door *doors = td_arena_array(a, struct td_door, TD_COUNTOF(all));
    for (size_t i = 0; i < TD_COUNTOF(all); i++)
        doors[i] = (struct td_door){all[i].routes, *all[i].count, svc};
    doors[0].ctx = operations;
    *ret = (struct td_router){doors, TD_COUNTOF(all)};
}
