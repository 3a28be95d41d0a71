/* Inside the store: people and groups of an Active Directory (store/directory_sync.h), and the changes of accounts and
 * groups that ask nobody whose they are. */
#ifndef TD_STORE_SYNC_ROOM_H
#define TD_STORE_SYNC_ROOM_H

#include "store/directory_sync.h"
#include "store/group.h"
#include "store/user.h"

#define TD_SYNC_ACTOR "directory sync" /* in the audit */

/* Does a directory domain of the tenant own what is marked with this name ("" never)? */
enum td_code td_sync_owns(struct td_tx *tx, const char *tenant, const char *domain, bool *ret, struct td_error *err)
    TD_MUST_USE;

enum td_code td_user_switch(struct td_tx *tx, const struct td_user *u, bool enabled, const char *actor,
                            struct td_error *err) TD_MUST_USE;
enum td_code td_user_drop(struct td_tx *tx, const struct td_user *u, const char *actor, struct td_error *err)
    TD_MUST_USE;
enum td_code td_group_drop(struct td_tx *tx, const char *tenant, const struct td_group *g, const char *actor,
                           struct td_error *err) TD_MUST_USE;

/* --- a message (sync/read.c) --- */

struct td_sync_object {
    const char *guid; /* lower case, without braces */
    bool is_group;
    const char *sid, *upn, *sam, *name, *mail;
    bool enabled, deleted, security, continued;
    const char *const *members;
    size_t member_count;
};
struct td_sync_message {
    const char *domain, *run, *server;
    uint64_t from, to;
    bool full, last;
    const struct td_sync_object *objects;
    size_t count;
};
enum td_code td_sync_read(const struct td_json *body, struct td_arena *a, struct td_sync_message *ret,
                          struct td_error *err) TD_MUST_USE;
enum td_code td_sync_read_object(const struct td_json *v, struct td_arena *a, struct td_sync_object *ret,
                                 struct td_error *err) TD_MUST_USE;
/* A person as JSON, to be read again; without members. */
const char *td_sync_wish(const struct td_sync_object *o, struct td_arena *a);

/* --- what is told of one (sync/person.c, sync/group.c) --- */

struct td_sync {
    const char *tenant, *domain;
    int64_t run; /* the latest full one: whoever is named now was seen in it */
};

/* One person, in the caller's transaction. *ret_id: the account, NULL if it is gone or was not taken over; *ret_reason:
 * why not, else NULL. */
enum td_code td_sync_person(struct td_tx *tx, const struct td_sync *s, const struct td_sync_object *o,
                            struct td_arena *a, const char **ret_id, const char **ret_reason, struct td_error *err)
    TD_MUST_USE;
/* A group without its members; what a group that goes leaves of ad_member is the caller's to take away. */
enum td_code td_sync_group(struct td_tx *tx, const struct td_sync *s, const struct td_sync_object *o,
                           struct td_arena *a, struct td_error *err) TD_MUST_USE;
/* Members as told: differences in slices. Writes by itself. */
enum td_code td_sync_members(struct td_store *store, const struct td_sync *s, const struct td_sync_object *o,
                             struct td_arena *a, struct td_error *err) TD_MUST_USE;
/* Whoever is in a group whose members changed there, groups within groups included, in slices. Writes by itself. */
enum td_code td_sync_settle(struct td_store *store, const char *tenant, struct td_error *err) TD_MUST_USE;
/* A person that is new is in the groups that named it before. */
enum td_code td_sync_join_groups(struct td_tx *tx, const struct td_sync *s, const char *guid, const char *user_id,
                                 struct td_error *err) TD_MUST_USE;

#endif
