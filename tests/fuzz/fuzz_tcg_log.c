/* codec/tcg_log and its replay: event logs of strangers. */
#include "crypto/tpm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_slice in = td_bytes(data, size);
    struct td_tcg_log log = {0};
    struct td_tpm_pcr_values v = {0};
    unsigned char digest[32];
    struct td_arena a;
    td_arena_init(&a);
    if (td_tcg_log_read(in, &a, &log, NULL) == TD_OK) {
        if (log.count > TD_TCG_MAX_EVENTS || (log.locality != 0 && log.locality != 3 && log.locality != 4))
            __builtin_trap();
        for (size_t i = 0; i < log.count; i++) {
            const struct td_tcg_event *e = &log.events[i];
            if ((e->sha256.n != 0 && e->sha256.n != 32) || e->data.n > size ||
                (e->pcr > 23 && e->type != TD_TCG_NO_ACTION))
                __builtin_trap();
        }
        td_tpm_replay(&log, &v);
        if (!td_tpm_pcr_digest(&v, v.known, digest) ||
            td_tpm_pcr_digest(&v, ~v.known & 0xffffff, digest) != (v.known == 0xffffff))
            __builtin_trap();
        if (td_tpm_secure_boot(&log) == TD_TCG_ON && log.count == 0)
            __builtin_trap();
    }
    td_arena_done(&a);
    return 0;
}
