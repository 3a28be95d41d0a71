/* What is done for each kind of work (docs/protocol/connector.md 3), on top of connect/ad.h. */
#include "base/encode.h"
#include "base/fault.h"
#include "connector/room.h"
#include "crypto/jose.h"

#include <stdio.h>

static const char *text_of(const struct td_conn_piece *p, const char *member)
{
    const char *s = td_json_str(p->what, member);
    return s != NULL ? s : "";
}

/* 64 characters, so that each is equally likely; every class that a domain's policy may ask for is among them, and
 * 720 bits leave no doubt that all of them occur. */
static void make_password(const struct td_env *env, char ret[TD_CONNECTOR_SECRET + 1])
{
    static const char set[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_.:+=!";
    unsigned char bytes[TD_CONNECTOR_SECRET];
    _Static_assert(sizeof(set) - 1 == 64, "each equally likely");
    td_random_fill(env, bytes, sizeof(bytes));
    for (size_t i = 0; i < TD_CONNECTOR_SECRET; i++)
        ret[i] = set[bytes[i] % 64];
    ret[TD_CONNECTOR_SECRET] = '\0';
    td_wipe(bytes, sizeof(bytes));
}

static enum td_code reuse_of(const struct td_conn_piece *p, enum td_domain_reuse *ret, struct td_error *err)
{
    *ret = td_domain_reuse_parse(text_of(p, "reuse"));
    return *ret != TD_REUSE_COUNT
               ? TD_OK
               : td_domain_refuse(err, TD_DJ_REFUSED, "the work says neither never, own nor any of reuse");
}

/* Roots before the account: what can't be read leaves nothing behind. */
static enum td_code make_account(const struct td_conn_line *line, bool roots, const struct td_ad_computer_wish *wish,
                                 struct td_arena *a, struct td_jsonw *w, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf blob;
    struct td_ad_domain domain = line->facts;
    struct td_ad_computer made = {0};
    struct td_odj_part part = {0};
    char sid[TD_SID_TEXT];
    bool any = false;
    td_buf_init(&blob, TD_ODJ_MAX);
    if (roots || td_fault("connector-roots-unasked"))
        td_try(td_ad_roots(line->ldap, &domain, a, &part, &any, err));
    domain.parts = &part;
    domain.part_count = any;
    td_try(td_ad_computer_make(line->ldap, &domain, wish, a, &made, err));
    td_try(td_ad_blob(&domain, &made, wish->password, &blob, err));
    td_jsonw_kstr(w, "accountGuid", made.guid);
    td_jsonw_kstr(w, "accountSid", td_sid_text(&made.sid, sid));
    td_jsonw_kstr(w, "accountDn", made.dn);
    td_jsonw_kbool(w, "existed", made.existed);
    td_jsonw_kstr(w, "blob", td_b64(a, td_buf_slice(&blob)));
    return TD_OK;
}

enum td_code td_conn_join(struct td_connector_state *c, const struct td_conn_line *line, const struct td_conn_piece *p,
                          struct td_jsonw *w, struct td_error *err)
{
    TD_CLEANUP(td_arena_wipe) struct td_arena a;
    char password[TD_CONNECTOR_SECRET + 1];
    struct td_ad_computer_wish wish = {.name = text_of(p, "name"),
                                       .ou = text_of(p, "ou"),
                                       .registration = text_of(p, "registration"),
                                       .job = text_of(p, "job"),
                                       .attempt = p->attempt,
                                       .password = password};
    td_arena_init(&a);
    if (wish.name[0] == '\0' || wish.registration[0] == '\0' || wish.job[0] == '\0')
        return td_domain_refuse(err, TD_DJ_REFUSED, "the work names no computer, registration or job");
    td_try(reuse_of(p, &wish.reuse, err));
    make_password(c->world->env, password);
    const bool roots = c->config->domains[td_conn_domain(c, p->domain)].roots;
    enum td_code rc = make_account(line, roots, &wish, &a, w, err);
    td_wipe(password, sizeof(password));
    return rc;
}

/* An account that is gone is as good as disabled or deleted. */
static enum td_code gone_is_fine(enum td_code rc)
{
    return rc == TD_ENOTFOUND && !td_fault("connector-gone-is-wrong") ? TD_OK : rc;
}

enum td_code td_conn_disable(struct td_connector_state *c TD_UNUSED, const struct td_conn_line *line,
                             const struct td_conn_piece *p, struct td_jsonw *w TD_UNUSED, struct td_error *err)
{
    return gone_is_fine(td_ad_computer_disable(line->ldap, &line->facts, text_of(p, "accountGuid"), err));
}

enum td_code td_conn_delete(struct td_connector_state *c TD_UNUSED, const struct td_conn_line *line,
                            const struct td_conn_piece *p, struct td_jsonw *w TD_UNUSED, struct td_error *err)
{
    return gone_is_fine(td_ad_computer_delete(line->ldap, &line->facts, text_of(p, "accountGuid"), err));
}

struct person {
    const struct td_connector_world *world;
    const struct td_connector_ad *ad;
    const char *url;
};

static enum td_code bind_person(void *ctx, const char *user, const char *password, struct td_ldap_result *ret_why,
                                struct td_error *err)
{
    const struct person *at = ctx;
    return at->world->bind(at->world->ctx, at->ad, at->url, user, password, ret_why, err);
}

enum td_code td_conn_password(struct td_connector_state *c, const struct td_conn_line *line,
                              const struct td_conn_piece *p, struct td_jsonw *w, struct td_error *err)
{
    TD_CLEANUP(td_arena_wipe) struct td_arena a;
    struct td_slice plain = {0};
    struct td_ad_object who = {.upn = ""};
    struct person at = {c->world, &c->config->domains[td_conn_domain(c, p->domain)], line->url};
    td_arena_init(&a);
    if (td_jwe_open(c->secrets, p->id, c->id, td_str(text_of(p, "secret")), &a, &plain, err) != TD_OK)
        return td_domain_refuse(err, TD_DJ_REFUSED, "the secret was not made for this question and this connector");
    const char *password = td_arena_text(&a, plain); /* the arena is wiped */
    if ((plain.n == 0 || strlen(password) != plain.n) && !td_fault("connector-cuts-password"))
        return td_domain_refuse(err, TD_DJ_WRONG, "a password is neither empty nor holds a zero");
    td_try(td_ad_password(line->ldap, &line->facts, text_of(p, "upn"), password, bind_person, &at, &a, &who, err));
    td_jsonw_kstr(w, "guid", who.guid);
    td_jsonw_kstr(w, "sid", who.sid);
    td_jsonw_kstr(w, "upn", who.upn);
    td_jsonw_kstr(w, "sam", who.sam);
    td_jsonw_kstr(w, "name", who.name);
    td_jsonw_kstr(w, "mail", who.mail);
    return TD_OK;
}

enum td_code td_conn_computer(struct td_connector_state *c TD_UNUSED, const struct td_conn_line *line,
                              const struct td_conn_piece *p, struct td_jsonw *w, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    struct td_ad_computer found = {0};
    char sid[TD_SID_TEXT];
    td_arena_init(&a);
    enum td_code rc = td_ad_computer_find(line->ldap, &line->facts, text_of(p, "accountGuid"), &a, &found, err);
    if (rc == TD_ENOTFOUND)
        return td_domain_refuse(err, TD_DJ_NOT_REGISTERED, "the domain has no such account");
    td_try(rc);
    td_jsonw_kstr(w, "accountSid", td_sid_text(&found.sid, sid));
    td_jsonw_kbool(w, "enabled", found.enabled || td_fault("connector-computer-enabled"));
    td_jsonw_key(w, "certificates");
    td_jsonw_arr(w);
    for (size_t i = 0; i < found.certificate_count; i++)
        td_jsonw_str(w, td_b64(&a, found.certificates[i]));
    td_jsonw_arr_end(w);
    return TD_OK;
}
