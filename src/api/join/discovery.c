/* Where the directory's services are: the farm's contract (JSON or XML), the Discover document that Windows and other
 * clients ask for, the nonce (join-and-tokens.md 2, 10.9). One table serves all of them. */
#include "api/join/room.h"
#include "api/token.h"
#include "codec/json.h"
#include "codec/xml.h"
#include "store/tenant.h"

enum { DOCUMENT_MAX = 32768, PARTS = 4 };
enum kind { TEXT, NO, NIL, LIST };
enum place_in { CONTRACT = 1, DISCOVER = 2, BOTH = 3 };

static const char resource[] = "urn:ms-drs:enterpriseregistration.windows.net";

/* path: objects and member, divided by '/'. value: {base}, {tenant}, {name}, {resource} are put in. Clients append
 * "?api-version=" and the object's ServiceVersion to an endpoint, so none holds a query. */
static const struct member {
    enum place_in in;
    enum kind kind;
    const char *path;
    const char *value;
} members[] = {
    {DISCOVER, TEXT, "DiscoveryService/DiscoveryEndpoint", "{base}/{tenant}/Discover"},
    {DISCOVER, TEXT, "DiscoveryService/ServiceVersion", "1.9"},
    {BOTH, TEXT, "DeviceRegistrationService/RegistrationEndpoint", "{base}/EnrollmentServer/device/"},
    {BOTH, TEXT, "DeviceRegistrationService/RegistrationResourceId", "{resource}"},
    {BOTH, TEXT, "DeviceRegistrationService/ServiceVersion", "1.0"},
    {BOTH, TEXT, "AuthenticationService/OAuth2/AuthCodeEndpoint", "{base}/{tenant}/oauth2/authorize"},
    {BOTH, TEXT, "AuthenticationService/OAuth2/TokenEndpoint", "{base}/{tenant}/oauth2/token"},
    {DISCOVER, NO, "IdentityProviderService/Federated", NULL},
    {BOTH, TEXT, "IdentityProviderService/PassiveAuthEndpoint", "{base}/{tenant}/oauth2/authorize"},
    {BOTH, TEXT, "DeviceJoinService/JoinEndpoint", "{base}/EnrollmentServer/device/"},
    {BOTH, TEXT, "DeviceJoinService/JoinResourceId", "{resource}"},
    {BOTH, TEXT, "DeviceJoinService/ServiceVersion", "2.0"},
    {CONTRACT, LIST, "WebBrowserZones/Intranet/Endpoints", "{base}/"},
    {CONTRACT, NIL, "WebBrowserZones/Trusted", NULL},
    {CONTRACT, NIL, "WebBrowserZones/Untrusted", NULL},
    {BOTH, TEXT, "KeyProvisioningService/KeyProvisionEndpoint", "{base}/EnrollmentServer/key/"},
    {BOTH, TEXT, "KeyProvisioningService/KeyProvisionResourceId", "{resource}"},
    {BOTH, TEXT, "KeyProvisioningService/ServiceVersion", "1.0"},
    {DISCOVER, TEXT, "DeviceManagementService/DeviceManagementEndpoint", "{base}/EnrollmentServer/Discovery.svc"},
    {DISCOVER, TEXT, "DeviceManagementService/DeviceManagementResourceId", "https://enrollment.manage.microsoft.com/"},
    {DISCOVER, TEXT, "DeviceManagementService/ServiceVersion", "1.0"},
    {DISCOVER, TEXT, "NonceService/Endpoint", "{base}/EnrollmentServer/nonce/{tenant}/"},
    {DISCOVER, TEXT, "NonceService/ResourceId", "{resource}"},
    {DISCOVER, TEXT, "NonceService/ServiceVersion", "1.0"},
    {DISCOVER, TEXT, "TenantInfo/TenantId", "{tenant}"},
    {DISCOVER, TEXT, "TenantInfo/TenantName", "{domain}"},
    {DISCOVER, TEXT, "TenantInfo/DisplayName", "{name}"},
};

struct place {
    const char *mark, *text;
};

/* Marks come from the table above, texts from the tenant: a text is put in and never looked at for marks. */
static char *filled(const char *value, const struct place *places, struct td_arena *a)
{
    struct td_buf b;
    td_buf_init(&b, DOCUMENT_MAX);
    while (*value != '\0') {
        const struct place *p = places;
        while (p->mark != NULL && strncmp(value, p->mark, strlen(p->mark)) != 0)
            p++;
        if (p->mark != NULL) {
            td_buf_adds(&b, p->text);
            value += strlen(p->mark);
        } else {
            td_buf_addc(&b, *value++);
        }
    }
    char *out = td_arena_text(a, td_buf_slice(&b));
    td_buf_done(&b);
    return out;
}

struct writer { /* JSON and XML behind the same steps */
    struct td_buf out;
    struct td_jsonw json;
    struct td_xmlw xml;
    bool is_xml;
    struct td_slice open[PARTS]; /* objects that are open */
    size_t depth;
    struct td_arena *arena;
    const struct place *places;
};

static void open_object(struct writer *w, struct td_slice name)
{
    const char *text = td_arena_text(w->arena, name);
    if (w->is_xml) {
        td_xmlw_open(&w->xml, text);
    } else {
        td_jsonw_key(&w->json, text);
        td_jsonw_obj(&w->json);
    }
    w->open[w->depth++] = name;
}

static void close_object(struct writer *w)
{
    w->depth--;
    if (w->is_xml)
        td_xmlw_close(&w->xml);
    else
        td_jsonw_end(&w->json);
}

/* Opens and closes objects until the ones of this path are open; the result is the member's own name. */
static struct td_slice walk_to(struct writer *w, const char *path)
{
    struct td_slice parts[PARTS] = {0}, rest = td_str(path);
    size_t n = 0, same = 0;
    while (rest.n != 0 && n < PARTS)
        rest = td_cut(rest, '/', &parts[n++]);
    while (same < n - 1 && same < w->depth && td_eq(parts[same], w->open[same]))
        same++;
    while (w->depth > same)
        close_object(w);
    while (w->depth < n - 1)
        open_object(w, parts[w->depth]);
    return parts[n - 1];
}

static void write_json(struct writer *w, const struct member *m, const char *name)
{
    td_jsonw_key(&w->json, name);
    if (m->kind == NO) {
        td_jsonw_bool(&w->json, false);
    } else if (m->kind == NIL) {
        td_jsonw_null(&w->json);
    } else if (m->kind == LIST) {
        td_jsonw_arr(&w->json);
        td_jsonw_str(&w->json, filled(m->value, w->places, w->arena));
        td_jsonw_arr_end(&w->json);
    } else {
        td_jsonw_str(&w->json, filled(m->value, w->places, w->arena));
    }
}

static void write_xml(struct writer *w, const struct member *m, const char *name)
{
    td_xmlw_open(&w->xml, name);
    if (m->kind == NIL)
        td_xmlw_attr(&w->xml, "i:nil", "true");
    else if (m->kind == NO)
        td_xmlw_text(&w->xml, TD_S("false"));
    else if (m->kind == LIST)
        td_xmlw_leaf(&w->xml, "a:string", filled(m->value, w->places, w->arena));
    else
        td_xmlw_text(&w->xml, td_str(filled(m->value, w->places, w->arena)));
    td_xmlw_close(&w->xml);
}

static void begin(struct writer *w)
{
    td_buf_init(&w->out, DOCUMENT_MAX);
    if (w->is_xml) {
        td_xmlw_init(&w->xml, &w->out);
        td_xmlw_open(&w->xml, "Discovery");
        td_xmlw_attr(&w->xml, "xmlns", "http://schemas.datacontract.org/2004/07/Microsoft.DeviceRegistration.Entities");
        td_xmlw_attr(&w->xml, "xmlns:i", "http://www.w3.org/2001/XMLSchema-instance");
        td_xmlw_attr(&w->xml, "xmlns:a", "http://schemas.microsoft.com/2003/10/Serialization/Arrays");
    } else {
        td_jsonw_init(&w->json, &w->out);
        td_jsonw_obj(&w->json);
    }
}

static void document(unsigned which, bool is_xml, const struct place *places, struct td_arena *a,
                     struct td_http_reply *reply)
{
    struct writer w = {.is_xml = is_xml, .arena = a, .places = places};
    begin(&w);
    for (size_t i = 0; i < TD_COUNTOF(members); i++) {
        const struct member *m = &members[i];
        if ((m->in & which) == 0)
            continue;
        const char *name = td_arena_text(a, walk_to(&w, m->path));
        if (is_xml)
            write_xml(&w, m, name);
        else
            write_json(&w, m, name);
    }
    while (w.depth != 0)
        close_object(&w);
    if (is_xml)
        td_xmlw_close(&w.xml);
    else
        td_jsonw_end(&w.json);
    td_reply_text(reply, 200, is_xml ? "application/xml; charset=utf-8" : "application/json; charset=utf-8",
                  td_buf_slice(&w.out));
    td_buf_done(&w.out);
}

/* None, or anything at all, is XML: the document's default. */
static enum td_code choose(struct td_slice accept, bool *ret_xml, struct td_error *err)
{
    bool json = false, xml = accept.n == 0;
    while (accept.n != 0) {
        struct td_slice one = {0};
        accept = td_cut(accept, ',', &one);
        (void)td_cut(one, ';', &one);
        one = td_trim(one);
        json = json || td_ieqs(one, "application/json");
        xml = xml || td_ieqs(one, "application/xml") || td_ieqs(one, "text/xml") || td_eqs(one, "*/*") ||
              td_ieqs(one, "application/*");
    }
    if (!json && !xml)
        return td_fail(err, TD_EINVAL, "Accept", "application/json and application/xml are offered");
    *ret_xml = !json;
    return TD_OK;
}

static enum td_code check_version(struct td_http_request *req, struct td_error *err)
{
    struct td_slice v = td_http_query(req, "api-version");
    if (v.n != 0 && !td_eqs(v, "1.0") && !td_eqs(v, "1.2"))
        return td_fail(err, TD_EINVAL, "api-version", "1.0 and 1.2 are offered");
    return TD_OK;
}

void td_join_contract(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    const struct place places[] = {
        {"{base}", td_http_device_base(req)}, {"{tenant}", "common"}, {"{resource}", resource}, {NULL, NULL}};
    struct td_error err = {0};
    bool is_xml = false;
    if (check_version(req, &err) != TD_OK || choose(td_http_header(req, "Accept"), &is_xml, &err) != TD_OK) {
        td_join_refuse(ctx, &err, req->arena, reply);
        return;
    }
    document(CONTRACT, is_xml, places, req->arena, reply);
}

struct tenant_job {
    struct td_slice key;
    struct td_arena *arena;
    struct td_tenant tenant;
    const char *name;
};

static enum td_code find_tenant(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct tenant_job *j = ctx;
    td_try(td_tenant_find(tx, j->key, j->arena, &j->tenant, err));
    return td_tenant_get(tx, j->tenant.id, "display-name", j->arena, &j->name, err);
}

void td_join_discover(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    const struct td_service *svc = ctx;
    struct tenant_job j = {.key = req->params[0], .arena = req->arena};
    struct td_error err = {0};
    enum td_code rc = td_store_read(svc->store, find_tenant, &j, &err);
    if (rc != TD_OK) {
        if (rc == TD_ENOTFOUND)
            (void)td_fail(&err, rc, "domain", "no organization of this name is here");
        td_join_refuse(svc, &err, req->arena, reply);
        return;
    }
    const char *name = j.name != NULL && j.name[0] != '\0' ? j.name : j.tenant.name;
    const struct place places[] = {{"{base}", td_http_device_base(req)}, {"{tenant}", j.tenant.id}, {"{name}", name},
                                   {"{domain}", j.tenant.domain},        {"{resource}", resource},  {NULL, NULL}};
    document(DISCOVER, false, places, req->arena, reply);
}

void td_join_nonce(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    const struct td_service *svc = ctx;
    struct td_error err = {0};
    char *nonce = NULL;
    if (td_nonce_make(svc, req->arena, &nonce, &err) != TD_OK) {
        td_join_refuse(svc, &err, req->arena, reply);
        return;
    }
    td_reply_header(reply, "Cache-Control", "no-store");
    td_reply_text(reply, 200, "application/json; charset=utf-8",
                  td_str(td_arena_printf(req->arena, "{\"Value\":\"%s\"}", nonce)));
}
