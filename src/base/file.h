/* Small files: read whole within a bound, written so that a crash leaves the old or the new one, never half. */
#ifndef TD_BASE_FILE_H
#define TD_BASE_FILE_H

#include "base/buf.h"

/* "-" reads standard input. TD_ENOTFOUND, TD_ELIMIT or TD_EIO with the path in err->where. */
enum td_code td_file_read(const char *path, struct td_buf *out, struct td_error *err) TD_MUST_USE;
/* Temporary file, fsync, rename, fsync of the folder. mode holds whatever the umask; of several writers the last wins.
 */
enum td_code td_file_write(const char *path, struct td_slice data, unsigned mode, struct td_error *err) TD_MUST_USE;
enum td_code td_dir_make(const char *path, unsigned mode, struct td_error *err)
    TD_MUST_USE; /* with parents; there already is fine */
bool td_file_exists(const char *path);

#endif
