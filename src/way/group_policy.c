#include "way/group_policy.h"

#include "base/fault.h"
#include "codec/security_descriptor.h"

#include <strings.h>

enum {
    LINK_OFF = 1, /* options of a link */
    LINK_ENFORCED = 2,
    COMPUTER_OFF = 2, /* flags of a policy */
    FUNCTIONALITY = 2,
    READ_PROPERTY = 0x10, /* rights */
    CONTROL_ACCESS = 0x100,
    INI_MAX = 65536
};

/* The extended right Apply Group Policy, edacfd8f-ffb3-11d1-b41d-00a0c968f939, as descriptors store it. */
static const unsigned char apply_right[16] = {0x8f, 0xfd, 0xac, 0xed, 0xb3, 0xff, 0xd1, 0x11,
                                              0xb4, 0x1d, 0x00, 0xa0, 0xc9, 0x68, 0xf9, 0x39};

static const struct {
    const char *word, *text;
} verdicts[TD_GP_VERDICT_COUNT] = {
    [TD_GP_APPLIES] = {"applies", "it applies"},
    [TD_GP_EMPTY] = {"empty", "it applies, and holds nothing for computers"},
    [TD_GP_LINK_DISABLED] = {"link-disabled", "its link is switched off"},
    [TD_GP_BLOCKED] = {"blocked", "inheritance is blocked below its place"},
    [TD_GP_MISSING] = {"missing", "this computer sees no such policy"},
    [TD_GP_OTHER_VERSION] = {"other-version", "it is made for other clients"},
    [TD_GP_DISABLED] = {"disabled", "its part for computers is switched off"},
    [TD_GP_DENIED] = {"denied", "its security filter leaves this computer out"},
};

const char *td_gp_word(enum td_gp_verdict verdict)
{
    return verdicts[verdict].word;
}

const char *td_gp_text(enum td_gp_verdict verdict)
{
    return verdicts[verdict].text;
}

/* --- places ------------------------------------------------------------------------------------------------------- */

/* What stands behind the first name of a DN; "" at its end. A comma behind a backward stroke is part of a value. */
static const char *parent(const char *dn)
{
    for (; *dn != '\0' && *dn != ','; dn++)
        if (*dn == '\\' && dn[1] != '\0')
            dn++;
    return *dn == ',' ? dn + 1 : dn;
}

enum td_code td_gp_places(const char *object, const char *domain, struct td_arena *a, struct td_gp_place *ret,
                          size_t *ret_count, struct td_error *err)
{
    const char *up[TD_GP_MAX_PLACES];
    size_t n = 0;
    const char *dn = object;
    while (*dn != '\0' && strcasecmp(dn, domain) != 0) {
        dn = parent(dn);
        bool unit = strncasecmp(dn, "OU=", 3) == 0;
        if (unit && n + 2 >= TD_GP_MAX_PLACES) /* domain and site come to them */
            return td_fail(err, TD_ELIMIT, "dn", "more than %d organizational units", TD_GP_MAX_PLACES - 2);
        if (unit)
            up[n++] = dn;
    }
    if (*dn == '\0')
        return td_fail(err, TD_EFORMAT, "dn", "%s is not in %s", object, domain);
    ret[0] = (struct td_gp_place){.dn = td_arena_strdup(a, domain), .links = ""};
    for (size_t i = 0; i < n; i++)
        ret[1 + i] = (struct td_gp_place){.dn = td_arena_strdup(a, up[n - 1 - i]), .links = ""};
    *ret_count = n + 1;
    return TD_OK;
}

/* --- links -------------------------------------------------------------------------------------------------------- */

struct links {
    struct td_gp_link *list;
    size_t count, cap;
};

/* The next "[LDAP://DN;OPTIONS]"; false at the end. A link that can't be read is left out, as if it were not there. */
static bool next_link(struct td_slice *rest, struct td_slice *ret_dn, uint64_t *ret_options)
{
    for (;;) {
        struct td_slice one;
        size_t open = td_find(*rest, '[');
        if (open == SIZE_MAX)
            return false;
        *rest = td_cut(td_sub(*rest, open + 1, rest->n), ']', &one);
        size_t semicolon = one.n;
        while (semicolon > 0 && one.p[semicolon - 1] != ';')
            semicolon--;
        bool ok =
            semicolon > 0 && td_istarts(one, "LDAP://") && td_parse_u64(td_sub(one, semicolon, one.n), ret_options);
        *ret_dn = ok ? td_sub(one, 7, semicolon - 8) : one;
        if (ok && ret_dn->n != 0)
            return true;
    }
}

static enum td_code add(struct links *l, struct td_arena *a, const struct td_gp_link *link, struct td_error *err)
{
    if (l->count == TD_GP_MAX_LINKS)
        return td_fail(err, TD_ELIMIT, "gPLink", "more than %d links", TD_GP_MAX_LINKS);
    l->list = td_arena_room(a, l->list, l->count, &l->cap, sizeof(*l->list));
    l->list[l->count++] = *link;
    return TD_OK;
}

static enum td_gp_verdict verdict_of_link(uint64_t options, bool blocked)
{
    if ((options & LINK_OFF) != 0)
        return TD_GP_LINK_DISABLED;
    return blocked && (options & LINK_ENFORCED) == 0 ? TD_GP_BLOCKED : TD_GP_APPLIES;
}

static enum td_code read_place(const struct td_gp_place *p, bool blocked, struct td_arena *a, struct links *l,
                               struct td_error *err)
{
    struct td_slice rest = td_str(p->links), dn;
    uint64_t options = 0;
    while (next_link(&rest, &dn, &options)) {
        const struct td_gp_link link = {.policy = td_arena_text(a, dn),
                                        .place = p->dn,
                                        .enforced = (options & LINK_ENFORCED) != 0,
                                        .verdict = verdict_of_link(options, blocked)};
        td_try(add(l, a, &link, err));
    }
    return TD_OK;
}

/* Behind the others come the enforced ones, from the place next to the computer up: the highest has the last word. */
static enum td_code add_enforced(const struct links *from, struct td_arena *a, struct links *to, struct td_error *err)
{
    for (size_t end = from->count; end > 0;) {
        size_t begin = end - 1;
        while (begin > 0 && from->list[begin - 1].place == from->list[end - 1].place)
            begin--;
        for (size_t i = begin; i < end; i++)
            if (from->list[i].enforced && from->list[i].verdict == TD_GP_APPLIES)
                td_try(add(to, a, &from->list[i], err));
        end = begin;
    }
    return TD_OK;
}

enum td_code td_gp_order(const struct td_gp_place *places, size_t count, struct td_arena *a, struct td_gp_link **ret,
                         size_t *ret_count, struct td_error *err)
{
    struct links all = {0}, out = {0};
    size_t wall = 0; /* above this place nothing gets down */
    for (size_t i = 0; i < count; i++)
        if (places[i].blocks && !td_fault("gpo-block-unheard"))
            wall = i;
    for (size_t i = 0; i < count; i++)
        td_try(read_place(&places[i], i < wall, a, &all, err));
    for (size_t i = 0; i < all.count; i++)
        if (!all.list[i].enforced && all.list[i].verdict == TD_GP_APPLIES)
            td_try(add(&out, a, &all.list[i], err));
    td_try(add_enforced(&all, a, &out, err));
    for (size_t i = 0; i < all.count; i++)
        if (all.list[i].verdict != TD_GP_APPLIES)
            td_try(add(&out, a, &all.list[i], err));
    *ret = out.list;
    *ret_count = out.count;
    return TD_OK;
}

/* --- the policy --------------------------------------------------------------------------------------------------- */

static bool is_granted(struct td_slice descriptor, const struct td_sid *who, size_t who_count, struct td_arena *a)
{
    struct td_security_descriptor sd = {0};
    if (descriptor.n == 0 || td_security_descriptor_read(descriptor, a, &sd, NULL) != TD_OK)
        return false;
    return td_security_descriptor_grants(&sd, who, who_count, READ_PROPERTY, NULL) &&
           td_security_descriptor_grants(&sd, who, who_count, CONTROL_ACCESS, apply_right);
}

enum td_gp_verdict td_gp_judge(const struct td_gp_object *o, const struct td_sid *who, size_t who_count,
                               struct td_arena *a)
{
    if (!o->found)
        return TD_GP_MISSING;
    if (o->functionality >= 0 && o->functionality != FUNCTIONALITY)
        return TD_GP_OTHER_VERSION;
    if (o->flags > 0 && (o->flags & COMPUTER_OFF) != 0)
        return TD_GP_DISABLED;
    if (!is_granted(o->descriptor, who, who_count, a) && !td_fault("gpo-filter-unheard"))
        return TD_GP_DENIED;
    return o->version < 0 || td_gp_computer_version(o->version) == 0 ? TD_GP_EMPTY : TD_GP_APPLIES;
}

/* --- its file ----------------------------------------------------------------------------------------------------- */

enum td_code td_gp_path(const char *file_path, const char *domain, const char *controller, struct td_arena *a,
                        const char **ret_share, const char **ret_path, struct td_error *err)
{
    struct td_slice host, share, rest = td_str(file_path);
    if (!td_starts(rest, "\\\\"))
        return td_fail(err, TD_EFORMAT, "gPCFileSysPath", "not a path of a network");
    rest = td_cut(td_sub(rest, 2, rest.n), '\\', &host);
    rest = td_cut(rest, '\\', &share);
    while (rest.n != 0 && rest.p[rest.n - 1] == '\\')
        rest.n--;
    if (!td_ieqs(host, domain) && !td_ieqs(host, controller) && !td_fault("gpo-file-of-anybody"))
        return td_fail(err, TD_EDENIED, "gPCFileSysPath", "it leads away from the domain: nothing is fetched there");
    if (share.n == 0 || rest.n == 0)
        return td_fail(err, TD_EFORMAT, "gPCFileSysPath", "no share, or nothing in it");
    *ret_share = td_arena_text(a, share);
    *ret_path = td_arena_text(a, rest);
    return TD_OK;
}

/* The mark of UTF-8 or blanks before a word are fine; what else stands in the file is the policy's. */
enum td_code td_gp_ini_version(struct td_slice ini, int64_t *ret, struct td_error *err)
{
    struct td_slice rest = td_starts(ini, "\xef\xbb\xbf") ? td_sub(ini, 3, ini.n) : ini, line, key;
    bool general = false;
    if (ini.n > INI_MAX)
        return td_fail(err, TD_ELIMIT, "gpt.ini", "%zu octets; %d is the limit", ini.n, INI_MAX);
    while (rest.n != 0) {
        uint64_t v = 0;
        rest = td_cut(rest, '\n', &line);
        line = td_trim(line);
        if (td_starts(line, "["))
            general = td_ieqs(line, "[General]");
        struct td_slice value = td_trim(td_cut(line, '=', &key));
        if (!general || !td_ieqs(td_trim(key), "Version"))
            continue;
        if (!td_parse_u64(value, &v) || v > UINT32_MAX)
            return td_fail(err, TD_EFORMAT, "gpt.ini", "its version is no number");
        *ret = (int64_t)v;
        return TD_OK;
    }
    return td_fail(err, TD_EFORMAT, "gpt.ini", "it tells no version");
}
