/* The certificate authority: one root, under it one intermediate each for servers, directory devices and management.
 * Keys are P-256, rest sealed in the store; certificates are public under /pki/. A certificate of one purpose opens no
 * door of another. Serial numbers are 128 random bits. */
#ifndef TD_API_AUTHORITY_H
#define TD_API_AUTHORITY_H

#include "api/service.h"
#include "crypto/cert.h"

enum td_purpose { TD_PURPOSE_SERVER, TD_PURPOSE_DEVICE, TD_PURPOSE_MANAGEMENT, TD_PURPOSE_COUNT };

/* Loads the authority, or makes root and intermediates on first start, and writes DIR/ca.pem. */
enum td_code td_authority_open(struct td_service *svc, struct td_authority **ret, struct td_error *err) TD_MUST_USE;
void td_authority_close(struct td_authority *ca);

struct td_slice td_authority_root(const struct td_authority *ca);                                  /* DER */
struct td_slice td_authority_intermediate(const struct td_authority *ca, enum td_purpose purpose); /* DER */

/* The root's revocation list, always empty: an intermediate is never revoked, it goes with the whole authority. Who
 * checks every link of a chain needs it. The root's key is taken from the store for this one signature; no process
 * holds it. */
enum td_code td_authority_root_list(const struct td_service *svc, int64_t not_before, int64_t not_after,
                                    struct td_arena *a, struct td_slice *ret_der, struct td_error *err) TD_MUST_USE;

/* Signs a leaf. t->serial, issuer, EKU and URLs are filled here; subject, spki, key usage, dates, names and exts are
 * the caller's. CPU only: call it outside a store write, then record the result with td_cert_record
 * (store/certificate.h).
 */
enum td_code td_authority_issue(const struct td_service *svc, enum td_purpose purpose, struct td_cert_template *t,
                                struct td_arena *a, struct td_slice *ret_der, struct td_error *err) TD_MUST_USE;

/* Server certificate for these names, kept in DIR and renewed before its end; PEM chain (leaf + intermediate) and key.
 */
enum td_code td_authority_server_pem(struct td_service *svc, const char *const *names, struct td_arena *a,
                                     char **ret_chain, char **ret_key, struct td_error *err) TD_MUST_USE;

/* The verdict about a client certificate, asked on every request that needs one: chain (cached by fingerprint), dates,
 * revocation, purpose, known to the store. TD_EAUTH none or foreign, TD_EDENIED revoked or of another purpose,
 * TD_EEXPIRED. ret names what the certificate was issued for. */
struct td_peer_identity {
    const char *tenant;
    const char *subject; /* directory device id, or enrolment id */
    const char *serial;
};
enum td_code td_authority_peer(const struct td_service *svc, struct td_tx *tx, const struct td_peer *peer,
                               enum td_purpose purpose, struct td_arena *a, struct td_peer_identity *ret,
                               struct td_error *err) TD_MUST_USE;
/* The part of it that needs no store: chain and signature, which it keeps by fingerprint. To be asked before a write in
 * which td_authority_peer stands, since no signature belongs inside one. */
enum td_code td_authority_chain(const struct td_service *svc, const struct td_peer *peer, struct td_arena *a,
                                struct td_error *err) TD_MUST_USE;
/* The same for a certificate in bytes whose possession the caller proves otherwise (x5c of a signed request). */
enum td_code td_authority_cert(const struct td_service *svc, struct td_tx *tx, struct td_slice der,
                               enum td_purpose purpose, struct td_arena *a, struct td_peer_identity *ret,
                               struct td_error *err) TD_MUST_USE;

#endif
