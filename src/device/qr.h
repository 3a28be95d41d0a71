/* Text as the picture of a QR code, for a terminal: lines of half blocks in UTF-8, two rows of modules a line, light
 * modules as blocks (what a camera wants on a dark terminal), with the quiet zone of four modules around. Pure;
 * libqrencode behind this header. The lowest level of correction: a screen has no scratches, and a hardware hash is
 * long. */
#ifndef TD_DEVICE_QR_H
#define TD_DEVICE_QR_H

#include "base/arena.h"
#include "base/err.h"

enum { TD_QR_MAX_TEXT = 2953, TD_QR_QUIET = 4 };

struct td_qr {
    const char **lines; /* each `columns` characters wide */
    size_t count, columns;
};
/* TD_ELIMIT: longer than any code holds. */
enum td_code td_qr_picture(const char *text, struct td_arena *a, struct td_qr *ret, struct td_error *err) TD_MUST_USE;

/* Octets that a code of at most so many columns holds; 0 where none fits. For codec/block_sequence.h's max. */
size_t td_qr_capacity(size_t columns);

#endif
