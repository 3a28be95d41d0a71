/* Searches, page by page (RFC 2696). */
#include "base/env.h"
#include "connect/ldap_room.h"

#define CONTROL_DELETED "1.2.840.113556.1.4.417"
#define CONTROL_EXTENDED_DN "1.2.840.113556.1.4.529"

static enum td_code page_add(struct td_ldap_real *r, struct td_ldap_controls *c, int page, struct berval *cookie,
                             struct td_error *err)
{
    LDAPControl *made = NULL;
    int rc = ldap_create_page_control(r->ld, page, cookie, 1, &made);
    if (rc != LDAP_SUCCESS)
        return td_ldap_refused(r, rc, NULL, "search", err);
    c->list[c->count++] = made;
    return TD_OK;
}

/* Copies values into the arena; a value over the bound is refused, not cut. */
static enum td_code values_copy(struct berval **from, struct td_arena *a, struct td_ldap_value *ret,
                                struct td_error *err)
{
    size_t n = (size_t)ldap_count_values_len(from);
    struct td_slice *to = td_arena_array(a, struct td_slice, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (from[i]->bv_len > TD_LDAP_MAX_VALUE)
            return td_fail(err, TD_ELIMIT, ret->name, "a value has more than %d octets", TD_LDAP_MAX_VALUE);
        to[i] = td_arena_copy(a, td_bytes(from[i]->bv_val, from[i]->bv_len));
    }
    ret->values = to;
    ret->count = n;
    return TD_OK;
}

static enum td_code entry_copy(struct td_ldap_real *r, LDAPMessage *message, struct td_arena *a,
                               struct td_ldap_entry *ret, struct td_error *err)
{
    BerElement *ber = NULL;
    enum td_code code = TD_OK;
    size_t cap = 0;
    struct td_ldap_value *attrs = NULL;
    char *dn = ldap_get_dn(r->ld, message);
    *ret = (struct td_ldap_entry){.dn = td_arena_strdup(a, dn != NULL ? dn : "")};
    ldap_memfree(dn);
    char *name = ldap_first_attribute(r->ld, message, &ber);
    while (name != NULL && code == TD_OK) {
        struct berval **values = ldap_get_values_len(r->ld, message, name);
        attrs = td_arena_room(a, attrs, ret->attr_count, &cap, sizeof(*attrs));
        attrs[ret->attr_count].name = td_arena_strdup(a, name);
        code = values_copy(values, a, &attrs[ret->attr_count++], err);
        ldap_value_free_len(values);
        ldap_memfree(name);
        name = code == TD_OK ? ldap_next_attribute(r->ld, message, ber) : NULL;
    }
    if (ber != NULL)
        ber_free(ber, 0);
    ret->attrs = attrs;
    return code;
}

struct reading {
    struct td_ldap_real *r;
    const struct td_ldap_search *s;
    struct td_arena *a;
    enum td_code (*row)(void *ctx, const struct td_ldap_entry *e, struct td_error *err);
    void *ctx;
    size_t rows;
};

static enum td_code row_tell(struct reading *g, LDAPMessage *message, struct td_error *err)
{
    struct td_arena own TD_CLEANUP(td_arena_done) = {NULL};
    struct td_ldap_entry e = {0};
    size_t most = g->s->max_rows != 0 ? g->s->max_rows : TD_LDAP_MAX_ROWS;
    if (++g->rows > most)
        return td_fail(err, TD_ELIMIT, "search", "the directory has more than %zu entries of this kind", most);
    td_try(entry_copy(g->r, message, g->a != NULL ? g->a : &own, &e, err));
    return g->row(g->ctx, &e, err);
}

static enum td_code cookie_take(struct td_ldap_real *r, LDAPControl **controls, struct berval *ret,
                                struct td_error *err)
{
    int rc = LDAP_SUCCESS;
    LDAPControl *found = controls != NULL ? ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL) : NULL;
    ber_memfree(ret->bv_val);
    *ret = (struct berval){0, NULL};
    if (found != NULL)
        rc = ldap_parse_pageresponse_control(r->ld, found, NULL, ret);
    return rc == LDAP_SUCCESS ? TD_OK : td_ldap_refused(r, rc, NULL, "search", err);
}

/* What comes for one request: entries, references to other directories (not followed), and the end. Only waiting counts
 * against the time; what row does is the caller's. */
static enum td_code messages_read(struct reading *g, int id, struct berval *cookie, struct td_error *err)
{
    for (;;) {
        LDAPMessage *message = NULL;
        LDAPControl **controls = NULL;
        td_try(td_ldap_next(g->r, id, "search", &message, err));
        if (ldap_msgtype(message) == LDAP_RES_SEARCH_RESULT) {
            enum td_code code = td_ldap_judged(g->r, message, "search", &controls, err);
            if (code == TD_OK)
                code = cookie_take(g->r, controls, cookie, err);
            ldap_controls_free(controls);
            return code;
        }
        enum td_code code = TD_OK;
        int64_t left = g->r->deadline - td_monotonic();
        if (ldap_msgtype(message) == LDAP_RES_SEARCH_ENTRY)
            code = row_tell(g, message, err);
        ldap_msgfree(message);
        g->r->deadline = td_monotonic() + left;
        if (code != TD_OK) {
            ldap_abandon_ext(g->r->ld, id, NULL, NULL);
            return code;
        }
    }
}

static enum td_code page_read(struct reading *g, struct berval *cookie, struct td_error *err)
{
    static const int scopes[] = {LDAP_SCOPE_BASE, LDAP_SCOPE_ONELEVEL, LDAP_SCOPE_SUBTREE};
    struct td_ldap_controls c TD_CLEANUP(td_ldap_controls_done) = {.count = 0};
    const struct td_ldap_search *s = g->s;
    int id = 0;
    if (s->deleted)
        td_ldap_control_add(&c, CONTROL_DELETED, NULL);
    if (s->sd_flags != 0)
        td_ldap_control_number(&c, TD_LDAP_SD_FLAGS, s->sd_flags);
    if (s->extended_dn)
        td_ldap_control_number(&c, CONTROL_EXTENDED_DN, 1);
    if (s->page > 0)
        td_try(page_add(g->r, &c, s->page, cookie, err));
    td_ldap_begin(g->r);
    int rc = ldap_search_ext(g->r->ld, s->base, scopes[s->scope], s->filter, (char **)s->attrs, 0, c.list, NULL, NULL,
                             LDAP_NO_LIMIT, &id);
    return rc != LDAP_SUCCESS ? td_ldap_refused(g->r, rc, NULL, "search", err) : messages_read(g, id, cookie, err);
}

static void cookie_done(struct berval *cookie)
{
    ber_memfree(cookie->bv_val);
}

enum td_code td_ldap_real_search(struct td_ldap *l, const struct td_ldap_search *s, struct td_arena *a,
                                 enum td_code (*row)(void *ctx, const struct td_ldap_entry *e, struct td_error *err),
                                 void *ctx, struct td_error *err)
{
    struct berval cookie TD_CLEANUP(cookie_done) = {0, NULL};
    struct reading g = {td_ldap_real_of(l), s, a, row, ctx, 0};
    for (size_t pages = 0; pages <= TD_LDAP_MAX_ROWS; pages++) {
        td_try(page_read(&g, &cookie, err));
        if (cookie.bv_len == 0)
            return TD_OK;
    }
    return td_fail(err, TD_ELIMIT, "search", "the directory's answer does not end");
}
