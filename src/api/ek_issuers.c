#include "api/ek_issuers.h"

#include "base/fault.h"
#include "connect/ek_fetch.h"
#include "crypto/bundle.h"
#include "crypto/cert.h"
#include "store/attestation.h"
#include "store/tenant.h"

enum { MORE_MAX = 8, HOPS_MAX = 3 };

struct hop {
    const struct td_service *svc;
    const char *tenant, *url, *wanted; /* wanted: the issuer's name */
    struct td_arena *a;
    int64_t deadline; /* monotonic, for all hops */
    struct td_slice kept, found;
    int64_t kept_at;
    bool allowed;
};

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct hop *h = ctx;
    const char *setting = "";
    td_try(td_tenant_get(tx, h->tenant, "ek-issuer-fetch", h->a, &setting, err));
    h->allowed = strcmp(setting, "on") == 0 || td_fault("ek-fetch-unasked");
    enum td_code rc = td_ek_issuer_find(tx, h->tenant, h->url, h->a, &h->kept, &h->kept_at, err);
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code keep(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct hop *h = ctx;
    return td_ek_issuer_keep(tx, h->tenant, h->url, h->found, err);
}

/* Of what came, the certificate that is asked for; PKCS#7 brings several. */
static bool pick(struct hop *h, struct td_slice octets)
{
    struct td_slice *ders = NULL;
    size_t n = 0;
    if (td_bundle_read(octets, h->a, &ders, &n, NULL) != TD_OK)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct td_cert c = {.is_ca = false};
        if (td_cert_parse(ders[i], h->a, &c, NULL) != TD_OK || !c.is_ca || strcmp(c.subject, h->wanted) != 0)
            continue;
        h->found = ders[i];
        return true;
    }
    return false;
}

static bool fetch(struct hop *h)
{
    struct td_slice octets = {0};
    int seconds = (int)((h->deadline - td_monotonic() + TD_SECOND - 1) / TD_SECOND);
    return seconds > 0 && h->svc->ek_fetch->get(h->svc->ek_fetch, h->url, seconds, h->a, &octets, NULL) == TD_OK &&
           pick(h, octets);
}

/* What was asked in vain is not asked again at once: callers without any credential bring the addresses. */
static bool find_issuer(struct hop *h)
{
    struct td_error lost = {.code = TD_OK};
    h->kept = h->found = (struct td_slice){0};
    h->kept_at = 0;
    if (td_store_read(h->svc->store, look, h, &lost) != TD_OK || !h->allowed)
        return false;
    int64_t fresh = h->kept.n != 0 ? TD_EK_ISSUER_FRESH : TD_EK_ISSUER_IN_VAIN;
    bool ask = h->kept_at == 0 || td_now(h->svc->env) - h->kept_at >= fresh;
    if (!ask || !fetch(h))
        h->found = h->kept;
    if (ask)
        td_ignore(td_store_write(h->svc->store, keep, h, &lost)); /* it serves this time all the same */
    return h->found.n != 0;
}

/* The last certificate of the way from the device that is known: whose issuer is missing. */
static struct td_slice last_known(struct td_slice ek, const struct td_slice *list, size_t n, struct td_arena *a)
{
    struct td_slice at = ek;
    for (size_t hops = 0; hops <= n; hops++) {
        struct td_ek_cert below = {.issuer = ""};
        struct td_cert above = {.subject = ""};
        bool on = false;
        if (td_ek_cert_read(at, a, &below, NULL) != TD_OK)
            return at;
        td_ek_cert_done(&below);
        for (size_t i = 0; i < n && !on; i++) {
            on = td_cert_parse(list[i], a, &above, NULL) == TD_OK && strcmp(above.subject, below.issuer) == 0 &&
                 strcmp(above.issuer, above.subject) != 0;
            at = on ? list[i] : at;
        }
        if (!on)
            return at;
    }
    return at;
}

enum td_code td_ek_issuers_chain(const struct td_service *svc, const char *tenant, const struct td_ek_chain *c,
                                 struct td_arena *a, struct td_error *err)
{
    struct td_slice more[MORE_MAX];
    size_t n = TD_MIN(c->more_count, (size_t)MORE_MAX);
    struct hop h = {.svc = svc, .tenant = tenant, .a = a};
    for (size_t i = 0; i < n; i++)
        more[i] = c->more[i];
    h.deadline = td_monotonic() + TD_EK_FETCH_SECONDS * TD_SECOND;
    for (int hops = 0;; hops++) {
        enum td_code rc = td_ek_cert_chain(c->ek, c->anchors, c->anchor_count, more, n, td_now(svc->env), NULL, err);
        if (rc != TD_EAUTH || svc->ek_fetch == NULL || hops == HOPS_MAX || n == MORE_MAX || c->anchor_count == 0)
            return rc;
        struct td_ek_cert at = {.issuer_url = ""};
        if (td_ek_cert_read(last_known(c->ek, more, n, a), a, &at, NULL) != TD_OK)
            return rc;
        h.url = at.issuer_url;
        h.wanted = at.issuer;
        td_ek_cert_done(&at);
        if (at.self_signed || h.url[0] == '\0' || strlen(h.url) > TD_EK_FETCH_URL_MAX || !find_issuer(&h))
            return rc;
        more[n++] = h.found;
    }
}
