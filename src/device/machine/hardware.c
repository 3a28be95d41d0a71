#include "device/hardware.h"

#include "base/encode.h"
#include "base/file.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "device/device.h"
#include "way/match.h"

#include <stddef.h>
#include <stdio.h>

enum { HARDWARE_MAX_OCTETS = 65536, HARDWARE_MAX_LIST = 16, ETHERNET = 14 };

/* Texts of the file and where they go. */
static const struct text_field {
    const char *name;
    size_t offset;
} text_fields[] = {
    {"serial", offsetof(struct td_hw_facts, serial)},
    {"manufacturer", offsetof(struct td_hw_facts, manufacturer)},
    {"model", offsetof(struct td_hw_facts, model)},
    {"sku", offsetof(struct td_hw_facts, sku)},
    {"family", offsetof(struct td_hw_facts, family)},
    {"systemVersion", offsetof(struct td_hw_facts, system_version)},
    {"boardProduct", offsetof(struct td_hw_facts, board_product)},
    {"boardVersion", offsetof(struct td_hw_facts, board_version)},
    {"firmwareVendor", offsetof(struct td_hw_facts, firmware_vendor)},
    {"firmwareVersion", offsetof(struct td_hw_facts, firmware_version)},
    {"tpmVersion", offsetof(struct td_hw_facts, tpm_version)},
    {"productKeyId", offsetof(struct td_hw_facts, product_key_id)},
    {"productKeyPart", offsetof(struct td_hw_facts, product_key_part)},
    {"cpuMaker", offsetof(struct td_hw_facts, cpu_maker)},
    {"cpuModel", offsetof(struct td_hw_facts, cpu_model)},
};

/* Fields with a rule of their own, and those that td_hardware has outside the hash. */
static const char *const other_fields[] = {"machine", "uuid",      "chassis", "ram",      "cpuCores", "cpuThreads",
                                           "disks",   "nics",      "tpmEk",   "os",       "edition",  "locale",
                                           "wifi",    "powerRole", "oemApps", "recovery", "power",    "secureBoot"};

static enum td_code check_names(const struct td_json *root, struct td_error *err)
{
    for (const struct td_json *m = root->child; m != NULL; m = m->next) {
        bool known = false;
        for (size_t i = 0; i < TD_COUNTOF(text_fields); i++)
            known |= strcmp(text_fields[i].name, m->name) == 0;
        for (size_t i = 0; i < TD_COUNTOF(other_fields); i++)
            known |= strcmp(other_fields[i], m->name) == 0;
        if (!known)
            return td_remedy(err, td_fail(err, TD_EINVAL, m->name, "the hardware file knows no such field"),
                             "take it out, or write it as docs/tasks/virtual-device.md does (serial, uuid, nics ...)");
    }
    return TD_OK;
}

static enum td_code read_texts(const struct td_json *root, struct td_hw_facts *f, struct td_error *err)
{
    for (size_t i = 0; i < TD_COUNTOF(text_fields); i++) {
        const struct td_json *v = td_json_get(root, text_fields[i].name);
        if (v == NULL)
            continue;
        if (v->type != TD_JSON_STRING || strlen(v->str) > 128)
            return td_fail(err, TD_EINVAL, text_fields[i].name, "must be a text of at most 128 octets");
        *(const char **)((char *)f + text_fields[i].offset) = v->str;
    }
    return TD_OK;
}

static enum td_code read_number(const struct td_json *root, const char *name, int64_t max, int64_t *ret,
                                struct td_error *err)
{
    const struct td_json *v = td_json_get(root, name);
    if (v == NULL)
        return TD_OK;
    if (v->type != TD_JSON_INT || v->num < 0 || v->num > max)
        return td_fail(err, TD_EINVAL, name, "must be a whole number from 0 to %lld", (long long)max);
    *ret = v->num;
    return TD_OK;
}

static enum td_code read_numbers(const struct td_json *root, struct td_hardware *hw, struct td_error *err)
{
    struct td_hw_facts *f = &hw->facts;
    int64_t ram = (int64_t)f->ram, chassis = f->chassis, role = f->power_role, cores = f->cpu_cores;
    int64_t threads = f->cpu_threads, edition = hw->edition;
    td_try(read_number(root, "ram", INT64_C(1) << 50, &ram, err));
    td_try(read_number(root, "chassis", 255, &chassis, err));
    td_try(read_number(root, "powerRole", 255, &role, err));
    td_try(read_number(root, "cpuCores", 4096, &cores, err));
    td_try(read_number(root, "cpuThreads", 4096, &threads, err));
    td_try(read_number(root, "edition", 65535, &edition, err));
    f->ram = f->ram_max = (uint64_t)ram;
    f->chassis = (uint8_t)chassis;
    f->power_role = (uint8_t)role;
    f->cpu_cores = (uint16_t)cores;
    f->cpu_threads = (uint16_t)threads;
    f->cpu_packages = cores != 0;
    f->cpu_hyperthreading = threads > cores;
    hw->edition = (int)edition;
    return TD_OK;
}

static enum td_code read_uuid(const struct td_json *root, struct td_hw_facts *f, struct td_error *err)
{
    const struct td_json *v = td_json_get(root, "uuid");
    char text[TD_UUID_TEXT];
    if (v == NULL)
        return TD_OK;
    if (v->type != TD_JSON_STRING || !td_uuid_parse(td_str(v->str), text))
        return td_fail(err, TD_EINVAL, "uuid", "must be a UUID in 8-4-4-4-12 form");
    td_uuid_bytes(text, true, f->uuid);
    f->has_uuid = true;
    return TD_OK;
}

static enum td_code check_list(const struct td_json *list, const char *name, struct td_error *err)
{
    if (list->type != TD_JSON_ARRAY || td_json_count(list) > HARDWARE_MAX_LIST)
        return td_fail(err, TD_EINVAL, name, "must be a list of at most %d", HARDWARE_MAX_LIST);
    return TD_OK;
}

static enum td_code read_disks(const struct td_json *root, struct td_arena *a, struct td_hw_facts *f,
                               struct td_error *err)
{
    const struct td_json *list = td_json_get(root, "disks");
    if (list == NULL)
        return TD_OK;
    td_try(check_list(list, "disks", err));
    struct td_hw_disk *disks = td_arena_array(a, struct td_hw_disk, HARDWARE_MAX_LIST);
    const char **serials = td_arena_array(a, const char *, HARDWARE_MAX_LIST);
    f->disk_count = f->disk_serial_count = 0;
    for (const struct td_json *d = list->child; d != NULL; d = d->next) {
        int64_t capacity = td_json_int(d, "capacity", 0), bus = td_json_int(d, "bus", 17);
        if (d->type != TD_JSON_OBJECT || capacity < 0 || bus < 0 || bus > 255)
            return td_fail(err, TD_EINVAL, "disks", "each is {\"serial\", \"capacity\", \"bus\"}");
        disks[f->disk_count++] = (struct td_hw_disk){.capacity = (uint64_t)capacity, .bus = (uint16_t)bus, .trim = 1};
        const char *serial = td_json_str(d, "serial");
        if (serial != NULL && strlen(serial) <= 128)
            serials[f->disk_serial_count++] = serial;
    }
    f->disks = disks;
    f->disk_serials = serials;
    return TD_OK;
}

static enum td_code read_nics(const struct td_json *root, struct td_arena *a, struct td_hw_facts *f,
                              struct td_error *err)
{
    const struct td_json *list = td_json_get(root, "nics");
    if (list == NULL)
        return TD_OK;
    td_try(check_list(list, "nics", err));
    struct td_hw_nic *nics = td_arena_array(a, struct td_hw_nic, HARDWARE_MAX_LIST);
    f->nic_count = 0;
    for (const struct td_json *n = list->child; n != NULL; n = n->next) {
        struct td_hw_nic *nic = &nics[f->nic_count++];
        const char *mac = td_json_str(n, "mac"), *bus = td_json_str(n, "bus");
        int64_t medium = td_json_int(n, "medium", ETHERNET);
        if (mac == NULL || !td_machine_mac(td_str(mac), a, nic->mac) || medium < 0 || medium > 255)
            return td_fail(err, TD_EINVAL, "nics", "each is {\"mac\":\"00:00:00:00:00:00\", \"medium\", \"bus\"}");
        nic->medium = (uint32_t)medium;
        nic->bus = bus != NULL && strlen(bus) <= 32 ? bus : "PCI";
    }
    f->nics = nics;
    return TD_OK;
}

static enum td_code read_outside(const struct td_json *root, struct td_hardware *hw, struct td_error *err)
{
    const char *os = td_json_str(root, "os"), *locale = td_json_str(root, "locale");
    hw->os_version = os != NULL ? os : hw->os_version;
    if (locale != NULL && strlen(locale) < 32)
        hw->locale = locale;
    const struct td_json *wifi = td_json_get(root, "wifi");
    if (wifi == NULL)
        return TD_OK;
    td_try(check_list(wifi, "wifi", err));
    size_t n = 0;
    for (const struct td_json *w = wifi->child; w != NULL && n + 1 < TD_COUNTOF(hw->wifi); w = w->next)
        if (w->type == TD_JSON_STRING && strlen(w->str) <= 32)
            hw->wifi[n++] = w->str;
    return TD_OK;
}

/* What the maker put on the disk, and what the machine runs on: a reset asks for both (device/reset.h). */
static enum td_code read_disk(const struct td_json *root, struct td_hardware *hw, struct td_error *err)
{
    const struct td_json *list = td_json_get(root, "oemApps"), *recovery = td_json_get(root, "recovery");
    const struct td_json *secure = td_json_get(root, "secureBoot");
    const char *power = td_json_str(root, "power");
    size_t n = 0;
    if (list != NULL)
        td_try(check_list(list, "oemApps", err));
    if (recovery != NULL && recovery->type != TD_JSON_BOOL)
        return td_fail(err, TD_EINVAL, "recovery", "must be true or false");
    if (secure != NULL && secure->type != TD_JSON_BOOL)
        return td_fail(err, TD_EINVAL, "secureBoot", "must be true or false");
    if (power != NULL && strcmp(power, "ac") != 0 && strcmp(power, "battery") != 0)
        return td_fail(err, TD_EINVAL, "power", "must be ac or battery");
    hw->battery = power != NULL && strcmp(power, "battery") == 0;
    hw->recovery = td_json_bool(root, "recovery", true);
    hw->secure_boot = td_json_bool(root, "secureBoot", true);
    for (const struct td_json *e = list != NULL ? list->child : NULL; e != NULL; e = e->next) {
        if (e->type != TD_JSON_STRING || e->str[0] == '\0' || e->str[0] == '.' || strlen(e->str) > 64 ||
            n + 1 >= TD_COUNTOF(hw->oem_apps))
            return td_fail(err, TD_EINVAL, "oemApps", "must be a list of at most %zu names of 1 to 64 octets",
                           TD_COUNTOF(hw->oem_apps) - 1);
        hw->oem_apps[n++] = e->str;
    }
    return TD_OK;
}

static enum td_code read_ek(const struct td_json *root, struct td_arena *a, struct td_hw_facts *f, struct td_error *err)
{
    const char *text = td_json_str(root, "tpmEk");
    if (text != NULL && (td_b64_decode(a, td_str(text), TD_B64_STD, &f->tpm_ek) != TD_OK || f->tpm_ek.n > 1024))
        return td_fail(err, TD_EINVAL, "tpmEk", "must be base64 of at most 1,024 octets");
    return TD_OK;
}

static enum td_code read_version(const char *text, struct td_hw_version *ret, struct td_error *err)
{
    uint16_t *const parts[] = {&ret->major, &ret->minor, &ret->build, &ret->revision};
    struct td_slice rest = td_str(text), part;
    size_t n = 0;
    for (uint64_t v; n < TD_COUNTOF(parts); n++) {
        rest = td_cut(rest, '.', &part);
        if (!td_parse_u64(part, &v) || v > UINT16_MAX)
            break;
        *parts[n] = (uint16_t)v;
    }
    if (n != TD_COUNTOF(parts) || rest.n != 0)
        return td_fail(err, TD_EINVAL, "os", "must be a version in a.b.c.d form");
    return TD_OK;
}

static enum td_code lay_over(const struct td_json *root, struct td_arena *a, struct td_hardware *hw,
                             struct td_error *err)
{
    td_try(read_texts(root, &hw->facts, err));
    td_try(read_numbers(root, hw, err));
    td_try(read_uuid(root, &hw->facts, err));
    td_try(read_disks(root, a, &hw->facts, err));
    td_try(read_nics(root, a, &hw->facts, err));
    td_try(read_ek(root, a, &hw->facts, err));
    td_try(read_disk(root, hw, err));
    return read_outside(root, hw, err);
}

static enum td_code load_file(const char *file, struct td_arena *a, struct td_json **ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    td_buf_init(&text, HARDWARE_MAX_OCTETS);
    td_try(td_file_read(file, &text, err));
    td_try(td_json_parse(td_buf_slice(&text), HARDWARE_MAX_OCTETS, a, ret, err));
    if ((*ret)->type != TD_JSON_OBJECT)
        return td_fail(err, TD_EFORMAT, file, "is no JSON object");
    return check_names(*ret, err);
}

/* A machine without SMBIOS (a container, most small VMs), or with what its maker left in ("Not Specified"), has no name
 * of its own: the virtual PC then gets a virtual board whose serial number and UUID follow from the machine's id, so
 * that they are the same at every start. named: the file gives the serial number (several PCs on one machine), from
 * which the UUID then follows as well. */
static void fill_board(struct td_hardware *hw, const char *root, bool named, struct td_arena *a)
{
    struct td_hw_facts *f = &hw->facts;
    const char *id = td_machine_id(root, f, a);
    bool serial_stands = f->serial[0] != '\0' && !td_fact_is_placeholder(td_str(f->serial));
    if (id == NULL || (serial_stands && (!named || f->manufacturer[0] != '\0')))
        return;
    unsigned char hash[32];
    td_sha256(td_str(td_arena_printf(a, "touchdown virtual board %s%s%s", id, serial_stands ? " " : "",
                                     serial_stands ? f->serial : "")),
              hash);
    if (!serial_stands) {
        char *serial = td_arena_printf(a, "TDV%s", td_hex(a, td_bytes(hash + 16, 4)));
        for (char *p = serial; *p != '\0'; p++)
            *p = (char)(*p >= 'a' && *p <= 'f' ? *p - 'a' + 'A' : *p);
        f->serial = serial;
    }
    f->manufacturer = f->manufacturer[0] != '\0' ? f->manufacturer : "Touchdown";
    f->model = f->model[0] != '\0' ? f->model : "Virtual PC";
    if (f->has_uuid)
        return;
    memcpy(f->uuid, hash, sizeof(f->uuid));
    f->uuid[7] = (unsigned char)((f->uuid[7] & 0x0f) | 0x40); /* version 4 in the raw order of SMBIOS */
    f->uuid[8] = (unsigned char)((f->uuid[8] & 0x3f) | 0x80);
    f->has_uuid = true;
}

/* HWDevID must stay the same for the same board, whatever disks and time say (mde2.md 4.2). */
static void name_hardware(struct td_hardware *hw, struct td_arena *a)
{
    const struct td_hw_facts *f = &hw->facts;
    const char *text =
        td_arena_printf(a, "%s\n%s\n%s\n%s", f->manufacturer, f->model, f->serial, td_hardware_uuid(hw, a));
    unsigned char hash[32];
    td_sha256(td_str(text), hash);
    (void)snprintf(hw->hw_dev_id, sizeof(hw->hw_dev_id), "%s", td_hex(a, td_bytes(hash, sizeof(hash))));
    for (size_t i = 0; i < f->nic_count; i++)
        hw->wired |= f->nics[i].medium == ETHERNET;
    hw->wired |= f->nic_count == 0; /* a container's network is there without an adapter of its own */
}

enum td_code td_hardware_read(const char *root, const char *file, struct td_arena *a, struct td_hardware *ret,
                              struct td_error *err)
{
    struct td_hardware hw = {
        .os_version = "10.0.22631.2506", .edition = 48, .locale = "en-US", .recovery = true, .secure_boot = true};
    struct td_json *overlay = NULL;
    td_hw_facts_init(&hw.facts);
    hw.facts.os_type = 2;
    hw.facts.os_arch = hw.facts.cpu_arch = 9;
    if (file != NULL)
        td_try(load_file(file, a, &overlay, err));
    if (td_json_bool(overlay, "machine", true))
        td_machine_read(root, a, &hw);
    if (overlay != NULL)
        td_try(lay_over(overlay, a, &hw, err));
    if (td_json_bool(overlay, "machine", true))
        fill_board(&hw, root, overlay != NULL && td_json_get(overlay, "serial") != NULL, a);
    td_try(read_version(hw.os_version, &hw.facts.os, err));
    hw.facts.tool = hw.facts.os;
    name_hardware(&hw, a);
    *ret = hw;
    return TD_OK;
}

/* The TPM as it was last seen (td_device_tpm_ready), where the file names no other. */
static void add_tpm(const struct td_device *dev, struct td_arena *a, struct td_hw_facts *f)
{
    const char *ek = dev->state != NULL ? td_state_get(dev->state, "tpm.ek") : NULL;
    const char *version = dev->state != NULL ? td_state_get(dev->state, "tpm.version") : NULL;
    if (f->tpm_ek.n == 0 && ek != NULL && td_b64_decode(a, td_str(ek), TD_B64_STD, &f->tpm_ek) != TD_OK)
        f->tpm_ek = TD_S("");
    if (f->tpm_version[0] == '\0' && version != NULL)
        f->tpm_version = td_arena_strdup(a, version);
}

enum td_code td_hardware_of(const struct td_device *dev, struct td_arena *a, struct td_hardware *ret,
                            struct td_error *err)
{
    const char *kept = td_device_path(dev, a, "hardware.json");
    td_try(td_hardware_read("", td_file_exists(kept) ? kept : NULL, a, ret, err));
    add_tpm(dev, a, &ret->facts);
    return TD_OK;
}

enum td_code td_hardware_keep(const struct td_device *dev, const char *file, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_buf_done) struct td_buf text;
    td_buf_init(&text, HARDWARE_MAX_OCTETS);
    td_try(td_file_read(file, &text, err));
    return td_file_write(td_device_path(dev, &a, "hardware.json"), td_buf_slice(&text), 0600, err);
}

enum td_code td_hardware_hash(const struct td_hardware *hw, const struct td_env *env, struct td_arena *a, char **ret,
                              struct td_error *err)
{
    static const int64_t year_2000 = INT64_C(946684800);
    struct td_hw_facts f = hw->facts;
    int64_t seconds = td_now(env) / TD_SECOND - year_2000;
    f.taken = seconds > 0 ? (uint32_t)seconds : 0;
    return td_hwhash_encode_text(&f, td_sha256, a, ret, err);
}

const char *td_hardware_uuid(const struct td_hardware *hw, struct td_arena *a)
{
    char text[TD_UUID_TEXT];
    if (!hw->facts.has_uuid)
        return "";
    td_uuid_text(hw->facts.uuid, true, text);
    return td_arena_strdup(a, text);
}
