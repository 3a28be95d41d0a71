/* Structured log: one JSON object a line on a file descriptor (stderr at first). The only global state of the tree.
 *
 * Program code logs; library code returns errors. Never a secret, a token, a password or a whole request. */
#ifndef TD_BASE_LOG_H
#define TD_BASE_LOG_H

#include "base/err.h"

enum td_level { TD_DEBUG, TD_INFO, TD_WARN, TD_ERROR };

void td_log_init(int fd, enum td_level lowest);

/* td_log(TD_INFO, "serve.ready", "addr", "127.0.0.1:8443", NULL): an event word, then pairs of name and text. */
void td_log(enum td_level level, const char *event, ...) __attribute__((sentinel));
void td_log_error(enum td_level level, const char *event, const struct td_error *err);

#endif
