/* Resets, wipes and retirement as the machine carries them out: by way/remains.h alone, journaled, resumed after a
 * power cut at every step. Sources: autopilot.md 3.6 to 3.8, csp.md 10; the rules: docs/tasks/virtual-device.md.
 *
 * The journal DIR/reset.json is replaced before each step:
 *   scheduled (10) -> waiting for the restart (20) -> restarted -> prepared -> committed -> done (1)
 * Up to `prepared` nothing of the device has changed; new contents lie in DIR/reset. `committed` is one atomic write:
 * behind it every kind goes forward, however often the power fails, and the device is what the matrix says. A cut
 * between `restarted` and `committed`: plain wipes and fresh starts roll back and say so in the next session; an
 * Autopilot Reset and a protected wipe begin again. At no time is the state half.
 *
 * A device that is back in its box (enrolment removed) keeps no journal. One that kept its enrolment keeps the result,
 * and the news until they are told. All functions work on the folder; they reload dev->state where it changed. No tree
 * of nodes (td_csp) may be open meanwhile. */
#ifndef TD_DEVICE_RESET_H
#define TD_DEVICE_RESET_H

#include "device/device.h"
#include "way/remains.h"

enum { TD_RESET_E_NORECOVERY = 0x80070032, TD_RESET_E_POWER = 0x800710DF, TD_RESET_E_CUT = 0x800704C7 };

/* Asked for: writes the journal, status 10. node: LocURI that was executed, "" for none. Refused with TD_ESTATE:
 * TD_RESET_E_NORECOVERY where the recovery environment is missing (status 30), TD_RESET_E_POWER on battery (status 40);
 * TD_EEXISTS while another one is open (asked again for the same kind it is TD_OK: the message came twice). */
enum td_code td_reset_schedule(struct td_device *dev, enum td_action_kind kind, const char *node, struct td_error *err)
    TD_MUST_USE;
/* The session is over, the machine waits for its restart: 10 becomes 20. Nothing scheduled: nothing done. */
enum td_code td_reset_await(struct td_device *dev, struct td_error *err) TD_MUST_USE;
/* Something is scheduled or under way. */
bool td_reset_pending(const struct td_device *dev, enum td_action_kind *ret_kind);

/* The restart, and everything behind it to the end; with nothing pending it does nothing. Called before anything else
 * at the start of every command that acts on the folder, and where the machine restarts. After a failure before
 * `committed` the device is as it was and the result says why (status 50, or rolled back): TD_OK. An error means the
 * disk can't be written: call again. ret_did tells whether an action ended now. */
enum td_code td_reset_carry_on(struct td_device *dev, bool *ret_did, struct td_error *err) TD_MUST_USE;

/* schedule and carry on in one, for what needs no restart or is done by hand: TD_ACTION_RETIRE, TD_ACTION_REINSTALL. */
enum td_code td_reset_now(struct td_device *dev, enum td_action_kind kind, struct td_error *err) TD_MUST_USE;

/* AutomaticRedeployment/Status and /LastError: of the last Autopilot Reset, 0 and 0 if there never was one. */
void td_reset_status(const struct td_device *dev, int64_t *ret_status, uint32_t *ret_last_error);

/* What the next session has to say. */
enum td_reset_what {
    TD_RESET_NOTHING,
    TD_RESET_CAME_BACK,  /* set up anew with the enrolment kept: Alert 1224 com.microsoft/MDM/BootstrapSync */
    TD_RESET_ROLLED_BACK /* did not happen: Alert 1226 org.touchdown:mdm.wipe.rolledback (device-alerts.md) */
};
struct td_reset_news {
    enum td_reset_what what;
    enum td_action_kind kind;
    const char *node; /* "" if it was not executed by a node */
    uint32_t hresult; /* why it was rolled back */
};
struct td_reset_news td_reset_news(const struct td_device *dev, struct td_arena *a);
/* The service has taken them (its Status for the message came): not said again. */
enum td_code td_reset_told(struct td_device *dev, struct td_error *err) TD_MUST_USE;

/* --- at the lock screen (autopilot.md 3.6) --------------------------------------------------------------------- */

/* May the keys be pressed at all? TD_EDENIED with the policy's name while it is off (its default), TD_ESTATE
 * with TD_RESET_E_NORECOVERY. */
enum td_code td_reset_local_may(struct td_device *dev, struct td_error *err) TD_MUST_USE;
/* A local administrator signs in and the reset is scheduled. TD_EDENIED: no administrator of this PC, whatever the
 * password. Passwords of accounts that management made are checked here; for others (the managed local administrator,
 * users of the directory) check is asked, NULL: they are refused. TD_EAUTH: wrong. */
struct td_reset_credentials {
    const char *user, *password;
    enum td_code (*check)(void *ctx, const char *user, const char *password, struct td_error *err);
    void *ctx;
    /* What must lie on the disk before anything is scheduled (a package), once it is known who asks. NULL: nothing. */
    enum td_code (*agreed)(void *ctx, struct td_error *err);
};
enum td_code td_reset_local(struct td_device *dev, const struct td_reset_credentials *who, struct td_error *err)
    TD_MUST_USE;

#endif
