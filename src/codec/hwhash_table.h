/* The hash's records as one table: it serves reading, writing and printing. Inside codec/ only. */
#ifndef TD_CODEC_HWHASH_TABLE_H
#define TD_CODEC_HWHASH_TABLE_H

#include "codec/hwhash.h"

enum td_hw_kind {
    TD_HW_U8,
    TD_HW_S8,
    TD_HW_U16,
    TD_HW_U32,
    TD_HW_U64,
    TD_HW_VERSION,
    TD_HW_MAC,
    TD_HW_UUID16,
    TD_HW_TEXT, /* octets up to the end of the record, NUL-terminated */
    TD_HW_WIDE, /* the same in UTF-16LE */
    TD_HW_REST  /* octets up to the end of the record */
};

struct td_hw_field {
    const char *name; /* JSON member; NULL ends the list */
    enum td_hw_kind kind;
    size_t at;     /* in the record's data */
    size_t offset; /* in struct td_hw_facts, or in the list's element */
};

struct td_hw_layout {
    uint16_t type;
    const char *name;
    size_t min;  /* shorter data is kept raw and not read */
    size_t size; /* fixed part, as we write it */
    const struct td_hw_field *fields;
    size_t element; /* size of a list's element; 0: fields of struct td_hw_facts itself */
    size_t list_offset, count_offset;
    size_t text_offset; /* of the element's only text, SIZE_MAX if it has none */
};

extern const struct td_hw_layout td_hw_layouts[]; /* in the order in which we write them */
extern const size_t td_hw_layout_count;
const struct td_hw_layout *td_hw_layout(unsigned type); /* NULL if unknown */
size_t td_hw_kind_size(enum td_hw_kind kind);           /* 0 for the open ones */

#endif
