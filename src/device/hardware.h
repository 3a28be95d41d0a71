/* What the virtual PC is made of: facts of this machine where they can be read, laid over by a file of the tester.
 *
 * Reads files below a root folder ("" for the real one) and never writes. All memory is the caller's arena. Facts that
 * nobody knows stay empty, but for the board: a machine whose firmware tells no serial number (containers, small VMs)
 * gets a virtual one, always the same. Sources: domain-join-and-tpm.md 3 (identity of a Linux machine),
 * autopilot.md 1.1, mde2.md 4.2 (HWDevID). The file's JSON: docs/tasks/virtual-device.md. */
#ifndef TD_DEVICE_HARDWARE_H
#define TD_DEVICE_HARDWARE_H

#include "base/env.h"
#include "codec/hwhash.h"

struct td_device;

struct td_hardware {
    struct td_hw_facts facts; /* without the time of reading: td_hardware_hash puts it in */
    const char *os_version;   /* "10.0.22631.2506" */
    int edition;              /* PRODUCT_ number out of the box (mde2.md 6): 48 Pro */
    const char *locale;       /* "en-US" */
    bool wired;               /* an Ethernet adapter is there, or no adapter at all is seen */
    const char *wifi[8];      /* networks in reach, NULL-terminated */
    const char *oem_apps[9];  /* apps that the maker put on the disk, NULL-terminated */
    bool recovery;            /* a recovery environment is on the disk (true unless the file says otherwise) */
    bool battery;             /* it runs on its battery: "power" is "battery" */
    bool secure_boot;         /* what a virtual firmware measures (true unless the file says otherwise) */
    char hw_dev_id[65];       /* 64 hexadecimal digits, stable for the same board */
};

/* file: JSON laid over what the machine says, or NULL. TD_EINVAL names the field. */
enum td_code td_hardware_read(const char *root, const char *file, struct td_arena *a, struct td_hardware *ret,
                              struct td_error *err) TD_MUST_USE;
/* The hardware of a device that has run before (DIR/hardware.json over the machine). */
enum td_code td_hardware_of(const struct td_device *dev, struct td_arena *a, struct td_hardware *ret,
                            struct td_error *err) TD_MUST_USE;
/* Keeps the file as DIR/hardware.json, so that later commands need not be told again. */
enum td_code td_hardware_keep(const struct td_device *dev, const char *file, struct td_error *err) TD_MUST_USE;

/* The hardware hash as Windows gives it: base64 of 3,000 octets or more, with the time of reading. */
enum td_code td_hardware_hash(const struct td_hardware *hw, const struct td_env *env, struct td_arena *a, char **ret,
                              struct td_error *err) TD_MUST_USE;
/* "7F3A...-..." of the SMBIOS UUID in lower case, "" if none. */
const char *td_hardware_uuid(const struct td_hardware *hw, struct td_arena *a);

/* Between hardware.c and machine.c only: fills what the Linux machine below root tells. */
void td_machine_read(const char *root, struct td_arena *a, struct td_hardware *hw);
/* "00:11:22:aa:bb:cc", with any separators or none. */
bool td_machine_mac(struct td_slice text, struct td_arena *a, unsigned char mac[6]);
/* What tells this machine from others when its firmware does not: machine-id, else the first MAC, else the
 * host's name. NULL if there is none of them. */
const char *td_machine_id(const char *root, const struct td_hw_facts *f, struct td_arena *a);

#endif
