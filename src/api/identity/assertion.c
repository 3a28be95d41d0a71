/* Clients that prove themselves by a certificate's key: private_key_jwt (RFC 7523) as MSAL and @azure/identity send it:
 * RS256 with x5t (SHA-1) or PS256 with x5t#S256, aud one of our token endpoints (clients.md 2). */
#include "api/identity/room.h"
#include "base/encode.h"
#include "base/fault.h"
#include "crypto/jose.h"

static const char type[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/* An assertion may not be a standing password: it lives a day at most. */
static const int64_t skew = 5 * TD_MINUTE, longest = TD_DAY;

struct asserting {
    struct td_id *id;
    struct td_jws jws;
    struct td_slice thumb;
    struct td_application_key key;
    const char *client;
};

static enum td_code not_valid(struct td_id *id, const char *why)
{
    return td_id_refuse(id, TD_OA_CLIENT_ASSERTION, why);
}

static const char *text(const struct td_json *object, const char *name)
{
    const char *s = td_json_str(object, name);
    return s != NULL ? s : "";
}

static enum td_code find_key(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct asserting *s = ctx;
    return td_application_key_find(tx, s->client, s->thumb, s->id->a, &s->key, err);
}

/* https://{one of our names}/.../oauth2[/v2.0]/token, or the issuer of a tenant. */
static bool audience_ours(const struct td_id *id, struct td_slice aud)
{
    struct td_slice host;
    if (!td_starts(aud, "https://"))
        return false;
    struct td_slice path = td_cut(td_sub(aud, 8, aud.n), '/', &host);
    return td_service_is_ours(id->svc, host) &&
           (td_ends(path, "oauth2/token") || td_ends(path, "oauth2/v2.0/token") || td_ends(path, "/v2.0"));
}

static enum td_code check_claims(struct asserting *s)
{
    struct td_id *id = s->id;
    int64_t now = td_now(id->svc->env) / TD_SECOND, leeway = skew / TD_SECOND;
    int64_t exp = td_json_int(s->jws.claims, "exp", 0), nbf = td_json_int(s->jws.claims, "nbf", 0);
    if (strcmp(text(s->jws.claims, "iss"), text(s->jws.claims, "sub")) != 0)
        return not_valid(id, "iss and sub must both be the client's id.");
    if (!audience_ours(id, td_str(text(s->jws.claims, "aud"))) && !td_fault("assertion-any-audience"))
        return not_valid(id, "aud must be the token endpoint.");
    if (exp <= now - leeway || nbf > now + leeway || exp > now + leeway + longest / TD_SECOND)
        return not_valid(id, "exp or nbf: it has expired, is not valid yet or lives too long.");
    return TD_OK;
}

static enum td_code read_thumb(struct asserting *s)
{
    const char *sha256 = text(s->jws.header, "x5t#S256"),
               *given = sha256[0] != '\0' ? sha256 : text(s->jws.header, "x5t");
    if (td_b64_decode(s->id->a, td_str(given), TD_B64_URL | TD_B64_NOPAD, &s->thumb) != TD_OK ||
        (s->thumb.n != 32 && s->thumb.n != 20))
        return not_valid(s->id, "The header names no certificate (x5t or x5t#S256).");
    return TD_OK;
}

static enum td_code check_signature(struct asserting *s)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_id *id = s->id;
    bool ps = strcmp(s->jws.alg, "PS256") == 0;
    enum td_code rc = td_store_read(id->svc->store, find_key, s, &id->err);
    if (rc == TD_ENOTFOUND)
        return not_valid(id, "No such certificate is registered for the client.");
    td_try(rc);
    if (s->key.not_after <= td_now(id->svc->env))
        return not_valid(id, "The certificate has expired.");
    td_try(td_key_from_public_der(s->key.spki, &key, &id->err));
    bool holds = (ps || strcmp(s->jws.alg, "RS256") == 0) && td_jws_verify(&s->jws, key, ps ? TD_PS256 : TD_RS256);
    return holds || td_fault("assertion-any-key") ? TD_OK
                                                  : not_valid(id, "The signature is not that of the certificate.");
}

enum td_code td_id_assertion(struct td_id *id)
{
    struct asserting s = {.id = id};
    struct td_slice assertion = td_http_form(id->req, "client_assertion");
    if (assertion.n == 0)
        return TD_OK;
    if (strcmp(td_id_form(id, "client_assertion_type"), type) != 0)
        return not_valid(id, "client_assertion_type is not known.");
    if (td_jws_decode(assertion, id->a, &s.jws, &id->err) != TD_OK || s.jws.claims == NULL)
        return not_valid(id, "It is no JSON Web Token.");
    char *client = td_arena_strdup(id->a, text(s.jws.claims, "sub"));
    td_lower(client);
    s.client = client;
    td_try(read_thumb(&s));
    td_try(check_claims(&s));
    td_try(check_signature(&s));
    id->assertion = client;
    id->assertion_thumb = s.thumb;
    return TD_OK;
}

/* In the transaction that uses it: the certificate must still be there, for this client of this tenant. */
enum td_code td_id_client_proven(struct td_id *id, struct td_tx *tx, const char *tenant,
                                 const struct td_application *app)
{
    struct td_application_key key = {0};
    if (strcmp(id->assertion, app->id) != 0)
        return not_valid(id, "It was made for another client.");
    enum td_code rc = td_application_key_find(tx, app->id, id->assertion_thumb, id->a, &key, &id->err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && strcmp(key.tenant, tenant) != 0))
        return not_valid(id, "No such certificate is registered for the client.");
    return rc;
}
