/* The quick way through JSON, for json.c and its tests alone. Pure; memory is the arena's. */
#ifndef TD_CODEC_JSON_PLAIN_H
#define TD_CODEC_JSON_PLAIN_H

#include "codec/json.h"

/* False: not so plain, or no JSON; td_json_parse asks Jansson then. */
bool td_json_plain(struct td_slice in, struct td_arena *a, struct td_json **ret);
/* Jansson's reading of any text: what the plain one is measured by. */
enum td_code td_json_engine(struct td_slice in, struct td_arena *a, struct td_json **ret, struct td_error *err)
    TD_MUST_USE;

#endif
