/* Inside store/profile*.c. */
#ifndef TD_STORE_PROFILE_ROOM_H
#define TD_STORE_PROFILE_ROOM_H

#include "base/fault.h"
#include "store/audit.h"
#include "store/profile.h"

#define TD_PROFILE_COLUMNS "p.id, p.name, p.settings, p.created_at, p.modified_at, p.revision"

enum td_code td_profile_row_read(struct td_rows *r, struct td_arena *a, struct td_profile_row *ret,
                                 struct td_error *err) TD_MUST_USE;
/* By its id alone: nearly every device asks. TD_ENOTFOUND. */
enum td_code td_profile_of_id(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                              struct td_profile_row *ret, struct td_error *err) TD_MUST_USE;

#endif
