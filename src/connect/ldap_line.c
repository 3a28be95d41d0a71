/* The way to a directory server: which address may be gone to, whom it trusts, and how long it waits. */
#include "base/env.h"
#include "base/fault.h"
#include "connect/ldap_room.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

enum { MAX_INCOMING = 16 << 20 };

static bool is_tls(const struct td_ldap_config *c)
{
    return td_istarts(td_str(c->url), "ldaps://");
}

enum td_code td_ldap_config_check(const struct td_ldap_config *c, struct td_error *err)
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
    struct td_ldap_real *r = io->sbiod_pvt;
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
    struct td_ldap_real *r = io->sbiod_pvt;
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

static void limits_set(struct td_ldap_real *r)
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

enum td_code td_ldap_reach(struct td_ldap_real *r, const struct td_ldap_config *c, struct td_error *err)
{
    int rc = ldap_initialize(&r->ld, c->url);
    if (rc != LDAP_SUCCESS)
        return td_fail(err, TD_EINVAL, "url", "it can't be used: %s", ldap_err2string(rc));
    limits_set(r);
    if (is_tls(c) && !trust(r->ld, c->ca_pem))
        return td_fail(err, TD_EINVAL, "ca", "the root certificates can't be read");
    r->told = (struct ldap_conncb){.lc_add = connected, .lc_del = disconnected, .lc_arg = r};
    ldap_set_option(r->ld, LDAP_OPT_CONNECT_CB, &r->told);
    td_ldap_begin(r);
    rc = ldap_connect(r->ld);
    if (rc == LDAP_SUCCESS)
        return TD_OK;
    enum td_code code = td_ldap_refused(r, rc, NULL, "connect", err);
    if (is_tls(c) && r->heard && !r->late) /* it spoke, but not as one that we trust */
        code = td_fail(err, TD_EDENIED, "certificate", "the server's certificate is not trusted, or is another's");
    return code;
}
