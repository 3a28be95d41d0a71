/* What the files of the work for computer accounts share. Nobody else includes this. */
#ifndef TD_STORE_DOMAIN_JOIN_ROOM_H
#define TD_STORE_DOMAIN_JOIN_ROOM_H

#include "store/domain_join.h"

#define TD_DOMAIN_JOIN_COLUMNS                                                                                         \
    "tenant, id, way_id, enrolment_id, registration_id, serial, item, domain, ou, pattern, reuse, state, name, tries," \
    " attempt, connector_id, lease_until, next_at, created_at, changed_at, account_guid, account_sid, account_dn,"     \
    " sealed, failure, detail, handed_out"
/* Before it is read. */
#define TD_DOMAIN_JOIN_NONE                                                                                        \
    {                                                                                                              \
        .tenant = "", .id = "", .way_id = "", .registration_id = "", .domain = "", .name = "", .account_guid = "", \
        .failure = "", .detail = ""                                                                                \
    }
void td_domain_join_read(struct td_rows *r, struct td_arena *a, struct td_domain_join *ret);
/* Of a query that gives one row. TD_ENOTFOUND. */
enum td_code td_domain_join_only(struct td_rows *r, struct td_arena *a, struct td_domain_join *ret,
                                 struct td_error *err) TD_MUST_USE;

/* "domain.queued" and so on for a change of state, with who did it. */
enum td_code td_domain_join_tell(struct td_tx *tx, const struct td_domain_join *j, enum td_domain_state state,
                                 const char *actor, struct td_error *err) TD_MUST_USE;
/* Fails it whatever its state: the blob goes, cause and remedy are told, the way says failed. */
enum td_code td_domain_join_end(struct td_tx *tx, const struct td_domain_join *j, enum td_domain_reason reason,
                                const char *detail, struct td_error *err) TD_MUST_USE;
/* Of a removal r: the device is not about to take its account up again. */
#define TD_DOMAIN_REMOVAL_FREE                                                                                       \
    " AND NOT EXISTS (SELECT 1 FROM domain_join o WHERE o.tenant = r.tenant AND o.way_id = r.way_id AND o.state < 4" \
    " AND o.state < 2)"
/* Until when a failed attempt waits: longer each time. */
int64_t td_domain_pause(int64_t now, int64_t attempt);

#endif
