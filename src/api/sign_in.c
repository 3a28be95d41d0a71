/* Sign-in by name and password (api/token.h): look, hash outside any transaction, count. */
#include "api/keyring.h"
#include "store/user.h"

struct attempt {
    const struct td_service *svc;
    struct td_slice upn;
    const char *key; /* the name as text */
    const char *address;
    struct td_arena *arena;
    struct td_user user; /* tenant alone if nobody bears the name, nothing for a foreign domain */
    bool known, locked, right;
};

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct attempt *t = ctx;
    enum td_code rc = td_user_by_upn(tx, t->upn, t->arena, &t->user, err);
    t->known = rc == TD_OK;
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    return t->user.tenant == NULL ? TD_OK : td_guard_locked(tx, t->user.tenant, t->key, &t->locked, err);
}

/* The verdict may have aged while the hash ran: the row is read again in the transaction that counts. */
static enum td_code count(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct attempt *t = ctx;
    td_try(td_guard_locked(tx, t->user.tenant, t->key, &t->locked, err));
    if (t->locked)
        return TD_OK;
    return t->right ? td_guard_passed(tx, t->user.tenant, t->key, err)
                    : td_guard_failed(tx, t->user.tenant, t->key, t->address, err);
}

static enum td_code wrong(struct td_error *err)
{
    return td_fail(err, TD_EAUTH, "password", "the user name or the password is wrong");
}

static enum td_code locked(struct td_error *err)
{
    return td_remedy(err, td_fail(err, TD_ELIMIT, "password", "too many wrong passwords were tried for this user name"),
                     "wait a minute or longer, then try again");
}

static enum td_code run(struct attempt *t, struct td_slice password, struct td_error *err)
{
    td_try(td_store_read(t->svc->store, look, t, err));
    if (t->locked)
        return locked(err);
    bool has = t->known && t->user.phc[0] != '\0' && password.n <= TD_PASSWORD_MAX;
    t->right =
        td_password_verify(has ? t->user.phc : t->svc->keyring->decoy, td_sub(password, 0, TD_PASSWORD_MAX)) && has;
    if (t->user.tenant == NULL)
        return wrong(err);
    td_try(td_store_write(t->svc->store, count, t, err));
    if (t->locked)
        return locked(err);
    if (!t->right)
        return wrong(err);
    return t->user.enabled ? TD_OK : td_fail(err, TD_EDENIED, "user", "this user account is disabled");
}

enum td_code td_sign_in(struct td_service *svc, struct td_slice upn, struct td_slice password, const char *address,
                        struct td_arena *a, struct td_signed_in *ret, struct td_error *err)
{
    if (td_upn_check(upn, NULL) != TD_OK)
        return wrong(err);
    struct attempt t = {.svc = svc, .upn = upn, .key = td_arena_text(a, upn), .address = address, .arena = a};
    td_try(run(&t, password, err));
    *ret = (struct td_signed_in){.tenant = t.user.tenant, .user_id = t.user.id, .upn = t.user.upn, .name = t.user.name};
    return TD_OK;
}
