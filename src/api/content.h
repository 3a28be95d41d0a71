/* The content door: bytes of a tenant (packages) for its devices, by links that expire (contract section 4).
 *
 * A link is /content/{sha256}?t=<ticket of kind "content">; it works by itself, with or without a certificate. The
 * ticket's claims: tenant; sha256, the hash or its beginning of at least TD_CONTENT_LINK_DIGITS; for, the enrolment
 * that must still be served, or nothing. Bytes rest in DIR/content/<sha256>; ranges are served (RFC 9110 14), one at a
 * time. */
#ifndef TD_API_CONTENT_H
#define TD_API_CONTENT_H

#include "api/service.h"
#include "store/content.h"

/* Of the hash, in a link: 96 bits, under the ticket's signature. */
enum { TD_CONTENT_LINK_DIGITS = 24 };

extern const struct td_route td_content_routes[]; /* ctx: struct td_service */
extern const size_t td_content_route_count;

/* Where the bytes rest; in the arena. */
char *td_content_path(const char *data_dir, const char *sha256, struct td_arena *a);
/* Copies a file in under its SHA-256 (written whole before it is visible); nothing happens if it is there. */
enum td_code td_content_import(const char *data_dir, const char *file, struct td_arena *a, struct td_content *ret,
                               struct td_error *err) TD_MUST_USE;

/* A range of a Range header for a body of size octets. */
enum td_range { TD_RANGE_NONE, TD_RANGE_ONE, TD_RANGE_BAD };
enum td_range td_content_range(struct td_slice header, uint64_t size, uint64_t *ret_first, uint64_t *ret_length);

#endif
