#include "codec/wap.h"

#include "base/encode.h"
#include "base/fault.h"

#include <string.h>

/* Writing */

static void open_group(struct td_xmlw *w, const char *type)
{
    td_xmlw_open(w, "characteristic");
    td_xmlw_attr(w, "type", type);
}

static void write_parm(struct td_xmlw *w, const char *name, const char *value, const char *type)
{
    td_xmlw_open(w, "parm");
    td_xmlw_attr(w, "name", name);
    if (value != NULL)
        td_xmlw_attr(w, "value", value);
    if (type != NULL && type[0] != '\0')
        td_xmlw_attr(w, "datatype", type);
    td_xmlw_close(w);
}

/* Into the start tag that td_xmlw_open leaves open: the alphabet needs no escape. */
static void write_base64(struct td_xmlw *w, const char *name, struct td_slice bytes)
{
    td_xmlw_open(w, "parm");
    td_xmlw_attr(w, "name", name);
    td_buf_adds(w->out, " value=\"");
    td_b64_add(w->out, bytes);
    td_buf_addc(w->out, '"');
    td_xmlw_close(w);
}

static void write_number(struct td_xmlw *w, const char *name, int n, const char *type)
{
    struct td_buf text;
    td_buf_init(&text, 16);
    td_buf_printf(&text, "%d", n);
    write_parm(w, name, text.p, type);
    td_buf_done(&text);
}

/* store/scope/<hash> with its one parm, and what else stands in the scope. */
static void write_cert(struct td_xmlw *w, const char *store, const struct td_wap_cert *cert)
{
    if (cert->der.n == 0)
        return;
    open_group(w, store);
    open_group(w, "System");
    open_group(w, cert->hash);
    write_base64(w, "EncodedCertificate", cert->der);
    for (int i = 0; i < 3; i++)
        td_xmlw_close(w);
}

static void write_empty(struct td_xmlw *w, const char *type)
{
    open_group(w, type);
    td_xmlw_close(w);
}

static void write_renewal_rule(struct td_xmlw *w, const struct td_wap *wap)
{
    open_group(w, "WSTEP");
    open_group(w, "Renew");
    write_parm(w, "ROBOSupport", wap->robo ? "true" : "false", "boolean");
    write_number(w, "RenewPeriod", wap->renew_days, "integer");
    write_number(w, "RetryInterval", wap->retry_days, "integer");
    td_xmlw_close(w);
    td_xmlw_close(w);
}

/* PrivateKeyContainer: beside the hash in enrolments, inside it in renewals (mde2.md 4.4 and 7). */
static void write_own(struct td_xmlw *w, const struct td_wap *wap)
{
    open_group(w, "My");
    open_group(w, wap->system_store ? "System" : "User");
    open_group(w, wap->certificate.hash);
    write_base64(w, "EncodedCertificate", wap->certificate.der);
    if (wap->renewal)
        write_empty(w, "PrivateKeyContainer");
    td_xmlw_close(w);
    if (!wap->renewal)
        write_empty(w, "PrivateKeyContainer");
    td_xmlw_close(w);
    if (!wap->renewal && wap->robo)
        write_renewal_rule(w, wap);
    td_xmlw_close(w);
}

static void write_auth(struct td_xmlw *w, const char *level, const struct td_wap_auth *auth)
{
    open_group(w, "APPAUTH");
    write_parm(w, "AAUTHLEVEL", level, NULL);
    write_parm(w, "AAUTHTYPE", auth->type, NULL);
    if (auth->name != NULL && auth->name[0] != '\0')
        write_parm(w, "AAUTHNAME", auth->name, NULL);
    write_parm(w, "AAUTHSECRET", auth->secret, NULL);
    write_base64(w, "AAUTHDATA", auth->nonce);
    td_xmlw_close(w);
}

static void write_application(struct td_xmlw *w, const struct td_wap *wap)
{
    open_group(w, "APPLICATION");
    if (wap->renewal) {
        write_parm(w, "PROVIDER-ID", wap->provider, NULL);
        td_xmlw_close(w);
        return;
    }
    write_parm(w, "APPID", "w7", NULL);
    write_parm(w, "PROVIDER-ID", wap->provider, NULL);
    write_parm(w, "NAME", wap->name, NULL);
    write_parm(w, "ADDR", wap->addr, NULL);
    write_number(w, "CONNRETRYFREQ", wap->retry_count, NULL);
    write_number(w, "INITIALBACKOFFTIME", wap->backoff_ms, NULL);
    write_number(w, "MAXBACKOFFTIME", wap->max_backoff_ms, NULL);
    write_parm(w, "BACKCOMPATRETRYDISABLED", NULL, NULL);
    write_parm(w, "DEFAULTENCODING", "application/vnd.syncml.dm+xml", NULL);
    if (wap->search != NULL && wap->search[0] != '\0')
        write_parm(w, "SSLCLIENTCERTSEARCHCRITERIA", wap->search, NULL);
    write_auth(w, "CLIENT", &wap->client);
    write_auth(w, "APPSRV", &wap->server);
    td_xmlw_close(w);
}

/* Splits "A/B/name" into the folder "A/B" and the name. */
static struct td_slice split_path(const char *path, const char **ret_name)
{
    const char *slash = strrchr(path, '/');
    *ret_name = slash != NULL ? slash + 1 : path;
    return td_bytes(path, slash != NULL ? (size_t)(slash - path) : 0);
}

static int open_folder(struct td_xmlw *w, struct td_slice folder, struct td_arena *a)
{
    int depth = 0;
    while (folder.n != 0) {
        struct td_slice step;
        folder = td_cut(folder, '/', &step);
        open_group(w, td_arena_text(a, step));
        depth++;
    }
    return depth;
}

static void write_nodes(struct td_xmlw *w, const struct td_wap *wap)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    struct td_slice folder = TD_S("");
    int depth = 0;
    for (size_t i = 0; i < wap->node_count; i++) {
        const char *name;
        struct td_slice in = split_path(wap->nodes[i].path, &name);
        if (!td_eq(in, folder)) {
            while (depth-- > 0)
                td_xmlw_close(w);
            folder = in;
            depth = open_folder(w, folder, &a);
        }
        write_parm(w, name, wap->nodes[i].value, wap->nodes[i].type);
    }
    while (depth-- > 0)
        td_xmlw_close(w);
}

static bool missing(const char *text)
{
    return text == NULL || text[0] == '\0';
}

static enum td_code check(const struct td_wap *wap, struct td_error *err)
{
    if (wap->certificate.der.n == 0 || missing(wap->certificate.hash))
        return td_fail(err, TD_EINVAL, "certificate", "the document has no certificate for the device");
    if (missing(wap->provider))
        return td_fail(err, TD_EINVAL, "PROVIDER-ID", "missing");
    if (wap->renewal)
        return TD_OK;
    if (missing(wap->addr))
        return td_fail(err, TD_EINVAL, "ADDR", "missing");
    if (missing(wap->client.secret) || missing(wap->server.secret) || missing(wap->server.name))
        return td_fail(err, TD_EINVAL, "APPAUTH", "both sides' secrets must be given");
    return TD_OK;
}

enum td_code td_wap_write(const struct td_wap *wap, struct td_buf *out, struct td_error *err)
{
    struct td_xmlw w;
    td_try(check(wap, err));
    td_xmlw_init(&w, out);
    td_xmlw_open(&w, "wap-provisioningdoc");
    td_xmlw_attr(&w, "version", "1.1");
    open_group(&w, "CertificateStore");
    if (td_fault("wap-own-first"))
        write_own(&w, wap);
    write_cert(&w, "Root", &wap->root);
    write_cert(&w, "CA", &wap->intermediate);
    if (!td_fault("wap-own-first"))
        write_own(&w, wap);
    td_xmlw_close(&w);
    write_application(&w, wap);
    if (wap->node_count != 0) {
        open_group(&w, "DMClient");
        open_group(&w, "Provider");
        open_group(&w, wap->provider);
        write_nodes(&w, wap);
        for (int i = 0; i < 3; i++)
            td_xmlw_close(&w);
    }
    td_xmlw_close(&w);
    return td_buf_check(out, "provisioning document", err);
}

/* Reading: names are case-sensitive (mde2.md 4.4). */

static bool is_group(const struct td_xml *node)
{
    return td_xml_is(node, "", "characteristic");
}

static const char *group_type(const struct td_xml *node)
{
    const char *type = is_group(node) ? td_xml_attr(node, "type") : NULL;
    return type != NULL ? type : "";
}

static const struct td_xml *find_group(const struct td_xml *node, const char *type)
{
    for (const struct td_xml *c = node != NULL ? node->child : NULL; c != NULL; c = c->next) {
        if (strcmp(group_type(c), type) == 0)
            return c;
    }
    return NULL;
}

static const char *parm_value(const struct td_xml *group, const char *name)
{
    for (const struct td_xml *c = group != NULL ? group->child : NULL; c != NULL; c = c->next) {
        const char *is = td_xml_is(c, "", "parm") ? td_xml_attr(c, "name") : NULL;
        if (is != NULL && strcmp(is, name) == 0)
            return td_xml_attr(c, "value") != NULL ? td_xml_attr(c, "value") : "";
    }
    return NULL;
}

static const char *parm_text(const struct td_xml *group, const char *name)
{
    const char *value = parm_value(group, name);
    return value != NULL ? value : "";
}

static enum td_code parm_number(const struct td_xml *group, const char *name, int *ret, struct td_error *err)
{
    const char *value = parm_text(group, name);
    uint64_t n = 0;
    if (value[0] != '\0' && (!td_parse_u64(td_str(value), &n) || n > INT32_MAX))
        return td_fail(err, TD_EINVAL, name, "not a number");
    *ret = (int)n;
    return TD_OK;
}

static bool is_hash(const char *type)
{
    struct td_slice s = td_str(type);
    for (size_t i = 0; i < s.n; i++) {
        if (strchr("0123456789abcdefABCDEF", s.p[i]) == NULL)
            return false;
    }
    return s.n == 40;
}

/* The first <hash> group of a scope. */
static enum td_code read_cert(const struct td_xml *scope, struct td_arena *a, struct td_wap_cert *ret,
                              const struct td_xml **ret_group, struct td_error *err)
{
    for (const struct td_xml *c = scope != NULL ? scope->child : NULL; c != NULL; c = c->next) {
        if (!is_hash(group_type(c)))
            continue;
        const char *text = parm_value(c, "EncodedCertificate");
        if (text == NULL || td_b64_decode(a, td_str(text), TD_B64_STD | TD_B64_SPACES, &ret->der) != TD_OK)
            return td_fail(err, TD_EFORMAT, "EncodedCertificate", "missing or not base64");
        ret->hash = group_type(c);
        if (ret_group != NULL)
            *ret_group = c;
        return TD_OK;
    }
    return TD_OK;
}

static enum td_code read_own(const struct td_xml *my, struct td_arena *a, struct td_wap *ret, struct td_error *err)
{
    const struct td_xml *system = find_group(my, "System"), *group = NULL;
    const struct td_xml *scope = system != NULL ? system : find_group(my, "User");
    if (scope != NULL) {
        td_try(read_cert(scope, a, &ret->certificate, &group, err));
        ret->system_store = system != NULL;
        ret->has_container =
            find_group(scope, "PrivateKeyContainer") != NULL || find_group(group, "PrivateKeyContainer") != NULL;
    }
    const struct td_xml *renew = find_group(find_group(my, "WSTEP"), "Renew");
    if (renew == NULL)
        return TD_OK;
    ret->robo = strcmp(parm_text(renew, "ROBOSupport"), "true") == 0;
    td_try(parm_number(renew, "RenewPeriod", &ret->renew_days, err));
    return parm_number(renew, "RetryInterval", &ret->retry_days, err);
}

static enum td_code read_store(const struct td_xml *store, struct td_arena *a, struct td_wap *ret, struct td_error *err)
{
    for (const struct td_xml *c = store->child; c != NULL; c = c->next) {
        if (strcmp(group_type(c), "Root") == 0)
            td_try(read_cert(find_group(c, "System"), a, &ret->root, NULL, err));
        else if (strcmp(group_type(c), "CA") == 0)
            td_try(read_cert(find_group(c, "System"), a, &ret->intermediate, NULL, err));
        else if (strcmp(group_type(c), "My") == 0)
            td_try(read_own(c, a, ret, err));
    }
    return TD_OK;
}

static enum td_code read_auth(const struct td_xml *group, struct td_arena *a, struct td_wap *ret, struct td_error *err)
{
    const char *level = parm_text(group, "AAUTHLEVEL");
    struct td_wap_auth *auth = strcmp(level, "CLIENT") == 0 ? &ret->client : &ret->server;
    if (auth == &ret->server && strcmp(level, "APPSRV") != 0)
        return td_fail(err, TD_EINVAL, "AAUTHLEVEL", "not CLIENT or APPSRV");
    auth->type = parm_text(group, "AAUTHTYPE");
    auth->name = parm_text(group, "AAUTHNAME");
    auth->secret = parm_text(group, "AAUTHSECRET");
    if (td_b64_decode(a, td_str(parm_text(group, "AAUTHDATA")), TD_B64_STD | TD_B64_NOPAD, &auth->nonce) != TD_OK)
        return td_fail(err, TD_EFORMAT, "AAUTHDATA", "not base64");
    return TD_OK;
}

static enum td_code read_application(const struct td_xml *app, struct td_arena *a, struct td_wap *ret,
                                     struct td_error *err)
{
    ret->provider = parm_text(app, "PROVIDER-ID");
    ret->name = parm_text(app, "NAME");
    ret->addr = parm_text(app, "ADDR");
    ret->search = parm_text(app, "SSLCLIENTCERTSEARCHCRITERIA");
    ret->renewal = parm_value(app, "APPID") == NULL;
    td_try(parm_number(app, "CONNRETRYFREQ", &ret->retry_count, err));
    td_try(parm_number(app, "INITIALBACKOFFTIME", &ret->backoff_ms, err));
    td_try(parm_number(app, "MAXBACKOFFTIME", &ret->max_backoff_ms, err));
    for (const struct td_xml *c = app->child; c != NULL; c = c->next) {
        if (strcmp(group_type(c), "APPAUTH") == 0)
            td_try(read_auth(c, a, ret, err));
    }
    return TD_OK;
}

static enum td_code read_nodes(const struct td_xml *group, const char *prefix, struct td_arena *a, struct td_wap *ret,
                               struct td_error *err)
{
    for (const struct td_xml *c = group->child; c != NULL; c = c->next) {
        if (is_group(c)) {
            /* bounded by the depth that the XML reader allows */
            td_try(read_nodes(c, td_arena_printf(a, "%s%s/", prefix, group_type(c)), a, ret, err));
            continue;
        }
        const char *name = td_xml_is(c, "", "parm") ? td_xml_attr(c, "name") : NULL;
        if (name == NULL)
            continue;
        if (ret->node_count == TD_WAP_MAX_NODES)
            return td_fail(err, TD_ELIMIT, "DMClient", "more than %d nodes", TD_WAP_MAX_NODES);
        const char *value = td_xml_attr(c, "value"), *type = td_xml_attr(c, "datatype");
        ret->nodes[ret->node_count++] = (struct td_wap_node){
            .path = td_arena_printf(a, "%s%s", prefix, name),
            .value = value != NULL ? value : "",
            .type = type != NULL ? type : "",
        };
    }
    return TD_OK;
}

static enum td_code read_dmclient(const struct td_xml *dmclient, struct td_arena *a, struct td_wap *ret,
                                  struct td_error *err)
{
    const struct td_xml *providers = find_group(dmclient, "Provider");
    const struct td_xml *mine = find_group(providers, ret->provider);
    if (providers != NULL && mine == NULL)
        return td_fail(err, TD_EINVAL, "DMClient", "its provider is not the PROVIDER-ID of APPLICATION");
    return mine != NULL ? read_nodes(mine, "", a, ret, err) : TD_OK;
}

static void make_empty(struct td_wap *wap)
{
    static const struct td_wap_auth none = {.type = "", .name = "", .secret = "", .nonce = {"", 0}};
    static const struct td_wap_cert no_cert = {.hash = "", .der = {"", 0}};
    *wap = (struct td_wap){.provider = "", .name = "", .addr = "", .search = "", .client = none, .server = none};
    wap->root = wap->intermediate = wap->certificate = no_cert;
}

enum td_code td_wap_read(struct td_slice in, struct td_arena *a, struct td_wap *ret, struct td_xml **ret_tree,
                         struct td_error *err)
{
    struct td_xml *root;
    make_empty(ret);
    td_try(td_xml_parse(in, TD_WAP_MAX, a, &root, err));
    if (!td_xml_is(root, "", "wap-provisioningdoc"))
        return td_fail(err, TD_EFORMAT, "wap-provisioningdoc", "the root element is another");
    for (const struct td_xml *c = root->child; c != NULL; c = c->next) {
        if (strcmp(group_type(c), "CertificateStore") == 0)
            td_try(read_store(c, a, ret, err));
        else if (strcmp(group_type(c), "APPLICATION") == 0)
            td_try(read_application(c, a, ret, err));
    }
    td_try(read_dmclient(find_group(root, "DMClient"), a, ret, err));
    if (ret_tree != NULL)
        *ret_tree = root;
    return TD_OK;
}

const struct td_wap_node *td_wap_node(const struct td_wap *wap, const char *path)
{
    for (size_t i = 0; i < wap->node_count; i++) {
        if (strcmp(wap->nodes[i].path, path) == 0)
            return &wap->nodes[i];
    }
    return NULL;
}

char *td_wap_search(struct td_arena *a, const char *subject, bool system_store)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    td_buf_init(&text, 4096);
    td_buf_adds(&text, "Subject=");
    td_pct_add(&text, td_str(subject));
    td_buf_printf(&text, "&Stores=My%%5C%s", system_store ? "System" : "User");
    return td_arena_text(a, td_buf_slice(&text));
}
