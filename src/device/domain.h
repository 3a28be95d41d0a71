/* The device's place in an Active Directory: takes the blob, keeps the machine's secret as a keytab, proves the join,
 * checks who signs in, registers with the directory. State keys begin with "domain.". Files in the state folder:
 * machine.keytab, odj.txt (djoin's form), machine.ccache, domain.key.pem and domain.crt.pem (the certificate that the
 * machine writes to its own account); all mode 0600. The machine's password rests in the first two alone. Source:
 * domain-join-and-tpm.md 1.6 to 1.8; join-and-tokens.md 3.2; csp.md 12. */
#ifndef TD_DEVICE_DOMAIN_H
#define TD_DEVICE_DOMAIN_H

#include "device/flow.h"

/* What the blob said, kept once it is taken: domain.name, .netbios, .forest, .realm, .machine, .sid (of the machine),
 * .dc, .address ("" unknown), .blob (SHA-256), .at; and which controller answered last: .reached, .reached_kdc. */

/* In the state: the HRESULT of what keeps the machine from its domain, until a session has told the service. */
#define TD_DOMAIN_TROUBLE "domain.trouble"

/* Exec ./Vendor/MSFT/OfflineDomainJoin/Blob. The same blob again is fine and changes nothing; another one while joined
 * is TD_ESTATE (Already); what can't be read is TD_EFORMAT (BadBlob): nothing of it is kept. */
enum td_code td_domain_apply(struct td_device *dev, struct td_slice blob, struct td_error *err) TD_MUST_USE;
bool td_domain_joined(const struct td_device *dev);
/* Roots that the blob brought, PEM: trusted as those that management brings (DIR/domain.roots.pem). NULL: none. */
const char *td_domain_roots(const struct td_device *dev, struct td_arena *a);
/* Steps of the way (flow.c's table of a hybrid device). */
enum td_code td_flow_domain_wait(struct td_flow *f, struct td_error *err)
    TD_MUST_USE; /* OdjSync until the blob is there, restart */
enum td_code td_flow_domain_reach(struct td_flow *f, struct td_error *err)
    TD_MUST_USE; /* a DC answers, or the profile skips it */
enum td_code td_flow_domain_register(struct td_flow *f, struct td_error *err)
    TD_MUST_USE; /* PUT /EnrollmentServer/device/GUID */
/* The user's primary refresh token by the password of the lock screen: a connector checks it for the service. */
enum td_code td_flow_domain_token(struct td_flow *f, struct td_error *err) TD_MUST_USE;
/* The domain checks the password at the lock screen. err has reason, code and remedy (way/domain_join.h): TD_EAUTH
 * wrong, TD_EDENIED right or wrong but not now, TD_EUNAVAILABLE no domain controller. */
enum td_code td_domain_sign_in(struct td_flow *f, const char *user, const char *password, struct td_error *err)
    TD_MUST_USE;
/* The profile asks for a hybrid join, or the device is in a domain: TD_FLOW_HYBRID unless a technician has it. */
bool td_domain_wanted(const struct td_device *dev);
/* Principal of a user as the domain takes it: "ada@corp.test" for "ada" and "CORP\\ada". */
const char *td_domain_user(const struct td_device *dev, const char *typed, struct td_arena *a);
/* Ticket of the machine into DIR/machine.ccache; *ret is its name for other parts ("FILE:..."). */
enum td_code td_domain_ticket(struct td_device *dev, struct td_arena *a, const char **ret, struct td_error *err)
    TD_MUST_USE;
/* GPOs that apply to this computer, in the order in which they do; docs/tasks/hybrid.md. Says each by td_device_say,
 * and keeps them in the state ("domain.gpos"). */
enum td_code td_domain_policies(struct td_device *dev, struct td_error *err) TD_MUST_USE;

/* Dials the VPN profiles that management brought, by the program of the command line (--vpn HOOK: HOOK NAME SERVER, 0
 * once the way is open, 60 seconds at most): device tunnels first, then what is always on, then what a person would
 * pick, until one is connected. Says each result; the state keeps "vpn.connected" and "vpn.server". TD_OK also where
 * there is no profile or none could be dialled: as at a real sign-in screen, it is the domain's sign-in that then
 * fails. */
enum td_code td_vpn_dial(struct td_device *dev, struct td_error *err) TD_MUST_USE;

#endif
