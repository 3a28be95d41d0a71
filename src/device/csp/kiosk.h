/* What AssignedAccess and SharedPC mean for the machine: who is signed in by itself, what runs on the screen, who may
 * sit down at it. For csp/ and the rest of the device; the nodes' descriptions are public (AssignedAccess and SharedPC
 * providers, AssignedAccessConfiguration schema). All texts live in the arena. */
#ifndef TD_DEVICE_CSP_KIOSK_H
#define TD_DEVICE_CSP_KIOSK_H

#include "device/csp/csp.h"

struct td_csp_kiosk {
    const char *profile;   /* GUID in braces, "" by KioskModeApp */
    const char *apps;      /* what may run, one a line */
    const char *launched;  /* what starts by itself; "" none: several apps may run */
    const char *arguments; /* of it */
    const char *account;   /* who gets the kiosk */
    bool autologon;        /* by the device's own account, without anybody at it */
    bool single;           /* nothing but this app */
};
/* false: no kiosk is configured. */
bool td_csp_kiosk(struct td_csp *csp, struct td_arena *a, struct td_csp_kiosk *ret);
/* autopilot.md Z35: restarts during the deployment cost the autologon; at its end it is set again from what is
 * configured. */
void td_csp_kiosk_assert(struct td_csp *csp);
/* A restart: what is lost with it while the deployment runs. */
void td_csp_kiosk_restart(struct td_csp *csp);

enum { TD_SHARED_GUESTS, TD_SHARED_DIRECTORY, TD_SHARED_BOTH };
enum { TD_SHARED_AT_SIGN_OUT, TD_SHARED_DISK, TD_SHARED_INACTIVE };
struct td_csp_shared {
    int accounts, deletion; /* as above */
    int64_t inactive_days;
    bool manager; /* the account manager deletes accounts; without it none goes by itself */
};
/* What was in force when the mode was switched on; false: it is off. */
bool td_csp_shared(const struct td_csp *csp, struct td_csp_shared *ret);

#endif
