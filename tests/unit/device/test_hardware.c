/* device/hardware: the machine's facts, the file laid over them, the hash made of both. */
#include "crypto/digest.h"
#include "device/hardware.h"
#include "unit/test.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct td_arena arena;
static char root[64];

static void put(const char *path, const char *text)
{
    char full[256];
    (void)snprintf(full, sizeof(full), "%s%s", root, path);
    for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        (void)mkdir(full, 0700);
        *p = '/';
    }
    assert_ok(td_file_write(full, td_str(text), 0600, NULL));
}

static int make_root(void **state TD_UNUSED)
{
    (void)snprintf(root, sizeof(root), "/tmp/td-hardware-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int remove_one(const char *path, const struct stat *st TD_UNUSED, int kind TD_UNUSED, struct FTW *at TD_UNUSED)
{
    return remove(path);
}

static int remove_root(void **state TD_UNUSED)
{
    td_arena_done(&arena);
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *fixture_path(const char *name)
{
    return td_arena_printf(&arena, "%s/hardware/%s", TD_FIXTURES, name);
}

static void reads_the_machine(void **state TD_UNUSED)
{
    put("/sys/class/dmi/id/product_serial", "SN-42\n");
    put("/sys/class/dmi/id/sys_vendor", "Contoso\n");
    put("/sys/class/dmi/id/product_name", "Book 1\n");
    put("/sys/class/dmi/id/product_uuid", "00112233-4455-6677-8899-AABBCCDDEEFF\n");
    put("/sys/class/dmi/id/chassis_type", "10\n");
    put("/proc/cpuinfo",
        "processor : 0\nvendor_id\t: AuthenticAMD\nmodel name\t: CPU X\ncpu cores\t: 4\nsiblings\t: 8\n");
    put("/proc/meminfo", "MemTotal:       16384 kB\n");
    put("/sys/block/nvme0n1/size", "2048\n");
    put("/sys/block/nvme0n1/device/serial", " DISK-1 \n");
    put("/sys/block/loop0/size", "1\n");
    put("/sys/class/net/eth0/address", "00:00:5e:00:53:07\n");
    put("/sys/class/net/eth0/device/x", "");
    put("/sys/class/net/lo/address", "00:00:00:00:00:00\n");
    struct td_hardware hw;
    assert_ok(td_hardware_read(root, NULL, &arena, &hw, NULL));
    assert_string_equal(hw.facts.serial, "SN-42");
    assert_string_equal(hw.facts.manufacturer, "Contoso");
    assert_string_equal(td_hardware_uuid(&hw, &arena), "00112233-4455-6677-8899-aabbccddeeff");
    assert_int_equal(hw.facts.uuid[0], 0x33); /* raw: first three fields little-endian */
    assert_int_equal(hw.facts.chassis, 10);
    assert_int_equal(hw.facts.cpu_threads, 8);
    assert_int_equal(hw.facts.ram, 16384 * 1024);
    assert_int_equal(hw.facts.disk_count, 1);
    assert_int_equal(hw.facts.disks[0].capacity, 2048 * 512);
    assert_string_equal(hw.facts.disk_serials[0], "DISK-1");
    assert_int_equal(hw.facts.nic_count, 1);
    assert_int_equal(hw.facts.nics[0].mac[5], 7);
    assert_true(hw.wired);
}

static void gives_a_nameless_machine_a_board(void **state TD_UNUSED)
{
    struct td_hardware first, again, other;
    put("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    assert_ok(td_hardware_read(root, NULL, &arena, &first, NULL));
    assert_ok(td_hardware_read(root, NULL, &arena, &again, NULL));
    put("/etc/machine-id", "0123456789abcdef0123456789abcde0\n");
    assert_ok(td_hardware_read(root, NULL, &arena, &other, NULL));
    assert_string_equal(first.facts.serial, again.facts.serial);
    assert_string_not_equal(first.facts.serial, other.facts.serial);
    assert_true(strlen(first.facts.serial) == 11 && memcmp(first.facts.serial, "TDV", 3) == 0);
    assert_string_equal(td_hardware_uuid(&first, &arena), td_hardware_uuid(&again, &arena));
    assert_int_equal(td_hardware_uuid(&first, &arena)[14], '4');
    assert_string_equal(first.hw_dev_id, again.hw_dev_id);
    assert_string_not_equal(first.hw_dev_id, other.hw_dev_id);
}

/* Several PCs on one machine, each named by its file: registered like any other, and no two taken for one. */
static void gives_a_named_one_the_rest(void **state TD_UNUSED)
{
    struct td_hardware one, two, known;
    const char *file = td_arena_printf(&arena, "%s/hw.json", root);
    put("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    put("/hw.json", "{\"serial\":\"SN-1\"}");
    assert_ok(td_hardware_read(root, file, &arena, &one, NULL));
    put("/hw.json", "{\"serial\":\"SN-2\"}");
    assert_ok(td_hardware_read(root, file, &arena, &two, NULL));
    assert_string_equal(one.facts.serial, "SN-1");
    assert_string_equal(one.facts.manufacturer, "Touchdown");
    assert_string_equal(one.facts.model, "Virtual PC");
    assert_true(one.facts.has_uuid && two.facts.has_uuid);
    assert_memory_not_equal(one.facts.uuid, two.facts.uuid, sizeof(one.facts.uuid));
    put("/sys/class/dmi/id/sys_vendor", "Contoso\n");
    assert_ok(td_hardware_read(root, file, &arena, &known, NULL));
    assert_string_equal(known.facts.manufacturer, "Contoso");
    assert_false(known.facts.has_uuid); /* a machine with SMBIOS is not added to */
    put("/hw.json", "{\"machine\":false,\"serial\":\"SN-3\"}");
    assert_ok(td_hardware_read(root, file, &arena, &known, NULL));
    assert_string_equal(known.facts.manufacturer, "");
}

static void names_a_fresh_container_by_its_host(void **state TD_UNUSED)
{
    struct td_hardware bare, left_in;
    put("/proc/sys/kernel/hostname", "box-7\n");
    assert_ok(td_hardware_read(root, NULL, &arena, &bare, NULL));
    assert_int_equal(memcmp(bare.facts.serial, "TDV", 3), 0);
    put("/sys/class/dmi/id/product_serial", "Not Specified\n");
    assert_ok(td_hardware_read(root, NULL, &arena, &left_in, NULL));
    assert_string_equal(left_in.facts.serial, bare.facts.serial);
}

static void invents_nothing_without_an_id(void **state TD_UNUSED)
{
    struct td_hardware hw;
    assert_ok(td_hardware_read(root, NULL, &arena, &hw, NULL));
    assert_string_equal(hw.facts.serial, "");
    assert_false(hw.facts.has_uuid);
    assert_true(hw.wired); /* no adapter is seen, yet here we are */
}

static void hash_tells_the_file(void **state TD_UNUSED)
{
    struct td_hardware hw;
    struct td_hw_facts facts;
    struct td_env_fixed world;
    char *hash, *later;
    td_env_fixed_init(&world, INT64_C(1893553445) * TD_SECOND, 1);
    assert_ok(td_hardware_read(root, fixture_path("laptop.json"), &arena, &hw, NULL));
    assert_ok(td_hardware_hash(&hw, &world.env, &arena, &hash, NULL));
    assert_true(strlen(hash) >= 4000);
    assert_memory_equal(hash, "T0", 2);
    assert_ok(td_hwhash_decode_text(td_str(hash), td_sha256, &arena, &facts, NULL, NULL));
    assert_true(facts.checksum_ok);
    assert_string_equal(facts.serial, "LB-2030-0001");
    assert_string_equal(facts.manufacturer, "Example Computers");
    assert_string_equal(facts.disk_serials[0], "EXD0000000000001");
    assert_int_equal(facts.nic_count, 2);
    assert_int_equal(facts.os.build, 22631);
    assert_memory_equal(facts.uuid, hw.facts.uuid, 16);
    assert_int_equal(facts.taken, 1893553445 - 946684800);
    world.now += TD_HOUR;
    assert_ok(td_hardware_hash(&hw, &world.env, &arena, &later, NULL));
    assert_string_not_equal(hash, later); /* a hash differs each time it is read */
}

static void knows_its_network(void **state TD_UNUSED)
{
    struct td_hardware hw;
    assert_ok(td_hardware_read(root, fixture_path("laptop.json"), &arena, &hw, NULL));
    assert_true(hw.wired);
    assert_ok(td_hardware_read(root, fixture_path("wireless.json"), &arena, &hw, NULL));
    assert_false(hw.wired);
    assert_string_equal(hw.wifi[1], "Contoso");
    assert_null(hw.wifi[2]);
}

static void refuses_bad_files(void **state TD_UNUSED)
{
    static const struct {
        const char *text, *field;
    } bad[] = {{"{\"serail\":\"x\"}", "serail"},    {"{\"serial\":1}", "serial"},
               {"{\"uuid\":\"x\"}", "uuid"},        {"{\"ram\":-1}", "ram"},
               {"{\"chassis\":256}", "chassis"},    {"{\"nics\":[{\"mac\":\"00:00\"}]}", "nics"},
               {"{\"disks\":{}}", "disks"},         {"{\"disks\":[1]}", "disks"},
               {"{\"os\":\"11\"}", "os"},           {"{\"tpmEk\":\"%\"}", "tpmEk"},
               {"{\"edition\":\"Pro\"}", "edition"}};
    for (size_t i = 0; i < TD_COUNTOF(bad); i++) {
        struct td_hardware hw;
        struct td_error err = {0};
        put("/hw.json", bad[i].text);
        assert_int_equal(td_hardware_read(root, td_arena_printf(&arena, "%s/hw.json", root), &arena, &hw, &err),
                         TD_EINVAL);
        assert_string_equal(err.where, bad[i].field);
    }
    struct td_hardware hw;
    put("/hw.json", "[]");
    assert_int_equal(td_hardware_read(root, td_arena_printf(&arena, "%s/hw.json", root), &arena, &hw, NULL),
                     TD_EFORMAT);
}

#define ROOTED(t) cmocka_unit_test_setup_teardown(t, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOTED(reads_the_machine),
        ROOTED(gives_a_nameless_machine_a_board),
        ROOTED(gives_a_named_one_the_rest),
        ROOTED(names_a_fresh_container_by_its_host),
        ROOTED(invents_nothing_without_an_id),
        ROOTED(hash_tells_the_file),
        ROOTED(knows_its_network),
        ROOTED(refuses_bad_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
