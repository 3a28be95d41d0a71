#include "base/fault.h"
#include "codec/odj_in.h"
#include "codec/utf16.h"

enum { MAX_LIST = 16 };

/* One serialized body, and what was wrong with it first: readers go on, and look at the end of each structure. */
struct body {
    const char *origin; /* the blob's first octet: errors tell where they stand in it */
    struct td_slice all;
    size_t at;
    const char *wrong;
    size_t wrong_at;
    struct td_arena *arena;
};

struct win7 {
    const char *given; /* what the domain was called when the blob was made: its DNS or its NetBIOS name */
    struct td_odj odj;
};

/* What was found so far. */
struct found {
    bool has_win7, has_account;
    struct win7 win7;
    uint32_t rid;
    struct td_sid account;
    struct td_odj_part extra[TD_ODJ_EXTRA_MAX];
    size_t extra_count;
};

static void wrong(struct body *b, const char *why)
{
    if (b->wrong == NULL) {
        b->wrong = why;
        b->wrong_at = (size_t)(b->all.p - b->origin) + b->at;
    }
}

static enum td_code judge(const struct body *b, struct td_error *err)
{
    if (b->wrong == NULL)
        return TD_OK;
    return td_fail(err, TD_EFORMAT, "blob", "%s at octet %zu", b->wrong, b->wrong_at);
}

static struct td_slice take(struct body *b, size_t n)
{
    if (b->wrong == NULL && n > b->all.n - b->at)
        wrong(b, "it ends too early, or a count is too big,");
    if (b->wrong != NULL)
        return TD_S("");
    struct td_slice out = td_sub(b->all, b->at, n);
    b->at += n;
    return out;
}

static uint32_t number(struct body *b, size_t n)
{
    struct td_slice s = take(b, n);
    uint32_t v = 0;
    for (size_t i = s.n; i > 0; i--)
        v = v << 8 | (unsigned char)s.p[i - 1];
    return v;
}
static uint32_t get32(struct body *b)
{
    return number(b, 4);
}

static void align4(struct body *b)
{
    (void)take(b, (4 - b->at % 4) % 4);
}

/* The head of a serialized body, its length, and the pointer to its top structure. */
static enum td_code begin(struct td_slice in, const char *origin, struct td_arena *a, struct body *ret,
                          struct td_error *err)
{
    struct body head = {.origin = origin, .all = in, .arena = a};
    struct td_slice mark = take(&head, sizeof(odj_head));
    uint32_t n = get32(&head);
    (void)get32(&head);
    if (head.wrong == NULL && memcmp(mark.p, odj_head, 4) != 0)
        return td_fail(err, TD_EFORMAT, "blob", "no serialized structure of version 1 at octet %zu",
                       (size_t)(in.p - origin));
    td_try(judge(&head, err));
    if (n != in.n - ODJ_HEAD)
        return td_fail(err, TD_EFORMAT, "blob", "a structure of %u octets in %zu at octet %zu", n, in.n - ODJ_HEAD,
                       (size_t)(in.p - origin));
    *ret = (struct body){.origin = origin, .all = in, .at = ODJ_HEAD, .arena = a};
    if (get32(ret) == 0)
        wrong(ret, "an empty structure");
    return judge(ret, err);
}

static bool well_formed(struct td_slice utf16)
{
    bool high = false;
    for (size_t i = 0; i + 1 < utf16.n; i += 2) {
        unsigned u = (unsigned char)utf16.p[i] | (unsigned)(unsigned char)utf16.p[i + 1] << 8;
        bool low = u >= 0xDC00 && u < 0xE000;
        if (u == 0 || low != high)
            return false;
        high = u >= 0xD800 && u < 0xDC00;
    }
    return !high;
}

static const char *utf8(struct body *b, struct td_slice utf16)
{
    struct td_buf out;
    if (!well_formed(utf16)) {
        wrong(b, "a text that is not UTF-16");
        return "";
    }
    td_buf_init(&out, (size_t)TD_ODJ_MAX * 2);
    td_utf16_add_utf8(&out, utf16, false);
    const char *text = td_arena_text(b->arena, td_buf_slice(&out));
    td_buf_wipe(&out);
    return text;
}

/* A text of its own, with its NUL; "" for a null pointer. */
static const char *text(struct body *b, uint32_t pointer)
{
    if (pointer == 0)
        return "";
    align4(b);
    uint32_t max = get32(b), offset = get32(b), n = get32(b);
    if (b->wrong == NULL && (offset != 0 || n == 0 || n > max))
        wrong(b, "a text whose counts do not fit");
    struct td_slice s = take(b, (size_t)n * 2);
    if (b->wrong == NULL && (s.p[s.n - 1] != 0 || s.p[s.n - 2] != 0) && !td_fault("odj-nul-unseen"))
        wrong(b, "a text without end");
    return b->wrong == NULL ? utf8(b, td_sub(s, 0, s.n - 2)) : "";
}

struct counted {
    uint32_t octets, room, pointer;
};
static struct counted counted_head(struct body *b)
{
    struct counted c = {.octets = number(b, 2)};
    c.room = number(b, 2);
    c.pointer = get32(b);
    return c;
}

static const char *counted(struct body *b, struct counted c)
{
    if (c.pointer == 0)
        return "";
    align4(b);
    uint32_t max = get32(b), offset = get32(b), n = get32(b);
    if (b->wrong == NULL && (offset != 0 || n > max || c.octets != n * 2 || c.room < c.octets || max > c.room))
        wrong(b, "a text whose counts do not fit");
    struct td_slice s = take(b, (size_t)n * 2);
    return b->wrong == NULL ? utf8(b, s) : "";
}

static void guid(struct body *b, unsigned char ret[16])
{
    struct td_slice s = take(b, 16);
    if (s.n == 16)
        memcpy(ret, s.p, 16);
}

static void sid(struct body *b, uint32_t pointer, struct td_sid *ret)
{
    size_t used = 0;
    if (pointer == 0) {
        wrong(b, "no identifier of the domain");
        return;
    }
    align4(b);
    uint32_t count = get32(b);
    struct td_slice rest = td_sub(b->all, b->at, TD_SID_MAX_BYTES);
    if (b->wrong == NULL && (td_sid_read(rest, ret, &used, NULL) != TD_OK || ret->count != count))
        wrong(b, "no identifier of a domain");
    (void)take(b, used);
}

static enum td_code read_win7(struct td_slice in, const char *origin, struct td_arena *a, struct win7 *ret,
                              struct td_error *err)
{
    struct body b = {0};
    struct win7 w = {0};
    struct td_odj *o = &w.odj;
    struct counted names[3] = {0};
    unsigned char again[16] = {0};
    td_try(begin(in, origin, a, &b, err));
    uint32_t given = get32(&b), machine = get32(&b), password = get32(&b);
    for (size_t i = 0; i < TD_COUNTOF(names); i++)
        names[i] = counted_head(&b);
    guid(&b, o->domain_guid);
    uint32_t id = get32(&b), dc = get32(&b), address = get32(&b);
    (void)get32(&b); /* of what kind the address is: it says so itself */
    guid(&b, again);
    uint32_t domain = get32(&b), forest = get32(&b);
    o->dc.flags = get32(&b);
    uint32_t dc_site = get32(&b), client_site = get32(&b);
    o->options = get32(&b);
    w.given = text(&b, given);
    o->machine = text(&b, machine);
    o->password = text(&b, password);
    o->netbios = counted(&b, names[0]);
    o->domain = counted(&b, names[1]);
    o->forest = counted(&b, names[2]);
    sid(&b, id, &o->domain_sid);
    o->dc.name = text(&b, dc);
    o->dc.address = text(&b, address);
    o->dc.domain = text(&b, domain);
    o->dc.forest = text(&b, forest);
    o->dc.dc_site = text(&b, dc_site);
    o->dc.client_site = text(&b, client_site);
    td_try(judge(&b, err));
    if (!td_ieqs(td_str(w.given), o->domain) && !td_ieqs(td_str(w.given), o->netbios))
        return td_fail(err, TD_EFORMAT, "blob", "it tells of two domains");
    *ret = w;
    return TD_OK;
}

static bool same_win7(const struct win7 *x, const struct win7 *y)
{
    const struct td_odj *a = &x->odj, *b = &y->odj;
    const char *const pairs[][2] = {
        {x->given, y->given},         {a->domain, b->domain},         {a->netbios, b->netbios},
        {a->forest, b->forest},       {a->machine, b->machine},       {a->password, b->password},
        {a->dc.name, b->dc.name},     {a->dc.address, b->dc.address}, {a->dc.domain, b->dc.domain},
        {a->dc.forest, b->dc.forest}, {a->dc.dc_site, b->dc.dc_site}, {a->dc.client_site, b->dc.client_site},
    };
    for (size_t i = 0; i < TD_COUNTOF(pairs); i++)
        if (strcmp(pairs[i][0], pairs[i][1]) != 0)
            return false;
    return a->options == b->options && a->dc.flags == b->dc.flags && td_sid_equal(&a->domain_sid, &b->domain_sid) &&
           memcmp(a->domain_guid, b->domain_guid, 16) == 0;
}

/* A blob holds it twice, for old readers and for new ones: what differs was spoilt on the way. */
static enum td_code take_win7(struct td_slice in, const char *origin, struct td_arena *a, struct found *f,
                              struct td_error *err)
{
    struct win7 w = {0};
    td_try(read_win7(in, origin, a, &w, err));
    if (f->has_win7 && !same_win7(&f->win7, &w) && !td_fault("odj-two-stories"))
        return td_fail(err, TD_EFORMAT, "blob", "its two parts tell of different accounts");
    f->win7 = w;
    f->has_win7 = true;
    return TD_OK;
}

static enum td_code take_account(struct td_slice in, const char *origin, struct td_arena *a, struct found *f,
                                 struct td_error *err)
{
    struct body b = {0};
    td_try(begin(in, origin, a, &b, err));
    f->rid = get32(&b);
    uint32_t pointer = get32(&b);
    const char *whole = text(&b, pointer);
    td_try(judge(&b, err));
    if (td_sid_parse(td_str(whole), &f->account, NULL) != TD_OK)
        return td_fail(err, TD_EFORMAT, "blob", "no identifier of the account");
    f->has_account = true;
    return TD_OK;
}

static enum td_code take_part(const struct td_odj_part *p, const char *origin, struct td_arena *a, struct found *f,
                              struct td_error *err)
{
    if (memcmp(p->guid, odj_part_win7, 16) == 0)
        return take_win7(p->bytes, origin, a, f, err);
    if (memcmp(p->guid, odj_part_account, 16) == 0)
        return take_account(p->bytes, origin, a, f, err);
    if (!odj_known_part(p->guid) && p->essential && !td_fault("odj-essential-unheard"))
        return td_fail(err, TD_ENOTOFFERED, "blob", "it holds a part that must be understood, and is not known");
    if (!odj_known_part(p->guid))
        return TD_OK;
    if (f->extra_count == TD_ODJ_EXTRA_MAX)
        return td_fail(err, TD_ELIMIT, "blob", "more than %d further parts", TD_ODJ_EXTRA_MAX);
    f->extra[f->extra_count] = *p;
    f->extra[f->extra_count++].bytes = td_arena_copy(a, p->bytes);
    return TD_OK;
}

/* Octets behind their count, which the head of the list has said before; nothing for a null pointer. */
static struct td_slice octets(struct body *b, uint32_t length, uint32_t pointer)
{
    if (pointer == 0) {
        if (length != 0)
            wrong(b, "octets that are not there");
        return TD_S("");
    }
    align4(b);
    if (get32(b) != length)
        wrong(b, "a count that was another one before");
    return take(b, length);
}

/* The length of a list, said twice. */
static uint32_t count(struct body *b, uint32_t before, uint32_t pointer)
{
    uint32_t n = pointer != 0 ? get32(b) : 0;
    if (n != before || n > MAX_LIST)
        wrong(b, "a list whose count does not fit");
    return b->wrong == NULL ? n : 0;
}

/* Extensions hold nothing that we know; their octets stand behind those of their owner. */
static enum td_code read_collection(struct td_slice in, const char *origin, struct td_arena *a, struct found *f,
                                    struct td_error *err)
{
    struct {
        struct td_odj_part part;
        uint32_t length, pointer, more, more_pointer;
    } heads[MAX_LIST] = {0};
    struct body b = {0};
    td_try(begin(in, origin, a, &b, err));
    uint32_t n = get32(&b), pointer = get32(&b);
    (void)take(&b, 8);
    n = count(&b, n, pointer);
    for (uint32_t i = 0; i < n; i++) {
        guid(&b, heads[i].part.guid);
        heads[i].part.essential = (get32(&b) & ODJ_PART_ESSENTIAL) != 0;
        heads[i].length = get32(&b);
        heads[i].pointer = get32(&b);
        heads[i].more = get32(&b);
        heads[i].more_pointer = get32(&b);
    }
    for (uint32_t i = 0; i < n; i++) {
        heads[i].part.bytes = octets(&b, heads[i].length, heads[i].pointer);
        (void)octets(&b, heads[i].more, heads[i].more_pointer);
    }
    td_try(judge(&b, err));
    for (uint32_t i = 0; i < n; i++)
        td_try(take_part(&heads[i].part, origin, a, f, err));
    return TD_OK;
}

static enum td_code read_package(struct td_slice in, const char *origin, struct td_arena *a, struct found *f,
                                 struct td_error *err)
{
    static const unsigned char none[16];
    unsigned char encryption[16] = {0};
    struct body b = {0};
    td_try(begin(in, origin, a, &b, err));
    guid(&b, encryption);
    uint32_t context = get32(&b), context_pointer = get32(&b), length = get32(&b), pointer = get32(&b);
    (void)take(&b, 12);
    (void)octets(&b, context, context_pointer);
    struct td_slice inner = octets(&b, length, pointer);
    td_try(judge(&b, err));
    if (memcmp(encryption, none, 16) != 0)
        return td_fail(err, TD_ENOTOFFERED, "blob", "its package is encrypted");
    return read_collection(inner, origin, a, f, err);
}

static enum td_code read_provision(struct td_slice in, struct td_arena *a, struct found *f, struct td_error *err)
{
    struct {
        uint32_t format, length, pointer;
        struct td_slice bytes;
    } forms[MAX_LIST] = {0};
    struct body b = {0};
    td_try(begin(in, in.p, a, &b, err));
    uint32_t version = get32(&b), n = get32(&b), pointer = get32(&b);
    if (b.wrong == NULL && version != ODJ_VERSION)
        return td_fail(err, TD_ENOTOFFERED, "blob", "its version is %u; 1 is known", version);
    n = count(&b, n, pointer);
    for (uint32_t i = 0; i < n; i++) {
        forms[i].format = get32(&b);
        forms[i].length = get32(&b);
        forms[i].pointer = get32(&b);
    }
    for (uint32_t i = 0; i < n; i++)
        forms[i].bytes = octets(&b, forms[i].length, forms[i].pointer);
    td_try(judge(&b, err));
    for (uint32_t i = 0; i < n; i++) {
        if (forms[i].format == ODJ_FORMAT_WIN7)
            td_try(take_win7(forms[i].bytes, in.p, a, f, err));
        else if (forms[i].format == ODJ_FORMAT_WIN8)
            td_try(read_package(forms[i].bytes, in.p, a, f, err));
    }
    return TD_OK;
}

/* The account is one of the domain's, or the parts are not of one blob. */
static bool account_fits(const struct found *f)
{
    struct td_sid domain = {0};
    uint32_t rid = 0;
    return !f->has_account || (td_sid_split(&f->account, &domain, &rid, NULL) == TD_OK && rid == f->rid &&
                               td_sid_equal(&domain, &f->win7.odj.domain_sid));
}

enum td_code td_odj_read(struct td_slice blob, struct td_arena *a, struct td_odj *ret, struct td_error *err)
{
    struct found f = {0};
    if (blob.n > TD_ODJ_MAX)
        return td_fail(err, TD_ELIMIT, "blob", "%zu octets; %d is the limit", blob.n, TD_ODJ_MAX);
    td_try(read_provision(blob, a, &f, err));
    if (!f.has_win7)
        return td_fail(err, TD_EFORMAT, "blob", "it holds no join to a domain");
    if (!account_fits(&f))
        return td_fail(err, TD_EFORMAT, "blob", "its account is of another domain");
    struct td_odj odj = f.win7.odj;
    odj.rid = f.rid;
    memcpy(odj.extra, f.extra, sizeof(odj.extra));
    odj.extra_count = f.extra_count;
    struct td_error why = {0};
    if (odj_check(&odj, &why) != TD_OK)
        return td_fail(err, TD_EFORMAT, "blob", "%s: %s", why.where, why.text);
    *ret = odj;
    return TD_OK;
}

/* --- the part for certificates ------------------------------------------------------------------------------------ */

struct roots {
    struct td_slice *list;
    size_t count;
};

/* One store: properties of certificates stand before each and are skipped. */
static enum td_code read_store(struct td_slice in, const char *origin, struct td_arena *a, struct roots *r,
                               struct td_error *err)
{
    struct body b = {.origin = origin, .all = in, .arena = a};
    struct td_slice head = take(&b, SST_HEAD);
    if (b.wrong == NULL && memcmp(head.p, odj_sst_head, SST_HEAD) != 0)
        wrong(&b, "no store of certificates");
    for (;;) {
        uint32_t kind = get32(&b);
        (void)get32(&b);
        struct td_slice value = take(&b, get32(&b));
        if (b.wrong != NULL || kind == 0)
            return judge(&b, err);
        if (kind != SST_CERTIFICATE)
            continue;
        if (r->count == TD_ODJ_ROOTS_MAX)
            return td_fail(err, TD_ELIMIT, "roots", "more than %d certificates", TD_ODJ_ROOTS_MAX);
        r->list[r->count++] = td_arena_copy(a, value);
    }
}

/* Certificates with keys: three texts and their octets each. */
static void skip_keys(struct body *b, uint32_t before, uint32_t pointer)
{
    uint32_t heads[MAX_LIST][7] = {{0}};
    uint32_t n = count(b, before, pointer);
    for (uint32_t i = 0; i < n; i++)
        for (size_t k = 0; k < 7; k++)
            heads[i][k] = get32(b);
    for (uint32_t i = 0; i < n; i++) {
        for (size_t k = 0; k < 6; k += 2)
            (void)text(b, heads[i][k]);
        (void)octets(b, heads[i][5], heads[i][6]);
    }
}

enum td_code td_odj_roots_read(struct td_slice part, struct td_arena *a, struct td_slice ret[TD_ODJ_ROOTS_MAX],
                               size_t *ret_count, struct td_error *err)
{
    struct roots r = {.list = ret};
    uint32_t heads[MAX_LIST][4] = {{0}};
    struct td_slice stores[MAX_LIST] = {{0}};
    bool is_root[MAX_LIST] = {false};
    struct body b = {0};
    td_try(begin(part, part.p, a, &b, err));
    uint32_t keys = get32(&b), keys_pointer = get32(&b), n = get32(&b), pointer = get32(&b);
    (void)take(&b, 8);
    skip_keys(&b, keys, keys_pointer);
    n = count(&b, n, pointer);
    for (uint32_t i = 0; i < n; i++)
        for (size_t k = 0; k < 4; k++)
            heads[i][k] = get32(&b);
    for (uint32_t i = 0; i < n; i++) {
        is_root[i] = td_ieqs(td_str(text(&b, heads[i][1])), odj_root_store);
        stores[i] = octets(&b, heads[i][2], heads[i][3]);
    }
    td_try(judge(&b, err));
    for (uint32_t i = 0; i < n; i++)
        if (is_root[i])
            td_try(read_store(stores[i], part.p, a, &r, err));
    *ret_count = r.count;
    return TD_OK;
}
