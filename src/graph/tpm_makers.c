/* tpmManufacturerCertificates: makers whose TPMs are trusted (ours: the real service has its own list and shows none).
 */
#include "api/ek_roots.h"
#include "base/encode.h"
#include "crypto/bundle.h"
#include "graph/graph.h"
#include "graph/types.h"
#include "store/views.h"

static const struct td_g_prop maker_props[] = {
    {.name = "displayName", .kind = TD_G_STRING, .flags = TD_G_CREATE, .max = TD_EK_ROOT_LABEL_MAX},
    {.name = "certificate", .kind = TD_G_BINARY, .flags = TD_G_CREATE | TD_G_NEEDED | TD_G_SECRET},
    {.name = "subject", .kind = TD_G_STRING},
    {.name = "expirationDateTime", .kind = TD_G_TIME},
    {.name = "createdDateTime", .kind = TD_G_TIME},
};
const struct td_g_type td_g_type_tpm_maker = {
    .name = "tpmManufacturerCertificate", .base = &td_g_type_entity, .TD_G_PROPS(maker_props), .beta = true};

static enum td_code prepare(struct td_g_call *call, struct td_error *err)
{
    struct td_slice octets = {0}, *ders = NULL;
    size_t n = 0;
    struct td_ek_root *root = td_arena_new(call->arena, struct td_ek_root);
    if (td_b64_decode(call->arena, td_str(td_g_body_text(call, "certificate", "")), TD_B64_STD, &octets) != TD_OK ||
        td_bundle_read(octets, call->arena, &ders, &n, NULL) != TD_OK || n != 1)
        return td_remedy(err, td_fail(err, TD_EINVAL, "certificate", "is not one certificate"),
                         "Send one certificate, DER or PEM, in base64.");
    td_try(td_ek_root_read(ders[0], td_g_body_text(call, "displayName", ""), call->arena, root, err));
    call->prepared = root;
    return TD_OK;
}

static enum td_code create(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const struct td_ek_root *root = call->prepared;
    enum td_code rc = td_ek_root_add(tx, call->tenant, root, call->actor, err);
    if (rc == TD_EEXISTS)
        return td_fail(err, TD_EEXISTS, "certificate", "this maker is trusted already: %s", root->sha256);
    call->made_key = root->sha256;
    return rc;
}

static enum td_code take_away(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return td_ek_root_remove(tx, call->tenant, td_view_text(call->row, "id"), call->actor, err);
}

static const struct td_g_set sets[] = {
    {.path = "deviceManagement/tpmManufacturerCertificates",
     .type = &td_g_type_tpm_maker,
     .view = &td_view_tpm_makers,
     .flags = TD_G_BETA_SHAPE,
     .read = TD_RIGHT_PROFILE,
     .write = TD_RIGHT_PROFILE,
     .about =
         "Ours: makers whose TPMs are trusted when devices without a user prove themselves. The id is the SHA-256 of "
         "the certificate, which is sent as certificate and not shown.",
     .create = create,
     .prepare = prepare,
     .remove = take_away},
};

const struct td_g_family td_g_family_tpm_makers = {.about = "Trust in TPMs", .sets = sets, .count = TD_COUNTOF(sets)};
