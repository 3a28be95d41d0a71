/* Desired state: from configuration items and what is known of a device to the commands, status-page entries and
 * proofs that its management session should carry, in the order of the first-session script (csp.md 21).
 *
 * The list is made anew for every message; the ledger says what of it is done. Texts point into the items, the input
 * or the arena. Pure. */
#ifndef TD_POLICY_DESIRED_H
#define TD_POLICY_DESIRED_H

#include "codec/syncml.h"
#include "policy/item.h"

/* In the order of handing out. A release waits until everything before it in its scope has an answer. */
enum td_stage {
    TD_STAGE_INVENTORY,
    TD_STAGE_ACTION, /* remote actions that leave the device as it is */
    TD_STAGE_PAGE,   /* client settings and lists of the status page */
    TD_STAGE_DOMAIN, /* the blob of a hybrid join: its restart is to come before all that may want the domain */
    TD_STAGE_NAME,
    TD_STAGE_SETTING, /* certificates, Wi-Fi, policies, accounts */
    TD_STAGE_PACKAGE,
    TD_STAGE_EDITION,
    TD_STAGE_RELEASE, /* ServerHasFinishedProvisioning of the device */
    TD_STAGE_PROOF,   /* queries that show effects, and the state of the page */
    TD_STAGE_USER_PAGE,
    TD_STAGE_USER_SETTING,
    TD_STAGE_USER_RELEASE,
    TD_STAGE_USER_AFTER, /* only behind Status 200 of the user's release */
    TD_STAGE_USER_PROOF,
    TD_STAGE_DESTROY, /* resets, wipes, retirement: when nothing else of the session is open, and nothing behind them */
    TD_STAGE_COUNT
};

/* Key of an action in the ledger: this and its id. */
#define TD_ACTION_KEY "X "

struct td_action_order {                  /* a remote action that waits for this device (way/action.h) */
    const char *id, *uri, *format, *data; /* data NULL: none */
    bool replace, destroys;
};

/* A hybrid device (autopilot.md 3.2): its blob, and what waits for its join. */
struct td_domain_order {
    const char *job;   /* id of the work: another one is another blob */
    const char *item;  /* id of the domain-join item */
    const char *name;  /* that the device bears behind its restart; "" not known yet */
    const char *blob;  /* base64 on one line; NULL: not there yet, or not any more */
    bool open;         /* it has not taken its blob: its device phase is not released */
    bool unregistered; /* the directory does not know the computer yet: its account phase is not released */
    /* Why it gets no account: stands on its page in place of the status page's own text. NULL: nothing is wrong. */
    const char *problem;
    bool told; /* its page has had a text of either kind: one that is over is taken back */
};

#define TD_DOMAIN_BLOB_URI "./Vendor/MSFT/OfflineDomainJoin/Blob" /* to the letter (csp.md 12) */
#define TD_DOMAIN_BLOB_KEY "E " TD_DOMAIN_BLOB_URI
#define TD_MISMATCH_URI "./Vendor/MSFT/WindowsAutopilot/HardwareMismatchRemediationData"
#define TD_REDEPLOYMENT "./Device/Vendor/MSFT/RemoteWipe/AutomaticRedeployment/"

struct td_want {
    enum td_sync_kind verb;
    const char *uri, *format, *type, *data; /* data NULL: none */
    struct td_want *child;                  /* of Atomic and Sequence */
    struct td_want *next;
    enum td_stage stage;
    const char *key; /* in the ledger */
    uint64_t version;
    const char *item;                      /* id of the item it serves, "" for ours */
    bool user;                             /* ./User scope */
    bool each_session;                     /* a query that is asked once in every session */
    const char *unless_uri, *unless_value; /* not needed where this query was answered so; NULL: always needed */
    bool untracked;                        /* of an item that the status page does not wait for */
    const char *expect;       /* a query: the value that proves the item; "" any value; NULL proves nothing */
    bool held;                /* wanted, and not to be handed out yet */
    bool early;               /* a query that nothing waits for behind it */
    const char *const *after; /* a package: items that must be in effect before it is handed out */
    size_t after_count;
    const char *again_of; /* said once more: needless where the row of this key is not done yet; NULL: said once */
};

struct td_desired_in {
    const char *provider;      /* PROVIDER-ID of the enrolment */
    const char *user_upn;      /* "" for a device without a user */
    const char *computer_name; /* "" leaves it alone */
    bool standard_user;        /* profile: the joining user is no administrator */
    bool hybrid;               /* a member of a domain: its user is known there by user_sid, "" if not known here */
    const char *user_sid;
    bool inventory;        /* first session of the enrolment, or BootstrapSync or OdjSync asked for it */
    bool registered;       /* its hardware hash is looked at in every session */
    bool mismatch;         /* it showed other hardware: what does it say of that? */
    bool setup;            /* the deployment runs: status page, releases */
    bool account;          /* account phase has begun */
    bool awaits_user;      /* none yet: the next one who signs in becomes its user */
    bool for_nobody;       /* it deployed itself: no account phase, whomever an administrator gave it to since */
    bool other_user;       /* user_upn is not the one that it was enrolled with */
    bool ask_redeployment; /* how far its reset is */
    bool ask_release;      /* does it still know of the release of its device phase? */
    const struct td_action_order *actions;
    size_t action_count;
    struct td_domain_order domain; /* job NULL: not hybrid, or nothing asked */
    /* The status page chosen for this deployment, NULL: none was. The default one stands back behind an item of kind
     * status-page. */
    const struct td_item_page *page;
    bool page_is_default;
    const struct td_item *items;
    size_t item_count;
    bool settled; /* its deployment ended a while ago: no restart of it is to come */
    /* LocURIs that it took and that go away again where nobody wants them any more (td_desired_goes_away). */
    const char *const *given;
    size_t given_count;
};

struct td_desired {
    struct td_want *wants;    /* by stage */
    struct td_item_page page; /* what holds for this device */
    const char *release_key;  /* ledger keys of the two releases */
    const char *user_release_key;
    bool holds_release, holds_user_release;  /* neither is handed out, whatever else is answered */
    const char *device_result, *user_result; /* LocURIs of WasDeviceSuccessfullyProvisioned */
    const char *device_done, *user_done;     /* LocURIs of IsSyncDone */
};

/* Ids of what comes from the profile and not from an item, for ledger and events. */
#define TD_ITEM_COMPUTER_NAME "computer-name"
#define TD_ITEM_ACCOUNT_TYPE "account-type"

/* LocURI of the device's ServerHasFinishedProvisioning. */
char *td_desired_release_uri(const char *provider, struct td_arena *a);
/* ... and of the text that its status page shows where something failed. */
char *td_desired_error_text_uri(const char *provider, struct td_arena *a);
/* Is it asked to know the device, and not what was configured? */
bool td_desired_is_identity(const char *uri);

/* Is the node deleted where the item that wrote it is no longer assigned? (Kiosk and shared PC: what is left of them
 * would keep people from the device. Other settings stay until something else is written.) */
bool td_desired_goes_away(const char *uri);

/* What stands for the text of a want of ours in the ledger, since it has no revision. */
uint64_t td_want_text_version(const char *text);

void td_desired_make(const struct td_desired_in *in, struct td_arena *a, struct td_desired *ret);

/* One want as a command with CmdIDs from *cmd_id on (moved past those used). replace: an Add of what the device took
 * before in another version goes as Replace. */
struct td_sync_cmd *td_want_command(const struct td_want *want, bool replace, uint64_t *cmd_id, struct td_arena *a);

#endif
