/* Events: what happened, in commit order. State tables are the truth; every change of state appends its event in the
 * same transaction. Timeline, audit, reports and live pages read from here. An idle check-in is no event. */
#ifndef TD_STORE_EVENT_H
#define TD_STORE_EVENT_H

#include "store/db.h"

struct td_event {
    int64_t pos;         /* given at append, rising in commit order */
    int64_t at;          /* the transaction's time */
    const char *subject; /* id of the device's way (registration, device or enrolment id), "" for tenant matters */
    const char *type;    /* dotted word: "device.registered", "profile.assigned", "enrolment.refused", ... */
    const char *actor;   /* who: upn, "device", "system", an application's id; never NULL */
    const char *detail;  /* JSON object text, "{}" if nothing; no secrets */
};

enum td_code td_event_append(struct td_tx *tx, const char *tenant, const struct td_event *e, struct td_error *err)
    TD_MUST_USE;
/* The same, telling the position it was given. */
enum td_code td_event_append_at(struct td_tx *tx, const char *tenant, const struct td_event *e, int64_t *ret_pos,
                                struct td_error *err) TD_MUST_USE;

/* The same with a detail of text members, name and value in turn and NULL at the end; one whose value is NULL is left
 * out. e->detail is not looked at. */
enum td_code td_event_tell(struct td_tx *tx, const char *tenant, const struct td_event *e, struct td_error *err,
                           const char *name, ...) TD_MUST_USE __attribute__((sentinel));

/* Events of one subject (or of the tenant with subject NULL) behind position `after`, at most max. */
enum td_code td_event_list(struct td_tx *tx, const char *tenant, const char *subject, int64_t after, size_t max,
                           struct td_arena *a, struct td_event **ret, size_t *ret_count, struct td_error *err)
    TD_MUST_USE;

/* Was an event of this type, with this word as its detail's member "where", among the subject's latest since then? For
 * what anybody may cause: the same is told once in a while only. */
enum td_code td_event_lately(struct td_tx *tx, const char *tenant, const char *subject, const char *type,
                             const char *where, int64_t since, bool *ret, struct td_error *err) TD_MUST_USE;

/* Did more happen to it within an hour than happens to any honest device? Then what only informs is left out: a device
 * that lies in every session fills no store; nor does a stranger who speaks in its name, whose words count as soon as
 * fewer are there. Reads the index alone. */
enum { TD_EVENTS_AN_HOUR = 5000, TD_EVENTS_OF_STRANGERS = 200 };
enum td_code td_event_crowded(struct td_tx *tx, const char *tenant, const char *subject, int64_t most, bool *ret,
                              struct td_error *err) TD_MUST_USE;

#endif
