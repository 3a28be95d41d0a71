/* Pages for people at the sign-in doors: one look, no script but the one that posts an answer on, strict
 * Content-Security-Policy, every text escaped. Used by the identity door and by the enrolment's federated page. */
#ifndef TD_API_PAGES_H
#define TD_API_PAGES_H

#include "http/http.h"

struct td_page_field {
    const char *name, *value;
};

struct td_page {
    const char *organization; /* display name of the tenant, or what stands above the form */
    const char *text;         /* a sentence of the organization under it, "" for none */
    const char *note;         /* what this sign-in is for, "" for none */
    const char *message;      /* why the last try failed, NULL for none */
    const char *action;       /* where the form goes: a path of ours */
    const char *form_target;  /* redirect address that the answer may lead to, NULL if none */
    const struct td_page_field *hidden;
    size_t hidden_count;
    const char *username; /* shown again */
    bool ask_password;    /* second page: the name is fixed, the password is asked */
    int status;           /* 0: 200 */
};

/* First page: user name ("username"). Second page: the name again (hidden and shown) and "password". */
void td_page_sign_in(struct td_http_reply *reply, struct td_arena *a, const struct td_page *page);
/* One field named `field` under a label (device codes). */
void td_page_ask(struct td_http_reply *reply, struct td_arena *a, const struct td_page *page, const char *field,
                 const char *label);
/* A title and a sentence. */
void td_page_message(struct td_http_reply *reply, struct td_arena *a, int status, const char *title, const char *text);
/* Posts the fields to target at once (response_mode form_post); without script there is a button. */
void td_page_form_post(struct td_http_reply *reply, struct td_arena *a, const char *target,
                       const struct td_page_field *fields, size_t count);

/* True if a browser says that the form came from a page of ours: Origin and Sec-Fetch-Site, where they are sent. Pages
 * here send Referrer-Policy: same-origin, so that Origin is never "null" for them. */
bool td_page_posted_here(const struct td_http_request *req);

/* Text for HTML content and for attributes in double quotes. */
void td_html_add(struct td_buf *b, const char *text);

#endif
