/* tpm/facts: the device's TPM in its state, and what a hardware hash says of it: so that whoever only looks needs not
 * to open it. */
#include "base/encode.h"
#include "base/fault.h"
#include "base/file.h"
#include "device/tpm/room.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

enum { TD_TPM_HASH_EK = 1024 };

/* A TPM takes the commands of several clients in turn, but has room for the objects of one. */
static enum td_code lock(const struct td_device *dev, int *ret, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    td_try(td_dir_make(td_device_path(dev, &a, "tpm"), 0700, err));
    int fd = open(td_device_path(dev, &a, "tpm/lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *ret = fd;
        return TD_OK;
    }
    if (fd < 0)
        return td_fail(err, TD_EIO, "tpm", "the state folder can't be written");
    (void)close(fd);
    (void)td_fail(err, TD_EUNAVAILABLE, "tpm", "another touchdown-device works with this TPM");
    if (err != NULL)
        err->hresult = 0x800705b4;
    return td_remedy(err, TD_EUNAVAILABLE, "Wait until it has ended.");
}

/* A state is data that is copied and handed on; what it says must not load libraries of its choice, nor run commands
 * (TCTI "cmd"). Whoever gives --tpm may. */
static bool is_program(const char *tcti)
{
    struct td_slice name = {0};
    (void)td_cut(td_str(tcti), ':', &name);
    return td_find(name, '/') != SIZE_MAX || td_search(name, TD_S("cmd")) != SIZE_MAX;
}

enum td_code td_device_tpm(struct td_device *dev, struct td_tpm **ret, struct td_error *err)
{
    const char *kept = dev->state != NULL ? td_state_get(dev->state, "tpm.tcti") : NULL;
    const char *tcti = dev->tcti != NULL ? dev->tcti : kept;
    if (dev->tpm != NULL)
        td_try(td_tpm_again(dev->tpm, err));
    *ret = dev->tpm;
    if (dev->tpm != NULL || tcti == NULL)
        return TD_OK;
    int fd = -1;
    if (dev->tcti == NULL && is_program(tcti) && !td_fault("device-tpm-any-program"))
        return td_remedy(err, td_fail(err, TD_EDENIED, "tpm.tcti", "the device's state names a program to run"),
                         "Give it by --tpm, if it is yours.");
    td_try(lock(dev, &fd, err));
    enum td_code rc = td_tpm_open(tcti, &dev->tpm, err);
    if (rc != TD_OK) {
        (void)close(fd);
        return rc;
    }
    dev->tpm->lock = fd;
    td_tpm_sweep(dev->tpm);
    *ret = dev->tpm;
    if (dev->state == NULL || dev->tcti == NULL || (kept != NULL && strcmp(kept, dev->tcti) == 0))
        return TD_OK;
    td_state_set(dev->state, "tpm.tcti", dev->tcti);
    return td_state_save(dev->state, err);
}

/* One property, 0 where the TPM tells none. */
static uint32_t property(struct td_tpm *t, TPM2_PT which)
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more = TPM2_NO;
    uint32_t value = 0;
    if (t->f.Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_TPM_PROPERTIES, which, 1,
                                &more, &data) == TSS2_RC_SUCCESS &&
        data->capability == TPM2_CAP_TPM_PROPERTIES && data->data.tpmProperties.count == 1 &&
        data->data.tpmProperties.tpmProperty[0].property == which)
        value = data->data.tpmProperties.tpmProperty[0].value;
    t->f.Esys_Free(data);
    return value;
}

/* Four characters in a number; what could not stand in a text becomes a blank. */
static void letters(uint32_t number, char ret[5])
{
    for (int i = 0; i < 4; i++) {
        char c = (char)(number >> (24 - 8 * i));
        ret[i] =
            (char)((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ? c : ' ');
    }
    ret[4] = '\0';
}

/* The form in which a PC's hash has it (domain-join-and-tpm.md 3, record 13). */
static const char *version_of(struct td_tpm *t, struct td_arena *a)
{
    char family[5], vendor[5];
    uint32_t revision = property(t, TPM2_PT_REVISION), one = property(t, TPM2_PT_FIRMWARE_VERSION_1);
    letters(property(t, TPM2_PT_FAMILY_INDICATOR), family);
    letters(property(t, TPM2_PT_MANUFACTURER), vendor);
    return td_arena_printf(a, "TPM-Version:%.3s -Level:%u-Revision:%u.%02u-VendorID:'%s'-Firmware:%u.%u", family,
                           property(t, TPM2_PT_LEVEL), revision / 100, revision % 100, vendor, one >> 16, one & 0xffff);
}

enum td_code td_tpm_facts(struct td_tpm *t, struct td_arena *a, struct td_slice *ret_ek, const char **ret_version,
                          struct td_error *err)
{
    struct td_tpm_ek ek = {0};
    td_try(td_tpm_ek(t, a, &ek, err));
    if (ek.public_.n > TD_TPM_HASH_EK)
        return td_fail(err, TD_ELIMIT, "tpm", "the endorsement key has %zu octets", ek.public_.n);
    *ret_ek = ek.public_;
    *ret_version = version_of(t, a);
    return TD_OK;
}

static void keep(struct td_device *dev, const char *key, const char *value, bool *changed)
{
    const char *old = td_state_get(dev->state, key);
    *changed |= old == NULL || strcmp(old, value) != 0;
    td_state_set(dev->state, key, value);
}

enum td_code td_device_tpm_ready(struct td_device *dev, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_tpm *t = NULL;
    struct td_slice ek = {0};
    const char *version = "";
    bool changed = false;
    td_try(td_device_tpm(dev, &t, err));
    if (t == NULL)
        return TD_OK;
    td_try(td_tpm_facts(t, &a, &ek, &version, err));
    keep(dev, "tpm.ek", td_b64(&a, ek), &changed);
    keep(dev, "tpm.version", version, &changed);
    return changed ? td_state_save(dev->state, err) : TD_OK;
}
