#include "codec/security_descriptor.h"

#include "base/fault.h"

enum {
    REVISION = 1,
    HEAD = 20,
    CONTROL_DACL = 0x0004,
    CONTROL_SELF_RELATIVE = 0x8000,
    ACL_HEAD = 8,
    ACE_HEAD = 8, /* type, flags, size, mask */
    ACE_ALLOW = 0,
    ACE_DENY = 1,
    ACE_ALLOW_OBJECT = 5,
    ACE_DENY_OBJECT = 6,
    ACE_INHERIT_ONLY = 0x08,
    OBJECT_TYPE = 1,
    OBJECT_INHERITED_TYPE = 2
};

static uint32_t number(struct td_slice s, size_t at, size_t n)
{
    uint32_t v = 0;
    for (size_t i = n; i > 0; i--)
        v = v << 8 | (unsigned char)s.p[at + i - 1];
    return v;
}

static enum td_code bad(struct td_error *err, const char *why, size_t at)
{
    return td_fail(err, TD_EFORMAT, "security descriptor", "%s at octet %zu", why, at);
}

/* Flags, then the GUIDs that these say are there. *ret_at: where the identity begins. */
static bool read_object(struct td_slice ace, struct td_ace *ret, size_t *ret_at)
{
    if (ace.n < ACE_HEAD + 4)
        return false;
    uint32_t flags = number(ace, ACE_HEAD, 4);
    size_t at = ACE_HEAD + 4, both = ((flags & OBJECT_TYPE) != 0) + ((flags & OBJECT_INHERITED_TYPE) != 0);
    if (ace.n < at + 16 * both)
        return false;
    ret->has_object = (flags & OBJECT_TYPE) != 0;
    if (ret->has_object)
        memcpy(ret->object, ace.p + at, 16);
    *ret_at = at + 16 * both;
    return true;
}

/* *ret_taken false: an entry that neither allows nor denies. */
static enum td_code read_ace(struct td_slice ace, size_t at, struct td_ace *ret, bool *ret_taken, struct td_error *err)
{
    unsigned type = (unsigned char)ace.p[0];
    size_t who = ACE_HEAD;
    bool object = type == ACE_ALLOW_OBJECT || type == ACE_DENY_OBJECT;
    *ret = (struct td_ace){.allow = type == ACE_ALLOW || type == ACE_ALLOW_OBJECT};
    *ret_taken = ret->allow || type == ACE_DENY || type == ACE_DENY_OBJECT;
    if (!*ret_taken)
        return TD_OK;
    if (ace.n < ACE_HEAD || (object && !read_object(ace, ret, &who)))
        return bad(err, "an entry is cut off", at);
    ret->inherit_only = ((unsigned char)ace.p[1] & ACE_INHERIT_ONLY) != 0;
    ret->mask = number(ace, 4, 4);
    if (td_sid_read(td_sub(ace, who, ace.n), &ret->who, NULL, NULL) != TD_OK)
        return bad(err, "an entry without identity", at);
    return TD_OK;
}

static enum td_code read_acl(struct td_slice in, size_t from, struct td_arena *a, struct td_security_descriptor *sd,
                             struct td_error *err)
{
    if (from > in.n || in.n - from < ACL_HEAD)
        return bad(err, "the list is cut off", from);
    size_t size = number(in, from + 2, 2), count = number(in, from + 4, 2), at = ACL_HEAD;
    if (size < ACL_HEAD || size > in.n - from)
        return bad(err, "a list that is longer than the descriptor", from);
    if (count > TD_SD_MAX_ACES)
        return td_fail(err, TD_ELIMIT, "security descriptor", "%zu entries; %d is the limit", count, TD_SD_MAX_ACES);
    struct td_slice acl = td_sub(in, from, size);
    sd->aces = td_arena_array(a, struct td_ace, count + 1);
    for (size_t i = 0; i < count; i++) {
        size_t ace = acl.n - at >= 4 ? number(acl, at + 2, 2) : 0;
        bool taken = false;
        if (ace < 4 || ace > acl.n - at)
            return bad(err, "an entry is cut off", from + at);
        td_try(read_ace(td_sub(acl, at, ace), from + at, &sd->aces[sd->ace_count], &taken, err));
        sd->ace_count += taken;
        at += ace;
    }
    sd->has_dacl = true;
    return TD_OK;
}

enum td_code td_security_descriptor_read(struct td_slice bytes, struct td_arena *a, struct td_security_descriptor *ret,
                                         struct td_error *err)
{
    struct td_security_descriptor sd = {0};
    if (bytes.n > TD_SD_MAX)
        return td_fail(err, TD_ELIMIT, "security descriptor", "%zu octets; %d is the limit", bytes.n, TD_SD_MAX);
    if (bytes.n < HEAD || (unsigned char)bytes.p[0] != REVISION)
        return bad(err, "no head of revision 1", 0);
    uint32_t control = number(bytes, 2, 2), owner = number(bytes, 4, 4), dacl = number(bytes, 16, 4);
    if ((control & CONTROL_SELF_RELATIVE) == 0)
        return bad(err, "not a self-relative descriptor", 2);
    sd.has_owner = owner != 0;
    if (sd.has_owner && td_sid_read(td_sub(bytes, owner, bytes.n), &sd.owner, NULL, NULL) != TD_OK)
        return bad(err, "no owner", owner);
    if ((control & CONTROL_DACL) != 0 && dacl != 0)
        td_try(read_acl(bytes, dacl, a, &sd, err));
    *ret = sd;
    return TD_OK;
}

static bool is_one_of(const struct td_sid *sid, const struct td_sid *who, size_t who_count)
{
    for (size_t i = 0; i < who_count; i++)
        if (td_sid_equal(sid, &who[i]))
            return true;
    return false;
}

/* An entry without object holds for every right; one with an object only for that one. */
static bool concerns(const struct td_ace *ace, const unsigned char *right)
{
    return !ace->inherit_only && (!ace->has_object || (right != NULL && memcmp(ace->object, right, 16) == 0));
}

bool td_security_descriptor_grants(const struct td_security_descriptor *sd, const struct td_sid *who, size_t who_count,
                                   uint32_t mask, const unsigned char *right)
{
    uint32_t missing = mask;
    if (!sd->has_dacl)
        return true;
    for (size_t i = 0; missing != 0 && i < sd->ace_count; i++) {
        const struct td_ace *ace = &sd->aces[i];
        if (!concerns(ace, right) || (ace->mask & missing) == 0 || !is_one_of(&ace->who, who, who_count))
            continue;
        if (!ace->allow && !td_fault("sd-deny-unheard"))
            return false;
        missing &= ~ace->mask;
    }
    return missing == 0;
}
