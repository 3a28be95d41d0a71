/* device/reset_journal: any octets; what is taken is an open or ended reset, and only such a one. */
#include "device/reset/room.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct td_reset_journal *j)
{
    if (!td_reset_rule(j->kind)->offered || j->phase >= TD_RESET_PHASE_COUNT || j->news > TD_RESET_ROLLED_BACK)
        __builtin_trap();
    if (strnlen(j->node, sizeof(j->node)) == sizeof(j->node) || !td_utf8_ok(td_str(j->node)))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_reset_journal j = {.kind = TD_ACTION_KIND_COUNT};
    struct td_error err = {0};
    if (td_reset_journal_parse(td_bytes(data, size), &j, &err) == TD_OK)
        check(&j);
    else if (j.kind != TD_ACTION_KIND_COUNT || err.text[0] == '\0' || err.remedy[0] == '\0')
        __builtin_trap();
    return 0;
}
