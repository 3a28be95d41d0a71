/* The terms of use of the management service (mde2.md 2.3): shown before the enrolment when the directory names a page.
 */
#include "device/browser.h"
#include "device/tokens.h"
#include "device/web.h"

static const char redirect[] = "ms-appx-web://Microsoft.AAD.BrokerPlugin/ToUResponse";

static const char *terms_url(struct td_flow *f, const char *page, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf q;
    td_buf_init(&q, 4096);
    td_form_add(&q, "redirect_uri", redirect);
    td_form_add(&q, "client-request-id", td_uuid_arena(f->dev->env, a));
    td_form_add(&q, "api-version", "1.0");
    td_form_add(&q, "mode", "azureadjoin");
    return td_arena_printf(a, "%s%c%s", page, strchr(page, '?') != NULL ? '&' : '?', q.p);
}

enum td_code td_flow_terms(struct td_flow *f, const char *token, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *page = td_flow_get(f, "signin.mdm_terms_url");
    if (page[0] == '\0' || td_flow_get(f, "enrol.data")[0] != '\0')
        return TD_OK;
    struct td_browser b = {.flow = f, .arena = &a, .what = "terms of use", .redirect = redirect, .token = token};
    td_try(td_browse(&b, terms_url(f, page, &a), err));
    const char *accepted = td_form_get(b.answer, "IsAccepted", &a), *blob = td_form_get(b.answer, "OpaqueBlob", &a);
    const char *error = td_form_get(b.answer, "error", &a);
    const char *text = td_form_get(b.answer, "error_description", &a);
    if (error != NULL)
        return td_fail(err, TD_EDENIED, "terms of use", "%s: %s", error, text != NULL ? text : "");
    if (accepted == NULL || !td_ieqs(td_str(accepted), "true"))
        return td_fail(err, TD_EDENIED, "terms of use", "they were not accepted");
    if (blob == NULL || blob[0] == '\0')
        return td_fail(err, TD_EFORMAT, "terms of use", "accepted without OpaqueBlob");
    td_device_say(f->dev, "page", "terms of use: accepted");
    return td_flow_keep(f, "enrol.data", blob, err);
}
