/* Who the device is in a handshake: a certificate of its state folder with its key, which lies in a file beside it or
 * in the TPM (device/tpm.h). Two there are: "device", of the join, and "mdm", of the enrolment. */
#ifndef TD_DEVICE_IDENTITY_H
#define TD_DEVICE_IDENTITY_H

#include "base/buf.h"
#include "crypto/key.h"
#include "device/device.h"

struct td_identity { /* outlives the client that shows it */
    struct td_buf cert, key;
    struct td_device *dev; /* whose TPM it is */
    struct td_key *in_tpm; /* NULL: in the file */
};
void td_identity_init(struct td_identity *id);
void td_identity_done(struct td_identity *id); /* wipes; fit for TD_CLEANUP */

/* Reads it and fills what config needs of it. TD_ENOTFOUND: certificate or key are not there. */
enum td_code td_identity_show(struct td_device *dev, const char *name, struct td_identity *id,
                              struct td_net_config *config, struct td_error *err) TD_MUST_USE;

#endif
