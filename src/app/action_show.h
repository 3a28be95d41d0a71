/* Actions and bulk actions as the command line shows them, and whose name is put under what it asks for. */
#ifndef TD_APP_ACTION_SHOW_H
#define TD_APP_ACTION_SHOW_H

#include "app/cli.h"
#include "store/action_batch.h"

#define TD_ACTION_FIELDS                                                                                               \
    "id; action: its word; state: waiting for approval, pending, active, done, failed, cancelled or not supported;"    \
    " serialNumber: or name of the device; managedDeviceId; batchId; name: of rename; reason; by; decidedBy; report:"  \
    " of a reset: scheduled, waiting for the restart, complete, ...; askedAt; decidedAt; sentAt; acceptedAt; endedAt;" \
    " code: of a failure; cause; remedy"
#define TD_BATCH_FIELDS                                                                                               \
    "id; action; state: waiting for approval, asking, asked, cancelling or cancelled; total: devices; toAsk: not "    \
    "asked"                                                                                                           \
    " yet; waiting, pending, active, done, failed, cancelled, notSupported: its actions; refused; leftOut: the batch" \
    " was cancelled before; reason; by; decidedBy; askedAt; decidedAt; endedAt; refusals: list of serialNumber,"      \
    " managedDeviceId, cause"

enum td_code td_action_show(struct td_cli *cli, struct td_tx *tx, const struct td_action *x, struct td_jsonw *w,
                            struct td_error *err) TD_MUST_USE; /* w NULL: for people */
enum td_code td_batch_show(struct td_cli *cli, struct td_tx *tx, const struct td_action_batch *b, struct td_jsonw *w,
                           struct td_error *err) TD_MUST_USE;

/* Who did it, for people: programs act by their client id, which is shown behind their name. */
const char *td_actor_text(struct td_cli *cli, struct td_tx *tx, const char *actor, struct td_arena *a);

/* "command line", or the user whom --as names: one of the tenant who is enabled and may do that. */
enum td_code td_action_actor(struct td_cli *cli, struct td_tx *tx, bool destroys, const char **ret,
                             struct td_error *err) TD_MUST_USE;

#endif
