/* The item of kind domain-join: which domain, where in it, under which name (autopilot.md 3.2, graph-api.md 1.7). It
 * makes no command by itself: the account is made by a connector and its blob handed out by the session. */
#include "policy/item_read.h"
#include "way/domain_join.h"
#include "way/names.h"

#include <ctype.h>
#include <stdio.h>

enum { MAX_DOMAIN = 253, MAX_OU = 1024, MAX_TEMPLATE = 64 };

/* The next part of a distinguished name: up to a comma that no backslash guards. */
static struct td_slice next_part(struct td_slice *rest)
{
    size_t end = 0;
    while (end < rest->n && rest->p[end] != ',')
        end += rest->p[end] == '\\' && end + 1 < rest->n ? 2 : 1;
    end = TD_MIN(end, rest->n);
    struct td_slice part = td_sub(*rest, 0, end);
    *rest = end < rest->n ? td_sub(*rest, end + 1, rest->n) : td_sub(*rest, end, end);
    return td_trim(part);
}

/* What stands behind "DC=" and the like; false if the part begins with another word. */
static bool value_of(struct td_slice part, const char *word, struct td_slice *ret)
{
    size_t equals = td_find(part, '=');
    if (equals == SIZE_MAX || !td_ieqs(td_trim(td_sub(part, 0, equals)), word))
        return false;
    *ret = td_trim(td_sub(part, equals + 1, part.n));
    return ret->n != 0;
}

/* OU=...,OU=...,DC=corp,DC=contoso,DC=test: units or containers, then the labels of the domain and nothing else. */
static bool is_unit_of(const char *ou, const char *domain)
{
    struct td_slice rest = td_str(ou), labels = td_str(domain), label, value;
    size_t units = 0;
    bool below = false;
    if (td_ends(rest, ","))
        return false;
    while (rest.n != 0) {
        struct td_slice part = next_part(&rest);
        if (!below && (value_of(part, "OU", &value) || value_of(part, "CN", &value))) {
            units++;
            continue;
        }
        below = true;
        labels = td_cut(labels, '.', &label);
        if (!value_of(part, "DC", &value) || !td_ieq(value, label))
            return false;
    }
    return units != 0 && below && labels.n == 0;
}

static enum td_code read_place(struct td_item_reader *r, struct td_item_domain_join *d)
{
    td_try(td_item_text(r, "domain", MAX_DOMAIN, true, &d->domain));
    if (!td_item_is_dns_name(d->domain, 2))
        return td_remedy(r->err, td_fail(r->err, TD_EINVAL, "domain", "is no DNS name of a domain"),
                         "Give the whole name, such as corp.contoso.test, not the short one.");
    td_try(td_item_text(r, "organizationalUnit", MAX_OU, false, &d->ou));
    if (d->ou[0] != '\0' && !is_unit_of(d->ou, d->domain))
        return td_remedy(
            r->err,
            td_fail(r->err, TD_EINVAL, "organizationalUnit", "is no organizational unit of the domain %s", d->domain),
            "Give its distinguished name with the domain's DC parts, such as OU=Devices,DC=corp,DC=contoso,DC=test, or "
            "leave it out for the default container.");
    return TD_OK;
}

static bool is_prefix(const char *text)
{
    bool letter = false;
    for (const char *c = text; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && *c != '-')
            return false;
        letter = letter || isalpha((unsigned char)*c);
    }
    return letter && text[0] != '-';
}

static enum td_code read_prefix(struct td_item_reader *r, struct td_item_domain_join *d)
{
    td_try(td_item_text(r, "namePrefix", TD_NAME_MAX - 1, true, &d->prefix));
    if (!is_prefix(d->prefix))
        return td_fail(r->err, TD_EINVAL, "namePrefix",
                       "must be letters, digits and hyphens with at least one letter, no hyphen first");
    int room = TD_NAME_MAX - (int)strlen(d->prefix);
    td_try(td_item_int(r, "nameRandom", room, 1, room, &d->random));
    d->pattern = td_arena_printf(r->arena, "%s%%MIX:%d%%", d->prefix, d->random);
    return TD_OK;
}

static enum td_code read_name(struct td_item_reader *r, struct td_item_domain_join *d)
{
    const char *template;
    td_try(td_item_text(r, "nameTemplate", MAX_TEMPLATE, false, &template));
    td_try(td_item_bool(r, "oneDevice", false, &d->one_device));
    d->prefix = "";
    if (template[0] == '\0')
        return read_prefix(r, d);
    if (td_json_get(r->json, "namePrefix") != NULL || td_json_get(r->json, "nameRandom") != NULL)
        return td_fail(r->err, TD_EINVAL, "nameTemplate", "stands instead of namePrefix and nameRandom");
    if (td_name_check(td_str(template), r->err) != TD_OK) {
        if (r->err != NULL)
            (void)snprintf(r->err->where, sizeof(r->err->where), "nameTemplate");
        return TD_EINVAL;
    }
    if (!d->one_device && strchr(template, '%') == NULL)
        return td_remedy(r->err, td_fail(r->err, TD_EINVAL, "nameTemplate", "gives every device the same name"),
                         "Put %%SERIAL%% or %%RAND:n%% into it, or say \"oneDevice\": true where one device has it.");
    d->pattern = template;
    return TD_OK;
}

static enum td_code read_reuse(struct td_item_reader *r, struct td_item_domain_join *d)
{
    td_try(td_item_text(r, "reuse", 8, false, &d->reuse));
    if (d->reuse[0] == '\0')
        d->reuse = "own";
    return td_domain_reuse_parse(d->reuse) != TD_REUSE_COUNT
               ? TD_OK
               : td_fail(r->err, TD_EINVAL, "reuse", "must be never, own or any");
}

enum td_code td_item_read_domain_join(struct td_item_reader *r)
{
    struct td_item_domain_join *d = &r->item->as.domain_join;
    if (r->item->user)
        return td_fail(r->err, TD_EINVAL, "scope", "the domain join is the device's");
    td_try(read_place(r, d));
    td_try(read_name(r, d));
    td_try(read_reuse(r, d));
    return td_item_ids(r, "networkAccess", TD_ITEM_MAX_NETWORK_ACCESS, &d->network, &d->network_count);
}

void td_item_write_domain_join(struct td_jsonw *w, const struct td_item_domain_join *d)
{
    td_jsonw_kstr(w, "domain", d->domain);
    td_jsonw_kstr(w, "organizationalUnit", d->ou);
    if (d->prefix[0] != '\0') {
        td_jsonw_kstr(w, "namePrefix", d->prefix);
        td_jsonw_kint(w, "nameRandom", d->random);
    } else {
        td_jsonw_kstr(w, "nameTemplate", d->pattern);
    }
    if (d->one_device)
        td_jsonw_kbool(w, "oneDevice", true);
    td_jsonw_kstr(w, "reuse", d->reuse);
    td_item_write_ids(w, "networkAccess", (const char *const *)d->network, d->network_count);
}
