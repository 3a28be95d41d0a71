/* One file of a share of a domain (SYSVOL), read as the machine or the person whose tickets lie in a cache.
 *
 * smbclient of Samba speaks the protocol, as a child process without a shell: its output and its time are bounded, its
 * environment and its configuration are made here in a private folder beside the cache ("CACHE.smb", gone afterwards);
 * nothing of the system's is read. One at a time for one cache. Source: domain-join-and-tpm.md 1.3. */
#ifndef TD_CONNECT_SMB_H
#define TD_CONNECT_SMB_H

#include "base/buf.h"
#include "base/err.h"

enum { TD_SMB_SECONDS = 10 };

struct td_smb_file {
    const char *host, *share; /* "dc1.corp.test", "sysvol" */
    const char *path;         /* below the share, with / or \ between its parts */
    const char *realm;        /* "CORP.TEST" */
    const char *ccache;       /* "FILE:...", which holds a ticket for cifs/HOST (td_krb_service) */
    const char *program;      /* NULL: smbclient, found by PATH */
    int64_t patience;         /* microseconds in all; 0: TD_SMB_SECONDS */
};

/* out: its maximum is the bound; TD_ELIMIT past it. TD_EINVAL: a name that no such file has; TD_ENOTFOUND: no such file
 * or share; TD_EDENIED: it may not be read; TD_EAUTH: the ticket is not taken; TD_EUNAVAILABLE: nobody answers in time;
 * TD_ENOTOFFERED: there is no smbclient here. */
enum td_code td_smb_read(const struct td_smb_file *f, struct td_buf *out, struct td_error *err) TD_MUST_USE;

#endif
