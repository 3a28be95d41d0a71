/* Directory devices: the object that a join makes or takes over, and that tokens name by their deviceid.
 *
 * An object is pre-created by registration (not joined, carries [ZTDID]), taken over by the join that proves that
 * registration, and marked deleted by an un-join. An id that was deleted never comes back: a registration gets a fresh
 * pre-created object in the same transaction, so nothing issued for the old id can become good again.
 * Memory is the caller's arena. Source: join-and-tokens.md 3, 3.1, 10.8; autopilot.md 1.7. */
#ifndef TD_STORE_DEVICE_H
#define TD_STORE_DEVICE_H

#include "store/db.h"

struct td_device_row {
    const char *id;                   /* device id: version 4 UUID in lower case */
    const char *registration_id;      /* "" unless an Autopilot registration stands behind it */
    const char *display_name;         /* computer name; the serial number before the join */
    const char *os, *os_version;      /* "Windows", "10.0.22631.2506" */
    const char *trust_type;           /* "AzureAd" (joined), "Workplace" (registered), "ServerAd" (hybrid) */
    const char *owner_id, *owner_upn; /* who joined it; "" before */
    const char *physical_ids;         /* JSON array of texts: "[ZTDID]:...", "[OrderId]:...", "[HWID]:..." */
    const char *alt_security_id;      /* "X509:<SHA1-TP-PUBKEY>..." of the present certificate; "" before the join */
    struct td_slice transport_key;    /* SubjectPublicKeyInfo; empty before the join */
    const char *account_guid;         /* hybrid: objectGUID, lower case; "" otherwise, as the next two */
    const char *account_sid;          /* "S-1-5-21-..." */
    const char *account_domain;       /* DNS name */
    bool enabled;                     /* an administrator may disable a joined device */
    int64_t created_at;
    int64_t joined_at;  /* 0: pre-created, not joined. A token older than this belongs to an earlier join */
    int64_t deleted_at; /* 0: there */
};

/* What a registration knows of its device. Makes the object, or brings the ids of the one that is there up to date
 * (group tag, purchase order). */
struct td_device_precreated {
    const char *registration_id;
    const char *serial;
    const char *group_tag;      /* "" for none */
    const char *purchase_order; /* "" for none */
};
enum td_code td_device_precreate(struct td_tx *tx, const char *tenant, const struct td_device_precreated *what,
                                 struct td_arena *a, const char **ret_id, struct td_error *err) TD_MUST_USE;
/* The registration ends: its object goes too if it was never joined, else it only loses the registration and its ids.
 */
enum td_code td_device_unregister(struct td_tx *tx, const char *tenant, const char *registration_id,
                                  struct td_error *err) TD_MUST_USE;

/* TD_ENOTFOUND also for deleted ones. */
enum td_code td_device_find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                            struct td_device_row *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_device_find_registration(struct td_tx *tx, const char *tenant, const char *registration_id,
                                         struct td_arena *a, struct td_device_row *ret, struct td_error *err)
    TD_MUST_USE;
/* For doors that serve a device: TD_EDENIED with the reason if it is disabled, TD_ENOTFOUND if it is deleted, unknown
 * or only pre-created. */
enum td_code td_device_serving(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                               struct td_device_row *ret, struct td_error *err) TD_MUST_USE;

/* A join. */
struct td_device_joining {
    const char *id;              /* new id proposed by the caller: the certificate is signed before the write */
    const char *registration_id; /* proven by the device ticket, or "" */
    const char *display_name, *os, *os_version, *trust_type;
    const char *owner_id, *owner_upn;
    const char *hardware_id; /* "" or what [HWID] carries */
    const char *alt_security_id;
    unsigned char key_sha256[32]; /* of the certified SubjectPublicKeyInfo */
    struct td_slice transport_key;
};

/* The id that a join of this device will get: the registration's object, else the object of the same key, owner and
 * name (an answer was lost and the join is repeated), else TD_ENOTFOUND: a fresh one. */
enum td_code td_device_join_id(struct td_tx *tx, const char *tenant, const struct td_device_joining *j,
                               struct td_arena *a, const char **ret_id, struct td_error *err) TD_MUST_USE;
/* Writes the object under j->id. TD_ESTATE if that is no longer the id that td_device_join_id gives. */
enum td_code td_device_join(struct td_tx *tx, const char *tenant, const struct td_device_joining *j,
                            struct td_error *err) TD_MUST_USE;
/* The computer account of a registration's device was made: its object becomes the hybrid one (trust type ServerAd),
 * under the id that it has, so that there is one object and not two. It is not joined before the computer registers
 * itself (join-and-tokens.md 3.2). An account serves one object of a tenant: an older one loses it. */
struct td_device_account {
    const char *registration_id;
    const char *name;   /* of the computer */
    const char *domain; /* DNS name */
    const char *guid, *sid;
};
enum td_code td_device_hybrid(struct td_tx *tx, const char *tenant, const struct td_device_account *account,
                              struct td_arena *a, const char **ret_id, struct td_error *err) TD_MUST_USE;
/* It un-joined by itself and is a member of its domain still: the object that waits for it has its account, as if that
 * had just been made, so that the computer may register again. Nothing else that left may. */
enum td_code td_device_keep_account(struct td_tx *tx, const char *tenant, const char *left_id, const char *waiting_id,
                                    struct td_error *err) TD_MUST_USE;
/* The device of this way left for good: an object that waits for it has no account any more. One that is managed again
 * meanwhile keeps it. */
enum td_code td_device_forget_account(struct td_tx *tx, const char *tenant, const char *way_id, struct td_error *err)
    TD_MUST_USE;
/* Of any tenant: this finds it. What several tenants say they have is the wanted one's ("": nobody's), since none of
 * them may take another's computer by naming its account. TD_ENOTFOUND. */
enum td_code td_device_find_account(struct td_tx *tx, const char *account_guid, const char *wanted, struct td_arena *a,
                                    const char **ret_tenant, struct td_device_row *ret, struct td_error *err)
    TD_MUST_USE;
/* Joins the hybrid object j->id. TD_ESTATE: it is none (any more). */
enum td_code td_device_complete(struct td_tx *tx, const char *tenant, const struct td_device_joining *j,
                                struct td_error *err) TD_MUST_USE;
/* Un-join: marks it deleted; a registration's object is pre-created anew under another id. */
enum td_code td_device_delete(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err) TD_MUST_USE;
enum td_code td_device_enable(struct td_tx *tx, const char *tenant, const char *id, bool enabled, struct td_error *err)
    TD_MUST_USE;
/* Joined objects of one user that are not deleted. */
enum td_code td_device_count_of(struct td_tx *tx, const char *tenant, const char *owner_id, int64_t *ret,
                                struct td_error *err) TD_MUST_USE;

#endif
