/* What the tests of the identity door share: OAuth errors as 10.3 has them, claims, and what our services believe. The
 * including file has its world as static struct wire w. */
#ifndef TD_TESTS_WIRE_IDENTITY_CHECK_H
#define TD_TESTS_WIRE_IDENTITY_CHECK_H

#include "crypto/jose.h"
#include "wire/wire.h"

#define TOOL "14d82eec-204b-4c2f-b7e8-296a70dab67e"

static struct wire w;

static void assert_oauth_error(const struct wire_reply *r, int status, const char *error, int number)
{
    const struct td_json *v = wire_json(&w, r->body);
    if (r->status != status || strcmp(td_json_str(v, "error"), error) != 0)
        fail_msg("want %d %s, got %d %s", status, error, r->status, r->body);
    assert_int_equal(td_json_count(td_json_get(v, "error_codes")), 1);
    assert_int_equal(td_json_get(v, "error_codes")->child->num, number);
    assert_non_null(strstr(td_json_str(v, "error_description"), td_arena_printf(&w.arena, "AADSTS%d: ", number)));
    assert_non_null(td_json_str(v, "timestamp"));
    assert_non_null(td_json_str(v, "trace_id"));
    assert_non_null(td_json_str(v, "correlation_id"));
}

static const struct td_json *claims_of(const char *jwt)
{
    struct td_jws jws = {0};
    struct td_error err = {0};
    wire_ok(td_jws_decode(td_str(jwt), &w.arena, &jws, &err), &err, "jwt");
    assert_string_equal(jws.alg, "RS256");
    return jws.claims;
}

struct check {
    struct td_slice jwt;
    enum td_resource resource;
    struct td_claims claims;
};

static enum td_code check_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct check *c = ctx;
    return td_token_check(&w.svc, tx, c->jwt, c->resource, &w.arena, &c->claims, err);
}

static enum td_code check_token(const char *jwt, enum td_resource resource, struct td_claims *ret)
{
    struct check c = {.jwt = td_str(jwt), .resource = resource};
    enum td_code rc = td_store_read(w.svc.store, check_fn, &c, NULL);
    if (ret != NULL)
        *ret = c.claims;
    return rc;
}

#endif
