/* The blob of an offline domain join (ODJ_PROVISION_DATA in NDR, type serialization version 1), written and read by us.
 *
 * It holds the machine's password in clear: buffers that carry one are wiped by whoever owns them. The reader takes
 * what Windows, Samba and we write: part WIN7 as format 1 or inside the package of format 2, unknown parts skipped
 * unless they are marked essential; every count is held against the octets that are left. Pure. Source:
 * domain-join-and-tpm.md 1.6, 1.7. */
#ifndef TD_CODEC_ODJ_H
#define TD_CODEC_ODJ_H

#include "base/arena.h"
#include "base/buf.h"
#include "codec/sid.h"

enum { TD_ODJ_MAX = 65536, TD_ODJ_EXTRA_MAX = 8 };

struct td_odj_dc {
    const char *name;    /* "\\\\dc1.corp.test", as in the blob */
    const char *address; /* "\\\\10.0.0.1"; a dotted IPv4 address behind the strokes wherever one is known */
    const char *domain, *forest;
    uint32_t flags;
    const char *dc_site, *client_site; /* "" unknown */
};

/* A further part of the package: certificates, policies, site and primary DNS domain. Its bytes are passed through. */
struct td_odj_part {
    unsigned char guid[16]; /* as it stands in the blob */
    bool essential;
    struct td_slice bytes;
};

struct td_odj {
    const char *domain;            /* DNS name: "corp.test" */
    const char *netbios;           /* "CORP" */
    const char *forest;            /* "corp.test" */
    const char *machine;           /* without '$' */
    const char *password;          /* clear text */
    unsigned char domain_guid[16]; /* as a directory stores it */
    struct td_sid domain_sid;
    uint32_t rid; /* of the machine's account; 0: the blob does not tell */
    struct td_odj_dc dc;
    uint32_t options;
    struct td_odj_part extra[TD_ODJ_EXTRA_MAX];
    size_t extra_count;
};

/* Known further parts (domain-join-and-tpm.md 1.6). */
extern const unsigned char td_odj_part_provider2[16], td_odj_part_certificates[16], td_odj_part_policies[16];

/* TD_EINVAL with the field for what no blob can carry (empty names, a name of more than 15 characters, ...). */
enum td_code td_odj_write(const struct td_odj *odj, struct td_buf *out, struct td_error *err) TD_MUST_USE;
/* Texts go to the arena (its owner wipes it). TD_EFORMAT says where it stopped making sense; TD_ENOTOFFERED: a part
 * that is marked essential and not known. */
enum td_code td_odj_read(struct td_slice blob, struct td_arena *a, struct td_odj *ret, struct td_error *err)
    TD_MUST_USE;

/* The octets of a part for certificates: roots that the machine trusts from now on (its store Root), DER. Written as
 * one store; read from all stores of that name, whatever else the part holds is skipped. TD_ELIMIT: more than
 * TD_ODJ_ROOTS_MAX. Sources: domain-join-and-tpm.md 1.6 (IDL of OP_CERT_PART); a serialized store is "CERT", then one
 * record a certificate (32, 1, length, octets), then a record of zeros. */
enum { TD_ODJ_ROOTS_MAX = 16 };
enum td_code td_odj_roots_write(const struct td_slice *der, size_t count, struct td_buf *out, struct td_error *err)
    TD_MUST_USE;
enum td_code td_odj_roots_read(struct td_slice part, struct td_arena *a, struct td_slice ret[TD_ODJ_ROOTS_MAX],
                               size_t *ret_count, struct td_error *err) TD_MUST_USE;

/* The form of djoin's files: FF FE, base64 in UTF-16LE, NUL. */
void td_odj_file_write(struct td_slice blob, struct td_buf *out);
/* Also takes plain base64 and the raw blob: what a file of a blob may hold. */
enum td_code td_odj_file_read(struct td_slice file, struct td_arena *a, struct td_slice *ret_blob, struct td_error *err)
    TD_MUST_USE;
/* The component of an answer file that carries it (Microsoft-Windows-UnattendedJoin, OfflineIdentification). */
void td_odj_answer_file(struct td_slice blob, struct td_buf *out);

#endif
