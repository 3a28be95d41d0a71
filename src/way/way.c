#include "way/way.h"

/* An empty place means that the event does not concern the machine in that state; so a target is stored one higher. */
#define TO(state) ((state) + 1)

static const unsigned char registration[TD_R_COUNT][TD_EV_COUNT] = {
    [TD_R_NONE] =
        {
            [TD_EV_REGISTERED] = TO(TD_R_REGISTERED),
        },
    [TD_R_REGISTERED] =
        {
            [TD_EV_REGISTERED] = TO(TD_R_REGISTERED),
            [TD_EV_ASSIGNED] = TO(TD_R_ASSIGNED),
            [TD_EV_UNASSIGNED] = TO(TD_R_REGISTERED),
            [TD_EV_DEREGISTERED] = TO(TD_R_NONE),
        },
    [TD_R_ASSIGNED] =
        {
            [TD_EV_REGISTERED] = TO(TD_R_ASSIGNED),
            [TD_EV_ASSIGNED] = TO(TD_R_ASSIGNED),
            [TD_EV_UNASSIGNED] = TO(TD_R_REGISTERED),
            [TD_EV_DEREGISTERED] = TO(TD_R_NONE),
        },
};

/* A reset in place keeps join and enrolment (autopilot.md 3.8, Autopilot Reset); a wipe ends both. */
static const unsigned char join[TD_J_COUNT][TD_EV_COUNT] = {
    [TD_J_NONE] =
        {
            [TD_EV_JOINED] = TO(TD_J_JOINED),
            [TD_EV_WIPED] = TO(TD_J_NONE),
            [TD_EV_RETIRED] = TO(TD_J_NONE),
        },
    [TD_J_JOINED] =
        {
            [TD_EV_JOINED] = TO(TD_J_JOINED),
            [TD_EV_UNJOINED] = TO(TD_J_NONE),
            [TD_EV_WIPED] = TO(TD_J_NONE),
            [TD_EV_RETIRED] = TO(TD_J_NONE),
        },
};

static const unsigned char enrolment[TD_E_COUNT][TD_EV_COUNT] = {
    [TD_E_NONE] =
        {
            [TD_EV_ENROLLED] = TO(TD_E_ENROLLED),
            [TD_EV_WIPED] = TO(TD_E_NONE),
            [TD_EV_RETIRED] = TO(TD_E_NONE),
        },
    [TD_E_ENROLLED] =
        {
            [TD_EV_ENROLLED] = TO(TD_E_ENROLLED),
            [TD_EV_UNENROLLED] = TO(TD_E_NONE),
            [TD_EV_WIPED] = TO(TD_E_NONE),
            [TD_EV_RETIRED] = TO(TD_E_NONE),
        },
};

/* What is the same in every state of a deployment. A lookup proves nothing, so it moves only what it began itself or
 * what has failed (the rows below); a sign-in that carries the lookup's ticket, and a proven TPM, begin anew wherever
 * the device was; what a proven device reports of its status page moves on from everywhere but idle. A device that is
 * reset or retired has no deployment. */
#define DEPLOYMENT_ALWAYS(state)                                                                                      \
    [TD_EV_CONTACTED_NONE] = TO(state), [TD_EV_SIGNED_IN] = TO(TD_D_SIGNED_IN), [TD_EV_ATTESTED] = TO(TD_D_ATTESTED), \
    [TD_EV_RESET] = TO(TD_D_RESET), [TD_EV_WIPED] = TO(TD_D_IDLE), [TD_EV_RETIRED] = TO(TD_D_IDLE)

static const unsigned char deployment[TD_D_COUNT][TD_EV_COUNT] =
    {
        /* Joined or enrolled by hand: no deployment, until a management session runs the status page. */
        [TD_D_IDLE] =
            {
                DEPLOYMENT_ALWAYS(TD_D_IDLE),
                [TD_EV_CONTACTED] = TO(TD_D_CONTACTED),
                [TD_EV_JOINED] = TO(TD_D_IDLE),
                [TD_EV_UNJOINED] = TO(TD_D_IDLE),
                [TD_EV_ENROLLED] = TO(TD_D_IDLE),
                [TD_EV_UNENROLLED] = TO(TD_D_IDLE),
                [TD_EV_DEVICE_SETUP] = TO(TD_D_DEVICE_SETUP),
                [TD_EV_FAILED] = TO(TD_D_IDLE),
                [TD_EV_HANDED_OVER] = TO(TD_D_IDLE),
            },
        [TD_D_CONTACTED] =
            {
                DEPLOYMENT_ALWAYS(TD_D_CONTACTED),
                [TD_EV_CONTACTED] = TO(TD_D_CONTACTED),
                [TD_EV_JOINED] = TO(TD_D_JOINED),
                [TD_EV_UNJOINED] = TO(TD_D_CONTACTED),
                [TD_EV_ENROLLED] = TO(TD_D_ENROLLED),
                [TD_EV_UNENROLLED] = TO(TD_D_CONTACTED),
                [TD_EV_DEVICE_SETUP] = TO(TD_D_DEVICE_SETUP),
                [TD_EV_DEVICE_DONE] = TO(TD_D_DEVICE_DONE),
                [TD_EV_ACCOUNT_SETUP] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_READY] = TO(TD_D_READY),
                [TD_EV_FAILED] = TO(TD_D_FAILED),
                [TD_EV_HANDED_OVER] = TO(TD_D_CONTACTED),
            },
        [TD_D_SIGNED_IN] =
            {
                DEPLOYMENT_ALWAYS(TD_D_SIGNED_IN),
                [TD_EV_CONTACTED] = TO(TD_D_SIGNED_IN),
                [TD_EV_JOINED] = TO(TD_D_JOINED),
                [TD_EV_UNJOINED] = TO(TD_D_SIGNED_IN),
                [TD_EV_ENROLLED] = TO(TD_D_ENROLLED),
                [TD_EV_UNENROLLED] = TO(TD_D_SIGNED_IN),
                [TD_EV_DEVICE_SETUP] = TO(TD_D_DEVICE_SETUP),
                [TD_EV_DEVICE_DONE] = TO(TD_D_DEVICE_DONE),
                [TD_EV_ACCOUNT_SETUP] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_READY] = TO(TD_D_READY),
                [TD_EV_FAILED] = TO(TD_D_FAILED),
                [TD_EV_HANDED_OVER] = TO(TD_D_SIGNED_IN),
            },
        [TD_D_JOINED] =
            {
                DEPLOYMENT_ALWAYS(TD_D_JOINED),
                [TD_EV_CONTACTED] = TO(TD_D_JOINED),
                [TD_EV_JOINED] = TO(TD_D_JOINED),
                [TD_EV_UNJOINED] = TO(TD_D_IDLE),
                [TD_EV_ENROLLED] = TO(TD_D_ENROLLED),
                [TD_EV_UNENROLLED] = TO(TD_D_JOINED),
                [TD_EV_DEVICE_SETUP] = TO(TD_D_DEVICE_SETUP),
                [TD_EV_DEVICE_DONE] = TO(TD_D_DEVICE_DONE),
                [TD_EV_ACCOUNT_SETUP] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_READY] = TO(TD_D_READY),
                [TD_EV_FAILED] = TO(TD_D_FAILED),
                [TD_EV_HANDED_OVER] = TO(TD_D_HANDED_OVER),
            },
        /* Hybrid joins from here on (autopilot.md 3.2), so a join moves nothing back. */
        [TD_D_ENROLLED] =
            {
                DEPLOYMENT_ALWAYS(TD_D_ENROLLED),
                [TD_EV_CONTACTED] = TO(TD_D_ENROLLED),
                [TD_EV_JOINED] = TO(TD_D_ENROLLED),
                [TD_EV_UNJOINED] = TO(TD_D_IDLE),
                [TD_EV_ENROLLED] = TO(TD_D_ENROLLED),
                [TD_EV_UNENROLLED] = TO(TD_D_IDLE),
                [TD_EV_DEVICE_SETUP] = TO(TD_D_DEVICE_SETUP),
                [TD_EV_DEVICE_DONE] = TO(TD_D_DEVICE_DONE),
                [TD_EV_ACCOUNT_SETUP] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_READY] = TO(TD_D_READY),
                [TD_EV_FAILED] = TO(TD_D_FAILED),
                [TD_EV_HANDED_OVER] = TO(TD_D_ENROLLED),
            },
        [TD_D_DEVICE_SETUP] =
            {
                DEPLOYMENT_ALWAYS(TD_D_DEVICE_SETUP),
                [TD_EV_CONTACTED] = TO(TD_D_DEVICE_SETUP),
                [TD_EV_JOINED] = TO(TD_D_DEVICE_SETUP),
                [TD_EV_UNJOINED] = TO(TD_D_IDLE),
                [TD_EV_ENROLLED] = TO(TD_D_ENROLLED),
                [TD_EV_UNENROLLED] = TO(TD_D_IDLE),
                [TD_EV_DEVICE_SETUP] = TO(TD_D_DEVICE_SETUP),
                [TD_EV_DEVICE_DONE] = TO(TD_D_DEVICE_DONE),
                [TD_EV_ACCOUNT_SETUP] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_READY] = TO(TD_D_READY),
                [TD_EV_FAILED] = TO(TD_D_FAILED),
                [TD_EV_HANDED_OVER] = TO(TD_D_DEVICE_SETUP),
            },
        [TD_D_DEVICE_DONE] =
            {
                DEPLOYMENT_ALWAYS(TD_D_DEVICE_DONE),
                [TD_EV_PROVISIONED] = TO(TD_D_PROVISIONED),
                [TD_EV_CONTACTED] = TO(TD_D_DEVICE_DONE),
                [TD_EV_JOINED] = TO(TD_D_DEVICE_DONE),
                [TD_EV_UNJOINED] = TO(TD_D_IDLE),
                [TD_EV_ENROLLED] = TO(TD_D_ENROLLED),
                [TD_EV_UNENROLLED] = TO(TD_D_IDLE),
                [TD_EV_DEVICE_SETUP] = TO(TD_D_DEVICE_DONE),
                [TD_EV_DEVICE_DONE] = TO(TD_D_DEVICE_DONE),
                [TD_EV_ACCOUNT_SETUP] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_READY] = TO(TD_D_READY),
                [TD_EV_FAILED] = TO(TD_D_FAILED),
                [TD_EV_HANDED_OVER] = TO(TD_D_DEVICE_DONE),
            },
        [TD_D_ACCOUNT_SETUP] =
            {
                DEPLOYMENT_ALWAYS(TD_D_ACCOUNT_SETUP),
                [TD_EV_CONTACTED] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_JOINED] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_UNJOINED] = TO(TD_D_IDLE),
                [TD_EV_ENROLLED] = TO(TD_D_ENROLLED),
                [TD_EV_UNENROLLED] = TO(TD_D_IDLE),
                [TD_EV_DEVICE_SETUP] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_DEVICE_DONE] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_ACCOUNT_SETUP] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_READY] = TO(TD_D_READY),
                [TD_EV_FAILED] = TO(TD_D_FAILED),
                [TD_EV_HANDED_OVER] = TO(TD_D_ACCOUNT_SETUP),
            },
        /* Late reports of the status page move nothing back; a failure later on is an event, not a failed deployment.
         */
        [TD_D_READY] =
            {
                DEPLOYMENT_ALWAYS(TD_D_READY),
                [TD_EV_CONTACTED] = TO(TD_D_READY),
                [TD_EV_JOINED] = TO(TD_D_READY),
                [TD_EV_UNJOINED] = TO(TD_D_IDLE),
                [TD_EV_ENROLLED] = TO(TD_D_READY),
                [TD_EV_UNENROLLED] = TO(TD_D_IDLE),
                [TD_EV_DEVICE_SETUP] = TO(TD_D_READY),
                [TD_EV_DEVICE_DONE] = TO(TD_D_READY),
                [TD_EV_ACCOUNT_SETUP] = TO(TD_D_READY),
                [TD_EV_READY] = TO(TD_D_READY),
                [TD_EV_FAILED] = TO(TD_D_READY),
                [TD_EV_HANDED_OVER] = TO(TD_D_READY),
            },
        /* Every station can be tried again, and a try that works mends the word. */
        [TD_D_FAILED] =
            {
                DEPLOYMENT_ALWAYS(TD_D_FAILED),
                [TD_EV_CONTACTED] = TO(TD_D_CONTACTED),
                [TD_EV_JOINED] = TO(TD_D_JOINED),
                [TD_EV_UNJOINED] = TO(TD_D_FAILED),
                [TD_EV_ENROLLED] = TO(TD_D_ENROLLED),
                [TD_EV_UNENROLLED] = TO(TD_D_FAILED),
                [TD_EV_DEVICE_SETUP] = TO(TD_D_DEVICE_SETUP),
                [TD_EV_DEVICE_DONE] = TO(TD_D_DEVICE_DONE),
                [TD_EV_ACCOUNT_SETUP] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_READY] = TO(TD_D_READY),
                [TD_EV_FAILED] = TO(TD_D_FAILED),
                [TD_EV_HANDED_OVER] = TO(TD_D_HANDED_OVER),
            },
        /* What is seen of it here later on moves nothing back; a sign-in begins anew, and so does an enrolment here. */
        [TD_D_HANDED_OVER] =
            {
                DEPLOYMENT_ALWAYS(TD_D_HANDED_OVER),
                [TD_EV_CONTACTED] = TO(TD_D_HANDED_OVER),
                [TD_EV_JOINED] = TO(TD_D_HANDED_OVER),
                [TD_EV_UNJOINED] = TO(TD_D_IDLE),
                [TD_EV_ENROLLED] = TO(TD_D_ENROLLED),
                [TD_EV_UNENROLLED] = TO(TD_D_HANDED_OVER),
                [TD_EV_DEVICE_SETUP] = TO(TD_D_DEVICE_SETUP),
                [TD_EV_DEVICE_DONE] = TO(TD_D_DEVICE_DONE),
                [TD_EV_ACCOUNT_SETUP] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_READY] = TO(TD_D_READY),
                [TD_EV_FAILED] = TO(TD_D_HANDED_OVER),
                [TD_EV_HANDED_OVER] = TO(TD_D_HANDED_OVER),
            },
        /* Its status page runs again on the enrolment that it kept. */
        [TD_D_RESET] =
            {
                DEPLOYMENT_ALWAYS(TD_D_RESET),
                [TD_EV_CONTACTED] = TO(TD_D_RESET),
                [TD_EV_JOINED] = TO(TD_D_RESET),
                [TD_EV_UNJOINED] = TO(TD_D_IDLE),
                [TD_EV_ENROLLED] = TO(TD_D_ENROLLED),
                [TD_EV_UNENROLLED] = TO(TD_D_IDLE),
                [TD_EV_DEVICE_SETUP] = TO(TD_D_DEVICE_SETUP),
                [TD_EV_DEVICE_DONE] = TO(TD_D_DEVICE_DONE),
                [TD_EV_ACCOUNT_SETUP] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_READY] = TO(TD_D_READY),
                [TD_EV_FAILED] = TO(TD_D_FAILED),
                [TD_EV_HANDED_OVER] = TO(TD_D_HANDED_OVER),
            },
        /* As a sign-in: only the proof is another. */
        [TD_D_ATTESTED] =
            {
                DEPLOYMENT_ALWAYS(TD_D_ATTESTED),
                [TD_EV_CONTACTED] = TO(TD_D_ATTESTED),
                [TD_EV_JOINED] = TO(TD_D_JOINED),
                [TD_EV_UNJOINED] = TO(TD_D_ATTESTED),
                [TD_EV_ENROLLED] = TO(TD_D_ENROLLED),
                [TD_EV_UNENROLLED] = TO(TD_D_ATTESTED),
                [TD_EV_DEVICE_SETUP] = TO(TD_D_DEVICE_SETUP),
                [TD_EV_DEVICE_DONE] = TO(TD_D_DEVICE_DONE),
                [TD_EV_ACCOUNT_SETUP] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_READY] = TO(TD_D_READY),
                [TD_EV_FAILED] = TO(TD_D_FAILED),
                [TD_EV_HANDED_OVER] = TO(TD_D_ATTESTED),
            },
        /* Its technician's part is done: it un-joins, keeps its enrolment, and its user's sign-in begins the rest. */
        [TD_D_PROVISIONED] =
            {
                DEPLOYMENT_ALWAYS(TD_D_PROVISIONED),
                [TD_EV_CONTACTED] = TO(TD_D_PROVISIONED),
                [TD_EV_JOINED] = TO(TD_D_JOINED),
                [TD_EV_UNJOINED] = TO(TD_D_PROVISIONED),
                [TD_EV_ENROLLED] = TO(TD_D_ENROLLED),
                [TD_EV_UNENROLLED] = TO(TD_D_IDLE),
                [TD_EV_DEVICE_SETUP] = TO(TD_D_DEVICE_SETUP),
                [TD_EV_DEVICE_DONE] = TO(TD_D_PROVISIONED),
                [TD_EV_PROVISIONED] = TO(TD_D_PROVISIONED),
                [TD_EV_ACCOUNT_SETUP] = TO(TD_D_ACCOUNT_SETUP),
                [TD_EV_READY] = TO(TD_D_READY),
                [TD_EV_FAILED] = TO(TD_D_FAILED),
                [TD_EV_HANDED_OVER] = TO(TD_D_PROVISIONED),
            },
};

/* Ends of an action, reachable from everywhere: the device may report them unasked (a reset at the lock screen, a
 * machine that was installed anew). A device may have several actions open; the machine shows what happened last. */
#define ACTION_ENDS                                                                                           \
    [TD_EV_RESET] = TO(TD_A_RESET), [TD_EV_WIPED] = TO(TD_A_RESET), [TD_EV_REPURPOSED] = TO(TD_A_REPURPOSED), \
    [TD_EV_REPAIRED] = TO(TD_A_REPAIRED), [TD_EV_RETIRED] = TO(TD_A_RETIRED)
#define ACTION_STEPS                                                                                                   \
    [TD_EV_ACTION_QUEUED] = TO(TD_A_QUEUED), [TD_EV_ACTION_SENT] = TO(TD_A_SENT), [TD_EV_ACTION_DONE] = TO(TD_A_DONE), \
    [TD_EV_ACTION_FAILED] = TO(TD_A_FAILED), [TD_EV_ACTION_CANCELLED] = TO(TD_A_NONE)
#define ACTION_RESTS ACTION_ENDS, ACTION_STEPS, [TD_EV_CONTACTED] = TO(TD_A_NONE), [TD_EV_READY] = TO(TD_A_NONE)

static const unsigned char action[TD_A_COUNT][TD_EV_COUNT] = {
    [TD_A_NONE] = {ACTION_ENDS, ACTION_STEPS},
    [TD_A_QUEUED] = {ACTION_ENDS, ACTION_STEPS},
    [TD_A_SENT] = {ACTION_ENDS, ACTION_STEPS},
    [TD_A_DONE] = {ACTION_ENDS, ACTION_STEPS},
    [TD_A_FAILED] = {ACTION_ENDS, ACTION_STEPS},
    /* The next deployment ends what the last action left. */
    [TD_A_RESET] = {ACTION_RESTS},
    [TD_A_REPURPOSED] = {ACTION_RESTS},
    [TD_A_REPAIRED] = {ACTION_RESTS},
    [TD_A_RETIRED] =
        {
            [TD_EV_RETIRED] = TO(TD_A_RETIRED),
            [TD_EV_REGISTERED] = TO(TD_A_NONE),
            [TD_EV_CONTACTED] = TO(TD_A_NONE),
            [TD_EV_JOINED] = TO(TD_A_NONE),
            [TD_EV_ENROLLED] = TO(TD_A_NONE),
        },
};

static const char *const registration_words[] = {"none", "registered", "assigned"};
static const char *const join_words[] = {"none", "joined"};
static const char *const enrolment_words[] = {"none", "enrolled"};
static const char *const deployment_words[] = {
    "idle",          "contacted", "signed in", "joined", "enrolled", "device setup", "device setup",
    "account setup", "ready",     "failed",    "joined", "reset",    "attested",     "pre-provisioned",
};
static const char *const action_words[] = {
    "none", "queued", "sent", "done", "failed", "reset", "repurposed", "repaired", "retired",
};

static const struct {
    const char *name;
    const unsigned char (*table)[TD_EV_COUNT];
    unsigned states;
    const char *const *words;
} machines[TD_M_COUNT] = {
    [TD_M_REGISTRATION] = {"registration", registration, TD_R_COUNT, registration_words},
    [TD_M_JOIN] = {"join", join, TD_J_COUNT, join_words},
    [TD_M_ENROLMENT] = {"enrolment", enrolment, TD_E_COUNT, enrolment_words},
    [TD_M_DEPLOYMENT] = {"deployment", deployment, TD_D_COUNT, deployment_words},
    [TD_M_ACTION] = {"action", action, TD_A_COUNT, action_words},
};

static const char *const event_words[TD_EV_COUNT] = {
    [TD_EV_REGISTERED] = "device.registered",
    [TD_EV_ASSIGNED] = "device.assigned",
    [TD_EV_UNASSIGNED] = "device.unassigned",
    [TD_EV_DEREGISTERED] = "device.deregistered",
    [TD_EV_CONTACTED] = "device.contacted",
    [TD_EV_CONTACTED_NONE] = "device.contacted-none",
    [TD_EV_SIGNED_IN] = "device.signed-in",
    [TD_EV_JOINED] = "device.joined",
    [TD_EV_UNJOINED] = "device.unjoined",
    [TD_EV_ENROLLED] = "device.enrolled",
    [TD_EV_UNENROLLED] = "device.unenrolled",
    [TD_EV_DEVICE_SETUP] = "device.device-setup",
    [TD_EV_DEVICE_DONE] = "device.device-done",
    [TD_EV_ACCOUNT_SETUP] = "device.account-setup",
    [TD_EV_READY] = "device.ready",
    [TD_EV_FAILED] = "device.failed",
    [TD_EV_ACTION_QUEUED] = "device.action-queued",
    [TD_EV_ACTION_SENT] = "device.action-sent",
    [TD_EV_ACTION_DONE] = "device.action-done",
    [TD_EV_ACTION_FAILED] = "device.action-failed",
    [TD_EV_RESET] = "device.reset",
    [TD_EV_REPURPOSED] = "device.repurposed",
    [TD_EV_REPAIRED] = "device.repaired",
    [TD_EV_RETIRED] = "device.retired",
    [TD_EV_HANDED_OVER] = "device.handed-over",
    [TD_EV_WIPED] = "device.wiped",
    [TD_EV_ACTION_CANCELLED] = "device.action-cancelled",
    [TD_EV_ATTESTED] = "device.attested",
    [TD_EV_PROVISIONED] = "device.provisioned",
};

unsigned td_way_state_count(enum td_machine machine)
{
    return (unsigned)machine < TD_M_COUNT ? machines[machine].states : 0;
}

int td_way_next(enum td_machine machine, unsigned state, enum td_way_event event)
{
    if (state >= td_way_state_count(machine) || (unsigned)event >= TD_EV_COUNT)
        return -1;
    return machines[machine].table[state][event] - 1;
}

enum td_code td_way_step(struct td_way *way, enum td_way_event event, bool *ret_changed, struct td_error *err)
{
    struct td_way next = *way;
    bool allowed = false, changed = false;
    for (int m = 0; m < TD_M_COUNT; m++) {
        int to = td_way_next((enum td_machine)m, way->state[m], event);
        if (to < 0)
            continue;
        allowed = true;
        changed = changed || to != way->state[m];
        next.state[m] = (unsigned char)to;
    }
    if (!allowed)
        return td_fail(err, TD_ESTATE, td_way_event_word(event), "not possible while the device is '%s'",
                       td_way_word(way));
    *way = next;
    *ret_changed = changed;
    return TD_OK;
}

const char *td_way_word(const struct td_way *way)
{
    const unsigned char *s = way->state;
    if (s[TD_M_ACTION] == TD_A_RETIRED)
        return "retired";
    if (s[TD_M_DEPLOYMENT] != TD_D_IDLE)
        return td_way_state_word(TD_M_DEPLOYMENT, s[TD_M_DEPLOYMENT]);
    if (s[TD_M_ENROLMENT] == TD_E_ENROLLED)
        return "enrolled";
    if (s[TD_M_JOIN] == TD_J_JOINED)
        return "joined";
    if (s[TD_M_ACTION] >= TD_A_RESET)
        return td_way_state_word(TD_M_ACTION, s[TD_M_ACTION]);
    if (s[TD_M_REGISTRATION] != TD_R_NONE)
        return td_way_state_word(TD_M_REGISTRATION, s[TD_M_REGISTRATION]);
    return "in its box";
}

const char *td_way_event_word(enum td_way_event event)
{
    return (unsigned)event < TD_EV_COUNT ? event_words[event] : "device.unknown";
}

const char *td_way_machine_word(enum td_machine machine)
{
    return (unsigned)machine < TD_M_COUNT ? machines[machine].name : "unknown";
}

const char *td_way_state_word(enum td_machine machine, unsigned state)
{
    return state < td_way_state_count(machine) ? machines[machine].words[state] : "unknown";
}
