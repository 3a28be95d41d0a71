/* Sign-in by name and password (api/token.h): look, hash or ask outside any transaction, count. */
#include "api/connector.h"
#include "api/keyring.h"
#include "base/fault.h"
#include "base/log.h"
#include "store/ad_domain.h"
#include "store/directory_sync.h"
#include "store/user.h"

struct attempt {
    struct td_service *svc;
    struct td_slice upn;
    const char *key; /* the name as text */
    const char *address;
    struct td_arena *arena;
    struct td_user user;    /* tenant alone if nobody bears the name, nothing for a foreign domain */
    const char *directory;  /* domain that judges the password, NULL: our own hash */
    struct td_ad_person is; /* whom the domain found right */
    bool known, locked, right;
};

/* Somebody of a directory domain, or a name that such a domain may know: the tenant must want it. An account that was
 * made by hand keeps its own password, whatever its domain. */
static enum td_code who_judges(struct td_tx *tx, struct attempt *t, struct td_error *err)
{
    struct td_ad_domain_row row = {0};
    struct td_slice local;
    const char *domain = t->known && !td_fault("sign-in-directory-first")
                             ? t->user.ad_domain
                             : td_arena_text(t->arena, td_cut(t->upn, '@', &local));
    t->directory = NULL;
    if (domain[0] == '\0')
        return TD_OK;
    enum td_code rc = td_ad_domain_find(tx, t->user.tenant, domain, t->arena, &row, err);
    if (rc == TD_OK && row.sign_in)
        t->directory = row.domain;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct attempt *t = ctx;
    enum td_code rc = td_user_by_upn(tx, t->upn, t->arena, &t->user, err);
    t->known = rc == TD_OK;
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    if (t->user.tenant == NULL)
        return TD_OK;
    td_try(who_judges(tx, t, err));
    return td_guard_locked(tx, t->user.tenant, t->key, &t->locked, err);
}

/* The account as the directory has it now. */
static enum td_code take_over(struct td_tx *tx, struct attempt *t, struct td_error *err)
{
    const char *id = NULL;
    td_try(td_ad_person_signed_in(tx, t->user.tenant, t->directory, &t->is, t->arena, &id, err));
    return td_user_find(tx, t->user.tenant, td_str(id), t->arena, &t->user, err);
}

/* The verdict may have aged while the hash ran: the row is read again in the transaction that counts. */
static enum td_code count(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct attempt *t = ctx;
    td_try(td_guard_locked(tx, t->user.tenant, t->key, &t->locked, err));
    if (t->locked)
        return TD_OK;
    if (!t->right)
        return td_guard_failed(tx, t->user.tenant, t->key, t->address, err);
    td_try(td_guard_passed(tx, t->user.tenant, t->key, err));
    return t->directory != NULL ? take_over(tx, t, err) : TD_OK;
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

/* --- a directory's people --- */

enum td_domain_reason td_sign_in_reason(const struct td_error *err)
{
    const struct td_domain_reason_row *row = td_domain_reason_by_name(err->where);
    return row != NULL && row->reason >= TD_DJ_WRONG ? row->reason : TD_DJ_OK;
}

static enum td_code not_possible(const struct attempt *t, const struct td_error *why, struct td_error *err)
{
    const struct td_domain_reason_row *row = td_domain_reason_by_name(why->where);
    td_log(TD_WARN, "sign-in.directory", "domain", t->directory, "cause", why->text, "remedy", why->remedy, NULL);
    if (row == NULL)
        row = td_domain_reason_row(TD_DJ_TIMEOUT);
    return td_remedy(err,
                     td_fail(err, TD_EUNAVAILABLE, row->name,
                             "The directory %.100s can't be asked about the password: %s", t->directory, row->cause),
                     "Try again in a few minutes; tell your administrator if it stays so.");
}

static enum td_code ask(struct attempt *t, struct td_slice password, const struct td_json **ret, struct td_error *err)
{
    const struct td_connector_question q = {.tenant = t->user.tenant,
                                            .domain = t->directory,
                                            .kind = "password",
                                            .names = {"upn"},
                                            .values = {t->key},
                                            .secret = password};
    td_connector_ask_fn *fn = t->svc->ask_connector != NULL ? t->svc->ask_connector : td_connector_ask;
    return fn(t->svc, &q, t->arena, ret, err);
}

static enum td_code read_person(const struct td_json *v, struct td_ad_person *ret, struct td_error *err)
{
    const struct {
        const char *name, **value;
    } list[] = {{"guid", &ret->guid}, {"sid", &ret->sid},   {"upn", &ret->upn},
                {"sam", &ret->sam},   {"name", &ret->name}, {"mail", &ret->mail}};
    for (size_t i = 0; i < TD_COUNTOF(list); i++) {
        const char *s = td_json_str(v, list[i].name);
        if (s != NULL && strlen(s) > TD_UPN_MAX)
            return td_fail(err, TD_EFORMAT, list[i].name, "is too long");
        *list[i].value = s != NULL ? s : "";
    }
    return TD_OK;
}

/* Empty passwords never go out: some directories answer them with yes. */
static enum td_code judged_there(struct attempt *t, struct td_slice password, struct td_error *err)
{
    struct td_error why = {0};
    const struct td_json *v = NULL;
    bool sendable = password.n != 0 && password.n <= TD_PASSWORD_MAX && td_utf8_ok(password);
    t->right = false;
    if (!sendable && !td_fault("sign-in-anything-asked"))
        return TD_OK;
    enum td_code rc = ask(t, password, &v, &why);
    if (rc == TD_OK)
        rc = read_person(v, &t->is, &why);
    t->right = rc == TD_OK;
    enum td_domain_reason reason = td_sign_in_reason(&why);
    if (rc == TD_OK || reason == TD_DJ_WRONG || td_fault("sign-in-no-connector-wrong"))
        return TD_OK;
    return reason != TD_DJ_OK ? td_domain_refuse(err, reason, NULL) : not_possible(t, &why, err);
}

static enum td_code judge(struct attempt *t, struct td_slice password, struct td_error *err)
{
    bool has = t->known && t->directory == NULL && t->user.phc[0] != '\0' && password.n <= TD_PASSWORD_MAX;
    t->right =
        td_password_verify(has ? t->user.phc : t->svc->keyring->decoy, td_sub(password, 0, TD_PASSWORD_MAX)) && has;
    return t->user.tenant != NULL && t->directory != NULL ? judged_there(t, password, err) : TD_OK;
}

/* Behind those who try the same name just now: what they tried counts before this one is asked about. */
static enum td_code take_turn(struct attempt *t, struct td_connector_turn *turn, struct td_error *err)
{
    if (t->directory == NULL || t->svc->connectors == NULL || t->locked)
        return TD_OK;
    char *name = td_arena_strdup(t->arena, t->key);
    td_lower(name);
    turn->tenant = t->user.tenant;
    turn->name = name;
    if (!td_connector_turn_take(t->svc->connectors, turn))
        return td_remedy(err,
                         td_fail(err, TD_EUNAVAILABLE, td_domain_reason_row(TD_DJ_TIMEOUT)->name,
                                 "Too many sign-ins with this name at once: its directory was not asked."),
                         "Try again in a moment.");
    return td_store_read(t->svc->store, look, t, err);
}

static enum td_code run(struct attempt *t, struct td_slice password, struct td_error *err)
{
    TD_CLEANUP(td_connector_turn_end) struct td_connector_turn turn = {.hub = NULL};
    td_try(td_store_read(t->svc->store, look, t, err));
    td_try(take_turn(t, &turn, err));
    if (t->locked)
        return locked(err);
    td_try(judge(t, password, err));
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
