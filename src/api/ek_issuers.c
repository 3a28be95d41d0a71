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
    bool allowed, asked;
};

struct fetched { /* what one chain needed */
    const struct td_ek_chain *c;
    struct td_slice more[MORE_MAX];
    size_t count; /* of more */
    struct hop hops[HOPS_MAX];
    size_t hop_count;
    int64_t now;
    bool led;
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

static bool leads(const struct fetched *f, struct td_slice der)
{
    return td_ek_cert_chain(der, f->c->anchors, f->c->anchor_count, f->more, f->count, f->now, NULL, NULL) == TD_OK;
}

static enum td_code keep(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct fetched *f = ctx;
    for (size_t i = 0; i < f->hop_count; i++) {
        const struct hop *h = &f->hops[i];
        if (h->asked)
            td_try(td_ek_issuer_keep(tx, h->tenant, h->url, f->led ? h->found : h->kept, err));
    }
    return TD_OK;
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

static enum td_code fetch(struct hop *h)
{
    struct td_slice octets = {0};
    int seconds = (int)((h->deadline - td_monotonic() + TD_SECOND - 1) / TD_SECOND);
    if (seconds <= 0)
        return TD_ESTATE;
    td_try(h->svc->ek_fetch->get(h->svc->ek_fetch, h->url, seconds, h->a, &octets, NULL));
    return pick(h, octets) ? TD_OK : TD_ENOTFOUND;
}

/* What was asked in vain is not asked again at once: callers without any credential bring the addresses. That nobody
 * had time to ask says nothing of the address. */
static bool find_issuer(struct hop *h)
{
    struct td_error lost = {.code = TD_OK};
    if (td_store_read(h->svc->store, look, h, &lost) != TD_OK || !h->allowed)
        return false;
    int64_t fresh = h->kept.n != 0 ? TD_EK_ISSUER_FRESH : TD_EK_ISSUER_IN_VAIN;
    bool ask = h->kept_at == 0 || td_now(h->svc->env) - h->kept_at >= fresh;
    enum td_code rc = ask ? fetch(h) : TD_ENOTFOUND;
    if (rc != TD_OK)
        h->found = h->kept;
    h->asked = ask && (rc != TD_ESTATE || td_fault("ek-fetch-busy-in-vain"));
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

/* Fetches the next missing link; false: there is none to be had. */
static bool add_link(const struct td_service *svc, const char *tenant, struct fetched *f, int64_t deadline,
                     struct td_arena *a)
{
    struct td_ek_cert at = {.issuer_url = ""};
    if (svc->ek_fetch == NULL || f->hop_count == HOPS_MAX || f->count == MORE_MAX || f->c->anchor_count == 0 ||
        td_ek_cert_read(last_known(f->c->ek, f->more, f->count, a), a, &at, NULL) != TD_OK)
        return false;
    td_ek_cert_done(&at);
    if (at.self_signed || at.issuer_url[0] == '\0' || strlen(at.issuer_url) > TD_EK_FETCH_URL_MAX)
        return false;
    for (size_t i = 0; i < f->hop_count; i++)
        if (strcmp(f->hops[i].url, at.issuer_url) == 0) /* what it gave did not lead on */
            return false;
    struct hop *h = &f->hops[f->hop_count++];
    *h = (struct hop){
        .svc = svc, .tenant = tenant, .url = at.issuer_url, .wanted = at.issuer, .a = a, .deadline = deadline};
    if (!find_issuer(h))
        return false;
    f->more[f->count++] = h->found;
    return true;
}

/* Strangers bring chains, certificates and addresses of their own: what they name must not drive out, nor close for a
 * while, what is of use. So a link is kept once a whole chain led over it; one that would lead, but stood in a chain
 * that did not, is neither kept nor noted as asked in vain. */
static bool is_to_note(struct fetched *f)
{
    bool any = false;
    for (size_t i = 0; i < f->hop_count; i++) {
        f->hops[i].asked = f->hops[i].asked && (f->led || !leads(f, f->hops[i].found));
        any = any || f->hops[i].asked;
    }
    return any;
}

enum td_code td_ek_issuers_chain(const struct td_service *svc, const char *tenant, const struct td_ek_chain *c,
                                 struct td_arena *a, struct td_error *err)
{
    struct fetched f = {.c = c, .count = TD_MIN(c->more_count, (size_t)MORE_MAX), .now = td_now(svc->env)};
    struct td_error lost = {.code = TD_OK};
    int64_t deadline = td_monotonic() + TD_EK_FETCH_SECONDS * TD_SECOND;
    enum td_code rc = TD_EAUTH;
    for (size_t i = 0; i < f.count; i++)
        f.more[i] = c->more[i];
    do
        rc = td_ek_cert_chain_by(svc->ek_links, c->ek, c->anchors, c->anchor_count, f.more, f.count, f.now, NULL, err);
    while (rc == TD_EAUTH && add_link(svc, tenant, &f, deadline, a));
    f.led = rc == TD_OK || td_fault("ek-fetch-keeps-all");
    if (is_to_note(&f))
        td_ignore(td_store_write(svc->store, keep, &f, &lost)); /* it serves this time all the same */
    return rc;
}
