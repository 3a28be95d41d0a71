/* What writer and reader of the domain-join blob share. Source: domain-join-and-tpm.md 1.6. */
#ifndef TD_CODEC_ODJ_IN_H
#define TD_CODEC_ODJ_IN_H

#include "codec/odj.h"

enum {
    ODJ_HEAD = 16, /* of each serialized body */
    ODJ_ALIGN = 8, /* a body's length is a multiple of it */
    ODJ_VERSION = 1,
    ODJ_FORMAT_WIN7 = 1, /* WIN7 alone */
    ODJ_FORMAT_WIN8 = 2, /* a package of parts */
    ODJ_PART_ESSENTIAL = 1,
    ODJ_NETBIOS_MAX = 15,
    ODJ_NAME_MAX = 255,    /* DNS names, sites */
    ODJ_PASSWORD_MAX = 512 /* characters */
};

/* A store of certificates in octets: its head, and the records of it. */
enum { SST_HEAD = 8, SST_RECORD = 12, SST_CERTIFICATE = 32, SST_X509 = 1, SST_MACHINE = 0x00020000 };
extern const char odj_sst_head[SST_HEAD + 1], odj_root_store[];

extern const unsigned char odj_head[8], odj_part_win7[16], odj_part_account[16];

/* Could a domain have made this blob? One judge for both directions. */
enum td_code odj_check(const struct td_odj *odj, struct td_error *err) TD_MUST_USE;
bool odj_known_part(const unsigned char guid[16]);

#endif
