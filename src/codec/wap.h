/* wap-provisioningdoc: what an enrolment installs on the device (mde2.md 4.4).
 *
 * One struct for both directions. Written order is the contract's: root, the one management intermediate, the device's
 * certificate (one parm each), WSTEP/Renew, APPLICATION, DMClient; clients read by position. The renewal's document
 * holds the certificate and PROVIDER-ID only. Elements stand in no namespace; attribute values are read, never text.
 * Thumbprints are the caller's to compute and to check (crypto/cert.h): this codec is pure. */
#ifndef TD_CODEC_WAP_H
#define TD_CODEC_WAP_H

#include "codec/xml.h"

enum { TD_WAP_MAX = 256 << 10, TD_WAP_MAX_NODES = 64 };

struct td_wap_cert {
    const char *hash;    /* SHA-1 thumbprint as 40 upper-case hex digits; "" if there is none */
    struct td_slice der; /* empty if there is none */
};

struct td_wap_auth {       /* APPAUTH */
    const char *type;      /* AAUTHTYPE: "DIGEST" or "BASIC" */
    const char *name;      /* AAUTHNAME, "" for the CLIENT level */
    const char *secret;    /* AAUTHSECRET */
    struct td_slice nonce; /* AAUTHDATA with base64 undone */
};

struct td_wap_node {  /* below DMClient/Provider/<provider>, or any other parm of the document */
    const char *path; /* "Poll/NumberOfFirstRetries" */
    const char *value;
    const char *type; /* datatype: "string", "integer", "boolean"; "" if none was given */
};

struct td_wap { /* texts "" and numbers 0 when absent */
    struct td_wap_cert root, intermediate, certificate;
    bool system_store;  /* My/System (EnrollmentType Device); else My/User */
    bool has_container; /* an empty PrivateKeyContainer stands beside or in the certificate */
    bool renewal;       /* write the renewal's short form */
    bool robo;          /* My/WSTEP/Renew: ROBOSupport */
    int renew_days, retry_days;
    const char *provider; /* PROVIDER-ID */
    const char *name;     /* NAME */
    const char *addr;     /* ADDR */
    const char *search;   /* SSLCLIENTCERTSEARCHCRITERIA as it stands, URI-escaped inside */
    int retry_count;      /* CONNRETRYFREQ */
    int backoff_ms, max_backoff_ms;
    struct td_wap_auth client;                  /* AAUTHLEVEL CLIENT: the server proves itself to the client */
    struct td_wap_auth server;                  /* AAUTHLEVEL APPSRV: the client proves itself to the server */
    struct td_wap_node nodes[TD_WAP_MAX_NODES]; /* DMClient/Provider/<provider>/..., nodes of one folder side by side */
    size_t node_count;
};

/* Without declaration, without blanks between elements. TD_EINVAL if a member that must be there is missing. */
enum td_code td_wap_write(const struct td_wap *wap, struct td_buf *out, struct td_error *err) TD_MUST_USE;
/* ret_tree (may be NULL) gets the whole document, for what the struct does not hold. */
enum td_code td_wap_read(struct td_slice in, struct td_arena *a, struct td_wap *ret, struct td_xml **ret_tree,
                         struct td_error *err) TD_MUST_USE;
/* First node of that path, or NULL. */
const struct td_wap_node *td_wap_node(const struct td_wap *wap, const char *path);

/* "Subject=<escaped subject>&Stores=My%5CSystem" (mde2.md 4.4, SSLCLIENTCERTSEARCHCRITERIA). */
char *td_wap_search(struct td_arena *a, const char *subject, bool system_store);

#endif
