#include "app/serve.h"
#include "base/file.h"
#include "codec/ini.h"
#include "connect/ek_fetch.h"

enum { MAX_FILE = 1 << 20 };

struct reading {
    struct td_serve_config *config;
    struct td_arena *arena;
};

void td_serve_config_init(struct td_serve_config *c)
{
    *c = (struct td_serve_config){.listen = "127.0.0.1:8443", .limits = td_http_limits_default};
}

static bool host_char(char c)
{
    char low = (char)(c | 0x20);
    return (c >= '0' && c <= '9') || (low >= 'a' && low <= 'z') || c == '.' || c == '-' || c == ':';
}

enum td_code td_serve_config_name(struct td_serve_config *c, const char *name, struct td_arena *a, struct td_error *err)
{
    struct td_slice host, mark = td_trim(td_cut(td_str(name), ',', &host));
    host = td_http_host_name(td_trim(host));
    bool fine = host.n != 0 && host.n <= 253;
    for (size_t i = 0; i < host.n; i++)
        fine = fine && host_char(host.p[i]);
    if (!fine || (mark.n != 0 && !td_eqs(mark, "people")))
        return td_fail(err, TD_EINVAL, "name", "\"%s\" is not HOST or HOST,people", name);
    if (c->name_count == TD_SERVE_MAX_NAMES)
        return td_fail(err, TD_ELIMIT, "name", "more than %d names", TD_SERVE_MAX_NAMES);
    char *copy = td_arena_text(a, host);
    td_lower(copy);
    c->names[c->name_count++] = (struct td_server_name){copy, mark.n != 0};
    return TD_OK;
}

static enum td_code number(const char *value, int64_t unit, int64_t min, int64_t max, int64_t *ret,
                           struct td_error *err)
{
    int64_t v;
    if (!td_parse_i64(td_str(value), &v) || v < min || v > max)
        return td_fail(err, TD_EINVAL, "", "\"%s\" is not a number from %lld to %lld", value, (long long)min,
                       (long long)max);
    *ret = v * unit;
    return TD_OK;
}

static enum td_code set_limit(struct td_serve_config *c, const char *key, const char *value, struct td_error *err)
{
    for (size_t i = 0; i < td_http_limit_field_count; i++) {
        const struct td_http_limit_field *f = &td_http_limit_fields[i];
        if (strcmp(key, f->name) != 0)
            continue;
        int64_t v = 0;
        td_try(number(value, f->unit, f->min, f->max, &v, err));
        memcpy((char *)&c->limits + f->offset, &v, sizeof(v));
        return TD_OK;
    }
    return td_fail(err, TD_EINVAL, "", "no such limit");
}

static enum td_code set_int(int *to, const char *value, int64_t max, struct td_error *err)
{
    int64_t v = 0;
    td_try(number(value, 1, 1, max, &v, err));
    *to = (int)v;
    return TD_OK;
}

static enum td_code set_http_base(struct td_serve_config *c, const char *value, struct td_error *err)
{
    struct td_slice s = td_str(value);
    bool fine = td_starts(s, "http://") && s.n > 7 && s.n <= 300 && !td_ends(s, "/");
    for (size_t i = 7; i < s.n; i++)
        fine = fine && (host_char(s.p[i]) || strchr("[]/_", s.p[i]) != NULL);
    if (!fine)
        return td_fail(err, TD_EINVAL, "", "\"%s\" is not http://HOST[:PORT] without a '/' at its end", value);
    c->http_base = value;
    return TD_OK;
}

static enum td_code set_log_level(struct td_serve_config *c, const char *value, struct td_error *err)
{
    c->debug = strcmp(value, "debug") == 0;
    return c->debug || strcmp(value, "info") == 0
               ? TD_OK
               : td_fail(err, TD_EINVAL, "", "\"%s\" is neither info nor debug", value);
}

static enum td_code set_serve(struct td_serve_config *c, const char *key, const char *value, struct td_arena *a,
                              struct td_error *err)
{
    const struct td_ini_text texts[] = {
        {"listen", &c->listen}, {"http", &c->http}, {"metrics-token", &c->metrics_token}};
    if (td_ini_put(texts, TD_COUNTOF(texts), key, value))
        return TD_OK;
    if (strcmp(key, "name") == 0)
        return td_serve_config_name(c, value, a, err);
    if (strcmp(key, "loops") == 0)
        return set_int(&c->loops, value, 64, err);
    if (strcmp(key, "workers") == 0)
        return set_int(&c->workers, value, 256, err);
    if (strcmp(key, "password-memory-kib") == 0)
        return number(value, 1, 1024, 4 << 20, &c->password_memory_kib, err);
    if (strcmp(key, "log-level") == 0)
        return set_log_level(c, value, err);
    if (strcmp(key, "http-base") == 0)
        return set_http_base(c, value, err);
    return td_fail(err, TD_EINVAL, "", "no such key");
}

/* Addresses, networks and the word unix, parted by commas or blanks. */
static enum td_code add_trusted(struct td_serve_config *c, const char *value, struct td_error *err)
{
    struct td_slice rest = td_str(value);
    while (rest.n != 0) {
        size_t n = strcspn(rest.p, ", \t");
        struct td_slice one = td_sub(rest, 0, n);
        rest = td_sub(rest, n + 1, rest.n);
        if (one.n == 0)
            continue;
        if (td_eqs(one, "unix")) {
            c->proxy.trust_unix = true;
            continue;
        }
        if (c->proxy.trusted_count == TD_SERVE_MAX_TRUSTED)
            return td_fail(err, TD_ELIMIT, "", "more than %d networks", TD_SERVE_MAX_TRUSTED);
        td_try(td_network_parse(one, &c->trusted[c->proxy.trusted_count], err));
        c->proxy.trusted_count++;
    }
    return TD_OK;
}

/* A header's name, RFC 9110 5.6.2. */
static bool is_token(struct td_slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == ':' || c == '\0' || (!host_char(c) && strchr("!#$%&'*+^_`|~", c) == NULL))
            return false;
    }
    return s.n != 0 && s.n <= 64;
}

static enum td_code set_proxy(struct td_serve_config *c, const char *key, const char *value, struct td_error *err)
{
    const struct td_ini_text texts[] = {{"certificate-header", &c->proxy.certificate_header},
                                        {"unix", &c->proxy.unix_path}};
    if (strcmp(key, "trusted") == 0)
        return add_trusted(c, value, err);
    if (strcmp(key, "certificate-header") == 0 && !is_token(td_str(value)))
        return td_fail(err, TD_EINVAL, "", "\"%s\" is not a header's name", value);
    return td_ini_put(texts, TD_COUNTOF(texts), key, value) ? TD_OK : td_fail(err, TD_EINVAL, "", "no such key");
}

static enum td_code set_hosts(struct td_serve_cert *cert, const char *value, struct td_arena *a, struct td_error *err)
{
    struct td_slice rest = td_str(value);
    for (size_t n = 0; rest.n != 0; n++) {
        struct td_slice host;
        if (n == TD_SERVE_MAX_NAMES)
            return td_fail(err, TD_ELIMIT, "", "more than %d hosts", TD_SERVE_MAX_NAMES);
        rest = td_cut(rest, ' ', &host);
        cert->hosts[n] = td_arena_text(a, td_trim(host));
    }
    return TD_OK;
}

static enum td_code set_cert(struct td_serve_config *c, const char *section, const char *key, const char *value,
                             struct td_arena *a, struct td_error *err)
{
    struct td_serve_cert *last = c->cert_count != 0 ? &c->certs[c->cert_count - 1] : NULL;
    if (last == NULL || strcmp(last->section, section) != 0) {
        if (c->cert_count == TD_SERVE_MAX_CERTS)
            return td_fail(err, TD_ELIMIT, "", "more than %d certificates", TD_SERVE_MAX_CERTS);
        last = &c->certs[c->cert_count++];
        last->section = section;
    }
    if (strcmp(key, "hosts") == 0)
        return set_hosts(last, value, a, err);
    const struct td_ini_text texts[] = {{"chain", &last->chain}, {"key", &last->key}};
    return td_ini_put(texts, TD_COUNTOF(texts), key, value) ? TD_OK : td_fail(err, TD_EINVAL, "", "no such key");
}

static enum td_code set_attestation(struct td_serve_config *c, const char *key, const char *value, struct td_arena *a,
                                    struct td_error *err)
{
    struct td_ek_url url;
    if (strcmp(key, "maker-host") != 0)
        return td_fail(err, TD_EINVAL, "", "no such key");
    if (!td_ek_url_parse(td_arena_printf(a, "http://%s", value), &url) || strpbrk(value, "/?") != NULL)
        return td_fail(err, TD_EINVAL, "", "\"%s\" is not HOST or HOST:PORT", value);
    if (c->maker_count == TD_SERVE_MAX_MAKERS)
        return td_fail(err, TD_ELIMIT, "", "more than %d hosts", TD_SERVE_MAX_MAKERS);
    c->makers[c->maker_count++] = value;
    return TD_OK;
}

static enum td_code set_connector(struct td_serve_config *c, const char *key, const char *value, struct td_error *err)
{
    struct td_connector_child_config *child = &c->connector;
    const struct td_ini_text texts[] = {
        {"config", &child->config}, {"state", &child->state}, {"tenant", &child->tenant}};
    return value[0] != '\0' && td_ini_put(texts, TD_COUNTOF(texts), key, value)
               ? TD_OK
               : td_fail(err, TD_EINVAL, "", "no such key, or no value");
}

static enum td_code on_value(void *ctx, const char *section, const char *key, const char *value, struct td_error *err)
{
    const struct reading *r = ctx;
    if (strcmp(section, "serve") == 0)
        return set_serve(r->config, key, value, r->arena, err);
    if (strcmp(section, "limits") == 0)
        return set_limit(r->config, key, value, err);
    if (strcmp(section, "proxy") == 0)
        return set_proxy(r->config, key, value, err);
    if (strcmp(section, "attestation") == 0)
        return set_attestation(r->config, key, value, r->arena, err);
    if (strcmp(section, "connector") == 0)
        return set_connector(r->config, key, value, err);
    if (td_starts(td_str(section), "certificate "))
        return set_cert(r->config, section, key, value, r->arena, err);
    return td_fail(err, TD_EINVAL, "", "no such section");
}

static enum td_code check_certs(const struct td_serve_config *c, struct td_error *err)
{
    for (size_t i = 0; i < c->cert_count; i++)
        if (c->certs[i].chain == NULL || c->certs[i].key == NULL || c->certs[i].hosts[0] == NULL)
            return td_fail(err, TD_EINVAL, c->certs[i].section, "hosts, chain and key are all needed");
    return TD_OK;
}

static enum td_code check_proxy(const struct td_serve_config *c, struct td_error *err)
{
    if (c->proxy.certificate_header != NULL && c->proxy.trusted_count == 0 && !c->proxy.trust_unix)
        return td_fail(err, TD_EINVAL, "[proxy] certificate-header", "nobody is believed: the key trusted is missing");
    return TD_OK;
}

enum td_code td_serve_config_read(struct td_serve_config *c, const char *path, struct td_arena *a, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    struct reading r = {c, a};
    td_buf_init(&text, MAX_FILE);
    td_try(td_file_read(path, &text, err));
    td_try(td_ini_read(path, td_buf_slice(&text), a, on_value, &r, err));
    td_try(check_certs(c, err));
    if (c->connector.config == NULL && (c->connector.state != NULL || c->connector.tenant != NULL))
        return td_fail(err, TD_EINVAL, "[connector] config", "is missing: the connector's own file");
    return check_proxy(c, err);
}
