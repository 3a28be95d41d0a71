/* codec/block_sequence: what the codes of a technician's page carry, cut into blocks and joined again in any order. */
#include "codec/block_sequence.h"
#include "unit/arena.h"
#include "unit/test.h"

static struct td_error err;

static struct td_block_sequence sample(size_t hardware)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    char *text = td_arena_alloc(&arena, hardware + 1);
    for (size_t i = 0; i < hardware; i++)
        text[i] = alphabet[i % 65];
    return (struct td_block_sequence){"11111111-2222-4333-8444-555555555555", "33333333-0000-4000-8000-000000000001",
                                      "", "SN \"7\"", text};
}

static size_t write_blocks(const struct td_block_sequence *s, size_t max, struct td_block *blocks, const char ***texts)
{
    size_t count = 0;
    if (td_blocks_write(s, max, &arena, texts, &count, &err) != TD_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen((*texts)[i]) <= (max != 0 ? max : TD_BLOCK_MAX_TEXT));
        assert_ok(td_block_read(td_str((*texts)[i]), &arena, &blocks[i], &err));
        assert_int_equal(blocks[i].number, i + 1);
        assert_int_equal(blocks[i].total, count);
    }
    return count;
}

static void one_code(void **state TD_UNUSED)
{
    struct td_block_sequence s = {"a", "b", "c", "d", "QUJD"};
    struct td_block block;
    const char **texts = NULL;
    assert_int_equal(write_blocks(&s, 0, &block, &texts), 1);
    assert_string_equal(texts[0],
                        "{\"BlockSequence\":{\"Id\":\"a\",\"ZtdId\":\"b\",\"PKID\":\"c\",\"SerialNumber\":\"d\","
                        "\"HardwareId\":\"QUJD\",\"SequenceBlockNumber\":1,\"TotalBlocks\":1}}");
    s.hardware = "";
    assert_int_equal(write_blocks(&s, 0, &block, &texts), 1);
}

static void cut_and_joined(void **state TD_UNUSED)
{
    static const size_t sizes[] = {1, 100, 2600, 2900, 5400, 8192}, maxima[] = {0, 500, 900, 2953};
    for (size_t i = 0; i < TD_COUNTOF(sizes) * TD_COUNTOF(maxima); i++) {
        struct td_block_sequence s = sample(sizes[i / TD_COUNTOF(maxima)]), back;
        struct td_block blocks[TD_BLOCKS_MAX], turned[TD_BLOCKS_MAX];
        const char **texts = NULL;
        size_t n = write_blocks(&s, maxima[i % TD_COUNTOF(maxima)], blocks, &texts);
        for (size_t k = 0; k < n; k++)
            turned[k] = blocks[n - 1 - k];
        assert_ok(td_blocks_join(turned, n, &arena, &back, &err));
        assert_string_equal(back.hardware, s.hardware);
        assert_string_equal(back.id, s.id);
        assert_string_equal(back.ztd_id, s.ztd_id);
        assert_string_equal(back.serial, s.serial);
        for (size_t k = 0; n > 1 && k < n; k++) { /* one of them missing */
            turned[k].number = turned[(k + 1) % n].number;
            assert_int_equal(td_blocks_join(turned, n, &arena, &back, &err), TD_EINVAL);
            assert_non_null(strstr(err.text, "twice"));
            turned[k] = blocks[n - 1 - k];
        }
    }
}

static void says_what_does_not_join(void **state TD_UNUSED)
{
    struct td_block_sequence s = sample(2000), back;
    struct td_block blocks[TD_BLOCKS_MAX];
    const char **texts = NULL;
    size_t n = write_blocks(&s, 900, blocks, &texts);
    assert_true(n >= 3);
    assert_int_equal(td_blocks_join(blocks, n - 1, &arena, &back, &err), TD_EINVAL);
    assert_non_null(strstr(err.text, "missing"));
    assert_int_equal(td_blocks_join(blocks, 0, &arena, &back, &err), TD_EINVAL);
    blocks[1].part.serial = "another";
    assert_int_equal(td_blocks_join(blocks, n, &arena, &back, &err), TD_EINVAL);
    assert_non_null(strstr(err.text, "another sequence"));
}

static void limits(void **state TD_UNUSED)
{
    struct td_block_sequence s = sample(8000);
    const char **texts = NULL;
    size_t n = 0;
    assert_int_equal(td_blocks_write(&s, 300, &arena, &texts, &n, &err), TD_ELIMIT);
    assert_int_equal(td_blocks_write(&s, 100, &arena, &texts, &n, &err), TD_ELIMIT);
    s.hardware = "with \"quotes\"";
    assert_int_equal(td_blocks_write(&s, 0, &arena, &texts, &n, &err), TD_EINVAL);
}

static void other_writers(void **state TD_UNUSED)
{
    static const struct {
        const char *text;
        enum td_code rc;
    } rows[] = {
        {"{\"BlockSequence\":{\"SequenceBlockNumber\":\"1\",\"TotalBlocks\":\"2\"}}", TD_OK},
        {"{ \"BlockSequence\" : {\"Id\":null,\"More\":[1],\"SequenceBlockNumber\":2,\"TotalBlocks\":2} }", TD_OK},
        {"{\"BlockSequence\":{\"SequenceBlockNumber\":3,\"TotalBlocks\":2}}", TD_EFORMAT},
        {"{\"BlockSequence\":{\"SequenceBlockNumber\":0,\"TotalBlocks\":2}}", TD_EFORMAT},
        {"{\"BlockSequence\":{\"SequenceBlockNumber\":1,\"TotalBlocks\":33}}", TD_EFORMAT},
        {"{\"BlockSequence\":{\"SequenceBlockNumber\":\"one\",\"TotalBlocks\":1}}", TD_EFORMAT},
        {"{\"BlockSequence\":{\"Id\":7,\"SequenceBlockNumber\":1,\"TotalBlocks\":1}}", TD_EFORMAT},
        {"{\"BlockSequence\":{\"TotalBlocks\":1}}", TD_EFORMAT},
        {"{\"BlockSequence\":[]}", TD_EFORMAT},
        {"{\"Other\":{}}", TD_EFORMAT},
        {"[]", TD_EFORMAT},
        {"https://elsewhere.test/", TD_EFORMAT},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_block b = {0};
        assert_int_equal(td_block_read(td_str(rows[i].text), &arena, &b, &err), rows[i].rc);
        if (rows[i].rc == TD_OK)
            assert_string_equal(b.part.id, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_code), cmocka_unit_test(cut_and_joined), cmocka_unit_test(says_what_does_not_join),
        cmocka_unit_test(limits),   cmocka_unit_test(other_writers),
    };
    return cmocka_run_group_tests_name("codec/block_sequence", tests, arena_begin, arena_end);
}
