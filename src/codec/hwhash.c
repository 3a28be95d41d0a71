/* Reader and writer of the hardware hash, both driven by the table of hwhash_table.c. */
#include "codec/hwhash.h"

#include "base/encode.h"
#include "base/fault.h"
#include "codec/hwhash_table.h"
#include "codec/utf16.h"

enum { HEADER = 4, RECORD_HEADER = 4, TRAILER = 36, MAX_TEXT_OCTETS = 1024 };

static uint64_t read_le(const char *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = n; i-- > 0;)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

/* Texts from firmware: cut at NUL, Latin-1 where they are no UTF-8, control characters as blanks. */
static const char *clean_text(struct td_arena *a, struct td_slice raw)
{
    raw = td_sub(raw, 0, TD_MIN(td_find(raw, '\0'), raw.n));
    bool utf8 = td_utf8_ok(raw);
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 2 * raw.n + 1);
    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        if (c < 0x20 || c == 0x7F)
            td_buf_addc(&b, ' ');
        else if (utf8)
            td_buf_addc(&b, (char)c);
        else
            td_utf8_add_char(&b, c);
    }
    return td_arena_text(a, td_trim(td_buf_slice(&b)));
}

static const char *wide_text(struct td_arena *a, struct td_slice raw)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 2 * raw.n + 1);
    td_utf16_add_utf8(&b, raw, false);
    return clean_text(a, td_buf_slice(&b));
}

static void read_version(struct td_slice d, void *to)
{
    struct td_hw_version *v = to;
    v->minor = (uint16_t)read_le(d.p, 2);
    v->major = (uint16_t)read_le(d.p + 2, 2);
    v->revision = (uint16_t)read_le(d.p + 4, 2);
    v->build = (uint16_t)read_le(d.p + 6, 2);
}

static void read_number(enum td_hw_kind kind, struct td_slice d, void *to)
{
    uint64_t v = read_le(d.p, td_hw_kind_size(kind));
    if (kind == TD_HW_U8 || kind == TD_HW_S8)
        *(uint8_t *)to = (uint8_t)v;
    else if (kind == TD_HW_U16)
        *(uint16_t *)to = (uint16_t)v;
    else if (kind == TD_HW_U32)
        *(uint32_t *)to = (uint32_t)v;
    else
        *(uint64_t *)to = v;
}

static void read_field(const struct td_hw_field *f, struct td_slice data, struct td_arena *a, char *object)
{
    size_t size = td_hw_kind_size(f->kind);
    if (f->at > data.n || size > data.n - f->at)
        return; /* a shorter form of the record: the rest stays empty */
    struct td_slice d = td_sub(data, f->at, size != 0 ? size : data.n);
    void *to = object + f->offset;
    if (f->kind == TD_HW_TEXT)
        *(const char **)to = clean_text(a, d);
    else if (f->kind == TD_HW_WIDE)
        *(const char **)to = wide_text(a, d);
    else if (f->kind == TD_HW_REST)
        *(struct td_slice *)to = td_arena_copy(a, d);
    else if (f->kind == TD_HW_VERSION)
        read_version(d, to);
    else if (f->kind == TD_HW_MAC || f->kind == TD_HW_UUID16)
        memcpy(to, d.p, size);
    else
        read_number(f->kind, d, to);
}

/* Where the record's fields go: into the facts, or into the next element of its list. */
static char *target_of(const struct td_hw_layout *l, struct td_hw_facts *f)
{
    char *base = (char *)f;
    if (l->element == 0)
        return base;
    char *list;
    size_t *count = (size_t *)(void *)(base + l->count_offset);
    memcpy(&list, base + l->list_offset, sizeof(list));
    return list + l->element * (*count)++;
}

static void make_lists(struct td_hw_facts *f, struct td_arena *a)
{
    for (size_t i = 0; i < td_hw_layout_count; i++) {
        const struct td_hw_layout *l = &td_hw_layouts[i];
        size_t n = 0;
        for (size_t r = 0; r < f->record_count; r++)
            n += f->records[r].type == l->type && f->records[r].data.n >= l->min;
        if (l->element == 0 || n == 0)
            continue;
        char *list = td_arena_calloc(a, n, l->element);
        for (size_t e = 0; l->text_offset != SIZE_MAX && e < n; e++)
            *(const char **)(void *)(list + e * l->element + l->text_offset) = "";
        memcpy((char *)f + l->list_offset, &list, sizeof(list));
    }
}

static void read_records(struct td_hw_facts *f, struct td_arena *a, td_sha256_fn *sha256)
{
    make_lists(f, a);
    for (size_t r = 0; r < f->record_count; r++) {
        const struct td_hw_layout *l = td_hw_layout(f->records[r].type);
        if (l == NULL || f->records[r].data.n < l->min)
            continue;
        char *object = target_of(l, f);
        for (const struct td_hw_field *field = l->fields; field->name != NULL; field++)
            read_field(field, f->records[r].data, a, object);
        f->has_uuid = f->has_uuid || l->type == TD_HW_UUID;
    }
    if (f->tpm_ek.n != 0)
        sha256(f->tpm_ek, f->ek_sha256);
}

static enum td_code cut_records(struct td_slice area, struct td_arena *a, struct td_hw_facts *f, struct td_error *err)
{
    struct td_hw_record *list = td_arena_array(a, struct td_hw_record, TD_HW_MAX_RECORDS);
    size_t n = 0;
    for (size_t at = HEADER; at < area.n;) {
        if (area.p[at] == '\0' && (area.n - at == 1 || area.p[at + 1] == '\0'))
            break; /* type 0 is padding */
        if (area.n - at < RECORD_HEADER)
            return td_fail(err, TD_EFORMAT, "hash", "record %zu is cut at octet %zu", n + 1, at);
        unsigned type = (unsigned)read_le(area.p + at, 2);
        size_t length = (size_t)read_le(area.p + at + 2, 2);
        if (length < RECORD_HEADER || length > area.n - at)
            return td_fail(err, TD_EFORMAT, "hash", "record %zu (type %u) counts %zu octets, %zu are left", n + 1, type,
                           length, area.n - at);
        if (n == TD_HW_MAX_RECORDS)
            return td_fail(err, TD_ELIMIT, "hash", "more than %d records", TD_HW_MAX_RECORDS);
        list[n++] = (struct td_hw_record){(uint16_t)type, td_sub(area, at + RECORD_HEADER, length - RECORD_HEADER)};
        at += length;
    }
    f->records = list;
    f->record_count = n;
    return TD_OK;
}

static enum td_code check_frame(struct td_slice in, size_t *ret_total, struct td_error *err)
{
    if (in.n > TD_HW_MAX_OCTETS)
        return td_fail(err, TD_ELIMIT, "hash", "%zu octets, more than %d", in.n, TD_HW_MAX_OCTETS);
    if (in.n < HEADER || in.p[0] != 'O' || in.p[1] != 'A')
        return td_fail(err, TD_EFORMAT, "hash", "does not begin like a hardware hash");
    if (in.n < TD_HW_MIN_OCTETS && !td_fault("hash-any-length"))
        return td_fail(err, TD_EFORMAT, "hash", "cut: %zu octets instead of %d", in.n, TD_HW_MIN_OCTETS);
    size_t total = (size_t)read_le(in.p + 2, 2);
    if (total < HEADER || total > in.n || in.n - total < TRAILER)
        return td_fail(err, TD_EFORMAT, "hash", "cut: counts %zu octets and a trailer, %zu are there", total, in.n);
    const char *trailer = in.p + total;
    if (trailer[0] != 'C' || trailer[1] != 'S' || read_le(trailer + 2, 2) != TRAILER)
        return td_fail(err, TD_EFORMAT, "hash", "no check sum at octet %zu, where its length puts it", total);
    *ret_total = total;
    return TD_OK;
}

void td_hw_facts_init(struct td_hw_facts *f)
{
    *f = (struct td_hw_facts){0};
    for (size_t i = 0; i < td_hw_layout_count; i++) {
        const struct td_hw_layout *l = &td_hw_layouts[i];
        for (const struct td_hw_field *field = l->fields; field->name != NULL && l->element == 0; field++)
            if (field->kind == TD_HW_TEXT)
                *(const char **)(void *)((char *)f + field->offset) = "";
    }
}

enum td_code td_hwhash_decode(struct td_slice octets, td_sha256_fn *sha256, struct td_arena *a, struct td_hw_facts *ret,
                              struct td_error *err)
{
    size_t total = 0;
    struct td_hw_facts f;
    td_hw_facts_init(&f);
    td_try(check_frame(octets, &total, err));
    td_try(cut_records(td_sub(octets, 0, total), a, &f, err));
    unsigned char sum[32];
    sha256(td_sub(octets, 0, total), sum);
    f.checksum_ok = td_fault("hash-any-checksum") || memcmp(sum, octets.p + total + RECORD_HEADER, sizeof(sum)) == 0;
    read_records(&f, a, sha256);
    *ret = f;
    return TD_OK;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum td_code td_hwhash_decode_text(struct td_slice text, td_sha256_fn *sha256, struct td_arena *a,
                                   struct td_hw_facts *ret, struct td_slice *ret_octets, struct td_error *err)
{
    if (text.n > TD_HW_MAX_TEXT)
        return td_fail(err, TD_ELIMIT, "hash", "%zu characters, more than %d", text.n, TD_HW_MAX_TEXT);
    char *plain = td_arena_alloc(a, text.n + 2);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        if (!is_blank(text.p[i]))
            plain[n++] = text.p[i];
    while (n != 0 && plain[n - 1] == '=')
        n--;
    if (n % 4 == 1) /* one character is no octet; importers in the field fill with 'A', which is zero bits */
        plain[n++] = 'A';
    struct td_slice octets;
    if (td_b64_decode(a, td_bytes(plain, n), TD_B64_STD | TD_B64_NOPAD, &octets) != TD_OK)
        return td_fail(err, TD_EFORMAT, "hash", "is not base64");
    td_try(td_hwhash_decode(octets, sha256, a, ret, err));
    if (ret_octets != NULL)
        *ret_octets = octets;
    return TD_OK;
}

static void write_le(char *p, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(v >> (8 * i));
}

static uint64_t number_of(enum td_hw_kind kind, const void *from)
{
    if (kind == TD_HW_U8 || kind == TD_HW_S8)
        return *(const uint8_t *)from;
    if (kind == TD_HW_U16)
        return *(const uint16_t *)from;
    if (kind == TD_HW_U32)
        return *(const uint32_t *)from;
    return *(const uint64_t *)from;
}

static void write_version(char *p, const struct td_hw_version *v)
{
    write_le(p, v->minor, 2);
    write_le(p + 2, v->major, 2);
    write_le(p + 4, v->revision, 2);
    write_le(p + 6, v->build, 2);
}

/* Fixed fields stand at their places in the zeroed record; one of open length comes last. */
static void write_field(const struct td_hw_field *f, const char *object, size_t start, struct td_buf *out)
{
    const void *from = object + f->offset;
    if (f->kind == TD_HW_TEXT) {
        td_buf_adds(out, *(const char *const *)from);
        td_buf_addc(out, '\0');
    } else if (f->kind == TD_HW_WIDE) {
        td_utf8_add_utf16le(out, td_str(*(const char *const *)from));
        td_buf_le16(out, 0);
    } else if (f->kind == TD_HW_REST) {
        td_buf_add(out, *(const struct td_slice *)from);
    } else if (!out->failed) {
        char *at = out->p + start + f->at;
        if (f->kind == TD_HW_VERSION)
            write_version(at, from);
        else if (f->kind == TD_HW_MAC || f->kind == TD_HW_UUID16)
            memcpy(at, from, td_hw_kind_size(f->kind));
        else
            write_le(at, number_of(f->kind, from), td_hw_kind_size(f->kind));
    }
}

static bool is_empty(const struct td_buf *out, size_t from)
{
    for (size_t i = from; i < out->n; i++)
        if (out->p[i] != '\0')
            return false;
    return true;
}

static void write_record(const struct td_hw_layout *l, const char *object, struct td_buf *out)
{
    size_t head = out->n;
    td_buf_le16(out, l->type);
    td_buf_le16(out, 0);
    size_t start = out->n;
    char *fixed = td_buf_grow(out, l->size);
    if (fixed != NULL)
        memset(fixed, 0, l->size);
    for (const struct td_hw_field *field = l->fields; field->name != NULL; field++)
        write_field(field, object, start, out);
    if (out->failed)
        return;
    if (is_empty(out, start) && l->type != TD_HW_VERSIONS) {
        out->n = head;
        return;
    }
    if (out->n - head > UINT16_MAX)
        out->failed = true;
    write_le(out->p + head + 2, out->n - head, 2);
}

static void write_layout(const struct td_hw_layout *l, const struct td_hw_facts *f, struct td_buf *out)
{
    const char *base = (const char *)f;
    if (l->type == TD_HW_UUID && !f->has_uuid)
        return;
    if (l->element == 0) {
        write_record(l, base, out);
        return;
    }
    const char *list;
    memcpy(&list, base + l->list_offset, sizeof(list));
    size_t n = *(const size_t *)(const void *)(base + l->count_offset);
    for (size_t i = 0; i < n; i++)
        write_record(l, list + i * l->element, out);
}

enum td_code td_hwhash_encode(const struct td_hw_facts *f, td_sha256_fn *sha256, struct td_buf *out,
                              struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, TD_HW_MAX_OCTETS);
    td_buf_adds(&b, "OA");
    td_buf_le16(&b, 0);
    for (size_t i = 0; i < td_hw_layout_count; i++)
        write_layout(&td_hw_layouts[i], f, &b);
    if (b.failed || b.n > TD_HW_MAX_OCTETS - TRAILER)
        return td_fail(err, TD_ELIMIT, "hash", "the facts fill more than %d octets", TD_HW_MAX_OCTETS);
    write_le(b.p + 2, b.n, 2);
    unsigned char sum[32];
    sha256(td_buf_slice(&b), sum);
    td_buf_adds(&b, "CS");
    td_buf_le16(&b, TRAILER);
    td_buf_add(&b, td_bytes(sum, sizeof(sum)));
    size_t missing = b.n < TD_HW_MIN_OCTETS ? TD_HW_MIN_OCTETS - b.n : 0;
    char *zeros = td_buf_grow(&b, missing);
    if (zeros != NULL)
        memset(zeros, 0, missing);
    td_buf_add(out, td_buf_slice(&b));
    return td_buf_check(out, "hash", err);
}

enum td_code td_hwhash_encode_text(const struct td_hw_facts *f, td_sha256_fn *sha256, struct td_arena *a, char **ret,
                                   struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, TD_HW_MAX_OCTETS);
    td_try(td_hwhash_encode(f, sha256, &b, err));
    *ret = td_b64(a, td_buf_slice(&b));
    return TD_OK;
}
