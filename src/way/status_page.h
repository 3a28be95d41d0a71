/* Status pages (windows10EnrollmentCompletionPageConfiguration): the table of their settings, and which of the tenant's
 * pages holds for a device. Pure. Sources: graph-api.md 1.4; autopilot.md 4.2, rows E02 to E07, Z19.
 *
 * One page is chosen on the service for each deployment, and everything that the device is told comes from it: so the
 * list of blocking apps of a page that was chosen by its user holds in the device phase as well, and a page that is
 * switched off is gone. Memory is the caller's arena. */
#ifndef TD_WAY_STATUS_PAGE_H
#define TD_WAY_STATUS_PAGE_H

#include "codec/json.h"

enum {
    TD_STATUS_PAGE_MAX_JSON = 65536,
    TD_STATUS_PAGE_MAX_APPS = 100,
    TD_STATUS_PAGE_MAX_MESSAGE = 10000, /* characters */
    TD_STATUS_PAGE_MAX_MINUTES = 1440
};

struct td_status_page { /* every member is filled; flags are 0 and 1 */
    int64_t show;
    int64_t block_retry, allow_reset, allow_use, allow_logs;
    int64_t first_user_only;    /* later users of the device see no account phase */
    int64_t autopilot_only;     /* only where the device came by its deployment profile */
    int64_t quality_updates;    /* kept; updates at the end of the page are later work */
    int64_t allow_non_blocking; /* apps outside the list do not fail a technician's phase; else every app does */
    int64_t minutes;
    const char *message; /* "" for the built-in text */
    const char *apps;    /* JSON list of ids of the apps that block; [] for all */
    const char *scope_tags;
};

/* of_interface: defaults of the type for callers of the interface; else those of the tenant's default page and of
 * people's files: the page is shown, reset, retry and logs are offered. */
void td_status_page_defaults(bool of_interface, struct td_status_page *ret);
/* What was sent, over what is stored. foreign: other members and nulls are passed over; else they are refused by name.
 * "True", "60" and the like are taken for their values; 0 minutes, which scripts send for a parameter that was not
 * given, are not said (graph-api.md 0, 3.6). */
enum td_code td_status_page_merge(const struct td_status_page *stored, const struct td_json *changes, bool foreign,
                                  struct td_arena *a, struct td_status_page *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_status_page_parse(struct td_slice json, struct td_arena *a, struct td_status_page *ret,
                                  struct td_error *err) TD_MUST_USE; /* over the defaults of people */
void td_status_page_write(const struct td_status_page *p, struct td_jsonw *w);
/* Name and value as text, NULL past the end. */
const char *td_status_page_setting(const struct td_status_page *p, size_t i, struct td_arena *a,
                                   const char **ret_value);
/* What an administrator should be told when saving it, NULL: nothing (autopilot.md 4.6: a page without any button). */
const char *td_status_page_warning(const struct td_status_page *p);
/* Does this app hold the page up? */
bool td_status_page_blocks(const struct td_status_page *p, const char *app_id, struct td_arena *a);

/* Which page holds: the highest-priority one that is assigned to the device (all devices, or one of its groups), else
 * the highest-priority one assigned to its user, where one is known, else the default. An exclusion takes the page out,
 * whoever is excluded, device or user. */
struct td_page_offer { /* one assignment */
    const char *id;
    int64_t priority; /* 1 is the highest */
    bool excluded;
    bool of_device, of_user; /* the target has the device, the user */
};
/* The index of the assignment that decides, SIZE_MAX: the default page holds. */
size_t td_status_page_choose(const struct td_page_offer *offers, size_t count);

#endif
