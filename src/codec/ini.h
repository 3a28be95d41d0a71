/* Configuration files in the INI form, of the service and of connectors (docs/tasks/serve.md, connector.md):
 * [section], key = value or key: value below it, remarks on a line of their own behind # or ;, or behind a value and
 * blank ;. Blanks at the beginning of a line mean nothing, sections and keys may come again. Pure; whoever reads the
 * file bounds it. Texts live in the arena. */
#ifndef TD_CODEC_INI_H
#define TD_CODEC_INI_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

/* Takes one pair; section is "" before the first one. Of an error it says reason and remedy; which section and key it
 * was, the reader fills in. */
typedef enum td_code td_ini_fn(void *ctx, const char *section, const char *key, const char *value,
                               struct td_error *err);
/* Pairs in their order, until the first that is refused. TD_EFORMAT: a line is none of these; file is its name, for
 * that error alone. */
enum td_code td_ini_read(const char *file, struct td_slice text, struct td_arena *a, td_ini_fn *fn, void *ctx,
                         struct td_error *err) TD_MUST_USE;

/* Keys that are texts and nothing else. False: none of them is called so. */
struct td_ini_text {
    const char *key, **to;
};
bool td_ini_put(const struct td_ini_text *texts, size_t count, const char *key, const char *value) TD_MUST_USE;

#endif
