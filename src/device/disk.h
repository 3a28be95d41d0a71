/* What the virtual PC holds besides its keys and nodes: people's accounts, profiles and files, apps, settings, data,
 * provisioning packages. Plain files below DIR/disk that a tester can look at and change:
 *
 *   users/<upn>/account.json   the account (its kind and first sign-in)      users/<upn>/profile/  settings, desktop
 *   users/<upn>/files/         documents                                     data/      outside of any profile
 *   apps/user/  apps/oem/      one file an app                               settings/  of the machine
 *   packages/                  provisioning packages (*.ppkg)                box.json   what the maker put on it
 *   recovery/                  the recovery environment; no reset in place or wipe without it
 *   bitlocker.json             there while the disk is encrypted, with its key as the TPM would keep it
 *
 * What belongs to which part of way/remains.h stands in one table, by path, by key of state.json and by key of csp.json
 * (td_disk_parts): resets remove by it, tests compare by it. What is in no row is a setting of the machine: every
 * reset takes it away. Everything is bounded: names 128 octets, 200,000
 * files, 64 folders deep. */
#ifndef TD_DEVICE_DISK_H
#define TD_DEVICE_DISK_H

#include "device/device.h"
#include "way/remains.h"

struct td_hardware;

/* Out of the box: recovery environment and the maker's apps, as hardware.json says ("recovery", "oemApps"). Done once
 * in the life of the disk: what an action removed does not come back by itself. */
enum td_code td_disk_prepare(struct td_device *dev, const struct td_hardware *hw, struct td_error *err) TD_MUST_USE;
/* The recovery environment is there and enabled. */
bool td_disk_has_recovery(const struct td_device *dev);

/* A sign-in makes account and profile, and on a machine with a TPM begins to encrypt the disk; again, it does nothing.
 */
enum td_code td_disk_sign_in(struct td_device *dev, const char *user, struct td_error *err) TD_MUST_USE;

/* The account of a user with profile and documents is deleted; no such account: TD_OK. */
enum td_code td_disk_forget(struct td_device *dev, const char *user, struct td_error *err) TD_MUST_USE;

/* A person works at the PC: with account and profile there is (td_disk_sign_in), documents are written, an app is
 * installed, settings of profile and machine change, a file is left outside of the profile. Each holds the user's name,
 * so that a search for it finds what an action has left. Again, it adds nothing. */
enum td_code td_disk_use(struct td_device *dev, const char *user, struct td_error *err) TD_MUST_USE;

/* A provisioning package, as from a USB stick: name "office.ppkg". */
enum td_code td_disk_package(struct td_device *dev, const char *name, struct td_slice content, struct td_error *err)
    TD_MUST_USE;

/* --- what there is, and which part it belongs to -------------------------------------------------------------- */

enum td_disk_where { TD_DISK_STATE, TD_DISK_NODE, TD_DISK_FILE };

/* Bit (1 << part) for each part that a thing belongs to; it goes if one of them goes. 0: it never goes (the firmware's
 * and the maker's: hardware.json, ca.pem, "server", box.json, recovery). name: key, node or path below DIR. */
uint32_t td_disk_parts(enum td_disk_where where, const char *name);

struct td_disk_item {
    enum td_disk_where where;
    const char *name;
    const char *value; /* text, or SHA-256 of a file in hexadecimal digits */
    uint32_t parts;
};
struct td_disk_list {
    struct td_disk_item *v;
    size_t count;
};
/* Everything that the device knows, sorted by where and name; without the lock, the log and the journal of resets.
 * Secrets are told as their SHA-256. */
enum td_code td_disk_state(struct td_device *dev, struct td_arena *a, struct td_disk_list *ret, struct td_error *err)
    TD_MUST_USE;

/* Paths below DIR of all files, sorted; folders end with '/', behind what is in them. For reset.c and tests. */
enum td_code td_disk_files(const struct td_device *dev, struct td_arena *a, struct td_disk_list *ret,
                           struct td_error *err) TD_MUST_USE;

#endif
