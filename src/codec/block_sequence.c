#include "codec/block_sequence.h"

#include "codec/json.h"

enum { MIN_PIECE = 16, READ_MAX = 2 * TD_BLOCK_MAX_TEXT };

static struct td_slice block_text(const struct td_block_sequence *s, struct td_slice piece, size_t number, size_t total,
                                  struct td_buf *b)
{
    struct td_jsonw w;
    td_buf_reset(b);
    td_jsonw_init(&w, b);
    td_jsonw_obj(&w);
    td_jsonw_key(&w, "BlockSequence");
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "Id", s->id);
    td_jsonw_kstr(&w, "ZtdId", s->ztd_id);
    td_jsonw_kstr(&w, "PKID", s->pkid);
    td_jsonw_kstr(&w, "SerialNumber", s->serial);
    td_jsonw_key(&w, "HardwareId");
    td_jsonw_slice(&w, piece);
    td_jsonw_kint(&w, "SequenceBlockNumber", (int64_t)number);
    td_jsonw_kint(&w, "TotalBlocks", (int64_t)total);
    td_jsonw_end(&w);
    td_jsonw_end(&w);
    return td_buf_slice(b);
}

/* Base64 as a rule: what needs no escape in JSON, so that every octet of it is one octet of the code. */
static bool is_plain(struct td_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\')
            return false;
    return true;
}

enum td_code td_blocks_write(const struct td_block_sequence *s, size_t max, struct td_arena *a, const char ***ret,
                             size_t *ret_count, struct td_error *err)
{
    struct td_slice hardware = td_str(s->hardware);
    struct td_buf b;
    max = max != 0 ? max : TD_BLOCK_MAX_TEXT;
    if (!is_plain(hardware))
        return td_fail(err, TD_EINVAL, "HardwareId", "only letters, digits and signs of base64 are taken");
    td_buf_init(&b, (size_t)1 << 16);
    size_t frame = block_text(s, TD_S(""), TD_BLOCKS_MAX, TD_BLOCKS_MAX, &b).n;
    size_t room = b.failed || frame + MIN_PIECE > max ? 0 : max - frame;
    size_t count = room == 0 ? SIZE_MAX : TD_MAX((hardware.n + room - 1) / room, (size_t)1);
    if (count > TD_BLOCKS_MAX) {
        td_buf_done(&b);
        return td_fail(err, TD_ELIMIT, "BlockSequence", "more than %d codes of %zu octets would be needed",
                       TD_BLOCKS_MAX, max);
    }
    const char **texts = td_arena_array(a, const char *, count);
    for (size_t i = 0; i < count; i++)
        texts[i] = td_arena_text(a, block_text(s, td_sub(hardware, i * room, room), i + 1, count, &b));
    td_buf_done(&b);
    *ret = texts;
    *ret_count = count;
    return TD_OK;
}

/* Texts may be missing, and are empty then; anything else than a text is refused. */
static enum td_code text_member(const struct td_json *o, const char *name, const char **ret, struct td_error *err)
{
    const struct td_json *m = td_json_get(o, name);
    *ret = "";
    if (m == NULL || m->type == TD_JSON_NULL)
        return TD_OK;
    if (m->type != TD_JSON_STRING)
        return td_fail(err, TD_EFORMAT, name, "is not a text");
    *ret = m->str;
    return TD_OK;
}

static enum td_code number_member(const struct td_json *o, const char *name, unsigned *ret, struct td_error *err)
{
    const struct td_json *m = td_json_get(o, name);
    int64_t v = m != NULL && m->type == TD_JSON_INT ? m->num : 0;
    if (m != NULL && m->type == TD_JSON_STRING && !td_parse_i64(td_str(m->str), &v))
        v = 0;
    if (v < 1 || v > TD_BLOCKS_MAX)
        return td_fail(err, TD_EFORMAT, name, "is not a number of 1 to %d", TD_BLOCKS_MAX);
    *ret = (unsigned)v;
    return TD_OK;
}

enum td_code td_block_read(struct td_slice text, struct td_arena *a, struct td_block *ret, struct td_error *err)
{
    struct td_json *whole = NULL;
    struct td_block block = {0};
    const struct {
        const char *name, **to;
    } texts[] = {{"Id", &block.part.id},
                 {"ZtdId", &block.part.ztd_id},
                 {"PKID", &block.part.pkid},
                 {"SerialNumber", &block.part.serial},
                 {"HardwareId", &block.part.hardware}};
    td_try(td_json_parse(text, READ_MAX, a, &whole, err));
    const struct td_json *o = td_json_get(whole, "BlockSequence");
    if (o == NULL || o->type != TD_JSON_OBJECT)
        return td_fail(err, TD_EFORMAT, "BlockSequence", "is missing");
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        td_try(text_member(o, texts[i].name, texts[i].to, err));
    td_try(number_member(o, "SequenceBlockNumber", &block.number, err));
    td_try(number_member(o, "TotalBlocks", &block.total, err));
    if (block.number > block.total)
        return td_fail(err, TD_EFORMAT, "SequenceBlockNumber", "%u of %u", block.number, block.total);
    *ret = block;
    return TD_OK;
}

static bool same_sequence(const struct td_block *a, const struct td_block *b)
{
    return a->total == b->total && strcmp(a->part.id, b->part.id) == 0 && strcmp(a->part.ztd_id, b->part.ztd_id) == 0 &&
           strcmp(a->part.pkid, b->part.pkid) == 0 && strcmp(a->part.serial, b->part.serial) == 0;
}

static enum td_code sort_blocks(const struct td_block *blocks, size_t count, const struct td_block **slots,
                                struct td_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!same_sequence(&blocks[i], &blocks[0]))
            return td_fail(err, TD_EINVAL, "BlockSequence", "code %u of %u is of another sequence", blocks[i].number,
                           blocks[i].total);
        if (slots[blocks[i].number - 1] != NULL)
            return td_fail(err, TD_EINVAL, "BlockSequence", "code %u is there twice", blocks[i].number);
        slots[blocks[i].number - 1] = &blocks[i];
    }
    return TD_OK;
}

enum td_code td_blocks_join(const struct td_block *blocks, size_t count, struct td_arena *a,
                            struct td_block_sequence *ret, struct td_error *err)
{
    const struct td_block *slots[TD_BLOCKS_MAX] = {0};
    if (count == 0)
        return td_fail(err, TD_EINVAL, "BlockSequence", "no code");
    td_try(sort_blocks(blocks, count, slots, err));
    size_t n = 0;
    for (unsigned i = 0; i < blocks[0].total; i++) {
        if (slots[i] == NULL)
            return td_fail(err, TD_EINVAL, "BlockSequence", "code %u of %u is missing", i + 1, blocks[0].total);
        n += strlen(slots[i]->part.hardware);
    }
    struct td_block_sequence out = blocks[0].part;
    char *hardware = td_arena_alloc(a, n + 1);
    out.hardware = hardware;
    for (unsigned i = 0; i < blocks[0].total; i++) {
        size_t piece = strlen(slots[i]->part.hardware);
        memcpy(hardware, slots[i]->part.hardware, piece);
        hardware += piece;
    }
    *ret = out;
    return TD_OK;
}
