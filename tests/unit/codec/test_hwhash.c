/* codec/hwhash: writes and reads all records, refuses what is cut or counts wrong, mends base64 as importers must. */
#include "base/encode.h"
#include "base/env.h"
#include "codec/hwhash.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "unit/test.h"

static struct td_arena arena;

static const char *const disk_serials[] = {"S4EVNX0N12", "WD-1"};
static const struct td_hw_disk disks[] = {{512110190592, 17, 0, 1}, {1000204886016, 11, 1, 0}};
static const struct td_hw_nic nics[] = {
    {14, {0x00, 0x1B, 0x44, 0x11, 0x3A, 0xB7}, 1, "PCI"},
    {9, {0x00, 0x1B, 0x44, 0x11, 0x3A, 0xB8}, 0, ""},
};
static const struct td_hw_gpu gpus[] = {{1073741824, 8589934592, 1}};
static const char *const gpu_names[] = {"Größe|Model \xF0\x9F\x96\xA5"};
static const struct td_hw_display displays[] = {{31, 17, 1920, 1080}};
static const char *const kernel_serials[] = {"K-1"};

static struct td_hw_facts sample(void)
{
    struct td_hw_facts f;
    td_hw_facts_init(&f);
    f.tool = (struct td_hw_version){10, 0, 19041, 1566};
    f.os = (struct td_hw_version){10, 0, 22631, 2506};
    f.taken = 708000000;
    f.zone = -20;
    f.os_type = 2;
    f.os_arch = 9;
    f.cpu_arch = 9;
    f.cpu_packages = 1;
    f.cpu_cores = 8;
    f.cpu_threads = 16;
    f.cpu_hyperthreading = 1;
    f.cpu_maker = "GenuineIntel";
    f.cpu_model = "Core i7";
    f.ram = 17179869184;
    f.ram_slots = 2;
    f.ram_ecc = 3;
    f.chassis = 10;
    f.power_role = 2;
    f.offline_id_kind = 0x00200001;
    f.offline_id = TD_S("\x01\x02\x03");
    f.has_uuid = true;
    memcpy(f.uuid, "\x44\x33\x22\x11\x66\x55\x88\x77\x99\xAA\xBB\xCC\xDD\xEE\xFF\x01", 16);
    f.tpm_version = "TPM-Version:2.0";
    f.serial = "SN-0001";
    f.manufacturer = "Contoso";
    f.model = "Book 1";
    f.sku = "SKU-1";
    f.family = "Book";
    f.product_key_id = "3305300000001";
    f.tpm_ek = TD_S("not a real key");
    f.disks = disks;
    f.disk_count = TD_COUNTOF(disks);
    f.disk_serials = disk_serials;
    f.disk_serial_count = TD_COUNTOF(disk_serials);
    f.kernel_disk_serials = kernel_serials;
    f.kernel_disk_serial_count = TD_COUNTOF(kernel_serials);
    f.nics = nics;
    f.nic_count = TD_COUNTOF(nics);
    f.displays = displays;
    f.display_count = TD_COUNTOF(displays);
    f.gpus = gpus;
    f.gpu_count = TD_COUNTOF(gpus);
    f.gpu_names = gpu_names;
    f.gpu_name_count = TD_COUNTOF(gpu_names);
    return f;
}

static struct td_slice sample_octets(void)
{
    struct td_hw_facts f = sample();
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, TD_HW_MAX_OCTETS);
    assert_ok(td_hwhash_encode(&f, td_sha256, &b, NULL));
    return td_arena_copy(&arena, td_buf_slice(&b));
}

static void reads_what_it_wrote(void **state TD_UNUSED)
{
    struct td_hw_facts f;
    struct td_slice in = sample_octets();
    assert_int_equal(in.n, 3000);
    assert_ok(td_hwhash_decode(in, td_sha256, &arena, &f, NULL));
    assert_true(f.checksum_ok);
    assert_string_equal(f.serial, "SN-0001");
    assert_string_equal(f.manufacturer, "Contoso");
    assert_string_equal(f.tpm_version, "TPM-Version:2.0");
    assert_string_equal(f.firmware_vendor, "");
    assert_int_equal(f.os.build, 22631);
    assert_int_equal(f.os.revision, 2506);
    assert_int_equal(f.zone, -20);
    assert_int_equal(f.cpu_threads, 16);
    assert_true(f.ram == 17179869184);
    assert_true(f.has_uuid);
    assert_int_equal(f.uuid[0], 0x44);
    assert_int_equal(f.disk_count, 2);
    assert_true(f.disks[1].capacity == 1000204886016);
    assert_int_equal(f.disks[0].bus, 17);
    assert_string_equal(f.disk_serials[1], "WD-1");
    assert_string_equal(f.kernel_disk_serials[0], "K-1");
    assert_int_equal(f.nic_count, 2);
    assert_int_equal(f.nics[1].mac[5], 0xB8);
    assert_string_equal(f.nics[0].bus, "PCI");
    assert_string_equal(f.nics[1].bus, "");
    assert_int_equal(f.displays[0].pixels_x, 1920);
    assert_true(f.gpus[0].system_memory == 8589934592);
    assert_string_equal(f.gpu_names[0], gpu_names[0]);
    assert_int_equal(f.offline_id_kind, 0x00200001);
    assert_slice(f.offline_id, "\x01\x02\x03");
    unsigned char want[32];
    td_sha256(TD_S("not a real key"), want);
    assert_memory_equal(f.ek_sha256, want, 32);

    TD_CLEANUP(td_buf_done) struct td_buf again;
    td_buf_init(&again, TD_HW_MAX_OCTETS);
    assert_ok(td_hwhash_encode(&f, td_sha256, &again, NULL));
    assert_true(td_eq(td_buf_slice(&again), in));
}

/* The layout, octet by octet, from the document and not from our writer (autopilot.md 1.2, domain-join-and-tpm.md 3).
 */
static void follows_the_layout(void **state TD_UNUSED)
{
    char raw[3000] = "OA\x3c\x00"
                     "\x01\x00\x1c\x00"
                     "\x00\x00\x0a\x00\xe8\x03\x82\x3a" /* 10.0.14978.1000 */
                     "\x01\x00\x06\x00\x00\x00\xb1\x1d" /* 6.1.7601 */
                     "\x00\x00\x00\x00\x04\x02\x09\x03" /* date, zone, OS type, architecture, tool version */
                     "\x10\x00\x09\x00"
                     "Acme\x00"
                     "\x0e\x00\x06\x00"
                     "7\x00"
                     "\x1b\x00\x08\x00\xff\xff\xff\xff"
                     "\x22\x00\x04\x00"
                     "\x00"; /* padding inside the counted part */
    const size_t total = 0x3c;
    td_sha256(td_bytes(raw, total), (unsigned char *)raw + total + 4);
    memcpy(raw + total, "CS\x24\x00", 4);
    struct td_hw_facts f;
    struct td_error err;
    if (td_hwhash_decode(td_bytes(raw, sizeof(raw)), td_sha256, &arena, &f, &err) != TD_OK)
        fail_msg("%s", err.text);
    assert_true(f.checksum_ok);
    assert_int_equal(f.tool.build, 14978);
    assert_int_equal(f.tool.revision, 1000);
    assert_int_equal(f.os.major, 6);
    assert_int_equal(f.os.build, 7601);
    assert_int_equal(f.zone, 4);
    assert_int_equal(f.os_type, 2);
    assert_int_equal(f.os_arch, 9);
    assert_string_equal(f.manufacturer, "Acme");
    assert_string_equal(f.serial, "7");
    assert_int_equal(f.record_count, 5);
    assert_int_equal(f.records[4].type, 34);
    assert_int_equal(f.records[4].data.n, 0);
    raw[5 + 40] ^= 1;
    assert_ok(td_hwhash_decode(td_bytes(raw, sizeof(raw)), td_sha256, &arena, &f, &err));
    assert_false(f.checksum_ok);
}

static void refuses_every_cut(void **state TD_UNUSED)
{
    struct td_slice in = sample_octets();
    char *text = td_b64(&arena, in);
    struct td_hw_facts f;
    struct td_error err;
    for (size_t n = 0; n < in.n; n++) {
        /* a copy of its own, so that the sanitizer sees a read past it */
        char *cut = td_alloc(n);
        memcpy(cut, in.p, n);
        assert_int_equal(td_hwhash_decode(td_bytes(cut, n), td_sha256, &arena, &f, &err), TD_EFORMAT);
        td_free(cut);
    }
    for (size_t n = 0; n < strlen(text); n++)
        if (td_hwhash_decode_text(td_bytes(text, n), td_sha256, &arena, &f, NULL, &err) == TD_OK)
            fail_msg("text cut at %zu is taken", n);
}

static void refuses_counts_past_the_end(void **state TD_UNUSED)
{
    struct td_slice good = sample_octets();
    struct td_hw_facts f;
    struct td_error err;
    char *in = td_arena_text(&arena, good);
    size_t total = (unsigned char)in[2] | (size_t)(unsigned char)in[3] << 8;
    for (size_t claim = 0; claim <= 0xFFFF; claim += 7) {
        in[2] = (char)(claim & 0xFF);
        in[3] = (char)(claim >> 8);
        enum td_code rc = td_hwhash_decode(td_bytes(in, good.n), td_sha256, &arena, &f, &err);
        assert_true((rc == TD_OK) == (claim == total));
    }
    in[2] = (char)(total & 0xFF);
    in[3] = (char)(total >> 8);
    for (size_t at = 4; at + 4 <= total;) {
        size_t length = (unsigned char)in[at + 2] | (size_t)(unsigned char)in[at + 3] << 8;
        memcpy(in + at + 2, "\xFF\xFF", 2);
        assert_int_equal(td_hwhash_decode(td_bytes(in, good.n), td_sha256, &arena, &f, &err), TD_EFORMAT);
        memcpy(in + at + 2, "\x03\x00", 2);
        assert_int_equal(td_hwhash_decode(td_bytes(in, good.n), td_sha256, &arena, &f, &err), TD_EFORMAT);
        in[at + 2] = (char)(length & 0xFF);
        in[at + 3] = (char)(length >> 8);
        at += length;
    }
    assert_ok(td_hwhash_decode(td_bytes(in, good.n), td_sha256, &arena, &f, &err));
}

static void mends_base64(void **state TD_UNUSED)
{
    struct td_hw_facts f;
    struct td_error err;
    /* 3001 octets: the text needs padding, which devices leave out */
    char *longer = td_arena_alloc(&arena, 3001);
    memcpy(longer, sample_octets().p, 3000);
    char *text = td_b64(&arena, td_bytes(longer, 3001));
    size_t n = strlen(text);
    assert_true(text[n - 1] == '=' && text[n - 2] == '=');
    static const char *const ends[] = {"", "=", "==", "===", "A", "AA", "A==", "\r\n"};
    for (size_t i = 0; i < TD_COUNTOF(ends); i++) {
        const char *odd = td_arena_printf(&arena, " %.*s%s", (int)(n - 2), text, ends[i]);
        if (td_hwhash_decode_text(td_str(odd), td_sha256, &arena, &f, NULL, &err) != TD_OK)
            fail_msg("end \"%s\": %s", ends[i], err.text);
        assert_string_equal(f.serial, "SN-0001");
    }
    text[100] = '!';
    assert_int_equal(td_hwhash_decode_text(td_str(text), td_sha256, &arena, &f, NULL, &err), TD_EFORMAT);
    assert_string_equal(err.text, "is not base64");
    char *huge = td_arena_alloc(&arena, TD_HW_MAX_TEXT + 2);
    memset(huge, 'T', TD_HW_MAX_TEXT + 1);
    assert_int_equal(td_hwhash_decode_text(td_str(huge), td_sha256, &arena, &f, NULL, &err), TD_ELIMIT);
}

static void begins_as_in_the_field(void **state TD_UNUSED)
{
    struct td_hw_facts f = sample();
    char *text;
    assert_ok(td_hwhash_encode_text(&f, td_sha256, &arena, &text, NULL));
    assert_int_equal(strlen(text), 4000);
    assert_true(td_starts(td_str(text), "T0"));
    assert_true(td_starts(td_str(text + 8), "HAAAAAoA"));
}

static void cleans_texts(void **state TD_UNUSED)
{
    struct td_hw_facts f = sample(), back;
    f.serial = " S\tN\xFF ";
    f.model = "";
    f.nic_count = 0;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, TD_HW_MAX_OCTETS);
    assert_ok(td_hwhash_encode(&f, td_sha256, &b, NULL));
    assert_ok(td_hwhash_decode(td_buf_slice(&b), td_sha256, &arena, &back, NULL));
    assert_string_equal(back.serial, "S N\xC3\xBF");
    assert_string_equal(back.model, "");
    assert_int_equal(back.nic_count, 0);
}

static void refuses_too_much(void **state TD_UNUSED)
{
    struct td_hw_facts f = sample();
    char *big = td_arena_alloc(&arena, 13000);
    memset(big, 'x', 12999);
    f.cpu_model = big;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 1 << 20);
    struct td_error err;
    assert_int_equal(td_hwhash_encode(&f, td_sha256, &b, &err), TD_ELIMIT);
    assert_int_equal(b.n, 0);
}

static void prints_each_record(void **state TD_UNUSED)
{
    struct td_hw_facts f;
    assert_ok(td_hwhash_decode(sample_octets(), td_sha256, &arena, &f, NULL));
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 1 << 16);
    td_hwhash_json(&f, &b);
    struct td_json *j;
    struct td_error err;
    assert_ok(td_json_parse(td_buf_slice(&b), 1 << 16, &arena, &j, &err));
    assert_string_equal(td_json_str(j, "checksum"), "ok");
    assert_string_equal(td_json_str(j, "serialNumber"), "SN-0001");
    assert_string_equal(td_json_str(j, "smbiosUuid"), "11223344-5566-7788-99aa-bbccddeeff01");
    assert_string_equal(td_json_str(td_json_get(j, "versions"), "os"), "10.0.22631.2506");
    assert_string_equal(td_json_str(td_json_get(j, "network")->child, "mac"), "00:1B:44:11:3A:B7");
    assert_int_equal(td_json_count(td_json_get(j, "disk")), 2);
    assert_int_equal(td_json_count(td_json_get(j, "other")), 0);
    assert_null(td_json_get(j, "firmwareVendor"));
}

/* Every record type, by a writer of another make (tests/fixtures/ztd/README.md). */
static void reads_the_vector(void **state TD_UNUSED)
{
    struct td_hw_facts f;
    struct td_json *want;
    struct td_jsonw w;
    struct td_error err;
    TD_CLEANUP(td_buf_done) struct td_buf text = fixture("ztd/hash.b64"), json = fixture("ztd/hash.json");
    TD_CLEANUP(td_buf_done) struct td_buf got, plain;
    td_buf_init(&got, 1 << 16);
    td_buf_init(&plain, 1 << 16);
    assert_ok(td_hwhash_decode_text(td_buf_slice(&text), td_sha256, &arena, &f, NULL, &err));
    td_hwhash_json(&f, &got);
    assert_ok(td_json_parse(td_buf_slice(&json), 1 << 16, &arena, &want, &err));
    td_jsonw_init(&w, &plain);
    td_jsonw_tree(&w, want);
    assert_slice(td_buf_slice(&got), plain.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_wrote),
        cmocka_unit_test(follows_the_layout),
        cmocka_unit_test(reads_the_vector),
        cmocka_unit_test(refuses_every_cut),
        cmocka_unit_test(refuses_counts_past_the_end),
        cmocka_unit_test(mends_base64),
        cmocka_unit_test(begins_as_in_the_field),
        cmocka_unit_test(cleans_texts),
        cmocka_unit_test(refuses_too_much),
        cmocka_unit_test(prints_each_record),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("hwhash", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
