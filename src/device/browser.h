/* The web view of the first setup: fetches a page, fills the forms that it finds, follows redirects by hand until one
 * of them goes to the address that ends the visit. It knows no one's pages, runs no script and follows https only. */
#ifndef TD_DEVICE_BROWSER_H
#define TD_DEVICE_BROWSER_H

#include "device/flow.h"

enum { TD_BROWSER_COOKIES = 32 };

struct td_cookie {
    const char *origin, *name, *value;
};

struct td_browser {
    struct td_flow *flow;
    struct td_arena *arena; /* of the visit */
    const char *what;       /* page's name in lines and errors: "sign-in" */
    const char *redirect;   /* the visit ends where this address begins */
    const char *token;      /* Bearer sent to the first page's origin, or NULL */
    /* Which answers are typed where the page asks for them; NULL: "user", "password". */
    const char *user_key, *password_key;
    struct td_slice answer; /* when it has ended: the query behind the redirect */

    /* Inside. */
    struct td_cookie cookies[TD_BROWSER_COOKIES];
    size_t cookie_count;
    const char *url;   /* where the page in hand came from */
    const char *first; /* origin of the first page */
    const char *alert; /* what the last page complained about, "" if nothing */
    int asked_user, asked_password;
};

/* TD_EAUTH: a typed answer was refused; TD_EDENIED: the page refuses; TD_EUNAVAILABLE: try again
 * (after flow->retry_after), with what was typed, which nobody has judged. */
enum td_code td_browse(struct td_browser *b, const char *url, struct td_error *err) TD_MUST_USE;

#endif
