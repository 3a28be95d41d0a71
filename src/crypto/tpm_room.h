/* Shared by the files of src/crypto that know TPM structures: algorithms and curves by the TPM's numbers. */
#ifndef TD_CRYPTO_TPM_ROOM_H
#define TD_CRYPTO_TPM_ROOM_H

#include "crypto/cert_lean.h"
#include "crypto/ossl.h"
#include "crypto/tpm.h"

enum { TD_TPM_FIELD_MAX = 66 };

struct td_tpm_hash {
    uint16_t alg;
    size_t octets;
    const EVP_MD *(*md)(void);
};
const struct td_tpm_hash *td_tpm_hash(uint16_t alg); /* NULL: not known here */

struct td_tpm_curve {
    uint16_t curve;
    size_t octets; /* of a coordinate */
    const char *name;
};
const struct td_tpm_curve *td_tpm_curve(uint16_t curve); /* NULL: not known here */

struct td_slice td_tpm_stripped(struct td_slice number); /* without leading zeros */
/* A big-endian number in exactly n octets; false: it is larger. */
bool td_tpm_padded(struct td_slice number, unsigned char *out, size_t n);

void td_ek_link_of(const struct td_lean_cert *below, const struct td_lean_cert *above, struct td_ek_link *ret);
bool td_ek_links_has(struct td_ek_links *links, const struct td_ek_link *link);
void td_ek_links_keep(struct td_ek_links *links, const struct td_ek_link *link); /* drives the oldest out */

#endif
