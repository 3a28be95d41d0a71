#include "device/dm/msi_file.h"

#include <stdio.h>

enum {
    HEADER = 512,
    ENTRY = 128,          /* one entry of the directory */
    MINI = 64,            /* sector of a small stream */
    HEADER_SECTORS = 109, /* places of allocation sectors that stand in the header */
    MAX_STREAM = 16 << 20,
    MAX_ENTRIES = 4096,
    MAX_PROPERTIES = 1024,
    MAX_POOL = 1 << 20,
    END_OF_CHAIN = -2,
    TABLE_MARK = 0x4840 /* first character of a table's stream */
};

struct compound {
    FILE *f;
    struct td_arena *a;
    size_t sector;       /* octets of one */
    int64_t max_sectors; /* that the file can hold */
    struct td_slice fat, minifat, directory, mini_stream;
    uint32_t cutoff; /* streams below this rest in the mini stream */
};

static uint32_t le32(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

static uint32_t le16(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] | (uint32_t)u[1] << 8;
}

static void close_file(FILE **f)
{
    if (*f != NULL)
        (void)fclose(*f);
}

static bool read_sector(const struct compound *c, int32_t number, char *out)
{
    if (number < 0 || number >= c->max_sectors)
        return false;
    return fseeko(c->f, (off_t)(number + 1) * (off_t)c->sector, SEEK_SET) == 0 &&
           fread(out, 1, c->sector, c->f) == c->sector;
}

/* Number behind number in an allocation table. */
static int32_t next_of(struct td_slice table, int32_t number)
{
    size_t at = (size_t)number * 4;
    return number < 0 || at + 4 > table.n ? END_OF_CHAIN : (int32_t)le32(table.p + at);
}

/* All sectors of a chain, joined. */
static bool read_chain(const struct compound *c, int32_t first, size_t limit, struct td_slice *ret)
{
    size_t count = 0;
    for (int32_t s = first; s >= 0; s = next_of(c->fat, s))
        if (++count > limit / c->sector + 1)
            return false;
    char *out = td_arena_alloc(c->a, count * c->sector + 1);
    size_t n = 0;
    for (int32_t s = first; s >= 0; s = next_of(c->fat, s), n += c->sector)
        if (!read_sector(c, s, out + n))
            return false;
    *ret = td_bytes(out, n);
    return true;
}

/* The allocation table's own sectors are listed in the header, and in a chain of lists behind it. */
static bool read_fat(struct compound *c, const char *header)
{
    size_t count = le32(header + 44), n = 0, per = c->sector / 4;
    if (count == 0 || count > (size_t)c->max_sectors || count * c->sector > MAX_STREAM)
        return false;
    char *out = td_arena_alloc(c->a, count * c->sector), *list = td_arena_alloc(c->a, c->sector);
    for (; n < count && n < HEADER_SECTORS; n++)
        if (!read_sector(c, (int32_t)le32(header + 76 + 4 * n), out + n * c->sector))
            return false;
    int32_t more = (int32_t)le32(header + 68);
    for (int64_t lists = 0; n < count && lists < c->max_sectors; lists++) {
        if (!read_sector(c, more, list))
            return false;
        for (size_t i = 0; i + 1 < per && n < count; i++, n++)
            if (!read_sector(c, (int32_t)le32(list + 4 * i), out + n * c->sector))
                return false;
        more = (int32_t)le32(list + 4 * (per - 1));
    }
    c->fat = td_bytes(out, n * c->sector);
    return n == count;
}

static bool open_compound(struct compound *c)
{
    static const char magic[8] = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
    char header[HEADER];
    if (fread(header, 1, sizeof(header), c->f) != sizeof(header) || memcmp(header, magic, sizeof(magic)) != 0)
        return false;
    uint32_t shift = le16(header + 30);
    if ((shift != 9 && shift != 12) || le16(header + 32) != 6 || fseeko(c->f, 0, SEEK_END) != 0)
        return false;
    c->sector = (size_t)1 << shift;
    c->max_sectors = (int64_t)ftello(c->f) / (int64_t)c->sector;
    c->cutoff = le32(header + 56);
    if (!read_fat(c, header) || !read_chain(c, (int32_t)le32(header + 48), (size_t)MAX_ENTRIES * ENTRY, &c->directory))
        return false;
    if (!read_chain(c, (int32_t)le32(header + 60), MAX_STREAM, &c->minifat) || c->directory.n < ENTRY)
        return false;
    return read_chain(c, (int32_t)le32(c->directory.p + 116), MAX_STREAM, &c->mini_stream); /* of the root entry */
}

/* Two characters of [0-9A-Za-z._] stand in one of U+3800 to U+47FF, a single one from U+4800 on. */
static int packed_digit(char ch)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
    const char *at = strchr(digits, ch);
    return at == NULL || ch == '\0' ? 0 : (int)(at - digits);
}

static size_t packed_name(const char *name, char out[64])
{
    size_t n = 0;
    uint32_t unit = TABLE_MARK;
    for (;;) {
        out[n++] = (char)(unit & 0xFF);
        out[n++] = (char)(unit >> 8);
        if (*name == '\0' || n > 60)
            return n;
        int low = packed_digit(*name++), high = *name == '\0' ? -1 : packed_digit(*name++);
        unit = high < 0 ? 0x4800u + (uint32_t)low : 0x3800u + (uint32_t)low + ((uint32_t)high << 6);
    }
}

static bool read_small(const struct compound *c, int32_t first, size_t size, char *out)
{
    size_t n = 0;
    for (int32_t s = first; n < size; s = next_of(c->minifat, s), n += MINI) {
        if (s < 0 || ((size_t)s + 1) * MINI > c->mini_stream.n)
            return false;
        memcpy(out + n, c->mini_stream.p + (size_t)s * MINI, TD_MIN((size_t)MINI, size - n));
    }
    return true;
}

static bool read_stream(const struct compound *c, const char *table, struct td_slice *ret)
{
    char name[64];
    size_t n = packed_name(table, name);
    for (const char *e = c->directory.p; e + ENTRY <= c->directory.p + c->directory.n; e += ENTRY) {
        size_t size = le32(e + 120);
        if (le16(e + 64) != n + 2 || memcmp(e, name, n) != 0 || e[66] != 2)
            continue;
        if (size > MAX_STREAM)
            return false;
        if (size >= c->cutoff)
            return read_chain(c, (int32_t)le32(e + 116), size, ret) && (ret->n = TD_MIN(ret->n, size), true);
        char *out = td_arena_alloc(c->a, size + 1);
        *ret = td_bytes(out, size);
        return read_small(c, (int32_t)le32(e + 116), size, out);
    }
    return false;
}

/* Text number wanted (from 1): the pool tells length and references of each, the data holds them one after the other. A
 * length of 0 with references says that the next entry is the length of a long text. */
static struct td_slice text_at(struct td_slice pool, struct td_slice data, uint32_t wanted)
{
    size_t offset = 0;
    uint32_t number = 1;
    for (size_t i = 4; i + 4 <= pool.n; i += 4, number++) {
        size_t length = le16(pool.p + i), references = le16(pool.p + i + 2);
        if (length == 0 && references != 0 && i + 8 <= pool.n) {
            length = le32(pool.p + i + 4);
            i += 4;
        }
        if (number == wanted)
            return offset + length <= data.n ? td_sub(data, offset, length) : td_str("");
        offset += length;
        if (offset > data.n)
            break;
    }
    return td_str("");
}

static uint32_t reference(const char *p, size_t width)
{
    return width == 2 ? le16(p) : le16(p) | (uint32_t)(unsigned char)p[2] << 16;
}

static void read_properties(const struct compound *c, struct td_slice pool, struct td_slice data, struct td_slice table,
                            struct td_msi_facts *ret)
{
    const struct {
        const char *name, **place;
    } wanted[] = {{"ProductCode", &ret->product_code},
                  {"ProductVersion", &ret->version},
                  {"ProductName", &ret->name},
                  {"Manufacturer", &ret->manufacturer}};
    size_t width = pool.n >= 4 && (le32(pool.p) & 0x80000000u) != 0 ? 3 : 2, rows = table.n / (2 * width);
    for (size_t i = 0; i < rows && i < MAX_PROPERTIES; i++) { /* a column at a time: all names, then all values */
        struct td_slice name = text_at(pool, data, reference(table.p + i * width, width));
        for (size_t k = 0; k < TD_COUNTOF(wanted); k++)
            if (td_eqs(name, wanted[k].name))
                *wanted[k].place =
                    td_arena_text(c->a, text_at(pool, data, reference(table.p + (rows + i) * width, width)));
    }
}

enum td_code td_msi_file_read(const char *path, struct td_arena *a, struct td_msi_facts *ret, struct td_error *err)
{
    TD_CLEANUP(close_file) FILE *f = fopen(path, "rbe");
    struct compound c = {.f = f, .a = a};
    struct td_slice pool, data, table;
    struct td_msi_facts facts = {"", "", "", ""};
    if (f == NULL)
        return td_fail(err, TD_EIO, "package", "can't be opened");
    if (!open_compound(&c) || !read_stream(&c, "_StringPool", &pool) || !read_stream(&c, "_StringData", &data) ||
        !read_stream(&c, "Property", &table) || pool.n > MAX_POOL)
        return td_fail(err, TD_EFORMAT, "package", "is no Windows Installer package");
    read_properties(&c, pool, data, table, &facts);
    *ret = facts;
    return TD_OK;
}
