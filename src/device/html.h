/* As much HTML as a sign-in page needs: its forms, its title, its alert. Not a browser: no scripts, no styles.
 *
 * Octets in, structs out; memory is the arena's. What is past a bound (TD_HTML_MAX octets, TD_HTML_MAX_FIELDS) is
 * refused; what is merely odd is skipped, as browsers do. Pure. */
#ifndef TD_DEVICE_HTML_H
#define TD_DEVICE_HTML_H

#include "base/arena.h"
#include "base/err.h"

enum { TD_HTML_MAX = 512 << 10, TD_HTML_MAX_FIELDS = 64, TD_HTML_MAX_FORMS = 8 };

struct td_html_field {
    const char *name, *value;
    const char *type; /* lower case: "text", "password", "hidden", "submit" ...; a <button> is a submit */
    bool checked;
};

struct td_html_form {
    const char *action; /* "" if it posts to its own address */
    bool post;
    struct td_html_field fields[TD_HTML_MAX_FIELDS];
    size_t count;
};

struct td_html {
    const char *title, *alert, *text; /* "" if the page has none; alert: role="alert"; text: first paragraph */
    struct td_html_form *forms;
    size_t form_count;
};

enum td_code td_html_read(struct td_slice page, struct td_arena *a, struct td_html *ret, struct td_error *err)
    TD_MUST_USE;

/* The form that a person would fill: with a field to type into, else the first (which submits itself). NULL if none. */
const struct td_html_form *td_html_main_form(const struct td_html *page);
bool td_html_typed(const struct td_html_field *f); /* text, email, password, tel, number */

#endif
