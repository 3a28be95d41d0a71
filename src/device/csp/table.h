/* The table of nodes: what this device has, and how a handler sees one call. For csp/ and its tests only. */
#ifndef TD_DEVICE_CSP_TABLE_H
#define TD_DEVICE_CSP_TABLE_H

#include "device/csp/csp.h"

enum { TD_CSP_DEVICE = 1, TD_CSP_USER = 2, TD_CSP_BOTH = 3, TD_CSP_MAX_DEPTH = 24 };

struct td_csp_row;

struct td_csp_call {
    struct td_csp *csp;
    const struct td_csp_row *row;
    enum td_csp_op op;
    const char *key;
    bool user;
    const char *part[TD_CSP_MAX_DEPTH]; /* what stood at the row's {places}, escapes undone */
    size_t parts;
    struct td_slice data;
    struct td_arena *a;
    struct td_csp_answer *answer;
};

/* Called when rights, existence, format and check have been passed. Returns 0 to go on with the plain behaviour (store
 * the value, read it, drop it), or the status of what it did itself; with a failure it may set answer->hresult. */
typedef int td_csp_handler(struct td_csp_call *call);

struct td_csp_row {
    const char *path;    /* below ./Device or ./User; "{name}" stands for any one segment */
    unsigned char scope; /* TD_CSP_DEVICE, TD_CSP_USER or both */
    const char *format;  /* "chr", "int", "bool", "node", "b64", "xml", "null"; alternatives joined by '|' */
    const char *ops;     /* of A D G R X; 'u': Replace makes the node if it is missing */
    const char *check;   /* "" any, "1-1440" range of int, "a|b" one of */
    const char *initial; /* value while nobody has written one; NULL: exists only once written */
    td_csp_handler *fn;  /* or NULL */
    const char *arg;     /* for the handler */
    const char *meaning; /* for docs/protocol/virtual-csp.md */
};

extern const struct td_csp_row td_csp_rows[];
extern const size_t td_csp_row_count;

struct td_csp_policy {
    const char *area;
    const char *name; /* "*": any name of the area */
    const char *format;
    const char *check; /* as in td_csp_row */
    const char *meaning;
};
extern const struct td_csp_policy td_csp_policies[];
extern const size_t td_csp_policy_count;

/* Value against a check: true if it fits; int and bool are checked by themselves. */
bool td_csp_fits(const char *format, const char *check, struct td_slice value);
bool td_csp_one_of(const char *list, struct td_slice word); /* of words with "|" between */
int td_csp_refuse(struct td_csp_call *call, int status, uint32_t hresult);
/* The computer gets this name at the restart that it needs; why: what the restart is for. */
void td_csp_name_next(struct td_csp *csp, const char *name, const char *why);
int td_csp_tell(struct td_csp_call *call, const char *value); /* a computed Get: 200, or 404 if value is NULL */
const char *td_csp_fact(struct td_csp *csp, const char *name, struct td_arena *a);
const struct td_env *td_csp_env(const struct td_csp *csp);

/* Handlers, by file. */
td_csp_handler td_csp_fact_node;                                            /* facts */
td_csp_handler td_csp_computer_name, td_csp_local_time, td_csp_effect_node; /* effects.c */
td_csp_handler td_csp_sync_version, td_csp_list_frozen, td_csp_finished, td_csp_sync_done, td_csp_success,
    td_csp_unenroll, td_csp_provisioned;            /* dmclient.c */
td_csp_handler td_csp_msi_exec, td_csp_msi_delete;  /* msi.c */
td_csp_handler td_csp_cert, td_csp_cert_field;      /* certs.c */
td_csp_handler td_csp_wlan;                         /* wifi.c */
td_csp_handler td_csp_vpn_profile;                  /* vpn.c */
td_csp_handler td_csp_edition_key, td_csp_key_fits; /* licensing.c */
td_csp_handler td_csp_policy, td_csp_policy_result; /* policies.c */
td_csp_handler td_csp_reboot_now, td_csp_not_offered;
td_csp_handler td_csp_order, td_csp_reset_fact;                                                  /* actions.c */
td_csp_handler td_csp_domain_blob;                                                               /* actions.c */
td_csp_handler td_csp_laps_reset, td_csp_archive_definition;                                     /* actions.c */
td_csp_handler td_csp_kiosk_config, td_csp_kiosk_app, td_csp_kiosk_monitor, td_csp_kiosk_status; /* kiosk.c */
td_csp_handler td_csp_shared_mode;                                                               /* shared.c */

#endif
