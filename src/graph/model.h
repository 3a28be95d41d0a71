/* The model of the administration interface: types, properties, enums. One table serves reading bodies, writing
 * answers, checking filters, $metadata and docs/graph.md. Pure data; the tables stand in graph/model_*.c, one file a
 * family. Source: graph-api.md 1.2 to 1.8 (types), 0.1 (what is only in beta). */
#ifndef TD_GRAPH_MODEL_H
#define TD_GRAPH_MODEL_H

#include "codec/json.h"
#include "store/view.h"

enum td_g_kind {
    TD_G_STRING,
    TD_G_BOOL,
    TD_G_INT32,
    TD_G_INT64,
    TD_G_DOUBLE,
    TD_G_TIME, /* DateTimeOffset; never happened is 0001-01-01T00:00:00Z, or null where nullable */
    TD_G_GUID,
    TD_G_BINARY,
    TD_G_DURATION,
    TD_G_ENUM,
    TD_G_COMPLEX
};

enum {
    TD_G_NULLABLE = 1,
    TD_G_MANY = 2,     /* collection */
    TD_G_BETA = 4,     /* only there under /beta */
    TD_G_V1 = 8,       /* only there under /v1.0 */
    TD_G_WRITE = 16,   /* taken from POST and PATCH; others are read over and ignored */
    TD_G_CREATE = 32,  /* taken from POST alone */
    TD_G_SECRET = 64,  /* taken, never shown */
    TD_G_ASKED = 128,  /* shown only when $select names it */
    TD_G_NEEDED = 256, /* a POST without it is refused */
    TD_G_VEILED = 512  /* shown as never set unless $select names it or the request's body sent it */
};

struct td_g_enum {
    const char *name;
    const char *const *words; /* NULL-terminated, in the order of their numbers */
    const int *numbers;       /* NULL: 0, 1, 2, ... */
    bool flags;
};

struct td_g_type;
struct td_g_call;

struct td_g_prop {
    const char *name;
    enum td_g_kind kind;
    unsigned flags;
    const void *of;        /* struct td_g_enum of ENUM, struct td_g_type of COMPLEX */
    const char *otherwise; /* JSON text where the row has nothing; NULL: null, or by kind where not nullable ("", false,
                              0, year 1, first word, []) */
    /* Where no column of that name gives it: writes the value (not the name). */
    void (*write)(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop,
                  struct td_jsonw *w);
    int64_t min, max; /* of integers; octets of texts; 0 0: the kind's own */
};

struct td_g_nav {
    const char *name;
    const struct td_g_type *type;
    unsigned flags; /* MANY, BETA, NULLABLE */
    /* $expand: writes the value; NULL: known, answered by its own path only */
    enum td_code (*expand)(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row, struct td_jsonw *w,
                           struct td_error *err);
};

struct td_g_type {
    const char *name; /* without "microsoft.graph." */
    const struct td_g_type *base;
    const struct td_g_prop *props;
    size_t prop_count;
    const struct td_g_nav *navs;
    size_t nav_count;
    bool abstract, beta, complex;
    bool show_type; /* "@odata.type" in every answer: derived types */
};

/* In the type and its bases; NULL. Names in any case. */
const struct td_g_prop *td_g_prop(const struct td_g_type *type, struct td_slice name);
const struct td_g_nav *td_g_nav(const struct td_g_type *type, struct td_slice name);
bool td_g_is_a(const struct td_g_type *type, const struct td_g_type *base);

/* Every type and enum of the interface, NULL-terminated: graph/types.h lists them by family. */
extern const struct td_g_type *const td_g_types[];
extern const struct td_g_enum *const td_g_enums[];
/* By name, with or without '#' and "microsoft.graph.", any case; NULL. */
const struct td_g_type *td_g_type_named(struct td_slice name);
struct td_slice td_g_plain_name(struct td_slice name);                 /* without '#' and "microsoft.graph." */
int td_g_enum_number(const struct td_g_enum *e, struct td_slice word); /* any case; -1 */
const char *td_g_enum_word(const struct td_g_enum *e, int64_t number); /* NULL */

/* A body read against its type: known members by their proper names with values of their proper kinds ("True", "60" are
 * taken as Boolean and integer), unknown ones and annotations dropped; only what flags (WRITE, or WRITE|CREATE) allow.
 * Values: TIME is a string with microseconds in num (0 for the year 1); ENUM the proper word with its number in num
 * (flags: the sum, words joined by commas); BINARY base64 in its strict form; GUID lower case; a complex value an
 * object read the same way, led by "@odata.type" with the plain name of its type. "x@odata.bind" stays where x is a
 * navigation. The result is an object; members that were not sent are not in it. *ret_type is the type that
 * "@odata.type" names (type itself without one; TD_EINVAL if it is abstract and the body is a creation, or of another
 * family). Errors name the member. */
enum td_code td_g_body(const struct td_g_type *type, const struct td_json *body, unsigned flags, struct td_arena *a,
                       const struct td_g_type **ret_type, const struct td_json **ret, struct td_error *err) TD_MUST_USE;

#endif
