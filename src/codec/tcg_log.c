#include "codec/tcg_log.h"

#include "codec/utf16.h"

enum {
    SHA256 = 0x000b,
    SHA1_SIZE = 20,
    MAX_DIGEST = 64,
    MAX_PCR = 23,
    NO_PCR = -1 /* what some firmware gives an event that extends nothing */
};

struct algorithm {
    uint16_t id, size;
};
struct reader { /* what is left of the log; cut once something did not fit */
    struct td_slice rest;
    bool cut;
    struct algorithm algorithms[TD_TCG_MAX_DIGESTS];
    size_t algorithm_count;
};

static struct td_slice take(struct reader *r, size_t n)
{
    r->cut = r->cut || n > r->rest.n;
    if (r->cut)
        return TD_S("");
    struct td_slice out = td_sub(r->rest, 0, n);
    r->rest = td_sub(r->rest, n, r->rest.n);
    return out;
}

static uint32_t number(struct reader *r, size_t n)
{
    struct td_slice s = take(r, n);
    uint32_t v = 0;
    for (size_t i = s.n; i > 0; i--)
        v = v << 8 | (unsigned char)s.p[i - 1];
    return v;
}

static const struct algorithm *algorithm(const struct reader *r, uint16_t id)
{
    for (size_t i = 0; i < r->algorithm_count; i++)
        if (r->algorithms[i].id == id)
            return &r->algorithms[i];
    return NULL;
}

/* "Spec ID Event03", platform class, version, algorithms with their sizes, the vendor's own. */
static enum td_code read_head(struct td_slice data, struct reader *r, struct td_error *err)
{
    struct reader head = {.rest = data};
    struct td_slice name = take(&head, 16);
    (void)take(&head, 8);
    uint32_t count = number(&head, 4);
    if (head.cut || !td_eq(name, td_bytes("Spec ID Event03", 16)))
        return td_fail(err, TD_EFORMAT, "event log", "its first event is not that of a TCG2 log");
    if (count == 0 || count > TD_TCG_MAX_DIGESTS)
        return td_fail(err, TD_EFORMAT, "event log", "%u algorithms; 1 to %d are taken", count, TD_TCG_MAX_DIGESTS);
    for (uint32_t i = 0; i < count; i++) {
        struct algorithm a = {.id = (uint16_t)number(&head, 2), .size = (uint16_t)number(&head, 2)};
        if (head.cut || a.size == 0 || a.size > MAX_DIGEST || (a.id == SHA256 && a.size != 32) ||
            algorithm(r, a.id) != NULL)
            return td_fail(err, TD_EFORMAT, "event log", "algorithm %u of its header", i);
        r->algorithms[r->algorithm_count++] = a;
    }
    (void)take(&head, number(&head, 1));
    return head.cut ? td_fail(err, TD_EFORMAT, "event log", "its header is cut off") : TD_OK;
}

static enum td_code read_first(struct reader *r, struct td_error *err)
{
    uint32_t pcr = number(r, 4), type = number(r, 4);
    (void)take(r, SHA1_SIZE);
    struct td_slice data = take(r, number(r, 4));
    if (r->cut || pcr != 0 || type != TD_TCG_NO_ACTION)
        return td_fail(err, TD_EFORMAT, "event log", "it does not begin with a header event");
    return read_head(data, r, err);
}

static bool read_digests(struct reader *r, struct td_tcg_event *e)
{
    uint32_t count = number(r, 4);
    bool ok = count <= r->algorithm_count;
    for (uint32_t i = 0; ok && i < count; i++) {
        const struct algorithm *a = algorithm(r, (uint16_t)number(r, 2));
        struct td_slice digest = take(r, a != NULL ? a->size : 0);
        ok = a != NULL && !r->cut && (a->id != SHA256 || e->sha256.n == 0);
        if (ok && a->id == SHA256)
            e->sha256 = digest;
    }
    return ok;
}

static enum td_code read_event(struct reader *r, size_t index, struct td_tcg_event *e, struct td_error *err)
{
    e->pcr = number(r, 4);
    e->type = number(r, 4);
    bool ok = read_digests(r, e);
    e->data = take(r, number(r, 4));
    if (!ok || r->cut)
        return td_fail(err, TD_EFORMAT, "event log", "event %zu is cut off or has other digests than its header says",
                       index);
    if (e->pcr > MAX_PCR && (e->type != TD_TCG_NO_ACTION || e->pcr != (uint32_t)NO_PCR))
        return td_fail(err, TD_EFORMAT, "event log", "event %zu is of PCR %u", index, e->pcr);
    return TD_OK;
}

/* A log read from the firmware's memory ends before that does: so many octets at its end are all zero, or all ones. */
static size_t filling(struct td_slice s)
{
    size_t n = 0;
    bool blank = s.n != 0 && (s.p[s.n - 1] == 0 || s.p[s.n - 1] == (char)0xff);
    while (blank && n < s.n && s.p[s.n - 1 - n] == s.p[s.n - 1])
        n++;
    return n;
}

/* Who started the TPM decides what PCR 0 began with: 3 a start in locality 3, 4 a measured firmware (H-CRTM). */
static unsigned locality_of(const struct td_tcg_event *e)
{
    struct td_slice name = td_bytes("StartupLocality", 16);
    if (e->type != TD_TCG_NO_ACTION || e->data.n != name.n + 1 || !td_eq(td_sub(e->data, 0, name.n), name))
        return 0;
    unsigned l = (unsigned char)e->data.p[name.n];
    return l == 3 || l == 4 ? l : 0;
}

enum td_code td_tcg_log_read(struct td_slice in, struct td_arena *a, struct td_tcg_log *ret, struct td_error *err)
{
    struct reader r = {.rest = in};
    struct td_tcg_log log = {0};
    size_t cap = 0, behind = filling(in);
    if (in.n > TD_TCG_MAX)
        return td_fail(err, TD_ELIMIT, "event log", "%zu octets; %d is the limit", in.n, TD_TCG_MAX);
    td_try(read_first(&r, err));
    while (r.rest.n > behind) {
        if (log.count == TD_TCG_MAX_EVENTS)
            return td_fail(err, TD_ELIMIT, "event log", "more than %d events", TD_TCG_MAX_EVENTS);
        log.events = td_arena_room(a, log.events, log.count, &cap, sizeof(*log.events));
        struct td_tcg_event *e = &log.events[log.count];
        *e = (struct td_tcg_event){0};
        td_try(read_event(&r, log.count, e, err));
        log.locality = log.locality != 0 ? log.locality : locality_of(e);
        log.count++;
    }
    *ret = log;
    return TD_OK;
}

static const unsigned char global_variable[16] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                                  0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
static const char secure_boot_name[] = "S\0e\0c\0u\0r\0e\0B\0o\0o\0t"; /* UTF-16 with the literal's own NUL */

enum td_tcg_secure_boot td_tcg_event_secure_boot(const struct td_tcg_event *e)
{
    struct reader r = {.rest = e->data};
    if (e->type != TD_TCG_EFI_VARIABLE_DRIVER_CONFIG || e->pcr != 7)
        return TD_TCG_UNTOLD;
    struct td_slice guid = take(&r, sizeof(global_variable));
    uint32_t units = number(&r, 4), high = number(&r, 4), size = number(&r, 4), high_size = number(&r, 4);
    if (high != 0 || high_size != 0 || units != sizeof(secure_boot_name) / 2)
        return TD_TCG_UNTOLD;
    struct td_slice name = take(&r, sizeof(secure_boot_name)), value = take(&r, size);
    if (r.cut || r.rest.n != 0 || !td_eq(guid, td_bytes(global_variable, sizeof(global_variable))) ||
        !td_eq(name, td_bytes(secure_boot_name, sizeof(secure_boot_name))))
        return TD_TCG_UNTOLD;
    return value.n == 1 && value.p[0] == 1 ? TD_TCG_ON : TD_TCG_OFF;
}

/* ---- writing ---- */

static void zeros(struct td_buf *out, size_t n)
{
    char *p = td_buf_grow(out, n);
    if (p != NULL)
        memset(p, 0, n);
}

void td_tcg_log_begin(struct td_buf *out)
{
    enum { HEAD_SIZE = 16 + 4 + 4 + 4 + 4 + 1 };
    td_buf_le32(out, 0);
    td_buf_le32(out, TD_TCG_NO_ACTION);
    zeros(out, SHA1_SIZE);
    td_buf_le32(out, HEAD_SIZE);
    td_buf_add(out, td_bytes("Spec ID Event03", 16));
    td_buf_le32(out, 0);                              /* a client's platform */
    td_buf_add(out, td_bytes("\x00\x02\x00\x02", 4)); /* version 2.0, errata 0, UINTN of 64 bits */
    td_buf_le32(out, 1);
    td_buf_le16(out, SHA256);
    td_buf_le16(out, 32);
    td_buf_addc(out, 0);
}

void td_tcg_log_add(struct td_buf *out, uint32_t pcr, uint32_t type, const unsigned char sha256[32],
                    struct td_slice data)
{
    td_buf_le32(out, pcr);
    td_buf_le32(out, type);
    td_buf_le32(out, 1);
    td_buf_le16(out, SHA256);
    td_buf_add(out, td_bytes(sha256, 32));
    td_buf_le32(out, (uint32_t)data.n);
    td_buf_add(out, data);
}

void td_tcg_variable_write(struct td_buf *out, const unsigned char guid[16], const char *name, struct td_slice value)
{
    struct td_buf wide;
    td_buf_init(&wide, 512);
    td_utf8_add_utf16le(&wide, td_str(name));
    td_buf_add(out, td_bytes(guid, 16));
    td_buf_le32(out, (uint32_t)(wide.n / 2));
    td_buf_le32(out, 0);
    td_buf_le32(out, (uint32_t)value.n);
    td_buf_le32(out, 0);
    td_buf_add(out, td_buf_slice(&wide));
    td_buf_add(out, value);
    td_buf_done(&wide);
}
