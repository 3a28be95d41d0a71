#include "api/technician.h"

#include "api/token.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/signs.h"
#include "crypto/digest.h"
#include "store/provisioning.h"
#include "store/tenant.h"
#include "way/attestation.h"

enum { CODE_SIGNS = 8 /* 38 bits, and five guesses */, MAX_CODE = 32 };

struct asking {
    const struct td_service *svc;
    const char *tenant, *registration_id, *who, *code_sha256;
    const struct td_technician_proof *proof;
    struct td_arena *arena;
    const char *setting;
    struct td_claims claims;
    bool right;
};

static bool given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static enum td_code read_setting(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct asking *q = ctx;
    return td_tenant_get(tx, q->tenant, "technician-proof", q->arena, &q->setting, err);
}

static enum td_code read_token(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct asking *q = ctx;
    return td_token_check(q->svc, tx, td_str(q->proof->token), TD_RESOURCE_DIRECTORY_JOIN, q->arena, &q->claims, err);
}

static enum td_code by_sign_in(struct asking *q, struct td_error *err)
{
    struct td_error why = {0};
    if (!given(q->proof->token))
        return td_attest_refuse(err, TD_ATT_TECHNICIAN, "a technician has to sign in first");
    enum td_code rc = td_store_read(q->svc->store, read_token, q, &why);
    if (rc == TD_EUNAVAILABLE || rc == TD_EIO || rc == TD_EINTERNAL) {
        if (err != NULL)
            *err = why;
        return rc;
    }
    if (rc != TD_OK)
        return td_attest_refuse(err, TD_ATT_TECHNICIAN,
                                td_arena_printf(q->arena, "the technician's token: %s", why.text));
    bool ours = strcmp(q->claims.tenant, q->tenant) == 0;
    if (!ours || q->claims.upn == NULL || q->claims.upn[0] == '\0')
        return td_attest_refuse(err, TD_ATT_TECHNICIAN, "the technician is not a user of the device's organization");
    q->who = q->claims.upn;
    return TD_OK;
}

/* What is no code at all is a wrong one: a miss like every other. */
static const char *digest_of(const char *code, struct td_arena *a)
{
    char plain[CODE_SIGNS + 1];
    unsigned char sum[32];
    (void)td_signs_read(td_str(code), TD_SIGNS, plain, CODE_SIGNS);
    td_sha256(td_str(plain), sum);
    td_wipe(plain, sizeof(plain));
    return td_hex(a, td_bytes(sum, sizeof(sum)));
}

static enum td_code try_code(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct asking *q = ctx;
    return td_provision_code_try(tx, q->tenant, q->registration_id, q->code_sha256, q->arena, &q->right, &q->who, err);
}

enum td_code td_technician_new_code(struct td_error *err, enum td_code rc)
{
    return td_remedy(err, rc, "Make one for this device: touchdown device provision-code, or in the companion.");
}

static enum td_code bad_code(struct td_error *err, const char *detail)
{
    return td_technician_new_code(err, td_attest_refuse(err, TD_ATT_TECHNICIAN, detail));
}

static enum td_code by_code(struct asking *q, struct td_error *err)
{
    if (!given(q->proof->code))
        return bad_code(err, "a code for this device has to be given");
    if (strlen(q->proof->code) > MAX_CODE)
        return bad_code(err, "the code is none of ours");
    q->code_sha256 = digest_of(q->proof->code, q->arena);
    td_try(td_store_write(q->svc->store, try_code, q, err));
    if (!q->right)
        return bad_code(err, "the code is wrong, was used, or has run out");
    q->who = td_arena_printf(q->arena, "code of %s", q->who);
    return TD_OK;
}

enum td_code td_technician_check(const struct td_service *svc, const char *tenant, const char *registration_id,
                                 const struct td_technician_proof *proof, struct td_arena *a, struct td_technician *ret,
                                 struct td_error *err)
{
    struct asking q = {.svc = svc,
                       .tenant = tenant,
                       .registration_id = registration_id,
                       .proof = proof,
                       .arena = a,
                       .who = "presence",
                       .code_sha256 = "",
                       .setting = "presence"};
    td_try(td_store_read(svc->store, read_setting, &q, err));
    bool sign_in = strcmp(q.setting, "sign-in") == 0, code = strcmp(q.setting, "companion") == 0;
    ret->field = sign_in ? "technicianToken" : code ? "technicianCode" : "";
    if (sign_in && !td_fault("technician-unproven"))
        td_try(by_sign_in(&q, err));
    else if (code && !td_fault("technician-unproven"))
        td_try(by_code(&q, err));
    ret->who = q.who;
    ret->code_sha256 = q.code_sha256;
    return TD_OK;
}

enum td_code td_technician_code(struct td_tx *tx, const char *tenant, const char *registration_id, const char *actor,
                                struct td_arena *a, const char **ret, int64_t *ret_expires, struct td_error *err)
{
    char code[CODE_SIGNS + 1];
    td_signs_draw(td_tx_env(tx), TD_SIGNS, code, CODE_SIGNS);
    td_try(td_provision_code_put(tx, tenant, registration_id, digest_of(code, a), actor, ret_expires, err));
    *ret = td_arena_printf(a, "%.4s-%s", code, code + 4);
    td_wipe(code, sizeof(code));
    return TD_OK;
}
