#include "base/fault.h"
#include "connector/room.h"

#include <stdio.h>
#include <sys/stat.h>

enum { HOST_MAX = 253, NAME_MAX_CHARS = 64 };

static enum td_code bad(const struct td_connector_ad *ad, const char *key, const char *why, struct td_error *err)
{
    char where[64];
    (void)snprintf(where, sizeof(where), "[domain %.30s] %.20s", ad->domain, key);
    return td_fail(err, TD_EINVAL, where, "%s", why);
}

static bool is_host(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
    return n != 0 && n <= HOST_MAX && s[n] == '\0' && s[0] != '.' && s[0] != '-';
}

static enum td_code check_secret(const struct td_connector_ad *ad, struct td_error *err)
{
    if (ad->user == NULL || ad->user[0] == '\0')
        return bad(ad, "user", "is missing: the account in the domain that the connector works with", err);
    if ((ad->password_file == NULL) == (ad->keytab == NULL))
        return bad(ad, "password-file", "give either password-file or keytab", err);
    if (ad->keytab == NULL && ad->ca_file == NULL)
        return bad(ad, "ca", "is missing: the root of the domain controllers' certificates, in PEM", err);
    if (ad->keytab != NULL && strpbrk(ad->user, "\\,= ") != NULL)
        return bad(ad, "user", "with a keytab it is a principal such as odjsvc or odjsvc@CORP.TEST", err);
    return TD_OK;
}

static enum td_code check_domain(const struct td_connector_ad *ad, struct td_error *err)
{
    if (!is_host(ad->domain) || strchr(ad->domain, '.') == NULL)
        return bad(ad, "", "is not a domain's DNS name", err);
    td_try(check_secret(ad, err));
    const char *scheme = ad->keytab != NULL ? "ldap://" : "ldaps://";
    if (ad->urls[0] == NULL)
        return bad(ad, "url", "is missing: ldaps:// and a domain controller's name", err);
    for (size_t i = 0; i < TD_COUNTOF(ad->urls) && ad->urls[i] != NULL; i++) {
        if (strncmp(ad->urls[i], scheme, strlen(scheme)) == 0 && ad->urls[i][strlen(scheme)] != '\0')
            continue;
        return ad->keytab != NULL
                   ? bad(ad, "url", "with a keytab it begins with ldap://: Kerberos seals the connection itself", err)
                   : bad(ad, "url", "with a password it begins with ldaps://", err);
    }
    return TD_OK;
}

enum td_code td_connector_config_check(const struct td_connector_config *config, struct td_error *err)
{
    if (strncmp(config->server, "https://", 8) != 0 || config->server[8] == '\0')
        return td_fail(err, TD_EINVAL, "server", "is not an address that begins with https://");
    if (config->name[0] == '\0' || strlen(config->name) > NAME_MAX_CHARS)
        return td_fail(err, TD_EINVAL, "[connector] name", "is empty or longer than %d octets", NAME_MAX_CHARS);
    if (config->domain_count == 0)
        return td_fail(err, TD_EINVAL, "[domain ...]", "the configuration names no domain");
    for (size_t i = 0; i < config->domain_count; i++) {
        td_try(check_domain(&config->domains[i], err));
        for (size_t j = 0; j < i; j++)
            if (td_ieqs(td_str(config->domains[i].domain), config->domains[j].domain))
                return bad(&config->domains[i], "", "stands twice", err);
    }
    return TD_OK;
}

bool td_conn_is_open(const char *path)
{
    struct stat st;
    return path != NULL && stat(path, &st) == 0 && (st.st_mode & S_IRWXO) != 0 && !td_fault("connector-open-secret");
}
