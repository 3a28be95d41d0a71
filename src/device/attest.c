/* The client of attestation (docs/protocol/attestation.md). */
#include "device/flow.h"

enum td_code td_flow_attest(struct td_flow *f TD_UNUSED, const char *purpose TD_UNUSED, struct td_error *err)
{
    (void)td_fail(err, TD_ENOTOFFERED, "attestation", "this device has no TPM");
    if (err != NULL)
        err->hresult = 0x800705b4;
    return td_remedy(err, TD_ENOTOFFERED, "give it one: --tpm");
}
