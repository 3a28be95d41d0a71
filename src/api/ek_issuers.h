/* Makers' intermediate certificates that neither the device sent nor an administrator added: fetched from the address
 * in the certificate before (connect/ek_fetch.h), kept in the store by that address. Only where the tenant's setting
 * ek-issuer-fetch is on. Nothing that comes so is trusted: it has to lead to one of the tenant's anchors. Waits for the
 * network: outside of any transaction. */
#ifndef TD_API_EK_ISSUERS_H
#define TD_API_EK_ISSUERS_H

#include "api/service.h"
#include "crypto/tpm.h"

#define TD_EK_ISSUER_FRESH (30 * TD_DAY)      /* then it is fetched anew; where that fails the old one serves on */
#define TD_EK_ISSUER_IN_VAIN (10 * TD_MINUTE) /* until an address without an answer is asked again */

struct td_ek_chain {
    struct td_slice ek;
    const struct td_slice *anchors;
    size_t anchor_count;
    const struct td_slice *more; /* what the device sent */
    size_t more_count;
};
/* As td_ek_cert_chain, whose verdict stands where nothing can be fetched. */
enum td_code td_ek_issuers_chain(const struct td_service *svc, const char *tenant, const struct td_ek_chain *c,
                                 struct td_arena *a, struct td_error *err) TD_MUST_USE;

#endif
