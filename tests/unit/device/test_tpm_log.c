/* device/tpm: the log of the start, measured by the virtual firmware into swtpm. */
#include "crypto/tpm.h"
#include "device/tpm/room.h"
#include "unit/device/tpm_box.h"

static struct tpm_box box;
static struct box_tpm tpm;

static int make_tpm(void **state TD_UNUSED)
{
    if (tpm_box_missing())
        return 0;
    tpm_box_open(&box);
    box_make(&box, "one", NULL, &tpm);
    box_on(&tpm);
    return 0;
}

static int drop_tpm(void **state TD_UNUSED)
{
    box_off(&tpm);
    tpm_box_close(&box);
    return 0;
}

/* The log leads to what the TPM quotes. */
static void check_log(struct stage *s, struct td_slice text, enum td_tcg_secure_boot secure_boot)
{
    struct td_tpm *t = NULL;
    struct td_tpm_proof proof = {0};
    struct td_tcg_log log = {0};
    struct td_tpm_pcr_values replayed;
    unsigned char values[8][32];
    assert_ok(td_device_tpm(&s->dev, &t, NULL));
    assert_ok(td_tpm_quote(t, BOX_NONCE, &s->arena, &proof, values, NULL));
    assert_ok(td_tcg_log_read(text, &s->arena, &log, NULL));
    td_tpm_replay(&log, &replayed);
    for (size_t i = 0; i < 8; i++)
        assert_memory_equal(values[i], replayed.value[i], 32);
    assert_int_equal(td_tpm_secure_boot(&log), secure_boot);
}

static void measures_its_start(void **state TD_UNUSED)
{
    struct stage s;
    struct td_slice first, second;
    box_stage(&s, &tpm);
    box_switch_off_and_on(&s, &tpm);
    assert_ok(td_tpm_event_log(&s.dev, &s.arena, &first, NULL));
    check_log(&s, first, TD_TCG_ON);
    assert_ok(td_tpm_event_log(&s.dev, &s.arena, &second, NULL)); /* once a start */
    assert_true(td_eq(first, second));
    check_log(&s, second, TD_TCG_ON);
    assert_ok(
        td_file_write(td_device_path(&s.dev, &s.arena, "hardware.json"), TD_S("{\"secureBoot\":false}"), 0600, NULL));
    box_switch_off_and_on(&s, &tpm);
    assert_ok(td_tpm_event_log(&s.dev, &s.arena, &first, NULL));
    check_log(&s, first, TD_TCG_OFF);
    assert_int_equal(remove(td_device_path(&s.dev, &s.arena, "tpm/log")), 0); /* measured by somebody else */
    assert_ok(td_tpm_event_log(&s.dev, &s.arena, &first, NULL));
    assert_int_equal(first.n, 0);
    box_stage_close(&s);
}

/* Killed between two measurements: what is missing is measured, and nothing twice. */
static void measures_what_is_missing(void **state TD_UNUSED)
{
    struct stage s;
    struct td_slice text, whole;
    box_stage(&s, &tpm);
    box_switch_off_and_on(&s, &tpm);
    assert_ok(td_tpm_event_log(&s.dev, &s.arena, &whole, NULL));
    for (size_t done = 1; done < 5; done++) { /* a firmware version, a variable, two of eight separators */
        struct td_tcg_log log = {0};
        box_switch_off_and_on(&s, &tpm);
        assert_ok(td_tcg_log_read(whole, &s.arena, &log, NULL));
        const char *path = td_device_path(&s.dev, &s.arena, "tpm/log");
        assert_int_equal(remove(path), 0);
        struct td_tpm *t = NULL;
        assert_ok(td_device_tpm(&s.dev, &t, NULL));
        for (size_t i = 0; i < done; i++)
            assert_ok(td_tpm_extend(t, log.events[i].pcr, (const unsigned char *)log.events[i].sha256.p, NULL));
        assert_ok(td_file_write(path, whole, 0600, NULL));
        assert_ok(td_tpm_event_log(&s.dev, &s.arena, &text, NULL));
        assert_true(td_eq(text, whole));
        check_log(&s, text, TD_TCG_ON);
    }
    box_stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_its_start),
        cmocka_unit_test(measures_what_is_missing),
    };
    return cmocka_run_group_tests(tests, make_tpm, drop_tpm);
}
