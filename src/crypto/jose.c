#include "crypto/jose.h"

#include "base/encode.h"
#include "base/fault.h"
#include "crypto/digest.h"

static const char *const alg_names[] = {[TD_RS256] = "RS256", [TD_PS256] = "PS256", [TD_ES256] = "ES256"};

/* Strict base64url: an alphabet of its own, no padding, no white space. */
static enum td_code segment(struct td_arena *a, struct td_slice text, const char *what, struct td_slice *ret,
                            struct td_error *err)
{
    if (td_find(text, '=') != SIZE_MAX || td_b64_decode(a, text, TD_B64_URL | TD_B64_NOPAD, ret) != TD_OK)
        return td_fail(err, TD_EFORMAT, what, "is not base64url");
    return TD_OK;
}

/* A payload need not be JSON; one that looks like an object has to be a good one. */
static enum td_code read_claims(struct td_arena *a, struct td_jws *jws, struct td_error *err)
{
    struct td_json *claims = NULL;
    if (!td_starts(td_trim(jws->payload), "{"))
        return TD_OK;
    td_try(td_json_parse(jws->payload, TD_JWS_MAX, a, &claims, err));
    if (claims->type == TD_JSON_OBJECT)
        jws->claims = claims;
    return TD_OK;
}

enum td_code td_jws_decode(struct td_slice compact, struct td_arena *a, struct td_jws *ret, struct td_error *err)
{
    struct td_slice header64 = {0}, payload64 = {0}, header = {0};
    struct td_json *head = NULL;
    if (compact.n > TD_JWS_MAX)
        return td_fail(err, TD_ELIMIT, "token", "more than %d octets", TD_JWS_MAX);
    struct td_slice sig64 = td_cut(td_cut(compact, '.', &header64), '.', &payload64);
    bool three = compact.n > header64.n + payload64.n + 1 && td_find(sig64, '.') == SIZE_MAX;
    if (header64.n == 0 || payload64.n == 0 || !three)
        return td_fail(err, TD_EFORMAT, "token", "does not have three segments");
    struct td_jws jws = {.signing_input = td_sub(compact, 0, header64.n + 1 + payload64.n)};
    td_try(segment(a, header64, "token header", &header, err));
    td_try(segment(a, payload64, "token payload", &jws.payload, err));
    td_try(segment(a, sig64, "token signature", &jws.signature, err));
    td_try(td_json_parse(header, TD_JWS_MAX, a, &head, err));
    if (head->type != TD_JSON_OBJECT)
        return td_fail(err, TD_EFORMAT, "token header", "is not a JSON object");
    /* RFC 7515 4.1.11: an extension that must be understood and is not */
    if (td_json_get(head, "crit") != NULL)
        return td_fail(err, TD_EFORMAT, "token header", "names a critical extension");
    td_try(read_claims(a, &jws, err));
    jws.header = head;
    jws.alg = td_json_str(head, "alg") != NULL ? td_json_str(head, "alg") : "";
    jws.kid = td_json_str(head, "kid") != NULL ? td_json_str(head, "kid") : "";
    *ret = jws;
    return TD_OK;
}

bool td_jws_verify(const struct td_jws *jws, const struct td_key *key, enum td_sig alg)
{
    if (td_fault("jwt-any-signature"))
        return true;
    return strcmp(jws->alg, alg_names[alg]) == 0 && jws->signature.n != 0 &&
           td_key_verify(key, alg, jws->signing_input, jws->signature);
}

bool td_jws_verify_hs256(const struct td_jws *jws, struct td_slice secret)
{
    unsigned char mac[32];
    if (strcmp(jws->alg, "HS256") != 0 || secret.n == 0)
        return false;
    td_hmac_sha256(secret, jws->signing_input, mac);
    bool good = td_same_secret(td_bytes(mac, sizeof(mac)), jws->signature);
    td_wipe(mac, sizeof(mac));
    return good;
}

static char *signing_input(struct td_slice header, struct td_slice payload, struct td_arena *a)
{
    return td_arena_printf(a, "%s.%s", td_b64url(a, header), td_b64url(a, payload));
}

enum td_code td_jws_sign(const struct td_key *key, enum td_sig alg, struct td_slice header, struct td_slice payload,
                         struct td_arena *a, char **ret, struct td_error *err)
{
    struct td_slice sig;
    char *input = signing_input(header, payload, a);
    enum td_code rc = td_key_sign(key, alg, td_str(input), a, &sig);
    if (rc != TD_OK)
        return td_fail(err, rc, "token", "can't be signed with this key");
    *ret = td_arena_printf(a, "%s.%s", input, td_b64url(a, sig));
    return TD_OK;
}

char *td_jws_sign_hs256(struct td_slice secret, struct td_slice header, struct td_slice payload, struct td_arena *a)
{
    unsigned char mac[32];
    char *input = signing_input(header, payload, a);
    td_hmac_sha256(secret, td_str(input), mac);
    return td_arena_printf(a, "%s.%s", input, td_b64url(a, td_bytes(mac, sizeof(mac))));
}

void td_jwk_write(struct td_jsonw *w, const struct td_key *key, const char *kid, struct td_slice cert_der)
{
    struct td_arena a;
    struct td_slice n, e;
    unsigned char sha1[20];
    td_arena_init(&a);
    if (td_key_rsa_numbers(key, &a, &n, &e) == TD_OK) {
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "kty", "RSA");
        td_jsonw_kstr(w, "use", "sig");
        td_jsonw_kstr(w, "alg", "RS256");
        td_jsonw_kstr(w, "kid", kid);
        if (cert_der.n != 0) {
            td_sha1(cert_der, sha1);
            td_jsonw_kstr(w, "x5t", td_b64url(&a, td_bytes(sha1, sizeof(sha1))));
            td_jsonw_key(w, "x5c");
            td_jsonw_arr(w);
            td_jsonw_str(w, td_b64(&a, cert_der));
            td_jsonw_arr_end(w);
        }
        td_jsonw_kstr(w, "n", td_b64url(&a, n));
        td_jsonw_kstr(w, "e", td_b64url(&a, e));
        td_jsonw_end(w);
    }
    td_arena_done(&a);
}
