/* Enrolment configurations: status pages with priorities and assignments, and the defaults that every tenant has.
 *
 * Defaults are there without a row: a row is written when somebody changes the default status page. They have priority
 * 0, cannot be deleted or assigned and are named "All users and all devices" (graph-api.md 1.4). The numbers of the
 * default limit and platform restrictions are the tenant's settings enrol-device-limit and enrol-users
 * (store/tenant.h). Which page holds is way/status_page.h's rule. Memory is the caller's arena. */
#ifndef TD_STORE_ENROLMENT_CONFIGURATION_H
#define TD_STORE_ENROLMENT_CONFIGURATION_H

#include "store/db.h"
#include "way/status_page.h"

enum { TD_EC_MAX_PAGES = 50 /* and the default, autopilot.md 2.1 */, TD_EC_NAME_MAX = 200, TD_EC_MAX_TARGETS = 200 };

enum td_ec_kind { TD_EC_PAGE, TD_EC_LIMIT, TD_EC_PLATFORM, TD_EC_HELLO, TD_EC_KIND_COUNT };

struct td_ec {
    const char *id; /* "<guid>_Windows10EnrollmentCompletionPageConfiguration"; of a default "<tenant>_Default..." */
    enum td_ec_kind kind;
    bool is_default;
    const char *name, *description;
    int64_t priority; /* 1 is the highest; 0: default */
    int64_t version, created_at, modified_at;
    struct td_status_page page; /* TD_EC_PAGE */
};

/* Defaults first, then by priority. */
enum td_code td_ec_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_ec **ret, size_t *ret_count,
                        struct td_error *err) TD_MUST_USE;
/* By id in any case, or by name (of status pages); "default" names the default status page. TD_ENOTFOUND; TD_EINVAL if
 * several have that name. */
enum td_code td_ec_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a, struct td_ec *ret,
                        struct td_error *err) TD_MUST_USE;

/* A status page behind those that are there: the lowest priority. c gives name, description and page. */
enum td_code td_ec_add(struct td_tx *tx, const char *tenant, const struct td_ec *c, const char *actor,
                       struct td_arena *a, struct td_ec *ret, struct td_error *err) TD_MUST_USE;
/* Name (not of the default), description and page of c->id; version + 1 if anything differs. */
enum td_code td_ec_change(struct td_tx *tx, const char *tenant, const struct td_ec *c, const char *actor,
                          struct td_arena *a, struct td_error *err) TD_MUST_USE;
/* With its assignments; those behind it move up. TD_EDENIED for a default. */
enum td_code td_ec_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor, struct td_arena *a,
                          struct td_error *err) TD_MUST_USE;
/* Moves it there; the others make room. Past the end is the end. TD_EDENIED for a default. */
enum td_code td_ec_set_priority(struct td_tx *tx, const char *tenant, const char *id, int64_t priority,
                                const char *actor, struct td_arena *a, struct td_error *err) TD_MUST_USE;

struct td_ec_target {
    const char *id;   /* a group's, TD_ALL_DEVICES or TD_ALL_USERS (store/profile.h) */
    const char *name; /* "" where the group is gone, "all devices", "all users" */
    bool excluded;
};
enum td_code td_ec_targets(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                           struct td_ec_target **ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;
/* Twice is fine. TD_ENOTFOUND: no such group. TD_EDENIED for a default. */
enum td_code td_ec_target_add(struct td_tx *tx, const char *tenant, const char *id, const struct td_ec_target *t,
                              const char *actor, struct td_error *err) TD_MUST_USE;
enum td_code td_ec_target_drop(struct td_tx *tx, const char *tenant, const char *id, const struct td_ec_target *t,
                               const char *actor, struct td_error *err) TD_MUST_USE; /* TD_ENOTFOUND */
/* These and no others. */
enum td_code td_ec_assign(struct td_tx *tx, const char *tenant, const char *id, const struct td_ec_target *list,
                          size_t count, const char *actor, struct td_error *err) TD_MUST_USE;

/* The status page that holds for a device and its user ("" where none is known). */
enum td_code td_ec_page_for(struct td_tx *tx, const char *tenant, const char *way_id, const char *user_id,
                            struct td_arena *a, struct td_ec *ret, struct td_error *err) TD_MUST_USE;

/* Status page by its very id; NULL or one that is gone: the default. */
enum td_code td_ec_page(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a, struct td_ec *ret,
                        struct td_error *err) TD_MUST_USE;
/* What an enrolment was told last (table status_page_given: for reports). Nothing is written where it is the same. */
enum td_code td_status_page_give(struct td_tx *tx, const char *tenant, const char *enrolment_id, const struct td_ec *c,
                                 struct td_error *err) TD_MUST_USE;

#endif
