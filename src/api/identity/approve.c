/* The end of a device code: a person says yes (RFC 8628 3.3). */
#include "api/identity/room.h"
#include "base/encode.h"

enum td_code td_id_approve(struct td_id *id, struct td_tx *tx, const struct td_flow *f, const char *tenant,
                           const char *user_id)
{
    struct td_slice sha;
    struct td_grant g = {0};
    if (td_b64_decode(id->a, td_str(f->device_code), TD_B64_URL | TD_B64_NOPAD, &sha) != TD_OK ||
        sha.n != sizeof(g.sha256))
        return td_id_refuse(id, TD_OA_DEVICE_CODE, NULL);
    td_try(td_grant_find(tx, TD_GRANT_DEVICE_CODE, (const unsigned char *)sha.p, id->a, &g, &id->err));
    if (g.expires_at <= td_tx_now(tx))
        return td_id_refuse(id, TD_OA_DEVICE_CODE, NULL);
    return td_device_code_approve(tx, &g, tenant, user_id, &id->err);
}
