/* Group policies of the domain that apply to this computer (autopilot.md S09). */
#include "device/domain/room.h"

enum td_code td_domain_policies(struct td_device *dev TD_UNUSED, struct td_error *err TD_UNUSED)
{
    return TD_OK;
}
