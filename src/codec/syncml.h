/* SyncML 1.2 as OMA-DM uses it: one message in bytes to a struct and back. Both sides use it: the service and the
 * virtual device. It knows the form alone; what a status or a node means is the caller's (oma-dm.md 2 to 7, 13).
 *
 * Reading takes what real clients send: with or without XML declaration, repeated default namespaces, Metinf children
 * with or without their namespace, Type outside Meta, embedded markup in Data (handed out as text), Results with Cmd.
 * An element that SyncBody does not know becomes a command of kind TD_SYNC_OTHER, to be answered 400. Writing puts the
 * elements in the order of the DTD, in the default namespace without prefix, Data escaped. Texts are "" when absent.
 * What is read lives in the arena. Pure. */
#ifndef TD_CODEC_SYNCML_H
#define TD_CODEC_SYNCML_H

#include "codec/xml.h"

enum {
    TD_SYNCML_MAX = 2 << 20,       /* octets of one message */
    TD_SYNCML_MAX_COMMANDS = 4000, /* commands and items of one message, children included */
    TD_SYNCML_MAX_ID = 64,         /* octets of SessionID, MsgID, CmdID and of references to them */
    TD_SYNCML_MAX_URI = 4096       /* octets of a LocURI */
};

#define TD_SYNCML_TYPE "application/vnd.syncml.dm+xml"
#define TD_SYNCML_NS "SYNCML:SYNCML1.2"
#define TD_SYNCML_METINF "syncml:metinf"
#define TD_SYNCML_MSFT "http://schemas.microsoft.com/MobileDevice/MDM"
#define TD_SYNCML_LIST "\xEF\x80\x80" /* U+F000, joins the members of a list in Data (csp.md 3.3) */

enum td_sync_kind {
    TD_SYNC_OTHER, /* not a command that this side knows: name says what stood there */
    TD_SYNC_STATUS,
    TD_SYNC_RESULTS,
    TD_SYNC_ALERT,
    TD_SYNC_ADD,
    TD_SYNC_REPLACE,
    TD_SYNC_DELETE,
    TD_SYNC_GET,
    TD_SYNC_EXEC,
    TD_SYNC_ATOMIC,
    TD_SYNC_SEQUENCE,
    TD_SYNC_KIND_COUNT
};

enum { /* alerts (oma-dm.md 4) */
       TD_ALERT_SERVER = 1200,
       TD_ALERT_CLIENT = 1201,
       TD_ALERT_NEXT = 1222,
       TD_ALERT_ABORT = 1223,
       TD_ALERT_EVENT = 1224,
       TD_ALERT_NO_END = 1225,
       TD_ALERT_GENERIC = 1226
};

struct td_sync_meta {
    const char *format, *type, *mark;
    uint64_t size; /* of a chunked object, 0 if not said */
};

struct td_sync_auth { /* Cred, or Chal without data; present if type is not empty */
    const char *type, *format, *next_nonce;
    struct td_slice data;
};

struct td_sync_item {
    const char *target, *source; /* LocURI */
    struct td_sync_meta meta;    /* what the Item says itself, else what its command says */
    struct td_slice data;        /* as it stands, not trimmed; NUL-terminated */
    bool has_data, more_data;
    struct td_sync_item *next;
};

struct td_sync_cmd {
    enum td_sync_kind kind;
    const char *name;                    /* element name; set by the reader, not needed for writing */
    const char *cmd_id;                  /* "" when missing: to be answered 400 with a blank CmdRef */
    const char *msg_ref, *cmd_ref, *cmd; /* Status and Results; "1" where Results leave the references out */
    const char *target_ref, *source_ref; /* the first of each */
    int code;                            /* Status: Data; Alert: Data; -1 if it is no number */
    uint32_t original_error;             /* Status: msft:originalerror, 0 if none */
    struct td_sync_auth auth;            /* Status: Chal */
    struct td_sync_meta meta;
    struct td_sync_item *items;
    struct td_sync_cmd *child; /* Atomic, Sequence */
    struct td_sync_cmd *next;
};

struct td_sync_msg {
    const char *session_id, *msg_id;
    const char *target, *source; /* LocURI */
    const char *source_name;     /* LocName of Source: the user of application-level credentials */
    struct td_sync_auth cred;
    uint64_t max_msg_size, max_obj_size; /* 0 if not said */
    struct td_sync_cmd *cmds;
    bool final;
    bool msft; /* writing: declare the namespace of msft:originalerror */
};

/* TD_EFORMAT or TD_ELIMIT with the element in err->where. */
enum td_code td_syncml_parse(struct td_slice in, struct td_arena *a, struct td_sync_msg *ret, struct td_error *err)
    TD_MUST_USE;

/* A whole message. Failure shows in td_buf_check(out). */
void td_syncml_write(struct td_buf *out, const struct td_sync_msg *msg);

/* The same piece by piece, for a side that must keep below a size: header and open body; one command (with children);
 * the end, which takes td_syncml_end_size(final) octets. */
void td_syncml_begin(struct td_buf *out, const struct td_sync_msg *msg);
void td_syncml_add(struct td_buf *out, const struct td_sync_cmd *cmd);
void td_syncml_end(struct td_buf *out, bool final);
size_t td_syncml_end_size(bool final);

const char *td_syncml_word(enum td_sync_kind kind); /* "Status", ...; "" for other */
/* By word, TD_SYNC_OTHER if unknown; exact. */
enum td_sync_kind td_syncml_kind(struct td_slice word);

/* Builders in an arena; texts are not copied. append adds at the end of a list. */
struct td_sync_cmd *td_sync_new(struct td_arena *a, enum td_sync_kind kind, const char *cmd_id);
struct td_sync_cmd *td_sync_status(struct td_arena *a, const char *cmd_id, const char *msg_ref, const char *cmd_ref,
                                   const char *cmd, int code);
struct td_sync_item *td_sync_item(struct td_arena *a, struct td_sync_cmd *cmd); /* one more at the end of cmd */
void td_sync_append(struct td_sync_cmd **list, struct td_sync_cmd *cmd);

/* A LocURI within oma-dm.md 5: no leading '/', '.' only as first segment, no empty segment, no lone '*'. */
bool td_sync_uri_ok(struct td_slice uri);
/* ./User/... whatever its case; everything else is device scope. */
bool td_sync_uri_is_user(struct td_slice uri);

/* Credentials inside SyncML (oma-dm.md 7). md5 is the caller's hash (crypto/digest.h has one); results are base64 in
 * the arena. The nonce is octets, decoded from NextNonce or AAUTHDATA. */
typedef void td_sync_md5(struct td_slice in, unsigned char out[16]);
char *td_sync_cred_basic(struct td_slice user, struct td_slice secret, struct td_arena *a);
char *td_sync_cred_md5(td_sync_md5 *md5, struct td_slice user, struct td_slice secret, struct td_slice nonce,
                       struct td_arena *a);
char *td_sync_hmac(td_sync_md5 *md5, struct td_slice user, struct td_slice secret, struct td_slice nonce,
                   struct td_slice body, struct td_arena *a);

#endif
