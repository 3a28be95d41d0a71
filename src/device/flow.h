/* A device's way from its box to the desktop: the steps in order, each written to the state before the next begins.
 *
 * Killed anywhere and started again it goes on: keys are made and saved before a request uses them, and every request
 * that may have been answered is safe to send again. Passwords and tokens of a sign-in live in memory only; what is
 * kept is what a PC keeps: its keys, its certificates, and the primary refresh token with its session key wrapped for
 * the transport key. Sources: autopilot.md 2.5, 3.1, 5; join-and-tokens.md 2, 3, 4, 9, 10; mde2.md. */
#ifndef TD_DEVICE_FLOW_H
#define TD_DEVICE_FLOW_H

#include "codec/json.h"
#include "crypto/key.h"
#include "device/device.h"
#include "device/hardware.h"
#include "device/ui.h"

/* The network as a function, so that tests can replay exchanges. The real one is td_transport_net. */
struct td_transport {
    enum td_code (*send)(void *ctx, const struct td_net_request *req, struct td_arena *a, struct td_net_response *ret,
                         struct td_error *err);
    void *ctx; /* struct td_net */
};
enum td_code td_transport_net(void *ctx, const struct td_net_request *req, struct td_arena *a,
                              struct td_net_response *ret, struct td_error *err);

/* What a sign-in leaves in memory; wiped by td_flow_done. All may be NULL. */
struct td_secrets {
    char *user, *password;
    char *join_token;    /* for directory join */
    char *refresh_token; /* of the broker, from the same sign-in */
    /* What a technician proves beside presence: technicianToken, technicianCode of docs/protocol/attestation.md. */
    char *technician_token, *technician_code;
};

struct td_flow {
    struct td_device *dev;
    struct td_ui *ui;
    const struct td_transport *net;
    struct td_hardware hw;
    struct td_arena arena; /* of the whole run: hardware, endpoints */
    struct td_secrets secrets;
    bool none;                 /* the lookup knows no registration or profile */
    bool rejected;             /* an administrator said no */
    char request_code[16];     /* shown while an administrator is to approve this device, "" if nobody is asked */
    int64_t retry_after;       /* microseconds that a busy service asked for, 0 if it did not */
    bool looked_up, signed_in; /* in this process */
    int lookups_lost;          /* in a row without an answer */
    int domain_lost;           /* sign-ins in a row that no domain controller answered */
    bool technician;           /* a technician provisions it: no user, though the profile has one */
    char news[256];            /* what the running step has reached: told once it is kept */
};

/* For whom a device is set up: by the profile until it has joined, from then on by how it joined (a reset in place
 * keeps the join and with it this). "join.attested" in the state is the purpose of the attestation that it joined by.
 */
enum td_flow_kind { TD_FLOW_USER, TD_FLOW_SELF_DEPLOYING, TD_FLOW_TECHNICIAN, TD_FLOW_HYBRID };
enum td_flow_kind td_flow_kind(const struct td_flow *f);
/* Without a user: it deploys itself, or a technician has it. */
bool td_flow_nobody(const struct td_flow *f);

/* One step of a way. What it has done is in the state before it returns TD_OK; TD_EUNAVAILABLE means: try again. */
struct td_step {
    const char *name;
    enum td_code (*run)(struct td_flow *f, struct td_error *err);
    bool (*skip)(const struct td_flow *f); /* NULL: once done, done for good */
    bool hidden;                           /* no row of its own in the timeline */
};
/* Runs what is not done yet, in order, each step patiently as long as --timeout allows (then TD_EEXPIRED, "time-out").
 */
enum td_code td_flow_walk(struct td_flow *f, const struct td_step *steps, size_t count, struct td_error *err)
    TD_MUST_USE;

bool td_flow_step_done(const struct td_flow *f, const char *step);

void td_flow_done(struct td_flow *f); /* wipes and frees what is inside, not itself */

/* The whole way. TD_OK: ready. TD_ENOTFOUND with f->none: not registered or no profile. TD_EEXPIRED where "time-out".
 */
enum td_code td_flow_run(struct td_flow *f, struct td_error *err) TD_MUST_USE;
/* The time of each phase and the inputs, as `run` prints them at its end. */
void td_flow_timeline(struct td_flow *f);

/* The steps, each in a file of its own; td_flow_run calls them in the order of its table. */
enum td_code td_flow_lookup(struct td_flow *f, struct td_error *err) TD_MUST_USE;
/* Takes the profile out of the state (in memory until it is saved). */
void td_lookup_forget(struct td_flow *f);
enum td_code td_flow_first_pages(struct td_flow *f, struct td_error *err) TD_MUST_USE; /* before the network is up */
enum td_code td_flow_pages(struct td_flow *f, struct td_error *err) TD_MUST_USE;       /* up to the sign-in */
enum td_code td_flow_last_pages(struct td_flow *f, struct td_error *err) TD_MUST_USE;  /* behind the sign-in */
enum td_code td_flow_name(struct td_flow *f, struct td_error *err) TD_MUST_USE;        /* the profile's computer name */
enum td_code td_flow_sign_in(struct td_flow *f, struct td_error *err) TD_MUST_USE;
/* The certificate request of the join, which an attestation shows as well. */
enum td_code td_join_csr(const struct td_key *device, struct td_arena *a, struct td_slice *ret, struct td_error *err)
    TD_MUST_USE;
/* A technician signs in (--answer technician=, technician-password=): secrets.technician_token. Nothing else of it is
 * kept, and the registration's way does not hear of it. */
enum td_code td_flow_technician_sign_in(struct td_flow *f, struct td_error *err) TD_MUST_USE;
/* "Securing your hardware": proves the TPM (docs/protocol/attestation.md); the join ticket is then secrets.join_token.
 * purpose: "self-deploying" or "pre-provisioning". */
enum td_code td_flow_attest(struct td_flow *f, const char *purpose, struct td_error *err) TD_MUST_USE;
/* The steps of a device without a user: attestation for the kind's purpose unless a join ticket is there already; the
 * join by it, attested anew (at most three times in all) where the ticket is refused: its answer was lost, or it is too
 * old. */
enum td_code td_flow_secure(struct td_flow *f, struct td_error *err) TD_MUST_USE;
bool td_flow_skip_secure(const struct td_flow *f);
/* A row of the status page's first part, which only a device has that was not joined by its user (autopilot.md 4.1). */
void td_flow_prepared(struct td_flow *f, const char *row);
enum td_code td_flow_join_attested(struct td_flow *f, struct td_error *err) TD_MUST_USE;
enum td_code td_flow_join(struct td_flow *f, struct td_error *err) TD_MUST_USE;
enum td_code td_flow_enrol(struct td_flow *f, struct td_error *err) TD_MUST_USE;
/* Terms of use where the directory names a page; what comes back is sent on with the enrolment. Once per device. */
enum td_code td_flow_terms(struct td_flow *f, const char *token, struct td_error *err) TD_MUST_USE;
enum td_code td_flow_device_setup(struct td_flow *f, struct td_error *err) TD_MUST_USE; /* status page */
enum td_code td_flow_user_sign_in(struct td_flow *f, struct td_error *err) TD_MUST_USE; /* lock screen */

/* From the box to the profile, the same for everybody: first pages where there is no wire, and the lookup, which waits
 * for the approval of a device that is not known yet. Walked before the steps of one kind. */
extern const struct td_step td_flow_head[];
extern const size_t td_flow_head_count;

/* State shorthand: "" if unset; set and saved at once. */
const char *td_flow_get(const struct td_flow *f, const char *key);
enum td_code td_flow_keep(struct td_flow *f, const char *key, const char *value, struct td_error *err) TD_MUST_USE;

/* The line that tells what a step has reached; printed when the step is kept as done, so that a kill at the line does
 * not do it twice. */
void td_flow_news(struct td_flow *f, const char *fmt, ...) TD_PRINTF(2, 3);

/* A key pair, made and kept on first use: in the TPM where the device has one (device/tpm.h), else in the state folder
 * (PKCS#8 PEM, mode 0600). */
enum td_code td_flow_key(struct td_flow *f, const char *file, struct td_key **ret, struct td_error *err) TD_MUST_USE;
enum td_code td_flow_read(struct td_flow *f, const char *file, struct td_arena *a, struct td_slice *ret,
                          struct td_error *err) TD_MUST_USE;
enum td_code td_flow_write(struct td_flow *f, const char *file, struct td_slice data, struct td_error *err) TD_MUST_USE;

/* A copy on the heap in place of the old one, which is wiped. value NULL only wipes. */
void td_secret_put(char **place, const char *value);

#endif
