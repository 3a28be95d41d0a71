/* Enrolments: one row per device under management. The id is the CN of its management certificate, so the subject that
 * td_authority_peer answers is what td_enrolment_find takes; it is also EntDMID.
 *
 * Rows are made, renewed and ended here; each in the transaction that also records the certificate and steps the way.
 * Secrets come in sealed (api/enrolment.h opens them). A replaced or ended enrolment stays as a row: its certificate is
 * revoked and every door refuses it. */
#ifndef TD_STORE_ENROLMENT_H
#define TD_STORE_ENROLMENT_H

#include "store/db.h"

enum td_enrolment_state { TD_ENROLMENT_ACTIVE, TD_ENROLMENT_REPLACED, TD_ENROLMENT_ENDED };

struct td_enrolment { /* texts are "" when absent, never NULL */
    const char *id;   /* UUID, lower case */
    const char *tenant;
    const char *device_id;       /* directory device, from the token; "" for management only */
    const char *registration_id; /* proven by the directory device's registration, not by the client's claim */
    const char *way_id;          /* subject of its events */
    const char *user_id, *user_upn;
    const char *type;      /* "Full" or "Device" (EnrollmentType) */
    const char *provider;  /* PROVIDER-ID, "Touchdown" */
    const char *dm_id;     /* what the device calls itself (RST DeviceID); opaque */
    const char *hw_dev_id; /* "" for placeholders */
    const char *device_name, *device_type, *os_version, *os_edition, *locale;
    bool in_oobe, plug_and_forget, white_glove; /* claims of the request */
    int version;                                /* EnrollmentVersion that governs, in tenths: 40 is 4.0 */
    unsigned char cert_sha256[32];
    int64_t cert_not_after;
    struct td_slice secrets; /* sealed; td_enrolment_secrets (api/enrolment.h) */
    bool awaited;            /* no user yet: the next one who signs in becomes its own (store/primary_user.h) */
    const char *former_user; /* id of the last one it had, "" if it never changed hands */
    int provisioning;        /* enum td_provisioning (store/provisioning.h) */
    enum td_enrolment_state state;
    int64_t created_at, renewed_at, ended_at, last_contact_at; /* 0: never */
    const char *offline_profile,
        *serial; /* store/offline_profile.h; as registered or reported. Not for td_enrolment_add */
};

/* Nobody's from the beginning: a device deployed itself, or a technician did, and no user came since. */
bool td_enrolment_userless(const struct td_enrolment *e);

/* Adds it, created_at and state filled here, and replaces older active enrolments of the same directory device, of
 * the same hw_dev_id, or, for a registered one without a directory device (hybrid), of the same way: they become
 * REPLACED and their certificates revoked. *ret_replaced (may be NULL) counts them. */
enum td_code td_enrolment_add(struct td_tx *tx, const struct td_enrolment *e, size_t *ret_replaced,
                              struct td_error *err) TD_MUST_USE;

/* By its id, any state. TD_ENOTFOUND. */
enum td_code td_enrolment_find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                               struct td_enrolment *ret, struct td_error *err) TD_MUST_USE;
/* For doors that serve a managed device: TD_EDENIED with the reason unless it is active and its directory device, if it
 * has one, is there and enabled. */
enum td_code td_enrolment_serving(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                  struct td_enrolment *ret, struct td_error *err) TD_MUST_USE;
/* The second half of that: its directory device lets it be served. One that a technician has sealed waits for its next
 * join, un-joined; the object that waits with it has to be there and enabled. TD_EDENIED. */
enum td_code td_enrolment_device_serving(struct td_tx *tx, const struct td_enrolment *e, struct td_arena *a,
                                         struct td_error *err) TD_MUST_USE;
/* The newest active one of a hw_dev_id (never of a placeholder). TD_ENOTFOUND. */
enum td_code td_enrolment_of_hardware(struct td_tx *tx, const char *tenant, const char *hw_dev_id, struct td_arena *a,
                                      struct td_enrolment *ret, struct td_error *err) TD_MUST_USE;
/* Active enrolments of a user, for the device cap; those that `but` would replace are not counted. */
enum td_code td_enrolment_count_user(struct td_tx *tx, const char *tenant, const char *user_id,
                                     const struct td_enrolment *but, int64_t *ret, struct td_error *err) TD_MUST_USE;

/* A hybrid device has registered with the directory behind its enrolment. TD_ESTATE: it has ended. */
enum td_code td_enrolment_joined(struct td_tx *tx, const char *tenant, const char *id, const char *device_id,
                                 struct td_error *err) TD_MUST_USE;

/* A new certificate in place of the old one, which stays good until the device shows the new one. */
enum td_code td_enrolment_renew(struct td_tx *tx, const char *tenant, const char *id,
                                const unsigned char cert_sha256[32], int64_t not_after, struct td_error *err)
    TD_MUST_USE;
/* Ends it (unenrolment, retirement, directory device gone) and revokes its certificates. Ended already: TD_ESTATE. */
enum td_code td_enrolment_end(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err) TD_MUST_USE;
/* Moves last_contact_at only. */
enum td_code td_enrolment_seen(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err) TD_MUST_USE;

#endif
