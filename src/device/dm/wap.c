/* dm/wap: the provisioning document becomes nodes and the management account (mde2.md 4.4). */
#include "base/encode.h"
#include "device/dm/client.h"

enum { MAX_PATH = 1024 };

struct walk {
    struct td_dm *dm;
    struct td_arena *a;
    struct td_error *err;
    bool has_account;
};

static const char *type_of(const struct td_xml *node)
{
    const char *type = td_xml_attr(node, "type");
    return type == NULL ? "" : type;
}

static const char *format_of(const struct td_xml *parm)
{
    static const char *const pairs[][2] = {{"boolean", "bool"}, {"integer", "int"}, {"string", "chr"}};
    const char *type = td_xml_attr(parm, "datatype");
    for (size_t i = 0; type != NULL && i < TD_COUNTOF(pairs); i++)
        if (strcmp(type, pairs[i][0]) == 0)
            return pairs[i][1];
    return "";
}

/* A node that this device does not have is passed over; a value that it refuses ends the enrolment with its name. */
static enum td_code put_parm(struct walk *w, const char *folder, const struct td_xml *parm)
{
    const char *name = td_xml_attr(parm, "name"), *value = td_xml_attr(parm, "value");
    struct td_csp_answer answer;
    if (name == NULL)
        return td_fail(w->err, TD_EFORMAT, "parm", "has no name below %.80s", folder);
    const char *uri = td_arena_printf(w->a, "%s/%s", folder, name);
    td_csp_run(w->dm->csp, TD_CSP_REPLACE, uri, format_of(parm), td_str(value), w->a, &answer);
    if (answer.status == 404 || answer.status == 405)
        return TD_OK;
    if (answer.status < 400)
        return TD_OK;
    enum td_code rc = td_fail(w->err, TD_EINVAL, name, "the provisioning document's value is refused (%d) at %.120s",
                              answer.status, folder);
    if (w->err != NULL)
        w->err->hresult = answer.hresult;
    return rc;
}

static enum td_code put_tree(struct walk *w, const char *folder, const struct td_xml *node)
{
    for (const struct td_xml *c = node->child; c != NULL; c = c->next) {
        if (strcmp(c->name, "parm") == 0)
            td_try(put_parm(w, folder, c));
        if (strcmp(c->name, "characteristic") != 0)
            continue;
        TD_CLEANUP(td_buf_done) struct td_buf below;
        td_buf_init(&below, MAX_PATH);
        td_buf_printf(&below, "%s/", folder);
        td_pct_add(&below, td_str(type_of(c)));
        td_try(td_buf_check(&below, "characteristic", w->err));
        td_try(put_tree(w, below.p, c));
    }
    return TD_OK;
}

static void put_parms(struct walk *w, const char *prefix, const struct td_xml *node)
{
    for (const struct td_xml *p = td_xml_child(node, NULL, "parm"); p != NULL; p = td_xml_next(p, NULL, "parm")) {
        const char *name = td_xml_attr(p, "name"), *value = td_xml_attr(p, "value");
        if (name != NULL)
            td_csp_put(w->dm->csp, td_arena_printf(w->a, "%s/%s", prefix, name), "chr", value == NULL ? "" : value);
    }
}

static const char *parm_value(const struct td_xml *node, const char *name)
{
    for (const struct td_xml *p = td_xml_child(node, NULL, "parm"); p != NULL; p = td_xml_next(p, NULL, "parm")) {
        const char *n = td_xml_attr(p, "name");
        if (n != NULL && strcmp(n, name) == 0)
            return td_xml_attr(p, "value");
    }
    return NULL;
}

static enum td_code put_application(struct walk *w, const struct td_xml *app)
{
    const char *provider = parm_value(app, "PROVIDER-ID"), *addr = parm_value(app, "ADDR");
    if (provider == NULL || *provider == '\0')
        return td_fail(w->err, TD_EFORMAT, "PROVIDER-ID", "is missing in the provisioning document");
    if (addr != NULL && !td_istarts(td_str(addr), "https://"))
        return td_fail(w->err, TD_EINVAL, "ADDR", "is no https address");
    td_csp_drop(w->dm->csp, "@auth");
    td_csp_drop(w->dm->csp, "@account");
    td_csp_put(w->dm->csp, "@provider", "chr", provider);
    put_parms(w, "@account", app);
    for (const struct td_xml *c = td_xml_child(app, NULL, "characteristic"); c != NULL;
         c = td_xml_next(c, NULL, "characteristic")) {
        const char *level = parm_value(c, "AAUTHLEVEL");
        if (strcmp(type_of(c), "APPAUTH") == 0 && level != NULL)
            put_parms(w, td_arena_printf(w->a, "@auth/%s", level), c);
    }
    td_csp_put(w->dm->csp, td_dm_provider_key(w->dm, false, "", w->a), "node", "");
    td_csp_put(w->dm->csp, td_dm_provider_key(w->dm, true, "", w->a), "node", "");
    td_csp_put_int(w->dm->csp, "@poll", 0);
    w->has_account = true;
    return TD_OK;
}

static enum td_code put_part(struct walk *w, const struct td_xml *part, bool application)
{
    bool is_application = strcmp(type_of(part), "APPLICATION") == 0;
    if (strcmp(part->name, "characteristic") != 0 || is_application != application)
        return TD_OK;
    if (is_application)
        return put_application(w, part);
    return put_tree(w, td_arena_printf(w->a, "./Device/Vendor/MSFT/%s", type_of(part)), part);
}

/* The account first: the provider's nodes exist only below a provider. */
enum td_code td_dm_wap(struct td_dm *dm, const struct td_xml *wap, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    struct walk w = {dm, &a, err, false};
    if (!td_xml_is(wap, NULL, "wap-provisioningdoc"))
        return td_fail(err, TD_EFORMAT, "wap-provisioningdoc", "is not the root of the provisioning document");
    for (const struct td_xml *c = wap->child; c != NULL; c = c->next)
        td_try(put_part(&w, c, true));
    if (!w.has_account)
        return td_fail(err, TD_EFORMAT, "APPLICATION", "is missing in the provisioning document");
    for (const struct td_xml *c = wap->child; c != NULL; c = c->next)
        td_try(put_part(&w, c, false));
    return td_csp_save(dm->csp, err);
}
