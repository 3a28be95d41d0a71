/* Configuration items: what an administrator wants of devices. JSON in, a checked struct out, and back (normalised).
 *
 * An item is one of the kinds below, for the device or for its user, assigned to groups or to all devices. How it
 * becomes commands, entries of the status page and proofs is in desired.h. The JSON is described in
 * docs/tasks/configure.md. Texts live in the arena that the JSON lives in. Pure. */
#ifndef TD_POLICY_ITEM_H
#define TD_POLICY_ITEM_H

#include "codec/json.h"

enum td_item_kind {
    TD_ITEM_POLICY,
    TD_ITEM_MSI,
    TD_ITEM_ROOT_CERTIFICATE,
    TD_ITEM_WIFI,
    TD_ITEM_EDITION,
    TD_ITEM_STATUS_PAGE,
    TD_ITEM_KIOSK,
    TD_ITEM_SHARED_PC,
    TD_ITEM_DOMAIN_JOIN,
    TD_ITEM_VPN,
    TD_ITEM_CO_MANAGEMENT,
    TD_ITEM_KIND_COUNT
};

enum {
    TD_ITEM_MAX = 512 << 10,
    TD_ITEM_MAX_SETTINGS = 200,
    TD_ITEM_MAX_APPS = 100,
    TD_ITEM_MAX_NETWORK_ACCESS = 2,
    TD_ITEM_MAX_AFTER = 8
};

struct td_item_setting {
    const char *uri, *format, *value;
    const char *verb; /* "replace", "add" or "exec" */
};

struct td_item_policy {
    struct td_item_setting *settings;
    size_t count;
    bool atomic;
};

struct td_item_msi {
    const char *content;      /* SHA-256 of the bytes, lower-case hex: what /content/ serves */
    const char *product_code; /* {GUID} upper case with braces */
    const char *product_version;
    const char *command_line;
    int timeout_minutes, retry_count, retry_interval_minutes;
    const char *
        *after; /* ids of packages that must be installed before this one is sent; those not wanted don't count */
    size_t after_count;
    const char *url; /* download link, filled by the door before the commands are made */
};

struct td_item_root {
    const char *thumbprint;  /* SHA-1 of the DER, upper-case hex */
    const char *certificate; /* base64 of the DER, one line */
};

struct td_item_wifi {
    const char *ssid, *security, *passphrase; /* security: "open", "wpa2-personal" or "wpa3-personal" */
    bool hidden, automatic;
};

struct td_item_edition {
    const char *product_key; /* five groups of five */
    int edition;             /* PRODUCT_ number that DevDetail and WindowsLicensing report afterwards, 0 if not told */
};

struct td_item_page { /* Enrollment Status Page (autopilot.md 4.2) */
    bool show, show_to_every_user;
    int timeout_minutes;
    bool allow_reset, allow_retry, allow_continue, collect_logs;
    const char *error_text;
};

struct td_item_app { /* one of aumid and path is "" */
    const char *aumid, *path, *arguments;
    bool launch; /* started at the sign-in */
};

/* AssignedAccess. Exactly one of: aumid or path of the single app, url (the browser is the single app), apps. */
struct td_item_kiosk {
    struct td_item_app app;
    const char *url, *edge_type; /* "fullscreen" or "public-browsing" */
    int edge_idle_minutes;       /* 0: never begins anew */
    struct td_item_app *apps;
    size_t app_count;
    bool taskbar;
    const char *account;        /* that has the kiosk; "": the device makes one and signs it in by itself */
    const char *autologon_name; /* of that one, as the sign-in screen shows it; "" the system's word */
    const char *breakout;       /* keys that leave the single app; "" Ctrl+Alt+Del */
};

/* SharedPC. Numbers are what the nodes take; TD_ITEM_UNSET: the device's own default. */
enum { TD_ITEM_UNSET = -1 };
struct td_item_shared_pc {
    bool one_drive_sync;
    int account_model;   /* 0 guests, 1 people of the directory, 2 both */
    int deletion_policy; /* 0 at sign-out, 1 when the disk fills, 2 and after inactivity */
    int disk_level_deletion, disk_level_caching, inactive_days, maintenance_start, sleep_seconds, max_page_file;
    bool account_manager;
    const char *kiosk_aumid, *kiosk_tile;
    int edu_policies, power_policies, sign_in_on_resume, restrict_local_storage; /* 0, 1 or unset */
};

/* Hybrid join (autopilot.md 3.2). Makes no command by itself: what a connector makes of it is handed out by the
 * session.
 */
struct td_item_domain_join {
    const char *domain;
    const char *ou;      /* distinguished name, "" the domain's default container */
    const char *prefix;  /* "" where a template was given */
    const char *pattern; /* always filled: of prefix and random, or the template */
    const char *reuse;   /* of an account of that name: "never", "own" (made for this device before) or "any" */
    int random;
    bool one_device;      /* the name need not tell devices apart */
    const char **network; /* ids of Wi-Fi and VPN items that the device gets before its sign-in, assigned or not */
    size_t network_count;
};

struct td_item_route {
    const char *address;
    int prefix;
};

/* VPNv2 (csp.md 15). */
struct td_item_vpn {
    const char *name;
    const char *profile_xml; /* "" or all of it; then nothing of the following is told */
    const char **servers;
    size_t server_count;
    const char *protocol;       /* "ikev2", "l2tp" or "automatic" */
    const char *authentication; /* "machineCertificate", "mschapv2" or "eap" */
    const char *preshared_key, *eap_xml;
    bool always_on, device_tunnel;
    struct td_item_route *routes; /* none: everything goes through it */
    size_t route_count;
    const char *dns_suffix, *trusted_network;
};

/* Configuration Manager beside this service (policy/workload.h). */
struct td_item_co_management {
    const char *client;     /* id of the package that is its client, "" none of ours */
    const char *parameters; /* of its setup: CCMSETUPCMD */
    int timeout_minutes;    /* that the status page gives it */
    unsigned workloads;     /* bits of what is this service's */
};

struct td_item {
    const char *id, *name;
    enum td_item_kind kind;
    int64_t revision; /* rises with every change, so that the device gets it again */
    bool user;        /* ./User scope */
    bool tracked;     /* the status page waits for it */
    union {
        struct td_item_policy policy;
        struct td_item_msi msi;
        struct td_item_root root;
        struct td_item_wifi wifi;
        struct td_item_edition edition;
        struct td_item_page page;
        struct td_item_kiosk kiosk;
        struct td_item_shared_pc shared_pc;
        struct td_item_domain_join domain_join;
        struct td_item_vpn vpn;
        struct td_item_co_management co_management;
    } as;
};

const char *td_item_word(enum td_item_kind kind); /* "policy", "msi", "root-certificate", ... */
bool td_item_has_secret(enum td_item_kind kind);  /* Wi-Fi passphrase, product key, VPN: rest sealed */
struct td_item_page td_item_default_page(void);   /* what holds where no status page is assigned */

/* The PRODUCT_ number of an edition by its name; 0 if unknown. */
int td_edition_number(struct td_slice name);

/* Refuses unknown members and bad values with the member's name in err->where. id, name and revision are the caller's.
 */
enum td_code td_item_parse(const struct td_json *json, struct td_arena *a, struct td_item *ret, struct td_error *err)
    TD_MUST_USE;
/* The same as normalised JSON; without secrets their members are left out. */
void td_item_write(struct td_jsonw *w, const struct td_item *item, bool with_secrets);

#endif
