/* What the directory says of group policies, as this computer sees it. */
#include "base/fault.h"
#include "device/domain/policies.h"

#include <strings.h>

enum { GROUPS_MAX = 1024, DACL = 4, OPTION_BLOCKS = 1, INI_OCTETS = 65536 };

struct reading {
    const struct td_domain_source *from;
    struct td_arena *a;
    const char *domain_dn, *config_dn, *site_dn;
    struct td_sid *who; /* the computer, its groups, and what everybody is who has signed in */
    size_t who_count;
};

struct found {
    struct td_ldap_entry entry;
    size_t count;
};

static enum td_code take_entry(void *ctx, const struct td_ldap_entry *e, struct td_error *err TD_UNUSED)
{
    struct found *f = ctx;
    f->entry = *e; /* its values are in the arena of the search */
    f->count++;
    return TD_OK;
}

/* One object by its name; TD_ENOTFOUND where it is not there or not shown. */
static enum td_code read_object(const struct reading *r, const char *dn, const char *const *attrs, uint32_t sd_flags,
                                struct td_ldap_entry *ret, struct td_error *err)
{
    struct found f = {0};
    const struct td_ldap_search s = {.base = dn,
                                     .filter = "(objectClass=*)",
                                     .scope = TD_LDAP_BASE,
                                     .attrs = attrs,
                                     .sd_flags = sd_flags,
                                     .max_rows = 1};
    td_try(r->from->ldap->ops->search(r->from->ldap, &s, r->a, take_entry, &f, err));
    if (f.count == 0)
        return td_fail(err, TD_ENOTFOUND, "directory", "%s is not shown to this computer", dn);
    *ret = f.entry;
    return TD_OK;
}

static const char *text_of(const struct reading *r, const struct td_ldap_entry *e, const char *name)
{
    const char *text = td_ldap_text(e, name, r->a);
    return text != NULL ? text : "";
}

static int64_t number_of(const struct td_ldap_entry *e, const char *name, int64_t otherwise)
{
    int64_t v = 0;
    return td_parse_i64(td_ldap_get(e, name), &v) ? v : otherwise;
}

/* --- who this computer is ----------------------------------------------------------------------------------------- */

/* "CN=DC1,CN=Servers,CN=SITE,CN=Sites,...": the site of the server that answers. */
static const char *site_of_server(const struct reading *r, const char *server)
{
    struct td_slice rest = td_str(server), part;
    for (int i = 0; i < 2; i++)
        rest = td_cut(rest, ',', &part);
    return td_istarts(rest, "CN=") ? td_arena_text(r->a, rest) : "";
}

static enum td_code read_root(struct reading *r, struct td_error *err)
{
    static const char *const attrs[] = {"defaultNamingContext", "configurationNamingContext", "serverName", NULL};
    struct td_ldap_entry e;
    td_try(read_object(r, "", attrs, 0, &e, err));
    r->domain_dn = text_of(r, &e, "defaultNamingContext");
    r->config_dn = text_of(r, &e, "configurationNamingContext");
    if (r->domain_dn[0] == '\0')
        return td_fail(err, TD_EFORMAT, "directory", "it does not say which domain it holds");
    r->site_dn =
        r->from->site[0] != '\0' && r->config_dn[0] != '\0'
            ? td_arena_printf(r->a, "CN=%s,CN=Sites,%s", td_ldap_escape_dn(r->a, td_str(r->from->site)), r->config_dn)
            : site_of_server(r, text_of(r, &e, "serverName"));
    return TD_OK;
}

static enum td_code find_machine(struct reading *r, const char **ret_dn, struct td_error *err)
{
    static const char *const attrs[] = {"objectSid", NULL};
    struct found f = {0};
    const struct td_ldap_search s = {
        .base = r->domain_dn,
        .filter = td_arena_printf(r->a, "(sAMAccountName=%s)", td_ldap_escape(r->a, td_str(r->from->machine))),
        .scope = TD_LDAP_SUBTREE,
        .attrs = attrs,
        .max_rows = 2};
    td_try(r->from->ldap->ops->search(r->from->ldap, &s, r->a, take_entry, &f, err));
    if (f.count != 1)
        return td_fail(err, TD_ENOTFOUND, "directory", "%zu accounts are called %s", f.count, r->from->machine);
    *ret_dn = f.entry.dn;
    return TD_OK;
}

static enum td_code add_sid(struct reading *r, struct td_slice octets, struct td_error *err)
{
    if (r->who_count == GROUPS_MAX)
        return td_fail(err, TD_ELIMIT, "tokenGroups", "more than %d groups", GROUPS_MAX);
    td_try(td_sid_read(octets, &r->who[r->who_count], NULL, err));
    r->who_count++;
    return TD_OK;
}

/* tokenGroups is worked out by the directory: groups of groups, the primary one too. */
static enum td_code read_groups(struct reading *r, const char *dn, struct td_error *err)
{
    static const char *const attrs[] = {"objectSid", "tokenGroups", NULL};
    static const char *const everybody[] = {"S-1-1-0", "S-1-5-11", "S-1-5-15"};
    struct td_ldap_entry e;
    td_try(read_object(r, dn, attrs, 0, &e, err));
    const struct td_ldap_value *groups = td_ldap_attr(&e, "tokenGroups");
    r->who = td_arena_array(r->a, struct td_sid, GROUPS_MAX + TD_COUNTOF(everybody));
    td_try(add_sid(r, td_ldap_get(&e, "objectSid"), err));
    for (size_t i = 0; groups != NULL && i < groups->count; i++)
        td_try(add_sid(r, groups->values[i], err));
    for (size_t i = 0; i < TD_COUNTOF(everybody); i++)
        td_try(td_sid_parse(td_str(everybody[i]), &r->who[r->who_count++], err));
    return TD_OK;
}

/* --- where policies are linked ------------------------------------------------------------------------------------ */

/* What is not shown has no links for this computer; a site that has gone is no reason to fail. */
static enum td_code read_place(const struct reading *r, struct td_gp_place *p, struct td_error *err)
{
    static const char *const attrs[] = {"gPLink", "gPOptions", NULL};
    struct td_ldap_entry e;
    enum td_code rc = read_object(r, p->dn, attrs, 0, &e, err);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    p->links = text_of(r, &e, "gPLink");
    p->blocks = (number_of(&e, "gPOptions", 0) & OPTION_BLOCKS) != 0;
    return TD_OK;
}

static enum td_code read_links(struct reading *r, const char *machine, struct td_gp_link **ret, size_t *ret_count,
                               struct td_error *err)
{
    struct td_gp_place places[TD_GP_MAX_PLACES + 1] = {{.dn = r->site_dn, .links = ""}};
    size_t count = 0, site = r->site_dn[0] != '\0';
    td_try(td_gp_places(machine, r->domain_dn, r->a, places + site, &count, err));
    count += site;
    for (size_t i = 0; i < count; i++)
        td_try(read_place(r, &places[i], err));
    if (site)
        places[0].blocks = false; /* nothing is above it */
    return td_gp_order(places, count, r->a, ret, ret_count, err);
}

/* --- one policy --------------------------------------------------------------------------------------------------- */

static const char *first_name(const struct reading *r, const char *dn)
{
    struct td_slice head;
    (void)td_cut(td_str(dn), ',', &head);
    return td_arena_text(r->a, td_istarts(head, "CN=") ? td_sub(head, 3, head.n) : head);
}

static enum td_code read_policy(const struct reading *r, struct td_domain_policy *p, struct td_error *err)
{
    static const char *const attrs[] = {
        "displayName",    "flags",        "versionNumber",        "gPCFunctionalityVersion",
        "gPCFileSysPath", "gPCWQLFilter", "nTSecurityDescriptor", NULL};
    struct td_gp_object o = {0};
    struct td_ldap_entry e = {0};
    enum td_code rc = read_object(r, p->link.policy, attrs, DACL, &e, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND && rc != TD_EINVAL) /* a link may hold what is no name at all */
        return rc;
    o.found = rc == TD_OK;
    o.functionality = number_of(&e, "gPCFunctionalityVersion", -1);
    o.flags = number_of(&e, "flags", -1);
    o.version = number_of(&e, "versionNumber", -1);
    o.descriptor = td_ldap_get(&e, "nTSecurityDescriptor");
    const char *name = text_of(r, &e, "displayName");
    p->name = name[0] != '\0' ? name : p->name;
    p->file_path = text_of(r, &e, "gPCFileSysPath");
    p->filtered = td_trim(td_ldap_get(&e, "gPCWQLFilter")).n != 0;
    p->version = o.version;
    enum td_gp_verdict verdict = td_gp_judge(&o, r->who, r->who_count, r->a);
    if (td_gp_applies(p->link.verdict))
        p->link.verdict = verdict;
    return TD_OK;
}

static enum td_code fetch(const struct reading *r, const struct td_domain_policy *p, int64_t *ret, struct td_error *err)
{
    const char *share = "", *path = "";
    TD_CLEANUP(td_buf_done) struct td_buf ini;
    td_buf_init(&ini, INI_OCTETS);
    td_try(td_gp_path(p->file_path, r->from->domain, r->from->controller, r->a, &share, &path, err));
    td_try(r->from->file(r->from->ctx, share, td_arena_printf(r->a, "%s\\gpt.ini", path), &ini, err));
    return td_gp_ini_version(td_buf_slice(&ini), ret, err);
}

/* A file that can't be read is told with the policy; the list goes on. */
static void read_file(const struct reading *r, struct td_domain_policy *p)
{
    struct td_error why = {0};
    if (td_gp_applies(p->link.verdict) && fetch(r, p, &p->file_version, &why) != TD_OK) {
        p->file_version = -1;
        p->file_problem = td_arena_printf(r->a, "%s%s%s", why.text, why.remedy[0] != '\0' ? "; " : "", why.remedy);
    }
}

enum td_code td_domain_policies_read(const struct td_domain_source *from, struct td_arena *a,
                                     struct td_domain_policy **ret, size_t *ret_count, struct td_error *err)
{
    struct reading r = {.from = from, .a = a, .domain_dn = "", .config_dn = "", .site_dn = ""};
    const char *machine = "";
    struct td_gp_link *links = NULL;
    size_t count = 0;
    td_try(read_root(&r, err));
    td_try(find_machine(&r, &machine, err));
    td_try(read_groups(&r, machine, err));
    td_try(read_links(&r, machine, &links, &count, err));
    struct td_domain_policy *list = td_arena_array(a, struct td_domain_policy, count + 1);
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct td_domain_policy){.link = links[i],
                                            .name = first_name(&r, links[i].policy),
                                            .file_path = "",
                                            .version = -1,
                                            .file_version = -1,
                                            .file_problem = ""};
        td_try(read_policy(&r, &list[i], err));
    }
    /* What the policies themselves say may still take some out of the row: those go behind, in their order. */
    struct td_domain_policy *sorted = td_arena_array(a, struct td_domain_policy, count + 1);
    size_t n = 0;
    for (int applies = 1; applies >= 0; applies--)
        for (size_t i = 0; i < count; i++)
            if (td_gp_applies(list[i].link.verdict) == (applies != 0))
                sorted[n++] = list[i];
    for (size_t i = 0; i < n; i++)
        read_file(&r, &sorted[i]);
    *ret = sorted;
    *ret_count = n;
    return TD_OK;
}
