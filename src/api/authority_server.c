/* The service's own certificate: DIR/server.pem holds key, leaf and intermediate in one file, so that they never part.
 */
#include "api/authority_in.h"
#include "base/file.h"
#include "store/certificate.h"

enum { NAMES_MAX = 64, FILE_MAX = 65536 };

static const int64_t lifetime = 397 * TD_DAY, renew_before = 60 * TD_DAY;

/* "[::1]:8443", "host:8443,people", "host" without what is not the name. */
static const char *bare_name(struct td_arena *a, const char *name)
{
    struct td_slice s = td_str(name);
    s = td_sub(s, 0, TD_MIN(td_find(s, ','), s.n));
    if (s.n != 0 && s.p[0] == '[')
        s = td_sub(s, 1, TD_MIN(td_find(s, ']'), s.n) - 1);
    else if (td_find(s, ':') != SIZE_MAX && td_find(td_sub(s, td_find(s, ':') + 1, s.n), ':') == SIZE_MAX)
        s = td_sub(s, 0, td_find(s, ':'));
    char *out = td_arena_text(a, s);
    td_lower(out);
    return out;
}

static bool among(const char *const *names, const char *name)
{
    for (size_t i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* The names asked for and those that are always in it (contract section 2), each once. */
static enum td_code all_names(const char *const *asked, struct td_arena *a, const char ***ret, struct td_error *err)
{
    static const char *const always[] = {"localhost", "127.0.0.1", "::1"};
    const char **out = td_arena_array(a, const char *, NAMES_MAX + 1);
    size_t n = 0;
    for (size_t i = 0; asked != NULL && asked[i] != NULL; i++) {
        const char *name = bare_name(a, asked[i]);
        if (name[0] == '\0' || among(out, name))
            continue;
        if (n == NAMES_MAX - TD_COUNTOF(always))
            return td_fail(err, TD_ELIMIT, "--name", "more than %zu names", NAMES_MAX - TD_COUNTOF(always));
        out[n++] = name;
    }
    for (size_t i = 0; i < TD_COUNTOF(always); i++)
        if (!among(out, always[i]))
            out[n++] = always[i];
    *ret = out;
    return TD_OK;
}

/* Still good for all names, for a while, from our authority, and the key fits. */
static bool usable(const struct td_service *svc, struct td_slice file, const char *const *names, struct td_arena *a,
                   struct td_slice *ret_leaf)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    TD_CLEANUP(td_key_cleanup) struct td_key *certified = NULL;
    const struct td_issuer *by = &svc->authority->issuers[TD_PURPOSE_SERVER];
    struct td_cert cert;
    int64_t now = td_now(svc->env);
    if (td_cert_from_pem(file, a, ret_leaf, NULL) != TD_OK || td_cert_parse(*ret_leaf, a, &cert, NULL) != TD_OK ||
        td_key_from_private_pem(file, &key, NULL) != TD_OK || td_cert_public_key(*ret_leaf, &certified, NULL) != TD_OK)
        return false;
    for (size_t i = 0; names[i] != NULL; i++)
        if (!among(cert.dns_names, names[i]))
            return false;
    return td_key_same_public(key, certified) && now < cert.not_after - renew_before &&
           td_cert_check_chain(*ret_leaf, by->der, svc->authority->root, now, TD_EKU_SERVER, NULL) == TD_OK;
}

static enum td_code record(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_cert_record(tx, ctx, err);
}

static enum td_code remember(struct td_service *svc, struct td_slice der, const char *name, struct td_arena *a,
                             struct td_error *err)
{
    struct td_cert cert;
    td_try(td_cert_parse(der, a, &cert, err));
    struct td_cert_row row = {.tenant = "",
                              .purpose = td_purpose_words[TD_PURPOSE_SERVER],
                              .subject = name,
                              .serial = cert.serial,
                              .not_after = cert.not_after};
    memcpy(row.sha256, cert.sha256, sizeof(row.sha256));
    return td_store_write(svc->store, record, &row, err);
}

static enum td_code make(struct td_service *svc, const char *const *names, struct td_arena *a, struct td_buf *out,
                         struct td_slice *ret_leaf, struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_rdn subject[] = {{"CN", strlen(names[0]) <= 64 ? names[0] : "localhost"}};
    struct td_cert_template t = {.subject = subject, .subject_count = 1, .dns_names = names};
    char *pem = NULL;
    td_try(td_key_generate(TD_KEY_P256, &key, err));
    td_try(td_key_public_der(key, a, &t.spki));
    t.not_before = td_now(svc->env) - TD_HOUR;
    t.not_after = td_now(svc->env) + lifetime;
    td_try(td_authority_issue(svc, TD_PURPOSE_SERVER, &t, a, ret_leaf, err));
    td_try(remember(svc, *ret_leaf, subject[0].value, a, err));
    td_try(td_key_private_pem(key, a, &pem));
    td_buf_adds(out, pem);
    td_wipe(pem, strlen(pem));
    td_buf_adds(out, td_cert_pem(*ret_leaf, a));
    td_buf_adds(out, td_cert_pem(svc->authority->issuers[TD_PURPOSE_SERVER].der, a));
    return td_buf_check(out, "server.pem", err);
}

enum td_code td_authority_server_pem(struct td_service *svc, const char *const *names, struct td_arena *a,
                                     char **ret_chain, char **ret_key, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf file;
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    const char **wanted = NULL;
    struct td_slice leaf = TD_S("");
    const char *path = td_arena_printf(a, "%s/server.pem", svc->data_dir);
    td_buf_init(&file, FILE_MAX);
    td_try(all_names(names, a, &wanted, err));
    if (td_file_read(path, &file, NULL) != TD_OK || !usable(svc, td_buf_slice(&file), wanted, a, &leaf)) {
        td_buf_wipe(&file);
        td_try(make(svc, wanted, a, &file, &leaf, err));
        td_try(td_file_write(path, td_buf_slice(&file), 0600, err));
    }
    td_try(td_key_from_private_pem(td_buf_slice(&file), &key, err));
    td_try(td_key_private_pem(key, a, ret_key));
    *ret_chain = td_arena_printf(a, "%s%s", td_cert_pem(leaf, a),
                                 td_cert_pem(svc->authority->issuers[TD_PURPOSE_SERVER].der, a));
    return TD_OK;
}
