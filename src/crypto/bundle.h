/* Certificates as makers and tools hand them out, several in one file: PEM (text between blocks is passed over), DER,
 * PKCS#7 without signers in either form. Bytes in, DER out; what the certificates are worth is the caller's to judge.
 */
#ifndef TD_CRYPTO_BUNDLE_H
#define TD_CRYPTO_BUNDLE_H

#include "base/arena.h"
#include "base/err.h"

enum { TD_BUNDLE_MAX = 4 << 20 /* octets */, TD_BUNDLE_CERTS = 1000 };

/* In the order of the file, each once. TD_EFORMAT: no certificate, or a broken one; TD_ELIMIT: larger or more. */
enum td_code td_bundle_read(struct td_slice file, struct td_arena *a, struct td_slice **ret_ders, size_t *ret_count,
                            struct td_error *err) TD_MUST_USE;

#endif
