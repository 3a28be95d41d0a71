/* The work for one computer account: asked for by an enrolment, done by a connector under a lease, its blob kept sealed
 * until the device has it. States are in way/domain_join.h; every change appends its event to the device's way
 * ("domain.queued", "domain.creating", "domain.created", "domain.delivered", "domain.confirmed", "domain.failed" with
 * code, cause and remedy). Memory is the caller's arena. */
#ifndef TD_STORE_DOMAIN_JOIN_H
#define TD_STORE_DOMAIN_JOIN_H

#include "store/db.h"
#include "way/domain_join.h"

struct td_domain_join {
    const char *tenant, *id, *way_id, *enrolment_id, *registration_id, *serial;
    const char *item; /* id of the configuration that holds its settings */
    const char *domain, *ou, *pattern, *reuse;
    enum td_domain_state state;
    const char *name;         /* that is tried, or was made */
    int64_t tries;            /* names tried */
    int64_t attempt;          /* leases given; a result of another attempt than the present one is refused */
    const char *connector_id; /* who has it, or had it last */
    int64_t lease_until, next_at, created_at, changed_at;
    const char *account_guid, *account_sid, *account_dn; /* "" before */
    struct td_slice sealed; /* the blob (td_connector_blob in api/connector.h opens it); empty before and after */
    const char *failure;    /* name of the reason, "" none */
    const char *detail;
    int64_t handed_out; /* how often */
};

struct td_domain_asking {
    const char *way_id, *enrolment_id, *registration_id, *serial;
    const char *item, *domain, *ou, *pattern, *reuse; /* of the domain-join item */
};
/* One open piece of work an enrolment: asked again while it is open, it is the same one (TD_OK); after a failure or a
 * confirmed one it is new. */
enum td_code td_domain_join_ask(struct td_tx *tx, const char *tenant, const struct td_domain_asking *what,
                                struct td_arena *a, struct td_domain_join *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_domain_join_find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                 struct td_domain_join *ret, struct td_error *err) TD_MUST_USE;
/* The latest of an enrolment; TD_ENOTFOUND. */
enum td_code td_domain_join_of(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_arena *a,
                               struct td_domain_join *ret, struct td_error *err) TD_MUST_USE;
/* The latest that made an account for this way (to disable it or take it away): TD_ENOTFOUND. */
enum td_code td_domain_join_account(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                    struct td_domain_join *ret, struct td_error *err) TD_MUST_USE;

/* Is any work of joining or removing due for these domains (tenant NULL: for anybody)? Asked before a write. */
enum td_code td_domain_work_due(struct td_tx *tx, const char *tenant, const char *const *domains, size_t count,
                                bool *ret, struct td_error *err) TD_MUST_USE;
/* Of all tenants: how much waits to be given out, and how old the oldest of it is (microseconds). */
enum td_code td_domain_work_waiting(struct td_tx *tx, int64_t *ret_count, int64_t *ret_oldest, struct td_error *err)
    TD_MUST_USE;
enum td_code td_domain_work_queued(struct td_tx *tx, const char *tenant, const char *domain, int64_t *ret,
                                   struct td_error *err) TD_MUST_USE; /* of one domain, due or not */
/* For connectors: work whose time has come for these domains, leased to this one (state creating, attempt + 1). The
 * name stands in the row before anybody tries it. TD_ENOTFOUND: nothing to do. */
enum td_code td_domain_join_lease(struct td_tx *tx, const char *tenant, const char *connector_id,
                                  const char *const *domains, size_t count, struct td_arena *a,
                                  struct td_domain_join *ret, struct td_error *err) TD_MUST_USE;
struct td_domain_made {
    const char *account_guid, *account_sid, *account_dn;
    bool existed;
    struct td_slice sealed;
};
/* TD_ESTATE: another attempt holds it. */
enum td_code td_domain_join_made(struct td_tx *tx, const char *tenant, const char *id, int64_t attempt,
                                 const struct td_domain_made *made, struct td_error *err) TD_MUST_USE;
/* Tries again where the reason is worth it (another name, later), else fails it. */
enum td_code td_domain_join_refused(struct td_tx *tx, const char *tenant, const char *id, int64_t attempt,
                                    enum td_domain_reason reason, const char *detail, struct td_arena *a,
                                    struct td_error *err) TD_MUST_USE;
/* Is there anything for the sweep? Asked before a write. */
enum td_code td_domain_join_overdue(struct td_tx *tx, bool *ret, struct td_error *err) TD_MUST_USE;
/* What stayed too long: leases that ran out are queued again, work nobody did fails, blobs nobody fetched go. In
 * slices. */
enum td_code td_domain_join_sweep(struct td_tx *tx, int limit, bool *ret_more, struct td_arena *a, struct td_error *err)
    TD_MUST_USE;

/* For the device's session. Delivered: counts a handing out. Confirmed and failed destroy the blob. */
enum td_code td_domain_join_delivered(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err)
    TD_MUST_USE;
enum td_code td_domain_join_confirmed(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err)
    TD_MUST_USE;
enum td_code td_domain_join_failed(struct td_tx *tx, const char *tenant, const char *id, enum td_domain_reason reason,
                                   const char *detail, struct td_error *err) TD_MUST_USE;

/* Accounts that are to be disabled or deleted because their device left (tenant setting computer-account-at-end). */
struct td_domain_removal {
    const char *id, *domain, *account_guid, *account_sid, *name;
    bool remove; /* else disable */
    int64_t attempt;
};
enum td_code td_domain_removal_ask(struct td_tx *tx, const char *tenant, const struct td_domain_join *of, bool remove,
                                   struct td_error *err) TD_MUST_USE;
enum td_code td_domain_removal_lease(struct td_tx *tx, const char *tenant, const char *connector_id,
                                     const char *const *domains, size_t count, struct td_arena *a,
                                     struct td_domain_removal *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_domain_removal_done(struct td_tx *tx, const char *tenant, const char *connector_id, const char *id,
                                    int64_t attempt, enum td_domain_reason reason, const char *detail,
                                    struct td_error *err) TD_MUST_USE;

#endif
