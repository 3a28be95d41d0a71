/* MsiInstallJob (csp.md 5): what the server wants installed. Pure. */
#ifndef TD_DEVICE_CSP_MSI_H
#define TD_DEVICE_CSP_MSI_H

#include "base/arena.h"
#include "base/err.h"

enum { TD_MSI_MAX_URLS = 8, TD_MSI_MAX_JOB = 65536 };

enum { /* Status of a package */
       TD_MSI_NEW = 10,
       TD_MSI_LOADING = 20,
       TD_MSI_LOAD_AGAIN = 25,
       TD_MSI_LOAD_FAILED = 30,
       TD_MSI_LOADED = 40,
       TD_MSI_WAITS_FOR_USER = 48,
       TD_MSI_INSTALLING = 50,
       TD_MSI_FAILED = 60,
       TD_MSI_DONE = 70
};

struct td_msi_job {
    const char *product; /* "{GUID}" as it stands in id */
    const char *version;
    const char *urls[TD_MSI_MAX_URLS]; /* https only */
    size_t url_count;
    char sha256[65]; /* upper-case hex */
    const char *command_line;
    int64_t time_out, retries, retry_minutes;
};

enum td_code td_msi_job_read(struct td_slice xml, struct td_arena *a, struct td_msi_job *ret, struct td_error *err)
    TD_MUST_USE;

#endif
