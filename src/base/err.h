/* Errors: what went wrong, where, why, and what a person can do about it.
 *
 * Every function that can fail returns enum td_code and takes a struct td_error last, which the caller owns and
 * may leave NULL. The detail is set on failure only; it is text for people and never holds a secret.
 * Library code returns errors and does not log them; the door that answers decides what is logged. */
#ifndef TD_BASE_ERR_H
#define TD_BASE_ERR_H

#include "base/defs.h"

enum td_code {
    TD_OK = 0,
    TD_EINVAL,       /* a value that the rules refuse: names the field */
    TD_EFORMAT,      /* bytes that do not follow their format */
    TD_ELIMIT,       /* past a bound (size, depth, count, rate) */
    TD_ENOTFOUND,    /* no such thing */
    TD_EEXISTS,      /* there already */
    TD_EAUTH,        /* caller not proven */
    TD_EDENIED,      /* caller proven, but may not */
    TD_ESTATE,       /* the thing is not in a state that allows it */
    TD_EEXPIRED,     /* was good once */
    TD_EUNAVAILABLE, /* try again later: busy, store or peer gone */
    TD_ENOTOFFERED,  /* known, not built */
    TD_EIO,          /* file, socket, disk */
    TD_EINTERNAL,    /* our fault */
    TD_CODE_COUNT
};

struct td_error {
    enum td_code code;
    uint32_t hresult; /* 0, or the code that Windows shows for this cause */
    char where[64];   /* field, column, node or step */
    char text[240];   /* the reason, one sentence */
    char remedy[240]; /* what to do, one sentence; may be empty */
};

/* Returns the expression's code to our caller unless it is TD_OK: the only control-flow macro of the tree. */
#define td_try(expr)                 \
    do {                             \
        enum td_code td_rc = (expr); \
        if (td_rc != TD_OK)          \
            return td_rc;            \
    } while (0)

/* For the few places where a failure changes nothing (a clean-up on a path that fails already). */
#define td_ignore(expr)                             \
    do {                                            \
        enum td_code td_ignored TD_UNUSED = (expr); \
    } while (0)

/* Fills err (which may be NULL) and returns code, so that a failing function ends with `return td_fail(...)`. */
enum td_code td_fail(struct td_error *err, enum td_code code, const char *where, const char *fmt, ...) TD_PRINTF(4, 5);

/* Adds the remedy to an error that td_fail has set; returns its code. */
enum td_code td_remedy(struct td_error *err, enum td_code code, const char *fmt, ...) TD_PRINTF(3, 4);

/* Fails by a row of a table of reasons: where is the reason's name, the text its cause and, behind a colon, detail (may
 * be NULL or empty). */
enum td_code td_fail_cause(struct td_error *err, enum td_code code, uint32_t hresult, const char *name,
                           const char *cause, const char *detail, const char *remedy);

/* A fixed lower-case word per code ("invalid", "not-found", ...), for JSON and logs. */
const char *td_code_word(enum td_code code);

#endif
