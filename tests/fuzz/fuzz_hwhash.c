/* codec/hwhash: any octets and any text; what decodes can be printed, and encoded again it decodes to the same hash. */
#include "codec/hwhash.h"
#include "crypto/digest.h"
#include "way/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(struct td_arena *a, const struct td_hw_facts *f)
{
    struct td_hw_facts again;
    struct td_buf first, second, json;
    struct td_facts facts = {.count = 0};
    td_buf_init(&first, TD_HW_MAX_OCTETS);
    td_buf_init(&second, TD_HW_MAX_OCTETS);
    td_buf_init(&json, 1 << 20);
    td_hwhash_json(f, &json);
    td_facts_add_hash(&facts, a, f);
    if (json.failed || facts.count > TD_FACTS_MAX)
        __builtin_trap();
    if (td_hwhash_encode(f, td_sha256, &first, NULL) == TD_OK) { /* what had Latin-1 in it may outgrow the bound */
        if (td_hwhash_decode(td_buf_slice(&first), td_sha256, a, &again, NULL) != TD_OK || !again.checksum_ok)
            __builtin_trap();
        if (td_hwhash_encode(&again, td_sha256, &second, NULL) != TD_OK ||
            !td_eq(td_buf_slice(&first), td_buf_slice(&second)))
            __builtin_trap();
    }
    td_buf_done(&first);
    td_buf_done(&second);
    td_buf_done(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_arena a;
    struct td_hw_facts f;
    td_arena_init(&a);
    if (td_hwhash_decode(td_bytes(data, size), td_sha256, &a, &f, NULL) == TD_OK)
        round_trip(&a, &f);
    if (td_hwhash_decode_text(td_bytes(data, size), td_sha256, &a, &f, NULL, NULL) == TD_OK)
        round_trip(&a, &f);
    /* most mutations spoil the frame: give the records a right one, so that they are reached */
    char *framed = td_arena_alloc(&a, TD_HW_MIN_OCTETS);
    size_t n = TD_MIN(size, (size_t)(TD_HW_MIN_OCTETS - 40));
    if (n != 0)
        memcpy(framed + 4, data, n);
    memcpy(framed, "OA", 2);
    framed[2] = (char)((n + 4) & 0xFF);
    framed[3] = (char)((n + 4) >> 8);
    memcpy(framed + 4 + n, "CS\x24\x00", 4);
    if (td_hwhash_decode(td_bytes(framed, TD_HW_MIN_OCTETS), td_sha256, &a, &f, NULL) == TD_OK)
        round_trip(&a, &f);
    td_arena_done(&a);
    return 0;
}
