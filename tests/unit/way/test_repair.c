/* way/repair and way/mismatch: the matrix of exchanged boards (autopilot.md 1.8) as a table, and the device's blob. */
#include "unit/test.h"
#include "way/mismatch.h"
#include "way/repair.h"

static struct td_arena arena;

#define T1 "tuple ACME|B1|S1\n"
#define T2 "tuple ACME|B1|S2\n"
#define U1 "uuid 11223344-5566-7788-99aa-bbccddeeff01\n"
#define U2 "uuid 21223344-5566-7788-99aa-bbccddeeff01\n"
#define E1 "ek 1111111111111111111111111111111111111111111111111111111111111111\n"
#define E2 "ek 2222222222222222222222222222222222222222222222222222222222222222\n"
#define M1 "mac 001B21000001\n"
#define M2 "mac 001B21000002\n"
#define D1 "disk D1\n"
#define D2 "disk D2\n"
#define P1 "pkid 123\n"

static struct td_facts facts(const char *text)
{
    struct td_facts f;
    td_facts_of_text(td_str(text), &arena, &f);
    return f;
}

static void exchanges(void **state TD_UNUSED)
{
    static const struct {
        const char *what, *registered, *seen;
        bool exchange, copy, same;
    } rows[] = {
        {"nothing", T1 U1 E1 M1 D1, T1 U1 E1 M1 D1, false, false, true},
        {"disk", T1 U1 E1 M1 D1, T1 U1 E1 M1 D2, false, false, false},
        {"a further disk", T1 U1 E1 M1 D1, T1 U1 E1 M1 D1 D2, false, false, false},
        {"network adapter", T1 U1 E1 M1 D1, T1 U1 E1 M2 D1, false, false, false},
        {"a dock", T1 U1 E1 M1 D1, T1 U1 E1 M1 M2 D1, false, false, true},
        {"disk and adapter, or a copy", T1 U1 E1 M1 D1, T1 U1 E1 M2 D2, false, true, false},
        {"disk, no adapter known", T1 U1 E1 D1, T1 U1 E1 D2, false, false, false},
        {"the TPM came to be known", T1 U1 M1 D1, T1 U1 E1 M1 D1, false, false, false},
        {"board, data written", T1 U1 E1 M1 D1, T1 U1 E2 M2 D1, true, false, false},
        {"board, serial number written", T1 U1 E1 M1 D1, T1 U2 E2 M2 D1, true, false, false},
        {"board without a TPM", T1 U1 E1 M1 D1, T1 U2 M1 D1, true, false, false},
        {"serial number written anew", T1 U1 E1 M1 D1, T2 U1 E1 M1 D1, true, false, false},
        {"another machine", T1 U1 E1 M1 D1, T2 U2 E2 M2 D2, true, true, false},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_facts r = facts(rows[i].registered), s = facts(rows[i].seen);
        if (td_repair_is_exchange(&r, &s) != rows[i].exchange || td_repair_could_be_copy(&r, &s) != rows[i].copy ||
            td_repair_is_same(&r, &s) != rows[i].same)
            fail_msg("%s: %d %d %d", rows[i].what, td_repair_is_exchange(&r, &s), td_repair_could_be_copy(&r, &s),
                     td_repair_is_same(&r, &s));
    }
}

enum { UNCERTIFIED = 1, ELSEWHERE = 2, RETURNED = 4, DISAGREES = 8, ASKS = 16, PROVEN = 32 };

static void what_is_proven(void **state TD_UNUSED)
{
    static const struct {
        const char *what, *seen;
        const char *says; /* of proof or cause */
        bool proven;
        unsigned against;
    } rows[] = {
        {"data written, new TPM", T1 U1 E2 M2 D1, "serial number were written", true, 0},
        {"serial number written", T1 U2 E2 M2 D1, "serial number were written", true, 0},
        {"serial number written, another disk as well", T1 U2 E2 M2 D2, "serial number were written", true, 0},
        {"UUID written", T2 U1 E2 M2 D1, "UUID was written", true, 0},
        {"no TPM on the new board", T1 U2 M2 D1, "serial number were written", true, 0},
        {"data of its own, disk and adapter moved", T2 U2 E2 M1 D1, "disk and network adapter", true, 0},
        {"data of its own, disk alone moved", T2 U2 E2 M2 D1, "neither serial number nor UUID", false, 0},
        {"data of its own, adapter alone moved", T2 U2 E2 M1 D2, "neither serial number nor UUID", false, 0},
        {"a product key goes with the disk", T2 U2 E2 M2 D1 P1, "neither serial number nor UUID", false, 0},
        {"blank firmware", U2 E2 M1 D1, "tells no serial number", false, 0},
        {"the TPM was moved", T2 U2 E1 M1 D1, "the TPM is the same", false, 0},
        {"nothing is the same", T2 U2 E2 M2 D2, "neither serial number nor UUID", false, 0},
        {"by a lookup", T1 U1 E2 M2 D1, "own management session", false, UNCERTIFIED},
        {"of another registration", T1 U1 E2 M2 D1, "belongs to another registration", false, ELSEWHERE},
        {"two take turns", T1 U1 E2 M2 D1, "take turns", false, RETURNED},
        {"told of something else", T1 U1 E2 M2 D1, "does not fit", false, DISAGREES},
        {"its TPM was proven", T1 U1 E2 M2 D1, "proven by an attestation", false, PROVEN},
        {"its TPM was proven, none is there", T1 U2 M2 D1, "proven by an attestation", false, PROVEN},
        {"the proven TPM, UUID written anew", T1 U2 E1 M1 D1, "serial number were written", true, PROVEN},
        {"the tenant asks", T1 U1 E2 M2 D1, "wants to be asked", false, ASKS},
    };
    struct td_facts registered = facts(T1 U1 E1 M1 D1 P1);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_facts seen = facts(rows[i].seen);
        struct td_repair r;
        const struct td_repair_in in = {.registered = &registered,
                                        .seen = &seen,
                                        .certified = (rows[i].against & UNCERTIFIED) == 0,
                                        .elsewhere = (rows[i].against & ELSEWHERE) != 0,
                                        .returned = (rows[i].against & RETURNED) != 0,
                                        .disagrees = (rows[i].against & DISAGREES) != 0,
                                        .tpm_proven = (rows[i].against & PROVEN) != 0,
                                        .ask = (rows[i].against & ASKS) != 0};
        td_repair_judge(&in, &r);
        if (r.proven != rows[i].proven || strstr(r.proven ? r.proof : r.cause, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].what, r.proven ? r.proof : r.cause);
        assert_true(r.proven == (r.cause[0] == '\0') && r.proven == (r.remedy[0] == '\0'));
    }
}

static void facts_as_text(void **state TD_UNUSED)
{
    struct td_facts f = facts(T1 U1 E1 M1 D1 P1 "\nnonsense\nuuid \nfoo bar\n");
    assert_int_equal(f.count, 6);
    assert_string_equal(td_facts_text(&f, &arena), T1 U1 E1 M1 D1 P1);
}

static void the_blob(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_mismatch m = {facts(T1 U1 E1 M1 D1), facts(T1 U2 E2 M2 D1 P1)}, back;
    td_buf_init(&out, TD_MISMATCH_MAX);
    td_mismatch_write(&m, &out);
    assert_ok(td_mismatch_parse(td_buf_slice(&out), &arena, &back, NULL));
    assert_string_equal(td_facts_text(&back.enrolled, &arena), td_facts_text(&m.enrolled, &arena));
    assert_string_equal(td_facts_text(&back.now, &arena), td_facts_text(&m.now, &arena));
    assert_int_equal(td_mismatch_parse(TD_S(" \r\n"), &arena, &back, NULL), TD_ENOTFOUND);
}

static void blobs_of_others(void **state TD_UNUSED)
{
#define HEAD "{\"format\":\"touchdown.hardware-mismatch.1\","
    static const char *const rows[] = {
        "AAAAAAAABBBB==",
        "<data/>",
        "{}",
        "[]",
        "\"x\"",
        "{\"format\":\"other\",\"enrolled\":[],\"now\":[]}",
        HEAD "\"enrolled\":[]}",
        HEAD "\"enrolled\":{},\"now\":[]}",
        HEAD "\"enrolled\":[1],\"now\":[]}",
        HEAD "\"enrolled\":[{\"kind\":\"disk\"}],\"now\":[]}",
        HEAD "\"enrolled\":[{\"kind\":\"tape\",\"value\":\"X1\"}],\"now\":[]}",
        HEAD "\"enrolled\":[{\"kind\":\"uuid\",\"value\":\"X1\"}],\"now\":[]}",
        HEAD "\"enrolled\":[{\"kind\":\"disk\",\"value\":\"D1\"},{\"kind\":\"disk\",\"value\":\"d1\"}],\"now\":[]}",
        HEAD "\"enrolled\":[{\"kind\":\"tuple\",\"value\":\"A|B|None\"}],\"now\":[]}",
    };
    struct td_mismatch m;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (td_mismatch_parse(td_str(rows[i]), &arena, &m, NULL) != TD_EFORMAT)
            fail_msg("%s", rows[i]);
    char *big = td_arena_alloc(&arena, TD_MISMATCH_MAX + 2);
    memset(big, '1', TD_MISMATCH_MAX + 1);
    assert_true(td_mismatch_parse(td_str(big), &arena, &m, NULL) != TD_OK);
}

static int forget(void **state TD_UNUSED)
{
    td_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchanges), cmocka_unit_test(what_is_proven),  cmocka_unit_test(facts_as_text),
        cmocka_unit_test(the_blob),  cmocka_unit_test(blobs_of_others),
    };
    return cmocka_run_group_tests_name("repair", tests, NULL, forget);
}
