/* The item of kind co-management: Configuration Manager's client as a package with its parameters, and which workloads
 * are this service's (autopilot.md S09). */
#include "policy/item_read.h"
#include "policy/workload.h"

enum { MAX_PARAMETERS = 900, MAX_ID = 64 };

static enum td_code read_workloads(struct td_item_reader *r, struct td_item_co_management *c)
{
    const struct td_json *list = td_json_get(r->json, "workloads");
    c->workloads = list == NULL ? TD_WORKLOAD_ALL : 0;
    if (list != NULL && list->type != TD_JSON_ARRAY)
        return td_fail(r->err, TD_EINVAL, "workloads", "must be a list");
    for (const struct td_json *one = list != NULL ? list->child : NULL; one != NULL; one = one->next) {
        const char *word = NULL;
        unsigned bits = 0;
        for (size_t i = 0; one->type == TD_JSON_STRING && (word = td_workload_word(i, &bits)) != NULL; i++)
            if (strcmp(word, one->str) == 0)
                break;
        if (word == NULL)
            return td_fail(r->err, TD_EINVAL, "workloads",
                           "must be of compliance, resource-access, device-configuration, windows-update, "
                           "endpoint-protection, client-apps and office");
        c->workloads |= bits;
    }
    return TD_OK;
}

/* They stand in quotes on the installer's command line: CCMSETUPCMD="...". */
static bool fits_in_quotes(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == '"')
            return false;
    return true;
}

enum td_code td_item_read_co_management(struct td_item_reader *r)
{
    struct td_item_co_management *c = &r->item->as.co_management;
    if (r->item->user)
        return td_fail(r->err, TD_EINVAL, "scope", "co-management is the device's");
    td_try(td_item_text(r, "client", MAX_ID, false, &c->client));
    td_try(td_item_text(r, "parameters", MAX_PARAMETERS, false, &c->parameters));
    if (!fits_in_quotes(c->parameters))
        return td_fail(r->err, TD_EINVAL, "parameters", "must not hold quotes or control characters");
    if (c->parameters[0] != '\0' && c->client[0] == '\0')
        return td_fail(r->err, TD_EINVAL, "parameters", "are the client's, which is not named");
    td_try(td_item_int(r, "timeoutMinutes", 60, 1, 1440, &c->timeout_minutes));
    return read_workloads(r, c);
}

void td_item_write_co_management(struct td_jsonw *w, const struct td_item_co_management *c)
{
    const char *word;
    unsigned bits;
    if (c->client[0] != '\0')
        td_jsonw_kstr(w, "client", c->client);
    if (c->parameters[0] != '\0')
        td_jsonw_kstr(w, "parameters", c->parameters);
    td_jsonw_kint(w, "timeoutMinutes", c->timeout_minutes);
    td_jsonw_key(w, "workloads");
    td_jsonw_arr(w);
    for (size_t i = 0; (word = td_workload_word(i, &bits)) != NULL; i++)
        if ((c->workloads & bits) == bits)
            td_jsonw_str(w, word);
    td_jsonw_arr_end(w);
}
