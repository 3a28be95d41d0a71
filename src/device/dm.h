/* Management client: OMA-DM sessions and the status page, on the enrolment that flow/ made.
 *
 * The enrolment leaves in the device's state: enrol.provider, enrol.addr, enrol.device_id (SyncHdr source), enrol.user
 * (upn, empty for device-only), and the files mdm.crt.pem, mdm.key.pem in the state folder; the provisioning document's
 * DMClient, APPLICATION and WSTEP parts are nodes of the CSP tree by then (td_csp_apply_wap). Also read, where set:
 * join.device_id (AADDeviceID), profile.oobe (bit 2: enrol.user is a standard user, else an administrator),
 * chosen.language, profile.language; DevInfo and DevDetail are told from td_hardware_of.
 * The tree and all that follows from it rest in DIR/csp.json, replaced atomically after every message; downloads in
 * DIR/downloads. Unenrolment by the server removes the nodes, mdm.crt.pem and mdm.key.pem and sets enrol.ended. */
#ifndef TD_DEVICE_DM_H
#define TD_DEVICE_DM_H

#include "codec/xml.h"
#include "device/device.h"

/* Why a session starts (UserAgentOrigin of oma-dm.md 1). */
enum td_dm_reason { TD_DM_USER = 1, TD_DM_SCHEDULE = 2, TD_DM_LOGIN = 4, TD_DM_ENROLMENT = 5 };

/* The nodes that a wap-provisioningdoc installs outside the certificate stores: writes them into the CSP tree. */
enum td_code td_csp_apply_wap(struct td_device *dev, const struct td_xml *wap, struct td_error *err) TD_MUST_USE;

/* One whole session. user_active: a directory user is logged on (LoginStatus user), so ./User nodes work. */
enum td_code td_dm_session(struct td_device *dev, enum td_dm_reason reason, bool user_active, struct td_error *err)
    TD_MUST_USE;

/* Runs sessions until the phase of the status page ends: polls as Poll says, prints phase, rows and counts, applies
 * time-out and buttons. A failure carries code, item, cause and remedy in err. Killed and called again, it goes on. */
enum td_dm_phase { TD_DM_DEVICE_SETUP, TD_DM_ACCOUNT_SETUP };
enum td_code td_dm_status_page(struct td_device *dev, enum td_dm_phase phase, struct td_error *err) TD_MUST_USE;

/* TD_OK if the tree can be read, or is not there yet: asked before anything else is done with the folder. */
enum td_code td_device_tree_check(struct td_device *dev, struct td_error *err) TD_MUST_USE;

/* Reads an effect of the tree for the rest of the device and for `show`: computer name, edition, trusted roots, Wi-Fi
 * profiles, accounts and groups, installed apps. name is one of the words of the table in csp/effects.c. NULL if unset.
 */
const char *td_device_effect(struct td_device *dev, const char *name, struct td_arena *a);

#endif
