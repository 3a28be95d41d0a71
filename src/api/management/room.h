/* Inside the management door: one message on its way from bytes to bytes. Everything lives in the request's arena. */
#ifndef TD_API_MANAGEMENT_ROOM_H
#define TD_API_MANAGEMENT_ROOM_H

#include "api/management.h"
#include "codec/syncml.h"
#include "policy/plan.h"
#include "store/action.h"
#include "store/configuration.h"
#include "store/domain_join.h"
#include "store/enrolment.h"
#include "store/enrolment_configuration.h"
#include "store/management.h"

enum { TD_MGMT_MAX_EVENTS = 64 };

struct td_mgmt_report {
    const char *uri;
    struct td_slice value;
    struct td_mgmt_report *next;
};

/* docs/protocol/device-alerts.md */
#define TD_ALERT_ROLLED_BACK "org.touchdown:mdm.wipe.rolledback"
#define TD_ALERT_NO_DOMAIN "org.touchdown:domain.unreached"

struct td_mgmt_event { /* what the write tells: a step of the way, a failure, or a word of our own */
    enum td_way_event way;
    struct td_error failure; /* way == TD_EV_FAILED */
    const char *type;        /* not NULL: an event of this type with detail; way is not used */
    const char *detail;
};

struct td_mgmt_item_change {
    const char *item;
    enum td_item_state state;
    int status;
    uint32_t hresult;
    struct td_mgmt_item_change *next;
};

struct td_exchange {
    struct td_service *svc;
    struct td_http_request *req;
    struct td_arena *a;
    struct td_sync_msg msg;
    uint64_t msg_no;
    unsigned char body_hash[32];

    /* read from the store */
    const char *tenant;
    struct td_enrolment enrolment;
    struct td_managed m;
    struct td_item *items;
    size_t item_count;
    bool standard_user, has_profile;
    bool hybrid;                          /* registered, and its profile joins it to a domain */
    struct td_domain_join domain;         /* id NULL: no account was ever asked for with this enrolment */
    struct td_error domain_refusal;       /* no work could be asked for, or nobody is there to do it; TD_OK: neither */
    enum td_domain_reason domain_problem; /* why it gets no account, as its page says it; TD_DJ_OK: it may get one */
    const char *user_sid;                 /* in its domain, "" if not known */
    const char *blob;                     /* to be handed out by this message, base64; NULL: none */
    const char *name_template, *serial;
    struct td_ec status_page; /* that holds for this deployment */
    struct td_item_page page; /* the same as nodes want it */
    bool has_page;

    /* decided */
    struct td_ledger ledger;
    struct td_progress progress;
    struct td_desired desired;
    struct td_sync_cmd *statuses; /* for what the device sent; CmdIDs are given when they are written */
    struct td_sync_auth cred;     /* ours, where the device wants it */
    bool ask_next;                /* Alert 1222: the device has more of its package, or of a large value */
    bool no_end;                  /* Alert 1225: a large value broke off */
    bool no_commands, end;
    bool chunk_changed, unenrolled, new_session;
    bool mismatch;           /* a fix of its registration is pending: what does the device say of it? */
    bool bootstrap;          /* this message says that the device was set up anew, or is being set up */
    bool account_asked;      /* work for connectors was queued */
    bool odj;                /* the device waits for its blob (OdjSync) */
    uint32_t domain_trouble; /* why the device gets nothing from its domain, as an HRESULT; 0: it did not say */
    const char *rolled_back; /* node of a wipe that the device took back, NULL: none */
    uint32_t rolled_hresult;
    const char *redeployment;  /* AutomaticRedeployment/Status as this message tells it, NULL: it does not */
    struct td_action *actions; /* open ones */
    size_t action_count;
    struct td_action_order *orders;
    size_t order_count;
    const char **waiting; /* ids of actions whose commands were out when the message came */
    size_t waiting_count;
    const struct td_action *leaving; /* its Status ends the enrolment, behind this message */
    int leaving_status;
    struct td_mgmt_report *reports, **report_tail;
    struct td_mgmt_event *events[TD_MGMT_MAX_EVENTS];
    size_t event_count;
    struct td_mgmt_item_change *item_changes;
    struct td_buf out;
};

/* management/read.c: everything that the decision rests on. */
enum td_code td_mgmt_load(struct td_tx *tx, void *exchange, struct td_error *err);
/* Items, page and profile alone: again where the device begins anew. */
enum td_code td_mgmt_load_wanted(struct td_exchange *x, struct td_tx *tx, struct td_error *err) TD_MUST_USE;
/* management/bring.c: what items bring along, and what is left of them under co-management. */
enum { TD_MGMT_MAX_BROUGHT = 8 };
/* A device at work on which this very revision is in effect. */
bool td_mgmt_is_settled(const struct td_exchange *x, const struct td_configuration *c);
enum td_code td_mgmt_bring(struct td_exchange *x, struct td_tx *tx, struct td_error *err) TD_MUST_USE;
/* management/take.c: what the device's message says, into the ledger, the session and the list of statuses. */
void td_mgmt_take(struct td_exchange *x);
void td_mgmt_tell(struct td_exchange *x, const struct td_mgmt_event *event);
void td_mgmt_note(struct td_exchange *x, const char *type, const char *detail);
void td_mgmt_report(struct td_exchange *x, const char *uri, struct td_slice value);
uint32_t td_mgmt_hresult(struct td_slice text); /* signed, unsigned or hex; 0 for anything else */
/* management/decide.c: new session, next message or neither; desired state, progress, changes of items. */
enum td_code td_mgmt_decide(struct td_exchange *x, struct td_tx *tx, struct td_error *err) TD_MUST_USE;
/* management/action.c: what the message says of remote actions, told to the store; which ones wait for this device. */
void td_mgmt_actions_out(struct td_exchange *x); /* before the message is read */
enum td_code td_mgmt_actions(struct td_exchange *x, struct td_tx *tx, struct td_error *err) TD_MUST_USE;
bool td_mgmt_asks_redeployment(const struct td_exchange *x);
bool td_mgmt_asks_release(const struct td_exchange *x);
enum td_code td_mgmt_actions_sent(struct td_exchange *x, struct td_tx *tx, struct td_error *err) TD_MUST_USE;
/* The goodbye, or the Status of the command to leave: the enrolment ends. */
enum td_code td_mgmt_leave(struct td_exchange *x, struct td_tx *tx, struct td_error *err) TD_MUST_USE;
/* management/refused.c: an enrolment that has ended shows itself. TD_OK with x->out filled where it is let in once
 * more, to be told to leave; else why stands, and the way hears of it. */
enum td_code td_mgmt_refused(struct td_exchange *x, struct td_tx *tx, const struct td_error *why, bool *ret_let_in,
                             struct td_error *err) TD_MUST_USE;
/* management/domain.c: how far a hybrid device's computer account is, what the device said of its blob, and what it
 * gets now; behind the answer, what was handed out. */
enum td_code td_mgmt_domain(struct td_exchange *x, struct td_tx *tx, struct td_error *err) TD_MUST_USE;
void td_mgmt_domain_tell(struct td_exchange *x);
struct td_domain_order td_mgmt_domain_order(const struct td_exchange *x);
enum td_code td_mgmt_domain_sent(struct td_exchange *x, struct td_tx *tx, struct td_error *err) TD_MUST_USE;
/* management/answer.c: the reply, within the device's MaxMsgSize; marks what was handed out. */
enum td_code td_mgmt_answer(struct td_exchange *x, struct td_error *err);
/* The same for an enrolment that has ended: Status 200 for all that it sent, and this command or none. */
enum td_code td_mgmt_farewell(struct td_exchange *x, struct td_sync_cmd *order, struct td_error *err) TD_MUST_USE;
/* management/harvest.c: a hardware hash that the device reported renews its registration's facts, finds its
 * registration, or makes one where a profile says so (autopilot.md 1.5); another board is a fix that is pending, and is
 * judged when the device has told what it knows of it (1.8). Between reading the message and deciding. */
enum td_code td_mgmt_harvest(struct td_exchange *x, struct td_tx *tx, struct td_error *err) TD_MUST_USE;
/* management/write.c: what came of it. TD_ESTATE: another message of this device came first. */
enum td_code td_mgmt_store(struct td_tx *tx, void *exchange, struct td_error *err);

char *td_mgmt_reply_label(struct td_arena *a, const struct td_enrolment *e);

#endif
