/* Users, their directory roles and the guard against guessing.
 *
 * A user belongs to the tenant that holds the domain of its name. Passwords come here as PHC text only (crypto/secret.h
 * makes it, outside every transaction). The guard counts wrong passwords by name, whether a user of that name exists or
 * not, so that a lock tells nobody who exists. All texts live in the caller's arena. */
#ifndef TD_STORE_USER_H
#define TD_STORE_USER_H

#include "store/db.h"

enum { TD_UPN_MAX = 254, TD_USER_NAME_MAX = 128 };

struct td_user {
    const char *tenant, *id;
    const char *upn;  /* as it was given; compared without regard to case */
    const char *name; /* display name, never empty */
    const char *phc;  /* "" if no password was set: then nobody can sign in by password */
    bool enabled;
    int64_t created_at;
    int64_t tokens_from; /* refresh tokens and codes made before this moment are void */
    /* Of people of an Active Directory (store/directory_sync.h); else "". They never have a phc: the domain's own
     * controllers judge their passwords, asked by a connector. */
    const char *source; /* "ad" */
    const char *ad_domain, *ad_guid, *ad_sid, *sam;
    int64_t synced_at;
};

/* name@domain with a domain of dots and letters; err names "upn". */
enum td_code td_upn_check(struct td_slice upn, struct td_error *err) TD_MUST_USE;

/* TD_EINVAL if the domain is not the tenant's, TD_EEXISTS. name NULL or "": the part before @. */
enum td_code td_user_add(struct td_tx *tx, const char *tenant, const char *upn, const char *name, const char *phc,
                         const char *actor, struct td_arena *a, struct td_user *ret, struct td_error *err) TD_MUST_USE;
/* key: id or name. TD_ENOTFOUND. */
enum td_code td_user_find(struct td_tx *tx, const char *tenant, struct td_slice key, struct td_arena *a,
                          struct td_user *ret, struct td_error *err) TD_MUST_USE;
/* The tenant follows from the name's domain. TD_ENOTFOUND for an unknown domain (ret->tenant NULL) or an unknown user
 * (ret->tenant set, so that the caller can count the attempt). */
enum td_code td_user_by_upn(struct td_tx *tx, struct td_slice upn, struct td_arena *a, struct td_user *ret,
                            struct td_error *err) TD_MUST_USE;
enum td_code td_user_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_user **ret,
                          size_t *ret_count, struct td_error *err) TD_MUST_USE;

/* By objectGUID. TD_ENOTFOUND. */
enum td_code td_user_by_guid(struct td_tx *tx, const char *tenant, const char *guid, struct td_arena *a,
                             struct td_user *ret, struct td_error *err) TD_MUST_USE;

/* TD_ESTATE while a directory domain owns the account (its people are taken over): name, password, state and life of it
 * are changed there. Everything below, and td_user_change, asks it. */
enum td_code td_user_ours(struct td_tx *tx, const struct td_user *u, struct td_error *err) TD_MUST_USE;

/* Both void what was issued before. An account whose domain does not own it any more becomes one of the service's by
 * its password. */
enum td_code td_user_set_password(struct td_tx *tx, const char *tenant, const char *id, const char *phc,
                                  const char *actor, struct td_error *err) TD_MUST_USE;
enum td_code td_user_enable(struct td_tx *tx, const char *tenant, const char *id, bool enabled, const char *actor,
                            struct td_error *err) TD_MUST_USE;

/* The account with its roles and everything it was given; its name is free again. */
enum td_code td_user_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                            struct td_error *err) TD_MUST_USE;

/* Directory roles by name, one table (store/user.c): "Global Administrator", "Intune Administrator", ... A name without
 * blanks and case is taken too (global-administrator). */
const char *td_role_known(struct td_slice name); /* the proper name, or NULL */
enum td_code td_user_role_add(struct td_tx *tx, const char *tenant, const char *id, const char *role, const char *actor,
                              struct td_error *err) TD_MUST_USE;
/* TD_ENOTFOUND if the user does not have it. */
enum td_code td_user_role_remove(struct td_tx *tx, const char *tenant, const char *id, const char *role,
                                 const char *actor, struct td_error *err) TD_MUST_USE;
/* NULL-terminated. */
enum td_code td_user_roles(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                           const char *const **ret, struct td_error *err) TD_MUST_USE;

/* Who has which role, by role. */
struct td_role_holder {
    const char *role, *user_id, *upn;
};
enum td_code td_user_role_holders(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_role_holder **ret,
                                  size_t *ret_count, struct td_error *err) TD_MUST_USE;

/* The guard. Five wrong passwords lock a name for a minute, every further one doubles the time up to an hour; a right
 * one clears it; a day without attempts forgets it. */
enum { TD_GUARD_TRIES = 5 };
enum td_code td_guard_locked(struct td_tx *tx, const char *tenant, const char *upn, bool *ret, struct td_error *err)
    TD_MUST_USE;
enum td_code td_guard_failed(struct td_tx *tx, const char *tenant, const char *upn, const char *address,
                             struct td_error *err) TD_MUST_USE;
enum td_code td_guard_passed(struct td_tx *tx, const char *tenant, const char *upn, struct td_error *err) TD_MUST_USE;

#endif
