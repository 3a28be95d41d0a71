/* Certificate requests and their answers (MS-WSTEP; mde2.md 4 and 7). */
#include "base/encode.h"
#include "base/fault.h"
#include "codec/wstep.h"

#include <string.h>

static const char TOKEN_TYPE[] =
    "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentToken";
static const char PROVISION_DOC[] =
    "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentProvisionDoc";
static const char PKCS10[] = TD_NS_ENROLMENT_PKI "#PKCS10";
static const char PKCS7[] = TD_NS_WSSE "#PKCS7"; /* another prefix than PKCS10: mde2.md 7 */

enum { MAX_CSR = 16 << 10, MAX_DOCUMENT = 256 << 10, CORRELATOR = 100, SHORT = 256, LONG = 1024, BLOB = 32 << 10 };

enum item_kind { ITEM_TEXT, ITEM_BOOL, ITEM_CORRELATOR };

/* AdditionalContext: what each item is called and how long it may be (mde2.md 4.2). */
static const struct item {
    const char *name;
    enum item_kind kind;
    size_t at; /* offset in struct td_enrol_context */
    size_t max;
} items[] = {
#define TEXT(name, member, max)                                         \
    {                                                                   \
        name, ITEM_TEXT, offsetof(struct td_enrol_context, member), max \
    }
#define BOOL(name, member)                                            \
    {                                                                 \
        name, ITEM_BOOL, offsetof(struct td_enrol_context, member), 8 \
    }
    BOOL("UXInitiated", ux_initiated),
    TEXT("HWDevID", hw_dev_id, SHORT),
    TEXT("ZeroTouchProvisioning", ztd_id, SHORT),
    {"OfflineAutoPilotEnrollmentCorrelator", ITEM_CORRELATOR, offsetof(struct td_enrol_context, offline_correlator),
     CORRELATOR},
    BOOL("NotInOobe", not_in_oobe),
    TEXT("Locale", locale, SHORT),
    BOOL("TargetedUserLoggedIn", user_logged_on),
    TEXT("EnrollmentData", enrollment_data, BLOB),
    TEXT("OSEdition", os_edition, SHORT),
    TEXT("DeviceName", device_name, SHORT),
    TEXT("IMEI", imei, SHORT),
    TEXT("DeviceID", device_id, SHORT),
    TEXT("EnrollmentType", enrollment_type, SHORT),
    TEXT("DeviceType", device_type, SHORT),
    TEXT("OSVersion", os_version, SHORT),
    TEXT("ApplicationVersion", application_version, SHORT),
    TEXT("DomainName", domain_name, SHORT),
    TEXT("ExternalMgmtAgentHint", mgmt_agent_hint, LONG),
    BOOL("BootstrapDomainJoin", bootstrap_domain_join),
    BOOL("BulkAADJ", bulk),
    BOOL("PlugandForget", plug_and_forget),
    BOOL("WhiteGlove", white_glove),
    BOOL("WhiteGloveHybridJoin", white_glove_hybrid),
    BOOL("AzVMIAMExtensionJoin", azure_vm),
    TEXT("RequestVersion", request_version, SHORT),
    TEXT("EmmDeviceId", emm_device_id, SHORT),
    TEXT("AIKAttestationClaim", aik_claim, BLOB),
    TEXT("AIKPub", aik_pub, BLOB),
    TEXT("AIKCert", aik_cert, BLOB),
    TEXT("AadAIKAttestationClaim", aad_aik_claim, BLOB),
    TEXT("AADPub", aad_pub, BLOB),
    TEXT("AzureAttestationBlob", azure_attestation, BLOB),
    TEXT("AttestationStatus", attestation_status, LONG),
#undef TEXT
#undef BOOL
};

static const char **text_at(const struct td_enrol_context *c, size_t at)
{
    return (const char **)(uintptr_t)((const char *)c + at);
}

static enum td_tri *bool_at(const struct td_enrol_context *c, size_t at)
{
    return (enum td_tri *)(uintptr_t)((const char *)c + at);
}

static enum td_code read_bool(const char *name, struct td_slice value, enum td_tri *ret, struct td_error *err)
{
    if (td_ieqs(value, "true") || td_eqs(value, "1"))
        *ret = TD_TRUE;
    else if (td_ieqs(value, "false") || td_eqs(value, "0"))
        *ret = TD_FALSE;
    else if (value.n != 0)
        return td_fail(err, TD_EINVAL, name, "not true or false");
    return TD_OK;
}

/* Letters, digits and single hyphens, none of them in front (mde2.md 4.2). Which profile it names is another question.
 */
static enum td_code check_correlator(const char *name, struct td_slice value, struct td_error *err)
{
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        bool sign = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool hyphen = c == '-' && i != 0 && value.p[i - 1] != '-';
        if (!sign && !hyphen)
            return td_fail(err, TD_EINVAL, name, "takes letters, digits and single hyphens");
    }
    return TD_OK;
}

static enum td_code read_mac(struct td_slice value, struct td_arena *a, struct td_enrol_context *c,
                             struct td_error *err)
{
    if (value.n > SHORT)
        return td_fail(err, TD_ELIMIT, "MAC", "longer than %d octets", SHORT);
    if (c->mac_count == TD_CONTEXT_MAX_MACS)
        return td_fail(err, TD_ELIMIT, "MAC", "more than %d addresses", TD_CONTEXT_MAX_MACS);
    c->macs[c->mac_count++] = td_arena_text(a, value);
    return TD_OK;
}

/* Unknown items are passed over: every Windows release brings new ones. */
static enum td_code read_item(struct td_slice name, struct td_slice value, struct td_arena *a,
                              struct td_enrol_context *c, struct td_error *err)
{
    if (td_ieqs(name, "MAC"))
        return read_mac(value, a, c, err);
    for (size_t i = 0; i < TD_COUNTOF(items); i++) {
        const struct item *item = &items[i];
        if (!td_ieqs(name, item->name))
            continue;
        if (value.n > item->max)
            return td_fail(err, TD_ELIMIT, item->name, "longer than %zu octets", item->max);
        if (item->kind == ITEM_BOOL)
            return read_bool(item->name, value, bool_at(c, item->at), err);
        if (item->kind == ITEM_CORRELATOR && !td_fault("enrol-any-correlator"))
            td_try(check_correlator(item->name, value, err));
        *text_at(c, item->at) = td_arena_text(a, value);
        return TD_OK;
    }
    return TD_OK;
}

static enum td_code read_context(const struct td_xml *rst, struct td_arena *a, struct td_enrol_context *c,
                                 struct td_error *err)
{
    *c = (struct td_enrol_context){0};
    for (size_t i = 0; i < TD_COUNTOF(items); i++) {
        if (items[i].kind != ITEM_BOOL)
            *text_at(c, items[i].at) = "";
    }
    const struct td_xml *context = td_xml_child(rst, TD_NS_CONTEXT, "AdditionalContext");
    const struct td_xml *node = td_xml_child(context, TD_NS_CONTEXT, "ContextItem");
    for (; node != NULL; node = td_xml_next(node, TD_NS_CONTEXT, "ContextItem")) {
        struct td_slice name = td_trim(td_str(td_xml_attr(node, "Name")));
        td_try(read_item(name, td_xml_text(td_xml_child(node, TD_NS_CONTEXT, "Value")), a, c, err));
    }
    return TD_OK;
}

static const struct {
    const char *uri;
    enum td_rst_kind kind;
} kinds[] = {
    {TD_NS_TRUST "/Issue", TD_RST_ISSUE},
    {TD_NS_TRUST "/Renew", TD_RST_RENEW},
    {TD_NS_TRUST "/Recovery", TD_RST_RECOVERY},
};

static enum td_code read_kind(const struct td_xml *rst, enum td_rst_kind *ret, struct td_error *err)
{
    struct td_slice type = td_xml_text(td_xml_child(rst, TD_NS_TRUST, "RequestType"));
    for (size_t i = 0; i < TD_COUNTOF(kinds); i++) {
        if (td_ieqs(type, kinds[i].uri)) {
            *ret = kinds[i].kind;
            return TD_OK;
        }
    }
    return td_fail(err, TD_EINVAL, "RequestType", "not Issue, Renew or Recovery");
}

/* The CMS of a manual renewal is base64 in base64 (mde2.md 7): what begins with DER's SEQUENCE is the real thing. */
static enum td_code decode_request(struct td_slice text, struct td_arena *a, struct td_slice *ret, struct td_error *err)
{
    struct td_slice once, twice;
    if (td_b64_decode(a, text, TD_B64_STD | TD_B64_SPACES | TD_B64_NOPAD, &once) != TD_OK)
        return td_fail(err, TD_EFORMAT, "BinarySecurityToken", "the certificate request is not base64");
    *ret = once;
    if (once.n != 0 && (unsigned char)once.p[0] != 0x30 &&
        td_b64_decode(a, once, TD_B64_STD | TD_B64_SPACES | TD_B64_NOPAD, &twice) == TD_OK)
        *ret = twice;
    if (ret->n == 0)
        return td_fail(err, TD_EFORMAT, "BinarySecurityToken", "the certificate request is empty");
    if (ret->n > MAX_CSR)
        return td_fail(err, TD_ELIMIT, "BinarySecurityToken", "the certificate request is longer than %d octets",
                       MAX_CSR);
    return TD_OK;
}

enum td_code td_rst_read(const struct td_soap *soap, struct td_arena *a, struct td_rst *ret, struct td_error *err)
{
    *ret = (struct td_rst){0};
    const struct td_xml *rst = soap->body;
    if (!td_xml_is(rst, TD_NS_TRUST, "RequestSecurityToken"))
        return td_fail(err, TD_EFORMAT, "Body", "the body holds no RequestSecurityToken");
    td_try(read_kind(rst, &ret->kind, err));
    td_try(read_context(rst, a, &ret->context, err));
    const struct td_xml *token = td_xml_child(rst, TD_NS_WSSE, "BinarySecurityToken");
    if (token == NULL)
        return td_fail(err, TD_EFORMAT, "BinarySecurityToken", "the certificate request is missing");
    ret->cms = td_ends(td_trim(td_str(td_xml_attr(token, "ValueType"))), "#PKCS7");
    return decode_request(td_xml_text(token), a, &ret->csr, err);
}

static void write_item(struct td_xmlw *w, const char *name, const char *value)
{
    td_xmlw_open(w, "ac:ContextItem");
    td_xmlw_attr(w, "Name", name);
    td_xmlw_leaf(w, "ac:Value", value);
    td_xmlw_close(w);
}

static void write_context(struct td_xmlw *w, const struct td_enrol_context *c)
{
    td_xmlw_open(w, "ac:AdditionalContext");
    td_xmlw_attr(w, "xmlns:ac", TD_NS_CONTEXT);
    for (size_t i = 0; i < TD_COUNTOF(items); i++) {
        const struct item *item = &items[i];
        if (item->kind == ITEM_BOOL && *bool_at(c, item->at) != TD_UNSET)
            write_item(w, item->name, *bool_at(c, item->at) == TD_TRUE ? "true" : "false");
        const char *text = item->kind != ITEM_BOOL ? *text_at(c, item->at) : NULL;
        if (text != NULL && text[0] != '\0')
            write_item(w, item->name, text);
    }
    for (size_t i = 0; i < c->mac_count; i++)
        write_item(w, "MAC", c->macs[i]);
    td_xmlw_close(w);
}

enum td_code td_rst_write(const struct td_soap *head, const struct td_rst *r, struct td_buf *out, struct td_error *err)
{
    struct td_xmlw w;
    td_xmlw_init(&w, out);
    td_soap_begin(&w, head);
    td_xmlw_open(&w, "wst:RequestSecurityToken");
    td_xmlw_attr(&w, "xmlns:wst", TD_NS_TRUST);
    td_xmlw_leaf(&w, "wst:TokenType", TOKEN_TYPE);
    td_xmlw_leaf(&w, "wst:RequestType", kinds[r->kind].uri);
    td_xmlw_open(&w, "wsse:BinarySecurityToken");
    td_xmlw_attr(&w, "ValueType", r->cms ? PKCS7 : PKCS10);
    td_xmlw_attr(&w, "EncodingType", TD_WSSE_BASE64);
    td_xmlw_attr(&w, "xmlns:wsse", TD_NS_WSSE);
    td_soap_base64(&w, r->csr);
    td_xmlw_close(&w);
    write_context(&w, &r->context);
    td_xmlw_close(&w);
    return td_soap_end(&w, err);
}

/* Clients take the first BinarySecurityToken of the whole answer: so does this reader below the body. */
enum td_code td_rstrc_read(const struct td_soap *soap, struct td_arena *a, struct td_rstrc *ret, struct td_error *err)
{
    *ret = (struct td_rstrc){0};
    if (!td_xml_is(soap->body, TD_NS_TRUST, "RequestSecurityTokenResponseCollection"))
        return td_fail(err, TD_EFORMAT, "Body", "the body holds no RequestSecurityTokenResponseCollection");
    const struct td_xml *token =
        td_xml_path(soap->body, "RequestSecurityTokenResponse/RequestedSecurityToken/BinarySecurityToken");
    if (!td_xml_is(token, TD_NS_WSSE, "BinarySecurityToken"))
        return td_fail(err, TD_EFORMAT, "RequestedSecurityToken", "there is no BinarySecurityToken");
    if (!td_eqs(td_trim(td_str(td_xml_attr(token, "ValueType"))), PROVISION_DOC))
        return td_fail(err, TD_EFORMAT, "BinarySecurityToken", "it holds no provisioning document");
    if (td_b64_decode(a, td_xml_text(token), TD_B64_STD | TD_B64_SPACES, &ret->document) != TD_OK)
        return td_fail(err, TD_EFORMAT, "BinarySecurityToken", "the provisioning document is not base64");
    if (ret->document.n > MAX_DOCUMENT)
        return td_fail(err, TD_ELIMIT, "BinarySecurityToken", "the provisioning document is too long");
    return TD_OK;
}

enum td_code td_rstrc_write(const struct td_soap *head, const struct td_rstrc *r, struct td_buf *out,
                            struct td_error *err)
{
    struct td_xmlw w;
    td_xmlw_init(&w, out);
    td_soap_begin(&w, head);
    td_xmlw_open(&w, "RequestSecurityTokenResponseCollection");
    td_xmlw_attr(&w, "xmlns", TD_NS_TRUST);
    td_xmlw_open(&w, "RequestSecurityTokenResponse");
    td_xmlw_leaf(&w, "TokenType", TOKEN_TYPE);
    td_xmlw_open(&w, "DispositionMessage");
    td_xmlw_attr(&w, "xmlns", TD_NS_ENROLMENT_PKI);
    td_xmlw_close(&w);
    td_xmlw_open(&w, "RequestedSecurityToken");
    td_xmlw_open(&w, "BinarySecurityToken");
    td_xmlw_attr(&w, "ValueType", PROVISION_DOC);
    td_xmlw_attr(&w, "EncodingType", TD_WSSE_BASE64);
    td_xmlw_attr(&w, "xmlns", TD_NS_WSSE);
    td_soap_base64(&w, r->document);
    td_xmlw_close(&w);
    td_xmlw_close(&w);
    td_xmlw_open(&w, "RequestID");
    td_xmlw_attr(&w, "xmlns", TD_NS_ENROLMENT_PKI);
    td_xmlw_text(&w, TD_S("0"));
    td_xmlw_close(&w);
    td_xmlw_close(&w);
    td_xmlw_close(&w);
    return td_soap_end(&w, err);
}

bool td_context_placeholder(const char *value)
{
    struct td_slice s = td_trim(td_str(value));
    if (s.n == 0 || td_ieqs(s, "None") || td_ieqs(s, "null"))
        return true;
    char first = '\0';
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '-' || s.p[i] == ':')
            continue;
        if (first == '\0')
            first = s.p[i];
        else if (s.p[i] != first)
            return false;
    }
    return true;
}
