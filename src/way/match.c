#include "way/match.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/env.h"
#include "base/fault.h"

/* In normal form. What makers leave in their firmware, as inventories of the field show it. */
static const char *const placeholder_texts[] = {
    "TOBEFILLEDBYOEM",
    "TOBEFILLEDBYOEMX",
    "DEFAULTSTRING",
    "SYSTEMSERIALNUMBER",
    "SYSTEMMANUFACTURER",
    "SYSTEMPRODUCTNAME",
    "SYSTEMVERSION",
    "NONE",
    "NA",
    "NULL",
    "UNKNOWN",
    "NOTSPECIFIED",
    "NOTAPPLICABLE",
    "NOTAVAILABLE",
    "INVALID",
    "EMPTY",
    "OEM",
    "OEMSERIAL",
    "SERIALNUMBER",
    "SERIAL",
    "CHASSISSERIALNUMBER",
    "BASEBOARDSERIALNUMBER",
    "0123456789",
    "123456789",
    "1234567890",
    "12345678",
    "1234567",
    "123456",
    "12345",
    "1234",
    "ABCDEFGH",
    "XXXXXXXX",
    "INSYDEINSYDE",
};

static const char *const placeholder_uuids[] = {
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "00020003-0004-0005-0006-000700080009", "03000200-0400-0500-0006-000700080009",
    "12345678-1234-5678-90ab-cddeefaabbcc", "12345678-1234-1234-1234-123456789abc",
    "fefefefe-fefe-fefe-fefe-fefefefefefe",
};

/* Adapters that software makes, with one address on every machine. Locally administered ones need no row. */
static const char *const placeholder_macs[] = {
    "00059A3C7800", "00059A3C7A00", /* VPN clients */
    "005056C00001", "005056C00008", /* host adapters of a hypervisor */
    "000000000000", "FFFFFFFFFFFF",
};

static const struct {
    const char *word;
    int weight;
} kinds[TD_FACT_COUNT] = {
    [TD_FACT_TUPLE] = {"tuple", 4}, [TD_FACT_UUID] = {"uuid", 4}, [TD_FACT_EK] = {"ek", 5},
    [TD_FACT_MAC] = {"mac", 2},     [TD_FACT_DISK] = {"disk", 1}, [TD_FACT_PKID] = {"pkid", 1},
};

static bool is_listed(const char *const *list, size_t n, const char *value)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], value) == 0)
            return true;
    return false;
}

/* Letters beyond ASCII stay as they are: two serial numbers that differ only there are different. */
char *td_fact_normal(struct td_arena *a, struct td_slice raw)
{
    char *out = td_arena_alloc(a, raw.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        if (c >= 'a' && c <= 'z')
            out[n++] = (char)(c - 'a' + 'A');
        else if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80)
            out[n++] = (char)c;
    }
    return out;
}

static bool is_worthless(const char *normal)
{
    if (strspn(normal, "0") == strlen(normal) || strspn(normal, "F") == strlen(normal) ||
        strspn(normal, "X") == strlen(normal))
        return true; /* "" too */
    return is_listed(placeholder_texts, TD_COUNTOF(placeholder_texts), normal);
}

bool td_fact_is_placeholder(struct td_slice raw)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    return is_worthless(td_fact_normal(&a, raw));
}

static bool add(struct td_facts *f, enum td_fact_kind kind, const char *value)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->list[i].kind == kind && strcmp(f->list[i].value, value) == 0)
            return true;
    if (f->count == TD_FACTS_MAX)
        return false;
    f->list[f->count++] = (struct td_fact){kind, value};
    return true;
}

bool td_facts_add_tuple(struct td_facts *f, struct td_arena *a, struct td_slice manufacturer, struct td_slice model,
                        struct td_slice serial)
{
    const char *parts[] = {td_fact_normal(a, manufacturer), td_fact_normal(a, model), td_fact_normal(a, serial)};
    for (size_t i = 0; i < TD_COUNTOF(parts); i++)
        if (is_worthless(parts[i]))
            return false;
    return add(f, TD_FACT_TUPLE, td_arena_printf(a, "%s|%s|%s", parts[0], parts[1], parts[2]));
}

static bool add_uuid_octets(struct td_facts *f, struct td_arena *a, const unsigned char raw[16])
{
    char windows[TD_UUID_TEXT], plain[TD_UUID_TEXT];
    td_uuid_text(raw, true, windows);
    td_uuid_text(raw, false, plain);
    const char *lesser = strcmp(windows, plain) < 0 ? windows : plain;
    if (is_listed(placeholder_uuids, TD_COUNTOF(placeholder_uuids), windows) ||
        is_listed(placeholder_uuids, TD_COUNTOF(placeholder_uuids), plain))
        return false;
    return add(f, TD_FACT_UUID, td_arena_strdup(a, lesser));
}

bool td_facts_add_uuid(struct td_facts *f, struct td_arena *a, struct td_slice uuid_text)
{
    char text[TD_UUID_TEXT];
    unsigned char raw[16];
    if (!td_uuid_parse(td_trim(uuid_text), text))
        return false;
    td_uuid_bytes(text, true, raw);
    return add_uuid_octets(f, a, raw);
}

bool td_facts_add_mac(struct td_facts *f, struct td_arena *a, const unsigned char mac[6])
{
    enum { MULTICAST = 1, LOCAL = 2 };
    char *text = td_hex(a, td_bytes(mac, 6));
    text = td_fact_normal(a, td_str(text));
    if ((mac[0] & (MULTICAST | LOCAL)) != 0 || is_listed(placeholder_macs, TD_COUNTOF(placeholder_macs), text))
        return false;
    return add(f, TD_FACT_MAC, text);
}

bool td_facts_add_mac_text(struct td_facts *f, struct td_arena *a, struct td_slice text)
{
    struct td_slice raw;
    const char *digits = td_fact_normal(a, text);
    if (strlen(digits) != 12 || td_hex_decode(a, td_str(digits), &raw) != TD_OK || raw.n != 6)
        return false;
    return td_facts_add_mac(f, a, (const unsigned char *)raw.p);
}

bool td_facts_add_ek(struct td_facts *f, struct td_arena *a, struct td_slice sha256_hex)
{
    struct td_slice raw;
    const char *digits = td_fact_normal(a, sha256_hex);
    if (strlen(digits) != 64 || td_hex_decode(a, td_str(digits), &raw) != TD_OK)
        return false;
    return !is_worthless(digits) && add(f, TD_FACT_EK, digits);
}

bool td_facts_add_text(struct td_facts *f, struct td_arena *a, enum td_fact_kind kind, struct td_slice raw)
{
    const char *normal = td_fact_normal(a, raw);
    return !is_worthless(normal) && add(f, kind, normal);
}

/* Docks and dongles go from device to device, and so does Bluetooth's address with its stick. */
static bool is_fixed(const struct td_hw_nic *nic)
{
    enum { BLUETOOTH = 10 };
    return nic->medium != BLUETOOTH && td_search(td_str(nic->bus), TD_S("USB")) == SIZE_MAX;
}

void td_facts_add_hash(struct td_facts *f, struct td_arena *a, const struct td_hw_facts *hw)
{
    (void)td_facts_add_tuple(f, a, td_str(hw->manufacturer), td_str(hw->model), td_str(hw->serial));
    if (hw->has_uuid)
        (void)add_uuid_octets(f, a, hw->uuid);
    if (hw->tpm_ek.n != 0)
        (void)td_facts_add_ek(f, a, td_str(td_hex(a, td_bytes(hw->ek_sha256, sizeof(hw->ek_sha256)))));
    (void)td_facts_add_text(f, a, TD_FACT_PKID, td_str(hw->product_key_id));
    for (size_t i = 0; i < hw->nic_count; i++)
        if (is_fixed(&hw->nics[i]))
            (void)td_facts_add_mac(f, a, hw->nics[i].mac);
    for (size_t i = 0; i < hw->disk_serial_count; i++)
        (void)td_facts_add_text(f, a, TD_FACT_DISK, td_str(hw->disk_serials[i]));
    for (size_t i = 0; i < hw->kernel_disk_serial_count; i++)
        (void)td_facts_add_text(f, a, TD_FACT_DISK, td_str(hw->kernel_disk_serials[i]));
}

static unsigned kinds_of(const struct td_facts *f)
{
    unsigned bits = 0;
    for (size_t i = 0; i < f->count; i++)
        bits |= 1u << f->list[i].kind;
    return bits;
}

unsigned td_facts_kinds(const struct td_facts *f)
{
    return (unsigned)__builtin_popcount(kinds_of(f));
}

bool td_facts_have(const struct td_facts *f, const struct td_fact *fact)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->list[i].kind == fact->kind && strcmp(f->list[i].value, fact->value) == 0)
            return true;
    return false;
}

/* Another mainboard has another UUID and another endorsement key; either of them equal says that it is the same one,
 * unless both of the others differ: a cloned virtual machine, a TPM that was moved, a UUID that a maker gave twice.
 * Only where neither is known does the serial number decide. */
static const char *contradiction(unsigned both, unsigned equal)
{
    const unsigned uuid = 1u << TD_FACT_UUID, ek = 1u << TD_FACT_EK, tuple = 1u << TD_FACT_TUPLE;
    unsigned differs = both & ~equal & (uuid | ek | tuple);
    if (td_fault("lookup-any-mainboard"))
        return NULL;
    if ((differs & uuid) != 0 && (differs & ek) != 0)
        return "SMBIOS UUID and endorsement key differ: another mainboard";
    if (differs == (tuple | ek) && !td_fault("lookup-cloned"))
        return "serial number and endorsement key differ: another machine";
    if (differs == (tuple | uuid) && !td_fault("lookup-cloned"))
        return "serial number and SMBIOS UUID differ: another machine";
    if ((equal & (uuid | ek)) != 0)
        return NULL;
    if ((differs & ek) != 0)
        return "the endorsement key differs: another TPM";
    if ((differs & uuid) != 0)
        return "the SMBIOS UUID differs: another mainboard";
    return (differs & tuple) != 0 ? "manufacturer, model or serial number differs" : NULL;
}

struct td_match td_facts_match(const struct td_facts *known, const struct td_facts *asked)
{
    struct td_match m = {0};
    for (size_t i = 0; i < asked->count; i++)
        if (td_facts_have(known, &asked->list[i]))
            m.kinds |= 1u << asked->list[i].kind;
    for (int k = 0; k < TD_FACT_COUNT; k++) {
        if ((m.kinds & 1u << k) == 0)
            continue;
        m.kind_count++;
        m.weight += kinds[k].weight;
    }
    m.contradicts = contradiction(kinds_of(known) & kinds_of(asked), m.kinds);
    return m;
}

bool td_match_is_device(const struct td_match *m)
{
    return (m->kind_count >= 2 || td_fault("lookup-one-fact")) && m->contradicts == NULL;
}

bool td_match_is_duplicate(const struct td_match *m)
{
    return td_match_is_device(m) || ((m->kinds & 1u << TD_FACT_TUPLE) != 0 && m->contradicts == NULL);
}

const char *td_fact_word(enum td_fact_kind kind)
{
    return (unsigned)kind < TD_FACT_COUNT ? kinds[kind].word : "unknown";
}

int td_fact_weight(enum td_fact_kind kind)
{
    return (unsigned)kind < TD_FACT_COUNT ? kinds[kind].weight : 0;
}

/* "uuid, tuple and disk", with weights where asked. */
static void list_kinds(unsigned bits, bool weights, struct td_buf *out)
{
    int left = __builtin_popcount(bits), done = 0;
    for (int k = 0; k < TD_FACT_COUNT; k++) {
        if ((bits & 1u << k) == 0)
            continue;
        td_buf_adds(out, done == 0 ? "" : done + 1 == left ? " and " : ", ");
        td_buf_adds(out, kinds[k].word);
        if (weights)
            td_buf_printf(out, " (%d)", kinds[k].weight);
        done++;
    }
}

static unsigned foreign_kinds(const struct td_facts *of, const struct td_facts *to)
{
    unsigned bits = 0;
    for (size_t i = 0; i < of->count; i++)
        if (!td_facts_have(to, &of->list[i]))
            bits |= 1u << of->list[i].kind;
    return bits;
}

const char *td_facts_difference(const struct td_facts *known, const struct td_facts *asked, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    unsigned bits = foreign_kinds(known, asked) | foreign_kinds(asked, known);
    td_buf_init(&b, 512);
    list_kinds(bits, false, &b);
    if (bits != 0)
        td_buf_adds(&b, __builtin_popcount(bits) == 1 ? " differs" : " differ");
    return td_arena_text(a, td_buf_slice(&b));
}

const char *td_match_text(const struct td_match *m, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 1024);
    list_kinds(m->kinds, true, &b);
    if (m->kind_count == 0)
        td_buf_adds(&b, "nothing agrees");
    else
        td_buf_printf(&b, " %s: weight %d", m->kind_count == 1 ? "agrees" : "agree", m->weight);
    if (m->contradicts != NULL)
        td_buf_printf(&b, "; against it: %s", m->contradicts);
    return td_arena_text(a, td_buf_slice(&b));
}
