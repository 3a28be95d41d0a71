/* dm/account: what the enrolment left for the client: address, provider, credentials inside SyncML (oma-dm.md 7). */
#include "base/encode.h"
#include "crypto/digest.h"
#include "device/dm/client.h"

#include <stdlib.h>

#define TYPE_MD5 "syncml:auth-md5"
#define TYPE_BASIC "syncml:auth-basic"

const char *td_dm_provider_key(const struct td_dm *dm, bool user, const char *leaf, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf key;
    td_buf_init(&key, TD_CSP_MAX_URI);
    td_buf_printf(&key, "%s/Vendor/MSFT/DMClient/Provider/", user ? "User" : "Device");
    td_pct_add(&key, td_str(td_csp_value(dm->csp, "@provider")));
    td_buf_printf(&key, "%s%s", *leaf == '\0' ? "" : "/", leaf);
    return td_arena_text(a, td_buf_slice(&key));
}

double td_dm_sync_version(const struct td_dm *dm)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    const char *v = td_csp_value(dm->csp, td_dm_provider_key(dm, false, "SyncApplicationVersion", &a));
    return v == NULL ? 1.0 : strtod(v, NULL);
}

/* The user's management context comes to be with the first session of a user who is logged on: commands in that
 * session are still refused, as devices in their first set-up do (csp.md 3.3, oma-dm.md 9). */
bool td_dm_user_reachable(const struct td_dm *dm)
{
    return dm->user_active && td_csp_int(dm->csp, "@user-sessions", 0) > 0;
}

void td_dm_cred(struct td_dm *dm, struct td_sync_auth *ret)
{
    const char *type = td_csp_value(dm->csp, "@auth/type"), *name = td_csp_value(dm->csp, "@auth/APPSRV/AAUTHNAME");
    const char *secret = td_csp_value(dm->csp, "@auth/APPSRV/AAUTHSECRET");
    struct td_slice nonce;
    *ret = (struct td_sync_auth){.type = "", .format = "", .next_nonce = ""};
    if (type == NULL || name == NULL || secret == NULL || !dm->cred_each_time)
        return;
    if (td_b64_decode(dm->a, td_str(td_csp_value(dm->csp, "@auth/APPSRV/AAUTHDATA")), TD_B64_ANY, &nonce) != TD_OK)
        nonce = td_str("");
    ret->type = strcmp(type, TYPE_BASIC) == 0 ? TYPE_BASIC : TYPE_MD5;
    ret->format = "b64";
    ret->data =
        td_str(strcmp(type, TYPE_BASIC) == 0 ? td_sync_cred_basic(td_str(name), td_str(secret), dm->a)
                                             : td_sync_cred_md5(td_md5, td_str(name), td_str(secret), nonce, dm->a));
}

/* Keeps the next nonce; true if the last message can be said again with an answer to the challenge. */
bool td_dm_take_challenge(struct td_dm *dm)
{
    const struct td_sync_auth *c = &dm->challenge;
    struct td_slice nonce;
    if (c->next_nonce != NULL && td_b64_decode(dm->a, td_str(c->next_nonce), TD_B64_ANY, &nonce) == TD_OK &&
        nonce.n != 0)
        td_csp_put(dm->csp, "@auth/APPSRV/AAUTHDATA", "chr", c->next_nonce);
    if (dm->peer_status == 212)
        dm->cred_each_time = false;
    if (dm->peer_status != 401 && dm->peer_status != 407)
        return false;
    bool known = c->type != NULL && (strcmp(c->type, TYPE_MD5) == 0 || strcmp(c->type, TYPE_BASIC) == 0);
    bool again = !dm->answered_challenge && known && td_csp_value(dm->csp, "@auth/APPSRV/AAUTHSECRET") != NULL;
    dm->answered_challenge = true;
    if (again)
        td_csp_put(dm->csp, "@auth/type", "chr", c->type);
    return again;
}
