/* JSON: bytes to a small tree in an arena and back. Jansson stays behind this header.
 *
 * The reader is strict: UTF-8, no duplicate names, no NUL in strings, bounded octets and depth. The writer puts no
 * blanks between tokens (contract) and escapes what must be. Pure. */
#ifndef TD_CODEC_JSON_H
#define TD_CODEC_JSON_H

#include "base/arena.h"
#include "base/buf.h"

enum { TD_JSON_MAX_DEPTH = 32 };

enum td_json_type {
    TD_JSON_NULL,
    TD_JSON_BOOL,
    TD_JSON_INT,
    TD_JSON_REAL,
    TD_JSON_STRING,
    TD_JSON_ARRAY,
    TD_JSON_OBJECT
};

struct td_json {
    enum td_json_type type;
    const char *name; /* of a member, else NULL */
    const char *str;  /* strings */
    int64_t num;      /* integers; 0 or 1 for booleans */
    double real;
    struct td_json *child, *next; /* elements or members, in order */
};

enum td_code td_json_parse(struct td_slice in, size_t max, struct td_arena *a, struct td_json **ret,
                           struct td_error *err) TD_MUST_USE;

/* All accept NULL. Lookup of names is exact; td_json_iget folds ASCII case. */
const struct td_json *td_json_get(const struct td_json *object, const char *name);
const struct td_json *td_json_iget(const struct td_json *object, const char *name);
const char *td_json_str(const struct td_json *object, const char *name); /* NULL if absent or no string */
int64_t td_json_int(const struct td_json *object, const char *name, int64_t otherwise);
bool td_json_bool(const struct td_json *object, const char *name, bool otherwise);
size_t td_json_count(const struct td_json *array_or_object);

/* Streaming writer: commas come by themselves. */
struct td_jsonw {
    struct td_buf *out;
    bool first; /* nothing written yet in the open object or array */
    bool after_key;
};

void td_jsonw_init(struct td_jsonw *w, struct td_buf *out);
void td_jsonw_obj(struct td_jsonw *w);
void td_jsonw_end(struct td_jsonw *w); /* closes an object */
void td_jsonw_arr(struct td_jsonw *w);
void td_jsonw_arr_end(struct td_jsonw *w);
void td_jsonw_key(struct td_jsonw *w, const char *name);
void td_jsonw_str(struct td_jsonw *w, const char *value); /* NULL writes null */
void td_jsonw_slice(struct td_jsonw *w, struct td_slice value);
void td_jsonw_int(struct td_jsonw *w, int64_t value);
void td_jsonw_bool(struct td_jsonw *w, bool value);
void td_jsonw_null(struct td_jsonw *w);
void td_jsonw_raw(struct td_jsonw *w, struct td_slice json); /* already JSON */
void td_jsonw_tree(struct td_jsonw *w, const struct td_json *value);

/* key + value in one */
void td_jsonw_kstr(struct td_jsonw *w, const char *name, const char *value);
void td_jsonw_kint(struct td_jsonw *w, const char *name, int64_t value);
void td_jsonw_kbool(struct td_jsonw *w, const char *name, bool value);
void td_jsonw_ktime(struct td_jsonw *w, const char *name, int64_t us); /* 0 writes null */

#endif
