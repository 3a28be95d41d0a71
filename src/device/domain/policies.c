/* Group policies of the domain that apply to this computer, with the machine's own ticket (autopilot.md S09). Applying
 * what stands in them is Windows' part: here they are listed, in their order, and the versions of directory and file
 * share are compared. */
#include "device/domain/policies.h"

#include "codec/json.h"
#include "connect/smb.h"
#include "device/domain/room.h"

#include <inttypes.h>
#include <stdio.h>

enum { KEPT_OCTETS = 65536, FILE_SECONDS = 10, DETAIL = 400 };

/* --- telling ------------------------------------------------------------------------------------------------------ */

static const char *detail(const struct td_domain_policy *p, char buf[DETAIL])
{
    const char *filter = p->filtered ? "; a WMI filter is on it, which Windows judges" : "";
    if (p->file_version < 0)
        (void)snprintf(buf, DETAIL, "version %" PRId64 "; its file was not read: %.240s%s", p->version, p->file_problem,
                       filter);
    else if (p->file_version != p->version)
        (void)snprintf(buf, DETAIL,
                       "version %" PRId64 " in the directory, %" PRId64 " in its file: not replicated yet%s",
                       p->version, p->file_version, filter);
    else
        (void)snprintf(buf, DETAIL, "version %" PRId64 "%s", p->version, filter);
    return buf;
}

static void keep(struct td_device *dev, const struct td_domain_policy *list, size_t count)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    struct td_jsonw w;
    td_buf_init(&text, KEPT_OCTETS);
    td_jsonw_init(&w, &text);
    td_jsonw_arr(&w);
    for (size_t i = 0; i < count && i < TD_DOMAIN_POLICIES_KEPT; i++) {
        const struct td_domain_policy *p = &list[i];
        td_jsonw_obj(&w);
        td_jsonw_key(&w, "name");
        td_jsonw_str(&w, p->name);
        td_jsonw_key(&w, "policy");
        td_jsonw_str(&w, p->link.policy);
        td_jsonw_key(&w, "place");
        td_jsonw_str(&w, p->link.place);
        td_jsonw_key(&w, "enforced");
        td_jsonw_bool(&w, p->link.enforced);
        td_jsonw_key(&w, "applies");
        td_jsonw_bool(&w, td_gp_applies(p->link.verdict));
        td_jsonw_key(&w, "verdict");
        td_jsonw_str(&w, td_gp_word(p->link.verdict));
        td_jsonw_key(&w, "version");
        td_jsonw_int(&w, p->version);
        td_jsonw_key(&w, "fileVersion");
        td_jsonw_int(&w, p->file_version);
        td_jsonw_end(&w);
    }
    td_jsonw_arr_end(&w);
    td_state_set(dev->state, "domain.gpos", text.failed ? "[]" : text.p);
}

void td_domain_policies_tell(struct td_device *dev, const struct td_domain_policy *list, size_t count)
{
    char buf[DETAIL];
    for (size_t i = 0; i < count; i++) {
        const struct td_domain_policy *p = &list[i];
        const char *enforced = p->link.enforced ? ", enforced" : "";
        if (!td_gp_applies(p->link.verdict))
            td_device_say(dev, "gpo", "-  %s (%s%s): not applied: %s", p->name, p->link.place, enforced,
                          td_gp_text(p->link.verdict));
        else
            td_device_say(dev, "gpo", "%zu. %s (%s%s): %s%s", i + 1, p->name, p->link.place, enforced,
                          p->link.verdict == TD_GP_EMPTY ? "holds nothing for computers; " : "", detail(p, buf));
    }
    keep(dev, list, count);
}

/* --- reading with the machine's ticket ---------------------------------------------------------------------------- */

struct share {
    struct td_device *dev;
    struct td_arena *a;
    const char *host;
    struct td_krb_realm realm;
    bool has_ticket;
};

/* One ticket for the file server, asked for at the first file, of the controller whose directory was read. */
static enum td_code read_share(void *ctx, const char *share, const char *path, struct td_buf *out, struct td_error *err)
{
    struct share *s = ctx;
    const char *ccache = td_arena_printf(s->a, "FILE:%s", td_device_path(s->dev, s->a, TD_DOMAIN_CCACHE));
    if (!s->has_ticket)
        td_try(td_krb_service(&s->realm, ccache, td_arena_printf(s->a, "cifs/%s", s->host), err));
    s->has_ticket = true;
    const struct td_smb_file file = {.host = s->host,
                                     .share = share,
                                     .path = path,
                                     .realm = s->realm.realm,
                                     .ccache = ccache,
                                     .patience = FILE_SECONDS * TD_SECOND};
    return td_smb_read(&file, out, err);
}

static enum td_code look(struct td_device *dev, struct td_arena *a, struct td_error *err)
{
    TD_CLEANUP(td_domain_close) struct td_ldap *ldap = NULL;
    struct td_domain_policy *list = NULL;
    size_t count = 0;
    const char *domain = td_arena_strdup(a, td_domain_get(dev, "domain.name"));
    struct td_domain_turn t = {.dev = dev, .a = a};
    td_try(td_domain_open(&t, &ldap, err));
    struct share share = {.dev = dev, .a = a, .host = t.host[0] != '\0' ? t.host : domain, .realm = t.realm};
    const struct td_domain_source from = {.ldap = ldap,
                                          .machine = td_domain_principal(dev, a),
                                          .domain = domain,
                                          .controller = share.host,
                                          .site = td_arena_strdup(a, td_domain_get(dev, "domain.site")),
                                          .file = read_share,
                                          .ctx = &share};
    td_try(td_domain_policies_read(&from, a, &list, &count, err));
    td_domain_policies_tell(dev, list, count);
    if (count == 0)
        td_device_say(dev, "gpo", "no policy is linked above this computer");
    return TD_OK;
}

/* A list that can't be read keeps nobody from the desktop, as with Windows: it is told, and read again later. */
enum td_code td_domain_policies(struct td_device *dev, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_error why = {0};
    bool read = look(dev, &a, &why) == TD_OK;
    td_state_set(dev->state, "domain.gpos_problem", read ? NULL : why.text);
    if (!read)
        td_device_say(dev, "gpo", "policies of the domain were not read: %s", why.text);
    return td_state_save(dev->state, err);
}
