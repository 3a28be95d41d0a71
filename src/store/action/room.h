/* What the files of actions share: rows read and written, the device behind one, and how a step is told. */
#ifndef TD_STORE_ACTION_ROOM_H
#define TD_STORE_ACTION_ROOM_H

#include "store/action.h"
#include "way/way.h"

#define TD_ACTION_COLUMNS                                                                                          \
    "id, enrolment_id, way_id, batch_id, kind, state, parameter, reason, actor, decided_by, asked_at, decided_at," \
    " sent_at, accepted_at, ended_at, changed_at, reported, hresult, cause, remedy"
void td_action_read(struct td_rows *r, struct td_arena *a, struct td_action *ret);
enum td_code td_action_insert(struct td_tx *tx, const char *tenant, const struct td_action *x, struct td_error *err)
    TD_MUST_USE;
/* Writes what may change of it; changed_at is the transaction's moment. */
enum td_code td_action_save(struct td_tx *tx, const char *tenant, struct td_action *x, struct td_error *err)
    TD_MUST_USE;
/* Rows that a statement gives ($1 tenant, $2 key), in its order. */
enum td_code td_action_rows_of(struct td_tx *tx, const char *tenant, const char *sql, const char *key,
                               struct td_arena *a, struct td_action **ret, size_t *ret_count, struct td_error *err)
    TD_MUST_USE;

struct td_action_device {
    const char *enrolment_id, *way_id, *device_id, *serial, *name, *os_version;
    bool active; /* the enrolment */
};
/* TD_ENOTFOUND. name is the serial number where known, else what it is called. */
enum td_code td_action_device(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_arena *a,
                              struct td_action_device *ret, struct td_error *err) TD_MUST_USE;

/* Appends the event to the device's way: a step of it, or, where the way has none such, the event alone. */
enum td_code td_action_tell(struct td_tx *tx, const char *tenant, const struct td_action *x, enum td_way_event event,
                            const char *actor, struct td_error *err) TD_MUST_USE;
/* What a person did, for the audit: of the event that was appended last. */
enum td_code td_action_audit(struct td_tx *tx, const char *tenant, const char *type, const struct td_action *x,
                             const char *actor, struct td_error *err) TD_MUST_USE;

/* It may be handed out from now on and takes the place of what removes less; what ends at once does. */
enum td_code td_action_release(struct td_tx *tx, const char *tenant, struct td_action *x, struct td_error *err)
    TD_MUST_USE;
/* Not delivered yet: ends it as cancelled. cause is for people. */
enum td_code td_action_drop(struct td_tx *tx, const char *tenant, struct td_action *x, const char *cause,
                            const char *actor, struct td_error *err) TD_MUST_USE;
/* How many devices destroying actions have reached or shall reach in this hour, but for one; and the tenant's limit. */
enum td_code td_action_reached(struct td_tx *tx, const char *tenant, const char *but, int64_t *ret_reached,
                               int64_t *ret_limit, struct td_error *err) TD_MUST_USE;
enum td_code td_action_texts_ok(const struct td_action_asking *what, struct td_error *err) TD_MUST_USE;
bool td_action_same_person(const char *a, const char *b);

#endif
