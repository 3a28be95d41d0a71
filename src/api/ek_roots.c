#include "api/ek_roots.h"

#include "base/encode.h"
#include "base/fault.h"
#include "crypto/cert.h"

enum td_code td_ek_root_read(struct td_slice der, const char *label, struct td_arena *a, struct td_ek_root *ret,
                             struct td_error *err)
{
    struct td_cert c = {.der = der};
    td_try(td_cert_parse(der, a, &c, err));
    if (!c.is_ca && !td_fault("tpm-root-any"))
        return td_remedy(
            err, td_fail(err, TD_EINVAL, "certificate", "\"%.120s\" is no certificate of an authority", c.subject),
            "Give the root or intermediate of the TPM's maker, not the certificate of one TPM.");
    *ret = (struct td_ek_root){.sha256 = td_hex(a, td_bytes(c.sha256, sizeof(c.sha256))),
                               .subject = c.subject,
                               .label = label != NULL ? label : "",
                               .der = td_arena_copy(a, der),
                               .not_after = c.not_after};
    return TD_OK;
}
