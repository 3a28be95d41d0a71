/* dm/laps: the managed local administrator (csp.md 17). The device makes the password, hands it to its directory by the
 * certificate of the join (docs/protocol/local-credential.md), and only then makes it good: what nobody could look up
 * would lock everybody out. Kept here is a hash, for the sign-in at this PC:
 *
 *   laps.account, laps.hash (PHC), laps.expires (microseconds)   in state.json */
#include "base/fault.h"
#include "base/signs.h"
#include "codec/json.h"
#include "crypto/secret.h"
#include "device/dm/client.h"

#include <stdlib.h>

#define POLICY "Device/Vendor/MSFT/LAPS/Policies/"
#define RESET_STATUS "Device/Vendor/MSFT/LAPS/Actions/ResetPasswordStatus"
#define E_UNREACHABLE 0x80072EFDu
#define E_REFUSED 0x80190190u /* as Windows tells HTTP 400 */

enum { TO_DIRECTORY = 1, MAX_LENGTH = 64 };

struct rotation {
    struct td_dm *dm;
    struct td_arena *a;
    const char *account;
    char password[MAX_LENGTH + 1];
    int64_t expires;
};

/* --- a password --------------------------------------------------------------------------------------------------- */

static const struct letters {
    int complexity; /* from this one on (csp.md 17) */
    const char *text;
} classes[] = {
    {1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    {2, "abcdefghijklmnopqrstuvwxyz"},
    {3, "0123456789"},
    {4, "!#$%&()*+,-./:;<=>?@[]^_{}~"},
};

/* From 5 on what looks alike is left out. */
static bool stands(char c, int complexity)
{
    return complexity < 5 || strchr("IOQl01o,.:;&{}[]()", c) == NULL;
}

static bool has_every_class(const char *password, int complexity)
{
    for (size_t i = 0; i < TD_COUNTOF(classes); i++)
        if (classes[i].complexity <= complexity && strpbrk(password, classes[i].text) == NULL)
            return false;
    return true;
}

static void make_password(struct rotation *r)
{
    char all[128];
    size_t n = 0;
    int complexity = (int)td_csp_int(r->dm->csp, POLICY "PasswordComplexity", 4);
    size_t length = (size_t)td_csp_int(r->dm->csp, POLICY "PasswordLength", 14);
    length = TD_MIN(TD_MAX(length, 8), MAX_LENGTH);
    for (size_t i = 0; i < TD_COUNTOF(classes); i++)
        for (const char *c = classes[i].text; classes[i].complexity <= complexity && *c != '\0'; c++)
            if (stands(*c, complexity))
                all[n++] = *c;
    all[n] = '\0';
    do
        td_signs_draw(r->dm->dev->env, all, r->password, length);
    while (!has_every_class(r->password, complexity));
}

/* --- to the directory --------------------------------------------------------------------------------------------- */

static const char *state(const struct rotation *r, const char *key)
{
    const char *value = td_state_get(r->dm->dev->state, key);
    return value != NULL ? value : "";
}

static enum td_code hand_over(struct rotation *r, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf body;
    td_buf_init(&body, 4096);
    struct td_jsonw w;
    td_jsonw_init(&w, &body);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "accountName", r->account);
    td_jsonw_kstr(&w, "password", r->password);
    td_jsonw_ktime(&w, "expirationTime", r->expires);
    td_jsonw_end(&w);
    const char *url = state(r, "join.url"), *id = state(r, "join.device_id");
    struct td_slice base = td_str(url);
    while (base.n != 0 && base.p[base.n - 1] == '/')
        base.n--;
    const struct td_net_request req = {
        .method = "POST",
        .url = td_arena_printf(r->a, "%.*s/%s/localcredential", TD_FMT(base), id),
        .headers = {"Content-Type: application/json"},
        .body = td_buf_slice(&body),
        .has_body = true,
    };
    struct td_net_response answer = {0};
    const struct td_dm_transport *net = r->dm->net;
    td_try(net->send(net->ctx, true, &req, r->a, &answer, err));
    if (answer.status == 200 || answer.status == 201 || answer.status == 204)
        return TD_OK;
    enum td_code code = answer.status == 429 || answer.status >= 500 ? TD_EUNAVAILABLE : TD_EDENIED;
    return td_fail(err, code, "local credential", "the directory answers %d: %.*s", answer.status,
                   TD_FMT(td_sub(answer.body, 0, 120)));
}

/* --- when, and what stays ----------------------------------------------------------------------------------------- */

static bool is_due(const struct td_dm *dm)
{
    const struct td_device_state *s = dm->dev->state;
    if (td_csp_int(dm->csp, POLICY "BackupDirectory", 0) != TO_DIRECTORY || td_state_get(s, "join.device_id") == NULL)
        return false;
    return td_csp_value(dm->csp, "@laps.asked") != NULL || td_state_get(s, "laps.hash") == NULL ||
           td_now(dm->dev->env) >= td_state_int(s, "laps.expires", 0);
}

static enum td_code keep(struct rotation *r, struct td_error *err)
{
    static const struct td_password_cost cost = {16384, 2, 1};
    struct td_device_state *s = r->dm->dev->state;
    char *hash;
    td_try(td_password_hash(r->dm->dev->env, td_str(r->password), &cost, r->a, &hash, err));
    td_state_set(s, "laps.account", r->account);
    td_state_set(s, "laps.hash", hash);
    td_state_set_int(s, "laps.expires", r->expires);
    return td_state_save(s, err);
}

static enum td_code settle(struct rotation *r, uint32_t hresult, struct td_error *err)
{
    td_csp_put_int(r->dm->csp, RESET_STATUS, (int32_t)hresult);
    if (hresult != E_UNREACHABLE) /* who could not be reached is asked again in the next session */
        td_csp_drop(r->dm->csp, "@laps.asked");
    return td_csp_save(r->dm->csp, err);
}

static enum td_code rotate(struct rotation *r, struct td_error *err)
{
    struct td_error why = {0};
    make_password(r);
    if (td_fault("device-laps-before-directory"))
        td_try(keep(r, err));
    enum td_code rc = hand_over(r, &why);
    if (rc == TD_OK) {
        td_try(keep(r, err));
        td_device_say(r->dm->dev, "manage", "new password of %s: the directory has it", r->account);
        return settle(r, 0, err);
    }
    td_device_say(r->dm->dev, "manage", "no new password of %s: %s", r->account, why.text);
    return settle(r, rc == TD_EUNAVAILABLE ? E_UNREACHABLE : E_REFUSED, err);
}

/* While a technician has it, and on the shelf, it has no object in the directory that will be there for its user. */
static bool is_nobodys_yet(const struct td_dm *dm)
{
    const struct td_device_state *s = dm->dev->state;
    bool sealed = td_state_get(s, "provision.sealed") != NULL;
    return td_state_get(s, "provision.at") != NULL && (!sealed || td_state_get(s, "join.device_id") == NULL);
}

enum td_code td_dm_laps(struct td_dm *dm, struct td_error *err)
{
    if (dm->net->send == NULL || td_csp_unenrolled(dm->csp) || is_nobodys_yet(dm) || !is_due(dm))
        return TD_OK;
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    struct rotation r = {.dm = dm, .a = &a};
    const char *name = td_csp_value(dm->csp, POLICY "AdministratorAccountName");
    r.account = name != NULL && *name != '\0' ? td_arena_strdup(&a, name) : "Administrator";
    r.expires = td_now(dm->dev->env) + td_csp_int(dm->csp, POLICY "PasswordAgeDays", 30) * TD_DAY;
    enum td_code rc = rotate(&r, err);
    td_wipe(r.password, sizeof(r.password));
    return rc;
}
