/* Discovery (MS-MDE2) and policy (MS-XCEP); certificate requests are in wstep_rst.c. */
#include "codec/wstep.h"

#include <string.h>

enum { MAX_TEXT = 1024 };

static enum td_code read_text(const struct td_xml *node, const char *path, struct td_arena *a, const char **ret,
                              struct td_error *err)
{
    struct td_slice text = td_xml_text_at(node, path);
    if (text.n > MAX_TEXT)
        return td_fail(err, TD_ELIMIT, path, "the text is longer than %d octets", MAX_TEXT);
    *ret = td_arena_text(a, text);
    return TD_OK;
}

static enum td_code read_number(const struct td_xml *node, const char *path, int64_t max, int64_t *ret,
                                struct td_error *err)
{
    struct td_slice text = td_xml_text_at(node, path);
    uint64_t n = 0;
    if (text.n != 0 && (!td_parse_u64(text, &n) || n > (uint64_t)max))
        return td_fail(err, TD_EINVAL, path, "not a number from 0 to %lld", (long long)max);
    *ret = (int64_t)n;
    return TD_OK;
}

/* "5.0" -> 50; "" -> 0. */
static enum td_code read_version(const struct td_xml *node, const char *path, int *ret, struct td_error *err)
{
    struct td_slice whole, text = td_xml_text_at(node, path), part = td_cut(text, '.', &whole);
    uint64_t major = 0, minor = 0;
    *ret = 0;
    if (text.n == 0)
        return TD_OK;
    if (!td_parse_u64(whole, &major) || major > 99 || (part.n != 0 && (!td_parse_u64(part, &minor) || minor > 9)))
        return td_fail(err, TD_EINVAL, path, "not a protocol version such as 5.0");
    *ret = (int)(major * 10 + minor);
    return TD_OK;
}

static void write_version(struct td_xmlw *w, const char *name, int version)
{
    struct td_buf b;
    td_buf_init(&b, 32);
    td_buf_printf(&b, "%d.%d", version / 10, version % 10);
    td_xmlw_leaf_s(w, name, td_buf_slice(&b));
    td_buf_done(&b);
}

static void write_number(struct td_xmlw *w, const char *name, int64_t n)
{
    struct td_buf b;
    td_buf_init(&b, 32);
    td_buf_printf(&b, "%lld", (long long)n);
    td_xmlw_leaf_s(w, name, td_buf_slice(&b));
    td_buf_done(&b);
}

static void write_if(struct td_xmlw *w, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        td_xmlw_leaf(w, name, text);
}

/* Some senders put a '/' behind the namespace of discovery (mde2.md 1.2). */
static bool is_message(const struct td_xml *body, const char *ns, const char *name)
{
    if (!td_xml_is(body, NULL, name))
        return false;
    size_t n = strlen(ns);
    return strncmp(body->ns, ns, n) == 0 && (body->ns[n] == '\0' || strcmp(body->ns + n, "/") == 0);
}

static enum td_code want_message(const struct td_soap *soap, const char *ns, const char *name, struct td_error *err)
{
    if (is_message(soap->body, ns, name))
        return TD_OK;
    return td_fail(err, TD_EFORMAT, "Body", "the body holds no %s", name);
}

static const struct {
    const char *name;
    unsigned flag;
} auth_names[] = {
    {"OnPremise", TD_AUTH_ON_PREMISE}, {"Federated", TD_AUTH_FEDERATED}, {"Certificate", TD_AUTH_CERTIFICATE}};

static unsigned auth_flag(struct td_slice name)
{
    for (size_t i = 0; i < TD_COUNTOF(auth_names); i++) {
        if (td_ieqs(name, auth_names[i].name))
            return auth_names[i].flag;
    }
    return 0;
}

static void write_auth(struct td_xmlw *w, unsigned flags)
{
    for (size_t i = 0; i < TD_COUNTOF(auth_names); i++) {
        if ((flags & auth_names[i].flag) != 0)
            td_xmlw_leaf(w, "AuthPolicy", auth_names[i].name);
    }
}

enum td_code td_discover_read(const struct td_soap *soap, struct td_arena *a, struct td_discover *ret,
                              struct td_error *err)
{
    *ret = (struct td_discover){0};
    td_try(want_message(soap, TD_NS_DISCOVERY, "Discover", err));
    const struct td_xml *request = td_xml_child(soap->body, NULL, "request");
    if (request == NULL)
        return td_fail(err, TD_EFORMAT, "Discover", "there is no request element");
    td_try(read_text(request, "EmailAddress", a, &ret->email, err));
    td_try(read_version(request, "RequestVersion", &ret->version, err));
    td_try(read_text(request, "DeviceType", a, &ret->device_type, err));
    td_try(read_text(request, "ApplicationVersion", a, &ret->application_version, err));
    td_try(read_number(request, "OSEdition", UINT32_MAX, &ret->os_edition, err));
    if (ret->version == 0)
        return td_fail(err, TD_EINVAL, "RequestVersion", "the protocol version is missing");
    const struct td_xml *policies = td_xml_child(request, NULL, "AuthPolicies");
    const struct td_xml *p = td_xml_child(policies, NULL, "AuthPolicy");
    for (; p != NULL; p = td_xml_next(p, NULL, "AuthPolicy"))
        ret->auth |= auth_flag(td_xml_text(p));
    return TD_OK;
}

enum td_code td_discover_write(const struct td_soap *head, const struct td_discover *d, struct td_buf *out,
                               struct td_error *err)
{
    struct td_xmlw w;
    td_xmlw_init(&w, out);
    td_soap_begin(&w, head);
    td_xmlw_open(&w, "Discover");
    td_xmlw_attr(&w, "xmlns", TD_NS_DISCOVERY);
    td_xmlw_open(&w, "request");
    td_xmlw_leaf(&w, "EmailAddress", d->email);
    write_version(&w, "RequestVersion", d->version);
    td_xmlw_leaf(&w, "DeviceType", d->device_type);
    td_xmlw_leaf(&w, "ApplicationVersion", d->application_version);
    write_number(&w, "OSEdition", d->os_edition);
    td_xmlw_open(&w, "AuthPolicies");
    write_auth(&w, d->auth);
    td_xmlw_close(&w);
    td_xmlw_close(&w);
    td_xmlw_close(&w);
    return td_soap_end(&w, err);
}

static enum td_code want_https(const char *url, const char *where, struct td_error *err)
{
    if (url[0] == '\0' || td_istarts(td_str(url), "https://"))
        return TD_OK;
    return td_fail(err, TD_EINVAL, where, "not an https address");
}

enum td_code td_discovered_read(const struct td_soap *soap, struct td_arena *a, struct td_discovered *ret,
                                struct td_error *err)
{
    *ret = (struct td_discovered){0};
    td_try(want_message(soap, TD_NS_DISCOVERY, "DiscoverResponse", err));
    const struct td_xml *result = td_xml_child(soap->body, NULL, "DiscoverResult");
    ret->auth = auth_flag(td_xml_text_at(result, "AuthPolicy"));
    td_try(read_version(result, "EnrollmentVersion", &ret->version, err));
    td_try(read_text(result, "EnrollmentPolicyServiceUrl", a, &ret->policy_url, err));
    td_try(read_text(result, "EnrollmentServiceUrl", a, &ret->enrolment_url, err));
    td_try(read_text(result, "AuthenticationServiceUrl", a, &ret->auth_url, err));
    if (ret->auth == 0)
        return td_fail(err, TD_EFORMAT, "AuthPolicy", "missing or unknown");
    if (ret->enrolment_url[0] == '\0')
        return td_fail(err, TD_EFORMAT, "EnrollmentServiceUrl", "missing");
    td_try(want_https(ret->policy_url, "EnrollmentPolicyServiceUrl", err));
    td_try(want_https(ret->enrolment_url, "EnrollmentServiceUrl", err));
    return want_https(ret->auth_url, "AuthenticationServiceUrl", err);
}

enum td_code td_discovered_write(const struct td_soap *head, const struct td_discovered *d, struct td_buf *out,
                                 struct td_error *err)
{
    struct td_xmlw w;
    td_xmlw_init(&w, out);
    td_soap_begin(&w, head);
    td_xmlw_open(&w, "DiscoverResponse");
    td_xmlw_attr(&w, "xmlns", TD_NS_DISCOVERY);
    td_xmlw_open(&w, "DiscoverResult");
    write_auth(&w, d->auth);
    if (d->version != 0)
        write_version(&w, "EnrollmentVersion", d->version);
    write_if(&w, "EnrollmentPolicyServiceUrl", d->policy_url);
    write_if(&w, "EnrollmentServiceUrl", d->enrolment_url);
    write_if(&w, "AuthenticationServiceUrl", d->auth_url);
    td_xmlw_close(&w);
    td_xmlw_close(&w);
    return td_soap_end(&w, err);
}

static void write_nil(struct td_xmlw *w, const char *name)
{
    td_xmlw_open(w, name);
    td_xmlw_attr(w, "xsi:nil", "true");
    td_xmlw_close(w);
}

static void write_nils(struct td_xmlw *w, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        write_nil(w, names[i]);
}

enum td_code td_policies_request_read(const struct td_soap *soap, struct td_arena *a, struct td_policies_request *ret,
                                      struct td_error *err)
{
    *ret = (struct td_policies_request){0};
    td_try(want_message(soap, TD_NS_POLICY, "GetPolicies", err));
    td_try(read_text(soap->body, "client/TPMManufacturer", a, &ret->tpm_manufacturer, err));
    return read_text(soap->body, "client/TPMFirmwareVersion", a, &ret->tpm_firmware, err);
}

enum td_code td_policies_request_write(const struct td_soap *head, const struct td_policies_request *p,
                                       struct td_buf *out, struct td_error *err)
{
    struct td_xmlw w;
    td_xmlw_init(&w, out);
    td_soap_begin(&w, head);
    td_xmlw_open(&w, "GetPolicies");
    td_xmlw_attr(&w, "xmlns", TD_NS_POLICY);
    td_xmlw_open(&w, "client");
    write_nil(&w, "lastUpdate");
    write_nil(&w, "preferredLanguage");
    write_if(&w, "TPMManufacturer", p->tpm_manufacturer);
    write_if(&w, "TPMFirmwareVersion", p->tpm_firmware);
    td_xmlw_close(&w);
    write_nil(&w, "requestFilter");
    td_xmlw_close(&w);
    return td_soap_end(&w, err);
}

/* The value of the oID entry that a reference names. */
static struct td_slice find_oid(const struct td_xml *response, struct td_slice reference)
{
    const struct td_xml *oid = td_xml_path(response, "oIDs/oID");
    for (; oid != NULL; oid = td_xml_next(oid, NULL, "oID")) {
        if (reference.n != 0 && td_eq(td_xml_text_at(oid, "oIDReferenceID"), reference))
            return td_xml_text_at(oid, "value");
    }
    return TD_S("");
}

static enum td_code read_providers(const struct td_xml *key, struct td_arena *a, struct td_policies *ret,
                                   struct td_error *err)
{
    const struct td_xml *p = td_xml_path(key, "cryptoProviders/provider");
    for (; p != NULL; p = td_xml_next(p, NULL, "provider")) {
        if (ret->provider_count == TD_POLICY_MAX_PROVIDERS)
            return td_fail(err, TD_ELIMIT, "cryptoProviders", "more than %d providers", TD_POLICY_MAX_PROVIDERS);
        ret->providers[ret->provider_count++] = td_arena_text(a, td_xml_text(p));
    }
    return TD_OK;
}

enum td_code td_policies_read(const struct td_soap *soap, struct td_arena *a, struct td_policies *ret,
                              struct td_error *err)
{
    int64_t n = 0;
    *ret = (struct td_policies){0};
    td_try(want_message(soap, TD_NS_POLICY, "GetPoliciesResponse", err));
    const struct td_xml *attributes = td_xml_path(soap->body, "response/policies/policy/attributes");
    const struct td_xml *key = td_xml_child(attributes, NULL, "privateKeyAttributes");
    if (key == NULL)
        return td_fail(err, TD_EFORMAT, "policies", "no policy with privateKeyAttributes");
    td_try(read_text(attributes, "commonName", a, &ret->name, err));
    td_try(read_number(attributes, "certificateValidity/validityPeriodSeconds", INT64_MAX, &ret->validity, err));
    td_try(read_number(attributes, "certificateValidity/renewalPeriodSeconds", INT64_MAX, &ret->renewal, err));
    td_try(read_number(key, "minimalKeyLength", 16384, &n, err));
    ret->key_bits = (int)n;
    td_try(read_number(key, "OperationTimeout", INT32_MAX, &n, err));
    ret->operation_timeout = (int)n;
    td_try(read_text(key, "AttestationFailureBehavior", a, &ret->attestation_failure, err));
    ret->hash_oid = td_arena_text(a, find_oid(soap->body, td_xml_text_at(attributes, "hashAlgorithmOIDReference")));
    return read_providers(key, a, ret, err);
}

static void write_key(struct td_xmlw *w, const struct td_policies *p)
{
    static const char *const nils[] = {"keySpec", "keyUsageProperty", "permissions", "algorithmOIDReference"};
    td_xmlw_open(w, "privateKeyAttributes");
    write_number(w, "minimalKeyLength", p->key_bits);
    write_nils(w, nils, TD_COUNTOF(nils));
    write_if(w, "AttestationFailureBehavior", p->attestation_failure);
    if (p->operation_timeout != 0)
        write_number(w, "OperationTimeout", p->operation_timeout);
    if (p->provider_count == 0) {
        write_nil(w, "cryptoProviders");
    } else {
        td_xmlw_open(w, "cryptoProviders");
        for (size_t i = 0; i < p->provider_count; i++)
            td_xmlw_leaf(w, "provider", p->providers[i]);
        td_xmlw_close(w);
    }
    td_xmlw_close(w);
}

/* The elements are an xs:sequence: their order is the document's (mde2.md 3). */
static void write_attributes(struct td_xmlw *w, const struct td_policies *p)
{
    static const char *const flags[] = {"supersededPolicies", "privateKeyFlags", "subjectNameFlags", "enrollmentFlags",
                                        "generalFlags"};
    static const char *const rest[] = {"rARequirements", "keyArchivalAttributes", "extensions"};
    td_xmlw_open(w, "attributes");
    td_xmlw_leaf(w, "commonName", p->name);
    td_xmlw_leaf(w, "policySchema", "3");
    td_xmlw_open(w, "certificateValidity");
    write_number(w, "validityPeriodSeconds", p->validity);
    write_number(w, "renewalPeriodSeconds", p->renewal);
    td_xmlw_close(w);
    td_xmlw_open(w, "permission");
    td_xmlw_leaf(w, "enroll", "true");
    td_xmlw_leaf(w, "autoEnroll", "false");
    td_xmlw_close(w);
    write_key(w, p);
    td_xmlw_open(w, "revision");
    td_xmlw_leaf(w, "majorRevision", "101");
    td_xmlw_leaf(w, "minorRevision", "0");
    td_xmlw_close(w);
    write_nils(w, flags, TD_COUNTOF(flags));
    td_xmlw_leaf(w, "hashAlgorithmOIDReference", "0");
    write_nils(w, rest, TD_COUNTOF(rest));
    td_xmlw_close(w);
}

static void write_oids(struct td_xmlw *w, const char *hash_oid)
{
    td_xmlw_open(w, "oIDs");
    td_xmlw_open(w, "oID");
    td_xmlw_leaf(w, "value", hash_oid);
    td_xmlw_leaf(w, "group", "1"); /* hash */
    td_xmlw_leaf(w, "oIDReferenceID", "0");
    td_xmlw_leaf(w, "defaultName", "szOID_NIST_sha256");
    td_xmlw_close(w);
    td_xmlw_close(w);
}

enum td_code td_policies_write(const struct td_soap *head, const struct td_policies *p, struct td_buf *out,
                               struct td_error *err)
{
    static const char *const nils[] = {"policyFriendlyName", "nextUpdateHours", "policiesNotChanged"};
    struct td_xmlw w;
    td_xmlw_init(&w, out);
    td_soap_begin(&w, head);
    td_xmlw_open(&w, "GetPoliciesResponse");
    td_xmlw_attr(&w, "xmlns", TD_NS_POLICY);
    td_xmlw_open(&w, "response");
    td_xmlw_leaf(&w, "policyID", "");
    write_nils(&w, nils, TD_COUNTOF(nils));
    td_xmlw_open(&w, "policies");
    td_xmlw_open(&w, "policy");
    td_xmlw_leaf(&w, "policyOIDReference", "0");
    write_nil(&w, "cAs");
    write_attributes(&w, p);
    td_xmlw_close(&w);
    td_xmlw_close(&w);
    td_xmlw_close(&w);
    write_nil(&w, "cAs");
    write_oids(&w, p->hash_oid);
    td_xmlw_close(&w);
    return td_soap_end(&w, err);
}
