/* What people and programs changed: events with who, what, before and after.
 *
 * Whoever changes something in the name of a caller tells it here, in the same transaction; the audit resources read
 * it back (table audit, a row an event; view in store/view/audit.c). Values are texts for people, kept up to
 * TD_AUDIT_VALUE octets; secrets never come here. The event's detail is
 *   {"kind":"profile","id":"...","name":"...","changes":[{"name":"locale","before":"de-DE","after":"en-US"}]}.
 * Sources: graph-api.md 1.8 (auditEvent, directoryAudit); autopilot.md 6.2, row X11. */
#ifndef TD_STORE_AUDIT_H
#define TD_STORE_AUDIT_H

#include "store/event.h"

enum { TD_AUDIT_VALUE = 1024 };

struct td_change {
    const char *name;
    const char *before, *after; /* NULL: was not, is not there. Equal ones are left out */
};

struct td_audit {
    const char *type;             /* "profile.changed": a row of the table in store/audit.c */
    const char *actor;            /* upn, application id, "command line", "system" */
    const char *subject;          /* id of the way where a device's timeline shall show it, else "" or NULL */
    const char *kind, *id, *name; /* what was changed: "profile", "group", "registration", ... */
    const struct td_change *changes;
    size_t count;
    const char *failure; /* why it was refused, for people; NULL: it was done */
};
enum td_code td_audit_tell(struct td_tx *tx, const char *tenant, const struct td_audit *what, struct td_error *err)
    TD_MUST_USE;
/* The same for the event that this transaction appended last (a step of a way), without one more: what->changes are not
 * looked at, the texts of the event's detail are shown as new values. */
enum td_code td_audit_last(struct td_tx *tx, const char *tenant, const struct td_audit *what, struct td_error *err)
    TD_MUST_USE;
/* Is the event (its time and position) one of the audit? */
enum td_code td_audit_holds(struct td_tx *tx, const char *tenant, int64_t at, int64_t pos, bool *ret,
                            struct td_error *err) TD_MUST_USE;
/* A change that the caller may not make: kept with result failure, so that somebody who tries doors is seen. At most
 * TD_AUDIT_DENIED of one actor in ten minutes are kept; further ones are dropped. A write of its own. */
enum { TD_AUDIT_DENIED = 20 };
enum td_code td_audit_denied(struct td_tx *tx, const char *tenant, const char *actor, const char *what,
                             const char *reason, struct td_error *err) TD_MUST_USE;
/* Are there as many already? A read: who tries without end costs no writes. */
enum td_code td_audit_denied_often(struct td_tx *tx, const char *tenant, const char *actor, bool *ret,
                                   struct td_error *err) TD_MUST_USE;

/* What a type means, by its two halves ("profile", "changed"): unknown halves have a meaning too ("Other", an action),
 * so that a new kind of change is told before anybody adds it to the tables of store/audit.c. */
struct td_audit_meaning {
    bool directory;        /* of the directory's audit alone, else of device management's too */
    const char *category;  /* "Enrollment", "GroupManagement" */
    const char *resource;  /* "WindowsAutopilotDeploymentProfile", "Group" */
    const char *operation; /* "Create", "Patch", "Delete", "Action"; of the directory "Add", "Update", ... */
    char activity[128];    /* "Patch WindowsAutopilotDeploymentProfile", "Add member to group" */
};
void td_audit_meaning(const char *type, const char *kind, struct td_audit_meaning *ret);
/* NULL-terminated, of device management. */
const char *const *td_audit_categories(void);
/* What is done in a category (any case), e.g. "Create WindowsAutopilotDeploymentProfile": the i-th, false past the end.
 */
bool td_audit_activity(const char *category, size_t i, struct td_audit_meaning *ret);

/* Where a transaction's changes come from: set once by the door at the beginning of its write; kept with each event
 * that is appended in it. Lives until the transaction ends. */
struct td_origin {
    const char *request_id;     /* correlation */
    const char *application_id; /* the program that called, "" if none */
    const char *user_id, *upn;  /* the person, "" if none */
    const char *address;
};
void td_tx_set_origin(struct td_tx *tx, const struct td_origin *origin);
const struct td_origin *td_tx_origin(const struct td_tx *tx); /* NULL: command line, device or background work */

#endif
