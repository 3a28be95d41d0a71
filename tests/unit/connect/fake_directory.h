/* A directory made of a table, behind connect/ldap.h: enough of an Active Directory for what stands on top of it.
 *
 *   struct fake_directory f;
 *   fake_init(&f);                                     DC=corp,DC=test with its facts, OU=Autopilot, CN=Computers,
 * OU=People fake_person(&f, "alice", "Alice-Pass-1");          and fake_group, fake_put for anything else
 *   fake_refuse(&f, "add", 50, 5, "00000005: ...");    the next add is refused so; FAKE_DOWN: the line is dead
 *   f.before = hook;                                   runs before each operation: for what others do in between
 *   td_ad_facts(&f.ldap, ...); ... fake_done(&f);
 *
 * It answers as a domain controller does: sequences of a modification apply whole or not at all, passwords are never
 * shown, names are unique in the domain, members come in pieces. fake_bind is a td_ad_bind_fn; ctx is the directory. */
#ifndef TEST_FAKE_DIRECTORY_H
#define TEST_FAKE_DIRECTORY_H

#include "codec/utf16.h"
#include "connect/ad.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FAKE_DN "DC=corp,DC=test"
#define FAKE_OU "OU=Autopilot," FAKE_DN
#define FAKE_OTHER "OU=Elsewhere," FAKE_DN /* nobody may create here */
#define FAKE_PEOPLE "OU=People," FAKE_DN
#define FAKE_SERVER "CN=NTDS Settings,CN=DC1,CN=Servers,CN=Berlin,CN=Sites,CN=Configuration," FAKE_DN
#define FAKE_CLOCK INT64_C(1798718400000000) /* 2026-12-31T12:00:00Z */
enum { FAKE_DOWN = -1, FAKE_ENTRIES = 400, FAKE_ATTRS = 24, FAKE_VALUES = 64 };

struct fake_attr {
    char name[48];
    struct td_slice values[FAKE_VALUES];
    size_t count;
};
struct fake_entry {
    char dn[256]; /* "": a free place */
    struct fake_attr attrs[FAKE_ATTRS];
    size_t count;
};
struct fake_directory {
    struct td_ldap ldap; /* hand &f.ldap to what is tested */
    struct td_arena a;
    struct fake_entry *entries;
    uint64_t usn;
    uint32_t rid;
    size_t range; /* values of member at once; 0: all */
    const char *refuse_op;
    int refuse_code, refuse_skip; /* skip: so many go well before it */
    uint32_t refuse_win32;
    char refuse_text[128];
    void (*before)(struct fake_directory *f, const char *op, const char *dn);
    void *before_ctx;
    int searches, adds, modifies, removes, binds, closed;
};

/* --- table -------------------------------------------------------------------------------------------------------- */

static inline struct fake_entry *fake_find(struct fake_directory *f, const char *dn)
{
    for (size_t i = 0; i < FAKE_ENTRIES; i++)
        if (strcasecmp(f->entries[i].dn, dn) == 0)
            return &f->entries[i];
    return NULL;
}

static inline struct fake_attr *fake_attr_of(struct fake_entry *e, const char *name, bool make)
{
    for (size_t i = 0; i < e->count; i++)
        if (strcasecmp(e->attrs[i].name, name) == 0)
            return &e->attrs[i];
    if (!make || e->count == FAKE_ATTRS)
        return NULL;
    struct fake_attr *at = &e->attrs[e->count++];
    *at = (struct fake_attr){.count = 0};
    snprintf(at->name, sizeof(at->name), "%s", name);
    return at;
}

static inline void fake_value(struct fake_directory *f, struct fake_entry *e, const char *name, struct td_slice value)
{
    struct fake_attr *at = fake_attr_of(e, name, true);
    if (at != NULL && at->count < FAKE_VALUES)
        at->values[at->count++] = td_arena_copy(&f->a, value);
}

static inline void fake_set(struct fake_directory *f, struct fake_entry *e, const char *name, const char *value)
{
    struct fake_attr *at = fake_attr_of(e, name, true);
    at->count = 0;
    fake_value(f, e, name, td_str(value));
}

static inline const char *fake_get(struct fake_directory *f, struct fake_entry *e, const char *name)
{
    struct fake_attr *at = e != NULL ? fake_attr_of(e, name, false) : NULL;
    return at != NULL && at->count != 0 ? td_arena_text(&f->a, at->values[0]) : "";
}

static inline void fake_changed(struct fake_directory *f, struct fake_entry *e)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)++f->usn);
    fake_set(f, e, "uSNChanged", text);
    struct fake_entry *root = fake_find(f, "rootDSE");
    if (root != NULL)
        fake_set(f, root, "highestCommittedUSN", text);
}

/* An entry with a SID and a GUID of its own. */
static inline struct fake_entry *fake_put(struct fake_directory *f, const char *dn, const char *class)
{
    struct td_sid sid = {.count = 5, .authority = 5, .sub = {21, 1, 2, 3, ++f->rid}};
    unsigned char octets[TD_SID_MAX_BYTES], guid[16] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
    struct fake_entry *e = fake_find(f, "");
    *e = (struct fake_entry){.count = 0};
    snprintf(e->dn, sizeof(e->dn), "%s", dn);
    guid[14] = (unsigned char)(f->rid >> 8);
    guid[15] = (unsigned char)f->rid;
    fake_value(f, e, "objectSid", td_bytes(octets, td_sid_write(&sid, octets)));
    fake_value(f, e, "objectGUID", td_bytes(guid, sizeof(guid)));
    fake_value(f, e, "objectClass", TD_S("top"));
    fake_value(f, e, "objectClass", td_str(class));
    fake_changed(f, e);
    return e;
}

static inline const char *fake_guid(struct fake_directory *f, struct fake_entry *e)
{
    char text[37] = "";
    struct fake_attr *at = fake_attr_of(e, "objectGUID", false);
    td_ignore(td_guid_text(at->values[0], text, NULL));
    return td_arena_strdup(&f->a, text);
}

static inline struct fake_entry *fake_person(struct fake_directory *f, const char *sam, const char *password)
{
    struct fake_entry *e = fake_put(f, td_arena_printf(&f->a, "CN=%s,%s", sam, FAKE_PEOPLE), "user");
    fake_set(f, e, "sAMAccountName", sam);
    fake_set(f, e, "userPrincipalName", td_arena_printf(&f->a, "%s@corp.test", sam));
    fake_set(f, e, "displayName", td_arena_printf(&f->a, "%s Example", sam));
    fake_set(f, e, "sAMAccountType", "805306368");
    fake_set(f, e, "userAccountControl", "512");
    fake_set(f, e, "fakePassword", password);
    return e;
}

static inline struct fake_entry *fake_group(struct fake_directory *f, const char *sam)
{
    struct fake_entry *e = fake_put(f, td_arena_printf(&f->a, "CN=%s,%s", sam, FAKE_PEOPLE), "group");
    fake_set(f, e, "sAMAccountName", sam);
    fake_set(f, e, "groupType", "-2147483646");
    return e;
}

static inline struct fake_entry *fake_computer(struct fake_directory *f, const char *name, const char *where,
                                               const char *description)
{
    struct fake_entry *e = fake_put(f, td_arena_printf(&f->a, "CN=%s,%s", name, where), "computer");
    fake_set(f, e, "sAMAccountName", td_arena_printf(&f->a, "%s$", name));
    fake_set(f, e, "userAccountControl", "4096");
    fake_set(f, e, "sAMAccountType", "805306369");
    if (description[0] != '\0')
        fake_set(f, e, "description", description);
    return e;
}

static inline struct fake_entry *fake_account(struct fake_directory *f, const char *name)
{
    const char *account = td_arena_printf(&f->a, "%s$", name);
    for (size_t i = 0; i < FAKE_ENTRIES; i++)
        if (f->entries[i].dn[0] != '\0' && strcasecmp(fake_get(f, &f->entries[i], "sAMAccountName"), account) == 0)
            return &f->entries[i];
    return NULL;
}

/* --- filters ------------------------------------------------------------------------------------------------------ */

static inline struct td_slice fake_unescape(struct fake_directory *f, struct td_slice s)
{
    char *out = td_arena_alloc(&f->a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned int octet = 0;
        if (s.p[i] == '\\' && i + 2 < s.n + 0 && sscanf(s.p + i + 1, "%2x", &octet) == 1) {
            out[n++] = (char)octet;
            i += 2;
        } else
            out[n++] = s.p[i];
    }
    return td_bytes(out, n);
}

static inline bool fake_value_fits(struct td_slice value, char op, struct td_slice want)
{
    int64_t x = 0, y = 0;
    if (op == '=')
        return td_ieq(value, want);
    if (!td_parse_i64(value, &x) || !td_parse_i64(want, &y))
        return false;
    return op == '>' ? x >= y : x <= y;
}

static inline bool fake_test(struct fake_directory *f, struct fake_entry *e, struct td_slice item)
{
    size_t at = td_find(item, '=');
    char op = at > 0 && (item.p[at - 1] == '>' || item.p[at - 1] == '<') ? item.p[at - 1] : '=';
    const char *name = td_arena_text(&f->a, td_sub(item, 0, op == '=' ? at : at - 1));
    struct td_slice want = td_sub(item, at + 1, SIZE_MAX);
    struct fake_attr *attr = fake_attr_of(e, name, false);
    if (attr == NULL)
        return false;
    if (td_eqs(want, "*"))
        return true;
    want = fake_unescape(f, want);
    for (size_t i = 0; i < attr->count; i++)
        if (fake_value_fits(attr->values[i], op, want))
            return true;
    return false;
}

/* *p stands at '('; behind its ')' afterwards. */
static inline bool fake_matches(struct fake_directory *f, struct fake_entry *e, const char **p)
{
    char kind = *++*p;
    if (kind != '&' && kind != '|' && kind != '!') {
        const char *from = *p;
        while (**p != ')' && **p != '\0')
            ++*p;
        bool fits = fake_test(f, e, td_bytes(from, (size_t)(*p - from)));
        ++*p;
        return fits;
    }
    bool all = true, any = false;
    ++*p;
    while (**p == '(') {
        bool fits = fake_matches(f, e, p);
        all = all && fits;
        any = any || fits;
    }
    ++*p;
    return kind == '&' ? all : kind == '|' ? any : !any;
}

/* --- operations --------------------------------------------------------------------------------------------------- */

static inline struct fake_directory *fake_of(struct td_ldap *l)
{
    return (struct fake_directory *)l;
}

static inline enum td_code fake_no(struct fake_directory *f, int code, uint32_t win32, const char *text,
                                   struct td_error *err)
{
    static const struct {
        int code;
        enum td_code as;
    } rows[] = {{10, TD_EINVAL},  {11, TD_ELIMIT},       {16, TD_ESTATE},  {32, TD_ENOTFOUND},          {49, TD_EAUTH},
                {50, TD_EDENIED}, {51, TD_EUNAVAILABLE}, {68, TD_EEXISTS}, {FAKE_DOWN, TD_EUNAVAILABLE}};
    enum td_code as = TD_EINVAL;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (rows[i].code == code)
            as = rows[i].as;
    f->ldap.last = (struct td_ldap_result){.code = code, .win32 = win32};
    snprintf(f->ldap.last.text, sizeof(f->ldap.last.text), "%s", text);
    return td_fail(err, as, "fake", "the directory answers %d: %s", code, text);
}

static inline void fake_refuse(struct fake_directory *f, const char *op, int code, uint32_t win32, const char *text)
{
    f->refuse_op = op;
    f->refuse_code = code;
    f->refuse_win32 = win32;
    f->refuse_skip = 0;
    snprintf(f->refuse_text, sizeof(f->refuse_text), "%s", text);
}

/* Before each operation: the hook, then what fake_refuse said (once). */
static inline enum td_code fake_enter(struct fake_directory *f, const char *op, const char *dn, struct td_error *err)
{
    if (f->before != NULL)
        f->before(f, op, dn);
    if (f->refuse_op == NULL || strcmp(f->refuse_op, op) != 0 || f->refuse_skip-- > 0)
        return TD_OK;
    f->refuse_op = NULL;
    return fake_no(f, f->refuse_code, f->refuse_win32, f->refuse_text, err);
}

static inline bool fake_below(const char *dn, const char *base, enum td_ldap_scope scope)
{
    size_t n = strlen(dn), b = strlen(base);
    if (scope == TD_LDAP_BASE)
        return strcasecmp(dn, base) == 0;
    if (n <= b || strcasecmp(dn + n - b, base) != 0 || dn[n - b - 1] != ',')
        return scope == TD_LDAP_SUBTREE && strcasecmp(dn, base) == 0;
    return scope == TD_LDAP_SUBTREE || memchr(dn, ',', n - b - 1) == NULL;
}

/* Members as extended DNs, in pieces: `from` is what "member;range=N-*" asked for. */
static inline void fake_members(struct fake_directory *f, struct fake_attr *at, size_t from, struct td_arena *a,
                                struct td_ldap_value *ret)
{
    struct td_slice *values = td_arena_array(a, struct td_slice, FAKE_VALUES);
    size_t end = f->range != 0 && from + f->range < at->count ? from + f->range : at->count;
    for (size_t i = from; i < end; i++) {
        struct fake_entry *e = fake_find(f, td_arena_text(a, at->values[i]));
        values[ret->count++] = td_str(e != NULL ? td_arena_printf(a, "<GUID=%s>;%s", fake_guid(f, e), e->dn)
                                                : td_arena_text(a, at->values[i]));
    }
    ret->values = values;
    /* as both kinds of servers do where a range was asked for */
    if (strcasecmp(ret->name, "member") != 0 || end != at->count)
        ret->name = end == at->count ? td_arena_printf(a, "member;range=%zu-*", from)
                                     : td_arena_printf(a, "member;range=%zu-%zu", from, end - 1);
}

static inline void fake_show(struct fake_directory *f, struct fake_entry *e, const struct td_ldap_search *s,
                             struct td_arena *a, struct td_ldap_entry *ret)
{
    struct td_ldap_value *attrs = td_arena_array(a, struct td_ldap_value, FAKE_ATTRS);
    *ret = (struct td_ldap_entry){.dn = td_arena_strdup(a, strcmp(e->dn, "rootDSE") == 0 ? "" : e->dn), .attrs = attrs};
    for (size_t i = 0; s->attrs[i] != NULL; i++) {
        size_t from = 0;
        bool ranged = sscanf(s->attrs[i], "member;range=%zu-*", &from) == 1;
        struct fake_attr *at = fake_attr_of(e, ranged ? "member" : s->attrs[i], false);
        if (at == NULL || at->count == 0 || strncasecmp(at->name, "fake", 4) == 0 ||
            strcasecmp(at->name, "unicodePwd") == 0)
            continue;
        struct td_ldap_value *v = &attrs[ret->attr_count++];
        *v = (struct td_ldap_value){.name = s->attrs[i]};
        if (strcasecmp(at->name, "member") == 0 && s->extended_dn) {
            fake_members(f, at, from, a, v);
            continue;
        }
        struct td_slice *values = td_arena_array(a, struct td_slice, at->count);
        for (size_t k = 0; k < at->count; k++)
            values[v->count++] = td_arena_copy(a, at->values[k]);
        v->values = values;
    }
}

static inline enum td_code fake_search(struct td_ldap *l, const struct td_ldap_search *s, struct td_arena *a,
                                       enum td_code (*row)(void *ctx, const struct td_ldap_entry *e,
                                                           struct td_error *err),
                                       void *ctx, struct td_error *err)
{
    struct fake_directory *f = fake_of(l);
    const char *base = s->base[0] == '\0' ? "rootDSE" : s->base;
    size_t rows = 0;
    f->searches++;
    td_try(fake_enter(f, "search", base, err));
    if (fake_find(f, base) == NULL)
        return fake_no(f, 32, 0x208D, "0000208D: NameErr: no such object", err);
    for (size_t i = 0; i < FAKE_ENTRIES; i++) {
        struct td_arena own TD_CLEANUP(td_arena_done) = {NULL};
        struct fake_entry *e = &f->entries[i];
        struct td_ldap_entry shown;
        const char *filter = s->filter;
        bool gone = fake_get(f, e, "isDeleted")[0] != '\0';
        if (e->dn[0] == '\0' || (gone && !s->deleted) || !fake_below(e->dn, base, s->scope) ||
            !fake_matches(f, e, &filter))
            continue;
        if (s->max_rows != 0 && ++rows > s->max_rows)
            return td_fail(err, TD_ELIMIT, "search", "too many");
        fake_show(f, e, s, a != NULL ? a : &own, &shown);
        td_try(row(ctx, &shown, err));
    }
    return TD_OK;
}

static inline bool fake_has_value(const struct fake_attr *at, struct td_slice v, size_t *ret_at)
{
    for (size_t i = 0; at != NULL && i < at->count; i++)
        if (td_ieq(at->values[i], v)) {
            *ret_at = i;
            return true;
        }
    return false;
}

static inline enum td_code fake_change(struct fake_directory *f, struct fake_entry *e, const struct td_ldap_change *c,
                                       struct td_error *err)
{
    struct fake_attr *at = fake_attr_of(e, c->value.name, true);
    size_t where = 0;
    if (c->kind == TD_LDAP_REPLACE)
        at->count = 0;
    for (size_t i = 0; i < c->value.count; i++) {
        bool there = fake_has_value(at, c->value.values[i], &where);
        if (c->kind == TD_LDAP_DELETE_VALUE) {
            if (!there)
                return fake_no(f, 16, 0x2085, "00002085: no such value", err);
            at->values[where] = at->values[--at->count];
            continue;
        }
        if (there || (strcasecmp(at->name, "description") == 0 && at->count != 0))
            return fake_no(f, 20, 0x2083, "00002083: the attribute or value exists", err);
        fake_value(f, e, at->name, c->value.values[i]);
    }
    return TD_OK;
}

static inline enum td_code fake_add(struct td_ldap *l, const char *dn, const struct td_ldap_value *attrs, size_t count,
                                    struct td_error *err)
{
    struct fake_directory *f = fake_of(l);
    const char *parent = strchr(dn, ',');
    f->adds++;
    td_try(fake_enter(f, "add", dn, err));
    if (parent == NULL || fake_find(f, parent + 1) == NULL)
        return fake_no(f, 32, 0x208D, "0000208D: the parent is not there", err);
    if (strcasecmp(parent + 1, FAKE_OTHER) == 0)
        return fake_no(f, 50, 5, "00000005: acl_add: not allowed", err);
    if (fake_find(f, dn) != NULL)
        return fake_no(f, 68, 0x2071, "00002071: the entry exists", err);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; strcasecmp(attrs[i].name, "sAMAccountName") == 0 && k < FAKE_ENTRIES; k++)
            if (f->entries[k].dn[0] != '\0' &&
                td_ieqs(attrs[i].values[0], fake_get(f, &f->entries[k], "sAMAccountName")))
                return fake_no(f, 19, 0x21C7, "000021C7: samldb: spn[HOST/PC] would cause a conflict", err);
    struct fake_entry *e = fake_put(f, dn, "user");
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < attrs[i].count; k++)
            fake_value(f, e, attrs[i].name, attrs[i].values[k]);
    return TD_OK;
}

static inline enum td_code fake_modify(struct td_ldap *l, const char *dn, const struct td_ldap_change *changes,
                                       size_t count, struct td_error *err)
{
    struct fake_directory *f = fake_of(l);
    f->modifies++;
    td_try(fake_enter(f, "modify", dn, err));
    struct fake_entry *e = fake_find(f, dn);
    if (e == NULL)
        return fake_no(f, 32, 0x208D, "0000208D: no such object", err);
    struct fake_entry *copy = td_arena_alloc(&f->a, sizeof(*copy));
    *copy = *e;
    for (size_t i = 0; i < count; i++)
        td_try(fake_change(f, copy, &changes[i], err));
    *e = *copy;
    fake_changed(f, e);
    return TD_OK;
}

static inline enum td_code fake_remove(struct td_ldap *l, const char *dn, bool subtree, struct td_error *err)
{
    struct fake_directory *f = fake_of(l);
    f->removes++;
    td_try(fake_enter(f, "remove", dn, err));
    struct fake_entry *e = fake_find(f, dn);
    if (e == NULL)
        return fake_no(f, 32, 0x208D, "0000208D: no such object", err);
    for (size_t i = 0; i < FAKE_ENTRIES; i++) {
        if (&f->entries[i] == e || f->entries[i].dn[0] == '\0' || !fake_below(f->entries[i].dn, dn, TD_LDAP_SUBTREE))
            continue;
        if (!subtree)
            return fake_no(f, 66, 0x2015, "00002015: something is below it", err);
        f->entries[i].dn[0] = '\0';
    }
    e->dn[0] = '\0';
    return TD_OK;
}

static inline void fake_close(struct td_ldap *l)
{
    fake_of(l)->closed++;
}

/* td_ad_bind_fn: a person's password; "fakeBind" of the entry is the win32 code that a right one is refused with. */
static inline enum td_code fake_bind(void *ctx, const char *user, const char *password, struct td_ldap_result *ret_why,
                                     struct td_error *err)
{
    struct fake_directory *f = ctx;
    uint64_t win32 = 0;
    f->binds++;
    td_try(fake_enter(f, "bind", user, err));
    struct fake_entry *e = fake_find(f, user);
    *ret_why = (struct td_ldap_result){.code = 49, .win32 = 1326};
    if (e == NULL || strcmp(fake_get(f, e, "fakePassword"), password) != 0)
        return td_fail(err, TD_EAUTH, "bind", "data 52e");
    if (!td_parse_u64(td_str(fake_get(f, e, "fakeBind")), &win32) || win32 == 0)
        return TD_OK;
    ret_why->win32 = (uint32_t)win32;
    return td_fail(err, TD_EAUTH, "bind", "data %llx", (unsigned long long)win32);
}

/* --- a domain ----------------------------------------------------------------------------------------------------- */

static inline void fake_init(struct fake_directory *f)
{
    static const struct td_ldap_ops ops = {fake_search, fake_add, fake_modify, fake_remove, fake_close};
    *f = (struct fake_directory){.ldap.ops = &ops, .rid = 1000, .usn = 5000};
    f->entries = td_alloc(FAKE_ENTRIES * sizeof(*f->entries));
    struct fake_entry *root = fake_put(f, "rootDSE", "top");
    fake_set(f, root, "defaultNamingContext", FAKE_DN);
    fake_set(f, root, "rootDomainNamingContext", FAKE_DN);
    fake_set(f, root, "configurationNamingContext", "CN=Configuration," FAKE_DN);
    fake_set(f, root, "dnsHostName", "dc1.corp.test");
    fake_set(f, root, "currentTime", "20261231120000.0Z");
    fake_set(f, root, "dsServiceName", FAKE_SERVER);
    struct fake_entry *domain = fake_put(f, FAKE_DN, "domainDNS");
    fake_attr_of(domain, "objectSid", false)->count = 0;
    fake_value(f, domain, "objectSid", TD_S("\1\4\0\0\0\0\0\5\x15\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0"));
    fake_set(f, domain, "wellKnownObjects", "B:32:AA312825768811D1ADED00C04FD8D5CD:CN=Computers," FAKE_DN);
    fake_put(f, "CN=Configuration," FAKE_DN, "configuration");
    fake_put(f, "CN=Partitions,CN=Configuration," FAKE_DN, "crossRefContainer");
    struct fake_entry *cross = fake_put(f, "CN=CORP,CN=Partitions,CN=Configuration," FAKE_DN, "crossRef");
    fake_set(f, cross, "nCName", FAKE_DN);
    fake_set(f, cross, "nETBIOSName", "CORP");
    fake_set(f, cross, "dnsRoot", "corp.test");
    fake_value(f, fake_put(f, FAKE_SERVER, "nTDSDSA"), "invocationId", TD_S("\1\0\0\0\2\0\3\0\4\5\6\7\x8\x9\xA\xB"));
    fake_put(f, "CN=Computers," FAKE_DN, "container");
    fake_put(f, FAKE_OU, "organizationalUnit");
    fake_put(f, FAKE_OTHER, "organizationalUnit");
    fake_put(f, FAKE_PEOPLE, "organizationalUnit");
    fake_put(f, "CN=Deleted Objects," FAKE_DN, "container");
}

static inline void fake_done(struct fake_directory *f)
{
    td_arena_wipe(&f->a);
    td_free(TD_TAKE(f->entries));
}

#endif
