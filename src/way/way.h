/* A device's way: five small state machines, one table each, (state, event) -> (state, effects). Pure.
 *
 * Hybrid enrols before it joins, existing devices register afterwards, pre-provisioning joins twice: so there is no one
 * line underneath. The word that people see is a function of the five states (td_way_word). */
#ifndef TD_WAY_WAY_H
#define TD_WAY_WAY_H

#include "base/err.h"

enum td_machine { TD_M_REGISTRATION, TD_M_JOIN, TD_M_ENROLMENT, TD_M_DEPLOYMENT, TD_M_ACTION, TD_M_COUNT };

/* Everything that can happen to a device. The owner of way/way.c may add; the words are in td_way_event_word. */
enum td_way_event {
    TD_EV_REGISTERED,
    TD_EV_ASSIGNED, /* a profile holds for it */
    TD_EV_UNASSIGNED,
    TD_EV_DEREGISTERED,
    TD_EV_CONTACTED,      /* deployment lookup answered with a profile */
    TD_EV_CONTACTED_NONE, /* deployment lookup answered 'none' */
    TD_EV_SIGNED_IN,      /* its user was proven */
    TD_EV_JOINED,
    TD_EV_UNJOINED,
    TD_EV_ENROLLED,
    TD_EV_UNENROLLED,
    TD_EV_DEVICE_SETUP, /* first management session: device phase of the status page */
    TD_EV_DEVICE_DONE,
    TD_EV_ACCOUNT_SETUP,
    TD_EV_READY,
    TD_EV_FAILED, /* a step failed: cause and remedy in the event */
    TD_EV_ACTION_QUEUED,
    TD_EV_ACTION_SENT,
    TD_EV_ACTION_DONE,
    TD_EV_ACTION_FAILED,
    TD_EV_RESET,      /* set up anew in place: what users left is gone, join and enrolment stay (autopilot.md 3.8) */
    TD_EV_REPURPOSED, /* another user has taken it over: owner and primary user from now on */
    TD_EV_REPAIRED,   /* a part was replaced and the registration mended: nothing else changes */
    TD_EV_RETIRED,
    TD_EV_HANDED_OVER, /* joined here, and given its token for another service that manages it */
    TD_EV_WIPED,       /* back in its box: join and enrolment are gone, the registration stays */
    TD_EV_ACTION_CANCELLED,
    TD_EV_ATTESTED,    /* its TPM was proven: what a sign-in is to a device that has a user */
    TD_EV_PROVISIONED, /* a technician's part is done: set up for the device, waiting for its user on the shelf */
    TD_EV_COUNT
};

/* States of the machines. 0 is each machine's beginning: a device of which nothing is known is all zero. */
enum { TD_R_NONE, TD_R_REGISTERED, TD_R_ASSIGNED, TD_R_COUNT };
enum { TD_J_NONE, TD_J_JOINED, TD_J_COUNT };
enum { TD_E_NONE, TD_E_ENROLLED, TD_E_COUNT };
enum {
    TD_D_IDLE,
    TD_D_CONTACTED,
    TD_D_SIGNED_IN,
    TD_D_JOINED,
    TD_D_ENROLLED,
    TD_D_DEVICE_SETUP,
    TD_D_DEVICE_DONE,
    TD_D_ACCOUNT_SETUP,
    TD_D_READY,
    TD_D_FAILED,
    TD_D_HANDED_OVER, /* our part is done: word "joined", as nothing further is known here */
    TD_D_RESET,       /* set up anew in place, no session since */
    TD_D_ATTESTED,    /* stands where TD_D_SIGNED_IN stands for a device with a user */
    TD_D_PROVISIONED, /* on the shelf (autopilot.md 3.4): un-joined, enrolled still */
    TD_D_COUNT
};
enum {
    TD_A_NONE,
    TD_A_QUEUED,
    TD_A_SENT,
    TD_A_DONE,
    TD_A_FAILED,
    TD_A_RESET,
    TD_A_REPURPOSED,
    TD_A_REPAIRED,
    TD_A_RETIRED,
    TD_A_COUNT
};

struct td_way {
    unsigned char state[TD_M_COUNT]; /* a state number per machine; names in way.c's tables */
};

/* Steps every machine that knows the event. TD_ESTATE (nothing changed) if none of them allows it; an event that
 * leaves all states as they are is allowed and sets *ret_changed to false. */
enum td_code td_way_step(struct td_way *way, enum td_way_event event, bool *ret_changed, struct td_error *err)
    TD_MUST_USE;

/* States that a machine has, and one pair of its table: the next state, or -1 where the event does not concern it. */
unsigned td_way_state_count(enum td_machine machine);
int td_way_next(enum td_machine machine, unsigned state, enum td_way_event event);

/* registered, assigned, contacted, signed in, attested, joined, enrolled, device setup, pre-provisioned, account setup,
 * ready, failed, reset, repurposed, repaired, retired: the same words everywhere. "in its box" before anything is
 * known. */
const char *td_way_word(const struct td_way *way);
const char *td_way_event_word(enum td_way_event event); /* "device.registered", ... as stored in the event's type */
const char *td_way_machine_word(enum td_machine machine);
const char *td_way_state_word(enum td_machine machine, unsigned state);

#endif
