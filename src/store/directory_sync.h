/* People and groups of an Active Directory, as connectors tell them, taken over into the tenant.
 *
 * A message (docs/protocol/connector.md 4) is taken in slices, each a write of its own of less than 50 ms; taken twice
 * it changes nothing the second time. Whoever is named becomes an account or a group with source "ad", known by its
 * objectGUID: a rename keeps it, and a name that a person made by hand bears already is never taken over (it is
 * listed, td_ad_refused). Members of groups are kept as objectGUIDs, so that the order of messages does not matter;
 * members through groups within groups are members. Who is gone there is removed here; who is disabled there is
 * disabled here, which voids every token (store/user.h, tokens_from).
 *
 * One connector at a time: the one whose turn it is (td_directory_sync_turn) until it is silent for
 * TD_SYNC_TURN. What another one sends meanwhile is not taken, and answered with its own number. */
#ifndef TD_STORE_DIRECTORY_SYNC_H
#define TD_STORE_DIRECTORY_SYNC_H

#include "codec/json.h"
#include "store/ad_domain.h"

enum { TD_SYNC_OBJECTS_MAX = 500, TD_SYNC_MEMBERS_MAX = 20000 };
#define TD_SYNC_TURN (3 * TD_MINUTE)     /* ... or three intervals, if that is longer */
#define TD_SYNC_FULL_EVERY (6 * TD_HOUR) /* so often everything is asked for anew: what left the base unseen goes */

/* One message of a connector of this tenant; body is the parsed JSON. *ret_from: the number to go on from. Writes the
 * store several times: not inside a transaction. TD_EINVAL names the member; TD_ENOTFOUND: the tenant has no such
 * domain; TD_ESTATE: its people are not to be taken over. */
enum td_code td_directory_sync_take(struct td_store *store, const char *tenant, const char *connector_id,
                                    const struct td_json *body, struct td_arena *a, uint64_t *ret_from,
                                    struct td_error *err) TD_MUST_USE;

/* Is it this connector's turn to tell the people of this domain ("sync" in the answer to hello)? False too where the
 * tenant does not want it. Changes nothing. */
enum td_code td_directory_sync_turn(struct td_tx *tx, const char *tenant, const char *connector_id, const char *domain,
                                    bool *ret, struct td_error *err) TD_MUST_USE;

/* Somebody whose password the domain has just found right (docs/protocol/connector.md 3, `password`): the account is
 * made, or brought up to date. ret_id lives in a. TD_EDENIED: the name belongs to an account made by hand, or to no
 * domain of the tenant; or the account is disabled here. */
struct td_ad_person {
    const char *guid, *sid, *upn, *sam, *name, *mail;
};
enum td_code td_ad_person_signed_in(struct td_tx *tx, const char *tenant, const char *domain,
                                    const struct td_ad_person *p, struct td_arena *a, const char **ret_id,
                                    struct td_error *err) TD_MUST_USE;

/* What is not taken over. */
struct td_ad_refused {
    const char *guid, *name, *reason;
    int64_t at;
};
enum td_code td_ad_refused(struct td_tx *tx, const char *tenant, const char *domain, size_t max, struct td_arena *a,
                           struct td_ad_refused **ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;

#endif
