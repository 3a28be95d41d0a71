/* connect/ldap.h by libldap.
 *
 * Whatever files and variables of the system say to libldap (ldap.conf, .ldaprc, LDAPTLS_...), the options that matter
 * are set here for each connection: whom to trust, how long to wait, no referrals. */
#include "connect/ldap.h"

#include "base/env.h"
#include "base/fault.h"

#include <errno.h>
#include <gssapi/gssapi_krb5.h>
#include <ldap.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define CONTROL_DELETED "1.2.840.113556.1.4.417"
#define CONTROL_SD_FLAGS "1.2.840.113556.1.4.801"
#define CONTROL_EXTENDED_DN "1.2.840.113556.1.4.529"
#define CONTROL_TREE_DELETE "1.2.840.113556.1.4.805"

enum { WAIT = 10, MAX_INCOMING = 16 << 20, CONTROLS = 5, CLOCK_SKEW = 1398, SD_LIST = 4 };

struct real {
    struct td_ldap base;
    LDAP *ld;
    int seconds;
    int64_t deadline;        /* of the operation that runs; monotonic */
    bool heard, late;        /* it said something at all; it did not answer in time */
    struct ldap_conncb told; /* libldap calls it as long as the connection lives */
};

/* --- how it said no ----------------------------------------------------------------------------------------------- */

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

/* Keeps the result of a call and makes the error of it. text: the server's, or NULL for what libldap has noted. */
static enum td_code refused(struct real *r, int result, const char *text, const char *what, struct td_error *err)
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

static struct real *real_of(struct td_ldap *l)
{
    return (struct real *)l;
}

/* The result message of an operation: TD_OK, or what it says. Frees it. */
static enum td_code judged(struct real *r, LDAPMessage *message, const char *what, LDAPControl ***ret_controls,
                           struct td_error *err)
{
    int result = LDAP_OTHER;
    char *text = NULL;
    int rc = ldap_parse_result(r->ld, message, &result, NULL, &text, NULL, ret_controls, 1);
    if (rc == LDAP_SUCCESS && result == LDAP_SUCCESS) {
        ldap_memfree(text);
        return TD_OK;
    }
    enum td_code code = refused(r, rc != LDAP_SUCCESS ? rc : result, text != NULL ? text : "", what, err);
    ldap_memfree(text);
    return code;
}

/* The next message of an operation, for as long as its deadline allows. */
static enum td_code next_message(struct real *r, int id, const char *what, LDAPMessage **ret, struct td_error *err)
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
    return refused(r, noted == LDAP_SUCCESS ? LDAP_SERVER_DOWN : noted, kind == 0 ? "no answer in time" : NULL, what,
                   err);
}

/* Before each operation: all that it waits for is bounded together. */
static void begin(struct real *r)
{
    r->deadline = td_monotonic() + r->seconds * TD_SECOND;
}

static enum td_code ended(struct real *r, int rc, int id, const char *what, struct td_error *err)
{
    LDAPMessage *message = NULL;
    if (rc != LDAP_SUCCESS)
        return refused(r, rc, NULL, what, err);
    td_try(next_message(r, id, what, &message, err));
    return judged(r, message, what, NULL, err);
}

/* --- search ------------------------------------------------------------------------------------------------------- */

struct controls {
    LDAPControl *list[CONTROLS];
    int count;
};

static void controls_done(struct controls *c)
{
    for (int i = 0; i < c->count; i++)
        ldap_control_free(c->list[i]);
}

static void control_add(struct controls *c, const char *oid, struct berval *value)
{
    LDAPControl *made = NULL;
    if (c->count + 1 < CONTROLS && ldap_control_create(oid, 1, value, 1, &made) == LDAP_SUCCESS)
        c->list[c->count++] = made;
}

/* The value of both is SEQUENCE { INTEGER }: parts of a security descriptor; the form of a DN's GUID (1: text). */
static void number_add(struct controls *c, const char *oid, uint32_t number)
{
    char octets[] = {0x30, 3, 2, 1, (char)(number & 0x0F)};
    control_add(c, oid, &(struct berval){sizeof(octets), octets});
}

static enum td_code page_add(struct real *r, struct controls *c, int page, struct berval *cookie, struct td_error *err)
{
    LDAPControl *made = NULL;
    int rc = ldap_create_page_control(r->ld, page, cookie, 1, &made);
    if (rc != LDAP_SUCCESS)
        return refused(r, rc, NULL, "search", err);
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

static enum td_code entry_copy(struct real *r, LDAPMessage *message, struct td_arena *a, struct td_ldap_entry *ret,
                               struct td_error *err)
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
    struct real *r;
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

static enum td_code cookie_take(struct real *r, LDAPControl **controls, struct berval *ret, struct td_error *err)
{
    int rc = LDAP_SUCCESS;
    LDAPControl *found = controls != NULL ? ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL) : NULL;
    ber_memfree(ret->bv_val);
    *ret = (struct berval){0, NULL};
    if (found != NULL)
        rc = ldap_parse_pageresponse_control(r->ld, found, NULL, ret);
    return rc == LDAP_SUCCESS ? TD_OK : refused(r, rc, NULL, "search", err);
}

/* What comes for one request: entries, references to other directories (not followed), and the end. Only waiting counts
 * against the time; what row does is the caller's. */
static enum td_code messages_read(struct reading *g, int id, struct berval *cookie, struct td_error *err)
{
    for (;;) {
        LDAPMessage *message = NULL;
        LDAPControl **controls = NULL;
        td_try(next_message(g->r, id, "search", &message, err));
        if (ldap_msgtype(message) == LDAP_RES_SEARCH_RESULT) {
            enum td_code code = judged(g->r, message, "search", &controls, err);
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
    struct controls c TD_CLEANUP(controls_done) = {.count = 0};
    const struct td_ldap_search *s = g->s;
    int id = 0;
    if (s->deleted)
        control_add(&c, CONTROL_DELETED, NULL);
    if (s->sd_flags != 0)
        number_add(&c, CONTROL_SD_FLAGS, s->sd_flags);
    if (s->extended_dn)
        number_add(&c, CONTROL_EXTENDED_DN, 1);
    if (s->page > 0)
        td_try(page_add(g->r, &c, s->page, cookie, err));
    begin(g->r);
    int rc = ldap_search_ext(g->r->ld, s->base, scopes[s->scope], s->filter, (char **)s->attrs, 0, c.list, NULL, NULL,
                             LDAP_NO_LIMIT, &id);
    return rc != LDAP_SUCCESS ? refused(g->r, rc, NULL, "search", err) : messages_read(g, id, cookie, err);
}

static void cookie_done(struct berval *cookie)
{
    ber_memfree(cookie->bv_val);
}

static enum td_code real_search(struct td_ldap *l, const struct td_ldap_search *s, struct td_arena *a,
                                enum td_code (*row)(void *ctx, const struct td_ldap_entry *e, struct td_error *err),
                                void *ctx, struct td_error *err)
{
    struct berval cookie TD_CLEANUP(cookie_done) = {0, NULL};
    struct reading g = {real_of(l), s, a, row, ctx, 0};
    for (size_t pages = 0; pages <= TD_LDAP_MAX_ROWS; pages++) {
        td_try(page_read(&g, &cookie, err));
        if (cookie.bv_len == 0)
            return TD_OK;
    }
    return td_fail(err, TD_ELIMIT, "search", "the directory's answer does not end");
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
    struct real *r = real_of(l);
    LDAPMod **mods = td_arena_array(&a, LDAPMod *, count + 1);
    int id = 0;
    for (size_t i = 0; i < count; i++)
        mods[i] = mod_make(&a, LDAP_MOD_ADD, &attrs[i]);
    begin(r);
    int rc = ldap_add_ext(r->ld, dn, mods, NULL, NULL, &id);
    return ended(r, rc, id, "add", err);
}

static enum td_code real_modify(struct td_ldap *l, const char *dn, const struct td_ldap_change *changes, size_t count,
                                struct td_error *err)
{
    struct td_arena a TD_CLEANUP(td_arena_done) = {NULL};
    struct controls c TD_CLEANUP(controls_done) = {.count = 0};
    struct real *r = real_of(l);
    LDAPMod **mods = td_arena_array(&a, LDAPMod *, count + 1);
    int id = 0;
    for (size_t i = 0; i < count; i++) {
        mods[i] = mod_make(&a, kinds[changes[i].kind], &changes[i].value);
        if (td_ieqs(td_str(changes[i].value.name), "nTSecurityDescriptor"))
            number_add(&c, CONTROL_SD_FLAGS, SD_LIST);
    }
    begin(r);
    int rc = ldap_modify_ext(r->ld, dn, mods, c.list, NULL, &id);
    return ended(r, rc, id, "modify", err);
}

static enum td_code real_remove(struct td_ldap *l, const char *dn, bool subtree, struct td_error *err)
{
    struct controls c TD_CLEANUP(controls_done) = {.count = 0};
    struct real *r = real_of(l);
    int id = 0;
    if (subtree)
        control_add(&c, CONTROL_TREE_DELETE, NULL);
    begin(r);
    int rc = ldap_delete_ext(r->ld, dn, c.list, NULL, &id);
    return ended(r, rc, id, "remove", err);
}

static void real_close(struct td_ldap *l)
{
    struct real *r = real_of(l);
    if (r->ld != NULL)
        ldap_unbind_ext(r->ld, NULL, NULL);
    td_free(r);
}

/* --- connection --------------------------------------------------------------------------------------------------- */

static bool is_tls(const struct td_ldap_config *c)
{
    return td_istarts(td_str(c->url), "ldaps://");
}

/* One host, no path, and never a password in clear. */
static enum td_code config_check(const struct td_ldap_config *c, struct td_error *err)
{
    bool plain = td_istarts(td_str(c->url), "ldap://");
    struct td_slice host = td_sub(td_str(c->url), is_tls(c) ? 8 : 7, SIZE_MAX);
    if (!is_tls(c) && !plain)
        return td_fail(err, TD_EINVAL, "url", "it begins neither with ldaps:// nor with ldap://");
    if (host.n == 0 || strpbrk(host.p, " /?,") != NULL)
        return td_fail(err, TD_EINVAL, "url", "behind ldaps:// stands one host and nothing else");
    if (is_tls(c) && c->ca_pem.n == 0)
        return td_fail(err, TD_EINVAL, "ca", "without a root certificate no server can be trusted");
    if (c->ccache != NULL && is_tls(c)) /* domain-join-and-tpm.md 1.3, 8 */
        return td_fail(err, TD_EINVAL, "url", "with a ticket it begins with ldap://: Kerberos seals the line itself");
    if (c->ccache != NULL)
        return TD_OK;
    if (plain && !td_fault("ldap-clear"))
        return td_remedy(err, td_fail(err, TD_EINVAL, "url", "by ldap:// the password would go in clear"),
                         "Use ldaps://, or a keytab instead of the password.");
    if (c->user == NULL || c->user[0] == '\0' || c->password == NULL || c->password[0] == '\0')
        return td_fail(err, TD_EINVAL, "password", "an empty name or password proves nothing");
    return TD_OK;
}

/* --- a layer between TCP and TLS that waits no longer than it may: libldap has limits of time for everything but the
 * handshake, which its GnuTLS side would try for ever. */

static int wait_setup(Sockbuf_IO_Desc *io, void *arg)
{
    io->sbiod_pvt = arg;
    return 0;
}

static int wait_remove(Sockbuf_IO_Desc *io)
{
    (void)io;
    return 0;
}

static int wait_ctrl(Sockbuf_IO_Desc *io, int option, void *arg)
{
    return LBER_SBIOD_CTRL_NEXT(io, option, arg);
}

static bool wait_ready(Sockbuf_IO_Desc *io, short events)
{
    struct real *r = io->sbiod_pvt;
    ber_socket_t fd = -1;
    ber_sockbuf_ctrl(io->sbiod_sb, LBER_SB_OPT_GET_FD, &fd);
    struct pollfd p = {.fd = fd, .events = events};
    int64_t left = TD_MAX(r->deadline - td_monotonic(), 0);
    int ready = poll(&p, 1, (int)((left + 999) / 1000));
    if (ready > 0)
        return true;
    r->late = true;
    errno = ETIMEDOUT;
    return false;
}

static ber_slen_t wait_read(Sockbuf_IO_Desc *io, void *buf, ber_len_t len)
{
    struct real *r = io->sbiod_pvt;
    if (!wait_ready(io, POLLIN))
        return -1;
    ber_slen_t n = LBER_SBIOD_READ_NEXT(io, buf, len);
    r->heard = r->heard || n > 0;
    return n;
}

static ber_slen_t wait_write(Sockbuf_IO_Desc *io, void *buf, ber_len_t len)
{
    return wait_ready(io, POLLOUT) ? LBER_SBIOD_WRITE_NEXT(io, buf, len) : -1;
}

static int wait_close(Sockbuf_IO_Desc *io)
{
    (void)io;
    return 0;
}

static const Sockbuf_IO wait_io = {wait_setup, wait_remove, wait_ctrl, wait_read, wait_write, wait_close};
enum { WAIT_LEVEL = (LBER_SBIOD_LEVEL_PROVIDER + LBER_SBIOD_LEVEL_TRANSPORT) / 2 };

static int connected(LDAP *ld, Sockbuf *sb, LDAPURLDesc *url, struct sockaddr *address, struct ldap_conncb *cb)
{
    (void)ld, (void)url, (void)address;
    return ber_sockbuf_add_io(sb, (Sockbuf_IO *)(uintptr_t)&wait_io, WAIT_LEVEL, cb->lc_arg) == 0 ? LDAP_SUCCESS
                                                                                                  : LDAP_LOCAL_ERROR;
}

static void disconnected(LDAP *ld, Sockbuf *sb, struct ldap_conncb *cb)
{
    (void)ld, (void)sb, (void)cb;
}

static void anchors_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Anchors are ours alone. libldap wants a file, so it gets one that has no name and is gone when it was read. */
static bool trust(LDAP *ld, struct td_slice ca_pem)
{
    int fd TD_CLEANUP(anchors_close) = memfd_create("anchors", MFD_CLOEXEC);
    int demand = LDAP_OPT_X_TLS_DEMAND, none = LDAP_OPT_X_TLS_CRL_NONE, least = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
    int client = 0;
    char path[64] = "";
    static const int files[] = {LDAP_OPT_X_TLS_CACERTDIR, LDAP_OPT_X_TLS_CERTFILE, LDAP_OPT_X_TLS_KEYFILE,
                                LDAP_OPT_X_TLS_CRLFILE};
    if (td_search(ca_pem, TD_S("-----BEGIN CERTIFICATE-----")) == SIZE_MAX) /* it would trust nobody, and not say why */
        return false;
    if (fd < 0 || write(fd, ca_pem.p, ca_pem.n) != (ssize_t)ca_pem.n)
        return false;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    for (size_t i = 0; i < TD_COUNTOF(files); i++)
        ldap_set_option(ld, files[i], NULL);
    ldap_set_option(ld, LDAP_OPT_X_TLS_CRLCHECK, &none); /* of OpenSSL alone, as others above of GnuTLS */
    return ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, path) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &least) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client) == LDAP_OPT_SUCCESS;
}

static void limits_set(struct real *r)
{
    int version = LDAP_VERSION3;
    struct timeval wait = {.tv_sec = r->seconds};
    ber_len_t most = MAX_INCOMING;
    Sockbuf *sb = NULL;
    ldap_set_option(r->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
    ldap_set_option(r->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    ldap_set_option(r->ld, LDAP_OPT_NETWORK_TIMEOUT, &wait);
    ldap_set_option(r->ld, LDAP_OPT_TIMEOUT, &wait);
    ldap_set_option(r->ld, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON);
    if (ldap_get_option(r->ld, LDAP_OPT_SOCKBUF, (void *)&sb) == LDAP_OPT_SUCCESS)
        ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &most);
}

static enum td_code reach(struct real *r, const struct td_ldap_config *c, struct td_error *err)
{
    int rc = ldap_initialize(&r->ld, c->url);
    if (rc != LDAP_SUCCESS)
        return td_fail(err, TD_EINVAL, "url", "it can't be used: %s", ldap_err2string(rc));
    limits_set(r);
    if (is_tls(c) && !trust(r->ld, c->ca_pem))
        return td_fail(err, TD_EINVAL, "ca", "the root certificates can't be read");
    r->told = (struct ldap_conncb){.lc_add = connected, .lc_del = disconnected, .lc_arg = r};
    ldap_set_option(r->ld, LDAP_OPT_CONNECT_CB, &r->told);
    begin(r);
    rc = ldap_connect(r->ld);
    if (rc == LDAP_SUCCESS)
        return TD_OK;
    enum td_code code = refused(r, rc, NULL, "connect", err);
    if (is_tls(c) && r->heard && !r->late) /* it spoke, but not as one that we trust */
        code = td_fail(err, TD_EDENIED, "certificate", "the server's certificate is not trusted, or is another's");
    return code;
}

/* --- who we are --------------------------------------------------------------------------------------------------- */

static enum td_code bind_by_password(struct real *r, const struct td_ldap_config *c, struct td_error *err)
{
    int id = 0;
    struct berval secret = {strlen(c->password), (char *)c->password};
    begin(r);
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
static enum td_code bind_by_ticket(struct real *r, const struct td_ldap_config *c, struct td_error *err)
{
    OM_uint32 minor = 0;
    if (gss_krb5_ccache_name(&minor, c->ccache, NULL) != GSS_S_COMPLETE)
        return td_fail(err, TD_EINVAL, "ccache", "it can't be used");
    ldap_set_option(r->ld, LDAP_OPT_X_SASL_SECPROPS, (void *)"minssf=56");
    begin(r);
    int rc = ldap_sasl_interactive_bind_s(r->ld, NULL, "GSSAPI", NULL, NULL, LDAP_SASL_QUIET, answer, NULL);
    gss_krb5_ccache_name(&minor, NULL, NULL);
    if (rc == LDAP_SUCCESS)
        return TD_OK;
    enum td_code code = refused(r, rc, NULL, "bind", err);
    if (strstr(r->base.last.text, "Clock skew") != NULL) {
        r->base.last.win32 = CLOCK_SKEW;
        return td_fail(err, TD_EAUTH, "bind", "the clocks are too far apart: %s", r->base.last.text);
    }
    return code;
}

static const struct td_ldap_ops real_ops = {real_search, real_add, real_modify, real_remove, real_close};

/* libldap makes ready what all connections share at its first call, which must not be two at once. */
static void make_ready(void)
{
    int version = 0;
    ldap_get_option(NULL, LDAP_OPT_PROTOCOL_VERSION, &version);
}

static void real_done(struct real **r)
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
    td_try(config_check(config, err));
    struct real *r TD_CLEANUP(real_done) = td_new(struct real);
    r->base.ops = &real_ops;
    r->seconds = config->seconds > 0 ? config->seconds : WAIT;
    enum td_code code = reach(r, config, err);
    if (code == TD_OK)
        code = config->ccache != NULL ? bind_by_ticket(r, config, err) : bind_by_password(r, config, err);
    *ret_why = r->base.last;
    if (code == TD_OK)
        *ret = &TD_TAKE(r)->base;
    return code;
}
