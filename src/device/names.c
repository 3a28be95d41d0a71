/* The computer's name: what the box came with, then what the profile's template says (autopilot.md 2.2). */
#include "device/dm.h"
#include "device/flow.h"

enum td_code td_flow_name(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *name = td_device_effect(f->dev, "computer_name", &a);
    return td_flow_keep(f, "device.name", name != NULL ? name : "DESKTOP", err);
}
