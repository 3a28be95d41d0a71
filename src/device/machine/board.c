#include "device/board.h"

#include "base/fault.h"
#include "crypto/digest.h"
#include "way/repair.h"

#define KEPT "enrol.hardware"
#define SAID "enrol.hardware_said"

/* As the service will read them, from a hash. */
static bool facts_of(const struct td_device *dev, const struct td_hardware *hw, struct td_arena *a,
                     struct td_facts *ret)
{
    struct td_hw_facts *f = td_arena_new(a, struct td_hw_facts);
    char *hash;
    ret->count = 0;
    if (td_hardware_hash(hw, dev->env, a, &hash, NULL) != TD_OK ||
        td_hwhash_decode_text(td_str(hash), td_sha256, a, f, NULL, NULL) != TD_OK)
        return false;
    td_facts_add_hash(ret, a, f);
    return true;
}

enum td_code td_board_keep(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_facts *facts = td_arena_new(&a, struct td_facts);
    if (!facts_of(f->dev, &f->hw, &a, facts))
        return TD_OK; /* a machine without an identity can't be recognised by it either */
    return td_flow_keep(f, KEPT, td_facts_text(facts, &a), err);
}

/* True if it was enrolled with another board; both sides are in *ret. */
static bool is_exchanged(const struct td_device *dev, const struct td_hardware *hw, struct td_arena *a,
                         struct td_mismatch *ret)
{
    const char *kept = td_state_get(dev->state, KEPT);
    if (kept == NULL || !facts_of(dev, hw, a, &ret->now))
        return false;
    td_facts_of_text(td_str(kept), a, &ret->enrolled);
    return td_repair_is_exchange(&ret->enrolled, &ret->now) && !td_fault("device-no-mismatch");
}

const char *td_board_told(const struct td_device *dev, const struct td_hardware *hw, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    struct td_mismatch *m = td_arena_new(a, struct td_mismatch);
    td_buf_init(&b, TD_MISMATCH_MAX);
    if (!is_exchanged(dev, hw, a, m))
        return "";
    td_mismatch_write(m, &b);
    return b.failed ? "" : td_arena_text(a, td_buf_slice(&b));
}

/* Once for each board: the service may have taken it long ago. */
static void say_once(struct td_device *dev, const struct td_mismatch *m, struct td_arena *a)
{
    const char *now = td_facts_text(&m->now, a), *said = td_state_get(dev->state, SAID);
    if (said != NULL && strcmp(said, now) == 0)
        return;
    td_state_set(dev->state, SAID, now);
    if (td_state_save(dev->state, NULL) != TD_OK)
        return;
    td_device_say(dev, "step", "another mainboard than at the enrolment (%s): the service is told at the next contact",
                  td_facts_difference(&m->enrolled, &m->now, a));
}

void td_board_say(struct td_device *dev)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_mismatch *m = td_arena_new(&a, struct td_mismatch);
    struct td_hardware hw;
    if (td_hardware_of(dev, &a, &hw, NULL) == TD_OK && is_exchanged(dev, &hw, &a, m))
        say_once(dev, m, &a);
}
