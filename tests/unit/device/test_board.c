/* Another board in the same PC: noticed against what was kept at the enrolment, and told by the documented form. */
#include "device/board.h"
#include "unit/device/stage.h"
#include "way/repair.h"

static struct stage stage;
static struct td_hw_nic nic = {.medium = 14, .mac = {0x00, 0x1B, 0x21, 1, 2, 3}, .bus = "PCI"};
static const char *disk = "DISK-1";

static int open_stage(void **state TD_UNUSED)
{
    stage_open(&stage, NULL);
    struct td_hw_facts *f = &stage.flow.hw.facts;
    f->manufacturer = "Contoso";
    f->model = "Book 1";
    f->serial = "SN-1";
    f->has_uuid = true;
    memcpy(f->uuid, "0123456789abcdef", 16);
    f->tpm_ek = TD_S("endorsement key 1");
    f->nics = &nic;
    f->nic_count = 1;
    f->disk_serials = &disk;
    f->disk_serial_count = 1;
    return 0;
}

static int close_stage(void **state TD_UNUSED)
{
    disk = "DISK-1";
    nic.mac[5] = 3;
    stage_close(&stage);
    return 0;
}

static const char *told(void)
{
    return td_board_told(&stage.dev, &stage.flow.hw, &stage.arena);
}

static void another_board_is_told(void **state TD_UNUSED)
{
    struct td_mismatch m;
    assert_string_equal(told(), ""); /* not enrolled */
    assert_ok(td_board_keep(&stage.flow, NULL));
    assert_string_equal(told(), "");
    stage.flow.hw.facts.uuid[3] ^= 1;
    stage.flow.hw.facts.tpm_ek = TD_S("endorsement key 2");
    assert_ok(td_mismatch_parse(td_str(told()), &stage.arena, &m, NULL));
    assert_true(td_repair_is_exchange(&m.enrolled, &m.now));
    assert_string_equal(td_facts_difference(&m.enrolled, &m.now, &stage.arena), "uuid and ek differ");
    assert_int_equal(m.now.count, 5);
}

static void parts_are_no_exchange(void **state TD_UNUSED)
{
    assert_ok(td_board_keep(&stage.flow, NULL));
    disk = "DISK-2";
    nic.mac[5] = 9;
    stage.flow.hw.facts.ram = 1;
    assert_string_equal(told(), "");
}

/* With the enrolment it is forgotten: the next one is of what is there then. */
static void an_enrolment_begins_anew(void **state TD_UNUSED)
{
    assert_ok(td_board_keep(&stage.flow, NULL));
    stage.flow.hw.facts.serial = "SN-2";
    assert_true(told()[0] != '\0');
    assert_ok(td_board_keep(&stage.flow, NULL));
    assert_string_equal(told(), "");
    td_state_set(stage.dev.state, "enrol.hardware", NULL);
    stage.flow.hw.facts.serial = "SN-3";
    assert_string_equal(told(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(another_board_is_told, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(parts_are_no_exchange, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(an_enrolment_begins_anew, open_stage, close_stage),
    };
    return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
