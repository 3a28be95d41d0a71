/* What both ways into the directory share: a device's own join (flow/join.c) and the registration of a computer of a
 * domain (domain/register.c). Source: join-and-tokens.md 2, 3, 3.2. */
#ifndef TD_DEVICE_JOIN_H
#define TD_DEVICE_JOIN_H

#include "device/flow.h"

struct td_join_keys { /* made and kept on first use; the device's is certified, the transport key gets session keys */
    struct td_key *device, *transport;
};
enum td_code td_join_keys_open(struct td_flow *f, struct td_join_keys *ret, struct td_error *err) TD_MUST_USE;
void td_join_keys_done(struct td_join_keys *keys);

/* Members of the request: "CertificateRequest"; "TransportKey" to "DeviceDisplayName"; "attributes". */
enum td_code td_join_write_csr(const struct td_join_keys *keys, struct td_arena *a, struct td_jsonw *w,
                               struct td_error *err) TD_MUST_USE;
enum td_code td_join_write_facts(const struct td_flow *f, const struct td_join_keys *keys, struct td_arena *a,
                                 struct td_jsonw *w, struct td_error *err) TD_MUST_USE;
void td_join_write_attributes(struct td_jsonw *w, const struct td_flow *f, struct td_arena *a);

/* Finds the service and registers a computer account by PUT (3.2). */
enum td_code td_join_put(struct td_flow *f, const char *computer, struct td_slice body, struct td_arena *a,
                         const struct td_json **ret, struct td_error *err) TD_MUST_USE;
/* The answer's certificate, checked against our key, and what else it says: in files and state. */
enum td_code td_join_install(struct td_flow *f, const struct td_join_keys *keys, const struct td_json *reply,
                             struct td_arena *a, struct td_error *err) TD_MUST_USE;

#endif
