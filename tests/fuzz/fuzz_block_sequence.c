/* codec/block_sequence: texts of scanned codes. What was read as a whole is written and read as the same. */
#include "codec/block_sequence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct td_block_sequence *s, struct td_arena *a)
{
    const char **texts = NULL;
    size_t count = 0;
    struct td_block blocks[TD_BLOCKS_MAX];
    struct td_block_sequence back = {0};
    if (td_blocks_write(s, 0, a, &texts, &count, NULL) != TD_OK)
        return;
    for (size_t i = 0; i < count; i++)
        if (strlen(texts[i]) > TD_BLOCK_MAX_TEXT ||
            td_block_read(td_str(texts[i]), a, &blocks[count - 1 - i], NULL) != TD_OK)
            __builtin_trap();
    if (td_blocks_join(blocks, count, a, &back, NULL) != TD_OK || strcmp(back.hardware, s->hardware) != 0 ||
        strcmp(back.serial, s->serial) != 0)
        __builtin_trap();
}

/* One code a line, as a scanner types them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_slice rest = td_bytes(data, size), line = {0};
    struct td_block blocks[TD_BLOCKS_MAX];
    struct td_block_sequence whole = {0};
    size_t count = 0;
    struct td_arena a;
    td_arena_init(&a);
    while (rest.n != 0 && count < TD_BLOCKS_MAX) {
        rest = td_cut(rest, '\n', &line);
        if (td_block_read(line, &a, &blocks[count], NULL) == TD_OK)
            count++;
    }
    if (td_blocks_join(blocks, count, &a, &whole, NULL) == TD_OK)
        again(&whole, &a);
    td_arena_done(&a);
    return 0;
}
