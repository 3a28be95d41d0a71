/* What the QR codes on a technician's page carry (autopilot.md 3.4): JSON {"BlockSequence":{Id, ZtdId, PKID,
 * SerialNumber, HardwareId, SequenceBlockNumber, TotalBlocks}}. A hash is longer than one code holds, so HardwareId is
 * cut into blocks, one a code, that share Id. Pure; memory is the caller's arena. */
#ifndef TD_CODEC_BLOCK_SEQUENCE_H
#define TD_CODEC_BLOCK_SEQUENCE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

enum { TD_BLOCK_MAX_TEXT = 2953 /* octets in a version 40 L code */, TD_BLOCKS_MAX = 32 };

struct td_block_sequence { /* the whole; texts are "" where not known */
    const char *id, *ztd_id, *pkid, *serial, *hardware;
};
/* Texts of the codes, each at most max octets (0: TD_BLOCK_MAX_TEXT), in order. TD_ELIMIT: more than TD_BLOCKS_MAX. */
enum td_code td_blocks_write(const struct td_block_sequence *s, size_t max, struct td_arena *a, const char ***ret,
                             size_t *ret_count, struct td_error *err) TD_MUST_USE;

struct td_block {
    struct td_block_sequence part; /* hardware is this block's piece */
    unsigned number, total;        /* from 1 */
};
enum td_code td_block_read(struct td_slice text, struct td_arena *a, struct td_block *ret, struct td_error *err)
    TD_MUST_USE;
/* Blocks in any order to the whole. TD_EINVAL names what is missing, twice there or of another sequence. */
enum td_code td_blocks_join(const struct td_block *blocks, size_t count, struct td_arena *a,
                            struct td_block_sequence *ret, struct td_error *err) TD_MUST_USE;

#endif
