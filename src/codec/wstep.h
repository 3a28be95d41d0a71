/* The three SOAP services of Windows enrolment: discovery (MS-MDE2), policy (MS-XCEP), certificate (MS-WSTEP); mde2.md
 * 1 to 4, 7.
 *
 * Each message has a struct, a reader and a writer; service and virtual device use the same ones. Readers take a parsed
 * envelope (codec/soap.h), so that the header's credential is at hand. What a member is called on the wire stands
 * beside it; texts are "" when absent. Bounds: TD_SOAP_MAX octets, 16 KiB of certificate request, 1024 octets of a
 * text. Pure. */
#ifndef TD_CODEC_WSTEP_H
#define TD_CODEC_WSTEP_H

#include "codec/soap.h"

#define TD_NS_DISCOVERY "http://schemas.microsoft.com/windows/management/2012/01/enrollment"
#define TD_NS_POLICY "http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy"
#define TD_NS_TRUST "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
#define TD_NS_CONTEXT "http://schemas.xmlsoap.org/ws/2006/12/authorization"

#define TD_ACTION_DISCOVER TD_NS_DISCOVERY "/IDiscoveryService/Discover"
#define TD_ACTION_DISCOVER_RESPONSE TD_NS_DISCOVERY "/IDiscoveryService/DiscoverResponse"
#define TD_ACTION_POLICIES TD_NS_POLICY "/IPolicy/GetPolicies"
#define TD_ACTION_POLICIES_RESPONSE TD_NS_POLICY "/IPolicy/GetPoliciesResponse"
#define TD_ACTION_RST TD_NS_ENROLMENT_PKI "/RST/wstep"
#define TD_ACTION_RSTRC TD_NS_ENROLMENT_PKI "/RSTRC/wstep"

/* Protocol versions are tenths: 50 is "5.0". */
enum { TD_MDE_MIN = 10, TD_MDE_MAX = 70 };

enum { TD_AUTH_ON_PREMISE = 1, TD_AUTH_FEDERATED = 2, TD_AUTH_CERTIFICATE = 4 };

struct td_discover {
    const char *email;               /* EmailAddress, may be "" */
    int version;                     /* RequestVersion */
    const char *device_type;         /* DeviceType */
    const char *application_version; /* ApplicationVersion */
    int64_t os_edition;              /* OSEdition, PRODUCT_* */
    unsigned auth;                   /* AuthPolicies: TD_AUTH_ flags */
};

struct td_discovered {
    unsigned auth;          /* AuthPolicy: exactly one flag */
    int version;            /* EnrollmentVersion; 0: not told */
    const char *policy_url; /* EnrollmentPolicyServiceUrl */
    const char *enrolment_url;
    const char *auth_url; /* AuthenticationServiceUrl */
};

enum td_code td_discover_read(const struct td_soap *soap, struct td_arena *a, struct td_discover *ret,
                              struct td_error *err) TD_MUST_USE;
enum td_code td_discover_write(const struct td_soap *head, const struct td_discover *d, struct td_buf *out,
                               struct td_error *err) TD_MUST_USE;
enum td_code td_discovered_read(const struct td_soap *soap, struct td_arena *a, struct td_discovered *ret,
                                struct td_error *err) TD_MUST_USE;
enum td_code td_discovered_write(const struct td_soap *head, const struct td_discovered *d, struct td_buf *out,
                                 struct td_error *err) TD_MUST_USE;

struct td_policies_request {
    const char *tpm_manufacturer, *tpm_firmware; /* version 5 and later */
};

enum { TD_POLICY_MAX_PROVIDERS = 8 };

struct td_policies {
    const char *name;                               /* commonName */
    int64_t validity, renewal;                      /* seconds */
    int key_bits;                                   /* minimalKeyLength */
    const char *hash_oid;                           /* dotted, "" if none is said */
    const char *providers[TD_POLICY_MAX_PROVIDERS]; /* cryptoProviders in order of wish */
    size_t provider_count;
    const char *attestation_failure; /* AttestationFailureBehavior; "" below version 5 */
    int operation_timeout;           /* seconds; 0 below version 5 */
};

enum td_code td_policies_request_read(const struct td_soap *soap, struct td_arena *a, struct td_policies_request *ret,
                                      struct td_error *err) TD_MUST_USE;
enum td_code td_policies_request_write(const struct td_soap *head, const struct td_policies_request *p,
                                       struct td_buf *out, struct td_error *err) TD_MUST_USE;
enum td_code td_policies_read(const struct td_soap *soap, struct td_arena *a, struct td_policies *ret,
                              struct td_error *err) TD_MUST_USE;
enum td_code td_policies_write(const struct td_soap *head, const struct td_policies *p, struct td_buf *out,
                               struct td_error *err) TD_MUST_USE;

enum td_rst_kind { TD_RST_ISSUE, TD_RST_RENEW, TD_RST_RECOVERY };

enum td_tri { TD_UNSET, TD_FALSE, TD_TRUE }; /* a boolean that may be missing */

enum { TD_CONTEXT_MAX_MACS = 16 };

/* AdditionalContext (mde2.md 4.2): claims of a client, proven by nothing. The table in wstep.c names each member's
 * item. */
struct td_enrol_context {
    const char *os_edition, *os_version, *application_version, *device_name, *enrollment_type, *device_type;
    const char *device_id; /* the device's own name for itself; no identity is taken from it */
    const char *enrollment_data, *locale, *hw_dev_id, *mgmt_agent_hint, *domain_name;
    const char *ztd_id; /* ZeroTouchProvisioning: registration id */
    const char *offline_correlator;
    const char *request_version, *emm_device_id;
    const char *aik_claim, *aik_pub, *aik_cert, *aad_aik_claim, *aad_pub, *azure_attestation;
    const char *attestation_status;
    enum td_tri user_logged_on, ux_initiated, bootstrap_domain_join, bulk, plug_and_forget, white_glove,
        white_glove_hybrid, not_in_oobe, azure_vm;
    const char *macs[TD_CONTEXT_MAX_MACS];
    size_t mac_count;
    const char *imei;
};

struct td_rst { /* RequestSecurityToken */
    enum td_rst_kind kind;
    struct td_slice csr; /* Issue: DER of the PKCS#10; Renew and Recovery: DER of the CMS SignedData */
    bool cms;            /* the body token said #PKCS7 */
    struct td_enrol_context context;
};

struct td_rstrc {             /* RequestSecurityTokenResponseCollection */
    struct td_slice document; /* UTF-8 of the wap-provisioningdoc */
};

enum td_code td_rst_read(const struct td_soap *soap, struct td_arena *a, struct td_rst *ret, struct td_error *err)
    TD_MUST_USE;
enum td_code td_rst_write(const struct td_soap *head, const struct td_rst *r, struct td_buf *out, struct td_error *err)
    TD_MUST_USE;
enum td_code td_rstrc_read(const struct td_soap *soap, struct td_arena *a, struct td_rstrc *ret, struct td_error *err)
    TD_MUST_USE;
enum td_code td_rstrc_write(const struct td_soap *head, const struct td_rstrc *r, struct td_buf *out,
                            struct td_error *err) TD_MUST_USE;

/* True for values that many devices share and that identify none: no text, "None", one digit repeated (mde2.md 4.2). */
bool td_context_placeholder(const char *value);

#endif
