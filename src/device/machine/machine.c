/* Facts of the Linux machine underneath: /sys/class/dmi/id, /proc, /sys/block, /sys/class/net. What can't be read (no
 * SMBIOS in a container, serial readable by root only) is left out. */
#include "base/encode.h"
#include "base/file.h"
#include "device/hardware.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

enum { MACHINE_MAX_TEXT = 65536, MACHINE_MAX_LIST = 16 };

static struct td_slice read_text(const char *root, const char *path, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, MACHINE_MAX_TEXT);
    if (td_file_read(td_arena_printf(a, "%s%s", root, path), &b, NULL) != TD_OK)
        return TD_S("");
    struct td_slice s = td_trim(td_buf_slice(&b));
    return td_utf8_ok(s) ? td_arena_copy(a, s) : TD_S("");
}

static const char *read_fact(const char *root, const char *path, struct td_arena *a)
{
    return td_arena_text(a, td_sub(read_text(root, path, a), 0, 128));
}

static void read_dmi(const char *root, struct td_arena *a, struct td_hw_facts *f)
{
    const struct {
        const char *file;
        const char **field;
    } facts[] = {
        {"product_serial", &f->serial},       {"sys_vendor", &f->manufacturer},
        {"product_name", &f->model},          {"product_sku", &f->sku},
        {"product_family", &f->family},       {"product_version", &f->system_version},
        {"board_name", &f->board_product},    {"board_version", &f->board_version},
        {"bios_vendor", &f->firmware_vendor}, {"bios_version", &f->firmware_version},
    };
    for (size_t i = 0; i < TD_COUNTOF(facts); i++)
        *facts[i].field = read_fact(root, td_arena_printf(a, "/sys/class/dmi/id/%s", facts[i].file), a);
    char uuid[TD_UUID_TEXT];
    if (td_uuid_parse(read_text(root, "/sys/class/dmi/id/product_uuid", a), uuid)) {
        td_uuid_bytes(uuid, true, f->uuid); /* first three fields little-endian since SMBIOS 2.6 */
        f->has_uuid = true;
    }
    uint64_t chassis;
    if (td_parse_u64(read_text(root, "/sys/class/dmi/id/chassis_type", a), &chassis) && chassis < 256)
        f->chassis = (uint8_t)chassis;
}

/* Value of the first "name : value" line. */
static struct td_slice line_value(struct td_slice text, const char *name)
{
    while (text.n != 0) {
        struct td_slice line, key;
        text = td_cut(text, '\n', &line);
        struct td_slice value = td_cut(line, ':', &key);
        if (td_eqs(td_trim(key), name))
            return td_trim(value);
    }
    return TD_S("");
}

static uint16_t count_of(struct td_slice text, const char *name)
{
    uint64_t n;
    return td_parse_u64(line_value(text, name), &n) && n < 4096 ? (uint16_t)n : 1;
}

static void read_cpu(const char *root, struct td_arena *a, struct td_hw_facts *f)
{
    struct td_slice info = read_text(root, "/proc/cpuinfo", a);
    if (info.n == 0)
        return;
    f->cpu_maker = td_arena_text(a, td_sub(line_value(info, "vendor_id"), 0, 64));
    f->cpu_model = td_arena_text(a, td_sub(line_value(info, "model name"), 0, 128));
    f->cpu_arch = f->os_arch = sizeof(void *) == 8 ? 9 : 0;
    f->cpu_packages = 1;
    f->cpu_cores = count_of(info, "cpu cores");
    f->cpu_threads = count_of(info, "siblings");
    f->cpu_hyperthreading = f->cpu_threads > f->cpu_cores;
    uint64_t kib;
    struct td_slice number;
    td_cut(line_value(read_text(root, "/proc/meminfo", a), "MemTotal"), ' ', &number);
    if (td_parse_u64(number, &kib))
        f->ram = f->ram_max = kib * 1024;
}

struct listing {
    const char *names[MACHINE_MAX_LIST];
    size_t count;
};

static void close_dir(DIR **d)
{
    if (*d != NULL)
        (void)closedir(*d);
}

/* Entries with a "device" link are hardware; the rest (lo, loop, bridges) is made of software. */
static struct listing list_hardware(const char *root, const char *folder, struct td_arena *a)
{
    struct listing l = {0};
    TD_CLEANUP(close_dir) DIR *d = opendir(td_arena_printf(a, "%s%s", root, folder));
    struct dirent *e;
    while (d != NULL && l.count < MACHINE_MAX_LIST && (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.' && access(td_arena_printf(a, "%s%s/%s/device", root, folder, e->d_name), F_OK) == 0)
            l.names[l.count++] = td_arena_strdup(a, e->d_name);
    return l;
}

static void read_disks(const char *root, struct td_arena *a, struct td_hw_facts *f)
{
    struct listing l = list_hardware(root, "/sys/block", a);
    struct td_hw_disk *disks = td_arena_array(a, struct td_hw_disk, l.count + 1);
    const char **serials = td_arena_array(a, const char *, l.count + 1);
    for (size_t i = 0; i < l.count; i++) {
        const char *name = l.names[i];
        uint64_t sectors = 0;
        (void)td_parse_u64(read_text(root, td_arena_printf(a, "/sys/block/%s/size", name), a), &sectors);
        bool nvme = td_starts(td_str(name), "nvme");
        disks[f->disk_count++] = (struct td_hw_disk){.capacity = sectors * 512, .bus = nvme ? 17 : 11, .trim = 1};
        const char *serial = read_fact(root, td_arena_printf(a, "/sys/block/%s/device/serial", name), a);
        if (serial[0] == '\0')
            serial = read_fact(root, td_arena_printf(a, "/sys/block/%s/serial", name), a);
        if (serial[0] != '\0')
            serials[f->disk_serial_count++] = serial;
    }
    f->disks = disks;
    f->disk_serials = serials;
}

bool td_machine_mac(struct td_slice text, struct td_arena *a, unsigned char mac[6])
{
    struct td_buf digits;
    td_buf_init(&digits, 64);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != ':' && text.p[i] != '-')
            td_buf_addc(&digits, text.p[i]);
    struct td_slice octets;
    bool ok = !digits.failed && td_hex_decode(a, td_buf_slice(&digits), &octets) == TD_OK && octets.n == 6;
    if (ok)
        memcpy(mac, octets.p, 6);
    td_buf_done(&digits);
    return ok;
}

static void read_nics(const char *root, struct td_arena *a, struct td_hw_facts *f)
{
    struct listing l = list_hardware(root, "/sys/class/net", a);
    struct td_hw_nic *nics = td_arena_array(a, struct td_hw_nic, l.count + 1);
    for (size_t i = 0; i < l.count; i++) {
        struct td_hw_nic *nic = &nics[f->nic_count];
        const char *radio = td_arena_printf(a, "%s/sys/class/net/%s/wireless", root, l.names[i]);
        if (!td_machine_mac(read_text(root, td_arena_printf(a, "/sys/class/net/%s/address", l.names[i]), a), a,
                            nic->mac))
            continue;
        nic->medium = access(radio, F_OK) == 0 ? 9 : 14;
        nic->bus = "PCI";
        f->nic_count++;
    }
    f->nics = nics;
}

void td_machine_read(const char *root, struct td_arena *a, struct td_hardware *hw)
{
    read_dmi(root, a, &hw->facts);
    read_cpu(root, a, &hw->facts);
    read_disks(root, a, &hw->facts);
    read_nics(root, a, &hw->facts);
}

const char *td_machine_id(const char *root, const struct td_hw_facts *f, struct td_arena *a)
{
    struct td_slice id = read_text(root, "/etc/machine-id", a);
    if (id.n >= 32)
        return td_arena_text(a, id);
    if (f->nic_count != 0)
        return td_hex(a, td_bytes(f->nics[0].mac, sizeof(f->nics[0].mac)));
    id = read_text(root, "/proc/sys/kernel/hostname", a); /* a fresh container has neither */
    return id.n != 0 ? td_arena_text(a, id) : NULL;
}
