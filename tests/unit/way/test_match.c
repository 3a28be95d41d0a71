/* Which machine is this? Exchanged parts, as autopilot.md 1.1 and 1.8 tell of them. */
#include "unit/test.h"
#include "way/match.h"

static struct td_arena arena;

struct pc { /* what a hash of it says; NULL: not there */
    const char *serial, *uuid, *ek, *mac, *disk;
};

#define BOARD "11223344-5566-7788-99aa-bbccddeeff01"
#define OTHER_BOARD "11223344-5566-7788-99aa-bbccddeeff02"
#define EK "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER_EK "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define MAC "001B44113AB7"

static struct td_facts facts_of(const struct pc *p)
{
    struct td_facts f = {.count = 0};
    (void)td_facts_add_tuple(&f, &arena, TD_S("Contoso"), TD_S("Book 1"), td_str(p->serial));
    (void)td_facts_add_uuid(&f, &arena, td_str(p->uuid));
    (void)td_facts_add_ek(&f, &arena, td_str(p->ek));
    (void)td_facts_add_mac_text(&f, &arena, td_str(p->mac));
    (void)td_facts_add_text(&f, &arena, TD_FACT_DISK, td_str(p->disk));
    return f;
}

static void exchanged_parts(void **state TD_UNUSED)
{
    static const struct {
        const char *what;
        struct pc now;
        bool same;
        int weight;
        const char *differs, *says;
    } rows[] = {
        {"nothing", {"SN-1", BOARD, EK, MAC, "D1"}, true, 16, "", "agree: weight 16"},
        {"the disk", {"SN-1", BOARD, EK, MAC, "D2"}, true, 15, "disk differs", "weight 15"},
        {"the network adapter", {"SN-1", BOARD, EK, "001B44113AB8", "D1"}, true, 14, "mac differs", "weight 14"},
        {"both",
         {"SN-1", BOARD, EK, "001B44113AB8", "D2"},
         true,
         13,
         "mac and disk differ",
         "tuple (4), uuid (4) and ek (5) agree"},
        {"the board, its BIOS data rewritten",
         {"SN-1", BOARD, OTHER_EK, MAC, "D1"},
         true,
         11,
         "ek differs",
         "weight 11"},
        {"the board, with the old serial number",
         {"SN-1", OTHER_BOARD, OTHER_EK, MAC, "D1"},
         false,
         7,
         "uuid and ek differ",
         "against it: SMBIOS UUID and endorsement key differ"},
        {"the board, no TPM known",
         {"SN-1", OTHER_BOARD, NULL, MAC, "D1"},
         false,
         7,
         "uuid and ek differ",
         "another mainboard"},
        {"everything but the TPM: a cloned virtual machine, a TPM that was moved",
         {"SN-2", OTHER_BOARD, EK, MAC, "D1"},
         false,
         8,
         "tuple and uuid differ",
         "against it: serial number and SMBIOS UUID differ"},
        {"everything but the UUID: a maker gave it twice",
         {"SN-2", BOARD, OTHER_EK, MAC, "D1"},
         false,
         7,
         "tuple and ek differ",
         "against it: serial number and endorsement key differ"},
        {"the serial number, rewritten", {"SN-2", BOARD, EK, MAC, "D1"}, true, 12, "tuple differs", "weight 12"},
        {"everything but a dock's address",
         {"SN-9", OTHER_BOARD, OTHER_EK, MAC, "D9"},
         false,
         2,
         "tuple, uuid, ek and disk differ",
         "mac (2) agrees: weight 2"},
        {"placeholders in the place of the serial number and the UUID",
         {"To be filled by O.E.M.", "03000200-0400-0500-0006-000700080009", NULL, MAC, "D1"},
         true,
         3,
         "tuple, uuid and ek differ",
         "mac (2) and disk (1) agree: weight 3"},
    };
    static const struct pc registered = {"SN-1", BOARD, EK, MAC, "D1"};
    const struct td_facts known = facts_of(&registered);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_facts asked = facts_of(&rows[i].now);
        struct td_match m = td_facts_match(&known, &asked);
        const char *differs = td_facts_difference(&known, &asked, &arena), *says = td_match_text(&m, &arena);
        if (td_match_is_device(&m) != rows[i].same || m.weight != rows[i].weight ||
            strcmp(differs, rows[i].differs) != 0 || strstr(says, rows[i].says) == NULL)
            fail_msg("%s exchanged: same %d, weight %d, \"%s\", \"%s\"", rows[i].what, td_match_is_device(&m), m.weight,
                     differs, says);
    }
}

static void nothing_agrees(void **state TD_UNUSED)
{
    const struct td_match none = {0};
    assert_string_equal(td_match_text(&none, &arena), "nothing agrees");
    assert_int_equal(td_fact_weight(TD_FACT_EK), 5);
    assert_int_equal(td_fact_weight(TD_FACT_COUNT), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(exchanged_parts), cmocka_unit_test(nothing_agrees)};
    int failed = cmocka_run_group_tests_name("way/match", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
