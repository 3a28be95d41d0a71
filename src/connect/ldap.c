/* connect/ldap.h by libldap.
 *
 * Whatever files and variables of the system say to libldap (ldap.conf, .ldaprc, LDAPTLS_...), the options that matter
 * are set here for each connection (ldap_line.c): whom to trust, how long to wait, no referrals. */
#include "base/env.h"
#include "connect/ldap_room.h"

#include <gssapi/gssapi_krb5.h>
#include <pthread.h>

#define CONTROL_TREE_DELETE "1.2.840.113556.1.4.805"

enum { WAIT = 10, SD_LIST = 4 };

/* --- answers ------------------------------------------------------------------------------------------------------ */

static enum td_code code_of(int result)
{
    static const struct {
        int result;
        enum td_code code;
    } rows[] = {
        {LDAP_NO_SUCH_OBJECT, TD_ENOTFOUND},
        {LDAP_ALREADY_EXISTS, TD_EEXISTS},
        {LDAP_INVALID_CREDENTIALS, TD_EAUTH},
        {LDAP_INAPPROPRIATE_AUTH, TD_EAUTH},
        {LDAP_STRONG_AUTH_REQUIRED, TD_EAUTH},
        {LDAP_INSUFFICIENT_ACCESS, TD_EDENIED},
        {LDAP_TIMELIMIT_EXCEEDED, TD_EUNAVAILABLE},
        {LDAP_SIZELIMIT_EXCEEDED, TD_ELIMIT},
        {LDAP_ADMINLIMIT_EXCEEDED, TD_ELIMIT},
        {LDAP_BUSY, TD_EUNAVAILABLE},
        {LDAP_UNAVAILABLE, TD_EUNAVAILABLE},
        {LDAP_SERVER_DOWN, TD_EUNAVAILABLE},
        {LDAP_TIMEOUT, TD_EUNAVAILABLE},
        {LDAP_CONNECT_ERROR, TD_EUNAVAILABLE},
        {LDAP_LOCAL_ERROR, TD_EUNAVAILABLE},
        {LDAP_DECODING_ERROR, TD_EFORMAT},
        {LDAP_NO_SUCH_ATTRIBUTE, TD_ESTATE},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (rows[i].result == result)
            return rows[i].code;
    return TD_EINVAL;
}

/* What libldap says when it knows nothing more. */
static bool says_something(const char *text)
{
    return text[0] != '\0' && strcmp(text, "(unknown error code)") != 0;
}

static void printable(char *out, size_t size, const char *text)
{
    size_t n = 0;
    for (; text != NULL && *text != '\0' && n + 1 < size; text++)
        out[n++] = (unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7F ? ' ' : *text;
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

enum td_code td_ldap_refused(struct td_ldap_real *r, int result, const char *text, const char *what,
                             struct td_error *err)
{
    char *noted = NULL;
    struct td_ldap_result *last = &r->base.last;
    if (text == NULL && ldap_get_option(r->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &noted) == LDAP_OPT_SUCCESS)
        text = noted;
    printable(last->text, sizeof(last->text), text);
    ldap_memfree(noted);
    last->code = result;
    last->win32 = td_ldap_win32(last->text);
    enum td_code code =
        td_fail(err, code_of(result), what, "the directory answers %d (%s)%s%s", result, ldap_err2string(result),
                says_something(last->text) ? ": " : "", says_something(last->text) ? last->text : "");
    if (err != NULL && last->win32 != 0 && last->win32 <= 0xFFFF)
        err->hresult = UINT32_C(0x80070000) | last->win32;
    return code;
}

enum td_code td_ldap_judged(struct td_ldap_real *r, LDAPMessage *message, const char *what, LDAPControl ***ret_controls,
                            struct td_error *err)
{
    int result = LDAP_OTHER;
    char *text = NULL;
    int rc = ldap_parse_result(r->ld, message, &result, NULL, &text, NULL, ret_controls, 1);
    if (rc == LDAP_SUCCESS && result == LDAP_SUCCESS) {
        ldap_memfree(text);
        return TD_OK;
    }
    enum td_code code = td_ldap_refused(r, rc != LDAP_SUCCESS ? rc : result, text != NULL ? text : "", what, err);
    ldap_memfree(text);
    return code;
}

enum td_code td_ldap_next(struct td_ldap_real *r, int id, const char *what, LDAPMessage **ret, struct td_error *err)
{
    int64_t left = TD_MAX(r->deadline - td_monotonic(), 0);
    struct timeval wait = {.tv_sec = left / TD_SECOND, .tv_usec = left % TD_SECOND};
    int kind = ldap_result(r->ld, id, LDAP_MSG_ONE, &wait, ret);
    if (kind > 0)
        return TD_OK;
    int noted = LDAP_SERVER_DOWN;
    ldap_get_option(r->ld, LDAP_OPT_RESULT_CODE, &noted);
    if (kind == 0) {
        ldap_abandon_ext(r->ld, id, NULL, NULL);
        noted = LDAP_TIMEOUT;
    }
    return td_ldap_refused(r, noted == LDAP_SUCCESS ? LDAP_SERVER_DOWN : noted, kind == 0 ? "no answer in time" : NULL,
                           what, err);
}

void td_ldap_begin(struct td_ldap_real *r)
{
    r->deadline = td_monotonic() + r->seconds * TD_SECOND;
}

static enum td_code ended(struct td_ldap_real *r, int rc, int id, const char *what, struct td_error *err)
{
    LDAPMessage *message = NULL;
    if (rc != LDAP_SUCCESS)
        return td_ldap_refused(r, rc, NULL, what, err);
    td_try(td_ldap_next(r, id, what, &message, err));
    return td_ldap_judged(r, message, what, NULL, err);
}

/* --- controls ----------------------------------------------------------------------------------------------------- */

void td_ldap_controls_done(struct td_ldap_controls *c)
{
    for (int i = 0; i < c->count; i++)
        ldap_control_free(c->list[i]);
}

void td_ldap_control_add(struct td_ldap_controls *c, const char *oid, struct berval *value)
{
    LDAPControl *made = NULL;
    if (c->count + 1 < TD_LDAP_CONTROLS && ldap_control_create(oid, 1, value, 1, &made) == LDAP_SUCCESS)
        c->list[c->count++] = made;
}

void td_ldap_control_number(struct td_ldap_controls *c, const char *oid, uint32_t number)
{
    char octets[] = {0x30, 3, 2, 1, (char)(number & 0x0F)};
    td_ldap_control_add(c, oid, &(struct berval){sizeof(octets), octets});
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

static const int kinds[] = {LDAP_MOD_ADD, LDAP_MOD_DELETE, LDAP_MOD_REPLACE};

/* libldap's form of a change; it only points to the values. */
static LDAPMod *mod_make(struct td_arena *a, int kind, const struct td_ldap_value *v)
{
    LDAPMod *mod = td_arena_new(a, LDAPMod);
    struct berval *octets = td_arena_array(a, struct berval, v->count + 1);
    struct berval **list = td_arena_array(a, struct berval *, v->count + 1);
    for (size_t i = 0; i < v->count; i++) {
        octets[i] = (struct berval){v->values[i].n, (char *)v->values[i].p};
        list[i] = &octets[i];
    }
    mod->mod_op = kind | LDAP_MOD_BVALUES;
    mod->mod_type = (char *)v->name;
    mod->mod_bvalues = v->count != 0 ? list : NULL;
    return mod;
}

static enum td_code real_add(struct td_ldap *l, const char *dn, const struct td_ldap_value *attrs, size_t count,
                             struct td_error *err)
{
    struct td_arena a TD_CLEANUP(td_arena_done) = {NULL};
    struct td_ldap_real *r = td_ldap_real_of(l);
    LDAPMod **mods = td_arena_array(&a, LDAPMod *, count + 1);
    int id = 0;
    for (size_t i = 0; i < count; i++)
        mods[i] = mod_make(&a, LDAP_MOD_ADD, &attrs[i]);
    td_ldap_begin(r);
    int rc = ldap_add_ext(r->ld, dn, mods, NULL, NULL, &id);
    return ended(r, rc, id, "add", err);
}

static enum td_code real_modify(struct td_ldap *l, const char *dn, const struct td_ldap_change *changes, size_t count,
                                struct td_error *err)
{
    struct td_arena a TD_CLEANUP(td_arena_done) = {NULL};
    struct td_ldap_controls c TD_CLEANUP(td_ldap_controls_done) = {.count = 0};
    struct td_ldap_real *r = td_ldap_real_of(l);
    LDAPMod **mods = td_arena_array(&a, LDAPMod *, count + 1);
    int id = 0;
    for (size_t i = 0; i < count; i++) {
        mods[i] = mod_make(&a, kinds[changes[i].kind], &changes[i].value);
        if (td_ieqs(td_str(changes[i].value.name), "nTSecurityDescriptor"))
            td_ldap_control_number(&c, TD_LDAP_SD_FLAGS, SD_LIST);
    }
    td_ldap_begin(r);
    int rc = ldap_modify_ext(r->ld, dn, mods, c.list, NULL, &id);
    return ended(r, rc, id, "modify", err);
}

static enum td_code real_remove(struct td_ldap *l, const char *dn, bool subtree, struct td_error *err)
{
    struct td_ldap_controls c TD_CLEANUP(td_ldap_controls_done) = {.count = 0};
    struct td_ldap_real *r = td_ldap_real_of(l);
    int id = 0;
    if (subtree)
        td_ldap_control_add(&c, CONTROL_TREE_DELETE, NULL);
    td_ldap_begin(r);
    int rc = ldap_delete_ext(r->ld, dn, c.list, NULL, &id);
    return ended(r, rc, id, "remove", err);
}

static void real_close(struct td_ldap *l)
{
    struct td_ldap_real *r = td_ldap_real_of(l);
    if (r->ld != NULL)
        ldap_unbind_ext(r->ld, NULL, NULL);
    td_free(r);
}

/* --- who we are --------------------------------------------------------------------------------------------------- */

static enum td_code bind_by_password(struct td_ldap_real *r, const struct td_ldap_config *c, struct td_error *err)
{
    int id = 0;
    struct berval secret = {strlen(c->password), (char *)c->password};
    td_ldap_begin(r);
    int rc = ldap_sasl_bind(r->ld, c->user, LDAP_SASL_SIMPLE, &secret, NULL, NULL, &id);
    return ended(r, rc, id, "bind", err);
}

/* What SASL asks while it binds: sasl_interact_t of Cyrus' interface, whose headers are not needed for more. */
struct question {
    unsigned long id; /* 0 ends the list */
    const char *challenge, *prompt, *offered;
    const void *answer;
    unsigned length;
};

/* Nobody is acted for: every name stays what the ticket says. */
static int answer(LDAP *ld, unsigned flags, void *defaults, void *questions)
{
    (void)ld, (void)flags, (void)defaults;
    for (struct question *q = questions; q->id != 0; q++) {
        q->answer = "";
        q->length = 0;
    }
    return LDAP_SUCCESS;
}

/* The cache is named for this thread alone, and for no longer than this. */
static enum td_code bind_by_ticket(struct td_ldap_real *r, const struct td_ldap_config *c, struct td_error *err)
{
    OM_uint32 minor = 0;
    if (gss_krb5_ccache_name(&minor, c->ccache, NULL) != GSS_S_COMPLETE)
        return td_fail(err, TD_EINVAL, "ccache", "it can't be used");
    ldap_set_option(r->ld, LDAP_OPT_X_SASL_SECPROPS, (void *)"minssf=56");
    td_ldap_begin(r);
    int rc = ldap_sasl_interactive_bind_s(r->ld, NULL, "GSSAPI", NULL, NULL, LDAP_SASL_QUIET, answer, NULL);
    gss_krb5_ccache_name(&minor, NULL, NULL);
    if (rc == LDAP_SUCCESS)
        return TD_OK;
    enum td_code code = td_ldap_refused(r, rc, NULL, "bind", err);
    if (strstr(r->base.last.text, "Clock skew") != NULL) {
        r->base.last.win32 = TD_LDAP_CLOCK_SKEW;
        return td_fail(err, TD_EAUTH, "bind", "the clocks are too far apart: %s", r->base.last.text);
    }
    return code;
}

static const struct td_ldap_ops real_ops = {td_ldap_real_search, real_add, real_modify, real_remove, real_close};

/* libldap makes ready what all connections share at its first call, which must not be two at once. */
static void make_ready(void)
{
    int version = 0;
    ldap_get_option(NULL, LDAP_OPT_PROTOCOL_VERSION, &version);
}

static void real_done(struct td_ldap_real **r)
{
    if (*r != NULL)
        real_close(&(*r)->base);
}

enum td_code td_ldap_open(const struct td_ldap_config *config, struct td_ldap **ret, struct td_ldap_result *ret_why,
                          struct td_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct td_ldap_result nothing = {0};
    (void)pthread_once(&once, make_ready);
    ret_why = ret_why != NULL ? ret_why : &nothing;
    *ret_why = (struct td_ldap_result){0};
    td_try(td_ldap_config_check(config, err));
    struct td_ldap_real *r TD_CLEANUP(real_done) = td_new(struct td_ldap_real);
    r->base.ops = &real_ops;
    r->seconds = config->seconds > 0 ? config->seconds : WAIT;
    enum td_code code = td_ldap_reach(r, config, err);
    if (code == TD_OK)
        code = config->ccache != NULL ? bind_by_ticket(r, config, err) : bind_by_password(r, config, err);
    *ret_why = r->base.last;
    if (code == TD_OK)
        *ret = &TD_TAKE(r)->base;
    return code;
}
