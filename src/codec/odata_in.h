/* Inside of codec/odata: tokens, names, literals. */
#ifndef TD_CODEC_ODATA_IN_H
#define TD_CODEC_ODATA_IN_H

#include "codec/odata.h"

enum { TD_OD_MAX_NAME = 256 }; /* octets of a property path */

enum td_od_token_kind {
    TD_OD_T_END,
    TD_OD_T_WORD,  /* a name, a path, an operator, a number, a GUID, a time */
    TD_OD_T_TEXT,  /* 'text', doubled quotes undone */
    TD_OD_T_TYPED, /* word'text': a literal that names its type */
    TD_OD_T_OPEN,
    TD_OD_T_CLOSE,
    TD_OD_T_COMMA,
    TD_OD_T_COLON
};

struct td_od_token {
    enum td_od_token_kind kind;
    struct td_slice word; /* as written */
    const char *text;     /* of TEXT and TYPED */
    size_t at;            /* position of its first character */
};

struct td_od_lex {
    const char *option; /* for errors: "$filter" */
    struct td_slice text;
    size_t at;
    struct td_arena *arena;
    struct td_error *err;
};

enum td_code td_od_next(struct td_od_lex *l, struct td_od_token *ret) TD_MUST_USE;
enum td_code td_od_refuse(const struct td_od_lex *l, size_t at, const char *why);

/* Letter or '_', then letters, digits, '_'. */
bool td_od_is_identifier(struct td_slice s);
/* Identifiers with '.', '@' and '$' in segments between '/': what may name a property. */
bool td_od_is_path(struct td_slice s);
/* null, true, false, a number, a GUID, a date or a time: false if the word is none. */
bool td_od_literal(struct td_slice word, struct td_arena *a, struct td_od_value *ret);
struct td_od_value td_od_text(const char *text);

/* text is decoded; where names the option in errors. */
enum td_code td_od_filter(const char *option, struct td_slice text, struct td_arena *a, const struct td_od_expr **ret,
                          struct td_error *err) TD_MUST_USE;

#endif
