/* Join tickets: a note from the door of attestation to the door of the join (docs/protocol/attestation.md 2). That one
 * is good once is the challenge's row (td_join_ticket_use). */
#include "api/attestation/room.h"
#include "api/token.h"

static const char kind[] = "join";

/* Longer than the ticket is good: the challenge's row says when that ends, so that a late join is told to the device's
 * way like every other refusal. */
static const int64_t note_life = TD_DAY;

enum td_code td_join_ticket_make(const struct td_service *svc, const struct td_join_ticket *what, struct td_arena *a,
                                 char **ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, 1024);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "tenant", what->tenant);
    td_jsonw_kstr(&w, "registration", what->registration_id);
    td_jsonw_kstr(&w, "challenge", what->challenge_id);
    td_jsonw_kstr(&w, "key", what->key_sha256);
    td_jsonw_kstr(&w, "purpose", td_attest_purpose_word(what->purpose));
    td_jsonw_end(&w);
    td_try(td_buf_check(&b, "join ticket", err));
    return td_ticket_make(svc, kind, b.p, note_life, a, ret, err);
}

static bool is_preprovisioning(const struct td_json *payload)
{
    const char *word = td_json_str(payload, "purpose");
    return word != NULL && strcmp(word, td_attest_purpose_word(TD_ATTEST_PRE_PROVISIONING)) == 0;
}

enum td_code td_join_ticket_open(const struct td_service *svc, struct td_slice bearer, struct td_arena *a,
                                 struct td_join_ticket *ret, struct td_error *err)
{
    const struct td_json *payload = NULL;
    td_try(td_ticket_open(svc, kind, bearer, a, &payload, err));
    *ret = (struct td_join_ticket){.tenant = td_json_str(payload, "tenant"),
                                   .registration_id = td_json_str(payload, "registration"),
                                   .challenge_id = td_json_str(payload, "challenge"),
                                   .key_sha256 = td_json_str(payload, "key"),
                                   .purpose = is_preprovisioning(payload) ? TD_ATTEST_PRE_PROVISIONING
                                                                          : TD_ATTEST_SELF_DEPLOYING};
    if (ret->tenant == NULL || ret->registration_id == NULL || ret->challenge_id == NULL || ret->key_sha256 == NULL)
        return td_fail(err, TD_EAUTH, "ticket", "this is no ticket of ours");
    return TD_OK;
}
