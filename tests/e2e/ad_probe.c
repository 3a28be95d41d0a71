/* What connect/ad.h does, one call at a time, against a real directory: for scenarios.
 *
 *   ad_probe [--url U] [--ca FILE] [--user N --password P | --ccache C] [--address IP] COMMAND ...
 *   facts | make NAME OU REUSE REGISTRATION JOB ATTEMPT PASSWORD [BLOB-FILE] | find GUID | disable GUID | delete GUID
 *   password UPN PASSWORD | changed FROM [BASE] | bind
 *
 * Prints one JSON object (or one a line); a refusal is {"error": reason or place, "text", "hresult"} and exit code 1.
 */
#include "base/encode.h"
#include "base/file.h"
#include "codec/json.h"
#include "connect/ad.h"

#include <stdio.h>
#include <stdlib.h>

struct probe {
    struct td_ldap_config config;
    const char *address;
    struct td_ldap *ldap;
    struct td_ad_domain d;
    struct td_arena a;
    struct td_error err;
};

static void print(struct td_buf *b)
{
    printf("%.*s\n", TD_FMT(td_buf_slice(b)));
    td_buf_done(b);
}

static int failed(const struct td_error *err)
{
    struct td_buf b = {.max = 4096};
    struct td_jsonw w;
    char hresult[16];
    snprintf(hresult, sizeof(hresult), "%08x", err->hresult);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "error", err->where);
    td_jsonw_kstr(&w, "text", err->text);
    td_jsonw_kstr(&w, "remedy", err->remedy);
    td_jsonw_kstr(&w, "hresult", hresult);
    td_jsonw_end(&w);
    print(&b);
    return 1;
}

static enum td_code facts(struct probe *p, char **words TD_UNUSED, int count TD_UNUSED)
{
    struct td_buf b = {.max = 65536};
    struct td_jsonw w;
    char sid[TD_SID_TEXT], guid[37] = "", time[TD_TIME_TEXT];
    td_try(td_guid_text(td_bytes(p->d.guid, 16), guid, &p->err));
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "dn", p->d.dn);
    td_jsonw_kstr(&w, "dns", p->d.dns);
    td_jsonw_kstr(&w, "netbios", p->d.netbios);
    td_jsonw_kstr(&w, "forest", p->d.forest);
    td_jsonw_kstr(&w, "realm", p->d.realm);
    td_jsonw_kstr(&w, "sid", td_sid_text(&p->d.sid, sid));
    td_jsonw_kstr(&w, "guid", guid);
    td_jsonw_kstr(&w, "dc", p->d.dc_name);
    td_jsonw_kstr(&w, "address", p->d.dc_address);
    td_jsonw_kstr(&w, "site", p->d.dc_site);
    td_jsonw_kstr(&w, "server", p->d.invocation_id);
    td_jsonw_kint(&w, "usn", (int64_t)p->d.highest_usn);
    td_jsonw_kstr(&w, "clock", td_time_text(p->d.clock, time));
    td_jsonw_kbool(&w, "clockGood", td_ad_clock(&p->d, td_now(&td_env_real), NULL) == TD_OK);
    td_jsonw_end(&w);
    print(&b);
    return TD_OK;
}

static void computer_print(const struct td_ad_computer *c)
{
    struct td_buf b = {.max = 1 << 20};
    struct td_arena a = {NULL};
    struct td_jsonw w;
    char sid[TD_SID_TEXT];
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "dn", c->dn);
    td_jsonw_kstr(&w, "name", c->name);
    td_jsonw_kstr(&w, "dnsName", c->dns_name);
    td_jsonw_kstr(&w, "sid", td_sid_text(&c->sid, sid));
    td_jsonw_kint(&w, "rid", c->rid);
    td_jsonw_kstr(&w, "guid", c->guid);
    td_jsonw_kbool(&w, "existed", c->existed);
    td_jsonw_kbool(&w, "enabled", c->enabled);
    td_jsonw_key(&w, "certificates");
    td_jsonw_arr(&w);
    for (size_t i = 0; i < c->certificate_count; i++)
        td_jsonw_str(&w, td_b64(&a, c->certificates[i]));
    td_jsonw_arr_end(&w);
    td_jsonw_end(&w);
    print(&b);
    td_arena_done(&a);
}

static enum td_code blob_write(struct probe *p, const struct td_ad_computer *c, const char *password, const char *path)
{
    struct td_buf blob = {.max = TD_ODJ_MAX}, file = {.max = 4 * TD_ODJ_MAX};
    enum td_code code = td_ad_blob(&p->d, c, password, &blob, &p->err);
    if (code == TD_OK) {
        td_odj_file_write(td_buf_slice(&blob), &file);
        code = td_file_write(path, td_buf_slice(&file), 0600, &p->err);
    }
    td_buf_wipe(&blob);
    td_buf_wipe(&file);
    return code;
}

static enum td_code make(struct probe *p, char **words, int count)
{
    static const char *const kinds[] = {"never", "own", "any"};
    struct td_ad_computer c = {0};
    struct td_ad_computer_wish w = {
        .name = words[0], .ou = words[1], .registration = words[3], .job = words[4], .password = words[6]};
    for (int i = 0; i < 3; i++)
        if (strcmp(kinds[i], words[2]) == 0)
            w.reuse = (enum td_domain_reuse)i;
    w.attempt = atol(words[5]);
    td_try(td_ad_computer_make(p->ldap, &p->d, &w, &p->a, &c, &p->err));
    if (count > 7)
        td_try(blob_write(p, &c, words[6], words[7]));
    computer_print(&c);
    return TD_OK;
}

static enum td_code find(struct probe *p, char **words, int count TD_UNUSED)
{
    struct td_ad_computer c = {0};
    td_try(td_ad_computer_find(p->ldap, &p->d, words[0], &p->a, &c, &p->err));
    computer_print(&c);
    return TD_OK;
}

static enum td_code disable(struct probe *p, char **words, int count TD_UNUSED)
{
    td_try(td_ad_computer_disable(p->ldap, &p->d, words[0], &p->err));
    printf("{}\n");
    return TD_OK;
}

static enum td_code delete (struct probe *p, char **words, int count TD_UNUSED) {
    td_try(td_ad_computer_delete(p->ldap, &p->d, words[0], &p->err)); printf("{}\n"); return TD_OK;
}

static enum td_code object_print(void *ctx TD_UNUSED, const struct td_ad_object *o, struct td_error *err TD_UNUSED)
{
    struct td_buf b = {.max = 1 << 22};
    struct td_jsonw w;
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "guid", o->guid);
    td_jsonw_kstr(&w, "sid", o->sid);
    td_jsonw_kstr(&w, "kind", o->kind);
    td_jsonw_kstr(&w, "upn", o->upn);
    td_jsonw_kstr(&w, "sam", o->sam);
    td_jsonw_kstr(&w, "name", o->name);
    td_jsonw_kstr(&w, "mail", o->mail);
    td_jsonw_kbool(&w, "enabled", o->enabled);
    td_jsonw_kbool(&w, "deleted", o->deleted);
    td_jsonw_kbool(&w, "security", o->is_security);
    td_jsonw_key(&w, "members");
    td_jsonw_arr(&w);
    for (const char *const *m = o->members; *m != NULL; m++)
        td_jsonw_str(&w, *m);
    td_jsonw_arr_end(&w);
    td_jsonw_end(&w);
    print(&b);
    return TD_OK;
}

static enum td_code bind_person(void *ctx, const char *user, const char *password, struct td_ldap_result *ret_why,
                                struct td_error *err)
{
    struct td_ldap_config config = *(const struct td_ldap_config *)ctx;
    struct td_ldap *l = NULL;
    config.ccache = NULL;
    config.user = user;
    config.password = password;
    enum td_code code = td_ldap_open(&config, &l, ret_why, err);
    td_ldap_close(l);
    return code;
}

static enum td_code password(struct probe *p, char **words, int count TD_UNUSED)
{
    struct td_ad_object who;
    td_try(td_ad_password(p->ldap, &p->d, words[0], words[1], bind_person, &p->config, &p->a, &who, &p->err));
    return object_print(NULL, &who, NULL);
}

static enum td_code changed(struct probe *p, char **words, int count)
{
    uint64_t usn = 0;
    struct td_ad_changes c = {.base = count > 1 ? words[1] : "", .from = strtoull(words[0], NULL, 10)};
    td_try(td_ad_changed(p->ldap, &p->d, &c, &p->a, object_print, NULL, &usn, &p->err));
    printf("{\"to\":%llu}\n", (unsigned long long)usn);
    return TD_OK;
}

static const struct {
    const char *name;
    int words;
    enum td_code (*run)(struct probe *p, char **words, int count);
} commands[] = {{"facts", 0, facts},   {"make", 7, make},         {"find", 1, find},      {"disable", 1, disable},
                {"delete", 1, delete}, {"password", 2, password}, {"changed", 1, changed}};

static void ca_read(struct probe *p, const char *path)
{
    struct td_buf b TD_CLEANUP(td_buf_done) = {.max = 1 << 20};
    if (td_file_read(path, &b, &p->err) == TD_OK)
        p->config.ca_pem = td_arena_copy(&p->a, td_buf_slice(&b));
}

static void option(struct probe *p, const char *name, const char *value)
{
    if (strcmp(name, "--url") == 0)
        p->config.url = value;
    else if (strcmp(name, "--user") == 0)
        p->config.user = value;
    else if (strcmp(name, "--password") == 0)
        p->config.password = value;
    else if (strcmp(name, "--ccache") == 0)
        p->config.ccache = value;
    else if (strcmp(name, "--address") == 0)
        p->address = value;
    else if (strcmp(name, "--seconds") == 0)
        p->config.seconds = atoi(value);
    else if (strcmp(name, "--ca") == 0)
        ca_read(p, value);
}

static enum td_code run(struct probe *p, char **words, int count)
{
    td_try(td_ldap_open(&p->config, &p->ldap, NULL, &p->err));
    td_try(td_ad_facts(p->ldap, p->address, &p->a, &p->d, &p->err));
    for (size_t i = 0; i < TD_COUNTOF(commands); i++)
        if (count > 0 && strcmp(words[0], commands[i].name) == 0 && count > commands[i].words)
            return commands[i].run(p, words + 1, count - 1);
    return td_fail(&p->err, TD_EINVAL, "usage", "no such command, or too few words");
}

int main(int argc, char **argv)
{
    struct probe p = {.address = ""};
    int at = 1;
    for (; at + 1 < argc && argv[at][0] == '-'; at += 2)
        option(&p, argv[at], argv[at + 1]);
    int status = run(&p, argv + at, argc - at) == TD_OK ? 0 : failed(&p.err);
    td_ldap_close(p.ldap);
    td_arena_wipe(&p.a);
    return status;
}
