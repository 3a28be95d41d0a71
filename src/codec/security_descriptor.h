/* Self-relative security descriptors as directories store them: owner and the access list, to see who was granted what.
 * Pure, bounded. Source: [MS-DTYP] 2.4.4 to 2.4.6; [MS-ADTS] 5.1.3 for the order of judging. */
#ifndef TD_CODEC_SECURITY_DESCRIPTOR_H
#define TD_CODEC_SECURITY_DESCRIPTOR_H

#include "codec/sid.h"

enum { TD_SD_MAX = 65536, TD_SD_MAX_ACES = 1024 };

struct td_ace {
    bool allow;        /* else deny */
    bool inherit_only; /* holds for what is below, not for the object itself */
    uint32_t mask;
    bool has_object;          /* an object entry: for one right, property or class alone */
    unsigned char object[16]; /* as it stands in the descriptor */
    struct td_sid who;
};

struct td_security_descriptor {
    bool has_owner, has_dacl; /* no list at all grants everything; an empty one nothing */
    struct td_sid owner;
    struct td_ace *aces;
    size_t ace_count;
};

/* Entries of kinds that neither allow nor deny (audit, callbacks) are left out. */
enum td_code td_security_descriptor_read(struct td_slice bytes, struct td_arena *a, struct td_security_descriptor *ret,
                                         struct td_error *err) TD_MUST_USE;
/* Does one who has these identities get every bit of mask on the object itself? Entries in their order, as a directory
 * judges. right NULL: plain rights; else an extended right (guid as stored). */
bool td_security_descriptor_grants(const struct td_security_descriptor *sd, const struct td_sid *who, size_t who_count,
                                   uint32_t mask, const unsigned char *right);

#endif
