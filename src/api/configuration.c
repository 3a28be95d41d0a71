#include "api/configuration.h"

#include "base/encode.h"
#include "crypto/cert.h"
#include "policy/conflict.h"

static char *seal_label(struct td_arena *a, const char *tenant, const char *id)
{
    return td_arena_printf(a, "configuration/%s/%s", tenant, id);
}

static bool is_root(const struct td_json *json)
{
    const char *kind = td_json_str(json, "kind");
    return kind != NULL && strcmp(kind, "root-certificate") == 0;
}

/* {"certificate": PEM or base64} becomes {"thumbprint", "certificate": base64}. */
static enum td_code complete_root(const struct td_json *json, struct td_arena *a, const struct td_json **ret,
                                  struct td_error *err)
{
    const char *text = td_json_str(json, "certificate");
    struct td_slice der;
    struct td_cert cert;
    struct td_buf b;
    struct td_jsonw w;
    struct td_json *completed;
    if (text == NULL)
        return td_fail(err, TD_EINVAL, "certificate", "is missing");
    bool pem = td_search(td_str(text), TD_S("-----BEGIN")) != SIZE_MAX;
    enum td_code rc = pem ? td_cert_from_pem(td_str(text), a, &der, err)
                          : td_b64_decode(a, td_str(text), TD_B64_STD | TD_B64_SPACES, &der);
    if (rc != TD_OK || td_cert_parse(der, a, &cert, err) != TD_OK)
        return td_fail(err, TD_EINVAL, "certificate", "is no certificate in PEM or base64");
    td_buf_init(&b, TD_ITEM_MAX);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    for (const struct td_json *m = json->child; m != NULL; m = m->next) {
        if (strcmp(m->name, "certificate") == 0 || strcmp(m->name, "thumbprint") == 0)
            continue;
        td_jsonw_key(&w, m->name);
        td_jsonw_tree(&w, m);
    }
    td_jsonw_kstr(&w, "thumbprint", cert.sha1);
    td_jsonw_kstr(&w, "certificate", td_b64(a, der));
    td_jsonw_end(&w);
    rc = td_json_parse(td_buf_slice(&b), TD_ITEM_MAX, a, &completed, err);
    td_buf_done(&b);
    if (rc == TD_OK)
        *ret = completed;
    return rc;
}

static char *normalised(const struct td_item *item, bool with_secrets, struct td_arena *a)
{
    struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, (size_t)TD_ITEM_MAX * 2);
    td_jsonw_init(&w, &b);
    td_item_write(&w, item, with_secrets);
    char *text = td_arena_text(a, td_buf_slice(&b));
    td_buf_wipe(&b);
    return text;
}

enum td_code td_configuration_make(const struct td_master *master, const struct td_env *env, const char *tenant,
                                   const char *id, const char *name, const struct td_json *json, struct td_arena *a,
                                   struct td_configuration *ret, struct td_error *err)
{
    struct td_item item;
    if (is_root(json))
        td_try(complete_root(json, a, &json, err));
    td_try(td_item_parse(json, a, &item, err));
    *ret = (struct td_configuration){.name = name, .kind = td_item_word(item.kind), .sealed = TD_S("")};
    ret->id = id[0] != '\0' ? id : td_uuid_arena(env, a);
    ret->body = normalised(&item, false, a);
    if (!td_item_has_secret(item.kind))
        return TD_OK;
    char *whole = normalised(&item, true, a);
    enum td_code rc = td_seal(master, env, seal_label(a, tenant, ret->id), td_str(whole), a, &ret->sealed);
    td_wipe(whole, strlen(whole));
    return rc == TD_OK ? TD_OK : td_fail(err, rc, "item", "could not be sealed");
}

static bool may_conflict(const struct td_configuration *c)
{
    return strcmp(c->kind, td_item_word(TD_ITEM_KIOSK)) == 0 || strcmp(c->kind, td_item_word(TD_ITEM_POLICY)) == 0;
}

size_t td_configuration_conflicts(const struct td_configuration *rows, size_t count, struct td_arena *a,
                                  const char *const **ret)
{
    const struct td_master none = {0}; /* neither kind has secrets */
    struct td_item *items = td_arena_array(a, struct td_item, count + 1);
    const char **lines = td_arena_array(a, const char *, TD_CONFLICTS_MAX);
    struct td_conflict c;
    size_t n = 0, found = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        if (may_conflict(&rows[i]) && td_configuration_open(&none, "", &rows[i], a, &items[n], NULL) == TD_OK)
            n++;
    while (found < TD_CONFLICTS_MAX && td_conflict_next(items, n, &at, &c))
        lines[found++] = td_arena_printf(a, "the kiosk %s and %s%s%s: %s", c.kiosk->name, c.other->name,
                                         c.uri[0] != '\0' ? ": " : "", c.uri, c.why);
    *ret = lines;
    return found;
}

enum td_code td_configuration_open(const struct td_master *master, const char *tenant,
                                   const struct td_configuration *row, struct td_arena *a, struct td_item *ret,
                                   struct td_error *err)
{
    struct td_slice text = td_str(row->body);
    struct td_json *json;
    if (row->sealed.n != 0)
        td_try(td_unseal(master, seal_label(a, tenant, row->id), row->sealed, a, &text, err));
    td_try(td_json_parse(text, (size_t)TD_ITEM_MAX * 2, a, &json, err));
    td_try(td_item_parse(json, a, ret, err));
    ret->id = row->id;
    ret->name = row->name;
    ret->revision = row->revision;
    return TD_OK;
}
