/* dm/install: packages: fetched, checked octet by octet against the promised hash, recorded (csp.md 5). Every step is
 * saved before the next, so that a kill goes on where it was; a cut download goes on where the file ends. */
#include "base/encode.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "device/csp/comanage.h"
#include "device/csp/msi.h"
#include "device/dm/client.h"
#include "device/dm/msi_file.h"

#include <stdio.h>
#include <unistd.h>

#define FETCH_FAILED 0x80072EFDu

struct package {
    struct td_dm *dm;
    struct td_arena *a;
    const char *folder; /* key of the MSI/{ProductCode} node */
    struct td_msi_job job;
    const char *file;
};

static const char *leaf(const struct package *p, const char *name)
{
    return td_arena_printf(p->a, "%s/%s", p->folder, name);
}

static enum td_code set_status(const struct package *p, int status, struct td_error *err)
{
    td_csp_put_int(p->dm->csp, leaf(p, "Status"), status);
    return td_csp_save(p->dm->csp, err);
}

void td_dm_report(struct td_dm *dm, const char *folder, uint32_t hresult)
{
    char key[64], value[TD_CSP_MAX_URI * 2];
    int64_t n = td_csp_int(dm->csp, "@reports", 0) + 1;
    td_csp_put_int(dm->csp, "@reports", n);
    (void)snprintf(key, sizeof(key), "@alert/%08lld", (long long)n);
    (void)snprintf(value, sizeof(value), "./%s/DownloadInstall\n%d", folder, (int)hresult);
    td_csp_put(dm->csp, key, "chr", value);
}

bool td_dm_has_report(const struct td_dm *dm)
{
    size_t at = 0;
    return td_csp_each(dm->csp, "@alert/", &at) != NULL;
}

static enum td_code finish(const struct package *p, int status, uint32_t hresult, const char *why, struct td_error *err)
{
    td_csp_put_int(p->dm->csp, leaf(p, "LastError"), (int32_t)hresult);
    td_csp_put(p->dm->csp, leaf(p, "LastErrorDesc"), "chr", why);
    td_dm_report(p->dm, p->folder, hresult);
    td_device_say(p->dm->dev, "app", "%s %s: %s", p->job.product, p->job.version,
                  status == TD_MSI_DONE ? "installed" : why);
    return set_status(p, status, err);
}

static bool measure(const char *path, char hex[65])
{
    FILE *f = fopen(path, "rbe");
    unsigned char chunk[16384], sum[32];
    size_t n;
    if (f == NULL)
        return false;
    struct td_sha256 *h = td_sha256_new();
    while ((n = fread(chunk, 1, sizeof(chunk), f)) != 0)
        td_sha256_add(h, td_bytes(chunk, n));
    bool ok = ferror(f) == 0;
    (void)fclose(f);
    td_sha256_end(h, sum);
    for (size_t i = 0; i < sizeof(sum); i++)
        (void)snprintf(hex + 2 * i, 3, "%02X", sum[i]);
    return ok;
}

static bool matches(const struct package *p)
{
    char hex[65];
    return measure(p->file, hex) && strcmp(hex, p->job.sha256) == 0;
}

/* Each mirror once. A file that is whole and wrong is thrown away; one that was cut stays, to be gone on with. */
static enum td_code fetch(const struct package *p, struct td_error *err)
{
    enum td_code rc = TD_EUNAVAILABLE;
    for (size_t i = 0; i < p->job.url_count; i++) {
        if (matches(p))
            return TD_OK;
        rc = p->dm->net->fetch(p->dm->net->ctx, p->job.urls[i], p->file, TD_DM_MAX_MSI, err);
        if (rc == TD_EEXPIRED)
            return rc;
        if (rc != TD_OK)
            continue;
        if (matches(p))
            return TD_OK;
        (void)unlink(p->file);
        rc = td_fail(err, TD_EFORMAT, "FileHash", "the package's SHA-256 is not the promised one");
        err->hresult = TD_CSP_E_BADHASH;
    }
    return rc;
}

/* What Windows would show for a download that did not come. */
static uint32_t hresult_of(enum td_code code, const struct td_error *why)
{
    if (why->hresult != 0)
        return why->hresult;
    return code == TD_ENOTFOUND ? 0x80190194u : code == TD_EDENIED ? 0x80190193u : FETCH_FAILED;
}

static enum td_code load(const struct package *p, bool *ret_loaded, struct td_error *err)
{
    const char *tries_key = td_arena_printf(p->a, "@tries/%s", p->folder);
    *ret_loaded = false;
    for (;;) {
        struct td_error why = {0};
        td_try(set_status(p, TD_MSI_LOADING, err));
        enum td_code rc = fetch(p, &why);
        if (rc == TD_OK) {
            *ret_loaded = true;
            return set_status(p, TD_MSI_LOADED, err);
        }
        int64_t tries = td_csp_int(p->dm->csp, tries_key, 0) + 1;
        uint32_t hresult = hresult_of(rc, &why);
        if (tries > p->job.retries)
            return finish(p, TD_MSI_LOAD_FAILED, hresult, why.text, err);
        td_csp_put_int(p->dm->csp, tries_key, tries);
        td_csp_put_int(p->dm->csp, leaf(p, "LastError"), (int32_t)hresult);
        td_try(set_status(p, TD_MSI_LOAD_AGAIN, err));
        td_try(td_device_wait(p->dm->dev, p->job.retry_minutes * TD_MINUTE, err));
    }
}

static bool same_product(const char *a, const char *b)
{
    char one[TD_UUID_TEXT], two[TD_UUID_TEXT];
    return td_uuid_parse(td_str(a), one) && td_uuid_parse(td_str(b), two) && strcmp(one, two) == 0;
}

/* A virtual machine runs no installer: a package that is whole, and that says it is the product that was ordered, is
 * recorded as installed in its own words. */
static enum td_code install(const struct package *p, struct td_error *err)
{
    struct td_msi_facts facts;
    td_try(set_status(p, TD_MSI_INSTALLING, err));
    if (td_msi_file_read(p->file, p->a, &facts, NULL) != TD_OK) {
        (void)unlink(p->file);
        return finish(p, TD_MSI_FAILED, TD_CSP_E_NOMSI, "the file is no Windows Installer package", err);
    }
    if (!same_product(facts.product_code, p->job.product))
        return finish(p, TD_MSI_FAILED, TD_CSP_E_NOTDETECTED, "the package holds another product than was ordered",
                      err);
    td_csp_put(p->dm->csp, leaf(p, "Version"), "chr", facts.version);
    td_csp_put(p->dm->csp, leaf(p, "Name"), "chr", facts.name);
    td_csp_put(p->dm->csp, leaf(p, "Publisher"), "chr", facts.manufacturer);
    td_csp_put(p->dm->csp, leaf(p, "InstallPath"), "chr", p->file);
    td_csp_put(p->dm->csp, leaf(p, "InstallDate"), "chr", td_time_arena(p->a, td_now(p->dm->dev->env)));
    td_csp_client_installed(p->dm->csp, p->job.command_line, p->a);
    return finish(p, TD_MSI_DONE, 0, "", err);
}

static enum td_code run_job(struct td_dm *dm, const char *job_key, struct td_arena *a, struct td_error *err)
{
    struct package p = {.dm = dm, .a = a, .folder = job_key + strlen("@job/")};
    int64_t status = td_csp_int(dm->csp, leaf(&p, "Status"), TD_MSI_NEW);
    char name[TD_UUID_TEXT];
    bool loaded = status == TD_MSI_LOADED || status == TD_MSI_INSTALLING;
    if (status == TD_MSI_DONE || status == TD_MSI_FAILED || status == TD_MSI_LOAD_FAILED)
        return TD_OK;
    td_try(td_msi_job_read(td_str(td_csp_value(dm->csp, job_key)), a, &p.job, err));
    if (td_starts(td_str(p.folder), "User/") && !dm->user_active)
        return set_status(&p, TD_MSI_WAITS_FOR_USER, err);
    if (!td_uuid_parse(td_str(p.job.product), name))
        return td_fail(err, TD_EINTERNAL, "csp.json", "a job lacks its product code");
    const char *folder = td_device_path(dm->dev, a, "downloads");
    td_try(td_dir_make(folder, 0700, err));
    p.file = td_arena_printf(a, "%s/%s.msi", folder, name);
    if (!loaded || !matches(&p))
        td_try(load(&p, &loaded, err));
    return loaded ? install(&p, err) : TD_OK;
}

enum td_code td_dm_install(struct td_dm *dm, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    const char *keys[64];
    size_t count = 0, at = 0;
    for (const char *key; count < TD_COUNTOF(keys) && (key = td_csp_each(dm->csp, "@job/", &at)) != NULL;)
        keys[count++] = td_arena_strdup(&a, key);
    td_csp_client_runs(dm->csp);
    for (size_t i = 0; i < count; i++)
        td_try(run_job(dm, keys[i], &a, err));
    return TD_OK;
}
