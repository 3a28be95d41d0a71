/* Endorsement certificates: read leniently (attestation.md 3.3, domain-join-and-tpm.md 2.4), chained strictly. */
#include "base/env.h"
#include "base/fault.h"
#include "crypto/cert_lean.h"
#include "crypto/tpm_room.h"

enum { EK_MAX = 16384, MORE_MAX = 8, DEPTH_MAX = 8, CA_MAX = 65536 };

/* Some makers write a name once as UTF8String and once as PrintableString. This only picks candidates: the engine
 * compares by its rules. */
static unsigned char folded(char c)
{
    unsigned char u = (unsigned char)c;
    if (u == 0x0c || u == 0x13 || u == 0x14 || u == 0x16)
        return 0x13;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

static bool alike(struct td_slice a, struct td_slice b)
{
    bool same = a.n == b.n;
    for (size_t i = 0; same && i < a.n; i++)
        same = folded(a.p[i]) == folded(b.p[i]);
    return same;
}

/* ---- reading ---- */

static void set_attribute(struct td_ek_cert *c, struct td_arena *a, const X509_NAME_ENTRY *entry)
{
    static const char *const oids[] = {"2.23.133.2.1", "2.23.133.2.2", "2.23.133.2.3"};
    const char **slots[] = {&c->manufacturer, &c->model, &c->version};
    char oid[64];
    if (OBJ_obj2txt(oid, sizeof(oid), X509_NAME_ENTRY_get_object(entry), 1) <= 0)
        return;
    for (size_t i = 0; i < TD_COUNTOF(oids); i++)
        if (strcmp(oid, oids[i]) == 0)
            *slots[i] = td_x509_text(a, X509_NAME_ENTRY_get_data(entry));
}

/* Decodes an extension by its d2i function; NULL: not there, or not what it should be. */
#define DECODED(x, id, type)                                                             \
    __extension__({                                                                      \
        const unsigned char *decoded_p = (const unsigned char *)(x)->ext[id].p;          \
        (x)->ext[id].n != 0 ? d2i_##type(NULL, &decoded_p, (long)(x)->ext[id].n) : NULL; \
    })

static void read_alternative(const struct td_lean_cert *x, struct td_arena *a, struct td_ek_cert *c)
{
    GENERAL_NAMES *names = DECODED(x, TD_LEAN_ALT_NAME, GENERAL_NAMES);
    for (int i = 0; names != NULL && i < TD_MIN(sk_GENERAL_NAME_num(names), 8); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DIRNAME)
            continue;
        for (int k = 0; k < TD_MIN(X509_NAME_entry_count(name->d.directoryName), 16); k++)
            set_attribute(c, a, X509_NAME_get_entry(name->d.directoryName, k));
    }
    GENERAL_NAMES_free(names);
}

static void read_usage(const struct td_lean_cert *x, struct td_ek_cert *c)
{
    char oid[64];
    BASIC_CONSTRAINTS *bc = DECODED(x, TD_LEAN_CONSTRAINTS, BASIC_CONSTRAINTS);
    c->is_ca = bc != NULL && bc->ca != 0;
    BASIC_CONSTRAINTS_free(bc);
    c->has_eku = x->ext[TD_LEAN_EXT_USAGE].n != 0;
    EXTENDED_KEY_USAGE *eku = DECODED(x, TD_LEAN_EXT_USAGE, EXTENDED_KEY_USAGE);
    for (int i = 0; eku != NULL && i < sk_ASN1_OBJECT_num(eku); i++)
        if (OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(eku, i), 1) > 0 && strcmp(oid, "2.23.133.8.1") == 0)
            c->eku_ok = true;
    EXTENDED_KEY_USAGE_free(eku);
    if (td_fault("ek-any-usage"))
        c->eku_ok = true;
}

static void read_issuer_url(const struct td_lean_cert *x, struct td_arena *a, struct td_ek_cert *c)
{
    AUTHORITY_INFO_ACCESS *aia = DECODED(x, TD_LEAN_ACCESS, AUTHORITY_INFO_ACCESS);
    for (int i = 0; aia != NULL && i < TD_MIN(sk_ACCESS_DESCRIPTION_num(aia), 8) && c->issuer_url[0] == '\0'; i++) {
        const ACCESS_DESCRIPTION *d = sk_ACCESS_DESCRIPTION_value(aia, i);
        if (OBJ_obj2nid(d->method) == NID_ad_ca_issuers && d->location->type == GEN_URI)
            c->issuer_url = td_x509_text(a, d->location->d.uniformResourceIdentifier);
    }
    AUTHORITY_INFO_ACCESS_free(aia);
}

static void read_names(const struct td_lean_cert *x, struct td_arena *a, struct td_ek_cert *c)
{
    const unsigned char *issuer = (const unsigned char *)x->issuer.p, *serial = (const unsigned char *)x->serial.p;
    TD_CLEANUP(x509_name_done) X509_NAME *name = d2i_X509_NAME(NULL, &issuer, (long)x->issuer.n);
    TD_CLEANUP(asn1_int_done) ASN1_INTEGER *number = d2i_ASN1_INTEGER(NULL, &serial, (long)x->serial.n);
    c->issuer = name != NULL ? td_x509_line(a, name) : "";
    c->serial = number != NULL ? td_x509_serial(a, number) : "";
}

/* Signed by its own key, under whatever name; a signature longer or shorter than the key's own is not looked at. */
static bool signed_by_itself(const struct td_lean_cert *x, const struct td_key *key)
{
    bool possible = td_key_kind(key) != TD_KEY_RSA || x->signature.n * 8 == (size_t)td_key_bits(key);
    return td_eq(x->issuer, x->subject) || (possible && td_lean_signed_by(x, key));
}

enum td_code td_ek_cert_read(struct td_slice der, struct td_arena *a, struct td_ek_cert *ret, struct td_error *err)
{
    struct td_lean_cert x = {0};
    struct td_ek_cert c = {.manufacturer = "", .model = "", .version = "", .issuer_url = ""};
    if (!td_lean_read(der, &x))
        return td_fail(err, TD_EFORMAT, "EK certificate", "not readable");
    if (x.der.n > EK_MAX)
        return td_fail(err, TD_ELIMIT, "EK certificate", "%zu octets; %d is the limit", x.der.n, EK_MAX);
    td_try(td_lean_key(&x, &c.key, err));
    c.der = x.der;
    c.not_before = td_lean_time(x.before);
    c.not_after = td_lean_time(x.after);
    c.self_signed = signed_by_itself(&x, c.key);
    read_names(&x, a, &c);
    read_alternative(&x, a, &c);
    read_usage(&x, &c);
    read_issuer_url(&x, a, &c);
    ERR_clear_error();
    *ret = c;
    return TD_OK;
}

void td_ek_cert_done(struct td_ek_cert *c)
{
    td_key_free(c->key);
    c->key = NULL;
}

/* ---- the chain ---- */

struct search {
    struct td_ek_links *links;
    const struct td_slice *anchors, *more;
    size_t anchor_count, more_count, anchor;
    int64_t now;
    bool used[MORE_MAX]; /* further certificates that stand in the path already */
    enum td_code rc;     /* why the latest candidate was refused */
    struct td_error why;
};

static enum td_code check_dates(const struct td_lean_cert *x, const char *whose, int64_t now, struct td_error *err)
{
    if (now == 0)
        return TD_OK;
    if (now < td_lean_time(x->before))
        return td_fail(err, TD_EEXPIRED, "EK certificate", "%s certificate is not good yet", whose);
    if (now > td_lean_time(x->after))
        return td_fail(err, TD_EEXPIRED, "EK certificate", "%s certificate has run out", whose);
    return TD_OK;
}

/* Only between authorities: endorsement certificates come once, and would drive them out. */
static enum td_code check_signature(struct search *s, const struct td_lean_cert *below,
                                    const struct td_lean_cert *above, size_t depth, struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_ek_link link;
    bool kept = s->links != NULL && depth != 0;
    if (kept) {
        td_ek_link_of(below, above, &link);
        if (td_ek_links_has(s->links, &link))
            return TD_OK;
    }
    td_try(td_lean_key(above, &key, err));
    if (!td_lean_signed_by(below, key) && !td_fault("ek-any-signature"))
        return td_fail(err, TD_EAUTH, "EK certificate", "a certificate with its maker's name has not signed it");
    if (kept)
        td_ek_links_keep(s->links, &link);
    return TD_OK;
}

/* May above have issued below, which stands over depth authorities? An anchor is judged like the others: a trusted
 * certificate that is no authority's has issued nothing. */
static enum td_code judge(struct search *s, const struct td_lean_cert *below, const struct td_lean_cert *above,
                          size_t depth)
{
    struct td_error *err = &s->why;
    if (!td_lean_is_authority(above))
        return td_fail(err, TD_EAUTH, "EK certificate", "its maker's certificate is no authority's");
    if (above->strange)
        return td_fail(err, TD_EAUTH, "EK certificate", "its maker's certificate demands what is not known here");
    long most = td_lean_path_length(above);
    if (most >= 0 && (size_t)most < depth && !td_fault("ek-any-path-length"))
        return td_fail(err, TD_EAUTH, "EK certificate", "more authorities stand in its path than they allow");
    td_try(check_signature(s, below, above, depth, err));
    return check_dates(above, "its maker's", s->now, err);
}

static bool leads_on(struct td_slice der, const struct td_lean_cert *below, struct td_lean_cert *ret)
{
    return der.n <= CA_MAX && td_lean_read(der, ret) && alike(ret->subject, below->issuer);
}

static bool found_anchor(struct search *s, const struct td_lean_cert *below, size_t depth)
{
    struct td_lean_cert above = {0};
    for (size_t i = 0; i < s->anchor_count; i++) {
        if (!leads_on(s->anchors[i], below, &above))
            continue;
        s->rc = judge(s, below, &above, depth);
        s->anchor = i;
        if (s->rc == TD_OK)
            return true;
    }
    return false;
}

/* From one certificate to a trusted one: by an anchor, else over one of the further certificates. Each of these stands
 * in a path once, so the search ends; DEPTH_MAX bounds it. */
static bool found_path(struct search *s, const struct td_lean_cert *below, size_t depth) /* NOLINT(misc-no-recursion) */
{
    struct td_lean_cert above = {0};
    if (found_anchor(s, below, depth))
        return true;
    for (size_t i = 0; i < s->more_count && i < MORE_MAX && depth < DEPTH_MAX; i++) {
        if (s->used[i] || !leads_on(s->more[i], below, &above))
            continue;
        s->rc = judge(s, below, &above, depth);
        s->used[i] = true;
        if (s->rc == TD_OK && found_path(s, &above, depth + 1))
            return true;
    }
    return false;
}

enum td_code td_ek_cert_chain(struct td_slice ek, const struct td_slice *anchors, size_t anchor_count,
                              const struct td_slice *more, size_t more_count, int64_t now, size_t *ret_anchor,
                              struct td_error *err)
{
    return td_ek_cert_chain_by(NULL, ek, anchors, anchor_count, more, more_count, now, ret_anchor, err);
}

enum td_code td_ek_cert_chain_by(struct td_ek_links *links, struct td_slice ek, const struct td_slice *anchors,
                                 size_t anchor_count, const struct td_slice *more, size_t more_count, int64_t now,
                                 size_t *ret_anchor, struct td_error *err)
{
    struct td_lean_cert leaf = {0};
    struct search s = {.links = links,
                       .anchors = anchors,
                       .more = more,
                       .anchor_count = anchor_count,
                       .more_count = more_count,
                       .now = now,
                       .rc = TD_EAUTH};
    if (!td_lean_read(ek, &leaf) || leaf.der.n > EK_MAX)
        return td_fail(err, TD_EFORMAT, "EK certificate", "not readable");
    (void)td_fail(&s.why, TD_EAUTH, "EK certificate", "no trusted certificate has issued it or one above it");
    if (!found_path(&s, &leaf, 0)) {
        if (err != NULL)
            *err = s.why;
        return s.rc != TD_OK ? s.rc : s.why.code;
    }
    td_try(check_dates(&leaf, "its own", now, err));
    if (ret_anchor != NULL)
        *ret_anchor = s.anchor;
    return TD_OK;
}
