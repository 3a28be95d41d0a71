#include "app/connector_config.h"

#include "base/file.h"
#include "codec/ini.h"

#include <unistd.h>

enum { MAX_FILE = 1 << 20 };

struct reading {
    struct td_connector_file *file;
    struct td_arena *arena;
};

static enum td_code set_connector(struct td_connector_file *f, const char *key, const char *value, struct td_error *err)
{
    const struct td_ini_text texts[] = {
        {"name", &f->config.name}, {"server", &f->config.server}, {"ca", &f->ca}, {"state", &f->config.dir}};
    return td_ini_put(texts, TD_COUNTOF(texts), key, value) ? TD_OK : td_fail(err, TD_EINVAL, "", "no such key");
}

static enum td_code add_url(struct td_connector_ad *ad, const char *value, struct td_error *err)
{
    for (size_t i = 0; i < TD_COUNTOF(ad->urls); i++)
        if (ad->urls[i] == NULL) {
            ad->urls[i] = value;
            return TD_OK;
        }
    return td_fail(err, TD_ELIMIT, "", "more than %zu addresses of one domain", TD_COUNTOF(ad->urls));
}

static enum td_code set_roots(struct td_connector_ad *ad, const char *value, struct td_error *err)
{
    ad->roots = strcmp(value, "yes") == 0;
    return ad->roots || strcmp(value, "no") == 0 ? TD_OK : td_fail(err, TD_EINVAL, "", "must be yes or no");
}

static enum td_code set_domain(struct td_connector_ad *ad, const char *key, const char *value, struct td_error *err)
{
    const struct td_ini_text texts[] = {{"ca", &ad->ca_file},
                                        {"user", &ad->user},
                                        {"password-file", &ad->password_file},
                                        {"keytab", &ad->keytab},
                                        {"kdc", &ad->kdc}};
    if (strcmp(key, "url") == 0)
        return add_url(ad, value, err);
    if (strcmp(key, "roots") == 0)
        return set_roots(ad, value, err);
    return td_ini_put(texts, TD_COUNTOF(texts), key, value) ? TD_OK : td_fail(err, TD_EINVAL, "", "no such key");
}

/* A section of a name that was not met yet is a further domain. */
static enum td_code in_domain(struct reading *r, const char *section, const char *key, const char *value,
                              struct td_error *err)
{
    struct td_connector_config *c = &r->file->config;
    char *name = td_arena_text(r->arena, td_trim(td_str(section + strlen("domain "))));
    td_lower(name);
    for (size_t i = 0; i < c->domain_count; i++)
        if (strcmp(c->domains[i].domain, name) == 0)
            return set_domain(&c->domains[i], key, value, err);
    if (c->domain_count == TD_COUNTOF(c->domains))
        return td_fail(err, TD_ELIMIT, "", "more than %zu domains", TD_COUNTOF(c->domains));
    c->domains[c->domain_count++].domain = name;
    return set_domain(&c->domains[c->domain_count - 1], key, value, err);
}

static enum td_code on_value(void *ctx, const char *section, const char *key, const char *value, struct td_error *err)
{
    struct reading *r = ctx;
    if (value[0] == '\0')
        return td_fail(err, TD_EINVAL, "", "has no value");
    if (strcmp(section, "connector") == 0)
        return set_connector(r->file, key, value, err);
    if (td_starts(td_str(section), "domain "))
        return in_domain(r, section, key, value, err);
    return td_fail(err, TD_EINVAL, "", "no such section");
}

static const char *own_name(struct td_arena *a)
{
    char host[65] = "";
    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
        return "connector";
    return td_arena_strdup(a, host);
}

enum td_code td_connector_file_read(const char *path, struct td_arena *a, struct td_connector_file *ret,
                                    struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    struct reading r = {ret, a};
    *ret = (struct td_connector_file){.config = {.version = TD_VERSION}};
    td_buf_init(&text, MAX_FILE);
    td_try(td_file_read(path, &text, err));
    td_try(td_ini_read(path, td_buf_slice(&text), a, on_value, &r, err));
    if (ret->config.name == NULL)
        ret->config.name = own_name(a);
    return TD_OK;
}
