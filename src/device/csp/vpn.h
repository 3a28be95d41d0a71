/* VPN profiles as the tree has them: what could be dialled. For csp/ and domain/vpn.c (csp.md 15). */
#ifndef TD_DEVICE_CSP_VPN_H
#define TD_DEVICE_CSP_VPN_H

#include "device/csp/csp.h"

enum { TD_CSP_MAX_VPNS = 16 };

struct td_csp_vpn {
    const char *name;    /* in the arena, as all texts here */
    const char *servers; /* joined by commas */
    bool user;           /* of a person: not there before the sign-in */
    bool always_on;      /* dials by itself */
    bool device_tunnel;  /* and before anybody signs in, by the machine's certificate */
};

/* Profiles in the order of their keys, of the whole device first. Returns how many; what has no server is left out. */
size_t td_csp_vpns(struct td_csp *csp, struct td_arena *a, struct td_csp_vpn ret[TD_CSP_MAX_VPNS]);

#endif
