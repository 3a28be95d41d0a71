/* Computer names from a template. Pure. Source: autopilot.md 2.2, graph-api.md 1.3. */
#ifndef TD_WAY_NAMES_H
#define TD_WAY_NAMES_H

#include "base/env.h"
#include "base/err.h"

enum { TD_NAME_MAX = 15 };

/* "" is no template. Letters, digits, hyphens, at most one each of %SERIAL% and %RAND:n%; at most 15 characters after
 * expansion (with %SERIAL% the serial gives way); a fixed name is not digits only. */
enum td_code td_name_check(struct td_slice template, struct td_error *err) TD_MUST_USE;

/* The serial number keeps letters and digits and is cut from its beginning where the name would be too long. Random
 * digits come from env. A result of digits only is refused (TD_EINVAL), because Windows refuses it. */
enum td_code td_name_expand(struct td_slice template, const char *serial, const struct td_env *env,
                            char ret[TD_NAME_MAX + 1], struct td_error *err) TD_MUST_USE;

#endif
