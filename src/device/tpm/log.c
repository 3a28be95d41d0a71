/* tpm/log: what was measured at the start. A PC's firmware keeps a log, which the kernel shows; a virtual PC has no
 * firmware, so this stands for one: it measures its version, the variable SecureBoot and the separators into a TPM
 * whose PCRs are still zero. The log is written before the first measurement, and whoever was killed between two goes
 * on. */
#include "base/fault.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "crypto/tpm.h"
#include "device/hardware.h"
#include "device/tpm/room.h"

static const char kernel_log[] = "/sys/kernel/security/tpm0/binary_bios_measurements";
static const char own_log[] = "tpm/log";

/* EFI_GLOBAL_VARIABLE, as it stands in a log. */
static const unsigned char global_variable[16] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                                  0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
/* "Touchdown 1" in UTF-16, as firmware tells its version. */
static const char firmware[] = "T\0o\0u\0c\0h\0d\0o\0w\0n\0 \0001\0\0";

static void measure(struct td_buf *log, uint32_t pcr, uint32_t type, struct td_slice data)
{
    unsigned char digest[32];
    td_sha256(data, digest);
    td_tcg_log_add(log, pcr, type, digest, data);
}

static void write_log(bool secure_boot, struct td_buf *log)
{
    TD_CLEANUP(td_buf_done) struct td_buf variable;
    td_buf_init(&variable, 256);
    td_tcg_variable_write(&variable, global_variable, "SecureBoot", td_bytes(secure_boot ? "\1" : "\0", 1));
    td_tcg_log_begin(log);
    measure(log, 0, TD_TCG_S_CRTM_VERSION, td_bytes(firmware, sizeof(firmware)));
    measure(log, 7, TD_TCG_EFI_VARIABLE_DRIVER_CONFIG, td_buf_slice(&variable));
    for (uint32_t pcr = 0; pcr < TD_TPM_BOOT_PCRS; pcr++)
        measure(log, pcr, TD_TCG_SEPARATOR, td_bytes("\0\0\0", 4));
}

/* What a PCR holds once the digest was extended into it. */
static void extended(unsigned char value[32], struct td_slice digest)
{
    unsigned char both[64];
    memcpy(both, value, 32);
    memcpy(both + 32, digest.p, 32);
    td_sha256(td_bytes(both, sizeof(both)), value);
}

static bool is_for(const struct td_tcg_event *e, uint32_t pcr)
{
    return e->pcr == pcr && e->type != TD_TCG_NO_ACTION && e->sha256.n == 32;
}

/* How many events of the log's are in this PCR already; SIZE_MAX: something else is. */
static size_t measured(const struct td_tcg_log *log, uint32_t pcr, const unsigned char now[32])
{
    unsigned char value[32] = {0};
    size_t n = 0;
    for (size_t i = 0; memcmp(value, now, 32) != 0; i++) {
        if (i == log->count)
            return SIZE_MAX;
        if (!is_for(&log->events[i], pcr))
            continue;
        extended(value, log->events[i].sha256);
        n++;
    }
    return n;
}

/* TD_ENOTFOUND: the log is not what was measured. */
static enum td_code catch_up(struct td_tpm *t, struct td_slice text, unsigned char now[TD_TPM_BOOT_PCRS][32],
                             struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_tcg_log log = {0};
    size_t done[TD_TPM_BOOT_PCRS];
    if (td_tcg_log_read(text, &a, &log, NULL) != TD_OK)
        return TD_ENOTFOUND;
    for (uint32_t pcr = 0; pcr < TD_TPM_BOOT_PCRS; pcr++)
        if ((done[pcr] = measured(&log, pcr, now[pcr])) == SIZE_MAX)
            return TD_ENOTFOUND;
    for (size_t i = 0; i < log.count; i++) {
        const struct td_tcg_event *e = &log.events[i];
        if (e->pcr >= TD_TPM_BOOT_PCRS || !is_for(e, e->pcr))
            continue;
        if (done[e->pcr] != 0 && !td_fault("device-measures-twice"))
            done[e->pcr]--;
        else
            td_try(td_tpm_extend(t, e->pcr, (const unsigned char *)e->sha256.p, err));
    }
    return TD_OK;
}

static bool all_zero(unsigned char now[TD_TPM_BOOT_PCRS][32])
{
    static const unsigned char zero[32];
    for (size_t i = 0; i < TD_TPM_BOOT_PCRS; i++)
        if (memcmp(now[i], zero, 32) != 0)
            return false;
    return true;
}

/* A TPM that was switched on anew is measured into anew, by what the hardware says now. */
static enum td_code virtual_firmware(struct td_device *dev, struct td_tpm *t, struct td_buf *log, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    unsigned char now[TD_TPM_BOOT_PCRS][32];
    const char *path = td_device_path(dev, &a, own_log);
    td_try(td_tpm_pcrs(t, now, err));
    if (all_zero(now)) {
        struct td_hardware hw;
        td_try(td_hardware_of(dev, &a, &hw, err));
        write_log(hw.secure_boot, log);
        td_try(td_buf_check(log, "event log", err));
        td_try(td_dir_make(td_device_path(dev, &a, "tpm"), 0700, err));
        td_try(td_file_write(path, td_buf_slice(log), 0600, err));
    } else if (!td_file_exists(path) || td_file_read(path, log, NULL) != TD_OK) {
        td_buf_reset(log);
        return TD_OK; /* another firmware has measured, and its log is not here */
    }
    enum td_code rc = catch_up(t, td_buf_slice(log), now, err);
    if (rc == TD_ENOTFOUND)
        td_buf_reset(log);
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

enum td_code td_tpm_event_log(struct td_device *dev, struct td_arena *a, struct td_slice *ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf log;
    struct td_tpm *t = NULL;
    td_buf_init(&log, TD_TCG_MAX);
    *ret = TD_S("");
    td_try(td_device_tpm(dev, &t, err));
    if (t == NULL)
        return TD_OK;
    if (td_starts(td_str(t->tcti), "device:") && td_file_read(kernel_log, &log, NULL) != TD_OK)
        td_buf_reset(&log); /* none, or longer than anybody takes: the values stand for themselves */
    if (log.n == 0)
        td_try(virtual_firmware(dev, t, &log, err));
    *ret = td_arena_copy(a, td_buf_slice(&log));
    return TD_OK;
}
