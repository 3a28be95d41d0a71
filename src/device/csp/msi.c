/* csp/msi: taking a MsiInstallJob in. Fetching and installing it is the management client's work (dm/install.c). */
#include "device/csp/msi.h"

#include "base/env.h"
#include "codec/xml.h"
#include "device/csp/tree.h"

#include <stdlib.h>

static enum td_code read_urls(const struct td_xml *product, struct td_msi_job *job, struct td_arena *a,
                              struct td_error *err)
{
    const struct td_xml *list = td_xml_path(product, "Download/ContentURLList");
    for (const struct td_xml *u = td_xml_child(list, NULL, "ContentURL"); u != NULL;
         u = td_xml_next(u, NULL, "ContentURL")) {
        struct td_slice url = td_xml_text(u);
        if (!td_istarts(url, "https://"))
            return td_fail(err, TD_EINVAL, "ContentURL", "is no https address");
        if (job->url_count == TD_MSI_MAX_URLS)
            return td_fail(err, TD_ELIMIT, "ContentURL", "more than %d mirrors", TD_MSI_MAX_URLS);
        job->urls[job->url_count++] = td_arena_text(a, url);
    }
    return job->url_count != 0 ? TD_OK : td_fail(err, TD_EINVAL, "ContentURL", "is missing");
}

static enum td_code read_hash(const struct td_xml *product, struct td_msi_job *job, struct td_error *err)
{
    struct td_slice hash = td_xml_text_at(product, "Validation/FileHash");
    if (hash.n != 64)
        return td_fail(err, TD_EINVAL, "FileHash", "is no SHA-256 in 64 hexadecimal digits");
    for (size_t i = 0; i < hash.n; i++) {
        char c = (char)(hash.p[i] >= 'a' && hash.p[i] <= 'f' ? hash.p[i] - 'a' + 'A' : hash.p[i]);
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F')))
            return td_fail(err, TD_EINVAL, "FileHash", "holds what is no hexadecimal digit");
        job->sha256[i] = c;
    }
    return TD_OK;
}

static int64_t number(const struct td_xml *node, const char *name, int64_t otherwise, int64_t max)
{
    struct td_slice text = td_xml_text_at(node, name);
    int64_t v = 0;
    for (size_t i = 0; i < text.n && v <= max; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return otherwise;
        v = v * 10 + (text.p[i] - '0');
    }
    return text.n == 0 ? otherwise : TD_MIN(v, max);
}

enum td_code td_msi_job_read(struct td_slice xml, struct td_arena *a, struct td_msi_job *ret, struct td_error *err)
{
    struct td_xml *root;
    struct td_msi_job job = {0};
    td_try(td_xml_parse(xml, TD_MSI_MAX_JOB, a, &root, err));
    const struct td_xml *product = td_xml_child(root, NULL, "Product");
    const char *id = td_xml_attr(root, "id"), *version = td_xml_attr(product, "Version");
    char uuid[TD_UUID_TEXT];
    if (!td_xml_is(root, NULL, "MsiInstallJob") || product == NULL)
        return td_fail(err, TD_EFORMAT, "MsiInstallJob", "root or Product is missing");
    if (id == NULL || !td_uuid_parse(td_str(id), uuid))
        return td_fail(err, TD_EINVAL, "id", "is no product code");
    job.product = id;
    job.version = version == NULL ? "" : version;
    td_try(read_urls(product, &job, a, err));
    td_try(read_hash(product, &job, err));
    const struct td_xml *run = td_xml_child(product, NULL, "Enforcement");
    job.command_line = td_arena_text(a, td_xml_text_at(run, "CommandLine"));
    job.time_out = number(run, "TimeOut", 0, 1440);
    job.retries = number(run, "RetryCount", 0, 30);
    job.retry_minutes = number(run, "RetryInterval", 5, 1440);
    *ret = job;
    return TD_OK;
}

static const char *folder_of(struct td_csp_call *call)
{
    return td_arena_printf(call->a, "%.*s", (int)(strrchr(call->key, '/') - call->key), call->key);
}

/* The same job again: installed or on its way already, nothing to begin anew. */
static bool known_job(struct td_csp_call *call, const char *folder, const char *job_key)
{
    const char *before = td_csp_value(call->csp, job_key);
    int64_t status = td_csp_int(call->csp, td_arena_printf(call->a, "%s/Status", folder), 0);
    bool open = status != 0 && status != TD_MSI_FAILED && status != TD_MSI_LOAD_FAILED;
    return before != NULL && open && td_eqs(call->data, before);
}

int td_csp_msi_exec(struct td_csp_call *call)
{
    if (call->op != TD_CSP_EXEC)
        return 0;
    struct td_msi_job job = {0};
    char wanted[TD_UUID_TEXT], named[TD_UUID_TEXT];
    if (td_msi_job_read(call->data, call->a, &job, NULL) != TD_OK)
        return td_csp_refuse(call, 500, TD_CSP_E_BADDATA);
    if (!td_uuid_parse(td_str(job.product), wanted) || !td_uuid_parse(td_str(call->part[0]), named) ||
        strcmp(wanted, named) != 0)
        return td_csp_refuse(call, 500, TD_CSP_E_BADVALUE);
    const char *folder = folder_of(call), *job_key = td_arena_printf(call->a, "@job/%s", folder);
    if (known_job(call, folder, job_key))
        return 202;
    td_csp_put(call->csp, job_key, "xml", td_arena_text(call->a, call->data));
    td_csp_drop(call->csp, td_arena_printf(call->a, "@tries/%s", folder));
    td_csp_put_int(call->csp, td_arena_printf(call->a, "%s/Status", folder), TD_MSI_NEW);
    td_csp_put_int(call->csp, td_arena_printf(call->a, "%s/LastError", folder), 0);
    td_csp_put(call->csp, td_arena_printf(call->a, "%s/LastErrorDesc", folder), "chr", "");
    return 202;
}

int td_csp_msi_delete(struct td_csp_call *call)
{
    if (call->op == TD_CSP_DELETE)
        td_csp_drop(call->csp, td_arena_printf(call->a, "@job/%s", call->key));
    return 0;
}
