#include "base/encode.h"
#include "base/fault.h"
#include "codec/odj_in.h"
#include "codec/utf16.h"

enum { FIRST_REFERENT = 0x00020000, ADDRESS_IS_IP = 1, ADDRESS_IS_NAME = 2 };

/* One serialized body: alignment and referents are its own. */
struct body {
    struct td_buf *out;
    size_t start; /* of its head */
    uint32_t referent;
};

static void put32(struct body *b, uint32_t v)
{
    td_buf_le32(b->out, v);
}

static void zeros(struct body *b, size_t n)
{
    while (n-- > 0)
        td_buf_addc(b->out, 0);
}

static void align(struct body *b, size_t to)
{
    while (!b->out->failed && (b->out->n - b->start) % to != 0)
        td_buf_addc(b->out, 0);
}

static void set32(struct td_buf *out, size_t at, uint32_t v)
{
    for (size_t i = 0; !out->failed && i < 4; i++)
        out->p[at + i] = (char)(v >> 8 * i);
}

static void pointer(struct body *b)
{
    put32(b, b->referent);
    b->referent += 4;
}

static struct body begin(struct td_buf *out)
{
    struct body b = {.out = out, .start = out->n, .referent = FIRST_REFERENT};
    td_buf_add(out, td_bytes(odj_head, sizeof(odj_head)));
    zeros(&b, ODJ_HEAD - sizeof(odj_head));
    pointer(&b); /* to the top structure, which follows at once */
    return b;
}

static void end(struct body *b)
{
    align(b, ODJ_ALIGN);
    set32(b->out, b->start + 8, (uint32_t)(b->out->n - b->start - ODJ_HEAD));
}

/* Octets behind a count that is known once they are written; the next thing stands at 4 again. */
static size_t begin_octets(struct td_buf *out)
{
    td_buf_le32(out, 0);
    return out->n;
}
static uint32_t end_octets(struct td_buf *out, size_t from)
{
    uint32_t n = (uint32_t)(out->n - from);
    set32(out, from - 4, n);
    return n;
}

static size_t units(const char *s)
{
    struct td_slice t = td_str(s);
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.p[i];
        n += (c & 0xC0) != 0x80;
        n += c >= 0xF0;
    }
    return n;
}

/* A text of which nothing is known is no text: a null pointer. */
static void text_pointer(struct body *b, const char *s)
{
    if (units(s) != 0)
        pointer(b);
    else
        put32(b, 0);
}

static void text(struct body *b, const char *s)
{
    uint32_t n = (uint32_t)units(s) + 1;
    if (n == 1)
        return;
    put32(b, n);
    put32(b, 0);
    put32(b, n);
    td_utf8_add_utf16le(b->out, td_str(s));
    if (!td_fault("odj-no-nul"))
        td_buf_le16(b->out, 0);
    align(b, td_fault("odj-alignment") ? 2 : 4);
}

static void counted_head(struct body *b, const char *s)
{
    td_buf_le16(b->out, (uint16_t)(units(s) * 2));
    td_buf_le16(b->out, (uint16_t)(units(s) * 2 + 2));
    pointer(b);
}

static void counted(struct body *b, const char *s)
{
    put32(b, (uint32_t)units(s) + 1);
    put32(b, 0);
    put32(b, (uint32_t)units(s));
    td_utf8_add_utf16le(b->out, td_str(s));
    align(b, 4);
}

static void sid(struct body *b, const struct td_sid *s)
{
    unsigned char octets[TD_SID_MAX_BYTES];
    size_t n = td_sid_write(s, octets);
    put32(b, s->count);
    td_buf_add(b->out, td_bytes(octets, n));
}

static void guid(struct body *b, const unsigned char octets[16])
{
    td_buf_add(b->out, td_bytes(octets, 16));
}

static uint32_t address_type(const char *address)
{
    struct td_slice host = td_sub(td_str(address), 2, SIZE_MAX);
    bool ip = host.n != 0;
    for (size_t i = 0; i < host.n; i++)
        ip = ip && strchr("0123456789abcdefABCDEF.:", host.p[i]) != NULL;
    return ip ? ADDRESS_IS_IP : ADDRESS_IS_NAME;
}

static void win7(const struct td_odj *o, struct td_buf *out)
{
    const struct td_odj_dc *dc = &o->dc;
    const char *first[] = {o->domain, o->machine, o->password}, *names[] = {o->netbios, o->domain, o->forest};
    const char *hosts[] = {dc->name, dc->address}, *trees[] = {dc->domain, dc->forest};
    const char *sites[] = {dc->dc_site, dc->client_site};
    struct body b = begin(out);
    for (size_t i = 0; i < 3; i++)
        text_pointer(&b, first[i]);
    for (size_t i = 0; i < 3; i++)
        counted_head(&b, names[i]);
    guid(&b, o->domain_guid);
    pointer(&b);
    for (size_t i = 0; i < 2; i++)
        text_pointer(&b, hosts[i]);
    put32(&b, address_type(dc->address));
    guid(&b, o->domain_guid);
    for (size_t i = 0; i < 2; i++)
        text_pointer(&b, trees[i]);
    put32(&b, dc->flags);
    for (size_t i = 0; i < 2; i++)
        text_pointer(&b, sites[i]);
    put32(&b, o->options);
    for (size_t i = 0; i < 3; i++)
        text(&b, first[i]);
    for (size_t i = 0; i < 3; i++)
        counted(&b, names[i]);
    sid(&b, &o->domain_sid);
    const char *last[] = {hosts[0], hosts[1], trees[0], trees[1], sites[0], sites[1]};
    for (size_t i = 0; i < TD_COUNTOF(last); i++)
        text(&b, last[i]);
    end(&b);
}

/* Whose account it is: its number, and the whole identifier as text. */
static void account(const struct td_odj *o, struct td_buf *out)
{
    char buf[TD_SID_TEXT];
    struct td_sid whole = o->domain_sid;
    struct body b = begin(out);
    whole.sub[whole.count++] = o->rid;
    put32(&b, o->rid);
    pointer(&b);
    text(&b, td_sid_text(&whole, buf));
    end(&b);
}

static void part_head(struct body *b, const unsigned char part[16], bool essential, size_t *ret_length)
{
    guid(b, part);
    put32(b, essential ? ODJ_PART_ESSENTIAL : 0);
    *ret_length = b->out->n;
    put32(b, 0);
    pointer(b);
    put32(b, 0); /* no extension */
    put32(b, 0);
}

static void collection(const struct td_odj *o, struct td_buf *out)
{
    bool told = o->rid != 0;
    uint32_t count = 1 + told + (uint32_t)o->extra_count;
    size_t lengths[2 + TD_ODJ_EXTRA_MAX] = {0}, n = 0;
    struct body b = begin(out);
    put32(&b, count);
    pointer(&b);
    put32(&b, 0); /* no extension */
    put32(&b, 0);
    put32(&b, count);
    part_head(&b, odj_part_win7, true, &lengths[n++]);
    if (told)
        part_head(&b, odj_part_account, false, &lengths[n++]);
    for (size_t i = 0; i < o->extra_count; i++)
        part_head(&b, o->extra[i].guid, o->extra[i].essential, &lengths[n++]);
    for (size_t i = 0; i < n; i++) {
        align(&b, 4);
        size_t from = begin_octets(out);
        if (i == 0)
            win7(o, out);
        else if (told && i == 1)
            account(o, out);
        else
            td_buf_add(out, o->extra[i - 1 - told].bytes);
        set32(out, lengths[i], end_octets(out, from));
    }
    end(&b);
}

static void package(const struct td_odj *o, struct td_buf *out)
{
    struct body b = begin(out);
    zeros(&b, 16); /* not encrypted */
    put32(&b, 0);  /* no context of encryption */
    put32(&b, 0);
    size_t length = out->n;
    put32(&b, 0);
    pointer(&b);
    put32(&b, 0); /* size once decrypted */
    put32(&b, 0); /* no extension */
    put32(&b, 0);
    size_t from = begin_octets(out);
    collection(o, out);
    set32(out, length, end_octets(out, from));
    end(&b);
}

static void provision(const struct td_odj *o, struct td_buf *out)
{
    void (*const write[])(const struct td_odj *o, struct td_buf *out) = {win7, package};
    static const uint32_t formats[] = {ODJ_FORMAT_WIN7, ODJ_FORMAT_WIN8};
    size_t lengths[2] = {0};
    struct body b = begin(out);
    put32(&b, ODJ_VERSION);
    put32(&b, TD_COUNTOF(formats));
    pointer(&b);
    put32(&b, TD_COUNTOF(formats));
    for (size_t i = 0; i < TD_COUNTOF(formats); i++) {
        put32(&b, formats[i]);
        lengths[i] = out->n;
        put32(&b, 0);
        pointer(&b);
    }
    for (size_t i = 0; i < TD_COUNTOF(formats); i++) {
        align(&b, 4);
        size_t from = begin_octets(out);
        write[i](o, out);
        set32(out, lengths[i], end_octets(out, from));
    }
    end(&b);
}

enum td_code td_odj_write(const struct td_odj *odj, struct td_buf *out, struct td_error *err)
{
    struct td_buf blob;
    td_try(odj_check(odj, err));
    td_buf_init(&blob, TD_ODJ_MAX);
    provision(odj, &blob);
    enum td_code rc = td_buf_check(&blob, "blob", err);
    if (rc == TD_OK)
        td_buf_add(out, td_buf_slice(&blob));
    td_buf_wipe(&blob);
    td_try(rc);
    return td_buf_check(out, "blob", err);
}

static void store(const struct td_slice *der, size_t count, struct td_buf *out)
{
    static const char end_record[SST_RECORD];
    td_buf_add(out, td_bytes(odj_sst_head, SST_HEAD));
    for (size_t i = 0; i < count; i++) {
        td_buf_le32(out, SST_CERTIFICATE);
        td_buf_le32(out, SST_X509);
        td_buf_le32(out, (uint32_t)der[i].n);
        td_buf_add(out, der[i]);
    }
    td_buf_add(out, td_bytes(end_record, sizeof(end_record)));
}

enum td_code td_odj_roots_write(const struct td_slice *der, size_t count, struct td_buf *out, struct td_error *err)
{
    if (count == 0 || count > TD_ODJ_ROOTS_MAX)
        return td_fail(err, count == 0 ? TD_EINVAL : TD_ELIMIT, "roots", "1 to %d certificates are wanted",
                       TD_ODJ_ROOTS_MAX);
    struct body b = begin(out);
    put32(&b, 0); /* no certificates with keys */
    put32(&b, 0);
    put32(&b, 1);
    pointer(&b);
    put32(&b, 0); /* no extension */
    put32(&b, 0);
    put32(&b, 1);
    put32(&b, SST_MACHINE);
    text_pointer(&b, odj_root_store);
    size_t length = out->n;
    put32(&b, 0);
    pointer(&b);
    text(&b, odj_root_store);
    size_t from = begin_octets(out);
    store(der, count, out);
    set32(out, length, end_octets(out, from));
    end(&b);
    return td_buf_check(out, "roots", err);
}
