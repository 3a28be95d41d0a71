/* csp/certs: certificates that management installs: RootCATrustedCertificates and CertificateStore (csp.md 11). */
#include "base/encode.h"
#include "crypto/cert.h"
#include "device/csp/tree.h"

static bool parse(struct td_slice text, struct td_arena *a, struct td_cert *ret)
{
    struct td_slice der;
    return td_b64_decode(a, text, TD_B64_ANY, &der) == TD_OK && td_cert_parse(der, a, ret, NULL) == TD_OK;
}

int td_csp_cert(struct td_csp_call *call)
{
    if (call->op != TD_CSP_ADD && call->op != TD_CSP_REPLACE)
        return 0;
    struct td_cert cert;
    if (!parse(call->data, call->a, &cert))
        return td_csp_refuse(call, 500, TD_CSP_E_BADDATA);
    if (!td_ieqs(td_str(call->part[0]), cert.sha1))
        return td_csp_refuse(call, 500, TD_CSP_E_BADVALUE);
    return 0;
}

static const char *field(const struct td_cert *cert, const char *name, struct td_arena *a)
{
    if (strcmp(name, "issuer") == 0)
        return cert->issuer;
    if (strcmp(name, "subject") == 0)
        return cert->subject;
    return td_time_arena(a, strcmp(name, "from") == 0 ? cert->not_before : cert->not_after);
}

int td_csp_cert_field(struct td_csp_call *call)
{
    if (call->op != TD_CSP_GET)
        return 0;
    int folder = (int)(strrchr(call->key, '/') - call->key);
    const char *encoded = td_arena_printf(call->a, "%.*s/EncodedCertificate", folder, call->key);
    const char *text = td_csp_value(call->csp, encoded);
    struct td_cert cert;
    if (text == NULL || !parse(td_str(text), call->a, &cert))
        return td_csp_refuse(call, 404, TD_CSP_E_NOTFOUND);
    return td_csp_tell(call, field(&cert, call->row->arg, call->a));
}
