/* Takes from the connector's account what a directory gives to whoever creates a computer, and what making, taking
 * over and ending an account does not need: every extended right, by which it would read what is confidential at that
 * computer later on (passwords of local administrators, keys of disks), and the owner's right to give itself more.
 * Source: [MS-DTYP] 2.4.4 to 2.4.6, 2.5.3.2 (owner rights, S-1-3-4); [MS-ADTS] 5.1.3.2. */
#include "base/fault.h"
#include "connect/ad_room.h"

enum {
    HEADER = 20,
    ACL_HEADER = 8,
    ACE_HEADER = 8, /* with the mask */
    ACE_ALLOWED = 0,
    ACE_ALLOWED_OBJECT = 5,
    ACE_INHERITED = 0x10,
    ACL_REVISION_DS = 4,
    ACES_MAX = 1024,
    CONTROL_ACCESS = 0x100,
    READ_CONTROL = 0x20000,
    OBJECT_TYPE_PRESENT = 1,
    DACL_PRESENT = 4,
    SELF_RELATIVE = 0x8000,
    KEEP = 0x1400, /* DACL_AUTO_INHERITED, DACL_PROTECTED */
    FIRST_OF_DOMAIN = 1000,
    OWNER_AND_LIST = 5
};

static const unsigned char reset_password[16] = {0x70, 0x95, 0x29, 0x00, 0x6d, 0x24, 0xd0, 0x11,
                                                 0xa7, 0x68, 0x00, 0xaa, 0x00, 0x6e, 0x05, 0x29};
static const struct td_sid owner_rights = {.count = 1, .authority = 3, .sub = {4}};

static uint32_t le(struct td_slice s, size_t at, size_t octets)
{
    uint32_t v = 0;
    for (size_t i = octets; i-- > 0;)
        v = v << 8 | (unsigned char)s.p[at + i];
    return v;
}

struct descriptor {
    uint32_t control;
    struct td_sid owner;
    struct td_slice list;
    unsigned aces;
};

/* The owner and the list; false for what is none, or is another's than an account's of the domain. */
static bool descriptor_read(struct td_slice s, struct descriptor *ret)
{
    struct td_sid domain;
    uint32_t rid = 0;
    if (s.n < HEADER || s.n > TD_LDAP_MAX_VALUE)
        return false;
    uint32_t owner = le(s, 4, 4), list = le(s, 16, 4);
    ret->control = le(s, 2, 2);
    if (owner < HEADER || owner >= s.n || list < HEADER || list + ACL_HEADER > s.n)
        return false;
    if (td_sid_read(td_sub(s, owner, SIZE_MAX), &ret->owner, NULL, NULL) != TD_OK ||
        td_sid_split(&ret->owner, &domain, &rid, NULL) != TD_OK || rid < FIRST_OF_DOMAIN)
        return false;
    ret->aces = le(s, list + 4, 2);
    ret->list = td_sub(s, list, le(s, list + 2, 2));
    return ret->list.n >= ACL_HEADER && ret->list.n == le(s, list + 2, 2) && ret->aces <= ACES_MAX;
}

static void ace_add(struct td_buf *out, int type, uint32_t mask, const unsigned char *object, const struct td_sid *who)
{
    unsigned char octets[TD_SID_MAX_BYTES];
    size_t n = td_sid_write(who, octets);
    td_buf_addc(out, (char)type);
    td_buf_addc(out, 0);
    td_buf_le16(out, (uint16_t)(ACE_HEADER + n + (object != NULL ? 20 : 0)));
    td_buf_le32(out, mask);
    if (object != NULL) {
        td_buf_le32(out, OBJECT_TYPE_PRESENT);
        td_buf_add(out, td_bytes(object, 16));
    }
    td_buf_add(out, td_bytes(octets, n));
}

static bool is_creators(struct td_slice ace, const struct td_sid *owner)
{
    struct td_sid who;
    return le(ace, 0, 1) == ACE_ALLOWED && (le(ace, 1, 1) & ACE_INHERITED) == 0 &&
           (le(ace, 4, 4) & CONTROL_ACCESS) != 0 &&
           td_sid_read(td_sub(ace, ACE_HEADER, SIZE_MAX), &who, NULL, NULL) == TD_OK && td_sid_equal(&who, owner);
}

/* The entries, the creator's narrowed. *ret_count: how many there are now; 0: there was nothing to narrow. */
static bool entries_write(const struct descriptor *d, struct td_buf *out, unsigned *ret_count)
{
    size_t at = ACL_HEADER;
    unsigned narrowed = 0;
    for (unsigned i = 0; i < d->aces; i++) {
        if (at + ACE_HEADER > d->list.n)
            return false;
        struct td_slice ace = td_sub(d->list, at, le(d->list, at + 2, 2));
        if (ace.n < ACE_HEADER || ace.n != le(d->list, at + 2, 2))
            return false;
        at += ace.n;
        if (!is_creators(ace, &d->owner)) {
            td_buf_add(out, ace);
            continue;
        }
        if (narrowed++ == 0) {
            ace_add(out, ACE_ALLOWED, READ_CONTROL, NULL, &owner_rights);
            ace_add(out, ACE_ALLOWED_OBJECT, CONTROL_ACCESS, reset_password, &d->owner);
        }
        ace_add(out, ACE_ALLOWED, le(ace, 4, 4) & ~(uint32_t)CONTROL_ACCESS, NULL, &d->owner);
    }
    *ret_count = narrowed != 0 ? d->aces + 2 : 0;
    return true;
}

bool td_ad_narrowed(struct td_slice descriptor, struct td_buf *out)
{
    struct td_buf entries TD_CLEANUP(td_buf_done) = {.max = UINT16_MAX - ACL_HEADER};
    struct descriptor d = {.aces = 0};
    unsigned count = 0;
    if (!descriptor_read(descriptor, &d) || !entries_write(&d, &entries, &count) || count == 0 || entries.failed)
        return false;
    td_buf_addc(out, 1);
    td_buf_addc(out, 0);
    td_buf_le16(out, (uint16_t)((d.control & KEEP) | DACL_PRESENT | SELF_RELATIVE));
    for (int i = 0; i < 3; i++) /* no owner, no group, no audit */
        td_buf_le32(out, 0);
    td_buf_le32(out, HEADER);
    td_buf_addc(out, ACL_REVISION_DS);
    td_buf_addc(out, 0);
    td_buf_le16(out, (uint16_t)(ACL_HEADER + entries.n));
    td_buf_le16(out, (uint16_t)count);
    td_buf_le16(out, 0);
    td_buf_add(out, td_buf_slice(&entries));
    return !out->failed;
}

/* Where the directory does not let an owner do that, the account stays as it is: it works all the same. */
void td_ad_narrow(struct td_ldap *l, const char *dn)
{
    static const char *const attrs[] = {"nTSecurityDescriptor", NULL};
    struct td_arena a TD_CLEANUP(td_arena_done) = {NULL};
    struct td_buf out TD_CLEANUP(td_buf_done) = {.max = UINT16_MAX + HEADER};
    struct td_ldap_entry e = {0};
    struct td_ldap_search s = {
        .base = dn, .filter = "(objectClass=*)", .scope = TD_LDAP_BASE, .attrs = attrs, .sd_flags = OWNER_AND_LIST};
    if (td_ad_one(l, &s, &a, &e, NULL) != TD_OK || td_fault("ad-all-rights") ||
        !td_ad_narrowed(td_ldap_get(&e, "nTSecurityDescriptor"), &out))
        return;
    struct td_slice value = td_buf_slice(&out);
    struct td_ldap_change c = {TD_LDAP_REPLACE, {"nTSecurityDescriptor", &value, 1}};
    td_ignore(l->ops->modify(l, dn, &c, 1, NULL));
}
