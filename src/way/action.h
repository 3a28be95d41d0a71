/* Remote actions: one table of what may be asked of a device once it is managed, and the rules of asking. Pure.
 *
 * The table serves the command line, the administration interface, the management door, the device and the documents
 * (docs/tasks/actions.md is printed from it). What each action keeps and removes is way/remains.h. Who may ask is
 * api/access.h; how an action lives in the store is store/action.h. Sources: autopilot.md 3.6 to 3.9; csp.md 3, 10, 11,
 * 17; graph-api.md 1.5. */
#ifndef TD_WAY_ACTION_H
#define TD_WAY_ACTION_H

#include "base/err.h"
#include "base/slice.h"

enum td_action_kind { /* numbers are stored: never renumber, add at the end */
                      TD_ACTION_SYNC,
                      TD_ACTION_RESTART,
                      TD_ACTION_SHUT_DOWN,
                      TD_ACTION_RENAME, /* parameter: the new name, macros allowed */
                      TD_ACTION_LOCK,
                      TD_ACTION_ROTATE_LAPS,
                      TD_ACTION_DIAGNOSTICS,
                      TD_ACTION_RESET,       /* Autopilot Reset, asked from afar */
                      TD_ACTION_LOCAL_RESET, /* the same at the lock screen: nobody asks for it here, it is reported */
                      TD_ACTION_WIPE,
                      TD_ACTION_WIPE_KEEP_USER,
                      TD_ACTION_WIPE_KEEP_PROVISIONING,
                      TD_ACTION_WIPE_PROTECTED,
                      TD_ACTION_WIPE_CLOUD,
                      TD_ACTION_FRESH_START,
                      TD_ACTION_FRESH_START_KEEP_USER,
                      TD_ACTION_RETIRE,
                      TD_ACTION_DELETE,    /* the record goes at once, whatever the device says */
                      TD_ACTION_REINSTALL, /* reset or reimaged by hand: not asked for, it is seen */
                      TD_ACTION_QUICK_SCAN,
                      TD_ACTION_FULL_SCAN,
                      TD_ACTION_UPDATE_SIGNATURES,
                      TD_ACTION_KIND_COUNT
};

/* How it becomes known that an action is done. */
enum td_action_end {
    TD_END_AT_ONCE,    /* in the transaction that asks */
    TD_END_CONTACT,    /* the next session has run (sync) */
    TD_END_ANSWER,     /* Status 2xx for the command */
    TD_END_RESULT,     /* a result arrives (password, archive) */
    TD_END_REPORT,     /* AutomaticRedeployment/Status is 1; 30, 40, 50 fail it */
    TD_END_CAME_BACK,  /* accepted, and a session on the kept enrolment begins anew (com.microsoft/MDM/BootstrapSync) */
    TD_END_GONE,       /* accepted, and the machine shows itself from its box; or it stays away long enough */
    TD_END_UNENROLLED, /* the device says goodbye, or its Status 2xx */
    TD_END_NEVER       /* is not asked for: a row of history */
};

/* What it leaves of the device, as far as the service must know. */
enum td_action_leaves {
    TD_LEAVES_ALL,       /* nothing is removed */
    TD_LEAVES_ENROLMENT, /* join and enrolment stay, users' things go: the deployment runs again */
    TD_LEAVES_BOX,       /* back in its box, the registration stays */
    TD_LEAVES_UNMANAGED  /* Windows stays as it is, join and management are gone */
};

struct td_action_row {
    const char *word;   /* "wipe-keep-user-data": command line, events, our own JSON */
    const char *graph;  /* actionName of deviceActionResults: "wipe", "cleanWindowsDevice", ... */
    const char *uri;    /* what is executed on the device, "" for none; {provider} stands for its PROVIDER-ID */
    const char *verb;   /* "exec" or "replace" */
    const char *format; /* of its Data, "" where none is sent */
    const char *data;   /* Data that is always the same; NULL: none, or each action has its own */
    enum td_action_end end;
    enum td_action_leaves leaves;
    bool destroys;         /* removes data or management: safety limit, four eyes, TD_RIGHT_WIPE */
    bool clears_user;      /* primary user and owner go; the next one who signs in becomes both (3.7) */
    bool needs_join;       /* refused for hybrid and for management without a join, with the reason (3.2, 3.7) */
    int64_t minimum_build; /* of Windows 10.0.x; 0: any */
    const char *about;     /* a sentence for help and documents */
};
extern const struct td_action_row td_action_rows[TD_ACTION_KIND_COUNT];

/* -1 if there is no such word. Older and shorter words are known too ("autopilot-reset", "reboot"). */
int td_action_by_word(struct td_slice word);

/* What is known of the device when somebody asks. */
struct td_action_facts {
    bool managed;           /* an active enrolment */
    bool joined;            /* a directory object that is joined and enabled */
    bool hybrid;            /* joined by Active Directory, or its profile says so */
    bool busy;              /* an action that destroys is open already */
    const char *busy_with;  /* its word */
    const char *os_version; /* "10.0.22631.1", "" if not told */
    const char *serial;     /* for macros of a name */
};
/* May this be asked now? TD_ESTATE with reason and remedy. parameter is the new name or "". TD_EINVAL names it. */
enum td_code td_action_may(enum td_action_kind kind, const struct td_action_facts *facts, const char *parameter,
                           struct td_error *err) TD_MUST_USE;

/* Of two that destroy: does the one remove more, so that it may take the other's place before that was delivered? */
bool td_action_goes_further(enum td_action_kind kind, enum td_action_kind than);

/* HRESULTs that such actions are known to give; NULL past the end. */
struct td_action_failure {
    uint32_t hresult;
    const char *cause, *remedy;
};
const struct td_action_failure *td_action_failure(size_t i);

/* AutomaticRedeployment/Status in words: "scheduled", "waiting for the restart", ... ; "" for an unknown number. */
const char *td_action_report_word(int64_t status);
/* The cause and remedy of a failed report (30, 40, 50) and of HRESULTs that such actions give. Always TD_EUNAVAILABLE
 * or worse, never TD_OK. */
enum td_code td_action_report_failure(int64_t status, uint32_t hresult, struct td_error *err) TD_MUST_USE;

#endif
