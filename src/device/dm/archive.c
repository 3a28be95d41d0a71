/* dm/archive: archives of logs that the service asked for (DiagnosticLog): collected and put where it said, in the
 * shape that Azure Blob takes (docs/protocol/diagnostics-upload.md). Whoever can't be reached is asked again in the
 * next sessions; what came of it stands in ArchiveResults. */
#include "codec/xml.h"
#include "device/diagnostics.h"
#include "device/dm/client.h"

#define RESULTS "Device/Vendor/MSFT/DiagnosticLog/DiagnosticArchive/ArchiveResults"
#define E_HTTP 0x80190000u /* and the status: as Windows tells it */
#define E_UNREACHABLE 0x80072EFDu

enum { MAX_TRIES = 5, MAX_RESULTS = 65536 };

struct archive {
    struct td_dm *dm;
    struct td_arena *a;
    const char *id;
    struct td_xml *collection;
};

static enum td_code put(struct archive *ar, uint32_t *ret_hresult, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf zip;
    struct td_dm *dm = ar->dm;
    struct td_net_response answer = {0};
    td_buf_init(&zip, TD_DIAGNOSTICS_MAX);
    if (!dm->has_hw)
        td_try(td_hardware_of(dm->dev, &dm->arena, &dm->hw, err));
    dm->has_hw = true;
    td_try(td_diagnostics_zip(dm->dev, &dm->hw, NULL, &zip, err));
    const struct td_net_request req = {
        .method = "PUT",
        .url = td_arena_text(ar->a, td_xml_text_at(ar->collection, "SasUrl")),
        .headers = {"x-ms-blob-type: BlockBlob", "Content-Type: application/zip"},
        .body = td_buf_slice(&zip),
        .has_body = true,
    };
    *ret_hresult = E_UNREACHABLE;
    td_try(dm->net->send(dm->net->ctx, false, &req, ar->a, &answer, err));
    *ret_hresult = answer.status >= 200 && answer.status < 300 ? 0 : E_HTTP | (uint32_t)answer.status;
    if (answer.status == 429 || answer.status >= 500)
        return td_fail(err, TD_EUNAVAILABLE, "archive", "the service answers %d", answer.status);
    return TD_OK;
}

/* The Collection once more, with what came of each thing that was asked. */
static void tell(struct archive *ar, uint32_t hresult)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    struct td_xmlw w;
    const char *number = td_arena_printf(ar->a, "%d", (int32_t)hresult);
    td_buf_init(&text, MAX_RESULTS);
    td_xmlw_init(&w, &text);
    td_xmlw_open(&w, "Collection");
    td_xmlw_attr(&w, "HRESULT", number);
    td_xmlw_leaf(&w, "ID", ar->id);
    for (const struct td_xml *e = ar->collection->child; e != NULL; e = e->next) {
        if (strcmp(e->name, "ID") == 0 || strcmp(e->name, "SasUrl") == 0) /* the link opens a door */
            continue;
        td_xmlw_open(&w, e->name);
        td_xmlw_attr(&w, "HRESULT", number);
        td_xmlw_text(&w, td_xml_text(e));
        td_xmlw_close(&w);
    }
    td_xmlw_close(&w);
    if (!text.failed)
        td_csp_put(ar->dm->csp, RESULTS, "chr", td_arena_text(ar->a, td_buf_slice(&text)));
}

static enum td_code settle(struct archive *ar, uint32_t hresult, struct td_error *err)
{
    struct td_csp *csp = ar->dm->csp;
    tell(ar, hresult);
    td_csp_drop(csp, td_arena_printf(ar->a, "@archive/%s", ar->id));
    td_csp_drop(csp, td_arena_printf(ar->a, "@archive-tries/%s", ar->id));
    return td_csp_save(csp, err);
}

static enum td_code send_one(struct archive *ar, struct td_error *err)
{
    struct td_error why = {0};
    uint32_t hresult = TD_CSP_E_BADDATA;
    const char *tries = td_arena_printf(ar->a, "@archive-tries/%s", ar->id);
    int64_t n = td_csp_int(ar->dm->csp, tries, 0) + 1;
    enum td_code rc = put(ar, &hresult, &why);
    if (rc == TD_EUNAVAILABLE && n < MAX_TRIES) {
        td_device_say(ar->dm->dev, "manage", "archive %s could not be sent: %s", ar->id, why.text);
        td_csp_put_int(ar->dm->csp, tries, n);
        return td_csp_save(ar->dm->csp, err);
    }
    td_device_say(ar->dm->dev, "manage", "archive %s: %s", ar->id,
                  hresult == 0        ? "sent"
                  : *why.text != '\0' ? why.text
                                      : td_arena_printf(ar->a, "refused (0x%08x)", hresult));
    return settle(ar, hresult, err);
}

static enum td_code next(struct td_dm *dm, const char *after, struct td_arena *a, const char **ret_id,
                         struct td_error *err)
{
    struct archive ar = {.dm = dm, .a = a, .id = NULL};
    size_t at = 0;
    const char *key;
    while ((key = td_csp_each(dm->csp, "@archive/", &at)) != NULL && strcmp(key + strlen("@archive/"), after) <= 0)
        continue;
    *ret_id = "";
    if (key == NULL)
        return TD_OK;
    *ret_id = ar.id = td_arena_strdup(a, key + strlen("@archive/"));
    if (td_xml_parse(td_str(td_csp_value(dm->csp, key)), TD_CSP_MAX_VALUE, a, &ar.collection, NULL) == TD_OK)
        return send_one(&ar, err);
    td_csp_drop(dm->csp, td_arena_printf(a, "@archive/%s", ar.id)); /* was checked when it came */
    return TD_OK;
}

enum td_code td_dm_archives(struct td_dm *dm, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    if (dm->net->send == NULL || td_csp_unenrolled(dm->csp))
        return TD_OK;
    for (const char *id = "";;) {
        td_try(next(dm, id, &a, &id, err));
        if (*id == '\0')
            return TD_OK;
    }
}
