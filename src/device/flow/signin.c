/* Sign-in at the tenant's page with the authorization code flow and PKCE (join-and-tokens.md 6, 9; autopilot.md 3.1).
 * The pages are the browser's business; here are the request, the code and what came for it. */
#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/jose.h"
#include "device/browser.h"
#include "device/tokens.h"
#include "device/web.h"

static const char join_resource[] = "urn:ms-drs:enterpriseregistration.windows.net";
static const char join_redirect[] = "ms-aadj-redir://auth/drs";

struct pkce {
    const char *verifier, *challenge, *state, *nonce;
};

static struct pkce make_pkce(struct td_flow *f, struct td_arena *a)
{
    struct pkce p = {.verifier = td_random_text(f->dev->env, a, 32),
                     .state = td_random_text(f->dev->env, a, 16),
                     .nonce = td_random_text(f->dev->env, a, 16)};
    unsigned char hash[32];
    td_sha256(td_str(p.verifier), hash);
    p.challenge = td_b64url(a, td_bytes(hash, sizeof(hash)));
    return p;
}

/* own: by the user of this device, whose way begins with it; else a technician's, which says nothing of the device. */
static const char *authorize_url(struct td_flow *f, const struct td_sts *sts, const struct pkce *p, bool own,
                                 struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf q;
    td_buf_init(&q, 8192);
    td_form_add(&q, "response_type", "code");
    td_form_add(&q, "client_id", td_broker_client);
    td_form_add(&q, "redirect_uri", join_redirect);
    td_form_add(&q, "resource", join_resource);
    td_form_add(&q, "scope", "openid offline_access");
    td_form_add(&q, "amr_values", "ngcmfa");
    td_form_add(&q, "state", p->state);
    td_form_add(&q, "nonce", p->nonce);
    td_form_add(&q, "code_challenge", p->challenge);
    td_form_add(&q, "code_challenge_method", "S256");
    const char *hint = td_flow_get(f, "profile.upn"), *ticket = td_flow_get(f, "lookup.ticket");
    if (own && hint[0] != '\0')
        td_form_add(&q, "login_hint", hint);
    if (own && ticket[0] != '\0')
        td_form_add(&q, "ztd_ticket", ticket);
    bool has_query = strchr(sts->authorize, '?') != NULL;
    return td_arena_printf(a, "%s%c%s", sts->authorize, has_query ? '&' : '?', q.p);
}

static enum td_code check_answer(struct td_browser *b, const struct pkce *p, const char **ret_code,
                                 struct td_error *err)
{
    const char *error = td_form_get(b->answer, "error", b->arena);
    const char *text = td_form_get(b->answer, "error_description", b->arena);
    const char *state = td_form_get(b->answer, "state", b->arena);
    *ret_code = td_form_get(b->answer, "code", b->arena);
    if (state == NULL || !td_same_secret(td_str(state), td_str(p->state)))
        return td_fail(err, TD_EAUTH, "sign-in", "the answer belongs to another sign-in (state)");
    if (error != NULL)
        return td_fail(err, TD_EDENIED, "sign-in", "%s", text != NULL ? text : error);
    return *ret_code != NULL ? TD_OK : td_fail(err, TD_EFORMAT, "sign-in", "the answer has no code");
}

/* Came over TLS from the token endpoint itself, so its claims are checked and its signature is not (OIDC core 3.1.3.7).
 */
static enum td_code check_id_token(struct td_flow *f, const struct td_json *reply, const struct pkce *p, bool own,
                                   struct td_arena *a, struct td_error *err)
{
    struct td_jws id;
    const char *text = td_json_str(reply, "id_token");
    if (text == NULL || td_jws_decode(td_str(text), a, &id, NULL) != TD_OK || id.claims == NULL)
        return td_fail(err, TD_EFORMAT, "sign-in", "the answer has no readable id_token");
    const char *nonce = td_json_str(id.claims, "nonce"), *tenant = td_json_str(id.claims, "tid");
    const char *upn = td_json_str(id.claims, "upn"), *mdm = td_json_str(id.claims, "mdm_enrollment_url");
    if (nonce == NULL || strcmp(nonce, p->nonce) != 0)
        return td_fail(err, TD_EAUTH, "sign-in", "the id_token belongs to another sign-in (nonce)");
    if (tenant == NULL || !td_ieq(td_str(tenant), td_str(td_flow_get(f, "profile.tenant_id")))) {
        (void)td_fail(err, TD_EDENIED, "sign-in", "the user name belongs to another organization");
        return td_remedy(err, TD_EDENIED, "sign in with an account of the organization that owns this device");
    }
    if (!own)
        return TD_OK;
    upn = upn != NULL ? upn : td_json_str(id.claims, "preferred_username");
    td_state_set(f->dev->state, "signin.user", upn != NULL ? upn : f->secrets.user);
    td_state_set(f->dev->state, "signin.name", td_json_str(id.claims, "name"));
    td_state_set(f->dev->state, "signin.mdm_url", mdm);
    td_state_set(f->dev->state, "signin.mdm_terms_url", td_json_str(id.claims, "mdm_terms_of_use_url"));
    td_state_set(f->dev->state, "signin.mdm_compliance_url", td_json_str(id.claims, "mdm_compliance_url"));
    td_state_set(f->dev->state, "signin.tenant_name", td_json_str(id.claims, "tenant_display_name"));
    return td_state_save(f->dev->state, err);
}

static enum td_code redeem(struct td_flow *f, const struct td_sts *sts, const struct pkce *p, const char *code,
                           bool own, struct td_arena *a, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf form;
    td_buf_init(&form, 16384);
    td_form_add(&form, "grant_type", "authorization_code");
    td_form_add(&form, "client_id", td_broker_client);
    td_form_add(&form, "code", code);
    td_form_add(&form, "redirect_uri", join_redirect);
    td_form_add(&form, "code_verifier", p->verifier);
    td_form_add(&form, "resource", join_resource);
    struct td_web w = {.flow = f, .arena = a, .what = "sign-in"};
    struct td_net_response r;
    const struct td_json *reply;
    td_try(td_web_post(&w, sts->token, "application/x-www-form-urlencoded", td_buf_slice(&form), &r, err));
    td_try(td_web_json(&w, &r, &reply, err));
    const char *access = td_json_str(reply, "access_token"), *refresh = td_json_str(reply, "refresh_token");
    if (access == NULL || refresh == NULL)
        return td_fail(err, TD_EFORMAT, "sign-in", "the answer has no access_token or no refresh_token");
    td_try(check_id_token(f, reply, p, own, a, err));
    if (!own) {
        td_secret_put(&f->secrets.technician_token, access);
        return TD_OK;
    }
    td_secret_put(&f->secrets.join_token, access);
    td_secret_put(&f->secrets.refresh_token, refresh);
    return TD_OK;
}

enum td_code td_flow_sign_in(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_sts sts;
    const char *code;
    td_try(td_sts_find(f, &a, &sts, err));
    struct pkce p = make_pkce(f, &a);
    struct td_browser b = {.flow = f, .arena = &a, .what = "sign-in", .redirect = join_redirect};
    td_try(td_browse(&b, authorize_url(f, &sts, &p, true, &a), err));
    td_try(check_answer(&b, &p, &code, err));
    td_try(redeem(f, &sts, &p, code, true, &a, err));
    td_flow_news(f, "signed in: %s", td_flow_get(f, "signin.user"));
    return TD_OK;
}

static enum td_code technician_pages(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_sts sts;
    const char *code;
    td_try(td_sts_find(f, &a, &sts, err));
    struct pkce p = make_pkce(f, &a);
    struct td_browser b = {.flow = f,
                           .arena = &a,
                           .what = "technician's sign-in",
                           .redirect = join_redirect,
                           .user_key = "technician",
                           .password_key = "technician-password"};
    td_try(td_browse(&b, authorize_url(f, &sts, &p, false, &a), err));
    td_try(check_answer(&b, &p, &code, err));
    return redeem(f, &sts, &p, code, false, &a, err);
}

enum td_code td_flow_technician_sign_in(struct td_flow *f, struct td_error *err)
{
    enum td_code rc = technician_pages(f, err);
    td_secret_put(&f->secrets.user, NULL); /* whoever signs in on this device later is somebody else */
    td_secret_put(&f->secrets.password, NULL);
    if (rc == TD_OK)
        td_flow_news(f, "the technician has signed in");
    return rc;
}
