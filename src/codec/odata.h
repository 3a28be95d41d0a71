/* OData as text: resource paths, query options, filter expressions. Pure; nothing here knows which properties exist.
 *
 * Trees live in the caller's arena; texts are decoded (percent, '+', doubled quotes) and checked UTF-8. Names of
 * options are taken percent-encoded, with or without '$', and in any case. What the grammar does not know is refused
 * with the option's name and the position (1 is the first character). Sources: graph-api.md 1.1, 2.1, 2.2, 2.6;
 * OData 4.01 URL conventions. */
#ifndef TD_CODEC_ODATA_H
#define TD_CODEC_ODATA_H

#include "base/arena.h"
#include "base/err.h"

enum {
    TD_OD_MAX_TEXT = 16384, /* octets of a query, decoded */
    TD_OD_MAX_DEPTH = 24,
    TD_OD_MAX_NODES = 200,
    TD_OD_MAX_VALUES = 64, /* literals of one filter */
    TD_OD_MAX_LIST = 128,  /* names of $select, $expand */
    TD_OD_MAX_ORDER = 4,
    TD_OD_MAX_SEGMENTS = 12
};

enum td_od_op {
    TD_OD_AND,
    TD_OD_OR,
    TD_OD_NOT,
    TD_OD_EQ,
    TD_OD_NE,
    TD_OD_GT,
    TD_OD_GE,
    TD_OD_LT,
    TD_OD_LE,
    TD_OD_IN,
    TD_OD_STARTSWITH,
    TD_OD_ENDSWITH,
    TD_OD_CONTAINS,
    TD_OD_ANY, /* left is the condition on an item, NULL for any() */
    TD_OD_ALL,
    TD_OD_ISOF,
    TD_OD_TRUE /* a Boolean property that stands alone */
};

enum td_od_kind { TD_OD_NULL, TD_OD_BOOL, TD_OD_INT, TD_OD_REAL, TD_OD_TEXT, TD_OD_GUID, TD_OD_TIME };

struct td_od_value {
    enum td_od_kind kind;
    const char *text; /* TEXT, GUID (lower case); of the others as written */
    int64_t num;      /* BOOL 0 and 1, INT, TIME in microseconds */
    double real;
};

struct td_od_expr {
    enum td_od_op op;
    const struct td_od_expr *left, *right; /* AND, OR; NOT, ANY, ALL use left */
    const char *path; /* "serialNumber", "state/deviceImportStatus", "microsoft.graph.managedApp/appAvailability" */
    bool item;        /* inside any/all: path is of the item ("" is the item itself) */
    bool folded;      /* tolower() or toupper() stood around the property */
    const char *type; /* ISOF: without "microsoft.graph." and '#' */
    const struct td_od_value *values;
    size_t value_count;
};

struct td_od_order {
    const char *path;
    bool descending;
};

struct td_od_query;
struct td_od_expand {
    const char *path;
    const struct td_od_query *options; /* ($select=...;$top=...), or NULL */
};

struct td_od_query {
    const struct td_od_expr *filter; /* NULL: none */
    const char *const *select;
    size_t select_count;
    const struct td_od_expand *expand;
    size_t expand_count;
    struct td_od_order order[TD_OD_MAX_ORDER];
    size_t order_count;
    const char *search;          /* text to find, NULL: none */
    const char *search_property; /* of "displayName:text", else NULL */
    int64_t top, skip;           /* -1: not given */
    const char *skiptoken;       /* opaque here */
    bool count;
    const char *metadata; /* of $format: "none", "minimal", "full", else NULL */
    struct td_slice kept; /* the query as it came without $skiptoken and $skip: for nextLink */
};

/* query: what stands behind '?', percent-encoded. */
enum td_code td_od_query_parse(struct td_slice query, struct td_arena *a, struct td_od_query *ret, struct td_error *err)
    TD_MUST_USE;
/* One decoded $filter: for tests, fuzzers and stored filters. */
enum td_code td_od_filter_parse(struct td_slice text, struct td_arena *a, const struct td_od_expr **ret,
                                struct td_error *err) TD_MUST_USE;

struct td_od_argument {
    const char *name, *value; /* name "" for a key given alone */
};
struct td_od_segment {
    const char *name;   /* decoded; "$ref", "$count", "$value", "microsoft.graph.win32LobApp" as they are */
    bool has_arguments; /* (...) stood behind it, be it empty: a key or a function's arguments */
    bool is_key_value;  /* name=value as a segment of its own ("appId=..."): name and arguments[0] */
    struct td_od_argument arguments[4];
    size_t argument_count;
};
struct td_od_path {
    struct td_od_segment segments[TD_OD_MAX_SEGMENTS];
    size_t count;
    bool empty_segment; /* "//" or a final '/': x/ is not x for DELETE (graph-api.md 0.9) */
};
/* path: behind the version, percent-encoded, with or without '/' at its beginning. */
enum td_code td_od_path_parse(struct td_slice path, struct td_arena *a, struct td_od_path *ret, struct td_error *err)
    TD_MUST_USE;

/* JSON as the ecosystem's scripts write it, made strict: member names without quotes, trailing commas, single quotes
 * refused, everything else left as it is (graph-api.md 0.4). An empty or blank body gives an empty object. */
enum td_code td_od_json_strict(struct td_slice in, size_t max, struct td_arena *a, struct td_slice *ret,
                               struct td_error *err) TD_MUST_USE;

#endif
