/* What a joined device carries: its certificate, and the SIDs of its administrators (join-and-tokens.md 3). */
#include "api/authority.h"
#include "api/join/room.h"
#include "base/encode.h"
#include "crypto/digest.h"

static const int64_t lifetime = 3650 * TD_DAY, backdate = 10 * TD_MINUTE;

/* The inner OCTET STRING is written with a long-form length, as the protocol's own certificates are (BER, not DER). */
static struct td_slice long_form(struct td_arena *a, const void *value, size_t n)
{
    unsigned char *out = td_arena_alloc(a, n + 3);
    out[0] = 0x04;
    out[1] = 0x81;
    out[2] = (unsigned char)n;
    memcpy(out + 3, value, n);
    return td_bytes(out, n + 3);
}

static struct td_slice guid_value(struct td_arena *a, const char *uuid)
{
    unsigned char octets[16];
    td_uuid_bytes(uuid, true, octets);
    return long_form(a, octets, sizeof(octets));
}

/* Which installation of the service it was: the first octets of the root's fingerprint. */
static struct td_slice instance_value(const struct td_service *svc, struct td_arena *a)
{
    unsigned char print[32];
    td_sha256(td_authority_root(svc->authority), print);
    return long_form(a, print, 16);
}

enum td_code td_join_certify(const struct td_service *svc, const struct td_join_subject *s, struct td_slice spki,
                             struct td_arena *a, struct td_slice *ret_der, struct td_error *err)
{
    const struct td_rdn subject[] = {{"CN", s->device_id}};
    struct td_ext exts[] = {
        {.oid = "1.2.840.113556.1.5.284.2", .value = guid_value(a, s->device_id)},
        {.oid = "1.2.840.113556.1.5.284.3", .value = guid_value(a, s->user_id)},
        {.oid = "1.2.840.113556.1.5.284.4", .value = guid_value(a, s->tenant)},
        {.oid = "1.2.840.113556.1.5.284.1", .value = instance_value(svc, a)},
        {.oid = "1.2.840.113556.1.5.284.7", .value = long_form(a, "1", 1)},
    };
    for (size_t i = 0; i + 1 < TD_COUNTOF(exts); i++)
        exts[i].next = &exts[i + 1];
    struct td_cert_template t = {.subject = subject,
                                 .subject_count = 1,
                                 .spki = spki,
                                 .not_before = td_now(svc->env) - backdate,
                                 .not_after = td_now(svc->env) - backdate + lifetime,
                                 .exts = exts};
    return td_authority_issue(svc, TD_PURPOSE_DEVICE, &t, a, ret_der, err);
}

char *td_join_alt_security_id(const struct td_cert *cert, struct td_arena *a)
{
    unsigned char hash[32];
    td_sha256(cert->spki, hash);
    return td_arena_printf(a, "X509:<SHA1-TP-PUBKEY>%s%s", cert->sha1, td_b64(a, td_bytes(hash, sizeof(hash))));
}

static uint32_t le32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static char *sid_of(const unsigned char octets[16], struct td_arena *a)
{
    return td_arena_printf(a, "S-1-12-1-%u-%u-%u-%u", le32(octets), le32(octets + 4), le32(octets + 8),
                           le32(octets + 12));
}

char *td_join_sid(const char *object_id, struct td_arena *a)
{
    unsigned char octets[16];
    td_uuid_bytes(object_id, true, octets);
    return sid_of(octets, a);
}

/* Roles have no object of their own yet: their id follows from tenant and name, so that it is always the same. */
char *td_join_role_sid(const char *tenant, const char *role, struct td_arena *a)
{
    unsigned char hash[32];
    td_sha256(td_str(td_arena_printf(a, "role %s %s", tenant, role)), hash);
    return sid_of(hash, a);
}
