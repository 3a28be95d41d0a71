/* codec/odj: the blob of a domain join against Samba's of the same kind and against ndrdump; cut and spoilt at every
 * octet and bit; the forms of its files. The fixture is a blob of a throw-away lab's domain. */
#include "base/encode.h"
#include "base/fault.h"
#include "codec/odj.h"
#include "unit/arena.h"
#include "unit/run.h"
#include "unit/test.h"

#include <stdlib.h>
#include <unistd.h>

static struct td_error err;

static struct td_odj sample(void)
{
    struct td_odj odj = {
        .domain = "corp.test",
        .netbios = "CORP",
        .forest = "corp.test",
        .machine = "PC-0002",
        .password = "Qx7 grün \xf0\x9f\x94\x91 and a hundred more",
        .domain_guid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
        .rid = 1107,
        .dc = {.name = "\\\\dc1.corp.test",
               .address = "\\\\10.77.2.10",
               .domain = "corp.test",
               .forest = "corp.test",
               .flags = 0xE00011BD,
               .dc_site = "Default-First-Site-Name",
               .client_site = "Hall 2"},
        .options = 6,
    };
    assert_ok(td_sid_parse(TD_S("S-1-5-21-3924074211-4133179156-163744691"), &odj.domain_sid, &err));
    return odj;
}

static struct td_slice written(const struct td_odj *odj)
{
    struct td_buf b;
    td_buf_init(&b, TD_ODJ_MAX);
    assert_ok(td_odj_write(odj, &b, &err));
    struct td_slice out = td_arena_copy(&arena, td_buf_slice(&b));
    td_buf_wipe(&b);
    return out;
}

static struct td_slice samba(void)
{
    struct td_slice blob = {0};
    struct td_buf file = fixture("odj/samba.djoin");
    assert_ok(td_odj_file_read(td_buf_slice(&file), &arena, &blob, &err));
    td_buf_done(&file);
    return blob;
}

static bool same(const struct td_odj *x, const struct td_odj *y)
{
    const char *const pairs[][2] = {{x->domain, y->domain},
                                    {x->netbios, y->netbios},
                                    {x->forest, y->forest},
                                    {x->machine, y->machine},
                                    {x->password, y->password},
                                    {x->dc.name, y->dc.name},
                                    {x->dc.address, y->dc.address},
                                    {x->dc.domain, y->dc.domain},
                                    {x->dc.forest, y->dc.forest},
                                    {x->dc.dc_site, y->dc.dc_site},
                                    {x->dc.client_site, y->dc.client_site}};
    bool ok = td_sid_equal(&x->domain_sid, &y->domain_sid) && memcmp(x->domain_guid, y->domain_guid, 16) == 0 &&
              x->options == y->options && x->dc.flags == y->dc.flags && x->extra_count == y->extra_count;
    for (size_t i = 0; i < TD_COUNTOF(pairs); i++)
        ok = ok && td_eqs(td_str(pairs[i][0]), pairs[i][1] != NULL ? pairs[i][1] : "");
    return ok;
}

static void comes_back(void **state TD_UNUSED)
{
    struct td_odj odj = sample(), got = {0};
    odj.extra[odj.extra_count++] = (struct td_odj_part){.bytes = TD_S("five!")};
    memcpy(odj.extra[0].guid, td_odj_part_certificates, 16);
    odj.extra[odj.extra_count++] = (struct td_odj_part){.essential = true, .bytes = TD_S("")};
    memcpy(odj.extra[1].guid, td_odj_part_policies, 16);
    assert_ok(td_odj_read(written(&odj), &arena, &got, &err));
    assert_true(same(&odj, &got));
    assert_int_equal(got.rid, 1107);
    assert_slice(got.extra[0].bytes, "five!");
    assert_memory_equal(got.extra[1].guid, td_odj_part_policies, 16);
    assert_true(got.extra[1].essential && !got.extra[0].essential);
}

static void what_is_not_known_stays_away(void **state TD_UNUSED)
{
    struct td_odj odj = sample(), got = {0};
    odj.rid = 0;
    odj.dc = (struct td_odj_dc){0};
    assert_ok(td_odj_read(written(&odj), &arena, &got, &err));
    assert_true(same(&odj, &got));
    assert_int_equal(got.rid, 0);
}

/* The layout of the document, octet by octet, where simple readers look. */
static void simple_readers_find_it(void **state TD_UNUSED)
{
    struct td_odj odj = sample();
    odj.password = "Secret";
    struct td_slice blob = written(&odj);
    static const char *first[] = {"corp.test", "PC-0002", "Secret"};
    assert_memory_equal(blob.p, "\x01\x10\x08\x00\xcc\xcc\xcc\xcc", 8);
    assert_slice(td_sub(td_str(td_b64(&arena, blob)), 0, 11), "ARAIAMzMzMz");
    size_t at = 0xC0;
    for (size_t i = 0; i < TD_COUNTOF(first); i++) {
        size_t n = strlen(first[i]) + 1;
        const unsigned char head[12] = {(unsigned char)n, 0, 0, 0, 0, 0, 0, 0, (unsigned char)n, 0, 0, 0};
        assert_memory_equal(blob.p + at, head, 12);
        for (size_t k = 0; k < n; k++)
            assert_true(blob.p[at + 12 + 2 * k] == first[i][k] && blob.p[at + 13 + 2 * k] == 0);
        at = (at + 12 + 2 * n + 3) / 4 * 4;
    }
    static const char dotted[] = "1\0"
                                 "0\0.\0"
                                 "7\0"
                                 "7\0.\0"
                                 "2\0.\0"
                                 "1\0"
                                 "0\0";
    assert_int_not_equal(td_search(blob, td_bytes(dotted, sizeof(dotted) - 1)), SIZE_MAX);
    assert_int_equal(blob.n % 8, 0);
}

static uint32_t word(struct td_slice s, size_t at)
{
    const unsigned char *p = (const unsigned char *)s.p + at;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Samba's blob, read and written again, is Samba's blob but for the numbers of pointers: its definition has an -1 for
 * the password's, and counts the ones behind it from there. */
static void as_samba_writes(void **state TD_UNUSED)
{
    struct td_slice blob = samba();
    struct td_odj odj = {0};
    char sid[TD_SID_TEXT];
    assert_ok(td_odj_read(blob, &arena, &odj, &err));
    assert_string_equal(odj.machine, "PC-0001");
    assert_string_equal(odj.domain, "corp.test");
    assert_string_equal(odj.netbios, "CORP");
    assert_string_equal(odj.dc.name, "\\\\dc1.corp.test");
    assert_string_equal(odj.dc.address, "\\\\10.77.2.10");
    assert_string_equal(td_sid_text(&odj.domain_sid, sid), "S-1-5-21-3924074211-4133179156-163744691");
    assert_true(odj.rid >= 1000 && strlen(odj.password) >= 100);
    struct td_slice ours = written(&odj);
    assert_int_equal(ours.n, blob.n);
    size_t differ = 0;
    for (size_t i = 0; i + 4 <= blob.n; i += 4) {
        uint32_t mine = word(ours, i), theirs = word(blob, i);
        bool pointer = mine >> 8 == 0x000200 && (theirs == UINT32_MAX || theirs == mine - 4);
        assert_true(mine == theirs || pointer);
        differ += mine != theirs;
    }
    assert_int_equal(differ, 22); /* in each of the two: password, three names, SID, six of the controller */
}

static struct td_slice roots_part(const struct td_slice *der, size_t count)
{
    struct td_buf b;
    td_buf_init(&b, TD_ODJ_MAX);
    assert_ok(td_odj_roots_write(der, count, &b, &err));
    struct td_slice out = td_arena_copy(&arena, td_buf_slice(&b));
    td_buf_done(&b);
    return out;
}

static void ndrdump_reads_ours(void **state TD_UNUSED)
{
    char dir[] = "/tmp/td-odj-XXXXXX", blob[64], dump[64];
    static const char *wanted[] = {
        "pull returned Success", "'PC-0002'", "'\\\\10.77.2.10'", "S-1-5-21-3924074211-4133179156-163744691",
        "OP_CERT_PART",          "'Root'",    "dump OK"};
    const struct td_slice der[] = {TD_S("octets of a root")};
    struct td_odj odj = sample();
    struct td_buf text;
    const char *there[] = {"ndrdump", "--help", NULL};
    if (run_program(there) != 0) {
        print_message("ndrdump(1) is missing (package samba-testsuite)\n");
        skip();
    }
    odj.extra_count = 1;
    odj.extra[0].bytes = roots_part(der, 1);
    memcpy(odj.extra[0].guid, td_odj_part_certificates, 16);
    assert_non_null(mkdtemp(dir));
    snprintf(blob, sizeof(blob), "%s/blob", dir);
    snprintf(dump, sizeof(dump), "%s/dump", dir);
    assert_ok(td_file_write(blob, written(&odj), 0600, &err));
    const char *argv[] = {"sh", "-c", "ndrdump ODJ ODJ_PROVISION_DATA_serialized_ptr struct \"$0\" >\"$1\" 2>&1",
                          blob, dump, NULL};
    assert_int_equal(run_program(argv), 0);
    td_buf_init(&text, 1 << 20);
    assert_ok(td_file_read(dump, &text, &err));
    for (size_t i = 0; i < TD_COUNTOF(wanted); i++)
        if (td_search(td_buf_slice(&text), td_str(wanted[i])) == SIZE_MAX)
            fail_msg("ndrdump does not say \"%s\":\n%s", wanted[i], text.p);
    assert_int_equal(td_search(td_buf_slice(&text), TD_S("Warn")), SIZE_MAX);
    td_buf_done(&text);
    unlink(blob);
    unlink(dump);
    rmdir(dir);
}

/* Each input in a block of its own, so that a sanitizer sees one octet too many. */
static enum td_code read_exactly(const char *p, size_t n, struct td_odj *ret)
{
    char *copy = td_alloc(n + 1);
    memcpy(copy + 1, p, n);
    enum td_code rc = td_odj_read(td_bytes(copy + 1, n), &arena, ret, NULL);
    td_free(copy);
    return rc;
}

static void cut_anywhere(void **state TD_UNUSED)
{
    struct td_odj odj = sample(), got = {0};
    struct td_slice blobs[] = {written(&odj), samba()};
    for (size_t i = 0; i < TD_COUNTOF(blobs); i++)
        for (size_t n = 0; n < blobs[i].n; n++)
            assert_int_equal(read_exactly(blobs[i].p, n, &got), TD_EFORMAT);
    char *longer = td_arena_alloc(&arena, blobs[0].n + 1);
    memcpy(longer, blobs[0].p, blobs[0].n);
    assert_int_equal(read_exactly(longer, blobs[0].n + 1, &got), TD_EFORMAT);
}

/* Every fact stands there twice: one wrong bit is noticed, or changes nothing. */
static void one_wrong_bit(void **state TD_UNUSED)
{
    struct td_odj odj = sample(), got = {0};
    struct td_slice blob = written(&odj);
    size_t refused = 0;
    char *bent = td_arena_alloc(&arena, blob.n);
    memcpy(bent, blob.p, blob.n);
    for (size_t bit = 0; bit < blob.n * 8; bit++) {
        bent[bit / 8] = (char)(bent[bit / 8] ^ 1 << bit % 8);
        enum td_code rc = read_exactly(bent, blob.n, &got);
        if (rc == TD_OK && !(same(&odj, &got) && (got.rid == odj.rid || got.rid == 0)))
            fail_msg("bit %zu of octet %zu changes what is read", bit % 8, bit / 8);
        refused += rc != TD_OK;
        bent[bit / 8] = (char)(bent[bit / 8] ^ 1 << bit % 8);
    }
    if (refused < blob.n * 5) /* pointers say only that something is there, and filling says nothing */
        fail_msg("only %zu of %zu are noticed", refused, blob.n * 8);
}

/* The same in both parts: no comparison helps. */
static void a_text_without_end(void **state TD_UNUSED)
{
    static const char name[] = "P\0C\0-\0"
                               "0\0"
                               "0\0"
                               "0\0"
                               "2\0";
    struct td_odj odj = sample(), got = {0};
    struct td_slice blob = written(&odj);
    char *bent = td_arena_text(&arena, blob);
    size_t at = 0, places = 0;
    for (size_t hit; (hit = td_search(td_sub(blob, at, blob.n), td_bytes(name, 14))) != SIZE_MAX; places++) {
        at += hit + 14;
        bent[at] = 'X';
    }
    assert_int_equal(places, 2);
    assert_int_equal(read_exactly(bent, blob.n, &got), TD_EFORMAT);
}

/* One of the GUIDs of our blob's parts exchanged for an unknown one. */
static void unknown_parts(void **state TD_UNUSED)
{
    struct td_odj odj = sample(), got = {0};
    for (int essential = 0; essential < 2; essential++) {
        odj.extra_count = 1;
        odj.extra[0] = (struct td_odj_part){.essential = essential != 0, .bytes = TD_S("something")};
        memset(odj.extra[0].guid, 0x5a, 16);
        assert_int_equal(td_odj_read(written(&odj), &arena, &got, &err), essential ? TD_ENOTOFFERED : TD_OK);
        if (!essential)
            assert_int_equal(got.extra_count, 0);
    }
}

static void what_no_blob_can_carry(void **state TD_UNUSED)
{
    struct td_buf b;
    td_buf_init(&b, TD_ODJ_MAX);
#define REFUSED(member, value, field)                              \
    do {                                                           \
        struct td_odj odj = sample();                              \
        odj.member = value;                                        \
        assert_int_equal(td_odj_write(&odj, &b, &err), TD_EINVAL); \
        assert_string_equal(err.where, field);                     \
        assert_int_equal(b.n, 0);                                  \
    } while (0)
    REFUSED(domain, "", "domain");
    REFUSED(domain, NULL, "domain");
    REFUSED(domain, "corp\ttest", "domain");
    REFUSED(netbios, "SIXTEENLETTERS16", "netbios");
    REFUSED(machine, "PC-1$", "machine");
    REFUSED(machine, "PC 1", "machine");
    REFUSED(machine, "PC-0123456789-12", "machine");
    REFUSED(password, "", "password");
    REFUSED(password, "\xff", "password");
    REFUSED(dc.name, "dc1.corp.test", "dc.name");
    REFUSED(dc.address, "\\\\", "dc.address");
    REFUSED(domain_sid.count, 0, "domain_sid");
    REFUSED(extra_count, TD_ODJ_EXTRA_MAX + 1, "extra");
    struct td_odj odj = sample();
    static char much[60000];
    odj.extra_count = 1;
    odj.extra[0].bytes = td_bytes(much, sizeof(much));
    memcpy(odj.extra[0].guid, td_odj_part_policies, 16);
    assert_ok(td_odj_write(&odj, &b, &err));
    td_buf_reset(&b);
    odj.extra[0].bytes.n = 64000;
    assert_int_equal(td_odj_write(&odj, &b, &err), TD_ELIMIT);
    assert_int_equal(b.n, 0);
    td_buf_done(&b);
}

static void forms_of_its_file(void **state TD_UNUSED)
{
    struct td_odj odj = sample();
    struct td_slice blob = written(&odj), got = {0};
    struct td_buf file, theirs = fixture("odj/samba.djoin");
    td_buf_init(&file, 1 << 20);
    td_odj_file_write(samba(), &file);
    assert_true(td_eq(td_buf_slice(&file), td_sub(td_buf_slice(&theirs), 0, theirs.n)));
    const char *plain = td_b64(&arena, blob);
    const char *broken = td_arena_printf(&arena, "%.20s\r\n%s\r\n", plain, plain + 20);
    struct td_slice taken[] = {blob, td_str(plain), td_str(broken)};
    for (size_t i = 0; i < TD_COUNTOF(taken); i++) {
        assert_ok(td_odj_file_read(taken[i], &arena, &got, &err));
        assert_true(td_eq(got, blob));
    }
    td_buf_reset(&file);
    td_odj_file_write(blob, &file);
    assert_ok(td_odj_file_read(td_sub(td_buf_slice(&file), 0, file.n - 2), &arena, &got, &err)); /* without NUL */
    assert_true(td_eq(got, blob));
    assert_int_equal(td_odj_file_read(td_sub(td_buf_slice(&file), 0, file.n - 1), &arena, &got, &err), TD_EFORMAT);
    file.p[18] = 0; /* behind eight characters, which are base64 by themselves */
    assert_int_equal(td_odj_file_read(td_buf_slice(&file), &arena, &got, &err), TD_EFORMAT);
    file.p[13] = 1;
    assert_int_equal(td_odj_file_read(td_buf_slice(&file), &arena, &got, &err), TD_EFORMAT);
    char *long_one = td_arena_alloc(&arena, TD_ODJ_MAX + 1);
    memset(long_one, 'x', TD_ODJ_MAX + 1);
    const char *long64 = td_b64(&arena, td_bytes(long_one, TD_ODJ_MAX + 1));
    assert_int_equal(td_odj_file_read(td_str(long64), &arena, &got, &err), TD_ELIMIT);
    assert_int_equal(td_odj_file_read(TD_S(""), &arena, &got, &err), TD_EFORMAT);
    assert_int_equal(td_odj_file_read(TD_S("\xff\xfe"), &arena, &got, &err), TD_EFORMAT);
    assert_int_equal(td_odj_file_read(TD_S("nothing of the kind!"), &arena, &got, &err), TD_EFORMAT);
    td_buf_reset(&file);
    td_odj_answer_file(blob, &file);
    const char *account = td_arena_printf(
        &arena, "<OfflineIdentification>\n        <Provisioning>\n          <AccountData>%s</AccountData>", plain);
    assert_int_not_equal(td_search(td_buf_slice(&file), td_str(account)), SIZE_MAX);
    assert_int_not_equal(td_search(td_buf_slice(&file), TD_S("<settings pass=\"specialize\">")), SIZE_MAX);
    assert_int_not_equal(td_search(td_buf_slice(&file), TD_S("Microsoft-Windows-UnattendedJoin")), SIZE_MAX);
    td_buf_wipe(&file);
    td_buf_done(&theirs);
}

static void roots_of_the_machine(void **state TD_UNUSED)
{
    const struct td_slice der[] = {TD_S("first"), TD_S("the second one")};
    struct td_slice got[TD_ODJ_ROOTS_MAX], part = roots_part(der, 2);
    struct td_odj odj = sample(), read = {0};
    struct td_buf b;
    size_t n = 0;
    assert_ok(td_odj_roots_read(part, &arena, got, &n, &err));
    assert_int_equal(n, 2);
    assert_slice(got[0], "first");
    assert_slice(got[1], "the second one");
    odj.extra_count = 1;
    odj.extra[0].bytes = part;
    memcpy(odj.extra[0].guid, td_odj_part_certificates, 16);
    assert_ok(td_odj_read(written(&odj), &arena, &read, &err));
    assert_ok(td_odj_roots_read(read.extra[0].bytes, &arena, got, &n, &err));
    assert_int_equal(n, 2);
    for (size_t cut = 0; cut < part.n; cut++) {
        char *copy = td_alloc(cut + 1);
        memcpy(copy + 1, part.p, cut);
        assert_int_equal(td_odj_roots_read(td_bytes(copy + 1, cut), &arena, got, &n, &err), TD_EFORMAT);
        td_free(copy);
    }
    char *bent = td_arena_text(&arena, part);
    for (size_t bit = 0; bit < part.n * 8; bit++) { /* whatever is read of it, it lies within bounds */
        bent[bit / 8] = (char)(bent[bit / 8] ^ 1 << bit % 8);
        if (td_odj_roots_read(td_bytes(bent, part.n), &arena, got, &n, &err) == TD_OK)
            for (size_t i = 0; i < n; i++)
                assert_true(got[i].n <= part.n);
        bent[bit / 8] = (char)(bent[bit / 8] ^ 1 << bit % 8);
    }
    struct td_slice many[TD_ODJ_ROOTS_MAX + 1];
    for (size_t i = 0; i < TD_COUNTOF(many); i++)
        many[i] = TD_S("x");
    td_buf_init(&b, TD_ODJ_MAX);
    assert_int_equal(td_odj_roots_write(many, TD_COUNTOF(many), &b, &err), TD_ELIMIT);
    assert_int_equal(td_odj_roots_write(many, 0, &b, &err), TD_EINVAL);
    assert_ok(td_odj_roots_read(roots_part(many, TD_ODJ_ROOTS_MAX), &arena, got, &n, &err));
    assert_int_equal(n, TD_ODJ_ROOTS_MAX);
    td_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),         cmocka_unit_test(what_is_not_known_stays_away),
        cmocka_unit_test(as_samba_writes),    cmocka_unit_test(simple_readers_find_it),
        cmocka_unit_test(ndrdump_reads_ours), cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(one_wrong_bit),      cmocka_unit_test(unknown_parts),
        cmocka_unit_test(a_text_without_end), cmocka_unit_test(roots_of_the_machine),
        cmocka_unit_test(forms_of_its_file),  cmocka_unit_test(what_no_blob_can_carry),
    };
    return cmocka_run_group_tests_name("codec/odj", tests, arena_begin, arena_end);
}
