/* What an administrator is told by `touchdown connector check`: does the account get in, what is the domain, where may
 * it create computers. Whoever asks the directory for allowedChildClassesEffective gets its own verdict, by all groups
 * and inherited entries ([MS-ADTS] 3.1.1.4.5.21). */
#include "connector/room.h"

#include <stdarg.h>
#include <stdio.h>

enum { MAX_UNITS = 1000, LDAP_SAYS_BAD_DN = 34 };

struct trying {
    const struct td_connector_ad *ad;
    const struct td_connector_world *world;
    void (*tell)(void *ctx, const char *line);
    void *ctx;
    struct td_arena arena;
    enum td_code rc; /* of the first thing that is wrong */
    struct td_error err;
    size_t units; /* in which computers may be created */
    bool told_others;
};

TD_PRINTF(2, 3) static void tell(struct trying *t, const char *fmt, ...)
{
    char line[600];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    t->tell(t->ctx, line);
}

static void wrong(struct trying *t, const char *what, const struct td_error *err)
{
    const struct td_domain_reason_row *row = td_domain_reason_row(td_conn_reason(err));
    tell(t, "  WRONG  %s: %s: %s", what, row->name, err->text);
    tell(t, "         %s", err->remedy[0] != '\0' ? err->remedy : row->remedy);
    if (t->rc == TD_OK) {
        t->rc = err->code;
        t->err = *err;
    }
}

static bool has_class(const struct td_ldap_entry *e, const char *class)
{
    const struct td_ldap_value *v = td_ldap_attr(e, "allowedChildClassesEffective");
    for (size_t i = 0; v != NULL && i < v->count; i++)
        if (td_ieqs(v->values[i], class))
            return true;
    return false;
}

static enum td_code on_unit(void *ctx, const struct td_ldap_entry *e, struct td_error *err TD_UNUSED)
{
    struct trying *t = ctx;
    bool computers = has_class(e, "computer"), people = has_class(e, "user") || has_class(e, "group");
    if (computers) {
        tell(t, "  ok     may create computers in %s", e->dn);
        t->units++;
    }
    if (people && !t->told_others) {
        tell(t, "  more   may create users or groups in %s: it needs no such right", e->dn);
        t->told_others = true;
    }
    return TD_OK;
}

static const char *const classes[] = {"allowedChildClassesEffective", NULL};

static void look_at_all(struct trying *t, const struct td_conn_line *line)
{
    const struct td_ldap_search s = {.base = line->facts.dn,
                                     .filter = "(|(objectClass=organizationalUnit)(objectClass=container))",
                                     .scope = TD_LDAP_SUBTREE,
                                     .attrs = classes,
                                     .page = 200,
                                     .max_rows = MAX_UNITS};
    struct td_error err = {0};
    enum td_code rc = line->ldap->ops->search(line->ldap, &s, &t->arena, on_unit, t, &err);
    if (rc != TD_OK && rc != TD_ELIMIT)
        wrong(t, "units", &err);
    else if (t->units == 0)
        tell(t, "  -      may create computers nowhere: it can check passwords and tell people, but not join devices");
}

static void look_at_one(struct trying *t, const struct td_conn_line *line, const char *dn)
{
    const struct td_ldap_search s = {.base = dn, .filter = "(objectClass=*)", .scope = TD_LDAP_BASE, .attrs = classes};
    struct td_error err = {0};
    size_t before = t->units;
    enum td_code rc = line->ldap->ops->search(line->ldap, &s, &t->arena, on_unit, t, &err);
    if (rc == TD_ENOTFOUND || (rc != TD_OK && line->ldap->last.code == LDAP_SAYS_BAD_DN))
        rc = td_domain_refuse(&err, TD_DJ_NO_OU, dn);
    else if (rc == TD_OK && t->units == before)
        rc = td_domain_refuse(&err, TD_DJ_NO_RIGHT, dn);
    if (rc != TD_OK)
        wrong(t, "unit", &err);
}

static void tell_facts(struct trying *t, const struct td_conn_line *line)
{
    const struct td_ad_domain *d = &line->facts;
    struct td_error err = {0};
    tell(t, "  ok     %s lets %s in", line->url, t->ad->user);
    tell(t, "  ok     %s (%s), forest %s, domain controller %s%s%s", d->dns, d->netbios, d->forest, d->dc_name,
         d->dc_site[0] != '\0' ? ", site " : "", d->dc_site);
    if (d->dc_address[0] == '\0')
        tell(t, "  note   no IPv4 address is known for it: devices must find it by DNS");
    if (d->clock != 0 && td_ad_clock(d, td_now(t->world->env), &err) != TD_OK)
        wrong(t, "clock", &err);
}

static void look_at_secret(struct trying *t, const char *path)
{
    if (!td_conn_is_open(path))
        return;
    tell(t, "  more   %s can be read by everybody on this machine", path);
    tell(t, "         Take that away: chmod 600 %s", path);
}

/* Each address by itself: fail-over is worth something only if all of them work. */
static bool look_at_addresses(struct trying *t, struct td_conn_line *ret)
{
    bool good = false;
    for (size_t i = 0; i < TD_COUNTOF(t->ad->urls) && t->ad->urls[i] != NULL; i++) {
        struct td_connector_ad one = *t->ad;
        struct td_conn_line line = {0};
        struct td_error err = {0};
        size_t url = 0;
        memset(one.urls, 0, sizeof(one.urls));
        one.urls[0] = t->ad->urls[i];
        if (td_conn_reach(&one, t->world, 0, &line, &url, &err) != TD_OK) {
            wrong(t, t->ad->urls[i], &err);
        } else {
            tell_facts(t, &line);
            if (good)
                td_conn_hang_up(&line);
            else
                *ret = line;
            good = true;
        }
    }
    return good;
}

enum td_code td_connector_try(const struct td_connector_ad *ad, const struct td_connector_world *world,
                              const char *const *ou, void (*tell_line)(void *ctx, const char *line), void *ctx,
                              struct td_error *err)
{
    struct trying t = {.ad = ad, .world = world, .tell = tell_line, .ctx = ctx};
    struct td_conn_line line = {0};
    td_arena_init(&t.arena);
    tell(&t, "%s", ad->domain);
    look_at_secret(&t, ad->password_file);
    look_at_secret(&t, ad->keytab);
    if (look_at_addresses(&t, &line)) {
        if (ou == NULL || ou[0] == NULL)
            look_at_all(&t, &line);
        for (size_t i = 0; ou != NULL && ou[i] != NULL; i++)
            look_at_one(&t, &line, ou[i]);
        td_conn_hang_up(&line);
    }
    td_arena_done(&t.arena);
    if (t.rc != TD_OK && err != NULL)
        *err = t.err;
    return t.rc;
}
