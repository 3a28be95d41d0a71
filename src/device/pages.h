/* The pages of the first setup: their order, and which of them a profile leaves out (autopilot.md 2.3, 5). */
#ifndef TD_DEVICE_PAGES_H
#define TD_DEVICE_PAGES_H

#include "base/defs.h"

enum td_page_stage { TD_PAGES_FIRST, TD_PAGES_BEFORE_SIGN_IN, TD_PAGES_AFTER_SIGN_IN };

struct td_page_facts {
    bool wired;           /* the profile was known before the first page */
    bool profile;         /* a profile is there */
    int64_t oobe;         /* CloudAssignedOobeConfig */
    const char *language; /* CloudAssignedLanguage, "" if the user chooses */
    const char *region;
    bool nobody; /* it deploys the device by itself (autopilot.md 3.3) */
};

struct td_page {
    const char *name;
    const char *answer; /* key of --answer; NULL: only a button */
    int64_t skip_bit;   /* of CloudAssignedOobeConfig, 0 if none */
    enum td_page_stage stage;
    enum { TD_SKIP_BY_BIT, TD_SKIP_LANGUAGE, TD_SKIP_REGION, TD_SKIP_NETWORK, TD_SKIP_ALWAYS } rule;
};
extern const struct td_page td_pages[];
extern const size_t td_page_count;

/* Why the page is not shown, or NULL if it is. Pure. */
const char *td_page_skipped(const struct td_page *page, const struct td_page_facts *facts);

#endif
