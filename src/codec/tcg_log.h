/* Event log of a measured start (TCG2 format, little-endian): what firmware and loaders extended into the PCRs. Pure.
 * Bounded: TD_TCG_MAX octets, TD_TCG_MAX_EVENTS events. A log proves nothing by itself: crypto/tpm.h replays it against
 * a quote. Sources: domain-join-and-tpm.md 2.2; TCG PC Client Platform Firmware Profile. */
#ifndef TD_CODEC_TCG_LOG_H
#define TD_CODEC_TCG_LOG_H

#include "base/arena.h"
#include "base/buf.h"

enum { TD_TCG_MAX = 256 << 10, TD_TCG_MAX_EVENTS = 4096, TD_TCG_MAX_DIGESTS = 8 };
enum { /* types of events that somebody here looks at */
       TD_TCG_NO_ACTION = 0x00000003,
       TD_TCG_SEPARATOR = 0x00000004,
       TD_TCG_S_CRTM_VERSION = 0x00000008,
       TD_TCG_EFI_VARIABLE_DRIVER_CONFIG = 0x80000001
};

struct td_tcg_event {
    uint32_t pcr, type;
    struct td_slice sha256; /* empty where the log has no such bank */
    struct td_slice data;
};
struct td_tcg_log {
    struct td_tcg_event *events; /* behind the header event, in order */
    size_t count;
    unsigned locality; /* of PCR 0 at its start: StartupLocality, 3 and 4 otherwise 0 */
};
enum td_code td_tcg_log_read(struct td_slice in, struct td_arena *a, struct td_tcg_log *ret, struct td_error *err)
    TD_MUST_USE;

enum td_tcg_secure_boot { TD_TCG_UNTOLD, TD_TCG_OFF, TD_TCG_ON };
/* What an event says of the UEFI variable SecureBoot (measured into PCR 7). It may say anything: crypto/tpm.h's
 * td_tpm_secure_boot tells what a log proves. */
enum td_tcg_secure_boot td_tcg_event_secure_boot(const struct td_tcg_event *e);

/* Writing, for the virtual device: the header event (SHA-256 bank alone), then events. */
void td_tcg_log_begin(struct td_buf *out);
void td_tcg_log_add(struct td_buf *out, uint32_t pcr, uint32_t type, const unsigned char sha256[32],
                    struct td_slice data);
/* Data of an event that measures a UEFI variable. */
void td_tcg_variable_write(struct td_buf *out, const unsigned char guid[16], const char *name, struct td_slice value);

#endif
