/* Tickets and nonces: notes from us to us (api/token.h). */
#include "api/keyring.h"
#include "base/encode.h"
#include "base/fault.h"
#include "crypto/digest.h"
#include "crypto/jose.h"
#include "store/grant.h"

static void kind_secret(const struct td_service *svc, const char *kind, unsigned char out[32])
{
    unsigned char tickets[32];
    td_keyring_secret(svc, "ticket", tickets);
    td_hmac_sha256(td_bytes(tickets, sizeof(tickets)), td_str(td_fault("ticket-any-kind") ? "" : kind), out);
    td_wipe(tickets, sizeof(tickets));
}

static bool is_object(struct td_slice s)
{
    return s.n >= 2 && s.p[0] == '{' && s.p[s.n - 1] == '}';
}

enum td_code td_ticket_make(const struct td_service *svc, const char *kind, const char *payload, int64_t lifetime_us,
                            struct td_arena *a, char **ret, struct td_error *err)
{
    struct td_slice body = td_str(payload);
    unsigned char secret[32];
    if (!is_object(body))
        return td_fail(err, TD_EINTERNAL, kind, "a ticket's payload is a JSON object");
    char *full = td_arena_printf(a, "{\"exp\":%lld%s%s", (long long)((td_now(svc->env) + lifetime_us) / TD_SECOND),
                                 body.n > 2 ? "," : "", payload + 1);
    kind_secret(svc, kind, secret);
    *ret = td_jws_sign_hs256(td_bytes(secret, sizeof(secret)), TD_S("{\"alg\":\"HS256\"}"), td_str(full), a);
    td_wipe(secret, sizeof(secret));
    return TD_OK;
}

enum td_code td_ticket_open(const struct td_service *svc, const char *kind, struct td_slice ticket, struct td_arena *a,
                            const struct td_json **ret, struct td_error *err)
{
    struct td_jws jws = {0};
    unsigned char secret[32];
    if (td_jws_decode(ticket, a, &jws, NULL) != TD_OK)
        return td_fail(err, TD_EAUTH, kind, "this is no ticket of ours");
    kind_secret(svc, kind, secret);
    bool ours = td_jws_verify_hs256(&jws, td_bytes(secret, sizeof(secret)));
    td_wipe(secret, sizeof(secret));
    if (!ours || jws.claims == NULL)
        return td_fail(err, TD_EAUTH, kind, "this is no ticket of ours");
    if (td_json_int(jws.claims, "exp", 0) <= td_now(svc->env) / TD_SECOND && !td_fault("ticket-any-age"))
        return td_fail(err, TD_EEXPIRED, kind, "the ticket is too old");
    *ret = jws.claims;
    return TD_OK;
}

/* A nonce: moment of its making (8 octets, big-endian), 16 random octets, 16 octets of their HMAC. */
enum { NONCE_TIME = 8, NONCE_BODY = 24, NONCE_OCTETS = 40 };

static const int64_t nonce_life = 10 * TD_MINUTE;

static void nonce_tag(const struct td_service *svc, const unsigned char *nonce, unsigned char out[32])
{
    unsigned char secret[32];
    td_keyring_secret(svc, "nonce", secret);
    td_hmac_sha256(td_bytes(secret, sizeof(secret)), td_bytes(nonce, NONCE_BODY), out);
    td_wipe(secret, sizeof(secret));
}

enum td_code td_nonce_make(const struct td_service *svc, struct td_arena *a, char **ret, struct td_error *err TD_UNUSED)
{
    unsigned char nonce[NONCE_OCTETS], tag[32];
    uint64_t now = (uint64_t)td_now(svc->env);
    for (int i = 0; i < NONCE_TIME; i++)
        nonce[i] = (unsigned char)(now >> (56 - 8 * i));
    td_random_fill(svc->env, nonce + NONCE_TIME, NONCE_BODY - NONCE_TIME);
    nonce_tag(svc, nonce, tag);
    memcpy(nonce + NONCE_BODY, tag, NONCE_OCTETS - NONCE_BODY);
    *ret = td_b64url(a, td_bytes(nonce, sizeof(nonce)));
    return TD_OK;
}

struct burning {
    struct td_slice nonce;
    int64_t until;
};

static enum td_code burn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct burning *b = ctx;
    return td_nonce_burn(tx, b->nonce, b->until, err);
}

static enum td_code nonce_ours(const struct td_service *svc, struct td_slice nonce, struct td_arena *a,
                               struct td_slice *ret)
{
    unsigned char tag[32];
    if (nonce.n > 2 * (size_t)NONCE_OCTETS || td_b64_decode(a, nonce, TD_B64_URL | TD_B64_NOPAD, ret) != TD_OK ||
        ret->n != NONCE_OCTETS)
        return TD_EAUTH;
    nonce_tag(svc, (const unsigned char *)ret->p, tag);
    bool same = td_same_secret(td_sub(*ret, NONCE_BODY, NONCE_OCTETS), td_bytes(tag, NONCE_OCTETS - NONCE_BODY));
    return same || td_fault("nonce-any-maker") ? TD_OK : TD_EAUTH;
}

static enum td_code use(const struct td_service *svc, struct td_slice nonce, struct td_arena *a, struct td_error *err)
{
    struct td_slice octets = TD_S("");
    uint64_t made = 0;
    if (nonce_ours(svc, nonce, a, &octets) != TD_OK)
        return td_fail(err, TD_EAUTH, "request_nonce", "this nonce is not one of ours");
    for (int i = 0; i < NONCE_TIME; i++)
        made = made << 8 | (unsigned char)octets.p[i];
    struct burning b = {.nonce = td_sub(octets, NONCE_TIME, NONCE_BODY - NONCE_TIME),
                        .until = (int64_t)made + nonce_life};
    if (b.until <= td_now(svc->env) && !td_fault("nonce-any-age"))
        return td_fail(err, TD_EEXPIRED, "request_nonce", "this nonce is too old");
    enum td_code rc = td_store_write(svc->store, burn, &b, err);
    if (rc == TD_EEXISTS && !td_fault("nonce-twice"))
        return td_fail(err, TD_ESTATE, "request_nonce", "this nonce was used before");
    return rc == TD_EEXISTS ? TD_OK : rc;
}

enum td_code td_nonce_use(const struct td_service *svc, struct td_slice nonce, struct td_error *err)
{
    struct td_arena a;
    td_arena_init(&a);
    enum td_code rc = use(svc, nonce, &a, err);
    td_arena_done(&a);
    return rc;
}
