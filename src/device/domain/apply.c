/* The blob of an offline domain join, taken by the machine (domain-join-and-tpm.md 1.6, 1.7). */
#include "base/encode.h"
#include "base/fault.h"
#include "base/file.h"
#include "codec/odj.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "device/domain/room.h"

#include <stdio.h>
#include <unistd.h>

enum { ROOTS_OCTETS = 4 * TD_ODJ_MAX };

static const char blob_file[] = "odj.txt", roots_file[] = "domain.roots.pem";

const char *td_domain_get(const struct td_device *dev, const char *key)
{
    const char *value = td_state_get(dev->state, key);
    return value != NULL ? value : "";
}

bool td_domain_joined(const struct td_device *dev)
{
    return td_domain_get(dev, "domain.name")[0] != '\0';
}

/* A device that joined the directory by itself stays so, whatever its profile says by now. */
bool td_domain_wanted(const struct td_device *dev)
{
    return td_domain_joined(dev) ||
           (td_state_int(dev->state, "profile.join_method", 0) == 1 && td_domain_get(dev, "join.device_id")[0] == '\0');
}

static const char *upper(struct td_arena *a, const char *text)
{
    char *copy = td_arena_strdup(a, text);
    for (char *p = copy; *p != '\0'; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
    return copy;
}

static const char *lower(struct td_arena *a, const char *text)
{
    char *copy = td_arena_strdup(a, text);
    td_lower(copy);
    return copy;
}

/* Names of controllers stand behind two strokes. */
static const char *bare(const char *name)
{
    while (name != NULL && *name == '\\')
        name++;
    return name != NULL ? name : "";
}

/* Names go into principals, addresses and lines of the terminal: what no domain has is no name. */
static bool is_name(const char *text, size_t max)
{
    size_t n = text != NULL ? strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") : 0;
    return n != 0 && n <= max && text[n] == '\0' && text[0] != '.' && text[n - 1] != '.';
}

static enum td_code check(const struct td_odj *odj, struct td_error *err)
{
    if (!is_name(odj->domain, 255) || !is_name(odj->machine, TD_COMPUTER_NAME_MAX))
        return td_domain_refuse(err, TD_DJ_BAD_BLOB, "its names are none");
    if (odj->password == NULL || odj->password[0] == '\0')
        return td_domain_refuse(err, TD_DJ_BAD_BLOB, "it has no password");
    if (bare(odj->dc.name)[0] != '\0' && !is_name(bare(odj->dc.name), 255))
        return td_domain_refuse(err, TD_DJ_BAD_BLOB, "its domain controller's name is none");
    return TD_OK;
}

static enum td_code write_keytab(struct td_device *dev, const struct td_odj *odj, struct td_arena *a,
                                 struct td_error *err)
{
    const char *host = td_arena_printf(a, "%s.%s", lower(a, odj->machine), lower(a, odj->domain));
    const char *realm = upper(a, odj->domain);
    const char *const principals[] = {td_arena_printf(a, "%s$", upper(a, odj->machine)),
                                      td_arena_printf(a, "host/%s", host),
                                      td_arena_printf(a, "HOST/%s", upper(a, odj->machine)), NULL};
    return td_krb_keytab_write(td_device_path(dev, a, TD_DOMAIN_KEYTAB), principals, realm,
                               td_arena_printf(a, "%shost%s", realm, host), td_str(odj->password), 0, err);
}

static enum td_code write_blob(struct td_device *dev, struct td_slice blob, struct td_arena *a, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    td_buf_init(&text, (size_t)4 * TD_ODJ_MAX);
    td_odj_file_write(blob, &text);
    td_try(td_buf_check(&text, blob_file, err));
    return td_file_write(td_device_path(dev, a, blob_file), td_buf_slice(&text), 0600, err);
}

/* What the machine trusts with its domain; an older blob's roots go with it. */
static enum td_code write_roots(struct td_device *dev, const struct td_odj *odj, struct td_arena *a,
                                struct td_error *err)
{
    struct td_slice der[TD_ODJ_ROOTS_MAX];
    size_t count = 0;
    char *pem = "";
    struct td_error why = {0};
    const char *path = td_device_path(dev, a, roots_file);
    for (size_t i = 0; i < odj->extra_count; i++) {
        if (memcmp(odj->extra[i].guid, td_odj_part_certificates, sizeof(odj->extra[i].guid)) != 0)
            continue;
        if (td_odj_roots_read(odj->extra[i].bytes, a, der, &count, &why) != TD_OK)
            return td_domain_refuse(err, TD_DJ_BAD_BLOB, why.text);
        for (size_t k = 0; k < count; k++) {
            struct td_cert cert;
            if (td_cert_parse(der[k], a, &cert, &why) == TD_OK)
                pem = td_arena_printf(a, "%s%s", pem, td_cert_pem(der[k], a));
        }
    }
    if (pem[0] != '\0')
        return td_file_write(path, td_str(pem), 0600, err);
    (void)unlink(path);
    return TD_OK;
}

const char *td_domain_roots(const struct td_device *dev, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf pem;
    const char *path = td_device_path(dev, a, roots_file);
    td_buf_init(&pem, ROOTS_OCTETS);
    if (!td_file_exists(path) || td_file_read(path, &pem, NULL) != TD_OK)
        return NULL;
    return td_arena_text(a, td_buf_slice(&pem));
}

static const char *machine_sid(const struct td_odj *odj, struct td_arena *a)
{
    char text[TD_SID_TEXT];
    if (odj->domain_sid.count == 0)
        return NULL;
    const char *domain = td_sid_text(&odj->domain_sid, text);
    return odj->rid != 0 ? td_arena_printf(a, "%s-%u", domain, (unsigned)odj->rid) : NULL;
}

/* The state last: until it says so the machine has joined nothing. */
static enum td_code keep(struct td_device *dev, const struct td_odj *odj, const char *sum, struct td_arena *a,
                         struct td_error *err)
{
    char at[TD_TIME_TEXT];
    const char *address = bare(odj->dc.address);
    const struct {
        const char *key, *value;
    } facts[] = {
        {"domain.netbios", is_name(odj->netbios, 15) ? odj->netbios : NULL},
        {"domain.forest", is_name(odj->forest, 255) ? odj->forest : NULL},
        {"domain.realm", upper(a, odj->domain)},
        {"domain.machine", upper(a, odj->machine)},
        {"domain.sid", machine_sid(odj, a)},
        {"domain.dc", bare(odj->dc.name)[0] != '\0' ? bare(odj->dc.name) : NULL},
        {"domain.address", is_name(address, 45) ? address : NULL},
        {"domain.reached", NULL}, /* of an earlier domain */
        {"domain.reached_kdc", NULL},
        {"domain.site", is_name(odj->dc.client_site, 63) ? odj->dc.client_site : NULL},
        {"domain.blob", sum},
        {"domain.at", td_time_text(td_now(dev->env), at)},
        {"domain.name", lower(a, odj->domain)},
        {"device.name", upper(a, odj->machine)},
    };
    for (size_t i = 0; i < TD_COUNTOF(facts); i++)
        td_state_set(dev->state, facts[i].key, facts[i].value);
    return td_state_save(dev->state, err);
}

static enum td_code take(struct td_device *dev, struct td_slice blob, const char *sum, struct td_arena *a,
                         struct td_error *err)
{
    struct td_odj odj = {0};
    struct td_error why = {0};
    if (td_odj_read(blob, a, &odj, &why) != TD_OK)
        return td_domain_refuse(err, TD_DJ_BAD_BLOB, why.text);
    td_try(check(&odj, err));
    td_try(write_keytab(dev, &odj, a, err));
    td_try(write_roots(dev, &odj, a, err));
    td_try(write_blob(dev, blob, a, err));
    return keep(dev, &odj, sum, a, err);
}

enum td_code td_domain_apply(struct td_device *dev, struct td_slice blob, struct td_error *err)
{
    TD_CLEANUP(td_arena_wipe) struct td_arena a = {0};
    unsigned char hash[32];
    td_sha256(blob, hash);
    const char *sum = td_hex(&a, td_bytes(hash, sizeof(hash)));
    if (td_domain_joined(dev) && !td_fault("device-joins-twice"))
        return strcmp(td_domain_get(dev, "domain.blob"), sum) == 0 ? TD_OK : td_domain_refuse(err, TD_DJ_ALREADY, NULL);
    enum td_code rc = take(dev, blob, sum, &a, err);
    if (rc != TD_OK && !td_domain_joined(dev)) {
        (void)unlink(td_device_path(dev, &a, TD_DOMAIN_KEYTAB));
        (void)unlink(td_device_path(dev, &a, blob_file));
        (void)unlink(td_device_path(dev, &a, roots_file));
    }
    if (rc == TD_OK) {
        td_device_say(dev, "domain", "offline domain join applied: %s in %s", td_domain_get(dev, "domain.machine"),
                      td_domain_get(dev, "domain.name"));
    } else if (err != NULL) {
        td_device_say(dev, "domain", "0x%08x offline domain join refused: %s", err->hresult, err->text);
    }
    return rc;
}
