/* Archives in the ZIP format, entries stored as they are (APPNOTE 4.3). Pure. What any unzip reads: no ZIP64, names in
 * UTF-8, one time for all entries. */
#ifndef TD_CODEC_ZIP_H
#define TD_CODEC_ZIP_H

#include "base/arena.h"
#include "base/buf.h"

enum { TD_ZIP_MAX_ENTRIES = 256, TD_ZIP_MAX_NAME = 255 };

struct td_zip {
    struct td_buf *out;
    struct td_buf directory; /* central directory, written by td_zip_end */
    size_t begin;            /* where the archive begins in out */
    uint16_t count;
    uint16_t dos_time, dos_date;
};

/* us: time of the entries (UTC; from 1980 to 2107, others are taken to the nearest end). */
void td_zip_begin(struct td_zip *z, struct td_buf *out, int64_t us);
/* A relative name with '/' between folders, no "..", 1 to 255 octets; TD_EINVAL names it. TD_ELIMIT: too many. */
enum td_code td_zip_add(struct td_zip *z, const char *name, struct td_slice content, struct td_error *err) TD_MUST_USE;
/* Closes the archive and frees what z holds; TD_ELIMIT if out was too small. */
enum td_code td_zip_end(struct td_zip *z, struct td_error *err) TD_MUST_USE;
/* Frees without closing; fine after td_zip_end. For TD_CLEANUP. */
void td_zip_done(struct td_zip *z);

uint32_t td_crc32(struct td_slice data); /* polynomial 0xEDB88320, as ZIP, gzip and PNG */

#endif
