/* What people and programs changed: events with who, what, before and after.
 *
 * Whoever changes something in the name of a caller tells it here, in the same transaction; the audit resources read
 * it back. Values are texts for people; secrets never come here. The event's detail is
 *   {"kind":"profile","id":"...","name":"...","changes":[{"name":"locale","before":"de-DE","after":"en-US"}]}.
 * Sources: graph-api.md 1.8 (auditEvent, directoryAudit); autopilot.md 6.2, row X11. */
#ifndef TD_STORE_AUDIT_H
#define TD_STORE_AUDIT_H

#include "store/event.h"

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
};
enum td_code td_audit_tell(struct td_tx *tx, const char *tenant, const struct td_audit *what, struct td_error *err)
    TD_MUST_USE;

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
