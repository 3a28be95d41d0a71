/* Inside of the management client. For dm/ and its tests only.
 *
 * One struct td_dm is the client with its tree open; the network is two functions, so that tests can replay exchanges.
 */
#ifndef TD_DEVICE_DM_CLIENT_H
#define TD_DEVICE_DM_CLIENT_H

#include "codec/syncml.h"
#include "device/csp/csp.h"
#include "device/dm.h"
#include "device/hardware.h"

enum {
    TD_DM_MAX_MSG = 524288,     /* announced; also the bound of our own messages unless max_msg says less */
    TD_DM_MAX_MESSAGES = 200,   /* of one session: a server that never ends it is cut off */
    TD_DM_MAX_MSI = 2000000000, /* octets of one package */
    TD_DM_CSP_REASON = 6        /* UserAgentOrigin: a service provider has something to report */
};

struct td_dm_transport {
    enum td_code (*post)(void *ctx, const struct td_net_request *req, struct td_arena *a, struct td_net_response *ret,
                         struct td_error *err);
    /* GET into a file, going on where it ends. */
    enum td_code (*fetch)(void *ctx, const char *url, const char *path, uint64_t max, struct td_error *err);
    void *ctx;
    /* What goes beside the sessions: by the certificate of the joined device, or by none. NULL: there is no such way.
     */
    enum td_code (*send)(void *ctx, bool by_device, const struct td_net_request *req, struct td_arena *a,
                         struct td_net_response *ret, struct td_error *err);
};

struct td_dm_large { /* an object that the server sends in pieces */
    char *target;
    struct td_buf data;
    uint64_t size;
};

struct td_dm {
    struct td_device *dev;
    struct td_csp *csp;
    struct td_arena arena; /* hardware and account, as long as the client lives */
    struct td_hardware hw;
    bool has_hw;
    const struct td_dm_transport *net;
    size_t max_msg;

    /* The session that is going on. */
    struct td_arena *a; /* its memory */
    char session_id[16];
    unsigned msg_id;
    const char *server_msg_id;   /* of the message that is being answered, NULL in the first */
    int hdr_status;              /* our answer to its SyncHdr */
    struct td_sync_cmd *pending; /* what waits to be said */
    struct td_sync_cmd *sent;    /* what the last message said, for saying it again with credentials */
    unsigned alerts_sent;        /* reports of @alert that were in it */
    bool news_sent;              /* message 1 of this session told what a reset has left to tell */
    uint32_t trouble;            /* and that this keeps the device from its domain; 0: nothing */
    int reason;
    bool user_active;
    bool more_coming; /* the server's package is not at its end */
    bool had_commands, aborted;
    int peer_status; /* the server's Status for our SyncHdr, 0 if it gave none */
    struct td_sync_auth challenge;
    bool answered_challenge, cred_each_time;
    bool chunk_refused;
    struct td_dm_large large;
};

/* transport NULL: the real network, by td_net and the certificate of the enrolment. */
enum td_code td_dm_open(struct td_device *dev, const struct td_dm_transport *transport, struct td_dm *ret,
                        struct td_error *err) TD_MUST_USE;
void td_dm_close(struct td_dm *dm);

/* message.c: the next message into out; takes from dm->pending what fits. */
enum td_code td_dm_build(struct td_dm *dm, struct td_buf *out, struct td_error *err) TD_MUST_USE;
void td_dm_first_package(struct td_dm *dm);
/* apply.c: carries the server's commands out and puts what is to be said about them into dm->pending. */
void td_dm_apply(struct td_dm *dm, const struct td_sync_msg *msg);
/* session.c: one session; what it changed is saved message by message. */
enum td_code td_dm_talk(struct td_dm *dm, int reason, bool user_active, struct td_error *err) TD_MUST_USE;
/* account.c: credentials inside SyncML. */
void td_dm_cred(struct td_dm *dm, struct td_sync_auth *ret);
bool td_dm_take_challenge(struct td_dm *dm);
bool td_dm_user_reachable(const struct td_dm *dm);
/* install.c: fetches, checks and installs what the server asked for. TD_OK also when a package failed: its nodes say
 * so. */
enum td_code td_dm_install(struct td_dm *dm, struct td_error *err) TD_MUST_USE;
void td_dm_report(struct td_dm *dm, const char *folder, uint32_t hresult); /* queues the alert */
bool td_dm_has_report(const struct td_dm *dm);
/* order.c: what works on the whole machine. An order is taken inside a session (td_csp_config.order) and only ever
 * carried out behind it: td_dm_ordered tells that there is one, td_dm_await that the machine now waits for its restart
 * (AutomaticRedeployment/Status 20, which a session of its own may read). */
int td_dm_order(void *ctx, const char *kind, const char *uri, uint32_t *ret_hresult);
/* The blob of a domain join (td_csp_config.join). */
int td_dm_domain(void *ctx, struct td_slice blob, struct td_arena *a, const char **ret_machine, uint32_t *ret_hresult);
bool td_dm_ordered(const struct td_dm *dm);
enum td_code td_dm_await(struct td_dm *dm, bool user_active, struct td_error *err) TD_MUST_USE;
/* Alerts of message 1 about a reset that is over; what was said is taken off once the session is over as well. */
void td_dm_news(struct td_dm *dm);
/* laps.c, archive.c: what the service asked for and what is due, each to its end or to the next session. TD_OK also
 * when nobody could be reached. */
enum td_code td_dm_laps(struct td_dm *dm, struct td_error *err) TD_MUST_USE;
enum td_code td_dm_archives(struct td_dm *dm, struct td_error *err) TD_MUST_USE;
/* Session, installation, and a session to report what was installed. */
enum td_code td_dm_cycle(struct td_dm *dm, int reason, bool user_active, struct td_error *err) TD_MUST_USE;
/* Key of a leaf below our provider in the device's or the user's scope. */
const char *td_dm_provider_key(const struct td_dm *dm, bool user, const char *leaf, struct td_arena *a);
double td_dm_sync_version(const struct td_dm *dm);
/* page.c */
enum td_code td_dm_page(struct td_dm *dm, enum td_dm_phase phase, struct td_error *err) TD_MUST_USE;
/* poll.c: minutes to wait before session number n since the enrolment (csp.md 3.2). */
int64_t td_dm_poll_minutes(const struct td_dm *dm, int64_t n);
/* wap.c: the provisioning document into an open tree. */
enum td_code td_dm_wap(struct td_dm *dm, const struct td_xml *wap, struct td_error *err) TD_MUST_USE;

#endif
