/* The way of each device in the store: five states, the ids that belong together, times of the phases.
 *
 * A way is one row per device, found by any of its ids; its id is the subject of its events. Rows are made by
 * registration, or by join or enrolment for devices that nobody registered. */
#ifndef TD_STORE_WAY_H
#define TD_STORE_WAY_H

#include "store/db.h"
#include "way/way.h"

struct td_way_row {
    const char *id;              /* subject of events */
    const char *registration_id; /* "" where not known */
    const char *device_id;       /* directory device */
    const char *enrolment_id;
    const char *user_upn; /* who deploys it, "" before sign-in */
    struct td_way way;
    int64_t contacted_at, deployment_started_at, ready_at, last_contact_at;
    int64_t none_at; /* last 'no profile' answer of the lookup */
};

enum td_way_key { TD_WAY_ID, TD_WAY_REGISTRATION, TD_WAY_DEVICE, TD_WAY_ENROLMENT };

enum td_code td_way_find(struct td_tx *tx, const char *tenant, enum td_way_key key, const char *value,
                         struct td_arena *a, struct td_way_row *ret, struct td_error *err)
    TD_MUST_USE; /* TD_ENOTFOUND */
/* Makes a row that carries this one id; TD_EEXISTS if one does already. */
enum td_code td_way_add(struct td_tx *tx, const char *tenant, enum td_way_key key, const char *value,
                        struct td_arena *a, struct td_way_row *ret, struct td_error *err) TD_MUST_USE;
/* The way of a machine that is registered just now, with its directory object, in one statement. */
enum td_code td_way_begin(struct td_tx *tx, const char *tenant, const char *registration_id, const char *device_id,
                          struct td_arena *a, const char **ret_id, struct td_error *err) TD_MUST_USE;
/* Ties a further id to the way, merging nothing: an id that another way carries moves here. */
enum td_code td_way_link(struct td_tx *tx, const char *tenant, const char *way_id, enum td_way_key key,
                         const char *value, struct td_error *err) TD_MUST_USE;
enum td_code td_way_set_user(struct td_tx *tx, const char *tenant, const char *way_id, const char *upn,
                             struct td_error *err) TD_MUST_USE;
/* Steps the machines, stores the states and phase times and appends the event, all in tx. An event that changes nothing
 * is appended only if it is a failure, 'no profile', or a step or an end of an action. */
enum td_code td_way_happened(struct td_tx *tx, const char *tenant, const char *way_id, enum td_way_event event,
                             const char *actor, const char *detail_json, struct td_error *err) TD_MUST_USE;
/* A step failed: event with code, cause and remedy; the states say 'failed' only if the deployment was running. */
enum td_code td_way_failed(struct td_tx *tx, const char *tenant, const char *way_id, const char *step,
                           const struct td_error *why, struct td_error *err) TD_MUST_USE;
/* The same event beside the way: no state changes, for what somebody says in the name of a device that is past this
 * step. actor: who said it. */
enum td_code td_way_failed_aside(struct td_tx *tx, const char *tenant, const char *way_id, const char *step,
                                 const struct td_error *why, const char *actor, struct td_error *err) TD_MUST_USE;
/* Moves 'last contact' only: no event. */
enum td_code td_way_seen(struct td_tx *tx, const char *tenant, const char *way_id, struct td_error *err) TD_MUST_USE;

#endif
